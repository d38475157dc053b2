"""A deploy is a transaction: the new release comes to run well, or the old one runs again; and nothing in between survives."""

import os

import pytest

from lib.disks import fill, reader, small_disk
from lib.host import ended, stays, wait_until
from lib.pgo import web
from lib.scenes import HEALTHY, assert_old_runs, bad, deployed, deploys, hold_down, ids, image_of, in_background, rows, second, three_polls, wait_rolled_back, wait_step

TWO = {"services": {"web": {"image": "pgo-test/web:1"}, "db": {"image": "pgo-test/web:1"}}}


@pytest.mark.parametrize("restart, why", [("no", "web: exited with 3"), ("always", "web: dies again and again"), ("on-failure", "again and again")])
def test_a_container_that_exits_at_once_brings_the_old_release_back(pgo, restart, why):
    repo = deployed(pgo)
    pgo.engine.behave("web", exits=3, image=second(pgo))
    head = bad(pgo, repo, restart=restart)
    wait_rolled_back(pgo, head, why)
    assert_old_runs(pgo, repo)


def test_a_container_that_never_gets_healthy_brings_the_old_release_back(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)}, health_timeout="1s")
    pgo.engine.behave("web", health=None, image=second(pgo))
    head = bad(pgo, repo, **HEALTHY)
    wait_rolled_back(pgo, head, "not within 1 s: web: its healthcheck has not passed yet")
    assert_old_runs(pgo, repo)


def test_a_container_that_gets_unhealthy_is_not_waited_for(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)}, health_timeout="10m")
    pgo.engine.behave("web", health="unhealthy", image=second(pgo))
    wait_rolled_back(pgo, bad(pgo, repo, **HEALTHY), "web: unhealthy")
    assert_old_runs(pgo, repo)


def test_the_healthcheck_of_an_image_counts_as_well(pgo):
    repo = deployed(pgo)
    image = pgo.engine.add_image("pgo-test/web:3", healthcheck=True)
    pgo.engine.behave("web", health="unhealthy", image=image)
    wait_rolled_back(pgo, bad(pgo, repo, "pgo-test/web:3"), "web: unhealthy")
    assert_old_runs(pgo, repo)


def test_a_port_that_is_taken_brings_the_old_release_back(pgo):
    repo = deployed(pgo, user="root")
    pgo.engine.occupy_port(5005)
    wait_rolled_back(pgo, bad(pgo, repo, ports=["5005:80"]), "port is already allocated")
    assert_old_runs(pgo, repo)


def test_a_release_that_died_before_it_had_settled_is_not_live(pgo):
    repo = deployed(pgo, settle="1s")
    head = bad(pgo, repo)
    (box,) = wait_until(lambda: [b for b in pgo.running("site") if b.image_id == second(pgo)], "the new one runs")
    pgo.engine.kill_container(box, 1)
    wait_rolled_back(pgo, head, "exited with 1")
    assert_old_runs(pgo, repo)


def test_a_container_that_has_finished_well_is_no_failure(pgo):
    repo = deployed(pgo)
    pgo.engine.behave("web", exits=0, image=second(pgo))
    head = bad(pgo, repo)
    pgo.wait_status("site", rf"in sync +yes: commit {head[:8]}.*last deploy[^\n]*: live, took")
    assert not pgo.running("site")


def test_a_bad_commit_is_not_tried_again_until_another_one_or_an_operator_comes(pgo):
    repo = deployed(pgo)
    pgo.engine.behave("web", exits=1, image=second(pgo))
    head = bad(pgo, repo)
    wait_rolled_back(pgo, head, "exited with 1")
    ups = len(pgo.engine.calls("up"))
    stays(lambda: len(pgo.engine.calls("up")) == ups, "left alone", three_polls(pgo, repo))
    pgo.stop()
    pgo.start().wait_listening()
    pgo.wait_status("site", "state +live")
    stays(lambda: len(pgo.engine.calls("up")) == ups, "left alone by the next pgod", three_polls(pgo, repo))
    pgo.engine.behave("web", image=second(pgo))
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_deployed("site", head)
    assert image_of(pgo) == [second(pgo)]


