"""An operator ends a deploy, or goes back to an earlier release: what runs afterwards, and what is not tried again."""

import json
import re

import pytest

from lib.host import stays
from lib.pgo import web
from lib.scenes import HEALTHY, assert_old_runs, bad, deployed, ids, image_of, in_background, second, three_polls, wait_step


def cancel(pgo):
    done = pgo.ctl("site", "cancel")
    assert done.returncode == 0, done
    return done


def wait_cancelled(pgo, head):
    return pgo.wait_status("site", rf"in sync +no: commit {head[:8]} is cancelled: .*last deploy[^\n]*: cancelled[^\n]*, took")


@pytest.mark.parametrize("step", ["pull", "GET /images/*", "POST /images/*/tag"])
def test_a_cancel_before_the_checkout_changes_nothing(pgo, step):
    repo = deployed(pgo)
    before = ids(pgo)
    pgo.engine.hold(step)
    head = bad(pgo, repo, "pgo-test/none:1" if step == "pull" else "pgo-test/web:2")
    wait_step(pgo, step)
    cancel(pgo)
    wait_cancelled(pgo, head)
    pgo.engine.release(step)
    assert ids(pgo) == before and pgo.ref("site") == repo.head
    stays(lambda: ids(pgo) == before, "not tried again", three_polls(pgo, repo))


@pytest.mark.parametrize("step", ["stop", "up", "up:middle"])
def test_a_cancel_after_the_checkout_puts_the_old_release_back(pgo, step):
    scale = 2 if step == "stop" else 1
    repo = pgo.repo("site", {"compose.yaml": web(scale=scale), "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, count=scale)
    pgo.engine.hold(step)
    head = bad(pgo, repo, scale=scale)
    wait_step(pgo, step)
    cancel(pgo)
    pgo.wait_log("putting the last good release back")
    pgo.engine.release(step)
    wait_cancelled(pgo, head)
    assert_old_runs(pgo, repo)


def test_a_cancel_while_it_is_watched_puts_the_old_release_back(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)})
    pgo.engine.behave("web", health=None, image=second(pgo))
    head = bad(pgo, repo, **HEALTHY)
    pgo.wait_status("site", "at step watch")
    cancel(pgo)
    wait_cancelled(pgo, head)
    assert_old_runs(pgo, repo)


def test_a_cancelled_commit_can_be_brought_up_again(pgo):
    repo = deployed(pgo)
    pgo.engine.hold("up")
    head = bad(pgo, repo)
    wait_step(pgo, "up")
    cancel(pgo)
    pgo.engine.release("up")
    wait_cancelled(pgo, head)
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_deployed("site", head)


def test_an_operator_goes_back_and_stays_there(pgo):
    repo = deployed(pgo)
    head = bad(pgo, repo)
    pgo.wait_deployed("site", head)
    assert pgo.ctl("site", "rollback").returncode == 0
    assert_old_runs(pgo, repo)
    assert re.search("rollback to release 1, by [^;]*; web: ", pgo.ctl("site", "history").stdout)
    stays(lambda: image_of(pgo) != [second(pgo)], "the newest commit waits for a word", three_polls(pgo, repo))
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_deployed("site", head)


def test_a_rollback_to_an_image_that_is_gone_touches_nothing(pgo):
    repo = deployed(pgo)
    first = pgo.engine.images["pgo-test/web:1"]
    pgo.wait_deployed("site", bad(pgo, repo))
    before = ids(pgo)
    for name in [name for name, image in list(pgo.engine.images.items()) if image == first]:
        pgo.engine.untag(name)
    pgo.engine.prune()
    done = pgo.ctl("site", "rollback")
    assert done.returncode == 1 and "not on this machine" in done.stdout + done.stderr
    assert ids(pgo) == before


