// Guards against losing an acknowledged commit, keeping half of one, or opening with broken
// invariants, wherever the process dies.
//
// The test runs itself again as a child that writes with several threads and tells on its standard
// output which commits were acknowledged. The child is killed at a random moment or dies at a
// failpoint; then the database is opened and compared with what was acknowledged.
//
// HELIOS_CRASHES sets the number of deaths, HELIOS_SEED the seed, which is printed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use helios_base::{BranchId, IndexId, TableId, failpoint};
use helios_version::{
    BranchSpec, IndexEntry, Indexer, Options, Read, SequenceSpec, Snapshot, Step, Store, TxnOptions,
};

const ROWS: TableId = TableId(1000);
const LAST: TableId = TableId(1001);
const SEQUENCE: TableId = TableId(1002);
/// Written whole, by commits that are applied and checkpointed in several steps.
const BULK: TableId = TableId(1003);
const BULK_ROWS: u64 = 12_000;
/// The thread that writes it, now and then.
const LOADER: u8 = 2;
const BY_VALUE: IndexId = IndexId(1);
const THREADS: u8 = 4;
/// The thread that does not wait for the disk.
const ASYNCHRONOUS: u8 = 3;
/// Rows of a thread that are kept; older ones are deleted.
const WINDOW: u64 = 40;
const DIRECTORY: &str = "HELIOS_CRASH_DIRECTORY";

const SPEC: SequenceSpec = SequenceSpec {
    start: 1,
    increment: 1,
    min: 1,
    max: i64::MAX,
    cycle: false,
};

struct ByValue;

fn entry(pk: &[u8], row: &[u8]) -> IndexEntry {
    let mut key = row[..8].to_vec();
    key.extend_from_slice(pk);
    IndexEntry {
        index: BY_VALUE,
        key,
    }
}

impl Indexer for ByValue {
    fn entries(
        &self,
        _: BranchId,
        table: TableId,
        pk: &[u8],
        row: &[u8],
        out: &mut Vec<IndexEntry>,
    ) {
        if table == ROWS {
            out.push(entry(pk, row));
        }
    }
}

fn open(path: &Path, background: bool) -> Store {
    let options = Options {
        checkpoint_bytes: 64 << 10,
        retention: Duration::ZERO,
        background,
        ..Options::default()
    };
    let store = Store::open(path, options).unwrap();
    store.set_indexer(Arc::new(ByValue));
    store
}

fn pk(thread: u8, number: u64) -> Vec<u8> {
    let mut pk = vec![thread];
    pk.extend_from_slice(&number.to_be_bytes());
    pk
}

fn row(thread: u8, number: u64) -> Vec<u8> {
    let mut row = (number * 7 + u64::from(thread)).to_be_bytes().to_vec();
    row.resize(8 + (number % 90) as usize, thread);
    row
}

/// The last number of a thread that a snapshot shows.
fn last(snapshot: &Snapshot, thread: u8) -> u64 {
    match snapshot.get(LAST, &[thread]).unwrap() {
        Some(version) => u64::from_be_bytes(version.row[..8].try_into().unwrap()),
        None => 0,
    }
}

fn work(store: &Store, thread: u8) {
    let mut number = last(&store.snapshot(BranchId::MAIN, None).unwrap(), thread);
    loop {
        number += 1;
        let txn = store
            .begin(TxnOptions {
                asynchronous: thread == ASYNCHRONOUS,
                ..TxnOptions::default()
            })
            .unwrap();
        let (key, new) = (pk(thread, number), row(thread, number));
        txn.put(ROWS, &key, &new, &[entry(&key, &new)]).unwrap();
        txn.put(LAST, &[thread], &number.to_be_bytes(), &[])
            .unwrap();
        if number > WINDOW {
            txn.delete(ROWS, &pk(thread, number - WINDOW)).unwrap();
        }
        if thread == LOADER && number.is_multiple_of(32) {
            for key in 0..BULK_ROWS {
                txn.put(BULK, &key.to_be_bytes(), &number.to_be_bytes(), &[])
                    .unwrap();
            }
        }
        let drawn = txn.nextval(SEQUENCE, &SPEC).unwrap();
        if txn.commit().is_err() {
            // An injected failure: the outcome is unknown.
            return;
        }
        // One write call: a line arrives whole or not at all.
        let line = format!("{thread} {number} {drawn}\n");
        std::io::stdout().write_all(line.as_bytes()).unwrap();
        if thread == 0 && number.is_multiple_of(64) {
            let name = format!("b{number}");
            let spec = BranchSpec {
                name: name.clone(),
                ..BranchSpec::default()
            };
            let Ok(branch) = store.create_branch(spec) else {
                return;
            };
            if number.is_multiple_of(128) && store.drop_branch(branch.id).is_err() {
                return;
            }
        }
    }
}

#[test]
fn child() {
    let Ok(path) = std::env::var(DIRECTORY) else {
        return;
    };
    let store = open(Path::new(&path), true);
    println!("open");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || work(store, thread));
        }
        // More collection than the background thread would do.
        scope.spawn(|| {
            loop {
                if store.gc_step(64).is_err() || store.checkpoint_step(200).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
    });
}

