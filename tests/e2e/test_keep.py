"""What bounds the keeping of servers in pool_mode auto, and what is said of it."""

import pytest

import fakeserver
from rawwire import B, E, P, Q, S, message
from waiting import until, until_equal

pytestmark = pytest.mark.pgweir


def auto(pooler, **settings):
    settings.setdefault("pool_size", 2)
    settings.setdefault("workers", 1)
    settings.setdefault("listen", "keep")  # the shared listener has tests of its own
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


def test_keep_timeout_leaves_half_of_it_to_who_is_warned(pooler):
    p = auto(pooler, pool_size=1, keep_timeout="2s")
    p.raw().query("listen a")
    p.wait_log("keep_timeout ends it in 1s")


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
    client.query("listen a")
    until_equal(lambda: kept(p), ["listen"])
    client.query("begin; create temp table t(a int); rollback")
    client.query("create temp table t(a int)")
    until_equal(lambda: kept(p), ["listen, temporary object"])
    (row,) = p.show("servers")
    assert own_cluster.kill_backend(int(row["remote_pid"]))  # has no time for last words
    error = fatal(client)
    assert error["C"] == "08006" and "listen, temporary object" in error["M"]
    assert "listen a" in error["D"]
    own_cluster.wait_recovered()


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
    p.wait_log("keeps its server")
    assert p.log().count("keeps its server") == 1
    assert total(p, "total_keep_count") == 4
    assert total(p, "total_keeps_listen") == 4
    assert total(p, "total_keeps_prepare") == 1
    assert total(p, "total_look_count") >= 7


def test_since_when_and_what_began_it(pooler):
    p = auto(pooler)
    client = p.raw(application_name="keeper")
    client.query("select 1; listen a; select 'a secret'")
    until_equal(lambda: kept(p), ["listen"])
    (first,) = p.show("kept")
    assert first["application_name"] == "keeper" and first["statement"] == "listen a"
    assert first["server_pid"] == client.value("select pg_backend_pid()")
    until(lambda: p.raw().value("select date_trunc('second', now() at time zone 'UTC')") > first["since"][:19], "a second has passed")
    client.query("create temp table t(a int)")
    until_equal(lambda: kept(p), ["listen, temporary object"])
    (second,) = p.show("kept")
    assert second == {**first, "reasons": "listen, temporary object"}


def test_who_leaves_amid_a_transaction_and_keeps_nothing_costs_no_discard(pooler):
    """What others have prepared there stays."""
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    client.send(P("select 1", "own"), S, B(name="own"), E(), S)
    client.ready(2)
    parses = total(p, "total_server_parse_count")
    other.query("begin; select 1")
    other.close()
    client.send(B(name="own"), E(), S)
    assert "E" not in [m.kind for m in client.ready()]
    assert total(p, "total_server_parse_count") == parses


@pytest.mark.parametrize("on,off", [
    ("set pgweir.keep = on", "set pgweir.keep = off"), ("set pgweir.keep to 'true'", "reset pgweir.keep"),
    ("select set_config('pgweir.keep', '1', false)", "select set_config('pgweir.keep', 'no', false)"),
    ("begin; set pgweir.keep = on; commit", "begin; set pgweir.keep = off; commit"),
    ("set pgweir.keep = on", "discard all")])
def test_kept_by_hand(pooler, on, off):
    p = auto(pooler)
    client = p.raw()
    client.query(on)
    until_equal(lambda: kept(p), ["pgweir.keep"])
    pid = client.value("select pg_backend_pid()")
    assert p.raw().value("select pg_backend_pid()") != pid
    client.query(off)
    until_equal(lambda: kept(p), [])
    until_equal(lambda: p.pool()["cl_linked"], "0")


@pytest.mark.parametrize("text", ["begin; set pgweir.keep = on; rollback", "begin; set local pgweir.keep = on; commit",
                                  "set pgweir.keep = off", "set pgweir.keepers = on"])
def test_not_kept_by_hand(pooler, text):
    p = auto(pooler)
    client = p.raw()
    client.query(text)
    until_equal(lambda: p.pool()["cl_linked"], "0")
    assert kept(p) == []


def test_kept_from_the_start(pooler):
    p = auto(pooler)
    client = p.raw(options="-c pgweir.keep=on")
    pid = client.value("select pg_backend_pid()")
    until_equal(lambda: kept(p), ["pgweir.keep"])
    assert p.raw().value("select pg_backend_pid()") != pid
    assert client.value("show pgweir.keep") == "on"
    client.query("set pgweir.keep = off")
    until_equal(lambda: kept(p), [])


