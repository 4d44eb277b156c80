//! The caller's end of a container's terminal.

use std::ffi::c_int;
use std::os::fd::{AsRawFd, IntoRawFd};

use crate::container::minicontain_container;
use crate::error::minicontain_error;
use crate::guard;
use crate::text::{needed, number};

/// The caller's end of the container's terminal: what is typed is written to it, what is shown is read from it. It
/// belongs to the container and must not be closed; -1 where there is none, or where it was taken. Reading fails
/// with `EIO` once nobody has the other end open. See pty(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_terminal(container: Option<&minicontain_container>) -> c_int {
    number(container, -1, |container| container.read().terminal.as_ref().map_or(-1, AsRawFd::as_raw_fd))
}

/// Takes the caller's end of the terminal out of the container. It is the caller's from then on, who closes it with
/// close(2): the program then gets SIGHUP. -1 where there is none, or where it was taken.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_take_terminal(container: Option<&minicontain_container>) -> c_int {
    number(container, -1, |container| container.write().terminal.take().map_or(-1, IntoRawFd::into_raw_fd))
}

/// Tells the container's terminal how large the window is that shows it; the program hears of it by SIGWINCH. See
/// ioctl_tty(2).
///
/// Errors: `MINICONTAIN_CODE_NOT_SUPPORTED` when there is none, or when it was taken: its owner then resizes it by
/// `TIOCSWINSZ`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_resize(
    container: Option<&minicontain_container>,
    rows: u16,
    columns: u16,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(needed(container, "container")?.read().resize(rows, columns)?))
}
