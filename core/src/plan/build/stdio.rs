//! Standard input, output and error: pipe2(2), dup3(2).

use super::{Builder, Call, Fd, Shell, Side, Slot};
use crate::container::registry;
use crate::error::Error;
use crate::host::Host;
use crate::spec::{Spec, Stdio};
use crate::sys::abi;

impl Builder<'_> {
    /// The caller opens what the streams refer to.
    pub(super) fn open_streams(&mut self) -> Result<(), Error> {
        self.open_passed();
        let streams = self.wanted_streams()?;
        if streams.iter().all(|stream| *stream == Stdio::Inherit) {
            return Ok(());
        }
        self.act(
            "open the standard streams",
            "pipes, files and copies for the program's input and output",
            Shell::None,
            |b| {
                for (n, stream) in streams.iter().enumerate() {
                    let slot = b.open_stream(n, stream);
                    b.files.streams[n] = slot;
                }
            },
        );
        Ok(())
    }

    /// The three streams: as asked for, but that what is detached inherits none. A container has a log.
    fn wanted_streams(&self) -> Result<[Stdio; 3], Error> {
        let Spec { stdin, stdout, stderr, .. } = self.spec;
        let mut streams = [stdin, stdout, stderr].map(Clone::clone);
        if self.spec.detach {
            let log = self.spec.name.as_deref().map(registry::log_path).transpose()?;
            for (n, stream) in streams.iter_mut().enumerate().filter(|(_, stream)| **stream == Stdio::Inherit)
            {
                let log = log.as_ref().filter(|_| n > 0);
                *stream = log.map_or(Stdio::Null, |log| Stdio::File(log.display().to_string()));
            }
        }
        Ok(streams)
    }

    /// Gives a pipe to the program's user, who may then open it again through /dev/stdout.
    fn give(&mut self, pipe: Slot) {
        let Some((user, group)) = self.users.host_ids(self.account.uid, self.account.gid) else { return };
        self.needs = Some("CAP_CHOWN");
        self.caller(Call::Chown {
            dir: Fd::Slot(pipe),
            path: "".into(),
            user,
            group,
            flags: abi::AT_EMPTY_PATH,
        });
        self.needs = None;
    }

    /// The caller's descriptors to pass on, copied: one that is not open is told, and nothing else takes its number.
    fn open_passed(&mut self) {
        let passed = self.spec.pass_fds.clone();
        if passed.is_empty() {
            return;
        }
        self.act("copy the descriptors to pass on", "asked for", Shell::None, |b| {
            for fd in passed {
                let slot = b.slot(format!("descriptor {fd}"));
                b.caller(Call::Duplicate { fd: Fd::Number(fd), keep: slot });
                b.files.passed.push((slot, fd));
            }
        });
    }

    fn open_stream(&mut self, n: usize, stream: &Stdio) -> Option<Slot> {
        let name = ["stdin", "stdout", "stderr"][n];
        let cloexec = libc::O_CLOEXEC as u64;
        let open = |b: &mut Self, path: String, flags: i32| {
            let slot = b.slot(name);
            b.caller(Call::Open {
                dir: Fd::Cwd,
                path: path.into(),
                flags: flags as u64 | cloexec,
                mode: 0o666,
                keep: slot,
            });
            slot
        };
        let slot = match stream {
            Stdio::Inherit | Stdio::Stdout => return None,
            Stdio::Pipe => {
                let (ours, theirs) = (self.slot(format!("{name} (caller's end)")), self.slot(name));
                let (read, write) = if n == 0 { (theirs, ours) } else { (ours, theirs) };
                self.step(Side::Caller, Call::Pipe { read, write });
                self.kept.pipes[n] = Some(ours);
                self.give(theirs);
                theirs
            }
            Stdio::Null => open(self, "/dev/null".into(), libc::O_RDWR),
            Stdio::File(path) if n == 0 => open(self, path.clone(), 0),
            Stdio::File(path) => {
                // Appended to: two streams may go to one file.
                let end = if self.spec.detach { libc::O_APPEND } else { libc::O_TRUNC };
                open(self, path.clone(), libc::O_WRONLY | libc::O_CREAT | end)
            }
            Stdio::Fd(fd) => {
                let slot = self.slot(name);
                self.caller(Call::Duplicate { fd: Fd::Number(*fd), keep: slot });
                return Some(slot);
            }
        };
        Some(self.above_standard(Side::Caller, slot))
    }

    /// A descriptor that is not 0, 1 or 2: where the caller closed one of these, a new one may have its number, and
    /// would be overwritten when the streams are placed.
    pub(super) fn above_standard(&mut self, side: Side, slot: Slot) -> Slot {
        if Host::standard_open() {
            return slot;
        }
        let high = self.slot("stream");
        self.step(side, Call::Duplicate { fd: Fd::Slot(slot), keep: high });
        high
    }

    /// The child puts them in their places, and lets nothing else through.
    pub(super) fn place_streams(&mut self) {
        let streams = self.files.streams;
        let merged = self.spec.stderr == Stdio::Stdout;
        if streams.iter().any(Option::is_some) || merged {
            self.act(
                "place the standard streams",
                "descriptors 0, 1 and 2 of the program",
                Shell::None,
                |b| {
                    for (n, slot) in streams.into_iter().enumerate() {
                        if let Some(slot) = slot {
                            b.inside(Call::Dup3 { from: Fd::Slot(slot), to: n as i32 });
                        }
                    }
                    if merged {
                        b.inside(Call::Dup3 { from: Fd::Number(1), to: 2 });
                    }
                },
            );
        }
        let passed = std::mem::take(&mut self.files.passed);
        self.act("close all other descriptors", "nothing of the caller's is inherited", Shell::None, |b| {
            b.inside(Call::CloseRange { first: 3, last: u32::MAX });
            for (slot, fd) in passed {
                b.inside(Call::Dup3 { from: Fd::Slot(slot), to: fd });
            }
        });
    }
}
