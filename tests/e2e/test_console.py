"""The console: PgBouncer's commands and columns, ours beside them, and who may do what."""

import re
import signal
import socket

import psycopg
import pytest

import rawwire
from rawwire import B, D, E, P, Q, Refused, S
from waiting import all_at_once, until, until_equal

# What PgBouncer 1.18 shows, in its order.
COLUMNS = {
    "stats": "database total_xact_count total_query_count total_received total_sent total_xact_time total_query_time "
             "total_wait_time avg_xact_count avg_query_count avg_recv avg_sent avg_xact_time avg_query_time "
             "avg_wait_time",
    "stats_totals": "database xact_count query_count bytes_received bytes_sent xact_time query_time wait_time",
    "stats_averages": "database xact_count query_count bytes_received bytes_sent xact_time query_time wait_time",
    "totals": "name value",
    "pools": "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active sv_active_cancel "
             "sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode",
    "clients": "type user database state addr port local_addr local_port connect_time request_time wait wait_us "
               "close_needed ptr link remote_pid tls application_name",
    "servers": "type user database state addr port local_addr local_port connect_time request_time wait wait_us "
               "close_needed ptr link remote_pid tls application_name",
    "databases": "name host port database force_user pool_size min_pool_size pool_mode max_connections "
                 "current_connections paused disabled",
    "users": "name pool_mode",
    "lists": "list items",
    "config": "key value default changeable",
    "version": "version",
}

# What came with 1.19 to 1.24.
NEWER = {
    "stats": "total_server_assignment_count total_client_parse_count total_server_parse_count total_bind_count",
    "pools": "load_balance_hosts",
    "clients": "replication prepared_statements id",
    "servers": "replication prepared_statements id",
    "databases": "reserve_pool_size server_lifetime load_balance_hosts max_client_connections "
                 "current_client_connections",
    "users": "pool_size reserve_pool_size max_user_connections current_connections max_user_client_connections "
             "current_client_connections",
}


def console(p, user="admin", database=None):
    return p.raw(user, database or p.console_database)


def columns(client, command):
    return [m.columns() for m in client.query(command) if m.kind == "T"][0]


def test_columns_are_pgbouncers_in_its_order(pooler):
    p = pooler()
    p.raw().value("select 1")
    client = console(p)
    for what, names in COLUMNS.items():
        there = columns(client, f"show {what}")
        wanted = names.split()
        assert [c for c in there if c in wanted] == wanted, what
        assert len(set(there)) == len(there), what
        if not p.binary.is_pgbouncer:
            assert set(NEWER.get(what, "").split()) <= set(there), what


def test_console_goes_by_both_names(pooler):
    p = pooler()
    assert console(p, database="pgbouncer").rows("show version")
    if not p.binary.is_pgbouncer:
        assert console(p, database="pgweir").rows("show version")[0][0].lower().startswith("pgweir")


def test_help_is_a_notice(pooler):
    client = console(pooler())
    said = client.query("show help")
    assert [m.kind for m in said if m.kind in "NE"] == ["N"]
    notice = said[0].fields()
    assert "SHOW" in notice["D"] and "RELOAD" in notice["D"]
    assert [m.tag() for m in said if m.kind == "C"] == ["SHOW"]


def test_commands_in_any_dress(pooler):
    client = console(pooler())
    for command in ("SHOW POOLS", "show pools;", "  Show   Pools ; ", "sHoW\tpools\n"):
        assert "cl_active" in columns(client, command)


BAD = ["nonsense", "show nothing", "select 1 +", "pause nowhere", "show", "set nothing=1",
       "kill nowhere", "show pools extra words", "reload now please", "'", "\"", "\\"]


def test_bad_commands_are_errors_and_the_console_lives_on(pooler):
    client = console(pooler())
    for command in BAD:
        error = client.error(command)
        assert error.severity == "ERROR" and error.sqlstate, command
        assert client.rows("show version")


def test_empty_command(pooler):
    client = console(pooler())
    for command in ("", ";", "  "):
        assert client.query(command)[-1].kind == "Z"
    assert client.rows("show version")


# ---- who may ----------------------------------------------------------------------------------------

READ = ["show version", "show config", "show databases", "show pools", "show clients", "show servers", "show stats",
        "show stats_totals", "show stats_averages", "show totals", "show lists", "show users", "show help",
        "show sockets", "show active_sockets", "show mem", "show dns_hosts", "show dns_zones"]
