//! Programs that are run in a network's own namespaces, where those are not the host's: as containers that share all else.

use super::record::Inside;
use crate::container::Command;
use crate::error::Error;
use crate::spec::{NamespaceSource, Namespaces, Spec};

/// Runs a program there: whether it succeeded, and what it said.
pub(super) fn run(inside: &Inside, args: &[&str], input: &[u8]) -> Result<(bool, String), Error> {
    let mut spec = Spec::new(args.iter().copied());
    spec.namespaces = Namespaces {
        user: NamespaceSource::Path(inside.user.clone()),
        net: NamespaceSource::Path(inside.net.clone()),
        ..Namespaces::of_caller()
    };
    // Rules and settings are the network's administrator's.
    spec.cap_add.push("NET_ADMIN".into());
    spec.init = false;
    let run = Command::from(spec).input(input.to_vec()).output()?;
    let success = run.outcome.returncode() == 0;
    Ok((success, String::from_utf8_lossy(if success { &run.stdout } else { &run.stderr }).into_owned()))
}
