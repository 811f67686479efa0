"""A pooler under test: its ini file, its process, its log, and what must hold when it ends.

The same tests can be pointed at PgBouncer (PGWEIR_BIN=/usr/sbin/pgbouncer) to see that they ask for what
PostgreSQL's users know: settings that it does not have are left out, ours are given under its names.
"""

import collections
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile

import psycopg

import rawwire
from cluster import bindir, free_port, identity, own
from waiting import DEADLINE, until

ROOT = pathlib.Path(__file__).resolve().parents[2]

PGBOUNCER_NAMES = {
    "pool_size": "default_pool_size",
    "max_overflow": "reserve_pool_size",
    "overflow_delay": "reserve_pool_timeout",
    "pool_timeout": "query_wait_timeout",
    "pool_recycle": "server_lifetime",
}
PGBOUNCER_LACKS = {
    "workers", "connectors", "debug_io_bytes", "log_min_duration_statement", "log_parameter_values", "log_format",
    "client_gone_timeout", "max_waiting", "pool_pre_ping", "pool_use_lifo", "transaction_timeout",
    "cancel_wait_timeout", "core_dumps", "core_dumps",
}


def find_binary():
    asked = os.environ.get("PGWEIR_BIN")
    candidates = [pathlib.Path(asked)] if asked else [ROOT / "build" / "pgweir", ROOT / "pgweir"]
    for path in candidates:
        if path.is_file():
            return path.resolve()
    raise FileNotFoundError(f"no pgweir at {', '.join(map(str, candidates))} (set PGWEIR_BIN)")


class Binary:
    """The program, copied to where the user it runs as can read it."""

    def __init__(self, directory):
        source = find_binary()
        self.is_pgbouncer = source.name == "pgbouncer"
        self.path = pathlib.Path(directory) / source.name
        shutil.copy(source, self.path)
        shutil.copy(ROOT / "tests" / "e2e" / "tsan.supp", self.path.parent)
        self.path.chmod(0o755)

    def sanitized(self):
        data = self.path.read_bytes()
        return b"__asan_init" in data or b"__tsan_init" in data


