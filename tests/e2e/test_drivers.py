"""What people use: psql, psycopg 3, asyncpg, pgbench, pg_dump."""

import asyncio
import re

import asyncpg
import psycopg
import pytest

from waiting import Crew, all_at_once, until


# ---- psql and pg_dump -------------------------------------------------------------------------------


def test_psql_script(pooler):
    p = pooler(pool_mode="session", pool_size=1)
    out = p.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", stdin="""
        create temp table t(a int, b text);
        \\copy t from stdin
1\tone
2\ttwo
\\.
        begin;
        insert into t values (3, 'three');
        savepoint s;
        insert into t values (4, 'four');
        rollback to s;
        commit;
        \\copy (select * from t order by a) to stdout
        select count(*) from t \\gset
        \\echo :count
    """).stdout
    assert out.split("\n")[:4] == ["1\tone", "2\ttwo", "3\tthree", "3"]


def test_psql_in_transaction_mode(pooler, shape):
    p = pooler(pool_size=1, **shape)
    assert p.psql("begin; create temp table t on commit drop as select 5 as a; select a from t; commit") == "5"
    assert p.run("psql", "-XAt", "-c", "select 1/0", check=False).returncode == 1


def test_psql_lists_tables(pooler):
    p = pooler()
    assert "pg_class" in p.run("psql", "-XAt", "-c", "\\dt pg_catalog.*").stdout


def test_pg_dump_and_restore(pooler, cluster, fresh_database):
    source, target = fresh_database(), fresh_database()
    cluster.in_app("""
        create table a(id serial primary key, t text); insert into a(t) select repeat('z', n) from generate_series(1, 500) n;
        create view v as select count(*) from a; create function f() returns int language sql as 'select 1';
        select lo_from_bytea(0, 'large object')""", source)
    p = pooler(pool_size=2, pool_mode="session",
               databases={name: (lambda name: lambda p: p.db(name))(name) for name in (source, target)})
    dump = p.run("pg_dump", source, user="postgres", dbname=source).stdout
    p.run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", user="postgres", dbname=target, stdin=dump)
    clean = lambda text: re.sub(r"(?m)^(--.*|\\(un)?restrict .*)$", "", text)  # noqa: E731
    assert clean(p.run("pg_dump", target, user="postgres", dbname=target).stdout) == clean(dump)
    assert "large object" in cluster.in_app(
        "select convert_from(lo_get(oid), 'UTF8') from pg_largeobject_metadata", target)[0][0]


# ---- psycopg 3 --------------------------------------------------------------------------------------


def test_psycopg(pooler, shape):
    p = pooler(pool_size=2, **shape)
    conn = p.connect()
    assert conn.execute("select %s::text, %s::int[], %s::jsonb", ("ä", [1, 2], '{"k": 1}')).fetchone() == (
        "ä", [1, 2], {"k": 1})
    with conn.transaction():
        with pytest.raises(psycopg.errors.DivisionByZero), conn.transaction():
            conn.execute("select 1/0")
        assert conn.execute("select 1").fetchone() == (1,)
    with conn.transaction(), conn.cursor("named") as cursor:
        cursor.itersize = 7
        cursor.execute("select generate_series(1, 50)")
        assert [r[0] for r in cursor] == list(range(1, 51))
    assert conn.info.parameter_status("server_version")


def test_psycopg_copy(pooler, cluster, shape):
    cluster.in_app("drop table if exists pcopy; create table pcopy(a int, b text); grant all on pcopy to public")
    p = pooler(pool_size=1, **shape)
    conn = p.connect()
    with conn.cursor().copy("copy pcopy from stdin") as copy:
        for n in range(200):
            copy.write_row((n, f"row {n}"))
    with conn.cursor().copy("copy (select a, b from pcopy order by a) to stdout") as copy:
        copy.set_types(["int4", "text"])
        assert list(copy.rows()) == [(n, f"row {n}") for n in range(200)]
    with pytest.raises(psycopg.errors.BadCopyFileFormat), conn.cursor().copy("copy pcopy from stdin") as copy:
        copy.write("1\t2\t3\n")
    assert conn.execute("select count(*) from pcopy").fetchone() == (200,)


@pytest.mark.parametrize("bytes_at_once", [11, 1009, 0])
def test_rows_and_copies_are_cut_anywhere(pooler, cluster, bytes_at_once):
    """Runs of rows of all lengths, whose heads come in pieces: each is as it was sent, and counted."""
    count = 300 if bytes_at_once == 11 else 4000
    cluster.in_app("drop table if exists cut; create table cut(a int, b text); grant all on cut to public")
    p = pooler(pool_size=1, debug_io_bytes=bytes_at_once)
    conn = p.connect()
    wanted = [(n, "x" * (n % 700)) for n in range(count)]
    with conn.cursor().copy("copy cut from stdin") as copy:
        for row in wanted:
            copy.write_row(row)
    assert conn.execute("select a, b from cut order by a").fetchall() == wanted
    with conn.cursor().copy("copy (select a, b from cut order by a) to stdout") as copy:
        copy.set_types(["int4", "text"])
        assert list(copy.rows()) == wanted
    assert conn.execute("select 1").fetchone() == (1,)


def test_psycopg_pipeline_with_errors(pooler, shape):
    p = pooler(pool_size=1, **shape)
    conn = p.connect()
    with conn.pipeline() as pipeline:
        good = conn.execute("select 1")
        pipeline.sync()
        conn.execute("select 1/0")
        with pytest.raises(psycopg.errors.DivisionByZero):
            pipeline.sync()
        after = conn.execute("select 3")
    assert (good.fetchone(), after.fetchone()) == ((1,), (3,))


def test_psycopg_prepared_in_session_mode(pooler):
    p = pooler(pool_size=2, pool_mode="session")
    conn = p.connect(prepare_threshold=0)
    for n in range(50):
        assert conn.execute("select %s::int + 1", (n,)).fetchone() == (n + 1,)


def test_psycopg_async(pooler):
    p = pooler(pool_size=3)

    async def one(n):
        async with await psycopg.AsyncConnection.connect(p.conninfo(), autocommit=True,
                                                         prepare_threshold=None) as conn:
            cursor = await conn.execute("select %s::int", (n,))
            return (await cursor.fetchone())[0]

    async def main():
        return await asyncio.gather(*(one(n) for n in range(20)))

    assert asyncio.run(main()) == list(range(20))


def test_large_objects(pooler):
    """libpq's lo_ functions are function calls of the protocol."""
    p = pooler(pool_size=1)
    with p.connect() as conn, conn.transaction():
        oid = conn.execute("select lo_create(0)").fetchone()[0]
        conn.execute("select lo_put(%s, 0, %s)", (oid, b"x" * 100000))
        assert conn.execute("select length(lo_get(%s))", (oid,)).fetchone() == (100000,)
        conn.execute("select lo_unlink(%s)", (oid,))


