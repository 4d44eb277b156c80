//! Several namespaces: those of a process, and those that have names.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use engine::namespace::{Namespaces, named};

use crate::error::minicontain_error;
use crate::guard;
use crate::namespace::{given_kind, minicontain_namespace};
use crate::spec::create;
use crate::text::number;

/// Namespaces, each held as by a handle of its own. Any thread may read it. Free it with `minicontain_namespaces_free`.
pub struct minicontain_namespaces {
    all: Vec<minicontain_namespace>,
}

/// The namespaces that a process is in, one of each kind that the kernel has; of the calling thread for a `pid` of 0.
/// Which of them it shares with another process:
///
///     for (i = 0; i < minicontain_namespaces_count(own); i++) {
///         const minicontain_namespace *one = minicontain_namespaces_at(own, i);
///         if (minicontain_namespaces_contain(others, one)) puts(minicontain_namespace_kind(one));
///     }
///
/// Errors: as `minicontain_namespace_of`. See proc_pid_ns(5).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespaces_of(
    pid: i32,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespaces>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let found = if pid == 0 { Namespaces::current() } else { Namespaces::of(pid) };
        Ok(minicontain_namespaces { all: found?.iter().cloned().map(Into::into).collect() })
    })
}

/// The namespaces of a kind that have a name, by name, those among them that `ip netns` made.
///
/// Errors: `MINICONTAIN_CODE_PERMISSION_DENIED` when the caller may not look; `MINICONTAIN_CODE_INVALID_SPEC` if there is
/// no such kind. See ip-netns(8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_namespaces_named(
    kind: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_namespaces>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let kind = unsafe { given_kind(kind, "kind") }?;
        Ok(minicontain_namespaces { all: named(kind)?.into_iter().map(Into::into).collect() })
    })
}

/// How many there are.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespaces_count(namespaces: Option<&minicontain_namespaces>) -> usize {
    number(namespaces, 0, |namespaces| namespaces.all.len())
}

/// One of them, `NULL` where `index` is too large. It belongs to the list.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespaces_at(
    namespaces: Option<&minicontain_namespaces>,
    index: usize,
) -> Option<&minicontain_namespace> {
    guard::infallible(None, || namespaces.and_then(|namespaces| namespaces.all.get(index)))
}

/// Whether a namespace is among them; false for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespaces_contain(
    namespaces: Option<&minicontain_namespaces>,
    ns: Option<&minicontain_namespace>,
) -> bool {
    number(namespaces, false, |namespaces| {
        let wanted = ns.map(|ns| &ns.namespace);
        namespaces.all.iter().any(|one| Some(&one.namespace) == wanted)
    })
}

/// Frees it, with the handles in it. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_namespaces_free(namespaces: Option<Box<minicontain_namespaces>>) {
    guard::infallible((), || drop(namespaces));
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<minicontain_namespaces>();
};
