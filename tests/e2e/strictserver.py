"""A PostgreSQL that asks everybody for a password, with users of all kinds."""

import pathlib
import shutil
import tempfile

import pytest

from cluster import Cluster, own

WORD = "pencil"
ASKER = "asker-secret"  # of the user that runs auth_query

HBA = """
local   all   postgres                     trust
local   all   all                          scram-sha-256
host    all   u_md5         127.0.0.1/32   md5
host    all   all           127.0.0.1/32   scram-sha-256
"""

ROLES = f"""
create role asker login superuser password '{ASKER}'
create role u_known login password '{WORD}'
create role u_expired login password '{WORD}' valid until '2020-01-01'
create role u_nologin nologin password '{WORD}'
create role u_empty login
create role "Ü""x'y" login password '{WORD}'
"""


def prepare(cluster):
    (cluster.data / "pg_hba.conf").write_text(HBA)
    cluster.start()
    for statement in ROLES.strip().split("\n"):
        cluster.sql(statement)
    return cluster


def made(workdir, template):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="strict-", dir=workdir))
    directory.chmod(0o755)
    cluster = prepare(Cluster(own(directory), template))
    yield cluster
    cluster.stop("immediate")
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def strict(workdir, template):
    """One for all tests of a file: leave it as it was."""
    yield from made(workdir, template)


@pytest.fixture
def own_strict(workdir, template):
    """One to stop and to change."""
    yield from made(workdir, template)
