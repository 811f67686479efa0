"""Names of statements, whether PREPARE has taken them or a Parse: one set of names, as at PostgreSQL itself."""

import pytest

from rawwire import B, C, Client, D, E, P, Q, S, message

pytestmark = pytest.mark.pgweir


def use(name):
    return B(name=name) + E()


def text(sql):
    return P(sql) + B() + E()


PARSED = P("select 'parsed'", "n") + S
PREPARED = Q("prepare n as select 'prepared'")

FAILED = Q("begin; select 1/0")

WRONG = [P(sql, "n") + S for sql in ("selec 1", "select nowhere", "select 1; select 2", "select $1", "")] + [P("selec", "n") + use("n") + S]
LONG = "l" * 63

# Each message list is sent batch by batch.
STORIES = {
    "parsed over prepared": [PREPARED, PARSED, use("n") + S, Q("execute n")],
    "parsed over prepared, in one batch": [PREPARED, P("select 'parsed'", "n") + use("n") + S, Q("execute n")],
    "parsed over prepared, and another": [PREPARED, P("select 'x'", "x") + P("select 'parsed'", "n") + P("select 'y'", "y") + S,
                                          use("x") + S, use("y") + S, use("n") + S, PARSED],
    "parsed over prepared, in a transaction": [Q("begin"), PREPARED, PARSED, Q("rollback"), use("n") + S, PARSED],
    "parsed where it was prepared": [PREPARED, Q("deallocate n"), PARSED, use("n") + S],
    "parsed beside prepared": [PREPARED, P("select 'm'", "m") + S, use("m") + S, Q("execute n"), Q("deallocate m"), Q("execute n")],
    "parsed wrongly over prepared": [PREPARED, *WRONG, Q("execute n"), FAILED, *WRONG, Q("rollback"), Q("execute n"), Q("deallocate n"), *WRONG, PARSED],
    "parsed wrongly over parsed": [PARSED, *WRONG, use("n") + S, FAILED, *WRONG, Q("rollback"), use("n") + S, C("S", "n") + S, *WRONG, PARSED],
    "names that differ late": [
        P("select 'a'", LONG + "a") + S, P("select 'b'", LONG + "b") + S, use(LONG + "c") + S, D("S", LONG) + S, Q(f"execute {LONG}d"),
        Q(f"prepare {LONG}e as select 'e'"), C("S", LONG + "f") + S, use(LONG + "a") + S, Q(f"prepare {LONG}g as select 'g'"),
        P("select 'h'", LONG + "h") + S, Q(f"execute {LONG}i"), Q(f"deallocate {LONG}"), P("select 'j'", LONG[1:] + "jj") + S, use(LONG[1:] + "jk") + S],
    "names of all letters": [
        P("select 1", "\u00e9") + P("select 2", "N") + P("select 3", 'a "b"') + P("select 4", "\u00e9" * 40) + S, Q('execute \u00e9; execute "\u00e9"'),
        Q("execute n"), Q('execute "N"; execute "a ""b"""'), use("\u00e9" * 40) + S, use("\u00e9" * 31) + S, Q('execute "' + "\u00e9" * 40 + '"'),
        Q('execute ""'), P("select 5", "\u00e9" * 41) + S, Q("deallocate \u00e9"), use("\u00e9") + S, Q("execute \u00c9"), C("S", "\u00e9" * 39) + S,
        use("\u00e9" * 40) + S],
    "prepared over parsed": [PARSED, PREPARED, use("n") + S, Q("deallocate n"), use("n") + S],
    "prepared over parsed, extended": [PARSED, text("prepare n as select 'prepared'") + S, use("n") + S, Q("select 1"), use("n") + S],
    "prepared over parsed, later": [PARSED, use("n") + S, Q("select 1"), Q("begin"), PREPARED, Q("rollback"), use("n") + S, PREPARED],
    "prepared over parsed, behind others": [PARSED, Q("select 1; prepare m as select 'm'; prepare n as select 'prepared'; select 2"),
                                            Q("execute m"), use("n") + S],
    "prepared where it was parsed": [PARSED, C("S", "n") + S, PREPARED, Q("execute n"), Q("execute n")],
    "deallocated and prepared": [PARSED, Q("deallocate n; prepare n as select 'prepared'"), Q("execute n"), Q("select 1"), Q("execute n"),
                                 PARSED],
    "deallocated": [PARSED, Q("deallocate n"), use("n") + S, Q("deallocate n"), PARSED, use("n") + S],
    "executed by name": [PARSED, Q("execute n"), use("n") + S, Q("execute n")],
    "executed by name, with a value": [P("select $1::int + 1", "n") + S, Q("execute n(4)"), B("5", name="n") + E() + S, Q("execute n('x')"),
                                       Q("execute n(6)")],
    "executed by name, extended": [PARSED, text("execute n") + S, use("n") + S, P("execute n") + B() + D() + E() + S, text("execute n") + S,
                                  P("execute n", "x") + S, use("x") + S, use("n") + S],
    "described, what executes": [PARSED, P("execute n", "x") + D("S", "x") + S, D("S", "x") + S, use("x") + S, P("execute n") + D("S") + S,
                                 D("S") + S, B() + D() + E() + S, P("explain (costs off) execute n") + D("S") + B() + D() + E() + S],
    "described, what executes nothing yet": [P("execute n", "x") + D("S", "x") + S, PARSED, D("S", "x") + S, use("x") + S, B(name="x") + D() + E() + S,
                                             C("S", "n") + S, P("execute n") + D("S") + S, D("S") + S],
    "described, what executed another": [PARSED, P("execute n", "x") + D("S", "x") + S, C("S", "n") + P("select 'changed'", "n") + S, D("S", "x") + S,
                                         use("x") + S, B(name="x") + D() + E() + S],
    "described, what executes what executes": [PARSED, P("execute n", "x") + S, P("execute x", "y") + D("S", "y") + S, use("y") + S, Q("execute y"),
                                               text("execute y") + S],
    "only bound, what executes what frees": [PARSED, P("deallocate n", "x") + S, P("execute x", "y") + B(name="y") + S, use("n") + S,
                                             P("execute x") + B() + S, use("n") + S],
    "executed among others": [PARSED, Q("select 1; execute n; select 2"), Q("begin; execute n; commit"), use("n") + S],
    "executed in a transaction": [PARSED, Q("begin"), Q("execute n"), Q("execute n"), Q("select 1/0"), Q("execute n"), Q("rollback"),
                                  Q("execute n")],
    "executed behind what ends a failed transaction": [
        PARSED, FAILED, Q("rollback; execute n"), FAILED, Q("abort; begin; execute n; commit"), FAILED,
        Q("select 1; rollback; execute n"), Q(" ; /* \u00e4 */ end work; select 'x'; execute n; select 'y'; select 1/0"), use("n") + S],
    "executed behind what does not end it": [
        PARSED, FAILED, Q("rollback to nowhere; execute n"), Q("rollback prepared 'none'; execute n"), Q("rollback or so; execute n"),
        Q("execute n; rollback"), Q("commit; execute n; execute none"), use("n") + S],
    "executed behind a savepoint": [
        PARSED, Q("begin; select 1"), Q("savepoint a"), Q("select 1/0"), Q("rollback to a; execute n"), Q("select 1/0"),
        Q("rollback to savepoint a; select 'x'; execute n; rollback; execute n"), use("n") + S],
    "executed in the transaction behind a failed one": [
        PARSED, Q("begin isolation level repeatable read"), Q("select 1/0"), Q("rollback and chain; execute n; show transaction_isolation"),
        use("n") + S, Q("commit")],
    "executed behind what fails once more": [
        PARSED, P("select 1/$1::int", "d") + S, FAILED, Q("rollback; begin; execute d(1); execute d(0); execute n"), Q("rollback; execute d(2)"),
        FAILED, Q("prepare transaction 'none'; execute n; deallocate n; execute n"), use("n") + S],
    "executed, of both, behind a failed transaction": [
        PARSED, Q("prepare m as select 'm'"), FAILED, Q("rollback; execute m; execute n; execute m"), FAILED, Q("rollback; execute m"),
        FAILED, Q("rollback; deallocate n; prepare n as select 'prepared'; execute n; execute m"), Q("execute n")],
    "explained": [PARSED, Q("explain (costs off) execute n"), use("n") + S],
    "executed into a table": [PARSED, Q("create temp table made as execute n"), Q("select * from made"), use("n") + S],
    "executed beside prepared": [PARSED, Q("prepare m as select 'm'"), Q("execute m"), Q("execute n"), Q("execute m"), use("n") + S],
    "executed once its table is gone": [Q("create temp table gone(a int)"), P("select * from gone", "n") + S, Q("execute n"),
                                        Q("drop table gone"), Q("execute n"), Q("select 'well'"), Q("deallocate n")],
    "executed and deallocated": [PARSED, Q("execute n; deallocate n"), use("n") + S, Q("execute n")],
    "closed and executed": [PARSED, C("S", "n") + S, Q("execute n"), Q("select 1")],
    "prepared, and what is skipped": [
        Q("prepare n as select 'prepared'"), use("none") + C("S", "n") + P("select 'p'", "n") + use("n") + P("select 'q'", "n") + use("n") + S,
        Q("execute n"), use("none") + P("select 'p'", "n") + P("select 'q'", "n") + S, use("n") + S, Q("execute n"), PARSED],
    "executed, what prepares": [PARSED, P("prepare n as select 'prepared'", "x") + S, Q('execute x'), use("n") + S, Q("deallocate n"),
                                Q("execute x"), Q("execute n"), Q("execute x")],
    "executed, what deallocates": [PARSED, P("deallocate n", "x") + S, Q("execute x"), use("n") + S, Q("execute x"), PARSED,
                                   Q("execute x; select 1/0"), use("n") + S],
    "executed, what frees all": [PARSED, P("deallocate all", "x") + S, Q("execute x"), use("n") + S, use("x") + S, PARSED],
    "all freed and prepared": [PARSED, Q("deallocate all; prepare n as select 'prepared'; rollback and chain"), Q("execute n"), Q("select 1"),
                               Q("execute n"), Q("discard all; prepare n as select 'again'"), Q("execute n"), Q("deallocate n"), PARSED],
    "all freed, prepared and executed": [PARSED, Q("execute n; deallocate all; prepare n(int) as select $1; execute n"), D("S", "n") + S,
                                         Q("execute n(3)"), PARSED, Q("deallocate all; execute n"), Q("prepare n as select 'again'"), Q("execute n")],
    "executed, many of them": [b"".join(P(f"select {i}", f"s{i}") for i in range(9)) + S, Q("; ".join(f"execute s{i}" for i in range(9))),
                               Q("; ".join(f"deallocate s{i}" for i in range(8)) + "; execute s8"), use("s7") + S, use("s8") + S,
                               Q("prepare s8 as select 1"), Q("execute s8; execute s8; select 1/0; deallocate s8"), use("s8") + S],
    "never there": [Q("execute n"), Q("deallocate n"), use("n") + S],
    "closed though prepared": [PREPARED, C("S", "n") + S, Q("execute n"), PARSED, use("n") + S],
    "bound though prepared": [PREPARED, use("n") + S, D("S", "n") + S, Q("deallocate n"), use("n") + S],
    "all freed": [PARSED, Q("prepare m as select 'm'"), Q("deallocate all"), use("n") + S, Q("execute m"), Q("prepare n as select 'again'"),
                  Q("execute n"), PARSED],
}


