"""Root, the real programs, a real engine of our own, the real docker compose."""

import pytest

from lib.host import run
from lib.host import TOP
from lib.pgo import Pgod
from lib.real_engine import RealEngine

# A worker that comes to one of these last would have the others wait for it.
LONGEST = ("data", "real_steps", "real_kills", "push_matrix", "push_samples", "commit", "package", "canary", "faults", "push_deaths", "pins", "registries", "routes", "limits")


def pytest_collection_modifyitems(items):
    """The longest first."""
    ranks = {f"test_{name}": rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


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
