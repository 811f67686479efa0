"""PostgreSQL's own programs, and others that administer it, through pool_mode auto over fewer servers than they have
connections: what they have done is looked at, by a connection that is no pooler's."""

import re
import shutil
import signal
import subprocess

import pytest

import rawwire
from waiting import until, until_equal

pytestmark = [pytest.mark.pgweir, pytest.mark.timeout(180)]

SERVERS = 2


@pytest.fixture
def auto(pooler, fresh_database):
    """A pooler that lets everybody into every database; an empty one is p.database."""
    p = pooler(pool_mode="auto", pool_size=SERVERS, workers=2, max_kept=0, databases={"*": lambda p: p.db(None)})
    p.database = fresh_database()
    return p


def ask(p, sql, database=None):
    """What a connection that is no pooler's sees."""
    return p.cluster.in_app(sql, database or p.database)


def tool(p, program, *args, **keys):
    return p.run(program, *args, user="postgres", **{"dbname": p.database, **keys})


TABLES = """
do $$ begin for n in 1..12 loop
    execute format('create table t%s (a int, b text)', n);
    execute format('insert into t%s select (i * 37) %% 101, repeat(''x'', i) from generate_series(1, 100 + %s) i', n, n);
    execute format('create index i%s on t%s (a)', n, n);
end loop; end $$"""
FILES = "select relname, pg_relation_filenode(oid) from pg_class where relname ~ '^%s[0-9]+$'"


def test_vacuumdb_in_parallel(auto):
    ask(auto, TABLES)
    assert ask(auto, "select sum(reltuples) from pg_class where relname ~ '^t[0-9]'") == [(1278,)]
    ask(auto, "do $$ begin for n in 1..12 loop execute format('delete from t%s where length(b) > 100', n); end loop; end $$")
    tool(auto, "vacuumdb", "-j", 4, "--analyze", auto.database)
    assert ask(auto, "select distinct reltuples from pg_class where relname ~ '^t[0-9]'") == [(100,)]
    assert ask(auto, "select count(distinct tablename) from pg_stats where tablename ~ '^t[0-9]'") == [(12,)]


def test_reindexdb_in_parallel(auto):
    ask(auto, TABLES)
    before = dict(ask(auto, FILES % "i"))
    tool(auto, "reindexdb", "-j", 4, "--concurrently", auto.database)
    after = dict(ask(auto, FILES % "i"))
    assert before.keys() == after.keys() and len(after) == 12
    assert not set(before.values()) & set(after.values())
    assert ask(auto, "select count(*) from pg_index where not indisvalid") == [(0,)]


def test_clusterdb(auto):
    ask(auto, TABLES)
    ask(auto, "cluster t3 using i3; insert into t3 select 7 from generate_series(1, 50)")
    before = dict(ask(auto, FILES % "t"))
    tool(auto, "clusterdb", auto.database)
    after = dict(ask(auto, FILES % "t"))
    assert {name for name in after if before[name] != after[name]} == {"t3"}
    rows = [a for a, in ask(auto, "select a from t3")]
    assert rows == sorted(rows) and len(rows) == 153


def test_pg_amcheck(auto):
    """It finds the index that is not in order (of text whose collation has been turned round under it), and no other."""
    ask(auto, TABLES)
    tool(auto, "pg_amcheck", "-j", 4, "--install-missing", auto.database)
    ask(auto, """
        create function turned(a int, b int) returns int language sql immutable as 'select b - a';
        create operator class turned for type int using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=,
            operator 5 >, function 1 turned(int, int);
        create index wrong on t5 (a turned);
        create or replace function turned(a int, b int) returns int language sql immutable as 'select a - b'""")
    done = tool(auto, "pg_amcheck", "-j", 4, auto.database, check=False)
    assert done.returncode == 2
    assert set(re.findall(r'btree index "[^"]*\.([^".]*)"', done.stdout)) == {"wrong"}


def test_pg_dumpall(auto):
    """All databases, roles and settings, as without a pooler."""
    ask(auto, f"{TABLES}; alter database {auto.database} set work_mem = '5MB'; comment on table t1 is 'it''s'")
    plain = lambda text: re.sub(r"(?m)^(--.*|\\(un)?restrict .*)$", "", text)  # noqa: E731
    through = plain(tool(auto, "pg_dumpall", "-l", "postgres").stdout)
    directly = plain(tool(auto, "pg_dumpall", "-l", "postgres", env={"PGPORT": str(auto.cluster.port)}).stdout)
    assert through == directly
    assert f"ALTER DATABASE {auto.database} SET work_mem TO '5MB'" in through and "IS 'it''s'" in through


def test_psql_copies_files(auto, tmp_path):
    rows = "".join(f"{n}\tline {n}\\tend\n" for n in range(3000))
    (tmp_path / "in").write_text(rows)
    tool(auto, "psql", "-X", "-v", "ON_ERROR_STOP=1", stdin=f"""
        create temp table scratch (n int, t text);
        \\copy scratch from '{tmp_path}/in'
        begin;
        savepoint s;
        \\copy scratch (n) from program 'seq 5'
        rollback to s;
        \\copy (select * from scratch order by n) to '{tmp_path}/out'
        commit;
        \\copy scratch (n) to program 'sort -n | tail -n 1 > {tmp_path}/last'
        """)
    assert (tmp_path / "out").read_text() == rows
    assert (tmp_path / "last").read_text() == "2999\n"


