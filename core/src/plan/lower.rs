//! Turns a plan into the flat lists of raw system calls that both sides walk.

use std::net::{IpAddr, SocketAddr};

use super::arg::{Arg, Fd, INIT_NAME, Record, Slot, Slotted, Text};
use super::call::{Call, Maker, Resolver};
use super::step::{Plan, Side, Step, Tolerate};
use crate::sys::abi::{self, MountAttr};
use crate::sys::block::Block;
use crate::sys::program::Program;
use crate::sys::step::{
    self, Ask, Expects, Keep, NO_PATCH, NO_RESOLVER, NO_SLOT, Patch, RawAddress, RawArg, RawClone, RawStep,
    TOLERATED, Then,
};

/// A plan's steps, prepared for whoever walks them.
#[derive(Debug)]
pub(crate) struct Lowered {
    /// What the caller walks, and its child while they share memory.
    pub caller: Program,
    /// The steps from `first` on, as init walks them; none where it takes no part.
    pub init: Program,
    pub first: usize,
}

impl Lowered {
    /// What a step that reads left in its room, in the memory of whoever performed it.
    pub(crate) fn read(&self, block: &Block, index: usize, len: usize) -> Vec<u8> {
        let step = &self.caller.steps[index];
        let Ask::Call { args: [_, RawArg::Data(at), ..], .. } = step.ask else { return Vec::new() };
        if index >= self.first && step.side == step::Side::Container {
            block.read_data(at as usize, len)
        } else {
            self.caller.read(at as usize, len)
        }
    }
}

/// Prepares every step of a plan.
pub(crate) fn lower(plan: &Plan) -> Lowered {
    let count = plan.steps.len();
    let mapped = plan.steps.iter().position(|step| matches!(step.call, Call::MapBlock { .. }));
    let first = mapped.unwrap_or(count);
    let mut caller = Program::with_capacity(count);
    let mut init = Program::with_capacity(count - first);
    for (index, step) in plan.steps.iter().enumerate() {
        let by_init = index >= first && step.side == Side::Container;
        let before = index.checked_sub(1).map(|n| (&plan.steps[n].call, caller.steps[n].ask));
        let raw = lower_step(step, before, if by_init { &mut init } else { &mut caller });
        caller.steps.push(raw);
        if index >= first {
            init.steps.push(raw);
        }
    }
    Lowered { caller, init, first }
}

/// Prepares a step; `before` is the one before it.
fn lower_step(step: &Step, before: Option<(&Call, Ask)>, program: &mut Program) -> RawStep {
    let (ask, keep) = match (&step.call, before) {
        // The same program at the next place in PATH: what it is given is there already.
        (
            Call::Execve { path, argv, envp },
            Some((Call::Execve { argv: same_argv, envp: same_envp, .. }, Ask::Call { number, args })),
        ) if argv == same_argv && envp == same_envp => {
            let mut args = args;
            args[0] = RawArg::Data(program.text(path) as u32);
            (Ask::Call { number, args }, Keep::Nothing)
        }
        _ => lower_call(&step.call, program),
    };
    let mut tolerated = [0; TOLERATED];
    if let Tolerate::Errors(list) = step.tolerate {
        for (place, errno) in tolerated.iter_mut().zip(list) {
            *place = *errno as u8;
        }
    }
    RawStep {
        side: match step.side {
            Side::Caller => step::Side::Caller,
            Side::Container => step::Side::Container,
        },
        ask,
        keep,
        tolerated,
        tolerant: step.tolerate == Tolerate::Everything,
        expects: match step.call {
            Call::Read { len: 1, .. } | Call::ReceiveFd { .. } => Expects::More,
            Call::NetlinkAnswer { .. } => Expects::Consent,
            _ => Expects::Anything,
        },
    }
}

