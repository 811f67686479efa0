"""auth_type pam: what PAM says counts, how long it may take, and who has to wait for it."""

import signal

import psycopg
import pytest

import judges
import rawwire
from rawwire import Gone, Refused, cstr, message
from waiting import until

RIGHT = '[ "$PAM_USER $password" = "app open sesame" ] || exit 1'


@pytest.fixture
def pam(binary, workdir):
    judges.built_with(binary, "pam")
    judges.needs_root()
    service = judges.Pam(workdir)
    yield service
    service.close()


def refused(p, user, password, **keys):
    client = p.open(**keys)
    with pytest.raises(Refused) as error:
        client.login(user, "app", password)
    assert client.rest() == []
    return error.value.error, client.login_trace


def test_pam_is_asked_about_authentication_and_account(pooler, pam):
    p = pooler(auth_type="pam", auth_pam_service=pam.serve(RIGHT).name, auth_file=None)
    assert p.raw(password="open sesame").value("select current_user") == "app"
    assert pam.called() == ["auth app 127.0.0.1", "account app"]
    with p.connect(password="'open sesame'") as conn:
        assert conn.execute("select 1").fetchone() == (1,)
    for user, password in (("app", "wrong"), ("app", "open sesam"), ("nobody", "open sesame")):
        error, trace = refused(p, user, password)
        assert (error.severity, error.sqlstate) == ("FATAL", "28000")
        assert error.text == f'PAM authentication failed for user "{user}"'
        assert [m.body[:4] for m in trace if m.kind == "R"] == [b"\0\0\0\3"]
    p.wait_log(r"login refused: PAM \(authentication, service")


def test_account_phase_refuses(pooler, pam):
    """The password is right, and the account is closed."""
    p = pooler(auth_type="pam", auth_pam_service=pam.serve(RIGHT, account="exit 1").name, auth_file=None)
    error, _ = refused(p, "app", "open sesame")
    assert error.sqlstate == "28000"
    assert pam.called()[-1] == "account app"
    p.wait_log(r"login refused: PAM \(account, service")


def test_empty_password_is_not_passed_on(pooler, pam):
    p = pooler(auth_type="pam", auth_pam_service=pam.serve("exit 0").name, auth_file=None)
    error, _ = refused(p, "app", "")
    assert error.sqlstate == "28000"
    assert pam.called() == []


def test_results_are_not_kept(pooler, pam):
    p = pooler(auth_type="pam", auth_pam_service=pam.serve(RIGHT).name, auth_file=None)
    for _ in range(2):
        assert p.raw(password="open sesame").value("select 1") == "1"
    assert len(pam.called()) == 4
    pam.serve("exit 1")
    refused(p, "app", "open sesame")


def test_no_service_lets_nobody_in(pooler, pam):
    p = pooler(auth_type="pam", auth_pam_service="pgweir-e2e-no-such-service", auth_file=None)
    error, _ = refused(p, "app", "open sesame")
    assert error.sqlstate == "28000"


def test_the_servers_login_uses_the_password(pooler, pam):
    """u_scram's server asks for its password: pgweir knows it from the client alone."""
    p = pooler(auth_type="pam", auth_pam_service=pam.serve('[ "$password" = pencil ] || exit 1').name, auth_file=None)
    assert p.raw("u_scram", password="pencil").value("select current_user") == "u_scram"


def test_by_hba_rule_with_a_service_of_its_own(pooler, pam, workdir):
    hba = workdir / f"{pam.name}.hba"
    hba.write_text(f"host all app 127.0.0.1/32 pam pamservice={pam.serve(RIGHT).name}\n")
    p = pooler(auth_type="hba", auth_hba_file=hba, auth_pam_service="pgweir-e2e-no-such-service")
    assert p.raw(password="open sesame").value("select 1") == "1"
    refused(p, "app", "wrong")


def test_over_the_unix_socket(pooler, pam):
    p = pooler(auth_type="pam", auth_pam_service=pam.serve(RIGHT).name, auth_file=None)
    assert p.raw(password="open sesame", address=p.socket_path).value("select 1") == "1"
    assert pam.called()[0] == "auth app [local]"


