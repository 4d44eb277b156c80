//! The places inside that mounts lie over: directories and files that must be there.
//!
//! In the default file system they are made in the throw-away layer before it is mounted, by whoever mounts it:
//! inside, the container's root may not write to directories of the host's root. Directories of the host on the
//! way keep their owner and mode, because what is in the layer is what is seen.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Builder, Call, Fd, Shell, Side, Tolerate, quote};
use crate::error::{Code, Error};
use crate::spec::HostAccess;

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Directory,
    File,
}

/// What a path of the host is, if it is there.
pub(super) fn node_of(path: &str) -> Option<Node> {
    fs::metadata(path).ok().map(|meta| if meta.is_dir() { Node::Directory } else { Node::File })
}

/// The path with the symbolic links in its existing part resolved.
fn resolved(path: &str) -> String {
    let mut existing = Path::new(path);
    while let Some(parent) = existing.parent() {
        if let Ok(real) = fs::canonicalize(existing) {
            let rest = path.strip_prefix(existing.to_str().unwrap_or("")).unwrap_or("");
            return format!("{}{rest}", real.display()).replace("//", "/");
        }
        existing = parent;
    }
    path.into()
}

impl Builder<'_> {
    /// Whether a place lies in a file system of the container's own, where it is made once that is mounted.
    pub(super) fn own_place(&self, path: &str) -> bool {
        self.system_places().any(|own| path.strip_prefix(own).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Finds which places are needed; a volume whose source is missing ends the planning here.
    pub(super) fn find_places(&mut self) -> Result<(), Error> {
        let mut places: Vec<(String, Node)> = Vec::new();
        for volume in &self.binds {
            let Some(node) = node_of(&volume.source) else {
                let errno =
                    fs::metadata(&volume.source).err().and_then(|e| e.raw_os_error()).unwrap_or(libc::ENOENT);
                let problem = format!("volumes: there is no '{}' on the host", volume.source);
                return Err(Error::call(
                    Code::SourceNotFound,
                    problem,
                    errno,
                    "make it first: a volume's source is never created",
                )
                .about(&volume.source));
            };
            places.push((volume.target.clone(), node));
        }
        places.extend(self.spec.tmpfs.iter().map(|tmpfs| (tmpfs.target.clone(), Node::Directory)));
        places.extend(self.system_places().map(|path| (path.to_string(), Node::Directory)));
        for path in self.spec.host_files.keys().filter(|path| *path != "/") {
            if node_of(path) != Some(Node::Directory) {
                let problem = format!("host_files: there is no directory '{path}' on the host");
                return Err(Error::call(
                    Code::SourceNotFound,
                    problem,
                    libc::ENOENT,
                    "name directories that are there",
                )
                .about(path));
            }
        }
        places.retain(|(path, _)| !self.own_place(path));
        if self.layered() {
            places.retain(|(path, _)| node_of(path).is_none());
            // The way there may be a link out of what is there.
            for (path, _) in &mut places {
                *path = resolved(path);
            }
            places.retain(|(path, _)| node_of(path).is_none());
        }
        self.files.places = places;
        Ok(())
    }

    /// Whether the root is a throw-away layer over the host's files.
    pub(super) fn layered(&self) -> bool {
        self.shows_host() && self.spec.host_files.get("/").is_none_or(|access| *access == HostAccess::Overlay)
    }

    /// Adds the steps that make, in a layer of the scratch tmpfs over `lower`, the places that it covers.
    pub(super) fn make_layer_places(&mut self, side: Side, layer: &str, lower: &str) -> Vec<String> {
        let below = |path: &str, base: &str| {
            base == "/" || path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'))
        };
        let covers = self.files.covers.clone();
        let mut shell = Vec::new();
        for (path, node) in self.files.places.clone() {
            let nearest = covers.iter().filter(|base| below(&path, base)).max_by_key(|base| base.len());
            if nearest.is_none_or(|base| base != lower) {
                continue;
            }
            let from = if lower == "/" { 1 } else { lower.len() + 1 };
            let ends: Vec<usize> = path
                .match_indices('/')
                .map(|(at, _)| at)
                .filter(|at| *at >= from)
                .chain([path.len()])
                .collect();
            for end in ends {
                let (here, last) = (&path[..end], end == path.len());
                let inner = format!("{layer}{}", &here[from - 1..]);
                if !self.files.made.insert(inner.clone()) {
                    continue;
                }
                self.make_layer_place(
                    side,
                    &inner,
                    here,
                    if last { node } else { Node::Directory },
                    &mut shell,
                );
            }
        }
        shell
    }

    fn make_layer_place(&mut self, side: Side, inner: &str, path: &str, node: Node, shell: &mut Vec<String>) {
        let dir = self.scratch();
        let inner_text = || inner.to_string().into();
        let host = fs::symlink_metadata(path).ok();
        let root = self.users.root();
        let (user, group, mode) = host
            .as_ref()
            .map_or((root.0, root.1, 0o755), |meta| (meta.uid(), meta.gid(), meta.mode() & 0o7777));
        let place = format!("\"$S\"/{}", quote(inner));
        shell.push(if node == Node::File { format!("touch {place}") } else { format!("mkdir -p {place}") });
        if host.is_some() {
            shell.push(format!(
                "chmod --reference={0} {place}; chown --reference={0} {place} || :",
                quote(path)
            ));
        } else if side == Side::Caller && root != (0, 0) {
            shell.push(format!("chown {user}:{group} {place}"));
        }
        // The child of an ordinary caller finds its root's top directories there already.
        self.tolerate =
            if side == Side::Container { Tolerate::Errors(&[libc::EEXIST]) } else { Tolerate::Nothing };
        match node {
            Node::File => self.step(
                side,
                Call::Mknod { dir, path: inner_text(), mode: libc::S_IFREG | 0o644, device: (0, 0) },
            ),
            Node::Directory => self.step(side, Call::Mkdir { dir, path: inner_text(), mode }),
        }
        self.tolerate = Tolerate::Nothing;
        if side == Side::Container {
            return;
        }
        if (user, group) != (0, 0) {
            self.step(side, Call::Chown { dir, path: inner_text(), user, group, flags: 0 });
        }
        // The caller's umask belongs to all its threads: it is not touched.
        self.step(
            side,
            Call::Chmod { dir, path: inner_text(), mode: if node == Node::File { 0o644 } else { mode } },
        );
    }

    /// Makes the places in a root that is no throw-away layer, where they stay.
    pub(super) fn make_places(&mut self) {
        if self.layered() || self.files.places.is_empty() {
            return;
        }
        let root = self.spec.rootfs.clone().unwrap_or_default();
        let present = |path: &str| fs::symlink_metadata(format!("{root}{path}")).is_ok();
        let mut calls = Vec::new();
        for (path, node) in std::mem::take(&mut self.files.places) {
            let ends: Vec<usize> =
                path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]).collect();
            for end in ends {
                let (here, node) = (&path[..end], if end == path.len() { node } else { Node::Directory });
                if !present(here) && self.files.made.insert(here.into()) {
                    calls.push((here.to_string(), node));
                }
            }
        }
        if calls.is_empty() {
            return;
        }
        let shell = calls.iter().map(|(path, node)| match node {
            Node::Directory => format!("mkdir -p \"$R\"{}", quote(path)),
            Node::File => format!("touch \"$R\"{}", quote(path)),
        });
        let shell = Shell::Before(shell.collect());
        self.act("make places to mount on", "a mount needs a directory or file to lie over", shell, |b| {
            b.tolerate = Tolerate::Errors(&[libc::EEXIST]);
            for (path, node) in calls {
                b.inside(match node {
                    Node::Directory => Call::Mkdir { dir: Fd::Cwd, path: path.into(), mode: 0o755 },
                    Node::File => Call::Mknod {
                        dir: Fd::Cwd,
                        path: path.into(),
                        mode: libc::S_IFREG | 0o644,
                        device: (0, 0),
                    },
                });
            }
        });
    }
}
