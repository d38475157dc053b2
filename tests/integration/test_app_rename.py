"""An app gets another name: all that is its own stays, whoever asks by the old name hears of the new one, and nobody gets at another's by it."""

import json
import os

import pytest

from lib.fakeproxy import FakeProxy
from lib.host import ended, wait_until
from lib.pgo import Key, web
from lib.pusher import Pusher, apps, listed, operator, said
from lib.scrape import ask

ZONE = "1.2.3.4.sslip.io"


@pytest.fixture
def host(pgo):
    """Pushes make apps; an operator of all, one of `shop` and `store` only, and one with `shop` and `spare`; a service `site` of pgo.toml."""
    pgo.limited = Key(pgo.path("limited"))
    who = operator(pgo.key) + operator(pgo.limited, name="limited", services=["shop", "shop-dev", "store", "store-dev", "my_store", "spare"])
    pgo.tables = '[push]\ncreate = true\naddress = "1.2.3.4"\n' + who + "\n"
    pgo.service("site", hosted=True, urls={f"taken.{ZONE}": "web:80"})
    pgo.start().wait_listening()
    return pgo


def rev(n):
    return {"compose.yaml": web(labels={"rev": str(n)})}


def accepted(me, files, *refs):
    me.commit(files)
    done = me.push(*refs)
    assert done.returncode == 0, done.stderr
    return done


def revs(host, service):
    return sorted(box.labels["rev"] for box in host.running(service))


def ids(host, service):
    return sorted(box.id for box in host.running(service))


def restart(host):
    host.stop()
    host.start().wait_listening()


def test_a_renamed_app_is_what_it_was(host):
    me = Pusher(host, "shop")
    accepted(me, rev(1))
    accepted(me, rev(2))
    tess = Key(host.path("tess"))
    assert host.ssh("host://upload-key tess --apps shop", input=tess.public).returncode == 0
    assert host.ssh("shop//config set TOKEN=old").returncode == 0
    assert host.ssh("shop//domains add www.a.com").returncode == 0
    apps(host, "lock shop until monday")
    with open(os.path.join(host.datadir, "shop", "file"), "w", encoding="utf-8") as data:
        data.write("precious")
    before, runs, deploys = listed(host)["shop"], ids(host, "shop"), json.loads(host.ssh("shop//history --json").stdout)
    assert apps(host, "rename shop my.store") == "my.store is what shop is called now: push to it by that name\n"
    after = listed(host)["my.store"]
    assert {**after, "name": "shop", "repository": "shop"} == {**before, "urls": before["urls"]} and after["service"] == "shop"
    assert json.loads(host.ssh("my.store//history --json").stdout) == {**deploys, "service": "my_store"}
    restart(host)
    assert set(listed(host)) == {"my.store", "site"} and listed(host)["my.store"] == after
    assert ids(host, "shop") == runs, "no container was touched"
    assert host.ssh("my.store//config get TOKEN").stdout == "old"
    assert [row["name"] for row in json.loads(host.ssh("my.store//domains list --json").stdout)] == [f"my.store.{ZONE}", "www.a.com"]
    assert "service     my_store" in host.ssh("my.store//status").stdout and "service     shop" in apps(host, "info my.store")
    assert host.ssh("my.store//ping", key=tess).returncode == 0 and "my.store" in host.ssh("host://keys list").stdout
    with open(os.path.join(host.datadir, "shop", "file"), encoding="utf-8") as data:
        assert data.read() == "precious"
    # Pushes go on by the new name, when it is unlocked.
    me.git("remote", "set-url", "goku", me.url.replace("/shop", "/my.store"))
    me.commit(rev(3))
    locked = me.push()
    assert locked.returncode != 0 and "my_store is locked: until monday" in locked.stderr
    apps(host, "unlock my.store")
    done = me.push()
    assert done.returncode == 0 and "-----> Deploying my_store: main at" in said(done)
    assert revs(host, "shop") == ["3"] and me.remote_refs()["refs/heads/main"] == me.head()
    assert host.ssh("my.store//rollback").returncode == 0 and revs(host, "shop") == ["2"]
    page = ask(host.metrics)[1]
    assert 'pgo_service_state{service="my_store",state="live"} 1\n' in page and '"shop"' not in page


