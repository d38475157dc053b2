"""A file server that hangs."""

import os
import signal

from lib.host import wait_until
from lib.nfs import calls, mounts, nfs_, scene  # noqa: F401


def test_a_server_that_does_not_answer_holds_up_another_service_or_the_end_of_pgod(pgo, nfs):
    hang = os.path.join(nfs, "hang")
    os.mkfifo(hang)
    repo, calm = scene(pgo), pgo.repo("calm")
    pgo.service("calm", calm)
    pgo.start().wait_deployed("calm", calm.head)
    assert len(wait_until(lambda: calls(nfs), "mount is asked")) == 1
    assert pgo.ctl("site", "ping").returncode == 0
    said = pgo.wait_status("site", r"last deploy[^\n]*: failed[^\n]*", 40)
    assert "does nfs://nas.example.org/export/site answer?" in said
    wait_until(lambda: not any(os.path.exists(f"/proc/{call['pid']}") for call in calls(nfs)), "the mount has ended")
    os.rename(hang, hang + ".aside")
    assert pgo.ctl("site", "up").returncode == 0
    pgo.wait_deployed("site", repo.head)
    assert len(mounts(pgo)) == 1
    pgo.signal(signal.SIGTERM)
    assert pgo.wait_exit() == 0
