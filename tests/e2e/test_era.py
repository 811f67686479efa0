"""ALTER ROLE ... SET and ALTER DATABASE ... SET are for sessions to come, in pool_mode auto too."""

import pytest

from rawwire import B, D, E, P, Q, S
from waiting import until_equal

pytestmark = pytest.mark.pgweir

OLD, NEW = "4MB", "9MB"


@pytest.fixture
def pool(make_pooler, cluster, fresh_database):
    """pool(**settings): its clients are `era`, and `boss` may alter everything; what was altered is undone at the end."""
    for role in "era login", "boss superuser login", "era_other":
        cluster.sql(f"drop role if exists {role.split()[0]}")
        cluster.sql(f"create role {role}")
    database = fresh_database()

    def make(**settings):
        users = {"era": "", "boss": "", "admin": ""}
        p = make_pooler(cluster, pool_mode="auto", databases={"shop": lambda p: p.db(database)},
                        **{"userlist": users, "pool_size": 2, "workers": 1, **settings})
        p.client = lambda user="era", **params: p.raw(user, "shop", **params)
        return p

    yield make
    cluster.sql("alter role all reset all")


def alter(boss, text):
    name = boss.value("select current_database()")
    assert not [m for m in boss.query(text.replace("DATABASE", f"database {name}")) if m.kind == "E"]


ALTERS = {
    "role": "alter role era set work_mem = '9MB'",
    "quoted": """ALTER USER "era" SET work_mem TO '9MB'""",
    "in database": "alter role era in DATABASE set work_mem = '9MB'",
    "all": "alter role all set work_mem = '9MB'",
    "database": "alter DATABASE set work_mem = '9MB'",
    "in a transaction": "begin; select 1; alter role era set work_mem = '9MB'; commit",
    "two": "alter role era_other set work_mem = '8MB'; alter role era set work_mem = '9MB'",
    "do": "do $$begin execute format('ALTER  database %I SET work_mem = %L', current_database(), '9MB'); end$$",
}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("how", ALTERS)
def test_sessions_to_come_begin_with_it(pool, how, workers):
    p = pool(workers=workers, pool_size=3)
    old, boss = p.client(), p.client("boss")
    assert old.value("show work_mem") == OLD
    alter(boss, ALTERS[how])
    for _ in range(4):
        assert p.client().value("show work_mem") == NEW
    assert boss.value("show work_mem") == OLD


def test_in_the_extended_protocol(pool):
    p = pool()
    old, boss = p.client(), p.client("boss")
    assert old.value("show work_mem") == OLD
    boss.send(P(ALTERS["role"]), B(), E(), S)
    boss.ready()
    assert p.client().value("show work_mem") == NEW


def test_who_was_there_before_goes_on_with_what_was(pool):
    p = pool()
    old, boss = p.client(), p.client("boss")
    assert old.value("show work_mem") == OLD
    alter(boss, ALTERS["role"])
    old.query("begin; select 1")  # its server is not met by others
    new = p.client()
    assert new.value("show work_mem") == NEW
    old.query("commit")
    for _ in range(3):
        assert old.value("show work_mem") == OLD  # each has the server that it had last
        assert new.value("show work_mem") == NEW


def test_its_own_session_goes_on_as_it_was(pool):
    """A script that makes a schema, and has the database begin there, is still where it was."""
    p = pool(pool_size=1)
    boss = p.client("boss")
    boss.query("create schema era")
    alter(boss, "alter DATABASE set search_path = era")
    boss.query("create table here (a int)")
    assert boss.value("select relnamespace::regnamespace from pg_class where relname = 'here'") == "public"
    assert p.client("boss").value("select current_schema") == "era"


REQUESTS = {
    "simple": ([Q("show work_mem")], 1),
    "extended": ([P("show work_mem"), B(), D("P"), E(), S], 1),
    "begin": ([Q("begin"), Q("show work_mem"), Q("commit")], 3),
    "begin in front": ([Q("begin; show work_mem; commit")], 1),
    "named": ([P("show work_mem", name="own"), S, B(name="own"), E(), S], 2),
}


