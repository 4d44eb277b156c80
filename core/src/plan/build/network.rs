//! A container's place on its networks: a veth pair made by the caller, addresses and routes given inside.

use std::net::Ipv4Addr;

use super::{Builder, Call, Fd, Shell, Side, Slot};
use crate::namespace::Kind;
use crate::network::lan::{Files, Place, configure, forwards};
use crate::plan::step::Enforcement;
use crate::spec::{Spec, Volume};
use crate::sys::memory::PLACED;

/// Files that a network has for its containers, unless the spec has its own in their place.
pub(super) fn files(spec: &Spec, files: Option<&Files>) -> Vec<Volume> {
    let root = spec.rootfs.as_deref().unwrap_or("");
    let hosts = files.map(|files| (files.hosts.clone(), "/etc/hosts"));
    let resolv_conf = files.and_then(|files| Some((files.resolv_conf.clone()?, "/etc/resolv.conf")));
    let wanted = hosts.into_iter().chain(resolv_conf).filter(|(_, target)| {
        let own = spec.volumes.iter().any(|volume| volume.target == *target);
        // A root that was named is not changed: what is missing there has no place.
        !own && (root.is_empty() || std::path::Path::new(&format!("{root}{target}")).is_file())
    });
    wanted.map(|(source, target)| Volume { source, target: target.into(), read_only: true }).collect()
}

impl Builder<'_> {
    /// Whether the container's process has to wait for its links.
    pub(super) fn has_networks(&self) -> bool {
        !self.places.is_empty()
    }

    /// The user namespace below which the container's is made: that of an ordinary user's network, whose root may link it
    /// to that.
    pub(super) fn join_owner_of_network(&mut self) {
        let Some(inside) = self.places.iter().find_map(|place| place.record.inside.clone()) else { return };
        let slot = self.slot("user namespace of the network");
        let why = "its root may link what belongs to it";
        self.act("open the user namespace of the network to join", why, Shell::None, |b| {
            b.caller(Call::Open {
                dir: Fd::Cwd,
                path: inside.user.into(),
                flags: libc::O_CLOEXEC as u64,
                mode: 0,
                keep: slot,
            });
        });
        self.files.joined.insert(0, (vec![Kind::User], slot));
    }

    /// The network namespace that CNI plugins have seen to.
    pub(super) fn join_plugged(&mut self) {
        if self.plugged.is_some() {
            let (made, slot) = (self.slot("the plugins' net namespace"), self.slot("net namespace"));
            self.kept.net = Some(made);
            let why = "plugins have seen to it before";
            self.act("take the net namespace to join", why, Shell::None, |b| {
                b.caller(Call::Duplicate { fd: Fd::Slot(made), keep: slot });
            });
            self.files.joined.push((vec![Kind::Net], slot));
            self.enforced.insert("network", Enforcement::Enforced);
        }
    }

    /// A process that a joiner made says that it is there, and with it its network namespace.
    pub(super) fn show_network_namespace(&mut self) {
        let Some((first, _)) = self.kept.joiner.filter(|_| self.has_networks()) else { return };
        self.act("tell that the network namespace is there", "the caller links it", Shell::None, |b| {
            b.inside(Call::Ready { state: PLACED });
            b.caller(Call::AwaitReady { first, state: PLACED });
        });
        self.link_networks();
    }

    /// The caller makes the veth pairs, one end of each in the container's network namespace.
    pub(super) fn link_networks(&mut self) {
        let Some(pid) = self.kept.pid.filter(|_| self.has_networks()) else { return };
        if self.overlaps() {
            let why = "the pair's other end is made in it";
            self.act("wait for the network namespace", why, Shell::None, |b| {
                b.caller(Call::AwaitReady { first: pid, state: PLACED });
            });
        }
        for place in self.places.clone() {
            let (message, shell) = place.link(pid);
            let what = format!("link it to the network '{}'", place.record.name);
            let why = "the pair goes with the container's network namespace, and its name keeps the address from others";
            self.act(what, why, Shell::Map(shell), |b| {
                b.needs = Some("CAP_NET_ADMIN");
                match &place.socket {
                    Some(socket) => {
                        let fd = Fd::Number(std::os::fd::AsRawFd::as_raw_fd(&**socket));
                        b.caller(Call::NetlinkSend { fd, message });
                        b.caller(Call::NetlinkAnswer { fd });
                    }
                    None => b.netlink(Side::Caller, message),
                }
            });
        }
        self.let_go_on("its links are there now");
    }

    /// The container's ends get their addresses, and lead everywhere else.
    pub(super) fn configure_networks(&mut self) {
        if !self.has_networks() {
            return;
        }
        if let Some((wait, _)) = self.release {
            let first = self.kept.joiner.is_none() && !self.caller_maps();
            self.wait_for_release(wait, "only it can make links to the host", first);
        }
        let interfaces: Vec<_> = self.places.iter().map(|place| place.interface.clone()).collect();
        let (message, shell) = configure(&interfaces);
        let why = "handed out by the network; what is not on it is reached through its gateway";
        self.act("set the addresses and routes", why, Shell::Inside(shell), |b| {
            b.needs = Some("CAP_NET_ADMIN");
            b.netlink(Side::Container, message);
        });
        self.enforced.insert("network", Enforcement::Enforced);
        self.report_ports();
    }

    /// Who reaches the published ports.
    fn report_ports(&mut self) {
        if self.spec.publish.is_empty() {
            return;
        }
        let beyond = |place: &Place| {
            let everywhere = |address: Option<Ipv4Addr>| address.is_none_or(|address| !address.is_loopback());
            place.record.inside.is_none() && place.publish.iter().any(|port| everywhere(port.address))
        };
        let state = if self.places.iter().any(beyond) && !forwards() {
            let why = "this host forwards no packets (net.ipv4.ip_forward is 0): they answer on it alone; a network \
                       with forward=true switches that on";
            Enforcement::Partial(why.into())
        } else {
            Enforcement::Enforced
        };
        self.enforced.insert("published_ports", state);
    }

    /// Sends a message on a socket of its own: rtnetlink(7).
    fn netlink(&mut self, side: Side, message: crate::plan::arg::Message) {
        let socket: Slot = self.slot("netlink socket");
        self.step(
            side,
            Call::Socket {
                family: libc::AF_NETLINK as u32,
                kind: (libc::SOCK_RAW | libc::SOCK_CLOEXEC) as u32,
                protocol: libc::NETLINK_ROUTE as u32,
                keep: socket,
            },
        );
        self.step(side, Call::NetlinkSend { fd: Fd::Slot(socket), message });
        self.step(side, Call::NetlinkAnswer { fd: Fd::Slot(socket) });
        self.close(side, socket);
    }
}
