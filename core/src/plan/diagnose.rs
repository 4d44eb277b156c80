//! From a failed step to an error for people: what could not be done, and the host's setting at fault.

use std::fs;

use super::arg::{Fd, Text};
use super::build::namespaces::TARGET_ROOT;
use super::build::program::HEAD;
use super::call::{Call, Maker};
use super::hidden;
use super::lower::Lowered;
use super::step::{Plan, Side};
use super::trace::Trace;
use crate::error::{Code, Error, StepError};
use crate::host::is_ending;
use crate::namespace::Kind;
use crate::spec::NamespaceSource;
use crate::sys::block::Block;
use crate::sys::process::Ended;

/// Finds the step that made a start fail, and says what it means.
pub(crate) fn failure(
    trace: &Trace,
    lowered: &Lowered,
    block: &Block,
    caller: Option<usize>,
    ended: Option<Ended>,
) -> Error {
    let failed = |index: &usize| {
        let (record, step) = (&trace.records[*index], &trace.plan.steps[*index]);
        record.result < 0 && record.ended != 0 && !step.tolerate.allows(-(record.result as i32))
    };
    // The child's failure comes first: the caller's may follow from it.
    let all = 0..trace.plan.steps.len();
    let first = all.filter(failed).min_by_key(|index| trace.records[*index].ended).or(caller);
    if let Some(index) = first {
        let (code, hint) = judge(&trace.plan, index, -(trace.records[index].result as i32));
        return step_error(trace, index, code, hint);
    }
    let executes = |index: &usize| matches!(trace.plan.steps[*index].call, Call::Execve { .. });
    let tries: Vec<usize> = (0..trace.plan.steps.len()).filter(executes).collect();
    // Who is killed before the last try has not been told that there is no such program.
    if !tries.is_empty() && tries.iter().all(|index| trace.records[*index].ended != 0) {
        return not_executed(trace, &head(trace, lowered, block), &tries);
    }
    let last = (0..trace.plan.steps.len())
        .rfind(|i| trace.plan.steps[*i].side == Side::Container && trace.records[*i].begun != 0);
    let place = last.and_then(|index| trace.plan.act_of(index)).map_or("it began", |act| act.what.as_ref());
    let signal = ended.map_or(0, |ended| ended.status);
    Error::call(
        Code::KilledInSetup,
        format!("the new process was killed (signal {signal}) at: {place}"),
        0,
        "something outside ended it: look for the kernel's out-of-memory killer",
    )
}

fn step_error(trace: &Trace, index: usize, code: Code, hint: String) -> Error {
    let step = &trace.plan.steps[index];
    let act = trace.plan.act_of(index);
    let entry = trace.entry(index);
    Error::from(Box::new(StepError {
        code,
        problem: format!("could not {}", act.map_or("start", |act| act.what.as_ref())),
        index,
        step: act.map_or_else(String::new, |act| act.why.to_string()),
        syscall: step.call.name(),
        arguments: entry.map(|entry| entry.arguments).unwrap_or_default(),
        errno: -(trace.records[index].result as i32),
        path: path(&step.call),
        hint,
    }))
}

/// The path that a call is about.
fn path(call: &Call) -> Option<String> {
    let text = match call {
        Call::Execve { path, .. } => return Some(path.clone()),
        Call::Open { path, .. }
        | Call::OpenTree { path, .. }
        | Call::Chdir { path }
        | Call::Mkdir { path, .. } => path,
        // Named from the new root's mount.
        Call::MoveMount { dir: Fd::Slot(_), target: Text::Plain(target), .. } => {
            return Some(format!("/{target}"));
        }
        Call::Mount { target, .. } | Call::MoveMount { target, .. } => target,
        _ => return None,
    };
    match text {
        Text::Plain(text) => Some(text.to_string()),
        Text::Slotted(_) => None,
    }
}

