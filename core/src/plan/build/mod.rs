//! Turns a spec into steps. Each file plans one concern; this one puts them in order.

mod assembly;
pub(super) mod cgroup;
mod cgroup_inside;
mod devices;
mod identity;
mod init;
mod layers;
mod mounts;
pub(super) mod namespaces;
mod network;
mod places;
pub(super) mod program;
mod resolver;
mod rootfs;
mod stdio;
mod system;
mod terminal;
mod users;

use std::borrow::Cow;
use std::collections::BTreeMap;

use self::places::{Node, node_of};
use super::arg::{Fd, Slot, Text};
use super::call::Call;
use super::step::{Act, Enforcement, Kept, Own, Plan, Shell, Side, Step, Tolerate, Undo};
use crate::cgroup::Cgroup;
use crate::error::{Code, Error};
use crate::host::{Account, Host};
use crate::namespace::Kind;
use crate::network::cni::Plugged;
use crate::network::lan::Place;
use crate::spec::{Spec, Volume};

/// A plan in the making.
struct Builder<'a> {
    spec: &'a Spec,
    host: Host,
    steps: Vec<Step>,
    acts: Vec<Act>,
    slots: Vec<Cow<'static, str>>,
    enforced: BTreeMap<&'static str, Enforcement>,
    kept: Kept,
    users: users::Users,
    account: Account,
    /// Descriptors that the caller has open and closes in the end.
    open: Vec<Slot>,
    files: rootfs::Files,
    /// Its places on networks.
    places: Vec<Place>,
    /// Its networks of CNI plugins.
    plugged: Option<Plugged>,
    /// What its resolver answers from, where it has one.
    names: Option<resolver::Names>,
    /// The volumes that were asked for, and the networks' files.
    binds: Vec<Volume>,
    /// Volumes, which come after the system mounts.
    volumes: Vec<rootfs::Attach>,
    /// The process that the program is executed beside, where it joins a running container.
    target: Option<i32>,
    /// That container's cgroup.
    container: Option<&'a Cgroup>,
    /// The cgroup that is made, and what its limits take.
    own: Option<Own>,
    held: cgroup::Held,
    init: Option<init::Init>,
    /// The pipe on which the child waits for its id map, until it did.
    release: Option<(Slot, Slot)>,
    /// The tolerance and need of the steps being added.
    tolerate: Tolerate,
    needs: Option<&'static str>,
}

/// Makes the plan of a valid spec; `target` is the process whose root the program sees, where it joins one, and
/// `container` the cgroup that it shall be in then.
pub(super) fn plan(spec: Spec, target: Option<i32>, container: Option<&Cgroup>) -> Result<Plan, Error> {
    let host = Host::read();
    let plugged = Plugged::of(&spec)?;
    let places = Place::on_all(&spec)?;
    let nested = places.iter().any(|place| place.record.inside.is_some());
    let users = users::Users::choose(&spec, &host, nested)?;
    let root = target.map(|pid| format!("/proc/{pid}/root"));
    let root = root.as_deref().or(spec.rootfs.as_deref()).unwrap_or("/");
    if let Some(path) = spec.rootfs.as_ref().filter(|path| node_of(path) == Some(Node::File)) {
        let problem = format!("rootfs: '{path}' is not a directory");
        let hint = "name the directory that holds the files of the root";
        return Err(Error::call(Code::SourceNotFound, problem, libc::ENOTDIR, hint).about(path));
    }
    let account = users::account(&spec, &users, root)?;
    let files = Place::files(&places)?;
    let binds = spec.volumes.iter().cloned().chain(network::files(&spec, files.as_ref())).collect();
    let names = resolver::of(&spec, files)?;
    let mut builder = Builder {
        spec: &spec,
        host,
        // Room for a plan with all defaults: what has to grow is copied.
        steps: Vec::with_capacity(if spec.dev { 224 } else { 40 }),
        acts: Vec::with_capacity(if spec.dev { 80 } else { 24 }),
        slots: Vec::with_capacity(if spec.dev { 48 } else { 16 }),
        enforced: BTreeMap::new(),
        kept: Kept::default(),
        users,
        account,
        open: Vec::new(),
        files: rootfs::Files::default(),
        places,
        plugged,
        names,
        binds,
        volumes: Vec::new(),
        target,
        container,
        own: None,
        held: cgroup::Held::default(),
        init: None,
        release: None,
        tolerate: Tolerate::Nothing,
        needs: None,
    };
    builder.everything()?;
    let Builder { steps, acts, slots, enforced, kept, own, places, plugged, .. } = builder;
    let not_asked = Enforcement::NotEnforced("it was not asked for".into());
    for feature in &spec.require {
        let state = enforced.get(feature.as_str()).unwrap_or(&not_asked);
        if *state != Enforcement::Enforced {
            let problem = format!(
                "require: '{feature}' would be {} here: {}",
                state.name().replace('_', " "),
                state.reason()
            );
            return Err(Error::call(
                Code::NotEnforced,
                problem,
                0,
                "change what stands in its way, or do not require it",
            ));
        }
    }
    let joined = container.filter(|_| own.is_none()).cloned();
    Ok(Plan { spec, steps, acts, enforced, slots, kept, own, joined, places, plugged })
}

