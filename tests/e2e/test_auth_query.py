"""auth_query: users whom only the server knows, and what can go wrong when it is asked about them."""

import time

import psycopg
import pytest

import rawwire
from pooler import ROOT
from rawwire import Refused
from strictserver import ASKER, WORD, own_strict, strict  # noqa: F401
from waiting import all_at_once, until

pytestmark = pytest.mark.pgweir

# The pattern that the manuals of poolers show: a function that runs with its owner's rights.
FUNCTION = """
create schema lookup;
create table lookup.asked (who text);
create function lookup.get_auth(p_user text) returns table (username text, password text)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into lookup.asked values (p_user);
    return query select a.rolname::text, a.rolpassword::text from pg_catalog.pg_authid a
        where a.rolname = p_user and a.rolcanlogin and (a.rolvaliduntil is null or a.rolvaliduntil > now());
end $$;
revoke all on function lookup.get_auth(text) from public;
grant usage on schema lookup to asker;
grant execute on function lookup.get_auth(text) to asker;
"""

GET_AUTH = "select username, password from lookup.get_auth($1)"


@pytest.fixture(scope="module")
def looked_up(strict):
    """The same server with the function."""
    strict.in_app(FUNCTION)
    yield strict


@pytest.fixture
def asking(make_pooler):
    """A pooler that knows nobody but the one who asks."""
    def make(cluster, **settings):
        settings = {"auth_type": "scram-sha-256", "auth_user": "asker", "pool_size": 2, "auth_cache_time": 60,
                    "auth_failure_delay": 0, "userlist": {"asker": ASKER, "admin": "x"},
                    "databases": {"app": lambda p: p.db("app")}, **settings}
        return make_pooler(cluster, **settings)

    return make


@pytest.fixture
def counting(asking, looked_up):
    """The same with a function that counts how often it is asked: pooler, count()."""
    looked_up.in_app("truncate lookup.asked")

    def make(**settings):
        p = asking(looked_up, auth_query=GET_AUTH, **settings)

        def count(user="u_known"):
            return looked_up.in_app(f"select count(*) from lookup.asked where who = '{user}'")[0][0]

        return p, count

    return make


def refused(p, user="u_known", password=WORD, database="app"):
    client = p.open()
    with pytest.raises(Refused) as refusal:
        client.login(user, database, password)
    return refusal.value.error


def backends(cluster):
    return cluster.backends("application_name = 'pgweir auth_query'")


@pytest.fixture(params=[1, 3])
def workers(request):
    return request.param


# ---- who comes in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "plain"])
def test_user_of_the_server_comes_in(asking, strict, method, workers):
    p = asking(strict, auth_type=method, workers=workers)
    assert p.raw("u_known", password=WORD).value("select current_user") == "u_known"
    with p.connect("u_known", password=WORD) as conn:
        assert conn.execute("select 1").fetchone() == (1,)
    assert p.psql("select current_user", user="u_known", env={"PGPASSWORD": WORD}) == "u_known"
    for wrong in ("wrong", "", WORD + " "):
        assert refused(p, password=wrong).sqlstate == "28P01"


def test_md5_secret_of_the_server(asking, strict):
    """A secret that is an md5 hash: the client is asked for md5, and so may the server be."""
    p = asking(strict, auth_type="md5")
    assert p.raw("u_md5", password=WORD).value("select current_user") == "u_md5"
    assert refused(p, "u_md5", "wrong").sqlstate == "28P01"


@pytest.mark.parametrize("user", ["u_expired", "u_nologin", "u_empty", "nobody"])
@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "plain"])
def test_who_may_not_log_in(asking, strict, method, user):
    """All of them look like a wrong password."""
    p = asking(strict, auth_type=method)
    wrong = refused(p, "u_known", "wrong")
    error = refused(p, user)
    assert error.sqlstate == "28P01"
    assert error.text == wrong.text.replace("u_known", user)


def asked_for(p, user):
    """The method's number: 5 is md5, 10 is SASL."""
    client = p.open()
    client.send(rawwire.startup(user, "app"))
    kind = int.from_bytes(client.read().body[:4], "big")
    client.drop()
    return kind


