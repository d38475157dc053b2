"""A container of the fake engine: what the Engine API says of it."""

import hashlib
import time
import uuid

LABEL = "com.docker.compose."


def fake_id(text=None):
    return hashlib.sha256((text or uuid.uuid4().hex).encode()).hexdigest()


class Container:
    def __init__(self, name, labels, image, image_id, restart="no", healthcheck=False):
        self.id = fake_id()
        self.name, self.labels = name, labels
        self.image, self.image_id, self.restart, self.healthcheck = image, image_id, restart, healthcheck
        self.project, self.service = labels.get(LABEL + "project"), labels.get(LABEL + "service")
        self.created = int(time.time())
        self.state, self.exit_code, self.restarts, self.stopped = "created", 0, 0, False
        self.health = None
        self.networks, self.ports, self.mounts = {}, [], []

    @property
    def oneoff(self):
        return self.labels.get(LABEL + "oneoff") == "True"

    def status(self):
        health = {"healthy": " (healthy)", "unhealthy": " (unhealthy)", "starting": " (health: starting)"}.get(self.health, "")
        return {
            "running": "Up 1 second" + health,
            "paused": "Up 1 second (Paused)",
            "exited": f"Exited ({self.exit_code}) 1 second ago",
            "restarting": f"Restarting ({self.exit_code}) 1 second ago",
            "created": "Created",
        }[self.state]

    def row(self):
        return {
            "Id": self.id,
            "Names": ["/" + self.name],
            "Image": self.image,
            "ImageID": self.image_id,
            "Command": "httpd",
            "Created": self.created,
            "Ports": [
                {"IP": "0.0.0.0", "PublicPort": int(port), "PrivatePort": 80, "Type": protocol} for port, protocol in self.ports if self.state == "running"
            ],
            "Labels": self.labels,
            "State": self.state,
            "Status": self.status(),
            "HostConfig": {"NetworkMode": next(iter(self.networks), "default")},
            "NetworkSettings": {"Networks": self.networks},
            "Mounts": self.mounts,
        }

    def inspect(self):
        state = {
            "Status": self.state,
            "Running": self.state in ("running", "restarting"),
            "Paused": self.state == "paused",
            "Restarting": self.state == "restarting",
            "OOMKilled": False,
            "Dead": False,
            "Pid": 0,
            "ExitCode": self.exit_code,
            "Error": "",
            "StartedAt": "2026-01-01T00:00:00Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
        }
        if self.healthcheck:
            state["Health"] = {"Status": self.health or "starting", "FailingStreak": 0, "Log": []}
        return {
            "Id": self.id,
            "Name": "/" + self.name,
            "Created": time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime(self.created)),
            "Image": self.image_id,
            "RestartCount": self.restarts,
            "Config": {"Image": self.image, "Labels": self.labels, "Cmd": ["httpd"]},
            "HostConfig": {"RestartPolicy": {"Name": self.restart, "MaximumRetryCount": 0}},
            "State": state,
            "NetworkSettings": {"Networks": self.networks},
            "Mounts": self.mounts,
        }
