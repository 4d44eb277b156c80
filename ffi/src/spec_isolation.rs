//! The fields of a spec that are about namespaces and privileges.

use std::ffi::{c_char, c_int};

use engine::spec::NamespaceSource;

use crate::error::{Failure, minicontain_error};
use crate::namespace::given_kind;
use crate::spec::{change, minicontain_spec};
use crate::text::{given, given_or_none};

/// Sets the host name, 1 to 64 letters, digits, `-` and `.`; `NULL` for the default, `minicontain`, or
/// on a network the container's name or one like `ip-10-16-8-2`. See sethostname(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_hostname(
    spec: Option<&mut minicontain_spec>,
    name: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.hostname = unsafe { given_or_none(name, "name") }?.map(String::from);
        Ok(())
    })
}

/// Sets the NIS domain name; `NULL` to leave it. See setdomainname(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_domainname(
    spec: Option<&mut minicontain_spec>,
    name: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.domainname = unsafe { given_or_none(name, "name") }?.map(String::from);
        Ok(())
    })
}

/// Gives the container a namespace of its own, which is the default. `kind` is `"user"`, `"mnt"`, `"pid"`,
/// `"net"`, `"ipc"`, `"uts"`, `"cgroup"` or `"time"`. See namespaces(7).
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_namespace_new(
    spec: Option<&mut minicontain_spec>,
    kind: *const c_char,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_namespace(spec, kind, || Ok(NamespaceSource::New)) }
}

/// Leaves the container in the caller's namespace of this kind; kinds as in
/// `minicontain_spec_set_namespace_new`.
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_namespace_host(
    spec: Option<&mut minicontain_spec>,
    kind: *const c_char,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_namespace(spec, kind, || Ok(NamespaceSource::Host)) }
}

/// Puts the container into the namespace of a process; kinds as in `minicontain_spec_set_namespace_new`. See
/// setns(2).
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_namespace_pid(
    spec: Option<&mut minicontain_spec>,
    kind: *const c_char,
    pid: i32,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_namespace(spec, kind, || Ok(NamespaceSource::Pid(pid))) }
}

/// Puts the container into the namespace that a file stands for: `/proc/PID/ns/net`, `/run/netns/NAME`; kinds
/// as in `minicontain_spec_set_namespace_new`. It is opened when the container starts. See setns(2).
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_namespace_path(
    spec: Option<&mut minicontain_spec>,
    kind: *const c_char,
    path: *const c_char,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_namespace(spec, kind, || Ok(NamespaceSource::Path(given(path, "path")?.into()))) }
}

/// Puts the container into the namespace that an open descriptor stands for: a namespace's, or a process's
/// (pidfd); kinds as in `minicontain_spec_set_namespace_new`. It stays the caller's, and must be open when
/// the container starts. See setns(2). With a handle, which must live as long:
///
///     error = minicontain_spec_set_namespace_fd(spec, "net", minicontain_namespace_fd(net));
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_namespace_fd(
    spec: Option<&mut minicontain_spec>,
    kind: *const c_char,
    fd: c_int,
) -> Option<Box<minicontain_error>> {
    // SAFETY: as the caller promises.
    unsafe { set_namespace(spec, kind, || Ok(NamespaceSource::Fd(fd))) }
}

/// Sets where the namespace of a kind comes from.
///
/// # Safety
/// `kind` is as [`given`] wants it.
unsafe fn set_namespace(
    spec: Option<&mut minicontain_spec>,
    kind: *const c_char,
    source: impl FnOnce() -> Result<NamespaceSource, Failure>,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as this function's.
        let kind = unsafe { given_kind(kind, "namespaces") }?;
        spec.namespaces.set(kind, source()?);
        Ok(())
    })
}

/// Sets a kernel setting of the container's own namespaces: `"net.ipv4.ip_forward"`, `"1"`. See sysctl(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_sysctl(
    spec: Option<&mut minicontain_spec>,
    name: *const c_char,
    value: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let (name, value) = unsafe { (given(name, "name")?, given(value, "value")?) };
        spec.sysctls.insert(name.into(), value.into());
        Ok(())
    })
}

/// Adds a capability to Docker's default set: `"NET_ADMIN"`, with or without `CAP_`; `"ALL"` for every one.
/// See capabilities(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_cap_add(
    spec: Option<&mut minicontain_spec>,
    name: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.cap_add.push(unsafe { given(name, "name") }?.into());
        Ok(())
    })
}

/// Takes a capability from Docker's default set: `"CHOWN"`, with or without `CAP_`; `"ALL"` for every one.
/// See capabilities(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_cap_drop(
    spec: Option<&mut minicontain_spec>,
    name: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.cap_drop.push(unsafe { given(name, "name") }?.into());
        Ok(())
    })
}

/// Requires that a feature be fully enforced (`"capabilities"`, `"root"`, …, the names in
/// `minicontain_plan_enforced_to_json`): where it cannot be, planning fails with
/// `MINICONTAIN_CODE_NOT_ENFORCED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_require(
    spec: Option<&mut minicontain_spec>,
    feature: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.require.push(unsafe { given(feature, "feature") }?.into());
        Ok(())
    })
}
