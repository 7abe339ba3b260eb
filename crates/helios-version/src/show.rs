//! Showing rows where they lie: reads of single rows that copy nothing.
//!
//! What cannot be shown so (an older version, a key of another branch, a key of no row) goes the way of
//! [`Core::get`].

use std::ops::Range;

use helios_base::{Result, Scn, TableId};
use helios_kv::Keyspace;

use crate::branch::Link;
use crate::cache::{Found, Newest, Probe};
use crate::core::Core;
use crate::keys::{self, PREFIX, Stored};
use crate::read::{Seen, newest_of};
use crate::row::{RowRef, ShowEachRow, ShowRow};

/// Rows that were found, by the number of their key.
#[derive(Default)]
struct FoundRows {
    bytes: Vec<u8>,
    rows: Vec<Option<(Scn, Range<usize>)>>,
}

impl FoundRows {
    fn put(&mut self, number: usize, begin: Scn, row: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(row);
        if let Some(place) = self.rows.get_mut(number) {
            *place = Some((begin, start..self.bytes.len()));
        }
    }
}

impl Core {
    /// Shows the row that a reader with these links sees; false if there is none.
    #[inline]
    pub(crate) fn show(
        &self,
        first: Link,
        rest: &[Link],
        table: TableId,
        pk: &[u8],
        visit: &mut ShowRow<'_>,
    ) -> Result<bool> {
        if rest.is_empty()
            && let Some(shown) = self.show_newest(first, table, pk, visit)?
        {
            return Ok(shown);
        }
        match self.get(first, rest, table, pk)? {
            Some(found) => {
                visit(RowRef {
                    pk,
                    begin: found.begin,
                    row: &found.row,
                })?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Shows the newest version of a key on one branch, if `link` sees it: says whether it is a row.
    #[inline]
    fn show_newest(
        &self,
        link: Link,
        table: TableId,
        pk: &[u8],
        visit: &mut ShowRow<'_>,
    ) -> Result<Option<bool>> {
        let probe = Probe::new(table, link.branch, pk);
        let miss = match self.cache.get(&probe) {
            Found::Hit(Newest::Row(begin, row)) if begin <= link.scn => {
                let row = &*row;
                return visit(RowRef { pk, begin, row }).map(|()| Some(true));
            }
            Found::Hit(Newest::Cold(begin, row)) if begin <= link.scn => {
                let row = &*row;
                return visit(RowRef { pk, begin, row }).map(|()| Some(true));
            }
            Found::Hit(Newest::Tombstone(begin)) if begin <= link.scn => return Ok(Some(false)),
            Found::Hit(_) => return Ok(None),
            Found::Miss(miss) => miss,
        };
        let stamp = self.cold.stamp();
        let mut shown = None;
        let mut is_there = false;
        keys::with_object_key(table.0, link.branch, pk, |key| {
            self.kv.show(Keyspace::Current, key, &mut |value| {
                is_there = true;
                if miss.again {
                    let copy = bytes::Bytes::copy_from_slice(value);
                    self.cache.offer(&probe, miss, &newest_of(copy)?);
                }
                shown = show_stored(value, pk, link, visit)?;
                Ok(())
            })
        })?;
        if is_there {
            return Ok(shown);
        }
        let mut found = Newest::Absent;
        let mut is_seen = false;
        let is_found = self.show_cold(table, link.branch, pk, &mut |row| {
            if miss.again {
                found = Newest::Cold(row.begin, bytes::Bytes::copy_from_slice(row.row));
            }
            is_seen = row.begin <= link.scn;
            if is_seen { visit(row) } else { Ok(()) }
        })?;
        if !is_found && !self.cold.is_still(stamp) {
            // It came back meanwhile.
            return self.show_newest(link, table, pk, visit);
        }
        self.cache.offer(&probe, miss, &found);
        Ok(Some(is_seen))
    }

    /// Shows those of the rows with these keys that a reader with these links sees, with their
    /// numbers, in their order.
    pub(crate) fn show_each(
        &self,
        first: Link,
        rest: &[Link],
        table: TableId,
        pks: &[&[u8]],
        visit: &mut ShowEachRow<'_>,
    ) -> Result<()> {
        if !rest.is_empty()
            && pks.len() > 1
            && !self.cold_on(table, std::iter::once(first).chain(rest.iter().copied()))
        {
            return self.show_each_of_chain(first, rest, table, pks, visit);
        }
        if rest.is_empty() {
            // Those before it were shown, or are known not to be there.
            let mut next = 0;
            let is_cold = self.cold.in_use();
            let stamp = self.cold.stamp();
            // What is not in `Current` may be in a segment, and nowhere else.
            let absent = |upto: usize, next: &mut usize, visit: &mut ShowEachRow<'_>| {
                while is_cold
                    && *next < upto
                    && let Some(pk) = pks.get(*next)
                {
                    let number = *next;
                    *next += 1;
                    let is_found = self.show_cold(table, first.branch, pk, &mut |row| {
                        if row.begin <= first.scn {
                            visit(number, row)
                        } else {
                            Ok(())
                        }
                    })?;
                    if !is_found && !self.cold.is_still(stamp) {
                        self.show(first, rest, table, pk, &mut |row| visit(number, row))?;
                    }
                }
                Ok(())
            };
            let bytes = keys::object_keys(table.0, first.branch, pks);
            let keys = split_keys(&bytes, pks);
            let kv = self.kv.snapshot();
            kv.show_each(Keyspace::Current, &keys, &mut |number, value| {
                absent(number, &mut next, visit)?;
                next = number + 1;
                let Some(pk) = pks.get(number) else {
                    return Ok(());
                };
                let shown = show_stored(value, pk, first, &mut |row| visit(number, row))?;
                if shown.is_none() {
                    self.show(first, rest, table, pk, &mut |row| visit(number, row))?;
                }
                Ok(())
            })?;
            return absent(pks.len(), &mut next, visit);
        }
        for (number, pk) in pks.iter().enumerate() {
            self.show(first, rest, table, pk, &mut |row| visit(number, row))?;
        }
        Ok(())
    }

    /// As [`Core::show_each`] on a branch that has ancestors: each is asked for all keys of which the
    /// branches before it say nothing.
    fn show_each_of_chain(
        &self,
        first: Link,
        rest: &[Link],
        table: TableId,
        pks: &[&[u8]],
        visit: &mut ShowEachRow<'_>,
    ) -> Result<()> {
        let mut found = FoundRows::default();
        found.rows.resize(pks.len(), None);
        // The keys that are still looked for, and those that only the root can have.
        let (mut open, mut of_root) = (Vec::new(), Vec::new());
        for (number, pk) in pks.iter().enumerate() {
            match self.chains.rules_out(&*self.kv, first, rest, table, pk)? {
                true => of_root.push(number),
                false => open.push(number),
            }
        }
        for (depth, link) in std::iter::once(&first).chain(rest).enumerate() {
            if depth == rest.len() {
                open.append(&mut of_root);
                open.sort_unstable();
            }
            open = self.find_each(*link, table, pks, &open, &mut found)?;
        }
        for (number, row) in found.rows.iter().enumerate() {
            if let (Some((begin, row)), Some(pk)) = (row, pks.get(number)) {
                let (begin, row) = (*begin, found.bytes.get(row.clone()).unwrap_or_default());
                visit(number, RowRef { pk, begin, row })?;
            }
        }
        Ok(())
    }

    /// Finds the rows of the keys with these numbers that `link` has; returns the numbers of the keys of
    /// which it says nothing.
    fn find_each(
        &self,
        link: Link,
        table: TableId,
        pks: &[&[u8]],
        numbers: &[usize],
        found: &mut FoundRows,
    ) -> Result<Vec<usize>> {
        let wanted: Vec<&[u8]> = numbers
            .iter()
            .filter_map(|number| pks.get(*number).copied())
            .collect();
        let bytes = keys::object_keys(table.0, link.branch, &wanted);
        let keys = split_keys(&bytes, &wanted);
        // By the place of each key among those asked for: nothing said, and a newer version there.
        let mut unsaid = vec![true; wanted.len()];
        let mut newer = Vec::new();
        let kv = self.kv.snapshot();
        kv.show_each(Keyspace::Current, &keys, &mut |at, value| {
            let stored = Stored::decode(value)?;
            if stored.scn > link.scn {
                newer.push(at);
            } else if let (Some(row), Some(number)) = (stored.row, numbers.get(at)) {
                found.put(*number, stored.scn, row);
            }
            if let Some(unsaid) = unsaid.get_mut(at) {
                *unsaid = false;
            }
            Ok(())
        })?;
        for at in newer {
            let (Some(number), Some(pk)) = (numbers.get(at), wanted.get(at)) else {
                continue;
            };
            match self.seen(link, table, pk)? {
                Seen::Row(row) => found.put(*number, row.begin, &row.row),
                Seen::Deleted => {}
                Seen::Nothing => {
                    if let Some(unsaid) = unsaid.get_mut(at) {
                        *unsaid = true;
                    }
                }
            }
        }
        let left = numbers.iter().zip(&unsaid).filter(|(_, unsaid)| **unsaid);
        Ok(left.map(|(number, _)| *number).collect())
    }
}

/// The keys in `bytes`, each with its prefix.
fn split_keys<'b>(bytes: &'b [u8], pks: &[&[u8]]) -> Vec<&'b [u8]> {
    let mut left = bytes;
    let mut next = |pk: &&[u8]| {
        let (key, rest) = left.split_at_checked(PREFIX + pk.len())?;
        left = rest;
        Some(key)
    };
    pks.iter().map_while(&mut next).collect()
}

/// Shows a value of `Current` if `link` sees that version: says whether it is a row.
#[inline]
fn show_stored(
    value: &[u8],
    pk: &[u8],
    link: Link,
    visit: &mut ShowRow<'_>,
) -> Result<Option<bool>> {
    let stored = Stored::decode(value)?;
    if stored.scn > link.scn {
        return Ok(None);
    }
    let Some(row) = stored.row else {
        return Ok(Some(false));
    };
    let begin = stored.scn;
    visit(RowRef { pk, begin, row }).map(|()| Some(true))
}