def test_modules_that_ask_for_more_are_refused(pooler, pam):
    """pam_permit lets in; pam_deny does not; neither asks."""
    p = pooler(auth_type="pam", auth_pam_service=pam.name, auth_file=None)
    pam.modules("auth required pam_permit.so\naccount required pam_permit.so\n")
    assert p.raw(password="whatever").value("select 1") == "1"
    pam.modules("auth required pam_permit.so\naccount required pam_deny.so\n")
    refused(p, "app", "whatever")
    pam.modules("auth required pam_deny.so\naccount required pam_permit.so\n")
    refused(p, "app", "whatever")


# ---- a PAM that hangs ------------------------------------------------------------------------------------


@pytest.fixture
def hung(pam):
    """A service that answers when it is told to."""
    gate = pam.directory / "gate"
    pam.serve(f'while [ ! -e {gate} ]; do sleep 0.05; done; {RIGHT}')
    pam.open = gate.touch
    yield pam
    gate.touch()


def lists(p):
    return {row["list"]: row["items"] for row in p.show("lists")}


def begin(p, user="app", password="open sesame"):
    client = p.open()
    client.send(rawwire.startup(user, "app"))
    client.read_until("R")
    client.send(message("p", cstr(password)))
    return client


def test_hung_pam_keeps_only_those_waiting_who_need_it(pooler, hung):
    p = pooler(auth_type="pam", auth_pam_service=hung.name, auth_helpers=2, userlist={"other": "secret"}, workers=1,
               databases={"app": lambda p: p.db("app"), "other": lambda p: p.db("other", auth_type="scram-sha-256")})
    waiting = [begin(p) for _ in range(3)]
    until(lambda: len(hung.called()) == 2, "two threads ask PAM")
    for _ in range(3):
        assert p.raw("other", "other", "secret").value("select 1") == "1"
    assert len(hung.called()) == 2
    hung.open()
    for client in waiting:
        client.ready()
        assert client.value("select 1") == "1"


def test_full_queue_is_refused_at_once(pooler, hung):
    p = pooler(auth_type="pam", auth_pam_service=hung.name, auth_file=None, auth_helpers=1, auth_max_waiting=2)
    waiting = [begin(p)]
    until(lambda: len(hung.called()) == 1, "the one thread is busy")
    waiting += [begin(p) for _ in range(3)]

    def refused_one():
        return [c for c in waiting if c.has_input()]

    (late,) = until(refused_one, "one of the three is refused")
    (error,) = late.rest()
    assert (error.severity, error.sqlstate) == ("FATAL", "53300")
    assert error.text == "too many logins are waiting for PAM authentication"
    waiting.remove(late)
    assert refused_one() == []
    hung.open()
    for client in waiting:
        client.ready()


def test_client_that_leaves_gives_its_place_up(pooler, hung):
    p = pooler(auth_pam_service=hung.name, auth_helpers=1, auth_max_waiting=1,
               databases={"app": lambda p: p.db("app", auth_type="pam")})
    waiting = [begin(p)]
    until(lambda: len(hung.called()) == 1, "the one thread is busy")
    for _ in range(5):
        begin(p).drop()
        until(lambda: int(lists(p)["login_clients"]) == 1, "it is noticed that the client has left")
    waiting.append(begin(p))
    hung.open()
    for client in waiting:
        client.ready()
    until(lambda: len([c for c in hung.called() if c.startswith("account")]) == 2)


def test_login_timeout_ends_the_wait(pooler, hung):
    p = pooler(auth_type="pam", auth_pam_service=hung.name, auth_file=None, auth_helpers=1, client_login_timeout=5)
    running, queued = begin(p), begin(p)
    for client in (running, queued):
        (error,) = client.rest()
        assert "client_login_timeout" in error.text
    hung.open()

    def comes_in():
        try:
            return p.raw(password="open sesame")
        except (Refused, Gone):  # not in time
            return None

    assert until(comes_in).value("select 1") == "1"


def test_stop_does_not_wait_for_a_hung_pam(pooler, hung, monkeypatch):
    monkeypatch.setenv("TSAN_OPTIONS", "report_thread_leaks=0")  # it is left behind, and that is meant
    p = pooler(auth_type="pam", auth_pam_service=hung.name, auth_file=None)
    begin(p)
    until(lambda: len(hung.called()) == 1, "PAM is asked")
    p.signal(signal.SIGQUIT)
    p.wait_exit(30)


def test_psycopg_sees_postgresqls_error(pooler, pam):
    p = pooler(auth_type="pam", auth_pam_service=pam.serve(RIGHT).name, auth_file=None)
    with pytest.raises(psycopg.OperationalError, match='PAM authentication failed for user "app"'):
        p.connect(password="wrong")