@pytest.mark.parametrize("word,kind", [("scram-sha-256", 10), ("md5", 5)])
def test_nobody_is_asked_for_what_users_are_asked_for(asking, own_strict, word, kind):
    own_strict.sql(f"set password_encryption = '{word}'; alter role u_known password 'pencil'")
    p = asking(own_strict, auth_type="md5")
    for _ in range(2):
        assert [asked_for(p, user) for user in ("u_known", "nobody", "u_nologin")] == [kind] * 3


def test_function_as_the_query(counting, workers):
    """A function with its owner's rights, called by a user who may do nothing else."""
    p, count = counting(workers=workers)
    assert p.raw("u_known", password=WORD).value("select current_user") == "u_known"
    assert count() == 1
    for user in ("u_expired", "u_nologin", "nobody"):
        assert refused(p, user).sqlstate == "28P01"
        assert count(user) == 1


def test_auth_file_goes_first(counting):
    p, count = counting(userlist={"asker": ASKER, "u_known": "local"})
    assert refused(p, password=WORD).sqlstate == "28P01"
    assert count() == 0


def test_trust_takes_those_whom_the_server_has(asking, strict):
    p = asking(strict, auth_type="trust", databases={"app": lambda p: p.db("app", user="u_known", password=WORD)})
    assert p.raw("u_known").value("select 1") == "1"
    assert p.raw("u_md5").value("select 1") == "1"
    assert refused(p, "nobody").sqlstate == "28P01"
    assert refused(p, "u_nologin").sqlstate == "28P01"


def test_the_one_who_asks_logs_in_like_anybody(asking, strict):
    p = asking(strict)
    assert p.raw("asker", password=ASKER).value("select current_user") == "asker"
    assert refused(p, "asker", "no").sqlstate == "28P01"


def test_the_one_who_asks_is_of_the_server_too(asking, strict):
    """Not in auth_file: it is looked up by itself, as long as the server lets it in."""
    p = asking(strict, userlist={}, auth_user="postgres",
               databases={"app": lambda p: f"host={strict.sockets} port={strict.port} dbname=app"})
    assert p.raw("u_known", password=WORD).value("select current_user") == "u_known"
    assert p.raw("asker", password=ASKER).value("select current_user") == "asker"


def test_the_one_who_asks_has_an_md5_secret(asking, strict):
    strict.sql("set password_encryption = md5; create role asker_md5 login superuser password 'word'; "
               "reset password_encryption")
    hba = strict.data / "pg_hba.conf"
    hba.write_text("host all asker_md5 127.0.0.1/32 md5\n" + hba.read_text())
    strict.sql("select pg_reload_conf()")
    p = asking(strict, auth_user="asker_md5", userlist={"asker_md5": rawwire.md5_secret("asker_md5", "word")})
    assert p.raw("u_known", password=WORD).value("select 1") == "1"


# ---- where and how it asks ---------------------------------------------------------------------------


def test_settings_of_a_database(asking, looked_up):
    """auth_user, auth_query and auth_dbname in [databases] win over those in [pgweir]."""
    query = GET_AUTH.replace("'", "''")
    p = asking(looked_up, auth_user="", databases={
        "off": lambda p: p.db("app"),
        "on": lambda p: p.db("other", auth_user="asker", auth_dbname="app", auth_query=f"'{query}'"),
        "app": lambda p: p.db("app"),
    })
    assert p.raw("u_known", database="on", password=WORD).value("select current_database()") == "other"
    assert refused(p, database="off").sqlstate == "28P01"
    [(database,)] = looked_up.sql("select datname from pg_stat_activity where application_name = 'pgweir auth_query'")
    assert database == "app"


def test_console_by_auth_dbname(asking, strict):
    p = asking(strict, auth_dbname="app", admin_users="u_known")
    assert p.raw("u_known", "pgweir", WORD).rows("show version")
    assert refused(p, database="pgweir", password="no").sqlstate == "28P01"
    without = asking(strict, admin_users="u_known")
    assert refused(without, database="pgweir").sqlstate == "28P01"


def test_one_connection_is_kept(asking, strict):
    p = asking(strict, auth_cache_time=0)
    pids = set()
    for _ in range(5):
        p.raw("u_known", password=WORD).close()
        pids.update(backends(strict))
    assert len(pids) == 1


