"""Secrets are planted wherever they may legally be, everything is made to fail that can quote one, and then they are looked for wherever they must not be."""

import base64
import glob
import json
import os
import re
import threading
import urllib.parse
import urllib.request

import pytest

from lib.host import all_pids, command_of, wait_until
from lib.pusher import Pusher, operator
from lib.registries import Registry
from lib.servers import http_git
from test_commit import fetch, only

ENV = 'c4nary-env$"<é>/ +\'x'
WORD = "canaryplainword"  # looks like nothing in particular
SIGNED = "c4nary-jwt.eyJhbGciOi.J9"
REPOSITORY = "c4nary-Repo"
REGISTRY = "c4nary@reg:istry"
DOTENV = "c4nary-dotenv-value"
ENV_FILE = "c4nary-envfile-value"
CONFIG = "c4nary-config-content"

FROM_PGO_TOML = {"env": ENV, "word": WORD, "signed": SIGNED, "repository": REPOSITORY, "registry": REGISTRY}
FROM_THE_REPOSITORY = {"dotenv": DOTENV, "env_file": ENV_FILE, "config": CONFIG}


def forms(secret):
    """In plain, escaped for compose, JSON, Go and URLs, and in base64 wherever it begins."""
    plain = {secret, secret.replace("$", "$$"), secret.replace("'", "''")}
    found = set(plain)
    for text in plain:
        for escaped in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
            found.add(escaped[1:-1])
            found.add(re.sub("[<>&]", lambda match: f"\\u{ord(match.group()):04x}", escaped[1:-1]))
        found |= {urllib.parse.quote(text, safe=""), urllib.parse.quote(text), urllib.parse.quote_plus(text)}
    for before in range(3):
        coded = base64.b64encode(b" " * before + secret.encode()).decode()
        found.add(coded[before + bool(before) : (before + len(secret.encode())) * 8 // 6])
    return {form.encode() for form in found}


class Canary:
    """Where the secrets must not be, from the start to the end of a test."""

    def __init__(self, pgo):
        self.pgo, self.answers, self.seen, self.done = pgo, [], set(), threading.Event()
        self.others = set(all_pids())  # who was there before there was a secret
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()

    def sample(self):
        """What every account of the machine may read of every process, and what a neighbour of the service might."""
        service = self.pgo.accounts.b.pw_uid
        while not self.done.wait(0.005):
            for pid in set(all_pids()) - self.others:
                self.seen.add(command_of(pid))
                try:
                    if os.stat(f"/proc/{pid}").st_uid in (0, service):
                        continue
                    with open(f"/proc/{pid}/environ", encoding="utf-8", errors="replace") as content:
                        self.seen.add(content.read())
                except OSError:
                    pass

    def ask(self, service, op, *args):
        answer = self.pgo.ctl(service, op, *args)
        self.answers.append((f"{op} {args}", answer.stdout + answer.stderr))
        return answer

    def ask_all(self, service):
        for op, *args in (
            ["status"], ["status", "--json"], ["history"], ["history", "--json"], ["deploys"], ["deploys", "--json"], ["logs", "deploy"],
            ["plan"], ["plan", "--json"], ["load"], ["load", "--json"], ["ps"], ["journal"], ["deploy-key"], ["help"],
        ):  # fmt: skip
            self.ask(service, op, *args)
        # While a page is being made for one, another one is told to come back.
        self.answers.append(("metrics", wait_until(self.metrics, "a page of metrics")))

    def metrics(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.pgo.metrics}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def places(self):
        yield from self.answers
        yield from (("a process", text) for text in self.seen)
        yield "the log", self.pgo.log()

    def files(self):
        """All of pgo's own: not the repository's, and neither the models nor the variables of apps, the secrets' legal places."""
        state = os.path.join(self.pgo.dir, ".state")
        for folder, folders, names in os.walk(self.pgo.dir):
            mine = [name for name in folders if name.startswith(".") and name not in (".repos", ".stage")]
            folders[:] = [name for name in (mine if folder == self.pgo.dir else folders) if os.path.join(folder, name) not in (os.path.join(state, "models"), os.path.join(state, "vars"))]
            for name in names:
                with open(os.path.join(folder, name), "rb") as content:
                    yield os.path.join(folder, name), content.read()

    def end(self, secrets):
        self.done.set()
        self.thread.join()
        places = [(place, text.encode(errors="replace")) for place, text in self.places()] + list(self.files())
        assert len(self.seen) > 20 and len(self.answers) > 10
        assert any(path.endswith("pgo.db") for path, _ in places)
        found = []
        for name, secret in secrets.items():
            for place, text in places:
                at = max(text.find(form) for form in forms(secret))
                if at >= 0:
                    found.append(f"{name} is in {place}: {text[max(0, at - 200) : at + 100]!r}")
        assert not found, "\n\n".join(found)


COMPOSE = {
    "services": {
        "web": {
            "image": "pgo-test/web:1",
            "environment": {"TOKEN": "${TOKEN}", "WORD": "${WORD}", "FROM_DOTENV": "${FROM_DOTENV}", "SIGNED": "${SIGNED}"},
            "env_file": "web.env",
            "command": ["httpd", "-f", "-p", "8080", "-h", "/www"],
            "configs": [{"source": "inline", "target": "/inline"}],
            "stop_grace_period": "0s",
        }
    },
    "configs": {"inline": {"content": f"password {CONFIG} ${{TOKEN}}"}},
}


def files(pgo, top=None, **web):
    compose = {**COMPOSE, "services": {"web": {**COMPOSE["services"]["web"], **web}}, **(top or {})}
    return {
        "compose.yaml": json.dumps(compose),
        "web.env": f"OF_FILE={ENV_FILE}\n",
        ".env": f"FROM_DOTENV={DOTENV}\n",
        "ssh/k.pub": pgo.key.public,
    }


@pytest.fixture
def canary(pgo):
    watch = Canary(pgo)
    yield watch
    watch.done.set()


# What each commit has that makes it fail, and how: with the value of a variable in the words of whoever refuses it.
FAILURES = {
    "policy": (lambda pgo: files(pgo, cap_add=["${WORD}"], volumes=["${TOKEN}:/x"]), "refused"),
    "policy of dotenv": (lambda pgo: files(pgo, cap_add=["${FROM_DOTENV}"], labels=["traefik.${FROM_DOTENV}=${TOKEN}"]), "refused"),
    "compose": (lambda pgo: files(pgo, mem_limit="${WORD}"), "refused|failed"),
    "compose of a port": (lambda pgo: files(pgo, ports=["${TOKEN}:80"]), "refused|failed"),
    "yaml": (lambda pgo: {**files(pgo), "compose.yaml": f"services:\n  web: {DOTENV}\n   {CONFIG}: [\n"}, "refused|failed"),
    "dotenv": (lambda pgo: {**files(pgo), ".env": f"FROM_DOTENV={DOTENV}\n {ENV_FILE} !{CONFIG}\n"}, "refused|failed"),
    "engine": (lambda pgo: files(pgo, command=["${SIGNED}"], entrypoint=["${WORD}"]), "rolled back|failed|refused"),
    "registry": (lambda pgo: files(pgo, image="127.0.0.1:5001/echo:${WORD}"), "failed"),
}


def the_app(pgo):
    (box,) = [box for box in pgo.engine.containers("app") if box.state == "running"]
    return box


def text_of(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def test_no_secret_is_where_somebody_reads_it(pgo, canary):
    registry = Registry(pgo, {"alice": REGISTRY})
    repo = pgo.repo("site", files(pgo))
    url = http_git(pgo, pgo.path("repos"), password=REPOSITORY) + "/site/.git"
    env = [f"TOKEN={ENV}", f"WORD={WORD}", f"SIGNED={SIGNED}"]
    pgo.service("site", url, user=pgo.accounts.b.pw_name, env=env, registries=[f"alice:{REGISTRY}@{registry.host}"], health_timeout="20s")
    pgo.start("--debug").wait_deployed("site", repo.head, deadline=60)
    before = only(pgo).id
    told = {entry.partition("=")[0]: entry.partition("=")[2] for entry in pgo.engine.ask("GET", f"/containers/{before}/json")[1]["Config"]["Env"]}
    assert (told["TOKEN"], told["WORD"], told["FROM_DOTENV"], told["OF_FILE"]) == (ENV, WORD, DOTENV, ENV_FILE)
    canary.ask_all("site")
    for name, (content, outcome) in FAILURES.items():
        head = repo.commit(content(pgo), name)
        canary.ask("site", "sync")
        text = pgo.wait_status("site", rf"last deploy[^\n]* of {head[:8]}: ({outcome}), took", 60)
        canary.answers.append((f"status after {name}", text))
        canary.ask_all("site")
    assert registry.who_pulled("echo") == {f"alice:{REGISTRY}"}
    head = repo.commit(files(pgo, environment={"TOKEN": "${WORD}${TOKEN}", "FROM_DOTENV": "${FROM_DOTENV}"}))
    canary.ask_all("site")
    canary.ask("site", "up")
    pgo.wait_deployed("site", head, deadline=60)
    wait_until(lambda: fetch(only(pgo)), "it serves")
    assert only(pgo).id != before
    with open(pgo.path("htpasswd"), "w", encoding="ascii") as users:
        users.write("tess:another-password\n")
    canary.ask("site", "sync")
    os.rename(pgo.path("repos", "site"), pgo.path("repos", "gone"))
    canary.ask("site", "sync")
    pgo.wait_log("cannot read http")
    canary.ask_all("site")
    pgo.stop()
    models = glob.glob(os.path.join(pgo.dir, ".state", "models", "site", "*"))
    assert any(WORD in text_of(model) for model in models), "the models are where the secrets may be"
    said = "".join(text for _, text in canary.answers)
    for hidden in ("${WORD}", "${TOKEN}", "${FROM_DOTENV}", "***"):
        assert hidden in said, "nobody quoted it, so nothing was tried"
    canary.end({**FROM_PGO_TOML, **FROM_THE_REPOSITORY})


def test_no_variable_of_an_app_is_where_somebody_reads_it(pgo, canary):
    pgo.tables = "[push]\n" + operator(pgo.key)
    pgo.service("app", hosted=True, repository=None, user=pgo.accounts.b.pw_name, health_timeout="20s")
    pgo.start("--debug").wait_listening()
    wait_until(lambda: pgo.ctl("app", "ping").returncode == 0, "it answers")
    me = Pusher(pgo, "app")

    def push(content, name):
        me.commit(content, name)
        done = me.push(deadline=120)
        canary.answers.append((f"push of {name}", done.stdout + done.stderr))
        return done

    for name, value in {"TOKEN": ENV, "WORD": WORD, "SIGNED": SIGNED}.items():
        done = pgo.ctl("app", "config", "set", name, input=value)
        canary.answers.append((f"config set {name}", done.stdout + done.stderr))
        assert done.returncode == 0, done.stderr
    assert push(files(pgo), "first").returncode == 0
    told = dict(entry.split("=", 1) for entry in pgo.engine.ask("GET", f"/containers/{the_app(pgo).id}/json")[1]["Config"]["Env"])
    assert (told["TOKEN"], told["WORD"], told["SIGNED"]) == (ENV, WORD, SIGNED)
    for name in ("policy", "compose", "compose of a port", "engine"):
        assert push(FAILURES[name][0](pgo), name).returncode == 1
        canary.ask_all("app")
    done = pgo.ctl("app", "config", "import", input=f"A=1\nHTTP_PORT={WORD}\nB='{SIGNED}\n")
    canary.answers.append(("config import", done.stdout + done.stderr))
    for words in (["list"], ["list", "--json"], ["unset", "TOKEN"], ["set", f"CONTAINERS={WORD}"], ["set", "A=b", WORD], ["get", WORD[:5]]):
        canary.ask("app", "config", *words)
    canary.ask("app", "run", "false")
    canary.ask("app", "scale", "web=2")
    canary.ask_all("app")
    pgo.stop()
    said = "".join(text for _, text in canary.answers)
    assert "${WORD}" in said and "${TOKEN}" in said, "nobody quoted it, so nothing was tried"
    # What the test itself asks with is in its own command line.
    canary.seen = {text for text in canary.seen if "config" not in text or WORD not in text}
    canary.end({"env": ENV, "word": WORD, "signed": SIGNED})


def test_the_token_of_the_registry_that_apps_are_pushed_to_is_where_nobody_reads_it(pgo, canary):
    """It says back what it was sent."""
    registry = Registry(pgo, {"alice": REGISTRY})
    pgo.tables = f'[push]\nregistry = "alice:{REGISTRY}@{registry.host}/echo"\n' + operator(pgo.key)
    pgo.service("app", hosted=True, repository=None, user=pgo.accounts.b.pw_name)
    pgo.start("--debug").wait_listening()
    wait_until(lambda: pgo.ctl("app", "ping").returncode == 0, "it answers")
    me = Pusher(pgo, "app")
    me.commit({"Dockerfile": "FROM pgo-test/web:1\nLABEL of=canary\nEXPOSE 8080\n"})
    done = me.push(deadline=120)
    canary.answers.append(("the push", done.stdout + done.stderr))
    assert done.returncode == 0 and "The images were not pushed to" in done.stderr, done.stderr
    assert re.search(r"(HEAD|POST) /v2/echo/app/\S+ Basic", registry.requests())
    canary.ask_all("app")
    canary.answers.append(("host", pgo.ctl("host:", "config").stdout + pgo.ctl("host:", "status").stdout))
    pgo.stop()
    assert "***" in done.stderr, "nobody quoted it, so nothing was tried"
    canary.end({"registry": REGISTRY})
