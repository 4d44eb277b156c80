//! Links, addresses and routes. Every test makes network namespaces of its own: as root, or, for an ordinary user, owned by
//! a user namespace of his.

mod common;

use std::net::{IpAddr, UdpSocket};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use common::{root, skip};
use minicontain::namespace::{Kind, Namespace};
use minicontain::network::{
    Cidr, Delay, Link, LinkKind, Mac, MacvlanMode, Neighbour, Netlink, OperState, RateLimit, Route, describe,
};
use minicontain::{Code, Error};

/// The user namespace that owns what an ordinary user makes.
static OWNER: LazyLock<Option<Namespace>> =
    LazyLock::new(|| (!root()).then(|| Namespace::create(Kind::User).expect("a user namespace")));

fn net() -> Namespace {
    let made = match &*OWNER {
        Some(owner) => Namespace::create_in(Kind::Net, owner),
        None => Namespace::create(Kind::Net),
    };
    made.unwrap_or_else(|error| panic!("{error}"))
}

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn veth(peer: &str) -> LinkKind {
    LinkKind::Veth { peer: peer.into(), peer_namespace: None }
}

fn create(namespace: &Namespace, name: &str, kind: &LinkKind) -> Link {
    Link::create(namespace, name, kind).unwrap_or_else(|error| panic!("{error}"))
}

/// The same with a kind that this kernel may not have: that is said, with the module.
fn create_if_known(test: &str, namespace: &Namespace, name: &str, kind: &LinkKind) -> Option<Link> {
    match Link::create(namespace, name, kind) {
        Err(error) if error.code() == Code::NotSupported => {
            assert!(error.hint().contains("modprobe"), "{error}");
            skip(test, error.hint());
            None
        }
        link => Some(link.unwrap_or_else(|error| panic!("{error}"))),
    }
}

/// Two namespaces with a cable between them, addresses 10.16.8.1 and .2, and everything up.
fn pair() -> (Namespace, Namespace, Link, Link) {
    let (left, right) = (net(), net());
    let kind = LinkKind::Veth { peer: "veth1".into(), peer_namespace: Some(right.clone()) };
    let veth0 = create(&left, "veth0", &kind);
    let veth1 = Link::get(&right, "veth1").expect("the peer");
    for (link, address) in [(&veth0, "10.16.8.1/24"), (&veth1, "10.16.8.2/24")] {
        link.add_address(&cidr(address)).expect("an address");
        link.up().expect("up");
    }
    (left, right, veth0, veth1)
}

/// Two sockets that talk to each other, each made in its namespace; the kernel chooses their ports.
fn sockets(left: (&Namespace, &str), right: (&Namespace, &str)) -> (UdpSocket, UdpSocket) {
    let socket = |namespace: &Namespace| {
        let socket = namespace.socket(libc::AF_INET, libc::SOCK_DGRAM, 0).expect("a socket");
        let socket = UdpSocket::from(socket);
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        socket
    };
    let (ours, theirs) = (socket(left.0), socket(right.0));
    ours.connect((right.1, 9)).expect("a route");
    theirs.connect((left.1, ours.local_addr().expect("a port").port())).expect("a route back");
    ours.connect((right.1, theirs.local_addr().expect("a port").port())).expect("a route");
    (ours, theirs)
}

/// Sends a datagram there and back.
fn echo(left: (&Namespace, &str), right: (&Namespace, &str)) {
    let (ours, theirs) = sockets(left, right);
    let mut buffer = [0; 16];
    ours.send(b"ping").expect("sent");
    assert_eq!(theirs.recv(&mut buffer).expect("received"), 4);
    theirs.send(b"pong!").expect("sent back");
    assert_eq!(ours.recv(&mut buffer).expect("received back"), 5);
    assert_eq!(&buffer[..5], b"pong!");
}

/// Waits until a link can carry packets; some tell that a moment later.
fn wait_until_up(link: &Link) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while link.operstate().expect("a state") != OperState::Up {
        assert!(Instant::now() < deadline, "{:?}", link.state());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, code: Code) -> String {
    let error = result.expect_err("refused");
    assert_eq!(error.code(), code, "{error}");
    error.to_string()
}

#[track_caller]
fn fault<T: std::fmt::Debug>(result: Result<T, Error>, field: &str) {
    let error = result.expect_err("a fault");
    assert_eq!(error.faults().first().map(|fault| fault.field.as_str()), Some(field), "{error}");
}

