//! Random histories of loads.

use std::fmt::Write;

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database, Value};

use super::{files, outcome, run, sound, told};

/// Rows of a random load, as a file.
fn rows(random: &mut Rng) -> String {
    let mut csv = String::new();
    let count = random.i64(1200..3500);
    let from = random.i64(0..12) * 1000;
    let step = random.i64(1..3);
    let order = random.u8(0..6);
    let bad = random.u8(0..8);
    let at = random.i64(0..count);
    for n in 0..count {
        let mut key = from + n * step;
        match order {
            0 => key = from + (count - n) * step,
            1 if random.one_in(200) => key = from - random.i64(1..500),
            2 => key = from + (n ^ 1) * step,
            _ => {}
        }
        let (mut parent, mut unique) = ((n % 50 + 1).to_string(), format!("{}", key * 2 + 1));
        if n == at {
            match bad {
                0 => key = from + random.i64(0..count) * step,
                1 => parent = "77".to_owned(),
                2 => unique = format!("{}", (from + random.i64(0..count) * step) * 2 + 1),
                3 => parent = String::new(),
                _ => {}
            }
        }
        writeln!(
            csv,
            "{},{},v{},{parent},{unique}",
            key / 8,
            key % 8,
            key % 20
        )
        .unwrap();
    }
    csv
}

/// Stands for the statement that the library's appender is.
const APPEND: &str = "append";

/// Appends rows; what came of it, as [`outcome`] tells.
fn append(connection: &mut Connection, csv: &str) -> Option<String> {
    let row = |line: &str| -> Vec<Value> {
        let value = |(at, cell): (usize, &str)| match cell {
            "" => Value::Null,
            cell if at == 2 => Value::text(cell),
            cell => Value::Int4(cell.parse().unwrap()),
        };
        line.split(',').enumerate().map(value).collect()
    };
    let appended = connection.appender("t", &[]).and_then(|mut appender| {
        csv.lines()
            .try_for_each(|line| appender.append(row(line)))?;
        appender.finish()
    });
    appended.err().map(|error| told(&error))
}

/// One of two databases that are to be alike.
struct Side {
    scratch: Scratch,
    database: Database,
    sessions: [Connection; 2],
}

impl Side {
    fn new(setting: &str, script: &str) -> Self {
        let scratch = Scratch::new();
        let database = Database::open(scratch.join("db")).unwrap();
        let mut sessions = [(); 2].map(|()| database.connect().unwrap());
        run(&mut sessions[0], setting);
        run(&mut sessions[0], script);
        Self {
            scratch,
            database,
            sessions,
        }
    }

    fn contents(&mut self, session: usize) -> Vec<String> {
        let c = &mut self.sessions[session];
        let sql = "SELECT concat_ws('|', a, b, v, p, u) FROM t ORDER BY a, b";
        let rows = c.query(sql, ()).unwrap();
        let mut rows: Vec<String> = rows.map(|row| row.unwrap().get(0).unwrap()).collect();
        for sql in [
            "SELECT count(*)::text FROM t WHERE v = 'v7'",
            "SELECT concat_ws(' ', a, b) FROM t WHERE u = 2401",
        ] {
            let found = c.query(sql, ()).unwrap();
            rows.extend(found.map(|row| row.unwrap().get::<String>(0).unwrap()));
        }
        rows
    }
}

#[test]
fn loads_do_the_same_either_way() {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let mut random = match read("HELIOS_SEED") {
        Some(seed) => Rng::with_seed(seed),
        None => Rng::new(),
    };
    let rounds: u64 = read("HELIOS_LOADS").unwrap_or(3);
    println!("loads: HELIOS_SEED={} HELIOS_LOADS={rounds}", random.seed());
    let (mut done, mut direct) = (0, 0);
    for _ in 0..rounds {
        let (a, b) = alike(&mut random);
        done += a;
        direct += b;
    }
    println!("loads: {done} loads, {direct} of them into segments at once, no difference");
}

