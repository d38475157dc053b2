"""Apps: made by operators, known over restarts, with accounts of their own; and nothing of them is left but what must stay."""

import glob
import json
import os
import sqlite3
import stat

import pytest

from lib.host import wait_until
from lib.pgo import Key, web
from lib.pusher import Pusher, apps, listed, operator
from lib.scrape import ask

FIRST = 70000


@pytest.fixture
def host(pgo):
    """Pushes, an operator with the test's key, one who may act on `shop` only, and a service `site` of pgo.toml."""
    pgo.limited = Key(pgo.path("limited"))
    pgo.tables = "[push]\n" + operator(pgo.key) + operator(pgo.limited, name="limited", services=["shop"]) + "\n"
    pgo.service("site", hosted=True)
    pgo.start().wait_listening()
    return pgo


def owner(*path):
    return os.lstat(os.path.join(*path)).st_uid


def deploy(host, name, volumes=(), **model):
    """What a push makes of the app."""
    me = Pusher(host, name, name="clone-" + name)
    me.commit({"compose.yaml": {**web(volumes=[f"{volume}:/{volume}" for volume in volumes], **model), "volumes": {volume: {} for volume in volumes}}})
    done = me.push()
    assert done.returncode == 0, done.stderr
    return me


def test_an_app_has_an_account_of_its_own_and_is_there_after_a_restart(host):
    assert apps(host, "create shop") == "shop is there: push to it\n"
    assert apps(host, "create a.b-c").startswith("a.b-c is there")
    for uid, service in ((FIRST, "shop"), (FIRST + 1, "a_b-c")):
        for place in (service, f".repos/{service}.git", f".stage/{service}"):
            assert owner(host.dir, place) == uid, place
        assert owner(host.datadir, service) == uid
    found = os.path.join(host.dir, ".apps")
    assert stat.S_IMODE(os.lstat(found).st_mode) == 0o700 and owner(found) == 0
    assert sorted(os.listdir(found)) == [".next", "a.b-c", "shop"]
    before = listed(host)
    assert set(before) == {"shop", "a.b-c", "site"} and before["site"]["configured"] and not before["shop"]["configured"]
    assert before["shop"]["account"] == str(FIRST) and before["shop"]["by"].endswith("operator tess")
    host.stop()
    host.start().wait_listening()
    assert listed(host) == before
    assert "a.b-c" in apps(host, "list") == apps(host, "") and "never deployed" not in apps(host, "info shop")
    assert apps(host, "create shop", code=1) == "there is a service or an app called shop already\n"
    assert apps(host, "create later").startswith("later is there")
    assert listed(host)["later"]["account"] == str(FIRST + 2)


@pytest.mark.parametrize("name", ["Shop", "a_b", "..", "a/b", "-x", "x.git", "a;id", "$(id)", "a" * 64, "site", ".apps"])
def test_a_name_that_is_none_or_taken_makes_nothing(host, name):
    before = sorted(os.listdir(host.dir))
    done = host.ssh(f"host://apps create '{name}'")
    assert done.returncode != 0 and "is there" not in done.stdout
    assert sorted(os.listdir(host.dir)) == before
    assert os.listdir(os.path.join(host.dir, ".apps")) == []


def test_apps_whose_volumes_would_have_one_name_do_not_stand_side_by_side(host):
    apps(host, "create a")
    assert "volumes of both would have the same name" in apps(host, "create a.b", code=1)
    assert "volumes of both would have the same name" in apps(host, "create site.x", code=1)


def test_an_operator_of_some_services_makes_and_sees_no_others(host):
    apps(host, "create blog")
    assert apps(host, "create shop", key=host.limited).startswith("shop is there")
    assert "may not act on other" in apps(host, "create other", key=host.limited, code=1)
    assert [app["name"] for app in json.loads(apps(host, "list --json", key=host.limited))] == ["shop"]
    for line in ("info blog", "lock blog", "destroy blog blog", "info nothing"):
        assert apps(host, line, key=host.limited, code=1).startswith("there is no app of this name")


