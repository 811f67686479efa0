"""Reload, pause and resume, signals, and how it ends."""

import grp
import os
import pwd
import re
import shutil
import signal
import subprocess
import time

import pytest

import rawwire
from cluster import RUN_AS
from pooler import ROOT
from rawwire import Q, Refused
from waiting import Crew, until, until_equal


class Load:
    """Clients at work, each checking its answers; failures are counted, not raised."""

    def __init__(self, p, clients=8, transactions=True):
        self.p = p
        self.crew = Crew()
        self.done = [0] * clients
        self.failures = []
        self.transactions = transactions
        for who in range(clients):
            self.crew.start(self.one, who)

    def one(self, who):
        client = self.p.raw()
        n = 0
        while not self.crew.stop.is_set():
            n += 1
            text = f"select '{who}.{n}'"
            said = client.query(f"begin; {text}; commit" if self.transactions and n % 2 else text)
            if [m.row()[0] for m in said if m.kind == "D"] != [f"{who}.{n}"]:
                self.failures.append(said)
                return
            self.done[who] += 1

    def total(self):
        assert not self.failures, self.failures[0]
        assert not self.crew.errors, self.crew.errors[0]
        return sum(self.done)

    def goes_on(self, more=200):
        before = self.total()
        until(lambda: self.total() >= before + more, "the load goes on")

    def end(self):
        self.crew.stop.set()
        self.crew.join()
        assert not self.failures, self.failures[0]


# ---- reload -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["console", "signal"])
def test_reload_brings_a_new_database(pooler, how):
    p = pooler(databases={"app": lambda p: p.db("app")})
    client = p.raw()
    with pytest.raises(Refused):
        p.raw("app", "newcomer")
    p.databases["newcomer"] = lambda p: p.db("other")
    p.write_ini()
    if how == "console":
        p.console("reload")
    else:
        p.signal(signal.SIGHUP)

    def there():
        try:
            return p.raw("app", "newcomer")
        except Refused:
            return None

    assert until(there).value("select current_database()") == "other"
    assert client.value("select 1") == "1"


@pytest.mark.pgweir
@pytest.mark.parametrize("bad", ["pool_size = lots", "no_such_setting = 1", "pool_mode = sometimes", "[nonsense",
                                 "query_timeout = -5"])
def test_bad_file_at_reload_changes_nothing(pooler, bad):
    p = pooler(pool_size=3, query_timeout=77)
    client = p.raw()
    client.value("select 1")
    before = p.show("config")
    good = p.ini_text()
    p.inifile.write_text(good.replace("query_timeout = 77", f"query_timeout = 11\n{bad}"))
    error = p.raw("admin", p.console_database).error("reload")
    assert error.severity == "ERROR"
    p.signal(signal.SIGHUP)
    line = good.split("\n").index("query_timeout = 77") + 2
    p.wait_log(rf"pooler\.ini:{line}\b", count=2)
    assert p.show("config") == before
    assert client.value("select 1") == "1"
    p.inifile.write_text(good.replace("query_timeout = 77", "query_timeout = 11"))
    p.console("reload")
    assert [r["value"] for r in p.show("config", key="query_timeout")][0].startswith("11")


def test_missing_file_at_reload_changes_nothing(pooler):
    p = pooler()
    client = p.raw()
    p.inifile.unlink()
    p.signal(signal.SIGHUP)
    p.wait_log(r"pooler\.ini")
    assert client.value("select 1") == "1"
    assert p.raw().value("select 1") == "1"


@pytest.mark.parametrize("workers", [1, 3])
def test_pool_size_changes_live(pooler, cluster, workers):
    p = pooler(pool_size=1, workers=workers)
    clients = [p.raw() for _ in range(4)]
    clients[0].query("begin")
    clients[1].send(Q("select 'served'"))
    p.wait_waiting(1)
    p.reload(pool_size=4)
    assert [m.row() for m in clients[1].ready() if m.kind == "D"] == [["served"]]
    for client in clients[1:]:
        client.query("begin")
    assert len(cluster.backends()) == 4
    p.reload(pool_size=2)
    for client in clients:
        client.query("commit")
    until_equal(lambda: len(cluster.backends()), 2)
    assert [c.value("select 1") for c in clients] == ["1"] * 4