def test_the_old_name_tells_the_new_one_to_whoever_may_know_it(host):
    me = Pusher(host, "shop")
    accepted(me, rev(1))
    tess, maker, bob = (Key(host.path(name)) for name in ("tess", "maker", "bob"))
    assert host.ssh("host://upload-key tess --apps shop", input=tess.public).returncode == 0
    assert host.ssh("host://upload-key maker", input=maker.public).returncode == 0
    apps(host, "rename shop store")
    me.commit(rev(2))
    done = me.push()
    assert done.returncode != 0 and "the app shop is called store now: ask for it, and push to it, by that name (git remote set-url)" in done.stderr
    for key in (host.key, tess, host.limited):
        done = host.ssh("shop//ps", key=key)
        assert done.returncode == 1 and done.stderr == "Error: the app shop is called store now: ask for it, and push to it, by that name\n", done
    # A stranger hears what he hears of any name; who makes apps makes none in the place of one that others still push to.
    done = host.ssh("shop//ps", key=bob)
    assert done.returncode == 401 % 256 and done.stdout.replace("shop", "x") == host.ssh("x//ps", key=bob).stdout
    theirs = Pusher(host, "shop", name="theirs", key=maker)
    theirs.commit(rev(5))
    done = theirs.push()
    assert done.returncode != 0 and "the app of this name has got another one: only an operator" in done.stderr and "store" not in done.stderr
    assert set(listed(host)) == {"store", "site"} and revs(host, "shop") == ["1"]


def test_another_app_takes_the_old_name_and_nothing_else(host):
    accepted(Pusher(host, "shop"), rev(1))
    tess = Key(host.path("tess"))
    assert host.ssh("host://upload-key tess --apps shop", input=tess.public).returncode == 0
    apps(host, "rename shop store")
    apps(host, "create shop")
    found = listed(host)
    assert found["shop"]["service"] == "shop-2" and found["store"]["service"] == "shop" and found["shop"]["account"] != found["store"]["account"]
    accepted(Pusher(host, "shop", name="new"), rev(7))
    assert revs(host, "shop") == ["1"] and revs(host, "shop-2") == ["7"]
    assert host.ssh("store//ping", key=tess).returncode == 0 and host.ssh("shop//ping", key=tess).returncode == 401 % 256
    restart(host)
    assert listed(host).keys() == found.keys() and listed(host)["shop"]["service"] == "shop-2"
    host.ctl("shop", "hold", check=True)
    assert os.path.exists(os.path.join(host.dir, "shop-2.stop")) and not os.path.exists(os.path.join(host.dir, "shop.stop"))
    assert "operation hold service=shop-2" in host.log()
    # Each goes alone, and comes back to what was its own.
    apps(host, "destroy store store")
    assert host.engine.containers("shop") == [] and set(listed(host)) == {"shop", "site"}
    apps(host, "create store")
    assert listed(host)["store"]["service"] == "shop" and listed(host)["shop"]["service"] == "shop-2"
    assert host.ssh("store//ping", key=tess).returncode == 401 % 256, "rights go with the app"


def test_branches_are_renamed_with_their_app(host):
    me = Pusher(host, "shop")
    accepted(me, rev(1))
    me.git("checkout", "-q", "-b", "dev")
    accepted(me, rev(2), "dev")
    assert "shop-dev is the branch dev of shop: it is called after that, and renamed with it" in apps(host, "rename shop-dev other", code=1)
    apps(host, "create store-dev")
    assert "there is a service or an app called store-dev already" in apps(host, "rename shop store", code=1)
    apps(host, "destroy store-dev store-dev")
    apps(host, "rename shop store", key=host.limited)
    found = listed(host)
    assert set(found) == {"store", "store-dev", "site"} and found["store-dev"]["repository"] == "store"
    assert revs(host, "shop") == ["1"] and revs(host, "shop-dev") == ["2"]
    me.git("remote", "set-url", "goku", me.url.replace("/shop", "/store"))
    assert "-----> Deploying store-dev: dev at" in said(accepted(me, rev(3), "dev"))
    assert revs(host, "shop-dev") == ["3"] and set(listed(host)) == set(found), "no further app was made"
    assert "it is called store already" in apps(host, "rename store store", code=1)
    apps(host, "rename store shop")
    assert set(listed(host)) == {"shop", "shop-dev", "site"} and host.ssh("shop-dev//ping").returncode == 0