/// What a failure means, and what to do about it.
fn judge(plan: &Plan, index: usize, errno: i32) -> (Code, String) {
    let step = &plan.steps[index];
    let joining = plan.act_of(index).is_some_and(|act| act.what.ends_with(" to join"));
    let mounting = plan.act_of(index).and_then(|act| act.what.strip_prefix("mount /"));
    let kernels = mounting.filter(|name| ["proc", "sys"].contains(name));
    let user = |flags: &u64| flags & libc::CLONE_NEWUSER as u64 != 0;
    if plan.own.as_ref().is_some_and(|own| own.steps.iter().any(|steps| steps.contains(&index))) {
        return cgroup_trouble(&step.call, errno);
    }
    match (&step.call, errno) {
        (Call::Clone { flags, .. } | Call::Unshare { flags }, libc::EPERM | libc::ENOSPC | libc::EUSERS | libc::EACCES) if user(flags) => {
            (Code::UserNamespaceForbidden, user_namespace_hint(errno))
        }
        (Call::Clone { .. } | Call::Unshare { .. }, libc::EPERM) => (
            Code::PermissionDenied,
            "new namespaces without a new user namespace need CAP_SYS_ADMIN: leave namespaces.user new, or run as root".into(),
        ),
        (Call::Clone { .. }, libc::EAGAIN) => (Code::OutOfResources, "a process limit is reached: RLIMIT_NPROC, pids.max of the cgroup, or kernel.pid_max".into()),
        (Call::Clone { .. } | Call::Unshare { .. }, libc::EINVAL | libc::ENOSYS) => {
            (Code::NotSupported, "this kernel, or a filter in front of it, lacks one of these namespaces: see /proc/self/ns".into())
        }
        (Call::Chdir { .. }, errno) => {
            let path = path(&step.call).filter(|_| errno == libc::ENOENT);
            let hidden = path.and_then(|path| hidden::hint(&plan.spec, &path));
            let inside = || "the working directory is looked up inside the container, as the program's user".into();
            (Code::CwdNotFound, hidden.unwrap_or_else(inside))
        }
        (Call::OpenTree { .. }, libc::ENOENT | libc::ENOTDIR) => (Code::SourceNotFound, "the path must be there on the host".into()),
        (Call::Open { .. }, libc::ENOENT | libc::ESRCH) if plan.act_of(index).is_some_and(|act| act.what == TARGET_ROOT) => {
            (Code::Ended, "the process whose namespaces were to be joined has ended".into())
        }
        (Call::Open { .. }, libc::ENOENT) if joining => (Code::NamespaceNotFound, "the process or file that stands for it is gone".into()),
        (Call::Open { .. }, libc::ENOENT) if step.side == Side::Caller => (Code::SourceNotFound, "the path must be there on the host".into()),
        (Call::Duplicate { .. }, libc::EBADF) => (if joining { Code::NamespaceNotFound } else { Code::Io }, "the descriptor is not open in the calling process".into()),
        // A PID namespace whose first process has ended takes no other: pid_namespaces(7).
        (Call::Clone { maker: Maker::Init { .. }, .. }, libc::ENOMEM) if plan.spec.namespaces.pid.joined() => {
            (Code::Ended, "the process whose namespaces were to be joined has ended".into())
        }
        (Call::Setns { .. }, libc::ESRCH) | (Call::Clone { maker: Maker::Joiner, .. }, libc::ENOMEM) => (Code::Ended, "the process whose namespaces were to be joined has ended".into()),
        (Call::Setns { .. }, libc::EINVAL) => (Code::NamespaceNotFound, "the descriptor does not stand for a namespace of that kind".into()),
        (Call::Setns { .. } | Call::Open { .. }, libc::EPERM | libc::EACCES) if target_ended(plan) => {
            (Code::Ended, "the process whose namespaces were to be joined has ended".into())
        }
        (Call::Setns { .. }, libc::EPERM) => {
            (Code::PermissionDenied, "joining needs CAP_SYS_ADMIN in the user namespace that owns it: join that user namespace too, or run as root".into())
        }
        (Call::NetlinkAnswer { .. }, libc::EEXIST | libc::EBUSY) => {
            (Code::AddressInUse, "another container has the address, since this was planned: start it again".into())
        }
        (Call::NetlinkAnswer { .. }, libc::ENODEV | libc::EINVAL) if step.side == Side::Caller => {
            (Code::NetworkNotFound, "the network's bridge is gone: make the network anew".into())
        }
        (Call::NetlinkAnswer { .. }, libc::ENOENT) => {
            (Code::NotSupported, "the kernel cannot limit a link's rate: it needs CONFIG_NET_SCH_TBF (modprobe sch_tbf)".into())
        }
        (Call::Fsopen { kind, .. }, libc::ENODEV) => (Code::NotSupported, format!("this kernel has no {kind}: try modprobe {kind}")),
        (Call::Mount { kind: Some(_), .. } | Call::Fsmount { .. }, libc::EPERM) if kernels.is_some() => {
            let name = kernels.unwrap_or_default();
            let hint = format!("the host's own /{name} is partly hidden (a container without privileges?): switch off {name}, or unmask it there");
            (Code::PermissionDenied, hint)
        }
        (Call::Mount { .. } | Call::MoveMount { .. }, libc::ENOENT | libc::ENOTDIR) => {
            (Code::TargetNotFound, "the place to mount on is missing, or is not of the same kind (file or directory)".into())
        }
        (Call::MoveMount { target: Text::Plain(target), .. }, libc::EINVAL) if plan.spec.volumes.iter().any(|volume| volume.target == *target) => {
            (Code::TargetNotFound, "volumes: a directory goes on a directory, and a file on a file: name another place inside".into())
        }
        (Call::Mkdir { .. } | Call::Mknod { .. }, libc::EACCES | libc::EROFS | libc::EPERM) => {
            (Code::TargetNotFound, "the place to mount on cannot be made there: choose one that exists, or one below /tmp".into())
        }
        (Call::Prlimit { .. }, libc::EPERM) => (Code::PermissionDenied, "a hard limit can only be lowered without CAP_SYS_RESOURCE".into()),
        (_, libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EAGAIN | libc::ENOSPC) => (Code::OutOfResources, String::new()),
        (_, libc::ENOSYS | libc::ENODEV | libc::EOPNOTSUPP) => (Code::NotSupported, "this kernel, or a filter in front of it, lacks the call".into()),
        (_, libc::EPERM | libc::EACCES) => {
            (Code::PermissionDenied, step.needs.map(|needs| format!("it needs {needs}")).unwrap_or_default())
        }
        _ => (Code::StepFailed, String::new()),
    }
}

