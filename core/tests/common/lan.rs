//! What the tests of networks for containers share.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use minicontain::namespace::{Kind, Namespace};
use minicontain::network::{Netlink, Network, NetworkOptions};
use minicontain::spec::Attachment;
use minicontain::{Code, Command, Container, Error};

/// Runs a test as root in a network namespace that plays the host.
pub fn on_a_host(what: &str, test: impl FnOnce() + Send) {
    if !super::needs_root(what) {
        return;
    }
    let host = Namespace::create(Kind::Net).expect("a network namespace");
    let run = host.call(|| {
        let lo = Netlink::here().and_then(|netlink| netlink.link("lo")).expect("lo");
        lo.up().expect("up");
        test();
    });
    run.expect("entered");
}

/// Whether dig(1) is there; otherwise says that this test was skipped.
pub fn needs_dig(what: &str) -> bool {
    let is_there = std::path::Path::new("/usr/bin/dig").exists();
    if !is_there {
        super::skip(what, "needs dig, of bind9-dnsutils");
    }
    is_there
}

/// A name that no other test, and no other run, has.
pub fn unique(name: &str) -> String {
    format!("{name}{}", std::process::id())
}

/// Makes a network.
pub fn lab(name: &str, options: NetworkOptions) -> Network {
    Network::create(&unique(name), &options).unwrap_or_else(|error| panic!("{error}"))
}

/// Options with this subnet.
pub fn subnet(subnet: &str) -> NetworkOptions {
    NetworkOptions { subnet: Some(subnet.into()), ..NetworkOptions::default() }
}

/// Runs a script in a container on a network: its exit status, and what it said.
pub fn sh(network: &Network, script: &str) -> (i32, String) {
    let run = Command::new("sh")
        .args(["-c", script])
        .network(Attachment::to(network.name()))
        .timeout(Duration::from_secs(20))
        .output()
        .unwrap_or_else(|error| panic!("{error}"));
    let said = [run.stdout, run.stderr].concat();
    (run.outcome.returncode(), String::from_utf8_lossy(&said).trim().to_string())
}

/// A container that answers every connection with a line.
pub fn server(network: &Network, hostname: &str, set: impl FnOnce(&mut Command)) -> Container {
    let script = "import socket,sys
s=socket.create_server(('0.0.0.0',80))
print('ready',flush=True)
while True:
    c,a=s.accept(); c.sendall(b'hello '+a[0].encode()+b'\\n'); c.close()";
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", script]).hostname(hostname).network(Attachment::to(network.name()));
    command.stdout(minicontain::spec::Stdio::Pipe);
    set(&mut command);
    let mut container = command.spawn().unwrap_or_else(|error| panic!("{error}"));
    let mut ready = [0; 6];
    std::fs::File::from(container.stdout.take().expect("a pipe")).read_exact(&mut ready).expect("ready");
    container
}

/// What a server answers.
pub fn ask(address: &str) -> std::io::Result<String> {
    let address = address.parse().expect("an address");
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(3))?;
    stream.write_all(b"")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.trim().into())
}

/// The kind of an error.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.expect_err("an error").code()
}
