//! Codes of four bits, 32 vectors at a time (André, Kermarrec and Le Scouarnec, 2015): the tables of a
//! query fit into registers, and one shuffle is 16 look-ups or more.
//!
//! Table entries become bytes, each of which stands for the middle of its step. What that is off by adds up as
//! steps of a random walk do, to a few steps, which is little beside what codes of four bits are off by
//! themselves: the sum is the estimate of the score, and no table of full numbers is asked.

use super::list::ListView;
use crate::kernel::Kernels;
use crate::quant::ProductQuantizer;

/// Vectors of a block.
pub(super) const BLOCK: usize = 32;
/// Parts that a sum of 16 bits can take.
const MOST_PARTS: usize = 256;

/// The bytes of a block: 16 for each part, whose number is a multiple of four.
pub(super) fn bytes(product: &ProductQuantizer) -> usize {
    if product.is_narrow() && product.parts() <= MOST_PARTS {
        product.parts().next_multiple_of(4) * 16
    } else {
        0
    }
}

/// Puts codes side by side, part after part.
pub(super) fn pack<'a>(
    product: &ProductQuantizer,
    codes: impl Iterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let mut block = vec![0; bytes(product)];
    for (vector, code) in codes.enumerate() {
        for (part, place) in block.chunks_exact_mut(16).take(product.parts()).enumerate() {
            let number = code[part / 2] >> (part % 2 * 4) & 15;
            place[vector % 16] |= number << (vector / 16 * 4);
        }
    }
    block
}

/// A query's tables in bytes.
#[derive(Debug)]
pub(super) struct Tables {
    bytes: Vec<u8>,
    /// The score at sums of zero, and the step to that of one.
    start: f32,
    step: f32,
}

impl Tables {
    /// Makes bytes of tables with 16 entries for each part.
    pub(super) fn new(table: &[f32]) -> Self {
        let (rows, _) = table.as_chunks::<16>();
        let low = |row: &[f32; 16]| row.iter().fold(f32::INFINITY, |low, x| low.min(*x));
        let widest = rows.iter().fold(0.0f32, |widest, row| {
            let low = low(row);
            row.iter().fold(widest, |widest, x| widest.max(x - low))
        });
        let step = if widest > 0.0 { widest / 255.0 } else { 1.0 };
        let mut bytes: Vec<u8> = rows
            .iter()
            .flat_map(|row| {
                let low = low(row);
                // The cast takes what is behind the point away and ends at 255.
                row.map(|x| ((x - low) / step) as u8)
            })
            .collect();
        bytes.resize(rows.len().next_multiple_of(4) * 16, 0);
        let middles = rows.len() as f32 * 0.5;
        Self {
            bytes,
            start: rows.iter().map(low).sum::<f32>() + middles * step,
            step,
        }
    }

    /// Calls `found` with the first vector of each block and estimates of the scores of all that are in it, of the
    /// first `count` vectors of a list; returns how many of them lay in blocks.
    pub(super) fn scan(
        &self,
        kernels: &dyn Kernels,
        list: &ListView,
        count: usize,
        mut found: impl FnMut(usize, &mut [f32]),
    ) -> usize {
        let mut sums = [0; BLOCK];
        let mut scan = |block: &[u8], first: usize| {
            kernels.scan_4bit(&self.bytes, block, &mut sums);
            let mut scores = sums.map(|sum| self.start + self.step * f32::from(sum));
            found(first, &mut scores[..BLOCK.min(count - first)]);
        };
        let blocks = (count / BLOCK).min(list.blocks.len());
        for block in 0..blocks {
            scan(list.blocks.row(block), block * BLOCK);
        }
        let first = blocks * BLOCK;
        if first == list.tail.first && first < count && count - first <= BLOCK {
            scan(&list.tail.block, first);
            return count;
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::all;
    use crate::quant::Quantizer;
    use crate::rng::Rng;
    use crate::work::Work;
    use crate::{Metric, ivf::list::List};

    #[test]
    fn blocks_and_what_is_left_are_estimated_as_full_tables_do() {
        let mut rng = Rng::new(7);
        let mut numbers = |count: usize| -> Vec<f32> { (0..count).map(|_| rng.normal()).collect() };
        for (dimensions, parts) in [(6, 3), (40, 20), (130, 65)] {
            let rows = numbers(200 * dimensions);
            let product =
                ProductQuantizer::train(&rows, dimensions, parts, 16, 0, Work::default()).unwrap();
            let query = numbers(dimensions);
            let estimator = product.query(Metric::InnerProduct, &query);
            let tables = Tables::new(&product.table(Metric::InnerProduct, &query));
            let mut codes = vec![0; 200 * product.code_bytes()];
            let places = codes.chunks_exact_mut(product.code_bytes());
            for (code, row) in places.zip(rows.chunks_exact(dimensions)) {
                product.encode(row, code);
            }
            let list = List::new(dimensions, Some(&product), false);
            let mut count = 0;
            for more in [1, 30, 1, 3, 61, 32, 40] {
                let range = count * product.code_bytes()..(count + more) * product.code_bytes();
                let ids: Vec<u64> = (count as u64..).take(more).collect();
                list.append(&ids, &[], &codes[range], Some(&product), None);
                count += more;
                let view = list.view();
                for kernels in all() {
                    let mut found = Vec::new();
                    let done = tables.scan(kernels, &view, count, |first, scores| {
                        assert_eq!(first, found.len());
                        found.extend_from_slice(scores);
                    });
                    assert_eq!((done, found.len()), (count, count));
                    for (at, found) in found.iter().enumerate() {
                        let off = (estimator.score(view.codes.row(at)) - found).abs();
                        // Five times the usual error of as many halves of steps.
                        let most = 5.0 * (parts as f32 / 12.0).sqrt() * tables.step;
                        assert!(off <= most, "{parts} parts, {at}: {off} of {most}");
                    }
                    // Those that came later are not there for whoever looked before.
                    let seen = tables.scan(kernels, &view, count - 1, |_, _| ());
                    assert!(seen == count - 1 || seen == (count - 1) / BLOCK * BLOCK);
                }
            }
        }
    }
}
