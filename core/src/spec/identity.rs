//! Ranges of user and group ids: `container:host:size`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A range of ids of a user namespace: user_namespaces(7), `podman run --uidmap`.
///
/// ```
/// use minicontain::spec::IdMap;
/// assert_eq!("0:100000:65536".parse(), Ok(IdMap { container: 0, host: 100_000, size: 65_536 }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdMap {
    /// The first id as the container sees it.
    pub container: u32,
    /// The first id as the caller sees it.
    pub host: u32,
    /// How many ids.
    pub size: u32,
}

impl IdMap {
    /// Whether a container id is in the range.
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        id >= self.container && u64::from(id) < u64::from(self.container) + u64::from(self.size)
    }
}

impl FromStr for IdMap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not an id range: write container:host:size");
        let mut parts = text.split(':').map(|part| part.parse::<u32>().map_err(|_| wrong()));
        let mut next = || parts.next().unwrap_or_else(|| Err(wrong()));
        let map = Self { container: next()?, host: next()?, size: next()? };
        if text.split(':').count() == 3 { Ok(map) } else { Err(wrong()) }
    }
}

impl fmt::Display for IdMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.container, self.host, self.size)
    }
}

impl Serialize for IdMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IdMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
