"""Streams between an operator and the real compose: a terminal, logs that are followed, bytes both ways."""

import hashlib
import os
import signal
import subprocess
import tempfile
import time

import pytest

from lib.host import command_of, descendants_of, wait_until
from lib.pgo import program, web
from lib.slowbuild import go_on, step_of
from lib.terminal import Terminal

# Says what it is told through /talk.
TALK = "mkfifo /talk; echo {name} hello; while read -r line; do echo {name} $$line; done <> /talk"


@pytest.fixture
def site(pgo):
    services = {
        "web": web(stop_grace_period="1s", command=["sh", "-c", TALK.format(name="web-says")])["services"]["web"],
        "db": web(stop_grace_period="1s", command=["sh", "-c", TALK.format(name="db-says")])["services"]["web"],
        "loud": web(stop_grace_period="1s", command=["sh", "-c", "exec httpd -f -p 8080 -h /www"])["services"]["web"],
    }
    repo = pgo.repo("site", {"compose.yaml": {"services": services}})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, 3, 60)
    pgo.site = pgo.status("site")
    return pgo


def argv(site, op, *words):
    return [program("pgoctl"), "-i", site.key.private, "-p", str(site.port), "--accept-new", "--", f"127.0.0.1:site//{op}", *words]


def environment(site):
    return {"PATH": "/usr/bin:/bin", "HOME": site.path("home"), "TERM": "xterm"}


def composes(site, verb):
    """This pgod's processes of compose, orphans too, that do this for the service."""
    words = {pid: command_of(pid).split() for pid in [*descendants_of(site.process.pid), *site.orphans()]}
    return [pid for pid, line in words.items() if line and line[0].endswith("docker-compose") and "site" in line and verb in line]


