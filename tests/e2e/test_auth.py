"""How clients prove who they are: certificates, bound channels, system users, and rules for all of it."""

import argparse
import asyncio
import base64
import hashlib
import os
import pwd
import shutil
import ssl
import struct
import subprocess

import asyncpg
import psycopg
import pytest
from cryptography import x509

import judges
import rawwire
from authority import Authority
from cluster import PASSWORD, RUN_AS, bindir
from rawwire import Gone, Refused, cstr, message
from tlswire import TlsClient, client_context
from waiting import DEADLINE, until

pytestmark = pytest.mark.pgweir

PLUS = "SCRAM-SHA-256-PLUS"


@pytest.fixture(scope="session")
def authority(workdir):
    return Authority(workdir / "auth-authority")


@pytest.fixture(scope="session")
def own_pair(authority):
    return authority.issue("localhost", sans=["localhost", "127.0.0.1"])


@pytest.fixture
def rules(workdir):
    """Writes a file that the pooler can read; its path."""
    def make(text, name="hba"):
        path = workdir / f"{name}-{os.urandom(4).hex()}"
        path.write_text(text)
        return path

    return make


@pytest.fixture
def tls_pooler(pooler, own_pair, authority):
    """A pooler that offers TLS and asks for certificates."""
    def make(**settings):
        keys = {"client_tls_sslmode": "prefer", "client_tls_key_file": own_pair.key,
                "client_tls_cert_file": own_pair.cert, "client_tls_ca_file": authority.cert}
        return pooler(**{**keys, **settings})

    return make


def tls_open(p, pair=None, **keys):
    client = TlsClient(p.address, client_context(pair=pair, **keys))
    p.clients.append(client)
    return client


def tls_raw(p, pair=None, user="app", database="app", password=None):
    return tls_open(p, pair).login(user, database, password)


def refusal(client, user="app", database="app", password=None, **params):
    with pytest.raises(Refused) as refused:
        client.login(user, database, password, **params)
    assert client.rest() == []
    assert refused.value.error.severity == "FATAL"
    return refused.value.error


def steps(client):
    return [(m.kind, m.body[:4]) for m in client.login_trace if m.kind == "R"]


# ---- SCRAM over a bound channel -----------------------------------------------------------------------------


def offered(client, user="app"):
    client.send(rawwire.startup(user, "app"))
    body = client.read_until("R")[-1].body
    return body[4:].rstrip(b"\0").decode().split("\0")


def plus_login(client, gs2="p=tls-server-end-point,,", bound=None, mechanism=PLUS, password=PASSWORD):
    """A login by hand up to its end; what the pooler said last."""
    scram = rawwire.Scram(password, gs2)
    first = scram.first()
    client.send(message("p", cstr(mechanism) + struct.pack("!I", len(first)) + first))
    answer = client.read()
    if answer.kind == "E":
        return answer
    binding = base64.b64encode(gs2.encode() + (bound or b"")).decode()
    client.send(message("p", scram.final(answer.body[4:], binding=binding)))
    return client.read_until("EZ")[-1]


def end_point(client):
    return hashlib.sha256(client.sock.getpeercert(binary_form=True)).digest()


def test_plus_is_offered_over_tls_alone(tls_pooler):
    p = tls_pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD})
    assert offered(p.open()) == ["SCRAM-SHA-256"]
    assert offered(tls_open(p)) == [PLUS, "SCRAM-SHA-256"]
    assert offered(tls_open(p), "nobody") == [PLUS, "SCRAM-SHA-256"]


@pytest.mark.parametrize("method", ["scram-sha-256", "md5"])
@pytest.mark.parametrize("secret", ["plain", "scram"])
def test_libpq_with_channel_binding(tls_pooler, authority, method, secret):
    p = tls_pooler(auth_type=method, userlist={"app": PASSWORD if secret == "plain" else rawwire.scram_secret(PASSWORD)})
    keys = {"password": PASSWORD, "sslmode": "verify-full", "sslrootcert": authority.cert, "host": "localhost",
            "hostaddr": "127.0.0.1"}
    if (method, secret) == ("md5", "plain"):
        with pytest.raises(psycopg.OperationalError, match="channel binding"):
            p.connect(channel_binding="require", **keys)
        return
    for binding in ("require", "prefer", "disable"):
        with p.connect(channel_binding=binding, **keys) as conn:
            assert conn.execute("select 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            p.connect(channel_binding=binding, **{**keys, "password": "wrong"})
    assert p.run("psql", "-AXtc", "select 7", p.conninfo(channel_binding="require", **keys)).stdout == "7\n"


def test_plus_by_hand(tls_pooler):
    p = tls_pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD})
    client = tls_open(p)
    offered(client)
    assert plus_login(client, bound=end_point(client)).kind == "Z"
    assert client.value("select 1") == "1"


