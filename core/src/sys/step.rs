//! A prepared step: a system call whose arguments are numbers and places, for [`super::walk`] to perform.
//!
//! The layouts are fixed (`repr(C)`), because init, which is compiled apart, walks the steps that the core prepared.

/// Which side of the clone performs a step.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The calling thread.
    Caller,
    /// The new process, between clone and exec.
    Container,
}

/// One argument of a prepared call.
#[repr(C, u8)]
#[derive(Debug, Clone, Copy)]
pub(crate) enum RawArg {
    /// A number.
    Value(u64),
    /// The address of something in the program's data.
    Data(u32),
    /// What an earlier step left in a slot (a descriptor, a process id).
    Slot(u32),
    /// The address of data into which a slot's number is written first; here is the [`Patch`] that says how.
    Patched(u32),
}

/// How a slot's number is written into data: as four or eight bytes (`mount_attr.userns_fd`), or, where there is a tail,
/// as decimal digits and the tail (`/proc/self/fd/7/upper`).
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patch {
    /// The argument.
    pub data: u32,
    /// Where the number goes.
    pub at: u32,
    pub slot: u32,
    /// Where the tail is; of a number, how many bytes it has.
    pub tail: u32,
    /// Bytes of the tail with its NUL; zero for a number.
    pub tail_len: u32,
    /// Where the next patch of the same data is; [`NO_PATCH`] for none.
    pub next: u32,
}

/// No patch.
pub(crate) const NO_PATCH: u32 = u32::MAX;

/// What is kept of a call's result.
#[repr(C, u8)]
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    Nothing,
    /// The result, in a slot.
    Result(u16),
    /// The two descriptors that the kernel wrote at `data`.
    Pair {
        first: u16,
        second: u16,
        data: u32,
    },
    /// The descriptor that the kernel wrote at `data`.
    Written {
        slot: u16,
        data: u32,
    },
}

/// The ways to make a process.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawClone {
    pub flags: u64,
    pub pid: u16,
    /// Where its descriptor goes; [`NO_SLOT`] for nowhere.
    pub pidfd: u16,
    /// The directory of the cgroup that it begins in; [`NO_SLOT`] for that of its maker.
    pub cgroup: u16,
    /// `clone3`, or `clone` where a host's filter knows no `clone3`.
    pub clone3: bool,
    /// What the maker does then.
    pub then: Then,
    /// The descriptor of the process at whose end the maker ends, too; [`NO_SLOT`] for none.
    pub owner: u16,
    /// Where in the data a [`RawResolver`] is, with which the maker answers questions for names; [`NO_RESOLVER`] for none.
    pub resolver: u32,
}

/// No slot.
pub(crate) const NO_SLOT: u16 = u16::MAX;

/// No resolver.
pub(crate) const NO_RESOLVER: u32 = u32::MAX;

/// How many servers a resolver asks at most: as many as resolv.conf(5) may name.
pub(crate) const SERVERS: usize = 3;

/// What the process that stays answers questions for names with.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawResolver {
    /// The socket that the questions come to.
    pub socket: u16,
    /// The file with the names.
    pub hosts: u16,
    /// How many servers there are for all else.
    pub count: u32,
    pub servers: [RawAddress; SERVERS],
}

/// `struct sockaddr_in` or `struct sockaddr_in6`, of `len` bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawAddress {
    pub len: u32,
    pub bytes: [u8; 28],
}

/// What a process of the container's side does after it made another.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It ends: it was there to join namespaces.
    End,
    /// It stays, as the container's init.
    Stay,
}

/// What a step asks of the kernel.
#[repr(C, u8)]
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    Call {
        number: i64,
        args: [RawArg; 6],
    },
    /// execveat(2) of init, after which init walks on.
    EnterInit {
        args: [RawArg; 6],
    },
    /// mmap(2) of the block: done by init as it begins, before it can read this.
    MapBlock,
    Clone(RawClone),
    /// Sleep until the child no longer uses the caller's memory: it executed something, or ended.
    AwaitExec,
    /// Sleep until the program is executed, or every process of the start has ended; the slots hold their ids.
    AwaitProgram {
        first: u16,
        second: u16,
    },
    /// Tell the caller how far the container's side is.
    Ready {
        state: u32,
    },
    /// Sleep until it is that far, or the joiner ended; the slot holds its id.
    AwaitReady {
        first: u16,
        state: u32,
    },
}

/// What an answer that is no error must be.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expects {
    Anything,
    /// More than zero: end of file comes where a byte was due.
    More,
    /// A message of netlink(7), in the second argument, that does not refuse.
    Consent,
}

/// How many errno values a step can tolerate.
pub(crate) const TOLERATED: usize = 4;

/// A prepared step.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawStep {
    pub ask: Ask,
    pub keep: Keep,
    /// The errno values after which the walk goes on; unused places are zero.
    pub tolerated: [u8; TOLERATED],
    /// Whether the walk goes on after every failure.
    pub tolerant: bool,
    pub side: Side,
    pub expects: Expects,
}

impl RawStep {
    /// Whether the walk goes on after `errno`.
    pub(crate) fn tolerates(&self, errno: i32) -> bool {
        let [a, b, c, d] = self.tolerated;
        let errno = errno as u8;
        self.tolerant || a == errno || b == errno || c == errno || d == errno
    }
}

/// What happened to a step: written by whoever performs it, read by the caller.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Record {
    /// CLOCK_MONOTONIC nanoseconds; zero while not begun.
    pub begun: u64,
    /// Zero while not ended.
    pub ended: u64,
    /// The kernel's answer: a value or `-errno`.
    pub result: i64,
}
