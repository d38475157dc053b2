"""What is killed comes back; what an operator stopped stays down."""

import os
import signal
import subprocess
import time

import pytest

from lib.host import busy_s, command_of, kill_quietly, stays, wait_until
from lib.pgo import web
from lib.scenes import deployed, deploys, ids, three_polls


def only(pgo, name="site"):
    (box,) = pgo.engine.containers(name)
    return box


def test_a_removed_container_comes_back(pgo):
    pgo.poll = "10m"
    deployed(pgo)
    pgo.engine.remove_container(only(pgo))
    pgo.wait_running("site")


def test_a_killed_container_comes_back(pgo):
    pgo.poll = "10m"
    deployed(pgo)
    pgo.engine.kill_container(only(pgo))
    pgo.wait_running("site")


@pytest.mark.parametrize("policy", ["no", "on-failure"])
def test_exit_0_is_finished_and_not_dead(pgo, policy):
    repo = deployed(pgo, files={"compose.yaml": web(restart=policy), "ssh/k.pub": pgo.key.public})
    pgo.engine.kill_container(only(pgo), 0)
    stays(lambda: not pgo.running("site"), "finished", three_polls(pgo, repo))


@pytest.mark.parametrize("op", ["stop", "down"])
def test_what_an_operator_put_down_stays_down_across_a_restart_of_pgod(pgo, op):
    repo = deployed(pgo)
    assert pgo.ctl("site", op).returncode == 0
    wait_until(lambda: not pgo.running("site"), "the service is down")
    stays(lambda: not pgo.running("site"), "down", three_polls(pgo, repo))
    pgo.stop()
    pgo.start().wait_listening()
    stays(lambda: not pgo.running("site"), "down after a restart", three_polls(pgo, repo))
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_running("site")


def test_a_crash_loop_is_retried_with_growing_pauses(pgo):
    deployed(pgo)
    deaths = []

    def kill_again():
        for box in pgo.running("site"):
            pgo.engine.kill_container(box, 1)
            deaths.append(time.monotonic() - busy_s())
        return len(deaths) == 5

    wait_until(kill_again, "it is brought up again and again", 60)
    # How long the machine was busy with what was to be done makes no pause longer.
    early_s, begun = deaths[2] - deaths[1], [ms for (ms,) in deploys(pgo, "begun_ms")][1:]
    assert begun[3] - begun[2] > 2000 * early_s, (deaths, begun)
    pgo.engine.hold("up")
    kill_again()
    pgo.wait_status("site", "exited with 1|failing|broken")


def test_an_engine_that_is_down_at_the_start_is_waited_for(pgo):
    repo = pgo.repo("site")
    pgo.service("site", repo)
    pgo.engine.stop()
    pgo.start().wait_listening()
    pgo.wait_log("engine")
    pgo.engine.start()
    pgo.wait_deployed("site", repo.head)


