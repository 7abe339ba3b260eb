//! Guards against wrong answers after the process dies while it makes, brings forward and saves indexes of
//! nearness: what is opened again finds by the index what looking at every row finds.
//!
//! HELIOS_CRASHES sets the number of deaths.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database, Result};

use crate::sql::lines;

const DIRECTORY: &str = "HELIOS_VECTOR_CRASH_DIRECTORY";
const SEED: &str = "HELIOS_VECTOR_CRASH_SEED";
const ROWS: i64 = 1500;

const INDEXES: [(&str, &str); 3] = [
    ("hnsw (v vector_l2_ops)", "<->"),
    ("ivf (w vector_cosine_ops) WITH (lists = 12)", "<=>"),
    (
        "hnsw (v vector_ip_ops) WITH (quantization = 'rabitq')",
        "<#>",
    ),
];

fn vector(rng: &mut Rng) -> String {
    let numbers: Vec<String> = (0..8).map(|_| format!("{:.2}", rng.f32() * 9.0)).collect();
    format!("'[{}]'", numbers.join(","))
}

fn step(c: &mut Connection, rng: &mut Rng) -> Result<()> {
    let (id, more) = (rng.i64(0..ROWS * 2), rng.i64(1..200));
    let (at, next) = (rng.usize(0..INDEXES.len()), vector(rng));
    let using = INDEXES[at].0;
    let sql = match rng.u8(0..10) {
        0 => format!("DROP INDEX near{at}; CREATE INDEX near{at} ON item USING {using}"),
        1 | 2 => "VACUUM".to_owned(),
        3 => "CHECKPOINT".to_owned(),
        4 | 5 => format!("DELETE FROM item WHERE id BETWEEN {id} AND {id} + {more}"),
        6 => format!("UPDATE item SET v = {next}, w = v WHERE id = {id}"),
        _ => format!(
            "INSERT INTO item SELECT g, {next} + v, w FROM generate_series({id}, {id} + {more}) g, item i
             WHERE i.id = (SELECT min(id) FROM item) ON CONFLICT (id) DO UPDATE SET v = excluded.v"
        ),
    };
    c.execute_batch(&sql)
}

#[test]
fn child() {
    let (Ok(path), Ok(seed)) = (std::env::var(DIRECTORY), std::env::var(SEED)) else {
        return;
    };
    let mut c = Database::open(Path::new(&path)).unwrap().connect().unwrap();
    let mut rng = Rng::with_seed(seed.parse().unwrap());
    std::io::stdout().write_all(b"\nopen\n").unwrap();
    loop {
        step(&mut c, &mut rng).unwrap();
    }
}

/// Runs the child, and ends it some time after it has opened the database.
fn die(path: &Path, seed: u64, alive: Duration) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "vector_crash::child",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, path)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = child.stderr.take().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let opened = output
        .lines()
        .map_while(Result::ok)
        .any(|line| line == "open");
    std::thread::sleep(alive);
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut text = String::new();
    let _ = std::io::Read::read_to_string(&mut errors, &mut text);
    assert!(opened && ended.is_none(), "{text}");
}

fn verify(path: &Path, rng: &mut Rng) {
    let database = Database::open(path).unwrap();
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let mut c = database.connect().unwrap();
    for round in 0..2 {
        c.execute_batch("SET hnsw.ef_search = 1000; SET ivfflat.probes = 1000")
            .unwrap();
        for (using, operator) in INDEXES {
            let column = if using.contains("(w") { "w" } else { "v" };
            for _ in 0..4 {
                let query = vector(rng);
                let sql = format!(
                    "SELECT round(({column} {operator} {query})::numeric, 3)::text FROM item
                     ORDER BY {column} {operator} {query} LIMIT 7"
                );
                c.execute_batch("SET executor = row").unwrap();
                let found = lines(&mut c, &sql);
                c.execute_batch("SET executor = vector").unwrap();
                assert_eq!(found, lines(&mut c, &sql), "{round} {using}");
            }
        }
        if round == 0 {
            // Every index is read from its file and brought forward, or made anew.
            c.execute_batch("SET executor = auto; VACUUM").unwrap();
            let ready = "SELECT bool_and(ready)::text FROM pg_vector_index_stats()";
            let missing = lines(&mut c, ready);
            assert!(missing == ["true"], "{missing:?}");
        }
    }
    for (at, (using, _)) in INDEXES.iter().enumerate() {
        // A death between DROP and CREATE.
        c.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS near{at} ON item USING {using}"
        ))
        .unwrap();
    }
}

#[test]
fn indexes_survive_deaths() {
    let deaths = std::env::var("HELIOS_CRASHES");
    let deaths = deaths.ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let mut rng = Rng::new();
    {
        let mut c = Database::open(&path).unwrap().connect().unwrap();
        let mut rows = String::new();
        for id in 0..ROWS {
            let comma = if id == 0 { "" } else { ", " };
            rows.push_str(&format!(
                "{comma}({id}, {}, {})",
                vector(&mut rng),
                vector(&mut rng)
            ));
        }
        c.execute_batch(&format!(
            "CREATE TABLE item (id int PRIMARY KEY, v vector(8), w vector(8));
             INSERT INTO item VALUES {rows}"
        ))
        .unwrap();
        for (at, (using, _)) in INDEXES.iter().enumerate() {
            c.execute_batch(&format!("CREATE INDEX near{at} ON item USING {using}"))
                .unwrap();
        }
    }
    for death in 0..deaths {
        die(&path, death, Duration::from_millis(rng.u64(20..900)));
        verify(&path, &mut rng);
    }
}
