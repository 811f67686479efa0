"""pool_mode auto: what no text of a statement shows, since a trigger, a view, a default or a policy does it."""

import pytest

from rawwire import B, C, E, P, S
from waiting import until_equal

pytestmark = pytest.mark.pgweir


def auto(pooler, **settings):
    settings.setdefault("pool_size", 1)
    settings.setdefault("workers", 1)
    return pooler(pool_mode="auto", **settings)


def kept(p):
    return [row["reasons"] for row in p.show("kept")]


@pytest.mark.parametrize("text", [
    "update pg_settings set setting = '7168' where name = 'work_mem'",
    'update only "pg_catalog"."pg_settings" as s set setting = \'7168\' where s.name = \'work_mem\'',
    "prepare s as update pg_settings set setting = '7168' where name = 'work_mem'; execute s; deallocate s"])
def test_update_of_pg_settings_follows_its_client(pooler, text):
    p = auto(pooler)
    client, other = p.raw(), p.raw()
    client.rows(text)
    assert other.value("show work_mem") == "4MB"
    assert client.value("show work_mem") == "7MB"
