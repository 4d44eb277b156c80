//! Links: the network interfaces of a namespace.

use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::link::LinkAttribute;

use super::change::{Change, link as message_about};
use super::history::Done;
use super::netlink::Request;
use super::refusal::Refusal;
use super::{
    Cidr, Delay, LinkKind, LinkState, Mac, Netlink, OperState, RateLimit, Statistics, failure, name, shell,
    tun,
};
use crate::error::Error;
use crate::namespace::{Kind, Namespace};

/// A network interface in a network namespace, whether or not the caller is in that. Everything is asked of the kernel
/// each time.
///
/// ```no_run
/// use minicontain::namespace::{Kind, Namespace};
/// use minicontain::network::{Link, LinkKind};
/// let (left, right) = (Namespace::create(Kind::Net)?, Namespace::create(Kind::Net)?);
/// let kind = LinkKind::Veth { peer: "veth1".into(), peer_namespace: Some(right.clone()) };
/// let veth0 = Link::create(&left, "veth0", &kind)?;
/// veth0.add_address(&"10.16.8.1/24".parse()?)?;
/// veth0.up()?;
/// let veth1 = Link::get(&right, "veth1")?;
/// veth1.add_address(&"10.16.8.2/24".parse()?)?;
/// veth1.up()?;
/// for done in veth0.history() {
///     println!("{done}"); // ip link add veth0 type veth peer name veth1 netns …
/// }
/// # Ok::<(), minicontain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Link {
    netlink: Netlink,
    index: u32,
    /// The name when it was last seen: for the texts, the index is what counts.
    name: String,
}

impl Netlink {
    /// All links, by their index.
    ///
    /// # Errors
    /// [`crate::Code::Io`].
    pub fn links(&self) -> Result<Vec<Link>, Error> {
        Ok(self.states()?.into_iter().map(|state| self.found(&state)).collect())
    }

    /// The link of that name.
    ///
    /// # Errors
    /// [`crate::Code::LinkNotFound`]; [`Error::Spec`] when there can be none.
    pub fn link(&self, name: &str) -> Result<Link, Error> {
        name::check("name", name)?;
        Ok(self.found(&self.state_of(0, Some(name))?))
    }

    /// Makes a link.
    ///
    /// # Errors
    /// [`crate::Code::LinkExists`]; [`crate::Code::LinkNotFound`] for the link below; [`crate::Code::NotSupported`] when
    /// the kernel does not have the kind; [`crate::Code::PermissionDenied`]; [`Error::Spec`] when it cannot be.
    pub fn create(&self, name: &str, kind: &LinkKind) -> Result<Link, Error> {
        name::check("name", name)?;
        kind.validate()?;
        let parent = kind.parent().map(|parent| self.state_of(0, Some(parent))).transpose()?;
        let change = Change::Create { kind, parent: parent.map(|parent| parent.index) };
        let made = self.history().note(self.namespace(), change.shell(name), || {
            if matches!(kind, LinkKind::Tap | LinkKind::Tun) {
                tun::make(self.namespace(), name, kind)?
                    .map_err(|refusal| failure::of_change(&change, name, &refusal))?;
                return self.state_of(0, Some(name));
            }
            // The kernel's answer to the question has the new index.
            let question = Request { message: Message::GetLink(by_name(name)), flags: 0 };
            let mut answers = self.ask_all(vec![change.request(name, 0), question])?.into_iter();
            let mut next = || answers.next().unwrap_or_else(|| Ok(Vec::new()));
            next().map_err(|refusal| failure::of_change(&change, name, &refusal))?;
            state(next(), 0, Some(name))
        })?;
        Ok(self.found(&made))
    }

    /// What all links are like.
    pub(super) fn states(&self) -> Result<Vec<LinkState>, Error> {
        let answer = self.dump(&Message::GetLink(message_about(0, Vec::new())))?;
        let messages = answer.map_err(|refusal| failure::of_question("list links", &refusal))?;
        let links = messages.iter().filter_map(|message| match message {
            Message::NewLink(message) => Some(LinkState::from(message)),
            _ => None,
        });
        let mut links: Vec<LinkState> = links.collect();
        links.sort_by_key(|link| link.index);
        Ok(links)
    }

    /// What one link is like.
    pub(super) fn state_of(&self, index: u32, name: Option<&str>) -> Result<LinkState, Error> {
        let message = name.map_or_else(|| message_about(index, Vec::new()), by_name);
        state(self.ask(0, Message::GetLink(message))?, index, name)
    }

    /// What a link of another namespace is like that this one has a number for.
    pub(super) fn state_elsewhere(&self, index: u32, namespace_id: i32) -> Result<LinkState, Error> {
        let message = message_about(index, vec![LinkAttribute::IfNetnsId(namespace_id)]);
        state(self.ask(0, Message::GetLink(message))?, index, None)
    }

    pub(super) fn found(&self, state: &LinkState) -> Link {
        Link { netlink: self.clone(), index: state.index, name: state.name.clone() }
    }

