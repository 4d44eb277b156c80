"""The flags of unshare(2), setns(2) and clone(2), by the names that the manual and `os` have for them.

>>> from minicontain import CLONE_NEWNET, CLONE_NEWUSER
>>> hex(CLONE_NEWUSER | CLONE_NEWNET)
'0x50000000'
"""

from __future__ import annotations

CLONE_FS = 0x00000200
"""For `unshare`: a root, working directory and umask of the thread's own."""
CLONE_NEWTIME = 0x00000080
"""Offsets of the clocks: time_namespaces(7)."""
CLONE_NEWNS = 0x00020000
"""The tree of mounts: mount_namespaces(7)."""
CLONE_NEWCGROUP = 0x02000000
"""The root of the visible cgroup tree: cgroup_namespaces(7)."""
CLONE_NEWUTS = 0x04000000
"""Host and domain name: uts_namespaces(7)."""
CLONE_NEWIPC = 0x08000000
"""System V IPC and POSIX message queues: ipc_namespaces(7)."""
CLONE_NEWUSER = 0x10000000
"""Users, groups and capabilities: user_namespaces(7)."""
CLONE_NEWPID = 0x20000000
"""Process ids: pid_namespaces(7)."""
CLONE_NEWNET = 0x40000000
"""Links, addresses, routes, ports: network_namespaces(7)."""
