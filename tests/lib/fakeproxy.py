"""[proxy] with a proxy that only says whether it takes its file (tests/lib/fake-proxy)."""

import json
import os
import re

from lib.host import TOP, wait_until
from lib.pgo import toml


def addresses(pgo, service):
    return {net["IPAddress"] for box in pgo.running(service) for net in box.networks.values()}


class FakeProxy:
    def __init__(self, pgo):
        self.pgo, self.dir = pgo, pgo.path("proxy")
        os.mkdir(self.dir, 0o755)
        self.file = os.path.join(self.dir, "pgo.conf")
        program = os.path.join(TOP, "tests", "lib", "fake-proxy")
        keys = {"type": "nginx", "file": self.file, "listen": ["127.0.0.1"]}
        keys.update({word: [program, self.dir, word] for word in ("test", "reload")})
        pgo.tables = "[proxy]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items()) + "\n"
        pgo.tables += f"[[operators]]\nname = \"alice\"\nkey = {toml(pgo.key.public.strip())}\n"

    def read(self, name="pgo.conf"):
        try:
            with open(os.path.join(self.dir, name), encoding="utf-8") as text:
                return text.read()
        except FileNotFoundError:
            return ""

    def order(self, word, text):
        with open(os.path.join(self.dir, word), "w", encoding="utf-8") as out:
            out.write(text)

    def forgive(self, word):
        os.unlink(os.path.join(self.dir, word))

    def runs(self):
        return self.read("runs").splitlines()

    def leads_to(self, service="shop", name="read"):
        """The addresses behind the service's first site, as the proxy has read them."""
        found = re.search(rf"upstream pgo_{service}_\d+ {{\n(.*?)}}", self.read(name), re.S)
        return set(re.findall(r"server (\S+):8080;", found.group(1))) if found else set()

    def site(self, host, name="read"):
        """What the proxy knows of a host: the addresses and ports that it is led to, the word "503", or None."""
        text = self.read(name)
        for block in re.findall(r"^server {\n(.*?)^}", text, re.S | re.M):
            if f"server_name {host};" in block or "server_name \"~^" + host.replace("*.", "[^.]+.").replace(".", "\\.").replace("[^\\.]+", "[^.]+") + "$\";" in block:
                found = re.search(r"location / {\n\t\tproxy_pass http://(\S+);", block)
                if not found:
                    return "503" if "return 503;" in block else None
                return set(re.findall(r"server (\S+);", re.search(rf"upstream {found.group(1)} {{\n(.*?)}}", text, re.S).group(1)))
        return None

    def wait_led(self, service="shop", name="read"):
        """It leads to what runs, and nowhere else."""
        wait_until(lambda: addresses(self.pgo, service) and self.leads_to(service, name) == addresses(self.pgo, service), "the proxy leads to what runs")


def problems(pgo, kind):
    """Whose problems of this kind an operator is told."""
    return [p["service"] for p in json.loads(pgo.ctl("host:", "status", "--json").stdout)["problems"] if p["problem"] == kind]
