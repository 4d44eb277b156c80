//! Going into namespaces and coming back: setns(2), unshare(2).

use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::{Kind, Namespace};
use crate::error::{Code, Error};
use crate::sys::nsfs;

/// Moves the calling thread into new namespaces: unshare(2). Flags are those of clone(2), such as
/// [`Kind::clone_flag`]. A new PID or time namespace is for the children that it makes from then on.
///
/// ```no_run
/// use minicontain::namespace::{Kind, unshare};
/// unshare(Kind::Uts.clone_flag() | Kind::Net.clone_flag())?;
/// # Ok::<(), minicontain::Error>(())
/// ```
///
/// # Errors
/// [`Code::PermissionDenied`] without CAP_SYS_ADMIN; [`Code::NotSupported`] where the kernel forbids it to one thread of
/// several, with the way that works.
pub fn unshare(flags: u64) -> Result<(), Error> {
    nsfs::unshare(flags).map_err(|errno| refused("unshare", flags, errno))
}

/// Moves the calling thread into the namespace that a descriptor stands for, or into several of the process that a
/// pidfd stands for: setns(2). With flags of zero, a namespace's descriptor may be of any kind.
///
/// # Errors
/// As [`unshare`]; [`Code::NamespaceNotFound`] when it does not stand for one of that kind.
pub fn setns(fd: BorrowedFd<'_>, flags: u64) -> Result<(), Error> {
    let flags_or_kind = if flags == 0 { nsfs::kind(fd).unwrap_or(0) } else { flags };
    nsfs::setns(fd, flags).map_err(|errno| refused("setns", flags_or_kind, errno))
}

/// While one of these lives, the thread that made it is inside; dropping it takes the thread back.
#[derive(Debug)]
pub struct Inside {
    before: Namespace,
    places: Option<Places>,
    /// Whether dropping it takes the thread back.
    returns: bool,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

/// Where a thread was in the tree of mounts: joining another changes its root and its working directory.
#[derive(Debug)]
struct Places {
    root: OwnedFd,
    cwd: OwnedFd,
}

impl Namespace {
    /// Takes the calling thread inside, until what this gives is dropped, or [`Inside::leave`] is called. Of a PID
    /// namespace, the children that the thread makes meanwhile are inside.
    ///
    /// ```no_run
    /// use minicontain::namespace::{Kind, Namespace};
    /// let net = Namespace::create(Kind::Net)?;
    /// let inside = net.enter()?;
    /// let socket = std::net::TcpListener::bind("127.0.0.1:80");      // nobody else's port 80
    /// inside.leave()?;                                               // the socket stays inside
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`setns`]. A user namespace is always refused: nobody comes back out of one.
    pub fn enter(&self) -> Result<Inside, Error> {
        let flag = self.kind().clone_flag();
        if self.kind() == Kind::User {
            return Err(refused("setns", flag, libc::EINVAL));
        }
        let before = Self::current_for_children(self.kind())?;
        let places = (self.kind() == Kind::Mnt).then(Places::read).transpose()?;
        nsfs::setns(self.as_fd(), flag).map_err(|errno| refused("setns", flag, errno))?;
        Ok(Inside { before, places, returns: true, thread: PhantomData })
    }

