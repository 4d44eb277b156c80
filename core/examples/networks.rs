//! What `benches/networks.py` measures of networks, by its first argument. In a network namespace of its own, as root.
//!
//! A line of standard input asks for a measurement, and is answered with a line of JSON; times are in nanoseconds.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command as Program, Stdio as ProgramStdio};
use std::time::{Duration, Instant};

use minicontain::namespace::{Kind, Namespace};
use minicontain::network::{Link, LinkKind, Netlink, Network, NetworkOptions};
use minicontain::plan::Plan;
use minicontain::spec::{Attachment, Stdio};
use minicontain::{Command, Container, Error, Spec};
use serde_json::{Value, json};

/// A part of a cycle for which nobody has to wait.
const GONE: &str = "gone after";
/// The network that containers are on.
const LAB: &str = "lab";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (mode, rest) = args.split_first().expect("runs, cycles, iperf3 or many");
    match mode.as_str() {
        "runs" => runs(rest),
        "cycles" => cycles(rest),
        "iperf3" => iperf3(),
        "many" => many(),
        _ => panic!("no {mode}: runs, cycles, iperf3 or many"),
    }
}

/// Answers each line with what a function makes of its words.
fn answer(mut function: impl FnMut(&[&str]) -> Value) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        println!("{}", function(&words));
        let _ = std::io::stdout().flush();
    }
}

fn number<T: std::str::FromStr>(word: &str) -> T {
    word.parse().unwrap_or_else(|_| panic!("{word} is no number"))
}