# ---- asyncpg ----------------------------------------------------------------------------------------


def asyncpg_round(p, **keys):
    async def main():
        conn = await asyncpg.connect(host="127.0.0.1", port=p.port, user="app", database="app", ssl=False, timeout=20,
                                     **keys)
        assert await conn.fetchval("select $1::int + 1", 41) == 42
        assert [r["g"] for r in await conn.fetch("select generate_series(1, 100) g")] == list(range(1, 101))
        async with conn.transaction():
            assert await conn.fetchval("select $1::text", "in") == "in"
            async with conn.transaction():
                assert await conn.fetchval("select 2") == 2
            rows = [r[0] async for r in conn.cursor("select generate_series(1, 200)", prefetch=30)]
            assert rows == list(range(1, 201))
        with pytest.raises(asyncpg.DivisionByZeroError):
            await conn.fetch("select 1/0")
        await conn.executemany("select $1::int", [(n,) for n in range(50)])
        assert await conn.fetchval("select 'end'") == "end"
        await conn.close()

    asyncio.run(main())


def test_asyncpg_in_transaction_mode(pooler, shape):
    p = pooler(pool_size=1, **shape)
    asyncpg_round(p, statement_cache_size=0)
    asyncpg_round(p, statement_cache_size=0)


def test_asyncpg_in_session_mode(pooler, shape):
    p = pooler(pool_size=1, pool_mode="session", **shape)
    asyncpg_round(p)
    asyncpg_round(p)


def test_asyncpg_pool(pooler):
    p = pooler(pool_size=4, pool_mode="session")

    async def main():
        async with asyncpg.create_pool(host="127.0.0.1", port=p.port, user="app", database="app", ssl=False,
                                       min_size=2, max_size=4) as pool:
            return await asyncio.gather(*(pool.fetchval("select $1::int", n) for n in range(200)))

    assert asyncio.run(main()) == list(range(200))