    /// Calls a function inside, in a thread of its own that ends with it.
    ///
    /// # Errors
    /// As [`setns`]; [`Code::OutOfResources`] when there can be no more threads. What panics in the function goes on in
    /// the caller.
    pub fn call<T: Send>(&self, function: impl FnOnce() -> T + Send) -> Result<T, Error> {
        thread::scope(|scope| {
            let inside = || {
                if self.kind() == Kind::Mnt {
                    unshare(libc::CLONE_FS as u64)?;
                }
                setns(self.as_fd(), self.kind().clone_flag())?;
                Ok(function())
            };
            let called = thread::Builder::new().spawn_scoped(scope, inside).map_err(|error| {
                let errno = error.raw_os_error().unwrap_or(0);
                let hint = "a limit on processes or memory is reached: see RLIMIT_NPROC and pids.max";
                Error::call(Code::OutOfResources, "could not make a thread", errno, hint)
            })?;
            called.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Inside {
    /// Takes the thread back, and says so where that failed.
    ///
    /// # Errors
    /// As [`setns`].
    pub fn leave(mut self) -> Result<(), Error> {
        self.returns = false;
        self.go_back()
    }

    /// Leaves the thread where it is, for good.
    pub fn stay(mut self) {
        self.returns = false;
    }

    fn go_back(&self) -> Result<(), Error> {
        let flag = self.before.kind().clone_flag();
        nsfs::setns(self.before.as_fd(), flag).map_err(|errno| refused("setns", flag, errno))?;
        self.places.as_ref().map_or(Ok(()), Places::restore)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if self.returns {
            let _ = self.go_back();
        }
    }
}

impl Places {
    fn read() -> Result<Self, Error> {
        let read = |path: &str| {
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            open(path, flags, Mode::empty()).map_err(|errno| moved_away(errno as i32))
        };
        Ok(Self { root: read("/")?, cwd: read(".")? })
    }

    fn restore(&self) -> Result<(), Error> {
        nix::unistd::fchdir(&self.root)
            .and_then(|()| nix::unistd::chroot("."))
            .and_then(|()| nix::unistd::fchdir(&self.cwd))
            .map_err(|errno| moved_away(errno as i32))
    }
}

fn moved_away(errno: i32) -> Error {
    Error::call(Code::Io, "could not keep the root and the working directory of the thread", errno, "")
}

/// Why the kernel does not let this thread in, and what works.
pub(super) fn refused(call: &str, flags: u64, errno: i32) -> Error {
    let has = |kind: Kind| flags & kind.clone_flag() != 0;
    let kinds: Vec<&str> =
        Kind::ALL.into_iter().filter(|kind| has(*kind)).map(Kind::clone_flag_name).collect();
    let asked = if kinds.is_empty() { format!("{flags:#x}") } else { kinds.join("|") };
    let (code, hint) = match errno {
        libc::EPERM if has(Kind::User) => (
            Code::UserNamespaceForbidden,
            "this host forbids user namespaces to ordinary users, or the caller is in a chroot; see user.max_user_namespaces",
        ),
        libc::EPERM => (
            Code::PermissionDenied,
            "it needs CAP_SYS_ADMIN, here and in the user namespace that owns it: be root, or take CLONE_NEWUSER with it in a new process (namespace clone, or a container)",
        ),
        libc::EINVAL | libc::EUSERS if has(Kind::User) && threads() > 1 => (
            Code::NotSupported,
            "a process with several threads cannot change its user namespace: make a new process inside (namespace clone, or a container)",
        ),
        libc::EINVAL if has(Kind::User) => (
            Code::NotSupported,
            "nobody can join the user namespace that he is in, or come back to the one above: make a new process inside (namespace clone, or a container)",
        ),
        libc::EINVAL if has(Kind::Mnt) && call == "setns" => (
            Code::NotSupported,
            "threads that share their root and working directory cannot change their mount namespace: use call, which takes a thread of its own, or unshare(CLONE_FS) first",
        ),
        libc::EUSERS | libc::EINVAL if has(Kind::Time) && call == "setns" => (
            Code::NotSupported,
            "a process with several threads cannot change its time namespace: make a new process inside (a container with this time namespace)",
        ),
        libc::EINVAL if has(Kind::Pid) && call == "setns" => (
            Code::NotSupported,
            "a PID namespace can be joined from those above it only, and while its first process lives",
        ),
        libc::EINVAL | libc::EBADF | libc::ENOTTY => {
            (Code::NamespaceNotFound, "the descriptor must stand for a namespace of that kind, or be a pidfd")
        }
        libc::ENOSYS => (
            Code::NotSupported,
            "this kernel, or the filter that the caller is under, has no such call: start a container, which does without clone3",
        ),
        libc::ESRCH => (Code::Ended, "the process that the pidfd stands for has ended"),
        libc::ENOSPC | libc::EUSERS => (
            Code::OutOfResources,
            "a limit on the number or depth of namespaces is reached: see /proc/sys/user",
        ),
        _ => (Code::StepFailed, ""),
    };
    Error::call(code, format!("{call}({asked}) was refused"), errno, hint)
}

/// How many threads this process has.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}
