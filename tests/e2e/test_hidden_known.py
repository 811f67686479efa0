"""pool_mode auto: what a pool knows of code that no text shows, where it cannot know, no longer knows, or does not want to."""

import itertools

import pytest

from rawwire import Q
from waiting import until, until_equal

pytestmark = pytest.mark.pgweir


def auto(pooler, **settings):
    return pooler(**{"pool_mode": "auto", "pool_size": 1, "workers": 1, "verbose": 1, **settings})


def kept(p):
    return [row["reasons"] for row in p.show("kept")]


def looks(p):
    return int(next(row["value"] for row in p.show("totals") if row["name"] == "total_look_count"))


def tenant(client):
    return client.value("select coalesce(current_setting('my.tenant', true), '')")


SETS = """
drop table if exists known_t, known_plain; create table known_t(tenant text); create table known_plain(a int);
create or replace function known_tenant() returns trigger language plpgsql as
    $$ begin perform set_config('my.tenant', new.tenant, false); return new; end $$;
"""
CREATE = "create trigger t before insert on known_t for each row execute function known_tenant()"


# ---- ghosts: backends that may still define something, and that nobody is connected to -----------------------------------


def through(proxy, mode):
    return f"host=127.0.0.1 port={proxy.port} dbname=app pool_mode={mode}"


@pytest.mark.parametrize("how", [CREATE, f"do $$ begin {CREATE}; end $$", f"begin; {CREATE}; commit"])
@pytest.mark.parametrize("database", ["app", "transaction"])
def test_what_a_lost_backend_defines_later_is_minded(pooler, cluster, fault_proxy, database, how):
    """The connection breaks while CREATE TRIGGER waits for a lock. Its backend does not notice, and makes the trigger later;
    until that backend is gone any statement may do anything."""
    proxy = fault_proxy(cluster.port)
    p = auto(pooler, databases={name: through(proxy, mode) for name, mode in (("app", "auto"), ("transaction", "transaction"))})
    admin, client, other = p.raw(database=database), p.raw(), p.raw()
    client.query(SETS)
    client.query("insert into known_plain values (1)")
    asked = looks(p)
    client.query("insert into known_plain values (1)")
    assert looks(p) == asked
    with cluster.connect("app") as holder:
        holder.execute("begin; insert into known_t values ('before')")
        admin.send(Q(how))
        (ghost,), = until(lambda: cluster.sql("select pid from pg_locks where not granted"), "the trigger waits for its table")
        proxy.cut()
        assert admin.rest()[-1].sqlstate == "08006"
        until(lambda: "E" not in [m.kind for m in client.query("select 1")], "there is a server again")
        for _ in range(3):
            asked = looks(p)
            client.query("insert into known_plain values (1)")
            assert looks(p) > asked
        assert cluster.sql("select 1 from pg_stat_activity where pid = %s", ghost)
        holder.execute("commit")
    until(lambda: not cluster.sql("select 1 from pg_stat_activity where pid = %s", ghost), "the ghost is gone")
    assert cluster.in_app("select count(*) from pg_trigger where tgrelid = 'known_t'::regclass") == [(1,)]
    client.query("insert into known_t values ('own')")
    assert tenant(other) == ""
    assert tenant(client) == "own"

    def nobody_is_asked():
        before = looks(p)
        client.query("insert into known_plain values (1)")
        return looks(p) == before

    until(nobody_is_asked, "what is plain is plain again")


# ---- what is defined by connections of nobody's here --------------------------------------------------------------------


@pytest.mark.parametrize("workers,goes_on", [(1, False), (2, True)])
def test_what_is_defined_by_a_direct_connection_is_known_soon(pooler, cluster, goes_on, workers):
    """Also where it goes on with another transaction, so that PostgreSQL does not write down yet what it has counted."""
    p = auto(pooler, workers=workers)
    client, other = p.raw(), p.raw()
    cluster.in_app(f"{SETS}; grant all on known_t, known_plain to public")
    client.rows("insert into known_t values ('before')")
    assert tenant(client) == ""
    with cluster.connect("app") as direct:
        direct.execute(CREATE)
        if goes_on:
            direct.execute("begin; select 1")
        else:
            direct.close()

        def follows(value):
            client.rows(f"insert into known_t values ('{value}')")
            return tenant(other) != value and tenant(client) == value

        values = map(str, itertools.count())
        until(lambda: all(follows(next(values)) for _ in range(5)), "what it sets follows its client, and meets nobody else", deadline=60)


