//! Guards against any difference from a plain ordered map, over random batches, old snapshots,
//! checkpoints in steps and reopening.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use fastrand::Rng;
use helios_kv::{Batch, Keyspace, Kv, KvSnapshot, MemoryKv};

use crate::drain;

type Map = BTreeMap<(Keyspace, Vec<u8>), Vec<u8>>;

struct Run {
    random: Rng,
    /// Keys are numbers below this.
    span: u32,
}

impl Run {
    fn key(&mut self) -> Vec<u8> {
        // Varying lengths make keys that are prefixes of others.
        let mut key = self.random.u32(..self.span).to_be_bytes().to_vec();
        key.truncate(self.random.usize(2..=4));
        key
    }

    fn keyspace(&mut self) -> Keyspace {
        [Keyspace::Current, Keyspace::History, Keyspace::Index][self.random.usize(..3)]
    }

    fn bound(&mut self) -> Bound<Vec<u8>> {
        match self.random.u8(..5) {
            0 => Bound::Unbounded,
            1 | 2 => Bound::Excluded(self.key()),
            _ => Bound::Included(self.key()),
        }
    }

    fn range(&mut self) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
        (self.bound(), self.bound())
    }

    fn batch(&mut self, model: &mut Map) -> Batch {
        let mut batch = Batch::new();
        let count = [1, 4, 30, 500][self.random.usize(..4)];
        let keyspace = self.keyspace();
        let base = self.random.u32(..self.span);
        for n in 0..self.random.u32(..=count) {
            match self.random.u16(..1000) {
                0..=2 => {
                    let keyspace = self.keyspace();
                    let (start, end) = self.range();
                    batch.delete_range(keyspace, (slice(&start), slice(&end)));
                    model.retain(|(k, key), _| *k != keyspace || !contains(&start, &end, key));
                }
                3..=300 => {
                    let (keyspace, key) = (self.keyspace(), self.key());
                    batch.delete(keyspace, &key);
                    model.remove(&(keyspace, key));
                }
                301..=650 => {
                    let (keyspace, key) = (self.keyspace(), self.key());
                    let length = self.random.usize(..40);
                    let value = vec![self.random.u8(..); length];
                    batch.put(keyspace, &key, &value);
                    model.insert((keyspace, key), value);
                }
                number => {
                    let key = (base + n).to_be_bytes().to_vec();
                    let value = vec![self.random.u8(..); usize::from(number)];
                    batch.put(keyspace, &key, &value);
                    model.insert((keyspace, key), value);
                }
            }
        }
        batch
    }

    /// Compares one random read.
    fn compare(&mut self, snapshot: &dyn KvSnapshot, model: &Map) {
        let keyspace = self.keyspace();
        for _ in 0..5 {
            let key = self.key();
            let found = snapshot.get(keyspace, &key).unwrap();
            let expected = model.get(&(keyspace, key));
            assert_eq!(found.as_deref(), expected.map(|value| &value[..]));
        }
        // Several at once, near each other or not, in order or not.
        let mut keys: Vec<_> = (0..self.random.usize(0..12)).map(|_| self.key()).collect();
        if self.random.bool() {
            keys.sort();
        }
        let slices: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let mut shown = Vec::new();
        let mut keep = |number, value: &[u8]| {
            shown.push((number, value.to_vec()));
            Ok(())
        };
        snapshot.show_each(keyspace, &slices, &mut keep).unwrap();
        let known = |(number, key): (usize, &Vec<u8>)| {
            let value = model.get(&(keyspace, key.clone()))?;
            Some((number, value.clone()))
        };
        let expected: Vec<_> = keys.iter().enumerate().filter_map(known).collect();
        assert_eq!(shown, expected);
        for _ in 0..5 {
            let (from, upto) = (self.key(), self.key());
            let found = snapshot.first(keyspace, &from, &upto).unwrap();
            let mut after = model.range((keyspace, from)..);
            let expected = after
                .next()
                .filter(|((k, key), _)| *k == keyspace && *key <= upto);
            assert_eq!(
                found.as_ref().map(|(key, value)| (&key[..], &value[..])),
                expected.map(|((_, key), value)| (&key[..], &value[..]))
            );
        }
        let (start, end) = self.range();
        let reverse = self.random.bool();
        let mut expected: Vec<(&[u8], &[u8])> = model
            .range((keyspace, Vec::new())..)
            .take_while(|((k, _), _)| *k == keyspace)
            .filter(|((_, key), _)| contains(&start, &end, key))
            .map(|((_, key), value)| (&key[..], &value[..]))
            .collect();
        if reverse {
            expected.reverse();
        }
        let mut cursor = snapshot
            .scan(keyspace, (slice(&start), slice(&end)), reverse)
            .unwrap();
        let found = drain(&mut *cursor);
        assert!(
            found
                .iter()
                .map(|(k, v)| (&k[..], &v[..]))
                .eq(expected.iter().copied())
        );
        for _ in 0..3 {
            let key = self.key();
            cursor.seek(&key).unwrap();
            let after = |k: &[u8]| {
                if reverse {
                    k <= &key[..]
                } else {
                    k >= &key[..]
                }
            };
            let mut left = expected.iter().skip_while(|(k, _)| !after(k)).peekable();
            for _ in 0..self.random.usize(1..4) {
                assert_eq!(cursor.next().unwrap(), left.next().copied());
            }
            // Runs and single steps take turns without losing or repeating an entry.
            for _ in 0..self.random.usize(0..4) {
                let until = self.bound();
                let within = |k: &[u8]| {
                    if reverse {
                        contains(&until, &Bound::Unbounded, k)
                    } else {
                        contains(&Bound::Unbounded, &until, k)
                    }
                };
                let mut room = self.random.usize(1..400);
                let mut shown = Vec::new();
                let flow = cursor.visit(slice(&until), &mut |key, value| {
                    shown.push((key.to_vec(), value.to_vec()));
                    room -= 1;
                    Ok(if room == 0 {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    })
                });
                for (key, value) in &shown {
                    assert_eq!(left.next().copied(), Some((&key[..], &value[..])));
                }
                if flow.unwrap().is_continue() {
                    assert!(left.peek().is_none_or(|(k, _)| !within(k)));
                }
                if self.random.bool() {
                    assert_eq!(cursor.next().unwrap(), left.next().copied());
                }
            }
        }
    }
}

