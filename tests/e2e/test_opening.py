"""BEGIN takes no server: it goes out in front of the first statement of its transaction (defer_begin)."""

import asyncio

import asyncpg
import psycopg
import pytest

from fakeserver import answer, complete, ready
from rawwire import B, C, Client, D, E, F, H, P, Q, S, c, cancel_request, d, message
from waiting import until_equal

pytestmark = pytest.mark.pgweir


def auto(pooler, **settings):
    settings = {"pool_mode": "auto", "pool_size": 1, "max_overflow": 0, "workers": 1, **settings}
    return pooler(**settings)


def batch(sql, *describes):
    """As libpq's PQsendQueryParams sends it, or with other Describes."""
    describes = describes or ("P",)
    return [P(sql)] + [D("S")] * ("S" in describes) + [B(results=(0,))] + [D("P")] * ("P" in describes) + [E(), S]


def told(m):
    if m.kind in "EN":
        return m.kind, m.sqlstate, m.text, m.fields().get("P")
    return m.kind, m.body


def play(address, script, split=0):
    """All that is said to it, message by message; a number says how many ReadyForQuery to wait for."""
    out = []
    with Client(address, split=split).login("app", "app") as client:
        for step in script:
            if isinstance(step, int):
                out += [told(m) for m in client.ready(step) if m.kind != "S"]
            else:
                client.send(*step) if isinstance(step, list) else client.send(step)
    return out


FIVE = Q("select 5")

SCRIPTS = {
    "query": [Q("begin"), 1, FIVE, 1, Q("commit"), 1, FIVE, 1],
    "nothing done": [Q("begin"), 1, Q("commit"), 1, Q("BEGIN;"), 1, Q("rollback"), 1, Q("begin work"), 1, Q("abort"), 1,
                     Q("start transaction"), 1, Q("end"), 1, FIVE, 1],
    "modes": [Q("begin isolation level serializable, read only deferrable"), 1,
              Q("select current_setting('transaction_isolation'), current_setting('transaction_read_only'), "
                "current_setting('transaction_deferrable')"), 1, Q("create table opening_t()"), 1, Q("rollback"), 1],
    "modes as first statement": [Q("begin"), 1, Q("set transaction isolation level serializable"), 1,
                                 Q("show transaction_isolation"), 1, Q("commit"), 1, Q("show transaction_isolation"), 1],
    "start": [Q("start transaction read only"), 1, Q("show transaction_read_only"), 1, Q("commit and chain"), 1,
              Q("show transaction_read_only"), 1, Q("commit"), 1],
    "extended": [batch("begin"), 1, batch("select 5"), 1, batch("commit"), 1, FIVE, 1],
    "extended, nothing done": [batch("begin", "S"), 1, batch("commit", "S", "P"), 1, batch("begin", "no"), 1,
                               batch("rollback", "no"), 1, batch("commit"), 1],
    "its unnamed statement": [P("select 7"), S, 1, batch("begin"), 1, B(), E(), S, 1, Q("rollback"), 1],
    "a query ends the unnamed statement": [P("select 7"), S, 1, Q("begin"), 1, B(), E(), S, 1, Q("rollback"), 1],
    "no unnamed statement": [Q("begin"), 1, B(), E(), S, 1, Q("rollback"), 1],
    "twice": [Q("begin"), 1, Q("begin"), 1, FIVE, 1, Q("commit"), 1],
    "chain at once": [Q("begin read only"), 1, Q("commit and chain"), 1, Q("show transaction_read_only"), 1,
                      Q("rollback"), 1],
    "fails": [Q("begin"), 1, Q("select 1/0"), 1, FIVE, 1, Q("commit"), 1, FIVE, 1],
    "fails, extended": [batch("begin"), 1, batch("select 1/0"), 1, batch("select 5"), 1, batch("rollback"), 1, FIVE, 1],
    "syntax": [Q("begin"), 1, Q("selec"), 1, Q("rollback"), 1],
    "position": [Q("begin"), 1, Q("select nothing"), 1, Q("rollback"), 1],
    "savepoint": [Q("begin"), 1, Q("savepoint a"), 1, Q("select 1/0"), 1, Q("rollback to a"), 1, FIVE, 1, Q("commit"), 1],
    "not in a transaction": [Q("begin"), 1, Q("vacuum"), 1, Q("rollback"), 1],
    "set local": [Q("begin"), 1, Q("set local work_mem = '5MB'"), 1, Q("show work_mem"), 1, Q("commit"), 1,
                  Q("show work_mem"), 1],
    "set undone": [Q("set my.own = 'a'"), 1, Q("begin"), 1, Q("set my.own = 'b'"), 1, Q("rollback"), 1,
                   Q("show my.own"), 1],
    "several statements": [Q("begin"), 1, Q("select 1; select 2; commit; select 3"), 1, FIVE, 1],
    "empty": [Q("begin"), 1, Q(""), 1, Q("commit"), 1],
    "sync": [Q("begin"), 1, S, 1, S, 1, FIVE, 1, Q("commit"), 1],
    "close": [Q("begin"), 1, C("S", "none"), S, 1, Q("commit"), 1],
    "parse alone": [Q("begin"), 1, P("select 4", "named"), S, 1, B(name="named"), E(), S, 1, Q("commit"), 1,
                    B(name="named"), E(), S, 1],
    "pipelined": [[Q("begin"), FIVE, Q("select 6"), Q("commit"), FIVE], 5],
    "pipelined later": [Q("begin"), 1, [FIVE, Q("select 6"), *batch("select 7"), *batch("commit"), FIVE], 5],
    "extended pipeline": [[*batch("begin"), *batch("select 5"), *batch("select 1/0"), *batch("select 6"), *batch("rollback"),
                           *batch("select 7")], 6],
    "one batch": [[P("begin"), B(), E(), P("select 5"), B(), E(), S], 1, Q("commit"), 1],
    "flush": [Q("begin"), 1, [P("select 5"), B(), D(), H], E(), S, 1, Q("commit"), 1],
    "function": [Q("begin"), 1, F(1598), 1, Q("commit"), 1],
    "copy": [Q("create temp table opening_c(a int)"), 1, Q("drop table opening_c"), 1, Q("begin"), 1,
             [Q("copy (select 5) to stdout")], 1, Q("commit"), 1],
    "copy in": [Q("begin"), 1, Q("create temp table opening_c(a int) on commit drop"), 1,
                [Q("copy opening_c from stdin"), d("1\n2\n"), c()], 1, Q("select sum(a) from opening_c"), 1, Q("commit"), 1],
    "a name that is there": [P("select 4", "named"), S, 1, P("select 6", "named"), S, 1, Q("begin"), 1,
                             P("select 6", "named"), S, 1, Q("rollback"), 1, Q("begin"), 1, Q('deallocate "named"'), 1,
                             Q("commit"), 1, P("select 6", "named"), S, 1, Q('deallocate "named"'), 1],
    "many": [Q("begin"), 1, FIVE, 1, Q("commit"), 1] * 5,
    "not quite": [Q("begin;;"), 1, Q("rollback;"), 1, Q("begin; begin"), 1, Q("rollback"), 1, Q("begin read"), 1,
                  Q("begin isolation level snapshot"), 1, Q("/* x */ begin"), 1, FIVE, 1, Q("commit"), 1],
}


