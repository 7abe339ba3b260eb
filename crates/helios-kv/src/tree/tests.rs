//! Guards against lost, doubled or misplaced entries after any sequence of edits.

use std::collections::BTreeMap;

use super::*;
use crate::walk::Walk;

type Model = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn check(tree: &Tree, model: &Model) {
    assert_eq!(tree.len(), model.len());
    let bytes = model
        .iter()
        .map(|(k, v)| k.len() + v.as_ref().map_or(0, Vec::len));
    let slack = model.values().flatten().filter(|v| v.len() > 512).count() * 4;
    assert_eq!(tree.bytes(), bytes.sum::<usize>() + slack);
    let mut walk = Walk::new(tree);
    walk.seek_forward(None);
    for (key, value) in model {
        let entry = value.as_deref().map_or(Entry::Tombstone, Entry::Put);
        assert_eq!(walk.current(), Some((&key[..], entry)));
        walk.advance();
    }
    assert_eq!(walk.current(), None);
    walk.seek_backward(None);
    for key in model.keys().rev() {
        assert_eq!(walk.key(), Some(&key[..]));
        walk.retreat();
    }
    assert_eq!(walk.key(), None);
}

fn depth(node: &Node) -> usize {
    match node {
        Node::Leaf(page) => {
            assert!(!page.is_empty());
            1
        }
        Node::Inner { keys, children } => {
            assert_eq!(keys.len() + 1, children.len());
            assert!(children.len() <= FANOUT);
            let depths: Vec<usize> = children.iter().map(|child| depth(child)).collect();
            assert!(depths.windows(2).all(|pair| pair[0] == pair[1]), "balanced");
            1 + depths[0]
        }
    }
}

#[test]
fn random_edits() {
    let seed = std::env::var("HELIOS_SEED").map_or(1, |text| text.parse().expect("a number"));
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..30 {
        let deletion = if round % 2 == 0 {
            Deletion::Nothing
        } else {
            Deletion::Tombstone
        };
        let mut tree = Tree::default();
        let mut model = Model::new();
        let span = [50u32, 1000, 100_000][round % 3];
        let mut kept = Vec::new();
        for step in 0..200 {
            let count = [1, 3, 40, 700][random.usize(..4)];
            let deletes = random.u8(..11);
            let base = random.u32(..span);
            let mut batch = Model::new();
            for n in 0..count {
                let number = if step % 2 == 0 {
                    random.u32(..span)
                } else {
                    base + n
                };
                let mut key = number.to_be_bytes().to_vec();
                key.truncate(4 - (number % 5 == 0) as usize);
                let length = if random.u8(..20) == 0 {
                    600
                } else {
                    random.usize(..30)
                };
                let value = (random.u8(..10) >= deletes).then(|| vec![random.u8(..); length]);
                batch.insert(key, value);
            }
            let edits: Vec<Edit<'_>> = batch
                .iter()
                .map(|(key, value)| Edit {
                    key,
                    value: value.as_deref(),
                })
                .collect();
            if count < 10 && step % 3 > 0 {
                tree.apply_few(&edits, deletion);
            } else {
                tree.apply(&edits, deletion);
            }
            for (key, value) in batch {
                if value.is_none() && deletion == Deletion::Nothing {
                    model.remove(&key);
                } else {
                    model.insert(key, value);
                }
            }
            if let Some(root) = &tree.root {
                depth(root);
            }
            if step % 20 == 0 {
                kept.push((tree.clone(), model.clone()));
            }
            for _ in 0..20 {
                let key = random.u32(..span).to_be_bytes();
                let expected = model.get(&key[..]).map(|v| v.as_deref());
                assert_eq!(tree.get(&key).as_ref().map(|v| v.as_deref()), expected);
                let mut walk = Walk::new(&tree);
                walk.seek_forward(Some(&key));
                let after = model.range(key.to_vec()..).next().map(|(k, _)| &k[..]);
                assert_eq!(walk.key(), after);
                walk.seek_backward(Some(&key));
                let before = model
                    .range(..=key.to_vec())
                    .next_back()
                    .map(|(k, _)| &k[..]);
                assert_eq!(walk.key(), before);
            }
        }
        kept.push((tree, model));
        for (tree, model) in &kept {
            check(tree, model);
        }
    }
}

#[test]
fn shrinks_to_nothing() {
    let keys: Vec<[u8; 4]> = (0..5000u32).map(u32::to_be_bytes).collect();
    let mut tree = Tree::default();
    let puts: Vec<Edit<'_>> = keys
        .iter()
        .map(|key| Edit {
            key,
            value: Some(&key[..]),
        })
        .collect();
    tree.apply(&puts, Deletion::Nothing);
    assert_eq!((tree.len(), tree.bytes()), (5000, 40_000));
    for key in keys.iter().rev() {
        tree.apply(&[Edit { key, value: None }], Deletion::Nothing);
    }
    assert!(tree.is_empty());
    assert_eq!((tree.len(), tree.bytes()), (0, 0));
}
