"""TLS between clients and the pooler."""

import asyncio
import hashlib
import os
import pathlib
import signal
import socket
import ssl
import struct
import subprocess

import asyncpg
import psycopg
import pytest
from cryptography.hazmat.primitives import serialization

import rawwire
from authority import Authority
from rawwire import B, E, Gone, P, Q, Refused, S
from tlswire import TlsClient, client_context, hello, is_closed
from waiting import DEADLINE, all_at_once, until, until_equal

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


MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


@pytest.mark.parametrize("mode", MODES[:4])
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
@pytest.mark.parametrize("mode", MODES)
def test_client_certificates(tls_pooler, authority, stranger, mode, kind, version):
    """Where none is demanded, one that is no good is as good as none."""
    pair = client_pair(authority, stranger, kind)
    p = tls_pooler(mode, client_tls_ca_file=authority.cert, client_tls_crl_file=authority.crl)
    context = client_context(authority, pair, version=version)
    if mode == "disable":
        with pytest.raises(Gone, match="answer to SSLRequest is b'N'"):
            tls_raw(p, context)
        return
    if not mode.startswith("verify") or kind == "right":
        assert tls_raw(p, context).value("select 1") == "1"
        return
    with pytest.raises((ssl.SSLError, Gone, ConnectionError)):
        tls_raw(p, context)
    reason = {"none": "peer did not return a certificate", "wrong": "signature|issuer|self", "expired": "expired",
              "revoked": "revoked"}[kind]
    p.wait_log(f"TLS handshake failed: .*({reason})")


# In which of libpq's modes a client with the authority's certificate and list of what was revoked comes in under TLS, in the
# clear, or not at all.
FALLS_BACK = dict(disable="", allow="", prefer="", **{mode: "SSL error" for mode in MODES[3:]})
SEEN = {
    "right": dict(disable="", allow="", **{mode: "TLS" for mode in MODES[2:]}),
    "other name": dict(disable="", allow="", **{mode: "TLS" for mode in MODES[2:5]}, **{"verify-full": "host name"}),
    "wrong": FALLS_BACK, "expired": FALLS_BACK, "revoked": FALLS_BACK,
}


@pytest.mark.parametrize("kind", list(SEEN))
def test_our_certificate_as_libpq_sees_it(tls_pooler, authority, stranger, kind):
    name = "elsewhere" if kind == "other name" else "localhost"
    pair = (stranger if kind == "wrong" else authority).issue(
        name, file=f"shown-{kind.replace(' ', '-')}", sans=[name], expired=kind == "expired", revoked=kind == "revoked")
    p = tls_pooler("prefer", client_tls_key_file=pair.key, client_tls_cert_file=pair.cert)
    for mode, outcome in SEEN[kind].items():
        keys = dict(sslmode=mode, sslrootcert=authority.cert, sslcrl=authority.crl, host="localhost", hostaddr="127.0.0.1")
        if outcome in ("", "TLS"):
            with psycopg.connect(p.conninfo(**keys)) as conn:
                until_equal(lambda: [bool(row["tls"]) for row in p.show("clients", user="app")], [outcome == "TLS"], mode)
                assert conn.execute("select 1").fetchone() == (1,)
        else:
            assert outcome in psql_error(p, **keys), mode


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


def test_a_handshake_that_does_not_fit_into_the_network(tls_pooler, authority, own_pair):
    """A long chain of certificates, and a client that is in no hurry to read it."""
    chain = authority.directory / "chain.crt"
    chain.write_bytes(own_pair.cert.read_bytes() + 150 * authority.cert.read_bytes())
    p = tls_pooler("require", client_tls_cert_file=chain, tcp_socket_buffer=4096)
    client = p.open(receive_buffer=4096)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    client.send(rawwire.ssl_request())
    assert client.byte() == b"S"
    done = False
    while not done:
        try:
            tls.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            if outgoing.pending:
                client.send(outgoing.read())
            incoming.write(client.sock.recv(1000))
    tls.write(rawwire.startup("app", "app"))
    client.send(outgoing.read())
    p.wait_log("login ok")


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
    p.wait_log("console admin@.*: came in tls=TLSv1")
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


def sleeping(p):
    """PostgreSQL runs it: before that, it takes a cancel for one that came too late."""
    return p.cluster.backends("wait_event = 'PgSleep'")


def test_a_cancel_in_the_clear_is_let_through(tls_pooler, own_pair):
    """libpq sends no other before version 17."""
    p = tls_pooler("require")
    client = tls_raw(p)
    client.send(rawwire.Q("select pg_sleep(60)"))
    until(lambda: sleeping(p), "it runs")
    canceler = p.open()
    canceler.send(rawwire.cancel_request(client.pid, client.key))
    assert [m for m in client.ready() if m.kind == "E"][0].sqlstate == "57014"


