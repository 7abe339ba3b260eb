//! Guards against rows that freeze too early, too few at a time, or not at all.

use std::sync::Arc;

use helios_base::{BranchId, DataType, Scn, TableId};
use helios_table::Tables;
use helios_table::columnar::HybridReport;
use helios_table::ddl::ObjectRef;
use helios_version::{BranchSpec, Options, Read, Step, Store};

use crate::support::*;

const DAY: i64 = 86_400_000_000;

fn table(tables: &Arc<Tables>, name: &str, options: &[(&str, &str)]) {
    let mut new = new_table(
        name,
        columns(&[("id", DataType::Int4), ("v", DataType::Text)]),
        vec![primary_key(&["id"])],
    );
    for (name, value) in options {
        new.options.insert((*name).to_owned(), (*value).to_owned());
    }
    create(tables, &new);
}

fn fill(tables: &Arc<Tables>, name: &str, ids: std::ops::Range<i32>) {
    let transaction = begin(tables);
    for id in ids {
        insert(&transaction, name, &[int(id), text("value")]).unwrap();
    }
    transaction.commit().unwrap();
}

/// The time of the newest commit.
fn now(tables: &Tables) -> i64 {
    let store = tables.store();
    store.commit_info(store.scn()).unwrap().unwrap().time
}

/// All that is to do at a time, in steps of `budget`.
fn tend(tables: &Tables, at: i64, budget: usize) -> usize {
    let mut steps = 0;
    while tables.tend_step(at, budget).unwrap() == Step::More {
        steps += 1;
        assert!(steps < 100_000);
    }
    steps
}

fn report(tables: &Tables, name: &str) -> HybridReport {
    let branch = tables.store().branch_by_id(BranchId::MAIN).unwrap();
    let all = tables.hybrid_report(&branch).unwrap();
    all.into_iter()
        .find(|report| report.table.name == name)
        .unwrap()
}

fn cold_rows(tables: &Tables) -> u64 {
    let segments = tables.store().segments();
    segments.iter().map(|segment| segment.adopted).sum()
}

#[test]
fn rows_freeze_when_they_are_old_enough() {
    let tables = database();
    table(&tables, "t", &[("hybrid_storage_min_rows", "100")]);
    fill(&tables, "t", 0..500);
    let first = now(&tables);
    tend(&tables, first, 64);
    tend(&tables, first + 6 * DAY, 64);
    assert_eq!(cold_rows(&tables), 0);
    let before = committed(&tables, "t");
    assert!(tend(&tables, first + 8 * DAY, 64) > 8, "in small steps");
    assert_eq!(cold_rows(&tables), 500);
    assert_eq!(committed(&tables, "t"), before);
    let told = report(&tables, "t");
    assert_eq!((told.frozen.segments, told.frozen.rows), (1, 500));
    assert_eq!(told.looked_at, Some(first + 8 * DAY));
    // Too few, then enough.
    fill(&tables, "t", 500..599);
    tend(&tables, first + 16 * DAY, 64);
    assert_eq!(cold_rows(&tables), 500);
    fill(&tables, "t", 599..600);
    tend(&tables, first + 24 * DAY, 64);
    assert_eq!(cold_rows(&tables), 600);
    assert_eq!(committed(&tables, "t").len(), 600);
    assert!(tables.store().check().unwrap().is_empty());
}

#[test]
fn options_of_tables_count_before_those_of_branches() {
    let tables = database();
    let min = ("hybrid_storage_min_rows", "1");
    table(&tables, "never", &[("hybrid_storage", "off"), min]);
    table(
        &tables,
        "soon",
        &[("hybrid_storage_hot_threshold", "1 hour"), min],
    );
    table(&tables, "as_main", &[min]);
    for name in ["never", "soon", "as_main"] {
        fill(&tables, name, 0..10);
    }
    let store = tables.store();
    let main = vec![(
        "hybrid_storage_hot_threshold".to_owned(),
        "2 days".to_owned(),
    )];
    store.alter_branch(BranchId::MAIN, "main", main).unwrap();
    let now = now(&tables);
    tend(&tables, now + DAY, 64);
    assert_eq!(report(&tables, "soon").frozen.rows, 10);
    assert_eq!(report(&tables, "as_main").frozen.rows, 0);
    tend(&tables, now + 3 * DAY, 64);
    assert_eq!(report(&tables, "as_main").frozen.rows, 10);
    assert_eq!(cold_rows(&tables), 20);
    assert!(!report(&tables, "never").hybrid.is_on);
}