RULE = ["reload", "pause", "resume", "pause app", "resume app", "kill app", "disable app", "enable app", "reconnect",
        "suspend", "shutdown", "set pool_size=3", "wait_close"]


def test_both_may_look(pooler):
    p = pooler()
    for user in ("admin", "stats"):
        client = console(p, user)
        for command in READ:
            assert [m for m in client.query(command) if m.kind == "E"] == [], (user, command)


def test_only_admins_may_rule(pooler):
    p = pooler()
    bystander = p.raw()
    client = console(p, "stats")
    for command in RULE + ([] if p.binary.is_pgbouncer else ["kill_client 1"]):
        assert bystander.value("select 1") == "1"
        assert client.error(command).sqlstate in ("42501", "08P01"), command
    assert p.raw().value("select 1") == "1"


@pytest.mark.parametrize("user", ["app", "other", "nobody"])
def test_nobody_else_gets_in(pooler, user):
    p = pooler()
    with pytest.raises(Refused) as refused:
        console(p, user)
    assert refused.value.error.severity == "FATAL"


def test_console_wants_the_password(pooler):
    p = pooler(auth_type="scram-sha-256", userlist={"admin": "word", "app": "x"})
    with pytest.raises(Refused):
        p.raw("admin", p.console_database, "wrong")
    assert p.raw("admin", p.console_database, "word").rows("show version")


@pytest.mark.parametrize("method,messages", [("trust", 1), ("plain", 2), ("md5", 2), ("scram-sha-256", 3)])
def test_first_queries_come_with_the_login(pooler, method, messages):
    """What stands in the packet of the last login message is the console's to answer."""
    p = pooler(auth_type=method, userlist={"admin": "word"})
    client = p.open()
    send, sent = client.send, []

    def with_queries(data):
        sent.append(data)
        send(data + Q("show version") + Q("show lists") if len(sent) == messages else data)

    client.send = with_queries
    client.login("admin", p.console_database, "word")
    tags = [m.tag() for m in client.ready(2) if m.kind == "C"]
    assert tags == ["SHOW", "SHOW"] and len(sent) == messages


# ---- both protocols ---------------------------------------------------------------------------------


@pytest.mark.pgweir
def test_extended_protocol(pooler, shape):
    client = console(pooler(**shape))
    client.send(P("show version") + D("S") + B() + D() + E() + S)
    kinds = [m.kind for m in client.ready()]
    assert kinds == list("1tT2TDCZ")
    client.send(P("nonsense") + B() + E() + S)
    said = client.ready()
    assert [m.kind for m in said].count("E") == 1 and said[-1].kind == "Z"
    client.send(P("show version", "named") + S + B(name="named") + E() + S)
    assert [m.kind for m in client.ready(2)] == list("1Z2DCZ")
    assert client.rows("show version")


@pytest.mark.pgweir
def test_drivers_on_the_console(pooler):
    p = pooler()
    p.raw().value("select 1")
    conn = p.connect("admin", "pgweir")
    rows = conn.execute("show pools").fetchall()
    names = [d.name for d in conn.execute("show pools").description]
    assert rows[0][names.index("database")] == "app"
    assert isinstance(rows[0][names.index("cl_active")], int)
    with pytest.raises(psycopg.Error):
        conn.execute("nonsense")
    assert conn.execute("show version").fetchone()
    prepared = p.connect("stats", "pgweir", prepare_threshold=0)
    for _ in range(3):
        assert prepared.execute("show databases").fetchall()


@pytest.mark.pgweir
def test_asyncpg_on_the_console(pooler):
    import asyncio
    import asyncpg
    p = pooler()

    async def main():
        conn = await asyncpg.connect(host="127.0.0.1", port=p.port, user="stats", database="pgweir", ssl=False,
                                     statement_cache_size=0)
        rows = await conn.fetch("show pools")
        await conn.close()
        return rows

    assert isinstance(asyncio.run(main()), list)


def test_psql_on_the_console(pooler):
    p = pooler()
    out = p.run("psql", "-XAt", "-c", "show version", user="admin", dbname=p.console_database).stdout
    assert out.strip()


def test_what_drivers_ask_first(pooler):
    """SHOW of a few of PostgreSQL's settings, faked for drivers."""
    client = console(pooler())
    for name in ("client_encoding", "default_transaction_isolation", "standard_conforming_strings", "datestyle",
                 "timezone"):
        assert len(client.rows(f"show {name}")) == 1


# ---- what is shown ----------------------------------------------------------------------------------


