"""The settings of a session as the program keeps them (src/sql/varstack), held against a server.

Random statements run in one session; after each, what the model says of a few settings is what the
server says of them. The seed is in the name of the test; SETTINGS_STATEMENTS=N runs more.
"""

import os
import pathlib
import random
import subprocess

import psycopg
import pytest
from psycopg.pq import ExecStatus, TransactionStatus

STATEMENTS = int(os.environ.get("SETTINGS_STATEMENTS", "4000"))
SEEDS = [int(s) for s in os.environ.get("SETTINGS_SEEDS", "1,2").split(",")]
BUILD = pathlib.Path(os.environ.get("PGWEIR_BIN", "pgweir")).resolve().parent

VALUES = {
    "application_name": ["'a'", "b", "'it''s'", "E'x\\'y'", "''", "$$q$$", "PSQL"],
    "search_path": ["a", "a, b", "'A', public", "'$user', \"b\"", "''", "\"left\", c"],
    "work_mem": ["'3MB'", "'4096kB'", "'5MB'"],
    "enable_seqscan": ["on", "off"],
    "my.x": ["1", "'two'", "007", "-3", "1.50", "E'a\\tb'", "''"],
    "my.y": ["x", "'Y'", "\"Z\"", "true"],
    "timezone": ["'UTC'", "'Europe/Berlin'", "'America/New_York'"],
    "default_transaction_read_only": ["off"],
}
NAMES = [*VALUES, "role", "session_authorization", "default_transaction_isolation"]
CANONICAL = {"4096kB": "4MB"}


class Script:
    """Statements as people write them, in every order that can be."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def setting(self):
        name = self.random.choice(list(VALUES))
        return name, self.random.choice(VALUES[name])

    def literal(self, value):
        return value if value[0] in "'E$" else f"'{value.strip(chr(34))}'"

    def set(self):
        name, value = self.setting()
        scope = self.pick("", "", "session ", "local ")
        return f"{self.pick('set', 'SET')} {scope}{self.pick(name, name.upper())} {self.pick('to', '=')} {value}"

    def config(self):
        name, value = self.setting()
        if name == "search_path":
            value = "'a, public'"
        local = self.pick("true", "false", "'t'", "'off'")
        return f"select {self.pick('', 'pg_catalog.')}set_config('{name}', {self.literal(value)}, {local})"

    def config_odd(self):
        local = self.pick("true", "false")
        return self.pick(
            f"select set_config('my.x', 'a' || 'b', {local})",
            f"select set_config('my.y', null, {local})",
            f"select set_config('my.x', g::text, {local}) from generate_series(1, {self.pick(0, 1, 3)}) g",
            f"select set_config('my.x', 'p', {local}), set_config('my.y', 'q', {local})",
            f"with c as (select set_config('my.y', '9', {local})) select * from c",
            f"select 1, set_config('my.x', 'r', {local})",
        )

    def reset(self):
        name, _ = self.setting()
        return self.pick(f"reset {name}", f"set {name} to default", f"set local {name} to default", "reset all",
                         "set time zone default", "set local time zone 'UTC'", "reset time zone")

    def role(self):
        scope = self.pick("", "local ", "session ")
        return self.pick(f"set {scope}role one", f"set {scope}role none", "reset role",
                         f"set {scope}session authorization one", f"set {scope}session authorization two",
                         "reset session authorization", "set session authorization default",
                         "select set_config('role', 'one', false)", "set role to two")

    def block(self):
        name = self.pick("a", "b", '"A"', "A")
        return self.pick("begin", "begin", "commit", "rollback", "end", "abort", "start transaction",
                         "commit and chain", "rollback and chain",
                         f"savepoint {name}", f"savepoint {name}", f"rollback to {name}",
                         f"rollback to savepoint {name}", f"release {name}", f"release savepoint {name}")

    def other(self):
        return self.pick("select 1/0", "set work_mem = 'nonsense'", "set my.x = 1, 2", "discard all", "select 1",
                         "set session characteristics as transaction isolation level serializable",
                         "set local session characteristics as transaction isolation level repeatable read",
                         "set transaction read only", "show my.y", "prepare transaction 'x'", "syntax error")

    def one(self):
        kind = self.random.choices(
            [self.set, self.config, self.config_odd, self.reset, self.role, self.block, self.other],
            [30, 12, 6, 8, 6, 35, 6])[0]
        return kind()

    def text(self):
        count = self.random.choices([1, 2, 3, 5], [80, 10, 6, 4])[0]
        return "; ".join(self.one() for _ in range(count)) + self.pick("", ";", " -- end")


class Model:
    """The program, a line for a line."""

    def __init__(self):
        target = BUILD / "tests/unit/sql/settings_model"
        if not target.exists():
            subprocess.run(["make", "-C", str(BUILD), "tests/unit/sql/settings_model"], check=True,
                           stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen([str(target), *NAMES], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        encoding="utf-8", bufsize=1)

    def say(self, *fields):
        self.process.stdin.write("\t".join(fields) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer.endswith("\n"), f"the model has ended after {fields}"
        *values, lost = answer[:-1].split("|\t")
        return dict(zip(NAMES, values)), lost == "lost"

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0


def escaped(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def run(pgconn, text):
    """One Query: how many of its statements succeeded, whether one failed, and the status at the end."""
    pgconn.send_query(text.encode())
    succeeded, failed = 0, False
    while (result := pgconn.get_result()) is not None:
        if result.status == ExecStatus.FATAL_ERROR:
            failed = True
        elif result.status != ExecStatus.EMPTY_QUERY:
            succeeded += 1
    status = {TransactionStatus.IDLE: "I", TransactionStatus.INTRANS: "T", TransactionStatus.INERROR: "E"}
    return succeeded, failed, status[TransactionStatus(pgconn.transaction_status)]


def settings(pgconn):
    """What they are, and what they were at start-up; None where the session cannot be asked."""
    wanted = ", ".join(f"current_setting('{n}', true)" for n in NAMES)
    result = pgconn.exec_(f"select {wanted}".encode())
    assert result.status == ExecStatus.TUPLES_OK, result.error_message
    return {n: (result.get_value(0, i) or b"").decode() for i, n in enumerate(NAMES)}


def differences(model, server, start):
    for name, said in model.items():
        expected = start[name] if said == "!" else CANONICAL.get(said[1:], said[1:])
        if server[name] != expected and said != "?":
            yield f"{name}: the server has {server[name]!r}, the model {said!r}"


def check(seed, conninfo):
    script, model, history = Script(seed), Model(), []
    with psycopg.connect(conninfo, autocommit=True) as conn:
        pgconn = conn.pgconn
        start = settings(pgconn)
        for i in range(STATEMENTS):
            text = script.text()
            succeeded, failed, status = run(pgconn, text)
            history.append(f"{text}  [{succeeded} {failed} {status}]")
            said, lost = model.say("run", str(succeeded), str(int(failed)), status, escaped(text))
            if status == "E":
                continue
            server = settings(pgconn)
            found = list(differences(said, server, start))
            assert not found and not lost, "\n".join([f"seed {seed}, statement {i}", *history[-12:], *found])
            for name in (n for n, value in said.items() if value == "?"):
                model.say("note", name, escaped(server[name]))
    model.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_model_and_the_server_agree(seed, cluster):
    with psycopg.connect(cluster.conninfo(), autocommit=True) as conn:
        for role in ("one", "two"):
            conn.execute(f"do $$ begin create role {role} superuser; exception when duplicate_object then end $$")
    check(seed, cluster.conninfo())
