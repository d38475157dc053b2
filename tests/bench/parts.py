"""The first table: what each of our processes costs in memory, and of which library it is."""

import select
import subprocess

import memory
import stage
import watch
from figures import kib, table
from lib.host import children_of, program_of, wait_until
from lib.pgo import program
from lib.scrape import ask

# Below this, a mapping goes into "other": a page or two of each of a dozen libraries tells nothing.
SMALL = 24 * 1024


class Look:
    """One process at one moment."""

    def __init__(self, name, pid):
        self.name, self.parts = name, memory.costs(pid)
        self.peak = memory.peak_rss(pid)
        self.alone = memory.distinct([pid])


def session(pgo, looks):
    """Two connections: one that has logged in and asks nothing, one with a process in a container on the other end."""
    (ready,) = wait_until(lambda: pgo.role_pids("pgod-ssh"), "one is kept ready")
    looks.append(Look("pgod-ssh, kept ready", ready))
    idle = subprocess.Popen(pgo.ssh_argv("", options=("-N",)), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (pid,) = wait_until(pgo.connections, "a connection")
    wait_until(lambda: settled(pid), "the connection is at rest")
    looks.append(Look("pgod-ssh, logged in", pid))
    busy = subprocess.Popen(pgo.ssh_argv("one//exec -T web cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert echoed(busy)
    (other,) = set(pgo.connections()) - {pid}
    looks.append(Look("pgod-ssh, exec", other))
    both = memory.distinct([pid, other]) - memory.distinct([pid])
    for client in (idle, busy):
        client.terminate()
        client.communicate(timeout=10)
    wait_until(lambda: not pgo.connections(), "the connections are gone")
    return both


def echoed(client):
    """The cat at the other end answers, so everything between us and it is there."""
    client.stdin.write(b"x\n")
    client.stdin.flush()
    return select.select([client.stdout], [], [], 20)[0] and client.stdout.read(1) == b"x"


def settled(pid):
    """At rest: it has done something, and nothing between two looks that are a while apart."""
    was = watch.cpu(pid)
    with open(f"/proc/{pid}/wchan", encoding="ascii") as text:
        sleeps = "poll" in text.read()
    return sleeps and was > 0.004 and watch.cpu(pid) == was


def conf(pgo, looks):
    look, status = watch.at_exit([program("pgod-conf")], {}, lambda pid: Look("pgod-conf", pid), stdin=pgo.config)
    assert status == 0
    looks.append(look)


def jobs(pgo, repo, looks):
    """The verbs that read the most, as pgod starts them, at their end; git is a child of its own and not in the figure."""
    account = pgo.accounts.a
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": account.pw_dir,
        "PGO_SERVICE": "one",
        "PGO_LIVE": pgo.live("one"),
        "PGO_STAGE": pgo.live(".stage", "one"),
        "PGO_REPO": pgo.live(".repos", "one.git"),
        "PGO_DATADIR": pgo.datadir + "/one",
        "PGO_URL": repo.url,
        "PGO_BRANCH": "main",
        "PGO_COMPOSE": pgo.compose,
    }
    for verb, *operands in (["ls-remote"], ["fetch"], ["stage", repo.head], ["keys", repo.head], ["checkout", repo.head], ["resolve"]):
        argv = [pgo.libexec + "/pgod-job", verb, *operands]
        look, status = watch.at_exit(argv, env, lambda pid: Look(f"pgod-job {verb}", pid), account)
        assert status == 0, f"{argv}: {status}"
        looks.append(look)


def by_process(looks):
    rows = []
    for look in looks:
        whole = memory.total(look.parts)
        figures = (whole.pss, whole.private_dirty, whole.private_clean, look.alone, look.peak)
        rows.append([look.name, *map(kib, figures)])
    return rows


def by_library(looks):
    """Rows are parts, columns are processes; every part that matters somewhere gets a row."""
    names = sorted({part for look in looks for part, cost in look.parts.items() if cost.pss >= SMALL})
    names.sort(key=lambda part: -max(look.parts[part].pss for look in looks if part in look.parts))
    rows = []
    for part in names:
        rows.append([part, *(cell(look.parts.get(part)) for look in looks)])
    rest = [sum(cost.pss for part, cost in look.parts.items() if part not in names) for look in looks]
    rows.append(["other", *(kib(amount) for amount in rest)])
    rows.append(["sum", *(kib(memory.total(look.parts).pss) for look in looks)])
    return rows


def cell(cost):
    return f"{kib(cost.pss)} ({kib(cost.private_dirty)})" if cost else ""


def run(theatre):
    looks = []
    with theatre.on_real_engine() as pgo:
        repo = stage.one_service(pgo)
        stage.quiet(pgo)
        looks.append(Look("pgod", pgo.process.pid))
        looks.append(Look("pgod-core", pgo.role_pids("pgod-core")[0]))
        assert ask(pgo.metrics)[0] == 200
        looks.append(Look("pgod-web", pgo.role_pids("pgod-web")[0]))
        another = session(pgo, looks)
        conf(pgo, looks)
        jobs(pgo, repo, looks)
        sshd = stage.Sshd(pgo)
        peers = [Look("peer: sshd, listening", sshd.process.pid)] + sshd_session(pgo, sshd)
    table(
        "What each process costs in memory, KiB",
        ["process", "PSS", "private dirty", "private clean", "alone", "peak RSS"],
        by_process(looks + peers),
        ["One service on a real engine. pgod-conf and pgod-job live for milliseconds: looked at when they are about to end. Private clean is file "
         "pages that no other process maps now. *alone*: all its pages, however many processes share them. "
         f"A further connection costs {another // 1024} KiB that the first does not have already."],
    )
    table("The same by what is mapped: KiB of PSS (private dirty)", ["", *(look.name for look in looks[:6])], by_library(looks[:6]))


def sshd_session(pgo, sshd):
    """A connection to the peer that runs a command; its processes but not the command."""
    client = subprocess.Popen(sshd.argv(pgo, "exec cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert echoed(client)
    looks = [Look("peer: sshd, one session", pid) for pid in children_of(sshd.process.pid) if program_of(pid).startswith("sshd")]
    client.communicate(timeout=10)
    return looks
