"""KILL (and TERM, to those that catch it) of each process at each step while a push is deployed: afterwards the branch is at what runs, one whole release, and nothing is left.

The steps are read from the table of the pipeline: one that is added is struck as well.
"""

import json
import signal

import pytest
from lib.gates import Gates, go_on
from lib.host import command_of, descendants_of, kill_quietly, wait_until
from lib.kills import CONVERGED_S, VICTIMS, restart
from lib.pgo import web
from lib.pusher import Pusher, allow_pushes, hosted
from lib.scenes import rows, second, wait_step
from lib.steps import core_at, steps
from lib.whole import check_nothing_left, check_release, git, held_locks

PUSHED = steps(lambda modes, flags: modes & {"PUSH", "JUDGE", "PREPARE", "APPLY"})
BACKWARD = steps(lambda modes, flags: "BACKS" in flags)
FIRST_FAILS = steps(lambda modes, flags: "AWAY" in modes)
ALL = [*VICTIMS, ("hook", signal.SIGKILL), ("git", signal.SIGKILL), ("git", signal.SIGTERM)]
BINDS = ("data", "page")


class App:
    """A pushed service with something to do in every step, whose every commit is another release."""

    def __init__(self, pgo, start_first=False):
        self.pgo, self.start_first, self.rev, self.commits = pgo, start_first, 0, {}
        self.image = "pgo-test/web:1"
        self.me = hosted(pgo)

    def model(self):
        labels = {"labels": {"rev": str(self.rev)}}
        web = {"build": "./app", "volumes": ["./data:/data", "./page:/page:ro"], **labels}
        app = {"image": self.image, "pull_policy": "always", "healthcheck": {"test": ["CMD", "true"]}, **labels}
        x_pgo = {"x-pgo": {"update": "start-first"}} if self.start_first else {}
        return {**x_pgo, "services": {"web": web, "app": app}}

    def push(self):
        """Begins the push of another commit."""
        self.rev += 1
        files = {"compose.yaml": json.dumps(self.model(), indent=1), "app/Dockerfile": "FROM scratch\n", "page": f"page {self.rev}\n", "ssh/test.pub": self.pgo.key.public}
        self.head = self.me.commit(files)
        self.commits[self.head] = str(self.rev), files
        self.process = self.me.begin("+main")

    def told(self):
        """Whether the pusher was told that it is accepted."""
        self.process.communicate(timeout=60)
        return self.process.returncode == 0

    def branch(self):
        return git(self.pgo, "app", "for-each-ref", "--format=%(objectname)", "refs/heads").strip() or None

    def settled(self):
        live, facts = check_release(self.pgo, "app", self.commits, {"web": 1, "app": 1}, untracked=("data",))
        assert facts["in sync"].startswith("yes"), facts
        assert self.branch() == live, f"the branch is at {self.branch()}, and {live} runs"
        assert rows(self.pgo, "SELECT * FROM push") == [] and git(self.pgo, "app", "for-each-ref", "refs/pgo/pushed") == ""
        check_nothing_left(self.pgo, ["app_default"], {"app": BINDS})
        self.live = live
        return True

    def gone(self):
        """No push has ever been accepted."""
        assert self.pgo.engine.containers() == [] and self.pgo.engine.network_names() == []
        assert git(self.pgo, "app", "for-each-ref", "refs/heads", "refs/tags", "refs/pgo/pushed", "refs/pgo/tracked") == ""
        assert rows(self.pgo, "SELECT * FROM push") == rows(self.pgo, "SELECT id FROM deploy WHERE ended_ms = 0") == []
        assert rows(self.pgo, "SELECT release, applying, tracked FROM service") in ([], [(0, 0, "")])
        assert not self.pgo.pins("app") and not held_locks(self.pgo)
        return True


def find(pgo, who):
    if who.startswith("pgod-"):
        return pgo.role_pids(who)
    word = {"hook": "proc-receive", "git": "receive-pack"}[who]
    return [pid for pid in descendants_of(pgo.process.pid) if any(part.endswith(word) for part in command_of(pid).split())]


def strike(pgo, who, sig, let_go):
    if who == "pgod":
        pgo.process.send_signal(sig)
        if sig == signal.SIGTERM:
            let_go()
        restart(pgo)
        return
    pids = find(pgo, who)
    assert pids, who
    for pid in pids:
        kill_quietly(pid, sig)


@pytest.mark.parametrize("who, sig", ALL, ids=[f"{who}-{sig.name}" for who, sig in ALL])
@pytest.mark.parametrize("start_first", [False, True], ids=["recreate", "start-first"])
def test_whoever_dies_during_a_push_the_branch_is_at_what_runs(pgo, start_first, who, sig):
    app = App(pgo, start_first)
    pgo.wait_listening()
    app.push()
    assert app.told()
    wait_until(app.settled, "the first push is settled")
    for name in PUSHED[PUSHED.index("checkout") if start_first else 0 :]:
        before = app.live
        with core_at(pgo, app.push, f"== {name}\n") as let_go:
            strike(pgo, who, sig, let_go)
        pgo.wait_listening()
        told = app.told()
        pgo.wait_asking(app.settled, lambda: f"{who} {sig.name} at {name}: one whole release", CONVERGED_S)
        assert app.live == app.head or (not told and app.live == before), f"{who} {sig.name} at {name}"
        # Whoever goes, what was begun goes on, but for core that had touched nothing.
        assert app.live == app.head or who in ("pgod", "pgod-core"), f"{who} {sig.name} at {name}"


