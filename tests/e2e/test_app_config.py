"""Variables, scale and one-off containers of an app, on a real engine with the real compose."""

import re
import subprocess

import pytest

from lib.host import wait_until
from lib.pgo import web
from lib.pusher import Pusher, operator

# All that YAML, JSON or compose could take for something else on the way into a container.
# What NUL is, and what is no UTF-8, cannot be stored; everything else arrives, up to the last blank of 64 KiB.
EVERY = " \n\t" + "".join(map(chr, range(1, 128))) + "é😀\x85\u2028\ufeff\ufffe $HOME ${X} $$ 'q' \"d\" \\n # x: {y} - ~ \r\n"
LONG = EVERY + "x" * (64 * 1024 - len(EVERY.encode()) - 3) + "\t \n"
HARD = "two\nlines\ttab $HOME ${X} $$ 'q' \"d\" \\n é😀 \x01\x7f\x85\u2028\ufeff # x: {y} - ~"
SERVE = {"command": ["httpd", "-f", "-p", "8080", "-h", "/www"], "stop_grace_period": "0s"}


@pytest.fixture
def app(pgo):
    pgo.tables = "[push]\n" + operator(pgo.key)
    pgo.service("app", repo=None, hosted=True, health_timeout="20s", settle="200ms")
    pgo.services["app"].pop("repository")
    pgo.start().wait_listening()
    wait_until(lambda: pgo.ctl("app", "ping").returncode == 0, "it answers")
    pgo.me = Pusher(pgo, "app")
    return pgo


def push(pgo, **more):
    pgo.me.commit({"compose.yaml": web(environment=["TOKEN"], **{**SERVE, **more})})
    done = pgo.me.push(deadline=120)
    assert done.returncode == 0, done.stderr


def config(pgo, *words, **kw):
    return pgo.ctl("app", "config", *words, **kw)


def running(pgo):
    return [box for box in pgo.engine.containers("app") if box.state == "running"]


def token(pgo):
    (box,) = running(pgo)
    _, inspect = pgo.engine.ask("GET", f"/containers/{box.id}/json")
    return dict(entry.split("=", 1) for entry in inspect["Config"]["Env"])["TOKEN"]


def exactly(pgo, *words):
    """What an operation prints, no line end touched."""
    line = "app//config " + " ".join(words)
    return subprocess.run(pgo.ssh_argv(line), stdout=subprocess.PIPE, check=True).stdout


def stored(pgo, name, data):
    done = subprocess.run(pgo.ssh_argv(f"app//config set {name}"), input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_byte_of_a_value_is_lost_on_its_way_into_the_container(app):
    long = LONG.encode()
    assert len(long) == 64 * 1024
    for data, why in ((b"a\0b", "has no NUL byte"), (b"\xff", "is not UTF-8"), (long + b"x", "has more than 65536 bytes")):
        done = subprocess.run(app.ssh_argv("app//config set TOKEN"), input=data, capture_output=True, check=False)
        assert done.returncode == 1 and why in done.stderr.decode(), done.stderr
    stored(app, "TOKEN", long)
    for form in ("dotenv", "shell", "json"):
        text = exactly(app, "export", "--format", form)
        assert config(app, "unset", "TOKEN").returncode == 0
        done = subprocess.run(app.ssh_argv("app//config import"), input=text, capture_output=True, check=False)
        assert done.returncode == 0, (form, done.stderr)
        assert exactly(app, "get", "TOKEN") == long, form
    # By way of a compose file, and of what is made of a Dockerfile.
    push(app)
    assert token(app) == LONG
    app.me.commit({"Dockerfile": "FROM pgo-test/web:1\nEXPOSE 8080\nSTOPSIGNAL KILL\n"}, remove=["compose.yaml"])
    done = app.me.push(deadline=120)
    assert done.returncode == 0, done.stderr
    assert token(app) == LONG
    seen = subprocess.run(app.ssh_argv("app//exec web sh -c 'printf %s \"$TOKEN\"'"), stdout=subprocess.PIPE, check=True)
    assert seen.stdout == long


def test_a_value_is_another_one_in_the_container(app):
    assert config(app, "set", "TOKEN", input=HARD).returncode == 0
    push(app)
    assert token(app) == HARD
    assert config(app, "set", "TOKEN=plain").returncode == 0 and token(app) == "plain"
    assert app.ctl("app", "rollback").returncode == 0 and token(app) == HARD
    assert subprocess.run(app.ssh_argv("app//config get TOKEN"), stdout=subprocess.PIPE, check=True).stdout.decode() == HARD
    assert app.ctl("app", "exec", "web", "sh", "-c", 'printf %s "$TOKEN"').stdout == HARD


def test_a_scaled_app_is_made_anew_or_not_scaled(app):
    assert config(app, "set", "TOKEN=x").returncode == 0
    push(app)
    (before,) = [box.id for box in running(app)]
    done = app.ctl("app", "scale", "web=3")
    assert done.returncode == 0, done.stderr
    assert len(running(app)) == 3 and before in [box.id for box in running(app)]
    assert app.ctl("app", "scale", "web=0").returncode == 0 and running(app) == []
    assert app.ctl("app", "scale", "web=1").returncode == 0 and len(running(app)) == 1


def test_a_one_off_container_is_another_release_or_stays(app):
    assert config(app, "set", "TOKEN=the-token").returncode == 0
    push(app, mem_limit="64m")
    done = app.ctl("app", "run", "sh", "-c", "echo $TOKEN; cat; hostname; exit 5", input="typed\n")
    assert done.returncode == 5 and done.stdout.startswith("the-token\ntyped\n"), (done.stdout, done.stderr)
    assert len(app.engine.containers("app")) == 1
    done = app.ssh("app//run -t sh -c 'test -t 0 && echo yes; exit 3'", options=["-tt"])
    assert done.returncode == 3 and "yes" in done.stdout, done
    with subprocess.Popen(app.ssh_argv("app//run sh -c 'echo begun; exec tail -f /dev/null'"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout.readline() == b"begun\n"
        (box,) = [box for box in app.engine.containers("app") if re.match("app-pgo-run-", box.name)]
        _, inspect = app.engine.ask("GET", f"/containers/{box.id}/json")
        assert inspect["HostConfig"]["Memory"] == 64 * 1024 * 1024 and not inspect["HostConfig"]["PortBindings"]
        client.kill()
    wait_until(lambda: len(app.engine.containers("app")) == 1, "it goes with the client", deadline=60)
    with subprocess.Popen(app.ssh_argv("app//run sh -c 'echo begun; exec tail -f /dev/null'"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout.readline() == b"begun\n"
        app.kill()
        app.start().wait_listening()
        wait_until(lambda: len(app.engine.containers("app")) == 1, "it goes with pgod", deadline=60)
        client.kill()
