//! How fast and how late a link sends: queueing disciplines, tc(8), of which a link has one at its root.

use std::time::Duration;

use netlink_packet_core::{DefaultNla, Emitable};
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage};

use crate::error::Error;
use crate::spec::Fault;

/// Of `linux/pkt_sched.h`.
const TCA_OPTIONS: u16 = 2;
const TCA_TBF_PARMS: u16 = 1;
const TCA_TBF_RATE64: u16 = 4;
const TCA_TBF_BURST: u16 = 6;
const TC_LINKLAYER_ETHERNET: u8 = 1;
/// The kernel counts time for queues in ticks of 64 nanoseconds.
const TICK: u128 = 64;
/// How many packets netem keeps, as tc(8) has it.
const NETEM_LIMIT: u32 = 1000;

/// How fast a link may send: tc-tbf(8). What it receives is limited at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Bits in a second.
    pub rate: u64,
    /// How many bytes may be sent at once after a silence; at least a packet.
    pub burst: u32,
    /// How long a packet may wait; what would wait longer is dropped.
    pub latency: Duration,
}

impl RateLimit {
    /// A rate with a burst of 32 KiB (or 10 ms of the rate where that is more), and up to 50 ms of waiting.
    #[must_use]
    pub fn bits(rate: u64) -> Self {
        let burst = u32::try_from(rate / 8 / 100).unwrap_or(u32::MAX).max(32 << 10);
        Self { rate, burst, latency: Duration::from_millis(50) }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        let fault = |field, problem: &str, fix| Err(Error::Spec(vec![Fault::new(field, problem, fix)]));
        if self.rate < 8 {
            fault("rate", "less than a byte in a second is no rate", "give bits in a second, at least 8")
        } else if self.burst == 0 {
            fault("burst", "nothing could ever be sent", "give at least the MTU")
        } else if self.limit() > u128::from(u32::MAX) {
            fault("latency", "more than 4 GiB would wait", "give less")
        } else {
            Ok(())
        }
    }

    /// How many bytes may wait.
    fn limit(&self) -> u128 {
        u128::from(self.rate / 8) * self.latency.as_nanos() / 1_000_000_000 + u128::from(self.burst)
    }
}

/// How late a link sends: tc-netem(8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// How much later each packet is sent.
    pub delay: Duration,
    /// By how much that differs from packet to packet.
    pub jitter: Duration,
}

impl Delay {
    pub(super) fn validate(&self) -> Result<(), Error> {
        let longest = Duration::from_secs(270);
        for (field, time) in [("delay", self.delay), ("jitter", self.jitter)] {
            if time > longest {
                let problem = format!("{time:?} is more than the kernel counts");
                return Err(Error::Spec(vec![Fault::new(field, problem, "give up to 270 seconds")]));
            }
        }
        Ok(())
    }
}

/// The discipline at a link's root.
pub(super) fn root(index: u32) -> TcMessage {
    let mut message = TcMessage::with_index(index as i32);
    message.header.parent = TcHandle::ROOT;
    message
}

/// Limits the rate. With a rate for ethernet the kernel counts by itself and needs no table of ours.
pub(super) fn limited(index: u32, limit: &RateLimit) -> TcMessage {
    let rate = limit.rate / 8;
    let ticks = u128::from(limit.burst) * 1_000_000_000 / u128::from(rate.max(1)) / TICK;
    let mut parameters = Vec::with_capacity(36);
    parameters.extend([0, TC_LINKLAYER_ETHERNET]);
    parameters.extend([0; 6]);
    parameters.extend(u32::try_from(rate).unwrap_or(u32::MAX).to_ne_bytes());
    parameters.extend([0; 12]);
    parameters.extend((limit.limit() as u32).to_ne_bytes());
    parameters.extend(u32::try_from(ticks).unwrap_or(u32::MAX).to_ne_bytes());
    parameters.extend([0; 4]);
    let attributes = [
        DefaultNla::new(TCA_TBF_PARMS, parameters),
        DefaultNla::new(TCA_TBF_RATE64, rate.to_ne_bytes().into()),
        DefaultNla::new(TCA_TBF_BURST, limit.burst.to_ne_bytes().into()),
    ];
    let mut options = vec![0; attributes.as_slice().buffer_len()];
    attributes.as_slice().emit(&mut options);
    with_options(index, "tbf", options)
}

/// Delays: `struct tc_netem_qopt`.
pub(super) fn delayed(index: u32, delay: &Delay) -> TcMessage {
    let ticks = |time: Duration| u32::try_from(time.as_nanos() / TICK).unwrap_or(u32::MAX);
    let words = [ticks(delay.delay), NETEM_LIMIT, 0, 0, 0, ticks(delay.jitter)];
    with_options(index, "netem", words.iter().flat_map(|word| word.to_ne_bytes()).collect())
}

fn with_options(index: u32, kind: &str, options: Vec<u8>) -> TcMessage {
    let mut message = root(index);
    message.attributes.push(TcAttribute::Kind(kind.into()));
    message.attributes.push(TcAttribute::Other(DefaultNla::new(TCA_OPTIONS, options)));
    message
}
