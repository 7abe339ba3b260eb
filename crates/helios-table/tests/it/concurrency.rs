//! Guards against duplicates, orphans and lost schema changes when transactions race.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use helios_base::{DataType, Error, Value};
use helios_table::catalog::FkAction;
use helios_table::ddl::NewColumn;
use helios_table::{Tables, Transaction};
use helios_version::{Isolation, TxnOptions};

use crate::foreign_keys::references;
use crate::support::*;

/// How often each thread tries; `HELIOS_RACE_ROUNDS` sets it.
fn rounds() -> i32 {
    let text = std::env::var("HELIOS_RACE_ROUNDS").unwrap_or_default();
    text.parse().unwrap_or(60)
}

/// Runs `work` on `threads` threads at once.
fn race(threads: usize, work: impl Fn(usize) + Sync) {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (work, barrier) = (&work, &barrier);
            scope.spawn(move || {
                barrier.wait();
                work(thread);
            });
        }
    });
}

/// Failures that concurrency explains.
fn expected(error: &Error) -> bool {
    matches!(
        error.sqlstate().as_str(),
        "23505" | "23503" | "40001" | "40P01" | "XX000"
    ) && (error.sqlstate().as_str() != "XX000"
        || error.message() == "no such row"
        || error.message() == "gone")
}

fn attempt(
    tables: &Arc<Tables>,
    isolation: Isolation,
    work: impl FnOnce(&Transaction) -> helios_base::Result<()>,
) -> bool {
    let transaction = begin_at(tables, isolation);
    let done = work(&transaction).and_then(|()| {
        // Gives the others time to meet what is not committed yet.
        std::thread::sleep(Duration::from_micros(50));
        transaction.commit().map(|_| ())
    });
    match done {
        Ok(()) => true,
        Err(error) => {
            assert!(expected(&error), "{error:?}");
            transaction.rollback();
            false
        }
    }
}

const LEVELS: [Isolation; 3] = [
    Isolation::ReadCommitted,
    Isolation::RepeatableRead,
    Isolation::Serializable,
];

#[test]
fn one_of_many_inserters_of_a_key_wins() {
    for isolation in LEVELS {
        let tables = database();
        let cols = columns(&[("id", DataType::Int4), ("u", DataType::Int4)]);
        create(
            &tables,
            &new_table("t", cols, vec![primary_key(&["id"]), unique(&["u"])]),
        );
        let won = AtomicUsize::new(0);
        race(4, |thread| {
            for key in 0..50 {
                let own = key * 10 + i32::try_from(thread).unwrap();
                // Even keys collide in the primary key, odd ones in the unique constraint.
                let row = if key % 2 == 0 {
                    [int(key), int(own)]
                } else {
                    [int(own + 10_000), int(key + 10_000)]
                };
                if attempt(&tables, isolation, |t| insert(t, "t", &row)) {
                    won.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        assert_eq!(won.load(Ordering::Relaxed), 50, "{isolation:?}");
        assert_eq!(committed(&tables, "t").len(), 50);
    }
}

#[test]
fn unique_values_stay_unique_while_they_move() {
    for isolation in LEVELS {
        let tables = database();
        let cols = columns(&[("id", DataType::Int4), ("u", DataType::Int4)]);
        create(
            &tables,
            &new_table("t", cols, vec![primary_key(&["id"]), unique(&["u"])]),
        );
        let transaction = begin(&tables);
        for id in 0..8 {
            insert(&transaction, "t", &[int(id), int(id)]).unwrap();
        }
        transaction.commit().unwrap();
        race(4, |thread| {
            let mut random = fastrand::Rng::with_seed(thread as u64 + 7);
            for _ in 0..rounds() {
                let (id, u) = (random.i32(0..8), random.i32(0..12));
                attempt(&tables, isolation, |t| match random.u8(0..4) {
                    0 => delete(t, "t", &int(id)),
                    1 => insert(t, "t", &[int(id), int(u)]),
                    _ => update(t, "t", &int(id), &[int(id), int(u)]),
                });
                let mut seen: Vec<Value> = committed(&tables, "t")
                    .into_iter()
                    .map(|r| r[1].clone())
                    .collect();
                let all = seen.len();
                seen.sort_by(Value::cmp_sql);
                seen.dedup();
                assert_eq!(seen.len(), all, "{isolation:?}: a duplicate");
            }
        });
    }
}

#[test]
fn no_orphan_appears() {
    for (action, isolation) in [
        (FkAction::NoAction, Isolation::ReadCommitted),
        (FkAction::Restrict, Isolation::RepeatableRead),
        (FkAction::Cascade, Isolation::ReadCommitted),
        (FkAction::Cascade, Isolation::Serializable),
        (FkAction::SetNull, Isolation::RepeatableRead),
    ] {
        let tables = database();
        create(
            &tables,
            &new_table(
                "p",
                columns(&[("id", DataType::Int4)]),
                vec![primary_key(&["id"])],
            ),
        );
        let fk = references(&tables, &["p"], Some("p"), action, action);
        let cols = columns(&[("id", DataType::Int4), ("p", DataType::Int4)]);
        create(
            &tables,
            &new_table("c", cols, vec![primary_key(&["id"]), fk]),
        );
        race(4, |thread| {
            let mut random = fastrand::Rng::with_seed(thread as u64);
            for round in 0..rounds() {
                let p = random.i32(0..4);
                let c = round * 10 + i32::try_from(thread).unwrap();
                attempt(&tables, isolation, |t| match random.u8(0..5) {
                    0 | 1 => insert(t, "c", &[int(c), int(p)]),
                    2 => insert(t, "p", &[int(p)]),
                    3 => delete(t, "p", &int(p)),
                    _ => update(t, "p", &int(p), &[int(random.i32(0..4))]),
                });
            }
        });
        let parents = committed(&tables, "p");
        for child in committed(&tables, "c") {
            let parent = &child[1];
            assert!(
                parent.is_null() || parents.iter().any(|row| row[0] == *parent),
                "{action:?} {isolation:?}: {child:?} is an orphan"
            );
        }
    }
}

#[test]
fn writers_notice_a_changed_definition() {
    let tables = database();
    let table = create(
        &tables,
        &new_table(
            "t",
            columns(&[("id", DataType::Int4)]),
            vec![primary_key(&["id"])],
        ),
    );
    let late = begin(&tables);
    late.statement().unwrap();
    let old = crate::support::table(&late, "t");
    let other = begin(&tables);
    other
        .add_column(table.id, &NewColumn::new("b", DataType::Int4), &context())
        .unwrap();
    other.commit().unwrap();
    assert!(!late.lock_for_write(&old).unwrap());
    late.statement().unwrap();
    let new = crate::support::table(&late, "t");
    assert_eq!(new.columns.len(), 2);
    assert!(late.lock_for_write(&new).unwrap());

    let repeatable = begin_at(&tables, Isolation::RepeatableRead);
    let before = crate::support::table(&repeatable, "t");
    late.rollback();
    let other = begin(&tables);
    other
        .add_column(table.id, &NewColumn::new("c", DataType::Int4), &context())
        .unwrap();
    other.commit().unwrap();
    assert_eq!(state(repeatable.lock_for_write(&before)), "40001");
}

#[test]
fn names_are_unique_among_racing_creators() {
    let tables = database();
    let won = AtomicUsize::new(0);
    race(4, |_| {
        for number in 0..20 {
            let transaction = begin(&tables);
            let new = new_table(
                &format!("t{number}"),
                columns(&[("x", DataType::Int4)]),
                vec![primary_key(&["x"])],
            );
            let done = transaction
                .create_table(&new)
                .and_then(|_| transaction.commit());
            match done {
                Ok(_) => {
                    won.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => assert_eq!(error.sqlstate().as_str(), "42P07"),
            }
        }
    });
    assert_eq!(won.load(Ordering::Relaxed), 20);
    assert_eq!(begin(&tables).catalog().unwrap().tables().count(), 20);
}

#[test]
fn the_catalog_of_a_snapshot_always_fits_its_rows() {
    let tables = database();
    let table = create(
        &tables,
        &new_table(
            "t",
            columns(&[("id", DataType::Int4)]),
            vec![primary_key(&["id"])],
        ),
    );
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..40 {
                // Each round adds a column and a row that has a value in it.
                let transaction = begin(&tables);
                let column = NewColumn::new(format!("c{round}"), DataType::Int4);
                transaction
                    .add_column(table.id, &column, &context())
                    .unwrap();
                let row: Vec<Value> = (0..round + 2).map(|_| int(round)).collect();
                insert(&transaction, "t", &row).unwrap();
                transaction.commit().unwrap();
            }
            done.store(true, Ordering::Release);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    let transaction = begin(&tables);
                    let rows = rows(&transaction, "t");
                    let width = crate::support::table(&transaction, "t").columns.len();
                    assert_eq!(rows.len() + 1, width);
                }
            });
        }
    });
}

