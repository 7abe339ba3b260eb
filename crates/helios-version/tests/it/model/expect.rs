// What the model and the store say to each other: rows and entries as bytes, and the questions that
// both must answer alike.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use fastrand::Rng;
use helios_base::{BranchId, Scn, TableId};
use helios_version::{ColdBlock, IndexEntry, Indexer, Read, RowRef, Run, Snapshot, Stretch};

use super::{CATEGORIES, I, KEYS, Key, T};

pub(super) fn row_of(value: u32) -> Vec<u8> {
    let mut row = value.to_be_bytes().to_vec();
    row.resize(4 + value as usize % 40, 7);
    row
}

pub(super) fn value_of(row: &[u8]) -> u32 {
    let value = u32::from_be_bytes(row[..4].try_into().unwrap());
    assert_eq!(row, row_of(value));
    value
}

pub(super) fn entry_of(key: Key, value: u32) -> Vec<u8> {
    let mut entry = vec![(value % CATEGORIES) as u8];
    entry.extend_from_slice(&key.to_be_bytes());
    entry
}

pub(super) fn overlay(rows: &mut BTreeMap<Key, u32>, writes: &BTreeMap<Key, Option<u32>>) {
    for (key, value) in writes {
        match value {
            Some(value) => rows.insert(*key, *value),
            None => rows.remove(key),
        };
    }
}

pub(super) struct ByCategory;

impl Indexer for ByCategory {
    fn entries(
        &self,
        _: BranchId,
        table: TableId,
        pk: &[u8],
        row: &[u8],
        out: &mut Vec<IndexEntry>,
    ) {
        if table == T {
            out.push(IndexEntry {
                index: I,
                key: entry_of(u16::from_be_bytes(pk.try_into().unwrap()), value_of(row)),
            });
        }
    }
}

pub(super) fn expect_row(read: &dyn Read, key: Key, rows: &BTreeMap<Key, u32>) {
    let row = read.get(T, &key.to_be_bytes()).unwrap();
    assert_eq!(
        row.map(|row| value_of(&row.row)),
        rows.get(&key).copied(),
        "key {key}"
    );
    let mut shown = None;
    let found = read.show(T, &key.to_be_bytes(), &mut |row| {
        shown = Some(value_of(row.row));
        Ok(())
    });
    assert_eq!(found.unwrap(), shown.is_some());
    assert_eq!(shown, rows.get(&key).copied(), "key {key}, shown");
    // With some of its neighbours.
    let keys: Vec<_> = (key..key.saturating_add(4)).map(Key::to_be_bytes).collect();
    let slices: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
    let mut shown = Vec::new();
    let mut keep = |number: usize, row: RowRef<'_>| {
        assert_eq!(row.pk, slices[number]);
        shown.push((key + number as Key, value_of(row.row)));
        Ok(())
    };
    read.show_each(T, &slices, &mut keep).unwrap();
    let wanted = rows.range(key..key.saturating_add(4));
    assert!(wanted.eq(shown.iter().map(|(key, value)| (key, value))));
}

fn scan(read: &dyn Read, from: Key, upto: Key, reverse: bool) -> Vec<(Key, u32)> {
    let (start, end) = (from.to_be_bytes(), upto.to_be_bytes());
    let range = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
    let rows = read.scan(T, range, reverse).unwrap().collect().unwrap();
    let decode = |(pk, row): &(Vec<u8>, _)| {
        let row: &bytes::Bytes = row;
        (
            u16::from_be_bytes(pk.as_slice().try_into().unwrap()),
            value_of(row),
        )
    };
    rows.iter().map(decode).collect()
}

pub(super) fn expect_scan(
    random: &mut Rng,
    read: &dyn Read,
    rows: &BTreeMap<Key, u32>,
) -> (Key, Key) {
    let from = random.u16(0..KEYS);
    let upto = random.u16(from..=KEYS);
    let reverse = random.bool();
    let mut wanted: Vec<_> = rows
        .range(from..upto)
        .map(|(key, value)| (*key, *value))
        .collect();
    if reverse {
        wanted.reverse();
    }
    assert_eq!(scan(read, from, upto, reverse), wanted);
    assert_eq!(scan_in_runs(random, read, from, upto, reverse), wanted);
    assert_eq!(scan_in_stretches(random, read, from, upto, reverse), wanted);
    if !reverse {
        assert_eq!(scan_apart(random, read, from, upto), wanted);
    }
    (from, upto)
}

fn read_row(row: RowRef<'_>) -> (Key, u32) {
    let key = Key::from_be_bytes(row.pk.try_into().unwrap());
    (key, value_of(row.row))
}

/// As [`scan`], by runs of random length and single steps between them.
fn scan_in_runs(
    random: &mut Rng,
    read: &dyn Read,
    from: Key,
    upto: Key,
    reverse: bool,
) -> Vec<(Key, u32)> {
    let (start, end) = (from.to_be_bytes(), upto.to_be_bytes());
    let range = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
    let mut cursor = read.scan(T, range, reverse).unwrap();
    let mut found = Vec::new();
    loop {
        for _ in 0..random.usize(0..3) {
            found.extend(cursor.next().unwrap().map(read_row));
        }
        if shows_all(random, &mut found, |visit| cursor.for_each(visit)) {
            assert!(cursor.next().unwrap().is_none());
            return found;
        }
    }
}

/// Takes rows one by one.
type Visit<'v> = dyn FnMut(RowRef<'_>) -> helios_base::Result<ControlFlow<()>> + 'v;

