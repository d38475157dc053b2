"""Image registries where the engine sees them, in its network namespace: Debian's docker-registry with passwords, and ones that misbehave."""

import base64
import json
import re
import subprocess

from lib.host import run, wait_until

CONFIG = """\
version: 0.1
log: {{level: info, accesslog: {{disabled: false}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: "pgo tests", path: {users}}}}}
"""

# A proxy before docker-registry that writes down who asks for what. For some names it misbehaves instead: it stalls, answers garbage, or says
# back what it was sent.
FRONT = """
import http.client, http.server, json, socketserver, sys
class Front(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        sent = self.headers.get("Authorization", "")
        print(self.command, self.path, sent, flush=True)
        if "/stall/" in self.path:
            self.rfile.read()  # until the client goes
        elif "/echo/" in self.path and sent:
            words = "no entry with " + sent + " \\x1b[31m" + 8000 * "x"
            self.answer(403, [], json.dumps({"errors": [{"code": "DENIED", "message": words}]}).encode())
        elif "/garbage/" in self.path and sent:
            self.answer(200, [], b"<html>" + 100000 * b"garbage")
        else:
            self.forward()
    def forward(self):
        upstream = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]), timeout=30)
        upstream.request(self.command, self.path, None, dict(self.headers))
        answer = upstream.getresponse()
        self.answer(answer.status, [head for head in answer.getheaders() if head[0].lower() != "content-length"], answer.read(), answer.getheader("Content-Length"))
    def answer(self, status, heads, body, length=None):
        self.send_response(status)
        for name, value in [*heads, ("Content-Length", length or str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
    do_HEAD = do_POST = do_GET
    def log_message(self, *words):
        pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
server = Server(("127.0.0.1", int(sys.argv[1])), Front)
print("it listens", flush=True)
server.serve_forever()
"""


class Registry:
    """docker-registry, and the proxy at `host` before it; `users` is {name: password}."""

    def __init__(self, pgo, users, port=5000):
        self.pgo, self.address, self.host, self.log_path = pgo, f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}", pgo.path("registry.log")
        self.users_path = pgo.path("registry-users")
        self.set_users(users)
        config = pgo.path("registry.yml")
        with open(config, "w", encoding="ascii") as out:
            out.write(CONFIG.format(root=pgo.path("registry"), port=port, users=self.users_path))
        with open(self.log_path, "ab") as log:
            pgo.helper(pgo.engine.inside("docker-registry", "serve", config, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        wait_until(lambda: "listening on" in self.log(), "docker-registry listens")
        with open(pgo.path("front.log"), "ab") as log:
            argv = ["/usr/bin/python3", "-IS", "-c", FRONT, str(port + 1), str(port)]
            pgo.helper(pgo.engine.inside(*argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        wait_until(lambda: "it listens" in self.requests(), "the proxy listens")

    def set_users(self, users):
        """Counts from the start on."""
        self.users = users
        with open(self.users_path, "w", encoding="ascii") as out:
            for name, password in users.items():
                out.write(run("htpasswd", "-inBC4", name, input=password).stdout.strip() + "\n")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as text:
            return text.read()

    def push(self, image, name):
        """Puts an image of the engine's into the registry, and away from the engine; returns what compose files call it."""
        user, password = next(iter(self.users.items()))
        auth = base64.urlsafe_b64encode(json.dumps({"username": user, "password": password}).encode()).decode()
        full = f"{self.address}/{name}"
        assert self.pgo.engine.ask("POST", f"/images/{image}/tag?repo={full}&tag=1")[0] == 201
        answer = self.pgo.engine.text("POST", f"/images/{full}/push?tag=1", {"X-Registry-Auth": auth})
        assert '"aux"' in answer, answer
        for host in (self.address, self.host):  # the other one is an earlier test's
            self.pgo.engine.ask("DELETE", f"/images/{host}/{name}:1?force=1&noprune=1")
        return f"{self.host}/{name}:1"

    def requests(self):
        with open(self.pgo.path("front.log"), encoding="utf-8") as text:
            return text.read()

    def who_pulled(self, name):
        """What was sent to get the manifest of an image: user:password, in the clear."""
        sent = re.findall(rf"GET /v2/{name}/manifests/\S+ Basic (\S+)", self.requests())
        return {base64.b64decode(coded).decode() for coded in sent}
