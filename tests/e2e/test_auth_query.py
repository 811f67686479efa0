"""auth_query: users whom only the server knows, and what can go wrong when it is asked about them."""

import psycopg
import pytest

import rawwire
from rawwire import Refused
from strictserver import ASKER, WORD, own_strict, strict  # noqa: F401
from waiting import all_at_once, until

pytestmark = pytest.mark.pgweir

# The pattern that the manuals of poolers show: a function that runs with its owner's rights.
FUNCTION = """
create schema lookup;
create table lookup.asked (who text);
create function lookup.get_auth(p_user text) returns table (username text, password text)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into lookup.asked values (p_user);
    return query select a.rolname::text, a.rolpassword::text from pg_catalog.pg_authid a
        where a.rolname = p_user and a.rolcanlogin and (a.rolvaliduntil is null or a.rolvaliduntil > now());
end $$;
revoke all on function lookup.get_auth(text) from public;
grant usage on schema lookup to asker;
grant execute on function lookup.get_auth(text) to asker;
"""

GET_AUTH = "select username, password from lookup.get_auth($1)"


@pytest.fixture(scope="module")
def looked_up(strict):
    """The same server with the function."""
    strict.in_app(FUNCTION)
    yield strict


@pytest.fixture
def asking(make_pooler):
    """A pooler that knows nobody but the one who asks."""
    def make(cluster, **settings):
        settings = {"auth_type": "scram-sha-256", "auth_user": "asker", "pool_size": 2, "auth_cache_time": 60,
                    "userlist": {"asker": ASKER, "admin": "x"}, "databases": {"app": lambda p: p.db("app")},
                    **settings}
        return make_pooler(cluster, **settings)

    return make


@pytest.fixture
def counting(asking, looked_up):
    """The same with a function that counts how often it is asked: pooler, count()."""
    looked_up.in_app("truncate lookup.asked")

    def make(**settings):
        p = asking(looked_up, auth_query=GET_AUTH, **settings)

        def count(user="u_known"):
            return looked_up.in_app(f"select count(*) from lookup.asked where who = '{user}'")[0][0]

        return p, count

    return make


def refused(p, user="u_known", password=WORD, database="app"):
    client = p.open()
    with pytest.raises(Refused) as refusal:
        client.login(user, database, password)
    return refusal.value.error


def backends(cluster):
    return cluster.backends("application_name = 'pgweir auth_query'")


@pytest.fixture(params=[1, 3])
def workers(request):
    return request.param


# ---- who comes in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "plain"])
def test_user_of_the_server_comes_in(asking, strict, method, workers):
    p = asking(strict, auth_type=method, workers=workers)
    assert p.raw("u_known", password=WORD).value("select current_user") == "u_known"
    with p.connect("u_known", password=WORD) as conn:
        assert conn.execute("select 1").fetchone() == (1,)
    assert p.psql("select current_user", user="u_known", env={"PGPASSWORD": WORD}) == "u_known"
    for wrong in ("wrong", "", WORD + " "):
        assert refused(p, password=wrong).sqlstate == "28P01"


def test_md5_secret_of_the_server(asking, strict):
    """A secret that is an md5 hash: the client is asked for md5, and so may the server be."""
    p = asking(strict, auth_type="md5")
    assert p.raw("u_md5", password=WORD).value("select current_user") == "u_md5"
    assert refused(p, "u_md5", "wrong").sqlstate == "28P01"


@pytest.mark.parametrize("user", ["u_expired", "u_nologin", "u_empty", "nobody"])
@pytest.mark.parametrize("method", ["scram-sha-256", "md5", "plain"])
def test_who_may_not_log_in(asking, strict, method, user):
    """All of them look like a wrong password."""
    p = asking(strict, auth_type=method)
    wrong = refused(p, "u_known", "wrong")
    error = refused(p, user)
    assert error.sqlstate == "28P01"
    assert error.text == wrong.text.replace("u_known", user)
