//! What segments there are and what compression did, for system views.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use helios_base::{BranchId, ColumnId, Result, TableId};
use helios_segment::{ColumnReport, Reason};
use helios_version::SegmentInfo;

use super::SegmentRows;
use super::cluster::cluster_option;
use super::descriptor::{Descriptor, KEY_COLUMN};
use crate::catalog::TableDef;
use crate::tables::Tables;

/// A segment.
#[derive(Clone, Debug)]
pub struct SegmentReport {
    /// Its number.
    pub id: u64,
    /// The table, as it is on the segment's branch now; `None` if it is not there any more.
    pub table: Option<Arc<TableDef>>,
    /// The branch.
    pub branch: BranchId,
    /// Rows in the file, and those of them that count.
    pub rows: u64,
    /// Those that left the row store.
    pub adopted: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The columns that its rows lie in the order of, if these are not those of the key.
    pub clustered_by: Option<String>,
    info: SegmentInfo,
}

/// What compression did to one column of a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnCompression {
    /// The column; `None` for the hidden one that has the rows' keys.
    pub column: Option<ColumnId>,
    /// The codecs of its chunks, the most frequent first.
    pub codecs: String,
    /// The encodings in them.
    pub encodings: String,
    /// Why: `setting`, `small` or `sampled`.
    pub reason: String,
    /// What the candidates made of the samples, as ratios.
    pub evidence: String,
    /// Bytes in memory.
    pub raw: u64,
    /// Bytes in the file.
    pub stored: u64,
    /// Rows that are `NULL`.
    pub nulls: u64,
}

impl Tables {
    /// The segments of all tables and branches.
    ///
    /// # Errors
    /// As [`Tables::newest_catalog`].
    pub fn segments(&self) -> Result<Vec<SegmentReport>> {
        let mut tables: HashMap<(BranchId, TableId), Arc<TableDef>> = HashMap::new();
        for branch in self.store().branches() {
            for table in self.newest_catalog(branch.id)?.tables() {
                tables.insert((branch.id, table.storage), table.clone());
            }
        }
        let report = |info: SegmentInfo| {
            let table = tables.get(&(info.branch, info.table)).cloned();
            SegmentReport {
                id: info.id,
                branch: info.branch,
                rows: info.rows,
                adopted: info.adopted,
                bytes: info.bytes,
                clustered_by: table.as_ref().and_then(|table| clustered_by(table, &info)),
                table,
                info,
            }
        };
        Ok(self.store().segments().into_iter().map(report).collect())
    }

    /// What compression did to each column of a segment.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    ///
    /// # Cost
    /// Reads the end of the file.
    pub fn compression(&self, segment: &SegmentReport) -> Result<Vec<ColumnCompression>> {
        let rows = self.store().open_segment(&segment.info)?;
        let Some(rows) = rows.as_any().downcast_ref::<SegmentRows>() else {
            return Ok(Vec::new());
        };
        Ok(rows.segment().report().iter().map(compression_of).collect())
    }
}

/// The names of the columns that the rows of a segment lie in the order of.
fn clustered_by(table: &TableDef, info: &SegmentInfo) -> Option<String> {
    let cluster = Descriptor::decode(&info.descriptor).ok()?.cluster;
    let names = cluster.iter().map(|id| {
        let column = table.column_by_id(ColumnId(*id));
        column.map_or("?", |(_, column)| column.name.as_str())
    });
    (!cluster.is_empty()).then(|| cluster_option(names))
}

fn compression_of(report: &ColumnReport) -> ColumnCompression {
    let codecs: Vec<&str> = report
        .codecs
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let reasons = report.reasons.iter().map(|reason| match reason {
        Reason::Pinned => "setting",
        Reason::Small => "small",
        Reason::Sampled => "sampled",
        Reason::Before => "as before",
    });
    let mut evidence = String::new();
    for tried in &report.evidence {
        let ratio = tried.raw as f64 / tried.stored.max(1) as f64;
        let comma = if evidence.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(evidence, "{comma}{} {ratio:.2}", tried.codec);
    }
    ColumnCompression {
        column: (report.id != KEY_COLUMN).then_some(ColumnId(report.id)),
        codecs: codecs.join(", "),
        encodings: report.encodings.join(", "),
        reason: reasons.collect::<Vec<_>>().join(", "),
        evidence,
        raw: report.raw,
        stored: report.stored,
        nulls: report.nulls,
    }
}
