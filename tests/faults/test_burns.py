"""What users of other tools were burnt by, where no other test shows it. tests/BURNS.md says which test stands for which burn."""

import base64
import glob
import os
import re
import threading
import urllib.parse

from lib.host import children_of, stays, state_of, wait_until
from lib.pgo import web
from lib.scenes import deployed, ids, three_polls
from lib.scrape import ask
from lib.servers import http_git

SECRET = "c4nary+Of$ome/Length=="


class Watch(threading.Thread):
    """Looks at the command line and environment of every process on the machine, as often as it can."""

    def __init__(self, needles):
        super().__init__(daemon=True)
        self.needles, self.found, self.looks, self.over = needles, set(), 0, False
        self.start()

    def run(self):
        while not self.over:
            for path in glob.glob("/proc/[0-9]*/cmdline"):
                try:
                    with open(path, "rb") as text:
                        words = text.read()
                except OSError:
                    continue
                self.found |= {(needle, words) for needle in self.needles if needle in words}
            self.looks += 1

    def stop(self):
        self.over = True
        self.join()
        return self.found


def spellings(secret):
    forms = {secret, secret.replace("$", "$$"), urllib.parse.quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}
    return {form.encode() for form in forms}


def files_with(needles, top, spared=()):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if any(path.startswith(prefix) for prefix in spared) or not os.path.isfile(path):
                continue
            try:
                with open(path, "rb") as content:
                    text = content.read()
            except FileNotFoundError:
                continue  # pgod works on
            yield from (f"{path}: {needle!r}" for needle in needles if needle in text)


def test_a_secret_shows_in_no_log_database_answer_or_command_line(pgo):
    """The URL's password and a variable of the configuration, in every form that they take on their way, through good and bad deploys."""
    needles = spellings(SECRET) | {base64.b64encode(f"tess:{SECRET}".encode())}
    watch = Watch(needles)
    places = {"environment": {"PASSWORD": "${PASSWORD}"}, "command": ["serve", "--token=${PASSWORD}"], "labels": {"token": "${PASSWORD}"}}
    compose = web(**places, healthcheck={"test": ["CMD", "curl", "-H", "Authorization: ${PASSWORD}"]})
    repo = pgo.repo("site", {"compose.yaml": compose, "ssh/k.pub": pgo.key.public})
    url = http_git(pgo, pgo.path("repos"), password=SECRET)
    pgo.service("site", url + "/site/.git", env=[f"PASSWORD={SECRET}"])
    pgo.start().wait_deployed("site", repo.head)
    model = pgo.engine.calls("up")[-1]["model"]["services"]["web"]
    assert model["environment"]["PASSWORD"].replace("$$", "$") == SECRET, "the service must have got it, or this test sees nothing"
    bad = dict(compose, services={"web": {**compose["services"]["web"], "image": "pgo-test/none:1"}})
    answers = [pgo.wait_judged("site", repo.commit({"compose.yaml": bad}))]
    refused = dict(compose, services={"web": {**compose["services"]["web"], "pid": "host", "privileged": True}})
    answers.append(pgo.wait_judged("site", repo.commit({"compose.yaml": refused})))
    for op in (["status"], ["ps"], ["load"], ["git", "log"], ["help"], ["plan"], ["history"], ["deploys", "1"], ["logs", "deploy"]):
        done = pgo.ctl("site", *op)
        answers.append(done.stdout + done.stderr)
    answers.append(ask(pgo.metrics)[1])
    mark = len(pgo.log())
    os.rename(repo.path, repo.path + ".away")
    pgo.wait_log("cannot|not found|repository", after=mark)
    assert watch.stop() == set() and watch.looks > 3
    told = "\n".join(answers + [pgo.log()]).encode()
    assert not [line for line in told.splitlines() for needle in needles if needle in line]
    # The model of a release has to hold it, in files of core alone.
    spared = [os.path.join(pgo.dir, ".state", "models")]
    assert list(files_with(needles, pgo.dir, spared)) == []
    assert [os.stat(path).st_mode & 0o777 for path in glob.glob(spared[0] + "/*/*")] != []
    assert {os.stat(path).st_mode & 0o077 for path in glob.glob(spared[0] + "/*/*")} == {0}


def test_a_refused_commit_is_judged_once_and_not_at_every_poll(pgo, compose_starts):
    repo = deployed(pgo)
    pgo.wait_judged("site", repo.commit({"compose.yaml": web(privileged=True)}))
    starts, log = compose_starts.count(), len(pgo.log())
    stays(lambda: compose_starts.count() == starts, "compose reads it no more", three_polls(pgo, repo))
    assert "privileged" not in pgo.log()[log:]


