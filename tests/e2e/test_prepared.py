"""Prepared statements of the protocol follow their clients from server to server."""

import psycopg
import pytest

from rawwire import B, C, D, E, P, Q, S
from waiting import all_at_once

pytestmark = pytest.mark.pgweir

MODES = ["auto", "transaction"]


@pytest.fixture(params=MODES)
def shared(request, pooler):
    """Two clients over one server: what one has prepared the other finds there."""
    return pooler(pool_mode=request.param, pool_size=1, workers=1)


def kinds(messages):
    return "".join(m.kind for m in messages)


def run(client, name, *values):
    client.send(B(*values, name=name) + E() + S)
    said = client.ready()
    return [m.row()[0] for m in said if m.kind == "D"] or [m.sqlstate for m in said if m.kind == "E"]


def prepare(client, name, sql, types=()):
    client.send(P(sql, name=name, types=types) + S)
    return kinds(client.ready())


def test_follows_to_another_server(pooler):
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    a, b, c = p.raw(), p.raw(), p.raw()
    b.query("begin; select 1")  # one server is left
    assert prepare(a, "s", "select 'a' || $1::text, pg_backend_pid()") == "1Z"
    pids = set()
    for n in range(4):
        a.send(B(str(n), name="s") + E() + S)
        row = [m.row() for m in a.ready() if m.kind == "D"][0]
        assert row[0] == f"a{n}"
        pids.add(row[1])
        c.query("begin; select 1")  # takes the one that it was
        b.query("commit")
        b, c = c, b
    assert len(pids) == 2


def test_names_are_each_clients_own(shared):
    p = shared
    a, b = p.raw(), p.raw()
    assert prepare(a, "s", "select 'a'") == "1Z"
    assert prepare(b, "s", "select 'b'") == "1Z"
    for _ in range(3):
        assert run(a, "s") == ["a"]
        assert run(b, "s") == ["b"]
    fresh = p.raw()
    assert run(fresh, "s") == ["26000"]


def test_an_alien_number_is_not_to_be_had(shared):
    """The names that servers know are not the clients' to use."""
    p = shared
    a, b = p.raw(), p.raw()
    prepare(a, "s", "select 'secret'")
    assert run(a, "s") == ["secret"]
    for n in range(1, 5):
        assert run(b, f"pgweir_{n}") == ["26000"]
        b.send(D("S", f"pgweir_{n}") + S)
        assert "E" in kinds(b.ready())
        b.send(C("S", f"pgweir_{n}") + S)
        assert kinds(b.ready()) == "3Z"
    assert run(a, "s") == ["secret"]


def test_one_text_is_prepared_once(shared):
    p = shared
    clients = [p.raw() for _ in range(5)]
    for client in clients:
        assert prepare(client, "s", "select 42") == "1Z"
    for client in clients:
        assert run(client, "s") == ["42"]
    assert p.raw().value("select count(*) from pg_prepared_statements") == "1"


def test_same_name_twice_is_refused(shared):
    client = shared.raw()
    assert prepare(client, "s", "select 1") == "1Z"
    client.send(P("select 2", name="s") + S)
    said = client.ready()
    assert [m.sqlstate for m in said if m.kind == "E"] == ["42P05"]
    assert run(client, "s") == ["1"]


def test_close_frees_the_name(shared):
    client = shared.raw()
    prepare(client, "s", "select 1")
    client.send(C("S", "s") + S)
    assert kinds(client.ready()) == "3Z"
    assert run(client, "s") == ["26000"]
    assert prepare(client, "s", "select 2") == "1Z"
    assert run(client, "s") == ["2"]


@pytest.mark.parametrize("mode", MODES)
def test_room_that_a_skipped_batch_was_to_make(pooler, mode):
    """Who is used again before it is known that its Close was skipped."""
    client = pooler(pool_mode=mode, pool_size=1, workers=1, max_prepared_statements=1).raw()
    prepare(client, "one", "select 1")
    prepare(client, "two", "select 2")
    client.send(B(name="nothing") + B(name="one") + E() + S + B(name="two") + E() + S + B(name="one") + E() + S)
    assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["26000"]
    assert [kinds(client.ready()) for _ in range(2)] == ["2DCZ", "2DCZ"]


