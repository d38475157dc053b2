"""kill -9, and TERM, of every process at every step and at any moment: each service is exactly the old or the new release afterwards.

PGO_KILL_SEED repeats a run's choices (a failing test prints its seed), PGO_KILLS says how many random kills there are.
"""

import contextlib
import json
import os
import random
import signal
import time

import pytest

from lib.gates import Gates, go_on
from lib.host import descendants_of, kill_quietly, wait_until
from lib.pgo import web
from lib.whole import check_nothing_left, check_release

SEED = os.environ.get("PGO_KILL_SEED") or str(time.time_ns() % 1000000)
KILLS = int(os.environ.get("PGO_KILLS", "500"))
RUNS = 10
# After a kill of pgod or core: from the moment that pgod answers again. Shared by several runs at a time on a small machine.
CONVERGED_S = 15

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


class Site:
    """A service whose every commit is another release."""

    def __init__(self, pgo, name, kind):
        self.pgo, self.name, self.kind = pgo, name, kind
        self.commits, self.rev, self.lags = {}, 0, False
        self.wanted = {"web": 1, "app": 1} if kind == "two" else {"web": 1}
        self.networks = [f"{name}_default"]
        self.repo = pgo.repo(name, {})
        self.commit()
        pgo.service(name, self.repo)

    def commit(self):
        self.rev += 1
        compose = json.dumps(compose_file(self.rev, self.kind), indent=1)
        files = {"compose.yaml": compose, "app/Dockerfile": "FROM scratch\n", "page": f"page {self.rev}\n"}
        self.repo.head = self.repo.commit(files)
        self.commits[self.repo.head] = str(self.rev), {"ssh/test.pub": self.pgo.key.public, **files}

    def check(self, must_be_new):
        live, facts = check_release(self.pgo, self.name, self.commits, self.wanted, untracked=("data",))
        new = live == self.repo.head
        assert facts["in sync"].startswith("yes" if new else "no"), facts
        assert new or not must_be_new, f"{self.name} is still at {self.commits[live][0]}, the newest is {self.rev}: {facts}"
        self.lags = not new


def network_names(sites):
    return [name for site in sites for name in site.networks] + ["pgot-edge"]


def restart(pgo):
    """As systemd does."""
    pgo.process.wait(40)
    pgo.process = None
    pgo.start("--debug", write=False)


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

VICTIMS = [(who, sig) for who in ("pgod", "pgod-core", "pgod-ssh", "job") for sig in (signal.SIGKILL, signal.SIGTERM)]


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
    site = Site(pgo, "site", kind)
    pgo.start("--debug").wait_deployed("site", site.repo.head, count=len(site.wanted))
    for who, sig in VICTIMS:
        with gate(pgo, gates, site.commit) as (job, let_go):
            was_pgod = strike(pgo, who, sig, job)
            if was_pgod and sig == signal.SIGKILL:
                restart(pgo)
            let_go()
        if was_pgod and sig == signal.SIGTERM:
            restart(pgo)
        # A job that was killed is a deploy that failed: the old release, until the next commit or the next attempt.
        said = f"{who} {sig.name} at {step}"
        converge(pgo, [site], must_be_new=who != "job", what=said)
    site.commit()
    converge(pgo, [site], True, "a last commit, undisturbed")
    wait_until(lambda: check_nothing_left(pgo, network_names([site])) is None, "nothing is left over")


def converge(pgo, sites, must_be_new, what):
    left = list(sites)

    def whole():
        pgo.check_alive()
        while left:
            left[0].check(must_be_new)
            left.pop(0)
        return True

    wait_until(whole, f"seed {SEED}: after {what}: every service is one whole release", CONVERGED_S, step=0.05)


# --- at any moment ---------------------------------------------------------------------------------------------------


class Tail:
    """How many lines pgod has logged since the last look: the clock of these tests."""

    def __init__(self, pgo):
        self.log = open(pgo.log_path, "rb")
        self.lines = 0
        self.reset()

    def reset(self):
        self.log.seek(0, os.SEEK_END)
        self.lines = 0

    def count(self):
        self.lines += self.log.read().count(b"\n")
        return self.lines

    def close(self):
        self.log.close()


def pick(pgo, dice):
    """The next victim: (name, pid). Jobs are all of pgod's descendants but its roles."""
    who = dice.choices(["pgod", "pgod-core", "job", "pgod-ssh"], [4, 3, 2, 1])[0]
    if who == "pgod":
        return who, pgo.process.pid
    if who != "job":
        return who, dice.choice(pgo.role_pids(who) or [pgo.process.pid])
    roles = pgo.role_pids("pgod-core") + pgo.role_pids("pgod-ssh")
    jobs = sorted(pid for pid in descendants_of(pgo.process.pid) if pid not in roles)
    return who, dice.choice(jobs) if jobs else None


def kill_one(pgo, dice, tail):
    lines = dice.randint(1, 40)
    tail.reset()
    wait_until(lambda: tail.count() >= lines, f"{lines} lines of log", step=0.001)
    who, pid = pick(pgo, dice)
    if pid is None:
        return who
    kill_quietly(pid)
    if pid == pgo.process.pid:
        restart(pgo)
        pgo.wait_listening()
    return who


@pytest.mark.parametrize("number", range(RUNS))
def test_random_kills_leave_exactly_the_old_or_the_new_release(pgo, number):
    dice = random.Random(f"{SEED}-{number}")
    print(f"PGO_KILL_SEED={SEED} repeats these choices")
    pgo.engine.create_network("pgot-edge")
    sites = [Site(pgo, name, kind) for name, kind in (("one", "two"), ("two", "binds"), ("three", "build"))]
    pgo.start("--debug")
    for site in sites:
        pgo.wait_deployed(site.name, site.repo.head, count=len(site.wanted))
    tail, left, slowest = Tail(pgo), KILLS // RUNS, 0
    while left > 0:
        chosen = dice.sample(sites, dice.randint(1, 2))
        for site in sites:
            if site in chosen or site.lags:
                site.commit()
        struck = [kill_one(pgo, dice, tail) for _ in range(min(left, dice.randint(1, 4)))]
        left -= len(struck)
        began = time.monotonic()
        converge(pgo, sites, "job" not in struck, f"kills of {', '.join(struck)}, {left} to come")
        slowest = max(slowest, time.monotonic() - began)
    tail.close()
    for site in sites:
        site.commit()
    converge(pgo, sites, True, "last commits, undisturbed")
    wait_until(lambda: check_nothing_left(pgo, network_names(sites)) is None, "nothing is left over")
    print(f"the slowest of them took {slowest:.1f} s to converge")
