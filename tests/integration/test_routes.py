"""The routes for a proxy: the file that `import` names, when it is written, and when `reload` runs. The proxy here is a container of the
fake engine, and its reload a program that copies the file; tests/e2e/test_routes.py has a real Caddy."""

import concurrent.futures
import json
import os
import re
import signal
import stat

import pytest

from lib.host import wait_until
from lib.pgo import web
from lib.pusher import Pusher, operator, said

SHOP = "shop.example.org {\n\treverse_proxy frontend:8080\n}\n"
BLOG = "blog.example.org {\n\treverse_proxy ghost:2368\n}\n"


class Proxied:
    """A service `proxy`, whose reload copies the file to `loaded`, and a service `shop` with a route."""

    def __init__(self, pgo):
        self.pgo = pgo
        self.loaded = pgo.path("home", "loaded")
        os.chmod(pgo.path("home"), 0o777)
        self.repo = pgo.repo("proxy", {"compose.yaml": web(), "caddy/Caddyfile": "import Caddyfile-import\n"})
        pgo.service("shop", pgo.repo("shop"), urls={"shop.example.org": "frontend:8080"})
        self.file = pgo.live("proxy", "caddy", "Caddyfile-import")
        self.import_with(f"localhost:web//exec cp {self.file} {self.loaded}")

    def import_with(self, reload):
        self.pgo.service("proxy", self.repo, **{"import": "caddy/Caddyfile-import", "reload": reload})

    def reloads(self):
        return len(self.pgo.engine.calls("exec", "proxy"))

    def restart(self):
        """A pgod with another configuration."""
        self.pgo.stop()
        self.pgo.start()
        return self

    def wait_loaded(self, text):
        wait_until(lambda: read(self.loaded) == text and read(self.file) == text, "the proxy has taken in the routes")
        self.pgo.wait_status("proxy", "routes +yes: .*taken in by the proxy")


def read(path):
    try:
        with open(path, encoding="ascii") as text:
            return text.read()
    except FileNotFoundError:
        return None


@pytest.fixture
def proxied(pgo):
    return Proxied(pgo)


@pytest.fixture
def live(proxied):
    proxied.pgo.start()
    proxied.pgo.wait_deployed("proxy", proxied.repo.head)
    proxied.wait_loaded(SHOP)
    return proxied


def test_the_file_is_there_before_the_proxy_starts_and_is_its_accounts_own(pgo, proxied):
    pgo.engine.hold("up")
    pgo.start()
    wait_until(lambda: pgo.engine.calls("up", "proxy"), "the container is about to be made")
    assert read(proxied.file) == SHOP
    about = os.lstat(proxied.file)
    assert stat.S_IMODE(about.st_mode) == 0o644 and about.st_uid == pgo.accounts.a.pw_uid
    assert proxied.reloads() == 0
    pgo.engine.release("up")
    proxied.wait_loaded(SHOP)
    assert proxied.reloads() == 1
    argv = pgo.engine.calls("exec", "proxy")[0]["argv"]
    assert argv[-6:] == ["exec", "-T", "web", "cp", proxied.file, proxied.loaded]
    assert sorted(os.listdir(os.path.dirname(proxied.file))) == ["Caddyfile", "Caddyfile-import"]


def test_many_changes_are_one_write_and_one_reload_and_none_is_none(pgo, live):
    pgo.service("blog", pgo.repo("blog"), urls={"blog.example.org": "ghost:2368"})
    pgo.service("shop", pgo.repo("shop2"), urls={"www.example.org": "frontend:81", "shop.example.org": "frontend:8080"})
    live.restart().wait_loaded("www.example.org {\n\treverse_proxy frontend:81\n}\n" + SHOP + BLOG)
    assert live.reloads() == 2
    before = os.lstat(live.file)
    live.restart()
    pgo.wait_status("proxy", "routes +yes: 3, taken in by the proxy")
    assert os.lstat(live.file).st_mtime_ns == before.st_mtime_ns and os.lstat(live.file).st_ino == before.st_ino
    assert live.reloads() == 2
    for name in ("shop", "blog"):
        pgo.services[name].pop("urls")
    live.restart().wait_loaded("")


