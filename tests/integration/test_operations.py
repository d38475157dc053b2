"""What operators see and do, over pgoctl and plain ssh."""

import os
import re
import socket
import subprocess

import pytest

from lib.host import run, stays, wait_until
from lib.pgo import Key, program, web
from lib.scenes import deployed, ids, three_polls


@pytest.fixture
def site(pgo):
    pgo.site = deployed(pgo)
    return pgo


def test_ping_answers_with_the_host(site):
    answer = site.ctl("site", "ping")
    assert answer.stdout == f"pong! - {socket.gethostname()}\n" and answer.returncode == 0


def test_git_hash_is_eight_digits(site):
    assert site.ctl("site", "git", "hash").stdout.strip() == site.site.head[:8]


def test_status_names_the_commit_and_starts_no_process(site, compose_starts):
    before, calls = compose_starts.count(), len(site.engine.journal)
    assert site.site.head[:8] in site.status("site")
    assert site.ctl("site", "ps").returncode == 0
    assert compose_starts.count() == before and len(site.engine.journal) == calls


def test_ps_shows_the_container_with_its_written_image(site):
    text = site.ctl("site", "ps").stdout
    assert "site-web-1" in text and "pgo-test/web:1" in text and "Up" in text


def test_help_lists_every_operation(site):
    text = site.ctl("site", "help").stdout
    for op in "up down stop start restart ps pull logs exec load git ping status help".split():
        assert re.search(rf"\b{op}\b", text), op


def test_deploy_key_prints_a_line_of_authorized_keys(site):
    first = site.ctl("site", "deploy-key").stdout
    assert re.fullmatch(r"ssh-ed25519 [A-Za-z0-9+/=]+ pgo-site@\S+\n", first), first
    assert site.ctl("site", "deploy-key").stdout == first != site.ctl("site", "deploy-key", "--new").stdout
    again = site.ctl("site", "deploy-key", "--new")
    assert again.returncode == 1 and "less than a minute ago" in again.stderr


def test_plain_ssh_works_like_pgoctl(site):
    assert site.ssh("site//ping").stdout == site.ctl("site", "ping").stdout
    assert site.ssh("site//ps ").returncode == 0, "the reference client sends a trailing blank"


def test_down_and_up(site):
    assert site.ctl("site", "down").returncode == 0
    wait_until(lambda: not site.engine.containers("site"), "down")
    up = site.ctl("site", "up")
    assert up.returncode == 0 and "Started" in up.stdout + up.stderr, "up shows its progress"
    site.wait_running("site")


def test_options_of_compose_that_say_what_happens_anyway_are_taken_and_others_are_explained(site):
    assert site.ctl("site", "up", "-d", "--remove-orphans", "--wait", "--quiet-pull").returncode == 0
    refused = site.ctl("site", "up", "--scale", "web=2")
    assert refused.returncode == 1 and refused.stderr == "up: option --scale is refused: the compose file says how many: scale, or deploy.replicas\n"
    for words in (["--privileged"], ["-Tu", "root"], ["-u0"], ["--user=0"]):
        assert "is refused" in site.ctl("site", "exec", *words, "web", "id").stderr


def test_stop_and_start(site):
    before = ids(site)
    assert site.ctl("site", "stop").returncode == 0
    wait_until(lambda: not site.running("site"), "stopped")
    assert site.ctl("site", "start").returncode == 0
    site.wait_running("site")
    assert ids(site) == before


@pytest.mark.parametrize("op", ["stop", "start", "restart", "logs", "up", "pull"])
def test_a_mistyped_compose_service_passes_for_done_or_takes_the_deploy_down(site, op):
    before, deploys = ids(site), site.ctl("site", "history").stdout
    done = site.ctl("site", op, "wbe")
    assert done.returncode == 1 and done.stderr == f"{op}: there is no compose service wbe; there is web\n"
    assert site.ctl("site", "history").stdout == deploys, "a typing error is no deploy"
    assert ids(site) == before and "in sync     yes" in site.status("site")


@pytest.mark.parametrize("op", ["start", "restart"])
def test_what_was_taken_down_comes_up_although_start_said_that_it_failed(site, op):
    assert site.ctl("site", "down").returncode == 0
    done = site.ctl("site", op)
    assert done.returncode == 1 and "`up` makes them anew" in done.stderr
    assert "stopped     everything, by an operator" in site.status("site")
    stays(lambda: not site.engine.containers("site"), "down", three_polls(site, site.site))
    assert site.ctl("site", "up").returncode == 0
    site.wait_running("site")


