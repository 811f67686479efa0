"""Batches as no driver sends them, each the smallest of what test_batch_model.py has found."""

import re

import pytest

from rawwire import B, C, Client, D, E, F, H, P, Q, S, c, d, f
from test_auto_model import told

pytestmark = pytest.mark.pgweir

COPIES = {
    "to stdout": [Q("copy (select repeat('x', 1000) from generate_series(1, 20000)) to stdout")],
    "from stdin": [Q("copy public.copied from stdin"), d("1\n") + c()],
    "from stdin in a batch": [P("copy public.copied from stdin") + B() + E() + H, d("1\n") + c() + S],
    "from stdin that fails": [P("copy public.copied from stdin") + B() + E() + H, d("1\n") + f() + S],
}


@pytest.fixture
def copied(cluster):
    cluster.in_app("create table public.copied(n int); grant all on public.copied to public")
    yield
    cluster.in_app("drop table public.copied")


@pytest.mark.parametrize("copy", COPIES)
def test_what_is_prepared_behind_a_copy(pooler, copied, copy):
    """It has begun, and the client has not been told of its end: what it says next is about its own names all the same."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    begin, *rest = COPIES[copy]
    with p.raw() as client, p.raw() as other:
        client.send(begin)
        client.read_until("HG")
        client.send(*rest, P("select 'mine'", "p1"), B(name="p1"), E(), S)
        said = client.ready(2)
        assert [m.row() for m in said if m.kind == "D"] == [["mine"]]
        other.send(P("select 'its own'", "p1"), B(name="p1"), E(), S)
        assert [m.row() for m in other.ready() if m.kind == "D"] == [["its own"]]
        client.send(P("select 'again'", "p1"), S)
        assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["42P05"]


@pytest.mark.parametrize("came", [{}, {"application_name": "me"}])
def test_discard_all_that_is_skipped(pooler, came):
    """Its client goes on."""
    client = pooler(pool_mode="auto", pool_size=1, workers=1).raw(**came)
    client.send(E("nothing"), Q("discard all"), S, Q("select 1"))
    assert [m.kind for m in client.ready(2) if m.kind != "S"] == ["E", "Z", "T", "D", "C", "Z"]
    client.send(E("nothing"), S, Q("discard all"), E("nothing"), Q("discard all"), S, Q("discard all"), Q("show application_name"))
    said = client.ready(5)
    assert [m.kind for m in said if m.kind in "EZ"] == ["E", "Z", "Z", "E", "Z", "Z", "Z"]
    assert said[-3].row() == [came.get("application_name", "")]


def test_a_name_that_is_taken_in_front_of_a_query_that_is_skipped(pooler):
    """What the server was lent for that is nobody's when the batch is over."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    with p.raw() as client, p.raw() as other:
        client.send(P("select 1", "p1"), S, P("select 2", "p1"), Q("select 3"), S)
        assert [m.sqlstate for m in client.ready(2) if m.kind == "E"] == ["42P05"]
        assert other.error("execute p1").sqlstate == "26000"
        assert other.rows("select name from pg_prepared_statements where name = 'p1'") == []


@pytest.mark.parametrize("frees", ["deallocate x", "deallocate all"])
def test_a_name_that_is_executed_freed_and_taken_anew_where_all_fails(pooler, cluster, frees):
    """What stands in front of the Query is refused, and the server skips it: it is answered all the same."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    got = []
    for side in p.raw(), Client(("127.0.0.1", cluster.port)).login("app", "app"):
        with side:
            side.send(P("select 1", "x") + S, Q("begin"), Q("select 1/0"))
            side.ready(3)
            got.append([(m.kind, m.sqlstate if m.kind == "E" else m.body)
                        for m in side.query(f"execute x; {frees}; prepare x as select 2")])
    assert got[0] == got[1]


FIRST = {"Execute": E("nothing") + S, "Flush": H + E("nothing") + S, "Sync": S, "FunctionCall": F(0), "Close": C("P", "nothing") + S,
         "Describe": D("P", "nothing") + S, "Query": Q("select 1")}


@pytest.mark.parametrize("first", FIRST)
def test_a_name_that_the_server_was_lent_for_who_has_left(pooler, first):
    """The next one has no such name, whatever it begins with, and whatever it may have prepared for all that is known."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1, auto_probe="always")
    with p.raw() as client:
        client.send(P("select 1", "p1"), S, P("select 2", "p1"), S)
        assert [m.sqlstate for m in client.ready(2) if m.kind == "E"] == ["42P05"]
    with p.raw() as other:
        other.send(FIRST[first])
        other.ready()
        other.send(E("nothing"), S, B("4", name="p1"), S)
        assert [m.sqlstate for m in other.ready(2) if m.kind == "E"] == ["34000", "26000"]


