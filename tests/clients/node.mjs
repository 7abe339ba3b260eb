// node-postgres.
import assert from 'node:assert';
import pg from 'pg';

const checks = {
  async values_round_trip() {
    const c = new pg.Client();
    await c.connect();
    for (const [kind, value] of [['int', 7], ['text', 'é'], ['bool', true], ['float8', 1.5], ['int[]', [1, 2]], ['text[]', ['a', null]]]) {
      const { rows } = await c.query(`select $1::${kind} as v`, [value]);
      assert.deepStrictEqual(rows[0].v, value, kind);
    }
    const { rows } = await c.query('select $1::jsonb as j, $2::numeric as n, $3::timestamptz as t', [{ a: [1] }, '1.50', new Date(0)]);
    assert.deepStrictEqual(rows[0].j, { a: [1] });
    assert.strictEqual(rows[0].n, '1.50');
    assert.strictEqual(rows[0].t.getTime(), 0);
    await c.end();
  },
  async errors_have_fields() {
    const c = new pg.Client();
    await c.connect();
    await assert.rejects(c.query('select 1/0'), (e) => e.code === '22012');
    await c.query('create temp table t (a int primary key)');
    await c.query('insert into t values (1)');
    await assert.rejects(c.query('insert into t values (1)'), (e) => e.constraint === 't_pkey' && e.table === 't');
    await c.end();
  },
  async pools() {
    const pool = new pg.Pool({ max: 5 });
    const answers = await Promise.all([...Array(50).keys()].map((n) => pool.query('select $1::int as n', [n])));
    assert.deepStrictEqual(answers.map((a) => a.rows[0].n), [...Array(50).keys()]);
    await pool.end();
  },
  async named_statements_and_batches() {
    const c = new pg.Client();
    await c.connect();
    for (let n = 0; n < 20; n += 1) {
      const { rows } = await c.query({ name: 'twice', text: 'select $1::int * 2 as d', values: [n] });
      assert.strictEqual(rows[0].d, 2 * n);
    }
    const several = await c.query('select 1 as a; select 2 as a');
    assert.strictEqual(several[1].rows[0].a, 2);
    await c.end();
  },
  async notifications() {
    const [a, b] = [new pg.Client(), new pg.Client()];
    await a.connect();
    await b.connect();
    const heard = new Promise((resolve) => a.on('notification', (m) => resolve(m.payload)));
    await a.query('listen node_channel');
    await b.query("notify node_channel, 'hi'");
    assert.strictEqual(await Promise.race([heard, new Promise((r) => setTimeout(() => r('timeout'), 5000))]), 'hi');
    await a.end();
    await b.end();
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${String(error.message).replace(/\s+/g, ' ').slice(0, 300)}`);
  }
}
process.exit(failed ? 1 : 0);
