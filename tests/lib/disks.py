"""A disk that is full: pgod's directory on a small tmpfs."""

import contextlib
import os
import sqlite3

from lib.host import run


def fill(path):
    """Writes until nothing fits any more."""
    with open(path, "wb", buffering=0) as out:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while out.write(b"x" * size):
                    pass


@contextlib.contextmanager
def reader(pgo):
    """As long as somebody reads, the database's log cannot begin anew: every write needs room."""
    path = os.path.join(pgo.dir, ".state", "pgo.db")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM step").fetchall()
        yield


@contextlib.contextmanager
def small_disk(pgo):
    run("mount", "-t", "tmpfs", "-o", "size=128m,mode=0755", "pgot-small", pgo.dir)
    try:
        yield os.path.join(pgo.dir, ".full")
    finally:
        if pgo.process is not None:
            pgo.stop()
        run("umount", "-l", pgo.dir)
