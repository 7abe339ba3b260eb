//! Guards against row counts and statistics that mislead the planner.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use helios_base::key::{self, KeyOrder};
use helios_base::{BranchId, DataType, Error, Numeric, SqlState, Value};
use helios_table::catalog::TableDef;
use helios_table::columnar::CLUSTER_BY;
use helios_table::ddl::NewColumn;
use helios_table::{TableStats, Tables, Transaction};
use helios_version::{BranchSpec, TxnOptions};

use crate::support::*;

#[test]
fn counts_follow_commits() {
    let tables = database();
    let made = create(
        &tables,
        &new_table(
            "t",
            columns(&[("id", DataType::Int4)]),
            vec![primary_key(&["id"])],
        ),
    );
    let count = || {
        let snapshot = tables.store().snapshot(BranchId::MAIN, None).unwrap();
        tables.row_count(&snapshot, &made).unwrap()
    };
    assert_eq!(count(), 0);
    let transaction = begin(&tables);
    for id in 0..10 {
        insert(&transaction, "t", &[int(id)]).unwrap();
    }
    assert_eq!(count(), 0);
    transaction.commit().unwrap();
    assert_eq!(count(), 10);
    let transaction = begin(&tables);
    delete(&transaction, "t", &int(3)).unwrap();
    transaction.rollback();
    let transaction = begin(&tables);
    delete(&transaction, "t", &int(4)).unwrap();
    transaction.commit().unwrap();
    assert_eq!(count(), 9);
}

#[test]
fn analyze_sees_the_spread() {
    let tables = database();
    let cols = columns(&[
        ("id", DataType::Int4),
        ("kind", DataType::Text),
        ("doc", DataType::Json),
    ]);
    let made = create(&tables, &new_table("t", cols, vec![primary_key(&["id"])]));
    let transaction = begin(&tables);
    for id in 0..1000 {
        let kind = match id % 10 {
            0 => Value::Null,
            1..=5 => text("common"),
            _ => text(&format!("rare{}", id % 100)),
        };
        insert(&transaction, "t", &[int(id), kind, text("{}")]).unwrap();
    }
    transaction.analyze(&made, &|| Ok(())).unwrap();
    transaction.commit().unwrap();
    let snapshot = tables.store().snapshot(BranchId::MAIN, None).unwrap();
    let stats = tables.statistics(&snapshot, &made).unwrap().unwrap();
    assert_eq!(stats.rows, 1000);
    let id = &stats.columns[0];
    assert_eq!((id.distinct, id.null_fraction), (1000.0, 0.0));
    assert_eq!(id.histogram.first(), Some(&int(0)));
    assert_eq!(id.histogram.last(), Some(&int(999)));
    assert!(id.common.is_empty());
    let kind = &stats.columns[1];
    assert!((kind.null_fraction - 0.1).abs() < 1e-9);
    assert_eq!(kind.distinct, 41.0);
    assert_eq!(kind.common[0], (text("common"), 0.5));
    assert_eq!(stats.columns[2].distinct, 0.0);
    assert_eq!(tables.row_count(&snapshot, &made).unwrap(), 1000);
}

/// Rows that are more than a sample.
const ROWS: i32 = 70_000;

/// One column of each way in which values lie in segments and are spread.
fn kinds() -> Vec<(&'static str, DataType)> {
    vec![
        ("id", DataType::Int4),
        ("skewed", DataType::Int8),
        ("few", DataType::Varchar(Some(20))),
        ("name", DataType::Text),
        ("price", DataType::Numeric(Some((12, 2)))),
        ("free", DataType::Numeric(None)),
        ("share", DataType::Float8),
        ("day", DataType::Date),
        ("done", DataType::Bool),
        ("rare", DataType::Int4),
        ("never", DataType::Text),
        ("doc", DataType::Json),
        ("raw", DataType::Bytea),
        ("fours", DataType::Int4),
    ]
}

/// A number that looks random.
fn mixed(number: i32) -> u64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 16
}

