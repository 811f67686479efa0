"""pool_mode auto against PostgreSQL itself, as in test_auto_model.py, while servers are lost, the operator interferes and others vanish.

A client and its twin are told the same until the client's session ends: with a FATAL that says so, or with its
connection where PostgreSQL itself says no more. It comes back as another then. Meanwhile servers are terminated, or are
killed, at which PostgreSQL ends all; the console reconnects, pauses, kills, disables and reloads; and others leave all that can be left,
and vanish amid what they say: nobody else may see any of it.

It begins at one place, and prints it; E2E_SEED and E2E_LONG as there.
"""

import os
import random
import time

import psycopg
import pytest

from rawwire import B, C, Client, D, E, Gone, H, P, Q, Refused, S, d
from test_auto_model import CLIENTS, Draw, LONG, POOL_SIZE, Pair, USUAL_SEED, World, prepare_cluster
from waiting import Crew, until

pytestmark = pytest.mark.pgweir

# What the end of a session may be called: by the operator, a crash, a server that is starting, a lost session. As an ERROR it
# says that no server was to be had: the client could go on, but its twin was not told so.
ENDS = {"57P01", "57P02", "57P03", "08006"}


class Ended(Exception):
    """The client's session is over, and it was told so."""


class Mortal(Client):
    """It expects to be ended."""

    def ready(self, times=1, deadline=None):
        out = []
        try:
            while times:
                out.append(self.read(deadline))
                times -= out[-1].kind == "Z"
                if out[-1].kind != "E" or (out[-1].severity != "FATAL" and out[-1].sqlstate not in ENDS):
                    continue
                assert out[-1].sqlstate in ENDS, out[-1]
                raise Ended(repr(out[-1]))
        except (Gone, OSError) as gone:
            raise Ended(f"{gone} after {out}") from None
        return out


class MortalPair(Pair):
    """Logs in again and again while there is no server."""

    def log_in(self, params):
        def try_it():
            pooled, direct = (Mortal(address) for address in (self.world.pooler.address, ("127.0.0.1", self.world.cluster.port)))
            try:
                return pooled.login("app", "app", **params), direct.login("app", "twin", **params)
            except (Gone, OSError, Refused):
                pooled.kill()
                direct.kill()

        return until(try_it, "who is refused amid a fault gets in later", every=0.05)

    def step(self, action, ready):
        try:
            super().step(action, ready)
        except (Ended, OSError) as end:
            self.world.ended += 1
            self.history.append(f"... {end}")
            raise Ended(str(end)) from None


class FaultyWorld(World):
    """What happens to servers and clients meanwhile."""

    def __init__(self, *args):
        super().__init__(*args, pairs=MortalPair)
        self.ended = 0
        self.faults = {}

    def is_over(self, crew):
        has_happened = sum(self.counts) > 100 and self.ended
        return super().is_over(crew) and (has_happened or crew.stop.is_set())

    def episode(self, me, number, crew):
        try:
            super().episode(me, number, crew)
        except AssertionError as error:
            if not isinstance(error.__context__, Ended):
                raise
            until(lambda: self.forget(me, number), "what the client has left is made even on both sides", every=0.05)

    def even_numbers(self, me, number):
        """Now or when PostgreSQL is there again."""
        def try_it():
            try:
                super(FaultyWorld, self).even_numbers(me, number)
                return True
            except psycopg.OperationalError:
                return False

        until(try_it, "numbers are made even on both sides", every=0.05)

    def forget(self, me, number):
        """What one side may have done before it was ended, and the other has not."""
        try:
            self.even_numbers(me, 1000 * (number + 1))
            for database in ("app", "twin"):
                with self.cluster.connect(database) as conn:
                    conn.execute(f"delete from public.k where n = {me}")
            return True
        except psycopg.OperationalError:
            return False

    def locks_of(self, me):
        try:
            return super().locks_of(me)
        except psycopg.OperationalError:
            self.cluster.forget()
            return -1

    # ---- who leaves all that can be left ----

    def vanish(self, crew, seed):
        rng = random.Random(f"{self.seed}/vanish/{seed}")
        while not crew.stop.is_set():
            client = None
            try:
                client = Mortal(self.pooler.address).login("app", "app", **rng.choice(Draw.LOGINS))
                for _ in range(rng.randrange(4)):
                    client.send(self.leave(rng))
                    if rng.random() < 0.7:
                        client.ready()
                client.send(self.last(rng))
                if rng.random() < 0.3:
                    client.cancel()
                if rng.random() < 0.3:
                    client.sock.settimeout(0.1)  # it may have nothing to say to half a message
                    client.sock.recv(1)
            except (Ended, Gone, OSError, Refused):
                pass
            if client:
                rng.choice([client.kill, client.drop, client.close])()
                self.count("vanished")

    @staticmethod
    def leave(rng):
        texts = rng.choices(LEAVES, k=rng.randrange(1, 4))
        before, behind = rng.choice([("", ""), ("", ""), ("begin; ", ""), ("begin; ", "; commit"), ("begin; savepoint a; ", "; select 1/0")])
        if rng.random() < 0.6:
            return Q(before + "; ".join(texts) + behind)
        return b"".join(P(text) + B() + D() + E() for text in [*texts, *filter(None, [before.rstrip("; ")])]) + S

    @staticmethod
    def last(rng):
        return rng.choice([
            lambda: Q("select pg_sleep(0.05)"), lambda: Q("begin; select pg_sleep(0.02); set my.tenant = 'leaked'"),
            lambda: Q("copy public.k from stdin") + d(b"1\n") + d(b"2\n")[:-1], lambda: Q("copy public.k from stdin"),
            lambda: Q("select repeat('x', 1000) from generate_series(1, 30000)"), lambda: b"Q\0\0",
            lambda: P("select $1") + B("x" * 5000)[:-200], lambda: P("set my.tenant = 'leaked'") + B() + E() + H,
            lambda: (P("set my.tenant = 'leaked'") + B() + E() + S) * 30, lambda: P("create temp table tt(v text)") + B() + E(),
            lambda: Q("do $$ begin perform pg_sleep(0.02), public.tenant('leaked'), public.lock_it(7001); end $$"),
            lambda: Q("select public.tenant('leaked')")[:9], lambda: C("S", "p1"), lambda: b""])()

    # ---- what befalls servers ----

    def interfere(self, crew):
        rng = random.Random(f"{self.seed}/faults")
        while not crew.stop.is_set():
            name = rng.choice(["terminate", "terminate", "reconnect", "reconnect", "pause", "kill", "kill_client", "reload", "disable",
                               *["crash"] * (rng.random() < 0.1)])
            try:
                getattr(self, name)(rng)
                self.count(name)
            except psycopg.OperationalError:
                self.cluster.forget()
            crew.stop.wait(rng.random() * 0.2)

    def count(self, name):
        self.faults[name] = self.faults.get(name, 0) + 1

    def servers(self):
        return self.cluster.sql("select pid from pg_stat_activity where datname = 'app' and backend_type = 'client backend' and usename <> 'postgres'")

    def terminate(self, rng):
        for pid, in [rng.choice(self.servers() or [(0,)])]:
            self.cluster.sql(f"select pg_terminate_backend({pid})")

    def crash(self, rng):
        for pid, in self.servers()[:1]:
            if self.cluster.kill_backend(pid):
                self.cluster.wait_recovered()

    def reconnect(self, rng):
        self.pooler.console("reconnect app")

    def reload(self, rng):
        self.pooler.reload(max_prepared_statements=rng.choice([0, 3, 20]), pool_size=rng.choice([2, 3]), listen=rng.choice(["keep", "shared"]))

    def pause(self, rng):
        with self.pooler.open().login("admin", "pgweir") as console:
            console.send(Q("pause app"))
            time.sleep(rng.random() * 0.1)
            self.pooler.console("resume app")
            console.ready()

    def kill(self, rng):
        self.pooler.console("kill app")
        self.pooler.console("resume app")

    def disable(self, rng):
        self.pooler.console("disable app")
        self.pooler.console("enable app")

    def kill_client(self, rng):
        clients = self.pooler.show("clients", database="app")
        if clients:
            try:
                self.pooler.console(f"kill_client {rng.choice(clients)['id']}")
            except Exception as error:  # it has left meanwhile
                assert "client" in str(error).lower(), error


