//! The rows that a snapshot has otherwise than the merge bases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helios_base::{Result, Scn, TableId, Value};
use helios_version::{Change, Diff, Read, Snapshot};

use super::MergeInput;
use super::align::Align;
use super::cell::Row;
use super::schema::same_definition;
use crate::catalog::{ColumnDef, TableDef};
use crate::row::KeyRange;
use crate::transaction::Transaction;

/// A table at a snapshot, read in the columns of another definition of it.
pub(super) struct Side<'a> {
    at: &'a Snapshot,
    /// The definition there; `None` if the table is not there.
    def: Option<&'a TableDef>,
    align: Option<Align<'a>>,
}

impl<'a> Side<'a> {
    /// `def` is the table at `at`. Rows are read in the columns of `to`; `common` has the columns that all
    /// bases share.
    pub(super) fn new(
        at: &'a Snapshot,
        def: Option<&'a TableDef>,
        common: Option<&TableDef>,
        to: &'a TableDef,
    ) -> Self {
        Self {
            at,
            def,
            align: def.map(|def| Align::new(common, def, to)),
        }
    }

    /// Whether the table has, there, the column at this position of the other definition.
    pub(super) fn has(&self, position: usize) -> bool {
        self.align.as_ref().is_some_and(|align| align.has(position))
    }

    /// Whether the table has lost a column here that `now` has: then rows differ that nobody wrote.
    fn has_dropped_of(&self, now: &Self) -> bool {
        let (Some(base), Some(now)) = (self.def, now.def) else {
            return false;
        };
        let had = |column: &ColumnDef| {
            let layouts = base.layouts.iter().flat_map(|layout| &layout.columns);
            column.is_original()
                || base.column_by_id(column.id).is_none()
                    && layouts.into_iter().any(|(id, _)| *id == column.id)
        };
        let columns = now.columns.iter();
        let mut missing = columns.filter(|column| base.same_column(column).is_none());
        missing.any(had)
    }

    fn decode(&self, key: &[u8], begin: Scn, row: &[u8]) -> Result<Row> {
        match &self.align {
            Some(align) => align.row(key, begin, row).map(Some),
            None => Ok(None),
        }
    }

    fn row(&self, key: &[u8]) -> Result<Option<(Scn, Vec<Value>)>> {
        let Some(def) = self.def else {
            return Ok(None);
        };
        let Some(found) = self.at.get(def.storage, key)? else {
            return Ok(None);
        };
        let row = self.decode(key, found.begin, &found.row)?;
        Ok(row.map(|row| (found.begin, row)))
    }

    /// All rows, by the key that they have in `to`.
    fn rows(&self, to: &TableDef) -> Result<Rows> {
        let mut all = BTreeMap::new();
        if let (Some(def), Some(align)) = (self.def, &self.align) {
            let mut rows = self.at.scan(def.storage, KeyRange::ALL.bounds(), false)?;
            while let Some(row) = rows.next()? {
                let values = align.row(row.pk, row.begin, row.row)?;
                all.insert(stored_key(to, row.pk, &values)?, (row.begin, values));
            }
        }
        Ok(all)
    }
}

/// Rows with the commits that wrote them, by key.
type Rows = BTreeMap<Vec<u8>, (Scn, Vec<Value>)>;

/// A row that is not everywhere the same.
pub(super) struct Changed {
    /// Its stored key, in the table that rows are read for.
    pub(super) key: Vec<u8>,
    /// The row in each base.
    pub(super) bases: Vec<Row>,
    /// The row in the common base of several bases.
    pub(super) root: Row,
    /// The row at the snapshot.
    pub(super) now: Row,
    /// The commit that wrote it.
    pub(super) begin: Option<Scn>,
}

/// What a comparison finds.
pub(super) enum Difference {
    /// Of one base: as it is stored.
    Stored(Change),
    /// Of several bases, or of a table whose rows all are compared.
    Row(Changed),
}

/// Compares a snapshot with the merge bases.
pub(super) struct Compare<'a> {
    bases: Vec<Side<'a>>,
    root: Option<Side<'a>>,
    now: Side<'a>,
    found: Found,
}

