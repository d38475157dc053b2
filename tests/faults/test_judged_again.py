"""The administrator's rules have become others since a release was approved: what may come back, what stays, what is tried again."""

import hashlib

import pytest

from lib.host import run, stays, wait_until
from lib.pgo import web
from lib.scenes import HEALTHY, bad, deployed, deploys, ids, port, running, second, three_polls, wait_rolled_back

CAPABLE = {"cap_add": ["NET_ADMIN"]}


def reconfigured(pgo, **keys):
    """A new pgod with other rules for the service."""
    pgo.stop()
    pgo.service("site", pgo.services["site"]["repository"], **keys)
    return pgo.start().wait_listening()


def touches(pgo):
    return pgo.engine.calls("stop", "site") + pgo.engine.calls("up", "site")


def refused_rollback(pgo, *words):
    """A rollback to release 1 is refused with these words, and nothing was touched for it."""
    before, live, calls = ids(pgo), pgo.ref("site"), len(touches(pgo))
    done = pgo.ctl("site", "rollback", "1")
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    for word in ("release 1 ", "approved by other rules", *words):
        assert word in told, told
    assert deploys(pgo)[-1][:2] == ("operator", "refused")
    assert ids(pgo) == before and pgo.ref("site") == live
    assert len(touches(pgo)) == calls
    return told


NARROWED = [
    (CAPABLE, {"allow": ["cap_add:NET_ADMIN"]}, {}, "services.web.cap_add[0]: the capability NET_ADMIN"),
    ({"ports": [port("5007")]}, {"ports": ["5005/5"]}, {"ports": ["5005/1"]}, "services.web.ports[0]: publishing port 5007"),
    ({"mem_limit": "67108864"}, {}, {"memory": "32m"}, "services.web.mem_limit: more than the memory limit"),
    ({}, {}, {"pids": 50}, "services.web: it has no process limit"),
    ({"labels": {"traefik.enable": "true"}}, {"allow": ["labels:traefik.*"]}, {}, "services.web.labels"),
]


@pytest.mark.parametrize("asks, rules, rules_today, word", NARROWED)
def test_a_rollback_brings_back_what_the_rules_of_today_refuse(pgo, asks, rules, rules_today, word):
    repo = deployed(pgo, files={"compose.yaml": web(**asks)}, **rules)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2", pids_limit=50, mem_limit="33554432")})
    pgo.wait_deployed("site", head)
    reconfigured(pgo, **rules_today)
    refused_rollback(pgo, word)
    pgo.wait_status("site", rf"in sync +yes: commit {head[:8]}")


def test_a_rollback_takes_a_name_that_another_service_has_now(pgo):
    frontend = {"services": {"frontend": {"image": "pgo-test/web:1", "networks": {"edge": None}}}, "networks": {"edge": {"external": True, "name": "edge"}}}
    pgo.engine.create_network("edge")
    repo = deployed(pgo, files={"compose.yaml": frontend})
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web()}))
    pgo.stop()
    site = pgo.services.pop("site")
    pgo.service("shop", pgo.repo("shop"), urls={"shop.example.org": "frontend:8080"})
    pgo.services["site"] = site
    pgo.start().wait_listening()
    refused_rollback(pgo, "services.frontend: ", "shop.example.org")


def test_an_image_of_an_old_release_gives_orders_that_are_allowed_no_more(pgo):
    pgo.engine.add_image("pgo-test/routed:1", labels={"traefik.enable": "true"})
    repo = deployed(pgo, files={"compose.yaml": web("pgo-test/routed:1")}, allow=["labels:traefik.*"])
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web()}))
    reconfigured(pgo)
    refused_rollback(pgo, "services.web.image: the label traefik.enable")


def test_a_refused_rollback_starts_what_an_operator_has_stopped(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**CAPABLE)}, allow=["cap_add:NET_ADMIN"])
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web()}))
    assert pgo.ctl("site", "stop").returncode == 0
    reconfigured(pgo)
    refused_rollback(pgo, "NET_ADMIN")
    stays(lambda: running(pgo) == [], "it stays stopped", three_polls(pgo, repo))
    assert "state       stopped" in pgo.status("site")


def test_a_narrowed_rule_takes_a_healthy_service_down(pgo):
    """What runs goes on and is healed as it was approved; the log says so once, and status each time."""
    repo = deployed(pgo, files={"compose.yaml": web(**CAPABLE)}, allow=["cap_add:NET_ADMIN"])
    before = ids(pgo)
    mark = len(pgo.log())
    reconfigured(pgo)
    says = "release 1 goes on as it was approved, although the rules of today refuse it: services.web.cap_add"
    pgo.wait_log(says, after=mark)
    pgo.wait_status("site", rf"healthy +yes.*in sync +no: {says}")
    stays(lambda: ids(pgo) == before, "it runs on", three_polls(pgo, repo))
    (box,) = pgo.running("site")
    pgo.engine.remove_container(box)
    wait_until(lambda: pgo.running("site") and ids(pgo) != before, "it is healed")
    assert pgo.engine.calls("up")[-1]["model"]["services"]["web"]["cap_add"] == ["NET_ADMIN"]
    assert pgo.log()[mark:].count(says) == 1
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web()}))


