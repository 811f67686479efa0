"""TLS between the pooler and PostgreSQL."""

import pathlib
import shutil
import ssl
import struct
import subprocess
import tempfile

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

import fakeserver
import rawwire
from authority import Authority
from cluster import PASSWORD, Cluster
from rawwire import Refused
from tlswire import TlsClient
from waiting import until

pytestmark = pytest.mark.pgweir

MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

HBA = """
hostssl  all  u_cert   127.0.0.1/32  cert
hostssl  all  u_scram  127.0.0.1/32  scram-sha-256
"""


@pytest.fixture(scope="module")
def authority(workdir):
    return Authority(workdir / "server-authority", "servers' root")


@pytest.fixture(scope="module")
def tls_cluster(workdir, template, authority):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tls-", dir=workdir))
    directory.chmod(0o755)
    pair = authority.issue("localhost", file="server", sans=["localhost", "127.0.0.1"])
    cluster = Cluster(directory, template)
    with open(cluster.data / "postgresql.conf", "a", encoding="ascii") as conf:
        conf.write(f"ssl = on\nssl_cert_file = '{pair.cert}'\nssl_key_file = '{pair.key}'\n"
                   f"ssl_ca_file = '{authority.cert}'\n")
    cluster.start()
    cluster.hba(HBA)
    cluster.sql("create role u_cert login")
    yield cluster
    cluster.stop()


def show_pair(cluster, pair):
    """PostgreSQL shows this certificate from now on."""
    cluster.configure(ssl_cert_file=f"'{pair.cert}'", ssl_key_file=f"'{pair.key}'")

    def shown():
        client = TlsClient(("127.0.0.1", cluster.port))
        try:
            return client.sock.getpeercert(binary_form=True) == pair.certificate.public_bytes(Encoding.DER)
        finally:
            client.drop()

    until(shown, "PostgreSQL shows its new certificate")


def attempt(p, database, user="app", password=None):
    """What SHOW SERVERS says of the connection's TLS; or the error."""
    try:
        client = p.raw(user=user, database=database, password=password)
        assert client.value("select 1") == "1"
    except Refused as refused:
        return refused.error.text
    return p.show("servers", database=database)[0]["tls"]


# ---- every sslmode, with every kind of certificate ---------------------------------------------------

# Which modes end in TLS, in the clear, or nowhere. (libpq verifies in all modes where it has a root certificate.)
OUTCOMES = {
    "right": dict(disable="", allow="", prefer="TLS", **{"require": "TLS", "verify-ca": "TLS", "verify-full": "TLS"}),
    "other name": dict(disable="", allow="", prefer="TLS",
                       **{"require": "TLS", "verify-ca": "TLS", "verify-full": "server certificate"}),
    "wrong": dict(disable="", allow="", prefer="", **{"require": "certificate verify failed",
                  "verify-ca": "certificate verify failed", "verify-full": "certificate verify failed"}),
}
OUTCOMES["expired"] = OUTCOMES["revoked"] = OUTCOMES["wrong"]


@pytest.mark.parametrize("kind", ["right", "other name", "wrong", "expired", "revoked"])
def test_modes_and_certificates(make_pooler, tls_cluster, authority, workdir, kind):
    names = ["localhost", "127.0.0.1"]
    issuer = Authority(workdir / "server-stranger") if kind == "wrong" else authority
    pair = issuer.issue("elsewhere" if kind == "other name" else "localhost", file=f"server-{kind.replace(' ', '-')}",
                        sans=["elsewhere"] if kind == "other name" else names, expired=kind == "expired",
                        revoked=kind == "revoked")
    show_pair(tls_cluster, pair)
    databases = {mode: f"host=localhost port={tls_cluster.port} dbname=app sslmode={mode}" for mode in MODES}
    p = make_pooler(tls_cluster, databases=databases, server_tls_ca_file=authority.cert,
                    server_tls_crl_file=authority.crl, client_login_timeout=15)
    for mode, outcome in OUTCOMES[kind].items():
        got = attempt(p, mode)
        if outcome == "TLS":
            assert got.startswith("TLSv1.3/TLS_"), (mode, got)
        elif outcome == "":
            assert got == "", (mode, got)
        else:
            assert outcome in got, (mode, got)


@pytest.fixture
def good_cluster(tls_cluster, authority):
    show_pair(tls_cluster, authority.issue("localhost", file="server", sans=["localhost", "127.0.0.1"]))
    return tls_cluster