def test_plus_binds_to_what_was_shown_before_a_reload(tls_pooler, authority):
    p = tls_pooler(databases={"app": lambda p: p.db(auth_type="scram-sha-256")}, userlist={"app": PASSWORD, "admin": ""})
    client = tls_open(p)
    fresh = authority.issue("localhost", file="fresh-amid", sans=["localhost"])
    p.reload(client_tls_cert_file=fresh.cert, client_tls_key_file=fresh.key)
    until(lambda: end_point(tls_open(p)) == fresh.fingerprint(), "the new certificate is shown")
    offered(client)
    assert plus_login(client, bound=end_point(client)).kind == "Z"


@pytest.mark.parametrize("user", ["app", "nobody"])
@pytest.mark.parametrize("gs2,mechanism,bound", [
    ("y,,", "SCRAM-SHA-256", b""),  # it was offered: somebody in between has hidden that
    ("p=tls-server-end-point,,", PLUS, b"x" * 32),
    ("p=tls-server-end-point,,", PLUS, b""),
    ("p=tls-server-end-point,,", "SCRAM-SHA-256", None),
    ("p=tls-unique,,", PLUS, None),
    ("p=tls-exporter,,", PLUS, None),
    ("n,,", PLUS, b""),
    ("y,,", PLUS, b""),
])
def test_bent_binding_is_refused(tls_pooler, user, gs2, mechanism, bound):
    p = tls_pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD})
    client = tls_open(p)
    offered(client, user)
    error = plus_login(client, gs2, end_point(client) if bound is None else bound, mechanism)
    assert (error.kind, error.severity, error.sqlstate) == ("E", "FATAL", "08P01")
    assert client.rest() == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_channel_is_bound_to_the_certificate_that_the_client_has_seen(tls_pooler, authority, version):
    """Who resumes a session binds it to the certificate of its beginning, whatever is shown to others by now."""
    p = tls_pooler(databases={"app": lambda p: p.db(auth_type="scram-sha-256")}, userlist={"app": PASSWORD, "admin": ""})
    context = client_context(version=version)

    def bound(session):
        client = TlsClient(p.address, context, session=session)
        p.clients.append(client)
        offered(client)
        assert plus_login(client, bound=end_point(client)).kind == "Z"
        assert client.value("select 1") == "1"
        return client

    session = bound(None).sock.session
    assert bound(session).sock.session_reused
    fresh = authority.issue("localhost", file=f"fresh-{version}", sans=["localhost"])
    p.reload(client_tls_cert_file=fresh.cert, client_tls_key_file=fresh.key)
    until(lambda: end_point(tls_open(p)) == fresh.fingerprint(), "the new certificate is shown")
    bound(session)


def test_no_binding_over_tls_is_the_clients_choice(tls_pooler):
    p = tls_pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD})
    client = tls_open(p)
    offered(client)
    assert plus_login(client, "n,,", b"", "SCRAM-SHA-256").kind == "Z"


def test_keys_of_a_bound_login_open_the_servers_door(tls_pooler, cluster, authority):
    """Only the server's SCRAM secret is known: what the client proves has nothing to do with its channel."""
    ((secret,),) = cluster.sql("select rolpassword from pg_authid where rolname = 'u_scram'")
    p = tls_pooler(auth_type="scram-sha-256", userlist={"u_scram": secret})
    with p.connect("u_scram", password=PASSWORD, sslmode="require", channel_binding="require") as conn:
        assert conn.execute("select current_user").fetchone() == ("u_scram",)


def test_asyncpg_over_tls(tls_pooler):
    p = tls_pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD})

    async def run():
        conn = await asyncpg.connect(host="127.0.0.1", port=p.port, user="app", password=PASSWORD, database="app",
                                     ssl=client_context(alpn=()), timeout=DEADLINE)
        value = await conn.fetchval("select 5")
        await conn.close()
        return value

    assert asyncio.run(run()) == 5


