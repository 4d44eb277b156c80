//! Namespaces as objects: looking, making, naming, going in and coming back, and copies that begin in new ones.

mod common;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;

use minicontain::Code;
use minicontain::namespace::{self, Kind, Namespace, Namespaces};

#[test]
fn ids_are_those_of_proc() {
    let link = |kind: Kind| fs::read_link(format!("/proc/self/ns/{kind}")).expect("a namespace");
    for kind in Kind::ALL {
        let own = Namespace::current(kind).expect("own");
        assert_eq!(own.to_string(), link(kind).to_string_lossy());
        assert_eq!(own, Namespace::open(format!("/proc/self/ns/{kind}").as_ref()).expect("by path"));
        assert!(own.is_current() && own.kind() == kind);
    }
}

#[test]
fn kinds_are_read_by_their_names() {
    for kind in Kind::ALL {
        assert_eq!(kind.name().parse::<Kind>().expect("a kind"), kind);
    }
    assert_eq!("network".parse::<Kind>().expect("a kind"), Kind::Net);
    assert_eq!("nothing".parse::<Kind>().expect_err("no kind").code(), Code::InvalidSpec);
}

#[test]
fn what_is_no_namespace_is_said_so() {
    let code = |path: &str| Namespace::open(path.as_ref()).expect_err("none").code();
    assert_eq!(code("/dev/null"), Code::NamespaceNotFound);
    assert_eq!(code("/proc/self/ns/nothing"), Code::NamespaceNotFound);
    assert_eq!(Namespaces::of(i32::MAX).expect_err("nobody").code(), Code::NamespaceNotFound);
}

#[test]
fn a_child_shares_what_it_was_not_given() {
    let mut child = Command::new("sleep").arg("30").spawn().expect("sleep");
    let own = Namespaces::current().expect("own");
    let theirs = Namespaces::of(child.id() as i32).expect("theirs");
    assert_eq!(own.shared_with(&theirs), own.kinds());
    child.kill().and_then(|()| child.wait()).expect("killed");
}

#[test]
fn a_user_namespace_knows_its_parent_and_its_maker() {
    let user = Namespace::create(Kind::User).expect("a user namespace");
    let own = Namespace::current(Kind::User).expect("own");
    assert_eq!(user.parent().expect("a parent"), Some(own.clone()));
    assert_eq!(user.owner_uid().expect("a user"), nix::unistd::geteuid().as_raw());
    let net = Namespace::create_in(Kind::Net, &user).expect("a network namespace");
    assert_eq!(net.owner().expect("an owner"), Some(user.clone()));
    let nested = Namespace::create_in(Kind::User, &user).expect("nested");
    assert_eq!(nested.parent().expect("a parent"), Some(user));
    assert_eq!(net.parent().expect_err("no tree").code(), Code::NotSupported);
}

#[test]
fn an_ordinary_user_is_told_who_can_own_one() {
    if common::root() {
        return common::skip("being refused a namespace", "root may");
    }
    let error = Namespace::create(Kind::Net).expect_err("refused");
    assert!(
        error.code() == Code::PermissionDenied && error.hint().contains("user namespace first"),
        "{error}"
    );
}

#[test]
fn every_kind_but_pid_lives_without_a_process() {
    let user = Namespace::create(Kind::User).expect("a user namespace");
    for kind in Kind::ALL {
        let made = Namespace::create_in(kind, &user);
        if kind == Kind::Pid {
            let error = made.expect_err("a PID namespace without a process");
            assert!(error.code() == Code::NotSupported && error.hint().contains("first process"));
            continue;
        }
        let made = made.expect("a namespace");
        assert!(made.kind() == kind && !made.is_current());
    }
}

#[test]
fn making_and_failing_leaves_no_descriptor() {
    let count = || fs::read_dir("/proc/self/fd").expect("fds").count();
    let user = Namespace::create(Kind::User).expect("a user namespace");
    // Other tests run beside this one: the count settles where nothing leaks.
    let before = count();
    for _ in 0..200 {
        drop(Namespace::create_in(Kind::Net, &user).expect("a network namespace"));
        let wrong = Namespace::create_in(Kind::Uts, &Namespace::current(Kind::Uts).expect("own"));
        drop(wrong.expect_err("not a user namespace"));
    }
    assert!(count() < before + 100, "{} became {}", before, count());
}

#[test]
fn a_socket_made_inside_stays_inside() {
    let user = Namespace::create(Kind::User).expect("a user namespace");
    let net = Namespace::create_in(Kind::Net, &user).expect("a network namespace");
    let socket = net.socket(libc::AF_INET, libc::SOCK_STREAM, 0).expect("a socket");
    let listener = TcpListener::from(socket);
    // It has no address but those of that namespace, whose loopback is down.
    let error = TcpStream::connect("127.0.0.1:9").expect_err("nobody listens here");
    assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
    drop(listener);
}

