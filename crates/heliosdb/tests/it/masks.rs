//! Guards against scans that miss, repeat or mix up rows where segments and rows beside them overlap: the vector executor,
//! which reads segments apart from other rows, is compared with the row executor, which merges them by key.

use std::time::Duration;

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database, Options};

/// Key columns of the tables, their values by number, and the order of rows.
const KEYS: [(&str, &str, &str); 6] = [
    ("k integer PRIMARY KEY", "n", "k"),
    (
        "l bigint, k smallint, PRIMARY KEY (l, k)",
        "n / 7 - 100, n % 7",
        "l, k",
    ),
    ("k text PRIMARY KEY", "'key ' || n", "k"),
    ("k date PRIMARY KEY", "'1900-01-01'::date + n", "k"),
    ("k numeric(8,1) PRIMARY KEY", "n - 200.5", "k"),
    // A hidden number.
    ("k integer", "n", "k, v, g, s"),
];

/// Rows of a table at first.
const ROWS: u32 = 900;

const BRANCHES: [&str; 3] = ["main", "dev", "leaf"];

struct World {
    rng: Rng,
    connections: Vec<Connection>,
    /// What was seen before: branch, change number, table.
    past: Vec<(usize, i64, usize)>,
    next: u32,
    columns: usize,
    database: Database,
}

/// The same statements every time, unless `HELIOS_SEED` asks for others.
fn seeded() -> Rng {
    if std::env::var_os("HELIOS_SEED").is_some() {
        Rng::new()
    } else {
        Rng::with_seed(20_261_122)
    }
}

/// How often something is changed and looked at.
fn steps() -> u32 {
    let steps = std::env::var("HELIOS_MASK_STEPS").ok();
    steps.and_then(|text| text.parse().ok()).unwrap_or(40)
}

fn texts(connection: &mut Connection, sql: &str) -> Vec<String> {
    let rows = connection.query(sql, ());
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.map(|row| {
        let row = row.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let value = row.get::<Option<String>>(0).unwrap();
        value.unwrap_or_else(|| "∅".to_owned())
    })
    .collect()
}

