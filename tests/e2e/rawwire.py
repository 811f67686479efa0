"""A client of PostgreSQL's protocol 3 that sends what it is told, for what no driver sends.

Builders make single messages as bytes. `Client` owns one socket, logs in, and reads messages with a
deadline. Nothing here hides an error: whatever the peer sends is what the test sees.
"""

import base64
import hashlib
import hmac
import os
import secrets
import socket
import struct
import time

from waiting import DEADLINE

PROTOCOL_3_0 = 3 << 16
CODE_CANCEL = 80877102
CODE_SSL = 80877103
CODE_GSS = 80877104


# ---- building ---------------------------------------------------------------------------------------


def message(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def cstr(text):
    return (text.encode() if isinstance(text, str) else text) + b"\0"


def untyped(body):
    return struct.pack("!I", len(body) + 4) + body


def startup(user, database=None, version=PROTOCOL_3_0, params=None):
    body = struct.pack("!I", version) + cstr("user") + cstr(user)
    if database is not None:
        body += cstr("database") + cstr(database)
    for name, value in (params or {}).items():
        body += cstr(name) + cstr(value)
    return untyped(body + b"\0")


def ssl_request():
    return untyped(struct.pack("!I", CODE_SSL))


def gss_request():
    return untyped(struct.pack("!I", CODE_GSS))


def cancel_request(pid, key):
    return untyped(struct.pack("!II", CODE_CANCEL, pid) + key)


def Q(sql):
    return message("Q", cstr(sql))


def P(sql, name="", types=()):
    return message("P", cstr(name) + cstr(sql) + struct.pack(f"!H{len(types)}I", len(types), *types))


def B(*values, portal="", name="", formats=(), results=()):
    body = cstr(portal) + cstr(name) + struct.pack(f"!H{len(formats)}H", len(formats), *formats)
    body += struct.pack("!H", len(values))
    for value in values:
        if value is None:
            body += struct.pack("!i", -1)
        else:
            raw = value.encode() if isinstance(value, str) else value
            body += struct.pack("!I", len(raw)) + raw
    return message("B", body + struct.pack(f"!H{len(results)}H", len(results), *results))


def D(kind="P", name=""):
    return message("D", kind.encode() + cstr(name))


def E(portal="", rows=0):
    return message("E", cstr(portal) + struct.pack("!I", rows))


def C(kind="S", name=""):
    return message("C", kind.encode() + cstr(name))


def F(oid, *args):
    """A function call with binary arguments and a binary result."""
    body = struct.pack("!IHHH", oid, 1, 1, len(args))
    for arg in args:
        body += struct.pack("!I", len(arg)) + arg
    return message("F", body + struct.pack("!H", 1))


def d(data):
    return message("d", data.encode() if isinstance(data, str) else data)


def c():
    return message("c")


def f(reason="no more"):
    return message("f", cstr(reason))


S = message("S")
H = message("H")
X = message("X")


# ---- reading ----------------------------------------------------------------------------------------


class Message:
    def __init__(self, kind, body):
        self.kind = kind
        self.body = body

    def fields(self):
        """The fields of an ErrorResponse or a NoticeResponse."""
        out = {}
        for part in self.body.split(b"\0"):
            if part:
                out[chr(part[0])] = part[1:].decode(errors="replace")
        return out

    @property
    def sqlstate(self):
        return self.fields().get("C")

    @property
    def text(self):
        return self.fields().get("M")

    @property
    def severity(self):
        return self.fields().get("S")

    def row(self):
        """The values of a DataRow, as text."""
        (count,) = struct.unpack_from("!H", self.body)
        at, out = 2, []
        for _ in range(count):
            (size,) = struct.unpack_from("!i", self.body, at)
            at += 4
            if size < 0:
                out.append(None)
            else:
                out.append(self.body[at:at + size].decode(errors="replace"))
                at += size
        return out

    def _described(self):
        (count,) = struct.unpack_from("!H", self.body)
        at, out = 2, []
        for _ in range(count):
            end = self.body.index(b"\0", at)
            out.append((self.body[at:end].decode(errors="replace"), struct.unpack_from("!IHIhih", self.body, end + 1)))
            at = end + 19
        return out

    def columns(self):
        """The names in a RowDescription."""
        return [name for name, _ in self._described()]

    def types(self):
        """What a RowDescription says of each column but the table it comes from."""
        return [rest[2:] for _, rest in self._described()]

    def pair(self):
        """Name and value of a ParameterStatus."""
        name, value, _ = self.body.split(b"\0")
        return name.decode(errors="replace"), value.decode(errors="replace")

    def tag(self):
        return self.body[:-1].decode(errors="replace")

    def status(self):
        return self.body.decode()

    def __eq__(self, other):
        return (self.kind, self.body) == (other.kind, other.body)

    def __repr__(self):
        if self.kind in "EN":
            return f"{self.kind}{self.fields()}"
        body = self.body if len(self.body) < 60 else self.body[:57] + b"..."
        return f"{self.kind}{body!r}"


class Gone(Exception):
    """The peer closed the connection."""


class Refused(Exception):
    """The login ended with an ErrorResponse; `.error` is that message."""

    def __init__(self, error):
        super().__init__(repr(error))
        self.error = error


class Client:
    """One connection. With split=n every send() carries at most n bytes."""

    def __init__(self, address, split=0, receive_buffer=None):
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self.sock = socket.socket(family)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(address)
        self.address = address
        self.split = split
        self.buffer = bytearray()
        self.params = {}
        self.pid = None
        self.key = None
        self.notices = []
        self.login_trace = []

    # -- bytes --

    def send(self, *parts):
        data = b"".join(parts)
        if not self.split:
            self.sock.sendall(data)
            return
        for at in range(0, len(data), self.split):
            self.sock.sendall(data[at:at + self.split])

    def _fill(self, end):
        self.sock.settimeout(max(0.001, end - time.monotonic()))
        try:
            got = self.sock.recv(1 << 16)
        except ConnectionError:
            got = b""
        except socket.timeout:
            raise AssertionError(f"no answer within the deadline; unread: {bytes(self.buffer[:80])!r}") from None
        finally:
            self.sock.settimeout(DEADLINE)
        if not got:
            raise Gone(f"closed by peer; unread: {bytes(self.buffer[:80])!r}")
        self.buffer += got

    def byte(self, deadline=None):
        """One byte that is no message: the answer to an SSLRequest."""
        end = time.monotonic() + (deadline or DEADLINE)
        while not self.buffer:
            self._fill(end)
        return bytes([self.buffer.pop(0)])

    def read(self, deadline=None):
        """The next message, whatever it is."""
        end = time.monotonic() + (deadline or DEADLINE)
        while len(self.buffer) < 5:
            self._fill(end)
        (size,) = struct.unpack_from("!I", self.buffer, 1)
        assert size >= 4, f"impossible length {size} from the peer: {bytes(self.buffer[:40])!r}"
        while len(self.buffer) < 1 + size:
            self._fill(end)
        got = Message(chr(self.buffer[0]), bytes(self.buffer[5:1 + size]))
        del self.buffer[:1 + size]
        if got.kind == "S":
            self.params.update([got.pair()])
        elif got.kind == "N":
            self.notices.append(got)
        return got

    def read_until(self, kinds, deadline=None):
        """Messages up to and with the first of one of `kinds`."""
        out = []
        while not out or out[-1].kind not in kinds:
            out.append(self.read(deadline))
        return out

    def ready(self, times=1, deadline=None):
        """Messages up to and with the n-th ReadyForQuery."""
        out = []
        for _ in range(times):
            out += self.read_until("Z", deadline)
        return out

    def rest(self, deadline=None):
        """All that comes until the peer closes."""
        out = []
        try:
            while True:
                out.append(self.read(deadline))
        except Gone:
            return out
        except AssertionError as late:
            raise AssertionError(f"{late}; so far: {out}") from None

    def closed(self, deadline=None):
        """The peer closes the connection without another word."""
        assert self.rest(deadline) == []

    def has_input(self):
        """Is something here already? (Only for asserting that something *has* come.)"""
        if self.buffer:
            return True
        self.sock.setblocking(False)
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK)) or True
        except BlockingIOError:
            return False
        finally:
            self.sock.settimeout(DEADLINE)

    # -- conversations --

    def query(self, sql, deadline=None):
        """Send a simple Query; the messages up to ReadyForQuery."""
        self.send(Q(sql))
        return self.ready(deadline=deadline)

    def rows(self, sql, deadline=None):
        """The rows of a simple Query; an error is an assertion."""
        got = self.query(sql, deadline)
        errors = [m for m in got if m.kind == "E"]
        assert not errors, f"{sql}: {errors}"
        return [m.row() for m in got if m.kind == "D"]

    def value(self, sql, deadline=None):
        return self.rows(sql, deadline)[0][0]

    def dicts(self, sql, deadline=None):
        """The rows of a simple Query as dictionaries."""
        got = self.query(sql, deadline)
        errors = [m for m in got if m.kind == "E"]
        assert not errors, f"{sql}: {errors}"
        names = []
        out = []
        for m in got:
            if m.kind == "T":
                names = m.columns()
            elif m.kind == "D":
                out.append(dict(zip(names, m.row())))
        return out

    def error(self, sql, deadline=None):
        """The one error of a simple Query after which the connection lives on."""
        errors = [m for m in self.query(sql, deadline) if m.kind == "E"]
        assert len(errors) == 1, f"{sql}: {errors}"
        return errors[0]

    # -- login --

    def login(self, user, database=None, password=None, version=PROTOCOL_3_0, **params):
        self.send(startup(user, database, version, params))
        return self.finish_login(user, password)

    def finish_login(self, user, password=None):
        scram = None
        while True:
            got = self.read()
            self.login_trace.append(got)
            if got.kind == "R":
                (kind,) = struct.unpack_from("!I", got.body)
                if kind == 3:
                    self.send(message("p", cstr(password or "")))
                elif kind == 5:
                    self.send(message("p", cstr(md5_response(user, password or "", got.body[4:8]))))
                elif kind == 10:
                    scram = Scram(password or "")
                    first = scram.first()
                    self.send(message("p", cstr("SCRAM-SHA-256") + struct.pack("!I", len(first)) + first))
                elif kind == 11:
                    self.send(message("p", scram.final(got.body[4:])))
                elif kind == 12:
                    scram.check_server(got.body[4:])
                else:
                    assert kind == 0, f"unknown authentication request {kind}"
            elif got.kind == "E":
                raise Refused(got)
            elif got.kind == "K":
                self.pid, self.key = struct.unpack("!I", got.body[:4])[0], got.body[4:]
            elif got.kind == "Z":
                return self
            else:
                assert got.kind in "SNv", f"{got} during login"

    def cancel(self):
        """Ask to cancel what this connection runs; returns when the peer has closed."""
        send_cancel(self.address, self.pid, self.key)

    # -- ends --

    def close(self):
        """Say goodbye."""
        try:
            self.send(X)
        except OSError:
            pass
        self.sock.close()

    def kill(self):
        """Vanish without a word, as a killed client does (a reset, not a clean end)."""
        if self.sock.family != socket.AF_UNIX:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def drop(self):
        """Close without Terminate: the peer sees a plain end of file."""
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def send_cancel(address, pid, key):
    peer = Client(address)
    try:
        peer.send(cancel_request(pid, key))
        peer.closed()
    finally:
        peer.drop()


