"""from= in front of a key, where IPv4 and IPv6 come in by one socket."""

import pytest

from lib.host import run
from lib.pgo import Key, Pgod

REFUSED = 401 % 256


@pytest.fixture
def both(pgo, monkeypatch):
    """pgod on every address: an IPv4 client is one of IPv6 to the kernel."""
    real = Pgod.argv
    monkeypatch.setattr(Pgod, "argv", lambda self, *more: [word.replace("127.0.0.1:", ":", 1) for word in real(self, *more)])
    return pgo


def test_an_ipv4_client_keeps_its_address_when_it_comes_over_ipv6(both):
    options = {"v4": "127.0.0.0/8", "v6": "::1", "all but": "*,!127.0.0.1", "wildcard": "127.*.1", "mapped": "::ffff:127.0.0.1"}
    keys = {name: Key(both.path("key-" + name.replace(" ", "-"))) for name in options}
    lines = "".join(f'from="{options[name]}" {key.public}' for name, key in keys.items())
    both.service("site", both.repo("site", {"compose.yaml": {"services": {"web": {"image": "pgo-test/web:1"}}}, "ssh/team.pub": lines}))
    both.start().wait_log(r"5 keys, 0 lines refused")

    def may(name, address):
        argv = [f"tess@{address}" if word == "tess@127.0.0.1" else word for word in both.ssh_argv("site//ping", key=keys[name])]
        status = run(*argv, check=False).returncode
        assert status in (0, REFUSED)
        return status == 0

    assert {name for name in keys if may(name, "127.0.0.1")} == {"v4", "wildcard", "mapped"}
    assert {name for name in keys if may(name, "::1")} == {"v6", "all but"}
