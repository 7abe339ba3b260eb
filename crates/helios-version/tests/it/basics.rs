// Guards the promises of single operations: visibility, locks, savepoints, branches, sequences, pins.

use std::ops::Bound;
use std::time::Duration;

use helios_base::{BranchId, IndexId, Scn, TableId};
use helios_version::{
    BranchSpec, IndexEntry, Isolation, LockMode, Options, Read, SequenceSpec, SequenceState, Step,
    Store, TableLock, Txn, TxnOptions, Wait,
};

const T: TableId = TableId(1000);
const I: IndexId = IndexId(1000);
const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

fn store() -> Store {
    let options = Options {
        background: false,
        ..Options::default()
    };
    Store::open_in_memory(options).unwrap()
}

fn begin(store: &Store) -> Txn {
    store.begin(TxnOptions::default()).unwrap()
}

fn begin_at(store: &Store, isolation: Isolation) -> Txn {
    let options = TxnOptions {
        isolation,
        ..TxnOptions::default()
    };
    store.begin(options).unwrap()
}

fn on(store: &Store, branch: BranchId) -> Txn {
    let options = TxnOptions {
        branch,
        ..TxnOptions::default()
    };
    store.begin(options).unwrap()
}

fn put(store: &Store, pk: &str, row: &str) -> Scn {
    let txn = begin(store);
    txn.put(T, pk.as_bytes(), row.as_bytes(), &[]).unwrap();
    txn.commit().unwrap()
}

fn get(read: &dyn Read, pk: &str) -> Option<String> {
    let row = read.get(T, pk.as_bytes()).unwrap()?.row;
    Some(String::from_utf8(row.to_vec()).unwrap())
}

fn rows(read: &dyn Read) -> Vec<String> {
    let collect = |reverse| {
        let rows = read.scan(T, ALL, reverse).unwrap().collect().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        rows.iter()
            .map(|(pk, row)| format!("{}={}", text(pk), text(row)))
            .collect::<Vec<_>>()
    };
    let forward = collect(false);
    let mut backward = collect(true);
    backward.reverse();
    assert_eq!(forward, backward);
    forward
}

fn newest(store: &Store) -> Vec<String> {
    rows(&store.snapshot(BranchId::MAIN, None).unwrap())
}

fn state<T: std::fmt::Debug>(result: helios_base::Result<T>) -> String {
    result.unwrap_err().sqlstate().as_str().to_owned()
}

