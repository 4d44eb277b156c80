//! Errors are for people: a stable code, the step, the system call with its arguments, errno by name, a hint.

use std::fmt;

use thiserror::Error as ThisError;

use crate::spec::Fault;

/// What kind of error it is. The numbers are part of the C interface: they are only ever appended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Code {
    /// The spec cannot be; see its faults.
    InvalidSpec = 1,
    /// There is no such program in the container.
    ProgramNotFound = 2,
    /// The program's file may not be executed.
    ProgramNotExecutable = 3,
    /// The program names an interpreter (`#!`, or an ELF loader) that is not there.
    InterpreterNotFound = 4,
    /// The file is no program for this machine.
    WrongFormat = 5,
    /// The working directory is not there, or cannot be entered.
    CwdNotFound = 6,
    /// A directory or file of the host that the spec names is not there.
    SourceNotFound = 7,
    /// The host does not let this caller make a user namespace.
    UserNamespaceForbidden = 8,
    /// This kernel does not have a file system or feature that is needed.
    NotSupported = 9,
    /// The caller lacks a privilege.
    PermissionDenied = 10,
    /// A feature that the spec requires cannot be fully enforced.
    NotEnforced = 11,
    /// A step failed for another reason.
    StepFailed = 12,
    /// The new process was killed before it executed the program.
    KilledInSetup = 13,
    /// Arguments and environment are larger than the kernel allows.
    ArgumentsTooLong = 14,
    /// There is no such user or group in the container.
    UserNotFound = 15,
    /// A namespace or descriptor to be used is not there.
    NamespaceNotFound = 16,
    /// The container has ended.
    Ended = 17,
    /// Reading from or writing to the container failed.
    Io = 18,
    /// A place inside to mount on is not there and cannot be made.
    TargetNotFound = 19,
    /// The host is out of processes, memory or descriptors.
    OutOfResources = 20,
    /// The container is paused: nothing in it runs until it is resumed.
    Paused = 21,
    /// Another container has that name.
    NameTaken = 22,
    /// There is no container of that name.
    NoSuchContainer = 23,
    /// The container still runs.
    StillRuns = 24,
    /// There is no such cgroup, or it has no such file.
    CgroupNotFound = 25,
    /// There is no such link in the network namespace.
    LinkNotFound = 26,
    /// The network namespace has a link of that name.
    LinkExists = 27,
    /// The address, subnet or route is in use.
    AddressInUse = 28,
    /// There is no such network.
    NetworkNotFound = 29,
    /// The host does not forward packets.
    ForwardingOff = 30,
    /// A CNI plugin failed.
    CniFailed = 31,
}

impl Code {
    /// The code's stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidSpec => "invalid_spec",
            Self::ProgramNotFound => "program_not_found",
            Self::ProgramNotExecutable => "program_not_executable",
            Self::InterpreterNotFound => "interpreter_not_found",
            Self::WrongFormat => "wrong_format",
            Self::CwdNotFound => "cwd_not_found",
            Self::SourceNotFound => "source_not_found",
            Self::UserNamespaceForbidden => "user_namespace_forbidden",
            Self::NotSupported => "not_supported",
            Self::PermissionDenied => "permission_denied",
            Self::NotEnforced => "not_enforced",
            Self::StepFailed => "step_failed",
            Self::KilledInSetup => "killed_in_setup",
            Self::ArgumentsTooLong => "arguments_too_long",
            Self::UserNotFound => "user_not_found",
            Self::NamespaceNotFound => "namespace_not_found",
            Self::Ended => "ended",
            Self::Io => "io",
            Self::TargetNotFound => "target_not_found",
            Self::OutOfResources => "out_of_resources",
            Self::Paused => "paused",
            Self::NameTaken => "name_taken",
            Self::NoSuchContainer => "no_such_container",
            Self::StillRuns => "still_runs",
            Self::CgroupNotFound => "cgroup_not_found",
            Self::LinkNotFound => "link_not_found",
            Self::LinkExists => "link_exists",
            Self::AddressInUse => "address_in_use",
            Self::NetworkNotFound => "network_not_found",
            Self::ForwardingOff => "forwarding_off",
            Self::CniFailed => "cni_failed",
        }
    }
}

