"""Memory stays bounded whatever is streamed, and nothing leaks."""

import pytest

import rawwire
from rawwire import B, D, E, P, Q, S, c, d
from waiting import Crew, all_at_once, until

MB = 1 << 20


@pytest.fixture
def room(binary):
    """How many MB of growth are none; sanitizers keep freed memory for a while."""
    return 200 if binary.sanitized() else 24


def read_rows(client):
    """Read to ReadyForQuery without keeping rows; how many bytes of rows came."""
    total = 0
    while True:
        got = client.read()
        if got.kind == "D":
            total += len(got.body)
        elif got.kind == "Z":
            return total
        else:
            assert got.kind in "TCSN", got


def test_hundred_megabytes_of_rows(pooler, room):
    p = pooler(pool_size=1)
    client = p.raw()
    client.value("select 1")
    before = p.rss_mb()
    client.send(Q("select repeat('x', 100000) from generate_series(1, 1000)"))
    assert read_rows(client) > 100 * 1000 * 1000
    assert p.peak_mb() < before + room


def test_one_row_of_hundred_megabytes(pooler, room):
    p = pooler(pool_size=1)
    client = p.raw()
    client.value("select 1")
    before = p.rss_mb()
    got = client.query("select repeat('x', 100000000)", deadline=60)
    (row,) = [m for m in got if m.kind == "D"]
    assert row.body.count(b"x") == 100000000
    assert p.peak_mb() < before + room


CAME = {"options": " ".join(f"-c came.a{i}={'y' * 900}" for i in range(9))}  # what a RESET ALL brings back
LONG = "/*" + "x" * 180_000 + "*/"
RESETS = {
    "a string": ([Q("reset all;" * 4800)], 1),
    "a string with more between": ([Q("reset all; select 1;" * 2300)], 1),
    "many strings": ([Q("reset all")] * 10_000, 10_000),
    "a batch": ([P("reset all", "r"), *[B(name="r") + E()] * 5_000, S], 1),
    "many discards": ([Q("discard all")] * 1_000, 1_000),
    "long texts that are run": ([P("reset all " + LONG, "r"), *[B(name="r") + E()] * 500, S], 1),
}


@pytest.mark.parametrize("what", RESETS)
def test_little_that_brings_much_back(pooler, room, what):
    """What is sent behind a RESET is much longer than that; it takes a room of its own for some of them at a time."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    client = p.raw(**CAME)
    client.query("set came.a0 = 'x'")
    before = p.rss_mb()
    messages, readies = RESETS[what]
    crew = Crew()
    crew.start(client.send, b"".join(messages))
    said = client.ready(readies, deadline=60)
    crew.join()
    assert not [m.fields() for m in said if m.kind == "E"]
    assert client.value("show came.a0") == "y" * 900
    assert p.peak_mb() < before + room


def test_portals_that_are_not_run(pooler):
    """A Bind is short, whatever its statement: as many are held as statements may be."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    client, other = p.raw(**CAME), p.raw()
    client.send(P("reset all " + LONG, "r") + b"".join(B(name="r", portal=f"p{i}") for i in range(1_000)) + S)
    assert [m.sqlstate for m in client.rest() if m.kind == "E"] == ["08P01"]
    assert other.value("select 1") == "1"


def test_long_strings_that_reset_something(pooler):
    """Their letters are counted once, not for each of their statements."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    client = p.raw(**CAME)
    client.query("set came.a0 = 'x'")
    crew = Crew()
    crew.start(client.send, Q("select 1/0;" + "select 1;" * 18_000 + "reset all") * 80)
    said = client.ready(80, deadline=45)
    crew.join()
    assert [m.sqlstate for m in said if m.kind == "E"] == ["22012"] * 80
    assert client.value("show came.a0") == "x"


@pytest.mark.parametrize("ends, count", [(b"", 100_000), (S, 20_000)], ids=["a batch", "a batch each"])
def test_portals_without_end(pooler, ends, count):
    """However many there are, each is found and forgotten at once; else nothing of its worker is done for minutes."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    client = p.raw(**CAME)
    client.query("set came.a0 = 'x'")
    crew = Crew()
    crew.start(client.send, P("reset all", "r") + b"".join(B(name="r", portal=f"p{i}") + ends for i in range(count)) + E("p7") + S)
    said = client.ready(count + 1 if ends else 1, deadline=45)
    crew.join()
    assert [m.sqlstate for m in said if m.kind == "E"] == (["34000"] if ends else [])
    assert client.value("show came.a0") == ("x" if ends else "y" * 900)


