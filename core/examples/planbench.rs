use std::time::Instant;
fn min<F: FnMut()>(mut f: F) -> u128 {
    (0..3000)
        .map(|_| {
            let t = Instant::now();
            f();
            t.elapsed().as_nanos()
        })
        .min()
        .unwrap()
}
fn main() {
    let d = minicontain::Spec::new(["/bin/true"]);
    let mut m = minicontain::Spec::from_json(r#"{"args":["/bin/true"],"rootfs":"/tmp/rt","sys":false,"dev":false,"tmp":false,"loopback":false,"masked_paths":[],"readonly_paths":[],"cap_add":["ALL"],"namespaces":{"user":"host","net":"host","time":"host"}}"#).unwrap();
    m.start_new_session = false;
    println!(
        "default plan {} ns, minimal plan {} ns",
        min(|| {
            minicontain::Plan::new(d.clone()).unwrap();
        }),
        min(|| {
            minicontain::Plan::new(m.clone()).unwrap();
        })
    );
    let p = minicontain::Plan::new(m.clone()).unwrap();
    println!("minimal steps {}", p.steps.len());
    print!("{}", p.explain());
    println!(
        "mini run {} ns",
        min(|| {
            minicontain::Container::start(minicontain::Plan::new(m.clone()).unwrap())
                .unwrap()
                .wait()
                .unwrap();
        })
    );
    println!(
        "default run {} ns",
        min(|| {
            minicontain::Container::start(minicontain::Plan::new(d.clone()).unwrap())
                .unwrap()
                .wait()
                .unwrap();
        })
    );
    let c = minicontain::Container::start(minicontain::Plan::new(d.clone()).unwrap()).unwrap();
    c.wait().unwrap();
    let mut best = vec![u64::MAX; 400];
    let mut names = vec![String::new(); 400];
    for _ in 0..500 {
        let c = minicontain::Container::start(minicontain::Plan::new(d.clone()).unwrap()).unwrap();
        c.wait().unwrap();
        for e in c.trace().entries() {
            if e.ns < best[e.index] {
                best[e.index] = e.ns;
                names[e.index] = format!("{} {}({:.80})", e.side, e.syscall, e.arguments);
            }
        }
    }
    let mut all: Vec<_> = best.into_iter().zip(names).filter(|(b, _)| *b != u64::MAX).collect();
    all.sort_by_key(|(b, _)| std::cmp::Reverse(*b));
    for (ns, name) in all.iter().take(32) {
        println!("{ns:>8} {name}");
    }
    println!(
        "sum caller {} container {}",
        all.iter()
            .filter(|(_, n)| n.starts_with("caller") && !n.contains("futex"))
            .map(|(b, _)| b)
            .sum::<u64>(),
        all.iter().filter(|(_, n)| n.starts_with("container")).map(|(b, _)| b).sum::<u64>()
    );
}