def test_pools_count_what_is_there(pooler):
    p = pooler(pool_size=2)
    busy, holder, idle, waiter = (p.raw() for _ in range(4))
    holder.query("begin")
    busy.query("begin")
    idle_rows = p.show("clients", user="app")
    assert len(idle_rows) == 4
    waiter.send(Q("select 1"))
    p.wait_waiting(1)
    row = p.pool()
    assert (row["cl_waiting"], row["sv_active"], row["sv_idle"], row["pool_mode"]) == ("1", "2", "0", "transaction")
    assert int(row["cl_active"]) in (2, 3)
    busy.query("commit")
    waiter.ready()
    until_equal(lambda: p.pool()["sv_idle"], "1")
    assert p.pool()["cl_waiting"] == "0"
    holder.query("commit")
    assert idle.value("select 1") == "1"


def test_maxwait_grows(pooler):
    p = pooler(pool_size=1)
    holder, waiter = p.raw(), p.raw()
    holder.query("begin")
    waiter.send(Q("select 1"))
    p.wait_waiting(1)
    until(lambda: int(p.pool()["maxwait"]) >= 1)
    holder.query("commit")
    waiter.ready()


def test_clients_and_servers_are_linked(pooler, cluster):
    p = pooler()
    client = p.raw(application_name="shop")
    client.query("begin")
    (row,) = p.show("clients", user="app")
    (server,) = p.show("servers")
    assert row["type"] == "C" and server["type"] == "S"
    assert row["application_name"] == "shop"
    assert row["state"] == "active" and server["state"] == "active"
    assert (row["link"], server["link"]) == (server["ptr"], row["ptr"])
    assert int(server["remote_pid"]) in cluster.backends()
    assert int(row["port"]) == client.sock.getsockname()[1]
    assert row["addr"] == "127.0.0.1"
    assert int(server["port"]) == cluster.port
    client.query("commit")
    (server,) = p.show("servers")
    assert server["state"] in ("idle", "used") and server["link"] in ("", None)


def test_console_clients_are_no_pool_clients(pooler):
    p = pooler()
    console(p)
    assert p.show("servers") == []
    assert all(row["database"] in ("pgweir", "pgbouncer") for row in p.show("pools"))


def test_stats_count_exactly(pooler, shape):
    p = pooler(pool_size=2, **shape)
    clients = [p.raw() for _ in range(3)]
    for client in clients:
        for n in range(10):
            client.query("select 1")
        client.query("begin")
        client.query("select 2")
        client.query("commit")

    def counted():
        (row,) = p.show("stats", database="app")
        return int(row["total_xact_count"]), int(row["total_query_count"])

    until_equal(counted, (33, 39))
    (row,) = p.show("stats", database="app")
    assert int(row["total_received"]) > 300 and int(row["total_sent"]) > 300
    assert int(row["total_query_time"]) > 0


def test_config_shows_what_is_set(pooler):
    p = pooler(pool_size=7, query_timeout=99)
    rows = {row["key"]: row for row in p.show("config")}
    assert rows["query_timeout"]["value"].startswith("99")
    assert rows["pool_size" if "pool_size" in rows else "default_pool_size"]["value"] == "7"
    assert rows["listen_port"]["changeable"] == "no"
    assert rows["query_timeout"]["changeable"] == "yes"


def test_databases_show_where_they_lead(pooler, cluster):
    p = pooler(databases={"shop": lambda p: p.db("app") + " pool_size=3 pool_mode=session"})
    (row,) = p.show("databases", name="shop")
    assert (row["host"], row["port"], row["database"], row["pool_size"], row["pool_mode"]) == (
        "127.0.0.1", str(cluster.port), "app", "3", "session")
    assert (row["paused"], row["disabled"], row["current_connections"]) == ("0", "0", "0")
    p.raw("app", "shop").value("select 1")
    assert int(p.show("databases", name="shop")[0]["current_connections"]) >= 1


def test_no_password_is_shown(pooler):
    p = pooler(databases={"app": lambda p: p.db("app", user="u_scram", password="sesame")},
               userlist={"app": "sesame2", "admin": "sesame3"})
    client = console(p)
    for what in [c for c in READ if "help" not in c]:
        assert "sesame" not in str(client.query(what)), what


def test_lists(pooler):
    p = pooler()
    p.raw().value("select 1")
    rows = {row["list"]: row["items"] for row in p.show("lists")}
    assert {"databases", "users", "pools", "free_clients", "used_clients", "login_clients", "free_servers",
            "used_servers"} <= set(rows)
    assert int(rows["used_clients"]) >= 1


