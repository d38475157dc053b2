"""B3: how many repositories one core can poll."""

import contextlib
import os
import struct
import time

import stage
from figures import mean, ms, p50, p99, table
from lib.host import IN_OPEN, libc, wait_until
from lib.starts import Starts
from polling import many_services, percent, spent


class Looks:
    """When each repository was looked at: its HEAD is opened."""

    def __init__(self, paths):
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.seen = {}
        for path in paths:
            watched = libc.inotify_add_watch(self.fd, os.fsencode(os.path.join(path, ".git", "HEAD")), IN_OPEN)
            assert watched >= 0, f"cannot watch {path}"
            self.seen[watched] = []

    def look(self):
        now = time.monotonic()
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self.fd, 65536):
                at = 0
                while at < len(data):
                    watched, _, _, length = struct.unpack_from("iIII", data, at)
                    at += 16 + length
                    # One poll opens it several times within a few milliseconds.
                    if not self.seen[watched] or now - self.seen[watched][-1] > 0.5:
                        self.seen[watched].append(now)

    def gaps(self):
        return [later - earlier for seen in self.seen.values() for earlier, later in zip(seen, seen[1:])]

    def close(self):
        os.close(self.fd)


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


def run(theatre):
    most, busy, _ = polled(theatre, 200, 1, 20)
    # A repository is looked at every 1.25 times the time between polls: at this one, three quarters of what was the most.
    poll_s = max(2, round(200 / (1.25 * 0.75 * most)))
    rate, share, gaps = polled(theatre, 200, poll_s, 30)
    late = [max(0.0, gap - 1.5 * poll_s) for gap in gaps]
    table(
        "B3. Polls that one core can do",
        ["", "polls/s", "% of the core", "repositories at 60 s", "target"],
        [
            ["200 repositories each 1 s, the shortest", f"{most:.1f}", percent(busy), f"{60 * most:.0f}", "≥ 1000"],
            [f"200 repositories each {poll_s} s", f"{rate:.1f}", percent(share), f"{60 * rate:.0f}", "-"],
        ],
        [f"pgod and everything it starts on one core. Each {poll_s} s: {len(gaps)} gaps between two looks at a repository; later than the latest moment "
         f"that jitter allows (1.5 × {poll_s} s): p50 {ms(p50(late))} ms, p99 {ms(p99(late))} ms, which is a lower bound of the lag; the mean gap is "
         f"{mean(gaps):.2f} s where jitter alone makes {1.25 * poll_s:.2f} s, so the mean lag is {1000 * (mean(gaps) - 1.25 * poll_s):.0f} ms. "
         "One poll a repository and minute is counted; with jitter there are four each five minutes."],
    )
