"""A table that prepared statements read changes: who has prepared one is told so once, or learns of the new columns, and no
statement stays broken, whichever servers have it."""

import asyncio
import random

import asyncpg
import psycopg
import pytest

from rawwire import B, C, D, E, P, Q, S, X, cancel_request, d
from stale import (  # noqa: F401 (fixtures)
    OTHER_COLUMNS, STALE, TABLE, Servers, change, check_told_once, kinds, mode, outdated, told, two)
from waiting import all_at_once, until

pytestmark = pytest.mark.pgweir

SQL = f"select * from {TABLE}"


def received(p):
    """Bytes of its clients that the pooler has passed on."""
    return sum(int(row["total_received"]) for row in p.show("stats", database="app"))


@pytest.fixture
def one_server(pooler, mode):
    """A pool of one server: whatever was prepared there is there."""
    return pooler(pool_mode=mode, pool_size=1, workers=1)


@pytest.fixture
def stale(one_server, change):
    """A client whose statement was prepared before the table got another column."""
    client = one_server.raw()
    prepare(client)
    change("add column y int default 2")
    return client


@pytest.fixture
def stale_unnamed(one_server, change):
    """The same of the unnamed statement."""
    client = one_server.raw()
    client.send(P(SQL) + S)
    client.ready()
    change("add column y int default 2")
    return client


def run(client, name="s"):
    """As drivers do that know the columns from when they prepared it."""
    client.send(B(name=name) + E() + S)
    return told(client.ready())


def prepare(client, name="s", sql=SQL):
    client.send(P(sql, name=name) + D("S", name) + S)
    assert kinds(client.ready()) == "1tTZ"


def test_the_statement_works_after_one_error(one_server, change):
    """A client that is told so and goes on using the name."""
    client = one_server.raw()
    prepare(client)
    assert run(client) == [["1"]]
    change("add column y int default 2")
    assert run(client) == [STALE]
    assert run(client) == [["1", "2"]]
    change("drop column y")
    assert run(client) == [STALE]
    assert run(client) == [["1"]]


@pytest.mark.parametrize("order", [(0, 1, 0), (1, 0, 1)])
def test_a_client_is_told_once_for_all_servers(pooler, mode, change, order):
    p = pooler(pool_mode=mode, pool_size=2, workers=1)
    client = p.raw()
    servers = Servers(p)
    servers.only(0)
    prepare(client)
    for which in (0, 1):
        servers.only(which)
        assert run(client) == [["1"]]
    change("add column y int default 2")
    said = []
    for which in order:
        servers.only(which)
        said.append(run(client))
    assert said == [[STALE], [["1", "2"]], [["1", "2"]]]


def test_each_client_is_told_once(one_server, change):
    """The copy at the server is one for all: it is good again once one was told, but the others go by the old columns."""
    clients = [one_server.raw() for _ in range(3)]
    for client in clients:
        prepare(client)
    change("add column y int default 2")
    for client in clients:
        client.send(B(name="s") + E() + S)
        error = client.ready()[0]
        assert (error.sqlstate, error.text) == (STALE, "cached plan must not change result type")
        assert error.fields()["R"] == "RevalidateCachedQuery"
    for client in clients * 2:
        assert run(client) == [["1", "2"]]
    new = one_server.raw()
    prepare(new)
    assert run(new) == [["1", "2"]]
    assert one_server.raw().value(f"select count(*) from pg_prepared_statements where statement = '{SQL}'") == "1"


@pytest.mark.parametrize("later, answer", [(B(name="s") + E(), [STALE]), (C("S", "s"), []), (C("S", "s") + P("select 3", "s") + B(name="s") + E(), [["3"]])],
                         ids=["used again", "closed", "made anew"])
def test_told_of_a_name_that_is_something_else_by_now(one_server, stale, later, answer):
    """The answer comes when a later batch is under way already, and the unnamed statement was skipped behind what is refused."""
    stale.send(P("select 1") + B(name="s") + E() + B() + E() + S + later + S)
    assert told(stale.ready()) == [STALE]
    assert told(stale.ready()) == answer
    assert one_server.raw().value("select 4") == "4"


