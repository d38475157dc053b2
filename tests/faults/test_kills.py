"""kill -9, and TERM, of every process at every step and at any moment: each service is exactly the old or the new release afterwards.

PGO_KILL_SEED repeats a run's choices (a failing test prints its seed), PGO_KILLS says how many random kills there are.
"""

import contextlib
import os
import signal

import pytest

from lib.gates import Gates, go_on
from lib.host import kill_quietly, wait_until
from lib.kills import CONVERGED_S, VICTIMS, Site, converge, end_undisturbed, random_kills, restart
from lib.pgo import web

KILLS = int(os.environ.get("PGO_KILLS", "300"))
RUNS = 10

EDGE = {"edge": {"external": True, "name": "pgot-edge"}}


def compose_file(rev, kind):
    """What a deploy does depends on the service: some build, some pull, some make directories and wait for a network."""
    labels = {"labels": {"rev": str(rev)}}
    if kind == "build":
        return {"services": {"web": {"build": "./app", **labels}}}
    if kind == "pull":
        return {"services": {"web": {"image": "pgo-test/web:1", "pull_policy": "always", "restart": "always", **labels}}}
    if kind == "binds":
        return dict(web(volumes=["./data:/data", "./page:/page:ro"], networks={"default": None, "edge": None}, **labels), networks={"default": None, **EDGE})
    assert kind == "two"
    check = {"test": ["CMD", "true"]}
    return {"services": {name: {"image": "pgo-test/web:2", "healthcheck": check, **labels} for name in ("web", "app")}}


def site_of(pgo, name, kind):
    wanted = {"web": 1, "app": 1} if kind == "two" else {"web": 1}
    return Site(pgo, name, lambda rev: compose_file(rev, kind), wanted, ("data", "page") if kind == "binds" else ())


# --- one kill at one step --------------------------------------------------------------------------------------------


def job_gate(verb, reached=None):
    """Stops the job at its beginning; `reached`: the request to the engine that comes between resolve and this step."""

    @contextlib.contextmanager
    def gate(pgo, gates, commit):
        if reached:
            pgo.engine.hold(reached)
            commit()
            wait_until(lambda: pgo.engine.waiting, f"{reached} is held")
        gates.close_job(verb)
        if reached:
            pgo.engine.release(reached)
        else:
            commit()
        pid = gates.wait(verb)
        gates.open_job()
        yield pid, lambda: go_on(pid)

    return gate


@contextlib.contextmanager
def resolve_gate(pgo, gates, commit):
    gates.close_compose("config")
    commit()
    pid = gates.wait("config")
    gates.open_compose()
    yield pid, lambda: go_on(pid)


@contextlib.contextmanager
def inputs_gate(pgo, gates, commit):
    with resolve_gate(pgo, gates, commit) as (_, go):
        gates.close_job("inputs")
        go()
        pid = gates.wait("inputs")
        gates.open_job()
        yield pid, lambda: go_on(pid)


def engine_gate(step):
    @contextlib.contextmanager
    def gate(pgo, gates, commit):
        pgo.engine.hold(step)
        commit()
        wait_until(lambda: pgo.engine.waiting, f"{step} is held")
        calls = pgo.engine.calls(step.partition(":")[0])
        yield calls[-1]["pid"] if calls else None, lambda: pgo.engine.release(step)

    return gate


STEPS = {
    "fetch": ("two", job_gate("fetch")),
    "keys": ("two", job_gate("keys")),
    "stage": ("two", job_gate("stage")),
    "resolve": ("two", resolve_gate),
    "inputs": ("binds", inputs_gate),
    "networks": ("binds", engine_gate("GET /networks/*")),
    "images": ("two", engine_gate("GET /images/*")),
    "pull": ("pull", engine_gate("pull")),
    "build": ("build", engine_gate("build")),
    "checkout": ("two", job_gate("checkout", "GET /images/*")),
    "mkdirs": ("binds", job_gate("mkdirs", "GET /images/*")),
    "stop": ("two", engine_gate("stop")),
    "stop done": ("two", engine_gate("stop:end")),
    "up": ("two", engine_gate("up")),
    "up half done": ("two", engine_gate("up:middle")),
    "up done": ("two", engine_gate("up:end")),
}

EACH = [*VICTIMS, ("job", signal.SIGKILL), ("job", signal.SIGTERM)]


def strike(pgo, who, sig, job):
    """Sends the signal; True when it was pgod itself."""
    if who == "job":
        if job is not None:
            kill_quietly(job, sig)
    elif who == "pgod":
        pgo.process.send_signal(sig)
    else:
        for pid in pgo.role_pids(who):
            kill_quietly(pid, sig)
    return who == "pgod"


@pytest.mark.parametrize("step", STEPS)
def test_whoever_is_killed_at_a_step_the_service_is_one_whole_release_afterwards(pgo, step):
    kind, gate = STEPS[step]
    gates = Gates(pgo)
    pgo.engine.create_network("pgot-edge")
    site = site_of(pgo, "site", kind)
    pgo.start("--debug")
    site.wait()
    for who, sig in EACH:
        with gate(pgo, gates, site.commit) as (job, let_go):
            was_pgod = strike(pgo, who, sig, job)
            if was_pgod and sig == signal.SIGKILL:
                restart(pgo)
            let_go()
        if was_pgod and sig == signal.SIGTERM:
            restart(pgo)
        # A job that was killed is a deploy that failed: the old release, until the next commit or the next attempt.
        said = f"{who} {sig.name} at {step}"
        converge(pgo, [site], who != "job", said, CONVERGED_S)
    end_undisturbed(pgo, [site], CONVERGED_S, ["pgot-edge"])


# --- at any moment ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(RUNS))
def test_random_kills_leave_exactly_the_old_or_the_new_release(pgo, number):
    pgo.engine.create_network("pgot-edge")
    sites = [site_of(pgo, name, kind) for name, kind in (("one", "two"), ("two", "binds"), ("three", "build"))]
    random_kills(pgo, sites, KILLS // RUNS, number, CONVERGED_S)
    end_undisturbed(pgo, sites, CONVERGED_S, ["pgot-edge"])


# The containers are those of before: they were not touched, or have been stopped and come back as they were.
@pytest.mark.parametrize("gate", [job_gate("mkdirs", "GET /images/*"), engine_gate("up")], ids=["untouched", "stopped"])
def test_a_tree_of_the_new_release_stays_beside_the_old_containers_when_a_resumes_checkout_is_killed(pgo, gate):
    gates = Gates(pgo)
    repo = pgo.repo("site", {"compose.yaml": web(volumes=["./www:/www", "./data:/data"]), "www/page": "one\n"})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head)
    with gate(pgo, gates, lambda: repo.commit({"www/page": "two\n"})) as (_, go):
        head = repo.git("rev-parse", "HEAD").strip()
        pgo.kill()
        gates.close_job("checkout")
        go()
    pgo.start()
    os.kill(gates.wait("checkout"), signal.SIGKILL)
    gates.open_job()
    pgo.wait_status("site", "checkout: killed by SIGKILL; tried again")
    with open(pgo.live("site", "www", "page"), encoding="ascii") as page:
        assert page.read() == "one\n"
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_deployed("site", head)
