//! A plan: the steps that make a container, as plain data.

use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;
use std::sync::{Arc, OnceLock};

use engine::Plan;

use crate::error::minicontain_error;
use crate::guard;
use crate::spec::{create, minicontain_spec};
use crate::text::{borrowed, c_string, needed, number, owned};

/// The ordered list of system calls that make a container. Any thread may read it. Free it with
/// `minicontain_plan_free`.
pub struct minicontain_plan {
    pub(crate) plan: Arc<Plan>,
    steps: OnceLock<Vec<StepTexts>>,
}

struct StepTexts {
    side: CString,
    syscall: CString,
    arguments: CString,
    needs: CString,
    what: CString,
    why: CString,
}

impl minicontain_plan {
    fn steps(&self) -> &[StepTexts] {
        self.steps.get_or_init(|| (0..self.plan.steps.len()).map(|index| self.texts(index)).collect())
    }

    fn texts(&self, index: usize) -> StepTexts {
        let (step, act) = (&self.plan.steps[index], self.plan.act_of(index));
        StepTexts {
            side: c_string(step.side.name()),
            syscall: c_string(step.call.name()),
            arguments: c_string(self.plan.arguments(index)),
            needs: c_string(step.needs.unwrap_or_default()),
            what: c_string(act.map_or("", |act| act.what.as_ref())),
            why: c_string(act.map_or("", |act| act.why.as_ref())),
        }
    }

    fn text(&self, index: usize, pick: impl FnOnce(&StepTexts) -> &CString) -> Option<&CStr> {
        self.steps().get(index).map(|step| pick(step).as_c_str())
    }
}

/// Plans a container without making it. It reads the host, and changes nothing.
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` with every fault of the spec, and what of it cannot be on this
/// host: `MINICONTAIN_CODE_USER_NOT_FOUND`, `MINICONTAIN_CODE_PERMISSION_DENIED`,
/// `MINICONTAIN_CODE_ARGUMENTS_TOO_LONG`, `MINICONTAIN_CODE_NOT_ENFORCED`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_new(
    spec: Option<&minicontain_spec>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_plan>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        let plan = Arc::new(Plan::new(needed(spec, "spec")?.spec.clone())?);
        Ok(minicontain_plan { plan, steps: OnceLock::new() })
    })
}

/// How many steps the plan has.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_step_count(plan: Option<&minicontain_plan>) -> usize {
    number(plan, 0, |plan| plan.plan.steps.len())
}

/// Who performs step `index`: `"caller"`, or `"container"` for the new process between clone(2) and
/// execve(2); `""` where there is no such step. Texts of a plan live as long as the plan.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_step_side(plan: Option<&minicontain_plan>, index: usize) -> *const c_char {
    borrowed(plan, |plan| plan.text(index, |step| &step.side))
}

/// The system call's name: `"mount"`; its manual page has the same name.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_step_syscall(
    plan: Option<&minicontain_plan>,
    index: usize,
) -> *const c_char {
    borrowed(plan, |plan| plan.text(index, |step| &step.syscall))
}

/// Its arguments as a person would read them; what is not known before it runs stands as `<what it will be>`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_step_arguments(
    plan: Option<&minicontain_plan>,
    index: usize,
) -> *const c_char {
    borrowed(plan, |plan| plan.text(index, |step| &step.arguments))
}

/// The capability that it needs (`"CAP_SYS_ADMIN"`), in the user namespace that owns what it changes; `""`
/// where it needs none. See capabilities(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_step_needs(
    plan: Option<&minicontain_plan>,
    index: usize,
) -> *const c_char {
    borrowed(plan, |plan| plan.text(index, |step| &step.needs))
}

/// What the step is a part of, in a few words: `"mount /proc"`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_step_what(plan: Option<&minicontain_plan>, index: usize) -> *const c_char {
    borrowed(plan, |plan| plan.text(index, |step| &step.what))
}

/// Why the step is there.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_step_why(plan: Option<&minicontain_plan>, index: usize) -> *const c_char {
    borrowed(plan, |plan| plan.text(index, |step| &step.why))
}

/// The plan as text: what will be done and why, with every system call. Free it with
/// `minicontain_string_free`. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_explain(plan: Option<&minicontain_plan>) -> *mut c_char {
    owned(plan, |plan| plan.plan.explain())
}

/// The plan as JSON: `{"steps": [{"index", "side", "syscall", "arguments", "needs", "undo", "what", "why"},
/// …], "enforced": …}`. Free it with `minicontain_string_free`. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_to_json(plan: Option<&minicontain_plan>) -> *mut c_char {
    owned(plan, |plan| plan.plan.to_json())
}

/// The plan as a script of the shell commands that people know: unshare(1), mount(8), ip(8), … Free it with
/// `minicontain_string_free`. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_to_shell(plan: Option<&minicontain_plan>) -> *mut c_char {
    owned(plan, |plan| plan.plan.to_shell())
}

/// How well each feature will hold, as JSON: `{"capabilities": {"state": "enforced", "reason": ""}, …}`; the
/// states are `enforced`, `partial` and `not_enforced`. Free it with `minicontain_string_free`. `NULL` for
/// `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_enforced_to_json(plan: Option<&minicontain_plan>) -> *mut c_char {
    owned(plan, |plan| plan.plan.enforced_value().to_string())
}

/// Frees a plan. Containers that were made of it stay. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_plan_free(plan: Option<Box<minicontain_plan>>) {
    guard::infallible((), || drop(plan));
}
