//! What was done, as the shell commands that do the same: for people who learn.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::shell::shown;
use crate::error::Error;
use crate::namespace::Namespace;

/// How much is kept: the last ones.
const KEPT: usize = 256;

/// A change that was made, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The shell command that does the same.
    pub shell: String,
    /// The network namespace that it is to be run in: its name, or else the path at which this process holds it; `None` for
    /// the one that it was done from, if that has no name.
    pub namespace: Option<String>,
    /// How long the kernel took.
    pub took: Duration,
    /// The kernel's answer; zero where it did it.
    pub errno: i32,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // ip(8) and tc(8) say it alike, of one that has a name.
        match (&self.namespace, self.shell.split_once(' ')) {
            (Some(path), _) if path.starts_with('/') => write!(f, "nsenter --net={path} {}", self.shell),
            (Some(namespace), Some((program, rest))) => write!(f, "{program} -n {namespace} {rest}"),
            _ => f.write_str(&self.shell),
        }
    }
}

/// What was done through a socket and the links that were found through it.
#[derive(Debug, Clone, Default)]
pub(super) struct History(Arc<Mutex<VecDeque<Done>>>);

impl History {
    /// Does something and notes it.
    pub(super) fn note<T>(
        &self,
        namespace: &Namespace,
        shell: String,
        what: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let begin = Instant::now();
        let result = what();
        let errno = result.as_ref().err().map_or(0, Error::errno);
        let mut all = self.lock();
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back(Done {
            shell,
            namespace: Some(shown(namespace))
                .filter(|_| namespace.name().is_some() || !namespace.is_current()),
            took: begin.elapsed(),
            errno,
        });
        result
    }

    pub(super) fn all(&self) -> Vec<Done> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Done>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Done, History, KEPT};
    use crate::namespace::{Kind, Namespace};

    #[test]
    fn the_last_ones_are_kept() {
        let history = History::default();
        let here = Namespace::current(Kind::Net).expect("a namespace");
        for n in 0..KEPT + 3 {
            history.note(&here, n.to_string(), || Ok(())).expect("done");
        }
        let all = history.all();
        assert_eq!((all.len(), all[0].to_string().as_str()), (KEPT, "3"));
    }

    #[test]
    fn what_is_done_elsewhere_says_where() {
        let took = std::time::Duration::ZERO;
        let done = |namespace: Option<&str>| {
            let namespace = namespace.map(Into::into);
            Done { shell: "ip link set dev lo up".into(), namespace, took, errno: 0 }.to_string()
        };
        assert_eq!(done(None), "ip link set dev lo up");
        assert_eq!(done(Some("child")), "ip -n child link set dev lo up");
        assert_eq!(done(Some("/proc/7/fd/5")), "nsenter --net=/proc/7/fd/5 ip link set dev lo up");
    }
}
