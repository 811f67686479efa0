"""pool_mode auto against PostgreSQL itself: every client has a twin that is connected directly.

Both are sent the same bytes, and must be answered the same. What they are sent is drawn from all that lives in a
session: settings, roles, channels, prepared statements of both kinds, cursors, temporary objects, locks; in and out of
transactions, rolled back, in strings of several statements, pipelined, and left behind by clients that go.

The twins live in a database of their own, so that neither side sees the locks and channels of the other. What is
allowed to differ, and so is not asked: whether a custom setting that was never set is NULL or empty; the names that
prepared statements of the protocol have in pg_prepared_statements and in the texts of errors, and what other statements
of its string stand beside a PREPARE there; and an isolation level that is chosen behind the Describe of a prepared
statement. In a failed transaction the error may be another one.

It begins at one place, and prints it; E2E_SEED says where else, E2E_LONG how many statements instead of a few seconds' worth (1: a
million).
"""

import itertools
import os
import random
import re
import time

import pytest

from rawwire import B, C, Client, D, E, Gone, H, P, Q, S
from waiting import SCALE, Crew, until

pytestmark = pytest.mark.pgweir

CLIENTS = 8
POOL_SIZE = 3
SECONDS = 8
USUAL_SEED = 101  # who looks for what is still wrong gives others
LONG = int(os.environ.get("E2E_LONG", "0"))
STATEMENTS = LONG if LONG > 1 else LONG * 1000000

SETUP = """
create schema s1; create schema s2;
create table s1.t(v text); insert into s1.t values ('one');
create table s2.t(v text); insert into s2.t values ('two');
create table public.t(v text); insert into public.t values ('public');
create table s1.w(v text); insert into s1.w values ('one'); create table public.w(v text); insert into public.w values ('public');
create function s1.f() returns text language sql as $$ select 'f one'::text $$;
create function s2.f() returns text language sql as $$ select 'f two'::text $$;
create function public.memory(v text) returns text language plpgsql set search_path from current as
    $$ begin perform set_config('work_mem', v, false); return v; end $$;
create function public.tenant(v text) returns text language plpgsql as
    $$ begin perform set_config('my.tenant', v, false); return v; end $$;
create function public.lock_it(k bigint) returns int language plpgsql as
    $$ begin perform pg_advisory_lock(k); return 1; end $$;
create function public.make_temp() returns int language plpgsql as
    $$ begin create temp table if not exists made(v text); return 1; end $$;
create function public.twice(a int) returns int language sql as $$ select 2 * a $$;
create function public.hidden_row() returns trigger language plpgsql as
    $$ begin perform set_config('my.tenant', new.v, false);
    if new.k > 0 then perform pg_advisory_lock(new.k); end if; return null; end $$;
create table public.hidden_rows(v text, k bigint default 0);
create trigger t before insert on public.hidden_rows for each row execute function public.hidden_row();
create view public.hidden_view as select k, public.lock_it(k) as taken from generate_series(0, 99) k;
create view public.hidden_tenants as select v, public.tenant(v) as set_to from (values ('red'), ('blue')) s(v);
create table public.hidden_defaults(n int check (n < 0), v text default public.tenant('by default'));
grant all on schema public, s1, s2 to public;
grant all on all tables in schema public, s1, s2 to public;
"""

SETTINGS = {
    "work_mem": ["'5MB'", "6144", "'7MB'"],
    "statement_timeout": ["'91s'", "92000", "0"],
    "lock_timeout": ["'31s'", "0"],
    "search_path": ["s1", "s2", "s1, public", "'s2', public", "public, s1", "pg_catalog, s2"],
    "TimeZone": ["'UTC'", "'Europe/Berlin'", "'America/Lima'"],
    "application_name": ["'one'", "'two words'", "''"],
    "DateStyle": ["'ISO, DMY'", "'German'"],
    "extra_float_digits": ["1", "0"],
    "my.tenant": ["'red'", "'blue'", "'it''s'", "7"],
    "my.other": ["'x'", "'y z'"],
    '"my"."Mixed"': ["'m'"],
    "default_transaction_read_only": ["off"],
    "default_transaction_isolation": ["'serializable'", "'read committed'"],
    "bytea_output": ["'escape'", "'hex'"],
    "client_encoding": ["'UTF8'", "'LATIN1'"],
}
# As set_config has it: without the identifiers and lists of SET.
PLAIN = ["work_mem", "statement_timeout", "application_name", "my.tenant", "my.other", "bytea_output"]

