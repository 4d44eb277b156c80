"""The C face: header, library, installation, examples, and the C programs of pytests/c.

Covers: root and ordinary user; cgroups where the user may have them.
The library must be built (cargo build --release -p minicontain-ffi); MINICONTAIN_LIB_DIR says where it is,
if not in target/release.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import DROP, PATIENCE, ROOT

PROJECT = Path(__file__).resolve().parent.parent
PROGRAMS = PROJECT / "pytests" / "c"
EXAMPLES = PROJECT / "examples" / "c"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
LIB_DIR = Path(os.environ.get("MINICONTAIN_LIB_DIR", TARGET / "release"))
CC = os.environ.get("CC", "cc")
CXX = os.environ.get("CXX", "c++")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
C99 = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
TESTS = [
    "spec",
    "plan",
    "run",
    "container",
    "exec",
    "terminal",
    "named",
    "files",
    "errors",
    "threads",
    "faults",
    "limits",
    "cgroup",
    "namespaces",
    "inside",
    "links",
    "network",
]


@dataclass
class Installed:
    """The C face as a user finds it: installed below a prefix, found by pkg-config."""

    prefix: Path

    def flags(self, *options: str) -> list[str]:
        pkg_config = ["pkg-config", *options, "--cflags", "--libs", "minicontain"]
        found = subprocess.run(pkg_config, env=self.environment(), capture_output=True, text=True, check=True)
        return found.stdout.split()

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PKG_CONFIG_PATH": str(self.prefix / "lib/pkgconfig"),
            "LD_LIBRARY_PATH": str(self.prefix / "lib"),
        }

    def compile(self, source: Path, program: Path, *options: str, compiler: str = CC) -> Path:
        command = [
            compiler,
            *options,
            f"-I{PROGRAMS}",
            str(source),
            "-o",
            str(program),
            *self.flags(),
            "-pthread",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        program.chmod(0o755)
        return program

    def run(
        self, user: str, *command: str | Path, input: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command as root or as somebody who is not, from a directory that everyone can read."""
        drop = DROP if ROOT and user != "root" else []
        return subprocess.run(
            [*drop, *map(str, command)],
            input=input,
            env=self.environment() | (env or {}),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd="/",
        )


def install(prefix: str, destdir: str = "") -> None:
    environment = os.environ | {"PREFIX": prefix, "DESTDIR": destdir, "MINICONTAIN_LIB_DIR": str(LIB_DIR)}
    subprocess.run(["sh", PROJECT / "ffi/install.sh"], env=environment, check=True)


@pytest.fixture(scope="module")
def installed(workshop: Path) -> Installed:
    if not (LIB_DIR / "libminicontain.so").exists():
        pytest.fail(f"no libminicontain.so in {LIB_DIR}: run cargo build --release -p minicontain-ffi")
    install(str(workshop / "usr"))
    return Installed(workshop / "usr")


@pytest.fixture(params=["root", "ordinary user"])
def user(request: pytest.FixtureRequest) -> str:
    """Who runs a program. Unlike `caller`, it need not be able to read this Python."""
    if request.param == "root" and not ROOT:
        pytest.skip("the tests were not started by root")
    return str(request.param)


# The header


