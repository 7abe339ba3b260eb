// node-postgres: simple and extended queries, cursors, pools, types.
const { Client, Pool } = require('pg');
const Cursor = require('pg-cursor');
const assert = require('node:assert');

const checks = {
  async 'values go and come'() {
    const c = await connect();
    const { rows, fields } = await c.query("select $1::int a, $2::text b, $3::timestamptz d, $4::jsonb j, $5::int[] l, $6::bytea x, null n", [
      7, '\u2603', new Date(0), { k: [1, null] }, [1, 2], Buffer.from([0, 255]),
    ]);
    assert.deepStrictEqual(rows[0], { a: 7, b: '\u2603', d: new Date(0), j: { k: [1, null] }, l: [1, 2], x: Buffer.from([0, 255]), n: null });
    assert.strictEqual(fields[0].dataTypeID, 23);
    await c.end();
  },
  async 'binary results'() {
    const c = await connect();
    const { rows } = await c.query({ text: 'select 7::int4 a, 1.5::float8 b, true t', values: [], binary: true });
    assert.deepStrictEqual(rows, [{ a: 7, b: 1.5, t: true }]);
    await c.end();
  },
  async 'several statements at once'() {
    const c = await connect();
    const results = await c.query('select 1 a; select 2 b; create temp table t (a int)');
    assert.deepStrictEqual(results.map((r) => r.command), ['SELECT', 'SELECT', 'CREATE']);
    await c.end();
  },
  async 'named statements'() {
    const c = await connect();
    for (const n of [1, 2, 3]) {
      const { rows } = await c.query({ name: 'twice', text: 'select $1::int * 2 as n', values: [n] });
      assert.strictEqual(rows[0].n, n * 2);
    }
    await c.end();
  },
  async 'errors have their fields'() {
    const c = await connect();
    await c.query('create temp table t (a int primary key)');
    await c.query('insert into t values (1)');
    await assert.rejects(c.query('insert into t values (1)'), (e) => e.code === '23505' && e.constraint === 't_pkey' && e.table === 't');
    await assert.rejects(c.query('selec 1'), (e) => e.code === '42601' && e.position === '1');
    await c.end();
  },
  async 'transactions in a pool'() {
    const pool = new Pool({ max: 3 });
    await pool.query('drop table if exists node_t');
    await pool.query('create table node_t (a int)');
    const c = await pool.connect();
    await c.query('begin');
    await c.query('insert into node_t values (1)');
    await c.query('rollback');
    c.release();
    const counts = await Promise.all([1, 2, 3, 4].map(() => pool.query('select count(*)::int n from node_t')));
    assert.ok(counts.every((r) => r.rows[0].n === 0));
    await pool.query('drop table node_t');
    await pool.end();
  },
  async 'cursors read in pieces'() {
    const c = await connect();
    const cursor = c.query(new Cursor('select g from generate_series(1, $1::int) g', [250]));
    let seen = 0;
    for (let rows; (rows = await cursor.read(100)).length; ) seen += rows.length;
    assert.strictEqual(seen, 250);
    await cursor.close();
    await c.end();
  },
  async 'notifications'() {
    const [c, other] = [await connect(), await connect()];
    const heard = new Promise((resolve) => c.on('notification', resolve));
    await c.query('listen news');
    await other.query("select pg_notify('news', 'hello')");
    assert.strictEqual((await heard).payload, 'hello');
    await c.end();
    await other.end();
  },
  async 'notices'() {
    const c = await connect();
    const heard = new Promise((resolve) => c.on('notice', resolve));
    await c.query('drop table if exists not_there');
    assert.strictEqual((await heard).severity, 'NOTICE');
    await c.end();
  },
};

async function connect() {
  const c = new Client();
  await c.connect();
  return c;
}

require('./check.js').run(`node-postgres ${require('pg/package.json').version}, node ${process.version}`, checks);