/// Anything that can go wrong, the same through Rust, C and Python.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The spec cannot be; nothing was touched.
    #[error("{}", list(.0))]
    Spec(Vec<Fault>),
    /// A step of the plan failed; what the steps before it made is gone.
    #[error(transparent)]
    Step(#[from] Box<StepError>),
    /// A call on a container, or the reading of the host, failed.
    #[error("{problem}{}{}", errno_suffix(*.errno), hint_suffix(.hint))]
    Call {
        /// The kind of error.
        code: Code,
        /// What was being done, and what is wrong.
        problem: String,
        /// The kernel's answer; zero where the kernel was not asked.
        errno: i32,
        /// What to do about it; empty where nothing is known.
        hint: String,
        /// The path at fault, where there is one.
        path: Option<String>,
    },
}

/// The step that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepError {
    /// The kind of error.
    pub code: Code,
    /// In one line, what could not be done.
    pub problem: String,
    /// The step's place in the plan, from 0.
    pub index: usize,
    /// Why the step is there.
    pub step: String,
    /// The system call's name.
    pub syscall: &'static str,
    /// Its arguments as a person would read them.
    pub arguments: String,
    /// The kernel's answer.
    pub errno: i32,
    /// The path at fault, where there is one.
    pub path: Option<String>,
    /// What to do about it; empty where nothing is known.
    pub hint: String,
}

impl std::error::Error for StepError {}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, text) = (errno_name(self.errno), errno_text(self.errno));
        write!(
            f,
            "{}: {}({}) = {name} ({text}), step {}",
            self.problem, self.syscall, self.arguments, self.index
        )?;
        f.write_str(&hint_suffix(&self.hint))
    }
}

impl Error {
    pub(crate) fn call(code: Code, problem: impl Into<String>, errno: i32, hint: impl Into<String>) -> Self {
        Self::Call { code, problem: problem.into(), errno, hint: hint.into(), path: None }
    }

    /// The same error, about a path.
    pub(crate) fn about(mut self, at: &str) -> Self {
        if let Self::Call { path, .. } = &mut self {
            *path = Some(at.into());
        }
        self
    }

    /// The path at fault, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Spec(_) => None,
            Self::Step(step) => step.path.as_deref(),
            Self::Call { path, .. } => path.as_deref(),
        }
    }

    /// The kind of error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Spec(_) => Code::InvalidSpec,
            Self::Step(step) => step.code,
            Self::Call { code, .. } => *code,
        }
    }

    /// The kernel's answer; zero where the kernel was not asked.
    #[must_use]
    pub fn errno(&self) -> i32 {
        match self {
            Self::Spec(_) => libc::EINVAL,
            Self::Step(step) => step.errno,
            Self::Call { errno, .. } => *errno,
        }
    }

    /// What to do about it; empty where nothing is known.
    #[must_use]
    pub fn hint(&self) -> &str {
        match self {
            Self::Spec(faults) => faults.first().map_or("", |fault| &fault.fix),
            Self::Step(step) => &step.hint,
            Self::Call { hint, .. } => hint,
        }
    }

    /// The step that failed, where one did.
    #[must_use]
    pub fn step(&self) -> Option<&StepError> {
        if let Self::Step(step) = self { Some(step) } else { None }
    }

    /// The faults of the spec, where it is at fault.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        if let Self::Spec(faults) = self { faults } else { &[] }
    }
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn errno_suffix(errno: i32) -> String {
    if errno == 0 { String::new() } else { format!(": {} ({})", errno_name(errno), errno_text(errno)) }
}

fn hint_suffix(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("; hint: {hint}") }
}

/// The symbolic name of an errno (`ENOENT`): errno(3).
#[must_use]
pub fn errno_name(errno: i32) -> String {
    format!("{:?}", nix::errno::Errno::from_raw(errno))
}

/// What an errno means: strerror(3).
#[must_use]
pub fn errno_text(errno: i32) -> &'static str {
    nix::errno::Errno::from_raw(errno).desc()
}
