//! Running one plugin: its file, its environment, its configuration, a limit in time, and what it answers.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failed;
use crate::error::Error;
use crate::sys::memory_file::memory_file_of;
use crate::sys::process::{self, Ended, poll_timeout};

/// Where plugins are looked for when `CNI_PATH` is not set: where upstream, Debian and Fedora install them.
pub const PLUGIN_DIRS: [&str; 3] = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];

/// What plugins find programs with when the caller has no PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// No result is as long as this.
const LONGEST: usize = 1 << 20;

/// How much is kept of what it says on standard error.
const LAST_WORDS: usize = 500;

/// What a plugin is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Del,
    Check,
    Version,
}

impl Verb {
    const fn name(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Del => "DEL",
            Self::Check => "CHECK",
            Self::Version => "VERSION",
        }
    }
}

/// A plugin's file.
#[derive(Debug, Clone)]
pub(super) struct Plugin {
    kind: String,
    file: PathBuf,
}

/// What is the same for every plugin of a chain.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// `CNI_…`, but for the command.
    pub environment: Vec<(&'static str, OsString)>,
    /// For whom it is, as errors say it.
    pub whom: String,
    /// How long each may take.
    pub limit: Duration,
}

/// An error as plugins print it.
#[derive(Debug, Deserialize)]
struct Complaint {
    code: u64,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    details: String,
}

/// Why a plugin did not do what it was asked.
#[derive(Debug)]
pub(super) struct Failure {
    pub error: Error,
    /// Whether it does not speak the network's version, which it says before it does anything.
    pub unspoken: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, unspoken: false }
    }
}

