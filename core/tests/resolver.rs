//! The resolver of a network: containers ask their own init, and that asks a server, which is the test.

mod common;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::lan::{lab, needs_dig, on_a_host, server, sh, subnet};
use minicontain::network::{Network, NetworkOptions};
use minicontain::spec::{Attachment, Stdio};
use minicontain::{Command, Container, Error, Spec};

/// Runs a test on a host of its own.
fn with_dig(test: impl FnOnce() + Send) {
    if needs_dig("a resolver") {
        on_a_host("a resolver", test);
    }
}

/// Options of a network with a resolver that asks these servers.
fn with_resolver(dns: &[&str]) -> NetworkOptions {
    let dns = dns.iter().map(|text| text.parse::<IpAddr>().expect("an address")).collect();
    NetworkOptions { resolver: true, dns, ..subnet("10.16.8.0/24") }
}

/// A server on the host: what it does with each question, until there is none for a while.
fn serve(
    address: &str,
    answer: impl Fn(&UdpSocket, SocketAddr, Vec<u8>) + Send + 'static,
) -> mpsc::Receiver<Vec<u8>> {
    let socket = UdpSocket::bind(address).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let (asked, questions) = mpsc::channel();
    thread::spawn(move || {
        let mut room = [0; 4096];
        while let Ok((len, from)) = socket.recv_from(&mut room) {
            answer(&socket, from, room[..len].to_vec());
            if asked.send(room[..len].to_vec()).is_err() {
                break;
            }
        }
    });
    questions
}

/// An answer to a question without EDNS: an address, or a code.
fn reply(question: &[u8], address: Option<[u8; 4]>, code: u8) -> Vec<u8> {
    let mut bytes = question.to_vec();
    (bytes[2], bytes[3], bytes[7]) = (0x81, 0x80 | code, u8::from(address.is_some()));
    if let Some(address) = address {
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        bytes.extend(address);
    }
    bytes
}

/// What dig says in a container.
fn dig(network: &Network, words: &str) -> String {
    sh(network, &format!("dig +noedns +tries=1 +time=15 {words}")).1
}

#[test]
fn all_else_is_asked_of_the_networks_servers() {
    with_dig(|| {
        let lab = lab("ra", with_resolver(&["10.16.8.1"]));
        let questions = serve("10.16.8.1:53", |socket, from, question| {
            // Others than the server, and who does not know the number or the question, are not heard.
            let other = UdpSocket::bind("10.16.8.1:0").expect("a socket");
            let _ = other.send_to(&reply(&question, Some([6, 6, 6, 6]), 0), from);
            let mut wrong = reply(&question, Some([6, 6, 6, 7]), 0);
            wrong[0] ^= 1;
            let _ = socket.send_to(&wrong, from);
            wrong = reply(&question, Some([6, 6, 6, 8]), 0);
            wrong[13] ^= 1;
            let _ = socket.send_to(&wrong, from);
            let _ = socket.send_to(&question, from);
            let _ = socket.send_to(&reply(&question, Some([198, 51, 100, 7]), 0), from);
        });
        assert_eq!(dig(&lab, "+short example.org"), "198.51.100.7");
        let said = dig(&lab, "+qid=7 example.org");
        assert!(said.contains("id: 7") && said.contains("\t60\tIN\tA\t198.51.100.7"), "{said}");
        let (status, said) = sh(&lab, "getent ahostsv4 example.org");
        assert!(status == 0 && said.starts_with("198.51.100.7 "), "{said}");
        let all: Vec<Vec<u8>> = questions.try_iter().collect();
        // The same but for the number, which is another one.
        assert!(all.len() >= 3 && all[0][2..] == all[1][2..], "{all:?}");
        assert!(all[1][..2] != [0, 7] && all[0][..2] != all[1][..2], "{all:?}");
        // What is on the network is not asked outside.
        let name = format!("gateway.{}", lab.name());
        assert_eq!(dig(&lab, &format!("+short {name}")), "10.16.8.1");
        assert_eq!(questions.try_iter().count(), 0);
        lab.remove().expect("removed");
    });
}

#[test]
fn a_server_may_be_of_version_6() {
    with_dig(|| {
        let subnet6 = Some("fd00:16:8::/64".into());
        let lab = lab("ru", NetworkOptions { subnet6, ..with_resolver(&["fd00:16:8::1"]) });
        let _questions = serve("[::]:53", |socket, from, question| {
            let _ = socket.send_to(&reply(&question, Some([198, 51, 100, 7]), 0), from);
        });
        assert_eq!(dig(&lab, "+short example.org"), "198.51.100.7");
        lab.remove().expect("removed");
    });
}

