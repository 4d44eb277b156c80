//! The program itself: where it is, its environment, and what to look at when it cannot be executed.

use std::collections::BTreeMap;

use super::{Builder, Call, Fd, Shell, Tolerate};
use crate::error::{Code, Error};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where a program is looked for that has no `PATH`, as the C library does: execvp(3).
const NO_PATH: &str = "/bin:/usr/bin";
/// How much of a file is read to find out why it cannot be executed.
pub(crate) const HEAD: usize = 128;

impl Builder<'_> {
    /// The last steps: streams, signals, execve(2). What follows execve happens only if it failed.
    pub(super) fn execute(&mut self) -> Result<(), Error> {
        let environment = self.environment();
        let path = environment.get("PATH").cloned().unwrap_or_else(|| NO_PATH.into());
        let envp: Vec<String> =
            environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let argv = self.spec.args.clone();
        check_size(&argv, &envp)?;
        self.reset_process();
        self.place_streams();
        let program = self.spec.program().to_string();
        let candidates: Vec<String> = if program.contains('/') {
            vec![program.clone()]
        } else {
            path.split(':')
                .map(|dir| format!("{}/{program}", if dir.is_empty() { "." } else { dir }))
                .collect()
        };
        let words: Vec<String> = argv.iter().map(|word| super::quote(word)).collect();
        let shell = Shell::Last(vec![format!("exec {}", words.join(" "))]);
        self.act("execute the program", "the process is the program's from here on", shell, |b| {
            b.tolerate = Tolerate::Everything;
            for path in &candidates {
                b.inside(Call::Execve { path: path.clone(), argv: argv.clone(), envp: envp.clone() });
            }
        });
        let file = self.slot("program");
        self.act(
            "find out why it could not be executed",
            "done only when execve failed: is the file there, and what does it begin with?",
            Shell::None,
            |b| {
                b.tolerate = Tolerate::Everything;
                for path in candidates {
                    b.inside(Call::Open {
                        dir: Fd::Cwd,
                        path: path.into(),
                        flags: (libc::O_CLOEXEC | libc::O_NONBLOCK) as u64,
                        mode: 0,
                        keep: file,
                    });
                }
                b.inside(Call::Read { fd: Fd::Slot(file), len: HEAD });
            },
        );
        Ok(())
    }

    /// The program's environment: a small clean one, and what the spec adds.
    fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        if self.spec.default_env {
            environment.insert("PATH".to_string(), PATH.to_string());
            environment.insert("HOME".into(), self.account.home.clone());
            environment.insert("TERM".into(), "xterm".into());
        }
        for (name, value) in &self.spec.env {
            match value.clone().or_else(|| std::env::var(name).ok()) {
                Some(value) => environment.insert(name.clone(), value),
                None => environment.remove(name),
            };
        }
        environment
    }
}

/// The kernel takes at most a quarter of the stack limit, and never more than 6 MiB: execve(2).
fn check_size(argv: &[String], envp: &[String]) -> Result<(), Error> {
    let pointer = size_of::<usize>();
    let size: usize = argv.iter().chain(envp).map(|text| text.len() + 1 + pointer).sum::<usize>() + 4096;
    if size <= 128 << 10 {
        return Ok(());
    }
    let stack = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_STACK)
        .map_or(8 << 20, |(soft, _)| soft);
    let most = (stack / 4).clamp(128 << 10, 6 << 20) as usize;
    if size <= most {
        return Ok(());
    }
    let problem = format!("args: arguments and environment take {size} bytes, the kernel allows {most} here");
    Err(Error::call(Code::ArgumentsTooLong, problem, libc::E2BIG, "pass data through stdin or a volume"))
}
