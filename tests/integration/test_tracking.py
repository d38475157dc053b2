"""A commit becomes containers: when something happens, and when nothing does."""

import os
import re
import signal

import pytest

from lib.host import stays, wait_until
from lib.pgo import web
from lib.scenes import deployed, ids, three_polls
from lib.servers import git_daemon, http_git, slow_git, ssh_git


def test_first_commit_of_a_file_url_is_deployed(pgo):
    repo = deployed(pgo)
    assert [box.service for box in pgo.running("site")] == ["web"]
    assert pgo.ref("site") == repo.head
    assert os.path.exists(pgo.live("site", "compose.yaml"))
    assert not os.path.exists(pgo.live("site", ".git")), "a container that mounts ./ could plant hooks"


def test_an_absolute_path_is_a_repository(pgo):
    repo = pgo.repo("site")
    pgo.service("site", repo.path)
    pgo.start().wait_deployed("site", repo.head)


def test_a_repository_is_cloned_over_smart_http(pgo):
    repo = pgo.repo("site")
    pgo.service("site", http_git(pgo, pgo.path("repos")) + "/site/.git")
    pgo.start().wait_deployed("site", repo.head)


def test_nothing_is_deployed_from_a_remote_that_takes_longer_to_answer_than_from_one_poll_to_the_next(pgo):
    repo = pgo.repo("site")
    pgo.service("site", slow_git(pgo, pgo.path("repos"), 2) + "/site/.git")
    pgo.start().wait_deployed("site", repo.head)


def test_a_repository_is_cloned_by_gits_own_protocol(pgo):
    repo = pgo.repo("site")
    pgo.service("site", git_daemon(pgo, pgo.path("repos")) + "/site/.git")
    pgo.start().wait_deployed("site", repo.head)


def test_a_password_in_the_url_reaches_the_server_and_nothing_else(pgo):
    repo = pgo.repo("site")
    pgo.service("site", http_git(pgo, pgo.path("repos"), password="hunter2-xyzzy") + "/site/.git")
    pgo.start().wait_deployed("site", repo.head)
    assert "hunter2-xyzzy" not in pgo.log()
    assert "hunter2-xyzzy" not in pgo.status("site")
    secret = b"hunter2-xyzzy"
    for folder, _, names in os.walk(pgo.dir):
        for name in names:
            with open(os.path.join(folder, name), "rb") as content:
                assert secret not in content.read(), os.path.join(folder, name)


def test_a_repository_is_cloned_over_ssh(pgo):
    repo = pgo.repo("site")
    pgo.service("site", ssh_git(pgo, pgo.accounts.a) + repo.path)
    pgo.start().wait_deployed("site", repo.head)


def test_a_change_of_the_compose_file_replaces_the_container(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_deployed("site", head)
    wait_until(lambda: ids(pgo) and ids(pgo) != before, "another container runs")


@pytest.mark.parametrize("scale, stops", [(2, ["stop"]), (1, [])], ids=["two", "one for one"])
def test_a_change_stops_first_and_brings_up_afresh(pgo, scale, stops):
    repo = pgo.repo("site", {"compose.yaml": web(scale=scale), "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head, count=scale)
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web("pgo-test/web:2", scale=scale)}), count=scale)
    verbs = [entry["verb"] for entry in pgo.engine.calls(project="site") if entry["verb"] in ("stop", "up", "down")]
    assert verbs == ["up", *stops, "up"], "down would lose the data of anonymous volumes"
    arguments = pgo.engine.calls("up")[-1]["args"]
    assert {"-d", "--force-recreate", "--remove-orphans", "--no-build"} <= set(arguments)


def test_a_container_of_another_name_starts_when_the_old_one_has_stopped(pgo):
    repo = deployed(pgo)
    pgo.wait_deployed("site", repo.commit({"compose.yaml": {"services": {"app": {"image": "pgo-test/web:1"}}}}))
    assert [entry["verb"] for entry in pgo.engine.calls(project="site") if entry["verb"] in ("stop", "up")] == ["up", "stop", "up"]


