"""A reverse proxy in a container, and a load that goes through it at a fixed rate."""

import http.client
import threading
import time

from lib.host import TOP, run, wait_until
from lib.real_engine import UnixConnection

IMAGE = "pgo-test/caddy:1"
NETWORK = "pgot-edge"
WORKERS = 16
CADDYFILE = """{
	auto_https off
	admin off
}
:8080 {
	reverse_proxy shop:8080 {
		lb_try_duration 5s
		lb_try_interval 20ms
	}
}
"""


class Caddy:
    """On a network of its own, `edge`, with whatever container is called `shop` there behind it."""

    def __init__(self, pgo):
        self.engine = pgo.engine
        self.env = {"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "DOCKER_HOST": pgo.engine.docker_host}
        run(f"{TOP}/scripts/caddy-image", IMAGE, env=self.env)
        self.engine.create_network(NETWORK)
        path = pgo.path("Caddyfile")
        with open(path, "w", encoding="ascii") as text:
            text.write(CADDYFILE)
        body = {"Image": IMAGE, "HostConfig": {"NetworkMode": NETWORK, "Binds": [f"{path}:/etc/caddy/Caddyfile:ro"]}}
        status, answer = self.engine.ask("POST", "/containers/create?name=pgot-caddy", body)
        assert status == 201, answer
        self.id = answer["Id"]
        status, answer = self.engine.ask("POST", f"/containers/{self.id}/start")
        assert status == 204, answer
        inspect = self.engine.ask("GET", f"/containers/{self.id}/json")[1]
        self.address = inspect["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]

    def page(self):
        connection = http.client.HTTPConnection(self.address, 8080, timeout=10)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            body = answer.read().decode().strip()
            return body if answer.status == 200 else None
        finally:
            connection.close()

    def errors(self):
        """What it says of requests that failed: for the message of a test."""
        connection = UnixConnection(f"{self.engine.dir}/docker.sock")
        try:
            connection.request("GET", f"/containers/{self.id}/logs?stderr=1&stdout=1")
            lines = connection.getresponse().read().decode(errors="replace").splitlines()
        finally:
            connection.close()
        return "\n".join(line for line in lines if '"level":"error"' in line)[-4000:]

    def wait_page(self, page, deadline=40):
        wait_until(lambda: self.page() == page, f"the proxy shows {page!r}", deadline)


class Load:
    """Requests through the proxy at `rate` a second, from WORKERS kept connections, each at its time, however long others take."""

    def __init__(self, caddy, rate, port=8080, host=None):
        self.address, self.rate, self.port = caddy.address, rate, port
        self.headers = {"Host": host} if host else {}
        self.answers, self.failures = [], []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True) for number in range(WORKERS)]

    def __enter__(self):
        self.begun = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(30)
        self.ended = time.monotonic()

    def get(self, connection):
        connection.request("GET", "/", headers=self.headers)
        answer = connection.getresponse()
        answer.read()
        return answer

    def work(self, number):
        connection = http.client.HTTPConnection(self.address, self.port, timeout=30)
        turn, kept = 0, False
        while not self.ending.wait(max(0.0, self.begun + (number + turn * WORKERS) / self.rate - time.monotonic())):
            turn += 1
            begun = time.monotonic()
            try:
                try:
                    answer = self.get(connection)
                except ConnectionError:
                    # A server may close a connection that it has kept at any time: every browser asks again.
                    if not kept:
                        raise
                    connection.close()
                    answer = self.get(connection)
                kept = True
                problem = None if answer.status == 200 else f"status {answer.status}"
            except (OSError, http.client.HTTPException) as err:
                problem, kept = repr(err), False
                connection.close()
            if problem:
                self.failures.append((begun - self.begun, problem))
            else:
                self.answers.append(time.monotonic() - begun)
        connection.close()

    def done(self):
        """Requests a second that were really made."""
        return (len(self.answers) + len(self.failures)) / (self.ended - self.begun)
