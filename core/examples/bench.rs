//! The benchmark's Rust program: the same work as `benches/floor.c`, through the Rust face.
//!
//! The contract (flags, output) is written down in `benches/ours.py`; for `benches/limits.py` it knows another, `turns`.

use std::io::{BufRead, Write};
use std::sync::{Arc, Barrier};
use std::time::Instant;

use minicontain::plan::Plan;
use minicontain::spec::NamespaceSource::Host;
use minicontain::{Container, Spec};

#[derive(Default)]
struct Options {
    net: bool,
    user: bool,
    defaults: bool,
    init: bool,
    no_init: bool,
    exec: bool,
    planned: bool,
    rss: usize,
    threads: Option<usize>,
    repeat: bool,
    turns: bool,
    stats: bool,
    rest: Vec<String>,
}

fn options() -> Options {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        match arg.as_str() {
            "--net" => options.net = true,
            "--user" => options.user = true,
            "--defaults" => options.defaults = true,
            "--init" => options.init = true,
            "--no-init" => options.no_init = true,
            "--exec" => options.exec = true,
            "--planned" => options.planned = true,
            "--repeat" => options.repeat = true,
            "--turns" => options.turns = true,
            "--stats" => options.stats = true,
            "--rss" => options.rss = number(),
            "--threads" => options.threads = Some(number()),
            _ => options.rest.push(arg),
        }
    }
    options
}

/// The floor's work: everything that it does not do is switched off.
fn spec(options: &Options) -> Spec {
    let mut spec = Spec::new(["/bin/true"]);
    if options.defaults {
        spec.init = !options.no_init;
        return spec;
    }
    spec.rootfs = options.rest.first().cloned();
    if !options.net {
        spec.namespaces.net = Host;
    }
    if !options.user {
        spec.namespaces.user = Host;
    } else {
        let map = || "0:0:1".parse().expect("a map");
        (spec.uidmap, spec.gidmap) = (vec![map()], vec![map()]);
    }
    spec.namespaces.time = Host;
    spec.loopback = false;
    (spec.sys, spec.dev, spec.tmp) = (false, false, false);
    (spec.masked_paths, spec.readonly_paths) = (Some(Vec::new()), Some(Vec::new()));
    spec.cap_add = vec!["ALL".into()];
    spec.no_new_privileges = false;
    spec.new_keyring = false;
    spec.start_new_session = false;
    spec.init = options.init;
    spec
}

/// What a run is: a container of its own, or a program in one that runs.
enum Work {
    Run(Box<Spec>),
    /// The same by a plan that was made before.
    Execute(Arc<Plan>),
    Exec(Box<(Container, Spec)>),
}

impl Work {
    fn new(options: &Options) -> Self {
        let spec = spec(options);
        if options.planned {
            return Self::Execute(Arc::new(Plan::new(spec).expect("a plan")));
        }
        if !options.exec {
            return Self::Run(Box::new(spec));
        }
        let sleep = Spec { args: vec!["/bin/sleep".into(), "3600".into()], ..Spec::default() };
        let container = Container::start(Plan::new(sleep).expect("a plan")).expect("a start");
        let program = std::fs::read(format!("{}/bin/true", options.rest[0])).expect("the static program");
        container.put("/tmp/true", &program, 0o755).expect("put");
        Self::Exec(Box::new((container, Spec::new(["/tmp/true"]))))
    }

    fn start(&self) -> Container {
        match self {
            Self::Run(spec) => {
                Container::start(Plan::new(Spec::clone(spec)).expect("a plan")).expect("a start")
            }
            Self::Execute(plan) => Container::start(Arc::clone(plan)).expect("a start"),
            Self::Exec(running) => running.0.exec(running.1.clone()).expect("a start"),
        }
    }
}

fn once(work: &Work) -> u128 {
    let began = Instant::now();
    let container = work.start();
    let outcome = container.wait().expect("an end");
    assert_eq!(outcome.returncode(), 0);
    // A part of the run: whoever makes many of them drops each.
    drop(container);
    began.elapsed().as_nanos()
}

fn list(ns: &[u128]) -> String {
    ns.iter().map(u128::to_string).collect::<Vec<_>>().join(", ")
}

fn block(options: &Options, work: &Work, runs: usize) -> String {
    let Some(threads) = options.threads else {
        once(work);
        let ns: Vec<u128> = (0..runs).map(|_| once(work)).collect();
        return format!("[{}]", list(&ns));
    };
    let barrier = Barrier::new(threads);
    let done: Vec<(Instant, Instant, Vec<u128>)> = std::thread::scope(|scope| {
        let work = || {
            once(work);
            barrier.wait();
            let began = Instant::now();
            let ns = (0..runs).map(|_| once(work)).collect();
            (began, Instant::now(), ns)
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    let began = done.iter().map(|(began, ..)| *began).min().expect("threads");
    let ended = done.iter().map(|(_, ended, _)| *ended).max().expect("threads");
    let ns: Vec<u128> = done.into_iter().flat_map(|(.., ns)| ns).collect();
    format!(
        "{{\"ns\": [{}], \"per_second\": {}}}",
        list(&ns),
        ns.len() as f64 / (ended - began).as_secs_f64()
    )
}

/// The arguments are specs in JSON. Each line of standard input names some by their places, from 0, and is answered with
/// the nanoseconds that a run of each took; with `--stats`, one look at the statistics of the container that it made.
fn turns(options: &Options) {
    let specs = options.rest.iter().map(|json| Spec::from_json(json).expect("a spec"));
    let works: Vec<Work> = specs.map(|spec| Work::Run(Box::new(spec))).collect();
    let running: Vec<Container> =
        if options.stats { works.iter().map(Work::start).collect() } else { Vec::new() };
    let look = |container: &Container| {
        let began = Instant::now();
        container.stats().expect("statistics");
        began.elapsed().as_nanos()
    };
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let places = line.split_whitespace().map(|place| place.parse::<usize>().expect("a place"));
        let ns: Vec<u128> = places.map(|n| running.get(n).map_or_else(|| once(&works[n]), look)).collect();
        println!("[{}]", list(&ns));
    }
}

/// Resident memory in ordinary pages, as a large caller has it.
fn ballast(mib: usize) {
    if mib == 0 {
        return;
    }
    let size = mib << 20;
    // SAFETY: a fresh mapping, which stays until the process ends.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let place = libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        assert_ne!(place, libc::MAP_FAILED, "memory");
        libc::madvise(place, size, libc::MADV_NOHUGEPAGE);
        (0..size).step_by(4096).for_each(|at| place.cast::<u8>().add(at).write(1));
    }
}

fn main() {
    let options = options();
    if options.turns {
        turns(&options);
        return;
    }
    ballast(options.rss);
    let work = Work::new(&options);
    let runs = options.rest.get(1).and_then(|n| n.parse().ok()).expect("N");
    if !options.repeat {
        println!("{}", block(&options, &work, runs));
        return;
    }
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            break;
        }
        println!("{}", block(&options, &work, runs));
        let _ = std::io::stdout().flush();
    }
}
