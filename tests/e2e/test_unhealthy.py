"""Healing's end with real healthchecks: what no new container helps is given up aloud, until a commit does."""

import os

from lib.host import stays
from test_commit import wait_page

CHECK = {"test": ["CMD-SHELL", "[ ! -e /www/sick ]"], "interval": "200ms", "retries": 1}


def files(pgo, page="one", check=None):
    web = {"image": "pgo-test/web:1", "volumes": ["./www:/www:ro"], "healthcheck": check or CHECK, "stop_grace_period": "0s"}
    return {"compose.yaml": {"services": {"web": web}}, "www/index.html": page + "\n", "ssh/k.pub": pgo.key.public}


def test_a_service_that_stays_unhealthy_is_made_anew_for_ever(pgo):
    repo = pgo.repo("site", files(pgo))
    pgo.service("site", repo, update="in-place")
    pgo.start().wait_deployed("site", repo.head, deadline=40)
    first = wait_page(pgo, "one").id
    open(pgo.live("site", "www", "sick"), "wb").close()
    pgo.wait_log("bringing it up: web: unhealthy service=site attempt=2", 30)
    # One that helps: it is live again, and nothing was given up.
    os.unlink(pgo.live("site", "www", "sick"))
    pgo.wait_status("site", "state +live.*healthy +yes", 30)
    healed = wait_page(pgo, "one").id
    assert healed != first
    # None helps.
    open(pgo.live("site", "www", "sick"), "wb").close()
    pgo.wait_log("broken: gave up after 8 attempts to bring it up: web: unhealthy service=site", 90)
    pgo.wait_status("site", r"state +broken.*healthy +no: web: unhealthy \(gave up bringing it up\)")
    # It is left as it is, and serves what it can.
    left = wait_page(pgo, "one").id
    polls = pgo.polls(repo)
    stays(lambda: wait_page(pgo, "one").id == left, "left for people", lambda: polls.count() >= 3)
    fixed = {**CHECK, "test": ["CMD", "true"]}
    pgo.wait_deployed("site", repo.commit(files(pgo, "two", fixed)), deadline=40)
    pgo.wait_status("site", "state +live.*healthy +yes")
    assert wait_page(pgo, "two").id != left