def test_restart_restarts(site):
    assert site.ctl("site", "restart").returncode == 0
    assert site.engine.calls("restart")


def test_logs_come_on_stdout(site):
    answer = site.ctl("site", "logs")
    assert "hello from" in answer.stdout and answer.returncode == 0


def test_pull_asks_for_images(site):
    pulls = len(site.engine.calls("pull"))
    assert site.ctl("site", "pull").returncode == 0
    assert len(site.engine.calls("pull")) > pulls


def test_git_pull_brings_a_commit_without_waiting_for_the_poll(pgo):
    pgo.poll = "10m"
    repo = deployed(pgo)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    assert pgo.ctl("site", "git", "pull").returncode == 0
    pgo.wait_deployed("site", head)


def test_load_says_nothing_when_all_is_well(site):
    answer = site.ctl("site", "load")
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("words", [["sh", "-c", "exit 3"], ["sh", "-c", "printf '%s|' \"$0\" \"$@\"; exit 3", "a b", "c'd", 'e"f', "$HOME", ""]])
def test_exec_keeps_arguments_and_exit_status(site, words):
    done = site.ctl("site", "exec", "web", *words)
    assert done.returncode == 3, done.stdout + done.stderr
    if len(words) > 3:
        assert done.stdout == "a b|c'd|e\"f|$HOME||"


def test_exec_keeps_its_streams_apart(site):
    done = site.ctl("site", "exec", "web", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.returncode) == ("out\n", 0)
    assert "err\n" in done.stderr


def test_exec_gets_stdin_and_gives_binary_back(site):
    data = bytes(range(256)) * 4000
    argv = [program("pgoctl"), "-i", site.key.private, "-p", str(site.port), "--accept-new", "--", "127.0.0.1:site//exec", "web", "cat"]
    done = run(*argv, input=data, text=False, env={"HOME": site.path("home"), "PATH": "/usr/bin:/bin"})
    assert done.stdout == data


def test_exec_over_plain_ssh_keeps_quoting(site):
    done = site.ssh("site//exec web sh -c 'echo \"a  b\"; exit 7'")
    assert (done.stdout, done.returncode) == ("a  b\n", 7)


