//! What is on the host and not inside: below places that the container has of its own.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::host::OWN;
use crate::namespace::Kind;
use crate::spec::{HostAccess, Spec};

/// The default file system has these of its own, too.
const HIDDEN: [&str; 2] = ["/tmp", "/root"];
/// As many links as the kernel follows: path_resolution(7).
const LINKS: usize = 40;

/// What lies at a place inside.
enum Seen {
    /// A path of the host.
    Host(PathBuf),
    /// The container's own, mounted there.
    Own(PathBuf),
}

/// Where a path leads that is not there inside, where that is on the host; and what brings it in.
pub(super) fn hint(spec: &Spec, path: &str) -> Option<String> {
    if spec.rootfs.is_some() || !spec.namespaces.new_one(Kind::Mnt) {
        return None;
    }
    let asked = Path::new(spec.cwd.as_deref().unwrap_or("/")).join(path);
    let (place, file) = lost(spec, &asked)?;
    let verb = if file == asked { "is" } else { &format!("leads to '{}'", file.display()) };
    // All that lies beside it may be needed, such as the library of a Python.
    let part: PathBuf = place.join(file.strip_prefix(&place).ok()?.components().next()?);
    let (place, part) = (place.display(), part.display());
    let switch =
        if place.to_string() == "/tmp" { ", or leave the host's /tmp there (tmp=False)" } else { "" };
    Some(format!(
        "'{path}' {verb} on the host, but the container has a {place} of its own: name '{part}:{part}:ro' in volumes{switch}"
    ))
}

/// Follows a path as inside, to where it leaves what is seen there: that place, and the file of the host.
fn lost(spec: &Spec, path: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut at = PathBuf::from("/");
    let mut left = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(part);
        match seen(spec, &next) {
            Seen::Own(place) => {
                let file = next.join(left.iter().collect::<PathBuf>());
                return (file != place && file.exists()).then_some((place, file));
            }
            Seen::Host(file) => match fs::read_link(file) {
                Ok(target) => {
                    links += 1;
                    if links > LINKS {
                        return None;
                    }
                    if target.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    left = parts(&target).into_iter().chain(left).collect();
                }
                Err(_) => at = next,
            },
        }
    }
    None
}

/// The names of a path, and its `..`.
fn parts(path: &Path) -> VecDeque<OsString> {
    let part = |part: Component<'_>| match part {
        Component::Normal(_) | Component::ParentDir => Some(part.as_os_str().to_owned()),
        _ => None,
    };
    path.components().filter_map(part).collect()
}

/// What is at a path inside: the mount nearest above it decides.
fn seen(spec: &Spec, path: &Path) -> Seen {
    let own = |place: &str| match spec.host_files.get(place) {
        Some(access) => *access == HostAccess::Hidden,
        None => place != "/tmp" || spec.tmp,
    };
    let hidden = spec.host_files.iter().filter(|(_, access)| **access == HostAccess::Hidden);
    let places = OWN
        .into_iter()
        .chain(HIDDEN)
        .filter(|place| own(place))
        .chain(hidden.map(|(place, _)| place.as_str()));
    let places =
        places.chain(spec.tmpfs.iter().map(|tmpfs| tmpfs.target.as_str())).map(|place| (place, None));
    let volumes = spec.volumes.iter().map(|volume| (volume.target.as_str(), Some(volume.source.as_str())));
    let above = places.chain(volumes).filter(|(place, _)| path.starts_with(place));
    match above.max_by_key(|(place, _)| Path::new(place).components().count()) {
        Some((place, None)) => Seen::Own(place.into()),
        Some((place, Some(source))) => Seen::Host(path.strip_prefix(place).map_or_else(
            |_| path.into(),
            |rest| if rest.as_os_str().is_empty() { source.into() } else { Path::new(source).join(rest) },
        )),
        None => Seen::Host(path.into()),
    }
}
