"""What an operator reads of his service: its journal, answers for programs, a deploy as it goes."""

import json
import os
import re
import subprocess

import pytest

from lib.host import wait_until
from lib.pgo import web
from lib.scenes import deployed


@pytest.fixture
def site(pgo):
    # Whose line it is must not be for a repository to say.
    hostile = {"compose.yaml": web(), "ssh/x service=other k.pub": pgo.key.public, "ssh/y.pub": "service=other\n"}
    other = pgo.repo("other", {"compose.yaml": web()})
    pgo.service("other", other)
    pgo.site = deployed(pgo, files=hostile)
    pgo.wait_deployed("other", other.head)
    return pgo


def journal(site, service="site", *words):
    done = site.ctl(service, "journal", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_journal_of_a_service_is_empty_or_speaks_of_others(site):
    assert site.ctl("site", "restart").returncode == 0
    mine, others = journal(site), journal(site, "other")
    assert any("live service=site" in line for line in mine) and any("operation restart" in line for line in mine)
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (info|warning|error) .*service=site", line) for line in mine), mine
    assert any("live service=other" in line for line in others)
    assert not [line for line in others if "site" in line], "a file's name makes no line another's"

    assert journal(site, "site", "-n", "2") == mine[-2:] and journal(site, "site", "-n0") == []
    assert journal(site, "site", "--since", "1h") == mine and journal(site, "site", "--since", "2099-01-01") == []
    assert journal(site, "site", "--since", mine[-1][:19]) == [line for line in mine if line[:19] >= mine[-1][:19]]
    for wrong in (["-n", "x"], ["--since", "yesterday"], ["--since", "2026-11-21T10:00:00+0100"], ["-x"], ["word"]):
        assert site.ctl("site", "journal", *wrong).returncode == 1, wrong
    told = [json.loads(line) for line in journal(site, "site", "--json")]
    assert [f"{line['time']} {line['level']} {line['text']}" for line in told] == mine

    with subprocess.Popen(site.ssh_argv("site//journal -f -n 1"), stdout=subprocess.PIPE, text=True) as follow:
        assert follow.stdout.readline().rstrip() == mine[-1]
        assert site.ctl("other", "restart").returncode == site.ctl("site", "stop").returncode == 0
        assert "operation stop service=site" in follow.stdout.readline()
        follow.kill()

    kept = journal(site)
    site.stop()
    site.start().wait_listening()
    wait_until(lambda: site.ctl("site", "ping").returncode == 0, "it answers")
    assert journal(site)[: len(kept)] == kept, "it outlives pgod"


def test_a_journal_grows_for_ever(site):
    folder = os.path.join(site.dir, ".state", "logs", "site")
    for name in ("journal", "journal.old"):
        with open(os.path.join(folder, name), "a", encoding="ascii") as lines:
            lines.writelines(f"2026-01-01T00:00:00Z info line {number} service=site\n" for number in range(4000))
    for _ in range(3):
        assert site.ctl("site", "git", "pull").returncode == 0 and site.ctl("site", "restart").returncode == 0
    sizes = [os.path.getsize(os.path.join(folder, name)) for name in ("journal", "journal.old")]
    assert sizes[0] < 128 * 1024, "a full file makes way"
    assert "operation restart" in journal(site)[-1] or "operation restart" in "".join(journal(site)[-6:])


def test_what_is_read_cannot_be_read_by_programs(site):
    head = site.site.head
    hashed = json.loads(site.ctl("site", "git", "hash", "--json").stdout)
    assert hashed == {"service": "site", "branch": "main", "commit": head}
    pong = json.loads(site.ctl("site", "ping", "--json").stdout)
    assert pong["service"] == "site" and pong["host"] == os.uname().nodename and pong["version"]
    listed = json.loads(site.ctl("site", "help", "--json").stdout)
    text = site.ctl("site", "help").stdout
    assert all(f"{op['operation']} {op['arguments']}".strip() in text and op["help"] in text for op in listed) and len(listed) > 20
    boxes = [json.loads(line) for line in site.ctl("site", "ps", "--json").stdout.splitlines()]
    assert [box["Service"] for box in boxes] == ["web"]
    same = [json.loads(line)["ID"] for line in site.ctl("site", "ps", "--format", "json").stdout.splitlines()]
    assert [box["ID"] for box in boxes] == same
    for op in ("status", "history", "deploys", "plan", "load"):
        json.loads(site.ctl("site", op, "--json").stdout)


def test_quiet_is_not_quiet(site):
    site.ctl("site", "down")
    loud = site.ctl("site", "up")
    site.ctl("site", "down")
    quiet = site.ctl("site", "up", "-q")
    assert "Started" in loud.stdout + loud.stderr and "Started" not in quiet.stdout + quiet.stderr
    assert "Started" in site.ctl("site", "logs", "deploy").stdout, "the log has it"
    assert quiet.returncode == 0 and site.ctl("site", "up", "--quiet", "nothing").returncode == 1


def test_an_argument_is_changed_on_its_way(site):
    words = [bytes(range(1, 128)), b"", b"\n", "\u00e9\U0001f600".encode()]
    argv = [*site.ssh_argv("")[:-1], "site//exec web printf '<%s>'", *(b"'" + word.replace(b"'", b"'\\''") + b"'" for word in words)]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    assert done.stdout == b"".join(b"<" + word + b">" for word in words), done.stderr
    done = site.ctl("site", "exec", "web", "true", b"\x80")
    assert done.returncode == 1 and "\"\\x80\" is no UTF-8" in done.stderr
    assert site.engine.calls("exec")[-1]["argv"][-1] != "\x80"
