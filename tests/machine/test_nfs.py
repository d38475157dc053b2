"""Shares of a real NFS server, mounted by a real mount.nfs, in real containers."""

import contextlib
import os
import signal

from conftest import SLOW

from lib.host import run, wait_until
from lib.pgo import web


def share_of(pgo, service):
    with open("/proc/mounts", encoding="utf-8") as table:
        rows = [line.split() for line in table]
    return [(row[0], row[2], set(row[3].split(","))) for row in rows if row[1] == os.path.join(pgo.datadir, service)]


def model(pgo, service):
    """It writes down what it finds on its share, and then serves it."""
    mounts = [f"{pgo.datadir}/{service}/www:/www"]
    return web(volumes=mounts, restart="unless-stopped", command=["sh", "-c", "echo started >>/www/log; exec httpd -f -p 8080 -h /www"])


def scene(pgo, url, service="site"):
    repo = pgo.repo(service, {"compose.yaml": model(pgo, service)})
    pgo.service(service, repo, mount=url)
    return repo


def lines(export):
    with open(os.path.join(export, "www", "log"), encoding="ascii") as log:
        return log.read().split()


def server(verb):
    run("systemctl", verb, "nfs-server", deadline=SLOW)


@contextlib.contextmanager
def silence():
    """The server gets no packet: nothing refuses, nothing answers."""
    rule = ["OUTPUT", "-o", "lo", "-p", "tcp", "--dport", "2049", "-j", "DROP"]
    run("iptables", "-I", *rule)
    try:
        yield
    finally:
        run("iptables", "-D", *rule)


def test_what_a_container_writes_is_not_on_the_share(pgo, export):
    path = export("site")
    repo = scene(pgo, f"nfs://127.0.0.1{path}")
    pgo.start().wait_deployed("site", repo.head, deadline=SLOW)
    wait_until(lambda: lines(path) == ["started"], "the container has written", SLOW)
    ((source, kind, options),) = share_of(pgo, "site")
    assert (source, kind) == (f"127.0.0.1:{path}", "nfs4") and {"rw", "nosuid", "nodev", "hard"} <= options
    assert os.stat(os.path.join(path, "www")).st_uid == pgo.accounts.a.pw_uid
    # Recognised by the next pgod; a container that is removed comes back on it.
    pgo.stop()
    pgo.start().wait_status("site", "healthy +yes", SLOW)
    pgo.engine.remove_container(pgo.running("site")[0])
    wait_until(lambda: lines(path) == ["started"] * 2, "the container that came back has written", SLOW)
    pgo.wait_status("site", "state +live", SLOW)
    assert len(share_of(pgo, "site")) == 1
    # Gone with its service, and nothing on it is lost.
    pgo.stop()
    del pgo.services["site"]
    other = pgo.repo("other")
    pgo.service("other", other)
    pgo.start().wait_deployed("other", other.head, deadline=SLOW)
    wait_until(lambda: share_of(pgo, "site") == [], "the share is unmounted", SLOW)
    assert lines(path) == ["started"] * 2


def test_a_port_or_an_ipv6_address_in_the_url_is_not_understood(pgo, export):
    path = export("six")
    repo = scene(pgo, f"nfs://[::1]:2049{path}")
    pgo.start().wait_deployed("site", repo.head, deadline=SLOW)
    wait_until(lambda: lines(path) == ["started"], "the container has written", SLOW)
    ((source, _, options),) = share_of(pgo, "site")
    assert source == f"[::1]:{path}" and "addr=::1" in options


def test_a_server_that_is_down_lets_containers_write_below_the_share(pgo, export):
    path = export("down")
    repo = scene(pgo, f"nfs://127.0.0.1{path}")
    calm = pgo.repo("calm")
    pgo.service("calm", calm)
    server("stop")
    try:
        pgo.start().wait_deployed("calm", calm.head, deadline=SLOW)
        said = pgo.wait_status("site", r"in sync[^\n]*share: [^\n]*.*last deploy[^\n]*failed", SLOW)
        assert f"nfs://127.0.0.1{path}" in said
        assert pgo.engine.containers("site") == [] and os.listdir(os.path.join(pgo.datadir, "site")) == []
    finally:
        server("start")
    wait_until(lambda: pgo.ctl("site", "up", deadline=SLOW).returncode == 0, "the server is there again", SLOW)
    pgo.wait_deployed("site", repo.head, deadline=SLOW)
    wait_until(lambda: lines(path) == ["started"], "the container has written", SLOW)


def test_a_server_that_hangs_keeps_another_service_or_the_end_of_pgod_waiting(pgo, export):
    path = export("hung")
    repo = scene(pgo, f"nfs://127.0.0.1{path}")
    calm = pgo.repo("calm")
    pgo.service("calm", calm)
    pgo.start().wait_deployed("site", repo.head, deadline=SLOW)
    wait_until(lambda: lines(path) == ["started"], "the container has written", SLOW)
    with silence():
        pgo.stop()
        # The start of a pgod touches no share, and what needs none goes on.
        pgo.start().wait_status("calm", "healthy +yes", SLOW)
        pgo.wait_deployed("calm", calm.commit({"compose.yaml": web("pgo-test/web:2")}), deadline=SLOW)
        pgo.signal(signal.SIGTERM)
        assert pgo.wait_exit(60) == 0
    pgo.start().wait_status("site", "healthy +yes", SLOW)
    pgo.engine.remove_container(pgo.running("site")[0])
    wait_until(lambda: lines(path) == ["started"] * 2, "the container that came back has written", SLOW)
    pgo.wait_status("site", "healthy +yes", SLOW)
