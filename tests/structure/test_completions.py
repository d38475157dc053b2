"""The shells know the operations and options that there are, and no others."""

import os
import re
import shutil

import pytest

from lib.host import TOP, run
from lib.pgo import program

FOLDER = os.path.join(TOP, "dist", "completions")
FILES = {"bash": "pgoctl.bash", "zsh": "_pgoctl", "fish": "pgoctl.fish"}
# Has a parser of its own, which pgod-core --operations does not list; tests/unit/engine holds that.
PS = {"--all", "--quiet", "--services", "--status", "--json", "--no-trunc"}


def text_of(shell):
    with open(os.path.join(FOLDER, FILES[shell]), encoding="utf-8") as text:
        return text.read()


def known():
    """operation → its options, and those that are refused with them."""
    lines = [line.split() for line in run(program("pgod-core"), "--operations").stdout.splitlines()]
    return {line[0]: set(line[1:]) for line in lines}


def listed(shell, name):
    return set(re.search(rf"(?:\b_*pgoctl_)?{name}(?:=\(|='| (?=up plan|services status))([a-z -]+)", text_of(shell))[1].split())


@pytest.mark.parametrize("shell", FILES)
def test_a_shell_offers_operations_that_there_are_not_or_hides_one(shell):
    assert listed(shell, r"(?<!host_)operations") == {name for name in known() if "://" not in name}
    assert listed(shell, "host_operations") == {name.partition("://")[2] for name in known() if "://" in name}


def rows(shell, what):
    """Each case of the function that offers the options of an operation, or the words that it begins with."""
    text = text_of(shell)
    parts = re.split(r"# What an operation begins with", text)
    assert len(parts) == 2
    head, _, tail = parts[1].partition("esac" if shell != "fish" else "\nend")
    text = head if what == "verbs" else parts[0] + tail
    found = re.findall(r"^\s*(?:case )?([a-z][a-z:/*'| -]*?)(?:\)|\n) *(?:echo|[a-z]+=\(|\s*printf '%s\\n')\s?([a-zA-Z -]+)", text, re.M)
    return [(name.strip("'"), set(offered.split())) for names, offered in found for name in re.split(r"[| ]+", names.strip())]


@pytest.mark.parametrize("shell", FILES)
def test_a_shell_offers_an_option_that_is_refused(shell):
    options = known() | {"ps": PS, "git": {"--json"}, "host://*": {"--json"}}
    seen = rows(shell, "options")
    assert len(seen) > 30
    for name, offered in seen:
        assert offered <= options[name], (name, offered)


@pytest.mark.parametrize("shell", FILES)
def test_a_shell_offers_words_of_an_operation_that_there_are_not(shell):
    with open(os.path.join(TOP, "man", "pgoctl.1"), encoding="utf-8") as text:
        written = re.findall(r"^\.It Cm ((?:host://)?(?:apps|keys|config|domains|git)) (?:Oo )?(?:Cm )?([a-z]+)\b", text.read(), re.M)
    words = {name: {word for of, word in written if of == name} for name, _ in written}
    offered = dict(rows(shell, "verbs"))
    assert len(words) == 5 and set(offered) == set(words) and all(offered[name] <= words[name] for name in words)


@pytest.mark.parametrize("shell", FILES)
def test_a_shell_offers_other_options_of_pgoctl_itself(shell):
    own = set(re.findall(r"--([a-z-]+)", run(program("pgoctl"), "--help").stdout)) - {"json"}
    assert own and all(re.search(rf"(--|-l ){name}\b", text_of(shell)) for name in own), own


@pytest.mark.parametrize("shell", FILES)
def test_a_completion_is_no_script(shell):
    if shutil.which(shell):
        run(shell, *(["-n"] if shell != "fish" else ["--no-execute"]), os.path.join(FOLDER, FILES[shell]))
    assert "\t \t" not in text_of(shell)


COMPLETE = """
. "$1"; shift
COMP_LINE=$*
COMP_POINT=${#COMP_LINE}
COMP_WORDBREAKS=$BREAKS
_pgoctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash(line, home, breaks=" \t\n:"):
    argv = ["bash", "-euc", COMPLETE, "bash", os.path.join(FOLDER, FILES["bash"]), line]
    return sorted(filter(None, run(*argv, env={"PATH": "/usr/bin:/bin", "HOME": str(home), "BREAKS": breaks}).stdout.splitlines()))


def test_bash_completes_something_else_than_what_is_meant(tmp_path):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text("[box.example]:2222 ssh-ed25519 A\n[2001:db8::1]:2222,[more]:2222 ssh-ed25519 A\nother ssh-ed25519 A\n|1|hash= ssh-ed25519 A\n")
    (tmp_path / "key file").write_text("")
    assert bash("pgoctl b", tmp_path) == ["box.example:"]
    assert bash("pgoctl m", tmp_path) == ["more:"]
    assert bash("pgoctl box:web//ro", tmp_path) == ["web//rollback"]
    assert bash("pgoctl box:web//ro", tmp_path, " ") == ["box:web//rollback"]
    assert bash("pgoctl -i key -p 22 me@box:web//de", tmp_path) == ["web//deploy-key", "web//deploys"]
    assert bash("pgoctl box:host://s", tmp_path) == ["//services", "//status"]
    assert bash("pgoctl box:host://s", tmp_path, " ") == ["box:host://services", "box:host://status"]
    assert bash("pgoctl box:host//s", tmp_path) == ["host//scale", "host//start", "host//status", "host//stop", "host//sync"], "a service may be called host"
    assert bash("pgoctl box:web//logs --t", tmp_path) == ["--tail", "--timestamps"]
    assert bash("pgoctl box:web//git ", tmp_path) == ["hash", "pull"]
    assert bash("pgoctl box:web//domains ", tmp_path) == ["add", "clear", "list", "remove"] and bash("pgoctl box:web//domains add ", tmp_path) == []
    assert bash("pgoctl box:host://keys a", tmp_path) == ["allow"] and bash("pgoctl box:host//keys a", tmp_path) == []
    assert bash("pgoctl box:host://upload-key tess --a", tmp_path) == ["--apps"]
    assert bash("pgoctl --acc", tmp_path) == ["--accept-new"]
    assert bash("pgoctl box:web", tmp_path) == bash("pgoctl -p ", tmp_path) == bash("pgoctl box:web//exec web sh", tmp_path) == []
    assert bash(f"pgoctl -i {tmp_path}/ke", tmp_path) == [f"{tmp_path}/key file"]
