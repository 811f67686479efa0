"""Fixtures: one private PostgreSQL per test process, a pooler per test, and clusters to break."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True

from cluster import Cluster, Latch, own  # noqa: E402
from fakeserver import FakeServer  # noqa: E402
from faultproxy import FaultProxy  # noqa: E402
from pooler import Binary, Pooler  # noqa: E402
from waiting import SCALE, TooLate  # noqa: E402

# How many workers, and how many bytes go into one read or write (0: as many as there are).
SHAPES = {
    "1-worker": {"workers": 1},
    "3-workers": {"workers": 3},
    "1-worker-bytewise": {"workers": 1, "debug_io_bytes": 1},
    "3-workers-bytewise": {"workers": 3, "debug_io_bytes": 1},
}


def pytest_configure(config):
    config.addinivalue_line("markers", "timeout(seconds): how long the test may take, instead of 90 s")
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line("markers", "pgweir: about what PgBouncer does not have")


def is_pgbouncer():
    return pathlib.Path(os.environ.get("PGWEIR_BIN", "")).name == "pgbouncer"


def pytest_collection_modifyitems(items):
    if not is_pgbouncer():
        return
    skip = pytest.mark.skip(reason="PgBouncer does not have this")
    for item in items:
        shape = getattr(item, "callspec", None) and item.callspec.params.get("shape")
        if item.get_closest_marker("pgweir") or shape in list(SHAPES)[1:]:
            item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, f"report_{call.when}", outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """No test hangs: after its time (a marker may say which) it fails where it is."""
    mark = item.get_closest_marker("timeout")
    seconds = (mark.args[0] if mark else 90) * SCALE

    def too_late(*_):
        raise TooLate(f"the test took longer than {seconds:.0f} s")

    signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.fixture(scope="session")
def workdir():
    """A directory that the servers' user can read; kept when E2E_KEEP is set."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pgweir-e2e-"))
    path.chmod(0o755)
    own(path)
    yield path
    if os.environ.get("E2E_KEEP"):
        print(f"\nkept: {path}")
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def binary(workdir):
    return Binary(workdir)


@pytest.fixture(scope="session")
def template(workdir):
    """A data directory to copy: made once, roles and databases in it."""
    directory = workdir / "template"
    directory.mkdir()
    made = Cluster(directory)
    made.start()
    try:
        made.setup()
    finally:
        made.stop()
    return made.data


@pytest.fixture(scope="session")
def shared_cluster(workdir, template):
    directory = workdir / "shared"
    directory.mkdir()
    cluster = Cluster(directory, template)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(shared_cluster):
    """The PostgreSQL that all tests of this process share: leave it as it was."""
    yield shared_cluster


@pytest.fixture
def own_cluster(workdir, template):
    """A PostgreSQL to stop, kill and configure."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="own-", dir=workdir))
    directory.chmod(0o755)
    cluster = Cluster(directory, template)
    cluster.start()
    yield cluster
    cluster.stop("immediate")
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def make_pooler(request, binary, workdir):
    """make_pooler(cluster, databases=..., users=..., userlist=..., ini=..., start=True, **settings)"""
    made = []

    def make(cluster, databases=None, users=None, userlist=None, ini=None, env=None, args=(), port=None,
             section=None, start=True, **settings):
        pooler = Pooler(binary, cluster, workdir, settings, databases, users, userlist, ini, env, args, port, section)
        made.append(pooler)
        return pooler.start() if start else pooler

    yield make
    problems = []
    for check in [p.stop for p in made] + [p.check_leaks for p in made]:
        try:
            check()
        except Exception as problem:  # noqa: B902 - all poolers must be stopped
            problems.append(problem)
    failed = problems or getattr(request.node, "report_call", None) is None or request.node.report_call.failed
    for pooler in made:
        if failed:
            sys.stdout.write(f"\n---- log of the pooler at {pooler.port} ----\n{pooler.log()[-5000:]}\n")
        if not os.environ.get("E2E_KEEP"):
            shutil.rmtree(pooler.directory, ignore_errors=True)
    if problems:
        raise problems[0]


@pytest.fixture
def pooler(make_pooler, cluster):
    """pooler(**settings) in front of the shared PostgreSQL."""
    def make(**keys):
        return make_pooler(cluster, **keys)

    return make


@pytest.fixture(params=list(SHAPES))
def shape(request):
    """Settings for every protocol test: 1 and 3 workers, whole and byte by byte."""
    return SHAPES[request.param]


@pytest.fixture
def latch(cluster):
    """A query of database app that ends when the test says so: `latch.sql` runs until `latch.open()`."""
    made = Latch(cluster)
    yield made
    made.close()


@pytest.fixture
def fault_proxy():
    made = []

    def make(port):
        made.append(FaultProxy(("127.0.0.1", port)))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


@pytest.fixture
def fake_server(make_pooler):
    """fake_server(script): closed before the pooler in front of it."""
    made = []

    def make(script):
        made.append(FakeServer(script))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def fresh_database(cluster):
    """A database of its own; dropped afterwards."""
    made = []

    def make(owner="app"):
        name = f"fresh_{os.getpid()}_{len(made)}_{os.urandom(3).hex()}"
        cluster.sql(f"create database {name} owner {owner}")
        made.append(name)
        return name

    yield make
    for name in made:
        cluster.sql(f"drop database if exists {name} with (force)")


def pytest_report_header():
    try:
        version = subprocess.run([os.environ.get("PGWEIR_BIN", "pgweir"), "--version"], capture_output=True, text=True,
                                 check=False).stdout.split("\n")[0]
    except OSError:
        version = "not found"
    return f"pooler: {version}"
