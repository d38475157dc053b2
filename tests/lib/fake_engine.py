"""A Docker Engine that only exists in the test's process: containers are dictionaries, events are real, nothing takes time.

It answers the requests that pgod-core makes (fake_http.py), and the fake compose (tests/lib/fake-compose) tells it what to change
(fake_projects.py). A test looks at everything, and interferes:

    engine.containers(project), .images {tag: id}, .networks {name: network}, .volumes {name}      what there is
    engine.calls(verb, project), .requests, .writes()                                            what was asked for, oldest first
    engine.add_image(name, healthcheck=True), .untag(name), .prune()                             images; prune takes what has no tag
    engine.builds["app-web"] = {"exposes": ["80/tcp"]}                                           what builds of it make
    engine.address_of_all = "127.0.0.1"                                                          where all containers are from now on
    engine.kill_container(box, code), .remove_container(box), .set_health(box, "unhealthy")      what happens to a container
    engine.occupy_port(5005), .create_network(name)                                              what others did
    engine.stop(), .start(), .restart(), .power_cut()                                            the engine itself

    engine.behave("web", exits=1)                 each new container of this compose service ends with 1 as soon as it starts
    engine.behave("web", exits=[1, 1, None])      the first two starts end so, then it stays up
    engine.behave("web", health="unhealthy")      what its healthcheck says after "starting"; None: it stays "starting" (set_health ends that);
                                                  a list gives one word a container; without any word it is healthy at once
    engine.behave("web", image="sha256:…", …)     only for containers of that image
    engine.behave("web")                          as if nothing had been said

A container that ends under a restart policy that wants it back is started again by the engine until it has died LOOPS times; then it is found
"restarting".

A step is called by compose's verb ("up", "pull", ...), its middle ("up:middle": after the old containers stopped, before the new ones start),
its end ("up:end": all done, compose has not returned), or an API request ("GET /images/*", "POST /containers/*/start", without the version,
with fnmatch's wild cards):

    engine.hold(step)        from now on each such step waits, until engine.release(step) or release_all(); .waiting lists who waits
    engine.fail(step, status=1, stderr="…", times=None)   each such step fails, the next `times` ones only if given; for a request, `status` is
                             HTTP's and stderr its message; status=None hangs up instead of answering. engine.heal(step) ends it

A compose process that is killed while its order is carried out leaves the rest undone, as the real one does.
"""

import contextlib
import fnmatch
import os
import socket
import socketserver
import threading
import time

from lib.fake_container import fake_id
from lib.fake_http import RequestHandler
from lib.fake_projects import Projects
from lib.host import clock

LOOPS = 5
UP_AGAIN = {"always": True, "unless-stopped": True, "on-failure": False}


