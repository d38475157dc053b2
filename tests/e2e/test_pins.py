"""What was verified is what the engine mounts, whoever swaps it, after every kind of restart; and never an empty directory in its place."""

import os

from lib.host import run, wait_until
from test_commit import fetch

ROUNDS = 50

PAGE = """\
services:
  web:
    image: pgo-test/web:1
    volumes: ["./data/in:/www:ro"]
    restart: always
    stop_grace_period: 0s
    labels: {{round: "{round}"}}
"""

# Has the directory above, and puts a link to a directory of the host in the place of what web mounts, and back, as fast as it can.
EVIL = """\
  evil:
    image: pgo-test/web:1
    user: "0"
    volumes: ["./data:/d"]
    working_dir: /d
    command: [/d/swap, {outside}]
    stop_grace_period: 0s
"""

SWAP = """\
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	if (argc == 2 && symlink(argv[1], "link") == 0)
		puts("it begins");
	for (;;)
		renameat2(AT_FDCWD, "in", AT_FDCWD, "link", RENAME_EXCHANGE);
}
"""


def swap_program(pgo):
    with open(pgo.path("swap.c"), "w", encoding="ascii") as source:
        source.write(SWAP)
    run("cc", "-static", "-O1", "-o", pgo.path("swap"), pgo.path("swap.c"))
    with open(pgo.path("swap"), "rb") as program:
        return program.read()


def site(pgo):
    files = {"compose.yaml": PAGE.format(round=0), "data/in/index.html": "verified\n", "ssh/k.pub": pgo.key.public}
    repo = pgo.repo("site", files)
    pgo.service("site", repo)
    pgo.start()
    pgo.wait_deployed("site", repo.head, deadline=60)
    return repo


def outside(pgo):
    os.makedirs(pgo.path("outside"), exist_ok=True)
    with open(pgo.path("outside", "index.html"), "w", encoding="ascii") as page:
        page.write("of the host\n")
    return pgo.path("outside")


def web(pgo):
    (box,) = [box for box in pgo.engine.containers("site") if box.service == "web"]
    return box


def page(pgo):
    return fetch(web(pgo))


def wait_page(pgo, text, deadline=60):
    wait_until(lambda: page(pgo) == text, f"the page says {text}", deadline)


def swap(pgo):
    """What a container with the directory above would do."""
    os.rename(pgo.live("site", "data", "in"), pgo.live("site", "data", "real"))
    os.symlink(outside(pgo), pgo.live("site", "data", "in"))


def never_the_hosts(pgo):
    """Has web answered with what was verified? With the host's file it may not, at any moment."""
    text = page(pgo)
    if text == "of the host":
        raise RuntimeError("the file of the host was read")
    return text == "verified"


def read_without_a_pin(pgo):
    argv = ["docker", "run", "--rm", "-v", pgo.live("site", "data", "in") + ":/www", "pgo-test/web:1", "cat", "/www/index.html"]
    return run(*argv, check=False, env={**os.environ, "DOCKER_HOST": pgo.engine.docker_host}).stdout.strip()


def test_a_container_that_swaps_what_another_mounts_reads_no_file_of_the_host(pgo):
    evil = EVIL.format(outside=outside(pgo))
    repo = pgo.repo("site", {"data/swap": swap_program(pgo)})
    os.chmod(os.path.join(repo.path, "data", "swap"), 0o755)
    head = repo.commit({"compose.yaml": PAGE.format(round=0) + evil, "data/in/index.html": "verified\n"})
    pgo.service("site", repo)
    pgo.start()
    pgo.wait_deployed("site", head, 2, 60)
    for number in range(1, ROUNDS + 1):
        if number % 5 == 0:
            pgo.wait_judged("site", repo.commit({"compose.yaml": PAGE.format(round=number) + evil}), 60)
        elif number % 5 == 1:
            pgo.engine.ask("POST", f"/containers/{web(pgo).id}/restart?t=0")
        else:
            assert pgo.ctl("site", "restart", "web").returncode == 0
        wait_until(lambda: never_the_hosts(pgo), "web answers", 60)
    # The swapper was at work: a mount by name does get there.
    wait_until(lambda: read_without_a_pin(pgo) == "of the host", "the race is one", 60)
    assert never_the_hosts(pgo)


