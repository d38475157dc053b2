"""Repositories that only who logs in may read, and their submodules, from real servers: smart HTTP with basic auth, and sshd."""

import base64
import contextlib
import os
import time
import urllib.parse

import pytest

from lib.host import wait_until
from lib.servers import Requests, http_git, ssh_git
from test_commit import fetch, only, site_files, wait_page

TOKEN = "glpat-c4nary@x:/%?#+ &é"
LOGINS = {"user and token": ("oauth2", TOKEN), "token alone": ("glpat-c4nary@x_%?#+ &é", "")}


def with_theme(pgo, url="../theme"):
    """The page's repository, with a submodule beside it that the container mounts along with the page."""
    theme = pgo.repo("theme", {"style.css": "blue\n"})
    repo = pgo.repo("site", site_files(pgo, "one"))
    os.makedirs(os.path.join(repo.path, "www", "theme"))
    return repo, theme, commit_theme(repo, theme.head, url)


def commit_theme(repo, head, url="../theme"):
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},www/theme")
    return repo.commit({".gitmodules": f'[submodule "theme"]\n\tpath = www/theme\n\turl = {url}\n'})


def holders(directory, secret):
    """The files beneath the directory that hold the secret, as it is, quoted or coded."""
    needles = [secret.encode(), urllib.parse.quote(secret, safe="").encode(), base64.b64encode(secret.encode())[:-4]]
    found = []
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                # pgod works meanwhile: git's files come and go.
                with contextlib.suppress(FileNotFoundError), open(path, "rb") as content:
                    text = content.read()
                    found += [path for needle in needles if needle in text]
    return found


@pytest.mark.parametrize("login", LOGINS)
def test_a_private_repository_and_its_submodule_cannot_be_deployed(pgo, login):
    user, password = LOGINS[login]
    repo, theme, head = with_theme(pgo)
    pgo.service("site", http_git(pgo, pgo.path("repos"), password=password, user=user) + "/site")
    pgo.start().wait_deployed("site", head, deadline=40)
    wait_page(pgo, "one")
    assert fetch(only(pgo), "/theme/style.css") == "blue" and not os.path.exists(pgo.live("site", "www", "theme", ".git"))
    before = only(pgo).id
    pgo.wait_deployed("site", commit_theme(repo, theme.commit({"style.css": "red\n"})), deadline=40)
    assert fetch(only(pgo), "/theme/style.css") == "red" and only(pgo).id != before
    secret = password or user
    assert holders(pgo.dir, secret) == [] and secret not in pgo.log()


def test_a_token_that_was_taken_back_takes_the_service_down_or_is_tried_in_a_storm(pgo):
    repo, theme, head = with_theme(pgo)
    pgo.service("site", http_git(pgo, pgo.path("repos"), password=TOKEN, user="oauth2") + "/site")
    pgo.start().wait_deployed("site", head, deadline=40)
    before = wait_page(pgo, "one").id
    users = pgo.path("htpasswd")
    with open(users, "r+", encoding="utf-8") as text:
        text.write("nobody")
    requests, began = Requests(pgo), time.monotonic()
    newer = commit_theme(repo, theme.commit({"style.css": "red\n"}))
    pgo.wait_status("site", "last look +.*the server does not accept the user name and password of the URL in pgo.toml", 40)
    for _ in range(3):
        assert pgo.ctl("site", "sync").returncode != 0
    wait_until(lambda: requests.refused() >= 4, "the server has written down what it was asked")
    # Without a password first, and with the wrong one: that which failed, the three, and who looks by himself waits for two seconds at least.
    refused, looks = requests.refused(), 4 + (time.monotonic() - began) / 2
    assert refused <= 2 * looks, "one question a look"
    assert only(pgo).id == before and fetch(only(pgo)) == "one" and "healthy     yes" in pgo.status("site")
    assert holders(pgo.dir, TOKEN) == [] and TOKEN not in pgo.log() + pgo.status("site")
    with open(users, "w", encoding="utf-8") as text:
        text.write(f"oauth2:{TOKEN}\n")
    pgo.ctl("site", "sync")
    pgo.wait_deployed("site", newer, deadline=40)


@pytest.mark.parametrize("url", ["../theme", "{begin}{repos}/theme"])
def test_a_submodule_is_not_fetched_over_ssh(pgo, url):
    begin = ssh_git(pgo, pgo.accounts.a)
    repo, theme, head = with_theme(pgo, url.format(begin=begin, repos=pgo.path("repos")))
    pgo.service("site", begin + repo.path)
    pgo.start().wait_deployed("site", head, deadline=40)
    wait_page(pgo, "one")
    assert fetch(only(pgo), "/theme/style.css") == "blue"
    # Kept: a release is gone back to with the server away, its submodule too.
    pgo.wait_deployed("site", commit_theme(repo, theme.commit({"style.css": "red\n"}), url.format(begin=begin, repos=pgo.path("repos"))), deadline=40)
    pgo.end_helpers()
    assert pgo.ctl("site", "rollback").returncode == 0
    wait_until(lambda: fetch(only(pgo), "/theme/style.css") == "blue", "the old submodule is back")


def test_the_credentials_go_to_another_server(pgo):
    """One that asks for a password, and hears none: it is not asked at all, as it has no https."""
    theirs = http_git(pgo, pgo.path("repos"), password="theirs", user="somebody")
    os.rename(pgo.path("requests.log"), pgo.path("theirs.log"))
    repo, _, head = with_theme(pgo, theirs.partition("@")[2].join(["http://", "/theme"]))
    pgo.service("site", repo)
    text = pgo.start().wait_judged("site", head, 40)
    assert "the submodule www/theme is part of ./www, which the compose file uses, and it was not fetched" in text
    pgo.wait_log("the submodule www/theme is not fetched: its URL must be relative")
    with open(pgo.path("theirs.log"), encoding="ascii") as asked:
        assert asked.read() == ""
