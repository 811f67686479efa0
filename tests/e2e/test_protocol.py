"""Conversations of protocol 3, word for word: through the pooler they are what PostgreSQL itself says."""

import struct

import pytest

import rawwire
from rawwire import B, C, D, E, F, H, P, Q, S, c, d, f

INT4PL, PI = 177, 1610


def int4(value):
    return struct.pack("!i", value)


# A conversation is a list of steps: bytes are sent; a number means that many ReadyForQuery are awaited;
# a string means that messages are read up to and with one of its letters.
SIMPLE = {
    "one statement": [Q("select 1 as one, 'x' as two, null as three"), 1],
    "several statements": [Q("select 1; select 'two'; select 3, 3"), 1],
    "empty query": [Q(""), 1, Q(";"), 1, Q(" -- nothing\n"), 1],
    "error and on": [Q("select 1/0"), 1, Q("select 2"), 1],
    "error among several": [Q("select 1; select 1/0; select 3"), 1],
    "syntax error": [Q("selec 1"), 1],
    "transaction": [Q("begin"), 1, Q("select 1"), 1, Q("commit"), 1],
    "failed transaction": [Q("begin"), 1, Q("select 1/0"), 1, Q("select 1"), 1, Q("rollback"), 1],
    "commit of a failed transaction": [Q("begin"), 1, Q("select 1/0"), 1, Q("commit"), 1],
    "transaction in one string": [Q("begin; select 1; commit; select 2"), 1],
    "transaction left open by a string": [Q("select 1; begin; select 2"), 1, Q("rollback"), 1],
    "savepoint": [Q("begin; savepoint a; select 1/0"), 1, Q("rollback to a"), 1, Q("commit"), 1],
    "notices": [Q("do $$ begin raise notice 'one'; raise warning 'two'; end $$"), 1],
    "many rows": [Q("select g, repeat('x', 100) from generate_series(1, 3000) g"), 1],
    "wide row": [Q("select repeat('w', 300000)"), 1],
    "queries without waiting": [Q("select 1") + Q("select 1/0") + Q("select 3"), 3],
    "parameter status": [Q("begin; set local datestyle = 'German'"), 1, Q("commit"), 1],
    "notification to oneself": [Q("begin; listen here; notify here, 'me'"), 1, Q("commit"), 1, Q("unlisten *"), 1],
    "no rows": [Q("select 1 where false"), 1, Q("create temp table if not exists z() on commit drop"), 1],
    "explicit cursor": [Q("begin; declare k cursor for select generate_series(1, 5)"), 1, Q("fetch 2 from k"), 1,
                        Q("close k; commit"), 1],
}

