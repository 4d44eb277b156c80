//! Feeding a container and reading what it says.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::PoisonError;
use std::time::Instant;

use engine::{Code, Communication, Error};

use crate::container::{deadline, minicontain_container};
use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::text::{Bytes, bytes, given_bytes, needed};

/// What a container wrote to its pipes. Any thread may read it. It belongs to the container, and lives as
/// long.
pub struct minicontain_output {
    stdout: Bytes,
    stderr: Bytes,
}

/// The exchange with a container's pipes, from its first call to its last.
#[derive(Default)]
pub(crate) enum Exchange {
    /// Not begun.
    #[default]
    None,
    /// Begun; it can be gone on with.
    Open(Communication),
    /// Over.
    Over,
}

impl minicontain_container {
    /// Goes on with the exchange; the output, once that was all of it.
    fn communicate(
        &self,
        input: Option<Vec<u8>>,
        deadline: Option<Instant>,
    ) -> Result<Option<&minicontain_output>, Failure> {
        let mut exchange = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*exchange, input) {
            (Exchange::None, input) => {
                *exchange = Exchange::Open(Communication::new(&mut self.write(), input)?);
            }
            (_, None) => {}
            (_, Some(_)) => return Err(input_twice()),
        }
        while let Exchange::Open(communication) = &mut *exchange {
            if communication.advance(deadline)? {
                let stdout = Bytes::new(std::mem::take(&mut communication.stdout));
                let stderr = Bytes::new(std::mem::take(&mut communication.stderr));
                let _ = self.output.set(minicontain_output { stdout, stderr });
                *exchange = Exchange::Over;
            } else if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                break;
            }
        }
        Ok(self.output.get())
    }
}

fn input_twice() -> Failure {
    Failure::Engine(Error::Call {
        code: Code::InvalidSpec,
        problem: "input: it was given before".into(),
        errno: 0,
        hint: "pass NULL to go on with the exchange".into(),
        path: None,
    })
}

/// Gives input to a container and reads what it writes to standard output and error, all at once, so that no
/// full pipe stops either side, until every pipe is closed or `timeout_ms` milliseconds are over (negative:
/// never). It then owns the pipes that were not taken. Whether the container has ended is for
/// `minicontain_container_wait` to say.
///
/// `input` is `NULL`, or `input_len` bytes, which are copied; standard input, if it is a pipe, is closed
/// after them. `*out` becomes what was written, which belongs to the container, or `NULL` when the time is
/// up: a further call, with `NULL` for its input, then goes on, and nothing is lost. One thread exchanges at a
/// time, and others that call this wait for it; every other function can be called meanwhile.
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is input but no pipe to standard input, or input a second
/// time; `MINICONTAIN_CODE_IO` if a pipe cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_container_communicate<'a>(
    container: Option<&'a minicontain_container>,
    input: *const c_void,
    input_len: usize,
    timeout_ms: i64,
    out: Option<&mut MaybeUninit<Option<&'a minicontain_output>>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(None);
        // SAFETY: as the caller promises.
        let input = unsafe { given_bytes(input, input_len) };
        *place = needed(container, "container")?.communicate(input, deadline(timeout_ms))?;
        Ok(())
    })
}

/// What the container wrote to standard output, where that was a pipe: any bytes, as many as `len` says
/// (which may be `NULL`), and a NUL behind them.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_output_stdout(
    output: Option<&minicontain_output>,
    len: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    bytes(output, len, |output| &output.stdout)
}

/// What the container wrote to standard error, as `minicontain_output_stdout`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_output_stderr(
    output: Option<&minicontain_output>,
    len: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    bytes(output, len, |output| &output.stderr)
}