def memory_kb(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return total


def test_a_shell_in_a_container_has_no_real_terminal(site):
    with Terminal(argv(site, "exec", "-it", "web", "sh"), environment(site), cols=90, rows=30) as terminal:
        terminal.see("# ")
        terminal.type("stty size; echo $TERM\r")
        terminal.see(r"\n30 90\r\n.*xterm\r\n")
        terminal.resize(111, 44)
        wait_until(lambda: terminal.type("stty size\r") or terminal.see(r"\n44 111\r\n", 2), "the size goes all the way")
        terminal.type("tail -f /dev/null\r")
        wait_until(lambda: "tail -f /dev/null" in processes(site, "web"), "it runs")
        terminal.type("\x03")
        terminal.see(r"\^C.*# ")
        terminal.type("exit 9\r")
        assert terminal.end() == 9 and terminal.is_as_before()
    assert not composes(site, "exec")


def processes(site, service):
    (box,) = [box for box in site.running("site") if box.labels["com.docker.compose.service"] == service]
    _, top = site.engine.ask("GET", f"/containers/{box.id}/top")
    return [row[-1] for row in top["Processes"]]


def test_a_shell_outlives_the_terminal_that_it_runs_on(site):
    before = sorted(processes(site, "web"))
    with Terminal(argv(site, "exec", "-it", "web", "sh"), environment(site)) as terminal:
        terminal.see("# ")
        terminal.process.kill()
        terminal.process.wait(10)
    wait_until(lambda: not composes(site, "exec"), "compose is gone")
    # The engine hangs the shell up when compose has let go of its terminal; what else runs there stays.
    wait_until(lambda: "sh" not in processes(site, "web"), lambda: f"the shell is gone: {processes(site, 'web')}, before {before}")


def read_until(stream, seen, *words):
    """What was seen, and the lines up to the one with the last of these words."""
    while not all(word in seen for word in words):
        line = stream.readline()
        assert line, seen
        seen += line
    return seen


def test_followed_logs_run_on_without_their_reader(site):
    follow = subprocess.Popen(argv(site, "logs", "-f", "-n", "2", "web", "db"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(site))
    seen = read_until(follow.stdout, b"", b"web-says", b"db-says")
    assert b"\x1b" not in seen, "colours are for terminals"
    assert composes(site, "logs")
    assert site.ctl("site", "exec", "db", "sh", "-c", "echo more > /talk").returncode == 0
    read_until(follow.stdout, seen, b"db-says more")
    follow.kill()
    follow.communicate()
    wait_until(lambda: not composes(site, "logs"), "compose goes with its reader")

    with Terminal(argv(site, "logs", "-f", "-n", "1", "web", "db"), environment(site)) as terminal:
        terminal.see("\x1b\\[3\\d.*says")
        terminal.type("\x03")
        assert terminal.end() in (-signal.SIGINT, 128 + signal.SIGINT)
    with Terminal(argv(site, "logs", "-n", "3", "web"), {**environment(site), "NO_COLOR": "1"}) as terminal:
        terminal.end()
        assert "says" in terminal.shown and "\x1b" not in terminal.shown
    wait_until(lambda: not composes(site, "logs"), "compose goes with its reader")


def test_a_reader_that_rests_fills_the_memory(site):
    """The container writes as fast as it can; nobody reads. Nothing of pgod grows, and all others are served."""
    wait_until(lambda: site.ctl("site", "exec", "loud", "true").returncode == 0, "exec works")
    shout = subprocess.Popen(argv(site, "exec", "loud", "sh", "-c", "busybox yes 0123456789abcdef"), stdout=subprocess.PIPE, env=environment(site))
    try:
        assert shout.stdout.read(1 << 20)
        wait_until(lambda: len(site.connections()) == 1, "who was there before has gone")
        ours = [*site.connections(), *site.role_pids("pgod-core"), site.process.pid]
        before = memory_kb(ours)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert site.ctl("site", "ping").returncode == 0
            assert memory_kb(ours) < before + 4096
        assert len(shout.stdout.read(8 << 20)) == 8 << 20, "and goes on where it was"
    finally:
        shout.kill()
        shout.communicate()
    wait_until(lambda: not composes(site, "exec"), "compose goes with its reader")


def compose_was_reset(done):
    """Once in some hundred times the engine closes its socket with input unread, and compose takes the kernel's ECONNRESET for the end of the command, as the manual says."""
    return done.returncode == 1 and done.stderr.endswith(b"docker.sock: read: connection reset by peer\n")


def test_large_streams_get_damaged_on_their_way_through_a_container(site):
    data = os.urandom(1 << 20) * 32
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as got:
        given.write(data)
        given.seek(0)
        done = subprocess.run(argv(site, "exec", "web", "cat"), stdin=given, stdout=got, stderr=subprocess.PIPE, env=environment(site), timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        got.seek(0)
        assert hashlib.sha256(got.read()).digest() == hashlib.sha256(data).digest()
        done = None
        while done is None or compose_was_reset(done):
            given.seek(0)
            done = subprocess.run(argv(site, "exec", "web", "sh", "-c", "echo not read; exit 4"), stdin=given, capture_output=True, env=environment(site), timeout=60, check=False)
            assert done.stdout == b"not read\n"
        assert done.returncode == 4, done.stderr


def test_arguments_lose_bytes_on_their_way_into_a_container(site):
    words = [bytes(range(1, 128)), b"", b"\n", b" a  b ", b"--", b"-x", b"'\"\\$(id)`id`", "\u00e9\u2713\U0001f600".encode(), b"*"]
    say = argv(site, "exec", "web", "sh", "-c", "printf '<%s>' \"$@\"", "sh")
    done = subprocess.run([*say, *words], capture_output=True, env=environment(site), timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"".join(b"<" + word + b">" for word in words)
    done = subprocess.run([*say, b"\xff\xfe"], capture_output=True, env=environment(site), timeout=60, check=False)
    assert done.returncode == 1 and b'"\\xff\\xfe" is no UTF-8' in done.stderr, "refused, and not changed on the way"


def test_an_operator_sees_a_build_when_it_is_over(site):
    built = {
        "compose.yaml": {"services": {"web": {"build": ".", "stop_grace_period": "1s"}}},
        "Dockerfile": "FROM pgo-test/web:1\n" + step_of(site),
    }
    site.service("built", site.repo("built", built))
    site.write_config()
    site.stop()
    site.start(write=False).wait_listening()
    target = argv(site, "logs", "-f", "deploy")
    target[target.index("127.0.0.1:site//logs")] = "127.0.0.1:built//logs"
    wait_until(lambda: "deploy begins service=built" in site.log(), "it begins", 30)
    with subprocess.Popen(target, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(site)) as follow:
        seen = b""
        while b"first-line" not in seen.replace(b"echo first-line", b""):
            line = follow.stdout.readline()
            assert line, seen
            seen += line
        assert follow.poll() is None and b"\nlast-line" not in seen, "told while it is being built"
        go_on(site)
        rest, _ = follow.communicate(timeout=60)
        assert follow.returncode == 0 and b"\x1b" not in seen + rest and b"\\x1b" not in seen + rest, seen + rest
