"""The deletion of a branch by a push: where [push] lets it, the branch's app is destroyed as an operator would do it, and the branch with it; else nothing has changed."""

import os
import re
import signal
import subprocess

import pytest

from lib.host import wait_until
from lib.kills import VICTIMS, strike
from lib.pgo import Key, web
from lib.pusher import Pusher, allow_pushes, apps, listed, operator, said
from lib.scenes import hold_down, rows, wait_step
from lib.steps import core_at

BOTH = {"shop", "shop-dev"}


def rev(number, **more):
    return {"compose.yaml": web(labels={"rev": str(number)}, **more)}


def revs(pgo, name):
    return sorted(box.labels["rev"] for box in pgo.running(name))


def branched(pgo, push="delete = true\n", operators=None):
    """The app shop, and shop-dev of its branch dev; returns who pushes them."""
    allow_pushes(pgo, 'create = true\nsettle = "0s"\n' + push, operators)
    pgo.start("--debug").wait_listening()
    me = Pusher(pgo, "shop")
    me.commit(rev(1))
    done = me.push()
    assert done.returncode == 0, done.stderr
    me.git("checkout", "-q", "-b", "dev")
    me.commit(rev(2))
    done = me.push("dev")
    assert done.returncode == 0, done.stderr
    return me


def there(pgo, me):
    """The branch and its app, whole."""
    assert "refs/heads/dev" in me.remote_refs() and revs(pgo, "shop-dev") == ["2"]
    assert listed(pgo)["shop-dev"]["state"] != "ending"
    return True


def gone(pgo, me):
    """Neither is there, and no other has been touched."""
    assert "shop-dev" not in listed(pgo) and "refs/heads/dev" not in me.remote_refs()
    assert pgo.engine.containers("shop-dev") == [] and not os.path.exists(os.path.join(pgo.dir, ".repos", "shop-dev.git"))
    assert "refs/heads/main" in me.remote_refs() and revs(pgo, "shop") == ["1"]
    assert rows(pgo, "SELECT * FROM push") == []
    return True


def refused(pgo, me, why, *refs, code=1):
    done = me.push(*(refs or (":dev",)))
    assert done.returncode == code and "rejected]" in done.stderr and why in said(done), done.stderr
    assert re.search(r"^ !     ", said(done), re.M), done.stderr


def test_a_deleted_branch_takes_its_app_along(pgo):
    me = branched(pgo)
    done = me.push("--delete", "dev")
    assert done.returncode == 0 and "[deleted]" in done.stderr, done.stderr
    told = [line for line in said(done).splitlines() if line]
    assert told == [
        "-----> Destroying shop-dev: the branch dev is deleted",
        "       Removing its containers and releases; its volumes stay, its files are put away",
        "=====> Application destroyed: shop-dev",
    ], done.stderr
    assert gone(pgo, me)
    log = pgo.log()
    assert re.search(r'its branch dev is deleted, and the app with it by="SHA256:\S+ operator tess" service=shop-dev', log)
    assert re.search(r"ends by SHA256:\S+ operator tess, its volumes are kept service=shop-dev", log) and "destroyed; its files are in .removed service=shop-dev" in log
    # Its name is free for the branch, again and again.
    assert me.push("dev").returncode == 0 and there(pgo, me)
    assert me.push(":dev").returncode == 0 and gone(pgo, me)


def test_without_the_key_the_refusal_names_it(pgo):
    me = branched(pgo, push="")
    refused(pgo, me, "a push does not delete the branch dev, for an app runs of it: `delete = true` in [push] would let it")
    assert there(pgo, me)


def test_what_is_no_deletion_of_a_branch_alone_is_refused_as_a_whole(pgo):
    me = branched(pgo)
    me.git("tag", "v1")
    before = me.remote_refs()
    for why, refs in (
        ("the branch main is what shop itself runs of, which no push destroys", (":main",)),
        ("a push that deletes the branch dev changes nothing else", (":dev", "v1")),
        ("dev and main at once", (":dev", "dev:main")),
        ("dev and main at once", (":dev", ":main")),
        ("dev and new at once", (":dev", "dev:new")),
    ):
        refused(pgo, me, why, *refs)
        assert me.remote_refs() == before and there(pgo, me) and revs(pgo, "shop") == ["1"]
    assert "remote ref does not exist" in me.push(":nothing").stderr
    assert there(pgo, me)


def test_an_app_that_only_has_the_name_of_a_branchs_is_not_destroyed(pgo):
    me = branched(pgo)
    other = Pusher(pgo, "shop-x", "other")
    other.commit(rev(5))
    assert other.push().returncode == 0
    # A ref that somebody has put there by hand.
    repository = os.path.join(pgo.dir, ".repos", "shop.git")
    subprocess.run(["git", "-c", "safe.directory=*", "-C", repository, "update-ref", "refs/heads/x", me.remote_refs()["refs/heads/main"]], check=True)
    refused(pgo, me, "no app of shop runs of a branch x", ":x")
    assert revs(pgo, "shop-x") == ["5"] and there(pgo, me)


@pytest.mark.parametrize("locked", sorted(BOTH))
def test_a_locked_app_is_not_destroyed(pgo, locked):
    me = branched(pgo)
    apps(pgo, f"lock {locked}")
    refused(pgo, me, f"{locked} is locked: by operator tess: an operator's `apps unlock` ends that")
    assert there(pgo, me)
    apps(pgo, f"unlock {locked}")
    assert me.push(":dev").returncode == 0 and gone(pgo, me)