def test_asyncpg_copy_and_listen(pooler, cluster):
    cluster.in_app("drop table if exists acopy; create table acopy(a int, b text); grant all on acopy to public")
    p = pooler(pool_size=3, pool_mode="session")

    async def main():
        keys = dict(host="127.0.0.1", port=p.port, user="app", database="app", ssl=False)
        conn, other = await asyncpg.connect(**keys), await asyncpg.connect(**keys)
        await conn.copy_records_to_table("acopy", records=[(n, str(n)) for n in range(1000)])
        assert await conn.fetchval("select count(*) from acopy") == 1000
        heard = asyncio.get_running_loop().create_future()
        await conn.add_listener("news", lambda *args: heard.set_result(args[3]))
        await other.execute("notify news, 'hello'")
        assert await asyncio.wait_for(heard, 20) == "hello"
        with pytest.raises(asyncio.TimeoutError):
            await conn.fetchval("select pg_sleep(600)", timeout=0.3)
        assert await conn.fetchval("select 1") == 1
        await conn.close()
        await other.close()

    asyncio.run(main())
    until(lambda: [s for s in cluster.states() if s[1] != "idle"] == [])


# ---- pgbench ----------------------------------------------------------------------------------------


@pytest.fixture
def bench(cluster, fresh_database, pooler):
    """bench(**settings): a pooler in front of a database with pgbench's tables."""
    database = fresh_database()

    def make(**keys):
        p = pooler(max_client_conn=200, databases={"bench": lambda p: p.db(database)}, **keys)
        p.run("pgbench", "-i", "-q", "-s", "2", "-n", dbname="bench")
        return p

    make.sums = lambda: cluster.in_app(
        "select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers), "
        "(select sum(bbalance) from pgbench_branches), (select sum(delta) from pgbench_history), "
        "(select count(*) from pgbench_history)", database)[0]
    return make


def pgbench(p, *args):
    done = p.run("pgbench", "-n", *args, dbname="bench")
    assert "number of failed transactions: 0" in done.stdout, done.stdout
    assert "aborted" not in done.stderr, done.stderr
    return int(re.search(r"number of transactions actually processed: (\d+)", done.stdout)[1])


@pytest.mark.parametrize("mode,pool_mode", [("simple", "transaction"), ("extended", "transaction"),
                                            ("prepared", "session"), ("simple", "statement")])
@pytest.mark.parametrize("workers", [1, 3])
def test_pgbench_select_only(bench, mode, pool_mode, workers):
    p = bench(pool_size=8, pool_mode="session", workers=workers)
    p.reload(pool_mode=pool_mode)
    clients = 8 if pool_mode == "session" else 16
    assert pgbench(p, "-S", "-M", mode, "-c", clients, "-j", "2", "-t", "150") == clients * 150


@pytest.mark.parametrize("mode,workers", [("simple", 3), ("extended", 3), ("simple", 1)])
def test_pgbench_read_write_keeps_the_books(bench, cluster, mode, workers):
    """32 clients over a pool of 4: what went in is what is there."""
    p = bench(pool_size=4, workers=workers)
    done = pgbench(p, "-M", mode, "-c", "32", "-j", "2", "-t", "40")
    a, t, b, delta, count = bench.sums()
    assert a == t == b == delta
    assert count == done == 32 * 40
    assert len(cluster.backends()) <= 4


def test_pgbench_prepared_in_auto_mode(bench, cluster):
    """Its statements follow 32 clients over a pool of 4."""
    p = bench(pool_size=4, pool_mode="auto", workers=3)
    # a thread for each: to prepare, pgbench waits, and its other clients of that thread with it
    assert pgbench(p, "-M", "prepared", "-c", "32", "-j", "32", "-t", "40") == 32 * 40
    a, t, b, delta, count = bench.sums()
    assert a == t == b == delta and count == 32 * 40
    assert pgbench(p, "-S", "-M", "prepared", "-c", "16", "-j", "2", "-t", "100") == 1600
    assert len(cluster.backends()) <= 4


def test_pgbench_prepared_read_write_in_session_mode(bench):
    p = bench(pool_size=8, pool_mode="session")
    assert pgbench(p, "-M", "prepared", "-c", "8", "-j", "2", "-t", "60") == 480
    a, t, b, delta, _ = bench.sums()
    assert a == t == b == delta


