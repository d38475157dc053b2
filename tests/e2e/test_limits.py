"""The administrator's cpus, memory and pids: the kernel holds every container to them, in every update style, and a death for want of memory
is explained."""

import os
import re

import pytest

from lib.host import wait_until
from test_commit import fetch, wait_page

MIB = 1 << 20
LIMITS = {"cpus": 0.5, "memory": "48m", "pids": 40}
HELD = {"cpus": 0.5, "memory": 48 * MIB, "pids": 40}

STYLES = ["recreate", "in-place", "start-first"]
CHECK = {"test": ["CMD", "test", "-e", "/www/index.html"], "interval": "300ms", "retries": 2}


def files(pgo, page="one", **more):
    web = {"image": "pgo-test/web:1", "volumes": ["./www:/www:ro"], "healthcheck": CHECK, "stop_grace_period": "0s", **more}
    return {"compose.yaml": {"services": {"web": web}}, "www/index.html": page + "\n", "ssh/k.pub": pgo.key.public}


def deployed(pgo, **keys):
    repo = pgo.repo("site", files(pgo))
    pgo.service("site", repo, **{**LIMITS, "health_timeout": "40s", **keys})
    pgo.start().wait_deployed("site", repo.head, deadline=40)
    return repo


def web(pgo):
    (box,) = pgo.engine.containers("site")
    return box


def asked_for(pgo, box):
    """What the engine was told."""
    host = pgo.engine.ask("GET", f"/containers/{box.id}/json")[1]["HostConfig"]
    cpus = host["NanoCpus"] / 1e9 if host["NanoCpus"] else host["CpuQuota"] / (host["CpuPeriod"] or 100000)
    return {"cpus": cpus, "memory": host["Memory"], "pids": host["PidsLimit"]}


def same_limits(pgo, limits):
    box = web(pgo)
    assert asked_for(pgo, box) == limits
    assert pgo.engine.cgroup_limits(box) == limits


@pytest.mark.parametrize("style", STYLES)
def test_a_container_has_more_than_the_administrator_grants(pgo, style):
    repo = deployed(pgo, update=style)
    same_limits(pgo, HELD)
    before = web(pgo).id
    # Less than granted is the compose file's own business; what it does not say stays limited.
    pgo.wait_deployed("site", repo.commit(files(pgo, mem_limit="32m")), deadline=40)
    assert web(pgo).id != before
    same_limits(pgo, {**HELD, "memory": 32 * MIB})
    limits = {"cpus": "0.25", "pids": 20}
    pgo.wait_deployed("site", repo.commit(files(pgo, deploy={"resources": {"limits": limits}})), deadline=40)
    same_limits(pgo, {**HELD, "cpus": 0.25, "pids": 20})


GREEDY = {
    "cpus": 0.6,
    "cpu_quota": 60000,
    "mem_limit": "49m",
    "memswap_limit": -1,
    "pids_limit": -1,
    "deploy": {"resources": {"limits": {"memory": "1g"}}},
}


def test_a_compose_file_that_wants_more_than_is_granted_is_deployed(pgo):
    repo = deployed(pgo)
    before = web(pgo).id
    for key, value in GREEDY.items():
        text = pgo.wait_judged("site", repo.commit(files(pgo, **{key: value})), 40)
        assert re.search(rf"refused: .*services\.web\.{key}.*limit of this service", text, re.S), text
    assert web(pgo).id == before
    same_limits(pgo, HELD)


# It cannot be healthy before it is dead, however long that takes.
EATS = {"command": ["sh", "-c", "exec tail /dev/zero"], "healthcheck": {**CHECK, "interval": "1h"}}


@pytest.mark.parametrize("style", STYLES)
def test_a_release_that_runs_out_of_memory_is_left_unexplained(pgo, style):
    repo = deployed(pgo, update=style)
    bad = repo.commit(files(pgo, **EATS))
    text = pgo.wait_judged("site", bad, 60)
    assert re.search(r"rolled back: .*exited with 137 \(out of memory\)", text), text
    assert wait_page(pgo, "one")
    same_limits(pgo, HELD)
    pgo.wait_log("out of memory: web used all that it may, and the kernel ended a process in it service=site")


def test_a_loop_of_starts_for_want_of_memory_is_left_unexplained(pgo):
    repo = deployed(pgo)
    text = pgo.wait_judged("site", repo.commit(files(pgo, **EATS, restart="always")), 60)
    assert re.search(r"rolled back: .*dies again and again[^\n]*\(out of memory\)", text), text
    wait_page(pgo, "one")


def test_a_process_that_dies_for_want_of_memory_beside_the_service_is_not_told(pgo):
    deployed(pgo)
    box = web(pgo)
    assert pgo.ctl("site", "exec", "web", "tail", "/dev/zero").returncode == 137
    pgo.wait_status("site", r"healthy +yes.*memory +web used all that it may 1 time, last \d+ s ago")
    assert '"memory": "web used all that it may' in pgo.ctl("site", "status", "--json").stdout
    assert web(pgo).id == box.id and fetch(box) == "one"


# As long as the file `hungry` lies there each start ends so; the first waits for the bell.
HUNGRY = ["sh", "-c", "[ ! -e /www/hungry ] || exec tail /dev/zero; httpd -p 8080 -h /www; read x </www/bell; exec tail /dev/zero"]


def test_what_ends_for_want_of_memory_long_after_its_deploy_does_not_come_back(pgo):
    repo = deployed(pgo)
    hungry, bell = pgo.live("site", "www", "hungry"), pgo.live("site", "www", "bell")
    os.mkfifo(bell)
    pgo.wait_deployed("site", repo.commit(files(pgo, "two", command=HUNGRY)), deadline=40)
    before = wait_page(pgo, "two").id
    open(hungry, "wb").close()
    os.close(os.open(bell, os.O_WRONLY))
    pgo.wait_log(r"does not run as it should, bringing it up: web: exited with 137 \(out of memory\)", 40)
    os.unlink(hungry)
    assert wait_page(pgo, "two").id == before
    wait_until(lambda: re.search(r"heal.*exited with 137 \(out of memory\)", pgo.ctl("site", "history").stdout), "the history says why")
    same_limits(pgo, HELD)
