//! Kernel structures and constants that `libc` does not have, as the kernel's `uapi` headers define them.

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

pub(crate) const MOUNT_ATTR_RDONLY: u64 = 0x1;
pub(crate) const MOUNT_ATTR_NOSUID: u64 = 0x2;
pub(crate) const MOUNT_ATTR_NODEV: u64 = 0x4;
pub(crate) const MOUNT_ATTR_NOEXEC: u64 = 0x8;
pub(crate) const MOUNT_ATTR_IDMAP: u64 = 0x10_0000;

pub(crate) const FSOPEN_CLOEXEC: u64 = 1;
pub(crate) const FSMOUNT_CLOEXEC: u64 = 1;
pub(crate) const FSCONFIG_SET_FLAG: u64 = 0;
pub(crate) const FSCONFIG_SET_STRING: u64 = 1;
pub(crate) const FSCONFIG_CMD_CREATE: u64 = 6;

pub(crate) const OPEN_TREE_CLONE: u64 = 1;
pub(crate) const OPEN_TREE_CLOEXEC: u64 = libc::O_CLOEXEC as u64;
pub(crate) const AT_RECURSIVE: u64 = 0x8000;
pub(crate) const AT_EMPTY_PATH: u64 = 0x1000;
pub(crate) const MOVE_MOUNT_F_EMPTY_PATH: u64 = 0x4;

pub(crate) const CLOSE_RANGE_CLOEXEC: u64 = 4;
pub(crate) const LINUX_CAPABILITY_VERSION_3: u32 = 0x2008_0522;
