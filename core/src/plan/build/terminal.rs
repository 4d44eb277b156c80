//! A terminal of the container's own: pty(7), ioctl_tty(2).
//!
//! It is made inside, in the container's own devpts, and the caller gets one end through a socket. So `/dev/pts/0` is
//! there for the program, and nothing that it does to its terminal reaches the caller's.

use super::{Builder, Call, Fd, Shell, Side};

impl Builder<'_> {
    /// The caller opens the way by which its end will come.
    pub(super) fn open_terminal(&mut self) {
        if !self.spec.tty {
            return;
        }
        let (first, second) = (self.slot("terminal's socket"), self.slot("terminal's socket (child's)"));
        self.act("open a socket for the terminal", "the child sends one end of it back", Shell::None, |b| {
            b.caller(Call::SocketPair { first, second });
        });
        self.files.terminal = Some((first, second));
    }

    /// The child makes the terminal, once the container's devpts is there.
    pub(super) fn make_terminal(&mut self) {
        let Some((_, socket)) = self.files.terminal else { return };
        let (master, peer) = (self.slot("terminal (caller's end)"), self.slot("terminal"));
        let (rows, columns) = self.spec.tty_size;
        let uid = self.account.uid;
        self.act("make the terminal", "in the container's own devpts", Shell::None, |b| {
            b.inside(Call::Open {
                dir: Fd::Cwd,
                path: "/dev/pts/ptmx".into(),
                flags: (libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC) as u64,
                mode: 0,
                keep: master,
            });
            b.inside(Call::UnlockTerminal { master });
            b.inside(Call::OpenPeer { master, keep: peer });
            b.inside(Call::WindowSize { fd: master, rows, columns });
            if uid != 0 {
                b.needs = Some("CAP_CHOWN");
                // The group that may write to it stays.
                let (path, group, flags) = ("".into(), u32::MAX, crate::sys::abi::AT_EMPTY_PATH);
                b.inside(Call::Chown { dir: Fd::Slot(peer), path, user: uid, group, flags });
                b.needs = None;
            }
            b.inside(Call::SendFd { socket, fd: master });
            b.close(Side::Container, master);
            let peer = b.above_standard(Side::Container, peer);
            b.files.streams = [Some(peer); 3];
        });
    }

    /// The program's session gets it.
    pub(super) fn take_terminal(&mut self) {
        let (true, Some(peer)) = (self.spec.tty, self.files.streams[0]) else { return };
        let why = "Ctrl-C and the like reach the program's session";
        self.act("make it the session's terminal", why, Shell::None, |b| {
            b.inside(Call::ControllingTerminal { fd: peer });
        });
    }

    /// The caller takes its end.
    pub(super) fn receive_terminal(&mut self) {
        let Some((socket, other)) = self.files.terminal else { return };
        let keep = self.slot("terminal");
        self.kept.terminal = Some(keep);
        self.act("take the caller's end of the terminal", "the child sent it", Shell::None, |b| {
            // Without this, the end of a child that failed would not be noticed.
            b.close(Side::Caller, other);
            b.caller(Call::ReceiveFd { socket, keep });
        });
    }
}
