//! Guards against a past that changes: random statements on random branches, with schema changes,
//! collection, checkpoints and reopening, and a full copy of everything at sampled moments. Every
//! way to read a moment must give the copy, by both executors; also while rows go into segments after almost
//! every statement.
//!
//! `HELIOS_TIME_OPS` says how many steps (default 1,500), `HELIOS_SEED` which ones.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database, Options, Statement};

use super::ask::ask;

/// Columns with their type, in order; the first is the key.
#[derive(Clone, Debug, Default, PartialEq)]
struct Table {
    /// Tells tables of one name apart that followed each other.
    id: u64,
    columns: Vec<(String, Kind)>,
    rows: BTreeMap<i64, Vec<Option<i64>>>,
}

/// A number, or the number as text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Int,
    Text,
}

type State = BTreeMap<String, Table>;

struct Branch {
    name: String,
    state: State,
    /// The state after each commit that it has seen.
    history: Vec<(i64, State)>,
}

/// A moment that can be read again.
struct Sample {
    branch: String,
    scn: i64,
    time: String,
    /// None if it changed nothing.
    txid: Option<i64>,
    state: State,
}

/// A transaction that has seen the state of a branch and keeps seeing it.
struct Old {
    connection: Connection,
    state: State,
    until: u64,
}

struct World {
    path: Option<PathBuf>,
    /// Rows go into segments after almost every statement.
    freezes: bool,
    database: Option<Database>,
    connection: Option<Connection>,
    prepared: BTreeMap<String, Statement>,
    branches: Vec<Branch>,
    samples: Vec<Sample>,
    old: Vec<Old>,
    rng: Rng,
    names: u64,
    steps: u64,
    checks: u64,
    /// The most segments there were on a branch.
    segments: u64,
    /// The most rows that were promoted at a time.
    promoted: i64,
}

const NAMES: [&str; 3] = ["t", "u", "w"];
const COLUMNS: [&str; 4] = ["a", "b", "c", "d"];
const KEYS: i64 = 30;

#[test]
fn the_past_stays_in_memory() {
    run(None, operations(), false);
}

#[test]
fn the_past_stays_on_disk() {
    let scratch = Scratch::new();
    run(Some(scratch.join("db")), operations() / 3, false);
}

#[test]
fn the_past_stays_in_segments() {
    let scratch = Scratch::new();
    run(Some(scratch.join("db")), operations() / 3, true);
}

fn operations() -> u64 {
    std::env::var("HELIOS_TIME_OPS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_500)
}

fn run(path: Option<PathBuf>, operations: u64, freezes: bool) {
    let rng = if std::env::var_os("HELIOS_SEED").is_some() {
        Rng::new()
    } else {
        Rng::with_seed(20_261_122)
    };
    eprintln!("seed {}", rng.seed());
    let mut world = World {
        path,
        freezes,
        database: None,
        connection: None,
        prepared: BTreeMap::new(),
        branches: vec![Branch {
            name: "main".to_owned(),
            state: State::new(),
            history: Vec::new(),
        }],
        samples: Vec::new(),
        old: Vec::new(),
        rng,
        names: 0,
        steps: 0,
        checks: 0,
        segments: 0,
        promoted: 0,
    };
    world.reopen();
    if freezes {
        // VACUUM freezes, too, and makes few of many.
        world.execute("SET hybrid_storage_hot_threshold = '0'; SET hybrid_storage_min_rows = 1");
        // What was read comes back, and goes with the next VACUUM.
        world.execute("SET access_count_threshold = 1");
    }
    while world.steps < operations {
        world.step();
    }
    for sample in 0..world.samples.len() {
        world.check(sample);
    }
    let report = world.database.as_ref().unwrap().check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    assert_eq!(freezes, world.segments > 1);
    assert_eq!(freezes, world.promoted > 0);
    eprintln!(
        "{} segments, {} steps, {} branches, {} moments, {} answers compared",
        world.segments,
        world.steps,
        world.branches.len(),
        world.samples.len(),
        world.checks
    );
}

impl Table {
    fn shown(&self, row: &[Option<i64>]) -> String {
        let cells = row
            .iter()
            .zip(&self.columns)
            .map(|(cell, (_, kind))| match cell {
                None => "-".to_owned(),
                Some(number) if *kind == Kind::Text => format!("x{number}"),
                Some(number) => number.to_string(),
            });
        cells.collect::<Vec<_>>().join("|")
    }

    fn all<'t>(&'t self, keep: impl Fn(i64, &[Option<i64>]) -> bool + 't) -> String {
        let rows = self.rows.iter().filter(|(key, row)| keep(**key, row));
        rows.map(|(_, row)| self.shown(row))
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(column, _)| column == name)
    }
}

