//! What a link is like, what went through it, and what was done with it.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;

use engine::network::LinkState;

use crate::error::minicontain_error;
use crate::guard;
use crate::link::minicontain_link;
use crate::link_lists::text;
use crate::spec::create;
use crate::strings::minicontain_strings;
use crate::text::{borrowed, c_string, needed, number};

/// A link as it was when it was asked, all at one moment. Any thread may read it. Free it with
/// `minicontain_link_state_free`.
pub struct minicontain_link_state {
    state: LinkState,
    name: CString,
    kind: CString,
    operstate: CString,
    mac: CString,
    qdisc: CString,
}

/// What a link counts, for `minicontain_link_state_counter`. Numbers are never used again for something else.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum minicontain_counter {
    /// Bytes received.
    RxBytes = 0,
    /// Packets received.
    RxPackets = 1,
    /// Packets that were received with an error.
    RxErrors = 2,
    /// Packets received and dropped for want of room or of somebody to take them.
    RxDropped = 3,
    /// Bytes sent.
    TxBytes = 4,
    /// Packets sent.
    TxPackets = 5,
    /// Packets that could not be sent for an error.
    TxErrors = 6,
    /// Packets dropped on the way out.
    TxDropped = 7,
    /// Multicast packets received.
    Multicast = 8,
    /// Collisions.
    Collisions = 9,
}

impl From<LinkState> for minicontain_link_state {
    fn from(state: LinkState) -> Self {
        Self {
            name: c_string(state.name.as_str()),
            kind: c_string(state.kind.as_deref().unwrap_or_default()),
            operstate: c_string(state.operstate.name()),
            mac: c_string(state.mac.map(|mac| mac.to_string()).unwrap_or_default()),
            qdisc: c_string(state.qdisc.as_deref().unwrap_or_default()),
            state,
        }
    }
}

/// Asks the kernel what a link is like: `ip -s link show dev LINK`. Free `*out` with `minicontain_link_state_free`.
///
///     minicontain_link_state *state = NULL;
///     minicontain_error *error = minicontain_link_state_of(link, &state);
///     if (!error) puts(minicontain_link_state_up(state) ? "up" : "down");
///     minicontain_link_state_free(state);
///
/// Errors: `MINICONTAIN_CODE_LINK_NOT_FOUND` when it was deleted, or moved by others. See rtnetlink(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_of(
    link: Option<&minicontain_link>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link_state>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(needed(link, "link")?.link.state()?.into()))
}

/// The same of the other end of a veth, wherever that is. `*out` stays `NULL` for other kinds, which is no error.
///
/// Errors: as `minicontain_link_state_of`; `MINICONTAIN_CODE_PERMISSION_DENIED` when the caller may not look there.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_of_peer(
    link: Option<&minicontain_link>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link_state>>>>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(None);
        let peer = needed(link, "link")?.link.peer()?;
        *place = peer.map(|(state, _)| Box::new(state.into()));
        Ok(())
    })
}

/// Its name. It belongs to the state.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_name(state: Option<&minicontain_link_state>) -> *const c_char {
    borrowed(state, |state| Some(&state.name))
}

/// Its number in the namespace; 0 for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_index(state: Option<&minicontain_link_state>) -> u32 {
    number(state, 0, |state| state.state.index)
}

/// Its kind as the kernel names it: `"veth"`, `"bridge"`, ..., `"tun"` for TAP, too; `""` for the loopback and for
/// hardware. It belongs to the state.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_kind(state: Option<&minicontain_link_state>) -> *const c_char {
    borrowed(state, |state| Some(&state.kind))
}

/// Whether it is switched on.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_up(state: Option<&minicontain_link_state>) -> bool {
    number(state, false, |state| state.state.up)
}

/// Whether it can carry packets, as ip-link(8) says it in small letters: `"up"`, `"down"`, `"lowerlayerdown"` (the other
/// end is off), `"unknown"` (that of the loopback), .... It belongs to the state.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_operstate(state: Option<&minicontain_link_state>) -> *const c_char {
    borrowed(state, |state| Some(&state.operstate))
}

/// The largest packet that it carries, in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_mtu(state: Option<&minicontain_link_state>) -> u32 {
    number(state, 0, |state| state.state.mtu)
}

/// Its own address, `"02:00:00:00:00:01"`; `""` where it has none. It belongs to the state.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_mac(state: Option<&minicontain_link_state>) -> *const c_char {
    borrowed(state, |state| Some(&state.mac))
}

/// The number of the bridge or other link that it is part of; 0 where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_master(state: Option<&minicontain_link_state>) -> u32 {
    number(state, 0, |state| state.state.master.unwrap_or(0))
}

/// The number of the link below it, or of the other end of a veth, each in its own namespace; 0 where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_lower(state: Option<&minicontain_link_state>) -> u32 {
    number(state, 0, |state| state.state.lower.map_or(0, |lower| lower.index))
}

/// What decides which packet is sent next: `"noqueue"`, `"tbf"` for one with a limit, ..., see tc(8); `""` where the
/// kernel does not say. It belongs to the state.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_qdisc(state: Option<&minicontain_link_state>) -> *const c_char {
    borrowed(state, |state| Some(&state.qdisc))
}

/// What it counted since it was made, `counter` of `minicontain_counter`; `UINT64_MAX` if there is no such counter.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_counter(
    state: Option<&minicontain_link_state>,
    counter: i32,
) -> u64 {
    number(state, u64::MAX, |state| {
        let counted = state.state.statistics;
        // In the order of their numbers.
        let all = [
            counted.rx_bytes,
            counted.rx_packets,
            counted.rx_errors,
            counted.rx_dropped,
            counted.tx_bytes,
            counted.tx_packets,
            counted.tx_errors,
            counted.tx_dropped,
            counted.multicast,
            counted.collisions,
        ];
        usize::try_from(counter).ok().and_then(|index| all.get(index).copied()).unwrap_or(u64::MAX)
    })
}

/// Frees it, with its texts. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_state_free(state: Option<Box<minicontain_link_state>>) {
    guard::infallible((), || drop(state));
}

/// Lists the addresses of a link, with the lengths of their prefixes: `"10.16.8.1/24"`. Free `*out` with
/// `minicontain_strings_free`.
///
/// Errors: as `minicontain_link_state_of`. See ip-address(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_addresses(
    link: Option<&minicontain_link>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_strings>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(minicontain_strings::from_iter(needed(link, "link")?.link.addresses()?)))
}

/// What a link is like, with its addresses, as JSON: `{"name": "veth0", "index": 2, "kind": "veth", "up": true, ...}`. Free
/// `*out` with `minicontain_string_free`.
///
/// Errors: as `minicontain_link_state_of`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_describe(
    link: Option<&minicontain_link>,
    out: Option<&mut MaybeUninit<*mut c_char>>,
) -> Option<Box<minicontain_error>> {
    text(out, || Ok(serde_json::to_string(&needed(link, "link")?.link.describe()?).unwrap_or_default()))
}

/// What was done through this handle, refused changes too, as the commands of ip(8) and tc(8) that do the same: the last
/// 256. Nothing, for `NULL`. Free it with `minicontain_strings_free`.
///
///     minicontain_strings *done = minicontain_link_history(veth0);
///     for (i = 0; i < minicontain_strings_count(done); i++)
///         puts(minicontain_strings_at(done, i));
///     minicontain_strings_free(done);
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_history(
    link: Option<&minicontain_link>,
) -> Option<Box<minicontain_strings>> {
    guard::infallible(None, || link.map(|link| Box::new(minicontain_strings::from_iter(link.link.history()))))
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_link_state>();
};
