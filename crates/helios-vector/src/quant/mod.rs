//! Vectors in fewer bytes.
//!
//! | file | codes |
//! |---|---|
//! | `scalar.rs` | 8 or 4 bits for each element |
//! | `product.rs`, `opq.rs` | 8 or 4 bits for each part of a vector, before it a rotation that was learnt |
//! | `bits.rs` | a bit for each element, of vectors of zeros and ones |
//! | `rabitq.rs` | 1 to 8 bits for each element of a vector rotated at random, with a bound of the error |

mod bits;
mod opq;
mod product;
mod rabitq;
mod rotation;
mod scalar;

use std::sync::Arc;

use crate::bytes::Fields;
use crate::error::Result;
use crate::metric::Metric;
pub use bits::BitQuantizer;
pub use opq::OpqQuantizer;
pub use product::ProductQuantizer;
pub use rabitq::RabitqQuantizer;
pub use scalar::ScalarQuantizer;

/// Makes short codes of vectors, and estimates scores from them.
///
/// A quantizer is trained once and then never changes. Its codes are bytes of one length.
pub trait Quantizer: Send + Sync + std::fmt::Debug {
    /// What it is, for people.
    fn name(&self) -> String;

    /// The dimensions of its vectors.
    fn dimensions(&self) -> usize;

    /// The length of a code.
    fn code_bytes(&self) -> usize;

    /// Puts the code of a vector into `code`, which is as long as [`Quantizer::code_bytes`].
    fn encode(&self, vector: &[f32], code: &mut [u8]);

    /// Puts a vector near the encoded one into `vector`.
    fn decode(&self, code: &[u8], vector: &mut [f32]);

    /// Prepares a query, so that scores of codes are quick.
    fn query<'q>(&'q self, metric: Metric, query: &[f32]) -> Box<dyn Estimator + 'q>;

    /// Its bytes, which begin with its kind.
    fn save(&self) -> Vec<u8>;

    /// The bytes it takes itself.
    fn memory(&self) -> usize;

    /// Whether scores are so far off that a search by them alone is led astray: one that has full
    /// vectors beside codes follows those.
    fn is_coarse(&self) -> bool {
        false
    }

    /// Scores of a query's parts against all centroids, if codes are numbers of these in four bits.
    fn tables(&self, _metric: Metric, _query: &[f32]) -> Option<Vec<f32>> {
        None
    }

    /// The quantizer of rotated vectors that it is, which one rotation of a query serves.
    fn as_rabitq(&self) -> Option<&RabitqQuantizer> {
        None
    }

    /// The product quantizer that it is, whose codes may be read in blocks.
    fn as_product(&self) -> Option<&ProductQuantizer> {
        None
    }
}

/// A query that estimates scores of codes.
pub trait Estimator {
    /// The score of a code, about.
    fn score(&self, code: &[u8]) -> f32;

    /// The scores of four codes.
    fn score_4(&self, codes: [&[u8]; 4]) -> [f32; 4] {
        codes.map(|code| self.score(code))
    }

    /// How far the true score may lie from the estimate, where that is known.
    fn error(&self, _code: &[u8]) -> Option<f32> {
        None
    }
}

/// The first byte of a quantizer's bytes; never used again for another kind.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Scalar = 1,
    Product = 2,
    Opq = 3,
    Rabitq = 4,
    Bits = 5,
}

/// Reads what [`Quantizer::save`] wrote: the kind u8, then
///
/// | kind | fields |
/// |---|---|
/// | 1, scalar | bits u8, dimensions u64, middles f32, steps f32 |
/// | 2, product | dimensions u64, parts u64, centroids u64, the centroids of each part f32 |
/// | 3, rotated product | dimensions u64, rotation f32, fields of a product quantizer |
/// | 4, rabitq | bits u8, seed u64, dimensions u64, centre f32 |
/// | 5, bits | dimensions u64 |
pub(crate) fn load(mut fields: Fields<'_>) -> Result<Arc<dyn Quantizer>> {
    let fields = &mut fields;
    let quantizer: Arc<dyn Quantizer> = match fields.u8()? {
        1 => Arc::new(ScalarQuantizer::load(fields)?),
        2 => Arc::new(ProductQuantizer::load(fields)?),
        3 => Arc::new(OpqQuantizer::load(fields)?),
        4 => Arc::new(RabitqQuantizer::load(fields)?),
        5 => Arc::new(BitQuantizer::load(fields)?),
        _ => return Err(fields.damaged("no such quantizer")),
    };
    fields.end()?;
    Ok(quantizer)
}

/// The stored bytes of a quantizer alone: one section, with a version and checksums.
///
/// # Errors
/// Does not fail, but for memory.
pub fn store(quantizer: &dyn Quantizer) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    crate::bytes::write(&mut out, crate::bytes::Kind::Quantizer, &quantizer.save())?;
    Ok(out)
}

/// Reads what [`store`] made.
///
/// # Errors
/// Fails on damaged bytes and on those of another version; never panics, whatever they are.
pub fn restore(stored: &[u8]) -> Result<Arc<dyn Quantizer>> {
    let mut sections = crate::bytes::Sections::new(stored);
    let quantizer = load(sections.next(crate::bytes::Kind::Quantizer)?)?;
    sections.end(crate::bytes::Kind::Quantizer)?;
    Ok(quantizer)
}

/// Brings numbers to bytes, `step` times each of which is near them; the largest is 127 steps at most.
fn to_bytes(numbers: &[f32], step: f32) -> Vec<i8> {
    // A number of this size has no room behind the point, so adding it rounds: the whole number is then
    // in the last bits. The function that rounds would be called for each element.
    const WHOLE: f32 = 12_582_912.0;
    let inverse = 1.0 / step;
    let byte = |x: &f32| (x * inverse + WHOLE).to_bits() as i8;
    numbers.iter().map(byte).collect()
}

/// The step with which the largest of some numbers is 127.
fn step_of(numbers: &[f32]) -> f32 {
    let largest = numbers.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    // Of a step that small the inverse would be infinite.
    if largest > 1e-30 {
        largest / 127.0
    } else {
        1.0
    }
}

/// The number in the last four bytes of a code.
#[inline]
fn tail(code: &[u8]) -> f32 {
    code.last_chunk::<4>()
        .map_or(0.0, |bytes| f32::from_le_bytes(*bytes))
}
