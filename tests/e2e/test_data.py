"""A service that writes loses no byte, whatever becomes of its releases.

PGO_DATA_DEPLOYS says how many deploys there are; scripts/check long asks for many more.
"""

import glob
import itertools
import os
import shutil

from lib.host import run, wait_until
from lib.pgo import Repo

DEPLOYS = int(os.environ.get("PGO_DATA_DEPLOYS", "40"))
PLACES = ("data", "host", "named", "anonymous")
# Each start of a container adds a line to each of its places; then it serves.
WRITE = "; ".join(f"echo {{rev}} >>/{place}/log" for place in PLACES) + "; exec httpd -f -p 8080 -h /www"


class Writer:
    """The service `site`, and what each of its places has held at any time."""

    def __init__(self, pgo):
        self.pgo, self.rev, self.known = pgo, 0, {}
        self.repo = pgo.repo("site", {"ssh/k.pub": pgo.key.public})
        self.past = []
        self.commit()
        pgo.service("site", self.repo)
        self.other = pgo.repo("other")
        pgo.service("other", self.other)

    def compose_file(self, ending=""):
        service = {
            "image": f"pgo-test/web:{1 + self.rev % 2}",
            "command": ["sh", "-c", ending or WRITE.format(rev=self.rev)],
            "volumes": ["./data:/data", f"{self.pgo.datadir}/site/store:/host", "named:/named", "/anonymous"],
            "stop_signal": "KILL",
        }
        update = ("recreate", "in-place", "start-first")[self.rev % 3]
        return {"x-pgo": {"update": update}, "services": {"web": service}, "volumes": {"named": None}}

    def commit(self, ending=""):
        self.rev += 1
        self.repo.head = self.repo.commit({"compose.yaml": self.compose_file(ending), "page": f"{self.rev}\n"})
        self.past.append(self.repo.head)
        return self.repo.head

    def box(self):
        (box,) = self.pgo.wait_running("site")
        return box

    def places(self):
        """place → file on the host."""
        found = {"data": self.pgo.live("site", "data", "log"), "host": os.path.join(self.pgo.datadir, "site", "store", "log")}
        _, inspected = self.pgo.engine.ask("GET", f"/containers/{self.box().id}/json")
        for mount in inspected["Mounts"]:
            if mount["Type"] == "volume":
                found[mount["Destination"].strip("/")] = os.path.join(mount["Source"], "log")
        return found

    def check(self, told=True):
        """What was there is there, in front of what is new; told: the newest release has written its line everywhere."""
        last = f"{self.rev}\n"

        def whole():
            for place, path in self.places().items():
                with open(path, encoding="ascii") as log:
                    text = log.read()
                assert text.startswith(self.known.get(place, "")), f"{place} lost something: {text!r} instead of {self.known[place]!r}"
                assert last in text or not told, f"{place} has nothing of {self.rev}: {text!r}"
                self.known[place] = text
            return sorted(self.known) == sorted(PLACES)

        wait_until(whole, "all that was written is there")

    def deployed(self):
        self.pgo.wait_deployed("site", self.repo.head, deadline=60)
        self.check()


def change(writer):
    writer.commit()
    writer.deployed()


def one_that_fails(writer):
    """Its container ends at once."""
    writer.pgo.wait_judged("site", writer.commit(ending="exit 3"), 60)
    change(writer)


def refused(writer):
    writer.pgo.wait_judged("site", writer.repo.commit({"compose.yaml": "services: [\n"}), 60)
    change(writer)


def rewound(writer):
    """A force push to an earlier commit: its release runs again, and has told its line long ago."""
    writer.repo.git("reset", "-q", "--hard", writer.past[-2])
    writer.pgo.wait_deployed("site", writer.past[-2], deadline=60)
    writer.check(told=False)
    change(writer)


def rolled_back(writer):
    """An operator goes back to the release before, and there it stays until the next commit."""
    before = writer.repo.head
    change(writer)
    assert writer.pgo.ctl("site", "rollback").returncode == 0
    assert writer.pgo.ref("site") == before
    writer.check(told=False)
    change(writer)


def fetched_anew(writer):
    """The disk damaged all objects of the local repository, and lost what was staged."""
    objects = os.path.join(writer.pgo.dir, ".repos", "site.git", "objects")
    for folder, _, names in os.walk(objects):
        for name in names:
            with open(os.path.join(folder, name), "rb+") as file:
                file.truncate(3)
    shutil.rmtree(os.path.join(writer.pgo.dir, ".stage", "site"))
    writer.pgo.stop()
    writer.pgo.start()
    change(writer)


def another_url(writer):
    pgo, old = writer.pgo, writer.repo
    path = f"{old.path}-{writer.rev}"
    shutil.copytree(old.path, path, symlinks=True)
    run("chown", "-hR", f"{old.owner.pw_uid}:{old.owner.pw_gid}", path)
    writer.repo = Repo.__new__(Repo)
    writer.repo.path, writer.repo.owner, writer.repo.head = path, old.owner, old.head
    pgo.stop()
    pgo.service("site", writer.repo)
    pgo.start()
    change(writer)


def removed_and_added_again(writer):
    """The files go to .removed, volumes stay in the engine, and a service of the same name finds its named volume again."""
    pgo, before = writer.pgo, writer.places()
    entry = pgo.services.pop("site")
    pgo.stop()
    pgo.start()
    wait_until(lambda: not pgo.engine.containers("site") and not os.path.exists(pgo.live("site")), "it is removed", 60)
    (tree,) = [path for path in glob.glob(os.path.join(pgo.dir, ".removed", "site-*", "tree", "data", "log")) if path not in writer.past]
    writer.past.append(tree)
    with open(tree, encoding="ascii") as log:
        assert log.read() == writer.known.pop("data")
    with open(before["anonymous"], encoding="ascii") as log:
        assert log.read() == writer.known.pop("anonymous")
    pgo.stop()
    pgo.services["site"] = entry
    pgo.start()
    writer.past = [path for path in writer.past if path.startswith("/")]
    change(writer)
    change(writer)


EVENTS = (change, one_that_fails, change, rewound, rolled_back, fetched_anew, change, refused, another_url, removed_and_added_again)


def test_no_byte_is_lost_through_deploys_rollbacks_removals_and_other_repositories(pgo):
    writer = Writer(pgo)
    pgo.start()
    writer.deployed()
    for event in itertools.cycle(EVENTS):
        event(writer)
        if writer.rev >= DEPLOYS and event is EVENTS[-1]:
            break
    assert len(writer.known["named"].split()) >= DEPLOYS - 2
