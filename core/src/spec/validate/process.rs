//! The program and what it has from its caller.

use std::collections::BTreeSet;

use crate::namespace::Kind;
use crate::spec::fault::shorten;
use crate::spec::{Fault, RLIMITS, Spec, Stdio};

/// The kernel's bound on one string of argv or envp (MAX_ARG_STRLEN: 32 pages).
const MAX_STRING: usize = 131_071;

pub(super) fn faults(spec: &Spec, found: &mut Vec<Fault>) {
    program(spec, found);
    life(spec, found);
    surroundings(spec, found);
}

/// What is executed, and what it is told.
fn program(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    if spec.args.is_empty() {
        fault("args", "there is no program to run".into(), "name at least the program");
    }
    if spec.args.first().is_some_and(std::string::String::is_empty) && spec.executable.is_none() {
        fault("args", "the program's name is empty".into(), "name the program");
    }
    for (i, arg) in spec.args.iter().enumerate() {
        if let Some(problem) = string_problem(arg) {
            fault(
                "args",
                format!("argument {i} {problem}"),
                "pass large or binary data through stdin or a volume",
            );
        }
    }
    for (name, value) in &spec.env {
        if name.is_empty() || name.contains('=') {
            fault("env", format!("'{name}' cannot be a variable's name"), "use a name without '='");
        }
        for text in [Some(name), value.as_ref()].into_iter().flatten() {
            if let Some(problem) = string_problem(text) {
                fault(
                    "env",
                    format!("'{}' {problem}", shorten(name)),
                    "pass large or binary data through stdin or a volume",
                );
            }
        }
    }
}

/// How it is found again, and who it lives with: its name, terminal, session and group.
fn life(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    if let Some(name) = &spec.name {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if !first || name.len() > 64 || !name.chars().all(plain) {
            let fix = "use up to 64 letters, digits, '_', '.' and '-', a letter or digit first";
            fault("name", format!("'{}' is no name for a container", shorten(name)), fix);
        }
    }
    let findable = [("name", spec.name.is_some()), ("detach", spec.detach)];
    for (field, _) in findable.into_iter().filter(|(_, wanted)| *wanted) {
        if !spec.init || !spec.namespaces.new_one(Kind::Pid) {
            fault(
                field,
                "needs an init in a PID namespace of its own".into(),
                "leave init on, and namespaces.pid new",
            );
        }
    }
    for (field, stream) in [("stdin", &spec.stdin), ("stdout", &spec.stdout), ("stderr", &spec.stderr)] {
        if spec.detach && *stream == Stdio::Pipe {
            fault(
                field,
                "a pipe ends with the caller, what is detached does not".into(),
                "use a file, or leave it out",
            );
        }
    }
    if spec.detach && spec.tty {
        fault(
            "tty",
            "a terminal ends with the caller, what is detached does not".into(),
            "leave one of the two out",
        );
    }
    if spec.tty && !spec.start_new_session {
        fault("tty", "a terminal belongs to a session".into(), "leave start_new_session on");
    }
    for (field, stream) in [("stdin", &spec.stdin), ("stdout", &spec.stdout), ("stderr", &spec.stderr)] {
        if spec.tty && *stream != Stdio::Inherit {
            fault(
                field,
                "with tty, the three streams are the terminal".into(),
                "leave it out, or leave tty out",
            );
        }
    }
    match spec.process_group {
        Some(group) if group < 0 => {
            fault("process_group", format!("{group} is no process group"), "use 0 or more");
        }
        Some(group) if group > 0 && spec.start_new_session => fault(
            "process_group",
            "the leader of a session cannot join another's process group".into(),
            "use start_new_session=false, or process_group=0",
        ),
        _ => {}
    }
}

/// Where it finds itself, and what it is handed.
fn surroundings(spec: &Spec, found: &mut Vec<Fault>) {
    let mut fault = |field: &str, problem: String, fix: &str| found.push(Fault::new(field, problem, fix));
    for (field, path) in [("cwd", &spec.cwd), ("executable", &spec.executable)] {
        if let Some(problem) = path.as_deref().and_then(string_problem) {
            fault(field, format!("the path {problem}"), "use an ordinary path");
        }
    }
    if spec.cwd.as_deref().is_some_and(|path| !path.starts_with('/')) {
        fault(
            "cwd",
            "the working directory is inside the container and must be absolute".into(),
            "start it with '/'",
        );
    }
    if spec.umask > 0o777 {
        fault("umask", format!("0o{:o} is not a mask", spec.umask), "use 0 to 0o777");
    }
    for (name, limit) in &spec.ulimits {
        if !RLIMITS.iter().any(|(known, _)| known == name) {
            let known = RLIMITS.map(|(known, _)| known).join(", ");
            fault("ulimits", format!("'{name}' is not a resource limit"), &format!("use one of {known}"));
        }
        if limit.soft.unwrap_or(u64::MAX) > limit.hard.unwrap_or(u64::MAX) {
            fault("ulimits", format!("{name}: the soft limit is above the hard one"), "raise the hard limit");
        }
    }
    for (field, stream) in [("stdin", &spec.stdin), ("stdout", &spec.stdout), ("stderr", &spec.stderr)] {
        match stream {
            Stdio::Fd(fd) if *fd < 0 => fault(field, format!("{fd} is not a descriptor"), "pass an open one"),
            Stdio::Stdout if field != "stderr" => {
                fault(field, "only standard error can be merged".into(), "use it for stderr");
            }
            _ => {}
        }
    }
    if spec.limits.pids_limit == Some(1) && spec.init && spec.namespaces.new_one(Kind::Pid) {
        fault(
            "pids_limit",
            "1 is taken by init, and leaves no process for the program".into(),
            "use 2 or more, or init=false",
        );
    }
    let mut seen = BTreeSet::new();
    for fd in &spec.pass_fds {
        if *fd < 3 || !seen.insert(fd) {
            fault(
                "pass_fds",
                format!("{fd} cannot be passed on"),
                "pass each descriptor once; 0, 1 and 2 have fields of their own",
            );
        }
    }
}

/// Why a string cannot be passed to execve, if it cannot.
fn string_problem(text: &str) -> Option<String> {
    if text.contains('\0') {
        Some("has a NUL byte in it".into())
    } else if text.len() > MAX_STRING {
        Some(format!("has {} bytes, more than the kernel's {MAX_STRING}", text.len()))
    } else {
        None
    }
}
