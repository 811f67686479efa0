"""When a server goes back to the pool: session, transaction, statement; per database and per user."""

import pytest

import rawwire
from rawwire import B, C, D, E, P, Q, S
from waiting import until, until_equal

PID = "select pg_backend_pid()"


def batch(sql, *values):
    return P(sql) + B(*values) + E() + S


# ---- transaction ------------------------------------------------------------------------------------


def test_server_is_kept_for_a_transaction(pooler, shape):
    p = pooler(pool_size=2, **shape)
    one, two = p.raw(), p.raw()
    one.query("begin")
    mine = one.value(PID)
    for _ in range(5):
        assert two.value(PID) != mine
        assert one.value(PID) == mine
    one.query("commit")


def test_server_is_kept_in_a_failed_transaction(pooler, shape):
    p = pooler(pool_size=2, **shape)
    one, two = p.raw(), p.raw()
    mine = [m for m in one.query(f"begin; {PID}") if m.kind == "D"][0].row()[0]
    assert one.query("select 1/0")[-1].status() == "E"
    assert two.value(PID) != mine
    assert one.query("rollback")[-1].status() == "I"


def test_server_is_given_up_after_each_transaction(pooler, shape):
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(), p.raw()
    for n in range(5):
        for client in (one, two):
            assert client.rows(f"begin; select {n}; commit")[0] == [str(n)]
            client.send(batch("begin") + batch("select $1::text", f"n{n}") + batch("commit"))
            assert [m.row() for m in client.ready(3) if m.kind == "D"] == [[f"n{n}"]]


def test_waiter_gets_the_server_at_commit(pooler, shape):
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(), p.raw()
    one.query("begin")
    two.send(Q("select 'two'"))
    p.wait_waiting(1)
    one.query("commit")
    assert [m.row() for m in two.ready() if m.kind == "D"] == [["two"]]


def test_prepared_statement_within_one_transaction(pooler, shape):
    p = pooler(pool_size=2, **shape)
    one, two = p.raw(), p.raw()
    for client in (one, two):
        client.query("begin")
    for client, answer in ((one, "1"), (two, "2")):
        client.send(P(f"select {answer}, $1::text", "same") + S)
        client.ready()
    for client, answer in ((one, "1"), (two, "2")):
        client.send(B("x", name="same") + E() + C("S", "same") + S)
        assert [m.row() for m in client.ready() if m.kind == "D"] == [[answer, "x"]]
        client.query("rollback")


def test_idle_server_is_used_again(pooler, cluster):
    p = pooler(pool_size=4)
    client = p.raw()
    assert len({client.value(PID) for _ in range(20)}) == 1
    assert len(cluster.backends()) == 1


@pytest.mark.pgweir
def test_auto_pools_by_transaction(pooler):
    p = pooler(pool_size=1, pool_mode="auto")
    one, two = p.raw(), p.raw()
    assert one.value(PID) == two.value(PID)


# ---- session ----------------------------------------------------------------------------------------


def test_session_mode_keeps_the_server(pooler, shape):
    p = pooler(pool_size=2, pool_mode="session", **shape)
    one, two = p.raw(), p.raw()
    mine, other = one.value(PID), two.value(PID)
    assert mine != other
    for _ in range(5):
        assert (one.value(PID), two.value(PID)) == (mine, other)


def test_session_mode_hands_on_when_the_client_leaves(pooler, shape):
    p = pooler(pool_size=1, pool_mode="session", **shape)
    one, two = p.raw(), p.open()
    mine = one.value(PID)
    two.login("app", "app")
    two.send(Q(PID))
    p.wait_waiting(1)
    one.close()
    assert [m.row() for m in two.ready() if m.kind == "D"] == [[mine]]


