//! Networks of ordinary users, in namespaces of their own.

mod common;

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use common::lan::{ask, lab, needs_dig, server, sh, subnet, unique};
use minicontain::namespace::{self};
use minicontain::network::{Link, Netlink, Network, NetworkOptions};
use minicontain::spec::Attachment;
use minicontain::{Code, Command, Container};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// Runs a test as an ordinary user, whose networks are in namespaces of his own.
fn as_anyone(what: &str) -> bool {
    if common::root() {
        common::skip(what, "needs an ordinary user");
    }
    !common::root()
}

#[test]
fn an_ordinary_user_has_networks_of_his_own() {
    if !as_anyone("a network without privileges") {
        return;
    }
    let lab = lab("l", NetworkOptions { subnet6: Some("fd00:16:8::/64".into()), ..subnet("10.16.8.0/24") });
    assert!(!lab.namespace().is_current());
    let web = server(&lab, "web", |_| {});
    let (status, said) = sh(
        &lab,
        "ip -4 -o addr show eth0; id -u; ping -c1 -W2 10.16.8.1 >/dev/null && ping -c1 -W2 web >/dev/null && ping -6 -c1 -W2 web >/dev/null && echo all",
    );
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("10.16.8.3/24") && said.ends_with("0\nall"), "{said}");
    // The kernel removes the link of one that has ended a moment later.
    let links = || Link::list(lab.namespace()).expect("links").len();
    let until = std::time::Instant::now() + Duration::from_secs(5);
    while links() != 3 && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(links(), 3, "lo, the bridge, and the server's");
    drop(web);
    lab.remove().expect("removed");
}

#[test]
fn an_ordinary_users_containers_ask_their_init() {
    if !as_anyone("a network without privileges") || !needs_dig("a resolver") {
        return;
    }
    let lab = lab("r", NetworkOptions { resolver: true, ..subnet("10.16.8.0/24") });
    let web = server(&lab, "web", |_| {});
    let (status, said) = sh(&lab, "dig +short web WEB. -x 10.16.8.2; dig nobody | grep -o SERVFAIL");
    assert_eq!((status, said.as_str()), (0, "10.16.8.2\n10.16.8.2\nweb.\nSERVFAIL"));
    drop(web);
    lab.remove().expect("removed");
}

#[test]
fn an_ordinary_users_container_is_on_several_networks() {
    if !as_anyone("a network without privileges") {
        return;
    }
    // The second is another process's.
    let (read, write) = nix::unistd::pipe().expect("a pipe");
    let (front, back) = (lab("front", NetworkOptions::default()), unique("back"));
    // SAFETY: the copy makes a network.
    let copy = unsafe {
        namespace::clone(0, || {
            let Ok(network) = Network::create(&back, &NetworkOptions::default()) else { return 1 };
            let told = nix::unistd::write(&write, b"made").is_ok();
            std::thread::sleep(Duration::from_secs(60));
            i32::from(!told || network.remove().is_err())
        })
    }
    .expect("a copy");
    drop(write);
    assert_eq!(nix::unistd::read(&read, &mut [0; 4]), Ok(4));
    let back = Network::open(&back).expect("the copy's");
    assert!(!front.subnet().overlaps(&back.subnet()), "{} {}", front.subnet(), back.subnet());
    let (near, far) = (server(&front, "near", |_| {}), server(&back, "far", |_| {}));
    let on = |networks: &[&Network], script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).timeout(Duration::from_secs(20));
        for network in networks {
            command.network(Attachment::to(network.name()));
        }
        let run = command.output().expect("a start");
        assert_eq!(String::from_utf8_lossy(&run.stderr), "");
        run.outcome.returncode()
    };
    let both = "ping -c1 -W2 near >/dev/null && ping -c1 -W2 far >/dev/null";
    assert_eq!((on(&[&front, &back], both), on(&[&back, &front], both)), (0, 0));
    let addresses = far.addresses().expect("its addresses");
    let (_, address) = addresses.iter().find(|(link, _)| link == "eth0").expect("its address");
    let far_alone = format!("ping -c1 -W1 {} >/dev/null", address.address());
    assert_ne!(on(&[&front], &far_alone), 0, "who is on one network alone does not reach the other");
    drop((near, far));
    copy.send_signal(libc::SIGTERM).expect("ended");
    copy.wait().expect("its end");
    front.remove().expect("removed");
}

#[test]
fn another_process_of_the_user_finds_it() {
    if !as_anyone("a network without privileges") {
        return;
    }
    let lab = lab("m", NetworkOptions::default());
    let gateway = lab.gateway().to_string();
    // SAFETY: the copy runs a container.
    let child =
        unsafe { namespace::clone(0, || sh(&lab, &format!("ping -c1 -W2 {gateway}")).0) }.expect("a copy");
    assert_eq!(child.wait().expect("its end").code(), Some(0));
    lab.remove().expect("removed");
}

