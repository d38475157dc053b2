"""Pushes of every kind to an app that visitors use: what git says, what runs, what the refs are, and that nobody is turned away meanwhile."""

import contextlib
import os
import signal

import pytest

from lib.caddy import Load
from lib.host import run, wait_until
from lib.proxies import Nginx
from lib.pushes import App, accept_pushes, is_as_before, run_in
from lib.whole import rows

RATE = 200
GOOD = "FROM pgo-test/web:1\nCOPY index.html /www/\nEXPOSE 8080\nSTOPSIGNAL KILL\n"
SLOW = GOOD + 'CMD ["sh", "-c", "busybox mkfifo /go && read go </go && exec httpd -f -p 8080 -h /www"]\n'
ENDLESS = GOOD + "RUN echo the build has begun; tail -f /dev/null\n"


@pytest.fixture
def host(pgo, request):
    """pgod that takes pushes, behind an nginx. Its parameter: how long an app may take to start."""
    host = Nginx(pgo)
    accept_pushes(pgo, health_timeout=getattr(request, "param", "60s"))
    host.start()
    pgo.start().wait_listening()
    return host


def running(pgo, host, name="shop", **files):
    """An app whose first push was accepted; its page is "one"."""
    app = App(pgo, name, **{"Dockerfile": GOOD, "index.html": "one\n", **files})
    app.push().accepted()
    app.runs(app.head)
    host.wait_page(app.host, "one")
    return app


@contextlib.contextmanager
def nobody_turned_away(host, app):
    with Load(host, RATE, port=host.http, host=app.host) as load:
        yield
    assert load.failures == [] and len(load.answers) > RATE // 4, (len(load.answers), load.failures[:10])


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
    assert app.refs() == {"refs/heads/main": two, "refs/tags/v1": before.refs["refs/heads/main"], "refs/tags/v2": app.git("rev-parse", "v2")}
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


def shallow(pgo, app, path, depth):
    """A clone of the developer's repository with so many commits."""
    clone = App(pgo, app.name, path=path)
    clone.git("fetch", "-q", "--depth", str(depth), app.url, "main")
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
                assert app.git("rev-parse", "HEAD") == bad
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


# --- who goes away in the middle ------------------------------------------------------------------------------------


def slow(pgo, app):
    """A push of an app that does not listen until let_go; returns it while that is awaited."""
    head = app.commit({"Dockerfile": SLOW, "index.html": "two\n"}, "slow")
    push = app.begin().see("Waiting until|beside the old ones")
    old = {box.id for box in app.first}

    def started():
        return [box for box in pgo.running(app.name) if box.id not in old]

    wait_until(started, "the new container runs", 40)
    return head, push


def let_go(pgo, app):
    old = {box.id for box in app.first}
    (box,) = [box for box in pgo.running(app.name) if box.id not in old]
    run_in(pgo, box, "echo now > /go")


@pytest.fixture
def shop(pgo, host):
    app = running(pgo, host)
    app.first = pgo.running(app.name)
    return app


def test_a_pusher_who_leaves_does_not_stop_the_deploy(pgo, host, shop):
    with nobody_turned_away(host, shop):
        head, push = slow(pgo, shop)
        push.leave()
        assert shop.refs() != {"refs/heads/main": head}
        assert "deploy" in pgo.status(shop.name)
        let_go(pgo, shop)
        wait_until(lambda: shop.refs() == {"refs/heads/main": head}, "the ref follows what runs")
        shop.runs(head)
    assert host.ask(shop.host).body == "two"


def test_a_cancel_while_an_app_starts_rejects_the_push(pgo, host, shop):
    before = shop.state()
    with nobody_turned_away(host, shop):
        _, push = slow(pgo, shop)
        assert pgo.ctl(shop.name, "cancel").returncode == 0
        push.end().rejected("cancel")
        wait_until(lambda: shop.state().boxes == before.boxes, "the new container goes")
        is_as_before(shop, before)
        shop.nothing_left(1)


def test_a_second_push_is_told_who_holds_the_app(pgo, host, shop):
    with nobody_turned_away(host, shop):
        head, push = slow(pgo, shop)
        second = App(pgo, "shop", path="second", **{"Dockerfile": GOOD, "index.html": "three\n"})
        second.push(options=["--force"]).rejected("tess.*cancel")
        let_go(pgo, shop)
        push.end().accepted()
        shop.runs(head)


def test_a_pgod_that_dies_while_an_app_starts_ends_what_was_begun(pgo, host, shop):
    with nobody_turned_away(host, shop):
        head, push = slow(pgo, shop)
        pgo.kill()
        assert push.end().status != 0
        pgo.start(write=False).wait_listening()

        def settled():
            # What was half made is made anew, and waits as well.
            if not pgo.ref("shop") == head or shop.refs() != {"refs/heads/main": head}:
                let_go(pgo, shop)
            return shop.refs() == {"refs/heads/main": head}

        wait_until(settled, "the ref follows what runs", 40, step=0.2)
        shop.runs(head)
    assert host.ask(shop.host).body == "two"


@pytest.mark.parametrize("who", ["pgod", "pgod-core", "the pusher"])
def test_whoever_dies_in_a_build_nothing_has_changed(pgo, host, shop, who):
    before = shop.state()
    with nobody_turned_away(host, shop):
        shop.commit({"Dockerfile": ENDLESS}, "endless")
        push = shop.begin().see("the build has begun")
        if who == "pgod":
            pgo.kill()
            pgo.start(write=False).wait_listening()
        elif who == "pgod-core":
            for pid in pgo.role_pids("pgod-core"):
                os.kill(pid, signal.SIGKILL)
        else:
            push.leave()
            assert pgo.ctl(shop.name, "cancel").returncode == 0
        assert push.end().status != 0
        pgo.wait_status(shop.name, "state +live")
        shop.nothing_left(1)
        is_as_before(shop, before)
        head = shop.commit({"Dockerfile": GOOD, "index.html": "two\n"}, "good")
        shop.push().accepted()
        shop.runs(head)


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
        host = Nginx(pgo)
        accept_pushes(pgo, health_timeout="4s")
        host.start()
        pgo.start().wait_listening()
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
            app.runs(app.head)
        assert host.ask(app.host).body == "two"
        pgo.stop()
        pgo.unpin()
    finally:
        run("umount", "--lazy", pgo.dir)