EXTENDED = {
    "parse bind describe execute": [P("select $1::int + 1") + B("41") + D() + E() + S, 1],
    "without describe": [P("select 1") + B() + E() + S, 1],
    "describe a statement": [P("select $1::int, $2::text") + D("S") + S, 1],
    "describe without rows": [P("set local work_mem = '1MB'") + D("S") + B() + D() + E() + S, 1],
    "null and binary": [P("select $1::text, $2::int, $3::text")
                        + B(None, int4(7), "", formats=(0, 1, 0), results=(0, 1, 0)) + E() + S, 1],
    "three in a batch": [(P("select 1") + B() + E()) * 3 + S, 1],
    "three batches at once": [(P("select 1") + B() + D() + E() + S) * 3, 3],
    "error first of three batches": [P("select 1/0") + B() + E() + S + (P("select 2") + B() + E() + S) * 2, 3],
    "error in the middle of a batch": [P("select 1") + B() + E() + P("select 1/0") + B() + D() + E()
                                       + P("select 3") + B() + E() + S, 1],
    "parse error": [P("selec 1") + B() + D() + E() + S, 1],
    "bind error": [P("select $1::int") + B("x") + E() + S, 1],
    "bind to what is not there": [B(name="nothing") + E() + S, 1],
    "describe what is not there": [D("S", "nothing") + S, 1, D("P", "nothing") + S, 1],
    "execute what is not there": [E("nothing") + S, 1],
    "close what is not there": [C("S", "nothing") + C("P", "nothing") + S, 1],
    "empty statement": [P("") + B() + D() + E() + S, 1],
    "sync alone": [S, 1, S + S + S, 3],
    "flush, then execute": [P("select 5") + B() + D() + H, "T", E() + S, 1],
    "flush after each": [P("select 5") + H, "1", B() + H, "2", D() + H, "T", E() + H, "C", S, 1],
    "flush after an error": [P("selec") + H, "E", B() + E() + H + S, 1],
    "flush alone": [H + S, 1],
    "portal in pieces": [P("select generate_series(1, 7)") + B(portal="p") + E("p", 3) + H, "s", E("p", 3) + H, "s",
                         E("p", 0) + S, 1],
    "portal in pieces, one batch": [P("select generate_series(1, 7)") + B() + E("", 3) + E("", 3) + E() + S, 1],
    "portal left unfinished": [P("select generate_series(1, 7)") + B() + E("", 3) + S, 1],
    "transaction": [P("begin") + B() + E() + S, 1, P("select 1") + B() + E() + S, 1, P("commit") + B() + E() + S, 1],
    "transaction in a batch": [P("begin") + B() + E() + P("select 1") + B() + E() + P("commit") + B() + E() + S, 1],
    "named in a transaction": [Q("begin"), 1, P("select $1::int * 2", "a") + S, 1, B("4", name="a") + E() + S, 1,
                               C("S", "a") + S, 1, Q("commit"), 1],
    "duplicate name": [Q("begin"), 1, P("select 1", "dup") + S, 1, P("select 2", "dup") + S, 1, Q("rollback"), 1,
                       Q("deallocate dup"), 1],
    "query after parse without sync": [P("select 1") + Q("select 2"), 1],
    "query after a batch without sync": [P("select 1") + B() + E() + Q("select 2"), 1],
    "query in a failed batch is skipped": [P("select 1/0") + B() + E() + Q("select 2") + S, 1],
    "function call in a failed batch is skipped": [P("select 1/0") + B() + E() + F(PI) + S, 1],
    "begin, error, then the rest": [P("begin") + B() + E() + P("select 1/0") + B() + E() + S
                                    + P("select 3") + B() + E() + S + P("rollback") + B() + E() + S, 3],
    "error, next batch on its way": [P("select 1/0") + B() + E() + S + P("select pg_sleep(0.02)") + B() + E() + S, 2],
    "mixed without waiting": [Q("select 1") + P("select 2") + B() + E() + S + Q("select 1/0")
                              + P("selec") + B() + E() + S + Q("select 5"), 5],
    "large parameter": [P("select length($1)") + B("x" * 200000) + E() + S, 1],
    "fifty batches": [(P("select 1") + B() + E() + S + P("select 1/0") + B() + E() + S) * 25, 50],
}

FUNCTION_CALL = {
    "result": [F(INT4PL, int4(40), int4(2)), 1],
    "error": [F(999999), 1, F(INT4PL, int4(2147483647), int4(1)), 1],
    "in a transaction": [Q("begin"), 1, F(INT4PL, int4(1), int4(2)), 1, Q("commit"), 1],
    "without waiting": [F(INT4PL, int4(1), int4(2)) + Q("select 1") + F(PI), 3],
}

ROWS = "".join(f"{i}\trow {i}\n" for i in range(2000))