CHECKS = [
    "select current_setting('search_path'), current_setting('work_mem'), current_setting('statement_timeout'), "
    "current_setting('TimeZone'), current_setting('application_name'), current_setting('DateStyle'), "
    "current_setting('lock_timeout'), current_setting('bytea_output'), current_setting('extra_float_digits'), "
    "current_setting('default_transaction_isolation'), coalesce(current_setting('my.tenant', true), ''), "
    "coalesce(current_setting('my.other', true), ''), coalesce(current_setting('my.mixed', true), ''), "
    "coalesce(current_setting('my.executed', true), ''), "
    "current_user, session_user, current_setting('role')",
    "select (select string_agg(c, ',' order by c) from pg_listening_channels() c), "
    "(select string_agg(name || ':' || substring(statement from '(?i)prepare [^;]*'), ',' order by name) "
    " from pg_prepared_statements where from_sql), "
    "(select count(*) from pg_prepared_statements where from_sql), "
    "(select string_agg(name, ',' order by name) from pg_cursors where is_holdable), "
    "(select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()), "
    "(select string_agg(relname, ',' order by relname) from pg_class where relnamespace = pg_my_temp_schema() "
    "and relname not like 'pg_%')",
    "select v from t",
    "select v from w",
    "select f()",
    "select coalesce(current_setting('my.tenant', true), '')",
]


