"""What README tells pipelines to say, said as they say it: by a shell with nothing but the documented variables."""

import os
import re

import pytest

from lib.host import TOP, run, wait_until
from lib.pgo import program, web

HOSTS = "127.0.0.1 localhost\n{address} mymachine\n"
# A runner's container has another name service, no account for its user, no home and no terminal.
RUNNER = """mount --bind "$1" /etc/hosts
exec setsid -w setpriv --reuid 54321 --regid 54321 --clear-groups env -i PATH="$2" PGOCTL_ID="$3" PGOCTL_HOSTKEY="$4" sh -e
"""


@pytest.fixture
def project(pgo):
    pgo.address = f"127.77.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
    pgo.port = 2222
    pgo.service("project", pgo.repo("project", {"compose.yaml": web()}))
    pgo.start("-s", f"{pgo.address}:2222").wait_listening().wait_running("project")
    with open(pgo.path("hosts"), "w", encoding="ascii") as hosts:
        hosts.write(HOSTS.format(address=pgo.address))
    pgo.host_key = wait_until(lambda: run("ssh-keygen", "-y", "-f", os.path.join(pgo.dir, ".ssh", "host_ed25519")).stdout, "a host key")
    return pgo


def script_of(text, job):
    """The lines that a runner gets from a job of the pipeline: a list item each, without YAML's comments."""
    body = re.search(rf"^{job}:\n(.*?)(?=^\S|\Z)", text, re.M | re.S)[1]
    lines = re.search(r"^ +(?:script|run):(?: \|)?\n((?: {4,}.*\n)+)", body, re.M)[1].splitlines()
    return "".join(re.sub(r"\s+#.*", "", re.sub(r"^ *- ", "", line)).strip() + "\n" for line in lines)


def documented(language):
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as text:
        return re.search(rf"```yaml\n# {re.escape(language)}\n(.*?)```", text.read(), re.S)[1]


def pipeline(project, script, key):
    # The terminal's absence is part of it: setsid, and no standard input but the script.
    path = os.path.dirname(program("pgoctl")) + ":/usr/bin:/bin"
    argv = ["unshare", "--mount", "sh", "-ec", RUNNER, "runner", project.path("hosts"), path, key, project.host_key]
    return run(*argv, check=False, input=script, env={"PATH": path})


def test_the_documented_pipelines_do_not_run_with_two_variables(project):
    with open(project.key.private, encoding="ascii") as private:
        key = private.read()
    gitlab = documented(".gitlab-ci.yml")
    deploy, stop = script_of(gitlab, "deploy_production"), script_of(gitlab, "stop_production")
    assert "pull" in deploy and "up" in deploy and "down" in stop

    done = pipeline(project, stop, key.replace("\n", "\r\n"))
    assert done.returncode == 0, done.stderr
    assert not project.engine.containers("project")
    done = pipeline(project, deploy, key.rstrip("\n"))
    assert done.returncode == 0, done.stderr
    project.wait_running("project")
    assert "Started" in done.stdout + done.stderr, "a pipeline's log tells what was done"
    os.chmod(project.base, 0o755)
    for name in (project.key.private, project.path("hosts")):
        os.chmod(name, 0o644)
    done = pipeline(project, script_of(documented(".github/workflows/deploy.yml"), "  deploy"), project.key.private)
    assert done.returncode == 0, done.stderr


def test_a_pipeline_goes_on_after_a_step_that_failed(project):
    with open(project.key.private, encoding="ascii") as private:
        done = pipeline(project, "pgoctl mymachine:project//pull nothing\necho not reached\n", private.read())
    assert done.returncode == 1 and "not reached" not in done.stdout
    assert "there is no compose service nothing" in done.stderr
