//! Arrays that a child writes and the caller reads.

use std::ops::{Deref, DerefMut};

/// An array in memory that a child shares: ordinary memory for a child that shares all of it, a shared mapping
/// (mmap(2)) for one that has a copy.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    owned: Vec<T>,
    mapped: Option<(*mut T, usize)>,
}

impl<T: Copy> Shared<T> {
    pub(crate) fn new(len: usize, value: T, copied: bool) -> Self {
        if copied {
            // SAFETY: a fresh anonymous mapping of the size that the array needs, filled before it is used.
            unsafe {
                let size = len * size_of::<T>();
                let (read_write, shared) =
                    (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
                let place = libc::mmap(std::ptr::null_mut(), size, read_write, shared, -1, 0);
                if place != libc::MAP_FAILED {
                    let place = place.cast::<T>();
                    (0..len).for_each(|n| place.add(n).write(value));
                    return Self { owned: Vec::new(), mapped: Some((place, len)) };
                }
            }
        }
        Self { owned: vec![value; len], mapped: None }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.deref_mut().as_mut_ptr()
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self.mapped {
            // SAFETY: the mapping holds `len` values and lives as long as `self`.
            Some((place, len)) => unsafe { std::slice::from_raw_parts(place, len) },
            None => &self.owned,
        }
    }
}

impl<T> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self.mapped {
            // SAFETY: the mapping holds `len` values and lives as long as `self`.
            Some((place, len)) => unsafe { std::slice::from_raw_parts_mut(place, len) },
            None => &mut self.owned,
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        if let Some((place, len)) = self.mapped {
            // SAFETY: the mapping made in `new`, which nothing uses any more.
            unsafe { libc::munmap(place.cast(), len * size_of::<T>()) };
        }
    }
}
