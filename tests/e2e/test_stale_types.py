"""What types a prepared statement's parameters have is settled when it is prepared, for as long as the client has it: where
its table changes and another server has to prepare it, a value is read as what the client was told, not as what the server
would infer by then. A twin that is connected directly says what is right."""

import random
import struct

import pytest

from rawwire import B, C, Client, D, E, H, P, Q, S
from stale import STALE, TABLE, Servers, change, kinds, mode, two  # noqa: F401 (fixtures)
from waiting import all_at_once

pytestmark = pytest.mark.pgweir

INSERT = f"insert into {TABLE} values ($1)"
NAMES = ["s", ""]
NO_CAST = ["42804"]
INT4 = 23


def int4(n):
    return struct.pack("!i", n)


class Both:
    """A client of the pooler and one of PostgreSQL's: they are sent the same, and must be answered the same."""

    def __init__(self, p, cluster):
        self.pooled = p.raw()
        self.direct = Client(("127.0.0.1", cluster.port)).login("app", "app")

    def ask(self, *messages, ready=1):
        said = []
        for client in (self.direct, self.pooled):
            client.send(*messages)
            said.append([(m.kind, m.sqlstate if m.kind == "E" else m.body) for m in client.ready(ready) if m.kind not in "SN"])
        assert said[1] == said[0]
        return [sqlstate for kind, sqlstate in said[0] if kind == "E"]


@pytest.fixture
def pair(two, cluster):
    """One more pair of clients."""
    pairs = []

    def make():
        pairs.append(Both(two, cluster))
        return pairs[-1]

    yield make
    for both in pairs:
        both.direct.close()


@pytest.fixture
def both(pair):
    return pair()


def rows(client):
    return sorted(row[0] for row in client.rows(f"select x from {TABLE}"))


def described(both, name, sql=INSERT):
    both.ask(P(sql, name), D("S", name), S)


def described_later(both, name, sql=INSERT):
    both.ask(P(sql, name), S)
    both.ask(D("S", name), S)


def never_described(both, name, sql=INSERT):
    both.ask(P(sql, name), S)


def run(both, value, name, formats=(1,)):
    return both.ask(B(value, name=name, formats=formats), E(), S)


LEARN = [described, described_later, never_described]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("learn", LEARN)
@pytest.mark.parametrize("formats, value", [((1,), int4(0x31323334)), ((), "007")], ids=["binary", "text"])
def test_a_value_is_what_the_client_was_told(two, both, change, name, learn, formats, value):
    learn(both, name)
    change("alter column x type text")
    for which in (1, 0, 1):
        two.servers.only(which)
        assert run(both, value, name, formats) == []
    wanted = str(0x31323334) if formats else "7"
    assert rows(two.raw()) == sorted(["1"] + [wanted] * 6)


@pytest.mark.parametrize("learn", [described, described_later])
def test_one_value_of_very_many(pooler, cluster, change, learn):
    """Only the first one's type is left to the server; what is said of them comes in pieces."""
    p = pooler(pool_mode="auto", pool_size=2, workers=1, debug_io_bytes=4000)
    p.servers = Servers(p)
    p.servers.only(0)
    both = Both(p, cluster)
    types = (0,) + (INT4,) * 19_999
    both.ask(P(INSERT, "s", types), *((D("S", "s"),) if learn is described else ()), S)
    both.ask(D("S", "s"), S)
    change("alter column x type text")
    for which in (1, 0, 1):
        p.servers.only(which)
        assert both.ask(B(int4(0x31323334), *[int4(1)] * 19_999, name="s", formats=(1,)), E(), S) == []
    assert rows(p.raw()) == sorted(["1"] + [str(0x31323334)] * 6)
    both.direct.close()


@pytest.mark.parametrize("name", NAMES)
def test_described_where_it_is_new(two, both, change, name):
    described(both, name)
    change("alter column x type text")
    two.servers.only(1)
    both.ask(D("S", name), S)
    assert run(both, int4(5), name) == []
    assert rows(two.raw()) == ["1", "5", "5"]


