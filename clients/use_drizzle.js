// Drizzle: its query builder over node-postgres, migrations, and drizzle-kit's own reading of the catalog.
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Pool } = require('pg');
const { drizzle } = require('drizzle-orm/node-postgres');
const { migrate } = require('drizzle-orm/node-postgres/migrator');
const { and, count, eq, gt, ilike, inArray, relations, sql } = require('drizzle-orm');
const pg = require('drizzle-orm/pg-core');

// Its files lie in the folder that it is run in.
const tools = process.env.TOOLS;
const folder = fs.mkdtempSync(path.join(tools, 'drizzle-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

const definition = `
const { relations, sql } = require('drizzle-orm');
const pg = require('drizzle-orm/pg-core');
const shop = pg.pgSchema('dz_shop');
const mood = shop.enum('mood', ['sad', 'ok']);
const authors = shop.table('authors', {
  id: pg.serial('id').primaryKey(),
  name: pg.varchar('name', { length: 40 }).notNull().unique(),
  mood: mood('mood').notNull().default('ok'),
  tags: pg.text('tags').array(),
  extra: pg.jsonb('extra'),
  born: pg.date('born'),
  made: pg.timestamp('made', { withTimezone: true }).notNull().defaultNow(),
});
const books = shop.table('books', {
  id: pg.uuid('id').primaryKey().defaultRandom(),
  author: pg.integer('author').notNull().references(() => authors.id, { onDelete: 'cascade' }),
  title: pg.text('title').notNull(),
  price: pg.numeric('price', { precision: 10, scale: 2 }).notNull(),
  place: pg.bigint('place', { mode: 'number' }).generatedAlwaysAsIdentity(),
}, (t) => [pg.index('books_title').on(t.title), pg.check('price_positive', sql\`\${t.price} >= 0\`), pg.uniqueIndex('books_place').on(t.place)]);
const dear = shop.view('dear').as((q) => q.select().from(books).where(sql\`\${books.price} > 5\`));
const authorBooks = relations(authors, ({ many }) => ({ books: many(books) }));
const bookAuthor = relations(books, ({ one }) => ({ writer: one(authors, { fields: [books.author], references: [authors.id] }) }));
module.exports = { shop, mood, authors, books, dear, authorBooks, bookAuthor };
`;
fs.writeFileSync(path.join(folder, 'schema.js'), definition);
const schema = require(path.join(folder, 'schema.js'));
const { authors, books, dear } = schema;
const pool = new Pool({ max: 3 });
const db = drizzle(pool, { schema });

function kit(...args) {
  const settings = {
    dialect: 'postgresql', schema: path.join(folder, 'schema.js'), out: path.join(folder, 'out'), schemaFilter: ['dz_shop'],
    dbCredentials: { host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, password: process.env.PGPASSWORD, database: process.env.PGDATABASE, ssl: false },
  };
  fs.writeFileSync(path.join(folder, 'drizzle.config.json'), JSON.stringify(settings));
  const program = path.join(tools, 'node_modules', 'drizzle-kit', 'bin.cjs');
  try {
    return execFileSync(process.execPath, [program, ...args, '--config', path.join(folder, 'drizzle.config.json')], { cwd: tools, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60000 });
  } catch (error) {
    throw new Error(`${args[0]}: ${error.stdout} ${error.stderr}`.replace(/\s+/g, ' ').slice(-400));
  }
}

const checks = {
  async 'a schema is made into migrations, which run'() {
    await pool.query('drop schema if exists dz_shop cascade');
    await pool.query('drop schema if exists drizzle cascade');
    kit('generate');
    await migrate(db, { migrationsFolder: path.join(folder, 'out') });
    await migrate(db, { migrationsFolder: path.join(folder, 'out') });
    const { rows } = await pool.query('select count(*)::int n from drizzle.__drizzle_migrations');
    assert.strictEqual(rows[0].n, 1);
  },
  async 'pushing the schema finds nothing to do'() {
    const told = kit('push', '--strict', '--verbose');
    assert.match(told, /No changes detected/, told.slice(-300));
  },
  async 'the database is read back'() {
    const told = kit('introspect');
    const read = fs.readFileSync(path.join(folder, 'out', 'schema.ts'), 'utf8');
    for (const part of ['numeric({ precision: 10, scale:  2 })', 'varchar({ length: 40 })', 'generatedAlwaysAsIdentity', 'foreignKey', 'price_positive', 'dzShop.enum("mood"', '"dear"']) {
      assert.ok(read.replace(/ +/g, ' ').includes(part.replace(/ +/g, ' ')), `${part} is not in: ${read} ${told}`.replace(/\s+/g, ' '));
    }
  },
  async 'objects go and come'() {
    const [ada] = await db.insert(authors).values({ name: 'Ada', mood: 'sad', tags: ['a', 'b,c'], extra: { x: [1, null] }, born: '1815-12-10' }).returning();
    assert.strictEqual(ada.mood, 'sad');
    assert.deepStrictEqual(ada.tags, ['a', 'b,c']);
    assert.ok(ada.made instanceof Date);
    const made = await db.insert(books).values(Array.from({ length: 20 }, (_, n) => ({ author: ada.id, title: `t${n}`, price: String(n / 2) }))).returning({ place: books.place });
    assert.deepStrictEqual(made.map((row) => row.place), Array.from({ length: 20 }, (_, n) => n + 1));
  },
  async 'relations in one query'() {
    const found = await db.query.authors.findMany({
      where: eq(authors.name, 'Ada'), columns: { name: true }, with: { books: { columns: { title: true }, orderBy: (b, { desc }) => desc(b.price), limit: 2, with: { writer: true } } },
    });
    assert.deepStrictEqual(found[0].books.map((b) => b.title), ['t19', 't18']);
    assert.strictEqual(found[0].books[0].writer.name, 'Ada');
  },
  async 'joins, groups, subqueries, views'() {
    const sub = db.select({ author: books.author, n: count().as('n') }).from(books).where(gt(books.price, '4')).groupBy(books.author).as('sub');
    const rows = await db.select({ name: authors.name, n: sub.n }).from(authors).leftJoin(sub, eq(authors.id, sub.author)).where(ilike(authors.name, 'a%'));
    assert.deepStrictEqual(rows, [{ name: 'Ada', n: 11 }]);
    assert.strictEqual(await db.$count(books, inArray(books.title, ['t1', 't2', 'none'])), 2);
    assert.strictEqual((await db.select().from(dear)).length, 9);
    const first = db.$with('first').as(db.select().from(books).orderBy(books.place).limit(3));
    assert.strictEqual((await db.with(first).select({ title: first.title }).from(first)).length, 3);
  },
  async 'upserts, updates, deletes'() {
    const [ada] = await db.insert(authors).values({ name: 'Ada' }).onConflictDoUpdate({ target: authors.name, set: { mood: 'ok', tags: sql`excluded.tags || array['new']` } }).returning();
    assert.deepStrictEqual([ada.mood, ada.tags], ['ok', ['new']]);
    assert.strictEqual((await db.insert(authors).values({ name: 'Ada' }).onConflictDoNothing().returning()).length, 0);
    await db.update(books).set({ price: sql`${books.price} + 1` }).where(and(eq(books.author, ada.id), gt(books.price, '8')));
    assert.strictEqual((await db.delete(books).where(gt(books.price, '10')).returning()).length, 1);
  },
  async 'prepared statements'() {
    const one = db.select().from(books).where(eq(books.title, sql.placeholder('title'))).prepare('dz_one');
    for (const title of ['t1', 't2', 't1']) assert.strictEqual((await one.execute({ title }))[0].title, title);
  },
  async 'transactions and savepoints'() {
    await db.transaction(async (t) => {
      await t.insert(authors).values({ name: 'Bob' });
      await assert.rejects(t.transaction(async (s) => { await s.insert(authors).values({ name: 'Bob' }); }), (e) => (e.cause ?? e).code === '23505');
      await t.insert(authors).values({ name: 'Cleo' });
    }, { isolationLevel: 'serializable' });
    assert.strictEqual(await db.$count(authors), 3);
    await assert.rejects(db.transaction(async (t) => { await t.delete(books); t.rollback(); }));
    assert.strictEqual(await db.$count(books), 19);
  },
};

const version = (name) => JSON.parse(fs.readFileSync(path.join(tools, 'node_modules', name, 'package.json'), 'utf8')).version;
require('./check.js').run(`Drizzle ${version('drizzle-orm')}, drizzle-kit ${version('drizzle-kit')}`, checks, () => pool.end());
