//! Namespaces that live on under a name, with no process in them: a mount of each keeps it, as `ip netns` does.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::{Kind, Namespace};
use crate::error::{Code, Error};
use crate::host::hold;
use crate::spec::Fault;

/// Where those of a kind are: network namespaces where `ip netns` has them.
fn directory(kind: Kind) -> PathBuf {
    match kind {
        Kind::Net => "/run/netns".into(),
        _ => format!("/run/minicontain/namespaces/{kind}").into(),
    }
}

/// The named ones of a kind, those that `ip netns` made among them, by name.
///
/// ```
/// use minicontain::namespace::{Kind, named};
/// for namespace in named(Kind::Net)? {
///     println!("{} {namespace}", namespace.name().unwrap_or_default());
/// }
/// # Ok::<(), minicontain::Error>(())
/// ```
///
/// # Errors
/// [`Code::PermissionDenied`] when their directory may not be read.
pub fn named(kind: Kind) -> Result<Vec<Namespace>, Error> {
    let entries = match fs::read_dir(directory(kind)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| trouble("list the named namespaces", &directory(kind), &error))?,
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<Namespace> =
        names.filter_map(|name| Namespace::open_named(kind, &name).ok()).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

impl Namespace {
    /// Makes a new one and keeps it under a name until [`Namespace::remove`]; a network namespace as `ip netns add` does.
    ///
    /// # Errors
    /// [`Code::NameTaken`]; as [`Namespace::create`]; [`Code::PermissionDenied`] without CAP_SYS_ADMIN to mount;
    /// [`Code::NotSupported`] of a mount namespace that the kernel takes for older than the caller's own.
    pub fn create_named(kind: Kind, name: &str) -> Result<Self, Error> {
        Self::make_named(kind, name, || Self::create(kind))
    }

    /// The same, of one that a user namespace owns.
    ///
    /// # Errors
    /// As [`Namespace::create_named`] and [`Namespace::create_in`].
    pub fn create_named_in(kind: Kind, name: &str, owner: &Self) -> Result<Self, Error> {
        Self::make_named(kind, name, || Self::create_in(kind, owner))
    }

    fn make_named(kind: Kind, name: &str, make: impl FnOnce() -> Result<Self, Error>) -> Result<Self, Error> {
        let path = place(kind, name)?;
        if Self::open(&path).is_ok() {
            return Err(taken(kind, name));
        }
        let mut namespace = make()?;
        namespace.keep_at(&path, name)?;
        namespace.name = Some(name.into());
        Ok(namespace)
    }

    /// The one that has a name, whoever made it.
    ///
    /// # Errors
    /// [`Code::NamespaceNotFound`].
    pub fn open_named(kind: Kind, name: &str) -> Result<Self, Error> {
        let mut namespace = Self::open(&place(kind, name)?)?;
        namespace.name = Some(name.into());
        Ok(namespace)
    }

    /// Takes its name away. It lives on while processes are in it, or something holds it.
    ///
    /// # Errors
    /// [`Code::NamespaceNotFound`] when it has no name any more; [`Code::PermissionDenied`].
    pub fn remove(&self) -> Result<(), Error> {
        let Some(name) = &self.name else {
            let hint = "one without a name goes when nothing holds it";
            return Err(Error::call(Code::NamespaceNotFound, format!("{self} has no name"), 0, hint));
        };
        let path = place(self.kind(), name)?;
        if Self::open(&path)? != *self {
            let problem = format!("'{name}' is another namespace's name now");
            return Err(Error::call(Code::NamespaceNotFound, problem, 0, ""));
        }
        let parent = directory(self.kind());
        let _lock = hold(&parent).map_err(|error| trouble("lock", &parent, &error))?;
        umount2(&path, MntFlags::MNT_DETACH)
            .map_err(|errno| trouble("unmount the namespace", &path, &errno.into()))?;
        fs::remove_file(&path).map_err(|error| trouble("remove the name", &path, &error))?;
        clear(self.kind(), &parent);
        Ok(())
    }

    fn keep_at(&self, path: &Path, name: &str) -> Result<(), Error> {
        let failed = |what: &str, error: &std::io::Error| trouble(what, path, error);
        let parent = path.parent().unwrap_or(Path::new("/"));
        let _lock = hold(parent).map_err(|error| failed("make the directory", &error))?;
        prepare(self.kind(), parent).map_err(|errno| failed("prepare the directory", &errno.into()))?;
        // What a maker left that was killed before it mounted is taken over.
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o000).open(path);
        made.map_err(|error| failed("make the file", &error))?;
        let none: Option<&str> = None;
        let source = self.path();
        if let Err(errno) = mount(Some(source.as_str()), path, none, MsFlags::MS_BIND, none) {
            let _ = fs::remove_file(path);
            clear(self.kind(), parent);
            // The kernel allows it of newer ones only; Linux 6.18 numbers them by batches of each CPU, and compares those.
            if self.kind() == Kind::Mnt && errno == Errno::EINVAL {
                let problem = format!("could not mount the namespace {}", path.to_string_lossy());
                let hint = "the kernel takes it for older than the one that the caller is in: hold it by this object alone";
                return Err(Error::call(Code::NotSupported, problem, errno as i32, hint));
            }
            return Err(failed("mount the namespace", &errno.into()));
        }
        // Two who made the same name at once have mounted on each other.
        match Self::open(path) {
            Ok(there) if there == *self => Ok(()),
            _ => Err(taken(self.kind(), name)),
        }
    }
}

