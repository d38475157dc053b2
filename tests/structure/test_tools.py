"""The scripts that judge everything else are right themselves."""

import json
import os

import pytest

from lib.host import TOP, run

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


def test_make_install_puts_everything_where_a_server_wants_it(tmp_path):
    run("make", "install", f"DESTDIR={tmp_path}", cwd=TOP, deadline=300)
    installed = {os.path.relpath(os.path.join(folder, name), tmp_path) for folder, _, names in os.walk(tmp_path) for name in names}
    assert {
        "usr/local/sbin/pgod",
        "usr/local/bin/pgoctl",
        "usr/local/libexec/pgo/pgod-core",
        "usr/local/libexec/pgo/pgod-ssh",
        "usr/local/libexec/pgo/pgod-conf",
        "usr/local/libexec/pgo/pgod-job",
        "usr/local/share/man/man8/pgod.8",
        "usr/local/share/man/man5/pgo.toml.5",
        "usr/local/share/man/man1/pgoctl.1",
        "usr/local/lib/systemd/system/pgod.service",
        "usr/local/lib/sysusers.d/pgo.conf",
        "usr/local/lib/tmpfiles.d/pgo.conf",
    } <= installed
    assert run(str(tmp_path / "usr/local/bin/pgoctl"), "--version").stdout.strip()


def test_an_engine_of_our_own_leaves_no_network_and_no_process(tmp_path):
    links = run("ip", "-o", "link").stdout.count("\n")
    run(os.path.join(TOP, "scripts", "engine"), "start", str(tmp_path / "e"))
    ping = run("curl", "-s", "--unix-socket", str(tmp_path / "e/docker.sock"), "http://e/_ping").stdout
    run(os.path.join(TOP, "scripts", "engine"), "remove", str(tmp_path / "e"))
    assert ping == "OK"
    assert run("pgrep", "-f", f"data-root {tmp_path}/e", check=False).stdout == ""
    assert "pgoe" not in run("ip", "-o", "link").stdout or run("ip", "-o", "link").stdout.count("\n") <= links
