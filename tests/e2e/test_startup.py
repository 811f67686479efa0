"""Startup packets: what may be in them, what may not, and parameters that follow their client."""

import re
import struct

import pytest

import fakeserver
import rawwire
from rawwire import Q, Refused, cstr, message, untyped


# ---- each client's own settings on shared servers ---------------------------------------------------

OWN = [
    ("application_name", "one", "two"),
    ("client_encoding", "UTF8", "LATIN1"),
    ("DateStyle", "ISO, DMY", "German, DMY"),
    ("TimeZone", "Europe/Paris", "Asia/Tokyo"),
]


@pytest.mark.parametrize("name,first,second", OWN)
def test_parameter_follows_its_client(pooler, shape, name, first, second):
    p = pooler(pool_size=1, **shape)
    clients = [(p.raw(**{name: value}), value) for value in (first, second, first)]
    for client, value in clients:
        assert client.params[name] == value
    for _ in range(3):
        for client, value in clients:
            assert client.value(f"show {name}") == value
            assert client.params[name] == value


SPELLINGS = [
    {"DateStyle": "German"}, {"DateStyle": "iso,dmy"}, {"DateStyle": "European, SQL"}, {"datestyle": "iso, mdy"},
    {"TimeZone": "utc"}, {"TimeZone": "asia/tokyo"}, {"timezone": "+3"}, {"TimeZone": "est5edt"},
    {"client_encoding": "utf-8"}, {"client_encoding": "Unicode"}, {"client_encoding": "iso88591"}, {"client_encoding": "windows-1252"},
    {"IntervalStyle": "ISO_8601"}, {"standard_conforming_strings": "no"}, {"default_transaction_read_only": "1"},
    {"application_name": "a\\u00e4\\tb"}, {"options": "-c datestyle=sql,ymd -c intervalstyle=SQL_Standard"},
]


@pytest.mark.pgweir
@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda s: " ".join(s.values()))
def test_values_are_told_as_the_server_spells_them(pooler, cluster, spelling):
    """Whoever has put the server at them, and however."""

    def told(spelling):
        with rawwire.Client(("127.0.0.1", cluster.port)).login("app", "app", **spelling) as direct:
            return direct.params

    wanted = told(spelling)
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    with p.raw() as plain:
        usual = plain.params
    spelt = {name: value for name, value in wanted.items() if value != usual[name]}
    with p.raw(**spelt) as other:  # the server is at them without a word of this client's
        other.query("select 1")
        with p.raw(**spelling) as client:
            assert client.params == wanted
            client.query("select 1")
            assert client.params == wanted
    aloud = {name: value.upper() for name, value in spelling.items() if name != "options"}
    with p.raw() as other:
        for name, value in spelt.items():
            other.query(f"set {name} = '{value}'")
        other.query("do $$ begin end $$")  # who is next finds all settings reset
        with p.raw(**aloud) as client:
            assert client.params == told(aloud)
    with p.raw() as other, p.raw(**spelling) as client:
        for _ in range(2):
            other.query("select 1")
            client.query("select 1")
            assert client.params == wanted


OPTIONS = [
    ("-c search_path=pg_catalog,public", "search_path"),
    ("-csearch_path=information_schema", "search_path"),
    ("--work-mem=7MB", "work_mem"),
    ("-c work_mem=5MB -c statement_timeout=12345", "statement_timeout"),
    (r'-c search_path="a\ b","c\\d"', "search_path"),
    ("-c TimeZone=Asia/Tokyo", "TimeZone"),
]


