"""Limits, to the last connection, over all workers; and every timeout."""

import os
import time

import pytest

import rawwire
from rawwire import B, E, P, Q, Refused, S
from waiting import until, until_equal

PID = "select pg_backend_pid()"


def hammer(p, clients, rounds, user="app", database="app"):
    """Many clients at once, each checking that its answers are its own."""
    def one(who):
        client = p.raw(user, database)
        for n in range(rounds):
            assert client.value(f"select '{user}{who}.{n}' from pg_sleep(0.005)") == f"{user}{who}.{n}"
        client.close()

    return [lambda who=who: one(who) for who in range(clients)]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("size,overflow", [(1, 0), (3, 0), (2, 2)])
def test_pool_size_and_overflow_are_exact(pooler, cluster, workers, size, overflow):
    p = pooler(pool_size=size, max_overflow=overflow, overflow_delay=0, workers=workers)
    assert cluster.most_connected(hammer(p, 20, 40), size) <= size + overflow
    until(lambda: len(cluster.backends()) <= size, "what was beyond pool_size is closed when nobody needs it")


def test_pool_size_zero_is_no_limit(pooler, cluster):
    p = pooler(pool_size=0, max_overflow=0)
    clients = [p.raw() for _ in range(30)]
    for client in clients:
        client.query("begin")
    assert len({c.value(PID) for c in clients}) == 30
    for client in clients:
        client.query("commit")
    assert len(cluster.backends()) == 30, "and all are kept"


@pytest.mark.pgweir
def test_overflow_without_a_cap(pooler, cluster):
    p = pooler(pool_size=2, max_overflow=-1)
    clients = [p.raw() for _ in range(12)]
    for client in clients:
        client.query("begin")
    assert len(cluster.backends()) == 12
    for client in clients:
        client.query("commit")
    until_equal(lambda: len(cluster.backends()), 2)


@pytest.mark.pgweir
def test_overflow_goes_after_use(pooler, cluster):
    p = pooler(pool_size=1, max_overflow=2)
    clients = [p.raw() for _ in range(3)]
    for client in clients:
        client.query("begin")
    assert len(cluster.backends()) == 3
    for client in clients:
        client.query("commit")
    until_equal(lambda: len(cluster.backends()), 1)
    assert clients[0].value("select 1") == "1"


def test_overflow_delay(pooler, cluster):
    p = pooler(pool_size=1, max_overflow=1, overflow_delay="0.5")
    holder, client = p.raw(), p.raw()
    holder.query("begin")
    start = time.monotonic()
    assert client.value(PID) != holder.value(PID)
    assert time.monotonic() - start >= 0.4
    holder.query("commit")


def test_min_pool_size_is_kept_warm(pooler, cluster):
    p = pooler(pool_size=5, min_pool_size=3)
    p.raw().value("select 1")
    until_equal(lambda: len(cluster.backends()), 3)
    cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'app' "
                "and application_name <> 'e2e-direct'")
    until_equal(lambda: len(cluster.backends()), 3)


@pytest.mark.pgweir
def test_min_pool_size_without_clients(pooler, cluster):
    """A database with a user of its own is kept warm before the first client comes."""
    pooler(databases={"app": lambda p: p.db("app", user="app") + " min_pool_size=2"})
    until_equal(lambda: len(cluster.backends()), 2)


def test_pool_size_of_database_and_user(pooler, cluster):
    p = pooler(pool_size=4, databases={"app": lambda p: p.db("app"), "other": lambda p: p.db("other") + " pool_size=2"})
    for database, size in (("app", 4), ("other", 2)):
        work = hammer(p, 12, 40, database=database)
        assert cluster.most_connected(work, size, f"datname = '{database}'") == size


# ---- waiting, and what it ends in -------------------------------------------------------------------


@pytest.mark.pgweir
def test_pool_timeout_says_what_was_short(pooler, shape):
    p = pooler(pool_size=1, max_overflow=0, pool_timeout=1, **shape)
    holder, client = p.raw(), p.raw()
    holder.query("begin")
    start = time.monotonic()
    error = client.error("select 1")
    assert time.monotonic() - start >= 0.9
    assert (error.severity, error.sqlstate) == ("ERROR", "53300")
    assert error.text == "pool limit of size 1 overflow 0 reached, connection timed out, timeout 1.00"
    fields = error.fields()
    for word in ("app", "active", "idle", "waiting"):
        assert word in fields["D"]
    assert fields["H"]
    holder.query("commit")
    assert client.value("select 2") == "2", "the connection is usable afterwards"
    p.wait_log(r"pool limit of size 1 overflow 0 reached.*")


