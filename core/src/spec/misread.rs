//! Why a field cannot be read: what was given, what is wanted, and how that is written.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Fault;
use super::fault::shorten;
use crate::error::Error;

/// Why a single field cannot be read, if it cannot.
pub(super) fn fault<T: DeserializeOwned>(field: &str, value: &Value) -> Option<Fault> {
    let whole = refusal::<T>(field, value)?;
    let part = wrong_part::<T>(field, value);
    let problem = part.as_ref().and_then(|part| refusal::<T>(field, &part.alone)).unwrap_or(whole);
    let (subject, given) = part.as_ref().map_or(("it", value), |part| (part.name.as_str(), part.value));
    let given = shown(given);
    if let Some(wanted) = wanted(&problem) {
        let listed = json!([value]);
        let fix = match form(field) {
            _ if refusal::<T>(field, &listed).is_none() => format!("write {listed}"),
            Some(form) => format!("write {form}"),
            None => format!("give {wanted}"),
        };
        let problem = match sources(field) {
            Some(_) => format!("{subject} is {given}, which is none of its forms"),
            None => format!("{subject} is {given}, where {wanted} is wanted"),
        };
        return Some(Fault::new(field, problem, fix));
    }
    if problem.starts_with("unknown ") {
        let fault = unknown(field, &problem);
        let forms = sources(field).filter(|_| problem.starts_with("unknown variant"));
        return Some(match forms {
            Some(forms) => Fault { fix: format!("write {forms}"), ..fault },
            None => fault,
        });
    }
    if let (true, Some(twice)) = (problem.starts_with("duplicate "), quoted(&problem).first()) {
        return Some(Fault::new(field, format!("'{twice}' is there twice"), "give it once"));
    }
    // The forms that a type of ours has: `a size: bytes, or a text such as "64M"`.
    if let (true, Some((what, form))) = (problem.starts_with("a "), problem.split_once(": ")) {
        return Some(Fault::new(
            field,
            format!("{subject} is {given}, where {what} is wanted"),
            format!("write {form}"),
        ));
    }
    // What a type of ours says of a text: `'x' is not a size: write …`.
    let (problem, fix) = match problem.split_once(": write ") {
        Some((problem, form)) => (problem.to_string(), format!("write {form}")),
        None => (problem, form(field).map_or_else(|| "correct it".into(), |form| format!("write {form}"))),
    };
    Some(Fault::new(field, problem, fix))
}

/// Reads one of the words that a type has, such as those of [`super::HostAccess`]; `field` is what it is for.
///
/// # Errors
/// [`Error::Spec`] with the words that there are.
pub fn word<T: DeserializeOwned>(field: &str, word: &str) -> Result<T, Error> {
    T::deserialize(json!(word))
        .map_err(|error: serde_json::Error| Error::Spec(vec![unknown(field, &error.to_string())]))
}

/// A word or name that is none of those there are.
fn unknown(field: &str, problem: &str) -> Fault {
    let words = quoted(problem);
    let (given, known) = words.split_first().map_or(("", &[][..]), |(given, known)| (*given, known));
    Fault::new(field, format!("there is no '{}'", shorten(given)), format!("use {}", known.join(", ")))
}

/// What serde says of a field, alone in a spec.
fn refusal<T: DeserializeOwned>(field: &str, value: &Value) -> Option<String> {
    T::deserialize(json!({ field: value })).err().map(|error: serde_json::Error| error.to_string())
}

/// The item at fault.
struct Part<'a> {
    name: String,
    value: &'a Value,
    /// The list or mapping with this item alone.
    alone: Value,
}

