//! What statements cost: `pg_stat_statements`, and the log of slow ones.
//!
//! Statements that differ in nothing but constants count as one. A statement counts when it has succeeded
//! and its rows were read; its time is the executor's, without the commit that may follow.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use helios_base::{Result, Row, SqlState, Value};
use helios_expr::SessionHooks;
use helios_table::catalog::RoleId;
use parking_lot::{Mutex, RwLock};

use super::outcome::Outcome;
use super::state::State;
use super::{Session, clock};
use crate::parse::lexer::{Kind, Token, tokenize};

/// How many statements are known; of more, those that ran least are forgotten.
const STATEMENTS_MAX: usize = 5000;
/// How many texts are known not to need a second look.
const TEXTS_MAX: usize = 1024;

/// A statement's text with `$n` for its constants.
#[derive(Debug)]
pub(crate) struct Normal {
    /// Equal for statements that differ in constants, blanks, comments and letter case only.
    id: i64,
    text: Box<str>,
    /// Whether the constants could be told from the rest.
    readable: bool,
}

impl Normal {
    fn of(text: &str) -> Self {
        let tokens = tokenize(text).unwrap_or_default();
        let params = tokens.iter().filter_map(|token| match token.kind {
            Kind::Param(number) => Some(number),
            _ => None,
        });
        let mut next = params.max().unwrap_or(0);
        let mut hasher = std::hash::DefaultHasher::new();
        let mut normal = String::with_capacity(text.len());
        let mut copied = 0;
        for token in &tokens {
            let Token { kind, start, end } = token;
            let constant = matches!(kind, Kind::Text(_) | Kind::Bits(_) | Kind::Number);
            if constant {
                next += 1;
                normal.push_str(text.get(copied..*start).unwrap_or_default());
                normal.push_str(&format!("${next}"));
                copied = *end;
            }
            match kind {
                Kind::Word(word) | Kind::Quoted(word) => (0, word).hash(&mut hasher),
                _ if constant => 1.hash(&mut hasher),
                _ => (2, text.get(*start..*end)).hash(&mut hasher),
            }
        }
        normal.push_str(text.get(copied..).unwrap_or_default());
        Self {
            id: hasher.finish().cast_signed(),
            text: normal.into(),
            readable: !tokens.is_empty(),
        }
    }

    /// The text, if there are surely no constants in it.
    pub(super) fn known(&self) -> Option<&str> {
        self.readable.then_some(&self.text)
    }
}

/// What all statements of an engine cost.
pub(crate) struct Costs {
    table: RwLock<Table>,
    texts: RwLock<HashMap<Arc<str>, Arc<Normal>>>,
}

struct Table {
    tallies: HashMap<(RoleId, i64), Tally>,
    /// How often some had to be forgotten.
    evictions: i64,
    /// Since when, in µs since 1970 UTC.
    since: i64,
}

struct Tally {
    normal: Arc<Normal>,
    counts: Mutex<Counts>,
}

/// Times are in milliseconds; the deviation is summed up as it comes (Welford 1962).
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    calls: u32,
    rows: u64,
    total: f64,
    least: f64,
    most: f64,
    mean: f64,
    squares: f64,
}

impl Counts {
    fn add(&mut self, time: Duration, rows: u64) {
        let time = time.as_secs_f64() * 1e3;
        self.calls = self.calls.saturating_add(1);
        self.rows = self.rows.saturating_add(rows);
        self.total += time;
        self.least = if self.calls == 1 {
            time
        } else {
            self.least.min(time)
        };
        self.most = self.most.max(time);
        let off = time - self.mean;
        self.mean += off / f64::from(self.calls);
        self.squares += off * (time - self.mean);
    }

    fn deviation(&self) -> f64 {
        match self.calls {
            0 => 0.0,
            calls => (self.squares / f64::from(calls)).max(0.0).sqrt(),
        }
    }
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            table: RwLock::new(Table {
                tallies: HashMap::new(),
                evictions: 0,
                since: clock::now(),
            }),
            texts: RwLock::default(),
        }
    }
}