def test_pool_timeout_in_a_batch(pooler, shape):
    p = pooler(pool_size=1, pool_timeout=1, **shape)
    if p.binary.is_pgbouncer:
        pytest.skip("PgBouncer closes the connection")
    holder, client = p.raw(), p.raw()
    holder.query("begin")
    client.send(P("select 1") + B() + E() + S)
    said = client.ready()
    assert [m.kind for m in said] == ["E", "Z"] and said[0].sqlstate == "53300" and said[1].status() == "I"
    holder.query("commit")
    assert client.value("select 2") == "2"


@pytest.mark.pgweir
def test_deadline_is_fixed_when_queued(pooler):
    """Whoever waits longest is refused first, whatever else goes on."""
    p = pooler(pool_size=1, pool_timeout=1, workers=1)
    holder = p.raw()
    holder.query("begin")
    clients = [p.raw() for _ in range(4)]
    for n, client in enumerate(clients):
        client.send(Q("select 1"))
        until(lambda n=n: p.waiting() + sum(c.has_input() for c in clients) >= n + 1, "it waits, or waited")

    def refused():
        """The last one first: who is refused by then, was so before those that are looked at later."""
        looks = [client.has_input() for client in reversed(clients)]
        assert looks == sorted(looks), "somebody was refused before another who had waited longer"
        return all(looks)

    until(refused)
    for client in clients:
        assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["53300"]
    assert p.waiting() == 0
    holder.query("commit")


@pytest.mark.pgweir
@pytest.mark.parametrize("workers", [1, 3])
def test_max_waiting(pooler, workers):
    p = pooler(pool_size=1, max_waiting=2, workers=workers)
    holder = p.raw()
    holder.query("begin")
    waiters = [p.raw(), p.raw()]
    for waiter in waiters:
        waiter.send(Q("select 'waited'"))
    p.wait_waiting(2)
    refused = [p.raw() for _ in range(4)]
    for client in refused:
        error = client.error("select 1")
        assert error.sqlstate == "53300"
    holder.query("commit")
    for waiter in waiters:
        assert [m.row() for m in waiter.ready() if m.kind == "D"] == [["waited"]]
    assert refused[0].value("select 1") == "1"


def test_max_client_conn(pooler, shape):
    p = pooler(max_client_conn=5, **shape)
    clients = [p.raw() for _ in range(5)]
    with pytest.raises(Refused) as refused:
        p.raw()
    error = refused.value.error
    assert error.severity == "FATAL" and "no more connections allowed" in error.text
    assert error.sqlstate in ("53300", "08P01")
    clients[0].close()

    def again():
        client = p.open()
        try:
            return client.login("app", "app")
        except (Refused, rawwire.Gone, OSError):
            client.drop()
            return None

    assert until(again).value("select 1") == "1"
    assert [c.value("select 1") for c in clients[1:]] == ["1"] * 4


def attempt(p):
    """A client that is refused and neither reads on nor closes its socket."""
    client = p.open()
    with pytest.raises(Refused) as refused:
        client.login("app", "app")
    return refused.value.error


@pytest.mark.pgweir
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("setting", ["max_client_conn", "max_db_client_connections", "max_user_client_connections"])
def test_refused_clients_take_no_place(pooler, setting, workers):
    """A hundred that were refused keep their sockets open: the next one comes in as soon as one leaves."""
    p = pooler(workers=workers, **{setting: 3})
    clients = [p.raw() for _ in range(3)]
    for _ in range(3):
        errors = [attempt(p) for _ in range(100)]
        assert {(e.severity, e.sqlstate) for e in errors} == {("FATAL", "53300")}
        clients.pop(0).close()
        until_equal(lambda: len(p.show("clients", user="app")), 2, "it has left")
        clients.append(p.raw())
        assert clients[-1].value("select 1") == "1"
    assert [c.value("select 1") for c in clients] == ["1"] * 3


@pytest.mark.pgweir
def test_refused_clients_are_bounded(pooler):
    """However many are refused and stay: the pooler holds few of their sockets, and those not for long."""
    p = pooler(workers=1, max_client_conn=1)
    held = p.raw()
    before = len(os.listdir(f"/proc/{p.pid}/fd"))
    most = 0
    for _ in range(12):
        for _ in range(50):
            attempt(p)
        most = max(most, len(os.listdir(f"/proc/{p.pid}/fd")))
    assert most - before <= 300, "600 were refused"
    until(lambda: len(os.listdir(f"/proc/{p.pid}/fd")) <= before, "all of them are gone")
    assert held.value("select 1") == "1"


