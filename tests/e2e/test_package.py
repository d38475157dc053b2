"""The Debian packages, in a machine with systemd as process 1 and real containers: installed, restarted, hung, upgraded, removed, purged."""

import glob
import os
import re
import shutil
import subprocess

import pytest

from lib.host import TOP, outcome, run, state_of, wait_until
from lib.machine import Machine

SERVICE = """[[services]]
name = "site"
user = "site"
repository = "file:///srv/site"
settle = "1s"
"""
COMPOSE = """services:
  web:
    image: pgo-test/web:1
    restart: always
    stop_grace_period: 1s
    volumes: ["./www:/www", "/data/site/share:/share"]
"""


@pytest.fixture(scope="module")
def packages():
    """Built from the tree; {name: file}"""
    run(os.path.join(TOP, "scripts", "deb"), deadline=600)
    return {os.path.basename(path).split("_")[0]: path for path in glob.glob(os.path.join(TOP, "build-deb", "*.deb"))}


def make_repository(machine):
    """A service in the machine whose container reads a page of its repository, and a share that is mounted in its data directory."""
    machine.run("adduser", "--quiet", "--system", "--group", "--home", "/srv/site", "--no-create-home", "site")
    machine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/key")
    key = machine.run("cat", "/root/key.pub").stdout
    machine.run("git", "init", "-q", "-b", "main", "/srv/site")
    for name, text in {"compose.yaml": COMPOSE, "www/index.html": "the page\n", "ssh/tess.pub": key}.items():
        machine.write("/srv/site/" + name, text)
    machine.run("git", "-C", "/srv/site", "add", "-A")
    machine.run("git", "-C", "/srv/site", "-c", "user.name=Tess", "-c", "user.email=tess@example.org", "commit", "-qm", "first")
    machine.run("chown", "-R", "site:site", "/srv/site")
    machine.run("install", "-d", "-o", "site", "-g", "site", "/data/site", "/data/site/share")
    machine.run("mount", "-t", "tmpfs", "-o", "mode=755,size=1m", "share", "/data/site/share")
    machine.write("/data/site/share/file", "from the share\n")


@pytest.fixture(scope="module")
def machine(packages):
    """The packages are installed before the machine runs, as an installer of an image does; its service runs."""
    made = Machine()
    try:
        made.start()
        made.install(packages["pgo"], packages["pgoctl"])
        made.boot()
        made.engine_images("pgo-test/web:1")
        make_repository(made)
        made.first_pid = made.main_pid()
        made.conffile_mode = os.stat(made.path("/etc/pgo.toml")).st_mode & 0o777
        made.write("/etc/pgo.toml", SERVICE, 0o600)
        wait_until(lambda: runs(made), lambda: "the service runs; the journal:\n" + made.journal(), 60)
        yield made
    finally:
        made.remove()


def runs(machine):
    """It is deployed, and nothing goes on."""
    return re.search(r"healthy +yes.*in sync +yes.*last deploy[^\n]*, took", machine.pgoctl("site//status", check=False).stdout, re.S)


def serves(machine):
    """What the container reads through the pins."""
    read = ("docker", "exec", "site-web-1", "cat", "/www/index.html", "/share/file")
    return machine.run(*read).stdout == "the page\nfrom the share\n"


def newer(package, version, into):
    """The same package with a higher version: its content is not what an upgrade is about."""
    tree = os.path.join(into, "tree")
    run("dpkg-deb", "--raw-extract", package, tree)
    control = os.path.join(tree, "DEBIAN", "control")
    with open(control, encoding="utf-8") as text:
        fields = re.sub(r"^Version: .*$", f"Version: {version}", text.read(), flags=re.M)
    with open(control, "w", encoding="utf-8") as out:
        out.write(fields)
    made = os.path.join(into, f"pgo_{version}_all.deb")
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, made)
    shutil.rmtree(tree)
    return made


