"""psqlODBC as it comes, and with cursors that are declared: savepoints around each statement, statements that the
server prepares, catalog functions, more connections than servers."""

import datetime
import decimal
import sys

import pyodbc

WHERE = "Driver={{PostgreSQL Unicode}};Servername=127.0.0.1;Port={};Database={};Username=app;SSLmode=disable".format(*sys.argv[1:])


def connect(who, **more):
    keys = "".join(f";{k}={v}" for k, v in more.items())
    return pyodbc.connect(f"{WHERE};ConnSettings=set my.tenant = '{who}'{keys}")


def turn(conn, who, n):
    cursor = conn.cursor()
    values = n, f"it's {who}.{n}", decimal.Decimal("1.50"), datetime.date(2024, 2, 29), None
    got = cursor.execute("select cast(? as int), cast(? as text), cast(? as numeric(9, 2)), cast(? as date), cast(? as int)",
                         *values).fetchone()
    assert tuple(got) == values, got
    cursor.execute("insert into of_odbc values (?, ?)", who, n)
    try:
        cursor.execute("select 1/0")
        raise AssertionError("it can be divided")
    except pyodbc.Error as error:
        assert error.args[0] == "22012", error.args
    assert cursor.execute("select current_setting('my.tenant')").fetchval() == str(who)
    assert cursor.execute("select count(*) from of_odbc where who = ? and n = ?", who, n).fetchval() == 1
    (conn.rollback if n % 2 else conn.commit)()


def large(conn, who):
    """Fetched piece by piece, from a cursor that outlives its transaction where there is one."""
    first, second = conn.cursor(), conn.cursor()
    first.execute("select i, current_setting('my.tenant') from generate_series(1, 500) i")
    second.execute("select i * 2 from generate_series(1, 500) i")
    for i in range(1, 501):
        assert tuple(first.fetchone()) == (i, str(who))
        assert second.fetchone()[0] == 2 * i
    conn.commit()


with connect(0) as setup:
    setup.execute("create table of_odbc (who int, n int, primary key (who, n))")
    setup.commit()
everybody = [connect(who) for who in range(8)]
for n in range(4):
    for who, conn in enumerate(everybody):
        turn(conn, who, n)
for who, conn in enumerate(everybody):
    large(conn, who)
assert [row.column_name for row in everybody[0].cursor().columns("of_odbc")] == ["who", "n"]
assert [row.column_name for row in everybody[1].cursor().primaryKeys("of_odbc")] == ["who", "n"]
for conn in everybody[:2]:
    conn.commit()
assert everybody[2].execute("select count(*) from of_odbc").fetchval() == 16
everybody[2].commit()
many = everybody[3].cursor()
many.fast_executemany = True
many.executemany("insert into of_odbc values (?, ?)", [(100, n) for n in range(100)])
everybody[3].commit()
assert everybody[4].execute("select sum(n) from of_odbc where who = 100").fetchval() == 4950
for conn in everybody:
    conn.close()

for autocommit in (False, True):
    conn = connect(2, UseDeclareFetch=1, Fetch=50)
    conn.autocommit = autocommit
    other = connect(3)
    large(conn, 2)
    large(other, 3)
    conn.close()
    other.close()
print("all is well")