class Draw:
    """What a client does next. `me` is in the names of what clients would take from each other."""

    LOGINS = [{}, {}, {}, {"options": "-c search_path=s2 -c my.tenant=came"}, {"TimeZone": "Asia/Tokyo"},
              {"application_name": "came so", "options": "-c work_mem=9MB"}, {"client_encoding": "LATIN1"},
              {"options": "-c role=third -c work_mem=9MB"}, {"options": "-c search_path=s1,\\ public"}]

    def __init__(self, rng, me, numbers):
        self.rng = rng
        self.me = me
        self.numbers = numbers
        self.came = False
        self.status = b"I"

    def minds(self, status):
        """Must the reported parameters be the same now?"""
        return True

    def pick(self, *of):
        return self.rng.choice(of)

    def name(self):
        return self.rng.choice(["q1", "q2", "Q3"])

    def protocol_name(self):
        return self.rng.choice(["p1", "p2", "P 3", "", ""])

    def key(self):
        return self.me * 10 + self.rng.randrange(3)

    def quoted_value(self, name):
        text = self.rng.choice(SETTINGS[name])
        return text if text.startswith("'") else f"'{text}'"

    def setting(self):
        name = self.rng.choice(list(SETTINGS))
        value = self.rng.choice(SETTINGS[name])
        plain = self.rng.choice(PLAIN)
        text = self.quoted_value(plain)
        hidden = self.rng.choice(PLAIN)
        return self.pick(
            f"set {name} = {value}", f"set {name} to {value}", f"SET SESSION {name} TO {value}",
            f"set local {name} = {value}", f"set {name} to default", f"reset {name}",
            f"set work_mem = 'nonsense'", f"set time zone {self.pick('default', 'local', '3')}",
            f"select set_config('{plain}', {text}, {self.pick('false', 'true', 'false')})",
            f"select set_config('{plain}', {text} || '', false)",
            f"do $$ begin perform set_config('{hidden}', {self.quoted_value(hidden)}, false); end $$",
            f"select public.tenant('{self.pick('red', 'blue')}')", f"select public.memory('{self.pick(5, 6)}MB')",
            f"set session characteristics as transaction isolation level {self.pick('serializable', 'read committed')}",
            "reset all", "set search_path to s1", "set my.tenant = 'green'", f"set my.tenant = 'of {self.me}'")

    def role(self):
        return self.pick("set role third", "set role none", "reset role", "set local role third", "set role nobody",
                         "set session authorization default", "reset session authorization",
                         "set session authorization app", "set session authorization third")

    def channel(self):
        name = f"c{self.me}_{self.rng.randrange(2)}"
        return self.pick(f"listen {name}", f"listen {name}", f"unlisten {name}", "unlisten *",
                         f"notify {name}, 'n{self.rng.randrange(100)}'", f"select pg_notify('{name}', 'from sql')")

    def prepared(self):
        name = self.name()
        return self.pick(
            f"prepare {name} as select 1", f"prepare {name} as select v from t", f"prepare {name}(int) as select $1 + 1",
            f"prepare {name} as select set_config('my.tenant', 'by execute', false)",
            f"prepare {name} as select set_config('my.executed', 'by execute', false)",
            f"execute {name}", f"execute {name}(3)", f"deallocate {name}", f"deallocate prepare {name}",
            "deallocate all", f"deallocate {self.pick('p1', 'p2')}", 'deallocate "P 3"', "execute p1", "prepare p2 as select 2",
            'execute "P 3"')

    def cursor(self):
        return self.pick("declare c1 cursor with hold for select generate_series(1, 5)", "fetch 2 from c1",
                         "close c1", "close all", "declare c2 cursor for select generate_series(1, 3)", "fetch c2")

    def temp(self):
        return self.pick(
            "create temp table tt(v text)", "create temp table w(v text)", "create temp table w(v text) on commit drop", "insert into tt values ('x')", "select v from tt",
            "drop table if exists tt", "drop table if exists t2", "create temp table tt(v text) on commit drop",
            "create temp view tv as select 1 as a", "drop view tv", "select 'z' as v into temp tt", "discard temp",
            "create temp sequence ts", "drop sequence ts", "select public.make_temp()", "drop table made",
            "do $$ begin create temp table tt(v text); end $$", "alter table tt rename to t2", "drop table t2",
            "create table pg_temp.tt(v text)")

    def lock(self):
        k = self.key()
        return self.pick(f"select pg_advisory_lock({k})", f"select pg_try_advisory_lock({k})",
                         f"select pg_advisory_unlock({k})", f"select pg_advisory_unlock({k})",
                         "select pg_advisory_unlock_all()", f"select pg_advisory_xact_lock({k})",
                         f"select pg_advisory_lock_shared({k})", f"select pg_advisory_unlock_shared({k})",
                         f"select public.lock_it({k})", f"do $$ begin perform pg_advisory_lock({k}); end $$")

    def hidden(self):
        """What a trigger, a view and a default do, and no text says."""
        k, v = self.key(), self.pick("red", "blue")
        return self.pick(f"insert into public.hidden_rows values ('{v}')",
                         f"insert into public.hidden_rows values ('{v}', {k})",
                         f"insert into public.hidden_rows(v) select '{v}'",
                         f"select taken from public.hidden_view where k = {k}",
                         f"select * from public.hidden_tenants where v = '{v}'",
                         "insert into public.hidden_defaults(n) values (1)",
                         f"prepare {self.name()} as insert into public.hidden_rows values ('{v}')",
                         "update pg_settings set setting = '93000' where name = 'statement_timeout'",
                         "update pg_settings set setting = '6144' where name = 'work_mem'")

    def xact(self):
        return self.pick("begin", "begin", "start transaction", "BEGIN WORK;", "begin read only", "begin /* now */ transaction",
                         "start transaction read only", "commit", "commit", "end", "rollback", "abort",
                         "savepoint a", "savepoint b", "rollback to a", "rollback to b", "release a",
                         "commit and chain", "rollback and chain", "select 1/0", "set transaction read only")

    def reset(self):
        return self.pick("reset all", "reset work_mem", "reset search_path", "reset my.tenant", "set time zone default",
                         "reset application_name", "reset client_encoding",
                         # behind a local default RESET ALL passes the setting by (pgweir-modes)
                         "set time zone default" if self.came else "set local work_mem to default")

    def level(self):
        """A new transaction, whose isolation level is chosen behind a RESET, each a request of its own."""
        reset = self.reset()
        texts = [self.pick("rollback; begin", "commit; begin", "rollback; start transaction read only",
                           "rollback; begin isolation level serializable",
                           "commit; start transaction isolation level repeatable read, read write"),
                 self.pick("show work_mem", "set work_mem = '5MB'", "savepoint a", "set my.tenant = 'blue'", "")]
        out = [Q(text) for text in texts]
        out.append(self.pick(Q(reset), P(reset) + B() + E() + S, P(reset) + B(portal="p") + S + E("p") + S))
        out += [Q(self.pick("", "set transaction read only", "set transaction read only;")),
                Q("set transaction isolation level " + self.pick("serializable", "repeatable read")), Q(CHECKS[0]),
                Q("show transaction_isolation")]
        return out

    def plain(self):
        n = self.rng.randrange(1000)
        return self.pick(f"select {n}", "select v from t", "select f()", f"select public.twice({n})", "select 1/0",
                         "select nothing", "", "copy (select 1) to stdout", "discard plans", "selec",
                         f"insert into public.k values ({self.me})", f"select count(*) from public.k where n = {self.me}",
                         "discard sequences", "/* a comment */ select 1", "explain (costs off) select 1",
                         f"begin; select nextval('sq{self.me}'); select currval('sq{self.me}'); commit")

    def number(self):
        """A sequence of this client's own, and what it gave, in this transaction or in an earlier one."""
        return self.pick(f"select nextval('sq{self.me}')", f"insert into public.numbered{self.me} default values",
                         f"select currval('sq{self.me}')", "select lastval()", "select lastval(), 1",
                         f"insert into public.numbered{self.me} select 1 / 0", f"select public.take('sq{self.me}')",
                         f"do $$ begin perform nextval('sq{self.me}'); end $$", "discard sequences")

    def statement(self, is_last=False):
        """What stands behind a RESET in the same string or batch meets another value, if the client came with one."""
        text = self.any_statement()
        if self.came and not is_last and re.search("reset|default|time zone local", text):
            return "select 'no reset'"
        return text

    def any_statement(self):
        return self.rng.choices(
            [self.setting, self.role, self.channel, self.prepared, self.cursor, self.temp, self.lock, self.xact,
             self.plain, self.hidden, self.number], [6, 1, 2, 3, 1, 2, 2, 6, 6, 3, 3 if self.numbers else 0])[0]()

    def single(self):
        """One that can be prepared, whatever the search_path is when it is prepared again."""
        while True:
            text = self.statement()
            if not text.startswith(("begin", "start transaction isolation", "execute")) and text not in ("deallocate all", "select f()"):
                return text

    def named(self, name):
        """EXECUTE of ROLLBACK TO ends a backend of PostgreSQL 15; what is executed by name controls no transaction. What a
        FETCH gives another server says of the cursor of now (pgweir-modes)."""
        while True:
            text = self.single()
            if text.startswith("fetch"):
                continue
            if name == "p2" or not re.match(r"(rollback|commit|end|abort|savepoint|release|set transaction)\b", text, re.I):
                return text

    def text(self):
        if self.rng.random() < 0.75:
            return self.statement(True)
        if self.rng.random() < 0.1:
            return "discard all"
        count = self.rng.randrange(2, 5)
        return "; ".join(self.statement(i == count - 1) for i in range(count))

    def unit(self):
        """Messages of the extended protocol, and how many statements they are."""
        rng, name, kind = self.rng, self.protocol_name(), self.rng.randrange(13)
        if kind == 0:
            return [C("S", name)]
        if kind == 1:
            return [D("S", name)]
        if kind == 2:
            return [P(self.named(name), name)]
        if kind == 3:
            return [P(self.pick("select v from t", "select 1", f"select {rng.randrange(5)}",
                                "select current_user"), name)]
        if kind in (4, 5):
            return [B(name=name), E()]
        if kind == 6:
            return [B(name=name), D(), E(), H]
        if kind == 7:
            return [C("S", name), P(self.named(name), name), D("S", name), B(name=name), E()]
        if kind == 8:
            return [P("select $1::int + 1", name), B("4", name=name), E()]
        if kind == 9:
            return [B("5", name=name), E()]
        if kind == 10:
            return [P(self.pick("begin", "start transaction", "begin read write")), B(), D(), E()]
        return [P(self.single()), B(), D(), E()]

    def action(self):
        """Bytes, how many ReadyForQuery answer them, about how many statements they are."""
        out, ready, count = [], 0, 0
        for _ in range(self.pick(1, 1, 1, 2, 4)):
            if self.rng.random() < 0.05:
                for request in self.level():
                    out.append(request)
                    ready += request.count(S) if request[:1] != b"Q" else 1
                    count += 1
                continue
            if self.rng.random() < 0.5:
                text = self.text()
                out.append(Q(text))
                count += 1 + text.count(";")
            else:
                changes = 0
                for _ in range(self.pick(1, 1, 2, 3, 5)):
                    unit = self.unit()
                    changes += sum(m[:1] == b"P" and m[5:6] == b"\0" or m == C("S") for m in unit)
                    if changes > 1:  # which one of them an error has left is more than the pooler knows
                        break
                    out += unit
                    count += 1
                if not self.came and self.rng.random() < 0.1:  # or a later Bind runs it in front of a BEGIN
                    out += [P(self.pick("discard all", "reset all", "reset work_mem", "set search_path to default")),
                            B(), D(), E()]
                    count += 1
                out.append(S)
            ready += 1
        if self.rng.random() < 0.4:
            out.append(Q(self.rng.choice(CHECKS)))
            ready += 1
            count += 1
        return out, ready, count


