"""What containers mount of the host is pinned: the inode that was verified is the one that is mounted."""

import os
import socket

from lib.host import run, wait_until
from lib.pgo import web


def mounted(pgo):
    """What the engine was given to mount by the last `up`."""
    model = pgo.engine.calls("up")[-1]["model"]
    paths = [mount["source"] for service in model["services"].values() for mount in service.get("volumes", [])]
    return set(paths) | {entry["file"] for kind in ("configs", "secrets") for entry in model.get(kind, {}).values()}


def deployed(pgo, volumes=("./www:/www",), **files):
    repo = pgo.repo("site", {"compose.yaml": web(volumes=list(volumes)), "www/page": "one\n", **files})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head)
    return repo


def pin_of(pgo, *parts):
    return pgo.pins("site").get(pgo.live("site", *parts))


def shown(pgo, *parts):
    (path,) = pgo.pins("site").values()
    with open(os.path.join(path, *parts), encoding="ascii") as text:
        return text.read()


def swap(pgo):
    """A container with the directory above puts something else in the place of the source."""
    os.rename(pgo.live("site", "www"), pgo.live("site", "old"))
    os.symlink("/etc", pgo.live("site", "www"))


def heal(pgo):
    ups = len(pgo.engine.calls("up"))
    pgo.engine.remove_container(pgo.running("site")[0])
    wait_until(lambda: len(pgo.engine.calls("up")) > ups, "it is brought up again")
    pgo.wait_running("site")


def test_the_engine_follows_a_name_that_a_container_can_change(pgo):
    model = web(volumes=["./www:/www", "./new:/new"], secrets=["key"])
    model["secrets"] = {"key": {"file": "./key"}}
    repo = pgo.repo("site", {"compose.yaml": model, "www/page": "one\n", "key": "secret\n"})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head)
    pins = pgo.pins("site")
    assert set(pins) == {pgo.live("site", name) for name in ("www", "new", "key")}
    assert mounted(pgo) == set(pins.values())
    with open(os.path.join(pins[pgo.live("site", "www")], "page"), encoding="ascii") as page:
        assert page.read() == "one\n"
    # Made by the account, not by root.
    assert os.stat(pins[pgo.live("site", "new")]).st_uid == pgo.accounts.a.pw_uid
    assert os.stat(os.path.join(pgo.run, "pins")).st_mode & 0o777 == 0o700


def test_a_swapped_source_is_mounted_by_a_heal_or_a_restart(pgo):
    deployed(pgo)
    swap(pgo)
    heal(pgo)
    assert shown(pgo, "page") == "one\n"
    assert pgo.ctl("site", "restart").returncode == 0
    assert shown(pgo, "page") == "one\n"
    assert mounted(pgo) == set(pgo.pins("site").values())


def test_a_restart_or_a_kill_of_pgod_loses_the_pins(pgo):
    deployed(pgo)
    before = pgo.pins("site")
    swap(pgo)
    pgo.stop()
    assert set(pgo.pins("site").values()) == set(before.values())
    for end in (pgo.stop, pgo.kill):
        pgo.start().wait_status("site", "healthy +yes")
        heal(pgo)
        assert shown(pgo, "page") == "one\n"
        end()
    assert set(pgo.pins("site").values()) == set(before.values())


def test_a_kill_of_core_loses_the_pins(pgo):
    deployed(pgo)
    (core,) = pgo.role_pids("pgod-core")
    os.kill(core, 9)
    wait_until(lambda: pgo.role_pids("pgod-core") not in ([], [core]), "another core")
    pgo.wait_status("site", "healthy +yes")
    heal(pgo)
    assert shown(pgo, "page") == "one\n"


def test_an_engine_that_starts_when_pgod_is_ready_finds_no_pins(pgo):
    deployed(pgo)
    pgo.stop()
    pgo.reboot()
    assert not pgo.pins("site")
    pgo.engine.stop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(pgo.path("notify"))
        notify.settimeout(60)
        env = pgo.env
        pgo.env = lambda: {**env(), "NOTIFY_SOCKET": pgo.path("notify")}
        pgo.start()
        while notify.recv(4096) != b"READY=1":
            pass
    assert shown(pgo, "page") == "one\n"
    pgo.engine.start()


def test_a_commit_mounts_the_file_of_the_one_before(pgo):
    repo = deployed(pgo, ("./conf:/conf",), conf="first\n")
    assert shown(pgo) == "first\n"
    pgo.wait_deployed("site", repo.commit({"conf": "second\n"}))
    assert shown(pgo) == "second\n"


def test_a_rename_of_the_operators_is_not_mounted_by_up(pgo):
    deployed(pgo)
    os.rename(pgo.live("site", "www"), pgo.live("site", "old"))
    run("cp", "-a", pgo.live("site", "old"), pgo.live("site", "www"))
    with open(pgo.live("site", "www", "page"), "w", encoding="ascii") as text:
        text.write("mine\n")
    assert pgo.ctl("site", "restart").returncode == 0
    assert shown(pgo, "page") == "one\n"
    assert pgo.ctl("site", "up").returncode == 0
    assert shown(pgo, "page") == "mine\n"


def test_a_link_in_the_place_of_a_source_takes_the_service_down(pgo):
    repo = deployed(pgo)
    before = pgo.running("site")[0].id
    swap(pgo)
    pgo.wait_judged("site", repo.commit({"compose.yaml": web(volumes=["./www:/www"], labels={"a": "b"})}))
    assert pgo.running("site")[0].id == before
    assert shown(pgo, "page") == "one\n"


def test_pins_that_nobody_mounts_any_more_stay(pgo):
    repo = deployed(pgo, ("./www:/www", "./more:/more"))
    assert len(pgo.pins("site")) == 2
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web(volumes=["./www:/www"])}))
    wait_until(lambda: set(pgo.pins("site")) == {pgo.live("site", "www")}, "the other one goes")
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web()}))
    wait_until(lambda: not pgo.pins("site"), "all go")


def test_a_removed_service_leaves_its_pins(pgo):
    deployed(pgo)
    pgo.service("other", pgo.repo("other"))
    pgo.stop()
    del pgo.services["site"]
    pgo.start()
    wait_until(lambda: not pgo.pins("site"), "its pins go")
    wait_until(lambda: not os.path.exists(pgo.live("site")), "its directory goes")
    with os.scandir(os.path.join(pgo.dir, ".removed")) as entries:
        (kept,) = entries
    with open(os.path.join(kept.path, "tree", "www", "page"), encoding="ascii") as page:
        assert page.read() == "one\n"