fn row(id: i32) -> Vec<Value> {
    let random = mixed(id);
    // Nine tenths have one of ten values, the others any of many.
    let skewed = match random % 10 {
        9 => i64::try_from(random % 40_009).unwrap() + 1000,
        _ => i64::try_from(random % 10).unwrap(),
    };
    let number = i128::from(random % 5000);
    vec![
        int(id),
        Value::Int8(skewed),
        text(&format!("kind {}", random % 7)),
        text(&format!(
            "a name of more than twelve bytes {}",
            random % 30_011
        )),
        Value::Numeric(Numeric::from_i128(number, 2)),
        Value::Numeric(Numeric::from_i128(
            number / 4 * 10,
            u16::from(random.is_multiple_of(2)),
        )),
        Value::Float8(if random % 100 == 1 {
            f64::NAN
        } else {
            number as f64 / 7.0
        }),
        Value::Date(id / 100),
        if random.is_multiple_of(5) {
            Value::Null
        } else {
            Value::Bool(random.is_multiple_of(3))
        },
        if random % 500 == 7 {
            int(id)
        } else {
            Value::Null
        },
        Value::Null,
        text("{}"),
        Value::from(&[7, (random % 200) as u8][..]),
        int(id / 4),
    ]
}

fn filled(
    name: &str,
    rows: std::ops::Range<i32>,
    options: &[(&str, &str)],
) -> (Arc<Tables>, Arc<TableDef>) {
    let tables = database();
    let mut new = new_table(name, columns(&kinds()), vec![primary_key(&["id"])]);
    for (name, value) in options {
        new.options.insert((*name).to_owned(), (*value).to_owned());
    }
    let made = create(&tables, &new);
    let transaction = begin(&tables);
    transaction.statement().unwrap();
    let mut writer = writer(&transaction, name);
    for id in rows {
        writer.insert(&mut row(id), &context()).unwrap();
    }
    drop(writer);
    transaction.commit().unwrap();
    (tables, made)
}

fn freeze(tables: &Arc<Tables>, table: &TableDef) -> u64 {
    let now = tables.store().scn();
    let report = tables.freeze(table, BranchId::MAIN, now, &|| Ok(()));
    report.unwrap().rows
}

/// What a new statement of the transaction sees.
fn analyzed(transaction: &Transaction, name: &str) -> TableStats {
    transaction.statement().unwrap();
    let table = table(transaction, name);
    transaction.analyze(&table, &|| Ok(())).unwrap()
}

/// Statistics are those of the rows, within bounds.
#[track_caller]
fn fit(stats: &TableStats, rows: &[Vec<Value>], kinds: &[(&str, DataType)]) {
    assert_eq!(stats.rows, rows.len() as u64);
    assert_eq!(stats.columns.len(), kinds.len());
    let all = rows.len().max(1) as f64;
    for (at, (name, ty)) in kinds.iter().enumerate() {
        let told = &stats.columns[at];
        let mut counts: HashMap<Vec<u8>, usize> = HashMap::new();
        let (mut nulls, mut ends): (usize, Option<[&Value; 2]>) = (0, None);
        for value in rows.iter().map(|row| &row[at]) {
            if value.is_null() {
                nulls += 1;
                continue;
            }
            let mut bytes = Vec::new();
            if key::encode(value, ty, KeyOrder::ASC, &mut bytes).is_err() {
                continue;
            }
            *counts.entry(bytes).or_default() += 1;
            let [least, greatest] = ends.get_or_insert([value, value]);
            if value.cmp_as(least, ty).is_lt() {
                *least = value;
            }
            if value.cmp_as(greatest, ty).is_gt() {
                *greatest = value;
            }
        }
        let share = nulls as f64 / all;
        assert!(
            (told.null_fraction - share).abs() < 0.01,
            "{name}: {} NULLs, not {share}",
            told.null_fraction
        );
        let distinct = counts.len() as f64;
        let off = (told.distinct - distinct).abs() / distinct.max(1.0);
        assert!(
            off < 0.08,
            "{name}: {} different, not {distinct}",
            told.distinct
        );
        let width: usize = counts
            .iter()
            .map(|(bytes, count)| bytes.len() * count)
            .sum();
        let width = width as f64 / (counts.values().sum::<usize>().max(1)) as f64;
        assert!(
            (told.width - width).abs() < 0.02 * width + 0.01,
            "{name}: {} wide, not {width}",
            told.width
        );
        let seen = [told.histogram.first(), told.histogram.last()];
        match (ends, seen) {
            (Some([least, greatest]), [Some(first), Some(last)]) => {
                // Long strings are known by their beginnings, and changed chunks by the sample alone.
                let beyond = rows.iter().map(|row| &row[at]).filter(|value| {
                    !value.is_null()
                        && (value.cmp_as(first, ty).is_lt() || value.cmp_as(last, ty).is_gt())
                });
                let beyond = beyond.count() as f64 / all;
                assert!(
                    beyond < 0.001,
                    "{name}: {beyond} beyond {seen:?}, not {ends:?}"
                );
                assert!(first.cmp_as(least, ty).is_ge(), "{name}: {first:?}");
                assert!(last.cmp_as(greatest, ty).is_le(), "{name}: {last:?}");
                let histogram = &told.histogram;
                assert!(
                    histogram.is_sorted_by(|a, b| a.cmp_as(b, ty).is_le()),
                    "{name}"
                );
            }
            (ends, seen) => assert_eq!((ends, seen), (None, [None, None]), "{name}"),
        }
        for (value, share) in &told.common {
            let mut bytes = Vec::new();
            key::encode(value, ty, KeyOrder::ASC, &mut bytes).unwrap();
            let count = counts.get(&bytes).copied().unwrap_or(0) as f64 / all;
            assert!(
                (share - count).abs() < 0.015,
                "{name}: {value:?} {share}, not {count}"
            );
        }
        let most = counts.values().copied().max().unwrap_or(0) as f64 / all;
        assert!(
            most < 0.01
                || rows.len() < 100
                || told
                    .common
                    .first()
                    .is_some_and(|(_, share)| *share > most - 0.015),
            "{name}"
        );
    }
}

