"""auth_hba_file and auth_ident_file: read as PostgreSQL reads its own, reread on reload, of a database's own."""

import re
import signal
import subprocess

import pytest

from cluster import identity, own
from rawwire import Refused
from test_proxy_protocol import v1
from waiting import until

pytestmark = pytest.mark.pgweir


def put(p, name, text):
    path = p.directory / name
    path.write_text(text)
    path.chmod(0o640)
    return own(path)


def test_run(p, **settings):
    """pgweir -t with these settings: what it says, line by line."""
    p.change(**settings)
    done = subprocess.run([p.binary.path, "-t", p.inifile], capture_output=True, text=True, check=False,
                          env=p.environment(), **identity())
    return (done.stdout + done.stderr).split("\n")


test_run.__test__ = False


# ---- beside PostgreSQL ------------------------------------------------------------------------------

# The local PostgreSQL may be older than 16: what is new there (expressions, include) is not in these.
GOOD = r'''
# a comment
local   all             all                                     peer
host    all             all             127.0.0.1/32            scram-sha-256
host    all             all             ::1/128                 md5
host    all             all             10.1.2.3 255.255.0.0    trust
host    all             all             fe80:: ffff::           trust
hostnossl a,b,"c d"     u1, u2          0.0.0.0/0               reject
hostssl sameuser        "all"           all                     scram-sha-256 clientcert=verify-ca
hostssl all             all             samenet                 cert clientname=DN map=m
host    replication     repl            samehost                password
host    "replication"   "+x","a""b"     192.168.0.0/255         md5 # not so
local   all             all             ident map=m
local   a"l"l           x               trust#comment
local   \
  continued             all             \
     trust
local   ,all,x          ,all            trust
local   all             all             "trust"
hostgssenc all          all             all                     trust
hostnogssenc all        all             all                     trust
'''.replace("192.168.0.0/255 ", "192.168.0.0/24  ")

BAD = [
    "hosts all all all trust", "local,host all all trust", "local", "local all", "local all all", "host all all",
    "host all all all", "host all all 10.0.0.0", "host all all 10.0.0.0 trust", "host all all 10.0.0.0 ffff:: trust",
    "host all all 10.0.0.0/33 trust", "host all all 10.0.0.0/8,11.0.0.0/8 trust", "local all all trust,md5",
    "local all all nonsense", "host all all all peer", "host all all all cert", "local all all trust nonsense",
    "local all all trust nonsense=1", "local all all trust map=x", "host all all all md5 clientcert=verify-ca",
    "hostssl all all all md5 clientcert=1", "hostssl all all all md5 clientname=x",
    "hostssl all all all cert clientcert=verify-ca", "host all all all md5 pamservice=x",
    "host all all all md5 ldapserver=x", "host all all all ldap ldapserver=x",
    "host all all all ldap ldapserver=x ldapprefix=y ldapbasedn=z", "host all all db/8 trust",
    "host all all all ldap ldapserver=x ldapport=x ldapprefix=y",
    "host all all all ldap ldapserver=x ldapbasedn=y ldapsearchattribute=a ldapsearchfilter=(b=c)",
]


def postgres_reads(cluster, name, text, sql):
    """What PostgreSQL's own view of the file says of this text; the file is as it was afterwards."""
    path = cluster.data / name
    before = path.read_text()
    try:
        path.write_text(text)
        return cluster.sql(sql)
    finally:
        path.write_text(before)


def words(text):
    """The words of a list as hba_describe writes it."""
    return [w[1:-1].replace('""', '"') if w.startswith('"') else w
            for w in re.findall(r'"(?:[^"]|"")*"|[^,]+', text)]


def rule(text):
    """A line of hba_describe, as the columns of PostgreSQL's view."""
    fields = re.findall(r'(?:"(?:[^"]|"")*"|[^ "])+', text)
    kind, databases, users = fields[0], words(fields[1]), words(fields[2])
    rest = fields[3:]
    address = None if kind == "local" else rest.pop(0)
    if address and "." in address and rest[0][0].isdigit():
        address += "/" + rest.pop(0)
    return kind, databases, users, address, rest[0]


def postgres_rule(row):
    kind, databases, users, address, mask, method = row
    if mask:
        bits = "".join(f"{int(part):08b}" for part in mask.split(".")) if "." in mask else None
        if bits is None:
            bits = "".join(f"{int(part or '0', 16):016b}" for part in expand(mask))
        address += f"/{bits.count('1')}"
    return kind, databases, users, address, method


def expand(mask):
    front, _, back = mask.partition("::")
    front, back = front.split(":") if front else [], back.split(":") if back else []
    return front + ["0"] * (8 - len(front) - len(back)) + back


def read_by(pooler, count, **files):
    """What a pooler that has these files says in its log that it has read."""
    p = pooler(args=["-v"])
    names = {"auth_hba_file": "hba.conf", "auth_ident_file": "ident.conf"}
    p.reload(**{key: put(p, names[key], text) for key, text in files.items()})
    p.wait_log(": (rule|map): ", count)
    return p.log()


