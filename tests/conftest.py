"""Fixtures that all levels share."""

import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from lib.host import Accounts, become_subreaper  # noqa: E402
from lib.pgo import install_roles  # noqa: E402


def pytest_configure(config):
    become_subreaper()


@pytest.fixture(scope="session")
def accounts():
    made = Accounts()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def libexec():
    directory = tempfile.mkdtemp(prefix="pgot-bin-")
    os.chmod(directory, 0o755)
    yield install_roles(directory)
    shutil.rmtree(directory)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    """Puts pgod's log beside a failed test."""
    outcome = yield
    report = outcome.get_result()
    daemon = getattr(item, "funcargs", {}).get("pgo")
    if report.failed and daemon is not None and os.path.exists(daemon.log_path):
        lines = [line for line in daemon.log().splitlines() if "operation status" not in line]
        report.sections.append(("pgod's log", "\n".join(lines)[-6000:]))