def test_pgbench_connecting_each_time(bench):
    p = bench(pool_size=4, workers=3)
    assert pgbench(p, "-S", "-C", "-c", "8", "-j", "2", "-t", "40") == 320


def test_pgbench_byte_by_byte(bench):
    p = bench(pool_size=4, workers=3)
    p.stop()
    p.change(debug_io_bytes=1)
    p.start()
    assert pgbench(p, "-M", "extended", "-c", "8", "-t", "5") == 40
    a, t, b, delta, _ = bench.sums()
    assert a == t == b == delta


def test_pgbench_pipeline(bench):
    p = bench(pool_size=4, workers=3)
    script = p.directory / "pipe.sql"
    script.write_text("\\startpipeline\nselect 1;\nselect :client_id;\nselect 3;\n\\endpipeline\n")
    assert pgbench(p, "-M", "extended", "-f", script, "-c", "16", "-j", "2", "-t", "100") == 1600


def test_nonces_under_load(pooler, cluster):
    """Every reply carries what only its asker knows, over all kinds of statements."""
    p = pooler(pool_size=3, workers=3, max_client_conn=200)

    def one(who):
        conn = p.connect()
        for n in range(25):
            tag = f"{who}:{n}"
            assert conn.execute("select %s", (tag,)).fetchone() == (tag,)
            with conn.transaction():
                conn.execute("create temp table nonce on commit drop as select %s::text as t", (tag,))
                assert conn.execute("select t from nonce").fetchone() == (tag,)
            with conn.pipeline():
                cursors = [conn.execute("select %s || %s", (tag, str(i))) for i in range(5)]
            assert [c.fetchone()[0] for c in cursors] == [tag + str(i) for i in range(5)]
            with conn.cursor().copy(f"copy (select '{tag}') to stdout") as copy:
                assert b"".join(copy).decode() == tag + "\n"
            with pytest.raises(psycopg.errors.InvalidTextRepresentation, match=tag):
                conn.execute(f"select '{tag}'::int")

    all_at_once([lambda who=who: one(who) for who in range(10)])


@pytest.mark.slow
def test_mixed_load_with_rude_clients(pooler, cluster):
    """While well-behaved clients work, others cancel, vanish and fail; the former never notice."""
    import random
    import rawwire
    cluster.in_app("drop table if exists mixed; create table mixed(a text); grant all on mixed to public")
    p = pooler(pool_size=3, workers=3, max_client_conn=1000)
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    crew = Crew()
    done = [0] * 6

    def good(who):
        client = p.raw(application_name=f"good{who}")
        while not crew.stop.is_set():
            n = done[who] = done[who] + 1
            assert client.rows(f"begin; select 'g{who}.{n}'; commit") == [[f"g{who}.{n}"]]
            assert client.value("show application_name") == f"good{who}"

    def rude(who):
        rng = random.Random(seed + who)
        while not crew.stop.is_set():
            try:
                client = p.raw(application_name="rude")
            except rawwire.Refused as refused:
                assert "max_client_conn" in refused.error.text
                continue
            try:
                for _ in range(rng.randrange(4)):
                    client.send(rng.choice([
                        rawwire.Q("begin; insert into mixed values ('rude')"), rawwire.Q("select pg_sleep(0.05)"),
                        rawwire.P("select 1/0") + rawwire.B() + rawwire.E() + rawwire.S,
                        rawwire.Q("select repeat('x', 100000) from generate_series(1, 50)"),
                        rawwire.Q("copy mixed from stdin") + rawwire.d("rude\n")]))
                    if rng.random() < 0.3:
                        client.cancel()
                if rng.random() < 0.3:
                    client.send(b"Q\0\0")
            except OSError:
                pass  # thrown out, for a cancel of its own perhaps
            rng.choice([client.kill, client.drop, client.close])()

    with crew:
        for who in range(6):
            crew.start(good, who)
        for who in range(4):
            crew.start(rude, who)
        until(lambda: crew.errors or min(done) > 200, "the load has gone on long enough", 60)
    until(lambda: [s for s in cluster.states() if s[1] != "idle"] == [], "no query runs on")
    assert cluster.in_app("select count(*) from mixed") == [(0,)]
