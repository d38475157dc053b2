"""Looking at processes from outside: which ones start, what processor time they take, what they are at their very end."""

import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import threading

from lib.host import command_of, libc, stat_fields

TICK = os.sysconf("SC_CLK_TCK")
NETLINK_CONNECTOR = 11
FORK, EXEC = 1, 2
NOWHERE = subprocess.DEVNULL
PTRACE_TRACEME, PTRACE_CONT, PTRACE_SETOPTIONS = 0, 7, 0x4200
TRACE_EXEC, TRACE_EXIT, EVENT_EXIT = 0x10, 0x40, 6


class Starts:
    """Counts, from the kernel's own process events, what is forked beneath a process. Used as a context."""

    def __init__(self, root):
        self.family, self.programs, self.forks = {root}, [], 0
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((0, 1))
        self.socket.setblocking(False)
        self.say(1)

    def say(self, word):
        body = struct.pack("=IIIIHHI", 1, 1, 0, 0, 4, 0, word)
        self.socket.send(struct.pack("=IHHII", 16 + len(body), 3, 0, 0, 0) + body)

    def __enter__(self):
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *problem):
        os.close(self.stop_write)
        self.thread.join()
        os.close(self.stop_read)
        self.socket.close()

    def collect(self):
        while True:
            ready = select.select([self.socket, self.stop_read], [], [])[0]
            with contextlib.suppress(BlockingIOError):
                while True:
                    self.take(self.socket.recv(4096))
            if self.stop_read in ready:
                return

    def take(self, data):
        what, _, _, a, b, c, d = struct.unpack_from("=IIQIIII", data, 36) if len(data) >= 68 else (0,) * 7
        if what == FORK and b in self.family and c == d:
            self.family.add(d)
            self.forks += 1
        elif what == EXEC and b in self.family:
            self.programs.append(os.path.basename(command_of(b).split(" ")[0]) or "?")


def cpu(pid):
    """Seconds of processor time of a process itself, to the nanosecond where the kernel tells it."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as text:
        return int(text.read().split()[0]) / 1e9


def children_cpu(pid):
    """Seconds of all children that a process has reaped, and theirs; in ticks of the kernel's clock."""
    fields = stat_fields(pid)
    return (int(fields[13]) + int(fields[14])) / TICK


def usage_of(argv, **how):
    """Runs a command to its end; returns its processor time, children included, to the microsecond."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **how)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{argv}: status {process.returncode}"
    return usage.ru_utime + usage.ru_stime


def at_exit(argv, env, look, account=None, stdin="/dev/null"):
    """Runs a program, stops it when it is about to leave (its memory is still there), calls look(pid), lets it go: nothing of a
    program that is gone in a moment can be missed. Returns look's answer and the exit status."""
    child = os.fork()
    if child == 0:
        run_traced(argv, env, account, stdin)
    os.waitpid(child, 0)
    libc.ptrace(PTRACE_SETOPTIONS, child, None, ctypes.c_void_p(TRACE_EXEC | TRACE_EXIT))
    seen, pass_on = None, 0
    while True:
        libc.ptrace(PTRACE_CONT, child, None, ctypes.c_void_p(pass_on))
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return seen, os.waitstatus_to_exitcode(status)
        pass_on = os.WSTOPSIG(status)
        if pass_on == signal.SIGTRAP:
            pass_on = 0
        if status >> 16 == EVENT_EXIT:
            seen = look(child)


def run_traced(argv, env, account, stdin):
    """The child: never returns."""
    try:
        os.dup2(os.open(stdin, os.O_RDONLY), 0)
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        os.chdir("/")
        if account:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
        libc.ptrace(PTRACE_TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execve(argv[0], argv, env)
    finally:
        os._exit(127)
