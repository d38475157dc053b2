"""The scripts that judge everything else are right themselves."""

import json
import os

import pytest

from lib.host import TOP, run
from lib.pgo import BUILD

TALLY = os.path.join(TOP, "scripts", "tally")
CMOCKA = {"name": "base err", "result": "OK", "stdout": "[  PASSED  ] 7 test(s).\n", "stderr": ""}


def tally(directory, *args):
    return run("/usr/bin/python3", TALLY, str(directory), *args, check=False)


@pytest.fixture
def level(tmp_path):
    """The directory of a level's reports."""
    made = tmp_path / "level"
    made.mkdir()
    return made


def closing(*levels):
    """What is said at the end of these levels."""
    for directory in levels:
        tally(directory, "some", "1")
    return tally(levels[0].parent)


def test_a_skip_counts_as_a_failure(level):
    (level / "x.junit.xml").write_text(
        '<testsuites><testsuite><testcase classname="a" name="one"/>'
        '<testcase classname="a" name="two"><skipped message="no"/></testcase></testsuite></testsuites>'
    )
    said = closing(level)
    assert (said.stdout, said.returncode) == ("1 passed, 1 failed\n", 1)


def test_a_cmocka_program_counts_as_its_tests(level):
    (level / "unit.meson.json").write_text(json.dumps(CMOCKA) + "\n")
    said = closing(level)
    assert (said.stdout, said.returncode) == ("7 passed, 0 failed\n", 0)


def test_a_skipped_cmocka_test_is_a_failure_though_the_program_succeeds(level):
    output = "[  PASSED  ] 2 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] test_x\n"
    (level / "unit.meson.json").write_text(json.dumps({**CMOCKA, "stdout": output}) + "\n")
    assert closing(level).stdout == "2 passed, 1 failed\n"


def test_a_level_without_tests_fails(level):
    said = closing(level)
    assert (said.stdout, said.returncode) == ("0 passed, 1 failed\n", 1)


def test_a_level_that_does_not_build_fails(level):
    (level / "unit.meson.json").write_text(json.dumps(CMOCKA) + "\n")
    (level / "broken").write_text("unit\n")
    assert closing(level).stdout == "7 passed, 1 failed\n"


def test_a_level_that_fails_is_not_lost_beside_one_that_passes(level, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "unit.meson.json").write_text(json.dumps(CMOCKA) + "\n")
    said = closing(level, tmp_path / "other")
    assert (said.stdout, said.returncode) == ("7 passed, 1 failed\n", 1)


def test_an_unknown_level_is_an_error():
    assert run(os.path.join(TOP, "scripts", "check"), "nonsense", check=False).returncode != 0