def test_nothing_starts_while_nothing_changes(pgo, compose_starts):
    repo = deployed(pgo)
    boxes, starts, orders, writes = ids(pgo), compose_starts.count(), len(pgo.engine.journal), pgo.engine.writes()
    stays(
        lambda: ids(pgo) == boxes and compose_starts.count() == starts and len(pgo.engine.journal) == orders,
        "no compose process and no change for an unchanged service",
        three_polls(pgo, repo),
    )
    assert pgo.engine.writes() == writes, "the engine was written to"


def test_an_edit_of_an_x_key_is_a_change(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    repo.commit({"compose.yaml": web(x_gpo_version="2")})
    wait_until(lambda: ids(pgo) and ids(pgo) != before, "the container was replaced")


def test_a_commit_that_touches_nothing_that_is_read_moves_the_tree_and_no_container(pgo):
    repo = deployed(pgo)
    before, ups = ids(pgo), len(pgo.engine.calls("up"))
    head = repo.commit({"README": "about\n"})
    pgo.wait_deployed("site", head)
    assert os.path.exists(pgo.live("site", "README"))
    assert ids(pgo) == before and len(pgo.engine.calls("up")) == ups


def test_an_edit_of_an_env_file_is_a_change(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(env_file=["app.env"]), "app.env": "A=1\n", "ssh/k.pub": pgo.key.public})
    before = ids(pgo)
    repo.commit({"app.env": "A=2\n"})
    wait_until(lambda: ids(pgo) and ids(pgo) != before, "the container was replaced")
    assert pgo.engine.calls("up")[-1]["model"]["services"]["web"]["environment"] == {"A": "2"}


def test_an_edit_of_a_mounted_file_is_a_change(pgo):
    files = {"compose.yaml": web(volumes=["./www:/www"]), "www/index.html": "1\n", "ssh/k.pub": pgo.key.public}
    repo = deployed(pgo, files=files)
    before = ids(pgo)
    repo.commit({"www/index.html": "2\n"})
    wait_until(lambda: ids(pgo) and ids(pgo) != before, "the container was replaced")


@pytest.mark.parametrize("key", ["reload", "ignore"])
def test_reload_false_waits_for_an_up(pgo, key):
    """Or `ignore = true` in pgo.toml, where the compose file says nothing."""
    said = {"x_pgo": {"reload": False}} if key == "reload" else {}
    repo = deployed(pgo, files={"compose.yaml": web(**said), "ssh/k.pub": pgo.key.public}, ignore=True if key == "ignore" else None, group="nobody-has-it")
    pgo.wait_log('"group" is not used: what is run for the service has the primary group of its account')
    before = ids(pgo)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2", **said)})
    pgo.wait_status("site", rf"{head[:8]}.*(pending|waits)|(pending|waits).*{head[:8]}")
    assert ids(pgo) == before
    assert pgo.ctl("site", "up").returncode == 0
    wait_until(lambda: ids(pgo) != before, "up made the pending release live")
    assert pgo.ref("site") == head
    if key == "ignore":
        pgo.wait_deployed("site", repo.commit({"compose.yaml": web(x_pgo={"reload": True})}))


def test_the_repositorys_env_interpolates(pgo):
    files = {"compose.yaml": web("${IMAGE}"), ".env": "IMAGE=pgo-test/web:2\n", "ssh/k.pub": pgo.key.public}
    deployed(pgo, files=files)
    model = pgo.engine.calls("up")[-1]["model"]
    assert model["services"]["web"]["image"] == pgo.engine.images["pgo-test/web:2"]


def test_a_variable_that_is_not_set_becomes_an_empty_one(pgo):
    """Nor is anything taken from pgod's own environment, or a job's: not when the file is resolved, and not when it is applied."""
    repo = deployed(pgo)
    before = ids(pgo)
    lacks = web("pgo-test/web:1", environment={"A": "${HOME} ${PGO_LIVE}", "B": "$$HOME $PATH"}, labels={"of-env": "${SET} ${MISSING}", "b": "$MISSING"})
    text = pgo.wait_judged("site", repo.commit({"compose.yaml": lacks, ".env": "SET=${ALSO}\n"}))
    places = [r"ALSO \(\.env:1\)", r"HOME \(compose\.yaml:\d+\)", r"PGO_LIVE \(compose\.yaml:\d+\)", r"PATH \(compose\.yaml:\d+\)", r"MISSING \(compose\.yaml:\d+\)"]
    pattern = r"refused: resolve: compose\.yaml: variables are not set and have no default: " + ", ".join(places) + '; set them with "env" in pgo.toml'
    assert re.search(pattern, text), text
    assert ids(pgo) == before
    closed = {"A": "${HOME:-none} ${PGO_LIVE-none}", "B": "$$HOME", "C": "${EMPTY}", "HOME": None, "DOCKER_HOST": None, "UNSET": None}
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web(environment=closed), ".env": "EMPTY=\n"}))
    assert pgo.engine.calls("up")[-1]["model"]["services"]["web"]["environment"] == {"A": "none none", "B": "$$HOME", "C": "", "UNSET": None}


