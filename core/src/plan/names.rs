//! The names of flags and values, as the manual pages spell them.

use super::arg::Name;
use crate::spec::CAPABILITIES;
use crate::sys::abi;

macro_rules! names {
    ($($(#[$doc:meta])* $table:ident: $($name:ident),+ $(,)?;)+) => {
        $($(#[$doc])* pub(crate) const $table: &[Name] = &[$((libc::$name as u64, stringify!($name))),+];)+
    };
}

names! {
    /// open(2)
    OPEN: O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_CLOEXEC, O_NOCTTY, O_NONBLOCK;
    /// mount(2)
    MOUNT: MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE, MS_PRIVATE;
    /// umount2(2)
    UMOUNT: MNT_DETACH, UMOUNT_NOFOLLOW;
    /// unlink(2)
    UNLINK: AT_REMOVEDIR;
    /// pipe2(2)
    PIPE: O_CLOEXEC;
    /// prctl(2)
    PRCTL: PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE, PR_SET_NAME;
    /// fcntl(2)
    FCNTL: F_DUPFD_CLOEXEC, F_SETFD;
    /// fcntl(2)
    FD: FD_CLOEXEC;
    /// mmap(2)
    PROT: PROT_READ, PROT_WRITE;
    /// mmap(2)
    MAP: MAP_SHARED;
    /// socket(2)
    FAMILY: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET;
    /// socket(2)
    SOCKET: SOCK_SEQPACKET, SOCK_RAW, SOCK_DGRAM, SOCK_STREAM, SOCK_CLOEXEC, SOCK_NONBLOCK;
    /// send(2), recv(2)
    MSG: MSG_NOSIGNAL, MSG_CMSG_CLOEXEC;
    /// netdevice(7)
    INTERFACE: IFF_UP, IFF_RUNNING;
    /// sigprocmask(2)
    SIGMASK: SIG_SETMASK;
    /// getrlimit(2)
    RLIMIT: RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_LOCKS, RLIMIT_MEMLOCK,
        RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RSS, RLIMIT_RTPRIO, RLIMIT_RTTIME,
        RLIMIT_SIGPENDING, RLIMIT_STACK;
    /// signal(7)
    SIGNAL: SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,
        SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGXCPU,
        SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS;
    /// keyctl(2)
    KEYCTL: KEYCTL_JOIN_SESSION_KEYRING;
    /// futex(2)
    FUTEX: FUTEX_WAIT, FUTEX_WAKE;
}

/// clone(2)
pub(crate) const CLONE: &[Name] = &[
    (libc::CLONE_VM as u64, "CLONE_VM"),
    (libc::CLONE_VFORK as u64, "CLONE_VFORK"),
    (libc::CLONE_PARENT as u64, "CLONE_PARENT"),
    (libc::CLONE_PARENT_SETTID as u64, "CLONE_PARENT_SETTID"),
    (libc::CLONE_PIDFD as u64, "CLONE_PIDFD"),
    (libc::CLONE_CHILD_CLEARTID as u64, "CLONE_CHILD_CLEARTID"),
    (abi::CLONE_CLEAR_SIGHAND, "CLONE_CLEAR_SIGHAND"),
    (libc::CLONE_NEWUSER as u64, "CLONE_NEWUSER"),
    (libc::CLONE_NEWNS as u64, "CLONE_NEWNS"),
    (libc::CLONE_NEWPID as u64, "CLONE_NEWPID"),
    (libc::CLONE_NEWNET as u64, "CLONE_NEWNET"),
    (libc::CLONE_NEWIPC as u64, "CLONE_NEWIPC"),
    (libc::CLONE_NEWUTS as u64, "CLONE_NEWUTS"),
    (libc::CLONE_NEWCGROUP as u64, "CLONE_NEWCGROUP"),
    (abi::CLONE_NEWTIME, "CLONE_NEWTIME"),
    (abi::CLONE_INTO_CGROUP, "CLONE_INTO_CGROUP"),
    (libc::SIGCHLD as u64, "SIGCHLD"),
];

/// netdevice(7), ioctl_tty(2), `linux/pidfd.h`
pub(crate) const IOCTL: &[Name] = &[
    (libc::SIOCSIFFLAGS, "SIOCSIFFLAGS"),
    (libc::TIOCSPTLCK, "TIOCSPTLCK"),
    (libc::TIOCGPTPEER, "TIOCGPTPEER"),
    (libc::TIOCSWINSZ, "TIOCSWINSZ"),
    (libc::TIOCSCTTY, "TIOCSCTTY"),
    (abi::PIDFD_GET_PID_NAMESPACE, "PIDFD_GET_PID_NAMESPACE"),
];

/// bpf(2)
pub(crate) const BPF: &[Name] =
    &[(abi::BPF_PROG_LOAD, "BPF_PROG_LOAD"), (abi::BPF_PROG_ATTACH, "BPF_PROG_ATTACH")];

/// fsmount(2), mount_setattr(2)
pub(crate) const MOUNT_ATTR: &[Name] = &[
    (abi::MOUNT_ATTR_RDONLY, "MOUNT_ATTR_RDONLY"),
    (abi::MOUNT_ATTR_NOSUID, "MOUNT_ATTR_NOSUID"),
    (abi::MOUNT_ATTR_NODEV, "MOUNT_ATTR_NODEV"),
    (abi::MOUNT_ATTR_NOEXEC, "MOUNT_ATTR_NOEXEC"),
    (abi::MOUNT_ATTR_IDMAP, "MOUNT_ATTR_IDMAP"),
];

/// open_tree(2)
pub(crate) const OPEN_TREE: &[Name] = &[
    (abi::OPEN_TREE_CLONE, "OPEN_TREE_CLONE"),
    (abi::OPEN_TREE_CLOEXEC, "OPEN_TREE_CLOEXEC"),
    (abi::AT_RECURSIVE, "AT_RECURSIVE"),
    (abi::AT_EMPTY_PATH, "AT_EMPTY_PATH"),
];

/// move_mount(2)
pub(crate) const MOVE_MOUNT: &[Name] = &[(abi::MOVE_MOUNT_F_EMPTY_PATH, "MOVE_MOUNT_F_EMPTY_PATH")];

/// mount_setattr(2), fchownat(2)
pub(crate) const AT: &[Name] = &[(abi::AT_EMPTY_PATH, "AT_EMPTY_PATH"), (abi::AT_RECURSIVE, "AT_RECURSIVE")];

/// fsopen(2)
pub(crate) const FSOPEN: &[Name] = &[(abi::FSOPEN_CLOEXEC, "FSOPEN_CLOEXEC")];

/// fsmount(2)
pub(crate) const FSMOUNT: &[Name] = &[(abi::FSMOUNT_CLOEXEC, "FSMOUNT_CLOEXEC")];

/// fsconfig(2)
pub(crate) const FSCONFIG: &[Name] = &[
    (abi::FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING"),
    (abi::FSCONFIG_SET_FD, "FSCONFIG_SET_FD"),
    (abi::FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE"),
];

/// close_range(2)
pub(crate) const CLOSE_RANGE: &[Name] = &[(abi::CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC")];

/// capabilities(7)
pub(crate) const CAPABILITY: [Name; CAPABILITIES.len()] = {
    let mut names = [(0, ""); CAPABILITIES.len()];
    let mut n = 0;
    while n < names.len() {
        names[n] = (n as u64, CAPABILITIES[n]);
        n += 1;
    }
    names
};
