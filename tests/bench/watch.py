"""Looking at processes from outside: what processor time they take, what they are at their very end."""

import ctypes
import os
import signal
import subprocess

from lib.host import libc, stat_fields

TICK = os.sysconf("SC_CLK_TCK")
NOWHERE = subprocess.DEVNULL
PTRACE_TRACEME, PTRACE_CONT, PTRACE_SETOPTIONS = 0, 7, 0x4200
TRACE_EXEC, TRACE_EXIT, EVENT_EXIT = 0x10, 0x40, 6


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
