//! One argument of a system call: its value, and how a person reads it.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::net::SocketAddrV4;

/// A place in the plan that holds what a step produces: a descriptor or a process id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub(crate) u16);

/// A descriptor as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fd {
    /// `AT_FDCWD`.
    Cwd,
    /// What an earlier step opened.
    Slot(Slot),
    /// A number that is known beforehand.
    Number(i32),
}

/// A string as an argument, with a slot's number inside where it is only known at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// A string.
    Plain(Cow<'static, str>),
    /// One with a number inside. Few are: a plan has hundreds of steps, and shall be small.
    Slotted(Box<Slotted>),
}

/// `before`, the number in the slot, `after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slotted {
    /// What stands before the number.
    pub before: Cow<'static, str>,
    /// Where the number is.
    pub slot: Slot,
    /// What follows it.
    pub after: Cow<'static, str>,
}

impl Text {
    /// A slot's number, with something before and after it.
    pub(crate) fn slotted(
        before: impl Into<Cow<'static, str>>,
        slot: Slot,
        after: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Slotted(Box::new(Slotted { before: before.into(), slot, after: after.into() }))
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::Plain(Cow::Borrowed(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Plain(Cow::Owned(text))
    }
}

/// A named bit or value of an argument.
pub type Name = (u64, &'static str);

/// A structure as an argument.
#[allow(missing_docs, reason = "the fields are those of the kernel's structures")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// `struct mount_attr`; the slot holds a user namespace.
    MountAttr { set: u64, clear: u64, propagation: u64, userns: Option<Slot> },
    /// `struct rlimit64`.
    Limit { soft: u64, hard: u64 },
    /// A signal set of eight bytes.
    Signals(u64),
    /// `struct sigaction` with the default action.
    DefaultAction,
    /// `struct ifreq` with flags.
    Interface { name: &'static str, flags: u16 },
    /// `union bpf_attr` of `BPF_PROG_ATTACH`: a program for a cgroup.
    BpfAttach { cgroup: Slot, program: Slot },
    /// `struct sockaddr_in`.
    Address(SocketAddrV4),
    /// An int that is zero.
    Zero,
    /// `struct winsize`.
    WindowSize { rows: u16, columns: u16 },
    /// The header of capset.
    CapHeader,
    /// The three sets of capset.
    Capabilities(u64),
}

/// A message of rtnetlink(7), or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they ask, in words.
    pub text: String,
    /// Where a process id of four bytes goes, and the slot that holds it.
    pub pid: Option<(usize, Slot)>,
}

/// What init is called.
pub(crate) const INIT_NAME: &str = "minicontain-init";

/// One argument.
#[derive(Debug, Clone, Copy)]
pub enum Arg<'a> {
    /// A decimal number.
    Int(i64),
    /// A file mode.
    Octal(u32),
    /// A device number.
    Device(u32, u32),
    /// Bits by name.
    Flags(u64, &'static [Name]),
    /// One of several values by name.
    One(u64, &'static [Name]),
    /// A descriptor.
    Fd(Fd),
    /// A string.
    Text(&'a Text),
    /// A string that is always known.
    Str(&'a str),
    /// A NULL pointer.
    Null,
    /// An array of strings.
    Strings(&'a [String]),
    /// The arguments of init: the block's descriptor, and the step to go on with.
    Init(Slot, usize),
    /// Strings that are only counted, as strace does with the environment.
    Counted(&'a [String]),
    /// An array of ids.
    Ids(&'a [u32]),
    /// A structure.
    Record(Record),
    /// `union bpf_attr` of `BPF_PROG_LOAD`: a program of these instructions.
    Bpf(&'a [u64]),
    /// A message of rtnetlink(7).
    Netlink(&'a Message),
    /// Room for so many bytes of answer.
    Room(usize),
    /// A message with this descriptor.
    SentFd(Slot),
    /// Room for a message with a descriptor.
    ReceivedFd(Slot),
    /// Room for two descriptors.
    Pair(Slot, Slot),
}

/// Shows an argument; slots by what they hold, or by their names before that is known.
pub(crate) fn show(arg: Arg<'_>, out: &mut String, slot: &dyn Fn(Slot, &mut String)) {
    let _ = match arg {
        Arg::Int(value) => write!(out, "{value}"),
        Arg::Octal(mode) => write!(out, "{mode:04o}"),
        Arg::Device(major, minor) => write!(out, "makedev({major}, {minor})"),
        Arg::Flags(bits, names) => show_flags(bits, names, out),
        Arg::One(value, names) => match names.iter().find(|(known, _)| *known == value) {
            Some((_, name)) => out.write_str(name),
            None => write!(out, "{value}"),
        },
        Arg::Fd(Fd::Cwd) => out.write_str("AT_FDCWD"),
        Arg::Fd(Fd::Number(fd)) => write!(out, "{fd}"),
        Arg::Fd(Fd::Slot(place)) => {
            slot(place, out);
            Ok(())
        }
        Arg::Str(text) => write!(out, "\"{}\"", text.escape_debug()),
        Arg::Text(Text::Plain(text)) => write!(out, "\"{}\"", text.escape_debug()),
        Arg::Text(Text::Slotted(slotted)) => {
            let Slotted { before, slot: place, after } = &**slotted;
            let _ = write!(out, "\"{before}");
            slot(*place, out);
            write!(out, "{after}\"")
        }
        Arg::Null => out.write_str("NULL"),
        Arg::Strings(strings) => {
            let shown: Vec<String> = strings.iter().map(|s| format!("\"{}\"", s.escape_debug())).collect();
            write!(out, "[{}]", shown.join(", "))
        }
        Arg::Init(block, next) => {
            let _ = write!(out, "[\"{INIT_NAME}\", \"");
            slot(block, out);
            write!(out, "\", \"{next}\"]")
        }
        Arg::Counted(strings) => write!(out, "/* {} vars */", strings.len()),
        Arg::Ids(ids) => write!(out, "{ids:?}"),
        Arg::Record(record) => show_record(record, out, slot),
        Arg::SentFd(place) | Arg::ReceivedFd(place) => {
            out.push_str("{msg_control=[{cmsg_type=SCM_RIGHTS, cmsg_data=[");
            slot(place, out);
            out.write_str("]}]}")
        }
        Arg::Bpf(code) => {
            write!(out, "{{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt={}}}", code.len())
        }
        Arg::Netlink(message) => {
            let _ = write!(out, "[{}", message.text);
            if let Some((_, pid)) = message.pid {
                out.push_str(", IFLA_NET_NS_PID=");
                slot(pid, out);
            }
            out.write_char(']')
        }
        Arg::Room(len) => write!(out, "/* {len} bytes */"),
        Arg::Pair(first, second) => {
            out.push('[');
            slot(first, out);
            out.push_str(", ");
            slot(second, out);
            out.write_char(']')
        }
    };
}

fn show_flags(bits: u64, names: &[Name], out: &mut String) -> fmt::Result {
    let mut left = bits;
    let mut first = true;
    for (bit, name) in names {
        if *bit != 0 && left & bit == *bit {
            left &= !bit;
            write!(out, "{}{name}", if first { "" } else { "|" })?;
            first = false;
        }
    }
    match (left, first) {
        (0, false) => Ok(()),
        (0, true) => out.write_char('0'),
        _ => write!(out, "{}{left:#x}", if first { "" } else { "|" }),
    }
}

fn show_record(record: Record, out: &mut String, slot: &dyn Fn(Slot, &mut String)) -> fmt::Result {
    let limit = |value: u64| if value == u64::MAX { "RLIM_INFINITY".into() } else { value.to_string() };
    match record {
        Record::MountAttr { set, clear, propagation, userns } => {
            out.push_str("{attr_set=");
            show_flags(set, super::names::MOUNT_ATTR, out)?;
            if clear != 0 {
                out.push_str(", attr_clr=");
                show_flags(clear, super::names::MOUNT_ATTR, out)?;
            }
            if propagation != 0 {
                out.push_str(", propagation=");
                show_flags(propagation, super::names::MOUNT, out)?;
            }
            if let Some(place) = userns {
                out.push_str(", userns_fd=");
                slot(place, out);
            }
            out.write_char('}')
        }
        Record::Limit { soft, hard } => write!(out, "{{rlim_cur={}, rlim_max={}}}", limit(soft), limit(hard)),
        Record::Signals(0) => out.write_str("[]"),
        Record::Signals(set) => write!(out, "{set:#x}"),
        Record::DefaultAction => out.write_str("{sa_handler=SIG_DFL}"),
        Record::Interface { name, flags } => {
            write!(out, "{{ifr_name=\"{name}\", ifr_flags=")?;
            show_flags(u64::from(flags), super::names::INTERFACE, out)?;
            out.write_char('}')
        }
        Record::BpfAttach { cgroup, program } => {
            out.push_str("{target_fd=");
            slot(cgroup, out);
            out.push_str(", attach_bpf_fd=");
            slot(program, out);
            out.write_str(", attach_type=BPF_CGROUP_DEVICE}")
        }
        Record::Address(address) => write!(
            out,
            "{{sa_family=AF_INET, sin_port=htons({}), sin_addr=inet_addr(\"{}\")}}",
            address.port(),
            address.ip()
        ),
        Record::Zero => out.write_str("[0]"),
        Record::WindowSize { rows, columns } => write!(out, "{{ws_row={rows}, ws_col={columns}}}"),
        Record::CapHeader => out.write_str("{_LINUX_CAPABILITY_VERSION_3, 0}"),
        Record::Capabilities(mask) => {
            let bit = |n: usize| mask >> n & 1 == 1;
            let names: Vec<&str> = crate::spec::CAPABILITIES
                .iter()
                .enumerate()
                .filter(|(n, _)| bit(*n))
                .map(|(_, name)| *name)
                .collect();
            write!(
                out,
                "{{effective=permitted={}, inheritable=0}}",
                if names.is_empty() { "0".into() } else { names.join("|") }
            )
        }
    }
}
