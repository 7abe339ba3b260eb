//! Merging the rows of all tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helios_base::{Result, Scn, TableId, Value};
use helios_expr::EvalContext;
use helios_version::{LockMode, Read, Snapshot, Wait};

use super::align::Align;
use super::cell::{BaseRow, Merged, Row, Versions, merge_row, virtual_base};
use super::resolve::Ages;
use super::schema::SchemaMerge;
use super::{Catalogs, MergeInput, MergeOptions, MergeReport, TableReport};
use crate::access::{Lock, TableReader, TableWriter};
use crate::catalog::TableDef;
use crate::row::KeyRange;
use crate::transaction::Transaction;

/// Merges every table that is on both sides.
pub(super) fn merge(
    transaction: &Transaction,
    input: &MergeInput,
    options: &MergeOptions,
    catalogs: &Catalogs,
    schema: &SchemaMerge<'_>,
    report: &mut MergeReport,
    ctx: &EvalContext<'_>,
) -> Result<()> {
    for (source, target) in schema.pairs() {
        let Some(source) = catalogs.source.table_by_id(source) else {
            continue;
        };
        let base = catalogs.base.table_by_id(source.id);
        let catalog = transaction.latest_catalog()?;
        let Some(table) = catalog.table_by_id(target).cloned() else {
            continue;
        };
        let of = |snapshot: &Snapshot| -> Result<Option<Arc<TableDef>>> {
            let catalog = transaction.tables().catalog(snapshot)?;
            Ok(catalog.table_by_id(source.id).cloned())
        };
        // The bases may differ in their definitions as in their rows.
        let bases: Vec<_> = input.bases.iter().map(of).collect::<Result<_>>()?;
        let root = input.root.as_ref().map(of).transpose()?.flatten();
        let common = common_columns(&bases);
        let common = common.as_ref();
        let aligns = bases.iter().map(|base| {
            let base = base.as_deref()?;
            Some(Align::new(common, base, &table))
        });
        let mut merge = TableMerge {
            transaction,
            input,
            options,
            source_align: Align::new(common, source, &table),
            base_aligns: aligns.collect(),
            root_align: root.as_deref().map(|root| Align::new(common, root, &table)),
            source,
            table: &table,
            writer: None,
            written: Vec::new(),
            report: TableReport {
                name: table.name.clone(),
                ..TableReport::default()
            },
        };
        let same_rows = source.storage == table.storage
            && base.is_none_or(|base| base.storage == source.storage);
        if same_rows {
            merge.changed_rows(report, ctx)?;
        } else {
            merge.all_rows(base, report, ctx)?;
        }
        merge.finish(ctx)?;
        if merge.report.inserted + merge.report.updated + merge.report.deleted > 0 {
            let done = std::mem::take(&mut merge.report);
            report.tables.push(done);
        }
    }
    Ok(())
}

/// The merge of one table.
struct TableMerge<'a> {
    transaction: &'a Transaction,
    input: &'a MergeInput,
    options: &'a MergeOptions,
    source: &'a TableDef,
    table: &'a Arc<TableDef>,
    source_align: Align<'a>,
    /// One for each base that has the table.
    base_aligns: Vec<Option<Align<'a>>>,
    root_align: Option<Align<'a>>,
    writer: Option<TableWriter<'a>>,
    /// Keys of rows whose uniqueness is to be verified at the end.
    written: Vec<Vec<u8>>,
    report: TableReport,
}

