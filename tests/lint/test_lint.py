"""Static analysis of the sources, which takes too long for every day."""

import os

from lib.host import TOP, run


def test_clang_tidy_finds_nothing():
    done = run(os.path.join(TOP, "scripts", "lint"), check=False, deadline=900)
    assert done.returncode == 0, done.stdout + done.stderr
