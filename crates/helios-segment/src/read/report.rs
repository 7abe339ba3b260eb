//! What compression did, for system views and `\compression`.

use std::collections::BTreeMap;

use super::segment::Segment;
use crate::choose::{Evidence, Reason};

/// One column of a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnReport {
    /// Its id.
    pub id: u32,
    /// Bytes in memory.
    pub raw: u64,
    /// Bytes in the file.
    pub stored: u64,
    /// Per codec: in how many chunks, the most frequent first.
    pub codecs: Vec<(String, u32)>,
    /// Vortex encodings in any chunk.
    pub encodings: Vec<String>,
    /// Why chunks have their codecs, each reason once.
    pub reasons: Vec<Reason>,
    /// What the candidates made of what they were given, summed over chunks.
    pub evidence: Vec<Evidence>,
    /// Rows that are null.
    pub nulls: u64,
}

impl ColumnReport {
    /// Raw by stored bytes.
    pub fn ratio(&self) -> f64 {
        self.raw as f64 / self.stored.max(1) as f64
    }
}

impl Segment {
    /// One report per column, from the footer alone.
    pub fn report(&self) -> Vec<ColumnReport> {
        let columns = self.schema().columns().iter().enumerate();
        columns
            .map(|(place, column)| self.report_of(place, column.id))
            .collect()
    }

    fn report_of(&self, place: usize, id: u32) -> ColumnReport {
        let mut codecs: BTreeMap<&str, u32> = BTreeMap::new();
        let mut tried: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        let mut report = ColumnReport {
            id,
            raw: 0,
            stored: 0,
            codecs: Vec::new(),
            encodings: Vec::new(),
            reasons: Vec::new(),
            evidence: Vec::new(),
            nulls: 0,
        };
        for chunk in self.chunks().iter().filter_map(|c| c.columns.get(place)) {
            report.raw += chunk.raw;
            report.stored += u64::from(chunk.data.block.length);
            report.nulls += u64::from(chunk.zone.nulls);
            *codecs.entry(&chunk.data.codec).or_default() += 1;
            if !report.reasons.contains(&chunk.reason) {
                report.reasons.push(chunk.reason);
            }
            for encoding in chunk.data.encodings.iter() {
                if !report.encodings.contains(encoding) {
                    report.encodings.push(encoding.clone());
                }
            }
            for evidence in &chunk.evidence {
                let sums = tried.entry(&evidence.codec).or_default();
                sums.0 += evidence.raw;
                sums.1 += evidence.stored;
            }
        }
        report.codecs = codecs.into_iter().map(|(n, c)| (n.to_owned(), c)).collect();
        report
            .codecs
            .sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let sums = tried.into_iter().map(|(codec, (raw, stored))| Evidence {
            codec: codec.to_owned(),
            raw,
            stored,
        });
        report.evidence = sums.collect();
        report
    }
}
