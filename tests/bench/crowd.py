"""B16: many who connect: what a handshake costs, who is served beside a flood of strangers, what idle sessions weigh."""

import ctypes
import os
import socket
import threading
import time

import client
import memory
import stage
from figures import mib, ms, p50, p99, ratio, table
from lib.host import descendants_of, stat_fields, wait_until

HANDSHAKES = 300
THREADS = 4
FLOOD_A_SECOND = 200
ROUNDS = 100
SESSIONS = 250  # pgod takes 256 connections at most, 32 from one address
BINDADDR = 20  # of enum ssh_options_e
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pids):
    """Of the processes and of all their children that have ended."""
    return sum(int(field) for pid in pids for field in stat_fields(pid)[11:15]) / TICKS


def handshakes(key, user, port, command):
    """Whole sessions, several at a time, as fast as they go; returns the seconds."""
    left = [HANDSHAKES]
    lock = threading.Lock()

    def work():
        mine = client.Client(key, user)
        while True:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
            mine.once(port, command)

    began = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def rate(pgo, sshd):
    rows = []
    for name, pids, user, port, command in (
        ("pgod: ping", stage.processes(pgo), "tess", pgo.port, "one//ping"),
        ("peer: sshd: true", [sshd.process.pid], "root", sshd.port, "true"),
    ):
        before = cpu_s(pids)
        took = handshakes(pgo.key.private, user, port, command)
        wait_until(lambda: not pgo.connections(), "the connections are gone")
        spent = cpu_s(pids) - before
        rows.append([name, HANDSHAKES, ms(spent / HANDSHAKES), f"{HANDSHAKES / spent:.0f}", f"{HANDSHAKES / took:.0f}"])
    table(
        "B16a. Handshakes: key exchange, login, one operation, end",
        ["", "n", "ms of processor each, server", "a second on one core", "a second as it was"],
        rows,
        [f"{THREADS} at a time from libssh inside the harness, on the same machine. The third figure is what one core of the server could do by the second; target: at least 150."],
    )


class Flood:
    """Strangers from many addresses: each connects, reads the banner, and stays for a tenth of a second."""

    def __init__(self, port):
        self.port, self.over, self.n, self.refused = port, False, 0, 0
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()

    def run(self):
        began, held = time.monotonic(), []
        while not self.over:
            while held and time.monotonic() - held[0][0] > 0.1:
                held.pop(0)[1].close()
            if self.n > (time.monotonic() - began) * FLOOD_A_SECOND:
                time.sleep(0.001)
                continue
            self.n += 1
            stranger = socket.socket()
            stranger.bind((f"127.1.{self.n // 200 % 200}.{1 + self.n % 200}", 0))
            stranger.settimeout(0.05)
            try:
                stranger.connect(("127.0.0.1", self.port))
                held.append((time.monotonic(), stranger))
            except OSError:
                self.refused += 1
                stranger.close()
        for _, stranger in held:
            stranger.close()


def flood(pgo, sshd):
    rows = []
    for name, user, port, command in (("pgod: ps", "tess", pgo.port, "one//ps"), ("peer: sshd: true", "root", sshd.port, "true")):
        mine = client.Client(pgo.key.private, user)
        for beside in (False, True):
            failed, taken = 0, []
            with Flood(port) if beside else Flood(9) as strangers:
                strangers.over = not beside
                began = time.monotonic()
                for _ in range(ROUNDS):
                    try:
                        taken.append(sum(mine.once(port, command)))
                    except client.Failed:
                        failed += 1
                made = strangers.n / (time.monotonic() - began)
            rows.append([name + (", beside the flood" if beside else ", alone"), len(taken), ms(p50(taken)), ms(p99(taken)), failed, f"{made:.0f}" if beside else "-"])
    wait_until(lambda: not pgo.connections(), "the connections are gone", 60)
    table(
        "B16b. A session beside strangers that connect and say nothing, ms",
        ["", "n", "p50", "p99", "turned away", "strangers a second"],
        rows,
        [f"Asked for were {FLOOD_A_SECOND} a second, from 40 000 addresses; the flood comes from the same process and machine. Target of p99: 50 ms on a quiet machine."],
    )


def idle_sessions(pgo, sshd):
    rows = []
    for name, user, port, command, server in (
        ("pgod: journal -f", b"tess", pgo.port, b"one//journal -f", pgo.process.pid),
        ("peer: sshd: cat", b"root", sshd.port, b"exec cat", sshd.process.pid),
    ):
        before = weight([server, *descendants_of(server)])
        mine, sessions = client.Client(pgo.key.private, user.decode()), []
        for number in range(SESSIONS):
            sessions.append(hold(mine, port, user, command, f"127.2.0.{1 + number // 25}".encode()))
        pids = [server, *descendants_of(server)]
        ours = [pid for pid in pids if program_name(pid) != "cat"]
        grown = weight(ours) - before
        rows.append([name, SESSIONS, len(ours), mib(grown), mib(grown / SESSIONS)])
        for session, channel in sessions:
            mine.lib.ssh_channel_free(channel)
            mine.lib.ssh_disconnect(session)
            mine.lib.ssh_free(session)
        wait_until(lambda: len(descendants_of(server)) < 10, "the sessions are gone", 60)
    table(
        "B16c. Idle sessions: logged in, an operation open, nothing to say; MiB (PSS)",
        ["", "sessions", "processes of the server", "more than without", "each"],
        rows,
        ["pgod takes 256 connections at most, 32 from one address, so 500 cannot be had of one pgod: a build server's mistake must not take the services' memory."],
    )


def weight(pids):
    """PSS of those that live: a pgod-ssh that is kept ready is replaced all the time."""
    whole = 0
    for pid in pids:
        try:
            whole += memory.pss([pid])
        except OSError:
            continue
    return whole


def program_name(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
            return comm.read().strip()
    except OSError:
        return "cat"


def hold(mine, port, user, command, address):
    """A session with an operation that goes on; (session, channel)."""
    lib = mine.lib
    session = ctypes.c_void_p(lib.ssh_new())
    number, off = ctypes.c_uint(port), ctypes.c_int(0)
    lib.ssh_options_set(session, client.HOST, b"127.0.0.1")
    lib.ssh_options_set(session, client.PORT, ctypes.byref(number))
    lib.ssh_options_set(session, client.USER, user)
    lib.ssh_options_set(session, BINDADDR, address)
    lib.ssh_options_set(session, client.PROCESS_CONFIG, ctypes.byref(off))
    mine.must(lib.ssh_connect(session), session)
    mine.must(lib.ssh_userauth_publickey(session, None, mine.key), session)
    channel = ctypes.c_void_p(lib.ssh_channel_new(session))
    mine.must(lib.ssh_channel_open_session(channel), session)
    mine.must(lib.ssh_channel_request_exec(channel, command), session)
    return session, channel


def run(theatre):
    with theatre.on_fake_engine() as pgo:
        stage.one_service(pgo)
        sshd = stage.Sshd(pgo)
        rate(pgo, sshd)
        flood(pgo, sshd)
        idle_sessions(pgo, sshd)