COPY = {
    "out": [Q("copy (select generate_series(1, 100)) to stdout"), 1],
    "out, extended": [P("copy (select generate_series(1, 100)) to stdout") + B() + D() + E() + S, 1],
    "out, then an error": [Q("copy (select 1 / (50 - g) from generate_series(1, 100) g) to stdout"), 1],
    "in": [Q("copy sink from stdin"), "G", d("1\ta\n") + d("2\tb\n") + c(), 1],
    "in, not waiting": [Q("copy sink from stdin") + d("1\ta\n") + c() + Q("select 1"), 2],
    "in, nothing": [Q("copy sink from stdin") + c(), 1],
    "in, many rows": [Q("copy sink from stdin"), "G", d(ROWS) + c(), 1, Q("select count(*) from sink"), 1],
    "in, cut anywhere": [Q("copy sink from stdin"), "G"] + [d(ROWS[i:i + 7]) for i in range(0, 700, 7)]
                        + [d(ROWS[700:]) + c(), 1],
    "in, given up": [Q("copy sink from stdin"), "G", d("1\ta\n") + f("changed my mind"), 1],
    "in, bad row": [Q("copy sink from stdin"), "G", d("1\ta\nx\tb\n" + ROWS) + c(), 1, Q("select 1"), 1],
    "in, bad row and more to come": [Q("copy sink from stdin"), "G", d("x\ta\n"), "E"]
                                    + [d(ROWS)] * 3 + [c(), 1, Q("select 1"), 1],
    "in and out in a string": [Q("truncate sink; copy sink from stdin; copy sink to stdout; select 9"), "G",
                               d("5\tv\n") + c(), 1],
    "in twice in a string": [Q("copy sink from stdin; copy sink from stdin"), "G", d("1\ta\n") + c(), "G",
                             d("2\tb\n") + c(), 1],
    "in, extended": [P("copy sink from stdin") + B() + E() + H, "G", d("1\ta\n") + c() + S, 1],
    "in, extended, sync goes unheard": [P("copy sink from stdin") + B() + E() + S, "G", d("1\ta\n") + S + H
                                        + d("2\tb\n") + c() + S, 1],
    "in, extended, not waiting": [P("copy sink from stdin") + B() + E() + d("1\ta\n") + c() + S, 1],
    "in, extended, given up": [P("copy sink from stdin") + B() + E() + H, "G", d("1\ta\n") + f() + S, 1],
    "in, extended, bad row": [P("copy sink from stdin") + B() + E() + H, "G", d("x\ta\n"), "E", d(ROWS) + c() + S, 1],
    "in, extended, bad row, not waiting": [P("copy sink from stdin") + B() + E() + H, "G",
                                           d("x\ta\n") + d(ROWS) + c() + S, 1],
    "in a transaction": [Q("begin"), 1, Q("copy sink from stdin"), "G", d("1\ta\n") + c(), 1,
                         Q("copy sink to stdout"), 1, Q("rollback"), 1],
    "copy data outside a copy": [d("1\n") + c() + f() + Q("select 1"), 1],
}

SESSION = {
    "named statement": [P("select $1::int", "s1") + S, 1, B("1", name="s1") + E() + S, 1, Q("select 2"), 1,
                        B("3", name="s1") + E() + S, 1, C("S", "s1") + S, 1, B("4", name="s1") + E() + S, 1],
    "duplicate name": [P("select 1", "s1") + S, 1, P("select 2", "s1") + S, 1],
    "error between parse and parse": [P("select 1", "a") + S + P("select 1/0") + B() + E() + P("select 2", "b") + S, 2,
                                      B(name="b") + E() + S, 1, B(name="a") + E() + S, 1],
    "sql prepare": [Q("prepare q as select 7"), 1, Q("execute q"), 1, B(name="q") + E() + S, 1, Q("deallocate q"), 1],
    "unnamed lives on": [P("select 8") + S, 1, B() + E() + S, 1, B() + E() + S, 1, Q("select 1"), 1, B() + E() + S, 1],
    "hold cursor": [Q("declare h cursor with hold for select generate_series(1, 4)"), 1, Q("fetch 2 from h"), 1,
                    Q("fetch 2 from h"), 1, Q("close h"), 1],
    "settings": [Q("set datestyle = 'SQL, DMY'"), 1, Q("show datestyle"), 1, Q("set work_mem = '3MB'"), 1,
                 Q("show work_mem"), 1, Q("reset all"), 1, Q("show work_mem"), 1],
    "temporary table": [Q("create temp table tt(a int)"), 1, Q("insert into tt values (1)"), 1,
                        Q("select * from tt"), 1, Q("discard temp"), 1],
    "discard all": [P("select 1", "s1") + S, 1, Q("discard all"), 1, B(name="s1") + E() + S, 1],
    "advisory lock": [Q("select pg_advisory_lock(1)"), 1, Q("select pg_advisory_unlock(1)"), 1],
    "changed type of a cached plan": [Q("drop table if exists plan_t; create table plan_t(a int)"), 1,
                                      P("select * from plan_t", "s1") + S, 1, B(name="s1") + E() + S, 1,
                                      Q("alter table plan_t add b int"), 1, B(name="s1") + E() + S, 1,
                                      Q("drop table plan_t"), 1],
}


