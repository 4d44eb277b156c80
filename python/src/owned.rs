//! What ends with the process that made it, and not with a forked copy of that process.

use pyo3::prelude::*;

/// A value whose end does something outside this process: it kills a container, say. In a forked copy of the process
/// nothing happens at its end. Elsewhere its end may block, and so comes detached from the interpreter.
pub(crate) struct Owned<T: Send> {
    value: Option<T>,
    owner: u32,
}

impl<T: Send> Owned<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Some(value), owner: std::process::id() }
    }

    /// The value, until it was taken.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The value, until it was taken.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.value.as_mut()
    }

    /// Hands over the value.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.value.take()
    }
}

impl<T: Send> Drop for Owned<T> {
    fn drop(&mut self) {
        let Some(value) = self.value.take() else { return };
        if self.owner != std::process::id() {
            std::mem::forget(value);
            return;
        }
        // Not attached when the interpreter is ending: then it just ends here.
        Python::try_attach(|py| py.detach(|| drop(value)));
    }
}
