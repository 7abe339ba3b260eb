"""pg8000: a driver in plain Python."""

import datetime
import decimal

import pg8000.dbapi
import pg8000.native

from check import DATABASE, HOST, PASSWORD, PORT, USER, check, run

OPTIONS = dict(host=HOST, port=PORT, user=USER, password=PASSWORD, database=DATABASE)


@check
def values_round_trip():
    c = pg8000.native.Connection(**OPTIONS)
    for kind, value in [
        ("int", 7), ("bigint", 1 << 40), ("numeric", decimal.Decimal("1.25")), ("text", "é"), ("bool", True),
        ("bytea", b"\0\1"), ("date", datetime.date(2020, 1, 2)), ("int[]", [1, 2]), ("jsonb", {"a": 1}),
        ("timestamptz", datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)),
    ]:
        got = c.run(f"select cast(:v as {kind})", v=value)[0][0]
        assert got == value, (kind, got)
    c.close()


@check
def transactions():
    c = pg8000.dbapi.connect(**OPTIONS)
    cursor = c.cursor()
    cursor.execute("create temp table t (a int primary key)")
    c.commit()
    cursor.executemany("insert into t values (%s)", [(n,) for n in range(10)])
    c.rollback()
    cursor.execute("select count(*) from t")
    assert cursor.fetchone() == [0] or cursor.rowcount == 1
    try:
        cursor.execute("select 1/0")
        raise AssertionError("no error")
    except pg8000.dbapi.DatabaseError as error:
        assert error.args[0]["C"] == "22012"
    c.close()


@check
def notifications():
    c = pg8000.native.Connection(**OPTIONS)
    c.run("listen pg8000_channel")
    c.run("notify pg8000_channel, 'x'")
    c.run("select 1")
    assert [n[2] for n in c.notifications] == ["x"], c.notifications
    c.close()


run()
