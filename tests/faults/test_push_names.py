"""pgod dies while the proxy is being led to the names of what was pushed: they are those of before, or of the commit that is accepted."""

import os
import signal

import pytest

from lib.fakeproxy import FakeProxy, addresses
from lib.host import wait_until
from lib.pgo import web
from lib.pusher import Pusher
from lib.steps import core_at

ZONE = "1.2.3.4.sslip.io"


@pytest.fixture
def app(pgo):
    """An app that is asked for as one.test as well."""
    app = Pusher(pgo, "app")
    app.proxy = FakeProxy(pgo)
    pgo.tables += '[push]\naddress = "1.2.3.4"\ncreate = true\n'
    pgo.start("--debug").wait_listening()
    app.commit({"compose.yaml": web(expose=["8080"]), "CNAME": "one.test\n"})
    app.before = app.push() and app.head()
    assert app.remote_refs()["refs/heads/main"] == app.before
    return app


def settled(pgo, app, head, name, other):
    """It is led to by this name and its own, and the branch is where its name says."""
    want = {f"{ip}:8080" for ip in addresses(pgo, "app")}
    assert want and app.proxy.site(name) == app.proxy.site(f"app.{ZONE}") == want and app.proxy.site(other) is None
    return app.remote_refs()["refs/heads/main"] == head


# Where containers are replaced the release is finished; where none is, nothing had been begun that could not be left.
CHANGES = {
    "a release": ({"CNAME": "two.test\n", "compose.yaml": web(expose=["8080"], labels={"rev": "2"})}, True),
    "names alone": ({"CNAME": "two.test\n"}, False),
}


def converges(pgo, app, head, finished):
    want = (head, "two.test", "one.test") if finished else (app.before, "one.test", "two.test")
    wait_until(lambda: settled(pgo, app, *want), "it is led to by the names of the branch's commit")
    pgo.wait_status("app", f"in sync +yes: commit {want[0][:8]}")


@pytest.mark.parametrize("change", CHANGES)
def test_a_pgod_that_dies_while_the_proxy_tries_the_names_leaves_those_of_one_commit(pgo, app, change):
    files, finished = CHANGES[change]
    app.proxy.order("test", "hang two.test")  # that the new containers are followed does not
    head = app.commit(files)
    app.begin()
    wait_until(lambda: "two.test" in app.proxy.read(), "the names are being tried")
    pgo.kill()
    app.proxy.forgive("test")
    pgo.start().wait_listening()
    converges(pgo, app, head, finished)


@pytest.mark.parametrize("who", ["pgod", "pgod-core"])
@pytest.mark.parametrize("change", CHANGES)
def test_whoever_dies_before_the_names_leaves_those_of_one_commit(pgo, app, change, who):
    files, finished = CHANGES[change]
    heads = []

    def begin():
        heads.append(app.commit(files))
        app.begin()

    with core_at(pgo, begin, "== names\n") as let_go:
        assert app.proxy.site("one.test") and app.proxy.site("two.test") is None
        if who == "pgod":
            pgo.kill()
        else:
            os.kill(pgo.role_pids("pgod-core")[0], signal.SIGKILL)
        let_go()
    if who == "pgod":
        pgo.start().wait_listening()
    converges(pgo, app, heads[0], finished)
