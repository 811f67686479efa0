"""A table that changes, and two servers that one client may meet in turn."""

import pytest

STALE = "0A000"
TABLE = "stale_t"
OTHER_COLUMNS = ["add column y int default 2", "alter column x type text", "rename column x to z"]


@pytest.fixture(params=["auto", "transaction"])
def mode(request):
    return request.param


@pytest.fixture
def change(cluster):
    """Changes the table, on a connection that has nothing to do with the pooler's."""
    def alter(what):
        cluster.in_app(f"alter table {TABLE} {what}")

    cluster.in_app(f"drop table if exists {TABLE}; create table {TABLE} as select 1 as x; alter table {TABLE} owner to app")
    yield alter
    cluster.in_app(f"drop table {TABLE}")


def kinds(messages):
    return "".join(m.kind for m in messages)


def told(messages):
    """The rows, or what was refused."""
    return [m.row() for m in messages if m.kind == "D"] or [m.sqlstate for m in messages if m.kind == "E"]


class Servers:
    """Two servers of a pool, each of them held by somebody's transaction but for the one that a test wants to be used."""

    def __init__(self, p):
        self.holders = [p.raw(), p.raw()]
        self.pids = [self.hold(0), self.hold(1)]
        self.free = None

    def hold(self, which):
        return int(self.holders[which].value("begin; select pg_backend_pid()"))

    def only(self, which):
        if which == self.free:
            return
        if self.free is not None:  # there is no other that it could get
            assert self.hold(self.free) == self.pids[self.free]
        self.holders[which].query("commit")
        self.free = which


@pytest.fixture
def two(pooler, mode):
    """A pooler of two servers; which one is used is said by only()."""
    p = pooler(pool_mode=mode, pool_size=2, workers=1)
    p.servers = Servers(p)
    p.servers.only(0)
    return p


def outdated(two, change, prepare, **how):
    """A client that has prepared something at one server; at the other, the only one from now on, its table has a column more."""
    client = two.raw(**how)
    prepare(client)
    change("add column y int default 2")
    two.servers.only(1)
    return client


def check_told_once(two, client, run, change, what):
    """run(client) fails once on the other server, and is right wherever it is run from then on."""
    change(what)
    two.servers.only(1)
    assert run(client) == [STALE]
    row = ["1", "2"] if "add" in what else ["1"]
    for which in (1, 0, 1):
        two.servers.only(which)
        assert run(client) == [row]
