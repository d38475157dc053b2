"""The fault matrix: whatever goes wrong around a healthy service, its page is asked for all the time.

Before anything is applied no request fails. A release that does not come up costs at most its health_timeout and ten seconds, and with
start-first nothing. Kills at any moment are in test_real_kills.py, kills at each step in test_real_steps.py and test_start_first.py.
"""

import contextlib
import os
import re
import signal
import subprocess

import pytest

from lib.disks import fill, small_disk
from lib.host import run, wait_until
from lib.pgo import Key
from lib.probe import Prober
from lib.servers import empty_registry, http_git

HEALTH_TIMEOUT_S = 10  # none of what does not come up here takes so long to be found out
BACK_S = HEALTH_TIMEOUT_S + 10


def compose_file(image="pgo-test/web:1", **more):
    service = {"image": image, "volumes": ["./www:/www:ro"], "stop_grace_period": "1s", **more}
    return {"services": {"web": service}}


def files(pgo, page="one", **more):
    return {"compose.yaml": compose_file(**more), "www/index.html": page + "\n", "ssh/k.pub": pgo.key.public}


def boxes(pgo, name="site"):
    return sorted(box.id for box in pgo.engine.containers(name))


@contextlib.contextmanager
def harmless(pgo, prober, name="site"):
    """What is done in here does not touch the service."""
    mark, before = prober.mark(), boxes(pgo, name)
    yield
    prober.check_none_failed(mark)
    assert boxes(pgo, name) == before


def look_fails(pgo, words):
    pgo.wait_status("site", rf"last look +\d+ s ago: [^\n]*({words})")


def look_succeeds(pgo):
    pgo.wait_status("site", r"last look +\d+ s ago: ok")


# --- before apply ----------------------------------------------------------------------------------------------------


