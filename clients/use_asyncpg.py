"""asyncpg: binary only, prepared statements for everything, its own introspection of types."""

import asyncio
import datetime
import decimal
import uuid

import asyncpg

from check import check, run

connect = asyncpg.connect


@check
async def values_go_and_come():
    c = await connect()
    for ty, value in [
        ("bool", True), ("int2", 1), ("int4", -5), ("int8", 2**62), ("float4", 0.5), ("float8", 1e300), ("numeric", decimal.Decimal("1.2300")),
        ("text", "\u2603"), ("varchar", "v"), ("bytea", b"\0\1"), ("date", datetime.date(2024, 2, 29)), ("time", datetime.time(1, 2, 3, 4)),
        ("timestamp", datetime.datetime(2024, 1, 1)), ("timestamptz", datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)),
        ("interval", datetime.timedelta(days=2, microseconds=5)), ("uuid", uuid.UUID(int=7)), ("json", '{"a": 1}'), ("jsonb", '{"a": 1}'),
        ("int4[]", [1, None, 3]), ("text[]", ["a", None]), ("int4range", asyncpg.Range(1, 5)), ("bit(3)", asyncpg.BitString("101")),
    ]:
        got = await c.fetchval(f"select $1::{ty}", value)
        assert got == value, (ty, got, value)
    await c.close()


@check
async def records_and_prepared_statements():
    c = await connect()
    statement = await c.prepare("select $1::int as a, $2::text as b")
    assert [p.name for p in statement.get_parameters()] == ["int4", "text"]
    row = await statement.fetchrow(1, "x")
    assert dict(row) == {"a": 1, "b": "x"}
    await c.close()


@check
async def types_of_the_database_are_found():
    c = await connect()
    await c.execute("drop type if exists amood; create type amood as enum ('sad', 'ok')")
    assert await c.fetchval("select $1::amood", "ok") == "ok"
    assert await c.fetchval("select array['sad', 'ok']::amood[]") == ["sad", "ok"]
    await c.execute("create domain small as int check (value < 10)")
    assert await c.fetchval("select 7::small") == 7
    await c.execute("drop domain small; drop type amood")
    await c.close()


@check
async def transactions_and_savepoints():
    c = await connect()
    await c.execute("create temp table t (a int primary key)")
    async with c.transaction():
        await c.execute("insert into t values (1)")
        try:
            async with c.transaction():
                await c.execute("insert into t values (1)")
        except asyncpg.UniqueViolationError as error:
            assert error.constraint_name == "t_pkey"
    assert await c.fetchval("select count(*) from t") == 1
    async with c.transaction(isolation="serializable", readonly=True, deferrable=True):
        assert await c.fetchval("show transaction_isolation") == "serializable"
    await c.close()


@check
async def cursors():
    c = await connect()
    async with c.transaction():
        seen = [row[0] async for row in c.cursor("select g from generate_series(1, 500) g", prefetch=50)]
        assert seen == list(range(1, 501))
        cur = await c.cursor("select g from generate_series(1, 10) g")
        await cur.forward(3)
        assert (await cur.fetchrow())[0] == 4
    await c.close()


@check
async def many_and_copies():
    c = await connect()
    await c.execute("create temp table t (a int, b text)")
    await c.executemany("insert into t values ($1, $2)", [(n, str(n)) for n in range(100)])
    assert await c.copy_records_to_table("t", records=[(n, "c") for n in range(100)]) == "COPY 100"
    out = bytearray()

    async def take(data):
        out.extend(data)

    await c.copy_from_query("select * from t where b = 'c' order by a limit 2", output=take, format="csv")
    assert bytes(out) == b"0,c\n1,c\n"
    await c.close()


@check
async def pools_reset_their_connections():
    async with asyncpg.create_pool(min_size=1, max_size=1) as pool:
        async with pool.acquire() as c:
            await c.execute("set work_mem = '9MB'")
            await c.execute("create temp table left_over (a int)")
            await c.fetchval("select pg_advisory_lock(7)")
        async with pool.acquire() as c:
            assert await c.fetchval("show work_mem") != "9MB"
            assert await c.fetchval("select count(*) from pg_locks where locktype = 'advisory'") == 0
        values = await asyncio.gather(*(pool.fetchval("select $1::int", n) for n in range(20)))
        assert values == list(range(20))


@check
async def notifications_and_cancellation():
    c, other = await connect(), await connect()
    got = asyncio.get_running_loop().create_future()
    await c.add_listener("news", lambda *args: got.set_result(args[3]))
    await other.execute("notify news, 'hello'")
    assert await asyncio.wait_for(got, 10) == "hello"
    try:
        await other.execute("select pg_sleep(30)", timeout=0.3)
        raise AssertionError("no timeout")
    except asyncio.TimeoutError:
        pass
    assert await other.fetchval("select 1") == 1
    await c.close()
    await other.close()


@check
async def a_changed_table_is_noticed():
    c, other = await connect(), await connect()
    await c.execute("drop table if exists changing; create table changing (a int)")
    await c.execute("insert into changing values (1)")
    assert await c.fetchrow("select * from changing") == (1,)
    await other.execute("alter table changing add column b text default 'x'")
    assert await c.fetchrow("select * from changing") == (1, "x")
    await c.execute("drop table changing")
    await c.close()
    await other.close()


run(f"asyncpg {asyncpg.__version__}")
