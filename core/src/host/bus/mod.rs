//! The user's message bus: D-Bus, as far as a question to systemd's user manager needs it.
//!
//! Spoken here and not by `busctl`: that takes 30 times as long, does not tell when what was asked for is done, and needs a
//! bus where the manager's own socket will do; and a process that speaks for itself is known by the id that it has to the
//! manager, whatever PID namespace it is in.

mod message;

pub(crate) use message::{Kind, Message, Method, Writer, call};

use std::env;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::state::runtime_directory;

/// A connection to a bus. Whatever takes longer than until its time is an error ([`ErrorKind::TimedOut`]).
#[derive(Debug)]
pub(crate) struct Bus {
    stream: UnixStream,
    until: Instant,
}

impl Bus {
    /// Connects to the first of the addresses that somebody listens at, and says who the caller is.
    pub(crate) fn connect(addresses: &[SocketAddr], until: Instant) -> io::Result<Self> {
        let mut tried = Err(io::Error::from(ErrorKind::NotFound));
        for address in addresses {
            tried = UnixStream::connect_addr(address);
            if tried.is_ok() {
                break;
            }
        }
        let mut bus = Self { stream: tried?, until };
        bus.authenticate()?;
        Ok(bus)
    }

    /// The bus sees by the socket whose it is; the user's number is what it compares that with.
    fn authenticate(&mut self) -> io::Result<()> {
        let user: String =
            nix::unistd::geteuid().to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
        self.send(format!("\0AUTH EXTERNAL {user}\r\n").as_bytes())?;
        let mut said = Vec::new();
        while !said.ends_with(b"\r\n") && said.len() < 512 {
            let mut byte = [0];
            self.receive(&mut byte)?;
            said.extend(byte);
        }
        if !said.starts_with(b"OK") {
            return Err(io::Error::new(ErrorKind::PermissionDenied, "the bus is not for this user"));
        }
        self.send(b"BEGIN\r\n")?;
        let hello = Method {
            destination: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            name: "Hello",
        };
        self.send(&call(1, hello, "", Writer::default()))
    }

    /// Sends messages.
    pub(crate) fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(self.left()?))?;
            match again(self.stream.write(bytes))? {
                Some(0) => return Err(ErrorKind::WriteZero.into()),
                Some(sent) => bytes = &bytes[sent..],
                None => {}
            }
        }
        Ok(())
    }

    /// Waits for the next message.
    pub(crate) fn next(&mut self) -> io::Result<Message> {
        let strange = || io::Error::new(ErrorKind::InvalidData, "what came is not D-Bus");
        let mut start = [0; message::START];
        self.receive(&mut start)?;
        let mut bytes = vec![0; message::length(&start).ok_or_else(strange)?];
        bytes[..message::START].copy_from_slice(&start);
        self.receive(&mut bytes[message::START..])?;
        message::read(&bytes).ok_or_else(strange)
    }

    fn receive(&mut self, mut room: &mut [u8]) -> io::Result<()> {
        while !room.is_empty() {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match again(self.stream.read(room))? {
                Some(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Some(len) => room = &mut room[len..],
                None => {}
            }
        }
        Ok(())
    }

    /// How much time is left, which is more than none.
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// `None` where it is to be tried again: a signal came, or the time is over, which is seen there.
fn again(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => Ok(None),
        done => done.map(Some),
    }
}

/// Where an ordinary user's manager of systemd's is spoken to, and the same in words: at its own socket, as systemctl(1)
/// does it, which is there without a bus, and before the bus knows the manager; or else at the user's bus.
pub(crate) fn of_user_manager() -> (Vec<SocketAddr>, String) {
    let runtime = runtime_directory();
    let own = runtime.join("systemd/private");
    let usual = || {
        let path = runtime.join("bus");
        (SocketAddr::from_pathname(&path).into_iter().collect(), path.display().to_string())
    };
    let named = env::var_os("DBUS_SESSION_BUS_ADDRESS").filter(|text| !text.is_empty());
    let (bus, shown) = named.map_or_else(usual, |text| {
        (addresses(&text), format!("DBUS_SESSION_BUS_ADDRESS={}", text.to_string_lossy()))
    });
    let all = SocketAddr::from_pathname(&own).into_iter().chain(bus).collect();
    (all, format!("{}, {shown}", own.display()))
}

/// The sockets of a list of addresses: `unix:path=/run/user/1000/bus;unix:abstract=name,guid=…`.
fn addresses(text: &OsString) -> Vec<SocketAddr> {
    let unix = text.as_bytes().split(|byte| *byte == b';').filter_map(|one| one.strip_prefix(b"unix:"));
    let found = unix.filter_map(|one| {
        one.split(|byte| *byte == b',').find_map(|pair| {
            if let Some(path) = pair.strip_prefix(b"path=") {
                SocketAddr::from_pathname(PathBuf::from(OsString::from_vec(unescaped(path)?))).ok()
            } else {
                SocketAddr::from_abstract_name(unescaped(pair.strip_prefix(b"abstract=")?)?).ok()
            }
        })
    });
    found.collect()
}

/// A value of an address, in which other than usual bytes are `%` and two hexadecimal digits.
fn unescaped(value: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = value.iter();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        if *byte == b'%' {
            let digits = [*bytes.next()?, *bytes.next()?];
            plain.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            plain.push(*byte);
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn addresses_are_read() {
        let text = "tcp:host=example;unix:path=/run/user/1000/b%75s,guid=00;unix:guid=00,abstract=/tmp/x;unix:path=%zz";
        let found = addresses(&text.into());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].as_pathname(), Some(Path::new("/run/user/1000/bus")));
        assert_eq!(found[1].as_abstract_name(), Some(b"/tmp/x".as_slice()));
    }

    #[test]
    fn a_bus_that_says_nothing_is_not_waited_for_longer_than_was_said() {
        let (ours, _theirs) = UnixStream::pair().expect("sockets");
        let mut bus = Bus { stream: ours, until: Instant::now() + Duration::from_millis(20) };
        assert_eq!(bus.authenticate().expect_err("nothing").kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_bus_that_is_another_users_refuses() {
        let (ours, mut theirs) = UnixStream::pair().expect("sockets");
        theirs.write_all(b"REJECTED EXTERNAL\r\n").expect("a word");
        let mut bus = Bus { stream: ours, until: Instant::now() + Duration::from_secs(60) };
        assert_eq!(bus.authenticate().expect_err("a refusal").kind(), ErrorKind::PermissionDenied);
    }
}
