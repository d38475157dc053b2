"""What this machine's kernel may not have, in a machine of its own."""

from lib.host import TOP, run


def test_the_tests_of_the_machine_fail():
    argv = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", "--tb=short", "tests/machine"]
    done = run(f"{TOP}/scripts/machine", *argv, check=False, deadline=3000, cwd=TOP)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "passed" in done.stdout and "skipped" not in done.stdout
