"""A person at a terminal: a program on a pseudo-terminal of its own, what it shows, what is typed."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

from lib.host import clock, wait_until


def take_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    def __init__(self, argv, env=None, cols=80, rows=24):
        self.ours, theirs = os.openpty()
        self.theirs = os.ttyname(theirs)
        self.shown = ""
        self.resize(cols, rows)
        self.before = termios.tcgetattr(theirs)
        environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color", **(env or {})}
        # A session of its own, whose terminal this is: signals come from its keys.
        self.process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True, preexec_fn=take_terminal
        )
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self.ours)

    def resize(self, cols, rows):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def type(self, text):
        os.write(self.ours, text.encode())

    def read(self):
        while select.select([self.ours], [], [], 0)[0]:
            try:
                data = os.read(self.ours, 65536)
            except OSError:  # the last one who had it has gone
                return
            if not data:
                return
            self.shown += data.decode(errors="replace")

    def see(self, pattern, deadline=20):
        """Waits for a text that was not seen before, and returns the match."""
        found = []

        def there():
            self.read()
            found[:] = [re.search(pattern, self.shown, re.S)]
            return found[0] is not None

        wait_until(there, lambda: f"the terminal shows {pattern!r}; it shows {self.shown[-2000:]!r}", deadline, step=0.02)
        self.shown = self.shown[found[0].end() :]
        return found[0]

    def modes(self):
        with open(self.theirs, "rb", buffering=0) as terminal:
            return termios.tcgetattr(terminal)

    def is_raw(self):
        return not self.modes()[3] & (termios.ICANON | termios.ISIG | termios.ECHO)

    def is_as_before(self):
        return self.modes() == self.before

    def signal(self, sig):
        os.kill(self.process.pid, sig)

    def stopped(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"

    def end(self, deadline=20):
        """The exit status; what is shown meanwhile is read, or it could not end."""
        end, passed = time.monotonic() + deadline, clock()
        while self.process.poll() is None:
            assert time.monotonic() < end or passed() < deadline, f"it does not end; it shows {self.shown[-2000:]!r}"
            self.read()
            time.sleep(0.01)
        self.read()
        return self.process.returncode

    def hang_up(self):
        """The person has closed the window."""
        self.signal(signal.SIGHUP)
