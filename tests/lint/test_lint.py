"""Static analysis of the sources, which takes too long for every day; tests/long has it look deeper."""

import os

from lib.host import TOP, run


def test_clang_tidy_finds_nothing():
    done = run(os.path.join(TOP, "scripts", "lint"), check=False, deadline=3000)
    assert done.returncode == 0, done.stdout + done.stderr
