//! The networks that a container is on, and which of its ports the host answers for.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A network that a container is on: `NAME[:ip=ADDRESS][,alias=NAME]…[,rate=10mbit]`, as `docker run --network` has it.
///
/// ```
/// use minicontain::spec::Attachment;
/// let attachment: Attachment = "lab:ip=10.16.8.5,alias=db".parse()?;
/// assert_eq!((attachment.network.as_str(), attachment.aliases.len()), ("lab", 1));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// The network's name; or the absolute path of a CNI network configuration.
    pub network: String,
    /// Its address there. Default: one that is free.
    pub ip: Option<Ipv4Addr>,
    /// Names beside the container's own by which the others on the network find it.
    pub aliases: Vec<String>,
    /// How fast its link is, in bits in a second, in either direction: tc-tbf(8). Default: as fast as it can be.
    pub rate: Option<u64>,
}

impl Attachment {
    /// To a network, with every default.
    #[must_use]
    pub fn to(network: impl Into<String>) -> Self {
        Self { network: network.into(), ip: None, aliases: Vec::new(), rate: None }
    }
}

impl FromStr for Attachment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (network, options) = match text.split_once(':') {
            Some((network, options)) if !network.starts_with('/') => (network, options),
            _ => (text, ""),
        };
        let mut attachment = Self::to(network);
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("ip", ip)) => {
                    let read = ip
                        .parse()
                        .map_err(|_| format!("'{ip}' is no address of version 4: write ip=10.16.8.5"))?;
                    attachment.ip = Some(read);
                }
                Some(("alias", alias)) => attachment.aliases.push(alias.into()),
                Some(("rate", rate)) => {
                    let read = bits(rate)
                        .ok_or_else(|| format!("'{rate}' is no rate: write 500kbit, 10mbit or 1gbit"))?;
                    attachment.rate = Some(read);
                }
                _ => {
                    return Err(format!(
                        "'{option}' is no option of a network: write ip=…, alias=… or rate=…"
                    ));
                }
            }
        }
        Ok(attachment)
    }
}

impl<'de> Deserialize<'de> for Attachment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a network: \"NAME[:ip=…,alias=…,rate=…]\" or {\"network\", \"ip\", \"aliases\", \"rate\"}"
        )]
        enum Form {
            Text(String),
            Fields {
                network: String,
                #[serde(default)]
                ip: Option<Ipv4Addr>,
                #[serde(default)]
                aliases: Vec<String>,
                #[serde(default)]
                rate: Option<u64>,
            },
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
            Form::Fields { network, ip, aliases, rate } => Ok(Self { network, ip, aliases, rate }),
        }
    }
}

/// A rate as tc(8) writes it: `10mbit`; without a unit, bits in a second.
fn bits(text: &str) -> Option<u64> {
    let units = [("kbit", 1_000), ("mbit", 1_000_000), ("gbit", 1_000_000_000), ("bit", 1), ("", 1)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    number.parse::<u64>().ok()?.checked_mul(*unit)
}

/// Which of the two protocols with ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// tcp(7).
    Tcp,
    /// udp(7).
    Udp,
}

impl Protocol {
    /// `tcp` or `udp`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A port of the host that leads to one of the container: `[ADDRESS:]HOST:CONTAINER[/udp]`, as `docker run --publish` has
/// it.
///
/// ```
/// use minicontain::spec::{Protocol, Publish};
/// let publish: Publish = "127.0.0.1:8080:80/udp".parse()?;
/// assert_eq!((publish.host, publish.container, publish.protocol), (8080, 80, Protocol::Udp));
/// assert_eq!("8080:80".parse::<Publish>()?.to_string(), "8080:80/tcp");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish {
    /// The address of the host. Default: all of them.
    pub address: Option<Ipv4Addr>,
    /// The port there.
    pub host: u16,
    /// The container's port.
    pub container: u16,
    /// Of which protocol.
    pub protocol: Protocol,
}

impl FromStr for Publish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no published port: write [ADDRESS:]HOST:CONTAINER[/udp]");
        let (ports, protocol) = match text.split_once('/') {
            None | Some((_, "tcp")) => (text.split('/').next().unwrap_or_default(), Protocol::Tcp),
            Some((ports, "udp")) => (ports, Protocol::Udp),
            Some(_) => return Err(wrong()),
        };
        let port = |text: &str| text.parse().ok().filter(|port| *port != 0).ok_or_else(wrong);
        let (address, host, container) = match *ports.split(':').collect::<Vec<_>>() {
            [same] => (None, same, same),
            [host, container] => (None, host, container),
            [address, host, container] => (Some(address.parse().map_err(|_| wrong())?), host, container),
            _ => return Err(wrong()),
        };
        Ok(Self { address, host: port(host)?, container: port(container)?, protocol })
    }
}

impl fmt::Display for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(address) = self.address {
            write!(f, "{address}:")?;
        }
        write!(f, "{}:{}/{}", self.host, self.container, self.protocol.name())
    }
}

impl Serialize for Publish {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Publish {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether a host may be called that: hostname(7).
pub(crate) fn is_host_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !name.is_empty() && name.len() <= 64 && name.chars().all(fits) && !name.starts_with(['-', '.'])
}
