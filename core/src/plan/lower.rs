//! Turns a plan into the flat list of raw system calls that both sides walk.

use super::arg::{Arg, Fd, Record, Slot, Text};
use super::call::Call;
use super::step::{Plan, Side};
use crate::sys::abi::MountAttr;
use crate::sys::program::{self, Ask, Keep, Patch, Program, RawArg, RawClone, RawStep};

/// Prepares every step of a plan.
pub(crate) fn lower(plan: &Plan) -> Program {
    let mut program = Program::with_capacity(plan.steps.len(), plan.slots.len());
    for step in &plan.steps {
        let (ask, keep) = lower_call(&step.call, &mut program);
        program.steps.push(RawStep {
            side: match step.side {
                Side::Caller => program::Side::Caller,
                Side::Container => program::Side::Container,
            },
            ask,
            keep,
            tolerate: step.tolerate,
            nonzero: matches!(step.call, Call::Read { len: 1, .. }),
        });
    }
    program
}

fn lower_call(call: &Call, program: &mut Program) -> (Ask, Keep) {
    match call {
        Call::AwaitExec => return (Ask::AwaitExec, Keep::Nothing),
        Call::Ready => return (Ask::Ready, Keep::Nothing),
        Call::AwaitReady => return (Ask::AwaitReady, Keep::Nothing),
        Call::Clone { clone3, flags, pid, pidfd, second } => {
            let pidfd = pidfd.map(|slot| usize::from(slot.0));
            let how =
                RawClone { clone3: *clone3, flags: *flags, pid: usize::from(pid.0), pidfd, second: *second };
            return (Ask::Clone(how), Keep::Nothing);
        }
        _ => {}
    }
    let signature = call.signature();
    let mut keep = signature.keep.map_or(Keep::Nothing, |slot| Keep::Result(usize::from(slot.0)));
    let args = signature.args.map(|arg| match arg {
        None => RawArg::Value(0),
        Some(Arg::Pair(first, second)) => {
            let data = program.space(8);
            keep = Keep::Pair { data, first: usize::from(first.0), second: usize::from(second.0) };
            RawArg::Data(data)
        }
        Some(arg) => lower_arg(arg, program),
    });
    (Ask::Call { number: signature.number, args }, keep)
}

fn lower_arg(arg: Arg<'_>, program: &mut Program) -> RawArg {
    match arg {
        Arg::Int(value) => RawArg::Value(value as u64),
        Arg::Octal(mode) => RawArg::Value(u64::from(mode)),
        Arg::Device(major, minor) => RawArg::Value(libc::makedev(major, minor)),
        Arg::Flags(value, _) | Arg::One(value, _) => RawArg::Value(value),
        Arg::Fd(Fd::Cwd) => RawArg::Value(i64::from(libc::AT_FDCWD) as u64),
        Arg::Fd(Fd::Number(fd)) => RawArg::Value(i64::from(fd) as u64),
        Arg::Fd(Fd::Slot(Slot(slot))) => RawArg::Slot(usize::from(slot)),
        Arg::Null | Arg::Pair(..) => RawArg::Value(0),
        Arg::Str(text) => RawArg::Data(program.text(text)),
        Arg::Text(Text::Plain(text)) => RawArg::Data(program.text(text)),
        Arg::Text(Text::Slotted { before, slot, after }) => {
            // Room for the number: ten digits suffice for a descriptor or a process id.
            let data = program.space(before.len() + 10 + after.len() + 1);
            program.overwrite(data, before.as_bytes());
            let tail = program.text(after);
            let form = Patch::Digits { tail, len: after.len() + 1 };
            RawArg::Patched { data, at: data + before.len(), slot: usize::from(slot.0), form }
        }
        Arg::Strings(strings) | Arg::Counted(strings) => RawArg::Data(program.strings(strings)),
        Arg::Ids(ids) => {
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_ne_bytes()).collect();
            RawArg::Data(program.bytes(&bytes))
        }
        Arg::Room(len) => RawArg::Data(program.space(len)),
        Arg::Record(record) => lower_record(record, program),
    }
}

fn lower_record(record: Record, program: &mut Program) -> RawArg {
    let words = |program: &mut Program, words: &[u64]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        program.bytes(&bytes)
    };
    RawArg::Data(match record {
        Record::MountAttr { set, clear, propagation, userns } => {
            let data = words(program, &[set, clear, propagation, 0]);
            if let Some(slot) = userns {
                let at = data + std::mem::offset_of!(MountAttr, userns_fd);
                return RawArg::Patched { data, at, slot: usize::from(slot.0), form: Patch::Word };
            }
            data
        }
        Record::Limit { soft, hard } => words(program, &[soft, hard]),
        Record::Signals(set) => words(program, &[set]),
        // The kernel's struct sigaction: handler (SIG_DFL is 0), flags, restorer, mask.
        Record::DefaultAction => words(program, &[0; 4]),
        Record::Interface { name, flags } => {
            let mut request = [0u8; 40];
            request[..name.len()].copy_from_slice(name.as_bytes());
            request[16..18].copy_from_slice(&flags.to_ne_bytes());
            program.bytes(&request)
        }
        Record::CapHeader => words(program, &[u64::from(crate::sys::abi::LINUX_CAPABILITY_VERSION_3)]),
        Record::Capabilities(mask) => {
            let (low, high) = (mask as u32, (mask >> 32) as u32);
            let sets = [low, low, 0, high, high, 0];
            let bytes: Vec<u8> = sets.iter().flat_map(|word| word.to_ne_bytes()).collect();
            program.bytes(&bytes)
        }
    })
}