#[test]
fn questions_leave_nothing_open() {
    with_dig(|| {
        let lab = lab("rv", with_resolver(&["10.16.8.1", "127.0.0.1"]));
        let _questions = serve("10.16.8.1:53", |socket, from, question| {
            let _ = socket.send_to(&reply(&question, Some([198, 51, 100, 7]), 0), from);
        });
        let (container, mut tell) = obeying(&lab, |_| {});
        let open = || {
            let all = std::fs::read_dir(format!("/proc/{}/fd", container.pid())).expect("of init");
            let mut all: Vec<String> = all
                .map(|entry| std::fs::read_link(entry.expect("an entry").path()).expect("a link"))
                .map(|path| path.to_string_lossy().split([':', '[']).next().unwrap_or_default().to_string())
                .collect();
            all.sort();
            all
        };
        let hosts = format!("/run/minicontain/networks/{}/hosts", lab.name());
        // From its first answer on, init has given up what the start needed.
        assert_eq!(tell("dig +noedns +short first.test"), "198.51.100.7");
        let before = open();
        assert_eq!(before, [&hosts, "anon_inode", "anon_inode", "socket"]);
        let said = tell("dig +noedns +short $(seq -f x%g.test 100) | sort | uniq -c");
        assert_eq!(said, "100 198.51.100.7");
        assert_eq!(open(), before);
        drop(tell);
        container.wait().expect("its end");
        lab.remove().expect("removed");
    });
}

#[test]
fn where_one_server_does_not_tell_the_next_is_asked() {
    with_dig(|| {
        // The first is not there, the second refuses.
        let lab = lab("rb", with_resolver(&["10.16.8.1", "127.0.0.1", "10.16.8.200"]));
        let script = "ip addr add 10.16.8.200/32 dev lo";
        assert!(std::process::Command::new("sh").args(["-c", script]).status().expect("sh").success());
        let refusing = serve("10.16.8.1:53", |socket, from, question| {
            let _ = socket.send_to(&reply(&question, None, 5), from);
        });
        let telling = serve("10.16.8.200:53", |socket, from, question| {
            let _ = socket.send_to(&reply(&question, Some([198, 51, 100, 7]), 0), from);
        });
        let began = Instant::now();
        // The one that told is asked first then.
        assert_eq!(dig(&lab, "+short a.test b.test"), "198.51.100.7\n198.51.100.7");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!((refusing.try_iter().count(), telling.try_iter().count()), (1, 2));
        lab.remove().expect("removed");
    });
}

#[test]
fn nobody_waits_for_ever() {
    with_dig(|| {
        let lab = lab("rc", with_resolver(&["10.16.8.1", "10.16.8.1"]));
        let silent = serve("10.16.8.1:53", |_, _, _| ());
        let began = Instant::now();
        let said = dig(&lab, "example.org");
        assert!(said.contains("SERVFAIL"), "{said}");
        assert!((5..9).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
        assert_eq!(silent.try_iter().count(), 2);
        lab.remove().expect("removed");
    });
}

#[test]
fn large_answers_say_that_they_are_cut() {
    with_dig(|| {
        let lab = lab("rd", with_resolver(&["10.16.8.1"]));
        let _questions = serve("10.16.8.1:53", |socket, from, question| {
            let mut bytes = reply(&question, None, 0);
            let large = question[12 + 1] == b'l';
            for n in 0..if large { 400u16 } else { 100 } {
                let [high, low] = n.to_be_bytes();
                bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 9, high, low]);
                [bytes[6], bytes[7]] = (n + 1).to_be_bytes();
            }
            // An OPT record is the last one of a question, and not where it would be here: it is left out.
            bytes[11] = 0;
            let _ = socket.send_to(&bytes, from);
        });
        let flags = |words: &str| {
            let said = dig(&lab, words);
            let line = said.lines().find(|line| line.contains("flags:")).unwrap_or_default();
            (line.contains(" tc "), line.contains("ANSWER: 100"), line.contains("ANSWER: 0"))
        };
        assert_eq!(flags("+ignore small.test"), (true, false, true));
        assert_eq!(flags("+ignore large.test"), (true, false, true));
        lab.remove().expect("removed");
    });
}

#[test]
fn a_name_that_nobody_can_be_asked_for_is_no_answer() {
    with_dig(|| {
        let lab = lab("re", with_resolver(&[]));
        let said = dig(&lab, "nobody");
        assert!(said.contains("SERVFAIL") && said.contains("ANSWER: 0"), "{said}");
        let (status, _) = sh(&lab, "getent hosts nobody");
        assert_eq!(status, 2);
        lab.remove().expect("removed");
    });
}