def test_describe(shared):
    client, other = shared.raw(), shared.raw()
    prepare(client, "s", "select $1::int as n, 'x'::text as t")
    other.value("select 1")
    client.send(D("S", "s") + S)
    said = client.ready()
    assert kinds(said) == "tTZ" and said[1].columns() == ["n", "t"]


def test_failed_parse_leaves_no_name(shared):
    client = shared.raw()
    client.send(P("select 1", name="a") + P("selec 2", name="b") + P("select 3", name="c") + S)
    assert kinds(client.ready()) == "1EZ"
    assert run(client, "a") == ["1"]
    assert run(client, "b") == ["26000"]
    assert run(client, "c") == ["26000"]
    for name, sql in (("b", "select 2"), ("c", "select 3")):
        assert prepare(client, name, sql) == "1Z"
    assert [run(client, n) for n in "abc"] == [["1"], ["2"], ["3"]]


def test_close_that_was_skipped(shared):
    client = shared.raw()
    prepare(client, "s", "select 1")
    client.send(P("selec") + C("S", "s") + S)
    assert kinds(client.ready()) == "EZ"
    assert run(client, "s") == ["1"]


def test_batches_in_flight(shared):
    """Undoing what one batch has done leaves the next one's alone."""
    client = shared.raw()
    client.send(P("selec", name="s") + S + P("select 2", name="s") + S + B(name="s") + E() + S)
    assert kinds(client.ready(3)) == "EZ1Z2DCZ"
    assert run(client, "s") == ["2"]
    client.send(P("selec") + C("S", "s") + S + B(name="s") + E() + S + P("select 3", name="s") + S)
    assert kinds(client.ready(3)) == "EZ2DCZEZ"
    client.send(C("S", "s") + S + P("select 4", name="s") + S + B(name="s") + E() + S)
    assert kinds(client.ready(3)) == "3Z1Z2DCZ"


def test_unnamed_over_batches(shared):
    client, other = shared.raw(), shared.raw()
    client.send(P("select 'mine'") + D("S") + S)
    assert kinds(client.ready()) == "1tTZ"
    other.send(P("select 'theirs'") + S)
    other.ready()
    assert run(client, "") == ["mine"]
    assert run(other, "") == ["theirs"]
    assert run(client, "") == ["mine"]
    assert run(shared.raw(), "") == ["26000"]
    client.query("select 1")
    assert run(client, "") == ["26000"]


def test_parse_error_in_front_of_a_bind(shared):
    """The table is gone when another server has to prepare: the client hears what the server says."""
    p = shared
    a, b = p.raw(), p.raw()
    b.query("create table gone_t(a int)")
    prepare(a, "s", "select a from gone_t")
    assert run(a, "s") == []
    b.query("drop table gone_t")
    b.query("discard all")
    assert run(a, "s") == ["42P01"]
    assert a.value("select 1") == "1"


@pytest.mark.parametrize("how", ["simple", "extended"])
def test_deallocate_by_sql(shared, how):
    client, other = shared.raw(), shared.raw()
    prepare(client, "s", "select 1")
    prepare(other, "s", "select 2")
    if how == "simple":
        assert client.query("deallocate s")[0].tag() == "DEALLOCATE"
    else:
        client.send(P("deallocate s") + B() + E() + S)
        assert kinds(client.ready()) == "12CZ"
    assert run(client, "s") == ["26000"]
    assert run(other, "s") == ["2"]
    assert prepare(client, "s", "select 3") == "1Z"
    assert run(client, "s") == ["3"]
    assert client.error("deallocate nothing").sqlstate == "26000"


@pytest.mark.parametrize("sql", ["deallocate all", "discard all"])
def test_deallocate_all(shared, sql):
    client, other = shared.raw(), shared.raw()
    prepare(client, "s", "select 1")
    prepare(other, "s", "select 2")
    client.query(sql)
    assert run(client, "s") == ["26000"]
    assert run(other, "s") == ["2"]
    assert prepare(client, "s", "select 3") == "1Z"
    assert run(client, "s") == ["3"]


def test_server_holds_no_more_than_the_bound(pooler):
    p = pooler(pool_mode="auto", pool_size=1, workers=1, max_prepared_statements=3)
    client = p.raw()
    for n in range(10):
        assert prepare(client, f"s{n}", f"select {n}") == "1Z"
    for n in range(10):
        assert run(client, f"s{n}") == [str(n)]
    assert int(client.value("select count(*) from pg_prepared_statements")) <= 3
    client.send(*[B(name=f"s{n}") + E() for n in range(10)], S)
    assert [m.row()[0] for m in client.ready() if m.kind == "D"] == [str(n) for n in range(10)]


