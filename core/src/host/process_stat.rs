//! What proc_pid_stat(5) tells of a process.

use super::read_text;

/// A process, as its id's directory in /proc has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessStat {
    /// Whether it has ended, and waits only for its parent to ask how.
    pub ended: bool,
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
        Some(Self { ended, started: fields.get(19)?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(state: char, threads: u32) -> ProcessStat {
        let stat = format!(
            "7 (a) Z 1 (b) {state} 1 7 7 0 -1 4194560 138 0 0 0 0 1 2 3 20 0 {threads} 0 4711 2777088 373"
        );
        ProcessStat::parse(&stat).expect("it is whole")
    }

    #[test]
    fn a_name_may_hold_anything() {
        assert_eq!(parse('S', 1), ProcessStat { ended: false, started: 4711 });
    }

    #[test]
    fn who_waits_for_its_parent_has_ended() {
        assert!(parse('Z', 1).ended && parse('X', 0).ended);
    }

    #[test]
    fn a_first_thread_that_ended_before_the_others_is_not_its_process() {
        assert!(!parse('Z', 2).ended);
    }

    #[test]
    fn a_process_that_is_not_there_tells_nothing() {
        assert_eq!(ProcessStat::of(-1), None);
        assert_eq!(ProcessStat::parse("7 (a) Z"), None);
    }
}