def test_a_destroyed_app_leaves_its_volumes_and_files_and_nothing_else(host, engine):
    apps(host, "create shop")
    deploy(host, "shop", volumes=["data"])
    host.wait_running("shop")
    with open(os.path.join(host.datadir, "shop", "file"), "w", encoding="utf-8") as data:
        data.write("precious")
    assert "write the name twice" in apps(host, "destroy shop", code=1)
    assert "write the name twice" in apps(host, "destroy shop site", code=1)
    assert listed(host)["shop"]["state"] == "live"
    told = apps(host, "destroy shop shop")
    files, data = (os.path.join(top, ".removed", "shop-*") for top in (host.dir, host.datadir))
    assert told == f"shop is destroyed: its containers and releases are gone; its volumes stay, its files and its repository are put away in {files}, data in {data}\n"
    assert len(glob.glob(files)) == 1 and len(glob.glob(data)) == 1
    assert "shop" not in listed(host)
    assert not host.running("shop") and engine.containers("shop") == []
    assert not [call for call in engine.calls("down") if "-v" in call["args"] or "--volumes" in call["args"]]
    for place in ("shop", ".repos/shop.git", ".stage/shop", ".apps/shop", "shop.stop"):
        assert not os.path.lexists(os.path.join(host.dir, place)), place
    (put_away,) = os.listdir(os.path.join(host.dir, ".removed"))
    assert put_away.startswith("shop-") and "repo.git" in os.listdir(os.path.join(host.dir, ".removed", put_away))
    (data,) = os.listdir(os.path.join(host.datadir, ".removed"))
    with open(os.path.join(host.datadir, ".removed", data, "file"), encoding="utf-8") as kept:
        assert kept.read() == "precious"
    assert host.pins("shop") == {} or not host.pins("shop")
    apps(host, "create shop")
    assert listed(host)["shop"]["account"] == str(FIRST + 1), "no number is given twice"
    deploy(host, "shop")
    host.stop()
    host.start().wait_listening()
    host.wait_running("shop")


def test_the_host_is_asked_for_as_if_it_were_a_service(host):
    done = host.ssh("host//apps list")
    assert done.returncode == 404 % 256 and 'No service found with name "host"' in done.stdout
    assert done.stderr == "What is asked of the host itself has a colon before the slashes: host://apps\n"


def test_a_service_of_the_file_is_not_destroyed_by_an_order(host):
    assert "stands in pgo.toml" in apps(host, "destroy site site", code=1)
    assert "site" in listed(host)


def test_a_locked_app_takes_no_push_and_runs_on(host):
    apps(host, "create shop")
    me = deploy(host, "shop")
    assert "is locked" in apps(host, "lock shop until monday")
    assert apps(host, "lock shop") == "shop is locked already\n", "the reason stays"
    assert listed(host)["shop"]["locked"] == "until monday, by operator tess"
    me.commit({"compose.yaml": web(labels={"rev": "2"})})
    refused = me.push()
    assert refused.returncode != 0 and "until monday, by operator tess" in refused.stderr
    host.wait_running("shop")
    host.stop()
    host.start().wait_listening()
    assert listed(host)["shop"]["locked"]
    assert apps(host, "unlock shop") == "shop is unlocked\n"
    done = me.push()
    assert done.returncode == 0, done.stderr


def test_what_is_pushed_has_no_remote_to_ask(host):
    apps(host, "create shop")
    for op in ("sync", "git pull", "deploy-key"):
        done = host.ssh("shop//" + op)
        assert done.returncode == 1 and "no remote to ask" in done.stderr, done
    assert "ls-remote" not in host.log()


def test_apps_go_on_where_push_was_taken_out_of_the_file(host):
    apps(host, "create shop")
    deploy(host, "shop")
    host.stop()
    host.tables = operator(host.key) + "\n"
    host.services.clear()
    host.start().wait_listening()
    host.wait_status("shop", r"healthy +yes")
    assert "no [push]" in apps(host, "create other", code=1)
    assert set(listed(host)) == {"shop"}


def test_a_lost_record_takes_no_app_down(host):
    apps(host, "create shop")
    deploy(host, "shop")
    host.stop()
    os.unlink(os.path.join(host.dir, ".apps", "shop"))
    host.start().wait_listening()
    host.wait_log(r"pgod has no record of this app.*service=shop")
    assert host.running("shop")


def test_a_stop_file_holds_an_app_from_its_first_moment(host):
    path = os.path.join(host.dir, "shop.stop")
    with open(path, "w", encoding="utf-8"):
        pass
    apps(host, "create shop")
    wait_until(lambda: "held" in host.status("shop"), "the app is held")