def test_told_of_two_statements_in_a_pipeline(one_server, change):
    finder, client = one_server.raw(), one_server.raw()
    texts = {"s": SQL, "other": f"select *, 7 from {TABLE}"}
    for who in (finder, client):
        for name, sql in texts.items():
            prepare(who, name, sql)
    change("add column y int default 2")
    for name in texts:
        assert run(finder, name) == [STALE]
    client.send(B(name="s") + E() + B(name="other") + E() + S + B(name="other") + E() + S + B(name="s") + E() + S)
    assert told(client.ready(1)) == [STALE]
    assert told(client.ready(1)) == [STALE]
    assert told(client.ready(1)) == [["1", "2"]]
    client.send(B(name="s") + E() + B(name="other") + E() + S)
    assert told(client.ready()) == [["1", "2"], ["1", "2", "7"]]


@pytest.mark.parametrize("ask", ["bind", "describe"])
def test_each_of_two_names_is_told(one_server, change, ask):
    """Both are of the same statement: what is said of one of them says nothing of the other."""
    client = one_server.raw()
    prepare(client)
    prepare(client, "other")
    change("add column y int default 2")
    if ask == "bind":
        assert run(client) == [STALE]
    else:
        client.send(D("S", "s") + S)
        assert told(client.ready()) == [STALE]
    assert run(client) == [["1", "2"]]
    assert run(client, "other") == [STALE]
    assert run(client, "other") == [["1", "2"]]


def test_one_of_two_names_is_sent_again(one_server, change):
    """The batch describes what it gets under that name; who uses the other one is still to be told."""
    client = one_server.raw()
    prepare(client)
    prepare(client, "other")
    change("add column y int default 2")
    assert kinds(ask(client)) == "2TDCZ"
    assert run(client) == [["1", "2"]]
    assert run(client, "other") == [STALE]


@pytest.mark.parametrize("asks", [True, False])
def test_a_name_that_was_skipped_is_not_told(one_server, change, asks):
    """It is the unnamed statement that was refused, and used once more in the same batch."""
    client = one_server.raw()
    prepare(client)
    client.send(P(SQL) + (D("S") if asks else b"") + S)
    client.ready()
    change("add column y int default 2")
    client.send(B() + E() + B(name="s") + E() + B() + E() + S)
    assert told(client.ready()) == [STALE]
    assert run(client) == [STALE]


def test_what_came_behind_the_error_counts(one_server, change, cluster):
    """Of two batches that are under way the first one is refused; until the second comes to be run the table is as it was. The
    client has its row and goes by that."""
    client = one_server.raw()
    prepare(client)
    change("add column y int default 2")
    with cluster.connect() as holder:
        holder.execute("select pg_advisory_lock(77)")
        client.send(B(name="s") + E() + S + Q("select pg_advisory_xact_lock(77)") + B(name="s") + E() + S)
        assert told(client.ready()) == [STALE]
        until(lambda: cluster.backends("wait_event = 'advisory'"), "the second batch is under way")
        change("drop column y")
    assert [told(client.ready()) for _ in range(2)] == [[[""]], [["1"]]]
    change("add column y int default 2")
    assert run(client) == [STALE]
    assert run(client) == [["1", "2"]]


def test_told_in_a_transaction(one_server, change):
    """What stands for the statement is refused in a failed transaction like any other, and is then still to be told."""
    finder, client = one_server.raw(), one_server.raw()
    prepare(finder)
    prepare(client)
    change("add column y int default 2")
    assert run(finder) == [STALE]
    client.query("begin; select 1")
    assert run(client) == [STALE]
    assert run(client) == ["25P02"]
    client.query("rollback")
    assert run(client) == [["1", "2"]]


def test_a_driver_that_closes_and_prepares_again(stale):
    assert run(stale) == [STALE]
    stale.send(C("S", "s") + S)
    stale.ready()
    prepare(stale)
    assert run(stale) == [["1", "2"]]


def test_describe_of_the_statement_is_told_too(stale):
    stale.send(D("S", "s") + S)
    assert told(stale.ready()) == [STALE]
    stale.send(D("S", "s") + S)
    assert [m.columns() for m in stale.ready() if m.kind == "T"] == [["x", "y"]]


def test_the_unnamed_statement(stale_unnamed):
    assert run(stale_unnamed, "") == [STALE]
    assert run(stale_unnamed, "") == [["1", "2"]]