# ---- certificates --------------------------------------------------------------------------------------------


def test_cert_names_the_user(tls_pooler, authority):
    p = tls_pooler(auth_type="cert", userlist={"app": "", "other": "", "admin": ""})
    pair = authority.issue("app")
    assert tls_raw(p, pair).value("select current_user") == "app"
    error = refusal(tls_open(p, pair), "other")
    assert (error.sqlstate, error.text) == ("28000", 'certificate authentication failed for user "other"')
    if os.geteuid() == 0:
        os.chown(pair.key, 0, 0)
    keys = {"sslmode": "require", "sslcert": pair.cert, "sslkey": pair.key}
    assert p.connect(**keys).execute("select 1").fetchone() == (1,)
    assert p.run("psql", "-AXtc", "select 3", p.conninfo(**keys)).stdout == "3\n"


def test_no_certificate_no_entry(tls_pooler, authority, workdir):
    p = tls_pooler(auth_type="cert", userlist={"app": ""})
    stranger = Authority(workdir / "auth-stranger").issue("app")
    for client in (p.open(), tls_open(p), p.open(address=p.socket_path)):
        error = refusal(client)
        assert (error.sqlstate, error.text) == ("28000", "connection requires a valid client certificate")
    for pair in (stranger, authority.issue("app", file="old", expired=True)):
        with pytest.raises((AssertionError, OSError, Refused, Gone)):
            tls_raw(p, pair).value("select 1")
    assert tls_raw(p, authority.issue("app")).value("select 1") == "1"


def test_cert_user_must_be_listed_where_there_is_a_list(tls_pooler, authority):
    p = tls_pooler(auth_type="cert", userlist={"other": ""})
    assert refusal(tls_open(p, authority.issue("app"))).sqlstate == "28000"
    p = tls_pooler(auth_type="cert", auth_file=None)
    assert tls_raw(p, authority.issue("app")).value("select 1") == "1"


@pytest.mark.parametrize("san", ["app", x509.RFC822Name("app"), x509.UniformResourceIdentifier("app")])
def test_alternative_names_count(tls_pooler, authority, san):
    p = tls_pooler(auth_type="cert", userlist={"app": "", "other": ""})
    pair = authority.issue("machine", file=f"san-{type(san).__name__}", sans=[san])
    assert tls_raw(p, pair).value("select 1") == "1"
    refusal(tls_open(p, pair), "other")


def test_maps_of_certificates(tls_pooler, authority, rules):
    ident = rules('web      "/^(.*)@example.com$"      \\1\n'
                  'web      "web server"               other\n'
                  'full     "CN=web server,O=Example"  app\n', "ident")
    hba = rules("hostssl app   app   all cert map=full clientname=DN\n"
                "hostssl app   all   all cert map=web\n"
                "hostssl other all   all cert\n")
    p = tls_pooler(auth_type="hba", auth_hba_file=hba, auth_ident_file=ident, userlist={"app": "", "other": "", "third": ""})
    web = authority.issue("web server", organisation="Example", file="web", sans=[x509.RFC822Name("third@example.com")])
    assert tls_raw(p, web, "app").value("select current_user") == "app"
    assert tls_raw(p, web, "other").value("select current_user") == "other"
    assert tls_raw(p, web, "third").value("select current_user") == "third"
    assert refusal(tls_open(p, web), "third", "other").sqlstate == "28000"
    elsewhere = authority.issue("web server", organisation="Elsewhere", file="elsewhere")
    assert refusal(tls_open(p, elsewhere), "app").sqlstate == "28000"


def test_certificate_and_password(tls_pooler, authority, rules):
    hba = rules("hostssl app   all all scram-sha-256 clientcert=verify-full\n"
                "hostssl other all all scram-sha-256 clientcert=verify-ca\n")
    p = tls_pooler(auth_type="hba", auth_hba_file=hba, userlist={"app": PASSWORD, "other": PASSWORD})
    mine, others = authority.issue("app"), authority.issue("other")
    assert tls_raw(p, mine, "app", "app", PASSWORD).value("select 1") == "1"
    assert refusal(tls_open(p, mine), "app", "app", "wrong").sqlstate == "28P01"
    assert refusal(tls_open(p, others), "app", "app", PASSWORD).sqlstate == "28000"
    assert refusal(tls_open(p), "app", "app", PASSWORD).text == "connection requires a valid client certificate"
    assert tls_raw(p, others, "app", "other", PASSWORD).value("select 1") == "1"
    assert refusal(tls_open(p), "app", "other", PASSWORD).sqlstate == "28000"


