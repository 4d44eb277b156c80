//! Networks for containers when something fails, is killed, or comes at the same time: nothing is left, and nobody else is hurt.

mod common;

use std::time::Duration;

use common::lan::{code, lab, on_a_host, server, subnet, unique};
use minicontain::namespace::{self, Kind, Namespace};
use minicontain::network::{LinkKind, Netlink, Network, NetworkOptions};
use minicontain::spec::Attachment;
use minicontain::{Code, Command, Container};

#[test]
fn removing_leaves_nothing() {
    on_a_host("a network", || {
        let lab = lab("c", NetworkOptions { nat: true, forward: true, ..NetworkOptions::default() });
        let container = server(&lab, "web", |command| {
            command.publish("8080:80".parse().expect("a port"));
        });
        assert_eq!(code(lab.remove()), Code::StillRuns);
        drop(container);
        lab.remove().expect("removed");
        let links = Netlink::here().and_then(|netlink| netlink.links()).expect("links");
        assert_eq!(links.len(), 1, "{links:?}");
        let rules = std::process::Command::new("nft").args(["list", "ruleset"]).output().expect("nft");
        assert_eq!(String::from_utf8_lossy(&rules.stdout), "");
        assert_eq!(code(Network::open(lab.name())), Code::NetworkNotFound);
    });
}

#[test]
fn a_link_that_has_the_bridges_name_is_left_alone() {
    on_a_host("a network", || {
        let name = unique("f");
        let netlink = Netlink::here().expect("netlink");
        netlink.create(&format!("mc-{name}"), &LinkKind::Bridge).expect("a bridge");
        assert_eq!(code(Network::create(&name, &NetworkOptions::default())), Code::LinkExists);
        assert!(netlink.link(&format!("mc-{name}")).is_ok());
        assert_eq!(code(Network::open(&name)), Code::NetworkNotFound);
    });
}

#[test]
fn networks_made_at_once_have_addresses_of_their_own() {
    on_a_host("a network", || {
        let host = Namespace::current(Kind::Net).expect("the host");
        let made: Vec<Network> = std::thread::scope(|scope| {
            let make = |n: usize| {
                let host = &host;
                scope.spawn(move || host.call(|| lab(&format!("s{n}-"), NetworkOptions::default())))
            };
            let makers: Vec<_> = (0..6).map(make).collect();
            makers.into_iter().map(|maker| maker.join().expect("a thread").expect("entered")).collect()
        });
        let mut subnets: Vec<String> = made.iter().map(|network| network.subnet().to_string()).collect();
        subnets.sort();
        subnets.dedup();
        assert_eq!(subnets.len(), 6, "{subnets:?}");
        made.iter().for_each(|network| network.remove().expect("removed"));
    });
}

#[test]
fn of_those_who_make_what_a_killed_maker_left_anew_one_does() {
    on_a_host("a network", || {
        let name = unique("w");
        // SAFETY: the copies make a network each, and end.
        let make = |killed: bool| unsafe {
            namespace::clone(0, || {
                let Ok(made) = Network::create(&name, &subnet("10.16.8.0/24")) else { return 1 };
                if killed {
                    libc::raise(libc::SIGKILL);
                }
                std::thread::sleep(Duration::from_millis(300));
                if made.bridge().is_ok() && made.remove().is_ok() { 0 } else { 2 }
            })
        };
        for _ in 0..3 {
            make(true).and_then(|child| child.wait()).expect("its end");
            let makers: Vec<_> = (0..4).map(|_| make(false).expect("a copy")).collect();
            let mut ends: Vec<_> =
                makers.iter().map(|maker| maker.wait().expect("its end").code().expect("a status")).collect();
            ends.sort_unstable();
            assert_eq!(ends, [0, 1, 1, 1]);
        }
    });
}

#[test]
fn who_gets_an_address_again_has_names_and_ports_of_his_own() {
    on_a_host("a network", || {
        let lab = lab("u", NetworkOptions { persistent: true, ..subnet("10.16.8.0/24") });
        let at = |port: Option<&str>| {
            let mut command = Command::new("sleep");
            command.arg("60").hostname("web");
            command.network(Attachment { ip: Some([10, 16, 8, 9].into()), ..Attachment::to(lab.name()) });
            if let Some(port) = port {
                command.publish(port.parse().expect("a port"));
            }
            let until = std::time::Instant::now() + Duration::from_secs(5);
            loop {
                match command.spawn() {
                    Err(error) if error.code() == Code::AddressInUse && until > std::time::Instant::now() => {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    started => return started.unwrap_or_else(|error| panic!("{error}")),
                }
            }
        };
        let ports = || lab.rules().expect("rules").matches("10.16.8.9 . 80").count();
        let names = || lab.names().expect("names").iter().filter(|(name, _)| name == "web").count();
        // One that has ended, and was not waited for yet.
        let first = at(Some("8081:80"));
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(first.pid()), nix::sys::signal::SIGKILL)
            .expect("killed");
        let second = at(Some("8082:80"));
        drop(first);
        assert_eq!((names(), ports()), (1, 1));
        drop(second);
        assert_eq!((names(), ports()), (0, 0));
        // One whose maker was killed.
        // SAFETY: the copy starts a container and is killed.
        let killed = unsafe {
            namespace::clone(0, || {
                let started = at(Some("8080:80"));
                libc::raise(libc::SIGKILL);
                drop(started);
                0
            })
        };
        killed.and_then(|child| child.wait()).expect("its end");
        assert_eq!(ports(), 1);
        let after = at(None);
        assert_eq!((names(), ports()), (1, 0));
        drop(after);
        drop(at(Some("8080:80")));
        lab.remove().expect("removed");
    });
}

