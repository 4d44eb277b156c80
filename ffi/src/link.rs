//! Links: the network interfaces of a namespace.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::str::FromStr;

use engine::Error;
use engine::network::{Link, Netlink};

use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::namespace::minicontain_namespace;
use crate::spec::create;
use crate::text::{borrowed, c_string, given, needed, number};

/// A link, which is a network interface in a network namespace, whether or not the caller is in that; see netdevice(7).
/// The handle says which it is: the link stays when that is freed, and goes with its namespace. Any number of threads may
/// use it at once; who renames or moves it must be alone with it. Free it with `minicontain_link_free`, except those of a
/// `minicontain_links`, which belong to it.
///
/// A network namespace is that of the calling thread where it is `NULL`, as everywhere here. Changes need
/// CAP_NET_ADMIN in the user namespace that owns it: an ordinary user makes a user namespace, and the network namespace in
/// it by `minicontain_namespace_create_in`.
///
/// Errors of every change are `MINICONTAIN_CODE_PERMISSION_DENIED` without that, and `MINICONTAIN_CODE_LINK_NOT_FOUND` when
/// the link was deleted, or moved by others. Their text has the command of ip(8) or tc(8) that does the same, and what
/// the kernel says.
pub struct minicontain_link {
    pub(crate) link: Link,
    name: CString,
}

impl From<Link> for minicontain_link {
    fn from(link: Link) -> Self {
        Self { name: c_string(link.known_name()), link }
    }
}

impl minicontain_link {
    /// Changes what the handle stands for, and its name with it.
    fn change(&mut self, set: impl FnOnce(&mut Link) -> Result<(), Error>) -> Result<(), Failure> {
        set(&mut self.link)?;
        self.name = c_string(self.link.known_name());
        Ok(())
    }
}

/// A socket in a network namespace, `None` for the calling thread's.
pub(crate) fn netlink(ns: Option<&minicontain_namespace>) -> Result<Netlink, Failure> {
    Ok(ns.map_or_else(Netlink::here, |ns| Netlink::of(&ns.namespace))?)
}

/// Does something with a link that has no answer.
pub(crate) fn with(
    link: Option<&minicontain_link>,
    act: impl FnOnce(&Link) -> Result<(), Failure>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| act(&needed(link, "link")?.link))
}

/// Reads what the caller gave as a text: an address, a route.
///
/// # Safety
/// `text` is as [`given`] wants it.
pub(crate) unsafe fn parsed<T: FromStr<Err = Error>>(
    text: *const c_char,
    name: &'static str,
) -> Result<T, Failure> {
    // SAFETY: as this function's.
    Ok(unsafe { given(text, name) }?.parse()?)
}

/// Finds the link of that name: `"lo"`.
///
///     minicontain_link *lo = NULL;
///     minicontain_error *error = minicontain_link_get(net, "lo", &lo);
///     if (!error) error = minicontain_link_up(lo);
///     minicontain_link_free(lo);
///
/// Errors: `MINICONTAIN_CODE_LINK_NOT_FOUND`; `MINICONTAIN_CODE_PERMISSION_DENIED` when the caller may not enter the
/// namespace; `MINICONTAIN_CODE_INVALID_SPEC` when it cannot be a name, or `ns` is of another kind. See ip-link(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_get(
    ns: Option<&minicontain_namespace>,
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        Ok(netlink(ns)?.link(name)?.into())
    })
}

/// Its name when the handle last saw it: when it was found, renamed or moved. It belongs to the handle, until that.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_name(link: Option<&minicontain_link>) -> *const c_char {
    borrowed(link, |link| Some(&link.name))
}

/// Its number in the namespace, as if_nametoindex(3) gives it; 0 for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_index(link: Option<&minicontain_link>) -> u32 {
    number(link, 0, |link| link.link.index())
}

/// The namespace that it is in, as a handle of its own, to be freed with `minicontain_namespace_free`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_namespace(
    link: Option<&minicontain_link>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespace>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(needed(link, "link")?.link.namespace().clone().into()))
}

/// Switches it on: `ip link set dev LINK up`.
///
/// Errors: as for every change. See netdevice(7), `IFF_UP`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_up(link: Option<&minicontain_link>) -> Option<Box<minicontain_error>> {
    with(link, |link| Ok(link.up()?))
}

/// Switches it off; its routes go: `ip link set dev LINK down`.
///
/// Errors: as for every change. See netdevice(7), `IFF_UP`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_down(link: Option<&minicontain_link>) -> Option<Box<minicontain_error>> {
    with(link, |link| Ok(link.down()?))
}

