//! Users and groups by name, from the container's own `/etc/passwd` and `/etc/group`: passwd(5), group(5).

use std::fs;
use std::path::Path;

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
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    let (name, group) = user.split_once(':').map_or((user, None), |(name, group)| (name, Some(group)));
    let passwd = read("etc/passwd");
    let entry = |index: usize, value: &str| {
        passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|f| f.len() >= 6 && f[index] == value)
    };
    let number = |text: &str| text.parse::<u32>().ok().filter(|id| *id != u32::MAX);
    let mut account = match (entry(0, name), number(name)) {
        (Some(fields), _) => Account {
            uid: number(fields[2]).unwrap_or(0),
            gid: number(fields[3]).unwrap_or(0),
            home: fields[5].into(),
        },
        (None, Some(uid)) => match entry(2, name) {
            Some(fields) => Account { uid, gid: number(fields[3]).unwrap_or(0), home: fields[5].into() },
            None => Account { uid, gid: 0, home: "/".into() },
        },
        (None, None) => return Err(missing("user", name, "etc/passwd")),
    };
    if let Some(group) = group {
        let groups = read("etc/group");
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
    let hint = format!("use a number, or a name from the container's /{file}");
    Error::call(Code::UserNotFound, format!("user: there is no {what} '{name}' in the container"), 0, hint)
}
