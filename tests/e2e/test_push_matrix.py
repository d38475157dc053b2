"""Pushes of every kind to an app that visitors use: what git says, what runs, what the refs are, and that nobody is turned away meanwhile."""

import contextlib
import os

import pytest

from lib.host import run
from lib.pushes import GOOD, App, is_as_before, nobody_turned_away, running, visited
from lib.whole import rows


@pytest.fixture
def host(pgo, request):
    """pgod that takes pushes, behind an nginx. Its parameter: how long an app may take to start."""
    return visited(pgo, health_timeout=getattr(request, "param", "60s"))


def deploys(pgo):
    return rows(pgo, "select count(*) from deploy")[0]


def test_good_pushes_are_live_when_they_are_accepted(pgo, host):
    app = running(pgo, host)
    with nobody_turned_away(host, app):
        # One file differs.
        two = app.change("two")
        app.push().accepted()
        assert host.ask(app.host).body == "two"
        app.runs(two)
        # The same commit: git has nothing to say to the server.
        before, number = app.state(), deploys(pgo)
        assert "Everything up-to-date" in app.push().accepted().text
        is_as_before(app, before)
        assert deploys(pgo) == number
        # Another history, by force alone.
        app.git("reset", "-q", "--hard", f"{two}~1")
        three = app.change("three")
        app.push().rejected("non-fast-forward")
        is_as_before(app, before)
        app.push(options=["--force"]).accepted()
        assert host.ask(app.host).body == "three"
        app.runs(three)
        assert app.remote_refs() == {"HEAD": three, "refs/heads/main": three}


def test_tags_are_stored_and_deploy_nothing(pgo, host):
    app = running(pgo, host)
    before, number = app.state(), deploys(pgo)
    app.git("tag", "v1")
    said = app.push("v1").accepted().said
    assert "nothing is deployed" in said, said
    assert deploys(pgo) == number and app.state().boxes == before.boxes
    two = app.change("two")
    app.git("tag", "-a", "-m", "second", "v2")
    app.push("main", "v2").accepted()
    assert app.refs() == {"refs/heads/main": two, "refs/tags/v1": before.refs["refs/heads/main"], "refs/tags/v2": app.git("rev-parse", "v2").stdout.strip()}
    app.nothing_left(1)


def test_what_no_push_may_do_is_refused_before_anything_is_done(pgo, host):
    app = running(pgo, host)
    before, number = app.state(), deploys(pgo)
    app.git("branch", "other")
    app.change("two")
    with nobody_turned_away(host, app):
        app.push(":main").rejected("destroy")
        is_as_before(app, before)
        app.push("main", "other").rejected("one branch")
        is_as_before(app, before)
        app.change("three")
        # With and without what is missing on the server.
        for depth in (1, 2):
            shallow(pgo, app, f"of-{depth}", depth).push("HEAD:main", options=["--force"]).rejected("git fetch --unshallow|shallow update not allowed")
            is_as_before(app, before)
    assert deploys(pgo) == number
    app.nothing_left(1)


def test_a_deleted_branch_takes_its_app_along_and_turns_nobody_away(pgo):
    host = visited(pgo, delete=True)
    app = running(pgo, host)
    branch = App(pgo, "shop-feature")
    app.git("checkout", "-q", "-b", "feature")
    app.change("two")
    app.push("feature").accepted()
    host.wait_page(branch.host, "two")
    before = app.state()
    with nobody_turned_away(host, app):
        app.push(":main").rejected("itself runs of")
        is_as_before(app, before)
        said = app.push("feature", options=["--delete"]).accepted().said
        assert "-----> Destroying shop-feature: the branch feature is deleted" in said, said
        assert f"       Removing http://{branch.host}" in said and "=====> Application destroyed: shop-feature" in said, said
        assert "refs/heads/feature" not in app.refs() and branch.refs() == {}
        branch.nothing_left(0)
        host.wait_status(branch.host, 404)
    assert app.state().boxes == before.boxes
    app.nothing_left(1)
    # The branch may come again.
    app.push("feature").accepted()
    host.wait_page(branch.host, "two")


def shallow(pgo, app, path, depth):
    """A clone of the developer's repository with so many commits."""
    clone = App(pgo, app.name, path=path)
    clone.git("fetch", "-q", "--depth", str(depth), f"file://{app.path}", "main")
    clone.git("reset", "-q", "--hard", "FETCH_HEAD")
    return clone


def test_an_empty_repository_makes_nothing(pgo, host):
    app = App(pgo, "empty")
    push = app.push()
    assert push.status == 1 and "src refspec main does not match any" in push.text, push.text
    assert not os.path.exists(os.path.join(pgo.dir, ".repos", "empty.git")) and not pgo.engine.containers("empty")


