"""Secrets stay secret: who may touch the files, what is shown, what can be dumped, where they may come from."""

import base64
import hashlib
import hmac
import os
import pathlib
import re
import subprocess

import pytest

import rawwire
from authority import Authority
from cluster import PASSWORD, identity, own
from rawwire import Refused
from waiting import until

pytestmark = pytest.mark.pgweir

PLAIN = "zzPlainOfTheUserList"
WRONG = "zzWrongOfAClient"
SERVER = "zzOfTheDatabase"
LDAP = "zzOfLdap"
LDAP_OPTION = "zzOfLdapOptions"
SCRAM = ("SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$9VHUCDTSKvMCGFB/vp9kNA2/kjTBVkSMgGhDJHVpAZE="
         ":zzServerKeyOfTheUserList6hbWzHvpSrMRxMSq1r8A=")


def check(p, **env):
    """pgweir -t: its status, and what it says."""
    done = subprocess.run([p.binary.path, "-t", p.inifile], capture_output=True, text=True, check=False,
                          env={**p.environment(), **env}, **identity())
    return done.returncode, done.stdout + done.stderr


def put(p, name, text, mode=0o640):
    path = p.directory / name
    path.write_text(text)
    path.chmod(mode)
    own(path)
    return path


def ask(p, command):
    console = p.raw("admin", "pgweir", "x")
    rows = console.dicts(command)
    console.close()
    return rows


SHEETS = ("clients", "servers", "pools", "databases", "users", "config", "stats", "sockets", "lists", "mem", "dns_hosts", "totals", "active_sockets")


def test_nothing_is_shown_or_logged(pooler):
    p = pooler(args=["-v", "-v"], auth_type="plain", log_connections=1, log_disconnections=1,
               log_min_duration_statement=0,
               userlist={"app": PLAIN, "other": SCRAM, "admin": "x", "u_pass": "md5" + "a" * 32},
               databases={"app": lambda p: p.db("app"),
                          "fixed": lambda p: p.db("app", user="u_pass", password=SERVER)})
    hba = put(p, "hba.conf", f"host nobody all all ldap ldapserver=x ldapbasedn=y ldapbindpasswd={LDAP}\n"
                             "host all all all password\n")
    p.change(auth_type="hba", auth_hba_file=hba,
             auth_ldap_options=f"ldapserver=x ldapbasedn=y ldapbindpasswd={LDAP_OPTION}")
    p.signal(1)
    until(lambda: "auth_hba_file" in str(ask(p, "show config")), "the reload")
    for database in ("app", "fixed"):
        for password in (PLAIN, WRONG):
            try:
                p.raw("app", database, password).close()
            except Refused as refused:
                assert password not in repr(refused.error)
    shown = ""
    for sheet in SHEETS:
        shown += str(ask(p, f"show {sheet}"))
    assert "(hidden)" in shown
    for secret in (PLAIN, WRONG, SERVER, LDAP, LDAP_OPTION, "zzServerKey", "a" * 32):
        assert secret not in p.log(), secret
        assert secret not in shown, secret


@pytest.mark.parametrize("mode,verdict", [(0o600, "fine"), (0o640, "fine"), (0o644, "warned"), (0o602, "refused"),
                                          (0o666, "refused")])
@pytest.mark.parametrize("which", ["auth_file", "auth_hba_file", "auth_ident_file", "client_tls_key_file"])
def test_who_may_touch_the_files(pooler, workdir, which, mode, verdict):
    p = pooler(start=False)
    secret = "host all all all ldap ldapserver=x ldapbasedn=y ldapbindpasswd=z\n"
    pair = Authority(workdir / "authority-secrets").issue("localhost")
    path = {"auth_file": p.userlist,
            "auth_hba_file": put(p, "hba.conf", secret),
            "auth_ident_file": put(p, "ident.conf", "m a b\n"),
            "client_tls_key_file": pair.key}[which]
    p.change(**{"client_tls_sslmode": "prefer", "client_tls_cert_file": pair.cert, "client_tls_key_file": pair.key,
                which: path})
    path.chmod(mode)
    status, text = check(p)
    assert (status != 0) == (verdict == "refused"), text
    if verdict == "refused":
        assert "can be written to by anybody" in text
    is_warned = verdict == "warned" and which != "auth_ident_file"  # that has no secret in it
    assert ("can be read by anybody" in text or "that anybody can read" in text) == is_warned, text


def test_group_that_is_not_ours_may_not_write(pooler):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    p = pooler()
    os.chown(p.userlist, p.userlist.stat().st_uid, 12345)
    p.userlist.chmod(0o660)
    status, text = check(p)
    assert status != 0 and "can be written to by the group 12345" in text


def test_process_cannot_be_dumped(pooler):
    if os.geteuid() != 0:
        pytest.skip("the pooler runs as who looks at it")
    p = pooler(core_dumps=None)
    if p.binary.sanitized():
        pytest.skip("sanitizers have to look into the process")
    assert pathlib.Path(f"/proc/{p.pid}/environ").stat().st_uid == 0
    q = pooler(core_dumps=1)
    assert pathlib.Path(f"/proc/{q.pid}/environ").stat().st_uid == q.inifile.stat().st_uid


