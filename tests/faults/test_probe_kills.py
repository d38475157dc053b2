"""Who dies while an app's port is awaited: the app goes live when the port opens all the same, and no probe is left behind."""

import signal
import socket

import pytest

from lib.host import all_pids, command_of, kill_quietly, outcome, wait_until
from lib.kills import restart
from lib.pusher import hosted


@pytest.fixture
def port(pgo):
    """Where all containers are; not open yet."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        pgo.engine.address_of_all = "127.0.0.1"
        pgo.engine.builds["app-web"] = {"exposes": [f"{made.getsockname()[1]}/tcp"]}
        yield made


def probes(port):
    return [pid for pid in all_pids() if f"probe 127.0.0.1 {port.getsockname()[1]} " in command_of(pid)]


@pytest.mark.parametrize("who", ["pgod", "pgod-core"])
@pytest.mark.parametrize("beside", [False, True], ids=["first", "beside the old one"])
def test_who_dies_while_a_port_is_awaited(pgo, port, who, beside):
    me = hosted(pgo)
    me.commit({"Dockerfile": "FROM scratch\n"})
    if beside:
        port.listen()
        assert me.push().returncode == 0
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            pgo.engine.builds["app-web"] = {"exposes": [f"{closed.getsockname()[1]}/tcp"]}
            struck(pgo, me, closed, who)
    else:
        struck(pgo, me, port, who)


def struck(pgo, me, port, who):
    head = me.commit({"a": "b"})
    push = me.begin()
    wait_until(lambda: probes(port), "its port is tried")
    kill_quietly(pgo.process.pid if who == "pgod" else pgo.role_pids(who)[0], signal.SIGKILL)
    if who == "pgod":
        restart(pgo)
    outcome(push, 60)
    assert push.returncode != 0
    port.listen()
    wait_until(lambda: me.remote_refs().get("refs/heads/main") == head, "what the dead one began is live", 30)
    wait_until(lambda: not probes(port), "no probe is left")
    assert len(pgo.running("app")) == 1
