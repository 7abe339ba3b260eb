//! What rows in columnar segments cost beside rows in the row store: loading, freezing, reading single ones.
//! `cargo bench -p helios-table --bench cold`.
//!
//! `HELIOS_BENCH_ROWS` sets the number of rows (default 200,000). Times are of the processor, where the system
//! tells them, since files are in memory.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use helios_base::{BranchId, DataType, Error, Result, TextContext, Value};
use helios_expr::{EvalContext, Expr, NoSession};
use helios_table::catalog::{Catalog, SchemaId, TableDef};
use helios_table::ddl::{NewColumn, NewConstraint, NewConstraintKind, NewTable};
use helios_table::{TableExprs, TableReader, TableWriter, Tables};
use helios_version::{Options, Step, Store, TxnOptions};

struct NoExprs;

impl TableExprs for NoExprs {
    fn compile(&self, _: &Catalog, _: &TableDef, _: &str, _: Option<&DataType>) -> Result<Expr> {
        Err(Error::unsupported("expressions"))
    }
}

/// Time of this thread, in ns.
struct Clock {
    started: Instant,
    cpu: Option<u64>,
}

fn cpu() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

impl Clock {
    fn start() -> Self {
        Self {
            started: Instant::now(),
            cpu: cpu(),
        }
    }

    fn tell(self, what: &str, count: i64) {
        let wall = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let nanos = match (self.cpu, cpu()) {
            (Some(before), Some(after)) => after - before,
            _ => wall,
        };
        let count = u64::try_from(count.max(1)).unwrap_or(1);
        println!("{what:<52} {:>8} ns", nanos / count);
    }
}

fn table(tables: &Arc<Tables>, name: &str, options: &[(&str, &str)]) -> Result<Arc<TableDef>> {
    let transaction = tables.begin(TxnOptions::default())?;
    let table = transaction.create_table(&NewTable {
        schema: SchemaId::PUBLIC,
        name: name.to_owned(),
        columns: vec![
            NewColumn::new("id", DataType::Int8),
            NewColumn::new("part", DataType::Int4),
            NewColumn::new("price", DataType::Float8),
            NewColumn::new("flag", DataType::Text),
            NewColumn::new("day", DataType::Date),
            NewColumn::new("at", DataType::Timestamp(None)),
            NewColumn::new("mode", DataType::Text),
            NewColumn::new("comment", DataType::Text),
        ],
        constraints: vec![NewConstraint::new(NewConstraintKind::PrimaryKey {
            columns: vec!["id".to_owned()],
            include: Vec::new(),
        })],
        options: (options.iter())
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    })?;
    transaction.commit()?;
    Ok(table)
}

fn row(id: i64, random: &mut fastrand::Rng) -> Vec<Value> {
    const WORDS: [&str; 12] = [
        "carefully",
        "final",
        "deposits",
        "sleep",
        "quickly",
        "among",
        "the",
        "ironic",
        "requests",
        "bold",
        "accounts",
        "haggle",
    ];
    let mut comment = String::new();
    for _ in 0..random.usize(2..7) {
        comment.push_str(WORDS[random.usize(0..WORDS.len())]);
        comment.push(' ');
    }
    vec![
        Value::Int8(id * 3),
        Value::Int4(random.i32(0..200_000)),
        Value::Float8(f64::from(random.i32(90_000..10_500_000)) / 100.0),
        Value::text(["A", "N", "R"][random.usize(0..3)]),
        Value::Date(random.i32(8_000..10_500)),
        Value::Timestamp(1_700_000_000_000_000 + id * 1_000_003),
        Value::text(["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"][random.usize(0..7)]),
        Value::text(comment),
    ]
}

fn fill(tables: &Arc<Tables>, table: &Arc<TableDef>, rows: i64, how: &str) -> Result<()> {
    let text = TextContext::default();
    let context = EvalContext::new(&NoSession, &text);
    let mut random = fastrand::Rng::with_seed(7);
    let all: Vec<Vec<Value>> = (0..rows).map(|id| row(id, &mut random)).collect();
    let transaction = tables.begin(TxnOptions::default())?;
    let catalog = transaction.catalog()?;
    let mut writer = TableWriter::new(&transaction, &catalog, table)?;
    let clock = Clock::start();
    for mut row in all {
        writer.insert(&mut row, &context)?;
    }
    clock.tell(&format!("{how}: inserts, per row"), rows);
    let clock = Clock::start();
    transaction.finish_statement(&context)?;
    transaction.commit()?;
    clock.tell(&format!("{how}: commit, per row"), rows);
    Ok(())
}

/// Single rows, in several orders.
fn points(tables: &Tables, table: &TableDef, rows: i64, what: &str) -> Result<()> {
    let snapshot = tables.store().snapshot(BranchId::MAIN, None)?;
    let reader = TableReader::new(table, &snapshot);
    let mut buffer = Vec::new();
    let scattered = |at: i64| (at * 7919) % rows;
    let near = |at: i64| at;
    let few = |at: i64| (at * 7919) % rows.min(20_000);
    let orders: [Order<'_>; 6] = [
        ("scattered, the first 1,000", &scattered, 1_000),
        (
            "scattered, the next ones",
            &|at| scattered(at + 1_000),
            20_000,
        ),
        ("scattered, all", &scattered, rows),
        ("one after the other", &near, rows),
        ("among 20,000", &few, rows),
        ("among 20,000, again", &few, rows),
    ];
    for (order, id, count) in orders {
        let clock = Clock::start();
        for at in 0..count {
            let found = reader.point(&[Value::Int8(id(at) * 3)], &mut buffer, |row| {
                black_box(row.value(1)?);
                Ok(())
            })?;
            assert!(found.is_some());
        }
        clock.tell(&format!("{what}: single rows {order}"), count);
    }
    Ok(())
}

/// A name, the id of the n-th read, and how many reads.
type Order<'a> = (&'a str, &'a dyn Fn(i64) -> i64, i64);

fn main() -> Result<()> {
    let rows = std::env::var("HELIOS_BENCH_ROWS").ok();
    let rows: i64 = rows.and_then(|rows| rows.parse().ok()).unwrap_or(200_000);
    let options = Options {
        background: false,
        // What one row costs that was not read before.
        row_cache_bytes: 0,
        ..Options::default()
    };
    let directory = tempfile::tempdir().map_err(|error| Error::io("make a directory", error))?;
    let store = Store::open(&directory.path().join("db"), options)?;
    let tables = Tables::open(store, Arc::new(NoExprs))?;
    let checkpoint = || -> Result<()> {
        while tables.store().checkpoint_step(1 << 20)? == Step::More {}
        Ok(())
    };
    let hot = table(&tables, "hot", &[("hybrid_storage", "off")])?;
    fill(&tables, &hot, rows, "rows")?;
    let clock = Clock::start();
    checkpoint()?;
    clock.tell("rows: checkpoint, per row", rows);
    points(&tables, &hot, rows, "rows")?;
    let frozen = table(&tables, "frozen", &[])?;
    fill(&tables, &frozen, rows, "frozen")?;
    checkpoint()?;
    let clock = Clock::start();
    tables.freeze(&frozen, BranchId::MAIN, tables.store().scn(), &|| Ok(()))?;
    clock.tell("frozen: freezing, per row", rows);
    points(&tables, &frozen, rows, "frozen")?;
    let loaded = table(&tables, "loaded", &[("bulk_load_threshold", "1000")])?;
    fill(&tables, &loaded, rows, "loaded")?;
    let clock = Clock::start();
    checkpoint()?;
    clock.tell("loaded: checkpoint, per row", rows);
    points(&tables, &loaded, rows, "loaded")
}
