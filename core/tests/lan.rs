//! Networks for containers. Every test plays the host in a network namespace of its own thread.

mod common;

use std::io::Write;
use std::net::{IpAddr, TcpListener, TcpStream};
use std::time::Duration;

use common::lan::{ask, code, lab, on_a_host, server, sh, subnet, unique};
use minicontain::namespace::{Kind, Namespace};
use minicontain::network::{Link, LinkKind, Netlink, Network, NetworkOptions, Route};
use minicontain::spec::{Attachment, NamespaceSource};
use minicontain::{Code, Command, Container};

#[test]
fn a_container_has_an_address_and_reaches_the_gateway() {
    on_a_host("a network", || {
        let lab = lab("a", subnet("10.16.8.0/24"));
        assert_eq!(lab.gateway().to_string(), "10.16.8.1");
        // The host is on it by no other address, not by one of version 6 that the kernel gives every link.
        let own = lab.bridge().and_then(|bridge| bridge.addresses()).expect("addresses");
        assert_eq!(own.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.16.8.1/24"]);
        let (status, said) = sh(&lab, "ip -4 -o addr show eth0; ip route; ping -c1 -W2 10.16.8.1 >&2");
        assert_eq!(status, 0, "{said}");
        assert!(
            said.contains("10.16.8.2/24 brd 10.16.8.255") && said.contains("default via 10.16.8.1"),
            "{said}"
        );
        lab.remove().expect("removed");
    });
}

#[test]
fn two_containers_talk_by_name() {
    on_a_host("a network", || {
        let lab =
            lab("b", NetworkOptions { subnet6: Some("fd00:16:8::/64".into()), ..subnet("10.16.8.0/24") });
        let web = server(&lab, "web", |command| {
            command.spec().networks[0].aliases.push("www".into());
        });
        let seen = lab.describe().expect("a description");
        let [container] = seen.containers.as_slice() else { panic!("one: {:?}", seen.containers) };
        assert_eq!((container.address.to_string().as_str(), &*container.names[0]), ("10.16.8.2", "web"));
        assert!(seen.rules.to_string().contains("published") && seen.state.links.len() == 3, "{seen:?}");
        let (status, said) = sh(
            &lab,
            "getent ahostsv4 www | head -1; ping -c1 -W2 web >/dev/null && ping -6 -c1 -W2 web > /dev/null && echo both",
        );
        assert_eq!(status, 0, "{said}");
        assert!(said.starts_with("10.16.8.2 ") && said.ends_with("both"), "{said}");
        let names = lab.names().expect("names");
        assert!(
            names.contains(&("web".into(), "10.16.8.2".parse::<IpAddr>().expect("an address"))),
            "{names:?}"
        );
        drop(web);
        assert!(!lab.names().expect("names").iter().any(|(name, _)| name == "web"));
        lab.remove().expect("removed");
    });
}

#[test]
fn a_published_port_answers() {
    on_a_host("a network", || {
        let lab = lab("d", subnet("10.16.8.0/24"));
        let container = server(&lab, "web", |command| {
            command.publish("8080:80".parse().expect("a port"));
        });
        assert_eq!(ask("127.0.0.1:8080").expect("an answer"), "hello 10.16.8.1");
        assert_eq!(ask("10.16.8.1:8080").expect("an answer"), "hello 10.16.8.1");
        // The port is taken on the host.
        assert!(TcpListener::bind("0.0.0.0:8080").is_err());
        let other = Command::new("true")
            .network(Attachment::to(lab.name()))
            .publish("8080:81".parse().expect("a port"))
            .spawn();
        assert_eq!(code(other), Code::AddressInUse);
        drop(container);
        assert!(ask("127.0.0.1:8080").is_err());
        TcpListener::bind("0.0.0.0:8080").expect("free again");
        lab.remove().expect("removed");
    });
}

#[test]
fn the_hosts_loopback_is_closed_to_containers() {
    on_a_host("a network", || {
        let lab = lab("o", subnet("10.16.8.0/24"));
        let listener = TcpListener::bind("127.0.0.1:9999").expect("a listener");
        std::thread::spawn(move || listener.accept().map(|(mut stream, _)| stream.write_all(b"secret")));
        // What one with every right can do: its own loopback is out of the way, and 127.0.0.1 is routed to the host.
        let script = "ip addr flush dev lo; ip route add 127.0.0.1/32 via 10.16.8.1 dev eth0 src 10.16.8.2 || exit 3
            /usr/bin/python3 -c \"import socket; print(socket.create_connection(('127.0.0.1',9999),2).recv(99).decode())\"";
        let mut command = Command::new("sh");
        command.args(["-c", script]).network(Attachment::to(lab.name())).timeout(Duration::from_secs(20));
        command.spec().cap_add.push("NET_ADMIN".into());
        command.spec().sysctls.insert("net.ipv4.conf.all.route_localnet".into(), "1".into());
        let run = command.output().unwrap_or_else(|error| panic!("{error}"));
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.stdout.is_empty() && said.contains("timed out"), "{said}");
        lab.remove().expect("removed");
    });
}

