"""The slow-query log: what took long, where its time went, and no literal that nobody asked for."""

import re

import pytest

from rawwire import B, C, E, F, P, Q, S, c, d
from waiting import until

pytestmark = pytest.mark.pgweir


def json_pooler(pooler, **keys):
    return pooler(**{"log_format": "json", "log_min_duration_statement": "100ms", **keys})


def sql(line):
    return "; ".join(s["text"] for s in line["sql"])


def slow(p, count=1, word=""):
    """
    The slow statements that say the word, once there are at least so many. (Where a threshold is more than 0, a
    test names the word: on a busy machine any statement can be slow, a login of a server before it above all.)
    """
    lines = lambda: [x for x in p.slow_lines() if x.get("event") == "slow" and word in sql(x).lower()]  # noqa: E731
    until(lambda: len(lines()) >= count, f"{count} slow statements are logged")
    return lines()


def test_simple_query(pooler, cluster, shape):
    p = json_pooler(pooler, **shape)
    client = p.raw(application_name="shop")
    client.value("select 'quick'")
    pid = client.value("select pg_backend_pid()")
    client.value("select 'secret literal', pg_sleep(0.2)")
    (line,) = slow(p, word="pg_sleep")
    assert line["db"] == "app" and line["user"] == "app" and line["app"] == "shop"
    assert line["client"].startswith("127.0.0.1:")
    assert str(line["server_pid"]) == pid
    assert line["protocol"] == "simple"
    assert line["total_ms"] >= 200 and line["server_ms"] >= 200 and line["first_byte_ms"] <= line["server_ms"]
    assert line["wait_ms"] < line["total_ms"]
    assert line["rows"] == 1 and line["in_bytes"] > 20 and line["out_bytes"] > 20
    assert line["statements"] == 1 and line["errors"] == 0 and line["sqlstate"] == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["ts"])
    assert "secret" not in p.log() and "0.2" not in sql(line)
    assert "pg_sleep" in sql(line).lower()


def test_threshold(pooler):
    p = json_pooler(pooler, log_min_duration_statement="300ms")
    client = p.raw()
    client.query("select 'under' from pg_sleep(0.05)")
    client.query("select 'over' as over from pg_sleep(0.35)")
    assert len(slow(p, word="over")) == 1
    assert all(line["total_ms"] >= 300 for line in slow(p))


def test_zero_logs_all_and_minus_one_nothing(pooler):
    p = json_pooler(pooler, log_min_duration_statement=0,
                    databases={"app": lambda p: p.db("app"),
                               "other": lambda p: p.db("other") + " log_min_duration_statement=-1"})
    quiet = p.raw("app", "other")
    quiet.value("select 'nothing of this'")
    client = p.raw()
    for n in range(3):
        client.query(f"select {n}")
    assert [line["db"] for line in slow(p, 3)] == ["app"] * 3


def test_threshold_of_a_user(pooler):
    p = json_pooler(pooler, log_min_duration_statement=-1, users={"other": "log_min_duration_statement=0"})
    p.raw("app").value("select 1")
    p.raw("other").value("select 2")
    assert [line["user"] for line in slow(p)] == ["other"]


def test_literals_only_when_asked_for(pooler):
    statement = "select 'sesame' || $x$sesame$x$, 4711, e'\\x73esame' from pg_sleep(0.15) -- sesame"
    hidden = json_pooler(pooler)
    hidden.raw().query(statement)
    shown = json_pooler(pooler, log_parameter_values=1)
    shown.raw().query(statement)
    (line,) = slow(hidden, word="pg_sleep")
    assert "sesame" not in sql(line) and "4711" not in sql(line)
    (line,) = slow(shown, word="pg_sleep")
    assert "sesame" in sql(line) and "4711" in sql(line)
    assert "sesame" not in hidden.log()


def test_literals_do_not_leak_from_errors(pooler):
    p = json_pooler(pooler, log_min_duration_statement=0)
    client = p.raw()
    client.query("select 'sesame")
    client.query("selec 'sesame'")
    client.query("alter role nobody password 'sesame'")
    client.query("select 'sesame'::int")
    lines = slow(p, 4)
    assert "sesame" not in p.log()
    assert [line["sqlstate"] for line in lines] == ["42601", "42601", "42704", "22P02"]
    assert all(line["errors"] == 1 for line in lines)


