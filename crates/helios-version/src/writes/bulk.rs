//! Rows of a large transaction that go straight into segments.
//!
//! They stay among its writes, where the transaction finds them until it is over; the log gets their keys, for the
//! lists of changes, and the segments' entries in their place. Rows that went into segments at once
//! ([`Brought`]) never were among the writes.

use std::sync::Arc;

use helios_base::{Result, TableId};

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
type ShowKey<'v> = dyn FnMut(&[u8]) -> Result<()> + 'v;

/// Shows keys in ascending order.
pub type KeyWalk = Arc<dyn Fn(&mut ShowKey<'_>) -> Result<()> + Send + Sync>;

/// Rows of a table that are in segments alone.
pub(super) struct Brought {
    table: TableId,
    /// Number and entry of each.
    segments: Vec<(u64, Vec<u8>)>,
    rows: u64,
    keys: KeyWalk,
}

/// Bytes that the log needs for the key of a row in a segment, roughly.
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
        keys: KeyWalk,
    ) {
        self.brought.push(Brought {
            table,
            segments,
            rows,
            keys,
        });
    }

    /// Whether there are segments with rows of the table that are not among the writes.
    pub(crate) fn brings(&self, table: TableId) -> bool {
        self.brought.iter().any(|brought| brought.table == table)
    }

    /// Bytes that the log gets beside those of the writes, roughly.
    pub(super) fn brought_bytes(&self) -> u64 {
        let rows: u64 = self.brought.iter().map(|brought| brought.rows).sum();
        rows.saturating_mul(KEY_BYTES)
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
            let keys = &*brought.keys;
            encode(brought.table, &brought.segments, keys, piece, part)?;
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
            (brought.keys)(&mut |pk| visit(Live::Loaded { table, pk }))?;
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
    let mut out = Vec::new();
    for (id, entry) in segments {
        let id = *id;
        Op::Segment { table, id, entry }.encode(&mut out);
    }
    let mut list = ListPart::default();
    keys(&mut |pk| {
        if list.add(pk) {
            let keys = list.bytes();
            Op::Loaded { table, keys }.encode(&mut out);
            list.clear();
        }
        if out.len() >= piece {
            part(&out)?;
            out.clear();
        }
        Ok(())
    })?;
    if !list.bytes().is_empty() {
        let keys = list.bytes();
        Op::Loaded { table, keys }.encode(&mut out);
    }
    part(&out)
}
