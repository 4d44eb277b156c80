//! Which ids the container's users have on the host: user_namespaces(7).

use std::path::Path;

use super::{Builder, Call, Fd, Shell, Side, Slot, Text, Tolerate};
use crate::error::{Code, Error};
use crate::host::{Account, Host, resolve_user};
use crate::namespace::Kind;
use crate::spec::{IdMap, NamespaceSource, Spec, bit};

/// How the container's ids are mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Users {
    pub uids: Vec<IdMap>,
    pub gids: Vec<IdMap>,
    pub mode: Mode,
}

/// Who writes the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nobody: the caller's own user namespace.
    Host,
    /// Nobody: another's.
    Joined,
    /// The caller, which is privileged; it also prepares the mounts.
    ByCaller,
    /// The child, for the caller's own id alone.
    BySelf,
}

impl Users {
    /// `nested` below a user namespace of the caller's own, where the caller is root.
    pub(super) fn choose(spec: &Spec, host: &Host, nested: bool) -> Result<Self, Error> {
        let range = if spec.namespaces.new_one(Kind::User) { host.range() } else { None };
        let mode = match spec.namespaces.user {
            NamespaceSource::Host => Mode::Host,
            NamespaceSource::New if range.is_some() => Mode::ByCaller,
            NamespaceSource::New => Mode::BySelf,
            _ => Mode::Joined,
        };
        let own = |id: u32| IdMap { container: 0, host: id, size: 1 };
        let pick = |given: &[IdMap], id: u32| match (mode, given) {
            (Mode::ByCaller, []) => range.into_iter().collect(),
            (Mode::BySelf, []) => vec![own(if nested { 0 } else { id })],
            (_, given) => given.to_vec(),
        };
        let users = Self { uids: pick(&spec.uidmap, host.uid), gids: pick(&spec.gidmap, host.gid), mode };
        if mode == Mode::BySelf && !nested && (users.uids != [own(host.uid)] || users.gids != [own(host.gid)])
        {
            let hint = format!("run as root, or map only yourself: 0:{}:1 and 0:{}:1", host.uid, host.gid);
            return Err(Error::call(
                Code::PermissionDenied,
                "uidmap: an ordinary user can map only its own ids",
                libc::EPERM,
                hint,
            ));
        }
        Ok(users)
    }

    /// Whether the caller prepares mounts on its own side.
    pub(super) fn caller_mounts(&self, host: &Host) -> bool {
        self.mode == Mode::ByCaller || self.mode == Mode::Host && host.can(bit::SYS_ADMIN)
    }

    /// The caller's ids of the container's root.
    pub(super) fn root(&self) -> (u32, u32) {
        let find = |maps: &[IdMap]| maps.iter().find(|m| m.contains(0)).map_or(0, |m| m.host - m.container);
        (find(&self.uids), find(&self.gids))
    }

    /// The caller's ids of a container's user, where they are others than the caller's own.
    pub(super) fn host_ids(&self, uid: u32, gid: u32) -> Option<(u32, u32)> {
        let find = |maps: &[IdMap], id: u32| {
            maps.iter().find(|m| m.contains(id)).map(|m| m.host + (id - m.container))
        };
        (self.mode == Mode::ByCaller).then(|| Some((find(&self.uids, uid)?, find(&self.gids, gid)?)))?
    }

    /// Whether each id inside is the same on the host.
    pub(super) fn maps_to_itself(&self) -> bool {
        self.uids.iter().chain(&self.gids).all(|map| map.container == map.host)
    }

    /// Whether a user id means something inside.
    fn maps(&self, uid: u32, gid: u32) -> bool {
        matches!(self.mode, Mode::Host | Mode::Joined)
            || self.uids.iter().any(|m| m.contains(uid)) && self.gids.iter().any(|m| m.contains(gid))
    }
}

/// Who the program runs as.
pub(super) fn account(spec: &Spec, users: &Users, root: &str) -> Result<Account, Error> {
    let Some(user) = &spec.user else { return Ok(Account::root()) };
    let account = resolve_user(user, Path::new(root))?;
    if users.maps(account.uid, account.gid) {
        return Ok(account);
    }
    let problem = format!("user: {}:{} is not mapped in the container", account.uid, account.gid);
    let hint = if users.mode == Mode::BySelf {
        "an ordinary caller has only the container's root: run as root"
    } else {
        "use ids that are mapped (0 to 65535), or give uidmap and gidmap"
    };
    Err(Error::call(Code::UserNotFound, problem, libc::EINVAL, hint))
}

