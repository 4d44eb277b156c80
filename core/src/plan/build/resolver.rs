//! The resolver of a container: the start opens the names and binds the socket, and init answers (`init/resolver.rs`).

use std::net::SocketAddrV4;

use super::{Builder, Call, Fd, Shell, Slot};
use crate::error::Error;
use crate::namespace::Kind;
use crate::network::lan::{Files, RESOLVER};
use crate::plan::call::Resolver;
use crate::spec::{Fault, Spec};

/// The port of domain name servers.
const PORT: u16 = 53;

/// What is planned of it, and how far it is.
#[derive(Debug)]
pub(super) struct Names {
    pub files: Files,
    pub hosts: Option<Slot>,
    pub socket: Option<Slot>,
}

/// The files of a container's networks, where one of them has a resolver, for which there is a place.
pub(super) fn of(spec: &Spec, files: Option<Files>) -> Result<Option<Names>, Error> {
    let Some(files) = files.filter(|files| files.resolver.is_some()) else { return Ok(None) };
    let network = files.resolver.as_ref().map_or("", |resolver| &resolver.network);
    let fault = |field: &str, needs: &str, fix: &str| {
        let problem = format!("the network '{network}' has a resolver, which {needs}");
        Err(Error::Spec(vec![Fault::new(
            field,
            problem,
            format!("{fix}, or make the network without resolver"),
        )]))
    };
    if !spec.init {
        return fault("init", "is the container's init", "leave init on");
    }
    if !spec.namespaces.new_one(Kind::Pid) {
        return fault("namespaces", "is init in a PID namespace of its own", "leave namespaces.pid new");
    }
    if !spec.loopback {
        return fault("loopback", "answers on the loopback", "leave loopback on");
    }
    Ok(Some(Names { files, hosts: None, socket: None }))
}

impl Builder<'_> {
    /// The caller opens the names: by a descriptor, nothing in the container can put another file in their place.
    pub(super) fn open_names(&mut self) {
        let Some(path) = self.names.as_ref().map(|names| names.files.hosts.clone()) else { return };
        let slot = self.slot("names");
        let why = "init answers from it; the container cannot put another file in its place";
        self.act("open the names of the networks", why, Shell::None, |b| {
            let flags = libc::O_CLOEXEC as u64;
            b.caller(Call::Open { dir: Fd::Cwd, path: path.into(), flags, mode: 0, keep: slot });
        });
        if let Some(names) = &mut self.names {
            names.hosts = Some(slot);
        }
    }

    /// The child binds the socket that init answers on, as long as it has the right to.
    pub(super) fn bind_resolver(&mut self) {
        if self.names.is_none() {
            return;
        }
        let socket = self.slot("resolver");
        let address = SocketAddrV4::new(RESOLVER, PORT);
        let shell =
            Shell::Inside(vec![format!("# minicontain's init would answer at {address}; here nobody does")]);
        let why = "init answers there, for programs that do not read /etc/hosts";
        self.act("bind the resolver's socket", why, shell, |b| {
            b.inside(Call::Socket {
                family: libc::AF_INET as u32,
                kind: (libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) as u32,
                protocol: 0,
                keep: socket,
            });
            b.needs = Some("CAP_NET_BIND_SERVICE");
            b.inside(Call::Bind { fd: Fd::Slot(socket), address });
        });
        if let Some(names) = &mut self.names {
            names.socket = Some(socket);
        }
    }

    /// What init answers with.
    pub(super) fn resolver(&self) -> Option<Resolver> {
        let names = self.names.as_ref()?;
        let mut asked = names.files.resolver.iter().flat_map(|resolver| &resolver.servers).copied();
        let servers = std::array::from_fn(|_| asked.next());
        Some(Resolver { socket: names.socket?, hosts: names.hosts?, servers })
    }
}