fn lower_call(call: &Call, program: &mut Program) -> (Ask, Keep) {
    let optional = |slot: &Option<Slot>| slot.map_or(NO_SLOT, |slot| slot.0);
    match call {
        Call::AwaitExec => return (Ask::AwaitExec, Keep::Nothing),
        Call::AwaitProgram { first, second } => {
            return (Ask::AwaitProgram { first: first.0, second: optional(second) }, Keep::Nothing);
        }
        Call::Ready { state } => return (Ask::Ready { state: *state }, Keep::Nothing),
        Call::AwaitReady { first, state } => {
            return (Ask::AwaitReady { first: first.0, state: *state }, Keep::Nothing);
        }
        Call::MapBlock { .. } => return (Ask::MapBlock, Keep::Nothing),
        Call::Clone { clone3, flags, pid, pidfd, cgroup, maker } => {
            let (then, owner, resolver) = match maker {
                Maker::Caller | Maker::Joiner => (Then::End, NO_SLOT, NO_RESOLVER),
                Maker::Init { owner, resolver } => {
                    let place = resolver.map_or(NO_RESOLVER, |resolver| lower_resolver(resolver, program));
                    (Then::Stay, optional(owner), place)
                }
            };
            let how = RawClone {
                flags: *flags,
                pid: pid.0,
                pidfd: optional(pidfd),
                cgroup: optional(cgroup),
                clone3: *clone3,
                then,
                owner,
                resolver,
            };
            return (Ask::Clone(how), Keep::Nothing);
        }
        _ => {}
    }
    let signature = call.signature();
    let mut keep = signature.keep.map_or(Keep::Nothing, |slot| Keep::Result(slot.0));
    let args = signature.args.map(|arg| match arg {
        None => RawArg::Value(0),
        Some(Arg::Pair(first, second)) => {
            let data = program.space(8);
            keep = Keep::Pair { data: data as u32, first: first.0, second: second.0 };
            RawArg::Data(data as u32)
        }
        Some(Arg::ReceivedFd(slot)) => {
            let (message, control) = lower_message(program);
            keep = Keep::Written { slot: slot.0, data: (control + 16) as u32 };
            RawArg::Data(message as u32)
        }
        Some(arg) => lower_arg(arg, program),
    });
    let ask = match call {
        Call::EnterInit { .. } => Ask::EnterInit { args },
        _ => Ask::Call { number: signature.number, args },
    };
    (ask, keep)
}

fn lower_arg(arg: Arg<'_>, program: &mut Program) -> RawArg {
    let place = |data: usize| RawArg::Data(data as u32);
    match arg {
        Arg::Int(value) => RawArg::Value(value as u64),
        Arg::Octal(mode) => RawArg::Value(u64::from(mode)),
        Arg::Device(major, minor) => RawArg::Value(libc::makedev(major, minor)),
        Arg::Flags(value, _) | Arg::One(value, _) => RawArg::Value(value),
        Arg::Fd(Fd::Cwd) => RawArg::Value(i64::from(libc::AT_FDCWD) as u64),
        Arg::Fd(Fd::Number(fd)) => RawArg::Value(i64::from(fd) as u64),
        Arg::Fd(Fd::Slot(Slot(slot))) => RawArg::Slot(u32::from(slot)),
        Arg::Null | Arg::Pair(..) | Arg::ReceivedFd(_) => RawArg::Value(0),
        Arg::Str(text) => place(program.text(text)),
        Arg::Text(Text::Plain(text)) => place(program.text(text)),
        Arg::Text(Text::Slotted(slotted)) => {
            let Slotted { before, slot, after } = &**slotted;
            let data = program.space(before.len() + DIGITS + after.len() + 1);
            program.overwrite(data, before.as_bytes());
            patch_digits(program, data, data + before.len(), *slot, after)
        }
        Arg::Init(block, next) => {
            let words = [program.text(INIT_NAME), program.space(DIGITS + 1), program.text(&next.to_string())];
            let argv = program.pointer(words[0]);
            program.pointer(words[1]);
            program.pointer(words[2]);
            program.space(8);
            patch_digits(program, argv, words[1], block, "")
        }
        Arg::SentFd(slot) => {
            let (message, control) = lower_message(program);
            patch(program, message, control + 16, slot, (0, 0))
        }
        Arg::Strings(strings) | Arg::Counted(strings) => place(program.strings(strings)),
        Arg::Ids(ids) => {
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_ne_bytes()).collect();
            place(program.bytes(&bytes))
        }
        Arg::Bpf(instructions) => lower_bpf(instructions, program),
        Arg::Netlink(message) => {
            let data = program.bytes(&message.bytes);
            match message.pid {
                Some((at, slot)) => patch(program, data, data + at, slot, (4, 0)),
                None => place(data),
            }
        }
        Arg::Room(len) => place(program.space(len)),
        Arg::Record(record) => lower_record(record, program),
    }
}

/// A [`step::RawResolver`]; returns where it is.
fn lower_resolver(Resolver { socket, hosts, servers }: Resolver, program: &mut Program) -> u32 {
    let addresses: Vec<Vec<u8>> =
        servers.into_iter().flatten().map(|server| socket_address(SocketAddr::new(server, 53))).collect();
    let slots = [socket, hosts].map(|slot| slot.0.to_ne_bytes());
    let mut bytes = [slots.as_flattened(), &(addresses.len() as u32).to_ne_bytes()].concat();
    for mut address in addresses {
        bytes.extend((address.len() as u32).to_ne_bytes());
        address.resize(size_of::<RawAddress>() - 4, 0);
        bytes.append(&mut address);
    }
    bytes.resize(size_of::<step::RawResolver>(), 0);
    program.bytes(&bytes) as u32
}

