"""What compose does to the fake engine: the half of a fake compose that changes something. See fake_engine.py for what a test can do about it."""

import hashlib
import json
from types import SimpleNamespace

from lib.fake_container import LABEL, Container, fake_id

VALUE_OPTIONS = ("-p", "-f", "--project-name", "--file", "--project-directory", "--env-file", "--profile", "--ansi")
UNHASHED = ("scale", "deploy")


class Gone(Exception):
    """The compose process was killed: the rest of its order is not carried out."""


class Refused(Exception):
    """The engine's answer to one of compose's requests."""


def config_hash(service):
    text = json.dumps({key: value for key, value in service.items() if key not in UNHASHED}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def scale_of(name, service, args):
    for at, word in enumerate(args):
        if word == "--scale" and args[at + 1].startswith(name + "="):
            return int(args[at + 1].partition("=")[2])
    return service.get("scale", (service.get("deploy") or {}).get("replicas", 1))


def named(model, args):
    """The compose services an order is about: those that are named and, unless --no-deps, what they depend on; else all."""
    services = model["services"]
    look, found = [word for word in args if word in services], set()
    if not look:
        return list(services)
    while look:
        name = look.pop()
        found.add(name)
        depends = [] if "--no-deps" in args else services[name].get("depends_on") or []
        look += [other for other in depends if other in services and other not in found]
    return [name for name in services if name in found]


class Projects:
    """Mixed into FakeEngine."""

    def begin(self, entry):
        """A compose process tells who it is and what it was asked for; the answer says how to behave."""
        argv = entry["argv"]
        words, skip = [], False
        for word in argv:
            if skip:
                skip = False
            elif word in VALUE_OPTIONS:
                skip = True
            elif words or not word.startswith("-"):
                words.append(word)
        entry["verb"], entry["args"] = words[0], words[1:]
        entry["passed"] = self.clock()
        entry["project"] = argv[argv.index("-p") + 1] if "-p" in argv else None
        with self.lock:
            self.journal.append(entry)
        self.wait(entry["verb"], entry)
        return self.fault(entry["verb"])

    def do(self, order, alive=lambda: True):
        """Carries an order out; alive() tells whether the process that gave it still runs."""
        action = getattr(self, "do_" + order["verb"], None)
        if action is None:
            return {"status": 16, "stderr": f"unknown docker command: \"compose {order['verb']}\"\n"}

        def point(where=None):
            if where:
                self.wait(f"{order['verb']}:{where}", {"verb": f"{order['verb']}:{where}", "project": order["project"]})
            if not alive():
                raise Gone

        try:
            answer = action(order["project"], order["args"], order["model"], point) or {}
            point("end")
            return dict(answer, **self.fault(order["verb"] + ":end"))
        except Gone:
            return {"status": 137}
        except Refused as refused:
            return {"status": 1, "stderr": f"Error response from daemon: {refused}\n"}

    def chosen(self, project, args):
        names = [word for word in args if not word.startswith("-")]
        return [box for box in self.containers(project) if not box.oneoff and (not names or box.service in names)]

    # up

    def do_up(self, project, args, model, point):
        order = SimpleNamespace(project=project, args=args, model=model, point=point, lines=[])
        self.make_networks(order)
        for volume in (model.get("volumes") or {}).values():
            self.volumes.add(volume["name"])
        fresh = []
        for name in named(model, args):
            image = model["services"][name]["image"]
            if self.image_id(image) is None:
                raise Refused(f"No such image: {image}")
            fresh += self.converge(order, name)
        if "--remove-orphans" in args:
            for box in [b for b in self.containers(project) if b.service not in model["services"]]:
                self.remove_container(box)
        point("middle")
        for box in fresh if "--no-start" not in args else []:
            point()
            problem = self.start_container(box)
            if problem:
                raise Refused(problem)
            order.lines.append(f" Container {box.name}  Started")
        return {"stderr": "\n".join(order.lines) + "\n"}

    def make_networks(self, order):
        for key, network in (order.model.get("networks") or {}).items():
            if network.get("external") and network["name"] not in self.networks:
                raise Refused(f"network {network['name']} declared as external, but could not be found")
            if not network.get("external"):
                made = self.create_network(network["name"])
                made["Labels"] = {LABEL + "project": order.project, LABEL + "network": key}

    def converge(self, order, name):
        """Makes the containers of one compose service; returns those that have to be started."""
        service = order.model["services"][name]
        wanted = scale_of(name, service, order.args)
        boxes = [box for box in self.containers(order.project) if box.service == name and not box.oneoff]
        for box in boxes[wanted:]:
            self.remove_container(box)
        fresh = []
        for box in boxes[:wanted]:
            same = box.labels[LABEL + "config-hash"] == config_hash(service) and box.image_id == self.image_id(service["image"])
            if "--no-recreate" in order.args or (same and "--force-recreate" not in order.args):
                fresh += [] if box.state == "running" else [box]
                order.lines.append(f" Container {box.name}  Running")
            else:
                fresh.append(self.replace(order, name, box))
        taken = {box.labels[LABEL + "container-number"] for box in boxes[:wanted]}
        free = (str(number) for number in range(1, 1000) if str(number) not in taken)
        for _ in range(wanted - len(boxes)):
            order.point()
            fresh.append(self.make(order, name, next(free)))
        return fresh

    def replace(self, order, name, old):
        """As compose does it: the new one under a passing name, the old one away, then the right name."""
        order.point()
        box = self.make(order, name, old.labels[LABEL + "container-number"], old)
        order.point()
        self.stop_container(old)
        order.point()
        self.remove_container(old)
        order.point("rename")
        self.rename_container(box, self.name_of(order, name, box.labels[LABEL + "container-number"]))
        return box

    def name_of(self, order, name, number):
        return order.model["services"][name].get("container_name") or f"{order.project}-{name}-{number}"

    def make(self, order, name, number, old=None):
        service = order.model["services"][name]
        labels = {
            **(service.get("labels") or {}),
            LABEL + "project": order.project,
            LABEL + "service": name,
            LABEL + "container-number": number,
            LABEL + "config-hash": config_hash(service),
            LABEL + "oneoff": "False",
        }
        image_id = self.image_id(service["image"])
        check = service.get("healthcheck")
        healthcheck = not check.get("disable") and check.get("test") != ["NONE"] if check else self.details[image_id]["healthcheck"]
        final = self.name_of(order, name, number)
        box = Container(f"{old.id[:12]}_{final}" if old else final, labels, service["image"], image_id, service.get("restart", "no"), healthcheck)
        box.ports = [(str(port["published"]), port.get("protocol", "tcp")) for port in service.get("ports") or [] if port.get("published")]
        box.mounts = [self.mount(volume, old) for volume in service.get("volumes") or []]
        for key, more in (service.get("networks") or {}).items():
            network = self.networks[order.model["networks"][key]["name"]]
            self.connect(box, network, [name, *((more or {}).get("aliases") or [])])
        return self.add_container(box)

    def mount(self, volume, old):
        if volume["type"] != "volume" or volume.get("source"):
            return {"Type": volume["type"], "Source": volume.get("source"), "Destination": volume["target"]}
        # Anonymous: a new container goes on with the old one's.
        for mount in old.mounts if old else []:
            if mount["Destination"] == volume["target"] and mount["Type"] == "volume":
                return mount
        made = {"Type": "volume", "Name": fake_id(), "Destination": volume["target"]}
        self.volumes.add(made["Name"])
        return made

    # the other verbs

    def do_run(self, project, args, model, point):
        """The container of a command, which compose runs itself here; then it says that it has ended."""
        name = next(word for word in args if not word.startswith("-"))
        order = SimpleNamespace(project=project, args=args, model=model, point=point, lines=[])
        box = self.make(order, name, "1")
        box.name = next(word.removeprefix("--name=") for word in args if word.startswith("--name="))
        box.labels[LABEL + "oneoff"] = "True"
        box.ports = []
        problem = self.start_container(box)
        return {"status": 1, "stderr": problem} if problem else {}

    def do_ran(self, project, args, model, point):
        for box in [box for box in self.containers(project) if box.name == args[0]]:
            self.remove_container(box)

    def do_stop(self, project, args, model, point):
        for box in self.chosen(project, args):
            point()
            self.stop_container(box)

    def do_start(self, project, args, model, point):
        for box in self.chosen(project, args):
            point()
            problem = self.start_container(box)
            if problem:
                raise Refused(problem)

    def do_restart(self, project, args, model, point):
        self.do_stop(project, args, model, point)
        self.do_start(project, args, model, point)

    def do_down(self, project, args, model, point):
        for box in self.chosen(project, []):
            point()
            self.remove_container(box)
        with self.lock:
            for name in [name for name, net in self.networks.items() if net.get("Labels", {}).get(LABEL + "project") == project]:
                del self.networks[name]

    def do_pull(self, project, args, model, point):
        for name in named(model, args):
            image = model["services"][name].get("image")
            if image and self.image_id(image) is None:
                return {"status": 18, "stderr": f"Error response from daemon: pull access denied for {image}\n"}

    def do_build(self, project, args, model, point):
        for name in named(model, args):
            service = model["services"][name]
            if "build" in service:
                point()
                tag = service.get("image", f"{project}-{name}")
                self.add_image(tag, labels={LABEL + "project": project, LABEL + "service": name}, **self.builds.get(tag, {}))

    def do_push(self, project, args, model, point):
        pass

    def do_logs(self, project, args, model, point):
        return {"stdout": "".join(f"{box.service}-1  | hello from {box.id[:12]}\n" for box in self.chosen(project, []))}
