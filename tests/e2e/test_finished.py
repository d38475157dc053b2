"""A real engine that restarts: what had ended by itself stays ended, however short before; what the engine ended comes back."""

import os

import pytest

from lib.host import stays, wait_until
from lib.scenes import finished, three_polls

# Each writes a line when it starts. The job ends when it is told so, the worker only by a signal, and then well.
MODEL = {
    "services": {
        "job": {"command": ["sh", "-c", "echo ran >>/out/job; mkfifo /out/enough; read x </out/enough; exit 0"]},
        "worker": {"command": ["sh", "-c", "trap 'exit 0' TERM; echo ran >>/out/worker; tail -f /dev/null & wait"]},
    }
}


@pytest.fixture
def out(pgo):
    """The directory that both write to, of a service that runs."""
    common = {"image": "pgo-test/web:1", "volumes": [os.path.join(pgo.datadir, "site") + ":/out"]}
    services = {name: {**keys, **common} for name, keys in MODEL["services"].items()}
    pgo.repo_of_site = pgo.repo("site", {"compose.yaml": {"services": services}, "ssh/k.pub": pgo.key.public})
    pgo.service("site", pgo.repo_of_site)
    pgo.start().wait_deployed("site", pgo.repo_of_site.head, 2, 40)
    return os.path.join(pgo.datadir, "site")


def runs(out, name):
    with open(os.path.join(out, name), encoding="ascii") as lines:
        return len(lines.readlines())


def state(pgo, name):
    (box,) = [box for box in pgo.engine.containers("site") if box.service == name]
    return box.state


def end_the_job(pgo, out):
    bell = os.path.join(out, "enough")
    wait_until(lambda: os.path.exists(bell), "the job waits for the bell")
    os.close(os.open(bell, os.O_WRONLY))
    wait_until(lambda: state(pgo, "job") == "exited", "the job has ended")
    wait_until(lambda: finished(pgo).startswith("job"), "pgod knows", 10)


@pytest.mark.parametrize("pgod", ["goes on", "restarts"])
def test_a_job_that_has_just_ended_is_run_again_by_an_engine_restart(pgo, out, pgod):
    end_the_job(pgo, out)
    if pgod == "restarts":
        pgo.kill()
    pgo.engine.restart()
    if pgod == "restarts":
        pgo.start()
    # It ended with 0 as well, but not by itself.
    wait_until(lambda: runs(out, "worker") == 2 and state(pgo, "worker") == "running", "the worker is back", 40)
    pgo.wait_status("site", "state +live.*healthy +yes: 1 of 2 containers run")
    stays(lambda: runs(out, "job") == 1, "it has run once", three_polls(pgo, pgo.repo_of_site))