impl Costs {
    pub(super) fn normal(&self, text: &Arc<str>) -> Arc<Normal> {
        if let Some(known) = self.texts.read().get(text) {
            return Arc::clone(known);
        }
        let normal = Arc::new(Normal::of(text));
        let mut texts = self.texts.write();
        if texts.len() >= TEXTS_MAX {
            texts.clear();
        }
        texts.insert(Arc::clone(text), Arc::clone(&normal));
        normal
    }

    fn add(&self, role: RoleId, normal: &Arc<Normal>, time: Duration, rows: u64) {
        let key = (role, normal.id);
        if let Some(tally) = self.table.read().tallies.get(&key) {
            return tally.counts.lock().add(time, rows);
        }
        let mut table = self.table.write();
        if table.tallies.len() >= STATEMENTS_MAX {
            table.forget_some();
        }
        let tally = table.tallies.entry(key).or_insert_with(|| Tally {
            normal: Arc::clone(normal),
            counts: Mutex::default(),
        });
        tally.counts.get_mut().add(time, rows);
    }
}

impl Table {
    /// Forgets a twentieth: those that ran least.
    fn forget_some(&mut self) {
        let calls = |tally: &Tally| tally.counts.lock().calls;
        let mut all: Vec<u32> = self.tallies.values().map(calls).collect();
        let part = all.len() / 20;
        let (_, bound, _) = all.select_nth_unstable(part);
        let (bound, mut left) = (*bound, part + 1);
        self.tallies.retain(|_, tally| {
            let goes = left > 0 && calls(tally) <= bound;
            left -= usize::from(goes);
            !goes
        });
        self.evictions += 1;
    }
}

/// The measure of one statement that runs.
pub(super) struct Measure {
    costs: Option<(Arc<Costs>, RoleId, Arc<Normal>)>,
    /// From what time on it is logged, and as whose statement.
    slow: Option<(Duration, Arc<str>)>,
    text: Arc<str>,
    spent: Duration,
}

impl Measure {
    /// Runs a part of the statement.
    pub(super) fn part<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        self.spent += begun.elapsed();
        done
    }

    /// Counts the statement, which concerned `rows` rows.
    pub(super) fn finish(self, rows: u64) {
        if let Some((costs, role, normal)) = &self.costs {
            costs.add(*role, normal, self.spent, rows);
        }
        if let Some((slow, user)) = &self.slow
            && self.spent >= *slow
        {
            tracing::info!(
                target: "heliosdb::statement",
                duration_ms = (self.spent.as_secs_f64() * 1e6).round() / 1e3,
                user = &**user,
                rows,
                statement = super::audit::without_passwords(&self.text),
                "slow statement"
            );
        }
    }
}

impl Session {
    /// Looks at the clock, if somebody wants to know what the statement costs.
    #[inline]
    pub(super) fn begin_measure(&mut self) -> Option<Instant> {
        self.heed_settings();
        self.chosen.measures().then(Instant::now)
    }

    /// Counts a statement that has run, or will have when its rows are read. `known` keeps what does not
    /// change from run to run.
    pub(super) fn end_measure(
        &self,
        begun: Instant,
        text: &Arc<str>,
        known: Option<&OnceLock<Arc<Normal>>>,
        outcome: &mut Outcome,
    ) {
        let spent = begun.elapsed();
        let costs = &self.engine.shared.costs;
        let tally = self.chosen.tracks.then(|| {
            let normal = match known {
                Some(known) => Arc::clone(known.get_or_init(|| costs.normal(text))),
                None => costs.normal(text),
            };
            let role = self.who().map_or(RoleId::NOBODY, |(who, _)| who.role);
            (Arc::clone(costs), role, normal)
        });
        let measure = Measure {
            costs: tally,
            slow: (self.chosen.slow).map(|slow| (slow, self.state.session_user())),
            text: Arc::clone(text),
            spent,
        };
        match outcome {
            Outcome::Rows(rows) => rows.measure(measure),
            Outcome::Done(done) => measure.finish(done.rows.unwrap_or(0)),
        }
    }
}

/// Calls the function `name`, if it is one of these.
pub(super) fn call(state: &State, name: &str) -> Option<Result<Value>> {
    (name == "pg_stat_statements_reset").then(|| {
        let (who, _) = state.who_now()?;
        if !who.superuser {
            return Err(helios_base::Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                "permission denied for function pg_stat_statements_reset",
            ));
        }
        if let Some(shared) = state.shared.upgrade() {
            *shared.costs.table.write() = Table {
                tallies: HashMap::new(),
                evictions: 0,
                since: clock::now(),
            };
        }
        Ok(Value::text(""))
    })
}

