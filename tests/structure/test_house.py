"""The house stays as ARCHITECTURE.md draws it."""

import os
import re
import shutil
import tempfile

import pytest

from lib.host import TOP, run
from lib.pgo import program

SRC = os.path.join(TOP, "src")
# folder → folders it may include from, besides itself
MAY_USE = {
    "base": set(),
    "ipc": {"base"},
    "conf": {"base", "ipc"},
    "compose": {"base", "ipc"},
    "engine": {"base", "ipc"},
    "supervisor": {"base", "ipc", "conf"},
    "core": {"base", "ipc", "conf", "compose", "engine"},
    "ssh": {"base", "ipc", "conf"},
    "web": {"base", "ipc"},
    "ctl": {"base", "ipc", "conf"},
    "job": {"base", "ipc", "conf"},
}
# header of a library → folders that may include it; the C library and the kernel are everybody's
LIBRARIES = {
    r"jansson\.h": {"ipc", "conf", "compose", "engine", "supervisor", "core", "ssh"},
    r"microhttpd\.h": {"web"},
    r"event2/.*": {"ipc", "engine", "supervisor", "core", "ssh"},
    r"sqlite3\.h": {"core"},
    r"libssh/.*": {"ssh", "ctl"},
    r"toml\+\+/.*": {"conf"},
    r"(md5|sha1|sha2|sha256|sha512)\.h": {"conf", "core", "compose", "base"},
}


def sources(*endings):
    for folder, _, names in os.walk(SRC):
        for name in names:
            if name.endswith(endings or (".c", ".h", ".cc", ".cpp")):
                yield os.path.join(folder, name)


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def includes(path):
    return re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', read(path), re.M)


def folder_of(path):
    return os.path.relpath(path, SRC).split(os.sep)[0]


def test_every_folder_is_on_the_map():
    assert {folder_of(path) for path in sources()} == set(MAY_USE)


def test_a_folder_includes_only_what_the_dependency_rule_allows():
    wrong = []
    for path in sources():
        own = folder_of(path)
        for quote, header in includes(path):
            other = header.split("/")[0]
            if quote == '"' and other in MAY_USE and other != own and other not in MAY_USE[own]:
                wrong.append(f"{os.path.relpath(path, TOP)} includes {header}")
            if quote == '"' and ("/" not in header or header.startswith("..")):
                wrong.append(f"{os.path.relpath(path, TOP)}: {header} must be named from src/")
    assert not wrong, "\n".join(wrong)


def test_a_library_is_used_only_where_architecture_lists_it():
    wrong = []
    for path in sources():
        for _, header in includes(path):
            for pattern, folders in LIBRARIES.items():
                if re.fullmatch(pattern, header) and folder_of(path) not in folders:
                    wrong.append(f"{os.path.relpath(path, TOP)} includes {header}")
    assert not wrong, "\n".join(wrong)


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.+?)\]", run("readelf", "-d", path).stdout)


def plain(library):
    return re.sub(r"(-[0-9.]+)?\.so.*", "", library)


SANITIZERS = {"libasan", "libubsan", "libm", "libgcc_s"}


@pytest.mark.parametrize(
    "name, libraries",
    [
        ("pgod", {"libc", "libevent_core", "libjansson"}),
        ("pgod-job", {"libc"}),
        ("pgod-web", {"libc", "libjansson", "libmicrohttpd"}),
        ("pgod-core", {"libc", "libevent_core", "libjansson", "libsqlite3", "libmd"}),
    ],
)
def test_a_program_links_exactly_what_architecture_lists(name, libraries):
    assert {plain(library) for library in needed(program(name))} == libraries


def test_pgod_ssh_links_no_database_and_no_toml():
    assert not {plain(library) for library in needed(program("pgod-ssh"))} & {"libsqlite3", "libstdc++", "libcurl"}


