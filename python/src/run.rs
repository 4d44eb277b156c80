//! A container from its start to its end in one call.

use std::sync::Arc;
use std::time::Duration;

use minicontain::spec::Stdio;
use minicontain::{Communication, Container, Error, Reason};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::{While, exception};
use crate::exchange;
use crate::outcome::Outcome;
use crate::place::{Place, start};
use crate::spec;
use crate::trace::Trace;
use crate::wait::{Deadline, in_slices};

/// How it ended, what it said where that was a pipe, and what was done to start it.
type Run<'py> = (Outcome, Option<Bound<'py, PyBytes>>, Option<Bound<'py, PyBytes>>, Trace);

/// Runs a program to its end, in a container of its own or in a `place`; one with a terminal says on it what it says.
/// When Python's signal handlers raise, it is killed first.
#[pyfunction]
#[pyo3(signature = (fields, input, timeout, place=None))]
pub(crate) fn run<'py>(
    py: Python<'py>,
    fields: &Bound<'py, PyDict>,
    input: Option<Vec<u8>>,
    timeout: Option<f64>,
    place: Option<Place>,
) -> PyResult<Run<'py>> {
    let spec = spec::read(fields)?;
    let pipes = [spec.stdout == Stdio::Pipe || spec.tty, spec.stderr == Stdio::Pipe];
    Deadline::after(timeout)?;
    let started = py.detach(|| start(spec, place.as_ref()));
    let mut container = started.map_err(|(error, trace)| exception(py, While::Starting, &error, trace))?;
    let deadline = Deadline::after(timeout)?;
    let result = finish(py, &mut container, input, deadline);
    let trace = Arc::clone(container.trace());
    // Kills and reaps it where a signal handler raised.
    py.detach(|| drop(container));
    let (outcome, output) = result?;
    let captured = |n: usize| pipes[n].then(|| PyBytes::new(py, &output[n]));
    Ok((outcome, captured(0), captured(1), Trace::new(trace)))
}

/// Talks to a container until it has ended; kills it at the deadline.
fn finish(
    py: Python<'_>,
    container: &mut Container,
    input: Option<Vec<u8>>,
    deadline: Deadline,
) -> PyResult<(Outcome, [Vec<u8>; 2])> {
    let failed = |error: Error| exception(py, While::Running, &error, None);
    if let Some(terminal) = container.terminal.take() {
        container.stdin = Some(terminal.try_clone().map_err(PyErr::from)?);
        container.stdout = Some(terminal);
    }
    let mut exchange = Communication::new(container, input).map_err(failed)?;
    // One wait for both, so that a container without pipes leaves the interpreter and comes back but once.
    let mut talk_and_wait = |until, killed| {
        let talked = exchange::advance(container, &mut exchange, until, killed)?;
        talked.map_or(Ok(None), |()| container.wait_timeout(left(until)))
    };
    let ended = in_slices(py, While::Running, deadline, |until| talk_and_wait(until, false))?;
    let outcome = if let Some(outcome) = ended {
        outcome
    } else {
        py.detach(|| container.kill()).map_err(failed)?;
        let never = Deadline::after(None)?;
        let ended = in_slices(py, While::Running, never, |until| talk_and_wait(until, true))?;
        let mut outcome = ended.map_or_else(|| py.detach(|| container.wait()), Ok).map_err(failed)?;
        outcome.reason = Reason::TimedOut;
        outcome
    };
    Ok((outcome.into(), [exchange.stdout, exchange.stderr]))
}

fn left(until: std::time::Instant) -> Duration {
    until.saturating_duration_since(std::time::Instant::now())
}