def test_a_failed_commit_leaves_the_service_down_because_the_release_of_before_is_refused_today(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**CAPABLE, **HEALTHY)}, allow=["cap_add:NET_ADMIN"])
    reconfigured(pgo)
    pgo.engine.behave("web", health="unhealthy", image=second(pgo))
    wait_rolled_back(pgo, bad(pgo, repo, **HEALTHY), "web: unhealthy")
    wait_until(lambda: [box.image_id for box in pgo.running("site")] == [pgo.engine.images["pgo-test/web:1"]], "the old one runs")


REFUSED = [
    (CAPABLE, {}, {"allow": ["cap_add:NET_ADMIN"]}),
    ({"ports": [port("5007")]}, {"ports": ["5005/1"]}, {"ports": ["5005/5"]}),
    ({"mem_limit": "67108864"}, {"memory": "32m"}, {"memory": "64m"}),
    ({"privileged": True}, {}, {"user": "root"}),
]


@pytest.mark.parametrize("asks, rules, rules_today", REFUSED)
def test_a_commit_stays_refused_although_the_rules_let_it_pass_now(pgo, asks, rules, rules_today):
    repo = deployed(pgo, **rules)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2", **asks)})
    assert "refused" in pgo.wait_judged("site", head)
    pgo.stop()
    if "user" in rules_today:
        run("chown", "-R", "0:0", pgo.live("site"), f"{pgo.dir}/.repos/site.git", f"{pgo.dir}/.stage/site", f"{pgo.datadir}/site", repo.path)
    pgo.service("site", repo, **rules_today)
    pgo.start().wait_deployed("site", head)


def test_a_refused_commit_is_tried_again_although_no_rule_has_changed(pgo):
    """Neither at a new start nor for a key that is no rule; and what runs is not deployed again for a rule that lets it pass."""
    repo = deployed(pgo, allow=["cap_add:NET_RAW"])
    before = ids(pgo)
    assert "refused" in pgo.wait_judged("site", repo.commit({"compose.yaml": web(**CAPABLE)}))
    count = len(deploys(pgo))
    reconfigured(pgo, allow=["cap_add:NET_RAW"], health_timeout="7s")
    stays(lambda: len(deploys(pgo)) == count, "not judged again", three_polls(pgo, repo))
    good = repo.commit({"compose.yaml": web()})
    pgo.wait_deployed("site", good)
    count, touched = len(deploys(pgo)), len(touches(pgo))
    reconfigured(pgo, allow=["cap_add:NET_ADMIN"], ports=["5005/5"], pids=50)
    stays(lambda: (len(deploys(pgo)), len(touches(pgo)), ids(pgo)) == (count, touched, before), "nothing is done", three_polls(pgo, repo))


def test_a_name_that_nobody_has_any_more_stays_refused(pgo):
    joined = {"services": {"frontend": {"image": "pgo-test/web:1", "networks": {"edge": None}}}, "networks": {"edge": {"external": True, "name": "edge"}}}
    pgo.engine.create_network("edge")
    pgo.service("shop", pgo.repo("shop"), urls={"shop.example.org": "frontend:8080"})
    repo = deployed(pgo)
    head = repo.commit({"compose.yaml": joined})
    assert "refused" in pgo.wait_judged("site", head)
    pgo.stop()
    del pgo.services["shop"]["urls"]
    pgo.start().wait_deployed("site", head)


def test_a_changed_variable_is_never_applied(pgo):
    """Of what was refused for want of it, of what runs, and of what was rolled back; not over an operator who went back."""
    lacks = {"compose.yaml": web(environment={"A": "${PASSWORD}"}), "ssh/k.pub": pgo.key.public}
    repo = pgo.repo("site", lacks)
    pgo.service("site", repo)
    pgo.start().wait_judged("site", repo.head)
    reconfigured(pgo, env=["PASSWORD=swordfish-1"])
    pgo.wait_deployed("site", repo.head)
    before = ids(pgo)
    reconfigured(pgo, env=["PASSWORD=swordfish-2"])
    wait_until(lambda: ids(pgo) and ids(pgo) != before, "the container was made anew")
    assert pgo.engine.calls("up", "site")[-1]["model"]["services"]["web"]["environment"] == {"A": "swordfish-2"}
    pgo.wait_status("site", "last deploy[^\n]*: live")
    before, made = ids(pgo), len(deploys(pgo))
    reconfigured(pgo, env=["PASSWORD=swordfish-2"])
    pgo.wait_log("the engine answers")
    pgo.wait_status("site", "in sync +yes")
    assert ids(pgo) == before and len(deploys(pgo)) == made
    head = repo.commit({"compose.yaml": web("pgo-test/web:2", environment={"A": "${PASSWORD}"})})
    pgo.wait_deployed("site", head)
    assert pgo.ctl("site", "rollback").returncode == 0
    before = ids(pgo)
    reconfigured(pgo, env=["PASSWORD=swordfish-3"])
    stays(lambda: ids(pgo) == before, "the operator's word stands", three_polls(pgo, repo))
    with open(f"{pgo.dir}/.state/pgo.db", "rb") as db:
        told = db.read()
    assert not [n for n in (1, 2, 3) if hashlib.sha256(b"PASSWORD=swordfish-%d\0" % n).hexdigest().encode() in told]
