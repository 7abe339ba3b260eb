// Guards against losing what a table, a branch or the database promised to keep, and against answering
// what is not there any more: random periods of three tables on a tree of branches, tables that are made,
// dropped, truncated and frozen, forks and pins in the past, merges, snapshots held over collections,
// reopening after a clean end or a crash; against full copies of every state. What the store answers must
// be what the copies say, and what it refuses must be older than the period that held at some collection.
//
// HELIOS_MODEL_OPS sets the number of operations, HELIOS_SEED the seed.

mod expect;
mod world;

use std::path::PathBuf;
use std::time::Duration;

use helios_base::{BranchId, Scn, TableId};
use helios_version::{BranchSpec, Options, Read, Store, TxnOptions};

use world::{LONG, World};

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn run(path: Option<PathBuf>) {
    let (seed, ops) = (
        number("HELIOS_SEED", 1),
        number("HELIOS_MODEL_OPS", 12_000) / 2,
    );
    let place = if path.is_some() { "disk" } else { "memory" };
    println!("retention on {place}: HELIOS_SEED={seed}");
    let mut world = World::new(path, seed);
    for op in 0..ops {
        world.step();
        if op % 2_000 == 1_999 {
            world.expect_all();
        }
    }
    world.expect_all();
    world.reopen();
    world.expect_all();
    println!(
        "retention on {place}: {ops} operations, no difference: {:?}",
        world.counts
    );
    assert!(ops < 5_000 || world.counts.partial > 0 && world.counts.gone > 0);
}

#[test]
fn promises_are_kept_in_memory() {
    run(None);
}

#[test]
fn promises_are_kept_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    run(Some(dir.path().join("db")));
}

fn write(store: &Store, branch: BranchId, table: TableId, value: u32) -> Scn {
    let txn = store
        .begin(TxnOptions {
            branch,
            asynchronous: true,
            ..TxnOptions::default()
        })
        .unwrap();
    txn.put(table, b"k", &value.to_be_bytes(), &[]).unwrap();
    txn.commit().unwrap()
}

fn retain(store: &Store, branch: BranchId, table: TableId, period: Option<u64>) {
    let txn = store
        .begin(TxnOptions {
            branch,
            ..TxnOptions::default()
        })
        .unwrap();
    txn.retain(table, period.map(Duration::from_secs), false)
        .unwrap();
    txn.commit().unwrap();
}

fn versions(store: &Store, branch: BranchId, table: TableId) -> usize {
    let snapshot = store.snapshot(branch, None).unwrap();
    let versions = snapshot.history(table, b"k").unwrap();
    // Where some are gone it looks as if the row had been deleted.
    versions
        .iter()
        .filter(|version| version.row.is_some())
        .count()
}

// Guards against short periods that free nothing because something else is kept long, and against a
// fork, a pin or a child that loses what it needs of a parent with a short period.
#[test]
fn each_table_is_kept_on_each_branch_as_it_says() {
    let store = Store::open_in_memory(Options {
        background: false,
        ..Options::default()
    })
    .unwrap();
    let (main, long, short) = (BranchId::MAIN, TableId(1000), TableId(1001));
    let state =
        |result: helios_base::Result<()>| result.unwrap_err().sqlstate().as_str().to_owned();
    retain(&store, main, long, None);
    retain(&store, main, short, Some(0));
    let early = write(&store, main, long, 0);
    write(&store, main, short, 0);
    let fork = store.scn();
    let spec = |name: &str, at| BranchSpec {
        name: name.into(),
        at,
        ..BranchSpec::default()
    };
    let child = store.create_branch(spec("child", None)).unwrap().id;
    // From here on the child keeps all of it, its parent only one.
    retain(&store, child, short, Some(LONG));
    for value in 1..50 {
        for branch in [main, child] {
            write(&store, branch, long, value);
            write(&store, branch, short, value);
        }
    }
    let middle = write(&store, main, short, 1000);
    write(&store, main, short, 1001);
    while store.gc_step(10).unwrap() == helios_version::Step::More {}
    assert_eq!(versions(&store, main, long), 50);
    // The newest, and what the child sees.
    assert_eq!(versions(&store, main, short), 2);
    assert_eq!(versions(&store, child, long), 50);
    assert_eq!(versions(&store, child, short), 50);
    assert_eq!(store.kept(main, Some(long)), Scn::ZERO);
    assert_eq!(store.kept(main, Some(short)), store.scn());
    assert_eq!(store.kept(child, Some(short)), fork);
    assert_eq!(store.kept(main, None), store.scn());

    let past = store.snapshot(main, Some(middle)).unwrap();
    assert!(!past.is_whole());
    assert!(past.get(long, b"k").unwrap().is_some());
    assert_eq!(state(past.get(short, b"k").map(drop)), "72000");
    let range = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    assert_eq!(state(past.scan(short, range, false).map(drop)), "72000");
    assert_eq!(state(past.history(short, b"k").map(drop)), "72000");
    assert_eq!(
        state(past.versions(short, range, Scn::ZERO).map(drop)),
        "72000"
    );
    let now = store.snapshot(main, None).unwrap();
    assert_eq!(state(store.diff(&past, &now, None).map(drop)), "72000");
    assert_eq!(
        state(store.diff(&past, &now, Some(short)).map(drop)),
        "72000"
    );
    assert!(store.diff(&past, &now, Some(long)).is_ok());
    assert_eq!(
        state(store.create_branch(spec("x", Some(middle))).map(drop)),
        "72000"
    );
    assert_eq!(state(store.pin("x", main, middle)), "72000");
    // The fork has everything, whatever the parent keeps.
    let forked = store.snapshot(main, Some(fork)).unwrap();
    assert!(forked.is_whole() && forked.get(short, b"k").unwrap().is_some());
    assert!(store.create_branch(spec("y", Some(fork))).is_ok());
    let error = store.snapshot(main, Some(early)).unwrap();
    let error = error.get(short, b"k").unwrap_err();
    assert!(
        error
            .detail()
            .unwrap()
            .contains("is kept from change number")
    );
}
