//! Reading the files of a cgroup, again and again by the same descriptors: opening one takes the kernel ten times as long
//! as reading it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::os::unix::fs::FileExt;

use super::Directory;

/// Files that are kept open from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    looks: u32,
    files: HashMap<(usize, &'static str), File>,
}

impl Kept {
    /// Begins a look. Who looks only once keeps nothing.
    pub(crate) fn look(&mut self) -> Option<&mut Self> {
        self.looks = self.looks.saturating_add(1);
        (self.looks > 1).then_some(self)
    }
}

/// Reads the files of one directory of a cgroup.
pub(super) struct Reader<'a> {
    pub(super) directory: &'a Directory,
    /// Its place among the cgroup's directories.
    pub(super) place: usize,
    pub(super) kept: Option<&'a mut Kept>,
    /// Whether every file was there.
    pub(super) complete: bool,
}

impl<'a> Reader<'a> {
    /// One that keeps nothing.
    pub(super) fn once(directory: &'a Directory) -> Self {
        Self { directory, place: 0, kept: None, complete: true }
    }

    /// A file's text without the spaces at its end; empty where it is not there.
    pub(super) fn text(&mut self, file: &'static str) -> String {
        let text = self.again(file).or_else(|| self.directory.read(file).ok());
        self.complete &= text.is_some();
        text.unwrap_or_default()
    }

    fn again(&mut self, file: &'static str) -> Option<String> {
        let opened = match self.kept.as_mut()?.files.entry((self.place, file)) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => place.insert(File::open(self.directory.path.join(file)).ok()?),
        };
        let mut room = [0; 4096];
        let len = opened.read_at(&mut room, 0).ok()?;
        // More than that may be half of it: of what has a line for each device.
        (len < room.len() / 2).then(|| String::from_utf8_lossy(&room[..len]).trim_end().into())
    }

    /// The number that a file holds.
    pub(super) fn number(&mut self, file: &'static str) -> Option<u64> {
        self.text(file).parse().ok()
    }
}
