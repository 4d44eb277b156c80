//! The C face: `libminicontain` and `minicontain.h`.
//!
//! It translates types, errors and ownership, and does nothing else: all behaviour is the core's (`engine`
//! here). What the header says of these functions is written here, as their documentation; cbindgen copies
//! it.
//!
//! # The rules of this face
//! - A handle is an opaque type with a free function. Parameters have the type that says who owns what:
//!   `Option<&T>` borrows, `Option<&mut T>` borrows alone, `Option<Box<T>>` takes; `None` is C's `NULL`.
//! - What can fail returns `Option<Box<minicontain_error>>`, `None` for success, and writes `out` either way.
//! - `*const c_char` out of a handle lives as long as the handle; `*mut c_char` is the caller's to free.
//! - Every body runs behind [`guard`]: a panic becomes an error or a default, never an abort.
//!
//! # Safety The `unsafe` functions ask all the same of their caller: a pointer to a string is `NULL` or
//! points to a string that ends with a NUL, a pointer to an array is `NULL` or points to as many elements as
//! the length beside it says, and nobody changes either during the call.
#![deny(missing_docs, unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![warn(clippy::pedantic)]
#![allow(non_camel_case_types, reason = "handles have one name, the one that C uses")]
#![allow(clippy::missing_safety_doc, reason = "they all have the same contract, which stands above")]
#![allow(clippy::needless_pass_by_value, reason = "a free function takes its handle and drops it")]
#![allow(clippy::doc_markdown, reason = "manual pages are named as everywhere: mount(2)")]
#![allow(clippy::similar_names, reason = "argc and argv")]
#![allow(clippy::must_use_candidate, reason = "there is no Rust caller to warn")]

pub mod cgroup;
pub mod cgroup_lists;
pub mod cni;
pub mod communicate;
pub mod container;
pub mod error;
pub mod exec;
pub mod files;
mod guard;
pub mod link;
pub mod link_create;
pub mod link_lists;
pub mod link_rate;
pub mod link_state;
pub mod named;
pub mod namespace;
pub mod namespace_copy;
pub mod namespace_enter;
pub mod namespace_lists;
pub mod network;
pub mod network_options;
pub mod outcome;
pub mod plan;
pub mod run;
pub mod spec;
pub mod spec_files;
pub mod spec_isolation;
pub mod spec_limits;
pub mod spec_network;
pub mod spec_process;
pub mod stats;
pub mod strings;
pub mod terminal;
pub mod text;
pub mod trace;
pub mod version;
pub mod watch;
