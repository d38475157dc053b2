"""The tools that read the tree have nothing to say."""

import os
import re
import stat

import pytest

from lib.host import TOP, run


def committed(*endings):
    names = run("git", "-c", "safe.directory=*", "-C", TOP, "ls-files", "-co", "--exclude-standard").stdout.split("\n")
    return [name for name in names if name and name.endswith(endings or "") and os.path.isfile(os.path.join(TOP, name))]


def content(name):
    with open(os.path.join(TOP, name), "rb") as text:
        return text.read()


def tool(*argv):
    done = run(*argv, check=False, cwd=TOP, deadline=300)
    assert done.returncode == 0, done.stdout + done.stderr


def text_files():
    return [name for name in committed() if b"\0" not in content(name) and not name.startswith("tests/fuzz/")]


def test_shell_scripts_pass_shellcheck():
    scripts = [name for name in committed() if re.match(rb"#!/bin/(ba)?sh\b", content(name))]
    assert {"scripts/check", "scripts/deps", "scripts/demo", "scripts/engine", ".ci/run"} <= set(scripts)
    tool("shellcheck", *scripts, "scripts/lib.sh")


def test_scripts_stop_at_the_first_error_and_can_be_executed():
    for name in committed():
        if re.match(rb"#!/bin/(ba)?sh\b", content(name)) and not name.startswith("dist/"):
            assert b"set -euo pipefail" in content(name), name
            assert os.stat(os.path.join(TOP, name)).st_mode & stat.S_IXUSR, name


def test_words_are_spelled_right():
    # The unit tests misspell on purpose, and hold what other programs printed.
    names = [name for name in text_files() if not name.startswith("tests/unit/")]
    tool("codespell", "--quiet-level=2", "--ignore-words-list=crate,ser,statics,ue,nd,fo,noes", *names)


def test_c_files_are_formatted():
    tool("clang-format", "--dry-run", "-Werror", *committed(".c", ".h"))


def test_python_files_compile():
    for name in committed(".py") + ["scripts/tally", "tests/lib/fake-compose"]:
        compile(content(name), name, "exec")


def pages():
    return sorted(name for name in committed() if re.fullmatch(r"man/\S+\.[1-9]", name))


def test_there_is_a_manual_page_for_each_program_and_file():
    assert {"man/pgod.8", "man/pgo.toml.5", "man/pgoctl.1"} <= set(pages())


def test_manual_pages_pass_lint():
    tool("mandoc", "-T", "lint", "-W", "warning", *pages())


def test_the_alert_rules_wake_people_for_what_they_should():
    tool("promtool", "check", "rules", "dist/prometheus-rules.yml")
    tool("promtool", "test", "rules", "tests/structure/prometheus-rules.test.yml")


def test_manual_pages_refer_to_pages_that_exist():
    ours = {os.path.basename(page) for page in pages()}
    for page in pages():
        for name, section in re.findall(rb"^\.Xr (pgo\S*) (\d)", content(page), re.M):
            assert f"{name.decode()}.{section.decode()}" in ours, f"{page} refers to {name.decode()}({section.decode()})"


def test_links_in_documents_lead_somewhere():
    broken = []
    for name in committed(".md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", content(name).decode()):
            if "://" not in target and not target.startswith("mailto:"):
                if not os.path.exists(os.path.join(TOP, os.path.dirname(name), target)):
                    broken.append(f"{name}: {target}")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "HACKING.md", "SECURITY.md", "NEWS.md", "LICENSE"])
def test_the_documents_are_there(document):
    assert len(content(document)) > 400


def test_readme_opens_with_the_two_commands():
    opening = content("README.md").decode()[:1200]
    assert "make demo" in opening and "make check" in opening


def test_no_path_of_somebodys_machine_is_committed():
    # Put together here, or this file would find itself.
    places = [rb"/work/" + word for word in (b"wt", b"main", b"shared")] + [rb"/tmp/" + word for word in (b"eng/", b"apt-trixie")] + [b"/root/" + b"\\.py"]
    found = [name for name in committed() for place in places if re.search(place, content(name))]
    assert not found, found


def test_ci_runs_exactly_make_check():
    lines = [line for line in content(".ci/run").decode().splitlines() if line and not line.startswith(("#", "set ", "cd "))]
    assert lines == ["exec make check"]
