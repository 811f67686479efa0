"""Cancel requests: they end the right query, at once, and never another client's."""

import multiprocessing
import os
import random
import threading

import pytest

import fakeserver
import rawwire
from cluster import PASSWORD
from rawwire import B, E, P, Q, S
from waiting import DEADLINE, Crew, until

SLEEP = "select pg_sleep(600)"


def running(cluster, text="pg_sleep"):
    return lambda: [s for s in cluster.states() if s[1] == "active" and text in s[3]]


def canceled(client):
    errors = [m for m in client.ready() if m.kind == "E"]
    return [m.sqlstate for m in errors] == ["57014"]


def test_running_query_is_cancelled(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    for _ in range(3):
        client.send(Q(SLEEP))
        until(running(cluster), "the query runs")
        client.cancel()
        assert canceled(client)
        assert client.value("select 1") == "1"


def test_extended_query_is_cancelled(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    client.send(P(SLEEP) + B() + E() + S)
    until(running(cluster), "the query runs")
    client.cancel()
    assert canceled(client)
    assert p.raw().value("select 1") == "1"


def test_cancel_in_a_transaction_fails_it(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    client.query("begin")
    client.send(Q(SLEEP))
    until(running(cluster), "the query runs")
    client.cancel()
    assert canceled(client)
    assert client.query("rollback")[-1].status() == "I"


def test_copy_is_cancelled(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    client = p.raw(receive_buffer=8192)
    client.send(Q("copy (select generate_series(1, 1000000000)) to stdout"))
    client.read_until("H")
    client.cancel()
    assert canceled(client)
    assert client.value("select 1") == "1"


@pytest.mark.pgweir
def test_queued_client_is_cancelled_at_once(pooler, shape):
    p = pooler(pool_size=1, **shape)
    holder, client = p.raw(), p.raw()
    holder.query("begin")
    client.send(Q("select 1"))
    p.wait_waiting(1)
    client.cancel()
    assert canceled(client)
    assert p.waiting() == 0
    holder.query("commit")
    assert client.value("select 2") == "2"


@pytest.mark.pgweir
def test_queued_batch_is_cancelled_up_to_its_sync(pooler, shape):
    p = pooler(pool_size=1, **shape)
    holder, client = p.raw(), p.raw()
    holder.query("begin")
    client.send(P("select 1") + B() + E())
    p.wait_waiting(1)
    client.cancel()
    assert client.read().sqlstate == "57014"
    client.send(P("select 2") + B() + E() + S)
    assert [m.kind for m in client.ready()] == ["Z"]
    holder.query("commit")
    assert client.value("select 3") == "3"


@pytest.mark.pgweir
def test_cancel_in_the_queue_hits_nobody_at_work(pooler, latch, shape):
    p = pooler(pool_size=1, **shape)
    worker, client = p.raw(), p.raw()
    worker.send(Q(latch.sql))
    latch.wait_running()
    client.send(Q("select 1"))
    p.wait_waiting(1)
    client.cancel()
    assert canceled(client)
    p.wait_cancelling()
    latch.open()
    assert [m.row()[0] for m in worker.ready() if m.kind == "D"] == ["done"]


def test_idle_client_has_nothing_to_cancel(pooler, shape):
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    client.value("select 1")
    client.cancel()
    assert client.value("select 2") == "2"
    assert not client.has_input()


def test_cancel_of_an_idle_client_does_not_hit_who_has_its_server_now(pooler, latch, shape):
    p = pooler(pool_size=1, **shape)
    idle, busy = p.raw(), p.raw()
    idle.value("select 1")
    busy.send(Q(latch.sql))
    latch.wait_running()
    for _ in range(5):
        idle.cancel()
    p.wait_cancelling()
    latch.open()
    assert [m.row()[0] for m in busy.ready() if m.kind == "D"] == ["done"]


def test_idle_in_transaction_survives_a_cancel(pooler, shape):
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    client.query("begin")
    client.cancel()
    p.wait_cancelling()
    assert client.query("commit")[-1].status() == "I"


def test_wrong_keys_do_nothing(pooler, latch, shape):
    p = pooler(pool_size=1, **shape)
    client = p.raw()
    client.send(Q(latch.sql))
    latch.wait_running()
    key = client.key
    for pid, wrong in ((client.pid, bytes(4)), (client.pid, bytes([key[0] ^ 1]) + key[1:]),
                       (client.pid ^ 1, key), (0, bytes(4)), (0xffffffff, b"\xff" * 4), (client.pid, key + b"x"),
                       (client.pid, key[:3])):
        peer = p.open()
        peer.send(rawwire.cancel_request(pid, wrong))
        assert [m.kind for m in peer.rest()] in ([], ["E"])
    p.wait_cancelling()
    latch.open()
    assert [m.row()[0] for m in client.ready() if m.kind == "D"] == ["done"]


@pytest.mark.parametrize("body", [b"", b"\0" * 4, b"\0" * 7, b"\0" * 300, b"\xff" * 2000])
def test_malformed_cancel_requests(pooler, body):
    p = pooler()
    peer = p.open()
    peer.send(rawwire.untyped(rawwire.CODE_CANCEL.to_bytes(4, "big") + body))
    assert [m.kind for m in peer.rest()] in ([], ["E"])
    assert p.raw().value("select 1") == "1"


@pytest.mark.pgweir
@pytest.mark.parametrize("behind", [rawwire.startup("app", "app"), rawwire.cancel_request(7, b"abcd")], ids=["login", "another"])
def test_nothing_is_taken_behind_a_cancel_request(pooler, behind):
    p = pooler()
    peer = p.open()
    peer.send(rawwire.cancel_request(64, b"abcd") + behind)
    assert peer.rest() == []


@pytest.mark.pgweir
def test_second_cancel_behind_the_first_ends_no_other_client(pooler, cluster, latch, fault_proxy):
    """The first is still under way when the second has been answered, and who asked is gone."""
    proxy = fault_proxy(cluster.port)
    p = pooler(workers=1, cancel_wait_timeout=1, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    client = p.raw()
    client.send(Q(latch.sql))
    latch.wait_running()
    proxy.refuse = True
    peer = p.open()
    peer.send(rawwire.cancel_request(client.pid, client.key) + rawwire.cancel_request(client.pid, b"none"))
    until(lambda: proxy.refused, "the cancel is on its way, and stuck")
    others = [p.raw() for _ in range(3)]  # one has the place of who has asked, if that is free
    p.wait_cancelling()
    latch.open()
    assert [m.row()[0] for m in client.ready() if m.kind == "D"] == ["done"]
    peer.rest()
    proxy.refuse = False
    for other in others:
        assert other.value("select 1") == "1"


def test_key_dies_with_its_client(pooler, latch):
    p = pooler(pool_size=1)
    gone = p.raw()
    gone.value("select 1")
    gone.close()
    until(lambda: not p.show("clients", user="app"), "the client is gone")
    busy = p.raw()
    busy.send(Q(latch.sql))
    latch.wait_running()
    rawwire.send_cancel(p.address, gone.pid, gone.key)
    p.wait_cancelling()
    latch.open()
    assert [m.row()[0] for m in busy.ready() if m.kind == "D"] == ["done"]


def test_driver_cancels(pooler, cluster):
    import psycopg
    p = pooler(pool_size=1)
    conn = p.connect()
    crew = Crew()

    def run():
        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute(SLEEP)

    crew.start(run)
    until(running(cluster), "the query runs")
    conn.cancel()
    crew.join()
    assert conn.execute("select 1").fetchone() == (1,)


def bystander(address, rounds, stop):
    """In a process of its own, so that the storm does not take its turns away: queries that nobody cancels."""
    b = rawwire.Client(address).login("app", "app")
    while not stop.is_set():
        n = rounds.value + 1
        said = b.query(f"select 'b{n}', count(*) from generate_series(1, {random.randrange(3000)})")
        assert [m.kind for m in said] == list("TDCZ"), said
        assert said[1].row()[0] == f"b{n}"
        rounds.value = n
    b.close()


def storm(p, cancels):
    """
    A runs short queries and is cancelled at random moments; B shares its only server and must never notice.
    """
    a = p.raw()
    hits = [0]
    fork = multiprocessing.get_context("fork")
    rounds, stop = fork.Value("i", 0), fork.Event()
    b = fork.Process(target=bystander, args=(p.address, rounds, stop))
    b.start()
    crew = Crew()

    def victim():
        n = 0
        while not crew.stop.is_set():
            n += 1
            said = a.query(f"select 'a{n}', count(*) from generate_series(1, {random.randrange(3000)})")
            errors = [m.sqlstate for m in said if m.kind == "E"]
            if errors:
                assert errors == ["57014"]
                hits[0] += 1
            else:
                assert [m.row()[0] for m in said if m.kind == "D"] == [f"a{n}"]

    def canceller(count):
        # As many as asked for, and on until both have had their turns.
        while (count > 0 or rounds.value < 20 or not hits[0]) and not crew.stop.is_set() and b.is_alive():
            rawwire.send_cancel(p.address, a.pid, a.key)
            count -= 1

    try:
        with crew:
            crew.start(victim)
            fire = Crew()
            for _ in range(4):
                fire.start(canceller, cancels // 4)
            fire.join(1200)
    finally:
        stop.set()
        b.join(DEADLINE)
        if b.is_alive():
            b.kill()
    assert b.exitcode == 0, "the bystander was hit, or got an answer that was not its own"
    print(f"{hits[0]} hits, {rounds.value} turns of the bystander")


@pytest.mark.parametrize("workers", [1, 3])
def test_random_cancels_never_hit_another_client(pooler, workers):
    storm(pooler(pool_size=1, workers=workers), int(os.environ.get("E2E_CANCELS", "4000")))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not os.environ.get("E2E_LONG"), reason="the whole storm takes a minute or more: E2E_LONG=1")
def test_a_hundred_thousand_cancels_never_hit_another_client(pooler):
    storm(pooler(pool_size=1, workers=3), 100000)


def test_cancel_while_settings_are_brought(pooler, cluster, shape):
    """The cancel comes while the pooler still sets the client's parameters: it must not get lost or go astray."""
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(application_name="one"), p.raw(application_name="two")
    for _ in range(10):
        for client in (one, two):
            client.send(Q("select 'x', pg_sleep(0.02)"))
            client.cancel()
            said = client.ready()
            errors = [m.sqlstate for m in said if m.kind == "E"]
            assert errors in ([], ["57014"])
            assert errors or [m.row()[0] for m in said if m.kind == "D"] == ["x"]
    assert one.value("show application_name") == "one"


class Asked:
    """A server that pool_mode auto asks something, which it answers when the test says so; `is_ours` tells what."""

    def __init__(self, is_ours):
        self.is_ours = is_ours
        self.asked, self.answers, self.cancelled = threading.Event(), threading.Event(), threading.Event()
        self.queries = []

    def __call__(self, session):
        if not session.login():
            self.cancelled.set()
            return
        while (got := session.read()).kind != "X":
            session.send(self.reply(got.body[:-1].decode()))

    def reply(self, sql):
        if self.is_ours(sql):
            self.asked.set()
            assert self.answers.wait(DEADLINE)
            return fakeserver.complete("SELECT 0") + fakeserver.ready()
        self.queries.append(sql)
        if sql == SLEEP:
            assert self.cancelled.wait(DEADLINE)
            return fakeserver.error("57014", "canceling statement due to user request") + fakeserver.ready()
        return fakeserver.answer("x")


def ask_to_cancel(p, client):
    """Returns when the request has come to the client; who asked waits for the end of it."""
    asker = p.open()
    asker.send(rawwire.cancel_request(client.pid, client.key))
    until(lambda: [row for row in p.show("stats", database="app") if row["total_cancel_count"] != "0"], "it is cancelled")
    return asker


@pytest.mark.pgweir
def test_cancel_of_what_waits_behind_a_question_of_ours(make_pooler, fake_server):
    """The client's query has not gone to its server yet, which is asked first which names hide code."""
    server = Asked(lambda sql: "RECURSIVE" in sql)
    p = make_pooler(None, pool_size=1, pool_mode="auto", auto_probe="suspicious",
                    databases={"app": f"host=127.0.0.1 port={fake_server(server).port} dbname=app"})
    client = p.raw()
    client.send(Q(SLEEP))
    assert server.asked.wait(DEADLINE)
    asker = ask_to_cancel(p, client)
    server.answers.set()
    assert canceled(client)
    asker.rest()
    assert client.value("select 1") == "x"


@pytest.mark.pgweir
@pytest.mark.parametrize("probe,question", [("suspicious", "RECURSIVE"), ("always", "pg_locks")])
def test_who_vanishes_amid_a_question_of_ours_has_nothing_cancelled(make_pooler, fake_server, probe, question):
    """Nothing of its runs when that is answered; who gets its server next is not hit."""
    server = Asked(lambda sql: question in sql)
    p = make_pooler(None, pool_size=1, pool_mode="auto", auto_probe=probe,
                    databases={"app": f"host=127.0.0.1 port={fake_server(server).port} dbname=app"})
    client, others = p.raw(), [p.raw(), p.raw()]
    client.send(Q("select 1"))
    assert server.asked.wait(DEADLINE)
    client.drop()
    until(lambda: len(p.show("clients", database="app")) == 2, "it is gone")
    server.answers.set()
    for n in range(4):
        assert others[n % 2].value("select 2") == "x"
    assert not server.cancelled.is_set()


@pytest.mark.pgweir
def test_late_cancel_does_not_hit_a_question_of_ours(make_pooler, fake_server):
    """What the client has left is asked for when it has its answer: were that cancelled, its server would be kept."""
    server = Asked(lambda sql: "pg_locks" in sql)
    p = make_pooler(None, pool_size=1, pool_mode="auto", auto_probe="always",
                    databases={"app": f"host=127.0.0.1 port={fake_server(server).port} dbname=app"})
    client, other = p.raw(), p.raw()
    client.query("select 1")
    assert server.asked.wait(DEADLINE)
    asker = ask_to_cancel(p, client)
    server.answers.set()
    asker.rest()
    assert other.value("select 2") == "x"
    assert client.value("select 3") == "x"
    assert not server.cancelled.is_set() and not p.show("kept")


@pytest.mark.pgweir
def test_stuck_cancels_keep_no_login_waiting(make_pooler, fake_server, cluster):
    """A server that takes cancels and does not answer: who logs in needs arithmetic from helpers meanwhile."""
    def script(session):
        if session.number < 4:
            session.login()
            session.read_until("Q")
        session.read_until("X")

    server = fake_server(script)
    p = make_pooler(cluster, userlist={"app": PASSWORD, "admin": ""}, cancel_wait_timeout=60, client_login_timeout=15,
                    databases={"stuck": f"host=127.0.0.1 port={server.port}",
                               "app": f"host=127.0.0.1 port={cluster.port} auth_type=scram-sha-256"})
    clients = [p.raw(database="stuck") for _ in range(4)]
    for client in clients:
        client.send(Q("select 1"))
    until(lambda: all(any(m.kind == "Q" for m in s.seen) for s in server.sessions) and len(server.sessions) == 4, "all are asked")
    for client in clients:
        client.drop()
    until(lambda: len(server.sessions) == 8, "four cancels are there")
    assert p.raw(password=PASSWORD).value("select 1") == "1"


def test_stuck_cancel_does_not_hold_a_client(pooler, cluster, latch, fault_proxy):
    """The server does not take the cancel: its client still gets its answer in the end."""
    proxy = fault_proxy(cluster.port)
    p = pooler(pool_size=1, cancel_wait_timeout=1,
               databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    client = p.raw()
    client.send(Q(latch.sql))
    latch.wait_running()
    proxy.refuse = True
    peer = p.open()
    peer.send(rawwire.cancel_request(client.pid, client.key))
    until(lambda: proxy.refused, "the cancel is on its way, and stuck")
    latch.open()
    assert [m.row()[0] for m in client.ready() if m.kind == "D"] == ["done"]
    peer.rest()
    proxy.refuse = False
    assert p.raw().value("select 1") == "1"