/// Which item of a list or mapping cannot be read; none where it is the list or mapping itself.
fn wrong_part<'a, T: DeserializeOwned>(field: &str, value: &'a Value) -> Option<Part<'a>> {
    let parts: Vec<Part<'a>> = match value {
        Value::Array(items) if refusal::<T>(field, &json!([])).is_none() => {
            let part = |(i, value)| Part { name: format!("item {i}"), value, alone: json!([value]) };
            items.iter().enumerate().map(part).collect()
        }
        Value::Object(items) if refusal::<T>(field, &json!({})).is_none() => {
            let part = |(name, value): (&String, &'a Value)| {
                let alone = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
                Part { name: format!("'{}'", shorten(name)), value, alone }
            };
            items.iter().map(part).collect()
        }
        _ => Vec::new(),
    };
    parts.into_iter().find(|part| refusal::<T>(field, &part.alone).is_some())
}

/// A value in a message.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let text =
        if text.chars().count() > 60 { text.chars().take(57).chain("...".chars()).collect() } else { text };
    match value {
        Value::String(_) => format!("the text {text}"),
        Value::Number(_) => format!("the number {text}"),
        _ => text,
    }
}

/// The words in backticks.
fn quoted(problem: &str) -> Vec<&str> {
    problem.split('`').skip(1).step_by(2).collect()
}

/// What was expected, in place of the names that Rust has for it.
fn wanted(problem: &str) -> Option<&str> {
    let (_, expected) = problem.strip_prefix("invalid ")?.rsplit_once(", expected ")?;
    Some(match expected {
        "a string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "f64" => "a number",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number, 0 or more,",
        "i32" => "a whole number",
        "a tuple of size 2" | "fewer elements in array" => "a list of two",
        "a map" => "a mapping",
        _ if expected.starts_with("struct ") => "a mapping",
        _ => "one of its words",
    })
}

