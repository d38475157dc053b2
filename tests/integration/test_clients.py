"""What comes in over the network: nobody can take pgod or another client down."""

import contextlib
import socket
import time

import pytest

from lib.host import run, wait_until
from lib.scenes import deployed


@pytest.fixture
def site(pgo):
    pgo.site = deployed(pgo)
    return pgo


def connect(pgo):
    client = socket.create_connection(("127.0.0.1", pgo.port), 10)
    client.settimeout(30)
    return client


def answers(pgo):
    return pgo.ctl("site", "ping").stdout.startswith("pong!")


def closed(client):
    with contextlib.suppress(ConnectionError):
        while client.recv(65536):
            pass
    return True


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 100_000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"x" * 100_000, b"SSH-2.0-x\r\n" + b"\xff" * 100_000, b"SSH-2.0-x\r\n" + b"\x00" * 64],
    ids=["nul", "http", "packets", "empty-packets"],
)
def test_garbage_closes_only_its_own_connection(site, garbage):
    with connect(site) as client:
        # It may be gone before all of it was said: ENOTCONN has no class of its own.
        with contextlib.suppress(OSError):
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
        closed(client)
    site.check_alive()
    assert answers(site)


def test_an_operation_of_one_megabyte_is_refused(site):
    # One argument may not be longer than 128 KiB, so ssh gets the line in pieces, which it joins with blanks.
    argv = site.ssh_argv("site//exec")
    argv += ["web", "true", *["x" * 100_000] * 10]
    answer = run(*argv, check=False)
    assert answer.returncode != 0
    site.check_alive()
    assert answers(site)


def test_many_idle_connections_do_not_keep_operators_out(site):
    clients = []
    try:
        for _ in range(500):
            with contextlib.suppress(OSError):
                clients.append(connect(site))
        assert len(clients) >= 100
        wait_until(lambda: answers(site), "an operator gets in", 40)
        site.check_alive()
        assert len(site.role_pids("pgod-ssh")) < 200, "a process for each stranger is too many"
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: len(site.role_pids("pgod-ssh")) < 10, "the processes go with their connections", 30)


def test_an_idle_connection_does_not_keep_pgod_from_ending(site):
    with connect(site):
        site.stop()


def test_a_client_that_says_nothing_is_dropped(site):
    with connect(site) as client:
        client.settimeout(90)
        assert closed(client)


def test_a_session_is_its_own_unprivileged_process(site):
    with connect(site) as client:
        client.recv(100)
        (pid,) = wait_until(site.connections, "the connection has its process")
        with open(f"/proc/{pid}/status", encoding="ascii") as text:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in text if ":\t" in line)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0
    assert "0" not in status["Uid"].split() and "0" not in status["Gid"].split()


def test_core_is_an_unprivileged_process(site):
    (pid,) = site.role_pids("pgod-core")
    with open(f"/proc/{pid}/status", encoding="ascii") as text:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in text if ":\t" in line)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2" and int(status["CapEff"], 16) == 0
    assert "0" not in status["Uid"].split()


def test_an_operation_that_has_ended_hangs_until_the_server_hangs_up(site):
    for _ in range(300):
        began = time.monotonic()
        assert answers(site)
        assert time.monotonic() - began < 4, "the server hangs up after five seconds"
