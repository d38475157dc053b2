"""What a container's end with 0 means: it has finished, or the engine took it along."""

import re

import pytest

from lib.host import stays, wait_until
from lib.scenes import deployed, finished, in_db, three_polls


def test_what_ended_with_0_because_the_engine_stopped_comes_back(pgo):
    deployed(pgo)
    pgo.engine.shut_down()
    pgo.engine.start()
    pgo.wait_running("site")
    wait_until(lambda: re.search(r"heal.*web: ended along with the engine", pgo.ctl("site", "history").stdout), "the history tells why")


def job_that_ends(pgo):
    """A release with a container that ends with 0 some time after its deploy; returns the container."""
    model = {"services": {"web": {"image": "pgo-test/web:1", "restart": "always"}, "job": {"image": "pgo-test/web:1"}}}
    repo = pgo.repo("site", {"compose.yaml": model, "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, 2)
    (job,) = [box for box in pgo.running("site") if box.service == "job"]
    pgo.engine.kill_container(job, 0)
    wait_until(lambda: finished(pgo).startswith("job"), "that it has ended is written down at once", 10)
    return repo


@pytest.mark.parametrize("restart", ["engine", "pgod", "both"])
def test_what_ended_well_a_moment_before_the_engine_stopped_is_run_again(pgo, restart):
    repo = job_that_ends(pgo)
    ups = len(pgo.engine.calls("up"))
    if restart != "engine":
        pgo.kill()
        wait_until(lambda: not pgo.orphans(), "all of it")
    if restart == "pgod":
        pgo.start()
    pgo.engine.shut_down()
    pgo.engine.start()
    if restart == "both":
        pgo.start()
    pgo.wait_status("site", "state +live.*healthy +yes: 1 of 2 containers run")
    stays(lambda: len(pgo.engine.calls("up")) == ups, "left alone", three_polls(pgo, repo))


def test_what_a_machine_ended_as_it_went_down_stays_down(pgo):
    job_that_ends(pgo)
    pgo.stop()
    pgo.engine.shut_down()
    assert re.fullmatch("job@[0-9a-f-]{36}", finished(pgo))
    in_db(pgo, "UPDATE service SET finished = 'job@of-the-start-before'")
    pgo.engine.start()
    pgo.start().wait_running("site", 2)


def test_what_had_finished_before_is_not_run_again_when_the_engine_restarts(pgo):
    model = {"services": {"web": {"image": "pgo-test/web:1"}, "init": {"image": "pgo-test/web:1"}}}
    pgo.engine.behave("init", exits=0)
    repo = pgo.repo("site", {"compose.yaml": model, "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head)
    ups = len(pgo.engine.calls("up"))
    pgo.engine.restart()
    pgo.wait_status("site", "state +live")
    pgo.stop()
    pgo.start().wait_listening()
    pgo.wait_status("site", "state +live")
    stays(lambda: len(pgo.engine.calls("up")) == ups, "left alone", three_polls(pgo, repo))
