"""Kill -9 of pgod at each moment of a start-first: what is there afterwards is one release, and nothing beside it."""

import pytest

from lib.host import wait_until
from lib.scenes import by_service, shop, shop_deployed

MOMENTS = [
    "up",
    "up:end",
    "POST /networks/*/disconnect",
    "POST /networks/*/connect",
    "POST /containers/*/start",
    "POST /containers/*/stop",
    "DELETE /containers/*",
]


def killed_at(pgo, moment, commit):
    """Kills pgod while this step is under way, and starts it again."""
    pgo.engine.hold(moment)
    head = commit()
    wait_until(lambda: pgo.engine.waiting, f"{moment} is under way", 30)
    pgo.kill()
    pgo.engine.release(moment)
    pgo.start()
    return head


def only_new(pgo, old):
    boxes = by_service(pgo, "web")
    return len(boxes) == 1 and boxes[0].id != old.id and boxes[0].state == "running"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_in_the_middle_of_a_switch_leaves_no_second_container(pgo, moment):
    repo = shop_deployed(pgo)
    (old,) = by_service(pgo, "web")
    head = killed_at(pgo, moment, lambda: repo.commit({"compose.yaml": shop("pgo-test/web:2")}))
    pgo.wait_deployed("site", head, deadline=40)
    wait_until(lambda: only_new(pgo, old), "one new container runs")
    names = [set(net["Aliases"]) for net in by_service(pgo, "web")[0].networks.values()]
    assert all("web" in found for found in names)


def test_a_kill_while_health_is_awaited_leaves_no_second_container(pgo):
    repo = shop_deployed(pgo)
    (old,) = by_service(pgo, "web")
    pgo.engine.behave("web", health=None)
    head = repo.commit({"compose.yaml": shop("pgo-test/web:2")})
    wait_until(lambda: len(pgo.running("site")) == 2, "the new one runs beside the old")
    pgo.kill()
    assert old.state == "running"
    pgo.engine.behave("web")
    pgo.start()
    pgo.wait_deployed("site", head, deadline=40)
    wait_until(lambda: only_new(pgo, old), "one new container runs")


def test_a_cancel_while_health_is_awaited_leaves_the_old_one_alone(pgo):
    repo = shop_deployed(pgo, health_timeout="10m")
    (old,) = by_service(pgo, "web")
    good = repo.head
    pgo.engine.behave("web", health=None)
    head = repo.commit({"compose.yaml": shop("pgo-test/web:2")})
    wait_until(lambda: len(pgo.running("site")) == 2, "the new one runs beside the old")
    assert pgo.ctl("site", "cancel").returncode == 0
    assert "cancelled" in pgo.wait_judged("site", head)
    assert [box.id for box in by_service(pgo, "web")] == [old.id]
    assert old.state == "running" and pgo.ref("site") == good


def test_a_hold_while_health_is_awaited_is_heeded_at_once(pgo):
    repo = shop_deployed(pgo, health_timeout="10m")
    pgo.engine.behave("web", health=None)
    repo.commit({"compose.yaml": shop("pgo-test/web:2")})
    wait_until(lambda: len(pgo.running("site")) == 2, "the new one runs beside the old")
    assert pgo.ctl("site", "hold").returncode == 0
    wait_until(lambda: not pgo.running("site"), "everything is down", 4)
