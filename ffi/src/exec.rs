//! Programs that join a running container, or any process.

use std::mem::MaybeUninit;

use crate::container::minicontain_container;
use crate::error::minicontain_error;
use crate::spec::{create, minicontain_spec};
use crate::text::needed;

/// Starts a program in a container, beside its own: `docker exec`. It sees the container's files, processes and
/// network, and has no more rights than the container's program; what the spec does not say is as in the
/// container's.
///
/// `*out` becomes a handle of its own, which is used as a container's: waited for, killed, polled. The program ends
/// with the container at the latest. With `minicontain_spec_set_detach` it goes on when the handle is freed, and when
/// the caller has ended; what it writes goes to `/dev/null`.
///
/// Errors: as `minicontain_container_start`; `MINICONTAIN_CODE_INVALID_SPEC` for fields that say what the container
/// is, which cannot be chosen again; `MINICONTAIN_CODE_ENDED` when it has ended; `MINICONTAIN_CODE_PAUSED` while it
/// is paused.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_container_exec(
    container: Option<&minicontain_container>,
    spec: Option<&minicontain_spec>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_container>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let container = needed(container, "container")?;
        let plan = container.read().plan_exec(needed(spec, "spec")?.spec.clone())?;
        minicontain_container::start(plan, None)
    })
}

/// Starts a program beside a process of the host, in its namespaces and with its root: what nsenter(1) does. The
/// program has no more rights than a container's has by default. `*out` becomes a handle of its own, as from
/// `minicontain_container_exec`.
///
/// Errors: as `minicontain_container_exec`; `MINICONTAIN_CODE_ENDED` when there is no such process,
/// `MINICONTAIN_CODE_PERMISSION_DENIED` when it may not be joined.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_enter(
    pid: i32,
    spec: Option<&minicontain_spec>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_container>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(engine::enter(pid, needed(spec, "spec")?.spec.clone())?.into()))
}
