"""Two network namespaces with a cable between them, and the shell command of each step. Needs root.

What plays the host here is a network namespace of this program's own, so that the real one is left alone.
"""

from __future__ import annotations

import subprocess

import minicontain


def ping(address: str) -> str:
    """Whether it answers, asked from the network namespace that this thread is in."""
    # What is sent first may be lost: the kernel looks once a second which links have a carrier.
    done = subprocess.run(["ping", "-c5", "-i0.3", "-W1", address], capture_output=True)
    return f"{address} {'answers' if done.returncode == 0 else 'does not answer'}"


def show(step: str, link: minicontain.Link, count: int = 1) -> None:
    """A step, with the last shell commands of a link's history."""
    print(f"\n{step}")
    for done in link.history[-count:]:
        print(f"  # {done}")


def lesson(child: minicontain.Namespace) -> None:
    """From an empty network namespace to one that is reached by a cable."""
    print(f"A new network namespace has a loopback that is off: {minicontain.Link.list(child)}")
    print(" ", child.call(ping, "127.0.0.1"))

    lo = minicontain.Link.get("lo", child)
    lo.up()
    show("Switched on, it is at 127.0.0.1:", lo)
    print(" ", child.call(ping, "127.0.0.1"))

    with minicontain.Veth("veth0", "veth1") as veth:
        show("A veth is a cable; both its ends are here:", veth)
        veth.peer.move_to(child)
        show("One end goes into the namespace:", veth)
        veth.addr("10.16.8.1/24")
        veth.peer.addr("10.16.8.2/24")
        show("Each end gets an address:", veth, 2)
        veth.up()
        veth.peer.up()
        show("Both ends are switched on:", veth, 2)
        print(" ", ping("10.16.8.2"), "from here")
        print(" ", child.call(ping, "10.16.8.1"), "from inside")
        print(f"\nWhat went through: {veth.statistics.tx_packets} packets out of {veth}")
        print(f"Routes inside: {', '.join(map(str, minicontain.routes(child)))}")
    print(f"\nWithout the cable, there is left inside: {minicontain.Link.list(child)}")


def main() -> None:
    """The lesson, in a network namespace that plays the host."""
    with minicontain.Namespace.new("net"):
        child = minicontain.Namespace.new("net", name="child")
        try:
            names = [namespace.name for namespace in minicontain.named_namespaces()]
            print(f"'ip netns list' has 'child' now: {'child' in names}\n")
            lesson(child)
        finally:
            child.remove()


if __name__ == "__main__":
    main()