def test_a_held_app_is_not_destroyed_and_a_stopped_one_is(pgo):
    me = branched(pgo)
    pgo.ctl("shop-dev", "hold", check=True)
    hold_down(pgo, "shop-dev")
    refused(pgo, me, "shop-dev is held down")
    assert "refs/heads/dev" in me.remote_refs() and "shop-dev" in listed(pgo)
    pgo.ctl("shop-dev", "release", check=True)
    pgo.ctl("shop-dev", "stop", check=True)
    assert me.push(":dev").returncode == 0 and gone(pgo, me)


def test_an_app_that_is_being_deployed_is_not_destroyed(pgo):
    me = branched(pgo)
    pgo.engine.hold("up")
    me.commit(rev(3))
    push = me.begin("dev")
    wait_step(pgo, "up")
    refused(pgo, me, "shop-dev is being deployed: deploy 3, pushed by SHA256:")
    pgo.engine.release("up")
    _, err = push.communicate(timeout=30)
    assert push.returncode == 0 and revs(pgo, "shop-dev") == ["3"], err


def test_who_may_push_to_the_main_app_alone_destroys_no_other(pgo):
    key = Key(pgo.path("limited"))
    me = branched(pgo, operators=operator(pgo.key) + operator(key, name="limited", services=["shop"], ops=["push", "fetch"]))
    him = Pusher(pgo, "shop", "his", key=key)
    refused(pgo, him, "your key may not push to shop-dev, which is the app of the branch dev")
    assert there(pgo, me)
    tess = Key(pgo.path("uploaded"))
    assert pgo.ssh("host://upload-key uploaded --apps shop", input=tess.public).returncode == 0
    hers = Pusher(pgo, "shop", "hers", key=tess)
    assert hers.push(":dev").returncode == 0 and gone(pgo, me), "who was allowed an app was allowed its branches"


def test_two_deletions_at_once_destroy_one_app(pgo):
    me = branched(pgo)
    pgo.engine.hold("down")
    first = me.begin(":dev")
    wait_until(lambda: pgo.engine.waiting, "compose takes it down")
    refused(pgo, me, "shop-dev is being destroyed")
    me.commit(rev(4))
    refused(pgo, me, "shop-dev is being destroyed", "dev")
    assert "is being destroyed" in apps(pgo, "destroy shop-dev shop-dev", code=1)
    pgo.engine.release("down")
    assert "Application destroyed" in first.communicate(timeout=30)[1] and first.returncode == 0
    assert gone(pgo, me)


def test_what_cannot_be_taken_down_stays_an_app_with_its_branch(pgo):
    me = branched(pgo)
    pgo.engine.fail("down", times=1)
    refused(pgo, me, "cannot take its containers down")
    pgo.wait_running("shop-dev")
    assert there(pgo, me)
    assert me.push(":dev").returncode == 0 and gone(pgo, me)


def test_a_branch_that_cannot_be_deleted_keeps_its_app_until_it_can(pgo):
    me = branched(pgo)
    # git makes the file of its lock there.
    folder = os.path.join(pgo.dir, ".repos", "shop.git", "refs", "heads")
    subprocess.run(["chattr", "+i", folder], check=True)
    try:
        refused(pgo, me, "its branch could not be deleted: delete it again")
    finally:
        subprocess.run(["chattr", "-i", folder], check=True)
    assert listed(pgo)["shop-dev"]["state"] == "ending" and "refs/heads/dev" in me.remote_refs()
    assert me.push(":dev").returncode == 0 and gone(pgo, me)


def test_who_leaves_while_his_branch_is_deleted_takes_nothing_back(pgo):
    me = branched(pgo)
    pgo.engine.hold("down")
    push = me.begin(":dev")
    wait_until(lambda: pgo.engine.waiting, "compose takes it down")
    os.killpg(push.pid, signal.SIGKILL)
    push.communicate(timeout=30)
    pgo.wait_log("the pusher has gone, the app is destroyed all the same service=shop-dev")
    pgo.engine.release("down")
    pgo.wait_asking(lambda: gone(pgo, me), "both have gone", 30)


# Without pgod-ssh it is a pusher who has left.
KILLED = [(who, sig) for who, sig in VICTIMS if who != "pgod-ssh"]


@pytest.mark.parametrize("who, sig", KILLED, ids=[f"{who}-{sig.name}" for who, sig in KILLED])
@pytest.mark.parametrize("moment", ["its branch dev is deleted", "ends by ", "destroyed; its files"])
def test_a_kill_during_the_deletion_leaves_both_or_neither(pgo, who, sig, moment):
    me = branched(pgo)
    with core_at(pgo, lambda: me.begin(":dev"), moment) as let_go:
        strike(pgo, who, sig, let_go)
    pgo.wait_listening()
    whole = gone if sig == signal.SIGKILL and moment != "its branch dev is deleted" else lambda *args: there(*args) if "refs/heads/dev" in me.remote_refs() else gone(*args)
    pgo.wait_asking(lambda: whole(pgo, me), f"{who} {sig.name} at {moment}: both or neither", 40)
    me.push("-f", "dev")
    assert there(pgo, me)
    assert me.push(":dev").returncode == 0 and gone(pgo, me)
