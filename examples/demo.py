"""What `make demo` shows: a container through Python, seen from inside and from outside."""

from __future__ import annotations

import time

import minicontain

INSIDE = """
echo "  host name       $(hostname)"
echo "  I am            $(id -un) (uid $(id -u)), on the host uid $(awk '{print $2}' /proc/self/uid_map)"
echo "  my process id   $$, and I see $(ls /proc | grep -c '^[0-9]') processes"
echo "  interfaces      $(ls /sys/class/net | tr '\\n' ' ')"
echo "  /etc/shadow     $(cat /etc/shadow 2>&1 | tail -1)"
echo "  /tmp            $(ls -A /tmp | wc -l) files"
echo "  capabilities    $(grep CapEff /proc/self/status | cut -f2)"
touch /thrown-away && echo "  / is writable   until the container ends: the layer is thrown away"
"""


def main() -> None:
    """Runs one container and prints what happened."""
    result = minicontain.run(["sh", "-c", INSIDE], hostname="box", capture_output=True, text=True)
    print("Seen from inside:")
    print(result.stdout)
    print(f"It {result.reason} with {result.returncode}, and took {result.stats.wall * 1e3:.1f} ms.")

    print("\nWhat was enforced:")
    for feature, state in result.enforced.items():
        print(f"  {feature:<18} {state}")

    trace = result.trace
    print(f"\nThe {len(trace)} steps that made it, and the slowest ten of them:")
    for step in sorted(trace, key=lambda step: -step.ns)[:10]:
        call = f"{step.syscall}({step.arguments})"
        print(f"  {step.ns / 1e3:8.1f} us  {step.side:<9} {call[:80]:<80} = {step.result}")

    runs = []
    for _ in range(50):
        began = time.perf_counter()
        minicontain.run(["true"])
        runs.append(time.perf_counter() - began)
    print(f"\nminicontain.run(['true']), every default on: {sorted(runs)[25] * 1e3:.2f} ms (median of 50)")


if __name__ == "__main__":
    main()
