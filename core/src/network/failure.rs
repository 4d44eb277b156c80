//! What a refusal of the kernel means, and what to do about it.

use super::change::Change;
use super::kind::LinkKind;
use super::refusal::Refusal;
use crate::error::{Code, Error};

/// What to do without the privilege.
const PRIVILEGE: &str = "this needs CAP_NET_ADMIN in the user namespace that owns the network namespace: an ordinary user makes a \
     user namespace first, and the network namespace in it";

/// The error of a change to the link of that name.
pub(super) fn of_change(change: &Change<'_>, name: &str, refusal: &Refusal) -> Error {
    let (code, hint) = meaning(change, refusal.errno);
    let problem = format!("could not {} (as '{}' does)", change.purpose(name), change.shell(name));
    Error::call(code, with_words(problem, refusal), refusal.errno, hint)
}

/// The error of a question, such as for all links.
pub(super) fn of_question(what: &str, refusal: &Refusal) -> Error {
    let (code, hint) = anywhere(refusal.errno);
    Error::call(code, with_words(format!("could not {what}"), refusal), refusal.errno, hint)
}

/// There is no link of that name, or with that index.
pub(super) fn no_link(what: impl std::fmt::Display) -> Error {
    let hint =
        "it was deleted, renamed or moved, or is in another network namespace; list the links there are";
    Error::call(
        Code::LinkNotFound,
        format!("there is no link {what} in the network namespace"),
        libc::ENODEV,
        hint,
    )
}

fn with_words(problem: String, refusal: &Refusal) -> String {
    if refusal.said.is_empty() { problem } else { format!("{problem}: the kernel says '{}'", refusal.said) }
}

fn meaning(change: &Change<'_>, errno: i32) -> (Code, String) {
    let hint = |code, hint: &str| (code, hint.into());
    match (change, errno) {
        (Change::Create { kind: LinkKind::Veth { peer, .. }, .. }, libc::EEXIST) => {
            (Code::LinkExists, format!("it or '{peer}' is there: choose another name, or delete that one"))
        }
        (Change::Create { kind, .. }, libc::EEXIST) => {
            let hint = match kind {
                LinkKind::Vlan { .. } | LinkKind::Vxlan { .. } => {
                    "the name or the id is in use: choose another one"
                }
                _ => "choose another name, or delete that one",
            };
            (Code::LinkExists, hint.into())
        }
        (Change::Rename(_), libc::EEXIST) => hint(Code::LinkExists, "choose another name"),
        (Change::Move(..), libc::EEXIST) => {
            hint(Code::LinkExists, "the namespace has a link of that name: rename this one first")
        }
        (Change::Move(..), libc::EPERM) => hint(
            Code::PermissionDenied,
            "this needs CAP_NET_ADMIN in the user namespaces that own the two network namespaces: make both in one",
        ),
        (Change::Move(..), libc::EINVAL) => hint(
            Code::NotSupported,
            "links of this kind stay where they were made: make it in that namespace",
        ),
        (Change::Create { kind, .. }, libc::EOPNOTSUPP) => {
            let module = kind.module();
            (
                Code::NotSupported,
                format!(
                    "this kernel has no {} links: 'modprobe {module}', or build it with that module",
                    kind.name()
                ),
            )
        }
        (Change::Delay(_), libc::ENOENT | libc::EOPNOTSUPP) => hint(
            Code::NotSupported,
            "this kernel has no netem: 'modprobe sch_netem', or build it with CONFIG_NET_SCH_NETEM",
        ),
        (Change::Limit(_), libc::ENOENT | libc::EOPNOTSUPP) => hint(
            Code::NotSupported,
            "this kernel has no tbf: 'modprobe sch_tbf', or build it with CONFIG_NET_SCH_TBF",
        ),
        (Change::Unlimit, libc::ENOENT | libc::EINVAL) => hint(Code::Io, "it has no limit and no delay"),
        (Change::Delete, libc::EOPNOTSUPP) => {
            hint(Code::NotSupported, "only links that were made can be deleted, the loopback cannot")
        }
        (Change::AddAddress(_), libc::EEXIST) => hint(Code::AddressInUse, "the link has it already"),
        (Change::RemoveAddress(_), libc::EADDRNOTAVAIL) => hint(Code::Io, "the link does not have it"),
        (Change::AddRoute(_), libc::EEXIST) => {
            hint(Code::AddressInUse, "there is such a route: remove it, or give this one another metric")
        }
        (Change::AddRoute(_), libc::ENETUNREACH | libc::EINVAL | libc::EHOSTUNREACH) => hint(
            Code::Io,
            "the gateway must be in the network of an address of a link that is up, and the source must be an address here",
        ),
        (Change::AddRoute(_), libc::ENETDOWN) => hint(Code::Io, "bring the link up first"),
        (Change::RemoveRoute(_), libc::ESRCH) => hint(Code::Io, "there is no such route"),
        (Change::Mac(_), libc::EADDRNOTAVAIL) => hint(
            Code::Io,
            "a link's own address is not zero and not a multicast one: make the first byte even, such as 02",
        ),
        (Change::Rename(_) | Change::Master(_) | Change::Mac(_), libc::EBUSY) => {
            hint(Code::Io, "take the link down first, or from its master")
        }
        (Change::Master(_), libc::EOPNOTSUPP | libc::EINVAL | libc::ELOOP) => hint(
            Code::Io,
            "the master must be a bridge, the link no bridge, no loopback and none of its own links below",
        ),
        _ => anywhere(errno),
    }
}

fn anywhere(errno: i32) -> (Code, String) {
    let (code, hint) = match errno {
        libc::ENODEV | libc::ENXIO => {
            (Code::LinkNotFound, "it was deleted or moved to another network namespace")
        }
        libc::EPERM | libc::EACCES => (Code::PermissionDenied, PRIVILEGE),
        libc::EOPNOTSUPP => (Code::NotSupported, "this kernel, or this kind of link, does not have it"),
        libc::ENOMEM | libc::ENOBUFS | libc::ENFILE | libc::EMFILE | libc::ENOSPC => {
            (Code::OutOfResources, "the kernel is out of memory or numbers for it")
        }
        _ => (Code::Io, ""),
    };
    (code, hint.into())
}

#[cfg(test)]
mod tests {
    use super::{Change, Code, Refusal, of_change};

    #[test]
    fn an_error_has_the_kernels_words_and_the_shell_command() {
        let refusal = Refusal { errno: libc::EPERM, said: "Not today".into() };
        let error = of_change(&Change::Up, "veth0", &refusal);
        assert_eq!(error.code(), Code::PermissionDenied);
        let text = error.to_string();
        assert!(text.contains("'ip link set dev veth0 up'") && text.contains("'Not today'"), "{text}");
        assert!(text.contains("EPERM") && text.contains("CAP_NET_ADMIN"), "{text}");
    }
}
