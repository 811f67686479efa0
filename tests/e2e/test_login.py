"""Who may come in: every method with every kind of secret, and what the rest is told."""

import psycopg
import pytest

import rawwire
from cluster import PASSWORD
from rawwire import Refused, cstr, message
from waiting import DEADLINE, all_at_once, until

SECRETS = {
    "plain": lambda user: PASSWORD,
    "md5": lambda user: rawwire.md5_secret(user, PASSWORD),
    "scram": lambda user: rawwire.scram_secret(PASSWORD),
}


def refusal(p, user, database="app", password=None, **params):
    """The error with which a login ends."""
    client = p.open()
    with pytest.raises(Refused) as refused:
        client.login(user, database, password, **params)
    assert client.rest() == [], "nothing may follow a refusal"
    return refused.value.error, client.login_trace


def steps(trace):
    """The authentication requests of a login, without what is random in them."""
    return [(m.kind, m.body[:4]) for m in trace if m.kind == "R"]


# ---- every method, every secret ---------------------------------------------------------------------


@pytest.mark.parametrize("secret", list(SECRETS))
@pytest.mark.parametrize("method", ["plain", "md5", "scram-sha-256"])
def test_password_is_checked(pooler, method, secret, shape):
    p = pooler(auth_type=method, userlist={"app": SECRETS[secret]("app")}, **shape)
    if (method, secret) != ("scram-sha-256", "md5"):
        assert p.raw(password=PASSWORD).value("select current_user") == "app"
    for wrong in ("wrong", "", PASSWORD + " ", PASSWORD.upper(), "x" * 900):
        error, _ = refusal(p, "app", password=wrong)
        assert (error.severity, error.sqlstate) == ("FATAL", "28P01")


def test_md5_secret_cannot_do_scram(pooler):
    """Refused like a wrong password: from an md5 hash no SCRAM exchange can be checked."""
    p = pooler(auth_type="scram-sha-256", userlist={"app": SECRETS["md5"]("app")})
    error, _ = refusal(p, "app", password=PASSWORD)
    assert error.sqlstate == "28P01"


def test_trust_asks_nothing_but_wants_a_known_name(pooler):
    p = pooler(auth_type="trust", userlist={"app": ""})
    assert p.raw().value("select 1") == "1"
    error, _ = refusal(p, "nobody")
    assert error.severity == "FATAL"


def test_any_with_a_user_of_the_databases_own(pooler):
    p = pooler(auth_type="any", userlist={},
               databases={"app": lambda p: p.db("app", user="other")})
    assert p.raw("whoever").value("select current_user") == "other"


def test_libpq_logs_in_by_every_method(pooler):
    for method in ("plain", "md5", "scram-sha-256"):
        p = pooler(auth_type=method, userlist={"app": PASSWORD})
        with p.connect(password=PASSWORD) as conn:
            assert conn.execute("select 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            p.connect(password="no")


def test_password_with_quotes_and_beyond_ascii(pooler):
    word = 'pä"ss\\w\'örd €'
    for method in ("plain", "md5", "scram-sha-256"):
        p = pooler(auth_type=method, userlist={"app": word})
        assert p.raw(password=word).value("select 1") == "1"


# ---- nothing is told to strangers -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["plain", "md5", "scram-sha-256"])
def test_unknown_user_looks_like_a_wrong_password(pooler, method):
    p = pooler(auth_type=method, userlist={"app": PASSWORD})
    known, known_trace = refusal(p, "app", password="wrong")
    unknown, unknown_trace = refusal(p, "nobody", password="wrong")
    assert steps(known_trace) == steps(unknown_trace)
    assert unknown.text == known.text.replace("app", "nobody")
    drop = "FLRM"
    assert ({k: v for k, v in unknown.fields().items() if k not in drop}
            == {k: v for k, v in known.fields().items() if k not in drop})


@pytest.mark.pgweir
@pytest.mark.parametrize("method", ["plain", "md5", "scram-sha-256"])
def test_unknown_database_is_told_only_to_users(pooler, method):
    p = pooler(auth_type=method, userlist={"app": PASSWORD})
    right, right_trace = refusal(p, "app", "nowhere", PASSWORD)
    wrong, wrong_trace = refusal(p, "app", "nowhere", "wrong")
    assert right.sqlstate == "3D000"
    assert wrong.sqlstate == "28P01"
    _, usual = refusal(p, "app", "app", "wrong")
    assert steps(usual) == steps(wrong_trace)
    assert steps(right_trace)[:len(steps(usual))] == steps(usual)


def test_mock_salt_does_not_change(pooler):
    """A salt that changed from login to login would give an unknown user away."""
    p = pooler(auth_type="scram-sha-256", userlist={"app": SECRETS["scram"]("app")})

    def salt(user):
        client = p.open()
        client.send(rawwire.startup(user, "app"))
        client.read_until("R")
        first = b"n,,n=,r=abcdefghijklmnopqr"
        client.send(message("p", cstr("SCRAM-SHA-256") + len(first).to_bytes(4, "big") + first))
        parts = client.read().body[4:].decode().split(",")
        client.drop()
        return parts[1:]

    assert salt("nobody") == salt("nobody")
    assert salt("app") == salt("app")
    assert salt("nobody") != salt("somebody")
    assert salt("nobody")[1] == salt("app")[1] == "i=4096"


@pytest.mark.pgweir
def test_mock_iterations_are_the_usual_ones(pooler):
    """Where all secrets were made with 10000 iterations, one with 4096 would be nobody's."""
    secret = rawwire.scram_secret(PASSWORD, iterations=10000)
    p = pooler(auth_type="scram-sha-256", userlist={"app": secret, "other": secret})

    def iterations(user):
        client, _ = scram_until_first(p, user=user)
        return client.read().body[4:].decode().split(",")[2]

    assert iterations("nobody") == iterations("app") == "i=10000"


def test_wrong_password_after_a_good_login(pooler):
    """A warm server connection lets nobody in."""
    p = pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD}, pool_size=1)
    assert p.raw(password=PASSWORD).value("select 1") == "1"
    error, _ = refusal(p, "app", password="wrong")
    assert error.sqlstate == "28P01"