/// The rows of `pg_stat_statements_info`.
pub(super) fn info(state: &State) -> Vec<Row> {
    let shared = state.shared.upgrade();
    let row = shared.map(|shared| {
        let table = shared.costs.table.read();
        vec![
            Value::Int8(table.evictions),
            Value::TimestampTz(table.since),
        ]
    });
    row.into_iter().collect()
}

/// The rows of `pg_stat_statements`. What others run may hold what not everybody should see.
pub(super) fn rows(state: &State) -> Vec<Row> {
    let (Some(shared), Ok((who, _))) = (state.shared.upgrade(), state.who_now()) else {
        return Vec::new();
    };
    let sees_all = who.has_role(RoleId::READ_ALL_STATS);
    let table = shared.costs.table.read();
    let row = |((role, id), tally): (&(RoleId, i64), &Tally)| {
        let counts = *tally.counts.lock();
        let (id, text) = match sees_all || who.role == *role {
            true => (Value::Int8(*id), &*tally.normal.text),
            false => (Value::Null, "<insufficient privilege>"),
        };
        let rows = i64::try_from(counts.rows).unwrap_or(i64::MAX);
        let mut row = vec![
            Value::Oid(role.0),
            Value::Oid(crate::system::DATABASE_OID),
            Value::Bool(true),
            id,
            Value::text(text),
            Value::Int8(counts.calls.into()),
        ];
        let times = [
            counts.total,
            counts.least,
            counts.most,
            counts.mean,
            counts.deviation(),
        ];
        row.extend(times.map(Value::Float8));
        row.push(Value::Int8(rows));
        row
    };
    table.tallies.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_one_but_for_their_constants() {
        let one = Normal::of("SELECT a FROM t -- all\n WHERE b = 'x' AND c > 1.5 AND d = $2");
        let other = Normal::of("select a from t where b = '' and c > 1e9 and d = $2");
        assert_eq!(one.id, other.id);
        assert_eq!(
            &*one.text,
            "SELECT a FROM t -- all\n WHERE b = $3 AND c > $4 AND d = $2"
        );
        for different in [
            "select a from t where b = '' and c > 1e9 and d = $1",
            "select \"A\" from t where b = '' and c > 1e9 and d = $2",
            "select a from t where b = '' and c < 1e9 and d = $2",
        ] {
            assert_ne!(Normal::of(different).id, one.id, "{different}");
        }
        assert_eq!(
            &*Normal::of("alter role a password 'secret'").text,
            "alter role a password $1"
        );
        // What cannot be read is kept as it is.
        assert_eq!(&*Normal::of("select 'open").text, "select 'open");
    }

    #[test]
    fn counts_are_those_of_all_calls() {
        let mut counts = Counts::default();
        for millis in [2, 4, 4, 4, 5, 5, 7, 9] {
            counts.add(Duration::from_millis(millis), 3);
        }
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(counts.mean, 5.0) && close(counts.deviation(), 2.0));
        assert!(close(counts.least, 2.0) && close(counts.most, 9.0) && close(counts.total, 40.0));
        assert_eq!((counts.calls, counts.rows), (8, 24));
    }

    #[test]
    fn of_too_many_those_that_ran_least_are_forgotten() {
        let costs = Costs::default();
        let add = |number: usize| {
            let normal = Arc::new(Normal::of(&format!("select c{number}")));
            costs.add(RoleId::NOBODY, &normal, Duration::ZERO, 1);
        };
        (0..STATEMENTS_MAX).for_each(add);
        (0..10).for_each(add);
        add(STATEMENTS_MAX);
        let table = costs.table.read();
        assert_eq!(table.evictions, 1);
        assert!(table.tallies.len() < STATEMENTS_MAX && table.tallies.len() > STATEMENTS_MAX / 2);
        let busy = table.tallies.values();
        assert_eq!(
            busy.filter(|tally| tally.counts.lock().calls == 2).count(),
            10
        );
    }
}
