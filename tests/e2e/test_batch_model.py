"""pool_mode auto against PostgreSQL itself, in batches as no driver sends them.

As in test_auto_model.py every client has a twin that is connected directly, and both are sent the same bytes. Here these are
Parse, Bind, Describe, Execute, Close, Flush, Sync and Query in any order: names that are there already or not at all, portals
that are run in parts, in another batch or not, errors amid, several batches in one packet, transactions that begin and end
within them, and beside the protocol's own statements and portals those of SQL.

A few clients take turns. There are servers for all of them; one that holds the server which was used last sees to it that they
meet each other's. What comes is read up to two empty Queries that end each packet. Not asked for is what pgweir-modes names: an
EXECUTE by SQL of what a Parse has made (test_names_model.py has that, where it sets nothing), one that is prepared under a name
before what it executes, and a FETCH that is described when its cursor has changed.

It begins at one place, and prints it; E2E_SEED says where else, E2E_LONG how many chapters are played.
"""

import os
import random

import pytest

from rawwire import B, C, D, E, F, Gone, H, P, Q, S, c, d, f
from test_auto_model import LONG, USUAL_SEED, Draw, Pair, prepare_cluster
from waiting import SCALE

pytestmark = pytest.mark.pgweir

CLIENTS = 3
STEPS = 40
CHAPTERS = LONG if LONG > 1 else 10
END = [S, Q(""), Q("")]
STATEMENTS = ["p1", "p2", "p3", ""]
PORTALS = ["", "", "c1", "c2"]
LONERS = ["discard all", "discard all", "alter system reset work_mem"]


class OddDraw(Draw):
    LOGINS = [{}, {}, {"application_name": "came so", "options": "-c work_mem=9MB"}, {"TimeZone": "Asia/Tokyo", "DateStyle": "German, DMY"}]

    def settings(self):
        return self.pick("set work_mem = '5MB'", "set datestyle = 'ISO, DMY'", "set datestyle = 'ISO, MDY'", "set timezone = 'UTC'",
                         "set timezone = 'Asia/Tokyo'", "set local work_mem = '6MB'", "reset work_mem", "set search_path = s1, public",
                         "set search_path = s2, public", "set application_name = 'odd'", "reset application_name", "reset all",
                         "select set_config('my.tenant', 'red', false)", "set work_mem = 'nonsense'", "set local timezone = '3'",
                         "set standard_conforming_strings = on")

    def reads(self):
        return self.pick("select v from t", "select generate_series(1, 5)", "select current_setting('work_mem')", "show timezone",
                         "select date '01/02/2000' - date '2000-01-01'", "select extract(epoch from timestamptz '2020-01-01 00:00')::text",
                         "select 1, 'two'", "select v from w", "values (1), (2), (3)", "select 1/0", "select nothing", "selec",
                         "copy (select 1) to stdout",
                         f"insert into public.k values ({self.me}) returning n", f"update public.k set n = 0 where n = {self.me} and false")

    def moves(self):
        return self.pick("begin", "begin", "commit", "commit", "rollback", "savepoint a", "rollback to a", "release a", "start transaction read only",
                         "commit and chain", "begin; select 1", "select 1; commit")

    def names(self):
        name = self.pick("p1", "p2", "q1")
        return self.pick(f"prepare {name} as select 'sql'", "execute q1", f"deallocate {name}", "deallocate all",
                         "declare c1 cursor for select generate_series(1, 4)", "declare c3 cursor with hold for values (1), (2)",
                         "fetch 1 from c1", "fetch c3", "close c1", "close all")

    def leaves(self):
        return self.pick("create temp table tt(v text)", "drop table tt", "select v from tt", "insert into tt values ('x')",
                         f"listen c{self.me}", f"notify c{self.me}, 'x'", "unlisten *", f"select pg_advisory_lock({self.key()})",
                         "select pg_advisory_unlock_all()", f"select public.tenant('{self.pick('red', 'blue')}')", "discard temp", "discard plans")

    def odd_text(self):
        return self.rng.choices([self.settings, self.reads, self.moves, self.names, self.leaves, lambda: self.pick(*LONERS)],
                                [4, 7, 3, 3, 2, 0.7])[0]()

    def message(self):
        """One, of whatever it may be about."""
        name, portal = self.pick(*STATEMENTS), self.pick(*PORTALS)
        values = self.pick((), (), (), ("4",))
        text = self.odd_text()
        if text.startswith("fetch"):  # described when its cursor is gone it makes PostgreSQL crash
            text = "close c3"
        parse = self.pick(text, text, text, "select $1::int + 1", "select $1, generate_series(1, 3)")
        if name and parse.startswith("execute"):  # what it executes may be made later
            parse = "show timezone"
        return self.rng.choices(
            [lambda: [P(parse, name)],
             lambda: [B(*values, portal=portal, name=name)],
             lambda: [D("S", name)],
             lambda: [D("P", portal)],
             lambda: [E(portal, self.pick(0, 0, 1, 2))],
             lambda: [C("S", name)],
             lambda: [C("P", portal)],
             lambda: [H],
             lambda: [F(1610) if self.rng.random() < 0.7 else F(0)],  # pi(); and none
             lambda: [P("select $1::int8 + 1", name, types=(20,)), B(bytes(7) + b"\4", portal=portal, name=name, formats=(1,), results=(1,)),
                      D("P", portal), E(portal)],
             lambda: [P("select 1/$1::int", name), *(m for n in "101" for m in (B(n, name=name), E()))],
             lambda: [P(parse, name), B(*values, portal=portal, name=name), E(portal, self.pick(0, 0, 2))],
             lambda: [P(text), B(), D(), E()],
             lambda: [D("S", name), B(*values, name=name), E()],
             lambda: [B(*values, portal=portal, name=name), D("P", portal), E(portal)],
             self.copies], [3, 4, 2, 2, 4, 2, 1, 1, 0.3, 1, 1, 3, 6, 2, 2, 0.5])[0]()

    def copies(self):
        """And nothing that would run it once more, without data."""
        return [P("copy public.copied from stdin"), B(), E(), d("1\n"), d(self.pick("2\n", "x\n")), self.pick(c(), c(), f()), S,
                P("select 'copied'"), B(), S]

    def batch(self):
        if self.rng.random() < 0.25:
            return [Q("; ".join(self.odd_text() for _ in range(self.pick(1, 1, 1, 2, 3))))]
        out = [m for _ in range(self.pick(1, 1, 2, 2, 3, 4, 6)) for m in self.message()]
        if self.rng.random() < 0.1:
            out.append(Q(self.odd_text()))
        return out + [S] * self.pick(1, 1, 1, 1, 0, 2)

    def action(self):
        out = [Q("rollback")] if self.status == b"E" and self.rng.random() < 0.6 else []
        out += [m for _ in range(self.pick(1, 1, 2, 3)) for m in self.batch()]
        return out + END, None, sum(m[:1] in (b"E", b"Q") for m in out)


