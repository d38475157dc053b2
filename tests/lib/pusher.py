"""Who pushes: a working clone and git with OpenSSH's client, as people have them."""

import json
import os
import shlex
import subprocess

from lib.host import run

SSH = ["ssh", "-F", "/dev/null", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]


class Pusher:
    """A working tree of root's own with a remote `goku`."""

    def __init__(self, pgo, app, name="clone", key=None, url=None):
        self.pgo, self.path, self.key = pgo, pgo.path(name), key or pgo.key
        self.url = url or f"ssh://git@127.0.0.1:{pgo.port}/{app}"
        if not os.path.exists(self.path):
            os.mkdir(self.path, 0o755)
            self.git("init", "-q", "-b", "main", "--template=")
            self.git("remote", "add", "goku", self.url)

    def env(self, **more):
        ssh = [*SSH, "-i", self.key.private]
        who = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in (("NAME", "Tess"), ("EMAIL", "tess@example.org"))}
        fixed = {"PATH": "/usr/bin:/bin", "HOME": self.pgo.path("home"), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
        return {**fixed, **who, "GIT_SSH_COMMAND": shlex.join(ssh), **more}

    def git(self, *args, check=True, cwd=None, env=None, **kw):
        argv = ["git", "-C", cwd or self.path, "-c", "maintenance.auto=false", "-c", "protocol.file.allow=always", *args]
        return run(*argv, check=check, errors="replace", env=self.env(**(env or {})), **kw)

    def commit(self, files, message="change", remove=()):
        for name, content in files.items():
            path = os.path.join(self.path, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                text = json.dumps(content, indent=1) if isinstance(content, (dict, list)) else content
                out.write(text.encode() if isinstance(text, str) else text)
        for name in remove:
            os.unlink(os.path.join(self.path, name))
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head()

    def head(self):
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self, *refs, deadline=60, **kw):
        """git push; what git says, and what comes from the server behind `remote: `, is in stderr."""
        return self.git("push", "goku", *(refs or ("main",)), check=False, deadline=deadline, **kw)

    def begin(self, *refs):
        """A push that the test watches, or kills; with its own process group."""
        argv = ["git", "-C", self.path, "push", "goku", *(refs or ("main",))]
        pipe = subprocess.PIPE
        return self.pgo.helper(subprocess.Popen(argv, env=self.env(), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, start_new_session=True))

    def remote_refs(self):
        """{ref: commit} as the server tells them to whoever may fetch."""
        done = self.git("ls-remote", "goku", check=False)
        assert done.returncode == 0, done.stderr
        return {line.split("\t")[1]: line.split("\t")[0] for line in done.stdout.splitlines()}


def said(done):
    """What the server said to the pusher, without git's prefix and padding."""
    return "\n".join(line[len("remote: ") :].rstrip() for line in done.stderr.splitlines() if line.startswith("remote: "))


def operator(key, **more):
    """An entry of pgo.toml: whoever holds the key may do all of it."""
    keys = {"name": "tess", "key": key.public.strip(), **more}
    return "[[operators]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in keys.items())


def allow_pushes(pgo, push="", operators=None):
    pgo.tables = "[push]\n" + push + "\n" + (operators if operators is not None else operator(pgo.key))


def apps(pgo, line, key=None, code=0, **kw):
    """What host://apps says."""
    done = pgo.ssh("host://apps " + line, key=key, **kw)
    assert done.returncode == code, done
    return done.stdout + done.stderr


def listed(pgo):
    return {app["name"]: app for app in json.loads(apps(pgo, "list --json"))}


def hosted(pgo, name="app", push="", operators=None, **keys):
    """A service that is pushed to, whose operator holds the test's key."""
    allow_pushes(pgo, push, operators)
    pgo.service(name, repo=None, hosted=True, **keys)
    pgo.start().wait_listening()
    return Pusher(pgo, name)
