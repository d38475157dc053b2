"""What is done, and said, when two things meet: a hold and a failure, a stop and an up, a new commit and an old trouble."""

import os
import shutil

import pytest

from lib.host import ended, stays, wait_until
from lib.kills import CONVERGED_S
from lib.pgo import Key, install_roles, web
from lib.scenes import deployed, hold_down, in_background, running, three_polls, wait_step

EDGE = dict(web(networks={"edge": None}), networks={"edge": {"external": True, "name": "pgot-edge"}})
TWO = {"services": {"web": {"image": "pgo-test/web:1"}, "db": {"image": "pgo-test/web:1"}}}


@pytest.mark.parametrize("model, trouble", [(web("pgo-test/none:1"), "pull access denied"), (EDGE, "pgot-edge")])
def test_a_hold_stops_the_service_at_once_also_after_a_failed_deploy(pgo, model, trouble):
    repo = deployed(pgo)
    repo.commit({"compose.yaml": model})
    pgo.wait_status("site", trouble)
    hold_down(pgo)
    wait_until(lambda: not pgo.running("site"), "the service is stopped", 10)


def test_a_new_commit_is_deployed_although_the_engine_was_being_asked_for_the_old_ones_network(pgo):
    repo = deployed(pgo)
    repo.commit({"compose.yaml": EDGE})
    pgo.wait_status("site", "pgot-edge")
    pgo.engine.hold("GET /networks/*")
    wait_step(pgo, "GET /networks/*")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_log(f"new commit .*{head[:8]}")
    pgo.wait_status("site", f"commit {head[:8]}")
    pgo.engine.release("GET /networks/*")
    pgo.wait_deployed("site", head)


