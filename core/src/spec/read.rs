//! From JSON to a spec, naming every field that cannot be read.

use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Fault, Limits, Spec, misread};

/// The fix where no field there is comes near the one that was named: right in every language.
pub const SEE_FIELDS: &str = "to_json of a spec shows every field there is";

/// Reads a spec from JSON, naming every field that cannot be read.
pub(super) fn spec(value: Value) -> Result<Spec, Vec<Fault>> {
    static KNOWN: LazyLock<Vec<String>> = LazyLock::new(names::<Spec>);
    read_as(value, &KNOWN, "write {\"args\": [\"program\"]}")
}

/// Reads limits alone.
pub(super) fn limits(value: Value) -> Result<Limits, Vec<Fault>> {
    static KNOWN: LazyLock<Vec<String>> = LazyLock::new(names::<Limits>);
    read_as(value, &KNOWN, "write {\"memory\": \"64M\"}")
}

/// The fields that there are.
fn names<T: Serialize + Default>() -> Vec<String> {
    let all = serde_json::to_value(T::default()).unwrap_or_default();
    all.as_object().map(|known| known.keys().cloned().collect()).unwrap_or_default()
}

fn read_as<T: DeserializeOwned>(value: Value, known: &[String], example: &str) -> Result<T, Vec<Fault>> {
    let Value::Object(fields) = value else {
        return Err(vec![Fault::new("", "it is not a JSON object", example)]);
    };
    let unknown: Vec<Fault> = unknown_fields(&fields, known).collect();
    match T::deserialize(&fields) {
        Ok(read) if unknown.is_empty() => Ok(read),
        whole => {
            let mut faults = unknown;
            faults.extend(fields.iter().filter_map(|(name, value)| misread::fault::<T>(name, value)));
            if let (Err(whole), true) = (whole, faults.is_empty()) {
                faults.push(Fault::new("", whole.to_string(), "correct the field named"));
            }
            Err(faults)
        }
    }
}

/// The fields that there are not, with the likeliest that was meant.
fn unknown_fields<'a>(
    fields: &'a Map<String, Value>,
    known: &'a [String],
) -> impl Iterator<Item = Fault> + 'a {
    let unknown = fields.keys().filter(|name| !known.contains(*name));
    unknown.map(|name| {
        let nearest = known.iter().min_by_key(|candidate| distance(name, candidate));
        let fix = match nearest {
            Some(near) if distance(name, near) <= 3.min(name.len() / 2) => format!("did you mean '{near}'?"),
            _ => SEE_FIELDS.into(),
        };
        Fault::new(name, "no such field", fix)
    })
}

/// Levenshtein distance, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let next = (corner + usize::from(ca != *cb)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}
