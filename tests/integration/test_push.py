"""The honest gate: a push is accepted when its release runs well; whatever else becomes of it, nothing has changed."""

import json
import os
import re
import signal
import subprocess

import pytest

from lib.host import ended, outcome, wait_until
from lib.pgo import web
from lib.pusher import Pusher, allow_pushes, hosted, said
from lib.scenes import hold_down, ids, rows, second, wait_step
from lib.whole import check_nothing_left

CHECK = {"test": ["CMD", "true"]}


def rev(number, **more):
    return {"compose.yaml": web(labels={"rev": str(number)}, **more)}


def revs(pgo, name="app"):
    return sorted(box.labels["rev"] for box in pgo.running(name))


def accepted(me, files):
    """A push that has to end well."""
    head = me.commit(files)
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert me.remote_refs()["refs/heads/main"] == head
    return head


def rejected(me, word, *refs):
    """A push that has to end badly; returns what the server said."""
    done = me.push(*refs)
    assert done.returncode != 0 and "[remote rejected]" in done.stderr, done.stderr
    assert word in done.stderr, done.stderr
    return said(done)


def nothing_pushed(pgo):
    """No push is left in work, neither in the store nor in the repository."""
    assert rows(pgo, "SELECT * FROM push") == []
    return True


def outcomes(pgo, name="app"):
    return [row[0] for row in rows(pgo, "SELECT outcome FROM deploy WHERE service = ? AND trigger = 'push' ORDER BY id", name)]


def test_nobody_knows_why_the_branch_does_not_follow_what_runs(pgo):
    """Git fails lastingly when the push is settled: that is said once, shown as long as it lasts, and tried again less and less often."""
    allow_pushes(pgo)
    pgo.service("app", repo=None, hosted=True)
    pgo.start("--debug").wait_listening()
    me = Pusher(pgo, "app")
    first = accepted(me, rev(1))
    heads = os.path.join(pgo.dir, ".repos", "app.git", "refs", "heads")
    was = os.stat(heads)
    os.chmod(heads, 0o755)
    os.chown(heads, 0, 0)
    head = me.commit(rev(2))
    assert "it runs, so they follow by themselves" in rejected(me, "its refs could not be moved: ")
    pgo.wait_status("app", r"in sync +no: a push is deployed, but not finished: its refs could not be moved: .*tried again in [123]\d s")
    assert me.remote_refs()["refs/heads/main"] == first and revs(pgo) == ["2"]
    assert re.search("app: what was pushed before is not finished: its refs could not be moved: .* it is tried again by itself", rejected(me, "`status` tells when"))

    def tries():
        return len(re.findall(r"job ended kind=accept service=app job=\d+ status=[1-9]", pgo.log()))

    def said_so():
        return len(re.findall(r"error: a push: its refs could not be moved", pgo.log()))

    # An engine that comes back is a reason to try everything again.
    pgo.engine.stop()
    pgo.wait_log("the engine does not answer")
    pgo.engine.start()
    wait_until(lambda: tries() == 2, "it is tried again")
    assert said_so() == 1
    os.chown(heads, was.st_uid, was.st_gid)
    pgo.engine.stop()
    wait_until(lambda: len(re.findall("the engine does not answer", pgo.log())) == 2, "it has gone again")
    pgo.engine.start()
    wait_until(lambda: me.remote_refs()["refs/heads/main"] == head, "the branch follows")
    pgo.wait_status("app", "in sync +yes")
    assert nothing_pushed(pgo)
    accepted(me, rev(3))