/// How a plugin ended, and what it printed.
struct Answer {
    /// Nothing where it was killed: for its time, or for what it printed.
    ended: Option<Ended>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Plugin {
    /// Looks for a plugin in each directory.
    pub(super) fn find(kind: &str, dirs: &[PathBuf]) -> Result<Self, Error> {
        let mut not_executable = None;
        for dir in dirs {
            let file = dir.join(kind);
            match fs::metadata(&file) {
                Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o111 != 0 => {
                    return Ok(Self { kind: kind.into(), file });
                }
                Ok(meta) if meta.is_file() => not_executable = Some(file),
                _ => {}
            }
        }
        if let Some(file) = not_executable {
            let file = file.display().to_string();
            let problem = format!("the CNI plugin '{kind}' may not be executed ({file})");
            return Err(failed(problem, libc::EACCES, "chmod +x it").about(&file));
        }
        let dirs: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
        let problem = format!("there is no CNI plugin '{kind}' in {}", dirs.join(", "));
        let hint =
            "install it (Debian: apt install containernetworking-plugins), or name its directory in CNI_PATH";
        Err(failed(problem, libc::ENOENT, hint))
    }

    /// Asks the plugin for something; returns what it printed.
    pub(super) fn run(&self, verb: Verb, around: &Surroundings, config: &Value) -> Result<Vec<u8>, Failure> {
        let answer = self.answer(verb, around, config)?;
        let wrong = |what: String, errno: i32, hint: &str| {
            let problem = format!(
                "the CNI plugin '{}' failed at {} for {}: {what}",
                self.kind,
                verb.name(),
                around.whom
            );
            Failure::from(failed(problem, errno, hint).about(&self.file.display().to_string()))
        };
        let said = || said(&answer.stderr);
        match answer.ended {
            None if answer.stdout.len() > LONGEST => {
                Err(wrong(format!("it printed more than {LONGEST} bytes, and was killed"), libc::EFBIG, ""))
            }
            None => {
                let what = format!("it was killed when it had not ended within {:?}{}", around.limit, said());
                Err(wrong(what, libc::ETIMEDOUT, "see what it waits for, or give it a longer timeout"))
            }
            Some(Ended { code: libc::CLD_EXITED, status: 0, .. }) => Ok(answer.stdout),
            Some(Ended { code: libc::CLD_EXITED, status, .. }) => {
                let Ok(complaint) = serde_json::from_slice::<Complaint>(&answer.stdout) else {
                    let what =
                        format!("it exited with status {status}, without saying why as plugins do{}", said());
                    return Err(wrong(what, 0, "see whether this is a CNI plugin"));
                };
                let details = if complaint.details.is_empty() { "" } else { "; " };
                let what =
                    format!("{}{details}{} (code {})", complaint.msg, complaint.details, complaint.code);
                if complaint.code == 1 && verb != Verb::Version {
                    let hint = self.version_hint(around, config);
                    return Err(Failure { unspoken: true, ..wrong(what, 0, &hint) });
                }
                Err(wrong(what, 0, advice(&complaint)))
            }
            Some(Ended { status, .. }) => {
                let name =
                    Signal::try_from(status).map_or_else(|_| status.to_string(), |name| name.to_string());
                Err(wrong(format!("it was ended by {name}{}", said()), 0, ""))
            }
        }
    }

    /// Reads a plugin's answer to ADD. It must be in the version that was asked for; one that says none is taken to be.
    pub(super) fn result(&self, stdout: &[u8], version: &str, whom: &str) -> Result<Value, Failure> {
        let wrong = |what: String, hint: &str| {
            let problem =
                format!("the CNI plugin '{}' answered ADD for {whom} with no result: {what}", self.kind);
            Failure::from(failed(problem, 0, hint).about(&self.file.display().to_string()))
        };
        let mut result: Value = serde_json::from_slice(stdout).map_err(|error| {
            let text = String::from_utf8_lossy(&stdout[..stdout.len().min(200)]).into_owned();
            wrong(format!("{error} in {text:?}"), "see whether this is a CNI plugin")
        })?;
        let Some(fields) = result.as_object_mut() else {
            return Err(wrong("it is no JSON object".into(), "see whether this is a CNI plugin"));
        };
        match fields.get("cniVersion").and_then(Value::as_str) {
            None | Some("") => drop(fields.insert("cniVersion".into(), json!(version))),
            Some(own) if own == version => {}
            Some(own) => {
                let what = format!("it is of version {own}, and {version} was asked for");
                return Err(wrong(what, "use a plugin that speaks the network's cniVersion"));
            }
        }
        Ok(result)
    }

    /// What to do about a version that the plugin does not speak: it is asked once which ones it does.
    fn version_hint(&self, around: &Surroundings, config: &Value) -> String {
        let probe = json!({"cniVersion": config["cniVersion"]});
        let answer = self.run(Verb::Version, around, &probe).ok();
        let answer = answer.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let versions = answer.and_then(|value| {
            let versions = value.get("supportedVersions")?.as_array()?.iter();
            Some(versions.filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        });
        versions.map_or_else(
            || "write an older cniVersion in the network's configuration".into(),
            |versions| {
                format!("write a cniVersion that it speaks in the network's configuration: {versions}")
            },
        )
    }

    fn answer(&self, verb: Verb, around: &Surroundings, config: &Value) -> Result<Answer, Error> {
        let begun = Instant::now();
        let file = self.file.display().to_string();
        let could_not = |what: &str, errno: i32| {
            failed(format!("could not {what} the CNI plugin '{}'", self.kind), errno, "").about(&file)
        };
        let errno = |error: &std::io::Error| error.raw_os_error().unwrap_or(libc::EIO);
        let input = memory_file_of(c"cni-config", config.to_string().as_bytes());
        let input = input.map_err(|error| could_not("write the configuration of", errno(&error)))?;
        let path = std::env::var_os("PATH").unwrap_or_else(|| PATH.into());
        let mut command = Command::new(&self.file);
        command.env_clear().env("PATH", path).env("CNI_COMMAND", verb.name());
        command.envs(around.environment.iter().map(|(name, value)| (OsStr::new(*name), value)));
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: what it started (its IPAM plugin) is killed with it, and a Ctrl-C does not stop it half-way.
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| could_not("execute", errno(&error)))?;
        let group = Pid::from_raw(child.id() as i32);
        let pidfd = match process::pidfd_open(group.as_raw()) {
            Ok(pidfd) => pidfd,
            Err(errno) => {
                let _ = child.kill().and_then(|()| child.wait());
                return Err(could_not("watch", errno));
            }
        };
        let pipes = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
        let mut pipes = pipes.map(|pipe| pipe.map(File::from));
        for pipe in pipes.iter().flatten() {
            // Nothing else shares this end's flags.
            let _ = fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        }
        let mut texts = [Vec::new(), Vec::new()];
        let ended = loop {
            let ended = process::has_ended(pidfd.as_fd());
            for (pipe, text) in pipes.iter_mut().zip(&mut texts) {
                read_ready(pipe, text);
            }
            let superfluous = texts[1].len().saturating_sub(LAST_WORDS);
            texts[1].drain(..superfluous);
            let expired = begun.elapsed() >= around.limit;
            if ended {
                break true;
            }
            if expired || texts[0].len() > LONGEST {
                break false;
            }
            let mut fds = vec![PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
            fds.extend(pipes.iter().flatten().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)));
            let left = around.limit.saturating_sub(begun.elapsed());
            match poll(&mut fds, poll_timeout(Some(left))) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => {
                    let _ = killpg(group, Signal::SIGKILL);
                    let _ = process::reap(pidfd.as_fd(), true);
                    return Err(could_not("wait for", errno as i32));
                }
            }
        };
        if !ended {
            // It is not reaped yet, so the number is still its own.
            let _ = killpg(group, Signal::SIGKILL);
        }
        let how =
            process::reap(pidfd.as_fd(), true).map_err(|errno| could_not("learn the status of", errno))?;
        let [stdout, stderr] = texts;
        Ok(Answer { ended: how.filter(|_| ended), stdout, stderr })
    }
}

