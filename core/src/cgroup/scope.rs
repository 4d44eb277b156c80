//! A scope of systemd's: a cgroup that an ordinary user's own manager gives to whoever asks, with what is below it.
//!
//! A login by ssh is in a cgroup that is root's. What can be done about that the user may do himself, by
//! `systemd-run --user --scope -p Delegate=yes`: the manager moves the process that asks into a new cgroup of the user's.
//! See systemd.scope(5), org.freedesktop.systemd1(5).

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::bus::{self, Bus, Kind, Message, Method, Writer};
use crate::host::{Maker, read_text};

/// How long the manager may take until the process is in.
const PATIENCE: Duration = Duration::from_secs(5);
const PREFIX: &str = "minicontain-";
const SUFFIX: &str = ".scope";
/// How long a bus may take that was just begun until it knows the manager; and one without a manager never does.
const PATIENCE_WITH_BUS: Duration = Duration::from_secs(1);
/// The number of the call that asks; others are 1 to 3.
const ASKED: u32 = 4;

/// The scope that a cgroup is or is in, where one was asked for here, by this process or another.
pub(crate) fn around(path: &Path) -> Option<&Path> {
    let named = |path: &&Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
    };
    path.ancestors().find(named)
}

/// Asks for a scope, once in a process's life; that it was refused is remembered, too. `Ok`: the process was moved into
/// it, at one time; otherwise why not.
pub(super) fn ask() -> Result<(), String> {
    static KNOWN: Mutex<Option<(Maker, Result<(), String>)>> = Mutex::new(None);
    let this = Maker::this();
    let _turn = Turn::take();
    // Nobody else of this process has it. A copy of the process, which asks for itself, may have been made while a
    // thread had it that the copy has not.
    let known = KNOWN.try_lock().ok().and_then(|known| known.clone());
    if let Some((_, answer)) = known.filter(|(maker, _)| *maker == this) {
        return answer;
    }
    let name = format!("{PREFIX}{}-{:x}{SUFFIX}", this.pid, this.started);
    let answer = connect().and_then(|bus| request(bus, &name));
    if let Ok(mut known) = KNOWN.try_lock() {
        *known = Some((this, answer.clone()));
    }
    answer
}

/// Why no user manager of systemd's can be asked for a cgroup of this user's; `None` where one answers, which does not
/// tell yet whether it gives any. It is asked for nothing.
#[must_use]
pub fn why_no_manager() -> Option<String> {
    connect().err()
}

fn connect() -> Result<Bus, String> {
    let (addresses, shown) = bus::of_user_manager();
    Bus::connect(&addresses, Instant::now() + PATIENCE)
        .map_err(|error| format!("no user manager of systemd's can be asked for a scope: {shown}: {error}"))
}

/// The process of which a thread is asking, or 0.
static ASKING: AtomicU32 = AtomicU32::new(0);

/// The right to ask: one thread at a time has it.
struct Turn;

