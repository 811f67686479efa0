"""pool_mode auto: a server is kept only while something lives in its session alone; settings follow the client."""

import pytest

from rawwire import B, C, D, E, P, Q, S
from waiting import Crew, until_equal

pytestmark = pytest.mark.pgweir


def auto(pooler, **settings):
    settings.setdefault("pool_size", 2)
    settings.setdefault("workers", 1)
    settings.setdefault("listen", "keep")  # the shared listener has tests of its own
    return pooler(pool_mode="auto", **settings)


def kept(p):
    return [row["reasons"] for row in p.show("kept")]


# What keeps a server, and what ends that.
KEEPS = {
    "listen": ("listen a", "unlisten a", "listen"),
    "listen all": ("listen a; listen b", "unlisten *", "listen"),
    "prepare": ("prepare p as select 1", "deallocate p", "prepared statement"),
    "prepare all": ("prepare p as select 1", "deallocate all", "prepared statement"),
    "cursor": ("declare c cursor with hold for select 1", "close c", "cursor with hold"),
    "temp table": ("create temp table t(a int)", "drop table t", "temporary object"),
    "temp view": ("create temp view v as select 1", "drop view v", "temporary object"),
    "temp sequence": ("create temporary sequence s", "drop sequence s", "temporary object"),
    "temp as": ("create temp table t as select 1", "discard temp", "temporary object"),
    "into temp": ("select 1 as a into temp t", "drop table t", "temporary object"),
    "pg_temp": ("create table pg_temp.t(a int)", "drop table pg_temp.t", "temporary object"),
    "pg_temp function": ("create function pg_temp.f() returns int language sql as 'select 1'",
                         "drop function pg_temp.f()", "temporary object"),
    "pg_temp text search": ("create text search configuration pg_temp.c (copy = simple)",
                            "drop text search configuration pg_temp.c", "temporary object"),
    "pg_temp dictionary": ("create text search dictionary pg_temp.d (template = simple)",
                           "drop text search dictionary pg_temp.d", "temporary object"),
    "pg_temp statistics": ("create table k_stats(a int, b int); create statistics pg_temp.s on a, b from k_stats",
                           "drop table k_stats", "temporary object"),
    "pg_temp conversion": ("create conversion pg_temp.c for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8",
                           "drop conversion pg_temp.c", "temporary object"),
    "pg_temp domain": ("create domain pg_temp.d as int", "drop domain pg_temp.d", "temporary object"),
    "pg_temp collation": ('create collation pg_temp.c from "C"', "drop collation pg_temp.c", "temporary object"),
    "pg_temp operator": ("create operator pg_temp.=== (leftarg = int, rightarg = int, function = int4pl)",
                         "drop operator pg_temp.=== (int, int)", "temporary object"),
    "text search on pg_temp": ("set search_path = pg_temp; create text search configuration c (copy = simple)",
                               "drop text search configuration pg_temp.c", "temporary object"),
    "lock": ("select pg_advisory_lock(1)", "select pg_advisory_unlock(1)", "advisory lock"),
    "lock twice": ("select pg_advisory_lock(1), pg_advisory_lock(1)",
                   "select pg_advisory_unlock(1), pg_advisory_unlock(1)", "advisory lock"),
    "lock in DO": ("do $$begin perform pg_advisory_lock(7); end$$", "select pg_advisory_unlock_all()", "advisory lock"),
    "discard": ("create temp table t(a int); listen x; prepare p as select 1", "discard all",
                "listen, prepared statement, temporary object"),
}


@pytest.mark.parametrize("what", KEEPS)
def test_kept_while_it_lives(pooler, what):
    begin, end, reasons = KEEPS[what]
    p = auto(pooler)
    client = p.raw()
    client.query(begin)
    until_equal(lambda: kept(p), [reasons])
    pid = client.value("select pg_backend_pid()")
    others = [p.raw() for _ in range(3)]
    for other in others:
        assert other.value("select pg_backend_pid()") != pid
    client.query(end)
    until_equal(lambda: kept(p), [])
    until_equal(lambda: p.pool()["cl_linked"], "0")


@pytest.mark.parametrize("kind,name,rest", [
    ("operator family", "pg_temp.f using btree", ""),
    ("text search parser", "pg_temp.p", "(start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype)"),
    ("text search template", "pg_temp.t", "(lexize = dsimple_lexize)")])
def test_what_superusers_make_is_kept_too(pooler, kind, name, rest):
    p = auto(pooler)
    client = p.raw(user="postgres")
    client.rows(f"create {kind} {name} {rest}")
    until_equal(lambda: kept(p), ["temporary object"])
    client.rows(f"drop {kind} {name}")
    until_equal(lambda: kept(p), [])


