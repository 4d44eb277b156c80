//! What a link may be called.

use crate::error::Error;
use crate::spec::Fault;

/// The longest name, without the zero at its end: IFNAMSIZ of netdevice(7).
const LONGEST: usize = 15;

/// Checks a link's name as the kernel does (`dev_valid_name`); `field` says whose it is. A `%` asks the kernel to choose
/// a number (`veth%d`): nobody could know the name then.
pub(crate) fn check(field: &str, name: &str) -> Result<(), Error> {
    let shown = name.escape_debug();
    let problem = if name.is_empty() {
        "a link needs a name".into()
    } else if name.len() > LONGEST {
        format!("'{shown}' has {} bytes", name.len())
    } else if name == "." || name == ".." {
        format!("'{shown}' is no name for a link")
    } else if let Some(bad) =
        name.chars().find(|c| matches!(c, '/' | ':' | '%') || c.is_whitespace() || c.is_control())
    {
        format!("'{shown}' has '{}' in it", bad.escape_debug())
    } else {
        return Ok(());
    };
    let fix = format!("use up to {LONGEST} bytes, without blanks, '/', ':' and '%'");
    Err(Error::Spec(vec![Fault::new(field, problem, fix)]))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names() {
        for good in ["lo", "veth0", "a", "exactly15bytes_", "eth0.100", "br-lan", "héé"] {
            assert!(check("name", good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "sixteen_bytes_xx", "a b", "a/b", "a:b", "a%d", "a\n", "a\0"] {
            assert_eq!(check("peer", bad).expect_err(bad).faults()[0].field, "peer");
        }
    }
}