def test_rules_as_postgresql_reads_them(pooler, cluster):
    rows = postgres_reads(cluster, "pg_hba.conf", GOOD, "select line_number, error, type, database, user_name, address, "
                          "netmask, auth_method from pg_hba_file_rules order by line_number")
    assert not [row for row in rows if row[1] and "SSL is disabled" not in row[1]] and len(rows) > 15
    text = read_by(pooler, len(rows) + 1, auth_hba_file=GOOD, auth_ident_file="m a b\n")
    ours = {int(line): rule(said) for line, said in re.findall(r"hba\.conf:(\d+): rule: (.*)", text)}
    assert ours == {row[0]: postgres_rule(row[2:]) for row in rows}, text


def test_faults_where_postgresql_has_them(pooler, cluster):
    rows = postgres_reads(cluster, "pg_hba.conf", "\n".join(BAD), "select line_number from pg_hba_file_rules "
                          "where error is not null")
    theirs = {row[0] for row in rows}
    p = pooler()
    text = "\n".join(test_run(p, auth_type="hba", auth_hba_file=put(p, "hba.conf", "\n".join(BAD))))
    ours = {int(line) for line in re.findall(r"hba\.conf:(\d+): ", text)}
    assert ours == set(range(1, len(BAD) + 1)), text
    assert theirs <= ours and "no faults" not in text
    # PostgreSQL gives up on this one too, but without LDAP in its build it says so of others as well
    assert len(ours - theirs) <= 2, [BAD[line - 1] for line in ours - theirs]


IDENT = r'''
# map  system  user
m      joe     jane
m      "a b"   "all"   # comment
other  /^(.*)@x$  \1
m      \
   x   y
'''


def test_maps_as_postgresql_reads_them(pooler, cluster):
    rows = postgres_reads(cluster, "pg_ident.conf", IDENT, "select map_name, sys_name, pg_username, error "
                          "from pg_ident_file_mappings order by line_number")
    text = read_by(pooler, len(rows), auth_ident_file=IDENT)
    ours = [tuple(words(w)[0] for w in re.findall(r'"(?:[^"]|"")*"|[^ ]+', said))
            for said in re.findall(r"ident\.conf: map: (.*)", text)]
    assert ours == [tuple(row[:3]) for row in rows] and not any(row[3] for row in rows), text


# ---- in force ---------------------------------------------------------------------------------------


def refused(p, *args, **keys):
    with pytest.raises(Refused) as got:
        p.raw(*args, **keys)
    return got.value.error


def test_first_rule_that_fits_decides(pooler):
    p = pooler()
    p.reload(auth_type="hba", auth_hba_file=put(p, "hba.conf", r"""
host   app       other     all           reject
host   pgweir    admin     all           trust
host   app       /^(app|o) 127.0.0.0/8   trust
host   other     +nobody"s" all          reject
local  all       third     trust
""".replace('+nobody"s"', '"+nobodys"')))
    p.raw("app", "app").close()
    p.raw("third", "app", address=p.socket_path).close()
    assert "pg_hba.conf rejects connection" in refused(p, "other", "app").text
    for user, database in (("third", "app"), ("app", "other")):
        error = refused(p, user, database)
        assert error.sqlstate == "28000" and error.text.startswith("no pg_hba.conf entry for host"), error
    p.wait_log("no rule lets it in")


def test_reload_rereads_and_a_bad_file_changes_nothing(pooler):
    p = pooler()
    hba = put(p, "hba.conf", "include rules.d/first\nhost pgweir admin all trust\n")
    (p.directory / "rules.d").mkdir()
    put(p, "rules.d/first", "host app app all trust\n")
    p.reload(auth_type="hba", auth_hba_file=hba)
    p.raw("app", "app").close()
    assert refused(p, "other", "app").sqlstate == "28000"
    put(p, "rules.d/first", "host app other all trust\n")
    p.console("reload")
    p.raw("other", "app").close()
    assert refused(p, "app", "app").sqlstate == "28000"
    put(p, "rules.d/first", "host app app all trust\nhost app app db.example.com trust\nhost app +x all trust\n")
    p.signal(signal.SIGHUP)
    p.wait_log(r"rules\.d/first:2: .*host names are not looked up")
    p.wait_log(r"rules\.d/first:3: .*who is a member of which role")
    p.wait_log("reload failed")
    p.raw("other", "app").close()


