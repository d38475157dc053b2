"""B1: what pgo costs in memory while nothing happens."""

import memory
import stage
from figures import mib, ratio, table
from lib.scrape import ask

TARGET = {1: 8, 100: 10}
REFERENCE = {1: 17.7, 100: 22.7}


def hundred_services(pgo):
    repo = pgo.repo("all")
    for number in range(100):
        pgo.service(f"svc{number:03d}", repo)
    pgo.start()
    for name in pgo.services:
        pgo.wait_live(name, repo.head, deadline=300)
        pgo.wait_running(name)


def measured(daemon):
    pids = [*stage.processes(daemon), *stage.kept_ready(daemon), *daemon.role_pids("pgod-web")]  # that only where somebody has asked
    return memory.pss(pids), memory.distinct(pids)


def row(name, figures, peer, count=None):
    pss, alone = figures
    target = f"≤ {TARGET[count]}" if count else "-"
    against = f"{pss / 1048576 / REFERENCE[count]:.2f}" if count else "-"
    return [name, mib(pss), mib(alone), target, against, ratio(alone, peer)]


def run(theatre):
    with theatre.on_real_engine() as pgo:
        stage.one_service(pgo)
        stage.quiet(pgo)
        one = measured(pgo)
        assert ask(pgo.metrics)[0] == 200
        stage.quiet(pgo)
        scraped = measured(pgo)
        sshd = stage.Sshd(pgo)
        peer = memory.pss(sshd.processes()), memory.distinct(sshd.processes())
    with theatre.on_fake_engine() as pgo:
        hundred_services(pgo)
        stage.quiet(pgo)
        hundred = measured(pgo)
        fresh = restarted(pgo)
    table(
        "B1. Idle memory of all processes, MiB",
        ["", "PSS", "alone", "target (PSS)", "PSS ÷ reference's RSS", "alone ÷ sshd"],
        [
            row("1 service (real engine)", one, peer[1], 1),
            row("1 service, and /metrics was asked for", scraped, peer[1], 1),
            row("100 services (fake engine), after 100 deploys", hundred, peer[1], 100),
            row("100 services (fake engine), pgod just restarted", fresh, peer[1], 100),
            row("peer: OpenSSH's sshd, listening", peer, peer[1]),
        ],
        ["*alone*: distinct pages of our processes, whoever shares them: what it would be on a machine where nothing else has the same "
         "libraries loaded. PSS is lower the more other programs share them. One measurement each: memory at rest does not vary. "
         f"Reference: RSS of its one process, {REFERENCE[1]} and {REFERENCE[100]} MiB, on another machine."],
    )


def restarted(pgo):
    pgo.stop()
    pgo.start()
    pgo.wait_status("svc000", "state +live")
    stage.quiet(pgo)
    return measured(pgo)