fn literal(cell: Option<i64>, kind: Kind) -> String {
    match (cell, kind) {
        (None, _) => "NULL".to_owned(),
        (Some(number), Kind::Int) => number.to_string(),
        (Some(number), Kind::Text) => format!("'x{number}'"),
    }
}

impl World {
    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().unwrap()
    }

    fn execute(&mut self, sql: &str) {
        if let Err(error) = self.connection().execute_batch(sql) {
            panic!("{sql}\n{error}");
        }
    }

    fn reopen(&mut self) {
        self.old.clear();
        self.prepared.clear();
        self.connection = None;
        let database = match (&self.path, self.database.take()) {
            (Some(path), old) => {
                drop(old);
                Options::new()
                    .retention(Duration::from_secs(86_400))
                    .open(path)
                    .unwrap()
            }
            (None, Some(same)) => same,
            (None, None) => Database::open_in_memory().unwrap(),
        };
        self.connection = Some(database.connect().unwrap());
        self.database = Some(database);
    }

    fn step(&mut self) {
        self.steps += 1;
        if self.freezes && self.rng.u64(0..4) > 0 {
            self.freeze();
        }
        match self.rng.u64(0..100) {
            0..=1 => self.reopen(),
            2..=4 => self.execute("CHECKPOINT"),
            5 if self.freezes && self.rng.u64(0..3) == 0 => {
                for sql in ["SET hybrid_storage = off", "VACUUM", "RESET hybrid_storage"] {
                    self.execute(sql);
                }
            }
            5..=6 => self.execute("VACUUM"),
            7..=9 => self.fork(),
            30..=44 => self.check_versions(),
            10..=14 => self.open_old(),
            15..=29 if !self.samples.is_empty() => {
                let sample = self.rng.u64(0..self.samples.len() as u64) as usize;
                self.check(sample);
            }
            _ => self.change(),
        }
        self.check_old();
    }

    /// Puts into segments what may go there of some branch, or makes few of many segments.
    fn freeze(&mut self) {
        let branch = self.rng.u64(0..self.branches.len() as u64) as usize;
        let name = self.branches[branch].name.clone();
        self.execute(&format!("USE BRANCH \"{name}\""));
        let sql = match self.rng.u64(0..4) {
            0 => "VACUUM",
            _ => "SELECT * FROM helios_freeze()",
        };
        self.execute(sql);
        let held = ask(
            self.connection(),
            "SELECT count(*) FROM helios_segments()",
            (),
        );
        self.segments = self.segments.max(held.parse().unwrap());
        let held = "SELECT coalesce(sum(promoted_rows), 0)::bigint FROM helios_hybrid_storage()";
        let held = ask(self.connection(), held, ());
        self.promoted = self.promoted.max(held.parse().unwrap());
    }

    /// A transaction on some branch, and a copy of what it left.
    fn change(&mut self) {
        let branch = self.rng.u64(0..self.branches.len() as u64) as usize;
        let name = self.branches[branch].name.clone();
        self.execute(&format!("USE BRANCH \"{name}\""));
        let mut state = self.branches[branch].state.clone();
        let before: i64 = ask(self.connection(), "SELECT helios_current_scn()", ())
            .parse()
            .unwrap();
        self.execute("BEGIN");
        for _ in 0..=self.rng.u64(0..3) {
            let sql = self.statement(&mut state);
            self.execute(&sql);
        }
        let txid = ask(self.connection(), "SELECT txid_current()", ());
        self.execute("COMMIT");
        let now = ask(
            self.connection(),
            "SELECT helios_current_scn(), clock_timestamp()",
            (),
        );
        let (scn, time) = now.split_once('|').unwrap();
        let (scn, time) = (scn.parse().unwrap(), time.to_owned());
        self.branches[branch].state = state.clone();
        self.branches[branch].history.push((scn, state.clone()));
        if self.rng.u64(0..3) == 0 {
            // Times have microseconds: the next commit must not share this one's.
            std::thread::sleep(Duration::from_micros(5));
            self.samples.push(Sample {
                branch: name,
                scn,
                time,
                txid: (scn > before).then(|| txid.parse().unwrap()),
                state,
            });
        }
    }

    /// A statement that succeeds, and its effect on `state`.
    fn statement(&mut self, state: &mut State) -> String {
        let name = NAMES[self.rng.u64(0..3) as usize];
        self.names += 1;
        let number = self.names;
        let Some(table) = state.get_mut(name) else {
            state.insert(
                name.to_owned(),
                Table {
                    id: number,
                    columns: vec![("k".to_owned(), Kind::Int), ("a".to_owned(), Kind::Int)],
                    rows: BTreeMap::new(),
                },
            );
            let clause = ["", "CLUSTER BY (a)"][(number % 2) as usize];
            return format!("CREATE TABLE {name} (k int PRIMARY KEY, a int) {clause}");
        };
        let value = self.rng.u64(0..50) as i64;
        let key = self.rng.u64(0..KEYS as u64) as i64;
        match self.rng.u64(0..100) {
            0..=1 => {
                state.remove(name);
                format!("DROP TABLE {name}")
            }
            2..=3 => {
                table.rows.clear();
                format!("TRUNCATE {name}")
            }
            4..=8 => {
                let Some(free) = COLUMNS.iter().find(|c| table.position(c).is_none()) else {
                    return self.insert(state, name, key);
                };
                table.columns.push(((*free).to_owned(), Kind::Int));
                table
                    .rows
                    .values_mut()
                    .for_each(|row| row.push(Some(value)));
                format!("ALTER TABLE {name} ADD COLUMN {free} int DEFAULT {value}")
            }
            9..=11 if table.columns.len() > 1 => {
                let at = 1 + self.rng.u64(0..table.columns.len() as u64 - 1) as usize;
                let (column, _) = table.columns.remove(at);
                table.rows.values_mut().for_each(|row| {
                    row.remove(at);
                });
                format!("ALTER TABLE {name} DROP COLUMN {column}")
            }
            12..=13 if table.columns.len() > 1 => {
                let at = 1 + self.rng.u64(0..table.columns.len() as u64 - 1) as usize;
                let (column, kind) = &mut table.columns[at];
                if *kind == Kind::Int {
                    *kind = Kind::Text;
                    format!(
                        "ALTER TABLE {name} ALTER {column} DROP DEFAULT, ALTER {column} TYPE text USING 'x' || {column}"
                    )
                } else {
                    *kind = Kind::Int;
                    format!(
                        "ALTER TABLE {name} ALTER {column} TYPE int USING substr({column}, 2)::int"
                    )
                }
            }
            14..=16 => {
                let at = self.rng.u64(0..table.columns.len() as u64) as usize;
                format!("CREATE INDEX i{number} ON {name} ({})", table.columns[at].0)
            }
            17..=45 => self.insert(state, name, key),
            46..=75 if table.columns.len() > 1 && !table.rows.is_empty() => {
                let at = 1 + self.rng.u64(0..table.columns.len() as u64 - 1) as usize;
                let (column, kind) = table.columns[at].clone();
                let cell = (value > 5).then_some(value);
                for (_, row) in table.rows.range_mut(key..) {
                    row[at] = cell;
                }
                format!(
                    "UPDATE {name} SET {column} = {} WHERE k >= {key}",
                    literal(cell, kind)
                )
            }
            _ => {
                table.rows.retain(|k, _| !(key..key + 4).contains(k));
                format!("DELETE FROM {name} WHERE k BETWEEN {key} AND {}", key + 3)
            }
        }
    }

    fn insert(&mut self, state: &mut State, name: &str, key: i64) -> String {
        let table = state.get_mut(name).unwrap();
        let mut rows = Vec::new();
        for k in key..key + 5 {
            let mut row = vec![Some(k)];
            for _ in 1..table.columns.len() {
                let value = self.rng.u64(0..50) as i64;
                row.push((value > 5).then_some(value));
            }
            let cells = row
                .iter()
                .zip(&table.columns)
                .map(|(cell, (_, kind))| literal(*cell, *kind));
            rows.push(format!("({})", cells.collect::<Vec<_>>().join(", ")));
            table.rows.entry(k).or_insert(row);
        }
        format!(
            "INSERT INTO {name} VALUES {} ON CONFLICT DO NOTHING",
            rows.join(", ")
        )
    }

    /// A branch from the newest state of another, or from a sampled moment.
    fn fork(&mut self) {
        if self.branches.len() >= 12 {
            return;
        }
        self.names += 1;
        let name = format!("b{}", self.names);
        let (parent, scn) = if self.samples.is_empty() || self.rng.u64(0..2) == 0 {
            let parent = self.rng.u64(0..self.branches.len() as u64) as usize;
            (self.branches[parent].name.clone(), i64::MAX)
        } else {
            let sample = self.rng.u64(0..self.samples.len() as u64) as usize;
            let sample = &self.samples[sample];
            (sample.branch.clone(), sample.scn)
        };
        let point = match scn {
            i64::MAX => "NOW".to_owned(),
            scn => format!("SCN {scn}"),
        };
        self.execute(&format!(
            "CREATE BRANCH {name} FROM \"{parent}\" AS OF {point}"
        ));
        let parent = self.branches.iter().find(|b| b.name == parent).unwrap();
        let history: Vec<_> = parent
            .history
            .iter()
            .filter(|(at, _)| *at <= scn)
            .cloned()
            .collect();
        let state = history
            .last()
            .map_or_else(State::new, |(_, state)| state.clone());
        self.branches.push(Branch {
            name,
            state,
            history,
        });
    }

    /// The versions of a table over a range, against those that the copies show.
    fn check_versions(&mut self) {
        let at = self.rng.u64(0..self.branches.len() as u64) as usize;
        let branch = self.branches[at].name.clone();
        self.execute(&format!("USE BRANCH \"{branch}\""));
        let name = NAMES[self.rng.u64(0..3) as usize];
        let now: i64 = ask(self.connection(), "SELECT helios_current_scn()", ())
            .parse()
            .unwrap();
        let (a, b) = (self.rng.i64(0..=now), self.rng.i64(0..=now));
        let (low, high) = (a.min(b), a.max(b));
        let Some(table) = self.branches[at].state.get(name) else {
            return;
        };
        let id = table.id;
        let history = &self.branches[at].history;
        let own: Vec<(i64, Option<&Table>)> = history
            .iter()
            .map(|(scn, state)| (*scn, state.get(name).filter(|then| then.id == id)))
            .collect();
        // Versions of another schema look as today's schema shows them, which no copy does.
        if own
            .iter()
            .any(|(_, then)| then.is_some_and(|then| then.columns != table.columns))
        {
            return;
        }
        let mut lives: Vec<(i64, i64, Option<i64>, String)> = Vec::new();
        let mut wanted = Vec::new();
        for key in 0..KEYS + 5 {
            let first = lives.len();
            let mut open: Option<usize> = None;
            for (scn, then) in &own {
                let row = then.and_then(|then| Some(then.shown(then.rows.get(&key)?)));
                let same = open.is_some_and(|at| Some(&lives[at].3) == row.as_ref());
                if same {
                    continue;
                }
                if let Some(at) = open.take() {
                    lives[at].2 = Some(*scn);
                }
                if let Some(row) = row {
                    open = Some(lives.len());
                    lives.push((key, *scn, None, row));
                }
            }
            let mut before = None;
            for at in first..lives.len() {
                let (_, begin, end, row) = &lives[at];
                let operation = if before == Some(*begin) { "U" } else { "I" };
                before = *end;
                let next = lives.get(at + 1).map(|next| next.1);
                if *begin <= high && end.is_none_or(|end| end > low) {
                    let known = *begin >= low;
                    wanted.push(format!(
                        "{}|{}|{}|{row}",
                        if known { operation } else { "-" },
                        if known {
                            begin.to_string()
                        } else {
                            "-".to_owned()
                        },
                        match end {
                            Some(end) if *end <= high => end.to_string(),
                            _ => "-".to_owned(),
                        },
                    ));
                }
                if let Some(end) = end
                    && next != Some(*end)
                    && (low..=high).contains(end)
                {
                    wanted.push(format!("D|{end}|-|{row}"));
                }
            }
        }
        let columns = "versions_operation, versions_startscn, versions_endscn";
        let sql = format!(
            "SELECT {columns}, v.* FROM {name} VERSIONS BETWEEN SCN {low} AND {high} v \
             ORDER BY k, versions_startscn NULLS FIRST"
        );
        let found = ask(self.connection(), &sql, ());
        assert_eq!(coalesced(&found), wanted.join("; "), "{sql} on {branch}");
        let key = self.rng.i64(0..KEYS);
        let of_key = |row: &String| row.split('|').nth(3) == Some(&key.to_string());
        let one: Vec<String> = wanted.iter().filter(|row| of_key(row)).cloned().collect();
        let sql = format!(
            "SELECT {columns}, * FROM {name} VERSIONS BETWEEN SCN {low} AND {high} \
             WHERE k = {key} ORDER BY versions_startscn NULLS FIRST"
        );
        let found = ask(self.connection(), &sql, ());
        assert_eq!(coalesced(&found), one.join("; "), "{sql} on {branch}");
        self.checks += 2;
    }

    fn open_old(&mut self) {
        if self.old.len() >= 3 {
            return;
        }
        let branch = self.rng.u64(0..self.branches.len() as u64) as usize;
        let branch = &self.branches[branch];
        let mut connection = self.database.as_ref().unwrap().connect().unwrap();
        connection
            .execute(&format!("USE BRANCH \"{}\"", branch.name), ())
            .unwrap();
        connection
            .execute("BEGIN ISOLATION LEVEL REPEATABLE READ", ())
            .unwrap();
        ask(&mut connection, "SELECT 1", ());
        self.old.push(Old {
            connection,
            state: branch.state.clone(),
            until: self.steps + 20,
        });
    }

    /// Whoever has an old snapshot still sees it, and the past besides.
    fn check_old(&mut self) {
        let steps = self.steps;
        for old in &mut self.old {
            if old.until != steps {
                continue;
            }
            for (name, table) in &old.state {
                for suffix in ["", "AS OF NOW", "AS OF BRANCH main AT SCN 1"] {
                    let sql = format!("SELECT * FROM {name} {suffix} ORDER BY 1");
                    let found = ask(&mut old.connection, &sql, ());
                    if suffix.ends_with('1') {
                        assert!(found.starts_with("42P01"), "{sql}\n{found}");
                    } else {
                        assert_eq!(found, table.all(|_, _| true), "{sql}");
                    }
                    self.checks += 1;
                    if found.starts_with("42P01") {
                        // The transaction has failed.
                        return self.old.retain(|old| old.until > steps);
                    }
                }
            }
        }
        self.old.retain(|old| old.until > steps);
    }

    /// Every way to read the moment gives its copy.
    fn check(&mut self, sample: usize) {
        let sample = &self.samples[sample];
        let (branch, scn, time, txid) = (
            sample.branch.clone(),
            sample.scn,
            sample.time.clone(),
            sample.txid,
        );
        let state = sample.state.clone();
        let here = self.rng.u64(0..self.branches.len() as u64) as usize;
        let here = self.branches[here].name.clone();
        self.execute(&format!("USE BRANCH \"{here}\""));
        let clause = match self.rng.u64(0..4) {
            0 => format!("AS OF BRANCH \"{branch}\" AT SCN {scn}"),
            1 => format!("AS OF BRANCH \"{branch}\" AT TIMESTAMP '{time}'"),
            2 if txid.is_some() => {
                let txid = txid.unwrap_or_default();
                format!("AS OF BRANCH \"{branch}\" AS OF TRANSACTION {txid}")
            }
            _ => {
                self.execute(&format!("USE BRANCH \"{branch}\""));
                format!("FOR SYSTEM_TIME AS OF '{time}'")
            }
        };
        let executor = ["row", "vector", "auto"][self.rng.u64(0..3) as usize];
        self.execute(&format!("SET executor = '{executor}'"));
        let key = self.rng.u64(0..KEYS as u64) as i64;
        let value = self.rng.u64(0..50) as i64;
        for name in NAMES {
            let Some(table) = state.get(name) else {
                self.answers(&format!("SELECT * FROM {name} {clause}"), "42P01");
                continue;
            };
            let want = table.all(|_, _| true);
            self.is(&format!("SELECT * FROM {name} {clause} ORDER BY k"), &want);
            let want = table.all(|k, _| k == key);
            self.is(
                &format!("SELECT * FROM {name} {clause} WHERE k = {key}"),
                &want,
            );
            let want = table.all(|k, _| k >= key);
            self.is(
                &format!("SELECT x.* FROM {name} {clause} x WHERE k >= {key} ORDER BY k"),
                &want,
            );
            self.prepared(name, &branch, scn, key, &table.all(|k, _| k == key));
            for (at, (column, kind)) in table.columns.iter().enumerate().skip(1) {
                let want = table.all(|_, row| row[at] == Some(value));
                let value = literal(Some(value), *kind);
                self.is(
                    &format!("SELECT * FROM {name} {clause} WHERE {column} = {value} ORDER BY k"),
                    &want,
                );
                let count = table.rows.values().filter(|row| row[at].is_some()).count();
                self.is(
                    &format!("SELECT count(*), count({column}) FROM {name} {clause}"),
                    &format!("{}|{count}", table.rows.len()),
                );
            }
            let pairs: Vec<String> = table
                .rows
                .keys()
                .filter(|k| state.get("u").is_some_and(|u| u.rows.contains_key(k)))
                .map(i64::to_string)
                .collect();
            if state.contains_key("u") {
                self.is(&format!("SELECT l.k FROM {name} {clause} l JOIN u {clause} r ON l.k = r.k ORDER BY 1"), &pairs.join("; "));
            }
            let total: i64 = table.rows.keys().sum();
            let want = if table.rows.is_empty() {
                "-".to_owned()
            } else {
                total.to_string()
            };
            self.is(
                &format!("SELECT sum(k) FROM (SELECT k FROM {name}) {clause} q"),
                &want,
            );
        }
    }

    fn prepared(&mut self, name: &str, branch: &str, scn: i64, key: i64, want: &str) {
        let sql = format!("SELECT * FROM {name} AS OF BRANCH \"{branch}\" AT SCN $1 WHERE k = $2");
        let statement = match self.prepared.remove(&sql) {
            Some(statement) => statement,
            // What is not there now can be prepared only with its moment.
            None => match self.connection().prepare(&sql) {
                Ok(statement) => statement,
                Err(error) => {
                    assert_eq!(error.sqlstate().to_string(), "42P01", "{sql}");
                    let found = ask(self.connection(), &sql, (scn, key));
                    assert_eq!(found, want, "{sql} with {scn}, {key}");
                    return;
                }
            },
        };
        let found = ask(self.connection(), &statement, (scn, key));
        if found != want {
            let text = sql
                .replace("$1", &scn.to_string())
                .replace("$2", &key.to_string());
            for executor in ["row", "vector"] {
                self.execute(&format!("SET executor = '{executor}'"));
                let again = ask(self.connection(), &statement, (scn, key));
                eprintln!(
                    "{executor}: {again} / {}",
                    ask(self.connection(), &text, ())
                );
            }
            eprintln!("{}", ask(self.connection(), &format!("EXPLAIN {text}"), ()));
        }
        assert_eq!(found, want, "{sql} with {scn}, {key}");
        self.checks += 1;
        self.prepared.insert(sql, statement);
    }

    fn is(&mut self, sql: &str, want: &str) {
        let found = ask(self.connection(), sql, ());
        assert_eq!(found, want, "{sql}");
        self.checks += 1;
    }

    fn answers(&mut self, sql: &str, want: &str) {
        let found = ask(self.connection(), sql, ());
        assert!(found.starts_with(want), "{sql}\n{found}");
        self.checks += 1;
    }
}

/// Versions with the updates left out that changed nothing.
fn coalesced(found: &str) -> String {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for row in found.split("; ").filter(|row| !row.is_empty()) {
        let row: Vec<&str> = row.splitn(4, '|').collect();
        if let Some(last) = rows.last_mut()
            && row[0] == "U"
            && row[1] == last[2]
            && row.get(3) == last.get(3)
        {
            last[2] = row[2];
            continue;
        }
        rows.push(row);
    }
    let rows: Vec<String> = rows.iter().map(|row| row.join("|")).collect();
    rows.join("; ")
}