#[test]
fn a_new_namespace_has_a_loopback_that_is_off() {
    let links = Link::list(&net()).expect("links");
    assert_eq!(links.len(), 1);
    let lo = links[0].state().expect("a state");
    assert_eq!((lo.name.as_str(), lo.index, lo.up, lo.kind, lo.mtu), ("lo", 1, false, None, 65536));
    assert!(links[0].addresses().expect("addresses").is_empty());
    links[0].up().expect("up");
    let addresses = links[0].addresses().expect("addresses");
    assert!(addresses.contains(&cidr("127.0.0.1/8")), "{addresses:?}");
    assert!(links[0].is_up().expect("a state"));
}

#[test]
fn two_namespaces_talk_through_a_cable() {
    let (left, right, veth0, veth1) = pair();
    wait_until_up(&veth0);
    echo((&left, "10.16.8.1"), (&right, "10.16.8.2"));
    let statistics = veth0.statistics().expect("statistics");
    assert!(
        statistics.tx_packets >= 1 && statistics.rx_packets >= 1 && statistics.tx_bytes >= 32,
        "{statistics:?}"
    );
    let before = statistics.tx_packets;
    echo((&left, "10.16.8.1"), (&right, "10.16.8.2"));
    assert!(veth0.statistics().expect("statistics").tx_packets > before);
    assert_eq!(veth0.kind().expect("a kind").as_deref(), Some("veth"));
    let (peer, elsewhere) = veth0.peer().expect("a peer").expect("of a veth");
    assert_eq!((peer.name.as_str(), peer.index), ("veth1", veth1.index()));
    assert!(elsewhere.is_some_and(|id| id >= 0));
    let neighbours = Neighbour::list(&left).expect("neighbours");
    let neighbour = neighbours.iter().find(|one| one.address == ip("10.16.8.2")).expect("the other one");
    assert_eq!((neighbour.mac, neighbour.device.as_str()), (veth1.mac().expect("a MAC"), "veth0"));
}

#[test]
fn addresses_of_both_families_come_and_go() {
    let namespace = net();
    let link = create(&namespace, "veth0", &veth("veth1"));
    let (v4, v6) = (cidr("10.16.8.1/24"), cidr("fd00::1/64"));
    link.add_address(&v4).expect("IPv4");
    link.add_address(&v6).expect("IPv6");
    assert_eq!(link.addresses().expect("addresses"), [v4, v6]);
    let text = refused(link.add_address(&v4), Code::AddressInUse);
    assert!(text.contains("ip address add 10.16.8.1/24 broadcast + dev veth0"), "{text}");
    link.remove_address(&v4).expect("removed");
    assert_eq!(link.addresses().expect("addresses"), [v6]);
    assert!(refused(link.remove_address(&v4), Code::Io).contains("EADDRNOTAVAIL"));
    let peer = Link::get(&namespace, "veth1").expect("the peer");
    assert!(peer.addresses().expect("addresses").is_empty(), "each link has its own");
}

#[test]
fn a_bridge_connects_its_members() {
    let (left, right, middle) = (net(), net(), net());
    let bridge = create(&middle, "br0", &LinkKind::Bridge);
    bridge.up().expect("up");
    for (namespace, port, address) in [(&left, "port0", "10.16.9.1/24"), (&right, "port1", "10.16.9.2/24")] {
        let kind = LinkKind::Veth { peer: "eth0".into(), peer_namespace: Some(namespace.clone()) };
        let port = create(&middle, port, &kind);
        port.set_master(Some(&bridge)).expect("a member");
        port.up().expect("up");
        assert_eq!(port.master().expect("a master").map(|master| master.index()), Some(bridge.index()));
        let end = Link::get(namespace, "eth0").expect("the other end");
        end.add_address(&cidr(address)).expect("an address");
        end.up().expect("up");
    }
    wait_until_up(&bridge);
    echo((&left, "10.16.9.1"), (&right, "10.16.9.2"));
    let port = Link::get(&middle, "port0").expect("a port");
    port.set_master(None).expect("free");
    assert!(port.master().expect("no master").is_none());
    refused(bridge.set_master(Some(&port)), Code::Io);
}

