//! Searches by an index of nearness while others write and maintain: at every step what is found is what a look at
//! every row finds in the same snapshot, at present, in the past and on branches.
//!
//! HELIOS_VECTOR_STREAM sets how many searches there are of each kind.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database};

use crate::sql::{lines, run};

const ROWS: i64 = 500;

/// The number of the newest commit.
fn newest(c: &mut Connection) -> u64 {
    let scn = lines(c, "SELECT max(scn)::text FROM helios_log()");
    scn.concat().parse().unwrap()
}

/// The text of a vector or of bits.
fn value(rng: &mut Rng, ty: &str) -> String {
    if ty.starts_with("bit") {
        let bits: String = (0..8)
            .map(|_| if rng.one_in(2) { '1' } else { '0' })
            .collect();
        return format!("B'{bits}'");
    }
    let numbers: Vec<String> = (0..8)
        .map(|_| format!("{:.2}", rng.f32() * 8.0 - 4.0))
        .collect();
    format!("'[{}]'::{ty}", numbers.join(","))
}

/// Inserts, updates and deletes until it is told to stop.
fn write(database: &Database, branch: &str, ty: &str, seed: u64, stop: &AtomicBool) -> usize {
    let mut c = database.connect().unwrap();
    let mut rng = Rng::with_seed(seed);
    run(&mut c, &format!("USE BRANCH {branch}"));
    let mut steps = 0;
    while !stop.load(Ordering::Relaxed) {
        let (id, v) = (rng.i64(0..ROWS * 2), value(&mut rng, ty));
        let sql = match rng.u8(0..6) {
            0 => format!("DELETE FROM item WHERE id BETWEEN {id} AND {id} + 2"),
            1 => format!("UPDATE item SET tag = tag + 1 WHERE id = {id}"),
            2 => format!("UPDATE item SET v = {v} WHERE id BETWEEN {id} AND {id} + 3"),
            3 => format!("BEGIN; DELETE FROM item WHERE id = {id}; ROLLBACK"),
            _ => format!(
                "INSERT INTO item VALUES ({id}, {v}, 1) ON CONFLICT (id) DO UPDATE SET v = excluded.v"
            ),
        };
        match c.execute_batch(&sql) {
            Ok(()) => steps += 1,
            // Two that write the same rows in another order.
            Err(error) => {
                assert_eq!(error.sqlstate().as_str(), "40P01", "{sql}: {error:?}");
                let _ = c.execute_batch("ROLLBACK");
            }
        }
    }
    steps
}

/// Where nobody reads the vectors the same rows come, as far away, in the same order.
fn unread(c: &mut Connection, past: &str, order: &str, limit: i32, distances: &[String]) {
    for columns in ["id::text", "concat_ws(':', id, tag)"] {
        let sql = format!("SELECT {columns} FROM item{past} ORDER BY {order} LIMIT {limit}");
        let rows = lines(c, &sql);
        assert_eq!(rows.len(), distances.len(), "{sql}");
        for (row, distance) in rows.iter().zip(distances) {
            let id = row.split(':').next().unwrap();
            let whole = format!(
                "SELECT {columns} || '|' || round(({order})::numeric, 3)::text FROM item{past} WHERE id = {id}"
            );
            assert_eq!(lines(c, &whole), [format!("{row}|{distance}")], "{sql}");
        }
        let mut once = rows.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), rows.len(), "{sql}");
    }
}

