"""One set of names for PREPARE and Parse, in batches that nobody has thought of: what PostgreSQL says to a twin is right.

Four clients share two servers, which remember few statements. One of the clients at a time may hold a server, by a
transaction or by PREPARE; the others take turns at what is left. Each is sent what its twin is, which is connected
directly. E2E_SEED says where the drawing begins, E2E_LONG how many batches there are.
"""

import os
import random

import pytest

from rawwire import B, C, Client, D, E, P, Q, S

pytestmark = pytest.mark.pgweir

SEED = int(os.environ.get("E2E_SEED", "7"))
LONG = int(os.environ.get("E2E_LONG", "0"))
BATCHES = LONG if LONG > 1 else 600
CLIENTS = 4
HISTORY = 30
NAMES = ["n", "m", "x", '"N 1"']
HARMLESS = ["select 'a'", "select 'b' as other", "select $1::int + 1", "select $1", "select 1/0", "select 7, 8", "", "selec 1"]


class Pair:
    """A client and its twin, and what both are still to be sent."""

    def __init__(self, p, cluster):
        self.client = p.raw()
        self.twin = Client(("127.0.0.1", cluster.port)).login("app", "app")
        self.told = []
        self.has_failed = False
        self.executes = False

    def say(self, batches, at_once):
        """All that is said to the batches by either side."""
        self.told += batches
        got = []
        for side in (self.client, self.twin):
            heard, has_failed = [], self.has_failed
            if at_once:
                side.send(b"".join(batches))
            for batch in batches:
                if not at_once:
                    side.send(batch)
                messages = [m for m in side.ready() if m.kind not in "SN"]
                # in a failed transaction what is refused may be refused earlier, and in other words
                heard.append([said(m) for m in (messages[-1:] if has_failed and not ends(batch) else messages)])
                has_failed = messages[-1].status() == "E"
            got.append(heard)
        self.has_failed = has_failed
        return got

    def agree(self, batches, at_once=False):
        got, wanted = self.say(batches, at_once)
        before = "\n".join(shown(batch) for batch in self.told[-HISTORY:])
        assert got == wanted, f"{len(batches)} {'at once' if at_once else 'one by one'}, the last of\n{before}"

    def close(self):
        self.client.close()
        self.twin.close()


def said(m):
    if m.kind == "T":  # but for the table's number
        return m.kind, m.columns(), m.types()
    return m.kind, m.sqlstate if m.kind == "E" else m.body


def ends(batch):
    """Does it begin with what may end a failed transaction?"""
    return batch[:1] == b"Q" and batch[5:].startswith((b"rollback", b"commit", b"abort"))


def shown(batch):
    """The messages of a batch, for who has to find out what went wrong."""
    out = []
    while batch:
        end = 1 + int.from_bytes(batch[1:5], "big")
        out.append((batch[:1] + b" " + batch[5:end].rstrip(b"\0").replace(b"\0", b"|")).decode())
        batch = batch[end:]
    return "  ".join(out)


def wire(name):
    return name.strip('"')


class Draw:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *of):
        return self.random.choice(of)

    def name(self):
        return self.one(*NAMES)

    def query(self):
        return self.one(*HARMLESS)

    def naming(self, holds):
        """A statement with a name in it; `holds`: it may leave something that PREPARE has made."""
        name = self.name()
        of = [f"execute {name}", f"execute {name}(5)", f"deallocate {name}", f"explain (costs off) execute {name}", "deallocate all"]
        if holds:
            of += [f"prepare {name} as select '{self.one('p', 'q')}'", f"prepare {name}(int) as select $1 + 2"] * 2
        return self.one(*of)

    def text(self, holds):
        return self.naming(holds) if self.random.random() < 0.6 else self.query()

    def string(self, holds):
        """Of a Query: now and then of several statements."""
        count = self.one(1, 1, 1, 2, 3, 7)
        string = "; ".join(self.text(holds) for _ in range(count))
        if holds and "selec 1" not in string and self.random.random() < 0.2:
            return self.one("rollback; ", "rollback to a; ", "commit and chain; ", "abort; begin; ") + string
        return string

    def messages(self, holds, executes):
        """`executes`: the unnamed statement may be an EXECUTE. It is left alone then, since its name may be gone by now."""
        name = wire(self.name())
        value = self.one((), (), (), ("5",))
        unnamed = [] if executes else [lambda: D("S"), lambda: B(*value) + E()]
        return self.one(
            lambda: P(self.query(), name),
            lambda: P(self.query(), name),
            lambda: B(*value, name=name) + E(),
            lambda: B(*value, name=name) + D() + E(),
            lambda: D("S", name),
            lambda: C("S", name),
            lambda: P(self.text(holds)) + B(*value) + E(),
            lambda: P(self.text(holds)) + D("S") + B(*value) + D() + E(),
            lambda: P(self.text(holds)),
            *unnamed,
            # what an EXECUTE gives is settled when it is prepared: it does not stay
            lambda: C("S", "e") + P(self.text(holds), "e") + D("S", "e") + B(*value, name="e") + E() + C("S", "e"),
        )()

    def batch(self, pair, holds):
        kind = self.random.random()
        if kind < 0.35:
            pair.executes = False
            return Q(self.string(holds))
        if kind < 0.42 and holds:
            pair.executes = False
            return Q(self.one("begin", "commit", "rollback", "savepoint a", "rollback to a", "discard all"))
        batch = b"".join(self.messages(holds, pair.executes) for _ in range(self.one(1, 1, 2, 3, 5))) + S
        pair.executes |= b"execute" in batch
        return batch


def leave(pair):
    """It holds nothing any more."""
    pair.agree([Q("rollback"), Q("deallocate all")])


def play(p, cluster, draw, pairs):
    holder = pairs[0]
    for _ in range(BATCHES // 4):
        if draw.random.random() < 0.1:
            leave(holder)
            holder = draw.one(*pairs)
        pair = draw.one(holder, *pairs)
        if draw.random.random() < 0.03:
            pair.close()
            pairs[pairs.index(pair)] = fresh = Pair(p, cluster)
            holder = fresh if pair is holder else holder
            continue
        batches = [draw.batch(pair, pair is holder) for _ in range(draw.one(1, 1, 2, 3))]
        pair.agree(batches, at_once=draw.random.random() < 0.5)


@pytest.mark.timeout(90 + LONG // 20)
@pytest.mark.parametrize("remembered", [1, 2, 3, 50])
def test_twins(pooler, cluster, remembered):
    p = pooler(pool_mode="auto", pool_size=2, max_overflow=0, workers=1, max_prepared_statements=remembered)
    pairs = [Pair(p, cluster) for _ in range(CLIENTS)]
    try:
        play(p, cluster, Draw(SEED * 100 + remembered), pairs)
    finally:
        for pair in pairs:
            pair.close()
    with p.raw() as one, p.raw() as other:  # both servers, which nobody has left a name on
        for client in (one, other):
            client.query("begin")
            assert client.rows("select name, statement from pg_prepared_statements where name !~ '^pgweir_[0-9]+$'") == []
