"""Root, the real programs, a real engine of our own, the real docker compose."""

import pytest

from lib.host import run
from lib.host import TOP
from lib.pgo import Pgod
from lib.real_engine import RealEngine


@pytest.fixture(scope="session")
def real_engine():
    engine = RealEngine()
    engine.start()
    try:
        engine.make_images()
        yield engine
    finally:
        engine.remove()


@pytest.fixture(scope="session")
def compose():
    return run("bash", "-c", f". {TOP}/scripts/lib.sh && find_compose").stdout.strip()


@pytest.fixture
def pgo(accounts, libexec, real_engine, compose):
    daemon = Pgod(accounts, libexec, real_engine, compose)
    yield daemon
    daemon.close()
    real_engine.sweep()
