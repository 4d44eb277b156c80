//! One namespace, held by a descriptor.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::Kind;
use crate::error::{Code, Error};
use crate::spec::Fault;
use crate::sys::nsfs;

/// A namespace. It lives at least as long as this does, with or without a process in it. Copies share the descriptor.
///
/// ```
/// use minicontain::namespace::{Kind, Namespace};
/// let own = Namespace::current(Kind::Uts)?;
/// assert_eq!(own, Namespace::of(std::process::id() as i32, Kind::Uts)?);
/// assert_eq!(own.to_string(), std::fs::read_link("/proc/self/ns/uts")?.to_string_lossy());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Namespace {
    fd: Arc<OwnedFd>,
    kind: Kind,
    /// The device and inode: what the kernel tells namespaces apart by.
    id: (u64, u64),
    pub(super) name: Option<String>,
}

impl Namespace {
    /// That of the calling thread.
    ///
    /// # Errors
    /// [`Code::NamespaceNotFound`] where /proc is not there or this kernel lacks the kind.
    pub fn current(kind: Kind) -> Result<Self, Error> {
        Self::open_as(Path::new(&format!("/proc/thread-self/ns/{kind}")), kind)
    }

    /// That in which the calling thread's children begin: of a PID namespace, not always its own.
    pub(super) fn current_for_children(kind: Kind) -> Result<Self, Error> {
        let file = if kind == Kind::Pid { "pid_for_children" } else { kind.name() };
        Self::open_as(Path::new(&format!("/proc/thread-self/ns/{file}")), kind)
    }

    /// That of a process.
    ///
    /// # Errors
    /// [`Code::NamespaceNotFound`] when there is no such process; [`Code::PermissionDenied`] when it is another user's.
    pub fn of(pid: i32, kind: Kind) -> Result<Self, Error> {
        Self::open_as(Path::new(&format!("/proc/{pid}/ns/{kind}")), kind)
    }

