//! The system calls that steps are made of, with their final arguments.

use std::net::{IpAddr, SocketAddrV4};

use super::arg::{Arg, Fd, Message, Record, Slot, Text};
use super::names;
use crate::sys::abi;
use crate::sys::step::SERVERS;

/// One kernel operation. Each variant is the system call of the same name; see its manual page.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields are the arguments of the manual pages")]
pub enum Call {
    // Descriptors and files.
    Open {
        dir: Fd,
        path: Text,
        flags: u64,
        mode: u32,
        keep: Slot,
    },
    Close {
        fd: Fd,
    },
    Pipe {
        read: Slot,
        write: Slot,
    },
    Read {
        fd: Fd,
        len: usize,
    },
    Write {
        fd: Fd,
        data: Text,
    },
    /// pread(2) of what was written, from the beginning: the kernel may have rounded it.
    ReadBack {
        fd: Fd,
        len: usize,
    },
    /// `F_DUPFD_CLOEXEC`, at 3 or above.
    Duplicate {
        fd: Fd,
        keep: Slot,
    },
    Dup3 {
        from: Fd,
        to: i32,
    },
    CloseRange {
        first: u32,
        last: u32,
    },
    Mkdir {
        dir: Fd,
        path: Text,
        mode: u32,
    },
    Rmdir {
        path: Text,
    },
    /// bpf(2): a program that decides on devices.
    LoadDeviceFilter {
        instructions: Vec<u64>,
        keep: Slot,
    },
    /// bpf(2): puts it on a cgroup, with which it stays.
    AttachDeviceFilter {
        cgroup: Slot,
        program: Slot,
    },
    Chmod {
        dir: Fd,
        path: Text,
        mode: u32,
    },
    Chown {
        dir: Fd,
        path: Text,
        user: u32,
        group: u32,
        flags: u64,
    },
    Mknod {
        dir: Fd,
        path: Text,
        mode: u32,
        device: (u32, u32),
    },
    Symlink {
        target: Text,
        dir: Fd,
        path: Text,
    },
    // Mounts.
    Mount {
        source: Option<Text>,
        target: Text,
        kind: Option<Text>,
        flags: u64,
        data: Option<Text>,
    },
    Umount {
        target: Text,
        flags: u64,
    },
    PivotRoot {
        new: Text,
        old: Text,
    },
    Chroot {
        path: Text,
    },
    Chdir {
        path: Text,
    },
    Fchdir {
        fd: Fd,
    },
    Fsopen {
        kind: &'static str,
        keep: Slot,
    },
    FsconfigString {
        fd: Fd,
        key: &'static str,
        value: Text,
    },
    FsconfigFd {
        fd: Fd,
        key: &'static str,
        value: Fd,
    },
    FsconfigCreate {
        fd: Fd,
    },
    Fsmount {
        fd: Fd,
        attributes: u64,
        keep: Slot,
    },
    OpenTree {
        dir: Fd,
        path: Text,
        flags: u64,
        keep: Slot,
    },
    MoveMount {
        from: Fd,
        dir: Fd,
        target: Text,
    },
    MountSetattr {
        dir: Fd,
        path: Text,
        flags: u64,
        set: u64,
        clear: u64,
        userns: Option<Slot>,
    },
    // Processes and namespaces.
    /// clone3(2), or clone(2) where a host's filter knows no clone3.
    Clone {
        clone3: bool,
        flags: u64,
        pid: Slot,
        pidfd: Option<Slot>,
        /// The directory of the cgroup that it begins in: `CLONE_INTO_CGROUP`.
        cgroup: Option<Slot>,
        /// What the process that makes it does then.
        maker: Maker,
    },
    Unshare {
        flags: u64,
    },
    Setns {
        fd: Fd,
        flags: u64,
    },
    /// `PIDFD_GET_PID_NAMESPACE`: a descriptor of the process's PID namespace.
    OpenPidNamespace {
        pidfd: Slot,
        keep: Slot,
    },
    Sethostname {
        name: Text,
    },
    Setdomainname {
        name: Text,
    },
    Socket {
        family: u32,
        kind: u32,
        protocol: u32,
        keep: Slot,
    },
    Bind {
        fd: Fd,
        address: SocketAddrV4,
    },
    /// sendto(2) of messages to the kernel: netlink(7).
    NetlinkSend {
        fd: Fd,
        message: Message,
    },
    /// recvfrom(2) of the kernel's answer; a refusal in it is the step's failure.
    NetlinkAnswer {
        fd: Fd,
    },
    InterfaceUp {
        fd: Fd,
        name: &'static str,
    },
    /// Sleeps until the child left the caller's memory, by execve or at its end: futex(2) on the word of
    /// CLONE_CHILD_CLEARTID.
    AwaitExec,
    /// Sleeps until the program was executed, or the processes of the start have ended: the same, in the block.
    AwaitProgram {
        first: Slot,
        second: Option<Slot>,
    },
    /// The container's side tells the caller how far it is: futex(2).
    Ready {
        state: u32,
    },
    /// Sleeps until it says so: futex(2).
    AwaitReady {
        first: Slot,
        state: u32,
    },
    // Init.
    PidfdOpen {
        pid: Slot,
        keep: Slot,
    },
    /// `F_SETFD`: whether a descriptor is closed by execve.
    CloseOnExec {
        fd: Fd,
        on: bool,
    },
    /// execveat(2) of init, which goes on with the step `next`; the slot holds the block's descriptor.
    EnterInit {
        init: Slot,
        block: Slot,
        next: usize,
    },
    /// mmap(2) of the block, the first thing that init does.
    MapBlock {
        block: Slot,
    },
    /// `PR_SET_NAME`: what the process is called in `/proc/PID/comm`.
    ProcessName {
        name: &'static str,
    },
    /// `PR_SET_DUMPABLE`: off, nobody may trace this process, or see its memory and descriptors.
    Dumpable(bool),
    // Identity and limits.
    Setsid,
    // Terminals.
    SocketPair {
        first: Slot,
        second: Slot,
    },
    /// `TIOCSPTLCK`: lets the other end of a new terminal be opened.
    UnlockTerminal {
        master: Slot,
    },
    /// `TIOCGPTPEER`: the other end of a new terminal.
    OpenPeer {
        master: Slot,
        keep: Slot,
    },
    /// `TIOCSWINSZ`.
    WindowSize {
        fd: Slot,
        rows: u16,
        columns: u16,
    },
    /// `TIOCSCTTY`: makes a terminal that of the session.
    ControllingTerminal {
        fd: Slot,
    },
    /// sendmsg(2) of a descriptor.
    SendFd {
        socket: Slot,
        fd: Slot,
    },
    /// recvmsg(2) of a descriptor.
    ReceiveFd {
        socket: Slot,
        keep: Slot,
    },
    Setpgid {
        group: i32,
    },
    /// `KEYCTL_JOIN_SESSION_KEYRING`, without a name.
    NewKeyring,
    Setgroups {
        groups: Vec<u32>,
    },
    Setresgid {
        id: u32,
    },
    Setresuid {
        id: u32,
    },
    DropBounding {
        capability: u32,
    },
    Capset {
        mask: u64,
    },
    NoNewPrivs,
    Prlimit {
        resource: u32,
        soft: u64,
        hard: u64,
    },
    Umask {
        mask: u32,
    },
    DefaultSignal {
        signal: i32,
    },
    UnblockSignals,
    Execve {
        path: String,
        argv: Vec<String>,
        envp: Vec<String>,
    },
}

