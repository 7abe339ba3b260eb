//! Guards against branches that are there in part: the process dies in the middle of creating, dropping,
//! writing, merging, cherry-picking, undoing, completing, giving up and freezing, at random moments and at every
//! failpoint; then each branch is as before the last operation or as after it.
//!
//! Every operation gives all rows of a branch the same new value, or none: a mixture shows half a commit.
//! The child tells what it tries and what was acknowledged.
//!
//! HELIOS_CRASHES sets the number of deaths, HELIOS_SEED the seed, which is printed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database, FromSql, Options, Result};

const DIRECTORY: &str = "HELIOS_BRANCH_CRASH_DIRECTORY";
const SEED: &str = "HELIOS_BRANCH_CRASH_SEED";
const ROWS: i64 = 40;

/// The value of each branch.
type Values = BTreeMap<String, i64>;

fn open(path: &Path) -> Database {
    let options = Options::new().retention(Duration::from_secs(1));
    options.open(path).unwrap()
}

fn all<T: FromSql>(connection: &mut Connection, sql: &str) -> Result<Vec<T>> {
    let rows = connection.query(sql, ())?;
    rows.map(|row| row?.get(0)).collect()
}

fn branches(connection: &mut Connection) -> Vec<String> {
    let sql = "SELECT branch_name::text FROM pg_database_branches() ORDER BY 1";
    all(connection, sql).unwrap()
}

/// The value that all rows of the session's branch have.
fn value(connection: &mut Connection) -> Result<i64> {
    let values: Vec<i64> = all(connection, "SELECT DISTINCT n FROM t")?;
    let count: i64 = connection.query_row("SELECT count(*) FROM t", ())?.get(0)?;
    assert_eq!(count, ROWS, "rows are missing");
    assert_eq!(values.len(), 1, "half a commit: {values:?}");
    Ok(values[0])
}

struct Child {
    connection: Connection,
    random: Rng,
    next: i64,
    /// Transactions that wrote, each with its branch.
    written: Vec<i64>,
}

fn tell(line: &str) {
    // One write call: a line arrives whole or not at all.
    std::io::stdout()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}

impl Child {
    fn run(&mut self, sql: &str) -> Result<()> {
        self.connection.execute(sql, ()).map(drop)
    }

    fn any(&mut self) -> String {
        let all = branches(&mut self.connection);
        self.random.pick(&all).clone()
    }

    /// Tells that `branch` is going to have another value, does it, and tells the value.
    fn change(
        &mut self,
        branch: &str,
        what: &str,
        work: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        tell(&format!("try {branch} {what}"));
        work(self)?;
        self.run(&format!("USE BRANCH {branch}"))?;
        let value = value(&mut self.connection)?;
        tell(&format!("ack {branch} {value}"));
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        self.next += 1;
        let (branch, other) = (self.any(), self.any());
        self.run(&format!("USE BRANCH {branch}"))?;
        let next = self.next;
        match self.random.u8(0..12) {
            0..3 => {
                // It may have died while it was off.
                self.connection.execute_batch("RESET hybrid_storage")?;
                self.connection
                    .execute_batch("SELECT * FROM helios_freeze('t')")?;
            }
            // Rows come back.
            4 if self.random.bool() => {
                self.connection.execute_batch("SET hybrid_storage = off")?;
                self.connection.execute_batch("VACUUM")?;
                self.connection.execute_batch("RESET hybrid_storage")?;
            }
            // Rows come back because they were read, and go again.
            5 => {
                self.connection.execute_batch("RESET hybrid_storage")?;
                self.connection
                    .execute_batch("SELECT * FROM helios_freeze('t')")?;
                for id in 1..=10 {
                    self.run(&format!(
                        "SELECT n FROM t WHERE id = {}",
                        id * 13 % ROWS + 1
                    ))?;
                }
                self.run("VACUUM")?;
                self.run("VACUUM")?;
            }
            // What the background would do.
            3 => self.connection.execute_batch("VACUUM")?,
            _ => {}
        }
        match self.random.u8(0..16) {
            0..5 => self.change(&branch, "write", |child| {
                child.run("BEGIN")?;
                child.run(&format!("UPDATE t SET n = {next}"))?;
                child.run(&format!("INSERT INTO q (who) VALUES ({next})"))?;
                let txid = child
                    .connection
                    .query_row("SELECT txid_current()::bigint", ())?;
                child.run("COMMIT")?;
                child.written.push(txid.get(0)?);
                Ok(())
            }),
            5..7 if branches(&mut self.connection).len() < 5 => {
                let name = format!("b{next}");
                self.change(&name, "create", |child| {
                    child.run(&format!("CREATE BRANCH {name} FROM {branch}"))
                })
            }
            5..8 => {
                self.run("USE BRANCH main")?;
                tell(&format!("try {branch} drop"));
                // It may be main, or have children.
                match self.run(&format!("DROP BRANCH {branch}")) {
                    Ok(()) => tell(&format!("ack {branch} gone")),
                    Err(error)
                        if ["2BP01", "42501", "55006"].contains(&error.sqlstate().as_str()) =>
                    {
                        tell("never");
                    }
                    Err(error) => return Err(error),
                }
                Ok(())
            }
            8..11 if branch != other => {
                let strategy = *self.random.pick(&["THEIRS", "OURS"]);
                self.change(&branch, "merge", |child| {
                    child.run(&format!(
                        "MERGE BRANCH {other} INTO {branch} STRATEGY {strategy}"
                    ))
                })
            }
            11..13 if branch != other => self.manual(&branch, &other),
            13..15 if !self.written.is_empty() => {
                let txid = *self.random.pick(&self.written);
                let verb = *self.random.pick(&["CHERRY PICK", "UNDO"]);
                self.change(&branch, "take", |child| {
                    let sql = format!("{verb} TRANSACTION {txid} STRATEGY THEIRS");
                    match child.run(&sql) {
                        // What it replaced may be collected, or its branch gone.
                        Err(error) if ["72000", "42704"].contains(&error.sqlstate().as_str()) => {
                            Ok(())
                        }
                        done => done,
                    }
                })
            }
            _ => self.run("CHECKPOINT"),
        }
    }