    /// The one that a file stands for: `/proc/PID/ns/net`, `/run/netns/NAME`.
    ///
    /// # Errors
    /// [`Code::NamespaceNotFound`] when the file is not there or stands for no namespace.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // Nothing that could be there is waited for, as a pipe without a writer would be.
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let file = options.open(path).map_err(|error| not_opened(path, &error))?;
        Self::from_fd(file.into()).map_err(|error| error.about(&path.to_string_lossy()))
    }

    /// The one that a descriptor stands for.
    ///
    /// # Errors
    /// [`Code::NamespaceNotFound`] when it stands for none.
    pub fn from_fd(fd: OwnedFd) -> Result<Self, Error> {
        let kind = nsfs::kind(fd.as_fd()).map_err(|errno| {
            let hint = "open a file such as /proc/self/ns/net or /run/netns/NAME";
            Error::call(Code::NamespaceNotFound, "this is no namespace", errno, hint)
        })?;
        let kind = Kind::ALL.into_iter().find(|known| known.clone_flag() == kind);
        let kind = kind
            .ok_or_else(|| Error::call(Code::NotSupported, "this kind of namespace is not known", 0, ""))?;
        Self::of_kind(fd, kind)
    }

    /// The one that somebody else's descriptor stands for, by a descriptor of its own.
    ///
    /// # Errors
    /// As [`Namespace::from_fd`]; [`Code::OutOfResources`] without descriptors left.
    pub fn duplicate(fd: BorrowedFd<'_>) -> Result<Self, Error> {
        let own = fd.try_clone_to_owned().map_err(|error| match error.raw_os_error().unwrap_or(0) {
            libc::EBADF => Error::call(Code::NamespaceNotFound, "this is no namespace", libc::EBADF, ""),
            errno => Error::call(Code::OutOfResources, "could not duplicate a descriptor", errno, ""),
        })?;
        Self::from_fd(own)
    }

    /// With a kind that is known.
    pub(super) fn of_kind(fd: OwnedFd, kind: Kind) -> Result<Self, Error> {
        let file = File::from(fd);
        let meta = file.metadata().map_err(|error| unreadable(error.raw_os_error().unwrap_or(0)))?;
        Ok(Self { fd: Arc::new(file.into()), kind, id: (meta.dev(), meta.ino()), name: None })
    }

    fn open_as(path: &Path, kind: Kind) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| not_opened(path, &error))?;
        Self::of_kind(file.into(), kind)
    }

    /// Which of the eight it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its number, as `/proc/PID/ns` shows it (`net:[4026531840]`). No two that live have the same.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id.1
    }

    /// The name that it was made or opened by.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The one above it, of a user or PID namespace; `None` where that is not below the caller's own:
    /// NS_GET_PARENT of ioctl_nsfs(2).
    ///
    /// # Errors
    /// [`Code::NotSupported`] of another kind: those have no tree.
    pub fn parent(&self) -> Result<Option<Self>, Error> {
        match nsfs::parent(self.as_fd()) {
            Ok(fd) => Self::of_kind(fd, self.kind).map(Some),
            Err(libc::EPERM) => Ok(None),
            Err(errno) => {
                let hint = "only user and PID namespaces have a parent; every kind has an owner";
                let problem = format!("could not ask for the parent of {self}");
                Err(Error::call(Code::NotSupported, problem, errno, hint))
            }
        }
    }

    /// The user namespace that owns it, whose capabilities count in it; `None` where that is not the caller's own or below
    /// it: NS_GET_USERNS of ioctl_nsfs(2). Of a user namespace it is the parent.
    ///
    /// # Errors
    /// [`Code::NamespaceNotFound`] with what the kernel says.
    pub fn owner(&self) -> Result<Option<Self>, Error> {
        match nsfs::owner(self.as_fd()) {
            Ok(fd) => Self::of_kind(fd, Kind::User).map(Some),
            Err(libc::EPERM) => Ok(None),
            Err(errno) => Err(unreadable(errno)),
        }
    }

    /// The user who made a user namespace, as the caller sees its ids: NS_GET_OWNER_UID of ioctl_nsfs(2).
    ///
    /// # Errors
    /// [`Code::NotSupported`] of another kind.
    pub fn owner_uid(&self) -> Result<u32, Error> {
        nsfs::owner_uid(self.as_fd()).map_err(|errno| {
            let hint = "ask its owner(), which is a user namespace";
            Error::call(Code::NotSupported, format!("{self} has no user who owns it"), errno, hint)
        })
    }

    /// Whether it is the one that the calling thread is in.
    #[must_use]
    pub fn is_current(&self) -> bool {
        Self::current(self.kind).is_ok_and(|own| own == *self)
    }

    /// Sees that it is a network namespace; `field` is what must name one.
    pub(crate) fn must_be_net(&self, field: &str) -> Result<(), Error> {
        if self.kind == Kind::Net {
            return Ok(());
        }
        let problem = format!("{self} is no network namespace");
        Err(Error::Spec(vec![Fault::new(field, problem, "give one of kind net")]))
    }

    /// Where it can be opened while this is kept: `/proc/PID/fd/N`, for programs that want a path.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.fd.as_raw_fd())
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Namespace {}

impl fmt::Display for Namespace {
    /// As `/proc/PID/ns` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:[{}]", self.kind, self.id())
    }
}

pub(super) fn not_opened(path: &Path, error: &io::Error) -> Error {
    let errno = error.raw_os_error().unwrap_or(0);
    let (code, hint) = match errno {
        libc::EPERM | libc::EACCES => (
            Code::PermissionDenied,
            "it takes a process of yours, or CAP_SYS_PTRACE in the user namespace of another's",
        ),
        _ => (Code::NamespaceNotFound, "the process or file that stands for it is not there"),
    };
    let shown = path.to_string_lossy();
    Error::call(code, format!("could not open the namespace {shown}"), errno, hint).about(&shown)
}

fn unreadable(errno: i32) -> Error {
    Error::call(Code::NamespaceNotFound, "could not look at the namespace", errno, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_look_is_told_which_right_it_takes() {
        let error = not_opened(Path::new("/proc/1/ns/net"), &io::Error::from_raw_os_error(libc::EACCES));
        assert!(error.hint().contains("CAP_SYS_PTRACE"), "{error}");
    }
}