def areas(p):
    """What the process may write to: start, end, and whether a core file would have it."""
    found, area = [], None
    with open(f"/proc/{p.pid}/smaps") as maps:
        for line in maps:
            words = line.split()
            if re.match("[0-9a-f]+-[0-9a-f]+$", words[0]):
                area = [int(part, 16) for part in words[0].split("-")] if words[1].startswith("rw") else None
            elif words[0] == "VmFlags:" and area:
                found.append((*area, "dd" not in words))
    return found


def in_memory(p, text, dumped_only=False):
    """How often the text is there."""
    count = 0
    with open(f"/proc/{p.pid}/mem", "rb") as memory:
        for start, end, is_dumped in areas(p):
            if dumped_only and not is_dumped:
                continue
            try:
                memory.seek(start)
                count += memory.read(end - start).count(text)
            except OSError:
                pass
    return count


@pytest.mark.parametrize("method", ["plain", "pass"])
def test_password_that_was_wrong_does_not_stay_in_memory(pooler, method):
    if os.geteuid() != 0:
        pytest.skip("only root can look into the process")
    p = pooler(auth_type=method, workers=1, userlist={"app": rawwire.scram_secret(PASSWORD), "admin": "x"})
    if p.binary.sanitized():
        pytest.skip("sanitizers keep what was freed")
    word = "x" * 200 + os.urandom(8).hex()
    client = p.open(address=p.socket_path)
    with pytest.raises(Refused):
        client.login("app", "app", word)
    client.drop()
    # a few dozen bytes may be on a stack, where registers were saved
    until(lambda: in_memory(p, word[-150:].encode()) == 0, "it is wiped")


def test_secrets_that_are_kept_are_in_no_core_file(pooler):
    """Though core files are allowed: users' secrets, passwords of clients, keys of SCRAM, and the configuration's."""
    if os.geteuid() != 0:
        pytest.skip("only root can look into the process")
    words = {name: "x" * 20 + os.urandom(8).hex() for name in ("listed", "in_conf", "said")}
    secret = rawwire.scram_secret(words["said"])
    p = pooler(core_dumps=1, workers=1, userlist={"app": words["listed"], "u_trust": secret, "admin": "", "other": secret},
               databases={"app": lambda p: p.db(auth_type="plain"), "scram": lambda p: p.db("app", auth_type="scram-sha-256"),
                          "conf": lambda p: p.db("app", user="app", password=words["in_conf"])})
    if p.binary.sanitized():
        pytest.skip("sanitizers keep what was freed")
    # servers that ask for nothing: what libpq is told stays with libpq as long as the connection is there
    assert p.raw("u_trust", "app", words["said"]).value("select 1") == "1"
    assert p.raw("other", "scram", words["said"]).value("select 1") == "1"
    p.console("reconnect")
    until(lambda: not p.show("servers"), "libpq has forgotten it")
    salt, stored = (base64.b64decode(part.split(":")[i]) for part, i in zip(secret.split("$")[1:], (1, 0)))
    salted = hashlib.pbkdf2_hmac("sha256", words["said"].encode(), salt, 4096)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    for name, text in {**{k: v.encode() for k, v in words.items()}, "secret": secret.encode(), "stored": stored,
                       "client_key": client_key}.items():
        assert in_memory(p, text) > 0, name
        until(lambda text=text: in_memory(p, text, dumped_only=True) == 0, f"{name} is in what is not dumped alone")


def test_credentials_of_systemd(pooler, workdir):
    p = pooler(databases={"app": lambda p: p.db("app"), "as_other": lambda p: p.db("app", user="u_pass")})
    credentials = p.directory / "credentials"
    credentials.mkdir()
    own(credentials)
    put(p, "credentials/users", '"app" "sesame"\n"admin" "x"\n', 0o400)
    put(p, "credentials/pw", PASSWORD + "\n", 0o400)
    pair = Authority(workdir / "authority-credentials").issue("localhost")
    put(p, "credentials/key", pair.key.read_text(), 0o400)
    p.stop()
    p.env["CREDENTIALS_DIRECTORY"] = str(credentials)
    p.databases["as_other"] = lambda p: p.db("app", user="u_pass", password="credential:pw")
    p.change(auth_type="plain", auth_file="credential:users", client_tls_sslmode="prefer",
             client_tls_cert_file=pair.cert, client_tls_key_file="credential:key")
    p.start()
    assert p.raw("app", "app", "sesame").rows("select 1") == [["1"]]
    assert p.raw("app", "as_other", "sesame").rows("select current_user") == [["u_pass"]]
    with pytest.raises(Refused):
        p.raw("app", "app", "credential:users")
    assert PASSWORD not in str(ask(p, "show databases")) + p.log()


def test_credential_without_systemd_is_a_fault(pooler):
    p = pooler()
    p.change(auth_file="credential:users")
    status, text = check(p)
    assert status != 0 and "auth_file: " in text and "LoadCredential=" in text
    p.change(auth_file="credential:../users")
    status, text = check(p, CREDENTIALS_DIRECTORY=str(p.directory))
    assert status != 0 and "does not name a credential" in text
