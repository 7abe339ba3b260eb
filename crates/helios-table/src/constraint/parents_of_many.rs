//! The parents of many rows, looked for together.
//!
//! Keys of parents are put in order, so that each different one is looked for once, near where the one before was: of
//! millions of parents in no order each would be found far from the last, in memory that nothing has at hand.

use helios_base::{Error, Result, Value};
use helios_version::KeyTrail;

use super::foreign_key::{Pairing, column_types};
use crate::access::TableWriter;
use crate::catalog::ForeignKeyDef;
use crate::row::IndexRules;

/// Keys in memory of their own, with the numbers of the rows that they are of.
#[derive(Default)]
struct Sought {
    bytes: Vec<u8>,
    /// Where each ends in `bytes`; it begins where the one before ends.
    keys: Vec<(usize, usize, usize)>,
}

impl Sought {
    fn add(&mut self, row: usize, key: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.keys.push((start, self.bytes.len(), row));
    }

    /// Keys with their rows, equal ones after each other.
    fn in_order(&mut self) -> impl Iterator<Item = (&[u8], usize)> {
        let bytes = &self.bytes;
        let key = |(start, end, _): &(usize, usize, usize)| bytes.get(*start..*end);
        self.keys.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        self.keys
            .iter()
            .map(move |at| (key(at).unwrap_or_default(), at.2))
    }
}

impl TableWriter<'_> {
    /// Whether [`TableWriter::orphans`] tells which rows lack a parent.
    pub(crate) fn finds_orphans(&self) -> bool {
        let table = self.table();
        let mut foreign_keys = self.rules().foreign_keys.iter();
        foreign_keys.all(|(id, _)| {
            let constraint = table.constraint_by_id(*id);
            let fk = constraint.and_then(|constraint| constraint.as_foreign_key());
            // Which values may be mixed is asked of each row when it comes.
            fk.is_some_and(|fk| !fk.match_full)
        })
    }

    /// The rows that lack a parent in any foreign key, by their numbers, ascending. The parents of the others are locked
    /// against losing their keys.
    ///
    /// # Errors
    /// As [`TableWriter::insert`].
    pub(crate) fn orphans(&mut self, rows: &[Vec<Value>]) -> Result<Vec<usize>> {
        let rules = self.rules().clone();
        let table = self.table().clone();
        let mut orphans = Vec::new();
        for (slot, (id, positions)) in rules.foreign_keys.iter().enumerate() {
            let constraint = table.constraint_by_id(*id);
            let Some(fk) = constraint.and_then(|constraint| constraint.as_foreign_key()) else {
                continue;
            };
            let Some(parent) = self.take_parent(slot, fk)? else {
                return Ok((0..rows.len()).collect());
            };
            let types = column_types(&table, &fk.columns);
            parent.add_orphans(fk, &types, positions, rows, &mut orphans)?;
            self.keep_parent(slot, parent);
        }
        orphans.sort_unstable();
        orphans.dedup();
        Ok(orphans)
    }

    /// Adds the numbers of rows whose values at these positions, of these types, no row of this table has in the
    /// referenced columns.
    fn add_orphans(
        &self,
        fk: &ForeignKeyDef,
        types: &[&helios_base::DataType],
        positions: &[usize],
        rows: &[Vec<Value>],
        orphans: &mut Vec<usize>,
    ) -> Result<()> {
        let rules = self.rules().clone();
        let index = rules.indexes.iter().find(|i| i.def.id == fk.parent_index);
        let pairing = index.and_then(|index| Pairing::new(index, &fk.parent_columns));
        let Some((index, pairing)) = index.zip(pairing) else {
            return Err(Error::internal("a foreign key without index in its parent"));
        };
        let mut values = Vec::with_capacity(positions.len());
        let mut sought = Sought::default();
        for (number, row) in rows.iter().enumerate() {
            let cells = positions.iter().map(|at| row.get(*at).cloned());
            values.clear();
            values.extend(cells.map(|value| value.unwrap_or(Value::Null)));
            if values.iter().any(Value::is_null) {
                continue;
            }
            match pairing.encode(index, &values, types)? {
                Some(key) => sought.add(number, &key),
                None => orphans.push(number),
            }
        }
        let mut trail = KeyTrail::default();
        let mut last: Option<(&[u8], bool)> = None;
        for (key, number) in sought.in_order() {
            let is_there = match last {
                Some((same, is_there)) if same == key => is_there,
                _ => self.shares_key(index, key, &mut trail)?,
            };
            last = Some((key, is_there));
            if !is_there {
                orphans.push(number);
            }
        }
        Ok(())
    }

    /// Whether the table has a row with these encoded keys of an index, which is then locked against losing them.
    fn shares_key(&self, index: &IndexRules, keys: &[u8], trail: &mut KeyTrail) -> Result<bool> {
        match index.def.clustered {
            true => (self.txn()).share_next_key(self.table().storage, keys, trail),
            false => self.has_entry(index, keys, true),
        }
    }
}
