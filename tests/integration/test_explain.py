"""What would happen, what happened, and why: plan, up --plan, history, deploys, logs deploy, rollback, cancel, hold, release, sync, status."""

import json
import os
import re
import subprocess

import pytest

from lib.host import ended, stays, wait_until
from lib.pgo import web
from lib.scenes import deployed, ids, in_background, three_polls, wait_step

CANARY = "c4n4ry-hunter2"


def shop(image="pgo-test/web:1", password="x", **more):
    """A compose file of two services, whose release waits for an `up`."""
    model = web(image, environment={"PASSWORD": password, "MODE": "a"}, x_pgo={"reload": False})
    model["services"]["db"] = {"image": "pgo-test/web:1"}
    model["services"].update(more)
    return model


@pytest.fixture
def site(pgo):
    pgo.site = pgo.repo("site", {"compose.yaml": shop()})
    pgo.service("site", pgo.site)
    pgo.start().wait_deployed("site", pgo.site.head, count=2)
    return pgo


def pending(pgo, model):
    """Commits a release, which waits; returns the commit."""
    head = pgo.site.commit({"compose.yaml": model})
    pgo.wait_status("site", f"commit {head[:8]} is approved and waits")
    return head


def plan_of(pgo):
    done = pgo.ctl("site", "plan", "--json")
    assert done.returncode in (0, 2), done.stderr
    return json.loads(done.stdout)


def actions(plan):
    return {service["name"]: service["action"] for service in plan["services"]}


# plan


def test_a_plan_of_what_runs_finds_something_to_do(site):
    done = site.ctl("site", "plan")
    assert done.returncode == 0 and "nothing to do" in done.stdout, done.stdout
    assert actions(plan_of(site)) == {"db": "keep", "web": "keep"}


def test_a_plan_tells_which_field_differs_and_hides_what_is_secret(site):
    pending(site, shop("pgo-test/web:2", CANARY, worker={"image": "pgo-test/web:1"}))
    done = site.ctl("site", "plan")
    assert done.returncode == 2
    assert re.search(r"recreate +web +image +pgo-test/web:1 → pgo-test/web:2\n +environment.PASSWORD +\(hidden\) → \(hidden\)\n", done.stdout)
    assert re.search(r"create +worker\n", done.stdout) and re.search(r"recreate +db +with the others\n", done.stdout)
    assert "MODE" not in done.stdout, "what did not change is not told"
    both = done.stdout + site.ctl("site", "plan", "--json").stdout
    assert CANARY not in both


def test_a_plan_touches_something(site):
    pending(site, shop("pgo-test/web:2"))
    wait_until(lambda: len([tag for tag in site.engine.images if tag.startswith("pgo.local/site:")]) == 1, "what waits has let go of its image")
    before, calls, kept = ids(site), len(site.engine.journal), dict(site.engine.images)
    assert site.ctl("site", "plan").returncode == 2
    assert ids(site) == before and len(site.engine.journal) == calls and site.engine.images == kept
    assert site.ref("site") == site.site.head
    assert "approved and waits" in site.status("site")


def test_an_image_that_is_not_there_is_not_mentioned(site):
    site.engine.fail("pull", stderr="registry away")
    head = site.site.commit({"compose.yaml": shop("pgo-test/new:1")})
    site.wait_status("site", f"commit {head[:8]}: ")
    assert "pgo-test/web:1 → pgo-test/new:1 (to be pulled)" in site.ctl("site", "plan").stdout
    assert [s["pull"] for s in plan_of(site)["services"] if s["name"] == "web"] == [True]


def test_two_plans_of_the_same_differ(site):
    pending(site, shop("pgo-test/web:2"))
    assert site.ctl("site", "plan").stdout == site.ctl("site", "plan").stdout


def test_a_plan_of_a_refused_commit_ends_well(site):
    site.site.commit({"compose.yaml": web(privileged=True)})
    site.wait_status("site", "is refused")
    done = site.ctl("site", "plan")
    assert done.returncode == 1 and "services.web.privileged" in done.stderr + done.stdout
    told = site.ctl("site", "plan", "--json")
    assert told.returncode == 1 and json.loads(told.stdout)["violations"][0]["path"] == "services.web.privileged"


