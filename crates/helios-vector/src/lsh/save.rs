//! Stored bytes of tables: one section with metric u8, dimensions u64, tables u64, bits u64, probes u64,
//! seed u64, width f32, count u64, ids u64, vectors f32, and since version 2 the middle of each function f32. Functions come from the seed, buckets from the
//! functions; removed vectors are left out.

use std::io::Write;
use std::num::NonZeroUsize;

use super::{Lsh, LshOptions};
use crate::bytes::{self, Kind, Put, Sections};
use crate::error::Result;
use crate::index::Index;
use crate::metric::Metric;
use crate::work::Work;

impl Lsh {
    /// Ids and vectors that were not removed, in the order they came.
    pub(super) fn living(&self) -> (Vec<u64>, Vec<f32>) {
        let state = self.state.load();
        let rows = state.rows.view();
        let nodes = self.nodes.read();
        let mut living: Vec<(u32, u64)> = nodes.iter().map(|(id, node)| (*node, *id)).collect();
        living.sort_unstable();
        let vectors = living.iter().flat_map(|(node, _)| rows.row(*node as usize));
        let vectors = vectors.copied().collect();
        (living.into_iter().map(|(_, id)| id).collect(), vectors)
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> Result<()> {
        let _adding = self.adding.lock();
        let (ids, vectors) = self.living();
        let mut payload = vec![self.metric.tag()];
        let LshOptions {
            tables,
            bits,
            probes,
            seed,
        } = self.options;
        for number in [self.dimensions, tables, bits, probes] {
            payload.put_u64(number as u64);
        }
        payload.put_u64(seed);
        payload.put_f32s(&[self.hashes.width]);
        payload.put_u64(ids.len() as u64);
        ids.iter().for_each(|id| payload.put_u64(*id));
        payload.put_f32s(&vectors);
        payload.put_f32s(&self.hashes.middles);
        bytes::write(out, Kind::Lsh, &payload)
    }

    /// Reads what [`crate::Index::save`] wrote.
    ///
    /// # Errors
    /// Fails on damaged bytes and on those of another version; never panics, whatever they are.
    pub fn load(stored: &[u8]) -> Result<Self> {
        let mut sections = Sections::new(stored);
        let mut fields = sections.next(Kind::Lsh)?;
        sections.end(Kind::Lsh)?;
        let metric =
            Metric::from_tag(fields.u8()?).ok_or_else(|| fields.damaged("no such metric"))?;
        let dimensions = fields.count(65_536)?;
        let options = LshOptions {
            tables: fields.count(256)?,
            bits: fields.count(20)?,
            probes: fields.count(1 << 20)?,
            seed: fields.u64()?,
        };
        options.check(dimensions)?;
        let width = fields.f32()?;
        if !width.is_normal() || width <= 0.0 {
            return Err(fields.damaged("the width is out of its range"));
        }
        let count = fields.count(stored.len())?;
        let ids = fields.u64s(count)?;
        let vectors = fields.f32s(count * dimensions)?;
        let mut index = Self::empty(metric, dimensions, options, width);
        // Planes of version 1 go through the origin.
        if fields.left() > 0 {
            index.hashes.middles = fields.f32s(options.tables * options.bits)?;
        }
        fields.end()?;
        // Prepared vectors stay as they are, so what is stored again is the same.
        let groups = index.hashed(&vectors, Work::threads(NonZeroUsize::MIN))?;
        {
            let mut nodes = index.nodes.write();
            for (node, id) in (0..).zip(&ids) {
                if nodes.insert(*id, node).is_some() {
                    return Err(fields.damaged("an id is there twice"));
                }
            }
        }
        index.state.load().add(&ids, &vectors, groups);
        debug_assert_eq!(index.len(), count);
        Ok(index)
    }
}
