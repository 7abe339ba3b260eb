//! Guards against a prepared statement by key that answers otherwise in its short way than in the
//! long one: random statements over random tables, run by two databases, in one of which a
//! statement timeout forbids the short ways.
//!
//! `HELIOS_SHORT_OPS` says how many statements (default 6,000), `HELIOS_SEED` which ones.

use std::sync::atomic::{AtomicI64, Ordering};

use helios_testkit::Rng;
use heliosdb::{Connection, Database, Outcome, Statement, Value};

const CONNECTIONS: usize = 2;

/// Statements by key and their kin, over tables that [`schema`] makes.
const STATEMENTS: &[&str] = &[
    "SELECT * FROM t WHERE id = $1",
    "SELECT b, a FROM t WHERE id = $1",
    "SELECT * FROM t AS OF SCN $2 WHERE id = $1",
    "SELECT n, b FROM t AS OF SCN 8 WHERE id = $1",
    "SELECT n FROM t AS OF SCN 20 WHERE id = $1",
    "UPDATE t SET n = n + 1 WHERE id = $1",
    "UPDATE t SET n = $2 WHERE id = $1",
    "UPDATE t SET n = $2, m = n WHERE id = $1",
    "UPDATE t SET n = m, m = n WHERE id = $1",
    "UPDATE t SET a = $2 WHERE id = $1",
    "UPDATE t SET a = a + $2, b = b || 'x' WHERE id = $1",
    "UPDATE t SET b = $2 WHERE id = $1",
    "UPDATE t SET b = NULL, n = 3 WHERE id = $1",
    "UPDATE t SET id = $2 WHERE id = $1",
    "UPDATE t SET id = id WHERE id = $1",
    "UPDATE t SET n = n + 1 WHERE id = 3",
    "UPDATE t SET n = n + 1 WHERE id = $1 AND a > 2",
    "UPDATE t SET n = 100 / n WHERE id = $1",
    "UPDATE t SET n = (SELECT count(*) FROM u) WHERE id = $1",
    "UPDATE t SET n = n + 1 WHERE id = $1 RETURNING n, id",
    "UPDATE t SET d = $2 WHERE id = $1",
    "UPDATE t SET p = $2 WHERE id = $1",
    "UPDATE t SET s = $2 WHERE id = $1",
    "UPDATE t SET n = DEFAULT, m = DEFAULT WHERE id = $1",
    "UPDATE t SET n = extract(epoch FROM now() - now())::int + $2 WHERE id = $1",
    "UPDATE ONLY t AS x SET n = x.n + length(x.b) WHERE x.id = $1",
    "UPDATE v SET n = n + 1 WHERE id = $1",
    "UPDATE w SET a = $2 WHERE id = $1",
    "DELETE FROM t WHERE id = $1",
    "DELETE FROM t WHERE id = $1 RETURNING *",
    "DELETE FROM v WHERE id = $1",
    "UPDATE u SET t = $2 WHERE x = $1 AND y = 1",
    "UPDATE u SET note = note || '!' WHERE y = 1 AND x = $1",
    "UPDATE u SET x = x + 1 WHERE x = $1 AND y = $2",
    "DELETE FROM u WHERE y = $2 AND x = $1",
    "INSERT INTO t (id, a, b, n) VALUES ($1, $2, 'new', 1)",
    "INSERT INTO t (id, a, n) VALUES ($1, $2, $2) ON CONFLICT (id) DO UPDATE SET n = t.n + 1",
    "INSERT INTO u (x, y, t, note) VALUES ($1, 1, $2, 'new')",
];

/// Commands between them; some fail, in both databases alike.
const COMMANDS: &[&str] = &[
    "BEGIN",
    "BEGIN ISOLATION LEVEL REPEATABLE READ",
    "BEGIN ISOLATION LEVEL SERIALIZABLE",
    "BEGIN READ ONLY",
    "COMMIT",
    "COMMIT",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "RELEASE s",
    "SET CONSTRAINTS ALL DEFERRED",
    "USE BRANCH dev",
    "USE BRANCH main",
    "USE BRANCH main",
    "SET default_transaction_read_only = on",
    "SET default_transaction_read_only = off",
    "SET search_path = other, public",
    "RESET search_path",
    "SET helios.as_of = '12'",
    "RESET helios.as_of",
    "RESET helios.as_of",
    "ANALYZE",
];

