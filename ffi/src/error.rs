//! Errors: the core's, and what only this face can get wrong.

use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::Arc;

use engine::Error;
use engine::error::errno_name;
use engine::plan::trace::Trace;
use engine::spec::Fault;

use crate::guard;
use crate::text::{borrowed, c_string, number};
use crate::trace::minicontain_trace;

/// What went wrong, and what to do about it. Any thread may read it. Free it with `minicontain_error_free`.
pub struct minicontain_error {
    code: i32,
    code_name: CString,
    message: CString,
    hint: CString,
    errno: i32,
    errno_name: CString,
    path: CString,
    step: Option<StepTexts>,
    faults: Vec<FaultTexts>,
    trace: Option<minicontain_trace>,
}

/// Codes of errors that only a C program can make. `minicontain_error_code` gives one of these or one of
/// `minicontain_code`; numbers are never used again for something else.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum minicontain_face_code {
    /// A pointer is `NULL` that must not be.
    NullArgument = 1001,
    /// A string is not UTF-8.
    NotUtf8 = 1002,
    /// A defect of the library: it panicked, and the call was given up. The handles of that call can only be
    /// freed.
    Panic = 1003,
    /// The handle belongs to another thread.
    WrongThread = 1004,
}

impl minicontain_face_code {
    const fn name(self) -> &'static str {
        match self {
            Self::NullArgument => "null_argument",
            Self::NotUtf8 => "not_utf8",
            Self::Panic => "panic",
            Self::WrongThread => "wrong_thread",
        }
    }
}

struct StepTexts {
    index: i64,
    step: CString,
    syscall: CString,
    arguments: CString,
}

struct FaultTexts {
    field: CString,
    problem: CString,
    fix: CString,
}

/// Why a call failed, on its way to the caller.
pub(crate) enum Failure {
    /// The core says why.
    Engine(Error),
    /// A start failed, and this is how far it came.
    Start(Error, Box<Trace>),
    /// The named argument is `NULL`.
    Null(&'static str),
    /// An item of an array is `NULL`.
    NullItem(&'static str, usize),
    /// The named argument is not UTF-8.
    NotUtf8(&'static str),
    /// A panic said this.
    Panic(String),
    /// The named argument belongs to another thread.
    WrongThread(&'static str),
}

impl Failure {
    /// A single fault of a spec.
    pub(crate) fn fault(field: &str, problem: String, fix: &str) -> Self {
        Self::Engine(Error::Spec(vec![Fault { field: field.into(), problem, fix: fix.into() }]))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<(Error, Box<Trace>)> for Failure {
    fn from((error, trace): (Error, Box<Trace>)) -> Self {
        Self::Start(error, trace)
    }
}

impl minicontain_error {
    pub(crate) fn new(failure: Failure) -> Self {
        use minicontain_face_code::{NotUtf8, NullArgument, Panic, WrongThread};
        match failure {
            Failure::Engine(error) => Self::of_engine(&error, None),
            Failure::Start(error, trace) => Self::of_engine(&error, Some(Arc::from(trace))),
            Failure::Null(name) => {
                Self::of_face(NullArgument, &format!("{name} is NULL"), "pass a valid pointer")
            }
            Failure::NullItem(name, index) => Self::of_face(
                NullArgument,
                &format!("{name}[{index}] is NULL"),
                "count only the strings that are there",
            ),
            Failure::NotUtf8(name) => Self::of_face(
                NotUtf8,
                &format!("{name} is not UTF-8"),
                "pass other bytes through a file or a pipe",
            ),
            Failure::Panic(said) => {
                let message = format!("the library has a defect: it panicked with '{said}'");
                Self::of_face(Panic, &message, "please report it; free the handles of this call")
            }
            Failure::WrongThread(name) => {
                let message = format!("{name} belongs to another thread");
                Self::of_face(WrongThread, &message, "call it from the thread that made it")
            }
        }
    }

    fn of_engine(error: &Error, trace: Option<Arc<Trace>>) -> Self {
        let step = error.step().map(|step| StepTexts {
            index: i64::try_from(step.index).unwrap_or(-1),
            step: c_string(step.step.as_str()),
            syscall: c_string(step.syscall),
            arguments: c_string(step.arguments.as_str()),
        });
        let fault = |fault: &Fault| FaultTexts {
            field: c_string(fault.field.as_str()),
            problem: c_string(fault.problem.as_str()),
            fix: c_string(fault.fix.as_str()),
        };
        let errno = error.errno();
        Self {
            code: error.code() as i32,
            code_name: c_string(error.code().name()),
            message: c_string(error.to_string()),
            hint: c_string(error.hint()),
            errno,
            errno_name: if errno == 0 { CString::default() } else { c_string(errno_name(errno)) },
            path: c_string(error.path().unwrap_or_default()),
            step,
            faults: error.faults().iter().map(fault).collect(),
            trace: trace.map(minicontain_trace::new),
        }
    }

    fn of_face(code: minicontain_face_code, message: &str, hint: &str) -> Self {
        Self {
            code: code as i32,
            code_name: c_string(code.name()),
            message: c_string(format!("{message}; hint: {hint}")),
            hint: c_string(hint),
            errno: 0,
            errno_name: CString::default(),
            path: CString::default(),
            step: None,
            faults: Vec::new(),
            trace: None,
        }
    }

    fn fault(&self, index: usize, pick: impl FnOnce(&FaultTexts) -> &CString) -> Option<&CStr> {
        self.faults.get(index).map(|fault| pick(fault).as_c_str())
    }

    fn step(&self, pick: impl FnOnce(&StepTexts) -> &CString) -> Option<&CStr> {
        self.step.as_ref().map(|step| pick(step).as_c_str())
    }
}

/// What kind of error it is: one of `minicontain_code` or `minicontain_face_code`, or a number that a newer
/// library has and this header has not. 0 for `NULL`, which is success.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_code(error: Option<&minicontain_error>) -> i32 {
    number(error, 0, |error| error.code)
}

/// The code's stable name: `"program_not_found"`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_code_name(error: Option<&minicontain_error>) -> *const c_char {
    borrowed(error, |error| Some(&error.code_name))
}

/// The whole story in one line: what could not be done, the system call with its arguments, errno and the
/// hint.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_message(error: Option<&minicontain_error>) -> *const c_char {
    borrowed(error, |error| Some(&error.message))
}

/// What to do about it, with the host's setting at fault where it is known; `""` where nothing is known.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_hint(error: Option<&minicontain_error>) -> *const c_char {
    borrowed(error, |error| Some(&error.hint))
}

/// The kernel's answer, as in errno(3); 0 where the kernel was not asked.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_errno(error: Option<&minicontain_error>) -> c_int {
    number(error, 0, |error| error.errno)
}

/// The kernel's answer by name (`"ENOENT"`); `""` where the kernel was not asked.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_errno_name(error: Option<&minicontain_error>) -> *const c_char {
    borrowed(error, |error| Some(&error.errno_name))
}

