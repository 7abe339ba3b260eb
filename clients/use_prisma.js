// Prisma: its client over node-postgres. Its engine for migrations is a program that no package holds, so the tables are made here.
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Client } = require('pg');

const tools = process.env.TOOLS;
const folder = fs.mkdtempSync(path.join(tools, 'prisma-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

fs.writeFileSync(path.join(folder, 'schema.prisma'), `
generator client {
  provider = "prisma-client-js"
  output   = "${path.join(folder, 'client')}"
}
datasource db {
  provider = "postgresql"
}
enum Mood {
  sad
  ok
}
model Author {
  id      Int      @id @default(autoincrement())
  name    String   @unique @db.VarChar(40)
  mood    Mood     @default(ok)
  moods   Mood[]
  tags    String[]
  extra   Json?
  born    DateTime? @db.Date
  made    DateTime @default(now()) @db.Timestamptz(3)
  books   Book[]
  @@map("prisma_author")
}
model Book {
  id       String  @id @default(uuid()) @db.Uuid
  authorId Int     @map("author_id")
  author   Author  @relation(fields: [authorId], references: [id], onDelete: Cascade)
  title    String
  price    Decimal @db.Decimal(10, 2)
  pages    BigInt  @default(0)
  cover    Bytes?
  @@index([title])
  @@map("prisma_book")
}
`);

// What prisma migrate writes for the above.
const TABLES = `
drop table if exists prisma_book, prisma_author;
drop type if exists "Mood";
create type "Mood" as enum ('sad', 'ok');
create table "prisma_author" (
  "id" serial not null, "name" varchar(40) not null, "mood" "Mood" not null default 'ok', "moods" "Mood"[], "tags" text[], "extra" jsonb,
  "born" date, "made" timestamptz(3) not null default current_timestamp, constraint "prisma_author_pkey" primary key ("id"));
create table "prisma_book" (
  "id" uuid not null, "author_id" integer not null, "title" text not null, "price" decimal(10,2) not null, "pages" bigint not null default 0,
  "cover" bytea, constraint "prisma_book_pkey" primary key ("id"));
create unique index "prisma_author_name_key" on "prisma_author"("name");
create index "prisma_book_title_idx" on "prisma_book"("title");
alter table "prisma_book" add constraint "prisma_book_author_id_fkey" foreign key ("author_id") references "prisma_author"("id")
  on delete cascade on update cascade;
`;

let prisma;
const checks = {
  async 'the client is generated'() {
    // It would fetch that engine, which it does not need for this; any program stands in for it.
    const settings = { env: { ...process.env, PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1', CI: '1', PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true' }, cwd: tools, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120000 };
    const program = path.join(tools, 'node_modules', 'prisma', 'build', 'index.js');
    try {
      execFileSync(process.execPath, [program, 'generate', '--schema', path.join(folder, 'schema.prisma')], settings);
    } catch (error) {
      throw new Error(`${error.stdout} ${error.stderr}`.replace(/\s+/g, ' ').slice(-400));
    }
    const c = new Client();
    await c.connect();
    await c.query(TABLES);
    await c.end();
    const { PrismaClient } = require(path.join(folder, 'client'));
    const { PrismaPg } = require('@prisma/adapter-pg');
    const env = process.env;
    prisma = new PrismaClient({ adapter: new PrismaPg({ host: env.PGHOST, port: Number(env.PGPORT), user: env.PGUSER, password: env.PGPASSWORD, database: env.PGDATABASE }) });
  },
  async 'objects go and come'() {
    const ada = await prisma.author.create({
      data: {
        name: 'Ada', mood: 'sad', moods: ['sad', 'ok'], tags: ['a', 'b,c'], extra: { x: { y: [1, null] } }, born: new Date('1815-12-10'),
        books: { create: Array.from({ length: 20 }, (_, n) => ({ title: `t${n}`, price: `${n}.50`, pages: 2n ** 40n, cover: Buffer.from([0, 255]) })) },
      },
      include: { books: true },
    });
    assert.deepStrictEqual([ada.mood, ada.moods, ada.tags, ada.extra], ['sad', ['sad', 'ok'], ['a', 'b,c'], { x: { y: [1, null] } }]);
    assert.strictEqual(ada.books.length, 20);
    const book = await prisma.book.findFirst({ where: { title: 't3' } });
    assert.strictEqual(`${book.price}`, '3.5');
    assert.strictEqual(book.pages, 2n ** 40n);
    assert.deepStrictEqual([...book.cover], [0, 255]);
    assert.strictEqual(ada.born.toISOString(), '1815-12-10T00:00:00.000Z');
  },
  async 'queries of many kinds'() {
    const found = await prisma.book.findMany({ where: { title: { in: ['t1', 't2'] }, price: { gt: 2 }, author: { name: { contains: 'D', mode: 'insensitive' } } }, include: { author: true } });
    assert.deepStrictEqual(found.map((b) => b.title), ['t2']);
    assert.strictEqual(await prisma.author.count({ where: { tags: { has: 'a' }, moods: { hasEvery: ['ok'] }, books: { some: { price: { lt: 1 } } } } }), 1);
    assert.strictEqual(await prisma.author.count({ where: { extra: { path: ['x', 'y'], equals: [1, null] } } }), 1);
    const page = await prisma.book.findMany({ orderBy: [{ price: 'desc' }], skip: 2, take: 2, select: { title: true } });
    assert.deepStrictEqual(page, [{ title: 't17' }, { title: 't16' }]);
    const after = await prisma.book.findMany({ orderBy: { title: 'asc' }, cursor: { id: (await prisma.book.findFirst({ where: { title: 't8' } })).id }, take: 2, skip: 1 });
    assert.deepStrictEqual(after.map((b) => b.title), ['t9']);
  },
  async 'groups and aggregates'() {
    const sums = await prisma.book.aggregate({ _sum: { price: true, pages: true }, _avg: { price: true }, _count: true });
    assert.deepStrictEqual([`${sums._sum.price}`, sums._sum.pages, `${sums._avg.price}`, sums._count], ['200', 20n * 2n ** 40n, '10', 20]);
    const groups = await prisma.book.groupBy({ by: ['authorId'], _count: { title: true }, having: { price: { _max: { gt: 3 } } } });
    assert.strictEqual(groups[0]._count.title, 20);
    const counted = await prisma.author.findMany({ include: { _count: { select: { books: true } } } });
    assert.strictEqual(counted[0]._count.books, 20);
  },
  async 'upserts, updates, deletes'() {
    const ada = await prisma.author.upsert({ where: { name: 'Ada' }, create: { name: 'Ada' }, update: { mood: 'ok', tags: { push: 'new' } } });
    assert.deepStrictEqual([ada.mood, ada.tags], ['ok', ['a', 'b,c', 'new']]);
    assert.strictEqual((await prisma.book.updateMany({ where: { price: { gt: 10 } }, data: { price: { increment: 1 } } })).count, 10);
    assert.strictEqual((await prisma.book.deleteMany({ where: { title: { startsWith: 't1' } } })).count, 11);
    const made = await prisma.author.createManyAndReturn({ data: [{ name: 'Ada' }, { name: 'Bob' }], skipDuplicates: true });
    assert.deepStrictEqual(made.map((a) => a.name), ['Bob']);
  },
  async 'errors are known'() {
    await assert.rejects(prisma.author.create({ data: { name: 'Ada' } }), (e) => e.code === 'P2002');
    await assert.rejects(prisma.book.create({ data: { title: 'x', price: 1, authorId: -1 } }), (e) => e.code === 'P2003');
    await assert.rejects(prisma.author.update({ where: { id: -1 }, data: { name: 'x' } }), (e) => e.code === 'P2025');
  },
  async 'transactions'() {
    await prisma.$transaction(async (t) => {
      await t.author.create({ data: { name: 'Cleo' } });
      assert.strictEqual(await t.author.count(), 3);
    }, { isolationLevel: 'Serializable' });
    await assert.rejects(prisma.$transaction(async (t) => { await t.author.deleteMany(); throw new Error('no'); }));
    const [count, first] = await prisma.$transaction([prisma.author.count(), prisma.author.findFirst({ orderBy: { id: 'asc' } })]);
    assert.deepStrictEqual([count, first.name], [3, 'Ada']);
  },
  async 'raw queries'() {
    const rows = await prisma.$queryRaw`select ${7}::int as a, ${'x'} as b, ${new Date(0)}::timestamptz as c, array[1, 2] as d`;
    assert.deepStrictEqual(rows, [{ a: 7, b: 'x', c: new Date(0), d: [1, 2] }]);
    assert.strictEqual(await prisma.$executeRaw`update prisma_author set mood = 'sad' where name = ${'Bob'}`, 1);
  },
};

const { version } = JSON.parse(fs.readFileSync(path.join(tools, 'node_modules', '@prisma', 'client', 'package.json'), 'utf8'));
require('./check.js').run(`Prisma ${version}`, checks, async () => { if (prisma) await prisma.$disconnect(); });
