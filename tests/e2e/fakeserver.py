"""A PostgreSQL that does what a script says, for servers which do not exist: hostile, stuck or strange."""

import socket
import struct
import threading

import rawwire
from rawwire import Message, cstr, message
from waiting import DEADLINE, TooLate, until

PARAMS = {
    "server_version": "15.4", "server_encoding": "UTF8", "client_encoding": "UTF8", "DateStyle": "ISO, MDY",
    "TimeZone": "UTC", "integer_datetimes": "on", "standard_conforming_strings": "on", "IntervalStyle": "postgres",
    "application_name": "", "is_superuser": "off", "session_authorization": "app", "in_hot_standby": "off",
    "default_transaction_read_only": "off",
}


def authentication_ok():
    return message("R", struct.pack("!I", 0))


def parameter(name, value):
    return message("S", cstr(name) + cstr(value))


def key_data(pid=4711, key=0x12345678):
    return message("K", struct.pack("!II", pid, key))


def ready(status="I"):
    return message("Z", status.encode())


def complete(tag):
    return message("C", cstr(tag))


def row_description(*names):
    body = struct.pack("!H", len(names))
    for name in names:
        body += cstr(name) + struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0)
    return message("T", body)


def data_row(*values):
    body = struct.pack("!H", len(values))
    for value in values:
        raw = value.encode() if isinstance(value, str) else value
        body += struct.pack("!I", len(raw)) + raw
    return message("D", body)


def answer(value, status="I"):
    """All of the answer to `select value`."""
    return row_description("v") + data_row(value) + complete("SELECT 1") + ready(status)


def error(sqlstate, text, severity="ERROR"):
    fields = b"S" + cstr(severity) + b"V" + cstr(severity)
    if sqlstate:
        fields += b"C" + cstr(sqlstate)
    return message("E", fields + b"M" + cstr(text) + b"\0")


class Session:
    """One connection to the fake server: what a script gets."""

    def __init__(self, sock, number):
        self.sock = sock
        self.number = number
        self.buffer = bytearray()
        self.startup = {}
        self.seen = []

    def send(self, *parts):
        self.sock.sendall(b"".join(parts))

    def _need(self, count):
        while len(self.buffer) < count:
            got = self.sock.recv(1 << 16)
            if not got:
                raise rawwire.Gone("the pooler closed the connection")
            self.buffer += got

    def _take(self, count):
        self._need(count)
        out = bytes(self.buffer[:count])
        del self.buffer[:count]
        return out

    def read(self):
        kind = self._take(1).decode()
        (size,) = struct.unpack("!I", self._take(4))
        got = Message(kind, self._take(size - 4))
        self.seen.append(got)
        return got

    def read_until(self, kinds):
        """Messages up to and with the first of these kinds."""
        out = [self.read()]
        while out[-1].kind not in kinds:
            out.append(self.read())
        return out

    def read_startup(self):
        """The startup packet; 'N' to requests for encryption, None for a cancel request."""
        while True:
            (size,) = struct.unpack("!I", self._take(4))
            body = self._take(size - 4)
            (code,) = struct.unpack_from("!I", body)
            if code in (rawwire.CODE_SSL, rawwire.CODE_GSS):
                self.send(b"N")
                continue
            if code == rawwire.CODE_CANCEL:
                return None
            parts = body[4:].split(b"\0")
            self.startup = {k.decode(): v.decode() for k, v in zip(parts[0::2], parts[1::2]) if k}
            return self.startup

    def login(self, **params):
        """Let the pooler in, whoever it is; False if it only came to cancel."""
        if self.read_startup() is None:
            return False
        known = {**PARAMS, **params}
        for name in ("application_name", "client_encoding", "DateStyle", "TimeZone"):
            for asked, value in self.startup.items():
                if asked.lower() == name.lower():
                    known[name] = value
        self.send(authentication_ok(), *(parameter(k, v) for k, v in known.items()), key_data(4711 + self.number),
                  ready())
        return True

    def serve(self, reply):
        """Answer every simple Query with reply(sql) (bytes), for ever."""
        while True:
            got = self.read()
            if got.kind == "Q":
                self.send(reply(got.body[:-1].decode()))
            elif got.kind == "X":
                return
            elif got.kind == "S":
                self.send(ready())


class FakeServer:
    """Runs script(session) in a thread for each connection. Owner: the test; close() raises what scripts raised."""

    def __init__(self, script):
        self.script = script
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sessions = []
        self.cancels = []
        self.errors = []
        self.stopping = False
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(4 * DEADLINE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(sock, len(self.sessions))
            self.sessions.append(session)
            threading.Thread(target=self._run, args=(session,), daemon=True).start()

    def _run(self, session):
        try:
            self.script(session)
        except (rawwire.Gone, OSError):
            pass
        except BaseException as problem:  # noqa: B902 - close() hands it on
            self.errors.append(problem)
        finally:
            session.sock.close()

    def wait_sessions(self, count):
        until(lambda: len(self.sessions) >= count, f"{count} connections to the fake server")

    def close(self):
        self.listener.close()
        for session in self.sessions:
            try:
                session.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        wrong = [e for e in self.errors if not isinstance(e, (socket.timeout, TooLate))]
        if wrong:
            raise wrong[0]
