"""The shared listener (listen = shared): who listens in pool_mode auto holds no server, and misses nothing.

Notifications are numbered by who sends them, so that each client can say whether it heard all from its LISTEN
on, once and in order.
"""

import asyncio
import os
import re
import signal
import struct

import pytest

from rawwire import B, D, E, H, P, Q, S
from waiting import Crew, all_at_once, until, until_equal

pytestmark = pytest.mark.pgweir


def stream(cluster, crew, sent):
    """Sends numbers to channel a, one behind the other, and notes them, until the crew is to stop."""
    with cluster.connect() as direct:
        while not crew.stop.is_set():
            sent.append(len(sent))
            direct.execute(f"notify a, '{sent[-1]}'")


def shared(pooler, **settings):
    settings.setdefault("pool_size", 4)
    settings.setdefault("workers", 1)
    return pooler(**{"pool_mode": "auto", **settings})


def heard(message):
    """Channel and payload of a NotificationResponse."""
    channel, payload, rest = message.body[4:].split(b"\0")
    assert rest == b""
    return channel.decode(), payload.decode()


def notes(messages):
    return [heard(m) for m in messages if m.kind == "A"]


def away(p):
    """How many clients hear from a shared listener."""
    return sum(int(row["clients"]) for row in p.show("listeners"))


def is_free(p, count):
    """All servers but the listener are idle, and so many clients hear from it."""
    return away(p) == count and p.show("kept") == []


def read_notes(client, count):
    return [heard(client.read_until("A")[-1]) for _ in range(count)]


def listening(p, *channels, user="app", **keys):
    client = p.raw(user=user, **keys)
    for channel in channels:
        client.query(f"listen {channel}")
    return client


# ---- what PostgreSQL promises -----------------------------------------------------------------------


@pytest.mark.parametrize("split", [0, 1])
@pytest.mark.parametrize("workers", [1, 3])
def test_it_hears_and_holds_no_server(pooler, cluster, workers, split):
    p = shared(pooler, workers=workers)
    clients = [listening(p, "a", split=split) for _ in range(6)]
    until(lambda: is_free(p, 6))
    other = p.raw()
    for n in range(20):
        other.query(f"notify a, '{n}'")
    for client in clients:
        assert read_notes(client, 20) == [("a", str(n)) for n in range(20)]
        assert client.value("select 1") == "1"
    until(lambda: is_free(p, 6))
    assert len({row["server_pid"] for row in p.show("listeners")}) == 1


def test_the_pid_is_that_of_who_notified(pooler, cluster):
    p = shared(pooler)
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    with cluster.connect() as direct:
        direct.execute("notify a, 'x'")
        got = client.read_until("A")[-1]
        assert struct.unpack_from("!I", got.body)[0] == direct.info.backend_pid


@pytest.mark.parametrize("mode,how", [("auto", "shared"), ("auto", "keep"), ("session", "shared")])
def test_its_own_have_the_pid_that_it_was_given(pooler, cluster, mode, how):
    """So libpq's users tell them from those of others: be_pid is PQbackendPID()."""
    p = shared(pooler, listen=how, pool_mode=mode, pool_size=4)
    client, other = listening(p, "a"), listening(p, "a")
    for text in "notify a, 'x'", f"select pg_notify('a', repeat('y', {7999 - len('a')}))", "listen a; notify a; notify a, 'z'":
        said = [m for m in client.query(text) if m.kind == "A"]
        assert {struct.unpack_from("!I", m.body)[0] for m in said} == {client.pid}
        for note in said:
            got = other.read_until("A")[-1]
            assert got.body[4:] == note.body[4:]
            assert struct.unpack_from("!I", got.body)[0] not in (client.pid, other.pid)


@pytest.mark.parametrize("name, quoted", [
    ("a", "A"), ("A b", '"A b"'), ('q"q', '"q""q"'), ("x" * 63, "x" * 70), ("ü" * 31, '"' + "ü" * 40 + '"')])
def test_names_are_as_postgresql_has_them(pooler, name, quoted):
    p = shared(pooler)
    client = listening(p, quoted)
    until(lambda: is_free(p, 1))
    assert client.rows("select * from pg_listening_channels()") == [[name]]
    until(lambda: is_free(p, 1))
    p.raw().rows("select pg_notify('%s', 'here')" % name)
    assert read_notes(client, 1) == [(name, "here")]


def test_a_rollback_undoes_it(pooler):
    p = shared(pooler)
    client = listening(p, "a", "b")
    until(lambda: is_free(p, 1))
    for sql in ("begin", "unlisten a", "listen c", "rollback"):
        client.query(sql)
    until(lambda: is_free(p, 1))
    for sql in ("begin", "savepoint s", "unlisten *", "listen c", "rollback to s", "listen d", "commit"):
        client.query(sql)
    until(lambda: is_free(p, 1))
    client.query("begin; unlisten *; select 1/0")
    client.query("rollback")
    until(lambda: is_free(p, 1))
    other = p.raw()
    other.query("notify a; notify b; notify c; notify d; notify a, 'last'")
    assert [c for c, _ in read_notes(client, 4)] == ["a", "b", "d", "a"]
    assert sorted(r[0] for r in client.rows("select pg_listening_channels()")) == ["a", "b", "d"]


ENDS = {
    "unlisten": ["unlisten a"],
    "unlisten all": ["unlisten *"],
    "discard all": ["discard all"],
    "in a block": ["begin", "unlisten a", "commit"],
    "several": ["select 1; unlisten a; select 2"],
    "in a function": ["do $$begin execute 'unlisten a'; end$$"],
}


@pytest.mark.parametrize("how", ENDS)
def test_unlisten_ends_it(pooler, how):
    p = shared(pooler)
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    for sql in ENDS[how]:
        client.query(sql)
    other = p.raw()
    other.query("notify a, 'unheard'")
    assert client.rows("select * from pg_listening_channels()") == []
    client.query("listen b")
    other.query("notify a; notify b, 'heard'")
    until(lambda: is_free(p, 1))
    assert read_notes(client, 1) == [("b", "heard")]