def test_an_app_runs_when_its_push_is_accepted_and_the_pusher_reads_how(pgo):
    me = hosted(pgo)
    head = me.commit({**rev(1), "compose.yaml": {"services": {"web": {"build": "./app", "labels": {"rev": "1"}}}}, "app/Dockerfile": "FROM scratch\n"})
    done = me.push()
    assert done.returncode == 0, done.stderr
    text = said(done)
    print(done.stderr)
    assert f"-----> Deploying app: main at {head[:8]}" in text
    assert re.search(r"^-----> Building$", text, re.M), text
    assert re.search(r"^-----> Waiting until all of it runs well$", text, re.M), text
    assert re.search(r"^=====> Application deployed", text, re.M), text
    assert me.remote_refs() == {"HEAD": head, "refs/heads/main": head}
    assert revs(pgo) == ["1"] and pgo.ref("app") == head and pgo.ref("app", "tracked") == head
    status = pgo.status("app")
    assert re.search(rf"source +pushed to this host, branch main\n", status), status
    assert re.search(rf"in sync +yes: commit {head[:8]} of main", status), status
    assert "there is no remote to ask" in pgo.ctl("app", "sync").stderr
    assert outcomes(pgo) == ["live"] and nothing_pushed(pgo)
    wait_until(lambda: check_nothing_left(pgo, ["app_default"], {"app": ()}) is None, "nothing is left over")
    before = ids(pgo, "app")
    again = me.push()
    assert again.returncode == 0 and "Everything up-to-date" in again.stderr
    assert ids(pgo, "app") == before and outcomes(pgo) == ["live"]
    assert accepted(me, rev(2)) and revs(pgo) == ["2"]


@pytest.mark.parametrize("what", ["build", "up", "exits", "unhealthy", "model", "policy", "nothing"])
def test_whatever_fails_the_push_is_rejected_and_nothing_has_changed(pgo, what):
    me = hosted(pgo, health_timeout="3s")
    head = accepted(me, rev(1))
    before = ids(pgo, "app")
    files = rev(2)
    if what == "build":
        files = {"compose.yaml": {"services": {"web": {"build": "./app", "labels": {"rev": "2"}}}}, "app/Dockerfile": "FROM scratch\n"}
        pgo.engine.fail("build", stderr="Step 3 failed: no such file")
    elif what == "up":
        pgo.engine.fail("up", stderr="port is already allocated", times=1)
    elif what == "exits":
        files = rev(2, image="pgo-test/web:2")
        pgo.engine.behave("web", exits=3, image=second(pgo))
    elif what == "unhealthy":
        files = rev(2, image="pgo-test/web:2", healthcheck=CHECK)
        pgo.engine.behave("web", health="unhealthy", image=second(pgo))
    elif what == "model":
        files = {"compose.yaml": "{"}
    elif what == "policy":
        files = rev(2, privileged=True)
    remove = ("compose.yaml",) if what == "nothing" else ()
    me.commit({} if remove else files, remove=remove)
    text = rejected(me, "", "main")
    print(text)
    assert re.search(r"^ !     ", text, re.M), text
    assert "Application deployed" not in text
    assert me.remote_refs()["refs/heads/main"] == head
    pgo.wait_deployed("app", head)
    assert revs(pgo) == ["1"] and nothing_pushed(pgo)
    if what not in ("up", "exits", "unhealthy"):
        assert ids(pgo, "app") == before
    assert "live" == outcomes(pgo)[0] and outcomes(pgo)[1] != "live"
    # Nothing is tried again by itself.
    assert "tried again" not in pgo.status("app") and len(outcomes(pgo)) == 2


@pytest.mark.parametrize("what", ["up", "exits"])
def test_of_a_first_push_that_fails_nothing_is_left(pgo, what):
    me = hosted(pgo)
    me.commit(rev(1))
    if what == "up":
        pgo.engine.fail("up:end", stderr="port is already allocated", times=1)
    else:
        pgo.engine.behave("web", exits=3)
    text = rejected(me, "nothing of it is left")
    print(text)
    assert me.remote_refs() == {}
    assert pgo.engine.containers("app") == [] and pgo.engine.network_names() == []
    status = pgo.status("app")
    assert "not deployed" in status and "nothing that was pushed has been accepted yet" in status
    assert nothing_pushed(pgo) and outcomes(pgo) == ["rolled back"]
    pgo.engine.manners.clear()
    assert accepted(me, rev(2)) and revs(pgo) == ["2"]


def test_a_second_push_hears_who_holds_the_app(pgo):
    me = hosted(pgo)
    accepted(me, rev(1))
    head = me.commit(rev(2))
    other = Pusher(pgo, "app", "other")
    other.git("fetch", "-q", "goku")
    other.git("reset", "-q", "--hard", "FETCH_HEAD")
    other.commit(rev(3))
    pgo.engine.hold("up")
    first = me.begin()
    wait_step(pgo, "up")
    text = rejected(other, "is being deployed: deploy 2, pushed by ")
    assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: `logs -f deploy` follows it, `cancel` ends it", text), text
    pgo.engine.release("up")
    out, err = outcome(first, 60)
    assert first.returncode == 0, out + err
    assert me.remote_refs()["refs/heads/main"] == head and revs(pgo) == ["2"]


