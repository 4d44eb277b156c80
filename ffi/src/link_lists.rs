//! What there is of links, addresses and routes in a network namespace.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use engine::network::Route;

use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::link::{minicontain_link, netlink, parsed};
use crate::namespace::minicontain_namespace;
use crate::spec::create;
use crate::strings::minicontain_strings;
use crate::text::{c_string, needed, number};

/// The links of a network namespace, as they were when it was made, by their number. Any thread may read it. Free it with
/// `minicontain_links_free`.
pub struct minicontain_links {
    all: Vec<minicontain_link>,
}

/// Writes a text to `out`, or `NULL` where there is none.
pub(crate) fn text(
    out: Option<&mut MaybeUninit<*mut c_char>>,
    write: impl FnOnce() -> Result<String, Failure>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let place = needed(out, "out")?.write(std::ptr::null_mut());
        *place = c_string(write()?).into_raw();
        Ok(())
    })
}

/// Lists the links of a network namespace, the calling thread's for `NULL`: `ip link`.
///
///     for (i = 0; i < minicontain_links_count(links); i++)
///         puts(minicontain_link_name(minicontain_links_at(links, i)));
///
/// Errors: `MINICONTAIN_CODE_PERMISSION_DENIED` when the caller may not enter the namespace;
/// `MINICONTAIN_CODE_INVALID_SPEC` when it is of another kind. See ip-link(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_links_of(
    ns: Option<&minicontain_namespace>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_links>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(minicontain_links { all: netlink(ns)?.links()?.into_iter().map(Into::into).collect() }))
}

/// How many there are.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_links_count(links: Option<&minicontain_links>) -> usize {
    number(links, 0, |links| links.all.len())
}

/// One of them, `NULL` where `index` is too large. It belongs to the list.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_links_at(
    links: Option<&minicontain_links>,
    index: usize,
) -> Option<&minicontain_link> {
    guard::infallible(None, || links.and_then(|links| links.all.get(index)))
}

/// Frees it, with the handles in it. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_links_free(links: Option<Box<minicontain_links>>) {
    guard::infallible((), || drop(links));
}

/// Everything that is in a network namespace now, as JSON: `{"links": [...], "routes": [...], "neighbours": [...]}`, a
/// link as `minicontain_link_describe` writes it. Free `*out` with `minicontain_string_free`.
///
/// Errors: as `minicontain_links_of`. See rtnetlink(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_links_describe(
    ns: Option<&minicontain_namespace>,
    out: Option<&mut MaybeUninit<*mut c_char>>,
) -> Option<Box<minicontain_error>> {
    text(out, || Ok(serde_json::to_string(&netlink(ns)?.describe()?).unwrap_or_default()))
}

/// Lists the routes of the main table, IPv4 first, as ip-route(8) writes them: `"default via 10.16.8.1 dev veth0"`. Free
/// `*out` with `minicontain_strings_free`.
///
/// Errors: as `minicontain_links_of`. See ip-route(8).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_routes(
    ns: Option<&minicontain_namespace>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_strings>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(minicontain_strings::from_iter(netlink(ns)?.routes()?)))
}

/// Adds a route, written as `minicontain_routes` does: a network or `default`, then any of `via ADDRESS`, `dev LINK`,
/// `src ADDRESS` and `metric NUMBER`. `default` is of the family of the addresses that follow; without one it is IPv4,
/// and `::/0` is every IPv6 address.
///
///     minicontain_error *error = minicontain_route_add(net, "default via 10.16.8.1");
///
/// Errors: `MINICONTAIN_CODE_ADDRESS_IN_USE` when there is such a one; `MINICONTAIN_CODE_LINK_NOT_FOUND` for the link;
/// `MINICONTAIN_CODE_IO` when the gateway cannot be reached; `MINICONTAIN_CODE_PERMISSION_DENIED` without CAP_NET_ADMIN;
/// `MINICONTAIN_CODE_INVALID_SPEC` when it is none. See ip-route(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_route_add(
    ns: Option<&minicontain_namespace>,
    route: *const c_char,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        // SAFETY: as the caller promises.
        let route: Route = unsafe { parsed(route, "route") }?;
        Ok(netlink(ns)?.add_route(&route)?)
    })
}

/// Removes the first route like it; what it does not name may be anything.
///
/// Errors: as `minicontain_route_add`; `MINICONTAIN_CODE_IO` when there is none. See ip-route(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_route_remove(
    ns: Option<&minicontain_namespace>,
    route: *const c_char,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        // SAFETY: as the caller promises.
        let route: Route = unsafe { parsed(route, "route") }?;
        Ok(netlink(ns)?.remove_route(&route)?)
    })
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_links>();
};