@pytest.mark.parametrize("op", ["load", "plan"])
def test_a_program_gets_no_json_when_the_compose_file_cannot_be_read(site, op):
    site.site.commit({"compose.yaml": "{ this is: [not json\n"})
    site.wait_status("site", "is refused: resolve: compose.yaml: compose cannot resolve it; yaml: ")
    done = site.ctl("site", op, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["violations"] == [] and told["reason"].startswith("resolve: compose.yaml: "), told
    assert json.loads(site.ctl("site", op, "--json").stdout) == told, "the same again"


def test_in_place_plans_to_touch_what_did_not_change(site):
    model = shop("pgo-test/web:2")
    model["x-pgo"]["update"] = "in-place"
    pending(site, model)
    assert actions(plan_of(site)) == {"db": "keep", "web": "recreate"}


def test_a_changed_file_is_a_change_of_every_service(pgo):
    model = dict(web(volumes=["./conf:/etc/web"]), **{"x-pgo": {"reload": False, "update": "in-place"}})
    model["services"]["db"] = {"image": "pgo-test/web:1"}
    pgo.site = pgo.repo("site", {"compose.yaml": model, "conf/web.conf": "a"})
    pgo.service("site", pgo.site)
    pgo.start().wait_deployed("site", pgo.site.head, count=2)
    head = pgo.site.commit({"conf/web.conf": "b"})
    pgo.wait_status("site", f"commit {head[:8]} is approved and waits")
    plan = plan_of(pgo)
    assert actions(plan) == {"db": "keep", "web": "recreate"}
    assert [field["path"] for s in plan["services"] for field in s["fields"]] == ["files[./conf]"]
    assert re.search(r"files\[./conf\] +tree [0-9a-f]{8} → tree [0-9a-f]{8}\n", pgo.ctl("site", "plan").stdout)


def test_a_plan_before_the_first_commit_or_without_engine_hangs(site):
    site.engine.stop()
    site.wait_status("site", "healthy +unknown")
    done = site.ctl("site", "plan")
    site.engine.start()
    assert done.returncode == 1 and "engine" in done.stderr


def test_a_model_speaks_to_the_terminal(site):
    model = shop()
    model["services"]["web"]["command"] = ["\x1b[2J", "a\nb", "\u202e"]
    pending(site, model)
    done = site.ctl("site", "plan")
    assert done.returncode == 2 and "\x1b" not in done.stdout and "\u202e" not in done.stdout and "a\nb" not in done.stdout


# up --plan


def test_a_reviewed_plan_is_not_what_is_applied(site):
    head = pending(site, shop("pgo-test/web:2"))
    done = site.ctl("site", "up", "--plan", plan_of(site)["digest"])
    assert done.returncode == 0, done.stderr
    site.wait_deployed("site", head, count=2)
    assert "web: image pgo-test/web:1 → pgo-test/web:2" in done.stderr


def refused_plan(pgo, digest, before):
    done = pgo.ctl("site", "up", "--plan", digest)
    assert done.returncode == 1 and "The plan is now:" in done.stderr, done.stderr
    now = plan_of(pgo)
    assert now["digest"] != digest and (now["digest"] in done.stderr or not now["changes"])
    assert ids(pgo) == before, "something was done"


def test_a_plan_is_applied_although_another_commit_came(site):
    pending(site, shop("pgo-test/web:2"))
    digest, before = plan_of(site)["digest"], ids(site)
    pending(site, shop("pgo-test/web:2", "other"))
    refused_plan(site, digest, before)
    assert "approved and waits" in site.status("site"), "what waited waits still"


def test_a_plan_is_applied_although_its_image_moved(site):
    pending(site, shop("pgo-test/web:2"))
    digest, before = plan_of(site)["digest"], ids(site)
    site.engine.untag("pgo-test/web:2")
    refused_plan(site, digest, before)


def test_a_plan_is_applied_although_something_else_runs(site):
    pending(site, shop("pgo-test/web:2"))
    digest = plan_of(site)["digest"]
    assert site.ctl("site", "up", "--plan", digest).returncode == 0
    refused_plan(site, digest, ids(site))


@pytest.mark.parametrize("words", [["--plan", "x"], ["--plan", "0" * 31], ["--plan", "0" * 32, "web"], ["--plan"]])
def test_a_digest_that_is_none_brings_something_up(site, words):
    pending(site, shop("pgo-test/web:2"))
    before = ids(site)
    assert site.ctl("site", "up", *words).returncode == 1
    assert ids(site) == before


# history, deploys, logs deploy


def test_a_recreate_has_no_reason_in_history(site):
    pending(site, shop("pgo-test/web:2", CANARY))
    assert site.ctl("site", "up").returncode == 0
    reason = "web: image pgo-test/web:1 → pgo-test/web:2, environment.PASSWORD"
    deploys = json.loads(site.ctl("site", "history", "--json").stdout)["deploys"]
    assert reason in deploys[0]["why"] and deploys[0]["outcome"] == "live" and deploys[0]["who"].endswith("test.pub")
    text = site.ctl("site", "history").stdout
    assert reason in text and text.splitlines()[0].split()[0] == "ID"
    assert [line.split()[0] for line in text.splitlines()[1:]] == [str(d["id"]) for d in deploys]
    assert reason in site.ctl("site", "logs", "deploy").stdout
    assert len(site.ctl("site", "history", "-n", "1").stdout.splitlines()) == 2


def test_a_secret_is_told_in_a_log_or_the_database(site):
    pending(site, shop("pgo-test/web:2", CANARY))
    site.ctl("site", "plan")
    assert site.ctl("site", "up").returncode == 0
    told = site.log() + "".join(site.ctl("site", *op).stdout for op in (["history", "--json"], ["deploys"], ["logs", "deploy"], ["status", "--json"]))
    assert CANARY not in told
    for name in ("pgo.db", "pgo.db-wal"):
        with open(os.path.join(site.dir, ".state", name), "rb") as raw:
            assert CANARY.encode() not in raw.read()


def test_a_deploy_cannot_be_looked_at(site):
    last = site.ctl("site", "deploys").stdout
    number = re.match(rf"deploy +(\d+) of commit {site.site.head}", last)[1]  # the second, when the first came before the engine answered
    assert "trigger   poll" in last and "outcome   live" in last
    assert re.search(r"steps +stage +\d+\.\d+ s\n +resolve ", last) and "== up" in last
    told = json.loads(site.ctl("site", "deploys", "--json", number).stdout)
    assert [step["name"] for step in told["steps"]][:3] == ["stage", "resolve", "inputs"] and "== up" in told["log"]
    assert all(step["seconds"] == round(step["seconds"], 3) for step in told["steps"])
    assert not re.search(r"\d\.\d{7}", site.ctl("site", "deploys", "--json", number).stdout), "0.10000000000000001 is not what was measured"
    assert site.ctl("site", "deploys", "77").returncode == 1
    assert "no record of deploy 77" in site.ctl("site", "deploys", "77").stderr
    assert site.ctl("site", "deploys", "web").returncode == 1


def test_a_deploy_that_runs_cannot_be_followed(site):
    pending(site, shop("pgo-test/web:2"))
    site.engine.hold("up")
    in_background(site, "site", "up")
    wait_step(site, "up")
    argv = site.ssh_argv("site//logs -f deploy")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as follower:
        seen = ""
        while "== up" not in seen:
            line = follower.stdout.readline()
            assert line, seen
            seen += line
        assert "Started" not in seen
        site.engine.release("up")
        rest = follower.stdout.read()
        assert ended(follower) == 0
    assert "Started" in rest and rest.rstrip().endswith("live")


def test_a_follower_of_a_failed_deploy_is_told_that_all_is_well(site):
    pending(site, shop("pgo-test/web:2"))
    site.engine.fail("up", stderr="no space left on device", times=1)
    assert site.ctl("site", "up").returncode == 1
    done = site.ctl("site", "logs", "-f", "deploy")
    assert done.returncode == 1 and "no space left on device" in done.stdout
    assert site.ctl("site", "logs", "deploy").returncode == 0, "to look is no failure"


def test_a_compose_service_called_deploy_has_no_logs(pgo):
    deployed(pgo, files={"compose.yaml": {"services": {"deploy": {"image": "pgo-test/web:1"}}}})
    assert "hello from" in pgo.ctl("site", "logs", "--", "deploy").stdout
    assert "== up" in pgo.ctl("site", "logs", "deploy").stdout
    assert "only option is -f" in pgo.ctl("site", "logs", "-n", "5", "deploy").stderr


# rollback, cancel


def test_a_rollback_needs_the_repository(site):
    head = pending(site, shop("pgo-test/web:2"))
    assert site.ctl("site", "up").returncode == 0
    os.rename(site.site.path, site.site.path + ".away")
    site.engine.fail("pull", stderr="no registry")
    done = site.ctl("site", "rollback")
    os.rename(site.site.path + ".away", site.site.path)
    assert done.returncode == 0, done.stderr
    assert site.ref("site") == site.site.head
    assert {box.image_id for box in site.running("site")} == {site.engine.images["pgo-test/web:1"]}
    site.wait_status("site", f"in sync +no: commit {head[:8]} is rolled back")
    stays(lambda: site.ref("site") == site.site.head, "the release of before", three_polls(site, site.site))
    assert site.ctl("site", "rollback", "77").returncode == 1
    assert site.ctl("site", "up").returncode == 0
    site.wait_deployed("site", head, count=2)


def test_a_rollback_without_an_earlier_release_does_something(site):
    before = ids(site)
    done = site.ctl("site", "rollback")
    assert done.returncode == 1 and "no earlier release" in done.stderr
    assert site.ctl("site", "rollback", "web").returncode == 1
    assert ids(site) == before


def test_a_cancelled_deploy_changes_something(site):
    before = ids(site)
    site.engine.hold("pull")
    head = site.site.commit({"compose.yaml": shop("pgo-test/new:1")})
    wait_step(site, "pull")
    assert site.ctl("site", "cancel").returncode == 0
    site.wait_status("site", f"commit {head[:8]} is cancelled")
    assert ids(site) == before and site.ref("site") == site.site.head
    assert site.ctl("site", "cancel").returncode == 1, "nothing is left to cancel"


# hold, release


def test_a_hold_of_an_operator_is_no_stop_file(site):
    done = site.ctl("site", "hold", "disk is", "\x1b[31mfull")
    assert done.returncode == 0 and "held by test.pub, " in done.stdout, done.stdout
    flag = os.path.join(site.dir, "site.stop")
    with open(flag, encoding="utf-8") as text:
        assert re.fullmatch(r"by test.pub, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: disk is \\x1b\[31mfull\n", text.read())
    assert os.stat(flag).st_uid == 0
    wait_until(lambda: not site.running("site"), "stopped")
    refusal = site.ctl("site", "up")
    assert refusal.returncode == 1 and "test.pub" in refusal.stderr and "release" in refusal.stderr
    status = site.status("site")
    assert re.search(r"state +held\n", status) and re.search(r"healthy +no: held down", status) and re.search(r"hold +by test.pub", status)
    assert site.ctl("site", "release").returncode == 0
    assert not os.path.exists(flag)
    site.wait_running("site", 2)


def test_a_hold_is_forgotten_over_a_restart(site):
    assert site.ctl("site", "hold", "moving").returncode == 0
    wait_until(lambda: not site.running("site"), "stopped")
    site.kill()
    site.start()
    site.wait_status("site", "hold +by test.pub, [^\n]*: moving")
    stays(lambda: not site.running("site"), "held", three_polls(site, site.site))
    assert site.ctl("site", "release").returncode == 0
    site.wait_running("site", 2)


def test_a_hold_by_hand_is_another_one(site):
    flag = os.path.join(site.dir, "site.stop")
    with open(flag + ".new", "w", encoding="ascii") as text:
        text.write("disk is being replaced\n")
    os.rename(flag + ".new", flag)
    site.wait_status("site", "hold +by root, [^\n]*: disk is being replaced")
    again = site.ctl("site", "hold", "me too")
    assert again.returncode == 0 and "already" in again.stdout and "disk is being replaced" in again.stdout
    with open(flag, encoding="ascii") as text:
        assert text.read() == "disk is being replaced\n"
    assert site.ctl("site", "release").returncode == 0
    site.wait_running("site", 2)
    assert "is not held" in site.ctl("site", "release").stdout


def test_a_program_cannot_hold(site):
    told = json.loads(site.ctl("site", "hold", "--json", "moving", "house").stdout)
    assert told["held"] is True and told["note"].endswith("UTC: moving house") and told["service"] == "site"
    assert json.loads(site.ctl("site", "release", "--json").stdout) == {"service": "site", "held": False, "note": None}
    told = json.loads(site.ctl("site", "sync", "--json").stdout)
    assert told["commit"] == site.site.head and told["in_sync"] is True and told["new"] is False
    assert told["reason"] == f"commit {site.site.head[:8]} of main"


def test_a_hold_that_cannot_be_written_is_told_as_one(site):
    os.mkdir(os.path.join(site.dir, ".site.stop.new"))
    done = site.ctl("site", "hold")
    os.rmdir(os.path.join(site.dir, ".site.stop.new"))
    assert done.returncode == 1 and "cannot write site.stop" in done.stderr
    assert "state       live" in site.status("site") and len(site.running("site")) == 2


# sync, status


def test_sync_does_not_tell_what_follows(pgo):
    pgo.poll = "10m"
    repo = deployed(pgo)
    same = pgo.ctl("site", "sync")
    assert same.returncode == 0 and same.stdout == f"in sync: yes: commit {repo.head[:8]} of main\n"
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    told = pgo.ctl("site", "sync")
    assert told.returncode == 0 and f"commit {head[:8]} of main: it is deployed now" in told.stdout
    pgo.wait_deployed("site", head)
    os.rename(repo.path, repo.path + ".away")
    failed = pgo.ctl("site", "sync")
    os.rename(repo.path + ".away", repo.path)
    assert failed.returncode == 1 and failed.stderr


def test_status_drowns_the_reader_in_violations(site):
    bad = site.site.commit({"compose.yaml": web(privileged=True, ipc="host", pid="host")})
    status = site.wait_status("site", f"commit {bad[:8]} is refused: policy: services.web.ipc: [^\n]*; and 2 more, which `load` lists\n")
    assert status.count("services.web.ipc") == 1, "the last deploy does not repeat it"
    assert re.search(r"last deploy \d \(poll\) of " + bad[:8] + r": refused, took ", status), status
    assert "services.web.privileged" not in status
    assert len(site.ctl("site", "load").stdout.splitlines()) == 3
    log = site.ctl("site", "logs", "deploy").stdout
    assert re.search("services.web.privileged: ", log) and log.count("services.web.pid: ") == 1


def test_status_hides_why_a_deploy_failed_in_the_progress_of_compose(site):
    site.engine.fail("pull", 18, " web Pulling \n web Error timeout\nError response from daemon: the registry does not answer")
    bad = site.site.commit({"compose.yaml": web("pgo-test/no-such:1")})
    why = "pull: web: Error response from daemon: the registry does not answer"
    status = site.wait_status("site", f"commit {bad[:8]}: {why}; tried again in \\d+ s\n")
    assert status.count("the registry does not answer") == 1 and "Pulling" not in status, status
    assert " web Error timeout" in site.ctl("site", "logs", "deploy").stdout, "its log has all of it"


def test_status_calls_a_deploy_that_will_not_be_tried_again_not_yet_deployed(site):
    site.engine.fail("up", 1, "Error response from daemon: something odd happened")
    bad = site.site.commit({"compose.yaml": web("pgo-test/web:2")})
    status = site.wait_status("site", f"in sync +no: commit {bad[:8]} is unhealthy, and is not tried again by itself\n")
    assert "unhealthy: up: Error response from daemon: something odd happened; release 1" in status
    site.engine.heal("up")
    assert site.ctl("site", "up").returncode == 0 and "in sync     yes" in site.status("site")


def test_status_mixes_deployed_healthy_and_in_sync(site):
    def told():
        return json.loads(site.ctl("site", "status", "--json").stdout)

    fine = told()
    assert [fine[key]["is"] for key in ("deployed", "healthy", "in_sync")] == [True, True, True]
    assert fine["commit"] == site.site.head and fine["release"] == 1 and fine["held"] is False
    head = pending(site, shop("pgo-test/web:2"))
    waits = told()
    assert [waits[key]["is"] for key in ("deployed", "healthy", "in_sync")] == [True, True, False]
    assert waits["tracked"] == head and "reload is false" in waits["in_sync"]["reason"]
    assert site.ctl("site", "stop").returncode == 0
    wait_until(lambda: [told()[key]["is"] for key in ("deployed", "healthy", "in_sync")] == [True, False, False], "stopped")
    site.engine.stop()
    wait_until(lambda: told()["healthy"]["is"] is None, "nobody knows")
    site.engine.start()