#[test]
fn links_on_links() {
    let namespace = net();
    let below = create(&namespace, "eth0", &veth("eth1"));
    let parent = || "eth0".to_string();
    let macvlan =
        create(&namespace, "mac0", &LinkKind::Macvlan { parent: parent(), mode: MacvlanMode::Bridge });
    let state = macvlan.state().expect("a state");
    assert_eq!(state.kind.as_deref(), Some("macvlan"));
    assert_eq!(state.lower.map(|lower| lower.index), Some(below.index()));
    assert_ne!(state.mac, below.mac().expect("a MAC"));
    assert!(macvlan.peer().expect("no peer").is_none());
    let nowhere = LinkKind::Macvlan { parent: "nowhere".into(), mode: MacvlanMode::default() };
    assert!(refused(Link::create(&namespace, "mac1", &nowhere), Code::LinkNotFound).contains("'nowhere'"));
}

#[test]
fn a_vlan_is_a_link_with_a_tag() {
    let namespace = net();
    let below = create(&namespace, "eth0", &veth("eth1"));
    let kind = LinkKind::Vlan { parent: "eth0".into(), id: 100 };
    let test = "a_vlan_is_a_link_with_a_tag";
    let Some(vlan) = create_if_known(test, &namespace, "eth0.100", &kind) else { return };
    let state = vlan.state().expect("a state");
    assert_eq!((state.kind.as_deref(), state.mac), (Some("vlan"), below.mac().expect("a MAC")));
    assert_eq!(state.lower.map(|lower| lower.index), Some(below.index()));
    let text = refused(Link::create(&namespace, "other", &kind), Code::LinkExists);
    assert!(text.contains("ip link add link eth0 name other type vlan id 100"), "{text}");
}

#[test]
fn a_vxlan_crosses_a_routed_network() {
    let (left, right, ..) = pair();
    let vxlan = |namespace: &Namespace, local: &str, remote: &str, address: &str| {
        let (local, remote) = (Some(ip(local)), Some(ip(remote)));
        let kind = LinkKind::Vxlan { id: 42, local, remote, port: 4789, parent: None };
        let link = create_if_known("a_vxlan_crosses_a_routed_network", namespace, "vxlan0", &kind)?;
        link.add_address(&cidr(address)).expect("an address");
        link.up().expect("up");
        Some(link)
    };
    let Some(link) = vxlan(&left, "10.16.8.1", "10.16.8.2", "10.99.0.1/24") else { return };
    vxlan(&right, "10.16.8.2", "10.16.8.1", "10.99.0.2/24");
    assert_eq!(link.kind().expect("a kind").as_deref(), Some("vxlan"));
    echo((&left, "10.99.0.1"), (&right, "10.99.0.2"));
    assert!(
        link.history()[0].shell.contains("type vxlan id 42 local 10.16.8.1 remote 10.16.8.2 dstport 4789")
    );
}

#[test]
fn taps_and_tuns_stay_in_their_namespace() {
    if let Err(error) = std::fs::File::options().read(true).write(true).open("/dev/net/tun") {
        return skip("taps_and_tuns_stay_in_their_namespace", &format!("/dev/net/tun: {error}"));
    }
    let namespace = net();
    let tap = create(&namespace, "tap0", &LinkKind::Tap);
    let tun = create(&namespace, "tun0", &LinkKind::Tun);
    assert_eq!(tap.kind().expect("a kind").as_deref(), Some("tun"));
    assert!(tap.mac().expect("an Ethernet").is_some() && tun.mac().expect("IP alone").is_none());
    let text = refused(Link::create(&namespace, "tap0", &LinkKind::Tap), Code::LinkExists);
    assert!(text.contains("ip tuntap add dev tap0 mode tap"), "{text}");
    refused(Link::create(&namespace, "tap0", &LinkKind::Tun), Code::LinkExists);
    tap.delete().expect("deleted");
    refused(tap.state(), Code::LinkNotFound);
}

#[test]
fn name_mtu_and_mac_can_be_changed() {
    let namespace = net();
    let mut link = create(&namespace, "veth0", &veth("veth1"));
    assert_eq!(link.known_name(), "veth0");
    link.rename("outer").expect("renamed");
    assert_eq!(link.known_name(), "outer");
    link.set_mtu(1400).expect("an MTU");
    let mac: Mac = "02:00:00:00:00:2a".parse().expect("a MAC");
    link.set_mac(mac).expect("a MAC");
    let state = link.state().expect("a state");
    assert_eq!((state.name.as_str(), state.mtu, state.mac), ("outer", 1400, Some(mac)));
    refused(Link::get(&namespace, "veth0"), Code::LinkNotFound);
    link.up().expect("up");
    link.down().expect("down");
    assert!(!link.is_up().expect("a state"));
    let shells: Vec<String> = link.history().into_iter().map(|done| done.shell).collect();
    let expected = [
        "ip link add veth0 type veth peer name veth1",
        "ip link set dev veth0 name outer",
        "ip link set dev outer mtu 1400",
        "ip link set dev outer address 02:00:00:00:00:2a",
        "ip link set dev outer up",
        "ip link set dev outer down",
    ];
    assert_eq!(shells, expected);
    assert!(link.history().iter().all(|done| done.errno == 0 && done.took > Duration::ZERO));
}

