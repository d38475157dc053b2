"""A step of a deploy that the engine fails in passing is tried once more; what fails for another reason, or again, fails as ever."""

import re

import pytest

from lib.pgo import web
from lib.pusher import hosted, said
from lib.scenes import deploys, deployed
from lib.whole import rows

RESET = 'error during connect: Post "http://%2Frun%2Fdocker.sock/v1.45/x": read unix @->/run/docker.sock: read: connection reset by peer'
TOLD = {"build": " !     build: the engine failed, the connection to it broke: once more", "up": " !     up: the engine failed, the connection to it broke: once more"}


def app(number):
    return {"compose.yaml": {"services": {"web": {"build": "./app", "labels": {"rev": str(number)}}}}, "app/Dockerfile": f"FROM scratch\n# {number}\n"}


def calls(pgo, verb):
    return len(pgo.engine.calls(verb))


@pytest.mark.parametrize("step", ["build", "up"])
def test_a_push_that_the_engine_fails_once_is_accepted(pgo, step):
    me = hosted(pgo)
    head = me.commit(app(1))
    pgo.engine.fail(step, stderr="#7 0.1 what a build prints\n" + RESET, times=1)
    done = me.push()
    assert done.returncode == 0 and said(done).count(TOLD[step]) == 1, done.stderr
    assert calls(pgo, step) == 2 and me.remote_refs()["refs/heads/main"] == head
    assert re.search(rf"warning: {step}: the engine failed, the connection to it broke: once more service=app deploy=1", pgo.log())
    assert TOLD[step].strip(" !") in pgo.ctl("app", "logs", "deploy").stdout
    assert rows(pgo, "SELECT outcome FROM deploy") == ["live"]


@pytest.mark.parametrize("step", ["build", "up"])
def test_a_push_that_the_engine_fails_twice_fails(pgo, step):
    me = hosted(pgo)
    me.commit(app(1))
    pgo.engine.fail(step, stderr=RESET, times=2)
    done = me.push()
    assert done.returncode == 1 and "connection reset by peer" in done.stderr, done.stderr
    assert said(done).count("once more") == 1 and calls(pgo, step) == 2
    assert me.remote_refs() == {}
    assert me.push().returncode == 0


def test_a_deploy_has_one_more_try_whatever_step_needs_it(pgo):
    me = hosted(pgo)
    me.commit(app(1))
    pgo.engine.fail("build", stderr=RESET, times=1)
    pgo.engine.fail("up", stderr=RESET, times=1)
    done = me.push()
    assert done.returncode == 1 and said(done).count("once more") == 1, done.stderr
    assert calls(pgo, "build") == 2 and calls(pgo, "up") == 1


@pytest.mark.parametrize(
    "last",
    [
        'failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1',
        f"failed to solve: {RESET}",
        "Error response from daemon: driver failed programming external connectivity: port is already allocated",
    ],
)
def test_what_a_build_prints_of_an_engine_gets_no_second_try(pgo, last):
    me = hosted(pgo)
    me.commit(app(1))
    pgo.engine.fail("build", stderr=RESET + "\n" + last, times=1)
    done = me.push()
    assert done.returncode == 1 and "once more" not in done.stderr and calls(pgo, "build") == 1, done.stderr


def test_a_commit_that_is_followed_is_not_to_blame_for_the_engine(pgo):
    repo = deployed(pgo)
    pgo.engine.fail("up", stderr="Error response from daemon: context deadline exceeded", times=1)
    head = repo.commit({"compose.yaml": web(labels={"rev": "2"})})
    pgo.wait_deployed("site", head)
    assert [row[1] for row in deploys(pgo)] == ["live", "live"]
    assert "up: the engine failed, it ran out of time: once more" in pgo.ctl("site", "logs", "deploy", "2").stdout
