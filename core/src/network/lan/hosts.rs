//! The names of who is on a network: one file in the form of hosts(5), which its containers have as `/etc/hosts`.
//!
//! It stays the same file, since they have it mounted; a name is a line of fixed length. A line is changed such that whoever
//! reads meanwhile finds it whole or as a comment: its first byte is written last, and `#` first.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::home::Home;
use super::record::{Record, link_name, locked, not_found, publish_file, trouble};
use crate::error::Error;
use crate::host::{Maker, next_number};

const LINE: usize = 256;
const BEGINNING: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

/// Names that were written, and are taken out with this.
#[derive(Debug)]
pub(crate) struct Names {
    record: Record,
    lines: Vec<String>,
}

/// The file as a network begins with it: every line as long as any other.
pub(super) fn beginning(record: &Record) -> Vec<u8> {
    let gateway = format!("{}\tgateway.{}\n", record.gateway.address(), record.name);
    let lines = BEGINNING.lines().chain(gateway.lines());
    lines.flat_map(padded).collect()
}

impl Names {
    /// Writes that these names stand for these addresses.
    pub(super) fn add(record: &Record, addresses: &[IpAddr], names: &[String]) -> Result<Self, Error> {
        let lines = names
            .iter()
            .flat_map(|name| addresses.iter().map(move |address| format!("{address}\t{name}\t#")));
        // Another container may have the same name, and, once this one has ended, its address.
        let mark = format!("{}-{}", Maker::this(), next_number());
        let lines: Vec<String> = lines.map(|line| format!("{line}{mark}")).collect();
        let names = Self { record: record.clone(), lines };
        let home = OnceCell::new();
        let linked = |address| {
            let home = home.get_or_init(|| Home::of(record).ok());
            home.as_ref().is_none_or(|home| home.index(&link_name(address)).is_ok_and(|link| link.is_some()))
        };
        in_each(record, |file, text| write_in(file, text, &names.lines, &linked))?;
        Ok(names)
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let ours = |line: &[u8]| self.lines.iter().any(|own| line.trim_ascii_end() == own.as_bytes());
        // Where the network is gone, so are its names.
        let _ = in_each(&self.record, |file, text| {
            let places = text.chunks(LINE).enumerate().filter(|(_, line)| ours(line));
            places
                .map(|(place, _)| place)
                .try_for_each(|place| file.write_all_at(b"#", (place * LINE) as u64))
        });
    }
}

/// The file of a container that is on several networks: the names of all of them, one file under a name for each.
pub(super) fn combined(records: &[&Record]) -> Result<PathBuf, Error> {
    let path_of = |record: &Record| {
        let mut others: Vec<&str> = records.iter().map(|other| other.name.as_str()).collect();
        others.retain(|name| *name != record.name);
        others.sort_unstable();
        record.file(&format!("hosts+{}", others.join("+")))
    };
    let paths = records.iter().map(|record| path_of(record)).collect::<Result<Vec<_>, _>>()?;
    let mut order: Vec<&&Record> = records.iter().collect();
    order.sort_by(|one, other| one.name.cmp(&other.name));
    let locks = order.iter().map(|record| locked(&record.file("hosts")?)).collect::<Result<Vec<_>, _>>()?;
    let inode = |path: &PathBuf| fs::metadata(path).ok().map(|meta| meta.ino());
    let first = inode(&paths[0]);
    if first.is_none() || paths.iter().any(|path| inode(path) != first) {
        let mut bytes = Vec::new();
        for record in records {
            let path = record.file("hosts")?;
            let text = fs::read(&path).map_err(|error| trouble("read", &path, &error))?;
            let known = bytes.len();
            let new = text.chunks(LINE).filter(|line| !bytes[..known].chunks(LINE).any(|old| old == *line));
            let new: Vec<u8> = new.flatten().copied().collect();
            bytes.extend(new);
        }
        for path in &paths {
            let _ = fs::remove_file(path);
        }
        publish_file(&paths[0], &bytes)?;
        for path in &paths[1..] {
            fs::hard_link(&paths[0], path).map_err(|error| trouble("link", path, &error))?;
        }
    }
    drop(locks);
    Ok(paths.into_iter().next().unwrap_or_default())
}

/// Does something to each file that has a network's names, while nobody else does.
fn in_each(record: &Record, act: impl Fn(&File, &[u8]) -> std::io::Result<()>) -> Result<(), Error> {
    let path = record.file("hosts")?;
    let directory = Record::directory(&record.name)?;
    if !path.exists() {
        return Err(not_found(&record.name));
    }
    let file = locked(&path)?;
    let perform = |file: &File, path: &Path| {
        let text = fs::read(path);
        text.and_then(|text| act(file, &text)).map_err(|error| trouble("write", path, &error))
    };
    perform(&file, &path)?;
    let entries = fs::read_dir(&directory).map_err(|error| trouble("list", &directory, &error))?;
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("hosts+")) {
        perform(&*locked(&entry.path())?, &entry.path())?;
    }
    Ok(())
}

/// Writes lines where there is room, and takes those out that containers left which are gone.
fn write_in(
    file: &File,
    text: &[u8],
    lines: &[String],
    linked: &dyn Fn(Ipv4Addr) -> bool,
) -> std::io::Result<()> {
    let mut makers = Vec::new();
    let mut free = Vec::new();
    for (place, line) in text.chunks(LINE).enumerate() {
        let left = is_left(line, &mut makers, linked);
        if left {
            file.write_all_at(b"#", (place * LINE) as u64)?;
        }
        if left || line.first() == Some(&b'#') {
            free.push(place);
        }
    }
    let there = text.len() / LINE;
    for (line, place) in lines.iter().zip(free.into_iter().chain(there..)) {
        let bytes = padded(line);
        let at = (place * LINE) as u64;
        if place < there {
            file.write_all_at(&bytes[1..], at + 1)?;
            file.write_all_at(&bytes[..1], at)?;
        } else {
            file.write_all_at(&bytes, at)?;
        }
    }
    Ok(())
}

/// Whether a line's container is gone: its maker is, and its link is not there either.
fn is_left(line: &[u8], known: &mut Vec<(Maker, bool)>, linked: &dyn Fn(Ipv4Addr) -> bool) -> bool {
    let Some((address, maker)) = parse(line) else { return false };
    let seen = known.iter().find(|(one, _)| *one == maker).map(|(_, gone)| *gone);
    let gone = seen.unwrap_or_else(|| {
        let gone = maker.is_gone();
        known.push((maker, gone));
        gone
    });
    gone && match address {
        IpAddr::V4(address) => !linked(address),
        IpAddr::V6(_) => true,
    }
}

fn parse(line: &[u8]) -> Option<(IpAddr, Maker)> {
    let text = std::str::from_utf8(line).ok().filter(|text| !text.starts_with('#'))?;
    let (entry, mark) = text.trim_end().split_once('#')?;
    let maker = Maker::parse(mark.rsplit_once('-')?.0)?;
    Some((entry.split_whitespace().next()?.parse().ok()?, maker))
}

fn padded(line: &str) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    bytes.resize(LINE - 1, b' ');
    bytes.push(b'\n');
    bytes
}