#[test]
fn branches_freeze_what_they_wrote() {
    let tables = database();
    table(&tables, "t", &[("hybrid_storage_min_rows", "1")]);
    fill(&tables, "t", 0..10);
    let spec = BranchSpec {
        name: "dev".to_owned(),
        options: vec![("hybrid_storage".to_owned(), "off".to_owned())],
        ..BranchSpec::default()
    };
    let dev = tables.store().create_branch(spec).unwrap();
    let transaction = tables
        .begin(helios_version::TxnOptions {
            branch: dev.id,
            ..Default::default()
        })
        .unwrap();
    insert(&transaction, "t", &[int(50), text("dev")]).unwrap();
    transaction.commit().unwrap();
    let later = now(&tables) + 8 * DAY;
    tend(&tables, later, 64);
    assert_eq!(cold_rows(&tables), 10);
    let store = tables.store();
    store.alter_branch(dev.id, "dev", Vec::new()).unwrap();
    tend(&tables, later, 64);
    assert_eq!(cold_rows(&tables), 11);
    assert!(store.check().unwrap().is_empty());
}

#[test]
fn what_happens_in_the_middle_hurts_nobody() {
    let tables = database();
    table(&tables, "t", &[("hybrid_storage_min_rows", "1")]);
    fill(&tables, "t", 0..200);
    let mut later = now(&tables) + 8 * DAY;
    // By hand while the background is at it, at every stage.
    for steps in 0..12 {
        fill(&tables, "t", 1000 + steps * 50..1050 + steps * 50);
        later += 8 * DAY;
        for _ in 0..steps {
            tables.tend_step(later, 20).unwrap();
        }
        let catalog = tables.newest_catalog(BranchId::MAIN).unwrap();
        let def = catalog.tables().find(|t| t.name == "t").unwrap().clone();
        tables
            .freeze(&def, BranchId::MAIN, Scn::MAX, &|| Ok(()))
            .unwrap();
        assert_eq!(committed(&tables, "t").len() as i32, 250 + steps * 50);
        assert!(tables.store().check().unwrap().is_empty());
    }
    // The table goes away while its rows are being written.
    fill(&tables, "t", 5000..5200);
    later += 8 * DAY;
    for _ in 0..4 {
        tables.tend_step(later, 20).unwrap();
    }
    let transaction = begin(&tables);
    let id = transaction.catalog().unwrap();
    let id = id.tables().find(|t| t.name == "t").unwrap().id;
    transaction
        .drop_objects(&[ObjectRef::Table(id)], false)
        .unwrap();
    transaction.commit().unwrap();
    while tables.store().gc_step(1000).unwrap() == Step::More {}
    tend(&tables, later, 20);
    assert_eq!(tables.store().segments(), []);
    assert!(tables.store().check().unwrap().is_empty());
}

// Guards against a `VACUUM` that ends with a round which began before what it is asked for.
#[test]
fn what_became_due_after_a_round_began_is_done_by_the_next() {
    let tables = database();
    let options = [("hybrid_storage_min_rows", "1")];
    table(&tables, "t", &options);
    fill(&tables, "t", 0..200);
    let later = now(&tables) + 8 * DAY;
    tables.tend_step(later, 20).unwrap();
    table(&tables, "u", &options);
    fill(&tables, "u", 0..100);
    let later = now(&tables) + 8 * DAY;
    tables.tend_anew();
    tend(&tables, later, 20);
    let mut rows: Vec<u64> = (tables.store().segments().iter())
        .map(|segment| segment.adopted)
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, [100, 200]);
}

#[test]
fn ages_beyond_what_is_kept_are_known() {
    let tables = database();
    let never = [
        ("hybrid_storage_min_rows", "1"),
        ("hybrid_storage_hot_threshold", "100 days"),
    ];
    table(&tables, "t", &never);
    fill(&tables, "t", 0..10);
    let first = now(&tables);
    // A mark is set; then the records of commits go, for nothing is retained.
    tend(&tables, first + 1, 64);
    for id in 100..120 {
        fill(&tables, "t", id..id + 1);
    }
    while tables.store().gc_step(1000).unwrap() == Step::More {}
    assert!(tables.store().scn_at(first).is_err());
    tend(&tables, first + 99 * DAY, 64);
    assert_eq!(cold_rows(&tables), 0);
    tend(&tables, first + 100 * DAY + 1, 64);
    assert_eq!(cold_rows(&tables), 10);
    assert_eq!(committed(&tables, "t").len(), 30);
}

