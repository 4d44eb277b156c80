//! The fields of a spec that are about networks.

use std::ffi::c_char;

use engine::spec::{Attachment, Publish};

use crate::error::{Failure, minicontain_error};
use crate::spec::{change, minicontain_spec};
use crate::text::{given, given_all, given_or_none};

/// Puts the container on a network, by its name, to which `:rate=10mbit` may be added for a link of that speed; or on the one that a CNI configuration describes, by its absolute path.
/// `ip` is its address there, `NULL` for one that is free; `aliases` are `count` names beside its host name by which the
/// others find it. The first network that is added is `eth0` in the container, the next one `eth1`.
///
///     const char *aliases[] = {"db", "database"};
///     error = minicontain_spec_add_network(spec, "lab", "10.16.8.5", aliases, 2);
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` when the address is none of IPv4. That there is such a network is looked at when
/// a plan is made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_add_network(
    spec: Option<&mut minicontain_spec>,
    network: *const c_char,
    ip: *const c_char,
    aliases: *const *const c_char,
    count: usize,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let (network, ip) = unsafe { (given(network, "network")?, given_or_none(ip, "ip")?) };
        // SAFETY: as the caller promises.
        let aliases = unsafe { given_all(aliases, count, "aliases") }?;
        let read = |text: &str| {
            let problem = format!("'{}' is no address of IPv4", text.escape_debug());
            text.parse().map_err(|_| Failure::fault("ip", problem, "write it as 10.16.8.5"))
        };
        let ip = ip.map(read).transpose()?;
        let attachment: Attachment = network
            .parse()
            .map_err(|problem: String| Failure::fault("networks", problem, "write the network's name"))?;
        let aliases = [attachment.aliases, aliases].concat();
        spec.networks.push(Attachment { ip: ip.or(attachment.ip), aliases, ..attachment });
        Ok(())
    })
}

/// Leads a port of the host to one of the container, which must be on a network: `"8080:80"`, `"8080:80/udp"`,
/// `"127.0.0.1:8080:80"`.
///
///     error = minicontain_spec_publish(spec, "8080:80/tcp");
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` when it is no such text. That the port is free is looked at when the container
/// starts: `MINICONTAIN_CODE_ADDRESS_IN_USE`. An ordinary user's is led by pasta(1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_publish(
    spec: Option<&mut minicontain_spec>,
    port: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let port = unsafe { given(port, "port") }?;
        let read: Result<Publish, String> = port.parse();
        let fix = "write [ADDRESS:]HOST:CONTAINER[/udp]";
        spec.publish.push(read.map_err(|problem| Failure::fault("publish", problem, fix))?);
        Ok(())
    })
}
