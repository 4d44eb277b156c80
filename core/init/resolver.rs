//! The resolver of a container: init answers at 127.0.0.11:53, from the file with the names of its networks, and asks the
//! networks' servers for all else.
//!
//! It listens on a socket that the start has bound. Each question that is passed on has a socket of its own, connected, so
//! that the kernel sees to the answer's source and chooses the port, and a random number: both must be guessed by who wants
//! to answer in the server's place. The container can ask, and fill the table of what is in flight; it cannot reach the
//! file, which init has by a descriptor, and a flood of questions does not keep init from its other work.

use core::cell::UnsafeCell;
use core::mem::zeroed;

use super::abi::number;
use super::names::{self, Answer, FAILED, FINE, LARGEST, NoQuestion};
use super::raw::syscall;
use super::step::{RawAddress, RawResolver, SERVERS};
use super::walk;

/// How many questions wait for a server at a time.
const PENDING: usize = 64;
/// A longer question is not passed on.
const QUESTION: usize = 512;
/// How much of the names is read at a time: whole lines, which all have the same length, a power of two.
const LINES: usize = 4096;
/// How much of them is read at all.
const MOST_LINES: u64 = 16 << 20;
/// How many packets are read of a socket before init looks after everything else again.
const BURST: usize = 16;
/// How long a server may take, in nanoseconds, and how long the last one that is asked.
const WAIT: u64 = 2_000_000_000;
const WAIT_FOR_LAST: u64 = 4_000_000_000;

const DATAGRAM_NONBLOCK_CLOEXEC: u64 = 2 | 0o2_004_000;
const MSG_TRUNC: u64 = 0x20;
const MONOTONIC: u64 = 1;
const POLLIN: u64 = 1 << 32;

/// `struct sockaddr_in`.
type Client = [u8; 16];

/// A question that waits for a server's answer.
struct Asked {
    socket: i64,
    client: Client,
    /// The client's number for it.
    id: u16,
    /// How large an answer the client takes.
    limit: usize,
    /// The server that is asked, and how many were.
    server: usize,
    tried: usize,
    len: usize,
    question: [u8; QUESTION],
}

/// What is written to. It is touched only where there is a resolver, and only as far as it is needed.
struct Room {
    packet: [u8; LARGEST],
    reply: [u8; LARGEST],
    lines: [u8; LINES],
    polled: [u64; 3 + PENDING],
    /// When waiting ends; zero where nothing is in flight.
    until: [u64; PENDING],
    asked: [Asked; PENDING],
}

struct Shared(UnsafeCell<Room>);

// SAFETY: init has one thread, and takes it once.
unsafe impl Sync for Shared {}

// SAFETY: numbers only.
static ROOM: Shared = Shared(UnsafeCell::new(unsafe { zeroed() }));

/// The resolver of a container that has one.
pub(crate) struct Resolver {
    socket: i64,
    hosts: i64,
    servers: &'static [RawAddress],
    /// The server that answered last.
    preferred: usize,
    room: &'static mut Room,
}

impl Resolver {
    /// # Safety
    /// To be called once; what was given must live as long as init.
    pub(crate) unsafe fn new(given: &walk::Resolver) -> Self {
        // SAFETY: as the caller promises.
        let (RawResolver { count, servers, .. }, room) = unsafe { (&*given.given, &mut *ROOM.0.get()) };
        let servers = servers.get(..(*count as usize).min(SERVERS)).unwrap_or_default();
        Self { socket: given.socket, hosts: given.hosts, servers, preferred: 0, room }
    }

    /// Sleeps until there are signals, or the owner has ended (true), and answers questions meanwhile.
    #[inline(never)]
    pub(crate) fn wait(&mut self, signals: i64, owner: i64) -> bool {
        let room = &mut *self.room;
        let mut polled = room.polled.iter_mut();
        for (fd, place) in [signals, owner, self.socket].into_iter().zip(&mut polled) {
            *place = u64::from(fd as u32) | POLLIN;
        }
        let (mut count, mut soonest) = (3u64, u64::MAX);
        for (n, ((place, until), asked)) in polled.zip(&room.until).zip(&room.asked).enumerate() {
            let waits = *until != 0;
            *place = if waits { u64::from(asked.socket as u32) | POLLIN } else { u64::from(u32::MAX) };
            if waits {
                (count, soonest) = (n as u64 + 4, soonest.min(*until));
            }
        }
        let left = if soonest == u64::MAX { 0 } else { soonest.saturating_sub(now()) };
        let limit = [left / 1_000_000_000, left % 1_000_000_000];
        let limit = if soonest == u64::MAX { 0 } else { limit.as_ptr() as u64 };
        let fds = room.polled.as_mut_ptr() as u64;
        // SAFETY: so many structures, a timespec or none, the signal mask as it is.
        unsafe { syscall(number::PPOLL, &[fds, count, limit, 0, 0, 0]) };
        let happened = |room: &Room, n: usize| room.polled.get(n).is_some_and(|entry| entry >> 48 != 0);
        let (is_over, is_asked) = (happened(self.room, 1), happened(self.room, 2));
        if soonest != u64::MAX {
            let now = now();
            for n in 0..PENDING {
                if self.until(n) != 0 && happened(self.room, n + 3) {
                    self.take_answer(n);
                }
                if (1..=now).contains(&self.until(n)) {
                    self.ask_next(n);
                }
            }
        }
        if is_asked {
            for _ in 0..BURST {
                if !self.take_question() {
                    break;
                }
            }
        }
        is_over
    }