@pytest.mark.parametrize(
    ("compiler", "standard"), [(CC, "c99"), (CC, "c11"), (CC, "c2x"), (CXX, "c++17"), (CXX, "c++20")]
)
def test_header_is_clean(installed: Installed, workshop: Path, compiler: str, standard: str) -> None:
    language = "c++" if standard.startswith("c++") else "c"
    source = workshop / f"header-{standard}.c"
    source.write_text('#include <minicontain.h>\n#include "minicontain.h"\nint nothing;\n')
    include = f"-I{installed.prefix / 'include'}"
    command = [compiler, "-x", language, f"-std={standard}", *STRICT, include, "-fsyntax-only", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def header_example() -> str:
    comment = (PROJECT / "include/minicontain.h").read_text().split("*/")[0]
    lines = [line[3:] for line in comment.splitlines() if line.startswith(" *  ")]
    program = [line[4:] for line in lines if not line.strip().startswith("cc ")]
    return "\n".join(program) + "\n"


def test_header_example_runs(installed: Installed, workshop: Path, user: str) -> None:
    source = workshop / "header_example.c"
    source.write_text(header_example())
    program = installed.compile(source, workshop / "header_example", *C99)
    done = installed.run(user, program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "box\n0\nexited with status 0\n", "")


def test_header_serves_cplusplus(installed: Installed, workshop: Path, user: str) -> None:
    source = workshop / "plus.cpp"
    source.write_text(
        """\
#include <cstdio>
#include <memory>
#include <minicontain.h>
struct free_error { void operator()(minicontain_error *e) const { minicontain_error_free(e); } };
struct free_spec { void operator()(minicontain_spec *s) const { minicontain_spec_free(s); } };
int main()
{
    const char *argv[] = {"sh", "-c", "exit 6"};
    minicontain_spec *raw = nullptr;
    std::unique_ptr<minicontain_error, free_error> error(minicontain_spec_new(argv, 3, &raw));
    std::unique_ptr<minicontain_spec, free_spec> spec(raw);
    minicontain_result *result = nullptr;
    error.reset(minicontain_spec_set_stream(spec.get(), 0, MINICONTAIN_STDIO_NULL));
    if (!error) error.reset(minicontain_run(spec.get(), nullptr, 0, -1, &result));
    if (error) { std::puts(minicontain_error_message(error.get())); return 1; }
    int status = minicontain_outcome_status(minicontain_result_outcome(result));
    minicontain_result_free(result);
    return status;
}
"""
    )
    program = installed.compile(source, workshop / "plus", "-std=c++17", *STRICT, compiler=CXX)
    done = installed.run(user, program)
    assert (done.returncode, done.stdout) == (6, "")


def test_namespaces_serve_cplusplus(installed: Installed, workshop: Path, user: str) -> None:
    """A function is a lambda there, and what it is given an object."""
    source = workshop / "namespaces.cpp"
    source.write_text(
        """\
#include <cstdio>
#include <minicontain.h>
#include <sched.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
struct caller { unsigned uid, gid; std::string name; };
int main()
{
    caller self{geteuid(), getegid(), "box"};
    minicontain_child *child = nullptr;
    auto inside = [](void *arg) -> int {
        auto *self = static_cast<caller *>(arg);
        if (minicontain_map_root(self->uid, self->gid) != nullptr) return 1;
        return sethostname(self->name.data(), self->name.size()) == 0 ? 6 : 2;
    };
    minicontain_error *error = minicontain_clone(inside, &self, CLONE_NEWUSER | CLONE_NEWUTS, &child);
    int status = 0;
    if (!error) error = minicontain_child_wait(child, &status);
    if (error) std::puts(minicontain_error_message(error));
    minicontain_error_free(error);
    minicontain_child_free(child);
    return WEXITSTATUS(status);
}
"""
    )
    program = installed.compile(source, workshop / "namespaces-plus", "-std=c++17", *STRICT, compiler=CXX)
    done = installed.run(user, program)
    assert (done.returncode, done.stdout) == (6, "")


def test_links_serve_cplusplus(installed: Installed, workshop: Path, user: str) -> None:
    """A handle is a unique_ptr there, and namespaces are those of a user namespace: nobody needs root."""
    source = workshop / "links.cpp"
    source.write_text(
        """\
#include <cstdio>
#include <cstring>
#include <memory>
#include <minicontain.h>
template <typename T, void (*Free)(T *)> struct freed { void operator()(T *handle) const { Free(handle); } };
template <typename T, void (*Free)(T *)> using held = std::unique_ptr<T, freed<T, Free>>;
using net = held<minicontain_namespace, minicontain_namespace_free>;
using link = held<minicontain_link, minicontain_link_free>;
static void check(minicontain_error *error)
{
    if (error) std::puts(minicontain_error_message(error));
    minicontain_error_free(error);
}
int main()
{
    minicontain_namespace *user = nullptr, *ns = nullptr;
    minicontain_link *bridge = nullptr;
    minicontain_link_state *state = nullptr;
    check(minicontain_namespace_create("user", &user));
    net owner(user);
    check(minicontain_namespace_create_in("net", owner.get(), &ns));
    net own(ns);
    check(minicontain_link_create_bridge(own.get(), "br0", &bridge));
    link br0(bridge);
    check(minicontain_link_up(br0.get()));
    check(minicontain_link_state_of(br0.get(), &state));
    bool up = minicontain_link_state_up(state);
    auto sent = minicontain_link_state_counter(state, MINICONTAIN_COUNTER_TX_ERRORS);
    minicontain_link_state_free(state);
    return up && sent == 0 ? 6 : 1;
}
"""
    )
    program = installed.compile(source, workshop / "links-plus", "-std=c++17", *STRICT, compiler=CXX)
    done = installed.run(user, program)
    assert (done.returncode, done.stdout) == (6, "")


# The library and its installation


def declared() -> set[str]:
    header = re.sub(r"/\*.*?\*/", "", (PROJECT / "include/minicontain.h").read_text(), flags=re.DOTALL)
    return set(re.findall(r"\b(minicontain_\w+)\(", header))


def test_nothing_is_exported_but_what_the_header_declares(installed: Installed) -> None:
    library = installed.prefix / "lib/libminicontain.so"
    table = subprocess.run(
        ["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True
    )
    exported = {line.split()[-1] for line in table.stdout.splitlines()}
    assert exported == declared()
    assert all(name.startswith("minicontain_") for name in exported)


def test_the_library_needs_only_the_c_library(installed: Installed) -> None:
    library = installed.prefix / "lib/libminicontain.so"
    dynamic = subprocess.run(["readelf", "-dW", library], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"\(SONAME\).*\[(.*)\]", dynamic) == ["libminicontain.so.0"]
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    assert all(re.match(r"(libc\.so|libgcc_s\.so|ld-linux)", name) for name in needed), needed


@pytest.mark.usefixtures("installed")
def test_install_honours_prefix_and_destdir(workshop: Path) -> None:
    destdir = workshop / "package"
    install("/opt/mini", str(destdir))
    root = destdir / "opt/mini"
    files = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}
    (real,) = [name for name in files if re.fullmatch(r"lib/libminicontain\.so\.\d+\.\d+\.\d+", name)]
    assert files == {
        real,
        "lib/libminicontain.so.0",
        "lib/libminicontain.so",
        "lib/libminicontain.a",
        "lib/pkgconfig/minicontain.pc",
        "include/minicontain.h",
    }
    assert (root / "lib/libminicontain.so").resolve() == (root / real).resolve()
    # What is installed speaks of where it will be, not of where it was put together.
    assert "prefix=/opt/mini\n" in (root / "lib/pkgconfig/minicontain.pc").read_text()

    source = workshop / "version.c"
    source.write_text(
        "#include <minicontain.h>\n#include <stdio.h>\n"
        "int main(void) { return puts(minicontain_version()) < 0; }\n"
    )
    environment = os.environ | {
        "PKG_CONFIG_PATH": str(root / "lib/pkgconfig"),
        "PKG_CONFIG_SYSROOT_DIR": str(destdir),
    }

    def ask(*options: str) -> str:
        command = ["pkg-config", *options, "minicontain"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    program = workshop / "version"
    subprocess.run([CC, *C99, source, "-o", program, *ask("--cflags", "--libs").split()], check=True)
    loader = {"LD_LIBRARY_PATH": str(root / "lib")}
    assert subprocess.run([program], env=loader, capture_output=True, text=True).stdout == ask("--modversion")


def test_the_static_library_needs_nothing_installed(installed: Installed, workshop: Path, user: str) -> None:
    flags = [
        "-l:libminicontain.a" if flag == "-lminicontain" else flag for flag in installed.flags("--static")
    ]
    program = workshop / "run-static"
    subprocess.run([CC, *C99, EXAMPLES / "run.c", "-o", program, *flags], check=True)
    program.chmod(0o755)
    linked = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    assert "libminicontain" not in linked
    done = installed.run(user, program, "hostname")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "minicontain"), done.stderr


# The examples


@pytest.fixture(scope="module")
def examples(installed: Installed, workshop: Path) -> Path:
    """The examples, built as a user builds them: by make, with pkg-config."""
    path = workshop / "examples"
    shutil.copytree(EXAMPLES, path)
    done = subprocess.run(["make", "-C", path], env=installed.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


def test_example_run(installed: Installed, examples: Path, user: str) -> None:
    done = installed.run(user, examples / "run", "sh", "-c", "hostname; id -u; exit 3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("minicontain\n0\n-- exited with status 3 after ")
    assert re.search(r"^container execve\(.*/sh\".*\) = 0$", done.stdout, re.MULTILINE)
    missing = installed.run(user, examples / "run", "/no/such/program")
    assert missing.returncode == 1
    assert "ENOENT" in missing.stderr
    assert "hint:" in missing.stderr


def test_example_sandbox(installed: Installed, examples: Path, user: str) -> None:
    done = installed.run(user, examples / "sandbox")
    good, slow, nosy, broken = done.stdout.split("one that ")
    assert "answer: A REQUEST\n" in good
    assert "ended by itself with status 0" in good
    assert "killed: it took longer than 500 ms" in slow
    assert "cannot create /etc/motd" in nosy
    assert "answer: 0\n" in nosy
    assert "status 3" in nosy
    assert "program_not_found" in broken
    assert "execve = ENOENT" in broken
    assert "hint: " in broken
    assert done.stderr == ""


def test_example_poll(installed: Installed, examples: Path, user: str) -> None:
    done = installed.run(user, examples / "poll")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == [
        "counter: 1",
        "counter: 2",
        "counter: 3",
        "counter: exited with status 0",
        "endless: here",
        "endless: killed, after 500 ms",
        "failing: exited with status 3",
        "failing: no",
        "visitor: exited with status 0",
        "visitor: in endless",
    ]
    # A container's words come before its end.
    assert done.stdout.index("counter: 3") < done.stdout.index("counter: exited")


def test_example_limits(installed: Installed, examples: Path, user: str) -> None:
    done = installed.run(user, examples / "limits")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    if lines[-1] == "used: this user has no cgroup to tell":
        assert user != "root" or not hierarchies(), "root has cgroups where the host can be written"
        assert lines[:-1] == ["ended: exited with status 1"]
        assert "memory exhausted" in done.stderr
        return
    assert "event: pids_limit" in lines
    assert "event: oom_kill" in lines
    assert "ended: oom" in lines
    assert "  of: 16777216 bytes" in lines
    assert "  of: 8" in lines
    assert "  killed for want of it: 1" in lines
    assert "not told here" not in lines[-1]
    small = installed.run(user, examples / "limits", "true")
    assert (small.returncode, small.stderr) == (0, "")
    assert "ended: exited with status 0" in small.stdout.splitlines()


def test_example_namespaces(installed: Installed, examples: Path, user: str) -> None:
    # What root mounts for names, the directory of `ip netns`, goes with this mount namespace.
    apart = ["unshare", "--mount"] if user == "root" else []
    done = installed.run(user, *apart, examples / "namespaces")
    lines = done.stdout.splitlines()
    outside, inside, status = lines[:3]
    assert inside == "inside: host name box, process 1", done.stderr
    assert status == "the copy exited with status 0"
    assert outside.startswith("outside: host name ")
    assert lines[3] == outside
    if user != "root":
        assert (done.returncode, lines[4:]) == (1, [])
        assert "hint: " in done.stderr
        assert "CAP_SYS_ADMIN" in done.stderr
        return
    assert (done.returncode, done.stderr) == (0, "")
    name, network = lines[4].removeprefix("made: ").split(", ")
    assert any(line.split()[0] == name for line in lines[5:-3]), "ip netns list shows it"
    own = os.readlink("/proc/self/ns/net")
    assert lines[-3:] == [f"before: {own}", f"inside: {network}", f"after: {own}"]
    assert not Path("/run/netns", name).exists()


def test_example_network(installed: Installed, examples: Path, user: str) -> None:
    """It plays the host in namespaces of its own: the real one stays as it was, and nobody needs root."""
    if shutil.which("ip") is None or shutil.which("ping") is None:
        pytest.skip("ip(8) or ping(8) is not installed")
    done = installed.run(user, examples / "network")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    made, loopback, _, cable = done.stdout.strip().split("\n\n")[:4]
    assert made.splitlines()[1:] == ["host$ ip netns add child", "  lo: down", "host$ ip netns list", "child"]
    assert "\nchild$ ping -c 1 -W 5 127.0.0.1\n" in loopback
    assert cable.splitlines()[1:] == [
        "host$ ip link add veth0 type veth peer name veth1",
        "host$ ip link set dev veth1 netns child",
    ]
    assert (
        "\nhost$ ip address add 10.16.8.1/24 broadcast + dev veth0\nhost$ ip link set dev veth0 up\n"
        in done.stdout
    )
    # A command may say itself which namespace it is for.
    assert re.search(
        r"\nchild\$ ip (-n child )?address add 10\.16\.8\.2/24 broadcast \+ dev veth1\n", done.stdout
    )
    assert re.search(r"^  veth1: up 10\.16\.8\.2/24", done.stdout, re.MULTILINE)
    assert done.stdout.count("1 packets transmitted, 1 received") == 3
    assert re.search(
        r"\nhost\$ ip link del dev veth0\n  lo: up .*\nhost\$ ip netns delete child\n$", done.stdout
    )
    assert "veth0:" not in Path("/proc/self/net/dev").read_text()
    assert not Path("/run/netns/child").exists()


def hierarchies() -> list[str]:
    """Where cgroups are mounted and may be written."""
    mounts = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    places = [where.split()[4] for where, what in mounts if what.startswith("cgroup")]
    return [place for place in places if os.access(place, os.W_OK)]


# The programs of pytests/c


@pytest.fixture(scope="module")
def programs(installed: Installed, workshop: Path) -> dict[str, Path]:
    path = workshop / "plain"
    path.mkdir(mode=0o755)
    return {
        name: installed.compile(PROGRAMS / f"{name}.c", path / name, *C99) for name in [*TESTS, "conformance"]
    }


@pytest.fixture(scope="module")
def sanitized(installed: Installed, workshop: Path) -> dict[str, Path]:
    path = workshop / "sanitized"
    path.mkdir(mode=0o755)
    options = [*C99, "-g", "-fsanitize=address", "-fno-omit-frame-pointer"]
    return {name: installed.compile(PROGRAMS / f"{name}.c", path / name, *options) for name in TESTS}


@pytest.fixture(scope="module")
def leaky(workshop: Path) -> Path:
    """A program that forgets specs: what looks for leaks must find them."""
    source = workshop / "leaky.c"
    source.write_text(
        "#include <minicontain.h>\n"
        "static minicontain_spec *spec;\n"
        "int main(void)\n"
        "{ for (int i = 0; i < 9; i++) minicontain_spec_new(NULL, 0, &spec); spec = NULL; return 0; }\n"
    )
    return source


@pytest.mark.parametrize("name", TESTS)
def test_program(installed: Installed, programs: dict[str, Path], user: str, name: str) -> None:
    done = installed.run(user, programs[name])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stdout + done.stderr


@pytest.mark.parametrize("name", TESTS)
def test_program_under_address_sanitizer(
    installed: Installed, sanitized: dict[str, Path], user: str, name: str
) -> None:
    """Rust allocates by malloc, so AddressSanitizer and its leak checker see what the library allocates."""
    done = installed.run(user, sanitized[name], env={"ASAN_OPTIONS": "detect_leaks=1:exitcode=9"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stdout + done.stderr


def test_address_sanitizer_sees_the_library(
    installed: Installed, workshop: Path, leaky: Path, user: str
) -> None:
    program = installed.compile(leaky, workshop / "leaky-sanitized", *C99, "-g", "-fsanitize=address")
    done = installed.run(user, program, env={"ASAN_OPTIONS": "detect_leaks=1:exitcode=9"})
    assert done.returncode == 9
    assert "libminicontain.so" in done.stderr


# What the library keeps to the end, the names of a spec's fields, is still reachable and no leak.
LEAKS = "definite,indirect,possible"
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", f"--show-leak-kinds={LEAKS}", "--error-exitcode=9"]


@pytest.mark.parametrize("name", ["spec", "plan"])
def test_program_under_valgrind(
    installed: Installed, programs: dict[str, Path], user: str, name: str
) -> None:
    """Specs and plans only: no valgrind starts a container.

    valgrind answers system calls that it does not know with ENOSYS (in Debian 12 fsopen is one of them), has
    no clone3, and ends the program at a clone(2) whose flags are neither a thread's nor a vfork's. The
    sanitizer has no such limits, and runs everything.
    """
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    done = installed.run(user, *VALGRIND, programs[name])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stdout + done.stderr


def test_valgrind_sees_the_library(installed: Installed, workshop: Path, leaky: Path) -> None:
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    program = installed.compile(leaky, workshop / "leaky", *C99, "-g")
    done = installed.run("ordinary user", *VALGRIND, program)
    assert done.returncode == 9
    assert "minicontain_spec_new" in done.stderr


# The runner of pytests/conformance


def conform(installed: Installed, runner: Path, user: str, spec: object, *options: str) -> dict[str, object]:
    done = installed.run(user, runner, *options, input=json.dumps(spec))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def test_conformance_runner_tells_a_result(
    installed: Installed, programs: dict[str, Path], user: str
) -> None:
    script = r"""cat; printf '"\\\t\303\274\377' ; echo oops >&2; exit 5"""
    answer = conform(installed, programs["conformance"], user, {"args": ["sh", "-c", script]}, "-i", "in\n")
    assert answer == {
        "reason": "exited",
        "status": 5,
        "signal": None,
        "stdout": 'in\n"\\\tü\ufffd',
        "stderr": "oops\n",
        "error_code": None,
    }


def test_conformance_runner_shows_what_is_no_text(
    installed: Installed, programs: dict[str, Path], user: str
) -> None:
    """The same replacement characters as Python has."""
    octets = [
        b"\xff",
        b"\xe2\x82",
        b"\xe2\x82\xac",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98",
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
    ]
    script = "".join(f"\\{octet:03o}" for octet in b"|".join(octets))
    answer = conform(installed, programs["conformance"], user, {"args": ["printf", script]})
    assert answer["stdout"] == b"|".join(octets).decode(errors="replace")


def test_conformance_runner_tells_a_timeout(
    installed: Installed, programs: dict[str, Path], user: str
) -> None:
    answer = conform(installed, programs["conformance"], user, {"args": ["sleep", "60"]}, "-t", "200")
    assert (answer["reason"], answer["status"], answer["signal"]) == ("timed_out", None, 9)


def test_conformance_runner_keeps_the_streams(
    installed: Installed, programs: dict[str, Path], user: str
) -> None:
    spec = {"args": ["sh", "-c", "echo a; echo b >&2"], "stderr": "stdout"}
    assert conform(installed, programs["conformance"], user, spec)["stdout"] == "a\nb\n"
    assert conform(installed, programs["conformance"], user, spec | {"stdout": "null"})["stdout"] == ""


def test_conformance_runner_tells_an_error(
    installed: Installed, programs: dict[str, Path], user: str
) -> None:
    answer = conform(installed, programs["conformance"], user, {"args": ["/no/such"]})
    assert (answer["error_code"], answer["errno"], answer["path"]) == (
        "program_not_found",
        "ENOENT",
        "/no/such",
    )
    assert (answer["reason"], answer["syscall"]) == (None, "execve")
    answer = conform(installed, programs["conformance"], user, {"args": [], "hostname": "a b"})
    assert (answer["error_code"], answer["fields"]) == ("invalid_spec", ["args", "hostname"])
    answer = conform(installed, programs["conformance"], user, "no spec")
    assert answer["error_code"] == "invalid_spec"
