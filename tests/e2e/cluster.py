"""Private PostgreSQL clusters: own port, own directory, gone when the tests end."""

import collections
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import psycopg

from waiting import Crew, all_at_once, until

RUN_AS = "postgres" if os.geteuid() == 0 else None

# Below the kernel's ephemeral range, so that no outgoing connection ever sits on one, and below where quickstart
# looks. Each process has blocks of its own, locked for as long as it lives: several suites may run at once.
PORTS = range(11000, 20000)
PORTS_IN_BLOCK = 250
BLOCKS = pathlib.Path(tempfile.gettempdir()) / f"pgweir-e2e-ports-{os.getuid()}"
_ports = collections.deque()
_ports_lock = threading.Lock()
_locked = []


def _claim_block():
    """A block of ports that no other process has; the lock ends with this one."""
    BLOCKS.mkdir(exist_ok=True)
    starts = collections.deque(PORTS[::PORTS_IN_BLOCK])
    starts.rotate(os.getpid())
    for start in starts:
        block = open(BLOCKS / str(start), "a")
        try:
            fcntl.flock(block, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            block.close()
            continue
        _locked.append(block)
        return range(start, start + PORTS_IN_BLOCK)
    raise RuntimeError("all blocks of ports are taken")


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_port():
    """A port nobody listens on, and that was not given for long."""
    with _ports_lock:
        for _ in range(len(_ports)):
            _ports.rotate(-1)
            if _is_free(_ports[-1]):
                return _ports[-1]
        _ports.extend(_claim_block())
        return next(port for port in reversed(_ports) if _is_free(port))


def _established_to(port):
    """The local ports of connections to that one on 127.0.0.1 that the one who has opened them still has."""
    with open("/proc/net/tcp") as table:
        ends = [line.split()[1:4] for line in table]
    return {int(mine[9:], 16) for mine, theirs, state in ends[1:] if theirs == f"0100007F:{port:04X}" and state == "01"}


def own(path):
    """Give a file or directory to the user the servers run as."""
    if RUN_AS:
        shutil.chown(path, RUN_AS, RUN_AS)
    return path


def identity():
    """Popen arguments which run a program as that user."""
    return {"user": RUN_AS, "group": RUN_AS, "extra_groups": []} if RUN_AS else {}


def process_state(pid):
    """The letter that ps shows: T is stopped, Z ended."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def bindir():
    asked = os.environ.get("PG_BINDIR")
    if asked:
        return pathlib.Path(asked)
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[4]))
    assert found, "no PostgreSQL server found below /usr/lib/postgresql (set PG_BINDIR)"
    return found[-1].parent


HBA = """
local   all             postgres                          trust
host    all             u_scram,u_pass   127.0.0.1/32     scram-sha-256
host    all             u_md5            127.0.0.1/32     md5
host    all             u_plain          127.0.0.1/32     password
host    all             u_reject         127.0.0.1/32     reject
host    all,replication all              127.0.0.1/32     trust
host    all,replication all              ::1/128          trust
local   all,replication all                               trust
"""

CONF = """
listen_addresses = '127.0.0.1,::1'
max_connections = 200
shared_buffers = 32MB
fsync = off
full_page_writes = off
autovacuum = off
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_connections = on
log_disconnections = on
log_line_prefix = '%m [%p] %u@%d '
"""

PASSWORD = "pencil"

SETUP = f"""
create role app login createdb createrole;
create role other login;
create role third login;
create role repl login replication;
create role admin login;
create role stats login;
create role u_trust login;
create role u_reject login;
create role u_scram login password '{PASSWORD}';
create role u_pass login password '{PASSWORD}';
create role u_plain login password '{PASSWORD}';
set password_encryption = md5;
create role u_md5 login password '{PASSWORD}';
"""


class Cluster:
    """One PostgreSQL cluster. Owner: the fixture that made it."""

    def __init__(self, directory, template=None):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.sockets = self.directory / "sockets"
        self.logfile = self.directory / "postgresql.log"
        self.port = free_port()
        self.process = None
        self._admin = None
        own(self.directory)
        self.sockets.mkdir()
        own(self.sockets)
        if template:
            subprocess.run(["cp", "-a", template, self.data], check=True)
        else:
            subprocess.run(
                [bindir() / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                 "--locale=C", "--no-sync", "--no-instructions"],
                check=True, stdout=subprocess.DEVNULL, **identity())
        (self.data / "pg_hba.conf").write_text(HBA)
        (self.data / "postgresql.conf").write_text(
            f"{CONF}\nport = {self.port}\nunix_socket_directories = '{self.sockets}'\n")
        self.log_from = 0

    # -- life --

    def start(self):
        with open(self.logfile, "ab") as log:
            self.process = subprocess.Popen(
                [bindir() / "postgres", "-D", self.data], stdout=log, stderr=log,
                cwd=self.directory, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **identity())
        self.wait_ready()
        return self

    def wait_ready(self):
        def answers():
            assert self.process.poll() is None, self.log()[-2000:]
            try:
                psycopg.connect(self.conninfo(), connect_timeout=5).close()
                return True
            except psycopg.OperationalError:
                return False

        until(answers, "PostgreSQL accepts connections", 60)

    def setup(self):
        for statement in SETUP.strip().split("\n"):
            self.sql(statement)
        self.sql("create database app owner app")
        self.sql("create database other owner app")

    def stop(self, mode="fast"):
        """fast, smart or immediate"""
        self.forget()
        if self.process and self.process.poll() is None:
            self.process.send_signal(
                {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
            self.process.wait(60)
        self.process = None

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def kill_backend(self, pid):
        """kill -9: the backend says nothing, and PostgreSQL throws out all others when it has noticed. Was it so? Not
        where it was just ending by itself: PostgreSQL notices nothing then. Such a one cannot be stopped either."""
        self.forget()
        self.log_mark()
        try:
            os.kill(pid, signal.SIGSTOP)
            until(lambda: process_state(pid) in "TZX", "the backend stops")
            was_there = process_state(pid) == "T"
            os.kill(pid, signal.SIGKILL)
            return was_there
        except (ProcessLookupError, FileNotFoundError):
            return False

    def wait_recovered(self):
        """After kill_backend: who logs in now stays. (Until it has noticed, PostgreSQL takes logins too.)"""
        until(lambda: "all server processes terminated; reinitializing" in self.log_since(),
              "PostgreSQL starts its processes anew", 60)
        self.wait_ready()

    def configure(self, **settings):
        """ALTER SYSTEM, for settings that a reload brings."""
        for name, value in settings.items():
            self.sql(f"alter system set {name} = {value}" if value is not None else f"alter system reset {name}")
        self.sql("select pg_reload_conf()")

    def hba(self, text):
        """Put rules in front of the usual ones (an empty text: only the usual ones)."""
        (self.data / "pg_hba.conf").write_text(text + HBA)
        self.sql("select pg_reload_conf()")

    # -- talking to it directly --

    def conninfo(self, dbname="postgres", user="postgres", host=None):
        return (f"host={host or self.sockets} port={self.port} dbname={dbname} user={user} "
                "application_name=e2e-direct")

    def connect(self, dbname="app", user="postgres"):
        return psycopg.connect(self.conninfo(dbname, user), autocommit=True)

    def sql(self, text, *args):
        """Run one statement as superuser in database postgres; its rows, if any."""
        if self._admin is None or self._admin.closed:
            self._admin = self.connect("postgres")
        cursor = self._admin.execute(text, args or None)
        return cursor.fetchall() if cursor.description else None

    def in_app(self, text, dbname="app"):
        """Run statements as superuser in the tests' database."""
        with self.connect(dbname) as conn:
            cursor = conn.execute(text)
            return cursor.fetchall() if cursor.description else None

    def forget(self):
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    # -- looking at it --

    def backends(self, where="true", *args):
        """pids of client backends which are not the harness's own."""
        rows = self.sql(
            "select pid from pg_stat_activity where backend_type in ('client backend', 'walsender') "
            f"and application_name not in ('e2e-direct') and pid <> pg_backend_pid() and {where} order by pid", *args)
        return [row[0] for row in rows]

    def connected(self, where="true"):
        """
        The ports at which connections to 127.0.0.1 begin that have a backend and that nobody has closed yet. (A backend
        lives on for a moment after its connection was closed: where it is counted exactly, it must not be counted.)
        """
        rows = self.sql("select client_port from pg_stat_activity where backend_type = 'client backend' "
                        f"and application_name <> 'e2e-direct' and {where}")
        return {port for port, in rows} & _established_to(self.port)

    def most_connected(self, work, least, where="true"):
        """Do all of the work at once: the most connections that were there at a moment, and those are `least` at least."""
        seen = [0]

        def watch(crew):
            last = set()
            while not crew.stop.is_set():
                now = self.connected(where)
                seen[0] = max(seen[0], len(last & now))  # whatever both looks have seen was there in between
                last = now
                crew.stop.wait(0.01)

        with Crew() as crew:
            crew.start(watch, crew)
            all_at_once(work)
            until(lambda: seen[0] >= least, f"{least} connections are there")
        return seen[0]

    def states(self, where="true"):
        """What those backends do: (pid, state, application_name, query)"""
        return self.sql(
            "select pid, state, application_name, query from pg_stat_activity "
            "where backend_type = 'client backend' and application_name <> 'e2e-direct' "
            f"and pid <> pg_backend_pid() and {where} order by pid")

    def log(self):
        return self.logfile.read_text(errors="replace") if self.logfile.exists() else ""

    def log_mark(self):
        """From here on log_since() looks."""
        self.log_from = self.logfile.stat().st_size
        return self.log_from

    def log_since(self):
        with open(self.logfile, "rb") as log:
            log.seek(self.log_from)
            return log.read().decode(errors="replace")


class Latch:
    """A lock that the query waits for; what it returns says that it was let through. Owner: the fixture."""

    KEY = 20406

    def __init__(self, cluster):
        self.cluster = cluster
        self.sql = f"select 'done', pg_advisory_xact_lock_shared({self.KEY})"
        self._conn = cluster.connect("app")
        self._conn.execute(f"select pg_advisory_lock({self.KEY})")

    def wait_running(self):
        until(lambda: self.cluster.sql("select 1 from pg_locks where locktype = 'advisory' and not granted "
                                       f"and objid = {self.KEY}"), "the query runs and waits")

    def open(self):
        """Lets the query end, and any other that comes."""
        self._conn.execute(f"select pg_advisory_unlock({self.KEY})")

    def close(self):
        self._conn.close()