def said(m):
    if m.kind == "T":  # but for the table's number
        return m.kind, m.columns(), m.types()
    return m.kind, m.sqlstate if m.kind == "E" else m.body


def answers(client, story, at_once):
    got = []
    if at_once:
        client.send(b"".join(story))
    for batch in story:
        if not at_once:
            client.send(batch)
        got.append([said(m) for m in client.ready() if m.kind not in "SN"])
    return got


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
@pytest.mark.parametrize("moves", [False, True], ids=["same server", "other server"])
@pytest.mark.parametrize("name", STORIES)
def test_one_set_of_names(pooler, cluster, name, moves, at_once):
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    with Client(("127.0.0.1", cluster.port)).login("app", "app") as direct:
        wanted = answers(direct, STORIES[name], at_once)
    with p.raw() as client, p.raw() as other:
        if moves:
            client.send(P("select 'parsed'", "n") + C("S", "n") + S)
            client.ready()
            other.query("begin; select 1")
        assert answers(client, STORIES[name], at_once) == wanted
        assert client.value("select 'well'") == "well"
        other.query("rollback")


def test_a_name_that_was_to_be_prepared_anew(pooler):
    """What a failed string leaves of the name is in nobody's way."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    with p.raw() as client, p.raw() as other:
        client.send(PARSED)
        client.ready()
        said = client.query("select 1/0; deallocate n; prepare n as select 'prepared'")
        assert [m.sqlstate for m in said if m.kind == "E"] == ["22012"]
        other.query("prepare n as select 'of the other'")
        assert other.value("execute n") == "of the other"
        other.query("deallocate n")
        client.send(use("n") + S)
        assert [m.row() for m in client.ready() if m.kind == "D"] == [["parsed"]]


def test_executed_at_the_end_of_a_long_string(pooler):
    """It comes in pieces."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1, debug_io_bytes=100)
    with p.raw() as client:
        client.send(PARSED)
        client.ready()
        assert client.rows(f"select '{'x' * 30000}'; execute n")[1] == ["parsed"]