def told(m):
    """What of a message must be the same on both sides; None: nothing."""
    if m.kind == "S":
        return None
    if m.kind == "A":
        return m.kind, m.body[4:]
    if m.kind == "E" or m.kind == "N":
        return m.kind, m.sqlstate, re.sub('statement ".*?"', "statement", m.text), m.severity
    if m.kind == "T":
        return m.kind, m.columns(), m.types()
    return m.kind, m.body


def batches(messages):
    """Cut behind each ReadyForQuery. Notifications come last: a server that has to wait for the rest of a batch, behind a
    COMMIT in it, tells them there."""
    out = [[]]
    heard = []
    for m in messages:
        if m[0] == "A":
            heard.append(m)
            continue
        if m[0] == "Z":
            out[-1] += heard
            heard.clear()
        out[-1].append(m)
        if m[0] == "Z":
            out.append([])
    return out[:-1]


def may_differ(wanted, got):
    """Two errors. A name that is there already is said before what else is wrong; in a failed transaction nothing can be
    prepared anew on a server; and what cannot be is refused before its parameters are counted, or the rest of its string is
    read or run."""
    return got == "42P05" or "25P02" in (wanted, got) or (wanted in ("08P01", "42601", "26000") and got in ("42P01", "42883"))


def is_asked_about(wanted, got):
    """Behind an error what was reset is asked for, which is a query (pgweir-modes): SET TRANSACTION comes too late."""
    return wanted == ("C", b"SET\0") and got[:2] == ("E", "25001")