#[test]
fn what_a_killed_maker_left_in_another_namespace_is_swept_from_there() {
    on_a_host("a network", || {
        let name = unique("v");
        // SAFETY: the copy makes a network and is killed.
        let killed = unsafe {
            namespace::clone(0, || {
                let made = Network::create(&name, &subnet("10.16.8.0/24"));
                libc::raise(libc::SIGKILL);
                i32::from(made.is_ok())
            })
        };
        killed.and_then(|child| child.wait()).expect("its end");
        let elsewhere = Namespace::create(Kind::Net).expect("a network namespace");
        elsewhere.call(Network::list).expect("entered").expect("a list");
        let links = || Netlink::here().and_then(|netlink| netlink.links()).expect("links").len();
        assert_eq!(
            (code(Network::create(&name, &NetworkOptions { mtu: Some(1), ..Default::default() })), links()),
            (Code::InvalidSpec, 1)
        );
        assert_eq!(code(Network::open(&name)), Code::NetworkNotFound);
    });
}

#[test]
fn a_port_without_the_networks_rules_says_so() {
    on_a_host("a network", || {
        let lab = lab("gr", subnet("10.16.8.0/24"));
        std::process::Command::new("nft").args(["flush", "ruleset"]).status().expect("nft");
        let mut command = Command::new("true");
        command.network(Attachment::to(lab.name())).publish("8080:80".parse().expect("a port"));
        assert_eq!(code(command.output()), Code::NetworkNotFound);
        lab.remove().expect("removed");
    });
}

#[test]
fn every_step_can_fail_and_nothing_stays() {
    on_a_host("a network", || {
        // With all that a network can have.
        let lab = lab("j", NetworkOptions { resolver: true, ..subnet("10.16.8.0/24") });
        let mut command = Command::new("true");
        command
            .network(Attachment::to(lab.name()))
            .hostname("web")
            .publish("8080:80".parse().expect("a port"));
        let count = command.plan().expect("a plan").steps.len();
        for index in 0..count {
            let plan = command.plan().expect("a plan");
            let (tolerated, executed) =
                (plan.steps[index].tolerate, plan.steps[index].call.name() == "execve");
            let started = Container::start_traced(plan, Some((index, libc::EIO)));
            if let Ok(container) = started {
                assert!(tolerated != minicontain::plan::Tolerate::Nothing || executed, "step {index}");
                container.wait().expect("its end");
            }
            assert!(lab.names().expect("names").iter().all(|(name, _)| name != "web"), "step {index}");
        }
        lab.remove().expect("removed");
    });
}

#[test]
fn what_a_killed_creator_left_is_swept() {
    on_a_host("a network", || {
        let name = unique("k");
        let links = || Netlink::here().and_then(|netlink| netlink.links()).expect("links").len();
        // At moments from before the first step to when all is there.
        for moment in (0..40).step_by(2).chain([100]) {
            // SAFETY: the copy makes a network, and a container on it, and is killed.
            let child = unsafe {
                namespace::clone(0, || {
                    let options = NetworkOptions { nat: true, forward: true, ..subnet("10.16.8.0/24") };
                    let made = Network::create(&name, &options);
                    let mut command = Command::new("sleep");
                    command.arg("60").hostname("web").network(Attachment::to(&name));
                    let container = command.publish("8080:80".parse().expect("a port")).spawn();
                    std::thread::sleep(Duration::from_secs(60));
                    i32::from(made.is_ok() && container.is_ok())
                })
            }
            .expect("a copy");
            std::thread::sleep(Duration::from_millis(moment));
            child.send_signal(libc::SIGKILL).and_then(|()| child.wait()).expect("its end");
            let until = std::time::Instant::now() + Duration::from_secs(5);
            while (Network::open(&name).is_ok() || links() > 1) && std::time::Instant::now() < until {
                std::thread::sleep(Duration::from_millis(20));
                Network::list().expect("a list");
            }
            assert_eq!((code(Network::open(&name)), links()), (Code::NetworkNotFound, 1), "{moment} ms");
            let rules = std::process::Command::new("nft").args(["list", "ruleset"]).output().expect("nft");
            assert_eq!(String::from_utf8_lossy(&rules.stdout), "", "{moment} ms");
        }
    });
}

#[test]
fn who_is_forked_meanwhile_does_not_hold_a_network_up() {
    on_a_host("a network", || {
        let host = Namespace::current(Kind::Net).expect("the host");
        let make = || {
            for _ in 0..5 {
                let options = NetworkOptions { nat: true, forward: true, ..subnet("10.16.8.0/24") };
                lab("h", options).remove().expect("removed");
            }
        };
        // SAFETY: the copy waits to be killed, with all that the caller had open at that moment.
        let copy = || unsafe {
            namespace::clone(0, || {
                std::thread::sleep(Duration::from_secs(20));
                0
            })
        };
        std::thread::scope(|scope| {
            let maker = scope.spawn(|| host.call(make));
            let mut copies = Vec::new();
            while !maker.is_finished() && copies.len() < 100 {
                copies.push(copy().expect("a copy"));
                std::thread::sleep(Duration::from_millis(2));
            }
            maker.join().expect("a thread").expect("entered");
            for copy in copies {
                assert!(copy.try_wait().expect("asked").is_none(), "the maker waited for a copy's end");
                copy.send_signal(libc::SIGKILL).and_then(|()| copy.wait()).expect("its end");
            }
        });
    });
}
