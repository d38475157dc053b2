"""What is pushed without a compose file, on a real engine: built by it, told its port, tried at its own address."""

import glob
import os
import re
import urllib.request

import pytest

from lib.host import outcome, wait_until
from lib.pusher import Pusher, operator, said
from lib.slowbuild import go_on, step_of

BASE = "FROM pgo-test/web:1\nSTOPSIGNAL SIGKILL\n"
SERVE = 'CMD ["sh", "-c", "exec httpd -f -p $PORT -h /www"]\n'


@pytest.fixture
def app(pgo):
    """A function that starts pgod with one service that is pushed to."""

    def start(push="", **keys):
        pgo.tables = "[push]\n" + push + "\n" + operator(pgo.key)
        pgo.service("app", repo=None, hosted=True, **{"health_timeout": "30s", "settle": "100ms", **keys})
        pgo.services["app"].pop("repository")
        pgo.start().wait_listening()
        return Pusher(pgo, "app")

    return start


def only(pgo):
    (box,) = [box for box in pgo.engine.containers("app") if box.state == "running"]
    return box


def page(pgo, port, path="/"):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{only(pgo).address}:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def accepted(me, **kw):
    done = me.push(deadline=120, **kw)
    assert done.returncode == 0, done.stderr
    return said(done)


def environment(pgo):
    """Of the container, as the engine has it."""
    _, inspect = pgo.engine.ask("GET", f"/containers/{only(pgo).id}/json")
    return dict(entry.split("=", 1) for entry in inspect["Config"]["Env"]), inspect["HostConfig"]


def make_server(engine):
    """pgo-test/nginx:1, which serves what lies where nginx's own image has it."""
    _, made = engine.ask("POST", "/containers/create", {"Image": "pgo-test/web:1"})
    config = {"Cmd": ["httpd", "-f", "-p", "80", "-h", "/usr/share/nginx/html"], "ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGKILL"}
    status, answer = engine.ask("POST", f"/commit?container={made['Id']}&repo=pgo-test/nginx&tag=1", config)
    assert status == 201, answer
    engine.ask("DELETE", f"/containers/{made['Id']}")


def test_an_app_that_exposes_nothing_listens_where_it_is_told(pgo, app):
    me = app()
    me.commit({"Dockerfile": BASE + "COPY index.html /www/\n" + SERVE, "index.html": "one"})
    assert "web: listens on port 5000, which PORT in its environment tells it" in accepted(me)
    assert page(pgo, 5000) == "one"
    told, host = environment(pgo)
    assert told["PORT"] == "5000" and told["CONTAINER_NAME"] == "app"
    assert host["SecurityOpt"] == ["no-new-privileges:true"] and host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    # The next one stands beside it until it answers.
    before = only(pgo).id
    me.commit({"index.html": "two"})
    assert "web: the new beside the old" in accepted(me)
    assert page(pgo, 5000) == "two" and only(pgo).id != before
    assert len(pgo.engine.containers("app")) == 1


def test_every_byte_of_a_config_var_arrives(pgo, app):
    me = app()
    value = "a$b ${c} $$d \"e\" 'f' \\g\n\th=é😀 #i: {j}"
    assert pgo.ctl("app", "config", "set", "TEXT", input=value).returncode == 0
    assert pgo.ctl("app", "config", "set", "HTTP_PORT=7000", "MEMORY_LIMIT=64m").returncode == 0
    me.commit({"Dockerfile": BASE + "EXPOSE 80\n" + SERVE})
    assert "web: listens on port 7000, as HTTP_PORT says" in accepted(me)
    told, host = environment(pgo)
    assert told["TEXT"] == value and told["PORT"] == "7000" and "HTTP_PORT" not in told
    assert host["Memory"] == 64 << 20


def test_of_several_ports_80_is_the_one(pgo, app):
    me = app()
    me.commit({"Dockerfile": BASE + 'EXPOSE 53/udp 8443 80\nCMD ["httpd", "-f", "-p", "80", "-h", "/www"]\n'})
    assert "web: listens on port 80, which its image exposes" in accepted(me)


