"""What a gigabyte of output costs while its reader is slow: memory of each process, and the time when he is not."""

import os
import subprocess
import time

import memory
import stage
from figures import mib, table
from lib.pgo import program

BYTES = 1_000_000_000
SLOW_S = 10  # 1 MiB a second for that long, then as fast as it goes
STEP_S = 0.2


def sample(pids, peaks):
    for name, pid in pids.items():
        try:
            peaks[name] = max(peaks.get(name, 0), memory.pss([pid]))
        except OSError:
            continue  # it has ended


def read_all(reader, pids):
    """Peaks of PSS by name while slow and while fast; and the speed of the fast part. One byte was read before."""
    slow, fast, got = {}, {}, 1
    for _ in range(int(SLOW_S / STEP_S)):
        got += len(os.read(reader.stdout.fileno(), int(STEP_S * 1048576)))
        sample(pids, slow)
        time.sleep(STEP_S)
    began, rest = time.monotonic(), got
    last = began
    while data := os.read(reader.stdout.fileno(), 1 << 20):
        got += len(data)
        if time.monotonic() - last > STEP_S:
            last = time.monotonic()
            sample(pids, fast)
    took = time.monotonic() - began
    assert got == BYTES and reader.wait(20) == 0, f"{got} bytes of {BYTES}"
    return slow, fast, (BYTES - rest) / took / 1e6


def start(argv, pgo):
    env = {"PATH": "/usr/bin:/bin", "HOME": pgo.path("home"), "USER": "tess", "LOGNAME": "tess"}
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=env)


def run(theatre):
    with theatre.on_fake_engine() as pgo:
        stage.one_service(pgo)
        sshd = stage.Sshd(pgo)
        stage.quiet(pgo)
        write = ["head", "-c", str(BYTES), "/dev/zero"]
        rows = []

        target = [program("pgoctl"), "-i", pgo.key.private, "-p", str(pgo.port), "--accept-new", "--", "127.0.0.1:one//exec", "web"]
        (core,) = pgo.role_pids("pgod-core")
        before = {"pgod": memory.pss([pgo.process.pid]), "pgod-core": memory.pss([core])}
        reader = start([*target, *write], pgo)
        os.read(reader.stdout.fileno(), 1)
        (session,) = pgo.connections()
        slow, fast, speed = read_all(reader, {"pgod": pgo.process.pid, "pgod-core": core, "pgod-ssh": session, "pgoctl": reader.pid})
        for name in ("pgod", "pgod-core", "pgod-ssh", "pgoctl"):
            rows.append([name, mib(before[name]) if name in before else "-", mib(slow[name]), mib(fast[name])])

        known = [pid for pid in sshd.processes()]
        reader = start(sshd.argv(pgo, " ".join(write)), pgo)
        os.read(reader.stdout.fileno(), 1)
        sessions = [pid for pid in sshd.processes() if pid not in known and name_of(pid) == "sshd"]
        slow, fast, peer = read_all(reader, {f"sshd {number}": pid for number, pid in enumerate(sessions)} | {"ssh": reader.pid})
        rows.append(["peer: sshd, of the session", "-", mib(sum(slow[name] for name in slow if name != "ssh")), mib(sum(fast[name] for name in fast if name != "ssh"))])
        rows.append(["peer: ssh", "-", mib(slow["ssh"]), mib(fast["ssh"])])
    table(
        "A gigabyte to one client that reads 1 MiB a second for ten seconds, then as fast as it can: peak memory, MiB (PSS)",
        ["", "before", "while it reads slowly", "while it reads fast"],
        rows,
        [f"Fast, that is {speed:.0f} MB/s from pgod and {peer:.0f} MB/s from sshd. The output is a command's on a pipe of the job, as that of `logs -f` is; no container is in it."],
    )


def name_of(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
        return comm.read().strip()