@pytest.mark.parametrize("message", [E(), D(), C("P") + E()])
@pytest.mark.parametrize("begin", [Q("begin"), P("begin") + B() + E() + S], ids=["query", "bound"])
def test_a_begin_that_comes_late_leaves_the_portal_that_it_had(pooler, cluster, message, begin):
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    with p.raw() as client, Client(("127.0.0.1", cluster.port)).login("app", "app") as twin:
        for batch in [begin, message + S, Q("rollback")]:
            said = [(side.send(batch), [told(m) for m in side.ready()])[1] for side in (client, twin)]
            assert said[0] == said[1]


@pytest.mark.parametrize("fetch", ["fetch c", "/* one */ FETCH 1 from c", "move c", 'fetch "c$1"'])
@pytest.mark.parametrize("name", ["s", ""])
def test_a_cursor_that_is_closed_before_its_fetch_is_bound(make_pooler, own_cluster, name, fetch):
    """It is refused when it is run, as by PostgreSQL. Who asks what it gives makes PostgreSQL 15 crash: we are not to."""
    p = make_pooler(own_cluster, pool_mode="auto", pool_size=2, workers=1)
    began = own_cluster.sql("select pg_postmaster_start_time()")
    with p.raw() as client, Client(("127.0.0.1", own_cluster.port)).login("app", "app") as twin:
        got = []
        for side in (twin, client):
            cursor = '"c$1"' if "$" in fetch else "c"
            side.query(f"declare {cursor} cursor with hold for select 1 as one")
            side.send(P(f"close {cursor}", name="close") + P(fetch, name=name) + (b"" if name else D("S")) + S)
            side.ready()
            side.send(B(name="close") + E() + S)
            side.ready()
            side.send(B(name=name) + E() + S)
            got.append([told(m) for m in side.ready()])
            assert side.value("select 'well'") == "well"
    assert got[0] == got[1] and "34000" in str(got[0])
    assert not re.search("terminated by signal", own_cluster.log()) and began == own_cluster.sql("select pg_postmaster_start_time()")


COPY = P("copy public.copied from stdin") + B() + E() + d("1\n") + S + d("2\n") + S + c()
AROUND_A_COPY = {  # in front of it, and behind
    "a name that is executed": (P("execute x") + B() + E(), S),
    "a name that is freed": (P("deallocate x") + B() + E(), S),
    "all names that are freed": (P("deallocate all") + B() + E(), P("select 'y'", "x") + B(name="x") + E() + S),
    "a name that is executed by a Query": (Q("execute x"), B(name="x") + E() + S),
    "a setting, and a name that is executed": (P("set timezone = 'Asia/Tokyo'") + B() + E(), P("execute x") + B() + E() + S),
    "a name that is taken": (P("select 'y'", "y"), B(name="y") + E() + S),
}


@pytest.mark.parametrize("around", AROUND_A_COPY)
def test_a_copy_from_stdin_in_one_packet_with_syncs_among_its_data(pooler, cluster, copied, around):
    """It reads them, and nothing of ours comes among them; nobody waits for their answers."""
    before, behind = AROUND_A_COPY[around]
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    heard = []
    with p.raw() as client, Client(("127.0.0.1", cluster.port)).login("app", "app") as twin:
        for side in (twin, client):
            side.send(P("select 'x'", "x") + S)
            side.ready()
            side.send(before + COPY + behind + Q("select 'end'"))
            said = side.ready()
            while not [m for m in said if m.kind == "D" and m.row() == ["end"]]:
                said += side.ready()
            heard.append([told(m) for m in said if m.kind != "S"])
            assert side.rows("select n from public.copied order by n") == [["1"], ["2"]]
            side.query("truncate public.copied")
    assert heard[0] == heard[1]


@pytest.mark.parametrize("sql, types, change", [
    ("select * from public.copied where n = $1", (), "drop table public.copied"),
    ("select * from public.copied where n = $1", (23,), "drop table public.copied"),
    ("select * from public.copied", (), "drop table public.copied"),
    ("select * from public.copied where n = $1", (), "alter table public.copied rename n to other"),
], ids=["inferred", "said", "none", "column"])
@pytest.mark.parametrize("block", [False, True], ids=["alone", "in a block"])
def test_a_statement_that_cannot_be_prepared_any_more_is_described(pooler, cluster, copied, block, sql, types, change):
    """PostgreSQL says what parameters it has before it finds out. So does a server that has not got it."""
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    with p.raw() as holder, p.raw() as client, Client(("127.0.0.1", cluster.port)).login("app", "app") as twin:
        for side in (twin, client):
            side.send(P(sql, "s", types) + D("S", "s") + S)
            side.ready()
        before = client.value("select pg_backend_pid()")
        holder.query("begin; select 1")  # the one used last
        assert client.value("select pg_backend_pid()") != before
        cluster.in_app(change)
        heard = []
        for side in (twin, client):
            if block:
                side.query("begin")
            side.send(D("S", "s") + S, D("S", "s") + S)
            heard.append([told(m) for m in side.ready(2)])
            side.query("rollback")
        cluster.in_app("create table if not exists public.copied(n int)")
        assert [m[0] for m in heard[0]][:2] == ["t", "E"]
        assert heard[0] == heard[1]
        holder.query("rollback")
