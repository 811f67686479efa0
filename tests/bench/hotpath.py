#!/usr/bin/python3
"""hotpath.py - what a query, and a login, costs, counted: instructions, and system calls.

    hotpath.py            compare with hotpath.expected; status 1 where something has grown by more than 2 %
    hotpath.py --write    write what is counted to hotpath.expected

Instructions are those of pgweir under callgrind for 2N queries, less those for N, over N: what is done once cancels out.
How many connections share a turn of the loop is chance, and now and then a timer has one to itself. So a query's are those of
its wake-ups (conn_on_event, which libevent calls for each connection that is ready, and all that it calls); a turn's, of
libevent and of the loop with one connection in it, are a row of their own, and a client that is alone pays for two.
No clock plays a part, but on a busy machine the load may come late, so that clients find a server who else would wait for
one: it is the median of three. A login's are the least of all instructions from when one is accepted until the next one is,
but for turns and timers. What a compiler makes of the sources differs from one to the next, so that instructions are
compared only where the compiler is the one in the file and the build an ordinary one. System calls, without the waits where
several clients share them, are the same everywhere but under sanitizers, which make some of their own. Status 77: nothing
could be compared.
"""

import collections
import math
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

import benchload
from benchload import NotThere
from benchtarget import Bed, BenchError, Cpus, PGWEIR, Target, Tools, free_port, identity, program, wait_for_port

HERE = pathlib.Path(__file__).resolve().parent
EXPECTED = HERE / "hotpath.expected"
BUILD = pathlib.Path(os.environ.get("TOP_BUILDDIR", "."))
PROTOS = ("simple", "extended", "prepared")
CLIENTS = (1, 16)
SERVERS = 4
WARM, QUERIES, ROUNDS = 200, 300, 3
WAKE, TURN, TIMERS = "conn_on_event", "loop_turn", "loop_on_alarm"
OTHER_CALLBACKS = ("mailbox_on_wake", "listener_on_client")  # of libevent, and not a query's
TOTALS = r"^totals: \d+$"  # the last line of a file of callgrind's
LOGIN_SECONDS = 2
LOGINS, LOGINS_WARM = 20, 5
TOLERANCE = 0.02
SKIPPED = 77
# one worker, and a slow-query log that watches everything and has nothing to say
SETTINGS = {"workers": 1, "max_overflow": 0, "log_min_duration_statement": "1h"}


def config_log():
    return (BUILD / "config.log").read_text(errors="replace")


def is_sanitized():
    return re.search(r"^OUR_CFLAGS='.*-fsanitize", config_log(), re.M) is not None


def compiler():
    """What the build was made with, from its config.log; None: not to be compared."""
    text = config_log()
    flags = re.search(r"^CFLAGS='(.*)'", text, re.M)
    version = re.search(r"^(gcc|clang|Debian clang) .*?(\d+)\.\d+\.\d+", text, re.M)
    if not (flags and version) or "-O2" not in flags[1] or "#define DEBUG_THREADS 1" in text:
        return None
    return f"{version[1]}-{version[2]} {os.uname().machine} {flags[1]}"


class Called:
    """How often each function was called, and the instructions of that with what it called in turn, from a file of callgrind's."""

    def __init__(self, path):
        self.times, self.cost = collections.Counter(), collections.Counter()
        names, name, times = {}, None, 0
        for line in path.read_text().splitlines():
            if times:  # the line behind "calls="
                self.times[name] += times
                self.cost[name] += int(line.split()[-1])
                times = 0
            elif line.startswith(("fn=", "cfn=")):
                number, _, text = line.split("=", 1)[1].partition(" ")  # the text is there the first time
                name = names.setdefault(number, text)
            elif line.startswith("calls="):
                times = int(line.split("=")[1].split()[0])
            elif line.startswith("totals:"):
                self.total = int(line.split()[1])
        if not self.times[WAKE] or not self.times[TURN]:
            raise BenchError(f"{WAKE} or {TURN} is not a function of its own in this build")

    def turns(self):
        """Of the loop, but for what it has called."""
        return self.cost[TURN] - sum(self.cost[name] for name in (WAKE, TIMERS, *OTHER_CALLBACKS))

    def turn(self):
        return self.turns() / self.times[TURN]

    def untimed(self):
        """Of all threads, but for turns and timers, which are more where it takes longer."""
        return self.total - self.turns() - self.cost[TIMERS]