def first_difference(wanted, got, status, has_failed_before):
    """None: there is none that matters. And whether a failed transaction has said something else: then it may also have
    left other names than it should, and what follows says no more."""
    is_apart = False
    for a, b in zip(batches(wanted), batches(got)):
        has_failed = status == b"E"
        status = a[-1][1]
        if has_failed and (a[-1] == b[-1] or any(m[0] == "E" and m[1] == "25P02" for m in b)):
            is_apart |= a != b
            continue
        for x, y in itertools.zip_longest(a, b):
            if has_failed_before and x and y and is_asked_about(x, y):
                return None, True
            if x != y and not (x and y and x[0] == y[0] == "E" and may_differ(x[1], y[1])):
                return None if is_apart else (x, y), is_apart
    return None, is_apart


class Pair:
    """A client of the pooler and its twin."""

    END = ()  # of what is heard

    def __init__(self, world, draw, params):
        draw.came = bool(params)
        self.world = world
        self.draw = draw
        self.status = draw.status = b"I"
        self.is_apart = self.has_failed = False
        self.history = [f"login {params}"]
        self.pooled, self.direct = self.log_in(params)

    def log_in(self, params):
        return (Client(self.world.pooler.address).login("app", "app", **params),
                Client(("127.0.0.1", self.world.cluster.port)).login("app", "twin", **params))

    def step(self, action, ready):
        self.history.append(action)
        data = b"".join(action)
        self.direct.send(data)
        self.pooled.send(data)
        try:
            wanted = self.hear(self.direct, ready)
        except Gone:
            self.lose_both(ready)
            return
        try:
            got = self.hear(self.pooled, ready)
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.world.report()}") from None
        wanted_told, got_told = ([t for t in map(told, side) if t] for side in (wanted, got))
        difference, self.is_apart = first_difference(wanted_told, got_told, self.status, self.has_failed)
        if difference:
            self.differ(*difference)
        self.status = wanted_told[-1][1]
        self.has_failed |= any(m[0] == "E" for m in wanted_told)
        self.history.append("... " + self.status.decode())
        self.draw.status = self.status
        for name, value in self.direct.params.items():
            if not self.is_apart and self.draw.minds(self.status) and self.pooled.params.get(name) != value:
                self.differ({name: value}, {name: self.pooled.params.get(name)})

    def hear(self, side, ready):
        return side.ready(ready)

    def lose_both(self, ready):
        """PostgreSQL ends some sessions by itself: a SAVEPOINT behind the EXECUTE of a BEGIN, in one string, is FATAL."""
        try:
            got = self.hear(self.pooled, ready)
        except Gone:
            self.is_apart = True
            return
        self.differ("it is gone", got)

    def differ(self, wanted, got):
        raise AssertionError(f"PostgreSQL: {wanted}\npooler:     {got}")

    def story(self, steps=50):
        """The last steps, a line for each."""
        return "\n".join(h if isinstance(h, str) else " ".join(f"{chr(m[0])}{m[5:]!r}"[:120] for m in h)
                         for h in self.history[-steps:])

    def clean(self):
        for text in "rollback", "discard all":
            self.step([Q(text), *self.END], 1)

    def end(self, how):
        getattr(self.pooled, how)()
        self.direct.close()


