"""What a compose file names outside of its repository does not exist for it: neither content nor name of it reaches the model or a message."""

import json
import os
import subprocess

import pytest

from lib.host import run
from lib.sealed import sealed

MARK = "of-the-host"

# Both lie beside pgod's directory, for everybody to read; {out} is where, and ../.. leads there as well.
OUTSIDE = {
    "outside.env": f"MARK={MARK}\n",
    "outside.yaml": f"services: {{web: {{image: {MARK}}}}}\n",
}

IMAGE = "services: {web: {image: x}}\n"

# A value that is a list is where a symbolic link leads.
BAITS = {
    "env_file": {"compose.yaml": "services: {web: {image: x, env_file: {out}/outside.env}}"},
    "env_file above": {"compose.yaml": "services: {web: {image: x, env_file: ../../outside.env}}"},
    "env_file by a variable": {"compose.yaml": "services: {web: {image: x, env_file: '${WHERE}'}}", ".env": "WHERE={out}/outside.env"},
    "env_file as a link": {"compose.yaml": "services: {web: {image: x, env_file: ./a.env}}", "a.env": ["{out}/outside.env"]},
    "env_file behind a link": {"compose.yaml": "services: {web: {image: x, env_file: a/outside.env}}", "a": ["{out}"]},
    "env_file behind two links": {"compose.yaml": "services: {web: {image: x, env_file: a/b/outside.env}}", "a": ["."], "b": ["../.."]},
    "env_file that may be missing": {"compose.yaml": "services: {web: {image: x, env_file: [{path: {out}/outside.env, required: false}]}}"},
    "include": {"compose.yaml": "include: ['{out}/outside.yaml']"},
    "include above": {"compose.yaml": "include: [../../outside.yaml]"},
    "include as a link": {"compose.yaml": "include: [a.yaml]", "a.yaml": ["{out}/outside.yaml"]},
    "include with an env_file": {
        "compose.yaml": "include: [{path: a.yaml, env_file: {out}/outside.env}]",
        "a.yaml": "services: {web: {image: '${MARK}'}}",
    },
    "include with a directory": {
        "compose.yaml": "include: [{path: a.yaml, project_directory: {out}}]",
        "a.yaml": "services: {web: {image: x, env_file: outside.env}}",
    },
    "extends": {"compose.yaml": "services: {web: {extends: {file: {out}/outside.yaml, service: web}}}"},
    "extends above": {"compose.yaml": "services: {web: {extends: {file: ../../outside.yaml, service: web}}}"},
    "extends as a link": {"compose.yaml": "services: {web: {extends: {file: a.yaml, service: web}}}", "a.yaml": ["{out}/outside.yaml"]},
    "extends of what extends": {
        "compose.yaml": "services: {web: {extends: {file: a.yaml, service: web}}}",
        "a.yaml": "services: {web: {extends: {file: {out}/outside.yaml, service: web}}}",
    },
    "an override that is a link": {"compose.yaml": IMAGE, "compose.override.yaml": ["{out}/outside.yaml"]},
    ".env that is a link": {"compose.yaml": "services: {web: {image: '${MARK:-none}'}}", ".env": ["{out}/outside.env"]},
    "a compose file that is a link": {"compose.yaml": ["{out}/outside.yaml"]},
}

# Of a variable that is not set compose says so, wherever it is read, and goes on with an empty one.
UNSET = {
    "compose.yaml": """include: [more.yaml]
services:
  web: {image: "x:${TAG}", env_file: a.env, environment: [HOME, PASSED, "D=$$HOME ${HOME:-of nobody} ${COMPOSE_PROJECT_NAME}"], labels: {path: $PATH}}
  extra: {profiles: [never], extends: {file: base.yaml, service: base}, image: "$IN_A_PROFILE"}
x-note: ${IN_X} ${FROM_ENV} ${SECRET} $$IN_NONE ${EMPTY} ${WITH-x} ${PGO_SERVICE}
""",
    "more.yaml": "services: {other: {image: 'y:${INCLUDED}'}}",
    "base.yaml": "services: {base: {image: z, labels: {l: '${EXTENDED}'}}}",
    "a.env": "A=${IN_ENV_FILE}\nB='${QUOTED}'\nC=${SECRET}",
    ".env": "FROM_ENV=1\nEMPTY=\nQ=${IN_DOT_ENV}",
}
READ_UNSET = {"TAG", "PATH", "IN_A_PROFILE", "IN_X", "PGO_SERVICE", "INCLUDED", "EXTENDED", "IN_ENV_FILE", "IN_DOT_ENV"}

# Those that go on without what they may lack.
GOES_ON = ["env_file that may be missing", ".env that is a link"]