/// Changes of the schema, which commit at once and meet the others' prepared statements.
const CHANGES: &[&str] = &[
    "ALTER TABLE t ADD COLUMN extra int DEFAULT 7",
    "ALTER TABLE t DROP COLUMN extra",
    "ALTER TABLE t ADD COLUMN extra int NOT NULL DEFAULT 8",
    "CREATE INDEX i_n ON t (n)",
    "CREATE INDEX i_part ON t (a) WHERE n > 2",
    "CREATE INDEX i_expr ON t ((n + m))",
    "DROP INDEX i_n",
    "DROP INDEX i_part",
    "DROP INDEX i_expr",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (n < 50 OR a IS NULL)",
    "ALTER TABLE t DROP CONSTRAINT c",
    "ALTER TABLE t ALTER COLUMN n DROP NOT NULL",
    "ALTER TABLE t ALTER COLUMN m TYPE bigint",
    "ALTER TABLE t ALTER COLUMN m TYPE int",
    "CREATE BRANCH dev FROM main",
    "DROP BRANCH dev",
];

/// A table `t` with a random choice of what a write may have to heed, and `u` below it.
fn schema(rng: &mut Rng) -> String {
    let mut sql = String::from(
        "CREATE SCHEMA other; CREATE DOMAIN small AS int CHECK (VALUE < 30);
         CREATE TABLE u0 (k int PRIMARY KEY);
         INSERT INTO u0 SELECT generate_series(0, 5);",
    );
    let key = *rng.pick(&["int", "bigint", "smallint", "numeric", "text"]);
    let id = if key == "text" { "g::text" } else { "g" };
    let mut t = vec![
        format!("id {key} PRIMARY KEY"),
        "b text".to_owned(),
        "d small".to_owned(),
        "s varchar(4)".to_owned(),
    ];
    t.push((*rng.pick(&["a int", "a int UNIQUE", "a int UNIQUE DEFERRABLE"])).to_owned());
    t.push((*rng.pick(&["n int", "n int NOT NULL", "n int DEFAULT 5"])).to_owned());
    t.push((*rng.pick(&["m int", "m int CHECK (m < 40)"])).to_owned());
    t.push(match rng.one_in(2) {
        true => "p int".to_owned(),
        false => "p int REFERENCES u0".to_owned(),
    });
    if rng.one_in(4) {
        t.push("g int GENERATED ALWAYS AS (n * 2) STORED".to_owned());
    }
    rng.shuffle(&mut t);
    sql += &format!("CREATE TABLE t ({});", t.join(", "));
    for index in [
        "CREATE INDEX ON t (b)",
        "CREATE INDEX ON t (n DESC, a)",
        "CREATE INDEX ON t (a) WHERE n > 3",
        "CREATE UNIQUE INDEX ON t ((m + 1)) WHERE m > 1000",
    ] {
        if rng.one_in(4) {
            sql += &format!("{index};");
        }
    }
    let action = *rng.pick(&[
        "",
        "ON DELETE CASCADE",
        "ON DELETE SET NULL ON UPDATE CASCADE",
    ]);
    let reference = match rng.one_in(2) {
        true => format!("REFERENCES t (id) {action}"),
        false => String::new(),
    };
    sql += &format!(
        "CREATE TABLE u (x int, y int, t {key} {reference}, note text, PRIMARY KEY (y, x));
         CREATE VIEW v AS SELECT * FROM t;
         CREATE VIEW w AS SELECT id, a FROM t WHERE a < 5 WITH CHECK OPTION;
         INSERT INTO t (id, a, b, n, m, s)
             SELECT {id}, g, 'row ' || g, g, g, 's' FROM generate_series(1, 12) AS g;
         INSERT INTO u SELECT g, 1, {id}, 'note' FROM generate_series(1, 8) AS g;"
    );
    sql
}

fn parameter(rng: &mut Rng) -> Value {
    match rng.u8(0..16) {
        0 => Value::Null,
        1 => Value::text(rng.i32(0..14).to_string()),
        2 => Value::Int8(i64::from(rng.i32(0..14))),
        3 => Value::Int2(rng.i16(0..14)),
        4 => Value::text("x"),
        5 => Value::Int8(1 << 40),
        6 => Value::Float8(2.5),
        _ => Value::Int4(rng.i32(0..14)),
    }
}

/// What a statement answered, in words.
fn answer(outcome: heliosdb::Result<Outcome>) -> String {
    let rows = match outcome {
        Ok(Outcome::Rows(mut rows)) => rows
            .collect_rows()
            .map(|list| format!("{list:?} {}", rows.completion())),
        Ok(Outcome::Done(done)) => Ok(done.to_string()),
        Ok(other) => Ok(format!("{other:?}")),
        Err(error) => Err(error),
    };
    match rows {
        Ok(text) => text,
        // A lock timeout's detail tells the numbers of transactions.
        Err(error) if error.sqlstate().as_str() == "55P03" => "55P03".to_owned(),
        Err(error) => format!(
            "{} {} {:?} {:?} {:?}",
            error.sqlstate(),
            error.message(),
            error.detail(),
            error.constraint(),
            error.column()
        ),
    }
}

