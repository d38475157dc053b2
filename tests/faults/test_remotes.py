"""A git server that fails is asked less and less, told about once, and hurts nobody's containers."""

import os
import re

from lib.host import wait_until
from lib.scenes import deployed, gits_of
from lib.servers import Requests, http_git

NAMES = ("one", "two", "three", "four")


def test_a_server_that_is_away_is_asked_less_and_less_and_at_once_by_an_operator(pgo):
    repo = pgo.repo("site")
    pgo.service("site", repo)
    pgo.start("--debug")
    pgo.wait_deployed("site", repo.head)
    mark = len(pgo.log())
    os.rename(repo.path, repo.path + ".away")
    wait_until(lambda: len(gits_of(pgo, "ls-remote", mark)) >= 4, "four looks failed", 40)
    stamps = [
        int(hour) * 3600 + int(minute) * 60 + int(second)
        for hour, minute, second in re.findall(r"(\d\d):(\d\d):(\d\d)Z pgod debug: job started service=site kind=ls-remote", pgo.log()[mark:])
    ]
    gaps = [(after - before) % 86400 for before, after in zip(stamps, stamps[1:])]
    assert gaps[-1] >= 3 and gaps[-1] > gaps[0], gaps
    assert len(re.findall("ls-remote: cannot read", pgo.log()[mark:])) == 1, "told once"
    os.rename(repo.path + ".away", repo.path)
    assert pgo.ctl("site", "git", "pull").returncode == 0
    mark = len(pgo.log())
    wait_until(lambda: len(gits_of(pgo, "ls-remote", mark)) >= 2, "asked as often as before", 6)
    assert pgo.running("site")


def test_refused_credentials_do_not_hammer_the_server(pgo):
    repo = pgo.repo("site")
    url = http_git(pgo, pgo.path("repos"), password="right") + "/site/.git"
    for name in NAMES:
        pgo.service(name, url.replace(":right@", ":wrong@"))
    requests = Requests(pgo)
    pgo.start("--debug")
    wait_until(lambda: len(gits_of(pgo, "ls-remote")) >= 3, "three looks failed", 40)
    assert len(gits_of(pgo, "ls-remote")) <= 5, "four services, but one asks"
    for name in NAMES:
        pgo.wait_log(rf"does not accept the user name and password[^\n]* service={name}|cannot read [^\n]* service={name}")
    wait_until(lambda: 3 <= requests.refused() <= 12, "the server saw no more than that")
    assert not pgo.running("one") and repo.head


def test_a_remote_that_fails_all_night_does_not_fill_the_log(pgo):
    repo = deployed(pgo)
    mark = len(pgo.log())
    os.rename(repo.path, repo.path + ".away")
    pgo.wait_log("site", after=mark)
    first = len(pgo.log())
    # Nobody can count polls of what is not there: a second service polls in the meantime.
    other = pgo.repo("other")
    pgo.services["site"]["repository"] = "file://" + repo.path
    pgo.service("other", other)
    counter = pgo.polls(other)
    pgo.stop()
    pgo.start().wait_deployed("other", other.head)
    counter.count()
    wait_until(lambda: counter.count() >= 6, "a few polls went by")
    said = [line for line in pgo.log()[first:].splitlines() if "service=site" in line and re.search("warn|err|cannot|failed", line, re.I)]
    assert 1 <= len(said) <= 4, "\n".join(said)