def test_the_global_settings_and_the_database_s_own(make_pooler, good_cluster, authority):
    address = f"host=localhost port={good_cluster.port} dbname=app"
    p = make_pooler(good_cluster, databases={"as_set": address, "own": f"{address} sslmode=disable"},
                    server_tls_sslmode="verify-full", server_tls_ca_file=authority.cert, server_tls_protocols="tlsv1.2")
    assert attempt(p, "as_set").startswith("TLSv1.2/")
    assert attempt(p, "own") == ""
    p.wait_log("server as_set/app pid .*: new connection tls=TLSv1.2/")
    p.reload(server_tls_protocols="tlsv1.3")
    p.console("reconnect as_set")
    until(lambda: attempt(p, "as_set").startswith("TLSv1.3/"), "new connections have TLS 1.3")


def test_a_list_that_cannot_be_read_lets_nobody_through(make_pooler, good_cluster, authority, workdir):
    """libpq alone would go on without it."""
    broken = workdir / "broken.crl"
    broken.write_text("-----BEGIN X509 CRL-----\nnonsense\n")
    address = f"host=localhost port={good_cluster.port} dbname=app sslmode=verify-ca sslrootcert={authority.cert}"
    p = make_pooler(good_cluster, databases={
        "gone": f"{address} sslcrl=/nonexistent", "broken": f"{address} sslcrl={broken}",
        "nowhere": f"{address} sslcrldir=/nonexistent"})
    for database in ("gone", "broken"):
        assert "list of revoked certificates" in attempt(p, database)
    assert "directory of revoked certificates" in attempt(p, "nowhere")


def test_a_directory_of_lists(make_pooler, tls_cluster, authority, workdir):
    """Once the server's certificate is on a list, nobody logs in there."""
    pair = authority.issue("localhost", file="server-of-lists", sans=["localhost", "127.0.0.1"])
    show_pair(tls_cluster, pair)
    lists = workdir / "lists"
    lists.mkdir()

    def publish():
        shutil.copy(authority.crl, lists / "ca.pem")
        subprocess.run(["openssl", "rehash", str(lists)], check=True)
        lists.chmod(0o755)

    publish()
    p = make_pooler(tls_cluster, server_login_retry=0, databases={
        "app": f"host=localhost port={tls_cluster.port} dbname=app sslmode=verify-ca sslrootcert={authority.cert} "
               f"sslcrldir={lists}"})
    assert attempt(p, "app").startswith("TLSv1.3")
    authority.revoke(pair)
    publish()
    p.console("reconnect app")
    assert "certificate verify failed" in p.raw().error("select 1").text


def test_our_certificate_logs_in(make_pooler, good_cluster, authority):
    pair = authority.issue("u_cert", file="pooler")
    wrong = authority.issue("somebody", file="pooler-wrong")
    address = f"host=localhost port={good_cluster.port} dbname=app user=u_cert"
    p = make_pooler(good_cluster, server_tls_sslmode="require",
                    databases={"with": f"{address} sslcert={pair.cert} sslkey={pair.key}",
                               "without": address, "wrong": f"{address} sslcert={wrong.cert} sslkey={wrong.key}"})
    assert attempt(p, "with").startswith("TLSv1.3")
    assert "certificate authentication failed" in attempt(p, "wrong")
    assert "certificate" in attempt(p, "without")


def test_what_is_not_configured_is_not_read_from_a_home(make_pooler, good_cluster, workdir):
    home = workdir / "home"
    (home / ".postgresql").mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)
    (home / ".postgresql").chmod(0o755)
    (home / ".postgresql" / "root.crt").write_bytes(Authority(workdir / "home-authority").cert.read_bytes())
    p = make_pooler(good_cluster, server_tls_sslmode="require", env={"HOME": str(home)},
                    databases={"app": f"host=localhost port={good_cluster.port}"})
    assert attempt(p, "app").startswith("TLSv1.3")


# ---- channel binding ---------------------------------------------------------------------------------


