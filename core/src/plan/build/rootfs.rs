//! The root file system: prepared as detached mounts, then made the root by pivot_root(2).
//!
//! A privileged caller prepares detached mounts on its own side; the child only attaches them. The child of
//! an ordinary caller does the same work itself, in its own user and mount namespaces.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::places::Node;
use super::system::KernelPaths;
use super::{Builder, Call, Fd, Shell, Side, Slot, Text};
use crate::error::Error;
use crate::namespace::Kind;
use crate::spec::{HostAccess, RootChange};
use crate::sys::abi;

/// What is prepared of the file system, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// What the child puts at 0, 1 and 2.
    pub streams: [Option<Slot>; 3],
    /// The two ends of the socket that the terminal comes through.
    pub terminal: Option<(Slot, Slot)>,
    /// Copies of descriptors, and the numbers that the program gets them under.
    pub passed: Vec<(Slot, i32)>,
    /// The namespaces to join: one or more of each descriptor.
    pub joined: Vec<(Vec<Kind>, Slot)>,
    /// The root of the process whose namespaces are joined.
    pub target_root: Option<Slot>,
    /// Whether the child is the container's root by now.
    pub is_root: bool,
    /// The tmpfs that holds the throw-away layer, /tmp, /dev and empty places.
    pub scratch: Option<Slot>,
    /// Where on the old root that is put.
    pub scratch_at: &'static str,
    /// The new root, detached.
    pub root: Option<Slot>,
    /// Detached mounts and where they go, in this order.
    pub attach: Vec<Attach>,
    /// What of the kernel's paths is still to be hidden or write-protected, once that is known.
    pub kernel_paths: Option<KernelPaths>,
    /// Places that mounts need and the root does not have.
    pub places: Vec<(String, Node)>,
    /// What of them, and of the directories above them, steps make.
    pub made: BTreeSet<String>,
    /// The directories of the host that a layer or a mount of its own covers.
    pub covers: Vec<String>,
    /// Detached mounts that shall show the host's ids as they are.
    pub idmap: Vec<Slot>,
}

/// A detached mount and its place.
#[derive(Debug, Clone)]
pub(super) struct Attach {
    pub mount: Slot,
    pub target: Cow<'static, str>,
    /// Whether the place must be made, and as what.
    pub make: Option<Node>,
    /// As shell commands, with `$R` for the root.
    pub shell: Vec<String>,
}