@pytest.mark.parametrize("name", NAMES)
def test_what_can_not_be_any_more_is_refused(two, both, change, name):
    """There is no operator for what the client was told and what there is now."""
    described(both, name, f"select 7 from {TABLE} where x = $1")
    change("alter column x type text")
    for which in (1, 0, 1):
        two.servers.only(which)
        assert run(both, int4(1), name) == ["42883"]


def test_what_would_be_inferred_otherwise(two, both, change, cluster):
    """A function that takes something else is there as well by now."""
    cluster.in_app("create or replace function public.stale_f(n int) returns text language sql as $$ select 'int ' || n $$")
    try:
        described(both, "s", "select public.stale_f($1)")
        cluster.in_app("create function public.stale_f(t text) returns text language sql as $$ select 'text ' || t $$")
        for which in (1, 0):
            two.servers.only(which)
            assert run(both, int4(5), "s") == []
            assert run(both, "5", "s", ()) == []
    finally:
        cluster.in_app("drop function if exists public.stale_f(text); drop function public.stale_f(int)")


def test_clients_that_were_told_other_types(two, both, pair, change):
    """They have prepared the same text, before and after: whoever was last at a server, each has its own types."""
    described(both, "s")
    change("alter column x type text")
    new = pair()
    for which in (0, 1):
        two.servers.only(which)
        new.ask(C("S", "s"), S)
        described(new, "s")
        assert run(both, int4(5), "s") == []
        assert run(new, "five", "s", (1,)) == []
        assert run(both, int4(6), "s") == []
    for which in (0, 1):
        two.servers.only(which)
        for n in range(5):
            assert run(both, int4(7), "s") == []
            assert run(new, "seven", "s", (1,)) == []
    assert rows(two.raw()) == sorted(["1"] + ["5", "five", "6"] * 4 + ["7", "seven"] * 20)


def test_who_goes_by_other_types_does_not_prepare_again_each_time(two, both, pair, change):
    described(both, "s")
    change("alter column x type text")
    new = pair()
    described(new, "s")
    assert run(both, int4(5), "s") + run(new, "five", "s") == []
    before = int(two.show("stats_totals", database="app")[0]["server_parse_count"])
    for _ in range(10):
        assert run(both, int4(5), "s") + run(new, "five", "s") == []
    assert int(two.show("stats_totals", database="app")[0]["server_parse_count"]) == before


def test_in_one_batch(two, both, change):
    """Parsed, bound and described at once, and told of nothing but the columns."""
    sql = f"{INSERT} returning x"
    both.ask(P(sql, "s"), B("3", name="s"), D(), E(), S)
    both.ask(P(sql, "other"), D("S", "other"), B("4", name="s"), D(), E(), H, S)
    both.ask(B("4", name="other"), D(), E(), S)
    both.ask(P("select $1::int", "cast"), P(INSERT, "last"), Q("select 1"), ready=1)
    change("alter column x type bigint")
    two.servers.only(1)
    for name in ("s", "other", "last"):
        both.ask(D("S", "last"), S)
        two.servers.only(1)


def test_types_of_the_statement_that_was_told_to_have_changed(two, both, change):
    """Of its columns the client is told once; its parameters stay what they were."""
    described(both, "s", f"insert into {TABLE} values ($1) returning *")
    change("alter column x type bigint")
    two.servers.only(1)
    client = both.pooled
    for which, wanted in ((1, [STALE]), (1, ["5"]), (0, ["5"])):
        two.servers.only(which)
        client.send(B(int4(5), name="s", formats=(1,)), E(), S)
        said = client.ready()
        assert [m.row()[0] for m in said if m.kind == "D"] + [m.sqlstate for m in said if m.kind == "E"] == wanted


