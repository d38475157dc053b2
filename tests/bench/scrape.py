"""What /metrics costs: how long a page takes, whose time it is, and what pgod-web weighs."""

import time

import memory
import stage
import watch
from figures import kib, ms, p50, p99, table
from lib.host import wait_until
from lib.scrape import ask

ROUNDS = 40
APART_S = 1.1  # a page is made at most once a second


def deployed(pgo, count):
    repo = pgo.repo("all")
    for number in range(count):
        pgo.service(f"svc{number:04d}", repo)
    pgo.start()
    wait_until(lambda: pgo.log().count(" live service=") >= count, f"{count} services are live", 1800, step=1)
    stage.quiet(pgo)


def scrapes(pgo):
    """Seconds of each scrape that needs a new page; processor time of core and pgod-web for one; the page's length."""
    (core,), (web,) = pgo.role_pids("pgod-core"), pgo.role_pids("pgod-web")
    took, size = [], 0
    before = watch.cpu(core), watch.cpu(web)
    for _ in range(ROUNDS):
        begin = time.monotonic()
        status, text, _ = ask(pgo.metrics)
        took.append(time.monotonic() - begin)
        assert status == 200
        size = len(text)
        time.sleep(max(0, APART_S - took[-1]))
    used = [(watch.cpu(pid) - early) / ROUNDS for pid, early in zip((core, web), before)]
    return took, used, size


def row(pgo, count):
    deployed(pgo, count)
    assert ask(pgo.metrics)[0] == 200
    stage.quiet(pgo)
    (web,) = pgo.role_pids("pgod-web")
    rest = memory.total(memory.costs(web))
    alone = memory.distinct([web])
    took, (core_s, web_s), size = scrapes(pgo)
    after = memory.total(memory.costs(web))
    return [f"{count} services", kib(size), ms(p50(took)), ms(p99(took)), ms(core_s), ms(web_s), kib(rest.pss), kib(rest.private_dirty), kib(alone), kib(after.pss)]


def run(theatre):
    rows = []
    for count in (1, 100, 1000):
        with theatre.on_fake_engine() as pgo:
            rows.append(row(pgo, count))
    table(
        "Scraping /metrics: ms, and pgod-web's memory in KiB",
        ["", "page, KiB", "p50", "p99", "core's time", "pgod-web's", "PSS at rest", "private dirty", "alone", "PSS after"],
        rows,
        [f"{ROUNDS} scrapes, more than a second apart, so that each needs a new page; one container a service, on a fake engine."],
    )
