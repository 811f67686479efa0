"""The program: options, faults in its file, whom it runs as, and how it tells systemd."""

import os
import re
import signal
import socket
import subprocess

import pytest

from cluster import RUN_AS, free_port, identity, own
from fakeserver import authentication_ok, error, key_data, parameter, ready
from rawwire import Refused
from waiting import until

pytestmark = pytest.mark.pgweir


@pytest.fixture
def program(binary, pooler):
    """program(*args): run it to its end as the servers' user."""
    def run(*args, as_root=False, cwd="/"):
        return subprocess.run([binary.path, *map(str, args)], capture_output=True, text=True, timeout=60, cwd=cwd,
                              stdin=subprocess.DEVNULL, **({} if as_root else identity()))

    return run


@pytest.fixture
def ini(workdir, cluster):
    """ini(text): a file of that text."""
    made = []

    def make(text, name="test.ini"):
        directory = workdir / f"ini-{os.getpid()}-{len(made)}-{os.urandom(3).hex()}"
        directory.mkdir()
        own(directory)
        path = directory / name
        path.write_text(text)
        own(path)
        made.append(path)
        return path

    return make


GOOD = """[databases]
app = host=127.0.0.1 port=5432

[pgweir]
listen_addr = 127.0.0.1
auth_type = any
"""


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(program, option):
    done = program(option)
    assert done.returncode == 0 and re.match(r"pgweir \d+\.\d+", done.stdout.lower())


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_option(program, option):
    done = program(option)
    assert done.returncode == 0
    for name in ("--daemon", "--verbose", "--quiet", "--user", "--version", "--help", "--test", "-R"):
        assert name in done.stdout


@pytest.mark.parametrize("args", [["--nonsense"], [], ["a.ini", "b.ini"], ["-u"]])
def test_wrong_usage(program, args):
    done = program(*args)
    assert done.returncode != 0 and done.stderr


def test_missing_file(program):
    done = program("/nowhere/at/all.ini")
    assert done.returncode == 1 and "/nowhere/at/all.ini" in done.stderr


@pytest.mark.parametrize("option", ["-t", "--test"])
def test_check_of_a_good_file(program, ini, option):
    done = program(option, ini(GOOD))
    assert done.returncode == 0, done.stderr


FAULTY = """[databases]
app = host=127.0.0.1 port=nonsense
app = host=again
other = host='unfinished

[pgweir]
listen_port = 99999999
pool_size = many
no_such_setting = 1
pool_mode = sometimes
auth_type = oauth
just a line
pool_timeout = 1 fortnight

[users]
app = pool_mode=never
"""


@pytest.mark.parametrize("args", [["-t"], []])
def test_every_fault_is_listed_with_its_line(program, ini, args):
    path = ini(FAULTY)
    done = program(*args, path)
    assert done.returncode == 1
    lines = {int(n) for n in re.findall(rf"{path.name}:(\d+)", done.stderr + done.stdout)}
    for n in (3, 4, 7, 8, 9, 10, 11, 12, 13, 16):
        assert n in lines, f"line {n} ({FAULTY.splitlines()[n - 1]}) is not complained about:\n{done.stderr}"


def test_unknown_setting_gets_a_hint(program, ini):
    done = program("-t", ini(GOOD + "pool_sizes = 3\n"))
    assert "pool_size" in (done.stderr + done.stdout).replace("pool_sizes", "")


def test_included_files(program, ini, pooler):
    inner = ini("pool_size = bad\n", "inner.ini")
    outer = ini(GOOD + f"%include {inner}\n")
    done = program("-t", outer)
    assert done.returncode == 1 and re.search(r"inner\.ini:1\b", done.stderr + done.stdout)
    loop = ini("", "loop.ini")
    loop.write_text(GOOD + f"%include {loop}\n")
    assert program("-t", loop).returncode == 1


def test_include_is_read(pooler):
    p = pooler(start=False)
    more = p.directory / "more.ini"
    more.write_text(f"[databases]\nincluded = {p.db('other')}\n")
    own(more)
    good = p.ini_text()
    p.own_ini = good + "\n%include more.ini\n"
    p.write_ini()
    assert p.start().raw("app", "included").value("select current_database()") == "other"


def test_inih_shows_nowhere(pooler):
    """Long lines, ` ;` in values, indented keys, colons: all as PgBouncer's users write them."""
    p = pooler(start=False)
    p.own_ini = f"""; a comment
# another
[databases]
  app = host=127.0.0.1   port={p.cluster.port} dbname=app application_name='a ;b' {' ' * 400}
long_one = host=127.0.0.1 port={p.cluster.port} dbname=app application_name='{'n' * 60}' {' ' * 300} user=other

[pgweir]
listen_addr = 127.0.0.1
listen_port = {p.port}
   unix_socket_dir = {p.directory}
auth_type = trust
auth_file = {p.userlist}
admin_users = {', '.join(f'user{n}' for n in range(100))}, admin
"""
    p.write_ini()
    p.start()
    assert p.raw("app", "long_one").value("select current_user") == "other"
    assert p.show("version")