def test_executed_where_nothing_was_prepared_yet(pooler):
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    with p.raw() as client, p.raw() as other:
        client.send(PARSED)
        client.ready()
        pid = client.value("select pg_backend_pid()")
        while other.query("begin; select pg_backend_pid()")[2].row()[0] != pid:
            client.query("begin")
            other.query("rollback")
            client.query("rollback")
        assert client.value("execute n") == "parsed"
        other.query("rollback")


def test_where_a_string_behind_a_failed_transaction_is_wrong(pooler, cluster):
    """Its statements are where the client has put them."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    story = [PARSED, FAILED, Q("/* \u00e4 */ rollback; execute n; select nowhere"), FAILED, Q("\n rollback off; execute n")]
    heard = []
    for side in (Client(("127.0.0.1", cluster.port)).login("app", "app"), p.raw()):
        with side as client:
            said = [m for batch in story for m in (client.send(batch), client.ready())[1]]
            heard.append([(m.fields()["C"], m.fields()["M"], m.fields().get("P")) for m in said if m.kind == "E"])
    assert heard[0] == heard[1]
    assert [position for _, _, position in heard[0]] == [None, "37", None, "12"]


def test_a_name_under_two_encodings(pooler):
    """Whoever is next on the server can not even say it."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    name = "\u00e9".encode("latin1")
    with p.raw(client_encoding="LATIN1") as client, p.raw(client_encoding="UTF8") as other:
        client.send(message("P", name + b"\0select 'parsed'\0\0\0") + S)
        client.ready()
        for _ in range(2):
            client.send(message("Q", b'execute "' + name + b'"\0'))
            assert [m.row() for m in client.ready() if m.kind == "D"] == [["parsed"]]
            assert other.value("select 'well'") == "well"
            other.send(text("select 'well'") + S)
            assert [m.row() for m in other.ready() if m.kind == "D"] == [["well"]]
            assert other.rows("select name from pg_prepared_statements where name !~ '^pgweir_[0-9]+$'") == []