def scram_secret(cluster, user):
    return cluster.sql("select rolpassword from pg_authid where rolname = %s", user)[0][0]


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
def test_keys_of_the_client_bind_the_channel(make_pooler, good_cluster, binding):
    """No password is anywhere: the client's own login gives the keys."""
    p = make_pooler(good_cluster, auth_type="scram-sha-256", server_tls_sslmode="require",
                    userlist={"u_scram": scram_secret(good_cluster, "u_scram"), "admin": "admin"},
                    databases={"app": f"host=localhost port={good_cluster.port} channel_binding={binding}"})
    client = p.raw("u_scram", "app", PASSWORD)
    assert client.value("select current_user") == "u_scram"


@pytest.mark.parametrize("binding", ["prefer", "require"])
def test_a_password_binds_the_channel(make_pooler, good_cluster, binding):
    p = make_pooler(good_cluster, server_tls_sslmode="require",
                    databases={"app": f"host=localhost port={good_cluster.port} user=u_scram password={PASSWORD} "
                                      f"channel_binding={binding}"})
    assert p.raw().value("select current_user") == "u_scram"


def test_no_proof_over_a_channel_that_has_to_be_bound_and_is_not(make_pooler, good_cluster):
    p = make_pooler(good_cluster, auth_type="scram-sha-256", server_tls_sslmode="disable",
                    userlist={"u_pass": scram_secret(good_cluster, "u_pass"), "admin": "admin"},
                    databases={"app": f"host=localhost port={good_cluster.port} channel_binding=require"})
    with pytest.raises(Refused) as refused:
        p.raw("u_pass", "app", PASSWORD)
    assert "channel binding" in refused.value.error.text


# ---- servers that cannot be trusted, and cancels -----------------------------------------------------


