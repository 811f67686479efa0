"""All at once: clients that listen, begin, prepare, make tables, cancel and vanish, while the console interferes.

Each knows what it must be told, whatever the others do; at the end nothing of any of them is left.
"""

import random
import time

import pytest

from rawwire import B, E, Gone, P, Q, Refused, S
from waiting import Crew, until

pytestmark = pytest.mark.pgweir

SECONDS = 6
ENDED = {"57P01", "08006"}  # what who was ended by the console, or has lost its session with it, is told


class Ended(Exception):
    """The console has ended this client."""


def errors(messages):
    return [m for m in messages if m.kind == "E"]


def ask(client, *messages, may=()):
    """What it is answered; no error but those that it `may` get."""
    client.send(*messages)
    return answer(client, may)


def answer(client, may=()):
    try:
        got = client.ready()
    except (Gone, OSError) as gone:
        raise Ended from gone
    for error in errors(got):
        if error.sqlstate in ENDED and error.severity == "FATAL":
            raise Ended
        assert error.sqlstate in may, error
    return got


def rows(messages):
    return [m.row() for m in messages if m.kind == "D"]


class Chaos:
    def __init__(self, p, cluster, crew):
        self.p, self.cluster, self.crew = p, cluster, crew
        self.turns = {}

    def run(self, body, seed):
        """body(client, seed, dice), again and again, with a new client where the last was ended."""
        dice = random.Random(seed)
        while not self.crew.stop.is_set():
            try:
                client = self.p.open()
                client.login("app", "app")
            except (Gone, Refused, OSError):
                continue
            try:
                while not self.crew.stop.is_set() and dice.random() > 0.02:
                    body(client, seed, dice)
                    self.turns[body.__name__] = self.turns.get(body.__name__, 0) + 1
                client.close()
            except Ended:
                client.drop()

    def have_all_had_turns(self, bodies):
        return all(self.turns.get(body.__name__) for body in bodies if body != self.vanish)

    # ---- who is there ----

    def stream(self):
        with self.cluster.connect() as direct:
            number = 0
            while not self.crew.stop.is_set():
                direct.execute(f"notify beat, '{number}'")
                number += 1
                time.sleep(0.002)

    def listen(self, client, seed, dice):
        """Hears every beat once, and in order, from its LISTEN on."""
        texts = ["select 1", "begin; select 1; commit", "listen other", "unlisten other", "begin; listen x; rollback",
                 "set application_name = 'x'", "select repeat('x', 1000) from generate_series(1, 30)"]
        said = ["listen beat", *dice.choices(texts, k=20), "unlisten *"]
        heard = [[int(m.body.split(b"\0")[-2]) for m in ask(client, Q(text)) if m.kind == "A"] for text in said]
        numbers = sum(heard, [])
        wanted = list(range(numbers[0], numbers[0] + len(numbers))) if numbers else []
        assert numbers == wanted, "; ".join(f"{text} -> {n}" for text, n in zip(said, heard) if n)

    def begin(self, client, seed, dice):
        ask(client, Q("begin"))
        value = dice.randrange(1000)
        assert rows(ask(client, Q(f"select {value}")))[0] == [str(value)]
        if dice.random() < 0.2:
            ask(client, Q("select 1/0"), may=["22012"])
        tag = [m.tag() for m in ask(client, Q(dice.choice(["commit", "rollback"]))) if m.kind == "C"]
        assert tag[0] in ("COMMIT", "ROLLBACK")

    def prepare(self, client, seed, dice):
        ask(client, P(f"select {seed} + $1::int", "s"), S)
        for n in range(5):
            assert rows(ask(client, B(str(n), name="s"), E(), S)) == [[str(seed + n)]]
        ask(client, Q("deallocate all"))

    def settings(self, client, seed, dice):
        value = f"{seed}.{dice.randrange(1000)}"
        ask(client, Q(f"set my.x = '{value}'"))
        ask(client, Q("begin"))
        assert rows(ask(client, Q("select current_setting('my.x')"))) == [[value]]
        ask(client, Q("commit"))
        ask(client, Q("reset my.x"))
        got = rows(ask(client, Q("select coalesce(current_setting('my.x', true), '')")))
        assert got == [[""]], got

    def temp(self, client, seed, dice):
        ask(client, Q(f"create temp table own as select {seed} as a"))
        assert rows(ask(client, Q("select a from own"))) == [[str(seed)]]
        ask(client, Q("drop table own"))
        assert rows(ask(client, Q("select to_regclass('own')"))) == [[None]]

    def lock(self, client, seed, dice):
        mine = f"{seed}, {dice.randrange(1 << 30)}"  # who was ended before may still have another
        assert rows(ask(client, Q(f"select pg_try_advisory_lock({mine})"))) == [["t"]]
        ask(client, Q("select 1"))
        assert rows(ask(client, Q(f"select pg_advisory_unlock({mine})"))) == [["t"]]

    def cancel(self, client, seed, dice):
        if dice.random() < 0.5:
            ask(client, Q("begin"))
        client.send(Q("select pg_sleep(0.05)"))
        client.cancel()
        answer(client, may=["57014"])
        ask(client, Q("rollback"))
        answers = ask(client, Q("select 1"), may=["57014"])  # the cancel may come late
        assert rows(answers) == [["1"]] or errors(answers)

    def vanish(self, client, seed, dice):
        client.send(Q(dice.choice(["begin", "listen beat", "create temp table own(a int)", "select pg_sleep(0.05)",
                                   "select pg_advisory_lock(77)", "begin; select 1", "notify beat2"])))
        if dice.random() < 0.5:
            try:
                client.ready()
            except (Gone, OSError):
                pass
        (client.kill if dice.random() < 0.5 else client.drop)()
        raise Ended

    def interfere(self):
        p, dice = self.p, random.Random(0)
        while not self.crew.stop.is_set():
            what = dice.choice(["pause", "reconnect", "reload", "kill_client", "show", "show", "kill"])
            if what == "pause":
                with self.p.open().login("admin", "pgweir") as console:
                    console.send(Q("pause app"))  # waits for who keeps a server, ends who only listens
                    time.sleep(0.1)
                    p.console("resume app")
                    console.ready()
            elif what == "kill" and dice.random() < 0.3:
                p.console("kill app")
                p.console("resume app")
            elif what == "reconnect":
                p.console("reconnect app")
            elif what == "reload":
                p.console("reload")
            elif what == "kill_client":
                clients = p.show("clients", database="app")
                if clients:
                    try:
                        p.console(f"kill_client {dice.choice(clients)['id']}")
                    except Exception as error:  # it has left meanwhile
                        assert "client" in str(error).lower(), error
            else:
                for page in ("clients", "servers", "pools", "kept", "listeners", "workers", "stats"):
                    p.show(page)
            self.turns["console"] = self.turns.get("console", 0) + 1
            time.sleep(0.1)


def test_all_at_once(pooler, cluster):
    p = pooler(pool_mode="auto", workers=3, pool_size=8, max_overflow=2, defer_begin="on", max_client_conn=60)
    with Crew() as crew:
        chaos = Chaos(p, cluster, crew)
        crew.start(chaos.stream)
        bodies = [chaos.listen, chaos.begin, chaos.prepare, chaos.settings, chaos.temp, chaos.lock, chaos.cancel,
                  chaos.vanish]
        for seed in range(24):
            crew.start(chaos.run, bodies[seed % len(bodies)], seed)
        crew.start(chaos.interfere)
        end = time.monotonic() + SECONDS
        until(lambda: time.monotonic() > end and chaos.have_all_had_turns(bodies) or crew.stop.is_set(),
              "everybody has had a turn", deadline=60, every=0.1)
        crew.stop.set()
    until(lambda: p.show("clients", database="app") == [])
    until(lambda: p.show("kept") == [] and int(p.pool()["sv_active"]) == len(p.show("listeners")))
    assert p.raw().rows("select (select count(*) from pg_listening_channels()), to_regclass('own')") == [["0", None]]
