//! Finds every fault of a spec, with the field's name and the way out, before anything is touched.

mod files;
mod namespaces;
mod networks;
mod privileges;
mod process;

use super::{Fault, Spec};

/// Every fault of a spec's values.
pub(super) fn faults(spec: &Spec) -> Vec<Fault> {
    let mut found = Vec::new();
    process::faults(spec, &mut found);
    namespaces::faults(spec, &mut found);
    networks::faults(spec, &mut found);
    files::faults(spec, &mut found);
    privileges::faults(spec, &mut found);
    spec.limits.faults(&mut found);
    found
}
