"""A real nginx or Caddy on this machine that pgod writes the routes for, each on a loopback address of its own."""

import http.client
import os
import random
import shutil
import socket
import ssl
import subprocess

from lib.host import descendants_of, free_port, run, wait_until
from lib.pgo import toml

WORKERS = 2
NGINX = """
worker_processes {workers};
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log info;
events {{ worker_connections 512; }}
http {{
	access_log off;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	include {dir}/conf.d/*.conf;
}}
"""

CADDYFILE = """{{
	admin 127.0.0.1:{admin}
	http_port {http}
	https_port {https}
	default_bind {address}
	storage file_system {dir}/storage
	skip_install_trust
	local_certs
}}
import {dir}/conf.d/*.caddy
"""


class Site:
    """What a visitor got."""

    def __init__(self, status, body, headers):
        self.status, self.body, self.headers = status, body, headers

    def __repr__(self):
        return f"{self.status} {self.body!r}"


class HostProxy:
    def __init__(self, pgo):
        self.pgo = pgo
        self.dir = pgo.path("proxy")
        os.makedirs(os.path.join(self.dir, "conf.d"))
        self.address = f"127.{random.randint(16, 250)}.{random.randint(0, 250)}.{random.randint(2, 250)}"
        self.process = None

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def table(self, **more):
        """[proxy] for pgo.toml."""
        keys = {**self.keys(), **more}
        self.pgo.tables = "[proxy]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items() if value is not None) + "\n"

    def text(self):
        try:
            with open(self.file, encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def start(self):
        log = open(self.path("log"), "ab")  # noqa: SIM115
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.dir}
        self.process = self.pgo.helper(subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env))
        wait_until(self.answers, "the proxy answers")
        return self

    def answers(self):
        assert self.process.poll() is None, open(self.path("log"), encoding="utf-8").read()[-3000:]
        try:
            socket.create_connection((self.address, self.http), 5).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def ask(self, name, path="/", headers=None, method="GET", body=None):
        """A request for the site of this name."""
        connection = http.client.HTTPConnection(self.address, self.http, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True)
            for key, value in {**({"Host": name} if name is not None else {}), **(headers or {})}.items():
                connection.putheader(key, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Site(answer.status, answer.read().decode().strip(), dict(answer.getheaders()))
        finally:
            connection.close()

    def ask_tls(self, name, sni=None, path="/"):
        """The same with TLS; sni: the name that the handshake asks for."""
        context = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPConnection(self.address, self.https, timeout=20)
        try:
            connection.sock = context.wrap_socket(socket.create_connection((self.address, self.https), 20), server_hostname=sni or name)
            connection.request("GET", path, headers={"Host": name})
            answer = connection.getresponse()
            return Site(answer.status, answer.read().decode().strip(), dict(answer.getheaders()))
        finally:
            connection.close()

    def wait_page(self, name, page, deadline=30):
        last = []

        def shows():
            last[:] = [self.ask(name)]
            return last[0].status == 200 and page in last[0].body

        wait_until(shows, lambda: f"{name} shows {page!r}; it shows {last}", deadline, step=0.1)
        self.wait_alone()

    def wait_status(self, name, status, deadline=30, path="/"):
        wait_until(lambda: self.ask(name, path).status == status, f"{name} answers {status}", deadline, step=0.1)
        self.wait_alone()

    def wait_alone(self):
        """Whoever has answered now may not be the only one that answers: those who go by the configuration of before go a moment later."""


class Nginx(HostProxy):
    http, https = 80, 443

    def __init__(self, pgo):
        super().__init__(pgo)
        self.conf, self.file = self.path("nginx.conf"), self.path("conf.d", "pgo.conf")
        with open(self.conf, "w", encoding="ascii") as text:
            text.write(NGINX.format(dir=self.dir, workers=WORKERS))
        self.program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        with open(self.path("conf.d", "test.conf"), "w", encoding="ascii") as text:
            text.write(f"server {{ listen {self.address}:80; server_name admin.test; return 200 admin; }}\n")
        self.table()

    def keys(self):
        return {
            "type": "nginx",
            "file": self.file,
            "test": [self.program, "-t", "-c", self.conf],
            "reload": [self.program, "-s", "reload", "-c", self.conf],
            "listen": [self.address],
        }

    def argv(self):
        return [self.program, "-c", self.conf]

    def wait_alone(self):
        wait_until(lambda: len(descendants_of(self.process.pid)) <= WORKERS, "nginx's workers of before have ended", 30)

    def certificate(self, host):
        """Makes one where {host} is this; test.conf is then not needed."""
        os.makedirs(self.path("tls", host), exist_ok=True)
        run(
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-subj", f"/CN={host}", "-keyout", self.path("tls", host, "key.pem"), "-out", self.path("tls", host, "cert.pem")),
        )

    def with_certificates(self):
        return {"certificate": self.path("tls", "{host}", "cert.pem"), "certificate_key": self.path("tls", "{host}", "key.pem")}


class HostCaddy(HostProxy):
    def __init__(self, pgo):
        super().__init__(pgo)
        self.http, self.https, self.admin = free_port(), free_port(), free_port()
        self.conf, self.file = self.path("Caddyfile"), self.path("conf.d", "pgo.caddy")
        with open(self.conf, "w", encoding="ascii") as text:
            text.write(CADDYFILE.format(dir=self.dir, admin=self.admin, http=self.http, https=self.https, address=self.address))
        with open(self.path("conf.d", "test.caddy"), "w", encoding="ascii") as text:
            text.write("http://admin.test {\n\trespond admin\n}\n")
        self.table()

    def keys(self):
        words = ["--config", self.conf, "--adapter", "caddyfile"]
        return {"type": "caddy", "file": self.file, "test": ["caddy", "validate", *words], "reload": ["caddy", "reload", *words]}

    def argv(self):
        return ["caddy", "run", "--config", self.conf, "--adapter", "caddyfile"]
