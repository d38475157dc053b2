"""A real Caddy in a container on a shared network, as its own service: the routes of the others reach it, with and without TLS, and the names of
apps that are pushed."""

import os
import re
import ssl
import subprocess

import pytest

from lib.caddy import IMAGE, Load
from lib.host import TOP, run, wait_until
from lib.pusher import Pusher
from lib.pushes import DOMAIN, RATE, accept_pushes

EDGE = "pgot-reverseproxy"
# As the README's example, but that names resolve nowhere here: certificates come from Caddy itself.
CADDYFILE = """{
	auto_https disable_redirects
	skip_install_trust
	local_certs
}
import Caddyfile-import
"""
RELOAD = "localhost:caddy//exec caddy reload --config /etc/caddy/Caddyfile --adapter caddyfile"


def proxy_model(volume="./caddy/:/etc/caddy/"):
    caddy = {"image": IMAGE, "restart": "unless-stopped", "ports": ["80:80", "443:443"], "volumes": [volume, "data:/data"], "networks": ["edge"], "stop_grace_period": "1s"}
    return {"services": {"caddy": caddy}, "networks": {"edge": {"name": EDGE}}, "volumes": {"data": None}}


def site_model(page):
    """A web server that says one word, and is on the shared network and one of its own."""
    web = {"image": IMAGE, "command": ["respond", "--listen", ":8080", page], "networks": ["edge", "own"], "stop_grace_period": "1s"}
    return {"services": {page: web}, "networks": {"edge": {"external": True, "name": EDGE}, "own": None}}


