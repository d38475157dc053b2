"""/metrics and /healthz: what they tell, to whom, and that nobody can harm anything through them."""

import contextlib
import os
import shutil
import signal
import socket
import stat

import pytest

from lib.host import free_port, kill_quietly, open_files_of, run, wait_until
from lib.pgo import toml
from lib.scenes import deployed, hold_down
from lib.scrape import Page, address, ask, lint, raw, wait_page


@pytest.fixture
def site(pgo):
    pgo.site = deployed(pgo)
    return pgo


def is_up(pgo):
    """pgod-web runs and has its channel to core."""
    with contextlib.suppress(OSError):
        return ask(pgo.metrics, "/healthz")[0] == 200
    return False


def test_metrics_tell_how_a_service_is(site):
    head = site.site.head
    page = wait_page(site, lambda page: page.get("pgo_service_in_sync", service="site") == 1, "in sync")
    assert lint(page.text) == []
    for name in ("deployed", "healthy", "in_sync", "containers", "containers_running"):
        assert page.get(f"pgo_service_{name}", service="site") == 1, name
    for name in ("held", "stopped", "broken", "poll_failures", "poll_errors_total", "heals_total", "memory_kills"):
        assert page.get(f"pgo_service_{name}", service="site") == 0, name
    assert page.labels("pgo_service_info") == {"service": "site", "branch": "main", "commit": head, "tracked": head}
    assert page.get("pgo_service_state", service="site", state="live") == 1
    assert page.get("pgo_service_deploys_total", service="site", outcome="live") == 1
    assert page.get("pgo_service_last_deploy_outcome", service="site", outcome="live") == 1
    assert page.get("pgo_command_count", service="site", cmd="compose", subcmd="up") == 1
    assert page.get("pgo_command_count", service="site", cmd="git", subcmd="fetch") == 1
    assert page.get("pgo_command_count", service="site", cmd="git", subcmd="ls-remote") >= 1
    assert "pgo_command_error_count{" not in page.text
    assert page.get("pgo_engine_up") == 1 and page.get("pgo_services") == 1
    assert page.get("pgo_step_duration_seconds_count", step="up") == 1 == page.get("pgo_step_duration_seconds_bucket", step="up", le="+Inf")
    good = page.get("pgo_service_last_good_deploy_timestamp_seconds", service="site")
    start = page.get("process_start_time_seconds")
    assert start <= good <= page.get("pgo_service_last_poll_timestamp_seconds", service="site") + 60
    assert 1e6 < page.get("process_resident_memory_bytes") < 1e9 and page.get("process_open_fds") > 5

    # what an operator is to be woken by
    site.engine.kill_container(site.running("site")[0])
    page = wait_page(site, lambda page: page.get("pgo_service_heals_total", service="site") == 1, "it was healed")
    os.rename(site.site.path, site.site.path + ".away")
    page = wait_page(site, lambda page: (page.get("pgo_service_poll_failures", service="site") or 0) >= 1, "polls fail")
    assert page.get("pgo_service_in_sync", service="site") is None, "nobody knows"
    assert page.get("pgo_command_error_count", service="site", cmd="git", subcmd="ls-remote") >= 1
    hold_down(site)
    page = wait_page(site, lambda page: page.get("pgo_service_state", service="site", state="held") == 1, "it is held")
    assert page.get("pgo_service_held", service="site") == 1 and page.get("pgo_service_healthy", service="site") == 0
    assert ask(site.metrics, "/healthz")[:2] == (200, "ok\n")
    site.engine.stop()
    answer = wait_until(lambda: (a := ask(site.metrics, "/healthz"))[0] == 503 and a, "the engine is missed")
    assert answer[1] == "engine\n"
    assert Page(site).get("pgo_engine_up") == 0


GARBAGE = [
    b"\x00" * 100_000,
    b"GET /metrics\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\n\r\n",  # no Host
    b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 500,
    b"\xff\xfe GET /metrics\n\n\n",
]


def test_nobody_can_harm_anything_through_them(site):
    assert site.role_pids("pgod-web") == [], "who asks for nothing does not pay for it"
    assert ask(site.metrics)[0] == 200, "the first one who asks has his answer, too"
    (core,), (web,) = site.role_pids("pgod-core"), site.role_pids("pgod-web")
    before = len(open_files_of(core)), len(open_files_of(web))

    status, body, headers = ask(site.metrics, method="HEAD")
    assert (status, body) == (200, "") and int(headers["Content-Length"]) > 1000
    for path in ("/", "/metrics/", "/Metrics", "/healthz/../metrics", "/%2e", "//metrics"):
        assert ask(site.metrics, path)[0] == 404, path
    assert ask(site.metrics, "/metrics?x=y")[0] == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "GETT"):
        status, _, headers = ask(site.metrics, method=method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD"), method
    for data in GARBAGE:
        assert b" 200 OK\r\n" not in raw(site.metrics, data)[:100], data[:60]
    # Two requests at once: the second one is not answered, and does not become part of the first.
    two = raw(site.metrics, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert two.count(b"HTTP/1.1 ") == 1 and two.endswith(b"ok\n")

    with contextlib.ExitStack() as crowd:
        for _ in range(1000):
            idle = crowd.enter_context(socket.socket())
            idle.setblocking(False)
            idle.connect_ex(address(site.metrics))
        assert ask(site.metrics)[0] == 200, "a thousand who say nothing keep nobody out"
    wait_until(lambda: (len(open_files_of(core)), len(open_files_of(web))) <= before, "their descriptors are closed")
    assert site.role_pids("pgod-web") == [web] and site.role_pids("pgod-core") == [core]

    # An unprivileged process that can do nothing, and that nobody misses.
    with open(f"/proc/{web}/status", encoding="ascii") as text:
        facts = dict(line.rstrip("\n").split(":\t", 1) for line in text if ":\t" in line)
    assert facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2" and int(facts["CapEff"], 16) == 0
    assert facts["Uid"].split()[0] == run("id", "-u", "_pgod-web").stdout.strip()
    kill_quietly(web)
    wait_until(lambda: is_up(site), "it is back")
    assert site.role_pids("pgod-core") == [core] and len(site.role_pids("pgod-web")) == 1
    kill_quietly(core)
    wait_until(lambda: is_up(site) and site.role_pids("pgod-core") not in ([], [core]), "it speaks with the next core")
    site.stop()


def test_a_port_that_is_taken_is_waited_for_and_stops_nothing(pgo):
    with contextlib.closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(address(pgo.metrics))
        other.listen()
        deployed(pgo)
        pgo.wait_log(r"metrics are not served yet, the address is tried again: --metric \S+: cannot listen: Address already in use")
        assert pgo.role_pids("pgod-web") == []
    wait_until(lambda: is_up(pgo), "the port is free, and taken", 40)  # it is tried every 30 s at the latest
    assert len(pgo.log().split("metrics are not served yet")) == 2, "said once"
    pgo.stop()
    # on both addresses of localhost, and nowhere
    port = free_port()
    pgo.metrics = f"localhost:{port}"
    pgo.start().wait_listening()
    wait_until(lambda: is_up(pgo), "127.0.0.1")
    assert ask(f"[::1]:{port}", "/healthz")[:2] == (200, "ok\n")
    pgo.stop()
    pgo.metrics = "off"
    pgo.start().wait_listening()
    assert pgo.role_pids("pgod-web") == []
