//! Guards against wrong answers under interleaving: random statements of several connections,
//! with transactions, savepoints, schema changes and reopening, against a simple model.
//!
//! `HELIOS_MODEL_OPS` says how many statements (default 20,000), `HELIOS_SEED` which ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database, Error, Options, Value};

/// `a`, `b` and the column that comes and goes.
type Content = (Option<i32>, Option<String>, Option<i32>);
type State = BTreeMap<i32, Content>;

const CONNECTIONS: usize = 3;
const KEYS: i32 = 40;

/// A transaction at REPEATABLE READ, as the model sees it.
struct Open {
    /// What was committed when it began, and when that was.
    snapshot: State,
    began: u64,
    /// What it sees.
    view: State,
    /// Rows it changed and did not undo, and what it changed them from.
    changes: Changes,
    /// Rows it changed or tried to: their locks may be held.
    touched: BTreeSet<i32>,
    /// Values of the unique column that it brought or took away, or tried to.
    values: BTreeSet<i32>,
    /// The four above, as they were.
    savepoints: Vec<Savepoint>,
    begun: bool,
    failed: bool,
}

type Changes = BTreeMap<i32, Option<Content>>;
type Savepoint = (State, Changes, BTreeSet<i32>, BTreeSet<i32>);

struct World {
    path: Option<PathBuf>,
    /// Rows go into segments after almost every statement.
    freezes: bool,
    /// In segments they lie in the order of other columns than the key, now these and then those.
    clusters: bool,
    database: Option<Database>,
    connections: Vec<Connection>,
    open: Vec<Option<Open>>,
    committed: State,
    /// Counts changes of what is committed, and says when each row and each unique value last had
    /// one: a row that was deleted and came back alike is another version all the same.
    clock: u64,
    changed_rows: BTreeMap<i32, u64>,
    changed_values: BTreeMap<i32, u64>,
    has_extra: bool,
    indexes: BTreeSet<u8>,
    rng: Rng,
    statements: u64,
    /// The most rows that were promoted at a time.
    promoted: i64,
}

#[test]
fn statements_in_memory_match_the_model() {
    run(None, operations(), false, false);
}

#[test]
fn statements_on_disk_match_the_model() {
    let scratch = Scratch::new();
    run(Some(scratch.join("db")), operations() / 4, false, false);
}

#[test]
fn statements_over_segments_in_memory_match_the_model() {
    run(None, operations() / 4, true, false);
}

#[test]
fn statements_over_clustered_segments_in_memory_match_the_model() {
    run(None, operations() / 4, true, true);
}

#[test]
fn statements_over_clustered_segments_on_disk_match_the_model() {
    let scratch = Scratch::new();
    run(Some(scratch.join("db")), operations() / 20, true, true);
}

#[test]
fn statements_over_segments_on_disk_match_the_model() {
    let scratch = Scratch::new();
    run(Some(scratch.join("db")), operations() / 20, true, false);
}

/// The same statements every time, unless `HELIOS_SEED` asks for others.
fn seeded() -> Rng {
    if std::env::var_os("HELIOS_SEED").is_some() {
        Rng::new()
    } else {
        Rng::with_seed(20_261_121)
    }
}