impl<'a> TableMerge<'a> {
    /// The rows that the lists of changes name.
    fn changed_rows(&mut self, report: &mut MergeReport, ctx: &EvalContext<'_>) -> Result<()> {
        let store = self.transaction.tables().store().clone();
        let storage = self.source.storage;
        if let [base] = self.input.bases.as_slice() {
            let mut diff = store.diff(base, &self.input.source, Some(storage))?;
            while let Some(change) = diff.next()? {
                let old = change.old.map(|row| (row.begin, row.row));
                let base = BaseRow {
                    row: match (old, self.base_aligns.first()) {
                        (Some((begin, row)), Some(Some(align))) => {
                            Some(align.row(&change.pk, begin, row.as_ref())?)
                        }
                        _ => None,
                    },
                    unknown: Vec::new(),
                };
                let new = change.new.map(|row| (row.begin, row.row));
                let begin = new.as_ref().map(|(begin, _)| *begin);
                let theirs = match &new {
                    Some((begin, row)) => Some(self.source_align.row(&change.pk, *begin, row)?),
                    None => None,
                };
                let theirs = self.fill_missing(theirs, &base);
                self.row(&change.pk, base, theirs, begin, report, ctx)?;
            }
            return Ok(());
        }
        // A row that any base sees differently may differ from what the bases come to.
        let mut keys = BTreeSet::new();
        for base in &self.input.bases {
            let mut diff = store.diff(base, &self.input.source, Some(storage))?;
            while let Some(change) = diff.next()? {
                keys.insert(change.pk);
            }
        }
        for key in keys {
            let bases: Vec<Row> = self
                .input
                .bases
                .iter()
                .zip(&self.base_aligns)
                .map(|(base, align)| row_of(base, align.as_ref(), storage, &key))
                .collect::<Result<_>>()?;
            let root = match &self.input.root {
                Some(root) => row_of(root, self.root_align.as_ref(), storage, &key)?,
                None => None,
            };
            let base = virtual_base(&root, &bases, self.table, self.options, ctx)?;
            let found = self.input.source.get(storage, &key)?;
            let begin = found.as_ref().map(|found| found.begin);
            let theirs = match found {
                Some(found) => Some(self.source_align.row(&key, found.begin, &found.row)?),
                None => None,
            };
            let theirs = self.fill_missing(theirs, &base);
            self.row(&key, base, theirs, begin, report, ctx)?;
        }
        Ok(())
    }

    /// A column that the source does not have is unchanged by it.
    fn fill_missing(&self, theirs: Row, base: &BaseRow) -> Row {
        let mut theirs = theirs?;
        if let Some(base) = &base.row {
            for (column, place) in theirs.iter_mut().enumerate() {
                if !self.source_align.has(column)
                    && let Some(value) = base.get(column)
                {
                    value.clone_into(place);
                }
            }
        }
        Some(theirs)
    }

