"""pool_mode auto: RESET and DISCARD ALL go back to what a client asked for at its login, as PostgreSQL does.

Each is compared with a client that does the same directly.
"""

import pytest

from rawwire import B, Client, D, E, F, H, P, Q, S, c, d, f

pytestmark = pytest.mark.pgweir

CAME = {"application_name": "me", "client_encoding": "LATIN1", "TimeZone": "Asia/Tokyo",
        "options": "-c search_path=mine -c work_mem=9MB -c my.tenant=red"}
NAMES = ["application_name", "client_encoding", "TimeZone", "search_path", "work_mem", "my.tenant", "DateStyle"]
SHOW = "select " + ", ".join(f"current_setting('{name}', true)" for name in NAMES)
CHANGE = ("set application_name = 'x'; set client_encoding = 'UTF8'; set timezone = 'UTC'; set search_path = other; "
          "set work_mem = '5MB'; set my.tenant = 'blue'; set datestyle = 'German'")
RESETS = ["reset application_name", "reset client_encoding", "set names default", "set time zone default",
          "reset search_path", "set work_mem to default", "reset my.tenant", "reset all",
          "select 1 where set_config('work_mem', null, false) <> ''"]

SCRIPTS = {
    "alone": [[Q(CHANGE)]] + [[Q(reset)] for reset in RESETS],
    "all": [[Q(CHANGE)], [Q("reset all")]],
    "discard": [[Q(CHANGE)], [Q("discard all")]],
    "pipelined": [[Q(CHANGE), Q("select 1"), Q("reset all"), Q(SHOW), Q("set work_mem = '6MB'"), Q(SHOW)]],
    "parsed": [[Q(CHANGE)], [P("reset all"), B(), E(), S, Q(SHOW)], [P("reset work_mem", "r"), S],
               [Q("set work_mem = '5MB'")], [B(name="r"), E(), S, Q(SHOW)]],
    "bound earlier": [[Q(CHANGE)], [Q("begin")], [P("reset work_mem"), B(portal="p"), P("set local my.tenant to default"),
                      B(portal="q"), S], [Q(SHOW)], [E("p"), S], [Q(SHOW)], [E("q"), S], [Q(SHOW)], [Q("commit")]],
    "bound and not run": [[Q(CHANGE)], [Q("begin")], [P("reset work_mem"), B(portal="p"), S], [Q("select 1")], [Q("commit")]],
    "failed": [[Q(CHANGE)], [Q("reset all; select 1/0")], [Q("reset application_name; select 1/0"), Q(SHOW)]],
    "kept": [[Q("create temp table tt(a int)")], [Q(CHANGE)], [Q("reset search_path")], [Q(SHOW)], [Q("reset all")],
             [Q("drop table tt")]],
    "committed": [[Q(CHANGE)], [Q("begin")], [Q("reset all")], [Q(SHOW)], [Q("commit")]],
    "rolled back": [[Q(CHANGE)], [Q("begin")], [Q("reset all")], [Q(SHOW)], [Q("rollback")]],
    "to a savepoint": [[Q(CHANGE)], [Q("begin")], [Q("savepoint a")], [Q("reset all")], [Q(SHOW)], [Q("rollback to a")],
                       [Q(SHOW)], [Q("reset work_mem")], [Q("commit")]],
    "failed transaction": [[Q(CHANGE)], [Q("begin")], [Q("reset all; select 1/0")], [Q("reset all")], [Q("rollback")]],
    "local": [[Q(CHANGE)], [Q("begin")], [Q("set local work_mem to default")], [Q(SHOW)], [Q("commit")]],
    "set to the default": [[Q("set application_name = ''; set search_path = \"$user\", public")], [Q("reset work_mem")]],
}


def step(client, messages):
    """What it is told: the last value of each parameter, rows, tags, errors."""
    before = dict(client.params)
    client.send(b"".join(messages))
    got = client.ready(sum(m[:1] in (b"Q", b"S") for m in messages))
    told = [(m.kind, m.sqlstate if m.kind == "E" else m.body) for m in got if m.kind in "CDEZ"]
    return told, {name: client.params[name] for name in before}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("script", SCRIPTS)
