//! Links that are made, a function for each kind.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::net::IpAddr;

use engine::network::{IpvlanMode, LinkKind, MacvlanMode};

use crate::error::{Failure, minicontain_error};
use crate::link::{minicontain_link, netlink};
use crate::namespace::minicontain_namespace;
use crate::spec::create;
use crate::text::{given, given_or_none};

/// The modes that can be chosen, the default first.
const MACVLAN: [MacvlanMode; 4] =
    [MacvlanMode::Bridge, MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Passthru];
const IPVLAN: [IpvlanMode; 3] = [IpvlanMode::L2, IpvlanMode::L3, IpvlanMode::L3s];

/// Where a new handle is written.
type Out<'a> = Option<&'a mut MaybeUninit<Option<Box<minicontain_link>>>>;

/// Makes a link.
///
/// # Safety
/// `name` is as [`given`] wants it, and so is what `kind` reads.
unsafe fn make(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    out: Out<'_>,
    kind: impl FnOnce() -> Result<LinkKind, Failure>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as this function's.
        let name = unsafe { given(name, "name") }?;
        Ok(netlink(ns)?.create(name, &kind()?)?.into())
    })
}

/// The mode of that name; the first one where the caller gave none.
fn mode<T: Copy>(modes: &[T], name: impl Fn(T) -> &'static str, wanted: Option<&str>) -> Result<T, Failure> {
    let wanted = wanted.unwrap_or_else(|| name(modes[0]));
    modes.iter().copied().find(|mode| name(*mode) == wanted).ok_or_else(|| {
        let known: Vec<_> = modes.iter().map(|mode| name(*mode)).collect();
        let problem = format!("there is no mode '{}'", wanted.escape_debug());
        Failure::fault("mode", problem, &format!("use one of {}", known.join(", ")))
    })
}

/// Reads an address that the caller may have given.
///
/// # Safety
/// `address` is as [`given_or_none`] wants it.
pub(crate) unsafe fn address_or_none(
    address: *const c_char,
    name: &'static str,
) -> Result<Option<IpAddr>, Failure> {
    // SAFETY: as this function's.
    let address = unsafe { given_or_none(address, name) }?;
    let read = |text: &str| {
        let problem = format!("'{}' is no address", text.escape_debug());
        text.parse().map_err(|_| Failure::fault(name, problem, "write it as 10.16.8.1 or fd00::1"))
    };
    address.map(read).transpose()
}

/// Makes a veth, one end of a cable, and the other end, `peer`, with it: `ip link add NAME type veth peer name PEER`. The
/// other end is made in `peer_ns`, in the same namespace for `NULL`; to move it there afterwards takes a hundred times
/// longer. It is found by `minicontain_link_get`.
///
///     minicontain_link *veth0 = NULL, *veth1 = NULL;
///     minicontain_error *error = minicontain_link_create_veth(NULL, "veth0", net, "veth1", &veth0);
///     if (!error) error = minicontain_link_add_address(veth0, "10.16.8.1/24");
///     if (!error) error = minicontain_link_up(veth0);
///     if (!error) error = minicontain_link_get(net, "veth1", &veth1);
///
/// Errors, here and for all kinds: `MINICONTAIN_CODE_LINK_EXISTS`; `MINICONTAIN_CODE_PERMISSION_DENIED` without
/// CAP_NET_ADMIN; `MINICONTAIN_CODE_NOT_SUPPORTED` when this kernel has no such links;
/// `MINICONTAIN_CODE_INVALID_SPEC` when it cannot be. See veth(4).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_create_veth(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    peer_ns: Option<&minicontain_namespace>,
    peer: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe {
        make(ns, name, out, || {
            let peer_namespace = peer_ns.map(|ns| ns.namespace.clone());
            Ok(LinkKind::Veth { peer: given(peer, "peer")?.into(), peer_namespace })
        })
    }
}