impl Builder<'_> {
    /// The order of a start. What the caller can do beforehand comes first; what needs the id map comes last.
    fn everything(&mut self) -> Result<(), Error> {
        self.open_streams()?;
        self.open_terminal();
        self.open_namespaces();
        self.prepare_init();
        self.open_names();
        self.make_cgroup()?;
        self.files_by_caller()?;
        self.make_namespaces();
        self.enter_cgroup();
        self.leave_keyring();
        self.act(
            "take off the file mode mask",
            "places are made with exactly their modes",
            Shell::None,
            |b| b.inside(Call::Umask { mask: 0 }),
        );
        self.name_host();
        self.loopback_up();
        self.bind_resolver();
        self.files_inside();
        self.wait_for_map();
        // The caller is still making the links; but settings may be about them.
        let links_first = !self.spec.sysctls.is_empty();
        if links_first {
            self.configure_networks();
        }
        self.sysctls();
        self.protect_kernel_paths(Side::Container);
        self.leave_old_root();
        if !links_first {
            self.configure_networks();
        }
        self.make_terminal();
        self.drop_for_good();
        self.leave_init_behind();
        self.limit_memory();
        self.drop_privileges();
        self.execute()?;
        self.finish();
        self.report();
        Ok(())
    }

    /// A new place for what a step produces.
    fn slot(&mut self, name: impl Into<Cow<'static, str>>) -> Slot {
        self.slots.push(name.into());
        Slot((self.slots.len() - 1) as u16)
    }

    /// Adds steps with one purpose.
    fn act(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        shell: Shell,
        add: impl FnOnce(&mut Self),
    ) {
        let from = self.steps.len();
        add(self);
        (self.tolerate, self.needs) = (Tolerate::Nothing, None);
        self.acts.push(Act { what: what.into(), why: why.into(), steps: from..self.steps.len(), shell });
    }

    /// Sets the shell commands of the act that was added last.
    fn set_shell(&mut self, shell: Shell) {
        if let Some(act) = self.acts.last_mut() {
            act.shell = shell;
        }
    }

    /// Adds a step.
    fn step(&mut self, side: Side, call: Call) {
        let undo = match (side, &call) {
            (Side::Container, _) => Undo::Nothing,
            (
                Side::Caller,
                Call::Pipe { read: first, write: second } | Call::SocketPair { first, second },
            ) => Undo::CloseBoth(*first, *second),
            (Side::Caller, call) => call.signature().keep.map_or(Undo::Nothing, Undo::Close),
        };
        self.open.extend(undo.closes());
        self.steps.push(Step { side, call, needs: self.needs, undo, tolerate: self.tolerate });
    }

    fn caller(&mut self, call: Call) {
        self.step(Side::Caller, call);
    }

    fn inside(&mut self, call: Call) {
        self.step(Side::Container, call);
    }

    /// Closes what a step on this side opened and is needed no more.
    fn close(&mut self, side: Side, slot: Slot) {
        self.open.retain(|open| *open != slot);
        self.step(side, Call::Close { fd: Fd::Slot(slot) });
    }

    /// Whether the container has a new namespace of this kind.
    fn new_one(&self, kind: Kind) -> bool {
        // CNI plugins see to a network namespace before the container joins it.
        let made_before = kind == Kind::Net && self.plugged.is_some();
        self.spec.namespaces.new_one(kind) && !made_before
    }

    /// Writes a file in one go: open, write, close.
    fn write_file(&mut self, side: Side, path: impl Into<Text>, data: String) {
        self.write_file_at(side, Fd::Cwd, path, data);
    }

    /// The same, below a directory.
    fn write_file_at(&mut self, side: Side, dir: Fd, path: impl Into<Text>, data: String) {
        let file = self.slot("file");
        self.step(
            side,
            Call::Open {
                dir,
                path: path.into(),
                flags: (libc::O_WRONLY | libc::O_CLOEXEC) as u64,
                mode: 0,
                keep: file,
            },
        );
        self.step(side, Call::Write { fd: Fd::Slot(file), data: data.into() });
        self.close(side, file);
    }

    /// The caller waits until its memory is its own again, and closes what only the child needed.
    fn finish(&mut self) {
        self.receive_terminal();
        self.await_program();
        let kept = self.kept;
        let keep = |slot: &Slot| kept.pipes.contains(&Some(*slot)) || kept.terminal == Some(*slot);
        let open: Vec<Slot> = std::mem::take(&mut self.open).into_iter().filter(|slot| !keep(slot)).collect();
        self.act(
            "close the caller's copies",
            "mounts and pipes live on in the container alone",
            Shell::None,
            |b| {
                for slot in open {
                    b.close(Side::Caller, slot);
                }
            },
        );
    }
}

/// Quotes a word for the shell.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
