//! Reading versions out of the keyspaces.

use std::ops::Bound;

use bytes::Bytes;
use helios_base::{BranchId, Result, Scn, TableId};
use helios_kv::{Keyspace, KvSnapshot};

use crate::branch::Link;
use crate::cache::{Found, Newest, Probe};
use crate::cold::KeyTrail;
use crate::core::Core;
use crate::history;
use crate::keys::{self, Stored};
use crate::row::{RowVersion, Version};

/// Ancestors from which on it is noted where keys are.
const FAR: usize = 3;

/// What one branch says of a key at a change number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Row(RowVersion),
    Deleted,
    /// Nothing yet: ask the parent.
    Nothing,
}

impl Core {
    /// The row that a reader with these links sees.
    #[inline]
    pub(crate) fn get(
        &self,
        first: Link,
        rest: &[Link],
        table: TableId,
        pk: &[u8],
    ) -> Result<Option<RowVersion>> {
        let mut first = first;
        let mut rest = rest;
        if let Some(root) = rest.last()
            && !self.cold_on(table, std::iter::once(first).chain(rest.iter().copied()))
            && self.chains.rules_out(&*self.kv, first, rest, table, pk)?
        {
            (first, rest) = (*root, &[]);
        }
        if rest.len() >= FAR {
            return self.get_far(first, rest, table, pk);
        }
        match self.seen(first, table, pk)? {
            Seen::Row(row) => return Ok(Some(row)),
            Seen::Deleted => return Ok(None),
            Seen::Nothing => {}
        }
        for link in rest {
            match self.seen(*link, table, pk)? {
                Seen::Row(row) => return Ok(Some(row)),
                Seen::Deleted => return Ok(None),
                Seen::Nothing => {}
            }
        }
        Ok(None)
    }

    /// As [`Core::get`] on a deep branch: which ancestor has a key is kept beside the knowledge that the branch
    /// itself has not.
    fn get_far(
        &self,
        first: Link,
        rest: &[Link],
        table: TableId,
        pk: &[u8],
    ) -> Result<Option<RowVersion>> {
        let probe = Probe::new(table, first.branch, pk);
        if let Found::Hit(Newest::Above(branch)) = self.cache.get(&probe)
            && let Some(link) = rest.iter().find(|link| link.branch == branch)
        {
            match self.seen(*link, table, pk)? {
                Seen::Row(row) => return Ok(Some(row)),
                Seen::Deleted => return Ok(None),
                // A reader of a time before: the nearer ones said nothing then either, but others may.
                Seen::Nothing => {}
            }
        }
        for link in std::iter::once(&first).chain(rest) {
            let found = match self.seen(*link, table, pk)? {
                Seen::Row(row) => Some(row),
                Seen::Deleted => None,
                Seen::Nothing => continue,
            };
            // Who reads the past may see less of its ancestors than the branch does.
            if link.branch != first.branch && rest.first().is_some_and(|up| up.scn < first.scn) {
                self.cache.note_above(&probe, link.branch);
            }
            return Ok(found);
        }
        Ok(None)
    }

    /// What `link` says of a key, through the cache.
    #[inline]
    pub(crate) fn seen(&self, link: Link, table: TableId, pk: &[u8]) -> Result<Seen> {
        loop {
            let stamp = self.cold.stamp();
            let seen = self.seen_since(stamp, link, table, pk)?;
            if !matches!(seen, Seen::Nothing) || self.cold.is_still(stamp) {
                return Ok(seen);
            }
        }
    }

    #[inline]
    fn seen_since(&self, stamp: u64, link: Link, table: TableId, pk: &[u8]) -> Result<Seen> {
        let probe = Probe::new(table, link.branch, pk);
        let miss = match self.cache.get(&probe) {
            Found::Hit(newest) => match newest {
                Newest::Row(begin, row) if begin <= link.scn => {
                    return Ok(Seen::Row(RowVersion { begin, row }));
                }
                Newest::Cold(begin, row) => {
                    return Ok(match begin <= link.scn {
                        true => Seen::Row(RowVersion { begin, row }),
                        false => Seen::Nothing,
                    });
                }
                Newest::Tombstone(begin) if begin <= link.scn => return Ok(Seen::Deleted),
                newest if newest.is_absent() => return Ok(Seen::Nothing),
                newest => {
                    return self.seen_before(&*self.kv.snapshot(), newest, link, table, pk);
                }
            },
            Found::Miss(miss) => miss,
        };
        let kv = self.kv.snapshot();
        let newest = self.with_cold(
            newest_in(&*kv, table, link.branch, pk)?,
            table,
            link.branch,
            pk,
        )?;
        if newest != Newest::Absent || self.cold.is_still(stamp) {
            self.cache.offer(&probe, miss, &newest);
        }
        Ok(match newest {
            Newest::Row(begin, row) if begin <= link.scn => Seen::Row(RowVersion { begin, row }),
            Newest::Tombstone(begin) if begin <= link.scn => Seen::Deleted,
            Newest::Absent => Seen::Nothing,
            newest => return self.seen_before(&*kv, newest, link, table, pk),
        })
    }

