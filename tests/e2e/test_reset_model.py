"""pool_mode auto against PostgreSQL itself, for what RESET does to settings that a client came with.

As in test_auto_model.py every client has a twin that is connected directly; here they do little else than set and reset,
in transactions, savepoints, strings of statements and batches, and choose isolation levels among that. What is asked
behind a RESET in the same string or batch is what the README says, and so is not asked here: what is read there.

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
              {"options": "-c search_path=s1,public -c work_mem=9MB"}, {"client_encoding": "LATIN1", "DateStyle": "German, DMY"},
              {"options": "-c role=third -c search_path=s2,public"}, {"application_name": "me", "TimeZone": "UTC"},
              {"options": "-c search_path=\"S\u00fcd\",public"}, {}]

    def minds(self, status):
        return status != b"E"  # what was committed there cannot be set again before it is over

    def changes(self):
        """What is not read back, so that it may stand anywhere."""
        name = self.rng.choice(NAMES)
        value = self.rng.choice(VALUES[name])
        return self.rng.choices(
            [lambda: self.pick(f"reset {name}", f"set {name} to default", f"reset {name}"),
             lambda: f"set local {name} to default", lambda: self.pick("reset all", "reset all", "reset role"),
             lambda: f"set {name} = {value}", lambda: f"set local {name} = {value}",
             lambda: f"set transaction isolation level {self.pick('serializable', 'repeatable read')}",
             lambda: self.pick("set role third", "set local role none", "set session authorization default",
                               "set session authorization third", "set role none"),
             lambda: self.pick("select nothing", "reset nothing", "set work_mem = 'nonsense'")], [4, 3, 2, 3, 4, 2, 1, 0.2])[0]()

    def moves(self):
        return self.pick("savepoint a", "savepoint b", "rollback to a", "rollback to b", "release a", "release b", "begin", "commit", "rollback")

    def reads(self):
        """How a search_path is spelt is asked by a query, and whether my.tenant was ever set not at all."""
        name = self.rng.choice([name for name in NAMES if name not in ("search_path", "my.tenant")])
        return self.pick(SHOW, f"show {name}", "show transaction_isolation", SHOW)

    def calls(self):
        plain = self.pick("work_mem", "my.tenant", "TimeZone")
        return self.pick(f"select set_config('{plain}', {self.rng.choice(VALUES[plain])}, {self.pick('true', 'false')})",
                         "select public.memory('5MB')")

    def texts(self, is_alone):
        kind = self.rng.random()
        if kind < 0.3:
            return [self.pick(self.reads, self.reads, self.calls)()]
        if not is_alone:
            return [self.changes() for _ in range(self.pick(1, 2))]
        if kind < 0.5:
            return [self.pick(self.moves(), self.moves(), "begin", "begin", "commit and chain", "rollback and chain", "commit", "rollback")]
        return [self.pick(self.changes, self.changes, self.moves)() for _ in range(self.pick(1, 2, 3, 4))]

    def action(self):
        """What is sent behind what fails, before that is known, is not asked: a COMMIT may be a ROLLBACK then."""
        out, count = [], 0
        ready = 1 if self.status == b"E" else self.pick(1, 1, 1, 2, 4)
        for _ in range(ready):
            texts = self.texts(ready == 1)
            count += len(texts)
            if self.rng.random() < 0.7:
                out.append(Q("; ".join(texts)))
            else:
                for text in texts:
                    out += [P(text), B()] + self.pick([D("P")], []) + [E()]
                out.append(S)
        if self.rng.random() < 0.3:
            out.append(Q(self.reads()))
            ready += 1
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
