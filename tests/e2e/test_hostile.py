"""Clients and servers that send whatever comes to their mind: they harm nobody but themselves."""

import random
import socket
import struct

import pytest

import fakeserver
import rawwire
from rawwire import B, C, D, E, F, H, P, Q, S, c, d, f, message
from waiting import Crew

GOOD = [
    Q("select 1"), Q("begin"), Q("commit"), Q("select 1/0"), Q("copy hostile from stdin"), Q("copy hostile to stdout"),
    Q("select repeat('x', 20000)"), Q(""), P("select $1::text"), P("select 1/0"), P("begin"), P("commit"),
    P("copy hostile from stdin"), P("select 1", "named"), B("x"), B(), B(name="named"), D(), D("S"), E(), E("", 1),
    C("S", "named"), C("P"), S, H, F(1610), F(1, b"x"), d("1\n"), d("x\n"), c(), f(), Q("select pg_sleep(0.002)"),
]


def bent(rng, data):
    """The same bytes, with an accident."""
    kind = rng.randrange(6)
    at = rng.randrange(len(data))
    if kind == 0:
        return data[:at] + bytes([rng.randrange(256)]) + data[at + 1:]
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data + rng.randbytes(rng.randrange(1, 20))
    if kind == 3:
        return data[:1] + struct.pack("!I", rng.choice([0, 3, 4, 5, 0x7fffffff, 0x80000000, 0xffffffff])) + data[5:]
    if kind == 4:
        return rng.randbytes(rng.randrange(1, 60))
    return data[:5] + rng.randbytes(max(0, len(data) - 5))


def misbehave(p, rng, user="app"):
    """One connection: some good messages in any order, perhaps an accident, and then gone in some way."""
    sock = socket.create_connection(p.address)
    try:
        sock.settimeout(0.02)
        hello = rawwire.startup(user, "app")
        if rng.random() < 0.2:
            hello = bent(rng, hello)
        stream = hello + b"".join(rng.choice(GOOD) for _ in range(rng.randrange(25)))
        if rng.random() < 0.7:
            stream += bent(rng, rng.choice(GOOD)) + b"".join(rng.choice(GOOD) for _ in range(5))
        at = 0
        while at < len(stream):
            step = rng.choice([1, 3, 7, 50, 1000, len(stream)])
            sock.send(stream[at:at + step])
            at += step
            if rng.random() < 0.1:
                try:
                    sock.recv(100000)
                except socket.timeout:
                    pass
        if rng.random() < 0.5:
            try:
                while sock.recv(100000):
                    pass
            except socket.timeout:
                pass
        if rng.random() < 0.5:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    finally:
        sock.close()


@pytest.fixture
def table(cluster):
    cluster.in_app("drop table if exists hostile; create table hostile(a int); grant all on hostile to public")


def test_hostile_clients(pooler, cluster, table, shape):
    """A good client on the same servers gets only its own answers, all of them."""
    p = pooler(pool_size=2, max_client_conn=500, pool_timeout=30, client_gone_timeout=2, **shape)
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    count = 20 if shape.get("debug_io_bytes") else 120
    running = Crew()

    def good(who):
        client = p.raw(application_name=f"good{who}")
        n = 0
        while not running.stop.is_set():
            n += 1
            said = client.query(f"begin; select 'g{who}.{n}'; commit")
            assert [m.row()[0] for m in said if m.kind == "D"] == [f"g{who}.{n}"], said
            assert said[-1].status() == "I"

    def bad(who):
        rng = random.Random(seed + who)
        for _ in range(count):
            misbehave(p, rng)

    with running:
        for who in range(2):
            running.start(good, who)
        evil = Crew()
        for who in range(4):
            evil.start(bad, who)
        evil.join()
    assert p.raw().value("select 'still well'") == "still well"


def test_hostile_clients_in_session_mode(pooler, cluster, table):
    p = pooler(pool_size=2, pool_mode="session", max_client_conn=500, client_gone_timeout=2, workers=3)
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    evil = Crew()

    def bad(who):
        rng = random.Random(seed + who)
        for _ in range(60):
            misbehave(p, rng)

    for who in range(4):
        evil.start(bad, who)
    evil.join()
    client = p.raw()
    assert client.value("select 'still well'") == "still well"
    client.send(B(name="named") + E() + S)
    assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["26000"]