#[test]
fn networks_with_names_that_are_alike_have_rules_of_their_own() {
    on_a_host("a network", || {
        let [one, other] = ["t-t", "t.t"].map(|name| lab(name, NetworkOptions::default()));
        assert!(
            one.rules()
                .expect("rules")
                .contains(one.bridge().and_then(|link| link.name()).expect("a name").as_str())
        );
        other.remove().expect("removed");
        assert!(one.rules().is_ok(), "they went with the other's");
        one.remove().expect("removed");
    });
}

#[test]
fn no_container_writes_the_names_of_all() {
    on_a_host("a network", || {
        let lab = lab("rw", subnet("10.16.8.0/24"));
        let mut command = Command::new("sh");
        let script = "mount -o remount,bind,rw /etc/hosts; echo 6.6.6.6 evil >> /etc/hosts; cat /etc/hosts";
        command.args(["-c", script]).network(Attachment::to(lab.name())).hostname("web");
        command.spec().cap_add = vec!["SYS_ADMIN".into()];
        let run = command.output().expect("a run");
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(said.contains("web") && !said.contains("evil"), "{said}");
        lab.remove().expect("removed");
    });
}

#[test]
fn the_host_takes_no_container_for_its_router() {
    on_a_host("a network", || {
        let subnet6 = Some("fd00:16:8::/64".into());
        let lab = lab("ra", NetworkOptions { subnet6, ..subnet("10.16.8.0/24") });
        // A router advertisement, which says that it leads everywhere and is on 2001:db8:bad::/64, sent as CAP_NET_RAW allows.
        let script = "import socket,struct,time
s=socket.socket(socket.AF_INET6,socket.SOCK_RAW,socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6,socket.IPV6_MULTICAST_HOPS,255)
packet=struct.pack('!BBHBBHII',134,0,0,64,0,1800,0,0)
packet+=struct.pack('!BBBBIII',3,4,64,0xc0,3600,3600,0)+socket.inet_pton(socket.AF_INET6,'2001:db8:bad::')
time.sleep(2.5)
s.sendto(packet,('ff02::1',0,0,socket.if_nametoindex('eth0')))
time.sleep(.3)";
        let mut command = Command::new("/usr/bin/python3");
        let run = command.args(["-c", script]).network(Attachment::to(lab.name())).output().expect("a run");
        assert_eq!(run.outcome.returncode(), 0, "{}", String::from_utf8_lossy(&run.stderr));
        let routes = Netlink::here().and_then(|netlink| netlink.routes()).expect("routes");
        let led = routes.iter().find(|route| {
            let to = route.destination.to_string();
            to == "::/0" || to.starts_with("2001:db8:bad")
        });
        assert!(led.is_none(), "{led:?}");
        lab.remove().expect("removed");
    });
}