    /// Makes a change, and notes it.
    pub(super) fn perform(&self, change: &Change<'_>, name: &str, index: u32) -> Result<(), Error> {
        self.history().note(self.namespace(), change.shell(name), || {
            let Request { message, flags } = change.request(name, index);
            let answer = self.ask(flags, message)?;
            answer.map(drop).map_err(|refusal| failure::of_change(change, name, &refusal))
        })
    }
}

impl Link {
    /// All links of a network namespace, by their index.
    ///
    /// # Errors
    /// [`crate::Code::PermissionDenied`] when the caller may not enter it.
    pub fn list(namespace: &Namespace) -> Result<Vec<Self>, Error> {
        Netlink::of(namespace)?.links()
    }

    /// The link of that name.
    ///
    /// # Errors
    /// As [`Netlink::link`].
    pub fn get(namespace: &Namespace, name: &str) -> Result<Self, Error> {
        Netlink::of(namespace)?.link(name)
    }

    /// Makes a link.
    ///
    /// # Errors
    /// As [`Netlink::create`].
    pub fn create(namespace: &Namespace, name: &str, kind: &LinkKind) -> Result<Self, Error> {
        Netlink::of(namespace)?.create(name, kind)
    }

    /// The socket that it is asked through.
    #[must_use]
    pub fn netlink(&self) -> &Netlink {
        &self.netlink
    }