@pytest.mark.parametrize("split", [0, 1])
@pytest.mark.parametrize("name", SCRIPTS)
def test_same_as_directly(pooler, cluster, name, split):
    p = auto(pooler, pool_size=2)
    got = play(p.address, SCRIPTS[name], split)
    if name == "function":  # random
        got = [m for m in got if m[0] != "V"]
    wanted = [m for m in play(("127.0.0.1", cluster.port), SCRIPTS[name]) if name != "function" or m[0] != "V"]
    assert got == wanted


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("begin", [[Q("begin")], batch("begin")])
def test_no_server_is_held(pooler, cluster, workers, begin):
    p = auto(pooler, workers=workers)
    clients = [p.raw() for _ in range(2)]
    for client in clients:
        client.send(*begin)
        assert client.ready()[-1].status() == "T"
    third = p.raw()
    assert [third.value(f"select {n}") for n in range(3)] == ["0", "1", "2"]
    assert cluster.backends("usename = 'app' and state like 'idle in%'") == []
    assert p.pool()["cl_linked"] == "0"
    for client in clients:
        assert client.value("select count(*) from pg_stat_activity where pid = pg_backend_pid() and xact_start < now()") == "0"
        assert client.query("commit")[-1].status() == "I"


def test_it_costs_no_round_trip(make_pooler, fake_server):
    def script(session):
        if not session.login():
            return
        while True:
            asked = session.read_until("QX")  # nothing is answered before the client's Query is here
            if asked[-1].kind == "X":
                return
            kinds = "".join(m.kind for m in asked)
            if kinds == "PBECQ":
                assert asked[0].body == b"\0BEGIN read only\0\0\0"
                session.send(message("1"), message("2"), complete("BEGIN"), message("3"), answer("5", "T"))
            else:
                assert kinds == "Q"
                session.send(complete("COMMIT"), ready())

    server = fake_server(script)
    p = make_pooler(None, pool_mode="auto", pool_size=1, workers=1,
                    databases={"app": f"host=127.0.0.1 port={server.port} dbname=app"})
    client = p.raw()
    for _ in range(2):
        assert client.query("begin read only")[-1].status() == "T"
        assert client.value("select 5") == "5"
        assert client.query("commit")[-1].status() == "I"


