"""What comes in over the network: nobody can take pgod or another client down."""

import contextlib
import socket

import pytest

from lib.host import clock, run, wait_until
from lib.scenes import answers, closed, connect, deployed


@pytest.fixture
def site(pgo):
    pgo.site = deployed(pgo)
    return pgo


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


def test_an_idle_connection_does_not_keep_pgod_from_ending(site):
    with connect(site):
        site.stop()


def test_a_session_is_its_own_unprivileged_process(site):
    with connect(site) as client:
        client.recv(100)
        # That of who came before may be ending still.
        (pid,) = wait_until(lambda: len(found := site.connections()) == 1 and found, "the connection has its process, and no other has one")
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
        passed = clock()
        assert answers(site)
        assert passed() < 4, "the server hangs up after five seconds"
