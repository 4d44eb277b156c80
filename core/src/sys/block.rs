//! The memory that a start leaves its results in: slots and records, and, where init performs a part of it, that part.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::AtomicU32;

use super::memory::{BLOCK_SPACE, End, Gate, Header, Post, SHARED};
use super::process::checked;
use super::program::Program;
use super::raw::syscall;
use super::step::{RawStep, Record};

/// Slots and records: ordinary memory, or a mapping of a file that init maps too. It begins with a [`Header`].
#[derive(Debug)]
pub(crate) struct Block {
    place: *mut u8,
    slots: (usize, usize),
    records: (usize, usize),
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Owned { _memory: Vec<u64> },
    Mapped { len: usize, file: Option<OwnedFd> },
}

// SAFETY: the memory belongs to the block; what init writes at the same time is atomic, or read after the start.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

/// What is not known from the program: how it is walked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    pub fault: Option<(usize, i32)>,
    pub gate: Option<Gate>,
    pub clock: u64,
}

/// Where the parts of a block are.
struct Layout {
    slots: usize,
    records: usize,
    steps: usize,
    data: usize,
    pointers: usize,
    len: usize,
}

impl Layout {
    fn new(slots: usize, records: usize, steps: usize, words: usize, pointers: usize) -> Self {
        let at_slots = size_of::<Header>().next_multiple_of(8);
        let at_records = at_slots + slots * size_of::<i64>();
        let at_steps = at_records + records * size_of::<Record>();
        let at_data = at_steps + steps * size_of::<RawStep>();
        let at_pointers = at_data + words * size_of::<u64>();
        let len = at_pointers + pointers * size_of::<u32>();
        Self {
            slots: at_slots,
            records: at_records,
            steps: at_steps,
            data: at_data,
            pointers: at_pointers,
            len,
        }
    }
}

#[allow(clippy::cast_ptr_alignment, reason = "every part of a block begins at a multiple of eight")]
impl Block {
    /// Of this process alone.
    pub(crate) fn owned(slots: usize, records: usize) -> Self {
        let layout = Layout::new(slots, records, 0, 0, 0);
        let mut memory = vec![0u64; layout.len.div_ceil(8)];
        let place = memory.as_mut_ptr().cast();
        let kind = Kind::Owned { _memory: memory };
        let mut block =
            Self { place, slots: (layout.slots, slots), records: (layout.records, records), kind };
        block.slots_mut().fill(-1);
        block
    }

    /// In a file, with the steps from `first` on for init.
    pub(crate) fn shared(
        file: OwnedFd,
        slots: usize,
        records: usize,
        first: usize,
        program: &Program,
        walk: Walk,
    ) -> Result<Self, i32> {
        let (words, pointers) = (program.words(), program.pointers());
        let layout = Layout::new(slots, records, program.steps.len(), words.len(), pointers.len());
        if layout.len > BLOCK_SPACE {
            return Err(libc::E2BIG);
        }
        let fd = file.as_raw_fd() as u64;
        // SAFETY: a new file of that length, mapped anywhere; the parts of the layout lie in it one after the other,
        // each at a multiple of eight.
        unsafe {
            checked(syscall(libc::SYS_ftruncate, &[fd, layout.len as u64, 0, 0, 0, 0]))?;
            let place = map(fd, layout.len)?;
            let header = place.cast::<Header>();
            header.write(Header {
                base: 0,
                clock: walk.clock,
                slots: layout.slots as u32,
                records: layout.records as u32,
                steps: layout.steps as u32,
                data: layout.data as u32,
                pointers: layout.pointers as u32,
                pointer_count: pointers.len() as u32,
                first: first as u32,
                end: (first + program.steps.len()) as u32,
                fault: walk.fault.map_or(u32::MAX, |(index, _)| index as u32),
                fault_errno: walk.fault.map_or(0, |(_, errno)| errno),
                gated: walk.gate.is_some(),
                gate: walk.gate.unwrap_or(Gate { go: [-1; 2], done: [-1; 2] }),
                state: AtomicU32::new(SHARED),
                post: Post { request: AtomicU32::new(0), answer: 0.into(), paused: 0.into() },
                end_of_program: End { known: AtomicU32::new(0), status: 0, peak: 0 },
            });
            place.add(layout.steps).cast::<RawStep>().copy_from(program.steps.as_ptr(), program.steps.len());
            place.add(layout.data).cast::<u64>().copy_from(words.as_ptr(), words.len());
            for (n, word) in pointers.iter().enumerate() {
                place.add(layout.pointers).cast::<u32>().add(n).write(*word as u32);
            }
            let kind = Kind::Mapped { len: layout.len, file: Some(file) };
            let mut block =
                Self { place, slots: (layout.slots, slots), records: (layout.records, records), kind };
            block.slots_mut().fill(-1);
            Ok(block)
        }
    }

