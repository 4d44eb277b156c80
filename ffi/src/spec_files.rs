//! The fields of a spec that are about files.

use std::ffi::c_char;

use engine::spec::{Size, Tmpfs, Volume, word};

use crate::error::minicontain_error;
use crate::spec::{change, minicontain_spec};
use crate::text::{given, given_or_none};

/// Uses a directory of the host as the root file system; `NULL` for the default, the host's own files under a
/// throw-away layer. See pivot_root(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_rootfs(
    spec: Option<&mut minicontain_spec>,
    path: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.rootfs = unsafe { given_or_none(path, "path") }?.map(String::from);
        Ok(())
    })
}

/// Says whether the root file system is read-only. `/tmp`, `/dev/shm`, volumes and tmpfs mounts are not part
/// of it.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_read_only(
    spec: Option<&mut minicontain_spec>,
    read_only: bool,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.read_only = read_only;
        Ok(())
    })
}

/// Says how a directory of the host is seen in the default file system: `access` is `"overlay"` (writes go to
/// the throw-away layer), `"read-only"`, `"hidden"` (an empty directory in its place) or `"full"`.
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such access.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_host_files(
    spec: Option<&mut minicontain_spec>,
    path: *const c_char,
    access: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let (path, access) = unsafe { (given(path, "path")?, given(access, "access")?) };
        spec.host_files.insert(path.into(), word("host_files", access)?);
        Ok(())
    })
}

/// Shows a directory or file of the host inside: both paths absolute. See mount(2), `MS_BIND`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_add_volume(
    spec: Option<&mut minicontain_spec>,
    source: *const c_char,
    target: *const c_char,
    read_only: bool,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let (source, target) = unsafe { (given(source, "source")?, given(target, "target")?) };
        spec.volumes.push(Volume { source: source.into(), target: target.into(), read_only });
        Ok(())
    })
}

/// Mounts a fresh tmpfs inside, at an absolute path: `size` in bytes, 0 for as much as the spec's
/// `storage_size`; `mode` of its root directory (01777 is as `/tmp` has it). See tmpfs(5).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_add_tmpfs(
    spec: Option<&mut minicontain_spec>,
    target: *const c_char,
    size: u64,
    mode: u32,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let target = unsafe { given(target, "target") }?;
        let size = (size != 0).then_some(Size(size));
        spec.tmpfs.push(Tmpfs { target: target.into(), size, mode });
        Ok(())
    })
}
