//! Namespaces as objects: namespaces(7). Look at a process's, make one, keep it by name, go into it, and come back.
//!
//! ```no_run
//! use minicontain::namespace::{Kind, Namespace};
//! let net = Namespace::create_named(Kind::Net, "child")?;       // `ip netns list` shows it
//! assert_ne!(net.id(), Namespace::current(Kind::Net)?.id());
//! let names = net.call(|| std::fs::read_to_string("/proc/thread-self/net/dev"))?;
//! assert!(names.is_ok_and(|text| text.contains("lo:")));
//! net.remove()?;
//! # Ok::<(), minicontain::Error>(())
//! ```
//!
//! A container's own namespaces are made by its plan, and do not need any of this.

mod copy;
mod enter;
mod handle;
mod kind;
mod make;
mod named;
mod set;

pub use copy::{Child, Forked, clone, fork, map_root};
pub use enter::{Inside, setns, unshare};
pub use handle::Namespace;
pub use kind::Kind;
pub use named::named;
pub use set::Namespaces;