def test_database_with_rules_of_its_own(pooler):
    p = pooler(start=False)
    put(p, "hba.conf", "host all admin all trust\nhost all app all trust\n")
    own_rules = put(p, "own.conf", "host all other all trust\n")
    p.databases = {"app": lambda p: p.db("app"),
                   "strict": lambda p: p.db("app") + f" auth_hba_file={own_rules}",
                   "open": lambda p: p.db("app") + " auth_type=trust"}
    p.change(auth_type="hba", auth_hba_file=p.directory / "hba.conf")
    p.start()
    p.raw("app", "app").close()
    p.raw("other", "strict").close()
    p.raw("other", "open").close()
    assert refused(p, "other", "app").sqlstate == "28000"
    assert refused(p, "app", "strict").sqlstate == "28000"
    put(p, "own.conf", "host all all all nonsense\n")
    assert any("own.conf:1: there is no method" in line for line in test_run(p))


def test_rules_judge_the_client_behind_a_balancer(pooler):
    p = pooler(start=False)
    p.change(auth_type="hba", proxy_protocol_from="127.0.0.0/8",
             auth_hba_file=put(p, "hba.conf", "host all all 192.0.2.0/24 trust\n"))
    p.start()

    def login(address):
        client = p.open()
        client.send(v1(address))
        return client.login("app", "app")

    login("192.0.2.7").close()
    with pytest.raises(Refused) as got:
        login("127.0.0.1")
    assert got.value.error.text == ('no pg_hba.conf entry for host "127.0.0.1", user "app", database "app", '
                                    "no encryption")


def test_physical_replication_needs_a_rule_that_names_it(pooler):
    p = pooler()
    p.reload(auth_type="hba", auth_hba_file=put(p, "hba.conf", "host all all all trust\n"))
    error = refused(p, "repl", "app", replication="true")
    assert error.text.startswith("no pg_hba.conf entry for replication connection from host")
    put(p, "hba.conf", "host all all all trust\nhost replication repl all trust\n")
    p.console("reload")
    until(lambda: p.raw("repl", "app", replication="true").rows("IDENTIFY_SYSTEM"), "replication begins")


@pytest.mark.parametrize("named", ["pgbouncer", "pgweir"])
@pytest.mark.parametrize("asked", ["pgbouncer", "pgweir"])
def test_console_is_the_same_by_either_name(pooler, named, asked):
    """Rules that somebody has brought along say pgbouncer: the other name is no way around them."""
    p = pooler(start=False)
    rules = f"host {named} admin 127.0.0.1/32 reject\nhost all all all trust\n"
    p.change(auth_type="hba", auth_hba_file=put(p, "hba.conf", rules))
    p.start()
    assert refused(p, "admin", asked).text.startswith("pg_hba.conf rejects connection for host")
    p.raw("app", "app").close()


def test_console_is_not_entered_as_replication(pooler):
    p = pooler(start=False)
    rules = "host replication all all trust\nhost pgweir admin all reject\n"
    p.change(auth_type="hba", auth_hba_file=put(p, "hba.conf", rules))
    p.start()
    error = refused(p, "admin", "pgweir", replication="true")
    assert error.text.startswith("pg_hba.conf rejects connection for host")


# ---- names that are longer than PostgreSQL's --------------------------------------------------------------------


LONG = "u" * 63


@pytest.fixture
def long_names(cluster):
    """A role and a database with the longest names that there can be."""
    cluster.sql(f"create role {LONG} login")
    cluster.sql(f"create database {LONG} owner {LONG}")
    yield
    cluster.sql(f"drop database {LONG} with (force)")
    cluster.sql(f"drop role {LONG}")


def test_longer_names_do_not_pass_by_the_rules(pooler, cluster, long_names):
    """The server takes the first 63 bytes of a name: so has to be what is judged."""
    p = pooler(databases={"*": f"host=127.0.0.1 port={cluster.port}"}, auth_file=None)
    p.reload(auth_type="hba", auth_hba_file=put(p, "hba.conf", f"""
host  all     {LONG}  all  reject
host  {LONG}  all     all  reject
host  all     all     all  trust
"""))
    assert p.raw("app", "app").value("select current_user") == "app"
    for user, database in ((LONG, "app"), (LONG + "x", "app"), ("app", LONG), ("app", LONG + "x"), (LONG + "x", None)):
        with pytest.raises(Refused) as refused:
            p.raw(user, database)
        assert refused.value.error.sqlstate == "28000" and "rejects" in refused.value.error.text, (user, database)


def test_longer_names_are_the_names_that_they_begin_with(pooler, cluster, long_names):
    p = pooler(databases={"*": f"host=127.0.0.1 port={cluster.port}"}, userlist={LONG: ""})
    client = p.raw(LONG + "y", LONG + "z")
    assert client.rows("select current_user, current_database()") == [[LONG, LONG]]


def test_names_that_do_not_reach_the_server_are_not_cut(pooler, cluster):
    p = pooler(databases={LONG + "alias": f"host=127.0.0.1 port={cluster.port} dbname=app user=app"},
               userlist={LONG + "client": ""})
    assert p.raw(LONG + "client", LONG + "alias").value("select current_user") == "app"
