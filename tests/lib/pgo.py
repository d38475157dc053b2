"""The real pgod in a directory of its own: repositories, keys, configuration, the daemon's life, and what must be gone afterwards."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from lib.host import (
    NOT_YET,
    TOP,
    OpenCounter,
    children_of,
    command_of,
    descendants_of,
    free_port,
    kill_quietly,
    open_files_of,
    program_of,
    reap_orphans,
    run,
    wait_until,
)

BUILD = os.environ.get("PGO_TEST_BUILD", os.path.join(TOP, "build"))
ROLES = {"pgod-core": "core", "pgod-ssh": "ssh", "pgod-web": "web", "pgod-conf": "conf", "pgod-job": "job"}

HOOKS = ("pre-receive", "proc-receive")


def program(name):
    folder = dict(ROLES, pgod="supervisor", pgoctl="ctl")[name]
    return os.path.join(BUILD, "src", folder, name)


def install_roles(into):
    """Copies the roles to where every account may execute them; a checkout in /root would be out of reach."""
    os.makedirs(into, mode=0o755, exist_ok=True)
    for name in ROLES:
        shutil.copy(program(name), into)
    os.makedirs(os.path.join(into, "hooks"), mode=0o755, exist_ok=True)
    for name in HOOKS:
        link = os.path.join(into, "hooks", name)
        if not os.path.islink(link):
            os.symlink("../pgod-job", link)
    return into


def toml(value):
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {json.dumps(entry)}" for key, entry in value.items()) + " }"
    return json.dumps(value)


class Repo:
    """A git repository with a working tree, owned by the account that will fetch it."""

    def __init__(self, path, owner):
        self.path, self.owner = path, owner
        os.makedirs(path, mode=0o755)
        os.chown(path, owner.pw_uid, owner.pw_gid)
        self.git("init", "-q", "-b", "main", "--template=")

    @property
    def url(self):
        return "file://" + self.path

    def git(self, *args):
        env = {
            "PATH": "/usr/bin:/bin",
            "HOME": self.owner.pw_dir,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_NAME": "Tess",
            "GIT_AUTHOR_EMAIL": "tess@example.org",
            "GIT_COMMITTER_NAME": "Tess",
            "GIT_COMMITTER_EMAIL": "tess@example.org",
        }
        done = run("git", "-C", self.path, "-c", "maintenance.auto=false", *args, env=env, user=self.owner.pw_uid, group=self.owner.pw_gid, extra_groups=[])
        return done.stdout.strip()

    def write(self, name, content):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(content, (dict, list)):
            content = json.dumps(content, indent=1)
        with open(path, "wb") as out:
            out.write(content.encode() if isinstance(content, str) else content)
        return path

    def give(self):
        """Gives what root has written into the working tree to its owner."""
        for folder, folders, names in os.walk(self.path):
            if ".git" in folders:
                folders.remove(".git")
            for name in folders + names:
                os.lchown(os.path.join(folder, name), self.owner.pw_uid, self.owner.pw_gid)

    def commit(self, files, message="change", remove=()):
        """Writes the files (dicts become JSON), commits everything, returns the commit."""
        for name, content in files.items():
            self.write(name, content)
        for name in remove:
            os.unlink(os.path.join(self.path, name))
        self.give()
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


class Key:
    """A key pair: `private` is a file only root reads, `public` its one line."""

    def __init__(self, path):
        self.private = path
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path)
        with open(path + ".pub", encoding="ascii") as text:
            self.public = text.read()


class Pgod:
    """One pgod with its own directories. `engine` has a docker_host and containers(project)."""

    def __init__(self, accounts, libexec, engine, compose, poll="1s"):
        self.accounts, self.libexec, self.engine, self.compose, self.poll = accounts, libexec, engine, compose, poll
        self.before = set(children_of(os.getpid()))
        self.base = tempfile.mkdtemp(prefix="pgot-")
        os.chmod(self.base, 0o755)
        self.dir, self.datadir = self.path("lib"), self.path("data")
        for directory in (self.dir, self.datadir, self.path("repos"), self.path("home")):
            os.mkdir(directory, 0o755)
        self.run = os.path.join(getattr(engine, "run", self.base), "run-" + os.path.basename(self.base))
        self.config = self.path("pgo.toml")
        self.log_path = self.path("log")
        self.port = free_port()
        self.metrics = f"127.0.0.1:{free_port()}"
        self.key = Key(self.path("key"))
        self.services = {}
        self.tables = ""  # of pgo.toml, before the services
        self.process = None
        self.helpers = []
        self.inherited = ()  # descriptors that pgod is started with
        self.log_mark = 0

    def path(self, *parts):
        return os.path.join(self.base, *parts)

    # repositories and configuration

    def repo(self, name, files=None, owner=None):
        """A repository with the key in ssh/ and, by default, a service web."""
        made = Repo(self.path("repos", name), owner or self.accounts.a)
        files = {"compose.yaml": web()} if files is None else files
        keys = {} if any(path.startswith("ssh/") for path in files) else {"ssh/test.pub": self.key.public}
        made.head = made.commit({**keys, **files}, "first")
        return made

    def service(self, name, repo=None, user=None, **keys):
        """Adds or replaces a [[services]] entry; write_config (or start) makes it a file. Keys that are None are left out."""
        repository = repo.url if isinstance(repo, Repo) else repo
        fixed = {"name": name, "user": user or self.accounts.a.pw_name, "repository": repository}
        # Fake containers need no time to show that they stay.
        self.services[name] = {**fixed, "settle": "0s", **keys}

    def write_config(self, text=None):
        if text is None:
            entries = []
            for service in self.services.values():
                keys = (f"{key} = {toml(value)}\n" for key, value in service.items() if value is not None)
                entries.append("[[services]]\n" + "".join(keys))
            text = self.tables + "\n".join(entries)
        with open(self.config + ".new", "w", encoding="utf-8") as out:
            out.write(text)
        os.rename(self.config + ".new", self.config)

    # life

    def argv(self, *more):
        fixed = ["-c", self.config, "-d", self.dir, "--datadir", self.datadir, "-s", f"127.0.0.1:{self.port}", "-m", self.metrics, "-t", self.poll]
        return [program("pgod"), *fixed, *more]

    def env(self):
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PGO_LIBEXEC": self.libexec, "PGO_COMPOSE": self.compose}
        env.update({name: value for name, value in os.environ.items() if name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")})
        env["DOCKER_HOST"] = self.engine.docker_host
        env["PGO_RUN"] = self.run
        return env

    def start(self, *more, write=True):
        assert self.process is None
        if write:
            self.write_config()
        with open(self.log_path, "ab") as log:
            self.log_mark = log.tell()
            argv, plain = self.argv(*more), {"cwd": "/", "stdin": subprocess.DEVNULL, "start_new_session": True}
            self.process = subprocess.Popen(argv, env=self.env(), stdout=log, stderr=log, pass_fds=self.inherited, **plain)
        return self

    def wait_listening(self):
        """The port is bound, core, without which nobody is served, has said so, and it knows whether the engine answers: no push is taken before, and nothing runs."""

        def listens():
            self.check_alive()
            # The table last: it has the connections of everybody on the machine.
            if not re.search("core is up .*the engine (answers|does not answer)", self.log()[self.log_mark :], re.S):
                return False
            with open("/proc/net/tcp", encoding="ascii") as table:
                rows = [line.split() for line in table if ":%04X " % self.port in line]
            return any(row[1].endswith(":%04X" % self.port) and row[3] == "0A" for row in rows)

        wait_until(listens, "pgod listens")
        return self

    def check_alive(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"pgod ended with status {self.process.returncode}:\n{self.log()[-3000:]}")

    def signal(self, sig):
        self.process.send_signal(sig)

    def wait_exit(self, deadline=20):
        wait_until(lambda: self.process.poll() is not None, "pgod ends", deadline)
        status, self.process = self.process.returncode, None
        return status

    def stop(self):
        self.signal(signal.SIGTERM)
        status = self.wait_exit()
        assert status == 0, f"pgod ended with {status} on SIGTERM:\n{self.log()[-3000:]}"

    def kill(self):
        """kill -9 of pgod alone; its children have to notice."""
        self.process.kill()
        self.wait_exit()

    def role_pids(self, name):
        return [pid for pid in children_of(self.process.pid) if program_of(pid) == name]

    def connections(self):
        """The pgod-ssh processes that have a client; the one that is kept ready has none."""
        tcp = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table, encoding="ascii") as text:
                tcp |= {"socket:[%s]" % line.split()[9] for line in list(text)[1:]}
        return [pid for pid in self.role_pids("pgod-ssh") if tcp & set(open_files_of(pid))]

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as text:
            return text.read()

    def wait_log(self, pattern, deadline=20, after=0):
        return wait_until(lambda: re.search(pattern, self.log()[after:], re.S | re.I), f"the log says {pattern!r}", deadline)

    # looking

    def live(self, service, *parts):
        return os.path.join(self.dir, service, *parts)

    def ref(self, service, name="live"):
        """The commit that refs/pgo/NAME of the bare repository stands for; None without."""
        repository = os.path.join(self.dir, ".repos", service + ".git")
        try:
            with open(os.path.join(repository, "refs", "pgo", name), encoding="ascii") as ref:
                return ref.read().strip()
        except FileNotFoundError:
            pass  # it may be packed
        git = ["git", "-c", "safe.directory=*", "--git-dir", repository, "rev-parse", "-q", "--verify", f"refs/pgo/{name}"]
        done = run(*git, check=False, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
        return done.stdout.strip() or None

    def running(self, service):
        return [box for box in self.engine.containers(service) if box.state == "running"]

    def wait_running(self, service, count=1, deadline=20):
        def up():
            self.check_alive()
            boxes = self.running(service)
            return boxes if len(boxes) == count else None

        return wait_until(up, f"{count} containers of {service} run", deadline)

    def wait_live(self, service, commit, deadline=20):
        def there():
            self.check_alive()
            return self.ref(service) == commit

        wait_until(there, f"{service} is at {commit[:8]}", deadline)

    def wait_deployed(self, service, commit, count=1, deadline=20):
        """The commit is live, its deploy has ended, and its containers run."""
        self.wait_status(service, rf"in sync +yes: commit {commit[:8]}.*last deploy[^\n]*, took", deadline)
        assert self.ref(service) == commit
        return self.wait_running(service, count, deadline)

    def wait_judged(self, service, commit, deadline=20):
        """The last deploy was of this commit and has ended, well or badly; returns the status."""
        return self.wait_status(service, rf"last deploy[^\n]* of {commit[:8]}: [^\n]*, took", deadline)

    def status(self, service):
        return self.ctl(service, "status").stdout

    def wait_status(self, service, pattern, deadline=20):
        last = [""]

        def says():
            last[0] = self.status(service)
            return last[0] if re.search(pattern, last[0], re.S | re.I) else None

        return self.wait_asking(says, lambda: f"status of {service} says {pattern!r}; it says:\n{last[0]}", deadline)

    def wait_asking(self, ask, what, deadline=20, pause_s=0.5):
        """wait_until, for a condition that asks pgod: that costs a key exchange, so it is done when pgod has logged something since and goes quiet, or a while after."""
        seen, asked, until, problem = -1, -1, 0, None

        def looked():
            nonlocal seen, asked, until, problem
            self.check_alive()
            before, seen = seen, os.path.getsize(self.log_path)
            if time.monotonic() >= until or asked != seen == before:
                problem = value = None
                try:
                    value = ask()
                except NOT_YET as err:
                    problem = err
                asked, until = os.path.getsize(self.log_path), time.monotonic() + pause_s
                if value:
                    return value
            if problem:
                raise problem
            return None

        return wait_until(looked, what, deadline, step=0.05)

    def news(self, pause_s=0.5):
        """A condition: pgod has logged something since it was last true, or that was a while ago."""
        size, until = -1, 0

        def logged():
            nonlocal size, until
            before, size = size, os.path.getsize(self.log_path)
            if size == before and time.monotonic() < until:
                return False
            until = time.monotonic() + pause_s
            return True

        return logged

    def polls(self, repo):
        """Counts opens of the repository's HEAD: each poll opens it once or more."""
        return OpenCounter(os.path.join(repo.path, ".git", "HEAD"))

    # operations

    def ctl(self, service, op, *args, check=False, key=None, host="127.0.0.1", env=None, **kw):
        argv = [program("pgoctl"), "-i", (key or self.key).private, "-p", str(self.port), "--accept-new", "--"]
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.path("home"), "USER": "tess", "LOGNAME": "tess", **(env or {})}
        return run(*argv, f"{host}:{service}//{op}", *args, check=check, env=environment, **kw)

    def ssh_argv(self, command, key=None, options=()):
        argv = ["ssh", "-F", "/dev/null", "-p", str(self.port), "-i", (key or self.key).private, "-o", "IdentitiesOnly=yes"]
        argv += ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        return [*argv, *options, "tess@127.0.0.1", command]

    def ssh(self, command, key=None, options=(), **kw):
        return run(*self.ssh_argv(command, key, options), check=False, **kw)

    # end

    def helper(self, process):
        """A server that the test started; ended with the harness."""
        self.helpers = [other for other in self.helpers if other.poll() is None] + [process]
        return process

    def orphans(self):
        """Processes that outlived the pgod that started them (they became our children), zombies collected."""
        alive = reap_orphans(self.before.union(process.pid for process in self.helpers))
        # An engine that the test restarted in the meantime is the session's.
        return [pid for pid in alive if "scripts/engine inside" not in command_of(pid)]

    def leftovers(self):
        """Everything of this pgod that should not exist once it has ended."""
        left = [f"process {pid}: {command_of(pid)}" for pid in self.orphans()]
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            left += ["mount " + line.split()[1] for line in mounts if os.path.basename(self.base) in line]
        return left

    def pins(self, service=None):
        """{source: path of the pin} of what pgod holds for the service, or for all."""
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            rows = [line.split() for line in mounts]
        of = os.path.join(self.run, "pins", "")
        rows = [row for row in rows if row[4].startswith(of) and row[4].endswith("/src")]
        return {self.pinned(*row[3:5]): row[4] for row in rows if service is None or row[4].split("/")[-3] == service}

    def pinned(self, name, pin):
        """What a pin is of. A file is mounted by a name of root's own; it is looked for by those that it has besides."""
        if "/.pins/" not in name:
            return name
        service = pin.split("/")[-3]
        for top in (self.live(service), os.path.join(self.datadir, service)):
            for folder, _, files in os.walk(top):
                for path in (os.path.join(folder, file) for file in files):
                    if os.path.samestat(os.lstat(path), os.stat(pin)):
                        return path
        return name

    def reboot(self):
        """What a reboot does to pins, when neither pgod nor the engine runs: they are gone."""
        run("umount", "--recursive", "--lazy", os.path.join(self.run, "pins"))

    def unpin(self):
        """Pins outlive pgod: containers may start again without it. So does the process that makes them, for a moment: it would mount anew what is taken away."""
        with contextlib.suppress(AssertionError):  # told as left over by close
            wait_until(lambda: not self.orphans(), "nothing of pgod's mounts any more", 10)
        if os.path.ismount(os.path.join(self.run, "pins")):
            self.reboot()

    def close(self):
        """Ends everything; fails when pgod leaves something behind that ought to have gone with it."""
        status = 0
        if self.process is not None:
            if self.process.poll() is None:
                self.engine_release()
                self.process.terminate()
            process = self.process
            try:
                status = self.wait_exit()
            except AssertionError:
                tree = [f"{pid} {command_of(pid)}" for pid in descendants_of(process.pid)]
                self.kill()
                raise AssertionError("pgod does not end on SIGTERM; still there: " + ", ".join(tree)) from None
            finally:
                self.process = None
                self.end_helpers()
                self.unpin()
        self.end_helpers()
        self.unpin()
        try:
            wait_until(lambda: not self.leftovers(), "pgod leaves nothing behind", 10)
        except AssertionError as problem:
            raise AssertionError(f"{problem}: {self.leftovers()}") from None
        finally:
            for pid in self.orphans():
                kill_quietly(pid)
            shutil.rmtree(self.base, ignore_errors=True)
            shutil.rmtree(self.run, ignore_errors=True)
        assert status in (0, 2), f"pgod ended with status {status}"

    def engine_release(self):
        release = getattr(self.engine, "release_all", None)
        if release:
            release()

    def end_helpers(self):
        for process in self.helpers:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.helpers = []


def web(image="pgo-test/web:1", **more):
    """A compose file with one service `web`; keyword arguments are keys of that service, x_ ones go to the top."""
    top = {key.replace("x_", "x-").replace("_", "-"): value for key, value in more.items() if key.startswith("x_")}
    keys = {key: value for key, value in more.items() if not key.startswith("x_")}
    return {**top, "services": {"web": {"image": image, **keys}}}
