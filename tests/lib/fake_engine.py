"""A Docker Engine that only exists in the test's process: containers are dictionaries, events are real.

It answers the requests that pgod-core makes, and the fake compose (tests/integration/fake-compose) tells it what to change. A test may
look at everything, and interfere: kill a container, make a step of compose fail, or hold it until the test lets it go.
"""

import contextlib
import hashlib
import http.server
import json
import os
import queue
import re
import socket
import socketserver
import threading
import time
import urllib.parse
import uuid

LABEL = "com.docker.compose."


def fake_id(text=None):
    return hashlib.sha256((text or uuid.uuid4().hex).encode()).hexdigest()


class Container:
    def __init__(self, project, service, image, image_id, config_hash, restart):
        self.id = fake_id()
        self.project, self.service = project, service
        self.name = f"{project}-{service}-1"
        self.image, self.image_id, self.restart = image, image_id, restart
        self.labels = {
            LABEL + "project": project,
            LABEL + "service": service,
            LABEL + "container-number": "1",
            LABEL + "config-hash": config_hash,
            LABEL + "oneoff": "False",
        }
        self.created = int(time.time())
        self.state, self.exit_code = "created", 0

    def row(self):
        status = {"running": "Up 1 second", "exited": f"Exited ({self.exit_code}) 1 second ago", "created": "Created"}[self.state]
        return {
            "Id": self.id,
            "Names": ["/" + self.name],
            "Image": self.image,
            "ImageID": self.image_id,
            "Command": "httpd",
            "Created": self.created,
            "Ports": [],
            "Labels": self.labels,
            "State": self.state,
            "Status": status,
            "HostConfig": {"NetworkMode": self.project + "_default"},
            "NetworkSettings": {"Networks": {}},
            "Mounts": [],
        }

    def inspect(self):
        return {
            "Id": self.id,
            "Name": "/" + self.name,
            "Created": time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime(self.created)),
            "Image": self.image_id,
            "RestartCount": 0,
            "Config": {"Image": self.image, "Labels": self.labels, "Cmd": ["httpd"]},
            "HostConfig": {"RestartPolicy": {"Name": self.restart, "MaximumRetryCount": 0}},
            "State": {
                "Status": self.state,
                "Running": self.state == "running",
                "Paused": False,
                "Restarting": False,
                "OOMKilled": False,
                "Dead": False,
                "Pid": 0,
                "ExitCode": self.exit_code,
                "Error": "",
                "StartedAt": "2026-01-01T00:00:00Z",
                "FinishedAt": "0001-01-01T00:00:00Z",
            },
            "NetworkSettings": {"Networks": {}},
        }


