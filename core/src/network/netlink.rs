//! A conversation with the kernel about one network namespace: rtnetlink(7), without a thread or a runtime.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::Socket;

use super::history::{Done, History};
use super::refusal::Refusal;
use crate::error::{Code, Error};
use crate::namespace::{Kind, Namespace};

/// The kernel fills up to 32 KiB in one go when it lists.
const BUFFER: usize = 64 << 10;
/// How often a list is asked for again that changed while it was read.
const TRIES: usize = 32;

/// A request socket that belongs to one network namespace, whichever the calling thread is in. Any thread may use it;
/// copies share the socket.
///
/// ```
/// use minicontain::network::Netlink;
/// let links = Netlink::here()?.links()?;
/// assert_eq!(links[0].name()?, "lo");
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Clone)]
pub struct Netlink {
    inner: Arc<Inner>,
    history: History,
}

struct Inner {
    namespace: Namespace,
    channel: Mutex<Channel>,
}

struct Channel {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

/// One message for the kernel.
pub(crate) struct Request {
    pub message: RouteNetlinkMessage,
    pub flags: u16,
}

impl Request {
    /// Adds it to what is sent in one go.
    pub(super) fn append(self, bytes: &mut Vec<u8>, sequence: u32) {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | self.flags;
        header.sequence_number = sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(self.message));
        message.finalize();
        let begin = bytes.len();
        bytes.resize(begin + message.buffer_len().next_multiple_of(4), 0);
        message.serialize(&mut bytes[begin..]);
    }
}

/// What came of a request: the kernel's messages, or why it refused.
type Answer = Result<Vec<RouteNetlinkMessage>, Refusal>;

/// Why an exchange did not come to its end.
enum Broken {
    /// What was listed changed meanwhile, or was larger than the buffer: ask again.
    Again,
    Failed(Error),
}

impl Netlink {
    /// A socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// [`Code::OutOfResources`] without descriptors left.
    pub fn here() -> Result<Self, Error> {
        Self::of(&Namespace::current(Kind::Net)?)
    }

    /// A socket in a network namespace, without entering it.
    ///
    /// # Errors
    /// [`Code::PermissionDenied`] when the caller may not enter it; [`Code::OutOfResources`]; [`Error::Spec`] when it is
    /// of another kind.
    pub fn of(namespace: &Namespace) -> Result<Self, Error> {
        namespace.must_be_net("namespace")?;
        // Where the caller is already, he needs no right to enter.
        let socket = if namespace.is_current() {
            Socket::new(libc::NETLINK_ROUTE as isize)
                .map_err(|error| failed("could not make a netlink socket", &error))?
        } else {
            let socket = namespace.socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
            crate::sys::netlink::socket(socket)
        };
        Self::from_socket(socket, namespace.clone())
    }

    /// The same with a socket that was made in that namespace.
    fn from_socket(socket: Socket, namespace: Namespace) -> Result<Self, Error> {
        let set = socket
            .set_ext_ack(true)
            .and_then(|()| socket.set_cap_ack(true))
            .and_then(|()| socket.set_netlink_get_strict_chk(true));
        set.map_err(|error| failed("could not prepare a netlink socket", &error))?;
        let channel = Channel { socket, sequence: 0, buffer: Vec::with_capacity(BUFFER) };
        let inner = Arc::new(Inner { namespace, channel: Mutex::new(channel) });
        Ok(Self { inner, history: History::default() })
    }

    /// The namespace that it is about.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.inner.namespace
    }

    /// What was done through this socket, with the shell commands that do the same: the last 256.
    #[must_use]
    pub fn done(&self) -> Vec<Done> {
        self.history.all()
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// The same socket; what is done through it is noted with what was done through another.
    pub(super) fn with_history_of(self, other: &Self) -> Self {
        Self { history: other.history.clone(), ..self }
    }

    /// Asks for a change, or for one thing.
    pub(crate) fn ask(&self, flags: u16, message: RouteNetlinkMessage) -> Result<Answer, Error> {
        let mut answers = self.ask_all(vec![Request { message, flags }])?;
        Ok(answers.pop().unwrap_or_else(|| Ok(Vec::new())))
    }

    /// Sends several messages in one call, which the kernel goes through in their order, those after a refused one too.
    pub(crate) fn ask_all(&self, mut requests: Vec<Request>) -> Result<Vec<Answer>, Error> {
        for request in &mut requests {
            request.flags |= NLM_F_ACK;
        }
        match self.exchange(requests) {
            Ok(answers) => Ok(answers),
            Err(Broken::Failed(error)) => Err(error),
            Err(Broken::Again) => Err(Error::call(
                Code::Io,
                "the kernel's answer is longer than any that it should give",
                libc::EMSGSIZE,
                "",
            )),
        }
    }

    /// Lists everything that a message asks for.
    pub(crate) fn dump(&self, message: &RouteNetlinkMessage) -> Result<Answer, Error> {
        for _ in 0..TRIES {
            let request = Request { message: message.clone(), flags: NLM_F_DUMP };
            match self.exchange(vec![request]) {
                Ok(mut answers) => return Ok(answers.pop().unwrap_or_else(|| Ok(Vec::new()))),
                Err(Broken::Failed(error)) => return Err(error),
                Err(Broken::Again) => {}
            }
        }
        let problem = format!("what is listed changed {TRIES} times while it was read");
        Err(Error::call(Code::Io, problem, libc::EINTR, "ask again when less is going on"))
    }

    fn exchange(&self, requests: Vec<Request>) -> Result<Vec<Answer>, Broken> {
        let mut channel = self.inner.channel.lock().unwrap_or_else(PoisonError::into_inner);
        let count = requests.len() as u32;
        let first = channel.send(requests)?;
        channel.receive(first, count)
    }
}

