"""The least a pooler does: psql, a raw client and a driver reach PostgreSQL through it."""


def test_psql_reaches_postgresql(pooler):
    assert pooler().psql("select 6 * 7") == "42"


def test_raw_client_reaches_postgresql(pooler, shape):
    p = pooler(**shape)
    assert p.raw().value("select current_user || '@' || current_database()") == "app@app"


def test_driver_reaches_postgresql(pooler):
    assert pooler().connect().execute("select %s::int + 1", (41,)).fetchone() == (42,)


def test_over_a_unix_socket(pooler):
    p = pooler()
    assert p.raw(address=p.socket_path).value("select 1") == "1"


def test_one_server_for_many_clients(pooler, cluster, shape):
    p = pooler(pool_size=1, **shape)
    clients = [p.raw() for _ in range(5)]
    assert len({c.value("select pg_backend_pid()") for c in clients}) == 1
    assert len(cluster.backends()) == 1