@pytest.mark.parametrize("name", ["dblink_connect", "public.dblink_connect_u"])
def test_a_connection_that_dblink_makes_is_its_client_s_alone(make_pooler, own_cluster, name):
    with own_cluster.connect("app") as conn:
        conn.execute("create extension dblink")
    p = auto(lambda **settings: make_pooler(own_cluster, **settings))
    client = p.raw(user="postgres")
    where = f"host=127.0.0.1 port={own_cluster.port} dbname=app user=postgres"
    client.rows(f"select {name}('mine', '{where}')")
    until_equal(lambda: kept(p), ["dblink connection"])
    pid = client.value("select pg_backend_pid()")
    other = p.raw(user="postgres")
    assert other.rows("select 1 where dblink_get_connections() is not null") == []
    client.rows("discard all")
    assert client.value("select v from dblink('mine', 'select 1') as t(v int)") == "1"
    client.close()
    until_equal(lambda: kept(p), [])
    for another in (other, p.raw(user="postgres")):
        another.rows("begin")
        assert another.rows("select 1 where dblink_get_connections() is not null") == []
        assert another.value("select pg_backend_pid()") != pid


HIDDEN = [
    ("begin; set search_path = pg_temp; create table t(a int); commit", "temporary object"),
    ("begin; set local search_path = pg_temp, public; create table t(a int); commit", "temporary object"),
]


@pytest.mark.parametrize("text", [
    """select U&"set!005fconfig" uescape '!' ('work_mem', '7MB', false)""",
    """explain analyze select pg_catalog.U&"set!005fconfig" uescape '!' ('work_mem', '7MB', false)""",
    """copy (select U&"set!005fconfig" /* ! */ UESCAPE '!' ('work_mem', '7MB', false)) to stdout""",
    """set U&"work!005fmem" uescape '!' = '7MB'"""])
def test_what_a_name_with_an_escape_of_its_own_sets_is_its_client_s(pooler, text):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    client.rows(text)
    assert other.value("show work_mem") == "4MB"
    assert client.value("show work_mem") == "7MB"


def test_what_a_name_with_an_escape_of_its_own_sets_reaches_no_other(pooler):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    client.rows("""select U&"set!005fconfig" uescape '!' ('my.tenant', 'own', false)""")
    assert other.value("select coalesce(current_setting('my.tenant', true), '')") == ""


@pytest.mark.parametrize("text,reasons", HIDDEN)
def test_what_was_just_set_decides_how_a_text_is_read(pooler, text, reasons):
    p = auto(pooler)
    client = p.raw()
    client.query(text)
    until_equal(lambda: kept(p), [reasons])


@pytest.mark.parametrize("steps,reasons", [
    (["begin", "set local search_path = pg_temp", "create table t(a int)", "commit"], "temporary object"),
    (["begin", "set standard_conforming_strings = off", r"select 'x\''; listen a; -- '", "commit"], "listen")])
def test_what_was_set_before_decides_too(pooler, steps, reasons):
    p = auto(pooler)
    client = p.raw()
    for step in steps:
        client.query(step)
    until_equal(lambda: kept(p), [reasons])


@pytest.mark.parametrize("what", KEEPS)
def test_nothing_is_left_for_the_next(pooler, what):
    begin, _, _ = KEEPS[what]
    p = auto(pooler, pool_size=1)
    client = p.raw()
    client.query(begin)
    client.close()
    other = p.raw()
    assert other.value("select count(*) from pg_listening_channels()") == "0"
    assert other.value("select count(*) from pg_prepared_statements") == "0"
    assert other.value("select count(*) from pg_cursors where is_holdable") == "0"
    assert other.value("select count(*) from pg_class where relnamespace = pg_my_temp_schema()") == "0"
    assert other.value("select count(*) from pg_locks where locktype = 'advisory'") == "0"


@pytest.mark.parametrize("text,value", [
    ("set work_mem = '7MB'", "7MB"), ("set work_mem to 7168", "7MB"), ("begin; set work_mem = '7MB'; commit", "7MB"),
    ("select set_config('work_mem', '7' || 'MB', false)", "7MB"), ("begin; set work_mem = '7MB'; rollback", "4MB"),
    ("begin; set local work_mem = '7MB'; commit", "4MB"),
    ("do $$begin perform set_config('work_mem', '7MB', false); end$$", "7MB"),
    ("begin; savepoint a; set work_mem = '7MB'; rollback to a; commit", "4MB"),
    ("set work_mem = '7MB'; reset work_mem", "4MB"), ("set work_mem = '7MB'; reset all", "4MB"),
    ("set work_mem = '7MB'; discard all", "4MB")])
def test_settings_follow(pooler, text, value):
    p = auto(pooler, pool_size=2)
    client, other = p.raw(), p.raw()
    for part in ([text] if "discard" not in text else text.split("; ")):
        client.query(part)
    until_equal(lambda: kept(p), [])
    for _ in range(3):
        other.query("begin; select 1")  # takes the server that the client had
        assert client.value("show work_mem") == value
        assert other.value("show work_mem") == "4MB"
        other.query("commit")
        assert other.value("show work_mem") == "4MB"


