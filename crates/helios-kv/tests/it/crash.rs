//! Guards against a process death at any failpoint that leaves half a checkpoint behind.
//!
//! The test runs itself again as a child that writes and checkpoints until its failpoint ends it.

use std::path::Path;
use std::process::Command;

use helios_base::failpoint;
use helios_kv::{Batch, FAILPOINTS, Keyspace, Kv};

use crate::{ALL, entries, open};

const K: Keyspace = Keyspace::Current;
const DIR: &str = "HELIOS_CRASH_DIR";

/// State number `round`: every key carries the round; each third round empties the map first.
fn apply(kv: &dyn Kv, round: u64) {
    let mut batch = Batch::new();
    if round.is_multiple_of(3) {
        batch.delete_range(K, ALL);
    }
    for n in 0..2000 + round {
        batch.put(K, &n.to_be_bytes(), &round.to_be_bytes());
    }
    kv.apply(batch).unwrap();
}

#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let kv = open(Path::new(&dir));
    for round in kv.applied() + 1..=kv.applied() + 6 {
        apply(&kv, round);
        kv.freeze(round).unwrap();
        while kv.checkpoint_step(700).unwrap() {}
    }
}

#[test]
fn every_failpoint() {
    let dir = tempfile::tempdir().unwrap();
    let mut crashes = 0;
    let mut before = 0;
    for nth in [1, 2, 4] {
        for name in FAILPOINTS {
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["crash::child", "--exact", "--test-threads=1"])
                .env(DIR, dir.path())
                .env(failpoint::VARIABLE, format!("{name}:{nth}:abort"))
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .status()
                .unwrap();
            assert!(!status.success(), "{name} was not passed {nth} times");
            crashes += 1;
            let kv = open(dir.path());
            let round = kv.applied();
            assert!(round >= before, "{name}:{nth}");
            before = round;
            let found = entries(&*kv.snapshot(), K);
            let expected = if round == 0 { 0 } else { 2000 + round };
            // Rounds that only overwrite leave no longer keys behind, for each has more of them.
            assert_eq!(found.len() as u64, expected, "{name}:{nth}");
            assert!(
                found
                    .iter()
                    .all(|(_, value)| value[..] == round.to_be_bytes())
            );
        }
    }
    assert_eq!(crashes, 3 * FAILPOINTS.len());
    assert!(before > 0);
}
