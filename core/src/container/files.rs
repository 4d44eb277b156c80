//! Files into a running container and out of it: `docker cp`.
//!
//! Every path is looked up below the container's root and nowhere else (openat2(2), `RESOLVE_IN_ROOT`): a link to
//! `/etc/shadow` is the container's own. What is not an ordinary file, a directory or a link is refused.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, open, openat2, readlinkat};
use nix::sys::stat::{Mode, fchmod, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, fchown, fchownat, symlinkat};

use super::Container;
use crate::error::{Code, Error};
use crate::host::is_ending;
use crate::sys::process::{as_file_user, started};

/// A container's files as they are reached from outside; what [`Container::files`] gives.
#[derive(Debug)]
pub struct Files {
    dir: OwnedFd,
    /// Whom new files belong to, where that is not the caller: the container's root.
    owner: Option<(u32, u32)>,
}

impl Container {
    /// Writes a file, with this mode. It belongs to the container's root. A file that is there is overwritten.
    ///
    /// ```no_run
    /// # let container: minicontain::Container = todo!();
    /// container.put("/tmp/input.txt", b"1 2 3", 0o644)?;
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::Io`] with the kernel's answer (`EROFS`, `ENOENT` for a directory that is missing, …); [`Code::Ended`].
    pub fn put(&self, path: &str, data: &[u8], mode: u32) -> Result<(), Error> {
        self.files()?.put(path, data, mode)
    }

    /// Copies a file or directory of the host to a path inside, with everything in it.
    ///
    /// # Errors
    /// As [`Container::put`].
    pub fn put_tree(&self, host: &Path, path: &str) -> Result<(), Error> {
        self.files()?.put_tree(host, path)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`Container::put`].
    pub fn get(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.files()?.get(path)
    }

    /// Copies a file or directory from inside to a path of the host, with everything in it. Links are copied as links.
    ///
    /// # Errors
    /// As [`Container::put`].
    pub fn get_tree(&self, path: &str, host: &Path) -> Result<(), Error> {
        self.files()?.get_tree(path, host)
    }

    /// Its files, to be used without holding on to the container.
    ///
    /// # Errors
    /// [`Code::Ended`] when it has ended.
    pub fn files(&self) -> Result<Files, Error> {
        let ended = || Error::call(Code::Ended, "the container has ended, and its files with it", 0, "");
        if self.try_wait()?.is_some() {
            return Err(ended());
        }
        let pid = self.pid();
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let dir =
            started(self.pidfd(), || Ok(open(format!("/proc/{pid}/root").as_str(), flags, Mode::empty())?));
        let dir = dir.map_err(|error| {
            let ending = is_ending(self.pidfd().as_raw_fd());
            if ending { ended() } else { failed("open the root of the container", "/", &error) }
        })?;
        let first = |kind: &str| {
            let map = fs::read_to_string(format!("/proc/{pid}/{kind}_map")).ok()?;
            let numbers: Vec<u32> =
                map.lines().next()?.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            (numbers.first() == Some(&0)).then(|| numbers.get(1).copied())?
        };
        let owner = first("uid").zip(first("gid"));
        let owner = owner.filter(|_| nix::unistd::geteuid().is_root()).filter(|(uid, _)| *uid != 0);
        // What was read under its id was its own only if it is still there.
        if self.try_wait()?.is_some() {
            return Err(ended());
        }
        Ok(Files { dir, owner })
    }
}

impl Files {
    /// Writes a file, as [`Container::put`].
    ///
    /// # Errors
    /// As there.
    pub fn put(&self, path: &str, data: &[u8], mode: u32) -> Result<(), Error> {
        let written = self.create(path, mode).and_then(|mut file| file.write_all(data));
        written.map_err(|error| failed("put", path, &error))
    }

    /// Copies a file or directory of the host to a path inside, as [`Container::put_tree`].
    ///
    /// # Errors
    /// As there.
    pub fn put_tree(&self, host: &Path, path: &str) -> Result<(), Error> {
        self.copy_in(host, path).map_err(|error| failed("put", path, &error))
    }

    /// Reads a file, as [`Container::get`].
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, Error> {
        let mut data = Vec::new();
        let read = self.open(path, OFlag::empty()).and_then(|mut file| file.read_to_end(&mut data));
        read.map(|_| data).map_err(|error| failed("get", path, &error))
    }

    /// Copies a file or directory from inside to a path of the host, as [`Container::get_tree`].
    ///
    /// # Errors
    /// As there.
    pub fn get_tree(&self, path: &str, host: &Path) -> Result<(), Error> {
        self.copy_out(path, host).map_err(|error| failed("get", path, &error))
    }

    /// Opens what is there: an ordinary file or a directory.
    fn open(&self, path: &str, flags: OFlag) -> io::Result<File> {
        // Not blocked by a pipe, and no terminal of the caller's.
        let flags = flags | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        let mode =
            if flags.contains(OFlag::O_CREAT) { Mode::from_bits_truncate(0o600) } else { Mode::empty() };
        let how = OpenHow::new().flags(flags).mode(mode).resolve(resolve);
        // With ".." in it, the kernel asks to try again when anything on the host was renamed or mounted meanwhile.
        let mut tries = 0..1000;
        let file = loop {
            match openat2(self.dir.as_fd(), path, how) {
                Err(Errno::EAGAIN) if tries.next().is_some() => {}
                opened => break File::from(opened?),
            }
        };
        let meta = file.metadata()?;
        if meta.is_file() || meta.is_dir() { Ok(file) } else { Err(Errno::EINVAL.into()) }
    }

    /// Makes a file, or empties the one that is there.
    fn create(&self, path: &str, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC;
        let file = self.as_owner(|| self.open(path, flags))?;
        if let Some((uid, gid)) = self.owner {
            fchown(&file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        // After that: a new owner takes the set-user-ID bit off.
        fchmod(&file, Mode::from_bits_truncate(mode))?;
        Ok(file)
    }

    /// Does what makes a file: as the caller, who may write everywhere, or, where its ids mean nothing on that mount,
    /// as the container's root.
    fn as_owner<T>(&self, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match (make(), self.owner) {
            (Err(error), Some((uid, gid))) if error.raw_os_error() == Some(libc::EOVERFLOW) => {
                as_file_user(uid, gid, make)
            }
            (made, _) => made,
        }
    }

    /// The directory that holds a path, and the path's last part.
    fn parent<'a>(&self, path: &'a str) -> io::Result<(File, &'a str)> {
        let path = path.trim_end_matches('/');
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = if parent.is_empty() { "/" } else { parent };
        if matches!(name, "" | "." | "..") {
            return Err(Errno::EINVAL.into());
        }
        Ok((self.open(parent, OFlag::O_DIRECTORY)?, name))
    }

    fn copy_in(&self, host: &Path, path: &str) -> io::Result<()> {
        let meta = fs::symlink_metadata(host)?;
        if meta.is_file() {
            let mut to = self.create(path, meta.mode() & 0o7777)?;
            io::copy(&mut File::open(host)?, &mut to)?;
            return Ok(());
        }
        let (parent, name) = self.parent(path)?;
        if meta.is_symlink() {
            let target = fs::read_link(host)?;
            self.as_owner(|| Ok(symlinkat(&target, &parent, name)?))?;
        } else if meta.is_dir() {
            let mode = Mode::from_bits_truncate(meta.mode() & 0o7777);
            match self.as_owner(|| Ok(mkdirat(&parent, name, mode)?)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.open(path, OFlag::O_DIRECTORY)?;
                }
                made => made?,
            }
        } else {
            return Err(Errno::EINVAL.into());
        }
        if let Some((uid, gid)) = self.owner {
            let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
            fchownat(&parent, name, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), flags)?;
        }
        if meta.is_dir() {
            for entry in fs::read_dir(host)? {
                let entry = entry?;
                let name = entry.file_name().into_string().map_err(|_| Errno::EILSEQ)?;
                self.copy_in(&entry.path(), &format!("{path}/{name}"))?;
            }
        }
        Ok(())
    }

    fn copy_out(&self, path: &str, host: &Path) -> io::Result<()> {
        let mut from = self.open(path, OFlag::empty())?;
        let meta = from.metadata()?;
        if meta.is_file() {
            let mode = meta.mode() & 0o777;
            let mut options = OpenOptions::new();
            let options =
                options.write(true).create(true).truncate(true).custom_flags(libc::O_NOFOLLOW).mode(mode);
            let mut to = options.open(host)?;
            io::copy(&mut from, &mut to)?;
            return to.set_permissions(fs::Permissions::from_mode(mode));
        }
        match fs::DirBuilder::new().mode(meta.mode() & 0o777).create(host) {
            // A link in its place would lead elsewhere.
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && fs::symlink_metadata(host)?.is_dir() => {}
            made => made?,
        }
        let mut dir = Dir::from_fd(from.into())?;
        let entries: Vec<(String, Option<Type>)> = dir
            .iter()
            .map(|entry| {
                let entry = entry?;
                let name = entry.file_name().to_str().map_err(|_| Errno::EILSEQ)?;
                Ok((name.to_string(), entry.file_type()))
            })
            .collect::<io::Result<_>>()?;
        for (name, kind) in entries.iter().filter(|(name, _)| name != "." && name != "..") {
            let link = if let Some(kind) = kind {
                *kind == Type::Symlink
            } else {
                let stat = fstatat(dir.as_fd(), name.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?;
                stat.st_mode & libc::S_IFMT == libc::S_IFLNK
            };
            if link {
                symlink(readlinkat(dir.as_fd(), name.as_str())?, host.join(name))?;
            } else {
                self.copy_out(&format!("{path}/{name}"), &host.join(name))?;
            }
        }
        Ok(())
    }
}

fn failed(what: &str, path: &str, error: &io::Error) -> Error {
    let errno = error.raw_os_error().unwrap_or(libc::EIO);
    let hint = match errno {
        libc::ENOENT => "the path is looked up inside the container; directories above it must be there",
        libc::EROFS => "it is read-only there: choose /tmp, a tmpfs or a writable volume",
        libc::EINVAL | libc::ENXIO => "only files, directories and links can be copied",
        _ => "",
    };
    Error::call(Code::Io, format!("could not {what} '{path}'"), errno, hint).about(path)
}