#[test]
fn small_segments_become_one() {
    let tables = database();
    table(&tables, "t", &[("hybrid_storage_min_rows", "100")]);
    let mut at = now(&tables);
    for batch in 0..9 {
        // Not in order of time, and between each other.
        let first = [4, 0, 6, 2, 8, 1, 3, 5, 7][batch] * 100;
        fill(&tables, "t", first..first + 100);
        at = now(&tables) + 8 * DAY * (batch as i64 + 1);
        tend(&tables, at, 64);
        let segments = tables.store().segments();
        assert!(segments.len() < 4, "{} segments", segments.len());
        assert_eq!(cold_rows(&tables), (batch as u64 + 1) * 100);
        assert_eq!(committed(&tables, "t").len(), (batch + 1) * 100);
        assert!(tables.store().check().unwrap().is_empty());
    }
    assert!(report(&tables, "t").compacted.segments >= 8);
    // Nothing is left to do.
    let before = tables.store().segments();
    tend(&tables, at + DAY, 64);
    assert_eq!(tables.store().segments(), before);
}

#[test]
fn dead_rows_go() {
    let tables = database();
    let mut new = new_table(
        "t",
        columns(&[("id", DataType::Int4), ("v", DataType::Text)]),
        vec![primary_key(&["id"]), unique(&["v"])],
    );
    new.options
        .insert("hybrid_storage_min_rows".to_owned(), "1".to_owned());
    create(&tables, &new);
    let transaction = begin(&tables);
    for id in 0..500 {
        insert(&transaction, "t", &[int(id), text(&format!("v{id}"))]).unwrap();
    }
    transaction.commit().unwrap();
    let mut at = now(&tables) + 8 * DAY;
    tend(&tables, at, 64);
    assert_eq!(cold_rows(&tables), 500);
    let held = tables.store().snapshot(BranchId::MAIN, None).unwrap();
    let transaction = begin(&tables);
    for id in 0..400 {
        delete(&transaction, "t", &int(id)).unwrap();
    }
    transaction.commit().unwrap();
    // What a snapshot needs stays.
    while tables.store().gc_step(1000).unwrap() == Step::More {}
    at += DAY;
    tend(&tables, at, 64);
    assert_eq!(cold_rows(&tables), 500);
    drop(held);
    fill(&tables, "t", 1000..1001);
    while tables.store().gc_step(1000).unwrap() == Step::More {}
    at += DAY;
    tend(&tables, at, 64);
    assert_eq!(committed(&tables, "t").len(), 101);
    assert!(report(&tables, "t").compacted.dead >= 400);
    assert!(tables.store().check().unwrap().is_empty());
    // Neither the rows nor what hid them is left anywhere.
    let keys: u64 = tables.store().segments().iter().map(|s| s.rows).sum();
    assert!(keys <= 101, "{keys}");
    let written = tables.store().branch_bytes(BranchId::MAIN).unwrap();
    let transaction = begin(&tables);
    for id in 0..400 {
        insert(&transaction, "t", &[int(id), text(&format!("v{id}"))]).unwrap();
    }
    transaction.commit().unwrap();
    assert!(tables.store().branch_bytes(BranchId::MAIN).unwrap() > written);
    assert_eq!(committed(&tables, "t").len(), 501);
    assert!(tables.store().check().unwrap().is_empty());
}

#[test]
fn old_segments_are_compressed_harder_once() {
    let tables = database();
    table(&tables, "t", &[("hybrid_storage_min_rows", "1")]);
    fill(&tables, "t", 0..300);
    let first = now(&tables);
    tend(&tables, first + 8 * DAY, 64);
    let warm = tables.store().segments();
    tend(&tables, first + 29 * DAY, 64);
    assert_eq!(tables.store().segments(), warm);
    tend(&tables, first + 31 * DAY, 64);
    let cold = tables.store().segments();
    assert_ne!(cold, warm);
    assert_eq!((cold.len(), cold[0].rows), (1, 300));
    tend(&tables, first + 90 * DAY, 64);
    assert_eq!(tables.store().segments(), cold);
    assert_eq!(committed(&tables, "t").len(), 300);
    assert!(tables.store().check().unwrap().is_empty());
}