# ---- system users behind a Unix socket --------------------------------------------------------------------------


def system_user():
    return pwd.getpwuid(os.geteuid()).pw_name


def run_as(p, name, *sql):
    """psql over the Unix socket as another system user."""
    command = [bindir() / "psql", "-AXtc", *sql, f"host={os.path.dirname(p.socket_path)} port={p.port} dbname=app user=postgres"]
    if RUN_AS:
        command = [shutil.which("runuser") or "/usr/sbin/runuser", "-u", name, "--", *command]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=4 * DEADLINE, check=False,
                          cwd="/")


def test_peer_is_who_the_system_says(pooler):
    p = pooler(auth_type="peer", userlist={"app": "", "postgres": "", system_user(): ""})
    error = refusal(p.open(address=p.socket_path), "app")
    assert (error.sqlstate, error.text) == ("28000", 'Peer authentication failed for user "app"')
    if RUN_AS is None:
        return
    done = run_as(p, "postgres", "select current_user")
    assert done.stdout == "postgres\n", done
    done = run_as(p, "nobody", "select 1")
    assert 'Peer authentication failed for user "postgres"' in done.stderr


def test_peer_over_tcp_is_refused(pooler):
    p = pooler(auth_type="peer", userlist={"app": "", system_user(): ""})
    error = refusal(p.open(), "app")
    assert (error.sqlstate, error.text) == ("28000", 'Peer authentication failed for user "app"')


def test_maps_of_system_users(pooler, rules):
    hba = rules("local all all peer map=us\nhost all all all trust\n")
    ident = rules(f"us {system_user()} app\nus {system_user()} \"/^thi\"\n", "ident")
    p = pooler(auth_type="hba", auth_hba_file=hba, auth_ident_file=ident)
    assert p.raw("app", address=p.socket_path).value("select current_user") == "app"
    assert p.raw("third", address=p.socket_path).value("select current_user") == "third"
    assert refusal(p.open(address=p.socket_path), "other").sqlstate == "28000"


def test_peer_user_must_be_listed_where_there_is_a_list(pooler, rules):
    hba = rules("local all all peer map=us\nhost all admin all trust\n")
    ident = rules(f"us {system_user()} all\n", "ident")
    p = pooler(auth_type="hba", auth_hba_file=hba, auth_ident_file=ident, userlist={"other": "", "admin": ""})
    assert refusal(p.open(address=p.socket_path), "app").sqlstate == "28000"
    assert p.raw("other", address=p.socket_path).value("select 1") == "1"


# ---- rules -------------------------------------------------------------------------------------------------------


METHODS = """
host    app     app    127.0.0.1/32  scram-sha-256
host    app     other  127.0.0.1/32  md5
host    app     third  127.0.0.1/32  password
host    other   app    127.0.0.1/32  trust
host    app     admin  127.0.0.1/32  reject
host    pgweir  admin  127.0.0.1/32  trust
"""


def test_rules_choose_the_method(pooler, rules):
    p = pooler(auth_type="hba", auth_hba_file=rules(METHODS),
               userlist={name: PASSWORD for name in ("app", "other", "third", "admin")})
    wanted = {"app": 10, "other": 5, "third": 3}
    for user, first in wanted.items():
        client = p.raw(user, password=PASSWORD)
        assert client.value("select 1") == "1"
        assert steps(client)[0][1] == struct.pack("!I", first)
        assert refusal(p.open(), user, password="wrong").sqlstate == "28P01"
    assert p.raw("app", "other").value("select 1") == "1"
    assert p.console("show version")


