//! Compiles init, the small static program in `init/`, which the library carries with it.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    println!("cargo:rerun-if-changed=init");
    for shared in ["abi", "clone", "memory", "raw", "step", "walk"] {
        println!("cargo:rerun-if-changed=src/sys/{shared}.rs");
    }
    let output = Path::new(&variable("OUT_DIR")).join("init");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["init/main.rs", "--crate-name=init", "--crate-type=bin", "--edition=2024"]);
    rustc.args(["--target", &variable("TARGET"), "-o"]).arg(&output);
    for option in [
        "opt-level=s",
        "panic=abort",
        "relocation-model=static",
        "lto=fat",
        "strip=symbols",
        "force-unwind-tables=no",
    ] {
        rustc.args(["-C", option]);
    }
    let link = "-nostartfiles -nostdlib -static -no-pie -Wl,--build-id=none,--gc-sections,-z,norelro,-T,init/init.ld";
    rustc.args(["-C", &format!("link-args={link}")]);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.args(["-C", &format!("linker={linker}")]);
    }
    let status =
        rustc.status().unwrap_or_else(|error| panic!("could not start the compiler for init: {error}"));
    assert!(status.success(), "init could not be compiled");
    let size = fs::metadata(&output).map_or(0, |meta| meta.len());
    assert!(size < 64 << 10, "init has {size} bytes: something pulled in more than it needs");
}
