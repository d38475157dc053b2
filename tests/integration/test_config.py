"""The variables of an app: what is set, what is told of it, and what is not."""

import json
import os
import sqlite3
import subprocess

import pytest

from lib.host import ended, run, wait_until
from lib.pgo import web
from lib.pusher import Pusher, said
from lib.scenes import ids

SECRET = "c4nary-" + "x" * 20
HARD = ["two\nlines\n", "it's \"quoted\" \\n", "$HOME ${X} `id` $$", " blanks ", "=", "é😀", "\x1b[31mred\x7f", "#no comment", "a" * 64 * 1024]


@pytest.fixture
def app(pgo):
    """A service that nobody has pushed to yet, whose operator holds the test's key."""
    pgo.tables = f"[push]\n[[operators]]\nname = \"tess\"\nkey = {json.dumps(pgo.key.public.strip())}\n"
    pgo.service("app", hosted=True, repository=None)
    pgo.start().wait_listening()
    wait_until(lambda: pgo.ctl("app", "ping").returncode == 0, "it answers")
    return pgo


def config(pgo, *words, **kw):
    return pgo.ctl("app", "config", *words, **kw)


def test_a_value_is_set_on_standard_input_and_is_not_the_same_again(app):
    for number, value in enumerate(HARD):
        done = config(app, "set", f"V{number}", input=value)
        assert done.returncode == 0 and "stored: the first push gets them" in done.stdout, done.stderr
        assert value not in done.stdout + done.stderr
        got = subprocess.run(app.ssh_argv(f"app//config get V{number}"), stdout=subprocess.PIPE, check=True)
        assert got.stdout.decode() == value
    assert config(app, "set", "A=b c", "EMPTY=").returncode == 0
    assert config(app, "get", "A").stdout == "b c" and config(app, "get", "EMPTY").stdout == ""
    for form in ("dotenv", "shell", "json"):
        text = config(app, "export", "--format", form).stdout
        assert config(app, "unset", "A", *(f"V{number}" for number in range(len(HARD)))).returncode == 0
        assert config(app, "get", "A").returncode == 1
        done = config(app, "import", input=text)
        assert done.returncode == 0, done.stderr
        assert config(app, "export", f"--format={form}").stdout == text
    assert "the value ends with a newline" in config(app, "set", "V", input="x\n").stderr


def test_the_shell_sees_another_value_than_was_exported(app):
    config(app, "set", "A", input="it's\n$HOME \"x\"")
    script = config(app, "export", "--format", "shell").stdout
    assert run("sh", "-c", script + 'printf %s "$A"').stdout == "it's\n$HOME \"x\""
    assert json.loads(config(app, "export", "--format", "json").stdout) == {"A": "it's\n$HOME \"x\""}


def test_a_value_is_seen_where_nobody_asked_for_it(app):
    assert config(app, "set", f"TOKEN={SECRET}").returncode == 0
    assert config(app, "list").stdout == "TOKEN=***\n" and config(app).stdout == "TOKEN=***\n"
    assert json.loads(config(app, "list", "--json").stdout) == {"TOKEN": None}
    assert config(app, "list", "--show").stdout == f'TOKEN="{SECRET}"\n'
    assert json.loads(config(app, "list", "--json", "--show").stdout) == {"TOKEN": SECRET}
    folder = os.path.join(app.dir, ".state", "vars", "app")
    assert [oct(os.stat(os.path.join(folder, name)).st_mode & 0o777) for name in os.listdir(folder)] == ["0o600"], "older versions are gone"
    assert SECRET not in app.log()
    for name in ("pgo.db", "pgo.db-wal"):
        with open(os.path.join(app.dir, ".state", name), "rb") as data:
            assert SECRET.encode() not in data.read()
    app.stop()
    app.start().wait_listening()
    wait_until(lambda: config(app, "get", "TOKEN").stdout == SECRET, "it outlives pgod")