@pytest.mark.parametrize("split", [0, 1])
def test_listen_and_unlisten_in_the_extended_protocol(pooler, split):
    p = shared(pooler)
    client = p.raw(split=split)
    client.send(P(sql="listen a"), B(), E(), S)
    client.ready()
    until(lambda: is_free(p, 1))
    client.send(P("select 1", "one"), P("unlisten a", "drop"), S)
    client.ready()
    client.send(B(name="one"), E(), S, B(name="drop"), E(), S, P(sql="listen b"), B(), E(), S)
    assert not [m for m in client.ready(3) if m.kind == "E"]
    until(lambda: is_free(p, 1))
    p.raw().query("notify a; notify b")
    assert read_notes(client, 1) == [("b", "")]


def test_its_own_notifications_come_before_ready(pooler):
    p = shared(pooler)
    client = listening(p, "a")
    for n in range(3):
        assert notes(client.query(f"notify a, '{n}'")) == [("a", str(n))]
    client.send(P(sql="select pg_notify('a', 'bound')"), B(), E(), S)
    assert notes(client.ready()) == [("a", "bound")]
    client.query("begin")
    assert notes(client.query("notify a, 'in'")) == []
    assert notes(client.query("commit")) == [("a", "in")]


def test_what_its_triggers_send_comes_before_ready(pooler, cluster):
    cluster.in_app("""
        drop table if exists told; create table told(a int); grant all on told to public;
        create or replace function tell() returns trigger language plpgsql as
            $$ begin perform pg_notify('a', new.a::text); return new; end $$;
        create trigger tells after insert on told for each row execute function tell()""")
    p = shared(pooler)
    client = listening(p, "a")
    for n in range(5):
        until(lambda: is_free(p, 1))
        assert notes(client.query(f"insert into told values ({n})")) == [("a", str(n))]


def test_in_a_transaction_it_hears_nothing(pooler):
    p = shared(pooler)
    client, other = listening(p, "a"), p.raw()
    until(lambda: is_free(p, 1))
    client.query("begin")
    other.query("notify a, '1'")
    assert notes(client.query("select 1")) == []
    assert notes(client.query("commit")) or read_notes(client, 1) == [("a", "1")]


def test_another_encoding_hears_in_its_own(pooler):
    p = shared(pooler)
    utf, latin = listening(p, "a"), listening(p, "a", client_encoding="LATIN1")
    until(lambda: away(p) == 2)
    assert len(p.show("listeners")) == 2
    p.raw().query("notify a, 'ä'")
    assert utf.read_until("A")[-1].body.endswith("ä\0".encode())
    assert latin.read_until("A")[-1].body.endswith(b"a\0\xe4\0")
    utf.query("set client_encoding = latin1")
    until(lambda: away(p) == 2 and p.show("kept") == [])
    p.raw().query("notify a, 'ö'")
    assert utf.read_until("A")[-1].body.endswith(b"a\0\xf6\0")


# ---- once each, in order ----------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_nothing_is_lost_or_heard_twice_on_the_way(pooler, cluster, workers):
    """Clients come home and go away again while notifications stream."""
    p = shared(pooler, workers=workers, pool_size=6)
    sent = []
    with Crew() as crew:
        texts = ["select 1", "begin; select 1; commit", "select count(*) from pg_listening_channels()", "listen b",
                 "unlisten b", "begin; listen c; rollback", "select repeat('x', 1000) from generate_series(1, 300)",
                 "set application_name = 'x'"]

        def listen(seed):
            client = listening(p, "a")
            got = []
            for turn in range(60):
                got += notes(client.query(texts[(turn * 7 + seed) % len(texts)]))
                if turn % 3 == seed % 3:  # some of the time it is away
                    until(lambda: client.has_input())
                    got += [heard(client.read_until("A")[-1])]
            return client, [int(payload) for _, payload in got]

        crew.start(stream, cluster, crew, sent)
        found = all_at_once([lambda seed=seed: listen(seed) for seed in range(6)])
        crew.stop.set()
    last = len(sent) - 1
    for client, numbers in found:
        while numbers[-1] != last:
            numbers.append(int(heard(client.read_until("A")[-1])[1]))
        assert numbers == list(range(numbers[0], last + 1))


def test_the_first_after_listen_is_not_missed(pooler, cluster):
    p = shared(pooler, workers=3)
    other = p.raw()
    for n in range(60):
        client = p.raw()
        client.query("listen a")
        other.query(f"notify a, 'first {n}'")
        other.query(f"notify a, 'second {n}'")
        assert read_notes(client, 2) == [("a", f"first {n}"), ("a", f"second {n}")]
        if n % 2:
            client.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_thousand_listeners_hold_one_server(pooler, cluster, workers):
    p = shared(pooler, workers=workers, pool_size=5, max_overflow=0, max_client_conn=2000)
    clients = [listening(p, "news") for _ in range(1000)]
    until(lambda: is_free(p, 1000))
    assert len(p.show("listeners")) == 1
    assert p.pool()["sv_active"] == "1"
    for n in range(5):
        p.raw().query(f"notify news, '{n}'")
    for client in clients:
        assert read_notes(client, 5) == [("news", str(n)) for n in range(5)]
    assert len(all_at_once([lambda: p.raw().value("select pg_backend_pid()") for _ in range(8)])) == 8
    for client in clients:
        client.close()
    until(lambda: p.show("listeners") == [])
    until(lambda: p.pool()["sv_active"] == "0")


# ---- at the borders of messages ----------------------------------------------------------------------


