"""TLS between clients and the pooler."""

import asyncio
import os
import socket
import ssl
import struct

import asyncpg
import psycopg
import pytest

import rawwire
from authority import Authority
from rawwire import Gone, Refused
from tlswire import TlsClient, client_context, hello, is_closed
from waiting import DEADLINE, all_at_once, until

pytestmark = pytest.mark.pgweir


@pytest.fixture(scope="session")
def authority(workdir):
    return Authority(workdir / "authority")


@pytest.fixture(scope="session")
def stranger(workdir):
    """An authority that nobody here trusts, under the same name."""
    return Authority(workdir / "stranger")


@pytest.fixture(scope="session")
def own_pair(authority):
    return authority.issue("localhost", sans=["localhost", "127.0.0.1"])


@pytest.fixture
def tls_pooler(pooler, own_pair):
    def make(sslmode="prefer", **settings):
        settings.setdefault("client_tls_key_file", own_pair.key)
        settings.setdefault("client_tls_cert_file", own_pair.cert)
        return pooler(client_tls_sslmode=sslmode, **settings)

    return make


def tls_open(p, context=None, **keys):
    client = TlsClient(p.address, context, **keys)
    p.clients.append(client)
    return client


def tls_raw(p, context=None, user="app", database="app", **keys):
    return tls_open(p, context, **keys).login(user, database)


def connects(p, **keys):
    with psycopg.connect(p.conninfo(**keys), autocommit=True) as conn:
        return conn.execute("select 1").fetchone() == (1,)


def psql_error(p, **keys):
    done = p.run("psql", "-Xc", "select 1", p.conninfo(**keys), check=False)
    assert done.returncode == 2, done
    return done.stderr


# ---- every sslmode, with every kind of certificate ---------------------------------------------------


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_modes_without_client_certificates(tls_pooler, authority, mode):
    p = tls_pooler(mode)
    assert connects(p, sslmode="prefer")
    if mode == "disable":
        assert "does not support SSL" in psql_error(p, sslmode="require")
    else:
        assert connects(p, sslmode="require")
        assert connects(p, sslmode="verify-full", sslrootcert=authority.cert, host="localhost", hostaddr="127.0.0.1")
    if mode == "require":
        text = psql_error(p, sslmode="disable")
        assert "SSL required" in text and "sslmode=require" in text
    else:
        assert connects(p, sslmode="disable")


def test_refused_in_the_clear_with_a_sqlstate(tls_pooler):
    p = tls_pooler("require")
    with pytest.raises(Refused) as refused:
        p.raw()
    assert refused.value.error.sqlstate == "28000"
    assert refused.value.error.severity == "FATAL"


CERTIFICATES = {
    "none": None,
    "right": dict(name="app", file="right"),
    "expired": dict(name="app", file="expired", expired=True),
    "revoked": dict(name="app", file="revoked", revoked=True),
}


def client_pair(authority, stranger, kind):
    if kind == "wrong":
        return stranger.issue("app", file="wrong")
    keys = CERTIFICATES[kind]
    return authority.issue(**keys) if keys else None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("kind", ["none", "right", "wrong", "expired", "revoked"])
@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_client_certificates(tls_pooler, authority, stranger, mode, kind, version):
    pair = client_pair(authority, stranger, kind)
    p = tls_pooler(mode, client_tls_ca_file=authority.cert, client_tls_crl_file=authority.crl)
    context = client_context(authority, pair, version=version)
    if mode == "require" or kind == "right":
        assert tls_raw(p, context).value("select 1") == "1"
        return
    with pytest.raises((ssl.SSLError, Gone, ConnectionError)):
        tls_raw(p, context)
    reason = {"none": "peer did not return a certificate", "wrong": "signature|issuer|self", "expired": "expired",
              "revoked": "revoked"}[kind]
    p.wait_log(f"TLS handshake failed: .*({reason})")


def test_libpq_shows_its_certificate(tls_pooler, authority):
    pair = authority.issue("app", file="libpq")
    if os.geteuid() == 0:
        os.chown(pair.key, 0, 0)
    p = tls_pooler("verify-ca", client_tls_ca_file=authority.cert)
    assert connects(p, sslmode="verify-ca", sslrootcert=authority.cert, sslcert=pair.cert, sslkey=pair.key)
    assert "certificate required" in psql_error(p, sslmode="require", sslcert="/nonexistent")


def test_unix_sockets_have_no_tls_and_none_is_demanded(tls_pooler):
    p = tls_pooler("require")
    client = p.open(address=p.socket_path)
    client.send(rawwire.ssl_request())
    assert client.byte() == b"N"
    assert client.login("app", "app").value("select 1") == "1"


# ---- how a session begins ----------------------------------------------------------------------------


def test_direct_tls_needs_alpn(tls_pooler):
    p = tls_pooler("require")
    assert tls_raw(p, direct=True).value("select 1") == "1"
    client = tls_open(p, client_context(alpn=None), direct=True)
    with pytest.raises(Refused) as refused:
        client.login("app", "app")
    assert "ALPN" in refused.value.error.text