#[test]
fn the_kernels_own_words_are_in_the_error() {
    let namespace = net();
    let mut link = create(&namespace, "veth0", &veth("veth1"));
    let text = refused(link.set_mtu(100_000), Code::Io);
    assert!(text.contains("the kernel says 'mtu greater than device maximum'"), "{text}");
    assert!(text.contains("ip link set dev veth0 mtu 100000") && text.contains("EINVAL"), "{text}");
    let text = refused(link.set_mac("01:00:00:00:00:01".parse().expect("a MAC")), Code::Io);
    assert!(text.contains("EADDRNOTAVAIL") && text.contains("multicast"), "{text}");
    assert_eq!(link.history().last().expect("noted").errno, libc::EADDRNOTAVAIL);
    refused(link.rename("veth1"), Code::LinkExists);
}

#[test]
fn what_cannot_be_is_said_before_the_kernel_is_asked() {
    let namespace = net();
    fault(Link::create(&namespace, "sixteen_bytes_xx", &LinkKind::Bridge), "name");
    fault(Link::create(&namespace, "a/b", &LinkKind::Bridge), "name");
    fault(Link::create(&namespace, "veth0", &veth("veth%d")), "peer");
    fault(Link::create(&namespace, "v", &LinkKind::Vlan { parent: "lo".into(), id: 4095 }), "id");
    fault(Link::create(&namespace, "v", &LinkKind::Vlan { parent: String::new(), id: 1 }), "parent");
    let vxlan = |local: &str, remote: &str| LinkKind::Vxlan {
        id: 1,
        local: Some(ip(local)),
        remote: Some(ip(remote)),
        port: 4789,
        parent: None,
    };
    fault(Link::create(&namespace, "v", &vxlan("10.0.0.1", "fd00::1")), "remote");
    fault(Link::get(&namespace, "no such link"), "name");
    fault("10.0.0.1/33".parse::<Cidr>(), "address");
    fault(Route::to(cidr("10.0.0.0/8")).add(&namespace), "gateway");
    fault(
        Route { device: Some("lo".into()), ..Route::to(cidr("10.0.0.1/8")) }.add(&namespace),
        "destination",
    );
    fault(Route { gateway: Some(ip("fd00::1")), ..Route::default() }.add(&namespace), "gateway");
    let lo = Link::get(&namespace, "lo").expect("the loopback");
    fault(lo.limit(&RateLimit { burst: 0, ..RateLimit::bits(1_000_000) }), "burst");
    fault(lo.limit(&RateLimit::bits(0)), "rate");
    let user = Namespace::current(Kind::User).expect("own");
    fault(Netlink::of(&user), "namespace");
    let kind = LinkKind::Veth { peer: "veth1".into(), peer_namespace: Some(user) };
    fault(Link::create(&namespace, "veth0", &kind), "peer_namespace");
    assert_eq!(Link::list(&namespace).expect("links").len(), 1);
}

#[test]
fn a_name_is_taken_once() {
    let namespace = net();
    create(&namespace, "veth0", &veth("veth1"));
    let text = refused(Link::create(&namespace, "veth0", &LinkKind::Bridge), Code::LinkExists);
    assert!(text.contains("ip link add veth0 type bridge"), "{text}");
    let text = refused(Link::create(&namespace, "veth2", &veth("veth1")), Code::LinkExists);
    assert!(text.contains("'veth1'"), "{text}");
    refused(Link::get(&namespace, "veth2"), Code::LinkNotFound);
}

