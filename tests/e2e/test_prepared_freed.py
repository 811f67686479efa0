"""Names that DEALLOCATE and DISCARD ALL free amid a batch, or not after all: PostgreSQL's own answers."""

import pytest

from rawwire import B, C, D, E, P, Q, S, Client

pytestmark = pytest.mark.pgweir

FREEING = ["deallocate p1", "deallocate all", "discard all"]


def run(text):
    return P(text) + B() + E()


def portal(text, name):
    return P(text, name) + B(name=name, portal=name)


def use(name):
    return B(name=name) + E()


# Batches; each ends with what makes the server ready once. {} is what frees p1.
BATCHES = {
    "parsed anew": [run("{}") + P("select 'new'", "p1") + use("p1") + S, use("p1") + S],
    "parsed anew, later used": [run("{}") + P("select 'new'", "p1") + S, use("p1") + S],
    "used": [run("{}") + use("p1") + S],
    "described": [run("{}") + D("S", "p1") + S],
    "closed": [run("{}") + C("S", "p1") + P("select 'new'", "p1") + use("p1") + S],
    "the other used": [run("{}") + use("p2") + S, use("p2") + S],
    "error before it is run": [P("{}") + B() + D("S", "nothing") + E() + S, use("p1") + S, use("p2") + S],
    "error before it is bound": [D("S", "nothing") + run("{}") + S, use("p1") + S],
    "error behind it": [run("{}") + D("S", "nothing") + P("select 'new'", "p1") + S, use("p1") + S, P("select 'new'", "p1") + S],
    "never run": [P("{}") + B() + S, use("p1") + S],
    "another in its portal": [P("{}") + B() + P("select 'other'") + B() + E() + use("p1") + S],
    "used in between": [portal("{}", "x") + use("p1") + E("x") + use("p1") + S],
    "twice": [run("{}") + P("select 'new'", "p1") + run("{}") + P("select 'newer'", "p1") + use("p1") + S],
    "not freed": [P("select 'new'", "p1") + S, use("p1") + S],
    "run in a later batch": [Q("begin"), portal("deallocate p1", "x") + portal("deallocate p2", "y") + S, use("p1") + S,
                             E("x") + S, use("p2") + S, use("p1") + S, Q("rollback"), use("p2") + S, use("p1") + S],
    "all in a later batch": [Q("begin"), portal("deallocate all", "x") + S, use("p1") + S,
                             E("x") + P("select 'new'", "p1") + use("p1") + S, use("p1") + S, Q("commit"), use("p1") + S],
    "in a failed transaction": [Q("begin"), D("S", "nothing") + S, run("{}") + S, Q("rollback"), use("p1") + S],
    "in a transaction block": [Q("begin"), run("{}") + P("select 'new'", "p1") + use("p1") + S, Q("rollback"), use("p1") + S],
    "all closed, or not after all": [D("S", "nothing") + C("S", "p1") + C("S", "p2") + S, run("{}") + P("select 'one'", "p3") + D("S", "p1") + S,
                                     use("p1") + S, use("p2") + S],
    "prepared in SQL": [Q("prepare p3 as select 'sql'"), run("deallocate all") + P("select 'new'", "p3") + use("p3") + S],
}


def batches(name, text):
    """With messages written anew, since their lengths change with the text."""
    out = []
    for batch in BATCHES[name]:
        messages = b""
        while batch:
            length = 1 + int.from_bytes(batch[1:5], "big")
            body = batch[5:length].replace(b"{}", text.encode())
            messages += batch[:1] + (len(body) + 4).to_bytes(4, "big") + body
            batch = batch[length:]
        out.append(messages)
    return out


def answers(client, sent, at_once):
    """What is said to each message, but for the words."""
    client.send(P("select 'one'", "p1") + P("select 'two'", "p2") + S)
    client.ready()
    got = []
    if at_once:
        client.send(b"".join(sent))
    for batch in sent:
        if not at_once:
            client.send(batch)
        got.append([(m.kind, m.sqlstate) if m.kind == "E" else (m.kind, m.body) for m in client.ready() if m.kind not in "SN"])
    return got


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
@pytest.mark.parametrize("moves", [False, True], ids=["same server", "other server"])
@pytest.mark.parametrize("name", BATCHES)
def test_names_are_free_when_postgresql_says_so(pooler, cluster, name, moves, at_once):
    p = pooler(pool_mode="auto", pool_size=2, workers=1)
    for text in FREEING if any(b"{}" in batch for batch in BATCHES[name]) else FREEING[:1]:
        sent = batches(name, text)
        with Client(("127.0.0.1", cluster.port)).login("app", "app") as direct:
            wanted = answers(direct, sent, at_once)
        with p.raw() as client, p.raw() as other:
            if moves:  # who has prepared goes on at a server that has not got it
                client.send(P("select 'one'", "p1") + P("select 'two'", "p2") + S)
                client.ready()
                other.query("begin; select 1")
                client.send(C("S", "p1") + C("S", "p2") + S)
                client.ready()
            assert answers(client, sent, at_once) == wanted, text
            other.query("rollback")
