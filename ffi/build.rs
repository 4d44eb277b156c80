//! Names the shared library.

fn main() {
    // The number changes when a program built against an older header would no longer work.
    //
    // There is no version script here: rustc passes one that exports the `#[no_mangle]` functions and nothing
    // else, GNU ld refuses a second, and lld would only add to the first. A test looks at what is exported.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libminicontain.so.0");
    println!("cargo::rerun-if-changed=build.rs");
}
