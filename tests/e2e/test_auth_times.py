"""Does the time of a refusal tell who exists? Both distributions, printed (pytest -s); the steps, asserted.

How long something takes depends on the machine and its load, so no time is asserted. What makes times equal
is: the same messages, and the same work behind them.
"""

import statistics
import time

import pytest

import judges
import rawwire
from cluster import PASSWORD
from rawwire import Refused

pytestmark = [pytest.mark.pgweir, pytest.mark.timeout(180)]

TIMES = 40

WAYS = {
    "plain, password known": ("plain", PASSWORD),
    "plain, SCRAM secret known": ("plain", rawwire.scram_secret(PASSWORD)),
    "md5, password known": ("md5", PASSWORD),
    "md5, SCRAM secret known": ("md5", rawwire.scram_secret(PASSWORD)),
    "scram-sha-256, password known": ("scram-sha-256", PASSWORD),
    "scram-sha-256, SCRAM secret known": ("scram-sha-256", rawwire.scram_secret(PASSWORD)),
    "looked up by auth_query": ("scram-sha-256", None),
    "ldap, search and bind": ("ldap", None),
}


@pytest.fixture(scope="module")
def slapd(binary, workdir):
    judges.built_with(binary, "ldap")
    judges.needs_slapd()
    server = judges.Ldap(workdir, judges.person("u_scram", PASSWORD))
    yield server
    server.close()


def refuse(p, user):
    """How long it takes to be refused, in milliseconds, and in which steps and words."""
    client = p.open()
    start = time.perf_counter()
    with pytest.raises(Refused) as refused:
        client.login(user, "app", "wrong")
    took = (time.perf_counter() - start) * 1000
    client.close()
    trace = [(m.kind, m.body[:4]) for m in client.login_trace if m.kind == "R"]
    fields = {k: v.replace(user, "USER") for k, v in refused.value.error.fields().items() if k not in "FLR"}
    return took, (trace, fields)


def told(name, times):
    """One line of a report: the distribution in milliseconds."""
    ordered = sorted(times)
    tenth, half, ninetieth = (ordered[int(len(ordered) * q)] for q in (0.1, 0.5, 0.9))
    return (f"  {name:<16} p10 {tenth:7.2f}  p50 {half:7.2f}  p90 {ninetieth:7.2f}  "
            f"mean {statistics.mean(times):7.2f} ms")


@pytest.mark.parametrize("way", list(WAYS))
def test_unknown_user_and_wrong_password(pooler, request, way):
    method, secret = WAYS[way]
    settings = {"auth_failure_delay": 0, "workers": 1}
    userlist = {"u_scram": secret, "another": secret}
    if way.startswith("looked up"):
        settings["auth_user"] = "postgres"
        userlist = {"postgres": ""}
    elif method == "ldap":
        userlist = {}
        settings["auth_ldap_options"] = (f'ldapserver=127.0.0.1 ldapport={request.getfixturevalue("slapd").port} '
                                         'ldapbasedn="dc=example,dc=com" ldapbinddn="cn=reader,dc=example,dc=com" '
                                         'ldapbindpasswd="reads"')
    p = pooler(auth_type=method, userlist=userlist, log_pooler_errors=0, **settings)
    users = {"wrong password": "u_scram", "unknown user": "nobody7"}
    times, seen = {name: [] for name in users}, {name: set() for name in users}
    for name, user in users.items():
        refuse(p, user)  # the first of all fills memories
    for _ in range(TIMES):
        for name, user in users.items():
            took, what = refuse(p, user)
            times[name].append(took)
            seen[name].add(repr(what))
    print(f"\n{way}, {TIMES} refusals each:")
    for name in users:
        print(told(name, times[name]))
    assert seen["wrong password"] == seen["unknown user"]
    assert len(seen["unknown user"]) == 1, "each of them looks the same"