def test_a_first_push_makes_the_app_and_its_name_has_dots_everywhere(pgo):
    pgo.tables = "[push]\ncreate = true\n" + operator(pgo.key) + "\n"
    pgo.service("site", hosted=True)
    pgo.start().wait_listening()
    deploy(pgo, "a.b-c")
    assert set(listed(pgo)) == {"a.b-c", "site"}
    assert pgo.ssh("a.b-c//ping").stdout.startswith("pong!")
    assert "pushed to this host, branch main" in pgo.ssh("a.b-c//status").stdout
    rows = {row["name"]: row for row in json.loads(pgo.ssh("host://services --json").stdout)}
    assert rows["a_b-c"]["repository"] is None and rows["a_b-c"]["branch"] == "main" and rows["site"]["branch"] is None
    assert "(pushed here)" in pgo.ssh("host://services").stdout
    whole = pgo.ssh("host://status")
    assert whole.returncode == 0 and "problems    none" in whole.stdout, whole.stdout
    page = ask(pgo.metrics)[1]
    assert 'pgo_service_state{service="a_b-c",state="live"} 1\n' in page and 'pgo_service_in_sync{service="a_b-c"} 1\n' in page
    assert 'pgo_service_in_sync{service="site"}' not in page, "nobody has to be woken because nobody pushes"


def test_numbers_of_others_are_left_out_and_when_none_is_left_that_is_told(host):
    """nobody has 65534, and its group."""
    host.stop()
    host.tables = '[push]\nids = "65534-65535"\n' + operator(host.key) + "\n"
    host.start().wait_listening()
    apps(host, "create shop")
    assert listed(host)["shop"]["account"] == "65535"
    assert "no user id is left for another app" in apps(host, "create blog", code=1)
    assert json.loads(apps(host, "destroy shop shop --json"))["destroyed"] == "shop"
    assert "no user id is left for another app" in apps(host, "create blog", code=1)
    assert "no user id is left for another app" in apps(host, "create shop", code=1)
    assert set(listed(host)) == {"site"}
    # What was never made is nobody's app: as a service of the file it comes and goes.
    host.stop()
    host.service("blog", hosted=True)
    host.start().wait_listening()
    deploy(host, "blog")
    host.stop()
    del host.services["blog"]
    host.start().wait_listening()
    host.wait_log(r"removed; its files are in .removed service=blog")


def test_a_record_that_is_none_is_left_out_and_told(host):
    apps(host, "create shop")
    host.stop()
    bad = {"Big": "70010\n", "a_b": "70011\n", "twice": f"{FIRST}\n", "low": "0\n", "words": "70012 x\n", "site": "70013\n", "shop.x": "70014\n"}
    for name, text in bad.items():
        with open(os.path.join(host.dir, ".apps", name), "w", encoding="ascii") as record:
            record.write(text)
    os.symlink("shop", os.path.join(host.dir, ".apps", "link"))
    host.start().wait_listening()
    for name in [*bad, "link"]:
        # Of two that have one number either may be the one that is left out.
        host.wait_log(rf"the app ({name}|shop) is not managed: " if name in ("twice", "shop.x") else rf"the app {name} is not managed: ")
    assert len(set(listed(host)) & {"shop", "twice", "shop.x"}) >= 1 and not {"Big", "a_b", "low", "words", "link"} & set(listed(host))


def test_the_name_of_a_former_app_is_its_makers(host):
    """What was an app's still lies here: nobody else gets at its volumes by taking its name."""
    tess, bob = Key(host.path("tess")), Key(host.path("bob"))
    host.stop()
    host.tables = "[push]\ncreate = true\n" + operator(host.key) + "\n"
    host.start().wait_listening()
    for name, key in (("tess", tess), ("bob", bob)):
        assert host.ssh(f"host://upload-key {name}", input=key.public).returncode == 0

    def push(key, clone):
        me = Pusher(host, "shop", name=clone, key=key)
        me.commit({"compose.yaml": web()})
        return me.push()

    assert push(tess, "one").returncode == 0
    assert push(bob, "two").returncode != 0, "it is not his"
    apps(host, "destroy shop shop")
    refused = push(bob, "three")
    assert refused.returncode != 0 and "there was an app of this name" in refused.stderr, refused.stderr
    # As a core leaves it that is killed when its maker wants it again, and pgod has not heard of that yet.
    host.stop()
    with sqlite3.connect(os.path.join(host.dir, ".state", "pgo.db")) as base:
        base.execute("UPDATE app SET gone = 0 WHERE name = 'shop'")
    host.start().wait_listening()
    refused = push(bob, "three")
    assert refused.returncode != 0 and "there was an app of this name" in refused.stderr, refused.stderr
    assert push(tess, "four").returncode == 0
