//! The nearest rows where nothing reads their vectors: the index tells their order, and which of them are there.

use std::fmt::Write;

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database};

use crate::sql::{lines, run};

const ROWS: usize = 600;

/// A vector near one of a few, some of them no further from each other than single precision tells.
fn vector(rng: &mut Rng) -> String {
    let centre = rng.u8(0..12);
    let step = *rng.pick(&[0.0_f32, 1e-7, 1e-6, 0.01, 0.3]);
    let numbers = (0..6).map(|at| {
        let base = f32::from((centre * 7 + at * 3) % 11) + 1.0;
        (base * (1.0 + step * (rng.f32() - 0.5))).to_string()
    });
    format!("'[{}]'", numbers.collect::<Vec<_>>().join(","))
}

fn fill(c: &mut Connection, rng: &mut Rng, key: impl Fn(usize) -> String) {
    let mut rows = String::new();
    for id in 0..ROWS {
        let comma = if id == 0 { "" } else { ", " };
        let v = match id % 50 {
            49 => "NULL".to_owned(),
            _ => vector(rng),
        };
        let _ = write!(rows, "{comma}({}, {v}, {})", key(id), id % 7);
    }
    run(c, &format!("INSERT INTO item VALUES {rows}"));
}

/// Asks for columns in the order of nearness, by the index and by reading all rows.
fn agree(c: &mut Connection, columns: &str, from: &str, order: &str, rest: &str) -> Vec<String> {
    // Equally near rows may come in any order, so that what is compared ends with how far they are.
    let sql = format!("SELECT ({columns})::text FROM {from} ORDER BY {order} {rest}");
    let found = lines(c, &sql);
    let all = format!(
        "SELECT ({columns})::text || ' at ' || coalesce(({order})::text, '') FROM {from} ORDER BY {order}"
    );
    let all = lines(c, &all);
    let mut last = f64::NEG_INFINITY;
    for row in &found {
        let known = all.iter().find_map(|known| {
            let (columns, distance) = known.rsplit_once(" at ")?;
            (columns == row).then(|| distance.parse().unwrap_or(f64::INFINITY))
        });
        let distance = known.unwrap_or_else(|| panic!("{row} is not there: {sql}"));
        assert!(distance >= last, "{row} comes late: {sql}");
        last = distance;
    }
    found
}

fn explain(c: &mut Connection, sql: &str) -> String {
    lines(c, &format!("EXPLAIN ANALYZE {sql}")).join("\n")
}

fn operators() -> [(&'static str, &'static str); 4] {
    [
        ("vector_l2_ops", "<->"),
        ("vector_cosine_ops", "<=>"),
        ("vector_l1_ops", "<+>"),
        ("vector_ip_ops", "<#>"),
    ]
}

#[test]
fn in_the_order_of_the_rows() {
    for (seed, (class, operator)) in operators().into_iter().enumerate() {
        let database = Database::open_in_memory().unwrap();
        let mut c = database.connect().unwrap();
        let mut rng = Rng::with_seed(seed as u64);
        run(
            &mut c,
            "CREATE TABLE item (id bigint PRIMARY KEY, v vector(6), tag int)",
        );
        fill(&mut c, &mut rng, |id| id.to_string());
        run(
            &mut c,
            &format!("CREATE INDEX near ON item USING hnsw (v {class})"),
        );
        run(&mut c, "SET hnsw.ef_search = 1000; SET executor = row");
        for _ in 0..20 {
            let order = format!("v {operator} {}", vector(&mut rng));
            for rest in ["LIMIT 10", "LIMIT 40 OFFSET 7", "LIMIT 1"] {
                for columns in ["id", "id * 2 + 1", "id || ':' || tag"] {
                    agree(&mut c, columns, "item", &order, rest);
                }
            }
        }
    }
}

#[test]
fn explain_says_what_is_not_read() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut rng = Rng::with_seed(5);
    run(
        &mut c,
        "CREATE TABLE item (id bigint PRIMARY KEY, v vector(6), tag int)",
    );
    fill(&mut c, &mut rng, |id| id.to_string());
    run(
        &mut c,
        "CREATE INDEX near ON item USING hnsw (v vector_l2_ops)",
    );
    run(&mut c, "SET executor = row");
    let near = "FROM item ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 5";
    for columns in ["id", "tag", "id, id"] {
        let plan = explain(&mut c, &format!("SELECT {columns} {near}"));
        assert!(!plan.contains("Sort"), "{plan}");
        assert!(plan.contains("Known by the Index: 5"), "{plan}");
    }
    // Who reads the vectors, changes rows or has a condition asks the rows.
    for sql in [
        format!("SELECT id, v <-> '[1,2,3,4,5,6]' AS far {near}"),
        format!("SELECT * {near}"),
        format!("SELECT id {near} FOR UPDATE"),
        "SELECT id FROM item WHERE tag < 6 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 5".to_owned(),
        "SELECT id FROM item ORDER BY v <-> '[1,2,3,4,5,6]', id LIMIT 5".to_owned(),
    ] {
        let plan = explain(&mut c, &sql);
        assert!(!plan.contains("Known by the Index"), "{plan}");
    }
    // Codes tell distances roughly: rows are in order all the same, by their vectors.
    run(
        &mut c,
        "DROP INDEX near; CREATE INDEX near ON item USING hnsw (v vector_l2_ops) WITH (quantization = 'scalar')",
    );
    let plan = explain(&mut c, &format!("SELECT id {near}"));
    assert!(!plan.contains("Known by the Index"), "{plan}");
    run(&mut c, "SET hnsw.ef_search = 1000");
    let found = agree(&mut c, "id", "item", "v <-> '[1,2,3,4,5,6]'", "LIMIT 20");
    assert_eq!(found.len(), 20);
}

