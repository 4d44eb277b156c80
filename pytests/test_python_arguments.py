"""Arguments in the forms that `subprocess` and `docker run` have.

Covers: root and ordinary user; what needs root says so.
"""

import os
from pathlib import Path

import pytest
from minicontain import Container, Plan, Spec, run

needs_root = pytest.mark.root_only("an ordinary user has but one id to give")


def output(*args, **options):
    return run(*args, capture_output=True, text=True, check=True, **options).stdout


def test_args_are_a_list_a_tuple_a_text_a_path_or_bytes():
    assert output(["echo", "a"]) == output(("echo", "a")) == "a\n"
    assert output("true") == output(Path("/bin/true")) == output(b"true") == ""
    assert output([Path("/bin/echo"), b"b", Path("c")]) == "b c\n"
    assert output(iter(["echo", "d"])) == "d\n"


def test_args_without_a_shell_are_not_split():
    with pytest.raises(FileNotFoundError) as caught:
        run("echo a")
    assert caught.value.filename == "echo a"


def test_a_shell_runs_a_text_with_parameters():
    assert output("echo $((1 + 1))", shell=True) == "2\n"
    assert output(["echo $0 $1", "zero", "one"], shell=True) == "zero one\n"
    assert Spec("a | b", shell=True) == Plan("a | b", shell=True).spec == Spec(["/bin/sh", "-c", "a | b"])


def test_executable_replaces_the_program():
    assert output(["name", "-c", "echo $0"], executable="/bin/sh") == "name\n"
    assert output("echo $0", shell=True, executable=Path("/bin/sh")) == "/bin/sh\n"


def test_the_environment_is_clean_and_env_adds_to_it(monkeypatch):
    monkeypatch.setenv("SECRET", "hidden")
    monkeypatch.setenv("NAMED", "from outside")
    names = {line.split("=")[0] for line in output(["env"]).splitlines()}
    assert names == {"PATH", "HOME", "TERM"}
    assert "SECRET" not in output(["env"], env={})
    assert output("echo $A $NAMED", shell=True, env={"A": "a", "NAMED": None}) == "a from outside\n"
    assert "SECRET=hidden" in output(["env"], env=os.environ)


def test_cwd():
    assert output(["pwd"]) == "/\n"
    assert output(["pwd"], cwd=Path("/usr")) == "/usr\n"


def test_umask():
    assert output("umask", shell=True, umask=0o077) == "0077\n"
    assert output("umask", shell=True, umask=-1) == output("umask", shell=True) == "0022\n"


@needs_root
def test_user_and_group_are_numbers_or_names():
    assert output("id -u", shell=True, user=1234) == output("id -u", shell=True, user="1234") == "1234\n"
    assert output("id -u; id -g", shell=True, user=1234, group=55) == "1234\n55\n"
    assert output("id -u; id -g", shell=True, group="daemon").split()[0] == "0"
    assert output("id -u", shell=True, user="daemon") == output("id -u daemon", shell=True)
    assert output("id -G", shell=True, user="1:2", extra_groups=[3, 4]).split() == ["2", "3", "4"]


@needs_root
def test_a_user_with_a_dash_in_its_name():
    assert output("id -un", shell=True, user="www-data") == "www-data\n"


def test_ulimits_are_numbers_or_pairs():
    limits = {"nofile": (64, 128), "core": 0, "stack": -1 if os.geteuid() == 0 else 1 << 20}
    lines = output("ulimit -n; ulimit -Hn; ulimit -c; ulimit -s", shell=True, ulimits=limits).split()
    assert lines[:3] == ["64", "128", "0"]
    assert lines[3] == ("unlimited" if os.geteuid() == 0 else "1024")


@pytest.mark.parametrize("form", ["dict", "bind", "text", "target with mode"])
def test_volumes_as_docker_has_them(tmp_path, form):
    tmp_path.chmod(0o755)
    (tmp_path / "file").write_text("content")
    volumes = {
        "dict": {tmp_path: "/w"},
        "bind": {str(tmp_path): {"bind": "/w", "mode": "ro"}},
        "text": [f"{tmp_path}:/w:ro"],
        "target with mode": {tmp_path: "/w:ro"},
    }[form]
    assert output(["cat", "/w/file"], volumes=volumes) == "content"
    written = run("echo more > /w/new", shell=True, volumes=volumes, capture_output=True)
    if form != "dict":
        assert "Read-only" in written.stderr.decode()


