//! Guards against merges that lose or invent what others write meanwhile: threads move money on branches,
//! a thread merges branches in every direction by adding up, another changes definitions, another forks and
//! drops; at the end, and at every moment of the past, each branch has as much as at the beginning.
//!
//! HELIOS_SECONDS sets how long (default 3).

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use helios_testkit::Rng;
use heliosdb::{Connection, Database, Result};

const ACCOUNTS: i64 = 200;
const START: i64 = 1_000_000_000_000;
const BRANCHES: [&str; 4] = ["main", "b1", "b2", "b3"];

/// What may happen to who works beside others: serialization, deadlocks, conflicts of a merge, branches in
/// use, and names that are taken or gone.
const EXPECTED: [&str; 9] = [
    "40001", "40002", "40P01", "55P03", "55006", "42704", "42P07", "42701", "42703",
];

struct Crowd {
    database: Database,
    over: AtomicBool,
    told: Mutex<BTreeMap<String, u64>>,
}

impl Crowd {
    fn on(&self, branch: &str) -> Connection {
        let mut connection = self.database.connect().unwrap();
        connection
            .execute(format!("USE BRANCH {branch}").as_str(), ())
            .unwrap();
        connection
    }

    fn note(&self, what: &str, done: Result<()>) {
        let how = match done {
            Ok(()) => "done".to_owned(),
            Err(error) => {
                let state = error.sqlstate().as_str().to_owned();
                let known = EXPECTED.contains(&state.as_str());
                assert!(known, "{what}: {error:?}");
                state
            }
        };
        *self
            .told
            .lock()
            .unwrap()
            .entry(format!("{what} {how}"))
            .or_default() += 1;
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Moves money between two accounts of a branch.
    fn move_money(&self, seed: u64, branch: &str) {
        let (mut random, mut connection) = (Rng::with_seed(seed), self.on(branch));
        let give = connection
            .prepare("UPDATE account SET amount = amount - $2 WHERE id = $1")
            .unwrap();
        let take = connection
            .prepare("UPDATE account SET amount = amount + $2 WHERE id = $1")
            .unwrap();
        while self.goes_on() {
            let (a, b) = (random.i64(0..ACCOUNTS), random.i64(0..ACCOUNTS));
            // Nobody moves the same amount twice: two sides that do the same have not done it twice.
            let amount = random.i64(1..1 << 30);
            let mut work = || -> Result<()> {
                let mut transaction = connection.transaction()?;
                transaction.execute(&give, (a, amount))?;
                transaction.execute(&take, (b, amount))?;
                transaction.commit()
            };
            let done = work();
            self.note("move", done);
        }
    }

    fn merge(&self, seed: u64) {
        let (mut random, mut connection) = (Rng::with_seed(seed), self.on("main"));
        while self.goes_on() {
            let mut any = || *random.pick(&BRANCHES);
            let (source, target) = (any(), any());
            if source != target {
                let sql =
                    format!("MERGE BRANCH {source} INTO {target} WITH CONFLICT RESOLUTION sum");
                let done = connection.execute(sql.as_str(), ()).map(drop);
                self.note("merge", done);
            }
        }
    }

    fn define(&self, seed: u64) {
        let mut random = Rng::with_seed(seed);
        let mut names = 0;
        while self.goes_on() {
            let branch = *random.pick(&BRANCHES);
            let mut connection = self.on(branch);
            names += 1;
            let sql = match random.u8(0..3) {
                0 => format!("ALTER TABLE account ADD COLUMN c{names} int DEFAULT 7"),
                1 => format!("CREATE INDEX i{names} ON account (amount)"),
                _ => format!("CREATE TABLE other{names} AS SELECT id, amount FROM account"),
            };
            let done = connection.execute(sql.as_str(), ()).map(drop);
            self.note("define", done);
            std::thread::sleep(Duration::from_millis(40));
        }
    }

    fn fork(&self, seed: u64) {
        let (mut random, mut connection) = (Rng::with_seed(seed), self.on("main"));
        let mut names = 0;
        while self.goes_on() {
            names += 1;
            let parent = *random.pick(&BRANCHES);
            let mut work = |sql: String| connection.execute(sql.as_str(), ()).map(drop);
            self.note(
                "fork",
                work(format!("CREATE BRANCH f{names} FROM {parent}")),
            );
            expect_sum(&mut self.on(&format!("f{names}")), "");
            self.note("drop", work(format!("DROP BRANCH f{names}")));
        }
    }
}

fn expect_sum(connection: &mut Connection, moment: &str) {
    let sql = format!("SELECT sum(amount)::bigint, count(*) FROM account {moment}");
    let row = connection.query_row(sql.as_str(), ()).unwrap();
    let (sum, count): (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
    assert_eq!((sum, count), (ACCOUNTS * START, ACCOUNTS), "{moment}");
}

#[test]
fn nothing_is_lost_between_branches() {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds: u64 = read("HELIOS_SECONDS").unwrap_or(3);
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TABLE account (id bigint PRIMARY KEY, amount bigint NOT NULL);
             INSERT INTO account SELECT i, {START} FROM generate_series(0, {ACCOUNTS} - 1) i;"
        ))
        .unwrap();
    let first: i64 = connection
        .query_row("SELECT helios_current_scn()::bigint", ())
        .and_then(|row| row.get(0))
        .unwrap();
    for sql in [
        "CREATE BRANCH b1 FROM main",
        "CREATE BRANCH b2 FROM b1",
        "CREATE BRANCH b3 FROM main",
    ] {
        connection.execute(sql, ()).unwrap();
    }
    let crowd = Crowd {
        database,
        over: AtomicBool::new(false),
        told: Mutex::default(),
    };
    std::thread::scope(|scope| {
        let crowd = &crowd;
        for (n, branch) in BRANCHES.iter().enumerate() {
            scope.spawn(move || crowd.move_money(n as u64 + 1, branch));
        }
        scope.spawn(move || crowd.move_money(10, "b2"));
        scope.spawn(move || crowd.merge(20));
        scope.spawn(move || crowd.define(30));
        scope.spawn(move || crowd.fork(40));
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        crowd.over.store(true, Ordering::Relaxed);
    });
    let last: i64 = connection
        .query_row("SELECT helios_current_scn()::bigint", ())
        .and_then(|row| row.get(0))
        .unwrap();
    let mut random = Rng::with_seed(50);
    for branch in BRANCHES {
        let mut connection = crowd.on(branch);
        expect_sum(&mut connection, "");
        for _ in 0..50 {
            let scn = random.i64(first..=last);
            expect_sum(&mut connection, &format!("AS OF SCN {scn}"));
        }
    }
    let report = crowd.database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let told = crowd.told.into_inner().unwrap();
    println!("{told:?}");
    assert!(told.get("merge done").is_some_and(|merges| *merges > 0));
}
