"""Start-first with a real engine: what a reverse proxy's clients see of deploys, good and bad. Nothing."""

import itertools

import pytest

from lib.caddy import IMAGE, NETWORK, Caddy, Load
from lib.host import wait_until
from lib.kills import VICTIMS, strike
from lib.scenes import in_background
from lib.steps import FORWARD, core_at

RATE = 300
HEALTHY = {"test": ["CMD", "busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"], "interval": "300ms", "timeout": "5s", "retries": 2}


def shop(page="one", **more):
    """A web server that ends its requests before it goes."""
    service = {
        "image": IMAGE,
        "command": ["respond", "--listen", ":8080", page],
        "networks": {"edge": {"aliases": ["shop"]}},
        "healthcheck": HEALTHY,
        "stop_grace_period": "10s",
        **more,
    }
    networks = {"edge": {"external": True, "name": NETWORK}}
    return {"services": {"web": service}, "networks": networks, "x-pgo": {"update": "start-first"}}


@pytest.fixture
def caddy(pgo):
    return Caddy(pgo)


def deployed(pgo, caddy):
    repo = pgo.repo("site", {"compose.yaml": shop(), "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo, health_timeout="20s", settle="100ms")
    pgo.start()
    pgo.wait_deployed("site", repo.head, deadline=60)
    caddy.wait_page("one")
    return repo


def ids(pgo):
    return {box.id for box in pgo.engine.containers("site")}


def test_no_request_fails_while_a_good_release_takes_over(pgo, caddy):
    repo = deployed(pgo, caddy)
    with Load(caddy, RATE) as load:
        for page in ("two", "three", "four"):
            before = ids(pgo)
            pgo.wait_deployed("site", repo.commit({"compose.yaml": shop(page)}), deadline=60)
            assert len(ids(pgo)) == 1 and not before & ids(pgo)
            assert caddy.page() == page
    assert load.failures == [], caddy.errors()
    assert len(load.answers) > RATE


BAD = {
    "exits": {"command": ["version"]},
    "never healthy": {"healthcheck": {**HEALTHY, "test": ["CMD", "false"]}},
    "no such program": {"entrypoint": ["/none"]},
}


@pytest.mark.parametrize("more", BAD.values(), ids=BAD.keys())
def test_no_request_fails_while_a_bad_release_does_not(pgo, caddy, more):
    repo = deployed(pgo, caddy)
    before, good = ids(pgo), repo.head
    with Load(caddy, RATE) as load:
        bad = repo.commit({"compose.yaml": shop(**more)})
        assert "rolled back: switch: web: " in pgo.wait_judged("site", bad, deadline=60)
    assert load.failures == [], caddy.errors()
    assert ids(pgo) == before
    assert pgo.ref("site") == good


def test_scaled_containers_take_over_together(pgo, caddy):
    repo = deployed(pgo, caddy)
    pgo.wait_deployed("site", repo.commit({"compose.yaml": shop(scale=2)}), count=2, deadline=60)
    before = ids(pgo)
    with Load(caddy, RATE) as load:
        pgo.wait_deployed("site", repo.commit({"compose.yaml": shop("two", scale=2)}), count=2, deadline=60)
    assert load.failures == [], caddy.errors()
    assert len(ids(pgo)) == 2 and not before & ids(pgo)


def test_a_kill_in_the_middle_leaves_one_container_that_serves(pgo, caddy):
    repo = deployed(pgo, caddy)
    slow = {**HEALTHY, "interval": "3s"}
    with Load(caddy, RATE) as load:
        head = repo.commit({"compose.yaml": shop("two", healthcheck=slow)})
        wait_until(lambda: len(pgo.running("site")) == 2, "the new one runs beside the old", 40)
        pgo.kill()
        pgo.start()
        pgo.wait_deployed("site", head, deadline=60)
        wait_until(lambda: len(ids(pgo)) == 1, "only the new one is left")
    assert load.failures == [], caddy.errors()


def test_no_request_fails_whoever_dies_at_a_step(pgo, caddy):
    repo = deployed(pgo, caddy)
    with Load(caddy, RATE) as load:
        for step, (who, sig) in zip(FORWARD, itertools.cycle(VICTIMS)):
            heads = []

            def push():
                heads.append(repo.commit({"compose.yaml": shop(f"page of {step}")}))
                in_background(pgo, "site", "sync")

            with core_at(pgo, push, f"== {step}\n") as let_go:
                strike(pgo, who, sig, let_go)
            print(who, sig.name, step)
            pgo.wait_deployed("site", heads[0], deadline=40)
            wait_until(lambda: len(ids(pgo)) == 1 and caddy.page() == f"page of {step}", "only the new one is left", 20)
    assert load.failures == [], caddy.errors()