@pytest.mark.pgweir
def test_options_follow_their_client(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    plain = p.raw()
    for options, name in OPTIONS:
        with rawwire.Client(("127.0.0.1", cluster.port)).login("app", "app", options=options) as direct:
            value = direct.value(f"show {name}")
        usual = plain.value(f"show {name}")
        special = p.raw(options=options)
        assert value != usual
        for _ in range(3):
            assert special.value(f"show {name}") == value, options
            assert plain.value(f"show {name}") == usual, options


@pytest.mark.pgweir
def test_any_setting_may_be_in_the_startup_packet(pooler):
    """JDBC sends extra_float_digits; others send search_path or statement_timeout."""
    p = pooler(pool_size=1)
    plain = p.raw()
    special = p.raw(extra_float_digits="2", statement_timeout="54321")
    for _ in range(2):
        assert special.value("show extra_float_digits") == "2"
        assert special.value("show statement_timeout") == "54321ms"
        assert plain.value("show extra_float_digits") == "1"
        assert plain.value("show statement_timeout") == "0"


def test_ignored_parameter_has_no_effect(pooler):
    p = pooler(ignore_startup_parameters="extra_float_digits, options")
    client = p.raw(extra_float_digits="0", options="-c work_mem=5MB")
    assert client.value("show extra_float_digits") == "1"
    assert client.value("show work_mem") == "4MB"


@pytest.mark.pgweir
@pytest.mark.parametrize("params,sqlstate", [
    ({"options": "-c no_such_setting=1"}, "42704"),
    ({"no_such_setting": "1"}, "42704"),
    ({"options": "-c work_mem=lots"}, "22023"),
    ({"client_encoding": "nonsense"}, "22023"),
    ({"TimeZone": "Moon/Crater"}, "22023"),
    ({"options": "-c shared_buffers=1GB"}, "55P02"),
], ids=str)
def test_servers_refusal_of_a_parameter_reaches_the_client(pooler, params, sqlstate):
    """In the server's own words, at login or with the first query; never silently dropped."""
    p = pooler(pool_size=1)
    other = p.raw()
    client = p.open()
    try:
        client.login("app", "app", **params)
    except Refused as refused:
        error = refused.error
    else:
        error = client.error("select 1")
    assert error.sqlstate in (sqlstate, "22023")
    assert re.search("unrecognized|invalid value|cannot be changed", error.text)
    assert other.value("select 1") == "1", "nobody else suffers"


@pytest.mark.pgweir
def test_refused_parameters_cost_no_server(pooler):
    """Whoever is started again and again with a setting that is wrong makes the others log in to no new server."""
    p = pooler(pool_size=1, max_overflow=0)
    other = p.raw()
    pid = other.value("select pg_backend_pid()")
    for _ in range(3):
        with pytest.raises(Refused):
            p.raw(options="-c work_mem=lots")
        assert other.value("select pg_backend_pid()") == pid
    assert other.value("show work_mem") == p.raw().value("show work_mem")


@pytest.mark.pgweir
def test_servers_hint_comes_with_its_refusal(pooler, cluster):
    p = pooler(pool_size=1)
    said = []
    for address in (p.address, ("127.0.0.1", cluster.port)):
        with rawwire.Client(address) as client, pytest.raises(Refused) as refused:
            client.login("app", "app", options="-c client_min_messages=loud")
        said.append({name: refused.value.error.fields().get(name) for name in "SVCMDH"})
    assert said[0]["H"].startswith("Available values:")
    assert said[0] == said[1]


@pytest.mark.parametrize("value", ["it's", 'quo"te', "back\\slash", "a'; drop table x; --", "$1", "", " ", "per%cent"])
def test_parameter_values_are_taken_literally(pooler, value):
    p = pooler(pool_size=1)
    other = p.raw(application_name="other")
    client = p.raw(application_name=value)
    for _ in range(2):
        assert client.value("show application_name") == value
        assert other.value("show application_name") == "other"


def test_set_of_a_reported_parameter_follows_its_client(pooler, shape):
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(application_name="start"), p.raw(application_name="start")
    one.query("set application_name = 'changed'")
    one.query("set datestyle = 'SQL, DMY'")
    two.query("set timezone = 'Asia/Tokyo'")
    for _ in range(3):
        assert one.value("show application_name") == "changed"
        assert one.value("show datestyle") == "SQL, DMY"
        assert one.value("show timezone") == "UTC"
        assert two.value("show application_name") == "start"
        assert two.value("show datestyle") == "ISO, MDY"
        assert two.value("show timezone") == "Asia/Tokyo"


def test_set_that_was_rolled_back_does_not_follow(pooler, shape):
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(application_name="one"), p.raw(application_name="two")
    one.query("begin")
    one.query("set application_name = 'never'")
    one.query("rollback")
    assert two.value("show application_name") == "two"
    assert one.value("show application_name") == "one"


def test_settings_come_before_an_extended_batch_too(pooler, shape):
    p = pooler(pool_size=1, **shape)
    one, two = p.raw(TimeZone="Asia/Tokyo"), p.raw(TimeZone="Europe/Paris")
    batch = rawwire.P("select current_setting('timezone')") + rawwire.B() + rawwire.E() + rawwire.S
    for _ in range(3):
        for client, zone in ((one, "Asia/Tokyo"), (two, "Europe/Paris")):
            client.send(batch)
            said = client.ready()
            assert [m.kind for m in said if m.kind not in "SN"] == list("12DCZ")
            assert [m.row() for m in said if m.kind == "D"] == [[zone]]


def test_client_encoding_is_honoured(pooler):
    p = pooler(pool_size=1)
    latin, utf8 = p.raw(client_encoding="LATIN1"), p.raw(client_encoding="UTF8")
    for _ in range(2):
        assert [m for m in latin.query("select chr(228)") if m.kind == "D"][0].body[-1:] == b"\xe4"
        assert [m for m in utf8.query("select chr(228)") if m.kind == "D"][0].body[-2:] == b"\xc3\xa4"


# Encodings of clients in which a byte that looks like a backslash may be the second half of a character, each
# with a text in UTF8 whose last byte is the first half of one there.
PAIRED = [("SJIS", "\u0101"), ("SHIFT_JIS_2004", "\u0101"), ("BIG5", "\u8868"), ("GBK", "\u8868"), ("GB18030", "\u8868")]


@pytest.mark.pgweir
@pytest.mark.parametrize("encoding,text", PAIRED)
def test_value_cannot_end_its_literal_in_the_servers_encoding(pooler, encoding, text):
    """What one client asks for is never read as a command, whatever encoding the one before has left."""
    p = pooler(pool_size=1)
    value = text + "\\';set app.taken to yes;--"
    plain, other = p.raw(client_encoding="UTF8"), p.raw(client_encoding=encoding)
    for mine in ("UTF8", encoding):
        assert other.value("select 1") == "1", "the server reads that encoding now"
        client = p.raw(**{"client_encoding": mine, "app.text": value})
        for _ in range(2):
            assert client.value("select encode(convert_to(current_setting('app.text'), 'UTF8'), 'hex')") \
                == value.encode().hex()
            for each in (client, plain, other):
                assert each.value("select current_setting('app.taken', true)") in (None, "")
            assert plain.value("select current_setting('app.text', true)") in (None, "")


@pytest.mark.pgweir
@pytest.mark.parametrize("encoding,half", [("SJIS", b"\x95"), ("BIG5", b"\xa4"), ("GBK", b"\x95")])
def test_value_that_is_no_text_of_the_database_is_refused(pooler, encoding, half):
    """PostgreSQL takes the bytes of a start-up packet as they are: in the database's encoding."""
    p = pooler(pool_size=1)
    plain, other = p.raw(client_encoding="UTF8"), p.raw(client_encoding=encoding)
    assert other.value("select 1") == "1"
    with pytest.raises(Refused) as refused:
        p.raw(**{"client_encoding": encoding, "app.text": half + b"\\';set app.taken to yes;--"})
    assert refused.value.error.sqlstate == "22021"
    for each in (plain, other, plain):
        assert each.value("select current_setting('app.taken', true)") in (None, "")


@pytest.mark.pgweir
@pytest.mark.parametrize("name", [b"Caf\xe9", b"Caf\xc3\xa9", b"\x95\\';set app.taken to yes;--"])
def test_application_name_of_any_bytes_is_shown_as_postgresql_shows_it(pooler, cluster, name):
    p = pooler(pool_size=1)
    other = p.raw(client_encoding="SJIS")
    with rawwire.Client(("127.0.0.1", cluster.port)).login("app", "app", application_name=name) as direct:
        shown = direct.value("show application_name")
    client = p.raw(client_encoding="SJIS", application_name=name)
    for _ in range(2):
        assert other.value("select current_setting('app.taken', true)") in (None, "")
        assert client.value("show application_name") == shown
        assert client.params["application_name"] == shown


@pytest.mark.pgweir
def test_reported_value_is_said_again_in_the_encoding_it_came_in(pooler):
    """A zone with letters beyond ASCII, as PostgreSQL reported it to a client of another encoding."""
    p = pooler(pool_size=1)
    one, two = p.raw(client_encoding="LATIN1"), p.raw(client_encoding="UTF8")
    one.send(Q("set timezone = '<\u00c9T\u00c9>-2'".encode("latin-1")))
    one.ready()
    hexed = "select encode(convert_to(current_setting('timezone'), 'UTF8'), 'hex')"
    wanted = one.value(hexed)
    assert bytes.fromhex(wanted).decode() == "<\u00c9T\u00c9>-2"
    for _ in range(3):
        assert two.value("show timezone") == "UTC"
        assert one.value(hexed) == wanted


@pytest.mark.pgweir
def test_options_give_way_to_parameters_of_their_own(pooler, cluster):
    """PostgreSQL applies `options` first, wherever it stands in the packet."""
    p = pooler(pool_size=1)
    for params in ({"options": "-c work_mem=5MB", "work_mem": "6MB"},
                   {"work_mem": "6MB", "options": "-c work_mem=5MB"}):
        with rawwire.Client(("127.0.0.1", cluster.port)).login("app", "app", **params) as direct:
            assert direct.value("show work_mem") == "6MB"
        assert p.raw(**params).value("show work_mem") == "6MB"


def test_settings_cost_no_round_trip(make_pooler, fake_server):
    """Once they have been proven at login, settings and query come together: the server answers neither alone."""
    alone = []
    in_step = []

    def answer_to(m, session):
        if m.kind == "Q" and b"select" in m.body and b"set_config" not in m.body:
            return fakeserver.answer("mine")
        name = "second" if b"second" in m.body else "first"
        status = fakeserver.parameter("application_name", name) if b"application_name" in m.body else b""
        session.status = getattr(session, "status", b"") + status
        if m.kind == "Q":
            out, session.status = session.status + fakeserver.complete("SET") + fakeserver.ready(), b""
            return out
        if m.kind == "E":
            out, session.status = session.status + fakeserver.data_row("x") + fakeserver.complete("SELECT 1"), b""
            return out
        return {"P": message("1"), "B": message("2"), "C": message("3"), "D": message("n"), "S": fakeserver.ready(),
                "H": b""}[m.kind]

    def script(session):
        if not session.login():
            return
        while True:
            messages = [session.read()]
            while in_step and b"select 'mine'" not in messages[-1].body:
                messages.append(session.read())
            if in_step:
                alone.append(len(messages))
            session.send(*(answer_to(m, session) for m in messages))

    server = fake_server(script)
    p = make_pooler(None, pool_size=1, databases={"app": f"host=127.0.0.1 port={server.port} dbname=app"})
    one, two = p.raw(application_name="first"), p.raw(application_name="second")
    assert one.value("select 'mine'") == two.value("select 'mine'") == "mine"
    in_step.append(True)
    for client in (one, two, one, two):
        assert client.value("select 'mine'") == "mine"
    assert max(alone) > 1, "application_name had to be set in between"


@pytest.mark.pgweir
def test_application_name_add_host(pooler):
    p = pooler(application_name_add_host=1)
    name = p.raw(application_name="shop").value("show application_name")
    assert name.startswith("shop") and "127.0.0.1:" in name


def test_database_settings_are_where_servers_begin(pooler):
    p = pooler(databases={"app": lambda p: p.db("app", timezone="Asia/Tokyo", datestyle="German")})
    client = p.raw()
    assert client.value("show timezone") == "Asia/Tokyo"
    assert client.value("show datestyle").startswith("German")


def test_connect_query_runs_on_each_server(pooler):
    p = pooler(databases={"app": lambda p: p.db("app") + " connect_query='set work_mem = \"9MB\"'"})
    assert p.raw().value("show work_mem") == "9MB"


# ---- startup packets no driver sends ----------------------------------------------------------------


def alive(p):
    assert p.raw().value("select 1") == "1"


def test_impossible_startup_length(pooler, shape):
    p = pooler(**shape)
    for length in (0, 1, 3, 4, 7, 10005, 65536, 0x7fffffff, 0x80000000, 0xffffffff):
        client = p.open()
        client.send(struct.pack("!II", length, rawwire.PROTOCOL_3_0) + b"user\0app\0")
        assert [m.kind for m in client.rest()] in ([], ["E"]), length
        client.drop()
    alive(p)


MALFORMED = [
    b"", b"\0", b"user\0", b"user\0app", b"user\0app\0", b"user\0app\0database\0\0", b"user\0app\0\0\0",
    b"user\0app\0\0database\0app\0\0", b"\0\0\0\0", b"user\0\0\0", b"database\0app\0\0",
    b"user\0" + b"a" * 9000 + b"\0\0", b"user\0a\nb\x1b[31m\0database\0app\0\0",
]


def test_malformed_startup_packets(pooler):
    p = pooler()
    for body in MALFORMED:
        client = p.open()
        client.send(untyped(struct.pack("!I", rawwire.PROTOCOL_3_0) + body))
        said = client.rest()
        client.drop()
        assert [m.kind for m in said] == ["E"], (body[:50], said)
        assert said[0].severity == "FATAL"
    assert "\x1b" not in p.log()
    alive(p)


def test_unknown_protocol_versions(pooler):
    p = pooler()
    for version in (0, 1 << 16, 2 << 16, 4 << 16, 1234 << 16 | 1, 0xffffffff):
        client = p.open()
        client.send(rawwire.startup("app", "app", version))
        assert [m.kind for m in client.rest()] in (["E"], []), version
        client.drop()
    alive(p)


@pytest.mark.pgweir
def test_newer_minor_version_is_negotiated(pooler, shape):
    p = pooler(**shape)
    client = p.open().login("app", "app", version=(3 << 16) + 2)
    (answer,) = [m for m in client.login_trace if m.kind == "v"]
    minor, count = struct.unpack_from("!II", answer.body)
    assert (minor & 0xffff, count) == (0, 0)
    assert client.value("select 1") == "1"


@pytest.mark.pgweir
def test_unknown_protocol_options_are_declined(pooler):
    p = pooler()
    client = p.open().login("app", "app", **{"_pq_.wings": "on", "_pq_.tail": "long"})
    (answer,) = [m for m in client.login_trace if m.kind == "v"]
    assert struct.unpack_from("!I", answer.body, 4) == (2,)
    assert answer.body[8:] == cstr("_pq_.wings") + cstr("_pq_.tail")
    assert client.value("select 1") == "1"


def test_encryption_is_declined_and_login_goes_on(pooler, shape):
    p = pooler(**shape)
    client = p.open()
    client.send(rawwire.gss_request())
    assert client.byte() == b"N"
    client.send(rawwire.ssl_request())
    assert client.byte() == b"N"
    assert client.login("app", "app").value("select 1") == "1"


def test_asking_for_encryption_again_and_again(pooler):
    p = pooler()
    client = p.open()
    client.send(rawwire.ssl_request() * 50)
    try:
        for _ in range(50):
            client.byte()
    except rawwire.Gone:
        pass
    client.drop()
    alive(p)


@pytest.mark.pgweir
def test_libpq_with_sslmode_prefer_gets_in(pooler):
    p = pooler()
    assert p.connect(sslmode="prefer").execute("select 1").fetchone() == (1,)


def test_second_startup_packet_ends_the_connection(pooler):
    p = pooler()
    client = p.raw()
    client.send(rawwire.startup("other", "app"))
    assert [m.kind for m in client.rest()] in ([], ["E"])
    alive(p)


def test_startup_and_query_in_one_packet(pooler, shape):
    """No driver does so, but nothing forbids it: with trust there is nothing to wait for."""
    p = pooler(**shape)
    client = p.open()
    client.send(rawwire.startup("app", "app") + Q("select 'early'"))
    client.finish_login("app")
    assert [m.row() for m in client.ready() if m.kind == "D"] == [["early"]]


def test_last_of_duplicate_parameters_counts(pooler):
    p = pooler(pool_size=1)
    client = p.open()
    body = struct.pack("!I", rawwire.PROTOCOL_3_0)
    for name, value in (("user", "app"), ("database", "app"), ("application_name", "a"), ("application_name", "b")):
        body += cstr(name) + cstr(value)
    client.send(untyped(body + b"\0"))
    client.finish_login("app")
    assert client.value("show application_name") == "b"


def test_client_that_says_nothing_and_leaves(pooler):
    p = pooler()
    for _ in range(20):
        p.open().drop()
    for n in range(1, 30):
        client = p.open()
        client.send(rawwire.startup("app", "app")[:n])
        client.kill()
    alive(p)
