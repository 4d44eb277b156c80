//! A plan as the shell commands that people know: unshare(1), nsenter(1), mount(8), ip(8), pivot_root(8).

use std::fmt::Write as _;

use super::build::cgroup::SHELL_NUMBER;
use super::build::quote;
use super::call::Call;
use super::step::{Plan, Shell};
use crate::namespace::Kind;
use crate::network::lan::Inside;
use crate::spec::{CAPABILITIES, NamespaceSource, RootChange};

impl Plan {
    /// The same container as a shell script, to read, to learn from, and to run.
    ///
    /// The script needs util-linux and iproute2; a root directory that is named must hold `umount`, and `setpriv`
    /// where capabilities are dropped. It prepares mounts before it changes the root, while the plan mounts what
    /// it can by descriptor after that: what comes out is the same.
    ///
    /// ```
    /// use minicontain::{Plan, Spec};
    /// let script = Plan::new(Spec::new(["true"]))?.to_shell();
    /// assert!(script.contains("unshare") && script.contains("pivot_root . ."));
    /// # Ok::<(), minicontain::Error>(())
    /// ```
    #[must_use]
    pub fn to_shell(&self) -> String {
        let mapped = self.acts.iter().any(|act| matches!(act.shell, Shell::Map(_)));
        let own_mounts = self.spec.namespaces.new_one(Kind::Mnt);
        let early = !mapped && self.spec.namespaces.user == NamespaceSource::New;
        let outer = own_mounts && !early;
        let mut before = String::from("T=$(mktemp -d)\n");
        // A mount of its own, so that nothing else has to be taken off in the end.
        before.push_str(if outer {
            "mount -t tmpfs -o mode=755 tmpfs \"$T\"\n"
        } else {
            "chmod 755 \"$T\"\n"
        });
        let end = if outer { "umount -l \"$T\"; rmdir \"$T\"" } else { "rm -r \"$T\"" };
        let end = &format!("{}{end}", self.remove_cgroups());
        let _ = writeln!(before, "trap '{end}' EXIT");
        let mut inside = String::from("set -eu\n");
        let mut map = String::new();
        let mut last = String::new();
        let mut enter = String::new();
        if own_mounts && mapped {
            // What the outer mount namespace holds is locked in the inner one: a copy over it is not.
            inside.push_str("mount --rbind \"$R\" \"$R\"\n");
        }
        for act in &self.acts {
            let (script, lines) = match &act.shell {
                Shell::None => continue,
                Shell::Before(lines) if early => (&mut inside, lines),
                Shell::Before(lines) => (&mut before, lines),
                Shell::Map(lines) => (&mut map, lines),
                Shell::Enter(lines) => (&mut enter, lines),
                Shell::Inside(lines) => (&mut inside, lines),
                Shell::Last(lines) => (&mut last, lines),
            };
            let _ = writeln!(script, "# {}", act.what.replace(char::is_control, " "));
            for line in lines {
                let _ = writeln!(script, "{line}");
            }
        }
        if own_mounts {
            inside.push_str(self.change_root());
        }
        inside.push_str(&last.replace("exec ", &format!("exec {}", self.privileges())));
        let mut command = self.enter(mapped);
        if !enter.is_empty() {
            command.insert_str(0, "sh \"$T/enter\" ");
            enter = format!("cat > \"$T/enter\" <<'ENTER'\nset -eu\n{enter}exec \"$@\"\nENTER\n");
        }
        let holder = if mapped { self.hold(&map, end) } else { String::new() };
        let run = format!(
            "{holder}{enter}cat > \"$T/inside\" <<'INSIDE'\n{inside}INSIDE\nexport R=\"${{R:-}}\" S=\"${{S:-}}\" T\n{command} sh \"$T/inside\" \"$@\"\n"
        );
        // An ordinary user's PATH may lack what is only root's to use elsewhere: pivot_root, sysctl.
        let body = format!("set -eu\nPATH=$PATH:/usr/sbin:/sbin\n{before}{run}");
        if outer {
            let who = match self.inside() {
                Some(Inside { user, net }) => format!(
                    "# As the user who made the network, in its namespaces.\nexec nsenter --user={user} --net={net} --preserve-credentials "
                ),
                None => "# As root.\nexec ".into(),
            };
            // The mounts made before the namespaces are made must not be the host's.
            return format!(
                "#!/bin/sh\n{who}unshare --mount --propagation private sh -s -- \"$@\" <<'CONTAINER'\n{body}CONTAINER\n"
            );
        }
        format!("#!/bin/sh\n{body}")
    }

    /// Takes off the cgroups that the script makes.
    fn remove_cgroups(&self) -> String {
        let Some(own) = &self.own else { return String::new() };
        let cgroup = own.cgroup.continued(&format!("{SHELL_NUMBER}{}", own.suffix));
        let paths =
            cgroup.directories().iter().map(|one| format!(" {}", quote(&one.path.display().to_string())));
        format!("rmdir{}; ", paths.collect::<String>())
    }