enum Found {
    /// One base with the same storage: the lists of changes say it all.
    Diff(Box<Diff>),
    /// Several bases with the same storage: what any of them sees differently.
    Keys(std::collections::btree_set::IntoIter<Vec<u8>>),
    /// All rows, of a table that was rewritten, truncated or made twice.
    All(Box<All>),
}

struct All {
    keys: std::collections::btree_set::IntoIter<Vec<u8>>,
    bases: Vec<Rows>,
    root: Rows,
    now: Rows,
}

impl<'a> Compare<'a> {
    /// Begins. `to` is the table whose columns and stored keys rows are given in. `whole`: all rows are
    /// wanted, changed or not.
    ///
    /// # Cost
    /// O(rows written between the bases and the snapshot) in all, if the table has the same storage
    /// everywhere; else O(its rows).
    pub(super) fn new(
        transaction: &Transaction,
        bases: Vec<Side<'a>>,
        root: Option<Side<'a>>,
        now: Side<'a>,
        to: &'a TableDef,
        whole: bool,
    ) -> Result<Self> {
        let sides = bases.iter().chain([&now]);
        let same = sides
            .filter_map(|side| side.def)
            .all(|def| def.storage == to.storage);
        let one = same && !whole && !bases.iter().any(|base| base.has_dropped_of(&now));
        let store = transaction.tables().store();
        let found = match bases.as_slice() {
            [base] if one => {
                Found::Diff(Box::new(store.diff(base.at, now.at, Some(to.storage))?))
            }
            _ if one => {
                let mut keys = BTreeSet::new();
                for base in &bases {
                    let mut diff = store.diff(base.at, now.at, Some(to.storage))?;
                    while let Some(change) = diff.next()? {
                        keys.insert(change.pk);
                    }
                }
                Found::Keys(keys.into_iter())
            }
            _ => {
                let mut all = All {
                    keys: BTreeSet::new().into_iter(),
                    bases: Vec::new(),
                    root: BTreeMap::new(),
                    now: now.rows(to)?,
                };
                let mut keys: BTreeSet<Vec<u8>> = all.now.keys().cloned().collect();
                for base in &bases {
                    let rows = base.rows(to)?;
                    keys.extend(rows.keys().cloned());
                    all.bases.push(rows);
                }
                if let Some(root) = &root {
                    all.root = root.rows(to)?;
                }
                all.keys = keys.into_iter();
                Found::All(Box::new(all))
            }
        };
        Ok(Self {
            bases,
            root,
            now,
            found,
        })
    }

    /// The snapshot's side.
    pub(super) const fn now(&self) -> &Side<'a> {
        &self.now
    }

    /// The next row that may differ, by key.
    pub(super) fn next(&mut self) -> Result<Option<Changed>> {
        Ok(match self.next_stored()? {
            Some(Difference::Stored(change)) => Some(self.decode(change)?),
            Some(Difference::Row(changed)) => Some(changed),
            None => None,
        })
    }

    /// Reads both sides of a difference.
    pub(super) fn decode(&self, change: Change) -> Result<Changed> {
        let base = match (self.bases.first(), &change.old) {
            (Some(base), Some(old)) => base.decode(&change.pk, old.begin, &old.row)?,
            _ => None,
        };
        let now = match &change.new {
            Some(new) => self.now.decode(&change.pk, new.begin, &new.row)?,
            None => None,
        };
        Ok(Changed {
            key: change.pk,
            bases: vec![base],
            root: None,
            now,
            begin: change.new.map(|new| new.begin),
        })
    }

    /// As [`Compare::next`], as it is stored where that is so.
    pub(super) fn next_stored(&mut self) -> Result<Option<Difference>> {
        match &mut self.found {
            Found::Diff(diff) => Ok(diff.next()?.map(Difference::Stored)),
            Found::Keys(keys) => {
                let Some(key) = keys.next() else {
                    return Ok(None);
                };
                let row = |side: &Side<'_>| side.row(&key).map(|row| row.map(|(_, row)| row));
                let bases = self.bases.iter().map(row).collect::<Result<_>>()?;
                let root = self.root.as_ref().map(row).transpose()?.flatten();
                let now = self.now.row(&key)?;
                Ok(Some(Difference::Row(Changed {
                    bases,
                    root,
                    begin: now.as_ref().map(|(begin, _)| *begin),
                    now: now.map(|(_, row)| row),
                    key,
                })))
            }
            Found::All(all) => {
                let Some(key) = all.keys.next() else {
                    return Ok(None);
                };
                let now = all.now.remove(&key);
                let bases = all.bases.iter_mut();
                Ok(Some(Difference::Row(Changed {
                    bases: bases
                        .map(|rows| rows.remove(&key).map(|(_, row)| row))
                        .collect(),
                    root: all.root.remove(&key).map(|(_, row)| row),
                    begin: now.as_ref().map(|(begin, _)| *begin),
                    now: now.map(|(_, row)| row),
                    key,
                })))
            }
        }
    }
}

