"""pool_mode auto: what no text of a statement shows, since a trigger, a view, a default or a policy does it."""

import pytest

from rawwire import B, C, E, P, Q, S
from waiting import until_equal

pytestmark = pytest.mark.pgweir


def auto(pooler, **settings):
    settings.setdefault("pool_size", 1)
    settings.setdefault("workers", 1)
    return pooler(pool_mode="auto", **settings)


def kept(p):
    return [row["reasons"] for row in p.show("kept")]


@pytest.mark.parametrize("text", [
    "update pg_settings set setting = '7168' where name = 'work_mem'",
    'update only "pg_catalog"."pg_settings" as s set setting = \'7168\' where s.name = \'work_mem\'',
    "prepare s as update pg_settings set setting = '7168' where name = 'work_mem'; execute s; deallocate s"])
def test_update_of_pg_settings_follows_its_client(pooler, text):
    p = auto(pooler)
    client, other = p.raw(), p.raw()
    client.rows(text)
    assert other.value("show work_mem") == "4MB"
    assert client.value("show work_mem") == "7MB"


TRIGGER = """
create or replace function hidden_tenant() returns trigger language plpgsql as
    $$ begin perform set_config('my.tenant', new.tenant, false); return new; end $$;
drop table if exists hidden_t cascade;
create table hidden_t(tenant text);
create trigger t before insert on hidden_t for each row execute function hidden_tenant();
"""


def tenant(client):
    return client.value("select coalesce(current_setting('my.tenant', true), '')")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", ["query", "unnamed", "prepared", "in a transaction", "execute"])
def test_a_setting_that_a_trigger_sets_follows_its_client(pooler, how, workers):
    p = auto(pooler, pool_size=3, workers=workers)
    p.raw().rows(TRIGGER)
    clients = [p.raw() for _ in range(4)]
    for n, client in enumerate(clients):
        text = f"insert into hidden_t values ('t{n}')"
        if how == "query":
            client.rows(text)
        elif how == "in a transaction":
            client.rows("begin")
            client.rows(text)
            client.rows("commit")
        elif how == "execute":
            client.rows(f"prepare s as {text}")
            client.rows("execute s")
            client.rows("deallocate s")
        else:
            name = "p" if how == "prepared" else ""
            client.send(P(text, name), S)
            client.ready()
            client.send(P("select 1"), B(), E(), S) if how == "prepared" else None
            client.ready() if how == "prepared" else None
            client.send(B(name=name), E(), S)
            client.ready()
    stranger = p.raw()
    for _ in range(3):
        for n, client in enumerate(clients):
            assert tenant(client) == f"t{n}"
            assert tenant(stranger) == ""


def test_there_is_no_statement_to_be_suspected(pooler):
    client = auto(pooler).raw()
    client.rows(TRIGGER)
    client.send(P("select 1"), S)
    client.ready()
    client.send(C("S"), S)
    client.ready()
    client.send(B(), E(), S)
    assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["26000"]


LOCK = """
drop schema if exists hide cascade; create schema hide; set search_path to hide;
create function lock_it() returns int language plpgsql volatile as
    $$ begin perform pg_advisory_lock(4711); return 1; end $$;
create function lock_of(a int) returns int language plpgsql immutable as
    $$ begin perform pg_advisory_lock(4711); return a; end $$;
create function lock_row() returns trigger language plpgsql as
    $$ begin perform pg_advisory_lock(4711); return coalesce(new, old); end $$;
create table plain(a int); insert into plain values (1);
"""

