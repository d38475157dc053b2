"""The policy in the daemon: what the administrator says, what other services have, what images bring along."""

import glob
import json
import os

from lib.pgo import web
from lib.scenes import deployed, ids, port

EDGE = {"edge": {"external": True, "name": "edge"}}


def approved(pgo, name="site"):
    """The newest approved model."""
    models = glob.glob(pgo.path("dir", ".state", "models", name, "*.json")) or glob.glob(
        os.path.join(pgo.dir, ".state", "models", name, "*.json")
    )
    with open(max(models, key=os.path.getmtime), encoding="utf-8") as text:
        return json.load(text)


def refused(pgo, repo, files, *words, name="site"):
    """The commit is refused with these words, and what runs stays."""
    before = ids(pgo, name)
    status = pgo.wait_judged(name, repo.commit({"compose.yaml": files}))
    assert "refused" in status
    text = pgo.ctl(name, "load").stdout
    for word in words:
        assert word in text, text
    assert ids(pgo, name) == before


def test_a_container_without_limits_takes_the_whole_machine(pgo):
    repo = deployed(pgo, cpus=0.5, memory="64m", pids=50)
    service = approved(pgo)["services"]["web"]
    assert (service["cpus"], service["mem_limit"], service["pids_limit"]) == (0.5, "67108864", 50)
    refused(
        pgo,
        repo,
        web(cpus=2, mem_limit="1073741824", pids_limit=-1),
        "services.web.cpus: more than the cpu limit",
        "services.web.mem_limit: more than the memory limit",
        "services.web.pids_limit: more than the process limit",
    )


def test_an_exception_allows_more_than_it_says(pgo):
    repo = pgo.repo("site", {"compose.yaml": web(cap_add=["NET_ADMIN"])})
    pgo.service("site", repo, allow=["cap_add:NET_ADMIN"])
    pgo.start()
    pgo.wait_deployed("site", repo.head)
    refused(pgo, repo, web(cap_add=["NET_ADMIN", "SYS_ADMIN"]), "services.web.cap_add[1]: the capability SYS_ADMIN")


def test_a_port_of_the_granted_range_is_refused(pgo):
    repo = pgo.repo("site", {"compose.yaml": web(ports=[port("5005"), port("5010")])})
    pgo.service("site", repo, ports=["5005/5"])
    pgo.start()
    pgo.wait_deployed("site", repo.head)
    refused(pgo, repo, web(ports=[port("5010"), port("5011")]), "services.web.ports[1]: publishing port 5011")


def test_two_tenants_with_a_service_frontend_take_each_others_traffic(pgo):
    pgo.engine.create_network("edge")
    joined = {"services": {"frontend": {"image": "pgo-test/web:1", "networks": {"edge": None}}}, "networks": EDGE}
    shop = pgo.repo("shop", {"compose.yaml": joined})
    pgo.service("shop", shop, urls={"shop.example.org": "frontend:8080"})
    repo = deployed(pgo)
    pgo.wait_deployed("shop", shop.head)
    refused(pgo, repo, joined, "services.frontend: ", "shop.example.org", "of the service shop")
    elsewhere = {"services": {"frontend": {"image": "pgo-test/web:1"}, "db": {"image": "pgo-test/web:1"}}}
    good = repo.commit({"compose.yaml": elsewhere})
    pgo.wait_deployed("site", good, 2)


def test_the_containers_of_two_services_have_one_name(pgo):
    other = pgo.repo("a-b", {"compose.yaml": web()})
    pgo.service("a-b", other)
    repo = pgo.repo("a", {"compose.yaml": {"services": {"x": {"image": "pgo-test/web:1"}}}})
    pgo.service("a", repo)
    pgo.start()
    pgo.wait_deployed("a", repo.head)
    pgo.wait_deployed("a-b", other.head)
    refused(pgo, repo, {"services": {"b-web": {"image": "pgo-test/web:1"}}}, "services.b-web: ", "the service a-b", name="a")
    named = {"services": {"x": {"image": "pgo-test/web:1", "container_name": "a-b-web-1"}}}
    refused(pgo, repo, named, "services.x.container_name: ", "the service a-b", name="a")


def test_an_image_gives_orders_to_the_proxy(pgo):
    pgo.engine.add_image("pgo-test/routed:1", labels={"traefik.http.routers.x.rule": "Host(`bank.example.org`)"})
    repo = deployed(pgo)
    before = ids(pgo)
    status = pgo.wait_judged("site", repo.commit({"compose.yaml": web("pgo-test/routed:1")}))
    assert "services.web.image: the label traefik.http.routers.x.rule" in status
    assert ids(pgo) == before


def test_a_variable_of_an_image_gives_orders_to_the_proxy(pgo):
    pgo.engine.add_image("pgo-test/routed:1", env=["PATH=/bin", "VIRTUAL_HOST=bank.example.org"])
    repo = deployed(pgo)
    before = ids(pgo)
    status = pgo.wait_judged("site", repo.commit({"compose.yaml": web("pgo-test/routed:1")}))
    assert "services.web.image: the variable VIRTUAL_HOST" in status
    assert ids(pgo) == before