def test_whoever_is_killed_while_he_makes_the_repository_leaves_one_that_takes_no_push(pgo):
    me = hosted(pgo)
    half = os.path.join(pgo.dir, ".repos", "app.git")
    owner = os.stat(half)
    with open(os.path.join(half, "HEAD"), "w", encoding="ascii") as head:
        head.write("ref: refs/heads/none\n")
    os.chown(head.name, owner.st_uid, owner.st_gid)
    accepted(me, rev(1))


def test_of_two_first_pushes_to_one_name_at_the_same_moment_one_hears_who_holds_it(pgo):
    allow_pushes(pgo, "create = true")
    pgo.start().wait_listening()
    both = [Pusher(pgo, "shop", name) for name in ("one", "other")]
    for me in both:
        me.commit(rev(me.path))
    pgo.engine.hold("up")
    (core,) = pgo.role_pids("pgod-core")
    os.kill(core, signal.SIGSTOP)
    try:
        pushes = [me.begin() for me in both]
        wait_until(lambda: len(pgo.connections()) == 2, "both are at the door")
    finally:
        os.kill(core, signal.SIGCONT)
    wait_step(pgo, "up")
    wait_until(lambda: any(push.poll() is not None for push in pushes), "one is refused")
    (refused,) = [push for push in pushes if push.poll() is not None]
    (taken,) = [push for push in pushes if push.poll() is None]
    _, err = refused.communicate()
    assert re.search(r"shop is being (made|pushed to|deployed: deploy 1, pushed) by SHA256:\S+ operator tess", err), err
    pgo.engine.release("up")
    _, err = outcome(taken, 60)
    assert taken.returncode == 0, err
    assert revs(pgo, "shop") == [both[pushes.index(taken)].path] and nothing_pushed(pgo)


def test_a_pusher_who_leaves_changes_nothing(pgo):
    me = hosted(pgo)
    accepted(me, rev(1))
    head = me.commit(rev(2))
    pgo.engine.hold("up")
    push = me.begin()
    wait_step(pgo, "up")
    os.killpg(push.pid, signal.SIGKILL)
    ended(push)
    pgo.wait_log("the pusher has gone, the deploy goes on")
    assert "== up" in pgo.ctl("app", "logs", "deploy").stdout
    pgo.engine.release("up")
    wait_until(lambda: me.remote_refs()["refs/heads/main"] == head, "the branch follows what runs")
    assert revs(pgo) == ["2"]
    wait_until(lambda: nothing_pushed(pgo), "it is settled")


def test_cancel_ends_a_push(pgo):
    me = hosted(pgo)
    head = accepted(me, rev(1))
    me.commit(rev(2))
    pgo.engine.hold("up")
    push = me.begin()
    wait_step(pgo, "up")
    assert pgo.ctl("app", "cancel").returncode == 0
    pgo.engine.release("up")
    _, err = outcome(push, 60)
    assert push.returncode != 0 and "cancelled: by " in err, err
    assert me.remote_refs()["refs/heads/main"] == head
    pgo.wait_deployed("app", head)
    assert revs(pgo) == ["1"] and nothing_pushed(pgo)


def test_what_is_held_or_stopped_takes_no_push(pgo):
    me = hosted(pgo)
    head = accepted(me, rev(1))
    me.commit(rev(2))
    flag = hold_down(pgo, "app")
    pgo.wait_status("app", "state +held")
    rejected(me, "app is held down")
    os.unlink(flag)
    pgo.wait_deployed("app", head)
    assert pgo.ctl("app", "stop").returncode == 0
    rejected(me, "app was stopped, and what is pushed would stay down with it: bring it up (`up`), then push again")
    assert pgo.ctl("app", "start").returncode == 0
    pgo.wait_deployed("app", head)
    assert pgo.ctl("app", "down").returncode == 0
    rejected(me, "app was stopped")
    assert pgo.ctl("app", "up").returncode == 0
    pgo.wait_deployed("app", head)
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert revs(pgo) == ["2"]


