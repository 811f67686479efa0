"""Clients that leave in the middle of their login, at each of its bytes: what they counted as is counted no more."""

import itertools
import socket
import ssl
import struct

import pytest

import rawwire
from authority import Authority
from rawwire import Gone, Refused
from tlswire import client_context
from waiting import Crew, all_at_once, until, until_equal

pytestmark = pytest.mark.pgweir

PASSWORD = "right"
PLACES = 12  # as many as leave at a time, and some


class Left(Exception):
    """It has said as many bytes as it was to say."""


class Cut:
    """A socket that is given up when `left` bytes were sent: politely, or by a reset."""

    def __init__(self, sock, left, resets):
        self.sock, self.left, self.resets = sock, left, resets

    def sendall(self, data):
        self.sock.sendall(data[:self.left])
        self.left -= len(data)
        if self.left <= 0:
            if self.resets:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
            raise Left

    def recv(self, size):
        return self.sock.recv(size)

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def close(self):
        self.sock.close()


class CutTls(Cut):
    """The same under TLS, whose own bytes count."""

    def __init__(self, sock, left, resets, context):
        super().__init__(sock, left, resets)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.until(self.tls.do_handshake)

    def until(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                got = super().recv(1 << 16)
                self.incoming.write(got) if got else self.incoming.write_eof()

    def flush(self):
        if self.outgoing.pending:
            super().sendall(self.outgoing.read())

    def sendall(self, data):
        self.tls.write(data)
        self.flush()

    def recv(self, size):
        try:
            return self.until(lambda: self.tls.read(size))
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""


def leave(p, left, resets, context, number):
    """True: the login took more bytes than that. With a setting that no server has tried before."""
    client = rawwire.Client(p.address)
    try:
        client.sock = Cut(client.sock, left, resets)
        if context:
            client.send(rawwire.ssl_request())
            assert client.byte() == b"S"
            client.sock = CutTls(client.sock.sock, client.sock.left, resets, context)
            client.buffer.clear()
        client.login("app", "app", PASSWORD, options=f"-c statement_timeout={100000 + number}")
    except Left:
        return True
    except (Gone, Refused, ConnectionError):
        return True  # a reload or a pause was in its way
    finally:
        client.drop()
    return False


def disturb(p, stop):
    """What an operator may do meanwhile."""
    turns = itertools.cycle([lambda: p.reload(pool_size=3), lambda: p.reload(pool_size=4), lambda: p.console("pause app"),
                             lambda: p.console("resume app"), lambda: p.console("reconnect app")])
    try:
        while not stop.is_set():
            next(turns)()
    finally:
        if p.show("databases", name="app")[0]["paused"] == "1":
            p.console("resume app")


@pytest.fixture(scope="module")
def pair(workdir):
    return Authority(workdir / "left").issue("localhost", sans=["localhost", "127.0.0.1"])


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_who_leaves_at_any_byte_of_its_login_counts_no_more(pooler, pair, workers, tls):
    p = pooler(workers=workers, userlist={"app": PASSWORD, "admin": ""}, pool_size=4,
               databases={"app": lambda p: p.db("app") + " auth_type=scram-sha-256"},
               client_tls_sslmode="prefer", client_tls_key_file=pair.key, client_tls_cert_file=pair.cert,
               max_client_conn=PLACES, max_user_client_connections=PLACES, max_db_client_connections=PLACES,
               auth_failure_delay=0, client_login_timeout=15)
    context = client_context() if tls else None

    def storm(turn):
        numbers, whole = itertools.count(1), []

        def leaver():
            while not whole:
                n = next(numbers)
                left = 1 + (n - 1) * 3 if tls else n
                if not leave(p, left, (n + turn) % 2 == 0, context, 10000 * turn + n):
                    whole.append(n)

        all_at_once([leaver] * 8)
        assert whole[0] > 100, "no login was cut at all"

    with Crew() as crew:
        crew.start(disturb, p, crew.stop)
        for turn in range(4):
            storm(turn)
        crew.stop.set()
    until(lambda: p.show("clients", user="app") == [], "all are gone")
    clients = [p.raw(password=PASSWORD) for _ in range(PLACES)]
    assert [client.value("select 1") for client in clients] == ["1"] * PLACES
    with pytest.raises(Refused) as refused:
        p.raw(password=PASSWORD)
    assert refused.value.error.sqlstate == "53300"
    for client in clients:
        client.close()
    until_equal(lambda: [row["current_client_connections"] for row in p.show("databases", name="app")], ["0"])
    until_equal(lambda: [row["current_client_connections"] for row in p.show("users", name="app")], ["0"])
