//! Kernel structures and constants as the kernel's `uapi` headers define them: those that `libc` does not have, and
//! those that init needs too, which has no crates.

/// `struct clone_args` of clone(2), as of Linux 5.7 (88 bytes).
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct CloneArgs {
    pub flags: u64,
    pub pidfd: u64,
    pub child_tid: u64,
    pub parent_tid: u64,
    pub exit_signal: u64,
    pub stack: u64,
    pub stack_size: u64,
    pub tls: u64,
    pub set_tid: u64,
    pub set_tid_size: u64,
    pub cgroup: u64,
}

/// `struct mount_attr` of mount_setattr(2).
#[repr(C)]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MountAttr {
    pub set: u64,
    pub clear: u64,
    pub propagation: u64,
    pub userns_fd: u64,
}

pub(crate) const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
pub(crate) const CLONE_NEWTIME: u64 = 0x80;
pub(crate) const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
pub(crate) const CLONE_VM: u64 = 0x100;
pub(crate) const CLONE_VFORK: u64 = 0x4000;
pub(crate) const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;

pub(crate) const MOUNT_ATTR_RDONLY: u64 = 0x1;
pub(crate) const MOUNT_ATTR_NOSUID: u64 = 0x2;
pub(crate) const MOUNT_ATTR_NODEV: u64 = 0x4;
pub(crate) const MOUNT_ATTR_NOEXEC: u64 = 0x8;
pub(crate) const MOUNT_ATTR_IDMAP: u64 = 0x10_0000;

pub(crate) const FSOPEN_CLOEXEC: u64 = 1;
pub(crate) const FSMOUNT_CLOEXEC: u64 = 1;
pub(crate) const FSCONFIG_SET_STRING: u64 = 1;
pub(crate) const FSCONFIG_SET_FD: u64 = 5;
pub(crate) const FSCONFIG_CMD_CREATE: u64 = 6;

pub(crate) const OPEN_TREE_CLONE: u64 = 1;
pub(crate) const OPEN_TREE_CLOEXEC: u64 = 0o2_000_000;
pub(crate) const AT_RECURSIVE: u64 = 0x8000;
pub(crate) const AT_EMPTY_PATH: u64 = 0x1000;
pub(crate) const MOVE_MOUNT_F_EMPTY_PATH: u64 = 0x4;

/// `_IO(0xFF, 5)` of `linux/pidfd.h`, since Linux 6.11.
pub(crate) const PIDFD_GET_PID_NAMESPACE: u64 = 0xff05;

pub(crate) const BPF_PROG_LOAD: u64 = 5;
pub(crate) const BPF_PROG_ATTACH: u64 = 8;
pub(crate) const BPF_PROG_TYPE_CGROUP_DEVICE: u64 = 15;
pub(crate) const BPF_CGROUP_DEVICE: u64 = 6;

pub(crate) const CLOSE_RANGE_CLOEXEC: u64 = 4;
pub(crate) const LINUX_CAPABILITY_VERSION_3: u32 = 0x2008_0522;

pub(crate) const EINTR: i64 = 4;
pub(crate) const EPIPE: i64 = 32;
pub(crate) const ECHILD: i64 = 10;
pub(crate) const ETIMEDOUT: i64 = 110;
pub(crate) const FUTEX_WAIT: u64 = 0;
pub(crate) const FUTEX_WAKE: u64 = 1;
pub(crate) const F_SETFD: u64 = 2;
pub(crate) const SIGCHLD: u64 = 17;

/// System call numbers, as in `asm/unistd.h`.
#[allow(dead_code, reason = "init makes more of the calls than the core")]
#[cfg(target_arch = "x86_64")]
pub(crate) mod number {
    pub(crate) const READ: i64 = 0;
    pub(crate) const WRITE: i64 = 1;
    pub(crate) const CLOSE: i64 = 3;
    pub(crate) const EXECVEAT: i64 = 322;
    pub(crate) const CLONE: i64 = 56;
    pub(crate) const CLONE3: i64 = 435;
    pub(crate) const EXIT_GROUP: i64 = 231;
    pub(crate) const FCNTL: i64 = 72;
    pub(crate) const FUTEX: i64 = 202;
    pub(crate) const WAITID: i64 = 247;
    pub(crate) const PIDFD_OPEN: i64 = 434;
    pub(crate) const MMAP: i64 = 9;
    pub(crate) const CLOSE_RANGE: i64 = 436;
    pub(crate) const CAPSET: i64 = 126;
    pub(crate) const WAIT4: i64 = 61;
    pub(crate) const PPOLL: i64 = 271;
    pub(crate) const KILL: i64 = 62;
    pub(crate) const SIGNALFD4: i64 = 289;
    pub(crate) const SETSID: i64 = 112;
    pub(crate) const PREAD64: i64 = 17;
    pub(crate) const SOCKET: i64 = 41;
    pub(crate) const CONNECT: i64 = 42;
    pub(crate) const SENDTO: i64 = 44;
    pub(crate) const RECVFROM: i64 = 45;
    pub(crate) const CLOCK_GETTIME: i64 = 228;
    pub(crate) const GETRANDOM: i64 = 318;
}

/// System call numbers, as in `asm/unistd.h`.
#[allow(dead_code, reason = "init makes more of the calls than the core")]
#[cfg(target_arch = "aarch64")]
pub(crate) mod number {
    pub(crate) const READ: i64 = 63;
    pub(crate) const WRITE: i64 = 64;
    pub(crate) const CLOSE: i64 = 57;
    pub(crate) const EXECVEAT: i64 = 281;
    pub(crate) const CLONE: i64 = 220;
    pub(crate) const CLONE3: i64 = 435;
    pub(crate) const EXIT_GROUP: i64 = 94;
    pub(crate) const FCNTL: i64 = 25;
    pub(crate) const FUTEX: i64 = 98;
    pub(crate) const WAITID: i64 = 95;
    pub(crate) const PIDFD_OPEN: i64 = 434;
    pub(crate) const MMAP: i64 = 222;
    pub(crate) const CLOSE_RANGE: i64 = 436;
    pub(crate) const CAPSET: i64 = 91;
    pub(crate) const WAIT4: i64 = 260;
    pub(crate) const PPOLL: i64 = 73;
    pub(crate) const KILL: i64 = 129;
    pub(crate) const SIGNALFD4: i64 = 74;
    pub(crate) const SETSID: i64 = 157;
    pub(crate) const PREAD64: i64 = 67;
    pub(crate) const SOCKET: i64 = 198;
    pub(crate) const CONNECT: i64 = 203;
    pub(crate) const SENDTO: i64 = 206;
    pub(crate) const RECVFROM: i64 = 207;
    pub(crate) const CLOCK_GETTIME: i64 = 113;
    pub(crate) const GETRANDOM: i64 = 278;
}
