//! What is written down of a network: before anything of it is made, until everything of it is gone.
//!
//! ```text
//! /run/minicontain/networks/NAME/    ($XDG_RUNTIME_DIR/minicontain/… for an ordinary user)
//!     network.json    what it is, and who made it
//!     last            the address that was handed out last
//!     hosts           the names of who is on it
//!     resolv.conf     where its containers ask for other names
//!     ports/          a file for each container with published ports, called after its address and its maker
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::super::{Cidr, Route};
use crate::error::{Code, Error};
use crate::host::{self, Maker, state_directory};

/// What a directory is called until all of it is written; no network's name begins so.
const UNFINISHED: &str = ".unfinished-";
/// How long that may take.
const GRACE: Duration = Duration::from_secs(10);

/// What a network is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub name: String,
    /// The bridge's name.
    pub bridge: String,
    /// The bridge's address, which is the gateway, and how large the network is.
    pub gateway: Cidr,
    pub gateway6: Option<Cidr>,
    pub mtu: Option<u32>,
    /// Whether its containers reach what the host reaches.
    pub nat: bool,
    /// Whether it has a table of rules.
    pub rules: bool,
    /// Whether it stays when its maker ends.
    pub persistent: bool,
    pub maker: Maker,
    /// The network namespace that the bridge is in.
    pub namespace: u64,
    /// Where that is opened, and the user namespace that owns it, where they are not the host's.
    pub inside: Option<Inside>,
    /// The servers that its containers ask for names; none where the host's file says that as well.
    pub servers: Option<Vec<IpAddr>>,
    /// Whether they ask their own init, which asks those.
    pub resolver: bool,
}

/// Namespaces that a process holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inside {
    pub user: String,
    pub net: String,
}

impl Record {
    /// The directory of one.
    pub(super) fn directory(name: &str) -> Result<PathBuf, Error> {
        Ok(all()?.join(name))
    }

    /// A file of it.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(Self::directory(&self.name)?.join(name))
    }

    /// Writes it down, all of it at once. A name that is taken is an error.
    pub(super) fn create(&self) -> Result<(), Error> {
        let (directory, parent) = (Self::directory(&self.name)?, all()?);
        let failed = |error| trouble("write down the network", &directory, &error);
        DirBuilder::new().recursive(true).mode(0o755).create(&parent).map_err(failed)?;
        forget_unfinished(&parent);
        let unfinished = parent.join(format!("{UNFINISHED}{}-{}", self.maker.pid, self.name));
        let _ = fs::remove_dir_all(&unfinished);
        DirBuilder::new().recursive(true).mode(0o755).create(unfinished.join("ports")).map_err(failed)?;
        let json = serde_json::to_string(self).unwrap_or_default();
        let finished = fs::write(unfinished.join("network.json"), json);
        finished.and_then(|()| fs::rename(&unfinished, &directory)).map_err(|error| {
            let _ = fs::remove_dir_all(&unfinished);
            if !directory.exists() {
                return failed(error);
            }
            let problem = format!("there is a network '{}' already", self.name);
            let hint = "choose another name, or open and remove that one";
            Error::call(Code::NameTaken, problem, libc::EEXIST, hint)
        })
    }

    /// Writes it down anew. Readers see all of it or nothing.
    pub(super) fn update(&self) -> Result<(), Error> {
        let directory = Self::directory(&self.name)?;
        let json = serde_json::to_string(self).unwrap_or_default();
        let temporary = directory.join("network.json.new");
        let written = fs::write(&temporary, json);
        written
            .and_then(|()| fs::rename(&temporary, directory.join("network.json")))
            .map_err(|error| trouble("write down the network", &directory, &error))
    }

    /// The one of that name.
    pub(super) fn open(name: &str) -> Result<Self, Error> {
        let path = Self::directory(name)?.join("network.json");
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => not_found(name),
            _ => trouble("read", &path, &error),
        })?;
        let wrong = |problem: String| {
            let hint = "it was written by another version? remove the directory";
            Error::call(Code::Io, format!("{}: {problem}", path.display()), 0, hint)
        };
        let record: Self = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let sized = record.gateway.address().is_ipv4() && (8..=29).contains(&record.gateway.prefix());
        if record.name == name && sized { Ok(record) } else { Err(wrong("it is of no such network".into())) }
    }

    /// Those that are written down.
    pub(super) fn all() -> Result<Vec<Self>, Error> {
        let entries = match fs::read_dir(all()?) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| trouble("list", &all().unwrap_or_default(), &error))?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut records: Vec<Self> = names.filter_map(|name| Self::open(&name).ok()).collect();
        records.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(records)
    }

    /// Forgets it, and the directories that hold nothing more.
    pub(super) fn remove(&self) -> Result<(), Error> {
        let directory = Self::directory(&self.name)?;
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(trouble("remove", &directory, &error)),
            _ => {
                let _ = directory.ancestors().skip(1).take(2).try_for_each(fs::remove_dir);
                Ok(())
            }
        }
    }

    /// A container's addresses: this one, and that of version 6 which is as far from the beginning.
    pub(crate) fn addresses(&self, address: Ipv4Addr) -> Result<Vec<Cidr>, Error> {
        let mut all = vec![Cidr::new(address.into(), self.gateway.prefix())?];
        let bases =
            self.gateway6.map(|gateway6| (gateway6.network().address(), self.gateway.network().address()));
        if let (Some((IpAddr::V6(network), IpAddr::V4(base))), Some(gateway6)) = (bases, self.gateway6) {
            let offset = address.to_bits().wrapping_sub(base.to_bits());
            let address6 = Ipv6Addr::from_bits(network.to_bits() | u128::from(offset));
            all.push(Cidr::new(address6.into(), gateway6.prefix())?);
        }
        Ok(all)
    }

    /// Where its containers reach all that is not on it.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let to = |all: Cidr, gateway: Cidr| Route { gateway: Some(gateway.address()), ..Route::to(all) };
        let route6 = self.gateway6.map(|gateway6| to(Cidr::ALL_V6, gateway6));
        [to(Cidr::ALL_V4, self.gateway)].into_iter().chain(route6).collect()
    }
}

