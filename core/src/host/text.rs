//! Reading the small files in which the kernel tells things.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a file of procfs, sysfs or a cgroup. The kernel gives as many whole records as there is room for: a read that
/// leaves half of it empty was the last. That is half the calls of [`std::fs::read_to_string`].
pub(crate) fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut room = [0; 4096];
    let mut text = Vec::new();
    loop {
        let len = match file.read(&mut room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        text.extend_from_slice(&room[..len]);
        if len < room.len() / 2 {
            return String::from_utf8(text)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_one_is_read_whole() {
        let whole = std::fs::read_to_string("/proc/kallsyms")
            .or_else(|_| std::fs::read_to_string("/proc/filesystems"));
        let path = if whole.as_ref().is_ok_and(|text| text.len() > 8192) {
            "/proc/kallsyms"
        } else {
            "/proc/filesystems"
        };
        assert_eq!(read_text(path).expect("a text"), std::fs::read_to_string(path).expect("a text"));
        assert!(read_text("/proc/no such file").is_err());
    }
}
