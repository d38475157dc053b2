"""What containers mount of the host is pinned: the inode that was verified is the one that is mounted."""

import os
import signal

from lib.host import run, wait_until
from lib.pgo import web


def mounted(model):
    """{source that the engine is given}"""
    paths = [mount["source"] for service in model["services"].values() for mount in service.get("volumes", [])]
    return paths + [entry["file"] for kind in ("configs", "secrets") for entry in model.get(kind, {}).values()]


def last_up(pgo):
    return pgo.engine.calls("up")[-1]["model"]


def deployed(pgo, files=None, **keys):
    repo = pgo.repo("site", {"compose.yaml": web(**keys), **(files or {})})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head)
    return repo


def test_the_engine_is_given_pins_and_they_show_what_the_repository_has(pgo):
    secrets = {"key": {"file": "./key"}}
    model = web(volumes=["./www:/www", "./new:/new"], secrets=["key"])
    model["secrets"] = secrets
    repo = pgo.repo("site", {"compose.yaml": model, "www/page": "one\n", "key": "secret\n"})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head)
    pins = pgo.pins("site")
    assert set(pins) == {pgo.live("site", name) for name in ("www", "new")} | {pgo.live("site", "key")}
    given = mounted(last_up(pgo))
    assert set(given) >= {pins[pgo.live("site", "www")], pins[pgo.live("site", "new")]}
    with open(os.path.join(pins[pgo.live("site", "www")], "page"), encoding="ascii") as page:
        assert page.read() == "one\n"
    assert os.stat(pins[pgo.live("site", "new")]).st_uid == pgo.accounts.a.pw_uid