def test_a_first_release_that_does_not_run_stays_for_people_to_look_at(pgo):
    pgo.engine.behave("web", exits=1)
    repo = pgo.repo("site")
    pgo.service("site", repo)
    pgo.start()
    pgo.wait_status("site", r"last deploy +1 [^\n]*unhealthy: watch: web: exited with 1")
    assert len(pgo.engine.containers("site")) == 1


def test_files_and_containers_go_back_together(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(volumes=["./www:/www"]), "www/index.html": "one\n"})
    pgo.engine.behave("web", exits=1, image=second(pgo))
    head = repo.commit({"compose.yaml": web("pgo-test/web:2", volumes=["./www:/www"]), "www/index.html": "two\n"})
    wait_rolled_back(pgo, head, "exited with 1")
    assert_old_runs(pgo, repo)
    with open(pgo.live("site", "www", "index.html"), encoding="ascii") as page:
        assert page.read() == "one\n"


def test_putting_back_asks_neither_git_nor_a_registry(pgo):
    repo = deployed(pgo)
    pgo.engine.behave("web", exits=1, image=second(pgo))
    pgo.engine.hold("up")
    head = bad(pgo, repo)
    wait_step(pgo, "up")
    os.rename(repo.path, repo.path + ".away")
    pgo.engine.untag("pgo-test/web:1")
    pgo.engine.fail("pull")
    pgo.engine.release("up")
    wait_rolled_back(pgo, head, "exited with 1")
    assert pgo.engine.calls("pull") == [] and len(pgo.running("site")) == 1
    os.rename(repo.path + ".away", repo.path)


def test_what_in_place_left_alone_is_left_alone_when_it_is_put_back(pgo):
    model = dict(TWO, **{"x-pgo": {"update": "in-place"}})
    repo = deployed_two(pgo, model)
    (db,) = [box.id for box in pgo.running("site") if box.service == "db"]
    pgo.engine.behave("web", exits=1, image=second(pgo))
    model = {**model, "services": {**model["services"], "web": {"image": "pgo-test/web:2"}}}
    wait_rolled_back(pgo, repo.commit({"compose.yaml": model}), "exited with 1")
    wait_until(lambda: len(pgo.running("site")) == 2, "both run")
    assert db in ids(pgo)


def deployed_two(pgo, model=None, **keys):
    repo = pgo.repo("site", {"compose.yaml": model or TWO, "ssh/k.pub": pgo.key.public})
    pgo.service("site", repo, **keys)
    pgo.start().wait_deployed("site", repo.head, count=2)
    return repo


# what fails between stop and up


def test_an_up_that_is_killed_brings_the_old_release_back_and_is_tried_again(pgo):
    repo = deployed(pgo)
    pgo.engine.fail("up", status=137, times=1)
    head = bad(pgo, repo)
    pgo.wait_status("site", rf"in sync +no: commit {head[:8]}: up: [^\n]*was put back")
    assert_old_runs(pgo, repo)
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_deployed("site", head)