class FakeEngine(Projects):
    """unix socket `path`, owned by group `gid`: only who has that group may talk to the engine."""

    def __init__(self, path, gid):
        self.path, self.gid, self.clock = path, gid, clock()
        self.docker_host = "unix://" + path
        self.lock = threading.RLock()
        self.boxes = {}
        self.images = {}
        self.details = {}
        self.networks = {}
        self.volumes = set()
        self.occupied = set()
        self.manners = {}
        self.journal = []
        self.requests = []
        self.listeners = []
        self.connections = set()
        self.failing = {}
        self.held = {}
        self.waiting = []
        self.server = self.accepting = None
        self.last_ns = 0
        self.addresses = 0
        self.address_of_all = None
        self.builds = {}

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
        self.accepting = threading.Thread(target=self.accept, args=(self.server,), daemon=True)
        self.accepting.start()

    @staticmethod
    def accept(server):
        """Until stop ends it. serve_forever would look many times a second whether it is to end."""
        with contextlib.suppress(OSError):
            while True:
                server.process_request(*server.get_request())

    def stop(self):
        self.release_all()
        self.server.socket.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.server.server_close()
        os.unlink(self.path)
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for listener in self.listeners:
                listener.put(None)
            self.listeners, self.server = [], None  # who is accepted already and not heard yet has come too late

    def restart(self):
        self.stop()
        self.start()

    def shut_down(self):
        """It tells each container to end, and each obeys; then it is gone. start() brings back what it would."""
        back = [box for box in self.containers() if box.state == "running" and UP_AGAIN.get(box.restart, False)]
        for box in self.containers():
            if box.state == "running":
                self.stop_container(box)
        self.stop()
        with self.lock:
            for box in back:
                box.state = "running"

    def power_cut(self):
        """The engine and all containers are gone; start() brings back those whose restart policy says so, as dockerd does."""
        self.stop()
        with self.lock:
            for box in self.boxes.values():
                if box.state in ("running", "restarting"):
                    back = UP_AGAIN.get(box.restart, False)
                    box.state, box.exit_code = ("running", 0) if back else ("exited", 255)

    # what a test does to it

    def add_image(self, name, image_id=None, labels=None, healthcheck=False, env=(), exposes=()):
        """Another image under this name, as a pull or a build does; the one that had it before stays, without the name."""
        with self.lock:
            image_id = image_id or "sha256:" + fake_id(f"{name} {len(self.details)}")
            self.details[image_id] = {"labels": labels or {}, "healthcheck": healthcheck, "env": list(env), "exposes": list(exposes)}
            self.images[name] = image_id
            return image_id

    def untag(self, name):
        """The name goes; the image stays until prune()."""
        with self.lock:
            return self.images.pop(name)

    def prune(self):
        """As `docker image prune`: what has no name and no container goes."""
        with self.lock:
            kept = set(self.images.values()) | {box.image_id for box in self.boxes.values()}
            self.details = {key: value for key, value in self.details.items() if key in kept}

    def create_network(self, name):
        with self.lock:
            return self.networks.setdefault(name, {"Name": name, "Id": fake_id(), "Driver": "bridge", "Labels": {}})

    def network_names(self):
        with self.lock:
            return list(self.networks)

    def occupy_port(self, port, protocol="tcp"):
        self.occupied.add((str(port), protocol))

    def containers(self, project=None):
        with self.lock:
            return [box for box in self.boxes.values() if project in (None, box.project)]

    def behave(self, service, exits=(), health=(), image=None):
        """How containers of this compose service behave from now on; see above."""
        words = [[None] if value is None else list(value) if isinstance(value, (list, tuple)) else [value] for value in (exits, health)]
        key = service, image
        self.manners[key] = {"exits": words[0], "health": words[1]}

    def kill_container(self, box, code=137):
        self.change(box, "exited", "die", code)

    def remove_container(self, box):
        with self.lock:
            if box.state == "running":
                self.change(box, "exited", "die", 137)
            self.boxes.pop(box.id, None)
            self.emit(box, "destroy")

    def rename_container(self, box, name):
        with self.lock:
            box.name = name
            self.emit(box, "rename")

    def set_health(self, box, health):
        with self.lock:
            box.health = health
            self.emit(box, "health_status: " + health)

    def fail(self, step, status=1, stderr="the fake was told to fail", times=None):
        with self.lock:
            self.failing[step] = {"status": status, "stderr": stderr, "times": times}

    def heal(self, step):
        with self.lock:
            self.failing.pop(step, None)

    def hold(self, step):
        """Such steps wait from now on, until release(step)."""
        self.held[step] = threading.Event()

    def release(self, step):
        event = self.held.pop(step, None)
        if event:
            event.set()

    def release_all(self):
        for step in list(self.held):
            self.release(step)

    def calls(self, verb=None, project=None):
        """What compose was asked for so far, oldest first."""
        with self.lock:
            return [
                entry
                for entry in self.journal
                if (verb is None or entry["verb"] == verb) and (project is None or entry["project"] == project)
            ]

    def writes(self):
        """The requests that change something, and every compose that talked to the engine."""
        with self.lock:
            return [request for request in self.requests if request[0] not in ("GET", "HEAD")] + [tuple(entry["argv"]) for entry in self.journal]

    # how a step waits and fails

    def wait(self, step, entry=None):
        for name, event in list(self.held.items()):
            if fnmatch.fnmatchcase(step, name):
                entry = entry or {"verb": name}
                self.waiting.append(entry)
                event.wait(120)
                self.waiting.remove(entry)

    def fault(self, step):
        with self.lock:
            for name, fault in self.failing.items():
                if not fnmatch.fnmatchcase(step, name) or fault["times"] == 0:
                    continue
                if fault["times"] is not None:
                    fault["times"] -= 1
                return fault
        return {}

    # inside

    def image_id(self, name):
        """The id behind a name or an id; None when there is none."""
        if name in self.details:
            return name
        return self.images.get(name) or self.images.get(name + ":latest")

    def find(self, word):
        with self.lock:
            for box in self.boxes.values():
                if word and (box.id.startswith(word) or box.name == word):
                    return box
        return None

    def find_network(self, word):
        with self.lock:
            return next((net for net in self.networks.values() if word and (net["Name"] == word or net["Id"].startswith(word))), None)

    def add_container(self, box):
        with self.lock:
            self.boxes[box.id] = box
            self.emit(box, "create")
        return box

    def port_clash(self, box):
        taken = set(self.occupied)
        for other in self.boxes.values():
            if other is not box and other.state in ("running", "restarting"):
                taken |= set(other.ports)
        return next((port for port, protocol in box.ports if (port, protocol) in taken), None)

    def start_container(self, box):
        """The sentence of the engine when it cannot; None when it runs, however short."""
        with self.lock:
            if box.state == "running":
                return None
            port = self.port_clash(box)
            if port:
                return (
                    f"driver failed programming external connectivity on endpoint {box.name} ({box.id}): "
                    f"Bind for 0.0.0.0:{port} failed: port is already allocated"
                )
            box.stopped = False
            self.change(box, "running", "start")
            code, health = self.told(box, "exits", None), self.told(box, "health", "healthy")
            if code is not None:
                self.dies(box, code)
            elif box.healthcheck:
                box.health = "starting"
                if health:
                    self.set_health(box, health)
        return None

    def told(self, box, what, usual):
        manner = self.manners.get((box.service, box.image_id)) or self.manners.get((box.service, None))
        words = manner[what] if manner else []
        if not words:
            return usual
        return words.pop(0) if len(words) > 1 else words[0]

    def dies(self, box, code):
        """A container that ends by itself; the engine starts it again as its policy says, LOOPS times, then it is between two starts."""
        while code is not None:
            self.change(box, "exited", "die", code)
            if not (UP_AGAIN.get(box.restart, False) or box.restart == "on-failure" and code != 0):
                return
            box.restarts += 1
            if box.restarts >= LOOPS:
                box.state = "restarting"
                return
            self.change(box, "running", "start")
            code = self.told(box, "exits", None)

    def stop_container(self, box):
        with self.lock:
            box.stopped = True
            if box.state in ("running", "restarting"):
                self.emit(box, "kill")
                self.change(box, "exited", "die", 0)
                self.emit(box, "stop")

    def address(self):
        """Another one each time, as an engine's that gives a free one."""
        self.addresses += 1
        return self.address_of_all or f"10.1.{self.addresses // 250 % 250}.{self.addresses % 250 + 1}"

    def connect(self, box, network, aliases=()):
        with self.lock:
            box.networks[network["Name"]] = {"NetworkID": network["Id"], "Aliases": list(aliases), "IPAddress": self.address()}

    def change(self, box, state, action, code=0):
        with self.lock:
            box.state, box.exit_code = state, code
            if state != "running":
                box.health = None
            self.emit(box, action, {"exitCode": str(code)} if action == "die" else {})

    def emit(self, box, action, extra=None):
        with self.lock:
            # No two events have the same time.
            self.last_ns = now = max(time.time_ns(), self.last_ns + 1)
            event = {
                "status": action,
                "id": box.id,
                "from": box.image,
                "Type": "container",
                "Action": action,
                "Actor": {"ID": box.id, "Attributes": dict(box.labels, image=box.image, name=box.name, **(extra or {}))},
                "scope": "local",
                "time": now // 10**9,
                "timeNano": now,
            }
            for listener in self.listeners:
                listener.put(event)