@pytest.mark.parametrize("defer_begin", ["on", "off"])
@pytest.mark.parametrize("how", REQUESTS)
def test_who_meets_a_server_of_before_gets_another(pool, how, defer_begin):
    p = pool(max_overflow=0, defer_begin=defer_begin)
    boss, old = p.client("boss"), p.client()
    old.query("begin; select 1")
    pid = old.value("select pg_backend_pid()")
    alter(boss, ALTERS["role"])
    other = p.client()
    other.query("begin; select 1")
    new = p.client()
    old.query("commit")  # its server is the only idle one
    asked, readies = REQUESTS[how]
    new.send(*asked)
    assert [m.row() for m in new.ready(readies) if m.kind == "D"] == [[NEW]]
    assert pid not in [row["remote_pid"] for row in p.show("servers", user="era")]
    other.query("commit")
    assert old.value("show work_mem") == NEW  # there is no other server any more


def test_a_pool_of_one_server_gets_another(pool):
    p = pool(pool_size=1, max_overflow=0)
    boss, old = p.client("boss"), p.client()
    for value in "7MB", "8MB", NEW:
        assert old.value("show work_mem")
        alter(boss, f"alter role era set work_mem = '{value}'")
        assert p.client().value("show work_mem") == value
    until_equal(lambda: len(p.show("servers", user="era")), 1)


def test_before_the_end_of_its_transaction_nothing_is_new(pool):
    p = pool()
    boss = p.client("boss")
    pid = p.client().value("select pg_backend_pid()")
    boss.query("begin")
    alter(boss, ALTERS["role"])
    client = p.client()
    assert client.value("select pg_backend_pid()") == pid
    assert client.value("show work_mem") == OLD
    boss.query("commit")
    assert p.client().value("show work_mem") == NEW


def test_the_greeting_says_it(pool):
    p = pool(pool_size=1)
    boss = p.client("boss")
    assert p.client().params["TimeZone"] != "Asia/Tokyo"
    boss.query("alter role era set timezone = 'Asia/Tokyo'")
    for _ in range(2):
        client = p.client()
        assert client.params["TimeZone"] == "Asia/Tokyo"
        assert client.value("show timezone") == "Asia/Tokyo"
    assert p.client(TimeZone="UTC").params["TimeZone"] == "UTC"


def test_who_keeps_its_server_from_the_start_gets_a_new_one(pool):
    p = pool()
    boss, old = p.client("boss"), p.client()
    assert old.value("show work_mem") == OLD
    alter(boss, ALTERS["role"])
    assert p.client(options="-c pgweir.keep=on").value("show work_mem") == NEW


@pytest.mark.parametrize("text", [
    "alter role era_other set work_mem = '9MB'", "alter role era valid until 'infinity'", "alter DATABASE connection limit 100",
    "create table t (a int); alter table t set (fillfactor = 50)", "do $$begin perform 'alter table'; end$$"])
def test_servers_of_others_are_not_closed(pool, text):
    p = pool()
    boss = p.client("boss")
    pid = p.client().value("select pg_backend_pid()")
    alter(boss, text)
    assert p.client().value("select pg_backend_pid()") == pid


def test_transaction_mode_goes_on_with_its_servers(pool):
    p = pool(pool_size=1)
    p.databases["plain"] = lambda p: p.databases["shop"](p) + " pool_mode=transaction"
    p.reload()
    boss, old = p.client("boss"), p.raw("era", "plain")
    pid = old.value("select pg_backend_pid()")
    alter(boss, ALTERS["role"])
    for _ in range(2):
        assert p.raw("era", "plain").value("select pg_backend_pid()") == pid


# ---- what was altered by a direct connection ---------------------------------------------------


def direct(cluster, p, text):
    cluster.sql(text.replace("DATABASE", "database " + p.client("boss").value("select current_database()")))


DIRECTLY = [how for how in ALTERS if how not in ("in a transaction", "two", "do")]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("how", DIRECTLY)
def test_what_was_altered_directly_is_soon_everybodys(pool, cluster, how, workers):
    """All servers begin anew: nobody goes back and forth between what was and what is."""
    p = pool(pool_size=4, workers=workers)
    clients = [p.client() for _ in range(4)]
    for client in clients:
        client.query("begin; select 1")
    for client in clients:
        client.query("commit")
    direct(cluster, p, ALTERS[how])
    until_equal(lambda: clients[0].value("show work_mem"), NEW)
    for _ in range(5):
        assert [client.value("show work_mem") for client in clients] == [NEW] * 4
        assert p.client().value("show work_mem") == NEW


