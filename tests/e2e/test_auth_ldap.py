"""auth_type ldap: simple bind, search and bind, over TLS; names that would be more than names; servers that hang."""

import threading

import pytest

import judges
from judges import person
from rawwire import Refused
from waiting import until

PEOPLE = [
    person("app", "open sesame"),
    person("other", "another"),
    person("u_scram", "pencil"),
    person("twice", "double", ou="people"),
    person("twice", "double", ou="others"),
    person("o,k", "comma", dn="o\\2Ck"),
    person("st*r", "star"),
]


@pytest.fixture(scope="module")
def slapd(binary, workdir):
    judges.built_with(binary, "ldap")
    judges.needs_slapd()
    server = judges.Ldap(workdir, *PEOPLE)
    yield server
    server.close()


@pytest.fixture
def simple(slapd):
    return f'ldapserver=127.0.0.1 ldapport={slapd.port} ldapprefix="uid=" ldapsuffix=",ou=people,dc=example,dc=com"'


@pytest.fixture
def search(slapd):
    return (f'ldapserver=127.0.0.1 ldapport={slapd.port} ldapbasedn="dc=example,dc=com" '
            'ldapbinddn="cn=reader,dc=example,dc=com" ldapbindpasswd="reads"')


@pytest.fixture
def ldap_pooler(pooler):
    def make(options, **settings):
        settings.setdefault("auth_file", None)
        return pooler(auth_type="ldap", auth_ldap_options=options, **settings)

    return make


def refused(p, user, password):
    client = p.open()
    with pytest.raises(Refused) as error:
        client.login(user, "app", password)
    assert client.rest() == []
    assert error.value.error.sqlstate == "28000"
    assert error.value.error.text == f'LDAP authentication failed for user "{user}"'
    return [m.body[:4] for m in client.login_trace if m.kind == "R"]


def lets_in(p, user="app", password="open sesame"):
    return p.raw(user, "app", password).value("select 1") == "1"


def test_simple_bind(ldap_pooler, simple):
    p = ldap_pooler(simple)
    assert lets_in(p)
    assert p.connect(password="'open sesame'").execute("select 1").fetchone() == (1,)
    traces = [refused(p, "app", "wrong"), refused(p, "nobody", "open sesame"), refused(p, "other", "open sesame")]
    assert traces[0] == traces[1] == traces[2] == [b"\0\0\0\3"]


def test_search_and_bind(ldap_pooler, search):
    p = ldap_pooler(search)
    assert lets_in(p)
    refused(p, "app", "wrong")
    refused(p, "nobody", "open sesame")
    p.wait_log("no entry is found")
    refused(p, "twice", "double")
    p.wait_log("several entries are found")


@pytest.mark.parametrize("extra,user,password", [
    ('ldapsearchattribute="mail"', "app@example.com", "open sesame"),
    ('ldapsearchfilter="(&(objectClass=inetOrgPerson)(|(uid=$username)(mail=$username)))"', "app", "open sesame"),
])
def test_what_is_searched_for(ldap_pooler, search, extra, user, password):
    p = ldap_pooler(f"{search} {extra}", databases={"app": lambda p: p.db("app", user="app")})
    assert lets_in(p, user, password)
    refused(p, user, "wrong")
    refused(p, "no" + user, password)


def test_by_url(ldap_pooler, slapd):
    p = ldap_pooler(f"ldapurl=ldap://127.0.0.1:{slapd.port}/ou=people,dc=example,dc=com?uid?sub")
    assert lets_in(p)
    refused(p, "app", "wrong")


def test_empty_password_is_refused_before_the_server_is_asked(ldap_pooler, simple, search, slapd):
    """To LDAP a name without a password is a visitor's, and is let in."""
    for options in (simple, search):
        p = ldap_pooler(options)
        before = slapd.said().count("ACCEPT")
        refused(p, "app", "")
        assert slapd.said().count("ACCEPT") == before


def test_names_are_names_and_nothing_else(ldap_pooler, simple, search):
    """Neither as part of a DN nor of a filter."""
    for options in (simple, search):
        p = ldap_pooler(options, databases={"*": lambda p: p.db("app", user="app")})
        assert lets_in(p, "o,k", "comma")
        assert lets_in(p, "st*r", "star")
        for name in ("*", "ap*", "app,ou=people,dc=example,dc=com", "app)(uid=*", "*)(|(uid=*", "app\\", "app+uid=app",
                     "#app", " app", "app ", "\\61pp", "app\x01"):
            refused(p, name, "open sesame")


