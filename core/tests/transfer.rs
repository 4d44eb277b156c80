//! Files into a running container and out of it. (root and ordinary user; no cgroups)

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use minicontain::{Code, Container, Plan, Spec};
use serde_json::{Value, json};

/// A container that runs a script and then waits to be killed; it is there once the script is done.
fn start(script: &str, mut fields: Value) -> Container {
    fields["args"] = json!(["sh", "-c", format!("{script}; echo; exec sleep 600")]);
    fields["stdout"] = json!("pipe");
    let plan = Plan::new(Spec::from_value(fields).expect("a spec")).expect("a plan");
    let mut container = Container::start(plan).expect("a start");
    let mut said = fs::File::from(container.stdout.take().expect("a pipe"));
    std::io::Read::read_exact(&mut said, &mut [0]).expect("the script's end");
    container
}

fn inside(container: &Container, script: &str) -> String {
    let fields = json!({"args": ["sh", "-c", script], "stdout": "pipe"});
    let mut run = container.exec(Spec::from_value(fields).expect("a spec")).expect("a start");
    let said =
        std::io::read_to_string(fs::File::from(run.stdout.take().expect("a pipe"))).expect("its output");
    run.wait().expect("an end");
    said.trim().into()
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("minicontain-{name}-{}", std::process::id()));
    fs::create_dir_all(&path).expect("a directory");
    path
}

#[test]
fn a_file_goes_in_and_comes_out() {
    let container = start("true", json!({}));
    container.put("/tmp/in", b"data\0more", 0o640).expect("put");
    assert_eq!(inside(&container, "stat -c '%u %g %a %s' /tmp/in"), "0 0 640 9");
    inside(&container, "echo changed >> /tmp/in");
    assert_eq!(container.get("/tmp/in").expect("got"), b"data\0morechanged\n");
    container.put("/etc/new", b"x", 0o644).expect("over the host's files");
    assert!(!fs::exists("/etc/new").expect("looked"));
}

#[test]
fn a_link_leads_to_the_containers_own_file_never_to_the_hosts() {
    let secret = directory("secret");
    fs::write(secret.join("file"), "the host's").expect("written");
    let script = format!(
        "mkdir -p {0}; ln -s {0}/file /tmp/link; ln -s ../../../../../../tmp/own /tmp/up",
        secret.display()
    );
    let container = start(&script, json!({}));
    assert_eq!(container.get("/tmp/link").expect_err("not there inside").errno(), libc::ENOENT);
    container.put("/tmp/link", b"inside", 0o600).expect("put");
    assert_eq!(fs::read(secret.join("file")).expect("read"), b"the host's");
    inside(&container, "echo own > /tmp/own");
    assert_eq!(container.get("/tmp/up").expect("got"), b"own\n");
    fs::remove_dir_all(secret).expect("removed");
}

#[test]
fn whole_directories_are_copied_both_ways() {
    let (from, to) = (directory("from"), directory("to"));
    fs::create_dir(from.join("sub")).expect("a directory");
    fs::write(from.join("sub/file"), "text").expect("written");
    symlink("sub/file", from.join("link")).expect("linked");
    let container = start("true", json!({}));
    container.put_tree(&from, "/tmp/tree").expect("put");
    assert_eq!(inside(&container, "cd /tmp/tree; cat link; stat -c %u . sub link | sort -u"), "text0");
    container.get_tree("/tmp/tree", &to.join("copy")).expect("got");
    assert_eq!(fs::read(to.join("copy/sub/file")).expect("read"), b"text");
    assert_eq!(fs::read_link(to.join("copy/link")).expect("a link"), PathBuf::from("sub/file"));
    for path in [from, to] {
        fs::remove_dir_all(path).expect("removed");
    }
}

#[test]
fn what_is_no_file_is_refused_and_does_not_block() {
    let container = start("mkfifo /tmp/pipe", json!({}));
    assert!(container.put("/tmp/pipe", b"x", 0o644).is_err());
    assert!(container.get("/tmp/pipe").is_err());
    assert!(container.get("/dev/zero").is_err());
}

#[test]
fn a_read_only_root_and_a_missing_directory_are_told() {
    let container = start("true", json!({"read_only": true}));
    let error = container.put("/etc/new", b"x", 0o644).expect_err("read-only");
    assert_eq!((error.code(), error.errno(), error.path()), (Code::Io, libc::EROFS, Some("/etc/new")));
    assert_eq!(container.put("/tmp/no/such", b"x", 0o644).expect_err("missing").errno(), libc::ENOENT);
    container.kill().expect("killed");
    container.wait().expect("an end");
    assert_eq!(container.get("/etc/hosts").expect_err("ended").code(), Code::Ended);
}

#[test]
fn into_a_root_directory_whose_ids_are_mapped() {
    let root = directory("idmapped");
    fs::create_dir(root.join("bin")).expect("a directory");
    if !std::path::Path::new("/usr/bin/busybox").exists() {
        common::skip("into_a_root_directory_whose_ids_are_mapped", "no busybox here");
    } else {
        common::copy_program("/usr/bin/busybox", &root.join("bin/busybox"));
        symlink("busybox", root.join("bin/sh")).expect("linked");
        symlink("busybox", root.join("bin/sleep")).expect("linked");
        let container = start("true", json!({"rootfs": root}));
        container.put("/file", b"x", 0o644).expect("put");
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(root.join("file")).expect("there"));
        assert_eq!(owner, nix::unistd::geteuid().as_raw());
    }
    fs::remove_dir_all(root).expect("removed");
}