#[test]
fn every_network_of_a_container_has_its_names() {
    with_dig(|| {
        let [one, other] = [
            lab(
                "rf",
                NetworkOptions {
                    dns: vec!["10.16.8.1".parse().expect("an address")],
                    ..subnet("10.16.8.0/24")
                },
            ),
            lab("rg", NetworkOptions { resolver: true, ..subnet("10.16.9.0/24") }),
        ];
        let _questions = serve("10.16.8.1:53", |socket, from, question| {
            let _ = socket.send_to(&reply(&question, Some([198, 51, 100, 7]), 0), from);
        });
        let web = server(&one, "web", |_| {});
        let shop = server(&other, "shop", |_| {});
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "cat /etc/resolv.conf; dig +short web; dig +short shop; dig +noedns +short example.org",
        ]);
        command.network(Attachment::to(one.name())).network(Attachment::to(other.name()));
        let run = command.timeout(Duration::from_secs(20)).output().unwrap_or_else(|error| panic!("{error}"));
        let said = String::from_utf8_lossy(&run.stdout);
        assert_eq!(said, "nameserver 127.0.0.11\noptions ndots:0\n10.16.8.2\n10.16.9.2\n198.51.100.7\n");
        drop((web, shop));
        one.remove().and_then(|()| other.remove()).expect("removed");
    });
}

/// Starts a container on a network that does as it is told, line by line.
fn obeying(network: &Network, set: impl FnOnce(&mut Command)) -> (Container, impl FnMut(&str) -> String) {
    use std::io::{BufRead, BufReader, Write};
    let mut command = Command::new("sh");
    command.args(["-c", "while read -r line; do eval \"$line\" 2>&1; echo end; done"]);
    command.network(Attachment::to(network.name())).stdin(Stdio::Pipe).stdout(Stdio::Pipe);
    set(&mut command);
    let mut container = command.spawn().unwrap_or_else(|error| panic!("{error}"));
    let mut orders = std::fs::File::from(container.stdin.take().expect("a pipe"));
    let mut said = BufReader::new(std::fs::File::from(container.stdout.take().expect("a pipe")));
    let tell = move |line: &str| {
        orders.write_all(format!("{line}\n").as_bytes()).expect("written");
        let mut all = String::new();
        while !all.ends_with("end\n") && said.read_line(&mut all).expect("read") > 0 {}
        all.trim_end_matches("end\n").trim().to_string()
    };
    (container, tell)
}

#[test]
fn names_come_and_go_with_their_containers() {
    with_dig(|| {
        let options = NetworkOptions { subnet6: Some("fd00:16:8::/64".into()), ..with_resolver(&[]) };
        let lab = lab("rh", options);
        let (container, mut tell) = obeying(&lab, |_| {});
        assert!(tell("dig web").contains("SERVFAIL"));
        let web = server(&lab, "web", |command| command.spec().networks[0].aliases.push("www".into()));
        assert_eq!(tell("dig +short web WWW. web AAAA"), "10.16.8.3\n10.16.8.3\nfd00:16:8::3");
        assert_eq!(
            tell("dig +short -x 10.16.8.3 | head -1; dig +short -x fd00:16:8::3 | head -1"),
            "web.\nweb."
        );
        assert_eq!(
            tell("nslookup web | grep -A1 Name:"),
            "Name:\tweb\nAddress: 10.16.8.3\nName:\tweb\nAddress: fd00:16:8::3"
        );
        let mx = tell("dig web MX");
        assert!(mx.contains("NOERROR") && mx.contains("ANSWER: 0"), "{mx}");
        // By the C library, past /etc/hosts.
        assert!(tell("getent -s hosts:dns ahostsv4 web").starts_with("10.16.8.3 "));
        drop(web);
        assert!(tell("dig web").contains("SERVFAIL"));
        drop(tell);
        container.wait().expect("its end");
        lab.remove().expect("removed");
    });
}

#[test]
fn what_the_container_does_to_its_files_changes_no_answer() {
    with_dig(|| {
        let lab = lab("ri", with_resolver(&[]));
        let (container, mut tell) =
            obeying(&lab, |command| command.spec().cap_add = vec!["SYS_ADMIN".into()]);
        let gateway = format!("dig +time=3 +short @127.0.0.11 gateway.{}", lab.name());
        for attack in [
            "umount /etc/hosts; rm -f /etc/hosts; ln -s /proc/1/mem /etc/hosts",
            "rm -f /etc/hosts; mkfifo /etc/hosts",
            "rm -f /etc/hosts; truncate -s 1T /etc/hosts",
            "echo 6.6.6.6 gateway > /etc/hosts; mount --bind /etc/passwd /etc/hosts",
        ] {
            tell(attack);
            assert_eq!(tell(&gateway), "10.16.8.1", "{attack}");
        }
        drop(tell);
        container.wait().expect("its end");
        lab.remove().expect("removed");
    });
}

