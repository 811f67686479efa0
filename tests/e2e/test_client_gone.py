"""Clients that vanish: their query ends, their transaction is undone, their server serves the next one."""

import pytest

import rawwire
from rawwire import B, E, P, Q, S, d
from waiting import until, until_equal


@pytest.fixture
def table(cluster):
    cluster.in_app("drop table if exists gone; create table gone(a int); grant all on gone to public")
    return lambda: cluster.in_app("select count(*) from gone")[0][0]


def idle_in_transaction(client):
    client.query("begin; insert into gone values (1)")


def failed_transaction(client):
    client.query("begin; insert into gone values (1)")
    client.query("select 1/0")


def sleeping(client):
    client.send(Q("begin; insert into gone values (1); select pg_sleep(600); commit"))


def sleeping_extended(client):
    client.send(P("select pg_sleep(600)") + B() + E() + S)


def half_sent_length(client):
    client.query("begin; insert into gone values (1)")
    client.send(b"Q\0\0")


def half_sent_bind(client):
    bind = B("x" * 5000)
    client.send(P("select $1") + bind[:-200])


def half_sent_bind_in_transaction(client):
    client.query("begin; insert into gone values (1)")
    half_sent_bind(client)


def half_sent_large_query(client):
    client.send(Q("select '" + "x" * 3000000 + "'")[:2000000])


def copy_in(client):
    client.send(Q("copy gone from stdin"))
    client.read_until("G")
    client.send(d("1\n" * 1000))


def half_copy_data(client):
    copy_in(client)
    client.send(d("1\n" * 1000)[:-100])


def copy_out(client):
    client.send(Q("copy (select repeat('x', 1000) from generate_series(1, 1000000)) to stdout"))
    client.read_until("H")


def rows_unread(client):
    client.send(Q("select repeat('x', 1000) from generate_series(1, 1000000)"))
    client.read_until("T")


def batch_without_sync(client):
    client.send(P("insert into gone values (1)") + B() + E() + rawwire.H)
    client.read_until("C")


def pipeline(client):
    client.send((P("select pg_sleep(0.01)") + B() + E() + S) * 200)


MOMENTS = [idle_in_transaction, failed_transaction, sleeping, sleeping_extended, half_sent_length, half_sent_bind,
           half_sent_bind_in_transaction, half_sent_large_query, copy_in, half_copy_data, copy_out, rows_unread,
           batch_without_sync, pipeline]


@pytest.mark.parametrize("end", ["kill", "drop", "close"])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda f: f.__name__)
def test_client_gone_leaves_nothing_behind(pooler, cluster, table, moment, end):
    p = pooler(pool_size=1, workers=3, client_gone_timeout=5)
    client = p.raw(receive_buffer=8192 if moment in (copy_out, rows_unread) else None)
    moment(client)
    until(lambda: p.pool()["sv_active"] == "1" or p.pool()["sv_idle"] == "1")
    getattr(client, end)()
    successor = p.raw()
    said = successor.query("select 'next'")
    assert [m.kind for m in said if m.kind != "S"] == list("TDCZ")
    assert said[-1].status() == "I"
    assert table() == 0, "what was not committed never happened"
    until(lambda: [s for s in cluster.states() if s[1] != "idle"] == [], "no query runs on")
    until(lambda: len(p.show("clients", user="app")) == 1, "the client is forgotten")
    assert len(p.show("servers")) == 1


@pytest.mark.parametrize("moment", [idle_in_transaction, sleeping, half_sent_bind, copy_in],
                         ids=lambda f: f.__name__)
def test_client_gone_in_every_shape(pooler, cluster, table, shape, moment):
    p = pooler(pool_size=1, **shape)
    for _ in range(3):
        client = p.raw()
        moment(client)
        client.kill()
        assert p.raw().value("select 'next'") == "next"
    assert table() == 0


@pytest.mark.pgweir
@pytest.mark.parametrize("moment", [idle_in_transaction, failed_transaction, sleeping, sleeping_extended, pipeline],
                         ids=lambda f: f.__name__)
def test_server_is_used_again(pooler, cluster, table, moment):
    """Cancel, drain, roll back, reuse: a vanished client costs no server connection."""
    p = pooler(pool_size=1, client_gone_timeout=60)
    client = p.raw()
    pid = client.value("select pg_backend_pid()")
    moment(client)
    until(lambda: p.pool()["sv_active"] == "1")
    client.kill()
    assert p.raw().value("select pg_backend_pid()") == pid


@pytest.mark.pgweir
def test_server_that_takes_too_long_to_drain_is_closed(pooler, cluster, fault_proxy):
    proxy = fault_proxy(cluster.port)
    p = pooler(pool_size=1, client_gone_timeout="0.5",
               databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    client = p.raw()
    pid = client.value("select pg_backend_pid()")
    client.send(Q("select pg_sleep(600)"))
    until(lambda: [s for s in cluster.states() if s[1] == "active"])
    proxy.hold_down.set()
    client.kill()
    until(lambda: not p.show("servers"), "the server that does not answer is given up")
    proxy.hold_down.clear()
    assert p.raw().value("select pg_backend_pid()") != pid
    cluster.sql("select pg_terminate_backend(%s)", int(pid))


def test_client_gone_from_the_queue_takes_no_server(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    holder = p.raw()
    holder.query("begin")
    ghosts = [p.raw() for _ in range(3)]
    for ghost in ghosts:
        ghost.send(Q("insert into nowhere values (1)"))
    p.wait_waiting(3)
    for ghost, end in zip(ghosts, ("kill", "drop", "close")):
        getattr(ghost, end)()
    p.wait_waiting(0)
    cluster.log_mark()
    holder.query("commit")
    assert holder.value("select 1") == "1"
    assert "nowhere" not in cluster.log_since()


def test_session_client_gone(pooler, cluster, table, shape):
    p = pooler(pool_size=1, pool_mode="session", **shape)
    for end in ("kill", "drop", "close"):
        client = p.raw()
        client.query("set work_mem = '9MB'; create temp table t(a int)")
        client.query("begin; insert into gone values (1)")
        getattr(client, end)()
        successor = p.raw()
        assert successor.value("show work_mem") == "4MB"
        assert successor.error("select * from t").sqlstate == "42P01"
        successor.close()
    assert table() == 0


def test_locks_of_the_vanished_are_free(pooler, cluster, table):
    p = pooler(pool_size=2)
    client = p.raw()
    client.query("begin; lock table gone")
    waiter = p.raw()
    waiter.send(Q("select count(*) from gone"))
    until(lambda: cluster.sql("select 1 from pg_locks where not granted"), "the other one waits for the lock")
    client.kill()
    assert [m.row() for m in waiter.ready() if m.kind == "D"] == [["0"]]


def test_crowd_that_vanishes(pooler, cluster, table):
    """Fifty clients in all states die at once; the pool is whole afterwards."""
    p = pooler(pool_size=5, max_client_conn=200)
    crowd = [p.raw() for _ in range(50)]
    for n, client in enumerate(crowd):
        client.send([Q("begin; insert into gone values (1)"), Q("select pg_sleep(600)"), b"Q\0", B("x")[:5]][n % 4])
    for client in crowd:
        client.kill()
    until_equal(lambda: p.show("clients", user="app"), [])
    until(lambda: [s for s in cluster.states() if s[1] != "idle"] == [], "no query runs on")
    assert table() == 0
    clients = [p.raw() for _ in range(10)]
    assert [c.value("select 1") for c in clients] == ["1"] * 10
    assert len(p.show("servers")) <= 5
