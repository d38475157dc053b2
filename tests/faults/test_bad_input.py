"""Bad input gets a clear error and nothing is lost."""

import contextlib
import os
import re
import shutil
import signal

import pytest

from lib.host import run, stays, wait_until
from lib.pgo import web
from lib.scenes import deployed, ids, three_polls

BAD_RELEASES = {
    "broken": ("{ this is: [not json\n", "yaml"),
    "privileged": (web(privileged=True), "privileged"),
    "host-network": (web(network_mode="host"), "network_mode|host"),
    "host-ipc": (web(ipc="host"), "ipc"),
    "outside": (web(volumes=["/etc:/host"]), "/etc|volumes"),
    "ports": (web(ports=[{"target": 80, "published": "8080", "mode": "ingress", "protocol": "tcp"}]), "ports"),
    "image": (web("pgo-test/no-such:1"), "no-such"),
    "empty": ({"services": {}}, "service"),
}


@pytest.mark.parametrize("kind", BAD_RELEASES)
def test_a_bad_release_leaves_the_old_containers_and_is_told(pgo, kind):
    content, word = BAD_RELEASES[kind]
    repo = deployed(pgo)
    before = ids(pgo)
    bad = repo.commit({"compose.yaml": content})
    assert re.search(word, pgo.wait_judged("site", bad), re.I)
    pgo.wait_log(word)
    assert ids(pgo) == before and pgo.running("site")
    assert pgo.ref("site") == repo.head, "the live tree must not move"
    up = pgo.ctl("site", "up")
    assert up.returncode != 0, up.stdout
    assert ids(pgo) == before and pgo.running("site")
    good = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_deployed("site", good)


def test_all_violations_are_told_at_once_with_their_path(pgo):
    repo = deployed(pgo)
    pgo.wait_judged("site", repo.commit({"compose.yaml": web(privileged=True, ipc="host")}))
    text = pgo.ctl("site", "load").stdout
    assert "services.web.privileged" in text and "services.web.ipc" in text


def test_a_failing_up_is_told_with_the_words_of_compose(pgo):
    repo = deployed(pgo)
    pgo.engine.fail("up", 1, "Error response from daemon: something odd happened")
    repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_log("something odd happened")
    pgo.engine.heal("up")
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_running("site")


def compose_link(repo):
    os.unlink(os.path.join(repo.path, "compose.yaml"))
    os.symlink("/etc/passwd", os.path.join(repo.path, "compose.yaml"))
    return repo.commit({})


def test_a_compose_file_that_is_a_symlink_is_refused(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    bad = compose_link(repo)
    text = pgo.wait_judged("site", bad)
    assert re.search("symbolic|symlink|link", text) and "root:x" not in text and ids(pgo) == before


def test_a_compose_file_of_50_megabytes_is_refused(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    bad = repo.commit({"compose.yaml": '{"services": {"web": {"image": "' + "x" * 50_000_000 + '"}}}'})
    assert re.search("large|big|bytes|limit|too", pgo.wait_judged("site", bad, deadline=40))
    assert ids(pgo) == before and pgo.running("site")


def test_a_bind_source_through_a_symlink_of_the_repository_is_refused(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    os.symlink("/", os.path.join(repo.path, "rootlink"))
    text = pgo.wait_judged("site", repo.commit({"compose.yaml": web(volumes=["./rootlink/etc:/x"])}))
    assert re.search("symbolic|symlink|link", text)
    assert ids(pgo) == before


def test_an_env_file_outside_the_repository_does_not_exist_there(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    text = pgo.wait_judged("site", repo.commit({"compose.yaml": web(env_file=["/etc/hosts"])}))
    assert "/etc/hosts not found" in text and ids(pgo) == before


def test_untracked_data_survives_everything(pgo):
    repo = deployed(pgo)
    data = pgo.live("site", "db", "rows")
    os.mkdir(pgo.live("site", "db"))
    with open(data, "w", encoding="ascii") as out:
        out.write("precious")
    run("chown", "-R", pgo.accounts.a.pw_name, pgo.live("site", "db"))
    inode = os.stat(pgo.live("site")).st_ino
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web("pgo-test/web:2")}))
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit({"compose.yaml": web()}, "rewritten")
    repo.git("branch", "-f", "main", "other")
    repo.git("checkout", "-q", "main")
    pgo.wait_deployed("site", repo.git("rev-parse", "main"))
    assert open(data, encoding="ascii").read() == "precious"
    assert os.stat(pgo.live("site")).st_ino == inode


def test_a_local_edit_of_a_tracked_file_is_kept_under_a_ref(pgo):
    repo = deployed(pgo)
    with open(pgo.live("site", "compose.yaml"), "a", encoding="ascii") as out:
        out.write("\n")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_deployed("site", head)
    git = os.path.join(pgo.dir, ".repos", "site.git")
    refs = run("git", "-c", "safe.directory=*", "--git-dir", git, "for-each-ref", "refs/pgo/kept").stdout
    assert refs.strip(), "the edit is lost"


def test_a_force_push_is_followed(pgo):
    repo = deployed(pgo)
    second = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_deployed("site", second)
    repo.git("reset", "-q", "--hard", "HEAD~1")
    third = repo.commit({"compose.yaml": web(command=["sleep", "9"])})
    pgo.wait_deployed("site", third)


def test_a_branch_that_vanished_leaves_the_service_alone(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    repo.git("branch", "-m", "main", "gone")
    pgo.wait_status("site", "main")
    pgo.wait_log("branch")
    assert ids(pgo) == before and os.path.exists(pgo.live("site", "compose.yaml"))
    repo.git("branch", "-m", "gone", "main")
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web("pgo-test/web:2")}))


