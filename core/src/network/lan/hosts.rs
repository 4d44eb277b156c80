//! The names of who is on a network: one file in the form of hosts(5), which its containers have as `/etc/hosts`.
//!
//! It stays the same file, since they have it mounted; a name is a line of fixed length. A line is changed such that whoever
//! reads meanwhile finds it whole or as a comment: its first byte is written last, and `#` first.

use std::fs::{self, File};
use std::net::IpAddr;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::record::{Record, link_name, locked, trouble};
use crate::error::Error;
use crate::host::Maker;

const LINE: usize = 128;
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
        let lines =
            names.iter().flat_map(|name| addresses.iter().map(move |address| format!("{address}\t{name}")));
        let lines: Vec<String> = lines.collect();
        let maker = Maker::this();
        let mark = format!("\t#{:x}-{}-{:x}", maker.namespace, maker.pid, maker.started);
        let path = record.file("hosts")?;
        let file = locked(&path)?;
        let failed = |error: std::io::Error| trouble("write", &path, &error);
        let text = fs::read(&path).map_err(failed)?;
        let there: Vec<&[u8]> = text.chunks(LINE).collect();
        // Those of containers that are gone without having taken their names out.
        let mut makers = Vec::new();
        for (place, _) in there.iter().enumerate().filter(|(_, line)| is_left(line, &mut makers)) {
            file.write_all_at(b"#", (place * LINE) as u64).map_err(failed)?;
        }
        let after = there.len()..;
        let free: Vec<usize> = there
            .iter()
            .enumerate()
            .filter(|(_, line)| line.first() == Some(&b'#'))
            .map(|(place, _)| place)
            .collect();
        let places = free.into_iter().chain(after);
        for (line, place) in lines.iter().zip(places) {
            let bytes = padded(&format!("{line}{mark}"));
            let at = (place * LINE) as u64;
            if place < there.len() {
                file.write_all_at(&bytes[1..], at + 1)
                    .and_then(|()| file.write_all_at(&bytes[..1], at))
                    .map_err(failed)?;
            } else {
                file.write_all_at(&bytes, at).map_err(failed)?;
            }
        }
        Ok(Self { record: record.clone(), lines })
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let Ok(path) = self.record.file("hosts") else { return };
        let _ = take_out(&path, &self.lines);
    }
}

fn take_out(path: &Path, lines: &[String]) -> std::io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let Ok(file) = locked(path) else { return Ok(()) };
    let text = fs::read(path)?;
    let ours = |line: &[u8]| lines.iter().any(|own| line.starts_with(own.as_bytes()));
    for (place, _) in text.chunks(LINE).enumerate().filter(|(_, line)| ours(line)) {
        File::write_all_at(&file, b"#", (place * LINE) as u64)?;
    }
    Ok(())
}

/// Whether a line's container is gone: its maker is, and its link is not there either.
fn is_left(line: &[u8], known: &mut Vec<(Maker, bool)>) -> bool {
    let Some((address, maker)) = parse(line) else { return false };
    let seen = known.iter().find(|(one, _)| *one == maker).map(|(_, gone)| *gone);
    let gone = seen.unwrap_or_else(|| {
        known.push((maker, maker.is_gone()));
        maker.is_gone()
    });
    let link = |address| Path::new("/sys/class/net").join(link_name(address));
    gone && match address {
        IpAddr::V4(address) => !link(address).exists(),
        IpAddr::V6(_) => true,
    }
}

fn parse(line: &[u8]) -> Option<(IpAddr, Maker)> {
    let text = std::str::from_utf8(line).ok().filter(|text| !text.starts_with('#'))?;
    let (entry, mark) = text.trim_end().split_once('#')?;
    let mut parts = mark.split('-');
    let hexadecimal = |text: &str| u64::from_str_radix(text, 16).ok();
    let maker = Maker {
        namespace: hexadecimal(parts.next()?)?,
        pid: parts.next()?.parse().ok()?,
        started: hexadecimal(parts.next()?)?,
    };
    Some((entry.split_whitespace().next()?.parse().ok()?, maker))
}

fn padded(line: &str) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    bytes.resize(LINE - 1, b' ');
    bytes.push(b'\n');
    bytes
}
