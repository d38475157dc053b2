"""B6: what an unchanged service costs, at an event of the engine and at a poll of its repository."""

import time

import stage
import watch
from figures import mean, ms, p50, p99, ratio, table
from lib.host import children_of, run as command
from lib.host import wait_until
from lib.pgo import web
from lib.starts import Starts

ROUNDS = 40
POLLERS = 4


def settle(pids):
    """Waits until none of the processes has used processor time for 50 ms."""
    was, since = None, 0.0

    def still():
        nonlocal was, since
        now = [watch.cpu(pid) for pid in pids]
        if now != was:
            was, since = now, time.monotonic()
        return time.monotonic() - since > 0.05

    wait_until(still, "the processes are at rest")


def sampled(pgo, act, rounds=ROUNDS):
    """Processor time of core and of pgod for each act, and how many processes all of them started."""
    pgod, core = stage.processes(pgo)
    cores, pgods = [], []
    settle((pgod, core))
    with Starts(pgod) as starts:
        for _ in range(rounds):
            before = watch.cpu(core), watch.cpu(pgod)
            act()
            settle((pgod, core))
            cores.append(watch.cpu(core) - before[0])
            pgods.append(watch.cpu(pgod) - before[1])
    assert not any(children_of(core)), "core has children"
    return cores, pgods, starts.forks


def event_row(name, figures, peer, engine="not seen"):
    cores, pgods, forks = figures
    whole = [core + pgod for core, pgod in zip(cores, pgods)]
    return [name, len(cores), ms(p50(cores)), ms(p99(cores)), ms(p50(pgods)), forks, engine, ratio(p50(whole), p50(peer))]


def pause(engine, box):
    engine.ask("POST", f"/containers/{box}/pause")
    engine.ask("POST", f"/containers/{box}/unpause")


def execute(engine, box):
    _, made = engine.ask("POST", f"/containers/{box}/exec", {"Cmd": ["true"]})
    engine.ask("POST", f"/exec/{made['Id']}/start", {"Detach": True})
    wait_until(lambda: not engine.ask("GET", f"/exec/{made['Id']}/json")[1]["Running"], "the command has ended")


def stranger(engine):
    status, made = engine.ask("POST", "/containers/create?name=pgot-bench-stranger", {"Image": stage.IMAGE})
    assert status == 201, made
    engine.ask("POST", f"/containers/{made['Id']}/start")
    return made["Id"]