/// Removes what makers left that were killed while they wrote.
fn forget_unfinished(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if unfinished && age().is_some_and(|age| age > GRACE) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Where all are.
pub(super) fn all() -> Result<PathBuf, Error> {
    Ok(state_directory("network")?.join("networks"))
}

/// The directory of all networks, which nobody else changes meanwhile. It goes with the last network.
#[derive(Debug)]
pub(super) struct Held {
    directory: PathBuf,
    _lock: Flock<File>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.directory.ancestors().take(2).try_for_each(fs::remove_dir);
    }
}

/// Makes the directory where it is not there, and keeps others from making and removing networks while the result lives.
pub(super) fn hold() -> Result<Held, Error> {
    let directory = all()?;
    let lock = host::hold(&directory).map_err(|error| trouble("lock", &directory, &error))?;
    Ok(Held { _lock: lock, directory })
}

/// The host's end of a container's link. Its name is what hands an address out: there can be one of it, and the kernel
/// removes it with the container's network namespace.
pub(crate) fn link_name(address: Ipv4Addr) -> String {
    format!("mc{:08x}", address.to_bits())
}

pub(super) fn not_found(name: &str) -> Error {
    let hint = "make it first (Network), or list those that there are";
    Error::call(Code::NetworkNotFound, format!("there is no network '{name}'"), 0, hint)
}

/// Writes a file that everybody in the containers may read, whatever the caller's umask.
pub(super) fn publish_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o644)))
        .map_err(|error| trouble("write", path, &error))
}

/// Opens a file that several processes write, and keeps them out for as long as the result lives.
pub(super) fn locked(path: &Path) -> Result<Flock<File>, Error> {
    let opened =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o644).open(path);
    let file = opened.map_err(|error| trouble("open", path, &error))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| trouble("lock", path, &errno.into()))
}

pub(super) fn trouble(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let shown = path.to_string_lossy();
    let errno = error.raw_os_error().unwrap_or(0);
    let code = match errno {
        libc::EPERM | libc::EACCES | libc::EROFS => Code::PermissionDenied,
        libc::ENOENT => Code::NetworkNotFound,
        _ => Code::Io,
    };
    Error::call(code, format!("could not {what} {shown}"), errno, "").about(&shown)
}
