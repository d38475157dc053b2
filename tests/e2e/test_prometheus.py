"""A Prometheus scrapes pgod, with the rules that are installed, and knows what runs."""

import json
import os
import subprocess
import urllib.parse

import pytest

from lib.host import TOP, free_port, wait_until
from lib.scenes import deployed
from lib.scrape import Page, ask, lint

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: pgo
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    def __init__(self, pgo):
        self.address = f"127.0.0.1:{free_port()}"
        self.config, data = pgo.path("prometheus.yml"), pgo.path("prometheus")
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(rules=os.path.join(TOP, "dist", "prometheus-rules.yml"), target=pgo.metrics))
        argv = ["prometheus", f"--config.file={self.config}", f"--storage.tsdb.path={data}", f"--web.listen-address={self.address}"]
        with open(pgo.path("prometheus.log"), "wb") as log:
            self.process = pgo.helper(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def api(self, path, **query):
        try:
            status, text, _ = ask(self.address, f"/api/v1/{path}?" + urllib.parse.urlencode(query))
        except OSError:
            return None  # it has not come up yet
        return json.loads(text)["data"] if status == 200 else None

    def value(self, query):
        """Of the one series that the query finds; None without."""
        found = (self.api("query", query=query) or {"result": []})["result"]
        return float(found[0]["value"][1]) if len(found) == 1 else None


@pytest.fixture
def prometheus(pgo):
    server = None

    def start():
        nonlocal server
        server = Prometheus(pgo)
        return server

    yield start
    if server is not None:
        server.process.terminate()
        server.process.wait(20)


def test_prometheus_sees_a_service_live_and_sees_it_fall(pgo, prometheus):
    repo = deployed(pgo, settle="100ms")
    server = prometheus()
    wait_until(lambda: server.value("up") == 1, "it scrapes", 30)
    wait_until(lambda: server.value('pgo_service_healthy{service="site"}') == 1, "the service is healthy")
    assert server.value(f'pgo_service_info{{commit="{repo.head}"}} * on (service) group_left pgo_service_deployed') == 1
    assert server.value('histogram_quantile(0.5, sum by (le) (pgo_step_duration_seconds_bucket{step="up"}))') > 0
    assert server.value('pgo_command_count{cmd="compose",subcmd="up"}') == 1
    rules = [rule for group in server.api("rules")["groups"] for rule in group["rules"]]
    assert len(rules) >= 8 and all(rule["lastError" if "lastError" in rule else "health"] in ("", "ok", "unknown") for rule in rules)
    assert lint(Page(pgo).text) == []

    # Who scrapes it sees the service go down, and the daemon too.
    assert pgo.ctl("site", "stop").returncode == 0
    wait_until(lambda: server.value('pgo_service_stopped{service="site"}') == 1, "it is stopped")
    assert server.value('pgo_service_healthy{service="site"}') == 0
    pgo.stop()
    wait_until(lambda: server.value("up") == 0, "pgod is gone")
    assert server.value('pgo_service_healthy{service="site"}') is None, "what is not known is not told"
