"""How a changed release takes the place of what runs: recreate, in-place, start-first."""

import glob
import os

import pytest

from lib.host import wait_until
from lib.scenes import START_FIRST, by_service, shop, shop_deployed

IN_PLACE = {"update": "in-place"}


def app(x_pgo, web_image="pgo-test/web:1", **more):
    services = {
        "web": {"image": web_image, "volumes": ["./www:/www"]},
        "db": {"image": "pgo-test/web:1"},
        "proxy": {"image": "pgo-test/web:1", "configs": [{"source": "proxy"}]},
    }
    return {"services": services, "configs": {"proxy": {"file": "./proxy.conf"}}, "x-pgo": x_pgo, **more}


FILES = {"www/index.html": "one\n", "proxy.conf": "one\n"}


def deployed_app(pgo, x_pgo, **keys):
    repo = pgo.repo("site", {"compose.yaml": app(x_pgo), "ssh/k.pub": pgo.key.public, **FILES})
    pgo.service("site", repo, **keys)
    pgo.start().wait_deployed("site", repo.head, count=3)
    return repo


def ids(pgo):
    return {box.service: box.id for box in pgo.running("site")}


def replaced(pgo, repo, files):
    """The compose services that have other containers after this commit was deployed."""
    before = ids(pgo)
    pgo.wait_deployed("site", repo.commit(files), count=3)
    after = ids(pgo)
    assert set(before) == set(after)
    return sorted(name for name in after if after[name] != before[name])


def test_without_a_word_everything_goes_down_and_comes_up(pgo):
    repo = deployed_app(pgo, {})
    assert replaced(pgo, repo, {"compose.yaml": app({}, "pgo-test/web:2")}) == ["db", "proxy", "web"]
    assert len(pgo.engine.calls("stop", "site")) == 1


@pytest.mark.parametrize(
    "files, names",
    [
        ({"compose.yaml": app(IN_PLACE, "pgo-test/web:2")}, ["web"]),
        ({"www/index.html": "two\n"}, ["web"]),
        ({"proxy.conf": "two\n"}, ["proxy"]),
        ({"compose.yaml": app(IN_PLACE, **{"x-gpo-version": 2})}, []),
    ],
    ids=["image", "mounted file", "config file", "x-gpo-version"],
)
def test_in_place_replaces_only_what_changed(pgo, files, names):
    repo = deployed_app(pgo, IN_PLACE)
    assert replaced(pgo, repo, files) == names
    assert pgo.engine.calls("stop", "site") == []


def test_in_place_removes_a_service_that_the_commit_drops(pgo):
    repo = deployed_app(pgo, IN_PLACE)
    before = ids(pgo)
    model = app(IN_PLACE)
    del model["services"]["db"]
    pgo.wait_deployed("site", repo.commit({"compose.yaml": model}), count=2)
    assert ids(pgo) == {name: before[name] for name in ("proxy", "web")}


def test_a_file_that_nobody_reads_replaces_nothing(pgo):
    repo = deployed_app(pgo, IN_PLACE)
    before = ids(pgo)
    head = repo.commit({"README": "hello\n"})
    pgo.wait_live("site", head)
    pgo.wait_judged("site", head)
    assert ids(pgo) == before


@pytest.mark.parametrize(
    "x_pgo, sentence",
    [
        ({"update": "rolling"}, "x-pgo.update: must be recreate, in-place or start-first"),
        ({"updates": "in-place"}, "x-pgo.updates: unknown key; its keys are reload, update and services"),
        ({"reload": "no"}, "x-pgo.reload: must be true or false"),
    ],
)
def test_a_misspelt_x_pgo_refuses_the_release_and_says_so(pgo, x_pgo, sentence):
    repo = deployed_app(pgo, {})
    before = ids(pgo)
    pgo.wait_judged("site", repo.commit({"compose.yaml": app(x_pgo, "pgo-test/web:2")}))
    assert sentence in pgo.status("site")
    assert ids(pgo) == before


# --- start-first ---


def api(pgo, start):
    """What pgod asked the engine to change, since."""
    return [f"{method} {path}" for method, path in pgo.engine.requests[start:] if method != "GET" and "/images/" not in path]


def test_start_first_makes_the_new_one_known_only_when_it_is_healthy(pgo):
    repo = shop_deployed(pgo, networks={"default": {"aliases": ["shop"]}})
    (old,) = by_service(pgo, "web")
    names = [sorted(net["Aliases"]) for net in old.networks.values()]
    pgo.engine.behave("web", health=[None])
    start = len(pgo.engine.requests)
    head = repo.commit({"compose.yaml": shop("pgo-test/web:2", networks={"default": {"aliases": ["shop"]}})})
    wait_until(lambda: len(pgo.running("site")) == 2, "the new one runs beside the old")
    (new,) = [box for box in by_service(pgo, "web") if box.id != old.id]
    wait_until(lambda: new.state == "running", "the new one runs")
    assert all(not {"web", "shop"} & set(net["Aliases"] or []) for net in new.networks.values())
    assert old.state == "running" and {"web", "shop"} <= set(next(iter(old.networks.values()))["Aliases"])
    pgo.engine.set_health(new, "healthy")
    pgo.wait_deployed("site", head)
    assert [box.id for box in by_service(pgo, "web")] == [new.id]
    assert [{"web", "shop"} <= set(net["Aliases"]) for net in new.networks.values()] == [True] * len(names)
    assert [line.split("/")[-1] for line in api(pgo, start)] == [
        *("disconnect", "connect", "start", "disconnect", "connect", "stop"),
        old.id,
    ]
    assert pgo.engine.calls("stop", "site") == []