/// A statement with whole numbers in place of its parameters, if these are such.
fn with_numbers(sql: &str, params: &[Value]) -> Option<String> {
    let mut text = sql.to_owned();
    for (place, value) in (1..).zip(params) {
        let Value::Int4(number) = value else {
            return None;
        };
        text = text.replace(&format!("${place}"), &number.to_string());
    }
    Some(text)
}

/// What a text answered.
fn said(connection: &mut Connection, text: &str) -> String {
    let outcome = connection.script(text).last();
    outcome.map_or_else(|| "nothing".to_owned(), answer)
}

/// One of the two databases.
struct Side {
    connections: Vec<Connection>,
    /// By connection, as far as they could be prepared.
    prepared: Vec<Vec<Option<Statement>>>,
    admin: Connection,
}

impl Side {
    fn new(schema: &str, setting: &str) -> Self {
        let database = Database::open_in_memory().unwrap();
        let mut admin = database.connect().unwrap();
        admin.execute_batch(schema).unwrap();
        admin.execute("CREATE BRANCH dev FROM main", ()).unwrap();
        admin.execute("SET lock_timeout = '1ms'", ()).unwrap();
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = database.connect().unwrap();
            connection.execute("SET lock_timeout = '1ms'", ()).unwrap();
            connection.execute(setting, ()).unwrap();
            connections.push(connection);
        }
        let prepared = connections
            .iter_mut()
            .map(|c| STATEMENTS.iter().map(|sql| c.prepare(sql).ok()).collect())
            .collect();
        Self {
            connections,
            prepared,
            admin,
        }
    }
}

fn operations() -> u64 {
    let set = std::env::var("HELIOS_SHORT_OPS").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(6_000)
}

#[test]
fn short_and_long_ways_agree() {
    let mut rng = match std::env::var_os("HELIOS_SEED") {
        Some(_) => Rng::new(),
        None => Rng::with_seed(20_261_121),
    };
    eprintln!("seed {}", rng.seed());
    let (mut done, mut changed) = (0, 0);
    while done < operations() {
        let schema = schema(&mut rng);
        let mut sides = [
            Side::new(&schema, "SET statement_timeout = 0"),
            Side::new(&schema, "SET statement_timeout = '1h'"),
        ];
        let mut story = vec![schema];
        for _ in 0..400 {
            done += 1;
            let who = rng.usize(0..CONNECTIONS);
            let answers = match rng.u8(0..32) {
                0 => {
                    let sql = *rng.pick(CHANGES);
                    story.push(format!("admin: {sql}"));
                    sides.each_mut().map(|side| answer(side.admin.run(sql, ())))
                }
                1..=7 => {
                    let sql = *rng.pick(COMMANDS);
                    story.push(format!("{who}: {sql}"));
                    sides
                        .each_mut()
                        .map(|side| answer(side.connections[who].run(sql, ())))
                }
                _ => {
                    let at = rng.usize(0..STATEMENTS.len());
                    let params: Vec<Value> = (0..2)
                        .map(|_| parameter(&mut rng))
                        .take(if STATEMENTS[at].contains("$2") {
                            2
                        } else {
                            usize::from(STATEMENTS[at].contains("$1"))
                        })
                        .collect();
                    // As text that differs from other texts in numbers only.
                    if let Some(text) = with_numbers(STATEMENTS[at], &params)
                        && rng.one_in(3)
                    {
                        story.push(format!("{who}: {text}"));
                        let answers = sides
                            .each_mut()
                            .map(|side| said(&mut side.connections[who], &text));
                        let [short, long] = &answers;
                        assert_eq!(short, long, "\n{}", story.join("\n"));
                        changed += u64::from(short == "UPDATE 1" || short == "DELETE 1");
                        continue;
                    }
                    story.push(format!("{who}: {} {params:?}", STATEMENTS[at]));
                    sides.each_mut().map(|side| {
                        let connection = &mut side.connections[who];
                        match &side.prepared[who][at] {
                            Some(statement) => answer(connection.run(statement, params.clone())),
                            None => answer(connection.run(STATEMENTS[at], params.clone())),
                        }
                    })
                }
            };
            let [short, long] = &answers;
            assert_eq!(short, long, "\n{}", story.join("\n"));
            changed += u64::from(short == "UPDATE 1" || short == "DELETE 1");
            if rng.one_in(20) {
                for sql in [
                    "SELECT * FROM t ORDER BY id",
                    "SELECT * FROM u ORDER BY y, x",
                ] {
                    let [short, long] = sides
                        .each_mut()
                        .map(|side| answer(side.connections[who].run(sql, ())));
                    assert_eq!(short, long, "{sql}\n{}", story.join("\n"));
                }
                // Every index says the same as the table.
                let sql = "SELECT id FROM t WHERE n > 2 AND a > 2 ORDER BY n DESC, a, id";
                let [short, long] = sides
                    .each_mut()
                    .map(|side| answer(side.connections[who].run(sql, ())));
                assert_eq!(short, long, "{sql}\n{}", story.join("\n"));
            }
        }
    }
    assert!(
        changed > operations() / 20,
        "only {changed} rows were changed"
    );
}

