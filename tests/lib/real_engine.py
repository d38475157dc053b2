"""A private Docker engine (scripts/engine) and what the tests ask of it, over its API."""

import glob
import http.client
import json
import os
import socket
import subprocess
import tempfile
import urllib.parse
from types import SimpleNamespace

from lib.host import TOP, hold, remove_abandoned, run, wait_until


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def script(directory, *verbs):
    for verb in verbs:
        run(os.path.join(TOP, "scripts", "engine"), verb, directory, deadline=120)


class RealEngine:
    images = ("pgo-test/web:1", "pgo-test/web:2")

    def __init__(self):
        remove_abandoned(map(os.path.realpath, glob.glob("/run/pgo-engine-*")), lambda directory: script(directory, "kill", "remove"))
        self.dir = tempfile.mkdtemp(prefix="pgot-eng-")
        self.session = hold(self.dir)
        self.docker_host = f"unix://{self.dir}/docker.sock"
        self.run = f"{self.dir}/run"  # what is mounted there the engine sees

    def script(self, verb):
        script(self.dir, verb)

    def start(self):
        self.script("start")

    def stop(self):
        self.script("stop")

    def restart(self):
        self.stop()
        self.start()

    def power_cut(self):
        self.script("kill")

    def inside(self, *argv, **kw):
        """A process in the engine's network namespace."""
        with open(os.path.join(self.dir, "pid"), encoding="ascii") as pid:
            return subprocess.Popen(["nsenter", f"--net=/proc/{pid.read().strip()}/ns/net", *argv], **kw)

    def make_images(self):
        run(os.path.join(TOP, "scripts", "images"), *self.images, env={**os.environ, "DOCKER_HOST": self.docker_host})

    def remove(self):
        self.script("remove")
        self.session.close()

    def ask(self, method, path, body=None):
        connection = UnixConnection(f"{self.dir}/docker.sock")
        try:
            connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data.strip() else None
        finally:
            connection.close()

    def text(self, method, path, headers):
        """An answer that is a stream of texts."""
        connection = UnixConnection(f"{self.dir}/docker.sock")
        try:
            connection.request(method, path, None, headers)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def listed(self, filters):
        status, rows = self.ask("GET", "/containers/json?all=1&filters=" + urllib.parse.quote(json.dumps(filters)))
        assert status == 200, rows
        return rows

    def containers(self, project=None):
        wanted = "com.docker.compose.project" + (f"={project}" if project else "")
        boxes = []
        for row in self.listed({"label": [wanted]}):
            labels = row["Labels"]
            networks = row["NetworkSettings"]["Networks"].values()
            boxes.append(
                SimpleNamespace(
                    id=row["Id"],
                    name=row["Names"][0].lstrip("/"),
                    project=labels["com.docker.compose.project"],
                    service=labels["com.docker.compose.service"],
                    state=row["State"],
                    image=row["Image"],
                    labels=labels,
                    address=next((net["IPAddress"] for net in networks if net["IPAddress"]), None),
                )
            )
        return boxes

    def kill_container(self, box, signal="KILL"):
        self.ask("POST", f"/containers/{box.id}/kill?signal={signal}")

    def remove_container(self, box):
        self.ask("DELETE", f"/containers/{box.id}?force=1&v=1")

    def cgroup_limits(self, box):
        """What the kernel holds a container to."""
        with open(os.path.join(self.dir, "number"), encoding="ascii") as number:
            group = f"pgo-engine-{number.read().strip()}/{box.id}"

        def read(controller, name, v2=None):
            unified = f"/sys/fs/cgroup/{group}/{v2}"
            with open(unified if os.path.exists(unified) else f"/sys/fs/cgroup/{controller}/{group}/{name}", encoding="ascii") as value:
                return [int(word) for word in value.read().split()]

        quota = read("cpu", "cpu.cfs_quota_us", "cpu.max")
        quota, period = quota if len(quota) == 2 else quota + read("cpu", "cpu.cfs_period_us")
        return {
            "cpus": quota / period,
            "memory": read("memory", "memory.limit_in_bytes", "memory.max")[0],
            "pids": read("pids", "pids.max", "pids.max")[0],
        }

    def create_network(self, name):
        status, answer = self.ask("POST", "/networks/create", {"Name": name, "CheckDuplicate": True})
        assert status == 201, answer

    def network_names(self):
        return [net["Name"] for net in self.ask("GET", "/networks")[1] if net["Name"] not in ("bridge", "host", "none")]

    def volumes(self):
        return [volume["Name"] for volume in self.ask("GET", "/volumes")[1]["Volumes"] or []]

    def sweep(self):
        """Removes every container, network and volume: between two tests."""

        def swept():
            for row in self.listed({}):
                self.ask("DELETE", f"/containers/{row['Id']}?force=1&v=1")
            for kind in ("networks", "volumes", "containers"):
                self.ask("POST", f"/{kind}/prune")
            for volume in self.volumes():
                self.ask("DELETE", f"/volumes/{volume}?force=1")
            return not self.listed({}) and not self.network_names() and not self.volumes()

        # What is being removed already refuses to be removed, and keeps its network until it is gone.
        wait_until(swept, "the engine is empty", 60)