#[test]
fn the_outside_is_reached_by_nat_alone() {
    on_a_host("a network", || {
        let outside = Namespace::create(Kind::Net).expect("a network namespace");
        let own = Namespace::current(Kind::Net).expect("own");
        let up = Link::create(
            &own,
            "up0",
            &LinkKind::Veth { peer: "up1".into(), peer_namespace: Some(outside.clone()) },
        )
        .expect("a pair");
        let far = Link::get(&outside, "up1").expect("a link");
        for (link, address) in [(&up, "203.0.113.1/24"), (&far, "203.0.113.2/24")] {
            link.add_address(&address.parse().expect("an address")).and_then(|()| link.up()).expect("up");
        }
        let listener =
            outside.call(|| TcpListener::bind("203.0.113.2:80").expect("a listener")).expect("called");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let peer = stream.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
                let _ = stream.write_all(peer.as_bytes());
            }
        });
        let fetch = "/usr/bin/python3 -c \"import socket; print(socket.create_connection(('203.0.113.2',80),3).recv(99).decode())\"";
        let refused = Network::create(&unique("e0"), &NetworkOptions { nat: true, ..subnet("10.16.7.0/24") });
        let error = refused.expect_err("forwarding is off");
        assert!(
            error.code() == Code::ForwardingOff && error.hint().contains("net.ipv4.ip_forward=1"),
            "{error}"
        );
        let open = lab("e1", NetworkOptions { nat: true, forward: true, ..subnet("10.16.8.0/24") });
        assert_eq!(sh(&open, fetch), (0, "203.0.113.1".into()));
        // With forwarding on, and the outside knowing the way back, a network without nat stays closed; nobody outside reaches
        // what is on one; and one does not reach another.
        for network in ["10.16.8.0/24", "10.16.9.0/24"] {
            let gateway = Some([203, 0, 113, 1].into());
            let back = Route { gateway, ..Route::to(network.parse().expect("a network")) };
            far.netlink().add_route(&back).expect("a way back");
        }
        let closed = lab("e2", subnet("10.16.9.0/24"));
        assert_ne!(sh(&closed, fetch).0, 0);
        let web = server(&open, "web", |_| {});
        let reached = ask("10.16.8.3:80").expect("the host reaches it");
        assert!(reached.starts_with("hello"), "{reached}");
        assert!(outside.call(|| ask("10.16.8.3:80").is_err()).expect("called"));
        assert_ne!(sh(&closed, "ping -c1 -W1 10.16.8.3").0, 0);
        assert_ne!(sh(&closed, "ping -c1 -W1 10.16.8.4").0, 0);
        drop(web);
        open.remove().and_then(|()| closed.remove()).expect("removed");
    });
}

#[test]
fn addresses_are_handed_out_once_until_all_were() {
    on_a_host("a network", || {
        let lab = lab("f", subnet("10.16.8.0/29"));
        let hold = || Command::new("sleep").arg("60").network(Attachment::to(lab.name())).spawn();
        let first: Vec<Container> =
            (0..5).map(|_| hold().unwrap_or_else(|error| panic!("{error}"))).collect();
        let error = hold().expect_err("used up");
        assert!(error.code() == Code::AddressInUse && error.to_string().contains("every address"), "{error}");
        drop(first);
        let fixed = |ip: &str| {
            let attachment = format!("{}:ip={ip}", lab.name()).parse().expect("an attachment");
            Command::new("sleep").arg("60").network(attachment).spawn()
        };
        for wrong in ["10.16.8.1", "10.16.8.0", "10.16.8.7", "10.16.9.2"] {
            assert_eq!(code(fixed(wrong)), Code::AddressInUse, "{wrong}");
        }
        std::thread::sleep(Duration::from_millis(500));
        let held = fixed("10.16.8.4").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(code(fixed("10.16.8.4")), Code::AddressInUse);
        drop(held);
        lab.remove().expect("removed");
    });
}

#[test]
fn what_overlaps_is_refused_with_whose_it_is() {
    on_a_host("a network", || {
        let lab = lab("g", subnet("10.16.8.0/24"));
        for taken in ["10.16.0.0/16", "10.16.8.128/25"] {
            let error = Network::create(&unique("g2"), &subnet(taken)).expect_err("overlaps");
            assert!(error.code() == Code::AddressInUse && error.to_string().contains("overlaps"), "{error}");
        }
        assert_eq!(code(Network::create(lab.name(), &subnet("10.17.0.0/24"))), Code::NameTaken);
        for name in ["host", "none", "a b", ""] {
            assert_eq!(code(Network::create(name, &NetworkOptions::default())), Code::InvalidSpec);
        }
        assert_eq!(
            code(Command::new("true").network(Attachment::to("nowhere")).spawn()),
            Code::NetworkNotFound
        );
        lab.remove().expect("removed");
    });
}

