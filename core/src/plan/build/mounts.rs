//! Volumes, tmpfs mounts, and the places inside that they need.

use std::borrow::Cow;

use super::places::{Node, node_of};
use super::rootfs::Attach;
use super::{Builder, Call, Fd, Shell, Side, Text, Tolerate, quote};
use crate::sys::abi;

impl Builder<'_> {
    /// Takes the volumes' sources, before the old root is out of reach.
    pub(super) fn prepare_volumes(&mut self, side: Side) {
        for (n, volume) in self.binds.clone().into_iter().enumerate() {
            let mount = self.clone_tree(side, &volume.source, &volume.source, "a volume", true);
            // What networks add is the host's own: with CAP_SYS_ADMIN inside, read-only alone could be undone.
            let named = n < self.spec.volumes.len();
            if named && side == Side::Caller && self.caller_maps() {
                self.files.idmap.push(mount);
            }
            let node = node_of(&volume.source).unwrap_or(Node::Directory);
            let copy = format!("\"$T/v{n}\"");
            let make = if node == Node::Directory { "mkdir" } else { "touch" };
            let mut take = vec![format!("{make} {copy}; mount --rbind {} {copy}", quote(&volume.source))];
            take.extend(volume.read_only.then(|| format!("mount -o remount,bind,ro {copy}")));
            self.set_shell(Shell::Before(take));
            if volume.read_only {
                self.make_read_only(side, mount, "asked for");
            }
            let shell = vec![format!("mount --rbind {copy} \"$R\"{}", quote(&volume.target))];
            self.volumes.push(Attach { mount, target: volume.target.into(), make: Some(node), shell });
        }
    }

    /// Shows the host's ids as they are on the mounts that were named for the container: mount_setattr(2).
    pub(super) fn idmap_by_caller(&mut self, userns: Text) {
        let mounts = self.files.idmap.clone();
        // Where every id is the host's own, they are so without.
        if mounts.is_empty() || self.users.maps_to_itself() {
            return;
        }
        let slot = self.slot("user namespace");
        let why = "id 0 inside is id 0 on these mounts; where the file system cannot do that, its ids stay unmapped";
        self.act("map ids on mounts", why, Shell::None, |b| {
            b.caller(Call::Open {
                dir: Fd::Cwd,
                path: userns,
                flags: libc::O_CLOEXEC as u64,
                mode: 0,
                keep: slot,
            });
            b.needs = Some("CAP_SYS_ADMIN");
            b.tolerate = Tolerate::Errors(&[libc::EINVAL]);
            for mount in mounts {
                b.caller(Call::MountSetattr {
                    dir: Fd::Slot(mount),
                    path: "".into(),
                    flags: abi::AT_EMPTY_PATH | abi::AT_RECURSIVE,
                    set: abi::MOUNT_ATTR_IDMAP,
                    clear: 0,
                    userns: Some(slot),
                });
            }
        });
    }

    /// Attaches what belongs to the root file system itself, parents before what lies below them.
    pub(super) fn attach_all(&mut self, side: Side) {
        let mut mounts = std::mem::take(&mut self.files.attach);
        mounts.sort_by(|a, b| a.target.cmp(&b.target));
        for attach in mounts {
            self.attach(side, attach);
        }
    }

    /// Attaches volumes and tmpfs mounts, parents before what lies below them.
    pub(super) fn attach_volumes(&mut self) {
        let mut mounts: Vec<(Cow<'static, str>, Option<Attach>)> = Vec::new();
        mounts.extend(
            std::mem::take(&mut self.volumes).into_iter().map(|attach| (attach.target.clone(), Some(attach))),
        );
        mounts.extend(self.spec.tmpfs.iter().map(|tmpfs| (tmpfs.target.clone().into(), None)));
        mounts.sort_by(|a, b| a.0.cmp(&b.0));
        for (target, attach) in mounts {
            // What the container's own mounts cover has its place made anew.
            if self.own_place(&target) {
                let node = attach.as_ref().and_then(|attach| attach.make).unwrap_or(Node::Directory);
                self.make_place(&target, node);
            }
            match attach {
                Some(attach) => self.attach(Side::Container, attach),
                None => self.mount_tmpfs(&target),
            }
        }
    }

    fn make_place(&mut self, target: &str, node: Node) {
        let target = target.to_string();
        let shell = match node {
            Node::Directory => format!("mkdir -p \"$R\"{}", quote(&target)),
            Node::File => format!("mkdir -p \"$(dirname \"$R\"{0})\"; touch \"$R\"{0}", quote(&target)),
        };
        self.act(
            format!("make {target}"),
            "it lies in a file system of the container's own",
            Shell::Inside(vec![shell]),
            |b| {
                b.tolerate = Tolerate::Errors(&[libc::EEXIST]);
                let ends: Vec<usize> =
                    target.match_indices('/').map(|(at, _)| at).skip(2).chain([target.len()]).collect();
                for end in ends {
                    let path: Text = target[..end].to_string().into();
                    if end == target.len() && node == Node::File {
                        b.inside(Call::Mknod {
                            dir: Fd::Cwd,
                            path,
                            mode: libc::S_IFREG | 0o644,
                            device: (0, 0),
                        });
                    } else {
                        b.inside(Call::Mkdir { dir: Fd::Cwd, path, mode: 0o755 });
                    }
                }
            },
        );
    }

    fn attach(&mut self, side: Side, attach: Attach) {
        let Attach { mount, target, shell, .. } = attach;
        let shell = if shell.is_empty() { Shell::None } else { Shell::Inside(shell) };
        self.act(
            format!("mount {target}"),
            "prepared before, it only has to be put in its place",
            shell,
            |b| {
                b.put(side, mount, target);
            },
        );
    }

    fn mount_tmpfs(&mut self, target: &str) {
        let Some(tmpfs) = self.spec.tmpfs.iter().find(|tmpfs| tmpfs.target == target) else { return };
        let data = format!("size={},mode={:o}", tmpfs.size.unwrap_or(self.spec.storage_size).0, tmpfs.mode);
        let flags = libc::MS_NOSUID | libc::MS_NODEV;
        let target = tmpfs.target.clone();
        let shell = Shell::Inside(vec![format!(
            "mount -t tmpfs -o {data},nosuid,nodev tmpfs \"$R\"{}",
            quote(&target)
        )]);
        self.act(format!("mount a tmpfs on {target}"), "asked for", shell, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.inside(Call::Mount {
                source: Some("tmpfs".into()),
                target: target.into(),
                kind: Some("tmpfs".into()),
                flags,
                data: Some(data.into()),
            });
        });
    }
}
