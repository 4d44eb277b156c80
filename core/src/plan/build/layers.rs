//! The host's own files under throw-away layers: overlayfs, one layer over `/` where the caller may mount it, else
//! one over each top-level directory.

use super::rootfs::Attach;
use super::{Builder, Call, Fd, Shell, Side, Slot, Text};
use crate::host::{HostMount, OWN, any_below, visible_mounts};
use crate::sys::abi;

impl Builder<'_> {
    /// The host's files under a throw-away layer.
    pub(super) fn prepare_host_overlay(&mut self, side: Side) {
        if side == Side::Container {
            return self.prepare_directories(side);
        }
        let mounts = self.shown_mounts();
        self.cover(&mounts);
        self.files.covers.push("/".into());
        let root = self.overlay(side, "root", "/", 0);
        self.files.root = Some(root);
        for (n, mount) in mounts.into_iter().enumerate() {
            if self.spec.host_files.contains_key(&mount.target) {
                continue;
            }
            self.host_mount(side, mount.target.clone(), mount.directory && !mount.read_only, n + 1);
        }
    }

    /// The host's mounts that are seen inside.
    fn shown_mounts(&self) -> Vec<HostMount> {
        let mut mounts = visible_mounts(self.host.mount_table());
        mounts.retain(|mount| {
            !(self.spec.tmp && (mount.target == "/tmp" || mount.target.starts_with("/tmp/")))
        });
        mounts
    }

    /// Notes what covers the host's directories, so that each place is made where it will be seen.
    fn cover(&mut self, mounts: &[HostMount]) {
        self.files.covers.extend(mounts.iter().map(|mount| mount.target.clone()));
        self.files.covers.extend(self.spec.host_files.keys().filter(|path| *path != "/").cloned());
    }

    /// A mount of the host below `/`: overlaid where that can be, else read-only.
    fn host_mount(&mut self, side: Side, target: String, overlay: bool, n: usize) {
        let mount = if overlay {
            self.overlay(side, &target, &target, n)
        } else {
            let mount = self.clone_tree(side, &target, &target, "a mount of the host, seen as it is", true);
            self.make_read_only(side, mount, "no layer lies over it");
            mount
        };
        self.files.attach.push(Attach { mount, target: target.into(), make: None, shell: Vec::new() });
    }

    /// An overlay over a directory of the host, its changes kept in the scratch tmpfs: overlayfs.
    pub(super) fn overlay(&mut self, side: Side, name: &str, lower: &str, n: usize) -> Slot {
        let (config, mount) = (self.slot("overlay"), self.slot(name.to_string()));
        let (upper, work) = (format!("u{n}"), format!("w{n}"));
        let owner = if side == Side::Caller { self.users.root() } else { (0, 0) };
        let scratch = self.files.scratch.unwrap_or(Slot(0));
        let mut shell = vec![format!("mkdir \"$S/{upper}\" \"$S/{work}\"")];
        if owner != (0, 0) {
            shell.push(format!("chown {}:{} \"$S/{upper}\"", owner.0, owner.1));
        }
        if n == 0 {
            shell.push("R=$S/root; mkdir \"$R\"".into());
        }
        let place = if n == 0 { "\"$R\"".to_string() } else { format!("\"$R\"{}", super::quote(name)) };
        let read_only = if self.spec.read_only { ",ro" } else { "" };
        shell.push(format!("mount -t overlay -o {},upperdir=\"$S\"/{upper},workdir=\"$S\"/{work},nosuid,nodev{read_only} overlay {place}", super::quote(&format!("lowerdir={}", escaped(lower)))));
        let mut made = Vec::new();
        self.act(format!("overlay {name}"), "read from the host, written to the tmpfs", Shell::None, |b| {
            let dir = Fd::Slot(scratch);
            b.make_exactly(side, Call::Mkdir { dir, path: upper.clone().into(), mode: 0o755 });
            if owner != (0, 0) {
                b.needs = Some("CAP_CHOWN");
                let (user, group) = owner;
                b.step(side, Call::Chown { dir, path: upper.clone().into(), user, group, flags: 0 });
            }
            b.needs = None;
            made = b.make_layer_places(side, &upper, lower);
            b.step(side, Call::Mkdir { dir, path: work.clone().into(), mode: 0o755 });
            b.needs = Some("CAP_SYS_ADMIN");
            b.step(side, Call::Fsopen { kind: "overlay", keep: config });
            let layer = |name: String| Text::slotted("/proc/self/fd/", scratch, format!("/{name}"));
            let layers =
                [("lowerdir", escaped(lower).into()), ("upperdir", layer(upper)), ("workdir", layer(work))];
            for (key, value) in layers {
                b.step(side, Call::FsconfigString { fd: Fd::Slot(config), key, value });
            }
            let read_only = if b.spec.read_only { abi::MOUNT_ATTR_RDONLY } else { 0 };
            let attributes = abi::MOUNT_ATTR_NOSUID | abi::MOUNT_ATTR_NODEV | read_only;
            b.mount_config(side, config, mount, attributes);
        });
        // The layer is complete before it is mounted.
        let at = shell.len() - 1;
        shell.splice(at..at, made);
        self.set_shell(Shell::Before(shell));
        mount
    }

    /// For an ordinary caller: an overlay over each top-level directory, on a root of its own.
    ///
    /// Over `/` itself the kernel refuses (EINVAL): the host's mounts below it are locked in a mount namespace
    /// that belongs to a user namespace.
    fn prepare_directories(&mut self, side: Side) {
        let mut entries: Vec<_> = std::fs::read_dir("/").into_iter().flatten().flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let scratch = self.scratch();
        self.act(
            "make the root directory",
            "the host's directories come below it",
            Shell::Before(vec!["R=$S/root; mkdir \"$R\"; mount --bind \"$R\" \"$R\"".into()]),
            |b| {
                b.step(side, Call::Mkdir { dir: scratch, path: "root".into(), mode: 0o755 });
                let root = b.scratch_part(side, "root".into());
                b.files.root = Some(root);
            },
        );
        let mounts = self.shown_mounts();
        self.cover(&mounts);
        let names = entries.iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        self.files.covers.extend(names.map(|entry| entry.path().display().to_string()));
        self.files.covers.push("/".into());
        let mut shell = Vec::new();
        self.act("make places in the root", "mounts lie over them", Shell::None, |b| {
            shell = b.make_layer_places(side, "root", "/");
        });
        self.set_shell(Shell::Before(shell));
        for (n, entry) in entries.into_iter().enumerate() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.contains(char::is_control) {
                continue;
            }
            let path = format!("/{name}");
            let inner = format!("root/{name}");
            if let Ok(link) = std::fs::read_link(&path) {
                let Ok(link) = link.into_os_string().into_string() else { continue };
                let shell = Shell::Before(vec![format!(
                    "ln -s {} \"$R\"/{}",
                    super::quote(&link),
                    super::quote(&name)
                )]);
                self.act(format!("link {path}"), "as on the host", shell, |b| {
                    b.step(side, Call::Symlink { target: link.into(), dir: scratch, path: inner.into() });
                });
                continue;
            }
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let shell = Shell::Before(vec![format!("mkdir \"$R\"/{}", super::quote(&name))]);
            self.act(
                format!("make {path}"),
                "a place for the host's directory, or an empty one",
                shell,
                |b| {
                    b.step(side, Call::Mkdir { dir: scratch, path: inner.into(), mode: 0o755 });
                },
            );
            let own = OWN.contains(&path.as_str())
                || name == "tmp" && self.spec.tmp
                || name == "root" && self.hides_home();
            let readable = nix::unistd::access(
                path.as_str(),
                nix::unistd::AccessFlags::R_OK | nix::unistd::AccessFlags::X_OK,
            )
            .is_ok();
            if own || !readable || self.spec.host_files.contains_key(&path) {
                continue;
            }
            // The kernel makes no layer of what has mounts below that are locked here: all of the host's.
            let nested = any_below(self.host.mount_table(), &path);
            self.host_mount(side, path, !nested, n + 1);
        }
    }
}

/// A path as a layer: overlayfs separates layers by colons.
fn escaped(path: &str) -> String {
    path.replace('\\', "\\\\").replace(':', "\\:")
}
