//! Large transactions: their rows go straight into segments when they commit.
//!
//! Until then they are writes like all others: read, changed, checked and taken back. At the commit those of a
//! table that got so many are written, in key order, as segments, and the log names these instead of the
//! rows. Rows that nobody can look for go there sooner: `direct.rs`.

use helios_base::row::schema_version;
use helios_base::{ErrorKind, Result, Scn};
use helios_version::Frozen;

use super::descriptor::Descriptor;
use super::hybrid::{BULK_LEAST, HybridStorage};
use super::shelf::{Draft, Unfinished};
use super::writer::RowsWriter;
use crate::catalog::TableDef;
use crate::temporary::is_temporary_schema;
use crate::transaction::Transaction;

/// Rows of one segment at most.
pub(super) const MOST_ROWS: u64 = 1 << 20;

/// The files of a transaction's segments, deleted unless it commits.
#[derive(Default)]
pub(crate) struct Loads(Vec<Unfinished>);

impl Loads {
    pub(super) fn add(&mut self, mut files: Vec<Unfinished>) {
        self.0.append(&mut files);
    }

    /// What came of the commit.
    pub(crate) fn settle(self, committed: &Result<Scn>) {
        let lost = match committed {
            Ok(_) => false,
            // Whether the log has it shows at the next open, which deletes what nobody names.
            Err(error) => error.kind() != ErrorKind::Poisoned,
        };
        if !lost {
            self.0.into_iter().for_each(Unfinished::forget);
        }
    }
}

impl Transaction {
    /// Writes what goes straight into segments; the last thing before the commit.
    ///
    /// # Errors
    /// `Io`: the transaction cannot go on.
    pub(crate) fn write_segments(&self) -> Result<Loads> {
        let mut loads = Loads::default();
        self.bring(&mut loads)?;
        let rows = self.added(i64::try_from(BULK_LEAST).unwrap_or(i64::MAX));
        if rows.is_empty() {
            return Ok(loads);
        }
        let store = self.tables().store();
        let branches = store.branches();
        let main = branches.iter().find(|branch| branch.parent.is_none());
        let own = branches.iter().find(|branch| branch.id == self.branch());
        let (Some(main), Some(own)) = (main, own) else {
            return Ok(loads);
        };
        let catalog = self.catalog()?;
        let loadable = self.txn().loadable(BULK_LEAST)?;
        for table in catalog.tables() {
            let hybrid = HybridStorage::of(&table.options, own, main);
            let count = rows.iter().find(|(storage, _)| *storage == table.storage);
            let count = count.map_or(0, |(_, rows)| u64::try_from(*rows).unwrap_or(0));
            if hybrid.is_on
                && count >= hybrid.bulk_rows(table)
                && loadable.contains(&table.storage)
                && !is_temporary_schema(&table.schema_name)
            {
                self.write_table(table, &mut loads)?;
            }
        }
        Ok(loads)
    }

    fn write_table(&self, table: &TableDef, loads: &mut Loads) -> Result<()> {
        let Some(layout) = table.layouts.last() else {
            return Ok(());
        };
        let mut files = Vec::new();
        let mut segments: Vec<(u64, Frozen)> = Vec::new();
        let mut open: Option<(u64, Unfinished, RowsWriter<Draft>)> = None;
        let mut is_uniform = true;
        // Who commits waits for it.
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let is_auto = self.tables().hybrid(table, self.branch()).auto_compression;
        self.txn().each_put(table.storage, &mut |row| {
            if !is_uniform || schema_version(row.row)? != layout.version {
                // Rows of an older definition stay rows, and the others with them.
                is_uniform = false;
                return Ok(());
            }
            let (.., writer) = match &mut open {
                Some(open) => open,
                empty => {
                    let id = self.txn().next_segment();
                    let (file, sink) = Unfinished::create(self.tables().shelf(), id)?;
                    let descriptor = Descriptor::new(table, layout).loaded();
                    empty.insert((
                        id,
                        file,
                        RowsWriter::new(table, descriptor, sink, threads, is_auto)?,
                    ))
                }
            };
            writer.push(row)?;
            if writer.rows() >= MOST_ROWS
                && let Some((id, file, writer)) = open.take()
            {
                segments.push((id, seal(&file, writer)?));
                files.push(file);
            }
            Ok(())
        })?;
        if !is_uniform {
            return Ok(());
        }
        if let Some((id, file, writer)) = open {
            segments.push((id, seal(&file, writer)?));
            files.push(file);
        }
        loads.0.append(&mut files);
        self.txn().load(table.storage, segments)
    }
}

/// Makes a segment durable.
fn seal(file: &Unfinished, writer: RowsWriter<Draft>) -> Result<Frozen> {
    let (frozen, _, draft) = writer.finish()?;
    file.seal(draft)?;
    Ok(frozen)
}