impl Channel {
    /// Sends messages with fresh numbers; returns the first one.
    fn send(&mut self, requests: Vec<Request>) -> Result<u32, Broken> {
        let first = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        for request in requests {
            self.sequence = self.sequence.wrapping_add(1);
            request.append(&mut bytes, self.sequence);
        }
        loop {
            match self.socket.send(&bytes, 0) {
                Ok(_) => return Ok(first),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Failed(failed("could not send to the kernel", &error))),
            }
        }
    }

    /// Reads until every message is answered. What is left of an exchange that broke off has an older number.
    fn receive(&mut self, first: u32, count: u32) -> Result<Vec<Answer>, Broken> {
        let mut answers: Vec<Answer> = (0..count).map(|_| Ok(Vec::new())).collect();
        let (mut open, mut again, mut unreadable) = (count, false, None);
        while open > 0 {
            again |= self.read()?;
            let mut rest = self.buffer.as_slice();
            while let Ok(header) = NetlinkBuffer::new_checked(rest) {
                let (length, number) = (header.length() as usize, header.sequence_number());
                let flags = header.flags();
                let (whole, next) = rest.split_at(length.next_multiple_of(4).min(rest.len()));
                rest = next;
                let Some(answer) = answers.get_mut(number.wrapping_sub(first) as usize) else { continue };
                again |= flags & NLM_F_DUMP_INTR != 0;
                let payload = match NetlinkMessage::<RouteNetlinkMessage>::deserialize(whole) {
                    Ok(message) => message.payload,
                    Err(error) => {
                        // The rest is read all the same: the kernel begins no list before the last one has ended.
                        unreadable = Some(format!("the kernel's answer cannot be read: {error}"));
                        continue;
                    }
                };
                let refusal = match payload {
                    NetlinkPayload::InnerMessage(message) => {
                        if let Ok(messages) = answer {
                            messages.push(message);
                        }
                        continue;
                    }
                    NetlinkPayload::Error(error) => {
                        Refusal::from_acknowledgement(error.raw_code(), flags, &error.header)
                    }
                    NetlinkPayload::Done(done) => Refusal::from_end(done.code, &done.extended_ack),
                    _ => continue,
                };
                if let Some(refusal) = refusal {
                    *answer = Err(refusal);
                }
                open = open.saturating_sub(1);
            }
        }
        match unreadable {
            Some(problem) => Err(Broken::Failed(Error::call(Code::NotSupported, problem, 0, ""))),
            None if again => Err(Broken::Again),
            None => Ok(answers),
        }
    }

    /// Reads one datagram of the kernel into the buffer; whether it was too long for it.
    fn read(&mut self) -> Result<bool, Broken> {
        loop {
            self.buffer.clear();
            match self.socket.recv_from(&mut self.buffer, libc::MSG_TRUNC) {
                Ok((length, _)) if length > self.buffer.len() => {
                    self.buffer.reserve(length);
                    return Ok(true);
                }
                Ok((_, sender)) if sender.port_number() == 0 => return Ok(false),
                // Another process may send, too; only the kernel's number is zero.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Failed(failed("could not read from the kernel", &error))),
            }
        }
    }
}

impl fmt::Debug for Netlink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Netlink").field("namespace", &self.inner.namespace).finish_non_exhaustive()
    }
}

fn failed(what: &str, error: &io::Error) -> Error {
    let errno = error.raw_os_error().unwrap_or(0);
    let code = match errno {
        libc::ENOMEM | libc::ENOBUFS | libc::EMFILE | libc::ENFILE => Code::OutOfResources,
        _ => Code::Io,
    };
    Error::call(code, what, errno, "")
}
