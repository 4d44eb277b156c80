//! Planning a program that runs in a container which is there already, or beside any process of the host.

use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;

use super::build;
use super::step::Plan;
use crate::cgroup::Cgroup;
use crate::error::{Code, Error};
use crate::host::is_ending;
use crate::namespace::Kind;
use crate::spec::{Fault, NamespaceSource, Spec};
use crate::sys::process::{has_ended, started};

/// A process whose namespaces and root a program is to see.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its id, as the caller sees it.
    pub pid: i32,
    /// Its descriptor, for as long as which the id cannot become another's: pidfd_open(2).
    pub pidfd: BorrowedFd<'a>,
    /// What its container was made of, where it is one of ours: what the spec does not say is as there.
    pub spec: Option<&'a Spec>,
    /// That container's cgroup: the program is counted with it.
    pub cgroup: Option<&'a Cgroup>,
}

impl Plan {
    /// Plans a program that joins a process: its namespaces, as far as they are not the caller's own, and its root.
    /// Of the spec, what is about the program counts: the rest is there already.
    ///
    /// # Errors
    /// Every fault of the spec, fields that cannot mean anything here among them; [`Code::Ended`] when the process
    /// has ended.
    pub fn exec(spec: Spec, target: Target<'_>) -> Result<Self, Error> {
        refuse_what_is_there(&spec)?;
        let mut spec = match target.spec {
            Some(container) => as_in(spec, container),
            None => spec,
        };
        // Before its namespaces are: a container that is detached must have one of its own for its processes.
        spec.validate()?;
        for kind in Kind::ALL {
            let pidfd = target.pidfd.as_raw_fd();
            let shared = shared(kind, target)?;
            let source = if shared { NamespaceSource::Host } else { NamespaceSource::Fd(pidfd) };
            spec.namespaces.set(kind, source);
        }
        let plan = build::plan(spec, Some(target.pid), target.cgroup)?;
        // What was read under its id was its own only if it is still there.
        if has_ended(target.pidfd) { Err(ended(libc::ESRCH)) } else { Ok(plan) }
    }
}

/// Whether a process is in the caller's own namespace of this kind.
fn shared(kind: Kind, target: Target<'_>) -> Result<bool, Error> {
    let id = |of: String| fs::metadata(format!("/proc/{of}/ns/{kind}")).map(|meta| meta.ino());
    let theirs = started(target.pidfd, || id(target.pid.to_string()));
    let theirs = theirs.map_err(|error| match error.raw_os_error().unwrap_or(0) {
        errno @ (libc::ENOENT | libc::ESRCH) => ended(errno),
        // One that is ending shows its namespaces to nobody.
        libc::EACCES if is_ending(target.pidfd.as_raw_fd()) => ended(libc::ESRCH),
        errno => Error::call(
            Code::PermissionDenied,
            format!("could not look at the namespaces of process {}", target.pid),
            errno,
            "it takes a process of yours, or CAP_SYS_PTRACE in the user namespace of another's",
        ),
    })?;
    Ok(id("self".into()).is_ok_and(|own| own == theirs))
}

fn ended(errno: i32) -> Error {
    Error::call(Code::Ended, "the process to join has ended", errno, "")
}

/// The fields that say how a container is made, which this one is already.
fn refuse_what_is_there(spec: &Spec) -> Result<(), Error> {
    let default = Spec::default();
    let fields = |spec: &Spec| serde_json::to_value(spec).unwrap_or_default();
    // What is about the program alone may be chosen.
    let plain = Spec {
        detach: default.detach,
        args: default.args.clone(),
        executable: default.executable.clone(),
        env: default.env.clone(),
        default_env: default.default_env,
        cwd: default.cwd.clone(),
        user: default.user.clone(),
        group_add: default.group_add.clone(),
        umask: default.umask,
        ulimits: default.ulimits.clone(),
        stdin: default.stdin.clone(),
        stdout: default.stdout.clone(),
        stderr: default.stderr.clone(),
        tty: default.tty,
        tty_size: default.tty_size,
        pass_fds: default.pass_fds.clone(),
        start_new_session: default.start_new_session,
        process_group: default.process_group,
        cap_add: default.cap_add.clone(),
        cap_drop: default.cap_drop.clone(),
        no_new_privileges: default.no_new_privileges,
        new_keyring: default.new_keyring,
        limits: default.limits.clone(),
        best_effort: default.best_effort,
        require: default.require.clone(),
        ..spec.clone()
    };
    if plain == default {
        return Ok(());
    }
    let (given, default) = (fields(&plain), fields(&default));
    let changed = given.as_object().into_iter().flatten().filter(|(name, value)| default[*name] != **value);
    let fix = "leave it out: it is as the container, or the process, has it";
    let faults = changed.map(|(name, _)| Fault::new(name, "cannot be chosen for a program that joins", fix));
    Err(Error::Spec(faults.collect()))
}

/// What the spec does not say, as the container was made with: `docker exec`.
fn as_in(mut spec: Spec, container: &Spec) -> Spec {
    let own = std::mem::take(&mut spec.env);
    spec.env = container.env.clone();
    spec.env.extend(own);
    spec.default_env &= container.default_env;
    spec.cwd = spec.cwd.or_else(|| container.cwd.clone());
    spec.user = spec.user.or_else(|| container.user.clone());
    if spec.group_add.is_empty() {
        spec.group_add.clone_from(&container.group_add);
    }
    spec.cap_add.extend_from_slice(&container.cap_add);
    spec.cap_drop.extend_from_slice(&container.cap_drop);
    spec.no_new_privileges &= container.no_new_privileges;
    spec.new_keyring &= container.new_keyring;
    spec
}