def test_long_statement_is_cut(pooler):
    p = json_pooler(pooler, log_min_duration_statement=0, log_statement_max_bytes=200, log_parameter_values=1)
    p.raw().query("select '" + "ä" * 5000 + "'")
    (line,) = slow(p)
    assert line["cut"] is True and len(sql(line).encode()) <= 300
    assert line["in_bytes"] > 10000


def test_extended_batch_shows_its_text(pooler, shape):
    p = json_pooler(pooler, **shape)
    client = p.raw()
    client.send(P("select pg_sleep($1), $2::text as answer") + B("0.2", "sesame") + E() + S)
    client.ready()
    (line,) = slow(p, word="pg_sleep")
    assert line["protocol"] == "extended" and "answer" in sql(line)
    assert "sesame" not in p.log()


def test_execute_shows_what_was_parsed_long_ago(pooler, shape):
    p = json_pooler(pooler, pool_mode="session", **shape)
    client = p.raw()
    client.send(P("select pg_sleep($1) as long_ago", "old") + S)
    client.ready()
    for n in range(20):
        client.query(f"select {n}")
    client.send(B("0.2", name="old") + E() + S)
    client.ready()
    line = slow(p, word="long_ago")[-1]
    assert [s["kind"] for s in line["sql"]] == ["execute"]


def test_name_that_was_given_again(pooler):
    p = json_pooler(pooler, pool_mode="session")
    client = p.raw()
    client.send(P("select 1 as first_text", "n") + S + C("S", "n") + P("select pg_sleep(0.2) as second_text", "n") + S)
    client.ready(2)
    client.send(B(name="n") + E() + S)
    client.ready()
    until(lambda: [s["kind"] for s in slow(p, word="second_text")[-1]["sql"]] == ["execute"])
    assert "first_text" not in sql(slow(p, word="second_text")[-1])


def test_batch_is_one_line_with_all_its_statements(pooler, shape):
    p = json_pooler(pooler, **shape)
    client = p.raw()
    client.send(P("select 1 as a1") + B() + E() + P("select pg_sleep(0.2) as a2") + B() + E()
                + P("select 3 as a3") + B() + E() + S)
    client.ready()
    (line,) = slow(p, word="pg_sleep")
    assert [re.search(r"a\d", s["text"])[0] for s in line["sql"]] == ["a1", "a2", "a3"]
    assert line["statements"] == 3 and line["rows"] == 3


def test_each_sync_is_a_batch(pooler):
    p = json_pooler(pooler)
    client = p.raw()
    step = lambda sql: P(sql) + B() + E() + S  # noqa: E731
    client.send(step("select 1 as b1") + step("select pg_sleep(0.2) as b2") + step("select pg_sleep(0.2) as b3"))
    client.ready(3)
    names = [re.findall(r"b\d", sql(line)) for line in slow(p, 2, "pg_sleep")]
    assert names == [["b2"], ["b3"]]
    assert all(line["total_ms"] >= 100 for line in slow(p))


def test_several_statements_in_a_string(pooler):
    p = json_pooler(pooler)
    p.raw().query("select 1; select pg_sleep(0.2); select 3")
    (line,) = slow(p, word="pg_sleep")
    assert line["statements"] == 3 and line["rows"] == 3


def test_waiting_is_told_apart(pooler):
    p = json_pooler(pooler, pool_size=1)
    holder, client = p.raw(), p.raw()
    holder.query("begin")
    client.send(Q("select 'waited' as waiter"))
    p.wait_waiting(1)
    holder.query("select pg_sleep(0.4)")
    holder.query("commit")
    client.ready()
    (line,) = slow(p, word="waiter")
    assert line["wait_ms"] >= 350
    assert line["server_ms"] + line["wait_ms"] <= line["total_ms"] + 1