    /// All rows of both sides, for a table that was rewritten, truncated or made twice: compared by
    /// the primary key.
    fn all_rows(
        &mut self,
        base: Option<&Arc<TableDef>>,
        report: &mut MergeReport,
        ctx: &EvalContext<'_>,
    ) -> Result<()> {
        let mut before = BTreeMap::new();
        if let (Some(base), Some(Some(align))) = (base, self.base_aligns.first())
            && let Some(snapshot) = self.input.bases.first()
        {
            each(base, snapshot, align, |key, begin, row| {
                before.insert(stored_key(self.table, key, &row)?, (begin, row));
                Ok(())
            })?;
        }
        let mut after = BTreeMap::new();
        each(
            self.source,
            &self.input.source,
            &self.source_align,
            |key, begin, row| {
                after.insert(stored_key(self.table, key, &row)?, (begin, row));
                Ok(())
            },
        )?;
        let keys: BTreeSet<Vec<u8>> = before.keys().chain(after.keys()).cloned().collect();
        for key in keys {
            let base = BaseRow {
                row: before.remove(&key).map(|(_, row)| row),
                unknown: Vec::new(),
            };
            let (begin, theirs) = match after.remove(&key) {
                Some((begin, row)) => (Some(begin), Some(row)),
                None => (None, None),
            };
            let theirs = self.fill_missing(theirs, &base);
            if theirs != base.row {
                self.row(&key, base, theirs, begin, report, ctx)?;
            }
        }
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut TableWriter<'a>> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
            empty => {
                let catalog = self.transaction.latest_catalog()?;
                let mut writer = TableWriter::new(self.transaction, &catalog, self.table)?;
                writer.put_checks_off();
                Ok(empty.insert(writer))
            }
        }
    }

    /// Merges one row into the target.
    fn row(
        &mut self,
        key: &[u8],
        base: BaseRow,
        theirs: Row,
        begin: Option<Scn>,
        report: &mut MergeReport,
        ctx: &EvalContext<'_>,
    ) -> Result<()> {
        let locked = match self.writer()?.lock(key, LockMode::Update, Wait::Block)? {
            Lock::Row(row) => Some(row),
            Lock::Gone | Lock::Busy => None,
        };
        let versions = Versions {
            base,
            ours: locked.as_ref().map(|row| row.values().to_vec()),
            theirs,
        };
        let (transaction, source, table) = (self.transaction, &self.input.source, self.table);
        let source_storage = self.source.storage;
        let mut ages = || {
            Ok(Ages {
                ours: newest(&transaction.view()?, table.storage, key, None)?,
                theirs: newest(source, source_storage, key, begin)?,
            })
        };
        let (merged, decision) =
            merge_row(self.table, key, versions, self.options, &mut ages, ctx)?;
        report.decisions.extend(decision);
        match merged {
            Merged::Keep => {}
            Merged::Delete => {
                if let Some(locked) = &locked {
                    self.writer()?.delete(locked)?;
                    self.report.deleted += 1;
                }
            }
            Merged::Put(mut row) => {
                self.writer()?
                    .put_merged(key, locked.as_ref(), &mut row, ctx)?;
                self.written.push(key.to_vec());
                match locked {
                    Some(_) => self.report.updated += 1,
                    None => self.report.inserted += 1,
                }
            }
        }
        Ok(())
    }

    /// Verifies what had to wait until all rows of the table were written.
    fn finish(&mut self, _: &EvalContext<'_>) -> Result<()> {
        if let Some(writer) = &self.writer {
            for key in &self.written {
                writer.verify_unique_keys(key)?;
            }
        }
        Ok(())
    }
}

/// The columns that are one and the same in every base; numbers given out since may be of others.
fn common_columns(bases: &[Option<Arc<TableDef>>]) -> Option<TableDef> {
    let mut bases = bases.iter().flatten();
    let mut common = TableDef::clone(bases.next()?);
    for base in bases {
        common.columns.retain(|column| {
            let found = base.column_by_id(column.id);
            found.is_some_and(|(_, found)| found.name == column.name)
        });
    }
    Some(common)
}

/// A row of a base.
fn row_of(base: &Snapshot, align: Option<&Align<'_>>, storage: TableId, key: &[u8]) -> Result<Row> {
    match (base.get(storage, key)?, align) {
        (Some(found), Some(align)) => align.row(key, found.begin, &found.row).map(Some),
        _ => Ok(None),
    }
}

/// When the newest version of a row, or its deletion, was written.
fn newest(read: &dyn Read, storage: TableId, key: &[u8], known: Option<Scn>) -> Result<Scn> {
    if let Some(begin) = known {
        return Ok(begin);
    }
    let versions = read.history(storage, key)?;
    Ok(versions.first().map_or(Scn::ZERO, |version| version.begin))
}

fn stored_key(table: &TableDef, key: &[u8], row: &[Value]) -> Result<Vec<u8>> {
    if table.key.is_empty() {
        return Ok(key.to_vec());
    }
    let mut out = Vec::new();
    table.shape().encode_key_of(row, &mut out)?;
    Ok(out)
}

fn each(
    table: &TableDef,
    snapshot: &Snapshot,
    align: &Align<'_>,
    mut visit: impl FnMut(&[u8], Scn, Vec<Value>) -> Result<()>,
) -> Result<()> {
    let reader = TableReader::new(table, snapshot);
    let mut rows = snapshot.scan(table.storage, KeyRange::ALL.bounds(), false)?;
    let _ = reader.shape();
    while let Some(row) = rows.next()? {
        visit(row.pk, row.begin, align.row(row.pk, row.begin, row.row)?)?;
    }
    Ok(())
}