    /// The newest version on a branch, given the newest outside of segments.
    #[inline]
    fn with_cold(
        &self,
        newest: Newest,
        table: TableId,
        branch: BranchId,
        pk: &[u8],
    ) -> Result<Newest> {
        if newest != Newest::Absent || !self.cold.in_use() {
            return Ok(newest);
        }
        Ok(match self.cold_row(table, branch, pk)? {
            Some((begin, row)) => Newest::Cold(begin, row),
            None => Newest::Absent,
        })
    }

    /// As [`Core::seen`] for a key whose newest version is too new, or in a segment.
    #[cold]
    fn seen_before(
        &self,
        kv: &dyn KvSnapshot,
        newest: Newest,
        link: Link,
        table: TableId,
        pk: &[u8],
    ) -> Result<Seen> {
        let cold = |row: Option<(Scn, Bytes)>| match row {
            Some((begin, row)) if begin <= link.scn => Seen::Row(RowVersion { begin, row }),
            _ => Seen::Nothing,
        };
        if let Newest::Cold(begin, row) = newest {
            return Ok(cold(Some((begin, row))));
        }
        let mut from = Vec::new();
        keys::history_key(&mut from, table, link.branch, pk, link.scn);
        let mut upto = Vec::new();
        keys::history_key(&mut upto, table, link.branch, pk, Scn::ZERO);
        let Some((key, value)) = kv.first(Keyspace::History, &from, &upto)? else {
            return Ok(cold(self.cold_row(table, link.branch, pk)?));
        };
        let (_, oldest) = keys::split_history(&key)?;
        let mut buffer = Vec::new();
        let version = history::at(oldest, &value, link.scn, &mut buffer)?;
        let Some(version) = version.filter(|version| version.end > link.scn) else {
            // A gap: deleted between two versions.
            return Ok(Seen::Deleted);
        };
        let begin = version.begin;
        Ok(match version.row {
            Some(row) => Seen::Row(RowVersion {
                begin,
                row: Bytes::copy_from_slice(row),
            }),
            None => Seen::Deleted,
        })
    }

    /// The newest applied version on one branch, through the cache.
    pub(crate) fn newest(&self, branch: BranchId, table: TableId, pk: &[u8]) -> Result<Newest> {
        let probe = Probe::new(table, branch, pk);
        match self.cache.get(&probe) {
            Found::Hit(newest) => Ok(newest),
            Found::Miss(miss) => loop {
                let stamp = self.cold.stamp();
                let newest = newest_in(&*self.kv.snapshot(), table, branch, pk)?;
                let newest = self.with_cold(newest, table, branch, pk)?;
                if newest != Newest::Absent || self.cold.is_still(stamp) {
                    self.cache.offer(&probe, miss, &newest);
                    return Ok(newest);
                }
            },
        }
    }

    /// Whether the newest applied version on one branch is a row; `None` if the branch says nothing of the key.
    /// Reads no row of a segment. Who looks for ascending keys has a trail.
    pub(crate) fn has_row(
        &self,
        branch: BranchId,
        table: TableId,
        pk: &[u8],
        mut trail: Option<&mut KeyTrail>,
    ) -> Result<Option<bool>> {
        let newest = match self.cache.get(&Probe::new(table, branch, pk)) {
            Found::Hit(newest) => newest,
            Found::Miss(_) => loop {
                let stamp = self.cold.stamp();
                match newest_in(&*self.kv.snapshot(), table, branch, pk)? {
                    Newest::Absent
                        if self.cold_stands(table, branch, pk, trail.as_deref_mut())? =>
                    {
                        return Ok(Some(true));
                    }
                    Newest::Absent if self.cold.is_still(stamp) => return Ok(None),
                    Newest::Absent => {}
                    newest => break newest,
                }
            },
        };
        Ok(match newest {
            Newest::Row(..) | Newest::Cold(..) => Some(true),
            Newest::Tombstone(_) => Some(false),
            Newest::Absent | Newest::Above(_) => None,
        })
    }

