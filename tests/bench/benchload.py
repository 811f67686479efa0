"""Runs of the load generator against a target, and what they cost the target."""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time

from benchtarget import BenchError, PASSWORD, step_back

REFUSED, WRONG = 3, 4  # loadconn.h
PATIENCE = 150


class NotThere(BenchError):
    """The target says no: what is asked for it does not have."""


class Load:
    """One process of the load generator, logged in and waiting; a context manager."""

    def __init__(self, bed, target, args, seconds=2.0, warmup=0.3, beside=False, step=None):
        self.bed = bed
        self.target = target
        self.step = step
        port, database = (target.beside_port, "beside") if beside else (target.port, bed.database)
        args = [bed.tools / "loadgen", "--hold", "--port", port, "--user", bed.user, "--database", database,
                "--seconds", seconds, "--warmup", warmup, *args]
        if bed.scram and target.process:
            args += ["--password", PASSWORD]
        if bed.tls and target.process:
            args.append("--tls-direct" if target.name == "haproxy" else "--tls")
        self.args = [str(a) for a in args]

    def __enter__(self):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(self.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        preexec_fn=lambda: (os.sched_setaffinity(0, self.bed.cpus.load), self.step and self.step()))
        try:
            self.expect("ready")
        except BaseException as failure:
            self.__exit__(failure)
            raise
        return self

    def __exit__(self, failure=None, *_):
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.seek(0)
        said = self.errors.read()
        self.errors.close()
        if failure is None and self.process.returncode:
            raise BenchError(f"{self.target.name}: loadgen ended with {self.process.returncode}: {said}")

    def line(self):
        line = self.process.stdout.readline()
        if line:
            return line.strip()
        self.process.wait(PATIENCE)
        self.target.alive()
        self.errors.seek(0)
        said = f"{self.target.name}: loadgen ended with {self.process.returncode}: {self.errors.read().strip()}"
        raise (NotThere if self.process.returncode == REFUSED else BenchError)(said)

    def expect(self, word):
        line = self.line()
        if line != word:
            raise BenchError(f"{self.target.name}: loadgen says {line!r}, not {word!r}")

    def say(self, line):
        with contextlib.suppress(BrokenPipeError):  # it has ended: the next line says why
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def begin(self, queries=None):
        self.say(f"go {queries}" if queries else "go")
        self.expect("begin")
        self.cpu_before = self.target.cpu_seconds()

    def end(self):
        """What loadgen reports, and cpu: the seconds that the target took meanwhile."""
        self.expect("end")
        cpu = self.target.cpu_seconds() - self.cpu_before
        self.target.alive()
        for stub in self.bed.stubs:
            stub.alive()
        return json.loads(self.line()) | {"cpu": cpu}

    def run(self, queries=None):
        self.begin(queries)
        return self.end()


def run(bed, target, args, **how):
    with Load(bed, target, args, **how) as load:
        return load.run()


def run_before_and_during(bed, target, calm_args, storm_args, seconds, warmup):
    """What clients who stay report while nobody else is there, and while the storm blows; and what the storm reports."""
    with Load(bed, target, calm_args, seconds, warmup) as calm:
        before = calm.run()
        with Load(bed, target, storm_args, seconds + 2 * warmup, warmup) as storm:
            storm.begin()
            during = calm.run()
            return before, during, storm.end()


def run_beside(bed, target, small_args, bulk_args, seconds, warmup):
    """What small queries, to a server of their own, report while something large passes; and what that reports. The large one
    and its server make way for the small ones wherever they share a CPU, so that only the pooler keeps these waiting."""
    with Load(bed, target, small_args, seconds, warmup, beside=True) as small, \
            Load(bed, target, bulk_args, seconds + 2 * warmup, warmup, step=step_back) as bulk:
        bulk.begin()
        during = small.run()
        return during, bulk.end()


# ---- system calls ---------------------------------------------------------------------


class Strace:
    """Counts the system calls of all threads of a process; a context manager."""

    def __init__(self, pid):
        self.pid = pid
        self.calls = {}

    def __enter__(self):
        self.out = tempfile.NamedTemporaryFile("r")
        self.process = subprocess.Popen(["strace", "-f", "-c", "-U", "calls,name", "-o", self.out.name, "-p", str(self.pid)],
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "attached" not in line:
            self.process.kill()
            raise NotThere(f"strace cannot look at process {self.pid}: {line.strip()}")
        while True:  # it says one line for each thread and is attached to all once these are quiet
            tasks = len(os.listdir(f"/proc/{self.pid}/task"))
            traced = sum(1 for t in os.listdir(f"/proc/{self.pid}/task") if tracer(self.pid, t) == self.process.pid)
            if traced == tasks:
                return self
            time.sleep(0.01)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate()
        for line in self.out.read().splitlines():
            found = re.match(r"\s*(\d+)\s+(\w+)$", line)
            if found and found[2] != "total":
                self.calls[found[2]] = int(found[1])
        self.out.close()


def tracer(pid, task):
    with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("TracerPid:"):
                return int(line.split()[1])
    return 0


def calls_per_query(bed, target, args, queries):
    with Load(bed, target, args) as load:
        load.run(queries // 4)
        with Strace(target.process.pid) as strace:
            load.run(queries)
    return {name: count / queries for name, count in strace.calls.items()}