# ---- commands ---------------------------------------------------------------------------------------


@pytest.mark.pgweir
def test_kill_client(pooler):
    p = pooler()
    client, other = p.raw(), p.raw()
    port = str(client.sock.getsockname()[1])
    (row,) = p.show("clients", port=port)
    p.console(f"kill_client {row['id']}")
    said = client.rest()
    assert [m.sqlstate for m in said if m.kind == "E"] == ["57P01"]
    assert other.value("select 1") == "1"
    assert console(p).error("kill_client 999999999").severity == "ERROR"


def test_kill_database(pooler, cluster):
    p = pooler()
    client, other = p.raw("app", "app"), p.raw("app", "other")
    client.query("begin")
    other.value("select 1")
    p.console("kill app")
    client.rest()
    until(lambda: not cluster.backends("datname = 'app'"), "its servers are gone")
    assert other.value("select 1") == "1"
    p.console("resume app")
    assert p.raw().value("select 1") == "1"


def test_disable_and_enable(pooler):
    p = pooler()
    client = p.raw()
    p.console("disable app")
    with pytest.raises(Refused):
        p.raw()
    assert client.value("select 1") == "1", "who is in stays in"
    assert p.raw("app", "other").value("select 1") == "1"
    p.console("enable app")
    assert p.raw().value("select 1") == "1"


def test_reconnect(pooler, cluster):
    p = pooler(pool_size=2)
    busy, idle = p.raw(), p.raw()
    busy.query("begin")
    idle.query("select 1")
    before = cluster.backends()
    p.console("reconnect")
    assert busy.query("select 1")[-1].status() == "T", "what is at work is left alone"
    busy.query("commit")
    until(lambda: not set(before) & set(cluster.backends()), "all servers are new ones")
    assert busy.value("select 1") == idle.value("select 1") == "1"


@pytest.mark.pgweir
def test_wait_close_waits_for_reconnect(pooler):
    p = pooler(pool_size=1)
    client = p.raw()
    client.query("begin")
    p.console("reconnect")
    waiter = console(p)
    waiter.send(Q("wait_close"))
    client.query("select 1")
    assert not waiter.has_input()
    client.query("commit")
    assert [m.kind for m in waiter.ready()][-1] == "Z"


def test_set_changes_a_setting(pooler):
    p = pooler(pool_size=1)
    client = console(p)
    client.query("set query_timeout = '1'")
    (row,) = [r for r in client.dicts("show config") if r["key"] == "query_timeout"]
    assert row["value"].startswith("1")
    sleeper = p.raw()
    sleeper.send(Q("select pg_sleep(600)"))
    assert "query_timeout" in sleeper.rest()[-1].text.replace(" ", "_")
    assert client.error("set query_timeout = 'often'").severity == "ERROR"
    assert client.error("set listen_port = 1").severity == "ERROR"


def test_show_while_busy(pooler):
    """Every SHOW, again and again, while clients come and go on all workers."""
    p = pooler(pool_size=2, workers=3)

    def client(who):
        for n in range(15):
            c = p.raw()
            assert c.value(f"select '{who}.{n}'") == f"{who}.{n}"
            c.close()

    def look():
        c = console(p)
        for _ in range(4):
            for what in ("pools", "clients", "servers", "stats", "lists", "databases", "users"):
                c.rows(f"show {what}")

    all_at_once([lambda n=n: client(n) for n in range(6)] + [look, look])


def test_console_survives_rude_clients(pooler):
    p = pooler()
    for _ in range(3):
        client = console(p)
        client.send(Q("show clients") * 50)
        client.kill()
        half = console(p)
        half.send(Q("show config")[:7])
        half.drop()
        big = console(p)
        big.send(Q("x" * 500000))
        big.drop()
    wrong = console(p)
    wrong.send(rawwire.message("F", b"\0" * 12))
    wrong.drop()
    assert console(p).rows("show version")


@pytest.mark.pgweir
def test_who_hangs_up_before_it_is_let_in_does_not_come_in(pooler):
    p = pooler()
    p.signal(signal.SIGSTOP)
    try:
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(p.socket_path)
        peer.sendall(rawwire.startup("admin", p.console_database))
        peer.close()
    finally:
        p.signal(signal.SIGCONT)
    until(lambda: re.search(r"admin@unix\S*: closing because", p.log()), "it is gone")
    p.console("show version")
    assert not re.search("console admin@unix.*came in", p.log())