def test_an_image_that_vanishes_before_the_stop_stops_nothing(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    pgo.engine.hold("POST /images/*/tag")
    head = bad(pgo, repo)
    wait_step(pgo, "POST /images/*/tag")
    pgo.engine.untag("pgo-test/web:2")
    pgo.engine.prune()
    pgo.engine.release("POST /images/*/tag")
    pgo.wait_status("site", rf"in sync +no: commit {head[:8]}: keep images: [^\n]*removed from this machine")
    assert ids(pgo) == before and pgo.engine.calls("stop") == []


@pytest.mark.parametrize("step", ["stop", "up"])
def test_a_disk_that_gets_full_in_the_middle_does_not_leave_the_service_down(pgo, step):
    with small_disk(pgo) as full:
        repo = pgo.repo("site", {"compose.yaml": web(scale=2), "ssh/k.pub": pgo.key.public})
        pgo.service("site", repo)
        pgo.start()
        pgo.wait_log("pgod-core info: 1 services")  # which it has read from the database
        with reader(pgo):
            pgo.wait_deployed("site", repo.head, count=2)
            pgo.engine.hold(step)
            head = bad(pgo, repo, scale=2)
            wait_step(pgo, step)
            fill(full)
            pgo.engine.release(step)
            pgo.wait_log(rf"commit={head[:8]} ms=")
        assert "disk is full" in pgo.log(), "it was not"
        os.unlink(full)
        pgo.wait_status("site", rf"state +live.*deployed +yes: [^\n]*commit {head[:8]}")
        assert image_of(pgo) == [second(pgo)]
        pgo.engine.remove_container(pgo.running("site")[0])
        pgo.wait_running("site", count=2)
        assert image_of(pgo) == [second(pgo)]


# kill -9


def kill_and_start(pgo, step=None):
    pgo.kill()
    if step:
        pgo.engine.release(step)
    wait_until(lambda: not pgo.orphans(), "the old job ends")
    pgo.start().wait_listening()


@pytest.mark.parametrize("verb", ["stop", "up"])
def test_a_kill_in_the_put_back_converges_to_the_old_release(pgo, verb):
    repo = deployed_two(pgo)
    pgo.engine.behave("web", exits=1, image=second(pgo))
    pgo.engine.hold("up")
    head = repo.commit({"compose.yaml": {"services": {**TWO["services"], "web": {"image": "pgo-test/web:2"}}}})
    wait_step(pgo, "up")
    waiting = pgo.engine.held.pop("up")
    pgo.engine.hold(verb)
    waiting.set()
    pgo.wait_log("putting the last good release back")
    wait_step(pgo, verb)
    kill_and_start(pgo, verb)
    pgo.wait_status("site", rf"deployed +yes: [^\n]*commit {repo.head[:8]}.*in sync +no: commit {head[:8]} is rolled back")
    wait_until(lambda: image_of(pgo) == [pgo.engine.images["pgo-test/web:1"]], "the old one runs")
    pgo.wait_status("site", "state +live")
    assert_old_runs(pgo, repo)
    stays(lambda: image_of(pgo) != [second(pgo)], "the bad one is not tried again", three_polls(pgo, repo))


def test_a_kill_while_it_is_watched_recreates_nothing(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)})
    pgo.engine.behave("web", health=None, image=second(pgo))
    head = bad(pgo, repo, **HEALTHY)
    (box,) = wait_until(lambda: [b for b in pgo.running("site") if b.image_id == second(pgo)], "the new one runs")
    pgo.wait_status("site", "at step watch")
    kill_and_start(pgo)
    pgo.wait_log("interrupted at step watch: it will be finished")
    pgo.engine.set_health(box, "healthy")
    pgo.wait_deployed("site", head)
    assert ids(pgo) == [box.id]


def test_a_pgod_that_is_stopped_does_not_wait_for_the_watch(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)})
    pgo.engine.behave("web", health=None, image=second(pgo))
    head = bad(pgo, repo, **HEALTHY)
    pgo.wait_status("site", "at step watch")
    pgo.stop()
    pgo.start().wait_listening()
    pgo.wait_status("site", "at step watch")
    pgo.engine.set_health(pgo.running("site")[0], "healthy")
    pgo.wait_deployed("site", head)


# people


def test_a_hold_does_not_wait_for_the_watch_and_the_deploy_goes_on_after_it(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)})
    pgo.engine.behave("web", health=None, image=second(pgo))
    head = bad(pgo, repo, **HEALTHY)
    pgo.wait_status("site", "at step watch")
    flag = hold_down(pgo)
    wait_until(lambda: not pgo.running("site"), "held")
    pgo.engine.behave("web", image=second(pgo))
    os.unlink(flag)
    pgo.wait_deployed("site", head)


def test_an_operators_stop_does_not_wait_for_the_watch(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)})
    pgo.engine.behave("web", health=None, image=second(pgo))
    bad(pgo, repo, **HEALTHY)
    pgo.wait_status("site", "at step watch")
    assert ended(in_background(pgo, "site", "stop"), 15) == 0
    stays(lambda: not pgo.running("site"), "down", three_polls(pgo, repo))


# images


def ours(pgo, name="site"):
    return sorted(image for tag, image in list(pgo.engine.images.items()) if tag.startswith(f"pgo.local/{name}:"))


