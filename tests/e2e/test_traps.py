"""What other poolers got wrong, a test each."""

import struct

import pytest

import rawwire
from rawwire import B, C, D, E, H, P, Q, S, c, d, f
from waiting import all_at_once, until


def test_own_error_in_a_batch_waits_for_the_sync(pooler, shape):
    """A refusal while Parse, Bind, Execute are under way: one error, then one Z, after the Sync."""
    p = pooler(pool_size=1, pool_timeout=1, **shape)
    holder, client = p.raw(), p.raw()
    holder.query("begin")
    client.send(P("select 1") + B() + D() + E())
    error = client.read()
    assert (error.kind, error.sqlstate) == ("E", "53300")
    client.send(P("select 2") + B() + E() + S)
    assert [m.kind for m in client.ready()] == ["Z"], "all up to the Sync is skipped"
    holder.query("commit")
    assert client.value("select 3") == "3"


def test_own_error_among_pipelined_batches(pooler, shape):
    p = pooler(pool_size=1, pool_timeout=1, **shape)
    holder, client = p.raw(), p.raw()
    holder.query("begin")
    client.send((P("select 1") + B() + E() + S) * 3)
    said = client.ready(3)
    errors = [m for m in said if m.kind == "E"]
    assert 1 <= len(errors) <= 3 and {m.sqlstate for m in errors} == {"53300"}
    assert [m.kind for m in said if m.kind not in "E"] == ["Z"] * 3
    holder.query("commit")
    assert client.value("select 3") == "3"


def test_error_between_two_parses(pooler, shape):
    """The second Parse was skipped: nobody may believe that it happened."""
    p = pooler(pool_size=1, pool_mode="session", **shape)
    client = p.raw()
    client.send(P("select 1", "a") + P("select 1/0") + B() + E() + P("select 2", "b") + S)
    assert [m.kind for m in client.ready()] == ["1", "1", "E", "Z"]
    client.send(P("select 2", "b") + B(name="b") + E() + S)
    assert [m.kind for m in client.ready()] == list("12DCZ")


def test_flush_driven_client_never_waits_in_vain(pooler, shape):
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    for n in range(3):
        client.send(P("select $1::int") + D("S") + H)
        assert [m.kind for m in client.read_until("T")] == ["1", "t", "T"]
        client.send(B(str(n)) + E() + H)
        assert [m.kind for m in client.read_until("C")] == ["2", "D", "C"]
        client.send(S)
        client.ready()


def test_copy_in_with_a_query_in_its_middle(pooler, cluster, shape):
    """PostgreSQL loses synchronisation and ends that connection; the pool does not mind."""
    cluster.in_app("drop table if exists mid; create table mid(a int); grant all on mid to public")
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    client.send(Q("copy mid from stdin"))
    client.read_until("G")
    client.send(d("1\n") + Q("select 1"))
    try:
        client.read_until("E")
    except rawwire.Gone:
        pass
    client.drop()
    assert p.raw().value("select count(*) from mid") == "0"


