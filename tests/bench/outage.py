"""B5: what a proxy's clients see of a change: start-first at 1 kHz, and the outage of recreate and in-place against compose's own down and up."""

import contextlib
import json
import os

from figures import ms, p50, p99, ratio, table
from lib.caddy import IMAGE, NETWORK, Caddy, Load
from lib.host import run as command
from lib.probe import Prober

RATE = 1000
ROUNDS = 10
PATIENCE_S = 0.05  # for an answer that takes a millisecond; how exactly an outage is seen
CHECK = {"test": ["CMD", "busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"], "interval": "500ms", "timeout": "5s", "retries": 2}


def shop(page, style, **more):
    """Caddy as the web server: it ends its requests before it goes."""
    service = {
        "image": IMAGE,
        "command": ["respond", "--listen", ":8080", page],
        "networks": {"edge": {"aliases": ["shop"]} if style == "start-first" else None},
        "healthcheck": CHECK,
        **more,
    }
    networks = {"edge": {"external": True, "name": NETWORK}}
    return {"services": {"web": service}, "networks": networks, "x-pgo": {"update": style}}


def deployed(pgo, name, style):
    repo = pgo.repo(name, {"compose.yaml": shop("page 0", style), "ssh/k.pub": pgo.key.public})
    pgo.service(name, repo, health_timeout="20s", settle="100ms")
    return repo


def load_row(caddy, what, change):
    with Load(caddy, RATE) as load:
        for turn in range(ROUNDS):
            change(turn)
    times = sorted(load.answers)
    return [what, ROUNDS, len(load.answers) + len(load.failures), f"{load.done():.0f}", len(load.failures), ms(p50(times)), ms(p99(times)), ms(times[-1])]


def start_first(pgo, caddy, repo):
    def good(turn):
        pgo.wait_deployed("first", repo.commit({"compose.yaml": shop(f"good {turn}", "start-first")}), deadline=60)

    def bad(turn):
        model = shop(f"bad {turn}", "start-first", healthcheck={**CHECK, "test": ["CMD", "busybox", "false"]})
        assert "rolled back" in pgo.wait_judged("first", repo.commit({"compose.yaml": model}), deadline=60)

    caddy.wait_page("page 0")
    rows = [load_row(caddy, "good releases", good), load_row(caddy, "releases that never get healthy", bad)]
    table(
        "B5. start-first under load, through Caddy with lb_try_duration; ms",
        ["", "deploys", "requests", "per second", "failed", "p50", "p99", "longest"],
        rows,
        [f"Target: 0 failed requests at 1 kHz. {RATE} a second were asked for, from 16 kept connections; load, proxy, engine, containers and pgod share the machine."],
    )


def outages(pgo, changes):
    """{project: times}, of changes {project: change}, in turns."""
    found = {project: [] for project in changes}
    with contextlib.ExitStack() as probers:
        looked = {project: probers.enter_context(Prober(pgo.engine, project, patience_s=PATIENCE_S)) for project in changes}
        for turn in range(ROUNDS):
            for project, change in changes.items():
                mark = looked[project].mark()
                change(turn)
                looked[project].wait_answer(f"page {turn + 1}")
                found[project].append(looked[project].outage(mark))
    return found


def pgod_changes(pgo, name, style, repo):
    return lambda turn: pgo.wait_deployed(name, repo.commit({"compose.yaml": shop(f"page {turn + 1}", style)}), deadline=60)


def compose_changes(theatre, pgo, project):
    directory = pgo.path(project)
    os.makedirs(directory, exist_ok=True)
    env = {"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "DOCKER_HOST": pgo.engine.docker_host}

    def change(turn):
        with open(os.path.join(directory, "compose.yaml"), "w", encoding="utf-8") as text:
            json.dump(shop(f"page {turn + 1}", "recreate"), text)
        if turn >= 0:
            command(theatre.compose, "-p", project, "down", cwd=directory, env=env)
        command(theatre.compose, "-p", project, "up", "-d", cwd=directory, env=env)

    change(-1)
    return change


STYLES = {"first": "start-first", "again": "recreate", "place": "in-place"}
PEER = "pgot-bench-peer"


def run(theatre):
    with theatre.on_real_engine(poll="1s") as pgo:
        caddy = Caddy(pgo)
        repos = {name: deployed(pgo, name, style) for name, style in STYLES.items()}
        pgo.start()
        for name, repo in repos.items():
            pgo.wait_deployed(name, repo.head, deadline=60)
        changes = {name: pgod_changes(pgo, name, STYLES[name], repos[name]) for name in ("again", "place")}
        times = outages(pgo, {**changes, PEER: compose_changes(theatre, pgo, PEER)})
        for name in changes:
            assert pgo.ctl(name, "down").returncode == 0
        start_first(pgo, caddy, repos["first"])
    base = p50(times[PEER])
    names = {"again": "pgod, recreate", "place": "pgod, in-place", PEER: "peer: `docker compose down`, `up -d`"}
    table(
        "B5. From the last answer of the old container to the first of the new, ms",
        ["", "n", "p50", "longest", "÷ peer (p50)"],
        [[names[name], len(found), ms(p50(found)), ms(max(found)), ratio(p50(found), base)] for name, found in times.items()],
        ["Target: recreate ≤ compose's own down and up of the same change, which took turns with it. Asked every 20 ms at the container's own address, "
         f"without a proxy; what has not answered for {1000 * PATIENCE_S:.0f} ms is asked anew."],
    )