#[test]
fn a_socket_is_made_in_network_namespaces_only() {
    let user = Namespace::create(Kind::User).expect("a user namespace");
    let error = user.socket(libc::AF_INET, libc::SOCK_STREAM, 0).expect_err("no sockets");
    assert!(
        error.code() == Code::InvalidSpec && error.to_string().starts_with("namespace: user:["),
        "{error}"
    );
}

#[test]
fn a_descriptor_is_duplicated_and_stays_its_owners() {
    let file = fs::File::open("/proc/self/ns/uts").expect("own");
    let same = Namespace::duplicate(file.as_fd()).expect("by descriptor");
    assert!(same.is_current() && same.as_fd().as_raw_fd() != file.as_raw_fd());
    let null = fs::File::open("/dev/null").expect("a file");
    assert_eq!(Namespace::duplicate(null.as_fd()).expect_err("none").code(), Code::NamespaceNotFound);
}

#[test]
fn a_user_namespace_cannot_be_entered_by_a_thread() {
    let user = Namespace::create(Kind::User).expect("a user namespace");
    let error = user.enter().expect_err("refused");
    assert!(error.code() == Code::NotSupported && error.hint().contains("new process"), "{error}");
    let error = user.call(|| ()).expect_err("refused");
    assert!(error.hint().contains("new process"), "{error}");
}

#[test]
fn a_copy_begins_in_new_namespaces() {
    let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    let flags = Kind::User.clone_flag() | Kind::Pid.clone_flag() | Kind::Uts.clone_flag();
    // SAFETY: the copy makes system calls and allocates, which libc makes safe.
    let child = unsafe {
        namespace::clone(flags, || {
            let mapped = namespace::map_root(uid, gid).is_ok();
            let root = nix::unistd::geteuid().is_root() && nix::unistd::sethostname("copy").is_ok();
            if mapped && root && std::process::id() == 1 { 42 } else { 1 }
        })
    }
    .expect("a copy");
    assert_eq!(child.wait().expect("its end").code(), Some(42));
    assert_eq!(child.wait().expect("its end, again").code(), Some(42));
    assert_eq!(child.send_signal(9).expect_err("ended").code(), Code::Ended);
}

#[test]
fn libc_knows_the_copys_thread() {
    // SAFETY: the copy asks libc for the clock of its thread, which libc makes of the thread's id, and reads it.
    let child = unsafe {
        namespace::clone(Kind::User.clone_flag() | Kind::Pid.clone_flag(), || {
            let (mut clock, mut time) = (0, std::mem::zeroed());
            let found = libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock);
            if found == 0 { libc::clock_gettime(clock, &raw mut time) & 0xff } else { found }
        })
    }
    .expect("a copy");
    assert_eq!(child.wait().expect("its end").code(), Some(0));
}

#[test]
fn a_copy_can_be_killed_and_looked_at() {
    // SAFETY: the copy only sleeps.
    let child = unsafe {
        namespace::clone(Kind::User.clone_flag(), || {
            std::thread::sleep(std::time::Duration::from_secs(60));
            0
        })
    }
    .expect("a copy");
    let own = Namespaces::current().expect("own");
    let theirs = Namespaces::of(child.pid()).expect("theirs");
    assert!(!own.shared_with(&theirs).contains(&Kind::User) && own.shared_with(&theirs).contains(&Kind::Net));
    assert!(child.try_wait().expect("alive").is_none());
    assert!(child.wait_timeout(std::time::Duration::from_millis(20)).expect("alive").is_none());
    child.send_signal(libc::SIGKILL).expect("killed");
    let status = child.wait().expect("its end");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
}

#[test]
fn other_flags_are_named() {
    // SAFETY: refused before anything is copied.
    let error = unsafe { namespace::clone(libc::CLONE_VM as u64, || 0) }.expect_err("no flag of a namespace");
    assert!(error.code() == Code::InvalidSpec && error.to_string().starts_with("flags: 0x100"), "{error}");
}

#[test]
fn as_root_a_thread_goes_in_and_comes_back() {
    if !common::needs_root("entering a namespace of one's own user namespace") {
        return;
    }
    for kind in [Kind::Net, Kind::Uts, Kind::Ipc, Kind::Cgroup] {
        let before = Namespace::current(kind).expect("own");
        let other = Namespace::create(kind).expect("a namespace");
        let inside = other.enter().expect("inside");
        assert!(other.is_current());
        // Other threads are where they were.
        let elsewhere = std::thread::spawn(move || Namespace::of(std::process::id() as i32, kind));
        assert_eq!(elsewhere.join().expect("a thread").expect("own"), before);
        inside.leave().expect("back");
        assert!(before.is_current());
        drop(other.enter().expect("inside"));
        assert!(before.is_current());
        assert!(other.call(|| other.is_current()).expect("called"));
    }
}