/// What the child has told: per thread the last acknowledged number, and the highest value drawn
/// for a durable commit.
#[derive(Clone, Copy, Default)]
struct Told {
    last: [u64; THREADS as usize],
    drawn: i64,
}

/// Runs a child until it is dead.
fn run_child(path: &Path, told: &mut Told, point: Option<String>, alive: Duration) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let until_killed = point.is_none();
    if let Some(point) = point {
        command.env(failpoint::VARIABLE, point);
    }
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let killer = std::thread::spawn(move || {
        // A failpoint that is not reached ends here too.
        std::thread::sleep(if until_killed { alive } else { alive * 4 });
        child.kill().unwrap();
        child.wait().unwrap();
    });
    for line in lines {
        let line = line.unwrap();
        let numbers: Vec<i64> = line
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        if let [thread, number, drawn] = numbers[..] {
            let slot = &mut told.last[thread as usize];
            assert_eq!(number as u64, *slot + 1, "a number was skipped");
            *slot = number as u64;
            if thread != i64::from(ASYNCHRONOUS) {
                told.drawn = told.drawn.max(drawn);
            }
        }
    }
    killer.join().unwrap();
}

/// Opens the database and compares; continues from what it holds.
fn verify(path: &Path, told: &mut Told) {
    let store = open(path, false);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    let snapshot = store.snapshot(BranchId::MAIN, None).unwrap();
    for thread in 0..THREADS {
        let acknowledged = &mut told.last[thread as usize];
        let stored = last(&snapshot, thread);
        // At most one commit per thread was under way.
        assert!(
            stored <= *acknowledged + 1,
            "thread {thread}: {stored} > {acknowledged} + 1"
        );
        if thread != ASYNCHRONOUS {
            assert!(
                stored >= *acknowledged,
                "thread {thread}: {stored} < {acknowledged}"
            );
        }
        *acknowledged = stored;
        let first = stored.saturating_sub(WINDOW) + 1;
        let start = pk(thread, 0);
        let end = pk(thread + 1, 0);
        let range = (
            std::ops::Bound::Included(&start[..]),
            std::ops::Bound::Excluded(&end[..]),
        );
        let rows = snapshot
            .scan(ROWS, range, false)
            .unwrap()
            .collect()
            .unwrap();
        let wanted: Vec<_> = (first..=stored)
            .map(|n| (pk(thread, n), row(thread, n)))
            .collect();
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(pk, row)| (pk, row.to_vec()))
            .collect();
        assert_eq!(rows, wanted, "thread {thread}");
    }
    let all = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let bulk = snapshot.scan(BULK, all, false).unwrap().collect().unwrap();
    let loads = last(&snapshot, LOADER) / 32;
    let rows = if loads > 0 { BULK_ROWS } else { 0 };
    assert_eq!(bulk.len() as u64, rows, "a large commit is there in part");
    let whole = bulk
        .iter()
        .all(|(_, row)| row[..] == (loads * 32).to_be_bytes());
    assert!(whole, "a large commit is there in part");
    let sequence = store.sequence(BranchId::MAIN, SEQUENCE).unwrap();
    assert!(
        sequence.map_or(0, |state| state.value) >= told.drawn,
        "a value can come twice"
    );
    drop(snapshot);
    while store.gc_step(1000).unwrap() == Step::More {}
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    // Half of the times the next child finds a log to replay.
    if fastrand::bool() {
        store.close().unwrap();
    } else {
        store.abandon();
    }
}

#[test]
fn no_death_loses_or_breaks_anything() {
    let seed = std::env::var("HELIOS_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(1);
    let deaths = std::env::var("HELIOS_CRASHES")
        .ok()
        .and_then(|text| text.parse().ok());
    let deaths: usize = deaths.unwrap_or(20);
    println!("crashes: HELIOS_SEED={seed} HELIOS_CRASHES={deaths}");
    let mut random = Rng::with_seed(seed);
    let points: Vec<&str> = helios_version::FAILPOINTS
        .iter()
        .chain(helios_log::FAILPOINTS)
        .chain(helios_kv::FAILPOINTS)
        .copied()
        .collect();
    let mut directory = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    let mut committed = 0;
    for death in 0..deaths {
        if death % 50 == 49 {
            committed += told.last.iter().sum::<u64>();
            directory = tempfile::tempdir().unwrap();
            told = Told::default();
        }
        let path = directory.path().join("db");
        let alive = Duration::from_millis(random.u64(30..250));
        let point = (death % 2 == 1).then(|| {
            let name = points[death / 2 % points.len()];
            let action = if random.u8(0..4) == 0 {
                "error"
            } else {
                "abort"
            };
            format!("{name}:{}:{action}", random.u32(1..30))
        });
        run_child(&path, &mut told, point, alive);
        verify(&path, &mut told);
    }
    committed += told.last.iter().sum::<u64>();
    println!("crashes: {deaths} deaths, {committed} commits, none lost");
    assert!(committed > deaths as u64, "the children hardly wrote");
}