def test_in_a_transaction(stale):
    """Passed on as it is, since what came before it is lost; the next transaction is well."""
    stale.query("begin; select 1")
    stale.send(B(name="s") + D() + E() + S)
    assert kinds(stale.ready()) == "EZ"
    assert run(stale) == ["25P02"]
    stale.query("rollback")
    stale.query("begin; select 1")
    assert run(stale) == [["1", "2"]]
    stale.query("savepoint p")
    stale.query(f"alter table {TABLE} add column z int default 3")
    assert run(stale) == [STALE]
    stale.query("rollback to p")
    assert run(stale) == [["1", "2"]]
    stale.query("commit")


def test_in_a_pipeline(one_server, change):
    """Both batches are under way when the first one is refused."""
    client = one_server.raw()
    prepare(client)
    prepare(client, "other", "select 7")
    change("add column y int default 2")
    client.send(B(name="other") + E() + B(name="s") + D() + E() + B(name="other") + E() + S + B(name="s") + E() + S)
    assert kinds(client.ready(2)) == "2DCEZEZ"
    client.send(B(name="s") + E() + B(name="other") + E() + S + B(name="s") + E() + S)
    assert told(client.ready(2)) == [["1", "2"], ["7"], ["1", "2"]]


def test_the_same_words_of_another_statement_change_nothing(one_server, change):
    """EXECUTE in SQL fails alike; that is none of the protocol's statements."""
    client = one_server.raw()
    prepare(client, "s", "select 5")
    client.query("begin")
    client.query(f"prepare mine as {SQL}")
    change_in_here = client.query(f"alter table {TABLE} add column y int")
    assert kinds(change_in_here) == "CZ"
    before = client.value("select prepare_time from pg_prepared_statements where statement = 'select 5'")
    client.query("savepoint p")
    client.send(P("execute mine") + B() + E() + S)
    assert STALE in told(client.ready())
    client.query("rollback to p")
    assert run(client) == [["5"]]
    assert client.value("select prepare_time from pg_prepared_statements where statement = 'select 5'") == before
    client.query("rollback")


# ---- sent once more -----------------------------------------------------------------------------


def batch(*values, name="s", **keys):
    """What libpq sends for a prepared statement: it learns of the columns in the same batch."""
    return B(*values, name=name, **keys) + D() + E() + S


def ask(client, *values, **keys):
    client.send(batch(*values, **keys))
    return client.ready()


def test_a_batch_that_describes_is_sent_again(one_server, change):
    """With the columns that there are now, and no error."""
    clients = [one_server.raw() for _ in range(2)]
    for client in clients:
        prepare(client)
    for number, columns in enumerate((["x", "y"], ["x"], ["x", "y"])):
        change("drop column y" if number == 1 else "add column y int default 2")
        for client in clients:
            said = ask(client)
            assert kinds(said) == "2TDCZ" and said[1].columns() == columns
        assert clients[0].value("select 'well'") == "well"


def test_at_every_server(pooler, mode, change):
    p = pooler(pool_mode=mode, pool_size=2, workers=1)
    client = p.raw()
    servers = Servers(p)
    servers.only(0)
    prepare(client)
    other = p.raw()
    prepare(other)
    for which in (0, 1):
        servers.only(which)
        assert run(client) == [["1"]]
    change("add column y int default 2")
    for who, which in ((client, 0), (other, 1), (client, 1), (other, 0)):
        servers.only(which)
        assert kinds(ask(who)) == "2TDCZ"


def test_the_unnamed_statement_is_sent_again(stale_unnamed):
    assert told(ask(stale_unnamed, name="")) == [["1", "2"]]


def test_where_each_column_is_wanted_otherwise_the_client_is_told(one_server, change):
    """The words on how many columns there were are wrong for as many as there are."""
    client = one_server.raw()
    change("add column y int default 2")
    prepare(client)
    assert told(ask(client, results=(0, 0))) == [["1", "2"]]
    change("add column z int default 3")
    assert told(ask(client, results=(0, 0))) == [STALE]
    assert told(ask(client, results=(0,))) == [["1", "2", "3"]]