/// The forms of a field whose values are words, or words with a value.
fn sources(field: &str) -> Option<&'static str> {
    match field {
        "namespaces" => {
            Some(r#"{"net": "host"}, with "new", "host", {"pid": 7}, {"path": "/run/netns/a"} or {"fd": 3}"#)
        }
        "stdin" | "stdout" | "stderr" => Some(r#""inherit", "null", "pipe", {"fd": 3} or {"file": "/path"}"#),
        _ => None,
    }
}

/// How a field is written that is no single text, number or flag.
fn form(field: &str) -> Option<&'static str> {
    sources(field).or(match field {
        "args" => Some(r#"["sh", "-c", "id"]"#),
        "cap_add" | "cap_drop" => Some(r#"["NET_ADMIN"]"#),
        "cpus" => Some("1.5"),
        "device_cgroup_rules" => Some(r#"["c 10:200 rwm"]"#),
        "device_read_bps" | "device_write_bps" => Some(r#"{"/dev/sda": "1M"}"#),
        "device_read_iops" | "device_write_iops" => Some(r#"{"/dev/sda": 100}"#),
        "env" => Some(r#"{"NAME": "value"}"#),
        "group_add" => Some("[27]"),
        "host_files" => Some(r#"{"/home": "hidden"}"#),
        "hugetlb" => Some(r#"{"2MB": "64M"}"#),
        "masked_paths" | "readonly_paths" => Some(r#"["/proc/keys"]"#),
        "networks" => Some(r#"["lab:ip=10.16.8.5,alias=db"]"#),
        "pass_fds" => Some("[3]"),
        "publish" => Some(r#"["8080:80"]"#),
        "require" => Some(r#"["memory"]"#),
        "root_change" => Some(r#""pivot_root" or "chroot""#),
        "sysctls" => Some(r#"{"net.ipv4.ip_forward": "1"}"#),
        "time_offsets" => Some(r#"{"boottime": 60}"#),
        "tmpfs" => Some(r#"["/inside:size=64M"]"#),
        "tty_size" => Some("[24, 80]"),
        "uidmap" | "gidmap" => Some(r#"["0:100000:65536"]"#),
        "ulimits" => Some(r#"{"nofile": 1024}"#),
        "volumes" => Some(r#"["/host:/inside:ro"]"#),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;

    fn told(field: &str, value: &Value) -> String {
        fault::<Spec>(field, value).expect("a fault").to_string()
    }

    #[test]
    fn what_was_given_is_told_beside_what_is_wanted() {
        let cases = [
            (
                "volumes",
                json!("a:/b"),
                r#"volumes: it is the text "a:/b", where a list is wanted (write ["a:/b"])"#,
            ),
            ("cpus", json!("two"), r#"cpus: it is the text "two", where a number is wanted (write 1.5)"#),
            (
                "cap_add",
                json!(["CHOWN", 3]),
                r#"cap_add: item 1 is the number 3, where text is wanted (write ["NET_ADMIN"])"#,
            ),
            (
                "env",
                json!({"A": "", "B": 1}),
                r#"env: 'B' is the number 1, where text is wanted (write {"NAME": "value"})"#,
            ),
            ("hostname", json!(["a"]), r#"hostname: it is ["a"], where text is wanted (give text)"#),
            (
                "umask",
                json!(-2),
                "umask: it is the number -2, where a whole number from 0 to 4294967295 is wanted (give a whole number from 0 to 4294967295)",
            ),
            ("tty_size", json!([1]), "tty_size: it is [1], where a list of two is wanted (write [24, 80])"),
            (
                "init",
                json!("no"),
                r#"init: it is the text "no", where true or false is wanted (give true or false)"#,
            ),
            (
                "memory",
                json!("lots"),
                "memory: 'lots' is not a size (write bytes, or a number with k, M, G or T)",
            ),
            (
                "memory",
                json!(true),
                r#"memory: it is true, where a size is wanted (write bytes, or a text such as "64M")"#,
            ),
            (
                "host_files",
                json!({"/": "no"}),
                "host_files: there is no 'no' (use overlay, read-only, ro, hidden, full, rw)",
            ),
            ("root_change", json!("no"), "root_change: there is no 'no' (use pivot_root, chroot)"),
            (
                "namespaces",
                json!({"net": "new", "network": "new"}),
                "namespaces: 'net' is there twice (give it once)",
            ),
        ];
        for (field, value, text) in cases {
            assert_eq!(told(field, &value), text);
        }
        for (value, start) in [
            (json!({"net": "hots"}), "namespaces: there is no 'hots' (write "),
            (
                json!({"net": {"pid": "x"}}),
                r#"namespaces: 'net' is {"pid":"x"}, which is none of its forms (write "#,
            ),
            (
                json!({"net": "pid"}),
                r#"namespaces: 'net' is the text "pid", which is none of its forms (write "#,
            ),
            (json!({"pod": "new"}), "namespaces: there is no 'pod' (use user, mnt, "),
        ] {
            let text = told("namespaces", &value);
            assert!(text.starts_with(start), "{text}");
        }
    }

    #[test]
    fn no_field_is_told_of_in_words_of_rust() {
        let spec = serde_json::to_value(Spec::default()).expect("JSON");
        let wrong = [
            json!("\u{1}"),
            json!(-1.5),
            json!(true),
            json!([[[]]]),
            json!({"a": {"b": []}}),
            json!([]),
            json!({}),
        ];
        let words = ["expected", "invalid", "`", "struct", "variant", "sequence", "f64", "u32"];
        for (field, value) in
            spec.as_object().expect("fields").keys().flat_map(|f| wrong.iter().map(move |v| (f, v)))
        {
            let Some(fault) = fault::<Spec>(field, value) else { continue };
            let text = fault.to_string();
            assert!(!words.iter().any(|word| text.contains(word)), "{text}");
            assert!(!fault.fix.is_empty() && fault.fix != "correct it", "{text}");
        }
    }

    #[test]
    fn what_is_to_be_written_can_be_read() {
        let spec = serde_json::to_value(Spec::default()).expect("JSON");
        for field in spec.as_object().expect("fields").keys() {
            if let Some(Ok(value)) = form(field).map(serde_json::from_str::<Value>) {
                assert_eq!(fault::<Spec>(field, &value), None);
            }
            if spec[field].is_array() || spec[field].is_object() {
                assert!(form(field).is_some(), "{field}");
            }
        }
    }
}
