"""What systemd does for a service of Type=notify with a file descriptor store."""

import contextlib
import fcntl
import os
import select
import socket

from lib.host import wait_until

FIRST = 3  # SD_LISTEN_FDS_START


class FakeSystemd:
    """Hears what pgod says, keeps the sockets that it gives, and passes them to the next pgod."""

    def __init__(self, pgo):
        self.pgo, self.store, self.said = pgo, [], []
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(pgo.path("notify"))
        argv, env = pgo.argv, pgo.env
        pgo.env = lambda: {**env(), "NOTIFY_SOCKET": pgo.path("notify")}
        pgo.argv = lambda *more: self.wrapped(argv(*more))

    def wrapped(self, argv):
        """Only the process itself knows its number in time; the descriptors go to where they are looked for."""
        moves = " ".join(f"{FIRST + i}<&{fd.fileno()}" for i, (_, fd) in enumerate(self.store))
        names = ":".join(name for name, _ in self.store)
        self.pgo.inherited = tuple(fd.fileno() for _, fd in self.store)
        script = f'exec env LISTEN_PID=$$ LISTEN_FDS={len(self.store)} LISTEN_FDNAMES={names} "$@" {moves}'
        return ["bash", "-c", script, "systemd", *argv]

    def listen(self):
        """Takes what was said since."""
        while select.select([self.notify], [], [], 0)[0]:
            data, fds, _, _ = socket.recv_fds(self.notify, 4096, 8)
            words = dict(line.split("=", 1) for line in data.decode().splitlines())
            self.said.append(words)
            if "FDSTORE" in words:
                self.keep(words["FDNAME"], fds)
            if "FDSTOREREMOVE" in words:
                self.forget(words["FDNAME"])

    def keep(self, name, fds):
        for fd in fds:
            if os.fstat(fd).st_ino not in [os.fstat(kept.fileno()).st_ino for _, kept in self.store]:
                self.add(name, fd)
            os.close(fd)

    def add(self, name, fd):
        """Above the numbers at which the next pgod gets them."""
        self.store.append((name, socket.socket(fileno=fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 50))))

    def forget(self, name):
        for other, kept in self.store:
            if other == name:
                kept.close()
        self.store = [(other, kept) for other, kept in self.store if other != name]

    def wait_ready(self):
        def ready():
            self.pgo.check_alive()
            self.listen()
            return any(words.get("READY") == "1" for words in self.said)

        wait_until(ready, "pgod is ready")
        self.said = []

    def kept(self, name):
        """Inode and port of each socket of this name."""
        self.listen()
        return [(os.fstat(fd.fileno()).st_ino, fd.getsockname()[1]) for other, fd in self.store if other == name]

    def close(self):
        with contextlib.suppress(OSError):
            self.listen()
        for name in {name for name, _ in self.store}:
            self.forget(name)
        self.notify.close()