/// Reads what is there now, as much as the largest pipe holds. An end of it that a plugin's own child holds open is not
/// waited for.
fn read_ready(pipe: &mut Option<File>, text: &mut Vec<u8>) {
    let mut room = [0; 16 << 10];
    for _ in 0..64 {
        let Some(file) = pipe else { return };
        match file.read(&mut room) {
            Ok(0) => *pipe = None,
            Ok(count) => text.extend_from_slice(&room[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => *pipe = None,
        }
    }
}

/// The end of what it said on standard error.
fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    if text.trim().is_empty() { String::new() } else { format!("; it said: {}", text.trim()) }
}

/// What the specification's codes, and some well-known messages, ask for.
fn advice(complaint: &Complaint) -> &'static str {
    let text = format!("{} {}", complaint.msg, complaint.details);
    if text.contains("executable file not found") && text.contains("iptables") {
        return "install iptables (Debian: apt install iptables), or leave the plugin out of the network";
    }
    if text.contains("no IP addresses available") {
        return "the range is used up: delete attachments, or widen the subnet";
    }
    if text.contains("operation not permitted") && !nix::unistd::geteuid().is_root() {
        return "plugins change the host's network: run as root";
    }
    match complaint.code {
        2 => "the plugin does not know a field of its configuration: take it out",
        3 => "the container's network namespace is not there any more",
        4 => {
            "one of container id, network namespace, interface name and arguments is not as the plugin wants it"
        }
        6 | 7 => "correct the plugin's part of the network's configuration",
        11 => "it cannot now: try again later",
        _ => "",
    }
}

/// The directories of `CNI_PATH`, or else the usual ones.
pub(super) fn plugin_dirs() -> Vec<PathBuf> {
    let set = std::env::var_os("CNI_PATH").filter(|path| !path.is_empty());
    set.map_or_else(
        || PLUGIN_DIRS.map(PathBuf::from).to_vec(),
        |path| std::env::split_paths(&path).filter(|dir| !dir.as_os_str().is_empty()).collect(),
    )
}

/// Directories as `CNI_PATH` has them.
pub(super) fn joined(dirs: &[PathBuf]) -> OsString {
    dirs.iter().map(|dir| Path::as_os_str(dir)).collect::<Vec<_>>().join(OsStr::new(":"))
}