def test_as_directly(pooler, cluster, script, workers):
    p = pooler(pool_mode="auto", pool_size=1, workers=workers)
    pooled, other = p.raw(**CAME), p.raw()
    default = other.query(SHOW)
    with Client(("127.0.0.1", cluster.port)).login("app", "app", **CAME) as direct:
        for messages in SCRIPTS[script]:
            wanted = step(direct, messages)
            assert step(pooled, messages) == wanted, messages
            if wanted[0][-1] == ("Z", b"I"):
                if script != "kept":
                    assert [m.body for m in other.query(SHOW)] == [m.body for m in default]
                assert step(pooled, [Q(SHOW)]) == step(direct, [Q(SHOW)]), messages


LEVEL = "set transaction isolation level serializable"
LEVEL_CAME = {"application_name": "me", "client_encoding": "LATIN1", "TimeZone": "Asia/Tokyo",
              "options": "-c work_mem=9MB -c my.tenant=red -c search_path=mine"}
LEVEL_SHOW = "select " + ", ".join(f"current_setting('{name}', true)" for name in NAMES + ["transaction_isolation"])
OPENINGS = {"begin": [[Q("begin")]], "with": [], "show": [[Q("begin")], [Q("show work_mem")]], "savepoint": [[Q("begin")], [Q("savepoint a")]]}
LEVEL_RESETS = ["reset application_name", "set names default", "set time zone default", "reset my.tenant", "reset work_mem",
                "reset search_path", "set local work_mem to default", "reset all"]


