"""How often the git servers of this world are asked, and how several services share what one of them hears."""

import os
import re

from lib.gates import Gates
from lib.host import kill_quietly, stays, wait_until
from lib.pgo import web
from lib.scenes import deployed, gits_of
from lib.servers import Requests, git_daemon, http_git

NAMES = ("one", "two", "three", "four")


def shared(pgo, url, users, names=NAMES, **keys):
    """Services of one repository, of these accounts in turn."""
    for number, name in enumerate(names):
        pgo.service(name, url, user=users[number % len(users)].pw_name, **keys)


def all_at(pgo, names, commit, deadline=30):
    for name in names:
        pgo.wait_deployed(name, commit, deadline=deadline)


def looks(pgo, count):
    """A condition: pgod has asked a remote so many times more."""
    before = len(gits_of(pgo, "ls-remote"))
    return lambda: len(gits_of(pgo, "ls-remote")) >= before + count


def test_four_services_of_one_repository_ask_once_and_fetch_once(pgo):
    repo = pgo.repo("site")
    url = http_git(pgo, pgo.path("repos")) + "/site/.git"
    shared(pgo, url, [pgo.accounts.a])
    pgo.start("--debug")
    all_at(pgo, NAMES, repo.head)
    assert len(gits_of(pgo, "fetch")) == 1, "the others take the commit from the one that fetched"
    assert len(gits_of(pgo, "import")) == 3
    mark, asked = len(pgo.log()), looks(pgo, 4)
    wait_until(asked, "some polls have passed")
    stamps = re.findall(r"(\d\d:\d\d:\d\d)Z pgod debug: job started service=\S+ kind=ls-remote", pgo.log()[mark:])
    assert len(set(stamps)) >= len(stamps) - 1, "four services, but no more than one look an interval"
    mark = len(pgo.log())
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    all_at(pgo, NAMES, head)
    assert len(gits_of(pgo, "fetch", mark)) == 1 and len(gits_of(pgo, "import", mark)) == 3


def test_services_of_other_accounts_take_the_commit_over_a_pipe(pgo):
    repo = pgo.repo("site")
    url = git_daemon(pgo, pgo.path("repos")) + "/site/.git"
    shared(pgo, url, [pgo.accounts.a, pgo.accounts.b])
    pgo.start("--debug")
    all_at(pgo, NAMES, repo.head)
    assert len(gits_of(pgo, "fetch")) == 1
    for name, user in zip(NAMES, [pgo.accounts.a, pgo.accounts.b] * 2):
        repository = os.path.join(pgo.dir, ".repos", name + ".git")
        for folder, _, files in os.walk(repository):
            assert all(os.lstat(os.path.join(folder, file)).st_uid == user.pw_uid for file in files), folder


def test_two_services_of_one_repository_race_for_a_commit_and_both_get_it(pgo):
    repo = pgo.repo("site")
    shared(pgo, repo, [pgo.accounts.a], names=("one", "two"))
    pgo.start()
    all_at(pgo, ("one", "two"), repo.head)
    for number in range(6):
        head = repo.commit({"README": str(number), "compose.yaml": web(f"pgo-test/web:{number % 2 + 1}")})
        asked = [pgo.ctl(name, "git", "pull") for name in ("one", "two")]
        assert [done.returncode for done in asked] == [0, 0], asked
    all_at(pgo, ("one", "two"), head)


def test_credentials_that_differ_are_never_shared(pgo):
    """The same repository, once with a password and once without: the answer for the one is not the other's."""
    repo = pgo.repo("site")
    url = http_git(pgo, pgo.path("repos"), password="hunter2-xyzzy") + "/site/.git"
    pgo.service("one", url)
    pgo.service("two", re.sub(r"//[^@]*@", "//", url), user=pgo.accounts.b.pw_name)
    pgo.start("--debug")
    pgo.wait_deployed("one", repo.head)
    pgo.wait_log(r"ls-remote: cannot read [^\n]* service=two")
    assert not gits_of(pgo, "import") and pgo.ref("two", "tracked") is None


def test_a_sibling_that_lost_its_repository_is_no_reason_to_fail(pgo):
    repo = pgo.repo("site")
    shared(pgo, repo, [pgo.accounts.a], names=("one", "two"))
    pgo.start("--debug")
    all_at(pgo, ("one", "two"), repo.head)
    lender = gits_of(pgo, "export")[0]
    other = "two" if lender == "one" else "one"
    pgo.stop()
    for name in (lender, other):
        objects = os.path.join(pgo.dir, ".repos", name + ".git", "objects", "pack")
        for file in os.listdir(objects):
            os.unlink(os.path.join(objects, file))
    before = {name: [box.id for box in pgo.running(name)] for name in ("one", "two")}
    pgo.start("--debug")
    head = repo.commit({"README": "x\n"})
    all_at(pgo, ("one", "two"), head)
    assert {name: [box.id for box in pgo.running(name)] for name in ("one", "two")} == before, "no container was touched"


def test_one_services_refusal_is_not_the_others(pgo):
    repo = pgo.repo("site")
    with open(pgo.path("signers"), "w", encoding="ascii") as out:
        out.write("tess@example.org " + " ".join(pgo.key.public.split()[:2]) + "\n")
    pgo.service("free", repo)
    pgo.service("strict", repo, signers=pgo.path("signers"))
    pgo.start()
    pgo.wait_deployed("free", repo.head)
    pgo.wait_log("not followed[^\n]*service=strict")
    head = repo.commit({"README": "x\n"})
    pgo.wait_deployed("free", head)
    assert pgo.ref("strict") is None and not pgo.running("strict")


def test_a_branch_that_does_not_exist_yet_is_looked_for_as_often_as_ever(pgo):
    repo = pgo.repo("site")
    pgo.service("site", repo, branch="later")
    pgo.start("--debug")
    wait_until(lambda: len(gits_of(pgo, "ls-remote")) >= 5, "five looks, none of them late", 12)
    repo.git("branch", "later")
    pgo.wait_deployed("site", repo.head)


def test_an_unchanged_repository_costs_one_ls_remote_an_interval(pgo):
    repo = pgo.repo("site")
    url = http_git(pgo, pgo.path("repos")) + "/site/.git"
    pgo.service("site", url)
    pgo.start("--debug")
    pgo.wait_deployed("site", repo.head)
    requests, mark = Requests(pgo), len(pgo.log())
    polls = looks(pgo, 3)
    stays(lambda: not gits_of(pgo, "(?!ls-remote)[a-z]+", mark), "no other job of any kind", polls)
    wait_until(lambda: 2 <= requests.gits() <= len(gits_of(pgo, "ls-remote", mark)) + 1, "one connection a poll")


def test_a_killed_job_passes_for_a_remote_that_fails(pgo):
    gates = Gates(pgo)
    deployed(pgo)
    gates.close_job("ls-remote")
    for _ in range(5):
        pid = wait_until(lambda: gates.waiting("ls-remote"), "the next poll comes as soon as ever", 5)
        kill_quietly(pid)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "it has ended")
    gates.open_job()