class World:
    def __init__(self, pooler, cluster, seed, numbers, draws=Draw, pairs=Pair):
        self.numbers = numbers
        self.draws = draws
        self.pairs = pairs
        self.pooler = pooler
        self.cluster = cluster
        self.seed = seed
        self.until = time.monotonic() + SECONDS * SCALE
        self.counts = [0] * CLIENTS

    def report(self):
        return "\n".join(str(row) for what in ("servers", "clients", "kept") for row in self.pooler.show(what)) + \
            "\n" + str(self.cluster.sql("select pid, state, wait_event, query from pg_stat_activity where datname='app'"))

    def is_over(self, crew):
        if crew.stop.is_set():
            return True
        return sum(self.counts) >= STATEMENTS if STATEMENTS else time.monotonic() > self.until

    def episode(self, me, number, crew):
        rng = random.Random(f"{self.seed}/{me}/{number}")
        draw = self.draws(rng, me, self.numbers)
        pair = self.pairs(self, draw, rng.choice(draw.LOGINS))
        try:
            for _ in range(rng.randrange(1, 4)):
                for _ in range(rng.randrange(1, 25)):
                    action, ready, count = draw.action()
                    pair.step(action, ready)
                    self.counts[me] += count
                    if pair.is_apart:
                        self.even_numbers(me, 1000 * (number + 1))
                    if pair.is_apart or self.is_over(crew):
                        return
                if rng.random() < 0.7:
                    pair.clean()
        except BaseException as error:
            raise AssertionError(f"E2E_SEED={self.seed}, client {me}, episode {number}, after\n{pair.story()}\n"
                                 f"{type(error).__name__}: {error}") from None
        finally:
            pair.end(rng.choice(["close", "close", "drop", "kill"]))

    def client(self, me, crew):
        number = 0
        while not self.is_over(crew):
            self.episode(me, number, crew)
            number += 1
            until(lambda: self.locks_of(me) == 0, "who has left holds no locks that the next one would meet")

    def even_numbers(self, me, number):
        """What one side has refused, the other may have taken a number for."""
        for database in ("app", "twin"):
            with self.cluster.connect(database) as conn:
                conn.execute(f"select setval('public.sq{me}', {number})")

    def locks_of(self, me):
        """A session that has ended gives its locks back a moment later, on either side."""
        return self.cluster.sql("select count(*) from pg_locks where locktype = 'advisory' and "
                                f"objid::bigint / 10 = {me} and classid = 0")[0][0]


def prepare_cluster(cluster):
    cluster.sql("create database twin owner app")
    cluster.sql("grant third to app")
    for database in ("app", "twin"):
        with Client(("127.0.0.1", cluster.port)).login("postgres", database) as admin:
            admin.rows(SETUP)
            admin.rows("create table public.k(n int); grant all on public.k to public")
            for i in range(CLIENTS):
                admin.rows(f"create sequence public.sq{i}; grant all on sequence public.sq{i} to public")
                admin.rows(f"create table public.numbered{i}(n bigint default nextval('public.sq{i}')); "
                           f"grant all on public.numbered{i} to public")
            admin.rows("create function public.take(text) returns bigint language sql as 'select nextval($1::regclass)'")


def run_world(world):
    crew = Crew()
    for me in range(CLIENTS):
        crew.start(world.client, me, crew)
    crew.join(20000)
    print(f"{sum(world.counts)} statements")
    assert sum(world.counts) > 100


@pytest.mark.timeout(90 if not LONG else 20000)
@pytest.mark.parametrize("workers", [1, 3])
def test_nobody_can_tell_the_difference(make_pooler, own_cluster, workers):
    seed = int(os.environ.get("E2E_SEED", USUAL_SEED))
    print(f"E2E_SEED={seed}")
    prepare_cluster(own_cluster)
    numbers = workers > 1  # who asks for them keeps its server, which leaves less to be shared
    p = make_pooler(own_cluster, pool_mode="auto", pool_size=POOL_SIZE, max_overflow=0, workers=workers,
                    max_prepared_statements=20, sequence_state="always" if numbers else "error")
    run_world(World(p, own_cluster, seed, numbers))