    /// The command that makes or enters the namespaces.
    fn enter(&self, mapped: bool) -> String {
        let namespaces = &self.spec.namespaces;
        let mut join = String::new();
        for kind in Kind::ALL {
            let path = match namespaces.get(kind) {
                NamespaceSource::Pid(pid) => format!("/proc/{pid}/ns/{kind}"),
                NamespaceSource::Path(path) => path.clone(),
                NamespaceSource::Fd(fd) => format!("/proc/self/fd/{fd}"),
                NamespaceSource::New | NamespaceSource::Host => continue,
            };
            let _ = write!(join, " {}={}", kind.unshare_option(), quote(&path));
        }
        let mut new = String::new();
        let held = if mapped { self.held() } else { Vec::new() };
        for kind in Kind::ALL.into_iter().filter(|kind| namespaces.new_one(*kind) && !held.contains(kind)) {
            let _ = write!(new, " {}", kind.unshare_option());
            match kind {
                Kind::User => new.push_str(" --map-root-user"),
                Kind::Pid => new.push_str(" --fork --kill-child"),
                Kind::Time => {
                    let offsets = self.spec.time_offsets;
                    let _ = write!(new, " --monotonic {} --boottime {}", offsets.monotonic, offsets.boottime);
                }
                _ => {}
            }
        }
        let mut command = String::new();
        if !held.is_empty() {
            command.push_str("nsenter");
            for kind in &held {
                let _ = write!(command, " {}=/proc/$pid/ns/{kind}", kind.unshare_option());
            }
            command.push_str(match (held.contains(&Kind::User), self.inside()) {
                (true, None) => " --setuid 0 --setgid 0 -- ",
                (true, Some(_)) => " --preserve-credentials -- ",
                (false, _) => " -- ",
            });
        }
        if !join.is_empty() {
            let _ = write!(command, "nsenter{join} -- ");
        }
        if !new.is_empty() {
            let _ = write!(command, "unshare{new} --");
        }
        command
    }

    /// The namespaces that the caller has to see to before anything is in them: to map ids, to link networks.
    fn held(&self) -> Vec<Kind> {
        let of =
            |kind: Kind, seen_to: bool| Some(kind).filter(|_| seen_to && self.spec.namespaces.new_one(kind));
        of(Kind::User, true).into_iter().chain(of(Kind::Net, !self.places.is_empty())).collect()
    }

    /// Those, held by a sleeping process until they are seen to and entered.
    fn hold(&self, map: &str, end: &str) -> String {
        let held = self.held();
        let mut options: String = held.iter().map(|kind| format!(" {}", kind.unshare_option())).collect();
        if self.inside().is_some() {
            options.push_str(" --map-root-user");
        }
        let last = held.last().map_or("", |kind| kind.name());
        format!(
            "unshare{options} sleep infinity &\npid=$!\ntrap 'kill $pid; {end}' EXIT\n\
             until [ \"$(readlink /proc/$pid/ns/{last})\" != \"$(readlink /proc/self/ns/{last})\" ]; do :; done\n{map}"
        )
    }

    /// The namespaces of an ordinary user's network, where its root may link what belongs to it.
    fn inside(&self) -> Option<&Inside> {
        self.places.iter().find_map(|place| place.record.inside.as_ref())
    }

    /// Into the new root, and the old one off.
    fn change_root(&self) -> &'static str {
        match self.spec.root_change {
            RootChange::PivotRoot => {
                "# change the root, detach the old one\ncd \"$R\"\npivot_root . .\numount -l .\ncd /\n"
            }
            RootChange::Chroot => "# change the root\ncd \"$R\"\n",
        }
    }

    /// The words before the program that take everything away which it shall not have.
    fn privileges(&self) -> String {
        let mut environment = String::new();
        let mut set = String::new();
        for step in &self.steps {
            match &step.call {
                Call::Execve { envp, .. } => {
                    environment = envp.iter().map(|entry| format!("{} ", quote(entry))).collect();
                }
                Call::NoNewPrivs => set.push_str(" --no-new-privs"),
                Call::Setresuid { id } if *id != 0 => {
                    let _ = write!(set, " --reuid {id}");
                }
                Call::Setresgid { id } if *id != 0 => {
                    let _ = write!(set, " --regid {id} --clear-groups");
                }
                _ => {}
            }
        }
        let dropped = self.steps.iter().filter_map(|step| match step.call {
            Call::DropBounding { capability } => Some(capability as usize),
            _ => None,
        });
        let dropped: Vec<usize> = dropped.collect();
        if !dropped.is_empty() {
            let kept = CAPABILITIES.iter().enumerate().filter(|(n, _)| !dropped.contains(n));
            let kept: String = kept.map(|(_, name)| format!(",+{}", name[4..].to_lowercase())).collect();
            let _ = write!(set, " --inh-caps=-all --bounding-set=-all{kept}");
        }
        let chroot = if self.spec.root_change == RootChange::Chroot { "chroot . " } else { "" };
        let set = if set.is_empty() { set } else { format!("setpriv{set} ") };
        format!("{chroot}env -i {environment}{set}")
    }
}
