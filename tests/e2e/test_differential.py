"""Scripts run by psql, through pgweir in pool_mode auto and directly: PostgreSQL's own words, and no others, come back.

differential/*.sql, one thing that lives in a session per script, and its corner cases. Eight of them run at a time, in
any order, over three servers; each script twice in one session, so that it meets what it has left itself. Its schema
and a prefix for whatever is common to all of a database are the variable `me`; the schema is in the search_path that
psql asks for when it connects.
"""

import concurrent.futures
import contextlib
import difflib
import os
import pathlib
import random
import re
import subprocess
import threading

import pytest

from cluster import bindir
from waiting import DEADLINE, until

pytestmark = [pytest.mark.pgweir, pytest.mark.slow]

SCRIPTS = sorted((pathlib.Path(__file__).parent / "differential").glob("*.sql"))
AT_ONCE = 8
SERVERS = 3
LEAST_SCRIPTS = 206

# What is not the same in any two sessions.
NORMAL = [
    (re.compile(r"^(psql:[^\n]*)?LOCATION: .*\n", re.M), ""),
    (re.compile(r"\bPID \d+"), "PID ?"),
    (re.compile(r"\bpg_(toast_)?temp_\d+"), r"pg_\1temp_?"),
    (re.compile(r"([Pp]rocess|OID|oid|lo_import|large object) \d+"), r"\1 ?"),
    (re.compile(r"^watched\t.*\(every", re.M), "watched\t? (every"),
]

# Scripts whose output may differ, and why.
DIFFERENT = {
    "set_source": "what pg_settings says of the source and of the reset value of a setting that was asked for at "
                  "start-up",
}

# With sequence_state = error, which keeps no server for it: currval() of a sequence moved on another one.
FORGOTTEN = {"discard_parts", "sequence_read", "sequence_serial"}

# Scripts that connect once more while they hold a server: one of them at a time, or two could wait for each other's, the
# third server being that of who listens for all.
CONNECTS_AGAIN = re.compile(r"^\\c$|^\\! psql", re.M)
only_one = threading.Lock()

ROLES = """
create role diff_boss superuser login;
create role diff_a;
create role diff_b;
create role "Diff C";
grant diff_b to diff_a;
create database diff owner diff_boss;
"""


def run(script, port):
    with only_one if CONNECTS_AGAIN.search(script.read_text()) else contextlib.nullcontext():
        return run_script(script, port)


def run_script(script, port):
    """What psql says of a script, without what no two sessions have in common."""
    me = f"d_{script.stem}"
    done = subprocess.run(
        ["timeout", str(int(4 * DEADLINE)), bindir() / "psql", "-X", "-a", "-P", "pager=off", "-v", f"me={me}",
         "-v", "VERBOSITY=verbose", "-f", script.name, "-f", script.name],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=script.parent, check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PGHOST": "127.0.0.1", "PGPORT": str(port),
             "PGUSER": "diff_boss", "PGDATABASE": "diff", "PGSSLMODE": "disable", "PGGSSENCMODE": "disable",
             "PGPASSFILE": "/dev/null", "PGCLIENTENCODING": "UTF8", "PGOPTIONS": f"-c search_path={me},public"})
    text = done.stdout.decode(errors="backslashreplace")
    for pattern, instead in NORMAL:
        text = pattern.sub(instead, text)
    return text + f"(psql ended with {done.returncode})\n"


def run_all(cluster, port, seed=None):
    """All scripts, each in a new schema of its own: {name: output}"""
    with cluster.connect("diff") as conn:
        conn.execute("create extension if not exists dblink schema public; create extension if not exists pg_trgm schema public")
        for script in SCRIPTS:
            me = f"d_{script.stem}"
            conn.execute(f"drop schema if exists {me} cascade; create schema {me}; grant all on schema {me} to public")
        conn.execute("select lo_unlink(oid) from pg_largeobject_metadata")
    order = list(SCRIPTS)
    if seed is not None:
        random.Random(seed).shuffle(order)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as at_once:
        texts = at_once.map(lambda script: run(script, port), order)
        return {script.stem: text for script, text in zip(order, texts)}


def compare(wanted, got, may_differ, seed):
    """No script differs, but those that may."""
    report = []
    for name in sorted(wanted):
        if wanted[name] != got[name] and name not in may_differ:
            lines = difflib.unified_diff(wanted[name].splitlines(), got[name].splitlines(), "directly", "pgweir",
                                         lineterm="")
            report.append(f"---- {name} ----\n" + "\n".join(lines))
    assert not report, f"{len(report)} scripts differ (seed {seed}):\n" + "\n".join(report)


def test_there_are_scripts():
    assert len(SCRIPTS) >= LEAST_SCRIPTS
    assert set(DIFFERENT) | FORGOTTEN <= {script.stem for script in SCRIPTS}
    assert [script.stem for script in SCRIPTS if CONNECTS_AGAIN.search(script.read_text())] == [
        "lock_discard", "snapshot_exported", "snapshot_isolation"]


@pytest.mark.timeout(240)
def test_same_as_directly(make_pooler, own_cluster):
    own_cluster.configure(max_prepared_transactions=40)
    own_cluster.restart()
    for statement in ROLES.strip().split("\n"):
        own_cluster.sql(statement)
    wanted = run_all(own_cluster, own_cluster.port)
    for workers, sequence_state in (1, "error"), (3, "always"):
        p = make_pooler(own_cluster, databases={"diff": lambda p: p.db("diff")}, userlist={"diff_boss": "", "admin": ""},
                        pool_mode="auto", pool_size=SERVERS, max_kept=0, workers=workers, sequence_state=sequence_state)
        seed = random.randrange(1 << 30)
        may_differ = set(DIFFERENT) | (FORGOTTEN if sequence_state == "error" else set())
        compare(wanted, run_all(own_cluster, p.port, seed), may_differ, seed)
        until(lambda: len(own_cluster.backends("datname = 'diff'")) <= SERVERS, "there are no more servers than that")
        p.stop()