def test_make_deps_has_nothing_to_do_the_second_time(tmp_path):
    """No apt call: an apt-get that tells on it comes first in PATH."""
    fake = tmp_path / "apt-get"
    fake.write_text("#!/bin/sh\necho called >>%s\nexit 1\n" % (tmp_path / "called"))
    fake.chmod(0o755)
    run(os.path.join(TOP, "scripts", "deps"), env={"PATH": f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin"})
    assert not (tmp_path / "called").exists()


def everything_in(directory):
    return {os.path.relpath(os.path.join(folder, name), directory) for folder, _, names in os.walk(directory) for name in names}


def test_make_install_puts_everything_where_a_server_wants_it(tmp_path):
    run("make", "install", f"DESTDIR={tmp_path}", cwd=TOP, deadline=300)
    installed = everything_in(tmp_path)
    programs = {"sbin/pgod", "bin/pgoctl", "libexec/pgo/pgod-core", "libexec/pgo/pgod-ssh", "libexec/pgo/pgod-web", "libexec/pgo/pgod-conf", "libexec/pgo/pgod-job"}
    programs |= {f"libexec/pgo/hooks/{name}" for name in ("pre-receive", "proc-receive")}
    manuals = {"share/man/man8/pgod.8", "share/man/man5/pgo.toml.5", "share/man/man1/pgoctl.1", "share/man/man7/pgod-ipc.7", "share/man/man5/pgod-metrics.5"}
    system = {"lib/systemd/system/pgod.service", "lib/sysusers.d/pgo.conf", "lib/tmpfiles.d/pgo.conf"}
    documents = {f"share/doc/pgo/{name}" for name in ("README.md", "NEWS.md", "LICENSE", "examples/pgo.toml", "examples/prometheus-rules.yml")}
    assert {"usr/local/" + name for name in programs | manuals | system | documents} <= installed
    assert all(name.startswith("usr/local/") for name in installed), "nothing outside of PREFIX"
    assert run(str(tmp_path / "usr/local/bin/pgoctl"), "--version").stdout.strip()
    unit = (tmp_path / "usr/local/lib/systemd/system/pgod.service").read_text()
    assert "\nExecStart=/usr/local/sbin/pgod\n" in unit and "@" not in unit.split("ExecStart")[1].split()[0]
    run("make", "uninstall", f"DESTDIR={tmp_path}", cwd=TOP, deadline=300)
    assert everything_in(tmp_path) == set()


def test_every_file_that_is_installed_is_in_a_debian_package():
    """dh_missing says the same after a build that takes a minute."""
    listed = []
    for name in ("pgo.install", "pgoctl.install", "not-installed"):
        with open(os.path.join(TOP, "dist", "debian", name), encoding="utf-8") as lines:
            listed += [line.split()[0] for line in lines if line.strip()]
    installed = json.loads(run("meson", "introspect", "--installed", BUILD).stdout).values()
    names = [path.replace("/usr/local/lib/systemd/", "/lib/systemd/").replace("/usr/local/", "/usr/").lstrip("/") for path in installed]
    lost = [name for name in names if not any(name == entry or name.startswith(entry + "/") for entry in listed)]
    assert names and not lost, f"in no package: name them in dist/debian/*.install: {lost}"


@pytest.mark.parametrize("system", ["systemd", "none"])
def test_make_install_says_what_is_left_to_do(system):
    """In a mount namespace whose /usr/local and /run nobody else sees."""
    prepare = "mount -t tmpfs t /usr/local && mount -t tmpfs t /run" + (" && mkdir -p /run/systemd/system" if system == "systemd" else "")
    said = run("unshare", "--mount", "bash", "-c", prepare + " && make install && ls /usr/local/sbin", cwd=TOP, deadline=300).stdout
    assert "/etc/pgo.toml" in said and said.endswith("pgod\n")
    assert ("systemd-sysusers" in said and "systemctl enable --now pgod" in said) == (system == "systemd")
    assert all(f" {account}\n" in said for account in ("_pgod", "_pgod-ssh", "_pgod-web")) == (system == "none")


def test_the_accounts_that_are_installed_are_those_that_pgod_wants(tmp_path):
    """systemd-sysusers leaves out what it does not understand."""
    (tmp_path / "etc").mkdir()
    said = run("systemd-sysusers", f"--root={tmp_path}", os.path.join(TOP, "dist", "sysusers.conf"))
    made = {line.split(":")[0] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    assert {"_pgod", "_pgod-ssh", "_pgod-web"} <= made, said.stderr
    assert "not a valid" not in said.stderr


def test_a_data_directory_that_is_there_keeps_its_owner_and_mode(tmp_path):
    (tmp_path / "data").mkdir(mode=0o750)
    os.chown(tmp_path / "data", 12345, 12345)
    run("systemd-tmpfiles", f"--root={tmp_path}", "--create", os.path.join(TOP, "dist", "tmpfiles.conf"))
    there, made = os.stat(tmp_path / "data"), os.stat(tmp_path / "var/lib/pgo")
    assert (there.st_uid, there.st_gid, there.st_mode & 0o7777) == (12345, 12345, 0o750)
    assert (made.st_uid, made.st_gid, made.st_mode & 0o7777) == (0, 0, 0o755)


def test_an_engine_of_our_own_leaves_no_network_and_no_process(tmp_path):
    run(os.path.join(TOP, "scripts", "engine"), "start", str(tmp_path / "e"), deadline=120)
    index = "/sys/class/net/pgoeh%s/ifindex" % (tmp_path / "e/number").read_text().strip()
    with open(index, encoding="ascii") as text:
        cable = text.read()
    ping = run("curl", "-s", "--unix-socket", str(tmp_path / "e/docker.sock"), "http://e/_ping").stdout
    run(os.path.join(TOP, "scripts", "engine"), "remove", str(tmp_path / "e"), deadline=120)
    assert ping == "OK"
    assert run("pgrep", "-f", f"data-root {tmp_path}/e", check=False).stdout == ""
    # Another engine may have its number by now.
    assert not os.path.exists(index) or open(index, encoding="ascii").read() != cable
