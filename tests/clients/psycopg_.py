"""psycopg 3: sync, async, pipeline, COPY, binary."""

import asyncio
import datetime
import decimal
import ipaddress
import uuid

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from check import check, run


def connect(**options):
    return psycopg.connect("", **options)


VALUES = [
    ("int4", 7), ("int8", 1 << 40), ("numeric", decimal.Decimal("12345.678900")), ("float8", 1.5),
    ("text", "ünï €"), ("bytea", b"\0\xff"), ("bool", True), ("date", datetime.date(2024, 2, 29)),
    ("timestamp", datetime.datetime(2024, 2, 29, 1, 2, 3, 456789)),
    ("timestamptz", datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.timezone.utc)),
    ("time", datetime.time(1, 2, 3)), ("interval", datetime.timedelta(days=3, seconds=4)),
    ("uuid", uuid.UUID("12345678-1234-5678-1234-567812345678")),
    ("int4[]", [1, None, 3]), ("text[]", ["a", 'b"c', None]),
]


@check
def values_round_trip_in_both_formats():
    with connect() as c:
        for binary in (False, True):
            for kind, value in VALUES:
                cursor = c.cursor(binary=binary)
                fmt = "%b" if binary else "%t"
                got = cursor.execute(f"select {fmt}::{kind}", [value]).fetchone()[0]
                assert got == value, (kind, binary, got)
            got = c.cursor(binary=binary).execute("select %s::jsonb", [Jsonb({"a": [1, None]})]).fetchone()[0]
            assert got == {"a": [1, None]}


@check
def transactions_and_savepoints():
    with connect() as c:
        c.execute("drop table if exists pp")
        c.execute("create table pp (a int primary key)")
        c.commit()
        with c.transaction():
            c.execute("insert into pp values (1)")
            try:
                with c.transaction():
                    c.execute("insert into pp values (1)")
            except psycopg.errors.UniqueViolation as error:
                assert error.diag.constraint_name == "pp_pkey"
            c.execute("insert into pp values (2)")
        assert c.execute("select count(*) from pp").fetchone() == (2,)


@check
def pipelines():
    with connect(autocommit=True) as c:
        with c.pipeline():
            cursors = [c.execute("select %s::int", [n]) for n in range(100)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(100))


@check
def copies():
    with connect() as c:
        c.execute("create temp table pc (a int, b text, c timestamptz)")
        now = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
        with c.cursor().copy("copy pc from stdin") as copy:
            for n in range(1000):
                copy.write_row((n, f"row\t{n}", now))
        with c.cursor().copy("copy pc (a, b) from stdin (format binary)") as copy:
            copy.set_types(["int4", "text"])
            copy.write_row((-1, None))
        with c.cursor().copy("copy (select * from pc order by a) to stdout") as copy:
            copy.set_types(["int4", "text", "timestamptz"])
            rows = list(copy.rows())
        assert len(rows) == 1001 and rows[0] == (-1, None, None) and rows[1] == (0, "row\t0", now)


@check
def server_side_cursors():
    with connect() as c:
        cursor = c.cursor(name="many")
        cursor.execute("select generate_series(1, 5000)")
        assert sum(row[0] for row in cursor) == 12502500


@check
def many_rows_and_prepared_statements():
    with connect() as c:
        c.execute("create temp table pm (a int, b text)")
        cursor = c.cursor()
        cursor.executemany("insert into pm values (%s, %s)", [(n, str(n)) for n in range(500)])
        for n in range(20):
            got = c.execute("select b from pm where a = %s", [n], prepare=True).fetchone()
            assert got == (str(n),)
        row = c.cursor(row_factory=dict_row).execute("select 1 as one, 'x' as two").fetchone()
        assert row == {"one": 1, "two": "x"}


@check
def notifications_arrive_while_idle():
    with connect(autocommit=True) as listener, connect(autocommit=True) as speaker:
        listener.execute("listen chan")
        speaker.execute("notify chan, 'one'")
        with speaker.transaction():
            speaker.execute("select pg_notify('chan', 'two')")
        got = [n.payload for n in listener.notifies(timeout=5, stop_after=2)]
        assert got == ["one", "two"], got


@check
def cancelling_and_terminating():
    with connect(autocommit=True) as a, connect(autocommit=True) as b:
        pid = a.info.backend_pid
        assert b.execute("select pg_terminate_backend(%s)", [pid]).fetchone() == (True,)
        try:
            a.execute("select 1")
            raise AssertionError("the session goes on")
        except psycopg.OperationalError:
            pass


@check
async def async_connections():
    async with await psycopg.AsyncConnection.connect("") as c:
        cursor = await c.execute("select generate_series(1, 3)")
        assert await cursor.fetchall() == [(1,), (2,), (3,)]
        async def sleeper():
            await c.execute("select pg_sleep(10)")
        task = asyncio.create_task(sleeper())
        await asyncio.sleep(0.3)
        c.cancel()
        try:
            await task
            raise AssertionError("was not cancelled")
        except psycopg.errors.QueryCanceled:
            pass


run()