/// Makes a bridge, which is a switch: `ip link add NAME type bridge`.
///
///     minicontain_link *br0 = NULL;
///     minicontain_error *error = minicontain_link_create_bridge(NULL, "br0", &br0);
///     if (!error) error = minicontain_link_set_master(veth0, br0);
///
/// Errors: as for all kinds. See bridge(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_create_bridge(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { make(ns, name, out, || Ok(LinkKind::Bridge)) }
}

/// Makes a macvlan, a second link with a MAC address of its own on the link `parent`. `mode` says who on that link can
/// talk to whom: `"bridge"` (everybody; so for `NULL`), `"private"` (nobody), `"vepa"` (those who meet on the switch
/// outside) or `"passthru"` (there is one alone).
///
/// Errors: as for all kinds; `MINICONTAIN_CODE_LINK_NOT_FOUND` for the parent. See ip-link(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_create_macvlan(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    parent: *const c_char,
    mode: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe {
        make(ns, name, out, || {
            let mode = self::mode(&MACVLAN, MacvlanMode::name, given_or_none(mode, "mode")?)?;
            Ok(LinkKind::Macvlan { parent: given(parent, "parent")?.into(), mode })
        })
    }
}

/// Makes an ipvlan, a second link with the MAC address of the link `parent`. `mode` says what tells them apart: `"l2"`
/// (addresses, with broadcast and ARP; so for `NULL`), `"l3"` (addresses, routed by the parent's namespace) or `"l3s"`
/// (the same through its firewall).
///
/// Errors: as for all kinds; `MINICONTAIN_CODE_LINK_NOT_FOUND` for the parent. See ip-link(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_create_ipvlan(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    parent: *const c_char,
    mode: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe {
        make(ns, name, out, || {
            let mode = self::mode(&IPVLAN, IpvlanMode::name, given_or_none(mode, "mode")?)?;
            Ok(LinkKind::Ipvlan { parent: given(parent, "parent")?.into(), mode })
        })
    }
}

/// Makes a VLAN, which is what the link `parent` carries with an IEEE 802.1Q tag, 1 to 4094.
///
/// Errors: as for all kinds; `MINICONTAIN_CODE_LINK_NOT_FOUND` for the parent. See ip-link(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_create_vlan(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    parent: *const c_char,
    id: u16,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { make(ns, name, out, || Ok(LinkKind::Vlan { parent: given(parent, "parent")?.into(), id })) }
}

/// Makes a VXLAN, Ethernet in UDP across routed networks, with the network's number, below 2^24. `local` is the address
/// that it sends from, `remote` who is at the other end or the multicast group of all; `parent` is the link below, which a
/// group needs. Each of the three may be `NULL`. A `port` of 0 is 4789, which IANA gave.
///
/// Errors: as for all kinds; `MINICONTAIN_CODE_LINK_NOT_FOUND` for the parent. See ip-link(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_create_vxlan(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    id: u32,
    local: *const c_char,
    remote: *const c_char,
    parent: *const c_char,
    port: u16,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe {
        make(ns, name, out, || {
            Ok(LinkKind::Vxlan {
                id,
                local: address_or_none(local, "local")?,
                remote: address_or_none(remote, "remote")?,
                port: if port == 0 { 4789 } else { port },
                parent: given_or_none(parent, "parent")?.map(String::from),
            })
        })
    }
}

/// Makes a TAP device, Ethernet to and from a program that opens `/dev/net/tun`; it stays without one: `ip tuntap add`.
///
/// Errors: as for all kinds; `MINICONTAIN_CODE_PERMISSION_DENIED`, too, when `/dev/net/tun` is not the caller's to open.
/// See ip-tuntap(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_create_tap(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { make(ns, name, out, || Ok(LinkKind::Tap)) }
}

/// Makes a TUN device, as `minicontain_link_create_tap`, with IP packets.
///
/// Errors: as `minicontain_link_create_tap`. See ip-tuntap(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_create_tun(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { make(ns, name, out, || Ok(LinkKind::Tun)) }
}

/// Makes a link that drops everything: `ip link add NAME type dummy`.
///
/// Errors: as for all kinds. See ip-link(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_create_dummy(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { make(ns, name, out, || Ok(LinkKind::Dummy)) }
}
