//! The caller's mounts as proc_pid_mountinfo(5) has them, read anew only when they have changed.
//!
//! The kernel makes the table anew for each reader, which takes as long as some dozen system calls, and longer the more
//! is mounted. But it tells who has it open of every change, by poll(2). So one descriptor is kept for as long as the
//! process lives. Whoever closes descriptors wholesale may close it, and the number may come to be another's: it is looked
//! at before each use. A copy of the process shares the open file, and so what was told: it opens its own.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, IntoRawFd};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::sys::process::root_mount;

/// A table, and by what it is seen that it still holds.
struct Kept {
    pid: u32,
    /// The mount that is the root, which is in one mount namespace only, and the directory.
    root: (u64, u64),
    file: File,
    /// The device and inode of the file.
    identity: (u64, u64),
    table: Arc<str>,
}

/// The calling thread's mounts as the kernel lists them; empty where it does not.
pub(crate) fn mount_table() -> Arc<str> {
    static KEPT: Mutex<Option<Kept>> = Mutex::new(None);
    // A copy of this process may have been made while a thread that it has not had the lock.
    let (Some(root), Ok(mut kept)) = (root_mount(), KEPT.try_lock()) else {
        return open().map_or_else(|| "".into(), |(_, table)| table);
    };
    let pid = std::process::id();
    if let Some(kept) = kept.as_ref().filter(|kept| kept.pid == pid && kept.root == root && kept.holds()) {
        return Arc::clone(&kept.table);
    }
    if let Some(old) = kept.take().filter(|old| !old.is_there()) {
        // The number is another's now, who closes it.
        let _ = old.file.into_raw_fd();
    }
    let Some((file, table)) = open() else { return "".into() };
    // One kept in a namespace that only this thread is in for a while would keep that alive.
    let namespace = |of: &str| fs::metadata(format!("/proc/{of}/ns/mnt")).map(|meta| meta.ino()).ok();
    let own = namespace("self").filter(|id| namespace("thread-self") == Some(*id));
    if let (Some(_), Some(identity)) = (own, identity(&file)) {
        *kept = Some(Kept { pid, root, file, identity, table: Arc::clone(&table) });
    }
    table
}

impl Kept {
    fn is_there(&self) -> bool {
        identity(&self.file) == Some(self.identity)
    }

    /// Whether nothing was mounted, unmounted or changed since the table was read.
    fn holds(&self) -> bool {
        let mut changed = [PollFd::new(self.file.as_fd(), PollFlags::POLLPRI)];
        self.is_there() && poll(&mut changed, PollTimeout::ZERO) == Ok(0)
    }
}

fn identity(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|meta| (meta.dev(), meta.ino()))
}

fn open() -> Option<(File, Arc<str>)> {
    // The thread's own: it may be in another mount namespace than the process.
    let mut file = fs::File::open("/proc/thread-self/mountinfo").ok()?;
    // One read of a table that the kernel makes anew for each: a buffer that holds most.
    let mut table = String::with_capacity(32 << 10);
    file.read_to_string(&mut table).ok()?;
    Some((file, table.into()))
}

#[cfg(test)]
mod tests {
    use nix::mount::{MntFlags, MsFlags, mount, umount2};
    use nix::sched::{CloneFlags, unshare};

    use super::*;

    #[test]
    fn a_thread_elsewhere_has_its_own() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED a_thread_elsewhere_has_its_own: needs root");
            return;
        }
        let here = mount_table();
        assert!(here.contains(" / "), "{here}");
        std::thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
            let none = None::<&str>;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private");
            let before = mount_table();
            mount(Some("seen"), "/mnt", Some("tmpfs"), MsFlags::empty(), none).expect("mounted");
            let mounted = mount_table();
            assert!(!before.contains("seen") && mounted.contains("- tmpfs seen rw"), "{mounted}");
            umount2("/mnt", MntFlags::MNT_DETACH).expect("unmounted");
            assert!(!mount_table().contains("seen"));
        })
        .join()
        .expect("the thread");
        assert_eq!(mount_table(), here);
    }
}