/// Gives it another name, of up to 15 bytes: `ip link set dev LINK name NAME`. Before Linux 6.2 it must be down.
///
/// Errors: as for every change; `MINICONTAIN_CODE_LINK_EXISTS`; `MINICONTAIN_CODE_INVALID_SPEC` when it cannot be a name.
/// See ip-link(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_rename(
    link: Option<&mut minicontain_link>,
    name: *const c_char,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let link = needed(link, "link")?;
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        link.change(|link| link.rename(name))
    })
}

/// Sets the largest packet that it carries, in bytes: `ip link set dev LINK mtu MTU`.
///
/// Errors: as for every change; `MINICONTAIN_CODE_IO` when a link of its kind cannot have that. See ip-link(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_set_mtu(
    link: Option<&minicontain_link>,
    mtu: u32,
) -> Option<Box<minicontain_error>> {
    with(link, |link| Ok(link.set_mtu(mtu)?))
}

/// Sets its own address, `"02:00:00:00:00:01"`: `ip link set dev LINK address MAC`.
///
/// Errors: as for every change; `MINICONTAIN_CODE_IO` for a multicast address; `MINICONTAIN_CODE_INVALID_SPEC` when it is
/// none. See ip-link(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_set_mac(
    link: Option<&minicontain_link>,
    mac: *const c_char,
) -> Option<Box<minicontain_error>> {
    with(link, |link| {
        // SAFETY: as the caller promises.
        let mac = unsafe { parsed(mac, "mac") }?;
        Ok(link.set_mac(mac)?)
    })
}

/// Connects it to a bridge of its namespace, or takes it away, for a `master` of `NULL`: `ip link set dev LINK master BRIDGE`.
///
/// Errors: as for every change; `MINICONTAIN_CODE_IO` when that link can have no others. See bridge(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_set_master(
    link: Option<&minicontain_link>,
    master: Option<&minicontain_link>,
) -> Option<Box<minicontain_error>> {
    with(link, |link| Ok(link.set_master(master.map(|master| &master.link))?))
}

/// Gives it an address with the length of its network's prefix, `"10.16.8.1/24"` or `"fd00::1/64"`: `ip address add`.
///
/// Errors: as for every change; `MINICONTAIN_CODE_ADDRESS_IN_USE` when it has it; `MINICONTAIN_CODE_INVALID_SPEC` when it
/// is none. See ip-address(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_add_address(
    link: Option<&minicontain_link>,
    address: *const c_char,
) -> Option<Box<minicontain_error>> {
    with(link, |link| {
        // SAFETY: as the caller promises.
        let address = unsafe { parsed(address, "address") }?;
        Ok(link.add_address(&address)?)
    })
}

/// Takes an address away: `ip address del`.
///
/// Errors: as for every change; `MINICONTAIN_CODE_IO` when it does not have it; `MINICONTAIN_CODE_INVALID_SPEC` when it is
/// none. See ip-address(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_link_remove_address(
    link: Option<&minicontain_link>,
    address: *const c_char,
) -> Option<Box<minicontain_error>> {
    with(link, |link| {
        // SAFETY: as the caller promises.
        let address = unsafe { parsed(address, "address") }?;
        Ok(link.remove_address(&address)?)
    })
}

/// Moves it to another network namespace, the calling thread's for `NULL`, and the handle with it: `ip link set dev LINK
/// netns NAME`. It is down there and has no addresses; its number may be another one.
///
/// Errors: as for every change; `MINICONTAIN_CODE_LINK_EXISTS` when that namespace has a link of its name;
/// `MINICONTAIN_CODE_NOT_SUPPORTED` for a kind that stays where it was made, as bridges do. See ip-link(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_move_to(
    link: Option<&mut minicontain_link>,
    ns: Option<&minicontain_namespace>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let link = needed(link, "link")?;
        let there = match ns {
            Some(ns) => ns.namespace.clone(),
            None => Netlink::here()?.namespace().clone(),
        };
        link.change(|link| link.move_to(&there))
    })
}

/// Deletes it; of a veth, the other end goes too: `ip link del`. The handle stays to be freed.
///
/// Errors: as for every change; `MINICONTAIN_CODE_NOT_SUPPORTED` for the loopback and for hardware. See ip-link(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_delete(link: Option<&minicontain_link>) -> Option<Box<minicontain_error>> {
    with(link, |link| Ok(link.delete()?))
}

/// Frees the handle. The link stays: `minicontain_link_delete`. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_link_free(link: Option<Box<minicontain_link>>) {
    guard::infallible((), || drop(link));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_link>();
};