def test_session_state_is_cleaned_for_the_next(pooler, shape):
    p = pooler(pool_size=1, pool_mode="session", **shape)
    one = p.raw()
    mine = one.value(PID)
    one.query("create temp table left_over(a int); set work_mem = '9MB'; set role other; "
              "prepare left_plan as select 1; select pg_advisory_lock(77); listen left_channel")
    one.query("declare left_cursor cursor with hold for select 1")
    one.send(P("select 2", "left_statement") + S)
    one.ready()
    one.close()
    two = p.raw()
    assert two.value(PID) == mine, "the same server, or the test proves nothing"
    assert two.value("show work_mem") == "4MB"
    assert two.value("select current_user") == "app"
    for left in ("select * from left_over", "execute left_plan", "fetch left_cursor"):
        assert two.error(left).sqlstate in ("42P01", "26000", "34000")
    two.send(B(name="left_statement") + E() + S)
    assert [m.sqlstate for m in two.ready() if m.kind == "E"] == ["26000"]
    assert two.rows("select 1 from pg_locks where locktype = 'advisory'") == []
    assert two.rows("select pg_listening_channels()") == []


def test_client_that_left_in_a_transaction_leaves_nothing(pooler, cluster, shape):
    cluster.in_app("drop table if exists half; create table half(a int); grant all on half to public")
    p = pooler(pool_size=1, pool_mode="session", **shape)
    one = p.raw()
    one.query("begin")
    one.query("insert into half values (1)")
    one.close()
    two = p.raw()
    assert two.query("select count(*) from half")[-1].status() == "I"
    assert two.value("select count(*) from half") == "0"


@pytest.mark.pgweir
@pytest.mark.parametrize("workers", [1, 3])
def test_session_clients_one_after_another_need_one_server(pooler, cluster, workers):
    """Who comes while the server of the one before is being reset waits for that, and has no other opened."""
    p = pooler(workers=workers, pool_size=5, pool_mode="session", server_reset_query="select pg_sleep(0.03)")
    seen = set()
    for n in range(30):
        client = p.raw(application_name=f"number {n}", extra_float_digits=str(n % 3))
        seen.add(client.value(PID))
        client.close()
        if workers > 1:  # the next one comes to another worker
            until_equal(lambda: p.show("clients", user="app"), [])
    assert len(seen) == 1
    assert p.show("stats", database="app")[0]["total_server_login_count"] == "1"


@pytest.mark.pgweir
@pytest.mark.parametrize("workers", [1, 3])
def test_session_clients_do_not_wait_for_a_reset_for_ever(pooler, workers):
    """A reset that takes long is no reason to wait as long as another server may be opened."""
    p = pooler(workers=workers, pool_size=2, pool_mode="session",
               server_reset_query="select pg_advisory_lock(4711), pg_advisory_unlock(4711)")
    with p.cluster.connect("app") as holder:
        holder.execute("select pg_advisory_lock(4711)")
        first = p.raw()
        mine = first.value(PID)
        first.close()
        until_equal(lambda: p.show("clients", user="app"), [])
        second = p.raw()
        assert second.value(PID) != mine
        holder.execute("select pg_advisory_unlock(4711)")


def test_failed_reset_query_costs_the_server(pooler):
    p = pooler(pool_size=1, pool_mode="session", server_reset_query="select 1/0")
    one = p.raw()
    mine = one.value(PID)
    one.query("set work_mem = '9MB'")
    one.close()
    two = p.raw()
    assert two.value(PID) != mine
    assert two.value("show work_mem") == "4MB"


def test_reset_query_of_several_statements(pooler):
    p = pooler(pool_size=1, pool_mode="session", server_reset_query="reset work_mem; select 1; select 2")
    one = p.raw()
    mine = one.value(PID)
    one.query("set work_mem = '9MB'")
    one.close()
    two = p.raw()
    assert two.value(PID) == mine
    assert two.rows("show work_mem") == [["4MB"]]


def test_reset_query_always(pooler):
    p = pooler(pool_size=1, server_reset_query="discard all", server_reset_query_always=1)
    one, two = p.raw(), p.raw()
    mine = one.value(PID)
    one.query("set work_mem = '9MB'")
    until_equal(lambda: two.value("show work_mem"), "4MB")
    assert two.value(PID) == mine


