"""pool_mode auto: clients that keep their servers for numbers of sequences, among workers, and when such a server goes."""

import pytest

from waiting import Crew, until, until_equal

pytestmark = pytest.mark.pgweir


@pytest.fixture
def numbers(make_pooler, cluster):
    """numbers(**settings): a pool in which numbers are read, of a table into which each client may insert."""
    def make(at=cluster, **settings):
        at.in_app("drop table if exists numbers cascade; create table numbers (id serial, who text); "
                  "grant all on numbers, numbers_id_seq to public")
        p = make_pooler(at, pool_mode="auto", **{"pool_size": 2, "workers": 1, "sequence_state": "always", **settings})
        with p.raw() as reader:
            assert reader.error("select lastval()").sqlstate == "55000"
        until_equal(lambda: kept(p), [])
        return p

    return make


def kept(p):
    return [row["reasons"] for row in p.show("kept")]


def insert(client, who):
    client.rows(f"insert into numbers (who) values ('{who}')")


def whose(client):
    """Who had inserted the row of the number that the client reads."""
    return client.value("select who from numbers where id = lastval()")


def keeper(p):
    """A client that keeps its server for a number, and the server's pid."""
    client = p.raw()
    insert(client, "keeper")
    until_equal(lambda: kept(p), ["sequence"])
    return client, int(client.value("select pg_backend_pid()"))


def test_numbers_stay_while_other_servers_change_workers(numbers):
    """Two of three servers are kept; the third goes from worker to worker, to those who never ask for numbers."""
    p = numbers(workers=3, pool_size=3, max_kept=2)
    keepers = [p.raw() for _ in range(2)]
    for n, client in enumerate(keepers):
        insert(client, f"keeper{n}")
    until_equal(lambda: sorted(kept(p)), ["sequence", "sequence"])
    pids = [client.value("select pg_backend_pid()") for client in keepers]
    crowd = [p.raw() for _ in range(9)]
    seen = set()

    def crowded(client, crew):
        while not crew.stop.is_set():
            assert client.value("select 1") == "1"

    def has_moved():
        for n, client in enumerate(keepers):
            assert whose(client) == f"keeper{n}"
            insert(client, f"keeper{n}")
        seen.update(row["worker"] for row in p.show("servers") if row["remote_pid"] not in pids)
        return len(seen) > 1

    with Crew() as crew:
        for client in crowd:
            crew.start(crowded, client, crew)
        until(has_moved, "the third server has been with two workers")
    assert [client.value("select pg_backend_pid()") for client in keepers] == pids
    assert {client.error("select lastval()").sqlstate for client in crowd[:1]} == {"55000"}


def test_numbers_do_not_go_with_a_server_to_another_worker(numbers):
    p = numbers(workers=3, pool_size=1, sequence_state="error")
    clients = [p.raw() for _ in range(6)]
    assert len({row["worker"] for row in p.show("clients", database="app")}) == 3
    for client in clients:
        insert(client, "x")
        for other in clients:
            assert other is client or other.error("select lastval()").sqlstate == "55000"
    assert kept(p) == []


def test_reconnect_waits_for_who_keeps_its_server_for_numbers(numbers):
    """Who gives up its numbers gets another server."""
    p = numbers()
    client, pid = keeper(p)
    p.console("reconnect app")
    other = p.raw()
    assert other.value("select 1") == "1"
    assert int(client.value("select pg_backend_pid()")) == pid
    assert whose(client) == "keeper"
    client.rows("discard sequences")
    until(lambda: not p.show("servers", remote_pid=pid), "the server of before is closed")
    assert int(client.value("select pg_backend_pid()")) != pid
    insert(client, "again")
    assert whose(client) == "again"


def lost(client):
    """What the client is told when its server is gone."""
    said = [m for m in client.rest() if m.kind == "E"]
    assert said and said[-1].severity == "FATAL"
    return said[-1].fields()


def test_who_loses_a_server_is_told_that_it_was_kept_for_numbers(numbers, own_cluster):
    p = numbers(own_cluster)
    client, pid = keeper(p)
    assert own_cluster.kill_backend(pid)  # has no time for last words
    error = lost(client)
    assert error["C"] == "08006" and "sequence" in error["M"] and "insert into numbers" in error["D"]
    own_cluster.wait_recovered()


def test_who_loses_a_server_hears_its_last_words(numbers):
    p = numbers()
    client, pid = keeper(p)
    p.cluster.sql("select pg_terminate_backend(%s)", pid)
    error = lost(client)
    assert (error["C"], error["M"]) == ("57P01", "terminating connection due to administrator command")


def test_who_keeps_none_and_whose_server_is_gone_has_no_number(numbers):
    """As somebody else's use of the server would have it: the connection stays."""
    p = numbers(sequence_state="error")
    client = p.raw()
    insert(client, "x")
    pid = int(client.value("select pg_backend_pid()"))
    p.cluster.sql("select pg_terminate_backend(%s)", pid)
    until(lambda: not p.show("servers", remote_pid=pid), "its end is noticed")
    assert client.error("select lastval()").sqlstate == "55000"
    insert(client, "y")
    assert client.value("select 1") == "1"
