"""Compose killed between the end of a container and the name of the one that takes its place: it runs, and nobody finds it by its name."""

import pytest

from lib.host import kill_quietly, state_of, wait_until
from lib.pgo import web
from lib.scenes import deployed, in_background, wait_step

IN_PLACE = {"update": "in-place"}
RENAME = "up:rename"  # the old container has gone, the new one has its passing name still


def kill_both(pgo):
    """pgod, and the compose that it would leave behind, at the rename."""
    wait_step(pgo, RENAME)
    pgo.kill()
    (waiting,) = [entry for entry in pgo.engine.waiting if entry["verb"] == RENAME]
    pid = pgo.engine.calls("up", waiting["project"])[-1]["pid"]
    kill_quietly(pid)
    wait_until(lambda: state_of(pid) == "Z", "compose has ended")
    pgo.engine.release(RENAME)


def names(pgo):
    return [box.name for box in pgo.running("site")]


@pytest.mark.parametrize("keys, name", [({}, "site-web-1"), ({"container_name": "site-front"}, "site-front")])
def test_a_deploy_that_died_before_the_rename_gives_the_container_its_name(pgo, keys, name):
    repo = deployed(pgo, files={"compose.yaml": web(x_pgo=IN_PLACE, **keys)})
    pgo.engine.hold(RENAME)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2", x_pgo=IN_PLACE, **keys)})
    kill_both(pgo)
    passing = [box.name for box in pgo.engine.containers("site")]
    assert len(passing) == 1 and passing[0].endswith("_" + name), passing
    pgo.start()
    pgo.wait_deployed("site", head)
    wait_until(lambda: names(pgo) == [name], lambda: f"the only one is {name}: {names(pgo)}")


def test_a_heal_that_died_before_the_rename_gives_the_container_its_name(pgo):
    files = {"compose.yaml": web(healthcheck={"test": ["CMD", "true"]})}
    repo = deployed(pgo, files=files)
    (box,) = pgo.running("site")
    pgo.engine.hold(RENAME)
    pgo.engine.set_health(box, "unhealthy")
    kill_both(pgo)
    pgo.start()
    pgo.wait_deployed("site", repo.head)
    wait_until(lambda: names(pgo) == ["site-web-1"], lambda: f"it has its name: {names(pgo)}")


def test_a_name_that_another_container_has_is_left_to_it(pgo):
    """Tried once for each deploy, and said."""
    repo = deployed(pgo, files={"compose.yaml": web(x_pgo=IN_PLACE)})
    pgo.engine.hold(RENAME)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2", x_pgo=IN_PLACE)})
    kill_both(pgo)
    (mine,) = pgo.engine.containers("site")
    other = pgo.engine.do_up("other", [], web(container_name="site-web-1"), lambda where=None: None)
    pgo.start()
    pgo.wait_deployed("site", head)
    pgo.wait_log(f"container {mine.id[:12]} cannot be given its name: .*already in use")
    assert names(pgo) == [mine.name] and other is not None
    for box in pgo.engine.containers("other"):
        pgo.engine.remove_container(box)
    in_background(pgo, "site", "up")
    wait_until(lambda: names(pgo) == ["site-web-1"], lambda: f"it has its name after all: {names(pgo)}")
    assert len([request for request in pgo.engine.requests if request[1].endswith("/rename")]) == 2
