"""An app that is destroyed on a real engine: its containers and networks go, its volumes and its data stay, and nobody else gets at them."""

import os

from lib.host import wait_until
from lib.pgo import Key, web
from lib.pusher import Pusher, operator

WRITE = "echo precious | tee /named/file >/data/file; exec httpd -f -p 8080 -h /www"


def model(datadir, name):
    service = {"command": ["sh", "-c", WRITE], "stop_signal": "KILL", "volumes": ["named:/named", f"{datadir}/{name}/store:/data"]}
    return {**web(**service), "volumes": {"named": None}}


def written(path):
    with open(path, encoding="ascii") as kept:
        return kept.read() == "precious\n"


def test_what_an_app_has_stored_goes_with_it_or_falls_into_other_hands(pgo):
    tess, bob = Key(pgo.path("tess")), Key(pgo.path("bob"))
    pgo.tables = '[push]\ncreate = true\nhealth_timeout = "20s"\nsettle = "200ms"\n' + operator(pgo.key) + "\n"
    pgo.start().wait_listening()
    wait_until(lambda: pgo.ssh("host://apps list").returncode == 0, "it answers")
    for name, key in (("tess", tess), ("bob", bob)):
        assert pgo.ssh(f"host://upload-key {name}", input=key.public).returncode == 0

    def push(key, clone):
        me = Pusher(pgo, "shop", name=clone, key=key)
        me.commit({"compose.yaml": model(pgo.datadir, "shop")})
        return me.push(deadline=120)

    done = push(tess, "one")
    assert done.returncode == 0, done.stderr
    (box,) = pgo.wait_running("shop")
    _, inspected = pgo.engine.ask("GET", f"/containers/{box.id}/json")
    (named,) = [mount["Source"] for mount in inspected["Mounts"] if mount["Type"] == "volume"]
    assert "shop_default" in pgo.engine.network_names()
    assert os.lstat(pgo.live("shop")).st_uid == 70000

    wait_until(lambda: written(os.path.join(named, "file")) and written(os.path.join(pgo.datadir, "shop", "store", "file")), "it has stored it")
    destroyed = pgo.ssh("host://apps destroy shop shop")
    assert destroyed.returncode == 0, destroyed.stderr
    assert pgo.engine.containers("shop") == [] and "shop_default" not in pgo.engine.network_names()
    assert written(os.path.join(named, "file"))
    (aside,) = os.listdir(os.path.join(pgo.datadir, ".removed"))
    assert written(os.path.join(pgo.datadir, ".removed", aside, "store", "file"))
    assert not pgo.pins("shop")

    refused = push(bob, "two")
    assert refused.returncode != 0 and "there was an app of this name" in refused.stderr, refused.stderr
    assert pgo.engine.containers("shop") == []
    done = push(tess, "three")
    assert done.returncode == 0, done.stderr
    assert os.lstat(pgo.live("shop")).st_uid == 70001
