"""`make demo`, as a newcomer runs it."""

import glob
import os
import pwd
import re
import signal
import subprocess
import tempfile

from lib.host import TOP, run


def traces():
    return sorted(glob.glob(os.path.join(tempfile.gettempdir(), "pgo-demo.*")))


def environment(engine):
    return {**os.environ, "DOCKER_HOST": engine.docker_host, "PGO_RUN": engine.run}


def demo(engine, **env):
    return run("make", "-s", "demo", cwd=TOP, check=False, deadline=300, env={**environment(engine), **env})


def told(text):
    """The lines of a text without what is another at each run: numbers, ids, directories."""
    lines = [re.sub(r"pgo-demo\.\w+|\b(?=\w*\d)[0-9a-f]{8,}\b|\d+", "N", line.strip()) for line in text.splitlines()]
    return [line for line in lines if line]


def shown():
    """What README.md shows of the demo, and where it says that it leaves something out."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as readme:
        text = readme.read().partition("<!-- demo -->")[2].partition("<!-- /demo -->")[0]
    return told("\n".join(line for line in text.splitlines() if line.startswith("    ")))


def objects(engine):
    return [len(engine.listed({})), len(engine.ask("GET", "/networks")[1]), len(engine.ask("GET", "/images/json")[1])]


def account_exists():
    return "pgo-demo" in [entry.pw_name for entry in pwd.getpwall()]


def killed_demo(engine):
    """One that leaves all that it has begun; with whom it tells it gone, it cannot say so either."""
    argv = ["make", "-s", "demo"]
    with subprocess.Popen(argv, cwd=TOP, env=environment(engine), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True) as demo:
        for line in demo.stdout:
            if b"The page answers" in line:
                break
        os.killpg(demo.pid, signal.SIGKILL)


def test_the_demo_succeeds_twice_and_leaves_nothing_behind_nor_what_a_killed_one_left(real_engine):
    before, directories = objects(real_engine), traces()
    for number in range(2):
        if number == 1:
            killed_demo(real_engine)
            assert account_exists()
        done = demo(real_engine)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Hello from the second commit" in done.stdout and "pong!" in done.stdout
        assert done.stdout.count("Hello from an app\n") == 2 and "[remote rejected]" in done.stdout
        assert "\x1b" not in done.stdout, "colours are for terminals"
        assert objects(real_engine) == before and traces() == directories and not account_exists()


def test_the_demo_tells_something_else_than_the_readme_shows(real_engine):
    done = demo(real_engine)
    assert done.returncode == 0, done.stdout + done.stderr
    lines, rest = shown(), told(done.stdout)
    assert len(lines) > 40
    for line in lines:
        if line != "…":
            assert line in rest, line
            rest = rest[rest.index(line) + 1 :]


def test_the_demo_brings_its_own_engine_when_none_answers(real_engine):
    done = run("make", "-s", "demo", cwd=TOP, check=False, deadline=300, env={**os.environ, "DOCKER_HOST": "unix:///nonexistent/d.sock"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert not account_exists()


def test_keep_1_leaves_it_running_until_it_is_told_to_stop(real_engine):
    before, directories = objects(real_engine), traces()
    done = demo(real_engine, KEEP="1")
    assert done.returncode == 0, done.stdout + done.stderr
    (stop,) = re.findall(r"(\S+/pgo-demo\.\w+/stop)$", done.stdout, re.M)
    try:
        assert account_exists() and objects(real_engine) != before
        with open(os.path.join(os.path.dirname(stop), "app", "Dockerfile"), encoding="utf-8") as dockerfile:
            assert "missing.html" not in dockerfile.read(), "the next push of whoever plays with it fails"
        again = demo(real_engine)
        assert again.returncode != 0 and stop in again.stderr
    finally:
        run(stop)
    assert objects(real_engine) == before and traces() == directories and not account_exists()