def test_services_of_one_repository_do_not_disturb_each_other_and_many_commits_become_few_deploys(pgo):
    repo = pgo.repo("shared")
    for name in ("one", "two"):
        pgo.service(name, repo)
    pgo.start()
    for name in ("one", "two"):
        pgo.wait_deployed(name, repo.head)
    pgo.engine.hold("up")
    for number in range(8):
        head = repo.commit({"compose.yaml": web("pgo-test/web:2", labels={"number": str(number)})})
        if number == 0:
            wait_until(lambda: {entry["project"] for entry in pgo.engine.waiting} == {"one", "two"}, "both deploy the first of them")
    pgo.engine.release("up")
    for name in ("one", "two"):
        pgo.wait_deployed(name, head)
        labels = [entry["model"]["services"]["web"]["labels"].get("number") for entry in pgo.engine.calls("up", name) if "labels" in entry["model"]["services"]["web"]]
        assert labels[0] == "0" and labels[-1] == "7" and len(labels) <= 4, f"{name}: {labels}"


def test_a_variable_of_the_host_does_not_reach_a_compose_file(pgo):
    host = pgo.env()
    pgo.env = lambda: {**host, "LEAK": "of the host", "COMPOSE_PROFILES": "debug", "COMPOSE_PROJECT_NAME": "other"}
    deployed(pgo, files={"compose.yaml": web(environment={"SEEN": "${LEAK:-nothing}"}), "ssh/k.pub": pgo.key.public})
    up = pgo.engine.calls("up")[-1]
    assert up["model"]["services"]["web"]["environment"] == {"SEEN": "nothing"}
    assert up["model"]["name"] == "site" and not {"LEAK", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"} & set(up["env"])


def test_a_corrupt_clone_is_made_anew_and_no_container_touched(pgo):
    repo = deployed(pgo)
    before = ids(pgo)
    bare = os.path.join(pgo.dir, ".repos", "site.git")
    for path in glob.glob(bare + "/objects/pack/*") + glob.glob(bare + "/objects/??/*"):
        with open(path, "wb"):
            pass  # an empty file, as a power cut leaves it
    head = repo.commit({"README": "nothing that the containers read\n"})
    pgo.wait_status("site", f"commit {head[:8]}", deadline=40)
    wait_until(lambda: os.path.exists(pgo.live("site", "README")), "the commit is there")
    assert ids(pgo) == before


def fd_count(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_deploys_leave_neither_zombies_nor_descriptors_behind(pgo):
    repo = deployed(pgo)

    def deploy(number):
        head = repo.commit({"compose.yaml": web(labels={"number": str(number)})})
        pgo.ctl("site", "git", "pull", check=True)
        pgo.wait_deployed("site", head)

    def at_rest():
        """Descriptors of pgod and core while nobody is connected, and the pgod-ssh for the next one is there."""
        wait_until(lambda: not pgo.connections() and pgo.role_pids("pgod-ssh"), "the clients have gone")
        (core,) = pgo.role_pids("pgod-core")
        return fd_count(pgo.process.pid), fd_count(core)

    deploy(1)
    before = at_rest()
    for number in range(2, 10):
        deploy(number)
    # Fewer: core lets go of connections to the engine that it has not used for a while.
    wait_until(lambda: all(now <= then for now, then in zip(at_rest(), before)), lambda: f"{before} descriptors, now {at_rest()}")
    # A job that has just ended is one for a moment.
    wait_until(lambda: "Z" not in [state_of(pid) for pid in children_of(pgo.process.pid)], "no zombie is left")


def test_nothing_but_an_operator_deletes_a_volume(pgo):
    files = {"compose.yaml": {"services": {"web": {"image": "pgo-test/web:1", "volumes": ["rows:/rows", "/cache"]}}, "volumes": {"rows": {}}}}
    repo = deployed(pgo, files={**files, "ssh/k.pub": pgo.key.public})
    pgo.wait_deployed("site", repo.commit({"compose.yaml": web("pgo-test/web:2")}))
    repo.commit({"compose.yaml": web("pgo-test/none:1")})
    pgo.wait_status("site", "none")
    for op in ("restart", "stop", "start", "down", "up"):
        pgo.ctl("site", op)
    other = pgo.repo("other")
    pgo.service("other", other)
    pgo.stop()
    del pgo.services["site"]
    pgo.start().wait_deployed("other", other.head)
    wait_until(lambda: not pgo.engine.containers("site"), "the service that is gone has no containers")
    for entry in pgo.engine.calls(project="site"):
        assert not {"-v", "--volumes", "-V", "--renew-anon-volumes", "rm"} & set(entry["argv"]), entry["argv"]
    assert "site_rows" in pgo.engine.volumes
    assert not [request for request in pgo.engine.requests if "/volumes" in request[1] and request[0] not in ("GET", "HEAD")]


def test_what_status_calls_good_is_what_runs(pgo):
    """A green light beside containers that are not those of the commit: the words are checked against the engine and the disk."""
    repo = deployed(pgo)
    head = repo.commit({"compose.yaml": web("pgo-test/web:2")})
    pgo.wait_deployed("site", head)
    (box,) = pgo.running("site")
    assert box.image_id == pgo.engine.images["pgo-test/web:2"]
    pgo.wait_judged("site", repo.commit({"compose.yaml": web("pgo-test/none:1")}))
    told = pgo.status("site")
    assert re.search(rf"in sync +no", told) and head[:8] in told, told


