"""pool_mode auto against PostgreSQL itself, for what RESET does to settings that a client came with.

As in test_auto_model.py every client has a twin that is connected directly; here they do little else than set and reset,
in transactions, savepoints, strings of statements and batches, and choose isolation levels among that. A client that
says SET LOCAL ... TO DEFAULT does not say RESET ALL: what differs there is in pgweir-modes(7).

It begins at one place, and prints it; E2E_SEED and E2E_LONG as there.
"""

import os

import pytest

from rawwire import B, Client, D, E, P, Q, S
from test_auto_model import Draw, USUAL_SEED, World, prepare_cluster, run_world

pytestmark = pytest.mark.pgweir

NAMES = ["application_name", "client_encoding", "TimeZone", "search_path", "work_mem", "statement_timeout", "my.tenant", "DateStyle"]
VALUES = {"application_name": ["'one'", "''"], "client_encoding": ["'UTF8'", "'LATIN1'"], "TimeZone": ["'UTC'", "'Europe/Berlin'"],
          "search_path": ["s1", "s1, public", "'s2', public"], "work_mem": ["'5MB'", "'6MB'"], "statement_timeout": ["'91s'", "0"],
          "my.tenant": ["'red'", "'blue'"], "DateStyle": ["'German'", "'ISO, DMY'"]}
SHOW = "select * from public.settings"
SETTINGS = "create view public.settings as select " + \
    ", ".join(f"coalesce(current_setting('{name}', true), '') as \"{name}\"" for name in NAMES) + \
    ", current_user, session_user, current_setting('role') as role; grant all on public.settings to public"


class ResetDraw(Draw):
    LOGINS = [{"application_name": "came so", "TimeZone": "Asia/Tokyo", "options": "-c work_mem=9MB -c my.tenant=came -c search_path=s1"},
              {"options": "-c search_path=s1,\\ public -c work_mem=9MB"}, {"client_encoding": "LATIN1", "DateStyle": "German, DMY"},
              {"options": "-c role=third -c search_path=s2,\\ public"}, {"application_name": "me", "TimeZone": "UTC"},
              {"options": "-c search_path=\"S\u00fcd\",\\ public"}, {}]

    def __init__(self, rng, me, numbers):
        super().__init__(rng, me, numbers)
        self.resets_all = self.rng.random() < 0.5

    def changes(self):
        name = self.rng.choice(NAMES)
        value = self.rng.choice(VALUES[name])
        return self.rng.choices(
            [lambda: self.pick(f"reset {name}", f"set {name} to default", f"reset {name}"),
             lambda: "reset all" if self.resets_all else f"set local {name} to default", lambda: self.pick("reset role", "set role to default"),
             lambda: f"set {name} = {value}", lambda: f"set local {name} = {value}",
             lambda: f"set transaction isolation level {self.pick('serializable', 'repeatable read')}",
             lambda: self.pick("set role third", "set local role none", "set session authorization default",
                               "set session authorization third", "set role none"),
             lambda: self.pick("select nothing", "reset nothing", "set work_mem = 'nonsense'")], [4, 3, 2, 3, 4, 2, 1, 0.2])[0]()

    def moves(self):
        return self.pick("savepoint a", "savepoint b", "rollback to a", "rollback to b", "release a", "release b", "begin", "begin", "begin",
                         "commit", "rollback", "commit and chain", "rollback and chain")

    def reads(self):
        """But not whether my.tenant was ever set."""
        name = self.rng.choice([name for name in NAMES if name != "my.tenant"])
        return self.pick(SHOW, f"show {name}", "show transaction_isolation", SHOW)

    def calls(self):
        plain = self.pick("work_mem", "my.tenant", "TimeZone")
        return self.pick(f"select set_config('{plain}', {self.rng.choice(VALUES[plain])}, {self.pick('true', 'false')})",
                         "select public.memory('5MB')")

    def text(self):
        return self.rng.choices([self.changes, self.moves, self.reads, self.calls], [8, 4, 4, 1])[0]()

    def action(self):
        out, count = [], 0
        ready = self.pick(1, 1, 1, 2, 4)
        for _ in range(ready):
            texts = [self.text() for _ in range(self.pick(1, 1, 2, 3, 5))]
            count += len(texts)
            if self.rng.random() < 0.6:
                out.append(Q("; ".join(texts)))
            else:
                for text in texts:
                    out += [P(text), B()] + self.pick([D("P")], []) + [E()]
                out.append(S)
        return out, ready, count


@pytest.mark.timeout(90 if not os.environ.get("E2E_LONG") else 20000)
def test_nobody_can_tell_the_difference_behind_a_reset(make_pooler, own_cluster):
    seed = int(os.environ.get("E2E_SEED", USUAL_SEED))
    print(f"E2E_SEED={seed}")
    prepare_cluster(own_cluster)
    for database in "app", "twin":
        with Client(("127.0.0.1", own_cluster.port)).login("postgres", database) as admin:
            admin.rows(SETTINGS)
    p = make_pooler(own_cluster, pool_mode="auto", pool_size=2, max_overflow=0, workers=1)
    run_world(World(p, own_cluster, seed, False, ResetDraw))