#[test]
fn as_root_going_in_and_out_leaves_no_descriptor() {
    if !common::needs_root("entering a namespace of one's own user namespace") {
        return;
    }
    let count = || fs::read_dir("/proc/self/fd").expect("fds").count();
    let net = Namespace::create(Kind::Net).expect("a network namespace");
    // Other tests run beside this one: the count settles where nothing leaks.
    let before = count();
    for _ in 0..200 {
        net.enter().and_then(namespace::Inside::leave).expect("in and out");
        drop(net.enter().expect("inside"));
    }
    assert!(count() < before + 100, "{} became {}", before, count());
}

#[test]
fn as_root_a_thread_can_stay_inside() {
    if !common::needs_root("entering a namespace of one's own user namespace") {
        return;
    }
    let uts = Namespace::create(Kind::Uts).expect("a namespace");
    let stayed = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            uts.enter().expect("inside").stay();
            uts.is_current()
        });
        thread.join().expect("a thread")
    });
    assert!(stayed && !uts.is_current());
}

#[test]
fn as_root_pid_namespaces_are_left_in_turn() {
    if !common::needs_root("entering a PID namespace") {
        return;
    }
    let make = || {
        // SAFETY: the copy only sleeps.
        unsafe {
            namespace::clone(Kind::Pid.clone_flag(), || {
                std::thread::sleep(std::time::Duration::from_secs(60));
                0
            })
        }
        .expect("a copy")
    };
    let [one, other] = [make(), make()];
    let [first, second] = [&one, &other].map(|child| Namespace::of(child.pid(), Kind::Pid).expect("theirs"));
    let children_begin_in = || {
        let link = fs::read_link("/proc/thread-self/ns/pid_for_children").expect("a namespace");
        link.to_string_lossy().into_owned()
    };
    let outside = children_begin_in();
    let inside = first.enter().expect("inside");
    second.enter().and_then(namespace::Inside::leave).expect("in and out");
    assert_eq!(children_begin_in(), first.to_string());
    inside.leave().expect("back");
    assert_eq!(children_begin_in(), outside);
    for child in [one, other] {
        child.send_signal(libc::SIGKILL).and_then(|()| child.wait()).expect("its end");
    }
}

#[test]
fn as_root_a_mount_namespace_needs_a_thread_of_its_own() {
    if !common::needs_root("a mount namespace") {
        return;
    }
    let mounts = Namespace::create(Kind::Mnt).expect("a mount namespace");
    let error = mounts.enter().expect_err("threads share their root");
    assert!(error.hint().contains("use call"), "{error}");
    assert!(mounts.call(|| mounts.is_current()).expect("called"));
    // A thread that shares it no more comes back to where it was.
    std::thread::spawn(move || {
        namespace::unshare(libc::CLONE_FS as u64).expect("unshared");
        std::env::set_current_dir("/usr").expect("a directory");
        let inside = mounts.enter().expect("inside");
        inside.leave().expect("back");
        assert_eq!(std::env::current_dir().expect("a directory"), std::path::Path::new("/usr"));
    })
    .join()
    .expect("a thread");
}

#[test]
fn as_root_a_name_keeps_one_and_ip_shows_it() {
    if !common::needs_root("naming a namespace") {
        return;
    }
    let name = format!("mctest{}", std::process::id());
    for kind in [Kind::Net, Kind::Uts, Kind::Mnt, Kind::User, Kind::Time, Kind::Ipc, Kind::Cgroup] {
        let made = Namespace::create_named(kind, &name);
        if kind == Kind::Mnt && made.as_ref().is_err_and(|error| error.hint().contains("older")) {
            common::skip("naming a mount namespace", "the kernel takes the new one for older than this one");
            continue;
        }
        let id = made.expect("a name").id();
        let error = Namespace::create_named(kind, &name).expect_err("taken");
        assert_eq!(error.code(), Code::NameTaken);
        let opened = Namespace::open_named(kind, &name).expect("by name");
        assert_eq!((opened.id(), opened.name()), (id, Some(name.as_str())));
        assert!(namespace::named(kind).expect("a list").contains(&opened));
        if kind == Kind::Net {
            let shown = Command::new("ip").args(["netns", "list"]).output().expect("ip");
            let says = |text: &[u8]| String::from_utf8_lossy(text).contains(&name);
            assert!(says(&shown.stdout) && !says(&shown.stderr));
        }
        opened.remove().expect("removed");
        assert_eq!(opened.remove().expect_err("gone").code(), Code::NamespaceNotFound);
        assert!(!namespace::named(kind).expect("a list").contains(&opened));
        // Where nobody else has a name of the kind, there is nothing of it.
        let directory = format!("/run/minicontain/namespaces/{kind}");
        assert!(
            !std::path::Path::new(&directory).exists() || !namespace::named(kind).expect("a list").is_empty()
        );
    }
}