def test_what_interrupts_the_watch_of_a_push_decides_nothing_and_the_pusher_is_told_so(pgo):
    me = hosted(pgo)
    head = accepted(me, rev(1))

    def decided():
        for box in pgo.running("app"):  # what was interrupted may not be stopped yet, or goes on
            if box.health != "healthy":
                pgo.engine.set_health(box, "healthy")
        return me.remote_refs()["refs/heads/main"] == new

    flag = os.path.join(pgo.dir, "app.stop")
    interruptions = {
        "the service is held down": (lambda: hold_down(pgo, "app"), lambda: os.unlink(flag)),
        "an operator takes it down": (lambda: pgo.ctl("app", "stop"), lambda: pgo.ctl("app", "start")),
        "pgod is stopping": (pgo.stop, lambda: pgo.start(write=False).wait_listening()),
    }
    for number, (why, (begin, end)) in enumerate(interruptions.items(), 2):
        new = me.commit(rev(number, healthcheck=CHECK))
        pgo.engine.behave("web", health="starting")
        push = me.begin()
        wait_until(lambda: revs(pgo) == [str(number)], "it is being watched")
        begin()
        _, err = outcome(push, 60)
        assert push.returncode == 1, err
        told = f"not decided yet: interrupted: {why}.*. The deploy goes on when that is over: if it ends well then, the branch moves to {new[:8]} by itself, and stays where it is if not. "
        told += "Nothing has to be pushed again: `logs -f deploy` follows it, and `git ls-remote` shows the branch"
        assert re.search(rf"^remote:  !     {told} *$", err, re.M) and re.search(rf"remote rejected\] main -> main \({told}\)", err), err
        pgo.engine.behave("web", health="healthy")
        end()
        wait_until(decided, "what runs decides")
        pgo.wait_deployed("app", new)
        wait_until(lambda: nothing_pushed(pgo), "it is settled")
    assert head != new


@pytest.mark.parametrize("where", ["build", "up", "up:end"])
def test_after_a_kill_the_branch_is_what_runs(pgo, where):
    me = hosted(pgo)
    head = accepted(me, rev(1))
    new = me.commit({"compose.yaml": {"services": {"web": {"build": "./app", "labels": {"rev": "2"}}}}, "app/Dockerfile": "FROM scratch\n"})
    pgo.engine.hold(where)
    push = me.begin()
    wait_until(lambda: pgo.engine.waiting, f"{where} is held")
    pgo.kill()
    assert ended(push) != 0
    pgo.engine.release(where)
    pgo.start("--debug", write=False).wait_listening()
    runs = head if where == "build" else new
    pgo.wait_deployed("app", runs)
    wait_until(lambda: me.remote_refs()["refs/heads/main"] == runs, "the branch is what runs")
    wait_until(lambda: nothing_pushed(pgo), "it is settled")
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert revs(pgo) == ["2"]


def test_a_commit_that_changes_nothing_that_runs_is_accepted(pgo):
    me = hosted(pgo)
    accepted(me, rev(1))
    before = ids(pgo, "app")
    me.commit({"README": "read me\n"})
    done = me.push()
    assert done.returncode == 0 and "Unchanged" in said(done), done.stderr
    assert ids(pgo, "app") == before and outcomes(pgo) == ["live", "unchanged"]
    assert me.remote_refs()["refs/heads/main"] == me.head()


def test_without_a_terminal_a_pusher_reads_whole_lines_and_no_progress(pgo):
    """git tells nobody but itself that it is to be quiet, and asks for it without a terminal as well, where the log of a build is wanted most: so -q silences git's own words alone."""
    me = hosted(pgo)
    built = {"compose.yaml": {"services": {"web": {"build": "./app"}}}, "app/Dockerfile": "FROM scratch\n"}
    for quiet, files in (((), built), (("-q",), rev(2)), (("-q",), {"compose.yaml": "{"})):
        me.commit({**files, "noise": os.urandom(1 << 20)})
        done = subprocess.run(["git", "-C", me.path, "push", *quiet, "goku", "main"], env=me.env(), stdin=subprocess.DEVNULL, capture_output=True)
        text = done.stderr.decode()
        assert done.returncode == (files["compose.yaml"] == "{") and not done.stdout, text
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text), repr(text)
        assert not re.search(r"Receiving|Unpacking|Resolving|Writing|\d%", text), text
        ours = [line for line in text.splitlines() if line.startswith("remote: ")]
        assert any("-----> Reading the commit" in line for line in ours), text
        assert done.returncode == 0 or any("remote:  !     " in line for line in ours), text
        assert ("To ssh://" in text) == (not quiet or done.returncode == 1), text


