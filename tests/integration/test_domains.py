"""The names of apps: whose they are, where they lead, and what a push changes of them."""

import json

import pytest

from lib.host import wait_until
from lib.pgo import web

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
    assert domains(apps, "app", "clear").stdout == "-----> Removed *.b.com from app\n"
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
