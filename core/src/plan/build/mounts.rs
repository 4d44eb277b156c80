//! Volumes, tmpfs mounts, and the places inside that they need.

use std::fs;

use super::rootfs::{Attach, Node};
use super::{Builder, Call, Fd, Shell, Side, Text, Tolerate, quote};
use crate::error::{Code, Error};
use crate::sys::abi;

impl Builder<'_> {
    /// Takes the volumes' sources, before the old root is out of reach.
    pub(super) fn prepare_volumes(&mut self, side: Side) -> Result<(), Error> {
        for volume in self.spec.volumes.clone() {
            let Ok(meta) = fs::metadata(&volume.source) else {
                let errno = fs::metadata(&volume.source).err().and_then(|e| e.raw_os_error()).unwrap_or(libc::ENOENT);
                let problem = format!("volumes: there is no '{}' on the host", volume.source);
                return Err(Error::call(Code::SourceNotFound, problem, errno, "make it first: a volume's source is never created"));
            };
            let mount = self.clone_tree(side, &volume.source, &volume.source, "a volume", true);
            if side == Side::Caller && self.caller_maps() {
                self.files.idmap.push(mount);
            }
            if volume.read_only {
                self.make_read_only(side, mount, "asked for");
            }
            let node = if meta.is_dir() { Node::Directory } else { Node::File };
            let copy = format!("\"$T/v{}\"", self.volumes.len());
            let make = if node == Node::Directory { "mkdir" } else { "touch" };
            let mut take = vec![format!("{make} {copy}; mount --rbind {} {copy}", quote(&volume.source))];
            take.extend(volume.read_only.then(|| format!("mount -o remount,bind,ro {copy}")));
            if let Some(act) = self.acts.last_mut() {
                act.shell = Shell::Before(take);
            }
            let shell = vec![format!("mount --rbind {copy} $R{}", quote(&volume.target))];
            self.volumes.push(Attach { mount, target: volume.target, make: Some(node), shell });
        }
        Ok(())
    }

    /// Shows the host's ids as they are on the mounts that were named for the container: mount_setattr(2).
    pub(super) fn idmap_by_caller(&mut self, userns: Text) {
        let mounts = self.files.idmap.clone();
        if mounts.is_empty() {
            return;
        }
        let slot = self.slot("user namespace");
        let why = "id 0 inside is id 0 on these mounts; where the file system cannot do that, its ids stay unmapped";
        self.act("map ids on mounts", why, Shell::None, |b| {
            b.caller(Call::Open { dir: Fd::Cwd, path: userns, flags: libc::O_CLOEXEC as u64, mode: 0, keep: slot });
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

    /// Makes the places for mounts. On the host's own files only its root may: this comes before the id change.
    pub(super) fn make_places(&mut self) {
        let mut places: Vec<(String, Node)> = Vec::new();
        let attached = self.files.attach.iter().chain(&self.volumes);
        places.extend(attached.filter_map(|attach| attach.make.map(|node| (attach.target.clone(), node))));
        places.extend(self.spec.tmpfs.iter().map(|tmpfs| (tmpfs.target.clone(), Node::Directory)));
        places.extend(self.system_places().into_iter().map(|path| (path.to_string(), Node::Directory)));
        let mut made = std::collections::BTreeSet::new();
        let mut calls = Vec::new();
        for (path, node) in places {
            let mut prefix = String::new();
            let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
            for (n, part) in parts.iter().enumerate() {
                prefix = format!("{prefix}/{part}");
                if !made.insert(prefix.clone()) {
                    continue;
                }
                if n + 1 == parts.len() && node == Node::File {
                    calls.push((prefix.clone(), Node::File));
                } else if !self.present(&prefix) {
                    calls.push((prefix.clone(), Node::Directory));
                }
            }
        }
        if calls.is_empty() {
            return;
        }
        let shell = calls.iter().map(|(path, node)| match node {
            Node::Directory => format!("mkdir -p $R{}", quote(path)),
            Node::File => format!("touch $R{}", quote(path)),
        });
        let shell = Shell::Before(shell.collect());
        self.act("make places to mount on", "a mount needs a directory or file to lie over", shell, |b| {
            for (path, node) in calls {
                b.tolerate = Tolerate::Errors(&[libc::EEXIST]);
                if node == Node::Directory {
                    b.inside(Call::Mkdir { dir: Fd::Cwd, path: path.into(), mode: 0o755 });
                    continue;
                }
                b.inside(Call::Mknod { dir: Fd::Cwd, path: path.into(), mode: libc::S_IFREG | 0o644, device: (0, 0) });
            }
        });
    }

    /// Whether a directory is surely in the new root already.
    fn present(&self, path: &str) -> bool {
        let root = self.spec.rootfs.as_deref().unwrap_or("");
        fs::symlink_metadata(format!("{root}{path}")).is_ok_and(|meta| meta.is_dir())
    }

    /// Attaches what belongs to the root file system itself.
    pub(super) fn attach_all(&mut self) {
        for attach in std::mem::take(&mut self.files.attach) {
            self.attach(attach);
        }
    }

    /// Attaches volumes and tmpfs mounts, parents before what lies below them.
    pub(super) fn attach_volumes(&mut self) {
        let mut mounts: Vec<(String, Option<Attach>)> = Vec::new();
        mounts.extend(std::mem::take(&mut self.volumes).into_iter().map(|attach| (attach.target.clone(), Some(attach))));
        mounts.extend(self.spec.tmpfs.iter().map(|tmpfs| (tmpfs.target.clone(), None)));
        mounts.sort_by(|a, b| a.0.cmp(&b.0));
        let own = ["/tmp", "/dev", "/proc", "/sys", "/run"];
        for (target, attach) in mounts {
            // What the container's own mounts cover has its place made anew.
            if own.iter().any(|own| target.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'))) {
                let node = attach.as_ref().and_then(|attach| attach.make).unwrap_or(Node::Directory);
                self.make_place(&target, node);
            }
            match attach {
                Some(attach) => self.attach(attach),
                None => self.mount_tmpfs(&target),
            }
        }
    }

    fn make_place(&mut self, target: &str, node: Node) {
        let target = target.to_string();
        let shell = match node {
            Node::Directory => format!("mkdir -p $R{}", quote(&target)),
            Node::File => format!("mkdir -p \"$(dirname $R{0})\"; touch $R{0}", quote(&target)),
        };
        self.act(format!("make {target}"), "it lies in a file system of the container's own", Shell::Inside(vec![shell]), |b| {
            b.tolerate = Tolerate::Errors(&[libc::EEXIST]);
            let ends: Vec<usize> = target.match_indices('/').map(|(at, _)| at).skip(2).chain([target.len()]).collect();
            for end in ends {
                let path: Text = target[..end].to_string().into();
                if end == target.len() && node == Node::File {
                    b.inside(Call::Mknod { dir: Fd::Cwd, path, mode: libc::S_IFREG | 0o644, device: (0, 0) });
                } else {
                    b.inside(Call::Mkdir { dir: Fd::Cwd, path, mode: 0o755 });
                }
            }
        });
    }

    fn attach(&mut self, attach: Attach) {
        let Attach { mount, target, shell, .. } = attach;
        let shell = if shell.is_empty() { Shell::None } else { Shell::Inside(shell) };
        self.act(format!("mount {target}"), "prepared before, it only has to be put in its place", shell, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.inside(Call::MoveMount { from: Fd::Slot(mount), target: target.into() });
        });
    }

    fn mount_tmpfs(&mut self, target: &str) {
        let Some(tmpfs) = self.spec.tmpfs.iter().find(|tmpfs| tmpfs.target == target) else { return };
        let data = format!("size={},mode={:o}", tmpfs.size.unwrap_or(self.spec.storage_size).0, tmpfs.mode);
        let flags = (libc::MS_NOSUID | libc::MS_NODEV) as u64;
        let target = tmpfs.target.clone();
        let shell = Shell::Inside(vec![format!("mount -t tmpfs -o {data},nosuid,nodev tmpfs $R{}", quote(&target))]);
        self.act(format!("mount a tmpfs on {target}"), "asked for", shell, |b| {
            b.needs = Some("CAP_SYS_ADMIN");
            b.inside(Call::Mount { source: Some("tmpfs".into()), target: target.into(), kind: Some("tmpfs".into()), flags, data: Some(data.into()) });
        });
    }
}
