"""An SSH client in this process, by libssh's own functions: each phase of a cold connection can be timed, and no start of a program is in it."""

import ctypes
import socket
import time

OK = 0
HOST, PORT, USER, NODELAY, PROCESS_CONFIG = 0, 1, 4, 36, 38  # enum ssh_options_e of libssh 0.10
PHASES = ("connect to keys exchanged", "log in", "channel, exec accepted", "answer, exit status")


def library():
    lib = ctypes.CDLL("libssh.so.4")
    for name in ("ssh_new", "ssh_channel_new"):
        getattr(lib, name).restype = ctypes.c_void_p
    lib.ssh_get_error.restype = ctypes.c_char_p
    return lib


class Failed(Exception):
    pass


class Client:
    """One cold connection at a time; `once` returns the seconds of each phase."""

    def __init__(self, key, user):
        self.lib, self.user = library(), user
        self.key = ctypes.c_void_p()
        if self.lib.ssh_pki_import_privkey_file(key.encode(), None, None, None, ctypes.byref(self.key)) != OK:
            raise Failed("the key is not read")
        self.buffer = ctypes.create_string_buffer(65536)

    def must(self, rc, session):
        if rc != OK:
            raise Failed(self.lib.ssh_get_error(session).decode())

    def connect(self, port):
        session = ctypes.c_void_p(self.lib.ssh_new())
        off, on = ctypes.c_int(0), ctypes.c_int(1)
        number = ctypes.c_uint(port)
        self.lib.ssh_options_set(session, HOST, b"127.0.0.1")
        self.lib.ssh_options_set(session, PORT, ctypes.byref(number))
        self.lib.ssh_options_set(session, USER, self.user.encode())
        self.lib.ssh_options_set(session, PROCESS_CONFIG, ctypes.byref(off))
        self.lib.ssh_options_set(session, NODELAY, ctypes.byref(on))
        self.must(self.lib.ssh_connect(session), session)
        return session

    def once(self, port, command):
        times = [time.perf_counter()]
        session = self.connect(port)
        times.append(time.perf_counter())
        self.must(self.lib.ssh_userauth_publickey(session, None, self.key), session)
        times.append(time.perf_counter())
        channel = ctypes.c_void_p(self.lib.ssh_channel_new(session))
        self.must(self.lib.ssh_channel_open_session(channel), session)
        self.must(self.lib.ssh_channel_request_exec(channel, command.encode()), session)
        times.append(time.perf_counter())
        while self.lib.ssh_channel_read(channel, self.buffer, len(self.buffer), 0) > 0:
            pass
        status = self.lib.ssh_channel_get_exit_status(channel)
        times.append(time.perf_counter())
        self.lib.ssh_channel_free(channel)
        self.lib.ssh_disconnect(session)
        self.lib.ssh_free(session)
        if status != 0:
            raise Failed(f"{command}: status {status}")
        return [late - early for early, late in zip(times, times[1:])]


def until_banner(port):
    """Seconds from connecting to the first byte of the server: its process is there and ready."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        assert connection.recv(1), "the server said nothing"
        return time.perf_counter() - began
