"""The names of apps: whose they are, where they lead, and what a push changes of them."""

import json
import re

import pytest

from lib.fakeproxy import FakeProxy, addresses
from lib.host import wait_until
from lib.pgo import web
from lib.pusher import Pusher, said

ZONE = "1.2.3.4.sslip.io"


@pytest.fixture
def apps(pgo):
    """Two apps that nobody has pushed to yet, and the site of a service."""
    pgo.tables = f"[push]\naddress = \"1.2.3.4\"\n[[operators]]\nname = \"tess\"\nkey = {json.dumps(pgo.key.public.strip())}\n"
    pgo.service("app", hosted=True, repository=None)
    pgo.service("blog", hosted=True, repository=None)
    pgo.service("shop", hosted=True, repository=None, urls={"shop.example.org": "web:80", "*.shop.example": "web:80"})
    pgo.start().wait_listening()
    wait_until(lambda: pgo.ctl("app", "ping").returncode == 0, "it answers")
    return pgo


def domains(pgo, app, *words):
    return pgo.ctl(app, "domains", *words)


def names(pgo, app):
    return [row["name"] for row in json.loads(domains(pgo, app, "list", "--json").stdout)]


def test_names_are_added_and_removed(apps):
    assert domains(apps, "app").stdout == f"own    app.{ZONE}\n"
    assert domains(apps, "app", "add", "www.a.com", "*.b.com").stdout == "-----> Added www.a.com to app\n-----> Added *.b.com to app\n"
    assert domains(apps, "app", "add", "www.a.com").stdout == "Skipping: www.a.com already added to app\n"
    assert names(apps, "app") == [f"app.{ZONE}", "www.a.com", "*.b.com"]
    # They are the app's as long as it is there.
    apps.stop()
    apps.start().wait_listening()
    wait_until(lambda: domains(apps, "app").returncode == 0, "it answers")
    assert names(apps, "app") == [f"app.{ZONE}", "www.a.com", "*.b.com"]
    assert domains(apps, "app", "remove", "www.a.com", "c.com").stdout == "-----> Removed www.a.com from app\nSkipping: c.com is not a name of app\n"
    refused = domains(apps, "app", "remove", "*.b.com", f"app.{ZONE}")
    assert refused.returncode == 1 and refused.stderr == f"domains: app.{ZONE} is the app's own name, which it always has\n"
    # octohost's word, which says all of them; what is the app's anyway is no mistake, and of a mistake nothing comes.
    assert apps.ssh(f"domains:set app d.com,c.com,app.{ZONE}").stdout == "-----> Removed *.b.com from app\n-----> Added d.com to app\n-----> Added c.com to app\n"
    assert domains(apps, "app", "set", "c.com", "no name").returncode == 1
    assert names(apps, "app") == [f"app.{ZONE}", "d.com", "c.com"]
    assert domains(apps, "app", "clear").stdout == "-----> Removed d.com from app\n-----> Removed c.com from app\n"
    assert names(apps, "app") == [f"app.{ZONE}"]


@pytest.mark.parametrize(
    "name, why",
    [
        ("www.blog.com", "www.blog.com belongs to the app blog"),
        ("x.blogs.com", "x.blogs.com is among *.blogs.com, which belongs to the app blog"),
        ("*.blog.com", "*.blog.com would stand for www.blog.com, which belongs to the app blog"),
        ("shop.example.org", "shop.example.org belongs to the service shop (urls)"),
        ("x.shop.example", "x.shop.example is among *.shop.example, which belongs to the service shop (urls)"),
        (f"blog.{ZONE}", f"blog.{ZONE} is kept for an app called blog"),
        (f"later.{ZONE}", f"later.{ZONE} is kept for an app called later"),
        (f"*.{ZONE}", f"*.{ZONE} would stand for the names of other apps"),
        ("localhost", "localhost is one word: write the whole name, like www.example.org"),
        ("http://c.com/", "http://c.com/ is more than a host name: write it without scheme, port and path"),
        ("c.com; return 200", "c.com; return 200 is no host name: its parts hold lower-case letters, digits, \"-\" and \"_\""),
        ("c.com\x1b[2J", "c.com\\x1b[2J is no host name: its parts hold lower-case letters, digits, \"-\" and \"_\""),
    ],
)
def test_a_name_of_another_is_refused_by_its_name(apps, name, why):
    assert domains(apps, "blog", "add", "www.blog.com", "*.blogs.com").returncode == 0
    done = domains(apps, "app", "add", "good.example.com", name)
    assert done.returncode == 1 and done.stderr == f"domains: {why}\n" and done.stdout == ""
    assert names(apps, "app") == [f"app.{ZONE}"]


