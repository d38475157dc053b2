"""What hangs does not hang a service: every step has a deadline, the service's own when it has one."""

import contextlib
import os

import pytest

from lib.host import wait_until
from lib.pgo import web
from lib.scenes import answers, closed, connect, deployed, ids

TOLD = r"overran its deadline of 2 s \(timeout in pgo\.toml\)"


def hang_fetches(repo, name):
    """Whoever reads this file's content out of the repository waits for ever; returns what ends that."""
    blob = repo.git("rev-parse", f"HEAD:{name}")
    path = os.path.join(repo.path, ".git", "objects", blob[:2], blob[2:])
    os.rename(path, path + ".aside")
    os.mkfifo(path)
    os.chown(path, repo.owner.pw_uid, repo.owner.pw_gid)
    return lambda: os.rename(path + ".aside", path)


def two(image="pgo-test/web:1"):
    """Of two, since one alone is replaced without a stop."""
    return {"services": {"web": {"image": image}, "db": {"image": "pgo-test/web:1"}}}


@pytest.mark.parametrize("step", ["pull", "stop", "up"])
def test_a_compose_that_hangs_fails_the_deploy_and_the_next_commit_is_deployed(pgo, step):
    repo = pgo.repo("site", {"compose.yaml": two(), "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo, timeout="2s")
    pgo.start().wait_deployed("site", repo.head, 2)
    pgo.engine.hold(step)
    bad = repo.commit({"compose.yaml": two("pgo-test/web:2" if step != "pull" else "pgo-test/missing:1")})
    told = pgo.wait_status("site", rf"in sync +no: commit {bad[:8]}[^\n]*: {step} {TOLD}.*last deploy[^\n]*, took")
    assert "no longer" not in told
    if step == "pull":
        assert len(pgo.running("site")) == 2, "nothing was stopped for an image that did not come"
    pgo.engine.release(step)
    last = two("pgo-test/web:2")
    last["services"]["web"]["labels"] = {"x": "2"}
    pgo.wait_deployed("site", repo.commit({"compose.yaml": last}), 2)


def test_a_fetch_that_hangs_is_ended_and_the_service_goes_on_with_the_next_look(pgo):
    repo = deployed(pgo, timeout="2s")
    before = ids(pgo)
    repo.git("checkout", "-q", "-b", "next")  # no look at main comes between
    head = repo.commit({"compose.yaml": web("pgo-test/web:2"), "data": "of which nobody has a copy"})
    go_on = hang_fetches(repo, "data")
    repo.git("update-ref", "refs/heads/main", head)
    pgo.wait_log(rf"fetch {TOLD}")
    assert ids(pgo) == before
    assert pgo.ctl("site", "ping").returncode == 0
    go_on()
    pgo.wait_deployed("site", head, deadline=60)


def test_a_service_that_hangs_does_not_keep_another_waiting(pgo):
    deployed(pgo, timeout="10m")
    pgo.engine.hold("pull")
    pgo.services["site"]["repository"] = pgo.repo("other-site", {"compose.yaml": web("pgo-test/missing:1")}).url
    quick = pgo.repo("quick")
    pgo.service("quick", quick)
    pgo.stop()
    pgo.start()
    wait_until(lambda: pgo.engine.waiting, "the pull hangs")
    pgo.wait_deployed("quick", quick.head)
    assert pgo.engine.waiting, "it hangs still"


def test_many_idle_connections_do_not_keep_operators_out(pgo):
    deployed(pgo)
    clients = []
    try:
        for _ in range(500):
            with contextlib.suppress(OSError):
                clients.append(connect(pgo))
        assert len(clients) >= 100
        wait_until(lambda: answers(pgo), "an operator gets in", 40)
        pgo.check_alive()
        assert len(pgo.role_pids("pgod-ssh")) < 200, "a process for each stranger is too many"
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: len(pgo.role_pids("pgod-ssh")) < 10, "the processes go with their connections", 30)


def test_a_client_that_says_nothing_is_dropped(pgo):
    deployed(pgo)
    with connect(pgo) as client:
        client.settimeout(90)
        assert closed(client)