def test_a_port_that_never_opens_shows_what_the_container_said(pgo, app):
    me = app(health_timeout="3s")
    me.commit({"Dockerfile": BASE + 'CMD ["sh", "-c", "echo waiting for the database; exec tail -f /dev/null"]\nEXPOSE 8080\n'})
    done = me.push(deadline=120)
    assert done.returncode == 1
    assert "nothing accepts connections on port 8080 of its container within 2.5 s: Connection refused" in said(done)
    assert re.search(r"the last lines of its output:\n +web-1 +\| waiting for the database", said(done)), said(done)
    assert me.remote_refs() == {} and not pgo.engine.containers("app")


def test_a_page_decides_when_it_is_ready(pgo, app):
    me = app()
    assert pgo.ctl("app", "config", "set", "CUSTOM_CHECK=/ready").returncode == 0
    # The page is there once it has been asked for in vain: httpd logs the answer.
    late = "CMD httpd -f -v -p 8080 -h /www 2>&1 | { read -r asked; touch /www/ready; cat; }\nEXPOSE 8080\n"
    me.commit({"Dockerfile": BASE + late})
    accepted(me)
    assert page(pgo, 8080, "/ready") == ""


def test_a_site_is_served_from_the_image_of_the_administrator(pgo, app):
    me = app(push='static_image = "pgo-test/nginx:1"')
    make_server(pgo.engine)
    me.commit({"index.html": "a site", "more/page.html": "a page"})
    before = set(glob.glob("/tmp/dockerfile*"))
    assert "web: listens on port 80, which its image exposes" in accepted(me)
    new = set(glob.glob("/tmp/dockerfile*")) - before
    # Another test's may be there for a moment.
    wait_until(lambda: not new & set(glob.glob("/tmp/dockerfile*")), "compose leaves no Dockerfile that it wrote")
    assert page(pgo, 80, "/index.html") == "a site" and page(pgo, 80, "/more/page.html") == "a page"


def test_directives_within_what_the_administrator_allows(pgo, app):
    srv = pgo.path("srv")
    os.mkdir(srv)
    with open(os.path.join(srv, "index.html"), "w", encoding="utf-8") as out:
        out.write("of the host")
    me = app(push='directives = ["MOUNT_FROM_HOST", "ADD_NAME"]', allow=[f"volumes:{srv}"])
    file = BASE + 'EXPOSE 80\nCMD ["httpd", "-f", "-p", "80", "-h", "/srv"]\n'
    me.commit({"Dockerfile": f"# mount_from_host {srv} /srv\n# ADD_NAME\n" + file})
    accepted(me)
    assert page(pgo, 80) == "of the host" and only(pgo).name == "app"
    assert pgo.ctl("app", "config", "options").stdout == f"-v {srv}:/srv -d -e CONTAINER_NAME=app --name app\n"
    me.commit({"Dockerfile": "# MOUNT_FROM_HOST /etc /srv\n" + file})
    assert "the path /etc is outside of this service's directories" in said(me.push(deadline=120))
    assert page(pgo, 80) == "of the host"


def test_a_build_is_told_line_by_line(pgo, app):
    me = app()
    me.commit({"Dockerfile": BASE + step_of(pgo) + "EXPOSE 8080\n"})
    with me.begin() as push:
        seen = ""
        while "first-line" not in seen.replace("echo first-line", ""):
            line = push.stderr.readline()
            assert line, seen
            seen += line
        assert push.poll() is None and "\nlast-line" not in seen
        go_on(pgo)
        _, rest = outcome(push, 120)
        assert push.returncode == 0 and "\x1b" not in seen + rest, seen + rest


def test_a_worker_runs_and_is_replaced(pgo, app):
    me = app()
    me.commit({"Dockerfile": BASE + '# NO_HTTP_PROXY\nCMD ["sleep", "1000"]\nEXPOSE 80\n'})
    assert "a worker: no visitors are led to it" in accepted(me)
    before = only(pgo).id
    me.commit({"Dockerfile": BASE + '# NO_HTTP_PROXY\nCMD ["sleep", "1001"]\n'})
    assert "web: the new beside the old" in accepted(me)
    wait_until(lambda: only(pgo).id != before, "the new one runs alone")
