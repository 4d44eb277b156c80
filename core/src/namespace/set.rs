//! All eight namespaces of a process.

use super::{Kind, Namespace};
use crate::error::{Code, Error};

/// The namespaces of one process; those kinds that the kernel has.
///
/// ```
/// use minicontain::namespace::{Kind, Namespaces};
/// let own = Namespaces::current()?;
/// assert!(own.get(Kind::Net).is_some());
/// assert_eq!(own.shared_with(&Namespaces::of(std::process::id() as i32)?), own.kinds());
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespaces(Vec<Namespace>);

impl Namespaces {
    /// Those of the calling thread.
    ///
    /// # Errors
    /// As [`Namespace::current`].
    pub fn current() -> Result<Self, Error> {
        Self::collect(Namespace::current)
    }

    /// Those of a process.
    ///
    /// # Errors
    /// As [`Namespace::of`].
    pub fn of(pid: i32) -> Result<Self, Error> {
        Self::collect(|kind| Namespace::of(pid, kind))
    }

    fn collect(open: impl Fn(Kind) -> Result<Namespace, Error>) -> Result<Self, Error> {
        let missing = |error: &Error| error.code() == Code::NamespaceNotFound;
        let opened = Kind::ALL.into_iter().map(open);
        let there: Result<Vec<Namespace>, Error> =
            opened.filter(|result| !result.as_ref().is_err_and(missing)).collect();
        match there?.as_slice() {
            [] => Err(Error::call(Code::NamespaceNotFound, "there is no such process", libc::ESRCH, "")),
            all => Ok(Self(all.to_vec())),
        }
    }

    /// That of a kind.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Option<&Namespace> {
        self.0.iter().find(|namespace| namespace.kind() == kind)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Namespace> {
        self.0.iter()
    }

    /// The kinds that there are.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        self.0.iter().map(Namespace::kind).collect()
    }

    /// The kinds of which both are in the same.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Vec<Kind> {
        self.0.iter().filter(|own| other.get(own.kind()) == Some(own)).map(Namespace::kind).collect()
    }
}
