"""The unnamed statement, prepared and described in one batch and bound in a later one, on a server that has not got it: its
client gets no rows of other columns than those that it was told of."""

import asyncio

import asyncpg
import pytest

from rawwire import B, C, D, E, P, S
from stale import (  # noqa: F401 (fixtures)
    OTHER_COLUMNS, STALE, TABLE, change, check_told_once, kinds, mode, outdated, told, two)
from waiting import all_at_once

pytestmark = pytest.mark.pgweir

SQL = f"select * from {TABLE}"


def described(client, sql=SQL):
    client.send(P(sql) + D("S") + S)
    assert kinds(client.ready())[:2] == "1t"


def described_later(client, sql=SQL):
    client.send(P(sql) + S)
    assert kinds(client.ready()) == "1Z"
    client.send(D("S") + S)
    assert kinds(client.ready())[:1] == "t"


def run(client, *values):
    client.send(B(*values) + E() + S)
    return told(client.ready())


def columns(said):
    return [m.columns() for m in said if m.kind == "T"]


@pytest.mark.parametrize("what", OTHER_COLUMNS)
@pytest.mark.parametrize("learn", [described, described_later])
def test_told_once(two, change, learn, what):
    client = two.raw()
    learn(client)
    check_told_once(two, client, run, change, what)


def test_told_once_by_the_server_itself(two, change):
    client = two.raw()
    described(client)
    change("add column y int default 2")
    for which, wanted in ((0, [STALE]), (0, [["1", "2"]]), (1, [["1", "2"]])):
        two.servers.only(which)
        assert run(client) == wanted
    change("drop column y")
    two.servers.only(0)
    assert run(client) == [STALE]
    assert run(client) == [["1"]]


def test_who_was_not_told_takes_what_comes(two, change):
    client = two.raw()
    client.send(P(SQL) + S)
    client.ready()
    change("add column y int default 2")
    two.servers.only(1)
    assert run(client) == [["1", "2"]]


@pytest.mark.parametrize("what", ["alter column x set default 5", "alter column x type varchar(9)"])
def test_the_same_columns_are_no_change(two, change, what):
    change("alter column x type varchar(5)")
    client = two.raw()
    described(client)
    change(what)
    two.servers.only(1)
    assert run(client) == [["1"]]


def test_a_batch_that_describes_learns_of_the_columns(two, change):
    client = two.raw()
    described(client)
    change("add column y int default 2")
    for which in (1, 0):
        two.servers.only(which)
        client.send(B() + D() + E() + S)
        said = client.ready()
        assert columns(said) == [["x", "y"]] and told(said) == [["1", "2"]]
    assert run(client) == [["1", "2"]]
    two.servers.only(1)
    assert run(client) == [["1", "2"]]


def test_described_anew_elsewhere(two, change):
    client = outdated(two, change, described)
    client.send(D("S") + S)
    assert columns(client.ready()) == [["x", "y"]]
    two.servers.only(0)
    assert run(client) == [["1", "2"]]


def test_a_description_that_was_skipped_tells_nothing(two, change):
    client = outdated(two, change, described)
    for skipped in (B() + D(), D("S")):
        client.send(B(name="nobody") + skipped + S)
        assert told(client.ready()) == ["26000"]
    assert run(client) == [STALE]
    assert run(client) == [["1", "2"]]


def test_a_description_behind_which_nothing_is_run(two, change):
    client = outdated(two, change, described)
    client.send(B() + B(name="nobody") + D() + E() + S)
    assert STALE in told(client.ready())
    assert run(client) == [["1", "2"]]


@pytest.mark.parametrize("begun", [None, "begin", "begin; select 1"])
def test_what_is_told_to_have_failed_has_no_effect(two, change, begun):
    client = outdated(two, change, lambda one: described(one, f"insert into {TABLE}(x) values ($1) returning *"))
    if begun:
        client.send(P(begun.split(";")[0], "begin") + B(name="begin") + E() + S)
        client.ready()
    assert run(client, "12") == [STALE]
    if begun:
        assert run(client, "13") == ["25P02"]
        client.send(P("rollback", "rollback") + B(name="rollback") + E() + S)
        assert told(client.ready()) == []
    assert run(client, "14") == [["14", "2"]]
    assert client.rows(f"select x from {TABLE} order by x") == [["1"], ["14"]]


def test_what_is_under_way_behind_it(two, change):
    client = outdated(two, change, described)
    client.send(B() + E() + B(name="nobody") + S + P("select 7") + D("S") + B() + E() + S + B() + E() + S)
    assert [told(client.ready()) for _ in range(3)] == [[STALE], [["7"]], [["7"]]]
    two.servers.only(0)
    assert run(client) == [["7"]]
    described(client)
    change("drop column y")
    two.servers.only(1)
    client.send((B() + E() + S) * 3)
    assert [told(client.ready()) for _ in range(3)] == [[STALE], [["1"]], [["1"]]]


def test_one_that_was_refused_leaves_none(two, change):
    client = two.raw()
    described(client)
    client.send(P("selec") + S)
    assert kinds(client.ready()) == "EZ"
    two.servers.only(1)
    assert run(client) == ["26000"]
    described(client)
    client.send(B(name="nobody") + P("select 7") + D("S") + S)
    assert told(client.ready()) == ["26000"]
    change("add column y int default 2")
    two.servers.only(0)
    assert run(client) == [STALE]
    assert run(client) == [["1", "2"]]


def test_closed(two, change):
    client = two.raw()
    described(client)
    client.send(C("S") + S)
    client.ready()
    two.servers.only(1)
    assert run(client) == ["26000"]


@pytest.mark.parametrize("split", [1, 7])
def test_in_pieces(two, change, split):
    client = outdated(two, change, described, split=split)
    assert run(client) == [STALE]
    for which in (1, 0):
        two.servers.only(which)
        assert run(client) == [["1", "2"]]


def test_others_use_the_servers_meanwhile(two, change):
    """Each time it is prepared anew, and compared, and right."""
    client, other = two.raw(), two.raw()
    described(client)
    for which in (0, 1, 0, 1):
        two.servers.only(which)
        other.send(P("select 'theirs'") + S)
        other.ready()
        assert run(client) == [["1"]]
        assert run(client) == [["1"]]
        assert told(client.query("select 5")) == [["5"]] and run(client) == ["26000"]
        described(client)


def test_asyncpg_without_a_cache_while_the_table_changes(pooler, mode, change):
    """It prepares and describes in one batch, and binds in the next."""
    p = pooler(pool_mode=mode, pool_size=3, workers=3)
    ended = []

    def turn():
        try:
            for number in range(40):
                change("drop column y" if number % 2 else "add column y int default 2")
        finally:
            ended.append(True)

    async def one(conn):
        told = 0
        while not ended:
            try:
                row = dict(await conn.fetchrow(f"select $1::int as n, t.* from {TABLE} t", 7))
                assert row in ({"n": 7, "x": 1}, {"n": 7, "x": 1, "y": 2})
            except (asyncpg.FeatureNotSupportedError, asyncpg.OutdatedSchemaCacheError):
                told += 1
        return told

    async def main():
        conns = [await asyncpg.connect(host="127.0.0.1", port=p.port, user="app", database="app", statement_cache_size=0)
                 for _ in range(6)]
        try:
            await asyncio.gather(*[one(conn) for conn in conns])
        finally:
            for conn in conns:
                await conn.close()

    all_at_once([turn, lambda: asyncio.run(main())])
