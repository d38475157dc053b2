"""B2 and B3: what polling costs, and how many repositories one core can poll.

The repositories are copies of one, each with a compose file that is refused: all that is measured is looking at remotes. They lie on this
machine, so git's other side (upload-pack) is counted as well.
"""

import json
import os
import shutil
import time

import stage
import watch
from figures import mean, ms, p50, p99, ratio, table
from lib.host import OpenCounter, run as command
from lib.host import wait_until
from lib.starts import Starts

WINDOW_S = 60
FLOOR_ROUNDS = 40
REFUSED = {"services": {"web": {"image": "pgo-test/web:1", "privileged": True}}}


def many_services(pgo, count):
    """Copies of one repository, a service each; pgod has judged all of them."""
    first = pgo.repo("r0000", {"compose.yaml": json.dumps(REFUSED), "ssh/k.pub": pgo.key.public})
    for number in range(count):
        path = pgo.path("repos", f"r{number:04d}")
        if number:
            shutil.copytree(first.path, path, symlinks=True)
        pgo.service(f"s{number:04d}", "file://" + path)
    command("chown", "-hR", f"{first.owner.pw_uid}:{first.owner.pw_gid}", pgo.path("repos"))
    pgo.start()
    wait_until(lambda: pgo.log().count("refused: policy") >= count, f"{count} services are judged", 900, step=1)
    return first


def spent(pgo):
    pgod, core = stage.processes(pgo)
    return watch.cpu(core), watch.cpu(pgod), watch.children_cpu(pgod)


def idle(theatre, count):
    """Processor time of core, pgod and jobs in a window, as shares of a core, and how many polls there were."""
    with theatre.on_fake_engine(poll=f"{WINDOW_S}s") as pgo:
        repo = many_services(pgo, count)
        before, began = spent(pgo), time.monotonic()
        with Starts(pgo.process.pid) as starts:
            wait_until(lambda: time.monotonic() - began >= WINDOW_S, "the window is over", 2 * WINDOW_S, step=0.5)
            after, polls = spent(pgo), starts.programs.count("pgod-job")
        floor = floor_of_poll(pgo, repo)
        seconds = time.monotonic() - began
        return [(late - early) / seconds for late, early in zip(after, before)], polls, mean(floor) * polls / seconds


def floor_of_poll(pgo, repo):
    account = pgo.accounts.a
    env = {"PATH": "/usr/bin:/bin", "HOME": account.pw_dir, "LANG": "C.UTF-8"}
    how = {"env": env, "cwd": "/", "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return [watch.usage_of(["/usr/bin/git", "ls-remote", "--", repo.url, "refs/heads/main"], **how) for _ in range(FLOOR_ROUNDS)]


def percent(share):
    return f"{100 * share:.2f}"


def idle_table(theatre):
    rows = []
    for count, target in ((100, "≤ 0.7"), (1000, "≤ 5")):
        (core, pgod, jobs), polls, floor = idle(theatre, count)
        total = core + pgod + jobs
        rows.append([f"{count} repositories, all processes", percent(total), target, polls, ratio(total, floor)])
        rows.append([f"{count}: core / pgod / jobs", f"{percent(core)} / {percent(pgod)} / {percent(jobs)}", "-", "-", "-"])
        rows.append([f"{count}: peer: as many `git ls-remote` by themselves", percent(floor), "-", polls, "1.00"])
    table(
        "B2. Idle: repositories polled each 60 s, % of a core",
        ["", "% of a core", "target", "polls seen", "÷ peer"],
        rows,
        [f"A window of {WINDOW_S} s. pgod waits between one and one and a half times the time it was told, so that a repository is looked at every "
         "75 s on average; children's time is told by the kernel in ticks of 10 ms, summed over all."],
    )


# --- B3


class Looks:
    """When each repository was looked at: its HEAD is opened."""

    def __init__(self, paths):
        self.counters = [OpenCounter(os.path.join(path, ".git", "HEAD")) for path in paths]
        self.seen = [[] for _ in paths]
        self.totals = [0 for _ in paths]

    def look(self):
        now = time.monotonic()
        for number, counter in enumerate(self.counters):
            total = counter.count()
            if total != self.totals[number]:
                self.totals[number] = total
                # One poll opens it several times within a few milliseconds.
                if not self.seen[number] or now - self.seen[number][-1] > 0.5:
                    self.seen[number].append(now)

    def gaps(self):
        return [later - earlier for seen in self.seen for earlier, later in zip(seen, seen[1:])]

    def close(self):
        for counter in self.counters:
            counter.close()


def on_one_core(pgo):
    """pgod, core and all that they start from now on."""
    for pid in stage.processes(pgo):
        os.sched_setaffinity(pid, {0})


def polled(theatre, count, poll_s, seconds):
    """Polls a second of pgod on one core, the share of the core, and the gaps between two looks at a repository."""
    with theatre.on_fake_engine(poll=f"{poll_s}s") as pgo:
        many_services(pgo, count)
        on_one_core(pgo)
        looks = Looks([pgo.path("repos", f"r{number:04d}") for number in range(count)])
        before, began = spent(pgo), time.monotonic()
        with Starts(pgo.process.pid) as starts:
            wait_until(lambda: looks.look() or time.monotonic() - began >= seconds, "the window is over", 2 * seconds, step=0.05)
            polls, after, took = starts.programs.count("pgod-job"), spent(pgo), time.monotonic() - began
        looks.close()
        return polls / took, (sum(after) - sum(before)) / took, looks.gaps()


def capacity_table(theatre):
    most, busy, _ = polled(theatre, 200, 1, 20)
    # A repository is looked at every 1.25 times the time between polls: at this one, three quarters of what was the most.
    poll_s = max(2, round(200 / (1.25 * 0.75 * most)))
    rate, share, gaps = polled(theatre, 200, poll_s, 30)
    late = [max(0.0, gap - 1.5 * poll_s) for gap in gaps]
    table(
        "B3. Polls that one core can do",
        ["", "polls/s", "% of the core", "repositories at 60 s", "target"],
        [
            ["200 repositories, as fast as it goes (1 s)", f"{most:.1f}", percent(busy), f"{60 * most:.0f}", "≥ 1000"],
            [f"200 repositories each {poll_s} s", f"{rate:.1f}", percent(share), f"{60 * rate:.0f}", "-"],
        ],
        [f"pgod and everything it starts on one core. Each {poll_s} s: {len(gaps)} gaps between two looks at a repository; later than the latest moment "
         f"that jitter allows (1.5 × {poll_s} s): p50 {ms(p50(late))} ms, p99 {ms(p99(late))} ms, which is a lower bound of the lag; the mean gap is "
         f"{mean(gaps):.2f} s where jitter alone makes {1.25 * poll_s:.2f} s, so the mean lag is {1000 * (mean(gaps) - 1.25 * poll_s):.0f} ms. "
         "One poll a repository and minute is counted; with jitter there are four each five minutes."],
    )


def run(theatre):
    idle_table(theatre)
    capacity_table(theatre)