impl Builder<'_> {
    /// Who prepares mounts.
    pub(super) fn mount_side(&self) -> Side {
        if self.users.caller_mounts(&self.host) { Side::Caller } else { Side::Container }
    }

    /// Whether the root is the host's own files.
    pub(super) fn shows_host(&self) -> bool {
        self.spec.rootfs.is_none()
    }

    /// How the host's files are seen where nothing else is said.
    fn base_access(&self) -> HostAccess {
        self.spec.host_files.get("/").copied().unwrap_or(HostAccess::Overlay)
    }

    /// Who prepares the tmpfs and what lies on it. Before Linux 6.15 a detached one can neither be a layer nor be taken
    /// apart: it is attached in the child's mount namespace, and used there.
    fn layer_side(&self) -> Side {
        if self.host.detached { self.mount_side() } else { Side::Container }
    }

    /// Whether the caller makes the tmpfs and what lies on it, and the child waits for it in any case.
    pub(super) fn fills_by_caller(&self) -> bool {
        let prepares = self.caller_maps() && self.layer_side() == Side::Caller;
        prepares && self.new_one(Kind::Mnt) && self.needs_scratch()
    }

    /// What a privileged caller prepares before there is a child.
    pub(super) fn files_by_caller(&mut self) -> Result<(), Error> {
        if self.new_one(Kind::Mnt) {
            self.find_places()?;
            self.prepare_files(Side::Caller);
        }
        Ok(())
    }

    /// What the child does in its mount namespace.
    pub(super) fn files_inside(&mut self) {
        if !self.new_one(Kind::Mnt) {
            return;
        }
        self.act(
            "make the mounts private",
            "nothing done here shall reach the host's mounts",
            Shell::Inside(vec!["mount --make-rprivate /".into()]),
            |b| {
                b.needs = Some("CAP_SYS_ADMIN");
                b.inside(Call::Mount {
                    source: None,
                    target: "/".into(),
                    kind: None,
                    flags: (libc::MS_REC | libc::MS_PRIVATE),
                    data: None,
                });
            },
        );
        if self.layer_side() == Side::Container {
            self.wait_for_map();
            self.prepare_files(Side::Container);
        }
        let shows_ids = self.files.root.is_some_and(|root| self.files.idmap.contains(&root));
        if shows_ids || self.overlaps() {
            self.wait_for_map();
        }
        self.enter_root();
        if !self.assembles() {
            self.make_places();
            self.protect_root(Side::Container);
            self.wait_for_map();
            self.attach_all(Side::Container);
        }
        self.mount_system();
        self.attach_volumes();
    }

    /// Prepares every mount that does not depend on the new root, as far as it is this side's to do.
    fn prepare_files(&mut self, side: Side) {
        let (sources, layers) = (self.mount_side() == side, self.layer_side() == side);
        let overlay = self.base_access() == HostAccess::Overlay;
        if layers && self.needs_scratch() {
            self.prepare_scratch(side);
        }
        match self.spec.rootfs.clone() {
            Some(path) if sources => {
                let root = self.clone_tree(side, "root", &path, "use the directory as the root", true);
                self.show_root(&path);
                self.files.root = Some(root);
                if side == Side::Caller && self.caller_maps() {
                    self.files.idmap.push(root);
                }
            }
            None if overlay && layers && !self.assembles() => self.prepare_host_overlay(side),
            None if !overlay && sources => {
                let root = self.clone_tree(side, "root", "/", "use the host's files as the root", true);
                self.show_root("/");
                if self.base_access() == HostAccess::ReadOnly {
                    self.make_read_only(side, root, "the host's files are not to be changed");
                }
                self.files.root = Some(root);
            }
            _ => {}
        }
        self.prepare_host_files(side);
        if sources {
            self.prepare_kernel(side);
        }
        if layers && !self.assembles() {
            self.prepare_dev(side);
        }
        if sources {
            self.prepare_volumes(side);
        }
    }

    /// The shell's way to a root that is a part of the host's mounts.
    fn show_root(&mut self, path: &str) {
        self.set_shell(Shell::Before(vec![
            "R=$T/root; mkdir \"$R\"".into(),
            format!("mount --rbind {} \"$R\"", super::quote(path)),
        ]));
    }

    fn needs_scratch(&self) -> bool {
        let overlay = self.shows_host() && self.base_access() == HostAccess::Overlay;
        let hidden = self.spec.host_files.values().any(|access| *access == HostAccess::Hidden);
        let system = self.spec.dev || self.spec.tmp;
        overlay || hidden || system || self.spec.masked_paths.as_ref().is_none_or(|paths| !paths.is_empty())
    }

    /// The tmpfs behind everything that is thrown away.
    fn prepare_scratch(&mut self, side: Side) {
        let (config, scratch) = (self.slot("scratch"), self.slot("scratch"));
        let (user, group) = if side == Side::Caller { self.users.root() } else { (0, 0) };
        let size = self.spec.storage_size.0;
        let why = "holds the throw-away layer, /tmp, /dev and empty places; ends with the container";
        let shell = Shell::Before(vec![
            "S=$T/scratch; mkdir \"$S\"".into(),
            format!("mount -t tmpfs -o size={size},mode=755,uid={user},gid={group},nosuid tmpfs \"$S\""),
        ]);
        self.act("make a tmpfs", why, shell, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.step(side, Call::Fsopen { kind: "tmpfs", keep: config });
            let owner = [("uid", user), ("gid", group)]
                .into_iter()
                .filter(|(_, id)| *id != 0)
                .map(|(key, id)| (key, id.to_string()));
            for (key, value) in [("size", size.to_string()), ("mode", "0755".into())].into_iter().chain(owner)
            {
                b.step(side, Call::FsconfigString { fd: Fd::Slot(config), key, value: value.into() });
            }
            b.mount_config(side, config, scratch, abi::MOUNT_ATTR_NOSUID | abi::MOUNT_ATTR_NODEV);
        });
        self.files.scratch = Some(scratch);
        if !self.host.detached {
            self.attach_scratch("before Linux 6.15, a detached mount can be no layer");
        }
    }

    /// Puts the tmpfs on the old root, with which it comes off.
    fn attach_scratch(&mut self, why: &'static str) {
        let Some(scratch) = self.files.scratch else { return };
        let place = scratch_place();
        self.files.scratch_at = place;
        self.act("put the tmpfs on the old root", why, Shell::None, |b| {
            b.put(Side::Container, scratch, place);
        });
    }

    /// Makes a directory or a file with exactly its mode: the caller's umask belongs to all its threads, and stays.
    pub(super) fn make_exactly(&mut self, side: Side, call: Call) {
        let chmod = match &call {
            Call::Mkdir { dir, path, mode } | Call::Mknod { dir, path, mode, .. } if side == Side::Caller => {
                Some(Call::Chmod { dir: *dir, path: path.clone(), mode: mode & 0o7777 })
            }
            _ => None,
        };
        self.step(side, call);
        if let Some(chmod) = chmod {
            // What one has made is one's own.
            let needs = self.needs.take();
            self.step(side, chmod);
            self.needs = needs;
        }
    }

    /// Attaches a detached mount at a place of the container's.
    pub(super) fn put(&mut self, side: Side, mount: Slot, path: impl Into<Cow<'static, str>>) {
        let (dir, target) = self.place(side, path);
        self.needs = Some("CAP_SYS_ADMIN");
        self.step(side, Call::MoveMount { from: Fd::Slot(mount), dir, target });
        self.needs = None;
    }

    /// Creates a configured file system and its detached mount.
    pub(super) fn mount_config(&mut self, side: Side, config: Slot, mount: Slot, attributes: u64) {
        self.step(side, Call::FsconfigCreate { fd: Fd::Slot(config) });
        self.step(side, Call::Fsmount { fd: Fd::Slot(config), attributes, keep: mount });
        self.close(side, config);
    }

    /// A detached copy of a part of the host's mounts: open_tree(2).
    pub(super) fn clone_tree(
        &mut self,
        side: Side,
        name: &str,
        path: &str,
        why: &'static str,
        recursive: bool,
    ) -> Slot {
        let slot = self.slot(name.to_string());
        let flags =
            abi::OPEN_TREE_CLONE | abi::OPEN_TREE_CLOEXEC | if recursive { abi::AT_RECURSIVE } else { 0 };
        let path: Text = path.to_string().into();
        self.act(format!("take {name}"), why, Shell::None, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.step(side, Call::OpenTree { dir: Fd::Cwd, path, flags, keep: slot });
            if recursive {
                // A device node in a directory is the host's device for whoever may open it.
                b.step(
                    side,
                    Call::MountSetattr {
                        dir: Fd::Slot(slot),
                        path: "".into(),
                        flags: abi::AT_EMPTY_PATH | abi::AT_RECURSIVE,
                        set: abi::MOUNT_ATTR_NODEV,
                        clear: 0,
                        userns: None,
                    },
                );
            }
        });
        slot
    }

    /// A detached mount of a directory of the scratch tmpfs.
    pub(super) fn scratch_part(&mut self, side: Side, path: Cow<'static, str>) -> Slot {
        let slot = self.slot(path.clone());
        let dir = self.scratch();
        self.step(
            side,
            Call::OpenTree {
                dir,
                path: Text::Plain(path),
                flags: abi::OPEN_TREE_CLONE | abi::OPEN_TREE_CLOEXEC,
                keep: slot,
            },
        );
        slot
    }

    pub(super) fn scratch(&self) -> Fd {
        self.files.scratch.map_or(Fd::Cwd, Fd::Slot)
    }

    pub(super) fn make_read_only(&mut self, side: Side, mount: Slot, why: &'static str) {
        self.act("make it read-only", why, Shell::None, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.step(
                side,
                Call::MountSetattr {
                    dir: Fd::Slot(mount),
                    path: "".into(),
                    flags: abi::AT_EMPTY_PATH | abi::AT_RECURSIVE,
                    set: abi::MOUNT_ATTR_RDONLY,
                    clear: 0,
                    userns: None,
                },
            );
        });
    }

    /// The host's directories that are seen otherwise than the rest, as far as they are this side's to prepare.
    fn prepare_host_files(&mut self, side: Side) {
        let (sources, layers) = (self.mount_side() == side, self.layer_side() == side);
        let entries: Vec<_> = self
            .spec
            .host_files
            .iter()
            .filter(|(path, _)| *path != "/")
            .map(|(p, a)| (p.clone(), *a))
            .collect();
        for (n, (path, access)) in entries.into_iter().enumerate() {
            let layered = matches!(access, HostAccess::Overlay | HostAccess::Hidden);
            if !(if layered { layers } else { sources }) {
                continue;
            }
            let mount = match access {
                HostAccess::Overlay => self.overlay(side, &path, &path, 1000 + n),
                HostAccess::Hidden => {
                    let mut slot = Slot(0);
                    self.act(format!("hide {path}"), "an empty directory in its place", Shell::None, |b| {
                        let name = format!("h{n}");
                        let dir = b.scratch();
                        b.make_exactly(side, Call::Mkdir { dir, path: name.clone().into(), mode: 0o755 });
                        slot = b.scratch_part(side, name.into());
                    });
                    slot
                }
                HostAccess::ReadOnly | HostAccess::Full => {
                    let mount = self.clone_tree(side, &path, &path, "the host's directory as it is", true);
                    if access == HostAccess::ReadOnly {
                        self.make_read_only(side, mount, "asked for");
                    } else if side == Side::Caller && self.caller_maps() {
                        self.files.idmap.push(mount);
                    }
                    mount
                }
            };
            let attach =
                Attach { mount, target: path.into(), make: Some(Node::Directory), shell: Vec::new() };
            // Below what the container mounts itself, it comes after that.
            let list =
                if self.own_place(&attach.target) { &mut self.volumes } else { &mut self.files.attach };
            list.push(attach);
        }
    }

    /// Makes the prepared mount the root, and detaches the old one.
    fn enter_root(&mut self) {
        let Some(root) = self.files.root else { return };
        if self.host.detached {
            let why = "it comes off with the old root: a mount that never was attached is costly to close";
            self.attach_scratch(why);
        }
        if self.assembles() {
            self.enter_assembled();
        } else {
            let why = "over the old one, where it is still out of sight";
            self.act("attach the new root", why, Shell::None, |b| {
                b.put(Side::Container, root, "/");
                b.inside(Call::Fchdir { fd: Fd::Slot(root) });
            });
        }
        match self.spec.root_change {
            RootChange::PivotRoot => self.act(
                "change the root",
                "the old root is now mounted over the new one, and comes off last",
                Shell::None,
                |b| {
                    b.needs = Some("CAP_SYS_ADMIN");
                    b.inside(Call::PivotRoot { new: ".".into(), old: ".".into() });
                },
            ),
            RootChange::Chroot => self.act(
                "change the root",
                "chroot leaves the old root mounted: a privileged process can go back",
                Shell::None,
                |b| {
                    b.needs = Some("CAP_SYS_CHROOT");
                    b.inside(Call::Chroot { path: ".".into() });
                },
            ),
        }
    }

    /// Makes the root read-only with every mount that it came with, before the container's own are put on it.
    pub(super) fn protect_root(&mut self, side: Side) {
        let (Some(root), true) = (self.files.root, self.spec.read_only) else { return };
        self.make_read_only(side, root, "asked for");
        self.set_shell(if self.layered() {
            Shell::Last(vec!["mount -o remount,bind,ro /".into()])
        } else {
            Shell::Inside(vec!["mount -o remount,bind,ro \"$R\"".into()])
        });
        if let Some(scratch) = self.files.scratch.filter(|_| side == Side::Container) {
            let why = "it lies on the old root, and that on the new one";
            self.act("keep the tmpfs writable", why, Shell::None, |b| {
                b.needs = Some("CAP_SYS_ADMIN");
                b.inside(Call::MountSetattr {
                    dir: Fd::Slot(scratch),
                    path: "".into(),
                    flags: abi::AT_EMPTY_PATH,
                    set: 0,
                    clear: abi::MOUNT_ATTR_RDONLY,
                    userns: None,
                });
            });
        }
    }

    /// Leaves the old root, once nothing of it is needed: it is detached, but where chroot(2) was asked for.
    pub(super) fn leave_old_root(&mut self) {
        if !self.new_one(Kind::Mnt) {
            return;
        }
        if self.spec.root_change == RootChange::Chroot {
            return self.act(
                "enter the new root",
                "the working directory was the old one",
                Shell::None,
                |b| {
                    b.inside(Call::Chdir { path: "/".into() });
                },
            );
        }
        self.act("detach the old root", "there is no way back to the host's files", Shell::None, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.inside(Call::Umount { target: ".".into(), flags: libc::MNT_DETACH as u64 });
        });
    }
}

/// Where the old root has room for the tmpfs.
fn scratch_place() -> &'static str {
    // Nothing of that is needed from the host. On the root itself, it would lie above it: what is detached in the end is
    // the topmost.
    let there = |path: &&str| std::path::Path::new(path).is_dir();
    ["/dev/pts", "/dev/shm"].into_iter().find(there).unwrap_or("/dev")
}
