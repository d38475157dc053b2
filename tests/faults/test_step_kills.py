"""KILL (and TERM, to pgod) of each process of pgod at each step that the journal knows: going forward, back, to an older release, and after a cancel.

The steps are read from the table of the pipeline: one that is added is struck as well.
"""

import re

import pytest

from lib.host import wait_until
from lib.kills import CONVERGED_S, VICTIMS, Site, strike, turn
from lib.scenes import in_background, wait_step
from lib.steps import FORWARD, core_at, steps
from lib.whole import check_nothing_left, facts_of

EDGE = {"edge": {"external": True, "name": "pgot-edge"}}

# What is pushed to us goes through more.
GOES_BACK = {"JUDGE", "RESUME", "BACK", "PREPARE", "APPLY"}
BACKWARD = steps(lambda modes, flags: modes & GOES_BACK and "BACKS" in flags)
FILES_BACKWARD = steps(lambda modes, flags: modes & GOES_BACK and "BACKS" in flags and "CONTAINERS" not in flags)
OLDER = steps(lambda modes, flags: modes & {"BACK", "APPLY"})


class Shop(Site):
    """A service with something to do in every step. bad: what is committed next does not stay up."""

    def __init__(self, pgo, start_first):
        self.bad, self.start_first = False, start_first
        super().__init__(pgo, "site", self.model, {"web": 1, "app": 1}, ("data", "page"))

    def model(self, rev):
        labels = {"labels": {"rev": str(rev)}}
        image = "pgo-test/web:2" if self.bad else "pgo-test/web:1"
        web = {"build": "./app", "volumes": ["./data:/data", "./page:/page:ro"], "networks": ["default", "edge"], **labels}
        app = {"image": image, "pull_policy": "always", "healthcheck": {"test": ["CMD", "true"]}, **labels}
        x_pgo = {"x-pgo": {"update": "start-first"}} if self.start_first else {}
        return {**x_pgo, "services": {"web": web, "app": app}, "networks": {"default": None, **EDGE}}

    def settled(self, wanted):
        """One whole release runs, the wanted one if there is one, and nothing is in work or to come."""
        self.check(False)
        facts = facts_of(self.pgo.status("site"))
        assert wanted in (None, self.live), f"{self.live} runs instead of {wanted}: {facts}"
        assert self.live == self.repo.head or re.match(f"no: commit {self.repo.head[:8]} is ", facts["in sync"]), facts
        check_nothing_left(self.pgo, ["site_default", "pgot-edge"], {"site": self.binds})
        return True


# Each begins something, and returns the commit that has to run in the end; None: either of the two.


def forward(site):
    site.push()
    return site.repo.head


def put_back(site):
    before, site.bad = site.live, True
    site.push()
    return before


def cancelled(site):
    before = site.live
    site.pgo.engine.hold("up")
    site.push()
    wait_step(site.pgo, "up")
    assert site.pgo.ctl("site", "cancel").returncode == 0
    site.pgo.engine.release("up")
    return before


def rolled_back(site):
    in_background(site.pgo, "site", "rollback")


PUTS_BACK = ("putting release",)
SCENES = {
    "recreate": (forward, FORWARD, (), False),
    "start-first": (forward, FORWARD[FORWARD.index("checkout") :], (), True),
    "put back": (put_back, BACKWARD, PUTS_BACK, False),
    "put back beside": (put_back, FILES_BACKWARD, PUTS_BACK, True),
    "cancel": (cancelled, BACKWARD, PUTS_BACK, False),
    "rollback": (rolled_back, OLDER, (), False),
}
@pytest.mark.parametrize("who, sig", VICTIMS, ids=[f"{who}-{sig.name}" for who, sig in VICTIMS])
@pytest.mark.parametrize("scene", SCENES)
def test_whoever_dies_at_a_step_the_service_is_one_whole_release_afterwards(pgo, scene, who, sig):
    begin, names, before, start_first = SCENES[scene]
    pgo.engine.create_network("pgot-edge")
    pgo.engine.behave("app", exits=1, image=pgo.engine.images["pgo-test/web:2"])
    site = Shop(pgo, start_first)
    pgo.start("--debug")
    site.wait()
    site.commit()
    site.wait()
    site.check(True)
    for name in turn(names, VICTIMS, (who, sig), list(SCENES).index(scene)):
        wanted = []
        with core_at(pgo, lambda: wanted.append(begin(site)), *before, f"== {name}\n") as let_go:
            strike(pgo, who, sig, let_go)
        said = f"{who} {sig.name} at {name}"
        pgo.wait_asking(lambda: site.settled(wanted[0]), lambda: f"{said}: one whole release", CONVERGED_S)
