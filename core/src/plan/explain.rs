//! A plan for people to read, and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::step::Plan;
use super::trace::{arguments, show_name};

impl Plan {
    /// What will be done and why, act by act, with every system call.
    ///
    /// ```
    /// use minicontain::{Plan, Spec};
    /// let text = Plan::new(Spec::new(["true"]))?.explain();
    /// assert!(text.contains("pivot_root"));
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    #[must_use]
    pub fn explain(&self) -> String {
        let mut out = String::new();
        for (n, act) in self.acts.iter().enumerate() {
            let _ = writeln!(out, "{:>2}. {}: {}", n + 1, act.what, act.why);
            for index in act.steps.clone() {
                let Some(step) = self.steps.get(index) else { continue };
                let needs = step.needs.map(|needs| format!("   [{needs}]")).unwrap_or_default();
                let _ = writeln!(
                    out,
                    "      {:<9} {}({}){needs}",
                    step.side.name(),
                    step.call.name(),
                    self.arguments(index)
                );
            }
        }
        for (feature, state) in &self.enforced {
            let reason =
                if state.reason().is_empty() { String::new() } else { format!(": {}", state.reason()) };
            let _ = writeln!(out, "    {feature}: {}{reason}", state.name().replace('_', " "));
        }
        out
    }

    /// A step's arguments as a person would read them; what is not known yet by what it will be.
    #[must_use]
    pub fn arguments(&self, index: usize) -> String {
        self.steps
            .get(index)
            .map_or_else(String::new, |step| arguments(&step.call, &|slot, out| show_name(self, slot, out)))
    }

    /// The plan as JSON: `{"steps": [{"index", "side", "syscall", "arguments", "needs", "undo", "what", "why"}, …], "enforced": …}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    /// The plan as a JSON value; see [`Plan::to_json`].
    #[must_use]
    pub fn to_value(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().enumerate().map(|(index, step)| {
            let act = self.act_of(index);
            json!({
                "index": index,
                "side": step.side.name(),
                "syscall": step.call.name(),
                "arguments": self.arguments(index),
                "needs": step.needs,
                "undo": step.inverses().iter().map(|call| format!("{}({})", call.name(), arguments(call, &|slot, out| show_name(self, slot, out)))).collect::<Vec<_>>(),
                "what": act.map(|act| act.what.as_ref()),
                "why": act.map(|act| act.why.as_ref()),
            })
        }).collect();
        json!({ "steps": steps, "enforced": self.enforced_value() })
    }

    /// What will be enforced, as a JSON object: `{"capabilities": {"state": "enforced", "reason": ""}, …}`.
    #[must_use]
    pub fn enforced_value(&self) -> Value {
        let entries = self.enforced.iter().map(|(feature, state)| {
            ((*feature).to_string(), json!({ "state": state.name(), "reason": state.reason() }))
        });
        Value::Object(entries.collect())
    }
}