@pytest.mark.pgweir
@pytest.mark.parametrize("setting,where", [
    ("max_db_client_connections", "global"), ("max_db_client_connections", "database"),
    ("max_user_client_connections", "global"), ("max_user_client_connections", "user"),
])
def test_client_limits_of_database_and_user(pooler, setting, where):
    keys = {"databases": {"app": lambda p: p.db("app"), "other": lambda p: p.db("other")}}
    if where == "global":
        keys[setting] = 2
    elif where == "database":
        keys["databases"]["app"] = lambda p: p.db("app") + f" {setting}=2"
    else:
        keys["users"] = {"app": f"{setting}=2"}
    p = pooler(**keys)
    clients = [p.raw(), p.raw()]
    with pytest.raises(Refused) as refused:
        p.raw()
    assert refused.value.error.sqlstate == "53300"
    free = ("app", "other") if "db" in setting else ("other", "app")
    assert p.raw(*free).value("select 1") == "1"
    assert [c.value("select 1") for c in clients] == ["1", "1"]


@pytest.mark.parametrize("workers", [1, 3])
def test_max_db_connections_is_exact_over_users(pooler, cluster, workers):
    p = pooler(pool_size=4, workers=workers, databases={"app": lambda p: p.db("app") + " max_db_connections=5"})
    work = hammer(p, 8, 30, "app") + hammer(p, 8, 30, "other") + hammer(p, 8, 30, "third")
    assert cluster.most_connected(work, 4, "datname = 'app'") <= 5


@pytest.mark.parametrize("workers", [1, 3])
def test_max_user_connections_is_exact_over_databases(pooler, cluster, workers):
    p = pooler(pool_size=4, workers=workers, users={"app": "max_user_connections=5"})
    work = hammer(p, 8, 30, database="app") + hammer(p, 8, 30, database="other")
    assert cluster.most_connected(work, 4, "usename = 'app'") <= 5


def test_idle_server_of_another_pool_makes_room(pooler, cluster):
    """One connection to the database in all: users take turns, each logged in as itself."""
    p = pooler(pool_size=2, workers=3, max_db_connections=1, pool_timeout=15)
    clients = {user: p.raw(user) for user in ("app", "other", "third")}
    for _ in range(3):
        for user, client in clients.items():
            assert client.value("select current_user") == user
    until(lambda: len(cluster.backends()) <= 1)


# ---- timeouts ---------------------------------------------------------------------------------------


def closes_with(client, *sqlstates):
    said = client.rest()
    errors = [m for m in said if m.kind == "E"]
    assert errors and errors[-1].severity == "FATAL"
    assert errors[-1].sqlstate in sqlstates, errors
    return errors[-1]


def test_client_idle_timeout(pooler, shape):
    p = pooler(client_idle_timeout=2, **shape)
    client = p.raw()
    client.value("select 1")
    error = closes_with(client, "57P05", "08P01")
    assert "client_idle_timeout" in error.text


def test_client_idle_timeout_spares_the_busy(pooler):
    p = pooler(client_idle_timeout=2, pool_size=2)
    sleeper, busy = p.raw(), p.raw()
    busy.query("begin")
    assert sleeper.value("select 'done' from pg_sleep(2.5)") == "done"
    assert busy.query("commit")[-1].status() == "I", "an idle transaction has a timeout of its own"


def test_idle_transaction_timeout(pooler, cluster, shape):
    p = pooler(idle_transaction_timeout=1, pool_size=1, **shape)
    client = p.raw()
    client.query("begin")
    error = closes_with(client, "25P03", "08P01")
    assert "idle" in error.text
    assert p.raw().value("select 1") == "1"
    until(lambda: [s for s in cluster.states() if s[1] != "idle"] == [])


def test_query_timeout(pooler, cluster, shape):
    p = pooler(query_timeout=2, pool_size=1, **shape)
    client, idle = p.raw(), p.raw()
    client.send(Q("select pg_sleep(600)"))
    error = closes_with(client, "57014", "08P01")
    assert "query_timeout" in error.text
    assert p.raw().value("select 1") == "1"
    until(lambda: [s for s in cluster.states() if s[1] != "idle"] == [], "the query does not run on")
    assert idle.value("select 1") == "1"


@pytest.mark.pgweir
def test_transaction_timeout(pooler, cluster, shape):
    p = pooler(transaction_timeout=2, pool_size=1, **shape)
    client = p.raw()
    client.query("begin")
    said = []
    with pytest.raises(rawwire.Gone):
        # Busy all the time; what is timed is the transaction.
        while True:
            client.send(Q("select 'busy' from pg_sleep(0.05)"))
            while not said or said[-1].kind != "Z":
                said.append(client.read())
            said.clear()
    assert [m.sqlstate for m in said if m.kind == "E"] == ["25P04"]
    assert p.raw().value("select 1") == "1"
    until(lambda: [s for s in cluster.states() if s[1] != "idle"] == [])