def server_context(authority, file="fake"):
    pair = authority.issue("localhost", file=file, sans=["localhost", "127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    return context


def read_request(session):
    """The code of an untyped packet."""
    (size,) = struct.unpack("!I", session._take(4))
    body = session._take(size - 4)
    return struct.unpack_from("!I", body)[0], body[4:]


def under_tls(session, context):
    code, _ = read_request(session)
    assert code == rawwire.CODE_SSL
    session.send(b"S")
    session.sock = context.wrap_socket(session.sock, server_side=True)


def in_front_of(make_pooler, server, sslmode, **settings):
    return make_pooler(None, databases={"app": f"host=127.0.0.1 port={server.port} sslmode={sslmode}"},
                       server_connect_timeout=5, client_login_timeout=10, **settings)


HOSTILE = {
    "plain text behind S": b"S" + fakeserver.authentication_ok() + fakeserver.key_data() + fakeserver.ready(),
    "an error behind S": b"S" + fakeserver.error("28000", "you shall not", "FATAL"),
    "garbage": b"S\x16\x03\x01\xff\xff" + b"x" * 300,
    "neither": b"x",
    "nothing": b"",
}


@pytest.mark.parametrize("answer", list(HOSTILE))
@pytest.mark.parametrize("sslmode", ["prefer", "require", "verify-full"])
def test_hostile_answers_to_sslrequest(make_pooler, fake_server, authority, answer, sslmode):
    def script(session):
        code, _ = read_request(session)
        if code == rawwire.CODE_SSL:
            session.send(HOSTILE[answer])
        session.sock.close()

    p = in_front_of(make_pooler, fake_server(script), sslmode, server_tls_ca_file=authority.cert)
    with pytest.raises(Refused):
        p.raw()


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
def test_no_login_in_the_clear_where_tls_is_demanded(make_pooler, fake_server, authority, sslmode):
    seen = []

    def script(session):
        code, _ = read_request(session)
        session.send(b"N")
        try:
            seen.append(session._take(1))
        except rawwire.Gone:
            pass

    p = in_front_of(make_pooler, fake_server(script), sslmode, server_tls_ca_file=authority.cert)
    with pytest.raises(Refused) as refused:
        p.raw()
    assert "does not support SSL" in refused.value.error.text
    assert seen == []


class Cancelled:
    """A server under TLS that sleeps until it is cancelled. `answer` is what a cancel's SSLRequest gets."""

    def __init__(self, context, answer=b"S"):
        self.context = context
        self.answer = answer
        self.cancels = []
        self.plain = []

    def __call__(self, session):
        if session.number > 0:
            self.cancel(session)
            return
        under_tls(session, self.context)
        self.sleeper = session
        session.login()
        session.read_until("Q")
        session.read_until("X")

    def cancel(self, session):
        code, body = read_request(session)
        if code != rawwire.CODE_SSL:
            self.plain.append(code)
            return
        session.send(self.answer)
        if self.answer == b"S":
            session.sock = self.context.wrap_socket(session.sock, server_side=True)
        try:
            code, body = read_request(session)
        except rawwire.Gone:
            return
        (self.cancels if self.answer == b"S" else self.plain).append((code, body))
        self.sleeper.send(fakeserver.error("57014", "canceling statement due to user request"), fakeserver.ready())


def cancel_under_tls(make_pooler, fake_server, script, sslmode, **settings):
    """A query that sleeps, and a cancel for it: the pooler and the client."""
    server = fake_server(script)
    p = in_front_of(make_pooler, server, sslmode, cancel_wait_timeout=3, **settings)
    client = p.raw()
    client.send(rawwire.Q("select pg_sleep(60)"))
    until(lambda: int(p.pool()["sv_active"]) == 1 and any(m.kind == "Q" for m in server.sessions[0].seen), "it runs")
    client.cancel()
    return p, client


def test_a_cancel_goes_over_tls(make_pooler, fake_server, authority):
    script = Cancelled(server_context(authority))
    p, client = cancel_under_tls(make_pooler, fake_server, script, "verify-full", server_tls_ca_file=authority.cert)
    assert [m for m in client.ready() if m.kind == "E"][0].sqlstate == "57014"
    assert script.cancels == [(rawwire.CODE_CANCEL, struct.pack("!II", 4711, 0x12345678))] and script.plain == []


@pytest.mark.parametrize("sslmode", ["require", "verify-full"])
def test_no_cancel_in_the_clear_where_tls_is_demanded(make_pooler, fake_server, authority, sslmode):
    script = Cancelled(server_context(authority), answer=b"N")
    p, _ = cancel_under_tls(make_pooler, fake_server, script, sslmode, server_tls_ca_file=authority.cert)
    p.wait_log("a cancel could not be sent: TLS is demanded")
    assert script.cancels == [] and script.plain == []


def test_a_cancel_follows_a_server_that_has_no_tls_any_more(make_pooler, fake_server, authority):
    script = Cancelled(server_context(authority), answer=b"N")
    _, client = cancel_under_tls(make_pooler, fake_server, script, "prefer")
    assert [m for m in client.ready() if m.kind == "E"][0].sqlstate == "57014"
    assert len(script.plain) == 1


def test_no_cancel_to_another_server(make_pooler, fake_server, authority, workdir):
    """Who listens at the address now has a certificate of another authority."""
    script = Cancelled(server_context(authority))
    other = server_context(Authority(workdir / "cancel-stranger"), file="other")
    plain_call = script.cancel

    def cancel(session):
        script.context = other
        try:
            plain_call(session)
        except ssl.SSLError:
            pass

    script.cancel = cancel
    p, _ = cancel_under_tls(make_pooler, fake_server, script, "verify-ca", server_tls_ca_file=authority.cert)
    p.wait_log("a cancel could not be sent: TLS failed: ")
    assert script.cancels == []


@pytest.mark.parametrize("sslmode", ["require", "verify-full"])
def test_cancels_at_postgresql(make_pooler, good_cluster, authority, sslmode):
    p = make_pooler(good_cluster, server_tls_sslmode=sslmode, server_tls_ca_file=authority.cert,
                    databases={"app": f"host=localhost port={good_cluster.port}"})
    client = p.raw()
    for _ in range(3):
        client.send(rawwire.Q("select pg_sleep(60)"))
        until(lambda: good_cluster.backends("wait_event = 'PgSleep'"), "it runs")
        client.cancel()
        assert [m for m in client.ready() if m.kind == "E"][0].sqlstate == "57014"
    assert client.value("select 1") == "1"


def test_both_sides_at_once(make_pooler, good_cluster, authority, shape):
    pair = authority.issue("localhost", file="both")
    p = make_pooler(good_cluster, server_tls_sslmode="require", client_tls_sslmode="require",
                    client_tls_key_file=pair.key, client_tls_cert_file=pair.cert, **shape)
    client = TlsClient(p.address)
    p.clients.append(client)
    client.login("app", "app")
    rows = 50 if "debug_io_bytes" in shape else 20000
    got = client.rows(f"select i, repeat('z', 200) from generate_series(1, {rows}) i")
    assert [int(g[0]) for g in got] == list(range(1, rows + 1)) and all(len(g[1]) == 200 for g in got)