def test_what_is_no_variable_is_stored_or_quoted(app):
    wrong = {
        "config: which?": ["set"],
        "config: of several each is": ["set", "A=b", SECRET],
        "config: the name of a variable": ["set", "A B=" + SECRET],
        "config: PGO_X: names": ["set", "PGO_X=" + SECRET],
        "config: DOMAINS cannot be set": ["set", "DOMAINS=" + SECRET],
        "config: CONTAINER_NAME cannot be set: it is the name of the app": ["set", "CONTAINER_NAME=" + SECRET],
        "config: CUSTOM_CHECK_INTERVAL cannot be set: the page of CUSTOM_CHECK": ["set", "CUSTOM_CHECK_INTERVAL=" + SECRET],
        "config: SSL_KEY cannot be set: certificates are the administrator's": ["set", "SSL_KEY"],
        "config: CONTAINERS must be": ["set", "CONTAINERS=" + SECRET],
        "config: there is no variable X": ["unset", "X"],
        "config: which variable": ["get"],
        "config: export takes": ["export", "--format", "yaml"],
        "config: list takes": ["list", "--all"],
        "config: there are set,": ["sett", "A=" + SECRET],
        "config: line 2: there is no": ["import"],
    }
    for say, words in wrong.items():
        done = config(app, *words, input=f"A=1\n{SECRET}\n")
        assert done.returncode == 1 and done.stderr.startswith(say), (words, done.stderr)
        assert SECRET not in done.stdout + done.stderr, words
    assert "has more than 65536 bytes" in config(app, "set", "A", input="x" * 65537).stderr
    assert "is not UTF-8" in subprocess.run(app.ssh_argv("app//config set A"), input=b"\xff", capture_output=True, check=False).stderr.decode()
    assert "has no NUL byte" in subprocess.run(app.ssh_argv("app//config set A"), input=b"a\0b", capture_output=True, check=False).stderr.decode()
    assert config(app, "list").stdout == ""


