"""pool_mode auto: a server is kept only while something lives in its session alone; settings follow the client."""

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


HIDDEN = [
    ("begin; set search_path = pg_temp; create table t(a int); commit", "temporary object"),
    ("begin; set local search_path = pg_temp, public; create table t(a int); commit", "temporary object"),
]


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
        other.query("begin")  # takes the server that the client had
        assert client.value("show work_mem") == value
        assert other.value("show work_mem") == "4MB"
        other.query("commit")
        assert other.value("show work_mem") == "4MB"


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


def test_custom_setting_among_unread_ones(pooler):
    """Whatever else was done in its transaction, a custom setting is asked for."""
    p = auto(pooler, pool_size=1)
    a, b = p.raw(), p.raw()
    a.query("reset all; set my.among_others = 'a'")
    assert b.value("select current_setting('my.among_others', true)") in (None, "")
    assert a.value("show my.among_others") == "a"
