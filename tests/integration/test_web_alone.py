"""pgod-web between a core that is ours and visitors who wish it ill; its limits are short here (pgod-web-quick)."""

import contextlib
import errno
import fcntl
import json
import os
import select
import shutil
import socket
import subprocess
import threading
import time

import pytest

from lib.host import clock, free_port, open_files_of, wait_until
from lib.pgo import BUILD
from lib.scrape import ask, raw

REQUEST_S, LIFE_S, CORE_S = 1.2, 3.0, 1.8  # bounds.h
F_ADD_SEALS, F_SEAL_SHRINK, F_SEAL_WRITE, F_SEAL_GROW = 1033, 2, 8, 4


def memfd(text, seals=F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_GROW):
    fd = os.memfd_create("page", os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(fd), "wb") as out:
        out.write(text)
    while True:
        try:
            fcntl.fcntl(fd, F_ADD_SEALS, seals)
            return fd
        except OSError as problem:
            if problem.errno != errno.EBUSY:  # else the kernel still holds a page of it
                raise


class Web:
    """pgod-web-quick, and this process in the places of pgod and core."""

    def __init__(self, program):
        self.metrics = f"127.0.0.1:{free_port()}"
        host, port = self.metrics.split(":")
        listener = socket.create_server((host, int(port)), backlog=512)
        listener.setblocking(False)
        self.arrival, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.closing(listener), contextlib.closing(theirs):
            # Out of the way of the numbers that they get.
            fds = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD, 100) for sock in (theirs, listener)]
            self.process = subprocess.Popen(
                [program], user=65534, group=65534, extra_groups=[], cwd="/", env={}, pass_fds=(3, 4), stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE, preexec_fn=lambda: [os.dup2(fd, 3 + i) for i, fd in enumerate(fds)],
            )  # fmt: skip
            for fd in fds:
                os.close(fd)
        self.core = None
        self.asked = 0
        self.join()

    def join(self):
        """A (new) channel to core."""
        if self.core is not None:
            self.core.close()
        self.core, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.core.settimeout(60)
        with contextlib.closing(theirs):
            socket.send_fds(self.arrival, [b"\0"], [theirs.fileno()])

    def expect(self):
        """Core is asked for the page."""
        assert json.loads(self.core.recv(65536)) == {"type": "metrics"}
        self.asked += 1

    def answer(self, text=b"pgo_x 1\n", health="", body=None, **kw):
        page = memfd(text, **kw)
        body = {"type": "metrics", "health": health} if body is None else body
        socket.send_fds(self.core, [json.dumps(body).encode()], [page])
        os.close(page)

    def serve(self, **kw):
        """Answers one question, soon."""
        helper = threading.Thread(target=lambda: (self.expect(), self.answer(**kw)))
        helper.start()
        return helper

    @contextlib.contextmanager
    def serving(self, **kw):
        """Answers whatever is asked."""
        over = threading.Event()

        def answer_all():
            while not over.is_set():
                if select.select([self.core], [], [], 0.02)[0]:
                    self.expect()
                    self.answer(**kw)

        helper = threading.Thread(target=answer_all)
        helper.start()
        try:
            yield
        finally:
            over.set()
            helper.join()

    def connections(self):
        return sum(name.startswith("socket:") for name in open_files_of(self.process.pid)) - 3

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.arrival.close()
        self.core.close()


@pytest.fixture
def quick(libexec):
    program = os.path.join(libexec, "pgod-web-quick")
    if not os.path.exists(program):
        shutil.copy(os.path.join(BUILD, "src", "web", "pgod-web-quick"), program)
    web = Web(program)
    yield web
    web.close()


@contextlib.contextmanager
def crowd(metrics, paths):
    """Visitors who have asked for these, one each, and have not read yet."""
    host, port = metrics.split(":")
    with contextlib.ExitStack() as all_of_them:
        visitors = [all_of_them.enter_context(socket.create_connection((host, int(port)), 60)) for _ in paths]
        for one, path in zip(visitors, paths):
            one.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        yield visitors