def test_refused_logins_open_no_server_connection(pooler, cluster):
    p = pooler(auth_type="md5", userlist={"app": PASSWORD})
    for _ in range(5):
        refusal(p, "app", password="wrong")
    assert cluster.backends() == []


# ---- SCRAM, bent ------------------------------------------------------------------------------------


def scram_until_first(p, gs2="n,,", user="app"):
    client = p.open()
    client.send(rawwire.startup(user, "app"))
    client.read_until("R")
    scram = rawwire.Scram(PASSWORD, gs2)
    first = scram.first()
    client.send(message("p", cstr("SCRAM-SHA-256") + len(first).to_bytes(4, "big") + first))
    return client, scram


def ends_refused(client):
    said = client.rest()
    assert [m.kind for m in said] == ["E"], said
    assert said[0].severity == "FATAL"
    assert said[0].sqlstate in ("28P01", "08P01", "28000")


def test_bent_scram_final_is_refused(pooler):
    p = pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD})
    for bend in ({"nonce": "somebodyelses"}, {"binding": "eSws"}, {"binding": "!!!"}, {"proof": "AAAA"},
                 {"proof": "***"}, {"proof": ""}, {"nonce": ""}):
        client, scram = scram_until_first(p)
        client.send(message("p", scram.final(client.read().body[4:], **bend)))
        ends_refused(client)
        client.drop()
    assert p.raw(password=PASSWORD).value("select 1") == "1"


def test_client_that_could_bind_channels_is_let_in(pooler):
    """gs2 flag y: the client has TLS in mind, we offer no -PLUS."""
    p = pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD})
    client, scram = scram_until_first(p, gs2="y,,")
    client.send(message("p", scram.final(client.read().body[4:])))
    assert client.ready()[-1].kind == "Z"


MALFORMED = [
    b"", b"\0", cstr("SCRAM-SHA-256"), cstr("SCRAM-SHA-256") + b"\xff\xff\xff\xfen,,",
    cstr("SCRAM-SHA-256") + b"\0\0\0\4n,,x", cstr("SCRAM-SHA-256") + b"\x7f\xff\xff\xffn,,",
    cstr("SCRAM-SHA-256-PLUS") + b"\0\0\0\x0ap=x,,n=,r=", cstr("NTLM") + b"\0\0\0\0",
    cstr("SCRAM-SHA-256") + b"\0\0\0\x0fp=tls,,n=,r=abc", cstr("SCRAM-SHA-256") + b"\0\0\x20\0" + b"n" * 8192,
]


def test_malformed_sasl_is_refused(pooler):
    p = pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD})
    for body in MALFORMED:
        client = p.open()
        client.send(rawwire.startup("app", "app"))
        client.read_until("R")
        client.send(message("p", body))
        ends_refused(client)
        client.drop()
    assert p.raw(password=PASSWORD).value("select 1") == "1"


@pytest.mark.parametrize("method", ["plain", "md5", "scram-sha-256"])
def test_something_else_than_a_password(pooler, method):
    p = pooler(auth_type=method, userlist={"app": PASSWORD})
    client = p.open()
    client.send(rawwire.startup("app", "app"))
    client.read_until("R")
    client.send(rawwire.Q("select 1"))
    ends_refused(client)


# ---- logging in to the server -----------------------------------------------------------------------


@pytest.mark.parametrize("user,secret", [
    ("u_scram", "plain"), ("u_md5", "plain"), ("u_md5", "md5"), ("u_plain", "plain"), ("u_trust", "plain"),
    ("u_trust", "scram"),
])
def test_server_asks_for_a_password_too(pooler, user, secret):
    p = pooler(auth_type="md5", userlist={user: SECRETS[secret](user)})
    assert p.raw(user, password=PASSWORD).value("select current_user") == user


