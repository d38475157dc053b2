"""Fifty random kill -9 while the real engine works; each service is exactly the old or the new release afterwards."""

import os

import pytest

from lib.kills import CONVERGED_S, Site, end_undisturbed, random_kills

KILLS = int(os.environ.get("PGO_REAL_KILLS", "50"))
RUNS = 2
# A healthcheck a second, at each of up to three starts: what was begun, what is put back, the next commit. To stop them takes no time.
HEALTH_S = 3


def compose_file(rev, style):
    check = {"test": ["CMD", "test", "-e", "/www"], "interval": "1s", "retries": 2}
    service = {"image": "pgo-test/web:1", "labels": {"rev": str(rev)}, "stop_signal": "KILL", "healthcheck": check, "volumes": ["./page:/www/page:ro"]}
    return {"x-pgo": {"update": style}, "services": {"web": service}}


@pytest.mark.parametrize("number", range(RUNS))
def test_random_kills_leave_exactly_the_old_or_the_new_release(pgo, number):
    styles = ("recreate", "in-place")
    sites = [Site(pgo, style, lambda rev, style=style: compose_file(rev, style), {"web": 1}, ("page",)) for style in styles]
    for site in sites:
        pgo.service(site.name, site.repo, settle="0s")
    random_kills(pgo, sites, KILLS // RUNS, f"real-{number}", CONVERGED_S + HEALTH_S)
    end_undisturbed(pgo, sites, CONVERGED_S + HEALTH_S)
