"""NFS shares with a mount(8) that writes down what it is told and mounts a tmpfs instead."""

import json
import os
import shutil

import pytest

from lib.host import run
from lib.pgo import web

URL = "nfs://nas.example.org/export/site"
SOURCE = "nas.example.org:/export/site"


@pytest.fixture(name="nfs")
def nfs_(pgo, monkeypatch):
    """The directory of the fake mount(8); what it mounts goes with the test."""
    here = pgo.path("nfs")
    os.mkdir(here)
    shutil.copy(os.path.join(os.path.dirname(__file__), "fake-mount"), here)
    env = pgo.env
    monkeypatch.setattr(pgo, "env", lambda: {**env(), "PGO_MOUNT": os.path.join(here, "fake-mount")})
    yield here
    if pgo.process is not None:
        pgo.kill()
    pgo.unpin()
    for target in [line.split()[1] for line in mounts(pgo)]:
        run("umount", "-l", target)


def mounts(pgo):
    with open("/proc/mounts", encoding="utf-8") as table:
        return [line for line in table if line.split()[1].startswith(pgo.datadir + "/")]


def calls(nfs):
    try:
        with open(os.path.join(nfs, "mounts"), encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    except FileNotFoundError:
        return []


def scene(pgo, url=URL, **keys):
    """A service that mounts a directory of its share, not started."""
    repo = pgo.repo("site", {"compose.yaml": web(volumes=[f"{pgo.datadir}/site/www:/www"])})
    pgo.service("site", repo, mount=url, **keys)
    return repo