def test_sites_of_what_is_not_pushed_are_the_administrators(pgo):
    repo = pgo.repo("site", {"compose.yaml": web()})
    pgo.service("site", repo)
    pgo.start().wait_listening()
    pgo.wait_deployed("site", repo.head)
    assert domains(pgo, "site", "add", "a.com").stderr == "domains: site is not pushed to this host: its sites are the urls of pgo.toml\n"


# --- what a push changes ---


@pytest.fixture
def proxy(pgo):
    proxy = FakeProxy(pgo)
    pgo.tables += "[push]\naddress = \"1.2.3.4\"\n"
    for name in ("app", "blog"):
        pgo.service(name, hosted=True, repository=None)
    pgo.start().wait_listening()
    wait_until(lambda: proxy.runs(), "the proxy has its file")
    return proxy


def compose(port=8080, **more):
    return web(expose=[str(port)], **more)


def accepted(me, files, **kw):
    me.commit(files, **kw)
    done = me.push()
    assert done.returncode == 0, done.stderr
    return said(done)


def refused(me, files, why):
    me.commit(files)
    done = me.push()
    assert done.returncode != 0 and why in said(done), done.stderr
    # What was refused is not in the way of the next one.
    me.git("update-ref", "-d", "HEAD") if me.git("rev-list", "--count", "HEAD").stdout.strip() == "1" else me.git("reset", "-q", "--hard", "HEAD~1")


def led_to(pgo, app, port=8080):
    return {f"{ip}:{port}" for ip in addresses(pgo, app)}


def test_an_app_is_asked_for_by_its_names_when_its_push_is_accepted(pgo, proxy):
    me = Pusher(pgo, "app")
    assert proxy.site(f"app.{ZONE}") is None
    text = accepted(me, {"compose.yaml": compose(), "CNAME": "www.a.com\nb.a.com"})
    # Whoever reads that it is there finds it.
    want = led_to(pgo, "app")
    assert want and [proxy.site(host) for host in (f"app.{ZONE}", "www.a.com", "b.a.com")] == [want] * 3
    urls = [f"http://app.{ZONE}", "http://www.a.com", "http://b.a.com"]
    assert [line.strip() for line in text.splitlines() if "Adding" in line] == [f"Adding {url}" for url in urls]
    assert re.search("^=====> Application deployed:\n" + "\n".join(" {7}" + re.escape(url) for url in urls), text, re.M), text
    assert json.loads(pgo.ctl("app", "status", "--json").stdout)["urls"] == urls
    pgo.wait_status("app", "sites +yes: 3, in")
    # What is taken out of the file goes, what is added by hand stays.
    assert domains(pgo, "app", "add", "c.a.com").returncode == 0
    assert proxy.site("c.a.com") == led_to(pgo, "app"), "who reads that it was added finds it"
    accepted(me, {"CNAME": "# one\r\n\r\nb.a.com\r\n"})
    assert proxy.site("www.a.com") is None and proxy.site("b.a.com") == proxy.site("c.a.com") == proxy.site(f"app.{ZONE}") == led_to(pgo, "app")
    assert domains(pgo, "app", "remove", "b.a.com").stderr == "domains: b.a.com stands in the file CNAME of the commit: take it out there and push\n"
    # Another core leads there as well.
    runs = len(proxy.runs())
    pgo.stop()
    pgo.start()
    pgo.wait_status("app", "sites +yes: 3, in")
    assert len(proxy.runs()) == runs


def test_a_commit_that_changes_names_alone_touches_no_container(pgo, proxy):
    me = Pusher(pgo, "app")
    accepted(me, {"compose.yaml": compose()})
    before = [box.id for box in pgo.running("app")]
    accepted(me, {"CNAME": "*.a.com\n"})
    assert [box.id for box in pgo.running("app")] == before
    assert proxy.site("*.a.com") == led_to(pgo, "app")