# There is no network to fetch any of it from.
REMOTE = {
    "git": "include: ['https://127.0.0.1/x.git']",
    "git over ssh": "include: ['git@127.0.0.1:x.git']",
    "registry": "include: ['oci://127.0.0.1:5000/x']",
    "extends": "services: {web: {extends: {file: 'https://127.0.0.1/x.git', service: web}}}",
}


def lay_out(directory, files, out):
    os.makedirs(directory)
    for name, content in files.items():
        path = os.path.join(directory, name)
        if isinstance(content, list):
            os.symlink(content[0].replace("{out}", out), path)
            continue
        with open(path, "w", encoding="ascii") as text:
            text.write(content.replace("{out}", out) + "\n")


@pytest.fixture(scope="module")
def job(accounts, compose):
    with sealed(accounts, compose, env=["SECRET=swordfish"]) as made:
        for name, content in OUTSIDE.items():
            with open(made.pgod.path(name), "w", encoding="ascii") as text:
                text.write(content)
        yield made


def without_the_seal(compose, directory):
    """What compose says of it where the host is to be seen."""
    argv = [compose, "-p", "web", "--project-directory", directory, "-f", "compose.yaml"]
    if os.path.lexists(os.path.join(directory, "compose.override.yaml")):
        argv += ["-f", "compose.override.yaml"]
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run([*argv, "config"], cwd=directory, env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("bait", BAITS)
def test_a_compose_file_reads_a_file_of_the_host(job, compose, bait):
    directory = job.pgod.path("baits", bait.replace(" ", "-"))
    lay_out(directory, BAITS[bait], job.pgod.base)
    # As deep below what it names as the live tree is.
    assert MARK in without_the_seal(compose, directory), "a bait that is none"
    status, model, words = job.resolve(directory)
    assert MARK not in model + words
    assert (status == 0) == (bait in GOES_ON), words
    assert status == 0 or words


@pytest.mark.parametrize("kind", REMOTE)
def test_a_compose_file_is_fetched_from_elsewhere(job, kind):
    directory = job.pgod.path("remote", kind.replace(" ", "-"))
    lay_out(directory, {"compose.yaml": REMOTE[kind]}, "")
    status, model, words = job.resolve(directory)
    assert status != 0 and words and not model


def test_a_compose_file_cannot_tell_what_exists_on_the_host(job):
    """The same words for what is there and for what is not."""
    said = set()
    for name in ("outside.env", "nothing.env"):
        directory = job.pgod.path("oracle", name)
        path = job.pgod.path(name)
        lay_out(directory, {"compose.yaml": f"services: {{web: {{image: x, env_file: '{path}'}}}}"}, "")
        status, _, words = job.resolve(directory)
        assert status != 0
        said.add(words.replace(path, "PATH"))
    assert len(said) == 1, said


def test_a_variable_of_pgod_or_of_nobody_reaches_the_model(job):
    directory = job.pgod.path("unset")
    lay_out(directory, UNSET, "")
    status, model, words = job.resolve(directory)
    assert status == 6 and not model
    told = words.partition("no default: ")[2].partition("; set them")[0].split(", ")
    assert {name.split(" ")[0] for name in told} == READ_UNSET and words.count("\n") == 1, words
    assert "TAG (compose.yaml:3)" in told and "IN_DOT_ENV (.env:3)" in told and "INCLUDED" in told
    set_now = UNSET[".env"] + "".join(f"\n{name}=set" for name in READ_UNSET)
    os.unlink(os.path.join(directory, ".env"))
    with open(os.path.join(directory, ".env"), "w", encoding="ascii") as text:
        text.write(set_now.replace("Q=${IN_DOT_ENV}", "Q=q"))
    status, model, words = job.resolve(directory)
    assert status == 0, words
    web = json.loads(model)["services"]["web"]
    assert web["environment"] == {"A": "set", "B": "$${QUOTED}", "C": "swordfish", "D": "$$HOME of nobody web", "HOME": None, "PASSED": None}


@pytest.mark.parametrize("place", ["volumes: ['~/.ssh:/x']", "build: ~/app", "env_file: ~/a.env"])
def test_a_home_is_taken_for_a_directory_of_the_repository(job, place):
    directory = job.pgod.path("home", place.partition(":")[0])
    lay_out(directory, {"compose.yaml": f"services: {{web: {{image: x, {place}}}}}"}, "")
    os.makedirs(os.path.join(directory, "~/.ssh"))
    status, _, words = job.resolve(directory)
    assert status == 6 and '"~" is nobody\'s home' in words, words


def test_the_account_could_not_have_read_the_baits_anyway(job):
    run("test", "-r", job.pgod.path("outside.env"), user=job.owner.pw_uid, group=job.owner.pw_gid, extra_groups=[])