def hidden(p):
    """A table whose trigger leaves something that no text of a statement shows."""
    p.raw().query("drop table if exists keep_hidden; create table keep_hidden(a int);"
                  "create or replace function keep_lock() returns trigger language plpgsql as "
                  "'begin perform pg_advisory_lock(4711); return new; end';"
                  "create trigger t before insert on keep_hidden for each row execute function keep_lock()")
    until_equal(lambda: kept(p), [])


def test_probe_always_finds_what_no_text_shows(pooler):
    p = auto(pooler, auto_probe="always")
    hidden(p)
    client = p.raw()
    client.query("insert into keep_hidden values (1)")
    until_equal(lambda: kept(p), ["advisory lock"])
    client.query("select pg_advisory_unlock_all()")
    until_equal(lambda: kept(p), [])
    with p.connect(prepare_threshold=0) as conn:
        conn.execute("insert into keep_hidden values (%s)", (1,))
        until_equal(lambda: kept(p), ["advisory lock"])


@pytest.mark.parametrize("probe,reasons", [("suspicious", ["advisory lock"]), ("never", [])])
def test_probe_of_code(pooler, probe, reasons):
    p = auto(pooler, auto_probe=probe)
    client = p.raw()
    client.query("do $$begin perform pg_advisory_lock(42); end$$")
    until_equal(lambda: kept(p), reasons)
    until_equal(lambda: p.pool()["cl_linked"], str(len(reasons)))
    client.query("select pg_advisory_unlock_all()")
    until_equal(lambda: kept(p), [])
    client.query("listen a")  # what is named is asked about all the same
    until_equal(lambda: kept(p), ["listen"])


SEQUENCES = ["select currval('keep_seq')", "select lastval()", "SELECT LASTVAL()"]


def move(p):
    """Somebody else has moved the sequence on the pool's only server."""
    other = p.raw()
    other.query("drop sequence if exists keep_seq; create sequence keep_seq")
    assert other.value("select nextval('keep_seq')") == "1"
    return other


@pytest.mark.parametrize("state", ["keep", "error"])
@pytest.mark.parametrize("text", SEQUENCES)
@pytest.mark.parametrize("how", ["simple", "extended", "begin", "begin extended", "begin later", "in one"])
def test_nobody_reads_anothers_number(pooler, text, how, state):
    p = auto(pooler, pool_size=1, sequence_state=state, defer_begin="auto" if how == "begin later" else "off")
    move(p)
    client = p.raw()
    if how.startswith("begin"):
        client.query("begin")
    if how == "in one":
        client.send(Q("begin") + Q(text))
        client.ready()
    elif how.endswith("extended"):
        client.send(P(text), B(), E(), S)
    else:
        client.send(Q(text))
    errors = [m for m in client.ready() if m.kind == "E"]
    assert [e.sqlstate for e in errors] == ["55000"]


FIRST = {
    "simple": lambda client: client.send(Q("insert into keep_first (v) values (1)")),
    "extended": lambda client: client.send(P("insert into keep_first (v) values (1)"), B(), E(), S),
    "prepared": lambda client: client.send(P("insert into keep_first (v) values (1)", "i"), B(name="i"), E(), S),
    "prepared before": lambda client: client.send(B(name="before"), E(), S),
    "unnamed before": lambda client: client.send(B(), E(), S),
    "function": lambda client: client.send(Q("select keep_first()")),
    "do": lambda client: client.send(Q("do $$begin insert into keep_first (v) values (1); end$$")),
    "call": lambda client: client.send(Q("call keep_first_too()")),
    "trigger": lambda client: client.send(Q("update keep_first_of set v = 2")),
    "execute": lambda client: client.send(Q("prepare i as insert into keep_first (v) values (1); execute i; deallocate i")),
}
FIRST_TABLES = """
drop table if exists keep_first cascade; create table keep_first (id serial, v int);
create or replace function keep_first() returns void language sql as 'insert into keep_first (v) values (1)';
create or replace procedure keep_first_too() language sql as 'insert into keep_first (v) values (1)';
drop table if exists keep_first_of; create table keep_first_of as select 1 as v;
create or replace function keep_first_row() returns trigger language plpgsql as 'begin perform keep_first(); return new; end';
create trigger t before update on keep_first_of for each row execute function keep_first_row();
"""


