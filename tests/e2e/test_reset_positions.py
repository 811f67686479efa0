"""pool_mode auto: where in its text a client is told that an error or a warning is, though something stands behind a RESET in it.

PostgreSQL counts letters, not bytes. Each is compared with a client that says the same directly.
"""

import pytest

from rawwire import Client, Q
from waiting import until

pytestmark = pytest.mark.pgweir

ALL = "\u65e5\u672c\u8a9e"
UTF8 = {
    "UTF8": (ALL + "\u00e9\U0001f600").encode(), "LATIN1": b"\xe9\xfc", "SQL_ASCII": ALL.encode(),
    "EUC_JP": ALL.encode("euc_jp") + b"\x8e\xb1\x8f\xb0\xa1", "EUC_JIS_2004": ALL.encode("euc_jis_2004") + b"\x8e\xb1\xa4\xf7\xab\xc4",
    "SJIS": ALL.encode("shift_jis") + b"\xb1\xb2" + "\u8868".encode("shift_jis"), "SHIFT_JIS_2004": ALL.encode("shift_jis_2004") + b"\xb1\x82\xf5\x86\x63",
    "EUC_KR": "\ud55c\uad6d".encode("euc_kr"), "UHC": "\ud55c\uad6d\uac02".encode("cp949"), "JOHAB": "\ud55c\uad6d".encode("johab"),
    "EUC_CN": "\u4e2d\u56fd".encode("gb2312"), "GBK": "\u4e2d\u570b".encode("gbk"), "GB18030": "\u4e2d\u00f1\u0900".encode("gb18030"),
    "BIG5": "\u4e2d\u570b".encode("big5"), "EUC_TW": b"\xc4\xa1\xc4\xe3\x8e\xa1\xc4\xa1", "WIN1252": b"\x80\xe9",
}
SAMPLES = [("UTF8", encoding, letters) for encoding, letters in UTF8.items()] + [
    ("EUC_JP", "SJIS", UTF8["SJIS"]), ("EUC_JP", "UTF8", ALL.encode()), ("EUC_JP", "SQL_ASCII", ALL.encode("euc_jp")),
    ("EUC_JP", "MULE_INTERNAL", b"\x92\xc6\xfc\x92\xcb\xdc\x89\xb1"), ("MULE_INTERNAL", "EUC_JP", ALL.encode("euc_jp")),
    ("MULE_INTERNAL", "MULE_INTERNAL", b"\x92\xc6\xfc\x81\xe9"), ("EUC_TW", "BIG5", UTF8["BIG5"]), ("EUC_TW", "EUC_TW", UTF8["EUC_TW"]),
    ("SQL_ASCII", "UTF8", ALL.encode()), ("SQL_ASCII", "SJIS", UTF8["SJIS"]), ("LATIN1", "UTF8", b"\xc3\xa9"), ("LATIN1", "SQL_ASCII", b"\xe9\xfc"),
]
TEXTS = [
    b"reset work_mem; select nonsense", b"select '#'; reset all; select '#', nonsense; reset work_mem", b"select '#' /* # */; reset all;reset work_mem; selec '#'",
    b"set work_mem to default; select '#'; select nonsense", b"reset all; select '#', '\\n'; select '\\n', nonsense", b"select '\\\\', '#'; reset all; select '#', E'\\\\'",
    b"reset all; do $$ begin perform '#', nonsense; end $$", b"reset all; select nonsense, '#'; select '#",
]


def told(client, text):
    client.send(b"Q" + (len(text) + 5).to_bytes(4, "big") + text + b"\0")
    return [(m.kind, *(m.fields().get(field) for field in "CPpq")) if m.kind in "EN" else (m.kind, m.body) for m in client.ready() if m.kind != "S"]


@pytest.fixture(scope="module")
def databases(shared_cluster):
    cluster = shared_cluster
    made = {}
    for encoding in {server for server, _, _ in SAMPLES}:
        made[encoding] = f"positions_{encoding.lower()}"
        cluster.sql(f"drop database if exists {made[encoding]}")
        cluster.sql(f"create database {made[encoding]} owner app template template0 encoding '{encoding}' lc_collate 'C' lc_ctype 'C'")
    yield made
    for name in made.values():
        cluster.sql(f"drop database if exists {name} with (force)")


@pytest.mark.parametrize("server,encoding,letters", SAMPLES, ids=[f"{encoding}-on-{server}" for server, encoding, _ in SAMPLES])
def test_positions_are_those_of_the_client_s_text(make_pooler, cluster, databases, server, encoding, letters):
    value = {"UTF8": ALL.encode(), "EUC_JP": ALL.encode("euc_jp"), "LATIN1": b"\xe9"}.get(server, b"red")
    name = databases[server]
    p = make_pooler(cluster, userlist={"app": "", "admin": ""}, pool_mode="auto", pool_size=1, workers=1, databases={name: lambda p: p.db(name)})
    came = {"application_name": "me", "options": b"-c work_mem=9MB -c standard_conforming_strings=off -c my.tenant=" + value}
    pooled = p.raw("app", name, **came)
    with Client(("127.0.0.1", cluster.port)).login("app", name, **came) as direct:
        for client in pooled, direct:
            client.query(f"set client_encoding = '{encoding}'")
        for text in TEXTS:
            for text in text, text.replace(b"#", letters), text.replace(b"#", letters * 40):
                for reset in b"", b"set standard_conforming_strings = off; ":
                    wanted = told(direct, reset + text)
                    direct.query(f"set client_encoding = '{encoding}'")
                    assert told(pooled, reset + text) == wanted, text
                    pooled.query(f"set client_encoding = '{encoding}'")


@pytest.mark.parametrize("how", ["close", "drop", "kill"])
def test_an_error_for_who_has_left(make_pooler, cluster, how):
    """Its position would have been told otherwise; now there is nobody to be told."""
    p = make_pooler(cluster, pool_mode="auto", pool_size=1, workers=1)
    client, other = p.raw(options="-c work_mem=9MB"), p.raw()
    with cluster.connect() as holder:
        holder.execute("select pg_advisory_lock(78)")
        client.send(Q("reset all; do $$ begin perform pg_advisory_xact_lock(78); exception when query_canceled then null; end $$; "
                      "select nonsense"))
        until(lambda: cluster.backends("wait_event = 'advisory'"), "it is under way")
        getattr(client, how)()
        assert other.value("select 'well'") == "well"
    assert p.raw().value("select 'well'") == "well"
