//! How long a cable between two new network namespaces takes: `cargo run --release --example links [COUNT]`, as root.
//! `benches/links.py` does the same with pyroute2.

use std::time::{Duration, Instant};

use minicontain::Error;
use minicontain::namespace::{Kind, Namespace};
use minicontain::network::{Link, LinkKind, Netlink};

fn main() -> Result<(), Error> {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(50);
    let mut times: [Vec<Duration>; 4] = Default::default();
    // What the kernel does to take a namespace down would be in the way of the next one.
    let mut kept = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        let (left, right) = (Namespace::create(Kind::Net)?, Namespace::create(Kind::Net)?);
        times[0].push(begin.elapsed());

        let begin = Instant::now();
        let (here, there) = (Netlink::of(&left)?, Netlink::of(&right)?);
        times[1].push(begin.elapsed());

        let begin = Instant::now();
        let kind = LinkKind::Veth { peer: "veth1".into(), peer_namespace: Some(right.clone()) };
        let veth0 = here.create("veth0", &kind)?;
        let veth1 = there.link("veth1")?;
        times[2].push(begin.elapsed());

        let begin = Instant::now();
        set_up(&veth0, "10.16.8.1/24")?;
        set_up(&veth1, "10.16.8.2/24")?;
        times[3].push(begin.elapsed());
        kept.push((veth0, left, right));
    }
    let mut sum = Duration::ZERO;
    for (name, times) in ["two namespaces", "two sockets", "veth", "addresses, up"].iter().zip(&mut times) {
        times.sort();
        let median = times[times.len() / 2];
        println!("{name:16} {:8.1} us", median.as_secs_f64() * 1e6);
        sum += median;
    }
    println!("{:16} {:8.1} us", "all", sum.as_secs_f64() * 1e6);
    Ok(())
}

fn set_up(link: &Link, address: &str) -> Result<(), Error> {
    link.add_address(&address.parse()?)?;
    link.up()
}
