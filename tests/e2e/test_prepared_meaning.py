"""The settings by which a text is read when it is prepared: whose they are, and that nobody else's statement is read by them."""

import pytest

from rawwire import B, Client, D, E, F, P, Q, S, c, d
from waiting import until

pytestmark = pytest.mark.pgweir

# setting: two values, and a text that means two things by them
SETTINGS = {
    "TimeZone": ("UTC", "Asia/Tokyo", "select extract(epoch from timestamptz '2020-01-01 00:00')::text"),
    "DateStyle": ("ISO, MDY", "ISO, DMY", "select date '01/02/2000' - date '2000-01-01'"),
    "IntervalStyle": ("postgres", "sql_standard", "select extract(epoch from interval '-1 1:00:00')::text"),
    "client_encoding": ("LATIN1", "UTF8", "select length('\u00e9')"),
    "standard_conforming_strings": ("on", "off", r"select length('a\\b')"),
    "transform_null_equals": ("on", "off", "select 1 where null = null"),
    "array_nulls": ("on", "off", "select ('{null}'::text[])[1] is null"),
}
REPORTED = ["TimeZone", "DateStyle", "IntervalStyle", "client_encoding", "standard_conforming_strings"]  # with each ReadyForQuery
USE = B(name="s") + E()


def rows(client, *messages):
    client.send(*messages)
    said = client.ready()
    assert not [m for m in said if m.kind == "E"], said
    return [m.row() for m in said if m.kind == "D"]


@pytest.fixture(params=SETTINGS)
def case(request):
    return (request.param, *SETTINGS[request.param])


@pytest.mark.parametrize("how", ["asked for", "set"])
def test_whose_settings_a_text_is_read_by(pooler, cluster, case, how):
    """Two clients with the same text share a server."""
    name, one, other, sql = case
    p = pooler(pool_mode="auto", pool_size=1, workers=1)

    def pair(address):
        clients = []
        for value in (one, other):
            client = Client(address).login("app", "app", **({name: value} if how == "asked for" else {}))
            if how == "set":
                client.query(f"set {name} = '{value}'")
            clients.append(client)
        got = [rows(client, P(sql, "s") + USE + S) for client in clients]
        got += [rows(client, USE + S) for client in clients * 2]
        for client in clients:
            client.close()
        return got

    wanted = pair(("127.0.0.1", cluster.port))
    assert wanted[0] != wanted[1]
    assert pair(("127.0.0.1", p.port)) == wanted


def move(client, holder):
    """From here on the client has the other one of two servers."""
    before = client.value("select pg_backend_pid()")
    holder.query("begin; select 1")  # the one used last
    assert client.value("select pg_backend_pid()") != before


def check_beside_twin(pooler, cluster, converse):
    """converse(side, move) hears the same directly and through the pooler, where the client has the other one of two servers
    behind move()."""
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    with p.raw() as holder, p.raw() as client, Client(("127.0.0.1", cluster.port)).login("app", "app") as twin:
        wanted = converse(twin, lambda: None)
        assert converse(client, lambda: move(client, holder)) == wanted
        holder.query("rollback")


@pytest.mark.parametrize("use", [USE + S, D("S", "s") + USE + S, Q("execute s")], ids=["bound", "described", "executed"])
def test_what_was_read_by_other_settings(pooler, cluster, case, use):
    """It means the same on a server that gets it when its client has set something else; and that is what is left there."""
    name, one, other, sql = case

    def converse(side, move):
        side.query(f"set {name} = '{one}'")
        heard = [rows(side, P(sql, "s") + USE + S)]
        side.query(f"set {name} = '{other}'")
        move()
        heard += [rows(side, use) for _ in range(3)]
        side.query("begin")
        heard.append(rows(side, use))
        heard.append(side.value(f"show {name}"))
        side.query("commit")
        heard.append(side.value(f"show {name}"))
        heard.append(rows(side, P(sql, "t") + B(name="t") + E() + S))
        return heard

    check_beside_twin(pooler, cluster, converse)


@pytest.mark.parametrize("use", [USE + S, Q("execute s")], ids=["bound", "executed"])
def test_what_was_set_in_the_batch_that_prepares(pooler, cluster, case, use):
    """The text is read by that, on any server, and whatever is set later."""
    name, one, other, sql = case

    def converse(side, move):
        side.query(f"set {name} = '{one}'")
        heard = [rows(side, P(f"set {name} = '{other}'") + B() + E() + P(sql, "s") + USE + S)]
        heard.append(rows(side, use))
        side.query(f"set {name} = '{one}'")
        heard.append(rows(side, use))
        move()
        heard.append(rows(side, use))
        return heard

    check_beside_twin(pooler, cluster, converse)


