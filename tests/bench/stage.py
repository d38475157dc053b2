"""What a benchmark stands on: accounts, engines, daemons and peers; whatever is made here is gone when the stage closes."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time

from lib.fake_engine import FakeEngine
from lib.host import TOP, Accounts, become_subreaper, descendants_of, free_port, run, stat_fields, wait_until
from lib.pgo import Pgod, install_roles, web
from lib.real_engine import RealEngine
from lib.servers import answers

IMAGE = "pgo-test/web:1"


class Stage:
    def __init__(self):
        become_subreaper()
        self.stack = contextlib.ExitStack()
        self.accounts = Accounts()
        self.stack.callback(self.accounts.remove)
        self.base = tempfile.mkdtemp(prefix="pgot-bench-")
        self.stack.callback(shutil.rmtree, self.base)
        os.chmod(self.base, 0o755)
        self.libexec = install_roles(self.path("libexec"))
        self.compose = run("bash", "-c", f". {TOP}/scripts/lib.sh && find_compose").stdout.strip()
        self.engine = None

    def path(self, *parts):
        return os.path.join(self.base, *parts)

    def close(self):
        self.stack.close()

    def real_engine(self):
        """One for all tables of a run; each leaves it empty."""
        if self.engine is None:
            self.engine = RealEngine()
            self.stack.callback(self.engine.remove)
            self.engine.start()
            self.engine.make_images()
        return self.engine

    @contextlib.contextmanager
    def on_real_engine(self, poll="1h"):
        daemon = Pgod(self.accounts, self.libexec, self.real_engine(), self.compose, poll)
        with contextlib.ExitStack() as tidy:
            tidy.callback(self.engine.sweep)
            tidy.callback(daemon.close)
            yield daemon

    @contextlib.contextmanager
    def on_fake_engine(self, poll="1h"):
        directory = tempfile.mkdtemp(prefix="pgot-engine-")
        os.chmod(directory, 0o755)
        fake = FakeEngine(os.path.join(directory, "d.sock"), self.accounts.engine.gr_gid)
        fake.add_image(IMAGE)
        fake.start()
        compose = shutil.copy(os.path.join(TOP, "tests", "lib", "fake-compose"), self.path("fake-compose"))
        daemon = Pgod(self.accounts, self.libexec, fake, compose, poll)
        with contextlib.ExitStack() as tidy:  # each of them, even when another fails
            tidy.callback(os.rmdir, directory)
            tidy.callback(fake.stop)
            tidy.callback(daemon.close)
            yield daemon


def processes(pgo):
    """pgod and its permanent children."""
    return [pgo.process.pid, *pgo.role_pids("pgod-core")]


def kept_ready(pgo):
    """The pgod-ssh that waits for the next connection."""
    return wait_until(lambda: pgo.role_pids("pgod-ssh"), "a pgod-ssh is kept ready")


def quiet(pgo, seconds=2):
    """Waits until pgod and core have used no processor time worth a word, and started nothing, for a second or two in a row."""
    calm = {"since": None, "was": None}

    def still():
        pgo.check_alive()
        now = [stat_fields(pid)[11:15] for pid in processes(pgo)], descendants_of(pgo.process.pid)
        if now != calm["was"]:
            calm.update(was=now, since=time.monotonic())
        return time.monotonic() - calm["since"] > seconds

    wait_until(still, "pgod is quiet", 120)


class Sshd:
    """OpenSSH's server with the key of a harness, as root, running what the client asks."""

    def __init__(self, pgo):
        self.port = free_port()
        self.key = pgo.key
        host_key, authorized = pgo.path("bench_sshd_key"), pgo.path("bench_authorized")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key)
        shutil.copy(pgo.key.private + ".pub", authorized)
        os.makedirs("/run/sshd", exist_ok=True)
        options = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": host_key,
            "UsePAM": "no",
            "StrictModes": "no",
            "PidFile": "none",
            "PermitRootLogin": "yes",
            "PrintMotd": "no",
            "PrintLastLog": "no",
            "AuthorizedKeysFile": authorized,
        }
        argv = ["/usr/sbin/sshd", "-D", "-f", "/dev/null", "-E", pgo.path("bench_sshd.log")]
        for name, value in options.items():
            argv += ["-o", f"{name}={value}"]
        self.process = pgo.helper(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_until(lambda: answers(self.port), "sshd listens")

    def processes(self):
        return [self.process.pid, *descendants_of(self.process.pid)]

    def argv(self, pgo, command):
        argv = pgo.ssh_argv(command)
        argv[argv.index("-p") + 1] = str(self.port)
        argv[argv.index("tess@127.0.0.1")] = "root@127.0.0.1"
        return argv



def one_service(pgo):
    """A service with one container, deployed and at rest."""
    repo = pgo.repo("one", {"compose.yaml": web(stop_grace_period="1s"), "ssh/k.pub": pgo.key.public})
    pgo.service("one", repo)
    pgo.start()
    pgo.wait_deployed("one", repo.head, deadline=60)
    return repo
