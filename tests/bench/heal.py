"""B7: from `docker rm -f` to the new container, against a bare `docker compose up -d` after the same."""

import contextlib
import json
import threading
import time
import urllib.parse

import stage
from figures import ms, p50, table, times_row
from lib.host import descendants_of, program_of, run as command
from lib.host import wait_until
from lib.pgo import web
from lib.real_engine import UnixConnection

ROUNDS = 30


class Began:
    """Listens to the engine: when a project's container started, by the engine's own clock."""

    def __init__(self, engine):
        self.seen, self.changed = {}, threading.Condition()
        self.connection = UnixConnection(f"{engine.dir}/docker.sock")
        filters = urllib.parse.quote(json.dumps({"type": ["container"], "event": ["start", "create"]}))
        self.connection.connect()
        self.connection.sock.settimeout(None)
        self.connection.request("GET", f"/events?filters={filters}")
        self.answer = self.connection.getresponse()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            for line in self.answer:
                event = json.loads(line)
                project = event["Actor"]["Attributes"].get("com.docker.compose.project")
                with self.changed:
                    self.seen[project, event["Action"]] = event["timeNano"] / 1e9
                    self.changed.notify_all()

    def forget(self, project):
        with self.changed:
            for action in ("create", "start"):
                self.seen.pop((project, action), None)

    def wait(self, project, action="start"):
        with self.changed:
            assert self.changed.wait_for(lambda: (project, action) in self.seen, 60), f"{project}: no {action} within a minute"
            return self.seen[project, action]


def rm_f(theatre, pgo, project):
    """The command that an operator types; returns when it had returned."""
    (box,) = pgo.engine.containers(project)
    command("docker", "rm", "-f", box.id, env={"PATH": "/usr/bin:/bin", "DOCKER_HOST": pgo.engine.docker_host, "HOME": pgo.path("home")})
    return time.time()


def healed(theatre, pgo, began, project):
    began.forget(project)
    removed = rm_f(theatre, pgo, project)
    times = began.wait(project, "create") - removed, began.wait(project) - removed
    # core and the pgod-ssh that is kept ready stay; jobs go.
    wait_until(lambda: {program_of(pid) for pid in descendants_of(pgo.process.pid)} <= {"pgod-core", "pgod-ssh", "pgod-web"}, "the heal is over")
    return times


def bare_up(theatre, pgo, began, project, directory):
    """compose on its own file, where compose finds it; `directory` is its working directory."""
    env = {"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "DOCKER_HOST": pgo.engine.docker_host}
    command(theatre.compose, "-p", project, "up", "-d", cwd=directory, env=env)
    return began.wait(project)


def bare(theatre, pgo, began, project, directory):
    began.forget(project)
    removed = rm_f(theatre, pgo, project)
    started = bare_up(theatre, pgo, began, project, directory)
    return began.wait(project, "create") - removed, started - removed


def run(theatre):
    with theatre.on_real_engine() as pgo:
        repo = pgo.repo("all", {"compose.yaml": web(stop_grace_period="1s"), "ssh/k.pub": pgo.key.public})
        names = [f"heal{number:02d}" for number in range(ROUNDS)]
        for name in names:
            pgo.service(name, repo)
        pgo.start()
        for name in names:
            pgo.wait_deployed(name, repo.head, deadline=120)
        stage.quiet(pgo)
        began = Began(pgo.engine)
        bare_up(theatre, pgo, began, "pgot-bench-twin", repo.path)
        ours, peer = [], []
        for name in names:
            ours.append(healed(theatre, pgo, began, name))
            peer.append(bare(theatre, pgo, began, "pgot-bench-twin", repo.path))
    base = p50([start for _, start in peer])
    table(
        "B7. From `docker rm -f` returned to the new container, ms",
        ["", "n", "p50", "p99", "÷ peer (p50)"],
        [
            times_row("pgod heals: container created", [create for create, _ in ours], base),
            times_row("pgod heals: container started", [start for _, start in ours], base),
            times_row("peer: bare `docker compose up -d`: created", [create for create, _ in peer], base),
            times_row("peer: bare `docker compose up -d`: started", [start for _, start in peer], base),
        ],
        ["Target: ≤ 1.3 × the peer. The same compose file and image, in turns; `docker rm -f` as a command in both; the end is the engine's own "
         "time of the event. Each heal is a service of its own: pgod waits longer before it heals the same one again. "
         f"Difference of the medians: {ms(p50([start for _, start in ours]) - base)} ms."],
    )
