"""B8: pgoctl ping and ps over a cold connection, and where the time goes."""

import os
import subprocess
import time

import client
import stage
from figures import ms, p50, ratio, table, times_row
from lib.host import wait_until
from lib.pgo import program

ROUNDS = 100
REFERENCE_MS = 6.9
HANGS_S = 10


def timed(argv, env=None):
    """Seconds from start to end; one that hangs is ended after HANGS_S and stands in the figures with that."""
    began = time.perf_counter()
    try:
        done = subprocess.run(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, timeout=HANGS_S
        )
    except subprocess.TimeoutExpired:
        return time.perf_counter() - began
    took = time.perf_counter() - began
    assert done.returncode == 0, f"{argv}: status {done.returncode}: {done.stderr.decode()}"
    return took


def in_turns(series, rounds=ROUNDS):
    """Runs each of the functions once a round, so that whatever else the machine does meets them all alike."""
    for act in series.values():
        act()
    taken = {name: [] for name in series}
    for _ in range(rounds):
        for name, act in series.items():
            taken[name].append(act())
    return taken


def commands(pgo, sshd):
    """ping and ps each after something slow: one pgod-ssh is kept ready, and takes some milliseconds to be replaced. The row "at
    the heels" is the connection that finds none."""
    env = {"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "USER": "tess", "LOGNAME": "tess"}
    pgoctl = [program("pgoctl"), "-i", pgo.key.private, "-p", str(pgo.port), "--accept-new", "--"]
    return in_turns(
        {
            "pgoctl ping": lambda: timed([*pgoctl, "127.0.0.1:one//ping"], env),
            "pgoctl ping, at the heels of another": lambda: timed([*pgoctl, "127.0.0.1:one//ping"], env),
            "ssh, pgod: ping": lambda: timed(pgo.ssh_argv("one//ping")),
            "pgoctl ps": lambda: timed([*pgoctl, "127.0.0.1:one//ps"], env),
            "ssh, pgod: ps": lambda: timed(pgo.ssh_argv("one//ps")),
            "peer: ssh, sshd: true": lambda: timed(sshd.argv(pgo, "true")),
            "pgoctl --help (the client's start alone)": lambda: timed([program("pgoctl"), "--help"], env),
        }
    )


def connections(pgo, sshd):
    """By libssh in this process: what is left is the server and the protocol."""
    tess, root = client.Client(pgo.key.private, "tess"), client.Client(pgo.key.private, "root")
    taken = in_turns(
        {
            "ping": lambda: tess.once(pgo.port, "one//ping"),
            "ps": lambda: tess.once(pgo.port, "one//ps"),
            "sshd": lambda: root.once(sshd.port, "true"),
            "banner": lambda: client.until_banner(pgo.port),
            "sshd banner": lambda: client.until_banner(sshd.port),
        }
    )
    return taken


def phases(taken):
    """Rows: a phase each; columns: p50 for ping, ps and sshd, and ping against sshd."""
    medians = {who: [p50(phase) for phase in zip(*taken[who])] for who in ("ping", "ps", "sshd")}
    banner, peer = p50(taken["banner"]), p50(taken["sshd banner"])
    rows = [["until the server's first byte (its process is up)", ms(banner), ms(banner), ms(peer), ratio(banner, peer)]]
    for at, name in enumerate(client.PHASES):
        ping, ps, sshd = (medians[who][at] for who in ("ping", "ps", "sshd"))
        rows.append([name + (", in all" if at == 0 else ""), ms(ping), ms(ps), ms(sshd), ratio(ping, sshd)])
    whole = {who: p50([sum(times) for times in taken[who]]) for who in medians}
    rows.append(["sum", *(ms(whole[who]) for who in ("ping", "ps", "sshd")), ratio(whole["ping"], whole["sshd"])])
    return rows


def run(theatre):
    with theatre.on_real_engine() as pgo:
        stage.one_service(pgo)
        sshd = stage.Sshd(pgo)
        stage.quiet(pgo)
        taken = commands(pgo, sshd)
        wait_until(lambda: not pgo.connections(), "the connections are gone")
        inner = connections(pgo, sshd)
    base = p50(taken["peer: ssh, sshd: true"])
    late = {name: sum(took > 1 for took in values) for name, values in taken.items()}
    late = ", ".join(f"{name}: {count}" for name, count in late.items() if count) or "none"
    ping, ps = p50(taken["pgoctl ping"]), p50(taken["pgoctl ps"])
    table(
        "B8a. A command over a cold connection, from its start to its end, ms",
        ["", "n", "p50", "p99", "÷ peer (p50)"],
        [times_row(name, values, base) for name, values in taken.items()],
        [f"ping against the reference's {REFERENCE_MS} ms (another machine): {ratio(ping * 1000, REFERENCE_MS)}. ps takes {ms(ps - ping)} ms more than ping "
         f"(target: within 2 ms). Longer than a second: {late}. "
         f"The harness starts each command by fork and exec from Python; the load average at the end is {os.getloadavg()[0]:.1f}."],
    )
    table(
        "B8b. Where the time goes: a connection made by libssh inside the harness, p50, ms",
        ["phase", "pgod: ping", "pgod: ps", "peer: sshd: true", "ping ÷ peer"],
        phases(inner),
        [f"n = {ROUNDS}, in turns. No program of the client starts here; the difference to the first table is the client's start and end."],
    )