def total(p, name):
    return int(next(row["value"] for row in p.show("totals") if row["name"] == name))


def test_counted(pooler):
    p = auto(pooler)
    client = p.raw()
    queries, xacts = total(p, "total_query_count"), total(p, "total_xact_count")
    for text in ("begin", "select 1", "commit", "begin", "rollback"):
        client.query(text)
    until_equal(lambda: (total(p, "total_query_count"), total(p, "total_xact_count")), (queries + 5, xacts + 2))


@pytest.mark.parametrize("settings,idle", [({"pool_mode": "auto"}, 0), ({"pool_mode": "auto", "defer_begin": "off"}, 1),
                                           ({"pool_mode": "transaction"}, 1),
                                           ({"pool_mode": "transaction", "defer_begin": "on"}, 0),
                                           ({"pool_mode": "session", "defer_begin": "on"}, 1)])
def test_where(pooler, cluster, settings, idle):
    p = auto(pooler, **settings)
    client = p.raw()
    client.query("begin")
    until_equal(lambda: len(cluster.backends("usename = 'app' and state = 'idle in transaction'")), idle)
    assert client.value("select 1") == "1"
    assert client.query("commit")[-1].status() == "I"


def test_reload_turns_it_off(pooler):
    p = auto(pooler)
    client = p.raw()
    client.query("begin")
    p.reload(defer_begin="off")
    assert client.query("rollback")[-1].status() == "I"


def test_session_state_is_refused_behind_it(pooler):
    p = auto(pooler, pool_mode="transaction", defer_begin="on", on_session_state="error")
    client = p.raw()
    client.query("begin")
    said = client.query("listen a")
    assert [m.sqlstate for m in said if m.kind == "E"] == ["0A000"] and said[-1].status() == "E"
    client.query("rollback")


# ---- a statement that gets no server ---------------------------------------------------------------------


def refused(p, statement):
    """A client whose transaction failed because it got no server, and who has that."""
    holder, client = p.raw(), p.raw()
    holder.query("begin; select 1")
    p.reload(pool_timeout="100ms")
    client.query("begin")
    client.send(*statement)
    said = client.ready()
    assert [m.sqlstate for m in said if m.kind == "E"] == ["53300"]
    assert said[-1].status() == "E"
    return client, holder


@pytest.mark.parametrize("statement", [[Q("select 1")], batch("select 1")])
@pytest.mark.parametrize("end,tag", [([Q("rollback")], "ROLLBACK"), ([Q("commit")], "ROLLBACK"), (batch("commit"), "ROLLBACK")])
def test_refused_and_ended(pooler, statement, end, tag):
    client, holder = refused(auto(pooler), statement)
    client.send(S)
    assert client.ready()[-1].status() == "E"
    client.send(*end)  # no server is needed for that
    said = client.ready()
    assert [m.tag() for m in said if m.kind == "C"] == [tag] and said[-1].status() == "I"
    holder.query("commit")
    assert client.value("select 1") == "1"


@pytest.mark.parametrize("statement", [[Q("insert into opening_r values (1)")], batch("insert into opening_r values (1)")])
@pytest.mark.parametrize("params", [{}, {"application_name": "other", "options": "-c search_path=pg_catalog,public"}])
def test_refused_and_not_ended(pooler, cluster, statement, params):
    cluster.in_app("drop table if exists opening_r; create table opening_r(a int); grant all on opening_r to app")
    p = auto(pooler)
    holder, client = p.raw(), p.raw(**params)
    holder.query("begin; select 1")
    p.reload(pool_timeout="100ms")
    client.query("begin")
    client.send(*statement)
    assert client.ready()[-1].status() == "E"
    p.reload(pool_timeout="30s")
    holder.query("commit")
    for _ in range(2):
        client.send(*statement)
        said = client.ready()
        assert [m.sqlstate for m in said if m.kind == "E"] == ["25P02"] and said[-1].status() == "E"
    said = client.query("rollback to a")
    assert [m.sqlstate for m in said if m.kind == "E"] == ["3B001"]
    said = client.query("commit")
    assert [m.tag() for m in said if m.kind == "C"] == ["ROLLBACK"] and said[-1].status() == "I"
    assert client.value("select count(*) from public.opening_r") == "0"
    assert client.query("insert into public.opening_r values (2)")[-1].status() == "I"
    assert p.raw().value("select count(*) from public.opening_r") == "1"


def test_refused_and_more_in_one_text(pooler):
    p = auto(pooler)
    client, holder = refused(p, [Q("select 1")])
    p.reload(pool_timeout="30s")
    holder.query("commit")
    said = client.query("rollback; select 7")
    assert [m.row() for m in said if m.kind == "D"] == [["7"]] and said[-1].status() == "I"


