"""auth_type = pass: the server says whether a password is right, and nobody comes by that."""

import psycopg
import pytest

import rawwire
from authority import Authority
from rawwire import Refused
from strictserver import WORD, own_strict, strict  # noqa: F401
from waiting import all_at_once, until, until_equal

pytestmark = pytest.mark.pgweir


@pytest.fixture
def passing(make_pooler):
    """A pooler that knows nobody; without TLS it is spoken to by its Unix socket."""
    def make(cluster, **settings):
        settings = {"auth_type": "pass", "pool_size": 2, "userlist": {}, "auth_cache_time": 60,
                    "auth_failure_delay": 0,
                    "databases": {"app": lambda p: p.db("app")}, **settings}
        return make_pooler(cluster, **settings)

    return make


def raw(p, user="u_known", password=WORD, database="app"):
    return p.open(address=p.socket_path).login(user, database, password)


def refused(p, user="u_known", password=WORD, database="app", address=None):
    client = p.open(address=address or p.socket_path)
    with pytest.raises(Refused) as refusal:
        client.login(user, database, password)
    return refusal.value.error


def logins(cluster, user="u_known"):
    return cluster.log_since().count(f"connection authorized: user={user} ")


@pytest.fixture(params=[1, 3])
def workers(request):
    return request.param


# ---- the server is the judge --------------------------------------------------------------------------


def test_right_and_wrong(passing, strict, workers):
    p = passing(strict, workers=workers)
    assert raw(p).value("select current_user") == "u_known"
    for wrong in ("wrong", WORD + " ", WORD.upper()):
        error = refused(p, password=wrong)
        assert (error.sqlstate, error.text) == ("28P01", 'password authentication failed for user "u_known"')
    assert raw(p, "u_md5").value("select current_user") == "u_md5"
    with psycopg.connect(p.conninfo("u_known", host=p.directory, password=WORD)) as conn:
        assert conn.execute("select current_user").fetchone() == ("u_known",)
    assert p.psql("select 1", user="u_known", env={"PGHOST": str(p.directory), "PGPASSWORD": WORD}) == "1"


@pytest.mark.parametrize("user", ["u_expired", "u_nologin", "u_empty", "nobody"])
def test_who_may_not_log_in(passing, strict, user):
    """What the server says of them goes to the log and no further."""
    p = passing(strict)
    error = refused(p, user)
    assert error.sqlstate == "28P01"
    assert error.text == f'password authentication failed for user "{user}"'
    assert set(error.fields()) == set(refused(p, "u_known", "wrong").fields())
    p.wait_log(f"app/{user}: the client's password is not taken")


def test_empty_password_is_never_tried(passing, strict):
    strict.log_mark()
    p = passing(strict)
    assert refused(p, password="").sqlstate == "28P01"
    assert logins(strict) == 0


def test_a_warm_pool_lets_nobody_in(passing, strict, workers):
    """Server connections of that user are there, and other passwords are still asked about."""
    p = passing(strict, workers=workers, auth_cache_time=60)
    first = raw(p)
    assert first.value("select 1") == "1"
    for _ in range(3):
        for wrong in ("wrong", "", "other"):
            assert refused(p, password=wrong).sqlstate == "28P01"
    assert first.value("select 1") == "1"
    assert raw(p).value("select 1") == "1"


def test_users_of_auth_file_are_judged_by_it(passing, strict):
    p = passing(strict, userlist={"u_known": "local"})
    assert refused(p, password=WORD).sqlstate == "28P01"
    client = p.open(address=p.socket_path)
    with pytest.raises(Refused):  # it is let in here, and that is no password of the server's
        client.login("u_known", "app", "local")
        client.query("select 1")
    p.wait_log("server app/u_known: login failed")


def test_a_server_that_asks_for_nothing_is_no_judge(passing, cluster):
    """A trusting pg_hba.conf would let everybody in as anybody."""
    p = passing(cluster)
    error = refused(p, "app", "anything")
    assert (error.sqlstate, error.severity) == ("08006", "FATAL")
    until(lambda: not cluster.backends(), "the one that was tried with ends")
    p.wait_log("it asks for no password")


def test_unknown_database(passing, strict):
    p = passing(strict)
    assert refused(p, database="nowhere").sqlstate == "28P01"


def test_database_behind_a_star(passing, strict):
    p = passing(strict, databases={"*": lambda p: p.db(None)})
    assert raw(p, database="other").value("select current_database()") == "other"
    assert refused(p, database="nowhere").sqlstate == "28P01"
    assert refused(p, database="other", password="no").sqlstate == "28P01"


def test_forced_user(passing, strict):
    """The client is judged under its own name; the pool is the other's."""
    p = passing(strict, databases={"app": lambda p: p.db("app", user="u_md5", password=WORD)})
    assert raw(p).value("select current_user") == "u_md5"
    assert refused(p, password="no").sqlstate == "28P01"


# ---- only where nobody listens --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(workdir):
    return Authority(workdir / "pass-authority").issue("localhost", sans=["localhost", "127.0.0.1"])


def test_over_tcp_it_takes_tls(passing, strict, pair):
    p = passing(strict, client_tls_sslmode="allow", client_tls_key_file=pair.key, client_tls_cert_file=pair.cert)
    with psycopg.connect(p.conninfo("u_known", sslmode="require", password=WORD)) as conn:
        assert conn.execute("select current_user").fetchone() == ("u_known",)
    client = p.open()
    with pytest.raises(Refused) as refusal:
        client.login("u_known", "app", WORD)
    assert refusal.value.error.sqlstate == "28000"
    assert "SSL required" in refusal.value.error.text
    assert not [m for m in client.login_trace if m.kind == "R"], "it must not even be asked"