#[test]
fn a_link_moves_by_descriptor_and_the_handle_follows() {
    let (here, there) = (net(), net());
    create(&there, "occupied", &veth("occupied1"));
    let mut link = create(&here, "veth0", &veth("veth1"));
    link.add_address(&cidr("10.16.8.1/24")).expect("an address");
    link.move_to(&there).expect("moved");
    assert_eq!(link.namespace(), &there);
    assert_eq!(link.name().expect("a name"), "veth0");
    assert!(!link.is_up().expect("a state") && link.addresses().expect("addresses").is_empty());
    refused(Link::get(&here, "veth0"), Code::LinkNotFound);
    link.up().expect("usable where it is now");
    let last: Vec<String> = link.history().iter().map(|done| done.shell.clone()).collect();
    assert!(
        last[2].starts_with("ip link set dev veth0 netns /proc/") && last[3].ends_with("veth0 up"),
        "{last:?}"
    );
    let mut other = create(&here, "occupied", &veth("other1"));
    let _ = refused(other.move_to(&there), Code::LinkExists);
    assert_eq!(other.namespace(), &here, "a refused move changes nothing");
    assert_eq!(other.name().expect("a name"), "occupied");
    let text = refused(create(&here, "br0", &LinkKind::Bridge).move_to(&there), Code::NotSupported);
    assert!(text.contains("make it in that namespace"), "{text}");
}

#[test]
fn a_link_moves_to_the_namespace_of_a_process() {
    let here = net();
    let mut command = match &*OWNER {
        None => Command::new("unshare"),
        Some(owner) => {
            let mut inside = Command::new("nsenter");
            inside.args(["--preserve-credentials", &format!("--user={}", owner.path()), "unshare"]);
            inside
        }
    };
    let mut process = command.args(["-n", "sleep", "30"]).spawn().expect("a process");
    let pid = process.id() as i32;
    let own = Namespace::current(Kind::Net).expect("own");
    while Namespace::of(pid, Kind::Net).is_ok_and(|theirs| theirs == own) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut link = create(&here, "veth0", &veth("veth1"));
    link.move_to_pid(pid).expect("moved");
    assert_eq!(link.namespace(), &Namespace::of(pid, Kind::Net).expect("theirs"));
    assert_eq!(link.name().expect("a name"), "veth0");
    assert!(link.history().iter().any(|done| done.shell == format!("ip link set dev veth0 netns {pid}")));
    process.kill().and_then(|()| process.wait()).expect("ended");
    refused(link.move_to_pid(pid), Code::NamespaceNotFound);
}

#[test]
fn an_ordinary_users_links_stay_with_one_owner() {
    if root() {
        return skip("an_ordinary_users_links_stay_with_one_owner", "root owns all");
    }
    let other = Namespace::create(Kind::User).expect("a user namespace");
    let there = Namespace::create_in(Kind::Net, &other).expect("a network namespace");
    let mut link = create(&net(), "veth0", &veth("veth1"));
    let text = refused(link.move_to(&there), Code::PermissionDenied);
    assert!(text.contains("make both in one"), "{text}");
}

#[test]
fn deleting_one_end_deletes_both() {
    let (left, right, veth0, veth1) = pair();
    veth0.delete().expect("deleted");
    for link in [&veth0, &veth1] {
        refused(link.up(), Code::LinkNotFound);
        refused(link.name(), Code::LinkNotFound);
        refused(link.addresses(), Code::LinkNotFound);
    }
    assert_eq!(Link::list(&left).expect("links").len() + Link::list(&right).expect("links").len(), 2);
    refused(Link::get(&left, "lo").expect("the loopback").delete(), Code::NotSupported);
}

