"""The table in README.md: which way of logging in to pgweir goes with which way of logging in to the server."""

import os
import pwd
import re

import pytest

import judges
import rawwire
from authority import Authority
from cluster import PASSWORD
from pooler import ROOT
from rawwire import Refused
from tlswire import TlsClient, client_context

pytestmark = [pytest.mark.pgweir, pytest.mark.timeout(180)]

TITLE = "### Which combination of client and server authentication works"
# Whom the server asks for what; u_open has a password that nobody asks for.
USERS = {"trust": "u_open", "scram-sha-256": "u_scram", "md5": "u_md5", "password": "u_plain"}


def table():
    """Its columns' names, and its rows: client's method, what is known, what comes of it for each server."""
    chapter = (ROOT / "README.md").read_text().split(TITLE)[1].split("\n#")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")]
             for line in chapter.split("\n") if line.startswith("|")]
    servers = [re.search("`(.*)`", cell)[1] for cell in lines[0][2:]]
    return servers, [(row[0].strip("`"), row[1], dict(zip(servers, row[2:]))) for row in lines[2:]]


SERVERS, ROWS = table()


def test_the_table_is_whole():
    assert SERVERS == list(USERS)
    assert {row[0] for row in ROWS} == {"scram-sha-256", "md5", "plain", "trust", "cert", "peer", "pam", "ldap", "pass"}
    assert len({row[:2] for row in ROWS}) == len(ROWS) >= 27
    assert {cell for row in ROWS for cell in row[2].values()} == {"yes", "no"}


@pytest.fixture
def u_open(cluster):
    """In the shared cluster for the time of the test."""
    cluster.sql(f"create role u_open login password '{PASSWORD}'")
    yield
    cluster.sql("drop role u_open")


@pytest.fixture(scope="module")
def authority(workdir):
    return Authority(workdir / "table-authority")


@pytest.fixture(scope="module")
def slapd(binary, workdir):
    judges.built_with(binary, "ldap")
    judges.needs_slapd()
    server = judges.Ldap(workdir, *[judges.person(user, PASSWORD) for user in USERS.values()])
    yield server
    server.close()


@pytest.fixture
def pam(binary, workdir):
    judges.built_with(binary, "pam")
    judges.needs_root()
    service = judges.Pam(workdir).serve(f'[ "$password" = {PASSWORD} ] || exit 1')
    yield service
    service.close()


def secrets(cluster, known):
    """auth_file, and the settings with which the users are looked up."""
    kept = dict(cluster.sql("select rolname, rolpassword from pg_authid where rolpassword is not null"))

    def scram(user):
        return kept[user] if kept[user].startswith("SCRAM") else rawwire.scram_secret(PASSWORD)

    if known == "what `auth_query` finds":
        return {"postgres": ""}, {"auth_user": "postgres"}
    if known == "nothing":
        return {}, {"auth_file": None}
    of = {"its password": lambda user: PASSWORD, "its name alone": lambda user: "", "its SCRAM secret": scram,
          "its md5 hash": lambda user: rawwire.md5_secret(user, PASSWORD)}[known]
    return {user: of(user) for user in USERS.values()}, {}


def settings_of(method, request, workdir):
    """What the client's method needs of the configuration beside its name."""
    if method == "pam":
        return {"auth_pam_service": request.getfixturevalue("pam").name}
    if method == "pass":
        return {"pass_requires_tls": 0}
    if method == "ldap":
        port = request.getfixturevalue("slapd").port
        return {"auth_ldap_options": f'ldapserver=127.0.0.1 ldapport={port} ldapprefix="uid=" '
                                     'ldapsuffix=",ou=people,dc=example,dc=com"'}
    if method == "cert":
        authority = request.getfixturevalue("authority")
        pair = authority.issue("localhost", sans=["localhost"])
        return {"client_tls_sslmode": "require", "client_tls_key_file": pair.key, "client_tls_cert_file": pair.cert,
                "client_tls_ca_file": authority.cert}
    if method == "pass":
        return {"pass_requires_tls": 0}
    if method == "peer":  # one system user runs the tests: it may be all of them
        me = pwd.getpwuid(os.geteuid()).pw_name
        hba, ident = workdir / f"table-{os.getpid()}.hba", workdir / f"table-{os.getpid()}.ident"
        hba.write_text("local all all peer map=us\n")
        ident.write_text(f"us {me} all\n")
        return {"auth_type": "hba", "auth_hba_file": hba, "auth_ident_file": ident}
    return {}


def open_client(p, method, user, request):
    if method == "cert":
        pair = request.getfixturevalue("authority").issue(user)
        client = TlsClient(p.address, client_context(pair=pair))
        p.clients.append(client)
        return client
    return p.open(address=p.socket_path if method == "peer" else None)


@pytest.mark.parametrize("method,known,wanted", ROWS, ids=[f"{m}-{re.sub('[^a-z0-9]+', '-', k.lower())}" for m, k, _ in ROWS])
def test_row(pooler, cluster, u_open, request, workdir, method, known, wanted):
    userlist, lookup = secrets(cluster, known)
    p = pooler(userlist=userlist, pool_mode="session",
               **{"auth_type": method, **lookup, **settings_of(method, request, workdir)})
    got = {}
    for server, user in USERS.items():
        try:
            client = open_client(p, method, user, request).login(user, "app", PASSWORD)
            got[server] = "yes" if client.value("select current_user") == user else "somebody else"
        except (Refused, AssertionError):
            got[server] = "no"
    assert got == wanted
