"""Inside of the machine that scripts/machine boots: its own systemd, engine and NFS server. Everything is slow there, for there is no KVM."""

import itertools
import os
import shutil
import signal

import pytest

from lib.host import run
from lib.pgo import Pgod
from lib.real_engine import RealEngine

SLOW = 180
EXPORTS = "/etc/exports.d/pgo.exports"  # what exportfs(8) is told goes with the server
FSIDS = itertools.count(1)  # for its client, the same number is the same file system


class MachineEngine(RealEngine):
    """The Docker of the machine."""

    def __init__(self):
        self.dir = "/run"
        self.docker_host = "unix:///run/docker.sock"
        self.run = "/run/pgo-test"
        os.makedirs(self.run, exist_ok=True)


@pytest.fixture(scope="session")
def real_engine():
    engine = MachineEngine()
    engine.make_images()
    return engine


@pytest.fixture(scope="session")
def compose():
    return "/usr/libexec/docker/cli-plugins/docker-compose"


@pytest.fixture
def pgo(accounts, libexec, real_engine, compose):
    daemon = Pgod(accounts, libexec, real_engine, compose)
    yield daemon
    daemon.close()
    real_engine.sweep()


@pytest.fixture
def export(pgo):
    """A function: a directory that this machine exports to itself. What is mounted of it goes before pgo's directories do."""
    made = []

    def new(name):
        path = os.path.join("/srv", name)
        os.makedirs(path)
        os.chmod(path, 0o777)
        options = f"rw,sync,no_subtree_check,no_root_squash,fsid={next(FSIDS)}"
        os.makedirs(os.path.dirname(EXPORTS), exist_ok=True)
        with open(EXPORTS, "a", encoding="ascii") as exports:
            exports.write(f"{path} 127.0.0.1({options}) ::1({options})\n")
        run("exportfs", "-r")
        made.append(path)
        return path

    yield new
    if pgo.process is not None:
        pgo.signal(signal.SIGTERM)
        pgo.wait_exit(SLOW)
    with open("/proc/mounts", encoding="utf-8") as table:
        targets = [line.split()[1] for line in table if line.split()[1].startswith(pgo.datadir + "/")]
    for target in targets:
        run("umount", "-l", target)
    os.remove(EXPORTS)
    run("exportfs", "-r")
    for path in made:
        shutil.rmtree(path)