def heard(side):
    """Up to the two empty Queries."""
    out = []
    while [m.kind for m in out if m.kind not in "SNA"][-4:] != list("IZIZ"):
        out.append(side.read())
    return out


def prepare_odd(cluster):
    prepare_cluster(cluster)
    for database in "app", "twin":
        cluster.in_app("create table public.copied(n int); grant all on public.copied to public", database)


class OddPair(Pair):
    END = END

    def __init__(self, scene, draw, params):
        super().__init__(scene, draw, params)
        self.pooled.split = draw.rng.choice([0, 0, 0, 1, 7, 30])

    def leave(self, action):
        """In the middle of something, maybe."""
        self.pooled.send(*action)
        self.end(self.draw.rng.choice(["close", "drop", "kill"]))

    def hear(self, side, ready):
        try:
            return heard(side)
        except Gone as gone:
            raise AssertionError(f"{'pooler' if side is self.pooled else 'PostgreSQL'} is {gone}") from None


class Scene:
    """What the pairs need of the world; and who takes the server that was used last, so that others get another one."""

    def __init__(self, pooler, cluster):
        self.pooler = pooler
        self.cluster = cluster
        self.holder = pooler.raw()

    def report(self):
        return "\n".join(str(row) for what in ("servers", "clients", "kept") for row in self.pooler.show(what))

    def hold(self):
        self.holder.query("rollback")
        self.holder.query("begin; select 1")


class Story:
    """What is drawn, a step at a time: who is it, does the holder move before, what is sent, and is that the last of it?"""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.draws = [OddDraw(self.rng, i, False) for i in range(CLIENTS)]
        self.logins = [self.rng.choice(draw.LOGINS) for draw in self.draws]

    def next(self):
        who = self.rng.randrange(CLIENTS)
        action, _, _ = self.draws[who].action()
        leaves = self.rng.random() < 0.03
        return who, self.rng.random() < 0.5, action[:self.rng.randrange(len(action))] if leaves else action, leaves


def play(scene, story, steps):
    pairs = [OddPair(scene, draw, login) for draw, login in zip(story.draws, story.logins)]
    try:
        for who, holds, action, leaves in steps:
            if holds:
                scene.hold()
            if leaves or pairs[who].is_apart:
                pairs[who].leave(action if leaves else [])
                pairs[who] = OddPair(scene, story.draws[who], story.logins[who])
            if not leaves:
                pairs[who].step(action, None)
    except BaseException as error:
        raise AssertionError(f"client {who}, after\n{pairs[who].story(12)}\n{type(error).__name__}: {error}") from None
    finally:
        scene.holder.close()
        for pair in pairs:
            pair.end("close")


@pytest.mark.timeout(120 * SCALE if not LONG else 20000)
@pytest.mark.parametrize("remembered", [2, 50])
def test_nobody_can_tell_the_difference_in_odd_batches(make_pooler, own_cluster, remembered):
    seed = int(os.environ.get("E2E_SEED", USUAL_SEED))
    print(f"E2E_SEED={seed}")
    prepare_odd(own_cluster)
    p = make_pooler(own_cluster, pool_mode="auto", pool_size=CLIENTS + 2, max_overflow=0, workers=1, max_prepared_statements=remembered)
    for chapter in range(CHAPTERS):
        story = Story(f"{seed}/{remembered}/{chapter}")
        play(Scene(p, own_cluster), story, (story.next() for _ in range(STEPS)))