/// `struct sockaddr_in` or `struct sockaddr_in6`: ip(7), ipv6(7).
fn socket_address(address: SocketAddr) -> Vec<u8> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 } as libc::sa_family_t;
    let (family, port) = (family.to_ne_bytes(), address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(four) => [&family[..], &port, &four.octets(), &[0; 8]].concat(),
        IpAddr::V6(six) => [&family[..], &port, &[0; 4], &six.octets(), &[0; 4]].concat(),
    }
}

/// A `struct msghdr` with one byte and one descriptor, which goes 16 bytes into the control data: cmsg(3). Returns
/// where both are.
fn lower_message(program: &mut Program) -> (usize, usize) {
    let byte = program.text("1");
    let control = program.space(24);
    let header = [&20u64.to_ne_bytes()[..], &libc::SOL_SOCKET.to_ne_bytes(), &libc::SCM_RIGHTS.to_ne_bytes()];
    program.overwrite(control, &header.concat());
    program.overwrite(control + 16, &(-1i64).to_ne_bytes());
    let vector = program.pointer(byte);
    program.bytes(&1u64.to_ne_bytes());
    let message = program.space(16);
    program.pointer(vector);
    program.bytes(&1u64.to_ne_bytes());
    program.pointer(control);
    program.bytes(&24u64.to_ne_bytes());
    program.space(8);
    (message, control)
}

/// Room for a number that is only known later: a descriptor or a process id.
const DIGITS: usize = 10;

/// The address of `data`, once the slot's number stands at `at` with `tail` after it.
fn patch_digits(program: &mut Program, data: usize, at: usize, slot: Slot, tail: &str) -> RawArg {
    let place = program.text(tail);
    patch(program, data, at, slot, (place, tail.len() + 1))
}

fn patch(program: &mut Program, data: usize, at: usize, slot: Slot, tail: (usize, usize)) -> RawArg {
    RawArg::Patched(add_patch(program, data, at, slot, tail, NO_PATCH))
}

/// Adds a patch, after which the one at `next` is done; returns where it is.
fn add_patch(
    program: &mut Program,
    data: usize,
    at: usize,
    slot: Slot,
    (tail, tail_len): (usize, usize),
    next: u32,
) -> u32 {
    let slot = u32::from(slot.0);
    let patch =
        Patch { data: data as u32, at: at as u32, slot, tail: tail as u32, tail_len: tail_len as u32, next };
    let Patch { data, at, slot, tail, tail_len, next } = patch;
    let bytes: Vec<u8> =
        [data, at, slot, tail, tail_len, next].into_iter().flat_map(u32::to_ne_bytes).collect();
    program.bytes(&bytes) as u32
}

/// `union bpf_attr` for BPF_PROG_LOAD.
fn lower_bpf(instructions: &[u64], program: &mut Program) -> RawArg {
    let bytes: Vec<u8> = instructions.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let (code, license) = (program.bytes(&bytes), program.text(""));
    let kind = abi::BPF_PROG_TYPE_CGROUP_DEVICE | (instructions.len() as u64) << 32;
    let attributes = program.bytes(&kind.to_ne_bytes());
    program.pointer(code);
    program.pointer(license);
    program.space(24);
    RawArg::Data(attributes as u32)
}

fn lower_record(record: Record, program: &mut Program) -> RawArg {
    let words = |program: &mut Program, words: &[u64]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        program.bytes(&bytes)
    };
    let data = match record {
        Record::MountAttr { set, clear, propagation, userns } => {
            let data = words(program, &[set, clear, propagation, 0]);
            if let Some(slot) = userns {
                return patch(program, data, data + std::mem::offset_of!(MountAttr, userns_fd), slot, (0, 0));
            }
            data
        }
        Record::Limit { soft, hard } => words(program, &[soft, hard]),
        Record::BpfAttach { cgroup, program: code } => {
            let data = words(program, &[0, abi::BPF_CGROUP_DEVICE, 0]);
            let next = add_patch(program, data, data + 4, code, (4, 0), NO_PATCH);
            return RawArg::Patched(add_patch(program, data, data, cgroup, (4, 0), next));
        }
        Record::Address(address) => program.bytes(&socket_address(address.into())),
        Record::Zero => words(program, &[0]),
        Record::WindowSize { rows, columns } => words(program, &[u64::from(rows) | u64::from(columns) << 16]),
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
    };
    RawArg::Data(data as u32)
}