def test_start_first_keeps_the_number_of_containers(pgo):
    repo = shop_deployed(pgo, scale=3, count=3)
    before = {box.id for box in by_service(pgo, "web")}
    pgo.wait_deployed("site", repo.commit({"compose.yaml": shop("pgo-test/web:2", scale=2)}), count=2)
    after = by_service(pgo, "web")
    assert len(after) == 2 and not before & {box.id for box in after}


@pytest.mark.parametrize(
    "manner, sentence",
    [
        ({"exits": 1}, "its new container exited with 1"),
        ({"health": "unhealthy"}, "its new container is unhealthy"),
        ({"health": None}, "its new container is not healthy within 5 s"),
    ],
    ids=["exits", "unhealthy", "never healthy"],
)
def test_start_first_leaves_the_old_one_alone_when_the_new_one_is_no_good(pgo, manner, sentence):
    repo = shop_deployed(pgo)
    (old,) = by_service(pgo, "web")
    pgo.engine.behave("web", **manner)
    good = repo.head
    bad = repo.commit({"compose.yaml": shop("pgo-test/web:2"), "page": "bad\n"})
    status = pgo.wait_judged("site", bad)
    assert sentence in status and "rolled back" in status
    assert [box.id for box in by_service(pgo, "web")] == [old.id]
    assert old.state == "running"
    assert pgo.ref("site") == good
    assert pgo.engine.calls("stop", "site") == []


@pytest.mark.parametrize("answer, outcome", [(500, "rolled back"), (None, "failed")], ids=["refused", "no answer"])
@pytest.mark.parametrize("step", ["POST /networks/*/disconnect", "POST /networks/*/connect", "POST /containers/*/start"])
def test_start_first_cleans_up_after_itself_whatever_the_engine_says(pgo, step, answer, outcome):
    repo = shop_deployed(pgo)
    (old,) = by_service(pgo, "web")
    pgo.engine.fail(step, status=answer, times=1 if answer else 2)  # a kept connection that closes is tried once more
    head = repo.commit({"compose.yaml": shop("pgo-test/web:2")})
    pgo.wait_status("site", rf"commit {head[:8]}[^\n]*: switch: web: cannot .*last deploy[^\n]* of {head[:8]}: {outcome}, took")
    assert [box.id for box in by_service(pgo, "web")] == [old.id]
    assert old.state == "running"


def test_start_first_cleans_up_after_itself_when_compose_fails(pgo):
    repo = shop_deployed(pgo)
    (old,) = by_service(pgo, "web")
    pgo.engine.fail("up:end", status=1, stderr="no space left on device", times=1)
    head = repo.commit({"compose.yaml": shop("pgo-test/web:2")})
    pgo.wait_status("site", rf"commit {head[:8]}[^\n]*: switch: web: no space left.*last deploy[^\n]* of {head[:8]}: rolled back, took")
    assert [box.id for box in by_service(pgo, "web")] == [old.id]


@pytest.mark.parametrize(
    "more, reason",
    [
        ({"container_name": "site-web"}, "it has a container_name"),
        ({"volumes": ["./data:/data"]}, "it can write to data"),
    ],
    ids=["container_name", "data"],
)
def test_start_first_says_why_it_replaces_in_place(pgo, more, reason):
    repo = pgo.repo("site", {"compose.yaml": shop(**more), "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo, settle="100ms")
    pgo.start().wait_deployed("site", repo.head)
    pgo.wait_deployed("site", repo.commit({"compose.yaml": shop("pgo-test/web:2", **more)}))
    assert len(by_service(pgo, "web")) == 1
    assert reason in deploy_log(pgo)


def deploy_log(pgo):
    logs = sorted(glob.glob(os.path.join(pgo.dir, ".state", "logs", "site", "*.log")), key=os.path.getmtime)
    with open(logs[-1], encoding="utf-8") as log:
        return log.read()


def test_start_first_leaves_what_is_the_same_alone(pgo):
    two = {"services": {"web": shop()["services"]["web"], "db": shop()["services"]["web"]}, "x-pgo": START_FIRST}
    repo = pgo.repo("site", {"compose.yaml": two, "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo, settle="100ms")
    pgo.start().wait_deployed("site", repo.head, count=2)
    changed = {**two, "services": {**two["services"], "web": shop("pgo-test/web:2")["services"]["web"]}}
    assert replaced_of(pgo, repo, {"compose.yaml": changed}, 2) == ["web"]


def replaced_of(pgo, repo, files, count):
    before = ids(pgo)
    pgo.wait_deployed("site", repo.commit(files), count=count)
    after = ids(pgo)
    return sorted(name for name in after if after[name] != before[name])
