//! Programs that a network needs, run where it is: on the host, or in its own namespaces as containers that share all else.
//!
//! What they are told and what they say are files in memory. A pipe ends when nobody holds its other end any more, and
//! whatever another thread of the caller forks meanwhile holds all of them: it may be waiting for the very network that
//! waits here.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::Command;

use super::record::Inside;
use crate::container::Container;
use crate::error::{Code, Error};
use crate::plan::Plan;
use crate::spec::{NamespaceSource, Namespaces, Spec, Stdio};
use crate::sys::memory_file::memory_file_of;

/// Where programs of the host are looked for.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs a program on the host: whether it succeeded, and what it said.
pub(super) fn here(name: &str, args: &[&str], input: &[u8]) -> io::Result<(bool, String)> {
    let files = Files::new(input)?;
    // By its whole path, since the standard library has a pipe of its own where it looks a program up for its child.
    let mut command = Command::new(find(name).ok_or(ErrorKind::NotFound)?);
    command.args(args).env_clear().env("PATH", PATH);
    command
        .stdin(files.input.try_clone()?)
        .stdout(files.output.try_clone()?)
        .stderr(files.errors.try_clone()?);
    let success = command.status()?.success();
    Ok((success, files.said(success)?))
}

/// Runs a program in a network's own namespaces: whether it succeeded, and what it said.
pub(super) fn inside(inside: &Inside, args: &[&str], input: &[u8]) -> Result<(bool, String), Error> {
    let failed = |error: io::Error| {
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        Error::call(Code::Io, format!("could not talk to {} by files in memory", args[0]), errno, "")
    };
    let files = Files::new(input).map_err(failed)?;
    let mut spec = Spec::new(args.iter().copied());
    spec.namespaces = Namespaces {
        user: NamespaceSource::Path(inside.user.clone()),
        net: NamespaceSource::Path(inside.net.clone()),
        ..Namespaces::of_caller()
    };
    // Rules and settings are the network's administrator's.
    spec.cap_add.push("NET_ADMIN".into());
    spec.init = false;
    spec.stdin = Stdio::Fd(files.input.as_raw_fd());
    spec.stdout = Stdio::Fd(files.output.as_raw_fd());
    spec.stderr = Stdio::Fd(files.errors.as_raw_fd());
    let success = Container::start(Plan::new(spec)?)?.wait()?.returncode() == 0;
    Ok((success, files.said(success).map_err(failed)?))
}

fn find(name: &str) -> Option<PathBuf> {
    PATH.split(':').map(|directory| PathBuf::from(directory).join(name)).find(|path| path.is_file())
}

/// What a program is told, and what it says.
struct Files {
    input: File,
    output: File,
    errors: File,
}

impl Files {
    fn new(input: &[u8]) -> io::Result<Self> {
        let file = |content: &[u8]| memory_file_of(c"minicontain-program", content);
        Ok(Self { input: file(input)?, output: file(b"")?, errors: file(b"")? })
    }

    /// Its result if it succeeded, and else what is wrong.
    fn said(self, success: bool) -> io::Result<String> {
        let mut file = if success { self.output } else { self.errors };
        let mut text = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}