@pytest.mark.parametrize("who, sig", VICTIMS[:3], ids=[f"{who}-{sig.name}" for who, sig in VICTIMS[:3]])
def test_whoever_dies_during_a_push_that_fails_what_ran_before_runs(pgo, who, sig):
    pgo.engine.behave("app", exits=1, image=second(pgo))
    app = App(pgo)
    app.push()
    assert app.told()
    wait_until(app.settled, "the first push is settled")
    before = app.live
    forward = [(f"== {name}\n",) for name in PUSHED[PUSHED.index("plan") :] if name != "names"]
    backward = [("putting release", f"== {name}\n") for name in BACKWARD]
    for words in [*forward, *backward]:
        app.image = "pgo-test/web:2"
        with core_at(pgo, app.push, *words) as let_go:
            strike(pgo, who, sig, let_go)
        pgo.wait_listening()
        assert not app.told()
        pgo.wait_asking(app.settled, lambda: f"{who} {sig.name} at {words}: what ran before", CONVERGED_S)
        assert app.live == before, f"{who} {sig.name} at {words}"


@pytest.mark.parametrize("who, sig", VICTIMS[:3], ids=[f"{who}-{sig.name}" for who, sig in VICTIMS[:3]])
def test_whoever_dies_during_a_first_push_that_fails_nothing_is_left_of_it(pgo, who, sig):
    pgo.engine.behave("app", exits=1)
    app = App(pgo)
    for name in [name for name in [*PUSHED, *FIRST_FAILS] if name != "names"]:
        with core_at(pgo, app.push, f"== {name}\n") as let_go:
            strike(pgo, who, sig, let_go)
        pgo.wait_listening()
        assert not app.told()
        pgo.wait_asking(app.gone, lambda: f"{who} {sig.name} at {name}: nothing", CONVERGED_S)
    pgo.engine.manners.clear()
    app.push()
    assert app.told()
    wait_until(app.settled, "a push is accepted in the end")


@pytest.mark.parametrize("who", ["pgod", "pgod-core", "job"])
def test_a_branch_that_could_not_be_moved_yet_follows(pgo, who):
    gates = Gates(pgo)
    app = App(pgo)
    pgo.engine.hold("up")
    app.push()
    wait_step(pgo, "up")
    gates.close_job("accept")
    pgo.engine.release("up")
    job = gates.wait("accept")
    gates.open_job()
    if who == "pgod":
        pgo.kill()
        pgo.start("--debug", write=False).wait_listening()
    elif who == "pgod-core":
        kill_quietly(pgo.role_pids(who)[0], signal.SIGKILL)
    kill_quietly(job, signal.SIGKILL)
    go_on(job)
    assert not app.told()
    if who == "job":
        # Somebody else's killing is no verdict on it: the next attempt is half a minute away, and a start of pgod comes before.
        pgo.wait_log("its refs could not be moved: killed by SIGKILL")
        pgo.stop()
        pgo.start("--debug", write=False).wait_listening()
    wait_until(app.settled, "the branch follows what runs")
    assert app.live == app.head


@pytest.mark.parametrize("who", ["pgod", "pgod-core"])
def test_whoever_dies_during_the_push_of_a_branch_the_branch_is_at_what_runs(pgo, who):
    allow_pushes(pgo, 'create = true\nsettle = "0s"\n')
    pgo.start("--debug").wait_listening()
    me = Pusher(pgo, "shop")
    main = me.commit({"compose.yaml": web(labels={"rev": "0"})})
    assert me.push().returncode == 0
    me.git("checkout", "-q", "-b", "dev")
    commits = {}

    def push():
        rev = str(len(commits) + 1)
        commits[me.commit({"compose.yaml": web(labels={"rev": rev})})] = rev
        commits["process"] = me.begin("dev")

    def settled():
        refs = dict(reversed(line.split()) for line in git(pgo, "shop", "for-each-ref", "--format=%(objectname) %(refname)").splitlines())
        assert rows(pgo, "SELECT * FROM push") == [] and not any("/pushed/" in ref for ref in refs)
        found = [box.labels["rev"] for box in pgo.running("shop-dev")]
        assert found == [commits[refs["refs/heads/dev"]]], f"{found} runs, the branch is at {refs['refs/heads/dev']}"
        assert refs["refs/heads/main"] == main and [box.labels["rev"] for box in pgo.running("shop")] == ["0"]
        assert [row[0] for row in rows(pgo, "SELECT tracked FROM service WHERE name = 'shop-dev'")] == [refs["refs/heads/dev"]]
        return True

    push()
    commits["process"].communicate(timeout=60)
    assert settled()
    for name in PUSHED:
        with core_at(pgo, push, f"== {name}\n") as let_go:
            strike(pgo, who, signal.SIGKILL, let_go)
        pgo.wait_listening()
        commits["process"].communicate(timeout=60)
        pgo.wait_asking(settled, lambda: f"{who} at {name}: the branch is at what runs", CONVERGED_S)