def test_a_name_that_another_has_refuses_the_push_before_anything_is_done(pgo, proxy):
    me, other = Pusher(pgo, "app"), Pusher(pgo, "blog", name="blog")
    accepted(other, {"compose.yaml": compose(), "CNAME": "www.a.com\n"})
    good = proxy.read()
    refused(me, {"compose.yaml": compose(), "CNAME": "\nwww.a.com\n"}, "CNAME:2: www.a.com belongs to the app blog")
    refused(me, {"compose.yaml": compose(), "CNAME": f"blog.{ZONE}"}, f"CNAME:1: blog.{ZONE} is kept for an app called blog")
    refused(me, {"compose.yaml": compose(), "CNAME": "www.b.com\nnot a name\n"}, "CNAME:2: not a name is no host name")
    assert proxy.read() == good and pgo.running("app") == []
    accepted(me, {"compose.yaml": compose(), "CNAME": "app.a.com"})
    assert proxy.site("www.a.com") == led_to(pgo, "blog") and proxy.site("app.a.com") == led_to(pgo, "app")


def test_a_push_that_fails_changes_no_name(pgo, proxy):
    me = Pusher(pgo, "app")
    accepted(me, {"compose.yaml": compose(), "CNAME": "www.a.com\n"})
    pgo.engine.behave("web", exits=1, image=pgo.engine.images["pgo-test/web:2"])
    refused(me, {"compose.yaml": compose(9090, image="pgo-test/web:2"), "CNAME": "www.b.com\n"}, "rolled back")
    wait_until(lambda: proxy.site("www.a.com") == led_to(pgo, "app"), "it is led to what was put back")
    assert proxy.site("www.b.com") is None
    # What it wanted is free again.
    assert domains(pgo, "blog", "add", "www.b.com").returncode == 0


def test_a_name_that_the_proxy_does_not_take_fails_the_push(pgo, proxy):
    me = Pusher(pgo, "app")
    accepted(me, {"compose.yaml": compose()})
    good = proxy.site(f"app.{ZONE}")
    proxy.order("test", "no such name")
    refused(me, {"CNAME": "www.a.com\n"}, "the proxy does not take them in: ")
    assert proxy.site(f"app.{ZONE}") == good and names(pgo, "app") == [f"app.{ZONE}"]
    added = domains(pgo, "app", "add", "b.a.com")
    assert added.returncode == 1 and added.stdout == "" and "the proxy does not take it in, so the names are as they were: " in added.stderr
    assert names(pgo, "app") == [f"app.{ZONE}"]
    proxy.forgive("test")
    accepted(me, {"CNAME": "www.a.com\n"})
    assert proxy.site("www.a.com") == led_to(pgo, "app")


def test_what_goes_back_has_its_names_back(pgo, proxy):
    me = Pusher(pgo, "app")
    accepted(me, {"compose.yaml": compose(labels={"rev": "1"}), "CNAME": "one.a.com\n"})
    accepted(me, {"compose.yaml": compose(9090, labels={"rev": "2"}), "CNAME": "two.a.com\n"})
    assert proxy.site("two.a.com") == led_to(pgo, "app", 9090) and proxy.site("one.a.com") is None
    pgo.ctl("app", "rollback", check=True)
    assert proxy.site("one.a.com") == led_to(pgo, "app", 8080) and proxy.site("two.a.com") is None
    # A name that went to another meanwhile does not come back.
    assert domains(pgo, "blog", "add", "two.a.com").returncode == 0
    done = pgo.ctl("app", "rollback", "2")
    assert done.returncode != 0 and "two.a.com belongs to the app blog" in done.stderr + done.stdout


def test_the_port_goes_over_with_the_containers(pgo, proxy):
    me = Pusher(pgo, "app")
    healthy = {"healthcheck": {"test": ["CMD", "true"]}, "x_pgo": {"update": "start-first"}}
    accepted(me, {"compose.yaml": compose(8080, labels={"rev": "1"}, **healthy)})
    old = proxy.site(f"app.{ZONE}")
    accepted(me, {"compose.yaml": compose(9090, labels={"rev": "2"}, **healthy)})
    assert proxy.site(f"app.{ZONE}") == led_to(pgo, "app", 9090) != old