#[test]
fn what_other_tables_keep_is_no_reason_to_look() {
    let tables = database();
    let own = [
        ("hybrid_storage_min_rows", "1"),
        ("hybrid_storage_hot_threshold", "1 millisecond"),
        (helios_version::RETENTION_PERIOD, "1 day"),
    ];
    table(&tables, "long", &own);
    table(&tables, "short", &[("hybrid_storage", "off")]);
    fill(&tables, "long", 0..10);
    let transaction = begin(&tables);
    update(&transaction, "long", &int(1), &[int(1), text("new")]).unwrap();
    transaction.commit().unwrap();
    let looked = now(&tables) + 1000;
    tend(&tables, looked, 64);
    assert_eq!(report(&tables, "long").looked_at, Some(looked));
    assert_eq!(cold_rows(&tables), 9, "all but the row of two versions");
    // What is kept of the other table moves, and no row of this one gets old.
    let horizon = tables.store().horizon();
    std::thread::sleep(std::time::Duration::from_millis(2));
    for id in 0..3 {
        fill(&tables, "short", id..id + 1);
    }
    while tables.store().gc_step(1000).unwrap() == Step::More {}
    assert!(tables.store().horizon() > horizon);
    tend(&tables, looked + 10, 64);
    assert_eq!(report(&tables, "long").looked_at, Some(looked));
    // Its own rows do.
    tend(&tables, now(&tables) + 1000, 64);
    assert_ne!(report(&tables, "long").looked_at, Some(looked));
}

/// A table whose rows are in segments, and their keys; every read of a single row comes as far as the segment.
fn frozen(rows: i32, more: &[(&str, &str)]) -> (Arc<Tables>, TableId, Vec<Vec<u8>>) {
    let store = Store::open_in_memory(Options {
        row_cache_bytes: 0,
        ..options()
    });
    let tables = Tables::open(store.unwrap(), Arc::new(Words)).unwrap();
    let mut all = vec![
        ("hybrid_storage_min_rows", "1"),
        ("hybrid_storage_access_count_threshold", "50"),
    ];
    all.extend(more);
    table(&tables, "t", &all);
    fill(&tables, "t", 0..rows);
    tend(&tables, now(&tables) + 9 * DAY, 4096);
    assert_eq!(cold_rows(&tables), rows as u64);
    let catalog = tables.newest_catalog(BranchId::MAIN).unwrap();
    let storage = catalog.tables().find(|t| t.name == "t").unwrap().storage;
    let snapshot = tables.store().snapshot(BranchId::MAIN, None).unwrap();
    let all = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let found = snapshot.scan(storage, all, false).unwrap();
    let keys = found.collect().unwrap().into_iter().map(|row| row.0);
    let keys = keys.collect();
    (tables, storage, keys)
}

/// Reads single rows.
fn get(tables: &Tables, storage: TableId, keys: &[Vec<u8>], times: usize) {
    let snapshot = tables.store().snapshot(BranchId::MAIN, None).unwrap();
    for _ in 0..times {
        for key in keys {
            assert!(snapshot.get(storage, key).unwrap().is_some());
        }
    }
}

/// How many rows are promoted, were promoted, and went again.
fn promoted(tables: &Arc<Tables>) -> (u64, u64, u64) {
    let told = report(tables, "t");
    (
        told.promoted_rows,
        told.promoted.rows,
        told.promoted.demoted,
    )
}