@pytest.mark.parametrize("how", ["starttls", "ldaps", "url"])
def test_over_tls(ldap_pooler, slapd, how):
    dn = 'ldapprefix="uid=" ldapsuffix=",ou=people,dc=example,dc=com"'
    options = {"starttls": f"ldapserver=127.0.0.1 ldapport={slapd.port} ldaptls=1 {dn}",
               "ldaps": f"ldapserver=127.0.0.1 ldapscheme=ldaps ldapport={slapd.tls_port} {dn}",
               "url": f"ldapurl=ldaps://127.0.0.1:{slapd.tls_port} {dn}"}[how]
    p = ldap_pooler(options, env={"LDAPTLS_CACERT": str(slapd.certificate)})
    assert lets_in(p)
    refused(p, "app", "wrong")
    stranger = ldap_pooler(options, env={"LDAPTLS_CACERT": "/dev/null"})
    refused(stranger, "app", "open sesame")


def test_second_server_is_asked_when_the_first_is_down(ldap_pooler, simple, slapd):
    p = ldap_pooler(simple.replace("ldapserver=127.0.0.1", 'ldapserver="127.0.0.2 127.0.0.1"'))
    assert lets_in(p)


def test_by_hba_rule(pooler, simple, workdir, slapd):
    hba = workdir / f"ldap-{slapd.port}.hba"
    hba.write_text(f"host all app 127.0.0.1/32 ldap {simple}\nhost all other 127.0.0.1/32 trust\n")
    p = pooler(auth_type="hba", auth_hba_file=hba)
    assert lets_in(p)
    refused(p, "app", "wrong")
    assert lets_in(p, "other", None)


def test_the_servers_login_uses_the_password(ldap_pooler, simple):
    p = ldap_pooler(simple)
    assert p.raw("u_scram", "app", "pencil").value("select current_user") == "u_scram"


def test_wrong_reader(ldap_pooler, search):
    p = ldap_pooler(search.replace("reads", "guesses"))
    refused(p, "app", "open sesame")
    p.wait_log("LDAP .bind as ldapbinddn.")
    assert "guesses" not in p.log() and "open sesame" not in p.log()


def test_unknown_user_costs_the_server_as_much_as_a_wrong_password(ldap_pooler, search, slapd):
    """The same questions, one for one: their number tells nobody who exists."""
    p = ldap_pooler(search)

    def asked(user):
        at = len(slapd.said())
        refused(p, user, "wrong")
        until(lambda: "UNBIND" in slapd.said()[at:])
        return [word for line in slapd.said()[at:].split("\n") for word in line.split()
                if word in ("BIND", "SRCH", "UNBIND")]

    assert asked("app") == asked("nobody") == asked("twice")


# ---- faults in the configuration --------------------------------------------------------------------------


@pytest.mark.parametrize("options,words", [
    (None, "auth_type = ldap needs auth_ldap_options"),
    ("ldapserver=localhost ldapfoo=1", "auth_ldap_options"),
    ("ldapserver=localhost", "auth_ldap_options"),
])
def test_options_that_are_no_good(ldap_pooler, slapd, options, words):
    p = ldap_pooler(options, start=False)
    p.expect_exit = 1
    p.spawn()
    p.wait_exit()
    assert words in p.log()


# ---- a server that hangs ------------------------------------------------------------------------------------


@pytest.fixture
def silent(binary):
    judges.built_with(binary, "ldap")
    server = judges.Silent()
    yield server
    server.close()


@pytest.mark.parametrize("extra", ["", "ldaptls=1", "ldapscheme=ldaps"])
def test_server_that_hangs_is_given_up(pooler, silent, extra):
    """By the time of the login, and nobody else waits for it."""
    p = pooler(auth_type="ldap", client_login_timeout=5, auth_helpers=1, userlist={"other": "secret"}, workers=1,
               auth_ldap_options=f'ldapserver=127.0.0.1 ldapport={silent.port} ldapprefix="uid=" ldapsuffix=",dc=x" {extra}',
               databases={"app": lambda p: p.db("app"), "other": lambda p: p.db("other", auth_type="scram-sha-256")})
    waiting = []
    for _ in range(2):
        client = p.open()
        waiting.append(client)
        threading.Thread(target=lambda c=client: quietly(c), daemon=True).start()
    until(lambda: silent.taken, "the server is asked")
    assert p.raw("other", "other", "secret").value("select 1") == "1"
    p.wait_log("app/app@.*closing because: (client_login_timeout|LDAP authentication failed)", count=2)
    assert p.raw("other", "other", "secret").value("select 1") == "1"


def quietly(client):
    try:
        client.login("app", "app", "open sesame")
    except Exception:  # noqa: B902 - it is to fail, one way or the other
        pass
