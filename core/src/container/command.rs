//! A builder in the manner of `std::process::Command`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Communication, Container, Outcome, Reason};
use crate::error::Error;
use crate::namespace::Kind;
use crate::plan::Plan;
use crate::plan::trace::Trace;
use crate::spec::{Attachment, NamespaceSource, Publish, Spec, Stdio};

/// What to run and in which container: [`std::process::Command`] with walls.
///
/// ```no_run
/// let run = minicontain::Command::new("sh").args(["-c", "hostname; id -u"]).hostname("box").output()?;
/// assert_eq!(run.stdout, b"box\n0\n");
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    spec: Spec,
    input: Option<Vec<u8>>,
    timeout: Option<Duration>,
}

/// A container that has ended: how, and what it said.
#[derive(Debug, Clone)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// What it wrote to standard output, where that was a pipe.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, where that was a pipe.
    pub stderr: Vec<u8>,
    /// What was done to start it.
    pub trace: Arc<Trace>,
}

impl Command {
    /// A program, to run with every default.
    pub fn new(program: impl Into<String>) -> Self {
        Self::from(Spec::new([program.into()]))
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl Into<String>) -> &mut Self {
        self.spec.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<S: Into<String>>(&mut self, args: impl IntoIterator<Item = S>) -> &mut Self {
        self.spec.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    pub fn env(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.spec.env.insert(name.into(), Some(value.into()));
        self
    }

    /// Sets the working directory inside.
    pub fn current_dir(&mut self, path: impl Into<String>) -> &mut Self {
        self.spec.cwd = Some(path.into());
        self
    }

    /// Sets where standard input comes from.
    pub fn stdin(&mut self, stdin: Stdio) -> &mut Self {
        self.spec.stdin = stdin;
        self
    }

    /// Sets where standard output goes.
    pub fn stdout(&mut self, stdout: Stdio) -> &mut Self {
        self.spec.stdout = stdout;
        self
    }

    /// Sets where standard error goes.
    pub fn stderr(&mut self, stderr: Stdio) -> &mut Self {
        self.spec.stderr = stderr;
        self
    }

    /// Gives bytes to standard input.
    pub fn input(&mut self, input: impl Into<Vec<u8>>) -> &mut Self {
        self.input = Some(input.into());
        self.stdin(Stdio::Pipe)
    }

    /// Kills the container when it has run so long.
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.timeout = Some(timeout);
        self
    }

    /// Puts the container on a network.
    pub fn network(&mut self, network: Attachment) -> &mut Self {
        self.spec.networks.push(network);
        self
    }

    /// Leads a port of the host to one of the container.
    pub fn publish(&mut self, port: Publish) -> &mut Self {
        self.spec.publish.push(port);
        self
    }

    /// Sets the host name.
    pub fn hostname(&mut self, name: impl Into<String>) -> &mut Self {
        self.spec.hostname = Some(name.into());
        self
    }

    /// Gives the container a name, by which other processes of this user find it ([`Container::attach`]).
    pub fn name(&mut self, name: impl Into<String>) -> &mut Self {
        self.spec.name = Some(name.into());
        self
    }

    /// Sets whether the container outlives its creator; its output then goes to a log ([`Container::log_path`]).
    pub fn detach(&mut self, detach: bool) -> &mut Self {
        self.spec.detach = detach;
        self
    }

    /// Sets whether the program has a terminal of the container's own ([`Container::terminal`]).
    pub fn tty(&mut self, tty: bool) -> &mut Self {
        self.spec.tty = tty;
        self
    }

    /// Sets whether process 1 is a small init, as by default.
    pub fn init(&mut self, init: bool) -> &mut Self {
        self.spec.init = init;
        self
    }

    /// Uses a directory as the root.
    pub fn rootfs(&mut self, path: impl Into<String>) -> &mut Self {
        self.spec.rootfs = Some(path.into());
        self
    }

    /// Sets where a namespace comes from.
    pub fn namespace(&mut self, kind: Kind, source: NamespaceSource) -> &mut Self {
        self.spec.namespaces.set(kind, source);
        self
    }

    /// Every other field.
    pub fn spec(&mut self) -> &mut Spec {
        &mut self.spec
    }

    /// Plans the container without making it.
    ///
    /// # Errors
    /// Every fault of the spec, and what of it cannot be on this host.
    pub fn plan(&self) -> Result<Plan, Error> {
        Plan::new(self.spec.clone())
    }

    /// Starts the container.
    ///
    /// # Errors
    /// As [`Command::plan`], and the step that failed.
    pub fn spawn(&self) -> Result<Container, Error> {
        Container::start(self.plan()?)
    }

    /// Runs the container to its end, with standard output and error captured.
    ///
    /// # Errors
    /// As [`Command::spawn`].
    pub fn output(&mut self) -> Result<Run, Error> {
        self.stdout(Stdio::Pipe).stderr(Stdio::Pipe).run()
    }

    /// Runs the container to its end.
    ///
    /// # Errors
    /// As [`Command::spawn`].
    pub fn run(&self) -> Result<Run, Error> {
        let mut container = self.spawn()?;
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        let mut exchange = Communication::new(&mut container, self.input.clone())?;
        let mut late = false;
        let passed = || deadline.is_some_and(|deadline| deadline <= Instant::now());
        // A process that left the container's group can hold a pipe open for ever: after a kill, its end counts.
        let slice = || Some(Instant::now() + Duration::from_millis(50));
        while !exchange.advance(if late { slice() } else { deadline })? {
            if late && container.try_wait()?.is_some() {
                break;
            }
            if !late && passed() {
                late = true;
                container.kill()?;
            }
        }
        let mut outcome = loop {
            let left = match deadline {
                Some(deadline) if !late => deadline.saturating_duration_since(Instant::now()),
                _ => Duration::from_secs(3600),
            };
            if let Some(outcome) = container.wait_timeout(left)? {
                break outcome;
            }
            if !late && passed() {
                late = true;
                container.kill()?;
            }
        };
        if late {
            outcome.reason = Reason::TimedOut;
        }
        let Communication { stdout, stderr, .. } = exchange;
        Ok(Run { outcome, stdout, stderr, trace: Arc::clone(container.trace()) })
    }
}

impl From<Spec> for Command {
    fn from(spec: Spec) -> Self {
        Self { spec, input: None, timeout: None }
    }
}