def test_a_reload_that_fails_puts_the_old_routes_back_and_harms_nobody(pgo, live):
    boxes = {box.id for box in pgo.engine.containers()}
    pgo.engine.fail("exec", stderr="log line\nError: no such directive")
    pgo.services["shop"]["urls"] = {"blog.example.org": "ghost:2368"}
    live.restart()
    pgo.wait_status("proxy", "state +live.*healthy +yes.*in sync +yes.*routes +no: reload: Error: no such directive .it is tried again")
    assert read(live.file) == SHOP
    assert {box.id for box in pgo.engine.containers()} == boxes
    assert "routes" not in pgo.status("shop")
    assert json.loads(pgo.ctl("proxy", "status", "--json").stdout)["routes"]["is"] is False
    pgo.engine.heal("exec")
    live.wait_loaded(BLOG)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_an_end_of_pgod_between_write_and_reload_leads_to_the_new_routes(pgo, live, end):
    pgo.services["shop"]["urls"] = {"blog.example.org": "ghost:2368"}
    pgo.stop()
    pgo.engine.hold("exec")
    pgo.start()
    wait_until(lambda: live.reloads() == 2, "the proxy is about to be told")
    assert read(live.file) == BLOG and read(live.loaded) == SHOP
    if end == "kill":
        pgo.kill()
        os.kill(pgo.engine.calls("exec", "proxy")[-1]["pid"], signal.SIGKILL)
    else:
        pgo.stop()
    pgo.engine.release("exec")
    pgo.start()
    live.wait_loaded(BLOG)


def test_a_file_that_is_lost_or_edited_is_written_again(pgo, live):
    os.unlink(live.file)
    pgo.engine.remove_container(pgo.engine.containers("proxy")[0])
    wait_until(lambda: read(live.file) == SHOP, "healing writes the file before the container is made")
    os.unlink(live.file)
    os.symlink("/etc/passwd", live.file)
    assert pgo.ctl("proxy", "restart").returncode == 0
    assert not os.path.islink(live.file) and read(live.file) == SHOP
    with open(live.file, "a", encoding="ascii") as out:
        out.write("# mine\n")
    head = live.repo.commit({"README": "another commit"})
    pgo.wait_live("proxy", head)
    wait_until(lambda: read(live.file) == SHOP, "a checkout is a reason to look")


def test_a_commit_that_has_the_file_itself_is_refused_and_the_proxy_runs_on(pgo, live):
    head = live.repo.commit({"caddy/Caddyfile-import": "mine.example.org {\n}\n"})
    assert re.search("the repository has the file caddy/Caddyfile-import itself.*gitignore", pgo.wait_judged("proxy", head))
    assert read(live.file) == SHOP
    pgo.wait_status("proxy", "state +live.*routes +yes")


def test_a_reload_that_fits_no_compose_service_is_told(pgo, proxied):
    proxied.import_with("localhost:caddy//exec caddy reload")
    pgo.start()
    pgo.wait_status("proxy", 'state +live.*routes +no: reload: neither "caddy" before // nor "caddy" behind exec is a compose service.*web')
    assert read(proxied.file) == SHOP and proxied.reloads() == 0


def test_another_place_for_the_file_is_told_like_another_file(pgo, live):
    live.file = pgo.live("proxy", "sites", "pgo")
    pgo.services["proxy"].update({"import": "sites/pgo", "reload": f"localhost:proxy//exec web cp {live.file} {live.loaded}"})
    os.unlink(live.loaded)
    live.restart().wait_loaded(SHOP)
    assert live.reloads() == 2
    assert pgo.engine.calls("exec", "proxy")[-1]["argv"][-4:] == ["web", "cp", live.file, live.loaded]


def test_a_deploy_that_an_earlier_pgod_began_has_its_routes_before_its_containers(pgo, live):
    pgo.engine.hold("up")
    head = live.repo.commit({"compose.yaml": web("pgo-test/web:2")})
    wait_until(lambda: len(pgo.engine.calls("up", "proxy")) == 2, "the deploy has come to its containers")
    pgo.kill()
    os.kill(pgo.engine.calls("up", "proxy")[-1]["pid"], signal.SIGKILL)
    os.unlink(live.file)
    pgo.start()
    wait_until(lambda: len(pgo.engine.calls("up", "proxy")) == 3, "the next pgod brings it to its end")
    assert read(live.file) == SHOP
    pgo.engine.release("up")
    pgo.wait_deployed("proxy", head)