MANY = {
    "custom": [f"many.n{n}" for n in range(20)],
    "known": ["lock_timeout", "join_collapse_limit", "from_collapse_limit", "geqo_threshold", "geqo_effort", "geqo_pool_size",
              "geqo_generations", "gin_fuzzy_search_limit", "vacuum_cost_limit", "vacuum_cost_page_hit",
              "vacuum_cost_page_miss", "default_statistics_target", "effective_cache_size", "gin_pending_list_limit",
              "temp_buffers", "maintenance_work_mem", "work_mem", "statement_timeout"],
}


@pytest.mark.parametrize("what", MANY)
def test_many_settings_of_one_transaction_follow_and_reach_no_other(pooler, what):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    values = {name: {"geqo_effort": "7", "extra_float_digits": "2"}.get(name, str(2000 + n)) for n, name in enumerate(MANY[what])}
    said = client.query("begin; " + "; ".join(f"set {name} = {value}" for name, value in values.items()) + "; commit")
    assert [m.text for m in said if m.kind == "E"] == []
    shown = {name: client.value(f"show {name}") for name in values}
    for name in values:
        assert other.value(f"select coalesce(current_setting('{name}', true), '')") != shown[name]
    assert {name: client.value(f"show {name}") for name in values} == shown


@pytest.mark.parametrize("how", ["simple", "extended", "parameters"])
def test_many_settings_of_one_statement_follow(pooler, how):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    values = [str(n) for n in range(20)]
    given = [f"${n + 1}" if how == "parameters" else f"'{value}'" for n, value in enumerate(values)]
    text = "select " + ", ".join(f"set_config('one.n{n}', {value}, false)" for n, value in enumerate(given))
    client.send(Q(text) if how == "simple" else P(text) + B(*(values if how == "parameters" else ())) + E() + S)
    assert [m.text for m in client.ready() if m.kind == "E"] == []
    assert {other.value(f"select coalesce(current_setting('one.n{n}', true), '')") for n in range(20)} == {""}
    assert [client.value(f"show one.n{n}") for n in range(20)] == values


@pytest.mark.parametrize("name", ["my.größe", '"my.größe"', '"a.b$c"', "a.b.c", "a.b3"])
def test_a_setting_of_any_name_reaches_no_other(pooler, name):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    said = client.query(f"set {name} = 'own'")
    assert [m.text for m in said if m.kind == "E"] == []
    plain = name.replace('"', "")
    assert other.value(f"select coalesce(current_setting('{plain}', true), '')") == ""


def test_tenants_are_kept_apart(pooler):
    p = auto(pooler, pool_size=1)
    clients = [p.raw() for _ in range(4)]
    for i, client in enumerate(clients):
        client.query(f"select set_config('my.tenant', '{i}', false)")
    for _ in range(3):
        for i, client in enumerate(clients):
            assert client.value("select current_setting('my.tenant')") == str(i)
    fresh = p.raw()
    assert fresh.value("select coalesce(current_setting('my.tenant', true), '')") == ""


def test_search_path_and_role_follow(pooler):
    p = auto(pooler, pool_size=1)
    p.raw().query("create schema if not exists s_auto")
    client, other = p.raw(), p.raw()
    client.query("set search_path = s_auto, public")
    assert other.value("show search_path") == '"$user", public'
    assert client.value("show search_path") == "s_auto, public"
    client.query("reset search_path")
    assert client.value("show search_path") == '"$user", public'


def test_clients_whose_settings_differ_take_turns(pooler):
    """A server that was set up for a client is its own until it was asked something."""
    p = auto(pooler, pool_size=1)
    clients = [p.raw(options=f"-c search_path=s{i}") for i in range(4)]
    for _ in range(10):
        for client in clients:
            client.send(Q("show search_path"))
        for i, client in enumerate(clients):
            assert [m.row() for m in client.ready() if m.kind == "D"] == [[f"s{i}"]]


def test_set_that_cannot_be_done_breaks_nobody(pooler):
    """A setting that was only asked for is not given to other servers, nor taken back from this one."""
    p = auto(pooler, pool_size=1)
    a, b = p.raw(), p.raw()
    assert a.error("set block_size = 1").sqlstate == "55P02"
    assert a.error("set shared_buffers = '1MB'").sqlstate == "55P02"
    assert b.value("select 1") == "1"
    assert a.value("select 2") == "2"


def test_reset_gives_what_was_asked_for(pooler):
    p = auto(pooler, pool_size=1)
    a, b = p.raw(options="-c search_path=mine"), p.raw()
    for reset in ("reset search_path", "set search_path to default", "reset all"):
        a.query("set search_path = other")
        a.query(reset)
        assert b.value("show search_path") == '"$user", public'
        assert a.value("show search_path") == "mine"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("text", [
    "set my.secret = 'hush'", "select set_config('my.secret', 'hush', false)", "begin; set local my.secret = 'hush'; commit",
    "begin; set my.secret = 'hush'; rollback", "set my.secret = 'hush'; reset my.secret", "set my.secret = 'hush'; discard all",
    "do $$ begin perform set_config('my.secret', 'hush', false); end $$",
    "do $$ begin perform set_config('my.' || 'secret', 'hush', false); end $$"])
