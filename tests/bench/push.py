"""B4: from a commit to the container that runs it, against a bare `docker compose up -d` of the same change."""

import json
import time

import stage
from figures import ms, p50, table, times_row
from heal import Began, bare_up
from lib.host import wait_until

ROUNDS = 30


def compose_file(rev, update=None):
    service = {"image": stage.IMAGE, "stop_signal": "KILL", "environment": {"REV": str(rev)}}
    return {**({"x-pgo": {"update": update}} if update else {}), "services": {"web": service}}


def pushed(pgo, began, name, repo, rev):
    """What a hook of the git server would do: tell pgod to look. Returns the seconds to the container's start by the engine's clock."""
    head = repo.commit({"compose.yaml": compose_file(rev, name)})
    began.forget(name)
    told = time.time()
    assert pgo.ctl(name, "sync").returncode == 0
    took = began.wait(name) - told
    pgo.wait_deployed(name, head)
    return took


def bare(theatre, pgo, began, project, directory, rev):
    with open(f"{directory}/compose.yaml", "w", encoding="ascii") as out:
        json.dump(compose_file(rev), out)
    began.forget(project)
    told = time.time()
    return bare_up(theatre, pgo, began, project, directory) - told


def run(theatre):
    with theatre.on_real_engine() as pgo:
        repos = {name: pgo.repo(name, {"compose.yaml": compose_file(0, name), "ssh/k.pub": pgo.key.public}) for name in ("recreate", "in-place")}
        twin = pgo.repo("twin", {"compose.yaml": compose_file(0)})
        for name, repo in repos.items():
            pgo.service(name, repo, settle="0s")
        pgo.start()
        for name, repo in repos.items():
            pgo.wait_deployed(name, repo.head, deadline=60)
        began = Began(pgo.engine)
        bare_up(theatre, pgo, began, "pgot-bench-twin", twin.path)
        times = {name: [] for name in (*repos, "peer")}
        for rev in range(1, ROUNDS + 1):
            for name, repo in repos.items():
                times[name].append(pushed(pgo, began, name, repo, rev))
            times["peer"].append(bare(theatre, pgo, began, "pgot-bench-twin", twin.path, rev))
            wait_until(lambda: not pgo.connections(), "nobody is connected")
    base = p50(times["peer"])
    table(
        "B4. From a push to the container that runs it, ms",
        ["", "n", "p50", "p99", "÷ peer (p50)"],
        [
            times_row("pgoctl sync after the commit, update: recreate", times["recreate"], base),
            times_row("pgoctl sync after the commit, update: in-place", times["in-place"], base),
            times_row("peer: bare `docker compose up -d` of the same change", times["peer"], base),
        ],
        ["Target: ≤ 1.3 × the peer. One service, the image present, an environment variable changed, stop_signal KILL; the three take turns. The end is "
         "the engine's own time of the container's start. pgod's time includes a cold SSH connection (what a hook would make), ls-remote, fetch, the "
         f"checks. Difference of the medians to in-place: {ms(p50(times['in-place']) - base)} ms."],
    )