#[test]
fn routes_come_and_go() {
    let (left, _right, veth0, _) = pair();
    wait_until_up(&veth0);
    let netlink = Netlink::of(&left).expect("a socket");
    let own = netlink.routes().expect("routes");
    let network = own.iter().find(|route| route.destination == cidr("10.16.8.0/24")).expect("the network's");
    assert_eq!((network.device.as_deref(), network.source), (Some("veth0"), Some(ip("10.16.8.1"))));
    let default = Route { gateway: Some(ip("10.16.8.2")), ..Route::default() };
    let far = Route {
        gateway: Some(ip("10.16.8.2")),
        device: Some("veth0".into()),
        source: Some(ip("10.16.8.1")),
        metric: Some(7),
        ..Route::to(cidr("10.50.0.0/16"))
    };
    netlink.add_route(&default).expect("a default route");
    netlink.add_route(&far).expect("a route");
    let routes = netlink.routes().expect("routes");
    assert!(routes.contains(&far), "{routes:?}");
    assert!(routes.contains(&Route { device: Some("veth0".into()), ..default.clone() }), "{routes:?}");
    refused(netlink.add_route(&far), Code::AddressInUse);
    netlink.remove_route(&far).expect("removed");
    refused(netlink.remove_route(&far), Code::Io);
    netlink.remove_route(&default).expect("removed");
    assert_eq!(netlink.routes().expect("routes"), own);
    let unreachable = Route { gateway: Some(ip("10.99.0.1")), ..Route::default() };
    let text = refused(unreachable.add(&left), Code::Io);
    assert!(text.contains("ip route add default via 10.99.0.1") && text.contains("kernel says"), "{text}");
    let nowhere = Route { device: Some("nowhere".into()), ..Route::default() };
    refused(nowhere.add(&left), Code::LinkNotFound);
    veth0.add_address(&cidr("fd00::1/64")).expect("IPv6");
    let v6 = Route { gateway: Some(ip("fd00::2")), device: Some("veth0".into()), ..Route::to(Cidr::ALL_V6) };
    v6.add(&left).expect("a route of IPv6");
    let found = Route::list(&left).expect("routes").into_iter().find(|route| route.gateway == v6.gateway);
    assert!(found.is_some_and(|route| route.destination == Cidr::ALL_V6));
    v6.remove(&left).expect("removed");
    assert_eq!(netlink.done().len(), 6, "{:?}", netlink.done());
}

#[test]
fn a_rate_is_limited() {
    let (left, right, veth0, _) = pair();
    veth0
        .limit(&RateLimit { rate: 1_000_000, burst: 4000, latency: Duration::from_secs(1) })
        .expect("a limit");
    assert_eq!(veth0.qdisc().expect("a qdisc").as_deref(), Some("tbf"));
    let (ours, _theirs) = sockets((&left, "10.16.8.1"), (&right, "10.16.8.2"));
    let begin = Instant::now();
    // 50 kB at a megabit in a second, less the burst.
    for _ in 0..50 {
        ours.send(&[0; 1000]).expect("sent");
    }
    let statistics = || veth0.statistics().expect("statistics").tx_bytes;
    while statistics() < 50_000 {
        assert!(begin.elapsed() < Duration::from_secs(5), "{}", statistics());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(begin.elapsed() > Duration::from_millis(300), "{:?}", begin.elapsed());
    veth0.limit(&RateLimit::bits(100_000_000_000)).expect("replaced");
    veth0.unlimit().expect("no limit");
    assert_eq!(veth0.qdisc().expect("a qdisc").as_deref(), Some("noqueue"));
    refused(veth0.unlimit(), Code::Io);
}

#[test]
fn a_delay_is_there_or_says_what_is_missing() {
    let (left, right, veth0, _) = pair();
    let delay = Delay { delay: Duration::from_millis(20), jitter: Duration::ZERO };
    match veth0.delay(&delay) {
        Ok(()) => {
            let begin = Instant::now();
            echo((&left, "10.16.8.1"), (&right, "10.16.8.2"));
            assert!(begin.elapsed() >= Duration::from_millis(20));
        }
        Err(error) => {
            let text = refused(Err::<(), _>(error), Code::NotSupported);
            assert!(text.contains("sch_netem") && text.contains("CONFIG_NET_SCH_NETEM"), "{text}");
            assert!(text.contains("tc qdisc replace dev veth0 root netem delay 20000us"), "{text}");
        }
    }
}

#[test]
fn a_kind_that_the_kernel_lacks_is_told_with_its_module() {
    let namespace = net();
    if let Err(error) = Link::create(&namespace, "dummy0", &LinkKind::Dummy) {
        let text = refused(Err::<(), _>(error), Code::NotSupported);
        assert!(text.contains("modprobe dummy"), "{text}");
    }
}

#[test]
fn who_lacks_the_privilege_is_told_which() {
    // Everybody lacks it in a namespace that root of the host owns, but root.
    if root() {
        return skip("who_lacks_the_privilege_is_told_which", "root has it");
    }
    let text =
        refused(Netlink::here().and_then(|net| net.create("br0", &LinkKind::Bridge)), Code::PermissionDenied);
    assert!(text.contains("CAP_NET_ADMIN") && text.contains("user namespace"), "{text}");
}

#[test]
fn many_links_are_listed() {
    let namespace = net();
    let netlink = Netlink::of(&namespace).expect("a socket");
    for n in 0..100 {
        netlink.create(&format!("left{n}"), &veth(&format!("right{n}"))).expect("a veth");
    }
    let links = netlink.links().expect("links");
    assert_eq!(links.len(), 201);
    assert!(links.iter().skip(1).all(|link| link.index() > 1));
    let state = netlink.describe().expect("a description");
    assert_eq!(state.links.len(), 201);
    let left = state.links.iter().find(|link| link.state.name == "left42").expect("one of them");
    assert_eq!(left.lower_name.as_deref(), Some("right42"));
}

#[test]
fn lists_hold_while_links_come_and_go() {
    let namespace = net();
    let netlink = Netlink::of(&namespace).expect("a socket");
    for n in 0..40 {
        netlink.create(&format!("stays{n}"), &LinkKind::Bridge).expect("a bridge");
    }
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let netlink = &netlink;
            let other = Netlink::of(&namespace).expect("a socket");
            scope.spawn(move || {
                for _ in 0..10 {
                    other
                        .create(&format!("goes{thread}"), &veth(&format!("too{thread}")))
                        .expect("a veth")
                        .delete()
                        .expect("deleted");
                }
            });
            scope.spawn(move || {
                for _ in 0..50 {
                    let links = netlink.links().expect("a list");
                    let names: Vec<String> = links.iter().map(|link| format!("{link:?}")).collect();
                    assert_eq!(names.iter().filter(|name| name.contains("stays")).count(), 40);
                }
            });
        }
    });
}