@pytest.mark.parametrize("workers", [1, 3])
def test_scram_keys_are_passed_through(pooler, cluster, workers):
    """Only the server's own SCRAM secret is known: the client's login opens the server's door."""
    ((secret,),) = cluster.sql("select rolpassword from pg_authid where rolname = 'u_scram'")
    p = pooler(auth_type="scram-sha-256", userlist={"u_scram": secret}, workers=workers)
    assert p.raw("u_scram", password=PASSWORD).value("select current_user") == "u_scram"
    error, _ = refusal(p, "u_scram", password="wrong")
    assert error.sqlstate == "28P01"
    clients = [p.raw("u_scram", password=PASSWORD) for _ in range(4)]
    for c in clients:
        c.query("begin")
    pids = {c.value("select pg_backend_pid()") for c in clients}
    assert len(pids) == 4, "further connections are opened with the keys too"


def test_forced_user_and_password(pooler):
    p = pooler(auth_type="md5", userlist={"app": "clients word"},
               databases={"app": lambda p: p.db("app", user="u_scram", password=PASSWORD)})
    client = p.raw(password="clients word")
    assert client.value("select current_user") == "u_scram"


def test_users_do_not_share_servers(pooler, cluster):
    p = pooler(pool_size=1)
    users = ["app", "other", "third"]
    clients = [p.raw(user) for user in users]
    for _ in range(3):
        assert [c.value("select current_user") for c in clients] == users
    assert len(cluster.backends()) == 3


# ---- what is said at login --------------------------------------------------------------------------


def test_login_tells_the_servers_parameters(pooler, cluster, shape):
    p = pooler(**shape)
    with rawwire.Client(("127.0.0.1", cluster.port)).login("app", "app") as direct:
        wanted = {k: v for k, v in direct.params.items()}
    assert {k: v for k, v in p.raw().params.items() if k in wanted} == wanted


def test_cancel_keys_are_ours_and_random(pooler):
    p = pooler()
    clients = [p.raw() for _ in range(20)]
    assert len({c.key for c in clients}) == 20
    servers = {c.value("select pg_backend_pid()") for c in clients}
    assert all(len(c.key) == 4 for c in clients)
    assert not {str(c.pid) for c in clients} <= servers


def test_database_defaults_to_the_users_name(pooler):
    p = pooler()
    assert p.raw("app", None).value("select current_database()") == "app"


def test_fallback_database(pooler):
    p = pooler(databases={"*": lambda p: p.db(None)})
    assert p.raw("app", "other").value("select current_database()") == "other"


def test_alias_database(pooler):
    p = pooler(databases={"shop": lambda p: p.db("other")})
    assert p.raw("app", "shop").value("select current_database()") == "other"


@pytest.mark.pgweir
def test_quoted_database_name(pooler):
    p = pooler(databases={'"My Shop"': lambda p: p.db("other")})
    assert p.raw("app", "My Shop").value("select current_database()") == "other"


def test_login_that_never_ends_is_ended(pooler):
    p = pooler(client_login_timeout=5, auth_type="md5", userlist={"app": PASSWORD})
    silent = p.open()
    half = p.open()
    half.send(rawwire.startup("app", "app")[:11])
    asked = p.open()
    asked.send(rawwire.startup("app", "app"))
    asked.read_until("R")
    assert [m.kind for m in silent.rest()] in ([], ["E"])
    assert [m.kind for m in half.rest()] in ([], ["E"])
    (error,) = asked.rest()
    assert error.severity == "FATAL"
    assert "client_login_timeout" in error.text
    assert p.raw(password=PASSWORD).value("select 1") == "1"


def test_many_logins_at_once(pooler, shape):
    p = pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD}, pool_size=3, **shape)
    clients = all_at_once([lambda: p.raw(password=PASSWORD) for _ in range(24)], deadline=DEADLINE * 3)
    assert all_at_once([lambda c=c: c.value("select 7") for c in clients]) == ["7"] * 24


def test_login_is_logged(pooler):
    p = pooler(log_connections=1, log_disconnections=1)
    client = p.raw()
    p.wait_log(r"app.*127\.0\.0\.1|127\.0\.0\.1.*app")
    before = len(p.log())
    client.close()
    until(lambda: "127.0.0.1" in p.log()[before:], "the end of the session is logged")


def test_no_secret_in_the_log(pooler, cluster):
    p = pooler(auth_type="plain", userlist={"u_scram": "sesame-" + PASSWORD, "app": "sesame-open"}, verbose=2)
    with pytest.raises((Refused, AssertionError)):
        p.raw("u_scram", password="sesame-" + PASSWORD).value("select 1")
    refusal(p, "app", password="sesame-wrong")
    assert p.raw(password="sesame-open").value("select 1") == "1"
    assert "sesame" not in p.log()
