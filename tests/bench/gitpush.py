"""git push of an app, against a bare `docker compose up -d --build` of the same tree; under load; many at once; and a pack of 200 MB."""

import contextlib
import json
import os
import subprocess
import threading
import time

import memory
import stage
from figures import mib, ms, p50, p99, table, times_row
from lib.caddy import Load
from lib.host import descendants_of, program_of, wait_until
from lib.proxies import Nginx
from lib.pushes import App, accept_pushes

ROUNDS = 10
AT_ONCE = 20
CHANGES = 5
RATE = 1000
LARGE = 200 << 20
STEP_S = 0.02
DOCKERFILE = f"FROM {stage.IMAGE}\nCOPY index.html /www/\nEXPOSE 8080\nSTOPSIGNAL KILL\n"
FILES = {"Dockerfile": DOCKERFILE, "index.html": "0\n", ".dockerignore": "notes\n.git\n"}
TWIN = {"services": {"web": {"build": "."}}}


def timed(what, *args, **more):
    began = time.monotonic()
    what(*args, **more)
    return time.monotonic() - began


class Twin:
    """The same tree in the hands of compose alone."""

    def __init__(self, theatre, pgo, name):
        self.argv = [theatre.compose, "-p", name, "--project-directory", pgo.path(name), "up", "-d", "--build"]
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": pgo.path("home"), "DOCKER_HOST": pgo.engine.docker_host}
        self.top = pgo.path(name)
        os.mkdir(self.top)
        for file, text in {**FILES, "compose.yaml": json.dumps(TWIN)}.items():
            self.write(file, text)

    def write(self, name, text):
        with open(os.path.join(self.top, name), "w", encoding="ascii") as out:
            out.write(text)

    def begin(self):
        return subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def up(self):
        assert self.begin().wait(300) == 0


def push(app):
    app.push().accepted()


def one_app(theatre, pgo):
    """Turn by turn; the rows of the table."""
    app, twin = App(pgo, "one", **FILES), Twin(theatre, pgo, "pgot-bench-twin")
    push(app)
    twin.up()
    noop, cached, live = ([], []), ([], []), ([], [])
    for number in range(1, ROUNDS + 1):
        for (ours, peers), file, text in ((noop, None, None), (cached, "notes", f"{number}\n"), (live, "index.html", f"{number}\n")):
            if file:
                app.commit({file: text})
                twin.write(file, text)
            ours.append(timed(push, app))
            wait_until(lambda: not pgo.connections(), "nobody is connected")
            peers.append(timed(twin.up))
    rows = []
    names = ("no-op", "what is built is cached, nothing is replaced", "another page, built and live")
    for name, (ours, peers) in zip(names, (noop, cached, live)):
        rows.append(times_row(f"git push: {name}", ours, p50(peers)))
        rows.append(times_row(f"peer: compose up -d --build: {name}", peers, p50(peers)))
    return rows


def at_once(theatre, pgo):
    """Seconds until the last of twenty is live, ours and the peer's."""
    apps = [App(pgo, f"app-{number}", **{**FILES, "index.html": f"page {number}\n"}) for number in range(AT_ONCE)]
    began = time.monotonic()
    for under_way in [app.begin() for app in apps]:
        under_way.end(600).accepted()
    ours = time.monotonic() - began
    twins = [Twin(theatre, pgo, f"pgot-bench-twin-{number}") for number in range(AT_ONCE)]
    for number, twin in enumerate(twins):
        twin.write("index.html", f"page {number}\n")
    began = time.monotonic()
    for process in [twin.begin() for twin in twins]:
        assert process.wait(600) == 0
    return ours, time.monotonic() - began


class Peaks:
    """The most that each of our programs, and git on its behalf, had at a time: (PSS, of it private dirty), all processes of a name together."""

    def __init__(self, pgo):
        self.pgo, self.peaks, self.ending = pgo, {}, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join(10)

    def run(self):
        while not self.ending.wait(STEP_S):
            now = {}
            for pid in [self.pgo.process.pid, *descendants_of(self.pgo.process.pid)]:
                with contextlib.suppress(OSError, ValueError, IndexError):
                    name, cost = program_of(pid), memory.total(memory.costs(pid))
                    pss, dirty = now.get(name, (0, 0))
                    now[name] = pss + cost.pss, dirty + cost.private_dirty
            for name, amounts in now.items():
                self.peaks[name] = tuple(map(max, self.peaks.get(name, (0, 0)), amounts))


