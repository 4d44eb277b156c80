//! The committed header is what the sources say. `MINICONTAIN_UPDATE_HEADER=1 cargo test -p minicontain-ffi`
//! rewrites it.

use std::fs;
use std::path::Path;

/// The order in which a reader meets them.
const SOURCES: [&str; 37] = [
    "../core/src/error.rs",
    "src/version.rs",
    "src/text.rs",
    "src/strings.rs",
    "src/error.rs",
    "src/spec.rs",
    "src/spec_process.rs",
    "src/spec_files.rs",
    "src/spec_isolation.rs",
    "src/spec_network.rs",
    "src/spec_limits.rs",
    "src/plan.rs",
    "src/container.rs",
    "src/communicate.rs",
    "src/terminal.rs",
    "src/exec.rs",
    "src/files.rs",
    "src/named.rs",
    "src/outcome.rs",
    "src/stats.rs",
    "src/run.rs",
    "src/cgroup.rs",
    "src/cgroup_lists.rs",
    "src/watch.rs",
    "src/namespace.rs",
    "src/namespace_lists.rs",
    "src/namespace_enter.rs",
    "src/namespace_copy.rs",
    "src/link.rs",
    "src/link_create.rs",
    "src/link_lists.rs",
    "src/link_state.rs",
    "src/link_rate.rs",
    "src/network_options.rs",
    "src/network.rs",
    "src/cni.rs",
    "src/trace.rs",
];

#[test]
fn the_header_is_current() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = here.join("../include/minicontain.h");
    let header = generate(here);
    if std::env::var_os("MINICONTAIN_UPDATE_HEADER").is_some() {
        fs::write(&committed, &header).expect("include/minicontain.h can be written");
    }
    let found = fs::read_to_string(&committed).unwrap_or_default();
    let first = header.lines().zip(found.lines()).position(|(wanted, found)| wanted != found);
    assert!(
        header == found,
        "include/minicontain.h is not what ffi/src says, from line {} on: run\n    \
         MINICONTAIN_UPDATE_HEADER=1 cargo test -p minicontain-ffi\nand commit it",
        first.unwrap_or_else(|| header.lines().count().min(found.lines().count())) + 1
    );
}

#[test]
fn every_source_is_read() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in fs::read_dir(here.join("src")).expect("ffi/src can be read") {
        let path = file.expect("ffi/src can be read").path();
        let text = fs::read_to_string(&path).expect("a source can be read");
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let listed = SOURCES.contains(&format!("src/{name}").as_str());
        assert!(listed || !text.contains("no_mangle"), "{name} exports functions, but is not in SOURCES");
    }
}

fn generate(here: &Path) -> String {
    let mut config =
        cbindgen::Config::from_file(here.join("cbindgen.toml")).expect("cbindgen.toml can be read");
    config.header = Some(fs::read_to_string(here.join("header.txt")).expect("header.txt can be read"));
    let version = env!("CARGO_PKG_VERSION");
    config.after_includes = Some(format!(
        "\n/** The version of this header, as `minicontain_version` is that of the library. */\n\
         #define MINICONTAIN_VERSION \"{version}\""
    ));
    let builder = SOURCES.iter().fold(cbindgen::Builder::new().with_config(config), |builder, source| {
        builder.with_src(here.join(source))
    });
    let mut text = Vec::new();
    builder.generate().expect("cbindgen understands the sources").write(&mut text);
    // Rust's documentation marks code with backticks, C's does not; and a header had better be ASCII.
    let text = String::from_utf8(text).expect("the sources are UTF-8").replace('`', "").replace('…', "...");
    assert!(text.is_ascii(), "use ASCII in the documentation of exported functions");
    text
}
