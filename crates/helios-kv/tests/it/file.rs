//! Guards against using a file or directory that is foreign, newer, damaged or taken.

use std::fs;

use helios_base::{ErrorKind, SqlState};
use helios_kv::{Batch, DirectoryLock, DurableKv, Keyspace, Kv, KvOptions};
use redb::{Database, TableDefinition};

use crate::{entries, open, options};

fn refused(path: &std::path::Path, options: &KvOptions) -> helios_base::Error {
    DurableKv::open(path, options).err().unwrap()
}

#[test]
fn foreign_newer_and_other_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    fs::write(&path, vec![b'x'; 10_000]).unwrap();
    let error = refused(&path, &options());
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.message().contains("is not a state file"), "{error}");

    fs::remove_file(&path).unwrap();
    let other = TableDefinition::<u64, u64>::new("other");
    let database = Database::create(&path).unwrap();
    let writing = database.begin_write().unwrap();
    writing.open_table(other).unwrap();
    writing.commit().unwrap();
    drop(database);
    let error = refused(&path, &options());
    assert!(error.message().contains("is not a state file"), "{error}");

    fs::remove_file(&path).unwrap();
    drop(open(dir.path()));
    let error = refused(&path, &KvOptions::new(8));
    assert!(error.message().contains("another database"), "{error}");

    let facts = TableDefinition::<&str, u128>::new("helios");
    let database = Database::create(&path).unwrap();
    let writing = database.begin_write().unwrap();
    writing
        .open_table(facts)
        .unwrap()
        .insert("format", 99)
        .unwrap();
    writing.commit().unwrap();
    drop(database);
    let error = refused(&path, &options());
    assert_eq!(error.sqlstate(), SqlState::FEATURE_NOT_SUPPORTED, "{error}");
}

#[test]
fn damaged_files_are_refused_or_read_right() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    drop(open(dir.path()));
    let whole = fs::read(&path).unwrap();
    // A cut within the header and one that takes most pages.
    for length in [1, 63, 320, 4096] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = refused(&path, &options());
        assert!(
            matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Io),
            "cut at {length}: {error:?}"
        );
    }
}

#[test]
fn a_file_is_opened_once() {
    let dir = tempfile::tempdir().unwrap();
    let _open = open(dir.path());
    let error = refused(&dir.path().join("state.redb"), &options());
    assert_eq!(error.sqlstate(), SqlState::OBJECT_IN_USE, "{error}");
}

#[test]
fn a_missing_directory_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nowhere").join("state.redb");
    let error = refused(&path, &options());
    assert!(error.message().contains("nowhere"), "{error}");
}

#[test]
fn the_lock_names_its_holder() {
    let dir = tempfile::tempdir().unwrap();
    let lock = DirectoryLock::acquire(dir.path()).unwrap();
    assert!(lock.path().exists());
    let error = DirectoryLock::acquire(dir.path()).err().unwrap();
    assert_eq!(error.sqlstate(), SqlState::OBJECT_IN_USE);
    let holder = format!("process {}", std::process::id());
    assert!(error.message().contains(&holder), "{error}");
    drop(lock);
    DirectoryLock::acquire(dir.path()).unwrap();
}

/// A flipped bit in the state file must never end the process, and a check must find whatever
/// changes an answer.
#[test]
fn flipped_bits_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let kv = open(dir.path());
    let mut batch = Batch::new();
    for n in 0..3000u32 {
        batch.put(Keyspace::Current, &n.to_be_bytes(), &[n as u8; 60]);
    }
    kv.apply(batch).unwrap();
    kv.checkpoint(1).unwrap();
    let expected = entries(&*kv.snapshot(), Keyspace::Current);
    drop(kv);
    let whole = fs::read(&path).unwrap();
    let seed = std::env::var("HELIOS_SEED").map_or(1, |text| text.parse().expect("a number"));
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let read = |kv: &DurableKv| -> helios_base::Result<bool> {
        let mut cursor = kv.snapshot().scan(Keyspace::Current, crate::ALL, false)?;
        for (key, value) in &expected {
            if cursor.next()? != Some((&key[..], &value[..])) {
                return Ok(false);
            }
        }
        Ok(cursor.next()?.is_none())
    };
    let mut found = 0;
    for _ in 0..150 {
        let mut flipped = whole.clone();
        flipped[random.usize(..600_000.min(whole.len()))] ^= 1 << random.u8(..8);
        fs::write(&path, &flipped).unwrap();
        let Ok(mut kv) = DurableKv::open(&path, &options()) else {
            found += 1;
            continue;
        };
        let right = matches!(read(&kv), Ok(true));
        let checked = kv.check();
        assert!(right || checked.is_err(), "damage that no check finds");
        found += u32::from(checked.is_err());
    }
    assert!(found > 10, "{found}");
}