def test_an_engine_that_restarts_changes_nothing(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    pgo.engine.restart()
    pgo.wait_status("site", repo.head[:8])
    stays(lambda: ids(pgo) == before, "left alone", three_polls(pgo, repo))
    pgo.engine.remove_container(only(pgo))
    pgo.wait_running("site")


def test_a_container_that_died_while_the_engine_was_away_comes_back(pgo):
    deployed(pgo)
    pgo.engine.stop()
    pgo.engine.kill_container(only(pgo))
    pgo.engine.start()
    pgo.wait_running("site")


def test_git_away_at_boot_the_last_release_is_started(pgo):
    repo = deployed(pgo)
    pgo.stop()
    os.rename(repo.path, repo.path + ".away")
    pgo.engine.remove_container(only(pgo))
    pgo.start()
    pgo.wait_running("site")


def test_sigkill_of_core_is_survived(pgo):
    deployed(pgo)
    before = ids(pgo)
    (core,) = pgo.role_pids("pgod-core")
    os.kill(core, signal.SIGKILL)
    wait_until(lambda: pgo.role_pids("pgod-core") not in ([], [core]), "core is back")
    pgo.check_alive()
    wait_until(lambda: pgo.ctl("site", "ping").returncode == 0, "operators are served")
    assert ids(pgo) == before
    pgo.engine.remove_container(only(pgo))
    pgo.wait_running("site")


def test_sigkill_of_core_in_the_middle_of_an_up_converges(pgo):
    repo = deployed(pgo)
    pgo.engine.hold("up")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    wait_until(lambda: [e for e in pgo.engine.waiting if e["verb"] == "up"], "compose up runs")
    (core,) = pgo.role_pids("pgod-core")
    os.kill(core, signal.SIGKILL)
    wait_until(lambda: pgo.role_pids("pgod-core") not in ([], [core]), "core is back")
    pgo.engine.release("up")
    pgo.wait_deployed("site", head)


def test_sigkill_of_a_session_hurts_nobody_else(pgo):
    deployed(pgo)
    session = subprocess.Popen(
        pgo.ssh_argv("site//exec web cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        wait_until(lambda: pgo.engine.calls("exec"), "exec runs")
        # Those who asked before may still be leaving.
        (child,) = wait_until(lambda: (found := pgo.connections()) and len(found) == 1 and found, "the session has its process")
        kill_quietly(child)
        session.wait(60)
    finally:
        session.kill()
        session.communicate()
    assert pgo.ctl("site", "ping").returncode == 0
    running = pgo.engine.calls("exec")[0]["pid"]
    wait_until(lambda: not command_of(running), "its job went along")


def test_sigkill_of_pgod_at_rest_converges(pgo):
    deployed(pgo)
    before = ids(pgo)
    pgo.kill()
    wait_until(lambda: not pgo.orphans(), "core and the others follow pgod")
    pgo.start().wait_listening()
    pgo.wait_running("site")
    assert ids(pgo) == before


def test_sigkill_of_pgod_while_compose_runs_waits_for_the_old_one(pgo):
    repo = deployed(pgo)
    pgo.engine.hold("up")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    wait_until(lambda: [e for e in pgo.engine.waiting if e["verb"] == "up"], "compose up runs")
    ups = len(pgo.engine.calls("up"))
    pgo.kill()
    mark = len(pgo.log())
    pgo.start().wait_listening()
    pgo.wait_log("wait", after=mark)
    changing = [e for e in pgo.engine.calls()[-1:] if e["verb"] in ("stop", "up", "down")]
    assert len(pgo.engine.calls("up")) == ups, changing
    pgo.engine.release("up")
    pgo.wait_deployed("site", head)


def test_sigkill_of_pgod_between_stop_and_up_brings_the_service_back(pgo):
    # Of two, since one alone is replaced without a stop.
    two = {name: {"image": "pgo-test/web:1"} for name in ("web", "db")}
    repo = pgo.repo("site", {"compose.yaml": {"services": two}, "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, 2)
    pgo.engine.hold("stop")
    repo.commit({"compose.yaml": {"services": {**two, "web": {"image": "pgo-test/web:2"}}}})
    wait_until(lambda: [e for e in pgo.engine.waiting if e["verb"] == "stop"], "compose stop runs")
    pgo.kill()
    pgo.engine.release("stop")
    wait_until(lambda: not pgo.orphans(), "the old job ends")
    pgo.start().wait_listening()
    pgo.wait_running("site", 2, deadline=30)


def test_a_stored_model_that_is_damaged_hurts_one_service_for_one_deploy(pgo):
    deployed(pgo)
    other = pgo.repo("other")
    pgo.service("other", other)
    pgo.stop()
    pgo.start().wait_deployed("other", other.head)
    pgo.stop()
    folder = os.path.join(pgo.dir, ".state", "models", "site")
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "w", encoding="ascii") as model:
            model.write('{"services": ')
    before = ids(pgo, "other")
    seen = len(pgo.log())
    pgo.start()
    pgo.wait_log("cannot be read, the tracked commit is deployed anew", after=seen)
    pgo.wait_status("site", "state +live.*in sync +yes")
    assert ids(pgo, "other") == before
