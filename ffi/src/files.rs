//! Files into a container and out of it.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::path::Path;

use crate::container::minicontain_container;
use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::spec::create;
use crate::text::{Bytes, bytes, given, needed};

/// The bytes of a file. Any thread may read them. Free them with `minicontain_bytes_free`.
pub struct minicontain_bytes {
    bytes: Bytes,
}

/// Writes `data_len` bytes into a file of the container, with this mode: chmod(2). The file belongs to the
/// container's root; one that is there is overwritten. `path` is looked up below the container's root and nowhere
/// else, links included. `data` may be `NULL` where there is nothing to write.
///
/// Errors: `MINICONTAIN_CODE_IO` with the kernel's answer (`ENOENT` for a directory that is missing, `EROFS`, ...);
/// `MINICONTAIN_CODE_ENDED` when the container has ended, and its files with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_container_put(
    container: Option<&minicontain_container>,
    path: *const c_char,
    data: *const c_void,
    data_len: usize,
    mode: u32,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let container = needed(container, "container")?;
        // SAFETY: as the caller promises.
        let path = unsafe { given(path, "path") }?;
        let data = match data_len {
            0 => &[],
            _ if data.is_null() => return Err(Failure::Null("data")),
            // SAFETY: it is not NULL, and the caller vouches for the rest.
            len => unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) },
        };
        // The files outlive the lock: nobody waits for a copy.
        let files = container.read().files()?;
        Ok(files.put(path, data, mode)?)
    })
}

/// Reads a file of the container. `path` is looked up as by `minicontain_container_put`.
///
/// `*out` becomes what is in it: `minicontain_bytes_data`.
///
/// Errors: as `minicontain_container_put`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_container_get(
    container: Option<&minicontain_container>,
    path: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_bytes>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let container = needed(container, "container")?;
        // SAFETY: as the caller promises.
        let path = unsafe { given(path, "path") }?;
        let files = container.read().files()?;
        Ok(minicontain_bytes { bytes: Bytes::new(files.get(path)?) })
    })
}

/// Copies a file or directory of the host to a path in the container, with everything in it: files, directories,
/// and links as links. `path` is looked up as by `minicontain_container_put`; directories that are there are filled.
///
/// Errors: as `minicontain_container_put`. What was copied before stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_container_put_tree(
    container: Option<&minicontain_container>,
    host_path: *const c_char,
    path: *const c_char,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let container = needed(container, "container")?;
        // SAFETY: as the caller promises.
        let (host_path, path) = unsafe { (given(host_path, "host_path")?, given(path, "path")?) };
        let files = container.read().files()?;
        Ok(files.put_tree(Path::new(host_path), path)?)
    })
}

/// Copies a file or directory of the container to a path of the host, with everything in it: files, directories,
/// and links as links. What is copied belongs to the caller.
///
/// Errors: as `minicontain_container_put`. What was copied before stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_container_get_tree(
    container: Option<&minicontain_container>,
    path: *const c_char,
    host_path: *const c_char,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let container = needed(container, "container")?;
        // SAFETY: as the caller promises.
        let (path, host_path) = unsafe { (given(path, "path")?, given(host_path, "host_path")?) };
        let files = container.read().files()?;
        Ok(files.get_tree(path, Path::new(host_path))?)
    })
}

/// The bytes, as many as `len` says (which may be `NULL`), and a NUL behind them.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_bytes_data(
    handle: Option<&minicontain_bytes>,
    len: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    bytes(handle, len, |kept| &kept.bytes)
}

/// Frees bytes. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_bytes_free(bytes: Option<Box<minicontain_bytes>>) {
    guard::infallible((), || drop(bytes));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_bytes>();
};
