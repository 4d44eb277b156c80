//! Kernel file systems of the container's own, and the kernel paths that are hidden or read-only.

use std::borrow::Cow;

use super::rootfs::Attach;
use super::users::Mode;
use super::{Builder, Call, Enforcement, Fd, Shell, Side, Slot, Text, quote};
use crate::namespace::Kind;
use crate::spec::{HostAccess, MASKED_PATHS, READONLY_PATHS, RootChange};
use crate::sys::abi;

/// Why a container has a /proc of its own.
pub(super) const PROC_WHY: &str = "shows the processes of the new PID namespace";
pub(super) const PLAIN: u64 = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
/// The same for fsmount(2) and mount_setattr(2).
pub(super) const PLAIN_ATTRIBUTES: u64 =
    abi::MOUNT_ATTR_NOSUID | abi::MOUNT_ATTR_NODEV | abi::MOUNT_ATTR_NOEXEC;

/// A path of the kernel's, and whether it is a directory.
type KernelPath = (Cow<'static, str>, bool);

/// The kernel paths that are hidden or read-only, as far as they are there.
#[derive(Debug, Default)]
pub(super) struct KernelPaths {
    masked: Vec<KernelPath>,
    read_only: Vec<KernelPath>,
}

impl Builder<'_> {
    /// The directories that the container's own file systems are mounted on.
    pub(super) fn system_places(&self) -> impl Iterator<Item = &'static str> {
        let spec = self.spec;
        let places = [
            ("/proc", spec.proc),
            ("/sys", spec.sys),
            ("/dev", spec.dev),
            ("/tmp", spec.tmp),
            ("/root", self.hides_home()),
        ];
        places.into_iter().filter(|(_, wanted)| *wanted).map(|(path, _)| path)
    }

    /// Whether /root is an empty one: the host's belongs to a user who is not in the container.
    pub(super) fn hides_home(&self) -> bool {
        let mapped = matches!(self.users.mode, Mode::ByCaller | Mode::BySelf);
        let overlay = self.spec.host_files.get("/").is_none_or(|access| *access == HostAccess::Overlay);
        mapped && self.shows_host() && overlay && !self.spec.host_files.contains_key("/root")
    }

    /// Mounts /proc, /sys, /dev/pts, /dev/mqueue, /tmp, as far as it is the child's to do.
    pub(super) fn mount_system(&mut self) {
        if self.spec.proc && !self.proc_by_caller() {
            self.mount_kernel("/proc", "proc", PLAIN, PROC_WHY);
        }
        if self.spec.sys {
            self.mount_kernel(
                "/sys",
                "sysfs",
                PLAIN | libc::MS_RDONLY,
                "shows the interfaces of the new network namespace",
            );
        }
        self.mount_cgroups();
        if self.spec.dev {
            let group = self.users.gids.iter().any(|map| map.contains(5)) || self.users.mode == Mode::Host;
            let data = format!("newinstance,ptmxmode=0666,mode=0620{}", if group { ",gid=5" } else { "" });
            self.mount(
                "/dev/pts",
                "devpts",
                libc::MS_NOSUID | libc::MS_NOEXEC,
                Some(data),
                "terminals of the container's own",
            );
            if self.new_one(Kind::Ipc) {
                self.mount("/dev/mqueue", "mqueue", PLAIN, None, "message queues of the new IPC namespace");
            }
        }
        if !self.assembles() {
            self.mount_private(Side::Container);
        }
    }

    /// Mounts /tmp, and /root where it is an empty one.
    pub(super) fn mount_private(&mut self, side: Side) {
        if self.spec.tmp {
            let why = "the host's holds what is not the container's business";
            self.mount_scratch(side, "tmp", "/tmp", 0o1777, why);
        }
        if self.hides_home() {
            let why = "the host's belongs to a user who is not in the container";
            self.mount_scratch(side, "home", "/root", 0o700, why);
        }
    }

    /// The kernel mounts its file systems only for the owner of the namespace that they show; where that is not
    /// the container, the host's are taken.
    pub(super) fn lent(&self) -> impl Iterator<Item = &'static str> + use<> {
        let lent = |wanted: bool, of: Kind| {
            let foreign = match self.users.mode {
                Mode::Host => false,
                Mode::Joined => self.spec.namespaces.host(of),
                Mode::ByCaller | Mode::BySelf => !self.new_one(of),
            };
            wanted && foreign
        };
        let paths = [("/proc", lent(self.spec.proc, Kind::Pid)), ("/sys", lent(self.spec.sys, Kind::Net))];
        paths.into_iter().filter(|(_, lent)| *lent).map(|(path, _)| path)
    }

    /// Takes the host's own kernel file systems where the container cannot have new ones.
    pub(super) fn prepare_kernel(&mut self, side: Side) {
        for path in self.lent() {
            let mount = self.clone_tree(side, path, path, "its namespace is not the container's own", true);
            let mut shell = vec![format!("mount --rbind {path} \"$R{path}\"")];
            if path == "/sys" {
                self.make_read_only(side, mount, "it would change the kernel for everyone");
                shell.push("mount -o remount,bind,ro \"$R/sys\"".into());
            }
            self.files.attach.push(Attach { mount, target: path.into(), make: None, shell });
        }
    }

    fn mount_kernel(&mut self, path: &'static str, kind: &'static str, flags: u64, why: &'static str) {
        if !self.lent().any(|lent| lent == path) {
            self.mount(path, kind, flags, None, why);
        }
    }

    /// Mounts a new file system of the kernel's.
    pub(super) fn mount(
        &mut self,
        path: impl Into<Cow<'static, str>>,
        kind: &'static str,
        flags: u64,
        data: Option<String>,
        why: &'static str,
    ) {
        let path = path.into();
        let shell = mount_command(&path, kind, flags, data.as_deref());
        self.act(format!("mount {path}"), why, shell, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.inside(Call::Mount {
                source: Some(kind.into()),
                target: Text::Plain(path),
                kind: Some(kind.into()),
                flags,
                data: data.map(Text::from),
            });
        });
    }

    /// Mounts a new directory of the scratch tmpfs.
    pub(super) fn mount_scratch(
        &mut self,
        side: Side,
        name: &'static str,
        path: &'static str,
        mode: u32,
        why: &'static str,
    ) {
        let shell = Shell::Inside(vec![format!(
            "mkdir -m {mode:o} \"$S/{name}\"; mount --bind \"$S/{name}\" \"$R{path}\""
        )]);
        self.act(format!("mount {path}"), why, shell, |b| {
            let dir = b.scratch();
            b.make_exactly(side, Call::Mkdir { dir, path: name.into(), mode });
            let (user, group) = b.users.root();
            if side == Side::Caller && (user, group) != (0, 0) {
                b.needs = Some("CAP_CHOWN");
                b.step(side, Call::Chown { dir, path: name.into(), user, group, flags: 0 });
                b.needs = None;
            }
            let slot = b.scratch_part(side, name.into());
            b.put(side, slot, path);
        });
    }

    /// Looks which kernel paths there are to protect.
    fn find_kernel_paths(&self) -> KernelPaths {
        KernelPaths {
            masked: self.kernel_paths(self.spec.masked_paths.as_deref(), &MASKED_PATHS),
            read_only: self.kernel_paths(self.spec.readonly_paths.as_deref(), &READONLY_PATHS),
        }
    }

    fn kernel_paths(&self, given: Option<&[String]>, default: &[&'static str]) -> Vec<KernelPath> {
        if !self.new_one(Kind::Mnt) {
            return Vec::new();
        }
        let mounted = |path: &str| {
            let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
            (self.spec.proc || !below("/proc")) && (self.spec.sys || !below("/sys"))
        };
        // Kernel paths are the same everywhere; others are those of the root.
        let kernel = |path: &str| path.starts_with("/proc/") || path.starts_with("/sys/");
        let root = self.spec.rootfs.as_deref().unwrap_or_default();
        let there = |path: Cow<'static, str>| {
            let meta = if kernel(&path) {
                std::fs::symlink_metadata(&*path)
            } else {
                std::fs::symlink_metadata(format!("{root}{path}"))
            };
            meta.ok().filter(|_| mounted(&path)).map(|meta| (path, meta.is_dir()))
        };
        match given {
            Some(given) => given.iter().map(|path| Cow::Owned(path.clone())).filter_map(there).collect(),
            None => default.iter().map(|path| Cow::Borrowed(*path)).filter_map(there).collect(),
        }
    }

    /// Hides and write-protects kernel paths, as far as it is this side's to do. The caller comes first.
    pub(super) fn protect_kernel_paths(&mut self, side: Side) {
        let found = self.files.kernel_paths.take().unwrap_or_else(|| self.find_kernel_paths());
        let own = |(path, _): &KernelPath| side == Side::Container || self.attached_by_caller(path);
        let (masked, later) = found.masked.into_iter().partition(own);
        let (read_only, read_only_later) = found.read_only.into_iter().partition(own);
        self.files.kernel_paths = Some(KernelPaths { masked: later, read_only: read_only_later });
        self.mask(side, masked);
        for (path, _) in read_only {
            let shell = Shell::Inside(vec![
                format!("mount --bind \"$R\"{0} \"$R\"{0}", quote(&path)),
                format!("mount -o remount,bind,ro,nosuid,nodev,noexec \"$R\"{}", quote(&path)),
            ]);
            let why = "it would change the kernel for everyone";
            let what = format!("make {path} read-only");
            self.act(what, why, shell, |b| match side {
                Side::Caller => b.bind_read_only_by_caller(path),
                Side::Container => b.bind_read_only(&path),
            });
        }
    }

    /// Mounts a kernel path on itself, and makes that read-only.
    fn bind_read_only(&mut self, path: &str) {
        let bind = (Some(path.to_string().into()), libc::MS_BIND | libc::MS_REC);
        let remount = (None, libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY | PLAIN);
        self.needs = Some("CAP_SYS_ADMIN");
        for (source, flags) in [bind, remount] {
            self.inside(Call::Mount {
                source,
                target: path.to_string().into(),
                kind: None,
                flags,
                data: None,
            });
        }
    }

    /// Puts an empty file or directory over each path.
    fn mask(&mut self, side: Side, paths: Vec<KernelPath>) {
        let (directories, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(_, directory)| *directory);
        for (directory, mut paths) in [(true, directories), (false, files)] {
            let Some((last, _)) = paths.pop() else { continue };
            let empty = self.make_empty(side, directory);
            for (path, _) in paths {
                let copy = self.slot(path.clone());
                let detached = self.host.detached;
                self.hide(side, path, directory, |b| {
                    if !detached {
                        return b.empty_part(side, directory);
                    }
                    b.step(
                        side,
                        Call::OpenTree {
                            dir: Fd::Slot(empty),
                            path: "".into(),
                            flags: abi::OPEN_TREE_CLONE | abi::OPEN_TREE_CLOEXEC | abi::AT_EMPTY_PATH,
                            keep: copy,
                        },
                    );
                    copy
                });
            }
            // The mount itself, too: one that never was attached is costly to close.
            self.hide(side, last, directory, |_| empty);
        }
    }

    /// A detached mount of an empty file or directory.
    fn make_empty(&mut self, side: Side, directory: bool) -> Slot {
        let mut empty = Slot(0);
        let what = if directory { "make an empty directory" } else { "make an empty file" };
        let made = !self.files.made.insert(empty_name(directory).into());
        self.act(what, "to lie over the kernel paths that are hidden", Shell::None, |b| {
            let (dir, path) = (b.scratch(), empty_name(directory).into());
            match (made, directory) {
                // The caller did, for those that it hides.
                (true, _) => {}
                (false, true) => b.make_exactly(side, Call::Mkdir { dir, path, mode: 0o555 }),
                (false, false) => {
                    let mode = libc::S_IFREG | 0o444;
                    b.make_exactly(side, Call::Mknod { dir, path, mode, device: (0, 0) });
                }
            }
            empty = b.empty_part(side, directory);
        });
        empty
    }

    /// A detached mount of that, which nothing can be written to.
    fn empty_part(&mut self, side: Side, directory: bool) -> Slot {
        let empty = self.scratch_part(side, empty_name(directory).into());
        self.needs = Some("CAP_SYS_ADMIN");
        self.step(
            side,
            Call::MountSetattr {
                dir: Fd::Slot(empty),
                path: "".into(),
                flags: abi::AT_EMPTY_PATH,
                set: abi::MOUNT_ATTR_RDONLY | abi::MOUNT_ATTR_NOEXEC,
                clear: 0,
                userns: None,
            },
        );
        empty
    }

    fn hide(
        &mut self,
        side: Side,
        path: Cow<'static, str>,
        directory: bool,
        mount: impl FnOnce(&mut Self) -> Slot,
    ) {
        let command = if directory {
            format!("mount -t tmpfs -o ro tmpfs \"$R\"{}", quote(&path))
        } else {
            format!("mount --bind /dev/null \"$R\"{}", quote(&path))
        };
        let why = "it tells too much of the host";
        self.act(format!("hide {path}"), why, Shell::Inside(vec![command]), |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            let mount = mount(b);
            b.put(side, mount, path);
        });
    }

    /// Kernel settings of the container's own namespaces.
    pub(super) fn sysctls(&mut self) {
        for (name, value) in self.spec.sysctls.clone() {
            let path = format!("/proc/sys/{}", name.replace('.', "/"));
            let shell = Shell::Inside(vec![format!("sysctl -q -w {}", quote(&format!("{name}={value}")))]);
            self.act(
                format!("set {name}"),
                "asked for; it belongs to a namespace of the container's own",
                shell,
                |b| {
                    b.write_file(Side::Container, path, value);
                },
            );
        }
    }

    /// What is enforced of the file system.
    pub(super) fn report_files(&mut self) {
        let own = self.new_one(Kind::Mnt);
        let shared = || Enforcement::NotEnforced("the mount namespace is not the container's own".into());
        let root = match (own, self.spec.root_change) {
            (false, _) => shared(),
            (true, RootChange::PivotRoot) => Enforcement::Enforced,
            (true, RootChange::Chroot) => Enforcement::Partial("chroot leaves the old root mounted".into()),
        };
        self.enforced.insert("root", root);
        let masks = match (own, self.spec.masked_paths.as_ref().or(self.spec.readonly_paths.as_ref())) {
            (false, _) => shared(),
            (true, None) => Enforcement::Enforced,
            (true, Some(_)) => Enforcement::Partial("only the paths that were named".into()),
        };
        self.enforced.insert("masked_paths", masks);
        let read_only = if self.spec.read_only && own {
            Enforcement::Enforced
        } else {
            Enforcement::NotEnforced("the root is writable: read_only was not asked for".into())
        };
        self.enforced.insert("read_only", read_only);
    }
}

/// What an empty directory or file is called in the scratch tmpfs.
const fn empty_name(directory: bool) -> &'static str {
    if directory { "empty" } else { "nothing" }
}

/// How the shell mounts a file system of the kernel's.
pub(super) fn mount_command(path: &str, kind: &str, flags: u64, data: Option<&str>) -> Shell {
    let given = |flag: u64, option| (flags & flag != 0).then_some(option);
    let options =
        [Some("nosuid"), given(libc::MS_NODEV, "nodev"), Some("noexec"), given(libc::MS_RDONLY, "ro"), data];
    let options: Vec<&str> = options.into_iter().flatten().collect();
    Shell::Inside(vec![format!("mount -t {kind} -o {} {kind} \"$R{path}\"", options.join(","))])
}
