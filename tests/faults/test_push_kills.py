"""KILL (and TERM, to those that catch it) of each process at each step while a push is deployed: afterwards the branch is at what runs, one whole release, and nothing is left.

The steps are read from the table of the pipeline: one that is added is struck as well.
"""

import signal

import pytest
from lib.gates import Gates, go_on
from lib.host import command_of, descendants_of, kill_quietly, outcome, wait_until
from lib.kills import CONVERGED_S, VICTIMS, restart, turn
from lib.pgo import web
from lib.pushed import App
from lib.pusher import Pusher, allow_pushes
from lib.scenes import rows, second, wait_step
from lib.steps import core_at, steps
from lib.whole import git

PUSHED = steps(lambda modes, flags: modes & {"PUSH", "JUDGE", "PREPARE", "APPLY"})
BACKWARD = steps(lambda modes, flags: "BACKS" in flags)
FIRST_FAILS = steps(lambda modes, flags: "AWAY" in modes)
ALL = [*VICTIMS, ("hook", signal.SIGKILL), ("git", signal.SIGKILL), ("git", signal.SIGTERM)]


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
    for name in turn(PUSHED[PUSHED.index("checkout") if start_first else 0 :], ALL, (who, sig)):
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
    for words in turn([*forward, *backward], VICTIMS, (who, sig)):
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
    for name in turn([name for name in [*PUSHED, *FIRST_FAILS] if name != "names"], VICTIMS, (who, sig)):
        with core_at(pgo, app.push, f"== {name}\n") as let_go:
            strike(pgo, who, sig, let_go)
        pgo.wait_listening()
        assert not app.told()
        pgo.wait_asking(app.gone, lambda: f"{who} {sig.name} at {name}: nothing", CONVERGED_S)
    pgo.engine.manners.clear()
    app.push()
    assert app.told()
    wait_until(app.settled, "a push is accepted in the end")


@pytest.mark.parametrize("who, verb", [("pgod", "accept"), ("pgod-core", "accept"), ("job", "accept"), ("job", "keys")])
def test_what_could_not_be_settled_yet_of_a_push_follows(pgo, who, verb):
    """Its refs; and whose keys are in the commit: until they are read, one that was taken away still opens."""
    gates = Gates(pgo)
    app = App(pgo)
    pgo.engine.hold("up")
    app.push()
    wait_step(pgo, "up")
    gates.close_job(verb)
    pgo.engine.release("up")
    job = gates.wait(verb)
    if who == "job":
        kill_quietly(job, signal.SIGKILL)
        job = wait_until(lambda: gates.waiting(verb) not in (job, None) and gates.waiting(verb), "it is tried again at once")
    gates.open_job()
    if who == "pgod":
        pgo.kill()
        pgo.start("--debug", write=False).wait_listening()
    elif who == "pgod-core":
        kill_quietly(pgo.role_pids(who)[0], signal.SIGKILL)
    kill_quietly(job, signal.SIGKILL)
    go_on(job)
    assert app.told() == (verb == "keys")
    if who == "job":
        # The next attempt is half a minute away, and a start of pgod comes before.
        pgo.wait_log("its refs could not be moved: killed by SIGKILL" if verb == "accept" else "the keys of the commit are not recorded: killed by SIGKILL")
        assert verb == "keys" or "it runs, so they follow by themselves" in app.text
        assert rows(pgo, "SELECT * FROM push") != []
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
    outcome(commits["process"], 60)
    assert settled()
    for name in turn(PUSHED, ["pgod", "pgod-core"], who):
        with core_at(pgo, push, f"== {name}\n") as let_go:
            strike(pgo, who, signal.SIGKILL, let_go)
        pgo.wait_listening()
        outcome(commits["process"], 60)
        pgo.wait_asking(settled, lambda: f"{who} at {name}: the branch is at what runs", CONVERGED_S)
