"""A machine with systemd as process 1 and an engine of its own (scripts/systemd), and what the tests do in it."""

import contextlib
import ctypes
import glob
import json
import os
import shutil
import socket
import tempfile
import threading
import time

from lib.host import TOP, descendants_of, hold, libc, remove_abandoned, run, wait_until

CLONE_NEWNET = 0x40000000
PORT = 2222


def script(verb, directory):
    run(os.path.join(TOP, "scripts", "systemd"), verb, directory, deadline=300)


class Machine:
    def __init__(self):
        remove_abandoned(glob.glob(os.path.join(tempfile.gettempdir(), "pgot-machine-*")), lambda directory: script("remove", directory))
        self.dir = tempfile.mkdtemp(prefix="pgot-machine-")
        self.session = hold(self.dir)
        self.root = os.path.join(self.dir, "root")
        self.pid = None

    def script(self, verb):
        script(verb, self.dir)

    def start(self):
        self.script("start")

    def boot(self):
        self.script("boot")
        with open(os.path.join(self.dir, "pid"), encoding="ascii") as pid:
            self.pid = int(pid.read())

    def remove(self):
        self.script("remove")
        self.session.close()

    def path(self, inside):
        """Where a file of the machine is for us; what is mounted in there is seen too."""
        return (f"/proc/{self.pid}/root" if self.pid else self.root) + inside

    def write(self, inside, text, mode=0o644):
        path = self.path(inside)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)

    def run(self, *argv, **kw):
        return run("nsenter", "--all", "--target", str(self.pid), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *argv, **kw)

    def install(self, *packages):
        """dpkg, in a machine that runs or before it does."""
        for package in packages:
            shutil.copy(package, self.path("/root"))
        names = ["/root/" + os.path.basename(package) for package in packages]
        env = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return self.run("dpkg", "--install", *names) if self.pid else run("chroot", self.root, "dpkg", "--install", *names, env=env)

    # services of systemd

    def show(self, name, unit="pgod"):
        return self.run("systemctl", "show", unit, "--value", "--property", name).stdout.strip()

    def main_pid(self):
        """Of pgod, as the machine counts; None while it does not run."""
        active = self.show("ActiveState") == "active"
        return int(self.show("MainPID")) if active else None

    def on_host(self, pid):
        """Who it is that the machine counts as `pid`."""
        for process in descendants_of(self.pid):
            with contextlib.suppress(OSError), open(f"/proc/{process}/status", encoding="ascii") as status:
                if any(line.split()[0] == "NSpid:" and line.split()[-1] == str(pid) for line in status):
                    return process
        raise LookupError(f"nobody is {pid} there")

    def wait_other_pid(self, before, deadline=20):
        return wait_until(lambda: self.main_pid() not in (None, before) and self.main_pid(), "another pgod is ready", deadline)

    def journal(self):
        return self.run("journalctl", "--unit=pgod", "--no-pager", "--output=short-precise").stdout

    # what runs

    def engine_images(self, *names):
        env = {**os.environ, "DOCKER_HOST": "unix://" + self.path("/run/docker.sock")}
        run(os.path.join(TOP, "scripts", "images"), *names, env=env)

    def containers(self):
        """{name: (id, when it was started, state)}"""
        ids = self.run("docker", "ps", "--all", "--quiet").stdout.split()
        boxes = json.loads(self.run("docker", "inspect", *ids).stdout) if ids else []
        return {box["Name"].lstrip("/"): (box["Id"], box["State"]["StartedAt"], box["State"]["Status"]) for box in boxes}

    def pgoctl(self, what, *args, check=True, **kw):
        return self.run("pgoctl", "-i", "/root/key", "--accept-new", "--", "127.0.0.1:" + what, *args, check=check, **kw)

    @contextlib.contextmanager
    def knocking(self):
        """Connects to pgod all the time; whoever is refused is a failure. Yields the number of connects so far (a function)."""
        knocks, refusals, done = [0], [], threading.Event()

        def knock():
            with open(f"/proc/{self.pid}/ns/net", "rb") as net:
                if libc.setns(net.fileno(), CLONE_NEWNET) < 0:  # of this thread
                    refusals.append(f"setns: {os.strerror(ctypes.get_errno())}")
                    return
            while not done.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", PORT), 5):
                        knocks[0] += 1
                except OSError as err:
                    refusals.append(f"connect {knocks[0] + 1}: {err}")
                time.sleep(0.1)  # pgod takes 32 connections of an address; as many may have to wait

        thread = threading.Thread(target=knock)
        thread.start()
        try:
            wait_until(lambda: knocks[0] > 2 or refusals, "somebody knocks")
            yield lambda: knocks[0]
        finally:
            done.set()
            thread.join()
        assert not refusals, refusals[:3]