def test_lintian_has_nothing_to_say(packages, tmp_path):
    (changes,) = glob.glob(os.path.join(TOP, "build-deb", "*.changes"))
    env = {**os.environ, "TMPDIR": str(tmp_path)}  # it leaves files behind
    done = run("lintian", "--allow-root", "--fail-on", "error,warning", "--pedantic", changes, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    for overrides in glob.glob(os.path.join(TOP, "dist", "debian", "*lintian-overrides")):
        with open(overrides, encoding="utf-8") as text:
            lines = text.read().splitlines()
        unexplained = [line for before, line in zip([""] + lines, lines) if not line.startswith("#") and not before.startswith("#")]
        assert not unexplained, "an override says why"


def test_the_changelog_has_the_version_that_the_programs_have(packages):
    version = run("dpkg-deb", "--field", packages["pgo"], "Version").stdout.strip()
    assert version == run(os.path.join(TOP, "build", "src", "supervisor", "pgod"), "--version").stdout.strip()


def test_what_was_installed_before_the_boot_comes_up_with_it_and_takes_its_configuration(machine):
    assert machine.conffile_mode == 0o600
    assert machine.show("UnitFileState") == "enabled"
    assert machine.first_pid and machine.main_pid() != machine.first_pid, "the new configuration was a restart"
    assert machine.show("NFileDescriptorStore") == "2", "for SSH and for metrics"
    assert machine.run("busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:9112/healthz").stdout
    roles = machine.run("ps", "-eo", "user:20,comm").stdout.split("\n")
    assert {"_pgod pgod-core", "_pgod-ssh pgod-ssh", "_pgod-web pgod-web"} <= {" ".join(line.split()) for line in roles}


def test_pgod_has_the_mount_namespace_of_the_machine_and_the_engine_sees_its_pins(machine):
    namespaces = machine.run("readlink", "/proc/1/ns/mnt", f"/proc/{machine.main_pid()}/ns/mnt").stdout.split()
    assert namespaces[0] == namespaces[1]
    assert serves(machine)
    mounts = machine.run("docker", "inspect", "--format", "{{range .Mounts}}{{.Source}} {{end}}", "site-web-1").stdout.split()
    assert len(mounts) == 2 and all(source.startswith("/run/pgo/pins/") for source in mounts)


def test_the_unit_is_confined(machine):
    with open(machine.path(f"/proc/{machine.main_pid()}/status"), encoding="ascii") as text:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in text if ":\t" in line)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    sys_module, sys_rawio, sys_boot, sys_time = 16, 17, 22, 25
    assert not any(int(status["CapBnd"], 16) & 1 << capability for capability in (sys_module, sys_rawio, sys_boot, sys_time))
    done = machine.run("systemd-analyze", "verify", "--man=no", "pgod.service")
    assert "pgod" not in done.stdout + done.stderr
    said = machine.run("systemd-analyze", "security", "--no-pager", "pgod.service").stdout
    assert float(re.search(r"Overall exposure level for pgod.service: ([0-9.]+)", said).group(1)) < 6


