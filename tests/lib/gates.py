"""A job that stops itself: a test can look at the world, or kill somebody, while it is exactly at one step.

The program is replaced by one that sends itself SIGSTOP before it does anything; nobody polls, and it works in every view that a job is
given. Who stands at the gate is found by its state in /proc.
"""

import os
import shutil
import signal

from lib import fake_compose
from lib.host import command_of, descendants_of, state_of, wait_until
from lib.pgo import install_roles


def go_on(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass  # it was killed


class Gates:
    """The gates of one harness, which gets programs of its own: use it before it starts."""

    def __init__(self, pgo):
        self.pgo = pgo
        pgo.libexec = install_roles(pgo.path("libexec"))
        self.job = os.path.join(pgo.libexec, "pgod-job")
        shutil.move(self.job, self.job + ".real")
        os.link(self.job + ".real", self.job)
        pgo.compose = fake_compose.install(pgo.path("compose"))

    def close_job(self, verb):
        """The next pgod-job of this verb, or hook of this name, stops at its beginning. Not while a sealed job (resolve) may start: it sees no shell script's real program."""
        script = f'#!/bin/sh\n[ $# -gt 0 ] || set -- "${{0##*/}}"\n[ "$1" = {verb} ] && kill -STOP $$\nexec {self.job}.real "$@"\n'
        with open(self.job + ".new", "w", encoding="ascii") as out:
            out.write(script)
        os.chmod(self.job + ".new", 0o755)
        os.rename(self.job + ".new", self.job)

    def open_job(self):
        os.link(self.job + ".real", self.job + ".new")
        os.rename(self.job + ".new", self.job)

    def close_compose(self, verb):
        fake_compose.install(self.pgo.compose, fake_compose.text().replace("STOP_AT = None", f'STOP_AT = "{verb}"'))

    def open_compose(self):
        fake_compose.install(self.pgo.compose)

    def waiting(self, word):
        """The process that has stopped itself, its command has this word."""
        for pid in descendants_of(self.pgo.process.pid):
            if state_of(pid) == "T" and word in command_of(pid).split():
                return pid
        return None

    def wait(self, word):
        return wait_until(lambda: self.waiting(word), f"{word} is at its gate")
