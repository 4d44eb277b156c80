//! The trace: what was done, step by step.

use std::ffi::{CStr, CString, c_char};
use std::sync::{Arc, OnceLock};

use engine::plan::trace::{Entry, Trace};

use crate::text::{borrowed, c_string, number, owned};

/// An executed plan: each step with what the kernel answered and how long it took. Any thread may read it. It
/// belongs to the container, result or error that gave it, and lives as long.
pub struct minicontain_trace {
    trace: Arc<Trace>,
    entries: OnceLock<Vec<EntryTexts>>,
}

struct EntryTexts {
    entry: Entry,
    side: CString,
    syscall: CString,
    arguments: CString,
    result: CString,
    what: CString,
    why: CString,
}

impl minicontain_trace {
    pub(crate) const fn new(trace: Arc<Trace>) -> Self {
        Self { trace, entries: OnceLock::new() }
    }

    /// What of the container is enforced, as JSON.
    pub(crate) fn enforced(&self) -> String {
        self.trace.plan.enforced_value().to_string()
    }

    /// The entries with their texts, made when first asked for: a start should not pay for them.
    fn entries(&self) -> &[EntryTexts] {
        let texts = |entry: Entry| EntryTexts {
            side: c_string(entry.side),
            syscall: c_string(entry.syscall),
            arguments: c_string(entry.arguments.as_str()),
            result: c_string(entry.result.as_str()),
            what: c_string(entry.what.as_str()),
            why: c_string(entry.why.as_str()),
            entry,
        };
        self.entries.get_or_init(|| self.trace.entries().into_iter().map(texts).collect())
    }

    fn text(&self, index: usize, pick: impl FnOnce(&EntryTexts) -> &CString) -> Option<&CStr> {
        self.entries().get(index).map(|entry| pick(entry).as_c_str())
    }

    fn nanoseconds(&self, index: usize, pick: impl FnOnce(&Entry) -> u64) -> u64 {
        self.entries().get(index).map_or(0, |entry| pick(&entry.entry))
    }
}

/// How many steps were performed. Entries are in the order of the plan; steps that were not performed have
/// none.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_count(trace: Option<&minicontain_trace>) -> usize {
    number(trace, 0, |trace| trace.entries().len())
}

/// The place in the plan of the step that entry `index` is about, from 0; -1 where there is no such entry.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_step(trace: Option<&minicontain_trace>, index: usize) -> i64 {
    let step = |entry: &EntryTexts| i64::try_from(entry.entry.index).unwrap_or(-1);
    number(trace, -1, |trace| trace.entries().get(index).map_or(-1, step))
}

/// Who performed it: `"caller"`, or `"container"` for the new process between clone(2) and execve(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_side(
    trace: Option<&minicontain_trace>,
    index: usize,
) -> *const c_char {
    borrowed(trace, |trace| trace.text(index, |entry| &entry.side))
}

/// The system call's name.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_syscall(
    trace: Option<&minicontain_trace>,
    index: usize,
) -> *const c_char {
    borrowed(trace, |trace| trace.text(index, |entry| &entry.syscall))
}

/// Its arguments as a person would read them, descriptors by number.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_arguments(
    trace: Option<&minicontain_trace>,
    index: usize,
) -> *const c_char {
    borrowed(trace, |trace| trace.text(index, |entry| &entry.arguments))
}

/// What the kernel answered, as strace(1) shows it: a value, or `"-1 ENOENT"`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_result(
    trace: Option<&minicontain_trace>,
    index: usize,
) -> *const c_char {
    borrowed(trace, |trace| trace.text(index, |entry| &entry.result))
}

/// The kernel's answer as it came: a value, or the negative errno.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_value(trace: Option<&minicontain_trace>, index: usize) -> i64 {
    number(trace, 0, |trace| trace.entries().get(index).map_or(0, |entry| entry.entry.value))
}

/// When it began, in nanoseconds since the first step.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_start_ns(trace: Option<&minicontain_trace>, index: usize) -> u64 {
    number(trace, 0, |trace| trace.nanoseconds(index, |entry| entry.start_ns))
}

/// How long it took, in nanoseconds.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_ns(trace: Option<&minicontain_trace>, index: usize) -> u64 {
    number(trace, 0, |trace| trace.nanoseconds(index, |entry| entry.ns))
}

/// What the step is a part of, in a few words: `"mount /proc"`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_what(
    trace: Option<&minicontain_trace>,
    index: usize,
) -> *const c_char {
    borrowed(trace, |trace| trace.text(index, |entry| &entry.what))
}

/// Why the step is there.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_entry_why(
    trace: Option<&minicontain_trace>,
    index: usize,
) -> *const c_char {
    borrowed(trace, |trace| trace.text(index, |entry| &entry.why))
}

/// From the first step until the program was executed, in nanoseconds; 0 where it was not.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_setup_ns(trace: Option<&minicontain_trace>) -> u64 {
    number(trace, 0, |trace| trace.trace.setup_ns())
}

/// The trace as a JSON array of entries. Free it with `minicontain_string_free`. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_to_json(trace: Option<&minicontain_trace>) -> *mut c_char {
    owned(trace, |trace| trace.trace.to_json())
}

/// The trace as text, a step a line. Free it with `minicontain_string_free`. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_trace_to_text(trace: Option<&minicontain_trace>) -> *mut c_char {
    owned(trace, |trace| trace.trace.render())
}