def test_what_is_stopped_by_name_stays_down_when_a_hold_goes(pgo):
    repo = pgo.repo("site", {"compose.yaml": TWO, "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, count=2)
    assert pgo.ctl("site", "stop", "web").returncode == 0
    wait_until(lambda: running(pgo) == ["db"], "web is stopped")
    flag = hold_down(pgo)
    wait_until(lambda: running(pgo) == [], "held")
    os.unlink(flag)
    wait_until(lambda: "db" in running(pgo), "db is back")
    stays(lambda: running(pgo) == ["db"], "web is still stopped", three_polls(pgo, repo))


def test_the_only_one_stopped_by_name_stays_down_when_a_commit_comes(pgo):
    repo = deployed(pgo)
    assert pgo.ctl("site", "stop", "web").returncode == 0
    wait_until(lambda: not pgo.running("site"), "stopped")
    assert "state       stopped" in pgo.status("site")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_judged("site", head)
    assert "stopped by an operator" in pgo.status("site")
    stays(lambda: not pgo.running("site"), "stopped", three_polls(pgo, repo))
    assert pgo.ctl("site", "start", "web").returncode == 0
    pgo.wait_deployed("site", head)


def test_the_trouble_of_a_commit_that_was_taken_back_is_forgotten(pgo):
    repo = deployed(pgo)
    repo.commit({"compose.yaml": web("pgo-test/none:1")})
    pgo.wait_status("site", "pull access denied")
    repo.git("reset", "-q", "--hard", repo.head)
    pgo.wait_status("site", f"in sync +yes: commit {repo.head[:8]}")


def test_keys_that_could_not_be_read_are_read_again(pgo):
    pgo.libexec = install_roles(pgo.path("libexec"))
    real = os.path.join(pgo.libexec, "pgod-job")
    repo = deployed(pgo)
    shutil.copy(real, real + ".real")
    with open(real + ".new", "w", encoding="ascii") as script:
        script.write(f'#!/bin/sh\n[ "$1" = keys ] && exit 1\nexec {real}.real "$@"\n')
    os.chmod(real + ".new", 0o755)
    os.rename(real + ".new", real)
    new = Key(pgo.path("new"))
    repo.commit({"ssh/new.pub": new.public})
    pgo.wait_log("keys: ")
    os.rename(real + ".real", real)
    wait_until(lambda: pgo.ctl("site", "ping", key=new).returncode == 0, "the new key opens")


def test_an_interrupted_release_does_not_come_back_after_a_newer_one(pgo):
    repo = deployed(pgo)
    pgo.engine.hold("up")
    repo.commit({"compose.yaml": web("pgo-test/web:2")})
    wait_step(pgo, "up")
    pgo.kill()
    pgo.engine.stop()
    wait_until(lambda: not pgo.orphans(), "the old job ends")
    pgo.start().wait_listening()
    pgo.ctl("site", "stop")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2", environment={"A": "b"})})
    pgo.wait_status("site", f"commit {head[:8]}")
    pgo.engine.start()
    wait_until(lambda: pgo.ctl("site", "up").returncode == 0, "up succeeds")
    pgo.wait_deployed("site", head)
    stays(lambda: pgo.ref("site") == head, "the newer release is not undone", three_polls(pgo, repo))


def test_an_up_that_is_asked_for_after_a_stop_wins(pgo):
    deployed(pgo)
    pgo.engine.hold("stop")
    in_background(pgo, "site", "stop")
    wait_step(pgo, "stop")
    pgo.engine.hold("start")
    in_background(pgo, "site", "stop")
    pgo.wait_log("operation stop.*operation stop")
    up = in_background(pgo, "site", "up")
    pgo.wait_log("operation up")
    pgo.engine.release("stop")
    assert ended(up) == 0
    pgo.wait_running("site")
    assert "state       live" in pgo.status("site")


def test_an_operator_does_not_wait_behind_a_poll_that_waits_for_its_turn(pgo):
    names = ["a", "b", "c", "d", "site"]
    repos = {name: pgo.repo(name) for name in names}
    for name in names:
        pgo.service(name, repos[name])
    pgo.start()
    for name in names:
        pgo.wait_deployed(name, repos[name].head)
    pgo.engine.hold("pull")
    for name in names[:4]:
        repos[name].commit({"compose.yaml": web("pgo-test/none:1")})
    wait_step(pgo, "pull", 4)
    seen = pgo.polls(repos["a"])
    pgo.wait_status("site", r"last look +([3-9]|\d\d+) s ago")
    seen.close()
    stop = in_background(pgo, "site", "stop")
    assert ended(stop, 10) == 0
    assert not pgo.running("site")


def test_an_engine_that_goes_away_during_an_up_leaves_no_half_release(pgo):
    repo = deployed(pgo)
    (old,) = pgo.engine.containers("site")
    pgo.engine.hold("up")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    wait_step(pgo, "up")
    held = pgo.engine.held.pop("up")
    pgo.engine.stop()
    pgo.wait_log("the engine does not answer")
    held.set()
    # As the engine does with restart: always.
    old.state = "running"
    wait_until(lambda: "last deploy" in pgo.status("site") and "deploying" not in pgo.status("site"), "the deploy has ended")
    pgo.engine.start()
    pgo.wait_deployed("site", head)
    wait_until(lambda: [box.image for box in pgo.running("site")] == [pgo.engine.images["pgo-test/web:2"]], "the new image runs")


def test_a_misspelt_stop_leaves_no_trace(pgo):
    deployed(pgo)
    pgo.ctl("site", "stop", "wbe")
    assert "wbe" not in pgo.status("site")


def test_a_service_whose_first_deploy_was_interrupted_is_removed_with_its_containers(pgo):
    pgo.service("site", pgo.repo("site"))
    other = pgo.repo("other")
    pgo.service("other", other)
    pgo.engine.hold("up")
    pgo.start()
    wait_step(pgo, "up", 2)
    pgo.kill()
    pgo.engine.release("up")
    wait_until(lambda: not pgo.orphans(), "the old jobs end")
    del pgo.services["site"]
    pgo.start().wait_deployed("other", other.head)
    wait_until(lambda: not os.path.exists(pgo.live("site")), "its directory moved")
    assert not pgo.engine.containers("site")


def test_an_up_that_is_killed_after_the_stop_does_not_leave_the_service_down(pgo):
    """What stop ended exits with 0, which passes for finished under restart: no."""
    repo = deployed(pgo)
    before = pgo.running("site")[0].image_id
    pgo.engine.fail("up", status=137)
    repo.commit({"compose.yaml": web("pgo-test/web:2")})
    wait_until(lambda: len(pgo.engine.calls("up")) >= 3, "the new release, and the old one again")
    pgo.engine.heal("up")
    pgo.wait_running("site")
    pgo.wait_status("site", "in sync +no")
    assert pgo.running("site")[0].image_id == before


def test_a_resume_whose_up_is_killed_as_well_does_not_leave_the_service_half_way_for_long(pgo):
    """There is no release to go back to: the next attempt comes soon."""
    repo = pgo.repo("site", {"compose.yaml": web()})
    pgo.service("site", repo)
    pgo.engine.hold("up")
    pgo.start()
    wait_step(pgo, "up")
    pgo.kill()
    pgo.engine.fail("up", status=137)
    pgo.engine.release("up")
    pgo.start(write=False)
    pgo.wait_status("site", "tried again in [01] s")
    pgo.engine.heal("up")
    pgo.wait_deployed("site", repo.head, deadline=CONVERGED_S)
