"""B2: what polling costs.

The repositories are copies of one, each with a compose file that is refused: all that is measured is looking at remotes. They lie on this
machine, so git's other side (upload-pack) is counted as well.
"""

import json
import shutil
import time

import stage
import watch
from figures import mean, ratio, table
from lib.host import run as command
from lib.host import wait_until
from lib.starts import Starts

POLL_S = 60
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
    with theatre.on_fake_engine(poll=f"{POLL_S}s") as pgo:
        repo = many_services(pgo, count)
        before, began = spent(pgo), time.monotonic()
        with Starts(pgo.process.pid) as starts:
            wait_until(lambda: starts.programs.count("pgod-job") >= count, "as many polls as there are repositories", 4 * POLL_S, step=0.1)
            after, polls = spent(pgo), starts.programs.count("pgod-job")
        seconds = time.monotonic() - began
        floor = floor_of_poll(pgo, repo)
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
        ["Measured for as many polls as there are repositories. pgod waits between one and one and a half times the time it was told, so that a repository is looked at every "
         "75 s on average; children's time is told by the kernel in ticks of 10 ms, summed over all."],
    )


def run(theatre):
    idle_table(theatre)