@pytest.mark.parametrize("direct", [True, False])
def test_another_alpn_is_refused(tls_pooler, direct):
    p = tls_pooler("require")
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol|alert"):
        tls_open(p, client_context(alpn=["http/1.1"]), direct=direct)
    assert tls_raw(p, client_context(alpn=["http/1.1", "postgresql"]), direct=direct).sock.selected_alpn_protocol()


def test_after_sslrequest_alpn_is_a_matter_of_taste(tls_pooler):
    p = tls_pooler("require")
    assert tls_raw(p, client_context(alpn=None)).value("select 1") == "1"


def test_direct_tls_where_there_is_none(pooler):
    p = pooler()
    client = p.open()
    client.send(hello())
    assert client.read().sqlstate == "08P01"


@pytest.mark.parametrize("behind", [b"Q\0\0\0\x0dselect 1\0", rawwire.startup("app", "app"), b"x", "hello"])
def test_bytes_before_the_handshake_end_it(tls_pooler, behind):
    p = tls_pooler("prefer")
    client = p.open()
    client.send(rawwire.ssl_request() + (hello() if behind == "hello" else behind))
    error = client.read()
    assert (error.kind, error.sqlstate) == ("E", "08P01") and "unencrypted data" in error.text
    with pytest.raises(Gone):
        client.read()


def test_gss_then_tls(tls_pooler):
    p = tls_pooler("require")
    client = p.open()
    client.send(rawwire.gss_request())
    assert client.byte() == b"N"
    client.send(rawwire.ssl_request())
    assert client.byte() == b"S"
    client.sock = client_context().wrap_socket(client.sock, server_hostname="localhost")
    assert client.login("app", "app").value("select 1") == "1"


@pytest.mark.parametrize("request_", [rawwire.ssl_request(), rawwire.gss_request()])
def test_encryption_is_not_asked_for_twice(tls_pooler, request_):
    client = tls_open(tls_pooler("prefer"))
    client.send(request_)
    assert client.read().sqlstate == "08P01"


def test_a_hello_without_a_request_when_asked_in_the_clear_before(tls_pooler):
    client = tls_pooler("prefer").open()
    client.send(rawwire.gss_request())
    assert client.byte() == b"N"
    client.send(hello())
    assert client.read().sqlstate == "08P01"


# ---- slow, broken and hostile clients ----------------------------------------------------------------


@pytest.mark.parametrize("direct", [False, True])
def test_half_a_hello_then_silence(tls_pooler, direct):
    p = tls_pooler("prefer", client_login_timeout=2)
    client = p.open()
    if not direct:
        client.send(rawwire.ssl_request())
        assert client.byte() == b"S"
    client.send(hello()[:100])
    assert is_closed(client.sock)
    p.wait_log("client_login_timeout")


def test_a_hundred_slow_handshakes_hold_up_nobody(tls_pooler):
    p = tls_pooler("prefer", workers=1)
    slow = []
    for _ in range(100):
        client = p.open()
        client.send(rawwire.ssl_request())
        assert client.byte() == b"S"
        client.send(hello()[:80])
        slow.append(client)
    conn = tls_raw(p)
    for i in range(50):
        assert conn.value(f"select {i}") == str(i)
    assert connects(p, sslmode="require")


@pytest.mark.parametrize("split", [1, 7])
def test_a_handshake_in_pieces(tls_pooler, fault_proxy, split):
    p = tls_pooler("require")
    proxy = fault_proxy(p.port)
    proxy.bytewise = True
    client = TlsClient(("127.0.0.1", proxy.port), split=split)
    p.clients.append(client)
    assert client.login("app", "app").value("select 1") == "1"


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00" + b"\0" * 512, b"\x16\x03\x01\xff\xff" + b"x" * 70000,
                                     b"\x16GET / HTTP/1.1\r\n\r\n", b"\x16" + struct.pack("!I", 4) * 300])
@pytest.mark.parametrize("direct", [False, True])
def test_garbage_for_a_handshake(tls_pooler, garbage, direct):
    p = tls_pooler("prefer")
    client = p.open()
    if not direct:
        client.send(rawwire.ssl_request())
        assert client.byte() == b"S"
    try:
        client.send(garbage)
        client.sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    assert is_closed(client.sock)
    assert connects(p, sslmode="require")


def test_leaving_at_every_byte_of_a_handshake(tls_pooler):
    p = tls_pooler("prefer", workers=1)
    greeting = hello()
    for n in range(0, len(greeting) + 1, 23):
        client = p.open()
        client.send(rawwire.ssl_request())
        assert client.byte() == b"S"
        client.send(greeting[:n])
        client.drop()
    until(lambda: int(p.show("lists", list="login_clients")[0]["items"]) <= 1, "all of them are gone")
    assert connects(p, sslmode="require")


def test_shutting_down_amid_handshakes(tls_pooler):
    p = tls_pooler("prefer", workers=1)
    for n in (0, 50, 200):
        client = p.open()
        client.send(rawwire.ssl_request())
        assert client.byte() == b"S"
        client.send(hello()[:n])
    p.signal(3)  # SIGQUIT: at once
    assert p.wait_exit() == 0


