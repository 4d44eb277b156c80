//! What happened: the plan with results and times filled in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::arg::{Slot, show};
use super::call::Call;
use super::step::{Plan, Side};
use crate::error::errno_name;
use crate::sys::step::Record;

/// An executed plan: each step with what the kernel answered and how long it took.
///
/// ```no_run
/// let run = minicontain::Command::new("true").run()?;
/// for entry in run.trace.entries() {
///     println!("{:>9} {}({}) = {}  {} ns", entry.side, entry.syscall, entry.arguments, entry.result, entry.ns);
/// }
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Trace {
    /// The plan that was executed.
    pub plan: Arc<Plan>,
    pub(crate) records: Vec<Record>,
    pub(crate) slots: Vec<i64>,
    /// What was read back, by step.
    pub(crate) read: BTreeMap<usize, String>,
}

/// One executed step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The step's place in the plan, from 0.
    pub index: usize,
    /// `caller` or `container`.
    pub side: &'static str,
    /// The system call's name.
    pub syscall: &'static str,
    /// Its arguments as a person would read them, descriptors by number.
    pub arguments: String,
    /// What the kernel answered, as strace shows it: a value, or `-1 ENOENT`.
    pub result: String,
    /// The kernel's answer as it came: a value, or `-errno`.
    pub value: i64,
    /// When it began, in nanoseconds since the first step.
    pub start_ns: u64,
    /// How long it took, in nanoseconds.
    pub ns: u64,
    /// What the step belongs to.
    pub what: String,
    /// Why it is there.
    pub why: String,
}

impl Trace {
    /// Of a plan that was not executed here.
    pub(crate) fn empty(plan: Arc<Plan>) -> Self {
        Self { plan, records: Vec::new(), slots: Vec::new(), read: BTreeMap::new() }
    }

    /// The steps that were performed, in the order of the plan.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        (0..self.plan.steps.len()).filter_map(|index| self.entry(index)).collect()
    }

    /// A step, if it was performed.
    #[must_use]
    pub fn entry(&self, index: usize) -> Option<Entry> {
        let record = self.records.get(index).filter(|record| record.ended != 0)?;
        let step = self.plan.steps.get(index)?;
        let act = self.plan.act_of(index)?;
        let result = match step.call {
            _ if record.result < 0 => format!("-1 {}", errno_name(-(record.result as i32))),
            _ => record.result.to_string(),
        };
        Some(Entry {
            index,
            side: step.side.name(),
            syscall: step.call.name(),
            arguments: self.arguments(index),
            result,
            value: record.result,
            start_ns: record.begun.saturating_sub(self.began()),
            ns: record.ended.saturating_sub(record.begun),
            what: act.what.to_string(),
            why: act.why.to_string(),
        })
    }

    /// The trace as a JSON array of entries.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.entries()).unwrap_or_default()
    }

    /// The trace as text, a step a line.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        for entry in self.entries() {
            let call = format!("{}({}) = {}", entry.syscall, entry.arguments, entry.result);
            let _ = writeln!(
                out,
                "{:>8.1} us {:>7.1}  {:<9}  {call}",
                entry.start_ns as f64 / 1e3,
                entry.ns as f64 / 1e3,
                entry.side
            );
        }
        out
    }

    /// From the first step until the program was executed, in nanoseconds.
    #[must_use]
    pub fn setup_ns(&self) -> u64 {
        let ends = self
            .plan
            .steps
            .iter()
            .zip(&self.records)
            .filter(|(step, _)| matches!(step.call, Call::AwaitExec | Call::AwaitProgram { .. }));
        ends.map(|(_, record)| record.ended).max().unwrap_or(0).saturating_sub(self.began())
    }

    /// A step's arguments: where it read something back, that.
    fn arguments(&self, index: usize) -> String {
        let mut shown = arguments(&self.plan.steps[index].call, &|slot, out| self.show_slot(slot, out));
        if let (Some(read), Some(from), Some(to)) =
            (self.read.get(&index), shown.find("/*"), shown.find("*/"))
        {
            shown.replace_range(from..to + 2, &format!("\"{}\"", read.escape_debug()));
        }
        shown
    }

    fn began(&self) -> u64 {
        self.records.iter().map(|record| record.begun).filter(|begun| *begun != 0).min().unwrap_or(0)
    }

    fn show_slot(&self, slot: Slot, out: &mut String) {
        match self.slots.get(usize::from(slot.0)) {
            Some(value) if *value >= 0 => {
                let _ = write!(out, "{value}");
            }
            _ => show_name(&self.plan, slot, out),
        }
    }

    /// The steps of one side that were performed.
    #[must_use]
    pub fn side(&self, side: Side) -> Vec<Entry> {
        self.entries().into_iter().filter(|entry| entry.side == side.name()).collect()
    }
}

/// A slot before it is filled: `<what it will hold>`.
pub(crate) fn show_name(plan: &Plan, slot: Slot, out: &mut String) {
    let name = plan.slots.get(usize::from(slot.0)).map_or("?", AsRef::as_ref);
    let _ = write!(out, "<{name}>");
}

/// A call's arguments, separated by commas.
pub(crate) fn arguments(call: &Call, slot: &dyn Fn(Slot, &mut String)) -> String {
    let mut out = String::new();
    for (n, arg) in call.signature().args.into_iter().flatten().enumerate() {
        if n > 0 {
            out.push_str(", ");
        }
        show(arg, &mut out, slot);
    }
    out
}