def test_a_cancel_under_tls(tls_pooler):
    p = tls_pooler("require")
    client = tls_raw(p)
    client.send(rawwire.Q("select pg_sleep(60)"))
    until(lambda: sleeping(p), "it runs")
    for direct in (False, True):
        canceler = tls_open(p, direct=direct)
        canceler.send(rawwire.cancel_request(client.pid, client.key))
        assert [m for m in client.ready() if m.kind == "E"][0].sqlstate == "57014"
        client.send(rawwire.Q("select pg_sleep(60)"))
        until(lambda: sleeping(p), "it runs")
    canceler = tls_open(p)
    canceler.send(rawwire.cancel_request(client.pid, client.key))
    client.ready()


def test_many_at_once(tls_pooler):
    p = tls_pooler("require", pool_size=4)

    def one():
        client = tls_raw(p)
        return [client.value(f"select {i}") for i in range(20)]

    assert all_at_once([one] * 20) == [[str(i) for i in range(20)]] * 20


# ---- reload ------------------------------------------------------------------------------------------


def shown_certificate(p):
    """The fingerprint of what the pooler shows now."""
    client = tls_open(p)
    try:
        return fingerprint(client)
    finally:
        client.close()


def fingerprint(client):
    return hashlib.sha256(client.sock.getpeercert(binary_form=True)).digest()


def test_a_new_certificate_at_reload(tls_pooler, authority, own_pair):
    p = tls_pooler("prefer")
    old = tls_raw(p)
    assert fingerprint(old) == own_pair.fingerprint()
    fresh = authority.issue("localhost", file="fresh", sans=["localhost"])
    p.reload(client_tls_cert_file=fresh.cert, client_tls_key_file=fresh.key)
    until(lambda: shown_certificate(p) == fresh.fingerprint(), "the new certificate is shown")
    assert old.value("select 1") == "1"


def test_files_of_the_same_name_are_read_anew(tls_pooler, authority, workdir):
    first = authority.issue("localhost", file="renewed")
    p = tls_pooler("prefer", client_tls_cert_file=first.cert, client_tls_key_file=first.key)
    assert shown_certificate(p) == first.fingerprint()
    second = authority.issue("localhost", file="renewed")
    p.console("reload")
    until(lambda: shown_certificate(p) == second.fingerprint(), "the new certificate is shown")


FAULTS = {
    "client_tls_cert_file": ["/nonexistent", "garbage"],
    "client_tls_key_file": ["/nonexistent", "garbage", "other key"],
    "client_tls_ca_file": ["/nonexistent", "garbage"],
    "client_tls_crl_file": ["/nonexistent", "garbage"],
    "client_tls_ciphers": ["NO-SUCH-CIPHER"],
    "client_tls13_ciphers": ["NO_SUCH_SUITE"],
    "client_tls_protocols": ["tlsv9", "!tlsv1.3"],
    "client_tls_ecdhcurve": ["no-such-curve"],
    "client_tls_dheparams": ["sometimes"],
}


@pytest.mark.parametrize("setting,value", [(s, v) for s, values in FAULTS.items() for v in values])
def test_a_fault_at_reload_changes_nothing(tls_pooler, authority, own_pair, setting, value):
    if value == "garbage":
        value = authority.directory / "garbage"
        value.write_text("-----BEGIN NOTHING-----\n")
    elif value == "other key":
        value = authority.issue("another").key
    p = tls_pooler("prefer", client_tls_ca_file=authority.cert, client_tls_crl_file=authority.crl)
    old = tls_raw(p)
    with pytest.raises(AssertionError, match=setting):
        p.reload(**{setting: value})
    p.wait_log(f"ERROR .*{setting}: .*\\w")
    assert shown_certificate(p) == own_pair.fingerprint()
    assert old.value("select 1") == "1"
    start = make_like(p)
    assert start.returncode == 1 and setting in start.stderr


def make_like(p):
    """Start a pooler with the file of one that runs."""
    return subprocess.run([p.binary.path, "--test", p.inifile], capture_output=True, text=True, check=False,
                          timeout=DEADLINE)


def test_tls_can_be_turned_on_and_off(tls_pooler):
    p = tls_pooler("disable")
    p.raw().close()
    p.reload(client_tls_sslmode="prefer")
    until(lambda: works(lambda: tls_raw(p)), "TLS is on")
    held = tls_raw(p)
    p.reload(client_tls_sslmode="disable")
    until(lambda: not works(lambda: tls_raw(p)), "TLS is off")
    assert held.value("select 1") == "1"