def test_cancelled_while_it_waits(pooler):
    p = auto(pooler)
    holder, client = p.raw(), p.raw()
    holder.query("begin; select 1")
    client.query("begin")
    client.send(Q("select 1"))
    p.wait_waiting(1)
    with p.open() as other:
        other.send(cancel_request(client.pid, client.key))
    said = client.ready()
    assert [m.sqlstate for m in said if m.kind == "E"] == ["57014"] and said[-1].status() == "E"
    assert client.query("rollback")[-1].status() == "I"


def test_client_that_goes(pooler, cluster):
    p = auto(pooler)
    client = p.raw()
    client.query("begin")
    client.drop()
    other = p.raw()
    other.query("begin")
    other.send(Q("select pg_sleep(60)"))
    until_equal(lambda: len(cluster.backends("usename = 'app' and state = 'active' and query like '%pg_sleep(60)%'")), 1)
    other.kill()
    until_equal(lambda: cluster.backends("usename = 'app' and state <> 'idle'"), [])
    assert p.raw().value("select 1") == "1"


def test_pause_waits_for_nobody_who_only_began(pooler):
    p = auto(pooler)
    client = p.raw()
    client.query("begin")
    p.console("pause")
    client.send(Q("select 1"))
    p.wait_waiting(1)
    p.console("resume")
    assert client.ready()[-1].status() == "T"


# ---- BEGIN that the server refuses -------------------------------------------------------------------------


@pytest.fixture
def standby(own_cluster):
    """A server that does not take BEGIN READ WRITE."""
    own_cluster.in_app("create table ro(a int); grant all on ro to app")
    own_cluster.stop()
    (own_cluster.data / "standby.signal").touch()
    own_cluster.start()
    return own_cluster


@pytest.mark.parametrize("begin", [[Q("begin read write")], batch("start transaction isolation level serializable")])
@pytest.mark.parametrize("then", [[FIVE], batch("select 5"), [FIVE, Q("select 6")], [*batch("select 5"), FIVE],
                                  [P("select 5"), B(), H], [F(1598)]])
def test_refused_by_the_server(make_pooler, standby, begin, then):
    p = make_pooler(standby, pool_mode="auto", pool_size=1, max_overflow=0, workers=1)
    client = p.raw()
    client.send(*begin)
    assert client.ready()[-1].status() == "T"
    client.send(*then)
    if then[-1] == H:
        client.send(S)
    said = client.ready(2 if len(then) in (2, 6) else 1)
    errors = [m.sqlstate for m in said if m.kind == "E"]
    assert errors[0] in ("25006", "0A000", "55000")
    assert [m.row() for m in said if m.kind == "D"] == []  # none of it was carried out outside a transaction
    assert said[-1].status() == "E"
    assert client.query("rollback")[-1].status() == "I"
    assert client.value("select 1") == "1"


# ---- drivers -------------------------------------------------------------------------------------------------


def test_psycopg(pooler, cluster):
    p = auto(pooler)
    cluster.in_app("drop table if exists opening_p; create table opening_p(a int); grant all on opening_p to app")
    with psycopg.connect(p.conninfo(), prepare_threshold=0) as one, psycopg.connect(p.conninfo(), autocommit=True) as two:
        for n in range(5):
            with one.transaction():
                one.execute("insert into opening_p values (%s)", [n])
            with pytest.raises(psycopg.errors.DivisionByZero), one.transaction():
                one.execute("insert into opening_p values (%s)", [-n])
                one.execute("select 1/0")
            with one.transaction():
                assert two.execute("select count(*) from opening_p").fetchone() == (n + 1,)
        one.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        one.read_only = True
        assert one.execute("show transaction_isolation").fetchone() == ("serializable",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            one.execute("insert into opening_p values (1)")
        one.rollback()
        with one.pipeline(), one.transaction():
            assert one.execute("select 1").fetchone() == (1,)
            assert one.execute("select 2").fetchone() == (2,)


def test_asyncpg(pooler):
    p = auto(pooler)

    async def run():
        one, two = [await asyncpg.connect(host="127.0.0.1", port=p.port, user="app", database="app", ssl=False)
                    for _ in range(2)]
        async with one.transaction(isolation="serializable", readonly=True):
            assert await two.fetchval("select 1") == 1
            assert await one.fetchval("show transaction_isolation") == "serializable"
            async with one.transaction():
                assert await one.fetchval("select $1::int", 3) == 3
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with one.transaction():
                async with two.transaction():
                    pass
                await one.fetchval("select 1/0")
        await one.close()
        await two.close()

    asyncio.run(run())


def test_slow_log(pooler):
    p = auto(pooler, log_min_duration_statement=0)
    client = p.raw()
    for text in ("begin read only", "select 1", "commit"):
        client.query(text)
    p.wait_log(r"SLOW .* pid=0 .*begin read only")
    p.wait_log(r"SLOW .* commit")
    assert not [line for line in p.slow_lines() if "select" in line and "begin" in line]