def no_op_up(theatre, pgo, project):
    """The peer: what asking compose costs when nothing is to be done."""
    argv = [theatre.compose, "-p", project, "--project-directory", pgo.live("one"), "-f", pgo.live("one", "compose.yaml"), "up", "-d"]
    env = {"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "DOCKER_HOST": pgo.engine.docker_host}
    command(*argv, env=env)
    return [watch.usage_of(argv, env=env, stderr=watch.NOWHERE) for _ in range(ROUNDS)]


def real_events(theatre):
    with theatre.on_real_engine() as pgo:
        stage.one_service(pgo)
        stage.quiet(pgo)
        other, (own,) = stranger(pgo.engine), pgo.running("one")
        rows = {
            "a stranger's container paused and unpaused (2 events)": sampled(pgo, lambda: pause(pgo.engine, other)),
            "a command ran in the service's container (3 events)": sampled(pgo, lambda: execute(pgo.engine, own.id)),
        }
        peer = no_op_up(theatre, pgo, "bench-peer")
    return rows, peer


def fake_events(theatre):
    """The same where each request to the engine is on record."""
    with theatre.on_fake_engine() as pgo:
        repo = pgo.repo("one")
        pgo.service("one", repo)
        pgo.start()
        pgo.wait_deployed("one", repo.head)
        stage.quiet(pgo)
        (box,) = pgo.running("one")
        asked, journal = len(pgo.engine.requests), len(pgo.engine.journal)
        figures = sampled(pgo, lambda: pgo.engine.emit(box, "health_status: healthy"))
        requests = pgo.engine.requests[asked:]
        writes = sum(method not in ("GET", "HEAD") for method, _ in requests) + len(pgo.engine.journal) - journal
    return figures, f"{len(requests) - writes} / {writes}"


def polls(theatre):
    """Mean processor time of a poll, all processes; the floor is git ls-remote as the same account."""
    with theatre.on_fake_engine(poll="1s") as pgo:
        repos = [pgo.repo(f"r{number}", {"compose.yaml": web(), "ssh/k.pub": pgo.key.public}) for number in range(POLLERS)]
        for number, repo in enumerate(repos):
            pgo.service(f"s{number}", repo)
        pgo.start()
        for number, repo in enumerate(repos):
            pgo.wait_deployed(f"s{number}", repo.head)
        wait_until(lambda: not pgo.connections(), "the connections are gone")
        pgod, core = stage.processes(pgo)
        asked = len(pgo.engine.requests), len(pgo.engine.journal)
        with Starts(pgod) as starts:
            before = watch.cpu(core), watch.cpu(pgod), watch.children_cpu(pgod)
            wait_until(lambda: starts.programs.count("pgod-job") >= ROUNDS, "enough polls", 60)
            after = watch.cpu(core), watch.cpu(pgod), watch.children_cpu(pgod)
            count, forks = starts.programs.count("pgod-job"), starts.forks
        assert (len(pgo.engine.requests), len(pgo.engine.journal)) == asked, "a poll asked the engine"
        floor = floor_of_poll(pgo, repos[0])
    core, pgod, jobs = ((late - early) / count for late, early in zip(after, before))
    return core, pgod, jobs, count, forks / count, floor


def floor_of_poll(pgo, repo):
    account = pgo.accounts.a
    env = {"PATH": "/usr/bin:/bin", "HOME": account.pw_dir, "LANG": "C.UTF-8"}
    how = {"env": env, "cwd": "/", "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return [watch.usage_of(["/usr/bin/git", "ls-remote", "--", repo.url, "refs/heads/main"], **how) for _ in range(ROUNDS)]


def run(theatre):
    real, peer = real_events(theatre)
    fake, engine = fake_events(theatre)
    core, pgod, jobs, count, forks, floor = polls(theatre)
    table(
        "B6a. An event of the engine, nothing to be done: processor time, ms",
        ["event", "n", "core p50", "core p99", "pgod p50", "processes started", "engine reads / writes", "÷ peer (p50)"],
        [*(event_row(name, figures, peer) for name, figures in real.items()),
         event_row("the service's container is healthy (fake engine)", fake, peer, engine),
         ["peer: `docker compose up -d` that changes nothing", len(peer), ms(p50(peer)), ms(p99(peer)), "-", "-", "-", "1.00"]],
        ["Target: no process, no engine write, at most 2 ms. Processes and requests are sums over all rounds, "
         "from the kernel's process events and the fake engine's record. The peer's time is its own, all of it, in the first column."],
    )
    rows = [["core", ms(core), ratio(core, mean(floor))], ["pgod", ms(pgod), ratio(pgod, mean(floor))]]
    rows += [["jobs (pgod-job, git and its children)", ms(jobs), ratio(jobs, mean(floor))]]
    rows += [["a poll, all of it", ms(core + pgod + jobs), ratio(core + pgod + jobs, mean(floor))]]
    rows += [["floor: `git ls-remote` by the same account", ms(mean(floor)), "1.00"]]
    table(
        "B6b. A poll of an unchanged repository: processor time, ms",
        ["", "mean", "÷ floor"],
        rows,
        [f"{count} polls of {POLLERS} services, once a second each; {forks:.1f} forks a poll; no request to the engine. A mean, because the kernel "
         f"tells a dead child's time in ticks only. The floor's p50 is {ms(p50(floor))}, its p99 {ms(p99(floor))}."],
    )