@pytest.mark.parametrize("io_bytes", [0, 1])
def test_never_amid_the_rows_of_a_result(pooler, io_bytes):
    settings = {"debug_io_bytes": io_bytes} if io_bytes else {}
    rows = 20 if io_bytes else 20000
    p = shared(pooler, **settings)
    client, other = listening(p, "a"), p.raw()
    until(lambda: is_free(p, 1))
    client.send(Q(f"select repeat('x', 500) from generate_series(1, {rows})"))
    client.read_until("D")
    for n in range(5):
        other.query(f"notify a, '{n}'")
    got = client.ready()
    assert all(m.kind in "DCZ" for m in got)
    assert read_notes(client, 5) == [("a", str(n)) for n in range(5)]


def test_the_largest_payload(pooler):
    """Just below 8000 bytes, on a name of 63: from the listener, and from its own server."""
    p = shared(pooler)
    name, payload = "x" * 63, "y" * 7999
    client, other = listening(p, name), p.raw()
    until(lambda: is_free(p, 1))
    other.query(f"notify {name}, '{payload}'")
    assert read_notes(client, 1) == [(name, payload)]
    assert notes(client.query(f"notify {name}, '{payload}'")) == [(name, payload)]
    assert client.query(f"notify {name}, '{payload}y'")[0].fields()["C"] == "22023"


def test_more_names_than_a_message_has_room_for(pooler, cluster):
    """What it says to have listened to is cut between names, not amid a character."""
    p = shared(pooler)
    client = listening(p, *(f'"{chr(0xfc) * 29}{n:03}"' for n in range(100, 120)))
    until(lambda: is_free(p, 1))
    cluster.sql("select pg_terminate_backend(%s)" % listener_pid(p))
    error = client.rest()[-1].fields()
    assert error["C"] == "08006" and error["M"].endswith("ü102, ...") and "�" not in error["M"]


def test_who_listens_to_very_much_keeps_its_server(pooler):
    p = shared(pooler)
    client = p.raw()
    client.query(";".join(f"listen c{n}" for n in range(257)))
    until_equal(lambda: [row["reasons"] for row in p.show("kept")], ["listen"])
    p.raw().query("notify c256, 'x'")
    assert read_notes(client, 1) == [("c256", "x")]
    client.query("unlisten c0")
    until(lambda: is_free(p, 1))
    p.raw().query("notify c0; notify c256, 'y'")
    assert read_notes(client, 1) == [("c256", "y")]


def test_who_reads_nothing_is_told_to_go(pooler):
    p = shared(pooler, listen_buffer="64kB")
    client = listening(p, "a", receive_buffer=4096)
    good = listening(p, "a")
    until(lambda: is_free(p, 2))
    other = p.raw()
    payload = "x" * 7900
    sent = 0
    while not re.search("listen_buffer", p.log()):
        other.query(f"notify a, '{sent} {payload}'")
        assert read_notes(good, 1)[0][1].split()[0] == str(sent)
        sent += 1
    last = client.rest()[-1]
    assert last.kind == "E" and last.fields()["C"] == "53400" and "LISTEN a" in last.fields()["D"]


# ---- what may go wrong --------------------------------------------------------------------------------


def hears_again(p, other):
    """Who listens after all that has a listener, and hears."""
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    other.query("notify a, 'again'")
    assert read_notes(client, 1) == [("a", "again")]


def listener_pid(p):
    (row,) = p.show("listeners")
    return int(row["server_pid"])


@pytest.mark.parametrize("workers", [1, 3])
def test_a_lost_listener_ends_its_clients(pooler, cluster, workers):
    p = shared(pooler, workers=workers)
    clients = [listening(p, "a", "b") for _ in range(5)]
    until(lambda: is_free(p, 5))
    bystander = p.raw()
    cluster.sql("select pg_terminate_backend(%s)" % listener_pid(p))
    for client in clients:
        error = client.rest()[-1]
        assert error.fields()["C"] == "08006" and "LISTEN a, b" in error.fields()["M"]
    assert bystander.value("select 1") == "1"
    hears_again(p, bystander)


def test_who_comes_back_before_the_listener_listens(pooler, cluster, fault_proxy):
    """The marker of its way back must not be sent before the listener, its server until now, can hear it."""
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    bystander = p.raw()
    bystander.value("select 1")
    proxy.hold_query = b'LISTEN "pgweir_'
    client = listening(p, "a")
    until(lambda: p.show("listeners"))
    client.send(Q("listen b"))
    until(lambda: len(p.show("servers")) == 2)
    for _ in range(20):
        bystander.value("select 1")
    proxy.hold_query = None
    client.ready()
    assert sorted(client.query("select pg_listening_channels()")[n].row()[0] for n in (1, 2)) == ["a", "b"]
    bystander.query("notify b, 'to the second'")
    assert read_notes(client, 1) == [("b", "to the second")]


def test_a_marker_of_an_earlier_way_is_not_taken_for_this_one(pooler, cluster):
    """A client gives its way up, unlistens and listens anew while the listener is behind."""
    p = shared(pooler)
    others = [listening(p, "a") for _ in range(2)]
    until(lambda: is_free(p, len(others)))  # so that the listener has heard a marker
    pid = listener_pid(p)

    def has_marked():
        return cluster.backends("query like 'UNLISTEN \"pgweir%%' and pid = %s", own)

    os.kill(pid, signal.SIGSTOP)
    try:
        client = p.raw()
        client.query("begin; listen a")
        own = int(client.value("select pg_backend_pid()"))
        client.query("commit")
        until(has_marked)
        with cluster.connect() as direct:
            assert client.value("select 1") == "1"
            direct.execute("notify a, '1'")
            assert read_notes(client, 1) == [("a", "1")]
        client.query("unlisten *")
        client.query("listen a")
        until(has_marked)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: is_free(p, 3))
    p.raw().query("notify a, '2'")
    assert read_notes(client, 1) == [("a", "2")]


def test_its_server_is_stuck_once_it_hears_from_elsewhere(pooler, cluster, fault_proxy):
    """Both markers have come, and the answer to what follows them has not: nothing is to be undone any more."""
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    first = listening(p, "a")
    until(lambda: is_free(p, 1))
    proxy.hold_reply = b"UNLISTEN"
    client = listening(p, "a")
    until(lambda: re.search("its server does not answer", p.log()))
    cluster.in_app("notify a, 'meanwhile'")
    proxy.hold_reply = None
    until(lambda: is_free(p, 2))
    for listener in (first, client):
        assert read_notes(listener, 1) == [("a", "meanwhile")]


