"""tests/BURNS.md names tests that exist, for every burn."""

import os
import re

from lib.host import TOP

TESTS = os.path.join(TOP, "tests")


def rows():
    with open(os.path.join(TESTS, "BURNS.md"), encoding="utf-8") as text:
        return [line for line in text if line.startswith("| ")]


def named():
    return [name for row in rows() for name in re.findall(r"`((?:unit|integration|faults|e2e|structure|fuzz)/[^`]+)`", row)]


def exists(name):
    path, _, function = name.partition("::")
    path = os.path.join(TESTS, path)
    if not os.path.isfile(path):
        return False
    with open(path, encoding="utf-8") as text:
        source = text.read()
    defined = rf"^def {re.escape(function)}\(" if path.endswith(".py") else rf"^{re.escape(function)}\(void \*\*state\)"
    return not function or re.search(defined, source, re.M) is not None


def test_each_named_test_exists():
    names = named()
    assert len(names) > 60
    missing = [name for name in names if not exists(name)]
    assert not missing, "\n".join(missing)


def test_each_of_the_twenty_burns_has_its_row():
    numbers = [int(number) for row in rows() for number in re.findall(r"^\| (\d+) \|", row)]
    assert numbers == list(range(1, 21))


def test_a_name_that_is_wrong_would_be_seen():
    assert exists("structure/test_burns.py::test_each_named_test_exists")
    assert not exists("structure/test_burns.py::test_each_named") and not exists("structure/test_nothing.py")