def test_psql_gexec(auto):
    done = tool(auto, "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", stdin="""
        select format('create table g%s as select %s as n', n, n), format('prepare p%s as select n * 10 from g%s', n, n)
        from generate_series(1, 4) n \\gexec
        select format('execute p%s', n) from generate_series(1, 4) n \\gexec
        select n + 1 as next from g4 \\gset
        select :next \\gdesc
        select :'next' as "next"
        """)
    said = done.stdout.split("\n")
    assert [line for line in said if line.isdigit()] == ["10", "20", "30", "40", "5"]
    assert ask(auto, "select count(*) from pg_class where relname ~ '^g[1-4]$'") == [(4,)]


def test_psql_watches(auto):
    """\\watch repeats a statement until it fails; others have the servers between its turns."""
    ask(auto, "create table ticks (n serial)")
    done = tool(auto, "psql", "-X", "-A", "-t", check=False, stdin="""
        create temp table own (n int);
        with t as (insert into ticks default values returning n)
        insert into own select n from t returning 100 / (5 - n) \\watch 0.01
        select 'own', array_agg(n order by n) from own;
        """)
    assert re.findall(r"(?m)^\d+$", done.stdout) == ["25", "33", "50", "100"]
    assert "own|{1,2,3,4}" in done.stdout and "division by zero" in done.stderr


def used(p, name, workers=2):
    """A database that clients of each worker have just used, and do not now: servers of it idle in pools."""
    clients = [p.raw(database=name) for _ in range(2 * workers)]
    for n, client in enumerate(clients):
        client.rows(f"create table if not exists t{n} (a int)")
    assert p.cluster.backends(f"datname = '{name}'")
    return clients


def databases(p, prefix):
    return sorted(name[len(prefix):] for name, in p.cluster.sql(f"select datname from pg_database where datname ~ '^{prefix}'"))


def test_createdb_and_dropdb(auto):
    """A database that others of the pool have just used can be dropped, and made anew under its name."""
    name = f"{auto.database}_made"
    for _ in range(3):
        tool(auto, "createdb", "-O", "app", name, dbname="postgres")
        used(auto, name)
        tool(auto, "dropdb", name, dbname="postgres")
        assert databases(auto, auto.database) == [""]


def test_a_database_is_left_by_pools_of_other_names_and_modes(auto):
    name = f"{auto.database}_made"
    auto.databases.update({f"by_{mode}": lambda p, mode=mode: p.db(name, pool_mode=mode)
                           for mode in ("transaction", "session", "statement")})
    auto.write_ini()
    auto.console("reload")
    tool(auto, "createdb", "-O", "app", name, dbname="postgres")
    for mode in ("transaction", "session", "statement"):
        with auto.raw(database=f"by_{mode}") as client:
            assert client.value("select current_database()") == name
    until(lambda: len(auto.cluster.backends(f"datname = '{name}' and state = 'idle'")) == 3, "three servers idle")
    tool(auto, "dropdb", name, dbname="postgres")
    assert databases(auto, auto.database) == [""]


def test_databases_are_renamed_and_copied(auto):
    """And those that idle clients are connected to are used again as soon as there is one of that name."""
    name = f"{auto.database}_a"
    tool(auto, "createdb", "-O", "app", name, dbname="postgres")
    clients = used(auto, name)
    tool(auto, "createdb", "-T", name, f"{auto.database}_b", dbname="postgres")
    assert ask(auto, "select count(*) from pg_tables where tablename ~ '^t[0-9]$'", f"{auto.database}_b") == [(4,)]
    for client in clients:
        assert client.value("select current_database()") == name
    with auto.connect(user="postgres", dbname="postgres", prepare_threshold=0) as conn:  # in the extended protocol
        conn.execute(f"alter database {name} rename to {auto.database}_c")
    assert clients[0].error("select 1").sqlstate == "3D000"
    tool(auto, "psql", "-X", "-c", f'alter database "{auto.database}_b" rename to {name}', dbname="postgres")
    until(lambda: "E" not in [m.kind for m in clients[0].query("select 1")], "logins are tried again")
    assert {client.value("select current_database()") for client in clients} == {name}
    for one in ("_a", "_c"):
        tool(auto, "dropdb", "--maintenance-db", "postgres", f"{auto.database}{one}", dbname="postgres")
    assert databases(auto, auto.database) == [""]


def test_a_database_in_use_is_not_dropped(auto):
    name = f"{auto.database}_made"
    tool(auto, "createdb", "-O", "app", name, dbname="postgres")
    client = auto.raw(database=name)
    client.rows("begin")
    client.rows("create table t ()")
    done = tool(auto, "dropdb", name, dbname="postgres", check=False)
    assert done.returncode and "is being accessed by other users" in done.stderr
    client.rows("commit")
    assert client.value("select count(*) from t") == "0"
    client.close()
    tool(auto, "dropdb", name, dbname="postgres")