class FakeEngine:
    """unix socket `path`, owned by group `gid`: only who has that group may talk to the engine."""

    def __init__(self, path, gid):
        self.path, self.gid = path, gid
        self.docker_host = "unix://" + path
        self.lock = threading.RLock()
        self.boxes = {}
        self.images = {}
        self.networks = {}
        self.journal = []
        self.requests = []
        self.listeners = []
        self.connections = set()
        self.failing = {}
        self.held = {}
        self.waiting = []
        self.server = None

    # life

    def start(self):
        engine = self

        class Handler(RequestHandler):
            fake = engine

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass  # a client that was killed in the middle is what many tests are about

        self.server = Server(self.path, Handler)
        os.chown(self.path, 0, self.gid)
        os.chmod(self.path, 0o660)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.release_all()
        self.server.shutdown()
        self.server.server_close()
        os.unlink(self.path)
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for listener in self.listeners:
                listener.put(None)
            self.listeners = []

    def restart(self):
        self.stop()
        self.start()

    # what a test does to it

    def add_image(self, name):
        self.images[name] = "sha256:" + fake_id(name + str(len(self.images)))
        return self.images[name]

    def containers(self, project=None):
        with self.lock:
            return [box for box in self.boxes.values() if project in (None, box.project)]

    def kill_container(self, box, code=137):
        self.change(box, "exited", "die", code)

    def remove_container(self, box):
        with self.lock:
            if box.state == "running":
                self.change(box, "exited", "die", 137)
            self.boxes.pop(box.id, None)
            self.emit(box, "destroy")

    def fail(self, verb, status=1, stderr="the fake was told to fail"):
        self.failing[verb] = {"status": status, "stderr": stderr}

    def heal(self, verb):
        self.failing.pop(verb, None)

    def hold(self, verb):
        """Steps of this verb wait from now on, until release(verb)."""
        self.held[verb] = threading.Event()

    def release(self, verb):
        event = self.held.pop(verb, None)
        if event:
            event.set()

    def release_all(self):
        for verb in list(self.held):
            self.release(verb)

    def calls(self, verb=None, project=None):
        """What compose was asked for so far, oldest first."""
        with self.lock:
            return [
                entry
                for entry in self.journal
                if (verb is None or entry["verb"] == verb) and (project is None or entry["project"] == project)
            ]

    def wait(self, verb, entry=None):
        held = self.held.get(verb)
        if held:
            self.waiting.append(entry or {"verb": verb})
            held.wait(120)
            self.waiting.remove(entry or {"verb": verb})

    # what compose does to it

    def begin(self, entry):
        argv = entry["argv"]
        words, skip = [], False
        for word in argv:
            if skip:
                skip = False
            elif word in ("-p", "-f", "--project-name", "--file", "--project-directory", "--env-file", "--profile"):
                skip = True
            elif words or not word.startswith("-"):
                words.append(word)
        entry["verb"], entry["args"] = words[0], words[1:]
        entry["project"] = argv[argv.index("-p") + 1] if "-p" in argv else None
        with self.lock:
            self.journal.append(entry)
        self.wait(entry["verb"], entry)
        return self.failing.get(entry["verb"], {})

    def do(self, order):
        action = getattr(self, "do_" + order["verb"], None)
        if action is None:
            return {"status": 16, "stderr": f"unknown docker command: \"compose {order['verb']}\"\n"}
        with self.lock:
            return action(order["project"], order["args"], order["model"]) or {}

    def do_up(self, project, args, model):
        lines = []
        wanted = [word for word in args if word in model["services"]] or list(model["services"])
        for name, service in model["services"].items():
            if name not in wanted:
                continue
            image_id = self.image_id(service["image"])
            if image_id is None:
                return {"status": 1, "stderr": f"Error response from daemon: No such image: {service['image']}\n"}
            for key, network in model.get("networks", {}).items():
                if network.get("external") and network["name"] not in self.networks:
                    return {"status": 1, "stderr": f"network {network['name']} declared as external, but could not be found\n"}
            config_hash = fake_id(json.dumps(service, sort_keys=True))
            old = [box for box in self.boxes.values() if (box.project, box.service) == (project, name)]
            if old and "--force-recreate" not in args and old[0].labels[LABEL + "config-hash"] == config_hash:
                if old[0].state != "running":
                    self.change(old[0], "running", "start")
                lines.append(f" Container {old[0].name}  Running")
                continue
            for box in old:
                self.remove_container(box)
            box = Container(project, name, service["image"], image_id, config_hash, service.get("restart", "no"))
            self.boxes[box.id] = box
            self.emit(box, "create")
            self.change(box, "running", "start")
            lines.append(f" Container {box.name}  Started")
        if "--remove-orphans" in args:
            for box in [b for b in self.boxes.values() if b.project == project and b.service not in model["services"]]:
                self.remove_container(box)
        self.networks.setdefault(project + "_default", {"Name": project + "_default", "Id": fake_id(project)})
        return {"stderr": "\n".join(lines) + "\n"}

    def chosen(self, project, args):
        names = [word for word in args if not word.startswith("-")]
        return [box for box in self.boxes.values() if box.project == project and (not names or box.service in names)]

    def do_stop(self, project, args, model):
        for box in self.chosen(project, args):
            if box.state == "running":
                self.change(box, "exited", "die", 0)
                self.emit(box, "stop")

    def do_start(self, project, args, model):
        for box in self.chosen(project, args):
            if box.state != "running":
                self.change(box, "running", "start")

    def do_restart(self, project, args, model):
        for box in self.chosen(project, args):
            self.change(box, "exited", "die", 0)
            self.change(box, "running", "start")

    def do_down(self, project, args, model):
        for box in self.chosen(project, []):
            self.remove_container(box)
        self.networks.pop(project + "_default", None)

    def do_pull(self, project, args, model):
        wanted = [word for word in args if word in model["services"]] or list(model["services"])
        for name in wanted:
            image = model["services"][name].get("image")
            if image and self.image_id(image) is None:
                return {"status": 18, "stderr": f"Error response from daemon: pull access denied for {image}\n"}

    def do_build(self, project, args, model):
        for name, service in model["services"].items():
            if "build" in service:
                self.add_image(service.get("image", f"{project}-{name}"))

    def do_logs(self, project, args, model):
        return {"stdout": "".join(f"{box.service}-1  | hello from {box.id[:12]}\n" for box in self.chosen(project, []))}

    # inside

    def image_id(self, name):
        if name in self.images.values():
            return name
        return self.images.get(name) or self.images.get(name + ":latest")

    def change(self, box, state, action, code=0):
        with self.lock:
            box.state, box.exit_code = state, code
            self.emit(box, action, {"exitCode": str(code)} if action == "die" else {})

    def emit(self, box, action, extra=None):
        now = time.time()
        event = {
            "status": action,
            "id": box.id,
            "from": box.image,
            "Type": "container",
            "Action": action,
            "Actor": {"ID": box.id, "Attributes": dict(box.labels, image=box.image, name=box.name, **(extra or {}))},
            "scope": "local",
            "time": int(now),
            "timeNano": int(now * 1e9),
        }
        with self.lock:
            for listener in self.listeners:
                listener.put(event)

    def find(self, word):
        with self.lock:
            for box in self.boxes.values():
                if word and (box.id.startswith(word) or box.name == word):
                    return box
        return None


class RequestHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake = None

    def setup(self):
        super().setup()
        with self.fake.lock:
            self.fake.connections.add(self.connection)

    def finish(self):
        with self.fake.lock:
            self.fake.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def address_string(self):
        return "unix"

    def log_message(self, format, *args):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(re.sub(r"^/v1\.\d+", "", url.path))
        query = dict(urllib.parse.parse_qsl(url.query))
        with self.fake.lock:
            self.fake.requests.append((self.command, path))
        if path == "/_ping":
            self.answer(200, "OK")
        elif path == "/version":
            self.answer(200, {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"})
        elif path == "/containers/json":
            self.answer(200, self.listed(query))
        elif path == "/events":
            self.stream()
        else:
            self.one_thing(path)

    def one_thing(self, path):
        kind = re.fullmatch(r"/(containers|images|networks)/(.+?)(/json)?", path)
        found = None
        if kind and kind[1] == "containers":
            box = self.fake.find(kind[2])
            found = box and box.inspect()
        elif kind and kind[1] == "images":
            image_id = self.fake.image_id(kind[2])
            found = image_id and {"Id": image_id, "RepoTags": [kind[2]], "Config": {}}
        elif kind:
            self.fake.wait("network")
            found = self.fake.networks.get(kind[2])
        if found:
            self.answer(200, found)
        else:
            self.answer(404, {"message": "No such thing: " + path})

    def listed(self, query):
        filters = json.loads(query.get("filters", "{}"))
        labels = filters.get("label", [])
        labels = list(labels) if isinstance(labels, (list, dict)) else []
        rows = []
        for box in self.fake.containers():
            named = [label for label in labels if "=" in label]
            if all(box.labels.get(label.partition("=")[0]) == label.partition("=")[2] for label in named):
                if box.state == "running" or query.get("all") in ("1", "true"):
                    rows.append(box.row())
        return rows

    def stream(self):
        mine = queue.Queue()
        with self.fake.lock:
            self.fake.listeners.append(mine)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        try:
            while (event := mine.get()) is not None:
                data = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        except OSError:
            pass
        finally:
            with self.fake.lock:
                if mine in self.fake.listeners:
                    self.fake.listeners.remove(mine)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.fake.lock:
            if not self.path.startswith("/fake/"):
                self.fake.requests.append((self.command, self.path))
        if self.path == "/fake/begin":
            self.answer(200, self.fake.begin(json.loads(body)))
        elif self.path == "/fake/do":
            self.answer(200, self.fake.do(json.loads(body)))
        else:
            self.answer(404, {"message": "the fake engine takes no writes: " + self.path})

    do_DELETE = do_POST
    do_PUT = do_POST
