//! A small `/dev` of the container's own: the harmless devices, links, and places for pts, shm and mqueue.

use super::rootfs::Attach;
use super::{Builder, Call, Fd, Shell, Side};
use crate::spec::bit;
use crate::sys::abi;

/// The devices that every program may expect, with their numbers: mem(4), null(4), random(4), tty(4).
const DEVICES: [(&str, u32, u32); 6] = [
    ("dev/null", 1, 3),
    ("dev/zero", 1, 5),
    ("dev/full", 1, 7),
    ("dev/random", 1, 8),
    ("dev/urandom", 1, 9),
    ("dev/tty", 5, 0),
];

const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
    ("pts/ptmx", "dev/ptmx"),
];

impl Builder<'_> {
    /// Fills a directory of the scratch tmpfs, to be mounted on /dev.
    pub(super) fn prepare_dev(&mut self, side: Side) {
        if !self.spec.dev {
            return;
        }
        let make_nodes = self.makes_nodes(side);
        let mut dev = None;
        self.act("make a directory for /dev", "it is mounted when it is full", Shell::None, |b| {
            let dir = b.scratch();
            b.make_exactly(side, Call::Mkdir { dir, path: "dev".into(), mode: 0o755 });
            let slot = b.scratch_part(side, "dev".into());
            dev = Some(slot);
            if make_nodes {
                b.needs = Some("CAP_SYS_ADMIN");
                b.step(
                    side,
                    Call::MountSetattr {
                        dir: Fd::Slot(slot),
                        path: "".into(),
                        flags: abi::AT_EMPTY_PATH,
                        set: abi::MOUNT_ATTR_NOSUID | abi::MOUNT_ATTR_NOEXEC,
                        clear: abi::MOUNT_ATTR_NODEV,
                        userns: None,
                    },
                );
            }
        });
        if !self.overlaps() || self.assembles() {
            self.fill_dev(side);
        }
        let mut shell = vec![
            "mount -t tmpfs -o mode=755,nosuid,noexec tmpfs \"$R/dev\"".into(),
            "for n in null zero full random urandom tty; do : > \"$R/dev/$n\"; mount --bind /dev/$n \"$R/dev/$n\"; done".into(),
        ];
        shell.extend(LINKS.map(|(target, path)| format!("ln -s {target} \"$R/{path}\"")));
        shell.push("mkdir -m 1777 \"$R/dev/shm\"; mkdir \"$R/dev/pts\" \"$R/dev/mqueue\"".into());
        if let Some(mount) = dev {
            self.files.attach.push(Attach { mount, target: "/dev".into(), make: None, shell });
        }
        if make_nodes {
            return;
        }
        // Without the right to make device nodes, the host's are lent.
        for (path, ..) in DEVICES {
            let path = format!("/{path}");
            let mount = self.clone_tree(side, &path, &path, "the host's device, lent", false);
            self.files.attach.push(Attach { mount, target: path.into(), make: None, shell: Vec::new() });
        }
    }

    fn makes_nodes(&self, side: Side) -> bool {
        side == Side::Caller && self.host.can(bit::MKNOD)
    }

    /// Makes the devices, links and directories.
    pub(super) fn fill_dev(&mut self, side: Side) {
        let why = "null, zero, full, random, urandom, tty; none of the host's other devices";
        self.act("fill /dev", why, Shell::None, |b| b.make_devices(side));
    }

    fn make_devices(&mut self, side: Side) {
        let (dir, make_nodes) = (self.scratch(), self.makes_nodes(side));
        self.needs = make_nodes.then_some("CAP_MKNOD");
        for (path, major, minor) in DEVICES {
            // Without the right to make nodes: files that the host's are mounted on.
            let (mode, device) =
                if make_nodes { (libc::S_IFCHR, (major, minor)) } else { (libc::S_IFREG, (0, 0)) };
            self.make_exactly(side, Call::Mknod { dir, path: path.into(), mode: mode | 0o666, device });
        }
        self.needs = None;
        for (target, path) in LINKS {
            self.step(side, Call::Symlink { target: target.into(), dir, path: path.into() });
        }
        for name in ["dev/pts", "dev/mqueue"] {
            self.step(side, Call::Mkdir { dir, path: name.into(), mode: 0o755 });
        }
        self.make_exactly(side, Call::Mkdir { dir, path: "dev/shm".into(), mode: 0o1777 });
    }
}