    /// The namespace that it is in.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        self.netlink.namespace()
    }

    /// Its number in the namespace.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its name when this handle last saw it: when it was found, renamed or moved. The kernel is not asked.
    #[must_use]
    pub fn known_name(&self) -> &str {
        &self.name
    }

    /// Everything that the kernel says about it, at once.
    ///
    /// # Errors
    /// [`crate::Code::LinkNotFound`] when it was deleted, or moved by others.
    pub fn state(&self) -> Result<LinkState, Error> {
        self.netlink.state_of(self.index, None).map_err(|error| {
            let named = || failure::no_link(format_args!("'{}' (index {})", self.name, self.index));
            if error.code() == crate::Code::LinkNotFound { named() } else { error }
        })
    }

    /// Its name.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn name(&self) -> Result<String, Error> {
        Ok(self.state()?.name)
    }

    /// Its kind as the kernel names it; none for the loopback and for hardware.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn kind(&self) -> Result<Option<String>, Error> {
        Ok(self.state()?.kind)
    }

    /// Whether it is switched on.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn is_up(&self) -> Result<bool, Error> {
        Ok(self.state()?.up)
    }

    /// Whether it can carry packets.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn operstate(&self) -> Result<OperState, Error> {
        Ok(self.state()?.operstate)
    }

    /// The largest packet that it carries, in bytes.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn mtu(&self) -> Result<u32, Error> {
        Ok(self.state()?.mtu)
    }

    /// Its own address, where it has one of six bytes.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn mac(&self) -> Result<Option<Mac>, Error> {
        Ok(self.state()?.mac)
    }

    /// The bridge or other link that it is part of.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn master(&self) -> Result<Option<Self>, Error> {
        let master = self.state()?.master.map(|index| self.netlink.state_of(index, None)).transpose()?;
        Ok(master.map(|state| self.netlink.found(&state)))
    }

    /// What went through it.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn statistics(&self) -> Result<Statistics, Error> {
        Ok(self.state()?.statistics)
    }

    /// The queueing discipline at its root.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn qdisc(&self) -> Result<Option<String>, Error> {
        Ok(self.state()?.qdisc)
    }

    /// Its addresses, with the lengths of their prefixes.
    ///
    /// # Errors
    /// As [`Link::state`].
    pub fn addresses(&self) -> Result<Vec<Cidr>, Error> {
        // A link that is gone has no addresses, as one that never had any.
        self.state()?;
        Ok(self.netlink.addresses(self.index)?.into_iter().map(|(_, cidr)| cidr).collect())
    }

    /// The other end of a veth, in its own namespace: its state there, and the number of that namespace where it is
    /// another. None for other kinds.
    ///
    /// # Errors
    /// As [`Link::state`]; [`crate::Code::PermissionDenied`] when the caller may not look there.
    pub fn peer(&self) -> Result<Option<(LinkState, Option<i32>)>, Error> {
        let state = self.state()?;
        let Some(peer) = state.lower.filter(|_| state.is_veth()) else { return Ok(None) };
        let other = match peer.namespace_id {
            Some(id) => self.netlink.state_elsewhere(peer.index, id)?,
            None => self.netlink.state_of(peer.index, None)?,
        };
        Ok(Some((other, peer.namespace_id)))
    }

    /// Switches it on.
    ///
    /// # Errors
    /// [`crate::Code::PermissionDenied`]; [`crate::Code::LinkNotFound`].
    pub fn up(&self) -> Result<(), Error> {
        self.perform(&Change::Up)
    }

    /// Switches it off: its routes go.
    ///
    /// # Errors
    /// As [`Link::up`].
    pub fn down(&self) -> Result<(), Error> {
        self.perform(&Change::Down)
    }

    /// Gives it another name. Before Linux 6.2 it must be down.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::LinkExists`]; [`Error::Spec`] when it cannot be a name.
    pub fn rename(&mut self, to: &str) -> Result<(), Error> {
        name::check("name", to)?;
        self.perform(&Change::Rename(to))?;
        self.name = to.into();
        Ok(())
    }

    /// Sets the largest packet that it carries, in bytes.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::Io`] when the kind does not allow it.
    pub fn set_mtu(&self, mtu: u32) -> Result<(), Error> {
        self.perform(&Change::Mtu(mtu))
    }

    /// Sets its own address.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::Io`] for a multicast address.
    pub fn set_mac(&self, mac: Mac) -> Result<(), Error> {
        self.perform(&Change::Mac(mac))
    }

    /// Connects it to a bridge of its namespace, or takes it away.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::Io`] when that link can have no others.
    pub fn set_master(&self, master: Option<&Self>) -> Result<(), Error> {
        self.perform(&Change::Master(master.map(|master| (master.name.as_str(), master.index))))
    }

    /// Gives it an address, for IPv4 with the broadcast address of its network.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::AddressInUse`] when it has it.
    pub fn add_address(&self, address: &Cidr) -> Result<(), Error> {
        self.perform(&Change::AddAddress(*address))
    }

    /// Takes an address away.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::Io`] when it does not have it.
    pub fn remove_address(&self, address: &Cidr) -> Result<(), Error> {
        self.perform(&Change::RemoveAddress(*address))
    }

    /// Limits how fast it sends; a limit or delay that is there is replaced.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::NotSupported`] when the kernel has no `tbf`.
    pub fn limit(&self, limit: &RateLimit) -> Result<(), Error> {
        limit.validate()?;
        self.perform(&Change::Limit(limit))
    }

    /// Delays what it sends; a limit or delay that is there is replaced.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::NotSupported`] when the kernel has no `netem`.
    pub fn delay(&self, delay: &Delay) -> Result<(), Error> {
        delay.validate()?;
        self.perform(&Change::Delay(delay))
    }

    /// Takes a limit or delay away.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::Io`] when it has none.
    pub fn unlimit(&self) -> Result<(), Error> {
        self.perform(&Change::Unlimit)
    }

    /// Moves it to another network namespace, and this handle with it. It is down there, and has no addresses; its index
    /// may be another one.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::LinkExists`] when that namespace has a link of its name.
    pub fn move_to(&mut self, namespace: &Namespace) -> Result<(), Error> {
        self.move_shown(namespace, &shell::shown(namespace))
    }

    /// Moves it to the network namespace of a process.
    ///
    /// # Errors
    /// As [`Link::move_to`]; [`crate::Code::NamespaceNotFound`] when there is no such process.
    pub fn move_to_pid(&mut self, pid: i32) -> Result<(), Error> {
        // Once it is open, the namespace stays the same, whoever gets the number later.
        self.move_shown(&Namespace::of(pid, Kind::Net)?, &pid.to_string())
    }

    fn move_shown(&mut self, namespace: &Namespace, shown: &str) -> Result<(), Error> {
        let there = Netlink::of(namespace)?.with_history_of(&self.netlink);
        let name = self.name()?;
        self.netlink.perform(&Change::Move(namespace, shown), &name, self.index)?;
        *self = there.link(&name)?;
        Ok(())
    }

    /// Deletes it; of a veth, the other end goes too.
    ///
    /// # Errors
    /// As [`Link::up`]; [`crate::Code::NotSupported`] for the loopback and hardware.
    pub fn delete(&self) -> Result<(), Error> {
        self.perform(&Change::Delete)
    }

    /// What was done through this link's socket, with the shell commands that do the same: the last 256.
    #[must_use]
    pub fn history(&self) -> Vec<Done> {
        self.netlink.done()
    }

    fn perform(&self, change: &Change<'_>) -> Result<(), Error> {
        self.netlink.perform(change, &self.name, self.index)
    }
}

fn by_name(name: &str) -> netlink_packet_route::link::LinkMessage {
    message_about(0, vec![LinkAttribute::IfName(name.into())])
}

/// Reads the answer to a question for one link.
fn state(answer: Result<Vec<Message>, Refusal>, index: u32, name: Option<&str>) -> Result<LinkState, Error> {
    let missing = || match name {
        Some(name) => failure::no_link(format_args!("'{name}'")),
        None => failure::no_link(format_args!("with index {index}")),
    };
    let messages = answer.map_err(|refusal| match refusal.errno {
        libc::ENODEV => missing(),
        _ => failure::of_question("read a link", &refusal),
    })?;
    let mut links = messages.iter().filter_map(|message| match message {
        Message::NewLink(message) => Some(LinkState::from(message)),
        _ => None,
    });
    links.next().ok_or_else(missing)
}
