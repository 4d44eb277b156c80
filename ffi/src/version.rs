//! The library's version.

use std::ffi::{CStr, c_char};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The version of the library that is loaded, as `MINICONTAIN_VERSION` is that of the header: `"0.1.0"`. It
/// lives as long as the program.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_version() -> *const c_char {
    VERSION.as_ptr()
}
