//! Networks of CNI plugins.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use engine::network::cni::{Attachment, Config};
use serde_json::{Map, Value};

use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::link_lists::text;
use crate::namespace::minicontain_namespace;
use crate::spec::create;
use crate::text::{borrowed, c_string, given, given_or_none, needed};

/// A network as an administrator wrote it down for CNI plugins, the programs that attach containers for Kubernetes, Podman
/// and others: see https://www.cni.dev/docs/spec/. Plugins are looked for in `CNI_PATH`,
/// `/opt/cni/bin` and `/usr/lib/cni`, and run in the network namespace of the calling thread, which is the host to them.
/// Any number of threads may use it at once. Free it with `minicontain_cni_free`.
///
/// A container is attached with an id, by a network namespace and the name of the interface there, `"eth0"` for `NULL`.
/// What is attached is written down until it is deleted.
pub struct minicontain_cni {
    config: Config,
    name: CString,
}

impl From<Config> for minicontain_cni {
    fn from(config: Config) -> Self {
        Self { name: c_string(config.name()), config }
    }
}

/// What the caller says of a container.
///
/// # Safety
/// The texts are as [`given`] wants them.
unsafe fn attachment(
    id: *const c_char,
    ns: Option<&minicontain_namespace>,
    ifname: *const c_char,
) -> Result<Attachment, Failure> {
    // SAFETY: as this function's.
    let (id, ifname) = unsafe { (given(id, "id")?, given_or_none(ifname, "ifname")?) };
    let attachment = match ns {
        Some(ns) => Attachment::from_fd(id, ns.namespace.as_fd()),
        None => Attachment::new(id, ""),
    };
    Ok(attachment.ifname(ifname.unwrap_or("eth0")))
}

/// Reads a `.conflist` file, or a `.conf` or `.json` file with a single plugin.
///
/// Errors: `MINICONTAIN_CODE_SOURCE_NOT_FOUND` or `MINICONTAIN_CODE_IO` when it cannot be read;
/// `MINICONTAIN_CODE_INVALID_SPEC` when it is no configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cni_load(
    path: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_cni>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let path = unsafe { given(path, "path") }?;
        Ok(Config::load(path)?.into())
    })
}

/// Reads a configuration from its text.
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` when it is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cni_from_json(
    json: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_cni>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let json = unsafe { given(json, "json") }?;
        Ok(Config::parse(json)?.into())
    })
}

/// The network's name. It belongs to the handle.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cni_name(cni: Option<&minicontain_cni>) -> *const c_char {
    borrowed(cni, |cni| Some(&cni.name))
}

/// Attaches a container: ADD of each plugin, in order. When one fails, those that were run are asked to delete.
/// `capabilities` is a JSON object of what only the caller knows, for the plugins that declare that they take it, `NULL`
/// for nothing: `{"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}`. `*out` becomes what the last
/// plugin printed, JSON with interfaces, addresses and routes, to be freed with `minicontain_string_free`.
///
///     minicontain_cni *lab = NULL;
///     char *result = NULL;
///     minicontain_error *error = minicontain_cni_load("/etc/cni/net.d/lab.conflist", &lab);
///     if (!error) error = minicontain_cni_add(lab, "box", net, NULL, NULL, &result);
///     if (!error) error = minicontain_cni_check(lab, "box", net, NULL);
///     if (!error) error = minicontain_cni_delete(lab, "box", net, NULL);
///     minicontain_string_free(result);
///     minicontain_cni_free(lab);
///
/// Errors: `MINICONTAIN_CODE_CNI_FAILED` when a plugin is missing or fails, with what it says;
/// `MINICONTAIN_CODE_NAME_TAKEN` when it is attached already; `MINICONTAIN_CODE_INVALID_SPEC` for what cannot be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cni_add(
    cni: Option<&minicontain_cni>,
    id: *const c_char,
    ns: Option<&minicontain_namespace>,
    ifname: *const c_char,
    capabilities: *const c_char,
    out: Option<&mut MaybeUninit<*mut c_char>>,
) -> Option<Box<minicontain_error>> {
    text(out, || {
        let config = &needed(cni, "cni")?.config;
        // SAFETY: as the caller promises.
        let mut attachment = unsafe { attachment(id, Some(needed(ns, "ns")?), ifname) }?;
        // SAFETY: as the caller promises.
        if let Some(capabilities) = unsafe { given_or_none(capabilities, "capabilities") }? {
            let read: Result<Map<String, Value>, _> = serde_json::from_str(capabilities);
            let all = read.map_err(|error| {
                Failure::fault("capabilities", error.to_string(), "write {\"NAME\": VALUE, ...} in JSON")
            })?;
            for (name, value) in all {
                attachment = attachment.capability(&name, value);
            }
        }
        Ok(attachment.add(config)?.json.to_string())
    })
}

/// Checks that what was made for a container is still there: CHECK of each plugin, with what it was attached with.
///
/// Errors: `MINICONTAIN_CODE_CNI_FAILED` when a plugin finds something amiss, or it is not attached;
/// `MINICONTAIN_CODE_NAMESPACE_NOT_FOUND` when its network namespace is gone; `MINICONTAIN_CODE_NOT_SUPPORTED` before
/// version 0.4.0 of CNI.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cni_check(
    cni: Option<&minicontain_cni>,
    id: *const c_char,
    ns: Option<&minicontain_namespace>,
    ifname: *const c_char,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let config = &needed(cni, "cni")?.config;
        // SAFETY: as the caller promises.
        let attachment = unsafe { attachment(id, Some(needed(ns, "ns")?), ifname) }?;
        Ok(attachment.check(config)?)
    })
}

/// Detaches a container: DEL of each plugin, in reverse order, with what it was attached with. It may be asked again and
/// again; `ns` is `NULL` when the network namespace is gone.
///
/// Errors: `MINICONTAIN_CODE_CNI_FAILED` when a plugin is missing or fails: what is written down stays, to be tried again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_cni_delete(
    cni: Option<&minicontain_cni>,
    id: *const c_char,
    ns: Option<&minicontain_namespace>,
    ifname: *const c_char,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let config = &needed(cni, "cni")?.config;
        // SAFETY: as the caller promises.
        let attachment = unsafe { attachment(id, ns, ifname) }?;
        Ok(attachment.delete(config)?)
    })
}

/// Frees the handle. What is attached stays. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_cni_free(cni: Option<Box<minicontain_cni>>) {
    guard::infallible((), || drop(cni));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_cni>();
};
