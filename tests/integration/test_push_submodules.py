"""Submodules of what is pushed: nobody pushes them, so they are fetched from where .gitmodules says, by https alone."""

import os
import re

from lib.pgo import Repo, web
from lib.pusher import Pusher, allow_pushes, said
from lib.servers import https_git, make_certificate, trusting


def content(pgo, *parts):
    with open(pgo.live(*parts), encoding="utf-8") as text:
        return text.read()


def test_submodules_of_a_push_come_by_https_and_those_of_a_branch_too(pgo):
    theme = Repo(pgo.path("repos", "theme"), pgo.accounts.a)
    first = theme.commit({"style.css": "blue"}, "blue")
    ca, certificate = make_certificate(pgo)
    url = https_git(pgo, pgo.path("repos"), certificate) + "/theme"
    trusting(pgo, ca)
    allow_pushes(pgo, 'create = true\nsettle = "0s"\n')
    pgo.start().wait_listening()
    me = Pusher(pgo, "shop")
    gitmodules = f'[submodule "theme"]\n\tpath = www/theme\n\turl = {url}\n'

    def commit(theme_commit, **files):
        me.git("update-index", "--add", "--cacheinfo", f"160000,{theme_commit},www/theme")
        return me.commit({".gitmodules": gitmodules, **files})

    os.makedirs(os.path.join(me.path, "www", "theme"))
    head = commit(first, **{"compose.yaml": web()})
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert me.remote_refs()["refs/heads/main"] == head
    assert content(pgo, "shop", "www/theme/style.css") == "blue"
    second = theme.commit({"style.css": "red"}, "red")
    me.git("checkout", "-q", "-b", "dev")
    head = commit(second)
    done = me.push("dev")
    assert done.returncode == 0, done.stderr
    assert content(pgo, "shop-dev", "www/theme/style.css") == "red" and content(pgo, "shop", "www/theme/style.css") == "blue"
    assert me.remote_refs()["refs/heads/dev"] == head
    commit("1" * 40)
    done = me.push("dev")
    assert done.returncode == 1 and re.search(r"^ !     .*the submodule www/theme", said(done), re.M), done.stderr
    assert content(pgo, "shop-dev", "www/theme/style.css") == "red"
