//! Merging the rows of all tables.

use std::sync::Arc;

use helios_base::{Result, Scn, TableId};
use helios_expr::EvalContext;
use helios_version::{Change, ChangedKeys, LockMode, Read, Snapshot, Wait};

use super::cell::{BaseRow, Merged, Row, Versions, merge_row, virtual_base};
use super::compare::{Compare, Definitions, Difference, is_read_alike};
use super::resolve::Ages;
use super::schema::SchemaMerge;
use super::{Catalogs, MergeInput, MergeOptions, MergeReport, TableReport};
use crate::access::{Lock, TableWriter};
use crate::catalog::{Catalog, TableDef, codec};
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
        let catalog = transaction.latest_catalog()?;
        let Some(table) = catalog.table_by_id(target).cloned() else {
            continue;
        };
        let versions = Definitions::of(transaction, input, source.id)?;
        let compare = versions.compare(transaction, input, source, &input.source, &table)?;
        let mut merge = TableMerge {
            transaction,
            input,
            options,
            catalogs,
            versions: &versions,
            source,
            table: &table,
            writer: None,
            written: Vec::new(),
            verbatim: None,
            ours: None,
            report: TableReport {
                name: table.name.clone(),
                ..TableReport::default()
            },
        };
        merge.changed_rows(compare, report, ctx)?;
        merge.finish()?;
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
    catalogs: &'a Catalogs,
    versions: &'a Definitions,
    source: &'a TableDef,
    table: &'a Arc<TableDef>,
    writer: Option<TableWriter<'a>>,
    /// Keys of rows whose uniqueness is to be verified at the end.
    written: Vec<Vec<u8>>,
    /// Whether what only the source changed can be taken as it is stored, once that is known.
    verbatim: Option<bool>,
    /// The rows that the target has changed since the base; all others need no look.
    ours: Option<ChangedKeys>,
    report: TableReport,
}

impl<'a> TableMerge<'a> {
    fn changed_rows(
        &mut self,
        mut compare: Compare<'_>,
        report: &mut MergeReport,
        ctx: &EvalContext<'_>,
    ) -> Result<()> {
        // Columns that the source does not have are unchanged by it.
        let columns = 0..self.table.columns.len();
        let lacks: Vec<usize> = columns.filter(|n| !compare.now().has(*n)).collect();
        while let Some(difference) = compare.next_stored()? {
            let changed = match difference {
                Difference::Stored(change) if self.take(&change)? => continue,
                Difference::Stored(change) => compare.decode(change)?,
                Difference::Row(changed) => changed,
            };
            let base = virtual_base(&changed.root, changed.bases, self.table, self.options, ctx)?;
            let mut theirs = changed.now;
            if let (Some(theirs), Some(base)) = (&mut theirs, &base.row) {
                for column in &lacks {
                    if let (Some(place), Some(value)) = (theirs.get_mut(*column), base.get(*column))
                    {
                        value.clone_into(place);
                    }
                }
            }
            if theirs != base.row || !base.unknown.is_empty() {
                self.row(&changed.key, base, theirs, changed.begin, report, ctx)?;
            }
        }
        Ok(())
    }

    /// Takes a row as it is stored on the source, if the target has it as the base.
    fn take(&mut self, change: &Change) -> Result<bool> {
        let verbatim = match self.verbatim {
            Some(verbatim) => verbatim,
            None => self.begin_verbatim()?,
        };
        if !verbatim {
            return Ok(false);
        }
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        let new = new.map(|new| &*new.row);
        let seen = match &mut self.ours {
            Some(changed) => !changed.may_have(&change.pk)?,
            None => false,
        };
        if !self.writer()?.take_stored(&change.pk, old, new, seen)? {
            return Ok(false);
        }
        match (old, new) {
            (Some(_), Some(_)) => self.report.updated += 1,
            (None, Some(_)) => self.report.inserted += 1,
            (_, None) => self.report.deleted += 1,
        }
        Ok(true)
    }

    /// Finds out whether stored rows of all sides mean the same and satisfy the same constraints.
    fn begin_verbatim(&mut self) -> Result<bool> {
        let mut verbatim = is_read_alike(self.source, self.table)?
            && self.versions.are(self.table)?
            && self.writer()?.takes_stored_rows();
        // The target may have changed a function that they call.
        let rules = self.writer()?.rules();
        if verbatim && !(rules.checks.is_empty() && rules.generated.is_empty()) {
            let catalog = self.transaction.latest_catalog()?;
            verbatim = have_same_functions(&catalog, &self.catalogs.source)?;
        }
        if let (true, [base]) = (verbatim, self.input.bases.as_slice()) {
            self.ours = self.changed_here(base)?;
        }
        self.verbatim = Some(verbatim);
        Ok(verbatim)
    }

    /// What the target has changed since the base, unless this transaction has written to the table.
    fn changed_here(&self, base: &Snapshot) -> Result<Option<ChangedKeys>> {
        let storage = self.table.storage;
        if self.transaction.txn().has_written(storage) {
            return Ok(None);
        }
        let view = self.transaction.view()?;
        let store = self.transaction.tables().store();
        let changed = store.changed_keys(base, view.snapshot(), storage)?;
        Ok(Some(changed))
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
    fn finish(&mut self) -> Result<()> {
        if let Some(writer) = &self.writer {
            for key in &self.written {
                writer.verify_unique_keys(key)?;
            }
        }
        Ok(())
    }
}

/// Whether expressions that call functions mean the same.
fn have_same_functions(a: &Catalog, b: &Catalog) -> Result<bool> {
    let all = |catalog: &Catalog| -> Result<Vec<Vec<u8>>> {
        let functions = catalog.functions();
        functions.map(|def| codec::encode(def.as_ref())).collect()
    };
    Ok(all(a)? == all(b)?)
}

/// When the newest version of a row, or its deletion, was written.
fn newest(read: &dyn Read, storage: TableId, key: &[u8], known: Option<Scn>) -> Result<Scn> {
    if let Some(begin) = known {
        return Ok(begin);
    }
    let versions = read.history(storage, key)?;
    Ok(versions.first().map_or(Scn::ZERO, |version| version.begin))
}
