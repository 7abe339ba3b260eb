//! How long rows take, beside the version layer below: `cargo bench -p helios-table`.
//!
//! `HELIOS_BENCH_ROWS` sets the number of rows (default 100,000). Each line is the mean of one pass.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use helios_base::{BranchId, DataType, Error, Result, TextContext, Value};
use helios_expr::{EvalContext, Expr, NoSession};
use helios_table::catalog::{Catalog, SchemaId, TableDef};
use helios_table::ddl::{NewColumn, NewConstraint, NewConstraintKind, NewTable};
use helios_table::{KeyRange, KeyRangeSpec, Lock, TableExprs, TableReader, TableWriter, Tables};
use helios_version::{LockMode, Options, Read, Store, TxnOptions, Wait};

struct NoExprs;

impl TableExprs for NoExprs {
    fn compile(&self, _: &Catalog, _: &TableDef, _: &str, _: Option<&DataType>) -> Result<Expr> {
        Err(Error::unsupported("expressions"))
    }
}

fn main() -> Result<()> {
    let rows = std::env::var("HELIOS_BENCH_ROWS").ok();
    let rows: i64 = rows.and_then(|rows| rows.parse().ok()).unwrap_or(100_000);
    let options = Options {
        background: false,
        ..Options::default()
    };
    let tables = Tables::open(Store::open_in_memory(options)?, Arc::new(NoExprs))?;
    let text = TextContext::default();
    let context = EvalContext::new(&NoSession, &text);

    let transaction = tables.begin(TxnOptions::default())?;
    let key = |kind| NewConstraint::new(kind);
    let table = transaction.create_table(&NewTable {
        schema: SchemaId::PUBLIC,
        name: "t".to_owned(),
        columns: vec![
            NewColumn::new("id", DataType::Int8),
            NewColumn::new("group", DataType::Int4),
            NewColumn::new("name", DataType::Text),
            NewColumn::new("price", DataType::Float8),
        ],
        constraints: vec![
            key(NewConstraintKind::PrimaryKey {
                columns: vec!["id".to_owned()],
                include: Vec::new(),
            }),
            key(NewConstraintKind::Unique {
                columns: vec!["name".to_owned()],
                include: Vec::new(),
                nulls_not_distinct: false,
            }),
        ],
        ..NewTable::default()
    })?;
    transaction.commit()?;
    let row = |id: i64| {
        vec![
            Value::Int8(id),
            Value::Int4(i32::try_from(id % 100).unwrap_or(0)),
            Value::text(format!("name of row {id}")),
            Value::Float8(0.5),
        ]
    };

    let report = |what: &str, count: i64, started: Instant| {
        let nanos = started.elapsed().as_nanos() / u128::try_from(count.max(1)).unwrap_or(1);
        println!("{what:<44} {nanos:>8} ns");
    };

    let transaction = tables.begin(TxnOptions::default())?;
    let plain = transaction.create_table(&NewTable {
        schema: SchemaId::PUBLIC,
        name: "plain".to_owned(),
        columns: vec![
            NewColumn::new("id", DataType::Int8),
            NewColumn::new("group", DataType::Int4),
            NewColumn::new("name", DataType::Text),
            NewColumn::new("price", DataType::Float8),
        ],
        constraints: vec![key(NewConstraintKind::PrimaryKey {
            columns: vec!["id".to_owned()],
            include: Vec::new(),
        })],
        ..NewTable::default()
    })?;
    transaction.commit()?;
    let transaction = tables.begin(TxnOptions::default())?;
    let catalog = transaction.catalog()?;
    let mut writer = TableWriter::new(&transaction, &catalog, &plain)?;
    let started = Instant::now();
    for id in 0..rows {
        writer.insert(&mut row(id), &context)?;
    }
    report("insert (primary key only)", rows, started);
    transaction.commit()?;
    let started = Instant::now();
    for id in 0..rows {
        black_box(row(id));
    }
    report("  of which making the row", rows, started);

    let transaction = tables.begin(TxnOptions::default())?;
    let catalog = transaction.catalog()?;
    let mut writer = TableWriter::new(&transaction, &catalog, &table)?;
    let started = Instant::now();
    for id in 0..rows {
        writer.insert(&mut row(id), &context)?;
    }
    report("insert (unique index)", rows, started);
    let started = Instant::now();
    transaction.finish_statement(&context)?;
    transaction.commit()?;
    report("commit, per row", rows, started);

    let snapshot = tables.store().snapshot(BranchId::MAIN, None)?;
    let reader = TableReader::new(&table, &snapshot);
    let mut buffer = Vec::new();
    // A step that is prime to the number of rows visits them all in a scattered order.
    let ids = || (0..rows).map(move |i| (i * 7919) % rows);
    for pass in ["first", "again"] {
        let started = Instant::now();
        for id in ids() {
            buffer.clear();
            table.shape().encode_key(&[Value::Int8(id)], &mut buffer)?;
            black_box(snapshot.get(table.storage, &buffer)?);
        }
        report(&format!("get of the version layer, {pass}"), rows, started);
    }
    let started = Instant::now();
    let mut values = Vec::new();
    for id in ids() {
        values.clear();
        reader.point(&[Value::Int8(id)], &mut buffer, |row| {
            row.project(&[1, 3], &mut values)
        })?;
        black_box(&values);
    }
    report("get and decode of two columns", rows, started);
    let started = Instant::now();
    for id in ids() {
        values.clear();
        reader.point(&[Value::Int8(id)], &mut buffer, |row| {
            row.project(&[0, 1, 2, 3], &mut values)
        })?;
        black_box(&values);
    }
    report("get and decode of all columns", rows, started);

    let started = Instant::now();
    for _ in 0..rows {
        let snapshot = tables.store().snapshot(BranchId::MAIN, None)?;
        black_box(tables.catalog(&snapshot)?);
    }
    report("snapshot and its catalog", rows, started);

    let started = Instant::now();
    let mut scan = reader.scan(&KeyRange::ALL, false)?;
    while scan
        .next(|row| {
            values.clear();
            row.project(&[1, 3], &mut values)
        })?
        .is_some()
    {}
    report("scan, two columns, per row", rows, started);

    let rules = tables.rules(&catalog, &table)?;
    let Some(index) = rules.indexes.iter().find(|index| !index.def.clustered) else {
        return Err(Error::internal("no index"));
    };
    let started = Instant::now();
    for id in ids() {
        let key = [Value::text(format!("name of row {id}"))];
        let range = index.key_range(&KeyRangeSpec::equal(&key))?;
        let mut scan = reader.index_scan(index, &range, false)?;
        black_box(scan.next(|row| row.value(0))?);
    }
    report("point of the unique index", rows, started);

    let started = Instant::now();
    for _ in 0..rows {
        let transaction = tables.begin(TxnOptions::default())?;
        transaction.statement()?;
        black_box(transaction.catalog()?);
        transaction.commit()?;
    }
    report("transaction without writes", rows, started);

    let started = Instant::now();
    let updates = rows.min(20_000);
    for id in ids().take(usize::try_from(updates).unwrap_or(0)) {
        let transaction = tables.begin(TxnOptions {
            asynchronous: true,
            ..TxnOptions::default()
        })?;
        transaction.statement()?;
        let catalog = transaction.catalog()?;
        let mut writer = TableWriter::new(&transaction, &catalog, &table)?;
        buffer.clear();
        table.shape().encode_key(&[Value::Int8(id)], &mut buffer)?;
        if let Lock::Row(old) = writer.lock(&buffer, LockMode::NoKeyUpdate, Wait::Block)? {
            let mut new = old.values().to_vec();
            new[3] = Value::Float8(1.5);
            writer.update(&old, &mut new, &context)?;
        }
        transaction.finish_statement(&context)?;
        transaction.commit()?;
    }
    report("transaction with one update", updates, started);
    Ok(())
}