#[test]
fn rows_in_segments_have_the_statistics_of_rows_outside() {
    for options in [&[][..], &[(CLUSTER_BY, "skewed, day")]] {
        let (tables, made) = filled("t", 0..ROWS, options);
        let rows: Vec<Vec<Value>> = (0..ROWS).map(row).collect();
        assert_eq!(freeze(&tables, &made), ROWS as u64);
        let stats = analyzed(&begin(&tables), "t");
        fit(&stats, &rows, &kinds());
        for (column, ends) in [
            (0, [int(0), int(ROWS - 1)]),
            (7, [0, (ROWS - 1) / 100].map(Value::Date)),
        ] {
            let bounds = &stats.columns[column].histogram;
            assert_eq!(
                [bounds.first(), bounds.last()],
                [Some(&ends[0]), Some(&ends[1])]
            );
        }
        assert_eq!(stats.columns[0].distinct, f64::from(ROWS));
        assert_eq!(stats.columns[10].null_fraction, 1.0);
        // The same each time.
        let again = analyzed(&begin(&tables), "t");
        assert_eq!(
            format!("{again:?}"),
            format!("{:?}", analyzed(&begin(&tables), "t"))
        );
    }
}

#[test]
fn rows_outside_of_segments_get_their_share() {
    let (tables, made) = filled("t", 0..ROWS, &[]);
    freeze(&tables, &made);
    let mut rows: Vec<Vec<Value>> = (0..ROWS).map(row).collect();
    let transaction = begin(&tables);
    transaction.statement().unwrap();
    let mut writer = writer(&transaction, "t");
    // Some behind those of the segment, some in place of theirs, some gone. Not committed.
    for id in ROWS..ROWS + 6000 {
        writer.insert(&mut row(id), &context()).unwrap();
        rows.push(row(id));
    }
    drop(writer);
    for id in (0..ROWS).step_by(1000) {
        let mut new = row(id);
        new[2] = text("changed");
        update(&transaction, "t", &int(id), &new).unwrap();
        rows[id as usize] = new;
        if id % 3 == 0 {
            delete(&transaction, "t", &int(id + 1)).unwrap();
            rows[id as usize + 1].clear();
        }
    }
    rows.retain(|row| !row.is_empty());
    let same = |stats: &TableStats, rows: &[Vec<Value>]| {
        fit(stats, rows, &kinds());
        assert_eq!(
            tables
                .row_count(
                    &tables.store().snapshot(BranchId::MAIN, None).unwrap(),
                    &made
                )
                .unwrap(),
            ROWS as u64
        );
    };
    same(&analyzed(&transaction, "t"), &rows);
    transaction.rollback();
    // Who began before sees no more than before.
    let before: Vec<Vec<Value>> = (0..ROWS).map(row).collect();
    fit(&analyzed(&begin(&tables), "t"), &before, &kinds());
}

