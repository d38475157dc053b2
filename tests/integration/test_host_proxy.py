"""[proxy] with a proxy that only says whether it takes its file: who is led where, when the commands run, and what a refusal costs. Nothing."""

import json
import os
import signal

import pytest

from lib.fakeproxy import FakeProxy, addresses, problems
from lib.host import children_of, command_of, stays, wait_until
from lib.pgo import web


@pytest.fixture
def proxy(pgo):
    return FakeProxy(pgo)


@pytest.fixture
def shop(pgo, proxy):
    repo = pgo.repo("shop", {"compose.yaml": web()})
    pgo.service("shop", repo, urls={"shop.test": "web:8080"})
    pgo.start()
    pgo.wait_deployed("shop", repo.head)
    proxy.wait_led()
    return repo


def test_it_follows_what_runs_and_says_nothing_twice(pgo, proxy, shop):
    runs = proxy.runs()
    assert len(runs) % 2 == 0 and [run.split()[0] for run in runs[-2:]] == ["test", "reload"]
    assert all(run.split()[1:] == ["uid=0", "env=HOME,LANG,LOGNAME,PATH,USER"] for run in runs)
    # It has read the file before its command has ended.
    pgo.wait_asking(lambda: json.loads(pgo.ctl("shop", "status", "--json").stdout)["sites"]["is"] is True, "the proxy is known to have it")
    # Another container, another address.
    pgo.engine.remove_container(pgo.running("shop")[0])
    wait_until(lambda: proxy.leads_to() == set() or proxy.leads_to() == addresses(pgo, "shop"), "it is not led to nobody")
    proxy.wait_led()
    # Nobody is led to what does not run.
    pgo.ctl("shop", "stop", check=True)
    wait_until(lambda: "return 503;" in proxy.read("read") and proxy.leads_to() == set(), "the site is away")
    pgo.ctl("shop", "start", check=True)
    proxy.wait_led()
    # A pgod or a core that starts anew finds it as it should be.
    before, text = len(proxy.runs()), os.stat(proxy.file)
    for victim in pgo.role_pids("pgod-core"):
        os.kill(victim, signal.SIGKILL)
    pgo.wait_status("shop", "sites +yes: 1, in")
    pgo.stop()
    pgo.start()
    pgo.wait_status("shop", "sites +yes: 1, in")
    assert len(proxy.runs()) == before and os.stat(proxy.file).st_mtime_ns == text.st_mtime_ns
    assert os.listdir(os.path.join(pgo.dir, ".proxy")) == []


@pytest.mark.parametrize("word", ["test", "reload"])
def test_what_is_refused_leaves_the_file_of_before(pgo, proxy, shop, word):
    good = proxy.read()
    proxy.order(word, "no such \x1b[2J directive")
    pgo.engine.remove_container(pgo.running("shop")[0])
    status = pgo.wait_status("shop", rf"sites +no: the proxy has not taken.*is as it was before: the {word} .* ended with 1: no such .x1b\[2J directive")
    assert "\x1b" not in status and "\x1b" not in pgo.log()
    assert problems(pgo, "sites") == ["shop"], "each problem is told once"
    wait_until(lambda: proxy.read() == good, "the file of before is back")
    assert "shop" in pgo.ctl("shop", "ps").stdout
    proxy.forgive(word)
    proxy.wait_led()
    pgo.wait_status("shop", "sites +yes: 1, in")


def test_a_proxy_that_hangs_holds_up_nothing(pgo, proxy, shop):
    good = proxy.read()
    proxy.order("test", "hang")
    pgo.engine.remove_container(pgo.running("shop")[0])
    wait_until(lambda: proxy.read() != good, "the new text is being tried")
    assert "healthy     yes" in pgo.wait_status("shop", "healthy +yes")
    # kill -9 in that moment: what is untested does not stay. A test that its pgod does not wait for any more ends with it.
    pgo.kill()
    wait_until(lambda: not [pid for pid in children_of(os.getpid()) if "fake-proxy" in command_of(pid)], "nothing of it is left")
    assert proxy.read() != good
    proxy.order("test", "not now")
    pgo.start()
    wait_until(lambda: proxy.read() == good, "the file of before is back")
    stays(lambda: proxy.leads_to(), "it leads where it did", pgo.news())
    proxy.forgive("test")
    proxy.wait_led()


def test_the_administrators_file_is_not_overwritten(pgo, proxy):
    with open(proxy.file, "w", encoding="ascii") as text:
        text.write("worker_processes 4;\n")
    pgo.start()
    pgo.wait_log("the proxy does not have the routes of now: proxy: .* is there already and was not written by pgod")
    assert proxy.read() == "worker_processes 4;\n"
    assert proxy.runs() == []


def test_a_switch_that_the_proxy_does_not_take_leaves_the_old_container(pgo, proxy):
    healthy = {"update": "start-first"}
    model = {**web(), "x-pgo": healthy}
    model["services"]["web"]["healthcheck"] = {"test": ["CMD", "true"]}
    repo = pgo.repo("shop", {"compose.yaml": model})
    pgo.service("shop", repo, urls={"shop.test": "web:8080"})
    pgo.start()
    pgo.wait_deployed("shop", repo.head)
    proxy.wait_led()
    old, led = pgo.running("shop")[0], proxy.leads_to()
    proxy.order("reload", "not that one")
    model["services"]["web"]["environment"] = {"A": "b"}
    head = repo.commit({"compose.yaml": model})
    assert "the proxy does not lead to its new container" in pgo.wait_judged("shop", head)
    wait_until(lambda: [box.id for box in pgo.running("shop")] == [old.id], "only the old one is left")
    assert proxy.leads_to() == led and proxy.leads_to(name="pgo.conf") == led
    proxy.forgive("reload")
    seen = []
    real = pgo.engine.stop_container
    pgo.engine.stop_container = lambda box: (seen.append((box.id, proxy.leads_to())), real(box))[1]
    pgo.ctl("shop", "up", check=True)
    assert [box.id for box in pgo.running("shop")] != [old.id]
    # When the old one was told to go, visitors were led to the new one already.
    assert [led for box, led in seen if box == old.id] == [addresses(pgo, "shop")]


def test_only_what_is_well_and_can_be_reached_is_led_to(pgo, proxy):
    pgo.engine.create_network("far")["Driver"] = "overlay"
    pgo.engine.create_network("near")
    networks = {"far": {"external": True, "name": "far"}, "near": {"external": True, "name": "near"}}
    service = {"image": "pgo-test/web:1", "healthcheck": {"test": ["CMD", "true"]}}
    model = {
        "services": {"web": {**service, "networks": ["far", "near"]}, "hidden": {**service, "networks": ["far"]}},
        "networks": networks,
    }
    repo = pgo.repo("shop", {"compose.yaml": model})
    pgo.service("shop", repo, urls={"shop.test": "web:8080", "hidden.test": "hidden:8080"})
    pgo.engine.behave("web", health=None)
    pgo.start()
    starting = wait_until(lambda: [box for box in pgo.running("shop") if box.service == "web"], "it runs, and starts yet")
    wait_until(lambda: proxy.read("read").count("return 503;") == 2, "nobody is led anywhere")
    stays(lambda: not proxy.leads_to(), "nobody is led to what starts yet", pgo.news())
    pgo.engine.set_health(starting[0], "healthy")
    wait_until(lambda: proxy.leads_to() == {starting[0].networks["near"]["IPAddress"]}, "it is led to, by the network that the host is in")
    assert proxy.read("read").count("return 503;") == 1