# What hides it, and the statement that runs it.
HIDES = {
    "trigger": ("create table x(a int); create trigger t before insert on x for each row execute function lock_row()",
                "insert into hide.x values (1)"),
    "trigger of a quoted table": (
        'create table "X y"(a int); create trigger t before insert on "X y" for each row execute function lock_row()',
        'insert into hide."X y" values (1)'),
    "truncate": ("create table x(a int); create trigger t before truncate on x execute function lock_row()",
                 "truncate hide.x"),
    "deferred trigger": ("create table x(a int); create constraint trigger t after insert on x deferrable initially "
                         "deferred for each row execute function lock_row()", "insert into hide.x values (1)"),
    "condition of a trigger": (
        "create table x(a int); create trigger t before update on x for each row when (new.a > lock_it()) "
        "execute function suppress_redundant_updates_trigger(); insert into x values (1)", "update hide.x set a = 2"),
    "view": ("create view x as select lock_it() from plain", "select * from hide.x"),
    "view of a view": ("create view v as select lock_it() as a; create view w as select * from v; "
                       "create view x as select a from w", "select * from hide.x"),
    "view of PostgreSQL's": ("create view x as select pg_try_advisory_lock(4711)", "select * from hide.x"),
    "rule": ("create table x(a int); create rule r as on insert to x do also select lock_it()",
             "insert into hide.x values (1)"),
    "default": ("create table x(a int, b int default lock_it())", "insert into hide.x(a) values (1)"),
    "default of PostgreSQL's": ("create table x(a int, b bool default pg_try_advisory_lock(4711))",
                                "insert into hide.x(a) values (1)"),
    "generated column": ("create table x(a int, b int generated always as (lock_of(a)) stored)",
                         "insert into hide.x(a) values (1)"),
    "check": ("create table x(a int check (lock_of(a) > 0))", "insert into hide.x values (1)"),
    "domain": ("create domain x as int check (lock_of(value) > 0)", "select '1'::hide.x"),
    "column of a domain": ("create domain d as int check (lock_of(value) > 0); create table x(a d)",
                           "insert into hide.x values (1)"),
    "index": ("create table x(a int); create index on x (lock_of(a))", "insert into hide.x values (1)"),
    "condition of an index": ("create table x(a int); create index on x (a) where lock_of(a) > 0",
                              "insert into hide.x values (1)"),
    "policy": ("create table x(a int); insert into x values (1); alter table x enable row level security, "
               "force row level security; create policy p on x using (lock_of(a) > 0)", "select * from hide.x"),
    "operator": ("create operator ### (leftarg = int, rightarg = int, function = lock_two)",
                 "select 1 operator(hide.###) 2"),
    "aggregate in a view": ("create aggregate ag(int) (sfunc = lock_two, stype = int, initcond = 0); "
                            "create view x as select ag(a) from plain", "select * from hide.x"),
    "function as a column": ("create function public.hide_x(plain) returns int language sql as 'select hide.lock_it()'",
                             "select p.hide_x from hide.plain p"),
    "function with a name of PostgreSQL's": (
        "create function upper(int) returns int language sql as 'select hide.lock_it()'", "select hide.upper(1)"),
    "cascade": ("create table x(a int primary key); create table y(a int references x on delete cascade); "
                "insert into x values (1); insert into y values (1); "
                "create trigger t before delete on y for each row execute function lock_row()", "delete from hide.x"),
    "partition": ("create table x(a int) partition by list (a); create table y partition of x for values in (1); "
                  "create trigger t before insert on y for each row execute function lock_row()",
                  "insert into hide.x values (1)"),
    "child": ("create table x(a int); create table y() inherits (x); insert into y values (1); "
              "create trigger t before update on y for each row execute function lock_row()",
              "update hide.x set a = 2"),
    "copy": ("create view x as select lock_it()", "copy (select * from hide.x) to stdout"),
    "text in a view": ("create view x as select query_to_xml('select hide.lock_it()', true, true, '')",
                       "select * from hide.x"),
    "cast": ("create type e as enum ('a'); create table x(a e); insert into x values ('a'); "
             "create function of_e(e) returns int language sql as 'select hide.lock_it()'; "
             "create cast (e as int) with function of_e(e)", "select a::int from hide.x"),
}
MORE = "create function lock_two(a int, b int) returns int language sql as 'select hide.lock_of(a)'"