def everything(visitor):
    answer = b""
    while piece := visitor.recv(65536):
        answer += piece
    return answer


def test_core_is_asked_once_a_second_whoever_asks(quick):
    # All of them have asked before core answers: how long the page counts as new is shorter than a busy machine may take between two of them.
    with crowd(quick.metrics, ["/metrics"] * 20 + ["/healthz"]) as visitors:
        quick.expect()
        quick.answer()
        answers = [everything(one) for one in visitors]
    assert all(b" 200 OK\r\n" in answer for answer in answers) and quick.asked == 1
    assert [answer.rpartition(b"\r\n\r\n")[2] for answer in answers] == [b"pgo_x 1\n"] * 20 + [b"ok\n"]
    helper = quick.serve(health="engine")
    wait_until(lambda: ask(quick.metrics, "/healthz")[:2] == (503, "engine\n"), "the answer from before is too old to be told again")
    helper.join()
    assert quick.asked == 2
    # A core that says nothing, and one that has gone: the last page is not told again.
    begin, passed = time.monotonic(), clock()
    wait_until(lambda: ask(quick.metrics)[:2] == (503, "core\n"), "core does not answer")
    assert time.monotonic() - begin >= CORE_S * 0.8 and passed() < CORE_S + 3
    quick.expect()
    assert ask(quick.metrics, "/healthz")[:2] == (503, "core\n"), "and is not asked twice"
    quick.core.close()
    assert ask(quick.metrics, "/healthz")[:2] == (503, "core\n"), "it is gone"
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(ask(quick.metrics)[:2]))
    waiting.start()
    quick.join()
    quick.serve().join()
    waiting.join()
    assert answers == [(200, "pgo_x 1\n")], "who asks while core restarts has to wait a little, and no more"
    # pgod has gone: nobody could give it another core.
    quick.arrival.close()
    assert quick.process.wait(60) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"seals": 0}, {"body": {"type": "metrics"}}, {"body": {"type": "exit", "status": 0}}, {"body": {"type": "metrics", "health": 1}}],
    ids=["unsealed", "field", "type", "mistyped"],
)
def test_a_core_that_says_it_wrong_is_heard_no_more(quick, wrong):
    helper = quick.serve(**wrong)
    assert ask(quick.metrics)[:2] == (503, "core\n")
    helper.join()
    assert quick.core.recv(10) == b"", "the channel is closed"
    assert quick.process.poll() is None


def test_who_is_slow_has_to_go(quick):
    def drip(sock):
        """A byte now and then: never silent, never done."""
        begin, passed = time.monotonic(), clock()
        with contextlib.suppress(OSError):
            for byte in b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 1000:
                sock.sendall(bytes([byte]))
                sock.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    assert sock.recv(10) == b""
                    break
        return time.monotonic() - begin, passed()

    host, port = quick.metrics.split(":")
    with socket.create_connection((host, int(port))) as sock:
        took, passed = drip(sock)
        assert took >= REQUEST_S * 0.8 and passed < REQUEST_S + 2
    # Nor may one be slow to read: this page does not fit between the two.
    page = b"pgo_x 1\n" * 1_500_000
    with quick.serving(text=page), contextlib.closing(socket.socket()) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect((host, int(port)))
        begin, passed = time.monotonic(), clock()
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: raw(quick.metrics, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").endswith(page[-1000:]), "others have it meanwhile")
        wait_until(lambda: quick.connections() == 0, "it was cut off")
        assert time.monotonic() - begin >= LIFE_S * 0.8 and passed() < LIFE_S + 3


def test_those_who_dawdle_make_room(quick):
    host, port = quick.metrics.split(":")
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.ExitStack() as crowd:
        for _ in range(200):
            crowd.enter_context(socket.create_connection((host, int(port))))
        helper = quick.serve()
        passed = clock()
        assert raw(quick.metrics, request).endswith(b"ok\n")
        assert passed() < REQUEST_S, "and at once"
        helper.join()
        assert quick.connections() <= 64 + 3
    wait_until(lambda: quick.connections() == 0, "all are gone")