#[test]
fn as_root_what_ip_made_is_used_here() {
    if !common::needs_root("naming a namespace") {
        return;
    }
    let name = format!("mctestip{}", std::process::id());
    let ip = |verb: &str| Command::new("ip").args(["netns", verb, &name]).status().expect("ip").success();
    assert!(ip("add"));
    let net = Namespace::open_named(Kind::Net, &name).expect("by name");
    assert!(net.call(|| net.is_current()).expect("called"));
    let program = minicontain::Command::new("readlink")
        .arg("/proc/self/ns/net")
        .namespace(Kind::Net, minicontain::spec::NamespaceSource::Path(format!("/run/netns/{name}")))
        .output()
        .expect("a container");
    assert_eq!(String::from_utf8_lossy(&program.stdout).trim(), net.to_string());
    net.remove().expect("removed");
    assert!(!ip("delete"));
}

#[test]
fn as_root_bad_names_are_refused_before_anything_is_made() {
    if !common::needs_root("naming a namespace") {
        return;
    }
    for name in ["", "a/b", "..", "."] {
        let error = Namespace::create_named(Kind::Uts, name).expect_err("no name");
        assert_eq!(error.code(), Code::InvalidSpec, "{name}");
    }
}

#[test]
fn as_root_a_pidfd_stands_for_several_at_once() {
    if !common::needs_root("setns with a pidfd") {
        return;
    }
    let flags = Kind::Uts.clone_flag() | Kind::Net.clone_flag();
    // SAFETY: the copy only sleeps.
    let child = unsafe {
        namespace::clone(flags, || {
            std::thread::sleep(std::time::Duration::from_secs(60));
            0
        })
    }
    .expect("a copy");
    let pid = child.pid();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            namespace::setns(child.as_fd(), flags).expect("joined");
            for kind in [Kind::Uts, Kind::Net] {
                assert!(Namespace::of(pid, kind).expect("theirs").is_current());
            }
        });
    });
    child.send_signal(libc::SIGKILL).and_then(|()| child.wait()).expect("its end");
}

#[test]
fn a_visitor_does_not_show_the_callers_memory() {
    if !common::needs_root("a_visitor_does_not_show_the_callers_memory") {
        return;
    }
    let secret = String::from("known to the caller alone");
    // Reads the caller's memory through whatever process comes next, as its CAP_SYS_PTRACE would allow for those in its user
    // namespace.
    let script = format!(
        "import ctypes,os,time
class Vec(ctypes.Structure): _fields_=[('at',ctypes.c_void_p),('len',ctypes.c_size_t)]
room=ctypes.create_string_buffer({length})
own,other=Vec(ctypes.addressof(room),{length}),Vec({address},{length})
read=ctypes.CDLL(None).process_vm_readv
seen=os.open('/proc/loadavg',os.O_RDONLY)
end=time.monotonic()+3
print('ready',flush=True)
while time.monotonic()<end:
    last=int(os.pread(seen,99,0).split()[-1])
    for pid in (last,last+1)*100:
        if pid!=os.getpid() and read(pid,ctypes.byref(own),1,ctypes.byref(other),1,0)>0 and b'caller' in room.raw:
            raise SystemExit('read: '+room.raw.decode())
",
        length = secret.len(),
        address = secret.as_ptr().addr(),
    );
    let mut command = minicontain::Command::new("/usr/bin/python3");
    command
        .args(["-c", &script])
        .stdout(minicontain::spec::Stdio::Pipe)
        .stderr(minicontain::spec::Stdio::Pipe);
    command.spec().cap_add = vec!["SYS_PTRACE".into()];
    command.spec().namespaces.set(Kind::Pid, minicontain::spec::NamespaceSource::Host);
    let mut container = command.spawn().expect("a container");
    let user = Namespace::of(container.pid(), Kind::User).expect("its user namespace");
    let mut ready = [0; 6];
    let mut output = fs::File::from(container.stdout.take().expect("a pipe"));
    std::io::Read::read_exact(&mut output, &mut ready).expect("ready");
    let ended = loop {
        Namespace::create_in(Kind::Uts, &user).expect("a namespace");
        if let Some(ended) = container.wait_timeout(std::time::Duration::ZERO).expect("its end") {
            break ended;
        }
    };
    assert_eq!(ended.returncode(), 0, "it read the memory");
    assert_eq!(secret, "known to the caller alone");
}