/// A random history. How many loads there were, and how many left segments behind before their commit.
fn alike(random: &mut Rng) -> (u64, u64) {
    let unique = ["u int", "u int UNIQUE"][random.usize(0..2)];
    let parent = [
        "p int",
        "p int REFERENCES parent",
        "p int REFERENCES parent DEFERRABLE INITIALLY DEFERRED",
    ][random.usize(0..3)];
    let mut script = format!(
        "CREATE TABLE parent (p int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 50);
         CREATE TABLE t (a int, b int, v text, {parent}, {unique}, PRIMARY KEY (a, b), CHECK (a > -1000));
         CREATE TABLE src (a int, b int, v text, p int, u int)"
    );
    if random.bool() {
        script += "; CREATE INDEX ON t (v)";
    }
    if random.bool() {
        script += "; CREATE TABLE child (a int, b int, FOREIGN KEY (a, b) REFERENCES t DEFERRABLE INITIALLY DEFERRED)";
    }
    let mut sides = [
        Side::new("SET bulk_load_threshold = 1000", &script),
        Side::new("SET hybrid_storage = manual", &script),
    ];
    let executor = ["auto", "row", "vector"][random.usize(0..3)];
    for side in &mut sides {
        run(
            &mut side.sessions[0],
            &format!("SET executor = '{executor}'"),
        );
    }
    let (mut loads, mut direct, mut saved, mut branches) = (0, 0, 0, 0);
    let mut is_open = false;
    for _ in 0..25 {
        let csv = rows(random);
        let choice = random.u8(0..20);
        let from = random.i64(0..12) * 1000 / 8;
        let sql: Vec<String> = match choice {
            0..8 => {
                let source = sides.each_ref().map(|side| side.scratch.join("rows.csv"));
                for path in &source {
                    std::fs::write(path, &csv).unwrap();
                }
                loads += 1;
                let copy = |to: &str| format!("COPY {to} FROM '{{}}' (FORMAT csv)");
                match random.u8(0..4) {
                    0 => vec![copy("t")],
                    3 => vec![APPEND.into()],
                    1 => vec![
                        "DELETE FROM src".into(),
                        copy("src"),
                        "INSERT INTO t TABLE src".into(),
                    ],
                    _ => vec![
                        "DELETE FROM src".into(),
                        copy("src"),
                        // Which of two rows is in the way is told by their order.
                        format!(
                            "INSERT INTO t SELECT * FROM src ORDER BY a {0}, b {0}, v, p, u ON CONFLICT DO NOTHING",
                            ["ASC", "DESC"][random.usize(0..2)]
                        ),
                    ],
                }
            }
            8..11 if !is_open => {
                is_open = true;
                saved = 0;
                let level =
                    ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"][random.usize(0..3)];
                vec![format!("BEGIN ISOLATION LEVEL {level}")]
            }
            8..11 => {
                is_open = false;
                vec![["COMMIT", "COMMIT", "ROLLBACK"][random.usize(0..3)].into()]
            }
            11 if is_open => {
                saved += 1;
                vec![format!("SAVEPOINT s{saved}")]
            }
            12 if saved > 0 => vec![format!("ROLLBACK TO s{}", random.u64(1..=saved))],
            13 => vec![format!(
                "DELETE FROM t WHERE a BETWEEN {from} AND {}",
                from + random.i64(0..60)
            )],
            14 => vec![format!("UPDATE t SET v = 'v7' WHERE a = {from}")],
            15 if !is_open => vec!["SELECT * FROM helios_freeze('t')".into()],
            16 if !is_open => vec!["VACUUM".into()],
            17 if !is_open => {
                branches += 1;
                vec![
                    format!("CREATE BRANCH b{branches}"),
                    format!("USE BRANCH b{branches}"),
                ]
            }
            18 if !is_open => vec!["USE BRANCH main".into()],
            19 => vec![format!(
                "INSERT INTO t VALUES ({from}, 3, 'one', 1, {})",
                random.i64(0..9000)
            )],
            _ => continue,
        };
        for sql in sql {
            let before = files(&sides[0].scratch);
            let [a, b] = sides.each_mut().map(|side| {
                let path = side.scratch.join("rows.csv").display().to_string();
                let sql = sql.replace("{}", &path);
                let session = &mut side.sessions[0];
                if sql == APPEND {
                    return append(session, &csv);
                }
                outcome(session, &sql).map(|outcome| outcome.replace(&path, ""))
            });
            assert_eq!(a, b, "{sql}");
            direct += u64::from(is_open && files(&sides[0].scratch) > before);
            if a.is_some() && is_open {
                // The transaction is of no use any more, but for a savepoint.
                let end = match saved > 0 && sql != "COMMIT" {
                    true => "ROLLBACK TO s1",
                    false => "ROLLBACK",
                };
                is_open = end != "ROLLBACK";
                saved = u64::from(is_open);
                for side in &mut sides {
                    let _ = side.sessions[0].execute_batch(end);
                }
                break;
            }
        }
        if random.one_in(3) || !is_open {
            let [a, b] = sides.each_mut().map(|side| side.contents(0));
            assert!(a == b, "{} rows and {}", a.len(), b.len());
        }
        let [a, b] = sides.each_mut().map(|side| side.contents(1));
        assert!(a == b, "another session: {} rows and {}", a.len(), b.len());
    }
    for side in sides {
        let Side {
            scratch,
            database,
            mut sessions,
        } = side;
        let _ = sessions[0].execute_batch("ROLLBACK");
        sound(&database);
        drop((sessions, database));
        sound(&Database::open(scratch.join("db")).unwrap());
    }
    (loads, direct)
}