#[test]
fn several_networks_for_one_container() {
    on_a_host("a network", || {
        let (one, two) = (lab("h1", subnet("10.16.8.0/24")), lab("h2", subnet("10.16.9.0/24")));
        let mut command = Command::new("sh");
        command.args(["-c", "ip -4 -o addr show; ping -c1 -W2 10.16.8.1 >/dev/null && ping -c1 -W2 10.16.9.1 >/dev/null && echo both"]);
        command.network(Attachment::to(one.name())).network(Attachment::to(two.name()));
        let run = command.output().unwrap_or_else(|error| panic!("{error}"));
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(said.contains("eth0") && said.contains("eth1") && said.trim().ends_with("both"), "{said}");
        // It knows the names of both, also of who comes later; others know those of their own network alone.
        let near = server(&one, "near", |_| {});
        let held = Command::new("sleep")
            .arg("60")
            .hostname("held")
            .network(Attachment::to(one.name()))
            .network(Attachment::to(two.name()))
            .spawn();
        let held = held.unwrap_or_else(|error| panic!("{error}"));
        let late = server(&two, "late", |_| {});
        for name in ["near", "late", "held"] {
            let found =
                held.exec(minicontain::Spec::new(["ping", "-c1", "-W2", name])).and_then(|ping| ping.wait());
            assert_eq!(found.expect("its end").returncode(), 0, "{name}");
        }
        assert_eq!(sh(&two, "ping -c1 -W2 late >/dev/null && ping -c1 -W2 held > /dev/null").0, 0);
        assert_ne!(sh(&two, "grep -w near /etc/hosts").0, 0);
        drop((near, held, late));
        one.remove().and_then(|()| two.remove()).expect("removed");
    });
}

#[test]
fn a_link_has_a_rate_in_either_direction() {
    on_a_host("a network", || {
        let lab = lab("p", subnet("10.16.8.0/24"));
        let attachment = format!("{}:rate=8mbit", lab.name()).parse().expect("an attachment");
        let script = "tc qdisc show dev eth0; /usr/bin/python3 -c \"
import socket,time
s=socket.create_server(('0.0.0.0',80)); c,_=s.accept(); n=0
while True:
    d=c.recv(65536)
    if not d: break
    n+=len(d)
c=socket.create_connection(('10.16.8.1',81)); c.sendall(bytes(n))\"";
        let container = Command::new("sh").args(["-c", script]).network(attachment).spawn();
        let container = container.unwrap_or_else(|error| panic!("{error}"));
        let back = TcpListener::bind("10.16.8.1:81").expect("a listener");
        let address = "10.16.8.2:80".parse().expect("an address");
        let until = std::time::Instant::now() + Duration::from_secs(60);
        let mut to = loop {
            match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
                Ok(stream) => break stream,
                Err(error) => assert!(std::time::Instant::now() < until, "{error}"),
            }
        };
        // 1 MB at 1 MB/s; the burst, and what sockets hold, may be faster.
        let began = std::time::Instant::now();
        to.write_all(&vec![0; 1_000_000]).expect("sent");
        to.shutdown(std::net::Shutdown::Write).expect("the end");
        let (mut from, _) = back.accept().expect("the way back");
        let there = began.elapsed();
        let got = std::io::copy(&mut from, &mut std::io::sink()).expect("received");
        let both = began.elapsed();
        assert_eq!(got, 1_000_000);
        assert!(there.as_millis() > 700 && (both - there).as_millis() > 700, "{there:?} {both:?}");
        container.wait().expect("its end");
        lab.remove().expect("removed");
    });
}

#[test]
fn a_detached_container_is_on_a_network_too() {
    on_a_host("a network", || {
        let lab = lab("i", subnet("10.16.8.0/24"));
        let name = unique("netdetached");
        let container = Command::new("sleep")
            .arg("60")
            .name(&name)
            .detach(true)
            .network(Attachment::to(lab.name()))
            .spawn();
        let container = container.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sh(&lab, &format!("ping -c1 -W2 {name} >/dev/null && echo yes")), (0, "yes".into()));
        container.kill().and_then(|()| container.wait()).expect("ended");
        Container::remove(&name).expect("removed");
        lab.remove().expect("removed");
    });
}