def test_tags_are_stored_and_deploy_nothing(pgo):
    me = hosted(pgo)
    head = accepted(me, rev(1))
    me.git("tag", "v1")
    me.git("tag", "-a", "-m", "second", "v2")
    done = me.push("v1", "v2")
    assert done.returncode == 0 and "nothing is deployed from a tag" in said(done), done.stderr
    refs = me.remote_refs()
    assert refs["refs/tags/v1"] == head and refs["refs/tags/v2^{}"] == head
    assert outcomes(pgo) == ["live"] and nothing_pushed(pgo)
    new = me.commit(rev(2))
    me.git("tag", "v3")
    done = me.push("main", "v3")
    assert done.returncode == 0, done.stderr
    refs = me.remote_refs()
    assert refs["refs/heads/main"] == refs["refs/tags/v3"] == new and revs(pgo) == ["2"]


def test_a_push_applies_what_says_not_to_reload_and_goes_back_when_forced(pgo):
    me = hosted(pgo)
    first = accepted(me, rev(1))
    accepted(me, {"compose.yaml": {"x-pgo": {"reload": False}, **web(labels={"rev": "2"})}})
    assert revs(pgo) == ["2"]
    done = me.push("+" + first + ":refs/heads/main")
    assert done.returncode == 0, done.stderr
    assert me.remote_refs()["refs/heads/main"] == first and revs(pgo) == ["1"]
    assert pgo.ctl("app", "rollback").returncode == 0
    assert revs(pgo) == ["2"]


def test_the_keys_of_a_pushed_commit_look_after_the_app(pgo):
    from lib.pgo import Key

    me = hosted(pgo)
    mine = Key(pgo.path("mine"))
    accepted(me, {**rev(1), "ssh/me.pub": mine.public})
    assert pgo.ctl("app", "status", key=mine).returncode == 0
    me.commit({**rev(2, privileged=True), "ssh/me.pub": Key(pgo.path("theirs")).public})
    rejected(me, "privileged")
    assert pgo.ctl("app", "status", key=mine).returncode == 0


def test_what_runs_badly_is_brought_up_by_a_push_that_changes_no_container(pgo):
    me = hosted(pgo)
    head = accepted(me, rev(1))
    pgo.engine.fail("up")
    (box,) = pgo.running("app")
    pgo.engine.remove_container(box)
    pgo.wait_status("app", "healthy +no")
    me.commit({"README": "read me\n"})
    rejected(me, "")
    assert me.remote_refs()["refs/heads/main"] == head
    pgo.engine.heal("up")
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert revs(pgo) == ["1"] and me.remote_refs()["refs/heads/main"] == me.head()


# --- branches ---


def maker(pgo):
    """Somebody who may make apps by pushing; nothing is configured but that."""
    allow_pushes(pgo, 'create = true\nsettle = "0s"\n')
    pgo.start().wait_listening()
    return Pusher(pgo, "shop")