def test_users_change_by_reload(pooler):
    p = pooler(auth_type="md5", userlist={"app": "old", "admin": "a"})
    client = p.raw(password="old")
    p.secrets = {"app": "new", "other": "o", "admin": "a"}
    p.write_ini()
    p.signal(signal.SIGHUP)

    def lets_in(user, password):
        try:
            p.raw(user, password=password).close()
            return True
        except Refused:
            return False

    # each worker hears of it by itself
    until(lambda: all(lets_in("app", "new") and not lets_in("app", "old") and lets_in("other", "o") for _ in range(8)),
          "users are others")
    assert p.raw("other", password="o").value("select current_user") == "other"
    assert client.value("select 1") == "1"


def test_database_that_moves(pooler, cluster):
    """After a reload new transactions go to the new place; the one at work ends where it began."""
    p = pooler(databases={"app": lambda p: p.db("app")}, pool_size=2)
    busy, idle = p.raw(), p.raw()
    busy.query("begin")
    idle.value("select 1")
    p.databases["app"] = lambda p: p.db("other")
    p.write_ini()
    p.signal(signal.SIGHUP)

    def moved():
        try:
            return p.open().login("app", "app").value("select current_database()") == "other"
        except (Refused, rawwire.Gone, AssertionError):
            return False

    until(moved)
    if not p.binary.is_pgbouncer:
        said = busy.query("select current_database()")
        assert [m.row()[0] for m in said if m.kind == "D"] in (["app"], [])


@pytest.mark.timeout(120)
def test_reload_under_load(pooler):
    p = pooler(pool_size=3, workers=3)
    load = Load(p)
    for n in range(10):
        p.reload(pool_size=2 + n % 4, query_timeout=100 + n)
        load.goes_on(50)
    load.end()


# ---- pause and resume -------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_pause_and_resume_under_load(pooler, cluster, workers):
    """Not one transaction fails; while it is paused nothing reaches the server."""
    p = pooler(pool_size=3, workers=workers, pool_timeout=60)
    load = Load(p)
    for _ in range(3):
        load.goes_on()
        p.console("pause")
        until(lambda: not [s for s in cluster.states() if s[1] != "idle"])
        until(lambda: p.waiting() == 8, "all of the load waits")
        mark = load.total()
        new = p.open()
        new.send(rawwire.startup("app", "app"))
        assert not [s for s in cluster.states() if s[1] != "idle"]
        assert load.total() == mark
        p.console("resume")
        load.goes_on()
    load.end()


def test_pause_waits_for_the_transaction(pooler):
    p = pooler(pool_size=2)
    client = p.raw()
    client.query("begin")
    admin = p.raw("admin", p.console_database)
    admin.send(Q("pause"))
    assert client.query("select 1")[-1].status() == "T"
    assert not admin.has_input()
    client.query("commit")
    assert [m.kind for m in admin.ready()] == ["C", "Z"]
    waiter = p.raw() if not p.binary.is_pgbouncer else client
    waiter.send(Q("select 'resumed'"))
    p.wait_waiting(1)
    admin.query("resume")
    assert [m.row() for m in waiter.ready() if m.kind == "D"] == [["resumed"]]


def test_pause_of_one_database(pooler):
    p = pooler()
    paused, other = p.raw(), p.raw("app", "other")
    p.console("pause app")
    paused.send(Q("select 'resumed'"))
    p.wait_waiting(1)
    assert other.value("select 1") == "1"
    assert [r["paused"] for r in p.show("databases", name="app")] == ["1"]
    p.console("resume app")
    assert [m.row() for m in paused.ready() if m.kind == "D"] == [["resumed"]]


def test_pause_by_signal(pooler):
    p = pooler()
    client = p.raw()
    client.value("select 1")
    p.signal(signal.SIGUSR1)
    until(lambda: set(r["paused"] for r in p.show("databases") if r["name"] == "app") == {"1"}
          or "PAUSE" in p.log().upper())
    client.send(Q("select 'resumed'"))
    p.wait_waiting(1)
    p.signal(signal.SIGUSR2)
    assert [m.row() for m in client.ready() if m.kind == "D"] == [["resumed"]]


def test_pause_lets_the_server_restart(own_cluster, make_pooler):
    """What PAUSE is for: nobody notices the restart but by its length."""
    p = make_pooler(own_cluster, pool_size=3, workers=3, pool_timeout=60, server_login_retry="0.2")
    load = Load(p, 5)
    load.goes_on()
    p.console("pause")
    own_cluster.restart()
    p.console("resume")
    load.goes_on()
    load.end()


# ---- the end ----------------------------------------------------------------------------------------


def term(p):
    p.signal(signal.SIGINT if p.binary.is_pgbouncer else signal.SIGTERM)


