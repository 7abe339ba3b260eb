//! Stored bytes of a graph.
//!
//! Sections, in this order (`bytes.rs` says what a section is):
//!
//! | kind | payload |
//! |---|---|
//! | head | metric u8, full vectors kept u8, quantized u8, 0 u8, dimensions u64, m u64, ef_construction u64, ef_search u64, seed u64, nodes u64, entry u32 (all ones without), its level u32, unrepaired u64 |
//! | quantizer | if quantized: see `quant/save.rs` |
//! | nodes | for each: id u64; then for each: twin u32 (all ones without); then for each: level u8; then a bit for each that was removed |
//! | links, for every 65,536 nodes | for each node, and for each of its levels from 0: count u16, nodes u32, of which the highest bit says that the link is kept (since version 2) |
//! | rows, about 4 MiB each | full vectors, f32, if they are kept |
//! | rows, about 4 MiB each | codes, if quantized |

use std::io::Write;
use std::sync::atomic::Ordering;

use super::insert::MOST_NODES;
use super::links::{KEPT, MOST_LEVELS, NONE};
use super::points::PointsView;
use super::{Hnsw, HnswOptions};
use crate::bytes::{self, Kind, Put, Sections};
use crate::error::Result;
use crate::metric::Metric;
use crate::quant;

/// Nodes of a section of links.
const NODES: usize = 1 << 16;
/// The size that sections of rows aim at.
const ROWS_BYTES: usize = 4 << 20;

impl Hnsw {
    pub(super) fn write(&self, out: &mut dyn Write) -> Result<()> {
        let _closed = self.gate.write();
        let points = self.points.view();
        let links = self.links.view();
        let nodes = points.len();
        let (entry, level) = self.links.entry().unwrap_or((NONE, 0));
        let mut head = vec![
            self.points.metric.tag(),
            u8::from(self.points.keep),
            u8::from(self.points.quantizer.is_some()),
            0,
        ];
        for number in [
            self.points.dimensions as u64,
            self.options.m as u64,
            self.options.ef_construction as u64,
            self.options.ef_search as u64,
            self.options.seed,
            nodes as u64,
        ] {
            head.put_u64(number);
        }
        head.put_u32(entry);
        head.put_u32(level);
        head.put_u64(self.unrepaired.load(Ordering::Acquire) as u64);
        bytes::write(out, Kind::Hnsw, &head)?;
        if let Some(quantizer) = &self.points.quantizer {
            bytes::write(out, Kind::Quantizer, &quantizer.save())?;
        }
        let all = 0..nodes as u32;
        let mut table = Vec::with_capacity(nodes * 14);
        all.clone().for_each(|node| table.put_u64(links.id(node)));
        all.clone()
            .for_each(|node| table.put_u32(links.twin(node).unwrap_or(NONE)));
        table.extend(all.clone().map(|node| links.level(node) as u8));
        let mut dead = vec![0u8; nodes.div_ceil(8)];
        for node in all.filter(|node| links.is_dead(*node)) {
            dead[node as usize / 8] |= 1 << (node % 8);
        }
        table.extend(dead);
        bytes::write(out, Kind::Nodes, &table)?;
        for first in (0..nodes).step_by(NODES) {
            let mut lists = Vec::new();
            for node in first..nodes.min(first + NODES) {
                for level in 0..=links.level(node as u32) {
                    let start = lists.len();
                    lists.extend_from_slice(&[0, 0]);
                    let mut count = 0u16;
                    for link in links.words(node as u32, level) {
                        lists.put_u32(link);
                        count += 1;
                    }
                    lists[start..start + 2].copy_from_slice(&count.to_le_bytes());
                }
            }
            bytes::write(out, Kind::Links, &lists)?;
        }
        self.write_rows(out, &points)
    }

    fn write_rows(&self, out: &mut dyn Write, points: &PointsView<'_>) -> Result<()> {
        if self.points.keep {
            let step = per_section(self.points.dimensions * 4);
            for first in (0..points.len()).step_by(step) {
                let mut rows = Vec::new();
                for row in first..points.len().min(first + step) {
                    rows.put_f32s(points.full.row(row));
                }
                bytes::write(out, Kind::Rows, &rows)?;
            }
        }
        if let Some(quantizer) = &self.points.quantizer {
            let step = per_section(quantizer.code_bytes());
            for first in (0..points.len()).step_by(step) {
                let mut rows = Vec::new();
                for row in first..points.len().min(first + step) {
                    rows.extend_from_slice(points.codes.row(row));
                }
                bytes::write(out, Kind::Rows, &rows)?;
            }
        }
        Ok(())
    }

