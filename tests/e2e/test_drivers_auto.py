"""Drivers and frameworks with their own defaults, through pool_mode auto: more connections than servers, and every value
is the asker's. What is not Python is in drivers/."""

import asyncio
import os
import pathlib
import re
import shutil
import subprocess
import sys

import asyncpg
import psycopg
import pytest

from waiting import DEADLINE, all_at_once, until

pytestmark = [pytest.mark.pgweir, pytest.mark.timeout(180)]

DRIVERS = pathlib.Path(__file__).parent / "drivers"
NODE_MODULES = os.environ.get("E2E_NODE_MODULES", "")
JDBC = pathlib.Path("/usr/share/java/postgresql.jar")
GO_PATH = pathlib.Path("/usr/share/gocode")
SERVERS = 3


@pytest.fixture
def auto(pooler, fresh_database):
    """A pooler in front of an empty database; its name is p.database."""
    database = fresh_database()
    p = pooler(pool_mode="auto", pool_size=SERVERS, workers=3, max_client_conn=200, max_kept=0,
               databases={database: lambda p: p.db(database)})
    p.database = database
    return p


def run(p, *command, env=None):
    """A program that says `all is well`, having asked all it wants to know."""
    done = subprocess.run([*map(str, command), str(p.port), p.database], capture_output=True, text=True, check=False,
                          timeout=8 * DEADLINE, env={**os.environ, **(env or {})})
    assert done.stdout == "all is well\n", f"it ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    until(lambda: len(p.cluster.backends(f"datname = '{p.database}'")) <= SERVERS, "there are no more servers than that")


@pytest.mark.parametrize("threshold", [5, 0])
def test_psycopg(auto, threshold):
    """Statements are prepared after five uses, which is the default, or at once."""
    def one(who):
        with psycopg.connect(auto.conninfo(dbname=auto.database), autocommit=True, prepare_threshold=threshold) as conn:
            conn.execute("select set_config('my.tenant', %s, false)", (str(who),))
            for n in range(20):
                assert conn.execute("select %s::int + 1, %s::text", (n, f"{who}.{n}")).fetchone() == (n + 1, f"{who}.{n}")
                assert conn.execute("select current_setting('my.tenant')").fetchone() == (str(who),)
                with conn.transaction(), conn.cursor() as cursor:
                    cursor.execute("create temp table scratch (a int) on commit drop")
                    cursor.executemany("insert into scratch values (%s)", [(who,), (n,)])
                    assert cursor.execute("select sum(a) from scratch").fetchone() == (who + n,)
            with conn.pipeline():
                cursors = [conn.execute("select %s::int * %s", (who, n)) for n in range(10)]
            assert [c.fetchone()[0] for c in cursors] == [who * n for n in range(10)]

    all_at_once([lambda who=who: one(who) for who in range(10)])


def test_asyncpg(auto):
    """Named statements, types that it asks the server for, transactions, cursors, COPY."""
    async def one(pool, who):
        async with pool.acquire() as conn:
            statement = await conn.prepare("select $1::mood as m, $2::int[] as l, row($3::text, 2)::pair as p")
            for n in range(10):
                got = await statement.fetchrow("ok", [who, n], f"it is {who}")
                assert (got["m"], got["l"], got["p"]["a"]) == ("ok", [who, n], f"it is {who}")
                assert await conn.fetchval("select $1::int + $2", who, n) == who + n
            async with conn.transaction():
                await conn.copy_records_to_table("copied", records=[(who, n) for n in range(30)])
                rows = [r["n"] async for r in conn.cursor("select n from copied where who = $1 order by n", who)]
                assert rows == list(range(30))
            with pytest.raises(asyncpg.DivisionByZeroError):
                await conn.fetch("select $1::int / 0", who)

    async def main():
        async with asyncpg.create_pool(host="127.0.0.1", port=auto.port, user="app", database=auto.database, ssl=False,
                                       min_size=6, max_size=6) as pool:
            await pool.execute("create type mood as enum ('sad', 'ok'); create type pair as (a text, b int); "
                               "create table copied (who int, n int)")
            await asyncio.gather(*(one(pool, who) for who in range(12)))
            assert await pool.fetchval("select count(*) from copied") == 360

    asyncio.run(main())