def test_a_long_batch_is_not_kept(one_server, change):
    client = one_server.raw()
    prepare(client, sql=f"select *, length($1::text) from {TABLE}")
    assert told(ask(client, "x" * 20000)) == [["1", "20000"]]
    change("add column y int default 2")
    assert told(ask(client, "x" * 20000)) == [STALE]
    assert told(ask(client, "x" * 20000)) == [["1", "2", "20000"]]
    change("drop column y")
    assert told(ask(client, "x" * 9000)) == [["1", "9000"]]


@pytest.mark.parametrize("begin", ["begin", "begin; select 1"])
def test_never_in_a_transaction_block(stale, begin):
    """Also where BEGIN goes out with the statement."""
    stale.query(begin)
    said = ask(stale)
    assert kinds(said) == "EZ" and said[0].sqlstate == STALE and said[1].status() == "E"
    assert stale.query("rollback")[-1].status() == "I"
    assert told(ask(stale)) == [["1", "2"]]


def test_not_where_more_is_under_way(stale):
    stale.send(batch() + batch())
    assert kinds(stale.ready(2)) == "EZEZ"
    assert kinds(ask(stale)) == "2TDCZ"


@pytest.mark.parametrize("split", [0, 1])
def test_answers_stay_in_their_order(pooler, mode, change, split):
    """Whatever is sent while a batch is on its way for the second time comes behind it."""
    p = pooler(pool_mode=mode, pool_size=2, workers=1)
    client = p.raw(split=split)
    prepare(client, sql=f"select $1::int as n, t.* from {TABLE} t")
    asked = 0
    for number in range(20):
        change("drop column y" if number % 2 else "add column y int default 2")
        first = asked
        for _ in range(3):
            client.send(batch(str(asked)))
            asked += 1
        for n in range(first, asked):
            said = client.ready()
            assert kinds(said) in ("EZ", "2TDCZ")
            assert told(said) == [STALE] or told(said)[0][0] == str(n)
    assert told(ask(client, "-1")) == [["-1", "1"]]


def test_a_message_half_sent_behind_the_batch(one_server, change, cluster):
    """The batch that is sent again is not taken for the rest of what the client has begun to send meanwhile."""
    client = one_server.raw()
    prepare(client, sql=f"select $1::bytea, t.* from {TABLE} t")
    value = b"B\0\0\1\0" * 9  # reads like the head of a message, of which more is to come
    with cluster.connect() as ddl, ddl.transaction():
        ddl.execute(f"alter table {TABLE} add column y int default 2")
        sent = batch(value, formats=(1,))
        client.send(sent)
        until(lambda: cluster.backends("wait_event_type = 'Lock'"))
        begun, left = d("x" * 100), sent.index(value)
        before = received(one_server)
        client.send(begun[:-left])
        until(lambda: received(one_server) >= before + len(begun) - left)
    assert told(client.ready()) == [STALE]
    client.send(begun[-left:] + S)
    assert kinds(client.ready()) == "Z"
    assert told(ask(client, "x")) == [["\\x78", "1", "2"]]


def test_the_log_has_both(pooler, mode, change):
    p = pooler(pool_mode=mode, pool_size=1, workers=1, log_min_duration_statement=0)
    client = p.raw()
    prepare(client)
    change("add column y int default 2")
    assert kinds(ask(client)) == "2TDCZ"
    p.wait_log(STALE)
    client.close()


# ---- where it is new to a server ----------------------------------------------------------------


def described(client):
    prepare(client)
    assert run(client) == [["1"]]


def portal_described(client):
    client.send(P(SQL, name="s") + batch())
    assert kinds(client.ready()) == "12TDCZ"
    assert run(client) == [["1"]]


def never_described(client):
    client.send(P(SQL, name="s") + S)
    assert kinds(client.ready()) == "1Z"
    assert run(client) == [["1"]]


@pytest.mark.parametrize("what", OTHER_COLUMNS)
@pytest.mark.parametrize("learn", [described, portal_described, never_described])
def test_no_rows_of_other_columns_than_were_told(two, change, learn, what):
    """Nobody has met the change yet: the server has just prepared it, and its columns are the new ones."""
    client = two.raw()
    learn(client)
    check_told_once(two, client, run, change, what)