REFUSED = [
    ("shop", "blog", "there is a service or an app called blog already"),
    ("shop", "site", "there is a service or an app called site already"),
    ("shop", "blog-dev", "blog-dev would be taken for the branch dev of the app blog: choose another name"),
    ("shop", "taken", f"taken.{ZONE} belongs to the service site (urls)"),
    ("shop", "Store", 'the name of an app may hold only a-z, 0-9, "-" and ".": write a name such as "shop"'),
    ("shop", "a_b", 'the name of an app may hold only a-z, 0-9, "-" and ".": write a name such as "shop"'),
    ("shop", "x.git", 'the name of an app ends with ".git": leave that away'),
    ("shop", "a" * 64, "the name of an app has 64 characters: 63 are allowed"),
    ("shop", "elsewhere", "operator limited may act on shop by pgo.toml, but not on elsewhere: both must stand there, or neither"),
    ("blog", "spare", "operator limited may act on spare by pgo.toml, but not on blog: both must stand there, or neither"),
    ("shop", "store", "the key ann is allowed an app called store, which is to be another one: `keys deny` takes that away"),
    ("site", "store", "site stands in pgo.toml: it is called as its [[services]] entry says"),
    ("none", "store", "there is no app of this name: `apps list` shows those that there are"),
]


def test_what_would_lose_something_is_refused_and_changes_nothing(host):
    for name in ("shop", "blog"):
        apps(host, "create " + name)
    for who, app in (("tess", "shop"), ("ann", "store")):
        assert host.ssh(f"host://upload-key {who} --apps {app}", input=Key(host.path(who)).public).returncode == 0
    before, keys = listed(host), host.ssh("host://keys list --json").stdout
    for old, new, why in REFUSED:
        assert apps(host, f"rename {old} '{new}'", code=1) == why + "\n"
    assert listed(host) == before and host.ssh("host://keys list --json").stdout == keys
    restart(host)
    assert listed(host) == before and host.ssh("host://keys list --json").stdout == keys


def test_an_operator_gives_no_name_that_is_not_his(host):
    apps(host, "create shop")
    assert apps(host, "rename shop elsewhere", key=host.limited, code=1) == "operator limited may not act on elsewhere\n"
    assert set(listed(host)) == {"shop", "site"}


def test_what_is_pushed_to_or_says_its_own_name_is_not_renamed(host):
    me = Pusher(host, "shop")
    accepted(me, rev(1))
    host.engine.hold("up")
    me.commit({**rev(2), "CNAME": f"shop.{ZONE}\nwww.a.com\n"})
    push = me.begin()
    wait_until(lambda: host.engine.waiting, "it is being deployed")
    assert "shop is being deployed: deploy 2, pushed by SHA256:" in apps(host, "rename shop store", code=1)
    host.engine.release("up")
    assert ended(push) == 0
    assert "the file CNAME of shop says what it is called by itself" in apps(host, "rename shop store", code=1)
    accepted(me, {"CNAME": "www.a.com\n"})
    assert "is what shop is called now" in apps(host, "rename shop store")
    assert json.loads(host.ssh("store//domains list --json").stdout)[1] == {"name": "www.a.com", "from": "CNAME", "problem": None}


def test_visitors_are_led_by_the_new_name(pgo):
    proxy = FakeProxy(pgo)
    pgo.tables += '[push]\naddress = "1.2.3.4"\ncreate = true\n'
    pgo.start().wait_listening()
    accepted(Pusher(pgo, "shop"), {"compose.yaml": web(labels={"rev": "1"}, expose=["80"])})
    there = proxy.site(f"shop.{ZONE}")
    assert there and there != "503"
    # Answered when the proxy has it.
    apps(pgo, "rename shop store")
    assert proxy.site(f"store.{ZONE}") == there and proxy.site(f"shop.{ZONE}") is None
    assert listed(pgo)["store"]["urls"] == [f"http://store.{ZONE}"]
    # One that does not take it in keeps no app from its name, but says so.
    proxy.order("test", "no such thing\n")
    done = pgo.ssh("host://apps rename store shop")
    assert (done.returncode, done.stdout) == (1, "shop is what store is called now: push to it by that name\n")
    assert done.stderr.startswith("visitors are not led there by its new name yet, `status` tells when: ") and done.stderr.endswith("ended with 1: no such thing\n")
    assert proxy.site(f"store.{ZONE}") == there and list(listed(pgo)) == ["shop"]
    proxy.forgive("test")
    done = pgo.ssh("host://apps rename shop store --json")
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "store" and proxy.site(f"store.{ZONE}") == there


def test_a_service_of_the_file_comes_before_a_renamed_app(host):
    accepted(Pusher(host, "shop"), rev(1))
    apps(host, "rename shop store")
    host.stop()
    host.service("store", hosted=True)
    host.start().wait_listening()
    host.wait_log(r"the name store is that of a service in pgo.toml.*service=shop")
    assert listed(host)["store"]["configured"] and listed(host)["shop"]["service"] == "shop" and revs(host, "shop") == ["1"]
    apps(host, "rename shop spare")
    assert host.ssh("spare//ping").returncode == 0 and set(listed(host)) == {"spare", "store", "site"}
