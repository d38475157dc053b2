"""An unchanged service costs nothing: no write to the engine, no process, no file; a poll is one ls-remote.

Processes are counted from the kernel's process events, the engine's requests by the fake engine, files by their times.
"""

import os

from lib.host import wait_until
from lib.pgo import web
from lib.starts import Starts

SERVICES = 20
EVENTS = 1000
CHECK = {"test": ["CMD", "true"]}


def deployed(pgo, count, **keys):
    repo = pgo.repo("all", {"compose.yaml": web(**keys), "ssh/k.pub": pgo.key.public})
    names = [f"s{number:02d}" for number in range(count)]
    for name in names:
        pgo.service(name, repo, settle="0s")
    pgo.start("--debug")
    for name in names:
        pgo.wait_deployed(name, repo.head, deadline=60)
    wait_until(lambda: not pgo.connections() and pgo.role_pids("pgod-ssh"), "the connections are gone, and a pgod-ssh waits for the next")
    return repo


def files(pgo):
    """Everything in pgod's directory: path → (inode, size, time of the last change)."""
    found = {}
    for folder, names, others in os.walk(pgo.dir):
        for name in names + others:
            path = os.path.join(folder, name)
            about = os.lstat(path)
            found[path] = about.st_ino, about.st_size, about.st_mtime_ns
    return found


def test_a_thousand_events_without_change_write_nothing_and_start_nothing(pgo):
    """Half of them tell nothing new; the others change a container, so that it is decided anew what its service needs: nothing."""
    pgo.poll = "1h"
    deployed(pgo, SERVICES, healthcheck=CHECK)
    boxes = pgo.engine.containers()
    writes, asked, before = pgo.engine.writes(), len(pgo.engine.requests), files(pgo)
    with Starts(pgo.process.pid) as starts:
        for number in range(EVENTS // SERVICES):
            looks = len(pgo.engine.requests)
            for box in boxes:
                if number % 2:
                    pgo.engine.set_health(box, "starting" if box.health == "healthy" else "healthy")
                else:
                    pgo.engine.emit(box, "rename")
            wait_until(lambda looks=looks: len(pgo.engine.requests) >= looks + len(boxes), "each container is looked at")
        assert starts.forks == 0, starts.programs
    assert pgo.engine.writes() == writes
    requests = pgo.engine.requests[asked:]
    assert {method for method, _ in requests} == {"GET"} and all(path.endswith("/json") for _, path in requests), set(requests)
    assert files(pgo) == before
    assert "state       live" in pgo.status("s00")


def test_a_poll_is_one_ls_remote_and_nothing_else(pgo):
    deployed(pgo, 1)
    asked, before, mark = len(pgo.engine.requests), files(pgo), len(pgo.log())
    with Starts(pgo.process.pid) as starts:
        wait_until(lambda: starts.programs.count("pgod-job") >= 5, "five polls", 30)
        wait_until(lambda: pgo.log()[mark:].count("job ended") >= 5, "and their ends", 30)
        programs = list(starts.programs)
    jobs = [line for line in pgo.log()[mark:].splitlines() if "job started" in line]
    assert jobs and all("kind=ls-remote" in line for line in jobs)
    # A repository on this machine is asked through git's upload-pack itself. "?" has ended before its name could be read: it
    # counts like the others.
    assert set(programs) - {"?"} == {"pgod-job", "git"} and len(programs) <= 2 * len(jobs), programs
    assert len(pgo.engine.requests) == asked, "a poll asked the engine"
    assert files(pgo) == before, "a poll wrote a file"