def talk(client, steps):
    """Go through a conversation; everything the other side said."""
    said = []
    for step in steps:
        if isinstance(step, bytes):
            client.send(step)
        elif isinstance(step, int):
            said += client.ready(step)
        else:
            said += client.read_until(step)
    return said


def comparable(messages):
    """Without what may differ between two servers: process ids in notifications, oids of tables."""
    out = []
    for m in messages:
        if m.kind == "A":
            out.append(("A", m.body[4:]))
        elif m.kind == "T":
            out.append(("T", m.columns(), m.types()))
        elif m.kind == "E":
            out.append(("E", {k: v for k, v in m.fields().items() if k not in "FLR"}))
        else:
            out.append((m.kind, m.body))
    return out


@pytest.fixture
def sink(cluster):
    cluster.in_app("drop table if exists sink; create table sink(id int, v text); grant all on sink to public")


def compare(p, cluster, steps, split):
    cluster.in_app("truncate sink")
    with rawwire.Client(("127.0.0.1", cluster.port)).login("app", "app") as direct:
        wanted = talk(direct, steps)
    cluster.in_app("truncate sink")
    client = p.raw(split=split)
    got = talk(client, steps)
    assert comparable(got) == comparable(wanted)
    assert client.value("select 'still in step'") == "still in step"
    return client


TABLES = {"simple": SIMPLE, "extended": EXTENDED, "function call": FUNCTION_CALL, "copy": COPY, "session": SESSION}


def compare_all(p, cluster, table, split, after):
    """Every conversation of a table, each on a connection of its own; the names of those that differ."""
    wrong = {}
    for name, steps in TABLES[table].items():
        try:
            after(compare(p, cluster, steps, split))
        except (AssertionError, rawwire.Gone, rawwire.Refused, OSError) as problem:
            wrong[name] = str(problem)[:2000]
            assert len(wrong) < 4, wrong
    assert not wrong, wrong


@pytest.mark.parametrize("table", ["simple", "extended", "function call", "copy"])
def test_conversations_are_as_with_postgresql(pooler, cluster, sink, shape, table):
    p = pooler(pool_size=1, **shape)
    other = p.raw()

    def after(client):
        # The only server has come back, in step and clean: somebody else can use it.
        assert other.value("select 'next'") == "next"
        client.close()

    compare_all(p, cluster, table, shape.get("debug_io_bytes", 0), after)


@pytest.mark.parametrize("table", ["simple", "extended", "copy", "session"])
@pytest.mark.parametrize("shape", ["1-worker", "3-workers-bytewise"], indirect=True)
def test_conversations_in_session_mode(pooler, cluster, sink, shape, table):
    p = pooler(pool_size=1, pool_mode="session", **shape)
    compare_all(p, cluster, table, 0, rawwire.Client.close)


def test_conversations_through_a_bytewise_network(pooler, cluster, sink, fault_proxy):
    """Between pooler and server every byte arrives alone."""
    proxy = fault_proxy(cluster.port)
    proxy.bytewise = True
    p = pooler(pool_size=1, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    for steps in list(SIMPLE.values())[:8] + list(EXTENDED.values())[:20] + list(COPY.values())[:12]:
        compare(p, cluster, steps, split=3).close()


def test_types_no_client_may_send_end_the_connection(pooler, shape):
    """A ready-for-query, a row, an authentication request: nothing a client may say."""
    p = pooler(**shape)
    other = p.raw()
    for kind in "ZTRKVt1n\0\xff":
        client = p.raw()
        client.send(kind.encode("latin-1") + struct.pack("!I", 4))
        said = client.rest()
        assert [m.kind for m in said] in (["E"], []), said
        if said:
            assert said[0].sqlstate == "08P01"
    assert other.value("select 1") == "1"


def test_impossible_lengths_end_the_connection(pooler):
    p = pooler(max_packet_size=1 << 24)
    bystander = p.raw()
    for kind in "QPBDECSHFXpdcf":
        for length in (0, 1, 3, 0x7fffffff, 0x80000000, 0xffffffff):
            client = p.raw()
            client.send(kind.encode() + struct.pack("!I", length) + b"\0\0\0")
            said = client.rest()
            client.drop()
            assert [m.kind for m in said] in (["E"], []), (kind, length)
            assert all(m.sqlstate in ("08P01", "54000") for m in said), (kind, length)
            assert bystander.value("select 1") == "1"