fn slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

fn contains(start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>, key: &[u8]) -> bool {
    let low = match start {
        Bound::Included(start) => key >= &start[..],
        Bound::Excluded(start) => key > &start[..],
        Bound::Unbounded => true,
    };
    low && match end {
        Bound::Included(end) => key <= &end[..],
        Bound::Excluded(end) => key < &end[..],
        Bound::Unbounded => true,
    }
}

/// Random steps; `reopen` gives the engine that a restart would find, and says whether only what
/// the checkpoint held is in it.
fn run<E: Kv>(mut kv: E, steps: u32, mut reopen: impl FnMut(E) -> (E, bool)) {
    let seed = std::env::var("HELIOS_SEED").map_or(1, |text| text.parse().expect("a number"));
    println!("HELIOS_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let span = [60, 3000, 1 << 20][random.usize(..3)];
    let mut run = Run { random, span };
    let mut model = Map::new();
    let mut kept: Vec<(Arc<dyn KvSnapshot>, Map)> = Vec::new();
    let mut frozen = (Map::new(), 0);
    let mut checkpointed = (Map::new(), 0);
    for step in 1..=steps {
        match run.random.u32(..100) {
            0..=59 => {
                let batch = run.batch(&mut model);
                kv.apply(batch).unwrap();
            }
            60..=64 => {
                if kv.freeze(u64::from(step)).unwrap() {
                    frozen = (model.clone(), u64::from(step));
                }
            }
            65..=84 => {
                let budget = run.random.usize(1..2000);
                kv.checkpoint_step(budget).unwrap();
            }
            85..=89 => kept.push((kv.snapshot(), model.clone())),
            90..=91 if kept.len() > 3 => drop(kept.remove(run.random.usize(..kept.len()))),
            92 => {
                kept.clear();
                let (opened, lost) = reopen(kv);
                kv = opened;
                if lost {
                    assert_eq!(kv.applied(), checkpointed.1);
                    model = checkpointed.0.clone();
                }
            }
            _ => {
                if !kept.is_empty() {
                    let (snapshot, model) = &kept[run.random.usize(..kept.len())];
                    run.compare(&**snapshot, model);
                }
            }
        }
        if kv.applied() == frozen.1 {
            checkpointed = frozen.clone();
        }
        run.compare(&*kv.snapshot(), &model);
    }
    for (snapshot, model) in &kept {
        run.compare(&**snapshot, model);
    }
}

fn steps() -> u32 {
    std::env::var("HELIOS_STEPS").map_or(400, |text| text.parse().unwrap())
}

#[test]
fn memory() {
    for _ in 0..3 {
        run(MemoryKv::new(), steps(), |kv| (kv, false));
    }
}

#[test]
fn durable() {
    for _ in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        run(crate::open(dir.path()), steps(), |kv| {
            drop(kv);
            (crate::open(dir.path()), true)
        });
    }
}