UNQUALIFIED = "select rolname, rolpassword from pg_authid where rolname = $1 and rolvaliduntil is null"


@pytest.mark.parametrize("query", [None, UNQUALIFIED])
def test_search_path_is_nobodys(asking, own_strict, query):
    """Neither a client's parameters nor the database's or the user's own settings lead the query astray."""
    own_strict.in_app("""
        create schema evil; grant usage on schema evil to public;
        create function evil.now() returns timestamptz language sql as $$ select '1990-01-01'::timestamptz $$;
        create table evil.pg_authid as select rolname, 'md5' || md5('pwned' || rolname) as rolpassword,
            true as rolcanlogin, null::timestamptz as rolvaliduntil from pg_roles;
        create function evil.eq(name, text) returns boolean language sql as $$ select true $$;
        create operator evil.= (leftarg = name, rightarg = text, function = evil.eq);
        grant select on all tables in schema evil to public;
        alter role asker set search_path = evil, pg_catalog;
        alter database app set search_path = evil, pg_catalog""")
    p = asking(own_strict, auth_type="md5", **({"auth_query": query} if query else {}))
    for user in ("u_known", "u_expired"):
        for params in ({}, {"search_path": "evil, pg_catalog"}, {"options": "-c search_path=evil"}):
            with pytest.raises(Refused) as refusal:
                p.open().login(user, "app", "pwned", **params)
            assert refusal.value.error.sqlstate == "28P01"
    assert p.raw("u_known", password=WORD).value("show search_path") == "evil, pg_catalog"


def test_names_that_want_to_be_more(asking, strict):
    """What a client calls itself is a value, whatever is in it."""
    p = asking(strict, verbose=0)
    assert p.raw('Ü"x\'y', password=WORD).value("select current_user") == 'Ü"x\'y'
    long = "l" * 63
    strict.sql(f"create role {long} login password '{WORD}'")
    try:
        for name in (long, long + "l", long + "x" * 400):  # the server has no longer ones, and cuts them
            assert p.raw(name, password=WORD).value("select current_user") == long
        for name in (long[:-1], long.upper(),
                     "u_known' or 'a'='a", "u_known\\", "u_known;--", "$1", "%s", "U_KNOWN", " u_known", "u_known ",
                     "\n", "postgres", "*"):
            assert refused(p, name).sqlstate == "28P01", name
        for raw_name in (b"\xff\xfe", b"u_known\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80" * 20):
            assert refused_bytes(p, raw_name) == "28P01"
    finally:
        strict.sql(f"drop role {long}")
    assert p.raw("u_known", password=WORD).value("select 1") == "1"


def refused_bytes(p, user):
    """A start-up packet with a name that is no text; the exchange is gone through with any password."""
    body = b"\0\3\0\0user\0" + user + b"\0database\0app\0\0"
    client = p.open()
    client.send((len(body) + 4).to_bytes(4, "big") + body)
    with pytest.raises(Refused) as refusal:
        client.finish_login("whoever", "any")
    return refusal.value.error.sqlstate


def test_databases_that_clients_make_up(asking, strict):
    """Behind * each name would cost a login at the server: they are bounded."""
    p = asking(strict, databases={"*": lambda p: p.db(None)}, auth_failure_delay=0)
    assert p.raw("u_known", database="other", password=WORD).value("select current_database()") == "other"
    strict.log_mark()
    began = time.monotonic()
    answers = {refused(p, database=f"made_up_{i}").sqlstate for i in range(120)}
    took = time.monotonic() - began
    assert answers <= {"28P01", "08006"}
    tried = strict.log_since().count('FATAL:  database "made_up_')
    assert 1 <= tried <= 32 + took / 0.25 + 2, f"{tried} logins at the server in {took:.1f} s"
    assert p.raw("u_known", database="other", password=WORD).value("select 1") == "1"


# ---- queries that are of no use -----------------------------------------------------------------------