impl Turn {
    fn take() -> Self {
        let own = std::process::id();
        let until = Instant::now() + 2 * PATIENCE;
        loop {
            let held = ASKING.load(Ordering::Acquire);
            // One of another process was held when this one was copied from it, and nobody will give it back.
            let free = held != own || Instant::now() >= until;
            if free && ASKING.compare_exchange(held, own, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Self;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        ASKING.store(0, Ordering::Release);
    }
}

/// Has the manager make the scope and move this process into it, and waits until that is so.
fn request(mut bus: Bus, name: &str) -> Result<(), String> {
    bus.send(&calls(name)).map_err(|error| silent(&error))?;
    let known_by = Instant::now() + PATIENCE_WITH_BUS;
    let refused = loop {
        match bus.next() {
            Ok(message) if message.is_about_unknown(ASKED) && Instant::now() < known_by => {
                thread::sleep(Duration::from_millis(20));
                bus.send(&calls(name)).map_err(|error| silent(&error))?;
            }
            Ok(message) => match verdict(&message, name) {
                Some(Ok(())) => break None,
                Some(Err(why)) => return Err(why),
                None => {}
            },
            Err(error) => break Some(silent(&error)),
        }
    };
    // Whatever was said or not: this is what counts.
    let own = read_text("/proc/self/cgroup").unwrap_or_default();
    if own.lines().any(|line| line.split('/').any(|part| part == name)) {
        return Ok(());
    }
    Err(refused.unwrap_or_else(|| {
        format!(
            "systemd's user manager has made {name}, but this process is not in it: see journalctl --user"
        )
    }))
}

/// The messages that ask, and have it told when that is done.
fn calls(name: &str) -> Vec<u8> {
    let mut rule = Writer::default();
    rule.string("type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'");
    let watch = Method {
        destination: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
        name: "AddMatch",
    };
    let manager = |name| Method {
        destination: "org.freedesktop.systemd1",
        path: "/org/freedesktop/systemd1",
        interface: "org.freedesktop.systemd1.Manager",
        name,
    };
    let mut scope = Writer::default();
    scope.string(name);
    scope.string("fail");
    scope.list(8, |properties| {
        let mut property = |name: &str, kind: &str, value: &dyn Fn(&mut Writer)| {
            properties.structure();
            properties.string(name);
            properties.signature(kind);
            value(properties);
        };
        // 0 is who asks: the bus has its id from the kernel, in the PID namespace that the manager is in.
        property("PIDs", "au", &|value| value.list(4, |pids| pids.u32(0)));
        property("Delegate", "b", &|value| value.u32(1));
        // One that has failed shall not stay, either.
        property("CollectMode", "s", &|value| value.string("inactive-or-failed"));
        let description = format!("Containers of process {}, which is in it", std::process::id());
        property("Description", "s", &|value| value.string(&description));
    });
    // Further units, which there are none of.
    scope.list(8, |_| {});
    [
        bus::call(2, watch, "s", rule),
        bus::call(3, manager("Subscribe"), "", Writer::default()),
        bus::call(ASKED, manager("StartTransientUnit"), "ssa(sv)a(sa(sv))", scope),
    ]
    .concat()
}

/// What a message says about the scope, if it does.
fn verdict(message: &Message, name: &str) -> Option<Result<(), String>> {
    match (message.kind, &message.texts[..]) {
        (Kind::Error, texts) if message.answers == ASKED => {
            let said = texts.first().unwrap_or(&message.name);
            Some(Err(format!("systemd's user manager gave no scope: {said} ({})", message.name)))
        }
        (Kind::Signal, [_job, unit, result, ..]) if message.name == "JobRemoved" && unit == name => {
            let failed =
                || format!("systemd's user manager could not make {name} ({result}): see journalctl --user");
            Some(if result == "done" { Ok(()) } else { Err(failed()) })
        }
        _ => None,
    }
}

/// Why there is no answer.
fn silent(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::TimedOut => {
            format!("systemd's user manager gave no scope within {} s", PATIENCE.as_secs())
        }
        _ => format!("the talk with systemd's user manager broke off: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Kind, answers: u32, name: &str, texts: &[&str]) -> Message {
        Message { kind, answers, name: name.into(), texts: texts.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn what_concerns_the_scope_is_told_from_what_does_not() {
        let say = |message: Message| verdict(&message, "minicontain-1-2.scope");
        let removed = |unit, result| message(Kind::Signal, 0, "JobRemoved", &["/job/7", unit, result]);
        assert_eq!(say(removed("minicontain-1-2.scope", "done")), Some(Ok(())));
        let failed =
            say(removed("minicontain-1-2.scope", "failed")).expect("a verdict").expect_err("a failure");
        assert!(failed.contains("(failed)"), "{failed}");
        assert_eq!(say(removed("other.scope", "failed")), None);
        assert_eq!(say(message(Kind::Return, ASKED, "", &["/job/7"])), None);
        assert_eq!(
            say(message(Kind::Error, ASKED - 1, "org.freedesktop.systemd1.AlreadySubscribed", &[])),
            None
        );
        let refused =
            say(message(Kind::Error, ASKED, "org.example.No", &["No such thing"])).expect("a verdict");
        assert!(refused.expect_err("a refusal").ends_with("No such thing (org.example.No)"));
        let short = say(message(Kind::Error, ASKED, "org.example.No", &[])).expect("a verdict");
        assert!(short.expect_err("a refusal").contains("org.example.No"));
    }

    #[test]
    fn a_scope_is_known_by_its_name_and_no_containers_cgroup_is_one() {
        let scope = Path::new("/sys/fs/cgroup/app.slice/minicontain-12-3f.scope");
        assert_eq!(around(scope), Some(scope));
        assert_eq!(around(&scope.join("minicontain-callers")), Some(scope));
        for other in ["app.slice/minicontain-callers", "session-7.scope", "minicontain-f0-12-3f-0", ""] {
            assert_eq!(around(&Path::new("/sys/fs/cgroup").join(other)), None, "{other}");
        }
    }

    #[test]
    fn a_turn_is_one_threads_at_a_time_and_a_copys_is_free() {
        let first = Turn::take();
        assert_eq!(ASKING.load(Ordering::Relaxed), std::process::id());
        let second = thread::spawn(|| drop(Turn::take()));
        thread::sleep(Duration::from_millis(20));
        assert!(!second.is_finished());
        drop(first);
        second.join().expect("its turn");
        // As in a copy of a process whose thread was asking.
        ASKING.store(1, Ordering::Relaxed);
        drop(Turn::take());
    }
}
