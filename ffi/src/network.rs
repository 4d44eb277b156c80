//! Networks for containers.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;

use engine::network::{Network, NetworkOptions};

use crate::error::minicontain_error;
use crate::guard;
use crate::link::minicontain_link;
use crate::link_lists::text;
use crate::namespace::minicontain_namespace;
use crate::network_options::minicontain_network_options;
use crate::spec::create;
use crate::strings::minicontain_strings;
use crate::text::{borrowed, c_string, given, needed};

/// A network for containers: a bridge, on which they reach each other, by address and by name, and the host. A container
/// is put on it by `minicontain_spec_add_network`. It stays until it is removed, or swept away after its maker's end; an
/// ordinary user's is in namespaces that the handle of its maker holds, and the containers on it. Any number of threads may
/// use it at once. Free it with `minicontain_network_free`.
pub struct minicontain_network {
    network: Network,
    name: CString,
    subnet: CString,
    subnet6: CString,
    gateway: CString,
    namespace: minicontain_namespace,
}

impl From<Network> for minicontain_network {
    fn from(network: Network) -> Self {
        Self {
            name: c_string(network.name()),
            subnet: c_string(network.subnet().to_string()),
            subnet6: c_string(network.subnet6().map(|subnet| subnet.to_string()).unwrap_or_default()),
            gateway: c_string(network.gateway().to_string()),
            namespace: network.namespace().clone().into(),
            network,
        }
    }
}

/// Makes a network; `options` may be `NULL` for every default. An ordinary user's is in namespaces of its own.
///
///     minicontain_network_options *options = NULL;
///     minicontain_network *lab = NULL;
///     minicontain_error *error = minicontain_network_options_new(&options);
///     if (!error) error = minicontain_network_options_set_subnet(options, "10.16.8.0/24");
///     if (!error) error = minicontain_network_create("lab", options, &lab);
///     if (!error) error = minicontain_spec_add_network(spec, "lab", NULL, NULL, 0);
///     if (!error) error = minicontain_run(spec, NULL, 0, -1, &result);
///     if (!error) error = minicontain_network_remove(lab);
///
/// Errors: `MINICONTAIN_CODE_NAME_TAKEN`; `MINICONTAIN_CODE_ADDRESS_IN_USE` when the subnet overlaps another one or a route
/// of the host; `MINICONTAIN_CODE_FORWARDING_OFF`; `MINICONTAIN_CODE_NOT_SUPPORTED` without nftables, or pasta for an ordinary
/// user, where that is needed; `MINICONTAIN_CODE_INVALID_SPEC` when it cannot be. See bridge(8), nft(8), pasta(1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_network_create(
    name: *const c_char,
    options: Option<&minicontain_network_options>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_network>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        let default = NetworkOptions::default();
        let options = options.map_or(&default, |options| &options.options);
        Ok(Network::create(name, options)?.into())
    })
}

/// Finds a network of this user by its name, whoever made it.
///
/// Errors: `MINICONTAIN_CODE_NETWORK_NOT_FOUND`, also when it is in another network namespace than the calling thread;
/// `MINICONTAIN_CODE_INVALID_SPEC` when it cannot be a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_network_open(
    name: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_network>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        Ok(Network::open(name)?.into())
    })
}

/// Lists the names of this user's networks, those that the calling thread could open. Free `*out` with
/// `minicontain_strings_free`.
///
/// Errors: `MINICONTAIN_CODE_PERMISSION_DENIED` when they may not be read.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_networks(
    out: Option<&mut MaybeUninit<Option<Box<minicontain_strings>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(Network::list()?.iter().map(Network::name).collect()))
}

/// Removes it: the bridge, its addresses, its rules, and what was written down. The handle stays to be freed.
///
/// Errors: `MINICONTAIN_CODE_STILL_RUNS` while containers are on it; `MINICONTAIN_CODE_PERMISSION_DENIED`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_remove(
    network: Option<&minicontain_network>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(needed(network, "network")?.network.remove()?))
}

/// Its name. It belongs to the handle.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_name(network: Option<&minicontain_network>) -> *const c_char {
    borrowed(network, |network| Some(&network.name))
}

/// Its addresses, `"10.16.8.0/24"`. It belongs to the handle.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_subnet(network: Option<&minicontain_network>) -> *const c_char {
    borrowed(network, |network| Some(&network.subnet))
}

/// Its addresses of IPv6; `""` where it has none. It belongs to the handle.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_subnet6(network: Option<&minicontain_network>) -> *const c_char {
    borrowed(network, |network| Some(&network.subnet6))
}

/// The host's address on it, `"10.16.8.1"`. It belongs to the handle.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_gateway(network: Option<&minicontain_network>) -> *const c_char {
    borrowed(network, |network| Some(&network.gateway))
}

/// The namespace that the bridge is in: the one that it was made from, or one that was made for an ordinary user. It
/// belongs to the handle; `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_namespace(
    network: Option<&minicontain_network>,
) -> Option<&minicontain_namespace> {
    guard::infallible(None, || network.map(|network| &network.namespace))
}

/// Finds its bridge. Free `*out` with `minicontain_link_free`.
///
/// Errors: `MINICONTAIN_CODE_NETWORK_NOT_FOUND` when somebody removed it.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_bridge(
    network: Option<&minicontain_network>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_link>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(needed(network, "network")?.network.bridge()?.into()))
}

/// Lists the names on it as its containers see them, each with what it stands for, as hosts(5) has it: `"10.16.8.2 web"`.
/// Free `*out` with `minicontain_strings_free`.
///
/// Errors: `MINICONTAIN_CODE_NETWORK_NOT_FOUND` when it was removed.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_names(
    network: Option<&minicontain_network>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_strings>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let names = needed(network, "network")?.network.names()?;
        Ok(names.iter().map(|(name, address)| format!("{address} {name}")).collect())
    })
}

/// Its rules, as nft(8) lists them; `""` where it has none. Free `*out` with `minicontain_string_free`.
///
/// Errors: `MINICONTAIN_CODE_NETWORK_NOT_FOUND` when they are gone; `MINICONTAIN_CODE_NOT_SUPPORTED` without nft.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_rules(
    network: Option<&minicontain_network>,
    out: Option<&mut MaybeUninit<*mut c_char>>,
) -> Option<Box<minicontain_error>> {
    text(out, || Ok(needed(network, "network")?.network.rules()?))
}

/// What it is, who is on it, its rules, and everything that `minicontain_links_describe` writes, as JSON. Free `*out`
/// with `minicontain_string_free`.
///
/// Errors: as `minicontain_links_of`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_describe(
    network: Option<&minicontain_network>,
    out: Option<&mut MaybeUninit<*mut c_char>>,
) -> Option<Box<minicontain_error>> {
    text(out, || {
        Ok(serde_json::to_string(&needed(network, "network")?.network.describe()?).unwrap_or_default())
    })
}

/// Frees the handle. The network stays: `minicontain_network_remove`. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_free(network: Option<Box<minicontain_network>>) {
    guard::infallible((), || drop(network));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_network>();
};
