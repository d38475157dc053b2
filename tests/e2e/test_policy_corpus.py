"""Repositories through pgod's own job `resolve`, in its sealed root, and the policy: tests/corpus/refuse/NAME is refused at exactly the places of its
`expect` (lines "path: words of the rule"), tests/corpus/pass/NAME is approved. `policy.json` holds what the administrator
and the other services say; without it nothing is allowed besides. A new directory is a new test."""

import concurrent.futures
import contextlib
import json
import os
import subprocess

import pytest

from lib.host import TOP
from lib.pgo import BUILD
from lib.sealed import sealed

CORPUS = os.path.join(TOP, "tests/corpus")
JUDGE = os.path.join(BUILD, "tests/unit/compose/policy-corpus")
PGODS = os.cpu_count()


def names(kind):
    return sorted(os.listdir(os.path.join(CORPUS, kind)))


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as text:
        return text.read()


@pytest.fixture(scope="module")
def judged(compose, accounts):
    """All of the corpus: resolved as pgod does it, a few pgods at a time; the policy in one process."""
    directories = [os.path.join(CORPUS, kind, name) for kind in ("refuse", "pass") for name in names(kind)]

    def resolve(job, share):
        models = {}
        for directory in share:
            status, model, words = job.resolve(directory)
            assert status == 0, f"{directory}: {words}"
            # For the judge, who looks for symbolic links, the live tree is the directory itself.
            models[directory] = model.replace(job.live, directory)
        return models

    # Each is closed when those that began after it have gone: to it they would be left over.
    with contextlib.ExitStack() as pgods, concurrent.futures.ThreadPoolExecutor(PGODS) as pool:
        jobs = [pgods.enter_context(sealed(accounts, compose)) for _ in range(PGODS)]
        shares = [directories[number::PGODS] for number in range(PGODS)]
        models = {key: model for share in pool.map(resolve, jobs, shares) for key, model in share.items()}
    cases = []
    for directory in directories:
        case = {"name": os.path.relpath(directory, CORPUS), "model": models[directory], "live": directory, "datadir": "/data/web"}
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
