//! Programs that are run in a network's own namespaces, where those are not the host's: as containers that share all else.

use super::record::Inside;
use crate::container::Command;
use crate::error::Error;
use crate::namespace::Kind;
use crate::spec::{NamespaceSource, Spec};

/// Runs a program there: whether it succeeded, and what it said.
pub(super) fn run(inside: &Inside, args: &[&str], input: &[u8]) -> Result<(bool, String), Error> {
    let mut spec = Spec::new(args.iter().copied());
    for kind in Kind::ALL {
        spec.namespaces.set(kind, NamespaceSource::Host);
    }
    spec.namespaces.set(Kind::User, NamespaceSource::Path(inside.user.clone()));
    spec.namespaces.set(Kind::Net, NamespaceSource::Path(inside.net.clone()));
    // Rules and settings are the network's administrator's.
    spec.cap_add.push("NET_ADMIN".into());
    spec.init = false;
    let run = Command::from(spec).input(input.to_vec()).output()?;
    let success = run.outcome.returncode() == 0;
    Ok((success, String::from_utf8_lossy(if success { &run.stdout } else { &run.stderr }).into_owned()))
}