def test_wait_that_ended_in_a_refusal(pooler):
    p = json_pooler(pooler, pool_size=1, pool_timeout=1)
    holder, client = p.raw(), p.raw()
    holder.query("begin")
    client.error("select 'refused' as refused")
    (line,) = slow(p, word="refused")
    assert line["sqlstate"] == "53300" and line["server_pid"] == 0 and line["wait_ms"] >= 900
    holder.query("rollback")


def test_slow_client_is_told_apart(pooler):
    p = json_pooler(pooler, workers=1)
    client = p.raw(receive_buffer=8192)
    client.send(Q("select repeat('x', 100000) from generate_series(1, 300)"))
    client.read_until("D")
    other = p.raw()
    other.value("select pg_sleep(0.4)")
    client.ready()
    (line,) = slow(p, word="repeat")
    assert line["client_ms"] >= 300
    assert line["out_bytes"] > 30000000


def test_copy_in_and_out(pooler, cluster, shape):
    cluster.in_app("drop table if exists slowcopy; create table slowcopy(a int); grant all on slowcopy to public")
    p = json_pooler(pooler, log_min_duration_statement=0, **shape)
    client = p.raw()
    client.send(Q("copy slowcopy from stdin"))
    client.read_until("G")
    client.send(d("1\n2\n3\n") + c())
    client.ready()
    client.query("copy slowcopy to stdout")
    lines = slow(p, 2)
    assert [x["flags"] for x in lines] == ["copy_in", "copy_out"]
    assert [x["rows"] for x in lines] == [3, 3]


def test_function_call(pooler):
    p = json_pooler(pooler, log_min_duration_statement=0)
    client = p.raw()
    client.send(F(1610))
    client.ready()
    (line,) = slow(p)
    assert line["protocol"] == "function"


def test_transaction_age(pooler):
    p = json_pooler(pooler)
    client = p.raw()
    client.query("begin")
    client.query("select pg_sleep(0.15)")
    client.query("select pg_sleep(0.15)")
    client.query("commit")
    ages = [x["xact_age_ms"] for x in slow(p, 2, "pg_sleep")]
    assert ages[0] >= 140 and ages[1] >= 290


def test_cancelled_statement(pooler, cluster):
    p = json_pooler(pooler)
    client = p.raw()
    client.send(Q("select pg_sleep(600)"))
    until(lambda: [s for s in cluster.states() if s[1] == "active"])
    cluster.sql("select pg_sleep(0.15)")
    client.cancel()
    client.ready()
    (line,) = slow(p, word="pg_sleep")
    assert line["sqlstate"] == "57014" and "cancelled" in line["flags"]


def test_client_that_left_is_logged(pooler, cluster):
    p = json_pooler(pooler)
    client = p.raw()
    client.send(Q("select pg_sleep(600) as left_alone"))
    until(lambda: [s for s in cluster.states() if s[1] == "active"])
    cluster.sql("select pg_sleep(0.15)")
    client.kill()
    (line,) = slow(p, word="left_alone")
    assert "client_gone" in line["flags"]


def test_server_that_died_is_logged(pooler, cluster):
    p = json_pooler(pooler)
    client = p.raw()
    client.send(Q("select pg_sleep(600)"))
    ((pid, *_),) = until(lambda: [s for s in cluster.states() if s[1] == "active"])
    cluster.sql("select pg_sleep(0.15)")
    cluster.sql("select pg_terminate_backend(%s)", pid)
    client.rest()
    (line,) = slow(p, word="pg_sleep")
    assert line["sqlstate"] == "57P01" or "server_gone" in line["flags"]


TEXT = (r"SLOW [\d.]+ ms  db=app user=app client=127\.0\.0\.1:\d+ app=shop pid=\d+ +waited=[\d.]+ first_byte=[\d.]+ "
        r"server=[\d.]+ client=[\d.]+ ms  rows=1 in=\d+ out=\d+ +select pg_sleep")


def test_text_form(pooler):
    p = pooler(log_format="text", log_min_duration_statement="100ms")
    p.raw(application_name="shop").query("select pg_sleep(0.2)")
    line = p.wait_log(r"^.* SLOW .*$")[0]
    assert re.search(TEXT, line, re.I), line


