//! A netlink socket from a descriptor, and the requests of ioctl(2) that make a TUN or TAP device.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use netlink_sys::Socket;

use super::process::checked;
use super::raw::syscall;

/// TUNSETIFF and TUNSETPERSIST of `linux/if_tun.h`.
const TUNSETIFF: u64 = 0x4004_54ca;
const TUNSETPERSIST: u64 = 0x4004_54cb;

/// `struct ifreq` with flags: netdevice(7).
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    flags: i16,
    rest: [u8; 22],
}

/// The socket that a descriptor is.
pub(crate) fn socket(descriptor: OwnedFd) -> Socket {
    // SAFETY: the descriptor is owned, and its owner gives it away.
    unsafe { Socket::from_raw_fd(descriptor.into_raw_fd()) }
}

/// Makes the device of an open `/dev/net/tun`, which stays when it is closed. `name` is shorter than IFNAMSIZ.
pub(crate) fn make_tun(tun: BorrowedFd<'_>, name: &str, flags: i32) -> Result<(), i32> {
    let mut request = Request { name: [0; libc::IFNAMSIZ], flags: flags as i16, rest: [0; 22] };
    let length = name.len().min(libc::IFNAMSIZ - 1);
    request.name[..length].copy_from_slice(&name.as_bytes()[..length]);
    let ioctl = |number: u64, argument: u64| {
        // SAFETY: the first request reads and writes one structure of this size; the second takes a number.
        checked(unsafe { syscall(libc::SYS_ioctl, &[tun.as_raw_fd() as u64, number, argument, 0, 0, 0]) })
    };
    ioctl(TUNSETIFF, &raw mut request as u64)?;
    ioctl(TUNSETPERSIST, 1).map(drop)
}
