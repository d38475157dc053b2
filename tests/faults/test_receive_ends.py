"""Pushes that end in the middle: a client that goes or talks nonsense, a hook that is killed or is somebody else, a core that dies. git says that it failed, and nothing stays behind."""

import contextlib
import os
import signal
import subprocess

import pytest
from lib import fake_compose
from lib.gates import Gates, go_on
from lib.host import command_of, descendants_of, ended, open_files_of, outcome, program_of, run, wait_until
from lib.kills import SANITIZED
from lib.pgo import install_roles, web
from lib.pusher import Pusher, listed, operator
from lib.scenes import rows

NONE = b"0" * 40


@pytest.fixture
def me(pgo):
    """Somebody with a clone, whose first push has been accepted. pgod has programs of its own."""
    pgo.libexec = install_roles(pgo.path("libexec"))
    return begin(pgo)


def begin(pgo):
    pgo.tables = "[push]\n" + operator(pgo.key)
    pgo.service("app", repo=None, hosted=True)
    pgo.start().wait_listening()
    clone = Pusher(pgo, "app")
    clone.commit({"compose.yaml": web()})
    assert clone.push().returncode == 0
    return clone


def packet(text):
    return b"%04x" % (len(text) + 4) + text


class Raw:
    """git's protocol by hand, over OpenSSH's client."""

    def __init__(self, pgo, verb="git-receive-pack"):
        pipe = subprocess.PIPE
        self.pgo = pgo
        self.process = pgo.helper(subprocess.Popen(pgo.ssh_argv(f"{verb} 'app'"), stdin=pipe, stdout=pipe, stderr=pipe))

    def read_refs(self):
        while (head := self.process.stdout.read(4)) != b"0000":
            assert len(head) == 4, self.process.stderr.read()
            self.process.stdout.read(int(head, 16) - 4)
        return self

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()
        return self

    def send_half_a_pack(self):
        command = NONE + b" " + b"1" * 40 + b" refs/heads/main\0report-status side-band-64k"
        return self.send(packet(command) + b"0000" + b"PACK" + (2).to_bytes(4, "big") + (1000).to_bytes(4, "big"))

    def kill(self):
        self.process.kill()
        self.process.wait(10)


def gits(pgo):
    return [pid for pid in descendants_of(pgo.process.pid) if program_of(pid) in ("git", "pgod-job")]


def quarantine(pgo):
    objects = os.path.join(pgo.dir, ".repos", "app.git", "objects")
    return [entry for entry in os.listdir(objects) if entry.startswith("tmp_objdir-")]


def kept_refs(pgo):
    git = ["git", "-c", "safe.directory=*", "--git-dir", os.path.join(pgo.dir, ".repos", "app.git"), "for-each-ref", "refs/pgo/pushed"]
    return run(*git, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}).stdout


def assert_next_push_is_clean(pgo, me):
    me.commit({"next": me.head()})
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert me.remote_refs()["refs/heads/main"] == me.head()
    assert not quarantine(pgo) and not kept_refs(pgo)
    wait_until(lambda: not gits(pgo), "no git is left")


def test_a_client_that_goes_in_the_middle_of_its_pack_leaves_nothing(pgo, me):
    before = me.remote_refs()
    client = Raw(pgo).read_refs().send_half_a_pack()
    wait_until(lambda: quarantine(pgo), "git receives")
    client.kill()
    wait_until(lambda: not gits(pgo), "its git has ended")
    assert me.remote_refs() == before
    assert_next_push_is_clean(pgo, me)


