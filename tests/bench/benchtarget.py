"""What is measured: pgweir, PgBouncer, HAProxy, the floor and the server itself, as processes with a port.

A Bed is a server (the stub, or a real PostgreSQL) with the targets in front of it, all in one directory that is
removed at the end. Everything that dies on its own ends the measurement.
"""

import contextlib
import os
import pathlib
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PASSWORD = "bench-secret"
PGBOUNCER = "pgbouncer"
HAPROXY = "haproxy"
DIRECT = "direct"
FLOOR = "floor"
PGWEIR = "pgweir"
TOP_FILES = 65536


class BenchError(Exception):
    """Something is not as it must be: nothing that was measured counts."""


def program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")


def pg_bin():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: -float(p.parts[4]))
    return found[0].parent if found else None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def identity():
    """PostgreSQL and poolers refuse to run as root."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres" if "postgres" in [u.pw_name for u in pwd.getpwall()] else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def raise_file_limit():
    """How many files a process may have open, having asked for many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, TOP_FILES), max(hard, TOP_FILES)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Cpus:
    """The load and the server on one CPU, the pooler on another; with more CPUs, on the others."""

    def __init__(self):
        cpus = sorted(os.sched_getaffinity(0))
        self.load = {cpus[0]}
        self.one = {cpus[1] if len(cpus) > 1 else cpus[0]}
        self.many = set(cpus[1:]) if len(cpus) > 2 else set(cpus)
        self.count = len(cpus)


def step_back():
    """This process runs when no other of the bench wants its CPU, and makes way at once; under chrt -f too."""
    if os.sched_getscheduler(0) == os.SCHED_FIFO:
        os.sched_setparam(0, os.sched_param(max(1, os.sched_getparam(0).sched_priority - 1)))
    else:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


class Target:
    """A pooler, or nothing in between (no process of its own)."""

    def __init__(self, name, port, process=None, log=None):
        self.name = name
        self.port = port
        self.beside_port = port  # where a bed's second server is reached
        self.process = process
        self.log = log

    def alive(self):
        if self.process and self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:] if self.log else ""
            raise BenchError(f"{self.name} ended with {self.process.returncode}:\n{tail}")

    def cpu_seconds(self):
        """Of all its threads; as exact as the scheduler is."""
        if not self.process:
            return 0.0
        self.alive()
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def memory_kib(self):
        """What it alone occupies (PSS where the kernel says it, else RSS)."""
        for path, key in ((f"/proc/{self.process.pid}/smaps_rollup", "Pss:"), (f"/proc/{self.process.pid}/status", "VmRSS:")):
            with contextlib.suppress(OSError):
                for line in pathlib.Path(path).read_text().splitlines():
                    if line.startswith(key):
                        return int(line.split()[1])
        raise BenchError(f"how much memory {self.name} has is not to be known")

    def stop(self):
        if not self.process:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()


def wait_for_port(port, target, patience=10):
    for _ in range(20 * patience):
        target.alive()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise BenchError(f"{target.name} does not listen on port {port}")