# ---- statement --------------------------------------------------------------------------------------


def test_statement_mode_works(pooler, shape):
    p = pooler(pool_size=1, pool_mode="statement", **shape)
    one, two = p.raw(), p.raw()
    for client in (one, two, one, two):
        assert client.value("select 1") == "1"
        client.send(batch("select $1::text", "x") * 3)
        assert [m.row() for m in client.ready(3) if m.kind == "D"] == [["x"]] * 3


@pytest.mark.pgweir
@pytest.mark.parametrize("begin", ["begin", "BEGIN;", "/* c */ start transaction", "begin; select 1", "select 1; begin"])
def test_statement_mode_refuses_transactions(pooler, cluster, shape, begin):
    p = pooler(pool_size=1, pool_mode="statement", **shape)
    client = p.raw()
    errors = [m for m in client.query(begin) if m.kind == "E"]
    assert len(errors) == 1 and "transaction" in errors[0].text
    assert errors[0].severity == "ERROR"
    assert client.query("select 1")[-1].status() == "I", "the connection lives on, outside any transaction"
    assert p.raw().value("select 2") == "2"
    assert [s for s in cluster.states() if s[1] != "idle"] == []


@pytest.mark.pgweir
def test_statement_mode_refuses_transactions_in_extended_protocol(pooler, shape):
    p = pooler(pool_size=1, pool_mode="statement", **shape)
    client = p.raw()
    client.send(batch("begin") + batch("select 1"))
    said = client.ready(2)
    errors = [m for m in said if m.kind == "E"]
    assert len(errors) == 1 and "transaction" in errors[0].text
    assert [m.status() for m in said if m.kind == "Z"] == ["I", "I"]
    assert [m.row() for m in said if m.kind == "D"] == [["1"]]
    assert p.raw().value("select 2") == "2"


# ---- whose mode -------------------------------------------------------------------------------------


def keeps_its_server(p, user, database):
    """Does a client of this user and database keep its server between queries?"""
    one, two = p.raw(user, database), p.raw(user, database)
    one.value("select 1")
    two.send(Q("select 1"))
    looks = []

    def settled():
        """Answered, or found waiting in many looks one after the other."""
        looks.append(p.waiting(database, user) == 1)
        return two.has_input() or len(looks) > 15 and all(looks[-15:])

    try:
        until(settled)
        kept = not two.has_input()
    finally:
        one.close()
    two.ready()
    two.close()
    return kept


def test_mode_of_a_database(pooler):
    p = pooler(pool_size=1, databases={"app": lambda p: p.db("app"),
                                       "other": lambda p: p.db("other") + " pool_mode=session"})
    assert not keeps_its_server(p, "app", "app")
    assert keeps_its_server(p, "app", "other")


def test_mode_of_a_user(pooler):
    p = pooler(pool_size=1, users={"other": "pool_mode=session", "third": "pool_mode=transaction"})
    assert not keeps_its_server(p, "app", "app")
    assert keeps_its_server(p, "other", "app")
    assert not keeps_its_server(p, "third", "app")


def test_mode_of_a_user_beats_that_of_the_database(pooler):
    p = pooler(pool_size=1, databases={"app": lambda p: p.db("app") + " pool_mode=session"},
               users={"other": "pool_mode=transaction"})
    assert keeps_its_server(p, "app", "app")
    assert not keeps_its_server(p, "other", "app")


def test_unfinished_batch_keeps_the_server(pooler, shape):
    """Between Parse and Sync nobody else may overwrite the unnamed statement."""
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(), p.raw()
    one.send(P("select 'one'") + rawwire.H)
    assert one.read().kind == "1"
    two.send(batch("select 'two'"))
    p.wait_waiting(1)
    one.send(B() + D() + E() + S)
    assert [m.row() for m in one.ready() if m.kind == "D"] == [["one"]]
    assert [m.row() for m in two.ready() if m.kind == "D"] == [["two"]]