def test_a_function_that_is_replaced_by_a_direct_connection_is_not_trusted_any_more(pooler, cluster):
    p = auto(pooler)
    cluster.in_app("create or replace function known_f() returns int language plpgsql as 'begin return 1; end'")
    client = p.raw()
    for _ in range(20):
        client.rows("select known_f()")
    asked = looks(p)
    client.rows("select known_f()")
    assert looks(p) == asked
    cluster.in_app("create or replace function known_f() returns int language plpgsql as "
                   "'begin perform pg_advisory_lock(7); return 1; end'")

    def keeps():
        client.rows("select known_f()")
        return kept(p) == ["advisory lock"]

    until(keeps, "the lock keeps the server", deadline=60)


def peeks(cluster):
    """Servers whose last query has asked how the catalogs are, and no more than that."""
    return cluster.sql("select query_start from pg_stat_activity where query like '%%pg_stat_get_tuples_inserted%%' "
                       "and query not like '%%RECURSIVE%%' and pid <> pg_backend_pid()")


def test_where_nothing_is_defined_the_catalogs_are_not_read_again(make_pooler, own_cluster):
    p = auto(lambda **settings: make_pooler(own_cluster, **settings))
    client = p.raw()
    seen = set()

    def peeked():
        client.rows("select 1")
        seen.update(peeks(own_cluster))
        return len(seen) == 3

    until(peeked, "the server was asked three times how the catalogs are", deadline=60)
    assert p.log().count("names hide code") == 1
    assert "defined elsewhere" not in p.log()


def outlasts(cluster, pid):
    """The timeout that the client has left."""
    until(lambda: cluster.sql("select 1 from pg_stat_activity where pid = %s and clock_timestamp() - query_start > '100ms'", pid),
          "it has waited for longer")


def is_cancelled(cluster, pid):
    """And asked once more."""
    (began,), = cluster.sql("select query_start from pg_stat_activity where pid = %s", pid)
    cluster.sql("select pg_cancel_backend(%s)", pid)
    until(lambda: cluster.sql("select 1 from pg_stat_activity where pid = %s and query_start > %s and wait_event_type = 'Lock'",
                              pid, began), "it waits again")


@pytest.mark.parametrize("how", [outlasts, is_cancelled])
def test_what_ends_statements_of_clients_does_not_end_the_question(pooler, cluster, how):
    p = auto(pooler)
    client, other = p.raw(), p.raw()
    client.query(SETS)
    client.query("set lock_timeout to '20ms'")
    pid = int(client.value("select pg_backend_pid()"))
    with cluster.connect("app") as holder:
        holder.execute("begin; lock table pg_catalog.pg_trigger")
        client.query("create table if not exists known_more()")
        until(lambda: cluster.sql("select 1 from pg_locks where not granted and pid = %s", pid), "the question waits for a catalog")
        how(cluster, pid)
        holder.execute("commit")
    other.rows("insert into known_plain values (1)")
    assert "does not say" not in p.log()
    asked = looks(p)
    other.rows("insert into known_plain values (1)")
    assert looks(p) == asked


@pytest.mark.parametrize("encoding", ["LATIN1", "UTF8"])
def test_a_name_that_the_client_cannot_write_hides_code(pooler, cluster, fresh_database, encoding):
    """Which names do is found out all the same, whoever is there when the server is asked; and that one is among them."""
    name = fresh_database()
    with cluster.connect(name, user="app") as boss:
        boss.execute(SETS + 'create table "\u6771"(tenant text);' + CREATE.replace("known_t ", '"\u6771" '))
    p = auto(pooler, databases={"app": f"host=127.0.0.1 port={cluster.port} dbname={name}"})
    client = p.raw(client_encoding=encoding)
    client.query("insert into known_plain values (1)")
    asked = looks(p)
    client.query("insert into known_plain values (2)")
    assert looks(p) == asked
    with p.raw(client_encoding="UTF8") as other:
        other.query("insert into \"\u6771\" values ('of a trigger')")
        assert looks(p) == asked + 1
        assert tenant(other) == "of a trigger"
    assert tenant(client) == ""


def test_a_server_that_does_not_say_is_not_asked_each_time(pooler, cluster):
    p = auto(pooler)
    client = p.raw()
    client.query(SETS)
    client.rows("insert into known_plain values (1)")
    with cluster.connect("app") as boss:
        boss.execute("revoke select on pg_catalog.pg_depend from public")
        cluster.log_mark()
        try:
            client.query("create table if not exists known_more()")
            for _ in range(5):
                client.rows("insert into known_plain values (1)")
            assert cluster.log_since().count("permission denied for table pg_depend") == 1
        finally:
            boss.execute("grant select on pg_catalog.pg_depend to public")