def firsts(p, cluster, how):
    """Two clients on a server on which several have taken numbers, and nobody has read any."""
    cluster.in_app(f"{FIRST_TABLES}; grant all on keep_first, keep_first_id_seq, keep_first_of to public")
    clients = [p.raw() for _ in range(4)]
    for client in clients:
        client.query("insert into keep_first (v) values (1)")
        client.send(P("insert into keep_first (v) values (1)", "before" if how == "prepared before" else ""), S)
        client.ready()
    for client in clients:
        FIRST[how](client)
        assert client.ready()[-1].body == b"I"
        until_equal(lambda: kept(p), [])
    return clients


@pytest.mark.parametrize("how", FIRST)
def test_the_first_who_reads_finds_its_own_number(pooler, cluster, how):
    """PHP's lastInsertId(), a moment after the INSERT: nobody has had the server since."""
    p = auto(pooler, pool_size=1)
    clients = firsts(p, cluster, how)
    (last,), = cluster.in_app("select last_value from keep_first_id_seq")
    assert clients[-1].value("select lastval()") == str(last)
    until_equal(lambda: kept(p), ["sequence"])


@pytest.mark.parametrize("how", FIRST)
@pytest.mark.parametrize("text", ["select lastval()", "select currval('keep_first_id_seq')"])
def test_the_first_who_reads_finds_no_number_of_anothers(pooler, cluster, how, text):
    p = auto(pooler, pool_size=1)
    clients = firsts(p, cluster, how)
    assert clients[0].error(text).sqlstate == "55000"


def test_the_first_who_reads_is_not_robbed_of_its_server(pooler, cluster):
    """As long as another one idles."""
    p = auto(pooler, pool_size=2)
    clients = firsts(p, cluster, "simple")
    for client in clients[:2]:  # there are two servers
        client.query("begin; select 1")
    for client in clients[:2]:
        client.query("commit")
    number = clients[0].value("insert into keep_first (v) values (1) returning id")
    for stranger in [p.raw() for _ in range(3)]:
        stranger.rows("select 1")
    assert clients[0].value("select lastval()") == number


def test_it_is_found_out_some_time_that_nobody_reads(pooler, cluster):
    """Where 1000 servers were made to forget for nothing, none is any more."""
    p = auto(pooler, pool_size=1)
    clients = firsts(p, cluster, "simple")
    for _ in range(300):
        for client in clients:
            client.query("insert into keep_first (v) values (1)")
    assert clients[-1].error("select lastval()").sqlstate == "55000"


def test_own_number_is_read(pooler):
    p = auto(pooler, pool_size=2)
    other = move(p)
    client = p.raw()
    assert client.query("begin")
    assert client.value("select nextval('keep_seq')") == "2"
    assert client.value("select currval('keep_seq')") == "2"
    client.query("commit")
    until_equal(lambda: kept(p), ["sequence"])
    assert other.value("select nextval('keep_seq')") == "3"
    assert client.value("select lastval()") == "2"
    until_equal(lambda: kept(p), ["sequence", "sequence"])
    for session in (client, other):
        session.query("discard sequences")
    until_equal(lambda: kept(p), [])
    client.close()


TAKEN = {
    "simple": Q("insert into keep_numbered (v) values (1)"),
    "extended": P("insert into keep_numbered (v) values (1) returning id") + B() + E() + S,
    "prepared before": B(name="before") + E() + S,
    "unnamed before": B() + E() + S,
    "copy": Q("copy keep_numbered (v) from stdin") + message("d", b"1\n") + message("c", b""),
    "nextval": Q("select nextval('keep_numbered_id_seq')"),
    "second": Q("select 1; insert into keep_numbered (v) values (1)"),
    "rolled back": Q("begin; insert into keep_numbered (v) values (1); rollback"),
    "failed": Q("insert into keep_numbered (v) select 1 / x from (values (1), (0)) as t(x)"),
    "execute": Q("prepare i as insert into keep_numbered (v) values (1); execute i; deallocate i"),
    "function": Q("select keep_take()"),
    "do": Q("do $$begin insert into keep_numbered (v) values (1); end$$"),
    "with": Q("with i as (insert into keep_numbered (v) values (1) returning id) select 1"),
    "merge": Q("merge into keep_numbered n using (values (0)) as v(v) on n.v = v.v when not matched then insert (v) values (7)"),
}