/// What the process does that made another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// It is the caller, and goes on with its own steps.
    Caller,
    /// It was there to join namespaces, and ends.
    Joiner,
    /// It stays as init; it ends with the process that the slot holds a descriptor of.
    Init {
        /// The owner's descriptor; without one, the container outlives its creator.
        owner: Option<Slot>,
        /// What it answers the container's questions for names with.
        resolver: Option<Resolver>,
    },
}

/// What init answers questions for names with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolver {
    /// The bound socket.
    pub socket: Slot,
    /// The file with the names.
    pub hosts: Slot,
    /// The servers for all else.
    pub servers: [Option<IpAddr>; SERVERS],
}

/// A call's name, number and arguments.
pub(crate) struct Signature<'a> {
    pub name: &'static str,
    pub number: i64,
    pub args: [Option<Arg<'a>>; 6],
    /// Where the result goes.
    pub keep: Option<Slot>,
}

impl Call {
    /// The system call's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.signature().name
    }

    /// The name, number and arguments: the one place that says how a call is made. Lowering and showing read it.
    #[rustfmt::skip]
    pub(crate) fn signature(&self) -> Signature<'_> {
        use Arg::{Counted, Device, Flags, Ids, Int, Null, Octal, One, Pair, Room, Strings};
        let fd = |fd: &Fd| Arg::Fd(*fd);
        let slot = |slot: &Slot| Arg::Fd(Fd::Slot(*slot));
        let text = Arg::Text;
        match self {
            Self::Open { dir, path, flags, mode, keep } => call("openat", libc::SYS_openat, [fd(dir), text(path), Flags(*flags, names::OPEN), Octal(*mode)]).keep(*keep),
            Self::Close { fd: it } => call("close", libc::SYS_close, [fd(it)]),
            Self::Pipe { read, write } => call("pipe2", libc::SYS_pipe2, [Pair(*read, *write), Flags(libc::O_CLOEXEC as u64, names::PIPE)]),
            Self::Read { fd: it, len } => call("read", libc::SYS_read, [fd(it), Room(*len), Int(*len as i64)]),
            Self::Write { fd: it, data } => call("write", libc::SYS_write, [fd(it), text(data), length(data)]),
            Self::ReadBack { fd: it, len } => call("pread64", libc::SYS_pread64, [fd(it), Room(*len), Int(*len as i64), Int(0)]),
            Self::Duplicate { fd: it, keep } => call("fcntl", libc::SYS_fcntl, [fd(it), One(libc::F_DUPFD_CLOEXEC as u64, names::FCNTL), Int(3)]).keep(*keep),
            Self::Dup3 { from, to } => call("dup3", libc::SYS_dup3, [fd(from), Int(i64::from(*to)), Int(0)]),
            Self::CloseRange { first, last } => call("close_range", libc::SYS_close_range, [Int(i64::from(*first)), Int(i64::from(*last)), Flags(abi::CLOSE_RANGE_CLOEXEC, names::CLOSE_RANGE)]),
            Self::Mkdir { dir, path, mode } => call("mkdirat", libc::SYS_mkdirat, [fd(dir), text(path), Octal(*mode)]),
            Self::Rmdir { path } => call("unlinkat", libc::SYS_unlinkat, [Arg::Fd(Fd::Cwd), text(path), Flags(libc::AT_REMOVEDIR as u64, names::UNLINK)]),
            Self::LoadDeviceFilter { instructions, keep } => call("bpf", libc::SYS_bpf, [One(abi::BPF_PROG_LOAD, names::BPF), Arg::Bpf(instructions), Int(48)]).keep(*keep),
            Self::AttachDeviceFilter { cgroup, program } => call("bpf", libc::SYS_bpf, [One(abi::BPF_PROG_ATTACH, names::BPF), Arg::Record(Record::BpfAttach { cgroup: *cgroup, program: *program }), Int(24)]),
            Self::Chmod { dir, path, mode } => call("fchmodat", libc::SYS_fchmodat, [fd(dir), text(path), Octal(*mode)]),
            Self::Chown { dir, path, user, group, flags } => call("fchownat", libc::SYS_fchownat, [fd(dir), text(path), Int(i64::from(*user)), Int(i64::from(*group)), Flags(*flags, names::AT)]),
            Self::Mknod { dir, path, mode, device } => call("mknodat", libc::SYS_mknodat, [fd(dir), text(path), Octal(*mode), Device(device.0, device.1)]),
            Self::Symlink { target, dir, path } => call("symlinkat", libc::SYS_symlinkat, [text(target), fd(dir), text(path)]),
            Self::Mount { source, target, kind, flags, data } => call("mount", libc::SYS_mount, [optional(source), text(target), optional(kind), Flags(*flags, names::MOUNT), optional(data)]),
            Self::Umount { target, flags } => call("umount2", libc::SYS_umount2, [text(target), Flags(*flags, names::UMOUNT)]),
            Self::PivotRoot { new, old } => call("pivot_root", libc::SYS_pivot_root, [text(new), text(old)]),
            Self::Chroot { path } => call("chroot", libc::SYS_chroot, [text(path)]),
            Self::Chdir { path } => call("chdir", libc::SYS_chdir, [text(path)]),
            Self::Fchdir { fd: it } => call("fchdir", libc::SYS_fchdir, [fd(it)]),
            Self::Fsopen { kind, keep } => call("fsopen", libc::SYS_fsopen, [Arg::Str(kind), Flags(abi::FSOPEN_CLOEXEC, names::FSOPEN)]).keep(*keep),
            Self::FsconfigString { fd: it, key, value } => call("fsconfig", libc::SYS_fsconfig, [fd(it), One(abi::FSCONFIG_SET_STRING, names::FSCONFIG), Arg::Str(key), text(value), Int(0)]),
            Self::FsconfigFd { fd: it, key, value } => call("fsconfig", libc::SYS_fsconfig, [fd(it), One(abi::FSCONFIG_SET_FD, names::FSCONFIG), Arg::Str(key), Null, fd(value)]),
            Self::FsconfigCreate { fd: it } => call("fsconfig", libc::SYS_fsconfig, [fd(it), One(abi::FSCONFIG_CMD_CREATE, names::FSCONFIG), Null, Null, Int(0)]),
            Self::Fsmount { fd: it, attributes, keep } => call("fsmount", libc::SYS_fsmount, [fd(it), Flags(abi::FSMOUNT_CLOEXEC, names::FSMOUNT), Flags(*attributes, names::MOUNT_ATTR)]).keep(*keep),
            Self::OpenTree { dir, path, flags, keep } => call("open_tree", libc::SYS_open_tree, [fd(dir), text(path), Flags(*flags, names::OPEN_TREE)]).keep(*keep),
            Self::MoveMount { from, dir, target } => call("move_mount", libc::SYS_move_mount, [fd(from), Arg::Str(""), fd(dir), text(target), Flags(abi::MOVE_MOUNT_F_EMPTY_PATH, names::MOVE_MOUNT)]),
            Self::MountSetattr { dir, path, flags, set, clear, userns } => {
                let attr = Record::MountAttr { set: *set, clear: *clear, propagation: 0, userns: *userns };
                call("mount_setattr", libc::SYS_mount_setattr, [fd(dir), text(path), Flags(*flags, names::AT), Arg::Record(attr), Int(32)])
            }
            Self::Clone { clone3, flags, maker, cgroup, .. } => {
                // As clone(2) takes it: flags and the exit signal, which only init's child has.
                let signal = if matches!(maker, Maker::Init { .. }) { libc::SIGCHLD as u64 } else { 0 };
                let (name, number) = if *clone3 { ("clone3", libc::SYS_clone3) } else { ("clone", libc::SYS_clone) };
                let flags = Flags(*flags | signal, names::CLONE);
                match cgroup {
                    Some(cgroup) => call(name, number, [flags, slot(cgroup)]),
                    None => call(name, number, [flags]),
                }
            }
            Self::Unshare { flags } => call("unshare", libc::SYS_unshare, [Flags(*flags, names::CLONE)]),
            Self::Setns { fd: it, flags } => call("setns", libc::SYS_setns, [fd(it), Flags(*flags, names::CLONE)]),
            Self::OpenPidNamespace { pidfd, keep } => call("ioctl", libc::SYS_ioctl, [slot(pidfd), One(abi::PIDFD_GET_PID_NAMESPACE, names::IOCTL), Int(0)]).keep(*keep),
            Self::Sethostname { name } => call("sethostname", libc::SYS_sethostname, [text(name), length(name)]),
            Self::Setdomainname { name } => call("setdomainname", libc::SYS_setdomainname, [text(name), length(name)]),
            Self::Socket { family, kind, protocol, keep } => call("socket", libc::SYS_socket, [One(u64::from(*family), names::FAMILY), Flags(u64::from(*kind), names::SOCKET), Int(i64::from(*protocol))]).keep(*keep),
            Self::Bind { fd: it, address } => call("bind", libc::SYS_bind, [fd(it), Arg::Record(Record::Address(*address)), Int(16)]),
            Self::NetlinkSend { fd: it, message } => call("sendto", libc::SYS_sendto, [fd(it), Arg::Netlink(message), Int(message.bytes.len() as i64), Int(0), Null, Int(0)]),
            Self::NetlinkAnswer { fd: it } => call("recvfrom", libc::SYS_recvfrom, [fd(it), Room(ANSWER), Int(ANSWER as i64), Int(0), Null, Null]),
            Self::InterfaceUp { fd: it, name } => {
                let request = Record::Interface { name, flags: (libc::IFF_UP | libc::IFF_RUNNING) as u16 };
                call("ioctl", libc::SYS_ioctl, [fd(it), One(libc::SIOCSIFFLAGS, names::IOCTL), Arg::Record(request)])
            }
            Self::AwaitExec | Self::AwaitProgram { .. } | Self::AwaitReady { .. } => call("futex", libc::SYS_futex, [One(libc::FUTEX_WAIT as u64, names::FUTEX)]),
            Self::Ready { .. } => call("futex", libc::SYS_futex, [One(libc::FUTEX_WAKE as u64, names::FUTEX)]),
            Self::PidfdOpen { pid, keep } => call("pidfd_open", libc::SYS_pidfd_open, [Arg::Fd(Fd::Slot(*pid)), Int(0)]).keep(*keep),
            Self::CloseOnExec { fd: it, on } => call("fcntl", libc::SYS_fcntl, [fd(it), One(libc::F_SETFD as u64, names::FCNTL), Flags(u64::from(*on), names::FD)]),
            Self::EnterInit { init, block, next } => call("execveat", libc::SYS_execveat, [Arg::Fd(Fd::Slot(*init)), Arg::Str(""), Arg::Init(*block, *next), Counted(&[]), Flags(abi::AT_EMPTY_PATH, names::AT)]),
            Self::MapBlock { block } => call("mmap", libc::SYS_mmap, [Null, Int(crate::sys::memory::BLOCK_SPACE as i64), Flags((libc::PROT_READ | libc::PROT_WRITE) as u64, names::PROT), Flags(libc::MAP_SHARED as u64, names::MAP), Arg::Fd(Fd::Slot(*block)), Int(0)]),
            Self::ProcessName { name } => call("prctl", libc::SYS_prctl, [One(libc::PR_SET_NAME as u64, names::PRCTL), Arg::Str(name)]),
            Self::Dumpable(on) => call("prctl", libc::SYS_prctl, [One(libc::PR_SET_DUMPABLE as u64, names::PRCTL), Int(i64::from(*on))]),
            Self::NewKeyring => call("keyctl", libc::SYS_keyctl, [One(u64::from(libc::KEYCTL_JOIN_SESSION_KEYRING), names::KEYCTL), Null]),
            Self::SocketPair { first, second } => call("socketpair", libc::SYS_socketpair, [One(libc::AF_UNIX as u64, names::FAMILY), Flags((libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC) as u64, names::SOCKET), Int(0), Pair(*first, *second)]),
            Self::UnlockTerminal { master } => call("ioctl", libc::SYS_ioctl, [slot(master), One(libc::TIOCSPTLCK, names::IOCTL), Arg::Record(Record::Zero)]),
            Self::OpenPeer { master, keep } => {
                let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
                call("ioctl", libc::SYS_ioctl, [slot(master), One(libc::TIOCGPTPEER, names::IOCTL), Flags(flags as u64, names::OPEN)]).keep(*keep)
            }
            Self::WindowSize { fd, rows, columns } => {
                let size = Record::WindowSize { rows: *rows, columns: *columns };
                call("ioctl", libc::SYS_ioctl, [slot(fd), One(libc::TIOCSWINSZ, names::IOCTL), Arg::Record(size)])
            }
            Self::ControllingTerminal { fd } => call("ioctl", libc::SYS_ioctl, [slot(fd), One(libc::TIOCSCTTY, names::IOCTL), Int(0)]),
            Self::SendFd { socket, fd } => call("sendmsg", libc::SYS_sendmsg, [slot(socket), Arg::SentFd(*fd), Flags(libc::MSG_NOSIGNAL as u64, names::MSG)]),
            Self::ReceiveFd { socket, keep } => call("recvmsg", libc::SYS_recvmsg, [slot(socket), Arg::ReceivedFd(*keep), Flags(libc::MSG_CMSG_CLOEXEC as u64, names::MSG)]).keep(*keep),
            Self::Setpgid { group } => call("setpgid", libc::SYS_setpgid, [Int(0), Int(i64::from(*group))]),
            Self::Setsid => call("setsid", libc::SYS_setsid, []),
            Self::Setgroups { groups } => call("setgroups", libc::SYS_setgroups, [Int(groups.len() as i64), Ids(groups)]),
            Self::Setresgid { id } => call("setresgid", libc::SYS_setresgid, [Int(i64::from(*id)); 3]),
            Self::Setresuid { id } => call("setresuid", libc::SYS_setresuid, [Int(i64::from(*id)); 3]),
            Self::DropBounding { capability } => call("prctl", libc::SYS_prctl, [One(libc::PR_CAPBSET_DROP as u64, names::PRCTL), Arg::One(u64::from(*capability), &names::CAPABILITY)]),
            Self::Capset { mask } => call("capset", libc::SYS_capset, [Arg::Record(Record::CapHeader), Arg::Record(Record::Capabilities(*mask))]),
            Self::NoNewPrivs => call("prctl", libc::SYS_prctl, [One(libc::PR_SET_NO_NEW_PRIVS as u64, names::PRCTL), Int(1), Int(0), Int(0), Int(0)]),
            Self::Prlimit { resource, soft, hard } => call("prlimit64", libc::SYS_prlimit64, [Int(0), One(u64::from(*resource), names::RLIMIT), Arg::Record(Record::Limit { soft: *soft, hard: *hard }), Null]),
            Self::Umask { mask } => call("umask", libc::SYS_umask, [Octal(*mask)]),
            Self::DefaultSignal { signal } => call("rt_sigaction", libc::SYS_rt_sigaction, [One(*signal as u64, names::SIGNAL), Arg::Record(Record::DefaultAction), Null, Int(8)]),
            Self::UnblockSignals => call("rt_sigprocmask", libc::SYS_rt_sigprocmask, [One(libc::SIG_SETMASK as u64, names::SIGMASK), Arg::Record(Record::Signals(0)), Null, Int(8)]),
            Self::Execve { path, argv, envp } => call("execve", libc::SYS_execve, [Arg::Str(path), Strings(argv), Counted(envp)]),
        }
    }
}

/// Room for an answer of netlink(7), which repeats what was asked.
const ANSWER: usize = 2048;

impl Signature<'_> {
    fn keep(mut self, slot: Slot) -> Self {
        self.keep = Some(slot);
        self
    }
}

fn call<'a, const N: usize>(name: &'static str, number: i64, given: [Arg<'a>; N]) -> Signature<'a> {
    let mut args = [None; 6];
    for (place, arg) in args.iter_mut().zip(given) {
        *place = Some(arg);
    }
    Signature { name, number, args, keep: None }
}

/// The length of a string that is given with one.
fn length(text: &Text) -> Arg<'static> {
    match text {
        Text::Plain(text) => Arg::Int(text.len() as i64),
        Text::Slotted(_) => Arg::Int(0),
    }
}

/// A string, or NULL.
fn optional(text: &Option<Text>) -> Arg<'_> {
    text.as_ref().map_or(Arg::Null, Arg::Text)
}