def test_its_server_takes_long_to_listen_when_it_comes_home(pooler, cluster, fault_proxy):
    """It waits, as it would without a pooler. The listener is not to blame, and goes on."""
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    first, client = listening(p, "a"), listening(p, "a", "b")
    until(lambda: is_free(p, 2))
    proxy.hold_query = b'LISTEN "a";LISTEN "b"'
    client.send(Q("begin"), Q("select 1"))
    until(lambda: re.search("its server does not answer", p.log()))
    cluster.in_app("notify a, 'meanwhile'")
    assert read_notes(first, 1) == [("a", "meanwhile")]
    proxy.hold_query = None
    got = client.ready(2)
    assert [m.row() for m in got if m.kind == "D"] == [["1"]]
    assert notes(got) + notes(client.query("commit")) == [("a", "meanwhile")]
    until(lambda: is_free(p, 2))


def test_a_listener_that_is_deaf_is_found_out(pooler):
    """One client comes home in vain. The others would wait for ever for what nobody tells them."""
    p = shared(pooler, server_connect_timeout="3")
    client, others = listening(p, "a"), [listening(p, "a") for _ in range(3)]
    until(lambda: is_free(p, 4))
    pid = listener_pid(p)
    os.kill(pid, signal.SIGSTOP)
    try:
        client.send(Q("begin"), Q("select 1"))
        for listener in (client, *others):
            error = listener.rest()[-1].fields()
            assert error["C"] == "08006" and "LISTEN a" in error["M"]
    finally:
        os.kill(pid, signal.SIGCONT)
    hears_again(p, p.raw())


def test_what_the_first_client_has_set_does_not_end_the_listener(pooler, cluster):
    """Its server becomes the listener of all: with its idle_session_timeout all would be told that it is lost."""
    p = shared(pooler, pool_size=2, max_overflow=0)
    first = p.raw()
    first.query("set idle_session_timeout = '300ms'; set application_name = 'first'")
    first.query("listen a")
    until(lambda: is_free(p, 1))
    other = listening(p, "a")
    until(lambda: is_free(p, 2))
    pid = listener_pid(p)
    assert cluster.sql("select application_name from pg_stat_activity where pid = %d" % pid) != [("first",)]
    cluster.sql("select pg_sleep(0.6)")
    cluster.in_app("notify a, 'still'")
    for client in (first, other):
        assert read_notes(client, 1) == [("a", "still")]
    assert first.value("show idle_session_timeout") == "300ms"


def test_kill_and_resume(pooler):
    p = shared(pooler)
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    p.console("kill app")
    client.rest()
    p.console("resume app")
    hears_again(p, p.raw())


def test_who_is_left_on_an_old_server_does_not_lend_it(pooler):
    """After RECONNECT, perhaps for another machine: what comes from now on is heard from a new one."""
    p = shared(pooler)
    old, new = p.raw(), p.raw()
    old.query("select pg_advisory_lock(1)")
    p.console("reconnect app")
    old.query("listen a")
    old.query("select pg_advisory_unlock(1)")
    until_equal(lambda: [row["reasons"] for row in p.show("kept")], ["listen"])
    assert p.show("listeners") == []
    new.query("listen a")
    until(lambda: away(p) == 1)
    assert int(new.value("select pg_backend_pid()")) != listener_pid(p)
    p.raw().query("notify a, 'both'")
    assert read_notes(old, 1) == read_notes(new, 1) == [("a", "both")]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_database_that_leads_elsewhere_takes_no_listener_along(pooler, workers):
    """Its clients would hear what is sent where nobody of them is any more, and not what is sent now."""
    p = shared(pooler, workers=workers, databases={"app": lambda p: p.db("app"), "other": lambda p: p.db("other")})
    clients = [listening(p, "a") for _ in range(4)]
    others = [listening(p, "a", user="app", database="other") for _ in range(2)]
    until(lambda: is_free(p, 6))
    p.reload(pool_size=3)
    p.databases["app"] = lambda p: p.db("other")
    p.reload()
    for client in clients:
        error = client.rest()[-1].fields()
        assert error["C"] == "08006" and error["M"].endswith("LISTEN a")
    until(lambda: [row["database"] for row in p.show("listeners")] == ["other"])
    again = listening(p, "a")
    until(lambda: is_free(p, 3))
    p.raw().query("notify a, 'there'")
    for client in (again, *others):
        assert read_notes(client, 1) == [("a", "there")]


def test_the_last_server_of_a_pool_listens_for_one_alone(pooler):
    p = shared(pooler, pool_size=1, max_overflow=0)
    client = listening(p, "a")
    until_equal(lambda: [row["reasons"] for row in p.show("kept")], ["listen"])
    assert p.show("listeners") == []
    assert notes(client.query("notify a, 'x'")) == [("a", "x")]


LIMITS = {
    "of the pool": dict(pool_size=2, max_overflow=0, max_kept="0"),
    "of the pool, as max_kept is by default": dict(pool_size=2, max_overflow=0),
    "of the database": dict(pool_size=4, max_db_connections=2),
    "of the user": dict(pool_size=4, max_user_connections=2),
}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("which", LIMITS)
def test_listeners_leave_others_a_server(pooler, which, workers):
    """One for each encoding: all of them together are never all that can be had. A RECONNECT makes none more."""
    p = shared(pooler, workers=workers, **LIMITS[which])
    utf = listening(p, "a")
    until(lambda: is_free(p, 1))
    latin = listening(p, "a", client_encoding="LATIN1")
    until_equal(lambda: [row["reasons"] for row in p.show("kept")], ["listen"])
    assert len(p.show("listeners")) == 1
    assert notes(latin.query("notify a, 'x'")) == [("a", "x")]
    assert read_notes(utf, 1) == [("a", "x")]
    latin.close()
    until(lambda: is_free(p, 1))
    replaced(p)
    again = listening(p, "a", client_encoding="LATIN1")
    until_equal(lambda: [row["reasons"] for row in p.show("kept")], ["listen"])
    again.close()
    until(lambda: is_free(p, 1))
    assert p.raw().value("select 1") == "1"


