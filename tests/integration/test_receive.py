"""git push, fetch and archive by OpenSSH's git: what is taken, what is refused before any work, and what is left behind: nothing."""

import json
import os
import re
import tarfile
import tempfile

import pytest
from lib.host import run
from lib.pgo import Key, web
from lib.pusher import Pusher, allow_pushes, hosted, operator, said


def repository(pgo, name="app"):
    return os.path.join(pgo.dir, ".repos", name + ".git")


def quarantine(pgo, name="app"):
    """What git keeps apart of pushes that are not accepted yet."""
    return [entry for entry in os.listdir(os.path.join(repository(pgo, name), "objects")) if entry.startswith("tmp_objdir-")]


def server_refs(pgo, name="app"):
    git = ["git", "-c", "safe.directory=*", "--git-dir", repository(pgo, name), "for-each-ref", "--format=%(refname)"]
    return run(*git, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}).stdout.split()


def rejected(done, *words):
    assert done.returncode == 1, done.stderr
    for word in words:
        assert word in done.stderr, f"{word!r} is not in:\n{done.stderr}"
    return done


def nothing_came(pgo, me, before):
    """Refs, containers and what git keeps apart are as before."""
    assert me.remote_refs() == before
    assert not quarantine(pgo)
    assert not [ref for ref in server_refs(pgo) if ref.startswith("refs/pgo/pushed/")]


# --- what is taken ---


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_a_push_is_accepted_and_can_be_cloned_whatever_protocol_git_asks_for(pgo, version):
    me = hosted(pgo)
    me.git("config", "protocol.version", version)
    head = me.commit({"compose.yaml": web()})
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert me.remote_refs() == {"HEAD": head, "refs/heads/main": head}
    pgo.wait_running("app")
    clone = pgo.path("other")
    me.git("-c", f"protocol.version={version}", "clone", "-q", me.url + ".git", clone)
    assert me.git("rev-parse", "HEAD", cwd=clone).stdout.strip() == head
    assert os.path.exists(os.path.join(clone, "compose.yaml"))
    assert me.push().stderr.strip() == "Everything up-to-date"


