"""What the options in front of a key in ssh/*.pub take away, over real connections."""

import re
import subprocess

import pytest

from lib.pgo import Key
from lib.scenes import deployed

REFUSED = 401 % 256


@pytest.fixture
def site(pgo):
    pgo.site = deployed(pgo)
    return pgo


def commit_keys(site, text):
    """The commit with these lines in ssh/team.pub is the one whose keys count."""
    mark = len(site.log())
    head = site.site.commit({"ssh/team.pub": text})
    site.wait_log(rf"new commit[^\n]* to={head[:8]}.*keys, \d+ lines refused", after=mark)
    return head


def test_each_line_of_a_file_is_judged_by_itself(site):
    """Every option that narrows, one that is not known, and a line that is none: in one file, over one pgod."""
    names = "plain expired future elsewhere here watcher command typo".split()
    keys = {name: Key(site.path(name)) for name in names}
    lines = {
        "plain": "",
        "expired": 'expiry-time="20200101" ',
        "future": 'expiry-time="20990101Z",no-port-forwarding ',
        "elsewhere": 'from="192.0.2.0/24,2001:db8::/32" ',
        "here": 'restrict,from="127.0.0.0/8,!127.0.0.2" ',
        "watcher": 'ops="ps,logs,ping" ',
        "command": 'command="rm -rf /" ',
        "typo": 'form="127.0.0.1" ',
    }
    text = "what is this?\n" + "".join(lines[name] + keys[name].public for name in names)
    commit_keys(site, text)
    answers = {name: site.ssh("site//ping", key=key) for name, key in keys.items()}
    may = {name for name, answer in answers.items() if answer.stdout.startswith("pong!")}
    assert may == {"plain", "future", "here", "watcher"}, answers
    assert {answers[name].returncode for name in set(names) - may} == {REFUSED}
    stranger = site.ssh("site//ping", key=Key(site.path("stranger")))
    assert answers["expired"].stdout == answers["elsewhere"].stdout == stranger.stdout, "no word of why to whom it may not concern"
    log = site.log()
    assert re.search(r'refused [^\n]*why="the key has expired"', log)
    assert re.search(r'refused [^\n]*why="the key may not come from there"', log)
    assert "team.pub:1: unknown type of key: key ignored" in log
    assert "team.pub:8: option command is refused" in log
    assert 'team.pub:9: option "form" in front of the key is not known' in log
    status = site.status("site")
    assert "3 lines refused" in status and "team.pub:8" in status, status

    refused = site.ssh("site//exec web true", key=keys["watcher"])
    assert refused.returncode == REFUSED
    assert refused.stdout == 'Unauthorized: Key for user "tess", ssh/team.pub:7, may not ask for exec of site: it may ask for ps, logs, ping\n'
    assert site.ssh("site//logs", key=keys["watcher"]).returncode == 0
    assert site.ssh("site//exec web true", key=keys["here"]).returncode == 0


def test_a_key_that_expires_is_refused_from_then_on_but_what_it_runs_goes_on(site):
    brief = Key(site.path("brief"))
    commit_keys(site, f'expiry-time="20990101" {brief.public}')
    argv = site.ssh_argv("site//exec web sh -c 'echo here; read line; echo $line'", key=brief)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout.readline() == b"here\n"
        commit_keys(site, f'expiry-time="20200101" {brief.public}')
        assert site.ssh("site//ping", key=brief).returncode == REFUSED
        assert client.communicate(b"still here\n")[0] == b"still here\n"