    /// The stored versions of a key that the links see, newest first.
    pub(crate) fn history(
        &self,
        first: Link,
        rest: &[Link],
        table: TableId,
        pk: &[u8],
    ) -> Result<Vec<Version>> {
        loop {
            let stamp = self.cold.stamp();
            let versions = self.history_once(first, rest, table, pk)?;
            if self.cold.is_still(stamp) {
                return Ok(versions);
            }
        }
    }

    fn history_once(
        &self,
        first: Link,
        rest: &[Link],
        table: TableId,
        pk: &[u8],
    ) -> Result<Vec<Version>> {
        let kv = self.kv.snapshot();
        let floors = self.registry.floors();
        let mut versions: Vec<Version> = Vec::new();
        for link in std::iter::once(&first).chain(rest) {
            let floor = floors.of(link.branch, table);
            // When the version found next was replaced, as the reader sees it.
            let mut replaced = versions.last().map(|newer: &Version| newer.begin);
            let mut push = |begin: Scn, end: Option<Scn>, row: Option<Bytes>| {
                if begin > link.scn {
                    return;
                }
                let end = end.filter(|end| *end <= link.scn);
                if let Some(end) = end
                    && replaced != Some(end)
                {
                    // On a branch without a parent a gap is a deletion, unless versions that ended so
                    // long ago may have been collected.
                    if replaced.is_none_or(|replaced| replaced > floor) {
                        versions.push(Version {
                            branch: link.branch,
                            begin: end,
                            end: replaced,
                            row: None,
                        });
                    }
                    replaced = Some(end);
                }
                versions.push(Version {
                    branch: link.branch,
                    begin,
                    end: replaced,
                    row,
                });
                replaced = Some(begin);
            };
            let cold = self.cold_row(table, link.branch, pk)?;
            // The oldest version outside of segments ended the one in there.
            let mut oldest;
            match newest_in(&*kv, table, link.branch, pk)? {
                Newest::Absent | Newest::Above(_) | Newest::Cold(..) => {
                    if let Some((begin, row)) = cold {
                        push(begin, None, Some(row));
                    }
                    continue;
                }
                Newest::Row(begin, row) => {
                    oldest = begin;
                    push(begin, None, Some(row));
                }
                Newest::Tombstone(begin) => {
                    oldest = begin;
                    push(begin, None, None);
                }
            }
            let mut from = Vec::new();
            keys::history_key(&mut from, table, link.branch, pk, Scn::MAX);
            let mut upto = Vec::new();
            keys::history_key(&mut upto, table, link.branch, pk, Scn::ZERO);
            let range = (
                Bound::Included(from.as_slice()),
                Bound::Included(upto.as_slice()),
            );
            let mut cursor = kv.scan(Keyspace::History, range, false)?;
            while let Some((key, value)) = cursor.next()? {
                let (_, begin) = keys::split_history(key)?;
                history::each(begin, value, &mut |version| {
                    let row = version.row.map(Bytes::copy_from_slice);
                    push(version.begin, Some(version.end), row);
                    Ok(())
                })?;
                oldest = begin;
            }
            if let Some((begin, row)) = cold
                && begin < oldest
            {
                push(begin, Some(oldest), Some(row));
            }
        }
        Ok(versions)
    }
}

/// The newest version on one branch in this state of the store.
#[inline]
pub(crate) fn newest_in(
    kv: &dyn KvSnapshot,
    table: TableId,
    branch: BranchId,
    pk: &[u8],
) -> Result<Newest> {
    keys::with_object_key(table.0, branch, pk, |key| {
        match kv.get(Keyspace::Current, key)? {
            None => Ok(Newest::Absent),
            Some(value) => newest_of(value),
        }
    })
}

/// Decodes a value of `Current`.
#[inline]
pub(crate) fn newest_of(value: Bytes) -> Result<Newest> {
    let stored = Stored::decode(&value)?;
    let begin = stored.scn;
    Ok(match stored.row.map(<[u8]>::len) {
        Some(len) => Newest::Row(begin, value.slice(value.len() - len..)),
        None => Newest::Tombstone(begin),
    })
}