class Counted:
    """pgweir under callgrind. Its counts are written out whenever somebody connects: that marks an end."""

    def __init__(self, bed, mode="transaction"):
        self.bed = bed
        self.out = bed.directory / f"callgrind-{mode}"
        self.out.mkdir()
        self.out.chmod(0o777)
        port = free_port()
        ini = bed.write(f"counted-{mode}.ini", bed.ini("pgweir", port, {**SETTINGS, "pool_mode": mode}))
        log = bed.directory / f"counted-{mode}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}/o", "--vgdb=no",
                 "--dump-before=client_accept", bed.tools.pgweir, ini], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                cwd=bed.directory, **identity())
        self.target = bed.targets[f"counted-{mode}"] = Target(f"pgweir under callgrind, {mode}", port, process, log)
        wait_for_port(port, self.target, patience=100)

    def files(self):
        return sorted(self.out.glob("o.*"), key=lambda path: int(path.suffix[1:]))

    @staticmethod
    def is_written(path):
        return re.search(TOTALS, path.read_text(), re.M) is not None

    def mark(self):
        """What has been called since the last mark."""
        before = len(self.files())
        with socket.create_connection(("127.0.0.1", self.target.port)):
            for _ in range(1000):
                files = self.files()
                if len(files) > before and self.is_written(files[-1]):
                    break
                self.target.alive()
                time.sleep(0.01)
            else:
                raise BenchError("callgrind does not write")
        time.sleep(0.1)  # its end is not part of what comes
        return Called(files[-1])

    def count(self, args):
        """What a query's wake-ups take, and what a turn does besides."""
        with benchload.Load(self.bed, self.target, args) as load:
            load.run(WARM)
            self.mark()
            counts = [self.count_once(load) for _ in range(ROUNDS)]
            return [statistics.median(column) for column in zip(*counts)]

    def count_once(self, load):
        load.run(QUERIES)
        once = self.mark()
        load.run(2 * QUERIES)
        twice = self.mark()
        return (twice.cost[WAKE] - once.cost[WAKE]) / QUERIES, twice.turn()


def count_calls(bed, target, args, clients):
    calls = benchload.calls_per_query(bed, target, args, QUERIES)
    waits = calls.pop("epoll_wait", 0)
    return sum(calls.values()) + (waits if clients == 1 else 0)


def count_login_instructions(tools, args, **needs):
    """Of a client that connects with SCRAM, asks once and leaves. Helpers count too."""
    with Bed(tools, Cpus(), pool_size=SERVERS, scram=True, **needs) as bed:
        counted = Counted(bed)
        with benchload.Load(bed, counted.target, ["--storm", "1", *args], seconds=LOGIN_SECONDS, warmup=0) as load:
            while len(counted.files()) <= LOGINS_WARM + LOGINS:
                load.run()
        parts = counted.files()[LOGINS_WARM:LOGINS_WARM + LOGINS]  # from each that is accepted to the next
        return min(Called(path).untimed() for path in parts)


def count_logins_instructions(tools):
    return {"login-scram instructions": count_login_instructions(tools, []),
            "login-tls instructions": count_login_instructions(tools, [], tls=True),
            "login-resumed instructions": count_login_instructions(tools, ["--resume"], tls=True)}


def in_fours(count):
    """Upward: what has a little more or less in each run, since it depends on which packets have come by then."""
    return 4 * math.ceil(count / 4)


def count_login(tools, *args, **needs):
    """The system calls of a client that connects with SCRAM, asks once and leaves, by name."""
    with Bed(tools, Cpus(), pool_size=SERVERS, scram=True, **needs) as bed:
        bed.add_pgweir(**SETTINGS)
        target = bed.targets[PGWEIR]
        with benchload.Load(bed, target, ["--storm", "1", *args], seconds=LOGIN_SECONDS, warmup=0) as load:
            load.run()
            with benchload.Strace(target.process.pid) as strace:
                got = load.run()
        return {name: count / got["storm"]["done"] for name, count in strace.calls.items()}