def test_custom_setting_of_another_client_is_empty_or_unknown(pooler, text, workers):
    """That somebody has set it on that server shows, as PostgreSQL keeps the name; what it was set to never does."""
    p = pooler(pool_mode="auto", pool_size=1, max_overflow=0, workers=workers)
    owner, other = p.raw(), p.raw()
    assert other.error("show my.secret").sqlstate == "42704"
    for statement in text.split("; ") if text.startswith("set") else [text]:
        owner.query(statement)
    for _ in range(2):
        assert other.value("select coalesce(current_setting('my.secret', true), '')") == ""
        assert other.value("show my.secret") == ""
        assert other.value("select current_setting('my.secret')") == ""
        owner.query("select current_setting('my.secret', true)")
    owner.close()
    assert p.raw().value("show my.secret") == ""


def test_custom_setting_among_unread_ones(pooler):
    """Whatever else was done in its transaction, a custom setting is asked for."""
    p = auto(pooler, pool_size=1)
    a, b = p.raw(), p.raw()
    a.query("reset all; set my.among_others = 'a'")
    assert b.value("select current_setting('my.among_others', true)") in (None, "")
    assert a.value("show my.among_others") == "a"


def test_clients_of_other_settings_do_not_starve_each_other(pooler):
    p = auto(pooler, pool_size=1)
    clients = [p.raw() for _ in range(3)]
    for i, client in enumerate(clients):
        client.query(f"set search_path = s{i}")

    def ask(i):
        for _ in range(50):
            assert clients[i].value("show search_path") == f"s{i}"

    with Crew() as crew:
        for i in range(3):
            crew.start(ask, i)


def prepares(client, name="a", sql="select 1"):
    client.send(P(sql, name), S)
    assert [m.kind for m in client.ready()] == ["1", "Z"]


def runs(client, name="a"):
    client.send(B(name=name), E(), S)
    return [m.row()[0] if m.kind == "D" else m.sqlstate for m in client.ready() if m.kind in "DE"]


def test_a_stranger_deallocates_all(pooler):
    p = auto(pooler, pool_size=1)
    client, stranger = p.raw(), p.raw()
    prepares(client)
    stranger.query("deallocate all")
    assert runs(client) == ["1"]


def test_what_follows_a_failed_query_is_prepared(pooler):
    client = auto(pooler, pool_size=1).raw()
    prepares(client, "b")
    client.send(Q("select 1/0"), P("select 2", "a"), S)
    client.ready(2)
    assert runs(client) == ["2"]


@pytest.mark.parametrize("text,left", [("deallocate a; select 1/0", ["26000"]), ("select 1/0; deallocate a", ["1"])])
def test_deallocate_in_a_text_that_fails(pooler, text, left):
    client = auto(pooler, pool_size=1).raw()
    prepares(client)
    client.query(text)
    assert runs(client) == left


@pytest.mark.parametrize("text", ["deallocate all", "discard all"])
def test_prepared_anew_behind_all_that_is_forgotten(pooler, text):
    client = auto(pooler, pool_size=1).raw()
    prepares(client)
    client.send(Q(text), P("select 2", "a"), S)
    assert "E" not in [m.kind for m in client.ready(2)]
    assert runs(client) == ["2"]


def test_an_older_statement_is_back_when_its_end_was_skipped(pooler):
    client = auto(pooler, pool_size=1).raw()
    prepares(client)
    client.send(P("selec"), C("S", "a"), P("select 2", "a"), S, B(name="a"), E(), S)
    assert [m.row() for m in client.ready(2) if m.kind == "D"] == [["1"]]


def test_the_unnamed_statement_of_a_refused_parse_is_gone(pooler):
    client = auto(pooler, pool_size=1).raw()
    client.query("begin")
    client.send(P("selec"), S)
    client.ready()
    client.send(D("S"), S)
    assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["26000"]


def test_a_parse_refused_after_its_client_left(pooler):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    client.send(P("select pg_sleep(0.3)"), B(), E(), P("select 1 from nowhere", "x"), P("select 5", "a"), S)
    client.close()
    prepares(other, "a", "select 5")
    assert runs(other) == ["5"]


def test_the_unnamed_statement_ends_with_a_query_behind_a_batch_that_fails(pooler):
    client = auto(pooler, pool_size=1).raw()
    client.send(P(""), S)
    client.ready()
    client.send(E(), C("S"), S, Q("select 1"), D("S"), S)
    assert [m.sqlstate for m in client.ready(3) if m.kind == "E"] == ["34000", "26000"]


def test_the_unnamed_statement_of_the_part_that_was_carried_out(pooler):
    client = auto(pooler, pool_size=1).raw()
    client.send(P("select 1"), P("select 2"), E("nowhere"), P("select 3"), S, B(), E(), S)
    assert [m.row() for m in client.ready(2) if m.kind == "D"] == [["2"]]


