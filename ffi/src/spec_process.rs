//! The fields of a spec that are about the process.

use std::ffi::{c_char, c_int};

use engine::Spec;
use engine::spec::{Stdio, Ulimit};

use crate::error::{Failure, minicontain_error};
use crate::spec::{change, minicontain_spec};
use crate::text::{given, given_all, given_or_none};

/// Where a standard stream goes that needs nothing more said. Numbers are never used again for something
/// else.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum minicontain_stdio {
    /// The caller's own.
    Inherit = 0,
    /// `/dev/null`.
    Null = 1,
    /// A new pipe, whose other end the caller gets.
    Pipe = 2,
    /// For standard error: the same as standard output.
    Merge = 3,
}

/// Sets the program and its arguments: `argc` strings, which are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_args(
    spec: Option<&mut minicontain_spec>,
    argv: *const *const c_char,
    argc: usize,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.args = unsafe { given_all(argv, argc, "argv") }?;
        Ok(())
    })
}

/// Sets an environment variable; with a `value` of `NULL` it is taken from the caller, where it is set there.
/// The container sees no other variables but `PATH`, `HOME` and `TERM`. See environ(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_env(
    spec: Option<&mut minicontain_spec>,
    name: *const c_char,
    value: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let (name, value) = unsafe { (given(name, "name")?, given_or_none(value, "value")?) };
        spec.env.insert(name.into(), value.map(String::from));
        Ok(())
    })
}

/// Sets the working directory inside the container; `NULL` for the default, `/`. See chdir(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_cwd(
    spec: Option<&mut minicontain_spec>,
    path: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.cwd = unsafe { given_or_none(path, "path") }?.map(String::from);
        Ok(())
    })
}

/// Sets who the program runs as: `uid`, `uid:gid`, `name` or `name:group`, as the container's `/etc/passwd`
/// knows them; `NULL` for the default, the container's root. See credentials(7).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_user(
    spec: Option<&mut minicontain_spec>,
    user: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.user = unsafe { given_or_none(user, "user") }?.map(String::from);
        Ok(())
    })
}

/// Sets whether process 1 is a small init, as by default: it reaps orphans, hands on signals, and ends with the
/// program or with this process. Without one the program is process 1 itself. See pid_namespaces(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_init(
    spec: Option<&mut minicontain_spec>,
    init: bool,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.init = init;
        Ok(())
    })
}

/// Sets a name by which other processes of this user find the container (`minicontain_attach`): up to 64 letters,
/// digits, `_`, `.` and `-`, a letter or digit first; `NULL` for none, which is a random one where it is detached.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_name(
    spec: Option<&mut minicontain_spec>,
    name: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        spec.name = unsafe { given_or_none(name, "name") }?.map(String::from);
        Ok(())
    })
}

/// Sets whether the container outlives its handle and this process. It is nobody's child then; standard streams
/// that are not set come from `/dev/null` and go to its log (`minicontain_container_log_path`), and what is known of
/// it stays until `minicontain_remove`. A program that joins a container (`minicontain_container_exec`) has no log:
/// what it writes goes to `/dev/null`.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_detach(
    spec: Option<&mut minicontain_spec>,
    detach: bool,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.detach = detach;
        Ok(())
    })
}

/// Sets the file mode creation mask, 0 to 0777: umask(2).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_umask(
    spec: Option<&mut minicontain_spec>,
    mask: u32,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.umask = mask;
        Ok(())
    })
}

/// Sets a resource limit by its name (`"nofile"`, `"core"`, `"cpu"`, …), in the units of setrlimit(2).
/// `UINT64_MAX` is unlimited. What is not set is as the caller has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_ulimit(
    spec: Option<&mut minicontain_spec>,
    name: *const c_char,
    soft: u64,
    hard: u64,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let name = unsafe { given(name, "name") }?;
        let limited = |limit: u64| (limit != u64::MAX).then_some(limit);
        spec.ulimits.insert(name.into(), Ulimit { soft: limited(soft), hard: limited(hard) });
        Ok(())
    })
}

/// Sets where a standard stream goes. `stream` is 0, 1 or 2 (`STDIN_FILENO`, `STDOUT_FILENO`,
/// `STDERR_FILENO`); `mode` is one of `minicontain_stdio`.
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such stream or mode.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_stream(
    spec: Option<&mut minicontain_spec>,
    stream: c_int,
    mode: i32,
) -> Option<Box<minicontain_error>> {
    const MODES: [(minicontain_stdio, Stdio); 4] = [
        (minicontain_stdio::Inherit, Stdio::Inherit),
        (minicontain_stdio::Null, Stdio::Null),
        (minicontain_stdio::Pipe, Stdio::Pipe),
        (minicontain_stdio::Merge, Stdio::Stdout),
    ];
    change(spec, |spec| {
        let (field, place) = stream_of(spec, stream)?;
        let known = MODES.into_iter().find(|(known, _)| *known as i32 == mode);
        let unknown =
            || Failure::fault(field, format!("there is no mode {mode}"), "use one of minicontain_stdio");
        *place = known.ok_or_else(unknown)?.1;
        Ok(())
    })
}

/// Connects a standard stream with an open descriptor of the caller's. The descriptor stays the caller's, and
/// must be open when the container starts. See dup(2).
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such stream.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_stream_fd(
    spec: Option<&mut minicontain_spec>,
    stream: c_int,
    fd: c_int,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        *stream_of(spec, stream)?.1 = Stdio::Fd(fd);
        Ok(())
    })
}

/// Connects a standard stream with a file of the host: read for standard input, emptied and written for the
/// others. It is opened when the container starts, with the caller's rights. See open(2).
///
/// Errors: `MINICONTAIN_CODE_INVALID_SPEC` if there is no such stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontain_spec_set_stream_file(
    spec: Option<&mut minicontain_spec>,
    stream: c_int,
    path: *const c_char,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        // SAFETY: as the caller promises.
        let path = unsafe { given(path, "path") }?;
        *stream_of(spec, stream)?.1 = Stdio::File(path.into());
        Ok(())
    })
}

/// Gives the program a terminal of the container's own for its three streams, whose other end the caller gets
/// (`minicontain_container_terminal`). `minicontain_run` does not read it. See pty(7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_tty(
    spec: Option<&mut minicontain_spec>,
    tty: bool,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.tty = tty;
        Ok(())
    })
}

/// Sets the size that the terminal begins with; 24 rows and 80 columns by default. See
/// `minicontain_container_resize` for later.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_set_tty_size(
    spec: Option<&mut minicontain_spec>,
    rows: u16,
    columns: u16,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.tty_size = (rows, columns);
        Ok(())
    })
}

/// Passes on a descriptor of the caller's, 3 or above, under the same number. No others are inherited. It
/// stays the caller's, and must be open when the container starts.
#[unsafe(no_mangle)]
pub extern "C" fn minicontain_spec_pass_fd(
    spec: Option<&mut minicontain_spec>,
    fd: c_int,
) -> Option<Box<minicontain_error>> {
    change(spec, |spec| {
        spec.pass_fds.push(fd);
        Ok(())
    })
}

/// The field of a standard stream.
fn stream_of(spec: &mut Spec, stream: c_int) -> Result<(&'static str, &mut Stdio), Failure> {
    match stream {
        0 => Ok(("stdin", &mut spec.stdin)),
        1 => Ok(("stdout", &mut spec.stdout)),
        2 => Ok(("stderr", &mut spec.stderr)),
        _ => Err(Failure::fault("", format!("there is no standard stream {stream}"), "use 0, 1 or 2")),
    }
}
