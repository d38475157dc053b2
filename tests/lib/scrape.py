"""Asking pgod-web, as Prometheus and as people who wish it ill do."""

import contextlib
import http.client
import re
import socket

from lib.host import run, wait_until

SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)$')


def address(metrics):
    host, _, port = metrics.rpartition(":")
    return host.strip("[]") or "127.0.0.1", int(port)


def ask(metrics, path="/metrics", method="GET", timeout=60, **kw):
    """(status, body, headers) of one request at an address."""
    connection = http.client.HTTPConnection(*address(metrics), timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, **kw)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers


def raw(metrics, data=b"", timeout=60):
    """What comes back for these bytes until the server closes; b"" also when it just hangs up."""
    with contextlib.closing(socket.create_connection(address(metrics), timeout)) as sock:
        answer = bytearray()  # of megabytes: not to be copied with each piece
        with contextlib.suppress(ConnectionError):
            sock.sendall(data)
            while piece := sock.recv(65536):
                answer += piece
        return bytes(answer)


def samples(text):
    """{(name, frozenset of labels): value}; whoever finds a line that is none, or a sample twice, fails."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# HELP ") or line.startswith("# TYPE "):
            continue
        match = SAMPLE.match(line)
        assert match, f"no sample: {line!r}"
        labels = frozenset(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
        assert (match[1], labels) not in found, f"twice: {line}"
        found[match[1], labels] = float(match[3])
    return found


class Page:
    """The metrics of a pgod at one moment."""

    def __init__(self, pgo):
        status, self.text, headers = ask(pgo.metrics)
        assert status == 200, self.text
        assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        self.samples = samples(self.text)

    def get(self, name, **labels):
        return self.samples.get((name, frozenset(labels.items())))

    def labels(self, name, **some):
        """The labels of the one sample of this name that has these among its labels."""
        found = [dict(labels) for of, labels in self.samples if of == name and frozenset(some.items()) <= labels]
        assert len(found) == 1, (name, some, found)
        return found[0]


def wait_page(pgo, condition, what, deadline=20):
    """The first page of which that is true."""

    def there():
        with contextlib.suppress(ConnectionError, AssertionError):
            page = Page(pgo)
            return page if condition(page) else None
        return None

    return wait_until(there, what, deadline, step=0.1)


def lint(text):
    """What promtool finds wrong with the page, but for the two names that pgo has from its forerunner."""
    done = run("promtool", "check", "metrics", input=text, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if not re.match(r"pgo_command(_error)?_count ", line)]