    /// Reads what [`crate::Index::save`] wrote.
    ///
    /// # Errors
    /// Fails on damaged bytes and on those of another version; never panics, whatever they are.
    pub fn load(stored: &[u8]) -> Result<Self> {
        let mut sections = Sections::new(stored);
        let mut head = sections.next(Kind::Hnsw)?;
        let metric = Metric::from_tag(head.u8()?).ok_or_else(|| head.damaged("no such metric"))?;
        let (keep, quantized, _) = (head.u8()? == 1, head.u8()? == 1, head.u8()?);
        let dimensions = head.count(65_536)?;
        let options = HnswOptions {
            m: head.count(256)?,
            ef_construction: head.count(10_000)?,
            ef_search: head.count(100_000)?,
            seed: head.u64()?,
        };
        options.check(dimensions)?;
        // Each node takes more than a byte: no claim makes more room than the bytes themselves.
        let nodes = head.count(stored.len().min(MOST_NODES))?;
        let (entry, level) = (head.u32()?, head.u32()?);
        let unrepaired = head.count(nodes)?;
        if (entry as usize >= nodes && (entry != NONE || nodes > 0)) || level > MOST_LEVELS {
            return Err(head.damaged("the entry is not in the graph"));
        }
        head.end()?;
        let quantizer = match quantized {
            true => Some(quant::load(sections.next(Kind::Quantizer)?)?),
            false => None,
        };
        if quantizer
            .as_ref()
            .is_some_and(|quantizer| quantizer.dimensions() != dimensions)
            || !(keep || quantized)
        {
            return Err(head.damaged("the quantizer does not fit"));
        }
        let index = Self::empty(metric, dimensions, options, quantizer, keep);
        if nodes == 0 {
            sections.next(Kind::Nodes)?.end()?;
            sections.end(Kind::Hnsw)?;
            return Ok(index);
        }
        let levels = index.read_nodes(&mut sections, nodes)?;
        index.read_links(&mut sections, &levels)?;
        index.read_rows(&mut sections, nodes)?;
        sections.end(Kind::Hnsw)?;
        index
            .links
            .set_entry(entry, level.min(u32::from(levels[entry as usize])));
        index.unrepaired.store(unrepaired, Ordering::Release);
        Ok(index)
    }

    fn read_nodes(&self, sections: &mut Sections<'_>, nodes: usize) -> Result<Vec<u8>> {
        let mut table = sections.next(Kind::Nodes)?;
        let ids = table.u64s(nodes)?;
        let twins = table.u32s(nodes)?;
        let levels = table.take(nodes)?.to_vec();
        let dead = table.take(nodes.div_ceil(8))?.to_vec();
        table.end()?;
        if levels.iter().any(|level| u32::from(*level) > MOST_LEVELS) {
            return Err(table.damaged("a level is out of its range"));
        }
        // Each node is the twin of at most one, and chains have ends: the sum of all steps is bounded.
        let mut named = vec![false; nodes];
        for twin in twins.iter().filter(|twin| **twin != NONE) {
            match named.get_mut(*twin as usize) {
                Some(named) if !*named => *named = true,
                _ => return Err(table.damaged("equal vectors are not in chains")),
            }
        }
        let heads = (0..nodes).filter(|node| !named[*node]);
        let reached: usize = heads
            .map(|head| {
                std::iter::successors(Some(head), |node| {
                    let twin = twins[*node];
                    (twin != NONE).then_some(twin as usize)
                })
                .count()
            })
            .sum();
        if reached != nodes {
            return Err(table.damaged("equal vectors are chained in a circle"));
        }
        self.links.grow(nodes);
        let mut by_id = self.ids.write();
        by_id.reserve(&self.links.view(), nodes);
        let mut removed = 0;
        for node in 0..nodes {
            let number = node as u32;
            self.links.raise(number, u32::from(levels[node]));
            let view = self.links.view();
            view.set_id(number, ids[node]);
            let twin = twins[node];
            view.set_twin(number, (twin != NONE).then_some(twin));
            if dead[node / 8] >> (node % 8) & 1 == 1 {
                view.kill(number);
                removed += 1;
            } else if by_id.get(&view, ids[node]).is_some() {
                return Err(table.damaged("an id is there twice"));
            } else {
                by_id.insert(&view, number);
            }
        }
        self.removed.store(removed, Ordering::Release);
        let chained = twins.iter().filter(|twin| **twin != NONE).count();
        self.twins.store(chained, Ordering::Release);
        Ok(levels)
    }

    fn read_links(&self, sections: &mut Sections<'_>, levels: &[u8]) -> Result<()> {
        let view = self.links.view();
        for (part, levels_of) in levels.chunks(NODES).enumerate() {
            let mut lists = sections.next(Kind::Links)?;
            for (at, top) in levels_of.iter().enumerate() {
                let node = (part * NODES + at) as u32;
                for level in 0..=u32::from(*top) {
                    let count = lists.take(2)?;
                    let count = usize::from(u16::from_le_bytes([count[0], count[1]]));
                    let links = lists.u32s(count)?;
                    // A link to a level that a node does not have leads nowhere, and does no harm.
                    if count > view.most(level)
                        || links
                            .iter()
                            .any(|link| (link & !KEPT) as usize >= levels.len())
                    {
                        return Err(lists.damaged("a link leads out of the graph"));
                    }
                    view.set(node, level, &links);
                }
            }
            lists.end()?;
        }
        Ok(())
    }

    fn read_rows(&self, sections: &mut Sections<'_>, nodes: usize) -> Result<()> {
        if self.points.keep {
            let step = per_section(self.points.dimensions * 4);
            for first in (0..nodes).step_by(step) {
                let mut rows = sections.next(Kind::Rows)?;
                let count = step.min(nodes - first);
                self.points
                    .full
                    .append(&rows.f32s(count * self.points.dimensions)?);
                rows.end()?;
            }
        }
        if let Some(quantizer) = &self.points.quantizer {
            let step = per_section(quantizer.code_bytes());
            for first in (0..nodes).step_by(step) {
                let mut rows = sections.next(Kind::Rows)?;
                let count = step.min(nodes - first);
                self.points
                    .codes
                    .append(rows.take(count * quantizer.code_bytes())?);
                rows.end()?;
            }
        }
        Ok(())
    }
}

fn per_section(row: usize) -> usize {
    (ROWS_BYTES / row.max(1)).max(1)
}
