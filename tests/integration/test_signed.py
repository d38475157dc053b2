"""Commits that must be signed, and branches that may not be rewound."""

import os
import re

import pytest

from lib.host import run, stays, wait_until
from lib.pgo import Key, web


class Signer(Key):
    """A key of somebody who signs commits of a repository; the account that owns the repository may use it."""

    def __init__(self, pgo, name):
        super().__init__(pgo.path(f"sign-{name}"))
        self.name = name
        for path in (self.private, self.private + ".pub"):
            os.chown(path, pgo.accounts.a.pw_uid, pgo.accounts.a.pw_gid)

    @property
    def line(self):
        return f"{self.name}@example.org " + " ".join(self.public.split()[:2]) + "\n"

    @property
    def fingerprint(self):
        return run("ssh-keygen", "-lf", self.private).stdout.split()[1]

    def signs(self, repo):
        repo.git("config", "gpg.format", "ssh")
        repo.git("config", "user.signingkey", self.private)
        repo.git("config", "commit.gpgsign", "true")


def unsigned(repo):
    repo.git("config", "commit.gpgsign", "false")


@pytest.fixture
def tess(pgo):
    return Signer(pgo, "tess")


@pytest.fixture
def signers(pgo, tess):
    """The administrator's file: the account cannot read it."""
    path = pgo.path("signers")
    with open(path, "w", encoding="ascii") as out:
        out.write(tess.line)
    os.chmod(path, 0o600)
    return path


@pytest.fixture
def repo(pgo, tess):
    """A repository whose commits tess signs, the first one deployed by a service that wants that."""
    made = pgo.repo("site")
    tess.signs(made)
    made.head = made.commit({}, "signed")
    return made


def deployed(pgo, repo, **keys):
    pgo.service("site", repo, **keys)
    pgo.start()
    pgo.wait_deployed("site", repo.head)
    return [box.id for box in pgo.engine.containers("site")]


def three_polls(pgo, repo):
    counter = pgo.polls(repo)
    return lambda: counter.count() >= 3


def test_a_signed_commit_is_deployed_from_a_signers_file_that_only_root_reads(pgo, repo, signers):
    deployed(pgo, repo, signers=signers)
    assert re.search(r"commit \w{8} signed by tess@example.org with ED25519 key SHA256:", pgo.log())


def test_an_unsigned_commit_touches_nothing_and_is_told_to_everybody_who_looks(pgo, repo, signers):
    before = deployed(pgo, repo, signers=signers)
    unsigned(repo)
    bad = repo.commit({"compose.yaml": web("pgo-test/web:2"), "ssh/new.pub": Key(pgo.path("new")).public}, "paint it red")
    pgo.wait_log(rf"not followed: verify: commit {bad[:12]} by Tess <tess@example.org> \(\"paint it red\"\) is not signed")
    polls = three_polls(pgo, repo)
    stays(lambda: [box.id for box in pgo.engine.containers("site")] == before, "the container runs on", polls)
    assert pgo.ref("site") == repo.head
    assert len(re.findall("not followed", pgo.log())) == 1, "told once, not at each poll"
    told = pgo.ctl("site", "git", "pull")
    assert told.returncode == 1 and "is not signed" in told.stderr and "git commit --amend -S" in told.stderr


def test_a_key_in_a_commit_that_nobody_signed_opens_nothing(pgo, repo, signers):
    deployed(pgo, repo, signers=signers)
    unsigned(repo)
    intruder = Key(pgo.path("intruder"))
    repo.commit({"ssh/intruder.pub": intruder.public})
    pgo.wait_log("not followed")
    assert pgo.ctl("site", "status", key=intruder).returncode != 0
    assert pgo.ctl("site", "status").returncode == 0


def test_the_next_signed_commit_is_followed_and_a_refused_one_is_history(pgo, repo, signers):
    deployed(pgo, repo, signers=signers)
    unsigned(repo)
    repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_log("not followed")
    repo.git("config", "commit.gpgsign", "true")
    good = repo.commit({"compose.yaml": web("pgo-test/web:2")}, "again")
    pgo.wait_deployed("site", good)


def test_somebody_elses_signature_is_refused_by_its_fingerprint(pgo, repo, signers):
    deployed(pgo, repo, signers=signers)
    eve = Signer(pgo, "eve")
    eve.signs(repo)
    repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_log(f"is signed with the ED25519 key {re.escape(eve.fingerprint)}, which is none of the signers'")
    assert pgo.ref("site") == repo.head


def test_a_refused_commit_is_fetched_and_judged_once(pgo, repo, signers):
    deployed(pgo, repo, signers=signers)
    pgo.stop()
    pgo.start("--debug")
    unsigned(repo)
    repo.commit({"README": "x\n"})
    pgo.wait_log("not followed")
    jobs = len(re.findall("job started[^\n]*kind=(fetch|verify)", pgo.log()))
    stays(lambda: len(re.findall("job started[^\n]*kind=(fetch|verify)", pgo.log())) == jobs, "no second fetch", three_polls(pgo, repo))


def test_a_signer_who_was_added_is_known_when_an_operator_asks_or_pgod_starts_anew(pgo, repo, signers, tess):
    deployed(pgo, repo, signers=signers)
    eve = Signer(pgo, "eve")
    eve.signs(repo)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_log("not followed")
    with open(signers, "a", encoding="ascii") as out:
        out.write(eve.line)
    assert pgo.ctl("site", "git", "pull").returncode == 0
    pgo.wait_deployed("site", head)
    with open(signers, "w", encoding="ascii") as out:
        out.write(tess.line)
    head = repo.commit({"compose.yaml": web("pgo-test/web:1")})
    pgo.wait_log("not followed[^\n]*" + head[:12])
    with open(signers, "a", encoding="ascii") as out:
        out.write(eve.line)
    pgo.stop()
    pgo.start().wait_deployed("site", head)