# ---- what goes through -------------------------------------------------------------------------------


def test_shown_in_the_console_and_the_log(tls_pooler):
    p = tls_pooler("prefer")
    client = tls_raw(p)
    info = "/".join([client.sock.version(), client.sock.cipher()[0]])
    assert p.show("clients", user="app")[0]["tls"] == info
    p.wait_log(f"app/app@.*login ok.* tls={info}")
    plain = p.raw(user="other")
    assert plain.value("select 1") == "1"
    assert p.show("clients", user="other")[0]["tls"] == ""


def test_the_console_under_tls(tls_pooler):
    p = tls_pooler("require", auth_type="trust")
    client = tls_raw(p, user="admin", database="pgweir")
    rows = client.dicts("show clients")
    mine = [row for row in rows if row["user"] == "admin"]
    assert [row["tls"] for row in mine] == ["/".join([client.sock.version(), client.sock.cipher()[0]])]
    assert len(client.dicts("show config")) > 100
    client.close()
    with pytest.raises(Refused):
        rawwire.Client(p.address).login("admin", "pgweir")


def test_large_results_and_copies(tls_pooler, shape):
    p = tls_pooler("require", **shape)
    rows = 300 if "debug_io_bytes" in shape else 30000
    with psycopg.connect(p.conninfo(sslmode="require"), autocommit=True) as conn:
        got = conn.execute("select i, repeat('x', 100) from generate_series(1, %s) i" % rows).fetchall()
        assert [g[0] for g in got] == list(range(1, rows + 1)) and all(len(g[1]) == 100 for g in got)
        with conn.transaction():
            conn.execute("create temp table t (i int, x text) on commit drop")
            with conn.cursor().copy("copy t from stdin") as copy:
                for i in range(rows):
                    copy.write_row((i, "y" * 100))
            assert conn.execute("select count(*), sum(i) from t").fetchone() == (rows, rows * (rows - 1) // 2)
            with conn.cursor().copy("copy t to stdout") as copy:
                assert sum(len(part) for part in copy) > rows * 101


def test_one_byte_at_a_time_through_the_network(tls_pooler, fault_proxy):
    p = tls_pooler("require")
    proxy = fault_proxy(p.port)
    proxy.bytewise = True
    with psycopg.connect(p.conninfo(sslmode="require", port=proxy.port), autocommit=True) as conn:
        assert len(conn.execute("select repeat('x', 5000)").fetchone()[0]) == 5000
        with conn.transaction():
            conn.execute("create temp table t (x text) on commit drop")
            with conn.cursor().copy("copy t from stdin") as copy:
                copy.write("line\n" * 400)
            with conn.cursor().copy("copy t to stdout") as copy:
                assert b"".join(copy) == b"line\n" * 400


def test_drivers(tls_pooler, authority):
    p = tls_pooler("require")
    assert p.psql("select 1", env={"PGSSLMODE": "require"}) == "1"

    async def through_asyncpg():
        context = client_context(authority, alpn=None)
        context.check_hostname = False
        conn = await asyncpg.connect(host="127.0.0.1", port=p.port, user="app", database="app", ssl=context,
                                     timeout=DEADLINE, statement_cache_size=0)
        got = await conn.fetchval("select 7")
        await conn.close()
        return got

    assert asyncio.run(through_asyncpg()) == 7


def test_a_cancel_in_the_clear_is_let_through(tls_pooler, own_pair):
    """libpq sends no other before version 17."""
    p = tls_pooler("require")
    client = tls_raw(p)
    client.send(rawwire.Q("select pg_sleep(60)"))
    until(lambda: int(p.pool()["cl_active"]) == 1 and int(p.pool()["sv_active"]) == 1, "it runs")
    canceler = p.open()
    canceler.send(rawwire.cancel_request(client.pid, client.key))
    assert [m for m in client.ready() if m.kind == "E"][0].sqlstate == "57014"


def test_a_cancel_under_tls(tls_pooler):
    p = tls_pooler("require")
    client = tls_raw(p)
    client.send(rawwire.Q("select pg_sleep(60)"))
    until(lambda: int(p.pool()["sv_active"]) == 1, "it runs")
    for direct in (False, True):
        canceler = tls_open(p, direct=direct)
        canceler.send(rawwire.cancel_request(client.pid, client.key))
        assert [m for m in client.ready() if m.kind == "E"][0].sqlstate == "57014"
        client.send(rawwire.Q("select pg_sleep(60)"))
        until(lambda: int(p.pool()["sv_active"]) == 1, "it runs")
    canceler = tls_open(p)
    canceler.send(rawwire.cancel_request(client.pid, client.key))
    client.ready()


def test_many_at_once(tls_pooler):
    p = tls_pooler("require", pool_size=4)

    def one():
        client = tls_raw(p)
        return [client.value(f"select {i}") for i in range(20)]

    assert all_at_once([one] * 20) == [[str(i) for i in range(20)]] * 20
