//! Several texts: addresses, routes, names, commands.

use std::ffi::{CString, c_char};

use crate::guard;
use crate::text::{borrowed, c_string, number};

/// Several texts, in an order that means something. Any thread may read it. Free it with `minicontain_strings_free`.
pub struct minicontain_strings {
    all: Vec<CString>,
}

impl<T: ToString> FromIterator<T> for minicontain_strings {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        Self { all: texts.into_iter().map(|text| c_string(text.to_string())).collect() }
    }
}

/// How many there are.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_strings_count(strings: Option<&minicontain_strings>) -> usize {
    number(strings, 0, |strings| strings.all.len())
}

/// One of them; `""` where `index` is too large. It belongs to the list.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_strings_at(
    strings: Option<&minicontain_strings>,
    index: usize,
) -> *const c_char {
    borrowed(strings, |strings| strings.all.get(index).map(CString::as_c_str))
}

/// Frees them. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_strings_free(strings: Option<Box<minicontain_strings>>) {
    guard::infallible((), || drop(strings));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_strings>();
};
