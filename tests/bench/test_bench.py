#!/usr/bin/python3
"""Does the bench find out what is wrong? A bench that takes any answer measures nothing."""

import os
import pathlib
import sys
import tempfile
import unittest

import bench
import benchload
import benchreport
from benchtarget import Bed, BenchError, Cpus, DIRECT, FLOOR, PGWEIR, Tools

BUILD = pathlib.Path(os.environ.get("TOP_BUILDDIR", "."))
PROTOS = ("simple", "extended", "prepared")


class OneStub(Bed):
    """A bed whose stub misbehaves as it is told."""

    def __init__(self, tools, cpus, faults=(), **needs):
        super().__init__(tools, cpus, **needs)
        self.faults = faults

    def spawn(self, name, port, args, cpus, **more):
        return super().spawn(name, port, [*args, *(self.faults if name == "stub" else ())], cpus, **more)


class BenchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tools = Tools(BUILD)
        cls.cpus = Cpus()

    @classmethod
    def tearDownClass(cls):
        cls.tools.remove()

    def bed(self, faults=(), **needs):
        return OneStub(self.tools, self.cpus, faults, **needs)

    def test_an_exact_number_of_queries_is_asked(self):
        for proto in PROTOS:
            with self.subTest(proto), self.bed() as bed, \
                    benchload.Load(bed, bed.targets[DIRECT], ["--clients", "3", "--proto", proto]) as load:
                self.assertEqual(load.run(1)["clients"]["done"], 1)
                self.assertEqual(load.run(301)["clients"]["done"], 301)

    def test_the_floor_gives_more_clients_than_it_has_servers_their_own_answers(self):
        for proto in ("simple", "extended"):
            with self.subTest(proto), self.bed() as bed:
                bed.add_floor()
                with benchload.Load(bed, bed.targets[FLOOR], ["--clients", "64", "--proto", proto]) as load:
                    self.assertEqual(load.run(2000)["clients"]["done"], 2000)

    def test_a_wrong_nonce_ends_it(self):
        for proto in PROTOS:
            with self.subTest(proto), self.bed(["--lie-after", "200"]) as bed:
                with self.assertRaisesRegex(BenchError, r"ended with 4.*asked for"), \
                        benchload.Load(bed, bed.targets[DIRECT], ["--clients", "3", "--proto", proto]) as load:
                    load.run(1000)

    def test_a_server_that_dies_ends_it(self):
        with self.bed(["--die-after", "200"]) as bed:
            with self.assertRaisesRegex(BenchError, "ended with 5"), \
                    benchload.Load(bed, bed.targets[DIRECT], ["--clients", "3"]) as load:
                load.run(1000)

    def test_a_pooler_that_dies_ends_it(self):
        with self.bed() as bed:
            bed.add_pgweir()
            target = bed.targets[PGWEIR]
            with self.assertRaisesRegex(BenchError, "pgweir ended"), \
                    benchload.Load(bed, target, ["--clients", "3"]) as load:
                load.run(10)
                target.stop()
                load.run(1000)

    def test_a_pooler_that_refuses_is_told_from_one_that_errs(self):
        with self.bed() as bed:
            bed.database = "nowhere"
            bed.write("empty.ini", "")
            with self.assertRaises(benchload.NotThere):
                bed.ini = lambda section, port, settings: (
                    f"[databases]\nother = host=127.0.0.1\n[{section}]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
                    f"unix_socket_dir =\nauth_type = trust\nauth_file = {bed.directory / 'userlist.txt'}\n")
                bed.add_pgweir()
                with benchload.Load(bed, bed.targets[PGWEIR], ["--clients", "1"]) as load:
                    load.run(1)

    def test_nobody_keeps_the_stub_for_what_it_has_been_asked_about(self):
        with self.bed(pool_size=4) as bed:
            bed.add_pgweir(pool_mode="auto", auto_probe="always")
            for proto in PROTOS:
                benchload.run(bed, bed.targets[PGWEIR], ["--clients", "16", "--proto", proto], seconds=0.2, warmup=0)
            self.assertNotIn("keeps its server", bed.targets[PGWEIR].log.read_text())

    def test_bulk_is_counted_and_costs(self):
        with self.bed() as bed:
            bed.add_pgweir()
            for load in ("--streams 1", "--copy-out 1", "--copy-in 1"):
                args = [*load.split(), "--stream-bytes", "3000000"]
                got = benchload.run(bed, bed.targets[PGWEIR], args, seconds=0.2, warmup=0)
                group = got[load.split()[0][2:]]
                with self.subTest(load):
                    self.assertGreater(group["bytes"], 3000000)
                    self.assertGreater(got["cpu"], 0)

    def test_logins_with_scram_through_pooler(self):
        with self.bed(scram=True) as bed:
            bed.add_pgweir()
            got = benchload.run(bed, bed.targets[PGWEIR], ["--storm", "2", "--clients", "1"], seconds=0.3, warmup=0)
            self.assertGreater(got["storm"]["done"], 0)
            self.assertGreater(got["clients"]["done"], 0)

    def test_logins_come_at_the_rate_that_is_offered(self):
        with self.bed(scram=True, tls=True) as bed:
            bed.add_pgweir()
            before, during, storm = benchload.run_before_and_during(
                bed, bed.targets[PGWEIR], ["--clients", "4", "--rest-us", "10000"], ["--storm", "50", "--logins-per-s", "40"],
                seconds=1.0, warmup=0.2)
            # the most that may begin in the time; a client that rests asks at most so often
            self.assertLessEqual(storm["storm"]["done"], 40 * (storm["seconds"] + 0.2) + 1)
            self.assertGreater(storm["storm"]["done"], 0)
            for calm in (before, during):
                self.assertLessEqual(calm["clients"]["done"], 4 * (100 * calm["seconds"] + 1))
                self.assertGreater(calm["clients"]["done"], 0)

    def test_names_of_scenarios_are_unique_and_aims_name_them(self):
        names = [s.name for s in bench.SCENARIOS]
        self.assertEqual(len(names), len(set(names)))
        for aim in (*benchreport.AIMS, *benchreport.AIMED_VALUES):
            self.assertIn(aim[0], names)
            self.assertIn(aim[1], benchreport.FIGURES)

    def test_report_shows_medians_spreads_and_ratios(self):
        results = benchreport.Results()
        for mine, theirs in ((8, 20), (10, 20), (12, 40)):
            results.add("simple-64", "small", PGWEIR, {"cpu_us": mine})
            results.add("simple-64", "small", "pgbouncer", {"cpu_us": theirs})
            results.add("simple-64", "small", FLOOR, {"cpu_us": mine / 2})
        results.miss("prepared-64", "prepared", PGWEIR, "does not have it")
        with tempfile.TemporaryDirectory() as directory:
            _, text = benchreport.write(results, {PGWEIR: "0"}, pathlib.Path(directory), "x")
            self.assertTrue((pathlib.Path(directory) / "x.json").is_file())
        self.assertIn("| pgweir | 10.0 (8.0 to 12.0) |", text)
        # of each round by itself: 0.4, 0.5, 0.3, and not 10 of 20
        self.assertIn("| pgweir / pgbouncer | **0.40** (0.30 to 0.50) |", text)
        self.assertIn("| pgweir / floor | **2.00** |", text)
        self.assertIn("| 0.40 (0.30 to 0.50) | at most 0.75 | yes | 0.20 (0.15 to 0.25) |", text)
        self.assertIn("| pgweir | does not have it |", text)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
