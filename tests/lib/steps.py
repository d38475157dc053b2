"""Stops pgod-core exactly at a step of a deploy: the step stands in the journal, and nothing of it has been done.

Core is traced, and held at the system call by which it writes "== STEP" into the log of the deploy. ptrace(2) belongs to one thread, so
there is one that does nothing else.
"""

import contextlib
import ctypes
import os
import platform
import re
import struct
import threading

from lib.host import DEADLINE, TOP, libc, wait_until

SEIZE, INTERRUPT, SYSCALL, DETACH, SYSCALL_INFO = 0x4206, 0x4207, 24, 17, 0x420E
TRACE_SYSGOOD, WALL, ENTRY = 1, 0x40000000, 1
SYSCALL_STOP = 5 | 0x80
WRITE = {"x86_64": 1, "aarch64": 64}[platform.machine()]
LONGEST = 4096
ROW = re.compile(r'^\s+\{"([a-z ]+)", ([A-Z_ |]+), ([A-Z_ |0]+), step_', re.M)


def steps(table_row):
    """The names of the pipeline's rows for which table_row(modes, flags) is true, in order."""
    with open(os.path.join(TOP, "src", "core", "deploy.c"), encoding="ascii") as text:
        found = ROW.findall(text.read())
    assert len(found) > 20
    return [name for name, modes, flags in found if table_row(set(modes.split(" | ")), set(flags.split(" | ")))]


# What a new commit of a tracked repository goes through: only an app is led to by names of its own.
FORWARD = [step for step in steps(lambda modes, flags: modes & {"JUDGE", "PREPARE", "APPLY"}) if step != "names"]


def ptrace(request, pid, address=0, data=0):
    if libc.ptrace(ctypes.c_long(request), pid, ctypes.c_void_p(address), ctypes.c_void_p(data)) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


class Core:
    """The pgod-core that runs now. words: what it has to write, one after the other; at the last of them it is held."""

    def __init__(self, pgo, *words):
        (self.pid,) = pgo.role_pids("pgod-core")
        self.words = [word.encode() for word in words]
        self.seized, self.held, self.free = threading.Event(), threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.trace, daemon=True)
        self.thread.start()
        wait_until(self.seized.is_set, "core is traced")

    def written(self):
        """What it is about to write."""
        info = ctypes.create_string_buffer(88)
        ptrace(SYSCALL_INFO, self.pid, len(info), ctypes.addressof(info))
        number, _, at, size = struct.unpack_from("=QQQQ", info.raw, 24)
        if info.raw[0] != ENTRY or number != WRITE or size > LONGEST:
            return b""
        with open(f"/proc/{self.pid}/mem", "rb") as memory:
            memory.seek(at)
            return memory.read(size)

    def trace(self):
        ptrace(SEIZE, self.pid, 0, TRACE_SYSGOOD)
        ptrace(INTERRUPT, self.pid)
        while self.words:
            status = os.waitpid(self.pid, WALL)[1]
            self.seized.set()
            if not os.WIFSTOPPED(status):
                return
            signal = os.WSTOPSIG(status)
            if signal == SYSCALL_STOP and self.words[0] in self.written():
                del self.words[0]
            if self.words:
                ptrace(SYSCALL, self.pid, 0, signal if signal != SYSCALL_STOP and status >> 16 == 0 else 0)
        self.held.set()
        self.free.wait()
        try:
            ptrace(DETACH, self.pid)
        except ProcessLookupError:
            os.waitpid(self.pid, WALL)  # it was killed; that its parent hears of it takes this

    def wait(self):
        wait_until(self.held.is_set, lambda: f"core comes to {self.words[0].decode()}")

    def let_go(self):
        self.free.set()
        self.thread.join(DEADLINE)


@contextlib.contextmanager
def core_at(pgo, begin, *words):
    """Does begin(); core stands at the last of these words for the time of the block. Yields a function that lets it go on before."""
    core = Core(pgo, *words)
    begin()
    core.wait()
    try:
        yield core.let_go
    finally:
        core.let_go()
