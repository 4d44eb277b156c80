//! A spec: what is wanted, as plain data.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use engine::Spec;
use serde_json::{Map, Value};

use crate::error::{Failure, minicontain_error};
use crate::guard;
use crate::text::{given, given_all, needed, owned};

/// What to run, and what it may see and do. Plain data: it touches nothing, and can be used for any number of
/// plans, containers and runs. Any number of threads may read it at once; a thread that changes it must be
/// alone with it. Free it with `minicontain_spec_free`.
pub struct minicontain_spec {
    pub(crate) spec: Spec,
}

/// Writes a new handle to where the caller wants it, or `NULL` if there is none.
pub(crate) fn create<T>(
    out: Option<&mut MaybeUninit<Option<Box<T>>>>,
    make: impl FnOnce() -> Result<T, Failure>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| {
        let out = needed(out, "out")?;
        let place = out.write(None);
        *place = Some(Box::new(make()?));
        Ok(())
    })
}

/// Changes a spec.
pub(crate) fn change(
    spec: Option<&mut minicontain_spec>,
    set: impl FnOnce(&mut Spec) -> Result<(), Failure>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| set(&mut needed(spec, "spec")?.spec))
}

/// Makes a spec that runs a program with every default: a user namespace and all others new, the host's files
/// under a throw-away layer, Docker's capabilities, the caller's standard streams.
///
/// `argv` has `argc` strings: the program, looked for in the container's `PATH` if it has no slash, and its
/// arguments. They are copied. `argc` may be 0 where the arguments come later. Values are checked when a plan
/// is made of the spec, or by `minicontain_spec_validate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_new(
    argv: *const *const c_char,
    argc: usize,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_spec>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let args = unsafe { given_all(argv, argc, "argv") }?;
        Ok(minicontain_spec { spec: Spec::new(args) })
    })
}

/// Makes a spec from a JSON object, as `minicontain_spec_to_json` writes it: `{"args": ["true"], "hostname":
/// "box"}`. Fields that are not named have their defaults.
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` with every fault: no JSON, an unknown field, a wrong type, a value
/// that cannot be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_from_json(
    json: *const c_char,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_spec>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || {
        // SAFETY: as the caller promises.
        let json = unsafe { given(json, "json") }?;
        Ok(minicontain_spec { spec: Spec::from_json(json)? })
    })
}

/// Makes a spec like another, to be changed on its own.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_copy(
    spec: Option<&minicontain_spec>,
    out: Option<&mut MaybeUninit<Option<Box<minicontain_spec>>>>,
) -> Option<Box<minicontain_error>> {
    create(out, || Ok(minicontain_spec { spec: needed(spec, "spec")?.spec.clone() }))
}

/// Sets any field by its name in JSON, to a value in JSON: `minicontain_spec_set(spec, "umask", "63")`,
/// `minicontain_spec_set(spec, "volumes", "[\"/srv:/srv:ro\"]")`. What the field held before is gone; strings
/// need their quotation marks.
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such field or it cannot hold such a value. The spec
/// is unchanged then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set(
    spec: Option<&mut minicontain_spec>,
    field: *const c_char,
    json: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let (field, json) = unsafe { (given(field, "field")?, given(json, "json")?) };
        set(spec, field, json)
    })
}

fn set(spec: &mut Spec, field: &str, json: &str) -> Result<(), Failure> {
    let unreadable =
        |error: serde_json::Error| Failure::fault(field, error.to_string(), "write the value as JSON");
    let value: Value = serde_json::from_str(json).map_err(unreadable)?;
    let mut fields = match serde_json::to_value(&*spec).map_err(unreadable)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    // A spec writes out every field that it has, and reading one passes over those that it has not.
    let known = fields.insert(field.into(), value.clone()).is_some();
    match serde_json::from_value(Value::Object(fields)) {
        Ok(changed) if known => *spec = changed,
        // All other fields are as they were, so the core says of this one what is wrong.
        _ => match Spec::from_value(Value::Object(Map::from_iter([(field.into(), value)]))) {
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(Failure::fault(field, "it cannot be set".into(), "name another field")),
        },
    }
    Ok(())
}

/// Checks every field, without touching the host. Planning does this too.
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` with every fault.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_validate(
    spec: Option<&minicontain_spec>,
) -> Option<Box<minicontain_error>> {
    guard::fallible(|| Ok(needed(spec, "spec")?.spec.validate()?))
}

/// The spec as JSON, every field written out. Free it with `minicontain_string_free`. `NULL` for `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_to_json(spec: Option<&minicontain_spec>) -> *mut c_char {
    owned(spec, |spec| spec.spec.to_json())
}

/// Frees a spec. Plans and containers that were made of it stay. `NULL` is fine.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_free(spec: Option<Box<minicontain_spec>>) {
    guard::infallible((), || drop(spec));
}
