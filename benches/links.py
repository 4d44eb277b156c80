"""A veth between two new network namespaces with pyroute2. As root; `core/examples/links.rs` does it, too."""

import os
import statistics
import sys
import time

from pyroute2 import NetNS, netns


def main(count: int) -> None:
    times: list[list[float]] = [[], [], [], []]
    # What the kernel does to take a namespace down would be in the way of the next one.
    kept: list[str] = []
    for n in range(count):
        names = [f"minicontain-bench-{os.getpid()}-{n}-{side}" for side in ("left", "right")]
        kept += names
        marks = [time.perf_counter()]
        for name in names:
            netns.create(name)
        marks.append(time.perf_counter())
        here, there = (NetNS(name) for name in names)
        marks.append(time.perf_counter())
        with here, there:
            here.link("add", ifname="veth0", kind="veth", peer={"ifname": "veth1", "net_ns_fd": names[1]})
            veth0, veth1 = here.link_lookup(ifname="veth0")[0], there.link_lookup(ifname="veth1")[0]
            marks.append(time.perf_counter())
            for side, index, address in ((here, veth0, "10.16.8.1"), (there, veth1, "10.16.8.2")):
                side.addr("add", index=index, address=address, prefixlen=24)
                side.link("set", index=index, state="up")
            marks.append(time.perf_counter())
        for row, begin, end in zip(times, marks, marks[1:]):
            row.append((end - begin) * 1e6)
    for name in kept:
        netns.remove(name)
    medians = [statistics.median(row) for row in times]
    for name, median in zip(("two namespaces", "two sockets", "veth", "addresses, up"), medians):
        print(f"{name:16} {median:8.1f} us")
    print(f"{'all':16} {sum(medians):8.1f} us")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