class Bed:
    """Owner of a server and the targets in front of it; a context manager."""

    def __init__(self, tools, cpus, server_port=None, think_us=0, pool_size=16, scram=False, tls=False, beside=False,
                 database="bench", user="bench"):
        self.tools = tools
        self.cpus = cpus
        self.pool_size = pool_size
        self.scram = scram
        self.tls = tls
        self.database = database
        self.user = user
        self.think_us = think_us
        self.server_port = server_port
        self.beside = beside
        self.targets = {}
        self.stubs = []

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-bench-"))
        self.directory.chmod(0o755)
        try:
            self.write_secrets()
            if self.server_port is None:
                self.server_port = self.start_stub("stub", step_back if self.beside else None)
            self.targets[DIRECT] = Target(DIRECT, self.server_port)
            if self.beside:
                self.targets[DIRECT].beside_port = self.start_stub("stub beside")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for target in self.targets.values():
            target.stop()
        for stub in self.stubs:
            stub.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- files --

    def own(self, path):
        who = identity()
        if who:
            os.chown(path, who["user"], who["group"])
        return path

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return self.own(path)

    def write_secrets(self):
        secret = subprocess.run([self.tools / "loadgen", "--secret", PASSWORD], check=True, capture_output=True, text=True)
        self.write("userlist.txt", f'"{self.user}" "{secret.stdout.strip()}"\n')
        if self.tls:
            key, cert = self.directory / "key.pem", self.directory / "cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                            "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
            self.write("both.pem", cert.read_text() + key.read_text())
            for path in (key, cert):
                path.chmod(0o600)
                self.own(path)

    # -- processes --

    def spawn(self, name, port, args, cpus, pooler=True, step=None, **more):
        log = self.directory / f"{name.replace(' ', '-').replace('=', '')}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                [str(a) for a in args], stdout=out, stderr=out, cwd=self.directory,
                preexec_fn=lambda: (os.sched_setaffinity(0, cpus), step and step()), **({"stdin": subprocess.DEVNULL} | more))
        target = Target(name, port, process, log)
        if pooler:
            self.targets[name] = target
        wait_for_port(port, target)
        return target

    def start_stub(self, name, step=None):
        port = free_port()
        self.stubs.append(self.spawn(name, port, [self.tools / "stubserver", "--port", port, "--think-us", self.think_us],
                                     self.cpus.load, pooler=False, step=step, stdin=subprocess.PIPE))
        return port

    def ini(self, section, port, settings):
        server = f"host=127.0.0.1 dbname={self.database} port="
        lines = ["[databases]", f"{self.database} = {server}{self.server_port}"]
        if self.beside:
            lines.append(f"beside = {server}{self.targets[DIRECT].beside_port}")
        lines += ["", f"[{section}]", "listen_addr = 127.0.0.1", f"listen_port = {port}", "unix_socket_dir =",
                 f"auth_type = {'scram-sha-256' if self.scram else 'trust'}",
                 f"auth_file = {self.directory / 'userlist.txt'}", "pool_mode = transaction",
                 f"default_pool_size = {self.pool_size}", "max_client_conn = 20000", "log_connections = 0",
                 "log_disconnections = 0"]
        if self.tls:
            lines += ["client_tls_sslmode = require", f"client_tls_key_file = {self.directory / 'key.pem'}",
                      f"client_tls_cert_file = {self.directory / 'cert.pem'}"]
        return "\n".join(lines + [f"{k} = {v}" for k, v in settings.items()]) + "\n"

    def add_floor(self):
        """The pooler that does nothing but pool, with the sixteen servers that the others have by default."""
        port = free_port()
        self.spawn(FLOOR, port, [self.tools / "floor", "--port", port, "--server", self.server_port], self.cpus.one,
                   stdin=subprocess.PIPE)

    def add_pgbouncer(self):
        port = free_port()
        ini = self.write("pgbouncer.ini", self.ini("pgbouncer", port, {}))
        self.spawn(PGBOUNCER, port, [program("pgbouncer"), ini], self.cpus.one, **identity())

    def pgweir_takes(self, settings):
        """Does this pgweir know these settings?"""
        ini = self.write("try.ini", self.ini("pgweir", 1, settings))
        return subprocess.run([self.tools.pgweir, "--test", ini], capture_output=True, **identity()).returncode == 0

    def add_pgweir(self, name=PGWEIR, **settings):
        """The same settings as PgBouncer's, one worker; more by name."""
        port = free_port()
        settings = {"workers": 1, "max_overflow": 0} | settings
        ini = self.write(f"pgweir{len(self.targets)}.ini", self.ini("pgweir", port, settings))
        cpus = self.cpus.one if settings["workers"] == 1 else self.cpus.many
        self.spawn(name, port, [self.tools.pgweir, ini], cpus, **identity())

    @staticmethod
    def relayed():
        """How many connections a relay can have: each is two files."""
        return min(12000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - 100)

    def add_haproxy(self):
        port, beside_port = free_port(), free_port()
        tls = f" ssl crt {self.directory / 'both.pem'}" if self.tls else ""
        self.write("haproxy.cfg", f"""global
    nbthread 1
    maxconn {self.relayed()}
defaults
    mode tcp
    timeout connect 10s
    timeout client 10m
    timeout server 10m
listen relay
    bind 127.0.0.1:{port}{tls}
    server one 127.0.0.1:{self.server_port}
listen beside
    bind 127.0.0.1:{beside_port}
    server one 127.0.0.1:{self.targets[DIRECT].beside_port}
""")
        relay = self.spawn(HAPROXY, port, [program("haproxy"), "-db", "-f", "haproxy.cfg"], self.cpus.one, **identity())
        relay.beside_port = beside_port


class Tools:
    """Where the programs are; copied to where everybody may run them."""

    def __init__(self, build):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-bench-bin-"))
        self.directory.chmod(0o755)
        for path in ("pgweir", "tests/bench/stubserver", "tests/bench/loadgen", "tests/bench/floor"):
            shutil.copy(pathlib.Path(build) / path, self.directory)
            (self.directory / pathlib.Path(path).name).chmod(0o755)
        self.pgweir = self.directory / "pgweir"

    def __truediv__(self, name):
        return self.directory / name

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Cluster:
    """A PostgreSQL of its own for pgbench; a context manager."""

    def __init__(self, cpus):
        self.cpus = cpus
        self.port = free_port()
        self.bin = pg_bin()

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-bench-pg-"))
        who = identity()
        if who:
            os.chown(self.directory, who["user"], who["group"])
        data = self.directory / "data"
        run = lambda *args: subprocess.run([str(a) for a in args], check=True, capture_output=True, **who)  # noqa: E731
        try:
            run(self.bin / "initdb", "-D", data, "-A", "trust", "-U", "bench", "-N")
            with open(data / "postgresql.conf", "a", encoding="ascii") as conf:
                conf.write(f"listen_addresses='127.0.0.1'\nport={self.port}\nunix_socket_directories=''\nfsync=off\n"
                           "max_connections=300\nautovacuum=off\nshared_buffers=256MB\n")
            run(self.bin / "pg_ctl", "-D", data, "-w", "-l", self.directory / "log", "start")
            run(self.bin / "createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "bench", "bench")
            run(self.bin / "pgbench", "-h", "127.0.0.1", "-p", self.port, "-U", "bench", "-i", "-q", "-s", "10", "bench")
        except BaseException:
            self.__exit__()
            raise
        pid = int((data / "postmaster.pid").read_text().split()[0])
        os.sched_setaffinity(pid, self.cpus.load)  # what it forks from now on inherits it
        return self

    def __exit__(self, *_):
        subprocess.run([self.bin / "pg_ctl", "-D", self.directory / "data", "-m", "immediate", "stop"],
                       capture_output=True, check=False, **identity())
        shutil.rmtree(self.directory, ignore_errors=True)