GIVES_WAY = {
    "the pool": (dict(pool_size=2), dict()),
    "its database": (dict(max_db_connections=2), dict(user="other")),
    "its user": (dict(max_user_connections=2), dict(database="other")),
}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("first", ["it idles", "they wait"])
@pytest.mark.parametrize("what", GIVES_WAY)
def test_a_listener_for_nobody_gives_way(pooler, what, first, workers):
    """Who waits for a server is not to wait until it is taken for unneeded, or be refused."""
    limits, who = GIVES_WAY[what]
    p = shared(pooler, workers=workers, max_overflow=0, pool_timeout="4", **limits,
               databases={"app": lambda p: p.db("app"), "other": lambda p: p.db("app")})
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    busy, other = p.raw(**who), p.raw(**who)
    busy.query("begin; select 1")
    if first == "it idles":
        client.close()
        until(lambda: away(p) == 0)
        other.send(Q("select 1"))
    else:
        other.send(Q("select 1"))
        until(lambda: p.show("clients", state="waiting"))
        client.close()
    assert not [m for m in other.ready() if m.kind == "E"]
    busy.query("commit")
    hears_again(p, p.raw())


def test_a_listener_for_nobody_has_no_place_among_the_kept(pooler):
    p = shared(pooler, max_kept="1")
    client, other, third = listening(p, "a"), p.raw(), p.raw()
    until(lambda: is_free(p, 1))
    client.query("unlisten *")
    until(lambda: away(p) == 0)
    other.query("select pg_advisory_lock(1)")
    assert other.value("select 1") == "1"
    until_equal(lambda: len(p.show("kept")), 1)
    client.send(Q("listen a"))  # no place for it, then: it is told so, and the listener ends
    assert client.rest()[-1].fields()["C"] == "53400"
    until(lambda: p.show("listeners") == [])
    other.query("select pg_advisory_unlock(1)")
    until_equal(lambda: len(p.show("kept")), 0)
    hears_again(p, third)


def test_a_place_of_a_listener_that_has_ended_can_be_had_again(pooler, cluster):
    p = shared(pooler, pool_size=2, max_overflow=0, max_db_connections=2, max_user_connections=2)
    for _ in range(3):
        client = listening(p, "a")
        until(lambda: is_free(p, 1))
        cluster.sql("select pg_terminate_backend(%s)" % listener_pid(p))
        client.rest()
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    client.close()
    until(lambda: p.show("listeners") == [])
    client = listening(p, "a")
    until(lambda: is_free(p, 1))


# ---- RECONNECT ----------------------------------------------------------------------------------------


def replaced(p):
    """After RECONNECT every shared listener is another server, and none of before it is left."""
    old = {row["server_pid"] for row in p.show("listeners")}
    p.console("reconnect")
    p.console("wait_close")
    assert not old & {row["server_pid"] for row in p.show("listeners")}
    return old


@pytest.mark.parametrize("workers", [1, 3])
def test_reconnect_replaces_the_listener(pooler, cluster, workers):
    """Operators wait for the end of the old connections; who listens is not to notice."""
    p = shared(pooler, workers=workers, databases={"app": lambda p: p.db("app"), "other": lambda p: p.db("app")})
    clients = [listening(p, "a", "b") for _ in range(5)]
    latin = listening(p, "a", "b", client_encoding="LATIN1")
    other = listening(p, "a", "b", database="other")
    until(lambda: is_free(p, 7))
    assert len(replaced(p)) == 3
    assert away(p) == 7 and len(p.show("listeners")) == 3
    new = listening(p, "a", "b", "c")
    until(lambda: is_free(p, 8))
    p.raw().query("notify a, 'ä'; notify b, '2'")
    for client in (*clients, other, new):
        assert read_notes(client, 2) == [("a", "ä"), ("b", "2")]
    assert latin.read_until("A")[-1].body.endswith(b"a\0\xe4\0")
    for client in (*clients, latin, other, new):
        client.query("unlisten *")
    until(lambda: away(p) == 0)


@pytest.mark.parametrize("workers", [1, 3])
def test_reconnects_lose_nothing_and_tell_nothing_twice(pooler, cluster, workers):
    """While notifications stream, and clients come home, listen to more and go away again."""
    p = shared(pooler, workers=workers, pool_size=6)
    sent = []
    idle = [listening(p, "a") for _ in range(4)]
    until(lambda: is_free(p, 4))
    with Crew() as crew:
        def wander(seed):
            client = listening(p, "a")
            got = []
            for turn in range(40):
                text = ["select 1", "begin; select 1; commit", f"listen c{seed}_{turn}", "unlisten x"][turn % 4]
                got += notes(client.query(text))
                got += [heard(client.read_until("A")[-1])]
            return client, got

        def reconnect():
            seen = set()
            for _ in range(12):
                seen |= replaced(p)
            assert len(seen) == 12

        crew.start(stream, cluster, crew, sent)
        *found, _ = all_at_once([lambda seed=seed: wander(seed) for seed in range(3)] + [reconnect])
        crew.stop.set()
    last = len(sent) - 1
    for client, got in found + [(client, []) for client in idle]:
        numbers = [int(payload) for _, payload in got]
        while not numbers or numbers[-1] != last:
            numbers.append(int(heard(client.read_until("A")[-1])[1]))
        assert numbers == list(range(numbers[0], last + 1))