    /// A merge that waits, is resolved and completed, or given up.
    fn manual(&mut self, branch: &str, other: &str) -> Result<()> {
        self.change(branch, "wait", |child| {
            child.run(&format!(
                "MERGE BRANCH {other} INTO {branch} STRATEGY MANUAL"
            ))
        })?;
        for id in waiting(&mut self.connection)? {
            if self.random.one_in(3) {
                self.change(branch, "give up", |child| {
                    child.run(&format!("ABORT MERGE {id}"))
                })?;
                continue;
            }
            let sql = format!("UPDATE _merge_conflicts_{id} SET resolution = 'source'");
            self.change(branch, "resolve", |child| child.run(&sql))?;
            self.change(branch, "complete", |child| {
                child.run(&format!("COMPLETE MERGE {id}"))
            })?;
        }
        Ok(())
    }
}

/// The merges that wait on the session's branch.
fn waiting(connection: &mut Connection) -> Result<Vec<String>> {
    if !connection.has_table("_merges")? {
        return Ok(Vec::new());
    }
    // A branch has the rows of merges into its ancestors too.
    all(
        connection,
        "SELECT merge_id FROM _merges WHERE target = current_branch()",
    )
}

#[test]
fn child() {
    let (Ok(path), Ok(seed)) = (std::env::var(DIRECTORY), std::env::var(SEED)) else {
        return;
    };
    let database = open(Path::new(&path));
    let mut connection = database.connect().unwrap();
    let newest = connection
        .query_row("SELECT coalesce(max(n), 0) FROM t", ())
        .unwrap();
    let _: i64 = newest.get(0).unwrap();
    let next: i64 = connection
        .query_row("SELECT helios_current_scn()::bigint * 10", ())
        .and_then(|row| row.get(0))
        .unwrap();
    let mut child = Child {
        connection,
        random: Rng::with_seed(seed.parse().unwrap()),
        next,
        written: Vec::new(),
    };
    for branch in branches(&mut child.connection) {
        child.run(&format!("USE BRANCH {branch}")).unwrap();
        for id in waiting(&mut child.connection).unwrap() {
            child.run(&format!("ABORT MERGE {id}")).unwrap();
        }
    }
    tell("open");
    loop {
        if let Err(error) = child.step() {
            // An injected failure: the outcome is unknown.
            assert!(
                ["58030", "57P02"].contains(&error.sqlstate().as_str()),
                "{error:?}"
            );
            return;
        }
    }
}

/// What the child told.
#[derive(Default)]
struct Told {
    values: Values,
    /// The branch that was being changed, and how.
    pending: Option<(String, String)>,
    operations: BTreeMap<String, u64>,
}

fn run_child(path: &Path, told: &mut Told, seed: u64, point: Option<String>, alive: Duration) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "branch_crash::child",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, path)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let until_killed = point.is_none();
    if let Some(point) = point {
        command.env("HELIOS_FAILPOINT", point);
    }
    let mut child = command.spawn().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(if until_killed { alive } else { alive * 3 });
        child.kill().unwrap();
        child.wait().unwrap();
    });
    for line in lines.map_while(std::io::Result::ok) {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("try"), Some(branch), Some(what)) => {
                told.pending = Some((branch.to_owned(), what.to_owned()));
            }
            (Some("never"), None, None) => told.pending = None,
            (Some("ack"), Some(branch), Some(value)) => {
                if let Some((_, what)) = told.pending.take() {
                    *told.operations.entry(what).or_default() += 1;
                }
                match value.parse() {
                    Ok(value) => told.values.insert(branch.to_owned(), value),
                    Err(_) => told.values.remove(branch),
                };
            }
            _ => {}
        }
    }
    killer.join().unwrap();
    let mut text = String::new();
    let _ = std::io::Read::read_to_string(&mut errors, &mut text);
    assert!(!text.contains("panicked"), "{text}");
}