@pytest.fixture
def numbered(cluster):
    """A table with a serial, and what takes a number in a function; a session at the server itself."""
    session = cluster.connect("app", user="app")
    session.execute("drop table if exists keep_numbered cascade; create table keep_numbered (id serial, v int)")
    session.execute("create or replace function keep_take() returns bigint language sql as "
                    "'select nextval(''keep_numbered_id_seq'')'")
    yield session
    session.close()


@pytest.mark.parametrize("how", TAKEN)
def test_numbers_are_there_in_a_later_transaction(pooler, numbered, how):
    """lastInsertId() of PHP and last_insert_id() of Perl ask for what an earlier statement was given."""
    p = auto(pooler, pool_size=2)
    client = p.raw()
    for _ in range(20):  # it was found to leave nothing
        client.query("select keep_take()")
    client.send(P("insert into keep_numbered (v) values (1)", name="before") + P("insert into keep_numbered (v) values (2)") + S)
    assert "E" not in [m.kind for m in client.ready()]
    with p.raw() as reader:
        assert reader.error("select currval('nobody')")
    until_equal(lambda: kept(p), [])
    other = p.raw()
    client.send(TAKEN[how])
    client.ready()
    until_equal(lambda: kept(p), ["sequence"])
    number = str(numbered.execute("select last_value from keep_numbered_id_seq").fetchone()[0])
    for _ in range(3):
        other.query("select 1")
        numbered.execute("select nextval('keep_numbered_id_seq')")
    assert client.value("select lastval()") == number
    assert client.value("select currval('keep_numbered_id_seq')") == number
    client.query("discard sequences")
    until_equal(lambda: kept(p), [])


@pytest.mark.parametrize("discard", ["discard sequences", "discard all"])
@pytest.mark.parametrize("is_kept", [False, True])
def test_numbers_that_are_taken_behind_a_discard(pooler, numbered, discard, is_kept):
    p = auto(pooler, pool_size=2, sequence_state="always")
    client = p.raw()
    if is_kept:
        client.query("select keep_take()")
        until_equal(lambda: kept(p), ["sequence"])
    client.send(Q(discard) + Q("insert into keep_numbered (v) values (1)"))
    client.ready(2)
    until_equal(lambda: kept(p), ["sequence"])
    assert client.value("select lastval()") == str(numbered.execute("select last_value from keep_numbered_id_seq").fetchone()[0])
    client.query(discard)
    until_equal(lambda: kept(p), [])
    if discard == "discard sequences":
        client.query("discard sequences; insert into keep_numbered (v) values (1)")
        until_equal(lambda: kept(p), ["sequence"])


@pytest.mark.parametrize("state,read,keeps", [("keep", False, False), ("always", False, True), ("always", True, True),
                                              ("error", True, False), ("ignore", True, False)])
@pytest.mark.usefixtures("numbered")
def test_who_keeps_its_server_for_numbers(pooler, state, read, keeps):
    p = auto(pooler, pool_size=2, sequence_state=state)
    client = p.raw()
    if read:
        with p.raw() as reader:
            assert reader.error("select currval('nobody')")
    until_equal(lambda: kept(p), [])
    client.query("insert into keep_numbered (v) values (1)")
    client.query("select 1")
    assert kept(p) == ["sequence"] * keeps
    assert p.pool()["cl_linked"] == str(int(keeps))


def test_numbers_are_not_handed_over(pooler):
    p = auto(pooler, pool_size=1, sequence_state="error")
    first = move(p)
    second = p.raw()
    assert second.error("select currval('keep_seq')").sqlstate == "55000"
    for _ in range(3):
        assert first.value("select nextval('keep_seq')")
        assert second.error("select lastval()").sqlstate == "55000"
        assert first.error("select currval('keep_seq')").sqlstate == "55000"
    assert kept(p) == []


SEEDED = {
    "simple": Q("select setseed(0.5)"),
    "in a transaction": Q("begin; select setseed(0.5); commit"),
    "rolled back": Q("begin; savepoint a; select setseed(0.5); rollback to a; rollback"),
    "extended": P("select setseed($1)") + B("0.5") + E() + S,
    "pipelined": P("select setseed(0.5)") + B() + E() + S + Q("select 1"),
    "prepared before": B("0.5", name="seeds") + E() + S,
    "set": Q("set seed = 0.5"),
    "set for a transaction": Q("begin; set local seed = 0.5; commit"),
    "execute": Q("prepare s as select setseed($1); execute s(0.5); deallocate s"),
    "do": Q("do $$begin perform setseed(0.5); end$$"),
}


