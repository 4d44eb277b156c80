//! Removing the networks of makers that are gone.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::super::Netlink;
use super::Network;
use super::record::{self, Record};
use crate::error::Error;
use crate::namespace::{Kind, Namespace, named};

/// Removes the networks of makers that are gone, where nobody is on them.
pub(super) fn sweep() -> Result<(), Error> {
    if !Record::all()?.iter().any(is_left) {
        return Ok(());
    }
    let _lock = record::hold()?;
    sweep_held()
}

/// The same, by who has the lock.
pub(super) fn sweep_held() -> Result<(), Error> {
    let own = Namespace::current(Kind::Net)?.id();
    for record in Record::all()?.into_iter().filter(is_left) {
        if record.namespace != own {
            // One that was made for an ordinary user is not found without its maker; another one may be swept from there.
            if record.inside.is_some() || !is_used(record.namespace) {
                record.remove()?;
            }
            continue;
        }
        let network = Network { netlink: Netlink::here()?, record, held: None, uplink: None };
        if network.ports()?.is_empty() {
            network.take_down()?;
        }
    }
    Ok(())
}

/// Whether its maker is gone, and was to take it along.
fn is_left(record: &Record) -> bool {
    (!record.persistent || record.inside.is_some()) && record.maker.is_gone()
}

/// Whether a network namespace has a name, or a thread in it.
fn is_used(namespace: u64) -> bool {
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    named(Kind::Net).is_ok_and(|all| all.iter().any(|one| one.id() == namespace))
        || entries(Path::new("/proc"))
            .flat_map(|process| entries(&process.join("task")))
            .any(|thread| fs::metadata(thread.join("ns/net")).is_ok_and(|meta| meta.ino() == namespace))
}
