"""The life of a commit with a real engine: what the page says is what counts."""

import os
import re
import subprocess
import urllib.request

import pytest

from lib.host import run, wait_until
from lib.servers import http_git, ssh_git

SERVE = """\
services:
  web:
    image: {image}
    volumes: ["./www:/www:ro"]
    stop_grace_period: 1s
{more}"""


def site_files(pgo, page, image="pgo-test/web:1", more=""):
    return {"compose.yaml": SERVE.format(image=image, more=more), "www/index.html": page + "\n", "ssh/k.pub": pgo.key.public}


def fetch(box, path="/"):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{box.address}:8080{path}", timeout=10) as answer:
        return answer.read().decode().strip()


def only(pgo, name="site"):
    (box,) = pgo.running(name)
    return box


def wait_page(pgo, page, name="site", deadline=40):
    def shown():
        pgo.check_alive()
        return fetch(only(pgo, name)) == page

    wait_until(shown, f"the page of {name} says {page!r}", deadline)
    return only(pgo, name)


def deployed(pgo, page="one", url=None, **keys):
    repo = pgo.repo("site", site_files(pgo, page))
    pgo.service("site", url(repo) if url else repo, **keys)
    pgo.start()
    wait_page(pgo, page)
    pgo.wait_deployed("site", repo.head)
    return repo


@pytest.mark.parametrize("transport", ["file", "http", "ssh"])
def test_a_commit_changes_the_page(pgo, transport):
    urls = {
        "file": lambda repo: repo.url,
        "http": lambda repo: http_git(pgo, pgo.path("repos"), password="pw") + "/site/.git",
        "ssh": lambda repo: ssh_git(pgo, pgo.accounts.a) + repo.path,
    }
    repo = deployed(pgo, url=urls[transport])
    before = only(pgo).id
    # The old container sees the new file a moment before it is replaced.
    pgo.wait_deployed("site", repo.commit({"www/index.html": "two\n"}))
    assert wait_page(pgo, "two").id != before


def test_a_variable_of_the_jobs_reaches_a_container(pgo):
    """A variable without a value is looked for when the file is resolved, and not again when it is applied."""
    repo = deployed(pgo)
    more = "    environment: [HOME, DOCKER_HOST, LANG, OF_NOBODY, OF_THE_FILE]\n"
    pgo.wait_deployed("site", repo.commit({**site_files(pgo, "two", more=more), ".env": "OF_THE_FILE=yes\n"}))
    box = only(pgo)
    told = pgo.engine.ask("GET", f"/containers/{box.id}/json")[1]["Config"]["Env"]
    # Without a "=" the engine takes it for one that the image must not set either.
    assert [entry for entry in told if "=" in entry and not entry.startswith("PATH=")] == ["OF_THE_FILE=yes"], told


def test_an_unchanged_service_is_left_alone(pgo):
    repo = deployed(pgo)
    before = only(pgo).id
    head = repo.commit({"README": "nothing that is read\n"})
    pgo.wait_deployed("site", head)
    assert only(pgo).id == before