@pytest.mark.parametrize("again", [0, 1])
def test_who_has_prepared_it_again_is_told_nothing_by_an_older_copy(two, change, again):
    client = two.raw()
    prepare(client)
    for which in (0, 1):
        two.servers.only(which)
        assert run(client) == [["1"]]
    change("add column y int default 2")
    two.servers.only(again)
    client.send(C("S", "s") + S)
    client.ready()
    prepare(client)
    two.servers.only(1 - again)
    client.query("begin")
    assert run(client) == [["1", "2"]]
    assert client.query("commit")[-1].status() == "I"


@pytest.mark.parametrize("what", ["set default 5", "type varchar(9)"])
def test_the_same_columns_are_no_change(two, change, what):
    """A default and a modifier of a type change nothing of what rows look like."""
    change("alter column x type varchar(5)")
    client = two.raw()
    prepare(client)
    change(f"alter column x {what}")
    two.servers.only(1)
    assert run(client) == [["1"]]


@pytest.mark.parametrize("begun", [None, "begin", "begin; select 1"])
def test_what_is_told_to_have_failed_has_no_effect(two, mode, change, begun):
    client = two.raw()
    prepare(client, sql=f"insert into {TABLE}(x) values ($1::int) returning *")
    client.send(B("10", name="s") + E() + S)
    assert told(client.ready()) == [["10"]]
    change("add column y int default 2")
    two.servers.only(1)
    if begun:
        client.query(begun)
        client.query(f"insert into {TABLE}(x) values (11)")
    client.send(B("12", name="s") + E() + S)
    said = client.ready()
    assert told(said) == [STALE] and said[-1].status() == ("E" if begun else "I")
    if begun:
        client.send(B("13", name="s") + E() + S)
        assert told(client.ready()) == ["25P02"]
        assert client.query("commit")[0].tag() == "ROLLBACK"
    assert client.rows(f"select x from {TABLE} order by x") == [["1"], ["10"]]
    client.send(B("14", name="s") + E() + S)
    assert told(client.ready()) == [["14", "2"]]


def test_the_rest_of_a_batch_is_skipped(two, change):
    """What came before in the batch is undone, what comes behind is not run, the next batch is."""
    client = two.raw()
    prepare(client)
    client.send(P(f"insert into {TABLE}(x) values (5)", name="add") + S)
    assert kinds(client.ready()) == "1Z"
    change("add column y int default 2")
    two.servers.only(1)
    add = B(name="add") + E()
    client.send(add + B(name="s") + E() + add + S + B(name="add") + E() + B(name="s") + E() + S)
    assert kinds(client.ready()) == "2CEZ"
    assert told(client.ready()) == [["1", "2"], ["5", "2"]]


def test_of_two_names_each_is_told(two, change):
    """One error is not taken for that of another statement."""
    client = two.raw()
    prepare(client)
    prepare(client, "other", f"select *, 7 from {TABLE}")
    for name in ("s", "other"):
        assert run(client, name)
    change("add column y int default 2")
    client.send(B(name="s") + E() + B(name="other") + E() + S)
    assert told(client.ready()) == [STALE]
    assert run(client, "other") == [STALE]
    assert run(client, "other") == [["1", "2", "7"]]
    assert run(client) == [["1", "2"]]


def test_a_batch_that_describes_learns_of_the_columns(two, change):
    client = outdated(two, change, prepare)
    said = ask(client)
    assert kinds(said) == "2TDCZ" and said[1].columns() == ["x", "y"]
    for which in (1, 0):
        two.servers.only(which)
        assert kinds(ask(client)) == "2TDCZ"
        assert run(client) == [["1", "2"]]


def test_a_description_that_was_skipped_tells_nothing(two, change):
    client = outdated(two, change, prepare)
    client.send(B(name="nobody") + batch())
    assert kinds(client.ready()) == "EZ"
    client.send(B(name="s") + B(name="nobody") + D() + E() + S)
    assert told(client.ready()) == [STALE]
    client.send(B(name="nobody") + D("S", "s") + S)
    assert kinds(client.ready()) == "EZ"
    client.send(D("S", "s") + S)
    assert [m.columns() for m in client.ready() if m.kind == "T"] == [["x", "y"]]
    assert run(client) == [["1", "2"]]


