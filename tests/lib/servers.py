"""Git servers for the tests, on loopback: smart HTTP (lighttpd and git http-backend) and ssh (sshd)."""

import contextlib
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.parse

from lib.host import free_port, locks_of_sessions, run, wait_until


def answers(port):
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1].endswith(":%04X" % port) and line.split()[3] == "0A" for line in list(table)[1:])


def http_git(pgo, directory, password=None, user="tess"):
    """Serves the repositories beneath `directory` at the returned URL; with a password, which may be empty, the user must log in."""
    port = free_port()
    config = pgo.path(f"lighttpd-{port}.conf")
    lines = [
        'server.modules = ("mod_alias", "mod_setenv", "mod_cgi", "mod_auth", "mod_authn_file", "mod_accesslog")',
        f'accesslog.filename = "{pgo.path("requests.log")}"',
        'accesslog.format = "%s %m %U?%q"',
        f'server.document-root = "{directory}"',
        'server.bind = "127.0.0.1"',
        f"server.port = {port}",
        f'server.errorlog = "{pgo.path("lighttpd.log")}"',
        'alias.url = ("/" => "/usr/lib/git-core/git-http-backend/")',
        'cgi.assign = ("" => "")',
        f'setenv.set-environment = ("GIT_PROJECT_ROOT" => "{directory}", "GIT_HTTP_EXPORT_ALL" => "1",'
        ' "GIT_CONFIG_COUNT" => "1", "GIT_CONFIG_KEY_0" => "safe.directory", "GIT_CONFIG_VALUE_0" => "*")',
    ]
    if password is not None:
        users = pgo.path("htpasswd")
        with open(users, "w", encoding="utf-8") as out:
            out.write(f"{user}:{password}\n")
        lines += [
            'auth.backend = "plain"',
            f'auth.backend.plain.userfile = "{users}"',
            'auth.require = ("/" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))',
        ]
    with open(config, "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")
    log = open(pgo.path("lighttpd.out"), "ab")
    pgo.helper(subprocess.Popen(["/usr/sbin/lighttpd", "-D", "-f", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    log.close()
    wait_until(lambda: answers(port), "lighttpd listens")
    quoted = [urllib.parse.quote(word, safe="") for word in (user, password or "")]
    login = "" if password is None else f"{quoted[0]}@" if not password else ":".join(quoted) + "@"
    return f"http://{login}127.0.0.1:{port}"


class Requests:
    """What the git server of http_git was asked since now: each git that connects begins with one GET."""

    def __init__(self, pgo):
        self.path = pgo.path("requests.log")
        self.seen = len(self.lines())

    def lines(self):
        if not os.path.exists(self.path):
            return []
        with open(self.path, encoding="ascii") as text:
            return text.read().splitlines()

    def gits(self):
        """How many gits connected."""
        return sum(" GET " in line and "info/refs" in line for line in self.lines()[self.seen :])

    def refused(self):
        """How many requests were without the right password."""
        return sum(line.startswith("401 ") for line in self.lines()[self.seen :])


def git_daemon(pgo, directory):
    """Serves the repositories beneath `directory` by git's own protocol; returns the URL's beginning."""
    port = free_port()
    argv = ["git", "-c", "safe.directory=*", "daemon", "--listen=127.0.0.1", f"--port={port}", f"--base-path={directory}", "--export-all", "--reuseaddr"]
    # The daemon's upload-pack reads no -c of ours: the environment tells it.
    env = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*", "HOME": "/nonexistent"}
    with open(pgo.path("git-daemon.log"), "ab") as log:
        pgo.helper(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env))
    wait_until(lambda: answers(port), "git daemon listens")
    return f"git://127.0.0.1:{port}"


REGISTRY = """
import http.server
class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ping = self.path == "/v2/"
        body = b"{}" if ping else b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
        self.send_response(200 if ping else 404)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.command == "GET" else b"")
    do_HEAD = do_GET
server = http.server.HTTPServer(("127.0.0.1", 5000), Registry)
print("it listens", flush=True)
server.serve_forever()
"""


def empty_registry(pgo):
    """A registry without any image, where the engine sees it at 127.0.0.1:5000."""
    process = pgo.engine.inside("/usr/bin/python3", "-IS", "-c", REGISTRY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == b"it listens\n"
    return pgo.helper(process)


def start_sshd(pgo, account, port, host_key, authorized):
    """An sshd on loopback that lets in whose key is in the file `authorized`, as `account`."""
    # UsePAM no wants an account that is not locked.
    with locks_of_sessions():
        run("usermod", "-p", "*", account.pw_name)
    os.makedirs("/run/sshd", exist_ok=True)
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": host_key,
        "UsePAM": "no",
        "StrictModes": "no",
        "PidFile": "none",
        "AuthorizedKeysFile": authorized,
    }
    argv = ["/usr/sbin/sshd", "-D", "-f", "/dev/null", "-E", pgo.path("sshd.log")]
    for name, value in options.items():
        argv += ["-o", f"{name}={value}"]
    process = pgo.helper(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    wait_until(lambda: answers(port), "sshd listens")
    return process


def ssh_git(pgo, account):
    """An sshd that lets `account` in with a key of its own; returns the URL's beginning."""
    port = free_port()
    host_key, user_ssh = pgo.path("sshd_key"), os.path.join(account.pw_dir, ".ssh")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key)
    os.makedirs(user_ssh, exist_ok=True)
    identity = os.path.join(user_ssh, "id_ed25519")
    if not os.path.exists(identity):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", identity)
    run("cp", identity + ".pub", os.path.join(user_ssh, "authorized_keys"))
    with open(host_key + ".pub", encoding="ascii") as public, open(os.path.join(user_ssh, "known_hosts"), "w", encoding="ascii") as known:
        known.write(f"[127.0.0.1]:{port} " + " ".join(public.read().split()[:2]) + "\n")
    run("chown", "-R", f"{account.pw_uid}:{account.pw_gid}", user_ssh)
    start_sshd(pgo, account, port, host_key, os.path.join(user_ssh, "authorized_keys"))
    return f"ssh://{account.pw_name}@127.0.0.1:{port}"


class GitHost:
    """A git server that knows its users by their keys: an sshd as `account`, which nobody's home has heard of."""

    def __init__(self, pgo, account):
        self.pgo, self.account, self.port, self.sshd = pgo, account, free_port(), None
        self.authorized = pgo.path("authorized_keys")
        self.url = f"ssh://{account.pw_name}@127.0.0.1:{self.port}"
        self.allow()
        self.start()

    def allow(self, *lines):
        """Lets in who has one of these keys, and nobody else."""
        with open(self.authorized, "w", encoding="ascii") as out:
            out.write("".join(line + "\n" for line in lines))
        os.chmod(self.authorized, 0o644)

    def start(self):
        """With another host key than ever before."""
        host_key = tempfile.mktemp(prefix="sshd_key-", dir=self.pgo.base)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key)
        self.sshd = start_sshd(self.pgo, self.account, self.port, host_key, self.authorized)

    def stop(self):
        self.sshd.terminate()
        self.sshd.wait(10)


def make_certificate(pgo):
    """A CA of the test's and a certificate of its for 127.0.0.1; the paths of the CA's certificate, and of certificate and key in one."""
    ca, key, both = pgo.path("ca.pem"), pgo.path("ca.key"), pgo.path("https.pem")
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    run(*new, "-subj", "/CN=a test's CA", "-keyout", key, "-out", ca)
    run(*new, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-CA", ca, "-CAkey", key, "-keyout", both, "-out", both + ".crt")
    with open(both + ".crt", encoding="ascii") as certificate, open(both, "a", encoding="ascii") as out:
        out.write(certificate.read())
    return ca, both


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def front_of(port, receive):
    """The port of what stands before a server, in threads of the test's: receive(client) is what speaks with it."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(client):
        with contextlib.suppress(OSError), receive(client) as inner, socket.create_connection(("127.0.0.1", port)) as behind:
            back = threading.Thread(target=pump, args=(behind, inner), daemon=True)
            back.start()
            pump(inner, behind)
            back.join()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listening.getsockname()[1]


def port_of(url):
    return int(url.rpartition(":")[2])


def https_git(pgo, directory, certificate):
    """As http_git, behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    port = front_of(port_of(http_git(pgo, directory)), lambda client: context.wrap_socket(client, server_side=True))
    return f"https://127.0.0.1:{port}"


def slow_git(pgo, directory, slow_s):
    """As http_git, but it takes that long to answer who connects."""

    def receive(client):
        threading.Event().wait(slow_s)
        return client

    return f"http://127.0.0.1:{front_of(port_of(http_git(pgo, directory)), receive)}"


def trusting(pgo, ca):
    """pgod is started where the system's CAs are these: in a mount namespace of its own."""
    bundle, argv = "/etc/ssl/certs/ca-certificates.crt", pgo.argv
    pgo.argv = lambda *more: ["unshare", "--mount", "sh", "-c", f'mount --bind "$0" {bundle} && exec "$@"', ca, *argv(*more)]
