//! Every mistake gets its own clear message. (root and ordinary user; no cgroups)

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::try_run;
use minicontain::{Code, Error, Spec};
use serde_json::{Value, json};

fn error(spec: Value) -> Error {
    match try_run(spec) {
        Ok(run) => panic!("it ran: {:?}", run.outcome),
        Err(error) => error,
    }
}

fn faults(spec: Value) -> Vec<String> {
    let error = Spec::from_value(spec).expect_err("a fault");
    assert_eq!(error.code(), Code::InvalidSpec);
    error.faults().iter().map(|fault| fault.field.clone()).collect()
}

#[test]
fn a_program_that_is_being_written() {
    let directory = std::path::PathBuf::from(format!("/var/tmp/minicontain-written-{}", std::process::id()));
    fs::create_dir(&directory).expect("a directory");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = directory.join("true");
    common::copy_program("/bin/true", &path);
    let writer = fs::OpenOptions::new().append(true).open(&path).expect("a file");
    let volumes = json!([{"source": directory, "target": "/opt"}]);
    let failed = error(json!({"args": ["/opt/true"], "volumes": volumes}));
    drop(writer);
    fs::remove_dir_all(&directory).expect("removed");
    assert_eq!((failed.code(), failed.errno()), (Code::ProgramNotExecutable, libc::ETXTBSY));
    assert!(failed.hint().contains("open for writing"), "{failed}");
}

#[test]
fn a_program_that_is_not_there() {
    let error = error(json!({"args": ["no-such-program"]}));
    assert_eq!((error.code(), error.errno()), (Code::ProgramNotFound, libc::ENOENT));
    assert!(error.to_string().contains("no 'no-such-program' in the container's PATH"), "{error}");
    assert_eq!(error.step().map(|step| step.syscall), Some("execve"));
}