def test_a_signer_who_was_added_waits_for_somebody_to_ask(pgo, repo, signers):
    """An edit of the file is enough: the next look tries what was refused, once."""
    before = deployed(pgo, repo, signers=signers)
    eve = Signer(pgo, "eve")
    eve.signs(repo)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_log("not followed")
    mark = len(pgo.log())
    with open(signers, "a", encoding="ascii") as out:
        out.write("# not yet\n")
    pgo.wait_log("the signers have changed", after=mark)
    stays(lambda: [box.id for box in pgo.running("site")] == before, "refused as before", three_polls(pgo, repo))
    assert "not followed" not in pgo.log()[mark:], "the same refusal is told once"
    with open(signers, "a", encoding="ascii") as out:
        out.write(eve.line)
    pgo.wait_deployed("site", head)


def test_signing_that_is_asked_for_later_counts_for_the_keys_of_before(pgo, signers, tess):
    repo = pgo.repo("site")
    before = deployed(pgo, repo)
    pgo.stop()
    pgo.service("site", repo, signers=signers)
    pgo.start().wait_log("not followed")
    assert pgo.ctl("site", "status").returncode != 0, "nobody vouched for that key"
    assert [box.id for box in pgo.running("site")] == before
    tess.signs(repo)
    head = repo.commit({}, "signed now")
    wait_until(lambda: pgo.ref("site") == head, "the signed commit is live")
    assert [box.id for box in pgo.running("site")] == before


@pytest.mark.parametrize("harm, word", [("chmod", "others than root can write"), ("owner", "does not belong to root"), ("gone", "No such file")])
def test_a_signers_file_that_root_does_not_vouch_for_lets_nothing_pass(pgo, repo, signers, harm, word):
    deployed(pgo, repo, signers=signers)
    if harm == "chmod":
        os.chmod(signers, 0o666)
    elif harm == "owner":
        os.chown(signers, pgo.accounts.a.pw_uid, 0)
    else:
        os.unlink(signers)
    repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_log(rf"verify: signers: [^\n]*{word}")
    assert pgo.ref("site") == repo.head and pgo.running("site")


# Force pushes


def test_a_force_push_that_drops_the_deployed_commit_is_not_followed(pgo):
    repo = pgo.repo("site")
    first = repo.head
    repo.head = repo.commit({"compose.yaml": web("pgo-test/web:2")}, "second")
    before = deployed(pgo, repo, rewind="refuse")
    repo.git("reset", "-q", "--hard", first)
    pgo.wait_log(rf"not followed: verify: the branch \"main\" was rewound[^\n]*{repo.head[:12]}, which is deployed")
    stays(lambda: [box.id for box in pgo.running("site")] == before, "the container runs on", three_polls(pgo, repo))
    repo.git("reset", "-q", "--hard", repo.head)
    wait_until(lambda: "no longer" not in pgo.status("site") and pgo.ref("site") == repo.head, "all is as it was")
    head = repo.commit({"compose.yaml": web("pgo-test/web:1")}, "third")
    pgo.wait_deployed("site", head)


def test_an_unrelated_history_is_not_followed_when_rewinding_is_refused(pgo):
    repo = pgo.repo("site")
    deployed(pgo, repo, rewind="refuse")
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit({"compose.yaml": web("pgo-test/web:2")}, "another beginning")
    repo.git("branch", "-f", "main", "HEAD")
    pgo.wait_log("not followed: verify: the branch \"main\" was rewound")
    assert pgo.ref("site") == repo.head and pgo.running("site")


def test_a_force_push_is_followed_by_default(pgo):
    repo = pgo.repo("site")
    deployed(pgo, repo)
    repo.git("checkout", "-q", "--orphan", "other")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")}, "another beginning")
    repo.git("branch", "-f", "main", "HEAD")
    pgo.wait_deployed("site", head)


def test_many_commits_at_once_are_no_rewind(pgo):
    repo = pgo.repo("site")
    deployed(pgo, repo, rewind="refuse")
    for number in range(40):
        repo.git("commit", "-q", "--allow-empty", "-m", str(number))
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web("pgo-test/web:2")}))


def test_the_first_of_four_releases_comes_back_after_a_force_push_a_gc_and_without_the_remote(pgo):
    repo = pgo.repo("site")
    deployed(pgo, repo, keep=4)
    for number in (2, 3):
        pgo.wait_deployed("site", repo.commit({"compose.yaml": web(labels={"n": str(number)}), "n": str(number)}))
    repo.git("checkout", "-q", "--orphan", "other")
    last = repo.commit({"compose.yaml": web(labels={"n": "4"}), "n": "4"})
    repo.git("branch", "-f", "main", "HEAD")
    pgo.wait_deployed("site", last)
    bare = os.path.join(pgo.dir, ".repos", "site.git")
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    user = {"user": pgo.accounts.a.pw_uid, "group": pgo.accounts.a.pw_gid, "extra_groups": []}
    run("git", "--git-dir", bare, "gc", "-q", "--prune=now", env=env, **user)
    os.rename(repo.path, repo.path + ".away")
    first = pgo.engine.calls("up")[0]["model"]
    done = pgo.ctl("site", "rollback", "1")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: pgo.ref("site") == repo.head, "the first commit is live")
    assert not os.path.exists(pgo.live("site", "n"))
    assert pgo.engine.calls("up")[-1]["model"]["services"]["web"]["image"] == first["services"]["web"]["image"]