def test_something_in_the_place_of_the_file_fails_the_deploy_and_harms_nothing(pgo, live):
    box = pgo.engine.containers("proxy")[0].id
    os.unlink(live.file)
    os.makedirs(os.path.join(live.file, "mine"))
    live.repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_status("proxy", "state +live.*in sync +no: .*routes: caddy/Caddyfile-import: cannot put the new file in the place of the old one")
    assert pgo.engine.containers("proxy")[0].id == box and os.path.isdir(os.path.join(live.file, "mine"))
    assert "state       live" in pgo.status("shop")


# --- apps ---

ZONE = "1.2.3.4.sslip.io"


def route(host, port=8080, app="app"):
    return f"http://{host} {{\n\treverse_proxy {app}-{port}--pgo:{port} {{\n\t\tlb_try_duration 5s\n\t\tlb_try_interval 100ms\n\t}}\n}}\n"


def compose(port=8080, **more):
    return web(expose=[str(port)], **more)


def names_on_edge(pgo):
    return [box.networks["edge"]["Aliases"][1:] for box in pgo.running("app")]


@pytest.fixture
def pushed(pgo, proxied):
    """The proxy, and an app that can be pushed to and will be on the network `edge`."""
    pgo.engine.create_network("edge")
    pgo.tables = '[push]\naddress = "1.2.3.4"\nproxy_network = "edge"\n' + operator(pgo.key)
    pgo.service("app", hosted=True, repository=None)
    pgo.start().wait_listening()
    pgo.wait_deployed("proxy", proxied.repo.head)
    proxied.wait_loaded(SHOP)
    return proxied


def push(pgo, files):
    me = Pusher(pgo, "app")
    me.commit(files)
    return me.push()


def test_an_app_is_found_by_its_names_through_a_proxy_in_a_container(pgo, pushed):
    done = push(pgo, {"compose.yaml": compose(), "CNAME": "www.a.com\n"})
    own = f"app.{ZONE}"
    # Whoever reads that it is there finds it, under a name on the network that nobody else can have.
    assert done.returncode == 0, done.stderr
    assert read(pushed.loaded) == SHOP + route(own) + route("www.a.com")
    assert names_on_edge(pgo) == [["app-8080--pgo"]]
    assert f"=====> Application deployed:\n       http://{own}\n       http://www.a.com" in said(done)
    pgo.wait_status("proxy", "routes +yes: 3, taken in by the proxy")
    # A release that changes neither name nor port is none of the proxy's business.
    reloads, inode = pushed.reloads(), os.lstat(pushed.file).st_ino
    assert push(pgo, {"compose.yaml": compose(labels={"rev": "2"})}).returncode == 0
    assert (pushed.reloads(), os.lstat(pushed.file).st_ino) == (reloads, inode)
    # Names that are added are answered when the proxy has them.
    assert pgo.ctl("app", "domains", "add", "b.a.com").stdout == "-----> Added b.a.com to app\n"
    assert read(pushed.loaded) == SHOP + route(own) + route("b.a.com") + route("www.a.com")
    assert pgo.ssh("domains:set app c.a.com,b.a.com,www.a.com").stdout == "-----> Added c.a.com to app\n"
    assert pgo.ctl("app", "domains", "set", "c.a.com").stdout == "-----> Removed b.a.com from app\n"
    assert read(pushed.loaded) == SHOP + route(own) + route("c.a.com") + route("www.a.com")
    # Another port is another name there, so that no request goes to the port of before.
    assert push(pgo, {"compose.yaml": compose(9090)}).returncode == 0
    assert read(pushed.loaded) == SHOP + route(own, 9090) + route("c.a.com", 9090) + route("www.a.com", 9090)
    # Another core knows all of it.
    reloads = pushed.reloads()
    pushed.restart()
    pgo.wait_status("proxy", "routes +yes: 4, taken in by the proxy")
    assert pushed.reloads() == reloads