    /// Takes a question, and answers it or passes it on; whether there was something.
    fn take_question(&mut self) -> bool {
        let mut client: Client = [0; 16];
        let Room { packet, reply, lines, .. } = &mut *self.room;
        let Ok(len) = receive(self.socket, packet, Some(&mut client)) else { return false };
        let Some(packet) = packet.get(..len) else { return true };
        let (id, limit) = match names::read(packet) {
            Err(NoQuestion::Ignored) => return true,
            Err(NoQuestion::Refused(code)) => {
                let len = names::refuse(packet, code, reply);
                self.send(len, &client);
                return true;
            }
            Ok(question) => {
                let mut answer = Answer::to(packet, &question, reply);
                read_names(self.hosts, lines, |lines| answer.look(lines));
                if answer.is_known() {
                    let len = answer.finish(FINE);
                    self.send(len, &client);
                    return true;
                }
                (names::id(packet).unwrap_or(0), question.limit)
            }
        };
        if !self.pass_on(len, &client, id, limit) {
            // As Docker has it: a name that nobody could be asked for is not one that is known not to be.
            self.fail(len, &client);
        }
        true
    }

    /// Asks a server what is in the packet; whether one could be asked.
    fn pass_on(&mut self, len: usize, client: &Client, id: u16, limit: usize) -> bool {
        let Room { packet, until, asked, .. } = &mut *self.room;
        let Some(packet) = packet.get(..len).filter(|_| len <= QUESTION && !self.servers.is_empty()) else {
            return false;
        };
        let mut waiting = until.iter().zip(asked.iter());
        if let Some((_, asked)) =
            waiting.find(|(until, asked)| **until != 0 && (asked.client, asked.id) == (*client, id))
        {
            // Whoever asked grew impatient: so is the packet to the server sent again.
            send(asked.socket, asked.question.get(..asked.len).unwrap_or_default(), None);
            return true;
        }
        let Some(n) = until.iter().position(|until| *until == 0) else { return false };
        let Some(asked) = asked.get_mut(n) else { return false };
        (asked.client, asked.id, asked.limit, asked.len) = (*client, id, limit, len);
        (asked.server, asked.tried) = (self.preferred, 0);
        for (to, from) in asked.question.iter_mut().zip(packet) {
            *to = *from;
        }
        self.ask(n)
    }

    /// Asks the next server that can be asked; whether there was one.
    fn ask(&mut self, n: usize) -> bool {
        let count = self.servers.len();
        let Room { until, asked, .. } = &mut *self.room;
        let (Some(until), Some(asked)) = (until.get_mut(n), asked.get_mut(n)) else { return false };
        while asked.tried < count {
            if asked.tried > 0 {
                asked.server = (asked.server + 1) % count;
            }
            asked.tried += 1;
            let (Some(server), Some(id)) = (self.servers.get(asked.server), random()) else { return false };
            let Some(question) = asked.question.get_mut(..asked.len) else { return false };
            names::set_id(question, id);
            let Some(socket) = connect(server) else { continue };
            if send(socket, question, None) {
                asked.socket = socket;
                *until = now() + if asked.tried == count { WAIT_FOR_LAST } else { WAIT };
                return true;
            }
            close(socket);
        }
        false
    }

    /// Takes a server's answer, and gives it to whoever asked.
    fn take_answer(&mut self, n: usize) {
        for _ in 0..BURST {
            let Room { packet, asked, .. } = &mut *self.room;
            let Some(asked) = asked.get(n) else { return };
            let len = match receive(asked.socket, packet, None) {
                Ok(len) => len,
                // Nothing more, or nobody is there.
                Err(AGAIN) => return,
                Err(_) => return self.ask_next(n),
            };
            let whole = len <= LARGEST;
            let Some(packet) = packet.get_mut(..len.min(LARGEST)) else { return };
            let question = asked.question.get(..asked.len).unwrap_or_default();
            if !names::is_answer(packet, question) {
                continue;
            }
            if names::is_failure(packet) && asked.tried < self.servers.len() {
                return self.ask_next(n);
            }
            names::set_id(packet, asked.id);
            let len = if whole && len <= asked.limit { len } else { names::cut(packet, question) };
            send(self.socket, packet.get(..len).unwrap_or_default(), Some(&asked.client));
            self.preferred = asked.server;
            return self.forget(n);
        }
    }