@pytest.mark.parametrize("how", ["parse", "deallocate"])
def test_a_client_that_has_a_name_of_ours(shared, how):
    """It takes nothing away from whoever has what the server knows by that name."""
    other, client = shared.raw(), shared.raw()
    assert prepare(other, "s", "select 'others'") == "1Z"
    (ours,) = other.rows("select name from pg_prepared_statements")[0]
    assert prepare(client, ours, "select 'own'") == "1Z"
    assert run(client, ours) == ["own"]
    if how == "parse":
        assert prepare(client, ours, "select 'again'") == "EZ"
        assert run(client, ours) == ["own"]
    else:
        assert kinds(client.query(f"deallocate {ours}")) == "CZ"
        assert run(client, ours) == ["26000"]
    assert run(client, "") == ["26000"]  # another batch, in front of which there may be something to close
    assert run(other, "s") == ["others"]


def test_what_somebody_has_deallocated_behind_our_back(shared):
    """Who meets that it is gone is told; the next one has it again."""
    other, client = shared.raw(), shared.raw()
    assert prepare(other, "s", "select 'others'") == "1Z"
    client.query("do $$ begin execute 'deallocate all'; end $$")
    assert run(other, "s") in (["26000"], ["others"])
    assert run(other, "s") == ["others"]