def git_server_down(pgo, repo):
    server = pgo.helpers[0]
    server.terminate()
    server.wait()
    look_fails(pgo, "connect|refused|port")
    log = open(pgo.path("lighttpd.out"), "ab")
    pgo.helpers[0] = subprocess.Popen(server.args, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    log.close()
    look_succeeds(pgo)


def credentials_refused(pgo, repo):
    users = pgo.path("htpasswd")
    os.rename(users, users + ".away")
    with open(users, "w", encoding="ascii") as out:
        out.write("tess:another\n")
    look_fails(pgo, "does not accept the user name and password")
    os.rename(users + ".away", users)
    look_succeeds(pgo)


def force_push(pgo, repo):
    deployed = repo.git("rev-parse", "HEAD")
    repo.git("commit", "-q", "--amend", "--allow-empty", "-m", "another past")
    pgo.wait_status("site", "was rewound")
    repo.git("reset", "-q", "--hard", deployed)
    pgo.wait_status("site", "in sync +yes")


def judged(content, words):
    def fault(pgo, repo):
        bad = repo.commit({"compose.yaml": content})
        assert re.search(words, pgo.wait_judged("site", bad, 40), re.I)
        assert pgo.ctl("site", "up").returncode != 0

    return fault


def missing_tag(pgo, repo):
    registry = empty_registry(pgo)
    bad = repo.commit({"compose.yaml": compose_file("127.0.0.1:5000/pgo-test/web:9")})
    assert re.search("manifest|not found|unknown", pgo.wait_judged("site", bad, 40), re.I)
    registry.terminate()


FAULTS = {
    "git server down": git_server_down,
    "refused credentials": credentials_refused,
    "force push": force_push,
    "broken YAML": judged("services: [\n", "yaml|parse|mapping|services"),
    "policy breach": judged(compose_file(privileged=True), "privileged"),
    "registry down": judged(compose_file("127.0.0.1:5000/pgo-test/web:9"), "pull"),
    "missing tag": missing_tag,
}


def test_no_request_fails_whatever_is_wrong_before_a_release_is_applied(pgo):
    repo = pgo.repo("site", files(pgo))
    pgo.service("site", http_git(pgo, pgo.path("repos"), password="pw") + "/site/.git", rewind="refuse")
    pgo.start().wait_deployed("site", repo.head, deadline=40)
    with Prober(pgo.engine, "site") as prober:
        for name, fault in FAULTS.items():
            print(name)
            with harmless(pgo, prober):
                fault(pgo, repo)
        # And it was not because nothing works any more.
        pgo.wait_deployed("site", repo.commit(files(pgo, "two")), deadline=40)
        prober.wait_answer("two")


def test_an_unsigned_commit_changes_nothing(pgo):
    signer, owner = Key(pgo.path("signer")), pgo.accounts.a
    for path in (signer.private, signer.private + ".pub"):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    with open(pgo.path("signers"), "w", encoding="ascii") as out:
        out.write("tess@example.org " + signer.public)
    repo = pgo.repo("site", files(pgo))
    for key, value in (("gpg.format", "ssh"), ("user.signingkey", signer.private), ("commit.gpgsign", "true")):
        repo.git("config", key, value)
    head = repo.commit({}, "signed")
    pgo.service("site", repo, signers=pgo.path("signers"))
    pgo.start().wait_deployed("site", head, deadline=40)
    with Prober(pgo.engine, "site") as prober:
        with harmless(pgo, prober):
            repo.git("config", "commit.gpgsign", "false")
            repo.commit(files(pgo, "forged"))
            pgo.wait_status("site", r"not signed")
        repo.git("config", "commit.gpgsign", "true")
        pgo.wait_deployed("site", repo.commit(files(pgo, "two")), deadline=40)
        prober.wait_answer("two")


def says(page):
    """A compose file that mounts nothing: the engine does not see file systems that came after it."""
    command = f"mkdir /tmp/www && echo {page} >/tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
    return {"services": {"web": {"image": "pgo-test/web:1", "command": ["sh", "-c", command], "stop_grace_period": "1s"}}}


def test_a_full_disk_changes_nothing(pgo):
    with small_disk(pgo) as full:
        repo = pgo.repo("site", {"compose.yaml": says("one"), "ssh/k.pub": pgo.key.public})
        pgo.service("site", repo)
        pgo.start().wait_deployed("site", repo.head, deadline=40)
        with Prober(pgo.engine, "site") as prober:
            with harmless(pgo, prober):
                fill(full)
                repo.commit({"compose.yaml": says("two")})
                pgo.wait_log("space|disk is full|full")
                # Whether it can do anything at all without a byte to write to is not what this is about.
                pgo.kill()
                wait_until(lambda: not pgo.orphans(), "nothing of the old pgod runs")
                mark = len(pgo.log())
                pgo.start()
                wait_until(lambda: len(pgo.log()) > mark, "pgod says something")
            os.unlink(full)
            pgo.wait_deployed("site", repo.commit({"compose.yaml": says("three")}), deadline=60)
            prober.wait_answer("three")


# --- applied, and it does not come up --------------------------------------------------------------------------------

CHECK = {"test": ["CMD", "test", "-e", "/www/index.html"], "interval": "1s", "retries": 1}
NEVER = {"test": ["CMD", "false"], "interval": "1s", "retries": 2}

BAD = {
    "exits at once": {"command": ["false"], "healthcheck": CHECK},
    "never healthy": {"healthcheck": NEVER},
    "port clash": {"healthcheck": CHECK, "ports": ["5005:8080"]},
}


@pytest.fixture
def taken_port(pgo):
    """Somebody else's container has port 5005."""
    env = {**os.environ, "DOCKER_HOST": pgo.engine.docker_host}
    run("docker", "run", "-d", "--name", "bystander", "-p", "5005:8080", "pgo-test/web:1", env=env)


@pytest.mark.parametrize("style", ["recreate", "in-place", "start-first"])
def test_the_old_release_answers_again_after_one_that_does_not_come_up(pgo, taken_port, style):
    repo = pgo.repo("site", files(pgo, healthcheck=CHECK))
    pgo.service("site", repo, update=style, health_timeout=f"{HEALTH_TIMEOUT_S}s", settle="1s", ports=["5005/5"])
    pgo.start().wait_deployed("site", repo.head, deadline=40)
    with Prober(pgo.engine, "site") as prober:
        for fault, keys in BAD.items():
            mark = prober.mark()
            bad = repo.commit(files(pgo, **keys))
            text = pgo.wait_judged("site", bad, 60)
            assert "rolled back" in text, f"{fault}: {text}"
            prober.wait_answer()
            print(f"{style}, {fault}: {prober.outage(mark):.2f} s without an answer, {len(prober.failed(mark))} requests failed")
            assert prober.outage(mark, of_deadlines=True) < BACK_S, fault
            if style == "start-first":
                prober.check_none_failed(mark)
            pgo.wait_status("site", "state +live.*in sync +no")
        pgo.wait_deployed("site", repo.commit(files(pgo, "two", healthcheck=CHECK)), deadline=40)
        prober.wait_answer("two")


# --- the engine ------------------------------------------------------------------------------------------------------


def test_an_engine_that_restarts_needs_neither_git_nor_a_registry(pgo):
    repo = pgo.repo("site", files(pgo))
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, deadline=40)
    with Prober(pgo.engine, "site") as prober:
        os.rename(repo.path, repo.path + ".away")
        mark = len(pgo.log())
        pgo.engine.restart()
        prober.wait_answer("one")
        (core,) = pgo.role_pids("pgod-core")
        os.kill(core, signal.SIGKILL)
        pgo.engine.power_cut()
        pgo.engine.start()
        prober.wait_answer("one")
        assert not re.search("kind=(pull|fetch) ", pgo.log()[mark:])
