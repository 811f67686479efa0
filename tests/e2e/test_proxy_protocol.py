"""Clients that come through a balancer: the PROXY protocol, and who is believed."""

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess

import pytest

import rawwire
from authority import Authority
from cluster import free_port, identity, own
from rawwire import Client, Gone, Refused
from tlswire import TlsClient, client_context
from waiting import until

pytestmark = pytest.mark.pgweir

SIGN = b"\r\n\r\n\0\r\nQUIT\n"


def v1(address="192.0.2.7", port=50000):
    family = "TCP6" if ":" in address else "TCP4"
    return f"PROXY {family} {address} {address} {port} 6432\r\n".encode()


def v2(address="192.0.2.7", port=50000, tlvs=b"", command=1):
    family, kind = (socket.AF_INET6, 0x21) if ":" in address else (socket.AF_INET, 0x11)
    ip = socket.inet_pton(family, address)
    body = ip + ip + struct.pack("!HH", port, 6432) + tlvs
    return SIGN + bytes([0x20 | command, kind]) + struct.pack("!H", len(body)) + body


@pytest.fixture
def fronted(pooler):
    def make(**settings):
        settings.setdefault("proxy_protocol_from", "127.0.0.0/8")
        settings.setdefault("listen_addr", "127.0.0.1")
        return pooler(**settings)

    return make


def through(p, *parts, split=0, address=None):
    """A client behind the header, not logged in."""
    client = p.open(split, address)
    client.send(*parts)
    return client


def shown(p, client, header=None):
    """The address and port that the console has for the client's connection."""
    console = through(p, header or v1("198.51.100.1")).login("admin", "pgweir")
    rows = [row for row in console.dicts("show clients") if row["user"] == "app"]
    console.close()
    assert len(rows) == 1, rows
    return rows[0]["addr"], int(rows[0]["port"])