@pytest.mark.parametrize("use", [USE + S, Q("execute s")], ids=["bound", "executed"])
def test_what_is_used_behind_a_set_that_is_still_to_be_answered(pooler, cluster, case, use):
    """On a server that has to prepare it first."""
    name, one, other, sql = case

    def converse(side, move):
        side.query(f"set {name} = '{one}'")
        heard = [rows(side, P(sql, "s") + USE + S)]
        side.query(f"set {name} = '{other}'")
        move()
        heard.append(rows(side, P(f"set {name} = '{other}'") + B() + E() + S + use))
        heard.append([m.row() for m in side.ready() if m.kind == "D"])
        heard.append(rows(side, use))
        return heard

    check_beside_twin(pooler, cluster, converse)


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
def test_what_a_portal_sets_that_an_earlier_batch_has_bound(pooler, cluster, case, at_once):
    """The text that comes behind its Execute in the same packet is read by that, on any server."""
    name, one, other, sql = case

    def converse(side, move):
        side.query(f"set {name} = '{one}'")
        side.query("begin")
        batches = [P(f"set {name} = '{other}'") + B(portal="set") + S, E("set") + S, P(sql, "s") + USE + S]
        if at_once:
            side.send(*batches)
        heard = [m.row() for batch in batches for m in (side.send(b"" if at_once else batch), side.ready())[1] if m.kind == "D"]
        side.query("commit")
        side.query(f"set {name} = '{one}'")
        heard.append(rows(side, USE + S))
        move()
        heard.append(rows(side, USE + S))
        return heard

    check_beside_twin(pooler, cluster, converse)


def test_what_is_set_in_a_batch_that_is_open_when_the_one_before_ends(pooler, case):
    """What is prepared behind it is read by that, and is not what others share."""
    name, one, other, sql = case
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    with p.raw() as client, p.raw() as neighbour:
        for side in (client, neighbour):
            side.query(f"set {name} = '{one}'")
        wanted = rows(neighbour, P(sql) + B() + E() + S)
        client.send(P("select pg_sleep(0.2)") + B() + E() + S + P(f"set {name} = '{other}'") + B() + E())
        client.ready()
        client.send(P(sql, "s") + USE + S)
        set_by = [m.row() for m in client.ready() if m.kind == "D"]
        assert set_by != wanted
        assert rows(neighbour, P(sql, "s") + USE + S) == wanted
        client.query(f"set {name} = '{one}'")
        assert [rows(client, USE + S), rows(client, Q("execute s"))] == [set_by] * 2


def by_queries(name, one, other, sql):
    return [Q(f"set {name} = '{one}'"), P(sql, "s"), S, Q(f"set {name} = '{other}'")]


def by_batches(name, one, other, sql):
    sets = [P(f"set {name} = '{value}'") + B() + E() for value in (one, other)]
    return [sets[0], P(sql, "s"), S, P("select 1"), sets[1], P(sql, "t"), S]


@pytest.mark.parametrize("how", [by_queries, by_batches])
@pytest.mark.parametrize("name", REPORTED)
def test_what_is_set_again_at_once(pooler, name, how):
    """In the same packet: the text is read by what was set in front of it, not by what its client has in the end."""
    case = name, *SETTINGS[name]
    _, one, other, sql = case
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    with p.raw() as holder, p.raw() as client:
        client.query(f"set {name} = '{one}'")
        wanted = rows(client, P(sql) + B() + E() + S)
        client.query(f"set {name} = '{other}'")
        messages = how(*case)
        client.send(*messages)
        client.ready(sum(m[:1] == b"Q" or m == S for m in messages))
        assert rows(client, USE + S) == wanted
        assert rows(client, P(sql) + B() + E() + S) != wanted
        move(client, holder)
        assert [rows(client, USE + S), rows(client, Q("execute s"))] == [wanted] * 2
        holder.query("rollback")