def test_a_client_that_dies_leaves_half_a_value(app):
    with subprocess.Popen(app.ssh_argv("app//config set A"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        client.stdin.write(b"half")
        client.stdin.flush()
        wait_until(lambda: "operation config service=app" in app.log(), "it is asked for")
        client.kill()
    assert config(app, "set", "B=1").returncode == 0
    assert config(app, "list").stdout == "B=***\n"


def test_the_words_of_octo_are_not_understood(app):
    def octo(words):
        return app.ssh(words)

    assert octo("config:set app/TOKEN 'a b'").returncode == 0
    assert octo("config:get app/TOKEN").stdout == "a b" and octo("config app").stdout == "TOKEN=***\n"
    assert octo("config:export app").stdout == 'TOKEN="a b"\n'
    assert octo("config:rm app/TOKEN").returncode == 0 and octo("config app").stdout == ""
    assert octo("services").stdout.startswith("NAME") and octo("config").stdout == octo("host://config").stdout != ""
    assert octo("config:get app").returncode == 400 % 256 and octo("config:get other/X").returncode == 404 % 256


@pytest.fixture
def live(app):
    """The app runs, and its compose file reads TOKEN; without a variable of that name it would be refused."""
    app.engine.add_image("pgo-test/web:1")
    config(app, "set", f"TOKEN={SECRET}")
    app.me = Pusher(app, "app")
    app.me.commit({"compose.yaml": web(environment=["TOKEN"])})
    done = app.me.push()
    assert done.returncode == 0, done.stderr
    app.wait_running("app")
    return app


def token(pgo):
    """What the containers of the current release get; compose's own "$" are doubled."""
    with sqlite3.connect(os.path.join(pgo.dir, ".state", "pgo.db")) as base:
        ((release,),) = base.execute("SELECT release FROM service WHERE name = 'app'")
    with open(os.path.join(pgo.dir, ".state", "models", "app", f"{release}.json"), encoding="utf-8") as model:
        return json.load(model)["services"]["web"]["environment"]["TOKEN"].replace("$$", "$")


def test_a_variable_does_not_reach_the_container_or_a_change_of_it_does_not(live):
    assert token(live) == SECRET
    done = config(live, "set", "TOKEN", input="another one of\n$ome \"kind\"")
    assert done.returncode == 0 and done.stdout.startswith("-----> Setting config vars\n       TOKEN\n"), done.stderr
    assert token(live) == "another one of\n$ome \"kind\""
    before = ids(live, "app")
    assert config(live, "set", "UNREAD=1").returncode == 0
    assert config(live, "get", "UNREAD").stdout == "1" and ids(live, "app") == before, "what nothing reads makes nothing anew"
    assert "Nothing to change" in config(live, "set", "UNREAD=1").stdout
    assert config(live, "unset", "UNREAD").returncode == 0 and config(live, "get", "UNREAD").returncode == 1


def test_a_change_that_is_not_live_stands_all_the_same(live):
    live.me.commit({"compose.yaml": web(environment={"TOKEN": "${TOKEN}"})})
    assert live.me.push().returncode == 0
    before = ids(live, "app")
    done = config(live, "unset", "TOKEN")
    assert done.returncode == 1 and "TOKEN" in done.stdout + done.stderr
    assert config(live, "get", "TOKEN").stdout == SECRET and ids(live, "app") == before
    live.engine.fail("up", times=1)
    assert config(live, "set", "TOKEN=of-no-use-to-anybody").returncode == 1
    assert live.engine.calls("up"), "it was tried"
    wait_until(lambda: live.running("app"), "what ran is put back")
    assert config(live, "get", "TOKEN").stdout == SECRET and token(live) == SECRET
    for text in (live.log(), live.ctl("app", "logs", "deploy").stdout, live.ctl("app", "history").stdout):
        assert SECRET not in text and "of-no-use" not in text
    assert len(os.listdir(os.path.join(live.dir, ".state", "vars", "app"))) == 1


def test_a_rollback_leaves_the_variables_of_another_release(live):
    assert config(live, "set", "TOKEN=the-second-one").returncode == 0
    assert live.ctl("app", "rollback").returncode == 0
    assert config(live, "get", "TOKEN").stdout == SECRET == token(live)
    live.kill()
    live.start().wait_listening()
    wait_until(lambda: config(live, "get", "TOKEN").stdout == SECRET, "and so does the next pgod")
    assert live.me.push("main:main").returncode == 0


def test_after_a_rollback_and_a_change_of_variables_no_push_is_taken_any_more(live):
    live.me.commit({"compose.yaml": web(environment=["TOKEN"], labels={"rev": "2"})})
    assert live.me.push().returncode == 0
    assert live.ctl("app", "rollback").returncode == 0
    assert config(live, "set", "TOKEN=another-value").returncode == 0
    assert "another-value" in token(live)
    head = live.me.commit({"compose.yaml": web(environment=["TOKEN"], labels={"rev": "3"})})
    done = live.me.push()
    assert done.returncode == 0, done.stderr
    assert live.me.remote_refs()["refs/heads/main"] == head


def test_a_tracked_service_takes_variables_that_nobody_reads(pgo):
    pgo.service("site", pgo.repo("site"))
    pgo.start()
    pgo.wait_running("site")
    done = pgo.ctl("site", "config", "set", "A=b")
    assert done.returncode == 1 and "`env` in pgo.toml" in done.stderr


def test_a_new_number_of_containers_makes_those_that_run_anew(live):
    live.me.commit({"compose.yaml": {"services": {"web": {"image": "pgo-test/web:1", "environment": ["TOKEN"]}, "worker": {"image": "pgo-test/web:1"}}}})
    assert live.me.push().returncode == 0
    before = set(ids(live, "app"))
    assert live.ctl("app", "scale").stdout == "web: 1\nworker: 1\n"
    done = live.ctl("app", "scale", "web=3")
    assert done.returncode == 0, done.stderr
    assert len(live.running("app")) == 4 and before < set(ids(live, "app"))
    assert json.loads(live.ctl("app", "scale", "--json").stdout) == {"web": 3, "worker": 1}
    assert live.ctl("app", "plan").returncode == 0, "nothing is left to do"
    live.engine.remove_container(next(box for box in live.running("app") if box.service == "web"))
    live.wait_running("app", 4)
    assert live.ctl("app", "scale", "web=2", "worker=0").returncode == 0
    assert sorted(box.service for box in live.running("app")) == ["web", "web"]
    head = live.me.commit({"more": ""})
    assert live.me.push().returncode == 0 and live.me.remote_refs()["refs/heads/main"] == head
    assert len(live.running("app")) == 2, "it is the app's, whatever is pushed"


def test_the_history_does_not_say_what_an_operator_asked_for(live):
    def whys():
        return [(d["why"] or "").split("\n")[0] for d in reversed(json.loads(live.ctl("app", "history", "--json").stdout)["deploys"])]

    assert live.ctl("app", "scale", "web=2").returncode == 0
    assert config(live, "set", "TOKEN=canary-1", "MORE=canary-2").returncode == 0
    assert config(live, "unset", "MORE").returncode == 0
    assert live.ctl("app", "rollback").returncode == 0
    asked = whys()[-4:]
    assert [why.rpartition(", by ")[0] for why in asked] == ["scale web=2", "config set MORE TOKEN", "config unset MORE", "rollback to release 2"], asked
    text = live.ctl("app", "history").stdout
    assert all(why in text for why in asked) and "canary" not in text
    # What went wrong comes before it, in a table; `deploys` has both.
    live.engine.behave("web", exits=1)
    assert live.ctl("app", "scale", "web=3").returncode == 1
    assert "scale web=3, by " in live.ctl("app", "deploys").stdout


def test_containers_that_do_not_come_to_run_well_are_kept_and_counted(live):
    before = ids(live, "app")
    live.engine.behave("web", exits=1)
    done = live.ctl("app", "scale", "web=3")
    assert done.returncode == 1 and "back to the scale of before" in done.stderr, done.stderr
    live.engine.behave("web")
    assert live.ctl("app", "scale").stdout == "web: 1\n" and ids(live, "app") == before
    wrong = {"SERVICE=NUMBER": ["web=x"], "from 0 to 64": ["web=65"], "there is no compose service wbe": ["wbe=2"], "write SERVICE": ["web"]}
    for say, words in wrong.items():
        done = live.ctl("app", "scale", *words)
        assert done.returncode == 1 and say in done.stderr, done.stderr
    live.me.commit({"compose.yaml": web(environment=["TOKEN"], container_name="app-one")})
    assert live.me.push().returncode == 0
    assert "services.web.container_name: 2 containers" in live.ctl("app", "scale", "web=2").stderr


def test_containers_is_a_variable_like_any_other(live):
    assert config(live, "set", "CONTAINERS=2").returncode == 0
    live.wait_running("app", 2)
    assert live.ctl("app", "scale").stdout == "web: 2\n"
    assert live.ctl("app", "scale", "web=3").returncode == 0 and live.ctl("app", "scale").stdout == "web: 3\n"
    live.kill()
    live.start().wait_listening()
    wait_until(lambda: live.ctl("app", "scale").stdout == "web: 3\n", "it outlives pgod")


def killed_while_scaling(live, ups):
    """Pgod is, in the deploy whose `up` has this number; compose outlives it."""
    live.engine.hold("up")
    with subprocess.Popen(live.ssh_argv("app//scale web=3"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as change:
        wait_until(lambda: len(live.engine.calls("up")) == ups, "it is applied")
        live.kill()
        ended(change)
    live.engine.release("up")
    wait_until(lambda: len(live.running("app")) == 3, "compose has outlived pgod")


def test_a_kill_in_the_middle_of_scaling_leaves_a_number_that_was_never_seen_to_run(live):
    before = ids(live, "app")
    killed_while_scaling(live, 2)
    live.start().wait_listening()
    wait_until(lambda: ids(live, "app") == before, "those that are too many go")
    assert live.ctl("app", "scale").stdout == "web: 1\n"
    # Again, and the pgod that puts it right is killed as well.
    killed_while_scaling(live, 4)
    live.engine.hold("up")
    live.start().wait_listening()
    wait_until(lambda: len(live.engine.calls("up")) == 5, "it is being put right")
    os.kill(live.engine.calls("up")[-1]["pid"], 9)
    live.kill()
    live.engine.release("up")
    live.start().wait_listening()
    wait_until(lambda: ids(live, "app") == before, "those that are too many go")


def oneoffs(pgo):
    return [box for box in pgo.engine.containers("app") if box.oneoff]


def run_(pgo, *words, **kw):
    return pgo.ctl("app", "run", *words, **kw)


def test_a_command_has_another_environment_than_the_app_or_stays(live):
    done = run_(live, "sh", "-c", "echo $TOKEN $MORE; cat; exit 7", input="typed\n")
    assert done.returncode == 7 and done.stdout == SECRET + "\ntyped\n", done.stderr
    assert run_(live, "-e", "MORE=1", "web", "sh", "-c", "echo $MORE").stdout == "1\n"
    assert run_(live, "--", "echo", "web", "x").stdout == "web x\n" and run_(live, "echo").returncode == 0
    (call,) = [entry for entry in live.engine.calls("run") if "typed" not in entry["argv"]][:1]
    assert "--rm" in call["argv"] and "--no-deps" in call["argv"] and "-p" not in call["args"] and SECRET not in " ".join(call["argv"])
    assert oneoffs(live) == [] and len(live.running("app")) == 1
    for words in (["-p", "80:80", "sh"], ["-v", "/:/h", "sh"], ["--cap-add=ALL", "sh"], ["-u0", "sh"], ["-d", "sh"], ["--name=x", "sh"]):
        done = run_(live, *words)
        assert done.returncode == 1 and "is refused" in done.stderr, done.stderr
    assert "which command?" in run_(live).stderr
    done = live.ssh("app//run -t sh -c 'test -t 0 && echo $TERM; exit 3'", options=["-tt"])
    assert done.returncode == 3 and done.stdout.strip() == os.environ.get("TERM", "dumb"), done


@pytest.mark.parametrize("who", ["client", "compose", "pgod"])
def test_a_container_stays_when_somebody_is_killed(live, who):
    with subprocess.Popen(live.ssh_argv("app//run sh -c 'echo begun; read x'"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout.readline() == b"begun\n"
        (box,) = oneoffs(live)
        assert live.ctl("app", "config", "set", "MORE=1").returncode == 0 and oneoffs(live) == [box], "a deploy leaves it alone"
        if who == "client":
            client.kill()
        elif who == "compose":
            os.kill(live.engine.calls("run")[-1]["pid"], 9)
        else:
            live.kill()
            live.start().wait_listening()
        wait_until(lambda: oneoffs(live) == [], "it has gone")
        client.kill()
    assert len(live.running("app")) == 1


def test_the_tags_of_an_app_are_not_those_of_its_variable_or_its_image(live):
    assert live.ctl("app", "tags").stdout == "http\n"
    live.engine.add_image("pgo-test/tagged:1", env=["PATH=/bin", "CONSUL_TAGS=http,of-image"])
    live.me.commit({"compose.yaml": web("pgo-test/tagged:1", environment=["TOKEN"])})
    assert live.me.push().returncode == 0
    assert live.ctl("app", "tags").stdout == "http,of-image\n" and live.ssh("service:tags app").stdout == "http,of-image\n"
    assert config(live, "set", "CONSUL_TAGS=one,two").returncode == 0
    assert json.loads(live.ctl("app", "tags", "--json").stdout) == ["one", "two"]
    assert live.ctl("app", "links").stdout == "" and json.loads(live.ctl("app", "links", "--json").stdout) == []


def test_a_push_and_a_change_of_variables_decide_about_each_other(live):
    head = live.me.head()
    live.engine.hold("up")
    with subprocess.Popen(live.ssh_argv("app//config set TOKEN=the-second-one"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as change:
        wait_until(lambda: len(live.engine.calls("up")) == 2, "it is applied")
        live.me.commit({"compose.yaml": web(environment=["TOKEN"], labels={"a": "b"})})
        done = live.me.push()
        assert done.returncode == 1 and "is being deployed" in said(done), done.stderr
        for words in (["config", "set", "A=b"], ["scale", "web=2"]):
            done = live.ctl("app", *words)
            assert done.returncode == 1 and "is being deployed" in done.stderr
        live.engine.release("up")
        assert ended(change) == 0
    assert live.me.remote_refs()["refs/heads/main"] == head and token(live) == "the-second-one"
    live.engine.hold("up")
    push = live.me.begin()
    wait_until(lambda: len(live.engine.calls("up")) == 3, "it is applied")
    done = config(live, "set", "TOKEN=the-third-one")
    live.engine.release("up")
    assert ended(push) == 0
    assert done.returncode == 1 and "is being deployed" in done.stderr
    assert config(live, "get", "TOKEN").stdout == "the-second-one"


def test_a_kill_in_the_middle_of_a_change_leaves_another_value_than_what_runs(live):
    live.engine.hold("up")
    with subprocess.Popen(live.ssh_argv("app//config set TOKEN=the-second-one"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as change:
        wait_until(lambda: len(live.engine.calls("up")) == 2, "it is applied")
        live.kill()
        ended(change)
    live.engine.release("up")
    live.start().wait_listening()
    wait_until(lambda: config(live, "get", "TOKEN").stdout == "the-second-one", "what was begun is finished")
    live.wait_running("app")
    assert token(live) == "the-second-one" and SECRET not in config(live, "export").stdout
