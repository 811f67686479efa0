"""Which worker serves whom: clients are placed by number, and go where there is time for them."""

import collections

import pytest

import rawwire
from authority import Authority
from rawwire import B, E, P, Q, S
from tlswire import TlsClient
from waiting import Crew, until, until_equal

pytestmark = pytest.mark.pgweir

# Passed on byte by byte, it keeps a worker busy for long.
WORK = "select repeat('x', 400)"


def workers_of(p):
    """The worker of each client, by its application_name."""
    return {row["application_name"]: int(row["worker"]) for row in p.show("clients", database="app")}


def shares(p, names):
    at = workers_of(p)
    return collections.Counter(at[name] for name in names if name in at)  # not those in the mail


def named(p, count, prefix="c", **more):
    return {f"{prefix}{n}": p.raw(application_name=f"{prefix}{n}", **more) for n in range(count)}


def all_on_one(p, clients):
    """Those of worker 0; the others are sent away."""
    at = workers_of(p)
    for name in [name for name in clients if at[name] != 0]:
        clients.pop(name).close()
    until_equal(lambda: set(workers_of(p).values()), {0})
    return clients


def keep_busy(crew, client):
    def work():
        while not crew.stop.is_set():
            assert client.value(WORK, deadline=60) == "x" * 400
    crew.start(work)


def test_new_clients_go_to_who_has_the_fewest(pooler):
    p = pooler(workers=3)
    clients = named(p, 12)
    assert sorted(shares(p, clients).values()) == [4, 4, 4]
    at = workers_of(p)
    for name in [name for name in clients if at[name] == 1]:
        clients.pop(name).close()
    until_equal(lambda: len(workers_of(p)), 8)
    clients |= named(p, 4, "d")
    assert sorted(shares(p, clients).values()) == [4, 4, 4]


def test_busy_clients_of_one_worker_are_spread(pooler):
    p = pooler(workers=2, pool_size=4, debug_io_bytes=1)
    clients = all_on_one(p, named(p, 24))
    assert len(clients) == 12
    with Crew() as crew:
        for client in clients.values():
            keep_busy(crew, client)
        until(lambda: min(shares(p, clients)[w] for w in (0, 1)) >= 3, "both workers have busy clients", every=0.1)
        until(lambda: all(int(row["busy"]) > 0 for row in p.show("workers")))
    assert moves(p, "moved_out") >= 3
    until(lambda: moves(p, "moved_in") == moves(p, "moved_out"), "who was sent has arrived")


def moves(p, column):
    return sum(int(row[column]) for row in p.show("workers"))


@pytest.fixture
def moved(pooler):
    """moved(prepare, **settings): a pooler, and a client that has moved; prepare(client) was called before that."""
    def make(prepare=None, login=None, **settings):
        p = pooler(workers=2, pool_size=4, debug_io_bytes=1, **settings)
        clients = all_on_one(p, named(p, 16, **(login or {})))
        for client in clients.values():
            if prepare:
                prepare(client)
        with Crew() as crew:
            for client in clients.values():
                keep_busy(crew, client)
            gone = until(lambda: [name for name, worker in workers_of(p).items() if worker == 1], "one has moved", every=0.1)
        return p, clients[gone[0]]

    return make


def test_who_has_moved_can_be_cancelled(moved, cluster):
    p, client = moved()
    client.send(Q("select pg_sleep(60), 'moved'"))
    until(lambda: cluster.sql("select 1 from pg_stat_activity where wait_event = 'PgSleep'"))
    client.cancel()
    assert [m.sqlstate for m in client.ready() if m.kind == "E"] == ["57014"]
    assert client.value("select 1") == "1"


def test_cancel_with_a_wrong_key_hits_nobody_who_has_moved(moved):
    p, client = moved()
    rawwire.send_cancel(client.address, client.pid, b"\0\0\0\0" if client.key != b"\0\0\0\0" else b"\1\0\0\0")
    assert client.value("select 1") == "1"


def test_settings_and_prepared_statements_move_along(moved):
    def prepare(client):
        client.query("set timezone to 'Asia/Tokyo'")
        client.send(P("select $1::int + 1", "plus"), S)
        client.ready()

    p, client = moved(prepare)
    assert client.value("show timezone") == "Asia/Tokyo"
    client.send(B(b"41", name="plus"), E(), S)
    assert [m.row()[0] for m in client.ready() if m.kind == "D"] == ["42"]


def test_who_has_moved_is_found_by_kill(moved):
    p, client = moved()
    (row,) = until(lambda: p.show("clients", port=client.sock.getsockname()[1]), "it is not on its way")
    p.console(f"kill_client {row['id']}")
    assert [m.sqlstate for m in client.rest()] == ["57P01"]


def test_tls_sessions_move_along(pooler, workdir):
    """Whatever OpenSSL has read of them already, too."""
    pair = Authority(workdir / "authority-balance").issue("localhost", sans=["localhost"])
    p = pooler(workers=2, pool_size=4, debug_io_bytes=1, client_tls_sslmode="require", client_tls_key_file=pair.key,
               client_tls_cert_file=pair.cert)
    clients = {}
    for n in range(12):
        clients[f"c{n}"] = TlsClient(p.address).login("app", "app", application_name=f"c{n}")
        p.clients.append(clients[f"c{n}"])
    all_on_one(p, clients)
    with Crew() as crew:
        for client in clients.values():
            keep_busy(crew, client)
        until(lambda: shares(p, clients)[1], "one has moved", every=0.1)
    for name, client in clients.items():
        assert client.value(f"select '{name}'") == name


def test_moved_clients_are_counted_out(moved):
    p, client = moved(max_client_conn=20)
    for one in p.clients:
        one.drop()
    until_equal(lambda: len(p.show("clients", database="app")), 0)
    assert sum(int(row["clients"]) for row in p.show("workers")) == 0
    again = [p.raw() for _ in range(20)]
    with pytest.raises(rawwire.Refused):
        p.raw()
    assert again[-1].value("select 1") == "1"


def test_shutdown_ends_those_who_have_moved(moved):
    p, client = moved()
    p.console("shutdown")
    assert p.wait_exit() == 0