@pytest.mark.parametrize("name,text", [
    ("semicolon.ini", "[databases]\napp = host=127.0.0.1 port={port} user=app password='a;b ;c'\n"),
    ("crlf.ini", "[databases]\r\napp = host=127.0.0.1 port={port}\r\n"),
])
def test_files_of_every_kind(program, ini, name, text):
    path = ini("", name)
    path.write_bytes((text + GOOD[GOOD.index("[pgweir]"):]).replace("{port}", "5432").encode())
    assert program("-t", path).returncode == 0


def test_pgbouncer_section_and_names(make_pooler, cluster):
    """A pgbouncer.ini works as it is, with PgBouncer's names and defaults."""
    p = make_pooler(cluster, section="pgbouncer", pool_size=None, max_overflow=None, workers=None, pool_mode=None,
                    default_pool_size=3, reserve_pool_size=1, reserve_pool_timeout=2, query_wait_timeout=33,
                    server_lifetime=1000, server_round_robin=1, pkt_buf=8192, dns_max_ttl=5, so_reuseport=0,
                    auth_type="trust", ignore_startup_parameters="extra_float_digits", tcp_keepidle=30)
    assert p.raw().value("select 1") == "1"
    assert p.pool()["pool_mode"] == "session"
    assert p.show("databases", name="app")[0]["pool_size"] == "3"
    values = {r["key"]: r["value"] for r in p.show("config")}
    assert values.get("query_wait_timeout", values.get("pool_timeout")).startswith("33")


def test_unsafe_settings_are_refused_not_ignored(program, ini):
    for line in ("server_tls_ciphers = AES", "auth_type = hba", "auth_ldap_options = ldapfoo=1"):
        text = GOOD if not line.startswith("auth_type") else GOOD.replace("auth_type = any\n", "")
        done = program("-t", ini(text + line + "\n"))
        assert done.returncode == 1, line
        assert line.split()[0] in done.stderr + done.stdout


def test_sample_file_is_accepted(program, ini):
    from pooler import ROOT, find_binary
    for base in (find_binary().parent, ROOT):
        sample = base / "etc" / "pgweir.ini"
        if sample.exists():
            break
    else:
        pytest.skip("the sample has not been built")
    text = re.sub(r"(?m)^(auth_file|logfile|pidfile|user|unix_socket_dir)\s*=.*$", "", sample.read_text())
    done = program("-t", ini(text))
    assert done.returncode == 0, done.stderr


# ---- whom it runs as --------------------------------------------------------------------------------


@pytest.mark.skipif(not RUN_AS, reason="needs root")
def test_root_is_refused(program, ini):
    done = program(ini(GOOD), as_root=True)
    assert done.returncode == 1 and "root" in done.stderr


@pytest.mark.skipif(not RUN_AS, reason="needs root")
@pytest.mark.parametrize("how", ["option", "setting"])
def test_root_drops_to_user(make_pooler, cluster, monkeypatch, how):
    p = make_pooler(cluster, start=False, **({"user": "postgres"} if how == "setting" else {}))
    if how == "option":
        p.args = ["-u", "postgres"]
    monkeypatch.setattr("pooler.identity", dict)
    p.start()
    assert p.raw().value("select 1") == "1"
    uid = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)", open(f"/proc/{p.pid}/status").read(), re.M).groups()
    import pwd
    assert set(uid) == {str(pwd.getpwnam("postgres").pw_uid)}
    groups = re.search(r"^Groups:\s*(.*)$", open(f"/proc/{p.pid}/status").read(), re.M)[1].split()
    assert "0" not in groups


def has_ended(pid):
    """Is that process, a child of nobody here, gone or a zombie?"""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_daemon(make_pooler, cluster):
    p = make_pooler(cluster, start=False, args=["-d"])
    pidfile = p.directory / "pid"
    p.change(pidfile=pidfile, logfile=p.directory / "daemon.log")
    p.spawn()
    assert p.wait_exit() == 0, p.log()
    pid = int(until(lambda: pidfile.exists() and pidfile.read_text().strip()))
    try:
        assert pid != p.process.pid
        assert p.raw().value("select 1") == "1"
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        assert os.getsid(pid) != os.getsid(0)
        for client in p.clients:
            client.close()
    finally:
        os.kill(pid, signal.SIGINT)
    until(lambda: has_ended(pid), "the daemon ends")
    assert not pidfile.exists()