#[test]
fn rows_that_changed_since_are_as_they_are() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut other = database.connect().unwrap();
    let mut rng = Rng::with_seed(7);
    run(
        &mut c,
        "CREATE TABLE item (id bigint PRIMARY KEY, v vector(6), tag int)",
    );
    fill(&mut c, &mut rng, |id| id.to_string());
    run(
        &mut c,
        "CREATE INDEX near ON item USING hnsw (v vector_l2_ops)",
    );
    run(&mut c, "CREATE BRANCH dev");
    run(&mut c, "SET hnsw.ef_search = 1000; SET executor = row");
    let nearest = |c: &mut Connection, from: &str| -> Vec<String> {
        let all = agree(c, "id", from, "v <-> '[1,2,3,4,5,6]'", "LIMIT 30");
        assert_eq!(all.len(), 30, "{from}");
        agree(
            c,
            "id || ':' || tag",
            from,
            "v <-> '[1,2,3,4,5,6]'",
            "LIMIT 30",
        );
        all
    };
    let before = nearest(&mut c, "item");
    let first = before[0].clone();
    let then = lines(&mut c, "SELECT max(scn)::text FROM helios_log()").concat();
    let past = format!("item AS OF SCN {then}");
    // Deleted, moved away, given another tag, moved near: before the index knows, and after.
    run(
        &mut other,
        &format!(
            "DELETE FROM item WHERE id = {first};
             UPDATE item SET v = '[90,90,90,90,90,90]' WHERE id = {};
             UPDATE item SET tag = 100 WHERE id = {};
             UPDATE item SET v = '[1,2,3,4,5,6]' WHERE id = 77",
            before[1], before[2]
        ),
    );
    for known in [false, true] {
        if known {
            run(&mut other, "VACUUM");
        }
        let now = nearest(&mut c, "item");
        assert_eq!(now[0], "77", "{known}");
        assert!(
            !now.contains(&first) && !now.contains(&before[1]),
            "{known}"
        );
        assert!(now.contains(&before[2]), "{known}");
        assert_eq!(nearest(&mut c, &past).len(), before.len(), "{known}");
        assert!(nearest(&mut c, &past).contains(&first), "{known}");
        run(&mut c, "USE BRANCH dev");
        assert!(nearest(&mut c, "item").contains(&first), "{known}");
        run(&mut c, "USE BRANCH main");
    }
    // A vector that comes back, and a row that does.
    run(
        &mut other,
        &format!(
            "UPDATE item SET v = '[50,50,50,50,50,50]' WHERE id = 77;
             UPDATE item SET v = '[1,2,3,4,5,6]' WHERE id = 77;
             INSERT INTO item VALUES ({first}, '[1,2,3,4,5,6]', 3)"
        ),
    );
    for _ in 0..2 {
        let now = nearest(&mut c, "item");
        assert!(now[..2].contains(&first) && now[..2].contains(&"77".to_owned()));
        run(&mut other, "VACUUM");
    }
    // What the transaction itself wrote.
    run(&mut c, "BEGIN; DELETE FROM item WHERE id = 77");
    assert!(!nearest(&mut c, "item").contains(&"77".to_owned()));
    run(&mut c, "ROLLBACK");
    assert!(nearest(&mut c, "item").contains(&"77".to_owned()));
    // A snapshot that the index has gone past.
    run(&mut c, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    let held = nearest(&mut c, "item");
    run(&mut other, "DELETE FROM item WHERE id = 77");
    run(&mut other, "VACUUM");
    assert_eq!(nearest(&mut c, "item"), held);
    run(&mut c, "COMMIT");
    assert!(!nearest(&mut c, "item").contains(&"77".to_owned()));
}

/// The key of a row, by its number.
type Key = fn(usize) -> String;

