"""Clients that misbehave while they log in, in each state that a login can be in: they harm nobody but themselves."""

import secrets
import socket
import struct

import pytest

import judges
import rawwire
from cluster import PASSWORD
from rawwire import Gone, Q, Refused, X, cstr, message, startup
from waiting import until

pytestmark = pytest.mark.pgweir

SCRAM = "SCRAM-SHA-256"


def initial(body, mechanism=SCRAM, length=None):
    return message("p", cstr(mechanism) + struct.pack("!i", len(body) if length is None else length) + body)


# ---- the states in which a login waits for the client -----------------------------------------------------


def at_password(client):
    client.send(startup("app", "app"))
    client.read_until("R")


def at_first(client):
    """The mechanism is chosen, and nothing said yet."""
    at_password(client)
    client.send(message("p", cstr(SCRAM) + struct.pack("!i", -1)))
    client.read_until("R")


def at_proof(client):
    at_password(client)
    client.send(initial(b"n,,n=,r=abcdefghijklmnop"))
    client.read_until("R")


WAITING = {
    "plain": ("plain", at_password),
    "md5": ("md5", at_password),
    "initial": ("scram-sha-256", at_password),
    "first": ("scram-sha-256", at_first),
    "proof": ("scram-sha-256", at_proof),
    "judged": ("ldap", at_password),
}

# What is sent, and whether the login can go on after it. Nothing here is a right answer.
WRONG = {
    "query": Q("select 1"),
    "type-0": b"\0\0\0\0\4",
    "type-beyond-ascii": b"\xff\0\0\0\4",
    "copy-data": message("d", b"x" * 100),
    "flush-and-sync": message("H") + message("S"),
    "startup-again": startup("app", "app"),
    "ssl-request": rawwire.ssl_request(),
    "length-0": b"p\0\0\0\0",
    "length-3": b"p\0\0\0\3",
    "length-negative": b"p\xff\xff\xff\xff",
    "length-most": b"p\x7f\xff\xff\xff" + b"x" * 5000,
    "length-beyond-the-limit": b"p" + struct.pack("!I", 100000) + b"x" * 5000,
    "empty-body": message("p"),
    "no-end": message("p", b"secret"),
    "zero-inside": message("p", b"sec\0ret\0"),
    "two-ends": message("p", b"secret\0\0"),
    "wrong-password": message("p", cstr("wrong")),
    "two-passwords": message("p", cstr("wrong")) + message("p", cstr(PASSWORD)),
    "password-and-query": message("p", cstr("wrong")) + Q("select 1"),
    "unknown-mechanism": initial(b"n,,n=,r=abc", "GS2-KRB5"),
    "mechanism-plus": initial(b"p=tls-server-end-point,,n=,r=abc", "SCRAM-SHA-256-PLUS"),
    "mechanism-without-end": message("p", SCRAM.encode()),
    "length-of-sasl-too-long": initial(b"n,,n=,r=abc", length=1000),
    "length-of-sasl-negative": initial(b"n,,n=,r=abc", length=-2),
    "long-nonce": initial(b"n,,n=,r=" + b"x" * 3000),
    "final-without-first": message("p", b"c=biws,r=abc,p=" + b"A" * 43 + b"="),
    "binary": message("p", bytes(range(256)) * 8),
}


@pytest.fixture
def silent():
    server = judges.Silent()
    yield server
    server.close()


def make(pooler, method, silent, binary, **settings):
    if method == "ldap":
        judges.built_with(binary, "ldap")
        settings["auth_ldap_options"] = f'ldapserver=127.0.0.1 ldapport={silent.port} ldapprefix="uid=" ldapsuffix=",dc=x"'
    return pooler(auth_type=method, userlist={"app": PASSWORD, "admin": ""}, client_login_timeout=5, workers=1,
                  databases={"app": lambda p: p.db("app"), "open": lambda p: p.db("app", auth_type="trust")},
                  **settings)


def is_well(p):
    """Others come in, and nobody is left over."""
    assert p.raw("app", "open").value("select 1") == "1"