/// Opens the database and compares; goes on from what it holds.
fn verify(path: &Path, told: &mut Told) {
    let database = open(path);
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let mut connection = database.connect().unwrap();
    let mut found = Values::new();
    let mut waits = Vec::new();
    for branch in branches(&mut connection) {
        connection
            .execute(format!("USE BRANCH {branch}").as_str(), ())
            .unwrap();
        found.insert(branch.clone(), value(&mut connection).unwrap());
        for id in waiting(&mut connection).unwrap() {
            let sql = format!("SELECT count(*) FROM _merge_conflicts_{id}");
            let rows: i64 = connection
                .query_row(sql.as_str(), ())
                .unwrap()
                .get(0)
                .unwrap();
            assert!(rows > 0, "a merge waits for nothing");
            waits.push(id);
        }
        // No value of a sequence comes twice, whatever was merged.
        connection.execute("BEGIN", ()).unwrap();
        connection
            .execute("INSERT INTO q (who) VALUES (0)", ())
            .unwrap();
        connection.execute("ROLLBACK", ()).unwrap();
    }
    // What a merge waits for can be read, and nothing else is held.
    let sql = "SELECT merge_id FROM helios_merges()";
    let mut held: Vec<String> = all(&mut connection, sql).unwrap();
    held.sort();
    waits.sort();
    assert_eq!(held, waits);
    let pending = told.pending.take();
    let of = |values: &Values| {
        let mut values = values.clone();
        if let Some((branch, _)) = &pending {
            values.remove(branch);
        }
        values
    };
    assert_eq!(of(&found), of(&told.values), "while {pending:?}");
    if let Some((branch, what)) = &pending {
        let (before, after) = (told.values.get(branch), found.get(branch));
        let fits = match what.as_str() {
            "create" => before.is_none(),
            "drop" => after.is_none() || after == before,
            // What has no conflict does not wait.
            "write" | "merge" | "take" | "complete" | "wait" => after.is_some(),
            _ => after == before,
        };
        assert!(fits, "{what} of {branch}: {before:?} became {after:?}");
    }
    told.values = found;
}

#[test]
fn no_death_leaves_half_of_anything() {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let deaths: u64 = read("HELIOS_CRASHES").unwrap_or(8);
    let mut random = match read("HELIOS_SEED") {
        Some(seed) => Rng::with_seed(seed),
        None => Rng::new(),
    };
    println!(
        "branch crashes: HELIOS_SEED={} HELIOS_CRASHES={deaths}",
        random.seed()
    );
    let points = [
        "version.logged",
        "version.durable",
        "version.applied",
        "version.collect",
        "version.checkpoint",
        "log.sync",
        "log.write",
        "log.write.half",
        "kv.checkpoint.step",
        "kv.checkpoint.written",
        "kv.checkpoint.commit",
        "kv.checkpoint.committed",
        "cold.written",
        "cold.adopted",
        "cold.swapped",
        "cold.thawed",
        "cold.melted",
        "cold.promoted",
        "cold.demoted",
    ];
    let scratch = Scratch::new();
    let path = scratch.join("db");
    {
        let database = open(&path);
        let mut connection = database.connect().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t (id int PRIMARY KEY, n bigint NOT NULL) CLUSTER BY (n)
                     WITH (hot_threshold = '0', access_count_threshold = 1, hybrid_storage_min_rows = 1);
                 CREATE TABLE q (id serial PRIMARY KEY, who bigint);",
            )
            .unwrap();
        let sql = "INSERT INTO t SELECT i, 0 FROM generate_series(1, $1) i";
        connection.execute(sql, (ROWS,)).unwrap();
    }
    let mut told = Told::default();
    told.values.insert("main".to_owned(), 0);
    for death in 0..deaths {
        let alive = Duration::from_millis(random.u64(300..1200));
        let point = (death % 2 == 1).then(|| {
            let name = points[(death / 2) as usize % points.len()];
            // Rows are promoted now and then only.
            let most = if name.ends_with("moted") { 4 } else { 40 };
            format!("{name}:{}:abort", random.u64(1..most))
        });
        run_child(&path, &mut told, random.u64(..), point, alive);
        verify(&path, &mut told);
    }
    println!(
        "branch crashes: {deaths} deaths, operations {:?}",
        told.operations
    );
}
