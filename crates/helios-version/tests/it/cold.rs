// Segments in memory, for tests: what the layer above does with files.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use helios_base::{Error, Result, Scn, TableId};
use helios_version::{
    Adoption, BroughtKeys, Cold, ColdBlock, ColdRows, Compaction, Freeze, Frozen, KeyList,
    SegmentInfo, Txn,
};

/// A row: key, begin, stored form.
pub type Row = (Vec<u8>, Scn, Vec<u8>);

/// The rows of a segment.
pub struct MemoryRows(Vec<Row>);

impl ColdRows for MemoryRows {
    fn is_in_order(&self) -> bool {
        // Some are read as if they were clustered by something else.
        !self.0.len().is_multiple_of(3)
    }

    fn find(&self, pk: &[u8]) -> Result<Option<u64>> {
        let found = self.0.binary_search_by(|row| row.0.as_slice().cmp(pk));
        Ok(found.ok().map(|place| place as u64))
    }

    fn seek(&self, pk: &[u8]) -> Result<u64> {
        Ok(self.0.partition_point(|row| row.0.as_slice() < pk) as u64)
    }

    fn read(&self, from: u64, count: usize, rows: &mut ColdBlock) -> Result<()> {
        // Not more than three at a time, as if a chunk ended.
        for (pk, begin, row) in self.0.iter().skip(from as usize).take(count.min(3)) {
            rows.push(*begin, |out| {
                out.extend_from_slice(pk);
                let key = out.len();
                out.extend_from_slice(row);
                Ok(key)
            })?;
        }
        Ok(())
    }

    fn heads(&self, from: u64, count: usize, rows: &mut ColdBlock) -> Result<()> {
        for (pk, begin, _) in self.0.iter().skip(from as usize).take(count.min(5)) {
            rows.push(*begin, |out| {
                out.extend_from_slice(pk);
                Ok(out.len())
            })?;
        }
        Ok(())
    }

    fn verify(&self) -> Vec<String> {
        Vec::new()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What takes the place of a directory. It outlives the store.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<BTreeMap<u64, Arc<MemoryRows>>>>);

impl Cold for Shelf {
    fn open(&self, segment: &SegmentInfo) -> Result<Arc<dyn ColdRows>> {
        match self.0.lock().unwrap().get(&segment.id) {
            // Written before the number of their commit was known.
            Some(rows) if rows.0.iter().all(|row| row.1 == Scn::ZERO) => {
                let rows = rows.0.iter().cloned();
                let rows = rows.map(|(pk, _, row)| (pk, segment.newest, row));
                Ok(Arc::new(MemoryRows(rows.collect())))
            }
            Some(rows) => Ok(Arc::clone(rows) as _),
            None => Err(Error::corrupt(format!("segment {} is missing", segment.id))),
        }
    }

    fn file(&self, _: &SegmentInfo) -> Option<std::path::PathBuf> {
        None
    }

    fn remove(&self, segment: &SegmentInfo) {
        let gone = self.0.lock().unwrap().remove(&segment.id);
        assert!(gone.is_some(), "segment {} is removed twice", segment.id);
    }
}

impl Shelf {
    /// Loses what no entry names: segments that were written and not taken in, or given up.
    pub fn clean(&self, named: &[SegmentInfo]) {
        let mut rows = self.0.lock().unwrap();
        rows.retain(|id, _| named.iter().any(|info| info.id == *id));
    }

    /// Makes a segment of rows that `freeze` has shown.
    pub fn finish(&self, freeze: Freeze, rows: Vec<Row>) -> Result<Option<Adoption>> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(None);
        };
        let frozen = frozen(first, last, &rows);
        let rows = Arc::new(MemoryRows(rows));
        let shelf = Arc::clone(&self.0);
        shelf.lock().unwrap().insert(freeze.id(), Arc::clone(&rows));
        freeze.finish(frozen, rows).map(Some)
    }

    /// Puts the rows that `compaction` has shown in the place of its segments.
    pub fn swap(&self, compaction: Compaction, rows: Vec<Row>) -> Result<()> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return compaction.finish(None);
        };
        let frozen = frozen(first, last, &rows);
        let rows = Arc::new(MemoryRows(rows));
        let shelf = Arc::clone(&self.0);
        let id = compaction.id();
        shelf.lock().unwrap().insert(id, Arc::clone(&rows));
        compaction.finish(Some((frozen, rows)))
    }

    /// Writes the rows that a transaction put into a table as segments of `size` rows.
    pub fn load(&self, txn: &Txn, table: TableId, size: usize) -> Result<()> {
        let mut rows: Vec<Row> = Vec::new();
        txn.each_put(table, &mut |row| {
            rows.push((row.pk.to_vec(), Scn::ZERO, row.row.to_vec()));
            Ok(())
        })?;
        txn.load(table, self.segments(txn, &rows, size))
    }

    /// Lets a transaction bring rows along that it never put.
    pub fn bring(&self, txn: &Txn, table: TableId, rows: &[Row], size: usize) -> Result<()> {
        let mut keys = KeyList::default();
        rows.iter().try_for_each(|row| keys.push(&row.0))?;
        let keys = BroughtKeys::Vacant(Arc::new(keys));
        txn.bring(table, self.segments(txn, rows, size), keys)
    }

    /// Segments of `size` rows each.
    fn segments(&self, txn: &Txn, rows: &[Row], size: usize) -> Vec<(u64, Frozen)> {
        let mut segments = Vec::new();
        for rows in rows.chunks(size) {
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                continue;
            };
            let id = txn.next_segment();
            segments.push((id, frozen(first, last, rows)));
            let rows = Arc::new(MemoryRows(rows.to_vec()));
            self.0.lock().unwrap().insert(id, rows);
        }
        segments
    }
}

fn frozen(first: &Row, last: &Row, rows: &[Row]) -> Frozen {
    Frozen {
        rows: rows.len() as u64,
        least: first.0.clone(),
        greatest: last.0.clone(),
        newest: rows.iter().map(|row| row.1).max().unwrap_or_default(),
        bytes: 0,
        descriptor: Vec::new(),
    }
}

/// Up to `count` more rows of a freeze. True at the end.
pub fn read(freeze: &mut Freeze, rows: &mut Vec<Row>, count: usize) -> Result<bool> {
    for _ in 0..count {
        match freeze.next()? {
            Some(row) => rows.push((row.pk.to_vec(), row.begin, row.row.to_vec())),
            None => return Ok(true),
        }
    }
    Ok(false)
}