def test_evictions_that_the_server_has_skipped(pooler):
    """What was to make room and has not is still there, and goes later."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1, max_prepared_statements=4)
    client = p.raw()
    for turn in range(5):
        for n in range(4):
            assert prepare(client, f"s{turn}-{n}", f"select {n}, {turn}") == "1Z"
        client.send(B(name="nobody"), *[P(f"select 'skipped {turn} {n}'", name=f"x{n}") for n in range(4)], S)
        assert kinds(client.ready()) == "EZ"
    assert run(client, "s0-1") == ["1"]
    assert int(client.value("select count(*) from pg_prepared_statements")) <= 8
    for n in range(8):
        assert run(client, f"s{n % 4}-{n // 4}") == [str(n // 4)]
    assert int(client.value("select count(*) from pg_prepared_statements")) <= 4


def test_newer_parse_is_not_served_an_older_plan(shared):
    p = shared
    a, b = p.raw(), p.raw()
    a.query("drop table if exists ddl_t; create table ddl_t as select 1 as x")
    prepare(a, "s", "select * from ddl_t")
    assert run(a, "s") == ["1"]
    b.query("alter table ddl_t add column y int default 2")
    assert prepare(b, "s", "select * from ddl_t") == "1Z"
    b.send(B(name="s") + D() + E() + S)
    assert [m for m in b.ready() if m.kind == "T"][0].columns() == ["x", "y"]
    b.query("drop table ddl_t")


def test_search_path_tells_texts_apart(shared):
    p = shared
    a, b = p.raw(), p.raw()
    a.query("create schema if not exists p1; create schema if not exists p2;"
            "drop table if exists p1.t, p2.t; create table p1.t as select 1 as x; create table p2.t as select 'two' as x")
    a.close()
    a = p.raw(options="-c search_path=p1")
    b = p.raw(options="-c search_path=p2")
    prepare(a, "s", "select * from t")
    prepare(b, "s", "select * from t")
    for _ in range(3):
        assert run(a, "s") == ["1"]
        assert run(b, "s") == ["two"]


@pytest.mark.parametrize("workers", [1, 3])
def test_psycopg_prepares_always(pooler, workers):
    p = pooler(pool_mode="auto", pool_size=3, workers=workers)

    def one(who):
        with p.connect(prepare_threshold=0) as conn:
            conn.autocommit = True
            for n in range(60):
                row = conn.execute("select %s::text, %s::int, pg_backend_pid()", [f"{who}", n]).fetchone()
                assert row[:2] == (str(who), n)
                assert conn.execute(f"select %s::int + {n % 7}", [n]).fetchone() == (n + n % 7,)

    all_at_once([lambda who=who: one(who) for who in range(8)])


@pytest.mark.parametrize("split", [0, 1])
def test_large_bind_of_a_named_statement(pooler, split):
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    client, other = p.raw(split=split), p.raw()
    prepare(client, "s", "select length($1::text)")
    other.value("select 1")
    size = 3000 if split else 3_000_000
    assert run(client, "s", "x" * size) == [str(size)]


def test_very_long_statement_keeps_its_server(pooler):
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    client, other = p.raw(), p.raw()
    text = "select '" + "x" * 500_000 + "'"
    assert prepare(client, "s", text) == "1Z"
    for _ in range(3):
        other.query("select 1")
        assert len(run(client, "s")[0]) == 500_000
    assert [row["reasons"] for row in p.show("kept")] == ["long prepared statement"]


@pytest.mark.parametrize("name", ["s", ""])
def test_long_statement_keeps_no_server(pooler, name):
    """It comes in pieces."""
    p = pooler(pool_mode="auto", pool_size=1, max_overflow=0, workers=1, debug_io_bytes=1000)
    client, other = p.raw(), p.raw()
    assert prepare(client, name, "select '" + "x" * 150_000 + "'") == "1Z"
    for _ in range(2):
        assert other.value("select 1") == "1"
        assert len(run(client, name)[0]) == 150_000


def test_the_console_counts_them(pooler):
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    client, other = p.raw(), p.raw()
    for n in range(3):
        prepare(client, f"s{n}", f"select {n}")
    prepare(other, "s", "select 0")
    counts = sorted(row["prepared_statements"] for row in p.show("clients", user="app"))
    assert counts == ["1", "3"]
    assert [row["prepared_statements"] for row in p.show("servers")] == ["3"]


@pytest.mark.parametrize("most", [0, 1])
@pytest.mark.parametrize("name", ["", "its"])
def test_however_few_a_server_holds_they_follow_and_leave_nothing(pooler, most, name):
    p = pooler(pool_mode="auto", pool_size=1, workers=1, max_prepared_statements=most)
    a, b = p.raw(), p.raw()
    for n, c in enumerate((a, b)):
        c.send(P(f"set my.tenant = 'of {n}'", name), B(name=name), E(), P(f"set work_mem = '{n + 5}MB'", "other"), B(name="other"), E(), S)
        assert [m.kind for m in c.ready() if m.kind == "E"] == []
    for _ in range(2):
        for n, c in enumerate((a, b)):
            assert c.value("select current_setting('my.tenant')") == f"of {n}"
            assert c.value("show work_mem") == f"{n + 5}MB"
            c.send(*(m for i in range(3) for m in (P(f"select {n + 1}{i}", f"p{i}"), B(name=f"p{i}"), E())), S)
            assert [m.row() for m in c.ready() if m.kind == "D"] == [[f"{n + 1}{i}"] for i in range(3)]
            c.send(*(m for i in range(3) for m in (B(name=f"p{i}"), E(), C("S", f"p{i}"))), S)
            assert [m.row() for m in c.ready() if m.kind == "D"] == [[f"{n + 1}{i}"] for i in range(3)]
    assert p.show("kept") == []


def test_what_was_used_longest_ago_makes_room(pooler):
    p = pooler(pool_mode="transaction", pool_size=1, workers=1, max_prepared_statements=2)
    client = p.raw()

    def parses():
        return int(next(row["value"] for row in p.show("totals") if row["name"] == "total_server_parse_count"))

    for name in "abac":  # c takes the place of b
        assert prepare(client, name, f"select '{name}'") in ("1Z", "EZ")  # it has a already
        assert run(client, name) == [name]
    before = parses()
    assert run(client, "a") == ["a"] and run(client, "c") == ["c"]
    assert parses() == before
    assert run(client, "b") == ["b"]
    assert parses() == before + 1


@pytest.mark.parametrize("most,text", [(20_000, "select 1"), (1677, "select 1 /*" + "x" * 39_985 + "*/")], ids=["names", "texts"])
def test_a_client_has_so_many_and_no_more(pooler, most, text):
    """20,000, or 64 MB of texts. It is told of the end; others go on."""
    p = pooler(pool_mode="transaction", pool_size=1, workers=1)
    client, other = p.raw(), p.raw()
    assert prepare(other, "s", "select 2") == "1Z"
    for n in range(most):
        client.send(P(text, name=f"{n:05}") + S)
        assert kinds(client.ready()) == "1Z"
    client.send(P(text, name="more") + S)
    error = client.read()
    assert error.severity == "FATAL" and "prepared statements" in error.text
    assert run(other, "s") == ["2"]