def refuses(p):
    """New clients are no longer let in."""
    try:
        rawwire.Client(p.address).login("app", "app").close()
        return False
    except (OSError, Refused, rawwire.Gone):
        return True


def test_term_waits_for_clients(pooler):
    p = pooler()
    client = p.raw()
    client.query("begin")
    p.signal(signal.SIGTERM)
    if p.binary.is_pgbouncer:
        pytest.skip("before 1.23 TERM ended at once")
    until(lambda: refuses(p), "nobody new is let in")
    assert client.value("select 'still here'") == "still here"
    assert p.process.poll() is None
    client.query("commit")
    client.close()
    p.clients.clear()
    assert p.wait_exit() == 0


def test_int_waits_for_servers(pooler):
    p = pooler()
    client, idle = p.raw(), p.raw()
    client.query("begin")
    p.signal(signal.SIGINT)
    until(lambda: refuses(p) or "shut" in p.log().lower(), "it has heard")
    assert client.value("select 'still here'") == "still here"
    client.query("commit")
    assert p.wait_exit() == 0
    assert [m.sqlstate for m in idle.rest() if m.kind == "E"] in (["57P01"], ["08P01"], [])


@pytest.mark.pgweir
@pytest.mark.parametrize("first,second", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT),
                                          (signal.SIGINT, signal.SIGTERM)])
def test_second_signal_is_at_once(pooler, cluster, first, second):
    p = pooler()
    client = p.raw()
    client.query("begin")
    p.signal(first)
    until(lambda: refuses(p), "it has heard the first")
    p.signal(second)
    assert p.wait_exit() == 0
    assert [m.sqlstate for m in client.rest() if m.kind == "E"] in (["57P01"], [])
    until(lambda: not cluster.backends())


def test_quit_is_at_once(pooler, cluster):
    p = pooler()
    client = p.raw()
    client.query("begin")
    p.signal(signal.SIGQUIT)
    code = p.wait_exit()
    p.expect_exit = code
    assert code in (0, -signal.SIGQUIT, 1)
    client.rest()
    until(lambda: not cluster.backends())


def test_shutdown_command(pooler, cluster):
    p = pooler()
    client = p.raw()
    client.query("begin")
    admin = p.raw("admin", p.console_database)
    admin.send(Q("shutdown"))
    code = p.wait_exit()
    p.expect_exit = code
    assert code in (0, 1)
    until(lambda: not cluster.backends())


@pytest.mark.pgweir
@pytest.mark.parametrize("command", ["shutdown wait_for_clients", "shutdown wait_for_servers"])
def test_gentle_shutdown_commands(pooler, command):
    p = pooler()
    client = p.raw()
    client.query("begin")
    admin = p.raw("admin", p.console_database)
    admin.send(Q(command))
    until(lambda: refuses(p))
    assert client.query("commit")[-1].status() == "I"
    client.close()
    admin.close()
    p.clients.clear()
    assert p.wait_exit() == 0


def test_last_words_at_the_end(pooler):
    """Whoever is thrown out at the end hears why."""
    p = pooler()
    client = p.raw()
    client.value("select 1")
    p.signal(signal.SIGINT)
    p.wait_exit()
    said = client.rest()
    if not p.binary.is_pgbouncer:
        assert [m.sqlstate for m in said if m.kind == "E"] == ["57P01"]


def test_end_under_load(pooler, cluster):
    p = pooler(pool_size=3, workers=3)
    load = Load(p)
    until(lambda: all(load.done), "all are in: whoever comes later is refused")
    term(p)
    if not p.binary.is_pgbouncer:
        until(lambda: refuses(p))
        load.goes_on(20)
        p.signal(signal.SIGTERM)
    p.wait_exit()
    load.crew.stop.set()
    until(lambda: not cluster.backends())


# ---- files ------------------------------------------------------------------------------------------


def test_pid_file(pooler):
    p = pooler(start=False)
    pidfile = p.directory / "pooler.pid"
    p.change(pidfile=pidfile)
    p.start()
    until(lambda: pidfile.exists() and pidfile.read_text().strip())
    assert pidfile.read_text().strip() == str(p.pid)
    p.stop()
    assert not pidfile.exists()