def test_a_deploy_that_waits_for_its_turn_cannot_be_cancelled(pgo):
    """Four services are worked on at a time: the fifth has not begun, and is ended at once, while the others go on."""
    others = [f"s{number}" for number in range(4)]
    repos = {name: pgo.repo(name) for name in [*others, "site"]}
    for name, repo in repos.items():
        pgo.service(name, repo)
    pgo.start()
    for name, repo in repos.items():
        pgo.wait_deployed(name, repo.head)
    before = ids(pgo)
    pgo.engine.hold("up")
    for name in others:
        repos[name].commit({"compose.yaml": web("pgo-test/web:2")})
        in_background(pgo, name, "sync")  # which hangs as well where a poll was earlier
    wait_step(pgo, "up", len(others))
    head = bad(pgo, repos["site"])
    pgo.ctl("site", "sync", check=True)
    pgo.wait_status("site", rf"in sync +no: commit {head[:8]} is not yet deployed: it waits for its turn")
    cancel(pgo)
    status = pgo.wait_status("site", rf"in sync +no: commit {head[:8]} is cancelled: by SHA256:\S+ test.pub while it waited for its turn")
    assert "last deploy" in status and len([e for e in pgo.engine.waiting if e["verb"] == "up"]) == len(others)
    again = pgo.ctl("site", "cancel")
    assert again.returncode == 1 and "nothing is being done" in again.stderr
    pgo.engine.release("up")
    stays(lambda: ids(pgo) == before and pgo.ref("site") == repos["site"].head, "not tried again", three_polls(pgo, repos["site"]))
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_deployed("site", head)


def test_a_program_cannot_go_back(pgo):
    """One document on stdout, also when there is nothing to be done or it is refused; the rest is on stderr."""
    repo = deployed(pgo)
    pgo.wait_deployed("site", bad(pgo, repo))
    done = pgo.ctl("site", "rollback", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and "release 1" in done.stderr, done
    assert told == {"service": "site", "deploy": 3, "release": 1, "commit": repo.head, "outcome": "live", "reason": None, "violations": []}
    assert '"outcome"' not in pgo.ctl("site", "logs", "deploy").stdout
    pgo.stop()
    pgo.service("site", repo, pids=50)
    pgo.start().wait_listening()
    done = pgo.ctl("site", "rollback", "--json", "2")
    told = json.loads(done.stdout)
    assert (done.returncode, told["outcome"], told["release"]) == (1, "refused", 2)
    assert [violation["path"] for violation in told["violations"]] == ["services.web"]


def test_a_program_is_told_nothing_when_a_reason_is_cut_inside_a_character(pgo):
    """What others wrote is cut at a byte, and answers that are longer than a message at another."""
    repo = deployed(pgo)
    pgo.wait_deployed("site", bad(pgo, repo))
    pgo.engine.fail("up", stderr=3000 * "é", times=1)
    reason = json.loads(pgo.ctl("site", "rollback", "--json").stdout)["reason"]
    assert r"éé\xc3; release 2" in reason
    (last, *_) = json.loads(pgo.ctl("site", "history", "--json", "-n", "1").stdout)["deploys"]
    assert (last["reason"], last["trigger"], last["commit"]) == (reason, "operator", repo.head)
    told = json.loads(pgo.ctl("site", "deploys", "--json").stdout)
    assert told["reason"] == reason and told["log"].count("é") > 4096 // 2
    assert json.loads(pgo.ctl("site", "status", "--json").stdout)["last_deploy"]["reason"] == reason


def test_a_program_cannot_cancel(pgo):
    pgo.poll = "1h"  # a look at the remote can be cancelled as well
    repo = deployed(pgo)
    done = pgo.ctl("site", "cancel", "--json")
    assert done.returncode == 1 and json.loads(done.stdout) == {"service": "site", "cancelled": False, "reason": "site: nothing is being done"}
    pgo.engine.hold("up")
    head = bad(pgo, repo)
    pgo.ctl("site", "sync", check=True)
    wait_step(pgo, "up")
    done = pgo.ctl("site", "cancel", "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == {"service": "site", "cancelled": True, "reason": None}
    pgo.engine.release("up")
    wait_cancelled(pgo, head)