HEADERS = {
    "v1": (v1(), ("192.0.2.7", 50000)),
    "v1-ipv6": (v1("2001:db8::7", 65535), ("2001:db8::7", 65535)),
    "v2": (v2(), ("192.0.2.7", 50000)),
    "v2-ipv6": (v2("2001:db8::7"), ("2001:db8::7", 50000)),
    "v2-tlvs": (v2(tlvs=b"\x04\0\x05abcde" + b"\xea" + struct.pack("!H", 3000) + bytes(3000)), ("192.0.2.7", 50000)),
    "v2-mapped": (v2("::ffff:192.0.2.8"), ("192.0.2.8", 50000)),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_client_is_who_the_balancer_says(fronted, kind):
    p = fronted(log_connections=1)
    header, who = HEADERS[kind]
    client = through(p, header).login("app", "app")
    assert client.rows("select 1")[0][0] == "1"
    assert shown(p, client) == who
    host = f"[{who[0]}]" if ":" in who[0] else who[0]
    p.wait_log(rf"client app/app@{host}:{who[1]}".replace("[", r"\[").replace("]", r"\]") + ": login ok")


@pytest.mark.parametrize("header", [v1(), v2(tlvs=b"\x04\0\x01x")], ids=["v1", "v2"])
def test_header_in_pieces(fronted, header):
    p = fronted()
    client = through(p, header, split=1)
    client.split = 0
    client.login("app", "app")
    assert shown(p, client) == ("192.0.2.7", 50000)


def test_header_and_startup_in_one_packet(fronted):
    p = fronted()
    client = through(p, v2(), rawwire.startup("app", "app"))
    assert client.ready()[-1].status() == "I"
    assert shown(p, client) == ("192.0.2.7", 50000)


UNNAMED = {
    "v1-unknown": b"PROXY UNKNOWN\r\n",
    "v1-unknown-with-more": b"PROXY UNKNOWN ::1 ::1 5 6\r\n",
    "v2-local": v2(command=0),
    "v2-local-bare": SIGN + b"\x20\0\0\0",
    "v2-unspecified": SIGN + b"\x21\0\0\0",
    "v2-unix": SIGN + b"\x21\x31\0\xd8" + bytes(216),
}


@pytest.mark.parametrize("kind", UNNAMED)
def test_balancer_that_names_nobody(fronted, kind):
    """A health check of the balancer's own, say: the socket's address counts."""
    p = fronted()
    client = through(p, UNNAMED[kind]).login("app", "app")
    assert shown(p, client) == ("127.0.0.1", client.sock.getsockname()[1])


BAD = {
    "v1-words": b"PROXY TCP4 192.0.2.7 192.0.2.7 50000\r\n",
    "v1-family": b"PROXY TCP6 192.0.2.7 192.0.2.7 50000 6432\r\n",
    "v1-port": b"PROXY TCP4 192.0.2.7 192.0.2.7 70000 6432\r\n",
    "v1-endless": b"PROXY UNKNOWN " + b"x" * 200,
    "v2-command": SIGN + b"\x25\x11\0\x0c" + bytes(12),
    "v2-short": SIGN + b"\x21\x11\0\x04" + bytes(4),
    "v2-tlv": v2(tlvs=b"\x04\xff\xff"),
    "v2-crc": v2(tlvs=b"\x03\0\x04\0\0\0\0"),
    "v2-long": SIGN + b"\x21\x11\xff\xff" + bytes(12),
}


@pytest.mark.parametrize("kind", BAD)
def test_malformed_header(fronted, kind):
    p = fronted()
    client = through(p, BAD[kind])
    (error,) = client.rest()
    assert error.sqlstate == "08P01" and "malformed PROXY header" in error.text
    through(p, v1()).login("app", "app").close()


@pytest.mark.parametrize("first", [rawwire.startup("app", "app"), rawwire.ssl_request(), b"\x16\x03\x01", b"GET / "],
                         ids=["startup", "sslrequest", "tls", "http"])
def test_header_is_mandatory(fronted, first):
    p = fronted()
    (error,) = through(p, first).rest()
    assert error.sqlstate == "08P01" and "a PROXY header is expected from this address" in error.text


@pytest.mark.parametrize("header", [v1(), v2()], ids=["v1", "v2"])
def test_stranger_with_a_header_is_not_believed(fronted, header):
    p = fronted(proxy_protocol_from="192.0.2.0/24, 2001:db8::/32")
    (error,) = through(p, header, rawwire.startup("app", "app")).rest()
    assert error.sqlstate == "08P01"
    p.raw().close()


def test_header_names_a_balancer_of_the_list(fronted):
    """It is the socket's address that is believed or not: headers do not nest."""
    p = fronted()
    (error,) = through(p, v1("127.0.0.1"), v1("192.0.2.7")).rest()
    assert error.sqlstate == "08P01"


def test_empty_connections_of_health_checks(fronted):
    p = fronted()
    for sent in (b"", b"P", v1()[:20], v1()):
        through(p, sent).drop()
    through(p, v1()).login("app", "app").close()
    assert "BUG" not in p.log()


def test_half_a_header_until_the_login_timeout(fronted):
    p = fronted(client_login_timeout=1)
    (error,) = through(p, v2()[:20]).rest()
    assert error.text == "client_login_timeout"


def test_unix_socket_behind_a_balancer(fronted):
    p = fronted(proxy_protocol_from="unix")
    p.raw().close()
    client = through(p, v1(), address=p.socket_path).login("app", "app")
    rows = p.show("clients", user="app")
    assert [(row["addr"], row["port"]) for row in rows] == [("192.0.2.7", "50000")]
    client.close()
    (error,) = through(p, rawwire.startup("app", "app"), address=p.socket_path).rest()
    assert error.sqlstate == "08P01"


def test_who_comes_from_a_balancer_is_not_the_socket_s_user(pooler):
    """Over the Unix socket the pooler's own user may into the console: not so somebody behind a balancer."""
    p = pooler(proxy_protocol_from="unix", auth_type="scram-sha-256", userlist={"app": "secret"})
    client = through(p, v1(), address=p.socket_path)
    with pytest.raises(Refused) as refused:
        client.login("pgweir", "pgweir", "x")
    assert refused.value.error.sqlstate == "28P01"


@pytest.mark.parametrize("kind", UNNAMED)
def test_whom_a_balancer_does_not_name_is_not_the_balancer_s_user(pooler, kind):
    """The kernel says who the balancer is, and its clients must not be taken for it."""
    name = pwd.getpwuid(os.getuid()).pw_name
    p = pooler(proxy_protocol_from="unix", auth_type="peer", userlist={name: "x", "admin": "x"}, admin_users=name)
    client = through(p, UNNAMED[kind], address=p.socket_path)
    with pytest.raises(Refused) as refused:
        client.login(name, "pgweir")
    assert refused.value.error.sqlstate == "28000"
    assert refused.value.error.text == f'Peer authentication failed for user "{name}"'


def test_tls_behind_the_header(fronted, workdir):
    pair = Authority(workdir / "authority-front").issue("localhost", sans=["localhost"])
    p = fronted(client_tls_sslmode="require", client_tls_key_file=pair.key, client_tls_cert_file=pair.cert)
    for direct in (False, True):
        for header in (v1(), v2()):
            client = Fronted(p.address, header, direct)
            p.clients.append(client)
            client.login("app", "app")
            assert client.rows("select 1")[0][0] == "1"
    (error,) = through(p, v1(), rawwire.startup("app", "app")).rest()
    assert "SSL required" in error.text


class Fronted(TlsClient):
    """A client under TLS whose very first bytes are the balancer's."""

    def __init__(self, address, header, direct):
        Client.__init__(self, address)
        self.send(header)
        if not direct:
            self.send(rawwire.ssl_request())
            assert self.byte() == b"S"
        self.sock = client_context().wrap_socket(self.sock, server_hostname="localhost")


def test_cancel_through_a_balancer(fronted):
    p = fronted()
    client = through(p, v1()).login("app", "app")
    client.send(rawwire.Q("select pg_sleep(60)"))
    until(lambda: p.cluster.sql("select count(*) from pg_stat_activity where query like 'select pg_sleep%'")[0][0],
          "the query runs")
    through(p, v2(), rawwire.cancel_request(client.pid, client.key)).closed()
    assert [m for m in client.ready() if m.kind == "E"][0].sqlstate == "57014"


def test_application_name_has_the_client_s_address(fronted):
    p = fronted(application_name_add_host=1)
    client = through(p, v2()).login("app", "app", application_name="shop")
    assert client.rows("show application_name")[0][0] == "shop - 192.0.2.7:50000"


def test_list_is_reread(fronted):
    p = fronted()
    p.settings["proxy_protocol_from"] = "192.0.2.0/24"
    p.write_ini()
    p.signal(signal.SIGHUP)
    until(lambda: logs_in(p), "the balancer is none any more")
    p.reload(proxy_protocol_from="127.0.0.1")
    with pytest.raises((Refused, Gone)):
        p.raw()


def logs_in(p):
    try:
        p.raw().close()
        return True
    except (Refused, Gone):
        return False


@pytest.mark.parametrize("value", ["localhost", "10.0.0.0/33", "10.0.0.0/8, any", "*"])
def test_bad_list_is_a_fault(fronted, value):
    p = fronted(proxy_protocol_from="")
    p.change(proxy_protocol_from=value)
    done = subprocess.run([p.binary.path, "-t", p.inifile], capture_output=True, text=True, check=False,
                          env=p.environment(), **identity())
    assert done.returncode != 0 and "proxy_protocol_from: " in done.stdout + done.stderr


# ---- HAProxy ----------------------------------------------------------------------------------------


@pytest.fixture
def haproxy(workdir):
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if not program:
        pytest.skip("HAProxy is not here (Debian: haproxy)")
    running = []

    def start(p, option):
        port = free_port()
        config = p.directory / f"haproxy-{port}.cfg"
        config.write_text(f"""
global
    maxconn 100
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
listen pg
    bind 127.0.0.1:{port}
    server weir 127.0.0.1:{p.port} {option}
""")
        own(config)
        running.append(subprocess.Popen([program, "-db", "-f", config], stdout=subprocess.DEVNULL,
                                        stderr=open(p.directory / "haproxy.log", "ab"), **identity()))
        until(lambda: accepts(port), "HAProxy listens")
        return ("127.0.0.1", port)

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


@pytest.mark.parametrize("option", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
def test_behind_haproxy(fronted, haproxy, option):
    p = fronted()
    address = haproxy(p, option)
    client = Client(address)
    p.clients.append(client)
    client.login("app", "app")
    assert client.rows("select 1")[0][0] == "1"
    assert shown(p, client) == client.sock.getsockname()


def test_health_checks_of_haproxy(fronted, haproxy):
    p = fronted(log_pooler_errors=1, log_disconnections=1)
    haproxy(p, "send-proxy-v2 check-send-proxy check inter 100ms")
    p.wait_log("closing because: (client unexpected eof|connection to the client is broken)", 20)
    assert "pooler error" not in p.log()
