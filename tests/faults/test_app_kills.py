"""kill -9 while an app is made, renamed or destroyed: afterwards it is there, whole, or not at all, under one name, and no number was given twice."""

import os
import re
import signal
import subprocess

import pytest

from lib.host import ended, outcome, wait_until
from lib.pgo import Key, web
from lib.pusher import Pusher, listed, operator

# What appears while `shop` is made, in no promised order. The last one is its end.
MADE = [".apps/.next", ".apps/.shop.new", ".apps/shop", ".repos/shop.git", ".stage/shop", "shop"]
# What goes while it is destroyed.
GONE = [".apps/shop", "shop.stop", "shop", ".repos/shop.git", ".stage/shop"]
VICTIMS = ["pgod", "pgod-core"]


@pytest.fixture
def host(pgo):
    pgo.tables = "[push]\n" + operator(pgo.key) + "\n"
    pgo.start().wait_listening()
    return pgo


def apps(host, line):
    return host.ssh("host://apps " + line)


def begin(host, line):
    argv = host.ssh_argv("host://apps " + line)
    return host.helper(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True))


def there(host, *path):
    return os.path.lexists(os.path.join(host.dir, *path))


def strike(host, victim):
    """As the kernel, or systemd after a crash."""
    if victim == "pgod":
        host.kill()
        host.start().wait_listening()
    else:
        mark = len(host.log())
        for pid in host.role_pids(victim):
            os.kill(pid, signal.SIGKILL)
        host.wait_log(r"core is up", after=mark)


def number_spent(host):
    with open(os.path.join(host.dir, ".apps", ".next"), encoding="ascii") as text:
        return int(text.read())


def check_whole_or_none(host):
    """Returns whether it is there."""
    app = listed(host).get("shop")
    if app is None:
        assert not there(host, ".apps", "shop")
        return False
    uid = int(app["account"])
    assert uid < number_spent(host)
    for place in (("shop",), (".repos", "shop.git"), (".stage", "shop")):
        assert os.lstat(os.path.join(host.dir, *place)).st_uid == uid, place
    return True


def push(host, name="clone"):
    me = Pusher(host, "shop", name=name)
    me.commit({"compose.yaml": web()})
    done = me.push()
    assert done.returncode == 0, done.stderr
    host.wait_running("shop")


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("at", MADE)
def test_a_kill_while_an_app_is_made_leaves_it_or_none(host, at, victim):
    begin(host, "create shop")
    # Some of them are there for a moment only: the end of the making is as good a moment as theirs.
    wait_until(lambda: there(host, at) or there(host, MADE[-1]), f"{at} is there", step=0)
    strike(host, victim)
    if victim != "pgod":
        wait_until(lambda: check_whole_or_none(host) is not None, "core answers")
    before = number_spent(host)
    if not check_whole_or_none(host):
        done = apps(host, "create shop")
        assert done.returncode == 0, done
        assert int(listed(host)["shop"]["account"]) >= before, "no number is given twice"
    push(host)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("at", GONE)