def test_reconnect_to_another_postgresql_tells_who_listens(pooler, cluster, own_cluster, fault_proxy):
    """What was sent there before the new connection listened nobody knows: it is said, at once, and not before
    the client's transaction is over."""
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    client, block, bystander = listening(p, "a"), listening(p, "a"), p.raw()
    until(lambda: is_free(p, 2))
    block.query("begin")
    assert block.value("select 1") == "1"
    proxy.target = ("127.0.0.1", own_cluster.port)
    with p.raw(user="admin", database=p.console_database) as admin:
        p.console("reconnect app")
        error = client.rest()[-1].fields()
        assert error["C"] == "08006" and "RECONNECT" in error["M"] and error["M"].endswith("LISTEN a")
        admin.send(Q("wait_close app"))
        assert block.value("select 2") == "2"
        assert bystander.value("show port") == str(own_cluster.port)
        block.query("commit")
        block.close()
        admin.ready()
    hears_again(p, bystander)


def test_reconnect_waits_for_a_server_to_be_had(pooler):
    """All others are in use: the old one listens on until one can be had."""
    p = shared(pooler, pool_size=2, max_overflow=0)
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    busy = p.raw()
    busy.query("begin; select 1")
    pid = listener_pid(p)
    p.console("reconnect app")
    busy.query("notify a, 'old'; commit; begin; select 1")
    assert read_notes(client, 1) == [("a", "old")]
    assert listener_pid(p) == pid
    busy.query("commit")
    p.console("wait_close app")
    assert listener_pid(p) != pid and away(p) == 1
    busy.query("notify a, 'new'")
    assert read_notes(client, 1) == [("a", "new")]


def test_reconnect_to_a_server_that_does_not_take_its_encoding(pooler, cluster):
    """Somebody cancels what it runs, while it looks for a conversion: it is no listener for those who want LATIN1."""
    p = shared(pooler, pool_size=2, max_overflow=0)
    latin = listening(p, "a", client_encoding="LATIN1")
    until(lambda: is_free(p, 1))
    pid = listener_pid(p)
    with cluster.connect("app") as holder:
        holder.execute("begin; lock table pg_catalog.pg_conversion")
        p.console("reconnect app")
        (new,), = until(lambda: cluster.sql("select pid from pg_locks where not granted"), "its encoding waits for the catalog")
        cluster.sql("select pg_cancel_backend(%s)", new)
        until(lambda: "canceling statement" in p.log(), "it was cancelled")
        holder.execute("commit")
    until(lambda: listener_pid(p) not in (pid, new), "another server listens")
    p.raw().query("notify a, 'ä'")
    assert latin.read_until("A")[-1].body.endswith(b"a\0\xe4\0")


def test_reconnect_while_no_login_succeeds(pooler, cluster, fault_proxy):
    """It is tried again: the old one listens meanwhile."""
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"}, pool_timeout="1")
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    pid = listener_pid(p)
    proxy.refuse = True
    p.console("reconnect app")
    until(lambda: proxy.refused and re.search("cannot be replaced yet: pool_timeout passed", p.log()))
    cluster.in_app("notify a, 'old'")
    assert read_notes(client, 1) == [("a", "old")]
    assert listener_pid(p) == pid
    proxy.refuse = False
    p.console("wait_close app")
    assert listener_pid(p) != pid
    cluster.in_app("notify a, 'new'")
    assert read_notes(client, 1) == [("a", "new")]


@pytest.mark.parametrize("which", ["old", "new"])
def test_reconnect_while_one_of_the_two_is_stuck(pooler, cluster, fault_proxy, which):
    """What cannot be finished is undone, and tried again: nothing is lost, heard twice or out of order."""
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"}, listen_buffer="64kB")
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    pid = listener_pid(p)
    proxy.hold_query = b'LISTEN "' if which == "new" else None
    if which == "old":
        os.kill(pid, signal.SIGSTOP)
    try:
        p.console("reconnect app")
        until(lambda: re.search(f"cannot be replaced yet: the {which} server does not answer", p.log()))
        for n in range(20):
            cluster.in_app(f"notify a, '{n}'")
    finally:
        proxy.hold_query = None
        os.kill(pid, signal.SIGCONT)
    p.console("wait_close app")
    assert listener_pid(p) != pid
    cluster.in_app("notify a, 'end'")
    assert read_notes(client, 21) == [("a", str(n)) for n in range(20)] + [("a", "end")]


def test_reconnect_holds_no_more_than_listen_buffer(pooler, cluster):
    """The old one is stuck while the new one hears a flood."""
    p = shared(pooler, listen_buffer="64kB")
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    pid = listener_pid(p)
    payload = "x" * 7000
    os.kill(pid, signal.SIGSTOP)
    try:
        p.console("reconnect app")
        until(lambda: len([row for row in p.show("servers") if row["state"] == "listener"]) == 2)
        for n in range(40):
            cluster.in_app(f"notify a, '{n} {payload}'")
        until(lambda: len([row for row in p.show("servers") if row["state"] == "listener"]) == 1)
        assert listener_pid(p) == pid
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [note.split()[0] for _, note in read_notes(client, 40)] == [str(n) for n in range(40)]
    p.console("wait_close app")
    assert listener_pid(p) != pid


def test_the_new_one_is_stuck_as_soon_as_it_takes_over(pooler, cluster, fault_proxy):
    """It was heard, and has not answered: it is given up in time, and who listens is told."""
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"}, server_connect_timeout=1)
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    proxy.hold_ready = b"pgweir_"
    p.console("reconnect app")
    until(lambda: re.search("is the shared listener of its database in place of", p.log()))
    (error,) = [m for m in client.rest() if m.kind == "E"]
    assert error.sqlstate == "08006"
    proxy.hold_ready = None


def test_the_new_one_is_lost_before_it_takes_over(pooler, cluster, fault_proxy):
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    pid = listener_pid(p)
    proxy.hold_query = b'LISTEN "'
    p.console("reconnect app")
    until(lambda: len([row for row in p.show("servers") if row["state"] == "listener"]) == 2)
    (new,) = [int(row["remote_pid"]) for row in p.show("servers", state="listener") if int(row["remote_pid"]) != pid]
    cluster.sql("select pg_terminate_backend(%s)" % new)
    until(lambda: re.search("was to take over .* is lost", p.log()))
    proxy.hold_query = None
    cluster.in_app("notify a, 'old'")
    assert read_notes(client, 1) == [("a", "old")]
    p.console("wait_close app")
    assert listener_pid(p) not in (pid, new)


