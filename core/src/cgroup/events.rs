//! What happens to a cgroup, as it happens: a descriptor to poll, and no thread.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use serde::Serialize;

use super::reader::Reader;
use super::stats::{memory_limit_hits, oom_kills, value};
use super::{Cgroup, failed};
use crate::error::{Code, Error};
use crate::host::cgroups::{Controller, Version};
use crate::sys::process::poll_timeout;

/// How often each thing has happened to a cgroup, since it was made, and how it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Events {
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: u64,
    /// Times that the memory limit was met.
    pub memory_limit: u64,
    /// Times that it was slowed down for being above `memory_high`. v2 only.
    pub memory_high: u64,
    /// Forks that failed for the limit of processes.
    pub pids_limit: u64,
    /// Whether there is a process in it, or below it.
    pub populated: bool,
    /// Whether it is frozen.
    pub frozen: bool,
}

/// Something that happened to a cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The kernel killed a process for want of memory.
    OomKill,
    /// The memory limit was met.
    MemoryLimit,
    /// It was slowed down for being above `memory_high`.
    MemoryHigh,
    /// A fork failed for the limit of processes.
    PidsLimit,
    /// The first process came.
    Populated,
    /// The last process has gone.
    Empty,
    /// It is frozen.
    Frozen,
    /// It goes on.
    Thawed,
}

impl Event {
    /// `oom_kill`, `memory_limit`, `memory_high`, `pids_limit`, `populated`, `empty`, `frozen` or `thawed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OomKill => "oom_kill",
            Self::MemoryLimit => "memory_limit",
            Self::MemoryHigh => "memory_high",
            Self::PidsLimit => "pids_limit",
            Self::Populated => "populated",
            Self::Empty => "empty",
            Self::Frozen => "frozen",
            Self::Thawed => "thawed",
        }
    }
}

/// Looks at a cgroup's events. Its descriptor is readable when there may be new ones.
///
/// ```no_run
/// use minicontain::{Cgroup, spec::Limits};
/// let cgroup = Cgroup::open("demo")?;
/// let mut watch = cgroup.watch()?;
/// for event in watch.wait(std::time::Duration::from_secs(1))? {
///     println!("{}", event.name());
/// }
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug)]
pub struct Watch {
    cgroup: Cgroup,
    seen: Events,
    epoll: Epoll,
    inotify: Inotify,
    /// Of v1, which tells of want of memory by an eventfd.
    oom: Option<EventFd>,
}

impl Cgroup {
    /// What has happened to it, and how it is.
    #[must_use]
    pub fn events(&self) -> Events {
        let mut events = Events::default();
        if let Some(directory) = self.having(Controller::Memory) {
            let reader = &mut Reader::once(directory);
            match directory.version {
                Version::V2 => {
                    let text = reader.text("memory.events");
                    events.oom_kills = value(&text, "oom_kill");
                    events.memory_limit = value(&text, "max");
                    events.memory_high = value(&text, "high");
                }
                Version::V1 => {
                    events.oom_kills = oom_kills(reader);
                    events.memory_limit = memory_limit_hits(reader);
                }
            }
        }
        if let Some(directory) = self.having(Controller::Pids) {
            events.pids_limit = value(&Reader::once(directory).text("pids.events"), "max");
        }
        events.frozen = self.frozen().unwrap_or(false);
        events.populated =
            self.directories.first().is_some_and(|first| super::control::populated(&first.path));
        events
    }

    /// Begins to look at its events: by inotify(7), and on v1 by the eventfd of `memory.oom_control`.
    ///
    /// What happened before is not told. v1 does not wake whoever waits when the memory limit is met without a kill, when
    /// a fork is refused, nor, unless there is a v2 tree besides, when the last process has gone or it is frozen: that is
    /// told with the next event, or by the next [`Watch::read`].
    ///
    /// # Errors
    /// [`Code::CgroupNotFound`] when it was removed; [`Code::OutOfResources`] without descriptors left.
    pub fn watch(&self) -> Result<Watch, Error> {
        let full = |errno: Errno| {
            Error::call(
                Code::OutOfResources,
                "could not watch the cgroup",
                errno as i32,
                "see /proc/sys/fs/inotify",
            )
        };
        self.still_there()?;
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map_err(full)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(full)?;
        epoll.add(inotify.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, 0)).map_err(full)?;
        let mut oom = None;
        for directory in &self.directories {
            for file in ["memory.events", "pids.events", "cgroup.events"] {
                let path = directory.path.join(file);
                if path.exists() {
                    inotify.add_watch(&path, AddWatchFlags::IN_MODIFY).map_err(full)?;
                }
            }
            if directory.version == Version::V1 && directory.controllers.contains(&Controller::Memory) {
                let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
                let event = EventFd::from_value_and_flags(0, flags).map_err(full)?;
                let path = directory.path.join("memory.oom_control");
                let wrong = |error: std::io::Error| failed("could not watch", &path, &error);
                let control = std::fs::File::open(&path).map_err(wrong)?;
                let line = format!("{} {}", fd_number(event.as_fd()), fd_number(control.as_fd()));
                directory.write("cgroup.event_control", &line).map_err(wrong)?;
                epoll.add(event.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, 1)).map_err(full)?;
                oom = Some(event);
            }
        }
        Ok(Watch { cgroup: self.clone(), seen: self.events(), epoll, inotify, oom })
    }
}

fn fd_number(fd: BorrowedFd<'_>) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(&fd)
}

impl Watch {
    /// A descriptor for poll(2) and event loops, readable when there may be something new.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }

    /// What happened since the last time.
    #[must_use]
    pub fn read(&mut self) -> Vec<Event> {
        while self.inotify.read_events().is_ok() {}
        let told = self.oom.as_ref().is_some_and(|oom| oom.read().is_ok());
        let mut now = self.cgroup.events();
        // v1 tells before it counts.
        for _ in 0..50 {
            if !told || now.oom_kills > self.seen.oom_kills {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            now = self.cgroup.events();
        }
        let before = std::mem::replace(&mut self.seen, now);
        let happened = [
            (now.memory_high > before.memory_high, Event::MemoryHigh),
            (now.memory_limit > before.memory_limit, Event::MemoryLimit),
            (now.oom_kills > before.oom_kills, Event::OomKill),
            (now.pids_limit > before.pids_limit, Event::PidsLimit),
            (now.populated && !before.populated, Event::Populated),
            (!now.populated && before.populated, Event::Empty),
            (now.frozen && !before.frozen, Event::Frozen),
            (!now.frozen && before.frozen, Event::Thawed),
        ];
        happened.into_iter().filter(|(did, _)| *did).map(|(_, event)| event).collect()
    }

    /// Waits until something happens, at most so long.
    ///
    /// # Errors
    /// [`Code::Io`] if the kernel refuses to wait.
    pub fn wait(&mut self, timeout: Duration) -> Result<Vec<Event>, Error> {
        // A time that is too far to be told is for ever.
        let until = Instant::now().checked_add(timeout);
        loop {
            let happened = self.read();
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if !happened.is_empty() || left.is_zero() {
                return Ok(happened);
            }
            let mut ready = [PollFd::new(self.epoll.0.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ready, poll_timeout(Some(left))) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => {
                    return Err(Error::call(Code::Io, "could not wait for events", errno as i32, ""));
                }
            }
        }
    }
}