def wait_ours(pgo, images):
    """Tags are taken off when the deploy has its end, which can be read before."""
    wait_until(lambda: ours(pgo) == sorted(images), lambda: f"kept are {images}, not {ours(pgo)}")


def test_images_of_kept_releases_stay_when_everything_is_pruned(pgo):
    repo = deployed(pgo, keep=2)
    made = [pgo.engine.images["pgo-test/web:1"]]
    for number in range(2, 5):
        made.append(pgo.engine.add_image(f"pgo-test/web:{number}"))
        pgo.wait_deployed("site", bad(pgo, repo, f"pgo-test/web:{number}"))
    wait_ours(pgo, made[-2:])
    for name in [name for name in pgo.engine.images if name.startswith("pgo-test/")]:
        pgo.engine.untag(name)
    pgo.engine.prune()
    assert sorted(pgo.engine.details) == sorted(made[-2:])
    pgo.engine.remove_container(pgo.running("site")[0])
    pgo.wait_running("site")
    kept = rows(pgo, "SELECT id FROM release WHERE service = 'site'")
    assert sorted(os.listdir(os.path.join(pgo.dir, ".state", "models", "site"))) == sorted(f"{row[0]}.json" for row in kept)
    assert len(kept) == 2


def test_only_our_tags_are_taken_off(pgo):
    repo = deployed(pgo, keep=1)
    for number in range(2, 5):
        pgo.engine.add_image(f"pgo-test/web:{number}")
        pgo.wait_deployed("site", bad(pgo, repo, f"pgo-test/web:{number}"))
    assert {f"pgo-test/web:{number}" for number in range(1, 5)} <= set(pgo.engine.images)
    gone = [path for method, path in pgo.engine.requests if method == "DELETE"]
    assert gone and all(path.startswith("/images/pgo.local/site:") for path in gone)


def test_the_images_of_a_failed_release_are_let_go(pgo):
    repo = deployed(pgo)
    pgo.engine.behave("web", exits=1, image=second(pgo))
    wait_rolled_back(pgo, bad(pgo, repo), "exited with 1")
    wait_ours(pgo, [pgo.engine.images["pgo-test/web:1"]])


def test_a_removed_service_leaves_no_tag(pgo):
    deployed(pgo)
    other = pgo.repo("other")
    pgo.service("other", other)
    pgo.stop()
    del pgo.services["site"]
    pgo.start().wait_deployed("other", other.head)
    wait_until(lambda: not os.path.exists(pgo.live("site")), "its directory moved")
    assert ours(pgo) == [] and len(ours(pgo, "other")) == 1


# healing


def test_an_unhealthy_container_is_recreated_and_the_others_are_not(pgo):
    model = {"services": {"web": {"image": "pgo-test/web:1", **HEALTHY}, "db": {"image": "pgo-test/web:1"}}}
    deployed_two(pgo, model)
    boxes = {box.service: box for box in pgo.running("site")}
    pgo.engine.set_health(boxes["web"], "unhealthy")
    wait_until(lambda: {b.service: b.id for b in pgo.running("site")}.get("web") not in (None, boxes["web"].id), "another web")
    assert boxes["db"].id in ids(pgo)
    pgo.wait_status("site", "state +live")


def test_healing_stands_in_the_history_with_its_reason(pgo):
    deployed(pgo)
    pgo.engine.remove_container(pgo.running("site")[0])
    pgo.wait_running("site")
    # Another may follow: what was made is looked at a moment after compose has ended.
    wait_until(lambda: ("heal", "live", "web: no container") in deploys(pgo), "the row of the heal has its end")


def test_what_started_a_deploy_is_told(pgo):
    repo = deployed(pgo)
    pgo.wait_deployed("site", bad(pgo, repo))
    assert pgo.ctl("site", "up").returncode == 0
    assert [row[0] for row in deploys(pgo)] == ["poll", "poll", "operator"]
    assert [bool(row[0]) for row in deploys(pgo, "who")] == [False, False, True]
    pgo.engine.hold("up")
    bad(pgo, repo, environment={"A": "b"})
    wait_step(pgo, "up")
    kill_and_start(pgo, "up")
    pgo.wait_status("site", r"last deploy[^\n]*\(boot\)[^\n]*: live, took|last deploy[^\n]*unchanged")
    assert "boot" in [row[0] for row in deploys(pgo)]