fn operations() -> u64 {
    std::env::var("HELIOS_MODEL_OPS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000)
}

fn run(path: Option<PathBuf>, operations: u64, freezes: bool, clusters: bool) {
    let mut world = World::new(path, freezes, clusters);
    eprintln!("seed {}", world.rng.seed());
    while world.statements < operations {
        world.step();
    }
    for who in 0..CONNECTIONS {
        world.end(who, true);
    }
    world.check_all();
    assert_eq!(freezes, world.promoted > 0);
    let report = world.database().check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

impl World {
    fn new(path: Option<PathBuf>, freezes: bool, clusters: bool) -> Self {
        let mut world = Self {
            path,
            freezes,
            clusters,
            database: None,
            connections: Vec::new(),
            open: Vec::new(),
            committed: State::new(),
            clock: 0,
            changed_rows: BTreeMap::new(),
            changed_values: BTreeMap::new(),
            has_extra: false,
            indexes: BTreeSet::new(),
            rng: seeded(),
            statements: 0,
            promoted: 0,
        };
        world.reopen();
        if world.freezes {
            // VACUUM freezes, too, and brings back what was read, and lets that go again.
            world.connections[0]
                .execute_batch(
                    "SET hybrid_storage_hot_threshold = '0'; SET hybrid_storage_min_rows = 1; SET access_count_threshold = 1",
                )
                .unwrap();
        }
        world.connections[0]
            .execute(
                match clusters {
                    true => {
                        "CREATE TABLE t (id integer PRIMARY KEY, a integer UNIQUE, b text) CLUSTER BY (b, a)"
                    }
                    false => "CREATE TABLE t (id integer PRIMARY KEY, a integer UNIQUE, b text)",
                },
                (),
            )
            .unwrap();
        world
    }

    fn database(&self) -> &Database {
        self.database.as_ref().unwrap()
    }

    /// Opens, or closes and opens again; open transactions are lost.
    fn reopen(&mut self) {
        self.open = (0..CONNECTIONS).map(|_| None).collect();
        self.connections.clear();
        let database = match (&self.path, self.database.take()) {
            (Some(path), old) => {
                drop(old);
                let mut options = Options::new();
                if self.freezes {
                    // Rows with a history stay where they are: let it go soon.
                    options = options.retention(std::time::Duration::ZERO);
                }
                options.open(path).unwrap()
            }
            (None, Some(same)) => same,
            (None, None) => Database::open_in_memory().unwrap(),
        };
        for _ in 0..CONNECTIONS {
            let mut connection = database.connect().unwrap();
            connection.execute("SET lock_timeout = '1ms'", ()).unwrap();
            self.connections.push(connection);
        }
        self.database = Some(database);
    }

    /// Freezes, or lets go of what nobody reads any more so that there is something to freeze.
    fn maintain(&mut self) {
        let mut connection = self.database().connect().unwrap();
        if self.clusters && self.rng.u32(0..20) == 0 && self.open.iter().all(Option::is_none) {
            let by = ["(a)", "(b, a)", "(b)", "NONE"][self.rng.usize(0..4)];
            let sql = format!("ALTER TABLE t CLUSTER BY {by}");
            connection.execute_batch(&sql).unwrap();
        }
        if self.rng.u32(0..30) == 0 {
            // Rows come back, whoever reads what.
            for sql in ["SET hybrid_storage = off", "VACUUM", "RESET hybrid_storage"] {
                connection.execute_batch(sql).unwrap();
            }
        }
        let sql = match self.rng.u32(0..4) {
            0 => "VACUUM",
            _ => "SELECT * FROM helios_freeze('t')",
        };
        connection.execute_batch(sql).unwrap();
        let held = "SELECT sum(promoted_rows)::bigint FROM helios_hybrid_storage()";
        let held = connection.query_row(held, ()).unwrap();
        let held: Option<i64> = held.get(0).unwrap();
        self.promoted = self.promoted.max(held.unwrap_or(0));
    }

    fn step(&mut self) {
        let who = self.rng.usize(0..CONNECTIONS);
        self.statements += 1;
        if self.freezes && self.rng.u32(0..4) > 0 {
            self.maintain();
        }
        match self.rng.u32(0..1000) {
            0..250 => self.insert(who),
            250..400 => self.update(who),
            400..520 => self.delete(who),
            520..650 => self.read_one(who),
            650..700 => self.read_all(who),
            700..780 => self.begin(who),
            780..850 => self.end(who, true),
            850..880 => self.end(who, false),
            880..940 => self.savepoint(who),
            940..985 => self.rollback_to(who),
            985..997 => self.schema(),
            _ => {
                if self.path.is_some() || self.rng.one_in(4) {
                    self.reopen();
                }
                self.check_all();
            }
        }
    }

    /// What connection `who` sees now.
    fn view(&self, who: usize) -> &State {
        self.open[who]
            .as_ref()
            .map_or(&self.committed, |open| &open.view)
    }

    fn is_failed(&self, who: usize) -> bool {
        self.open[who].as_ref().is_some_and(|open| open.failed)
    }

    /// A REPEATABLE READ snapshot is taken by the first statement, not by BEGIN.
    fn touch_snapshot(&mut self, who: usize) {
        if let Some(open) = &mut self.open[who]
            && !open.begun
        {
            open.begun = true;
            open.snapshot = self.committed.clone();
            open.began = self.clock;
            open.view = self.committed.clone();
        }
    }

    fn begin(&mut self, who: usize) {
        if self.open[who].is_some() {
            return;
        }
        self.connections[who]
            .execute("BEGIN ISOLATION LEVEL REPEATABLE READ", ())
            .unwrap();
        self.open[who] = Some(Open {
            snapshot: State::new(),
            began: 0,
            view: State::new(),
            savepoints: Vec::new(),
            changes: BTreeMap::new(),
            touched: BTreeSet::new(),
            values: BTreeSet::new(),
            begun: false,
            failed: false,
        });
    }

    fn end(&mut self, who: usize, commit: bool) {
        let Some(open) = self.open[who].take() else {
            return;
        };
        let word = if commit { "COMMIT" } else { "ROLLBACK" };
        self.connections[who].execute(word, ()).unwrap();
        if !commit || open.failed {
            return;
        }
        for (id, base) in &open.changes {
            let new = open.view.get(id);
            assert_eq!(
                self.committed.get(id),
                base.as_ref(),
                "an update of row {id} was lost, seed {}",
                self.rng.seed()
            );
            let new = new.cloned();
            self.commit_row(*id, new);
        }
        let mut values = BTreeSet::new();
        for (a, _, _) in self.committed.values() {
            assert!(a.is_none_or(|a| values.insert(a)), "{a:?} is there twice");
        }
    }

    fn savepoint(&mut self, who: usize) {
        self.touch_snapshot(who);
        let Some(open) = self.open[who].as_mut().filter(|open| !open.failed) else {
            return;
        };
        let name = format!("SAVEPOINT s{}", open.savepoints.len());
        open.savepoints.push((
            open.view.clone(),
            open.changes.clone(),
            open.touched.clone(),
            open.values.clone(),
        ));
        self.connections[who].execute(&name, ()).unwrap();
    }

    fn rollback_to(&mut self, who: usize) {
        let Some(open) = self.open[who].as_mut() else {
            return;
        };
        if open.savepoints.is_empty() {
            return;
        }
        let depth = self.rng.usize(0..open.savepoints.len());
        if !open.failed && self.rng.bool() {
            open.savepoints.truncate(depth);
            let sql = format!("RELEASE SAVEPOINT s{depth}");
            self.connections[who].execute(&sql, ()).unwrap();
            return;
        }
        open.savepoints.truncate(depth + 1);
        // Locks taken since are given back, too.
        (open.view, open.changes, open.touched, open.values) = open.savepoints[depth].clone();
        open.failed = false;
        let sql = format!("ROLLBACK TO SAVEPOINT s{depth}");
        self.connections[who].execute(&sql, ()).unwrap();
    }

    /// Whether a change that touches row `id` and these values of `a` meets somebody else: another
    /// open transaction, or a commit since the snapshot.
    fn contended(&self, who: usize, id: i32, values: &[Option<i32>]) -> bool {
        let others = self
            .open
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != who);
        let by_open = others.flat_map(|(_, open)| open).any(|open| {
            open.touched.contains(&id) || values.iter().flatten().any(|a| open.values.contains(a))
        });
        let by_commit = self.open[who].as_ref().is_some_and(|open| {
            let since = |when: Option<&u64>| when.is_some_and(|when| *when > open.began);
            since(self.changed_rows.get(&id))
                || values
                    .iter()
                    .flatten()
                    .any(|a| since(self.changed_values.get(a)))
        });
        by_open || by_commit
    }

    /// Takes a change into what is committed.
    fn commit_row(&mut self, id: i32, content: Option<Content>) {
        self.clock += 1;
        self.changed_rows.insert(id, self.clock);
        let before = match &content {
            Some(content) => self.committed.insert(id, content.clone()),
            None => self.committed.remove(&id),
        };
        for (a, _, _) in [before, content].into_iter().flatten() {
            if let Some(a) = a {
                self.changed_values.insert(a, self.clock);
            }
        }
    }

    /// What uniqueness is judged by: the newest committed rows, and the own changes on top.
    fn latest(&self, who: usize) -> State {
        let mut latest = self.committed.clone();
        if let Some(open) = &self.open[who] {
            for id in open.changes.keys() {
                match open.view.get(id) {
                    Some(content) => latest.insert(*id, content.clone()),
                    None => latest.remove(id),
                };
            }
        }
        latest
    }

    /// Judges how a change ended and lets the model follow. `base` is what the row was changed
    /// from: for an insertion the newest committed row, for others what was seen.
    #[allow(clippy::too_many_arguments, reason = "the parts of one judgement")]
    fn settle(
        &mut self,
        who: usize,
        id: i32,
        base: Option<Content>,
        after: Option<Content>,
        duplicate: bool,
        contended: bool,
        done: Result<u64, Error>,
    ) {
        let context = |world: &Self| {
            format!(
                "seed {}, statement {}, row {id}",
                world.rng.seed(),
                world.statements
            )
        };
        match done {
            Ok(_) => {
                assert!(!duplicate, "a duplicate was let in: {}", context(self));
                let before = self.view(who).get(&id).cloned();
                let Some(open) = &mut self.open[who] else {
                    self.commit_row(id, after);
                    return;
                };
                open.touched.insert(id);
                open.changes.entry(id).or_insert_with(|| base.clone());
                let values = [&before, &after];
                open.values
                    .extend(values.into_iter().flatten().filter_map(|row| row.0));
                match after {
                    Some(content) => open.view.insert(id, content),
                    None => open.view.remove(&id),
                };
            }
            Err(error) => {
                let state = error.sqlstate();
                let allowed = match state.as_str() {
                    "23505" => duplicate || contended,
                    "40001" | "55P03" => contended,
                    _ => false,
                };
                assert!(allowed, "{error:?}: {}", context(self));
                let newest = self.committed.get(&id).cloned();
                if let Some(open) = &mut self.open[who] {
                    open.failed = true;
                    // The row may be locked even so, and with it the values it has or had: what
                    // the transaction sees and what is committed since may differ.
                    let seen = open.view.get(&id).cloned();
                    let rows = [&after, &base, &seen, &newest];
                    open.values
                        .extend(rows.into_iter().flatten().filter_map(|row| row.0));
                    open.touched.insert(id);
                }
            }
        }
    }

    /// The row as the transaction's snapshot has it.
    fn base(&self, who: usize, id: i32) -> Option<Content> {
        let state = self.open[who]
            .as_ref()
            .map_or(&self.committed, |open| &open.snapshot);
        state.get(&id).cloned()
    }

    fn content(&mut self) -> Content {
        let a = (!self.rng.one_in(4)).then(|| self.rng.i32(0..KEYS));
        let b = (!self.rng.one_in(5)).then(|| format!("b{}", self.rng.u32(0..20)));
        (a, b, None)
    }

    fn insert(&mut self, who: usize) {
        if self.is_failed(who) {
            return;
        }
        self.touch_snapshot(who);
        let id = self.rng.i32(0..KEYS);
        let mut content = self.content();
        content.2 = self.has_extra.then_some(7);
        let latest = self.latest(who);
        let duplicate = latest.contains_key(&id)
            || content
                .0
                .is_some_and(|a| latest.values().any(|row| row.0 == Some(a)));
        let base = self.committed.get(&id).cloned();
        let contended = self.contended(who, id, &[content.0]);
        let done = self.connections[who].execute(
            "INSERT INTO t (id, a, b) VALUES ($1, $2, $3)",
            (id, content.0, content.1.clone()),
        );
        self.settle(who, id, base, Some(content), duplicate, contended, done);
    }

    fn update(&mut self, who: usize) {
        if self.is_failed(who) {
            return;
        }
        self.touch_snapshot(who);
        let id = self.rng.i32(0..KEYS);
        let mut content = self.content();
        let view = self.view(who);
        let Some(old) = view.get(&id).cloned() else {
            let sql = "UPDATE t SET b = 'none' WHERE id = $1";
            assert_eq!(self.connections[who].execute(sql, (id,)).unwrap(), 0);
            return;
        };
        content.2 = old.2;
        let latest = self.latest(who);
        let duplicate = content.0.is_some_and(|a| {
            latest
                .iter()
                .any(|(other, row)| *other != id && row.0 == Some(a))
        });
        let base = self.base(who, id);
        let contended = self.contended(who, id, &[content.0, old.0]);
        let done = self.connections[who].execute(
            "UPDATE t SET a = $2, b = $3 WHERE id = $1",
            (id, content.0, content.1.clone()),
        );
        self.settle(who, id, base, Some(content), duplicate, contended, done);
    }

    fn delete(&mut self, who: usize) {
        if self.is_failed(who) {
            return;
        }
        self.touch_snapshot(who);
        let id = self.rng.i32(0..KEYS);
        let Some(old) = self.view(who).get(&id).cloned() else {
            let sql = "DELETE FROM t WHERE id = $1";
            assert_eq!(self.connections[who].execute(sql, (id,)).unwrap(), 0);
            return;
        };
        let contended = self.contended(who, id, &[old.0]);
        let done = self.connections[who].execute("DELETE FROM t WHERE id = $1", (id,));
        let base = self.base(who, id);
        self.settle(who, id, base, None, false, contended, done);
    }

    fn read_one(&mut self, who: usize) {
        if self.is_failed(who) {
            return;
        }
        self.touch_snapshot(who);
        let key = self.rng.i32(0..KEYS);
        let by_id = self.rng.bool();
        let column = if by_id { "id" } else { "a" };
        let sql = format!("SELECT * FROM t WHERE {column} = $1");
        let got = rows(&mut self.connections[who], &sql, key);
        let wanted: State = self
            .view(who)
            .iter()
            .filter(|(id, row)| {
                if by_id {
                    **id == key
                } else {
                    row.0 == Some(key)
                }
            })
            .map(|(id, row)| (*id, row.clone()))
            .collect();
        assert_eq!(got, wanted, "{sql} with {key}, seed {}", self.rng.seed());
    }

    fn read_all(&mut self, who: usize) {
        if self.is_failed(who) {
            return;
        }
        self.touch_snapshot(who);
        let from = self.rng.i32(0..KEYS);
        let order = if self.rng.bool() { "ASC" } else { "DESC" };
        let sql = match self.rng.u8(0..3) {
            0 => format!("SELECT * FROM t WHERE id >= $1 ORDER BY id {order}"),
            1 => format!("SELECT * FROM t WHERE a >= $1 ORDER BY a {order}"),
            _ => "SELECT * FROM t WHERE id >= $1 OR a IS NULL".to_owned(),
        };
        let got = rows(&mut self.connections[who], &sql, from);
        let wanted: State = self
            .view(who)
            .iter()
            .filter(|(id, row)| {
                if sql.contains("OR a IS NULL") {
                    **id >= from || row.0.is_none()
                } else if sql.contains("WHERE a") {
                    row.0.is_some_and(|a| a >= from)
                } else {
                    **id >= from
                }
            })
            .map(|(id, row)| (*id, row.clone()))
            .collect();
        assert_eq!(got, wanted, "{sql} with {from}, seed {}", self.rng.seed());
        let sum = self.connections[who]
            .query_row("SELECT count(*), sum(a) FROM t", ())
            .unwrap();
        let view = self.view(who);
        let total: i64 = view.values().filter_map(|row| row.0).map(i64::from).sum();
        let any = view.values().any(|row| row.0.is_some());
        assert_eq!(
            sum.get::<i64>(0).unwrap(),
            i64::try_from(view.len()).unwrap()
        );
        assert_eq!(sum.get::<Option<i64>>(1).unwrap(), any.then_some(total));
    }

    /// Changes the schema; only while nobody is in a transaction, whose locks it would meet.
    fn schema(&mut self) {
        if self.open.iter().any(Option::is_some) {
            return;
        }
        let connection = &mut self.connections[0];
        match self.rng.u8(0..4) {
            0 if self.has_extra => {
                connection
                    .execute("ALTER TABLE t DROP COLUMN extra", ())
                    .unwrap();
                self.has_extra = false;
                self.committed.values_mut().for_each(|row| row.2 = None);
            }
            0 => {
                let sql = "ALTER TABLE t ADD COLUMN extra integer DEFAULT 7";
                connection.execute(sql, ()).unwrap();
                self.has_extra = true;
                self.committed.values_mut().for_each(|row| row.2 = Some(7));
            }
            1 | 2 => {
                let number = self.rng.u8(0..3);
                let columns = ["a DESC", "b", "b, a"][usize::from(number)];
                let sql = if self.indexes.remove(&number) {
                    format!("DROP INDEX t_{number}")
                } else {
                    self.indexes.insert(number);
                    format!("CREATE INDEX t_{number} ON t ({columns})")
                };
                connection.execute(&sql, ()).unwrap();
            }
            _ if self.rng.one_in(4) => {
                connection.execute("TRUNCATE t", ()).unwrap();
                self.committed.clear();
            }
            _ => {
                // Undone, it must leave no trace.
                connection
                    .execute_batch(
                        "BEGIN; CREATE INDEX gone ON t (b); ALTER TABLE t DROP COLUMN a; ROLLBACK",
                    )
                    .unwrap();
            }
        }
    }

    /// A fresh connection sees what is committed, by every way there is.
    fn check_all(&mut self) {
        let mut fresh = self.database().connect().unwrap();
        let got = rows(&mut fresh, "SELECT * FROM t WHERE id >= $1", 0);
        assert_eq!(got, self.committed, "seed {}", self.rng.seed());
        for a in 0..KEYS {
            let got = rows(&mut fresh, "SELECT * FROM t WHERE a = $1", a);
            let wanted = self
                .committed
                .iter()
                .filter(|(_, row)| row.0 == Some(a))
                .count();
            assert_eq!(got.len(), wanted, "a = {a}, seed {}", self.rng.seed());
        }
    }
}

fn rows(connection: &mut Connection, sql: &str, parameter: i32) -> State {
    let mut state = State::new();
    for row in connection.query(sql, (parameter,)).unwrap() {
        let row = row.unwrap();
        let extra = match row.values().get(3) {
            Some(Value::Null) | None => None,
            Some(_) => row.get(3).unwrap(),
        };
        let content = (row.get(1).unwrap(), row.get(2).unwrap(), extra);
        let id = row.get(0).unwrap();
        assert!(
            state.insert(id, content).is_none(),
            "row {id} came twice from {sql}"
        );
    }
    state
}
