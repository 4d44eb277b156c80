//! A prepared list of system calls, in memory that a child can use without asking anyone for more.

use core::sync::atomic::AtomicU32;

/// Which side of the clone performs a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The calling thread.
    Caller,
    /// The new process, between clone and exec.
    Container,
}

/// One argument of a prepared call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RawArg {
    /// A number.
    Value(u64),
    /// The address of something in the program's data.
    Data(usize),
    /// What an earlier step left in a slot (a descriptor, a process id).
    Slot(usize),
    /// The address of data into which a slot's number is written first.
    Patched { data: usize, at: usize, slot: usize, form: Patch },
}

/// How a slot's number is written into data.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patch {
    /// As eight bytes (`mount_attr.userns_fd`).
    Word,
    /// As decimal digits, followed by `len` bytes from `tail` (`/proc/self/fd/7/upper`).
    Digits { tail: usize, len: usize },
}

/// What is kept of a call's result.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    Nothing,
    /// The result, in a slot.
    Result(usize),
    /// The two descriptors that pipe2 wrote at `data`.
    Pair {
        data: usize,
        first: usize,
        second: usize,
    },
}

/// The ways to make a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawClone {
    /// `clone3`, or `clone` where a host's filter knows no `clone3`.
    pub clone3: bool,
    pub flags: u64,
    pub pid: usize,
    pub pidfd: Option<usize>,
    /// Made by the first process (which joined namespaces before), not by the caller.
    pub second: bool,
}

/// What a step asks of the kernel.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are calls; a box would be one more thing to follow in the child"
)]
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    Call {
        number: i64,
        args: [RawArg; 6],
    },
    Clone(RawClone),
    /// Sleep until the child no longer uses this memory: it executed the program, or ended.
    AwaitExec,
    /// Tell the caller that the joiner is in its user namespace.
    Ready,
    /// Sleep until the joiner says so, or ended.
    AwaitReady,
}

/// A prepared step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawStep {
    pub side: Side,
    pub ask: Ask,
    pub keep: Keep,
    /// Whether the walk goes on after this failure.
    pub tolerate: Tolerate,
    /// A result of zero is a failure (end of file where a byte was due).
    pub nonzero: bool,
}

/// Which failures of a step do not end the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerate {
    /// None.
    Nothing,
    /// These errno values.
    Errors(&'static [i32]),
    /// Every failure: what follows finds out more.
    Everything,
}

impl Tolerate {
    /// Whether the walk goes on after `errno`.
    pub(crate) fn allows(self, errno: i32) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Errors(list) => {
                let mut at = list.as_ptr();
                // SAFETY: one past the end of the list; no indexing, which could panic in the child.
                let end = unsafe { at.add(list.len()) };
                while at != end {
                    // SAFETY: `at` is inside the list.
                    unsafe {
                        if *at == errno {
                            return true;
                        }
                        at = at.add(1);
                    }
                }
                false
            }
        }
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

/// A prepared list of calls with its data; [`super::walk`] performs it.
#[derive(Debug)]
pub(crate) struct Program {
    words: Vec<u64>,
    fixups: Vec<usize>,
    pub steps: Vec<RawStep>,
    pub slots: usize,
}

impl Program {
    pub fn with_capacity(steps: usize, slots: usize) -> Self {
        Self {
            words: Vec::with_capacity(steps * 8),
            fixups: Vec::new(),
            steps: Vec::with_capacity(steps),
            slots,
        }
    }

    /// Copies bytes into the data, aligned to eight, and returns where they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> usize {
        let start = self.words.len();
        self.words.resize(start + bytes.len().div_ceil(8), 0);
        for (word, chunk) in self.words[start..].iter_mut().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(whole);
        }
        start * 8
    }

    /// Copies a string with its closing NUL.
    pub fn text(&mut self, text: &str) -> usize {
        let start = self.words.len();
        // One word more than the text fills, so that a NUL always follows.
        self.words.resize(start + text.len() / 8 + 1, 0);
        for (word, chunk) in self.words[start..].iter_mut().zip(text.as_bytes().chunks(8)) {
            let mut whole = [0; 8];
            whole[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(whole);
        }
        start * 8
    }

    /// Reserves zeroed space.
    pub fn space(&mut self, len: usize) -> usize {
        let start = self.words.len();
        self.words.resize(start + len.div_ceil(8), 0);
        start * 8
    }

    /// Writes bytes over the data at a place.
    pub fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        for (word, chunk) in self.words[at / 8..].iter_mut().zip(bytes.chunks(8)) {
            let mut whole = word.to_ne_bytes();
            whole[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(whole);
        }
    }

    /// A NULL-terminated array of addresses of strings (argv, envp).
    pub fn strings(&mut self, strings: &[String]) -> usize {
        let places: Vec<usize> = strings.iter().map(|s| self.text(s)).collect();
        let array = self.words.len();
        for place in places {
            self.fixups.push(self.words.len());
            self.words.push(place as u64);
        }
        self.words.push(0);
        array * 8
    }

    /// Reads back bytes that a call wrote.
    pub fn read(&self, at: usize, len: usize) -> Vec<u8> {
        self.words[at / 8..].iter().flat_map(|w| w.to_ne_bytes()).take(len).collect()
    }

    /// Ends the preparing: turns offsets inside arrays into addresses, after which nothing may grow.
    pub fn seal(&mut self) -> *mut u8 {
        let base = self.words.as_mut_ptr().cast::<u8>();
        for word in self.fixups.drain(..) {
            self.words[word] = self.words[word].wrapping_add(base as u64);
        }
        base
    }
}

/// A child uses the memory.
pub(crate) const SHARED: u32 = 1;
/// A child uses the memory, and the caller may map its ids.
pub(crate) const READY: u32 = 2;

/// Two pipes: a byte in the first lets one step go, a byte in the second says that it is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    pub go: [i32; 2],
    pub done: [i32; 2],
}

/// Everything a walker touches, as addresses: shared with the child.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Memory {
    pub data: *mut u8,
    pub steps: *const RawStep,
    pub count: usize,
    pub slots: *mut i64,
    pub records: *mut Record,
    /// [`SHARED`] while a child shares this memory, or [`READY`] once a joiner said so; the kernel clears it
    /// (CLONE_CHILD_CLEARTID) and wakes us.
    pub shared: AtomicU32,
    /// The step to fail without asking the kernel, and its errno (fault sweeps).
    pub fault: Option<(usize, i32)>,
    /// The pipes that let the container's side go step by step, when it is stepped.
    pub gate: Option<Gate>,
    /// Tops of the stacks of the first and the second process.
    pub stacks: [*mut u8; 2],
    /// Where the container's side goes on after a clone: one for each stack.
    pub starts: [Start; 2],
}

/// What a new process is told.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub memory: *mut Memory,
    pub step: usize,
}