/// Runs statements, each on its own.
fn run(connection: &mut Connection, script: &str) {
    for sql in script.split(';').filter(|sql| !sql.trim().is_empty()) {
        let done = connection.execute_batch(sql);
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

impl World {
    /// `clause` follows each table's columns.
    fn new(options: Options, scratch: &Scratch, clause: &str) -> Self {
        let database = options.open(scratch.join("db")).unwrap();
        let mut connection = database.connect().unwrap();
        for (t, (columns, key, _)) in KEYS.iter().enumerate() {
            let sql = format!(
                "CREATE TABLE t{t} ({columns}, v integer, g integer, s text) {clause};
                 INSERT INTO t{t} SELECT {key}, n, n % 13, CASE WHEN n % 5 > 0 THEN 'text ' || n % 50 END
                     FROM generate_series(1, {ROWS}) n"
            );
            run(&mut connection, &sql);
        }
        run(&mut connection, "SELECT * FROM helios_freeze()");
        let mut connections = vec![connection];
        for pair in BRANCHES.windows(2) {
            let mut connection = database.connect().unwrap();
            let (parent, branch) = (pair[0], pair[1]);
            let sql = format!("USE BRANCH {parent}; CREATE BRANCH {branch}; USE BRANCH {branch}");
            run(&mut connection, &sql);
            connections.push(connection);
        }
        for connection in &mut connections {
            run(connection, "SET query_cache_size = 0");
        }
        Self {
            rng: seeded(),
            connections,
            past: Vec::new(),
            next: ROWS + 1,
            columns: 0,
            database,
        }
    }

    fn check_stored(&self) {
        let report = self.database.check().unwrap();
        assert!(report.faults.is_empty(), "{:?}", report.faults);
    }

    /// A condition that leaves some rows, near each other or not.
    fn some(&mut self) -> String {
        match self.rng.u32(0..4) {
            0 => {
                let from = self.rng.u32(0..self.next);
                format!("v BETWEEN {from} AND {}", from + self.rng.u32(0..120))
            }
            1 => format!("v % {} = 1", self.rng.u32(2..120)),
            2 => format!("g = {}", self.rng.u32(0..13)),
            _ => format!("v = {}", self.rng.u32(0..self.next)),
        }
    }

    fn change(&mut self, at: usize, t: usize) {
        let condition = self.some();
        let sql = match self.rng.u32(0..6) {
            0 | 1 => format!("UPDATE t{t} SET g = g + 13, s = 'changed' WHERE {condition}"),
            2 => format!("DELETE FROM t{t} WHERE {condition}"),
            3 => {
                // Rows of their own, and keys that were there before.
                let (from, key) = (self.next, KEYS[t].1);
                self.next += self.rng.u32(1..60);
                format!(
                    "INSERT INTO t{t} SELECT {key}, n, n % 13, 'new' FROM generate_series({from}, {}) n ON CONFLICT DO NOTHING",
                    self.next
                )
            }
            4 => format!(
                "INSERT INTO t{t} SELECT {}, n, 7, 'again' FROM generate_series(1, {ROWS}) n WHERE n % 9 = {} ON CONFLICT DO NOTHING",
                KEYS[t].1,
                self.rng.u32(0..9)
            ),
            _ => format!("UPDATE t{t} SET v = v WHERE {condition}"),
        };
        run(&mut self.connections[at], &sql);
    }

    /// What to ask of a table. All of it has one answer.
    fn questions(&mut self, t: usize, at: &str) -> Vec<String> {
        let (from, order) = (format!("t{t}{at}"), KEYS[t].2);
        let condition = self.some();
        let limit = self.rng.u32(1..300);
        vec![
            format!("SELECT row(count(*), sum(v), min(s), max(s), count(s), sum(g), min(v))::text FROM {from}"),
            format!("SELECT count(*)::text FROM {from}"),
            format!("SELECT row(count(*), sum(v), max(s), sum(g))::text FROM {from} WHERE {condition}"),
            format!("SELECT row(g, count(*), min(s), max(v))::text FROM {from} GROUP BY g ORDER BY g"),
            format!("SELECT q::text FROM {from} q ORDER BY {order}"),
            format!("SELECT q::text FROM {from} q WHERE {condition} ORDER BY {order} LIMIT {limit}"),
            format!("SELECT row(max(n), sum(n * v))::text FROM (SELECT v, row_number() OVER (ORDER BY {order}) AS n FROM {from}) q"),
            format!(
                "SELECT row(count(*), sum(a.v + b.g), max(b.s))::text FROM {from} a JOIN {from} b ON a.v = b.v + 1
                 WHERE b.g IN (3, 16, 29) AND a.s IS NOT NULL"
            ),
            format!("SELECT string_agg(v::text, ',') FROM (SELECT v FROM {from} ORDER BY {order}) q"),
            // The text is read once it is known of which rows.
            format!("SELECT s FROM {from} WHERE {condition} ORDER BY v DESC LIMIT {limit}"),
            format!("SELECT s FROM {from} ORDER BY g DESC, v LIMIT {limit} OFFSET 7"),
            format!("SELECT row(g, count(DISTINCT v), sum(v + 3), avg(v - 1), avg(g))::text FROM {from} GROUP BY g ORDER BY g"),
            format!("SELECT row(sum(v), sum(v + 1), sum(v - 5), count(v), avg(2 + v))::text FROM {from} WHERE {condition}"),
            format!("SELECT row(count(*), sum(w))::text FROM (SELECT DISTINCT s AS w0, g AS w FROM {from}) q"),
        ]
    }

    fn check(&mut self, at: usize, t: usize, then: &str) {
        for sql in self.questions(t, then) {
            let connection = &mut self.connections[at];
            run(connection, "SET executor = row");
            let wanted = texts(connection, &sql);
            run(connection, "SET executor = vector");
            assert_eq!(texts(connection, &sql), wanted, "{}: {sql}", BRANCHES[at]);
            run(connection, "RESET executor");
        }
    }

    fn step(&mut self, keeps_past: bool) {
        let at = self.rng.usize(0..BRANCHES.len());
        let t = self.rng.usize(0..KEYS.len());
        match self.rng.u32(0..20) {
            0..10 => self.change(at, t),
            10..14 => {
                let sql = format!("SELECT * FROM helios_freeze('t{t}')");
                run(&mut self.connections[at], &sql);
            }
            14 if self.rng.u32(0..3) == 0 => run(
                &mut self.connections[at],
                "SET hybrid_storage = off; VACUUM; RESET hybrid_storage",
            ),
            14 => run(&mut self.connections[at], "VACUUM"),
            15 if self.columns < 12 => {
                // A branch of its own has its own definitions.
                self.columns += 1;
                let sql = format!(
                    "ALTER TABLE t{t} ADD COLUMN c{} integer DEFAULT {}",
                    self.columns, self.columns
                );
                run(&mut self.connections[at], &sql);
            }
            _ => {
                // Own writes, some taken back.
                run(
                    &mut self.connections[at],
                    "BEGIN ISOLATION LEVEL REPEATABLE READ",
                );
                for _ in 0..self.rng.u32(1..4) {
                    self.change(at, t);
                }
                self.check(at, t, "");
                run(&mut self.connections[at], "SAVEPOINT s");
                self.change(at, t);
                self.check(at, t, "");
                run(&mut self.connections[at], "ROLLBACK TO s");
                self.check(at, t, "");
                let end = if self.rng.bool() {
                    "COMMIT"
                } else {
                    "ROLLBACK"
                };
                run(&mut self.connections[at], end);
            }
        }
        let other = self.rng.usize(0..BRANCHES.len());
        self.check(other, t, "");
        if keeps_past {
            let scn = texts(
                &mut self.connections[other],
                "SELECT helios_current_scn()::text",
            );
            self.past.push((other, scn[0].parse().unwrap(), t));
            let (branch, scn, t) = self.past[self.rng.usize(0..self.past.len())];
            self.check(branch, t, &format!(" AS OF SCN {scn}"));
        }
    }
}

#[test]
fn executors_agree_over_segments_and_the_past() {
    let scratch = Scratch::new();
    let mut world = World::new(Options::new(), &scratch, "");
    for _ in 0..steps() {
        world.step(true);
    }
}

#[test]
fn executors_agree_over_segments_that_are_made_anew() {
    let scratch = Scratch::new();
    let options = Options::new().retention(Duration::ZERO);
    let mut world = World::new(options, &scratch, "");
    run(
        &mut world.connections[0],
        "SET hybrid_storage_hot_threshold = '0'; SET hybrid_storage_min_rows = 1",
    );
    for _ in 0..steps() {
        world.step(false);
    }
}

#[test]
fn executors_agree_over_clustered_segments_and_the_past() {
    let scratch = Scratch::new();
    let mut world = World::new(Options::new(), &scratch, "CLUSTER BY (g, s)");
    for _ in 0..steps() {
        world.step(true);
    }
    world.check_stored();
}

#[test]
fn executors_agree_over_clustered_segments_that_are_made_anew() {
    let scratch = Scratch::new();
    let options = Options::new().retention(Duration::ZERO);
    let mut world = World::new(options, &scratch, "CLUSTER BY (s)");
    run(
        &mut world.connections[0],
        "SET hybrid_storage_hot_threshold = '0'; SET hybrid_storage_min_rows = 1",
    );
    for _ in 0..steps() {
        world.step(false);
    }
    world.check_stored();
}

/// More than a chunk, read by several threads, with conditions that chunks' zones rule out.
#[test]
fn masks_are_those_of_their_chunks() {
    masks_over_chunks("");
}

#[test]
fn masks_are_those_of_their_chunks_in_any_order() {
    masks_over_chunks("CLUSTER BY (s)");
}

fn masks_over_chunks(clause: &str) {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    let script = format!(
        "SET query_cache_size = 0;
         CREATE TABLE t (k integer PRIMARY KEY, v integer, s text) {clause};
         INSERT INTO t SELECT n, n, 'text ' || n % 100 FROM generate_series(1, 150000) n;
         SELECT * FROM helios_freeze('t');
         UPDATE t SET v = -1 WHERE k % 100 = 3; DELETE FROM t WHERE k % 1000 = 5 OR k BETWEEN 66000 AND 66100;
         INSERT INTO t SELECT n, n, 'new' FROM generate_series(150001, 151000) n;
         UPDATE t SET s = 'all of it' WHERE k BETWEEN 131073 AND 135000"
    );
    run(c, &script);
    for condition in [
        "true",
        "v > 140000",
        "k < 70000",
        "v = -1",
        "s = 'text 7'",
        "s > 'new'",
        "k IN (5, 6, 66050)",
    ] {
        let ask = |table: &str| {
            format!(
                "SELECT row(count(*), sum(v), sum(k), min(s), max(s))::text FROM {table} WHERE {condition}"
            )
        };
        let sql = ask("t");
        run(c, "SET executor = row");
        let wanted = texts(c, &sql);
        run(c, "SET executor = vector");
        assert_eq!(texts(c, &sql), wanted, "{condition}");
    }
    // In the order of the key, in which rows come in turns.
    let ordered = [
        "SELECT row(count(*), sum(n * k), max(s))::text FROM (SELECT k, s, row_number() OVER (ORDER BY k) AS n FROM t) q",
        "SELECT row(count(*), sum(n), max(m))::text FROM (SELECT k, count(s) AS n, min(s) AS m FROM t GROUP BY k) q",
    ];
    for sql in ordered {
        run(c, "SET executor = row");
        let wanted = texts(c, sql);
        run(c, "SET executor = vector");
        assert_eq!(texts(c, sql), wanted, "{sql}");
    }
    let plan = texts(c, "EXPLAIN ANALYZE SELECT sum(v) FROM t").join(" ");
    assert!(plan.contains("rows changed since="), "{plan}");
    if !clause.is_empty() {
        // Several threads take turns with the chunks of a segment whose keys lie all over it, each of them once.
        assert!(
            plan.contains("segments=1, chunks read=3 pruned=0"),
            "{plan}"
        );
    }
    // Who sees the first rows sees them in the order of the key.
    let first = "SELECT k::text FROM t LIMIT 5";
    assert_eq!(texts(c, first), ["1", "2", "3", "4", "6"]);
    let all = texts(
        c,
        "SELECT string_agg(k::text, ',') FROM (SELECT k FROM t ORDER BY k LIMIT 200) q",
    );
    assert!(all[0].starts_with("1,2,3,4,6,7"), "{all:?}");
}
