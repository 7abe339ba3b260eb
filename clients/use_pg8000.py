"""pg8000: pure Python, text results, its own SCRAM."""

import datetime
import decimal
import os

import pg8000
import pg8000.dbapi
import pg8000.native

from check import check, run

WHERE = dict(user=os.environ["PGUSER"], password=os.environ["PGPASSWORD"], host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), database=os.environ["PGDATABASE"])


@check
def the_native_interface():
    with pg8000.native.Connection(**WHERE) as c:
        assert c.run("select :a::int + 1, :b::text", a=1, b="x") == [[2, "x"]]
        assert [column["name"] for column in c.columns] == ["?column?", "text"]
        c.run("create temp table t (a int, b numeric, d timestamptz)")
        now = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
        c.run("insert into t values (:a, :b, :d)", a=1, b=decimal.Decimal("1.50"), d=now)
        assert c.run("select * from t") == [[1, decimal.Decimal("1.50"), now]]
        statement = c.prepare("select :v::int * 2")
        assert statement.run(v=4) == [[8]]
        statement.close()


@check
def the_dbapi_interface():
    c = pg8000.dbapi.connect(**WHERE)
    cur = c.cursor()
    cur.execute("create temp table t (a int primary key, b text)")
    cur.executemany("insert into t values (%s, %s)", [(1, "x"), (2, None)])
    assert cur.rowcount == 2
    c.commit()
    cur.execute("select * from t order by a")
    assert [list(row) for row in cur.fetchall()] == [[1, "x"], [2, None]]
    try:
        cur.execute("insert into t values (1, 'y')")
        raise AssertionError("no error")
    except pg8000.dbapi.DatabaseError as error:
        assert error.args[0]["C"] == "23505"
    c.rollback()
    c.close()


@check
def copies():
    import io

    c = pg8000.dbapi.connect(**WHERE)
    cur = c.cursor()
    cur.execute("create temp table t (a int, b text)")
    cur.execute("copy t from stdin", stream=io.BytesIO(b"1\tx\n2\ty\n"))
    out = io.BytesIO()
    cur.execute("copy t to stdout (format csv)", stream=out)
    assert out.getvalue() == b"1,x\n2,y\n"
    c.close()


@check
def arrays_json_and_ranges():
    with pg8000.native.Connection(**WHERE) as c:
        assert c.run("select array[1, null, 3], '{\"a\": [1]}'::jsonb, int4range(1, 5)::text, interval '1 day'")[0][:3] == [[1, None, 3], {"a": [1]}, "[1,5)"]


run(f"pg8000 {pg8000.__version__}")
