"""Somebody goes away in the middle of a push: the pusher, pgod, or an operator cancels it. Visitors see none of it, and one whole release runs."""

import os
import signal

import pytest

from lib.host import wait_until
from lib.pushes import GOOD, App, is_as_before, let_start, nobody_turned_away, running, visited

SLOW = GOOD + 'CMD ["sh", "-c", "busybox mkfifo /go && read go </go && exec httpd -f -p 8080 -h /www"]\n'
ENDLESS = GOOD + "RUN echo the build has begun; tail -f /dev/null\n"


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
    let_start(pgo, box)


@pytest.fixture
def host(pgo):
    return visited(pgo)


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