BAD = {
    "yaml": ("services: [\n", "yaml|parse|mapping|services"),
    "privileged": (SERVE.format(image="pgo-test/web:1", more="    privileged: true\n"), "privileged"),
    "image": (SERVE.format(image="pgo-test/none:1", more=""), "pull.*web"),
    "extends": (SERVE.format(image="pgo-test/web:1", more="    extends: {file: /etc/passwd, service: x}\n"), "passwd|extends|mapping"),
    "cycle": ("services:\n  a: {extends: {service: b}}\n  b: {extends: {service: a}}\n", "circular|cycl|extends"),
    "include": ("include: [/etc/hostname]\nservices: {}\n", "hostname|include"),
    "env_file": (SERVE.format(image="pgo-test/web:1", more="    env_file: /etc/shadow\n"), "shadow|env file"),
    "env_file-inside": (SERVE.format(image="pgo-test/web:1", more="    env_file: ../other/.env\n"), "env"),
    "bind": ("services: {web: {image: 'pgo-test/web:1', volumes: ['/:/host']}}\n", "volumes"),
    "devices": ("services: {web: {image: 'pgo-test/web:1', pid: host}}\n", "pid"),
    "x-pgo in a service": (SERVE.format(image="pgo-test/web:1", more="    x-pgo: {update: in-place}\n"), "compose.yaml:6: x-pgo must stand"),
    "tag": ("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nservices: {web: {image: x, command: *c}}\n", "."),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_release_leaves_the_same_container_running(pgo, kind):
    content, word = BAD[kind]
    repo = deployed(pgo)
    before = only(pgo).id
    bad = repo.commit({"compose.yaml": content})
    text = pgo.wait_judged("site", bad)
    assert re.search(word, text, re.I) and "root:" not in text
    assert only(pgo).id == before and fetch(only(pgo)) == "one"
    assert pgo.ctl("site", "up").returncode != 0
    assert only(pgo).id == before and fetch(only(pgo)) == "one"


def test_a_removed_container_comes_back(pgo):
    pgo.poll = "10m"
    deployed(pgo)
    pgo.engine.remove_container(only(pgo))
    wait_page(pgo, "one")


def test_a_killed_container_comes_back(pgo):
    pgo.poll = "10m"
    deployed(pgo)
    pgo.engine.kill_container(only(pgo))
    wait_page(pgo, "one")


def test_an_engine_restart_brings_everything_back(pgo):
    deployed(pgo)
    pgo.engine.restart()
    wait_page(pgo, "one")


def test_a_power_cut_of_the_engine_brings_everything_back(pgo):
    deployed(pgo)
    pgo.engine.power_cut()
    pgo.engine.start()
    wait_page(pgo, "one")


def test_an_engine_that_is_down_at_the_start_is_waited_for(pgo):
    repo = pgo.repo("site", site_files(pgo, "one"))
    pgo.service("site", repo)
    pgo.engine.stop()
    try:
        pgo.start().wait_listening()
        pgo.wait_log("engine")
    finally:
        pgo.engine.start()
    wait_page(pgo, "one")


def test_data_of_anonymous_and_named_volumes_survives_a_change(pgo):
    more = "    volumes: ['./www:/www:ro', '/data', 'named:/tmp']\nvolumes: {named: {}}\n"
    files = {"compose.yaml": SERVE.format(image="pgo-test/web:1", more="").replace("    volumes: [\"./www:/www:ro\"]\n", "") + more}
    repo = pgo.repo("site", {**site_files(pgo, "one"), **files})
    pgo.service("site", repo)
    pgo.start().wait_deployed("site", repo.head)
    write = "echo anonymous >/data/x; echo named >/tmp/x"
    assert pgo.ctl("site", "exec", "web", "sh", "-c", write).returncode == 0
    before = only(pgo).id
    repo.commit({"www/index.html": "two\n"})
    wait_until(lambda: only(pgo).id != before and fetch(only(pgo)) == "two", "replaced", 40)
    assert pgo.ctl("site", "exec", "web", "cat", "/data/x", "/tmp/x").stdout == "anonymous\nnamed\n"


def test_bind_mounted_data_in_the_checkout_survives_a_force_push(pgo):
    more = "    user: '0'\n"
    files = {**site_files(pgo, "one"), "compose.yaml": SERVE.format(image="pgo-test/web:1", more=more).replace(':ro"]', ':ro", "./db:/data"]')}
    repo = pgo.repo("site", files)
    pgo.service("site", repo)
    pgo.start()
    wait_page(pgo, "one")
    pgo.wait_deployed("site", repo.head)
    assert pgo.ctl("site", "exec", "web", "sh", "-c", "echo precious >/data/rows").returncode == 0
    repo.git("commit", "-q", "--amend", "-m", "rewritten")
    repo.commit({"www/index.html": "two\n"})
    wait_page(pgo, "two")
    with open(pgo.live("site", "db", "rows"), encoding="ascii") as rows:
        assert rows.read() == "precious\n"


def test_an_image_is_built_from_the_repository(pgo):
    files = {
        "compose.yaml": "services: {web: {build: ., stop_grace_period: 1s}}\n",
        "Dockerfile": "FROM pgo-test/web:1\nCOPY page /www/index.html\n",
        "page": "built\n",
        "ssh/k.pub": pgo.key.public,
    }
    repo = pgo.repo("site", files)
    pgo.service("site", repo)
    pgo.start()
    wait_page(pgo, "built")
    before = only(pgo).id
    pgo.wait_deployed("site", repo.commit({"page": "rebuilt\n"}))
    assert wait_page(pgo, "rebuilt").id != before


def test_an_external_network_of_another_service_is_waited_for(pgo):
    edge = "    networks: [edge]\nnetworks: {edge: {external: true, name: pgot-edge}}\n"
    files = {**site_files(pgo, "one"), "compose.yaml": SERVE.format(image="pgo-test/web:1", more=edge)}
    repo = pgo.repo("site", files)
    pgo.service("site", repo)
    pgo.start().wait_listening()
    pgo.wait_log("pgot-edge")
    assert not pgo.running("site")
    pgo.engine.create_network("pgot-edge")
    wait_page(pgo, "one")


def test_a_removed_service_loses_containers_and_networks_and_keeps_volumes(pgo):
    files = {**site_files(pgo, "one"), "compose.yaml": SERVE.format(image="pgo-test/web:1", more="volumes: {kept: {}}\n").replace(':ro"]', ':ro", "kept:/data"]')}
    repo = pgo.repo("site", files)
    pgo.service("site", repo)
    pgo.start()
    wait_page(pgo, "one")
    pgo.wait_deployed("site", repo.head)
    other = pgo.repo("other", site_files(pgo, "other"))
    pgo.service("other", other)
    pgo.stop()
    del pgo.services["site"]
    pgo.start()
    wait_until(lambda: not pgo.engine.containers("site"), "gone", 40)
    wait_page(pgo, "other", "other")
    assert "site_kept" in pgo.engine.volumes()


def test_sigkill_of_pgod_at_any_step_of_a_deploy_converges(pgo):
    repo = deployed(pgo)
    for page in ("two", "three", "four"):
        repo.commit({"www/index.html": page + "\n"})
        mark = len(pgo.log())
        wait_until(lambda: len(pgo.log()) > mark, "pgod works on it")
        pgo.kill()
        pgo.start()
        wait_page(pgo, page)


def test_containers_of_somebody_else_are_not_touched(pgo):
    done = run("docker", "run", "-d", "--name", "bystander", "pgo-test/web:1", env={**os.environ, "DOCKER_HOST": pgo.engine.docker_host})
    deployed(pgo)
    assert pgo.ctl("site", "down").returncode == 0
    status, body = pgo.engine.ask("GET", "/containers/bystander/json")
    assert status == 200 and body["State"]["Running"] and body["Id"] == done.stdout.strip()


def test_operations_with_the_real_compose(pgo):
    deployed(pgo)
    assert "site-web-1" in pgo.ctl("site", "ps").stdout
    assert pgo.ctl("site", "exec", "web", "sh", "-c", "exit 5").returncode == 5
    assert pgo.ctl("site", "exec", "web", "echo", "a  b", "c'd").stdout == "a  b c'd\n"
    before = only(pgo).id
    assert pgo.ctl("site", "restart").returncode == 0
    assert wait_page(pgo, "one").id == before
    assert pgo.ctl("site", "stop").returncode == 0
    wait_until(lambda: not pgo.running("site"), "stopped")
    assert pgo.ctl("site", "start").returncode == 0
    wait_page(pgo, "one")
    assert pgo.ctl("site", "down").returncode == 0
    assert not pgo.engine.containers("site")
    up = pgo.ctl("site", "up")
    assert up.returncode == 0 and "Started" in up.stdout + up.stderr
    wait_page(pgo, "one")


def test_following_logs_stream_and_end_with_the_client(pgo):
    deployed(pgo)
    client = subprocess.Popen(pgo.ssh_argv("site//logs -f"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        assert pgo.ctl("site", "exec", "web", "sh", "-c", "echo one line >/proc/1/fd/1").returncode == 0
        assert any(b"one line" in line for line in iter(client.stdout.readline, b""))
    finally:
        client.kill()
        client.communicate()
    pgo.stop()