def test_a_terminal_works_behind_the_walls_of_the_unit(machine):
    argv = ["ssh", "-tt", "-p", "2222", "-i", "/root/key", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new"]
    done = machine.run(*argv, "tess@127.0.0.1", "site//exec -t web ls -l /proc/self/fd/0", check=False)
    assert "/dev/pts/" in done.stdout, done.stdout + done.stderr


def test_nobody_is_refused_while_pgod_restarts(machine):
    before, pid = machine.containers(), machine.main_pid()
    argv = ["nsenter", "--all", "--target", str(machine.pid), "pgoctl", "-i", "/root/key", "--accept-new", "--", "127.0.0.1:site//ping"]
    with machine.knocking() as knocks:
        machine.run("systemctl", "restart", "pgod")
        pid = machine.wait_other_pid(pid)
        process = machine.on_host(pid)
        machine.run("systemctl", "reload", "pgod")
        # For a second: to ask systemd may take longer.
        wait_until(lambda: state_of(process) == "Z", "pgod is down")
        seen = knocks()
        client = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        pid = machine.wait_other_pid(pid)
        outcome(client, 20)
        assert client.returncode == 0, "who came while it was down was served afterwards"
        assert knocks() > seen
        machine.run("kill", "-KILL", str(pid))
        machine.wait_other_pid(pid)
    assert machine.containers() == before and serves(machine)


def test_a_pgod_that_hangs_is_replaced_and_containers_are_not(machine):
    before, pid = machine.containers(), machine.main_pid()
    machine.write("/run/systemd/system/pgod.service.d/soon.conf", "[Service]\nWatchdogSec=1\nTimeoutAbortSec=1\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "pgod")
    pid = machine.wait_other_pid(pid)
    with machine.knocking():
        machine.run("kill", "-STOP", str(pid))
        machine.wait_other_pid(pid)
    assert "watchdog" in machine.journal().lower()
    os.unlink(machine.path("/run/systemd/system/pgod.service.d/soon.conf"))
    machine.run("systemctl", "daemon-reload")
    assert machine.containers() == before and serves(machine)


def test_an_upgrade_touches_no_container_and_refuses_nobody(machine, packages, tmp_path):
    before, pid = machine.containers(), machine.main_pid()
    with machine.knocking():
        machine.install(newer(packages["pgo"], "0.1.0+newer", tmp_path))
        assert machine.main_pid() != pid, "the new one runs when dpkg has ended"
    wait_until(lambda: runs(machine), "it looks after the service")
    assert machine.containers() == before and serves(machine)
    assert machine.run("cat", "/etc/pgo.toml").stdout == SERVICE


def test_it_is_removed_and_purged_without_a_container_or_any_data_noticing(machine, packages):
    before = machine.containers()
    machine.write("/var/lib/pgo/site/upload", "somebody's\n")
    machine.write("/data/site/base", "data\n")
    said = machine.run("apt-get", "--yes", "remove", "pgo")
    assert "go on running" in said.stdout + said.stderr
    assert machine.show("LoadState") == "not-found" and "pgod" not in machine.run("systemctl", "list-units", "--no-pager", "--plain").stdout
    assert machine.containers() == before and serves(machine)
    assert os.path.exists(machine.path("/etc/pgo.toml")) and os.path.exists(machine.path("/var/lib/pgo/.state/pgo.db"))

    machine.install(packages["pgo"])
    wait_until(lambda: runs(machine), "the service is known as before")
    assert machine.containers() == before, "and not made anew"

    machine.run("apt-get", "--yes", "purge", "pgo")
    assert machine.containers() == before and serves(machine)
    for gone in ("/etc/pgo.toml", "/var/lib/pgo/.state", "/var/lib/pgo/.ssh", "/usr/sbin/pgod", "/usr/libexec/pgo", "/lib/systemd/system/pgod.service"):
        assert not os.path.exists(machine.path(gone)), gone
    for kept in ("/var/lib/pgo/site/upload", "/var/lib/pgo/site/compose.yaml", "/var/lib/pgo/.repos/site.git/HEAD", "/data/site/base", "/data/site/share/file"):
        assert os.path.exists(machine.path(kept)), kept
    # A container that ends comes back, from the pins that are still there.
    machine.run("docker", "restart", "--time=1", "site-web-1")
    assert serves(machine)


def test_make_install_starts_from_where_it_put_things(machine):
    """Without the package: the build of the tests, below /usr/local."""
    machine.run("dpkg", "--purge", "pgo")
    before = machine.containers()
    run("make", "install", f"DESTDIR={machine.path('/')}", cwd=TOP, deadline=300)
    machine.run("rm", "/root/.ssh/known_hosts")  # the host's key was purged
    machine.run("systemd-sysusers", "/usr/local/lib/sysusers.d/pgo.conf")
    machine.run("systemd-tmpfiles", "--create", "/usr/local/lib/tmpfiles.d/pgo.conf")
    machine.write("/etc/pgo.toml", SERVICE, 0o600)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "pgod")
    with open(machine.path(f"/proc/{machine.main_pid()}/cmdline"), encoding="ascii") as cmdline:
        assert cmdline.read().rstrip("\0") == "/usr/local/sbin/pgod"
    wait_until(lambda: runs(machine), lambda: "the service runs; the journal:\n" + machine.journal(), 60)
    assert set(machine.containers()) == set(before) and serves(machine)
    machine.run("systemctl", "stop", "pgod")
    assert machine.show("Result") == "success"