BAD = {
    "the build fails": (GOOD + "RUN echo it does not compile && false\n", "it does not compile"),
    "it exits at once": (GOOD + 'CMD ["sh", "-c", "exit 3"]\n', "exited with 3|does not stay up"),
    "it never gets healthy": (GOOD + "HEALTHCHECK --interval=200ms --retries=2 CMD false\n", "unhealthy"),
    "its port never opens": (GOOD + 'CMD ["tail", "-f", "/dev/null"]\n', "8080"),
    "it is no Dockerfile": ("MAKE ME A SANDWICH\n", "MAKE"),
}


@pytest.mark.parametrize("host", ["4s"], indirect=True)
def test_bad_pushes_change_nothing_that_visitors_see(pgo, host):
    app = running(pgo, host)
    before = app.state()
    with nobody_turned_away(host, app):
        for what, (dockerfile, pattern) in BAD.items():
            bad = app.commit({"Dockerfile": dockerfile}, what)
            push = app.push().rejected(pattern)
            assert " !     " in push.said, (what, push.said)
            is_as_before(app, before)
            app.nothing_left(1)
            # The same commit again is tried again, and means the same.
            if what == "the build fails":
                assert app.head() == bad
                app.push().rejected(pattern)
                is_as_before(app, before)
        # And none of it is in the way of a good one.
        head = app.commit({"Dockerfile": GOOD, "index.html": "two\n"}, "good")
        app.push().accepted()
        app.runs(head)
    assert host.ask(app.host).body == "two"


def test_a_name_of_another_app_is_not_for_taking(pgo, host):
    app = running(pgo, host, CNAME="www.shop.test\n")
    host.wait_page("www.shop.test", "one")
    thief = App(pgo, "thief", **{"Dockerfile": GOOD, "index.html": "stolen\n", "CNAME": "www.shop.test\n"})
    before = app.state()
    thief.push().rejected("www.shop.test.*shop")
    is_as_before(app, before)
    assert host.ask("www.shop.test").body == "one"
    assert thief.refs() == {} and not pgo.engine.containers("thief")


def test_what_operators_change_turns_nobody_away(pgo, host):
    """Scale, variables, and the way back, each of which replaces containers."""
    app = running(pgo, host)
    two = app.change("two")
    with nobody_turned_away(host, app):
        app.push().accepted()
        pgo.ctl(app.name, "scale", "web=3", check=True)
        pgo.wait_running(app.name, 3)
        pgo.ctl(app.name, "config", "set", "COLOUR=blue", check=True)
        assert all("COLOUR=blue" in variables(pgo, box) for box in pgo.wait_running(app.name, 3))
        pgo.ctl(app.name, "rollback", check=True)
        assert all("COLOUR=blue" not in variables(pgo, box) for box in pgo.wait_running(app.name, 3))
        pgo.ctl(app.name, "scale", "web=1", check=True)
        app.runs(two)


def variables(pgo, box):
    return pgo.engine.ask("GET", f"/containers/{box.id}/json")[1]["Config"]["Env"]


# --- large ----------------------------------------------------------------------------------------------------------


def test_a_large_repository_is_received_whole(pgo, host):
    app = App(pgo, "large", **{"Dockerfile": GOOD, "index.html": "one\n", ".dockerignore": "blob\n"})
    app.git("config", "core.compression", "0")
    with open(os.path.join(app.path, "blob"), "wb") as blob:
        for _ in range(100):
            blob.write(os.urandom(1 << 20))
    head = app.commit({}, "large")
    app.push().accepted()
    app.runs(head)
    assert os.path.getsize(pgo.live("large", "blob")) == 100 << 20


def test_a_full_disk_changes_nothing_and_is_told(pgo):
    run("mount", "-t", "tmpfs", "-o", "size=256m,mode=0755", "tmpfs", pgo.dir)
    try:
        host = visited(pgo)
        app = running(pgo, host)
        before = app.state()
        with nobody_turned_away(host, app):
            filler = os.path.join(pgo.dir, ".empty", "filler")
            with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as out:
                while True:
                    out.write(bytes(1 << 16))
            with open(os.path.join(app.path, "data"), "wb") as blob:
                blob.write(os.urandom(1 << 20))
            app.change("two")
            push = app.push()
            assert push.status == 1 and "No space left" in push.text, push.text
            is_as_before(app, before)
            os.unlink(filler)
            app.push().accepted()
            app.runs(app.head())
        assert host.ask(app.host).body == "two"
        pgo.stop()
        pgo.unpin()
    finally:
        run("umount", "--lazy", pgo.dir)
