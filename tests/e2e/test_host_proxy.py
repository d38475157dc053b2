"""[proxy]: a real nginx and a real Caddy on the host lead visitors to containers of a real engine."""

import os
import ssl

import pytest

from lib.caddy import IMAGE, Load
from lib.host import TOP, run, wait_until
from lib.proxies import HostCaddy, Nginx

HEALTHY = {"test": ["CMD", "busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"], "interval": "300ms", "timeout": "5s", "retries": 2}

ECHO = "{http.request.host} for {http.request.header.X-Forwarded-For} by {http.request.header.X-Forwarded-Proto}, upgrade {http.request.header.Upgrade}"


def shop(page="one", healthcheck=True, **more):
    """A web server that says which name it was asked for, and ends its requests before it goes."""
    service = {"image": IMAGE, "command": ["respond", "--listen", ":8080", page], "stop_grace_period": "10s", **more}
    if healthcheck:
        service["healthcheck"] = HEALTHY
    return {"services": {"web": service}, "x-pgo": {"update": "start-first"}}


@pytest.fixture
def images(pgo):
    run(f"{TOP}/scripts/caddy-image", IMAGE, env={"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "DOCKER_HOST": pgo.engine.docker_host})


@pytest.fixture(params=[Nginx, HostCaddy])
def proxy(request, pgo, images):
    return request.param(pgo)


def services(pgo, **urls):
    """A service for each, of one container whose page is the service's name."""
    repos = {}
    for name, sites in urls.items():
        repos[name] = pgo.repo(name, {"compose.yaml": shop(ECHO if name == "echo" else name), "ssh/k.pub": pgo.key.public})
        pgo.service(name, repos[name], urls=sites, health_timeout="20s", settle="100ms")
    return repos


def wait_taken_in(pgo, name):
    """pgod knows that the proxy goes by what its file says."""
    pgo.wait_status(name, "sites +yes: 1, in the proxy's file of")


def test_visitors_reach_their_site_and_nobody_elses(pgo, proxy):
    repos = services(
        pgo,
        shop={"http://shop.test": "web:8080", "http://*.shop.test": "web:8080", "http://split.test/shop/*": "web:8080"},
        blog={"http://blog.test": "web:8080", "http://split.test/blog": "web:8080", f"http://{'long-' * 12}x.blog.test": "web:8080"},
        gone={"http://gone.test": "other:8080"},
        echo={"http://echo.test": "web:8080"},
    )
    proxy.start()
    pgo.start()
    for name, repo in repos.items():
        pgo.wait_deployed(name, repo.head, deadline=60)
    proxy.wait_page("shop.test", "shop")
    proxy.wait_page("blog.test", "blog")
    proxy.wait_page("echo.test", "echo.test for")
    wait_taken_in(pgo, "gone")
    for name, page in {"SHOP.test": "shop", "shop.test:80": "shop", "a.shop.test": "shop", f"{'long-' * 12}x.blog.test": "blog"}.items():
        assert proxy.ask(name).body == page, name
    # A name with a dot behind it is the same one to nginx, and to Caddy one that nobody has.
    assert repr(proxy.ask("shop.test.")) == ("200 'shop'" if isinstance(proxy, Nginx) else "404 ''")
    assert proxy.ask("admin.test").body == "admin"
    assert proxy.ask("split.test", "/shop/x").body == "shop"
    assert proxy.ask("split.test", "/blog").body == "blog"
    # A client's word about itself does not count, and a body may be of any size.
    lies = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    assert proxy.ask("echo.test", headers=lies, method="POST", body=b"x" * 3_000_000).body.startswith("echo.test for 127.0.0.1 by http, upgrade")
    for word, passed in {"websocket": "websocket", "h2c": ""}.items():
        answer = proxy.ask("echo.test", headers={"Connection": "Upgrade", "Upgrade": word})
        assert isinstance(proxy, HostCaddy) or answer.body.endswith(f"upgrade {passed}".strip()), answer
    # What nobody has tells nothing, and is never a neighbour's.
    for name in ("other.test", "", "b.a.shop.test", "xshop.test", proxy.address, "[::1]", "localhost", "blog.test.evil", "127.0.0.1:80", "sub.blog.test"):
        answer = proxy.ask(name)
        assert answer.status in (404, 400) and "shop" not in answer.body and "blog" not in answer.body, (name, answer)
    assert proxy.ask("split.test", "/").status == 404
    assert proxy.ask("split.test", "/blogs").status == 404
    # A site whose service does not run is away: 503, not another one.
    assert proxy.ask("gone.test").status == 503
    before = os.stat(proxy.file)
    pgo.ctl("blog", "stop", check=True)
    proxy.wait_status("blog.test", 503)
    assert proxy.ask("shop.test").body == "shop"
    pgo.ctl("blog", "start", check=True)
    proxy.wait_page("blog.test", "blog")
    assert os.stat(proxy.file).st_mtime_ns > before.st_mtime_ns


def test_it_follows_containers_and_no_request_fails_in_a_switch(pgo, proxy):
    repo = services(pgo, shop={"http://shop.test": "web:8080"})["shop"]
    proxy.start()
    pgo.start()
    pgo.wait_deployed("shop", repo.head, deadline=60)
    proxy.wait_page("shop.test", "shop")
    with Load(proxy, 300, port=proxy.http, host="shop.test") as load:
        head = repo.commit({"compose.yaml": shop("two")})
        pgo.wait_deployed("shop", head, deadline=60)
        proxy.wait_page("shop.test", "two")
    assert load.failures == [], load.failures[:10]
    assert len(load.answers) > 300
    # A container that was lost is made anew, at whatever address.
    pgo.engine.remove_container(pgo.running("shop")[0])
    proxy.wait_page("shop.test", "two")
    # pgod's end takes nobody's site away; an equal file is not written again.
    wait_taken_in(pgo, "shop")
    before = os.stat(proxy.file)
    pgo.stop()
    assert proxy.ask("shop.test").body == "two"
    pgo.start()
    wait_taken_in(pgo, "shop")
    assert os.stat(proxy.file).st_mtime_ns == before.st_mtime_ns


def test_a_bad_file_of_the_administrator_keeps_the_routes_of_before(pgo, proxy):
    repo = services(pgo, shop={"http://shop.test": "web:8080"})["shop"]
    proxy.start()
    pgo.start()
    pgo.wait_deployed("shop", repo.head, deadline=60)
    proxy.wait_page("shop.test", "shop")
    good, container = proxy.text(), pgo.running("shop")[0].id
    broken = proxy.path("conf.d", "zz.caddy" if isinstance(proxy, HostCaddy) else "zz.conf")
    with open(broken, "w", encoding="ascii") as text:
        text.write("nonsense {{{\n")
    head = repo.commit({"compose.yaml": shop("two")})
    status = pgo.wait_judged("shop", head, deadline=60)
    assert "the proxy does not lead to its new container" in status
    # It may be in the middle of a last try.
    wait_until(lambda: proxy.text() == good, "the file is as it was before")
    assert proxy.ask("shop.test").body == "shop"
    assert container in [box.id for box in pgo.running("shop")]
    os.unlink(broken)
    pgo.ctl("shop", "up", check=True)
    proxy.wait_page("shop.test", "two")


def test_a_proxy_that_does_not_run_is_told_later(pgo, proxy):
    repo = services(pgo, shop={"http://shop.test": "web:8080"})["shop"]
    pgo.start()
    pgo.wait_deployed("shop", repo.head, deadline=60)
    pgo.wait_status("shop", "sites +no: the proxy has not taken what they lead to now: .*the reload")
    # It is tried again and again, so its text may stand there for a moment.
    wait_until(lambda: proxy.text() == "", "the file is as it was before")
    proxy.start()
    proxy.wait_page("shop.test", "shop")


def test_nginx_serves_with_tls_what_has_a_certificate(pgo, images):
    nginx = Nginx(pgo)
    nginx.certificate("shop.test")
    nginx.table(**nginx.with_certificates(), challenges=nginx.path("acme"))
    os.makedirs(nginx.path("acme", ".well-known", "acme-challenge"))
    with open(nginx.path("acme", ".well-known", "acme-challenge", "word"), "w", encoding="ascii") as text:
        text.write("the answer")
    repo = services(pgo, shop={"shop.test": "web:8080", "new.test": "web:8080"})["shop"]
    nginx.start()
    pgo.start()
    pgo.wait_deployed("shop", repo.head, deadline=60)
    wait_until(lambda: "ssl_certificate" in nginx.text(), "the file is written")
    nginx.wait_status("shop.test", 308)
    assert nginx.ask("shop.test", "/x?y=z").headers["Location"] == "https://shop.test/x?y=z"
    wait_until(lambda: nginx.ask_tls("shop.test").body == "shop", "the site is served with TLS")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        nginx.ask_tls("other.test")
    assert nginx.ask_tls("other.test", sni="shop.test").status == 404
    # Its certificate is not there yet: the others are served, and it can be had.
    assert nginx.ask("new.test").status == 503
    assert nginx.ask("new.test", "/.well-known/acme-challenge/word").body == "the answer"


def test_caddy_serves_with_tls(pgo, images):
    caddy = HostCaddy(pgo)
    repo = services(pgo, shop={"shop.test": "web:8080"})["shop"]
    caddy.start()
    pgo.start()
    pgo.wait_deployed("shop", repo.head, deadline=60)
    wait_until(lambda: "https://shop.test" in caddy.text(), "the file is written")
    caddy.wait_status("shop.test", 308)
    wait_until(lambda: caddy.ask_tls("shop.test").body == "shop", "the site is served with TLS")
    assert caddy.ask("other.test").status == 404
    with pytest.raises((ssl.SSLError, ConnectionError)):
        caddy.ask_tls("other.test")
    assert caddy.ask_tls("other.test", sni="shop.test").status == 404
