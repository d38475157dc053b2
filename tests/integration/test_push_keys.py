"""Keys that operators upload: who may push to what, until when, and what is refused as a key."""

import json
import re
import subprocess

import pytest

from lib.host import ended
from lib.pgo import Key, web
from lib.pusher import Pusher

REFUSED, NOT_FOUND = 401 % 256, 404 % 256


def fingerprint(key, kind="sha256"):
    return subprocess.run(["ssh-keygen", "-l", "-E", kind, "-f", key.private], capture_output=True, text=True, check=True).stdout.split()[1]


@pytest.fixture
def host(pgo):
    """Apps blog and shop of pgo.toml; operators who may all, and shop only; tess and bob, who are nobody yet."""
    pgo.keys = {name: Key(pgo.path(name)) for name in ("alice", "limited", "tess", "bob")}
    pgo.tables = "[push]\ncreate = true\n\n"
    for name in ("blog", "shop"):
        pgo.service(name, hosted=True)
    pgo.write_config()
    with open(pgo.config, "a", encoding="utf-8") as config:
        for name, more in (("alice", ""), ("limited", 'services = ["shop"]\n')):
            config.write(f'\n[[operators]]\nname = "{name}"\nkey = "{pgo.keys[name].public.strip()}"\n{more}')
    pgo.start(write=False).wait_listening()
    return pgo


def ask(host, line, who="alice", **kw):
    return host.ssh("host://" + line, key=host.keys[who], **kw)


def upload(host, arguments, text, who="alice"):
    return ask(host, "upload-key " + arguments, who, input=text)


def may(host, who, app):
    """Does the key get an answer about the app?"""
    answer = host.ssh(app + "//ping", key=host.keys[who])
    assert answer.stdout.startswith("pong!") or answer.returncode == REFUSED, answer
    return answer.returncode == 0


def test_an_uploaded_key_acts_on_its_apps_until_it_is_removed(host):
    tess = host.keys["tess"]
    assert not may(host, "tess", "blog")
    done = host.ctl("host:", "upload-key", "tess@laptop", "--apps", "blog", key=host.keys["alice"], input=tess.public)
    assert done.returncode == 0, done
    assert done.stdout == f"{fingerprint(tess)}\n{fingerprint(tess, 'md5')}\ntess@laptop  ssh-ed25519  test\nmay: blog\n"
    assert host.ssh("upload-key tess@laptop", key=host.keys["alice"], input=tess.public).stdout == done.stdout + "It was there already.\n", "in short"
    assert may(host, "tess", "blog") and not may(host, "tess", "shop") and not may(host, "bob", "blog")
    for line in ("help", "who", "keys list", "upload-key x", "status"):
        assert ask(host, line, "tess").returncode == REFUSED, "the host is for operators"
    assert host.ssh("blog//load", key=tess).returncode != REFUSED
    assert re.search(r'operation load service=blog key="SHA256:\S+ key tess@laptop"', host.log())

    assert ask(host, "keys allow tess@laptop shop").stdout == "tess@laptop may: blog, shop\n"
    assert may(host, "tess", "shop")
    assert ask(host, "keys deny tess@laptop blog").stdout == "tess@laptop may: shop\n"
    assert not may(host, "tess", "blog")

    host.stop()
    host.start(write=False).wait_listening()
    assert may(host, "tess", "shop") and not may(host, "tess", "blog")
    gone = ask(host, "keys remove tess@laptop")
    assert gone.stdout == f"tess@laptop  {fingerprint(tess)} may nothing any more; what it has deployed runs on\n"
    assert not may(host, "tess", "shop")
    assert ask(host, "keys list").stdout == ask(host, "keys").stdout == "no keys were uploaded\n"
    assert "no uploaded key has the name tess@laptop" in ask(host, "keys remove tess@laptop").stderr


def test_who_may_push_is_shown_to_operators(host):
    upload(host, "tess", host.keys["tess"].public)
    upload(host, "bob --apps '*'", host.keys["bob"].public)
    assert may(host, "bob", "blog") and may(host, "bob", "shop")
    rows = json.loads(ask(host, "keys list --json").stdout)
    assert [(row["name"], row["apps"], row["makes"], row["may"], row["by"]) for row in rows] == [
        ("bob", None, True, "all apps", "operator alice"),
        ("tess", [], True, "makes apps", "operator alice"),
    ]
    assert rows[0]["fingerprint"] == fingerprint(host.keys["bob"]) and rows[0]["md5"] == fingerprint(host.keys["bob"], "md5")
    assert json.loads(ask(host, "who --json").stdout)["uploaded"] == rows
    for line in ("keys list", "who"):
        text = ask(host, line).stdout
        assert "  bob  ssh-ed25519  SHA256:" in text and "    may: makes apps\n" in text, text
    # A key that makes apps may ask nothing of one that it has not made, and learns of none that is not there.
    assert not may(host, "tess", "blog")
    assert host.ssh("nowhere//ping", key=host.keys["tess"]).returncode == NOT_FOUND
    assert ask(host, "keys deny bob blog").stderr == "bob may act on all apps: `keys deny bob '*'` leaves it those that it is allowed by name\n"
    assert ask(host, "keys deny bob '*'").stdout == "bob may: nothing\n"
    assert not may(host, "bob", "blog")