def test_a_name_whose_end_was_skipped_is_there_for_the_next_batch(pooler):
    client = auto(pooler, pool_size=1).raw()
    prepares(client)
    client.send(E("nowhere"), C("S", "a"), S, P("select 2", "a"), S)
    assert [m.sqlstate for m in client.ready(2) if m.kind == "E"] == ["34000", "42P05"]


@pytest.mark.parametrize("name", ["a", ""])
def test_what_could_not_be_prepared_again_amid_a_failed_batch(pooler, name):
    """The pooler's own Parse was skipped together with what it was for; the next batch is already there."""
    p = auto(pooler, pool_size=1)
    client, stranger = p.raw(), p.raw()
    prepares(client, name)
    stranger.query("deallocate all")
    prepares(stranger, "", "select 'not yours'")
    client.send(E("nowhere"), B(name=name), E(), S, B(name=name), E(), S)
    assert [m.row() for m in client.ready(2) if m.kind == "D"] == [["1"]]


def test_no_unnamed_statement_of_a_strangers(pooler):
    p = auto(pooler, pool_size=1)
    client, stranger = p.raw(), p.raw()
    client.send(P("select 1"), C("S"), S)
    client.ready()
    prepares(stranger, "", "select 'not yours'")
    client.send(E("nowhere"), B(), E(), S, B(), E(), S)
    assert [m.sqlstate or m.row() for m in client.ready(2) if m.kind in "ED"] == ["34000", "26000"]


def test_a_name_lent_for_a_moment_is_nobody_elses(pooler):
    """For a Parse of a name that is there the server gets that name; another client's settings come first after it."""
    p = auto(pooler, pool_size=1)
    client, stranger = p.raw(), p.raw(application_name="another")
    prepares(client)
    client.send(P("select 2", "a"), S)
    assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["42P05"]
    stranger.send(D("S", "a"), S)
    assert [m.sqlstate for m in stranger.ready() if m.kind == "E"] == ["26000"]


def test_deallocate_behind_deallocate_all(pooler):
    client = auto(pooler, pool_size=1).raw()
    prepares(client)
    client.send(Q("deallocate all"), Q("deallocate a"))
    assert [m.sqlstate for m in client.ready(2) if m.kind == "E"] == ["26000"]


@pytest.mark.parametrize("text,left", [
    ("savepoint s; deallocate a; deallocate b", ["1", "2"]), ("deallocate a; select 1/0; deallocate b", ["26000", "2"]),
    ("deallocate a; deallocate b; select 1/0", ["26000", "26000"])])
def test_used_behind_a_text_that_fails(pooler, text, left):
    client = auto(pooler, pool_size=1).raw()
    prepares(client)
    prepares(client, "b", "select 2")
    client.send(Q(text), B(name="a"), E(), S, B(name="b"), E(), S)
    said = client.ready(3)
    first = next(i for i, m in enumerate(said) if m.kind == "Z")
    assert [m.sqlstate or m.row()[0] for m in said[first:] if m.kind in "ED"] == left


def test_deallocate_that_was_not_even_bound(pooler):
    client = auto(pooler, pool_size=1).raw()
    prepares(client)
    client.send(P("deallocate a"), P("selec", "b"), S)
    client.ready()
    client.send(B("too many"), S)
    assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["08P01"]
    assert runs(client) == ["1"]


@pytest.mark.timeout(300)
def test_names_that_are_there_already_a_thousand_times_over(pooler):
    p = auto(pooler, pool_size=1)
    client = p.raw()
    prepares(client)
    for _ in range(40):
        client.send(*[P("select 1", "a") + S for _ in range(1000)])
    got = client.ready(40000)
    assert {m.sqlstate for m in got if m.kind == "E"} == {"42P05"}
    assert runs(client) == ["1"]
    assert p.raw().value("select count(*) from pg_prepared_statements where name = 'a'") == "0"


def test_a_name_that_is_there_behind_settings_of_ours(pooler):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw(application_name="other")
    client.send(P("select 1", "a"), S)
    client.ready()
    for _ in range(3):
        client.send(P("select 2", "a"), S)
        assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["42P05"]
        assert other.value("show application_name") == "other"
    assert client.query("deallocate a")[-1].status() == "I"
    assert other.value("show application_name") == "other"
    client.send(P("select 3", "a"), B(name="a"), E(), S)
    assert [m.row() for m in client.ready() if m.kind == "D"] == [["3"]]


def test_many_statements_in_one_batch_that_fails(pooler):
    client = auto(pooler, pool_size=1).raw()
    prepares(client, "b")
    client.send(P("selec"), *[P("select 1", f"n{i}") for i in range(15000)], S)
    assert [m.kind for m in client.ready()] == ["E", "Z"]
    assert runs(client, "n7") == ["26000"]
    client.send(*[P("select 1", f"n{i}") for i in range(15000)], S, *[C("S", f"n{i}") for i in range(15000)], S)
    assert {m.kind for m in client.ready(2)} == {"1", "3", "Z"}
    assert runs(client, "b") == ["1"]


