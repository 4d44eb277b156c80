//! Kernel file systems of the container's own, and the kernel paths that are hidden or read-only.

use std::borrow::Cow;

use super::rootfs::Attach;
use super::users::Mode;
use super::{Builder, Call, Enforcement, Fd, Shell, Side, Slot, Text, quote};
use crate::namespace::Kind;
use crate::spec::{HostAccess, MASKED_PATHS, READONLY_PATHS, RootChange};
use crate::sys::abi;

pub(super) const PLAIN: u64 = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;

impl Builder<'_> {
    /// The directories that the container's own file systems are mounted on.
    pub(super) fn system_places(&self) -> Vec<&'static str> {
        let spec = self.spec;
        let places = [
            ("/proc", spec.proc),
            ("/sys", spec.sys),
            ("/dev", spec.dev),
            ("/tmp", spec.tmp),
            ("/root", self.hides_home()),
        ];
        places.into_iter().filter(|(_, wanted)| *wanted).map(|(path, _)| path).collect()
    }

    /// Whether /root is an empty one: the host's belongs to a user who is not in the container.
    pub(super) fn hides_home(&self) -> bool {
        let mapped = matches!(self.users.mode, Mode::ByCaller | Mode::BySelf);
        let overlay = self.spec.host_files.get("/").is_none_or(|access| *access == HostAccess::Overlay);
        mapped && self.shows_host() && overlay && !self.spec.host_files.contains_key("/root")
    }

    /// Mounts /proc, /sys, /dev/pts, /dev/mqueue, /tmp.
    pub(super) fn mount_system(&mut self) {
        if self.spec.proc {
            self.mount_kernel("/proc", "proc", PLAIN, "shows the processes of the new PID namespace");
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
        if self.spec.tmp {
            self.mount_scratch(
                "tmp",
                "/tmp",
                0o1777,
                "the host's holds what is not the container's business",
            );
        }
        if self.hides_home() {
            self.mount_scratch(
                "home",
                "/root",
                0o700,
                "the host's belongs to a user who is not in the container",
            );
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
        let mut options = vec!["nosuid".to_string()];
        options.extend((flags & libc::MS_NODEV != 0).then(|| "nodev".into()));
        options.push("noexec".into());
        options.extend((flags & libc::MS_RDONLY != 0).then(|| "ro".into()));
        options.extend(data.clone());
        let shell =
            Shell::Inside(vec![format!("mount -t {kind} -o {} {kind} \"$R{path}\"", options.join(","))]);
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
            b.inside(Call::Mkdir { dir, path: name.into(), mode });
            let slot = b.scratch_part(Side::Container, name.into());
            b.needs = Some("CAP_SYS_ADMIN");
            b.inside(Call::MoveMount { from: Fd::Slot(slot), target: path.into() });
        });
    }

    /// The kernel paths to hide that are there, and whether each is a directory.
    fn masked(&self) -> Vec<(String, bool)> {
        self.kernel_paths(self.spec.masked_paths.as_deref(), &MASKED_PATHS)
    }

    fn kernel_paths(&self, given: Option<&[String]>, default: &[&str]) -> Vec<(String, bool)> {
        if !self.new_one(Kind::Mnt) {
            return Vec::new();
        }
        let mounted = |path: &str| {
            let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
            (self.spec.proc || !below("/proc")) && (self.spec.sys || !below("/sys"))
        };
        let all: Vec<String> =
            given.map_or_else(|| default.iter().map(ToString::to_string).collect(), <[String]>::to_vec);
        // Kernel paths are the same everywhere; others are those of the root.
        let kernel = |path: &str| path.starts_with("/proc/") || path.starts_with("/sys/");
        let root = self.spec.rootfs.as_deref().unwrap_or_default();
        let there = |path: String| {
            let place = if kernel(&path) { path.clone() } else { format!("{root}{path}") };
            let meta = std::fs::symlink_metadata(place).ok().filter(|_| mounted(&path))?;
            Some((path, meta.is_dir()))
        };
        all.into_iter().filter_map(there).collect()
    }

    /// Hides and write-protects kernel paths, and the root where it is read-only.
    pub(super) fn protect_kernel_paths(&mut self) {
        let masked = self.masked();
        if !masked.is_empty() {
            self.mask(&masked);
        }
        for (path, _) in self.kernel_paths(self.spec.readonly_paths.as_deref(), &READONLY_PATHS) {
            let flags = (libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY) | PLAIN;
            let shell = Shell::Inside(vec![
                format!("mount --bind \"$R\"{0} \"$R\"{0}", quote(&path)),
                format!("mount -o remount,bind,ro,nosuid,nodev,noexec \"$R\"{}", quote(&path)),
            ]);
            self.act(
                format!("make {path} read-only"),
                "it would change the kernel for everyone",
                shell,
                |b| {
                    b.needs = Some("CAP_SYS_ADMIN");
                    b.inside(Call::Mount {
                        source: Some(path.clone().into()),
                        target: path.clone().into(),
                        kind: None,
                        flags: (libc::MS_BIND | libc::MS_REC),
                        data: None,
                    });
                    b.inside(Call::Mount {
                        source: None,
                        target: path.into(),
                        kind: None,
                        flags,
                        data: None,
                    });
                },
            );
        }
        self.leave_old_root();
        if self.new_one(Kind::Mnt) && self.spec.root_change == RootChange::Chroot {
            self.act("enter the new root", "the working directory was the old one", Shell::None, |b| {
                b.inside(Call::Chdir { path: "/".into() });
            });
        }
    }

    /// Puts an empty file or directory over each path.
    fn mask(&mut self, paths: &[(String, bool)]) {
        for directory in [true, false] {
            let names: Vec<&str> =
                paths.iter().filter(|(_, kind)| *kind == directory).map(|(path, _)| path.as_str()).collect();
            let Some((last, others)) = names.split_last() else { continue };
            let empty = self.make_empty(directory);
            for path in others {
                let copy = self.slot((*path).to_string());
                let detached = self.host.detached;
                self.hide(path, directory, |b| {
                    if !detached {
                        return b.empty_part(directory);
                    }
                    b.inside(Call::OpenTree {
                        dir: Fd::Slot(empty),
                        path: "".into(),
                        flags: abi::OPEN_TREE_CLONE | abi::OPEN_TREE_CLOEXEC | abi::AT_EMPTY_PATH,
                        keep: copy,
                    });
                    copy
                });
            }
            // The mount itself, too: one that never was attached is costly to close.
            self.hide(last, directory, |_| empty);
        }
    }

    /// A detached mount of an empty file or directory.
    fn make_empty(&mut self, directory: bool) -> Slot {
        let mut empty = Slot(0);
        let what = if directory { "make an empty directory" } else { "make an empty file" };
        self.act(what, "to lie over the kernel paths that are hidden", Shell::None, |b| {
            let (dir, name) = (b.scratch(), empty_name(directory));
            let call = if directory {
                Call::Mkdir { dir, path: name.into(), mode: 0o555 }
            } else {
                Call::Mknod { dir, path: name.into(), mode: libc::S_IFREG | 0o444, device: (0, 0) }
            };
            b.inside(call);
            empty = b.empty_part(directory);
        });
        empty
    }

    /// A detached mount of that, which nothing can be written to.
    fn empty_part(&mut self, directory: bool) -> Slot {
        let empty = self.scratch_part(Side::Container, empty_name(directory).into());
        self.needs = Some("CAP_SYS_ADMIN");
        self.inside(Call::MountSetattr {
            dir: Fd::Slot(empty),
            path: "".into(),
            flags: abi::AT_EMPTY_PATH,
            set: abi::MOUNT_ATTR_RDONLY | abi::MOUNT_ATTR_NOEXEC,
            clear: 0,
            userns: None,
        });
        empty
    }

    fn hide(&mut self, path: &str, directory: bool, mount: impl FnOnce(&mut Self) -> Slot) {
        let command = if directory {
            format!("mount -t tmpfs -o ro tmpfs \"$R\"{}", quote(path))
        } else {
            format!("mount --bind /dev/null \"$R\"{}", quote(path))
        };
        let why = "it tells too much of the host";
        self.act(format!("hide {path}"), why, Shell::Inside(vec![command]), |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            let mount = mount(b);
            b.inside(Call::MoveMount { from: Fd::Slot(mount), target: path.to_string().into() });
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
