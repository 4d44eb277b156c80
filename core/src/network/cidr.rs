//! An address with the length of its network's prefix.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::spec::Fault;

/// An address and how many of its bits name the network: `10.16.8.1/24`, `fd00::1/64`.
///
/// ```
/// use minicontain::network::Cidr;
/// let address: Cidr = "10.16.8.1/24".parse()?;
/// assert_eq!(address.network().to_string(), "10.16.8.0/24");
/// assert_eq!(address.broadcast().unwrap().to_string(), "10.16.8.255");
/// assert!(address.contains("10.16.8.77".parse().unwrap()));
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Every IPv4 address: the destination of a default route.
    pub const ALL_V4: Self = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix: 0 };
    /// Every IPv6 address.
    pub const ALL_V6: Self = Self { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), prefix: 0 };

    /// An address in a network whose prefix has this length.
    ///
    /// # Errors
    /// [`Error::Spec`] when the prefix is longer than the address.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, Error> {
        let longest = bits(address);
        if prefix > longest {
            let problem = format!("a prefix of {prefix} bits is longer than the address {address}");
            return Err(fault(problem, format!("write /0 to /{longest}")));
        }
        Ok(Self { address, prefix })
    }

    /// One address alone: /32 or /128.
    #[must_use]
    pub const fn host(address: IpAddr) -> Self {
        Self { address, prefix: bits(address) }
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits name the network.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The network: the address with all other bits zero.
    #[must_use]
    pub fn network(&self) -> Self {
        Self { address: self.with_host_bits(false), prefix: self.prefix }
    }

    /// The address that reaches everybody in the network; none for IPv6, and none where there is room for two hosts or one.
    #[must_use]
    pub fn broadcast(&self) -> Option<IpAddr> {
        (self.address.is_ipv4() && self.prefix < 31).then(|| self.with_host_bits(true))
    }

    /// Whether an address is in the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.overlaps(&Self::host(address))
    }

    /// Whether two networks have addresses in common: one is in the other then.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let prefix = self.prefix.min(other.prefix);
        let cut = |one: &Self| Self { address: one.address, prefix }.network();
        self.address.is_ipv4() == other.address.is_ipv4() && cut(self) == cut(other)
    }

    /// The address with every bit that is not of the prefix one or zero.
    fn with_host_bits(&self, ones: bool) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
                let bits = address.to_bits();
                Ipv4Addr::from_bits(if ones { bits | host } else { bits & !host }).into()
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
                let bits = address.to_bits();
                Ipv6Addr::from_bits(if ones { bits | host } else { bits & !host }).into()
            }
        }
    }
}

const fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn fault(problem: String, fix: impl Into<String>) -> Error {
    Error::Spec(vec![Fault::new("address", problem, fix)])
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = Error;

    /// An address without a prefix is that host alone, as ip(8) has it.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            let problem = format!("'{}' is no address with a prefix", text.escape_debug());
            fault(problem, "write it as 10.16.8.1/24 or fd00::1/64")
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        match prefix {
            // A sign or a blank is no digit, though a number may have one elsewhere.
            Some(digits) if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(wrong())
            }
            Some(digits) => Self::new(address, digits.parse().unwrap_or(u8::MAX)),
            None => Ok(Self::host(address)),
        }
    }
}

impl TryFrom<String> for Cidr {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Cidr;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn text_and_back() {
        for text in ["10.16.8.1/24", "0.0.0.0/0", "255.255.255.255/32", "fd00::1/64", "::/0", "::1/128"] {
            assert_eq!(cidr(text).to_string(), text);
        }
        assert_eq!(cidr("10.1.2.3").to_string(), "10.1.2.3/32");
        assert_eq!(cidr("fd00::1").to_string(), "fd00::1/128");
        assert_eq!(serde_json::to_string(&cidr("10.0.0.1/8")).expect("text"), "\"10.0.0.1/8\"");
        assert_eq!(serde_json::from_str::<Cidr>("\"10.0.0.1/8\"").expect("a cidr"), cidr("10.0.0.1/8"));
    }

    #[test]
    fn what_is_none_names_the_field() {
        let wrong = [
            "",
            "/",
            "/24",
            "10.0.0.1/",
            "10.0.0.1/33",
            "10.0.0.1/-1",
            "10.0.0.1/+8",
            "10.0.0.1/ 8",
            "10.0.0/8",
            "10.0.0.256/8",
            "fd00::1/129",
            "fd00::1/999",
            "host/24",
            "10.0.0.1/24/8",
            "10.0.0.1 /8",
            "10.0.0.1/0x8",
        ];
        for text in wrong {
            let error = text.parse::<Cidr>().expect_err(text);
            assert_eq!(error.faults()[0].field, "address", "{text}");
        }
    }

    #[test]
    fn networks_and_broadcasts() {
        assert_eq!(cidr("10.16.8.77/20").network(), cidr("10.16.0.0/20"));
        assert_eq!(cidr("10.16.8.77/32").network(), cidr("10.16.8.77/32"));
        assert_eq!(cidr("10.16.8.77/0").network(), Cidr::ALL_V4);
        assert_eq!(cidr("fd00:1:2:3::9/48").network(), cidr("fd00:1:2::/48"));
        assert_eq!(cidr("fd00::9/0").network(), Cidr::ALL_V6);
        let broadcast = |text| cidr(text).broadcast().map(|address| address.to_string());
        assert_eq!(broadcast("10.16.8.1/24").as_deref(), Some("10.16.8.255"));
        assert_eq!(broadcast("10.16.8.1/30").as_deref(), Some("10.16.8.3"));
        assert_eq!(
            (broadcast("10.16.8.1/31"), broadcast("10.16.8.1/32"), broadcast("fd00::1/64")),
            (None, None, None)
        );
    }

    #[test]
    fn what_is_inside_and_what_overlaps() {
        let net = cidr("10.16.8.1/24");
        assert!(net.contains("10.16.8.255".parse().expect("an address")));
        assert!(!net.contains("10.16.9.0".parse().expect("an address")));
        assert!(!net.contains("fd00::1".parse().expect("an address")));
        assert!(Cidr::ALL_V4.contains("1.2.3.4".parse().expect("an address")));
        assert!(net.overlaps(&cidr("10.16.0.0/16")) && cidr("10.16.0.0/16").overlaps(&net));
        assert!(!net.overlaps(&cidr("10.16.9.0/24")) && !net.overlaps(&Cidr::ALL_V6));
        assert!(cidr("fd00::/8").overlaps(&cidr("fd12::1/128")));
    }
}