#[test]
fn a_description_has_everything() {
    let (left, right, veth0, veth1) = pair();
    wait_until_up(&veth0);
    echo((&left, "10.16.8.1"), (&right, "10.16.8.2"));
    let bridge = create(&left, "br0", &LinkKind::Bridge);
    let tail = create(&left, "tail", &veth("tail1"));
    tail.set_master(Some(&bridge)).expect("a member");
    let state = describe(&left).expect("a description");
    for link in [&tail, &veth0] {
        let described = link.describe().expect("a description");
        let mut listed = state.links.iter().find(|one| one.state.index == link.index()).cloned().expect("it");
        // It may have been sent something meanwhile.
        listed.state.statistics = described.state.statistics;
        assert_eq!(described, listed);
    }
    let value = serde_json::to_value(&state).expect("JSON");
    let link = |name: &str| {
        let links = value["links"].as_array().expect("links");
        links.iter().find(|link| link["name"] == name).cloned().expect("a link")
    };
    let cable = link("veth0");
    assert_eq!(
        (&cable["kind"], &cable["up"], &cable["operstate"]),
        (&"veth".into(), &true.into(), &"up".into())
    );
    assert_eq!(cable["lower_name"], "veth1");
    assert_eq!(cable["lower"]["index"], veth1.index());
    assert_eq!(cable["addresses"][0], "10.16.8.1/24");
    assert!(cable["statistics"]["tx_packets"].as_u64().is_some_and(|count| count > 0));
    assert_eq!((&link("tail")["master_name"], &link("tail")["lower_name"]), (&"br0".into(), &"tail1".into()));
    assert_eq!(value["routes"][0]["destination"], "10.16.8.0/24");
    assert_eq!(value["neighbours"][0]["address"], "10.16.8.2");
}

