"""The job `resolve` as pgod runs it, account, sealed root, lock and all, without a core that orders it: the test does."""

import array
import contextlib
import json
import os
import shutil
import socket
import tempfile
from types import SimpleNamespace

from lib.host import run
from lib.pgo import BUILD, Pgod, install_roles

FAKE_CORE = os.path.join(BUILD, "tests/unit/supervisor/fake_core")
DEADLINE_S = 90


class Sealed:
    """A pgod whose core is the test; its one service is `web`."""

    def __init__(self, accounts, compose, **keys):
        # Not in the daemon's own directory, which the service's account may not list.
        self.libexec = tempfile.mkdtemp(prefix="pgot-bin-")
        os.chmod(self.libexec, 0o755)
        install_roles(self.libexec)
        shutil.copy(FAKE_CORE, os.path.join(self.libexec, "pgod-core"))
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(os.path.join(self.libexec, "s"))
        os.chmod(os.path.join(self.libexec, "s"), 0o777)
        self.listener.listen(1)
        self.listener.settimeout(DEADLINE_S)
        self.owner = accounts.a
        self.pgod = Pgod(accounts, self.libexec, SimpleNamespace(docker_host=f"unix://{self.libexec}/none"), compose)
        self.live = self.pgod.live("web")
        self.stage = os.path.join(self.pgod.dir, ".stage", "web")
        self.pgod.service("web", "/nonexistent", **keys)
        self.pgod.start()
        self.lifeline, _ = self.listener.accept()
        self.channel = self.receive_channel()
        self.say("hello", protocol=1)
        self.hear("service")
        self.jobs = 0

    def receive_channel(self):
        self.lifeline.settimeout(DEADLINE_S)
        _, fds, _, _ = socket.recv_fds(self.lifeline, 1, 1)
        channel = socket.socket(fileno=fds[0])
        channel.settimeout(DEADLINE_S)
        return channel

    def say(self, message, fds=(), **fields):
        data = json.dumps({"type": message, **fields}).encode()
        self.channel.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

    def hear(self, kind):
        """The next message of this kind; what comes before is not of interest."""
        while True:
            data, fds, _, _ = socket.recv_fds(self.channel, 1 << 20, 4)
            for fd in fds:
                os.close(fd)
            message = json.loads(data)
            if message["type"] == kind:
                return message

    def put(self, directory):
        """Stages what lies there, as the job `stage` does."""
        for name in os.listdir(self.stage):
            path = os.path.join(self.stage, name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        run("cp", "-a", directory + "/.", self.stage)
        run("chown", "-hR", f"{self.owner.pw_uid}:{self.owner.pw_gid}", self.stage)

    def resolve(self, directory):
        """(status, the model, what it complained about)"""
        self.put(directory)
        self.jobs += 1
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            self.say("job", (out.fileno(), err.fileno()), id=self.jobs, kind="resolve", service="web", args="", stdio="12", cols=0, rows=0)
            ended = self.hear("job-exited")
            assert ended["id"] == self.jobs and ended["status"] >= 0, ended
            out.seek(0)
            err.seek(0)
            return ended["status"], out.read().decode(), err.read().decode()

    def close(self):
        self.pgod.process.terminate()
        for end in (self.channel, self.lifeline, self.listener):
            end.close()
        self.pgod.close()
        shutil.rmtree(self.libexec)


@contextlib.contextmanager
def sealed(accounts, compose, **keys):
    made = Sealed(accounts, compose, **keys)
    try:
        yield made
    finally:
        made.close()