#[test]
fn a_container_is_on_a_network_of_cni_plugins() {
    if !std::path::Path::new("/usr/lib/cni/bridge").exists() {
        return common::skip("CNI", "needs containernetworking-plugins");
    }
    on_a_host("CNI", || {
        let directory = std::env::temp_dir().join(unique("minicontain-cni"));
        std::fs::create_dir(&directory).expect("a directory");
        let path = directory.join("net.conflist");
        let config = serde_json::json!({
            "cniVersion": "1.0.0", "name": unique("plugged"),
            "plugins": [{
                "type": "bridge", "bridge": "plugged0", "isGateway": true,
                "ipam": {
                    "type": "host-local", "dataDir": directory.join("data"),
                    "ranges": [[{"subnet": "10.16.20.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}],
                },
            }],
        });
        std::fs::write(&path, config.to_string()).expect("written");
        let attachment = Attachment::to(path.to_string_lossy());
        let run = Command::new("sh")
            .args([
                "-c",
                "ip -4 -o addr show eth0; ip route; ping -c1 -W2 10.16.20.1 >&2 && ping -c1 127.0.0.1 >&2",
            ])
            .network(attachment.clone())
            .output()
            .unwrap_or_else(|error| panic!("{error}"));
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert_eq!(run.outcome.returncode(), 0, "{said}");
        assert!(said.contains("10.16.20.2/24") && said.contains("default via 10.16.20.1"), "{said}");
        // DEL has given the address back.
        let leases = std::fs::read_dir(directory.join("data").join(unique("plugged"))).expect("a directory");
        assert!(!leases.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("10.")));
        // A plugin that fails ends the start, and what was made is gone.
        let missing =
            serde_json::json!({"cniVersion": "1.0.0", "name": "none", "plugins": [{"type": "no-such"}]});
        std::fs::write(&path, missing.to_string()).expect("written");
        assert_eq!(code(Command::new("true").network(attachment.clone()).spawn()), Code::CniFailed);
        let mixed = Command::new("true").network(attachment).network(Attachment::to("lab")).spawn();
        assert_eq!(code(mixed), Code::InvalidSpec);
        std::fs::remove_dir_all(directory).expect("removed");
    });
}

#[test]
fn a_container_tells_its_addresses() {
    on_a_host("a network", || {
        let options = NetworkOptions { subnet6: Some("fd00:16:8::/64".into()), ..subnet("10.16.8.0/24") };
        let (one, two) = (lab("l1", options), lab("l2", subnet("10.16.9.0/24")));
        let mut command = Command::new("sleep");
        command.arg("60").network(Attachment::to(one.name())).network(Attachment::to(two.name()));
        let container = command.spawn().unwrap_or_else(|error| panic!("{error}"));
        let addresses = container.addresses().expect("addresses");
        let shown: Vec<String> =
            addresses.iter().map(|(link, address)| format!("{link} {address}")).collect();
        assert_eq!(shown, ["eth0 10.16.8.2/24", "eth0 fd00:16:8::2/64", "eth1 10.16.9.2/24"]);
        let mut alone = Command::new("sleep");
        let alone = alone.arg("60").spawn().expect("a container");
        assert!(alone.addresses().expect("addresses").is_empty(), "the loopback is not for others");
        container.kill().and_then(|()| container.wait()).expect("ended");
        assert_eq!(code(container.addresses()), Code::Ended);
        drop(alone);
        one.remove().and_then(|()| two.remove()).expect("removed");
    });
}

#[test]
fn what_cannot_be_is_said_before_anything_is_made() {
    let fields = |set: &dyn Fn(&mut Command)| {
        let mut command = Command::new("true");
        set(&mut command);
        let error = command.spec().validate().expect_err("a fault");
        error.faults().iter().map(|fault| fault.field.clone()).collect::<Vec<_>>()
    };
    let on = |name: &str| Attachment::to(name);
    let port = || "8080:80".parse().expect("a port");
    assert_eq!(
        fields(&|command| {
            command.network(on("a b"));
        }),
        ["networks"]
    );
    assert_eq!(
        fields(&|command| {
            command.network(on("lab")).network(on("lab"));
        }),
        ["networks"]
    );
    assert_eq!(
        fields(&|command| {
            command.publish(port());
        }),
        ["publish"]
    );
    assert_eq!(
        fields(&|command| {
            command.network(on("lab")).publish(port()).publish(port());
        }),
        ["publish"]
    );
    let alias = Attachment { aliases: vec!["a b".into()], ..on("lab") };
    assert_eq!(
        fields(&|command| {
            command.network(alias.clone());
        }),
        ["networks"]
    );
    let shared = |command: &mut Command| {
        command.network(on("lab")).spec().namespaces.set(Kind::Net, NamespaceSource::Host);
    };
    assert_eq!(fields(&shared), ["networks"]);
}
