"""What a pushed app built goes to a registry when it runs: Debian's docker-registry with passwords."""

import os
import re

import pytest

from lib.host import outcome, wait_until
from lib.pusher import Pusher, operator, said
from lib.registries import Registry
from test_commit import fetch, only
from test_registries import nothing_is_left, unused_home  # noqa: F401

TOKEN = "pu5h:t0ken@here"


def files(page, more=""):
    compose = '{"services": {"web": {"build": ".", "stop_grace_period": "0s", "networks": {"default": {}}}' + more + "}}"
    return {"compose.yaml": compose, "Dockerfile": f"FROM pgo-test/web:1\nCOPY www /www\nLABEL page={page}\n", "www/index.html": page + "\n"}


def host_of(pgo, registry, more=""):
    pgo.tables = f'[push]\ncreate = true\nregistry = "{registry}"\n' + more + operator(pgo.key)
    pgo.start().wait_listening()
    assert pgo.ctl("host:", "apps", "create", "shop").returncode == 0
    return Pusher(pgo, "shop")


def tags(pgo, name):
    """What the registry has under a name."""
    try:
        return sorted(os.listdir(pgo.path("registry", "docker/registry/v2/repositories", name, "_manifests/tags")))
    except FileNotFoundError:
        return []


def names_of_images(pgo):
    return [tag for image in pgo.engine.ask("GET", "/images/json")[1] for tag in image["RepoTags"] or []]


def test_what_was_built_goes_to_the_registry_under_the_number_of_its_release(pgo):
    registry = Registry(pgo, {"bob": TOKEN})
    me = host_of(pgo, f"bob:{TOKEN}@{registry.address}/team")
    me.commit(files("one"))
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert re.search(rf"-----> Pushing the images to the registry\n +{registry.address}/team/shop:(\d+)\n", said(done)), said(done)
    assert len(tags(pgo, "team/shop")) == 1 and fetch(only(pgo, "shop")) == "one"
    # Two that are built, and one that is not; an image that nobody built is nobody's to push.
    more = ', "worker": {"build": ".", "command": ["sleep", "600"], "stop_grace_period": "0s"}, "plain": {"image": "pgo-test/web:1", "stop_grace_period": "0s"}'
    me.commit(files("two", more))
    done = me.push()
    assert done.returncode == 0, done.stderr
    first, second, worker = tags(pgo, "team/shop")
    assert worker == f"{second}-worker" and int(first) < int(second)
    assert os.listdir(pgo.path("registry", "docker/registry/v2/repositories/team")) == ["shop"]
    assert not [name for name in names_of_images(pgo) if registry.address in name], "its name there goes when it is there"
    # What has not changed is not pushed again.
    me.commit({"README": "nothing\n"})
    assert me.push().returncode == 0
    nothing_is_left(pgo, TOKEN)


@pytest.mark.parametrize("trouble", ["password", "nobody"])
def test_a_registry_that_does_not_take_it_changes_nothing(pgo, trouble):
    registry = Registry(pgo, {"bob": TOKEN})
    where = f"bob:wr0ng-t0ken@{registry.address}/team" if trouble == "password" else f"bob:{TOKEN}@127.0.0.1:9/team"
    me = host_of(pgo, where)
    head = me.commit(files("one"))
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert " !     The images were not pushed to 127.0.0.1" in said(done) and "=====> Application deployed" in said(done), said(done)
    assert "wr0ng" not in done.stderr and TOKEN not in done.stderr
    assert me.remote_refs()["refs/heads/main"] == head and fetch(only(pgo, "shop")) == "one"
    assert "The images were not pushed to" in pgo.ctl("shop", "logs", "deploy").stdout
    assert "live" in pgo.ctl("shop", "history").stdout
    assert not [name for name in names_of_images(pgo) if "/team/" in name]
    nothing_is_left(pgo, TOKEN, "wr0ng-t0ken")


@pytest.mark.parametrize("how", ["cancel", "hold"])
def test_nobody_waits_for_a_registry_that_stalls(pgo, how):
    registry = Registry(pgo, {"bob": TOKEN})
    me = host_of(pgo, f"bob:{TOKEN}@{registry.host}/stall")
    head = me.commit(files("one"))
    push = me.begin()
    wait_until(lambda: "/stall/" in registry.requests(), "the registry is asked", 60)
    assert fetch(only(pgo, "shop")) == "one"
    assert pgo.ctl("shop", how).returncode == 0
    _, told = outcome(push, 30)
    assert push.returncode == 0 and "The images were not pushed to" in told, told
    assert me.remote_refs()["refs/heads/main"] == head
    assert not [name for name in names_of_images(pgo) if "/stall/" in name]
    nothing_is_left(pgo, TOKEN)


def test_a_release_that_another_pgod_brings_to_its_end_is_in_no_registry(pgo):
    registry = Registry(pgo, {"bob": TOKEN})
    me = host_of(pgo, f"bob:{TOKEN}@{registry.address}/team", 'settle = "3s"\n')
    head = me.commit(files("one"))
    me.begin()
    pgo.wait_running("shop")
    pgo.kill()
    assert tags(pgo, "team/shop") == []
    pgo.start().wait_listening()
    wait_until(lambda: len(tags(pgo, "team/shop")) == 1, "it is there", 60)
    wait_until(lambda: me.remote_refs().get("refs/heads/main") == head, "the branch follows what runs", 30)
    wait_until(lambda: not [name for name in names_of_images(pgo) if registry.address in name], "its name there goes", 30)
    nothing_is_left(pgo, TOKEN)


def test_a_kill_while_images_are_pushed_leaves_the_app_and_no_name(pgo):
    registry = Registry(pgo, {"bob": TOKEN})
    me = host_of(pgo, f"bob:{TOKEN}@{registry.host}/stall")
    head = me.commit(files("one"))
    me.begin()
    wait_until(lambda: "/stall/" in registry.requests(), "the registry is asked", 60)
    box = only(pgo, "shop").id
    pgo.kill()
    pgo.start().wait_listening()
    wait_until(lambda: me.remote_refs().get("refs/heads/main") == head, "the branch follows what runs", 30)
    assert only(pgo, "shop").id == box
    wait_until(lambda: "== push images" in pgo.ctl("shop", "logs", "deploy").stdout, "it goes on with the registry", 60)
    assert only(pgo, "shop").id == box
    # The next release takes away what the last one could not.
    pgo.tables = pgo.tables.replace("/stall", "/team").replace(registry.host, registry.address)
    pgo.write_config()
    assert pgo.wait_exit(60) == 2
    pgo.start(write=False).wait_listening()
    me.commit(files("two"))
    assert me.push().returncode == 0
    assert not [name for name in names_of_images(pgo) if "/stall/" in name or "/team/" in name]
    assert len(tags(pgo, "team/shop")) == 1
    nothing_is_left(pgo, TOKEN)