def same(pooler, cluster, came, script):
    """Every step of it, through the pooler and directly."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    pooled = p.raw(**came)
    with Client(("127.0.0.1", cluster.port)).login("app", "app", **came) as direct:
        for messages in script:
            wanted = step(direct, messages)
            assert step(pooled, messages) == wanted, messages


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("how", ["query", "batch"])
@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("reset", LEVEL_RESETS)
def test_isolation_level_is_chosen_behind_a_reset(pooler, cluster, reset, opening, how, end):
    """A RESET is no query, for those who came with something neither."""
    text = f"begin; {reset}" if opening == "with" and how == "query" else reset
    batch = [P("begin"), B(), E()] if opening == "with" else []
    same(pooler, cluster, LEVEL_CAME, [
        [Q(CHANGE)], *OPENINGS[opening], [Q(text)] if how == "query" else batch + [P(reset), B(), E(), S],
        [Q("rollback to a" if opening == "savepoint" else "show work_mem")], [Q(LEVEL)], [Q(LEVEL_SHOW)], [Q(end)], [Q(LEVEL_SHOW)]])


@pytest.mark.parametrize("text", [
    "reset work_mem; show TimeZone", "reset work_mem; reset time zone", "set work_mem = '7MB'; reset work_mem",
    "reset work_mem; set work_mem = '7MB'", "savepoint a; reset work_mem; rollback to a", "reset work_mem; savepoint a; release a",
    "rollback; begin; reset work_mem", "reset work_mem; rollback; begin", "reset work_mem; commit and chain"])
def test_isolation_level_is_chosen_behind_a_string_that_resets(pooler, cluster, text):
    batch = [m for each in text.split("; ") for m in (P(each), B(), E())] + [S]
    for messages in [Q(text)], batch:
        same(pooler, cluster, LEVEL_CAME, [[Q("set work_mem = '5MB'; set timezone = 'UTC'")], [Q("begin")], messages, [Q(LEVEL)], [Q(LEVEL_SHOW)],
                                     [Q("commit")], [Q(LEVEL_SHOW)]])


PATHS = ["mine,public", ' "Mine" ,  PUBLIC', '"It""s","a,b"', "", "\u00e9t\u00e9,public", "select", "mine"]
MEANING = "select current_schemas(true), current_setting('work_mem'), current_setting('transaction_isolation')"
LEVEL_BATCH = [P(LEVEL), B(), D("P"), E(), S]


@pytest.mark.parametrize("how", ["query", "batch"])
@pytest.mark.parametrize("reset", ["reset all", "reset search_path", "set local search_path to default"])
@pytest.mark.parametrize("path", PATHS)
def test_search_path_of_any_spelling_is_back(pooler, cluster, path, reset, how):
    """SET may spell it otherwise; what it means is the same, and no query has asked for it."""
    asked = [Q(reset)] if how == "query" else [P(reset), B(), E(), S]
    with Client(("127.0.0.1", cluster.port)).login("app", "app") as direct:
        direct.query('create schema if not exists mine; create schema if not exists "Mine"; create schema if not exists "It\'s"')
    same(pooler, cluster, {"search_path": path, "application_name": "me"}, [
        [Q("set search_path = 'x'")], [Q("begin")], [Q("savepoint a")], asked, LEVEL_BATCH, [Q(MEANING)], [Q("set local search_path = x")], [Q(MEANING)],
        [Q("rollback to a")], [Q(MEANING)], asked, [Q("commit")], [Q(MEANING)], asked, [Q(MEANING)]])


def test_isolation_level_is_chosen_though_what_was_sent_before_the_reset_has_failed(pooler, cluster):
    """Its error comes when the RESET is on its way."""
    same(pooler, cluster, LEVEL_CAME, [[Q("set work_mem = '5MB'")], [Q("select 1/0"), Q("rollback; begin"), Q("reset work_mem"), Q(LEVEL),
                                                                   Q(LEVEL_SHOW), Q("commit"), Q(LEVEL_SHOW)]])


BEHIND = {"a rollback": [Q("savepoint a; reset work_mem; select 1; rollback to a")],
          "a rollback to what is behind it": [Q("savepoint a; reset work_mem; savepoint b; set work_mem = '7MB'; rollback to b")],
          "a rollback of a batch": [P("savepoint a"), B(), E(), P("reset work_mem"), B(), E(), P("rollback to a"), B(), E(), S],
          "a function": [Q("reset work_mem; select set_config('work_mem', '7MB', false) <> ''")],
          "a set in the batch": [P("reset work_mem"), B(), E(), P("set work_mem = '7MB'"), B(), E(), S],
          "a set by a query": [P("reset work_mem"), B(), E(), P("select set_config('work_mem', '7MB', false)"), B(), E(), S],
          "a set without a sync": [P("reset work_mem"), B(), E(), H, Q("set work_mem = '7MB'")],
          "a set that was bound before": [P("set work_mem = '7MB'"), B(portal="p"), P("reset work_mem"), B(), E(), E("p"), S],
          "a portal that is not run": [P("reset work_mem"), B(), S],
          "two portals": [P("reset work_mem"), B(portal="p"), P("select 1"), B(portal="q"), E("q"), S],
          "what has failed": [P("select 1/0"), B(), E(), P("reset work_mem"), B(), E(), S, Q("rollback; begin")],
          "what is not there": [Q("select 1"), P("reset work_mem", "r"), B(name="r"), E(), B(), E(), S, Q("rollback; begin")],
          "before it": [Q("set work_mem = '7MB'; reset work_mem")],
          "pipelined": [Q("reset work_mem"), Q("set work_mem = '7MB'"), Q("reset my.tenant"), Q("rollback to nothing"), Q("reset work_mem")],
          "with a backslash": [Q("set client_encoding = 'SJIS'"), Q("reset work_mem /* \\ */; set work_mem = '7MB'")]}


@pytest.mark.parametrize("what", BEHIND)
def test_reset_that_is_not_the_last_or_not_run(pooler, cluster, what):
    """In a transaction the value is that of the last statement that was run."""
    same(pooler, cluster, LEVEL_CAME, [[Q("set work_mem = '5MB'")], [Q("begin")], BEHIND[what], [Q(SHOW)], [Q("commit")], [Q(SHOW)]])

# What a transaction is told is compared step by step; each was wrong once.
LATER = {
    "a local value over it": ["reset work_mem; set local work_mem = '7MB'", SHOW, LEVEL, "commit"],
    "a local value over it, committed at once": ["begin; reset all; set local timezone = 'UTC'; set local work_mem = '7MB'; commit", SHOW],
    "a local value over it, chained": ["reset work_mem; set local work_mem = '7MB'", "commit and chain", LEVEL, SHOW, "rollback"],
    "a local value over it, undone": ["reset work_mem; savepoint a; set local work_mem = '7MB'", SHOW, "rollback to a", SHOW, "commit"],
    "a local value over it, reset": ["reset work_mem; set local work_mem = '7MB'", "reset all", SHOW, "commit"],
    "a local value over it that a function sets": ["reset work_mem; select set_config('work_mem', '7MB', true)", SHOW, "commit"],
    "undone in part": ["reset work_mem; savepoint a; reset timezone; rollback to a", "release a", LEVEL, SHOW, "commit"],
    "undone to what it was before": ["reset work_mem; savepoint a; set work_mem = '7MB'; savepoint b; reset all; rollback to b", SHOW,
                                     "rollback to a", SHOW, "release a", "commit"],
    "undone behind it": ["reset work_mem; savepoint a", SHOW, "rollback to a", SHOW, "commit"],
    "undone behind it, by the name of an older one": ["savepoint a", "reset work_mem; savepoint a; savepoint b", "set work_mem = '7MB'",
                                                      "rollback to a; release a", SHOW, "rollback to a", SHOW, "commit"],
    "committed and chained": ["reset work_mem; commit and chain", LEVEL, SHOW, "rollback", SHOW],
    "committed and begun": ["reset work_mem; commit; begin", "set work_mem = '7MB'", "rollback", SHOW],
    "failed, and committed": ["reset work_mem; set local work_mem = '7MB'", "select 1/0", "commit and chain", LEVEL, SHOW, "commit"],
    "failed, and undone": ["reset work_mem; savepoint a; set local work_mem = '7MB'", "select 1/0", "reset all", "rollback to a", SHOW, "commit"],
    "failed with savepoints": ["reset work_mem; savepoint a; reset my.tenant; savepoint a; select 1/0", "rollback to a", SHOW, "rollback"],
    "a name beyond ASCII": ["reset application_name", LEVEL, SHOW, "set local application_name to default", "commit"],
}


@pytest.mark.parametrize("how", ["query", "batch"])
@pytest.mark.parametrize("what", LATER)
def test_transaction_that_goes_on_behind_a_reset(pooler, cluster, what, how):
    came = dict(LEVEL_CAME, application_name="J\u00fcrgen", options="-c work_mem=9MB -c my.tenant=red -c search_path=mine")
    start = LATER[what][0].startswith("begin")

    def request(text):
        if how == "query":
            return [Q(text)]
        return [m for each in text.split("; ") for m in (P(each), B(), E())] + [S]

    same(pooler, cluster, came, [[Q(CHANGE)], *([] if start else [[Q("begin")]]), *map(request, LATER[what]), [Q(LEVEL_SHOW)]])


def test_all_is_reset_behind_a_local_default(pooler):
    """PostgreSQL passes by what SET LOCAL has given its default."""
    client = pooler(pool_mode="auto", pool_size=1).raw(**CAME)
    client.query("set work_mem = '5MB'; begin; set local work_mem to default; reset all; commit")
    assert client.value("show work_mem") == "9MB"


ROLE_SCRIPTS = {
    "none": ["set role none", "select 1", "reset role"],
    "none and all": ["set role none", "reset all", "discard all", "set role none", "reset role; select 1", "set role none",
                     "reset role; select 1 / 0"],
    "transaction": ["set role none", "begin", "reset role", "set transaction isolation level serializable", "select 1", "rollback",
                    "begin", "set role to default", "commit"],
    "rolled back": ["begin", "set role none", "savepoint a", "reset role", "rollback to a", "reset role", "rollback"],
    "local": ["begin", "set local role none", "set local role to default", "commit", "begin", "set local role none", "commit"],
    "authorization": ["set role none", "reset session authorization", "set session authorization app", "reset role",
                      "set role none", "begin", "set session authorization default", "commit", "begin; reset role",
                      "set session authorization app", "commit", "set session authorization default"],
    "another": ["set role app", "set role third", "set role none", "set work_mem = '5MB'", "reset all", "set role third"]}


@pytest.mark.parametrize("script", ROLE_SCRIPTS)
def test_role_that_a_client_came_with(pooler, cluster, script):
    """It is gone by SET ROLE NONE, on whichever server, and back by RESET ROLE."""
    cluster.sql("grant third to app")
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    came = {"options": "-c role=third -c work_mem=9MB"}
    show = "select current_user, session_user, current_setting('role'), current_setting('work_mem')"
    pooled, other = p.raw(**came), p.raw()
    with Client(("127.0.0.1", cluster.port)).login("app", "app", **came) as direct:
        for text in ROLE_SCRIPTS[script]:
            wanted = step(direct, [Q(text)])
            assert step(pooled, [Q(text)]) == wanted, text
            if wanted[0][-1] == ("Z", b"I") and "authorization" not in script:
                assert other.value("select current_user") == "app"
            assert step(pooled, [Q(show)]) == step(direct, [Q(show)]), text


COPY = "copy public.restore_t from stdin"


@pytest.mark.parametrize("ends", [c(), f()])
@pytest.mark.parametrize("how", ["string", "batch", "at once"])
@pytest.mark.parametrize("reset", ["reset work_mem", "reset all"])
def test_data_is_copied_behind_a_reset(pooler, cluster, reset, how, ends):
    """What a COPY reads in the same string or batch does not wait for its end."""
    cluster.in_app("drop table if exists restore_t; create table restore_t(a int); alter table restore_t owner to app")
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    client = p.raw(**CAME)
    client.query("set work_mem = '5MB'")
    if how == "batch":
        client.send(P(reset) + B() + E() + P(COPY) + B() + E() + S)
    else:
        client.send(Q(f"{reset}; {COPY}") + (d("1\n") + ends if how == "at once" else b""))
    client.read_until("G")
    if how != "at once":
        client.send(d("1\n"), ends, S if how == "batch" else b"")
    said = client.ready()
    assert ("E" in [m.kind for m in said]) == (ends == f())
    assert client.value("show work_mem") == ("5MB" if ends == f() else "9MB")
    cluster.in_app("drop table restore_t")


def test_default_that_was_set_is_no_reset(pooler):
    """Not on another server either."""
    p = pooler(pool_mode="auto", pool_size=1)
    client, other = p.raw(application_name="me"), p.raw(application_name="you")
    client.query("set application_name = ''")
    assert other.value("show application_name") == "you"
    assert client.error("reset all; select 1/0").sqlstate == "22012"
    assert client.value("show application_name") == ""
    assert other.value("show application_name") == "you"
    client.query("reset all")
    assert client.value("show application_name") == "me"


def test_default_that_was_set_is_back_behind_a_discard_that_is_refused(pooler, cluster):
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    client, other = p.raw(application_name="me"), p.raw(application_name="other")
    with Client(("127.0.0.1", cluster.port)).login("app", application_name="me") as direct:
        for text in "set application_name = ''", "begin", "reset application_name", "discard all", "rollback":
            for side in client, direct:
                side.send(Q(text))
            assert [m.kind for m in client.ready()] == [m.kind for m in direct.ready()], text
        assert client.params["application_name"] == direct.params["application_name"] == ""
        other.query("select 1")
        client.error("selec")  # it may have reset something: that is looked for
        other.query("select 1")
        assert client.value("show application_name") == client.params["application_name"] == ""


def test_reset_under_another_role(pooler, cluster):
    p = pooler(pool_mode="auto", pool_size=1)
    cluster.sql("grant third to app")
    client = p.raw(options="-c search_path=mine")
    client.query("begin; set local role third; set search_path = other")
    client.query("reset search_path")
    assert client.value("show search_path") == "mine"
    client.query("commit")
    assert client.value("show search_path") == "mine"


def test_what_cannot_be_set_any_more_is_an_error(pooler, cluster):
    """Of the RESET, rather than a setting that nobody asked for. (PostgreSQL takes what was good at the login. So does a SET
    of it, until its session takes notice of what others have done.)"""
    p = pooler(pool_mode="auto", pool_size=1)
    with Client(("127.0.0.1", cluster.port)).login("app", "app") as direct:
        direct.query("create schema gone; create text search configuration gone.mine (copy = simple)")
        client = p.raw(options="-c default_text_search_config=gone.mine")
        client.query("begin; set default_text_search_config = 'simple'")
        direct.query("drop schema gone cascade")
    client.query("select count(*) from pg_class")
    assert client.error("reset default_text_search_config").sqlstate == "22023"
    assert client.error("select 1").sqlstate == "25P02"
    client.query("rollback")
    assert client.value("select 2") == "2"


def test_discarded_sequences_do_not_come_between(pooler):
    """They end what may be all that was remembered of the client."""
    client = pooler(pool_mode="auto", pool_size=1).raw(client_encoding="LATIN1")
    client.query("discard sequences; reset client_encoding")
    assert client.value("show client_encoding") == "LATIN1"


def test_nothing_more_is_asked_of_who_came_with_nothing(pooler, cluster):
    """Nor of who resets something else."""
    p = pooler(pool_mode="auto", pool_size=1)
    pid = p.raw().value("select pg_backend_pid()")
    last = f"select query from pg_stat_activity where pid = {pid}"
    for came, text in (({}, "begin; reset all"), ({"application_name": "me"}, "begin; reset work_mem")):
        client = p.raw(**came)
        client.query(text)
        assert cluster.sql(last) == [(text,)]
        client.query("rollback")


def told(client, messages):
    """All of it, with the positions of errors."""
    client.send(b"".join(messages))
    return [(m.kind, m.fields().get("C"), m.fields().get("P")) if m.kind in "EN" else (m.kind, m.body)
            for m in client.ready(sum(m[:1] in (b"Q", b"S") for m in messages)) if m.kind not in "S"]


TOLD = [
    [Q("reset work_mem; select nonsense")], [Q("select 'é'; reset all; select 'é', nonsense; reset work_mem")], [Q("reset work_mem; selec 1")],
    [Q("select nonsense; reset work_mem")], [Q("set work_mem to default; select nonsense")], [Q("set local work_mem to default")],
    [Q("set local work_mem to default; set local work_mem to default")], [Q("begin"), Q("set local work_mem to default"), Q("commit")],
    [P("set local work_mem to default"), B(), E(), S], [P("set local work_mem to default"), B(), D("P"), E(), H, S], [Q("reset all;;reset all; ; -- end")],
    [Q("/* a */ reset /* b */ work_mem /* c */; show work_mem -- end")], [Q("reset work_mem; reset nonsense; show work_mem")],
    [P("reset all"), B(), E(), P("reset work_mem", "pgweir reset"), B(name="pgweir reset", portal="pgweir"), E("pgweir"), S],
    [P("reset work_mem"), B(), E(), P("show work_mem"), B(), D("P"), E(), P("reset nonsense"), B(), E(), S], [P("reset work_mem"), B(), E(), E(), S],
    [P("reset work_mem"), B(), E(), Q("show work_mem"), S], [Q("discard all"), Q(SHOW), Q("set work_mem = '5MB'"), Q("begin; discard all"), Q("rollback")],
    [P("discard all"), B(), E(), S, Q(SHOW), P("show work_mem"), B(), E(), S], [Q("discard all; reset work_mem")]]


@pytest.mark.parametrize("encoding", ["LATIN1", "UTF8"])
@pytest.mark.parametrize("came", [{}, {"application_name": "me", "options": "-c work_mem=9MB -c my.tenant=red", "TimeZone": "Asia/Tokyo"}])
def test_nothing_else_is_told(pooler, cluster, came, encoding):
    """Of what stands behind a RESET no answer comes, no notice, and no other position of an error."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    pooled, other = p.raw(**came, client_encoding=encoding), p.raw()
    with Client(("127.0.0.1", cluster.port)).login("app", "app", **came, client_encoding=encoding) as direct:
        for messages in TOLD * 2:
            if encoding == "LATIN1":
                messages = [m[:1] + (len(t) + 4).to_bytes(4, "big") + t for m in messages for t in [m[5:].replace(b"\xc3\xa9", b"\xe9")]]
            assert told(pooled, messages) == told(direct, messages), messages
            assert pooled.params == {**direct.params, **{k: v for k, v in pooled.params.items() if k not in direct.params}}, messages
            assert other.value("show work_mem") == "4MB"


