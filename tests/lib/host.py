"""What the tests need from the machine: waiting, processes, accounts, opens of files, free ports."""

import contextlib
import ctypes
import fcntl
import grp
import http.client
import os
import pwd
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
DEADLINE = 20.0
BUSY_COUNTS = 0.2
NOT_YET = (OSError, KeyError, IndexError, ValueError, AssertionError, subprocess.SubprocessError, http.client.HTTPException)

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_CHILD_SUBREAPER = 36
IN_OPEN = 0x20


def busy_s():
    """For how long, since the machine started, somebody has waited for a processor; 0 where the kernel does not tell."""
    try:
        with open("/proc/pressure/cpu", encoding="ascii") as pressure:
            return int(pressure.readline().rpartition("=")[2]) / 1e6
    except OSError:
        return 0


def clock():
    """A function that tells how many seconds have passed since now. A deadline is meant for a machine that does at once what it is asked to do: of the time in which
    somebody waits for a processor only a part passes."""
    began, busy = time.monotonic(), busy_s()
    return lambda: time.monotonic() - began - (1 - BUSY_COUNTS) * (busy_s() - busy)


def wait_until(condition, what, deadline=DEADLINE, step=0.02):
    """Polls until condition() is true and returns its value; the only way to wait in these tests. A condition that raises is not met yet."""
    end, passed = time.monotonic() + deadline, clock()
    problem = None
    while True:
        try:
            value = condition()
            problem = None
        except NOT_YET as err:
            value, problem = None, err
        if value:
            return value
        if time.monotonic() > end and passed() > deadline:
            what = what() if callable(what) else what
            raise AssertionError(f"not within {deadline} s: {what}" + (f" ({problem!r})" if problem else ""))
        time.sleep(step)


def stays(condition, what, events):
    """condition() holds at every look until events() is true: for "nothing happens while the daemon did that much"."""

    def look():
        assert_held = condition()
        if not assert_held:
            raise RuntimeError(f"did not stay: {what}")
        return events()

    wait_until(look, f"enough happened to believe: {what}")