def test_no_rule_and_reject_in_postgresqls_words(tls_pooler, rules):
    p = tls_pooler(auth_type="hba", auth_hba_file=rules(METHODS), userlist={"app": "", "other": "", "admin": ""})
    error = refusal(p.open(), "other", "other")
    assert error.sqlstate == "28000"
    assert error.text == 'no pg_hba.conf entry for host "127.0.0.1", user "other", database "other", no encryption'
    error = refusal(tls_open(p), "other", "other")
    assert error.text == 'no pg_hba.conf entry for host "127.0.0.1", user "other", database "other", SSL encryption'
    error = refusal(p.open(address=p.socket_path), "other", "other")
    assert error.text == 'no pg_hba.conf entry for host "[local]", user "other", database "other", no encryption'
    error = refusal(p.open(), "admin", "app")
    assert error.sqlstate == "28000"
    assert error.text == ('pg_hba.conf rejects connection for host "127.0.0.1", user "admin", database "app", '
                          'no encryption')


def test_rules_follow_a_reload_and_a_bad_file_does_not(pooler, rules):
    path = rules("host all all 127.0.0.1/32 trust\n")
    p = pooler(auth_type="hba", auth_hba_file=path)
    client = p.raw()
    path.write_text("host all admin 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 reject\n")
    p.reload()
    assert refusal(p.open()).sqlstate == "28000"
    assert client.value("select 1") == "1", "who is in stays in"
    path.write_text("host all admin 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 nonsense\n")
    admin = p.raw("admin", "pgweir")
    assert "nonsense" in admin.error("reload").text
    assert refusal(p.open()).sqlstate == "28000"


def test_database_has_a_method_of_its_own(pooler):
    p = pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD, "admin": ""},
               databases={"app": lambda p: p.db("app", auth_type="trust"), "other": lambda p: p.db("other", auth_type="plain"),
                          "postgres": lambda p: p.db("postgres")})
    assert steps(p.raw("app", "app")) == [("R", b"\0\0\0\0")]
    assert steps(p.raw("app", "other", PASSWORD))[0] == ("R", b"\0\0\0\3")
    assert steps(p.raw("app", "postgres", PASSWORD))[0] == ("R", b"\0\0\0\n")
    assert steps_of_refusal(p, "app", "nowhere")[0] == ("R", b"\0\0\0\n")


def steps_of_refusal(p, user, database):
    client = p.open()
    refusal(client, user, database, "wrong")
    return steps(client)


@pytest.mark.parametrize("settings,words", [
    ({"auth_type": "hba"}, "auth_type = hba needs auth_hba_file"),
    ({"auth_type": "hba", "auth_hba_file": "/nonexistent"}, "/nonexistent"),
    ({"auth_type": "nonsense"}, "auth_type"),
])
def test_faults_in_the_configuration(pooler, settings, words):
    p = pooler(start=False, **settings)
    p.expect_exit = 1
    p.spawn()
    p.wait_exit()
    assert words in p.log()


def test_map_that_is_not_there(pooler, rules):
    hba = rules("local all all peer map=us\n")
    p = pooler(start=False, auth_type="hba", auth_hba_file=hba)
    p.expect_exit = 1
    p.spawn()
    p.wait_exit()
    assert f'{hba}:1: there is no map "us" in auth_ident_file' in p.log()


# ---- reloads -------------------------------------------------------------------------------------------------------


def test_strangers_look_like_most_after_a_reload_too(pooler):
    """Under md5 somebody unknown is asked for what most users have; what that is may change."""
    p = pooler(auth_type="md5", userlist={"app": PASSWORD, "admin": PASSWORD},
               databases={"app": lambda p: p.db("app")})
    assert steps_of_refusal(p, "nobody", "app")[0] == ("R", b"\0\0\0\5")
    p.secrets = {"app": rawwire.scram_secret(PASSWORD), "admin": rawwire.scram_secret(PASSWORD)}
    p.write_ini()
    p.signal(1)
    p.wait_log("reload|configuration")
    admin = p.raw("admin", "pgweir", PASSWORD)
    admin.query("reload")
    assert steps_of_refusal(p, "app", "app")[0] == ("R", b"\0\0\0\n")
    assert steps_of_refusal(p, "nobody", "app")[0] == ("R", b"\0\0\0\n")


# ---- what people use ---------------------------------------------------------------------------------------------


def log_in_by_psql(p, keys):
    done = p.run("psql", "-AXtc", "select 'in'", p.conninfo(**keys), check=False)
    return done.stdout == "in\n", done.stderr


def log_in_by_psycopg(p, keys):
    try:
        with p.connect(**keys) as conn:
            return conn.execute("select 'in'").fetchone() == ("in",), ""
    except psycopg.OperationalError as error:
        return False, str(error)