def test_a_branch_is_an_app_of_its_own(pgo):
    me = maker(pgo)
    head = accepted(me, rev(1))
    assert revs(pgo, "shop") == ["1"]
    me.git("checkout", "-q", "-b", "feat/X")
    new = me.commit(rev(2))
    done = me.push("feat/X")
    assert done.returncode == 0, done.stderr
    print(done.stderr)
    assert "-----> Deploying shop-feat-x: feat/X at " in said(done)
    assert me.remote_refs() == {"HEAD": head, "refs/heads/main": head, "refs/heads/feat/X": new}
    assert revs(pgo, "shop") == ["1"] and revs(pgo, "shop-feat-x") == ["2"]
    assert re.search(rf"^in sync +yes: commit {new[:8]} of feat/X$", pgo.ctl("shop-feat-x", "status").stdout, re.M)
    assert json.loads(pgo.ctl("shop-feat-x", "git", "hash", "--json").stdout)["branch"] == "feat/X"
    assert pgo.ref("shop-feat-x") == new and pgo.ref("shop", "tracked") == head
    assert nothing_pushed(pgo)
    newer = me.commit(rev(3))
    assert me.push("feat/X").returncode == 0
    assert me.remote_refs()["refs/heads/feat/X"] == newer and revs(pgo, "shop-feat-x") == ["3"]
    assert pgo.ctl("shop-feat-x", "rollback").returncode == 0 and revs(pgo, "shop-feat-x") == ["2"]
    # git would keep both in one place, and finds that out when it moves the branch: when all has been done.
    for refs, words in (
        (["HEAD:refs/heads/feat"], "refs/heads/feat cannot stand beside refs/heads/feat/X"),
        (["HEAD:refs/heads/feat/X/y"], "refs/heads/feat/X/y cannot stand beside refs/heads/feat/X"),
        (["HEAD:refs/tags/v1", "HEAD:refs/tags/v1/x"], "cannot stand beside refs/tags/v1"),
    ):
        rejected(me, words, *refs)
    # Nor does it put anything but a commit there.
    me.git("tag", "-a", "-m", "a tag", "v9")
    rejected(me, "what is to be refs/heads/rel is no commit", "v9:refs/heads/rel")
    rejected(me, "what is to be refs/heads/rel is no commit", "HEAD^{tree}:refs/heads/rel")
    rejected(me, "what is to be refs/heads/main is no commit", "+v9:refs/heads/main")
    assert nothing_pushed(pgo) and me.remote_refs().keys() == {"HEAD", "refs/heads/main", "refs/heads/feat/X"}
    assert "shop-feat " not in pgo.ssh("host://apps list").stdout


