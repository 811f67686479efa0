"""Replication through the pooler: each such client has a server of its own, and takes none from the pools."""

import subprocess

import pytest

from cluster import bindir
from rawwire import Q, Refused
from waiting import until

pytestmark = pytest.mark.pgweir


def test_base_backup_with_streamed_wal(pooler, cluster, tmp_path):
    p = pooler()
    p.run("pg_basebackup", "-X", "stream", "-c", "fast", "-D", tmp_path / "backup", "--no-sync", user="repl",
          dbname="")
    assert (tmp_path / "backup" / "PG_VERSION").exists()
    done = subprocess.run([bindir() / "pg_verifybackup", tmp_path / "backup"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    until(lambda: cluster.backends("usename = 'repl'") == [], "replication servers are closed afterwards")


@pytest.mark.parametrize("workers", [1, 3])
def test_base_backup_byte_by_byte_settings(pooler, cluster, tmp_path, workers):
    """Small reads and writes all the way: slower, not different."""
    p = pooler(workers=workers, debug_io_bytes=4096)
    p.run("pg_basebackup", "-X", "fetch", "-c", "fast", "-D", tmp_path / "backup", "--no-sync", user="repl", dbname="")
    assert (tmp_path / "backup" / "PG_VERSION").exists()


def test_receivewal(pooler, cluster, tmp_path):
    p = pooler()
    process = subprocess.Popen(
        [bindir() / "pg_receivewal", "-D", tmp_path, "-h", "127.0.0.1", "-p", str(p.port), "-U", "repl", "-n",
         "--no-sync"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        until(lambda: cluster.backends("backend_type = 'walsender'"), "it streams")
        cluster.sql("drop table if exists much")
        cluster.sql("create table much as select repeat('x', 500) from generate_series(1, 20000)")
        cluster.sql("select pg_switch_wal()")
        until(lambda: [f for f in tmp_path.iterdir() if not f.name.endswith(".partial")], "a segment has come")
    finally:
        process.terminate()
        process.wait(30)
        cluster.sql("drop table if exists much")
    until(lambda: not cluster.backends("backend_type = 'walsender'"), "its server is closed")


def test_recvlogical(pooler, cluster, fresh_database, tmp_path):
    database = fresh_database()
    cluster.sql("alter role repl superuser")
    p = pooler(databases={database: lambda p: p.db(database), "app": lambda p: p.db("app")})
    out = tmp_path / "changes"
    p.run("pg_recvlogical", "-d", database, "--slot", "s1", "--create-slot", "-P", "test_decoding", user="repl",
          dbname=database)
    process = subprocess.Popen(
        [bindir() / "pg_recvlogical", "-h", "127.0.0.1", "-p", str(p.port), "-U", "repl", "-d", database, "--slot",
         "s1", "--start", "-f", str(out), "-n", "-F", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        cluster.in_app("create table news(a int); insert into news select generate_series(1, 10)", database)
        until(lambda: out.exists() and out.read_text().count("INSERT") == 10, "the changes have come")
    finally:
        process.terminate()
        process.wait(30)
        cluster.sql("alter role repl nosuperuser")
    until(lambda: not cluster.backends("backend_type = 'walsender'"))
    p2 = p.raw("repl", database)
    assert p2.value("select 1") == "1"
    until(lambda: cluster.sql("select pg_drop_replication_slot(slot_name) from pg_replication_slots "
                              "where not active") or not cluster.sql("select 1 from pg_replication_slots"))


def test_replication_commands_on_a_raw_connection(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    walsender = p.raw("repl", "app", replication="database")
    normal = p.raw()
    assert walsender.query("IDENTIFY_SYSTEM")[0].columns() == ["systemid", "timeline", "xlogpos", "dbname"]
    assert normal.value("select 1") == "1"
    assert walsender.value("select 'sql too'") == "sql too"
    (pid,) = cluster.backends("backend_type = 'walsender'")
    for _ in range(3):
        walsender.query("IDENTIFY_SYSTEM")
    assert cluster.backends("backend_type = 'walsender'") == [pid], "its own, for as long as it stays"
    walsender.close()
    until(lambda: not cluster.backends("backend_type = 'walsender'"), "closed, not pooled")


def test_replication_clients_do_not_share(pooler, cluster):
    p = pooler(pool_size=5)
    clients = [p.raw("repl", "app", replication="true" if n % 2 else "database") for n in range(3)]
    for client in clients:
        client.query("IDENTIFY_SYSTEM")
    assert len(cluster.backends("backend_type = 'walsender'")) == 3
    assert p.raw("repl", "app").error("IDENTIFY_SYSTEM").sqlstate == "42601", "a normal server does not know it"


def test_replication_client_that_vanishes(pooler, cluster):
    p = pooler()
    client = p.raw("repl", "app", replication="true")
    start = cluster.sql("select pg_current_wal_flush_lsn()")[0][0]
    client.send(Q(f"START_REPLICATION {start}"))
    assert client.read_until("W")
    client.kill()
    until(lambda: not cluster.backends("backend_type = 'walsender'"), "its server is closed")


def test_replication_off_is_no_replication(pooler):
    p = pooler(pool_size=1)
    one, two = p.raw(replication="false"), p.raw()
    assert one.value("select pg_backend_pid()") == two.value("select pg_backend_pid()")


def test_name_that_physical_replication_does_not_need(pooler):
    """Whatever the client names: all lines lead to the one server. For logical replication the name counts."""
    p = pooler(databases={"app": lambda p: p.db("app", user="app"), "other": lambda p: p.db("other")})
    for name in ("replication", "whatever", ""):
        walsender = p.raw("repl", name, replication="true")
        ((*_, database),) = walsender.rows("IDENTIFY_SYSTEM")
        assert database is None, "it is connected to the server, and to no database"
    with pytest.raises(Refused) as refused:
        p.raw("repl", "replication", replication="database")
    assert refused.value.error.sqlstate == "3D000"
    assert "H" not in refused.value.error.fields()


def test_which_server_is_to_be_replicated(pooler):
    databases = {"far": lambda p: p.db("far", port=1), "app": lambda p: p.db("app")}
    p = pooler(databases=databases)
    with pytest.raises(Refused) as refused:
        p.raw("repl", "replication", replication="true")
    assert refused.value.error.sqlstate == "3D000"
    assert "replication = host=" in refused.value.error.fields()["H"]
    p = pooler(databases={**databases, "replication": lambda p: p.db(None)})
    assert p.raw("repl", "replication", replication="true").query("IDENTIFY_SYSTEM")
