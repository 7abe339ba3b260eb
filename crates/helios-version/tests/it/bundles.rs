// Guards against versions that change, vanish or come back when the history of a row is bundled, thinned
// and bundled again, whoever looks: a reader of a moment, a scan, a history.
//
// HELIOS_SEED sets the seed.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::time::Duration;

use helios_base::{BranchId, Scn, TableId};
use helios_version::{BranchSpec, Options, Read, Step, Store, TxnOptions};

const T: TableId = TableId(1000);
const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn open(path: &Path) -> Store {
    let options = Options {
        background: false,
        retention: Duration::from_secs(3600),
        checkpoint_bytes: 1 << 20,
        ..Options::default()
    };
    Store::open(path, options).unwrap()
}

fn maintain(store: &Store) {
    while store.gc_step(100).unwrap() == Step::More {}
    while store.checkpoint_step(usize::MAX).unwrap() == Step::More {}
}

/// All rows of every moment.
#[derive(Default)]
struct Expected(BTreeMap<(BranchId, Scn), Rows>);

impl Expected {
    fn compare(&self, store: &Store, from: Scn) {
        for ((branch, scn), rows) in self.0.iter().filter(|((_, scn), _)| *scn >= from) {
            let snapshot = store.snapshot(*branch, Some(*scn)).unwrap();
            let mut found = Rows::new();
            let mut cursor = snapshot.scan(T, ALL, false).unwrap();
            while let Some(row) = cursor.next().unwrap() {
                found.insert(row.pk.to_vec(), row.row.to_vec());
            }
            assert_eq!(&found, rows, "scan of {branch} at {scn}");
            for (pk, row) in rows {
                let found = snapshot.get(T, pk).unwrap().unwrap();
                assert_eq!(found.row, row, "{pk:?} on {branch} at {scn}");
            }
        }
    }
}

#[test]
fn bundled_versions_are_what_they_were() {
    let seed = std::env::var("HELIOS_SEED").ok();
    let seed = seed.and_then(|text| text.parse().ok()).unwrap_or(5);
    println!("HELIOS_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let mut store = open(&path);
    let mut expected = Expected::default();
    let (mut branch, mut rows) = (BranchId::MAIN, Rows::new());
    let mut floor = Scn::ZERO;
    for round in 0..400u32 {
        let txn = store
            .begin(TxnOptions {
                branch,
                ..TxnOptions::default()
            })
            .unwrap();
        for _ in 0..random.u8(1..12) {
            let pk = vec![b'k', random.u8(0..12)];
            match (random.u8(0..10), rows.get(&pk)) {
                (0, Some(_)) => {
                    txn.delete(T, &pk).unwrap();
                    rows.remove(&pk);
                }
                (1..=6, Some(row)) => {
                    let mut row = row.clone();
                    let at = random.usize(0..row.len());
                    row[at] = row[at].wrapping_add(1);
                    txn.put(T, &pk, &row, &[]).unwrap();
                    rows.insert(pk, row);
                }
                _ => {
                    let row: Vec<u8> = (0..random.u8(1..90)).map(|_| random.u8(..)).collect();
                    txn.put(T, &pk, &row, &[]).unwrap();
                    rows.insert(pk, row);
                }
            }
        }
        let scn = txn.commit().unwrap();
        drop(txn);
        expected.0.insert((branch, scn), rows.clone());
        match round {
            _ if round % 37 == 36 => maintain(&store),
            150 => {
                // From here on on a branch, where deletions are versions too.
                let spec = BranchSpec {
                    name: "child".into(),
                    parent: BranchId::MAIN,
                    ..BranchSpec::default()
                };
                branch = store.create_branch(spec).unwrap().id;
            }
            220 => {
                store.abandon();
                store = open(&path);
            }
            300 => {
                // What is left of bundles when most of the past goes.
                floor = scn;
                store.pin("kept", branch, scn).unwrap();
                store.set_retention(Duration::ZERO);
            }
            301 => {
                maintain(&store);
                store.set_retention(Duration::from_secs(3600));
            }
            _ => {}
        }
        if round % 50 == 49 {
            maintain(&store);
            expected.compare(&store, floor);
            assert_eq!(store.check().unwrap(), Vec::<String>::new());
        }
    }
}

// Guards what bundles are for: a row that was changed often costs little to keep.
#[test]
fn a_long_history_takes_little() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("db"));
    let mut row = [7; 100];
    let mut scns = Vec::new();
    for number in 0..64u32 {
        let txn = store.begin(TxnOptions::default()).unwrap();
        row[..4].copy_from_slice(&number.to_be_bytes());
        for pk in 0..40u8 {
            txn.put(T, &[pk], &row, &[]).unwrap();
        }
        scns.push(txn.commit().unwrap());
    }
    let before = store.branch_bytes(BranchId::MAIN).unwrap();
    maintain(&store);
    let after = store.branch_bytes(BranchId::MAIN).unwrap();
    assert!(after * 4 < before, "{before} bytes became {after}");
    for (number, scn) in (0u32..).zip(&scns) {
        let snapshot = store.snapshot(BranchId::MAIN, Some(*scn)).unwrap();
        let found = snapshot.get(T, &[9]).unwrap().unwrap();
        assert_eq!(found.begin, *scn);
        assert_eq!(found.row[..4], number.to_be_bytes());
    }
    let newest = store.snapshot(BranchId::MAIN, None).unwrap();
    let history = newest.history(T, &[9]).unwrap();
    let begins: Vec<Scn> = history.iter().map(|version| version.begin).collect();
    assert!(begins.iter().eq(scns.iter().rev()));
}
