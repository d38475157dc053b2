"""Operators of pgo.toml: services whose repository does not know their keys, and the host as a whole."""

import json
import re
import subprocess

import pytest

from lib.host import run
from lib.pgo import Key, program, web

REFUSED, NOT_FOUND = 401 % 256, 404 % 256


def operators_toml(rows):
    text = ""
    for row in rows:
        text += "\n[[operators]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in row.items())
    return text


@pytest.fixture
def host(pgo):
    """Services site and host (which is not the host itself) with one key; operators who may all, some, and nothing any more."""
    pgo.keys = {name: Key(pgo.path(name)) for name in ("alice", "ci", "gone", "elsewhere")}
    line = {name: key.public.strip() for name, key in pgo.keys.items()}
    secret = "hunter22"
    for name in ("site", "host"):
        pgo.service(name, pgo.repo(name, {"compose.yaml": web()}), env=[f"TOKEN={secret}"])
    pgo.write_config()
    rows = [
        {"name": "alice", "key": line["alice"]},
        {"name": "ci", "key": line["ci"], "services": ["site"], "ops": ["ping", "ps", "host://status", "host://services"]},
        {"name": "gone", "key": 'expiry-time="20200101" ' + line["gone"]},
        {"name": "elsewhere", "key": 'from="192.0.2.0/24" ' + line["elsewhere"]},
    ]
    with open(pgo.config, "a", encoding="utf-8") as config:
        config.write('[push]\naddress = "192.0.2.1"\n' + operators_toml(rows))
    pgo.start(write=False)
    for name in ("site", "host"):
        pgo.wait_status(name, r"in sync +yes.*took")
    return pgo


def test_operators_act_within_their_services_and_operations(host):
    def ask(line, who):
        return host.ssh(line, key=host.keys[who])

    assert ask("site//exec web echo here", "alice").stdout == "here\n"
    assert ask("host//ping", "alice").stdout.startswith("pong!")
    assert re.search(r'operation exec service=site key="SHA256:\S+ operator alice"', host.log())
    assert ask("site//ping", "ci").stdout.startswith("pong!")
    refused = ask("site//exec web true", "ci")
    assert refused.returncode == REFUSED
    assert refused.stdout == (
        'Unauthorized: Key for user "tess", operator ci, may not ask for exec of site: it may ask for ping, ps, host://status, host://services\n'
    )
    stranger = host.ssh("host//ping", key=Key(host.path("stranger")))
    assert ask("host//ping", "ci").stdout == stranger.stdout, "not one of its services: as if it were none"
    assert ask("nowhere//ping", "ci").returncode == REFUSED
    unknown = ask("nowhere//ping", "alice")
    assert (unknown.stdout, unknown.returncode) == ('Not Found: No service found with name "nowhere"\n', NOT_FOUND)
    # There is a service called host, which knows no apps; who is nobody hears the same of it.
    hint = "What is asked of the host itself has a colon before the slashes: host://apps\n"
    answers = [ask("host//apps", "alice"), ask("host//apps", "ci"), host.ssh("host//apps", key=Key(host.path("nobody")))]
    assert [answer.stderr for answer in answers] == [hint] * 3 and {answer.stdout.split(":")[0] for answer in answers} == {"Not Acceptable", "Unauthorized"}
    assert hint not in ask("nowhere//apps", "alice").stderr + ask("host//ping", "ci").stderr
    for who in ("gone", "elsewhere"):
        assert ask("site//ping", who).returncode == REFUSED
        assert ask("host://status", who).returncode == REFUSED

    services = json.loads(ask("host://services --json", "alice").stdout)
    assert [(service["name"], service["state"], service["healthy"]["is"]) for service in services] == [("site", "live", True), ("host", "live", True)]
    table = ask("host://services", "ci").stdout
    assert "site" in table and "host" not in table and host.accounts.a.pw_name in table
    assert json.loads(ask("host://status --json", "ci").stdout)["services"] == 1

    for line in ("host://status", "host://who", "host://config", "host://help", "host://frob"):
        inside, outside = host.ssh(line), host.ssh(line, key=Key(host.path("stranger-" + line[7:])))
        assert inside.returncode == REFUSED and inside.stdout == outside.stdout, "the host is not for those with a service"
    assert ask("host://who", "ci").returncode == REFUSED
    assert ask("host://frob", "alice").stdout == 'Not Acceptable: Command "frob" does not match any route\n'
    assert "--frob is not supported" in ask("host://who --frob", "alice").stderr
    assert "host://who" in ask("host://help", "alice").stdout and "host://who" not in ask("host://help", "ci").stdout


def test_the_host_answers_what_is_not_well_and_who_may_what(host):
    argv = [program("pgoctl"), "-i", host.keys["alice"].private, "-p", str(host.port), "--accept-new", "--"]
    env = {"HOME": host.path("home"), "PATH": "/usr/bin:/bin"}

    def ask(*words):
        return run(*argv, "127.0.0.1:host://" + words[0], *words[1:], check=False, env=env)

    bad = ask("status")
    assert bad.returncode == 2 and "the key has expired: operator gone" in bad.stdout and "2: 2 live" in bad.stdout, bad
    assert host.ctl("site", "hold", "disk").returncode == 0
    status = json.loads(ask("status", "--json").stdout)
    assert status["states"] == {"held": 1, "live": 1}
    assert any(p["service"] == "site" and p["problem"] == "held" and "disk" in p["reason"] for p in status["problems"])

    with subprocess.Popen(host.ssh_argv("host//exec web sh -c 'echo here; read line'"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"here\n"
        who = json.loads(ask("who", "--json").stdout)
        other.communicate(b"go\n")
    assert [operator["name"] for operator in who["operators"]] == ["alice", "ci", "gone", "elsewhere"]
    fingerprint = subprocess.run(["ssh-keygen", "-lf", host.key.private], capture_output=True, text=True, check=True).stdout.split()[1]
    key = who["services"][0]["keys"][0]
    assert (key["fingerprint"], key["place"], key["type"]) == (fingerprint, "ssh/test.pub:1", "ssh-ed25519")
    assert who["operators"][2]["expired"] and who["operators"][3]["options"] == 'from="192.0.2.0/24"'
    assert [(c["service"], c["op"]) for c in who["connected"]] == [("host", "exec")]
    text = ask("who").stdout
    assert "services: site" in text and fingerprint in text

    config = ask("config")
    assert '[[services]]\nname = "site"' in config.stdout and "hunter22" not in config.stdout + ask("config", "--json").stdout
    assert 'env = ["TOKEN=***"]' in config.stdout and 'branch = "main" # not set' in config.stdout
    assert '\n[push]\n' in config.stdout and 'branch = ["main", "master"] # not set' in config.stdout
    path = host.path("shown.toml")
    with open(path, "w", encoding="utf-8") as out:
        out.write(config.stdout)
    checked = subprocess.run([program("pgod"), "--check", "-c", path], capture_output=True, text=True, env=host.env(), check=False)
    assert checked.returncode == 0, checked.stderr