/// What the refusal of a step about the container's cgroup means.
fn cgroup_trouble(call: &Call, errno: i32) -> (Code, String) {
    let (code, hint) = match (call, errno) {
        (_, libc::EACCES | libc::EPERM | libc::EROFS) => {
            (Code::PermissionDenied, "be root, or have a cgroup delegated to this user")
        }
        (Call::Open { .. }, libc::ENOENT) => {
            (Code::NotSupported, "this kernel, or this version of cgroups, does not have it")
        }
        (Call::Mkdir { .. }, libc::ENOENT) => {
            (Code::SourceNotFound, "the cgroup to make it in must be there: see cgroup_parent")
        }
        (Call::Mkdir { .. }, libc::EAGAIN | libc::ENOSPC | libc::ENOMEM) => {
            (Code::OutOfResources, "see cgroup.max.descendants above it")
        }
        (Call::Write { .. }, libc::EBUSY) => (
            Code::OutOfResources,
            "more is in use already than the limit allows; or, on v2, processes are in a cgroup whose children shall have controllers",
        ),
        (Call::Write { .. }, libc::EINVAL | libc::ERANGE | libc::ENODEV | libc::EOPNOTSUPP) => {
            (Code::NotSupported, "the kernel does not take this value: see its cgroup documentation")
        }
        (Call::Write { .. }, libc::ENOSPC) => {
            (Code::OutOfResources, "the cpuset has no CPUs or no memory nodes")
        }
        _ => (Code::StepFailed, ""),
    };
    (code, hint.into())
}

/// Whether the process to join is ending.
fn target_ended(plan: &Plan) -> bool {
    if !plan.acts.iter().any(|act| act.what == TARGET_ROOT) {
        return false;
    }
    let sources = Kind::ALL.map(|kind| plan.spec.namespaces.get(kind));
    let number = sources.into_iter().find_map(|source| match source {
        NamespaceSource::Fd(fd) => Some(*fd),
        _ => None,
    });
    number.is_some_and(is_ending)
}

/// The host's settings that forbid user namespaces.
fn user_namespace_hint(errno: i32) -> String {
    let setting =
        |name: &str| fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).unwrap_or_default();
    let at_fault = [
        ("user.max_user_namespaces", "0", "set it to a few thousand"),
        ("kernel.unprivileged_userns_clone", "0", "set it to 1"),
        (
            "kernel.apparmor_restrict_unprivileged_userns",
            "1",
            "set it to 0, or give the program an AppArmor profile with 'userns,'",
        ),
    ];
    let found = at_fault.iter().find(|(name, bad, _)| setting(name).trim() == *bad);
    if let Some((name, value, fix)) = found {
        return format!("{name}={value}: {fix}");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"])) {
        return "a seccomp filter refuses it (the host is itself a container?): allow clone, clone3 and unshare with CLONE_NEWUSER there, or use namespaces.user=host as root".into();
    }
    match errno {
        libc::ENOSPC | libc::EUSERS => {
            "user namespaces are nested too deep, or user.max_user_namespaces is reached".into()
        }
        _ => "a chroot forbids user namespaces, and so may a security module".into(),
    }
}

