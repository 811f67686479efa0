"""What PostgreSQL refuses behind another statement of the same batch ("cannot be executed within a pipeline") is not refused
for what stands there of ours alone: a statement that is prepared anew by other settings than its client has by now, and what
the client came with, behind a DISCARD ALL.
"""

import pytest

from rawwire import B, C, Client, D, E, H, P, Q, S

pytestmark = pytest.mark.pgweir

LONERS = {  # what takes no other statement into its transaction; what is behind it; and what puts things right
    "discard all": [],
    "vacuum public.lone": [],
    "create database lone_db": ["drop database lone_db"],
    "reindex table concurrently public.lone": [],
    "create index concurrently lone_again on public.lone(a)": ["drop index concurrently public.lone_again"],
    "alter system reset deadlock_timeout": [],
    "cluster": [],
}
DATE = "select date '01/02/2000' - date '2000-01-01'"
USE = [B(name="p1"), E()]


def in_front(text):
    """Batches up to the statement, by what stands in front of it."""
    run = [P(text), B(), E()]
    named = [P(text, "lone"), B(name="lone"), E(), C("S", "lone")]
    return {
        "described": [D("S", "p1"), *run, S],
        "closed and described": [C("S", "x"), D("S", "p1"), *run, S],
        "described in front of a name": [D("S", "p1"), *named, S],
        "parsed and described": [P(text), D("S", "p1"), B(), E(), S],
        "parsed, named and described": [P(text, "lone"), D("S", "p1"), B(name="lone"), E(), S],
        "described and flushed": [D("S", "p1"), H, *run, S],
        "described in front of a query": [D("S", "p1"), Q(text)],
        "bound": [B(name="p1"), *run, S],
        "run": [*USE, *run, S],
        "run by a query": [*USE, Q(text)],
        "behind another batch": [B(name="p1"), E(), S, D("S", "p1"), *run, S],
        "behind a begin": [Q("begin"), D("S", "p1"), *run, S, Q("rollback")],
        "with an error behind it": [D("S", "p1"), *run, P("select 1/0"), B(), E(), S],
    }


def told(client, messages):
    """What matters of the answers."""
    client.send(*messages)
    said = []
    for _ in range(sum(m[:1] in (b"Q", b"S") for m in messages)):
        said += [(m.kind, m.sqlstate if m.kind == "E" else m.types() if m.kind == "T" else m.body)
                 for m in client.ready() if m.kind not in "SN"]
    return said


@pytest.fixture
def lone(cluster):
    cluster.in_app("create table public.lone(a int primary key)")
    yield
    cluster.in_app("drop table public.lone")


CASES = [("discard all", front) for front in in_front("")] + [(text, "described") for text in LONERS if text != "discard all"]


@pytest.mark.parametrize("text, front", CASES)
def test_a_statement_prepared_anew_is_no_pipeline(pooler, cluster, lone, text, front):
    """PostgreSQL has had it all along; the pooler's other server has not."""
    got = []
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    with p.raw("postgres") as client, p.raw("postgres") as holder, Client(("127.0.0.1", cluster.port)).login("postgres", "app") as twin:
        for side in (twin, client):
            side.query("set datestyle = 'ISO, MDY'")
            heard = [told(side, [P(DATE, "p1"), *USE, S])]
            side.query("set datestyle = 'ISO, DMY'")
            if side is client:
                before = client.value("select pg_backend_pid()")
                holder.query("begin; select 1")  # the one used last
                assert client.value("select pg_backend_pid()") != before
            heard.append(told(side, in_front(text)[front]))
            for undo in LONERS[text]:
                side.query(undo)
            heard += [told(side, [*USE, S]), told(side, [Q("show datestyle")])]
            got.append(heard)
        holder.query("rollback")
    assert got[1] == got[0]


CAME = {"application_name": "me", "options": "-c work_mem=9MB"}
SHOW = "select current_setting('work_mem'), current_setting('application_name')"
BEHIND = {
    "a loner": [P("vacuum"), B(), E(), S],
    "itself": [P("discard all"), B(), E(), S],
    "a query of a loner": [Q("vacuum")],
    "an error": [P("select 1/0"), B(), E(), S],
    "a begin that is rolled back": [P("begin"), B(), E(), P(SHOW), B(), E(), S, Q("rollback")],
    "a change that fails": [P("set work_mem = '5MB'"), B(), E(), P("select 1/0"), B(), E(), S],
    "a change": [P("set work_mem = '5MB'"), B(), E(), S],
}


@pytest.mark.parametrize("what", BEHIND)
def test_what_a_client_came_with_is_no_pipeline(pooler, cluster, what):
    """DISCARD ALL has committed, and with it what it brings back."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    with p.raw("postgres", **CAME) as client, p.raw("postgres") as other, \
            Client(("127.0.0.1", cluster.port)).login("postgres", "app", **CAME) as twin:
        for messages in [[Q("set work_mem = '7MB'")], [P("discard all"), B(), E(), *BEHIND[what]], [Q(SHOW)]]:
            assert told(client, messages) == told(twin, messages), messages
            assert client.params["application_name"] == "me"
        assert other.value("show work_mem") == "4MB"
