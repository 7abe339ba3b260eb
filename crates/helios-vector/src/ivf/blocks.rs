//! Codes of four bits, 32 vectors at a time (André, Kermarrec and Le Scouarnec, 2015): the tables of a
//! query fit into registers, and one shuffle is 16 look-ups or more.
//!
//! Table entries become bytes, rounded down by half a step on average. A sum that is too far though three times the
//! usual error of all these halves is taken from it is taken for too far; the few that are left are scored as always.
//! Bytes lose a vector in some hundreds, of those that are just not far enough, and full vectors decide between these.

use crate::kernel::Kernels;
use crate::quant::ProductQuantizer;
use crate::rows::View;

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
    /// The score at sums of zero, less what it may be off by, and the step to that of one.
    least: f32,
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
                row.map(|x| ((x - low) / step).floor().clamp(0.0, 255.0) as u8)
            })
            .collect();
        bytes.resize(rows.len().next_multiple_of(4) * 16, 0);
        // What is lost of each entry is anything up to a step, and adds up as steps of a random walk do.
        let parts = rows.len() as f32;
        let lost = (parts * 0.5 - 3.0 * (parts / 12.0).sqrt()).max(0.0);
        Self {
            bytes,
            least: rows.iter().map(low).sum::<f32>() + lost * step,
            step,
        }
    }

    /// Calls `found` with the first vector of each block and what scores of all of its vectors will hardly be below.
    pub(super) fn scan(
        &self,
        kernels: &dyn Kernels,
        blocks: &View<u8>,
        count: usize,
        mut found: impl FnMut(usize, &[f32; BLOCK]),
    ) {
        let mut sums = [0; BLOCK];
        for block in 0..count.min(blocks.len()) {
            kernels.scan_4bit(&self.bytes, blocks.row(block), &mut sums);
            let least = sums.map(|sum| self.least + self.step * f32::from(sum));
            found(block * BLOCK, &least);
        }
    }
}