def test_log_file_is_reopened(pooler):
    p = pooler(start=False)
    logfile = p.directory / "pooler.log"
    p.change(logfile=logfile)
    p.start()
    p.raw().close()
    until(lambda: logfile.exists() and "127.0.0.1" in logfile.read_text())
    moved = logfile.rename(p.directory / "pooler.log.1")
    p.signal(signal.SIGHUP)
    until(logfile.exists, "a new file is begun")
    p.raw("other").close()
    until(lambda: "other" in logfile.read_text())
    size = moved.stat().st_size
    p.raw("third").close()
    until(lambda: "third" in logfile.read_text())
    assert moved.stat().st_size == size


def test_log_lines_have_a_form(pooler):
    p = pooler()
    p.raw().value("select 1")
    p.wait_log("127.0.0.1")
    form = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC \[\d+\] [A-Za-z]+ ")
    for line in p.log().strip().split("\n"):
        assert form.match(line), line


def test_descriptors_ports_and_files_are_left_clean(pooler):
    p = pooler()
    path = p.socket_path
    assert os.path.exists(path)
    p.raw().close()
    p.stop()
    assert not os.path.exists(path)


def test_socket_of_a_dead_pooler_is_taken_over(pooler, make_pooler, cluster):
    p = pooler()
    p.process.kill()
    p.process.wait()
    p.process = None
    assert os.path.exists(p.socket_path)
    successor = make_pooler(cluster, port=p.port, unix_socket_dir=p.directory)
    assert successor.raw(address=p.socket_path).value("select 1") == "1"


def test_socket_in_use_is_not_stolen(pooler, make_pooler, cluster):
    p = pooler()
    second = make_pooler(cluster, start=False, port=p.port, unix_socket_dir=p.directory)
    second.spawn()
    assert second.wait_exit() != 0
    second.expect_exit = second.process.returncode
    assert p.raw(address=p.socket_path).value("select 1") == "1"
    assert p.raw().value("select 1") == "1"


def calls_of(group):
    """What a group of system calls has in it, for systemd."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    names = [line.strip() for line in listed.stdout.split("\n")[1:]]
    names = [name for name in names if name and not name.startswith("#")]
    return set().union(*(calls_of(name) if name.startswith("@") else {name} for name in names))


def calls_of_the_service():
    """What the sandbox of pgweir.service lets through."""
    allowed = set()
    for line in (ROOT / "systemd" / "pgweir.service.in").read_text().split("\n"):
        key, _, groups = line.partition("=")
        if key == "SystemCallFilter":
            named = set().union(*map(calls_of, groups.lstrip("~").split()))
            allowed = allowed - named if groups.startswith("~") else allowed | named
    return allowed


@pytest.mark.pgweir
@pytest.mark.skipif(not shutil.which("systemd-analyze") or not shutil.which("strace"), reason="needs systemd and strace")
def test_service_may_do_what_it_does(make_pooler, cluster):
    """No system call of a life with all that is usual in it is forbidden by the service's sandbox."""
    gid = pwd.getpwnam(RUN_AS).pw_gid if RUN_AS else os.getgid()
    p = make_pooler(cluster, start=False, unix_socket_group=grp.getgrgid(gid).gr_name, log_min_duration_statement=0)
    if p.binary.sanitized():
        pytest.skip("a sanitizer makes calls of its own, and does not like to be traced")
    p.change(pidfile=p.directory / "pid", logfile=p.directory / "log")
    trace = p.directory / "trace"
    p.under = ["strace", "-D", "-f", "-q", "-o", trace]
    p.start()
    pid = p.pid
    client, local = p.raw(), p.raw(address=p.socket_path)
    local.value("select 1")
    client.send(Q("select pg_sleep(600)"))
    until(lambda: [s for s in cluster.states() if s[1] == "active"])
    client.cancel()
    client.ready()
    p.reload(pool_size=2)
    p.signal(signal.SIGHUP)
    until(lambda: "reload" in (p.directory / "log").read_text().lower())
    p.stop()
    until(lambda: re.search(rf"^{pid} +\+\+\+ exited", trace.read_text(errors="replace"), re.M), "all is written down")
    used = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.M))
    assert {"accept4", "epoll_wait", "link", "chown"} <= used
    assert used <= calls_of_the_service()


def test_time_is_not_spent_when_idle(pooler):
    """Ten idle clients, ten looks: hardly any CPU."""
    p = pooler(workers=3)
    clients = [p.raw() for _ in range(10)]
    for client in clients:
        client.value("select 1")

    def ticks():
        fields = open(f"/proc/{p.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    start, before = time.monotonic(), ticks()
    until(lambda: time.monotonic() - start > 1.5)
    assert ticks() - before <= 15, "clock ticks (10 ms each) of CPU in 1.5 s of idleness"