def test_a_repository_that_is_gone_leaves_the_service_alone(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    mark = len(pgo.log())
    os.rename(repo.path, repo.path + ".away")
    pgo.wait_log("site", after=mark)
    assert ids(pgo) == before and os.path.exists(pgo.live("site", "compose.yaml"))
    assert pgo.ctl("site", "ps").returncode == 0, "the keys must still be there"
    pgo.wait_status("site", f"in sync +unknown: commit {repo.head[:8]} of main is what was there last")
    os.rename(repo.path + ".away", repo.path)
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web("pgo-test/web:2")}))


def test_a_repository_that_comes_late_is_deployed_when_it_does(pgo):
    repo = pgo.repo("site")
    os.rename(repo.path, repo.path + ".away")
    pgo.service("site", repo)
    pgo.start().wait_listening()
    pgo.wait_log("site.*(repositor|git)")
    os.rename(repo.path + ".away", repo.path)
    pgo.wait_deployed("site", repo.head)


def test_an_empty_repository_waits_for_its_first_commit(pgo):
    repo = pgo.repo("site")
    repo.git("update-ref", "-d", "refs/heads/main")
    pgo.service("site", repo)
    pgo.start().wait_listening()
    pgo.wait_log("empty|no commit|branch")
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web()}))


def test_a_left_index_lock_does_not_stop_a_deploy(pgo):
    repo = deployed(pgo)
    with open(os.path.join(pgo.dir, ".repos", "site.git", "index.lock"), "w", encoding="ascii"):
        pass
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web("pgo-test/web:2")}))


def reconfigured(pgo, **keys):
    pgo.stop()
    pgo.services["site"].update(keys)
    pgo.start().wait_listening()


def test_a_changed_branch_key_is_followed_and_nothing_untracked_lost(pgo):
    repo = deployed(pgo)
    with open(pgo.live("site", "data"), "w", encoding="ascii") as out:
        out.write("precious")
    repo.git("checkout", "-q", "-b", "next")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    reconfigured(pgo, branch="next")
    pgo.wait_deployed("site", head)
    assert os.path.exists(pgo.live("site", "data"))


def test_a_changed_repository_key_is_followed_and_nothing_untracked_lost(pgo):
    deployed(pgo)
    with open(pgo.live("site", "data"), "w", encoding="ascii") as out:
        out.write("precious")
    other = pgo.repo("elsewhere", {"compose.yaml": web("pgo-test/web:2"), "ssh/k.pub": pgo.key.public})
    reconfigured(pgo, repository=other.url)
    pgo.wait_deployed("site", other.head)
    assert os.path.exists(pgo.live("site", "data"))


