"""What becomes unhealthy long after its deploy is made anew with growing pauses, until that is given up aloud and left for people."""

import re

from lib.host import stays
from lib.pgo import web
from lib.scenes import deploys, three_polls, wait_step

ATTEMPTS = 8
PAUSES_MS = [50, 250, 500, 1000, 2000, 4000, 8000, 16000]


def compose_file(**more):
    return {"services": {"web": web()["services"]["web"], "db": {"image": "pgo-test/web:2"}}, "x-pgo": {"update": "in-place"}, **more}


def deployed(pgo):
    for tag in (1, 2):
        pgo.engine.add_image(f"pgo-test/web:{tag}", healthcheck=True)
    repo = pgo.repo("site", {"compose.yaml": compose_file(), "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start()
    pgo.wait_deployed("site", repo.head, 2)
    return repo


def only(pgo, name="web"):
    (box,) = [box for box in pgo.running("site") if box.service == name]
    return box


def get_sick(pgo, name="web"):
    """This container, and each that follows."""
    pgo.engine.behave(name, health="unhealthy")
    pgo.engine.set_health(only(pgo, name), "unhealthy")


def heals(pgo):
    """What compose was asked for to heal web."""
    heals = [call for call in pgo.engine.calls("up", "site") if "--no-deps" in call["argv"]]
    assert all(call["argv"][-3:] == ["--no-deps", "--force-recreate", "web"] for call in heals), heals
    return heals


def given_up(pgo):
    get_sick(pgo)
    pgo.wait_status("site", "state +failing.*healthy +no: web: unhealthy")
    pgo.wait_log(f"broken: gave up after {ATTEMPTS} attempts to bring it up: web: unhealthy service=site", 90)
    return only(pgo).id


def test_an_unhealthy_container_is_made_anew_for_ever(pgo):
    repo = deployed(pgo)
    release, other, first = pgo.ref("site"), only(pgo, "db").id, only(pgo).id
    made = given_up(pgo)
    assert made != first and only(pgo, "db").id == other
    begun, passed = [ms for (ms,) in deploys(pgo, "begun_ms")][1:], [call["passed"] for call in heals(pgo)]
    assert len(begun) == len(passed) == ATTEMPTS
    # A pause is over when the next heal begins: how long its compose then takes to start is another time with each.
    for number, least_ms in enumerate(PAUSES_MS[1:]):
        assert least_ms <= begun[number + 1] - begun[number] + 100
        assert (passed[number + 1] - passed[number]) * 1000 < 2 * least_ms + 3000
    # The bad commit, if it is one, was good once: nothing older takes its place.
    pgo.wait_status("site", r"state +broken.*healthy +no: web: unhealthy \(gave up bringing it up\).*in sync +yes")
    assert pgo.ref("site") == release
    stays(lambda: only(pgo).id == made and len(heals(pgo)) == ATTEMPTS, "left for people", three_polls(pgo, repo))
    assert len(re.findall("broken: gave up", pgo.log())) == 1

    # An `up` that does not help says so, and is no verdict on the commit.
    tried = pgo.ctl("site", "up")
    assert tried.returncode == 1 and "web is unhealthy and made anew" in tried.stderr
    assert "unhealthy: watch: web: unhealthy" in tried.stderr and "rolled back" not in tried.stderr
    tried_on = only(pgo).id
    assert tried_on != made and only(pgo, "db").id == other
    pgo.wait_status("site", r"state +broken.*in sync +yes")

    # One that does clears it, and the budget is whole again.
    pgo.engine.behave("web")
    assert pgo.ctl("site", "up").returncode == 0
    assert only(pgo).id != tried_on and only(pgo, "db").id == other
    pgo.wait_status("site", "state +live.*healthy +yes")
    healthy = only(pgo).id
    pgo.engine.set_health(only(pgo), "unhealthy")
    pgo.wait_log("bringing it up: web: unhealthy service=site attempt=1.*attempt=1")
    pgo.wait_status("site", "state +live.*healthy +yes")
    assert only(pgo).id != healthy


def test_a_commit_cannot_be_deployed_while_something_that_it_leaves_alone_is_unhealthy(pgo):
    repo = deployed(pgo)
    get_sick(pgo, "db")
    pgo.wait_log("bringing it up: db: unhealthy service=site attempt=5")
    # The next attempt is seconds away.
    pgo.wait_status("site", "healthy +no: db: unhealthy")
    plan = pgo.ctl("site", "plan")
    assert plan.returncode == 2 and re.search("recreate +db +unhealthy\n +keep +web", plan.stdout), plan.stdout
    pgo.engine.hold("GET /images/*")
    head = repo.commit({"compose.yaml": compose_file(**{"x-version": "2"})})
    # From here on nobody heals it, however long that takes.
    wait_step(pgo, "GET /images/*")
    sick, before = only(pgo, "db").id, only(pgo).id
    pgo.engine.behave("db")
    pgo.engine.release("GET /images/*")
    pgo.wait_deployed("site", head, 2)
    pgo.wait_status("site", "state +live.*healthy +yes")
    assert only(pgo, "db").id != sick and only(pgo).id == before
    assert "db is unhealthy and made anew" in pgo.ctl("site", "deploys").stdout
