"""KILL and TERM of the processes of pgod at each step of a deploy on the real engine, while the page is asked for all the time.

Until something stops no request fails, and then the page is back in time. Start-first is in test_start_first.py, all victims at all steps
are in tests/faults.
"""

import itertools

import pytest

from lib.host import wait_until
from lib.kills import CONVERGED_S, VICTIMS, Site, strike
from lib.probe import Prober
from lib.steps import FORWARD, core_at

HEALTH_S = 2  # a second, at each of up to two starts; to stop these containers takes no time
OUTAGE_S = 10
UNTOUCHED = FORWARD[: FORWARD.index("stop") + 1]


class Shop(Site):
    def __init__(self, pgo, style):
        self.style = style
        super().__init__(pgo, "site", self.model, {"web": 1}, ("page",))
        pgo.service("site", self.repo, settle="0s")

    def model(self, rev):
        check = {"test": ["CMD", "test", "-e", "/www/index.html"], "interval": "1s"}
        volumes = ["./page:/www/index.html:ro"]
        web = {"image": "pgo-test/web:1", "labels": {"rev": str(rev)}, "stop_signal": "KILL", "healthcheck": check, "volumes": volumes}
        return {"x-pgo": {"update": self.style}, "services": {"web": web}}

    def settled(self):
        self.check(True)
        return True


@pytest.mark.parametrize("style", ["recreate", "in-place"])
def test_whoever_dies_at_a_step_the_page_is_answered(pgo, style):
    site = Shop(pgo, style)
    pgo.start("--debug")
    site.wait()
    with Prober(pgo.engine, "site") as prober:
        for step, (who, sig) in zip(FORWARD, itertools.cycle(VICTIMS)):
            mark = prober.mark()
            with core_at(pgo, site.push, f"== {step}\n") as let_go:
                assert step not in UNTOUCHED or not prober.failed(mark), f"before {step}"
                strike(pgo, who, sig, let_go)
            said = f"{who} {sig.name} at {step}"
            wait_until(site.settled, f"{said}: one whole release", CONVERGED_S + HEALTH_S, step=0.1)
            prober.wait_answer(f"page {site.rev}")
            print(f"{style}, {said}: {prober.outage(mark):.2f} s without an answer, {len(prober.failed(mark))} requests failed")
            assert prober.outage(mark, of_deadlines=True) < OUTAGE_S, said