def test_settings_without_end(pooler):
    """Who sets more than can follow it keeps its server, and all of them."""
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    client = p.raw()
    before = p.rss_mb()
    for i in range(400):
        client.query(f"set many.a{i} = '{'v' * 50_000}'")
    assert p.rss_mb() < before + 24
    (kept,) = p.show("kept")
    assert "unknown" in kept["reasons"]
    for i in 0, 10, 399:
        assert client.value(f"show many.a{i}") == "v" * 50_000
    client.query("discard all")
    assert p.show("kept") == []
    assert client.value("select coalesce(nullif(current_setting('many.a0', true), ''), 'none')") == "none"


@pytest.mark.parametrize("sql", ["set long.a = '{}'", "select set_config('long.a', '{}', false)", "select set_config('long.a', repeat('v', {n}), false)"])
def test_a_long_setting(pooler, sql):
    """One that is too long to follow its client keeps the server that has it."""
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    with p.raw() as client, p.raw() as other:
        client.query(sql.format("v" * 100_000, n=100_000))
        assert other.value("select coalesce(current_setting('long.a', true), '')") == ""
        assert client.value("show long.a") == "v" * 100_000
        until(lambda: [kept["reasons"] for kept in p.show("kept")] == ["unknown"], "the server is kept")
        client.query("discard all")
        until(lambda: p.show("kept") == [], "it is not, any more")


def test_one_parameter_of_hundred_megabytes(pooler, room):
    p = pooler(pool_size=1)
    client = p.raw()
    client.value("select 1")
    before = p.rss_mb()
    client.send(P("select md5($1)") + B(b"y" * 100000000) + E() + S)
    import hashlib
    assert [m.row()[0] for m in client.ready(deadline=60) if m.kind == "D"] == [
        hashlib.md5(b"y" * 100000000).hexdigest()]
    assert p.peak_mb() < before + room


def test_query_of_fifty_megabytes(pooler, room):
    p = pooler(pool_size=1, log_min_duration_statement=0)
    client = p.raw()
    before = p.rss_mb()
    assert client.value("select length('" + "z" * 50000000 + "')", deadline=60) == "50000000"
    assert p.peak_mb() < before + room


def test_statements_that_are_never_closed(pooler, room):
    """What the slow-query log remembers of a client is bounded, however many statements it names."""
    p = pooler(pool_size=1, pool_mode="session", log_min_duration_statement="1h")
    client = p.raw()
    client.value("select 1")
    before = p.rss_mb()
    filler = "x" * 16000
    for n in range(50):
        client.send(*(P(f"select {n} /* {filler} */", f"s{n}_{m}") for m in range(100)), S)
        assert client.ready(deadline=60)[-2].kind == "1"
        client.query("deallocate all")
    assert p.peak_mb() < before + room


def test_copy_of_hundred_megabytes_each_way(pooler, cluster, room):
    cluster.in_app("drop table if exists bulk; create unlogged table bulk(t text); grant all on bulk to public")
    p = pooler(pool_size=1)
    client = p.raw()
    client.value("select 1")
    before = p.rss_mb()
    client.send(Q("copy bulk from stdin"))
    client.read_until("G")
    chunk = b"".join(d("v" * 9999 + "\n") for _ in range(100))
    for _ in range(100):
        client.send(chunk)
    client.send(c())
    assert [m.tag() for m in client.ready(deadline=60) if m.kind == "C"] == ["COPY 10000"]
    client.send(Q("copy bulk to stdout"))
    total = 0
    while True:
        got = client.read()
        total += len(got.body) if got.kind == "d" else 0
        if got.kind == "Z":
            break
    assert total == 100000000
    assert p.peak_mb() < before + room
    cluster.in_app("drop table bulk")