def test_what_is_told_of_a_discard_cuts_no_row_in_two(pooler):
    """The row before it comes in many pieces, the last of them together with the answer to DISCARD ALL."""
    client = pooler(pool_mode="auto", pool_size=1, workers=1).raw(**CAME)
    for letters in 100_000, 1_000_000, 3_000_000:
        client.query(CHANGE)
        client.send(Q(f"select repeat('x', {letters})") + Q("discard all") + Q("show application_name"))
        said = client.ready(3)
        assert [m.row() for m in said if m.kind == "D"] == [["x" * letters], ["me"]]
        assert client.params["application_name"] == "me"


@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
def test_who_discards_in_another_mode_is_told_what_it_has(pooler, mode):
    """The server's defaults, the second time too."""
    client = pooler(pool_mode=mode, pool_size=1, workers=1).raw(application_name="me", TimeZone="Asia/Tokyo")
    for _ in range(3):
        client.query("discard all")
        for _ in range(2):
            assert client.value("show application_name") == client.params["application_name"] == ""
            assert client.value("show timezone") == client.params["TimeZone"]


RESET_TEXTS = {
    "backslashes": [[Q(r"select E'\'; reset all', '\', U&'\0041'; reset all; select '\'; show work_mem; set names 'UTF8'; reset work_mem; show work_mem")]],
    "letters": [[Q("select 'é'; reset all; show work_mem; select 'é', nonsense")], [Q("begin; reset all"), Q("rollback")],
                [Q("begin; reset all")], [Q("set work_mem = '5MB'; reset work_mem; select 'é'; show work_mem; rollback; select nonsense")]],
    "old strings": [[Q("set standard_conforming_strings = off; set escape_string_warning = off; reset work_mem; select 'a\\'; reset all; select 'b'; show work_mem")],
                    [Q("set standard_conforming_strings = off; set escape_string_warning = off")], [Q("select 'a\\'; reset work_mem'; reset work_mem; show work_mem")]],
    "an end in front": [[P("select 1", "p"), S], [Q("begin; select 1/0")], [Q("rollback; execute p; reset work_mem; show work_mem")],
                        [Q("begin; select 1/0")], [Q("/* so */ rollback; execute p; set work_mem to default; reset all; show work_mem; select nonsense")]],
    "others' semicolons": [[Q("create function pg_temp.f() returns int begin atomic select case when true then 1 else 2 end; select 2; end; reset work_mem; "
                              "show work_mem; drop function pg_temp.f()")],
                           [Q("create temp table rt(a int); create rule r as on insert to rt do also (select 1; select 2); reset all; insert into rt values (1); "
                              "show work_mem; drop table rt")],
                           [Q(';;;reset all;;/* ; */;reset work_mem;--;\n;show work_mem;; select $a$;reset all$a$ as ";"; copy (select 1) to stdout; reset all; show work_mem')]],
}