#[test]
fn a_flood_keeps_init_from_nothing() {
    with_dig(|| {
        let lab = lab("rj", with_resolver(&["10.16.8.1"]));
        let silent = serve("10.16.8.1:53", |_, _, _| ());
        // Questions, more than wait at a time, and what is none; the program ends while the flood goes on.
        let flood = "import os, random, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(400):
    s.sendto(struct.pack('>6H', n, 256, 1, 0, 0, 0) + b'\\1x\\0\\0\\1\\0\\1', ('127.0.0.11', 53))
for n in range(4):
    if os.fork() == 0:
        while True:
            s.sendto(random.randbytes(random.randrange(1500)), ('127.0.0.11', 53))
import time; time.sleep(0.5)
print(open('/proc/1/status').read().split('VmRSS:')[1].split()[0], flush=True)
os._exit(7)";
        let mut command = Command::new("/usr/bin/python3");
        command.args(["-c", flood]).network(Attachment::to(lab.name())).timeout(Duration::from_secs(20));
        let run = command.output().unwrap_or_else(|error| panic!("{error}"));
        let said = String::from_utf8_lossy(&run.stdout).trim().to_string();
        assert_eq!(run.outcome.returncode(), 7, "{said}");
        assert!(said.parse::<u64>().is_ok_and(|kib| kib < 200), "{said}");
        assert!(silent.try_iter().count() <= 64);
        lab.remove().expect("removed");
    });
}

#[test]
fn what_it_needs_is_said_by_name() {
    with_dig(|| {
        let lab = lab("rk", with_resolver(&[]));
        let field = |set: &dyn Fn(&mut Command)| {
            let mut command = Command::new("true");
            command.network(Attachment::to(lab.name()));
            set(&mut command);
            let Err(Error::Spec(faults)) = command.plan() else { panic!("a fault") };
            assert!(faults[0].fix.contains("without resolver") && faults[0].problem.contains(lab.name()));
            faults[0].field.clone()
        };
        assert_eq!(field(&|command| command.spec().init = false), "init");
        assert_eq!(field(&|command| command.spec().loopback = false), "loopback");
        assert_eq!(
            field(&|command| command.spec().namespaces.pid = minicontain::spec::NamespaceSource::Host),
            "namespaces"
        );
        for own in ["127.0.0.11", "::ffff:127.0.0.11"] {
            let Err(Error::Spec(faults)) = Network::create("x", &with_resolver(&[own])) else {
                panic!("a fault")
            };
            assert_eq!(faults[0].field, "dns");
        }
        lab.remove().expect("removed");
    });
}

#[test]
fn the_port_is_taken_and_the_trace_says_by_what() {
    with_dig(|| {
        let lab = lab("rl", with_resolver(&[]));
        let bind = |address: &str| {
            let script = format!("import socket; socket.socket(2, 2).bind(('{address}', 53))");
            sh(&lab, &format!("/usr/bin/python3 -c \"{script}\"")).1
        };
        assert!(bind("0.0.0.0").contains("Address already in use"));
        assert_eq!((bind("127.0.0.1"), bind("10.16.8.4")), (String::new(), String::new()));
        let mut command = Command::new("true");
        command.network(Attachment::to(lab.name()));
        let plan = command.plan().expect("a plan");
        let text = plan.explain();
        assert!(text.contains("bind") && text.contains("inet_addr(\"127.0.0.11\")"), "{text}");
        assert!(plan.to_shell().contains("# minicontain's init would answer at 127.0.0.11:53"));
        lab.remove().expect("removed");
    });
}

#[test]
fn a_detached_container_goes_on_answering() {
    with_dig(|| {
        let lab = lab("rm", with_resolver(&[]));
        let name = common::lan::unique("rm-box");
        let mut command = Command::new("sleep");
        command.arg("60").network(Attachment::to(lab.name())).name(&name).detach(true);
        drop(command.spawn().unwrap_or_else(|error| panic!("{error}")));
        let container = Container::attach(&name).expect("it is there");
        let mut spec = Spec::new(["dig", "+short", &name]);
        spec.stdout = Stdio::Pipe;
        let mut dig = container.exec(spec).unwrap_or_else(|error| panic!("{error}"));
        let said =
            std::io::read_to_string(std::fs::File::from(dig.stdout.take().expect("a pipe"))).expect("read");
        dig.wait().expect("its end");
        assert_eq!(said, "10.16.8.2\n");
        container.kill().and_then(|()| container.wait()).expect("its end");
        Container::remove(&name).expect("forgotten");
        lab.remove().expect("removed");
    });
}