def test_what_comes_behind_a_batch_that_waits_is_seen(pooler):
    """One batch waits amid itself for the answer to another, and turns out to listen; the client forgets all behind it."""
    p = shared(pooler)
    client = p.raw()
    client.send(P("listen a") + B() + E() + S)
    client.ready()
    until(lambda: is_free(p, 1))
    client.send(P("select 4", name="x") + D("S", "nobody") + P("select 1") + S + B(name="nobody") + H + B() + E() + S +
                Q("discard all"))
    client.ready(3)
    assert client.value("select count(*) from pg_listening_channels()") == "0"


def test_a_listener_that_falls_silent_is_given_up(pooler, cluster, fault_proxy):
    """Its server does not answer what it is asked, and whoever wanted that is gone: its place must not be lost for good."""
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"}, pool_size=2, max_overflow=0,
               server_connect_timeout=1)
    clients = [listening(p, "a"), listening(p, "a")]
    until(lambda: is_free(p, 2))
    proxy.hold_query = b'LISTEN "b"'
    clients[0].query("listen b")
    until(lambda: proxy.holds_query)
    for client in clients:
        client.close()
    until(lambda: p.show("listeners") == [])
    assert p.raw().value("select 1") == "1"


END_IN_BETWEEN = ["pause app", "kill app", "reload", "reconnect app", "lost", "nobody", "shutdown"]