def large_pack(pgo):
    app = App(pgo, "large", **FILES)
    push(app)
    app.git("config", "core.compression", "0")
    with open(os.path.join(app.path, "notes"), "wb") as blob:
        for _ in range(LARGE >> 20):
            blob.write(os.urandom(1 << 20))
    app.commit({})
    stage.quiet(pgo)
    before = {name: memory.pss(pids) for name, pids in (("pgod", [pgo.process.pid]), ("pgod-core", pgo.role_pids("pgod-core")))}
    with Peaks(pgo) as peaks:
        took = timed(push, app)
    return before, peaks.peaks, took


def under_load(pgo, proxy):
    """Changes of an app that 1000 visitors a second use: a row each."""
    app = App(pgo, "shop", **FILES)
    push(app)
    proxy.wait_page(app.host, "0")

    def pages():
        for number in range(CHANGES):
            app.change(f"page {number}")
            push(app)

    def scale():
        for number in range(CHANGES):
            pgo.ctl(app.name, "scale", f"web={2 - number % 2}", check=True)

    def variables():
        for number in range(CHANGES):
            pgo.ctl(app.name, "config", "set", f"COUNT={number}", check=True)

    def back():
        for _ in range(CHANGES):
            pgo.ctl(app.name, "rollback", check=True)

    rows = []
    for what, change in (("git push", pages), ("scale", scale), ("config set", variables), ("rollback", back)):
        with Load(proxy, RATE, port=proxy.http, host=app.host) as load:
            change()
        times = load.answers
        rows.append([what, CHANGES, len(times) + len(load.failures), f"{load.done():.0f}", len(load.failures), ms(p50(times)), ms(p99(times)), ms(max(times))])
    return rows


def run(theatre):
    with theatre.on_real_engine() as pgo:
        proxy = Nginx(pgo)
        accept_pushes(pgo, settle="0s")
        proxy.start()
        pgo.start().wait_listening()
        rows = one_app(theatre, pgo)
        load = under_load(pgo, proxy)
        ours, peers = at_once(theatre, pgo)
        before, peaks, took = large_pack(pgo)
    table(
        "From git push to git's end, ms",
        ["", "n", "p50", "p99", "÷ peer (p50)"],
        rows,
        ["A Dockerfile of one COPY on an image that is there, settle 0s, STOPSIGNAL KILL; the two take turns. The push includes git, a cold connection of OpenSSH, "
         "fsck of what was sent, the checks, and waiting until the app's port is open; compose's end is that of its process, whatever becomes of the container."],
    )
    table(
        "An app behind nginx under load while it is changed; ms",
        ["", "changes", "requests", "per second", "failed", "p50", "p99", "longest"],
        load,
        [f"Target: 0 failed requests at 1 kHz. {RATE} a second were asked for, from 16 kept connections; load, nginx, engine, containers and pgod share the machine."],
    )
    table(
        f"{AT_ONCE} pushes to {AT_ONCE} new apps at once, until the last is accepted",
        ["", "s", "÷ peer"],
        [["git push", f"{ours:.1f}", f"{ours / peers:.2f}"], ["peer: as many compose up -d --build at once", f"{peers:.1f}", "1.00"]],
        [f"{ms(ours / AT_ONCE)} and {ms(peers / AT_ONCE)} ms each. pgod works on four services at a time."],
    )
    table(
        "A push with a pack of 200 MB: the most memory at a time, MiB (PSS)",
        ["", "before", "most", "of it its own (private dirty)"],
        [[name, mib(before[name]) if name in before else "-", *map(mib, peaks[name])] for name in sorted(peaks, key=lambda name: -peaks[name][0]) if name],
        [f"The push took {took:.1f} s. All processes of a name together, looked at every {STEP_S * 1000:.0f} ms; git is what git itself needs as the app's account; it maps the pack that it has written, so most of that are pages of a file."],
    )