def test_daemon_says_its_faults_before_it_leaves(program, ini):
    done = program("-d", ini(FAULTY))
    assert done.returncode == 1 and "test.ini:7" in done.stderr


def test_second_instance_with_the_same_pid_file(make_pooler, cluster):
    p = make_pooler(cluster, start=False)
    pidfile = p.directory / "pid"
    p.change(pidfile=pidfile)
    p.start()
    second = make_pooler(cluster, start=False, pidfile=pidfile)
    second.spawn()
    assert second.wait_exit() == 1
    second.expect_exit = 1
    assert pidfile.read_text().strip() == str(p.pid)


def test_port_in_use(make_pooler, cluster):
    p = make_pooler(cluster)
    second = make_pooler(cluster, start=False, port=p.port)
    second.spawn()
    assert second.wait_exit() == 1
    second.expect_exit = 1
    assert str(p.port) in second.log()


def test_verbose_and_quiet(make_pooler, cluster):
    sizes = {}
    for option in ("-q", None, "-v", "-vvv"):
        p = make_pooler(cluster, args=[option] if option else [])
        p.raw().value("select 1")
        p.stop()
        sizes[option] = len(p.log())
    assert sizes["-q"] == 0 < sizes[None] < sizes["-vvv"]
    assert sizes["-v"] < sizes["-vvv"]


def test_reboot_option_is_explained(make_pooler, cluster):
    p = make_pooler(cluster, args=["-R"])
    assert p.raw().value("select 1") == "1"
    p.wait_log("-R does nothing: no sockets are taken over")


def test_environment_of_libpq_has_no_say(make_pooler, cluster):
    """PGHOST and the like, a passfile, a service file: nothing of that reaches server logins."""
    p = make_pooler(cluster, start=False, env={
        "PGHOST": "203.0.113.1", "PGPORT": "1", "PGUSER": "postgres", "PGDATABASE": "other", "PGSERVICE": "x",
        "PGOPTIONS": "-c work_mem=7MB", "PGAPPNAME": "env", "PGCLIENTENCODING": "LATIN1", "PGSSLMODE": "require",
        "PGPASSWORD": "wrong", "PGTZ": "Asia/Tokyo", "PGCONNECT_TIMEOUT": "1"})
    p.databases = {"app": f"host=127.0.0.1 port={cluster.port}"}
    p.write_ini()
    client = p.start().raw()
    assert client.value("select current_user || current_database() || current_setting('work_mem') || "
                        "current_setting('timezone')") == "appapp4MBUTC"


# ---- sockets ----------------------------------------------------------------------------------------


def test_several_addresses_and_ipv6(pooler):
    p = pooler(listen_addr="127.0.0.1, ::1")
    assert p.raw().value("select 1") == "1"
    assert p.raw(address=("::1", p.port)).value("select 1") == "1"
    assert p.raw(address=("::1", p.port)).params["server_version"]
    p.wait_log(r"::1")


def test_all_addresses(pooler):
    p = pooler(listen_addr="*")
    assert p.raw(address=("127.0.0.1", p.port)).value("select 1") == "1"
    assert p.raw(address=("::1", p.port)).value("select 1") == "1"


def test_server_over_ipv6_and_unix(pooler, cluster):
    p = pooler(databases={"six": lambda p: p.db("app", host="::1"),
                          "local": lambda p: p.db("app", host=cluster.sockets)})
    assert p.raw("app", "six").value("select host(inet_client_addr())") == "::1"
    assert p.raw("app", "local").value("select inet_client_addr() is null") == "t"


def test_unix_socket_only(pooler):
    p = pooler(start=False, listen_addr="")
    p.spawn()
    until(lambda: os.path.exists(p.socket_path))
    assert p.raw(address=p.socket_path).value("select 1") == "1"
    with pytest.raises(OSError):
        socket.create_connection(p.address, 1)
    rows = p.raw("admin", "pgweir", address=p.socket_path).dicts("show clients")
    assert {r["addr"] for r in rows} <= {"unix"}


def test_unix_socket_mode(pooler):
    p = pooler(unix_socket_mode="0700")
    assert os.stat(p.socket_path).st_mode & 0o777 == 0o700


def test_abstract_unix_socket(pooler):
    p = pooler(unix_socket_dir=f"@pgweir-test-{free_port()}")
    name = "\0" + p.settings["unix_socket_dir"][1:] + f"/.s.PGSQL.{p.port}"
    assert p.raw(address=name).value("select 1") == "1"


