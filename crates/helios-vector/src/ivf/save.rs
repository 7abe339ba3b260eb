//! Stored bytes of lists.
//!
//! Sections, in this order (`bytes.rs` says what a section is):
//!
//! | kind | payload |
//! |---|---|
//! | head | metric u8, full vectors kept u8, codec u8 (0 full, 1 scalar, 2 product, 3 rotated product, 4 rabitq), bits u8, dimensions u64, lists u64, probes u64, seed u64, parts u64, centroids u64, the centroids of lists f32 |
//! | quantizer | if there is one |
//! | list, for each | count u64, ids u64, then a bit for each that was removed, then full vectors f32 if they are kept, then codes if there are any |

use std::io::Write;
use std::sync::atomic::Ordering;

use super::{Codec, Ivf, IvfOptions};
use crate::bytes::{self, Kind, Put, Sections};
use crate::cluster::Centroids;
use crate::error::Result;
use crate::metric::Metric;
use crate::quant;

impl Codec {
    /// The codec, bits, parts and centroids.
    fn numbers(self) -> (u8, u8, usize, usize) {
        match self {
            Self::Full => (0, 0, 0, 0),
            Self::Scalar { bits } => (1, bits, 0, 0),
            Self::Product {
                parts,
                centroids,
                rotated,
            } => (2 + u8::from(rotated), 0, parts, centroids),
            Self::Rabitq { bits } => (4, bits, 0, 0),
        }
    }

    fn from_numbers(codec: u8, bits: u8, parts: usize, centroids: usize) -> Option<Self> {
        Some(match codec {
            0 => Self::Full,
            1 => Self::Scalar { bits },
            2 | 3 => Self::Product {
                parts,
                centroids,
                rotated: codec == 3,
            },
            4 => Self::Rabitq { bits },
            _ => return None,
        })
    }
}

impl Ivf {
    pub(super) fn write(&self, out: &mut dyn Write) -> Result<()> {
        let _adding = self.adding.lock();
        let (codec, bits, parts, centroids) = self.options.codec.numbers();
        let keep = self.options.keep || self.quantizer.is_none();
        let mut head = vec![self.metric.tag(), u8::from(keep), codec, bits];
        for number in [self.dimensions, self.lists.len(), self.options.probes] {
            head.put_u64(number as u64);
        }
        head.put_u64(self.options.seed);
        head.put_u64(parts as u64);
        head.put_u64(centroids as u64);
        head.put_f32s(self.centroids.values());
        bytes::write(out, Kind::Ivf, &head)?;
        if let Some(quantizer) = &self.quantizer {
            bytes::write(out, Kind::Quantizer, &quantizer.save())?;
        }
        for list in &self.lists {
            let view = list.load().view();
            let count = view.ids.len();
            let mut payload = Vec::new();
            payload.put_u64(count as u64);
            (0..count).for_each(|place| {
                payload.put_u64(view.ids.row(place).first().copied().unwrap_or(0))
            });
            let mut dead = vec![0u8; count.div_ceil(8)];
            for place in view.dead.iter().filter(|place| (*place as usize) < count) {
                dead[place as usize / 8] |= 1 << (place % 8);
            }
            payload.extend(dead);
            if keep {
                (0..count).for_each(|place| payload.put_f32s(view.full.row(place)));
            }
            if self.quantizer.is_some() {
                (0..count).for_each(|place| payload.extend_from_slice(view.codes.row(place)));
            }
            bytes::write(out, Kind::List, &payload)?;
        }
        Ok(())
    }

    /// Reads what [`crate::Index::save`] wrote.
    ///
    /// # Errors
    /// Fails on damaged bytes and on those of another version; never panics, whatever they are.
    pub fn load(stored: &[u8]) -> Result<Self> {
        let mut sections = Sections::new(stored);
        let mut head = sections.next(Kind::Ivf)?;
        let metric = Metric::from_tag(head.u8()?).ok_or_else(|| head.damaged("no such metric"))?;
        let (keep, codec, bits) = (head.u8()? == 1, head.u8()?, head.u8()?);
        let dimensions = head.count(65_536)?;
        let lists = head.count(1 << 20)?;
        let probes = head.count(1 << 20)?;
        let seed = head.u64()?;
        let (parts, centroids) = (head.count(65_536)?, head.count(65_536)?);
        let codec = Codec::from_numbers(codec, bits, parts, centroids)
            .ok_or_else(|| head.damaged("no such codec"))?;
        let options = IvfOptions {
            lists,
            probes,
            codec,
            keep,
            seed,
        };
        options.check(dimensions)?;
        let values = head.f32s(lists * dimensions)?;
        head.end()?;
        let quantizer = match codec {
            Codec::Full => None,
            _ => Some(quant::load(sections.next(Kind::Quantizer)?)?),
        };
        if quantizer
            .as_ref()
            .is_some_and(|quantizer| quantizer.dimensions() != dimensions)
            || (quantizer.is_none() && !keep)
        {
            return Err(head.damaged("the quantizer does not fit"));
        }
        let index = Self::empty(
            metric,
            dimensions,
            options,
            Centroids::new(dimensions, values),
            quantizer,
        );
        let width = index
            .quantizer
            .as_ref()
            .map_or(0, |quantizer| quantizer.code_bytes());
        for at in 0..lists {
            let mut list = sections.next(Kind::List)?;
            let count = list.count(stored.len())?;
            let ids = list.u64s(count)?;
            let dead = list.take(count.div_ceil(8))?;
            let full = list.f32s(if keep { count * dimensions } else { 0 })?;
            let codes = list.take(count * width)?;
            list.end()?;
            let stored = index.lists[at].load();
            stored.append(
                &ids,
                &full,
                codes,
                index.quantizer.as_deref(),
                index.by_products(at),
            );
            let mut places = index.places.write();
            for (place, id) in ids.iter().enumerate() {
                if dead[place / 8] >> (place % 8) & 1 == 1 {
                    stored.kill(place as u32);
                    index.removed.fetch_add(1, Ordering::AcqRel);
                } else if places.insert(*id, (at as u32, place as u32)).is_some() {
                    return Err(list.damaged("an id is there twice"));
                }
            }
        }
        sections.end(Kind::Ivf)?;
        Ok(index)
    }
}