@pytest.mark.parametrize("how", END_IN_BETWEEN)
@pytest.mark.parametrize("where", ["waits", "crosses"])
def test_what_ends_while_the_listener_is_replaced(pooler, cluster, fault_proxy, how, where):
    proxy = fault_proxy(cluster.port)
    p = shared(pooler, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"}, pool_size=2, max_overflow=0)
    client, busy = listening(p, "a"), p.raw()
    other = listening(p, "a")
    until(lambda: is_free(p, 2))  # it has sent what it had to send: the other one's mark has come through it
    other.close()
    until(lambda: is_free(p, 1))
    pid = listener_pid(p)
    if where == "waits":
        busy.query("begin; select 1")
    else:
        proxy.hold_query = b'LISTEN "'
    p.console("reconnect app")
    if where == "crosses":
        until(lambda: len([row for row in p.show("servers") if row["state"] == "listener"]) == 2)
    if how == "lost":
        cluster.sql("select pg_terminate_backend(%s)" % pid)
    elif how == "nobody":
        client.close()
        until(lambda: p.show("listeners") == [])
    elif how == "shutdown":
        p.signal(signal.SIGQUIT)
        p.wait_exit()
        return
    elif how == "reload":
        p.databases["app"] = f"host=localhost port={proxy.port} dbname=app"
        p.reload()
    else:
        with p.raw(user="admin", database=p.console_database) as admin:
            admin.send(Q(how))
            if how == "pause app":
                assert ended_by_pause(client)
                if where == "waits":
                    busy.query("commit")
            proxy.hold_query = None
            admin.ready()
    proxy.hold_query = None
    if how == "reconnect app":
        if where == "waits":
            busy.query("commit")
        p.console("wait_close app")
        cluster.in_app("notify a, 'new'")
        assert read_notes(client, 1) == [("a", "new")]
        return
    if how in ("lost", "reload", "kill app"):
        assert client.rest()[-1].fields()["C"] in ("08006", "57P01")
    if how in ("pause app", "kill app"):
        p.console("resume app")
    elif where == "waits":
        busy.query("commit")
    hears_again(p, p.raw())


def ended_by_pause(client):
    error = client.rest()[-1].fields()
    return error["C"] == "08006" and "PAUSE" in error["M"] and "LISTEN a" in error["M"]


@pytest.mark.parametrize("what", ["pause", "pause app"])
@pytest.mark.parametrize("workers", [1, 3])
def test_pause_ends_the_listener(pooler, cluster, workers, what):
    """Before a server is restarted PAUSE answers when transactions are over; who listens is told what it will miss."""
    p = shared(pooler, workers=workers)
    clients = [listening(p, "a", "b") for _ in range(6)]
    until(lambda: is_free(p, 6))
    bystander = p.raw()
    bystander.value("select 1")
    p.console(what)
    for client in clients:
        assert ended_by_pause(client)
    assert p.show("servers") == [] and p.show("listeners") == []
    until(lambda: not cluster.backends("backend_type = 'client backend' and usename = 'app'"), "their backends end")
    p.console(what.replace("pause", "resume"))
    hears_again(p, bystander)


def test_pause_lets_a_listeners_query_end(pooler, cluster):
    cluster.in_app("drop table if exists locked; create table locked(a int); grant all on locked to public")
    p = shared(pooler)
    reading, block, sender = listening(p, "a"), listening(p, "a"), listening(p, "a")
    until(lambda: is_free(p, 3))
    with cluster.connect() as locker, p.raw(user="admin", database=p.console_database) as admin:
        locker.execute("begin")
        locker.execute("lock table locked")
        reading.send(Q("select count(*) from locked"))
        until(lambda: cluster.backends("wait_event_type = 'Lock' and query like '%from locked'"))
        block.query("begin")
        block.query("select 1")
        sender.query("notify a, 'before'")  # and keeps its server from now on
        admin.send(Q("pause app"))
        assert ended_by_pause(sender)
        until(lambda: p.show("databases", name="app")[0]["paused"] == "1")
        assert block.value("select 2") == "2"
        block.query("commit")
        assert ended_by_pause(block)
        assert not admin.has_input()
        locker.execute("commit")
        rows = reading.read_until("Z")
        assert [m.row() for m in rows if m.kind == "D"] == [["0"]]
        assert ended_by_pause(reading)
        admin.ready()


def test_pause_waits_for_what_else_keeps(pooler):
    p = shared(pooler)
    client = listening(p, "a")
    client.query("select pg_advisory_lock(1)")
    until_equal(lambda: len(p.show("kept")), 1)
    with p.raw(user="admin", database=p.console_database) as admin:
        admin.send(Q("pause app"))
        until(lambda: p.show("databases", name="app")[0]["paused"] == "1")
        assert client.value("select 1") == "1"
        client.query("select pg_advisory_unlock(1)")
        assert ended_by_pause(client)
        admin.ready()


def test_sigint_ends_it_though_somebody_listens(pooler):
    p = shared(pooler)
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    p.signal(signal.SIGINT)
    assert client.rest()[-1].fields()["C"] == "57P01"
    p.wait_exit()
def test_a_reload_changes_who_keeps(pooler):
    p = shared(pooler, listen="keep")
    client = listening(p, "a")
    until_equal(lambda: [row["reasons"] for row in p.show("kept")], ["listen"])
    p.reload(listen="shared")
    until(lambda: is_free(p, 1))
    p.reload(listen="keep")
    other = p.raw()
    other.query("notify a, 'away'")
    assert read_notes(client, 1) == [("a", "away")]
    client.query("listen b")
    until_equal(lambda: [row["reasons"] for row in p.show("kept")], ["listen"])
    other.query("notify b, 'home'")
    assert read_notes(client, 1) == [("b", "home")]


def test_it_goes_back_to_its_pool_when_nobody_listens(pooler, cluster):
    p = shared(pooler)
    client = listening(p, "a")
    until(lambda: is_free(p, 1))
    pid = listener_pid(p)
    client.close()
    until(lambda: p.show("listeners") == [])
    until_equal(lambda: p.pool()["sv_active"], "0")
    assert [int(row["remote_pid"]) for row in p.show("servers")] == [pid]
    assert p.raw().value("select count(*) from pg_listening_channels()") == "0"


def test_with_something_else_that_keeps(pooler):
    p = shared(pooler)
    client, other = listening(p, "a"), p.raw()
    until(lambda: is_free(p, 1))
    client.query("select pg_advisory_lock(1)")
    until_equal(lambda: [row["reasons"] for row in p.show("kept")], ["advisory lock"])
    other.query("notify a, 'kept'")
    assert read_notes(client, 1) == [("a", "kept")]
    client.query("listen b")
    until_equal(lambda: [row["reasons"] for row in p.show("kept")], ["listen, advisory lock"])
    other.query("notify a, '1'; notify b, '2'")
    assert read_notes(client, 2) == [("a", "1"), ("b", "2")]
    client.query("select pg_advisory_unlock(1)")
    until(lambda: is_free(p, 1))
    other.query("notify a, '3'; notify b, '4'")
    assert read_notes(client, 2) == [("a", "3"), ("b", "4")]


def test_a_client_that_leaves_in_the_way_leaves_nothing(pooler):
    p = shared(pooler, workers=3)
    for n in range(40):
        client = p.raw()
        client.send(Q("listen a"))
        if n % 2:
            client.ready()
        client.kill()
    until(lambda: p.show("kept") == [] and away(p) == 0)
    assert p.raw().value("select count(*) from pg_listening_channels()") == "0"


def test_who_goes_with_its_last_answer_is_told_nothing_more(pooler, cluster):
    """What waited for the end of its query meets a socket that nobody holds any more."""
    cluster.in_app("drop table if exists locked; create table locked(a int); grant all on locked to public")
    p = shared(pooler)
    client, good = listening(p, "a"), listening(p, "a")
    until(lambda: is_free(p, 2))
    with cluster.connect() as locker, cluster.connect() as direct:
        locker.execute("begin")
        locker.execute("lock table locked")
        client.send(Q("select a from locked"))
        waiting = until(lambda: cluster.backends("wait_event_type = 'Lock' and query like '%from locked'"))
        direct.execute("notify a, 'amid its query'")
        assert read_notes(good, 1) == [("a", "amid its query")]  # so that it waits for the other, too
        p.signal(signal.SIGSTOP)
        try:
            locker.execute("commit")
            until(lambda: cluster.sql("select 1 from pg_stat_activity where pid = %d and state = 'idle'" % waiting[0]))
            client.drop()
        finally:
            p.signal(signal.SIGCONT)
    until(lambda: is_free(p, 1))
    p.raw().query("notify a, 'alive'")
    assert read_notes(good, 1) == [("a", "alive")]


# ---- drivers --------------------------------------------------------------------------------------------


def test_psycopg_notifies(pooler):
    p = shared(pooler)
    with p.connect() as listener, p.connect() as sender:
        listener.execute("listen news")
        until(lambda: is_free(p, 1))
        for n in range(10):
            sender.execute("select pg_notify('news', %s)", [str(n)])
        got = listener.notifies()
        assert [next(got).payload for _ in range(10)] == [str(n) for n in range(10)]


def test_asyncpg_add_listener(pooler):
    asyncpg = pytest.importorskip("asyncpg")
    p = shared(pooler)

    async def main():
        keys = dict(host="127.0.0.1", port=p.port, user="app", database="app", ssl=False)
        conn, other = await asyncpg.connect(**keys), await asyncpg.connect(**keys)
        queue = asyncio.Queue()
        await conn.add_listener("news", lambda *args: queue.put_nowait(args[3]))
        for n in range(10):
            assert await conn.fetchval("select $1::int", n) == n
            await other.execute(f"notify news, '{n}'")
            assert await asyncio.wait_for(queue.get(), 20) == str(n)
        async with conn.transaction():
            await other.execute("notify news, 'late'")
            assert await conn.fetchval("select 1") == 1
        assert await asyncio.wait_for(queue.get(), 20) == "late"
        await conn.close()
        await other.close()

    asyncio.run(main())
    until(lambda: p.show("kept") == [])
