//! Strings and bytes that cross the boundary.

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use crate::error::Failure;
use crate::guard;

/// Frees a string that this library gave as `char *`. `NULL` is fine. Strings given as `const char *` are not
/// freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_string_free(string: *mut c_char) {
    guard::infallible((), || {
        if !string.is_null() {
            // SAFETY: every `char *` of this library comes from `owned`, and is freed once.
            drop(unsafe { CString::from_raw(string) });
        }
    });
}

/// A text as C wants it. A NUL inside, which C could not see past, becomes U+FFFD.
pub(crate) fn c_string(text: impl Into<Vec<u8>>) -> CString {
    CString::new(text).unwrap_or_else(|error| {
        let text = String::from_utf8_lossy(&error.into_vec()).replace('\0', "\u{fffd}");
        CString::new(text).unwrap_or_default()
    })
}

/// A text about a handle, for the caller to free; `NULL` where there is no handle.
pub(crate) fn owned<T>(handle: Option<&T>, write: impl FnOnce(&T) -> String) -> *mut c_char {
    guard::infallible(ptr::null_mut(), || {
        handle.map_or(ptr::null_mut(), |handle| c_string(write(handle)).into_raw())
    })
}

/// A text of a handle; `""` where there is no handle or no such text.
pub(crate) fn borrowed<'a, T>(
    handle: Option<&'a T>,
    pick: impl FnOnce(&'a T) -> Option<&'a CStr>,
) -> *const c_char {
    guard::infallible(c"", || handle.and_then(pick).unwrap_or(c"")).as_ptr()
}

/// A number of a handle; the default where there is no handle.
pub(crate) fn number<T, N>(handle: Option<&T>, default: N, pick: impl FnOnce(&T) -> N) -> N
where
    N: Copy,
{
    guard::infallible(default, || handle.map_or(default, pick))
}

/// A handle that must be there.
pub(crate) fn needed<T>(handle: Option<T>, name: &'static str) -> Result<T, Failure> {
    handle.ok_or(Failure::Null(name))
}

/// Reads a string that the caller gave.
///
/// # Safety
/// `string` is `NULL` or ends with a NUL, and lives for `'a`.
pub(crate) unsafe fn given<'a>(string: *const c_char, name: &'static str) -> Result<&'a str, Failure> {
    // SAFETY: as this function's.
    unsafe { given_or_none(string, name) }?.ok_or(Failure::Null(name))
}

/// Reads a string that the caller may have given.
///
/// # Safety
/// As [`given`].
pub(crate) unsafe fn given_or_none<'a>(
    string: *const c_char,
    name: &'static str,
) -> Result<Option<&'a str>, Failure> {
    if string.is_null() {
        return Ok(None);
    }
    // SAFETY: it is not NULL, and the caller vouches for the rest.
    let bytes = unsafe { CStr::from_ptr(string) };
    bytes.to_str().map(Some).map_err(|_| Failure::NotUtf8(name))
}

/// Reads an array of strings that the caller gave.
///
/// # Safety
/// `strings` is `NULL` or has `count` elements, each as [`given_or_none`] wants it.
pub(crate) unsafe fn given_all(
    strings: *const *const c_char,
    count: usize,
    name: &'static str,
) -> Result<Vec<String>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if strings.is_null() {
        return Err(Failure::Null(name));
    }
    // SAFETY: it is not NULL, and the caller vouches for the rest.
    let strings = unsafe { std::slice::from_raw_parts(strings, count) };
    let item = |(i, string): (usize, &*const c_char)| {
        // SAFETY: the caller vouches for each.
        unsafe { given_or_none(*string, name) }?.map(String::from).ok_or(Failure::NullItem(name, i))
    };
    strings.iter().enumerate().map(item).collect()
}

/// Copies bytes that the caller may have given: `None` for `NULL`.
///
/// # Safety
/// `bytes` is `NULL` or has `len` bytes.
pub(crate) unsafe fn given_bytes(bytes: *const c_void, len: usize) -> Option<Vec<u8>> {
    if bytes.is_null() {
        return None;
    }
    // SAFETY: it is not NULL, and the caller vouches for the rest.
    Some(unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), len) }.to_vec())
}

/// Bytes that a handle keeps, with a NUL behind them so that a text among them is a string.
#[derive(Default)]
pub(crate) struct Bytes(Vec<u8>);

impl Bytes {
    pub(crate) fn new(mut bytes: Vec<u8>) -> Self {
        bytes.push(0);
        Self(bytes)
    }
}

/// Bytes of a handle and how many they are; none where there is no handle.
pub(crate) fn bytes<'a, T>(
    handle: Option<&'a T>,
    len: Option<&mut MaybeUninit<usize>>,
    pick: impl FnOnce(&'a T) -> &'a Bytes,
) -> *const c_char {
    let kept: &[u8] = guard::infallible(b"\0", || handle.map_or(b"\0".as_slice(), |handle| &pick(handle).0));
    if let Some(len) = len {
        len.write(kept.len() - 1);
    }
    kept.as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_inside_a_text_does_not_cut_it() {
        assert_eq!(c_string("a\0b").to_str(), Ok("a\u{fffd}b"));
    }
}
