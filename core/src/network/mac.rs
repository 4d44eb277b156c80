//! The address of a link itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::spec::Fault;

/// A MAC address, the link's own: `02:00:00:00:00:01`.
///
/// ```
/// use minicontain::network::Mac;
/// let mac: Mac = "02:00:00:00:00:0a".parse()?;
/// assert_eq!(mac.0[5], 10);
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Mac(
    /// Its six bytes, in the order in which they are sent.
    pub [u8; 6],
);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: Vec<String> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        f.write_str(&digits.join(":"))
    }
}

impl FromStr for Mac {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let byte = |part: &str| {
            let hexadecimal = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            hexadecimal.then(|| u8::from_str_radix(part, 16).ok()).flatten()
        };
        let bytes: Option<Vec<u8>> = text.split(':').map(byte).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| {
            let problem = format!("'{}' is no MAC address", text.escape_debug());
            Error::Spec(vec![Fault::new("mac", problem, "write it as 02:00:00:00:00:01")])
        })
    }
}

impl TryFrom<String> for Mac {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Mac;

    #[test]
    fn text_and_back() {
        assert_eq!("02:00:00:AB:cd:01".parse::<Mac>().expect("a MAC").to_string(), "02:00:00:ab:cd:01");
        for text in [
            "",
            "02:00:00:00:00",
            "02:00:00:00:00:01:02",
            "02:00:00:00:00:1",
            "02-00-00-00-00-01",
            "g2:00:00:00:00:01",
            "+2:00:00:00:00:01",
        ] {
            assert_eq!(text.parse::<Mac>().expect_err(text).faults()[0].field, "mac");
        }
    }
}