def outcome(process, deadline, given=None):
    """communicate() with a deadline as that of wait_until. Who is late is not killed."""
    end, passed = time.monotonic() + deadline, clock()
    while True:
        try:
            return process.communicate(given, timeout=max(1.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            given = None  # it has been taken over
            if passed() > deadline:
                raise


def ended(process, deadline=60):
    """Its status, once it has ended; what it says must fit into its pipes."""
    wait_until(lambda: process.poll() is not None, lambda: f"{process.args} ends", deadline)
    return process.returncode


def run(*argv, check=True, deadline=60, **kw):
    """A command to its end, with its output as text."""
    given = kw.pop("input", None)
    kw.setdefault("stdin", subprocess.DEVNULL if given is None else subprocess.PIPE)
    kw.setdefault("text", True)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw) as process:
        try:
            out, err = outcome(process, deadline, given)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(argv, process.returncode, out, err)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


PORTS = range(12000, 32000)  # below those that the kernel gives to clients
_taken = {}


def free_port():
    """A port of 127.0.0.1 that nobody listens on, and that no other process of the tests is given while this one lives. They are taken in turn from
    somewhere on: to the kernel all that one process has locked is then few locks."""
    if "file" not in _taken:
        _taken["file"] = os.open("/run/lock/pgot-ports", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _taken["next"] = random.choice(PORTS)
    for _ in PORTS:
        port = _taken["next"]
        _taken["next"] = port + 1 if port + 1 in PORTS else PORTS[0]
        try:
            fcntl.lockf(_taken["file"], fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


# processes


def become_subreaper():
    """What a killed pgod leaves behind becomes a child of ours: nothing gets lost."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def stat_fields(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        text = stat.read()
    return text[text.rindex(")") + 2 :].split()


def all_pids():
    """Everybody on the machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def state_of(pid):
    """The letter in /proc; that of the dead for who is not there."""
    try:
        return stat_fields(pid)[0]
    except (OSError, ValueError):
        return "Z"


def children_of(pid):
    """Each of its threads has its own. To look through all the processes of a machine takes a hundred times as long."""
    found = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as children:
                found += [int(child) for child in children.read().split()]
    return found


def descendants_of(pid):
    found, look = [], [pid]
    while look:
        more = [child for child in children_of(look.pop()) if state_of(child) != "Z"]
        found += more
        look += more
    return found


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            return cmdline.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def open_files_of(pid):
    """What its descriptors are, as links say it: "socket:[123]", paths."""
    files = []
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                files.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return files


def program_of(pid):
    return os.path.basename(command_of(pid).split(" ")[0])


def reap_orphans(known):
    """Collects dead children that nobody of us started; returns those that are alive."""
    alive = []
    for pid in children_of(os.getpid()):
        if pid in known:
            continue
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                alive.append(pid)
    return alive


def kill_quietly(pid, sig=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)


class OpenCounter:
    """Counts how often a file is opened by anyone, in any mount namespace (inotify watches the inode)."""

    def __init__(self, path):
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, os.fsencode(path), IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        self.total = 0

    def count(self):
        while select.select([self.fd], [], [], 0)[0]:
            data = os.read(self.fd, 65536)
            at = 0
            while at < len(data):
                _, mask, _, length = struct.unpack_from("iIII", data, at)
                at += 16 + length
                self.total += bool(mask & IN_OPEN)
        return self.total

    def close(self):
        os.close(self.fd)


# what a session that was killed leaves


def hold(directory):
    """Its file `session` is locked as long as this process lives, however it ends; returns what holds it."""
    path = os.path.join(directory, "session")
    session = open(path + ".new", "wb")
    fcntl.flock(session, fcntl.LOCK_EX)
    os.rename(path + ".new", path)
    return session


def remove_abandoned(directories, remove):
    """Those that were held, and are no more. What is in the way then the next session removes."""
    for directory in directories:
        with contextlib.suppress(FileNotFoundError, BlockingIOError, AssertionError), open(os.path.join(directory, "session"), "rb") as session:
            fcntl.flock(session, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(directory)


# accounts


LOCKS = "/run/pgot-accounts"  # a locked file for each session that has accounts


def remove_accounts(tag):
    """The accounts and groups of a session; an account whose last process is ending can go a moment later."""
    for name in (f"pgot-a{tag}", f"pgot-b{tag}"):
        if name in [entry.pw_name for entry in pwd.getpwall()]:
            wait_until(lambda name=name: run("userdel", name), f"{name} can be removed", 5)
    for name in (f"pgot-a{tag}", f"pgot-b{tag}", f"pgot-sh{tag}", f"pgot-en{tag}"):
        if name in [entry.gr_name for entry in grp.getgrall()]:
            run("groupdel", name)


@contextlib.contextmanager
def locks_of_sessions():
    """Nobody else makes or removes one meanwhile."""
    os.makedirs(LOCKS, exist_ok=True)
    with open(LOCKS + ".lock", "wb") as all_of_them:
        fcntl.flock(all_of_them, fcntl.LOCK_EX)
        yield


def lock_session(tag):
    """Held as long as this process lives, however it ends."""
    lock = open(os.path.join(LOCKS, tag), "wb")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def lock_free_tag():
    """Tells the sessions apart that run beside each other."""
    for number in random.sample(range(10000), 10000):
        with contextlib.suppress(BlockingIOError):
            return f"{number:04d}", lock_session(f"{number:04d}")
    raise RuntimeError("no name for accounts is free")


def remove_abandoned_accounts():
    """Those of sessions that were killed before they could. What is still in use then the next session removes."""
    for tag in os.listdir(LOCKS):
        with contextlib.suppress(BlockingIOError, AssertionError), lock_session(tag) as lock:
            remove_accounts(tag)
            os.unlink(lock.name)


class Accounts:
    """Unix accounts that exist only for a test session. a and b are members of `shared`; the fake engine's socket belongs to `engine`."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="pgot-home-")
        os.chmod(self.home, 0o755)
        # useradd and its like wait seconds for each other, and then give up.
        with locks_of_sessions():
            remove_abandoned_accounts()
            self.tag, self.lock = lock_free_tag()
            self.shared = self._group(f"pgot-sh{self.tag}")
            self.engine = self._group(f"pgot-en{self.tag}")
            self.a = self._user(f"pgot-a{self.tag}")
            self.b = self._user(f"pgot-b{self.tag}")

    def _group(self, name):
        run("groupadd", "-f", name)
        return grp.getgrnam(name)

    def _user(self, name):
        if name not in [entry.pw_name for entry in pwd.getpwall()]:
            home = os.path.join(self.home, name)
            run("useradd", "--home-dir", home, "--no-create-home", "--shell", "/bin/sh", "--groups", self.shared.gr_name, name)
        entry = pwd.getpwnam(name)
        os.makedirs(entry.pw_dir, exist_ok=True)
        os.chown(entry.pw_dir, entry.pw_uid, entry.pw_gid)
        os.chmod(entry.pw_dir, 0o700)
        return entry

    def remove(self):
        with locks_of_sessions():
            remove_accounts(self.tag)
            os.unlink(self.lock.name)
            self.lock.close()
        shutil.rmtree(self.home, ignore_errors=True)