#[test]
fn a_lock_timeout_ends_the_wait_for_a_key() {
    let tables = database();
    create(
        &tables,
        &new_table(
            "t",
            columns(&[("id", DataType::Int4)]),
            vec![primary_key(&["id"])],
        ),
    );
    let first = begin(&tables);
    insert(&first, "t", &[int(1)]).unwrap();
    let options = TxnOptions {
        lock_timeout: Some(Duration::from_millis(20)),
        ..TxnOptions::default()
    };
    let second = tables.begin(options).unwrap();
    assert_eq!(state(insert(&second, "t", &[int(1)])), "55P03");
}

/// An inserter that meets a deleter waits, and then the outcome of the delete decides.
#[test]
fn an_inserter_waits_for_the_remover_of_its_key() {
    for (column, key) in [(0, int(1)), (1, int(100))] {
        for commits in [true, false] {
            let tables = database();
            let cols = columns(&[("id", DataType::Int4), ("u", DataType::Int4)]);
            let keys = vec![primary_key(&["id"]), unique(&["u"])];
            create(&tables, &new_table("t", cols, keys));
            let first = begin(&tables);
            insert(&first, "t", &[int(1), int(100)]).unwrap();
            first.commit().unwrap();
            let remover = begin(&tables);
            delete(&remover, "t", &int(1)).unwrap();
            let mut row = [int(2), int(200)];
            row[column] = key.clone();
            let outcome = std::thread::scope(|scope| {
                let waiter = scope.spawn(|| {
                    let transaction = begin(&tables);
                    insert(&transaction, "t", &row)?;
                    transaction.commit()
                });
                std::thread::sleep(Duration::from_millis(20));
                assert!(!waiter.is_finished());
                if commits {
                    remover.commit().unwrap();
                } else {
                    remover.rollback();
                }
                waiter.join().unwrap()
            });
            match outcome {
                Ok(_) => assert!(commits),
                Err(error) => {
                    assert!(!commits, "{error:?}");
                    assert_eq!(error.sqlstate().as_str(), "23505");
                }
            }
        }
    }
}