// At READ COMMITTED a row that changed while a statement waited for it is looked at again: no
// change may be lost, and none may be made of what a row was before.
#[test]
fn concurrent_changes_by_key_all_count() {
    let database = Database::open_in_memory().unwrap();
    let mut admin = database.connect().unwrap();
    admin
        .execute_batch(
            "CREATE TABLE t (id int PRIMARY KEY, n bigint NOT NULL, note text);
             INSERT INTO t SELECT g, 0, 'x' FROM generate_series(1, 3) AS g",
        )
        .unwrap();
    let added = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for worker in 0..4_u64 {
            let (database, added) = (&database, &added);
            scope.spawn(move || {
                let mut rng = Rng::with_seed(worker);
                let mut connection = database.connect().unwrap();
                let update = connection
                    .prepare("UPDATE t SET n = n + $2 WHERE id = $1")
                    .unwrap();
                let delete = connection.prepare("DELETE FROM t WHERE id = $1").unwrap();
                let insert = connection
                    .prepare("INSERT INTO t VALUES ($1, 0, 'y') ON CONFLICT DO NOTHING")
                    .unwrap();
                for _ in 0..400 {
                    let amount = i64::from(rng.u8(1..5));
                    if rng.one_in(3) {
                        connection.execute("BEGIN", ()).unwrap();
                        let id = rng.i32(1..4);
                        let count = connection.execute(&update, (id, amount)).unwrap();
                        assert!(count <= 1);
                        if rng.one_in(2) {
                            connection.execute("COMMIT", ()).unwrap();
                            added.fetch_add(amount * count as i64, Ordering::Relaxed);
                        } else {
                            connection.execute("ROLLBACK", ()).unwrap();
                        }
                    } else if rng.one_in(8) {
                        // Row 4 comes and goes, and counts for nothing.
                        connection.execute(&insert, (4,)).unwrap();
                        connection.execute(&update, (4, amount)).unwrap();
                        connection.execute(&delete, (4,)).unwrap();
                    } else {
                        let count = connection
                            .execute(&update, (rng.i32(1..4), amount))
                            .unwrap();
                        assert_eq!(count, 1);
                        added.fetch_add(amount, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let sum: i64 = admin
        .query_row("SELECT sum(n)::bigint FROM t WHERE id < 4", ())
        .unwrap()
        .get(0)
        .unwrap();
    assert_eq!(sum, added.into_inner());
}

// Guards against texts that are taken for one another, though they differ in more than numbers or the numbers are no plain ones.
#[test]
fn texts_with_other_numbers_are_run_alike() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    c.execute_batch(
        "SET pg_stat_statements.track = top;
         CREATE TABLE t (id int PRIMARY KEY, n int, small smallint, big bigint);
         INSERT INTO t SELECT g, g * 10, g, g FROM generate_series(1, 9) g;
         CREATE TABLE b (id bigint PRIMARY KEY, n int); INSERT INTO b SELECT g, g FROM generate_series(1, 9) g;
         CREATE TABLE w (id text PRIMARY KEY); INSERT INTO w VALUES ('1')",
    )
    .unwrap();
    for round in 1..=4 {
        for (sql, wanted) in [
            (
                format!("SELECT n FROM t WHERE id = {round}"),
                format!("[[Int4({})]] SELECT 1", round * 10),
            ),
            (
                format!("SELECT n + {round} FROM t WHERE id = {round} LIMIT 0"),
                "[] SELECT 0".to_owned(),
            ),
            (
                format!("SELECT {round} AS id, n FROM t WHERE id = {round} ORDER BY 2 DESC"),
                format!("[[Int4({round}), Int4({})]] SELECT 1", round * 10),
            ),
            (
                format!("SELECT n FROM b WHERE id = {round}"),
                format!("[[Int4({round})]] SELECT 1"),
            ),
            (
                format!("SELECT small FROM t WHERE id = {round} AND small = {round}"),
                format!("[[Int2({round})]] SELECT 1"),
            ),
            (
                format!("UPDATE t SET big = big - -{round} WHERE id = {round}"),
                "UPDATE 1".to_owned(),
            ),
            (
                format!("UPDATE t SET big = big + 2147483648 - 2147483648 WHERE id = {round}"),
                "UPDATE 1".to_owned(),
            ),
            (
                format!(
                    "INSERT INTO t VALUES ({}, {round}, 1, 2147483648)",
                    round + 20
                ),
                "INSERT 0 1".to_owned(),
            ),
            (
                format!("DELETE FROM t WHERE id = {}", round + 20),
                "DELETE 1".to_owned(),
            ),
            (
                format!(
                    "INSERT INTO b VALUES ({}, {round}), ({}, 7)",
                    round + 20,
                    round + 30
                ),
                "INSERT 0 2".to_owned(),
            ),
            (
                format!(
                    "INSERT INTO b SELECT id + {}, n FROM b WHERE id = {round}",
                    40
                ),
                "INSERT 0 1".to_owned(),
            ),
        ] {
            assert_eq!(said(&mut c, &sql), wanted, "{sql}");
        }
        let error = said(&mut c, &format!("SELECT id FROM w WHERE id = {round}"));
        assert!(error.starts_with("42883"), "{error}");
        let error = said(&mut c, &format!("INSERT INTO b VALUES ({round}, 1)"));
        assert!(error.starts_with("23505"), "{error}");
        // What fails whatever row it is for fails though there is none.
        let error = said(&mut c, &format!("SELECT {round} / 0 FROM t WHERE id = 99"));
        assert!(error.starts_with("22012"), "{error}");
        let sql = format!("UPDATE t SET n = {round} WHERE id = 99 AND (n = 1 OR {round} / 0 = 1)");
        assert!(said(&mut c, &sql).starts_with("22012"));
        let wanted = format!("[[Int4({round})]] INSERT 0 1");
        let sql = format!("INSERT INTO b VALUES ({}, {round}) RETURNING n", round + 50);
        assert_eq!(said(&mut c, &sql), wanted);
        let error = said(
            &mut c,
            &format!("SELECT n / {} FROM t WHERE id = {round}", round - round),
        );
        assert!(error.starts_with("22012"), "{error}");
    }
    assert_eq!(
        said(&mut c, "SELECT sum(big)::int FROM t"),
        "[[Int4(55)]] SELECT 1"
    );
    // Others see the text itself, and it is counted with its kind.
    said(&mut c, "SELECT n FROM t WHERE id = 7");
    let query = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    assert!(said(&mut c, query).contains("pg_stat_activity"));
    let mut other = database.connect().unwrap();
    let seen = said(
        &mut other,
        "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
    );
    assert!(seen.contains("pg_stat_activity WHERE pid = "), "{seen}");
    said(&mut c, "SELECT n FROM t WHERE id = 8");
    let seen = said(
        &mut other,
        "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
    );
    assert!(seen.contains("SELECT n FROM t WHERE id = 8"), "{seen}");
    let calls =
        "SELECT calls FROM pg_stat_statements WHERE query = 'SELECT n FROM t WHERE id = $1'";
    assert_eq!(said(&mut other, calls), "[[Int8(6)]] SELECT 1");
    // What a name means is looked up again.
    c.execute_batch(
        "CREATE TEMP TABLE t (id int PRIMARY KEY, n text); INSERT INTO t VALUES (7, 'mine')",
    )
    .unwrap();
    assert_eq!(
        said(&mut c, "SELECT n FROM t WHERE id = 7"),
        "[[Text(\"mine\")]] SELECT 1"
    );
    c.execute_batch("DROP TABLE t; ALTER TABLE t ALTER n TYPE bigint")
        .unwrap();
    assert_eq!(
        said(&mut c, "SELECT n FROM t WHERE id = 7"),
        "[[Int8(70)]] SELECT 1"
    );
    c.execute_batch("CREATE ROLE nobody_much; SET ROLE nobody_much")
        .unwrap();
    assert!(said(&mut c, "SELECT n FROM t WHERE id = 7").starts_with("42501"));
}