fn collect_garbage(store: &Store) {
    while store.gc_step(3).unwrap() == Step::More {}
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_snapshot_sees_its_moment_and_a_transaction_itself() {
    let store = store();
    let one = put(&store, "a", "1");
    let before = store.snapshot(BranchId::MAIN, None).unwrap();
    let txn = begin(&store);
    txn.put(T, b"a", b"2", &[]).unwrap();
    txn.put(T, b"b", b"1", &[]).unwrap();
    let view = txn.view().unwrap();
    txn.delete(T, b"a").unwrap();
    assert_eq!(rows(&view), ["a=2", "b=1"]);
    assert_eq!(rows(&txn.view().unwrap()), ["b=1"]);
    assert_eq!(newest(&store), ["a=1"]);
    let two = txn.commit().unwrap();
    assert_eq!(two, one.next());
    assert_eq!(newest(&store), ["b=1"]);
    assert_eq!(rows(&before), ["a=1"]);
    assert_eq!(
        rows(&store.snapshot(BranchId::MAIN, Some(one)).unwrap()),
        ["a=1"]
    );
    assert_eq!(
        rows(&store.snapshot(BranchId::MAIN, Some(Scn::ZERO)).unwrap()),
        [""; 0]
    );
    assert_eq!(
        state(store.snapshot(BranchId::MAIN, Some(two.next())).map(|_| ())),
        "22023"
    );
    assert_eq!(state(txn.put(T, b"a", b"3", &[])), "25P01");
}

#[test]
fn savepoints_undo_writes_after_them() {
    let store = store();
    let txn = begin(&store);
    txn.put(T, b"a", b"1", &[]).unwrap();
    let first = txn.savepoint();
    txn.put(T, b"a", b"2", &[]).unwrap();
    let second = txn.savepoint();
    txn.delete(T, b"a").unwrap();
    txn.rollback_to(second).unwrap();
    assert_eq!(rows(&txn.view().unwrap()), ["a=2"]);
    txn.rollback_to(first).unwrap();
    assert_eq!(state(txn.rollback_to(second)), "3B001");
    txn.commit().unwrap();
    assert_eq!(newest(&store), ["a=1"]);
}

#[test]
fn isolation_levels_differ_in_what_a_second_statement_sees_and_may_change() {
    let store = store();
    put(&store, "a", "1");
    let committed = begin(&store);
    let repeatable = begin_at(&store, Isolation::RepeatableRead);
    committed.statement().unwrap();
    repeatable.statement().unwrap();
    put(&store, "a", "2");
    assert_eq!(get(&committed.view().unwrap(), "a").unwrap(), "1");
    assert_eq!(get(&committed.statement().unwrap(), "a").unwrap(), "2");
    assert_eq!(get(&repeatable.statement().unwrap(), "a").unwrap(), "1");
    assert_eq!(state(repeatable.put(T, b"a", b"3", &[])), "40001");
    repeatable.rollback();
    let locked = committed
        .lock_row(T, b"a", LockMode::Update, Wait::Block)
        .unwrap()
        .unwrap();
    assert!(!locked.changed_since_snapshot);
    put(&store, "b", "1");
    let locked = committed
        .lock_row(T, b"b", LockMode::Update, Wait::Block)
        .unwrap()
        .unwrap();
    assert!(locked.changed_since_snapshot);
    assert_eq!(locked.latest.unwrap().row, "1");
}

#[test]
fn write_skew_and_phantoms_fail_under_serializable_only() {
    for isolation in [Isolation::RepeatableRead, Isolation::Serializable] {
        let store = store();
        put(&store, "a", "1");
        put(&store, "b", "1");
        let (one, two) = (begin_at(&store, isolation), begin_at(&store, isolation));
        assert_eq!(rows(&one.view().unwrap()), ["a=1", "b=1"]);
        assert!(get(&two.view().unwrap(), "a").is_some());
        one.put(T, b"a", b"0", &[]).unwrap();
        two.put(T, b"b", b"0", &[]).unwrap();
        one.commit().unwrap();
        let second = two.commit();
        assert_eq!(second.is_err(), isolation == Isolation::Serializable);

        let (one, two) = (begin_at(&store, isolation), begin_at(&store, isolation));
        let range = (Bound::Included(&b"k"[..]), Bound::Excluded(&b"l"[..]));
        for (txn, pk) in [(&one, "k1"), (&two, "k2")] {
            let entries = [IndexEntry {
                index: I,
                key: pk.as_bytes().to_vec(),
            }];
            let found = txn.view().unwrap().index_scan(I, range, false).unwrap();
            assert!(found.collect().unwrap().is_empty());
            txn.put(T, pk.as_bytes(), b"1", &entries).unwrap();
        }
        one.commit().unwrap();
        assert_eq!(two.commit().is_err(), isolation == Isolation::Serializable);
    }
}

#[test]
fn locks_wait_time_out_and_skip() {
    let store = store();
    let one = begin(&store);
    one.lock_row(T, b"a", LockMode::Update, Wait::Block)
        .unwrap();
    let two = store
        .begin(TxnOptions {
            lock_timeout: Some(Duration::from_millis(10)),
            ..TxnOptions::default()
        })
        .unwrap();
    let lock = |wait| two.lock_row(T, b"a", LockMode::Share, wait);
    assert_eq!(lock(Wait::SkipLocked).unwrap(), None);
    assert_eq!(state(lock(Wait::NoWait)), "55P03");
    assert_eq!(state(lock(Wait::Block)), "55P03");
    assert!(
        two.lock_key(7, b"a", LockMode::Update, Wait::NoWait)
            .unwrap()
    );
    assert!(
        !one.lock_key(7, b"a", LockMode::Share, Wait::SkipLocked)
            .unwrap()
    );
    assert!(
        !two.lock_table(T, TableLock::Share, Wait::SkipLocked)
            .unwrap()
    );
    assert_eq!(store.locks().len(), 4);
    assert_eq!(store.transactions().len(), 2);
    drop(one);
    assert!(lock(Wait::NoWait).unwrap().is_some());
    drop(two);
    assert!(store.locks().is_empty());
    assert!(store.transactions().is_empty());
}

#[test]
fn a_shared_key_stays_until_the_end_and_an_absent_one_is_not_locked() {
    let store = store();
    put(&store, "a", "1");
    let one = begin(&store);
    one.put(T, b"own", b"1", &[]).unwrap();
    assert!(one.share_key(T, b"a").unwrap());
    assert!(one.share_key(T, b"own").unwrap());
    assert!(!one.share_key(T, b"absent").unwrap());
    let try_row = |pk: &[u8], mode| {
        let two = begin(&store);
        let locked = two.lock_row(T, pk, mode, Wait::SkipLocked);
        locked.unwrap().is_some()
    };
    assert!(try_row(b"a", LockMode::NoKeyUpdate) && !try_row(b"a", LockMode::Update));
    assert!(try_row(b"absent", LockMode::Update));
    assert!(one.share_key(T, b"a").unwrap());
    one.delete(T, b"a").unwrap();
    assert!(!one.share_key(T, b"a").unwrap());
    one.commit().unwrap();
    let three = begin(&store);
    assert!(!three.share_key(T, b"a").unwrap());
    assert!(three.share_key(T, b"own").unwrap());
}

// PostgreSQL: "if a lock is acquired after establishing a savepoint, the lock is released immediately
// if the savepoint is rolled back to". What was held before stays, as strong as it was.
#[test]
fn rolling_back_to_a_savepoint_gives_back_later_locks() {
    let store = store();
    put(&store, "a", "1");
    let one = begin(&store);
    one.lock_row(T, b"before", LockMode::KeyShare, Wait::Block)
        .unwrap();
    let savepoint = one.savepoint();
    one.put(T, b"a", b"2", &[]).unwrap();
    one.lock_row(T, b"before", LockMode::Update, Wait::Block)
        .unwrap();
    one.lock_key(7, b"k", LockMode::Update, Wait::Block)
        .unwrap();
    one.lock_table(TableId(1001), TableLock::Share, Wait::Block)
        .unwrap();
    let try_row = |pk: &[u8], mode| {
        let two = begin(&store);
        two.lock_row(T, pk, mode, Wait::SkipLocked)
            .unwrap()
            .is_some()
    };
    assert!(!try_row(b"a", LockMode::KeyShare) || !try_row(b"a", LockMode::Update));
    assert!(!try_row(b"before", LockMode::KeyShare));
    one.rollback_to(savepoint).unwrap();
    assert!(try_row(b"a", LockMode::Update));
    assert!(try_row(b"before", LockMode::NoKeyUpdate));
    assert!(!try_row(b"before", LockMode::Update));
    let modes: Vec<_> = store.locks().into_iter().map(|lock| lock.mode).collect();
    assert_eq!(modes.len(), 2, "{modes:?}");
    assert!(modes.contains(&"RowShareLock") && modes.contains(&"ForKeyShare"));
    // What was given back must be taken again before a write, remembered or not.
    let two = begin(&store);
    two.lock_row(T, b"a", LockMode::Update, Wait::Block)
        .unwrap();
    let one_waits = one.lock_row(T, b"a", LockMode::NoKeyUpdate, Wait::SkipLocked);
    assert_eq!(one_waits.unwrap(), None);
    drop(two);
    one.put(T, b"a", b"3", &[]).unwrap();
    assert!(!try_row(b"a", LockMode::NoKeyUpdate));
    one.commit().unwrap();
    assert_eq!(newest(&store), ["a=3"]);
    assert!(store.locks().is_empty());
}

#[test]
fn branches_inherit_hide_and_outlive_their_parents_changes() {
    let store = store();
    put(&store, "a", "1");
    put(&store, "b", "1");
    let past = store.scn();
    put(&store, "b", "2");
    let spec = |name: &str, parent, at| BranchSpec {
        name: name.into(),
        parent,
        at,
        ..BranchSpec::default()
    };
    let dev = store
        .create_branch(spec("dev", BranchId::MAIN, None))
        .unwrap();
    let old = store
        .create_branch(spec("old", BranchId::MAIN, Some(past)))
        .unwrap();
    assert_eq!(
        state(store.create_branch(spec("dev", BranchId::MAIN, None))),
        "42710"
    );
    put(&store, "a", "9");
    let txn = begin(&store);
    txn.delete(T, b"b").unwrap();
    txn.commit().unwrap();
    let txn = on(&store, dev.id);
    txn.delete(T, b"a").unwrap();
    txn.delete(T, b"zzz").unwrap();
    txn.put(T, b"c", b"1", &[]).unwrap();
    txn.commit().unwrap();
    let between = store.scn();
    let txn = on(&store, dev.id);
    txn.put(T, b"a", b"3", &[]).unwrap();
    txn.commit().unwrap();
    let leaf = store
        .create_branch(spec("leaf", dev.id, Some(between)))
        .unwrap();
    let at = |branch, scn| rows(&store.snapshot(branch, scn).unwrap());
    assert_eq!(newest(&store), ["a=9"]);
    assert_eq!(at(dev.id, None), ["a=3", "b=2", "c=1"]);
    assert_eq!(at(dev.id, Some(between)), ["b=2", "c=1"]);
    assert_eq!(at(dev.id, Some(past)), ["a=1", "b=1"]);
    assert_eq!(at(old.id, None), ["a=1", "b=1"]);
    assert_eq!(at(leaf.id, None), ["b=2", "c=1"]);
    store.set_retention(Duration::ZERO);
    collect_garbage(&store);
    assert_eq!(at(dev.id, None), ["a=3", "b=2", "c=1"]);
    assert_eq!(at(old.id, None), ["a=1", "b=1"]);
    assert_eq!(at(leaf.id, None), ["b=2", "c=1"]);
    assert_eq!(
        state(store.snapshot(dev.id, Some(past)).map(|_| ())),
        "72000"
    );
    assert_eq!(state(store.drop_branch(dev.id)), "2BP01");
    assert_eq!(state(store.drop_branch(BranchId::MAIN)), "42501");
    let user = on(&store, leaf.id);
    assert_eq!(state(store.drop_branch(leaf.id)), "55006");
    drop(user);
    let reader = store.snapshot(leaf.id, None).unwrap();
    store.drop_branch(leaf.id).unwrap();
    store.drop_branch(dev.id).unwrap();
    collect_garbage(&store);
    assert_eq!(rows(&reader), ["b=2", "c=1"]);
    drop(reader);
    collect_garbage(&store);
    assert_eq!(state(store.snapshot(dev.id, None).map(|_| ())), "42704");
    assert_eq!(newest(&store), ["a=9"]);
    store
        .alter_branch(old.id, "dev", vec![("k".into(), "v".into())])
        .unwrap();
    let renamed = store.branch("dev").unwrap();
    assert_eq!((renamed.id, renamed.options.len()), (old.id, 1));
    let new = store
        .create_branch(spec("new", BranchId::MAIN, None))
        .unwrap();
    assert!(new.id > leaf.id, "numbers are never reused");
}

#[test]
fn history_tells_every_version_and_deletion() {
    let store = store();
    let a = put(&store, "a", "1");
    let txn = begin(&store);
    txn.delete(T, b"a").unwrap();
    let b = txn.commit().unwrap();
    let c = put(&store, "a", "2");
    let dev = store
        .create_branch(BranchSpec {
            name: "dev".into(),
            ..BranchSpec::default()
        })
        .unwrap();
    put(&store, "a", "3");
    let txn = on(&store, dev.id);
    txn.put(T, b"a", b"4", &[]).unwrap();
    let d = txn.commit().unwrap();
    let history = store
        .snapshot(dev.id, None)
        .unwrap()
        .history(T, b"a")
        .unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|v| (v.branch.0, v.begin, v.end, v.row.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (dev.id.0, d, None, Some(&b"4"[..])),
            (0, c, Some(d), Some(b"2")),
            (0, b, Some(c), None),
            (0, a, Some(b), Some(b"1")),
        ]
    );
    let past = store.snapshot(BranchId::MAIN, Some(b)).unwrap();
    assert_eq!(past.history(T, b"a").unwrap().len(), 2);
}