#[test]
fn branches_and_columns_that_came_since() {
    let (tables, made) = filled("t", 0..40_000, &[]);
    freeze(&tables, &made);
    let spec = BranchSpec {
        name: "dev".to_owned(),
        ..BranchSpec::default()
    };
    let dev = tables.store().create_branch(spec).unwrap();
    // Later rows of the parent are not the child's.
    let transaction = begin(&tables);
    for id in 40_000..40_050 {
        insert(&transaction, "t", &row(id)).unwrap();
    }
    transaction.commit().unwrap();
    freeze(&tables, &made);
    let on_dev = || {
        let options = TxnOptions {
            branch: dev.id,
            ..TxnOptions::default()
        };
        tables.begin(options).unwrap()
    };
    let mut rows: Vec<Vec<Value>> = (0..40_000).map(row).collect();
    fit(&analyzed(&on_dev(), "t"), &rows, &kinds());
    let transaction = on_dev();
    transaction.statement().unwrap();
    let mut added = NewColumn::new("added", DataType::Int4);
    added.default = Some("42".to_owned());
    transaction.add_column(made.id, &added, &context()).unwrap();
    let empty = NewColumn::new("empty", DataType::Text);
    transaction.add_column(made.id, &empty, &context()).unwrap();
    transaction.commit().unwrap();
    let transaction = on_dev();
    rows.iter_mut()
        .for_each(|row| row.extend([int(42), Value::Null]));
    for id in 50_000..50_100 {
        let mut new = row(id);
        new.extend([int(id), text("there")]);
        insert(&transaction, "t", &new).unwrap();
        rows.push(new);
    }
    transaction.commit().unwrap();
    let mut all = kinds();
    all.extend([("added", DataType::Int4), ("empty", DataType::Text)]);
    let transaction = on_dev();
    transaction.statement().unwrap();
    let stats = analyzed(&transaction, "t");
    // A few rare values among so many rows are told by the sketch.
    fit(&stats, &rows, &all);
}

#[test]
fn small_and_empty_tables() {
    for rows in [0, 1, 5] {
        let (tables, made) = filled("t", 0..rows, &[]);
        freeze(&tables, &made);
        let expected: Vec<Vec<Value>> = (0..rows).map(row).collect();
        let stats = analyzed(&begin(&tables), "t");
        fit(&stats, &expected, &kinds());
        let (tables, _) = filled("t", 0..rows, &[]);
        let outside = analyzed(&begin(&tables), "t");
        assert_eq!(format!("{stats:?}"), format!("{outside:?}"));
    }
    // All rows of a segment gone.
    let (tables, made) = filled("t", 0..3, &[]);
    freeze(&tables, &made);
    let transaction = begin(&tables);
    for id in 0..3 {
        delete(&transaction, "t", &int(id)).unwrap();
    }
    transaction.commit().unwrap();
    fit(&analyzed(&begin(&tables), "t"), &[], &kinds());
}

#[test]
fn analyze_can_be_stopped() {
    let (tables, made) = filled("t", 0..3000, &[]);
    freeze(&tables, &made);
    let canceled = || Error::new(SqlState::QUERY_CANCELED, "stop");
    let asked = AtomicUsize::new(0);
    let count = || {
        asked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let transaction = begin(&tables);
    transaction.statement().unwrap();
    transaction.analyze(&made, &count).unwrap();
    let all = asked.load(Ordering::Relaxed);
    assert!(all > kinds().len(), "{all}");
    transaction.rollback();
    for upto in [0, 1, all / 2, all - 1] {
        let asked = AtomicUsize::new(0);
        let transaction = begin(&tables);
        transaction.statement().unwrap();
        let stopped = transaction.analyze(&made, &|| match asked.fetch_add(1, Ordering::Relaxed) {
            before if before >= upto => Err(canceled()),
            _ => Ok(()),
        });
        assert_eq!(state(stopped), "57014", "{upto}");
        let none = tables
            .statistics(&transaction.view().unwrap(), &made)
            .unwrap();
        assert!(none.is_none());
    }
}