def test_unless_told_otherwise(passing, strict):
    p = passing(strict, pass_requires_tls=0)
    assert p.raw("u_known", password=WORD).value("select 1") == "1"


# ---- what is remembered ---------------------------------------------------------------------------------


def test_right_password_is_remembered(passing, strict):
    p = passing(strict, pool_size=1, auth_cache_time=60)
    strict.log_mark()
    for _ in range(5):
        assert raw(p).value("select 1") == "1"
    assert logins(strict) == 2  # one to see whether it is right, and the pool's


def test_or_not(passing, strict):
    p = passing(strict, pool_size=1, auth_cache_time=0)
    strict.log_mark()
    for _ in range(3):
        raw(p).close()
    until(lambda: logins(strict) >= 4, "each login was tried")


def test_reload_forgets_it(passing, strict):
    p = passing(strict, pool_size=1, userlist={"admin": "x"})
    raw(p).close()
    strict.log_mark()
    console = p.open(address=p.socket_path).login("admin", "pgweir", "x")
    console.query("reload")
    raw(p).close()
    until(lambda: logins(strict) >= 1, "it was tried again")


def test_login_older_than_a_reload_leaves_nothing_behind(passing, own_strict, strict):
    """What the server of then says to a password does not hold for the one of now."""
    own_strict.sql("alter role u_known password 'former'")
    p = passing(own_strict, userlist={"admin": "x"}, auth_cache_time=600)
    early = p.open(address=p.socket_path)
    console = p.open(address=p.socket_path).login("admin", "pgweir", "x")
    p.databases = {"app": f"host=127.0.0.1 port={strict.port}"}
    p.write_ini()
    console.query("reload")
    own_strict.log_mark()
    try:
        early.login("u_known", "app", "former")
    except Refused:
        pass
    until(lambda: logins(own_strict) == 1, "the server of then is asked")
    assert refused(p, password="former").sqlstate == "28P01"
    p.wait_log(f"port {strict.port}: password authentication failed")
    p.wait_log("the client's password is not taken")
    p.wait_log("login refused: the server says no")


def test_those_who_come_together_share_a_login(passing, strict, workers):
    p = passing(strict, workers=workers, pool_size=2, auth_cache_time=60)
    strict.log_mark()
    clients = all_at_once([lambda: raw(p) for _ in range(30)])
    assert [c.value("select 1") for c in clients] == ["1"] * 30
    assert logins(strict) <= 1 + 2


def test_password_change(passing, own_strict):
    """The new one works at once, and the old one does not even where a pool is warm."""
    p = passing(own_strict, auth_cache_time=60, pool_size=1)
    raw(p).close()
    own_strict.sql("alter role u_known password 'fresh'")
    assert raw(p, password="fresh").value("select 1") == "1"
    assert refused(p, password=WORD).sqlstate == "28P01"
    own_strict.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'u_known'")
    assert raw(p, password="fresh").value("select 1") == "1"


# ---- limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [{"pool_size": 1}, {"pool_size": 5, "max_db_connections": 1},
                                    {"pool_size": 5, "max_user_connections": 1}])
def test_limits_hold_exactly(passing, strict, limits, workers):
    """The login that tries a password counts as a server of the pool that it is for."""
    p = passing(strict, workers=workers, auth_cache_time=0, max_overflow=0, **limits)
    raw(p).value("select 1")

    def storm():
        for _ in range(10):
            assert refused(p, password="wrong").sqlstate == "28P01"
            assert raw(p).value("select 1") == "1"  # the last one leaves a server behind

    assert strict.most_connected([storm] * 3, 1, "usename = 'u_known'") == 1


def test_a_busy_pool_is_no_end_of_logins(passing, strict):
    """Queries that follow one another without a pause leave room for a password to be tried."""
    p = passing(strict, workers=1, auth_cache_time=0, pool_size=1, pool_timeout=20)
    busy = [raw(p) for _ in range(4)]
    for client in busy:
        client.send(*[rawwire.Q("select pg_sleep(0.02)")] * 100)
    assert raw(p).value("select 1") == "1"
    for client in busy:
        client.ready(100)


def test_a_full_pool_says_so(passing, strict):
    p = passing(strict, auth_cache_time=0, pool_size=1, pool_timeout=3)
    holder = raw(p)
    holder.query("begin")
    error = refused(p, password="other")
    assert error.sqlstate == "08006"
    assert "limit" in error.fields()["D"]
    holder.query("commit")
    assert refused(p, password="other").sqlstate == "28P01"


# ---- servers that do not answer -------------------------------------------------------------------------


def test_dead_server(passing, own_strict):
    p = passing(own_strict, server_login_retry=0.2)
    own_strict.stop()
    error = refused(p)
    assert error.sqlstate == "08006"
    assert "cannot be tried" in error.text
    own_strict.start()
    until(lambda: came_in(p), "it comes in when the server is back")


def came_in(p):
    try:
        raw(p).close()
        return True
    except Refused:
        return False


def test_no_password_is_kept_in_the_log(passing, strict):
    p = passing(strict, verbose=3)
    raw(p).value("select 1")
    refused(p, password="not-this-word")
    assert WORD not in p.log()
    assert "not-this-word" not in p.log()
    until_equal(lambda: strict.backends("usename <> 'u_known'"), [])
