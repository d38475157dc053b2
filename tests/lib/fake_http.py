"""The fake engine's API: the requests of pgod-core, in the words and with the statuses of Docker Engine 20.10, and those of the fake compose."""

import contextlib
import fnmatch
import http.server
import json
import queue
import re
import select
import socket
import urllib.parse

from lib.fake_container import Container


class Problem(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def as_list(value):
    return list(value) if isinstance(value, (list, dict)) else []


class RequestHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake = None

    # (method, path, handler's name); what is in parentheses becomes its arguments
    routes = (
        ("GET", r"/_ping", "ping"),
        ("GET", r"/version", "version"),
        ("GET", r"/containers/json", "list_containers"),
        ("GET", r"/events", "stream"),
        ("GET", r"/images/json", "list_images"),
        ("GET", r"/containers/(.+)/json", "inspect_container"),
        ("GET", r"/images/(.+)/json", "inspect_image"),
        ("GET", r"/networks/([^/]+)", "inspect_network"),
        ("POST", r"/containers/create", "create_container"),
        ("POST", r"/containers/([^/]+)/start", "start_container"),
        ("POST", r"/containers/([^/]+)/stop", "stop_container"),
        ("POST", r"/containers/([^/]+)/kill", "kill_container"),
        ("POST", r"/containers/([^/]+)/rename", "rename_container"),
        ("DELETE", r"/containers/([^/]+)", "remove_container"),
        ("POST", r"/images/(.+)/tag", "tag_image"),
        ("DELETE", r"/images/(.+)", "untag_image"),
        ("POST", r"/networks/create", "create_network"),
        ("POST", r"/networks/([^/]+)/(connect|disconnect)", "change_network"),
        ("DELETE", r"/networks/([^/]+)", "remove_network"),
    )

    def setup(self):
        with self.fake.lock:
            if self.server is not self.fake.server:
                raise ConnectionAbortedError("the engine has stopped meanwhile")
            self.fake.connections.add(self.request)
        super().setup()

    def finish(self):
        with self.fake.lock:
            self.fake.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def address_string(self):
        return "unix"

    def log_message(self, format, *args):
        pass

    def answer(self, status, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def alive(self):
        """Has the client not gone? It sends nothing while it waits for an answer."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return not readable or self.connection.recv(1, socket.MSG_PEEK) != b""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(re.sub(r"^/v1\.\d+", "", url.path))
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.body = json.loads(body) if body else {}
        if path == "/fake/begin":
            self.answer(200, self.fake.begin(self.body))
        elif path == "/fake/do":
            self.answer(200, self.fake.do(self.body, self.alive))
        else:
            self.request_of_the_api(path)

    do_POST = do_DELETE = do_PUT = do_GET

    def request_of_the_api(self, path):
        with self.fake.lock:
            self.fake.requests.append((self.command, path))
        step = f"{self.command} {path}"
        self.fake.wait(step)
        fault = self.fake.fault(step)
        if fault and fault["status"] is None:
            self.close_connection = True
            return
        if fault:
            self.answer(fault["status"], {"message": fault["stderr"]})
            return
        for method, pattern, name in self.routes:
            match = re.fullmatch(pattern, path)
            if match and method == ("GET" if self.command == "HEAD" else self.command):
                try:
                    getattr(self, name)(*match.groups())
                except Problem as problem:
                    self.answer(problem.status, {"message": str(problem)})
                return
        self.answer(404, {"message": f"the fake engine does not know {step}"})

    # the engine

    def ping(self):
        self.answer(200, "OK")

    def version(self):
        self.answer(200, {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"})

    def filters(self):
        return json.loads(self.query.get("filters", "{}"))

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

    # containers

    def box(self, word):
        box = self.fake.find(word)
        if box is None:
            raise Problem(404, f"No such container: {word}")
        return box

    def list_containers(self):
        pairs = [label.partition("=") for label in as_list(self.filters().get("label"))]
        rows = []
        for box in self.fake.containers():
            fits = all(key in box.labels and (not equals or box.labels[key] == value) for key, equals, value in pairs)
            if fits and (box.state == "running" or self.query.get("all") in ("1", "true")):
                rows.append(box.row())
        self.answer(200, rows)

    def inspect_container(self, word):
        self.answer(200, self.box(word).inspect())

    def create_container(self):
        image_id = self.fake.image_id(self.body["Image"])
        if image_id is None:
            raise Problem(404, f"No such image: {self.body['Image']}")
        name = self.query.get("name", "nameless")
        if self.fake.find(name):
            raise Problem(409, f'Conflict. The container name "/{name}" is already in use')
        box = self.fake.add_container(Container(name, self.body.get("Labels") or {}, self.body["Image"], image_id))
        self.answer(201, {"Id": box.id, "Warnings": []})

    def start_container(self, word):
        box = self.box(word)
        if box.state == "running":
            self.answer(304)
            return
        problem = self.fake.start_container(box)
        if problem:
            raise Problem(500, problem)
        self.answer(204)

    def stop_container(self, word):
        box = self.box(word)
        running = box.state in ("running", "restarting")
        self.fake.stop_container(box)
        self.answer(204 if running else 304)

    def kill_container(self, word):
        box = self.box(word)
        if box.state != "running":
            raise Problem(409, f"Cannot kill container: {word}: Container {box.id} is not running")
        self.fake.kill_container(box)
        self.answer(204)

    def rename_container(self, word):
        box, name = self.box(word), self.query["name"]
        if self.fake.find(name):
            raise Problem(409, f'Conflict. The container name "/{name}" is already in use')
        self.fake.rename_container(box, name)
        self.answer(204)

    def remove_container(self, word):
        box = self.box(word)
        if box.state in ("running", "restarting") and self.query.get("force") not in ("1", "true"):
            raise Problem(409, f"You cannot remove a running container {box.id}. Stop the container before attempting removal or force remove")
        self.fake.remove_container(box)
        self.answer(204)

    # images

    def image(self, word):
        image_id = self.fake.image_id(word)
        if image_id is None:
            raise Problem(404, f"No such image: {word}")
        return image_id

    def tags_of(self, image_id):
        with self.fake.lock:
            return sorted(tag for tag, other in self.fake.images.items() if other == image_id)

    def list_images(self):
        patterns = as_list(self.filters().get("reference"))
        rows = []
        with self.fake.lock:
            images = [(image_id, details, self.tags_of(image_id)) for image_id, details in self.fake.details.items()]
        for image_id, details, tags in images:
            if patterns:
                tags = [tag for tag in tags if any(fnmatch.fnmatchcase(word, p) for word in (tag, tag.rpartition(":")[0]) for p in patterns)]
                if not tags:
                    continue
            rows.append({"Id": image_id, "RepoTags": tags or ["<none>:<none>"], "Labels": details["labels"], "Created": 1})
        self.answer(200, rows)

    def inspect_image(self, word):
        image_id = self.image(word)
        details = self.fake.details[image_id]
        config = {"Labels": details["labels"], "Env": details["env"], "ExposedPorts": {port: {} for port in details["exposes"]} or None}
        if details["healthcheck"]:
            config["Healthcheck"] = {"Test": ["CMD", "true"]}
        self.answer(200, {"Id": image_id, "RepoTags": self.tags_of(image_id), "Config": config})

    def tag_image(self, word):
        with self.fake.lock:
            self.fake.images[f"{self.query['repo']}:{self.query.get('tag', 'latest')}"] = self.image(word)
        self.answer(201)

    def untag_image(self, word):
        """A name goes; with the last one the image goes too, unless a container needs it."""
        with self.fake.lock:
            image_id = self.image(word)
            tags = [tag for tag in self.tags_of(image_id) if word not in (image_id, tag, tag.removesuffix(":latest"))]
            users = [box for box in self.fake.boxes.values() if box.image_id == image_id]
            if not tags and users:
                raise Problem(409, f"conflict: unable to remove repository reference \"{word}\" (must force) - container {users[0].id[:12]} is using it")
            for tag in self.tags_of(image_id):
                if tag not in tags:
                    del self.fake.images[tag]
            answer = [{"Untagged": word}]
            if not tags:
                del self.fake.details[image_id]
                answer.append({"Deleted": image_id})
        self.answer(200, answer)

    # networks

    def network(self, word):
        network = self.fake.find_network(word)
        if network is None:
            raise Problem(404, f"network {word} not found")
        return network

    def inspect_network(self, word):
        network = self.network(word)
        inside = {box.id: {"Name": box.name} for box in self.fake.containers() if network["Name"] in box.networks and box.state == "running"}
        self.answer(200, dict(network, Containers=inside))

    def create_network(self):
        made = self.fake.create_network(self.body["Name"])
        made["Labels"] = self.body.get("Labels") or {}
        self.answer(201, {"Id": made["Id"]})

    def remove_network(self, word):
        network = self.network(word)
        if any(network["Name"] in box.networks for box in self.fake.containers() if box.state == "running"):
            raise Problem(403, f"error while removing network: network {word} has active endpoints")
        with self.fake.lock:
            self.fake.networks.pop(network["Name"], None)
        self.answer(204)

    def change_network(self, word, verb):
        network, box = self.network(word), self.box(self.body["Container"])
        inside = network["Name"] in box.networks
        if verb == "connect":
            if inside and box.state == "running":
                raise Problem(403, f"endpoint with name {box.name} already exists in network {network['Name']}")
            self.fake.connect(box, network, (self.body.get("EndpointConfig") or {}).get("Aliases") or [])
        elif not inside:
            raise Problem(403, f"container {box.id} is not connected to network {network['Name']}")
        else:
            del box.networks[network["Name"]]
        self.answer(200)
