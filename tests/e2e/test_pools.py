"""Pools come with whoever names a database, and go when nobody needs them; what they counted stays."""

import random

import pytest

from rawwire import Gone, Refused
from waiting import Crew, until, until_equal

pytestmark = pytest.mark.pgweir

PID = "select pg_backend_pid()"


def pools(p):
    """(database, user) of all but the console's."""
    return {(row["database"], row["user"]) for row in p.show("pools")} - {("pgbouncer", "pgbouncer")}


def count_of_pools(p):
    return int(p.show("lists", list="pools")[0]["items"]) - 1


def heap(p):
    return int(p.show("mem", name="heap")[0]["used"])


def transactions(p):
    """By database, and all together."""
    rows = {row["database"]: int(row["total_xact_count"]) for row in p.show("stats") if row["database"] != "pgbouncer"}
    return rows, sum(rows.values())


def knock(p, database):
    """Try to log in where no server is; the error."""
    client = p.open()
    p.clients.remove(client)
    try:
        with pytest.raises(Refused) as refused:
            client.login("app", database)
        return refused.value.error
    finally:
        client.drop()


@pytest.mark.timeout(400)
def test_twenty_thousand_pools_leave_nothing(pooler):
    """More databases than a worker may have pools of: each gets its own, and what is empty makes room."""
    p = pooler(workers=1, autodb_idle_timeout=0, log_connections=0, log_disconnections=0, log_pooler_errors=0,
               databases={"*": "host=127.0.0.1 port=1"})
    for n in range(300):
        assert knock(p, f"early{n}").sqlstate == "08006"
    p.reload(autodb_idle_timeout="0.01")
    until_equal(lambda: count_of_pools(p), 0)
    before = heap(p)
    p.reload(autodb_idle_timeout=0)
    for n in range(20000):
        error = knock(p, f"late{n}")
        assert error.sqlstate == "08006", f"number {n}: {error}"
    assert count_of_pools(p) == 16384
    p.console("pause")
    assert knock(p, "one_more").sqlstate == "53400", "none may go while they are paused"
    p.console("resume")
    assert knock(p, "one_more").sqlstate == "08006"
    p.reload(autodb_idle_timeout="0.01")
    until_equal(lambda: count_of_pools(p), 0)
    if not p.binary.sanitized():
        until(lambda: heap(p) < before + (2 << 20), "memory is given back")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("workers", [1, 3])
def test_pools_that_go_while_they_are_asked_for(pooler, workers):
    """Servers are used once, so that pools are empty at every moment, and are freed and made again by all workers. (One
    that nobody has come to use idles until its time is over.)"""
    p = pooler(workers=workers, pool_size=2, pool_recycle=0, autodb_idle_timeout="0.001", server_idle_timeout="0.5", log_connections=0,
               log_disconnections=0, databases={"*": lambda p: p.db("app")})
    errors = []

    def use(who):
        rng = random.Random(who)
        for n in range(40):
            client = p.open()
            p.clients.remove(client)
            client.login("app", f"some{rng.randrange(3)}")
            for k in range(rng.randrange(3)):
                wanted = f"{who}.{n}.{k}"
                if client.value(f"select '{wanted}'") != wanted:
                    errors.append(wanted)
            client.close()

    def watch(crew):
        """No total ever shrinks."""
        last = 0
        while not crew.stop.is_set():
            total = transactions(p)[1]
            assert total >= last
            last = total
            crew.stop.wait(0.005)

    with Crew() as watchers:
        watchers.start(watch, watchers)
        with Crew() as crew:
            for who in range(6):
                crew.start(use, who)
            crew.join()
            crew.stop.set()
    assert not errors
    until_equal(lambda: [row for row in p.show("pools") if row["database"] != "pgbouncer"], [])
    by_name, total = transactions(p)
    assert set(by_name) == {"*"}, "what databases counted that are gone"
    assert total > 0
    assert not p.show("databases", name="some0")


def test_named_database_counts_on(pooler):
    """A pool that is freed and made again goes on where it was."""
    p = pooler(pool_idle_timeout="0.05", server_idle_timeout="0.05", databases={"app": lambda p: p.db("app")})
    for n in range(1, 4):
        client = p.raw()
        client.value("select 1")
        client.close()
        until_equal(lambda: pools(p), set())
        by_name, total = transactions(p)
        assert by_name == {"app": total}
        assert total >= n
        assert int(p.show("totals", name="total_xact_count")[0]["value"]) == total


def test_pool_that_somebody_needs_stays(pooler):
    """A client keeps it, without any server; so do a minimum of servers and PAUSE."""
    p = pooler(pool_idle_timeout="0.02", autodb_idle_timeout="0.02", server_idle_timeout="0.02", databases={
        "app": lambda p: p.db("app"), "*": lambda p: p.db("app"),
        "other": lambda p: p.db("other", user="other") + " min_pool_size=1"})
    idle = p.raw()
    pid = idle.value(PID)
    p.raw("other", "other").close()
    until(lambda: not p.show("servers", database="app"), "its server has gone")
    for n in range(3):  # time passes, as others can tell
        p.raw(database=f"some{n}").close()
        until(lambda n=n: (f"some{n}", "app") not in pools(p), "an empty one goes")
    assert {("app", "app"), ("other", "other")} <= pools(p)
    assert idle.value(PID) != pid
    p.console("pause app")
    idle.close()
    until_equal(lambda: p.show("clients", database="app"), [])
    p.raw(database="some9").close()
    until(lambda: ("some9", "app") not in pools(p), "an empty one goes")
    assert ("app", "app") in pools(p), "paused"
    p.console("resume app")
    until(lambda: ("app", "app") not in pools(p), "it goes too, now")
    assert ("other", "other") in pools(p), "min_pool_size"


def test_pools_of_start_up_options_go_first(pooler):
    """Options that nobody else has are a client's own idea; the database's pool is the configuration's."""
    p = pooler(pool_idle_timeout=0, autodb_idle_timeout="0.02", server_idle_timeout="0.02")
    for off in ("off", "false", "no", "0", "f"):
        client = p.raw(options=f"-c ignore_system_indexes={off}")
        assert [row["options"] for row in p.show("pools", database="app", cl_active=1)] == ["ignore_system_indexes"]
        client.close()
    p.raw().close()
    until_equal(lambda: [row["options"] for row in p.show("pools", database="app")], [""])


def test_database_that_is_dropped(pooler):
    """Its clients are told, its pools and what is known of it go, what it counted does not."""
    p = pooler(workers=3, databases={"app": lambda p: p.db("app"), "other": lambda p: p.db("other")})
    clients = [p.raw(database="other") for _ in range(6)]
    for client in clients:
        client.value("select 1")
    clients[0].query("begin")
    before = transactions(p)[1]
    p.databases = {"app": p.databases["app"]}
    p.reload()
    for client in clients:
        with pytest.raises((Gone, Refused, AssertionError, OSError)):
            client.value("select 1")
    until_equal(lambda: pools(p), set())
    assert transactions(p)[1] >= before
    assert not p.show("databases", name="other")
    p.databases = {**p.databases, "other": lambda p: p.db("other")}
    p.reload()
    assert p.raw(database="other").value("select 1") == "1"
    assert transactions(p)[1] > before