@pytest.mark.parametrize("state", list(WAITING))
def test_wrong_messages_end_the_login_and_nothing_else(pooler, binary, silent, state):
    method, reach = WAITING[state]
    p = make(pooler, method, silent, binary)
    for name, sent in WRONG.items():
        client = p.open()
        reach(client)
        try:
            client.send(sent)
            said = client.rest()
        except (OSError, Gone):  # it was told while it was still sending
            said = []
        assert [m.kind for m in said] in ([], ["E"], ["R", "E"]), (name, said)
        if said:
            assert said[-1].severity == "FATAL", name
            assert said[-1].sqlstate in ("28P01", "08P01", "28000"), (name, said)
    is_well(p)
    assert "BUG" not in p.log()


@pytest.mark.parametrize("state", list(WAITING))
def test_every_cut_of_an_answer(pooler, binary, silent, state):
    """Half a message and then the end, a reset, or silence."""
    method, reach = WAITING[state]
    p = make(pooler, method, silent, binary)
    whole = {"initial": initial(b"n,,n=,r=abcdef"), "first": message("p", b"n,,n=,r=abcdef")}.get(
        state, message("p", cstr("wrong")))
    for at in range(len(whole)):
        client = p.open()
        reach(client)
        client.send(whole[:at])
        if at % 2:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sock.close()
        else:
            client.sock.shutdown(socket.SHUT_WR)
            assert client.rest() == []
    slow = p.open()
    reach(slow)
    slow.send(whole[:-1])
    said = slow.rest()
    assert [m.kind for m in said] == ["E"] and "client_login_timeout" in said[0].text
    is_well(p)


# ---- the states in which a login waits for somebody else -----------------------------------------------------


def away_ldap(client):
    at_password(client)
    client.send(message("p", cstr("secret")))


def away_lookup(client):
    client.send(startup("nobody", "asked"))


AWAY = {"judging": away_ldap, "asking": away_lookup}

MEANWHILE = {
    "second-password": message("p", cstr("another")),
    "query": Q("select 1"),
    "terminate": X,
    "startup": startup("app", "app"),
    "garbage": b"\xff" * 3000,
    "much": message("p", b"x" * 4000) * 100,
    "half": b"p\0\0",
}


@pytest.mark.parametrize("state", list(AWAY))
@pytest.mark.parametrize("end", ["close", "reset", "stay"])
def test_clients_while_somebody_else_is_asked(pooler, binary, silent, state, end):
    judges.built_with(binary, "ldap")
    options = f'ldapserver=127.0.0.1 ldapport={silent.port} ldapprefix="uid=" ldapsuffix=",dc=x"'
    p = pooler(auth_type="scram-sha-256", userlist={"app": PASSWORD, "admin": "", "asker": "x"}, workers=1,
               client_login_timeout=5, auth_helpers=2, auth_ldap_options=options,
               databases={"app": lambda p: p.db("app", auth_type="ldap"), "open": lambda p: p.db("app", auth_type="trust"),
                          "asked": f"host=127.0.0.1 port={silent.port} auth_user=asker"})
    clients = []
    for sent in [b"", *MEANWHILE.values()]:
        client = p.open()
        AWAY[state](client)
        clients.append((client, sent))
    until(lambda: silent.taken, "somebody is asked")
    for client, sent in clients:
        try:
            client.send(sent)
        except OSError:
            pass
        if end == "close":
            client.sock.close()
        elif end == "reset":
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sock.close()
    is_well(p)
    if end == "stay":
        for client, sent in clients:
            said = client.rest()
            assert [m.kind for m in said] in ([], ["E"], ["R", "E"]), (sent[:20], said)
    is_well(p)


