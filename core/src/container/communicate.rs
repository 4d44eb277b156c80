//! Feeding a container and reading what it says, all at once, so that no full pipe stops either side.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};

use super::Container;
use crate::error::{Code, Error};
use crate::sys::process::{poll_timeout, write_pipe};

/// The exchange with a container's pipes. It can be interrupted by time or a signal, and go on later.
#[derive(Debug)]
pub struct Communication {
    stdin: Option<OwnedFd>,
    input: Vec<u8>,
    written: usize,
    output: [Option<File>; 2],
    /// What came from standard output so far.
    pub stdout: Vec<u8>,
    /// What came from standard error so far.
    pub stderr: Vec<u8>,
}

impl Communication {
    /// Takes the container's pipes. `input` goes to standard input, which is closed after it.
    ///
    /// # Errors
    /// [`Code::InvalidSpec`] if there is input but no pipe to standard input.
    pub fn new(container: &mut Container, input: Option<Vec<u8>>) -> Result<Self, Error> {
        if input.is_some() && container.stdin.is_none() {
            return Err(Error::call(
                Code::InvalidSpec,
                "input: standard input is not a pipe",
                0,
                "use stdin=pipe",
            ));
        }
        let stdin = container.stdin.take();
        if let Some(fd) = &stdin {
            let flags = fcntl(fd, FcntlArg::F_GETFL).map(OFlag::from_bits_truncate).map_err(failed)?;
            fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map_err(failed)?;
        }
        let output = [container.stdout.take().map(File::from), container.stderr.take().map(File::from)];
        let input = input.unwrap_or_default();
        Ok(Self { stdin, input, written: 0, output, stdout: Vec::new(), stderr: Vec::new() })
    }

    /// Goes on until every pipe is closed (`true`), the deadline has passed or a signal came (`false`).
    ///
    /// # Errors
    /// [`Code::Io`] if a pipe cannot be read.
    pub fn advance(&mut self, deadline: Option<Instant>) -> Result<bool, Error> {
        loop {
            if self.written == self.input.len() {
                self.stdin = None;
            }
            let (mut who, mut fds) = (Vec::with_capacity(3), Vec::with_capacity(3));
            if let Some(fd) = &self.stdin {
                who.push(2);
                fds.push(PollFd::new(fd.as_fd(), PollFlags::POLLOUT));
            }
            for (n, file) in self.output.iter().enumerate() {
                if let Some(file) = file {
                    who.push(n);
                    fds.push(PollFd::new(file.as_fd(), PollFlags::POLLIN));
                }
            }
            if fds.is_empty() {
                return Ok(true);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(false);
            }
            match poll(&mut fds, poll_timeout(left)) {
                Ok(_) => {}
                Err(Errno::EINTR) => return Ok(false),
                Err(errno) => return Err(failed(errno)),
            }
            let ready: Vec<usize> =
                who.into_iter().zip(&fds).filter(|(_, fd)| fd.any() == Some(true)).map(|(n, _)| n).collect();
            for n in ready {
                if n == 2 { self.write() } else { self.read(n)? }
            }
        }
    }

    /// Writes what the pipe takes. A program that does not read its input is no error.
    fn write(&mut self) {
        let Some(fd) = &self.stdin else { return };
        match write_pipe(fd.as_fd(), &self.input[self.written..]) {
            Ok(count) => self.written += count,
            Err(libc::EAGAIN | libc::EINTR) => {}
            Err(_) => self.written = self.input.len(),
        }
    }

    fn read(&mut self, n: usize) -> Result<(), Error> {
        let (file, sink) = (&mut self.output[n], if n == 0 { &mut self.stdout } else { &mut self.stderr });
        let Some(open) = file else { return Ok(()) };
        let from = sink.len();
        sink.resize(from + (64 << 10), 0);
        let read = open.read(&mut sink[from..]);
        sink.truncate(from + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => *file = None,
            Ok(_) => {}
            // What a terminal that nobody has open says.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => *file = None,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) => {
                return Err(Error::call(
                    Code::Io,
                    "could not read from the container",
                    error.raw_os_error().unwrap_or(0),
                    "",
                ));
            }
        }
        Ok(())
    }
}

fn failed(errno: Errno) -> Error {
    Error::call(Code::Io, "could not exchange data with the container", errno as i32, "")
}
