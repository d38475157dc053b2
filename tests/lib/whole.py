"""Is a service exactly one release, and is nothing left over? What has to hold after every kill, on either engine.

The compose files that are judged give each container the label `rev`, another one in each commit.
"""

import fcntl
import os
import re
import sqlite3

from lib.host import run


def git(pgo, service, *words):
    repository = os.path.join(pgo.dir, ".repos", service + ".git")
    argv = ["git", "-c", "safe.directory=*", "--git-dir", repository, *words]
    return run(*argv, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}).stdout


def files_of(pgo, service, commit):
    return git(pgo, service, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")[:-1]


def files_beneath(top):
    return sorted(os.path.relpath(os.path.join(folder, name), top) for folder, _, names in os.walk(top) for name in names)


def check_live_tree(pgo, service, wanted, untracked=()):
    """It holds these files (path → text), to the last one, and what the service itself wrote (directories `untracked`)."""
    top = pgo.live(service)
    found = {}
    for name in files_beneath(top):
        if name.split("/")[0] not in untracked:
            with open(os.path.join(top, name), encoding="utf-8") as content:
                found[name] = content.read()
    assert found == wanted, f"{service}: the live tree is not that of its commit: {found} instead of {wanted}"


def facts_of(status):
    """What `status` says, as a dictionary."""
    return {line[:12].strip(): line[12:].strip() for line in status.splitlines()}


def check_release(pgo, service, commits, wanted, untracked=()):
    """Containers, live tree, refs and `status` are of one and the same commit; returns it, and what status says.

    commits: commit → (the containers' label `rev`, {path: text}); wanted: compose service → number of containers."""
    facts = facts_of(pgo.status(service))
    assert facts["state"] == "live" and facts["healthy"].startswith("yes"), facts
    assert ", took " in facts["last deploy"], facts
    begun = rows(pgo, f"select name from service where name = '{service}' and applying <> 0")
    assert not begun, f"{service}: what was begun has not been brought to its end: {facts}"
    short = re.match(r"yes: release \d+, commit (\w{8})", facts["deployed"])[1]
    (live,) = [commit for commit in commits if commit.startswith(short)]
    rev, files = commits[live]
    found = sorted((box.name, box.state, box.labels.get("rev")) for box in pgo.engine.containers(service))
    # Start-first counts on, and back.
    names = sorted(re.sub("-[0-9]+$", "", name) for name, *_ in found)
    assert names == sorted(f"{service}-{name}" for name, count in wanted.items() for _ in range(count)), f"{service} at {live[:8]}: {found}"
    assert all(rest == ["running", rev] for _, *rest in found), f"{service} at {live[:8]} ({rev}): {found}"
    assert pgo.ref(service) == live, f"the live tree is of {pgo.ref(service)}: {facts}"
    check_live_tree(pgo, service, files, untracked)
    return live, facts


def held_locks(pgo):
    held = []
    folder = os.path.join(pgo.dir, ".lock")
    for name in os.listdir(folder):
        if name == ".pgod":
            continue
        with open(os.path.join(folder, name), "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(name)
    return held


def rows(pgo, query):
    database = sqlite3.connect(f"file:{os.path.join(pgo.dir, '.state', 'pgo.db')}?mode=ro", uri=True)
    try:
        return [row[0] for row in database.execute(query)]
    finally:
        database.close()


def residue(pgo, service):
    """What lies about of this service that belongs to no release and no commit in work: paths, with what is wrong about them."""
    left = []
    stage = os.path.join(pgo.dir, ".stage", service)
    prepared = files_of(pgo, service, pgo.ref(service, "tracked")) + files_of(pgo, service, pgo.ref(service))
    left += [f"stage: {name}" for name in files_beneath(stage) if name not in prepared]
    repository = os.path.join(pgo.dir, ".repos", service + ".git")
    for name in files_beneath(repository):
        if name.endswith((".lock", ".keep")) or os.path.basename(name).startswith(("tmp_", "broken-")):
            left.append(f"repository: {name}")
    models = os.path.join(pgo.dir, ".state", "models", service)
    known = {f"{release}.json" for release in rows(pgo, f"select id from release where service = '{service}'")}
    left += [f"model: {name}" for name in os.listdir(models) if name not in known]
    return left


def check_nothing_left(pgo, networks, pinned):
    """At rest, after a deploy that nobody disturbed: no container, network, file, lock, mount or process that has no owner.

    networks: all their names; pinned: service → what it mounts of the host, relative to its checkout."""
    boxes = [box.name for box in pgo.engine.containers() if box.project not in pgo.services]
    assert not boxes, f"containers of nobody: {boxes}"
    names = sorted(pgo.engine.network_names())
    assert names == sorted(networks), f"networks: {names} instead of {sorted(networks)}"
    left = [f"{service}: {what}" for service in pgo.services for what in residue(pgo, service)]
    assert not left, f"left over: {left}"
    known = {".apps", ".repos", ".stage", ".state", ".lock", ".empty", ".private", ".proxy", ".removed", ".ssh", ".pins", *pgo.services}
    assert set(os.listdir(pgo.dir)) <= known, f"in the directory: {os.listdir(pgo.dir)}"
    assert not os.listdir(os.path.join(pgo.dir, ".empty")) and not os.listdir(os.path.join(pgo.dir, ".removed"))
    assert not held_locks(pgo), f"locked: {held_locks(pgo)}"
    pins = [path for service in pgo.services for path in pgo.pins(service).values()]
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        mounted = [line.split()[1] for line in mounts if os.path.basename(pgo.base) in line and line.split()[1] != pgo.dir]  # which a test has made small
    assert sorted(mounted) == sorted([os.path.join(pgo.run, "pins"), *pins] if mounted else []), f"mounts: {mounted}"
    for service in pgo.services:
        wanted = sorted(pgo.live(service, name) for name in pinned.get(service, ()))
        assert sorted(pgo.pins(service)) == wanted, f"pinned for {service}: {pgo.pins(service)}"
        digests = [path.split("/")[-2] for path in pgo.pins(service).values()]
        links = os.path.join(pgo.dir, ".pins", service)
        for name in os.listdir(links) if os.path.isdir(links) else []:
            assert name.partition("-")[0] in digests, f"a name that was made for a pin of {service} that is gone: {name}"
    unended = rows(pgo, "select id from deploy where ended_ms = 0")
    assert not unended, f"the journal has deploys without an end: {unended}"
    assert rows(pgo, "pragma integrity_check") == ["ok"]