def works(attempt):
    try:
        attempt()
        return True
    except (Gone, ssl.SSLError, ConnectionError):
        return False


def test_verification_without_a_ca_is_a_fault(tls_pooler):
    p = tls_pooler("prefer")
    for mode in ("verify-ca", "verify-full"):
        with pytest.raises(AssertionError, match="client_tls_ca_file"):
            p.reload(client_tls_sslmode=mode)
    with pytest.raises(AssertionError, match="client_tls_key_file"):
        p.reload(client_tls_sslmode="require", client_tls_key_file=None)


def test_a_key_that_everybody_may_write_is_refused(tls_pooler, authority):
    pair = authority.issue("localhost", file="open")
    pair.key.chmod(0o646)
    p = tls_pooler("prefer")
    with pytest.raises(AssertionError, match="client_tls_key_file.*can be written to by anybody"):
        p.reload(client_tls_cert_file=pair.cert, client_tls_key_file=pair.key)


def test_a_key_with_a_passphrase_is_a_fault_and_asks_nobody(tls_pooler, authority):
    pair = authority.issue("localhost", file="locked")
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    pair.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.BestAvailableEncryption(b"secret")))
    p = tls_pooler("prefer")
    with pytest.raises(AssertionError, match="client_tls_key_file"):
        p.reload(client_tls_cert_file=pair.cert, client_tls_key_file=pair.key)


# ---- sessions that are resumed -----------------------------------------------------------------------

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def resumed(p, context, session):
    client = tls_raw(p, context, session=session)
    assert client.value("select 1") == "1"
    return client.sock.session_reused


def session_of(p, context):
    client = tls_raw(p, context)
    assert not client.sock.session_reused
    assert client.value("select 1") == "1"  # TLS 1.3 gives its ticket after the handshake
    return client.sock.session


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_resumed(tls_pooler, version):
    p = tls_pooler("require")
    context = client_context(version=version)
    assert resumed(p, context, session_of(p, context))


SO_TIMESTAMPNS = 35  # Linux: when what was read has come


class Hello:
    """A client that takes a session up again: its first flight, and when that was answered."""

    def __init__(self, p, context, session):
        self.sock = socket.create_connection(p.address)
        self.sock.settimeout(DEADLINE)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.sendall(rawwire.ssl_request())
        assert self.sock.recv(1) == b"S"
        outgoing = ssl.MemoryBIO()
        tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost", session=session)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        self.flight = outgoing.read()
        p.clients.append(self)

    def send(self):
        self.sock.sendall(self.flight)

    def close(self):
        self.sock.close()


def came_at(sock):
    """(seconds, nanoseconds); what has come is dropped. None: the kernel has not noted it."""
    data, notes, _, _ = sock.recvmsg(65536, 256)
    assert data
    return next((struct.unpack("qq", note) for level, kind, note in notes if kind == SO_TIMESTAMPNS), None)


