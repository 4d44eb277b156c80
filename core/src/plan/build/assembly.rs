//! What the caller does while the child makes its network namespace: it puts the container's root together.
//!
//! Since Linux 6.15, a mount can be attached to a detached one. So the root lies on the tmpfs with all that belongs to
//! it, and the child attaches that in one piece.

use std::borrow::Cow;

use super::system::{PLAIN, PLAIN_ATTRIBUTES, PROC_WHY, mount_command};
use super::{Builder, Call, Fd, Shell, Side, Text};
use crate::namespace::Kind;
use crate::spec::RootChange;
use crate::sys::abi;

/// What the root is called on the tmpfs.
const ROOT: &str = "root";

impl Builder<'_> {
    /// Whether the child makes its network namespace itself, which takes the kernel longer than all the others, while
    /// the caller fills the file systems.
    pub(super) fn overlaps(&self) -> bool {
        let told = !self.has_networks() || self.init_stays();
        self.new_one(Kind::Net) && self.fills_by_caller() && !self.needs_joiner() && told
    }

    /// Whether the caller puts the root together meanwhile. Among files that are not the host's own, the way to a place
    /// may lead out of them by symbolic links: the child sees nothing else by then.
    pub(super) fn assembles(&self) -> bool {
        let whole = self.spec.host_files.keys().all(|path| path == "/");
        self.overlaps() && self.layered() && whole && self.spec.root_change == RootChange::PivotRoot
    }

    /// What the caller does of the file system once there is a child.
    pub(super) fn files_meanwhile(&mut self) {
        match (self.overlaps(), self.assembles()) {
            (_, true) => self.assemble(),
            (true, false) if self.spec.dev => self.fill_dev(Side::Caller),
            _ => {}
        }
    }

    fn assemble(&mut self) {
        let side = Side::Caller;
        self.prepare_host_overlay(side);
        self.prepare_dev(side);
        let (Some(root), dir) = (self.files.root, self.scratch()) else { return };
        self.protect_root(side);
        self.act("put the new root on the tmpfs", "the child attaches both in one", Shell::None, |b| {
            b.step(side, Call::Mkdir { dir, path: ROOT.into(), mode: 0o755 });
            b.needs = Some("CAP_SYS_ADMIN");
            b.step(side, Call::MoveMount { from: Fd::Slot(root), dir, target: ROOT.into() });
        });
        self.attach_all(side);
        self.mount_private(side);
        if self.proc_by_caller() {
            self.mount_proc_by_caller();
        }
        self.protect_kernel_paths(side);
    }

    /// The child enters the root, which came with the tmpfs.
    pub(super) fn enter_assembled(&mut self) {
        let path = format!("{}/{ROOT}", self.files.scratch_at);
        self.act("enter the new root", "it lies on the tmpfs", Shell::None, |b| {
            b.inside(Call::Chdir { path: path.into() });
        });
    }

    /// A path of the container's, for who attaches something there: the caller sees it from the new root's mount.
    pub(super) fn place(&self, side: Side, path: impl Into<Cow<'static, str>>) -> (Fd, Text) {
        let path = path.into();
        match (side, self.files.root) {
            (Side::Caller, Some(root)) => (Fd::Slot(root), Text::Plain(relative(path))),
            _ => (Fd::Cwd, Text::Plain(path)),
        }
    }

    /// Whether the caller mounts /proc: only since Linux 6.18 it can do so for another PID namespace than its own.
    pub(super) fn proc_by_caller(&self) -> bool {
        let own = self.spec.proc && !self.lent().any(|lent| lent == "/proc");
        own && self.host.proc_of_another && self.assembles()
    }

    fn mount_proc_by_caller(&mut self) {
        let (Some(pidfd), side) = (self.kept.pidfd, Side::Caller) else { return };
        let [namespace, config, mount] = ["PID namespace", "proc", "proc"].map(|name| self.slot(name));
        self.act("mount /proc", PROC_WHY, mount_command("/proc", "proc", PLAIN, None), |b| {
            b.caller(Call::OpenPidNamespace { pidfd, keep: namespace });
            b.needs = Some("CAP_SYS_ADMIN");
            b.caller(Call::Fsopen { kind: "proc", keep: config });
            let value = Fd::Slot(namespace);
            b.caller(Call::FsconfigFd { fd: Fd::Slot(config), key: "pidns", value });
            b.mount_config(side, config, mount, PLAIN_ATTRIBUTES);
            b.put(side, mount, "/proc");
            b.close(side, namespace);
        });
    }

    /// Whether the caller attaches what lies over a kernel path: it has mounted what that is in.
    pub(super) fn attached_by_caller(&self, path: &str) -> bool {
        let below = |mount: &str| path.strip_prefix(mount).is_some_and(|rest| rest.starts_with('/'));
        let of_host = |mount: &str| self.lent().any(|lent| lent == mount);
        let by_caller =
            |mount: &str| below(mount) && of_host(mount) || below("/proc") && self.proc_by_caller();
        // The child writes the settings that are asked for when it sees them.
        self.assembles() && self.spec.sysctls.is_empty() && ["/proc", "/sys"].into_iter().any(by_caller)
    }

    /// A kernel path as a mount of its own that cannot be written to.
    pub(super) fn bind_read_only_by_caller(&mut self, path: Cow<'static, str>) {
        let (dir, text) = self.place(Side::Caller, path.clone());
        let copy = self.slot(path.clone());
        let flags = abi::OPEN_TREE_CLONE | abi::OPEN_TREE_CLOEXEC | abi::AT_RECURSIVE;
        self.needs = Some("CAP_SYS_ADMIN");
        self.caller(Call::OpenTree { dir, path: text, flags, keep: copy });
        self.caller(Call::MountSetattr {
            dir: Fd::Slot(copy),
            path: "".into(),
            flags: abi::AT_EMPTY_PATH,
            set: PLAIN_ATTRIBUTES | abi::MOUNT_ATTR_RDONLY,
            clear: 0,
            userns: None,
        });
        self.put(Side::Caller, copy, path);
    }
}

/// A path without the slash that it begins with.
fn relative(path: Cow<'static, str>) -> Cow<'static, str> {
    match path {
        Cow::Borrowed(path) => Cow::Borrowed(path.trim_start_matches('/')),
        Cow::Owned(path) => Cow::Owned(path.trim_start_matches('/').to_string()),
    }
}