#[test]
fn commits_are_known_by_number_transaction_and_time() {
    let store = store();
    let txn = begin(&store);
    txn.put(T, b"a", b"1", &[]).unwrap();
    txn.put(T, b"a", b"2", &[]).unwrap();
    txn.put(T, b"b", b"2", &[]).unwrap();
    txn.describe("ann", "first");
    let id = txn.id();
    let scn = txn.commit().unwrap();
    let info = store.commit_info(scn).unwrap().unwrap();
    assert_eq!(
        (info.author.as_str(), info.message.as_str()),
        ("ann", "first")
    );
    assert_eq!((info.puts, info.deletes, info.txid), (2, 0, id));
    assert_eq!(store.scn_of(id).unwrap(), Some(scn));
    put(&store, "a", "3");
    assert_eq!(store.scn_at(info.time).unwrap(), scn);
    assert_eq!(store.scn_at(info.time - 1).unwrap(), Scn::ZERO);
    assert_eq!(store.scn_at(i64::MAX).unwrap(), store.scn());
}

#[test]
fn pins_keep_what_retention_would_let_go() {
    let store = store();
    let one = put(&store, "a", "1");
    put(&store, "a", "2");
    store.pin("p", BranchId::MAIN, one).unwrap();
    assert_eq!(state(store.pin("p", BranchId::MAIN, one)), "42710");
    store.set_retention(Duration::ZERO);
    put(&store, "a", "3");
    collect_garbage(&store);
    assert_eq!(
        rows(&store.snapshot(BranchId::MAIN, Some(one)).unwrap()),
        ["a=1"]
    );
    assert_eq!(
        state(store.snapshot(BranchId::MAIN, Some(one.next())).map(|_| ())),
        "72000"
    );
    store.unpin("p").unwrap();
    assert_eq!(state(store.unpin("p")), "42704");
    collect_garbage(&store);
    assert_eq!(
        state(store.snapshot(BranchId::MAIN, Some(one)).map(|_| ())),
        "72000"
    );
    assert_eq!(newest(&store), ["a=3"]);
}