def test_a_kill_while_an_app_is_destroyed_leaves_it_or_none(host, engine, at, victim):
    assert apps(host, "create shop").returncode == 0
    push(host)
    if at == "shop.stop":
        host.ctl("shop", "hold", check=True)
    uid = listed(host)["shop"]["account"]
    begin(host, "destroy shop shop")
    wait_until(lambda: not there(host, at), f"{at} has gone", step=0)
    strike(host, victim)
    # Its containers had gone before: it is no app again.
    wait_until(lambda: "shop" not in listed(host) and not any(there(host, place) for place in GONE), "the app is gone", 40)
    assert engine.containers("shop") == []
    host.wait_log(r"(destroyed|removed); its files are in .removed service=shop")
    wait_until(lambda: apps(host, "create shop").returncode == 0, "its name is free")
    assert listed(host)["shop"]["account"] > uid
    push(host, "again")


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_while_an_app_is_renamed_leaves_it_one_name_and_all_that_is_its_own(host, victim):
    assert apps(host, "create shop").returncode == 0
    push(host)
    tess = Key(host.path("tess"))
    assert host.ssh("host://upload-key tess --apps shop", input=tess.public).returncode == 0
    assert host.ssh("shop//config set A=b").returncode == 0
    runs, account = [box.id for box in host.running("shop")], listed(host)["shop"]["account"]
    name = "shop"
    for number, moment in enumerate((r"operation host://apps .*", r"operation host://apps .*", r"renamed from .*", r"renamed from .*")):
        mark, new = len(host.log()), f"store{number}"
        begin(host, f"rename {name} {new}")
        wait_until(lambda: re.search(moment, host.log()[mark:]), "it is under way", step=0)
        done = moment.startswith("renamed") or "renamed from" in host.log()[mark:]
        strike(host, victim)
        wait_until(lambda: host.ssh("host://apps list").returncode == 0, "core answers")
        (now,) = listed(host)
        assert now in ((new,) if done else (name, new))
        assert host.ssh(f"{now}//ping", key=tess).returncode == 0 and host.ssh(f"{name if now == new else new}//ping", key=tess).returncode != 0
        name = now
    assert listed(host)[name]["account"] == account and host.ssh(f"{name}//config get A").stdout == "b"
    assert [box.id for box in host.running("shop")] == runs, "no container was touched"


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_while_its_containers_go_is_made_good(host, engine, victim):
    assert apps(host, "create shop").returncode == 0
    push(host)
    engine.hold("down")
    begin(host, "destroy shop shop")
    wait_until(lambda: engine.waiting, "compose takes it down")
    strike(host, victim)
    assert host.ssh("shop//ps").returncode != 0, "what is being destroyed takes no orders"
    engine.release("down")
    wait_until(lambda: "shop" not in listed(host) and not any(there(host, place) for place in GONE), "the app is gone", 40)
    assert engine.containers("shop") == []


def test_an_app_whose_containers_cannot_be_taken_down_stays_one(host, engine):
    assert apps(host, "create shop").returncode == 0
    push(host)
    engine.fail("down", times=1)
    done = apps(host, "destroy shop shop")
    assert done.returncode == 1 and "cannot take its containers down" in done.stderr
    assert check_whole_or_none(host)
    host.wait_running("shop")
    assert apps(host, "destroy shop shop").returncode == 0
    assert listed(host) == {}


def test_an_app_whose_directories_cannot_be_put_aside_is_destroyed_the_second_time(host, engine):
    assert apps(host, "create shop").returncode == 0
    push(host)
    aside = os.path.join(host.datadir, ".removed")
    for path in (aside, os.path.join(host.datadir, "shop", "file")):
        with open(path, "w", encoding="ascii"):
            pass
    done = apps(host, "destroy shop shop")
    assert done.returncode == 1 and "destroy it again when that is mended" in done.stderr, done
    assert listed(host)["shop"]["state"] == "ending" and engine.containers("shop") == []
    os.unlink(aside)
    assert apps(host, "destroy shop shop").returncode == 0
    assert listed(host) == {} and not any(there(host, place) for place in GONE)


def test_who_has_something_going_there_hears_that_the_app_is_gone(host):
    assert apps(host, "create shop").returncode == 0
    push(host)
    follower = host.helper(subprocess.Popen(host.ssh_argv("shop//logs -f"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True))
    host.wait_log(r"operation logs service=shop")
    reader = host.helper(subprocess.Popen(host.ssh_argv("shop//journal -f"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True))
    assert reader.stdout.readline()
    assert apps(host, "destroy shop shop").returncode == 0
    assert ended(follower) is not None
    assert b"has been destroyed" in outcome(reader, 20)[1]
    assert listed(host) == {}
    assert "cannot remove" not in host.log() and not os.path.exists(os.path.join(host.dir, ".state", "logs", "shop"))
