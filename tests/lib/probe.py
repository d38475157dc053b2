"""Asks a service's page again and again while something is done to it, and tells afterwards when it did not answer."""

import contextlib
import http.client
import socket
import threading
import time

from lib.host import clock, wait_until

EVERY_S = 0.02
PATIENCE_S = 1.0


class Prober:
    """A thread that requests / of the container of `service`, at its address on the bridge.

    retry_s: like a proxy with a few upstreams it tries whichever container is there for so long before the request has failed; 0: one
    attempt. patience_s: how long an attempt waits for its answer, as deadlines are counted; at an address that is gone nobody gives one. Each
    request is one entry (begun, ended, what was answered; None when it failed, and how much of deadlines had passed then).
    """

    def __init__(self, engine, project, service="web", port=8080, retry_s=0, patience_s=PATIENCE_S):
        self.engine, self.project, self.service, self.port = engine, project, service, port
        self.retry_s, self.patience_s = retry_s, patience_s
        self.requests, self.ending = [], threading.Event()
        self.known, self.passed = [], clock()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.wait_answer()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join(10)

    # the thread

    def addresses(self):
        """Of the running containers, the newest last; the engine may be away."""
        with contextlib.suppress(OSError, http.client.HTTPException, AssertionError, KeyError, ValueError):
            boxes = [box for box in self.engine.containers(self.project) if box.service == self.service and box.state == "running"]
            self.known = [box.address for box in boxes if box.address]
        return self.known

    def receive(self, connection, until):
        while True:
            try:
                return connection.recv(65536)
            except TimeoutError:
                if self.passed() > until:
                    raise

    def fetch(self, address):
        until = self.passed() + self.patience_s
        with contextlib.suppress(OSError):
            with socket.create_connection((address, self.port), self.patience_s) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = b""
                while data := self.receive(connection, until):
                    answer += data
            head, _, body = answer.partition(b"\r\n\r\n")
            if b" 200 " in head.split(b"\r\n")[0]:
                return body.decode().strip()
        return None

    def request(self):
        begun = time.monotonic()
        while True:
            for address in list(self.known):
                answer = self.fetch(address)
                if answer is not None:
                    return begun, time.monotonic(), answer
            self.addresses()
            if self.ending.is_set() or time.monotonic() - begun >= self.retry_s:
                return begun, time.monotonic(), None

    def run(self):
        while not self.ending.wait(EVERY_S):
            self.requests.append((*self.request(), self.passed()))

    # what a test asks

    def mark(self):
        """From here on, for the following."""
        return len(self.requests)

    def failed(self, mark=0):
        return [request for request in self.requests[mark:] if request[2] is None]

    def outage(self, mark=0, of_deadlines=False):
        """The longest time in seconds from one answer to the next; as deadlines are counted, or as it was."""
        answers = [request for request in self.requests[mark:] if request[2] is not None]
        at = 3 if of_deadlines else 1
        return max([later[at] - earlier[at] for earlier, later in zip(answers, answers[1:])], default=0)

    def wait_answer(self, page=None, deadline=40):
        """The service answers now, with this page if one is given; requests before do not count."""
        mark = self.mark()

        def answered():
            return [request for request in self.requests[mark:] if request[2] is not None and page in (None, request[2])]

        wait_until(answered, f"{self.project} answers" + (f" with {page!r}" if page else ""), deadline)

    def check_none_failed(self, mark=0, enough=10):
        """No request failed since the mark, and there were some."""
        self.wait_answer()
        made = self.requests[mark:]
        assert len(made) >= enough, f"only {len(made)} requests"
        assert not self.failed(mark), f"{len(self.failed(mark))} of {len(made)} requests failed, {self.outage(mark):.2f} s without an answer"
