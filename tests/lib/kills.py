"""kill -9 at random moments, on either engine: services whose every commit is another release, victims, and what must hold afterwards."""

import json
import os
import random
import signal
import time

from lib.host import command_of, descendants_of, kill_quietly, stat_fields, wait_until
from lib.pgo import BUILD
from lib.scenes import in_background
from lib.whole import check_nothing_left, check_release

SANITIZED = BUILD.endswith("-asan")
# From the moment that pgod was started again until each service is whole, without what its containers need to stop and to get healthy.
CONVERGED_S = 25 if SANITIZED else 5
QUIET_S = 0.3
# Each victim is struck at every so-manieth step, and each step by some of them; scripts/check long has everybody struck everywhere.
STRIDE = int(os.environ.get("PGO_KILL_STRIDE", "3"))
SEED = os.environ.get("PGO_KILL_SEED") or str(time.time_ns() % 1000000)


class Site:
    """A service: compose_file(rev) is the model of its rev-th commit, each container of which has the label `rev`.

    wanted: compose service → number of containers; binds: what it mounts of its checkout; networks: those it makes."""

    def __init__(self, pgo, name, compose_file, wanted, binds=(), networks=None):
        self.pgo, self.name, self.compose_file = pgo, name, compose_file
        self.commits, self.rev, self.lags = {}, 0, False
        self.wanted, self.binds = wanted, binds
        self.networks = [f"{name}_default"] if networks is None else networks
        self.repo = pgo.repo(name, {})
        self.commit()
        pgo.service(name, self.repo)

    def commit(self):
        self.rev += 1
        compose = json.dumps(self.compose_file(self.rev), indent=1)
        files = {"compose.yaml": compose, "app/Dockerfile": "FROM scratch\n", "page": f"page {self.rev}\n"}
        self.repo.head = self.repo.commit(files)
        self.commits[self.repo.head] = str(self.rev), {"ssh/test.pub": self.pgo.key.public, **files}

    def push(self):
        """And pgod is told of it: no poll has to be waited for."""
        self.commit()
        in_background(self.pgo, self.name, "sync")

    def wait(self, deadline=40):
        self.pgo.wait_deployed(self.name, self.repo.head, sum(self.wanted.values()), deadline)

    def check(self, must_be_new):
        live, facts = check_release(self.pgo, self.name, self.commits, self.wanted, untracked=("data",))
        new = live == self.repo.head
        assert facts["in sync"].startswith("yes" if new else "no"), facts
        assert new or not must_be_new, f"{self.name} is still at {self.commits[live][0]}, the newest is {self.rev}: {facts}"
        self.lags = not new
        self.live = live


def restart(pgo):
    """As systemd does when pgod has ended."""
    pgo.wait_exit(40)
    pgo.start("--debug", write=False)


# The others catch no signal: to them TERM is KILL.
VICTIMS = [("pgod", signal.SIGKILL), ("pgod", signal.SIGTERM), ("pgod-core", signal.SIGKILL), ("pgod-ssh", signal.SIGKILL)]


def turn(steps, victims, victim, begin=0):
    """The steps at which it is this one's turn. begin: another in each scene, so that a step has other victims there."""
    stride = min(STRIDE, len(victims))
    return steps[(victims.index(victim) + begin) % stride :: stride]


def strike(pgo, who, sig, let_go):
    """A process gets a signal while core is held; pgod is started again when it was pgod."""
    if who == "pgod":
        pgo.process.send_signal(sig)
        if sig == signal.SIGTERM:
            let_go()
        restart(pgo)
    else:
        for pid in pgo.role_pids(who):
            kill_quietly(pid, sig)


def converge(pgo, sites, must_be_new, what, deadline):
    left = list(sites)

    def whole():
        while left:
            left[0].check(must_be_new)
            left.pop(0)
        return True

    pgo.wait_asking(whole, f"seed {SEED}: after {what}: every service is one whole release", deadline)


def end_undisturbed(pgo, sites, deadline, networks=()):
    """Another commit of each, and then nothing is left over. networks: what others have made."""
    for site in sites:
        site.push()
    converge(pgo, sites, True, "last commits, undisturbed", deadline)
    names, pinned = [name for site in sites for name in site.networks] + list(networks), {site.name: site.binds for site in sites}
    wait_until(lambda: check_nothing_left(pgo, names, pinned) is None, "nothing is left over")


class Tail:
    """How many lines pgod has logged since the last look: the clock of these tests."""

    def __init__(self, pgo):
        self.log = open(pgo.log_path, "rb")
        self.lines = 0

    def reset(self):
        self.log.seek(0, os.SEEK_END)
        self.lines = 0

    def count(self):
        self.lines += self.log.read().count(b"\n")
        return self.lines


def is_leak_tracer(pid):
    """LeakSanitizer looks through a process from a twin of it, and waits for ever when that is killed."""
    if not SANITIZED:
        return False
    try:
        return command_of(pid) == command_of(stat_fields(pid)[1])
    except OSError:
        return False


def pick(pgo, dice):
    """The next victim: (name, pid). Jobs are all of pgod's descendants but its roles."""
    who = dice.choices(["pgod", "pgod-core", "job", "pgod-ssh", "pgod-web"], [8, 6, 4, 2, 1])[0]
    if who == "pgod":
        return who, pgo.process.pid
    if who != "job":
        return who, dice.choice(pgo.role_pids(who) or [pgo.process.pid])
    roles = [pid for role in ("pgod-core", "pgod-ssh", "pgod-web") for pid in pgo.role_pids(role)]
    jobs = sorted(pid for pid in descendants_of(pgo.process.pid) if pid not in roles and not is_leak_tracer(pid))
    return who, dice.choice(jobs) if jobs else None


def kill_one(pgo, dice, tail):
    lines, latest = dice.randint(1, 40), time.monotonic() + QUIET_S
    tail.reset()
    # What was killed before may have made pgod wait, with a remote that failed or a deploy: idle is a moment as well.
    wait_until(lambda: tail.count() >= lines or time.monotonic() > latest, f"{lines} lines of log", step=0.001)
    who, pid = pick(pgo, dice)
    if pid is not None:
        kill_quietly(pid, signal.SIGKILL)
    if pid == pgo.process.pid:
        restart(pgo)
        pgo.wait_listening()
    return who


def random_kills(pgo, sites, kills, number, deadline):
    """Commits and kills until there were so many; `number` tells parallel runs apart. Every few kills each service has to be whole."""
    dice = random.Random(f"{SEED}-{number}")
    print(f"PGO_KILL_SEED={SEED} repeats these choices")
    pgo.start("--debug")
    for site in sites:
        site.wait()
    tail, slowest = Tail(pgo), 0
    while kills > 0:
        chosen = dice.sample(sites, dice.randint(1, min(2, len(sites))))
        for site in sites:
            if site in chosen or site.lags:
                site.push()
        struck = [kill_one(pgo, dice, tail) for _ in range(min(kills, dice.randint(1, 4)))]
        kills -= len(struck)
        began = time.monotonic()
        # A job that was killed is a deploy that failed: then it may also be the old release.
        converge(pgo, sites, "job" not in struck, f"kills of {', '.join(struck)}, {kills} to come", deadline)
        slowest = max(slowest, time.monotonic() - began)
    tail.log.close()
    print(f"the slowest of them took {slowest:.1f} s to converge")