/// A directory below the host's /tmp with a program, a link to it, and a script for it.
fn below_tmp() -> std::path::PathBuf {
    let dir = std::path::Path::new("/tmp").join(format!("minicontain-hidden-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("a mode");
    common::copy_program("/bin/sh", &dir.join("sh"));
    std::os::unix::fs::symlink(dir.join("sh"), dir.join("link")).expect("a link");
    fs::write(dir.join("script"), format!("#!{}/sh\n", dir.display())).expect("a script");
    fs::set_permissions(dir.join("script"), fs::Permissions::from_mode(0o755)).expect("a mode");
    dir
}

#[test]
fn what_is_on_the_host_and_not_inside() {
    let dir = below_tmp();
    let (part, sh) = (dir.display().to_string(), format!("{}/sh", dir.display()));
    let asked = |name: &str| json!([format!("/w/{name}"), "-c", "exit 0"]);
    let volumes = [format!("{sh}:/w/sh"), format!("{part}/script:/w/script")];
    let linked = json!({"args": asked("link"), "volumes": [format!("{part}:/w")]});
    let searched = json!({"args": ["sh", "-c", ""], "env": {"PATH": part}});
    for (spec, leads) in [
        (json!({"args": [sh]}), false),
        (json!({"args": ["./sh"], "cwd": part, "volumes": [format!("{part}/script:{part}/script")]}), false),
        (searched, false),
        (linked.clone(), true),
        (json!({"args": asked("script"), "volumes": volumes}), false),
        (json!({"args": ["true"], "cwd": part}), false),
    ] {
        let error = error(spec.clone());
        let says = error.hint();
        assert!(says.contains("on the host, but the container has a /tmp of its own"), "{spec}: {says}");
        assert!(says.contains(&format!("'{part}:{part}:ro' in volumes")), "{spec}: {says}");
        assert!(says.contains("tmp=False"), "{spec}: {says}");
        assert_eq!(says.contains(" leads to "), leads, "{spec}: {says}");
    }
    // What the hint says works.
    let mut fixed = linked;
    fixed["volumes"] = json!([format!("{part}:/w"), format!("{part}:{part}:ro")]);
    assert_eq!(common::run(fixed).outcome.returncode(), 0);
    assert_eq!(common::run(json!({"args": [sh, "-c", ""], "tmp": false})).outcome.returncode(), 0);
    // What is nowhere is not said to be on the host.
    let nowhere = error(json!({"args": [format!("{part}/nothing")]}));
    assert!(nowhere.hint().ends_with("inside the container"), "{nowhere}");
    fs::remove_dir_all(dir).expect("to clean up");
}

#[test]
fn a_link_into_the_home_of_the_hosts_root() {
    if !common::needs_root("a_link_into_the_home_of_the_hosts_root") {
        return;
    }
    let (id, base) = (std::process::id(), std::env::var("HOME").unwrap_or_default());
    let home = std::path::Path::new("/root").join(format!("minicontain-hidden-{id}"));
    if base != "/root" || fs::create_dir(&home).is_err() {
        return common::skip("a_link_into_the_home_of_the_hosts_root", "root's home is not /root");
    }
    common::copy_program("/bin/sh", &home.join("sh"));
    let link = std::path::PathBuf::from(format!("/var/tmp/minicontain-link-{id}"));
    std::os::unix::fs::symlink(home.join("sh"), &link).expect("a link");
    let args = json!([link, "-c", "exit 3"]);
    let failed = error(json!({"args": args}));
    let part = home.display();
    let says = failed.hint().to_string();
    let fixed = common::run(json!({"args": args, "volumes": [format!("{part}:{part}:ro")]}));
    fs::remove_file(&link).expect("to clean up");
    fs::remove_dir_all(&home).expect("to clean up");
    assert_eq!(failed.code(), Code::ProgramNotFound);
    assert!(says.contains("but the container has a /root of its own"), "{says}");
    assert!(says.ends_with(&format!("name '{part}:{part}:ro' in volumes")), "{says}");
    assert_eq!(fixed.outcome.returncode(), 3);
}

#[test]
fn a_program_that_cannot_be_executed() {
    assert_eq!(error(json!({"args": ["/etc/passwd"]})).code(), Code::ProgramNotExecutable);
    let dir = std::env::temp_dir().join(format!("minicontain-errors-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("a mode");
    let elf: Vec<u8> =
        [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0\x01\0\0\0"[..], &[0; 100]].concat();
    for (name, bytes, code, says) in [
        ("shebang", &b"#!/no/such/interpreter -x\n"[..], Code::InterpreterNotFound, "'/no/such/interpreter'"),
        ("script", b"echo no first line\n", Code::WrongFormat, "#!"),
        ("machine", &elf, Code::WrongFormat, "risc-v"),
    ] {
        fs::write(dir.join(name), bytes).expect("a file");
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).expect("a mode");
        let error =
            error(json!({"args": [format!("/x/{name}")], "volumes": [format!("{}:/x", dir.display())]}));
        assert_eq!(error.code(), code, "{error}");
        assert!(error.hint().contains(says), "{error}");
    }
    fs::remove_dir_all(dir).expect("to clean up");
}

#[test]
fn a_directory_or_user_that_is_not_there() {
    let error_ = error(json!({"args": ["true"], "cwd": "/no/such"}));
    assert_eq!(error_.code(), Code::CwdNotFound);
    assert_eq!(error_.step().and_then(|step| step.path.as_deref()), Some("/no/such"));
    assert_eq!(error(json!({"args": ["true"], "user": "nobody-by-this-name"})).code(), Code::UserNotFound);
}

#[test]
fn a_user_whose_number_is_too_large_is_told_the_range() {
    let error = error(json!({"args": ["true"], "user": "99999999999"}));
    assert_eq!(error.hint(), "use a number from 0 to 4294967294");
}

#[test]
fn a_root_that_is_a_file() {
    let error = error(json!({"args": ["true"], "rootfs": "/etc/passwd", "user": "root"}));
    assert_eq!((error.code(), error.errno()), (Code::SourceNotFound, libc::ENOTDIR));
    assert!(error.to_string().starts_with("rootfs: '/etc/passwd' is not a directory"), "{error}");
}

#[test]
fn a_volume_on_what_is_of_another_kind() {
    for volume in ["/etc:/etc/passwd", "/etc/passwd:/etc"] {
        let error = error(json!({"args": ["true"], "volumes": [volume]}));
        assert_eq!(error.code(), Code::TargetNotFound, "{error}");
        assert!(error.hint().contains("a file on a file"), "{error}");
    }
}

#[test]
fn a_limit_that_init_alone_reaches() {
    let limited = |init| json!({"args": ["true"], "pids_limit": 1, "init": init});
    assert_eq!(faults(limited(true)), ["pids_limit"]);
    assert!(Spec::from_value(limited(false)).is_ok());
}

#[test]
fn a_namespace_that_is_not_there() {
    let error_ = error(json!({"args": ["true"], "namespaces": {"net": {"path": "/no/such"}}}));
    assert_eq!(error_.code(), Code::NamespaceNotFound);
    assert!(error_.to_string().contains("net namespace"), "{error_}");
    assert_eq!(
        error(json!({"args": ["true"], "namespaces": {"uts": {"path": "/etc/passwd"}}})).code(),
        Code::NamespaceNotFound
    );
}

#[test]
fn arguments_larger_than_the_kernel_takes() {
    let long = "x".repeat(200_000);
    assert_eq!(faults(json!({"args": ["echo", long]})), ["args"]);
    let many: Vec<String> =
        std::iter::once("echo".to_string()).chain((0..100).map(|_| "y".repeat(100_000))).collect();
    assert_eq!(error(json!({"args": many})).code(), Code::ArgumentsTooLong);
}

#[test]
fn every_fault_of_a_spec_is_told_at_once() {
    assert_eq!(
        faults(
            json!({"args": [], "hostname": "a b", "volumes": ["/a:/x", "/b:/x/"], "cap_add": ["NO"], "cwd": "rel"})
        ),
        ["args", "cwd", "hostname", "volumes", "cap_add"]
    );
}

#[test]
fn a_field_that_does_not_exist_gets_a_suggestion() {
    let error = Spec::from_value(json!({"args": ["true"], "hostnam": "x"})).expect_err("a fault");
    assert!(error.to_string().contains("did you mean 'hostname'"), "{error}");
}

#[test]
fn values_that_cannot_be() {
    for (field, value) in [
        ("args", json!(["a\0b"])),
        ("env", json!({"A=B": "c"})),
        ("hostname", json!("x".repeat(65))),
        ("umask", json!(0o1000)),
        ("umask", json!(-1)),
        ("ulimits", json!({"nofiles": 3})),
        ("ulimits", json!({"nofile": {"soft": 5, "hard": 3}})),
        ("stdin", json!("stdout")),
        ("pass_fds", json!([2])),
        ("sysctls", json!({"kernel.panic": "1"})),
        ("sysctls", json!({"net.../../x": "1"})),
        ("storage_size", json!("64 elephants")),
        ("storage_size", json!(-5)),
        ("tmpfs", json!(["/x:size=0"])),
        ("tmpfs", json!(["/../etc"])),
        ("uidmap", json!(["1:1:1"])),
        ("user", json!("a:b:c")),
        ("host_files", json!({"/": "hidden"})),
        ("time_offsets", json!({"boottime": 1e30})),
        ("require", json!(["magic"])),
    ] {
        let mut spec = json!({"args": ["true"]});
        spec[field] = value.clone();
        assert_eq!(faults(spec), [field], "{field}: {value}");
    }
}

#[test]
fn a_shortfall_of_what_is_required_is_an_error() {
    let error =
        error(json!({"args": ["true"], "no_new_privileges": false, "require": ["no_new_privileges"]}));
    assert_eq!(error.code(), Code::NotEnforced);
}
