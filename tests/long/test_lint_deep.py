"""Static analysis across functions."""

import os

from lib.host import TOP, run


def test_clang_tidy_finds_nothing_across_functions():
    done = run(os.path.join(TOP, "scripts", "lint"), "deep", check=False, deadline=3000)
    assert done.returncode == 0, done.stdout + done.stderr
