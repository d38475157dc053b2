"""Private repositories over SSH, with a real sshd: keys that pgod makes, and a server whose host key changes."""

import json
import os
import re
import signal
import stat
import subprocess

import pytest

from lib.host import all_pids, command_of, descendants_of, run, wait_until
from lib.pgo import program
from lib.servers import GitHost
from test_commit import fetch, only, site_files, wait_page

LINE = r"ssh-ed25519 [A-Za-z0-9+/=]+ pgo-site@[A-Za-z0-9.-]+"


def key_of_command(pgo, service="site"):
    """What root gets on the server itself, whether pgod runs or not."""
    done = run(program("pgod"), "-d", pgo.dir, "--deploy-key", service, env=pgo.env(), cwd="/")
    return done.stdout.strip()


@pytest.fixture
def host(pgo):
    """The services are another account's, in whose home there is no .ssh."""
    assert not os.path.exists(os.path.join(pgo.accounts.b.pw_dir, ".ssh"))
    yield GitHost(pgo, pgo.accounts.a)
    assert not os.path.exists(os.path.join(pgo.accounts.b.pw_dir, ".ssh"))


def private(pgo, host, **keys):
    repo = pgo.repo("site", site_files(pgo, "one"))
    pgo.service("site", host.url + repo.path, user=pgo.accounts.b.pw_name, **keys)
    return repo


def deployed(pgo, host):
    repo = private(pgo, host)
    host.allow(key_of_command(pgo))
    pgo.start().wait_deployed("site", repo.head, deadline=60)
    return repo


def key_file(pgo, service="site"):
    return os.path.join(pgo.dir, ".ssh", "deploy", service)


def private_half(pgo):
    """A part of it that nothing else has: the first lines of all keys are alike."""
    with open(key_file(pgo), encoding="ascii") as text:
        return text.read().partition("\n-----END")[0][-60:].splitlines()[-1]


def test_a_first_clone_without_a_key_says_how_to_get_one_and_goes_on_when_the_server_knows_it(pgo, host):
    repo = private(pgo, host)
    pgo.start()
    pgo.wait_log(r"Permission denied \(publickey.*pgod --deploy-key site as root")
    line = key_of_command(pgo)
    assert re.fullmatch(LINE, line), line
    assert key_of_command(pgo) == line
    pgo.wait_log(r"does not accept the deploy key of site.*pgoctl HOST:site//deploy-key")
    host.allow(line)
    pgo.wait_deployed("site", repo.head, deadline=60)
    info = os.stat(key_file(pgo))
    assert (info.st_uid, stat.S_IMODE(info.st_mode)) == (0, 0o600)
    # Whoever has a key to the service may read the public half, and nothing else.
    assert pgo.ctl("site", "deploy-key").stdout.strip() == line
    secret = private_half(pgo)
    assert secret not in pgo.log() + pgo.status("site") + pgo.ctl("site", "history").stdout
    assert os.listdir(os.path.join(pgo.dir, ".private")) == []
    found = run("grep", "-rlFe", secret, pgo.dir, check=False).stdout.split()
    assert found == [key_file(pgo)]
    # What the service learns of the server stays with its repository.
    with open(os.path.join(pgo.dir, ".repos", "site.git", "pgo-known_hosts"), encoding="ascii") as known:
        assert len(known.read().splitlines()) == 1
    pgo.wait_deployed("site", repo.commit(site_files(pgo, "two")), deadline=60)


def test_a_new_key_takes_the_old_ones_place_and_what_runs_goes_on(pgo, host):
    repo = deployed(pgo, host)
    old, before = pgo.ctl("site", "deploy-key").stdout.strip(), only(pgo).id
    assert pgo.ctl("site", "deploy-key", "--old").returncode == 1
    new = pgo.ctl("site", "deploy-key", "--new").stdout.strip()
    assert re.fullmatch(LINE, new) and new != old
    assert json.loads(pgo.ctl("site", "deploy-key", "--json").stdout) == {"service": "site", "deploy_key": new}
    assert pgo.ctl("site", "sync").returncode == 1
    assert "deploy key of site" in pgo.ctl("site", "sync").stderr
    assert only(pgo).id == before and fetch(only(pgo)) == "one"
    head = repo.commit(site_files(pgo, "two"))
    host.allow(new)
    assert pgo.ctl("site", "sync").returncode == 0
    pgo.wait_deployed("site", head, deadline=60)
    # The key goes where the rest of a service goes.
    del pgo.services["site"]
    pgo.service("other", pgo.repo("other", site_files(pgo, "other")))
    pgo.write_config()
    assert pgo.wait_exit(60) == 2
    pgo.start(write=False).wait_log("put the directories of a service away")
    assert not os.path.exists(key_file(pgo))
    (removed,) = os.listdir(os.path.join(pgo.dir, ".removed"))
    assert "deploy_key" in os.listdir(os.path.join(pgo.dir, ".removed", removed))


def test_a_server_with_another_host_key_is_not_believed_and_what_runs_goes_on(pgo, host):
    repo = deployed(pgo, host)
    before = only(pgo).id
    host.stop()
    host.start()
    head = repo.commit(site_files(pgo, "two"))
    refused = pgo.ctl("site", "sync")
    assert refused.returncode == 1
    assert re.search(r"host key is not the one that it had before.*ssh-keygen -R HOST", refused.stderr, re.S), refused.stderr
    known = os.path.join(pgo.dir, ".repos", "site.git", "pgo-known_hosts")
    # ssh names the file, so that nobody has to look for it.
    assert known in refused.stderr + pgo.log()
    assert only(pgo).id == before and fetch(only(pgo)) == "one" and pgo.ref("site", "tracked") == repo.git("rev-parse", "HEAD~1")
    run("ssh-keygen", "-q", "-R", f"[127.0.0.1]:{host.port}", "-f", known)
    assert pgo.ctl("site", "sync").returncode == 0
    pgo.wait_deployed("site", head, deadline=60)
    assert wait_page(pgo, "two").id != before


def test_no_account_finds_the_key_of_another_while_git_uses_it(pgo, host):
    deployed(pgo, host)
    secret = private_half(pgo)
    os.kill(host.sshd.pid, signal.SIGSTOP)  # a server that does not answer: git waits
    try:
        asked = pgo.helper(subprocess.Popen(pgo.ssh_argv("site//sync"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        other = pgo.accounts.a

        def hidden():
            ssh = [pid for pid in descendants_of(pgo.process.pid) if command_of(pid).startswith("ssh -o BatchMode")]
            inside = f"/proc/{ssh[0]}/root{pgo.dir}/.private/deploy_key"
            assert os.stat(inside).st_uid == pgo.accounts.b.pw_uid
            assert run("cat", inside, check=False, user=other.pw_uid, group=other.pw_gid, extra_groups=[]).returncode != 0
            # One that a poll had begun before the server was stopped may end meanwhile.
            return os.stat(inside)

        wait_until(hidden, "ssh runs, and nobody else reads its key")
        for pid in all_pids():
            assert secret not in command_of(pid)
    finally:
        os.kill(host.sshd.pid, signal.SIGCONT)
    assert wait_until(lambda: asked.poll() is not None and [asked.returncode], "the sync ends", 60) == [0]