def md5_response(user, password, salt):
    inner = hashlib.md5(password.encode() + user.encode()).hexdigest()
    return "md5" + hashlib.md5(inner.encode() + salt).hexdigest()


def md5_secret(user, password):
    return "md5" + hashlib.md5(password.encode() + user.encode()).hexdigest()


def scram_secret(password, iterations=4096):
    """A SCRAM-SHA-256 secret as PostgreSQL stores it."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    b64 = lambda raw: base64.b64encode(raw).decode()  # noqa: E731
    return f"SCRAM-SHA-256${iterations}:{b64(salt)}${b64(stored)}:{b64(server)}"


class Scram:
    """The client's side of SCRAM-SHA-256; every part can be bent by a test."""

    def __init__(self, password, gs2="n,,"):
        self.password = password.encode()
        self.gs2 = gs2
        self.bare = "n=,r=" + base64.b64encode(secrets.token_bytes(18)).decode()
        self.auth = b""
        self.salted = b""

    def first(self):
        return (self.gs2 + self.bare).encode()

    def final(self, server_first, nonce=None, binding=None, proof=None):
        parts = dict(p.split("=", 1) for p in server_first.decode().split(","))
        self.salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(parts["s"]), int(parts["i"]))
        key = hmac.digest(self.salted, b"Client Key", "sha256")
        binding = base64.b64encode(self.gs2.encode()).decode() if binding is None else binding
        bare = f"c={binding},r={parts['r'] if nonce is None else nonce}"
        self.auth = f"{self.bare},{server_first.decode()},{bare}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), self.auth, "sha256")
        right = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
        return f"{bare},p={right if proof is None else proof}".encode()

    def check_server(self, final):
        wanted = hmac.digest(hmac.digest(self.salted, b"Server Key", "sha256"), self.auth, "sha256")
        assert base64.b64decode(final.decode()[2:]) == wanted, "the server's signature is wrong"