def test_a_parse_that_was_skipped(two, both, change):
    """What stands behind it tells nothing of it."""
    both.ask(B(name="nobody"), P(INSERT, "s"), S, P(INSERT, "s"), S, ready=2)
    both.ask(P("selec", "t"), P(INSERT, "t"), D("S", "t"), S)
    both.ask(P(INSERT, "t"), S)
    change("alter column x type text")
    two.servers.only(1)
    for name in ("s", "t"):
        assert run(both, int4(5), name) == []
    assert rows(two.raw()) == ["1"] + ["5"] * 4


def test_in_a_failed_transaction(two, both, change):
    both.ask(Q("begin"))
    both.ask(Q("select 1/0"))
    both.ask(P("rollback", "r"), S)
    both.ask(P(INSERT, "s"), S)
    both.ask(B(name="r"), E(), S)
    described(both, "s")
    assert run(both, int4(5), "s") == []


def test_very_many_parameters(two, both, change):
    """More than are looked at: the statement works where it is new, whatever they are."""
    sql = f"insert into {TABLE} values " + ", ".join(f"(${n})" for n in range(1, 3001))
    described(both, "s", sql)
    two.servers.only(1)
    values = [str(n) for n in range(3000)]
    assert both.ask(B(*values, name="s"), E(), S) == []


@pytest.mark.parametrize("given", [(23,), (0,), (705,), (0, 0)])
def test_types_that_the_client_gives(two, both, change, given):
    both.ask(P(INSERT, "s", types=given[:1]), D("S", "s"), S)
    both.ask(P(f"select $1::text || $2", "other", types=given), D("S", "other"), S)
    change("alter column x type text")
    two.servers.only(1)
    assert run(both, int4(5), "s") == []
    both.ask(D("S", "other"), S)


class Telling:
    """A client that sends what it was told to send, in binary, while the column turns from one type into the other."""

    def __init__(self, p, seed):
        self.random = random.Random(seed)
        self.client = p.raw()
        self.name = self.random.choice(NAMES)
        self.prepare()

    def prepare(self):
        (self.type,) = self.described((C("S", self.name) if self.name else b"") + P(INSERT, self.name))

    def described(self, before=b""):
        """The type that is told, if it is."""
        self.client.send(before + D("S", self.name) + S)
        said = self.client.ready()
        assert [m.sqlstate for m in said if m.kind == "E"] in ([], NO_CAST), said
        return [struct.unpack("!I", m.body[2:])[0] for m in said if m.kind == "t"]

    def run(self):
        value = int4(0x31323334) if self.type == 23 else b"825373492"
        self.client.send(B(value, name=self.name, formats=(1,)), E(), S)
        said = self.client.ready()
        assert [m.sqlstate for m in said if m.kind == "E"] in ([], NO_CAST), said

    def do_something(self):
        what = self.random.randrange(6)
        if what == 0:
            self.prepare()
        elif what == 1:
            self.client.send(P("selec"), S)
            assert kinds(self.client.ready()) == "EZ"
            if not self.name:
                self.prepare()
        elif what == 2:
            assert self.described() in ([], [self.type])
        else:
            self.run()


@pytest.mark.parametrize("seed", range(2))
def test_no_value_is_misread(pooler, mode, change, cluster, seed):
    p = pooler(pool_mode=mode, pool_size=3, workers=3, max_prepared_statements=2)
    change("alter column x type text")
    cluster.in_app(f"create cast (text as int) with inout as assignment" if seed else "select 1")
    ended = []

    def turn():
        try:
            for number in range(30):
                change("alter column x type text" if number % 2 else "alter column x type int using x::int")
        finally:
            ended.append(True)

    def one(who):
        telling = Telling(p, seed * 100 + who)
        while not ended:
            telling.do_something()

    try:
        all_at_once([turn] + [lambda who=who: one(who) for who in range(6)])
        assert set(rows(p.raw())) <= {"1", str(0x31323334)}
    finally:
        if seed:
            cluster.in_app("drop cast (text as int)")