@pytest.mark.parametrize("how", ["local", "in the same batch", "at once"])
def test_settings_of_a_transaction_are_nobody_elses(pooler, case, how):
    """What is prepared by them is not what others run, nor the same client later."""
    name, one, other, sql = case
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    with p.raw() as client, p.raw() as bystander:
        for side in (client, bystander):
            side.query(f"set {name} = '{one}'")
        bystander.query("select 1")
        bystander.send(P(sql, "s") + S)
        bystander.ready()
        wanted = rows(bystander, USE + S)
        client.query("begin")
        change = f"set local {name} = '{other}'"
        if how == "local":
            client.query(change)
            client.query("select 1")
            changed = rows(client, P(sql, "s") + USE + S)
        elif how == "in the same batch":
            changed = rows(client, P(change) + B() + E() + P(sql, "s") + USE + S)
        else:
            changed = rows(client, P(change) + B() + E() + S + P(sql, "s") + USE + S)
            changed += [m.row() for m in client.ready() if m.kind == "D"]
        client.query("rollback")
        assert changed != wanted
        assert rows(bystander, USE + S) == wanted


def test_described_in_a_transaction_that_sets_something(pooler, case):
    """It is known what its client was told of, and used by that."""
    name, one, other, sql = case
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    with p.raw() as client, p.raw() as bystander:
        bystander.query(f"set {name} = '{one}'")
        bystander.send(P(sql, "s") + S)
        bystander.ready()
        wanted = rows(bystander, USE + S)
        client.query(f"begin; set local {name} = '{other}'")
        client.send(P(sql, "s") + D("S", "s") + S)
        client.ready()
        changed = rows(client, USE + S)
        assert changed != wanted
        assert rows(client, D("S", "s") + USE + S) == changed
        client.query("commit")
        client.query(f"set {name} = '{one}'")
        client.send(P(sql, "t") + S)
        client.ready()
        assert rows(client, B(name="t") + E() + S) == wanted
        assert rows(bystander, USE + S) == wanted


@pytest.fixture
def moved(pooler, cluster):
    """moved(sql): a client that has prepared it as s, by another TimeZone and on another server than it has now."""
    sides = []

    def make(sql, **server):
        p = pooler(pool_mode="auto", pool_size=2, workers=1, **server)
        sides.extend([p.raw(), p.raw()])
        client, holder = sides
        client.send(P(sql, "s") + S)
        client.ready()
        before = client.value("select pg_backend_pid()")
        client.query("set timezone = 'Asia/Tokyo'")
        holder.query("begin; select 1")  # the one used last
        assert client.value("select pg_backend_pid()") != before
        return client

    yield make
    for side in reversed(sides):
        side.close()


@pytest.mark.parametrize("sql", ["set transaction isolation level serializable", "/* ( */ SET LOCAL transaction_read_only = on"])
def test_modes_of_a_transaction_are_chosen_under_other_settings(moved, sql):
    """Nothing in front of it counts as a query."""
    client = moved(sql)
    client.query("begin")
    assert rows(client, USE + S) == []
    client.query("set transaction isolation level serializable, read only, deferrable")
    assert client.value("show transaction_isolation") == "serializable"
    client.query("rollback")


def test_lock_comes_before_the_snapshot_under_other_settings(moved, cluster):
    """In REPEATABLE READ, what was committed before the lock was had is seen behind it."""
    cluster.in_app("drop table if exists locked; create table locked (a int); alter table locked owner to app")
    client = moved("lock table locked in exclusive mode")
    client.query("begin isolation level repeatable read")
    with Client(("127.0.0.1", cluster.port)).login("app", "app") as other:
        other.query("begin; lock table locked in exclusive mode; insert into locked values (1)")
        client.send(USE + S)
        until(lambda: other.value("select count(*) from pg_locks where relation = 'locked'::regclass and not granted") == "1",
              "the client waits for the lock")
        other.query("commit")
        client.ready()
    assert client.value("select count(*) from locked") == "1"
    client.query("rollback")


@pytest.mark.parametrize("sql", ["create index concurrently on indexed (a)", "vacuum indexed"])
def test_what_runs_in_no_transaction_under_other_settings(moved, cluster, sql):
    cluster.in_app("drop table if exists indexed; create table indexed (a int); alter table indexed owner to app")
    assert rows(moved(sql), USE + S) == []


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
def test_what_ends_a_failed_transaction_under_other_settings(pooler, at_once):
    """It gets through, on a server that has to prepare it first."""
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    with p.raw() as client, p.raw() as holder:
        client.send(P("rollback", "r") + P("begin", "b") + S)
        client.ready()
        client.query("set timezone = 'Asia/Tokyo'")
        before = client.value("select pg_backend_pid()")
        holder.query("begin; select 1")
        assert client.value("select pg_backend_pid()") != before
        story = [B(name="b") + E() + S, Q("select 1/0"), B(name="r") + E() + S]
        if at_once:
            client.send(*story)
        said = [(client.send(b"" if at_once else batch), client.ready())[1] for batch in story]
        assert [m.tag() for m in said[2] if m.kind == "C"] == ["ROLLBACK"]
        assert said[2][-1].status() == "I"
        holder.query("rollback")