def test_who_pushes_to_a_branch_whose_app_is_destroyed_waits_for_ever(pgo):
    me = maker(pgo)
    accepted(me, rev(1))
    me.git("checkout", "-q", "-b", "dev")
    me.commit(rev(2))
    pgo.engine.hold("up")
    push = me.begin("dev")
    wait_step(pgo, "up")
    core = pgo.role_pids("pgod-core")
    with subprocess.Popen(pgo.ssh_argv("host://apps destroy shop-dev shop-dev"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as destroy:
        assert b"waiting" in destroy.stderr.readline()
        pgo.engine.release("up")
        assert ended(destroy) == 0
    _, err = outcome(push, 60)
    assert push.returncode != 0 and "the app shop-dev has been destroyed" in err, err
    assert pgo.role_pids("pgod-core") == core and revs(pgo, "shop") == ["1"]
    assert me.remote_refs().keys() == {"HEAD", "refs/heads/main"}
    for _ in range(2):
        done = me.push("dev")
        assert done.returncode == 0 and revs(pgo, "shop-dev") == ["2"], done.stderr
        assert pgo.ssh("host://apps destroy shop-dev shop-dev").returncode == 0
        assert me.remote_refs().keys() == {"HEAD", "refs/heads/main"}, "pushed again it would be up to date"


def test_a_branch_that_would_be_somebody_elses_app_is_refused(pgo):
    me = maker(pgo)
    accepted(me, rev(1))
    other = Pusher(pgo, "shop-dev", "other")
    accepted(other, rev(5))
    me.git("checkout", "-q", "-b", "dev")
    me.commit(rev(2))
    rejected(me, "branch dev would be the app shop-dev, and there is another one of this name", "dev")
    me.git("branch", "-q", "a/b")
    assert me.push("a/b").returncode == 0
    me.git("branch", "-q", "a-b")
    rejected(me, "branch a-b would be the app shop-a-b", "a-b")
    me.git("branch", "-q", "x" * 70)
    rejected(me, "give the branch another name", "x" * 70)
    assert revs(pgo, "shop-dev") == ["5"] and revs(pgo, "shop") == ["1"]


def test_a_branch_that_fails_leaves_the_main_app_alone(pgo):
    me = maker(pgo)
    head = accepted(me, rev(1))
    before = ids(pgo, "shop")
    me.git("checkout", "-q", "-b", "dev")
    me.commit(rev(2, privileged=True))
    rejected(me, "privileged", "dev")
    assert me.remote_refs() == {"HEAD": head, "refs/heads/main": head} and ids(pgo, "shop") == before
    assert nothing_pushed(pgo) and pgo.engine.containers("shop-dev") == []
    me.commit(rev(3))
    assert me.push("dev").returncode == 0 and revs(pgo, "shop-dev") == ["3"]


def test_the_first_of_the_deploy_branches_is_the_apps(pgo):
    me = maker(pgo)
    me.git("checkout", "-q", "-b", "master")
    me.commit(rev(1))
    assert me.push("master").returncode == 0
    assert revs(pgo, "shop") == ["1"]
    assert re.search("of master", pgo.status("shop")), pgo.status("shop")
    me.git("checkout", "-q", "-b", "main")
    me.commit(rev(2))
    assert me.push("main").returncode == 0
    assert revs(pgo, "shop") == ["1"] and revs(pgo, "shop-main") == ["2"]


def test_of_two_pushes_over_the_same_commit_the_slower_one_is_refused_before_any_work(pgo):
    me = hosted(pgo)
    accepted(me, rev(1))
    other = Pusher(pgo, "app", "other")
    other.git("fetch", "-q", "goku")
    other.git("reset", "-q", "--hard", "FETCH_HEAD")
    other.commit(rev(3))
    head = me.commit(rev(2))
    # It has seen where the branch is, and before it sends anything the other one's push is accepted.
    hook = os.path.join(other.path, ".git", "hooks", "pre-push")
    os.makedirs(os.path.dirname(hook), exist_ok=True)
    with open(hook, "w", encoding="ascii") as out:
        out.write(f"#!/bin/sh\nexec git -C {me.path} push -q goku main\n")
    os.chmod(hook, 0o755)
    rejected(other, f"main is at {head[:8]} by now: fetch, and push again")
    assert me.remote_refs()["refs/heads/main"] == head and revs(pgo) == ["2"]
    assert outcomes(pgo) == ["live", "live"] and nothing_pushed(pgo)


def test_an_app_is_a_service_in_all_that_is_asked_of_it(pgo):
    me = hosted(pgo, settle="0s")
    first = accepted(me, rev(1))
    assert pgo.ctl("app", "plan").returncode == 0
    assert pgo.ctl("app", "load").returncode == 0 and pgo.ctl("app", "up").returncode == 0
    (box,) = pgo.running("app")
    pgo.engine.remove_container(box)
    pgo.wait_running("app")
    second_commit = accepted(me, rev(2))
    assert pgo.ctl("app", "rollback").returncode == 0 and revs(pgo) == ["1"]
    assert re.search(rf"in sync +no: commit {second_commit[:8]} is rolled back", pgo.status("app")), pgo.status("app")
    pgo.stop()
    pgo.start(write=False).wait_listening()
    pgo.wait_status("app", "healthy +yes")
    assert revs(pgo) == ["1"] and me.remote_refs()["refs/heads/main"] == second_commit
    assert pgo.ctl("app", "up").returncode == 0 and revs(pgo) == ["2"]
    # Nobody asks a remote that there is not.
    assert not re.search("kind=(ls-remote|fetch) ", pgo.log())
    assert first != second_commit


def test_other_rules_judge_what_was_pushed_again(pgo):
    me = hosted(pgo)
    accepted(me, rev(1))
    me.commit(rev(2, cap_add=["NET_ADMIN"]))
    rejected(me, "NET_ADMIN")
    pgo.services["app"]["allow"] = ["cap_add:NET_ADMIN"]
    pgo.stop()
    pgo.start().wait_listening()
    done = me.push()
    assert done.returncode == 0, done.stderr
    pgo.services["app"]["allow"] = []
    pgo.stop()
    pgo.start().wait_listening()
    pgo.wait_status("app", "goes on as it was approved, although the rules of today refuse it")
    assert revs(pgo) == ["2"]
    me.commit(rev(3, cap_add=["NET_ADMIN"]))
    rejected(me, "NET_ADMIN")
    assert revs(pgo) == ["2"]


def test_a_locked_app_takes_no_push(pgo):
    me = maker(pgo)
    accepted(me, rev(1))
    assert pgo.ctl("host:", "apps", "lock", "shop").returncode == 0
    me.commit(rev(2))
    rejected(me, "shop is locked: by operator tess: an operator's `apps unlock` ends that")
    me.git("branch", "-q", "dev")
    rejected(me, "shop is locked", "dev")
    assert pgo.ctl("host:", "apps", "unlock", "shop").returncode == 0
    assert me.push().returncode == 0 and revs(pgo, "shop") == ["2"]