def test_a_changed_user_key_is_refused_with_the_command_to_run(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    owner = os.stat(pgo.live("site", "compose.yaml")).st_uid
    reconfigured(pgo, user=pgo.accounts.b.pw_name)
    text = pgo.wait_log("chown")
    assert pgo.accounts.b.pw_name in text.string[text.start() - 200 :]
    stays(lambda: ids(pgo) == before, "containers stay", lambda: "chown" in pgo.log())
    assert os.stat(pgo.live("site", "compose.yaml")).st_uid == owner
    assert repo.head == pgo.ref("site")


def test_an_external_network_that_comes_later_is_waited_for(pgo):
    compose = dict(web(networks={"edge": None}), networks={"edge": {"external": True, "name": "pgot-edge"}})
    repo = pgo.repo("site", {"compose.yaml": compose, "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start().wait_listening()
    pgo.wait_log("pgot-edge")
    assert not pgo.running("site")
    pgo.engine.create_network("pgot-edge")
    pgo.wait_deployed("site", repo.head, deadline=30)


def test_an_external_network_that_is_not_on_the_list_is_refused(pgo):
    compose = dict(web(networks={"edge": None}), networks={"edge": {"external": True, "name": "pgot-edge"}})
    pgo.engine.create_network("pgot-edge")
    repo = pgo.repo("site", {"compose.yaml": compose, "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo, networks=["other"])
    pgo.start().wait_listening()
    pgo.wait_log("pgot-edge")
    stays(lambda: not pgo.running("site"), "refused", three_polls(pgo, repo))


def test_the_model_is_not_in_the_log_or_the_database(pgo):
    deployed(pgo, files={"compose.yaml": web(environment={"PASSWORD": "correct-horse-7"}), "ssh/k.pub": pgo.key.public})
    assert "correct-horse-7" not in pgo.log()
    state = os.path.join(pgo.dir, ".state")
    for name in os.listdir(state):
        path = os.path.join(state, name)
        if os.path.isfile(path):
            assert b"correct-horse-7" not in open(path, "rb").read(), name
    assert os.stat(state).st_mode & 0o077 == 0


def test_pgod_ends_in_order_while_compose_hangs(pgo):
    repo = deployed(pgo)
    pgo.engine.hold("pull")
    pgo.engine.hold("up")
    repo.commit({"compose.yaml": web("pgo-test/web:2")})
    wait_until(lambda: pgo.engine.waiting, "compose hangs")
    pgo.signal(signal.SIGTERM)
    wait_until(lambda: "stop" in pgo.log().lower() or "quit" in pgo.log().lower() or pgo.process.poll() is not None, "pgod says so")
    pgo.engine.release_all()
    assert pgo.wait_exit() == 0


LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d7a2146" * 8 + "\nsize 12345\n"


def test_a_file_that_git_lfs_keeps_elsewhere_is_not_deployed_as_its_pointer(pgo):
    repo = pgo.repo("site", {"compose.yaml": web(volumes=["./www:/www"]), "www/index.html": "1\n", "notes.bin": LFS_POINTER})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head)
    before = [box.id for box in pgo.running("site")]
    head = repo.commit({"www/logo.png": LFS_POINTER})
    assert "www/logo.png is not the file itself but a pointer of git LFS" in pgo.wait_judged("site", head)
    assert [box.id for box in pgo.running("site")] == before and pgo.ref("site") == repo.head


def test_a_submodule_that_a_container_needs_is_not_deployed_as_an_empty_directory(pgo):
    repo = pgo.repo("site", {"compose.yaml": web(volumes=["./www:/www"]), "www/index.html": "1\n"})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head)
    before = [box.id for box in pgo.running("site")]
    # One that nothing reads harms nobody.
    repo.git("update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,doc/theme")
    repo.git("commit", "-q", "-m", "a submodule")
    pgo.wait_deployed("site", repo.git("rev-parse", "HEAD"))
    repo.git("update-index", "--add", "--cacheinfo", "160000,2222222222222222222222222222222222222222,www/theme")
    repo.git("commit", "-q", "-m", "another")
    assert "the submodule www/theme is part of ./www" in pgo.wait_judged("site", repo.git("rev-parse", "HEAD"))
    assert [box.id for box in pgo.running("site")] == before
    # One that the server beside it has is fetched, and goes as it came.
    theme = pgo.repo("theme", {"style.css": "blue\n", "ssh/other.pub": "no key of this service\n"})
    repo.git("update-index", "--cacheinfo", f"160000,{theme.head},www/theme")
    os.makedirs(os.path.join(repo.path, "www", "theme"))
    head = repo.commit({".gitmodules": '[submodule "theme"]\n\tpath = www/theme\n\turl = ../theme\n'})
    pgo.wait_deployed("site", head)
    style = pgo.live("site", "www", "theme", "style.css")
    assert open(style, encoding="ascii").read() == "blue\n" and not os.path.exists(pgo.live("site", "www", "theme", ".git"))
    before = [box.id for box in pgo.running("site")]
    repo.git("update-index", "--cacheinfo", f"160000,{theme.commit({'style.css': 'red'})},www/theme")
    repo.git("commit", "-q", "-m", "red")
    pgo.wait_deployed("site", repo.git("rev-parse", "HEAD"))
    assert open(style, encoding="ascii").read() == "red" and [box.id for box in pgo.running("site")] != before
    os.rename(theme.path, theme.path + ".away")
    os.rename(repo.path, repo.path + ".away")
    assert pgo.ctl("site", "rollback").returncode == 0
    assert open(style, encoding="ascii").read() == "blue\n", "from what is here"


@pytest.mark.parametrize("harm", ["deleted", "emptied", "HEAD", "refs"])
def test_a_local_repository_that_was_deleted_or_spoilt_stays_so(pgo, harm):
    """It is made anew from the remote; containers and untracked files stay, and the files of before are not taken for somebody else's."""
    repo = deployed(pgo, files={"compose.yaml": web(), "page": "old\n", "gone": "old\n"})
    before = ids(pgo)
    with open(pgo.live("site", "data"), "w", encoding="ascii") as out:
        out.write("precious\n")
    bare = os.path.join(pgo.dir, ".repos", "site.git")
    if harm == "deleted":
        shutil.rmtree(bare)
    if harm == "emptied":
        shutil.rmtree(bare)
        os.mkdir(bare, 0o700)
        os.chown(bare, pgo.accounts.a.pw_uid, pgo.accounts.a.pw_gid)
    if harm == "HEAD":
        os.unlink(os.path.join(bare, "HEAD"))
    if harm == "refs":
        shutil.rmtree(os.path.join(bare, "refs"))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(bare, "packed-refs"))
    head = repo.commit({"page": "new\n"}, remove=["gone"])
    pgo.wait_deployed("site", head)
    with open(pgo.live("site", "page"), encoding="ascii") as page, open(pgo.live("site", "data"), encoding="ascii") as data:
        assert (page.read(), data.read()) == ("new\n", "precious\n")
    assert not os.path.exists(pgo.live("site", "gone"))
    assert ids(pgo) == before
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web("pgo-test/web:2"), "page": "newer\n"}))
    assert pgo.ctl("site", "rollback", "1").returncode == 0
    assert not [line for line in pgo.log().splitlines() if "untracked" in line]