@pytest.mark.parametrize("use", [USE + S, D("S", "s") + USE + S, Q("execute s")], ids=["bound", "described", "executed"])
@pytest.mark.parametrize("behind", [False, True], ids=["alone", "with more behind it"])
def test_a_failure_amid_what_stands_in_front_under_other_settings(moved, fault_proxy, cluster, use, behind):
    """Its client has begun no transaction, and so none of its own has failed."""
    proxy = fault_proxy(cluster.port)
    client = moved("select 'mine'", databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    more = [Q("select 'next'"), P("select 'and next'") + B() + E() + S] if behind else []
    proxy.replaces = b"\0COMMIT\0", b"\0COMMIX\0"  # as if a cancel came before it
    client.send(use, *more)
    said = client.ready(1 + len(more))
    assert proxy.replaces is None
    assert [m.sqlstate for m in said if m.kind == "E"] == ["42601"]
    assert [m.status() for m in said if m.kind == "Z"] == ["I"] * (1 + len(more))
    assert [m.row()[0] for m in said if m.kind == "D"] == (["next", "and next"] if behind else [])
    assert client.value("show timezone") == "Asia/Tokyo"
    assert rows(client, USE + S) == [["mine"]]
    assert rows(client, Q("vacuum pg_catalog.pg_namespace")) == []


@pytest.fixture
def copied(cluster):
    cluster.in_app("create table public.copied (n int); grant all on public.copied to public")
    yield
    cluster.in_app("drop table public.copied")


def test_behind_a_copy_that_may_have_read_a_sync(pooler, copied):
    """PostgreSQL answers nothing for a Sync amid the data: who waits for it waits for ever."""
    client = pooler(pool_mode="auto", pool_size=1, workers=1, max_prepared_statements=1).raw()
    client.send(P("select date '01/02/2020'", "s") + S)
    client.ready()
    client.query("set datestyle = 'ISO, DMY'")
    client.send(P("select 'in its place'", "t") + S)
    client.ready()
    client.send(Q("copy public.copied from stdin"), d("1\n") + S + d("no number\n") + c(), P("select 1") + USE + S)
    said = client.ready(2)
    assert [m.sqlstate for m in said if m.kind == "E"] == ["22P02"]
    assert [m.row() for m in said if m.kind == "D"] == [["2020-01-02"]]


# by its server's word, or by nobody's: the value, a text, and what that gives before and behind
MOVED = {
    "datestyle": ("ISO, DMY", "select date '01/02/2020'", "2020-01-02", "2020-02-01"),
    "array_nulls": ("off", "select ('{null}'::text[])[1] is null", "t", "f"),
}


@pytest.fixture(params=MOVED)
def moving(request, cluster):
    """How code that nobody has read sets it, by name."""
    setting, value = request.param, MOVED[request.param][0]
    cluster.in_app(f"create function public.moves() returns text language sql as $$ select set_config('{setting}', '{value}', false) $$;"
                   "create view public.moving as select public.moves(); grant all on public.moving to public")
    ((number,),) = cluster.in_app("select 'public.moves'::regproc::oid::int")
    yield {
        "a function": Q("select public.moves()"),
        "its number": F(number),
        "a view": Q("select * from public.moving"),
        "a long text": Q(f"select 1 /*{'x' * 20_000}*/; set {setting} = '{value}'"),
    }, *MOVED[setting][1:]
    cluster.in_app("drop view public.moving; drop function public.moves")


@pytest.mark.parametrize("how", ["a function", "its number", "a view", "a long text"])
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "in a transaction"])
def test_a_text_behind_what_may_have_set_anything(pooler, moving, how, at_once):
    """It is not read as others read theirs, and theirs not as it is."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    moves, sql, before, behind = moving
    with p.raw() as client, p.raw() as other:
        assert rows(other, P(sql, "s") + USE + S) == [[before]]
        story = [moves[how], P(sql, "s") + S]
        if at_once:
            client.send(*story)
            client.ready(2)
        else:
            for batch in [Q("begin"), *story, Q("commit")]:
                client.send(batch)
                client.ready()
        assert rows(other, USE + S) == [[before]]
        assert rows(client, USE + S) == [[behind]]
        assert rows(other, USE + S) == [[before]]
