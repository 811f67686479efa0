#!/usr/bin/python3
"""bench.py - pgweir against PgBouncer, HAProxy as a TCP relay, a pooler that only pools (floor.c), and the server itself.

    bench.py --build DIR [--results DIR] [--quick] [-k WORD] [--repeats N] [--seconds S]

Every scenario is run against each target in turn, and again, so that a noisy moment hits all of them. A wrong answer, a
connection that breaks or a process that dies ends it with status 1.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys

import benchload
import benchreport
from benchload import NotThere
from benchtarget import (Bed, BenchError, Cluster, Cpus, DIRECT, FLOOR, HAPROXY, PGBOUNCER, PGWEIR, Tools, identity, pg_bin, program,
                         raise_file_limit)

POOLERS = (HAPROXY, PGBOUNCER, PGWEIR)
ALL = (DIRECT, *POOLERS)
BOTH = (PGBOUNCER, PGWEIR)
WORKERS = {f"pgweir workers={n}": {"workers": n} for n in (2, 4)}
LOGS = {"pgweir no slow log": {"log_min_duration_statement": -1, "log_stats": 0},
        "pgweir log all": {"log_min_duration_statement": 0, "log_stats": 1, "log_slow_rate": 10}}
OFFLOAD = {"pgweir tls_offload=1": {"tls_offload": 1}}  # the same where the kernel has no TLS
AUTO = {"pgweir pool_mode=auto": {"pool_mode": "auto"}}
IDLE = 10000
# Beside a storm of logins that are offered at a rate: sixteen clients who ask a hundred times a second each.
CALM = ["--clients", "16", "--rest-us", "10000"]

# A bed's key is what it needs; scenarios with the same one share it.
Scenario = collections.namedtuple("Scenario", "name title kind load bed targets variants quick")
PLAIN, TLS, SCRAM, SCRAM_TLS = {}, {"tls": True}, {"scram": True}, {"scram": True, "tls": True}
BESIDE, QUEUE = {"beside": True}, {"pool_size": 5, "think_us": 5000}
# Beside something large: one client who asks again half a millisecond after it was answered.
SMALL = ["--clients", "1", "--rest-us", "500"]


def scenario(name, title, kind, load, bed=PLAIN, targets=POOLERS, variants=None, quick=False):
    return Scenario(name, title, kind, load.split(), bed, targets, variants or {}, quick)


def query_scenarios():
    for proto in ("simple", "extended", "prepared"):
        for clients in (1, 16, 64, 512):
            targets = ALL if clients in (1, 64) else POOLERS
            yield scenario(f"{proto}-{clients}", f"small query, {proto}, {clients} client{'s' * (clients > 1)}", "query",
                           f"--clients {clients} --proto {proto}", targets=targets if proto == "prepared" else (*targets, FLOOR),
                           quick=(proto, clients) in (("simple", 1), ("simple", 64), ("extended", 64), ("prepared", 64)))


SCENARIOS = [
    *query_scenarios(),
    scenario("names-64", "small query, simple, 64 clients, four application_names in turn", "query",
             "--clients 64 --app-names 4", targets=BOTH, quick=True),
    scenario("workers", "workers 1, 2, 4: small query, simple, 64 clients", "query", "--clients 64", targets=(PGWEIR,),
             variants=WORKERS),
    scenario("logs", "slow log and statistics off, as they are, everything logged: small query, simple, 64 clients", "query",
             "--clients 64", targets=(PGWEIR,), variants=LOGS),
    scenario("auto", "pool_mode transaction and auto: small query, extended, 64 clients", "query",
             "--clients 64 --proto extended", targets=(PGWEIR,), variants=AUTO),
    scenario("auto-prepared", "pool_mode transaction and auto: small query, prepared, 64 clients", "query",
             "--clients 64 --proto prepared", targets=(PGWEIR,), variants=AUTO),
    scenario("stream", "large result, rows of 1 kB", "bulk", "--streams 1", targets=ALL, quick=True),
    scenario("stream-100", "large result, rows of 100 bytes", "bulk", "--streams 1 --row-bytes 100"),
    scenario("stream-256k", "large result, rows of 256 KiB", "bulk", "--streams 1 --row-bytes 262144"),
    scenario("copy-out", "COPY TO, rows of 1 kB", "bulk", "--copy-out 1"),
    scenario("copy-in", "COPY FROM, rows of 1 kB", "bulk", "--copy-in 1", targets=ALL, quick=True),
    scenario("beside", "a small-query client beside a large result", "beside", "--streams 1", bed=BESIDE, targets=ALL, quick=True),
    scenario("beside-copy-out", "a small-query client beside a COPY TO", "beside", "--copy-out 1", bed=BESIDE),
    scenario("beside-copy-in", "a small-query client beside a COPY FROM", "beside", "--copy-in 1", bed=BESIDE),
    scenario("idle", f"{IDLE} idle clients (quick: half) beside 64 that ask", "idle", "--clients 64", quick=True),
    scenario("storm-trust", "connect, one query, disconnect (trust), beside one client", "storm", "--storm 16 --clients 1"),
    scenario("storm-scram", "connect with SCRAM, one query, disconnect, beside one client", "storm", "--storm 16 --clients 1",
             bed=SCRAM, targets=BOTH, quick=True),
    scenario("storm-tls", "connect with TLS and SCRAM, one query, disconnect, beside one client", "storm",
             "--storm 16 --clients 1", bed=SCRAM_TLS, targets=BOTH, quick=True),
    scenario("storm-resumed", "the same, TLS sessions taken up again", "storm", "--storm 16 --clients 1 --resume", bed=SCRAM_TLS,
             targets=BOTH),
    scenario("storm-offered", "500 logins a second offered (TLS, SCRAM, one query), beside 16 clients of 100 queries a second each",
             "offered", "--storm 400 --logins-per-s 500", bed=SCRAM_TLS, targets=BOTH, quick=True),
    scenario("tls-simple-64", "client TLS: small query, simple, 64 clients", "query", "--clients 64", bed=TLS, quick=True),
    scenario("tls-stream", "client TLS: large result, rows of 1 kB", "bulk", "--streams 1", bed=TLS, variants=OFFLOAD,
             quick=True),
    scenario("tls-copy-in", "client TLS: COPY FROM, rows of 1 kB", "bulk", "--copy-in 1", bed=TLS),
    scenario("queue", "500 clients on 5 servers that take 5 ms", "queue", "--clients 500", bed=QUEUE, targets=BOTH, quick=True),
]


class Bench:
    def __init__(self, options):
        self.options = options
        self.quick = options.quick
        self.repeats = options.repeats or (1 if self.quick else 3)
        self.seconds = options.seconds or (0.7 if self.quick else 2.0)
        # small queries: the same time in shorter turns, so that what is compared runs at nearly the same moment
        self.turns = 1 if self.quick else 3
        self.tools = Tools(options.build)
        self.cpus = Cpus()
        self.results = benchreport.Results()
        self.memory = {}

    def say(self, text):
        print(f"bench: {text}", flush=True)

    # -- one run of a scenario against one target: its figures --

    def run(self, bed, s, target):
        how = {"seconds": self.seconds / (self.turns if s.kind == "query" else 1), "warmup": 0.2}
        if s.kind == "idle":
            return self.run_idle(bed, s, target, how)
        if s.kind == "offered":
            return self.run_offered(bed, s, target)
        if s.kind == "beside":
            small, got = benchload.run_beside(bed, target, SMALL, s.load, **how)
            return self.bulk_figures(target, got) | {"p50_us": small["clients"]["p50_us"], "other_p99_us": small["clients"]["p99_us"]}
        if s.kind == "queue":
            how = {"seconds": 3.0 if self.quick else 10.0, "warmup": 1.0}
        got = benchload.run(bed, target, s.load, **how)
        clients, cpu = got.get("clients", {}), got["cpu"]
        if s.kind == "query":
            return self.query_figures(target, clients, cpu)
        if s.kind == "queue":
            return {"per_s": clients["per_s"], "of_ideal": clients["per_s"] / (bed.pool_size * 1e6 / bed.think_us),
                    "jain": got["jain"], "p99_us": clients["p99_us"], "max_us": clients["max_us"]}
        if s.kind == "storm":
            storm = got["storm"]
            if not storm["done"]:
                raise BenchError(f"{target.name}: no connection was made")
            # what the one established client asked meanwhile is in it: less than a hundredth
            return {"connects_per_s": storm["per_s"], "connect_us": cpu * 1e6 / storm["done"], "other_p99_us": clients["p99_us"]}
        return self.bulk_figures(target, got)

    @staticmethod
    def bulk_figures(target, got):
        bulk = next(v for k, v in got.items() if isinstance(v, dict) and k != "clients")
        if not bulk["bytes"]:
            raise BenchError(f"{target.name}: nothing was streamed")
        figures = {"mb_per_s": bulk["mb_per_s"]}
        if target.process:
            figures["cpu_s_per_gb"] = got["cpu"] / (bulk["bytes"] / 1e9)
        return figures

    @staticmethod
    def query_figures(target, clients, cpu):
        if not clients["done"]:
            raise BenchError(f"{target.name}: no query was answered")
        figures = {k: clients[k] for k in ("per_s", "p50_us", "p99_us")} | {"mean_us": clients["count"] * 1e6 / clients["per_s"]}
        if target.process:
            figures["cpu_us"] = cpu * 1e6 / clients["done"]
        return figures

    def run_idle(self, bed, s, target, how):
        idle = IDLE if not self.quick else IDLE // 2
        if target.name == HAPROXY:
            idle = min(idle, bed.relayed() - 200)
        if target.name not in self.memory:  # what it had before all of them: not all of it is given back
            with benchload.Load(bed, target, s.load, **how) as load:
                got = load.run()
                alone = self.query_figures(target, got["clients"], got["cpu"])["cpu_us"]
                self.memory[target.name] = target.memory_kib(), alone
        before, alone = self.memory[target.name]
        with benchload.Load(bed, target, [*s.load, "--idle", str(idle)], **how) as load:
            kib = (target.memory_kib() - before) / idle
            got = load.run()
        return self.query_figures(target, got["clients"], got["cpu"]) | {"idle_kib": kib, "alone_cpu_us": alone}

    def run_offered(self, bed, s, target):
        seconds = 2.0 if self.quick else max(5.0, self.seconds)
        before, during, storm = benchload.run_before_and_during(bed, target, CALM, s.load, seconds, warmup=0.5)
        logins = storm["storm"]
        if not logins["done"]:
            raise BenchError(f"{target.name}: nobody could log in")
        return {"logins_per_s": logins["per_s"], "login_p50_us": logins["p50_us"], "login_p99_us": logins["p99_us"],
                "before_p50_us": before["clients"]["p50_us"], "during_p50_us": during["clients"]["p50_us"],
                "before_p99_us": before["clients"]["p99_us"], "during_p99_us": during["clients"]["p99_us"]}

    def count_calls(self, bed, s, target):
        queries = 2000 if s.name.endswith("-1") else 20000
        calls = benchload.calls_per_query(bed, target, s.load, queries)
        self.results.calls.setdefault(s.name, {})[target.name] = calls
        self.results.add(s.name, s.title, target.name, {"calls": sum(calls.values())})

    # -- a bed and its scenarios --

    def targets_of(self, bed, s):
        return [t for name, t in bed.targets.items() if name in s.targets or name in s.variants]

    def fill(self, bed, scenarios):
        wanted = {name for s in scenarios for name in s.targets}
        variants = {name: settings for s in scenarios for name, settings in s.variants.items()}
        if PGBOUNCER in wanted and program("pgbouncer"):
            bed.add_pgbouncer()
        if HAPROXY in wanted and program("haproxy"):
            bed.add_haproxy()
        if FLOOR in wanted and bed.stubs:  # which greets all clients alike
            bed.add_floor()
        if bed.tls and not bed.pgweir_takes({}):
            for s in scenarios:
                self.results.miss(s.name, s.title, PGWEIR, "no TLS with clients")
            return
        bed.add_pgweir()
        for name, settings in variants.items():
            bed.add_pgweir(name, **settings)

    def try_scenario(self, bed, s):
        targets = self.targets_of(bed, s)
        for turn in range(self.repeats * (self.turns if s.kind == "query" else 1)):
            for target in targets[:] if turn % 2 == 0 else targets[::-1]:
                try:
                    self.results.add(s.name, s.title, target.name, self.run(bed, s, target))
                except NotThere as why:
                    self.say(f"{s.name}: {why}")
                    self.results.miss(s.name, s.title, target.name, "does not have it")
                    targets.remove(target)
        if s.kind == "query" and not s.variants and program("strace") and re.search(r"-(1|64)$", s.name):
            for target in targets:
                if target.process:
                    self.count_calls(bed, s, target)

    def measure_beds(self, scenarios):
        beds = []
        for s in scenarios:
            if s.bed not in beds:
                beds.append(s.bed)
        for needs in beds:
            mine = [s for s in scenarios if s.bed == needs]
            with Bed(self.tools, self.cpus, **needs) as bed:
                self.fill(bed, mine)
                for s in mine:
                    self.say(s.title)
                    self.try_scenario(bed, s)

    # -- a real PostgreSQL --

    def pgbench(self, bed, target, proto):
        before = target.cpu_seconds()
        done = subprocess.run([pg_bin() / "pgbench", "-n", "-S", "-M", proto, "-c", "16", "-T", str(max(1, round(self.seconds))),
                               "-h", "127.0.0.1", "-p", str(target.port), "-U", bed.user, bed.database],
                              capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"},
                              preexec_fn=lambda: os.sched_setaffinity(0, self.cpus.load))
        cpu = target.cpu_seconds() - before
        found = re.search(r"actually processed: (\d+)", done.stdout)
        tps = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode or not found or not tps or "failed" in done.stderr:
            if proto == "prepared":
                raise NotThere(f"{target.name}: pgbench -M prepared: {done.stderr.strip()[-200:]}")
            raise BenchError(f"{target.name}: pgbench -M {proto}: {done.stderr[-1000:]}")
        figures = {"per_s": float(tps[1])}
        if target.process:
            figures["cpu_us"] = cpu * 1e6 / int(found[1])
        return figures

    def measure_postgres(self):
        with Cluster(self.cpus) as cluster, Bed(self.tools, self.cpus, server_port=cluster.port) as bed:
            self.fill(bed, [s for s in SCENARIOS if s.name == "simple-64"])
            for name, settings in AUTO.items():
                bed.add_pgweir(name, **settings)
            for proto in ("simple", "extended", "prepared"):
                name, title = f"pgbench-{proto}", f"PostgreSQL, pgbench -S -M {proto}, 16 clients"
                self.say(title)
                for _ in range(self.repeats):
                    for target in bed.targets.values():
                        if target.name in self.results.missing.get(name, {}):
                            continue
                        try:
                            self.results.add(name, title, target.name, self.pgbench(bed, target, proto))
                        except NotThere as why:
                            self.say(str(why))
                            self.results.miss(name, title, target.name, "does not have it")

    # -- all of it --

    def versions(self):
        first = lambda *args: subprocess.run(args, capture_output=True, text=True, check=False).stdout.splitlines()[0]  # noqa: E731
        found = {PGWEIR: first(self.tools.pgweir, "--version")}
        if program("pgbouncer"):
            found[PGBOUNCER] = first(program("pgbouncer"), "--version")
        if program("haproxy"):
            found[HAPROXY] = first(program("haproxy"), "-v")
        return found

    def main(self):
        wanted = re.compile(self.options.k or "")
        scenarios = [s for s in SCENARIOS if (s.quick or not self.quick) and wanted.search(s.name)]
        try:
            self.measure_beds(scenarios)
            if pg_bin() and wanted.search("pgbench"):
                self.measure_postgres()
        finally:
            self.tools.remove()
        return self.results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=".", help="where pgweir was built")
    parser.add_argument("--results", default="tests/bench/results", help="where the report goes")
    parser.add_argument("--quick", action="store_true", help="fewer scenarios, once, within two minutes")
    parser.add_argument("-k", help="only scenarios whose name matches")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    raise_file_limit()
    bench = Bench(options)
    try:
        versions = bench.versions()
        results = bench.main()
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    markdown, text = benchreport.write(results, versions, pathlib.Path(options.results), "quick" if options.quick else "bench")
    print(text)
    print(f"bench: written to {markdown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
