"""What many tests begin with: a service that runs, and the words they share to say what happens to it."""

import contextlib
import os
import re
import socket
import sqlite3
import subprocess

from lib.host import wait_until
from lib.pgo import program, web

CHECK = {"test": ["CMD", "true"]}
HEALTHY = {"healthcheck": CHECK}
START_FIRST = {"update": "start-first"}


def deployed(pgo, name="site", files=None, **keys):
    """A service that runs its first commit; returns its repository."""
    repo = pgo.repo(name, files)
    pgo.service(name, repo, **keys)
    pgo.start()
    pgo.wait_deployed(name, repo.head)
    return repo


def three_polls(pgo, repo):
    """A condition: pgod looked at the repository a few times since now."""
    counter = pgo.polls(repo)
    return lambda: counter.count() >= 3


def ids(pgo, name="site"):
    return sorted(box.id for box in pgo.engine.containers(name))


def running(pgo, name="site"):
    return sorted(box.service for box in pgo.running(name))


def port(published):
    return {"target": 80, "published": published, "mode": "ingress", "protocol": "tcp"}


def by_service(pgo, service):
    return [box for box in pgo.engine.containers("site") if box.service == service]


def gits_of(pgo, kind, after=0):
    """The services for which a job of this kind was started."""
    return re.findall(rf"job started service=(\S+) kind={kind} ", pgo.log()[after:])


def hold_down(pgo, name="site"):
    flag = os.path.join(pgo.dir, name + ".stop")
    with open(flag, "w", encoding="ascii"):
        pass
    return flag


def in_background(pgo, name, op):
    argv = [program("pgoctl"), "-i", pgo.key.private, "-p", str(pgo.port), "--accept-new", "--", f"127.0.0.1:{name}//{op}"]
    return pgo.helper(subprocess.Popen(argv, env={"HOME": pgo.path("home"), "PATH": "/usr/bin:/bin"}, stdout=subprocess.DEVNULL))


def wait_step(pgo, verb, count=1):
    wait_until(lambda: len([e for e in pgo.engine.waiting if e["verb"] == verb]) >= count, f"{verb} is under way")


def shop(image="pgo-test/web:1", **more):
    """`web` can be switched."""
    return web(image, healthcheck=CHECK, x_pgo=START_FIRST, **more)


def shop_deployed(pgo, count=1, files=None, health_timeout="5s", **more):
    repo = pgo.repo("site", {"compose.yaml": shop(**more), "ssh/k.pub": pgo.key.public, **(files or {})})
    pgo.service("site", repo, health_timeout=health_timeout, settle="100ms")
    pgo.start().wait_deployed("site", repo.head, count=count)
    return repo


def rows(pgo, sql, *args):
    """What core has written down."""
    path = os.path.join(pgo.dir, ".state", "pgo.db")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(sql, args).fetchall()


def deploys(pgo, what="trigger, outcome, why"):
    return rows(pgo, f"SELECT {what} FROM deploy WHERE service = 'site' ORDER BY id")


def image_of(pgo, name="site"):
    return sorted({box.image_id for box in pgo.running(name)})


def second(pgo):
    return pgo.engine.images["pgo-test/web:2"]


def bad(pgo, repo, image="pgo-test/web:2", **keys):
    """Commits a release whose containers have another image; how they behave is the test's business."""
    return repo.commit({"compose.yaml": web(image, **keys)})


def wait_rolled_back(pgo, head, why):
    return pgo.wait_status("site", rf"in sync +no: commit {head[:8]} is rolled back: [^\n]*{why}.*last deploy[^\n]*, took")


def assert_old_runs(pgo, repo):
    assert image_of(pgo) == [pgo.engine.images["pgo-test/web:1"]]
    assert pgo.ref("site") == repo.head
    # It is told how a deploy ended before the images that nobody needs any more have lost their tags.
    pgo.wait_status("site", "state +live")


def in_db(pgo, sql):
    """Asks or changes what core has written down; the first value of the first row."""
    path = os.path.join(pgo.dir, ".state", "pgo.db")
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as db, db:
        return next(iter(db.execute(sql).fetchall()), [None])[0]


def finished(pgo):
    """The compose services that core knows to have ended by themselves, a line each."""
    return in_db(pgo, "SELECT finished FROM service")


# Connections


def connect(pgo):
    client = socket.create_connection(("127.0.0.1", pgo.port), 10)
    client.settimeout(30)
    return client


def closed(client):
    with contextlib.suppress(ConnectionError):
        while client.recv(65536):
            pass
    return True


def answers(pgo):
    return pgo.ctl("site", "ping").stdout.startswith("pong!")