def test_a_client_that_leaves_takes_its_exec_along(site):
    client = subprocess.Popen(
        site.ssh_argv("site//exec web sh -c 'echo here; sleep 1000'"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert client.stdout.readline() == b"here\n"
    pid = site.engine.calls("exec")[-1]["pid"]
    client.kill()
    client.communicate()
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the job is gone")


def test_key_not_in_the_repository_is_refused_like_an_unknown_service(site):
    stranger = Key(site.path("stranger"))
    refused = site.ssh("site//ping", key=stranger)
    unknown = site.ssh("nowhere//ping", key=stranger)
    assert refused.returncode == unknown.returncode == 401 % 256
    assert refused.stdout.replace("site", "X") == unknown.stdout.replace("nowhere", "X")
    assert refused.stdout.startswith("Unauthorized: Key for user")
    known = site.ssh("nowhere//ping")
    assert known.returncode == 401 % 256 and known.stdout.replace("nowhere", "X") == unknown.stdout.replace("nowhere", "X")


@pytest.mark.parametrize(
    "line, status, text",
    [
        ("ping", 400, "Bad Request: No correct commands in connection for user"),
        ("site//ping//x", 400, "Bad Request: No correct commands in connection for user"),
        ("//ping", 400, "Bad Request: No correct commands in connection for user"),
        ("site//frobnicate", 406, 'Not Acceptable: Command "frobnicate" does not match any route'),
    ],
)
def test_refusals_keep_their_text_and_status(site, line, status, text):
    answer = site.ssh(line)
    assert answer.stdout.startswith(text), answer.stdout
    assert answer.returncode == status % 256


def test_no_command_is_a_bad_request(site):
    argv = site.ssh_argv("")
    answer = run(*argv[:-1], check=False)
    assert "Bad Request: No commands in connection for user" in answer.stdout
    fingerprint = run("ssh-keygen", "-l", "-f", site.key.private + ".pub").stdout.split()[1]
    assert f"Your key is {fingerprint}. There is no shell here: " in answer.stdout


def test_a_key_of_one_service_does_not_open_another(site):
    other = site.repo("other", {"compose.yaml": web(), "ssh/test.pub": Key(site.path("other-key")).public})
    site.service("other", other)
    site.stop()
    site.start().wait_running("other")
    wait_until(lambda: site.ctl("site", "ping").returncode == 0, "site answers")
    assert site.ssh("other//ping").returncode == 401 % 256
    assert site.ssh("site//exec web true").returncode == 0


def test_a_new_key_in_the_repository_works_and_a_removed_one_does_not(site):
    new = Key(site.path("new"))
    head = site.site.commit({"ssh/new.pub": new.public}, remove=["ssh/test.pub"])
    site.wait_live("site", head)
    wait_until(lambda: site.ssh("site//ping", key=new).returncode == 0, "the new key opens")
    assert site.ssh("site//ping").returncode == 401 % 256


def test_every_key_of_a_file_counts(site):
    second = Key(site.path("second"))
    head = site.site.commit({"ssh/test.pub": "# the team\n" + site.key.public + second.public})
    site.wait_live("site", head)
    wait_until(lambda: site.ssh("site//ping", key=second).returncode == 0, "the second line counts")


def test_offering_a_key_without_signing_opens_nothing(site):
    """CVE-2024-45337: the stranger also offers the public half of a key that is allowed; ssh cannot sign with it."""
    stranger = Key(site.path("stranger"))
    offered = site.path("offered")
    with open(offered + ".pub", "w", encoding="ascii") as out:
        out.write(site.key.public)
    answer = site.ssh("site//ping", key=stranger, options=["-i", offered])
    assert answer.returncode != 0 and "pong" not in answer.stdout


def test_up_of_a_stopped_service_is_no_secret_to_status(site):
    site.ctl("site", "stop")
    site.wait_status("site", "hold|held|stopped|down")


def test_the_host_key_survives_a_restart(site):
    def host_key():
        return run("ssh-keyscan", "-T", "5", "-p", str(site.port), "127.0.0.1", check=False).stdout

    before = wait_until(host_key, "a host key is offered")
    site.stop()
    site.start().wait_listening()
    assert wait_until(host_key, "a host key is offered") == before
    key = os.path.join(site.dir, ".ssh", "host_ed25519")
    assert os.stat(key).st_mode & 0o777 == 0o600 and os.stat(key).st_uid == 0


def test_pgoctl_refuses_a_host_whose_key_changed(site):
    assert site.ctl("site", "ping").returncode == 0
    site.stop()
    os.unlink(os.path.join(site.dir, ".ssh", "host_ed25519"))
    site.start().wait_listening()
    answer = site.ctl("site", "ping")
    assert answer.returncode != 0 and "pong" not in answer.stdout
    assert "key" in answer.stderr.lower()


def test_pgoctl_id_holds_the_key_itself(site):
    with open(site.key.private, encoding="ascii") as private:
        text = private.read()
    argv = [program("pgoctl"), "-p", str(site.port), "--accept-new", "--", "127.0.0.1:site//ping"]
    answer = run(*argv, check=False, env={"PATH": "/usr/bin:/bin", "HOME": site.path("home"), "PGOCTL_ID": text})
    assert answer.stdout.startswith("pong!"), answer.stderr


def test_pgoctl_without_an_identity_says_so(site):
    argv = [program("pgoctl"), "-p", str(site.port), "--accept-new", "--", "127.0.0.1:site//ping"]
    answer = run(*argv, check=False, env={"PATH": "/usr/bin:/bin", "HOME": site.path("home")})
    assert answer.returncode == 1 and "identity" in answer.stderr


def test_pgoctl_uses_an_agent(site):
    started = run("ssh-agent", "-s").stdout
    sock = re.search(r"SSH_AUTH_SOCK=([^;]+)", started)[1]
    pid = re.search(r"SSH_AGENT_PID=(\d+)", started)[1]
    env = {"PATH": "/usr/bin:/bin", "HOME": site.path("home"), "SSH_AUTH_SOCK": sock}
    try:
        run("ssh-add", "-q", site.key.private, env=env)
        argv = [program("pgoctl"), "-p", str(site.port), "--accept-new", "--", "127.0.0.1:site//ping"]
        answer = run(*argv, check=False, env=env)
        assert answer.stdout.startswith("pong!"), answer.stderr
    finally:
        run("kill", pid)