def test_a_swapped_source_survives_restarts_of_container_engine_and_pgod(pgo):
    site(pgo)
    swap(pgo)
    assert pgo.ctl("site", "restart").returncode == 0
    wait_page(pgo, "verified")
    pgo.engine.restart()
    wait_page(pgo, "verified")
    pgo.kill()
    pgo.start()
    pgo.engine.remove_container(web(pgo))
    wait_page(pgo, "verified")
    pgo.stop()
    pgo.engine.power_cut()
    pgo.engine.start()
    pgo.start().wait_listening()
    wait_page(pgo, "verified")


def test_after_a_reboot_nothing_starts_on_an_empty_directory(pgo):
    site(pgo)
    before = web(pgo).id
    pgo.stop()
    pgo.engine.stop()
    pgo.reboot()
    pgo.engine.start()
    assert web(pgo).state == "exited"
    status, body = pgo.engine.ask("GET", f"/containers/{before}/json")
    assert status == 200 and "no such file" in body["State"]["Error"]
    pgo.start().wait_listening()
    wait_page(pgo, "verified")
    assert web(pgo).id == before


def test_after_a_reboot_pgod_pins_before_the_engine_starts(pgo):
    site(pgo)
    before = web(pgo).id
    pgo.stop()
    pgo.engine.stop()
    pgo.reboot()
    pgo.start()
    wait_until(lambda: pgo.pins("site"), "pinned, without an engine")
    pgo.stop()
    # The engine brings it up by itself.
    pgo.engine.start()
    wait_page(pgo, "verified")
    assert web(pgo).id == before


def test_after_a_reboot_a_link_in_the_place_of_the_source_is_not_followed(pgo):
    site(pgo)
    pgo.stop()
    pgo.engine.stop()
    pgo.reboot()
    swap(pgo)
    pgo.engine.start()
    pgo.start()
    pgo.wait_log("cannot pin .*data/in: it is a symbolic link", 60)
    assert web(pgo).state == "exited"
    os.unlink(pgo.live("site", "data", "in"))
    os.rename(pgo.live("site", "data", "real"), pgo.live("site", "data", "in"))
    wait_page(pgo, "verified")


def test_a_deploy_mounts_what_lies_there_now(pgo):
    repo = site(pgo)
    swap(pgo)
    os.unlink(pgo.live("site", "data", "in"))
    os.mkdir(pgo.live("site", "data", "in"), 0o755)
    os.chown(pgo.live("site", "data", "in"), pgo.accounts.a.pw_uid, pgo.accounts.a.pw_gid)
    pgo.wait_deployed("site", repo.commit({"data/in/index.html": "second\n"}), deadline=60)
    wait_page(pgo, "second")


def test_configs_and_secrets_are_pinned_and_read(pgo):
    more = "    secrets: [key]\n    configs: [{source: conf, target: /tmp/conf}]\n"
    top = "secrets: {key: {file: ./key}}\nconfigs: {conf: {file: ./conf}}\n"
    files = {"compose.yaml": PAGE.format(round=0) + more + top, "data/in/index.html": "verified\n", "key": "s3\n", "conf": "c\n"}
    repo = pgo.repo("site", files)
    pgo.service("site", repo)
    pgo.start()
    pgo.wait_deployed("site", repo.head, deadline=60)
    assert len(pgo.pins("site")) == 3
    assert pgo.ctl("site", "exec", "web", "cat", "/run/secrets/key", "/tmp/conf").stdout == "s3\nc\n"
    # git replaces the file: the new one is what is mounted afterwards.
    pgo.wait_deployed("site", repo.commit({"key": "s4\n"}), deadline=60)
    assert pgo.ctl("site", "exec", "web", "cat", "/run/secrets/key").stdout == "s4\n"
    assert pgo.ctl("site", "restart").returncode == 0
    wait_until(lambda: pgo.ctl("site", "exec", "web", "cat", "/run/secrets/key").stdout == "s4\n", "still the new one", 60)
