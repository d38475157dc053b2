"""The fake engine does what the real one does where other tests rely on it."""

import json

import pytest

from lib.real_engine import UnixConnection


@pytest.fixture
def ask(engine):
    def ask(method, path, body=None):
        connection = UnixConnection(engine.path)
        connection.request(method, path, body and json.dumps(body))
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, json.loads(data) if data else None

    return ask


def model(**services):
    networks = {"default": {"name": "site_default"}}
    full = {name: {"image": "pgo-test/web:1", "networks": {"default": None}, **keys} for name, keys in services.items()}
    return {"name": "site", "services": full, "networks": networks}


def up(engine, *args, **services):
    return engine.do({"project": "site", "verb": "up", "args": list(args), "model": model(**services)})


def states(engine):
    return [(box.service, box.state, box.exit_code, box.health) for box in engine.containers("site")]


def test_what_a_container_was_told_to_do_it_does(engine):
    engine.behave("job", exits=3)
    engine.behave("loop", exits=1)
    engine.behave("twice", exits=[1, 1, None])
    engine.behave("sick", health="unhealthy")
    engine.behave("slow", health=None)
    check = {"healthcheck": {"test": ["CMD", "true"]}}
    up(engine, job={}, loop={"restart": "always"}, twice={"restart": "on-failure"}, sick=check, slow=check, well=check, plain={})
    assert states(engine) == [
        ("job", "exited", 3, None),
        ("loop", "restarting", 1, None),
        ("twice", "running", 0, None),
        ("sick", "running", 0, "unhealthy"),
        ("slow", "running", 0, "starting"),
        ("well", "running", 0, "healthy"),
        ("plain", "running", 0, None),
    ]


def test_a_port_that_is_taken_keeps_a_container_from_starting(engine, ask):
    engine.occupy_port(5005)
    ports = {"ports": [{"published": "5005", "target": 80}]}
    done = up(engine, web=ports)
    assert done["status"] == 1 and "port is already allocated" in done["stderr"]
    ((_, state, _, _),) = states(engine)
    assert state == "created"
    assert ask("POST", f"/v1.41/containers/{engine.containers()[0].id}/start")[0] == 500


def test_images_have_names_that_come_and_go(engine, ask):
    image_id, other = engine.images["pgo-test/web:1"], engine.images["pgo-test/web:2"]
    assert ask("POST", f"/images/{image_id}/tag?repo=pgo.local/site&tag=abc")[0] == 201
    engine.add_image("pgo-test/web:1")
    engine.untag("pgo-test/web:2")
    engine.prune()
    assert ask("GET", f"/images/{other}/json")[0] == 404
    assert ask("GET", f"/images/{image_id}/json")[1]["RepoTags"] == ["pgo.local/site:abc"]
    assert ask("DELETE", "/images/pgo.local/site:abc")[1] == [{"Untagged": "pgo.local/site:abc"}, {"Deleted": image_id}]
    assert ask("GET", f"/images/{image_id}/json")[0] == 404


def test_a_second_container_is_made_beside_the_first_and_takes_its_place(engine, ask):
    up(engine, web={})
    up(engine, "--no-start", "--no-deps", "--no-recreate", "--scale", "web=2", "web", web={"environment": {"A": "b"}})
    old, new = engine.containers("site")
    assert (old.state, new.state, new.name) == ("running", "created", "site-web-2")
    for verb, body in (("disconnect", {}), ("connect", {}), ("disconnect", {}), ("connect", {"EndpointConfig": {"Aliases": ["web"]}})):
        assert ask("POST", f"/networks/site_default/{verb}", {"Container": new.id, **body})[0] == 200
    assert new.networks["site_default"]["Aliases"] == ["web"]
    assert ask("POST", f"/containers/{new.id}/start")[0] == 204
    assert ask("DELETE", f"/containers/{old.id}")[0] == 409
    assert ask("POST", f"/containers/{old.id}/stop?t=1")[0] == 204 and ask("DELETE", f"/containers/{old.id}")[0] == 204
    assert engine.containers("site") == [new]


def test_an_order_whose_process_was_killed_is_not_carried_out_any_further(engine):
    up(engine, web={})
    (old,) = engine.containers("site")
    alive = iter([True, True, False])
    engine.do({"project": "site", "verb": "up", "args": ["--force-recreate"], "model": model(web={})}, lambda: next(alive))
    assert [box.state for box in engine.containers("site")] == ["exited", "created"]
    up(engine, web={})
    assert states(engine) == [("web", "running", 0, None)] and engine.containers("site")[0].name == old.name


def test_a_request_fails_as_often_as_it_was_told_to(engine, ask):
    engine.fail("GET /images/*", 500, "no", times=2)
    assert [ask("GET", "/images/pgo-test/web:1/json")[0] for _ in range(3)] == [500, 500, 200]