NONSENSE = {
    "words": b"hello\n",
    "a line without end": b"ffff" + b"x" * 100,
    "a certificate": packet(b"push-cert\0x"),
    "no object": packet(NONE + b" zzz refs/heads/x"),
    "nothing": b"\0" * 1000,
    "empty lines": packet(b"") * 10,
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_a_client_that_talks_nonsense_is_told_so(pgo, me, data):
    before = me.remote_refs()
    client = Raw(pgo).read_refs()
    with contextlib.suppress(BrokenPipeError):
        client.send(data)
        client.process.stdin.close()
    assert ended(client.process) != 0
    wait_until(lambda: not gits(pgo), "its git has ended")
    assert me.remote_refs() == before
    assert_next_push_is_clean(pgo, me)


@pytest.mark.parametrize("whom", ["pgod-core", "pgod"])
def test_a_core_that_dies_while_git_receives_leaves_nothing(pgo, me, whom):
    before = me.remote_refs()
    client = Raw(pgo).read_refs().send_half_a_pack()
    wait_until(lambda: quarantine(pgo), "git receives")
    if whom == "pgod":
        pgo.kill()
        wait_until(lambda: not pgo.orphans(), "its children have ended")
        pgo.start()
    else:
        os.kill(pgo.role_pids("pgod-core")[0], signal.SIGKILL)
    assert ended(client.process) != 0
    pgo.wait_listening()
    wait_until(lambda: pgo.ctl("app", "ping").returncode == 0, "core is back")
    assert me.remote_refs() == before
    assert_next_push_is_clean(pgo, me)


def test_a_pgod_that_is_stopped_while_git_receives_says_so_and_waits_for_nobody(pgo, me):
    before = me.remote_refs()
    idle = Raw(pgo).read_refs()
    client = Raw(pgo).read_refs().send_half_a_pack()
    wait_until(lambda: quarantine(pgo), "git receives")
    pgo.stop()
    for left in (idle, client):
        assert ended(left.process) != 0
        assert b"pgod: git was ended on the server before it was done: try again" in left.process.stderr.read()
    assert "leaving" not in pgo.log() and "not waiting" not in pgo.log()
    pgo.start().wait_listening()
    assert me.remote_refs() == before
    assert_next_push_is_clean(pgo, me)


@pytest.mark.parametrize("hook", ["pre-receive", "proc-receive"])
def test_a_hook_that_is_killed_is_a_push_that_failed(pgo, hook):
    gates = Gates(pgo)
    me = begin(pgo)
    before = me.remote_refs()
    me.commit({"more": "x"})
    gates.close_job(hook)
    push = me.begin()
    os.kill(gates.wait(os.path.join(pgo.libexec, "hooks", hook)), signal.SIGKILL)
    assert ended(push) == 1
    assert "rejected]" in push.stderr.read()
    gates.open_job()
    wait_until(lambda: not gits(pgo), "its git has ended")
    assert me.remote_refs() == before
    assert_next_push_is_clean(pgo, me)


def test_a_deploy_goes_on_when_its_hook_is_killed_and_decides_about_the_branch(pgo):
    gates = Gates(pgo)
    me = begin(pgo)
    head = me.commit({"compose.yaml": web("pgo-test/web:2")})
    gates.close_compose("up")
    push = me.begin()
    up = gates.wait("up")
    hooks = [pid for pid in descendants_of(pgo.process.pid) if "proc-receive" in command_of(pid)]
    assert hooks
    for pid in hooks:
        os.kill(pid, signal.SIGKILL)
    assert ended(push) == 1
    gates.open_compose()
    go_on(up)
    wait_until(lambda: me.remote_refs()["refs/heads/main"] == head, "the branch follows what runs")
    wait_until(lambda: rows(pgo, "SELECT * FROM push") == [], "its keys are read as well, and the next push may come")
    assert_next_push_is_clean(pgo, me)


@pytest.mark.parametrize("script", ["echo hello >&3", "echo deploy >&3", "printf 'ask\\nend\\n' >&3", "printf 'ask\\nref x\\n' >&3", "head -c 100000 /dev/zero >&3", "exec 3>&-"])
def test_a_hook_that_is_somebody_else_moves_nothing(pgo, me, script):
    """Who is the account can run anything in its place; what it says is not believed."""
    before = me.remote_refs()
    path = os.path.join(pgo.libexec, "hooks", "pre-receive")
    os.unlink(path)
    with open(path, "w", encoding="ascii") as hook:
        hook.write(f"#!/bin/sh\n{script}\nread answer <&3\nexit 0\n")
    os.chmod(path, 0o755)
    me.commit({"more": "x"})
    done = me.push()
    assert done.returncode == 1, done.stderr
    assert me.remote_refs() == before
    os.unlink(path)
    os.symlink("../pgod-job", path)
    assert_next_push_is_clean(pgo, me)


def test_pushes_leave_no_descriptors_open(pgo, me):
    pids = [pgo.process.pid, *pgo.role_pids("pgod-core")]

    def count():
        wait_until(lambda: not pgo.connections(), "nobody is connected")
        return [len(open_files_of(pid)) for pid in pids]

    me.commit({"compose.yaml": "no: [yaml"})
    assert me.push().returncode == 1
    before = count()
    for _ in range(5):
        assert me.push().returncode == 1
        Raw(pgo).read_refs().kill()
    # Fewer: a connection to the engine is kept for a while.
    wait_until(lambda: all(now <= then for now, then in zip(count(), before)), lambda: f"no more descriptors than before: {before}, {count()}")


def test_more_pushes_at_a_time_than_there_is_room_for_are_told_so(pgo, me):
    held = [Raw(pgo).read_refs() for _ in range(4)]
    me.commit({"more": "x"})
    done = me.push()
    assert done.returncode == 128 and "4 pushes to app are at work already" in done.stderr
    for client in held:
        client.kill()
    wait_until(lambda: not gits(pgo), "their git has ended")
    assert_next_push_is_clean(pgo, me)


def test_more_fetches_at_a_time_than_there_is_room_for_are_told_so(pgo, me):
    held = [Raw(pgo, "git-upload-pack").read_refs() for _ in range(16)]
    done = me.git("ls-remote", "goku", check=False)
    assert done.returncode == 128 and "16 fetches from app are at work already" in done.stderr
    me.commit({"more": "x"})
    assert me.push().returncode == 0
    for client in held:
        client.kill()
    wait_until(lambda: not gits(pgo), "their git has ended")
    assert me.remote_refs()["refs/heads/main"] == me.head()


def test_an_app_that_is_destroyed_while_somebody_pushes_to_it_ends_the_push(pgo):
    gates = Gates(pgo)
    pgo.tables = "[push]\ncreate = true\n" + operator(pgo.key)
    pgo.start().wait_listening()
    core = pgo.role_pids("pgod-core")
    me = Pusher(pgo, "app")
    me.commit({"compose.yaml": web()})
    idle = Raw(pgo).read_refs()  # it makes the app
    gates.close_compose("up")
    push = me.begin()
    up = gates.wait("up")
    destroy = pgo.helper(subprocess.Popen(pgo.ssh_argv("host://apps destroy app app")))
    gates.open_compose()
    pgo.wait_log("operation host://apps")
    go_on(up)
    assert ended(push, 40) != 0
    ended(destroy)
    wait_until(lambda: not os.path.exists(os.path.join(pgo.dir, ".repos", "app.git")), "the app is gone", 40)
    idle.kill()
    wait_until(lambda: listed(pgo) == {}, "whatever others had going there has ended as well")
    assert me.push().returncode == 0, "a push makes it again"
    assert pgo.role_pids("pgod-core") == core


def test_a_pusher_whose_terminal_stands_still_holds_nobody_up(pgo):
    """What he does not read is left out, after a while; the deploy does not wait for him, nor does core keep it for him."""
    pgo.libexec = install_roles(pgo.path("libexec"))
    flag = pgo.path("talk")
    talk = f'if "up" in sys.argv and os.path.exists("{flag}"):\n    sys.stderr.write("".join("%080d\\n" % n for n in range(120000)))\n'
    pgo.compose = fake_compose.install(pgo.path("talkative"), fake_compose.text().replace("STOP_AT = None", "STOP_AT = None\n" + talk, 1))
    me = begin(pgo)
    head = me.commit({"compose.yaml": web("pgo-test/web:2")})
    with open(flag, "w", encoding="ascii"):
        pass
    (core,) = pgo.role_pids("pgod-core")
    before = resident(core)
    push = me.begin()
    wait_until(lambda: "Deploying app" in os.read(push.stderr.fileno(), 65536).decode(), "the deploy has begun")
    os.killpg(push.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: pgo.ref("app") == head and pgo.running("app"), "it is deployed", 60)
        wait_until(lambda: me.remote_refs()["refs/heads/main"] == head, "and the branch follows")
        assert SANITIZED or resident(core) - before < 16 << 10, "KiB"
    finally:
        os.killpg(push.pid, signal.SIGCONT)
    _, text = outcome(push, 60)
    assert push.returncode == 0, text[-1000:]
    assert "lines were left out: `logs deploy` has them" in text
    assert text.count("\n") < 120000


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as text:
        return int(next(line for line in text if line.startswith("VmRSS:")).split()[1])
