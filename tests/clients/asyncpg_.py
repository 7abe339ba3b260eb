"""asyncpg."""

import asyncio
import datetime
import decimal
import uuid

import asyncpg

from check import DATABASE, HOST, PASSWORD, PORT, USER, check, run


def connect():
    return asyncpg.connect(host=HOST, port=PORT, user=USER, password=PASSWORD, database=DATABASE)


@check
async def values_round_trip():
    c = await connect()
    for kind, value in [
        ("int2", 1), ("int4", -7), ("int8", 1 << 40), ("numeric", decimal.Decimal("1.50")), ("float8", 0.1),
        ("text", "é"), ("bytea", b"\0\1"), ("bool", False), ("date", datetime.date(2000, 1, 1)),
        ("timestamp", datetime.datetime(1999, 1, 1, 1)), ("uuid", uuid.uuid4()), ("int4[]", [1, 2, None]),
        ("interval", datetime.timedelta(days=1, seconds=2)), ("jsonb", '{"a": 1}'), ("text[]", ["x"]),
        ("timestamptz", datetime.datetime(1999, 1, 1, tzinfo=datetime.timezone.utc)),
        ("int4range", asyncpg.Range(1, 5)),
    ]:
        got = await c.fetchval(f"select $1::{kind}", value)
        assert got == value, (kind, got)
    await c.close()


@check
async def transactions_cursors_copies():
    c = await connect()
    await c.execute("create temp table t (a int, b text)")
    await c.copy_records_to_table("t", records=[(n, str(n)) for n in range(1000)])
    async with c.transaction():
        total = 0
        async for row in c.cursor("select a from t"):
            total += row["a"]
    assert total == 499500
    await c.executemany("insert into t values ($1, $2)", [(n, "x") for n in range(100)])
    try:
        async with c.transaction():
            await c.execute("delete from t")
            raise KeyError
    except KeyError:
        pass
    assert await c.fetchval("select count(*) from t") == 1100
    await c.close()


@check
async def pools_reset_connections():
    pool = await asyncpg.create_pool(host=HOST, port=PORT, user=USER, password=PASSWORD, database=DATABASE, min_size=2, max_size=4)
    async def work(n):
        async with pool.acquire() as c:
            await c.execute("set application_name = 'worker'")
            return await c.fetchval("select $1::int", n)
    assert await asyncio.gather(*(work(n) for n in range(50))) == list(range(50))
    async with pool.acquire() as c:
        assert await c.fetchval("show application_name") == ""
    await pool.close()


@check
async def listeners_are_called():
    a, b = await connect(), await connect()
    heard = asyncio.Queue()
    await a.add_listener("asyncpg_channel", lambda _c, _p, _ch, payload: heard.put_nowait(payload))
    await b.execute("notify asyncpg_channel, 'hi'")
    assert await asyncio.wait_for(heard.get(), 5) == "hi"
    await a.close()
    await b.close()


@check
async def enums_and_composites():
    c = await connect()
    await c.execute("drop type if exists asyncpg_pair, asyncpg_mood")
    await c.execute("create type asyncpg_mood as enum ('a', 'b')")
    await c.execute("create type asyncpg_pair as (n int, m asyncpg_mood)")
    assert await c.fetchval("select $1::asyncpg_mood", "b") == "b"
    assert tuple(await c.fetchval("select row(1, 'a')::asyncpg_pair")) == (1, "a")
    await c.close()


@check
async def timeouts_cancel():
    c = await connect()
    try:
        await c.execute("select pg_sleep(10)", timeout=0.3)
        raise AssertionError("no timeout")
    except asyncio.TimeoutError:
        pass
    assert await c.fetchval("select 1") == 1
    await c.close()


run()