def test_logfmt_form(pooler):
    p = pooler(log_format="logfmt", log_min_duration_statement="100ms")
    p.raw(application_name="a b\"c=d").query("select 'x y', pg_sleep(0.2)")
    line = p.wait_log(r"^.*event=\"?slow.*$")[0]
    fields = dict(re.findall(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)', line))
    assert {"ts", "db", "user", "client", "app", "server_pid", "protocol", "total_ms", "wait_ms", "first_byte_ms",
            "server_ms", "client_ms", "xact_age_ms", "rows", "in_bytes", "out_bytes", "statements", "errors",
            "sqlstate", "flags", "cut", "sql"} <= set(fields)
    assert float(fields["total_ms"]) >= 200
    assert fields["app"] == r'"a b\"c=d"'


def test_control_characters_cannot_forge_lines(pooler):
    p = pooler(log_format="text", log_min_duration_statement=0, log_parameter_values=1)
    client = p.raw(application_name="x\n2026-01-01 FORGED by name")
    client.query("select 1 as \"\n2026-01-01 FORGED\x1b[31m by text\"")
    p.wait_log("SLOW")
    assert not re.search(r"^2026-01-01 FORGED", p.log(), re.M)
    assert "\x1b" not in p.log()


def test_rate_limit_counts_what_it_leaves_out(pooler):
    p = json_pooler(pooler, log_min_duration_statement=0, log_slow_rate=5)
    client = p.raw()
    for n in range(200):
        client.query("select 1")

    def counted():
        lines = p.slow_lines()
        written = sum(x.get("event") == "slow" for x in lines)
        left = sum(x.get("left_out", 0) + x.get("lost", 0) for x in lines if x.get("event") == "slow_left_out")
        return written + left == 200 and left > 0

    until(counted, "every statement is either logged or counted")


def test_log_that_blocks_stops_nobody(make_pooler, cluster, workdir):
    """The log is a pipe that nobody reads: statements go on being answered."""
    import os
    from cluster import own
    p = make_pooler(cluster, start=False, log_min_duration_statement=0, workers=1)
    fifo = p.directory / "log.fifo"
    os.mkfifo(fifo, 0o666)
    own(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    p.change(logfile=fifo)
    p.start()
    client = p.raw()
    for n in range(3000):
        assert client.value(f"select '{'x' * 300}{n}'").endswith(str(n))
    os.set_blocking(reader, False)
    from waiting import Crew
    crew = Crew()

    def drain():
        while not crew.stop.is_set():
            try:
                os.read(reader, 1 << 16)
            except BlockingIOError:
                crew.stop.wait(0.005)

    crew.start(drain)
    p.stop()
    crew.stop.set()
    os.close(reader)


def test_reload_changes_threshold(pooler):
    p = json_pooler(pooler, log_min_duration_statement=-1)
    client = p.raw()
    client.value("select 'before' as before")
    p.reload(log_min_duration_statement=0)
    until(lambda: client.value("select 'after' as after") and p.slow_lines())
    assert all("before" not in sql(x) for x in slow(p))


def test_server_statements_of_the_pooler_are_not_logged(pooler):
    """SETs of parameters, pings and resets are ours, not the client's."""
    p = json_pooler(pooler, pool_size=1, log_min_duration_statement=0, server_check_delay=0,
                    server_check_query="select 'ping' as ping")
    one, two = p.raw(application_name="one"), p.raw(application_name="two")
    for _ in range(3):
        one.value("select 'mine' as mine")
        two.value("select 'mine' as mine")
    lines = slow(p, 6)
    assert len(lines) == 6 and all("mine" in sql(x) for x in lines)


def test_psycopg_prepared_statements(pooler):
    p = json_pooler(pooler, pool_mode="session")
    conn = p.connect(prepare_threshold=0)
    for _ in range(3):
        conn.execute("select pg_sleep(%s) as from_driver", (0.15,))
    assert len(slow(p, 3, "from_driver")) == 3