def test_a_power_cut_brings_the_last_good_release_up_without_git_or_registry(pgo):
    repo = deployed(pgo)
    pgo.wait_deployed("site", bad(pgo, repo))
    pgo.kill()
    pgo.engine.power_cut()
    wait_until(lambda: not pgo.orphans(), "all of it")
    os.rename(repo.path, repo.path + ".away")
    pgo.engine.fail("pull")
    pgo.start()
    pgo.engine.start()
    pgo.wait_running("site")
    assert image_of(pgo) == [second(pgo)]
    os.rename(repo.path + ".away", repo.path)


# the log of a deploy


def test_the_log_of_a_deploy_tells_its_steps_and_what_compose_said(pgo):
    repo = deployed(pgo)
    pgo.engine.behave("web", exits=1, image=second(pgo))
    wait_rolled_back(pgo, bad(pgo, repo), "exited with 1")
    (number,) = rows(pgo, "SELECT max(id) FROM deploy WHERE trigger <> 'heal'")[0]
    path = os.path.join(pgo.dir, ".state", "logs", "site", f"{number}.log")
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path, encoding="utf-8") as text:
        log = text.read()
    for word in ("== stage", "== up", "Started", "putting release", "rolled back: watch: web: exited with 1"):
        assert word in log, log


def test_the_fix_of_a_commit_that_never_gets_healthy_waits_for_its_timeout(pgo):
    """The newer commit ends the watch: what ran before is put back, and the fix deployed right after."""
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)}, health_timeout="10m")
    pgo.engine.behave("web", health=None, image=second(pgo))
    head = bad(pgo, repo, **HEALTHY)
    pgo.wait_status("site", "at step watch")
    fix = repo.commit({"compose.yaml": web(labels={"fixed": "1"}, **HEALTHY)})
    pgo.wait_deployed("site", fix)
    (reason,) = [reason for oid, reason in deploys(pgo, "oid, reason") if oid == head]
    assert f"not healthy yet when the newer commit {fix[:8]} came" in reason and "was put back" in reason
    assert deploys(pgo, "oid, outcome")[-2:] == [(head, "rolled back"), (fix, "live")]


def test_start_first_waits_for_a_commit_that_is_no_longer_the_newest(pgo):
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)}, health_timeout="10m", update="start-first")
    before = ids(pgo)
    pgo.engine.behave("web", health=None, image=second(pgo))
    head = bad(pgo, repo, **HEALTHY)
    pgo.wait_status("site", "at step switch")
    fix = repo.commit({"README": "as before\n", "compose.yaml": web(**HEALTHY)})
    pgo.wait_deployed("site", fix)
    assert ids(pgo) == before, "the old container was not touched"
    assert deploys(pgo, "oid, outcome")[-2:] == [(head, "rolled back"), (fix, "unchanged")]


def test_commits_that_come_faster_than_containers_get_healthy_keep_all_of_them_from_going_live(pgo):
    """Only every second release in a row gives way: the others have the time they were promised."""
    repo = deployed(pgo, files={"compose.yaml": web(**HEALTHY)}, health_timeout="7s")
    pgo.engine.behave("web", health=None, image=second(pgo))
    heads = [bad(pgo, repo, **HEALTHY)]
    pgo.wait_status("site", "at step watch")
    for number in "12":
        heads.append(bad(pgo, repo, labels={"n": number}, **HEALTHY))
        pgo.wait_status("site", rf"last deploy[^\n]* of {heads[1][:8]}: at step watch")
    wait_until(lambda: [outcome for oid, outcome in deploys(pgo, "oid, outcome") if oid == heads[1]] == ["rolled back"], "it had the time that it was promised")
    pgo.engine.behave("web", image=second(pgo))
    pgo.wait_judged("site", heads[2])
    reasons = {oid: reason for oid, reason in deploys(pgo, "oid, reason") if oid in heads}
    assert "came, which goes first" in reasons[heads[0]]
    assert "not within 7 s" in reasons[heads[1]] and set(reasons) == set(heads)