def define(p, text):
    """In a schema of its own; nothing of it is left in a session."""
    client = p.raw()
    for statement in (LOCK, MORE, text, "discard all"):
        client.rows(statement)
    client.close()
    until_equal(lambda: kept(p), [])


@pytest.mark.parametrize("what", HIDES)
def test_what_hides_a_lock_is_asked_about(pooler, what):
    p = auto(pooler, pool_size=2)
    setup, text = HIDES[what]
    define(p, setup)
    client, other = p.raw(), p.raw()
    client.rows(text)
    until_equal(lambda: kept(p), ["advisory lock"])
    assert other.value("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()") == "0"
    client.rows("select pg_advisory_unlock_all()")
    until_equal(lambda: kept(p), [])


PLAIN = """
drop table if exists hidden_t cascade; create table hidden_t(tenant text);
create or replace function hidden_tenant() returns trigger language plpgsql as
    $$ begin perform set_config('my.tenant', new.tenant, false); return new; end $$;
"""
CREATE = "create trigger t before insert on hidden_t for each row execute function hidden_tenant()"


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("how", [CREATE, f"do $$ begin {CREATE}; end $$", f"begin; {CREATE}; commit"])
def test_what_is_defined_through_the_pooler_is_known_to_all_at_once(pooler, workers, how):
    p = auto(pooler, pool_size=4, workers=workers)
    admin = p.raw()
    admin.rows(PLAIN)
    clients = [p.raw() for _ in range(6)]
    for client in clients:
        client.send(P("insert into hidden_t values ($1)", "named"), B("before", name="named"), E(), S)
        client.ready()
        client.send(P("insert into hidden_t values ($1)"), B("before"), E(), S)
        client.ready()
    admin.query(how)
    for n, client in enumerate(clients):
        if n % 3 == 0:
            client.rows(f"insert into hidden_t values ('t{n}')")
        else:
            client.send(B(f"t{n}", name="named" if n % 3 == 1 else ""), E(), S)
            client.ready()
    for n, client in enumerate(clients):
        assert tenant(client) == f"t{n}"
    assert tenant(p.raw()) == ""


def test_what_is_defined_in_a_transaction_runs_in_it(pooler):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    client.rows(PLAIN)
    client.rows("begin")
    client.rows(CREATE)
    client.rows("insert into hidden_t values ('own')")
    client.rows("commit")
    assert tenant(other) == ""
    assert tenant(client) == "own"


@pytest.mark.parametrize("table,leaves,seen", [
    ("late_set", "set_config('my.tenant', new.tenant, false)", "select coalesce(current_setting('my.tenant', true), '')"),
    ("late_lock", "pg_advisory_lock(12)", "select coalesce(max(objid)::text, '') from pg_locks where locktype = 'advisory' "
     "and pid = pg_backend_pid()")])
def test_what_ran_while_it_was_being_defined_is_its_client_s_alone(pooler, table, leaves, seen):
    """An INSERT that was sent when there was no trigger yet, and has waited for it: while something is being defined, any
    statement is asked about."""
    p = auto(pooler, pool_size=2)
    admin, client = p.raw(), p.raw()
    admin.rows(f"create table {table}(tenant text); create or replace function {table}() returns trigger language plpgsql "
               f"as $$ begin perform {leaves}; return new; end $$")
    admin.rows("begin")
    admin.rows(f"create trigger t before insert on {table} for each row execute function {table}()")
    client.send(Q(f"insert into {table} values ('late')"))
    until_equal(lambda: admin.value("select count(*) from pg_locks where not granted"), "1")
    admin.rows("commit")
    client.ready()
    assert client.value(seen) == ("12" if kept(p) else "late")
    others = [p.raw() for _ in range(1 if kept(p) else 2)]  # all servers that others can have
    for other in others:
        other.rows("begin")
    assert {other.value(seen) for other in others} == {""}


