"""What bounds the keeping of servers in pool_mode auto, and what is said of it."""

import os
import signal

import pytest

from rawwire import Q
from waiting import until_equal

pytestmark = pytest.mark.pgweir


def auto(pooler, **settings):
    settings.setdefault("pool_size", 2)
    settings.setdefault("workers", 1)
    return pooler(pool_mode="auto", **settings)


def kept(p):
    return [row["reasons"] for row in p.show("kept")]


def fatal(client):
    """The fields of the error that ends its connection."""
    error = client.rest()[-1]
    assert error.severity == "FATAL"
    return error.fields()


def total(p, name):
    return int(next(row["value"] for row in p.show("totals") if row["name"] == name))


@pytest.mark.parametrize("workers", [1, 2])
def test_max_kept_is_exact(pooler, workers):
    p = auto(pooler, pool_size=4, max_kept=2, workers=workers)
    first = [p.raw() for _ in range(2)]
    for client in first:
        client.query("listen a")
    until_equal(lambda: kept(p), ["listen", "listen"])
    for _ in range(4):  # on either worker
        third = p.raw()
        third.send(Q("prepare p as select 1"))
        error = fatal(third)
        assert error["C"] == "53400" and "max_kept" in error["M"]
        assert "prepared statement" in error["D"] and "SHOW KEPT" in error["H"]
    assert kept(p) == ["listen", "listen"]
    assert p.raw().value("select count(*) from pg_prepared_statements") == "0"
    first[0].query("unlisten *")
    until_equal(lambda: kept(p), ["listen"])
    again = p.raw()
    again.query("listen b")
    until_equal(lambda: kept(p), ["listen", "listen"])
    first[1].close()  # who leaves makes room too
    until_equal(lambda: kept(p), ["listen"])
    p.raw().query("listen c")


def test_max_kept_share_leaves_servers_to_the_others(pooler):
    p = auto(pooler, pool_size=4, max_kept="50%")
    clients = [p.raw() for _ in range(2)]
    for client in clients:
        client.query("listen a")
    until_equal(lambda: kept(p), ["listen", "listen"])
    third = p.raw()
    third.send(Q("listen a"))
    assert fatal(third)["C"] == "53400"
    assert p.raw().value("select 1") == "1"


def test_keep_timeout_warns_and_ends(pooler):
    p = auto(pooler, pool_size=1, keep_timeout="600ms")
    client = p.raw()
    client.query("listen a")
    error = fatal(client)
    assert error["C"] == "57P05" and "listen" in error["M"]
    p.wait_log(r"is idle and keeps its server: listen \(listen a\); keep_timeout")
    assert p.log().count("is idle and keeps its server") == 1
    assert p.raw().value("select count(*) from pg_listening_channels()") == "0"


def test_keep_timeout_is_not_for_who_keeps_nothing(pooler):
    p = auto(pooler, pool_size=1, keep_timeout="200ms")
    client, other = p.raw(), p.raw()
    client.query("select 1")
    other.query("listen a")
    assert fatal(other)["C"] == "57P05"
    assert client.value("select 1") == "1"


def test_idle_timeout_counts_for_who_keeps(pooler):
    p = auto(pooler, client_idle_timeout="300ms")
    client = p.raw()
    client.query("listen a")
    assert "client_idle_timeout" in fatal(client)["M"]


def test_what_was_lost_is_said(own_cluster, make_pooler):
    p = make_pooler(own_cluster, pool_mode="auto", pool_size=1)
    client = p.raw()
    client.query("listen a; create temp table t(a int)")
    until_equal(lambda: kept(p), ["listen, temporary object"])
    (row,) = p.show("servers")
    own_cluster.forget()
    os.kill(int(row["remote_pid"]), signal.SIGKILL)  # has no time for last words
    error = fatal(client)
    assert error["C"] == "08006" and "listen, temporary object" in error["M"]
    assert "listen a" in error["D"]
    own_cluster.wait_ready()


def test_counted_and_said_once(pooler):
    p = auto(pooler, pool_size=2)
    client = p.raw()
    for _ in range(3):
        client.query("listen a")
        until_equal(lambda: kept(p), ["listen"])
        client.query("unlisten a")
        until_equal(lambda: kept(p), [])
    client.query("prepare p as select 1; listen a")
    until_equal(lambda: kept(p), ["listen, prepared statement"])
    assert p.log().count("keeps its server") == 1
    assert total(p, "total_keep_count") == 4
    assert total(p, "total_keeps_listen") == 4
    assert total(p, "total_keeps_prepare") == 1
    assert total(p, "total_look_count") >= 7
