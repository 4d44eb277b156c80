//! The boundary that no panic crosses.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Failure, minicontain_error};

/// Runs what can fail; a panic is an error like any other.
pub(crate) fn fallible(body: impl FnOnce() -> Result<(), Failure>) -> Option<Box<minicontain_error>> {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return None,
        Ok(Err(failure)) => failure,
        Err(payload) => Failure::Panic(message(payload.as_ref())),
    };
    // The core puts its errors into words, so that is behind the boundary, too; these few words are not the
    // core's.
    let error = catch_unwind(AssertUnwindSafe(|| minicontain_error::new(failure)));
    Some(Box::new(
        error.unwrap_or_else(|_| minicontain_error::new(Failure::Panic("while describing an error".into()))),
    ))
}

/// Runs what cannot fail; after a panic, the answer is the default.
pub(crate) fn infallible<T>(default: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(default)
}

/// What a panic said.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{minicontain_error_code, minicontain_error_message, minicontain_face_code};
    use std::ffi::CStr;

    #[test]
    fn a_panic_becomes_an_error_with_its_own_code() {
        let error = fallible(|| panic!("the {} is loose", "cat"));
        assert_eq!(minicontain_error_code(error.as_deref()), minicontain_face_code::Panic as i32);
        // SAFETY: the text lives as long as the error.
        let message = unsafe { CStr::from_ptr(minicontain_error_message(error.as_deref())) };
        assert!(message.to_string_lossy().contains("the cat is loose"), "{message:?}");
    }

    #[test]
    fn a_panic_becomes_the_default() {
        assert_eq!(infallible(7, || panic!("no answer")), 7);
        assert!(fallible(|| Ok(())).is_none());
    }
}