/// Why no candidate for the program could be executed.
fn not_executed(trace: &Trace, head: &[u8], tried: &[usize]) -> Error {
    let errno = |index: &usize| -(trace.records[*index].result as i32);
    let missing = |errno: i32| errno == libc::ENOENT || errno == libc::ENOTDIR;
    let opened = trace.plan.steps.iter().zip(&trace.records).any(|(step, record)| {
        matches!(&step.call, Call::Open { flags, .. } if step.side == Side::Container && flags & libc::O_NONBLOCK as u64 != 0) && record.ended != 0 && record.result >= 0
    });
    let told = tried.iter().find(|index| !missing(errno(index))).or(tried.first()).copied().unwrap_or(0);
    let name = trace.plan.spec.program();
    let (code, hint) = match errno(&told) {
        libc::ENOENT if opened => match interpreter(head) {
            Some(interpreter) => {
                let hidden = hidden::hint(&trace.plan.spec, &interpreter);
                let why = hidden.map(|hint| format!(": {hint}")).unwrap_or_default();
                let problem = format!("the file is there, but its interpreter '{interpreter}' is not{why}");
                (Code::InterpreterNotFound, problem)
            }
            None => (
                Code::InterpreterNotFound,
                "the file is there, but the loader or interpreter that it names is not".into(),
            ),
        },
        libc::ENOENT | libc::ENOTDIR => {
            let mut paths = tried.iter().filter_map(|index| path(&trace.plan.steps[*index].call));
            let hidden = paths.find_map(|path| hidden::hint(&trace.plan.spec, &path));
            let place = if name.contains('/') { "inside the container" } else { "in the container's PATH" };
            let why = hidden.map(|hint| format!(": {hint}")).unwrap_or_default();
            (Code::ProgramNotFound, format!("there is no '{name}' {place}{why}"))
        }
        libc::ENOEXEC if head.starts_with(b"\x7fELF") => {
            (Code::WrongFormat, format!("the program is for another machine ({})", machine(head)))
        }
        libc::ENOEXEC => (
            Code::WrongFormat,
            "it is neither a binary for this machine nor a script that begins with '#!'".into(),
        ),
        libc::EACCES => (
            Code::ProgramNotExecutable,
            "the file or a directory above it may not be executed by the program's user: see its mode".into(),
        ),
        libc::ETXTBSY => (
            Code::ProgramNotExecutable,
            "somebody has the file open for writing; so has, until it starts its own program, a child made by another thread meanwhile: try again, or let another process (cp, tar) write the file".into(),
        ),
        libc::E2BIG => (Code::ArgumentsTooLong, "pass data through stdin or a volume".into()),
        _ => (Code::StepFailed, String::new()),
    };
    step_error(trace, told, code, hint)
}

/// The first bytes of the file that could not be executed.
fn head(trace: &Trace, lowered: &Lowered, block: &Block) -> Vec<u8> {
    let read = trace.plan.steps.iter().position(|step| matches!(step.call, Call::Read { len: HEAD, .. }));
    let Some(index) = read else { return Vec::new() };
    let len = usize::try_from(trace.records[index].result).unwrap_or(0).min(HEAD);
    lowered.read(block, index, len)
}

/// What a script names after `#!`.
fn interpreter(head: &[u8]) -> Option<String> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    String::from_utf8_lossy(line).split_whitespace().next().map(String::from)
}

/// The machine that an ELF header names: elf(5).
fn machine(head: &[u8]) -> String {
    let number = head.get(18..20).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    let known = [(3, "x86"), (40, "arm"), (62, "x86-64"), (183, "aarch64"), (243, "risc-v"), (22, "s390")];
    known
        .iter()
        .find(|(id, _)| *id == number)
        .map_or_else(|| format!("ELF machine {number}"), |(_, name)| (*name).into())
}