def test_what_is_sent_behind_discard_all_is_seen(pooler):
    p = auto(pooler, pool_size=1)
    client = p.raw()
    client.query("listen b")
    client.send(Q("discard all"), Q("listen a"))
    client.ready(2)
    until_equal(lambda: kept(p), ["listen"])
    client.close()
    assert p.raw().value("select count(*) from pg_listening_channels()") == "0"


@pytest.mark.parametrize("text", ["set transaction_isolation = serializable",
                                  "begin; set transaction isolation level serializable; commit",
                                  "begin; reset all; set transaction_read_only = on; commit and chain; commit"])
def test_what_cannot_be_set_again_follows_nobody(pooler, text):
    p = auto(pooler, pool_size=1)
    a, b = p.raw(options="-c search_path=mine"), p.raw()
    a.query(text)
    assert b.value("show transaction_isolation") == "read committed"
    assert a.value("select 1") == "1"
    assert b.value("select 2") == "2"


@pytest.mark.parametrize("how", ["do", "function", "trusted"])
def test_what_unknown_code_has_set_is_for_nobody_else(pooler, how):
    """A setting of somebody's own that no text names cannot be asked for: it is reset, at the latest for the next."""
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    if how == "do":
        client.query("do $$begin perform set_config('un' || 'known.x', 'secret', false); end$$")
    else:
        client.query("create or replace function hidden_set(n int) returns int language plpgsql as "
                     "$$begin if n > 0 then perform set_config('un' || 'known.x', 'secret', false); end if; "
                     "return n; end$$")
        for _ in range(20 if how == "trusted" else 0):
            client.query("select hidden_set(0)")
        client.query("select hidden_set(1)")
    assert other.value("select coalesce(current_setting('unknown' || '.x', true), '')") == ""
    assert other.value("select 1") == "1"


@pytest.mark.parametrize("prepare, execute", [
    ("prepare s(text) as select set_config('my.executed', $1, false)", "execute s('mine')"),
    ("prepare s as select set_config('my.executed', 'mine', false)", "execute s"),
    ("prepare s as select set_config('my.executed', 'mine', false)", "explain analyze execute s")])
def test_custom_setting_that_execute_sets_follows_its_client(pooler, prepare, execute):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    client.query(prepare)
    client.query(execute)
    client.query("deallocate s")
    assert other.value("select coalesce(current_setting('my.executed', true), '')") == ""
    assert client.value("select current_setting('my.executed', true)") == "mine"


@pytest.mark.parametrize("steps", [
    ["prepare s (text) as select set_config('my.hidden', $1, false)", "execute s('secret')", "deallocate s"],
    ["prepare s as select set_config('my.hidden', 'secret', false)", "execute s", "deallocate s"],
    ["select set_config('my.' || 'hidden', 'secret', false)"]])
def test_what_no_statement_names_is_for_nobody_else(pooler, steps):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    for step in steps:
        client.query(step)
    assert other.value("select coalesce(current_setting('my.' || 'hidden', true), '')") == ""


def test_what_execute_has_set_follows(pooler):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    for step in ("prepare s (text) as select set_config('work_mem', $1, false)", "execute s('7MB')", "deallocate s"):
        client.query(step)
    assert other.value("show work_mem") == "4MB"
    assert client.value("show work_mem") == "7MB"


@pytest.mark.parametrize("leaves,seen", [
    ("perform pg_advisory_lock(77)",
     "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"),
    ("create temp table sweep_t(a int)", "select count(*) from pg_class where relname = 'sweep_t'"),
    ("execute 'listen sweep'", "select count(*) from pg_listening_channels()"),
    ("execute 'declare sweep cursor with hold for select 1'", "select count(*) from pg_cursors"),
    ("perform set_config('work_mem', '7MB', false)", "select count(*) from pg_settings where setting = '7168'"),
])
@pytest.mark.parametrize("how", ["trusted", "never"])
def test_what_nobody_has_asked_about_is_swept(pooler, leaves, seen, how):
    """A function that was found clean so often that it is not asked about any more, and then leaves something."""
    p = auto(pooler, pool_size=1, auto_probe="never" if how == "never" else "suspicious")
    client, other = p.raw(), p.raw()
    client.query("create or replace function sweep_it(n int) returns int language plpgsql as "
                 f"$$begin if n > 0 then {leaves}; end if; return n; end$$")
    for _ in range(20 if how == "trusted" else 0):
        client.query("select sweep_it(0)")
    client.query("select sweep_it(1)")
    assert kept(p) == []
    assert other.value(seen) == "0"
    assert other.value("select 1") == "1"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_setting_that_only_a_function_names_follows(pooler, workers):
    p = auto(pooler, workers=workers)
    admin = p.raw()
    admin.query("create or replace function own_tenant(t text) returns text language sql as "
                "$$select set_config('own_app.tenant', t, false)$$;"
                "create or replace function own_tenant_too(t text) returns text language plpgsql as "
                "$$begin execute format('set own_too.tenant = %L', t); return t; end$$")
    clients = [p.raw() for _ in range(4)]
    for n, client in enumerate(clients):
        client.query(f"select own_tenant('t{n}'), own_tenant_too('u{n}')")
    for _ in range(3):
        for n, client in enumerate(clients):
            assert client.rows("select current_setting('own_app.tenant'), current_setting('own_too.tenant')") == \
                [[f"t{n}", f"u{n}"]]