def test_asyncpg_listeners(auto):
    async def main():
        keys = dict(host="127.0.0.1", port=auto.port, user="app", database=auto.database, ssl=False)
        conns = [await asyncpg.connect(**keys) for _ in range(SERVERS - 1)]
        talker = await asyncpg.connect(**keys)
        queues = [asyncio.Queue() for _ in conns]
        for conn, queue in zip(conns, queues):
            await conn.add_listener("news", lambda _c, _p, _n, said, queue=queue: queue.put_nowait(said))
        for n in range(20):
            await talker.execute("select pg_notify('news', $1)", str(n))
        for queue in queues:
            assert [await asyncio.wait_for(queue.get(), DEADLINE) for _ in range(20)] == [str(n) for n in range(20)]
        for conn in [*conns, talker]:
            await conn.close()

    asyncio.run(main())


def test_sqlalchemy(auto):
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("alembic")
    run(auto, sys.executable, DRIVERS / "sqlalchemy_orm.py")


def test_django(auto):
    pytest.importorskip("django")
    run(auto, sys.executable, DRIVERS / "django_orm.py")


@pytest.mark.parametrize("script,package", [("node_pg.js", "pg"), ("postgres_js.js", "postgres"), ("knex.js", "knex"),
                                            ("sequelize.js", "sequelize"), ("typeorm.js", "typeorm"),
                                            ("prisma.js", "@prisma/adapter-pg")])
def test_node(auto, script, package):
    if not shutil.which("node") or not (pathlib.Path(NODE_MODULES) / package).is_dir():
        pytest.skip(f"no node, or no {package} in E2E_NODE_MODULES (run-tests installs it by npm)")
    run(auto, "node", DRIVERS / script, env={"NODE_PATH": NODE_MODULES})


def test_jdbc(auto):
    if not shutil.which("javac") or not JDBC.exists():
        pytest.skip("no javac, or no libpostgresql-jdbc-java")
    run(auto, "java", "-Xshare:auto", "-cp", JDBC, DRIVERS / "Jdbc.java")


def test_php(auto):
    if not shutil.which("php") or "pdo_pgsql" not in subprocess.run(["php", "-m"], capture_output=True, text=True, check=False).stdout:
        pytest.skip("no php, or no php-pgsql")
    run(auto, "php", DRIVERS / "pdo.php")


def test_ruby(auto):
    if not shutil.which("ruby") or subprocess.run(["ruby", "-e", "require 'pg'"], capture_output=True, check=False).returncode:
        pytest.skip("no ruby, or no ruby-pg")
    run(auto, "ruby", DRIVERS / "pg.rb")


def test_perl(auto):
    if subprocess.run(["perl", "-MDBD::Pg", "-e1"], capture_output=True, check=False).returncode:
        pytest.skip("no libdbd-pg-perl")
    run(auto, "perl", DRIVERS / "dbd_pg.pl")


def test_odbc(auto):
    pytest.importorskip("pyodbc")
    if "PostgreSQL Unicode" not in pathlib.Path("/etc/odbcinst.ini").read_text():
        pytest.skip("no odbc-postgresql")
    run(auto, sys.executable, DRIVERS / "odbc.py")


@pytest.mark.parametrize("program,package", [("pq.go", "lib/pq"), ("pgx.go", "jackc/pgx/v4")])
def test_go(auto, program, package):
    if not shutil.which("go") or not (GO_PATH / "src/github.com" / package).is_dir():
        pytest.skip("no golang-go, or no golang-github-lib-pq-dev or -jackc-pgx-v4-dev")
    run(auto, "go", "run", DRIVERS / "check.go", DRIVERS / program, env={"GO111MODULE": "off", "GOPATH": str(GO_PATH), "GOFLAGS": "-p=2"})


def test_pg_restore_in_parallel(auto, cluster, fresh_database):
    source, target = auto.database, fresh_database()
    auto.databases[target] = lambda p: p.db(target)
    auto.write_ini()
    auto.console("reload")
    cluster.in_app("""
        create table a(id serial primary key, t text); insert into a(t) select repeat('z', n) from generate_series(1, 300) n;
        create table b(id int references a, v numeric default 1.5); insert into b select n from generate_series(1, 200) n;
        create index on b (v, id); create materialized view m as select count(*) as n from b with no data;
        refresh materialized view m; create sequence s start 42; select nextval('s')""", source)
    archive = auto.directory / "archive"
    auto.run("pg_dump", "-Fc", "-f", archive, user="postgres", dbname=source)
    auto.run("pg_restore", "-j", "4", "-d", target, archive, user="postgres", dbname=target)
    plain = lambda name: re.sub(r"(?m)^(--.*|\\(un)?restrict .*)$", "",  # noqa: E731
                                auto.run("pg_dump", name, user="postgres", dbname=name).stdout)
    assert plain(target) == plain(source)
    assert "SELECT pg_catalog.setval('public.s', 42, true)" in plain(target)