def count_login_calls(tools):
    """But the waits; under TLS, where threads wait for one another, what is read alone; where a session is taken up again, all
    but that."""
    plain, tls, resumed = count_login(tools), count_login(tools, tls=True), count_login(tools, "--resume", tls=True)
    return {"login-scram calls": sum(plain.values()) - plain.get("epoll_wait", 0),
            "login-tls-reads calls": in_fours(tls["read"] + tls["recvfrom"]),
            "login-resumed calls": sum(resumed.values()) - resumed.get("epoll_wait", 0) - resumed["read"]}


def count_auto(bed):
    """The same in pool_mode auto, which reads each text for what it may leave behind."""
    counted = Counted(bed, "auto")
    return {f"auto-{proto}-{clients} instructions":
            counted.count(["--clients", str(clients), "--proto", proto])[0] for proto in PROTOS for clients in CLIENTS}


def compare_modes(found):
    """What pool_mode auto costs more than transaction."""
    for name, value in found.items():
        if f"auto-{name}" in found:
            query = name.split()[0]
            print(f"{f'auto-{query} beside {query}':34} {found[f'auto-{name}'] / value - 1:+.1%}")


def count_all(tools, counts_instructions):
    found = {}
    with Bed(tools, Cpus(), pool_size=SERVERS) as bed:
        bed.add_pgweir(**SETTINGS)
        counted = Counted(bed) if counts_instructions else None
        for proto in PROTOS:
            for clients in CLIENTS:
                name, args = f"{proto}-{clients}", ["--clients", str(clients), "--proto", proto]
                try:
                    if program("strace"):
                        found[f"{name} calls"] = count_calls(bed, bed.targets[PGWEIR], args, clients)
                    if counted:
                        found[f"{name} instructions"], turn = counted.count(args)
                        if clients == 1:
                            found["turn instructions"] = min(turn, found.get("turn instructions", turn))
                except NotThere as why:
                    print(f"hotpath: {why}")
        if counted:
            found.update(count_auto(bed))
    if counts_instructions:
        found.update(count_logins_instructions(tools))
    try:
        if program("strace"):
            found.update(count_login_calls(tools))
    except NotThere as why:
        print(f"hotpath: {why}")
    return found


def read_expected():
    lines = [line.split(maxsplit=1) for line in EXPECTED.read_text().splitlines() if line and line[0] != "#"]
    made_by = next(rest for word, rest in lines if word == "compiler")
    return made_by, {f"{word} {rest.split()[0]}": float(rest.split()[1]) for word, rest in lines if word != "compiler"}


def write_expected(made_by, found):
    lines = ["# What a query, and a login, costs in pgweir: written by hotpath.py --write, compared in make check.", f"compiler {made_by}"]
    lines += [f"{name} {value:.{2 if name.endswith('calls') else 0}f}" for name, value in found.items()]
    EXPECTED.write_text("\n".join(lines) + "\n")


def compare(found, expected):
    """How many have grown."""
    grown = 0
    for name, value in found.items():
        bound = expected.get(name)
        verdict = f"{value / bound - 1:+.1%}" if bound else "is not in hotpath.expected"
        if bound and value > bound * (1 + TOLERANCE):
            grown += 1
            verdict += "  <-- more than is written in hotpath.expected"
        print(f"{name:28} {value:10.2f}  {verdict}")
    return grown


def main():
    if is_sanitized():
        print("hotpath: a sanitizer counts with it")
        return SKIPPED
    writes = sys.argv[1:] == ["--write"]
    made_by = compiler()
    expected_by, expected = read_expected() if EXPECTED.exists() else (made_by, {})
    counts_instructions = bool(made_by and program("valgrind") and (writes or made_by == expected_by))
    if not counts_instructions:
        print(f"hotpath: instructions are not counted (made by {made_by}, compared are those of {expected_by})")
    tools = Tools(BUILD)
    try:
        found = count_all(tools, counts_instructions)
    finally:
        tools.remove()
    if writes:
        write_expected(made_by, found)
    if not found:
        print("hotpath: neither strace nor valgrind can be used here")
        return SKIPPED
    compare_modes(found)
    return 1 if compare(found, read_expected()[1]) else 0


if __name__ == "__main__":
    sys.exit(main())