def test_hostile_servers(make_pooler, fake_server, cluster):
    """Servers answer with accidents; clients of the good database never notice."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    good = [fakeserver.answer("v"), fakeserver.complete("SET"), fakeserver.ready(), fakeserver.ready("T"),
            fakeserver.error("22012", "division by zero"), fakeserver.data_row("x" * 3000), message("1"), message("2"),
            message("3"), message("n"), message("s"), message("I"), message("t", b"\0\0"), fakeserver.parameter("a", "b"),
            message("N", b"SNOTICE\0MX\0\0"), message("A", b"\0\0\0\1n\0p\0"), message("G", b"\0\0\0"),
            message("H", b"\0\0\0"), message("W", b"\0\0\0"), message("V", b"\xff\xff\xff\xff"), message("c"),
            message("d", b"data"), message("K", bytes(8)), message("R", bytes(4))]

    def script(session):
        rng = random.Random(seed + session.number)
        if rng.random() < 0.15:
            session.read_startup()
            session.send(bent(rng, fakeserver.authentication_ok() + fakeserver.key_data() + fakeserver.ready()))
        elif not session.login():
            return
        for _ in range(rng.randrange(1, 6)):
            session.read_until("QSFX")
            out = fakeserver.answer("v")
            if rng.random() < 0.6:
                out = b"".join(rng.choice(good) for _ in range(rng.randrange(6)))
            if rng.random() < 0.4:
                out = bent(rng, out or b"Z")
            session.send(out)

    server = fake_server(script)
    p = make_pooler(cluster, pool_size=3, server_login_retry=0, workers=3, client_gone_timeout="0.5", databases={
        "evil": f"host=127.0.0.1 port={server.port} dbname=app server_connect_timeout=1 query_timeout=1",
        "app": f"host=127.0.0.1 port={cluster.port} dbname=app"})
    running = Crew()

    def bystander():
        client = p.raw()
        n = 0
        while not running.stop.is_set():
            n += 1
            assert client.value(f"select {n}") == str(n)

    def victim(who):
        rng = random.Random(seed ^ who)
        for _ in range(40):
            try:
                client = rawwire.Client(p.address)
                client.login("app", "evil")
                for _ in range(4):
                    client.send(rng.choice([Q("select 1"), P("select 1") + B() + E() + S, F(1), S]))
                    client.read_until("Z", deadline=3)
            except (rawwire.Gone, rawwire.Refused, AssertionError, OSError, ValueError, struct.error):
                pass
            finally:
                client.drop()

    with running:
        running.start(bystander)
        crowd = Crew()
        for who in range(4):
            crowd.start(victim, who)
        crowd.join()


def hostile_login(rng):
    """What a server might say after a startup packet, in any order, some of it no message at all."""
    words = [
        lambda: message("R", struct.pack("!I", rng.randrange(16)) + rng.randbytes(rng.choice([0, 0, 1, 4, 20]))),
        lambda: fakeserver.parameter("a", "b"), fakeserver.key_data, fakeserver.ready,
        lambda: fakeserver.error("22012", "x"), lambda: message("N", b"SNOTICE\0MX\0\0"),
        lambda: message("A", b"\0\0\0\1n\0p\0"), lambda: fakeserver.row_description("v", "w"),
        lambda: fakeserver.data_row("x", "y"), lambda: fakeserver.complete("SET"),
        lambda: message("v", struct.pack("!II", 3, rng.choice([0, 1, 3, 1000000])) + b"a\0"),
        lambda: message(rng.choice("123nsIGHWcdtVEN"), rng.randbytes(rng.choice([0, 2, 4, 9, 30]))),
    ]
    out = b"".join(rng.choice(words)() for _ in range(rng.randrange(1, 8)))
    if rng.random() < 0.5:
        out = fakeserver.authentication_ok() + out
    if rng.random() < 0.5:
        out = bent(rng, out)
    if rng.random() < 0.5:
        out += fakeserver.key_data() + fakeserver.ready()
    return out


def test_hostile_logins(make_pooler, fake_server, cluster):
    """A server that says anything while the pooler logs in harms nobody but its own clients."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")

    def script(session):
        rng = random.Random(seed + session.number)
        if session.read_startup() is None:
            return
        for _ in range(rng.randrange(1, 5)):
            session.send(hostile_login(rng))
            session.sock.settimeout(0.02)
            try:
                session.sock.recv(1000)
            except socket.timeout:
                pass

    server = fake_server(script)
    p = make_pooler(cluster, pool_size=12, server_login_retry=0, workers=3, client_gone_timeout="0.5", databases={
        "evil": f"host=127.0.0.1 port={server.port} dbname=app server_connect_timeout=0.1 query_timeout=0.3",
        "app": f"host=127.0.0.1 port={cluster.port} dbname=app"})

    def victim():
        while len(server.sessions) < 300:
            try:
                client = rawwire.Client(p.address)
                client.login("app", "evil")
                client.send(Q("select 1"))
                client.read_until("Z", deadline=0.3)
            except (rawwire.Gone, rawwire.Refused, AssertionError, OSError, ValueError, struct.error):
                pass
            finally:
                client.drop()

    crowd = Crew()
    for _ in range(16):
        crowd.start(victim)
    crowd.join()
    assert p.raw().value("select 'still well'") == "still well"


def test_hostile_console_clients(pooler):
    p = pooler(workers=2)
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    words = ["show", "pools", "clients", "set", "pool_size", "=", "3", "'", '"', ";", "kill", "reload", "\\", "\xff", "",
             "help", "version", "*", "--", "/*"]
    for _ in range(150):
        client = p.open().login("stats", p.console_database)
        data = b"".join(rng.choice([Q(" ".join(rng.choice(words) for _ in range(rng.randrange(6)))), *GOOD[:25]])
                        for _ in range(4))
        client.send(bent(rng, data) if rng.random() < 0.5 else data)
        client.drop()
    p.clients.clear()
    assert p.show("version")
