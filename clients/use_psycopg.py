"""psycopg 3: parameters and results in text and binary, pipelines, COPY, cursors of the server, async."""

import datetime
import decimal
import ipaddress
import uuid

import psycopg
from psycopg import sql
from psycopg.rows import dict_row, namedtuple_row
from psycopg.types.json import Jsonb
from psycopg.types.range import Range

from check import check, run


def connect(**options):
    return psycopg.connect("", **options)


VALUES = [
    ("bool", True), ("int2", -7), ("int4", 2**31 - 1), ("int8", -(2**63)), ("float8", 1.5), ("numeric", decimal.Decimal("12345678901234567890.12")),
    ("text", "naïve \u2603 'x'"), ("bytea", b"\x00\xff\\"), ("date", datetime.date(2024, 2, 29)), ("time", datetime.time(23, 59, 59, 999999)),
    ("timestamp", datetime.datetime(1999, 12, 31, 23, 59, 59, 1)), ("timestamptz", datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)),
    ("interval", datetime.timedelta(days=3, seconds=7, microseconds=9)), ("uuid", uuid.UUID(int=2**100 + 7)), ("inet", ipaddress.ip_address("::1")),
    ("cidr", ipaddress.ip_network("10.0.0.0/8")), ("int4[]", [1, None, 3]), ("text[]", ["a", 'b"c', None, ""]), ("int4range", Range(1, 5)),
]


def round_trip(binary):
    with connect() as c:
        for ty, value in VALUES:
            cur = c.cursor(binary=binary)
            mark = "%b" if binary else "%t"
            got = cur.execute(f"select {mark}::{ty}", (value,)).fetchone()[0]
            assert got == value, (ty, got, value)
            assert c.execute(f"select %s::{ty} is null", (None,)).fetchone()[0]


@check
def values_go_and_come_as_text():
    round_trip(False)


@check
def values_go_and_come_in_binary():
    round_trip(True)


@check
def json_goes_and_comes():
    with connect() as c:
        value = {"a": [1, 2.5, None, True], "b": {"c": "d"}}
        assert c.execute("select %s::jsonb", (Jsonb(value),)).fetchone()[0] == value


@check
def rows_as_tuples_dictionaries_and_names():
    with connect() as c:
        assert c.cursor(row_factory=dict_row).execute("select 1 as a, 'x' as b").fetchone() == {"a": 1, "b": "x"}
        assert c.cursor(row_factory=namedtuple_row).execute("select 1 as a").fetchone().a == 1


@check
def transactions_and_savepoints():
    with connect(autocommit=True) as c:
        c.execute("create temp table t (a int primary key)")
        with c.transaction():
            c.execute("insert into t values (1)")
            try:
                with c.transaction():
                    c.execute("insert into t values (1)")
            except psycopg.errors.UniqueViolation as error:
                assert error.diag.constraint_name == "t_pkey" and error.diag.table_name == "t"
            c.execute("insert into t values (2)")
        assert c.execute("select count(*) from t").fetchone() == (2,)


@check
def many_rows_at_once_and_returning():
    with connect() as c:
        c.execute("create temp table t (id serial, a text)")
        cur = c.cursor()
        cur.executemany("insert into t (a) values (%s) returning id", [("x",), ("y",)], returning=True)
        ids = []
        while True:
            ids.append(cur.fetchone()[0])
            if not cur.nextset():
                break
        assert ids == [1, 2]


@check
def pipelines():
    with connect() as c, c.pipeline() as p:
        c.execute("create temp table t (a int)")
        cursors = [c.execute("insert into t values (%s) returning a", (n,)) for n in range(50)]
        p.sync()
        assert [cur.fetchone()[0] for cur in cursors] == list(range(50))


@check
def an_error_in_a_pipeline_aborts_the_rest():
    with connect(autocommit=True) as c:
        try:
            with c.pipeline() as p:
                c.execute("select 1/0")
                c.execute("select 1")
                p.sync()
            raise AssertionError("no error")
        except psycopg.errors.DivisionByZero:
            pass
        assert c.execute("select 1").fetchone() == (1,)