impl Builder<'_> {
    /// Whether the child must wait for the caller to map its ids.
    pub(super) fn caller_maps(&self) -> bool {
        self.users.mode == Mode::ByCaller
    }

    /// The caller writes the maps of the child that waits, and what depends on them.
    pub(super) fn map_users_by_caller(&mut self) {
        if !self.caller_maps() {
            return;
        }
        let pid = self.kept.joiner.map(|(pid, _)| pid).or(self.kept.pid).unwrap_or(Slot(0));
        let proc = |file: &'static str| Text::slotted("/proc/", pid, file);
        let (uids, gids) = (lines(&self.users.uids), lines(&self.users.gids));
        let shell = Shell::Map(vec![
            format!("echo '{}' > /proc/$pid/uid_map", uids.trim_end()),
            format!("echo '{}' > /proc/$pid/gid_map", gids.trim_end()),
        ]);
        self.act("map the container's ids", "its root is an unprivileged user of the host", shell, |b| {
            b.needs = Some("CAP_SETUID");
            b.write_file(Side::Caller, proc("/uid_map"), uids);
            b.needs = Some("CAP_SETGID");
            b.write_file(Side::Caller, proc("/gid_map"), gids);
        });
        self.idmap_by_caller(proc("/ns/user"));
        self.let_go_on("its ids are mapped now");
    }

    /// The caller releases the child that waits, if one does.
    pub(super) fn let_go_on(&mut self, why: &'static str) {
        let Some((_, release)) = self.release else { return };
        self.act("let the child go on", why, Shell::None, |b| {
            b.caller(Call::Write { fd: Fd::Slot(release), data: "1".into() });
        });
    }

    /// The child waits for its map, or writes it itself, and becomes the container's root. Once.
    pub(super) fn wait_for_map(&mut self) {
        if std::mem::replace(&mut self.files.is_root, true) {
            return;
        }
        let alone = self.kept.joiner.is_none();
        if let Some((wait, _)) = self.release.filter(|_| alone && self.caller_maps()) {
            self.wait_for_release(wait, "only it may map ids", true);
        }
        if self.users.mode == Mode::BySelf && alone {
            self.map_self();
        }
        let leave_groups = self.host.groups && (self.users.mode != Mode::Host || self.host.can(bit::SETGID));
        if self.users.mode == Mode::Host && leave_groups {
            let why = "they may open what the program must not";
            self.act("leave the caller's groups", why, Shell::None, |b| {
                b.inside(Call::Setgroups { groups: Vec::new() });
            });
        }
        if self.users.mode == Mode::Host {
            return;
        }
        let may_set_groups = leave_groups && self.users.mode != Mode::BySelf;
        self.act("become the container's root", "files made from here on belong to it", Shell::None, |b| {
            if may_set_groups {
                // A joined namespace may forbid it for good (setgroups "deny").
                b.tolerate = if b.users.mode == Mode::Joined {
                    Tolerate::Errors(&[libc::EPERM])
                } else {
                    Tolerate::Nothing
                };
                b.inside(Call::Setgroups { groups: Vec::new() });
                b.tolerate = Tolerate::Nothing;
            }
            b.inside(Call::Setresgid { id: 0 });
            b.inside(Call::Setresuid { id: 0 });
        });
    }

    /// The child reads the byte that the caller writes once the map is there; end of file if the caller is gone.
    pub(super) fn wait_for_release(&mut self, wait: Slot, why: &'static str, first: bool) {
        let caller_end = self.release.map(|(_, write)| write).filter(|_| first);
        self.act("wait for the caller", why, Shell::None, |b| {
            // Init does not have it.
            if let Some(write) = caller_end {
                b.inside(Call::Close { fd: Fd::Slot(write) });
            }
            b.inside(Call::Read { fd: Fd::Slot(wait), len: 1 });
        });
    }

    /// The child maps the caller's own id to root.
    pub(super) fn map_self(&mut self) {
        let (uids, gids) = (lines(&self.users.uids), lines(&self.users.gids));
        self.act("map the caller's id to root", "the only id an ordinary user may map", Shell::None, |b| {
            if b.kept.joiner.is_some() {
                // Init's file cannot be read, and so the files of its process below /proc are the host's root's.
                b.inside(Call::Dumpable(true));
            }
            b.write_file(Side::Container, "/proc/self/setgroups", "deny\n".into());
            b.write_file(Side::Container, "/proc/self/uid_map", uids);
            b.write_file(Side::Container, "/proc/self/gid_map", gids);
        });
    }
}

/// The kernel's form of a map: `container host size`, a line each.
fn lines(maps: &[IdMap]) -> String {
    maps.iter().map(|map| format!("{} {} {}\n", map.container, map.host, map.size)).collect()
}
