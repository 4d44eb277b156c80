"""What `networks cycles` does (core/examples/networks.rs) with pyroute2: each line of input asks for a cycle.

    networks_pyroute2.py BRIDGE

Runs in whatever Python has pyroute2, so it uses nothing of this harness.
"""

import itertools
import json
import os
import sys
import time

from pyroute2 import IPRoute, NetNS, netns


def cycle(here: IPRoute, bridge: int, name: str) -> list[tuple[str, int]]:
    marks = [("", time.perf_counter_ns())]

    def end(part: str) -> None:
        marks.append((part, time.perf_counter_ns()))

    netns.create(name)
    end("namespace")
    there = NetNS(name)
    end("socket there")
    here.link("add", ifname="bench0", kind="veth", peer={"ifname": "eth0", "net_ns_fd": name})
    index = here.link_lookup(ifname="bench0")[0]
    end("veth")
    here.link("set", index=index, master=bridge, state="up")
    end("on the bridge, up")
    eth0 = there.link_lookup(ifname="eth0")[0]
    there.addr("add", index=eth0, address="10.16.8.2", prefixlen=24)
    there.link("set", index=eth0, state="up")
    end("address, up")
    here.link("del", index=index)
    end("delete")
    there.close()
    netns.remove(name)
    end("leave the namespace")
    return [(part, ns - before) for (_, before), (part, ns) in itertools.pairwise(marks)]


def main() -> None:
    names = (f"bench-{os.getpid()}-{n}" for n in itertools.count())
    with IPRoute() as here:
        bridge = here.link_lookup(ifname=sys.argv[1])[0]
        for _ in sys.stdin:
            print(json.dumps(cycle(here, bridge, next(names))), flush=True)


if __name__ == "__main__":
    main()
