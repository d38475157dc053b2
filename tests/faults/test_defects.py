"""What was wrong in the program that this one replaces, where no other test shows it. tests/BURNS.md says which test stands for which defect."""

import os

import pytest

from lib.host import stays, wait_until
from lib.pgo import web
from lib.scenes import deployed, ids, three_polls


def test_a_repository_cannot_call_itself_another_service(pgo):
    """`name:` in the file, or COMPOSE_PROJECT_NAME in .env, made its operations those of somebody else's containers."""
    shop = deployed(pgo, "shop")
    before = ids(pgo, "shop")
    files = {"compose.yaml": {"name": "shop", **web("pgo-test/web:2")}, ".env": "COMPOSE_PROJECT_NAME=shop\nCOMPOSE_FILE=other.yaml\n"}
    thief = pgo.repo("thief", {**files, "other.yaml": web(privileged=True), "ssh/k.pub": pgo.key.public})
    pgo.service("thief", thief)
    pgo.stop()
    pgo.start()
    pgo.wait_deployed("thief", thief.head)
    pgo.wait_deployed("shop", shop.head)
    assert ids(pgo, "shop") == before
    for entry in pgo.engine.calls():
        words = entry["argv"]
        assert words[words.index("-p") + 1] == entry["project"] and (entry["model"] or {}).get("name", entry["project"]) == entry["project"]
    assert pgo.ctl("thief", "down").returncode == 0
    assert ids(pgo, "shop") == before and not pgo.running("thief")


def test_a_compose_file_that_extends_a_file_of_the_host_learns_nothing_of_it(pgo):
    repo = deployed(pgo)
    compose = {"services": {"web": {"extends": {"file": "/etc/shadow", "service": "web"}, "env_file": ["/etc/passwd"], "image": "pgo-test/web:1"}}}
    told = pgo.wait_judged("site", repo.commit({"compose.yaml": compose}))
    assert "root:" not in told and pgo.running("site")


@pytest.mark.parametrize("name", ["secrets.env", "app/Dockerfile", ".env"])
def test_an_edit_of_what_the_compose_file_reads_is_a_change(pgo, name):
    compose = {"services": {"web": {"build": "./app", "environment": {"A": "${A:-}"}, "env_file": ["secrets.env"]}}}
    files = {"compose.yaml": compose, "secrets.env": "B=1\n", "app/Dockerfile": "FROM pgo-test/web:1\n", ".env": "A=1\n"}
    repo = deployed(pgo, files={**files, "ssh/k.pub": pgo.key.public})
    before = ids(pgo)
    edited = {"secrets.env": "B=2\n", "app/Dockerfile": "FROM pgo-test/web:2\n", ".env": "A=2\n"}[name]
    pgo.wait_deployed("site", repo.commit({name: edited}))
    assert ids(pgo) != before


def test_git_pull_of_an_operator_deploys_what_it_brings(pgo):
    """It used to swallow the change: the poll after it found nothing new."""
    pgo.poll = "1h"
    repo = deployed(pgo)
    before = ids(pgo)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    assert pgo.ctl("site", "git", "pull").returncode == 0
    pgo.wait_deployed("site", head)
    assert ids(pgo) != before


@pytest.mark.parametrize("op", ["up", "start", "restart", "pull"])
def test_an_operation_does_not_lift_the_hold_of_the_hosts_administrator(pgo, op):
    repo = deployed(pgo)
    with open(os.path.join(pgo.dir, "site.stop"), "w", encoding="ascii") as flag:
        flag.write("maintenance of the disks\n")
    wait_until(lambda: not pgo.running("site"), "the service is stopped")
    done = pgo.ctl("site", op)
    if op != "pull":
        assert done.returncode != 0 and "held" in done.stdout + done.stderr, done.stdout + done.stderr
    stays(lambda: not pgo.running("site"), "held down", three_polls(pgo, repo))