@pytest.mark.parametrize("method", ["plain", "scram-sha-256"])
def test_clients_that_leave_during_the_arithmetic(pooler, method):
    """Many at once, so that some are in the clerks' queue and some in their hands."""
    p = pooler(auth_type=method, userlist={"app": rawwire.scram_secret(PASSWORD) if method == "plain" else PASSWORD,
                                           "admin": ""}, workers=1,
               databases={"app": lambda p: p.db("app"), "open": lambda p: p.db("app", auth_type="trust")})
    for turn in range(40):
        client = p.open()
        at_password(client)
        if method == "plain":
            client.send(message("p", cstr("wrong" if turn % 2 else PASSWORD)))
        else:
            scram = rawwire.Scram("wrong" if turn % 2 else PASSWORD)
            client.send(initial(scram.first()))
            client.send(message("p", scram.final(client.read_until("R")[-1].body[4:])))
        if turn % 3 == 0:
            client.send(Q("select 1"), message("p", cstr("again")))
        client.sock.close()
    is_well(p)


@pytest.mark.parametrize("right", [True, False])
def test_what_comes_behind_a_password_is_not_heard_before_the_verdict(pooler, right):
    """A query in the same packet: answered after the login, or never."""
    p = pooler(auth_type="plain", userlist={"app": rawwire.scram_secret(PASSWORD)})
    client = p.open()
    client.send(startup("app", "app"))
    client.read_until("R")
    client.send(message("p", cstr(PASSWORD if right else "wrong")) + Q("select 42"))
    if right:
        said = client.ready(2)
        assert [m.row() for m in said if m.kind == "D"] == [["42"]]
    else:
        assert [m.kind for m in client.rest()] == ["E"]


# ---- logins that are older than a reload ---------------------------------------------------------------------


def hba_pooler(pooler, workdir, line, **settings):
    """A rule for the database app that a reload takes away, files and all; how to do that."""
    rules = workdir / f"reload-{secrets.token_hex(4)}.hba"
    always = "host open,pgweir all all trust\n"
    rules.write_text(always + line + "\n")
    p = pooler(auth_type="hba", auth_hba_file=rules, userlist={"app": PASSWORD, "admin": ""}, workers=1, client_login_timeout=6,
               databases={"app": lambda p: p.db("app"), "open": lambda p: p.db("app", auth_type="trust")}, **settings)

    def reload():
        rules.write_text(always + "host app all all reject\n")
        for size in (5, 6):  # once for the rule, and once more, so that no snapshot is left that has it
            p.reload(pool_size=size)
            until(lambda size=size: p.show("databases", name="app")[0]["pool_size"] == str(size), "the reload is in force")

    return p, reload


def answer(method, client, asked):
    """What is right."""
    if method == "password":
        client.send(message("p", cstr(PASSWORD)))
    elif method == "md5":
        client.send(message("p", cstr(rawwire.md5_response("app", PASSWORD, asked.body[4:8]))))
    else:
        scram = rawwire.Scram(PASSWORD)
        client.send(initial(scram.first()))
        client.send(message("p", scram.final(client.read().body[4:])))


@pytest.mark.parametrize("method", ["password", "md5", "scram-sha-256"])
def test_login_goes_on_by_the_rule_that_it_began_under(pooler, workdir, method):
    p, reload = hba_pooler(pooler, workdir, f"host app all all {method}")
    client = p.open()
    client.send(startup("app", "app"))
    asked = client.read()
    assert asked.kind == "R"
    reload()
    with pytest.raises(Refused):
        p.raw()
    answer(method, client, asked)
    client.read_until("Z")
    assert client.value("select 1") == "1"


@pytest.mark.parametrize("stays", [True, False])
def test_judge_has_what_it_needs_after_a_reload(pooler, binary, workdir, silent, stays):
    judges.built_with(binary, "ldap")
    p, reload = hba_pooler(pooler, workdir, f"host app all all ldap ldapserver=127.0.0.1 ldapport={silent.port} "
                                            'ldapbasedn="dc=x" ldapbinddn="cn=reader" ldapbindpasswd="reads"')
    client = p.open()
    away_ldap(client)
    until(lambda: silent.taken, "the directory is asked")
    if not stays:
        client.drop()
    reload()
    if stays:
        assert [m.kind for m in client.rest()] == ["E"]
    is_well(p)