    /// That of a container which was started by another process: only its header counts.
    pub(crate) fn open(file: &OwnedFd) -> Result<Self, i32> {
        // SAFETY: the file holds a header at least; the mapping is as long.
        let place = unsafe { map(file.as_raw_fd() as u64, size_of::<Header>())? };
        let kind = Kind::Mapped { len: size_of::<Header>(), file: None };
        Ok(Self { place, slots: (0, 0), records: (0, 0), kind })
    }

    /// Closes the file; the mapping stays.
    pub(crate) fn close_file(&mut self) {
        if let Kind::Mapped { file, .. } = &mut self.kind {
            *file = None;
        }
    }

    /// The header, which init shares, if it does.
    pub(crate) fn header(&self) -> Option<*mut Header> {
        matches!(self.kind, Kind::Mapped { .. }).then(|| self.place.cast())
    }

    /// What init left at a place of its part's data.
    pub(crate) fn read_data(&self, at: usize, len: usize) -> Vec<u8> {
        let (Some(header), Kind::Mapped { len: whole, .. }) = (self.header(), &self.kind) else {
            return Vec::new();
        };
        // SAFETY: the mapping has a header, and is as long as it says.
        unsafe {
            let from = (*header).data as usize + at;
            let len = len.min(whole.saturating_sub(from));
            std::slice::from_raw_parts(self.place.add(from), len).to_vec()
        }
    }

    pub(crate) fn slots(&self) -> &[i64] {
        // SAFETY: the layout has so many there.
        unsafe { std::slice::from_raw_parts(self.place.add(self.slots.0).cast(), self.slots.1) }
    }

    pub(crate) fn slots_mut(&mut self) -> &mut [i64] {
        // SAFETY: the layout has so many there.
        unsafe { std::slice::from_raw_parts_mut(self.place.add(self.slots.0).cast(), self.slots.1) }
    }

    pub(crate) fn records(&self) -> &[Record] {
        // SAFETY: the layout has so many there.
        unsafe { std::slice::from_raw_parts(self.place.add(self.records.0).cast(), self.records.1) }
    }

    pub(crate) fn records_mut(&mut self) -> &mut [Record] {
        // SAFETY: the layout has so many there.
        unsafe { std::slice::from_raw_parts_mut(self.place.add(self.records.0).cast(), self.records.1) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Kind::Mapped { len, .. } = self.kind {
            // SAFETY: the mapping that was made here; nothing borrows from it any more.
            unsafe { syscall(libc::SYS_munmap, &[self.place as u64, len as u64, 0, 0, 0, 0]) };
        }
    }
}

/// Maps so much of a file, shared: mmap(2).
unsafe fn map(fd: u64, len: usize) -> Result<*mut u8, i32> {
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_POPULATE);
    // SAFETY: a new mapping, where the kernel likes.
    let place =
        unsafe { checked(syscall(libc::SYS_mmap, &[0, len as u64, access as u64, flags as u64, fd, 0]))? };
    Ok(place as *mut u8)
}