@check
def copy_in_every_format():
    with connect() as c:
        c.execute("create temp table t (a int, b text, d timestamptz)")
        cur = c.cursor()
        now = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
        with cur.copy("copy t from stdin") as copy:
            copy.write_row((1, "tab\there", now))
        with cur.copy("copy t from stdin (format binary)") as copy:
            copy.set_types(["int4", "text", "timestamptz"])
            copy.write_row((2, "back\\slash", now))
        with cur.copy("copy t from stdin (format csv)") as copy:
            copy.write('3,"a ""quote""",2024-01-01 00:00:00+00\n')
        for options in ("", "(format binary)"):
            with cur.copy(f"copy (select * from t order by a) to stdout {options}") as copy:
                copy.set_types(["int4", "text", "timestamptz"])
                rows = list(copy.rows())
            assert rows == [(1, "tab\there", now), (2, "back\\slash", now), (3, 'a "quote"', now)], rows


@check
def cursors_of_the_server():
    with connect() as c:
        with c.cursor(name="many", scrollable=True) as cur:
            cur.execute("select g from generate_series(1, 1000) g")
            assert cur.fetchmany(3) == [(1,), (2,), (3,)]
            cur.scroll(500)
            assert cur.fetchone() == (504,)
            cur.scroll(0, mode="absolute")
            assert len(list(cur)) == 1000


@check
def statements_are_prepared_after_some_runs():
    with connect() as c:
        for n in range(10):
            assert c.execute("select %s::int + 1", (n,)).fetchone() == (n + 1,)
        assert c.execute("select count(*) from pg_prepared_statements").fetchone()[0] >= 1


@check
def notices_and_notifications():
    seen = []
    with connect(autocommit=True) as c, connect(autocommit=True) as other:
        c.add_notice_handler(lambda diagnostic: seen.append(diagnostic.sqlstate))
        c.execute("drop table if exists not_there")
        assert seen == ["00000"], seen
        c.execute("listen news")
        other.execute("notify news, 'hello'")
        notify = next(c.notifies(timeout=10))
        assert (notify.channel, notify.payload) == ("news", "hello")


@check
def names_are_composed():
    with connect() as c:
        c.execute(sql.SQL("create temp table {} ({} int)").format(sql.Identifier('odd "name"'), sql.Identifier("select")))
        assert c.execute(sql.SQL("select count(*) from {}").format(sql.Identifier('odd "name"'))).fetchone() == (0,)


@check
def types_of_the_database_are_found():
    from psycopg.types.composite import CompositeInfo
    from psycopg.types.enum import EnumInfo

    with connect(autocommit=True) as c:
        c.execute("drop type if exists mood")
        c.execute("create type mood as enum ('sad', 'ok')")
        info = EnumInfo.fetch(c, "mood")
        assert info and info.labels == ["sad", "ok"], info
        c.execute("drop type mood")
        assert CompositeInfo.fetch(c, "not_there") is None


@check
def cancel_from_another_thread():
    import threading

    with connect(autocommit=True) as c:
        threading.Timer(0.3, c.cancel_safe).start()
        try:
            c.execute("select pg_sleep(30)")
            raise AssertionError("not cancelled")
        except psycopg.errors.QueryCanceled:
            pass


@check
async def async_works_the_same():
    async with await psycopg.AsyncConnection.connect("") as c:
        cur = await c.execute("select %s::int", (7,))
        assert await cur.fetchone() == (7,)
        async with c.pipeline():
            one, two = await c.execute("select 1"), await c.execute("select 2")
        assert (await one.fetchone(), await two.fetchone()) == ((1,), (2,))


@check
def two_phase_commit_is_refused_clearly():
    with connect(autocommit=True) as c:
        try:
            c.execute("begin")
            c.execute("prepare transaction 'one'")
            raise AssertionError("it was prepared")
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.ObjectNotInPrerequisiteState):
            c.execute("rollback")


run(f"psycopg {psycopg.__version__}, libpq {psycopg.pq.version()}")
