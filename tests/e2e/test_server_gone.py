"""Servers that vanish: who was at work hears the server's last words, the rest notices nothing."""

import itertools
import socket
import threading
import time

import pytest

import fakeserver
import rawwire
from rawwire import Q
from waiting import DEADLINE, Crew, until

LOST = {"57P01", "57P02", "57P03", "08006", "08003", "08P01"}


def last_words(client):
    """The errors in what comes until the connection ends or is ready again."""
    said = []
    try:
        while True:
            said.append(client.read())
            if said[-1].kind == "Z":
                break
    except rawwire.Gone:
        pass
    return [m for m in said if m.kind == "E"]


def active(cluster):
    return lambda: [s[0] for s in cluster.states() if s[1] == "active" and "pg_sleep" in s[3]]


def test_terminated_backend_tells_why(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    client, idle = p.raw(), p.raw()
    idle.value("select 1")
    client.send(Q("select pg_sleep(600)"))
    (pid,) = until(active(cluster))
    cluster.sql("select pg_terminate_backend(%s)", pid)
    errors = last_words(client)
    assert errors[0].sqlstate == "57P01"
    assert "terminating connection due to administrator command" in errors[0].text
    assert idle.value("select 2") == "2", "who was idle notices nothing"


def test_terminated_in_an_idle_transaction(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    client, idle = p.raw(), p.raw()
    client.query("begin")
    (pid,) = cluster.backends()
    cluster.sql("select pg_terminate_backend(%s)", pid)
    errors = last_words(client)
    assert errors and errors[0].sqlstate == "57P01"
    assert idle.value("select 2") == "2"


def test_killed_backend(own_cluster, make_pooler):
    """kill -9: PostgreSQL restarts all its backends; idle clients stay."""
    p = make_pooler(own_cluster, pool_size=2)
    client, idle = p.raw(), p.raw()
    idle.value("select 1")
    client.send(Q("select pg_sleep(600)"))
    (pid,) = until(active(own_cluster))
    assert own_cluster.kill_backend(pid)
    errors = last_words(client)
    assert errors and errors[0].sqlstate in LOST
    own_cluster.wait_recovered()
    until(lambda: answers(idle), "service is back for the client that was idle")


def answers(client):
    """Does this client get an answer by now? It must not be thrown out."""
    said = client.query("select 'back'")
    return [m.row() for m in said if m.kind == "D"] == [["back"]]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_idle_clients_survive_a_restart(own_cluster, make_pooler, mode):
    p = make_pooler(own_cluster, pool_size=2, server_login_retry="0.2")
    clients = [p.raw() for _ in range(10)]
    for client in clients:
        client.value("select 1")
    own_cluster.restart(mode)
    for client in clients:
        until(lambda c=client: answers(c), "every idle client is served again")


def test_client_waits_while_the_server_is_away(own_cluster, make_pooler):
    """The error says that the server is down; the connection lives on and works when it is back."""
    p = make_pooler(own_cluster, pool_size=1, server_login_retry="0.2")
    client = p.raw()
    client.value("select 1")
    own_cluster.stop()
    until(lambda: not p.show("servers"), "the pooler has noticed")
    errors = last_words_alive(client)
    assert errors and errors[0].sqlstate in LOST | {"08001", "08004"}
    own_cluster.start()
    until(lambda: answers(client), "it works again")


def last_words_alive(client):
    client.send(Q("select 1"))
    return [m for m in client.ready() if m.kind == "E"]


def test_server_down_at_start(own_cluster, make_pooler):
    own_cluster.stop()
    p = make_pooler(own_cluster, pool_size=1, server_login_retry="0.2")
    client = p.open()
    try:
        error = client.login("app", "app").error("select 1")
    except rawwire.Refused as refused:
        error = refused.error
    assert error.sqlstate in LOST | {"08001", "08004"}
    own_cluster.start()

    def works():
        try:
            return p.open().login("app", "app").query("select 1")[-1].kind == "Z"
        except (rawwire.Refused, rawwire.Gone):
            return False

    until(works, "service is back with the server")


@pytest.mark.timeout(150)
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restart_under_load_loses_nothing_that_was_acknowledged(own_cluster, make_pooler, mode):
    """Every client counts the commits it was told of; all of them are in the table afterwards."""
    own_cluster.in_app("create table acked(who int, n int, primary key (who, n)); grant all on acked to public")
    p = make_pooler(own_cluster, pool_size=3, workers=3, server_login_retry="0.1")
    crew = Crew()
    acked = [set() for _ in range(8)]
    total = lambda: sum(map(len, acked))  # noqa: E731

    def writer(who):
        client, n = None, 0
        while not crew.stop.is_set():
            n += 1
            try:
                client = client or p.raw()
                said = client.query(f"begin; insert into acked values ({who}, {n}); select '{who}:{n}'; commit")
                errors = [m for m in said if m.kind == "E"]
                if errors:
                    assert errors[0].sqlstate[:2] in ("57", "08", "53", "25"), errors
                    if said[-1].status() != "I":
                        client.query("rollback")
                else:
                    assert [m.row()[0] for m in said if m.kind == "D"] == [f"{who}:{n}"]
                    acked[who].add(n)
            except (rawwire.Gone, rawwire.Refused, OSError):
                if client:
                    client.drop()
                client = None

    with crew:
        for who in range(8):
            crew.start(writer, who)
        for _ in range(2):
            before = total()
            until(lambda: total() > before + 300, "commits come in")
            own_cluster.restart(mode)
        before = total()
        until(lambda: total() > before + 300, "service is back within seconds")
    rows = own_cluster.in_app("select who, n from acked")
    for who in range(8):
        there = {n for w, n in rows if w == who}
        assert acked[who] <= there, f"lost: {sorted(acked[who] - there)[:10]}"
    until(lambda: len(own_cluster.backends()) <= 3, "there are no more servers than that")


def test_network_that_breaks(pooler, cluster, fault_proxy, shape):
    """A reset between pooler and server, in the middle of an answer."""
    proxy = fault_proxy(cluster.port)
    p = pooler(pool_size=1, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"}, **shape)
    client, idle = p.raw(), p.raw()
    idle.value("select 1")
    client.send(Q("select 1; select pg_sleep(600)"))
    until(active(cluster))
    proxy.cut()
    errors = last_words(client)
    assert errors and errors[0].sqlstate in LOST
    until(lambda: answers(idle))
    cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where query like '%%pg_sleep(600)' "
                "and pid <> pg_backend_pid()")


def test_network_that_breaks_in_a_message(pooler, cluster, fault_proxy):
    """A row is cut in its middle: nothing may be put behind the half of it but the end."""
    proxy = fault_proxy(cluster.port)
    p = pooler(pool_size=1, databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    client = p.raw(receive_buffer=8192)
    client.send(Q("select repeat('x', 50000000)"))
    client.read_until("T")
    proxy.cut()
    with pytest.raises(rawwire.Gone):
        while True:
            got = client.read()
            assert got.kind != "D", "half a row is no row"
    assert p.raw().value("select 1") == "1"


@pytest.mark.pgweir
def test_a_server_that_does_not_answer_logins_keeps_no_others_waiting(make_pooler, cluster):
    """More logins to it are under way than there are threads for logins; another database's go on meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        p = make_pooler(cluster, databases={"silent": f"host=127.0.0.1 port={port}",
                                            "app": f"host=127.0.0.1 port={cluster.port}"},
                        pool_size=20, connectors=2, server_connect_timeout=60, client_login_timeout=15, workers=1)
        waiting = [p.open() for _ in range(8)]
        for client in waiting:
            client.send(rawwire.startup("app", "silent"))
        until(lambda: int(p.pool("silent")["sv_login"]) == 8, "eight logins are under way")
        assert p.raw().value("select 1") == "1"


def test_server_that_falls_silent(pooler, cluster, fault_proxy):
    """Packets vanish without a word: query_timeout ends the wait, and the connection is not used again."""
    proxy = fault_proxy(cluster.port)
    p = pooler(pool_size=1, query_timeout=3, client_gone_timeout=1, cancel_wait_timeout=1,
               databases={"app": f"host=127.0.0.1 port={proxy.port} dbname=app"})
    client, next_one = p.raw(), p.raw()
    client.value("select 1")
    proxy.hold_down.set()
    client.send(Q("select 2"))
    errors = [m for m in client.rest() if m.kind == "E"]
    assert errors and errors[-1].severity == "FATAL"
    until(lambda: not p.show("servers"), "the silent server is given up")
    proxy.hold_down.clear()
    proxy.cut()
    until(lambda: answers(next_one))


# What a client sends, and what of ours the server then does not answer: pool_mode auto asks for itself.
OURS = {
    "what it has left": ("do $$begin end$$", lambda sql: "pg_locks" in sql, {},
                         {"auto_probe": "always", "query_timeout": 2}),
    "what it has left, kept": ("do $$begin end$$", lambda sql: "pg_locks" in sql, {"options": "-c pgweir.keep=on"},
                               {"auto_probe": "always", "keep_timeout": 2}),
    "which names hide code": ("select 1", lambda sql: "RECURSIVE" in sql, {},
                              {"auto_probe": "suspicious", "query_timeout": 2}),
    "what it has reset": ("reset work_mem", lambda sql: "1MB" in sql, {"options": "-c work_mem=1MB"},
                          {"auto_probe": "never", "query_timeout": 2}),
}


@pytest.mark.pgweir
@pytest.mark.parametrize("what", OURS)
def test_server_that_falls_silent_amid_what_is_ours(make_pooler, fake_server, what):
    """A timeout ends the wait for that too, whether the client waits or has its answer already."""
    sends, is_ours, params, settings = OURS[what]
    is_in, asked = threading.Event(), threading.Event()

    def reply(sql):
        if asked.is_set():
            return b""
        return fakeserver.complete("RESET") + fakeserver.ready() if sql == "reset work_mem" else fakeserver.answer("x")

    def script(session):
        if not session.login():
            return
        while (got := session.read()).kind != "X":
            sql = got.body[:-1].decode()
            if is_in.is_set() and is_ours(sql):
                asked.set()
            session.send(reply(sql))

    server = fake_server(script)
    p = make_pooler(None, pool_size=1, pool_mode="auto", client_gone_timeout=1, cancel_wait_timeout=1,
                    databases={"app": f"host=127.0.0.1 port={server.port} dbname=app"}, **settings)
    client = p.raw(**params)
    is_in.set()
    client.send(Q(sends))
    assert asked.wait(DEADLINE)
    errors = [m for m in client.rest() if m.kind == "E"]
    assert errors[-1].severity == "FATAL" and any(name in errors[-1].text for name in settings)
    until(lambda: not p.show("servers"), "the silent server is given up")


# What the client came with, what of ours the server answers by its end, and whether the client is told.
ENDS_AMID = {
    "its parameters at its login": ({"options": "-c search_path=s1"}, "search_path", {}, False),
    "parameters that decide what it says": ({"options": "-c search_path=s1"}, "search_path", {}, False),
    "parameters": ({"TimeZone": "Asia/Tokyo"}, "Tokyo", {}, True),
    "which names hide code": ({"options": "-c search_path=s1"}, "RECURSIVE", {"auto_probe": "suspicious"}, False),
    "what it has left": ({}, "pg_locks", {"auto_probe": "always"}, True),
}


@pytest.mark.pgweir
@pytest.mark.parametrize("what", ENDS_AMID)
def test_server_that_ends_amid_what_is_ours(make_pooler, fake_server, what):
    """Its client hears of that what one hears who idles; nothing where it had nothing there."""
    params, ours, settings, is_told = ENDS_AMID[what]
    may_end, ended = threading.Event(), threading.Event()

    def reply(session, sql):
        if "pg_locks" in sql:
            return fakeserver.row_description("kind", "name", "value") + fakeserver.complete("SELECT 0") + fakeserver.ready()
        reports = fakeserver.parameter("TimeZone", "Asia/Tokyo" if "Tokyo" in sql else "UTC") * ("TimeZone" in sql)
        return reports + fakeserver.answer(f"of {session.number}")

    def script(session):
        if not session.login():
            return
        while (got := session.read()).kind != "X":
            sql = got.body[:-1].decode()
            if ours in sql and may_end.is_set() and not ended.is_set():
                ended.set()
                session.send(fakeserver.error("57P01", "terminating connection", severity="FATAL"))
                return
            session.send(reply(session, sql))

    server = fake_server(script)
    settings = {"auto_probe": "never", **settings}
    p = make_pooler(None, pool_size=1, pool_mode="auto", workers=1,
                    databases={"app": f"host=127.0.0.1 port={server.port} dbname=app"}, **settings)
    first, is_login = p.raw(application_name="first"), what == "its parameters at its login"
    if is_login:
        may_end.set()
    client = p.raw(**params)
    if settings["auto_probe"] == "never" and not is_login:
        assert first.value("select 1") == "of 0"
    may_end.set()
    client.send(Q("select 2"))
    told = client.rest() if is_told else client.ready()
    assert ended.is_set()
    assert [(m.severity, m.sqlstate) for m in told if m.kind == "E"] == [("FATAL", "57P01")] * is_told
    assert [m.row() for m in told if m.kind == "D"] == ([["of 0"]] if what == "what it has left" else [["of 1"]] * (not is_told))
    assert first.value("select 3") == "of 1"


def test_server_that_speaks_nonsense_is_closed(make_pooler, fake_server):
    """An idle server that sends a row has lost its step: nobody may get it."""
    idle = threading.Event()

    def script(session):
        if session.login():
            session.read_until("Q")
            session.send(fakeserver.answer("fine"))
            if session.number == 0:
                assert idle.wait(60)
                session.send(fakeserver.data_row("for nobody"))
            session.serve(lambda sql: fakeserver.answer("fine"))

    server = fake_server(script)
    p = make_pooler(None, pool_size=1, databases={"app": f"host=127.0.0.1 port={server.port} dbname=app"})
    client = p.raw()
    assert client.value("select 1") == "fine"
    until(lambda: [row["state"] for row in p.show("servers")] == ["idle"])
    idle.set()
    until(lambda: not p.show("servers"), "the server is given up")
    assert client.value("select 2") == "fine"
    assert len(server.sessions) == 2


NONSENSE = [
    b"E\0\0\0\5\0", b"E\0\0\0\4", b"E" + (2**31 - 1).to_bytes(4, "big") + b"SERROR\0",
    b"T\0\0\0\4", b"D\0\0\0\3", b"Z\0\0\0\4", b"Z\0\0\0\5Q", b"Z\0\0\0\6II", b"\0\0\0\0\0", b"\xff" * 100,
    b"D\xff\xff\xff\xff", b"S\0\0\0\4", b"S\0\0\0\x08abcd", b"C\0\0\0\4", b"A\0\0\0\4", b"N\0\0\0\5\0", b"1\0\0\0\4",
    b"G\0\0\0\4", b"W\0\0\0\7\0\0\0", b"K\0\0\0\x0c" + bytes(8), b"R\0\0\0\x08\0\0\0\5", b"v\0\0\0\4",
]


def test_hostile_answers_harm_only_their_client(make_pooler, fake_server, cluster):
    def answers_with(words):
        def script(session):
            if session.login():
                session.read_until("Q")
                session.send(words)
                session.sock.shutdown(1)
                session.read()

        return script

    databases = {f"evil{n}": f"host=127.0.0.1 port={fake_server(answers_with(words)).port} dbname=app"
                 for n, words in enumerate(NONSENSE)}
    databases["app"] = f"host=127.0.0.1 port={cluster.port} dbname=app"
    p = make_pooler(cluster, pool_size=1, databases=databases)
    bystander = p.raw()
    for n in range(len(NONSENSE)):
        client = p.raw("app", f"evil{n}")
        client.send(Q("select 1"))
        try:
            client.read_until("Z")
        except rawwire.Gone:
            pass
        client.drop()
        assert bystander.value("select 1") == "1", NONSENSE[n]


def error_without_code(session):
    session.send(fakeserver.error(None, "no code"))


def error_without_fields(session):
    session.send(rawwire.message("E", b"\0"))


def endless_authentication(session):
    session.send(b"R\0\0\0\x08\0\0\0\x63")


def huge_nonce(session):
    session.send(rawwire.message("R", (10).to_bytes(4, "big") + b"SCRAM-SHA-256\0\0"))
    session.read()
    session.send(rawwire.message("R", (11).to_bytes(4, "big") + b"r=" + b"A" * 100000 + b",s=QUJD,i=4096"))
    session.read()


def row_out_of_nowhere(session):
    """With a value of two gigabytes, of which nothing comes: libpq's trace of messages would go and look for it."""
    session.send(fakeserver.authentication_ok(), rawwire.message("D", b"\0\1\x7f\xff\xff\xff"), fakeserver.key_data(),
                 fakeserver.ready())
    session.read()


def parameters_without_end(session):
    session.send(fakeserver.authentication_ok())
    for n in itertools.count():
        session.send(fakeserver.parameter(f"p{min(n, 200)}", "x" * 100))


def notices_without_end(session):
    """After a good login: connect_query is what is answered."""
    session.send(fakeserver.authentication_ok(), fakeserver.key_data(), fakeserver.ready())
    session.read_until("Q")
    while True:
        session.send(100 * rawwire.message("N", b"SNOTICE\0MX\0\0"))


def huge_message(session):
    session.send(b"S\x7f\xff\xff\xff" + b"a" * 1000)
    session.read()


def nothing(session):
    session.read()


def hang_up(session):
    session.sock.close()


@pytest.mark.parametrize("act", [error_without_code, error_without_fields, endless_authentication, huge_nonce,
                                 row_out_of_nowhere, parameters_without_end, notices_without_end, huge_message,
                                 nothing, hang_up], ids=lambda f: f.__name__)
def test_hostile_logins_end_in_an_error(make_pooler, fake_server, cluster, act):
    def script(session):
        if session.read_startup() is not None:
            act(session)

    server = fake_server(script)
    p = make_pooler(cluster, pool_size=1, userlist={"app": "pw"},
                    databases={"evil": f"host=127.0.0.1 port={server.port} dbname=app server_connect_timeout=1 "
                                       "connect_query='select 1'",
                               "app": f"host=127.0.0.1 port={cluster.port} dbname=app"})
    bystander = p.raw()
    client = p.open()
    try:
        error = client.login("app", "evil").error("select 1")
    except rawwire.Refused as refused:
        error = refused.error
    assert error.sqlstate and error.text
    assert bystander.value("select 1") == "1"


# ---- logins that fail -------------------------------------------------------------------------------


@pytest.mark.parametrize("database,sqlstate,words", [
    ("badpw", "28P01", "password authentication failed for user"),
    ("nodb", "3D000", 'database "nothere" does not exist'),
    ("reject", "28000", "pg_hba.conf rejects"),
])
def test_servers_own_words_about_a_failed_login(pooler, database, sqlstate, words):
    p = pooler(databases={
        "badpw": lambda p: p.db("app", user="u_scram", password="wrong"),
        "nodb": lambda p: p.db("nothere"),
        "reject": lambda p: p.db("app", user="u_reject"),
        "app": lambda p: p.db("app"),
    })
    client = p.open()
    try:
        error = client.login("app", database).error("select 1")
    except rawwire.Refused as refused:
        error = refused.error
    assert error.sqlstate == sqlstate
    assert words in error.text
    assert p.raw().value("select 1") == "1"


def test_failing_logins_are_no_storm(own_cluster, make_pooler):
    """Fifty clients want a server that does not let us in: it is asked a few times, not fifty."""
    p = make_pooler(own_cluster, pool_size=20, server_login_retry=60, max_client_conn=100, databases={
        "badpw": lambda p: p.db("app", user="u_scram", password="wrong")})
    own_cluster.log_mark()

    def one():
        client = p.open()
        try:
            return client.login("app", "badpw").error("select 1")
        except rawwire.Refused as refused:
            return refused.error

    from waiting import all_at_once
    for _ in range(2):
        errors = all_at_once([one] * 25)
        assert {e.sqlstate for e in errors} == {"28P01"}
    asked = own_cluster.log_since().count('password authentication failed for user "u_scram"')
    assert 1 <= asked <= 8, f"the server was asked {asked} times"


RETRY = 0.4
BURST = 10


@pytest.mark.pgweir
@pytest.mark.parametrize("lets_in", [0, 1], ids=["none", "one"])
def test_login_attempts_keep_their_pace(make_pooler, fake_server, lets_in):
    """
    A server that lets nobody in, or only one: however many want one in every worker, and whatever is
    reloaded meanwhile, after the first burst there is one attempt in server_login_retry.
    """
    let_in = [0] if lets_in else []

    def script(session):
        if session.number in let_in:
            if session.login():
                session.serve(lambda sql: fakeserver.answer("1", "T" if sql == "begin" else "I"))
        elif session.read_startup() is not None:
            session.send(fakeserver.error("57P03", "the database system is starting up", "FATAL"))

    server = fake_server(script)
    p = make_pooler(None, workers=3, pool_size=BURST, min_pool_size=3 * lets_in, server_login_retry=RETRY,
                    pool_timeout="0.5", max_client_conn=500, log_connections=0, log_disconnections=0,
                    log_pooler_errors=0, databases={"app": f"host=127.0.0.1 port={server.port} sslmode=disable"})

    def holds_a_server():
        try:
            return p.raw().query("begin")[-1].body == b"T"
        except rawwire.Refused:  # with those that are sent away beside it: the next, then
            let_in[:] = [len(server.sessions)]
            return False

    if lets_in:
        until(holds_a_server, every=RETRY)
        server.wait_sessions(2)
    began, before = time.monotonic(), len(server.sessions)

    def want(crew):
        while not crew.stop.is_set():
            client = p.open()
            p.clients.remove(client)
            try:
                client.login("app", "app").error("select 1")
            except (rawwire.Refused, rawwire.Gone, OSError):
                pass
            finally:
                client.drop()

    def reload(crew):
        for n in range(1000):
            if crew.stop.wait(0.05):
                return
            p.reload(query_timeout=100 + n)

    with Crew() as crew:
        for _ in range(24):
            crew.start(want, crew)
        crew.start(reload, crew)
        until(lambda: len(server.sessions) >= before + BURST + 8, "it is tried again and again", 60)
        made, took = len(server.sessions) - before, time.monotonic() - began
        crew.stop.set()
    assert made <= BURST + took / RETRY + 2, f"{made} attempts in {took:.1f} s"


def test_login_works_again_after_the_back_off(own_cluster, make_pooler):
    p = make_pooler(own_cluster, pool_size=2, server_login_retry="0.2", databases={
        "app": lambda p: p.db("app", user="late")})

    def one():
        client = p.open()
        try:
            said = client.login("app", "app").query("select current_user")
            return [m.row()[0] for m in said if m.kind == "D"]
        except rawwire.Refused:
            return []

    assert one() == []
    own_cluster.sql("create role late login")
    assert until(one) == ["late"]


def test_server_connect_timeout(make_pooler, fake_server):
    server = fake_server(lambda session: session.read_startup() and session.read())
    p = make_pooler(None, server_connect_timeout="0.5",
                    databases={"app": f"host=127.0.0.1 port={server.port} dbname=app"})
    client = p.open()
    try:
        error = client.login("app", "app").error("select 1")
    except rawwire.Refused as refused:
        error = refused.error
    assert error.sqlstate[:2] == "08"


def test_slow_login_stops_nobody_else(pooler, fake_server, cluster):
    """One server that never answers a login: the others are served meanwhile."""
    server = fake_server(lambda session: session.read_startup() and session.read())
    p = pooler(workers=1, connectors=2, server_connect_timeout=3, databases={
        "stuck": f"host=127.0.0.1 port={server.port} dbname=app", "app": lambda p: p.db("app")})
    stuck = p.open()
    stuck.send(rawwire.startup("app", "stuck"), Q("select 1"))
    server.wait_sessions(1)
    client = p.raw()
    for n in range(100):
        assert client.value(f"select {n}") == str(n)


def test_a_timeout_that_another_client_has_left(make_pooler, fake_server, cluster):
    """It meets the commands by which pgweir takes it back: who comes next does not hear of that."""
    cut = []

    def script(session):
        if not session.login():
            return

        def reply(sql):
            if "set statement_timeout = 20" in sql:
                return fakeserver.complete("SET") + fakeserver.ready()
            if "current_setting" in sql:  # what it is now
                return (fakeserver.row_description("kind", "name", "value") + fakeserver.data_row("v", "statement_timeout", "20ms")
                        + fakeserver.complete("SELECT 1") + fakeserver.ready())
            if "statement_timeout" in sql:
                cut.append(session.number)
                return fakeserver.error("57014", "canceling statement due to statement timeout") + fakeserver.ready()
            return fakeserver.answer(f"of {session.number}")

        session.serve(reply)

    server = fake_server(script)
    p = make_pooler(cluster, pool_size=1, pool_mode="auto", auto_probe="never", workers=1,
                    databases={"app": f"host=127.0.0.1 port={server.port} dbname=app"})
    first = p.raw()
    first.query("set statement_timeout = 20")
    assert p.raw().value("select 'next'").startswith("of ")
    assert len(cut) == 1