def sleeps(pid):
    """Is every thread of the process stopped?"""
    stats = [(task / "stat").read_text() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


def test_who_has_logged_in_is_served_between_handshakes(tls_pooler):
    """All that come while it sleeps are there when it wakes, the handshakes first: it does a few, and answers the other."""
    p = tls_pooler("prefer", workers=1)
    context = client_context(version=ssl.TLSVersion.TLSv1_3)
    session = session_of(p, context)
    other = p.raw()
    other.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sync = rawwire.message("S")  # it answers that itself
    until(lambda: other.send(sync) or came_at(other.sock), "the kernel notes when something comes")
    hellos = [Hello(p, context, session) for _ in range(25)]
    p.signal(signal.SIGSTOP)
    try:
        until(lambda: sleeps(p.process.pid), "it sleeps")
        for hello_ in hellos:
            hello_.send()
        other.send(sync)
    finally:
        p.signal(signal.SIGCONT)
    answered = came_at(other.sock)
    assert sum(came_at(hello_.sock) < answered for hello_ in hellos) <= 4


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ticket_outlives_a_reload(tls_pooler, authority, version):
    p = tls_pooler("require", client_tls_ca_file=authority.cert)
    context = client_context(version=version)
    session = session_of(p, context)
    p.reload(pool_size=7)
    until(lambda: p.show("databases", name="app")[0]["pool_size"] == "7", "the reload is in force")
    assert resumed(p, context, session)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ticket_does_not_outlive_the_certificate_that_it_was_given_under(tls_pooler, authority, version):
    """A client would bind the channel to the one of the session's beginning (test_auth.py)."""
    p = tls_pooler("require")
    context = client_context(version=version)
    session = session_of(p, context)
    fresh = authority.issue("localhost", file="fresh2", sans=["localhost"])
    p.reload(client_tls_cert_file=fresh.cert, client_tls_key_file=fresh.key)
    until(lambda: shown_certificate(p) == fresh.fingerprint(), "the new certificate is shown")
    assert not resumed(p, context, session)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ticket_does_not_outlive_its_judgement(tls_pooler, authority, version):
    p = tls_pooler("require", client_tls_ca_file=authority.cert)
    context = client_context(version=version)
    session = session_of(p, context)
    for change in ({"client_tls_ca_file": None}, {"client_tls_ca_file": authority.cert,
                                                  "client_tls_crl_file": authority.crl},
                   {"client_tls_ciphers": "HIGH:!aNULL"}):
        p.reload(**change)
        fresh = client_context(version=version)
        until(lambda: not resumed(p, context, session), f"the ticket does not open anything with {change}")
        session, context = session_of(p, fresh), fresh


@pytest.mark.parametrize("version", VERSIONS)
def test_resuming_does_not_get_round_verification(tls_pooler, authority, version):
    """Neither a ticket from before certificates were demanded, nor one of a certificate that was revoked since."""
    p = tls_pooler("require", client_tls_ca_file=authority.cert, client_tls_crl_file=authority.crl)
    context = client_context(version=version)
    session = session_of(p, context)
    p.reload(client_tls_sslmode="verify-ca")
    until(lambda: not works(lambda: tls_raw(p, context)), "certificates are demanded")
    assert not works(lambda: tls_raw(p, context, session=session))

    pair = authority.issue("app", file=f"resumes{version}")
    with_pair = client_context(pair=pair, version=version)
    session = session_of(p, with_pair)
    assert resumed(p, with_pair, session)
    authority.revoke(pair)
    p.console("reload")
    until(lambda: not works(lambda: tls_raw(p, with_pair)), "the list is in force")
    assert not works(lambda: tls_raw(p, with_pair, session=session))


def test_protocols_and_ciphers(tls_pooler):
    p = tls_pooler("require", client_tls_protocols="tlsv1.2", client_tls_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    client = tls_raw(p)
    assert (client.sock.version(), client.sock.cipher()[0]) == ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        tls_raw(p, client_context(version=ssl.TLSVersion.TLSv1_3))
    p.reload(client_tls_protocols="tlsv1.3", client_tls13_ciphers="TLS_CHACHA20_POLY1305_SHA256")
    until(lambda: not works(lambda: tls_raw(p, client_context(version=ssl.TLSVersion.TLSv1_2))), "1.2 is off")
    assert tls_raw(p).sock.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"


@pytest.mark.parametrize("settings, suite", [({}, "TLS_AES_128_GCM_SHA256"),
                                             ({"client_tls13_ciphers": ""}, "TLS_AES_256_GCM_SHA384")])
def test_the_cheapest_suite_comes_first_or_the_librarys(tls_pooler, settings, suite):
    """Clients offer all of them, AES-256 first: the order is the pooler's."""
    p = tls_pooler("require", **settings)
    assert tls_raw(p).sock.cipher()[0] == suite
    if not settings:
        p.reload(client_tls13_ciphers="TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256")
        until(lambda: tls_raw(p).sock.cipher()[0] == "TLS_AES_256_GCM_SHA384", "another order is in force")


def kernel_takes_tls():
    """Has the kernel its part of TLS? Asked by root, it loads the module."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        try:
            client.setsockopt(socket.IPPROTO_TCP, 31, b"tls")  # TCP_ULP
        except OSError:
            return False
        return True


OFFLOADED = {"TLS_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
             "TLS_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
             "TLS_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305"}


@pytest.mark.parametrize("suite", OFFLOADED)
def test_the_kernel_encrypts_where_it_can(tls_pooler, suite):
    """With TLS 1.2 it decrypts, too. Where it has no TLS, nobody sees a difference."""
    suffix = "/kernel" if kernel_takes_tls() else ""
    p = tls_pooler("require", tls_offload=1, client_tls13_ciphers=suite, client_tls_ciphers=OFFLOADED[suite])
    clients = [tls_raw(p, client_context(version=version)) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)]
    shown = {row["tls"] for row in p.show("clients") if row["tls"]}
    assert shown == {f"TLSv1.2/{OFFLOADED[suite]}{suffix}", f"TLSv1.3/{suite}{suffix}"}
    for client in clients:
        assert client.value("select string_agg(md5(i::text), '') from generate_series(1, 50000) i") == digests("", 50000)
        assert client.value(f"select length('{'y' * 1000000}')") == "1000000"
        assert client.error("select 1 / 0").sqlstate == "22012"
        client.send(*[part for n in range(100) for part in (P(f"select {n}"), B(), E(), S)])
        assert [m.row()[0] for m in client.ready(100) if m.kind == "D"] == [str(n) for n in range(100)]
        copy_in_and_out(client)


def digests(prefix, count):
    return "".join(hashlib.md5(f"{prefix}{n}".encode()).hexdigest() for n in range(1, count + 1))


def copy_in_and_out(client, count=20000):
    client.query("begin; create temporary table copied (line text) on commit drop")
    client.send(Q("copy copied from stdin"))
    client.read_until("G")
    lines = [f"line {n}\n".encode() for n in range(count)]
    client.send(*map(rawwire.d, lines), rawwire.c())
    client.ready()
    assert [m.body for m in client.query("copy copied to stdout") if m.kind == "d"] == lines
    client.query("commit")


@pytest.mark.parametrize("offload", [0, 1])
def test_slow_readers_under_tls_get_their_own_bytes(tls_pooler, cluster, offload):
    """What the kernel does not take at once comes later, when the memory that it was sent from is others'. (It may take some
    ten megabytes of an answer on its way here.)"""
    p = tls_pooler("require", tls_offload=offload, workers=1)
    clients = [tls_open(p, receive_buffer=8192).login("app", "app") for _ in range(4)]
    for n, client in enumerate(clients):
        client.send(Q(f"select string_agg(md5('{n}.' || i), '') from generate_series(1, 100000) i"
                      " union all select repeat('x', 100000) from generate_series(1, 400)"))
    until_equal(lambda: len(cluster.sql("select 1 from pg_stat_activity where wait_event = 'ClientWrite'")), 4,
                "the servers have to wait for all of them")
    for n, client in enumerate(clients):
        rows = [m.row()[0] for m in client.ready() if m.kind == "D"]
        assert rows == [digests(f"{n}.", 100000)] + ["x" * 100000] * 400


# ---- what it costs -----------------------------------------------------------------------------------


def test_idle_clients_under_tls_are_cheap(tls_pooler, binary):
    p = tls_pooler("require", max_client_conn=2000, workers=1, log_connections=0, log_disconnections=0)
    context = client_context()
    for _ in range(50):
        tls_raw(p, context)
    before = p.rss_mb()
    for _ in range(500):
        tls_raw(p, context)
    grown = (p.rss_mb() - before) * 1024 / 500
    assert grown < (120 if binary.sanitized() else 20), f"{grown:.1f} kB a client"


def test_handshakes_leak_nothing(tls_pooler, binary):
    p = tls_pooler("require", log_connections=0, log_disconnections=0, log_pooler_errors=0)
    context = client_context()
    greeting = hello()

    def churn(count):
        for n in range(count):
            if n % 3 == 0:
                tls_raw(p, context).close()
            elif n % 3 == 1:
                TlsClient(p.address, context, direct=True).drop()
            else:
                client = p.open()
                client.send(rawwire.ssl_request())
                assert client.byte() == b"S"
                client.send(greeting if n % 2 else b"\x16\x03\x01garbage")
                client.drop()
        p.clients.clear()
        until(lambda: int(p.show("lists", list="login_clients")[0]["items"]) <= 1, "all of them are gone")

    churn(150)
    fds, rss = p.fds(), p.rss_mb()
    churn(600)
    until(lambda: p.fds() <= fds, "all descriptors are closed")
    assert p.rss_mb() < rss + (60 if binary.sanitized() else 4)


def test_tls_behind_a_balancer(tls_pooler):
    """Its PROXY header comes first, in the clear; TLS may be in the same packet."""
    p = tls_pooler("require", proxy_protocol_from="127.0.0.1")
    for direct in (False, True):
        client = p.open()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        head = b"PROXY TCP4 10.9.8.7 127.0.0.1 40000 6432\r\n"
        client.send(head + (outgoing.read() if direct else rawwire.ssl_request()))
        if not direct:
            assert client.byte() == b"S"
            client.send(outgoing.read())
        incoming.write(client.sock.recv(65536))
        tls.do_handshake()
        client.send(outgoing.read())
        tls.write(rawwire.startup("app", "app"))
        client.send(outgoing.read())
        p.wait_log(r"client app/app@10.9.8.7:40000: login ok.* tls=", 1 + direct)