#[test]
fn keys_of_all_kinds() {
    let keys: [(&str, &str, Key); 5] = [
        ("id text PRIMARY KEY, v vector(6), tag int", "id", |id| {
            format!("'k{id}'")
        }),
        ("id numeric PRIMARY KEY, v vector(6), tag int", "id", |id| {
            format!("{id}.50")
        }),
        ("id float8 PRIMARY KEY, v vector(6), tag int", "id", |id| {
            format!("{id} / 4.0 - 50")
        }),
        ("id int, v vector(6), tag int", "id", |id| id.to_string()),
        (
            "id char(6) PRIMARY KEY, v vector(6), tag int",
            "id || '.'",
            |id| format!("'{id}'"),
        ),
    ];
    for (definition, column, key) in keys {
        let database = Database::open_in_memory().unwrap();
        let mut c = database.connect().unwrap();
        let mut rng = Rng::with_seed(9);
        run(&mut c, &format!("CREATE TABLE item ({definition})"));
        fill(&mut c, &mut rng, key);
        run(
            &mut c,
            "CREATE INDEX near ON item USING hnsw (v vector_cosine_ops)",
        );
        run(&mut c, "SET hnsw.ef_search = 1000; SET executor = row");
        for _ in 0..5 {
            let order = format!("v <=> {}", vector(&mut rng));
            agree(&mut c, column, "item", &order, "LIMIT 15");
        }
        // Two columns in the key, asked for the other way round, and after a column was dropped.
        run(&mut c, "ALTER TABLE item ADD COLUMN more int DEFAULT 4");
        run(&mut c, "ALTER TABLE item DROP COLUMN tag");
        let order = format!("v <=> {}", vector(&mut rng));
        agree(&mut c, "more || ' ' || id", "item", &order, "LIMIT 15");
    }
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut rng = Rng::with_seed(10);
    run(
        &mut c,
        "CREATE TABLE item (a text, v vector(6), tag int, b bigint, PRIMARY KEY (b, a))",
    );
    let mut rows = String::new();
    for id in 0..ROWS {
        let comma = if id == 0 { "" } else { ", " };
        let _ = write!(
            rows,
            "{comma}('a{}', {}, 1, {})",
            id % 5,
            vector(&mut rng),
            id / 5
        );
    }
    run(&mut c, &format!("INSERT INTO item VALUES {rows}"));
    run(
        &mut c,
        "CREATE INDEX near ON item USING hnsw (v vector_l2_ops)",
    );
    run(&mut c, "SET hnsw.ef_search = 1000; SET executor = row");
    for _ in 0..5 {
        let order = format!("v <-> {}", vector(&mut rng));
        for columns in ["a || b", "b || a || tag", "b", "a"] {
            let from = "item";
            match columns {
                // Rows that look alike cannot be told.
                "a" | "b" => drop(lines(
                    &mut c,
                    &format!("SELECT {columns}::text FROM item ORDER BY {order} LIMIT 9"),
                )),
                _ => drop(agree(&mut c, columns, from, &order, "LIMIT 9")),
            }
        }
    }
}

#[test]
fn what_is_known_is_saved() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let mut rng = Rng::with_seed(12);
    let near = "v <-> '[1,2,3,4,5,6]'";
    {
        let database = Database::open(&path).unwrap();
        let mut c = database.connect().unwrap();
        run(
            &mut c,
            "CREATE TABLE item (id bigint PRIMARY KEY, v vector(6), tag int)",
        );
        fill(&mut c, &mut rng, |id| id.to_string());
        run(
            &mut c,
            "CREATE INDEX near ON item USING hnsw (v vector_l2_ops)",
        );
    }
    let mut gone: Option<String> = None;
    for step in 0..4 {
        let database = Database::open(&path).unwrap();
        let mut c = database.connect().unwrap();
        run(&mut c, "SET hnsw.ef_search = 1000; SET executor = row");
        // Until it has been read rows are asked.
        agree(&mut c, "id", "item", near, "LIMIT 20");
        run(&mut c, "VACUUM");
        let plan = explain(
            &mut c,
            &format!("SELECT id FROM item ORDER BY {near} LIMIT 5"),
        );
        assert!(plan.contains("Known by the Index: "), "{step}: {plan}");
        let found = agree(&mut c, "id", "item", near, "LIMIT 20");
        assert!(gone.is_none_or(|gone| !found.contains(&gone)), "{step}");
        // Some of the changes are in the index before it is saved, some are not.
        let (first, second) = (&found[0], &found[1]);
        run(
            &mut c,
            &format!(
                "DELETE FROM item WHERE id = {first};
                 UPDATE item SET v = '[70,70,70,70,70,70]' WHERE id = {second}"
            ),
        );
        gone = Some(found[step % 2].clone());
        if step % 2 == 0 {
            run(&mut c, "VACUUM");
        }
        agree(&mut c, "id", "item", near, "LIMIT 20");
    }
}
