"""Apps of every kind are pushed for the first time, by OpenSSH's git to a real engine: what runs, what is refused, and what the pusher reads."""

import os

import pytest

from lib.host import run
from lib.pushes import SAMPLES, App, let_start, routes, visited

STATIC = "pgo-test/static:1"
SITE = """FROM pgo-test/web:1
EXPOSE 80
CMD ["httpd", "-f", "-p", "80", "-h", "/usr/share/nginx/html"]
"""


@pytest.fixture
def host(pgo, request):
    """Its parameter: how long an app may take to start."""
    return visited(pgo, static_image=STATIC, health_timeout=getattr(request, "param", "60s"))


@pytest.fixture
def static_image(pgo):
    env = {"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "DOCKER_HOST": pgo.engine.docker_host}
    run("docker", "build", "-q", "-t", STATIC, "-", env=env, input=SITE)


def live(pgo, sample, count=1):
    """The sample is accepted and runs; returns the app, and what its pusher read."""
    app = App(pgo, sample, sample)
    push = app.push().accepted()
    app.runs(app.head(), count)
    return app, push.said


def on_the_web(host, app, said, page="index.html"):
    assert f"=====> Application deployed:\n       http://{app.host}" in said, said
    with open(os.path.join(SAMPLES, app.name, page), encoding="ascii") as text:
        host.wait_page(app.host, text.read().strip())


@pytest.mark.parametrize("sample", ["expose", "no-expose", "multi-port"])
def test_an_app_with_a_dockerfile_answers_by_its_name(pgo, host, sample):
    app, said = live(pgo, sample)
    assert "-----> Building" in said and "COPY index.html" in said, said
    on_the_web(host, app, said)


def test_an_app_with_a_compose_file_answers_by_its_name(pgo, host):
    app, said = live(pgo, "compose", 2)
    on_the_web(host, app, said)
    app, said = live(pgo, "compose-wins")
    on_the_web(host, app, said, "page/index.html")


def test_a_static_site_answers_by_its_name(pgo, host, static_image):
    app, said = live(pgo, "static")
    on_the_web(host, app, said)
    assert host.ask(app.host, "/other.html").body == "and its other page"
    # What its developers keep beside the pages is nobody's.
    for hidden in ("ssh/team.pub", "CNAME", ".gitmodules", ".gitattributes", ".gitignore", "docs/.draft.html"):
        assert os.path.exists(os.path.join(app.path, hidden))
        assert host.ask(app.host, "/" + hidden).status == 404, hidden
    for page, text in {".well-known/security.txt": "Contact: mailto:security@static.test", "docs/ssh/index.html": "how to log in"}.items():
        assert host.ask(app.host, "/" + page).body == text


def test_a_worker_runs_without_a_name(pgo, host):
    app, said = live(pgo, "worker")
    assert "=====> Application deployed" in said and "http://" not in said, said
    assert host.ask(app.host).status == 404


def test_names_in_the_file_cname_lead_to_the_app(pgo, host):
    app, said = live(pgo, "names")
    on_the_web(host, app, said)
    for name in ("www.names.test", "shop.names.test"):
        assert f"       http://{name}" in said, said
        host.wait_page(name, "an app with names of its own")
    assert pgo.ctl("names", "exec", "web", "cat", "/proc/sys/kernel/hostname").stdout == "shop.names.test\n"


BAD = {
    "failing-build": "the tests of this app fail",
    "failing-start": "cannot find its database|dies again and again",
    "never-listens": "8080",
    "never-healthy": "unhealthy",
    "nothing": "compose.yaml.*Dockerfile.*index.html",
    "privileged": "services.web.privileged",
    "directives": "ADD_NAME|MOUNT_FROM_HOST",
}


@pytest.mark.parametrize("sample, host", [(sample, "4s" if sample == "never-listens" else "60s") for sample in BAD], indirect=["host"], ids=BAD)
def test_what_does_not_come_to_run_is_rejected_and_says_why(pgo, host, sample):
    app = App(pgo, sample, sample)
    push = app.push().rejected(BAD[sample])
    assert " !     " in push.said, push.said
    assert "=====> Application deployed" not in push.said
    assert app.refs() == {} and not pgo.running(app.name)
    assert app.host not in (routes(pgo) or "")
    # The developer mends it, and pushes again.
    for name in os.listdir(app.path):
        if name != ".git":
            os.unlink(os.path.join(app.path, name))
    run("cp", "-r", os.path.join(SAMPLES, "expose") + "/.", app.path)
    head = app.commit({}, "mended")
    app.push().accepted()
    app.runs(head)
    host.wait_page(app.host, "a Dockerfile that exposes its port")


def test_a_push_is_not_accepted_before_a_slow_app_answers(pgo, host):
    app = App(pgo, "slow-start", "slow-start")
    push = app.begin().see("Waiting until all of it runs well")
    (box,) = pgo.wait_running(app.name)
    assert app.refs() == {} and push.process.poll() is None
    let_start(pgo, box)
    push.end().accepted()
    app.runs(app.head())
    on_the_web(host, app, push.said)


def test_a_submodule_that_cannot_be_had_is_told_before_anything_is_built(pgo, host):
    """Nobody pushes it, and an account of an app reads no repository of this machine."""
    theme = App(pgo, "theme", **{"index.html": "a page of a submodule\n"})
    app = App(pgo, "themed", **{"Dockerfile": "FROM pgo-test/web:1\nCOPY theme /www\nEXPOSE 8080\n"})
    app.git("submodule", "--quiet", "add", f"file://{theme.path}", "theme")
    app.commit({}, "with its theme")
    push = app.push().rejected("the submodule theme .* its URL in .gitmodules must be")
    assert "Building" not in push.said, push.said
