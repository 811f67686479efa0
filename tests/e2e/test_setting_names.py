"""pool_mode auto: settings follow their client under each of the names that PostgreSQL knows them by."""

import pytest

from rawwire import B, Client, E, P, Q, S

pytestmark = pytest.mark.pgweir

SHOWN = ["work_mem", "maintenance_work_mem", "TimeZone", "client_encoding", "search_path", "xmloption", "DateStyle", "default_transaction_isolation",
         "default_transaction_read_only", "role", "session_authorization"]
SHOW = "select " + ", ".join(f"current_setting('{name}')" for name in SHOWN)
CAMES = {
    "nothing": {},
    "old names": {"sort_mem": "3MB", "Vacuum_Mem": "5MB"},
    "old names in options": {"options": "-c sort_mem=3MB --VACUUM-MEM=5MB"},
    "both names": {"sort_mem": "3MB", "work_mem": "6MB"},
    "both names, the other way": {"work_mem": "6MB", "sort_mem": "3MB"},
    "both names in options": {"options": "-c work_mem=6MB -c SORT_MEM=3MB"},
    "capitals": {"TIMEZONE": "Asia/Tokyo", "CLIENT_ENCODING": "LATIN1", "SEARCH_PATH": "mine", "XmlOption": "document", "DATESTYLE": "German",
                 "WORK_MEM": "3MB", "Default_Transaction_Read_Only": "on"},
}
CHANGES = ["set sort_mem = '7MB'", 'set "SORT_MEM" to \'7MB\'', "set Vacuum_Mem to 9000", "select set_config('Sort_Mem', '7MB', false) <> ''", "set TIMEZONE = 'UTC'",
           "set time zone 'Europe/Paris'", "set time zone interval '-08:00' hour to minute", "set names 'SQL_ASCII'", "set Names Latin9", "set schema 'other'",
           "set xml option content", "set session characteristics as transaction isolation level serializable, read only",
           "set sort_mem from current"]
NULL = "select set_config('sort_mem', null, false) <> ''"  # gives back what was asked for when the transaction is over
RESETS = ["reset sort_mem", 'reset "Sort_Mem"', "set vacuum_mem to default", "reset Vacuum_mem", "reset timezone", "reset time zone", "set time zone local", "set time zone default",
          "set names default", "set names", "reset xmloption", "reset client_encoding", "set schema default", "reset search_path", "reset all",
          "reset session authorization", "set session authorization default", "reset role", "reset DEFAULT_TRANSACTION_ISOLATION", "reset transaction isolation level",
          "set xml option default", "select set_config('sort_mem', null, false) <> ''", "show sort_mem", "show time zone", "show session authorization",
          "show transaction isolation level"]


def batch(text):
    return [P(text), B(), E(), S]


def step(client, messages):
    client.send(b"".join(messages))
    got = client.ready(sum(m[:1] in (b"Q", b"S") for m in messages))
    return [(m.kind, m.fields().get("C") if m.kind == "E" else m.body) for m in got if m.kind in "CDEZ"]


@pytest.mark.parametrize("how", ["query", "batch", "transaction"])
@pytest.mark.parametrize("came", CAMES)
def test_as_directly_by_any_name(pooler, cluster, came, how):
    p = pooler(pool_mode="auto", pool_size=1, workers=1)
    pooled, other = p.raw(**CAMES[came]), p.raw()
    default = [m.body for m in other.query(SHOW)]
    ask = batch if how == "batch" else lambda text: [Q(text)]
    with Client(("127.0.0.1", cluster.port)).login("app", "app", **CAMES[came]) as direct:
        for reset in RESETS if how != "transaction" else [reset for reset in RESETS if reset != NULL]:
            for messages in [*map(ask, CHANGES), *([[Q("begin")]] if how == "transaction" else []), ask(reset), [Q(SHOW)],
                             *([[Q("commit")], [Q(SHOW)]] if how == "transaction" else [])]:
                assert step(pooled, messages) == step(direct, messages), (reset, messages)
            assert [m.body for m in other.query(SHOW)] == default, reset
        assert pooled.params == {**direct.params, **{k: v for k, v in pooled.params.items() if k not in direct.params}}
