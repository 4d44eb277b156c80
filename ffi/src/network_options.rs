//! What a network shall be.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use engine::network::NetworkOptions;

use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::link_create::address_or_none;
use crate::spec::create;
use crate::text::{given_or_none, needed};

/// What a network shall be. Plain data: it can be used for any number of networks, and values are checked when one is
/// made. Any number of threads may read it at once; a thread that changes it must be alone with it. Free it with
/// `minicontain_network_options_free`.
pub struct minicontain_network_options {
    pub(crate) options: NetworkOptions,
}

/// Changes options.
fn change(
    options: Option<&mut minicontain_network_options>,
    set: impl FnOnce(&mut NetworkOptions) -> Result<(), Failure>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| set(&mut needed(options, "options")?.options))
}

/// Makes options with every default: addresses that are free, no way out of the host, gone with this process.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_options_new(
    out: Option<&mut MaybeUninit<Option<Box<minicontain_network_options>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(minicontain_network_options { options: NetworkOptions::default() }))
}

/// Sets its addresses, `"10.16.8.0/24"`; the gateway is the first, or the one that is named (`"10.16.8.254/24"`). `NULL` for
/// the default, the first of 10.89.0.0/16 that is free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_network_options_set_subnet(
    options: Option<&mut minicontain_network_options>,
    subnet: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(options, |options| {
        // SAFETY: as the caller promises.
        options.subnet = unsafe { given_or_none(subnet, "subnet") }?.map(String::from);
        Ok(())
    })
}

/// Sets its addresses of IPv6, `"fd00:16:8::/64"`; `NULL` for none, which is the default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_network_options_set_subnet6(
    options: Option<&mut minicontain_network_options>,
    subnet: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(options, |options| {
        // SAFETY: as the caller promises.
        options.subnet6 = unsafe { given_or_none(subnet, "subnet") }?.map(String::from);
        Ok(())
    })
}

/// Sets the largest packet, in bytes; 0 for the default, the kernel's.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_options_set_mtu(
    options: Option<&mut minicontain_network_options>,
    mtu: u32,
) -> Option<Box<minicontain_error>> {
    change(options, |options| {
        options.mtu = (mtu != 0).then_some(mtu);
        Ok(())
    })
}

/// Says whether containers reach what the host reaches, behind the host's address, which is off by default. The host must
/// forward packets for that; `forward` says whether that is switched on, on the whole host, where it is off. See
/// `ip_forward` in ip(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_options_set_nat(
    options: Option<&mut minicontain_network_options>,
    nat: bool,
    forward: bool,
) -> Option<Box<minicontain_error>> {
    change(options, |options| {
        (options.nat, options.forward) = (nat, forward);
        Ok(())
    })
}

/// Adds a DNS server that containers ask, `"10.16.8.53"`. Without any they ask the host's own that they can reach, or none
/// where there is no NAT. See resolv.conf(5).
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` when it is no address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_network_options_add_dns(
    options: Option<&mut minicontain_network_options>,
    server: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(options, |options| {
        // SAFETY: as the caller promises.
        let server = unsafe { address_or_none(server, "server") }?;
        options.dns.push(needed(server, "server")?);
        Ok(())
    })
}

/// Says whether programs that ask a DNS server, and do not read `/etc/hosts` (dig, nginx), find the names of containers as
/// well, which is off by default: each container's init answers at 127.0.0.11:53, by UDP, and asks the servers (three at
/// most) for all else. It takes that port of the container: who binds 0.0.0.0:53 there meets `EADDRINUSE`, and has to bind
/// another address. A container on such a network needs an init in a PID namespace of its own, and a loopback.
///
/// See resolv.conf(5). `minicontain_network_create` fails with `MINICONTAIN_CODE_INVALID_SPEC` when 127.0.0.11 is one of
/// the servers.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_options_set_resolver(
    options: Option<&mut minicontain_network_options>,
    resolver: bool,
) -> Option<Box<minicontain_error>> {
    change(options, |options| {
        options.resolver = resolver;
        Ok(())
    })
}

/// Says whether it stays when this process ends, until it is removed, which is off by default: the next process that makes
/// or lists networks sweeps it away. An ordinary user's cannot stay.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_options_set_persistent(
    options: Option<&mut minicontain_network_options>,
    persistent: bool,
) -> Option<Box<minicontain_error>> {
    change(options, |options| {
        options.persistent = persistent;
        Ok(())
    })
}

/// Frees options. Networks that were made with them stay. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_network_options_free(options: Option<Box<minicontain_network_options>>) {
    guard::infallible((), || drop(options));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_network_options>();
};