def test_timeouts_of_database_and_user(pooler):
    p = pooler(pool_size=1, users={"other": "query_timeout=0.5"})
    if p.binary.is_pgbouncer:
        pytest.skip("not in this PgBouncer")
    client = p.raw("other")
    client.send(Q("select pg_sleep(600)"))
    closes_with(client, "57014")
    assert p.raw("app").value("select 'fine' from pg_sleep(0.8)") == "fine"


def test_server_idle_timeout(pooler, cluster):
    p = pooler(server_idle_timeout=1, pool_size=3)
    client = p.raw()
    first = client.value(PID)
    until(lambda: not cluster.backends(), "the idle server is closed")
    assert client.value(PID) != first


def test_server_idle_timeout_leaves_the_minimum(pooler, cluster):
    p = pooler(server_idle_timeout="0.5", min_pool_size=2, pool_size=5)
    clients = [p.raw() for _ in range(5)]
    for client in clients:
        client.query("begin")
    assert len(cluster.backends()) == 5
    for client in clients:
        client.query("commit")
    until_equal(lambda: len(cluster.backends()), 2)


def test_pool_recycle_when_idle_never_in_use(pooler, cluster):
    p = pooler(pool_recycle=1, pool_size=1)
    client = p.raw()
    client.query("begin")
    first = client.value(PID)
    assert client.value("select 'done' from pg_sleep(1.3)") == "done"
    assert client.value(PID) == first, "never while in use"
    client.query("commit")
    until(lambda: int(first) not in cluster.backends(), "then it goes")
    assert client.value(PID) != first


@pytest.mark.pgweir
def test_pool_recycle_zero_uses_each_server_once(pooler):
    p = pooler(pool_recycle=0, pool_size=2)
    client = p.raw()
    assert len({client.value(PID) for _ in range(4)}) == 4


def test_dead_server_is_found_by_the_ping(pooler, cluster, fault_proxy):
    """The network swallowed the connection without a word: the client gets another one, not an error."""
    proxy = fault_proxy(cluster.port)
    p = pooler(pool_size=1, server_check_delay=0, server_connect_timeout=5, server_check_query="select 1",
               databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    client = p.raw()
    first = client.value(PID)
    assert client.value(PID) == first
    cluster.sql("select pg_terminate_backend(%s)", int(first))
    assert client.value(PID) != first


@pytest.mark.pgweir
def test_pre_ping_asks_before_use(make_pooler, fake_server):
    import fakeserver
    asked = []

    def script(session):
        if session.login():
            session.serve(lambda sql: asked.append(sql) or fakeserver.answer(sql))

    server = fake_server(script)
    p = make_pooler(None, pool_size=1, pool_pre_ping=1, server_check_query="select 'ping'",
                    databases={"app": f"host=127.0.0.1 port={server.port} dbname=app"})
    client = p.raw()
    for n in range(3):
        assert client.value(f"q{n}") == f"q{n}"
    assert [a for a in asked if a.startswith("q")] == ["q0", "q1", "q2"]
    assert asked.count("select 'ping'") >= 2


@pytest.mark.pgweir
def test_lifo_lets_the_surplus_age(pooler):
    p = pooler(pool_size=3, pool_use_lifo=1, workers=1)
    clients = [p.raw() for _ in range(3)]
    for client in clients:
        client.query("begin")
    for client in clients:
        client.query("commit")
    fresh = [p.raw() for _ in range(4)]
    assert len({c.value(PID) for c in fresh}) == 1


def test_fifo_uses_all_in_turn(pooler):
    p = pooler(pool_size=3, workers=1, pool_use_lifo=None, server_round_robin=1)
    clients = [p.raw() for _ in range(3)]
    for client in clients:
        client.query("begin")
    for client in clients:
        client.query("commit")
    fresh = [p.raw() for _ in range(3)]
    assert len({c.value(PID) for c in fresh}) == 3


@pytest.mark.pgweir
def test_max_packet_size(pooler):
    p = pooler(max_packet_size=100000)
    client = p.raw()
    assert client.value("select length('" + "x" * 90000 + "')") == "90000"
    client.send(Q("select '" + "x" * 200000 + "'"))
    said = client.rest()
    assert said == [] or said[-1].severity == "FATAL"
    assert p.raw().value("select 1") == "1"
