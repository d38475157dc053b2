"""Private registries: Debian's docker-registry with passwords, and registries that stall, lie and echo."""

import base64
import contextlib
import os
import re
import shutil

import pytest

from lib.host import all_pids, command_of, wait_until
from lib.registries import Registry
from test_commit import fetch, only, site_files, wait_page

ALICE = "p@ss:w0rd@alice"
BOB = "bob.t@ken"


@pytest.fixture(autouse=True)
def unused_home(accounts):
    """Services without `registries` use the .docker of their account, and buildx makes one: that of other tests goes."""
    shutil.rmtree(os.path.join(accounts.a.pw_dir, ".docker"), ignore_errors=True)


def private(pgo, name, page, image, entries, **keys):
    repo = pgo.repo(name, site_files(pgo, page, image))
    pgo.service(name, repo, registries=entries, **keys)
    return repo


def files_below(top):
    for folder, _, names in os.walk(top):
        for name in names:
            yield os.path.join(folder, name)


def where_is(secret, top):
    found = []
    for path in files_below(top):
        # pgod works meanwhile: git's files come and go.
        with contextlib.suppress(FileNotFoundError), open(path, "rb") as content:
            if secret.encode() in content.read():
                found.append(path)
    return found


def nothing_is_left(pgo, *secrets):
    assert os.listdir(os.path.join(pgo.dir, ".private")) == []
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        assert "pgo-private" not in mounts.read()
    assert not os.path.exists(os.path.join(pgo.accounts.a.pw_dir, ".docker"))
    for secret in secrets:
        for form in (secret, *(base64.b64encode(f"{user}:{secret}".encode()).decode() for user in ("alice", pgo.accounts.a.pw_name))):
            assert where_is(form, pgo.dir) == []
            assert where_is(form, pgo.accounts.a.pw_dir) == []
            assert form not in pgo.log()


def test_services_of_one_account_log_in_to_the_same_registry_under_different_names(pgo):
    registry = Registry(pgo, {"alice": ALICE, pgo.accounts.a.pw_name: BOB})
    one, two = registry.push("pgo-test/web:1", "one"), registry.push("pgo-test/web:2", "two")
    first = private(pgo, "site", "one", one, [f"alice:{ALICE}@{registry.host}"])
    # Without a user, the service's own.
    second = private(pgo, "shop", "two", two, [f"{BOB}@{registry.host}"])
    pgo.start("--debug").wait_deployed("site", first.head, deadline=60)
    pgo.wait_deployed("shop", second.head, deadline=60)
    assert registry.who_pulled("one") == {f"alice:{ALICE}"}
    assert registry.who_pulled("two") == {f"{pgo.accounts.a.pw_name}:{BOB}"}
    nothing_is_left(pgo, ALICE, BOB)


def test_a_token_that_is_refused_takes_nothing_down_and_a_new_one_counts_at_once(pgo):
    registry = Registry(pgo, {"alice": ALICE})
    image = registry.push("pgo-test/web:2", "one")
    repo = private(pgo, "site", "one", "pgo-test/web:1", [f"alice:wr0ng-token@{registry.host}"])
    pgo.start().wait_deployed("site", repo.head, deadline=60)
    before = only(pgo).id
    head = repo.commit(site_files(pgo, "two", image))
    text = pgo.wait_status("site", rf"last deploy[^\n]* of {head[:8]}: failed, took", 60)
    # The registry's own words, which compose service, and which registry.
    assert re.search(rf"pull: web \({registry.host}\): [^\n]*(unauthorized|authentication required|no basic auth)", text, re.I), text
    assert only(pgo).id == before and fetch(only(pgo)) == "one"
    mark = len(pgo.log())
    pgo.services["site"]["registries"] = [f"alice:{ALICE}@{registry.host}"]
    pgo.write_config()
    assert pgo.wait_exit(60) == 2
    pgo.start(write=False)
    wait_page(pgo, "two")
    # The retry would have been due after half a minute and more.
    assert "wr0ng" not in pgo.log()[mark:]
    nothing_is_left(pgo, ALICE, "wr0ng-token")


def compose_pulls(pgo):
    """Those of this pgod, or of the one before it, that are at it: other tests have a site as well."""
    return [pid for pid in all_pids() if pgo.live("site") in command_of(pid) and " pull" in command_of(pid)]


def environ_of(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as content:
            return content.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def test_a_registry_that_never_answers_shows_no_token_and_a_kill_leaves_none(pgo):
    secret = "st4lled-token"
    registry = Registry(pgo, {"alice": secret})
    host = registry.host
    repo = private(pgo, "site", "one", "pgo-test/web:1", [f"alice:{secret}@{host}"])
    pgo.start().wait_deployed("site", repo.head, deadline=60)
    before = only(pgo).id
    repo.commit(site_files(pgo, "two", f"{host}/stall:1"))
    wait_until(lambda: "/stall/" in registry.requests(), "the registry is asked", 60)
    (pull,) = compose_pulls(pgo)
    for pid in all_pids():
        assert secret not in command_of(pid) and secret.encode() not in environ_of(pid), command_of(pid)
    # The job itself sees it, through its own mounts; nobody else does.
    with open(f"/proc/{pull}/root{pgo.dir}/.private/config.json", encoding="ascii") as config:
        assert host in config.read()
    assert os.stat(f"/proc/{pull}/root{pgo.dir}/.private/config.json").st_mode & 0o777 == 0o600
    assert os.listdir(os.path.join(pgo.dir, ".private")) == []
    pgo.kill()
    assert os.listdir(os.path.join(pgo.dir, ".private")) == []
    pgo.services["site"]["timeout"] = "7s"
    pgo.start()
    # The next pgod ends what is left of the last one, and tries for itself, until the step's deadline.
    pgo.wait_status("site", r"last deploy[^\n]*: failed, took", 90)
    assert only(pgo).id == before and fetch(only(pgo)) == "one"
    pgo.stop()
    wait_until(lambda: not compose_pulls(pgo), "no pull is left")
    nothing_is_left(pgo, secret)


def test_a_registry_that_answers_rubbish_is_quoted_bounded_and_escaped(pgo):
    secret = "t0ken-for-it"
    registry = Registry(pgo, {"alice": secret})
    repo = private(pgo, "site", "one", "pgo-test/web:1", [f"alice:{secret}@{registry.host}"])
    pgo.start().wait_deployed("site", repo.head, deadline=60)
    for name in ("garbage", "echo"):
        head = repo.commit(site_files(pgo, name, f"{registry.host}/{name}:1"))
        text = pgo.wait_status("site", rf"last deploy[^\n]* of {head[:8]}: failed, took", 60)
        assert "\x1b" not in text and len(text) < 8000, text
        assert fetch(only(pgo)) == "one"
    assert registry.who_pulled("echo") == {f"alice:{secret}"}
    nothing_is_left(pgo, secret)


def test_a_build_starts_from_a_private_image(pgo):
    registry = Registry(pgo, {"alice": ALICE})
    image = registry.push("pgo-test/web:1", "base")
    repo = pgo.repo("site", {**site_files(pgo, "built"), "Dockerfile": f"FROM {image}\nLABEL of=ours\n"})
    head = repo.commit({"compose.yaml": {"services": {"web": {"build": ".", "volumes": ["./www:/www:ro"], "stop_grace_period": "0s"}}}})
    pgo.service("site", repo, registries=[f"alice:{ALICE}@{registry.host}"])
    pgo.start().wait_deployed("site", head, deadline=60)
    assert fetch(only(pgo)) == "built"
    assert registry.who_pulled("base") == {f"alice:{ALICE}"}
    nothing_is_left(pgo, ALICE)
