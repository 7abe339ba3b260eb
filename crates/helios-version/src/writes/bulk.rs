//! Rows of a large transaction that go straight into segments.
//!
//! They stay among its writes, where the transaction finds them until it is over; the log gets their keys, for the
//! lists of changes, and the segments' entries in their place. Rows that went into segments at once
//! ([`Brought`]) never were among the writes.

use std::sync::Arc;

use helios_base::{Result, TableId};

use super::key_list::KeyList;
use super::keymap::KeyMap;
use super::{Kind, Live, Slot, WriteSet, find};
use crate::changes::ListPart;
use crate::record::Op;
use crate::row::RowRef;

/// A table whose rows lie in segments.
pub(super) struct Load {
    table: u32,
    /// Number and entry of each.
    segments: Vec<(u64, Vec<u8>)>,
}

/// Is shown a key.
pub(super) type ShowKey<'v> = dyn FnMut(&[u8]) -> Result<()> + 'v;

/// Shows keys in ascending order.
pub type KeyWalk = Arc<dyn Fn(&mut ShowKey<'_>) -> Result<()> + Send + Sync>;

/// The keys of rows that a commit brings along.
#[derive(Clone)]
pub enum BroughtKeys {
    /// Nobody ever had one, on any branch, or can have asked for one.
    Unheard(KeyWalk),
    /// The branch has no version of any, nor has the transaction.
    Vacant(Arc<KeyList>),
}

impl BroughtKeys {
    fn for_each(&self, visit: &mut ShowKey<'_>) -> Result<()> {
        match self {
            Self::Unheard(walk) => walk(visit),
            Self::Vacant(list) => list.for_each(visit),
        }
    }
}

/// Rows of a table that are in segments alone.
pub(super) struct Brought {
    table: TableId,
    /// Number and entry of each.
    segments: Vec<(u64, Vec<u8>)>,
    rows: u64,
    keys: BroughtKeys,
}

/// Bytes that the log needs for the number of a row in a segment, roughly.
const KEY_BYTES: u64 = 3;

impl WriteSet {
    /// The tables of which at least `least` rows were put, and none deleted.
    pub(crate) fn large_tables(&self, least: u64) -> Vec<TableId> {
        if (self.slots.len() as u64) < least {
            return Vec::new();
        }
        let mut tables: Vec<(u32, u64, bool)> = Vec::new();
        for slot in self.slots.iter().filter(|slot| !slot.dead) {
            if !matches!(slot.kind, Kind::Put | Kind::Delete) {
                continue;
            }
            let at = match tables.iter().position(|(table, ..)| *table == slot.object) {
                Some(at) => at,
                None => {
                    tables.push((slot.object, 0, true));
                    tables.len() - 1
                }
            };
            if let Some((_, rows, puts)) = tables.get_mut(at) {
                *rows += 1;
                *puts &= slot.kind == Kind::Put;
            }
        }
        let large = tables.iter();
        let large = large.filter(|(_, rows, puts)| *puts && *rows >= least);
        large.map(|(table, ..)| TableId(*table)).collect()
    }

    /// Shows the rows put into a table, in key order, each with whether it is known that the branch had none of
    /// that key.
    pub(crate) fn for_each_put(
        &self,
        table: TableId,
        visit: &mut dyn FnMut(RowRef<'_>, bool) -> Result<()>,
    ) -> Result<()> {
        let Some(map) = find(&self.tables, table.0) else {
            return Ok(());
        };
        map.for_each(&self.arena, &self.slots, &mut |slot| {
            if slot.kind != Kind::Put {
                return Ok(());
            }
            let row = RowRef {
                pk: &self.key_of(slot)?,
                begin: helios_base::Scn::ZERO,
                row: &self.row_of(slot)?,
            };
            visit(row, slot.fresh)
        })
    }

    /// From here on the rows of the table lie in these segments.
    pub(crate) fn load(&mut self, table: TableId, segments: Vec<(u64, Vec<u8>)>) {
        self.loads.push(Load {
            table: table.0,
            segments,
        });
    }

    /// These segments have rows, of these keys, that are not among the writes.
    pub(crate) fn bring(
        &mut self,
        table: TableId,
        segments: Vec<(u64, Vec<u8>)>,
        rows: u64,
        keys: BroughtKeys,
    ) {
        self.brought.push(Brought {
            table,
            segments,
            rows,
            keys,
        });
    }

    /// The keys of the table's rows in segments that are not among the writes.
    pub(crate) fn brought(&self, table: TableId) -> impl Iterator<Item = &BroughtKeys> {
        let brought = self.brought.iter();
        brought.filter_map(move |one| (one.table == table).then_some(&one.keys))
    }

    /// Bytes that the log gets beside those of the writes, roughly.
    pub(super) fn brought_bytes(&self) -> u64 {
        let bytes = |brought: &Brought| match &brought.keys {
            BroughtKeys::Unheard(_) => brought.rows.saturating_mul(KEY_BYTES),
            BroughtKeys::Vacant(list) => list.bytes(),
        };
        self.brought.iter().map(bytes).sum()
    }

    #[inline]
    pub(super) fn load_of(&self, table: u32) -> Option<&Load> {
        self.loads.iter().find(|load| load.table == table)
    }

    /// Whether the log does not need the row itself.
    #[inline]
    pub(super) fn is_loaded(&self, slot: &Slot) -> bool {
        slot.kind == Kind::Put && !self.loads.is_empty() && self.load_of(slot.object).is_some()
    }

    /// Hands what the log says of rows in segments to `part`, in pieces of about `piece` bytes.
    pub(super) fn encoded_loads(
        &self,
        piece: usize,
        part: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        for load in &self.loads {
            let table = TableId(load.table);
            let rows =
                |visit: &mut ShowKey<'_>| self.for_each_put(table, &mut |row, _| visit(row.pk));
            encode(table, &load.segments, &rows, piece, part)?;
        }
        for brought in &self.brought {
            let (table, segments) = (brought.table, &brought.segments);
            match &brought.keys {
                BroughtKeys::Unheard(walk) => encode(table, segments, &**walk, piece, part)?,
                BroughtKeys::Vacant(list) => {
                    let mut out = Pieces::new(piece, part);
                    out.segments(table, segments);
                    list.for_each_part(&mut |keys| out.keys(table, keys))?;
                    out.end()?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn for_each_brought(
        &self,
        visit: &mut dyn FnMut(Live<'_>) -> Result<()>,
    ) -> Result<()> {
        for brought in &self.brought {
            let table = brought.table;
            for (id, entry) in &brought.segments {
                let id = *id;
                visit(Live::Segment { table, id, entry })?;
            }
            (brought.keys).for_each(&mut |pk| visit(Live::Loaded { table, pk }))?;
        }
        Ok(())
    }

    pub(super) fn for_each_loaded(
        &self,
        load: &Load,
        map: &KeyMap,
        visit: &mut dyn FnMut(Live<'_>) -> Result<()>,
    ) -> Result<()> {
        let table = TableId(load.table);
        for (id, entry) in &load.segments {
            let id = *id;
            visit(Live::Segment { table, id, entry })?;
        }
        map.for_each(&self.arena, &self.slots, &mut |slot| {
            let pk = &self.key_of(slot)?;
            visit(Live::Loaded { table, pk })
        })
    }
}

/// Hands the entries of segments and the keys of their rows to `part`, in pieces of about `piece` bytes.
fn encode(
    table: TableId,
    segments: &[(u64, Vec<u8>)],
    keys: &dyn Fn(&mut ShowKey<'_>) -> Result<()>,
    piece: usize,
    part: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut out = Pieces::new(piece, part);
    out.segments(table, segments);
    let mut list = ListPart::default();
    keys(&mut |pk| {
        if list.add(pk) {
            out.keys(table, list.bytes())?;
            list.clear();
        }
        Ok(())
    })?;
    if !list.bytes().is_empty() {
        out.keys(table, list.bytes())?;
    }
    out.end()
}

/// Operations, handed to `part` in pieces of about `size` bytes.
struct Pieces<'p> {
    out: Vec<u8>,
    size: usize,
    part: &'p mut dyn FnMut(&[u8]) -> Result<()>,
}

impl<'p> Pieces<'p> {
    fn new(size: usize, part: &'p mut dyn FnMut(&[u8]) -> Result<()>) -> Self {
        let out = Vec::new();
        Self { out, size, part }
    }

    fn segments(&mut self, table: TableId, segments: &[(u64, Vec<u8>)]) {
        for (id, entry) in segments {
            let id = *id;
            Op::Segment { table, id, entry }.encode(&mut self.out);
        }
    }

    fn keys(&mut self, table: TableId, keys: &[u8]) -> Result<()> {
        Op::Loaded { table, keys }.encode(&mut self.out);
        if self.out.len() >= self.size {
            (self.part)(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        (self.part)(&self.out)
    }
}