@pytest.mark.parametrize("how", SEEDED)
def test_what_setseed_makes_of_random_goes_on(pooler, cluster, how):
    """Others ask for random() meanwhile, and never have what can be foretold."""
    p = auto(pooler, pool_size=2)
    with cluster.connect("app", user="app") as session:
        session.execute("select setseed(0.5)")
        wanted = [str(session.execute("select random()").fetchone()[0]) for _ in range(4)]
    client, other = p.raw(), p.raw()
    client.send(P("select setseed($1)", name="seeds") + S)
    client.ready()
    until_equal(lambda: kept(p), [])
    client.send(SEEDED[how])
    client.ready(2 if how == "pipelined" else 1)
    until_equal(lambda: kept(p), ["seed"])
    pid = client.value("select pg_backend_pid()")
    for number in wanted[:2]:
        assert other.value("select random()") not in wanted
        assert client.value("select random()") == number
    client.query("discard all")  # leaves random() as it is
    until_equal(lambda: kept(p), [])
    until_equal(lambda: [row["remote_pid"] for row in p.show("servers") if row["remote_pid"] == pid], [])
    assert client.value("select random()") not in wanted
    assert total(p, "total_keeps_seed") == 1


def test_a_server_is_closed_when_who_has_seeded_it_leaves(pooler):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    client.query("select setseed(0.5)")
    pid = client.value("select pg_backend_pid()")
    client.close()
    assert other.value("select pg_backend_pid()") != pid


BOUND = {
    "backup": ("select pg_backup_start('of mine', true)", "select labelfile ~ 'of mine' from pg_backup_stop(false)", "t"),
    "slot": ("select pg_create_physical_replication_slot('bound', true, true)",
             "select active_pid = pg_backend_pid() from pg_replication_slots where slot_name = 'bound'", "t"),
    "origin": ("select pg_replication_origin_create('bound'); select pg_replication_origin_session_setup('bound')",
               "select pg_replication_origin_session_is_setup()", "t"),
}


@pytest.mark.parametrize("what", BOUND)
def test_what_is_bound_to_a_backend_stays_with_its_client(make_pooler, own_cluster, what):
    """And ends with it, which nothing but the end of the server is sure to do."""
    begins, asks, says = BOUND[what]
    if what == "backup" and own_cluster.sql("show server_version_num")[0][0] < "150000":
        begins, asks = begins.replace("backup_start", "start_backup").replace("true", "true, false"), asks.replace("backup_stop", "stop_backup")
    p = auto(lambda **settings: make_pooler(own_cluster, **settings), pool_size=2)
    client, other = p.raw(user="postgres"), p.raw(user="postgres")
    client.query(begins)
    until_equal(lambda: kept(p), ["backup or replication"])
    pid = client.value("select pg_backend_pid()")
    for _ in range(3):
        assert other.value("select pg_backend_pid()") != pid
    assert client.value(asks) == says
    client.close()
    until_equal(lambda: [row["remote_pid"] for row in p.show("servers") if row["remote_pid"] == pid], [])
    until(lambda: own_cluster.sql("select 1 from pg_replication_slots") == [])
    assert other.value("select pg_replication_origin_session_is_setup()") == "f"


def test_seeds_are_ignored(pooler):
    p = auto(pooler, pool_size=1, seed_state="ignore")
    client, other = p.raw(), p.raw()
    client.query("select setseed(0.5)")
    pid = client.value("select pg_backend_pid()")
    assert other.value("select pg_backend_pid()") == pid
    assert kept(p) == []