#[test]
fn names_of_an_ordinary_users_detached_containers_stay() {
    if !as_anyone("a network without privileges") {
        return;
    }
    let lab = lab("dn", subnet("10.16.8.0/24"));
    let name = unique("dn");
    // SAFETY: the copy starts a container.
    let child = unsafe {
        namespace::clone(0, || {
            let mut command = Command::new("sleep");
            command.arg("60").network(Attachment::to(lab.name())).name(&name).detach(true);
            i32::from(command.spawn().is_err())
        })
    };
    assert_eq!(child.and_then(|child| child.wait()).expect("its end").code(), Some(0));
    let (_, said) = sh(&lab, "cat /etc/hosts");
    let left = Container::attach(&name).expect("it is there");
    left.kill().and_then(|()| left.wait()).expect("its end");
    Container::remove(&name).expect("forgotten");
    assert!(said.contains(&format!("\t{name}\t")), "{said}");
    let until = std::time::Instant::now() + Duration::from_secs(5);
    while lab.remove().is_err() && std::time::Instant::now() < until {}
}

/// A copy that makes a network and is killed.
fn killed_maker(name: &str) -> namespace::Child {
    // SAFETY: it does no more than that.
    let copy = unsafe {
        namespace::clone(0, || {
            let made = Network::create(name, &subnet("10.16.8.0/24"));
            libc::raise(libc::SIGKILL);
            i32::from(made.is_ok())
        })
    };
    copy.expect("a copy")
}

#[test]
fn an_ordinary_users_network_goes_with_its_maker() {
    if !as_anyone("an_ordinary_users_network_goes_with_its_maker") {
        return;
    }
    let name = unique("gone");
    let child = killed_maker(&name);
    child.wait().expect("its end");
    let error = Network::open(&name).expect_err("it went with its maker");
    assert!(error.code() == Code::NetworkNotFound && error.to_string().contains("went with"), "{error}");
    assert!(Network::list().expect("a list").iter().all(|network| network.name() != name));
    Network::create(&name, &subnet("10.16.8.0/24")).and_then(|again| again.remove()).expect("made anew");
}

#[test]
fn an_ordinary_users_network_goes_with_a_maker_that_nobody_has_waited_for() {
    if !as_anyone("an_ordinary_users_network_goes_with_a_maker_that_nobody_has_waited_for") {
        return;
    }
    let name = unique("zombie");
    let child = killed_maker(&name);
    let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    waitid(Id::Pid(Pid::from_raw(child.pid())), ended).expect("it was killed");
    Network::create(&name, &subnet("10.16.8.0/24")).and_then(|again| again.remove()).expect("made anew");
    child.wait().expect("its end");
}

#[test]
fn an_ordinary_users_network_cannot_stay() {
    if !as_anyone("an_ordinary_users_network_cannot_stay") {
        return;
    }
    let name = unique("stay");
    let options = NetworkOptions { persistent: true, ..subnet("10.16.8.0/24") };
    let error = Network::create(&name, &options).expect_err("it goes with its maker");
    assert!(error.code() == Code::PermissionDenied && error.hint().contains("one process"), "{error}");
    assert!(Network::list().expect("a list").iter().all(|network| network.name() != name));
}

/// Whether pasta can work here.
fn has_pasta(what: &str) -> bool {
    let tun = std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun").is_ok();
    let there =
        ["/usr/bin/pasta", "/usr/local/bin/pasta"].iter().any(|path| std::path::Path::new(path).exists());
    if !(tun && there) {
        common::skip(what, "needs pasta, and /dev/net/tun open for this user");
    }
    tun && there
}

#[test]
fn an_ordinary_user_reaches_the_outside_through_pasta() {
    if !as_anyone("pasta") || !has_pasta("pasta") {
        return;
    }
    let lab = lab("n", NetworkOptions { nat: true, ..NetworkOptions::default() });
    // The outside's gateway is where pasta has the host's own loopback, which is far enough for a test.
    let routes = Netlink::of(lab.namespace()).and_then(|netlink| netlink.routes()).expect("routes");
    let gateway =
        routes.iter().find(|route| route.destination.prefix() == 0 && route.destination.address().is_ipv4());
    let gateway = gateway.and_then(|route| route.gateway).expect("a way out");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || listener.accept().map(|(mut stream, _)| stream.write_all(b"outside")));
    let fetch = format!(
        "/usr/bin/python3 -c \"import socket; print(socket.create_connection(('{gateway}',{port}),3).recv(99).decode())\""
    );
    assert_eq!(sh(&lab, &fetch), (0, "outside".into()));
    let mut container = server(&lab, "web", |command| {
        command.publish("18080:80".parse().expect("a port"));
    });
    let until = std::time::Instant::now() + Duration::from_secs(5);
    let answer = loop {
        match ask("127.0.0.1:18080") {
            Ok(answer) if answer.starts_with("hello") => break answer,
            _ if std::time::Instant::now() >= until => panic!("the published port does not answer"),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    assert!(answer.starts_with("hello "), "{answer}");
    drop(container.stdout.take());
    drop(container);
    lab.remove().expect("removed");
}
