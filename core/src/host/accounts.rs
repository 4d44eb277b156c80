//! Users and groups by name, from the container's own `/etc/passwd` and `/etc/group`: passwd(5), group(5).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;

use crate::error::{Code, Error};

/// Who the program runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub uid: u32,
    pub gid: u32,
    pub home: String,
}

impl Account {
    /// The container's root.
    pub(crate) fn root() -> Self {
        Self { uid: 0, gid: 0, home: "/root".into() }
    }
}

/// Finds `uid`, `uid:gid`, `name` or `name:group` in a root directory.
pub(crate) fn resolve_user(user: &str, root: &Path) -> Result<Account, Error> {
    let (name, group) = user.split_once(':').map_or((user, None), |(name, group)| (name, Some(group)));
    let passwd = read_inside(root, "etc/passwd")?;
    let entry = |index: usize, value: &str| {
        passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|f| f.len() >= 6 && f[index] == value)
    };
    let number = |text: &str| text.parse::<u32>().ok().filter(|id| *id != u32::MAX);
    let mut account = match (entry(0, name), number(name)) {
        (Some(fields), _) => Account {
            uid: number(fields[2]).ok_or_else(|| unreadable(name, "etc/passwd"))?,
            gid: number(fields[3]).ok_or_else(|| unreadable(name, "etc/passwd"))?,
            home: fields[5].into(),
        },
        (None, Some(uid)) => match entry(2, name) {
            Some(fields) => {
                let gid = number(fields[3]).ok_or_else(|| unreadable(name, "etc/passwd"))?;
                Account { uid, gid, home: fields[5].into() }
            }
            None => Account { uid, gid: 0, home: "/".into() },
        },
        (None, None) => return Err(missing("user", name, "etc/passwd")),
    };
    if let Some(group) = group {
        let groups = read_inside(root, "etc/group")?;
        let found = groups
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|f| f.len() >= 3 && f[0] == group);
        account.gid = match (found.and_then(|fields| number(fields[2])), number(group)) {
            (Some(gid), _) | (None, Some(gid)) => gid,
            (None, None) => return Err(missing("group", group, "etc/group")),
        };
    }
    Ok(account)
}

fn missing(what: &str, name: &str, file: &str) -> Error {
    let hint = if name.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("use a number from 0 to {}", u32::MAX - 1)
    } else {
        format!("use a number, or a name from the container's /{file}")
    };
    Error::call(Code::UserNotFound, format!("user: there is no {what} '{name}' in the container"), 0, hint)
}

fn unreadable(name: &str, file: &str) -> Error {
    let problem = format!("user: the entry of '{name}' in the container's /{file} has an id that is no id");
    Error::call(Code::UserNotFound, problem, 0, "correct the file, or use numbers: uid:gid")
}

/// How much of an account file is read.
const MOST: u64 = 4 << 20;

/// Reads a file of the container's root, and never one of the host's that a link in it names: openat2(2).
/// A file that is not there is an empty one.
fn read_inside(root: &Path, file: &str) -> Result<String, Error> {
    let failed = |errno: i32| {
        let problem = format!("user: could not read the container's /{file}");
        Error::call(
            Code::UserNotFound,
            problem,
            errno,
            "it must be an ordinary file; or use numbers: uid:gid",
        )
    };
    let flags = OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    // Nothing leads out of the host's own root.
    let opened = if root == Path::new("/") {
        open(&root.join(file), flags, Mode::empty())
    } else {
        let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT);
        let dir = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        open(root, dir, Mode::empty()).and_then(|dir| openat2(dir, file, how))
    };
    let opened = match opened {
        Ok(opened) => File::from(opened),
        Err(nix::errno::Errno::ENOENT) => return Ok(String::new()),
        Err(errno) => return Err(failed(errno as i32)),
    };
    if !opened.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err(failed(libc::EINVAL));
    }
    let mut text = String::new();
    opened
        .take(MOST)
        .read_to_string(&mut text)
        .map_err(|error| failed(error.raw_os_error().unwrap_or(libc::EILSEQ)))?;
    Ok(text)
}
