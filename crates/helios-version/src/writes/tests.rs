// Guards the write set against losing, resurrecting or misordering own writes, in memory and
// spilled, against a plain list of states.

use std::collections::BTreeMap;
use std::ops::Bound;

use helios_base::{IndexId, TableId};

use super::*;

type Model = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn scan(set: &WriteSet, reverse: bool, limit: usize) -> Vec<(Vec<u8>, Own)> {
    let mut rows = Vec::new();
    let mut range = (Bound::Unbounded, Bound::Unbounded);
    loop {
        let bounds = (
            range.0.as_ref().map(Vec::as_slice),
            range.1.as_ref().map(Vec::as_slice),
        );
        let next = set.next_row(TableId(1), bounds, reverse, limit).unwrap();
        let Some((key, own)) = next else { return rows };
        if reverse {
            range.1 = Bound::Excluded(key.clone());
        } else {
            range.0 = Bound::Excluded(key.clone());
        }
        rows.push((key, own));
    }
}

fn expected(model: &Model) -> Vec<(Vec<u8>, Own)> {
    model
        .iter()
        .map(|(key, row)| {
            let own = match row {
                Some(row) => Own::Put(Bytes::copy_from_slice(row)),
                None => Own::Delete,
            };
            (key.clone(), own)
        })
        .collect()
}

#[test]
fn random_writes_and_undos_match_a_model() {
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        // A budget of 0 is raised to the smallest that the arena allows, so large rows spill.
        let mut set = WriteSet::new(if seed % 2 == 0 { 0 } else { 1 << 20 });
        let mut model = Model::new();
        let mut marks = vec![(0, Model::new())];
        for step in 0..400u32 {
            match random.u32(0..20) {
                0 => marks.push((set.mark(), model.clone())),
                1 if marks.len() > 1 => {
                    marks.truncate(random.usize(1..=marks.len()));
                    if let Some((mark, old)) = marks.last() {
                        set.undo_to(*mark).unwrap();
                        model = old.clone();
                    }
                }
                // Order that is asked for in between must hold after later writes, too.
                2 if seed % 3 == 0 => {
                    let reverse = random.bool();
                    let mut rows = scan(&set, reverse, usize::MAX);
                    if reverse {
                        rows.reverse();
                    }
                    assert_eq!(rows, expected(&model), "seed {seed}");
                }
                _ => {
                    let key = if random.bool() {
                        step.to_be_bytes().to_vec()
                    } else {
                        random.u32(0..60).to_be_bytes().to_vec()
                    };
                    let row = random
                        .bool()
                        .then(|| vec![random.u8(..); random.usize(0..200)]);
                    set.write_row(TableId(1), &key, row.as_deref(), false)
                        .unwrap();
                    model.insert(key, row);
                }
            }
        }
        assert_eq!(
            scan(&set, false, usize::MAX),
            expected(&model),
            "seed {seed}"
        );
        let mut backward = expected(&model);
        backward.reverse();
        assert_eq!(scan(&set, true, usize::MAX), backward, "seed {seed}");
        for (mark, old) in &marks {
            assert_eq!(scan(&set, false, *mark), expected(old), "seed {seed}");
        }
        for key in 0..60u32 {
            let key = key.to_be_bytes();
            let own = set.row(TableId(1), &key, usize::MAX).unwrap();
            let wanted = expected(&model).into_iter().find(|(k, _)| *k == key);
            assert_eq!(own, wanted.map(|(_, own)| own));
        }
        let mut live = 0;
        set.for_each(&mut |_| {
            live += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(live, model.len());
        // The log gets each key once, whatever the size of the pieces.
        for piece in [1, 300, usize::MAX] {
            let mut logged = Vec::new();
            set.encoded(piece, &mut |bytes| {
                logged.extend_from_slice(bytes);
                Ok(())
            })
            .unwrap();
            let mut replayed = Model::new();
            for op in crate::record::Ops::new(&logged) {
                let (pk, row) = match op.unwrap() {
                    Op::Put { pk, row, .. } => (pk, Some(row.to_vec())),
                    Op::Delete { pk, .. } => (pk, None),
                    other => panic!("{other:?}"),
                };
                assert_eq!(replayed.insert(pk.to_vec(), row), None, "seed {seed}");
            }
            assert_eq!(replayed, model, "seed {seed}");
        }
    }
}

#[test]
fn large_sets_spill() {
    let mut set = WriteSet::new(0);
    for key in 0..1000u32 {
        let row = [7; 100];
        set.write_row(TableId(1), &key.to_be_bytes(), Some(&row), true)
            .unwrap();
    }
    assert!(set.spilled());
    assert_eq!(scan(&set, false, usize::MAX).len(), 1000);
}

#[test]
fn cancelled_entries_disappear_and_come_back_with_an_undo() {
    let all = (Bound::Unbounded, Bound::Unbounded);
    let mut set = WriteSet::new(1 << 20);
    set.write_entry(IndexId(1), b"a").unwrap();
    set.write_entry(IndexId(1), b"b").unwrap();
    let mark = set.mark();
    set.cancel_entry(IndexId(1), b"a").unwrap();
    set.cancel_entry(IndexId(1), b"z").unwrap();
    let first = |set: &WriteSet, limit| set.next_entry(IndexId(1), all, false, limit).unwrap();
    assert_eq!(first(&set, usize::MAX).as_deref(), Some(&b"b"[..]));
    assert_eq!(first(&set, mark).as_deref(), Some(&b"a"[..]));
    let mut logged = Vec::new();
    set.encoded(usize::MAX, &mut |bytes| {
        logged.extend_from_slice(bytes);
        Ok(())
    })
    .unwrap();
    assert_eq!(logged, b"\x03\x01\x01b");
    set.undo_to(mark).unwrap();
    assert_eq!(first(&set, usize::MAX).as_deref(), Some(&b"a"[..]));
}
