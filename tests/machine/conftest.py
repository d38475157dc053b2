"""Inside of the machine that scripts/machine boots: its own systemd, engine and NFS server. Everything is slow there, for there is no KVM."""

import os
import shutil

import pytest

from lib.host import run
from lib.pgo import Pgod
from lib.real_engine import RealEngine

SLOW = 180


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
def export():
    """A function: a directory that this machine exports to itself."""
    made = []

    def new(name):
        path = os.path.join("/srv", name)
        os.makedirs(path)
        os.chmod(path, 0o777)
        for client in ("127.0.0.1", "::1"):
            run("exportfs", "-o", f"rw,sync,no_subtree_check,no_root_squash,fsid={len(made) + 1}", f"[{client}]:{path}" if ":" in client else f"{client}:{path}")
        made.append(path)
        return path

    yield new
    run("exportfs", "-ua")
    for path in made:
        shutil.rmtree(path)