def test_a_listener_for_nobody_keeps_no_database_from_being_dropped(auto):
    """It stays for a while for who is back soon: longer than PostgreSQL waits."""
    name = auto.database + "_heard"
    tool(auto, "createdb", "-O", "app", name, dbname="postgres")
    client = auto.raw(database=name)
    client.query("listen a")
    until(lambda: auto.show("listeners", database=name, clients=1))
    client.query("unlisten a")
    until(lambda: auto.show("listeners", database=name, clients=0))
    client.close()
    tool(auto, "dropdb", name, dbname="postgres")


AMID = {
    "reload": lambda p: p.reload(pool_size=3),
    "pause": lambda p: [p.console(f"{word} {p.database}") for word in ("pause", "resume")],
    "kill": lambda p: p.console(f"kill {p.database}"),
    "SIGINT": lambda p: p.signal(signal.SIGINT),
    "SIGQUIT": lambda p: p.signal(signal.SIGQUIT),
}


@pytest.mark.parametrize("amid", AMID)
def test_what_happens_while_a_database_is_left(auto, amid):
    """PostgreSQL waits for somebody else; the pooler goes on, or ends well."""
    used(auto, auto.database)
    with auto.cluster.connect(auto.database):
        client = auto.raw(user="postgres", database="postgres")
        client.send(rawwire.Q(f"drop database {auto.database}"))
        until(lambda: not auto.cluster.backends(f"datname = '{auto.database}'"), "the pooler's servers have left")
        AMID[amid](auto)
    client.rest() if amid.startswith("SIG") else client.ready()


def test_who_may_not_drop_a_database_keeps_nobody_from_it(auto):
    """Nor does who says so amid something that takes a while."""
    used(auto, auto.database)
    auto.cluster.sql(f"alter database {auto.database} owner to postgres")
    before = auto.cluster.backends(f"datname = '{auto.database}'")
    hostile = auto.raw(user="third", database="other")
    for _ in range(20):
        assert hostile.error(f"drop database {auto.database}").sqlstate == "42501"
    assert hostile.error(f"select pg_sleep(0.5); drop database {auto.database}").sqlstate in ("25001", "42501")
    assert auto.cluster.backends(f"datname = '{auto.database}'") == before


def test_pgloader(auto, tmp_path):
    """A driver that is not libpq, in Common Lisp, with two connections that copy at once."""
    if not shutil.which("pgloader"):
        pytest.skip("no pgloader")
    (tmp_path / "rows.csv").write_text("id;name\n" + "".join(f'{n};"name ""{n}"""\n' for n in range(5000)) + "none;odd\n")
    (tmp_path / "load").write_text(f"""
        load csv from '{tmp_path}/rows.csv' (id, name)
        into postgresql://app@127.0.0.1:{auto.port}/{auto.database} target table public.loaded (id, name)
        with skip header = 1, fields terminated by ';', workers = 2, concurrency = 2, batch rows = 500
        set work_mem to '9MB'
        before load do $$ create table loaded (id int primary key, name text, by text default current_setting('work_mem')) $$;
        """)
    other = auto.raw(database=auto.database)
    done = subprocess.run(["pgloader", "--root-dir", tmp_path / "root", tmp_path / "load"], capture_output=True, text=True,
                          check=False, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ask(auto, "select count(*), max(name), array_agg(distinct by) from loaded") == [(5000, 'name "999"', ["9MB"])]
    assert other.value("show work_mem") == "4MB"


def test_logical_subscription(make_pooler, cluster, own_cluster, fresh_database):
    """A subscriber whose publisher is behind the pooler: the slot, the copies of the tables, the stream, and the end of it."""
    p = make_pooler(own_cluster, pool_mode="auto", pool_size=SERVERS, workers=2)
    tables = "create table a (n int primary key, t text); create table b (n int primary key)"
    own_cluster.in_app(f"{tables}; insert into a select n, 'old' from generate_series(1, 500) n; "
                       "insert into b select generate_series(1, 500); create publication pub for all tables")
    own_cluster.sql("alter role repl superuser")
    subscriber = fresh_database()
    here = lambda sql: cluster.in_app(sql, subscriber)  # noqa: E731
    here(tables)
    here(f"create subscription sub connection 'host=127.0.0.1 port={p.port} user=repl dbname=app' publication pub")
    until_equal(lambda: here("select (select count(*) from a), (select count(*) from b)"), [(500, 500)])
    client = p.raw(user="postgres")
    for text in ("insert into a values (501, 'new')", "update a set t = 'changed' where n = 7", "delete from b where n > 100",
                 "truncate b", "insert into b values (9)"):
        client.rows(text)
    until_equal(lambda: here("select (select max(n) from a), (select t from a where n = 7), (select sum(n) from b)"),
                [(501, "changed", 9)])
    assert own_cluster.sql("select slot_name, active from pg_replication_slots") == [("sub", True)]
    here("drop subscription sub")
    assert own_cluster.sql("select slot_name from pg_replication_slots") == []
    until(lambda: not own_cluster.backends("backend_type = 'walsender'"), "its servers are closed")