@pytest.mark.parametrize("query,why", [
    ("select nonsense", "column .nonsense. does not exist"),
    ("select rolname from pg_authid where rolname = $1", "fewer than two columns"),
    ("update pg_authid set rolname = rolname where rolname = $1", "no query that gives rows"),
    ("copy pg_authid to stdout", "$|what is no result|parameter"),
    ("select u, p from get_auth($1)", "does not exist"),
    ("select rolname, rolpassword, 'soon' as valuntil from pg_authid where rolname = $1", "no time stamp"),
])
def test_query_of_no_use(asking, strict, query, why):
    p = asking(strict, auth_query=query, databases={"app": lambda p: p.db("app"),
                                                     "good": lambda p: p.db("app", auth_query=f"'{GOOD}'")})
    error = refused(p)
    assert (error.severity, error.sqlstate) == ("FATAL", "08006")
    assert "looked up" in error.text
    p.wait_log(f"auth_query in .app. as .asker.: .*({why})")
    assert p.raw("u_known", database="good", password=WORD).value("select 1") == "1"


GOOD = "select rolname, rolpassword from pg_authid where rolname = $1 and rolcanlogin"


@pytest.mark.parametrize("query,why", [
    ("select $1::text, rolpassword from pg_authid where rolname in ($1, ''asker'')", "several rows"),
    ("select ''asker'', rolpassword from pg_authid where rolname = $1", "another user's name"),
    ("select rolname, null from pg_authid where rolname = $1", "no password"),
    ("select rolname, rolpassword, ''2020-01-01''::timestamptz as valuntil from pg_authid where rolname = $1",
     "expired"),
    ("select rolname, rolpassword, null as x, false as rolcanlogin from pg_authid where rolname = $1",
     "may not log in"),
    ("select rolname, ''SCRAM-SHA-256$x'' from pg_authid where rolname = $1", "neither"),
])
def test_rows_that_let_nobody_in(asking, strict, query, why):
    p = asking(strict, databases={"app": lambda p: p.db("app", auth_query=f"'{query}'")})
    assert refused(p).sqlstate == "28P01"
    p.wait_log(why)


def test_hidden_secrets_are_no_passwords(asking, strict):
    """pg_roles shows eight asterisks for everybody's."""
    p = asking(strict, auth_type="plain", auth_query="select rolname, rolpassword from pg_roles where rolname = $1")
    assert refused(p, password="********").sqlstate != "28P01"
    p.wait_log("auth_query gave asterisks for a secret")


def test_more_columns_that_let_in(asking, strict):
    p = asking(strict, auth_query="select rolname, rolpassword, 'infinity'::timestamptz as rolvaliduntil, rolcanlogin, "
                                  "oid from pg_authid where rolname = $1")
    assert p.raw("u_known", password=WORD).value("select 1") == "1"
    assert refused(p, "u_nologin").sqlstate == "28P01"


# ---- what is remembered -------------------------------------------------------------------------------


def test_answer_is_remembered(counting, workers):
    p, count = counting(workers=workers, auth_cache_time=60)
    for _ in range(5):
        p.raw("u_known", password=WORD).close()
    assert count() == 1


def test_or_not(counting):
    p, count = counting(auth_cache_time=0)
    for _ in range(5):
        p.raw("u_known", password=WORD).close()
    assert count() == 5


def test_answer_grows_old(counting):
    p, count = counting(auth_cache_time=0.2)
    p.raw("u_known", password=WORD).close()

    def asked_again():
        p.raw("u_known", password=WORD).close()
        return count() >= 2

    until(asked_again, "it is asked again")


def test_nobody_is_nobody_for_a_moment_only(counting, looked_up):
    p, count = counting(auth_cache_time=60)
    assert refused(p, "u_late").sqlstate == "28P01"
    looked_up.sql(f"create role u_late login password '{WORD}'")
    try:
        until(lambda: came_in(p, "u_late"), "it comes in")
    finally:
        looked_up.sql("drop role u_late")


def came_in(p, user="u_known", password=WORD):
    try:
        p.raw(user, password=password).close()
        return True
    except Refused:
        return False


def test_reload_forgets(counting):
    p, count = counting(admin_users="admin", userlist={"asker": ASKER, "admin": "x"})
    p.raw("u_known", password=WORD).close()
    console = p.open().login("admin", "pgweir", "x")
    console.query("reload")
    p.raw("u_known", password=WORD).close()
    assert count() == 2


