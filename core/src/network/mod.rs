//! Networks: links, addresses and routes as objects, over rtnetlink(7), in the caller's own process.
//!
//! Everything is about one network namespace, which the caller need not be in: a [`Netlink`] is a socket that belongs to
//! it. [`Link`], [`Route`] and [`Neighbour`] are what it holds, [`describe`] reads all of it at once. Each change knows the
//! shell command that does the same ([`shell`], [`Link::history`]), and an error has it in its text.

mod address;
mod change;
mod cidr;
pub mod cni;
mod describe;
mod failure;
mod history;
mod kind;
pub(crate) mod lan;
mod link;
mod mac;
mod name;
mod neighbour;
mod netlink;
mod peer;
mod qdisc;
mod refusal;
mod route;
pub mod shell;
mod state;
mod statistics;
mod tun;

pub use cidr::Cidr;
pub use describe::{LinkDescription, NetworkState, describe};
pub use history::Done;
pub use kind::{IpvlanMode, LinkKind, MacvlanMode};
pub use lan::{Connected, Network, NetworkDescription, NetworkOptions};
pub use link::Link;
pub use mac::Mac;
pub use neighbour::Neighbour;
pub use netlink::Netlink;
pub use qdisc::{Delay, RateLimit};
pub use route::Route;
pub use state::{LinkState, Lower, OperState};
pub use statistics::Statistics;