# ---- a database that leads elsewhere ------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_a_database_that_leads_elsewhere_takes_no_trust_along(pooler, fresh_database, workers):
    """A function that has been found to leave nothing, so often that nobody is asked about it, is another one there."""
    here, there = fresh_database(), fresh_database()
    p = auto(pooler, pool_size=2, workers=workers, databases={"app": lambda p: p.db(here)})
    for database, does in ((here, "null"), (there, "perform pg_advisory_lock(5)")):
        p.cluster.in_app(f"create function trusted() returns int language plpgsql as 'begin {does}; return 1; end'", database)
    clients = [p.raw() for _ in range(4)]
    for client in clients:
        for _ in range(20):
            assert client.value("select trusted()") == "1"
    asked = looks(p)
    for client in clients:
        client.rows("select trusted()")
    assert looks(p) == asked
    p.databases["app"] = lambda p: p.db(there)
    p.reload()
    for client in clients:
        assert client.value("select trusted()") == "1"
        until_equal(lambda: kept(p), ["advisory lock"])
        assert client.value("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()") == "1"
        client.rows("select pg_advisory_unlock_all()")
        until_equal(lambda: kept(p), [])


def test_what_is_known_of_a_database_is_never_of_another(pooler, fresh_database):
    """A transaction that began before the reload ends after it, and the server is asked what hides code there."""
    here, there = fresh_database(), fresh_database()
    p = auto(pooler, pool_size=2, databases={"app": lambda p: p.db(here)})
    for database, more in ((here, ""), (there, CREATE)):
        p.cluster.in_app(f"{SETS}; {more}; grant all on known_t to public; create function known_f() returns int "
                         "language plpgsql as 'begin return 1; end'", database)
    before, client, other = p.raw(), p.raw(), p.raw()
    before.rows("begin; select known_f()")
    p.databases["app"] = lambda p: p.db(there)
    p.reload()
    asked = looks(p)
    before.rows("commit")
    until(lambda: looks(p) > asked, "it was asked what is left")
    client.rows("insert into known_t values ('own')")
    assert tenant(other) == ""
    assert tenant(client) == "own"


# ---- auto_probe = never -------------------------------------------------------------------------------------------------


def test_never_asks_only_about_what_is_named(pooler):
    p = auto(pooler, auto_probe="never")
    client = p.raw()
    client.query(f"{SETS}; {CREATE}; create or replace function known_f() returns int language sql as 'select 1'")
    for text in ("select known_f()", "do $$ begin perform known_f(); end $$", "insert into known_t values ('')",
                 "select * from known_t"):
        client.query(text)
    assert looks(p) == 0
    assert "names hide code" not in p.log()  # the server was not asked for them either
    client.query("create temp table known_temp(a int)")
    until_equal(lambda: kept(p), ["temporary object"])
    assert looks(p) == 1
    client.query("drop table known_temp")
    until_equal(lambda: kept(p), [])


@pytest.mark.parametrize("text", ["do $$ begin perform known_leaves(); end $$", "select known_leaves()", "call known_too()"])
@pytest.mark.parametrize("leaves,seen", [
    ("perform set_config('work_mem', '7MB', false)", "show work_mem"),
    ("perform pg_advisory_lock(78)", "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"),
    ("create temp table known_left()", "select count(*) from pg_class where relname = 'known_left'")])
def test_never_gives_up_what_code_has_left(pooler, text, leaves, seen):
    """Before another client gets the server; the one that has left it has lost it then."""
    p = auto(pooler, auto_probe="never")
    p.cluster.in_app("create or replace function known_leaves() returns void language plpgsql as "
                     f"$$ begin {leaves}; end $$; create or replace procedure known_too() language sql as 'select known_leaves()'")
    client, other = p.raw(), p.raw()
    unmarked = other.value(seen)
    client.query(text)
    assert client.value(seen) != unmarked
    assert (kept(p), looks(p)) == ([], 0)
    assert other.value(seen) == unmarked
    assert client.value(seen) == unmarked


def test_never_knows_nothing_of_triggers(pooler):
    """As the manual says: what they leave stays in the session, for whoever gets it next."""
    p = auto(pooler, auto_probe="never")
    p.cluster.in_app(f"{SETS}; {CREATE}; grant all on known_t to public")
    client, other = p.raw(), p.raw()
    client.rows("insert into known_t values ('of a trigger')")
    assert (kept(p), looks(p)) == ([], 0)
    assert tenant(other) == "of a trigger"
