//! Capabilities by name: capabilities(7).

/// Every capability of Linux 6.18, in the order of their numbers.
pub const CAPABILITIES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// What a container may do by default: Docker's set.
pub const DOCKER_CAPABILITIES: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

/// A capability's number, by its name with or without `CAP_`, in any case.
///
/// ```
/// use minicontain::spec::capability_number;
/// assert_eq!(capability_number("sys_admin"), Some(21));
/// assert_eq!(capability_number("CAP_NOSUCH"), None);
/// ```
#[must_use]
pub fn capability_number(name: &str) -> Option<u32> {
    let short = |s: &str| s.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("CAP_"));
    let bare = if short(name) { &name[4..] } else { name };
    CAPABILITIES.iter().position(|known| known[4..].eq_ignore_ascii_case(bare)).map(|n| n as u32)
}

/// The bit mask of a list of names; `ALL` is every capability. Unknown names are validation's business.
pub(crate) fn mask<'a>(names: impl IntoIterator<Item = &'a str>) -> u64 {
    names.into_iter().fold(0, |mask, name| {
        if name.eq_ignore_ascii_case("ALL") {
            (1 << CAPABILITIES.len()) - 1
        } else {
            mask | capability_number(name).map_or(0, |n| 1 << n)
        }
    })
}

/// [`DOCKER_CAPABILITIES`] as a bit mask.
pub(crate) const DOCKER_MASK: u64 = 0xa804_25fb;

/// The bits of the capabilities that planning asks about.
pub(crate) mod bit {
    pub(crate) const CHOWN: u64 = 1;
    pub(crate) const SETGID: u64 = 1 << 6;
    pub(crate) const SETUID: u64 = 1 << 7;
    pub(crate) const SETPCAP: u64 = 1 << 8;
    pub(crate) const NET_ADMIN: u64 = 1 << 12;
    pub(crate) const SYS_ADMIN: u64 = 1 << 21;
    pub(crate) const MKNOD: u64 = 1 << 27;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masks_are_those_of_the_names() {
        assert_eq!(mask(DOCKER_CAPABILITIES), DOCKER_MASK);
        let bits = bit::CHOWN | bit::SETGID | bit::SETUID | bit::SETPCAP | bit::SYS_ADMIN | bit::MKNOD;
        assert_eq!(mask(["chown", "setgid", "setuid", "setpcap", "sys_admin", "mknod"]), bits);
    }
}