def test_env_of_the_configuration_interpolates_and_reaches_no_other_job(pgo):
    deployed(pgo, files={"compose.yaml": web("${IMAGE}"), "ssh/k.pub": pgo.key.public}, env=["IMAGE=pgo-test/web:2", "TOKEN=swordfish-9"])
    assert pgo.engine.calls("up")[-1]["model"]["services"]["web"]["image"] == pgo.engine.images["pgo-test/web:2"]
    assert not [entry for entry in pgo.engine.journal if "TOKEN" in entry["env"]]
    assert "swordfish-9" not in pgo.log()


def test_an_untracked_env_file_is_used_and_survives(pgo):
    files = {"compose.yaml": web(env_file=["secrets.env"]), "ssh/k.pub": pgo.key.public, ".gitignore": "secrets.env\n"}
    repo = pgo.repo("site", files)
    pgo.service("site", repo)
    os.mkdir(pgo.live("site"), 0o755)
    os.chown(pgo.live("site"), pgo.accounts.a.pw_uid, pgo.accounts.a.pw_gid)
    with open(pgo.live("site", "secrets.env"), "w", encoding="ascii") as out:
        out.write("PASSWORD=untracked\n")
    os.chown(pgo.live("site", "secrets.env"), pgo.accounts.a.pw_uid, pgo.accounts.a.pw_gid)
    pgo.start().wait_deployed("site", repo.head)
    assert pgo.engine.calls("up")[-1]["model"]["services"]["web"]["environment"] == {"PASSWORD": "untracked"}
    with open(pgo.live("site", "secrets.env"), encoding="ascii") as kept:
        assert kept.read() == "PASSWORD=untracked\n"


@pytest.mark.parametrize("name", ["compose.yml", "docker-compose.yml", "docker-compose.yaml"])
def test_each_documented_name_of_the_compose_file_is_found(pgo, name):
    deployed(pgo, files={name: web(), "ssh/k.pub": pgo.key.public})


def test_the_compose_key_names_another_file_and_its_edits_count(pgo):
    repo = deployed(pgo, files={"deploy/prod.yaml": web(), "ssh/k.pub": pgo.key.public}, compose="deploy/prod.yaml")
    before = ids(pgo)
    repo.commit({"deploy/prod.yaml": web("pgo-test/web:2")})
    wait_until(lambda: ids(pgo) and ids(pgo) != before, "the container was replaced")


def test_jobs_run_as_the_account_with_its_groups_and_a_closed_environment(pgo):
    deployed(pgo)
    account = pgo.accounts.a
    for entry in pgo.engine.journal:
        assert (entry["uid"], entry["gid"]) == (account.pw_uid, account.pw_gid)
        assert set(entry["groups"]) | {account.pw_gid} == {account.pw_gid, pgo.accounts.shared.gr_gid, pgo.accounts.engine.gr_gid}
        extra = set(entry["env"]) - {"HOME", "USER", "LOGNAME", "PATH", "LANG", "DOCKER_HOST", "LC_CTYPE", "PWD", "DOCKER_CONFIG", "TMPDIR"}
        assert not extra, f"{entry['verb']}: {extra}"
        assert entry["session"] == entry["pid"] or entry["session"] != os.getsid(0)
        assert entry["argv"][entry["argv"].index("-p") + 1] == "site"