def boss(cluster, text):
    """What only a superuser may define, and no pooler hears of."""
    with cluster.connect("app") as conn:
        conn.execute(text)


def test_event_triggers_are_minded(make_pooler, own_cluster):
    boss(own_cluster, "create table seen(a int); alter table seen owner to app; "
         "create function lock_it() returns event_trigger language plpgsql as "
         "$$ begin perform pg_advisory_lock(4711); end $$; "
         "create event trigger e on ddl_command_end execute function lock_it()")
    p = auto(lambda **settings: make_pooler(own_cluster, **settings))
    for text in ("comment on table seen is 'x'", "grant select on seen to public", "create temp table x(a int) on commit drop",
                 "alter table seen add b int", "reindex table seen", "create table other()"):
        client = p.raw()
        client.rows(text)
        if text.startswith("reindex"):  # event triggers see it from PostgreSQL 17 on
            continue
        until_equal(lambda: kept(p), ["advisory lock"])
        client.close()
        until_equal(lambda: kept(p), [])


def test_where_the_server_does_not_say_any_statement_may(make_pooler, own_cluster):
    boss(own_cluster, "revoke select on pg_catalog.pg_depend from public")
    p = auto(lambda **settings: make_pooler(own_cluster, **settings), pool_size=2)
    client, other = p.raw(), p.raw()
    client.rows(TRIGGER)
    client.rows("insert into hidden_t values ('own')")
    other.rows("begin")
    assert tenant(other) == ""  # on one of the two servers
    assert tenant(client) == "own"
    other.rows("commit")
    client.rows("begin")
    assert tenant(client) == "own"
    assert tenant(other) == ""
    client.rows("commit")
    assert p.log().count("does not say which tables call functions") == 1


def looks(p):
    return int(next(row["value"] for row in p.show("totals") if row["name"] == "total_look_count"))


def test_where_nothing_is_hidden_nobody_is_asked(make_pooler, own_cluster):
    boss(own_cluster, "create table plain(a int default 1 check (a > 0), b text); "
         "create view of_plain as select a, upper(b) from plain; grant all on plain, of_plain to public")
    p = auto(lambda **settings: make_pooler(own_cluster, **settings))
    clients = [p.raw() for _ in range(2)]
    for client in clients:
        client.rows("insert into plain(b) values ('x')")
        client.rows("select * from of_plain")
        client.send(P("update plain set a = 2", "s"), B(name="s"), E(), S)
        client.ready()
    assert looks(p) == 0


# What a table of any kind does with n, and how it is used.
KINDS = {
    "trigger": ("create table hide.x(n int); create function hide.row() returns trigger language plpgsql as "
                "'begin perform hide.odd(new.n); return new; end'; "
                "create trigger t before insert on hide.x for each row execute function hide.row()",
                "insert into hide.x values (%d)"),
    "default": ("create table hide.x(n int); create table hide.y(a int default hide.odd(0)); "
                "create rule r as on insert to hide.x do also select hide.odd(new.n)", "insert into hide.x values (%d)"),
    "view": ("create view hide.x as select n, hide.odd(n) from generate_series(0, 1) n",
             "select * from hide.x where n = %d"),
    "check": ("create table hide.x(n int check (hide.odd(n) >= 0))", "insert into hide.x values (%d)"),
}