#[test]
fn rows_that_are_read_often_come_back_for_a_while() {
    let (tables, storage, keys) = frozen(1000, &[]);
    let before = committed(&tables, "t");
    let mut at = now(&tables) + 9 * DAY;
    // One group of 64 is read often enough, one nearly.
    get(&tables, storage, &keys[64..74], 5);
    get(&tables, storage, &keys[640..647], 7);
    tend(&tables, at, 16);
    assert_eq!(promoted(&tables), (64, 64, 0));
    assert_eq!(
        tables.store().promotions(storage, BranchId::MAIN, at).len(),
        1
    );
    assert_eq!(committed(&tables, "t"), before);
    assert_eq!(
        cold_rows(&tables),
        1000,
        "they are in their segment as well"
    );
    // Reads of them are not reads of the segment, and the counts of the others fade.
    get(&tables, storage, &keys[64..128], 20);
    at += DAY / 24 + 1;
    tend(&tables, at, 64);
    get(&tables, storage, &keys[640..650], 2);
    tend(&tables, at, 64);
    assert_eq!(promoted(&tables), (64, 64, 0));
    get(&tables, storage, &keys[640..650], 1);
    tend(&tables, at, 64);
    assert_eq!(promoted(&tables), (128, 128, 0));
    // They do not freeze again, until it is long ago that they were promoted.
    at += 7 * DAY - DAY / 24 - 1;
    tend(&tables, at, 64);
    assert_eq!(promoted(&tables), (64, 128, 64));
    at += DAY;
    tend(&tables, at, 64);
    assert_eq!(promoted(&tables), (0, 128, 128));
    assert_eq!(report(&tables, "t").frozen.rows, 1000);
    assert_eq!(committed(&tables, "t"), before);
    // Who is read again comes back again.
    get(&tables, storage, &keys[64..74], 5);
    tend(&tables, at, 64);
    assert_eq!(promoted(&tables), (64, 192, 128));
    assert!(tables.store().check().unwrap().is_empty());
}

#[test]
fn no_more_than_a_share_is_promoted() {
    let (tables, storage, keys) = frozen(20_032, &[]);
    let at = now(&tables) + 9 * DAY;
    get(&tables, storage, &keys, 1);
    // These first.
    get(&tables, storage, &keys[6400..6464], 3);
    tend(&tables, at, 512);
    // Every sixteenth, in whole groups.
    assert_eq!(promoted(&tables), (1216, 1216, 0));
    let ranges = tables.store().promotions(storage, BranchId::MAIN, at);
    assert!(ranges.iter().any(|range| {
        let keys = &keys[6400..6464];
        range.first <= keys[0] && keys[63] <= range.last
    }));
    get(&tables, storage, &keys, 2);
    tend(&tables, at, 512);
    assert_eq!(promoted(&tables), (1216, 1216, 0));
    // What was changed among them stays, the others go when it is over.
    let transaction = begin(&tables);
    update(&transaction, "t", &int(6401), &[int(6401), text("new")]).unwrap();
    delete(&transaction, "t", &int(6402)).unwrap();
    transaction.commit().unwrap();
    let before = committed(&tables, "t");
    tend(&tables, at + 8 * DAY, 512);
    let (left, _, demoted) = promoted(&tables);
    assert_eq!((left % 64, demoted), (0, 1214));
    assert_eq!(committed(&tables, "t"), before);
    assert!(tables.store().check().unwrap().is_empty());
}

#[test]
fn access_counts_only_where_it_is_to() {
    for options in [
        ("hybrid_storage_access_count_threshold", "off"),
        ("hybrid_storage_access_count_threshold", "100000"),
    ] {
        let (tables, storage, keys) = frozen(300, &[options]);
        get(&tables, storage, &keys, 20);
        tend(&tables, now(&tables) + 9 * DAY, 64);
        assert_eq!(promoted(&tables), (0, 0, 0));
    }
    // Nothing moves by itself, either way.
    let (tables, storage, keys) = frozen(300, &[]);
    get(&tables, storage, &keys, 20);
    let store = tables.store();
    let manual = vec![("hybrid_storage".to_owned(), "manual".to_owned())];
    store.alter_branch(BranchId::MAIN, "main", manual).unwrap();
    let at = now(&tables) + 9 * DAY;
    tend(&tables, at, 64);
    assert_eq!(promoted(&tables), (0, 0, 0));
    store
        .alter_branch(BranchId::MAIN, "main", Vec::new())
        .unwrap();
    tend(&tables, at, 64);
    assert_eq!(promoted(&tables), (300, 300, 0));
    // Copies are no reason to make their segment anew.
    tend(&tables, at + DAY, 64);
    assert_eq!(report(&tables, "t").compacted.segments, 0);
    // Where all rows come back nothing is left of it.
    let off = vec![("hybrid_storage".to_owned(), "off".to_owned())];
    store.alter_branch(BranchId::MAIN, "main", off).unwrap();
    tend(&tables, at + 8 * DAY, 64);
    assert_eq!((cold_rows(&tables), promoted(&tables).0), (0, 0));
    assert_eq!(committed(&tables, "t").len(), 300);
    assert!(store.check().unwrap().is_empty());
}