def test_a_description_that_was_skipped_leaves_the_client_where_it_was(two, change):
    client, other = two.raw(), two.raw()
    prepare(client)
    change("add column y int default 2")
    two.servers.only(1)
    prepare(other)
    client.send(B(name="nobody") + D("S", "s") + S)
    assert kinds(client.ready()) == "EZ"
    client.send(B(name="nobody") + batch())
    assert kinds(client.ready()) == "EZ"
    assert run(client) == [STALE]
    assert run(client) == [["1", "2"]]


@pytest.mark.parametrize("split", [1, 7])
def test_a_batch_in_pieces(pooler, mode, change, split):
    p = pooler(pool_mode=mode, pool_size=2, workers=1)
    servers = Servers(p)
    servers.only(0)
    client = p.raw(split=split)
    prepare(client)
    change("add column y int default 2")
    servers.only(1)
    assert run(client) == [STALE]
    for which in (1, 0):
        servers.only(which)
        assert run(client) == [["1", "2"]]
        assert kinds(ask(client)) == "2TDCZ"


@pytest.mark.parametrize("begun", [None, "begin"])
@pytest.mark.parametrize("how", ["vanish", "goodbye", "cancel"])
def test_who_leaves_while_the_columns_are_asked_for(two, cluster, change, how, begun):
    """The Parse of ours waits for a lock, and the client's own messages for what comes of it."""
    client = two.raw()
    prepare(client, sql=f"insert into {TABLE}(x) values (5) returning *")
    two.servers.only(1)
    if begun:
        client.query(begun)
    with cluster.connect() as ddl, ddl.transaction():
        ddl.execute(f"alter table {TABLE} add column y int default 2")
        client.send(B(name="s") + E() + S + (X if how == "goodbye" else b""))
        until(lambda: cluster.backends("wait_event_type = 'Lock'"))
        if how == "vanish":
            client.close()
        elif how == "cancel":
            two.open().send(cancel_request(client.pid, client.key))
            assert told(client.ready()) == ["57014"]
    if how == "cancel":
        client.query("rollback")
    fresh = two.raw()
    until(lambda: fresh.value(f"select count(*) from {TABLE}") == "1")
    for which in (0, 1):
        two.servers.only(which)
        assert fresh.value("select 'well'") == "well"


def test_a_row_of_very_many_columns(two, change):
    """Its description is longer than what is looked at at a time."""
    change("drop column x, " + ", ".join(f"add column {'c' * 50}{n} int default 1" for n in range(800)))
    client = two.raw()
    prepare(client)
    two.servers.only(1)
    assert run(client) == [["1"] * 800]
    change("add column y int default 2")
    two.servers.only(0)
    client.send(B(name="s") + E() + S)
    assert told(client.ready()) == [STALE]
    assert run(client) == [["1"] * 800 + ["2"]]


# ---- drivers ------------------------------------------------------------------------------------


class Changing:
    """The table gets a column, and loses it, again and again while the others work."""

    def __init__(self, change, times):
        self.change, self.times, self.ended = change, times, False

    def __call__(self):
        try:
            for number in range(self.times):
                self.change("drop column y" if number % 2 else "add column y int default 2")
        finally:
            self.ended = True


class Knowing:
    """A client that remembers of two names which columns it was told of, and does at random what makes it meet others."""

    def __init__(self, p, seed):
        self.random = random.Random(seed)
        self.client = p.raw(split=self.random.choice([0, 0, 0, 11]))
        self.known = {}  # name -> so many; one that is not there: it takes what comes
        for name in ("s", "same"):
            self.send(name, P(SQL, name=name) + D("S", name) + S)

    def send(self, name, messages, batches=1):
        self.client.send(messages)
        self.hear(name, self.client.ready(batches))

    def hear(self, name, said):
        for m in said:
            if m.kind == "T":
                self.known[name] = len(m.columns())
            elif m.kind == "D":
                assert len(m.row()) == self.known.setdefault(name, len(m.row())), said
            elif m.kind == "E":
                assert m.sqlstate == STALE, said
                self.known.pop(name, None)

    def run(self, name):
        self.send(name, B(name=name) + E() + S)

    def run_in_a_pipeline(self, name):
        self.send(name, (B(name=name) + E() + S) * 3, 3)

    def describe_and_run(self, name):
        self.send(name, batch(name=name))

    def describe(self, name):
        self.send(name, D("S", name) + S)

    def prepare_again(self, name):
        self.known.pop(name, None)
        self.send(name, C("S", name) + P(SQL, name=name) + self.random.choice([D("S", name), b""]) + S)

    def prepare_another(self, name):
        self.client.send(P(f"select {self.random.random()}", name="other") + C("S", "other") + S)
        assert kinds(self.client.ready()) == "13Z"

    def be_skipped(self, name):
        skipped = self.random.choice([batch(name=name), D("S", name) + S, B(name=name) + E() + S])
        self.client.send(B(name="nobody") + skipped)
        assert told(self.client.ready()) == ["26000"]

    def begin_and_run(self, name):
        self.client.query("begin")
        self.run(name)
        assert self.client.query("rollback")[-1].status() == "I"

    def do_something(self):
        do = self.random.choice([self.run, self.run, self.run_in_a_pipeline, self.describe_and_run, self.describe,
                                 self.prepare_again, self.prepare_another, self.be_skipped, self.begin_and_run])
        do(self.random.choice(["s", "same"]))


