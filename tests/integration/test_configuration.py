"""The configuration and the command line."""

import os
import re
import signal
import socket

import pytest

from lib.host import free_port, run, wait_until
from lib.pgo import program
from lib.scenes import deployed, ids


def check(pgo, text):
    pgo.write_config(text)
    env = dict(pgo.env())
    return run(program("pgod"), "--check", "-c", pgo.config, check=False, env=env, cwd="/")


GOOD = '[[services]]\nname = "site"\nuser = "USER"\nrepository = "file:///nowhere"\n'


def good(pgo, more=""):
    return GOOD.replace("USER", pgo.accounts.a.pw_name) + more


def test_a_good_file_passes_in_silence(pgo):
    done = check(pgo, good(pgo))
    assert done.returncode == 0, done.stderr


def test_an_empty_file_is_good(pgo):
    assert check(pgo, "").returncode == 0


def test_keys_match_whatever_their_case(pgo):
    assert check(pgo, good(pgo).replace("user =", "USER =").replace("repository", "rePository")).returncode == 0


KEYS = [
    *["name", "user", "repository", "branch", "compose", "env", "registries", "networks", "urls", "update", "timeout", "health_timeout", "settle"],
    *["signers", "rewind", "allow", "ports", "memory", "mount"],
]


@pytest.mark.parametrize("key", KEYS)
def test_a_wrong_type_is_told_with_line_and_column(pgo, key):
    lines = [line for line in good(pgo).splitlines() if not line.startswith(key + " ")]
    lines.insert(1, f"{key} = 7")
    done = check(pgo, "\n".join(lines) + "\n")
    assert done.returncode == 1
    assert re.search(rf"pgo\.toml:2:\d+: .*{key}", done.stderr), done.stderr


def test_an_unknown_key_is_named(pgo):
    done = check(pgo, good(pgo, "colour = 1\n"))
    assert done.returncode == 1 and re.search(r"pgo\.toml:5:\d+: .*colour", done.stderr), done.stderr


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('timeout = "soon"', "no duration"),
        ('health_timeout = "2h"', "1s and 1h"),
        ('settle = "11m"', "0s and 10m"),
        ("keep = 0", "1 and 20"),
        ("keep = 1.5", "whole number"),
        ('update = "rolling"', "start-first"),
        ('signers = "signers"', "absolute path"),
        ('rewind = "sometimes"', '"refuse"'),
        ('allow = ["CAP_ADD"]', "cap_add:NET_ADMIN"),
        ('ports = ["8080:80"]', "5005/5"),
        ('urls = { "a.org" = "8080" }', '"web:8080"'),
        ('urls = { "a.org { respond 1 } b.org" = "web:80" }', "a host that is none"),
        ('import = "/etc/caddy/import"', "relative to the top of the repository"),
        ('reload = "h:caddy//execfoo x"', "another operation than exec"),
        ("cpus = 0", "0.01 and 1024"),
        ('cpus = "1.5"', "a number, not a string"),
        ('memory = "lots"', '"512m"'),
        ('memory = "1m"', "6m and 1t"),
        ("pids = -1", "1 and 4194304"),
        ('mount = "nas:/export"', "nfs://server/export"),
        ('mount = "nfs://nas/a,exec"', "may not have"),
    ],
)
def test_a_value_that_cannot_be_meant_is_told_with_what_to_write(pgo, line, told):
    done = check(pgo, good(pgo, line + "\n"))
    assert done.returncode == 1 and re.search(rf"pgo\.toml:5:\d+: .*{line.split()[0]}.*{re.escape(told)}", done.stderr), done.stderr


def test_every_key_together_passes(pgo):
    more = 'timeout = "10m"\nhealth_timeout = "2m"\nsettle = "2s"\nkeep = 3\nupdate = "recreate"\nrewind = "refuse"\n'
    more += 'allow = ["cap_add:NET_ADMIN"]\nports = ["5005/5"]\ncpus = 2\nmemory = "512m"\npids = 200\nimport = "C"\nreload = "h:c//exec x"\nmount = "nfs://nas/export"\n'
    done = check(pgo, good(pgo, more))
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_accepted_and_may_be_meant_otherwise_is_told_once_and_is_no_error(pgo):
    done = check(pgo, good(pgo, 'urls = { "a.org" = "web:80", "b.org" = "web:80" }\n'))
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1 and re.search(r'warning.*pgo\.toml:1:.*no service has "import".*urls', done.stderr), done.stderr
    done = check(pgo, good(pgo, 'import = "C"\nurls = { "*.a.org" = "web:80" }\n') + good(pgo, 'urls = { "b.a.org" = "web:80" }\n').replace("site", "two"))
    assert done.returncode == 0 and len(done.stderr.splitlines()) == 2, done.stderr
    assert '"import" without "reload"' in done.stderr and 'covers "b.a.org" of service' in done.stderr
    done = check(pgo, good(pgo, 'reload = "h:c//exec x"\n'))
    assert done.returncode == 0 and len(done.stderr.splitlines()) == 1 and '"reload" without "import"' in done.stderr, done.stderr
    pgo.services["site"] = {"name": "site", "user": pgo.accounts.a.pw_name, "repository": pgo.repo("site").url, "urls": {"a.org": "web:80"}}
    pgo.start().wait_listening()
    assert len(re.findall("no service has .import", pgo.log())) == 1


