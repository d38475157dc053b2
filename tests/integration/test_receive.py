"""git push, fetch and archive by OpenSSH's git: what is taken, what is refused before any work, and what is left behind: nothing."""

import os

from lib.pgo import web
from lib.pusher import Pusher, operator, said


def hosted(pgo, name="app", push="", **keys):
    """A service that is pushed to, whose operator holds the test's key."""
    pgo.tables = "[push]\n" + push + "\n" + operator(pgo.key)
    pgo.service(name, repo=None, hosted=True, **keys)
    pgo.services[name].pop("repository")
    pgo.start().wait_listening()
    return Pusher(pgo, name)


def test_a_push_is_accepted_and_can_be_cloned(pgo):
    me = hosted(pgo)
    head = me.commit({"compose.yaml": web()})
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert me.remote_refs() == {"HEAD": head, "refs/heads/main": head}
    clone = pgo.path("other")
    me.git("clone", "-q", me.url, clone)
    assert me.git("rev-parse", "HEAD", cwd=clone).stdout.strip() == head
    assert os.path.exists(os.path.join(clone, "compose.yaml"))
