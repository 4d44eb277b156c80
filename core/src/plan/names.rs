//! The names of flags and values, as the manual pages spell them.

use super::arg::Name;
use crate::spec::CAPABILITIES;

// Each is the crate's own number where it has one, and else libc's.
macro_rules! names {
    ($($(#[$doc:meta])* $table:ident: $($name:ident),+ $(,)?;)+) => {
        $($(#[$doc])* pub(crate) const $table: &[Name] = {
            #[allow(unused_imports, reason = "a table may have names of one of the two alone")]
            use libc::*;
            {
                #[allow(unused_imports, reason = "as above")]
                use crate::sys::abi::*;
                &[$(($name as u64, stringify!($name))),+]
            }
        };)+
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
    /// clone(2)
    CLONE: CLONE_VM, CLONE_VFORK, CLONE_PARENT, CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_CHILD_CLEARTID,
        CLONE_CLEAR_SIGHAND, CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS,
        CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_INTO_CGROUP, SIGCHLD;
    /// netdevice(7), ioctl_tty(2), `linux/pidfd.h`
    IOCTL: SIOCSIFFLAGS, TIOCSPTLCK, TIOCGPTPEER, TIOCSWINSZ, TIOCSCTTY, PIDFD_GET_PID_NAMESPACE;
    /// bpf(2)
    BPF: BPF_PROG_LOAD, BPF_PROG_ATTACH;
    /// fsmount(2), mount_setattr(2)
    MOUNT_ATTR: MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_IDMAP;
    /// open_tree(2)
    OPEN_TREE: OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, AT_RECURSIVE, AT_EMPTY_PATH;
    /// move_mount(2)
    MOVE_MOUNT: MOVE_MOUNT_F_EMPTY_PATH;
    /// mount_setattr(2), fchownat(2)
    AT: AT_EMPTY_PATH, AT_RECURSIVE;
    /// fsopen(2)
    FSOPEN: FSOPEN_CLOEXEC;
    /// fsmount(2)
    FSMOUNT: FSMOUNT_CLOEXEC;
    /// fsconfig(2)
    FSCONFIG: FSCONFIG_SET_STRING, FSCONFIG_SET_FD, FSCONFIG_CMD_CREATE;
    /// close_range(2)
    CLOSE_RANGE: CLOSE_RANGE_CLOEXEC;
}

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