def test_login_older_than_a_reload_leaves_nothing_behind(asking, own_strict, strict):
    """It goes on by the configuration that it began with, and asks the server of then."""
    p = asking(own_strict, auth_cache_time=600)
    early = p.open()
    console = p.open().login("admin", "pgweir", "x")
    until(lambda: logging_in(console) == 1, "it is there")
    p.databases = {"app": f"host=127.0.0.1 port={strict.port}"}
    p.write_ini()
    console.query("reload")
    with pytest.raises(Refused):
        early.login("u_known", "app", "wrong")
    assert backends(own_strict) and not backends(strict)
    assert p.raw("u_known", password=WORD).value("select 1") == "1"
    assert backends(strict)


def test_those_who_come_together_share_a_query(counting, looked_up, workers):
    """The function waits for a lock: one query is there, and all clients wait for it."""
    p, count = counting(workers=workers, auth_cache_time=0)
    console = p.open().login("admin", "pgweir", "x")
    with looked_up.connect() as holder:
        holder.execute("begin; lock lookup.asked")
        clients = [p.open() for _ in range(30)]
        for client in clients:
            client.send(rawwire.startup("u_known", "app"))
        until(lambda: looked_up.backends("application_name = 'pgweir auth_query' and wait_event_type = 'Lock'"),
              "the query waits")
        until(lambda: logging_in(console) == 30, "all of them are there")
        assert logging_in(console) == 30, "and a look later they have been heard"
        assert len(backends(looked_up)) == 1
        clients.pop().drop()  # one has left before the answer comes
        holder.execute("commit")
    for client in clients:
        client.finish_login("u_known", WORD)
        assert client.value("select 1") == "1"
    assert count() <= 2


def logging_in(console):
    return next(int(row["items"]) for row in console.dicts("show lists") if row["list"] == "login_clients")


@pytest.mark.parametrize("method", ["md5", "plain", "scram-sha-256"])
def test_password_change(asking, own_strict, method):
    """The old one is remembered; who fails with that has it asked for again."""
    own_strict.sql("set password_encryption = md5; alter role u_md5 password 'pencil'")
    user = "u_md5" if method == "md5" else "u_known"
    p = asking(own_strict, auth_type=method, auth_cache_time=600)
    p.raw(user, password=WORD).close()
    own_strict.sql(f"set password_encryption = '{'md5' if method == 'md5' else 'scram-sha-256'}'; "
                   f"alter role {user} password 'fresh'")
    if method == "scram-sha-256":  # the salt that the client has used was the old one's
        assert refused(p, user, "fresh").sqlstate == "28P01"
    assert p.raw(user, password="fresh").value("select 1") == "1"
    assert refused(p, user, WORD).sqlstate == "28P01"


def test_wrong_passwords_do_not_become_a_storm(counting):
    p, count = counting(auth_cache_time=600, auth_type="md5")
    p.raw("u_known", password=WORD).close()
    for _ in range(40):
        refused(p, password="wrong")
    assert count() < 40


# ---- servers that do not answer -----------------------------------------------------------------------


def test_dead_server(asking, own_strict, strict):
    """Others log in as before; when it is back, so do its users."""
    p = asking(own_strict, server_login_retry=0.2, userlist={"asker": ASKER, "u_md5": WORD, "admin": "x"}, databases={
        "app": lambda p: p.db("app"),
        "alive": lambda p: f"host=127.0.0.1 port={strict.port} dbname=app"})
    p.raw("u_known", password=WORD).close()
    own_strict.stop()
    for user in ("u_expired", "nobody", "u_nologin"):
        error = refused(p, user)
        assert (error.severity, error.sqlstate) == ("FATAL", "08006")
        assert "looked up" in error.text
        assert str(own_strict.port) not in str(error.fields())
    assert p.raw("u_known", database="alive", password=WORD).value("select 1") == "1"
    p.wait_log("auth_query in .app. as .asker.: .*")
    own_strict.start()
    until(lambda: refused(p, "nobody").sqlstate == "28P01", "the server is asked when it is back")
    assert p.raw("u_known", password=WORD).value("select 1") == "1"