    /// Gives a server up, for the next one; where there is none, that is what the answer says.
    fn ask_next(&mut self, n: usize) {
        self.forget(n);
        if self.ask(n) {
            return;
        }
        let Room { packet, asked, .. } = &mut *self.room;
        let Some(asked) = asked.get(n) else { return };
        for (to, from) in packet.iter_mut().zip(&asked.question) {
            *to = *from;
        }
        names::set_id(packet, asked.id);
        let (len, client) = (asked.len, asked.client);
        self.fail(len, &client);
    }

    fn forget(&mut self, n: usize) {
        if let (Some(until), Some(asked)) = (self.room.until.get_mut(n), self.room.asked.get(n)) {
            *until = 0;
            close(asked.socket);
        }
    }

    fn until(&self, n: usize) -> u64 {
        self.room.until.get(n).copied().unwrap_or(0)
    }

    /// Says that the question in the packet could not be answered.
    fn fail(&mut self, len: usize, client: &Client) {
        let Room { packet, reply, .. } = &mut *self.room;
        let packet = packet.get(..len).unwrap_or_default();
        if let Ok(question) = names::read(packet) {
            let len = Answer::to(packet, &question, reply).finish(FAILED);
            self.send(len, client);
        }
    }

    /// Sends so much of the reply.
    fn send(&self, len: usize, client: &Client) {
        send(self.socket, self.room.reply.get(..len).unwrap_or_default(), Some(client));
    }
}

/// Reads the lines of a file.
fn read_names(hosts: i64, lines: &mut [u8; LINES], mut look: impl FnMut(&[u8])) {
    let mut at = 0;
    while at < MOST_LINES {
        let args = [hosts as u64, lines.as_mut_ptr() as u64, LINES as u64, at, 0, 0];
        // SAFETY: room for so many bytes.
        let len = unsafe { syscall(number::PREAD64, &args) };
        let Some(read) = usize::try_from(len).ok().and_then(|len| lines.get(..len)) else { return };
        look(read);
        if read.len() < LINES {
            return;
        }
        at += LINES as u64;
    }
}

/// EAGAIN.
const AGAIN: i64 = -11;

/// Reads a packet; its length, which may be more than there is room for.
fn receive(socket: i64, packet: &mut [u8; LARGEST], from: Option<&mut Client>) -> Result<usize, i64> {
    let mut size = size_of::<Client>() as u32;
    let (from, size) = from.map_or((0, 0), |from| (from.as_mut_ptr() as u64, &raw mut size as u64));
    let args = [socket as u64, packet.as_mut_ptr() as u64, LARGEST as u64, MSG_TRUNC, from, size];
    // SAFETY: room for so many bytes, and for the address of a socket of IPv4.
    let len = unsafe { syscall(number::RECVFROM, &args) };
    usize::try_from(len).map_err(|_| len)
}

/// Sends a packet; whether it went.
fn send(socket: i64, packet: &[u8], to: Option<&Client>) -> bool {
    let (to, size) = to.map_or((0, 0), |to| (to.as_ptr() as u64, size_of::<Client>() as u64));
    let args = [socket as u64, packet.as_ptr() as u64, packet.len() as u64, 0, to, size];
    // SAFETY: a slice, and an address where it has its length.
    unsafe { syscall(number::SENDTO, &args) >= 0 }
}

/// A new socket, connected to a server.
fn connect(server: &RawAddress) -> Option<i64> {
    let [low, high, ..] = server.bytes;
    let family = u64::from(u16::from_ne_bytes([low, high]));
    let address = [server.bytes.as_ptr() as u64, u64::from(server.len)];
    // SAFETY: plain numbers, and an address with its length.
    unsafe {
        let socket = syscall(number::SOCKET, &[family, DATAGRAM_NONBLOCK_CLOEXEC, 0, 0, 0, 0]);
        if socket < 0 {
            return None;
        }
        if syscall(number::CONNECT, &[socket as u64, address[0], address[1], 0, 0, 0]) < 0 {
            close(socket);
            return None;
        }
        Some(socket)
    }
}

fn close(fd: i64) {
    // SAFETY: a descriptor that was opened here.
    unsafe { syscall(number::CLOSE, &[fd as u64, 0, 0, 0, 0, 0]) };
}

fn random() -> Option<u16> {
    let mut bytes = [0u8; 2];
    // SAFETY: room for two bytes.
    let len = unsafe { syscall(number::GETRANDOM, &[bytes.as_mut_ptr() as u64, 2, 0, 0, 0, 0]) };
    (len == 2).then(|| u16::from_ne_bytes(bytes))
}

/// Nanoseconds on a clock that nobody sets.
fn now() -> u64 {
    let mut time = [0u64; 2];
    // SAFETY: room for a timespec.
    unsafe { syscall(number::CLOCK_GETTIME, &[MONOTONIC, time.as_mut_ptr() as u64, 0, 0, 0, 0]) };
    let [seconds, more] = time;
    seconds.wrapping_mul(1_000_000_000).wrapping_add(more)
}