/// Takes a few of the rows that `show` shows; whether none was left.
fn shows_all(
    random: &mut Rng,
    found: &mut Vec<(Key, u32)>,
    show: impl FnOnce(&mut Visit<'_>) -> helios_base::Result<ControlFlow<()>>,
) -> bool {
    let mut room = random.usize(1..20);
    let flow = show(&mut |row| {
        found.push(read_row(row));
        room -= 1;
        Ok(match room {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    });
    flow.unwrap().is_continue()
}

/// As [`scan`], with rows of segments taken together where they come so, and single steps between.
fn scan_in_stretches(
    random: &mut Rng,
    read: &dyn Read,
    from: Key,
    upto: Key,
    reverse: bool,
) -> Vec<(Key, u32)> {
    let (start, end) = (from.to_be_bytes(), upto.to_be_bytes());
    let range = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
    let mut cursor = read.scan(T, range, reverse).unwrap();
    let mut found = Vec::new();
    loop {
        if random.u8(0..8) == 0 {
            found.extend(cursor.next().unwrap().map(read_row));
        }
        match cursor.next_run().unwrap() {
            None => return found,
            Some(Run::Row(row)) => found.push(read_row(row)),
            Some(Run::Stretch(stretch)) => {
                assert!(stretch.kept.is_none());
                read_stretch(stretch, &mut found);
            }
        }
    }
}

/// As [`scan`], rows outside of segments before the others.
fn scan_apart(random: &mut Rng, read: &dyn Read, from: Key, upto: Key) -> Vec<(Key, u32)> {
    let (start, end) = (from.to_be_bytes(), upto.to_be_bytes());
    let range = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
    let mut apart = read.scan(T, range, false).unwrap().apart().unwrap();
    let mut found = Vec::new();
    while !shows_all(random, &mut found, |visit| apart.for_each(visit)) {}
    for stretch in apart.into_stretches() {
        read_stretch(stretch, &mut found);
    }
    found.sort_unstable();
    found
}

fn read_stretch(mut stretch: Stretch, found: &mut Vec<(Key, u32)>) {
    let first = stretch.places.start;
    let is_kept = |place: u64| {
        let (word, bit) = ((place - first) / 64, (place - first) % 64);
        let kept = stretch.kept.as_ref();
        kept.is_none_or(|kept| kept[word as usize] >> bit & 1 == 1)
    };
    while stretch.places.start < stretch.places.end {
        let mut block = ColdBlock::default();
        let count = stretch.places.end - stretch.places.start;
        let from = stretch.places.start;
        stretch.rows.read(from, count as usize, &mut block).unwrap();
        stretch.places.start += block.len() as u64;
        let rows = (0..block.len()).filter(|at| is_kept(from + *at as u64));
        let rows = rows.filter_map(|at| block.row(at));
        let begun = rows.filter(|row| row.begin <= stretch.scn);
        found.extend(begun.map(read_row));
    }
}

pub(super) fn expect_all(read: &dyn Read, rows: &BTreeMap<Key, u32>) {
    let wanted: Vec<_> = rows.iter().map(|(key, value)| (*key, *value)).collect();
    assert_eq!(scan(read, 0, KEYS, false), wanted);
    for key in 0..KEYS {
        expect_row(read, key, rows);
    }
}

/// Reads a range of categories through the index; returns it and the rows that were looked at.
pub(super) fn expect_index(
    random: &mut Rng,
    read: &dyn Read,
    rows: &BTreeMap<Key, u32>,
) -> ((u8, u8), Vec<Key>) {
    let from = random.u8(0..CATEGORIES as u8);
    let upto = random.u8(from..=CATEGORIES as u8);
    let reverse = random.bool();
    let (start, end) = ([from], [upto]);
    let range = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
    let candidates = read
        .index_scan(I, range, reverse)
        .unwrap()
        .collect()
        .unwrap();
    let ordered = candidates.is_sorted_by(|a, b| if reverse { a > b } else { a < b });
    assert!(ordered, "candidates are out of order or twice there");
    let mut found = Vec::new();
    let mut keys = Vec::new();
    for candidate in candidates {
        let key = u16::from_be_bytes(candidate[1..].try_into().unwrap());
        keys.push(key);
        if let Some(row) = read.get(T, &key.to_be_bytes()).unwrap() {
            let value = value_of(&row.row);
            if entry_of(key, value) == candidate {
                found.push(candidate);
            }
        }
    }
    let mut wanted: Vec<_> = rows
        .iter()
        .map(|(key, value)| entry_of(*key, *value))
        .filter(|entry| (from..upto).contains(&entry[0]))
        .collect();
    wanted.sort();
    if reverse {
        wanted.reverse();
    }
    assert_eq!(found, wanted);
    ((from, upto), keys)
}

/// The versions of each key: in order, the newest as the snapshot sees it, key by key the same as all
/// at once.
pub(super) fn expect_history(snapshot: &Snapshot, rows: &BTreeMap<Key, u32>) {
    let all = (Bound::Unbounded, Bound::Unbounded);
    let mut cursor = snapshot.versions(T, all, Scn::ZERO).unwrap();
    let mut listed = BTreeMap::new();
    while let Some((pk, versions)) = cursor.next().unwrap() {
        let key = Key::from_be_bytes(pk.as_slice().try_into().unwrap());
        listed.insert(key, versions);
    }
    for key in 0..KEYS {
        let versions = snapshot.history(T, &key.to_be_bytes()).unwrap();
        let newest = versions.first().and_then(|version| version.row.as_ref());
        assert_eq!(newest.map(|row| value_of(row)), rows.get(&key).copied());
        for pair in versions.windows(2) {
            assert!(pair[1].begin < pair[0].begin, "key {key}: {versions:?}");
            // Between them some may have been collected.
            let ended = pair[1].end.is_some_and(|end| end <= pair[0].begin);
            assert!(ended, "key {key}: {versions:?}");
        }
        assert_eq!(listed.remove(&key).unwrap_or_default(), versions);
    }
}