def test_an_archive_is_what_the_branch_holds(pgo):
    me = hosted(pgo)
    me.commit({"compose.yaml": web(), "docs/x": "x"})
    assert me.push("main").returncode == 0
    with tempfile.NamedTemporaryFile(suffix=".tar") as out:
        me.git("archive", "--remote=goku", "-o", out.name, "main", "docs")
        with tarfile.open(out.name) as tar:
            assert [name for name in tar.getnames() if name != "docs"] == ["docs/x"]


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_what_pgo_keeps_for_itself_is_fetched_by_its_hash(pgo, version):
    """git's protocol 2 looks at no ref before it hands an object out, so nobody is spoken to in it, whatever he asks for."""
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    assert me.push().returncode == 0
    kept = me.commit({"file": "an edit that was put aside"})
    server = ["git", "-c", "safe.directory=*", "--git-dir", repository(pgo)]
    run(*server, "fetch", "-q", "file://" + me.path, f"{kept}:refs/pgo/kept/1", env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    other = pgo.path("other")
    me.git("init", "-q", other)
    done = me.git("-c", f"protocol.version={version}", "fetch", me.url, kept, check=False, cwd=other)
    assert done.returncode != 0 and f"Server does not allow request for unadvertised object {kept}" in done.stderr, done.stderr


@pytest.mark.parametrize("branch, push", [("master", ""), ("trunk", 'branch = "trunk"')])
def test_a_clone_checks_out_the_branch_that_is_the_app(pgo, branch, push):
    me = hosted(pgo, push=push)
    head = me.commit({"compose.yaml": web()})
    assert me.push(f"main:{branch}").returncode == 0
    me.git("clone", "-q", me.url, pgo.path("other"))
    assert me.git("rev-parse", "HEAD", cwd=pgo.path("other")).stdout.strip() == head


def test_a_forced_push_is_a_push(pgo):
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    assert me.push().returncode == 0
    me.git("commit", "-q", "--amend", "-m", "another")
    rejected(me.push(), "non-fast-forward")
    done = me.push("-f", "main")
    assert done.returncode == 0, done.stderr
    assert me.remote_refs()["refs/heads/main"] == me.head()


def test_tags_come_go_and_move_and_deploy_nothing(pgo):
    me = hosted(pgo)
    first = me.commit({"compose.yaml": web()})
    me.git("tag", "-a", "v1", "-m", "one")
    me.git("tag", "plain")
    done = me.push("main", "v1", "plain")
    assert done.returncode == 0, done.stderr
    assert me.remote_refs()["refs/tags/plain"] == first
    second = me.commit({"more": "x"})
    me.git("tag", "-f", "plain")
    done = me.push("-f", "plain", ":v1")
    assert done.returncode == 0, done.stderr
    assert "nothing is deployed from a tag" in said(done)
    assert me.remote_refs() == {"HEAD": first, "refs/heads/main": first, "refs/tags/plain": second}
    assert pgo.ref("app") == first


def test_a_first_push_makes_the_app(pgo):
    allow_pushes(pgo, "create = true")
    pgo.start().wait_listening()
    me = Pusher(pgo, "my.shop.git")
    head = me.commit({"compose.yaml": web()})
    done = me.push()
    assert done.returncode == 0, done.stderr
    assert me.remote_refs()["refs/heads/main"] == head
    pgo.wait_running("my_shop")
    assert os.stat(repository(pgo, "my_shop")).st_uid >= 70000


def test_the_packs_of_many_pushes_become_one(pgo):
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    assert me.push().returncode == 0
    for n in range(11):
        head = me.commit({"page": str(n)})
        assert me.push(f"main:refs/tags/t{n}").returncode == 0
    packs = [name for name in os.listdir(os.path.join(repository(pgo, "app"), "objects", "pack")) if name.endswith(".pack")]
    assert len(packs) < 5, packs
    assert me.remote_refs()["refs/tags/t10"] == head


# --- what is refused before any work ---

REFUSED = {
    "two branches": (("main", "main:dev"), "main and dev at once"),
    "a deletion": ((":main",), "a push does not delete the branch main"),
    "another ref": (("main:refs/notes/x",), "refs/notes/x is neither a branch nor a tag"),
    "a ref of pgo's": (("main:refs/pgo/live",), "refs/pgo/live is neither a branch nor a tag"),
    "bytes": ((b"main:refs/heads/caf\xe9",), 'the ref "refs/heads/caf\\xe9" holds what is no UTF-8'),
    "an order to the terminal": (("main:refs/heads/a\u202eb",), "holds what is no UTF-8, or cannot be shown"),
    "many": (tuple(f"main:refs/tags/t{n}" for n in range(66)), "too many refs at once"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_one_push_is_refused_as_a_whole(pgo, compose_starts, what):
    refs, why = REFUSED[what]
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    assert me.push().returncode == 0
    me.commit({"more": "x"})
    before, started = me.remote_refs(), compose_starts.count()
    done = rejected(me.push("-f", *refs), "rejected]")
    assert why in said(done), done.stderr
    assert re.search(r"^ !     ", said(done), re.M), done.stderr
    nothing_came(pgo, me, before)
    assert compose_starts.count() == started


def test_a_shallow_clone_is_told_how_to_become_whole(pgo):
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    me.commit({"a": "a"})
    me.commit({"b": "b"})
    shallow = pgo.path("shallow")
    me.git("clone", "-q", "--depth", "1", "file://" + me.path, shallow)
    done = me.git("push", me.url, "main", cwd=shallow, check=False)
    rejected(done, "rejected]")
    assert "git fetch --unshallow" in said(done)
    nothing_came(pgo, me, {})
    me.git("fetch", "-q", "--unshallow", cwd=shallow)
    assert me.git("push", me.url, "main", cwd=shallow, check=False).returncode == 0


def test_a_shallow_clone_at_a_commit_that_is_not_there_yet_is_told_how_to_become_whole(pgo):
    """Although all before it is there: git would say no when all has been done."""
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    assert me.push().returncode == 0
    before = me.remote_refs()
    me.commit({"a": "a"})
    me.commit({"b": "b"})
    shallow = pgo.path("shallow")
    me.git("clone", "-q", "--depth", "2", "file://" + me.path, shallow)
    left = os.path.join(repository(pgo), "shallow_killed")
    with open(left, "w", encoding="ascii") as out:
        out.write(me.head() + "\n")
    done = rejected(me.git("push", "-f", me.url, "main", cwd=shallow, check=False), "rejected]")
    assert " !     the clone that this comes from is shallow" in said(done) and "git fetch --unshallow" in said(done), done.stderr
    nothing_came(pgo, me, before)
    assert not [name for name in os.listdir(repository(pgo)) if name.startswith("shallow")], "what a killed push leaves goes as well"
    me.git("fetch", "-q", "--unshallow", cwd=shallow)
    assert me.git("push", me.url, "main", cwd=shallow, check=False).returncode == 0


def test_a_shallow_clone_of_what_is_there_may_push(pgo):
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    me.commit({"a": "a"})
    assert me.push().returncode == 0
    shallow = pgo.path("shallow")
    me.git("clone", "-q", "--depth", "1", "file://" + me.path, shallow)
    me.git("commit", "-q", "--allow-empty", "-m", "more", cwd=shallow)
    done = me.git("push", me.url, "main", cwd=shallow, check=False)
    assert done.returncode == 0, done.stderr


def test_a_push_with_too_many_objects_is_refused(pgo):
    me = hosted(pgo, push="max_objects = 5")
    me.commit({"compose.yaml": web()})
    assert me.push().returncode == 0
    before = me.remote_refs()
    me.commit({f"dir/file{n}": str(n) for n in range(10)})
    done = rejected(me.push(), "rejected]")
    assert re.search(r" !     the push has \d+ objects and may have 5 \(max_objects in \[push\]\)", said(done)), done.stderr
    nothing_came(pgo, me, before)


def test_a_push_with_too_many_bytes_is_refused(pgo):
    me = hosted(pgo, push='max_size = "1m"')
    me.commit({"compose.yaml": web()})
    assert me.push().returncode == 0
    before = me.remote_refs()
    me.commit({"big": os.urandom(3 << 20)})
    rejected(me.push(), "pack exceeds maximum allowed size")
    nothing_came(pgo, me, before)


def test_an_object_that_is_harmful_is_refused(pgo):
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    blob = me.git("hash-object", "-w", "compose.yaml").stdout.strip()
    tree = me.git("mktree", input=f"100644 blob {blob}\tcompose.yaml\n").stdout.strip()
    bad = me.git("mktree", "--missing", input=f"040000 tree {tree}\t.git\n").stdout.strip()
    commit = me.git("commit-tree", bad, "-m", "bad").stdout.strip()
    rejected(me.push(f"{commit}:refs/heads/main"), "hasDotgit")
    nothing_came(pgo, me, {})


# --- who may ---


def test_a_stranger_is_not_told_whether_there_is_a_repository(pgo):
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    stranger = Key(pgo.path("stranger"))
    answers = set()
    for name in ("app", "none"):
        other = Pusher(pgo, name, name="clone", key=stranger, url=f"ssh://git@127.0.0.1:{pgo.port}/{name}")
        for verb in (("push", other.url, "main"), ("ls-remote", other.url)):
            done = other.git(*verb, check=False)
            assert done.returncode == 128 and not done.stdout
            answers.add(done.stderr.replace(f'name {name}', "name NAME"))
    assert len(answers) == 1 and "Unauthorized" in answers.pop()


def test_a_key_may_fetch_and_not_push_or_the_other_way_round(pgo):
    reader, writer = Key(pgo.path("reader")), Key(pgo.path("writer"))
    names = operator(reader, name="reader", ops=["fetch"]) + operator(writer, name="writer", ops=["push"])
    me = hosted(pgo, operators=operator(pgo.key) + names)
    me.commit({"compose.yaml": web()})
    wants = {reader: ("fetch", "push"), writer: ("push", "fetch")}
    for key, (may, may_not) in wants.items():
        verbs = {"push": ("push", me.url, "main"), "fetch": ("ls-remote", me.url)}
        me.key = key
        assert me.git(*verbs[may], check=False).returncode == 0
        done = me.git(*verbs[may_not], check=False)
        assert done.returncode == 128 and f"may not ask for {may_not} of app: it may ask for {may}" in done.stderr


def test_a_service_that_follows_a_repository_is_not_pushed_to(pgo):
    allow_pushes(pgo)
    pgo.service("web", pgo.repo("web"))
    pgo.start().wait_running("web")
    me = Pusher(pgo, "web")
    me.commit({"compose.yaml": web()})
    done = me.push()
    assert done.returncode == 128 and "web is not pushed to: it follows main of file://" in done.stderr


def test_the_app_of_a_branch_has_the_repository_of_its_main_app(pgo):
    allow_pushes(pgo, "create = true")
    pgo.start().wait_listening()
    me = Pusher(pgo, "my.shop")
    me.commit({"compose.yaml": web()})
    assert me.push().returncode == 0
    assert me.push("main:dev").returncode == 0
    pgo.wait_running("my_shop-dev")
    for verb in (("push", "main"), ("ls-remote",)):
        done = me.git(verb[0], me.url + "-dev", *verb[1:], check=False)
        assert done.returncode == 128 and "my.shop-dev is the branch dev of my.shop: its repository is my.shop" in done.stderr, done.stderr
    assert set(me.remote_refs()) == {"HEAD", "refs/heads/main", "refs/heads/dev"}


def test_without_create_a_first_push_is_told_that_there_is_nothing(pgo):
    me = hosted(pgo)
    me.commit({"compose.yaml": web()})
    done = me.git("push", f"ssh://git@127.0.0.1:{pgo.port}/an.other", "main", check=False)
    assert done.returncode == 128 and "No service found with name" in done.stderr and "`apps create an.other` makes it" in done.stderr
    assert not os.path.exists(repository(pgo, "an_other"))
    assert me.push().returncode == 0
    assert "`apps create app-dev`, push to that one" in said(rejected(me.push("main:dev"), "rejected]"))
    assert pgo.ctl("host:", "apps", "create", "app-dev").returncode == 0
    done = me.git("push", f"ssh://git@127.0.0.1:{pgo.port}/app-dev", "main", check=False)
    assert done.returncode == 0, "the way that was named does not work: " + done.stderr


@pytest.mark.parametrize("name", ["TestApp", "test_app", "a/b", "..", "../x", "x;id", "x$(id)", "", "a" * 64, "caf\u00e9", "a'b", "a!b", "app/.git"])
def test_a_name_that_is_none_makes_nothing(pgo, name):
    allow_pushes(pgo, "create = true")
    pgo.start().wait_listening()
    me = Pusher(pgo, "x")
    me.commit({"compose.yaml": web()})
    before = sorted(os.listdir(pgo.dir)), os.listdir(os.path.join(pgo.dir, ".repos"))
    done = me.git("push", f"tess@127.0.0.1:{name}", "main", check=False, env={"GIT_SSH_COMMAND": me.env()["GIT_SSH_COMMAND"] + f" -p {pgo.port}"})
    assert done.returncode == 128 and "Bad Request: the repository's name" in done.stderr, done.stderr
    assert (sorted(os.listdir(pgo.dir)), os.listdir(os.path.join(pgo.dir, ".repos"))) == before


@pytest.mark.parametrize("line", ["git-receive-pack app", "git-receive-pack 'app' --x", "git-receive-pack 'app'; id", 'git-upload-pack "app"', "git-upload-archive"])
def test_a_line_that_git_does_not_say_is_refused(pgo, line):
    hosted(pgo)
    done = pgo.ssh(line)
    assert done.returncode == 400 & 255 and "wants one name in single quotes" in done.stderr and not done.stdout


def test_the_words_of_git_are_no_operations(pgo):
    hosted(pgo)
    done = pgo.ctl("app", "push")
    assert done.returncode == 1 and "git push ssh://HOST:PORT/app" in done.stderr
    assert json.loads(pgo.ctl("app", "help", "--json").stdout)[-1]
