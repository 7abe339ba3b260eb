//! The file of an index, beside the store: `vectors/<number>.index`.
//!
//! | bytes | field                                                                              |
//! |------:|------------------------------------------------------------------------------------|
//! |     8 | `HELIOSVX`                                                                         |
//! |     4 | version, 5                                                                         |
//! |     4 | storage of the table's rows                                                        |
//! |     4 | the base's branch                                                                  |
//! |     8 | the base's change number                                                           |
//! |     8 | the time of that commit, by which another history with the same numbers is noticed |
//! |     8 | fingerprint of the definition                                                      |
//! |     8 | how many rows it has learnt from                                                   |
//! |     1 | so many times as many candidates as are wanted are looked at                       |
//! |     8 | how many vectors it had when its recall was measured                               |
//! |     4 | points of the ten nearest; then for each: breadth (4), recall (4, floating)         |
//! |     4 | points of the hundred nearest; then as above                                       |
//! |     8 | slots; then for each: length of the key (varint), key, fingerprint of the vector   |
//! |       | for each 64 slots a word (8): whether the base is known to have their rows so      |
//! |     8 | length of the structure; then the structure, which has checksums of its own        |
//! |     8 | fingerprint of all before                                                          |
//!
//! Numbers are little-endian. A file that is missing, damaged or of another version is no loss: the index is
//! made anew.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use helios_base::codec::{put_bytes, take, take_array, take_bytes};
use helios_base::{BranchId, Error, ErrorKind, IndexId, Result, Scn, TableId};
use helios_version::Store;

use super::calibration::Calibration;
use super::index::{NearestIndex, Parts, Subject};
use super::slots::{Slots, fingerprint};
use super::structure::load;

const MAGIC: &[u8; 8] = b"HELIOSVX";
const VERSION: u32 = 5;

fn folder(store: &Store) -> Option<PathBuf> {
    store.directory().map(|directory| directory.join("vectors"))
}

fn path(folder: &Path, index: IndexId) -> PathBuf {
    folder.join(format!("{}.index", index.0))
}

/// What a definition asks for, as a number.
fn plan_print(subject: &Subject) -> u64 {
    let def = &subject.rules.def;
    let keys = def.keys.iter().map(|key| &key.source);
    let text = format!(
        "{:?} {:?} {:?}",
        subject.plan,
        keys.collect::<Vec<_>>(),
        def.predicate
    );
    fingerprint(text.as_bytes())
}

/// The time of a commit, which tells two histories apart.
fn time_of(store: &Store, scn: Scn) -> Result<i64> {
    Ok(store.commit_info(scn)?.map_or(0, |commit| commit.time))
}

/// Writes an index to its file, if the store has a directory.
pub(super) fn save(index: &NearestIndex, store: &Store) -> Result<()> {
    let Some(folder) = folder(store) else {
        return Ok(());
    };
    let subject = index.subject();
    // The base first: what the index gets meanwhile is more than the base says.
    let (branch, scn) = index.base();
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(subject.rows.0.to_le_bytes());
    bytes.extend(branch.0.to_le_bytes());
    bytes.extend(scn.0.to_le_bytes());
    bytes.extend(time_of(store, scn)?.to_le_bytes());
    bytes.extend(plan_print(subject).to_le_bytes());
    bytes.extend((index.learnt() as u64).to_le_bytes());
    bytes.push(index.times());
    index.calibration().encode(&mut bytes);
    let mut structure = Vec::new();
    index
        .structure()
        .save(&mut structure)
        .map_err(|error| Error::internal("save an index of nearness").with_source(error))?;
    {
        // After the structure: every vector in it has a slot.
        let slots = index.slots().read();
        bytes.extend((slots.len() as u64).to_le_bytes());
        for (key, print) in slots.iter() {
            put_bytes(key, &mut bytes);
            bytes.extend(print.to_le_bytes());
        }
        // Of another base than was written they say nothing; it moves while nobody looks at the slots.
        let known = index.base() == (branch, scn);
        for word in slots.current() {
            bytes.extend(if known { *word } else { 0 }.to_le_bytes());
        }
    }
    bytes.extend((structure.len() as u64).to_le_bytes());
    bytes.extend(structure);
    bytes.extend(fingerprint(&bytes).to_le_bytes());
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(&folder)?;
        let new = folder.join(format!("{}.new", subject.index.0));
        let mut file = File::create(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&new, path(&folder, subject.index))
    };
    write().map_err(|error| Error::io("save an index of nearness", error))
}

