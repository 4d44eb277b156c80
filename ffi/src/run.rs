//! Running a container to its end in one call.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::time::Duration;

use engine::Command;

use crate::error::minicontain_error;
use crate::guard;
use crate::outcome::minicontain_outcome;
use crate::spec::{create, minicontain_spec};
use crate::text::{Bytes, bytes, given_bytes, needed, owned};
use crate::trace::minicontain_trace;

/// A container that has ended: how, what it said, and what was done to start it. Any thread may read it. Free
/// it with `minicontain_result_free`.
pub struct minicontain_result {
    outcome: minicontain_outcome,
    stdout: Bytes,
    stderr: Bytes,
    trace: minicontain_trace,
}

/// Runs a container to its end.
///
/// `input` is `NULL`, or `input_len` bytes for standard input, which is a pipe then. What the container
/// writes to standard output and error is kept where these are pipes (`minicontain_spec_set_stream`). After
/// `timeout_ms` milliseconds (negative: never) it is killed with everything in it, and its reason is
/// `MINICONTAIN_REASON_TIMED_OUT`.
///
/// Errors: as `minicontain_container_start`; nothing of the container is left then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_run(
    spec: Option<&minicontain_spec>,
    input: *const c_void,
    input_len: usize,
    timeout_ms: i64,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_result>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let mut command = Command::from(needed(spec, "spec")?.spec.clone());
        // SAFETY: as the caller promises.
        if let Some(input) = unsafe { given_bytes(input, input_len) } {
            command.input(input);
        }
        if let Ok(millis) = u64::try_from(timeout_ms) {
            command.timeout(Duration::from_millis(millis));
        }
        let run = command.run()?;
        Ok(minicontain_result {
            outcome: run.outcome.into(),
            stdout: Bytes::new(run.stdout),
            stderr: Bytes::new(run.stderr),
            trace: minicontain_trace::new(run.trace),
        })
    })
}

/// How it ended. It belongs to the result. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_result_outcome(
    result: Option<&minicontain_result>,
) -> Option<&minicontain_outcome> {
    guard::infallible(None, || result.map(|result| &result.outcome))
}

/// What it wrote to standard output, where that was a pipe: any bytes, as many as `len` says (which may be
/// `NULL`), and a NUL behind them. They belong to the result.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_result_stdout(
    result: Option<&minicontain_result>,
    len: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    bytes(result, len, |result| &result.stdout)
}

/// What it wrote to standard error, as `minicontain_result_stdout`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_result_stderr(
    result: Option<&minicontain_result>,
    len: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    bytes(result, len, |result| &result.stderr)
}

/// What was done to start it. It belongs to the result. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_result_trace(
    result: Option<&minicontain_result>,
) -> Option<&minicontain_trace> {
    guard::infallible(None, || result.map(|result| &result.trace))
}

/// How well each feature held, as `minicontain_plan_enforced_to_json`. Free it with
/// `minicontain_string_free`. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_result_enforced_to_json(result: Option<&minicontain_result>) -> *mut c_char {
    owned(result, |result| result.trace.enforced())
}

/// Frees a result, with its outcome, output and trace. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_result_free(result: Option<Box<minicontain_result>>) {
    guard::infallible((), || drop(result));
}