#[test]
fn sequences_go_on_whatever_transactions_do() {
    let store = store();
    let spec = SequenceSpec {
        start: 5,
        increment: 2,
        min: 1,
        max: 9,
        cycle: false,
    };
    let main = BranchId::MAIN;
    assert_eq!(store.sequence(main, T).unwrap(), None);
    let txn = begin(&store);
    assert_eq!(txn.nextval(T, &spec).unwrap(), 5);
    txn.rollback();
    assert_eq!(store.nextval(main, T, &spec).unwrap(), 7);
    let dev = store
        .create_branch(BranchSpec {
            name: "dev".into(),
            ..BranchSpec::default()
        })
        .unwrap();
    assert_eq!(store.nextval(dev.id, T, &spec).unwrap(), 9);
    assert_eq!(store.nextval(main, T, &spec).unwrap(), 9);
    assert_eq!(state(store.nextval(main, T, &spec)), "2200H");
    let state = SequenceState {
        value: 3,
        called: false,
    };
    store.setval(main, T, state).unwrap();
    assert_eq!(store.nextval(main, T, &spec).unwrap(), 3);
    assert_eq!(store.nextval(main, T, &spec).unwrap(), 5);
}

#[test]
fn dropped_tables_and_indexes_go_when_nobody_can_reach_them() {
    let store = store();
    let txn = begin(&store);
    let entry = IndexEntry {
        index: I,
        key: b"x".to_vec(),
    };
    txn.put(T, b"a", b"1", &[entry]).unwrap();
    txn.commit().unwrap();
    let before = store.snapshot(BranchId::MAIN, None).unwrap();
    let txn = begin(&store);
    txn.drop_table(T).unwrap();
    txn.drop_index(I).unwrap();
    txn.commit().unwrap();
    store.set_retention(Duration::ZERO);
    collect_garbage(&store);
    assert_eq!(rows(&before), ["a=1"]);
    drop(before);
    collect_garbage(&store);
    let now = store.snapshot(BranchId::MAIN, None).unwrap();
    assert_eq!(rows(&now), [""; 0]);
    assert!(
        now.index_scan(I, ALL, false)
            .unwrap()
            .collect()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn read_only_transactions_refuse_writes() {
    let store = store();
    let txn = store
        .begin(TxnOptions {
            read_only: true,
            ..TxnOptions::default()
        })
        .unwrap();
    assert_eq!(state(txn.put(T, b"a", b"1", &[])), "25006");
    assert_eq!(state(txn.delete(T, b"a")), "25006");
    assert_eq!(txn.commit().unwrap(), Scn::ZERO);
}

#[test]
fn loads_of_ascending_keys_find_the_neighbours_that_are_there() {
    let store = store();
    put(&store, "k0500", "old");
    let txn = begin(&store);
    for number in 0..1000 {
        let pk = format!("k{number:04}");
        let locked = txn
            .lock_row(T, pk.as_bytes(), LockMode::Update, Wait::Block)
            .unwrap();
        assert_eq!(locked.unwrap().latest.is_some(), number == 500);
        txn.put(T, pk.as_bytes(), b"new", &[]).unwrap();
    }
    // Another transaction commits into a gap that is known to be empty.
    put(&store, "k2000", "other");
    let latest = txn.latest(T, b"k2000").unwrap();
    assert!(latest.is_some());
    txn.commit().unwrap();
    let snapshot = store.snapshot(BranchId::MAIN, None).unwrap();
    assert_eq!(rows(&snapshot).len(), 1001);
    assert_eq!(snapshot.history(T, b"k0500").unwrap().len(), 2);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

// Guards against an open that reads the whole segment of a load for the sake of one small commit
// after it.
#[test]
fn a_small_commit_after_a_load_does_not_leave_a_long_log_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let open = || {
        let options = Options {
            background: false,
            ..Options::default()
        };
        Store::open(&path, options).unwrap()
    };
    let store = open();
    let txn = begin(&store);
    for number in 0..20_000 {
        let pk = format!("{number:06}");
        txn.put(T, pk.as_bytes(), &[7; 100], &[]).unwrap();
    }
    txn.commit().unwrap();
    drop(txn);
    while store.checkpoint_step(usize::MAX).unwrap() == Step::More {}
    put(&store, "small", "change");
    assert!(store.stats().log_bytes > 2_000_000);
    drop(store);
    let log_bytes = || -> u64 {
        let files = std::fs::read_dir(path.join("log")).unwrap();
        files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum()
    };
    assert!(log_bytes() < 1000, "{}", log_bytes());
    // A little stays in the log.
    let store = open();
    put(&store, "smaller", "change");
    drop(store);
    assert!(log_bytes() < 1000, "{}", log_bytes());
    let store = open();
    let snapshot = store.snapshot(BranchId(0), None).unwrap();
    assert_eq!(get(&snapshot, "small").unwrap(), "change");
    assert_eq!(get(&snapshot, "smaller").unwrap(), "change");
}

// Guards against a row taken as seen that somebody else has changed since.
#[test]
fn rows_seen_are_taken_as_seen_only_while_that_is_known() {
    let store = store();
    let scn = put(&store, "k", "old");
    let seen = || {
        store
            .snapshot(BranchId::MAIN, Some(scn))
            .unwrap()
            .get(T, b"k")
    };
    let locked = |txn: &Txn| {
        let seen = seen().unwrap();
        let locked = txn.lock_seen(T, b"k", seen, LockMode::Update, Wait::NoWait);
        let row = locked.unwrap().unwrap().latest.unwrap().row;
        String::from_utf8(row.to_vec()).unwrap()
    };
    let elsewhere = || {
        let txn = begin(&store);
        txn.put(TableId(1001), b"x", b"y", &[]).unwrap();
        txn.commit().unwrap();
    };
    // With the whole table at hand, others may commit elsewhere.
    let txn = begin(&store);
    let savepoint = txn.savepoint();
    txn.lock_table(T, TableLock::Exclusive, Wait::NoWait)
        .unwrap();
    txn.statement().unwrap();
    elsewhere();
    assert_eq!(locked(&txn), "old");
    // Without it, it must be looked at.
    txn.rollback_to(savepoint).unwrap();
    put(&store, "k", "new");
    txn.lock_table(T, TableLock::Exclusive, Wait::NoWait)
        .unwrap();
    assert_eq!(locked(&txn), "new");
    drop(txn);
    // The table was taken after the statement's snapshot.
    let txn = begin(&store);
    txn.statement().unwrap();
    put(&store, "k", "newer");
    txn.lock_table(T, TableLock::Exclusive, Wait::NoWait)
        .unwrap();
    assert_eq!(locked(&txn), "newer");
}

// Guards against large commits, which read what they replace in batches, losing or mixing up versions.
#[test]
fn large_commits_keep_what_they_replace() {
    use std::collections::BTreeMap;
    type Rows = BTreeMap<u32, u32>;
    const KEYS: u32 = 6000;
    let store = store();
    let branch = store.create_branch(BranchSpec {
        name: "b".into(),
        ..BranchSpec::default()
    });
    let branches = [BranchId::MAIN, branch.unwrap().id];
    let other = TableId(1001);
    let mut rows = [Rows::new(), Rows::new()];
    let mut states: Vec<(BranchId, Scn, Rows)> = Vec::new();
    for round in 0..8 {
        let at = round % 2;
        let txn = on(&store, branches[at]);
        for key in 0..KEYS {
            let (pk, value) = (key.to_be_bytes(), key + round as u32);
            match (key * 7 + round as u32 * 3) % 5 {
                // Another table in between, in the order of the keys of each.
                0 => txn.put(other, &pk, b"x", &[]).unwrap(),
                1 if round > 1 => {
                    txn.delete(T, &pk).unwrap();
                    rows[at].remove(&key);
                }
                _ => {
                    txn.put(T, &pk, &value.to_be_bytes(), &[]).unwrap();
                    rows[at].insert(key, value);
                }
            }
        }
        let scn = txn.commit().unwrap();
        states.push((branches[at], scn, rows[at].clone()));
        if round % 3 == 0 {
            while store.checkpoint_step(1 << 20).unwrap() == Step::More {}
        }
    }
    for (branch, scn, rows) in &states {
        let snapshot = store.snapshot(*branch, Some(*scn)).unwrap();
        let found = snapshot.scan(T, ALL, false).unwrap().collect().unwrap();
        let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
        let found: Rows = found
            .iter()
            .map(|(pk, row)| (number(pk), number(row)))
            .collect();
        assert!(found == *rows, "branch {branch} at {scn}");
        for key in (0..KEYS).step_by(97) {
            let row = snapshot.get(T, &key.to_be_bytes()).unwrap();
            let row = row.map(|row| number(&row.row));
            assert_eq!(row, rows.get(&key).copied(), "{key} of {branch} at {scn}");
        }
    }
}