@pytest.mark.parametrize("leaves,seen", [
    ("perform pg_advisory_lock(77)",
     "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"),
    ("create temp table sweep_t(a int)", "select count(*) from pg_class where relname = 'sweep_t'"),
    ("execute 'listen sweep'", "select count(*) from pg_listening_channels()"),
    ("perform set_config('work_mem', '7MB', false)", "select count(*) from pg_settings where setting = '7168'"),
    ("perform set_config('my.' || 'odd', 'x', false)",
     "select count(*) from (select nullif(current_setting('my.' || 'odd', true), '') v) s where v is not null"),
])
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_trusted_leaves_nothing_for_others(pooler, kind, leaves, seen):
    """A shape that one client has found clean so often that nobody is asked about it, and that another uses."""
    p = auto(pooler)
    setup, text = KINDS[kind]
    define(p, "create function hide.odd(n int) returns int language plpgsql volatile as "
           f"$$ begin if n > 0 then {leaves}; end if; return n; end $$; {setup}")
    first, second, other = p.raw(), p.raw(), p.raw()
    for _ in range(20):
        first.rows(text % 0)
    asked = looks(p)
    second.rows(text % 1)
    assert looks(p) == asked
    assert other.value(seen) == "0"
    assert first.value(seen) == "0"



# ---- what one pool learns, all that lead there know ------------------------------------------------------------------


def aliases(pooler, **settings):
    """One database by several names, in several modes."""
    modes = {"app": "auto", "alias": "auto", "transaction": "transaction", "session": "session", "statement": "statement"}
    return auto(pooler, databases={name: lambda p, mode=mode: p.db(pool_mode=mode) for name, mode in modes.items()},
                verbose=1, **settings)


def learnt(p):
    return p.log().count("names hide code")


@pytest.mark.parametrize("workers", [1, 3])
def test_one_asks_for_all(pooler, workers):
    p = aliases(pooler, pool_size=2, workers=workers)
    p.raw().rows("select 1")
    for user in ("app", "other"):
        for database in ("alias", "app", "transaction") * 4:
            p.raw(user=user, database=database).rows("select 1")
    assert learnt(p) == 1


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("how", ["query", "block", "unnamed", "named", "do"])
@pytest.mark.parametrize("database", ["alias", "transaction", "session", "statement"])
def test_what_is_defined_by_another_name_or_in_another_mode_is_known_to_all(pooler, database, how, workers):
    if how == "block" and database == "statement":
        pytest.skip("there are no blocks")
    p = aliases(pooler, pool_size=4, workers=workers)
    admin = p.raw(database=database)
    admin.rows(PLAIN)
    clients = [p.raw(database=("app", "alias")[n % 2]) for n in range(4)]
    for client in clients:
        client.rows("insert into hidden_t values ('before')")
    name = "named" if how == "named" else ""
    if how == "named" and database == "session":
        admin.send(P(CREATE, name), S)
        admin.ready()
        clients[0].rows("insert into hidden_t values ('still before')")
        admin.send(B(name=name), E(), S)
        admin.ready()
    elif how in ("named", "unnamed"):
        admin.send(P(CREATE, name), B(name=name), E(), S)
        admin.ready()
    else:
        for text in {"query": [CREATE], "block": ["begin", CREATE, "commit"],
                     "do": [f"do $$ begin {CREATE}; end $$"]}[how]:
            admin.query(text)
    for n, client in enumerate(clients):
        client.rows(f"insert into hidden_t values ('t{n}')")
    for n, client in enumerate(clients):
        assert tenant(client) == f"t{n}"
    assert tenant(p.raw()) == tenant(p.raw(database="alias")) == ""


def test_what_pools_of_other_modes_do_else_is_no_news(pooler):
    p = aliases(pooler)
    client, others = p.raw(), [p.raw(database=name) for name in ("transaction", "session")]
    others[0].rows("create table if not exists hidden_plain(a int)")
    client.rows("select 1")
    asked = learnt(p)
    for other in others:
        for text in ("select 1", "insert into hidden_plain values (1)", "create temp table hidden_temp(a int)",
                     "drop table hidden_temp", "do $$ begin perform 1; end $$"):
            other.query(text)
        other.send(P(CREATE), S)  # it is not run
        other.ready()
        other.send(P("select 1"), B(), E(), S)
        other.ready()
        client.rows("select 1")
    assert learnt(p) == asked