/// Reads an index from its file: `None` if there is none that fits the store and the definition.
pub(super) fn read(subject: &Subject, store: &Store) -> Result<Option<NearestIndex>> {
    let Some(folder) = folder(store) else {
        return Ok(None);
    };
    let Ok(bytes) = fs::read(path(&folder, subject.index)) else {
        return Ok(None);
    };
    match decode(subject, store, &bytes) {
        Ok(index) => Ok(index),
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(None),
        Err(error) => Err(error),
    }
}

fn decode(subject: &Subject, store: &Store, bytes: &[u8]) -> Result<Option<NearestIndex>> {
    let cut = || Error::corrupt("a saved index of nearness is cut off");
    let (body, end) = bytes.split_last_chunk::<8>().ok_or_else(cut)?;
    if fingerprint(body) != u64::from_le_bytes(*end) {
        return Err(Error::corrupt("a saved index of nearness is damaged"));
    }
    let mut rest = body;
    let magic: [u8; 8] = take_array(&mut rest)?;
    if magic != *MAGIC || u32::from_le_bytes(take_array(&mut rest)?) != VERSION {
        return Ok(None);
    }
    let rows = TableId(u32::from_le_bytes(take_array(&mut rest)?));
    let branch = BranchId(u32::from_le_bytes(take_array(&mut rest)?));
    let scn = Scn(u64::from_le_bytes(take_array(&mut rest)?));
    let time = i64::from_le_bytes(take_array(&mut rest)?);
    let print = u64::from_le_bytes(take_array(&mut rest)?);
    let learnt = u64::from_le_bytes(take_array(&mut rest)?);
    let [times] = take_array(&mut rest)?;
    let calibration = Calibration::decode(&mut rest)?;
    let known = rows == subject.rows && print == plan_print(subject);
    if !known || scn > store.scn() || time_of(store, scn)? != time {
        return Ok(None);
    }
    let mut slots = Slots::default();
    for _ in 0..u64::from_le_bytes(take_array(&mut rest)?) {
        let key = take_bytes(&mut rest)?;
        let print = u64::from_le_bytes(take_array(&mut rest)?);
        slots.restore(key, print);
    }
    let mut words = Vec::with_capacity(slots.current().len());
    for _ in slots.current() {
        words.push(u64::from_le_bytes(take_array(&mut rest)?));
    }
    slots.restore_current(words.into_iter());
    let length = u64::from_le_bytes(take_array(&mut rest)?);
    let structure = take(&mut rest, usize::try_from(length).unwrap_or(usize::MAX))?;
    let index = load(subject.plan.method, structure)?;
    // Slots without a vector in the structure could hide rows for ever.
    if index.len() != slots.len()
        || index.dimensions() != subject.plan.dimensions
        || index.metric() != subject.plan.metric
    {
        return Ok(None);
    }
    Ok(Some(NearestIndex::new(
        subject.clone(),
        Parts {
            index,
            slots,
            base: (branch, scn),
            times,
            learnt: usize::try_from(learnt).unwrap_or(usize::MAX),
            calibration,
        },
    )))
}

/// Removes the files of indexes that are not among those there are.
pub(super) fn clean(store: &Store, known: impl Fn(IndexId) -> bool) {
    let Some(entries) = folder(store).and_then(|folder| fs::read_dir(folder).ok()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.split('.').next());
        let number = number.and_then(|number| number.parse().ok());
        if number.is_some_and(|number| !known(IndexId(number))) {
            // What cannot be removed now may be the next time.
            let _ = fs::remove_file(entry.path());
        }
    }
}