def test_connection_that_died_while_it_idled(asking, strict):
    p = asking(strict, auth_cache_time=0)
    p.raw("u_known", password=WORD).close()
    strict.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgweir auth_query'")
    until(lambda: not backends(strict))
    assert p.raw("u_known", password=WORD).value("select 1") == "1"


def test_wrong_secret_of_the_one_who_asks(asking, strict):
    p = asking(strict, userlist={"asker": "wrong"}, server_login_retry=60)
    strict.log_mark()
    assert {refused(p, f"u{i}").sqlstate for i in range(20)} == {"08006"}
    assert strict.log_since().count('password authentication failed for user "asker"') == 1


def test_query_that_hangs(counting, looked_up):
    """Its clients are told in time, and the server does not go on with it."""
    p, count = counting(server_connect_timeout=5, auth_cache_time=0)
    p.raw("u_known", password=WORD).close()
    with looked_up.connect() as holder:
        holder.execute("begin; lock lookup.asked")
        assert refused(p).sqlstate == "08006"
        until(lambda: not looked_up.backends("application_name = 'pgweir auth_query' and wait_event_type = 'Lock'"))
        holder.execute("commit")
    until(lambda: came_in(p), "it comes in afterwards")


def test_shutdown_while_it_is_asked(counting, looked_up, workers):
    p, _ = counting(workers=workers, auth_cache_time=0)
    with looked_up.connect() as holder:
        holder.execute("begin; lock lookup.asked")
        clients = [p.open() for _ in range(5)]
        for client in clients:
            client.send(rawwire.startup("u_known", "app"))
        until(lambda: looked_up.backends("application_name = 'pgweir auth_query' and wait_event_type = 'Lock'"))
        p.stop()
        holder.execute("rollback")


# ---- secrets ------------------------------------------------------------------------------------------


def test_scram_is_passed_through_and_no_password_is_there(asking, strict):
    """The client proves its password to the server through the pooler, which never has it."""
    p = asking(strict, verbose=3, auth_cache_time=60)
    word = "Xq7-pass-word-nobody-else-has"
    strict.sql(f"create role u_secret login password '{word}'")
    try:
        client = p.raw("u_secret", password=word)
        assert client.value("select current_user") == "u_secret"
        assert word not in p.log()
        assert "SCRAM-SHA-256$" not in p.log()
        if not p.binary.sanitized():  # whose shadow is larger than this machine
            assert word.encode() not in memory(p.pid)
        shown = str(p_config(p))
        assert ASKER not in shown and "SCRAM-SHA-256$" not in shown
        client.close()
    finally:
        strict.sql("drop role u_secret")


def p_config(p):
    return p.open().login("admin", "pgweir", "x").dicts("show config")


def memory(pid):
    """What is in the process's memory that may be written to."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            where, mode = line.split()[:2]
            start, end = (int(x, 16) for x in where.split("-"))
            if mode.startswith("rw"):
                try:
                    mem.seek(start)
                    found.append(mem.read(end - start))
                except OSError:
                    continue
    return b"".join(found)


# ---- what the README says -----------------------------------------------------------------------------


def test_example_of_the_readme(asking, own_strict):
    chapter = (ROOT / "README.md").read_text().split("### Users that only the server knows")[1].split("\n###")[0]
    statements = chapter.split("```sql\n")[1].split("```")[0].replace("'...'", f"'{ASKER}'")
    settings = dict(line.split(" = ", 1) for line in chapter.split("```ini\n")[1].split("```")[0].strip().split("\n"))
    with own_strict.connect(settings["auth_dbname"]) as conn:
        conn.execute(statements)
    p = asking(own_strict, userlist={settings["auth_user"]: ASKER}, **settings,
               databases={"app": lambda p: p.db("app"), "postgres": lambda p: p.db("postgres")})
    assert p.raw("u_known", password=WORD).value("select current_user") == "u_known"
    for user in ("u_expired", "u_nologin", "nobody"):
        assert refused(p, user).sqlstate == "28P01"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        with psycopg.connect(own_strict.conninfo(user="u_known", host="127.0.0.1") + f" password={WORD}") as conn:
            conn.execute("select * from pgweir.get_auth('asker')")
