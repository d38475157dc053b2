"""A file that is mounted, and another one is renamed over it: the container starts, with what was verified, after every kind of restart."""

import os
import subprocess
import time

import pytest

from lib.host import run, wait_until
from test_pins import web

ROUNDS = 10

MODEL = """\
services:
  web:
    image: pgo-test/web:1
    command: [sh, -c, "cat /etc/conf /etc/data /run/secrets/key >/tmp/read 2>&1 && exec httpd -f -p 8080 -h /tmp"]
    volumes: ["./conf:/etc/conf:ro", "{data}/conf:/etc/data:ro"]
    secrets: [key]
    restart: always
    stop_grace_period: 0s
secrets: {{key: {{file: ./secret}}}}
"""


def deployed(pgo, prepare=lambda directory: None):
    """Three files that a container mounts: of the repository, of the data directory, a secret."""
    data = os.path.join(pgo.datadir, "site")
    repo = pgo.repo("site", {"compose.yaml": MODEL.format(data=data), "conf": "first\n", "secret": "first\n", "ssh/k.pub": pgo.key.public})
    owner = pgo.accounts.a
    os.mkdir(data)
    prepare(data)
    os.chown(data, owner.pw_uid, owner.pw_gid)
    paths = [pgo.live("site", "conf"), os.path.join(data, "conf"), pgo.live("site", "secret")]
    write(paths[1], "first")
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, deadline=60)
    return paths


@pytest.fixture
def files(pgo):
    return deployed(pgo)


@pytest.fixture
def on_a_share(pgo):
    """The data directory is a file system of its own: no file of it has a name elsewhere."""
    mounted = []

    def mount(directory):
        mounted.append(directory)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory)

    yield deployed(pgo, mount)
    pgo.stop()
    run("umount", "-l", *mounted)


def write(path, text):
    """As an editor does: the new file is renamed over the old one."""
    with open(path + ".new", "w", encoding="ascii") as out:
        out.write(text + "\n")
    os.rename(path + ".new", path)


def read_at_start(pgo):
    """What the container that runs now has read when it started."""
    done = run("docker", "exec", web(pgo).id, "cat", "/tmp/read", env={**os.environ, "DOCKER_HOST": pgo.engine.docker_host})
    return done.stdout.split()


def started(pgo):
    return pgo.engine.ask("GET", f"/containers/{web(pgo).id}/json")[1]["State"]["StartedAt"]


def wait_read(pgo, *texts, before="", deadline=20):
    wait_until(lambda: started(pgo) != before and read_at_start(pgo) == list(texts), f"it has read {texts}", deadline)


def replace(paths, text):
    for path in paths:
        write(path, text)


def wait_pinned(pgo, files):
    """What lies there now; pins of what lay there before are no more found by the files' names."""
    wait_until(lambda: sorted(pgo.pins("site")) == sorted(files), "what lies there now is pinned")


def nobody_heals(pgo):
    assert "bringing it up" not in pgo.log() and "cannot pin" not in pgo.log()


def test_a_replaced_file_keeps_a_container_from_starting_when_the_engine_restarts(pgo, files):
    before = started(pgo)
    replace(files, "second")
    pgo.stop()
    pgo.engine.restart()
    wait_read(pgo, "first", "first", "first", before=before)
    # And again, with pgod, whose look at its start takes in what lies there now.
    pgo.start().wait_status("site", "state +live")
    wait_pinned(pgo, files)
    before = started(pgo)
    pgo.engine.restart()
    wait_read(pgo, "second", "second", "second", before=before)
    replace(files, "third")
    before = started(pgo)
    pgo.engine.power_cut()
    pgo.engine.start()
    wait_read(pgo, "second", "second", "second", before=before)
    nobody_heals(pgo)


def test_a_replaced_file_keeps_a_container_from_starting_when_pgod_and_the_engine_restart(pgo, files):
    replace(files, "second")
    before = started(pgo)
    pgo.kill()
    pgo.engine.power_cut()
    pgo.start().wait_listening()
    wait_pinned(pgo, files)
    pgo.engine.start()
    wait_read(pgo, "second", "second", "second", before=before)
    replace(files, "third")
    before = started(pgo)
    assert pgo.ctl("site", "restart").returncode == 0
    wait_read(pgo, "third", "third", "third", before=before)
    nobody_heals(pgo)


def test_a_deleted_file_takes_the_service_down(pgo, files):
    for path in files:
        os.unlink(path)
    os.symlink("/etc/shadow", files[0])
    for again in (pgo.engine.restart, lambda: pgo.ctl("site", "restart"), lambda: (pgo.kill(), pgo.start().wait_listening(), pgo.engine.restart())):
        before = started(pgo)
        again()
        wait_read(pgo, "first", "first", "first", before=before)
    nobody_heals(pgo)


def test_after_a_reboot_a_container_starts_with_what_lay_there_before_an_edit(pgo, files):
    replace(files, "second")
    pgo.stop()
    pgo.engine.stop()
    pgo.reboot()
    pgo.start().wait_listening()
    wait_pinned(pgo, files)
    pgo.engine.start()
    wait_read(pgo, "second", "second", "second")
    # Of the file before nothing is left on the disk.
    assert all(os.stat(path).st_nlink == 2 for path in files)
    assert len(os.listdir(os.path.join(pgo.dir, ".pins", "site"))) == 2
    assert len(os.listdir(os.path.join(pgo.datadir, ".pins", "site"))) == 1


def test_a_replaced_file_of_a_share_keeps_a_container_down(pgo, on_a_share):
    write(on_a_share[1], "second")
    before = started(pgo)
    pgo.engine.restart()
    begun = time.monotonic()
    wait_read(pgo, "first", "second", "first", before=before)
    print(f"{time.monotonic() - begun:.1f} s after the engine's restart")
    pgo.wait_log("bringing it up: web: ")


RACE = """\
import os, sys
evil, paths = sys.argv[1], sys.argv[2:]
while True:
    for path in paths:
        with open(path + ".new", "w") as out:
            out.write("first\\n")
        os.rename(path + ".new", path)
        os.symlink(evil, path + ".new")
        os.rename(path + ".new", path)
"""


def test_a_race_of_replacements_keeps_a_container_down_or_shows_it_a_file_of_the_host(pgo, files):
    with open(pgo.path("evil"), "w", encoding="ascii") as evil:
        evil.write("of the host\n")
    account = pgo.accounts.a
    argv = ["/usr/bin/python3", "-c", RACE, pgo.path("evil"), *files]
    racer = pgo.helper(subprocess.Popen(argv, user=account.pw_uid, group=account.pw_gid, extra_groups=[]))
    for number in range(ROUNDS):
        before = started(pgo)
        if number % 5 == 4:
            pgo.engine.restart()
        elif number % 2 == 0:
            pgo.engine.ask("POST", f"/containers/{web(pgo).id}/restart?t=0")
        else:
            assert pgo.ctl("site", "restart").returncode == 0
        wait_read(pgo, "first", "first", "first", before=before)
    assert racer.poll() is None