LEAVES = ["set my.tenant = 'leaked'", "set my.other = 'leaked'", "select set_config('my.mixed', 'leaked', false)", "set role third",
          "set session authorization third", "set search_path = s2", "set work_mem = '77MB'", "set statement_timeout = '77s'",
          "set timezone = 'Asia/Kolkata'", "set application_name = 'leaked'", "set client_encoding = 'LATIN1'", "set lock_timeout = '77s'",
          "select public.tenant('leaked')", "select public.memory('77MB')", "select public.lock_it(7002)", "select pg_advisory_lock(7003)",
          "select pg_advisory_lock_shared(7004)", "create temp table tt as select 'leaked'::text as v", "create temp table w as select 'leaked'::text as v",
          "create temp table t as select 'leaked'::text as v", "select public.make_temp()", "create temp view tv as select 'leaked' as a",
          "create temp sequence ts", "prepare q1 as select 'leaked'", "prepare q2 as select 'leaked'", 'prepare "Q3" as select 1', "listen c1_0",
          "listen c2_1", "listen c3_0", "declare c1 cursor with hold for select 'leaked'", "declare c2 cursor for select 'leaked'",
          "insert into public.hidden_rows values ('leaked', 7005)", "insert into public.hidden_defaults(n) values (-1)",
          "do $$ begin perform set_config('my.executed', 'leaked', false); create temp table if not exists made(v text); end $$",
          "update pg_settings set setting = '77000' where name = 'statement_timeout'", "set default_transaction_isolation = 'serializable'",
          "set bytea_output = 'escape'", "set extra_float_digits = 0", "set transaction read only", "set local my.tenant = 'leaked'",
          "set session characteristics as transaction isolation level serializable", "load 'plpgsql'", "set seed = 0.5"]


@pytest.mark.timeout(120 if not LONG else 20000)
@pytest.mark.parametrize("workers", [1, 3])
def test_whoever_lives_can_tell_no_difference(make_pooler, own_cluster, workers):
    seed = int(os.environ.get("E2E_SEED", USUAL_SEED))
    print(f"E2E_SEED={seed}")
    prepare_cluster(own_cluster)
    p = make_pooler(own_cluster, pool_mode="auto", pool_size=POOL_SIZE, max_overflow=0, max_kept=0, workers=workers, max_prepared_statements=20,
                    sequence_state="always" if workers > 1 else "error")
    world = FaultyWorld(p, own_cluster, seed, workers > 1)
    crew, others = Crew(), Crew()
    others.start(world.interfere, others)
    for i in range(4):
        others.start(world.vanish, others, i)
    for me in range(CLIENTS):
        crew.start(world.client, me, crew)
    try:
        crew.join(20000)
    finally:
        others.stop.set()
    others.join()
    print(f"{sum(world.counts)} statements, {world.ended} sessions ended by {world.faults}")
    until(lambda: p.show("clients", database="app") == [] and p.show("kept") == [])
