"""PostgreSQL's own regression tests in pool_mode auto: what psql prints of each is what it prints directly.

They come with PostgreSQL's source alone, and want the headers of its server for what they have in C: E2E_PGSRC is
where a source of the server's version is unpacked (CONTRIBUTING).
"""

import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from cluster import Cluster, bindir, identity, own

SOURCE = pathlib.Path(os.environ.get("E2E_PGSRC", "/nonexistent"))
pytestmark = [
    pytest.mark.pgweir, pytest.mark.timeout(7200),
    pytest.mark.skipif(not SOURCE.is_dir(), reason="takes minutes, and PostgreSQL's source: E2E_PGSRC"),
]

MODULES = {"regress": "src/test/regress", "autoinc": "contrib/spi", "refint": "contrib/spi"}

# What cannot be the same. Lines of theirs, as diff marks them, each as often as it is here.
DIFFERS = {
    # A new session finds the temporary schema of an older one on its server, and so has made none.
    "temp": ["< ERROR:  cannot PREPARE a transaction that has operated on temporary objects"],
    # An older session may have loaded PL/pgSQL on its server.
    "guc": ['> ERROR:  invalid configuration parameter name "plpgsql.extra_foo_warnings"', '> DETAIL:  "plpgsql" is a reserved prefix.',
            '< WARNING:  invalid configuration parameter name "plpgsql.extra_foo_warnings", removing it',
            '< DETAIL:  "plpgsql" is now a reserved prefix.'],
    # Sessions of PostgreSQL's are counted, and \c makes none.
    "stats": ["<  t", ">  f"],
}


@pytest.fixture(scope="module")
def modules(workdir):
    """What the tests load, built."""
    out = pathlib.Path(tempfile.mkdtemp(prefix="regress-", dir=workdir))
    out.chmod(0o755)
    include = subprocess.run([bindir() / "pg_config", "--includedir-server"], check=True, capture_output=True, text=True)
    for name, where in MODULES.items():
        subprocess.run(["cc", "-O1", "-fPIC", "-shared", "-w", "-I", include.stdout.strip(), "-o", out / f"{name}.so",
                        SOURCE / where / f"{name}.c"], check=True)
    return out


def schedule():
    """The tests, group by group: those of one run at the same time."""
    for line in (SOURCE / "src/test/regress/parallel_schedule").read_text().splitlines():
        if line.startswith("test:"):
            yield line[5:].split()


class Side:
    """PostgreSQL, and the port by which the tests reach it."""

    def __init__(self, workdir, template, modules):
        self.cluster = Cluster(own(tempfile.mkdtemp(prefix="regress-", dir=workdir)), template)
        self.cluster.directory.chmod(0o755)
        with open(self.cluster.data / "postgresql.conf", "a") as conf:
            conf.write("max_prepared_transactions = 2\nautovacuum = on\nwal_level = replica\n")
        self.cluster.start()
        self.cluster.sql("create database regression template template0")
        for setting in ("lc_messages to 'C'", "lc_monetary to 'C'", "lc_numeric to 'C'", "lc_time to 'C'",
                        "bytea_output to 'hex'", "timezone_abbreviations to 'Default'"):
            self.cluster.sql(f"alter database regression set {setting}")
        self.results = self.cluster.directory / "results"
        self.results.mkdir()
        own(self.results)
        self.modules = modules
        self.port = self.cluster.port

    def run(self, name):
        source = SOURCE / "src/test/regress"
        env = {
            "PATH": os.environ["PATH"], "LC_ALL": "C", "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres",
            "PGTZ": "PST8PDT", "PGDATESTYLE": "Postgres, MDY", "PGOPTIONS": "-c intervalstyle=postgres_verbose",
            "PGAPPNAME": f"pg_regress/{name}", "PG_ABS_SRCDIR": str(source), "PG_ABS_BUILDDIR": str(self.cluster.directory),
            "PG_LIBDIR": str(self.modules), "PG_DLSUFFIX": ".so",
        }
        with open(source / "sql" / f"{name}.sql") as text, open(self.results / f"{name}.out", "w") as out:
            subprocess.run([bindir() / "psql", "-X", "-a", "-q", "-d", "regression", "-v", "HIDE_TABLEAM=on", "-v",
                            "HIDE_TOAST_COMPRESSION=on"], stdin=text, stdout=out, stderr=subprocess.STDOUT, env=env,
                           cwd=self.cluster.directory, **identity())

    def run_all(self):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            for group in schedule():
                list(pool.map(self.run, group))

    def end(self):
        self.cluster.stop("immediate")
        shutil.rmtree(self.cluster.directory, ignore_errors=True)


@pytest.fixture(scope="module")
def direct(workdir, template, modules):
    side = Side(workdir, template, modules)
    side.run_all()
    yield side
    side.end()


def comparable(side, name):
    """Nothing but what it is called by differs between two clusters."""
    return re.sub(rb"/\S*/regress-[^/']*|port \d+|\.s\.PGSQL\.\d+", b"#", (side.results / f"{name}.out").read_bytes())


def differences(direct, pooled):
    for name in sorted(name for group in schedule() for name in group):
        a, b = (comparable(side, name) for side in (direct, pooled))
        if a == b:
            continue
        files = [side.cluster.directory / "compared" for side in (direct, pooled)]
        for file, text in zip(files, (a, b)):
            file.write_bytes(text)
        lines = subprocess.run(["diff", *files], capture_output=True, text=True, errors="replace").stdout.splitlines()
        left = collections.Counter(line for line in lines if line.startswith(("<", ">")))
        left -= collections.Counter(DIFFERS.get(name, ()))
        if left:
            yield name + ":\n" + "\n".join(list(left)[:20])


@pytest.mark.parametrize("workers,servers", [(1, 4), (2, 8)])
def test_postgresqls_own_tests_see_no_difference(make_pooler, workdir, template, modules, direct, workers, servers):
    pooled = Side(workdir, template, modules)
    try:
        p = make_pooler(pooled.cluster, databases={"*": f"host=127.0.0.1 port={pooled.cluster.port}"}, pool_mode="auto",
                        pool_size=servers, workers=workers, max_kept="100%", auth_user="postgres", pool_timeout=0,
                        auth_query="select rolname, coalesce(rolpassword, 'none') from pg_authid where rolname = $1")
        pooled.port = p.port
        pooled.run_all()
        found = list(differences(direct, pooled))
        assert not found, "\n\n".join(found)
    finally:
        pooled.end()
