"""How a changed release takes the place of what runs: recreate, in-place, start-first."""

import pytest

from lib.pgo import web

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
        ({"updates": "in-place"}, "x-pgo.updates: unknown key; the keys are reload and update"),
        ({"reload": "no"}, "x-pgo.reload: must be true or false"),
    ],
)
def test_a_misspelt_x_pgo_refuses_the_release_and_says_so(pgo, x_pgo, sentence):
    repo = deployed_app(pgo, {})
    before = ids(pgo)
    pgo.wait_judged("site", repo.commit({"compose.yaml": app(x_pgo, "pgo-test/web:2")}))
    assert sentence in pgo.status("site")
    assert ids(pgo) == before