LEFTOVERS = {
    "listen a": "LISTEN", "prepare p as select 1": "PREPARE", "declare c cursor with hold for select 1": "a cursor WITH HOLD",
    "create temp table t(a int)": "a temporary object", "select pg_advisory_lock(1)": "an advisory lock",
    "set work_mem = '7MB'": "SET of", "select set_config('my.tenant', '1', false)": "SET of",
    "select 1 as a INTO TEMP t": "a temporary object", "select 1; listen a": "LISTEN", "select lastval()": "currval or lastval",
    "select setseed(0.5)": "setseed", "load 'plpgsql'": "LOAD", "select dblink_connect('a', '')": "dblink_connect",
    "select pg_create_physical_replication_slot('a', true, true)": "a backup",
}
NO_LEFTOVERS = ["select 1", "set local work_mem = '7MB'", "set application_name = 'x'", "select pg_advisory_xact_lock(1)",
                "create temp table t(a int) on commit drop", "reset work_mem", "notify a", "begin", "set timezone = 'UTC'"]


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("text", LEFTOVERS)
def test_session_state_is_refused(pooler, mode, text):
    p = pooler(pool_mode=mode, pool_size=1, on_session_state="error")
    client = p.raw()
    error = client.error(text)
    assert error.sqlstate == "0A000" and LEFTOVERS[text] in error.text and mode in error.text
    assert "pool_mode auto" in error.fields()["H"]
    for name in ("", "named"):
        client.send(P(text, name), B(name=name), E(), S)
        said = client.ready()
        assert [m.sqlstate for m in said if m.kind == "E"] == ["0A000"]
    assert client.value("select 1") == "1"
    client.close()
    p.wait_log(r"client app/app@\S+: closing because")  # what was said before is there
    assert p.log().count("session state in pool_mode") == 1


def test_session_state_fails_its_transaction(pooler):
    p = pooler(pool_mode="transaction", pool_size=1, on_session_state="error")
    client = p.raw()
    client.query("begin")
    client.send(Q("select 1") + Q("listen a") + Q("select 2"))
    said = client.ready(3)
    assert [m.sqlstate for m in said if m.kind == "E"] == ["0A000", "25P02"]
    assert [m.status() for m in said if m.kind == "Z"] == ["T", "E", "E"]
    client.query("rollback")
    assert client.value("select count(*) from pg_listening_channels()") == "0"
    with p.connect() as conn:
        with pytest.raises(Exception, match="keeps no session state: LISTEN"):
            conn.execute("select 1")
            conn.execute("listen a")


@pytest.mark.parametrize("text", NO_LEFTOVERS)
def test_what_leaves_nothing_is_not_refused(pooler, text):
    p = pooler(pool_mode="transaction", pool_size=1, on_session_state="error")
    client = p.raw()
    assert not [m for m in client.query(text) if m.kind == "E"]
    assert "on_session_state" not in p.log()


def test_session_state_is_warned_of_once(pooler):
    p = pooler(pool_mode="transaction", pool_size=1)
    client, other = p.raw(), p.raw()
    client.query("select 1")
    assert "on_session_state" not in p.log()
    for _ in range(2):
        client.query("set work_mem = '7MB'")
        client.query("set work_mem = default")
    other.send(P("prepare p as select 1"), B(), E(), S)
    other.ready()
    p.wait_log(r"session state in pool_mode transaction: PREPARE \(on_session_state\)")
    until_equal(lambda: p.log().count("session state in pool_mode"), 2)
    other.query("deallocate p")


def test_session_state_is_ignored(pooler):
    p = pooler(pool_mode="transaction", pool_size=1, on_session_state="ignore")
    p.raw().query("listen a; unlisten a")
    assert "session state" not in p.log()


@pytest.mark.parametrize("probe", ["always", "never"])
def test_what_the_clients_own_timeout_cuts_short_is_asked_again(make_pooler, fake_server, probe):
    """A statement_timeout that our question does not fit in must not keep a server for its client."""
    def reply(sql):
        if "current_setting" not in sql:
            return fakeserver.complete("SET") + fakeserver.ready()
        if "SET LOCAL statement_timeout TO 0" not in sql and "pg_locks" in sql:
            return fakeserver.error("57014", "canceling statement due to statement timeout") + fakeserver.ready()
        return (fakeserver.row_description("kind", "name", "value") + fakeserver.data_row("v", "statement_timeout", "1ms")
                + fakeserver.complete("SELECT 1") + fakeserver.ready())

    asked = []

    def script(session):
        if session.login():
            session.serve(lambda sql: asked.append(sql) or reply(sql))

    server = fake_server(script)
    p = make_pooler(None, pool_mode="auto", auto_probe=probe, pool_size=1, workers=1,
                    databases={"app": f"host=127.0.0.1 port={server.port} dbname=app"})
    client, other = p.raw(), p.raw()
    client.query("set statement_timeout = 1; select pg_advisory_lock(1)")
    client.query("select pg_advisory_unlock(1)")
    other.query("select 1")  # the one server is free
    assert any('RESET "statement_timeout"' in sql for sql in asked), "what the client has set was learnt"