def test_client_that_does_not_read(pooler, cluster, room):
    """The server is not read for either: nothing piles up in between."""
    p = pooler(pool_size=2, workers=1)
    other = p.raw()
    other.value("select 1")
    before = p.rss_mb()
    lazy = p.raw(receive_buffer=8192)
    lazy.send(Q("select repeat('x', 100000) from generate_series(1, 2000)"))
    until(lambda: cluster.sql("select 1 from pg_stat_activity where wait_event = 'ClientWrite'"),
          "the server has to wait for us")
    for n in range(200):
        assert other.value(f"select {n}") == str(n)
    assert p.peak_mb() < before + room
    assert read_rows(lazy) > 2000 * 100000
    assert p.peak_mb() < before + room


def test_server_that_does_not_read(pooler, cluster, fault_proxy, room):
    """The network to the server is stuck: the client is stopped, nothing piles up."""
    proxy = fault_proxy(cluster.port)
    p = pooler(pool_size=1, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    client = p.raw()
    client.value("select 1")
    before = p.rss_mb()
    proxy.hold_up.set()
    sent = [0]

    def send():
        data = B(b"y" * (60 * MB)) + E() + S
        client.send(P("select length($1)"))
        for at in range(0, len(data), MB):
            client.send(data[at:at + MB])
            sent[0] += 1

    crew = Crew()
    crew.start(send)
    last = [-1]

    def stands_still():
        same = last[0] == sent[0] and sent[0] > 0
        last[0] = sent[0]
        return same

    until(stands_still, "the client is stopped", every=0.5)
    assert sent[0] < 50
    assert p.peak_mb() < before + room
    proxy.hold_up.clear()
    crew.join()
    assert [m.row()[0] for m in client.ready(deadline=60) if m.kind == "D"] == [str(60 * MB)]


def test_many_lazy_clients(pooler, cluster, room):
    p = pooler(pool_size=20, workers=2, max_client_conn=100)
    clients = [p.raw(receive_buffer=8192) for _ in range(20)]
    for client in clients:
        client.value("select 1")
    before = p.rss_mb()
    for client in clients:
        client.send(Q("select repeat('x', 100000) from generate_series(1, 300)"))
    until(lambda: len(cluster.sql("select 1 from pg_stat_activity where wait_event = 'ClientWrite'")) == 20)
    assert p.peak_mb() < before + room + 20
    for client in clients:
        client.kill()
    assert p.raw().value("select 1") == "1"


def test_pipeline_that_is_not_read(pooler, room):
    """A client sends and sends and reads nothing: at some point it is not read for either."""
    p = pooler(pool_size=1)
    client = p.raw(receive_buffer=8192)
    client.value("select 1")
    before = p.rss_mb()
    crew = Crew()
    batches = 30000
    one = P("select repeat('x', 500)") + D("S") + B() + E() + S

    def send():
        for _ in range(batches // 100):
            client.send(one * 100)

    crew.start(send)
    count = 0
    while count < batches:
        count += client.read().kind == "Z"
    crew.join()
    assert p.peak_mb() < before + room


# ---- leaks ------------------------------------------------------------------------------------------


def churn(p, rounds):
    def one(who):
        for n in range(rounds):
            client = p.raw(application_name=f"c{n % 7}")
            assert client.value(f"select '{who}.{n}'") == f"{who}.{n}"
            [client.close, client.drop, client.kill][n % 3]()

    all_at_once([lambda who=who: one(who) for who in range(4)])
    p.clients.clear()


def test_thousands_of_connections_leak_nothing(pooler, binary):
    p = pooler(pool_size=3, workers=2, log_connections=0, log_disconnections=0)
    churn(p, 200)
    until(lambda: not p.show("clients", user="app"))
    fds, rss = p.fds(), p.rss_mb()
    churn(p, 700)
    until(lambda: not p.show("clients", user="app"))
    until(lambda: p.fds() <= fds + 2, "all descriptors are closed, but for servers that were not there then")
    assert p.rss_mb() < rss + (60 if binary.sanitized() else 4)


def test_refused_and_broken_logins_leak_nothing(pooler, binary):
    p = pooler(auth_type="scram-sha-256", userlist={"app": "x"}, log_connections=0, log_pooler_errors=0,
               auth_failure_delay=0)

    def bad(count):
        for n in range(count):
            client = p.open()
            if n % 4 == 0:
                try:
                    client.login("app" if n % 8 else "nobody", "app", "wrong")
                except rawwire.Refused:
                    pass
            elif n % 4 == 1:
                client.send(rawwire.startup("app", "app"))
                client.read_until("R")
            elif n % 4 == 2:
                client.send(rawwire.startup("app", "nowhere")[:20])
            else:
                client.send(rawwire.ssl_request())
                client.byte()
            client.drop()
        p.clients.clear()

    bad(100)
    fds, rss = p.fds(), p.rss_mb()
    bad(600)
    until(lambda: p.fds() <= fds, "all descriptors are closed")
    assert p.rss_mb() < rss + (60 if binary.sanitized() else 4)


def test_servers_that_come_and_go_leak_nothing(pooler, cluster, binary):
    p = pooler(pool_size=2, pool_recycle=0) if not binary.is_pgbouncer else pooler(pool_size=2)
    client = p.raw()

    def go(count):
        for n in range(count):
            assert client.value(f"select {n}") == str(n)

    go(30)
    fds, rss = p.fds(), p.rss_mb()
    go(200)
    until(lambda: p.fds() <= fds + 1, "all descriptors are closed")
    assert p.rss_mb() < rss + (60 if binary.sanitized() else 4)


def test_idle_clients_are_cheap(pooler, binary):
    p = pooler(max_client_conn=3000, pool_size=2, workers=2, log_connections=0)
    for _ in range(50):
        p.raw().value("select 1")
    before = p.rss_mb()
    for _ in range(1000):
        p.raw()
    grown = (p.rss_mb() - before) * 1024 / 1000
    assert grown < (40 if binary.sanitized() else 6), f"{grown:.1f} kB a client"
    assert p.clients[-1].value("select 1") == "1"


def test_memory_of_clients_that_have_left_goes_back_to_the_system(pooler, binary):
    """Their structs, at least: what of malloc's is between others stays."""
    if binary.sanitized():
        pytest.skip("sanitizers keep freed memory")
    p = pooler(max_client_conn=3000, pool_size=2, workers=1, log_connections=0, log_disconnections=0)
    stays = p.raw()
    for _ in range(2000):
        p.raw()
    full = p.rss_mb()
    for client in p.clients[1:]:
        client.drop()
    del p.clients[1:]
    until(lambda: p.rss_mb() < full - 0.8, "four fifths of a megabyte, of one and an eighth")
    assert stays.value("select 1") == "1"


def test_cancels_leak_nothing(pooler):
    p = pooler(pool_size=1)
    client = p.raw()
    client.value("select 1")
    for _ in range(50):
        client.cancel()
    fds = p.fds()
    for _ in range(400):
        client.cancel()
    until(lambda: p.fds() <= fds, "all descriptors are closed")
    assert client.value("select 1") == "1"


def test_running_out_of_descriptors(make_pooler, cluster):
    """Too many clients for the process: it goes on serving those that are in, and new ones when some leave."""
    p = make_pooler(cluster, start=False, max_client_conn=1000, pool_size=2, workers=1)
    p.max_files = 60
    p.start()
    p.raw().value("select 1")
    inside = [p.raw() for _ in range(10)]
    crowd = [rawwire.Client(p.address) for _ in range(80)]
    for client in inside:
        assert client.value("select 1") == "1"
    for client in crowd:
        client.drop()

    def again():
        try:
            return p.raw()
        except (rawwire.Refused, rawwire.Gone, OSError):
            return None

    assert until(again).value("select 1") == "1"
