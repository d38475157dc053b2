"""B9: a hundred services whose containers run already; pgod starts."""

import time

import stage
from figures import ms, p50, p99, table
from lib.host import wait_until

SERVICES = 100
ROUNDS = 10


def started(pgo, names):
    """Seconds from the start of pgod until core knows the containers, and until all services are live; how often compose asked the engine."""
    mark = len(pgo.log())
    calls = len(pgo.engine.journal)
    began = time.monotonic()
    pgo.start()
    wait_until(lambda: "the engine answers" in pgo.log()[mark:], "core knows the containers", 30, step=0.001)
    knows = time.monotonic() - began
    wait_until(lambda: all_live(pgo, names[-1:]), "the last one is live", 30, step=0.001)
    took = time.monotonic() - began
    assert all_live(pgo, names), "not all of them were live when the last one was"
    stage.quiet(pgo)
    pgo.stop()
    return knows, took, len(pgo.engine.journal) - calls


def all_live(pgo, names):
    return all("state       live" in pgo.status(name) for name in names)


def run(theatre):
    with theatre.on_fake_engine() as pgo:
        repo = pgo.repo("all")
        names = [f"svc{number:03d}" for number in range(SERVICES)]
        for name in names:
            pgo.service(name, repo, settle="0s")
        pgo.start()
        for name in names:
            pgo.wait_live(name, repo.head, deadline=300)
            pgo.wait_deployed(name, repo.head, deadline=300)
        stage.quiet(pgo)
        pgo.stop()
        rounds = [started(pgo, names) for _ in range(ROUNDS)]
    knows, took = [entry[0] for entry in rounds], [entry[1] for entry in rounds]
    table(
        "B9. Cold start with 100 services that run already, ms",
        ["", "n", "p50", "p99", "target"],
        [
            ["pgod started to core knows all containers", ROUNDS, ms(p50(knows)), ms(p99(knows)), "-"],
            ["pgod started to all live, as `status` says", ROUNDS, ms(p50(took)), ms(p99(took)), "≤ 1000"],
        ],
        [f"Fake engine. compose asked it for something {sum(entry[2] for entry in rounds)} times in all rounds together (pgod asks compose once for its version). The end is the first answer of `status` about the "
         "last service that says live, asked for again and again over SSH; all others said the same then. Looking at the repositories goes on after that."],
    )
