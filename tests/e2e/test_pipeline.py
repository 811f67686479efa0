"""Pipelines: many batches on their way at once, with errors among them, and every answer to who asked."""

import random

import pytest

from rawwire import B, E, P, Q, S
from waiting import Crew


def batches(rng, who, count):
    """`count` batches: what to send, and for each Sync or Query the rows or the error it must give."""
    wire, wanted = [], []
    for n in range(count):
        tags = [f"{who}-{n}-{i}" for i in range(rng.randint(1, 3))]
        kind = rng.randrange(6)
        if kind == 0:
            wire.append(Q("; ".join(f"select '{t}'" for t in tags)))
            wanted.append((tags, None))
        elif kind == 1:
            wire.append(Q(f"select '{tags[0]}'; select 1/0; select 'never'"))
            wanted.append((tags[:1], "22012"))
        elif kind == 2:
            wire.append(P("select 1/0") + B() + E() + P("select 'never'") + B() + E() + S)
            wanted.append(([], "22012"))
        elif kind == 3:
            wire.append(S)
            wanted.append(([], None))
        else:
            wire.append(b"".join(P("select $1::text") + B(t) + E() for t in tags) + S)
            wanted.append((tags, None))
    return b"".join(wire), wanted


def check(client, wanted):
    for tags, sqlstate in wanted:
        said = client.ready()
        assert [m.row()[0] for m in said if m.kind == "D"] == tags
        errors = [m.sqlstate for m in said if m.kind == "E"]
        assert errors == ([sqlstate] if sqlstate else [])
        assert said[-1].status() == "I"


@pytest.mark.parametrize("servers,clients", [(1, 2), (2, 8)])
def test_every_answer_reaches_who_asked(pooler, shape, servers, clients):
    p = pooler(pool_size=servers, **shape)
    rounds, depth = (3, 10) if shape.get("debug_io_bytes") else (20, 50)
    seed = random.randrange(1 << 30)

    def one(who):
        rng = random.Random(seed + who)
        client = p.raw()
        for n in range(rounds):
            wire, wanted = batches(rng, f"{who}-{n}", depth)
            client.send(wire)
            check(client, wanted)

    print(f"seed {seed}")
    with Crew() as crew:
        for who in range(clients):
            crew.start(one, who)


def test_pipelined_transactions(pooler, shape):
    """BEGIN, work and COMMIT in batches of their own, all on their way at once."""
    p = pooler(pool_size=1, **shape)

    def one(who):
        client = p.raw()
        for n in range(10):
            tag = f"{who}.{n}"
            step = lambda sql: P(sql) + B() + E() + S  # noqa: E731
            client.send(step("begin") + step(f"select '{tag}'") + step("select 1/0" if n % 3 == 0 else "select 1")
                        + step("rollback" if n % 2 else "commit") + step(f"select '{tag} after'"))
            said = client.ready(5)
            rows = [m.row()[0] for m in said if m.kind == "D"]
            assert [r for r in rows if r != "1"] == [tag, f"{tag} after"]
            statuses = [m.status() for m in said if m.kind == "Z"]
            assert statuses == ["T", "T", "E" if n % 3 == 0 else "T", "I", "I"]

    with Crew() as crew:
        for who in range(3):
            crew.start(one, who)


def test_idle_status_with_more_to_come_is_no_release(pooler, shape):
    """`Z I` of the first batch arrives while the second is still at work: the server stays."""
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(), p.raw()
    for n in range(5):
        one.send(P("select 1/0") + B() + E() + S + P("select $1::text, pg_sleep(0.05)") + B(f"slow {n}") + E() + S)
        two.send(Q(f"select 'quick {n}'"))
        assert [m.sqlstate for m in one.ready() if m.kind == "E"] == ["22012"]
        assert [m.row()[0] for m in one.ready() if m.kind == "D"] == [f"slow {n}"]
        assert [m.row()[0] for m in two.ready() if m.kind == "D"] == [f"quick {n}"]


def test_psycopg_pipeline(pooler, cluster):
    cluster.in_app("drop table if exists piped; create table piped(a int primary key); grant all on piped to public")
    p = pooler(pool_size=2)
    conn = p.connect()
    with conn.pipeline():
        cursors = [conn.execute("select %s::int * 2", (n,)) for n in range(200)]
    assert [c.fetchone()[0] for c in cursors] == [n * 2 for n in range(200)]
    with conn.transaction(), conn.pipeline():
        for n in range(100):
            conn.execute("insert into piped values (%s)", (n,))
    assert conn.execute("select count(*) from piped").fetchone() == (100,)


def test_thousands_of_batches_without_reading(pooler):
    """More than the queues between hold: back-pressure, no dead-lock, everything answered in order."""
    p = pooler(pool_size=1)
    client = p.raw()
    count = 60000

    def send():
        for n in range(0, count, 1000):
            client.send(b"".join(P("") + B() + E() + S for _ in range(1000)))

    crew = Crew()
    crew.start(send)
    for _ in range(count):
        said = client.ready()
        assert [m.kind for m in said] == list("12IZ")
    crew.join()
    assert client.value("select 1") == "1"
