"""pgod as its unit starts it, walls and all, where the kernel enforces each of them: a share of a real NFS server in real containers."""

import json
import os
import re
import shutil

import pytest

from conftest import SLOW

from lib.host import TOP, run, wait_until
from lib.pgo import ROLES, Key, program, web

UNIT = "/etc/systemd/system/pgod.service"
PROGRAMS = {"sbin": ["pgod"], "bin": ["pgoctl"], "libexec/pgo": list(ROLES)}


def systemctl(*argv):
    return run("systemctl", *argv, deadline=SLOW).stdout.strip()


def install():
    for folder, names in PROGRAMS.items():
        os.makedirs(f"/usr/local/{folder}", exist_ok=True)
        for name in names:
            shutil.copy(program(name), f"/usr/local/{folder}")
    with open(os.path.join(TOP, "dist", "pgod.service.in"), encoding="utf-8") as template, open(UNIT, "w", encoding="utf-8") as unit:
        unit.write(template.read().replace("@sbindir@", "/usr/local/sbin"))
    systemctl("daemon-reload")


def make_service(export, key):
    run("useradd", "--system", "--user-group", "--create-home", "--home-dir", "/srv/home", "site")
    for name, content in {"/srv/home/repo/ssh/tess.pub": key.public, f"{export}/file": "from the share\n"}.items():
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "w", encoding="utf-8") as out:
            out.write(content)
    with open("/srv/home/repo/compose.yaml", "w", encoding="utf-8") as out:
        json.dump(web(volumes=["/data/site:/share", "./www:/www"], restart="always"), out)
    git = ["git", "-C", "/srv/home/repo", "-c", "user.name=Tess", "-c", "user.email=tess@example.org"]
    os.makedirs("/srv/home/repo/www")
    with open("/srv/home/repo/www/index.html", "w", encoding="utf-8") as out:
        out.write("the page\n")
    run("git", "init", "-q", "-b", "main", "/srv/home/repo")
    run(*git, "add", "-A")
    run(*git, "commit", "-qm", "first")
    run("chown", "-R", "site:site", "/srv/home")
    with open("/etc/pgo.toml", "w", encoding="utf-8") as out:
        out.write('[[services]]\nname = "site"\nuser = "site"\nrepository = "file:///srv/home/repo"\n')
        out.write(f'mount = "nfs://127.0.0.1{export}"\nhealth_timeout = "5m"\ntimeout = "20m"\n')
    os.chmod("/etc/pgo.toml", 0o600)


@pytest.fixture
def unit(real_engine, export, tmp_path):
    key = Key(str(tmp_path / "key"))
    install()
    make_service(export("shared"), key)
    yield key
    systemctl("stop", "pgod")
    real_engine.sweep()
    os.unlink(UNIT)
    systemctl("daemon-reload")
    run("umount", "--recursive", "--lazy", "/run/pgo/pins", check=False)
    run("umount", "/data/site", check=False)
    run("userdel", "--remove", "site")
    for path in ("/var/lib/pgo", "/data", "/etc/pgo.toml"):
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def reads(what):
    return run("docker", "exec", "site-web-1", "cat", what, check=False).stdout


def test_a_container_does_not_see_the_share_that_the_unit_mounted(unit, tmp_path):
    systemctl("start", "pgod")
    journal = lambda: run("journalctl", "-u", "pgod", "--no-pager", "-o", "cat").stdout  # noqa: E731
    wait_until(lambda: re.search(r"^live service=site", journal(), re.M), journal, 3 * SLOW)
    assert reads("/share/file") == "from the share\n" and reads("/www/index.html") == "the page\n"
    pid = systemctl("show", "pgod", "--value", "-p", "MainPID")
    assert os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/1/ns/mnt")
    # A terminal: the devices are what DevicePolicy= leaves.
    options = ["-i", unit.private, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path}/known"]
    shown = run("ssh", "-tt", "-p", "2222", *options, "tess@127.0.0.1", "site//exec -t web ls -l /proc/self/fd/0", check=False, deadline=SLOW)
    assert "/dev/pts/" in shown.stdout, shown.stdout + shown.stderr
    before = run("docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "site-web-1").stdout
    systemctl("restart", "pgod")
    assert run("docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "site-web-1").stdout == before
    run("docker", "restart", "--time=1", "site-web-1", deadline=SLOW)
    assert reads("/share/file") == "from the share\n"