def test_start_first_leads_the_proxy_over_before_the_old_containers_go(pgo, pushed):
    healthy = {"healthcheck": {"test": ["CMD", "true"]}, "x_pgo": {"update": "start-first"}}
    assert push(pgo, {"compose.yaml": compose(**healthy)}).returncode == 0
    (old,) = pgo.running("app")
    pgo.engine.fail("exec", stderr="no")
    refused = push(pgo, {"compose.yaml": compose(9090, **healthy)})
    assert refused.returncode != 0 and "the proxy does not lead to its new container: reload: no" in said(refused)
    # It goes on as if nothing had been.
    assert pgo.running("app") == [old] and read(pushed.file) == SHOP + route(f"app.{ZONE}")
    pgo.engine.heal("exec")
    assert push(pgo, {"compose.yaml": compose(9091, **healthy)}).returncode == 0
    assert read(pushed.loaded) == SHOP + route(f"app.{ZONE}", 9091) and names_on_edge(pgo) == [["app-9091--pgo"]]


def test_names_that_a_proxy_in_a_container_refuses_come_to_nothing(pgo, pushed):
    assert push(pgo, {"compose.yaml": compose()}).returncode == 0
    good = SHOP + route(f"app.{ZONE}")
    pgo.engine.fail("exec", stderr="log line\nError: no such directive")
    added = pgo.ctl("app", "domains", "add", "b.a.com")
    assert (added.returncode, added.stderr) == (1, "domains: the proxy does not take it in, so the names are as they were: reload: Error: no such directive\n")
    done = push(pgo, {"compose.yaml": compose(), "CNAME": "www.a.com\n"})
    assert done.returncode != 0 and "names: the proxy does not take them in: reload: Error: no such directive" in said(done)
    assert json.loads(pgo.ctl("app", "status", "--json").stdout)["urls"] == [f"http://app.{ZONE}"]
    pgo.engine.heal("exec")
    pushed.wait_loaded(good)


def test_a_proxy_that_is_down_keeps_no_push_waiting_and_has_the_app_when_it_starts(pgo, pushed):
    assert pgo.ctl("proxy", "stop").returncode == 0
    assert push(pgo, {"compose.yaml": compose()}).returncode == 0
    assert read(pushed.file) == SHOP + route(f"app.{ZONE}") and read(pushed.loaded) == SHOP
    assert pgo.ctl("proxy", "start").returncode == 0
    pushed.wait_loaded(SHOP + route(f"app.{ZONE}"))


def test_deploys_that_wait_for_the_proxy_leave_it_a_place_to_be_told(pgo, proxied):
    """As many apps at once as services are worked on at a time."""
    apps = [f"app{n}" for n in range(4)]
    pgo.engine.create_network("edge")
    pgo.tables = '[push]\naddress = "1.2.3.4"\nproxy_network = "edge"\ncreate = true\n' + operator(pgo.key)
    pgo.start().wait_listening()
    pgo.wait_deployed("proxy", proxied.repo.head)
    proxied.wait_loaded(SHOP)
    pgo.engine.hold("up")
    pushers = [Pusher(pgo, app, name=app) for app in apps]
    for me in pushers:
        me.commit({"compose.yaml": compose()})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        going = [pool.submit(me.push) for me in pushers]
        wait_until(lambda: all(pgo.engine.calls("up", app) for app in apps), "all of them are being deployed")
        pgo.engine.release("up")
        assert [done.result().returncode for done in going] == [0] * 4
    assert read(proxied.loaded) == SHOP + "".join(route(f"{app}.{ZONE}", app=app) for app in apps)


def test_a_network_of_the_proxy_that_is_not_there_refuses_a_push(pgo, proxied):
    pgo.tables = '[push]\naddress = "1.2.3.4"\nproxy_network = "edge"\n' + operator(pgo.key)
    pgo.service("app", hosted=True, repository=None)
    pgo.start().wait_listening()
    done = push(pgo, {"compose.yaml": compose()})
    assert done.returncode != 0 and "external network edge does not exist" in said(done)