/// What a table is in the merge bases and in their common base.
pub(super) struct Definitions {
    pub(super) bases: Vec<Option<Arc<TableDef>>>,
    root: Option<Arc<TableDef>>,
    /// The columns that are one and the same in every base; numbers given out since may be of others.
    common: Option<TableDef>,
}

impl Definitions {
    pub(super) fn of(
        transaction: &Transaction,
        input: &MergeInput,
        table: TableId,
    ) -> Result<Self> {
        let of = |snapshot: &Snapshot| -> Result<Option<Arc<TableDef>>> {
            let catalog = transaction.tables().catalog(snapshot)?;
            Ok(catalog.table_by_id(table).cloned())
        };
        let bases: Vec<_> = input.bases.iter().map(of).collect::<Result<_>>()?;
        Ok(Self {
            root: input.root.as_ref().map(of).transpose()?.flatten(),
            common: common_columns(&bases),
            bases,
        })
    }

    /// Whether stored rows mean the same in every base as in `table`.
    pub(super) fn are(&self, table: &TableDef) -> Result<bool> {
        for base in self.bases.iter().flatten() {
            if !is_read_alike(base, table)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Compares the bases with the table at `at`, where it is `now`, in the columns of `to`.
    pub(super) fn compare<'a>(
        &'a self,
        transaction: &Transaction,
        input: &'a MergeInput,
        now: &'a TableDef,
        at: &'a Snapshot,
        to: &'a TableDef,
    ) -> Result<Compare<'a>> {
        self.compare_all(transaction, input, now, at, to, false)
    }

    /// As [`Definitions::compare`], with the rows that nobody changed if `whole` says so.
    pub(super) fn compare_all<'a>(
        &'a self,
        transaction: &Transaction,
        input: &'a MergeInput,
        now: &'a TableDef,
        at: &'a Snapshot,
        to: &'a TableDef,
        whole: bool,
    ) -> Result<Compare<'a>> {
        let common = self.common.as_ref();
        let side = |at, def: Option<&'a TableDef>| Side::new(at, def, common, to);
        let bases = input.bases.iter().zip(&self.bases);
        let bases = bases.map(|(at, def)| side(at, def.as_deref())).collect();
        let root = input.root.as_ref();
        let root = root.map(|at| side(at, self.root.as_deref()));
        Compare::new(transaction, bases, root, side(at, Some(now)), to, whole)
    }
}

/// Whether two definitions read, and check, stored rows alike.
pub(super) fn is_read_alike(a: &TableDef, b: &TableDef) -> Result<bool> {
    Ok(a.storage == b.storage && a.layouts == b.layouts && same_definition(a, b)?)
}

fn common_columns(bases: &[Option<Arc<TableDef>>]) -> Option<TableDef> {
    let mut bases = bases.iter().flatten();
    let mut common = TableDef::clone(bases.next()?);
    for base in bases {
        common.columns.retain(|column| {
            let found = base.same_column(column);
            found.is_some_and(|(_, found)| !column.is_original() || found.name == column.name)
        });
    }
    Some(common)
}

fn stored_key(table: &TableDef, key: &[u8], row: &[Value]) -> Result<Vec<u8>> {
    if table.key.is_empty() {
        return Ok(key.to_vec());
    }
    let mut out = Vec::new();
    table.shape().encode_key_of(row, &mut out)?;
    Ok(out)
}
