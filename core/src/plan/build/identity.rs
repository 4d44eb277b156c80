//! What the program may do: its user, capabilities, limits, signals.

use super::users::Mode;
use super::{Builder, Call, Enforcement, Shell, Tolerate};
use crate::namespace::Kind;
use crate::spec::{CAPABILITIES, DOCKER_MASK, RLIMITS, RootChange, bit, capability_mask};

impl Builder<'_> {
    /// The capabilities that the program keeps.
    fn kept_capabilities(&self) -> u64 {
        let names = |list: &[String]| capability_mask(list.iter().map(String::as_str));
        let mut mask = DOCKER_MASK;
        if self.users.mode == Mode::Host {
            // No device list stands in the way of a node made by the real root.
            mask &= !bit::MKNOD;
        }
        let (add, drop) = (names(&self.spec.cap_add), names(&self.spec.cap_drop));
        if self.spec.cap_drop.iter().any(|name| name.eq_ignore_ascii_case("ALL")) {
            return add;
        }
        (mask | add) & !drop
    }

    /// A session keyring of the container's own: the caller's would open the caller's keys. See keyrings(7).
    pub(super) fn leave_keyring(&mut self) {
        if !self.spec.new_keyring {
            return;
        }
        let why = "the caller's would give the program the caller's keys";
        self.act("join a new session keyring", why, Shell::None, |b| {
            // A kernel without keys has none to give; a filter that refuses the call refuses it to the program too.
            b.tolerate = Tolerate::Errors(&[libc::ENOSYS, libc::EPERM]);
            b.inside(Call::NewKeyring);
        });
    }

    /// What no process of the container shall have, init and the program alike.
    pub(super) fn drop_for_good(&mut self) {
        let kept = self.kept_capabilities();
        let privileged = self.users.mode != Mode::Host || self.host.can(bit::SETPCAP);
        let dropped: Vec<u32> =
            (0..CAPABILITIES.len() as u32).filter(|n| kept >> n & 1 == 0 && privileged).collect();
        if !dropped.is_empty() {
            self.act("drop capabilities for good", "no program inside can gain them", Shell::None, |b| {
                b.needs = Some("CAP_SETPCAP");
                for capability in dropped {
                    b.inside(Call::DropBounding { capability });
                }
            });
        }
        if self.spec.no_new_privileges {
            self.act(
                "forbid new privileges",
                "no set-user-ID program gives what was dropped",
                Shell::None,
                |b| b.inside(Call::NoNewPrivs),
            );
        }
    }

    /// Takes on the program's identity and leaves every other right behind.
    pub(super) fn drop_privileges(&mut self) {
        let spec = self.spec;
        if spec.start_new_session {
            self.act(
                "lead a new session",
                "no controlling terminal that input could be pushed into",
                Shell::None,
                |b| b.inside(Call::Setsid),
            );
            self.take_terminal();
        }
        // The leader of a session is the leader of a group already.
        if let Some(group) = spec.process_group.filter(|_| !spec.start_new_session) {
            self.act("join the process group", "asked for", Shell::None, |b| {
                b.inside(Call::Setpgid { group });
            });
        }
        let mut limits: Vec<_> = spec
            .ulimits
            .iter()
            .filter_map(|(name, limit)| {
                let (_, resource) = RLIMITS.iter().find(|(known, _)| known == name)?;
                Some((
                    name.as_str(),
                    *resource,
                    limit.soft.unwrap_or(u64::MAX),
                    limit.hard.unwrap_or(u64::MAX),
                ))
            })
            .collect();
        for (name, most) in std::mem::take(&mut self.held.stand_in) {
            let Some((_, resource)) = RLIMITS.iter().find(|(known, _)| *known == name) else { continue };
            // What was asked for by name is no wider for that.
            let asked = spec.ulimits.get(name).and_then(|limit| limit.hard).unwrap_or(u64::MAX);
            limits.retain(|(known, ..)| *known != name);
            limits.push((name, *resource, most.min(asked), most.min(asked)));
        }
        for (name, resource, soft, hard) in limits {
            let show = |limit: u64| if limit == u64::MAX { "unlimited".into() } else { limit.to_string() };
            let shell = Shell::Last(vec![format!("prlimit --pid $$ --{name}={}:{}", show(soft), show(hard))]);
            self.act(format!("limit {name}"), "asked for", shell, |b| {
                b.inside(Call::Prlimit { resource, soft, hard });
            });
        }
        self.become_user();
        if let Some(cwd) = self.spec.cwd.clone() {
            let shell = Shell::Last(vec![format!("cd {}", super::quote(&cwd))]);
            self.act(
                "enter the working directory",
                "as the program's user: where it may not go, it does not start",
                shell,
                |b| {
                    b.inside(Call::Chdir { path: cwd.into() });
                },
            );
        } else if !self.new_one(Kind::Mnt) || self.spec.root_change != RootChange::PivotRoot {
            // A root that was changed by pivot_root has been entered already.
            self.act(
                "enter the working directory",
                "no directory of the caller's is kept",
                Shell::None,
                |b| b.inside(Call::Chdir { path: "/".into() }),
            );
        }
        let kept = self.kept_capabilities();
        let mask = if self.account.uid == 0 { kept } else { 0 };
        let mask = if self.users.mode == Mode::Host { mask & self.host.capabilities } else { mask };
        self.act(
            "keep only these capabilities",
            "Docker's default set, unless told otherwise",
            Shell::None,
            |b| b.inside(Call::Capset { mask }),
        );
    }

    fn become_user(&mut self) {
        let (uid, gid) = (self.account.uid, self.account.gid);
        let groups = self.spec.group_add.clone();
        if uid == 0 && gid == 0 && groups.is_empty() {
            return;
        }
        let may_set_groups = self.users.mode != Mode::BySelf;
        self.act("become the program's user", "asked for", Shell::None, |b| {
            if may_set_groups {
                b.needs = Some("CAP_SETGID");
                b.inside(Call::Setgroups { groups });
            }
            b.needs = Some("CAP_SETGID");
            b.inside(Call::Setresgid { id: gid });
            b.needs = Some("CAP_SETUID");
            b.inside(Call::Setresuid { id: uid });
        });
    }

    /// Signals and the file mode mask, as a new program expects them.
    pub(super) fn reset_process(&mut self) {
        let mask = self.spec.umask;
        let shell = Shell::Last(vec![format!("umask {mask:03o}")]);
        self.act("set the file mode mask", "not the caller's", shell, |b| b.inside(Call::Umask { mask }));
        let reset = self.host.ignored | if self.host.clone3 { 0 } else { self.host.handled };
        self.act("reset signals", "none is blocked, ignored or handled", Shell::None, |b| {
            for signal in (1..=31).filter(|signal| {
                reset >> (signal - 1) & 1 == 1 && ![libc::SIGKILL, libc::SIGSTOP].contains(signal)
            }) {
                b.inside(Call::DefaultSignal { signal });
            }
            b.inside(Call::UnblockSignals);
        });
    }

    /// What is enforced of the program's rights.
    pub(super) fn report(&mut self) {
        self.report_namespaces();
        self.report_files();
        let no_new = if self.spec.no_new_privileges {
            Enforcement::Enforced
        } else {
            Enforcement::NotEnforced("switched off".into())
        };
        self.enforced.insert("no_new_privileges", no_new);
        let added = self.kept_capabilities() & !DOCKER_MASK;
        let capabilities = if added == 0 {
            Enforcement::Enforced
        } else {
            Enforcement::Partial("cap_add gives more than Docker's default set".into())
        };
        self.enforced.insert("capabilities", capabilities);
        self.enforced
            .insert("seccomp", Enforcement::NotEnforced("this version has no system call filter".into()));
    }
}