@pytest.mark.parametrize("name", ["../../x", "a/b", "", ".", "..", "-x", "A b", ".removed", "x" * 300])
def test_a_name_that_is_a_path_or_odd_is_refused(pgo, name):
    done = check(pgo, good(pgo).replace('"site"', f'"{name}"'))
    assert done.returncode == 1 and re.search(r"pgo\.toml:2:\d+: ", done.stderr), done.stderr


def test_all_errors_are_told_at_once(pgo):
    text = good(pgo, "colour = 1\n") + "\n" + good(pgo).replace(pgo.accounts.a.pw_name, "pgot-nobody-here") + "branch = 3\n"
    done = check(pgo, text)
    assert done.returncode == 1
    for word in ("colour", "branch", "site", "pgot-nobody-here"):
        assert word in done.stderr, f"{word} is not told:\n{done.stderr}"


def test_an_unknown_account_is_told_with_its_line(pgo):
    done = check(pgo, good(pgo).replace(pgo.accounts.a.pw_name, "pgot-nobody-here"))
    assert done.returncode == 1 and re.search(r"pgo\.toml:3:\d+: .*pgot-nobody-here", done.stderr), done.stderr


def test_broken_toml_is_told_with_line_and_column(pgo):
    done = check(pgo, good(pgo, "branch = \n"))
    assert done.returncode == 1 and re.search(r"pgo\.toml:5:\d+: ", done.stderr), done.stderr


def test_a_missing_file_is_told_by_name(pgo):
    done = run(program("pgod"), "--check", "-c", pgo.path("nothing.toml"), check=False, env=pgo.env())
    assert done.returncode == 1 and "nothing.toml" in done.stderr


def test_a_password_in_a_url_is_not_shown_in_an_error(pgo):
    done = check(pgo, good(pgo).replace("file:///nowhere", "https://tess:hunter2-xyzzy@host/x") + "colour = 1\n")
    assert "hunter2-xyzzy" not in done.stderr + done.stdout


def test_pgod_does_not_start_on_a_bad_file(pgo):
    pgo.write_config("colour = 1\n")
    pgo.start(write=False)
    assert pgo.wait_exit() == 1
    assert "colour" in pgo.log()


def test_sighup_with_a_bad_file_carries_on_with_the_old_one(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    pgo.write_config("colour = 1\nflavour = 2\n")
    pgo.signal(signal.SIGHUP)
    pgo.wait_log("flavour")
    assert "colour" in pgo.log()
    pgo.check_alive()
    assert repo.head[:8] in pgo.status("site") and ids(pgo) == before


def test_a_changed_file_ends_pgod_with_2_by_itself(pgo):
    deployed(pgo)
    other = pgo.repo("other")
    pgo.service("other", other)
    pgo.write_config()
    assert pgo.wait_exit(60) == 2


@pytest.mark.parametrize("duration", ["0", "0s", "-5s", "soon", ""])
def test_a_nonsensical_duration_is_refused(pgo, duration):
    done = run(program("pgod"), "-t", duration, "-c", pgo.config, "-d", pgo.dir, check=False, env=pgo.env())
    assert done.returncode in (1, 2) and done.stderr.strip()


@pytest.mark.parametrize("arguments", [["-d", "/"], ["-d", ""], ["-c", ""], ["--nonsense"]])
def test_bad_options_are_refused(pgo, arguments):
    pgo.write_config("")
    done = run(program("pgod"), "-c", pgo.config, *arguments, check=False, env=pgo.env())
    assert done.returncode in (1, 2) and done.stderr.strip()


def test_help_and_version(pgo):
    shown = run(program("pgod"), "--help", check=False)
    assert shown.returncode in (0, 2) and "--datadir" in shown.stdout + shown.stderr
    version = run(program("pgod"), "--version")
    assert version.stdout.strip()


def test_pgod_refuses_to_run_as_an_ordinary_account(pgo):
    pgo.write_config("")
    run("cp", program("pgod"), pgo.path("pgod"))
    done = run(pgo.path("pgod"), "-c", pgo.config, "-d", pgo.dir, check=False, user=65534, group=65534, extra_groups=[], env=pgo.env())
    assert done.returncode == 1 and "root" in done.stderr


def test_a_port_that_is_taken_ends_pgod_before_it_touches_a_service(pgo):
    repo = pgo.repo("site")
    pgo.service("site", repo)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", pgo.port))
        taken.listen()
        pgo.start()
        assert pgo.wait_exit() == 1
    assert not pgo.engine.journal and not os.path.exists(pgo.live("site"))
    pgo.port = free_port()


def test_a_second_pgod_in_the_same_directory_is_refused(pgo):
    deployed(pgo)
    argv = pgo.argv()
    argv[argv.index("-s") + 1] = f"127.0.0.1:{free_port()}"
    done = run(*argv, check=False, env=pgo.env())
    assert done.returncode == 1 and done.stderr.strip()
    wait_until(lambda: pgo.ctl("site", "ping").returncode == 0, "the first is not disturbed")
