"""An app with something to do in every step of a push, on the fake engine, and what has to hold when a push has ended, however it did."""

import json

from lib.host import outcome
from lib.pusher import hosted
from lib.scenes import rows
from lib.whole import check_nothing_left, check_release, git, held_locks

BINDS = ("data", "page")


class App:
    """A pushed service with something to do in every step, whose every commit is another release."""

    def __init__(self, pgo, start_first=False, push="", binds=BINDS):
        """push: more lines of [push]; binds: what `web` mounts of the checkout."""
        self.pgo, self.start_first, self.rev, self.commits = pgo, start_first, 0, {}
        self.image, self.binds = "pgo-test/web:1", binds
        self.me = hosted(pgo, push=push)

    def model(self):
        labels = {"labels": {"rev": str(self.rev)}}
        web = {"build": "./app", "volumes": [f"./{name}:/{name}" for name in self.binds], **labels}
        app = {"image": self.image, "pull_policy": "always", "healthcheck": {"test": ["CMD", "true"]}, **labels}
        x_pgo = {"x-pgo": {"update": "start-first"}} if self.start_first else {}
        return {**x_pgo, "services": {"web": web, "app": app}}

    def push(self):
        """Begins the push of another commit."""
        self.rev += 1
        files = {"compose.yaml": json.dumps(self.model(), indent=1), "app/Dockerfile": "FROM scratch\n", "page": f"page {self.rev}\n", "ssh/test.pub": self.pgo.key.public}
        self.head = self.me.commit(files)
        self.commits[self.head] = str(self.rev), files
        self.process = self.me.begin("+main")

    def told(self):
        """Whether the pusher was told that it is accepted; `text` is all that git printed."""
        self.text = "".join(outcome(self.process, 60))
        return self.process.returncode == 0

    def branch(self):
        return git(self.pgo, "app", "for-each-ref", "--format=%(objectname)", "refs/heads").strip() or None

    def settled(self):
        live, facts = check_release(self.pgo, "app", self.commits, {"web": 1, "app": 1}, untracked=("data",))
        assert facts["in sync"].startswith("yes"), facts
        assert self.branch() == live, f"the branch is at {self.branch()}, and {live} runs"
        assert rows(self.pgo, "SELECT * FROM push") == [] and git(self.pgo, "app", "for-each-ref", "refs/pgo/pushed") == ""
        check_nothing_left(self.pgo, ["app_default"], {"app": self.binds})
        self.live = live
        return True

    def gone(self):
        """No push has ever been accepted."""
        assert self.pgo.engine.containers() == [] and self.pgo.engine.network_names() == []
        assert git(self.pgo, "app", "for-each-ref", "refs/heads", "refs/tags", "refs/pgo/pushed", "refs/pgo/tracked") == ""
        assert rows(self.pgo, "SELECT * FROM push") == rows(self.pgo, "SELECT id FROM deploy WHERE ended_ms = 0") == []
        assert rows(self.pgo, "SELECT release, applying, tracked FROM service") in ([], [(0, 0, "")])
        assert not self.pgo.pins("app") and not held_locks(self.pgo)
        return True