def test_a_repository_deleted_between_commits_makes_an_up_fail_for_ever(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    shutil.rmtree(os.path.join(pgo.dir, ".repos", "site.git"))
    pgo.ctl("site", "up")
    pgo.wait_log("making it again")
    wait_until(lambda: pgo.ref("site") == repo.head, "the repository is there again")
    assert pgo.ctl("site", "up").returncode == 0
    assert ids(pgo) == before


def test_a_deleted_repository_whose_remote_was_rewound_takes_the_service_down(pgo):
    """What the files of before are nobody knows any more: that is said, they are left alone, and so are the containers."""
    repo = deployed(pgo, files={"compose.yaml": web(), "page": "old\n"})
    before = ids(pgo)
    shutil.rmtree(os.path.join(pgo.dir, ".repos", "site.git"))
    shutil.rmtree(os.path.join(repo.path, ".git"))
    repo.git("init", "-q", "-b", "main")
    head = repo.commit({"page": "new\n"})
    pgo.wait_status("site", rf"in sync +no: commit {head[:8]} is refused: [^\n]*page, but an untracked file")
    assert re.search(rf"the remote has {repo.head[:12]} no more, which the checkout is of", pgo.log())
    assert ids(pgo) == before
    os.unlink(pgo.live("site", "page"))
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_deployed("site", head)