/// The failed step's place in the plan, from 0; -1 where no step failed.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_step_index(error: Option<&minicontain_error>) -> i64 {
    number(error, -1, |error| error.step.as_ref().map_or(-1, |step| step.index))
}

/// Why the failed step is in the plan; `""` where no step failed.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_step(error: Option<&minicontain_error>) -> *const c_char {
    borrowed(error, |error| error.step(|step| &step.step))
}

/// The name of the system call that failed (`"execve"`); `""` where no step failed.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_syscall(error: Option<&minicontain_error>) -> *const c_char {
    borrowed(error, |error| error.step(|step| &step.syscall))
}

/// The arguments of the system call that failed, as a person would read them; `""` where no step failed.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_arguments(error: Option<&minicontain_error>) -> *const c_char {
    borrowed(error, |error| error.step(|step| &step.arguments))
}

/// The path at fault; `""` where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_path(error: Option<&minicontain_error>) -> *const c_char {
    borrowed(error, |error| Some(error.path.as_c_str()))
}

/// How many faults the spec has; 0 where the spec is not to blame. All are found at once.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_fault_count(error: Option<&minicontain_error>) -> usize {
    number(error, 0, |error| error.faults.len())
}

/// The name of the field at fault; `""` for the spec as a whole, or where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_fault_field(
    error: Option<&minicontain_error>,
    index: usize,
) -> *const c_char {
    borrowed(error, |error| error.fault(index, |fault| &fault.field))
}

/// What is wrong with the field; `""` where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_fault_problem(
    error: Option<&minicontain_error>,
    index: usize,
) -> *const c_char {
    borrowed(error, |error| error.fault(index, |fault| &fault.problem))
}

/// What to do about it; `""` where `index` is too large.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_fault_fix(
    error: Option<&minicontain_error>,
    index: usize,
) -> *const c_char {
    borrowed(error, |error| error.fault(index, |fault| &fault.fix))
}

/// How far a start came before it failed, failed step included; `NULL` where nothing was started, and from
/// `minicontain_run`. It belongs to the error.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_trace(error: Option<&minicontain_error>) -> Option<&minicontain_trace> {
    guard::infallible(None, || error.and_then(|error| error.trace.as_ref()))
}

/// Frees an error. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_error_free(error: Option<Box<minicontain_error>>) {
    guard::infallible((), || drop(error));
}
