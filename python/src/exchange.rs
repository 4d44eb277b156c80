//! Talking to a container through its pipes, in slices that Python can interrupt.

use std::time::{Duration, Instant};

use minicontain::spec::NamespaceSource;
use minicontain::{Communication, Container, Error};

/// How long a pipe that nobody can write to any more is given to say that it is empty.
const QUIET: Duration = Duration::from_millis(10);

/// Goes on until `until`; `Some` when nothing more can come.
///
/// Usually that is when every pipe is closed. But a copy of the pipe may live on elsewhere: in a process that the
/// caller forked at the wrong moment, or in one that outlived a container without a PID namespace. So it is also
/// the end when the container has ended and nobody in it can be left (`killed`, or its PID namespace is gone).
pub(crate) fn advance(
    container: &Container,
    exchange: &mut Communication,
    until: Instant,
    killed: bool,
) -> Result<Option<()>, Error> {
    if exchange.advance(Some(until))? {
        return Ok(Some(()));
    }
    let gone_together = container.trace().plan.spec.namespaces.pid == NamespaceSource::New;
    if !(killed || gone_together) || container.try_wait()?.is_none() {
        return Ok(None);
    }
    let length = |exchange: &Communication| exchange.stdout.len() + exchange.stderr.len();
    loop {
        let before = length(exchange);
        if exchange.advance(Some(Instant::now() + QUIET))? || length(exchange) == before {
            return Ok(Some(()));
        }
    }
}