@pytest.mark.parametrize("end", ["bad row", "fail", "gone", "killed"])
def test_copy_in_that_ends_early_in_ten_megabytes(pooler, cluster, shape, end):
    if shape.get("debug_io_bytes"):
        size = 1 << 14
    else:
        size = 10 << 20
    cluster.in_app("drop table if exists early; create table early(a int); grant all on early to public")
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    client.send(Q("copy early from stdin"))
    client.read_until("G")
    row = d("1\n" * 1000)
    half = row * (size // len(row) // 2)
    if end == "bad row":
        client.send(half + d("x\n") + half + c())
        assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["22P02"]
    elif end == "fail":
        client.send(half + f("enough"))
        assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["57014"]
    elif end == "gone":
        client.send(half)
        client.drop()
    else:
        client.send(half)
        client.kill()
    if end in ("bad row", "fail"):
        assert client.value("select 1") == "1"
    assert p.raw().value("select count(*) from early") == "0"


def test_copy_in_done_syncs_do_not_count(pooler, cluster, shape):
    """Three Syncs, one Z: the two that were sent into the copy are never answered."""
    cluster.in_app("drop table if exists syncs; create table syncs(a int); grant all on syncs to public")
    p = pooler(pool_size=1, **shape)
    client, other = p.raw(), p.raw()
    client.send(P("copy syncs from stdin") + B() + E() + S)
    client.read_until("G")
    client.send(d("1\n") + S + H + d("2\n") + c() + S)
    assert [m.kind for m in client.ready()] == ["C", "Z"]
    assert other.value("select count(*) from syncs") == "2"
    assert client.value("select 'still mine'") == "still mine"


def test_notice_and_parameter_status_of_others_stay_away(pooler, shape):
    """What a server says between two clients is nobody's business."""
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(application_name="one"), p.raw(application_name="two")
    one.query("set datestyle = 'German'")
    assert [m.kind for m in two.query("select 1")][-4:] == list("TDCZ")
    said = two.query("select 1")
    assert [m.kind for m in said if m.kind not in "S"] == list("TDCZ")
    assert two.params["DateStyle"] == "ISO, MDY"


def test_notifications_reach_the_listener(pooler, shape):
    p = pooler(pool_size=2, pool_mode="session", **shape)
    one, two = p.raw(), p.raw()
    one.query("listen news")
    two.query("notify news, 'first'")
    got = one.read()
    assert got.kind == "A" and got.body.endswith(b"news\0first\0")
    two.query("notify news, 'second'")
    assert one.read().body.endswith(b"news\0second\0")


def test_notification_never_lands_inside_a_row(pooler):
    p = pooler(pool_size=2, pool_mode="session")
    one, two = p.raw(receive_buffer=8192), p.raw()
    one.query("listen news")
    one.send(Q("select repeat('r', 30000000), pg_sleep(0.1), repeat('s', 30000000)"))
    for n in range(20):
        two.query(f"notify news, 'n{n}'")
    said = one.ready()
    (row,) = [m for m in said if m.kind == "D"]
    assert row.body.count(b"r") == 30000000 and row.body.count(b"s") == 30000000
    texts = [m.body.split(b"\0")[-2] for m in said if m.kind == "A"]
    while len(texts) < 20:
        texts.append(one.read_until("A")[-1].body.split(b"\0")[-2])
    assert texts == [f"n{n}".encode() for n in range(20)]


def test_idle_server_that_is_terminated_is_missed_by_nobody(pooler, cluster, shape):
    p = pooler(pool_size=2, **shape)
    client = p.raw()
    client.value("select 1")
    for _ in range(3):
        cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name <> 'e2e-direct' "
                    "and backend_type = 'client backend' and pid <> pg_backend_pid()")
        until(lambda: not cluster.backends(), "the server is gone")
        until(lambda: not p.show("servers"), "the pooler has noticed")
        assert client.value("select 1") == "1"


def test_idle_session_timeout_is_missed_by_nobody(pooler, cluster):
    p = pooler(pool_size=1, databases={"app": lambda p: p.db("app")
                                       + " connect_query='set idle_session_timeout = 1000'"})
    client = p.raw()
    first = client.value("select pg_backend_pid()")
    until(lambda: int(first) not in cluster.backends(), "the server ends itself")
    until(lambda: not p.show("servers"), "the pooler has noticed")
    assert client.value("select pg_backend_pid()") != first


