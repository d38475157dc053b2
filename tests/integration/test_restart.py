"""Nobody is refused while pgod is restarted: systemd keeps the sockets."""

import signal
import socket
import subprocess

import pytest

from lib.fake_systemd import FakeSystemd
from lib.host import free_port, wait_until


@pytest.fixture
def systemd(pgo):
    fake = FakeSystemd(pgo)
    repo = pgo.repo("site")
    pgo.service("site", repo)
    pgo.start()
    fake.wait_ready()
    pgo.wait_deployed("site", repo.head)
    yield fake
    fake.close()


def test_who_connects_while_pgod_is_down_is_served_by_the_next(pgo, systemd):
    before = systemd.kept("ssh")
    assert [port for _, port in before] == [pgo.port]
    pgo.signal(signal.SIGHUP)
    assert pgo.wait_exit() == 2
    client = pgo.helper(subprocess.Popen(pgo.ssh_argv("site//ping"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
    scraper = pgo.helper(subprocess.Popen(["curl", "-sf", "--noproxy", "*", f"http://{pgo.metrics}/metrics"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
    with socket.create_connection(("127.0.0.1", pgo.port), 5):
        assert client.poll() is None
        pgo.start(write=False)
        assert client.wait(60) == 0
    client.stdout.close()
    assert b"pgo_services 1\n" in scraper.communicate(timeout=60)[0]
    systemd.wait_ready()
    assert systemd.kept("ssh") == before, "the same socket, once"

    old, pgo.port = pgo.port, free_port()
    pgo.stop()
    pgo.start(write=False)
    systemd.wait_ready()
    assert [port for _, port in systemd.kept("ssh")] == [pgo.port], "the option decides where pgod listens"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old), 5)
    assert pgo.ctl("site", "ping").returncode == 0


def test_a_listener_that_is_no_more_is_not_kept(pgo, systemd):
    pgo.stop()
    with socket.create_server(("127.0.0.1", 0)) as other:
        systemd.add("gone", other.fileno())
    pgo.start(write=False)
    systemd.wait_ready()
    wait_until(lambda: not systemd.kept("gone"), "the socket of nobody is given back")
    assert pgo.ctl("site", "ping").returncode == 0
