"""The variables of an app: what is set, what is told of it, and what is not."""

import json
import os
import subprocess

import pytest

from lib.host import run, wait_until

SECRET = "c4nary-" + "x" * 20
HARD = ["two\nlines\n", "it's \"quoted\" \\n", "$HOME ${X} `id` $$", " blanks ", "=", "é😀", "\x1b[31mred\x7f", "#no comment", "a" * 32 * 1024]


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
    assert "has more than 32768 bytes" in config(app, "set", "A", input="x" * 32769).stderr
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


def test_a_tracked_service_takes_variables_that_nobody_reads(pgo):
    pgo.service("site", pgo.repo("site"))
    pgo.start()
    pgo.wait_running("site")
    done = pgo.ctl("site", "config", "set", "A=b")
    assert done.returncode == 1 and "`env` in pgo.toml" in done.stderr
