//! The outside of an ordinary user's network: pasta(1), which passes packets on as connections of its own, and leads ports
//! of the host to containers.
//!
//! It runs as a container that shares all namespaces with the caller, since that ends with its owner, however that ends.

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::{Duration, Instant};

use super::record::Record;
use crate::container::Container;
use crate::error::{Code, Error};
use crate::namespace::{Kind, Namespace};
use crate::plan::Plan;
use crate::spec::{Namespaces, Protocol, Publish, Spec, Stdio};

/// How long pasta may take until packets pass.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running pasta(1). It ends with this.
#[derive(Debug)]
pub(super) struct Pasta {
    _process: Container,
}

impl Pasta {
    /// The way out of a network's own namespaces.
    pub(super) fn uplink(record: &Record, user: &Namespace, net: &Namespace) -> Result<Self, Error> {
        let ports = ["-t", "none", "-u", "none", "-T", "none", "-U", "none"];
        Self::start(
            record,
            "uplink",
            user,
            net,
            ["--config-net"].iter().chain(&ports).map(ToString::to_string),
        )
    }

    /// Ports of the host that lead to a container's.
    pub(super) fn ports(record: &Record, pid: i32, publish: &[Publish]) -> Result<Self, Error> {
        let (user, net) = (Namespace::of(pid, Kind::User)?, Namespace::of(pid, Kind::Net)?);
        let of = |protocol: Protocol| {
            let (listen, other) = if protocol == Protocol::Tcp { ("-t", "-T") } else { ("-u", "-U") };
            let ports = publish.iter().filter(move |port| port.protocol == protocol);
            let mut ports: Vec<String> =
                ports.flat_map(|port| [listen.into(), format!("{}:{}", port.host, port.container)]).collect();
            if ports.is_empty() {
                ports.extend([listen.into(), "none".into()]);
            }
            ports.extend([other.into(), "none".into()]);
            ports
        };
        // By default it would make an eth0, which the container has.
        let name = ["--ns-ifname", "pasta0"].map(String::from);
        let args = name.into_iter().chain(of(Protocol::Tcp)).chain(of(Protocol::Udp));
        Self::start(record, &format!("ports-{pid}"), &user, &net, args)
    }

    /// Runs it, and waits until it is ready.
    fn start(
        record: &Record,
        name: &str,
        user: &Namespace,
        net: &Namespace,
        args: impl IntoIterator<Item = String>,
    ) -> Result<Self, Error> {
        let ready = record.file(&format!("pasta-{name}.pid"))?;
        // It takes the namespaces by descriptors of its own: others' it cannot open once it is inside.
        let number = |namespace: &Namespace| format!("/proc/self/fd/{}", namespace.as_fd().as_raw_fd());
        let mut spec = Spec::new(["pasta", "--foreground", "--quiet", "--pid"]);
        spec.args.push(ready.to_string_lossy().into_owned());
        spec.args.extend(["--userns".into(), number(user), "--netns".into(), number(net)]);
        spec.args.extend(args);
        spec.env.insert("PATH".into(), Some(super::program::PATH.into()));
        spec.namespaces = Namespaces::of_caller();
        spec.pass_fds = vec![user.as_fd().as_raw_fd(), net.as_fd().as_raw_fd()];
        spec.stdin = Stdio::Null;
        spec.stdout = Stdio::Null;
        spec.stderr = Stdio::Pipe;
        let mut pasta = Container::start(Plan::new(spec)?).map_err(missing)?;
        let until = Instant::now() + PATIENCE;
        loop {
            if fs::metadata(&ready).is_ok_and(|meta| meta.len() > 0) {
                let _ = fs::remove_file(&ready);
                return Ok(Self { _process: pasta });
            }
            let ended = pasta.wait_timeout(Duration::from_millis(2))?.is_some();
            if ended || Instant::now() >= until {
                let _ = pasta.kill();
                let mut said = String::new();
                let _ = pasta.stderr.take().map(|pipe| fs::File::from(pipe).read_to_string(&mut said));
                return Err(refused(said.trim()));
            }
            thread::yield_now();
        }
    }
}

fn missing(error: Error) -> Error {
    if error.code() != Code::ProgramNotFound {
        return error;
    }
    let hint = "install it (apt install passt), or leave nat and publish out";
    Error::call(
        Code::NotSupported,
        "an ordinary user's network reaches the outside through pasta, which is not here",
        0,
        hint,
    )
}

fn refused(said: &str) -> Error {
    let hint = if said.contains("tun") {
        "pasta needs /dev/net/tun, which this user cannot open: see its mode (usually 0666)"
    } else {
        ""
    };
    Error::call(Code::NotSupported, format!("pasta failed: {said}"), 0, hint)
}