@pytest.mark.parametrize("seed", range(2))
def test_no_row_is_of_other_columns_than_its_client_was_told(pooler, mode, change, seed):
    """Many clients, few servers that have room for few statements, and a table that changes all the time."""
    p = pooler(pool_mode=mode, pool_size=4, workers=3, max_prepared_statements=2)
    changing = Changing(change, 60)

    def one(who):
        knowing = Knowing(p, seed * 100 + who)
        try:
            while not changing.ended:
                knowing.do_something()
        finally:
            knowing.client.close()  # whose transaction the table must not wait for

    all_at_once([changing] + [lambda who=who: one(who) for who in range(8)])


def test_psycopg_while_the_table_changes(pooler, mode, change):
    """Many clients over few servers: each row is of the columns that came with it, and none stays broken."""
    p = pooler(pool_mode=mode, pool_size=3, workers=3)
    changing = Changing(change, 40)

    def one(who):
        def ask():
            cursor = conn.execute(f"select %s::int as n, t.* from {TABLE} t", [who])
            row = dict(zip((c.name for c in cursor.description), cursor.fetchone()))
            assert row in ({"n": who, "x": 1}, {"n": who, "x": 1, "y": 2})
            return row

        with p.connect(prepare_threshold=0) as conn:
            conn.autocommit = True
            while not changing.ended:
                try:
                    ask()
                except psycopg.errors.FeatureNotSupported:
                    pass  # it has changed once more while the batch was sent again
            for _ in range(5):
                assert ask() == {"n": who, "x": 1}

    all_at_once([changing] + [lambda who=who: one(who) for who in range(8)])


def test_asyncpg_while_the_table_changes(pooler, mode, change):
    """It goes by the columns that it was told of, and prepares again when told that they have changed."""
    p = pooler(pool_mode=mode, pool_size=3, workers=3)

    async def main():
        conns = [await asyncpg.connect(host="127.0.0.1", port=p.port, user="app", database="app") for _ in range(8)]

        async def all_ask(wanted):
            rows = await asyncio.gather(*[conn.fetchrow(SQL) for conn in conns])
            assert [dict(row) for row in rows] == [wanted] * len(conns)

        try:
            await all_ask({"x": 1})
            for _ in range(4):
                await asyncio.to_thread(change, "add column y int default 2")
                for _ in range(3):
                    await all_ask({"x": 1, "y": 2})
                await asyncio.to_thread(change, "drop column y")
                for _ in range(3):
                    await all_ask({"x": 1})
        finally:
            for conn in conns:
                await conn.close()

    asyncio.run(main())


def test_pgbench_while_tables_change(pooler, mode, change, tmp_path):
    p = pooler(pool_mode=mode, pool_size=3, workers=3)
    p.cluster.in_app("drop table if exists stale_other; create table stale_other as select 1 as x")
    script = tmp_path / "select.sql"
    script.write_text(f"select * from {TABLE};\n")
    changing = Changing(change, 30)
    unrelated = Changing(lambda what: p.cluster.in_app(f"alter table stale_other {what}"), 30)

    def bench():
        done = p.run("pgbench", "-n", "-M", "prepared", "-c", "8", "-j", "2", "-t", "400", "-f", script)
        assert "number of failed transactions: 0" in done.stdout

    all_at_once([bench, changing, unrelated])
    p.cluster.in_app("drop table stale_other")
