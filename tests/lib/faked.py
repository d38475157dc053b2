"""Fixtures of the levels that have the real programs, a fake engine and a fake compose."""

import os
import tempfile

import pytest

from lib import fake_compose
from lib.fake_engine import FakeEngine
from lib.host import OpenCounter
from lib.pgo import Pgod


@pytest.fixture
def engine(accounts):
    directory = tempfile.mkdtemp(prefix="pgot-engine-")
    os.chmod(directory, 0o755)
    fake = FakeEngine(os.path.join(directory, "d.sock"), accounts.engine.gr_gid)
    fake.add_image("pgo-test/web:1")
    fake.add_image("pgo-test/web:2")
    fake.start()
    yield fake
    if os.path.exists(fake.path):
        fake.stop()
    os.rmdir(directory)


@pytest.fixture
def compose(libexec):
    """A copy of the fake where every account can run it."""
    path = os.path.join(libexec, "docker-compose")
    if not os.path.exists(path):
        fake_compose.install(path)
    return path


@pytest.fixture
def compose_starts(compose):
    """How many compose processes were started, of any kind, in any namespace."""
    counter = OpenCounter(compose)
    yield counter
    counter.close()


@pytest.fixture
def pgo(accounts, libexec, engine, compose):
    daemon = Pgod(accounts, libexec, engine, compose)
    yield daemon
    daemon.close()
