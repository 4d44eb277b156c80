//! Files in memory, which are in no directory: memfd_create(2).

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{FromRawFd, OwnedFd};

use super::process::checked;
use super::raw::syscall;

/// An empty one. Programs do not inherit it; `flags` are others than that.
pub(crate) fn memory_file(name: &CStr, flags: u32) -> Result<OwnedFd, i32> {
    let args = [name.as_ptr() as u64, u64::from(flags | libc::MFD_CLOEXEC), 0, 0, 0, 0];
    // SAFETY: a C string; the result is a new descriptor that nobody else owns.
    unsafe { checked(syscall(libc::SYS_memfd_create, &args)).map(|fd| OwnedFd::from_raw_fd(fd as i32)) }
}

/// One to be read from its beginning: for who is told something, no pipe that could be full, closed, or held open.
pub(crate) fn memory_file_of(name: &CStr, content: &[u8]) -> io::Result<File> {
    let mut file = memory_file(name, 0).map(File::from).map_err(io::Error::from_raw_os_error)?;
    file.write_all(content)?;
    file.rewind()?;
    Ok(file)
}