def test_idle_in_transaction_timeout_is_told_to_its_client(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(), p.raw()
    one.query("begin; set local idle_in_transaction_session_timeout = 200")
    said = one.rest()
    assert [m.sqlstate for m in said if m.kind == "E"][:1] == ["25P03"]
    assert [m.kind for m in two.query("select 1")] == list("TDCZ")


def test_server_reload_is_told_with_the_next_query(own_cluster, make_pooler):
    p = make_pooler(own_cluster, pool_size=1)
    client = p.raw()
    client.value("select 1")
    own_cluster.configure(default_transaction_read_only="on")
    try:
        until(lambda: client.value("show default_transaction_read_only") == "on")
    finally:
        own_cluster.configure(default_transaction_read_only=None)


def test_commit_of_a_failed_transaction_is_clean(pooler, shape):
    """The tag says ROLLBACK, the status says I: only the status counts."""
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(), p.raw()
    for _ in range(3):
        one.query("begin")
        one.query("select 1/0")
        assert [m.tag() for m in one.query("commit") if m.kind == "C"] == ["ROLLBACK"]
        assert two.query("select 1")[-1].status() == "I"


def test_ddl_under_a_prepared_statement(pooler, cluster, shape):
    cluster.in_app("drop table if exists ddl; create table ddl(a int); grant all on ddl to public")
    p = pooler(pool_size=1, pool_mode="session", **shape)
    client = p.raw()
    client.send(P("select * from ddl", "s") + B(name="s") + E() + S)
    client.ready()
    cluster.in_app("alter table ddl add b int")
    client.send(B(name="s") + E() + S)
    said = client.ready()
    assert [m.sqlstate for m in said if m.kind == "E"] == ["0A000"]
    assert client.value("select 1") == "1"


def test_two_schemas_same_text(pooler, cluster, shape):
    cluster.in_app("""
        drop schema if exists s1, s2 cascade; create schema s1; create schema s2;
        create table s1.t as select 'one' as v; create table s2.t as select 'two' as v;
        grant all on schema s1, s2 to public; grant all on s1.t, s2.t to public""")
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(options="-c search_path=s1"), p.raw(options="-c search_path=s2")
    batch = P("select v from t") + B() + E() + S
    for _ in range(3):
        for client, wanted in ((one, "one"), (two, "two")):
            client.send(batch)
            assert [m.row()[0] for m in client.ready() if m.kind == "D"] == [wanted]


def test_row_level_security_by_user(pooler, cluster):
    """No user ever gets a server that is logged in as another."""
    cluster.in_app("""
        drop table if exists secrets; create table secrets(owner text, what text);
        insert into secrets values ('app', 'a'), ('other', 'o');
        alter table secrets enable row level security;
        create policy own on secrets using (owner = current_user);
        grant all on secrets to public""")
    p = pooler(pool_size=1, max_db_connections=1)
    app, other = p.raw("app"), p.raw("other")
    for _ in range(5):
        assert app.rows("select what from secrets") == [["a"]]
        assert other.rows("select what from secrets") == [["o"]]


def test_half_closed_client_is_let_go(pooler, shape):
    """A client that shuts its side down may still read what was owed; then it is gone."""
    import socket
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    client.send(Q("select 'owed'"))
    client.sock.shutdown(socket.SHUT_WR)
    client.rest()
    assert p.raw().value("select 1") == "1"


def test_bytes_behind_a_request_for_encryption(pooler):
    """Declined and the plain login goes on, or the end; never anything half-way."""
    p = pooler()
    client = p.open()
    client.send(rawwire.ssl_request() + rawwire.startup("app", "app"))
    if client.byte() == b"N":
        try:
            client.finish_login("app")
            assert client.value("select 1") == "1"
        except (rawwire.Gone, rawwire.Refused):
            pass
    assert p.raw().value("select 1") == "1"


def test_large_query_before_login_is_not_gathered(pooler):
    p = pooler(auth_type="md5", userlist={"app": "x"})
    client = p.open()
    client.send(rawwire.startup("app", "app"))
    client.read_until("R")
    before = p.rss_mb()
    client.send(b"p" + struct.pack("!I", 100 << 20))
    try:
        for _ in range(100):
            client.send(b"x" * (1 << 20))
    except OSError:
        pass
    assert p.rss_mb() < before + 30
    assert p.raw(password="x").value("select 1") == "1"


def test_commands_that_arrive_while_the_answer_streams(pooler):
    p = pooler(pool_size=1)
    client = p.raw(receive_buffer=8192)
    client.send(Q("select repeat('x', 1000) from generate_series(1, 20000)") + Q("select 'second'"))
    first = client.ready()
    assert sum(m.kind == "D" for m in first) == 20000
    assert [m.row() for m in client.ready() if m.kind == "D"] == [["second"]]


def test_slow_neighbour_does_not_stop_the_others(pooler):
    """A client that does not read its hundred megabytes holds its own server, and nobody's loop."""
    p = pooler(pool_size=2, workers=1)
    slow, quick = p.raw(receive_buffer=8192), p.raw()
    slow.send(Q("select repeat('x', 10000) from generate_series(1, 10000)"))
    slow.read_until("D")
    for n in range(50):
        assert quick.value(f"select {n}") == str(n)
    assert sum(m.kind == "D" for m in slow.ready()) == 9999


def test_close_waits_for_nothing(pooler, shape):
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    client.send(C("S", "none") + C("P", "") + S)
    assert [m.kind for m in client.ready()] == ["3", "3", "Z"]


def test_terminate_with_a_batch_in_flight(pooler, shape):
    p = pooler(pool_size=1, **shape)
    for _ in range(5):
        client = p.raw()
        client.send(P("select pg_sleep(0.01)") + B() + E() + S + rawwire.X)
        client.rest()
        client.drop()
    assert p.raw().value("select 1") == "1"


def test_queue_is_first_come_first_served(pooler):
    p = pooler(pool_size=1, workers=1)
    holder = p.raw()
    holder.query("begin")
    order = []
    waiters = [p.raw() for _ in range(6)]
    for n, client in enumerate(waiters):
        client.send(Q(f"select {n}, clock_timestamp()::text"))
        p.wait_waiting(n + 1)
    holder.query("commit")
    for client in waiters:
        order.append([m.row() for m in client.ready() if m.kind == "D"][0])
    assert [r[0] for r in sorted(order, key=lambda r: r[1])] == [str(n) for n in range(6)]


def test_waiter_on_another_worker_gets_the_server(pooler):
    """Servers move between workers when that is what a waiter needs."""
    p = pooler(pool_size=1, workers=4)
    clients = [p.raw() for _ in range(8)]
    for _ in range(20):
        results = all_at_once([lambda c=c, n=n: c.value(f"select {n}") for n, c in enumerate(clients)])
        assert results == [str(n) for n in range(8)]


def test_nothing_is_sent_to_a_client_that_is_idle(pooler, cluster):
    p = pooler(pool_size=1)
    idle, busy = p.raw(), p.raw()
    idle.value("select 1")
    busy.query("set timezone = 'Asia/Tokyo'; notify x")
    busy.query("do $$ begin raise notice 'not yours'; end $$")
    cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'app' "
                "and application_name <> 'e2e-direct'")
    until(lambda: not p.show("servers"))
    assert not idle.has_input()
    assert [m.kind for m in idle.query("select 1") if m.kind != "S"] == list("TDCZ")


def test_too_many_connections_at_the_server_is_told(own_cluster, make_pooler):
    own_cluster.sql("alter role app connection limit 0")
    p = make_pooler(own_cluster, pool_size=2)
    client = p.open()
    try:
        error = client.login("app", "app").error("select 1")
    except rawwire.Refused as refused:
        error = refused.error
    assert error.sqlstate == "53300" and "too many connections" in error.text
    own_cluster.sql("alter role app connection limit -1")
    until(lambda: served(p), "the pool recovers")


def served(p):
    try:
        client = p.open().login("app", "app")
        return [m for m in client.query("select 1") if m.kind == "D"]
    except (rawwire.Refused, rawwire.Gone):
        return False


def test_waiter_is_served_though_no_further_login_succeeds(own_cluster, make_pooler):
    """A second server cannot be had; the first one comes back in time."""
    own_cluster.sql("alter role app connection limit 1")
    p = make_pooler(own_cluster, pool_size=2)
    one, two = p.raw(), p.raw()
    one.query("begin")
    two.send(Q("select 'served'"))
    p.wait_log("too many connections")
    one.query("commit")
    assert [m.row() for m in two.ready() if m.kind == "D"] == [["served"]]