#[test]
fn the_shell_commands_do_the_same() {
    if !Command::new("ip").arg("-V").output().is_ok_and(|output| output.status.success()) {
        return skip("the_shell_commands_do_the_same", "there is no ip(8)");
    }
    let ours = net();
    let netlink = Netlink::of(&ours).expect("a socket");
    let make =
        |name: &str, kind: &LinkKind| netlink.create(name, kind).unwrap_or_else(|error| panic!("{error}"));
    let bridge = make("br0", &LinkKind::Bridge);
    let mut veth0 = make("veth0", &veth("veth1"));
    make("mac0", &LinkKind::Macvlan { parent: "veth0".into(), mode: MacvlanMode::Private });
    let (local, remote) = (Some(ip("10.16.8.1")), Some(ip("239.1.1.1")));
    let vxlan = LinkKind::Vxlan { id: 7, local, remote, port: 4789, parent: Some("veth0".into()) };
    if Link::create(
        &net(),
        "vx",
        &LinkKind::Vxlan { id: 1, local: None, remote: None, port: 4789, parent: None },
    )
    .is_ok()
    {
        make("vx0", &vxlan);
        make(
            "vx1",
            &LinkKind::Vxlan { id: 8, local: None, remote: Some(ip("fd00::2")), port: 4790, parent: None },
        );
    }
    if Link::create(&net(), "dummy", &LinkKind::Dummy).is_ok() {
        make("dummy0", &LinkKind::Dummy);
        make("vlan5", &LinkKind::Vlan { parent: "dummy0".into(), id: 5 });
    }
    let veth1 = netlink.link("veth1").expect("the peer");
    if std::fs::File::options().write(true).open("/dev/net/tun").is_ok() {
        make("tap0", &LinkKind::Tap);
        make("tun0", &LinkKind::Tun);
    }
    let steps = [
        veth1.set_master(Some(&bridge)),
        veth0.rename("outer"),
        veth0.set_mtu(1400),
        veth0.set_mac("02:00:00:00:00:2a".parse().expect("a MAC")),
        veth0.add_address(&cidr("10.16.8.1/24")),
        veth0.add_address(&cidr("10.16.9.1/32")),
        veth0.add_address(&cidr("fd00::1/64")),
        veth0.add_address(&cidr("10.16.10.1/31")),
        veth0.remove_address(&cidr("10.16.10.1/31")),
        veth0.up(),
        veth1.up(),
        bridge.up(),
        netlink.add_route(&Route { gateway: Some(ip("10.16.8.2")), ..Route::default() }),
        netlink.add_route(&Route {
            device: Some("outer".into()),
            metric: Some(5),
            ..Route::to(cidr("10.50.0.0/16"))
        }),
        netlink.add_route(&Route { device: Some("outer".into()), ..Route::to(cidr("fd01::/64")) }),
        netlink.add_route(&Route { device: Some("outer".into()), ..Route::to(cidr("10.60.0.0/16")) }),
        netlink.remove_route(&Route { device: Some("outer".into()), ..Route::to(cidr("10.60.0.0/16")) }),
        veth0.limit(&RateLimit::bits(10_000_000)),
        bridge.down(),
        veth1.set_master(None),
    ];
    assert!(steps.iter().all(Result::is_ok), "{steps:?}");
    let theirs = net();
    let script: String = netlink.done().iter().map(|done| format!("{}\n", done.shell)).collect();
    let mut command = Command::new("nsenter");
    // An ordinary user's PATH may not have tc in it.
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    if let Some(owner) = &*OWNER {
        command.args(["--preserve-credentials", &format!("--user={}", owner.path())]);
    }
    let output =
        command.args([&format!("--net={}", theirs.path()), "sh", "-ec", &script]).output().expect("a shell");
    assert!(output.status.success(), "{script}{}", String::from_utf8_lossy(&output.stderr));
    let seen = |namespace: &Namespace| {
        let state = describe(namespace).expect("a description");
        let links = state.links.into_iter().map(|link| {
            // What the kernel makes up, or does in its own time, may differ.
            let own = link.addresses.into_iter().filter(|cidr| !cidr.to_string().starts_with("fe80"));
            let (state, own) = (link.state, own.collect::<Vec<Cidr>>());
            (state.name, state.kind, state.up, state.mtu, link.master_name, link.lower_name, state.qdisc, own)
        });
        let routes = state.routes.into_iter().filter(|route| !route.to_string().starts_with("fe80"));
        (links.collect::<Vec<_>>(), routes.collect::<Vec<_>>())
    };
    assert_eq!(seen(&ours), seen(&theirs));
}

#[test]
fn the_other_end_of_a_cable_is_found_where_it_is() {
    let (left, right) = (net(), net());
    let veth0 = create(&left, "veth0", &veth("veth1"));
    let mut peer = veth0.find_peer().expect("a search").expect("of a veth");
    assert_eq!((peer.name().expect("a name").as_str(), peer.namespace().id()), ("veth1", left.id()));
    assert!(veth0.peer_in(&right).expect("asked").is_none());
    peer.move_to(&right).expect("moved");
    let found = veth0.find_peer().expect("a search").expect("of a veth");
    assert_eq!((found.namespace().id(), found.index()), (right.id(), peer.index()));
    assert_eq!(veth0.peer_in(&right).expect("asked").map(|peer| peer.index()), Some(peer.index()));
    assert!(veth0.peer_in(&left).expect("asked").is_none());
    found.up().expect("up");
    let last = veth0.history().last().map(ToString::to_string);
    let elsewhere = format!("nsenter --net={} ip link set dev veth1 up", found.namespace().path());
    assert_eq!(last, Some(elsewhere), "noted with what was done at this end, and where");
    let lo = Link::get(&left, "lo").expect("lo");
    assert!(lo.find_peer().expect("a search").is_none());
}
