"""The developer's side of a push: a repository whose remote is pgod, OpenSSH's git, and all that a push may or may not have changed."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from types import SimpleNamespace

from lib.caddy import Load
from lib.host import TOP, descendants_of, outcome, program_of, wait_until
from lib.pgo import ROLES, toml
from lib.proxies import Nginx
from lib.pusher import Pusher, operator
from lib.whole import git, held_locks, residue, rows

DOMAIN = "apps.test"
SAMPLES = os.path.join(TOP, "tests", "samples")
RATE = 200  # of visitors, a second
GOOD = "FROM pgo-test/web:1\nCOPY index.html /www/\nEXPOSE 8080\nSTOPSIGNAL KILL\n"
REMOTE = re.compile(r"^remote: ?(.*?) *$", re.M)


def accept_pushes(pgo, **keys):
    """[push] for pgo.toml, and an operator who may do everything."""
    keys = {"create": True, "domain": DOMAIN, "settle": "200ms", "health_timeout": "20s", **keys}
    pgo.tables += "[push]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items() if value is not None) + "\n" + operator(pgo.key)


def visited(pgo, **keys):
    """pgod runs and takes pushes, behind an nginx, which is returned."""
    proxy = Nginx(pgo)
    accept_pushes(pgo, **{"health_timeout": "60s", **keys})
    proxy.start()
    pgo.start().wait_listening()
    return proxy


class Push:
    """git push, under way or done: `status` and `text` (what git printed), `said` (what the server said, without git's "remote: ")."""

    def __init__(self, argv, env):
        self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.seen = b""

    def see(self, pattern):
        """Reads what git prints until that stands there; fails when git ends before."""
        while not re.search(pattern, self.text):
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, f"git ended without saying {pattern!r}: {self.text}"
            self.seen += data
        return self

    def end(self, deadline=120):
        data, _ = outcome(self.process, deadline)
        self.seen += data
        return self

    def leave(self):
        """All of a sudden, with its ssh."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.end()

    @property
    def status(self):
        return self.process.returncode

    @property
    def text(self):
        # A line is drawn over the last one, in git's manner.
        return re.sub(r"[^\n]*\r|\x1b\[K", "", self.seen.decode(errors="replace").replace("\r\n", "\n"))

    @property
    def said(self):
        return "\n".join(REMOTE.findall(self.text))

    def accepted(self):
        assert self.status == 0, self.text
        return self

    def rejected(self, pattern):
        assert self.status == 1 and "rejected]" in self.text, f"{self.status}: {self.text}"
        assert re.search(pattern, self.text, re.I), f"nothing says {pattern!r}: {self.text}"
        return self


class App(Pusher):
    """A working tree of a developer's that is pushed as the app `name`; sample: one of tests/samples that it begins with."""

    def __init__(self, pgo, name, sample=None, path=None, **files):
        super().__init__(pgo, name, f"tree-{path or name}")
        self.name = name
        if sample is not None:
            shutil.copytree(os.path.join(SAMPLES, sample), self.path, dirs_exist_ok=True)
        if sample is not None or files:
            self.commit(files, "first")

    def change(self, page, name="index.html"):
        """A commit with another page; returns it."""
        return self.commit({name: page + "\n"}, page)

    # pushing

    def begin(self, *refs, options=()):
        return Push(["git", "-C", self.path, "push", *options, "goku", *(refs or ("main",))], self.env())

    def push(self, *refs, options=()):
        return self.begin(*refs, options=options).end()

    # what is there

    @property
    def host(self):
        return f"{self.name}.{DOMAIN}"

    def refs(self):
        """Those that were pushed; pgod's own are its own business."""
        if not os.path.isdir(os.path.join(self.pgo.dir, ".repos", self.name + ".git")):
            return {}
        lines = git(self.pgo, self.name, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return {name: commit for name, commit in (line.split(" ") for line in lines) if not name.startswith("refs/pgo/")}

    def state(self):
        """All that a push that comes to nothing must leave as it was."""
        boxes = sorted((box.id, box.name, box.state) for box in self.pgo.engine.containers(self.name))
        live = self.pgo.ref(self.name) if self.refs() else None
        # Pages of the files that containers mount.
        top = self.pgo.live(self.name)
        files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names)
        return SimpleNamespace(refs=self.refs(), boxes=boxes, live=live, files=files, routes=routes(self.pgo))

    def runs(self, commit, count=1, refs=("refs/heads/main",)):
        """That commit is what runs, what the refs say, and nothing lies about."""
        wait_until(lambda: len(self.pgo.running(self.name)) == count, f"{count} containers of {self.name} run")
        assert self.refs() == dict.fromkeys(refs, commit)
        assert self.pgo.ref(self.name) == commit
        assert f"yes: commit {commit[:8]}" in self.pgo.status(self.name)
        self.nothing_left(count)

    def nothing_left(self, count):
        wait_until(lambda: not self.leftovers(count), lambda: f"left over of {self.name}: {self.leftovers(count)}", 10)

    def leftovers(self, count):
        """At rest: containers beyond those of the release, files of pushes, locks, processes, rows of what is under way."""
        pgo = self.pgo
        boxes = [box.name for box in pgo.engine.containers(self.name)]
        left = [f"containers: {boxes}"] if len(boxes) != count else []
        repository = os.path.join(pgo.dir, ".repos", self.name + ".git")
        if os.path.isdir(repository):
            left += residue(pgo, self.name) if pgo.ref(self.name) else []
            left += [f"quarantine: {name}" for name in os.listdir(os.path.join(repository, "objects")) if name.startswith(("tmp_", "incoming"))]
            left += git(pgo, self.name, "for-each-ref", "--format=%(refname)", "refs/pgo/pushed").splitlines()
        left += [f"lock: {name}" for name in held_locks(pgo)]
        left += [f"push: {row}" for row in rows(pgo, "select service || ' ' || new from push")]
        left += [f"deploy: {row}" for row in rows(pgo, "select id from deploy where ended_ms = 0")]
        left += [f"process {pid}: {program_of(pid)}" for pid in descendants_of(pgo.process.pid) if program_of(pid) not in ROLES or program_of(pid) == "pgod-job"]
        return left


def run_in(pgo, box, command):
    """As `docker exec`."""
    status, answer = pgo.engine.ask("POST", f"/containers/{box.id}/exec", {"Cmd": ["sh", "-c", command]})
    assert status == 201, answer
    status, _ = pgo.engine.ask("POST", f"/exec/{answer['Id']}/start", {"Detach": True})
    assert status == 200


def let_start(pgo, box):
    """An app that waits until somebody writes to /go, which it makes itself, goes on."""
    run_in(pgo, box, "until test -p /go; do sleep 0.05; done; echo now > /go")


def routes(pgo):
    path = pgo.path("proxy", "conf.d", "pgo.conf")
    if not os.path.exists(path):
        return None
    with open(path, encoding="ascii") as text:
        return text.read()


def is_as_before(app, before):
    """A push that came to nothing changed nothing."""
    now = app.state()
    assert vars(now) == vars(before), f"{now} instead of {before}"


def running(pgo, host, name="shop", **files):
    """An app whose first push was accepted; its page is "one"."""
    app = App(pgo, name, **{"Dockerfile": GOOD, "index.html": "one\n", **files})
    app.push().accepted()
    app.runs(app.head())
    host.wait_page(app.host, "one")
    return app


@contextlib.contextmanager
def nobody_turned_away(host, app):
    with Load(host, RATE, port=host.http, host=app.host) as load:
        yield
    assert load.failures == [] and len(load.answers) > RATE // 4, (len(load.answers), load.failures[:10])
