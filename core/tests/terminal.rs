//! Terminals of the container's own. (root and ordinary user; no cgroups)

mod common;

use std::fs::File;
use std::io::{Read, Write};

use common::root;
use minicontain::{Code, Container, Plan, Spec};
use serde_json::{Value, json};

fn start(mut fields: Value) -> Container {
    fields["tty"] = json!(true);
    Container::start(Plan::new(Spec::from_value(fields).expect("a spec")).expect("a plan")).expect("a start")
}

/// All that the terminal shows until nobody has it open any more.
fn shown(container: &mut Container) -> String {
    let mut terminal = File::from(container.terminal.take().expect("a terminal"));
    let (mut text, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = terminal.read(&mut part) {
        text.extend_from_slice(&part[..count]);
    }
    String::from_utf8_lossy(&text).replace('\r', "")
}

#[test]
fn the_program_has_a_terminal_of_the_containers_own() {
    let mut container = start(json!({
        "args": ["sh", "-c", "tty; stty size; test -t 0 -a -t 1 -a -t 2; echo $?; echo here > /dev/tty; ps -o tty= -p $$"],
        "tty_size": [33, 77],
    }));
    assert_eq!(shown(&mut container), "/dev/pts/0\n33 77\n0\nhere\npts/0\n");
    assert_eq!(container.wait().expect("an end").status, Some(0));
}

#[test]
fn what_is_typed_reaches_it_and_control_c_interrupts_it() {
    let mut container = start(json!({"args": ["sh", "-c", "read line; echo got $line; exec sleep 600"]}));
    let mut terminal =
        File::from(container.terminal.as_ref().expect("a terminal").try_clone().expect("a copy"));
    terminal.write_all(b"hello\n").expect("typed");
    let (mut text, mut part) = (String::new(), [0; 256]);
    while !text.contains("got hello") {
        let count = terminal.read(&mut part).expect("an echo");
        text.push_str(&String::from_utf8_lossy(&part[..count]));
    }
    // Until sleep is executed, the shell is interrupted; either way it is the signal that ends it.
    terminal.write_all(b"\x03").expect("typed");
    assert_eq!(container.wait().expect("an end").signal, Some(libc::SIGINT));
    drop(container.terminal.take());
}

#[test]
fn its_size_changes_with_the_window() {
    let script = "trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.05; done";
    let mut container = start(json!({"args": ["sh", "-c", script]}));
    let mut terminal =
        File::from(container.terminal.as_ref().expect("a terminal").try_clone().expect("a copy"));
    terminal.read_exact(&mut [0; 7]).expect("ready");
    container.resize(50, 132).expect("resized");
    assert_eq!(shown(&mut container), "50 132\n");
    assert_eq!(container.wait().expect("an end").status, Some(4));
    assert_eq!(container.resize(1, 1).expect_err("it was taken").code(), Code::NotSupported);
}

#[test]
fn another_user_owns_his_terminal() {
    if !root() {
        return common::skip("another_user_owns_his_terminal", "an ordinary caller has one user");
    }
    let mut container =
        start(json!({"args": ["sh", "-c", "stat -c %u $(tty); echo x > $(tty)"], "user": "1234"}));
    assert_eq!(shown(&mut container), "1234\nx\n");
}

#[test]
fn a_program_that_joins_can_have_one_too() {
    let container =
        Container::start(Plan::new(Spec::new(["sleep", "600"])).expect("a plan")).expect("a start");
    let spec = Spec::from_value(json!({"args": ["tty"], "tty": true})).expect("a spec");
    assert_eq!(shown(&mut container.exec(spec).expect("a start")), "/dev/pts/0\n");
}

#[test]
fn streams_and_a_terminal_exclude_each_other() {
    let error =
        Spec::from_value(json!({"args": ["true"], "tty": true, "stdout": "pipe"})).expect_err("a fault");
    assert_eq!((error.code(), error.faults()[0].field.as_str()), (Code::InvalidSpec, "stdout"));
}

#[test]
fn a_start_that_fails_does_not_wait_for_a_terminal() {
    let root = std::env::temp_dir().join(format!("minicontain-terminal-{}", std::process::id()));
    std::fs::create_dir(&root).expect("a directory");
    let spec = Spec::from_value(json!({"args": ["true"], "tty": true, "dev": false, "rootfs": root}));
    let error = Container::start(Plan::new(spec.expect("a spec")).expect("a plan")).expect_err("no start");
    assert_eq!(error.path(), Some("/dev/pts/ptmx"), "{error}");
    std::fs::remove_dir_all(&root).expect("removed");
}