def test_an_app_without_a_port_has_no_site(pgo, proxy):
    text = accepted(Pusher(pgo, "app"), {"compose.yaml": web()})
    assert "=====> Application deployed" in text and "http://" not in text
    assert proxy.site(f"app.{ZONE}") is None


def test_names_that_were_deployed_go_to_the_administrators_sites(pgo, proxy):
    accepted(Pusher(pgo, "app"), {"compose.yaml": compose(), "CNAME": "www.a.com\nb.a.com\n"})
    pgo.stop()
    pgo.services["blog"]["urls"] = {"www.a.com": "web:80"}
    pgo.start()
    wait_until(lambda: proxy.site("www.a.com") == "503" and proxy.site("b.a.com") == led_to(pgo, "app"), "it is the service's")
    assert "www.a.com: left out: www.a.com belongs to the service blog (urls)" in domains(pgo, "app", "list").stdout


@pytest.fixture
def made(pgo):
    """Apps that a first push makes."""
    proxy = FakeProxy(pgo)
    pgo.tables += "[push]\naddress = \"1.2.3.4\"\ncreate = true\n"
    pgo.start().wait_listening()
    wait_until(lambda: proxy.runs(), "the proxy has its file")
    return proxy


def test_an_app_that_a_push_made_takes_its_names_along(pgo, made):
    me = Pusher(pgo, "a.b-c")
    text = accepted(me, {"compose.yaml": compose(), "CNAME": "www.a.com\n"})
    assert f"http://a.b-c.{ZONE}" in text
    assert made.site(f"a.b-c.{ZONE}") == made.site("www.a.com") == led_to(pgo, "a_b-c")
    assert pgo.ssh("host://apps destroy a.b-c a.b-c").returncode == 0
    wait_until(lambda: made.site("www.a.com") is None and made.site(f"a.b-c.{ZONE}") is None, "nobody is led there any more")
    # The names are free.
    accepted(Pusher(pgo, "other", name="other"), {"compose.yaml": compose(), "CNAME": "www.a.com\n"})
    assert made.site("www.a.com") == led_to(pgo, "other")


def test_the_app_of_a_branch_has_no_names_of_the_repositorys(pgo, made):
    me = Pusher(pgo, "app")
    accepted(me, {"compose.yaml": compose(), "CNAME": "www.a.com\n"})
    me.git("checkout", "-q", "-b", "feat/x")
    me.commit({"CNAME": "www.a.com\nfeat.a.com\n"})
    done = me.push("feat/x")
    assert done.returncode == 0, done.stderr
    assert "the file CNAME does not count on this branch: its names are those of the app app" in said(done)
    assert made.site(f"app-feat-x.{ZONE}") == led_to(pgo, "app-feat-x") and made.site("feat.a.com") is None
    assert made.site("www.a.com") == led_to(pgo, "app") != made.site(f"app-feat-x.{ZONE}")


def test_the_sites_of_a_service_that_is_pushed_to_are_its_own_and_told(pgo):
    proxy = FakeProxy(pgo)
    pgo.tables += "[push]\naddress = \"1.2.3.4\"\n"
    pgo.service("my-shop", hosted=True, repository=None, urls={"shop.test": "web:8080", f"my-shop.{ZONE}": "web:8080"})
    pgo.start().wait_listening()
    text = accepted(Pusher(pgo, "my-shop"), {"compose.yaml": compose(), "CNAME": "shop.test\nwww.shop.test\n"})
    assert [proxy.site(name) for name in ("shop.test", "www.shop.test", f"my-shop.{ZONE}")] == [led_to(pgo, "my-shop")] * 3
    # Whoever pushes, or looks, is told of all of them alike; this nginx has no certificates.
    urls = ["http://shop.test", f"http://my-shop.{ZONE}", "http://www.shop.test"]
    assert "=====> Application deployed:\n" + "".join(f"       {url}\n" for url in urls) in text + "\n", text
    assert json.loads(pgo.ctl("my-shop", "status", "--json").stdout)["urls"] == urls
    assert [row["urls"] for row in json.loads(pgo.ssh("host://services --json").stdout)] == [urls]
    assert pgo.ssh("host://services").stdout.splitlines()[1].endswith("(pushed here)  " + " ".join(urls))
