//! What proc_pid_stat(5) tells of a process.

use super::read_text;
use crate::sys::process::number_has_ended;

/// The flag of a process that is in do_exit(): `PF_EXITING` of the kernel's include/linux/sched.h.
const EXITING: u32 = 0x4;

/// A process, as its id's directory in /proc has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessStat {
    /// Whether it has ended, and waits only for its parent to ask how.
    pub ended: bool,
    /// Whether it is on its way there, or has ended.
    pub ending: bool,
    /// When it began, in clock ticks since the host did.
    pub started: u64,
}

impl ProcessStat {
    /// Reads it, while there is a process of this id.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Self::parse(&read_text(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name, in parentheses, may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // A first thread that has ended before the others is a zombie, too.
        let ended = matches!(*fields.first()?, "Z" | "X") && fields.get(17)?.parse::<u32>().ok()? <= 1;
        let ending = fields.get(6)?.parse::<u32>().ok()? & EXITING != 0;
        Some(Self { ended, ending, started: fields.get(19)?.parse().ok()? })
    }
}

/// Whether a process has ended, or is ending, by its descriptor. One that is ending gives up its memory first, then its
/// files, its root and its namespaces: for that time, which is long where the last of a file system goes with them, it
/// is refused to be looked at and joined, and its descriptor does not yet say why.
pub(crate) fn is_ending(pidfd: i32) -> bool {
    let info = read_text(format!("/proc/self/fdinfo/{pidfd}")).unwrap_or_default();
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    let ending = pid.and_then(ProcessStat::of).is_some_and(|stat| stat.ending);
    // Asked last: as long as it has not ended, its id was not another's.
    number_has_ended(pidfd) || ending
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(state: char, flags: u32, threads: u32) -> ProcessStat {
        let stat = format!(
            "7 (a) Z 1 (b) {state} 1 7 7 0 -1 {flags} 138 0 0 0 0 1 2 3 20 0 {threads} 0 4711 2777088 373"
        );
        ProcessStat::parse(&stat).expect("it is whole")
    }

    #[test]
    fn a_name_may_hold_anything() {
        assert_eq!(parse('S', 0x0040_0100, 1), ProcessStat { ended: false, ending: false, started: 4711 });
    }

    #[test]
    fn who_waits_for_its_parent_has_ended() {
        assert!(parse('Z', 0x0040_0104, 1).ended && parse('X', 0x0040_0104, 0).ended);
    }

    #[test]
    fn who_still_gives_up_what_it_has_is_ending() {
        let waiting = parse('S', 0x0040_0104, 1);
        assert!(waiting.ending && !waiting.ended);
    }

    #[test]
    fn a_first_thread_that_ended_before_the_others_is_not_its_process() {
        assert!(!parse('Z', 0x0040_0104, 2).ended);
    }

    #[test]
    fn a_process_that_is_not_there_tells_nothing() {
        assert_eq!(ProcessStat::of(-1), None);
        assert_eq!(ProcessStat::parse("7 (a) Z"), None);
    }
}