def test_several_hosts(pooler, cluster):
    p = pooler(databases={"app": f"host=127.0.0.1,127.0.0.1 port=1,{cluster.port} dbname=app"})
    assert p.raw().value("select 1") == "1"


def test_target_session_attrs(pooler, cluster):
    p = pooler(databases={"app": lambda p: p.db("app") + " target_session_attrs=read-write",
                          "ro": lambda p: p.db("app") + " target_session_attrs=standby"})
    assert p.raw().value("select 1") == "1"
    client = p.open()
    from rawwire import Refused
    try:
        error = client.login("app", "ro").error("select 1")
    except Refused as refused:
        error = refused.error
    assert error.sqlstate[:2] == "08"


def test_a_server_that_would_not_say_what_it_is(pooler, cluster, fake_server):
    """Before PostgreSQL 14 a server is asked for its role. One that answers with an error is passed over."""
    def script(session):
        session.read_startup()
        session.send(authentication_ok(), parameter("server_version", "13.4"), key_data(), ready())
        session.serve(lambda sql: error("57014", "canceling statement due to a whim") + ready())

    port = fake_server(script).port
    target = "dbname=app target_session_attrs=read-write"
    p = pooler(databases={"app": f"host=127.0.0.1,127.0.0.1 port={port},{cluster.port} {target}",
                          "alone": f"host=127.0.0.1,127.0.0.1 port={port},1 {target}"})
    assert p.raw().value("show port") == str(cluster.port)
    with pytest.raises(Refused) as refused:
        p.raw(database="alone")
    assert "due to a whim" in str(refused.value)


def test_host_name(pooler):
    p = pooler(databases={"app": lambda p: p.db("app", host="localhost")})
    assert p.raw().value("select 1") == "1"


# ---- systemd ----------------------------------------------------------------------------------------


class NotifySocket:
    """What systemd is to a service."""

    def __init__(self, directory):
        self.path = directory / "notify"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        os.chmod(self.path, 0o666)
        self.sock.setblocking(False)
        self.said = []

    def lines(self):
        try:
            while True:
                self.said += self.sock.recv(65536).decode().split("\n")
        except BlockingIOError:
            return self.said

    def heard(self, prefix, count=1):
        return lambda: sum(line.startswith(prefix) for line in self.lines()) >= count


@pytest.fixture
def systemd(make_pooler, cluster, binary):
    if b"NOTIFY_SOCKET" not in binary.path.read_bytes() and b"sd_notify" not in binary.path.read_bytes():
        pytest.skip("built without systemd")
    p = make_pooler(cluster, start=False)
    notify = NotifySocket(p.directory)
    p.env = {"NOTIFY_SOCKET": str(notify.path)}
    yield p, notify
    notify.sock.close()


def test_systemd_hears_of_start_reload_and_stop(systemd):
    p, notify = systemd
    p.spawn()
    until(notify.heard("READY=1"), "READY=1")
    # READY means ready: no retry needed.
    client = p.raw()
    assert client.value("select 1") == "1"
    until(notify.heard("STATUS="), "STATUS=")
    p.signal(signal.SIGHUP)
    until(notify.heard("RELOADING=1"), "RELOADING=1")
    until(notify.heard("READY=1", 2), "READY=1 after the reload")
    p.signal(signal.SIGTERM)
    until(notify.heard("STOPPING=1"), "STOPPING=1")
    client.close()
    p.clients.clear()
    assert p.wait_exit() == 0
    said = [line.split("=")[0] for line in notify.lines()]
    assert said.index("READY") < said.index("RELOADING") < said.index("STOPPING")


def test_systemd_is_ready_again_after_a_bad_reload(systemd):
    p, notify = systemd
    p.spawn()
    until(notify.heard("READY=1"))
    p.inifile.write_text(p.ini_text() + "nonsense\n")
    p.signal(signal.SIGHUP)
    until(notify.heard("READY=1", 2), "READY=1 although nothing changed")


def test_not_ready_when_the_file_is_bad(systemd):
    p, notify = systemd
    p.inifile.write_text(p.ini_text() + "nonsense\n")
    p.spawn()
    p.expect_exit = 1
    assert p.wait_exit() == 1
    assert not notify.heard("READY=1")()


def test_journal_gets_priorities_and_no_dates(make_pooler, cluster):
    p = make_pooler(cluster, start=False)
    with open(p.logfile, "ab"):
        pass
    stat = os.stat(p.logfile)
    p.env = {"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"}
    p.start()
    p.raw().value("select 1")
    p.wait_log("127.0.0.1")
    assert all(re.match(r"<[0-7]>", line) for line in p.log().strip().split("\n"))
