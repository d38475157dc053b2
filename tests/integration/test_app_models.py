"""What is pushed without a compose file: how it is run, on which port it is led to, and when it is ready."""

import contextlib
import re
import socket
import threading

import pytest

from lib.host import ended, wait_until
from lib.pgo import web
from lib.pusher import Pusher, operator, said

PLAIN = {"Dockerfile": "FROM scratch\n"}


class Listener:
    """Where all containers are, something listens, or not yet."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.answer, self.asked = b"HTTP/1.1 200 OK\r\n\r\n", []

    def open(self):
        self.socket.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                client.settimeout(1)
                try:
                    self.asked.append(client.recv(4096))
                    client.sendall(self.answer)
                except OSError:
                    pass

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def hosted(pgo):
    """A function that starts pgod with one service that is pushed to."""

    def start(push="", **keys):
        pgo.tables = "[push]\n" + push + "\n" + operator(pgo.key)
        pgo.service("app", repo=None, hosted=True, **keys)
        pgo.services["app"].pop("repository")
        pgo.engine.address_of_all = "127.0.0.1"
        pgo.start().wait_listening()
        return Pusher(pgo, "app")

    return start


def last_model(pgo, verb="up"):
    return pgo.engine.calls(verb, "app")[-1]["model"]


def test_a_dockerfile_is_built_and_led_to_on_the_port_that_its_image_exposes(pgo, hosted, listener):
    me = hosted()
    pgo.engine.builds["app-web"] = {"exposes": [f"{listener.port}/tcp", "9/udp"]}
    listener.open()
    me.commit(PLAIN)
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert f"web: listens on port {listener.port}, which its image exposes" in said(done)
    ran = last_model(pgo)
    assert ran["x-pgo-http"] == {"service": "web", "port": listener.port}
    service = ran["services"]["web"]
    assert service["restart"] == "unless-stopped" and service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"] == {"CONTAINER_NAME": "app"} and service["pids_limit"] == 1024
    assert [box.service for box in pgo.running("app")] == ["web"]
    assert pgo.ctl("app", "config", "options").stdout == "-d -e CONTAINER_NAME=app\n"
    # The port is no difference to what runs.
    done = pgo.ctl("app", "plan")
    assert done.returncode == 0 and "x-pgo" not in done.stdout, done.stdout + done.stderr


def test_an_image_that_exposes_nothing_is_told_its_port(pgo, hosted):
    me = hosted(health_timeout="2s")
    me.commit(PLAIN)
    done = me.push()
    assert "web: listens on port 5000, which PORT in its environment tells it" in said(done)
    assert last_model(pgo)["services"]["web"]["environment"] == {"CONTAINER_NAME": "app", "PORT": "5000"}


def test_a_port_that_never_opens_fails_the_push(pgo, hosted, listener):
    me = hosted(health_timeout="2s")
    pgo.engine.builds["app-web"] = {"exposes": [f"{listener.port}/tcp"]}
    me.commit(PLAIN)
    done = me.push()
    assert done.returncode != 0
    assert f"nothing accepts connections on port {listener.port} of its container within 1.5 s: Connection refused" in said(done)
    assert re.search(r"the last lines of its output:\n +web-1 +\| hello from ", said(done)), said(done)
    assert me.remote_refs() == {}


def test_a_slow_start_is_waited_for(pgo, hosted, listener):
    me = hosted()
    pgo.engine.builds["app-web"] = {"exposes": [f"{listener.port}/tcp"]}
    me.commit(PLAIN)
    push = me.begin()
    wait_until(lambda: pgo.running("app"), "its container runs")
    assert push.poll() is None
    listener.open()
    assert ended(push) == 0


def test_the_new_container_is_ready_before_the_old_one_goes(pgo, hosted, listener):
    me = hosted(health_timeout="3s")
    pgo.engine.builds["app-web"] = {"exposes": [f"{listener.port}/tcp"]}
    listener.open()
    me.commit(PLAIN)
    assert me.push().returncode == 0
    (old,) = pgo.running("app")
    me.commit({"a": "b"})
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert "web: the new beside the old" in said(done)
    (new,) = pgo.running("app")
    assert new.id != old.id
    # One whose port stays closed leaves it alone.
    closed = Listener()
    pgo.engine.builds["app-web"] = {"exposes": [f"{closed.port}/tcp"]}
    head = me.remote_refs()
    me.commit({"a": "c"})
    done = me.push()
    closed.close()
    assert done.returncode != 0 and "nothing accepts connections" in said(done)
    assert pgo.engine.calls("logs", "app")[-1]["args"] == ["--index", "1", "--tail", "20", "web"]
    assert [box.id for box in pgo.running("app")] == [new.id] and len(pgo.engine.containers("app")) == 1
    assert me.remote_refs() == head


def test_a_page_that_must_answer_well(pgo, hosted, listener):
    me = hosted(health_timeout="2s")
    pgo.engine.builds["app-web"] = {"exposes": [f"{listener.port}/tcp"]}
    listener.answer = b"HTTP/1.1 503 No\r\n\r\n"
    listener.open()
    assert pgo.ctl("app", "config", "set", "CUSTOM_CHECK=/ready").returncode == 0
    me.commit(PLAIN)
    done = me.push()
    assert done.returncode != 0
    assert f"no good answer to GET /ready on port {listener.port} of its container within 1.5 s: it answers with status 503" in said(done)
    listener.answer = b"HTTP/1.1 302 Found\r\n\r\n"
    me.commit({"a": "b"})
    assert me.push().returncode == 0
    assert listener.asked[-1].startswith(b"GET /ready HTTP/1.1\r\n")


def test_a_worker_has_no_port(pgo, hosted):
    me = hosted(settle="100ms")
    me.commit({"Dockerfile": "FROM scratch\n# no_http_proxy\n"})
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert "a worker: no visitors are led to it" in said(done)
    assert "x-pgo-http" not in last_model(pgo)
    me.commit({"a": "b"})
    done = me.push()
    assert done.returncode == 0 and "web: the new beside the old" in said(done), done.stderr


def test_a_compose_app_is_led_to_where_its_file_says(pgo, hosted, listener):
    me = hosted()
    listener.open()
    me.commit({"compose.yaml": web(expose=[str(listener.port)])})
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert f"listens on port {listener.port}, as its expose says" in said(done)
    # Its own word about ours does not count.
    me.commit({"compose.yaml": {**web(), "x-pgo-http": {"service": "web", "port": 1}, "x-pgo-app": {"kind": "dockerfile"}}})
    done = me.push()
    assert done.returncode == 0 and "no visitors are led to it" in said(done), done.stderr


def test_directives_need_the_administrator(pgo, hosted):
    me = hosted(push='directives = ["MOUNT_FROM_HOST"]')
    me.commit({"Dockerfile": "FROM scratch\n# ADD_NAME\n"})
    done = me.push()
    assert done.returncode != 0 and "Dockerfile:2: the directive ADD_NAME is not allowed" in said(done)
    # What is listed is judged by the policy like a compose file.
    me.commit({"Dockerfile": "FROM scratch\n# MOUNT_FROM_HOST /etc /host\n"})
    done = me.push()
    assert done.returncode != 0 and "services.web.volumes[0].source: the path /etc is outside" in said(done), done.stderr
    assert me.remote_refs() == {} and not pgo.engine.containers("app")


def test_nothing_to_run_is_refused_with_what_comes_close(pgo, hosted):
    me = hosted()
    me.commit({"dockerfile": "FROM scratch\n"})
    done = me.push()
    assert done.returncode != 0
    assert "there is a file dockerfile: call it Dockerfile" in said(done)
    me.commit({"README": "hi"}, remove=["dockerfile"])
    assert "none of compose.yaml, compose.yml, docker-compose.yml, docker-compose.yaml, Dockerfile, index.html is there" in said(me.push())


def test_a_site_is_built_into_the_administrators_image(pgo, hosted, listener):
    me = hosted(push='static_image = "web:1"')
    pgo.engine.builds["app-web"] = {"exposes": [f"{listener.port}/tcp"]}
    listener.open()
    me.commit({"index.html": "<p>hi"})
    done = me.push()
    assert done.returncode == 0, done.stderr
    (build,) = pgo.engine.calls("build", "app")
    steps = build["model"]["services"]["web"]["build"]["dockerfile_inline"].splitlines()
    assert steps[0] == "FROM web:1 AS pgo-site" and steps[-2:] == ["FROM web:1", "COPY --from=pgo-site /pgo-site/ /usr/share/nginx/html/"]


def test_a_site_has_nobody_to_serve_it(pgo, hosted):
    me = hosted()
    me.commit({"index.html": "<p>hi"})
    done = me.push()
    assert done.returncode != 0 and "static_image of [push] in pgo.toml" in said(done)