def test_who_has_seen_the_new_does_not_go_back(pool, cluster):
    """Servers that have begun before and after are there when it shows."""
    p = pool(pool_size=3, max_overflow=0)
    old, other, late = p.client(), p.client(), p.client()
    old.query("begin; select 1")
    other.query("begin; select 1")
    direct(cluster, p, "alter role era set work_mem = '9MB'; alter role era set timezone = 'Asia/Tokyo'")
    assert late.value("show work_mem") == NEW  # on a server that is opened now
    assert [old.value("show work_mem"), other.value("show work_mem")] == [OLD, OLD]
    old.query("commit")
    other.query("commit")
    until_equal(lambda: old.value("show work_mem"), NEW)
    for _ in range(5):
        assert [c.value("show work_mem") for c in (late, old, other)] == [NEW] * 3
    assert p.client().params["TimeZone"] == "Asia/Tokyo"


def test_others_servers_go_on_when_it_was_altered_directly(pool, cluster):
    p = pool()
    boss, client = p.client("boss"), p.client()
    pid = client.value("select pg_backend_pid()")
    cluster.sql("alter role era_other set work_mem = '8MB'; alter role boss set work_mem = '9MB'")
    until_equal(lambda: boss.value("show work_mem"), NEW)
    assert client.value("select pg_backend_pid()") == p.client().value("select pg_backend_pid()") == pid


def test_roles_whose_names_are_none_in_the_clients_encoding(pool, cluster):
    """They are in the answer to the question about the catalogs, which must not fail for them."""
    role = '"era_\\иван"'
    cluster.sql(f"drop role if exists {role}; create role {role}; alter role {role} set work_mem = '8MB'")
    try:
        p = pool()
        client = p.client(client_encoding="LATIN1")
        assert client.value("show work_mem") == OLD
        cluster.sql("alter role era set work_mem = '9MB'")
        until_equal(lambda: client.value("show work_mem"), NEW)
        assert "does not say" not in p.log()
    finally:
        cluster.sql(f"drop role {role}")


def test_where_md5_is_not_to_be_had(pool, cluster):
    """As with a library in FIPS mode: the question about the catalogs does without it."""
    p = pool()
    cluster.in_app("revoke execute on function md5(text) from public", p.client("boss").value("select current_database()"))
    client = p.client()
    assert client.value("show work_mem") == OLD
    direct(cluster, p, "alter role era in DATABASE set work_mem = '9MB'")
    until_equal(lambda: client.value("show work_mem"), NEW)
    assert "does not say" not in p.log()


def test_a_role_whose_name_is_not_ascii(pool, cluster):
    role = "era_\\иван"
    cluster.sql(f'drop role if exists "{role}"; create role "{role}" login; alter role "{role}" set work_mem = \'{OLD}\'')
    try:
        p = pool(userlist={role: "", "admin": ""})
        client = p.client(role, client_encoding="LATIN1")
        assert client.value("show work_mem") == OLD
        cluster.sql(f"""alter role "{role}" set work_mem = '9MB'""")
        until_equal(lambda: client.value("show work_mem"), NEW)
    finally:
        cluster.sql(f'drop role "{role}"')


def test_what_was_altered_through_the_pool_is_no_news(pool, cluster):
    """Its own question about the catalogs does not take it for somebody else's."""
    p = pool(pool_size=3)
    old, boss = p.client(), p.client("boss")
    assert old.value("show work_mem") == OLD
    alter(boss, ALTERS["role"])
    cluster.sql("alter role boss set work_mem = '8MB'")
    until_equal(lambda: boss.value("show work_mem"), "8MB")
    assert old.value("show work_mem") == OLD
    assert p.client().value("show work_mem") == NEW


def test_who_has_met_a_later_server_stays_with_such(pool):
    p = pool(pool_size=2, max_overflow=0)
    boss, old, holder = p.client("boss"), p.client(), p.client()
    assert old.value("show work_mem") == OLD
    alter(boss, ALTERS["role"])
    holder.query("begin; select 1")  # in the server of before
    assert p.client().value("show work_mem") == NEW  # which leaves another one
    assert old.value("show work_mem") == NEW
    holder.query("commit")
    new = p.client()
    new.query("begin; select 1")
    assert new.value("show work_mem") == NEW
    assert old.value("show work_mem") == NEW  # the server of before is the only idle one, if there is one
