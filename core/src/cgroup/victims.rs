//! Whom the kernel killed for want of memory: it tells its log, and counts.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;

use serde::Serialize;

use super::Cgroup;
use crate::host::cgroups::Controller;

/// A process that the kernel killed for want of memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Victim {
    /// Its id, as the host sees it.
    pub pid: i32,
    /// Its name, as in `/proc/PID/comm`.
    pub name: String,
}

impl Cgroup {
    /// Whom the kernel killed for want of memory in it and in those below it: from `/dev/kmsg`, as far back as that
    /// goes; nobody where the caller may not read it.
    #[must_use]
    pub fn oom_victims(&self) -> Vec<Victim> {
        let name = self.having(Controller::Memory).and_then(|directory| directory.path.file_name()?.to_str());
        name.map_or_else(Vec::new, |name| select(&kernel_log(), name))
    }
}

/// What the kernel's log holds now.
fn kernel_log() -> String {
    let opened =
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open("/dev/kmsg");
    let Ok(mut file) = opened else { return String::new() };
    let mut log = String::new();
    let mut record = [0; 8192];
    loop {
        match file.read(&mut record) {
            Ok(0) => return log,
            Ok(len) => log.push_str(&String::from_utf8_lossy(&record[..len])),
            // What was overwritten before it was read.
            Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
            Err(_) => return log,
        }
    }
}

/// The victims in cgroups with a part of this name.
fn select(log: &str, name: &str) -> Vec<Victim> {
    let kills = log
        .lines()
        .filter_map(|line| line.split_once("oom-kill:")?.1.split_once("task_memcg="))
        .map(|(_, rest)| rest);
    kills
        .filter_map(|rest| {
            // A path may have commas in it, the program's name too.
            let (path, rest) = rest.split_once(",task=")?;
            let (rest, _) = rest.rsplit_once(",uid=")?;
            let (task, pid) = rest.rsplit_once(",pid=")?;
            let ours = path.split('/').any(|part| part == name);
            ours.then_some(Victim { pid: pid.parse().ok()?, name: task.into() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_victim_is_told_by_the_name_of_its_cgroup() {
        let log = "\
6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a/mc-1,task_memcg=/a/mc-1/exec,task=a,b,pid=7,uid=0
3,2,3,-;Memory cgroup out of memory: Killed process 7 (a,b) total-vm:65396kB
6,3,4,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/a/mc-11,task_memcg=/a/mc-11,task=other,pid=8,uid=0
";
        assert_eq!(select(log, "mc-1"), [Victim { pid: 7, name: "a,b".into() }]);
    }
}