fn stream(ty: &str, using: &str, operator: &str, seed: u64) {
    let wanted = std::env::var("HELIOS_VECTOR_STREAM");
    let wanted = wanted.ok().and_then(|n| n.parse().ok()).unwrap_or(25);
    let scratch = Scratch::new();
    let database = Database::open(scratch.join("db")).unwrap();
    let mut c = database.connect().unwrap();
    let mut rng = Rng::with_seed(seed);
    let mut rows = String::new();
    for id in 0..ROWS {
        let comma = if id == 0 { "" } else { ", " };
        let _ = write!(rows, "{comma}({id}, {}, {})", value(&mut rng, ty), id % 9);
    }
    run(
        &mut c,
        &format!(
            "CREATE TABLE item (id int PRIMARY KEY, v {ty}(8), tag int);
             INSERT INTO item VALUES {rows};
             CREATE INDEX near ON item USING {using}"
        ),
    );
    run(&mut c, "CREATE BRANCH dev");
    run(
        &mut c,
        "SET hnsw.ef_search = 1000; SET ivfflat.probes = 1000",
    );
    let first = newest(&mut c);
    let stop = AtomicBool::new(false);
    let written = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (database, stop, written) = (&database, &stop, &written);
        for (at, branch) in ["main", "main", "dev"].into_iter().enumerate() {
            scope.spawn(move || {
                let steps = write(database, branch, ty, seed + at as u64, stop);
                written.fetch_add(steps, Ordering::Relaxed);
            });
        }
        scope.spawn(move || {
            let mut c = database.connect().unwrap();
            while !stop.load(Ordering::Relaxed) {
                run(&mut c, "VACUUM");
                std::thread::sleep(std::time::Duration::from_millis(15));
            }
        });
        // Others stop however this ends.
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for step in 0..wanted {
                let branch = *rng.pick(&["main", "dev"]);
                run(&mut c, &format!("USE BRANCH {branch}"));
                run(&mut c, "BEGIN ISOLATION LEVEL REPEATABLE READ");
                let past = match rng.u8(0..3) {
                    0 => {
                        let then = newest(&mut c).saturating_sub(rng.u64(0..30));
                        format!(" AS OF SCN {}", then.max(first))
                    }
                    _ => String::new(),
                };
                let query = value(&mut rng, ty);
                let limit = *rng.pick(&[1, 5, 20]);
                let condition = *rng.pick(&["", "", "WHERE tag < 5", "WHERE id % 10 = 3"]);
                let sql = format!(
                    "SELECT round((v {operator} {query})::numeric, 3)::text FROM item{past} {condition}
                     ORDER BY v {operator} {query} LIMIT {limit}"
                );
                run(&mut c, "SET executor = row");
                let found = lines(&mut c, &sql);
                run(&mut c, "SET executor = vector");
                assert_eq!(
                    found,
                    lines(&mut c, &sql),
                    "{step} {using} on {branch}: {sql}"
                );
                run(&mut c, "SET executor = row");
                if condition.is_empty() {
                    let order = format!("v {operator} {query}");
                    unread(&mut c, &past, &order, limit, &found);
                }
                run(&mut c, "SET executor = auto");
                run(&mut c, "COMMIT");
            }
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = ended {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(written.into_inner() > wanted, "nobody wrote meanwhile");
    // What the index was brought to is what one made anew finds.
    run(&mut c, "USE BRANCH main");
    run(&mut c, "VACUUM");
    let sql = format!(
        "SELECT round((v {operator} {0})::numeric, 3)::text FROM item ORDER BY v {operator} {0} LIMIT 30",
        value(&mut rng, ty)
    );
    run(&mut c, "SET executor = row");
    let found = lines(&mut c, &sql);
    run(&mut c, "REINDEX INDEX near");
    assert_eq!(found, lines(&mut c, &sql), "{using} made anew");
}

#[test]
fn graphs() {
    stream("vector", "hnsw (v vector_l2_ops)", "<->", 11);
}

#[test]
fn lists() {
    stream(
        "halfvec",
        "ivf (v halfvec_cosine_ops) WITH (lists = 9)",
        "<=>",
        22,
    );
}

#[test]
fn graphs_of_codes() {
    stream(
        "vector",
        "hnsw (v vector_ip_ops) WITH (quantization = 'rabitq', bits = 4)",
        "<#>",
        33,
    );
}

#[test]
fn graphs_of_bits() {
    stream("bit", "hnsw (v bit_jaccard_ops)", "<%>", 44);
}