def test_the_bytes_that_run_are_the_approved_ones_with_image_ids(pgo):
    deployed(pgo)
    up = pgo.engine.calls("up")[-1]
    assert up["model"]["services"]["web"]["image"] == pgo.engine.images["pgo-test/web:1"]
    assert up["argv"][up["argv"].index("-f") + 1] == "-"
    assert up["argv"][up["argv"].index("--project-directory") + 1] == pgo.live("site")


def test_a_stop_file_stops_the_service_and_its_removal_starts_it(pgo):
    repo = deployed(pgo)
    flag = os.path.join(pgo.dir, "site.stop")
    with open(flag, "w", encoding="ascii"):
        pass
    wait_until(lambda: not pgo.running("site"), "the service is stopped")
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    stays(lambda: not pgo.running("site"), "held down", three_polls(pgo, repo))
    pgo.wait_status("site", "held|hold|stop")
    os.unlink(flag)
    pgo.wait_deployed("site", head)


def test_a_stop_file_before_the_start_keeps_the_service_down(pgo):
    repo = pgo.repo("site")
    pgo.service("site", repo)
    with open(os.path.join(pgo.dir, "site.stop"), "w", encoding="ascii"):
        pass
    pgo.start().wait_listening()
    stays(lambda: not pgo.running("site"), "held down", three_polls(pgo, repo))


def test_a_service_that_is_no_longer_configured_is_removed_and_its_data_kept(pgo):
    deployed(pgo)
    other = pgo.repo("other")
    pgo.service("other", other)
    with open(pgo.live("site", "data.db"), "w", encoding="ascii") as out:
        out.write("precious")
    pgo.stop()
    del pgo.services["site"]
    pgo.start().wait_deployed("other", other.head)
    wait_until(lambda: not pgo.engine.containers("site"), "its containers are gone")
    wait_until(lambda: not os.path.exists(pgo.live("site")), "its directory moved")
    (kept,) = os.listdir(os.path.join(pgo.dir, ".removed"))
    assert kept.startswith("site-")
    with open(os.path.join(pgo.dir, ".removed", kept, "tree", "data.db"), encoding="ascii") as data:
        assert data.read() == "precious"


def test_an_empty_configuration_removes_nothing(pgo):
    deployed(pgo)
    before = ids(pgo)
    pgo.stop()
    calls = len(pgo.engine.journal)
    pgo.write_config("")
    seen = len(pgo.log())
    pgo.start(write=False).wait_listening()
    pgo.wait_log("nothing is removed", after=seen)
    pgo.stop()
    assert ids(pgo) == before and len(pgo.engine.journal) == calls
    assert os.path.exists(pgo.live("site", "compose.yaml"))


def test_an_unknown_directory_is_not_touched(pgo):
    os.makedirs(os.path.join(pgo.dir, "not-a-service", "important"))
    deployed(pgo)
    pgo.stop()
    assert os.path.isdir(os.path.join(pgo.dir, "not-a-service", "important"))


def test_two_services_of_two_accounts_run_beside_each_other(pgo):
    one = pgo.repo("one")
    two = pgo.repo("two", owner=pgo.accounts.b)
    pgo.service("one", one)
    pgo.service("two", two, user=pgo.accounts.b.pw_name)
    pgo.start()
    pgo.wait_deployed("one", one.head)
    pgo.wait_deployed("two", two.head)
    assert {entry["uid"] for entry in pgo.engine.calls(project="two")} == {pgo.accounts.b.pw_uid}


def test_sigterm_leaves_the_containers_running(pgo):
    deployed(pgo)
    before = ids(pgo)
    pgo.stop()
    assert ids(pgo) == before and pgo.running("site")


def test_a_second_start_finds_everything_in_order_and_changes_nothing(pgo, compose_starts):
    repo = deployed(pgo)
    before, ups = ids(pgo), len(pgo.engine.calls("up"))
    pgo.stop()
    pgo.start().wait_listening()
    pgo.wait_status("site", repo.head[:8])
    stays(lambda: ids(pgo) == before and len(pgo.engine.calls("up")) == ups, "left alone", three_polls(pgo, repo))


def test_sighup_ends_with_2_when_the_configuration_is_valid(pgo):
    deployed(pgo)
    pgo.signal(signal.SIGHUP)
    assert pgo.wait_exit() == 2
    assert pgo.running("site")
