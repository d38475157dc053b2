"""Each job of a push is killed in turn, and the disk gets full: git says that it failed and why, what ran before runs, nothing is left, and the next push is taken."""

import os
import signal

from lib.disks import fill, reader, small_disk
from lib.gates import Gates, go_on
from lib.host import wait_until
from lib.pushed import App
from lib.scenes import wait_step

# What the pusher reads when that job is killed; what is not begun before the model is resolved, and what compose does, has its gate elsewhere.
FIRST = {
    "receive-pack": "pgod: git was ended on the server before it was done: try again",
    "submodules": "failed: submodules: killed by SIGKILL",
    "stage": "failed: stage: killed by SIGKILL",
}
COMPOSE = {
    "config": "failed: resolve: killed by SIGKILL",
    "pull": "failed: pull: app: killed by SIGKILL",
    "build": "failed: build: web: killed by SIGKILL",
    "stop": "failed: stop: killed by SIGKILL",
    "up": "failed: up: killed by SIGKILL; release ",
}
LATER = {
    "inputs": "failed: inputs: killed by SIGKILL",
    "checkout": "failed: checkout: killed by SIGKILL",
    "mkdirs": "failed: mkdirs: killed by SIGKILL",
}
# It runs by then: the first two are done once more.
DONE = {"accept": "Application deployed", "keys": "Application deployed", "push": "The images were not pushed to registry.test/team: killed by SIGKILL"}


def kill_at(gates, kind, begin):
    """Does begin(), and kills the job of this kind, all of its processes, when it begins."""
    compose = kind in COMPOSE or kind == "push"
    if kind in FIRST:
        gates.close_job(kind)
    else:
        gates.close_compose(kind if compose else "config")
    begin()
    if kind not in FIRST and not compose:
        resolve = gates.wait("config")
        gates.close_job(kind)
        gates.open_compose()
        go_on(resolve)
    pid = gates.wait(kind)
    (gates.open_compose if compose else gates.open_job)()
    os.killpg(os.getpgid(pid), signal.SIGKILL)


def test_a_push_of_which_a_job_is_killed_says_so_and_the_next_one_is_taken(pgo):
    gates = Gates(pgo)
    app = App(pgo, push='registry = "bob:t@registry.test/team"\n')
    app.push()
    assert app.told()
    wait_until(app.settled, "the first push is settled")
    for kind, word in {**FIRST, **COMPOSE, **LATER, **DONE}.items():
        before = app.live
        kill_at(gates, kind, app.push)
        assert app.told() == (kind in DONE) and word in app.text, f"{kind}: {app.text}"
        wait_until(app.settled, lambda: f"{kind}: one whole release", 20)
        assert app.live == (app.head if kind in DONE else before)
    app.push()
    assert app.told()


def test_a_push_to_a_disk_that_is_full_or_gets_full_is_told_so_and_the_next_one_is_taken(pgo):
    with small_disk(pgo) as full:
        app = App(pgo, binds=())
        app.push()
        assert app.told()
        wait_until(app.settled, "the first push is settled")
        before = app.live
        fill(full)
        app.push()
        assert not app.told() and "No space left on device" in app.text
        os.unlink(full)
        wait_until(app.settled, "nothing came")
        for step, word in (("pull", "database or disk is full"), ("up", "it runs, so they follow by themselves")):
            with reader(pgo):
                pgo.engine.hold(step)
                app.push()
                wait_step(pgo, step)
                fill(full)
                pgo.engine.release(step)
                assert not app.told() and word in app.text, app.text
            os.unlink(full)
            # What could not be written down is tried again in half a minute, and a start of pgod comes before.
            pgo.stop()
            pgo.start("--debug", write=False).wait_listening()
            wait_until(app.settled, lambda: f"{step}: one whole release")
            assert app.live == (before if step == "pull" else app.head)
        app.push()
        assert app.told()
