"""Before it is known who it is: how many may be there, and how long those wait whose address has failed."""

import signal

import pytest

import rawwire
from cluster import own
from rawwire import Gone, Refused
from test_proxy_protocol import v1
from waiting import until, until_equal

pytestmark = pytest.mark.pgweir

TOO_MANY = "too many connections that have not logged in (max_login_conn)"


@pytest.fixture
def guarded(pooler):
    def make(**settings):
        settings = {"auth_type": "md5", "workers": 1, **settings}
        return pooler(args=["-v", "-v"], userlist={"app": "right", "admin": "x"}, **settings)

    return make


def fails(p, times=1, address=None, head=b"", user="app"):
    for _ in range(times):
        client = p.open(address=address)
        if head:
            client.send(head)
        with pytest.raises(Refused) as refused:
            client.login(user, "app", "wrong")
        assert refused.value.error.sqlstate == "28P01"
        client.drop()


def held(p):
    return p.log().count("STARTUP -> HELD")


def lines(p):
    return p.log().count(": login refused")


def test_guesser_has_to_wait(guarded):
    p = guarded()
    fails(p, 5)
    assert held(p) == 0
    fails(p, 2)
    until_equal(lambda: held(p), 2)
    fails(p, 1, user="nobody")  # whoever it says it is
    until_equal(lambda: held(p), 3)


def test_right_password_ends_the_wait(guarded):
    p = guarded()
    fails(p, 5)
    p.raw(password="right").close()
    until_equal(lambda: held(p), 1)
    p.raw(password="right").close()
    fails(p, 4)
    p.raw(password="right").close()
    until_equal(lambda: held(p), 1)


def test_who_needs_no_password_ends_no_wait(guarded, workdir):
    rules = workdir / "trusting.conf"
    rules.write_text("host all admin all trust\nhost all all all md5\n")
    p = guarded(auth_type="hba", auth_hba_file=own(rules))
    fails(p, 5)
    p.open().login("admin", "pgweir").close()
    fails(p, 1)
    until_equal(lambda: held(p), 2)


def test_who_waits_is_heard_afterwards(guarded):
    """What it has sent meanwhile is not lost."""
    p = guarded(auth_type="plain")
    fails(p, 6)
    client = p.open()
    client.send(rawwire.startup("app", "app"), rawwire.message("p", rawwire.cstr("right")), rawwire.Q("select 7"))
    got = client.ready(2)
    assert [m.row() for m in got if m.kind == "D"] == [["7"]]
    until_equal(lambda: held(p), 2)


def test_who_leaves_while_waiting(guarded):
    p = guarded(auth_failure_delay=60)
    fails(p, 8)
    client = p.open()
    client.send(rawwire.startup("app", "app"))
    until_equal(lambda: held(p), 4, "it waits, as the last three did")
    client.drop()
    p.wait_log("HELD -> CLOSING")


def test_waiting_counts_against_the_login_timeout(guarded):
    p = guarded(auth_failure_delay=60)
    fails(p, 9)  # the next one waits for 1.6 s
    p.change(client_login_timeout=1)
    p.signal(signal.SIGHUP)
    p.wait_log("configuration reloaded")
    client = p.open()
    client.send(rawwire.startup("app", "app"))
    (error,) = client.rest()
    assert error.text == "client_login_timeout"


def test_nobody_waits_where_that_is_off(guarded):
    p = guarded(auth_failure_delay=0)
    fails(p, 20)
    assert held(p) == 0


def test_unix_socket_does_not_wait(guarded):
    p = guarded()
    fails(p, 8, address=p.socket_path)
    until(lambda: lines(p) == 8, "all of them are logged")
    assert held(p) == 0


def test_address_behind_a_balancer_is_what_counts(guarded):
    p = guarded(proxy_protocol_from="127.0.0.0/8")
    fails(p, 6, head=v1("192.0.2.1"))
    until_equal(lambda: held(p), 1)
    fails(p, 1, head=v1("192.0.2.2"))
    until_equal(lambda: held(p), 1)
    fails(p, 5, head=v1("2001:db8::1"))
    fails(p, 1, head=v1("2001:db8::2"))  # the same /64
    until_equal(lambda: held(p), 2)


def test_log_is_spared(guarded):
    p = guarded(auth_failure_delay=0, auth_failure_interval=1)
    fails(p, 40)
    match = p.wait_log(r"(\d+) more logins from 127\.0\.0\.1 were refused within 1 s")
    until(lambda: lines(p) + sum(int(m) for m in told(p)) == 40, "all failures are accounted for")
    assert int(match[1]) >= 1


def told(p):
    return [line.split(" more logins from ")[0].split()[-1] for line in p.log().split("\n") if "more logins from" in line]


# ---- how many -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_oldest_of_those_who_have_not_logged_in_goes(guarded, workers):
    p = guarded(max_login_conn=6, workers=workers)
    idle = [p.open() for _ in range(20)]
    p.raw(password="right").close()

    def told_to_go():
        gone = [client for client in idle if client.has_input()]
        return gone if len(gone) >= 20 - 6 - workers else None

    gone = until(told_to_go, "they make room")
    (error,) = gone[0].rest()
    assert error.text == TOO_MANY and error.sqlstate == "53300"
    if workers == 1:
        assert gone == idle[:len(gone)]


def test_who_has_logged_in_does_not_count(guarded):
    p = guarded(max_login_conn=2)
    clients = [p.raw(password="right") for _ in range(10)]
    assert all(client.rows("select 1") == [["1"]] for client in clients)


def test_who_stops_in_the_middle_of_a_login_goes_too(guarded):
    p = guarded(max_login_conn=3)
    half = p.open()
    half.send(rawwire.startup("app", "app"))
    assert half.read().kind == "R"
    asked = p.open()
    asked.send(rawwire.ssl_request())
    assert asked.byte() == b"N"
    for _ in range(3):
        p.open()
    assert half.rest()[-1].text == TOO_MANY
    assert asked.rest()[-1].text == TOO_MANY


def test_half_logins_do_not_keep_others_out(guarded):
    """max_client_conn is reached by some who do not go on: they make room."""
    p = guarded(max_client_conn=3)
    first = p.raw(password="right")
    half = [p.open() for _ in range(2)]
    for client in half:
        client.send(rawwire.startup("app", "app"))
        assert client.read().kind == "R"

    def gets_in():
        try:
            p.raw(password="right")
            return True
        except (Refused, Gone):
            return False

    until(gets_in, "somebody with a password gets in")
    assert half[0].rest()[-1].text == TOO_MANY
    assert first.rows("select 1") == [["1"]]