class Pooler:
    """One running pooler. Owner: the `pooler` fixture."""

    def __init__(self, binary, cluster, directory, settings, databases=None, users=None, userlist=None,
                 ini=None, env=None, args=(), port=None, section=None):
        self.binary = binary
        self.cluster = cluster
        self.directory = own(pathlib.Path(tempfile.mkdtemp(prefix="p-", dir=directory)))
        self.directory.chmod(0o755)
        self.port = port or free_port()
        self.logfile = self.directory / "stderr.log"
        self.inifile = self.directory / "pooler.ini"
        self.userlist = self.directory / "userlist.txt"
        self.section = section or ("pgbouncer" if binary.is_pgbouncer else "pgweir")
        self.settings = settings
        self.databases = databases
        self.users = users or {}
        self.secrets = userlist
        self.env = env or {}
        self.args = list(args)
        self.under = []  # the command that runs it (strace ...)
        self.max_files = None
        self.process = None
        self.clients = []
        self.expect_exit = 0
        self.own_ini = ini
        self.write_ini()

    # -- configuration --

    def db(self, dbname="app", **keys):
        """A connection string for the ini file."""
        parts = {"host": "127.0.0.1", "port": self.cluster.port if self.cluster else 1, "dbname": dbname}
        parts.update(keys)
        return " ".join(f"{k}={v}" for k, v in parts.items() if v is not None)

    def default_settings(self):
        return {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": self.directory,
            "auth_type": "trust",
            "auth_file": self.userlist,
            "admin_users": "admin",
            "stats_users": "stats",
            "pool_mode": os.environ.get("E2E_POOL_MODE", "transaction"),
            "defer_begin": "off" if "E2E_POOL_MODE" in os.environ else None,  # by BEGIN tests hold a server
            "pool_size": 4,
            "max_overflow": 0,
            "workers": 2,
            "server_login_retry": 1,
            "client_login_timeout": 20,
            "core_dumps": 1 if os.geteuid() else None,  # else /proc would tell us nothing
        }

    def ini_text(self):
        if self.own_ini is not None:
            return self.own_ini(self) if callable(self.own_ini) else self.own_ini
        settings = {**self.default_settings(), **self.settings}
        if self.binary.is_pgbouncer:
            settings = {PGBOUNCER_NAMES.get(k, k): v for k, v in settings.items() if k not in PGBOUNCER_LACKS}
        lines = ["[databases]"]
        databases = self.databases
        if databases is None:
            databases = {name: self.db(name) for name in ("app", "other", "postgres")}
        for name, value in databases.items():
            lines.append(f"{name} = {value(self) if callable(value) else value}")
        lines += ["", f"[{self.section}]"]
        lines += [f"{k} = {v}" for k, v in settings.items() if v is not None]
        if self.users:
            lines += ["", "[users]"] + [f"{k} = {v}" for k, v in self.users.items()]
        return "\n".join(lines) + "\n"

    def write_ini(self):
        self.inifile.write_text(self.ini_text())
        own(self.inifile)
        secrets = self.secrets
        if secrets is None:
            secrets = {name: "" for name in ("app", "other", "third", "repl", "admin", "stats", "postgres", "u_trust",
                                             "u_pass")}
        quote = lambda s: '"' + s.replace('"', '""') + '"'  # noqa: E731
        self.userlist.write_text("".join(f"{quote(k)} {quote(v)}\n" for k, v in secrets.items()))
        self.userlist.chmod(0o600)
        own(self.userlist)

    def change(self, **settings):
        """Write changed settings to the ini file (a reload brings them in); None takes one out."""
        self.settings = {**self.settings, **settings}
        self.write_ini()

    def reload(self, **settings):
        """Change settings and wait until the pooler has taken them."""
        self.change(**settings)
        self.console("reload")

    # -- life --

    def environment(self):
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.directory), "TZ": "UTC"}
        san = self.directory / "sanitizer"
        env["ASAN_OPTIONS"] = f"log_path={san}:detect_leaks=1:quarantine_size_mb=16:handle_abort=1"
        env["LSAN_OPTIONS"] = os.environ.get("LSAN_OPTIONS", "")
        env["UBSAN_OPTIONS"] = f"log_path={san}:print_stacktrace=1"
        suppressions = self.binary.path.parent / "tsan.supp"
        env["TSAN_OPTIONS"] = (f"log_path={san}:exitcode=66:suppressions={suppressions}:"
                               f"{os.environ.get('TSAN_OPTIONS', '')}")
        env.update(self.env)
        return env

    def _limit(self):
        if self.max_files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.max_files, self.max_files))

    def spawn(self):
        with open(self.logfile, "ab") as log:
            self.process = subprocess.Popen(
                [*self.under, self.binary.path, *self.args, self.inifile], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, cwd=self.directory, env=self.environment(), preexec_fn=self._limit,
                **identity())
        return self

    def start(self):
        self.spawn()
        until(self.listens, "the pooler listens", 30)
        return self

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the pooler ended with {self.process.returncode}:\n{self.log()[-3000:]}")
        try:
            rawwire.Client(("127.0.0.1", self.port)).drop()
            if self.own_ini is None and not self.socket_path.startswith("@"):
                rawwire.Client(self.socket_path).drop()
            return True
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, deadline=30):
        try:
            until(lambda: self.process.poll() is not None, "the pooler ends", deadline)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.stacks()}") from None
        return self.process.returncode

    def stacks(self):
        """What its threads are doing, where gdb is there to say so."""
        gdb = shutil.which("gdb")
        if not gdb:
            return "(no gdb here to show its threads)"
        done = subprocess.run([gdb, "-p", str(self.pid), "-batch", "-ex", "thread apply all bt 14"],
                              capture_output=True, text=True, check=False)
        return "\n".join(line for line in done.stdout.split("\n") if line.startswith(("#", "Thread")))

    def stop(self):
        """End it gently and check what must hold at the end of every test."""
        for client in self.clients:
            try:
                client.close()
            except Exception:  # noqa: B902 - a client may be in any state by now
                pass
        self.clients.clear()
        if self.process is None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGINT if self.binary.is_pgbouncer else signal.SIGTERM)
            try:
                self.wait_exit(20)
            except AssertionError as late:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"SIGTERM did not end the pooler: {late}\n{self.log()[-3000:]}") from None
        self.check_end()

    def check_leaks(self):
        """After all poolers of a test have ended, PostgreSQL has no connection of theirs."""
        if self.cluster is None or self.cluster.process is None:
            return
        try:
            until(lambda: not self.cluster.backends(), "no server connection outlives the pooler")
        finally:
            self.cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where backend_type in "
                             "('client backend', 'walsender') and application_name <> 'e2e-direct' "
                             "and pid <> pg_backend_pid()")

    def check_end(self):
        code = self.process.returncode
        self.process = None
        reports = "".join(p.read_text(errors="replace") for p in self.directory.glob("sanitizer*"))
        assert not reports, f"sanitizer report:\n{reports[:6000]}"
        log = self.log()
        assert not re.search(r"\bBUG\b", log), f"broken invariant:\n{log[-4000:]}"
        assert code == self.expect_exit, f"exit status {code}, wanted {self.expect_exit}:\n{log[-4000:]}"

    # -- its log --

    def log(self):
        return self.logfile.read_text(errors="replace") if self.logfile.exists() else ""

    def wait_log(self, pattern, count=1):
        """Wait until the pattern has come `count` times; the last match."""
        def found():
            matches = list(re.finditer(pattern, self.log(), re.M))
            return matches[-1] if len(matches) >= count else None

        try:
            return until(found, f"log line {pattern}")
        except AssertionError as late:
            raise AssertionError(f"{late}\nthe log:\n{self.log()[-3000:]}") from None

    def slow_lines(self):
        """The slow statements so far, when log_format = json."""
        out = []
        for line in self.log().split("\n"):
            at = line.find("{")
            if at >= 0 and line.endswith("}"):
                try:
                    out.append(json.loads(line[at:]))
                except ValueError:
                    pass
        return out

    # -- clients --

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def socket_path(self):
        return f"{self.settings.get('unix_socket_dir', self.directory)}/.s.PGSQL.{self.port}"

    def open(self, split=0, address=None, receive_buffer=None):
        """A raw client that has not said anything yet."""
        client = rawwire.Client(address or self.address, split, receive_buffer)
        self.clients.append(client)
        return client

    def raw(self, user="app", database="app", password=None, split=0, address=None, receive_buffer=None, **params):
        """A raw client, logged in."""
        return self.open(split, address, receive_buffer).login(user, database, password, **params)

    def conninfo(self, user="app", dbname="app", **keys):
        parts = {"host": "127.0.0.1", "port": self.port, "user": user, "dbname": dbname, "sslmode": "disable",
                 "gssencmode": "disable", "connect_timeout": int(DEADLINE), **keys}
        return " ".join(f"{k}={v}" for k, v in parts.items())

    def connect(self, user="app", dbname="app", prepare_threshold=None, **keys):
        """psycopg 3, autocommit, no prepared statements unless asked for."""
        conn = psycopg.connect(self.conninfo(user, dbname, **keys), autocommit=True,
                               prepare_threshold=prepare_threshold)
        self.clients.append(conn)
        return conn

    # -- the console --

    @property
    def console_database(self):
        return "pgbouncer" if self.binary.is_pgbouncer else "pgweir"

    def console(self, command, user="admin"):
        """Run one console command; its rows as dictionaries."""
        needs_tls = self.settings.get("client_tls_sslmode") in ("require", "verify-ca", "verify-full")
        client = rawwire.Client(self.socket_path if needs_tls else self.address).login(user, self.console_database)
        try:
            return client.dicts(command)
        finally:
            client.close()

    def show(self, what, **where):
        """The rows of a SHOW in which the given columns have the given values."""
        rows = self.console(f"show {what}")
        return [row for row in rows if all(row[k] == str(v) for k, v in where.items())]

    def pool(self, database="app", user="app"):
        """The row of a pool; all zeros before it is there."""
        rows = self.show("pools", database=database, user=user)
        return rows[0] if rows else collections.defaultdict(lambda: "0")

    def waiting(self, database="app", user="app"):
        return int(self.pool(database, user)["cl_waiting"])

    def wait_waiting(self, count, database="app", user="app"):
        until(lambda: self.waiting(database, user) == count, f"{count} clients wait for a server")

    def wait_cancelling(self):
        """Until no cancel request is under way any more."""
        until(lambda: all(int(row["cl_active_cancel_req"]) + int(row["cl_waiting_cancel_req"]) == 0
                          for row in self.show("pools")), "all cancel requests are done")

    # -- other programs --

    def run(self, program, *args, user="app", dbname="app", check=True, stdin=None, timeout=None, env=None):
        """Run one of PostgreSQL's programs against the pooler."""
        done = subprocess.run(
            [bindir() / program, *map(str, args)], input=stdin, text=True, capture_output=True,
            timeout=timeout or 8 * DEADLINE, cwd=self.directory,
            env={**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": user, "PGDATABASE": dbname,
                 "PGSSLMODE": "disable", "PGGSSENCMODE": "disable", "PGPASSFILE": "/dev/null", **(env or {})})
        if check:
            assert done.returncode == 0, f"{program} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def psql(self, sql, **keys):
        return self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, **keys).stdout.strip()

    # -- the process --

    def status(self, field):
        """A number of /proc/PID/status, in kB where it has a unit."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M)[1])

    def rss_mb(self):
        return self.status("VmRSS") / 1024

    def peak_mb(self):
        return self.status("VmHWM") / 1024

    def fds(self):
        """Descriptors, but for those that threads have: one more is started when there is work for it."""
        return len(os.listdir(f"/proc/{self.pid}/fd")) - 2 * len(os.listdir(f"/proc/{self.pid}/task"))
