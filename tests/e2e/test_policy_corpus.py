"""Repositories through the real resolve and the policy: tests/corpus/refuse/NAME is refused at exactly the places of its
`expect` (lines "path: words of the rule"), tests/corpus/pass/NAME is approved. `policy.json` holds what the administrator
and the other services say; without it nothing is allowed besides. A new directory is a new test."""

import concurrent.futures
import json
import os
import subprocess

import pytest

from lib.host import TOP
from lib.pgo import BUILD

CORPUS = os.path.join(TOP, "tests/corpus")
JUDGE = os.path.join(BUILD, "tests/unit/compose/policy-corpus")


def names(kind):
    return sorted(os.listdir(os.path.join(CORPUS, kind)))


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as text:
        return text.read()


def resolve(compose, libexec, directory):
    """What the job `resolve` prints for a checkout, outside of its private root."""
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/nonexistent",
        "PGO_SERVICE": "web",
        "PGO_LIVE": directory,
        "PGO_COMPOSE": compose,
    }
    done = subprocess.run(
        [os.path.join(libexec, "pgod-job"), "resolve"], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{directory}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def judged(compose, libexec):
    """All of the corpus: compose in parallel, the policy in one process."""
    directories = [os.path.join(CORPUS, kind, name) for kind in ("refuse", "pass") for name in names(kind)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        models = list(pool.map(lambda directory: resolve(compose, libexec, directory), directories))
    cases = []
    for directory, model in zip(directories, models):
        case = {"name": os.path.relpath(directory, CORPUS), "model": model, "live": directory, "datadir": "/data/web"}
        if os.path.exists(os.path.join(directory, "policy.json")):
            case["policy"] = json.loads(read(directory, "policy.json"))
        cases.append(case)
    done = subprocess.run([JUDGE], input=json.dumps(cases), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_corpus_has_shrunk():
    assert len(names("refuse")) >= 150 and len(names("pass")) >= 60


@pytest.mark.parametrize("name", names("refuse"))
def test_a_hostile_repository_is_approved(judged, name):
    found = [(v["path"], v["rule"]) for v in judged[f"refuse/{name}"]["violations"]]
    expected = [line.split(": ", 1) for line in read(CORPUS, "refuse", name, "expect").splitlines()]
    assert sorted(path for path, _ in found) == sorted(path for path, _ in expected), found
    for path, words in expected:
        assert any(path == where and words in rule for where, rule in found), (path, words, found)


@pytest.mark.parametrize("name", names("pass"))
def test_an_ordinary_repository_is_refused(judged, name):
    answer = judged[f"pass/{name}"]
    assert answer.get("violations") == [], answer


@pytest.mark.parametrize("name", names("pass"))
def test_a_forbidden_leaf_in_an_ordinary_repository_is_approved(judged, name):
    assert judged[f"pass/{name}"].get("planted", []) == []