def test_programs_are_hardened():
    for name in ("pgod", "pgod-core", "pgod-ssh", "pgod-web", "pgod-conf", "pgod-job", "pgoctl"):
        header, dynamic = run("readelf", "-h", program(name)).stdout, run("readelf", "-d", program(name)).stdout
        assert "DYN" in header, f"{name} is not position independent"
        assert "NOW" in dynamic, f"{name} has no full RELRO"
        assert "GNU_STACK" in run("readelf", "-lW", program(name)).stdout
        assert not re.search(r"GNU_STACK.*RWE", run("readelf", "-lW", program(name)).stdout), f"{name} has an executable stack"


def test_every_operation_and_each_of_its_options_is_in_the_manual():
    manual = read(os.path.join(TOP, "man", "pgoctl.1"))
    entries = dict(re.findall(r"^\.It Cm ([\w:/]+(?: \w+)?)[^\n]*\n((?:(?!\.It |\.El).*\n)*)", manual, re.M))
    headings = {line.split()[2]: line for line in re.findall(r"^\.It Cm .*$", manual, re.M)}
    listed = run(program("pgod-core"), "--operations").stdout.splitlines()
    assert len(listed) > 10
    for line in listed:
        name, *options = line.split()
        text = "".join(body for key, body in entries.items() if key.split()[0] == name) + headings.get(name, "")
        assert name in headings, f"{name} has no entry in pgoctl(1)"
        for option in options:
            assert re.search(rf"Fl [^\n]*{re.escape(option[1:])}\b", text), f"{name} {option} is not in pgoctl(1)"


def test_an_alias_of_an_operation_is_in_the_manual_and_stands_for_one_that_there_is():
    rows = re.findall(r'^    \{"([\w:]+)", "([\w-]+)", (?:"([\w-]+)"|NULL), \w+\},$', read(os.path.join(SRC, "ipc", "opalias.c")), re.M)
    manual = re.findall(r'^\.It Li "([\w:]+) NAME\S*(?: .*)?" Ta Li "NAME//([\w-]+)(?: ([\w-]+).*)?"$', read(os.path.join(TOP, "man", "pgoctl.1")), re.M)
    listed = {line.split()[0] for line in run(program("pgod-core"), "--operations").stdout.splitlines()}
    assert len(rows) > 5 and sorted(rows) == sorted(manual) and {op for _, op, _ in rows} <= listed


def test_keys_and_configuration_know_the_operations_that_there_are():
    names = re.findall(r'^    "(.+)",$', read(os.path.join(SRC, "ipc", "opname.c")), re.M)
    listed = [line.split()[0] for line in run(program("pgod-core"), "--operations").stdout.splitlines()]
    assert names == listed


def test_every_option_in_front_of_a_key_is_in_the_manual():
    manual = read(os.path.join(TOP, "man", "pgod.8"))
    options = re.findall(r'^    \{"([\w-]+)", (?:true|false), ', read(os.path.join(SRC, "ipc", "key_options.c")), re.M)
    assert len(options) > 20
    for option in options:
        assert re.search(rf"\bLi (?:[^\n]*\W)?{option}\b", manual), f"{option} is not in pgod(8)"


def test_every_metric_is_in_the_manual_and_no_other():
    manual = read(os.path.join(TOP, "man", "pgod-metrics.5"))
    documented = re.findall(r"^\.It Li (\w+) Pq (\w+)", manual, re.M)
    listed = [tuple(line.split()) for line in run(program("pgod-core"), "--metrics").stdout.splitlines()]
    assert len(listed) > 20
    assert sorted(documented) == sorted(listed)


def test_every_kind_of_job_has_its_command_in_the_metrics():
    menu = re.findall(r'^\t\{"([a-z-]+)", JOB_', read(os.path.join(SRC, "supervisor", "job.c")), re.M)
    rows = [line.split() for line in run(program("pgod-core"), "--commands").stdout.splitlines()]
    assert len(menu) > 20
    assert sorted(row[0] for row in rows) == sorted(menu), "src/core/commands.c has a row for each kind"
    assert {row[1] for row in rows} <= {"git", "compose", "docker", "-"}
    assert all((row[1] == "-") == (row[2] == "-") for row in rows)


