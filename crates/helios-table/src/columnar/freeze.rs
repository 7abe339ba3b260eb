//! Freezing the rows of a table.

use std::collections::BTreeSet;
use std::sync::Arc;

use helios_base::row::schema_version;
use helios_base::{BranchId, Error, Result, Scn};
use helios_version::{Freeze, Step, TableLock, TxnOptions, Wait};

use super::descriptor::Descriptor;
use super::shelf::Shelf;
use super::writer::RowsWriter;
use crate::catalog::TableDef;
use crate::tables::Tables;
use crate::temporary::is_temporary_schema;

/// Rows adopted between two looks at other work.
const STEP: usize = 4096;

/// What freezing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreezeReport {
    /// Segments written.
    pub segments: u64,
    /// Rows that are in segments now and were not before.
    pub rows: u64,
    /// Bytes of the segments' files.
    pub bytes: u64,
}

impl Tables {
    /// Moves the rows of a table that this branch wrote, not after `until`, into columnar segments. Rows of which
    /// older versions are kept stay where they are, as do those written over segments before. Nothing
    /// that anybody can see changes.
    ///
    /// # Errors
    /// 0A000 for temporary tables, 55006 when the table is being frozen already, 55P03 when its definition is being
    /// changed; `Io`, and then the rows that are not in a segment yet stay where they are.
    pub fn freeze(
        self: &Arc<Self>,
        table: &TableDef,
        branch: BranchId,
        until: Scn,
    ) -> Result<FreezeReport> {
        if is_temporary_schema(&table.schema_name) {
            return Err(Error::unsupported(format!(
                "cannot freeze temporary table \"{}\"",
                table.name
            )));
        }
        // Its definition holds meanwhile.
        let transaction = self.begin(TxnOptions {
            branch,
            ..TxnOptions::default()
        })?;
        let txn = transaction.txn();
        txn.lock_table(table.id, TableLock::AccessShare, Wait::NoWait)?;
        let catalog = self.newest_catalog(branch)?;
        let Some(table) = catalog.table_by_id(table.id) else {
            return Ok(FreezeReport::default());
        };
        let table = &**table;
        let mut report = FreezeReport::default();
        let mut done = BTreeSet::new();
        let mut due = table.layouts.last().map(|layout| layout.version);
        while let Some(version) = due {
            done.insert(version);
            let others = self.freeze_version(table, branch, until, version, &mut report)?;
            due = others.difference(&done).next().copied();
        }
        Ok(report)
    }

    /// Freezes the rows of one schema version; says of which others there are rows.
    fn freeze_version(
        &self,
        table: &TableDef,
        branch: BranchId,
        until: Scn,
        version: u32,
        report: &mut FreezeReport,
    ) -> Result<BTreeSet<u32>> {
        let layout = table.layouts.iter().find(|l| l.version == version);
        let layout = layout.ok_or_else(|| {
            Error::corrupt(format!(
                "row of unknown schema version {version} in table \"{}\"",
                table.name
            ))
        })?;
        let mut freeze = self.store().freeze(table.storage, branch, until)?;
        let draft = Unfinished::new(self.shelf(), freeze.id());
        let mut others = BTreeSet::new();
        let mut writer = RowsWriter::new(
            Descriptor::new(table, layout),
            draft.shelf.create(draft.id)?,
        )?;
        while let Some(row) = freeze.next()? {
            match schema_version(row.row)? {
                found if found == version => writer.push(row)?,
                found => {
                    others.insert(found);
                }
            }
        }
        if writer.rows() > 0 {
            let (frozen, descriptor, file) = writer.finish()?;
            draft.shelf.keep(draft.id, file)?;
            let rows = draft.shelf.read(draft.id, descriptor)?;
            report.segments += 1;
            report.rows += frozen.rows;
            report.bytes += frozen.bytes;
            self.take_in(freeze, frozen, rows, draft)?;
        }
        Ok(others)
    }

    fn take_in(
        &self,
        freeze: Freeze,
        frozen: helios_version::Frozen,
        rows: Arc<super::SegmentRows>,
        draft: Unfinished<'_>,
    ) -> Result<()> {
        let mut adoption = freeze.finish(frozen, rows)?;
        // From here on the file belongs to the store.
        draft.forget();
        while adoption.step(STEP)? == Step::More {}
        Ok(())
    }
}

/// A file that is deleted unless it was taken in.
struct Unfinished<'s> {
    shelf: &'s Shelf,
    id: u64,
    armed: bool,
}

impl<'s> Unfinished<'s> {
    const fn new(shelf: &'s Shelf, id: u64) -> Self {
        Self {
            shelf,
            id,
            armed: true,
        }
    }

    fn forget(mut self) {
        self.armed = false;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.shelf.discard(self.id);
        }
    }
}