@pytest.mark.parametrize("encoding", ["LATIN1", "UTF8"])
@pytest.mark.parametrize("texts", RESET_TEXTS)
def test_reset_among_other_statements_of_a_text(pooler, cluster, texts, encoding):
    """In the middle of the text, too, its client has what it came with, and all else is told as directly."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    came = dict(CAME, client_encoding=encoding)
    pooled, other = p.raw(**came), p.raw()
    with Client(("127.0.0.1", cluster.port)).login("app", "app", **came) as direct:
        for messages in [[Q("set work_mem = '5MB'; set timezone = 'UTC'")], *RESET_TEXTS[texts], [Q(SHOW)]]:
            if encoding == "LATIN1":
                messages = [m[:1] + (len(t) + 4).to_bytes(4, "big") + t for m in messages for t in [m[5:].replace(b"\xc3\xa9", b"\xe9")]]
            wanted = told(direct, messages)
            assert told(pooled, messages) == wanted, messages
            if wanted[-1] == ("Z", b"I"):
                assert other.value("show work_mem") == "4MB"


DISCARD = [P("discard all"), B(), E()]
DISCARDS = {
    "a set": [[*DISCARD, P("set work_mem = '6MB'"), B(), E(), P("set application_name = 'zz'"), B(), E(), S]],
    "a begin": [[*DISCARD, P("begin"), B(), E(), S], [Q("set transaction isolation level serializable")], [Q(SHOW)], [Q("commit")]],
    "a begin that is rolled back": [[*DISCARD, P("begin"), B(), E(), S], [Q(SHOW)], [Q("rollback")]],
    "a question": [[*DISCARD, P(SHOW), B(), E(), S]],
    "an error": [[*DISCARD, P("select 1/0"), B(), E(), S]],
    "an error in front": [[P("select 1/0"), B(), E(), *DISCARD, S]],
    "a statement that is prepared": [[P("select 1", "p"), S], [*DISCARD, P("select 2", "p"), B(name="p"), E(), S], [*DISCARD, H, B(name="p"), E(), S]],
    "no sync": [[*DISCARD, Q(SHOW)], [*DISCARD, F(1610), Q(SHOW)]],
    "another one": [[*DISCARD, S, *DISCARD, S, Q("discard all"), *DISCARD, S, Q(SHOW)]],
}


@pytest.mark.parametrize("what", DISCARDS)
def test_discard_with_more_behind_it_in_its_batch(pooler, cluster, what):
    """It meets what the client came with, and holds; whoever is next on the server gets none of it."""
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    pooled, other, alike = p.raw(**CAME), p.raw(), p.raw(**CAME)
    other.query("set my.tenant = ''")
    default = [m.body for m in other.query(SHOW)]
    with Client(("127.0.0.1", cluster.port)).login("app", "app", **CAME) as direct:
        came = told(direct, [Q(SHOW)])
        for messages in [[Q(CHANGE)], *DISCARDS[what], [Q(SHOW)]]:
            wanted = told(direct, messages)
            assert told(pooled, messages) == wanted, messages
            if wanted[-1] == ("Z", b"I"):
                assert told(alike, [Q(SHOW)]) == came
                assert [m.body for m in other.query(SHOW)] == default
        assert pooled.params == {**direct.params, **{k: v for k, v in pooled.params.items() if k not in direct.params}}


CODE = ["do $$ begin reset timezone; reset work_mem; end $$", "select public.resets_two()", "do $$ begin execute 'reset all'; end $$"]


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("code", CODE)
def test_what_code_resets_is_back_behind_its_transaction(pooler, cluster, code, keeps):
    """Whether its client gives its server back or not; and it is told so."""
    cluster.in_app("create or replace function public.resets_two() returns int language plpgsql as "
                   "$$ begin reset timezone; perform set_config('work_mem', null, false); return 1; end $$")
    p = pooler(pool_mode="auto", pool_size=1 + keeps, workers=1)
    client, other = p.raw(**CAME), p.raw()
    if keeps:
        client.query("create temp table kept_here(a int)")
    for end in "commit", "rollback":
        client.query("set timezone = 'UTC'; set work_mem = '5MB'")
        client.query("begin")
        client.query(code)
        client.query(end)
        assert other.value("show timezone") != "Asia/Tokyo"
        want = ["Asia/Tokyo", "9MB"] if end == "commit" else ["UTC", "5MB"]
        assert [client.value("show timezone"), client.value("show work_mem")] == want
        assert client.params["TimeZone"] == want[0]
    cluster.in_app("drop function public.resets_two()")


def test_search_path_is_spelt_as_asked_behind_the_transaction_that_resets_it(pooler):
    """Whether its client keeps the server or not."""
    client = pooler(pool_mode="auto", pool_size=1).raw(search_path="mine,public")
    for text in "select 1", "create temp table kept_here(a int)":
        client.query(text)
        client.query("set search_path = x")
        client.query("begin; reset search_path")
        assert client.value("show search_path") == "mine, public"
        client.query("commit")
        assert client.value("show search_path") == "mine,public"


def test_many_batches_that_reset_are_sent_at_once(pooler):
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    client = p.raw(**CAME)
    one = P("set work_mem = '5MB'") + B() + E() + P("reset all") + B() + E() + P("show work_mem") + B() + E()
    client.send((one * 20 + S) * 40 + Q("reset all; show work_mem") * 200)
    said = client.ready(240)
    assert [m.row() for m in said if m.kind == "D"] == [["9MB"]] * 1000
    assert [m.tag() for m in said if m.kind == "C"] == ["SET", "RESET", "SHOW"] * 800 + ["RESET", "SHOW"] * 200


@pytest.mark.parametrize("leaves", ["kill", "close"])
@pytest.mark.parametrize("messages", [[P("reset all"), B(), E()], [Q("begin; reset all; select pg_sleep(0.2)")], [P("discard all"), B(), E(), S]])
def test_who_leaves_amid_a_reset_leaves_nothing(pooler, messages, leaves):
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    other, client = p.raw(), p.raw(**CAME)
    other.query("set my.tenant = ''")
    default = [m.body for m in other.query(SHOW)]
    client.query(CHANGE)
    client.send(b"".join(messages))
    getattr(client, leaves)()
    assert [m.body for m in other.query(SHOW)] == default