def test_a_key_that_is_in_the_way_of_another_is_refused(host):
    tess, bob = host.keys["tess"].public, host.keys["bob"].public
    first = upload(host, "tess --apps blog", tess)
    again = upload(host, "tess", tess)
    assert again.returncode == 0 and again.stdout == first.stdout + "It was there already.\n"
    assert upload(host, "tess --apps blog", tess).returncode == 0
    refused = {
        "tess --apps shop": (tess, "tess has this key already, and may less: `keys allow` lets it act on more\n"),
        "laptop": (tess, "this key is there already, under the name tess: `keys allow` lets it act on more\n"),
        "tess": (bob, "tess has another key: `keys remove tess` first, or choose another name\n"),
        "alice": (host.keys["alice"].public, "this is the key of operator alice, who may push with it as it is\n"),
    }
    for arguments, (key, why) in refused.items():
        answer = upload(host, arguments, key)
        assert (answer.returncode, answer.stderr) == (1, why)
    assert [row["name"] for row in json.loads(ask(host, "keys list --json").stdout)] == ["tess"]


@pytest.mark.parametrize("arguments", ["", "a b", "'a b'", "'x;id'", "'$(id)'", "../x", "-- -x", "x" * 65, "'a\nb'", "tess --apps ''", "tess --apps a,,b", "tess --apps Blog"])
def test_a_name_that_is_none_is_refused_before_a_key_is_read(host, arguments):
    # Nothing is sent: an answer that waited for a key would not come.
    with subprocess.Popen(host.ssh_argv("host://upload-key " + arguments, key=host.keys["alice"]), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as client:
        assert ended(client, 10) == 1
        assert client.stderr.read() != b""
    assert ask(host, "keys list").stdout == "no keys were uploaded\n"


def test_what_is_no_single_public_key_is_refused_and_changes_nothing(host):
    tess, bob = host.keys["tess"].public.strip(), host.keys["bob"].public.strip()
    with open(host.keys["tess"].private, encoding="ascii") as private:
        private = private.read()
    refused = {
        "": "nothing came",
        "\n": "nothing came",
        f"{tess}\n{bob}\n": "several lines",
        f"{tess}\n\n": "several lines",
        f"{tess} {bob}\n": "second key in the line",
        f"{tess}\r{bob}\n": "control character \\x0d",
        f"{tess}\0{bob}\n": "control character \\x00",
        f"{tess} \x1b[2J\n": "control character \\x1b",
        f"no-pty {tess}\n": "options in front of the key",
        f'command="sh -c id" {tess}\n': "options in front of the key",
        f"restrict,command=\"/bin/sh\" {tess}\n": "options in front of the key",
        private: "this is a private key",
        "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAx ca\n": "this is a certificate",
        tess[:40] + "\n": "the key is malformed",
        "ssh-ed25519 AAAA\n": "not of the type",
        "hello\n": "unknown type of key",
        tess + " " + "x" * (1 << 20): "has more than",
        tess + " " + "x" * (16385 - len(tess) - 1) + "\n": "longer than",
    }
    for text, why in refused.items():
        answer = upload(host, "tess", text)
        assert answer.returncode == 1 and why in answer.stderr, (text[:80], answer)
        assert answer.stdout == "" and answer.stderr.count("\n") == 1 and private[40:80] not in answer.stderr
    for kind, bits, why in (("rsa", "1024", "at least 2048 bits"),):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-f", host.path(kind)], check=True)
        with open(host.path(kind) + ".pub", encoding="ascii") as text:
            assert why in upload(host, "tess", text.read()).stderr
    assert ask(host, "keys list").stdout == "no keys were uploaded\n"
    assert not may(host, "tess", "blog")
    assert upload(host, "tess --apps blog", tess + " a comment\r\n").returncode == 0, "the line ends of any system"
    assert may(host, "tess", "blog")


def test_a_key_that_is_only_offered_gives_nothing(host):
    """The public half of a key with rights is offered first; the one that signs has none."""
    upload(host, "tess --apps blog", host.keys["tess"].public)
    with open(host.path("only.pub"), "w", encoding="ascii") as text:
        text.write(host.keys["tess"].public)
    answer = host.ssh("blog//ping", key=host.keys["bob"], options=("-i", host.path("only.pub")))
    assert answer.returncode == REFUSED and "pong" not in answer.stdout


def test_an_operator_of_some_services_gives_rights_on_these_only(host):
    tess = host.keys["tess"].public
    for arguments in ("tess", "tess --apps '*'", "tess --apps blog", "tess --apps shop,blog"):
        answer = upload(host, arguments, tess, "limited")
        assert answer.returncode == 1 and "operator limited may" in answer.stderr, answer
    assert upload(host, "tess --apps shop", tess, "limited").returncode == 0
    assert upload(host, "bob --apps blog", host.keys["bob"].public).returncode == 0
    assert [row["name"] for row in json.loads(ask(host, "keys list --json", "limited").stdout)] == ["tess"]
    assert [row["name"] for row in json.loads(ask(host, "who --json", "limited").stdout)["uploaded"]] == ["tess"]
    assert "may not act on blog" in ask(host, "keys allow tess blog", "limited").stderr
    assert "no uploaded key has the name bob" in ask(host, "keys remove bob", "limited").stderr
    ask(host, "keys allow tess blog")
    assert "may not act on blog" in ask(host, "keys remove tess", "limited").stderr, "it would take what is not his to give"
    assert ask(host, "keys deny tess shop", "limited").returncode == 0


def test_a_client_that_leaves_before_its_key_has_come_uploads_none(host):
    with subprocess.Popen(host.ssh_argv("host://upload-key tess", key=host.keys["alice"]), stdin=subprocess.PIPE) as client:
        client.stdin.write(host.keys["tess"].public.encode())
        client.stdin.flush()
        host.wait_log(r"operation host://upload-key")
        client.kill()
    assert ask(host, "keys list").stdout == "no keys were uploaded\n"


def test_keys_are_for_hosts_that_take_pushes_and_for_their_apps(pgo):
    """Without [push] nothing is uploaded; a service that follows a repository knows the keys in it, and no others."""
    pgo.keys = {"alice": Key(pgo.path("alice")), "tess": Key(pgo.path("tess"))}
    pgo.service("site", pgo.repo("site"))
    operator = f'[[operators]]\nname = "alice"\nkey = "{pgo.keys["alice"].public.strip()}"\n\n'
    pgo.tables = operator
    pgo.start().wait_listening()
    answer = upload(pgo, "tess", pgo.keys["tess"].public)
    assert answer.returncode == 1 and "its pgo.toml has no [push]" in answer.stderr
    pgo.stop()
    pgo.tables = "[push]\n\n" + operator
    pgo.start().wait_listening()
    assert upload(pgo, "tess --apps '*'", pgo.keys["tess"].public).returncode == 0
    assert not may(pgo, "tess", "site")
    assert not may(pgo, "tess", "nowhere"), "create = false: there is nothing that it could make"


def push(host, who, app, options=()):
    """A first push by the holder of the key, of a tree of his own."""
    me = Pusher(host, app, name=f"{who}-{app}", key=host.keys[who])
    me.commit({"compose.yaml": web()})
    return me.push(env={"GIT_SSH_COMMAND": me.env()["GIT_SSH_COMMAND"] + "".join(" " + option for option in options)})


def test_an_app_that_a_key_made_is_its_own_until_it_is_taken_away(host):
    upload(host, "tess", host.keys["tess"].public)
    upload(host, "bob", host.keys["bob"].public)
    done = push(host, "tess", "wiki")
    assert done.returncode == 0, done.stderr
    assert may(host, "tess", "wiki") and not may(host, "bob", "wiki")
    assert "tess may: wiki; makes apps" in ask(host, "keys allow tess wiki").stdout
    refused = push(host, "bob", "wiki")
    assert refused.returncode != 0 and "Unauthorized" in refused.stderr, refused.stderr
    assert host.ssh("wiki//history", key=host.keys["tess"]).returncode == 0

    ask(host, "keys deny tess wiki")
    assert not may(host, "tess", "wiki")
    host.stop()
    host.start(write=False).wait_listening()
    assert not may(host, "tess", "wiki"), "who made it does not get back what an operator took"

    ask(host, "keys allow tess wiki")
    assert ask(host, "apps destroy wiki wiki").returncode == 0
    assert "tess may: makes apps" in ask(host, "keys deny tess nothing").stdout, "the next app of this name is somebody else's"


def test_a_removed_key_pushes_nothing_and_what_it_pushed_runs_on(host):
    upload(host, "tess", host.keys["tess"].public)
    assert push(host, "tess", "wiki").returncode == 0
    (box,) = host.wait_running("wiki")
    ask(host, "keys remove tess")
    assert push(host, "tess", "other").returncode != 0
    me = Pusher(host, "wiki", name="tess-wiki", key=host.keys["tess"])
    me.commit({"README": "more\n"})
    assert me.push().returncode != 0
    assert [other.id for other in host.wait_running("wiki")] == [box.id]


def test_a_push_by_a_key_that_was_only_offered_is_refused(host):
    upload(host, "tess --apps blog", host.keys["tess"].public)
    with open(host.path("only.pub"), "w", encoding="ascii") as text:
        text.write(host.keys["tess"].public)
    done = push(host, "bob", "blog", ["-i", host.path("only.pub")])
    assert done.returncode != 0 and "Unauthorized" in done.stderr
    assert host.ref("blog") is None


def test_a_key_with_a_list_makes_the_apps_in_it_and_no_others(host):
    upload(host, "tess --apps wiki", host.keys["tess"].public)
    assert push(host, "tess", "other").returncode != 0
    assert push(host, "tess", "wiki").returncode == 0
    assert [row["may"] for row in json.loads(ask(host, "keys list --json").stdout)] == ["wiki"]