fn ns(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// A network with the names and rules that one has by default.
fn network(name: &str) -> Network {
    Network::create(name, &NetworkOptions::default()).expect("a network")
}

/// `runs SPEC…`: a line is `MILLISECONDS PLACE…`, how long to rest before each run, and which specs to run, from 0. One
/// with an open standard input is told to end by closing that, and what its end takes is timed, too.
fn runs(specs: &[String]) {
    let network = network(LAB);
    let specs: Vec<Spec> = specs.iter().map(|json| Spec::from_json(json).expect("a spec")).collect();
    answer(|words| {
        let rest = Duration::from_millis(number(words[0]));
        let places = words[1..].iter().map(|place| number::<usize>(place));
        places
            .map(|place| {
                std::thread::sleep(rest);
                once(&specs[place])
            })
            .collect()
    });
    network.remove().expect("a network without containers");
}

fn once(spec: &Spec) -> Value {
    let spec = spec.clone();
    let began = Instant::now();
    let plan = Plan::new(spec).expect("a plan");
    let planned = began.elapsed();
    let mut container = Container::start(plan).expect("a start");
    let started = began.elapsed();
    let told = container.stdin.take().map(|stdin| {
        // It has not begun to read yet.
        std::thread::sleep(Duration::from_millis(2));
        let told = Instant::now();
        drop(stdin);
        told
    });
    let outcome = container.wait().expect("an end");
    let (all, end) = (began.elapsed(), told.map(|told| ns(told.elapsed())));
    assert_eq!(outcome.returncode(), 0);
    let entries = container.trace().entries();
    let steps: Vec<_> =
        entries.iter().map(|entry| (entry.side, &entry.what, entry.syscall, entry.ns)).collect();
    json!({"plan": ns(planned), "start": ns(started), "all": ns(all), "end": end, "steps": steps})
}

/// `cycles BRIDGE PLUGINS CONFIG`: a line is `delete`, `leave` or `cni`. A network namespace is made, linked to the bridge, and
/// the link is deleted; or left to the kernel, which removes it with the namespace, as it does with a container's. The
/// answer is what each part took. `PLUGINS` is the directory of CNI plugins, `CONFIG` what the bridge plugin reads.
fn cycles(args: &[String]) {
    let [bridge, plugins, config] = args else { panic!("cycles BRIDGE PLUGINS CONFIG") };
    let here = Netlink::here().expect("a socket");
    let bridge = here.link(bridge).expect("the bridge");
    let mut count = 0;
    answer(|words| {
        count += 1;
        match words[0] {
            "delete" => ours(&here, &bridge, true).expect("a cycle"),
            "leave" => ours(&here, &bridge, false).expect("a cycle"),
            "cni" => cni(plugins, config, count),
            other => panic!("no {other}: delete, leave or cni"),
        }
    });
}

fn ours(here: &Netlink, bridge: &Link, delete: bool) -> Result<Value, Error> {
    let mut parts = Parts::begin();
    let namespace = Namespace::create(Kind::Net)?;
    parts.end("namespace");
    let there = Netlink::of(&namespace)?;
    parts.end("socket there");
    let kind = LinkKind::Veth { peer: "eth0".into(), peer_namespace: Some(namespace.clone()) };
    let veth = here.create("bench0", &kind)?;
    parts.end("veth");
    veth.set_master(Some(bridge))?;
    veth.up()?;
    parts.end("on the bridge, up");
    let eth0 = there.link("eth0")?;
    eth0.add_address(&"10.16.8.2/24".parse()?)?;
    eth0.up()?;
    parts.end("address, up");
    if delete {
        veth.delete()?;
        parts.end("delete");
    }
    drop((eth0, there, kind, namespace));
    parts.end("leave the namespace");
    if !delete {
        while here.link("bench0").is_ok() {
            std::thread::sleep(Duration::from_micros(200));
        }
        parts.end(GONE);
    }
    Ok(parts.told())
}

fn cni(plugins: &str, config: &str, count: usize) -> Value {
    let mut parts = Parts::begin();
    let namespace = Namespace::create(Kind::Net).expect("a namespace");
    parts.end("namespace");
    for command in ["ADD", "DEL"] {
        plugin(plugins, config, command, &namespace, count);
        parts.end(command);
    }
    drop(namespace);
    parts.end("leave the namespace");
    parts.told()
}

fn plugin(plugins: &str, config: &str, command: &str, namespace: &Namespace, count: usize) {
    let mut plugin = Program::new(format!("{plugins}/bridge"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("CNI_COMMAND", command)
        .env("CNI_CONTAINERID", format!("bench{count}"))
        .env("CNI_NETNS", namespace.path())
        .env("CNI_IFNAME", "eth0")
        .env("CNI_PATH", plugins)
        .stdin(ProgramStdio::piped())
        .stdout(ProgramStdio::piped())
        .spawn()
        .expect("the bridge plugin");
    plugin.stdin.take().expect("a pipe").write_all(config.as_bytes()).expect("a reader");
    let output = plugin.wait_with_output().expect("an end");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stdout));
}

/// What the parts of something took.
struct Parts {
    began: Instant,
    parts: Vec<(String, u64)>,
}

impl Parts {
    fn begin() -> Self {
        Self { began: Instant::now(), parts: Vec::new() }
    }

    fn end(&mut self, part: impl Display) {
        let before: u64 = self.parts.iter().map(|(_, ns)| ns).sum();
        self.parts.push((part.to_string(), ns(self.began.elapsed()) - before));
    }

    fn told(self) -> Value {
        json!(self.parts)
    }
}

/// `iperf3`: a line is the seconds that a container sends to another one; the answer is bits per second.
fn iperf3() {
    let network = network(LAB);
    let mut server = Command::new("iperf3");
    server.args(["--server", "--forceflush"]).hostname("server");
    server.network(Attachment::to(LAB)).stdout(Stdio::Pipe);
    let mut server = server.spawn().expect("a server");
    let said = std::fs::File::from(server.stdout.take().expect("a pipe"));
    let mut lines = BufReader::new(said).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("listening"))), "no server");
    // It goes on talking.
    std::thread::spawn(move || lines.for_each(drop));
    answer(|words| {
        let mut client = Command::new("iperf3");
        client.args(["--json", "--time", words[0], "--client", "server"]).network(Attachment::to(LAB));
        let run = client.output().expect("a client");
        let text = String::from_utf8_lossy(&run.stdout);
        let told: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        told["end"]["sum_received"]["bits_per_second"].clone()
    });
    drop(server.kill());
    drop(server);
    network.remove().expect("a network without containers");
}

/// `many`: a line is `COUNT SPEC`. So many containers live at a time, on a network of their own; the answer is what each start
/// took, then the end of all, and the removal of the network.
fn many() {
    answer(|words| {
        let network = network(LAB);
        let spec = Spec::from_json(words[1]).expect("a spec");
        let mut starts = Vec::new();
        let start = || Container::start(Plan::new(spec.clone()).expect("a plan")).expect("a start");
        let running: Vec<Container> = (0..number(words[0]))
            .map(|_| {
                let began = Instant::now();
                let container = start();
                starts.push(ns(began.elapsed()));
                container
            })
            .collect();
        let began = Instant::now();
        for container in &running {
            container.kill().expect("a kill");
        }
        for container in &running {
            container.wait().expect("an end");
        }
        let ended = ns(began.elapsed());
        drop(running);
        let began = Instant::now();
        network.remove().expect("a network without containers");
        json!({"starts": starts, "end": ended, "remove": ns(began.elapsed())})
    });
}