@pytest.mark.parametrize("code", ["perform set_config('in_do.x', 'own', false)", "set in_do.x = 'own'",
                                  "execute 'set in_do.x = ''own'''"])
def test_a_setting_that_only_a_do_names_follows(pooler, code):
    p = auto(pooler, pool_size=1)
    client, other = p.raw(), p.raw()
    client.query(f"do $$begin {code}; end$$")
    for _ in range(2):
        assert other.value("select coalesce(current_setting('in_do.x', true), '')") == ""
        assert client.value("show in_do.x") == "own"


def test_a_client_gets_the_server_that_it_had(pooler):
    """Its statement is prepared there, and its settings are set."""
    p = auto(pooler, pool_size=2)
    clients = [p.raw(application_name=f"own{n}") for n in range(2)]
    pids = []
    for client in clients:
        client.send(P("select pg_backend_pid(), current_setting('application_name')", "own"), S)
        client.ready()
        pids.append(client.query("begin; select pg_backend_pid()")[2].row()[0])
    for client in clients:
        client.query("commit")
    assert pids[0] != pids[1]
    rounds = []
    for _ in range(4):
        for n, client in enumerate(clients):
            client.send(B(name="own"), E(), S)
            assert [m.row() for m in client.ready() if m.kind == "D"] == [[pids[n], f"own{n}"]]
        rounds.append(next(row["value"] for row in p.show("totals") if row["name"] == "total_server_parse_count"))
    assert len(set(rounds[1:])) == 1


def test_temp_buffers_follow_past_servers_that_take_none(pooler):
    """Where somebody has had a temporary table they cannot be changed any more."""
    p = auto(pooler)
    client, maker, other = p.raw(), p.raw(), p.raw()
    client.rows("begin")
    client.rows("select 1")
    maker.rows("create temp table tt(a int)")
    maker.rows("insert into tt values (1)")
    client.rows("commit")
    client.rows("set temp_buffers = 200")
    maker.rows("drop table tt")
    until_equal(lambda: kept(p), [])
    maker.rows("begin")
    worn = maker.value("select pg_backend_pid()")
    other.rows("begin")
    other.rows("select 1")
    maker.rows("commit")
    assert client.value("show temp_buffers") == "1600kB"
    assert client.value("select pg_backend_pid()") != worn
    other.rows("commit")


def wear(p):
    """Both servers of the pool have had a temporary table; their pids."""
    makers = [p.raw(), p.raw()]
    for maker in makers:
        maker.rows("create temp table tt(a int)")
        maker.rows("insert into tt values (1)")
    worn = {maker.value("select pg_backend_pid()") for maker in makers}
    for maker in makers:
        maker.rows("drop table tt")
    until_equal(lambda: kept(p), [])
    assert len(worn) == 2
    return worn


ASKS_FOR_BUFFERS = {
    "simple": lambda c: c.query("set temp_buffers = 200"),
    "upper case": lambda c: c.query("/* _ */ SET TEMP_BUFFERS = 200"),
    "extended": lambda c: (c.send(P("set temp_buffers = 200"), B(), E(), S), c.ready())[1],
    "begin later": lambda c: c.query("begin") and c.query("set temp_buffers = 200") + c.query("commit"),
    "in one": lambda c: c.query("begin; set temp_buffers = 200; commit"),
    "function": lambda c: c.query("select set_config('temp_buffers', '200', false)"),
    "other settings": lambda c: c.query("set work_mem = '5MB'; set application_name = 'x'") +
    c.query("set temp_buffers = 200"),
}


@pytest.mark.parametrize("how", ASKS_FOR_BUFFERS)
def test_temp_buffers_are_set_where_nobody_had_temporary_tables(pooler, how):
    p = auto(pooler, max_overflow=0)
    worn = wear(p)
    client = p.raw()
    assert [m.text for m in ASKS_FOR_BUFFERS[how](client) if m.kind == "E"] == []
    assert client.value("show temp_buffers") == "1600kB"
    assert client.value("select pg_backend_pid()") not in worn


def test_temp_buffers_can_be_a_startup_option(pooler):
    p = auto(pooler, max_overflow=0)
    worn = wear(p)
    with p.raw(options="-c temp_buffers=200") as client:
        assert client.value("show temp_buffers") == "1600kB"
        assert client.value("select pg_backend_pid()") not in worn


def test_temp_buffers_are_refused_as_in_a_session(pooler):
    """Who has had temporary tables itself, and has them still, is told what PostgreSQL says."""
    p = auto(pooler)
    client = p.raw()
    client.rows("create temp table tt(a int)")
    client.rows("insert into tt values (1)")
    assert client.error("set temp_buffers = 200").sqlstate == "22023"
    assert client.value("select count(*) from tt") == "1"


