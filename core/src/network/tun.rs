//! TAP and TUN devices, which are made through `/dev/net/tun`, opened by somebody in the namespace.

use std::os::fd::AsFd;

use super::kind::LinkKind;
use super::refusal::Refusal;
use crate::error::{Code, Error};
use crate::namespace::Namespace;
use crate::sys::netlink::make_tun;

const DEVICE: &str = "/dev/net/tun";

/// Makes a device that stays without a program that uses it.
pub(super) fn make(namespace: &Namespace, name: &str, kind: &LinkKind) -> Result<Result<(), Refusal>, Error> {
    let mode = if matches!(kind, LinkKind::Tap) { libc::IFF_TAP } else { libc::IFF_TUN };
    // Without IFF_TUN_EXCL the kernel would take a device of that name that is there.
    let flags = mode | libc::IFF_NO_PI | libc::IFF_TUN_EXCL;
    let tun = namespace.open_inside(DEVICE, libc::O_RDWR).map_err(|error| {
        let (code, hint) = match error.errno() {
            libc::EACCES => {
                (Code::PermissionDenied, "it must be yours to read and write: mode 0666, as udev has it")
            }
            libc::ENOENT | libc::ENODEV | libc::ENXIO => {
                (Code::NotSupported, "load the module: 'modprobe tun'; in a container, give it the device")
            }
            _ => return error,
        };
        Error::call(code, format!("could not open {DEVICE}"), error.errno(), hint).about(DEVICE)
    })?;
    Ok(make_tun(tun.as_fd(), name, flags).map_err(|errno| {
        // There is a device of that name, of this kind (EBUSY) or of another one (EINVAL).
        let errno = if matches!(errno, libc::EBUSY | libc::EINVAL) { libc::EEXIST } else { errno };
        Refusal { errno, said: String::new() }
    }))
}