/// Removes a directory without names, which is a mount of its own. That of network namespaces stays, as `ip netns` has it.
fn clear(kind: Kind, directory: &Path) {
    let empty = fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none());
    if kind != Kind::Net && empty {
        let _ = umount2(directory, MntFlags::MNT_DETACH);
        let _ = directory.ancestors().take(3).try_for_each(fs::remove_dir);
    }
}

/// Makes the directory a mount of its own: shared for network namespaces, as `ip netns` has it, so that it is seen from
/// other mount namespaces; private for the others, without which a mount namespace cannot be mounted.
fn prepare(kind: Kind, directory: &Path) -> nix::Result<()> {
    let none: Option<&str> = None;
    let propagation =
        if kind == Kind::Net { MsFlags::MS_SHARED | MsFlags::MS_REC } else { MsFlags::MS_PRIVATE };
    if mount(none, directory, none, propagation, none).is_ok() {
        return Ok(());
    }
    mount(Some(directory), directory, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
    mount(none, directory, none, propagation, none)
}

/// The file that stands for a name.
fn place(kind: Kind, name: &str) -> Result<PathBuf, Error> {
    let plain =
        !name.is_empty() && name.len() <= 255 && !name.starts_with('.') && !name.contains(['/', '\0']);
    if plain {
        return Ok(directory(kind).join(name));
    }
    let fault = Fault::new(
        "name",
        format!("'{}' is no name", name.escape_debug()),
        "use letters, digits, '-', '_' and '.'",
    );
    Err(Error::Spec(vec![fault]))
}

fn taken(kind: Kind, name: &str) -> Error {
    let problem = format!("there is a {kind} namespace '{name}' already");
    Error::call(Code::NameTaken, problem, libc::EEXIST, "choose another name, or open and remove that one")
}

fn trouble(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let shown = path.to_string_lossy();
    let errno = error.raw_os_error().unwrap_or(0);
    let (code, hint) = match errno {
        libc::EPERM | libc::EACCES | libc::EROFS => (
            Code::PermissionDenied,
            "names need CAP_SYS_ADMIN: be root, or hold the namespace by this object alone",
        ),
        _ => (Code::Io, ""),
    };
    Error::call(code, format!("could not {what} {shown}"), errno, hint).about(&shown)
}