def log_in_by_asyncpg(p, keys):
    async def run():
        pair = None if "sslcert" not in keys else argparse.Namespace(cert=keys["sslcert"], key=keys["sslkey"])
        conn = await asyncpg.connect(
            host=keys.get("host", "127.0.0.1"), port=p.port, user="app", database="app", timeout=DEADLINE,
            password=str(keys.get("password", "")).strip("'") or None,
            ssl=client_context(pair=pair, alpn=()) if keys.get("sslmode") == "require" else False)
        try:
            return await conn.fetchval("select 'in'") == "in", ""
        finally:
            await conn.close()

    try:
        return asyncio.run(run())
    except (asyncpg.PostgresError, OSError) as error:
        return False, str(error)


DRIVERS = {"psql": log_in_by_psql, "psycopg": log_in_by_psycopg, "asyncpg": log_in_by_asyncpg}


@pytest.fixture
def method_settings(request, rules, authority, binary, workdir):
    """method -> settings, what a right client says, what a wrong one says (None: it cannot be wrong)"""
    made = []

    def of(method):
        right, wrong = {"password": PASSWORD}, {"password": "wrong"}
        if method == "cert":
            pairs = [authority.issue(name, file=f"driver-{name}") for name in ("app", "other")]
            for pair in pairs if os.geteuid() == 0 else ():
                os.chown(pair.key, 0, 0)
            right, wrong = ({"sslmode": "require", "sslcert": pair.cert, "sslkey": pair.key} for pair in pairs)
            return {}, right, wrong
        if method == "peer":
            me = system_user()
            return {"auth_type": "hba", "auth_hba_file": rules("local all all peer map=us\n"),
                    "auth_ident_file": rules(f"us {me} app\n", "ident")}, {}, None
        if method == "pam":
            judges.built_with(binary, "pam")
            judges.needs_root()
            made.append(judges.Pam(workdir).serve(f'[ "$PAM_USER $password" = "app {PASSWORD}" ] || exit 1'))
            return {"auth_pam_service": made[-1].name}, right, wrong
        if method == "ldap":
            judges.built_with(binary, "ldap")
            judges.needs_slapd()
            made.append(judges.Ldap(workdir, judges.person("app", PASSWORD)))
            return {"auth_ldap_options": f'ldapserver=127.0.0.1 ldapport={made[-1].port} ldapprefix="uid=" '
                                         'ldapsuffix=",ou=people,dc=example,dc=com"'}, right, wrong
        return {}, right, wrong

    yield of
    for thing in made:
        thing.close()


@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "plain", "cert", "peer", "pam", "ldap"])
def test_drivers_log_in_by_every_method(tls_pooler, method_settings, method):
    settings, right, wrong = method_settings(method)
    p = tls_pooler(**{"auth_type": method, "userlist": {"app": PASSWORD}, **settings})
    if method == "peer":
        right = {"host": os.path.dirname(p.socket_path)}
    for name, log_in in DRIVERS.items():
        came_in, error = log_in(p, right)
        assert came_in, (name, error)
        if wrong is not None:
            came_in, error = log_in(p, wrong)
            assert not came_in and 'authentication failed for user "app"' in error, (name, error)


# ---- users who are looked up, under rules --------------------------------------------------------------------------


def test_rules_and_users_who_are_looked_up(pooler, cluster, rules):
    """Who may not log in to the server any more may not here either, however it would prove who it is."""
    hba = rules("host all u_md5 all md5\nhost all u_scram,late,closed all scram-sha-256\nhost all u_trust,nobody all trust\n")
    cluster.sql(f"create role late login password '{PASSWORD}' valid until '2020-01-01'")
    cluster.sql(f"create role closed nologin password '{PASSWORD}'")
    try:
        p = pooler(auth_type="hba", auth_hba_file=hba, userlist={"postgres": ""}, auth_user="postgres")
        for user in ("u_md5", "u_scram"):
            assert p.raw(user, password=PASSWORD).value("select current_user") == user
            assert refusal(p.open(), user, password="wrong").sqlstate == "28P01"
        for user in ("late", "closed"):
            assert refusal(p.open(), user, password=PASSWORD).sqlstate == "28P01"
        assert refusal(p.open(), "nobody").severity == "FATAL"
    finally:
        cluster.sql("drop role late")
        cluster.sql("drop role closed")