#[test]
fn checks_wait_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut kv = open(dir.path());
    crate::put(&kv, Keyspace::Current, &[("a", "1")]);
    kv.checkpoint(1).unwrap();
    crate::put(&kv, Keyspace::Current, &[("b", "1")]);
    let old = kv.snapshot();
    let error = kv.check().unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::OBJECT_IN_USE, "{error}");
    assert_eq!(entries(&*kv.snapshot(), Keyspace::Current).len(), 2);
    drop(old);
    kv.check().unwrap();
    assert_eq!(entries(&*kv.snapshot(), Keyspace::Current).len(), 2);
    kv.freeze(2).unwrap();
    assert!(kv.check().is_err(), "a checkpoint is under way");
}

/// Tools that copy files may add to them; what is there is whole.
#[test]
fn a_lengthened_file_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let kv = open(dir.path());
    crate::put(&kv, Keyspace::Current, &[("a", "1")]);
    kv.checkpoint(7).unwrap();
    drop(kv);
    let whole = fs::read(&path).unwrap();
    for more in [1, 100, 4096, 5000, 1 << 20] {
        let mut longer = whole.clone();
        longer.resize(whole.len() + more, b'x');
        fs::write(&path, longer).unwrap();
        for round in 0..2 {
            let mut kv = open(dir.path());
            assert_eq!(kv.applied(), 7 + round);
            assert_eq!(entries(&*kv.snapshot(), Keyspace::Current).len(), 1);
            kv.check().unwrap();
            kv.checkpoint(8).unwrap();
        }
    }
}

/// A session that saves nothing must not touch the file, however it ends.
#[test]
fn a_session_without_a_checkpoint_leaves_the_file_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let kv = open(dir.path());
    crate::put(&kv, Keyspace::Current, &[("a", "1")]);
    kv.checkpoint(1).unwrap();
    drop(kv);
    let before = fs::read(&path).unwrap();
    for ends in [true, false] {
        let kv = open(dir.path());
        crate::put(&kv, Keyspace::Current, &[("b", "1")]);
        assert_eq!(entries(&*kv.snapshot(), Keyspace::Current).len(), 2);
        assert!(fs::read(&path).unwrap() == before);
        if ends {
            drop(kv);
            assert!(fs::read(&path).unwrap() == before);
        } else {
            kv.checkpoint(2).unwrap();
            assert!(fs::read(&path).unwrap() != before);
        }
    }
    let kv = open(dir.path());
    assert_eq!(kv.applied(), 2);
    assert_eq!(entries(&*kv.snapshot(), Keyspace::Current).len(), 2);
}

/// Zeroes where pages were must be an error of whoever meets them, by a point read too.
#[test]
fn zeroed_pages_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let kv = open(dir.path());
    let mut batch = Batch::new();
    for n in 0..20_000u32 {
        batch.put(Keyspace::Current, &n.to_be_bytes(), &[n as u8; 60]);
    }
    kv.apply(batch).unwrap();
    kv.checkpoint(1).unwrap();
    drop(kv);
    let mut bytes = fs::read(&path).unwrap();
    let pages = bytes.len() / 4096;
    for page in (20..pages).step_by(3) {
        bytes[page * 4096..(page + 1) * 4096].fill(0);
    }
    fs::write(&path, bytes).unwrap();
    let Ok(kv) = DurableKv::open(&path, &options()) else {
        return;
    };
    let snapshot = kv.snapshot();
    let failed = (0..20_000u32)
        .filter(|n| snapshot.get(Keyspace::Current, &n.to_be_bytes()).is_err())
        .count();
    assert!(failed > 0);
}
