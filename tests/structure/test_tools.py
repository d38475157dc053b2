"""The scripts that judge everything else are right themselves."""

import json
import os

from lib.host import TOP, run

TALLY = os.path.join(TOP, "scripts", "tally")


def tally(directory, *args):
    return run("/usr/bin/python3", TALLY, str(directory), *args, check=False)


def test_a_skip_counts_as_a_failure(tmp_path):
    (tmp_path / "x.junit.xml").write_text(
        '<testsuites><testsuite><testcase classname="a" name="one"/>'
        '<testcase classname="a" name="two"><skipped message="no"/></testcase></testsuite></testsuites>'
    )
    tally(tmp_path, "x", "1")
    closing = tally(tmp_path)
    assert closing.stdout == "1 passed, 1 failed\n"
    assert closing.returncode == 1


def test_a_cmocka_program_counts_as_its_tests(tmp_path):
    row = {"name": "base err", "result": "OK", "stdout": "[  PASSED  ] 7 test(s).\n", "stderr": ""}
    (tmp_path / "unit.meson.json").write_text(json.dumps(row) + "\n")
    tally(tmp_path, "unit", "1")
    closing = tally(tmp_path)
    assert (closing.stdout, closing.returncode) == ("7 passed, 0 failed\n", 0)


def test_a_skipped_cmocka_test_is_a_failure_though_the_program_succeeds(tmp_path):
    output = "[  PASSED  ] 2 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] test_x\n"
    (tmp_path / "unit.meson.json").write_text(json.dumps({"name": "n", "result": "OK", "stdout": output}) + "\n")
    tally(tmp_path, "unit", "1")
    assert tally(tmp_path).stdout == "2 passed, 1 failed\n"


def test_a_level_without_tests_fails(tmp_path):
    tally(tmp_path, "e2e", "0")
    closing = tally(tmp_path)
    assert (closing.stdout, closing.returncode) == ("0 passed, 1 failed\n", 1)


def test_a_level_that_does_not_build_fails(tmp_path):
    (tmp_path / "broken").write_text("unit\n")
    tally(tmp_path, "unit", "0")
    assert tally(tmp_path).returncode == 1


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