class World:
    def __init__(self, pgo):
        self.pgo = pgo
        env = {"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "DOCKER_HOST": pgo.engine.docker_host}
        run(f"{TOP}/scripts/caddy-image", IMAGE, env=env)
        self.repo = pgo.repo("caddy", {"compose.yaml": proxy_model(), "caddy/Caddyfile": CADDYFILE, ".gitignore": "caddy/Caddyfile-import\n"})
        pgo.service("caddy", self.repo, **{"import": "caddy/Caddyfile-import", "reload": RELOAD, "ports": ["80/0", "443/0"], "settle": "500ms"})
        self.file = pgo.live("caddy", "caddy", "Caddyfile-import")
        accept_pushes(pgo, proxy_network=EDGE, health_timeout="60s")
        self.site("frontend", {"http://shop.example.org": "frontend:8080", "secure.example.org": "frontend:8080"})

    def site(self, page, urls):
        self.pgo.service(page, self.pgo.repo(page, {"compose.yaml": site_model(page)}), urls=urls, settle="0s")

    def routes(self):
        with open(self.file, encoding="ascii") as text:
            return text.read()

    def restart(self):
        self.pgo.stop()
        self.pgo.start()

    def caddy(self):
        (box,) = [box for box in self.pgo.engine.containers("caddy") if box.state == "running"]
        return box

    def get(self, host, *options, scheme="http"):
        """What curl says for a host's name at the proxy; "" when it fails."""
        where = f"{host}:{443 if scheme == 'https' else 80}:{self.caddy().address}"
        argv = ["curl", "-s", "-m", "5", "--noproxy", "*", "--resolve", where, *options, f"{scheme}://{host}/"]
        return subprocess.run(argv, stdout=subprocess.PIPE, check=False, encoding="utf-8").stdout.strip()

    def wait_page(self, host, page, *options, **kw):
        wait_until(lambda: self.get(host, *options, **kw) == page, f"{host} shows {page!r}", 30)

    def status(self, pattern):
        self.pgo.wait_status("caddy", pattern, 60)


@pytest.fixture
def world(pgo):
    made = World(pgo)
    pgo.start()
    pgo.wait_deployed("caddy", made.repo.head, deadline=60)
    made.wait_page("shop.example.org", "frontend")
    return made


def test_a_name_leads_to_its_service_with_and_without_tls_and_new_ones_follow(pgo, world):
    world.status("routes +yes: 2, taken in by the proxy")
    box = world.caddy().id
    root = pgo.path("root.crt")
    found = pgo.ctl("caddy", "exec", "caddy", "busybox", "cat", "/data/caddy/pki/authorities/local/root.crt", check=True)
    with open(root, "w", encoding="ascii") as out:
        out.write(found.stdout)
    assert ssl.create_default_context(cafile=root).cert_store_stats()["x509_ca"] == 1
    world.wait_page("secure.example.org", "frontend", "--cacert", root, scheme="https")
    assert world.get("secure.example.org", scheme="https") == ""  # nobody else vouches for it
    assert world.get("other.example.org") == ""
    # Two more services, of which one comes while the other is taken away from the first: one reload, the same container.
    world.site("blog", {"http://blog.example.org": "blog:8080"})
    pgo.services["frontend"]["urls"] = {"http://www.example.org": "frontend:8080"}
    world.restart()
    world.wait_page("blog.example.org", "blog")
    world.wait_page("www.example.org", "frontend")
    assert world.get("shop.example.org") == ""
    assert world.caddy().id == box
    assert len(re.findall("the proxy has taken in", pgo.log())) == 2
    assert sorted(os.listdir(os.path.dirname(world.file))) == ["Caddyfile", "Caddyfile-import"]


def test_a_proxy_that_refuses_keeps_the_old_routes_and_is_told_again(pgo, world):
    before, box = world.routes(), world.caddy().id
    main = pgo.live("caddy", "caddy", "Caddyfile")
    with open(main, "a", encoding="ascii") as out:
        out.write("nonsense {\n\tno_such_directive\n}\n")
    pgo.services["frontend"]["urls"] = {"http://www.example.org": "frontend:8080"}
    world.restart()
    world.status("state +live.*healthy +yes.*routes +no: reload: .*no_such_directive")
    assert world.routes() == before and world.caddy().id == box
    assert world.get("shop.example.org") == "frontend"
    assert "state       live" in pgo.status("frontend")
    # The next commit puts the file right; an edit that somebody made of it is kept under a ref, as always.
    head = world.repo.commit({"caddy/Caddyfile": CADDYFILE + "# mended\n"})
    pgo.wait_deployed("caddy", head, deadline=60)
    world.wait_page("www.example.org", "frontend")
    world.status("routes +yes")


def test_routes_that_change_while_the_proxy_is_down_are_there_when_it_starts(pgo, world):
    assert pgo.ctl("caddy", "stop").returncode == 0
    pgo.services["frontend"]["urls"] = {"http://www.example.org": "frontend:8080"}
    world.restart()
    wait_until(lambda: "http://www.example.org" in world.routes(), "the file is written although nothing runs")
    world.status("routes +no: 1, written; the proxy is told when it runs")
    os.unlink(world.file)
    assert pgo.ctl("caddy", "start").returncode == 0
    world.wait_page("www.example.org", "frontend")
    world.status("routes +yes")


def test_routes_that_caddy_itself_refuses_never_take_the_files_place(pgo, world):
    """The candidate is checked in the container; this one is spoilt there by a Caddy of which `validate` fails."""
    before = world.routes()
    fake = "#!/bin/busybox sh\n[ $1 != validate ] || { echo 'Error: I do not like $4' >&2; exit 1; }\nexec /usr/bin/caddy \"$@\"\n"
    path = os.path.join(os.path.dirname(world.file), "caddy")
    with open(path, "w", encoding="ascii") as out:
        out.write(fake.replace("'Error: I do not like $4'", '"Error: I do not like $3"'))
    os.chmod(path, 0o755)
    pgo.services["caddy"]["reload"] = RELOAD.replace("exec caddy", "exec /etc/caddy/caddy")
    pgo.services["frontend"]["urls"] = {"http://www.example.org": "frontend:8080"}
    inode = os.lstat(world.file).st_ino
    world.restart()
    world.status(r"routes +no: the proxy refuses them: Error: I do not like /etc/caddy/+\.Caddyfile-import\.pgo")
    assert (world.routes(), os.lstat(world.file).st_ino) == (before, inode)
    assert sorted(os.listdir(os.path.dirname(world.file))) == ["Caddyfile", "Caddyfile-import", "caddy"]
    os.unlink(path)
    os.symlink("/usr/bin/caddy", path)
    world.wait_page("www.example.org", "frontend")


def test_a_file_that_is_mounted_itself_is_told_and_a_restart_shows_it(pgo, world):
    repo = pgo.repo("single", {"compose.yaml": proxy_model("./Caddyfile-import:/etc/caddy/Caddyfile")})
    pgo.service("caddy", repo, **{"import": "Caddyfile-import", "reload": RELOAD, "ports": ["80/0", "443/0"], "settle": "500ms"})
    world.file = pgo.live("caddy", "Caddyfile-import")
    world.restart()
    pgo.wait_deployed("caddy", repo.head, deadline=60)
    world.wait_page("shop.example.org", "frontend")
    pgo.services["frontend"]["urls"] = {"http://www.example.org": "frontend:8080"}
    world.restart()
    world.status("routes +no: the file itself is mounted in caddy.*mount the directory")
    assert "http://www.example.org" in world.routes()
    assert world.get("www.example.org") == ""
    assert pgo.ctl("caddy", "restart").returncode == 0
    world.wait_page("www.example.org", "frontend")


def app(page, port=8080):
    """A web server that ends its requests before it goes."""
    return {"Dockerfile": f'FROM {IMAGE}\nEXPOSE {port}\nCMD ["respond", "--listen", ":{port}", "{page}"]\n', "CNAME": "www.pushed.example.org\n"}


def test_a_pushed_app_is_reached_by_its_names_when_its_push_is_accepted_and_nobody_is_turned_away_by_the_next(pgo, world):
    me, own = Pusher(pgo, "pushed"), f"pushed.{DOMAIN}"

    def push(files):
        me.commit(files)
        done = me.push(deadline=120)
        assert done.returncode == 0, done.stderr

    push(app("one"))
    assert world.get(own) == world.get("www.pushed.example.org") == "one"
    assert run_hostname(pgo) == "www.pushed.example.org"
    box, reloads = world.caddy(), len(re.findall("the proxy has taken in", pgo.log()))
    with Load(box, RATE, port=80, host=own) as load:
        push(app("two"))
        assert world.get(own) == "two"
        # Another port is another route: the proxy is led over before the containers of the first go.
        push(app("three", 8081))
    assert load.failures == [] and len(load.answers) > RATE // 4, (len(load.answers), load.failures[:10])
    assert world.get(own) == world.get("www.pushed.example.org") == "three"
    assert len(re.findall("the proxy has taken in", pgo.log())) == reloads + 1 and world.caddy().id == box.id
    assert pgo.ctl("pushed", "domains", "add", "more.example.org").returncode == 0
    assert world.get("more.example.org") == "three"
    assert world.get("shop.example.org") == "frontend" and world.get(f"other.{DOMAIN}") == ""


def run_hostname(pgo):
    (box,) = pgo.running("pushed")
    return pgo.engine.ask("GET", f"/containers/{box.id}/json")[1]["Config"]["Hostname"]