@pytest.mark.parametrize("role", ["pgod-core", "pgod-ssh", "pgod-web", "pgod-conf"])
def test_a_role_cannot_get_out_of_its_sandbox(role, libexec, tmp_path):
    """Each role tries open, socket, execve, ptrace and fork from inside, as nobody."""
    home = tempfile.mkdtemp(prefix="pgot-role-")  # core may use the directory it starts in, and no other
    os.chown(home, 65534, 65534)
    done = run(os.path.join(libexec, role), "--sandbox-test", user=65534, group=65534, extra_groups=[], cwd=home, check=False)
    shutil.rmtree(home)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("role", ["pgod-core", "pgod-ssh", "pgod-web"])  # pgod-conf becomes nobody by itself
def test_a_role_refuses_to_run_as_root(role, libexec):
    done = run(os.path.join(libexec, role), "--sandbox-test", cwd="/", check=False)
    assert done.returncode != 0


# what the code must not contain

FORBIDDEN = [
    (r"\b(system|popen|sprintf|vsprintf|strcpy|strcat|gets|tmpnam|mktemp|alloca|atoi|strtok)\s*\(", "an unsafe function"),
    (r"\bgoto\b", "goto"),
    (r"\b(TODO|FIXME|XXX|HACK)\b", "unfinished business"),
    (r"\"/bin/(ba)?sh\"|\"sh\",\s*\"-c\"", "a shell"),
]


def without_comments_and_strings(text, keep_strings=False):
    pattern = r"/\*.*?\*/|//[^\n]*" + ("" if keep_strings else r'|"(?:\\.|[^"\\\n])*"')
    return re.sub(pattern, " ", text, flags=re.S)


@pytest.mark.parametrize("pattern, what", FORBIDDEN)
def test_no_source_contains(pattern, what):
    wrong = []
    for path in sources():
        text = read(path)
        if what == "an unsafe function" or what == "goto":
            text = without_comments_and_strings(text)
        elif what == "a shell":
            text = without_comments_and_strings(text, keep_strings=True)
        wrong += [f"{os.path.relpath(path, TOP)}: {match.group(0)}" for match in re.finditer(pattern, text)]
    assert not wrong, f"{what}: " + ", ".join(wrong)


def test_files_fit_a_head():
    long = [f"{os.path.relpath(path, TOP)}: {len(read(path).splitlines())}" for path in sources() if len(read(path).splitlines()) > 500]
    assert not long, "more than 500 lines: " + ", ".join(long)


def function_lengths(path):
    """(name, lines) of each function in K&R style with its brace in the first column."""
    name, start = None, 0
    lines = read(path).splitlines()
    for number, line in enumerate(lines):
        if line == "{" and number:
            back = number - 1
            while back and not re.match(r"\w+\(", lines[back]):
                back -= 1
            name, start = lines[back].split("(")[0], number
        elif line == "}" and name:
            yield name, number - start + 1
            name = None


def test_functions_fit_a_screen():
    long = []
    for path in sources(".c"):
        long += [f"{os.path.relpath(path, TOP)}: {name} {count}" for name, count in function_lengths(path) if count > 60]
    assert not long, ", ".join(long)


def test_each_parser_of_foreign_bytes_has_a_fuzz_target_with_a_corpus():
    for folder, _, names in os.walk(os.path.join(TOP, "tests", "fuzz")):
        for name in names:
            if name.startswith("fuzz_") and name.endswith(".c"):
                corpus = os.path.join(folder, name[len("fuzz_") : -2])
                assert os.path.isdir(corpus) and os.listdir(corpus), f"{name} has no corpus"
    targets = {n for _, _, names in os.walk(os.path.join(TOP, "tests", "fuzz")) for n in names if n.startswith("fuzz_")}
    assert {"fuzz_toml.c"} <= targets or any("conf" in n or "toml" in n for n in targets), targets
    for word in ("opline", "http", "model"):
        assert any(word in name for name in targets), f"no fuzz target for {word}"