def test_a_volume_may_have_a_colon_in_its_name(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "a:b").mkdir()
    (tmp_path / "a:b" / "file").write_text("content")
    assert output(["cat", "/w/file"], volumes={tmp_path / "a:b": "/w"}) == "content"


def test_tmpfs_as_docker_has_it():
    for tmpfs in (["/scratch:size=1M"], {"/scratch": "size=1M"}):
        assert output("df -k /scratch | tail -1", shell=True, tmpfs=tmpfs).split()[1] == "1024"
    assert "tmpfs" in output("df -k /scratch | tail -1", shell=True, tmpfs={"/scratch": ""})


def test_network_is_a_word_for_a_namespace():
    assert Spec(["true"], network="host") == Spec(["true"], namespaces={"net": "host"})
    assert Spec(["true"], network="none") == Spec(["true"])
    assert Spec(["true"], network="host", namespaces={"ipc": "host"}).fields["namespaces"]["net"] == "host"
    links = "cat /proc/net/dev | tail -n +3 | cut -d: -f1"
    assert output(links, shell=True).split() == ["lo"]


def test_a_namespace_is_named_by_word_pid_path_or_descriptor():
    def source(value):
        return Spec(["true"], namespaces={"net": value}).fields["namespaces"]["net"]

    assert source("host") == "host"
    assert source(4321) == {"pid": 4321}
    assert source("/run/netns/name") == source(Path("/run/netns/name")) == {"path": "/run/netns/name"}
    with open("/proc/self/ns/net") as file:
        assert source(file) == {"fd": file.fileno()}


def test_sets_and_other_iterables_are_lists():
    spec = Spec(["true"], cap_drop={"ALL"}, cap_add=(name for name in ["CHOWN"]), group_add=range(2))
    fields = spec.fields
    assert (fields["cap_drop"], fields["cap_add"], fields["group_add"]) == (["ALL"], ["CHOWN"], [0, 1])


def test_sysctls_and_id_ranges_are_numbers_or_texts():
    spec = Spec(["true"], sysctls={"net.ipv4.ip_forward": 1}, uidmap=[(0, 1000, 1)], gidmap=["0:1000:1"])
    fields = spec.fields
    assert fields["sysctls"] == {"net.ipv4.ip_forward": "1"}
    assert fields["uidmap"] == fields["gidmap"] == ["0:1000:1"]


def test_none_is_the_default_of_every_field():
    names = [name for name in Spec(["true"]).fields if name != "args"]
    assert Spec(["true"], **dict.fromkeys(names)) == Spec(["true"])


def test_a_spec_takes_the_place_of_args():
    spec = Spec(["hostname"], hostname="box", network="host")
    assert output(spec) == "box\n"
    assert output(spec, hostname="other") == "other\n"
    assert output(spec, hostname=None) == output(["hostname"])
    assert run(spec, stdout=-3).args == ["hostname"]
    assert Plan(spec).spec == Container(spec).spec == Spec(spec) == spec


def test_numbers_like_those_of_numpy():
    class Number:
        def __index__(self):
            return 0o077

    assert Spec(["true"], umask=Number()).fields["umask"] == 0o077


def test_host_files_are_seen_as_asked():
    assert output(["ls", "/usr/share"], host_files={"/usr/share": "hidden"}) == ""
    assert output(["ls", "/usr/share"], host_files={Path("/usr/share"): "read-only"}) != ""
    written = run(["touch", "/usr/share/new"], host_files={"/usr/share": "read-only"}, capture_output=True)
    assert b"Read-only" in written.stderr


def test_the_root_can_be_read_only():
    assert b"Read-only" in run(["touch", "/new"], read_only=True, capture_output=True).stderr
    assert run(["touch", "/new"], capture_output=True).returncode == 0