def test_the_account_of_a_service_that_may_not_use_the_engine_cannot(pgo):
    """git and compose's reading of the file ran with the engine's group: whoever could push was root."""
    repo = deployed(pgo)
    hook = os.path.join(pgo.dir, ".repos", "site.git", "hooks", "post-checkout")
    os.makedirs(os.path.dirname(hook), exist_ok=True)
    proof = os.path.join(pgo.accounts.a.pw_dir, "hook-ran")
    with open(hook, "w", encoding="ascii") as out:
        out.write(f"#!/bin/sh\ntouch {proof}\n")
    os.chmod(hook, 0o755)
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web("pgo-test/web:2")}))
    assert not os.path.exists(proof), "a hook of the bare repository ran"


@pytest.mark.parametrize("damage", ["cut short", "zeroes"])
def test_a_configuration_that_was_damaged_removes_no_service(pgo, damage):
    deployed(pgo)
    before = ids(pgo)
    with open(pgo.config, encoding="utf-8") as whole:
        text = whole.read()
    pgo.stop()
    pgo.write_config(text[: len(text) // 2] if damage == "cut short" else "\0" * 100)
    pgo.start(write=False)
    assert pgo.wait_exit() == 1
    assert ids(pgo) == before and os.path.exists(pgo.live("site", "compose.yaml"))


def test_a_directory_that_is_not_pgods_is_not_taken_for_its_own(pgo):
    """-d /srv was accepted, and what lay there removed as services that are gone."""
    foreign = os.path.join(pgo.base, "srv")
    os.makedirs(os.path.join(foreign, "www", "pages"))
    with open(os.path.join(foreign, "www", "pages", "index.html"), "w", encoding="ascii") as page:
        page.write("precious")
    repo = pgo.repo("site")
    pgo.service("site", repo)
    pgo.dir = foreign
    pgo.start().wait_deployed("site", repo.head)
    pgo.stop()
    with open(os.path.join(foreign, "www", "pages", "index.html"), encoding="ascii") as page:
        assert page.read() == "precious"


def test_a_service_whose_first_fetch_failed_starts_when_the_remote_is_back(pgo):
    repo = pgo.repo("site")
    os.rename(repo.path, repo.path + ".away")
    pgo.service("site", repo)
    pgo.start().wait_listening()
    pgo.wait_log("service=site")
    assert pgo.ctl("site", "ping").returncode != 0, "without a commit there are no keys"
    os.rename(repo.path + ".away", repo.path)
    pgo.wait_deployed("site", repo.head, deadline=40)


def test_restart_does_not_merely_start(pgo):
    deployed(pgo)
    (box,) = pgo.running("site")
    assert pgo.ctl("site", "restart").returncode == 0
    verbs = [entry["verb"] for entry in pgo.engine.calls(project="site")]
    assert verbs[-1] == "restart" and pgo.running("site")[0].id == box.id


def test_the_exit_status_of_an_operation_reaches_the_caller(pgo):
    deployed(pgo)
    assert pgo.ctl("site", "exec", "web", "sh", "-c", "exit 7").returncode == 7
    pgo.engine.fail("restart", 3, "no such thing")
    done = pgo.ctl("site", "restart")
    assert done.returncode == 3 and "no such thing" in done.stderr, (done.returncode, done.stdout, done.stderr)


def test_what_was_refused_is_not_upped_by_an_operator_either(pgo):
    """The policy only wrote warnings, and operators' up and start did not ask it."""
    repo = deployed(pgo)
    before = ids(pgo)
    pgo.wait_judged("site", repo.commit({"compose.yaml": web(privileged=True, volumes=["/:/host"])}))
    for op in ("up", "start", "restart", "pull"):
        pgo.ctl("site", op)
    assert ids(pgo) == before
    assert not [entry for entry in pgo.engine.calls(project="site") if "privileged" in str((entry["model"] or {}).get("services"))]