PID = "select pg_backend_pid()"


def hold(p, pid):
    """A transaction on that server: whoever used it goes on to another."""
    takers = []
    while not takers or takers[-1].value(PID) != pid:
        takers.append(p.raw())
        takers[-1].rows("begin")
    for taker in takers[:-1]:
        taker.close()


TRGM = "pg_trgm.similarity_threshold"


@pytest.mark.parametrize("on_first,wanted", [([f"set {TRGM} = 0.9"], "0.9"), ([f"set {TRGM} = 0.9", f"reset {TRGM}"], "0.3"),
                                             ([f"begin; set {TRGM} = 0.9; rollback"], "0.3")])
def test_a_setting_of_an_extension_that_one_server_does_not_know_yet(make_pooler, own_cluster, on_first, wanted):
    """There it is a name like any other, empty once somebody has set it; where it is known that is no value."""
    own_cluster.in_app("create extension pg_trgm")
    p = auto(lambda **settings: make_pooler(own_cluster, **settings))
    other, client, loader = p.raw(), p.raw(), p.raw()
    for text in on_first:
        other.rows(text)
    pid = other.value(PID)
    client.rows("do $$ begin perform set_config('my.own', 'mine', false); end $$")  # on the same: anything may be set there
    assert client.value(PID) == pid
    hold(p, pid)
    loader.value("select similarity('a', 'b')")
    assert other.value(f"show {TRGM}") == wanted
    assert client.value(f"show {TRGM}") == "0.3"
    assert client.value("select current_setting('my.own')") == "mine"
    assert other.notices == client.notices == []


@pytest.mark.parametrize("name", ["my.tenant", "my.mine", "plpgsql.extra_errors"])
def test_a_value_that_is_empty_follows_its_client(make_pooler, own_cluster, name):
    """Whatever the server begins with, and an extension's text settings too."""
    own_cluster.sql("alter role app set my.tenant = 'of the role'")
    p = auto(lambda **settings: make_pooler(own_cluster, **settings))
    client = p.raw()
    client.rows("do $$ begin end $$")
    for value in ("all", ""):
        client.rows(f"set {name} = '{value}'")
    hold(p, client.value(PID))
    p.raw().rows("do $$ begin end $$")  # plpgsql is known there too
    assert client.value(f"select current_setting('{name}')") == ""


@pytest.mark.parametrize("text,name", [("set session_replication_role = replica", "session_replication_role"),
                                       ("set log_statement = 'all'", "log_statement"),
                                       ("set zero_damaged_pages = on", "zero_damaged_pages")])
def test_what_only_superusers_set_follows_one_that_has_taken_a_role(pooler, text, name):
    """Who has the server next does not keep it either; nor does the role keep anybody from setting such things again."""
    p = auto(pooler)
    client, other = p.raw(user="postgres"), p.raw(user="postgres")
    asks = f"select current_user, current_setting('{name}')"
    [usual] = other.rows(asks)
    client.rows(text)
    client.rows("set role app")
    [mine] = client.rows(asks)
    assert mine[0] == "app" and mine[1] != usual[1]
    for _ in range(2):
        assert other.rows(asks) == [usual]  # on the client's server
        other.rows("set role third")
        assert other.rows(asks) == [["third", usual[1]]]
        assert client.rows(asks) == [mine]
        other.rows("begin")
        assert other.rows(asks) == [["third", usual[1]]]
        assert client.rows(asks) == [mine]  # on the other
        other.rows("commit")
        other.rows("reset role")
    assert kept(p) == []


def test_a_setting_that_may_be_made_no_more_harms_no_other(make_pooler, own_cluster):
    """A right may be lost, or what is named dropped: another client hears nothing, and who has set it what was refused."""
    if own_cluster.sql("show server_version_num")[0][0] < "150000":
        pytest.skip("rights to set parameters are new in PostgreSQL 15")
    own_cluster.sql("create role gone; grant gone to app")
    own_cluster.sql("grant set on parameter log_min_messages to app")
    # one server, which all three have in turn: a second one may not have heard of what was set
    p = auto(lambda **settings: make_pooler(own_cluster, **settings), pool_size=1, max_overflow=0)
    client, member, other = p.raw(), p.raw(), p.raw()
    client.rows("set log_min_messages = 'error'")
    own_cluster.sql("revoke set on parameter log_min_messages from app")
    assert other.value("show log_min_messages") == "warning"
    member.rows("set role gone")
    own_cluster.sql("drop role gone")
    assert other.value("select current_user") == "app"
    for who, what in ((client, 'set parameter "log_min_messages"'), (member, 'role "gone" does not exist')):
        who.send(Q("select 1"))
        [error] = [m for m in who.rest() if m.kind == "E"]
        assert (error.severity, error.sqlstate) == ("FATAL", "08006") and what in error.text
