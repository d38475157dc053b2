"""The names of apps: a real nginx and a real Caddy on the host lead visitors to what was pushed, and to nobody else's."""

import os
import ssl

import pytest

from lib.caddy import IMAGE, Load
from lib.host import TOP, run, wait_until
from lib.proxies import HostCaddy, Nginx
from lib.pusher import Pusher, operator, said

ZONE = "1.2.3.4.sslip.io"


def page(text, port=8080, **more):
    """A web server without a healthcheck: it is ready when its port answers, and ends its requests before it goes."""
    service = {"image": IMAGE, "command": ["respond", "--listen", f":{port}", text], "expose": [str(port)], "stop_grace_period": "10s", **more}
    return {"services": {"web": service}, "x-pgo": {"update": "start-first"}}


@pytest.fixture(params=[Nginx, HostCaddy])
def proxy(request, pgo):
    run(f"{TOP}/scripts/caddy-image", IMAGE, env={"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "DOCKER_HOST": pgo.engine.docker_host})
    proxy = request.param(pgo)
    pgo.tables += '[push]\naddress = "1.2.3.4"\ncreate = true\nhealth_timeout = "20s"\nsettle = "100ms"\n' + operator(pgo.key)
    return proxy


@pytest.fixture
def host(pgo, proxy):
    proxy.start()
    pgo.start().wait_listening()
    return proxy


def pushed(pgo, name, files):
    me = Pusher(pgo, name, name=name)
    me.commit(files)
    done = me.push()
    assert done.returncode == 0, done.stderr
    return me, said(done)


def test_who_is_asked_for_by_a_name_answers_and_nobody_else(pgo, host):
    site, text = pushed(pgo, "site", {"compose.yaml": page("site"), "CNAME": "www.a.test\r\n\r\n# ours\r\n*.a.test"})
    pushed(pgo, "a.b-c", {"compose.yaml": page("dots"), "CNAME": f"{'long-' * 12}x.b.test\n"})
    assert f"=====> Application deployed:\n       http://site.{ZONE}\n       http://www.a.test\n       http://*.a.test" in text
    # Live when the push is accepted.
    for name, want in {f"site.{ZONE}": "site", "www.a.test": "site", "x.a.test": "site", f"a.b-c.{ZONE}": "dots", f"{'long-' * 12}x.b.test": "dots"}.items():
        assert host.ask(name).body == want, name
    assert host.ask("admin.test").body == "admin"
    for name in ("a.test", "x.y.a.test", ZONE, f"b-c.{ZONE}", f"x.site.{ZONE}", f"other.{ZONE}", "", host.address):
        answer = host.ask(name)
        assert answer.status in (404, 400) and "site" not in answer.body and "dots" not in answer.body, (name, answer)
    # A branch is an app of its own, and takes no name of the file.
    site.git("checkout", "-q", "-b", "feat")
    site.commit({"compose.yaml": page("feat")})
    assert site.push("feat").returncode == 0
    assert host.ask(f"site-feat.{ZONE}").body == "feat" and host.ask("www.a.test").body == "site"
    # By hand, and out again.
    pgo.ctl("site", "domains", "add", "hand.test", check=True)
    host.wait_page("hand.test", "site")
    pgo.ctl("site", "domains", "clear", check=True)
    host.wait_status("hand.test", 404)
    # Another name: that one leads there, with the branches; nothing else changes, and nobody else notices.
    pgo.ctl("site", "config", "set", "KEY=kept", check=True)
    runs = sorted(box.id for box in pgo.running("site"))
    with Load(host, 300, port=host.http, host="www.a.test") as load:
        assert pgo.ssh("host://apps rename site store").returncode == 0
        for name, want in {f"store.{ZONE}": "site", f"store-feat.{ZONE}": "feat"}.items():
            host.wait_page(name, want)
        for name in (f"site.{ZONE}", f"site-feat.{ZONE}"):
            host.wait_status(name, 404)
    assert load.failures == [], load.failures[:10]
    assert sorted(box.id for box in pgo.running("site")) == runs
    site.git("checkout", "-q", "main")
    site.git("remote", "set-url", "goku", site.url.replace("/site", "/store"))
    site.commit({"compose.yaml": page("newer")})
    done = site.push()
    assert done.returncode == 0 and f"       http://store.{ZONE}" in said(done), done.stderr
    assert host.ask(f"store.{ZONE}").body == host.ask("www.a.test").body == "newer"
    assert pgo.ctl("store", "config", "get", "KEY", check=True).stdout == "kept"
    pgo.ctl("store", "rollback", check=True)
    assert host.ask(f"store.{ZONE}").body == "site"
    # Who is stopped is away; who is destroyed was never there.
    pgo.ctl("store", "stop", check=True)
    host.wait_status("www.a.test", 503)
    assert host.ask(f"store-feat.{ZONE}").body == "feat"
    assert pgo.ssh("host://apps destroy store-feat store-feat").returncode == 0
    host.wait_status(f"store-feat.{ZONE}", 404)


def test_no_request_fails_while_a_push_brings_other_names_and_another_port(pgo, host):
    me, _ = pushed(pgo, "site", {"compose.yaml": page("one"), "CNAME": "www.a.test\n"})
    with Load(host, 300, port=host.http, host="www.a.test") as load:
        me.commit({"compose.yaml": page("two", 9090), "CNAME": "www.a.test\nnew.a.test\n"})
        done = me.push()
        assert done.returncode == 0, done.stderr
        assert host.ask("new.a.test").body == "two"
        pgo.ctl("site", "rollback", check=True)
        assert host.ask("www.a.test").body == "one" and host.ask("new.a.test").status == 404
    assert load.failures == [], load.failures[:10]
    assert len(load.answers) > 300


def test_a_push_that_fails_leads_nobody_elsewhere(pgo, host):
    me, _ = pushed(pgo, "site", {"compose.yaml": page("one"), "CNAME": "www.a.test\n"})
    pushed(pgo, "other", {"compose.yaml": page("other"), "CNAME": "www.b.test\n"})
    good = host.text()
    refusals = {
        "CNAME:1: www.b.test belongs to the app other": {"CNAME": "www.b.test\n"},
        f"CNAME:1: other.{ZONE} is kept for an app called other": {"CNAME": f"other.{ZONE}\n"},
        "CNAME:1: x.test; return 200 is no host name": {"CNAME": "x.test; return 200\n"},
        "unhealthy": {"compose.yaml": page("bad", healthcheck={"test": ["CMD", "false"], "interval": "200ms", "retries": 1}), "CNAME": "bad.a.test\n"},
    }
    for why, files in refusals.items():
        me.commit(files)
        done = me.push()
        assert done.returncode != 0 and why in said(done), done.stderr
        me.git("reset", "-q", "--hard", "HEAD~1")
    assert host.text() == good
    # A proxy that takes nothing in: the push fails, and what ran runs.
    broken = host.path("conf.d", "zz.caddy" if isinstance(host, HostCaddy) else "zz.conf")
    with open(broken, "w", encoding="ascii") as text:
        text.write("nonsense {{{\n")
    me.commit({"CNAME": "www.a.test\nmore.a.test\n"})
    done = me.push()
    assert done.returncode != 0 and "the proxy does not take them in: " in said(done), done.stderr
    assert host.ask("www.a.test").body == "one" and host.ask("www.b.test").body == "other" and host.ask("more.a.test").status == 404
    os.unlink(broken)
    assert me.push().returncode == 0
    assert host.ask("more.a.test").body == "one"


def test_names_with_tls_have_the_certificate_of_their_host(pgo, proxy):
    certificates = proxy.with_certificates() if isinstance(proxy, Nginx) else {}
    tables = pgo.tables
    proxy.table(**certificates)
    pgo.tables += tables[tables.index("[push]") :].replace("create = true", 'create = true\nscheme = "https"')
    if isinstance(proxy, Nginx):
        proxy.certificate(f"site.{ZONE}")
    proxy.start()
    pgo.start().wait_listening()
    _, text = pushed(pgo, "site", {"compose.yaml": page("site")})
    assert f"       https://site.{ZONE}" in text
    wait_until(lambda: proxy.ask_tls(f"site.{ZONE}").body == "site", "it answers with TLS")
    answer = proxy.ask(f"site.{ZONE}")
    assert answer.status == 308 and answer.headers["Location"].startswith("https://site."), answer
    with pytest.raises((ssl.SSLError, ConnectionError)):
        proxy.ask_tls(f"other.{ZONE}")
