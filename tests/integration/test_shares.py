"""NFS shares, with a mount(8) that writes down what it is told: the data of a service is on its share, or nothing of it runs."""

import os

import pytest

from lib.host import run, wait_until
from lib.nfs import SOURCE, URL, calls, mounts, nfs_, scene  # noqa: F401


def refuse(nfs, words):
    with open(os.path.join(nfs, "refuse"), "w", encoding="utf-8", errors="surrogateescape") as out:
        out.write(words)


def test_a_share_is_mounted_as_documented_before_anything_lies_on_it(pgo, nfs):
    repo = scene(pgo)
    pgo.start().wait_deployed("site", repo.head)
    (call,) = calls(nfs)
    assert call["argv"] == ["-t", "nfs", "-o", "rw,nosuid,nodev,hard", "--", SOURCE, f"{pgo.datadir}/site"]
    assert call["uid"] == 0 and set(call["env"]) == {"PATH", "LANG"}
    assert len(mounts(pgo)) == 1
    # The missing directory was made on the share, and that is what is pinned.
    (pin,) = pgo.pins("site").values()
    assert os.stat(pin).st_dev == os.stat(f"{pgo.datadir}/site").st_dev != os.stat(pgo.datadir).st_dev
    # A share that is mounted already is recognised: no second mount over it, whoever restarts.
    pgo.kill()
    pgo.start().wait_status("site", r"healthy +yes")
    assert pgo.ctl("site", "restart").returncode == 0
    assert len(calls(nfs)) == 1 and len(mounts(pgo)) == 1


@pytest.mark.parametrize(
    ("url", "source", "more"),
    [
        ("nfs://[fd00::7]/export/", "[fd00::7]:/export", ""),
        ("nfs://nas:2050/", "nas:/", ",port=2050"),
        ("nfs://[::1]:2049/a/b", "[::1]:/a/b", ",port=2049"),
    ],
)
def test_ports_and_ipv6_addresses_are_mounted_as_mount_wants_them(pgo, nfs, url, source, more):
    repo = scene(pgo, url)
    pgo.start().wait_deployed("site", repo.head)
    assert calls(nfs)[0]["argv"][2:6] == ["-o", "rw,nosuid,nodev,hard" + more, "--", source]


def test_a_service_starts_on_an_empty_directory_when_its_share_is_not_mounted(pgo, nfs):
    refuse(nfs, "mount.nfs: access denied by server while mounting nas\x1b[31m\n")
    scene(pgo)
    pgo.start()
    said = pgo.wait_status("site", r"last deploy[^\n]*: failed[^\n]*").lower()
    assert "share: " + URL in said and "access denied by server" in said and "\x1b" not in said
    assert pgo.engine.calls("up") == [] and pgo.running("site") == []
    assert "\x1b" not in pgo.log()
    # The server lets us in again: an operator need not wait for the next attempt.
    os.remove(os.path.join(nfs, "refuse"))
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_running("site")


def test_a_heal_or_a_start_begins_without_the_share(pgo, nfs):
    repo = scene(pgo)
    pgo.start().wait_deployed("site", repo.head)
    assert pgo.ctl("site", "stop").returncode == 0
    run("umount", "-l", f"{pgo.datadir}/site")
    refuse(nfs, "mount.nfs: Connection timed out\n")
    done = pgo.ctl("site", "start")
    assert done.returncode != 0 and "Connection timed out" in done.stdout + done.stderr
    assert pgo.running("site") == []
    os.remove(os.path.join(nfs, "refuse"))
    assert pgo.ctl("site", "start").returncode == 0
    pgo.wait_running("site")
    # As above, without an operator.
    run("umount", "-l", f"{pgo.datadir}/site")
    pgo.engine.remove_container(pgo.running("site")[0])
    wait_until(lambda: len(mounts(pgo)) == 1, "the share is mounted again by the heal")
    pgo.wait_running("site")


def test_something_else_that_is_mounted_there_passes_for_the_share(pgo, nfs):
    os.mkdir(f"{pgo.datadir}/site")
    run("mount", "-t", "tmpfs", "elsewhere", f"{pgo.datadir}/site")
    scene(pgo)
    pgo.start()
    said = pgo.wait_status("site", r"last deploy[^\n]*: failed[^\n]*")
    assert "elsewhere is mounted on" in said and URL in said
    assert calls(nfs) == [] and pgo.engine.calls("up") == []


def test_a_share_that_the_kernel_calls_otherwise_passes_for_anothers(pgo, nfs):
    """It does when the same export was mounted before under another name of the server."""
    with open(os.path.join(nfs, "alias"), "w", encoding="ascii") as alias:
        alias.write("10.0.0.7:/export/site")
    repo = scene(pgo)
    pgo.service("stays", pgo.repo("stays"))
    pgo.start().wait_deployed("site", repo.head)
    pgo.stop()
    pgo.start().wait_status("site", "healthy +yes")
    assert pgo.ctl("site", "restart").returncode == 0
    assert len(calls(nfs)) == 1 and len(mounts(pgo)) == 1
    pgo.stop()
    del pgo.services["site"]
    pgo.start()
    wait_until(lambda: not mounts(pgo), "it is taken away with its service")


def test_a_removed_service_leaves_its_share_mounted_but_never_takes_anothers(pgo, nfs):
    repo, other = scene(pgo), pgo.repo("other")
    pgo.service("other", other, mount="nfs://nas.example.org/export/other")
    os.mkdir(f"{pgo.datadir}/other")
    run("mount", "-t", "tmpfs", "nas.example.org:/export/other", f"{pgo.datadir}/other")
    pgo.service("stays", pgo.repo("stays"))
    pgo.start().wait_deployed("site", repo.head)
    pgo.wait_deployed("other", other.head)
    pgo.stop()
    del pgo.services["site"], pgo.services["other"]
    pgo.start()
    wait_until(lambda: len(mounts(pgo)) == 1, "the share that we mounted is taken away")
    pgo.wait_log("removed; its files.*service=site")
    pgo.wait_log("removed; its files.*service=other")
    assert mounts(pgo)[0].split()[1] == f"{pgo.datadir}/other"  # the administrator's
