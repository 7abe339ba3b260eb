//! Vectors in fewer bytes.

use crate::metric::Metric;

/// Makes short codes of vectors, and estimates scores from them.
///
/// A quantizer is trained once and then never changes. Its codes are bytes of one length.
pub trait Quantizer: Send + Sync + std::fmt::Debug {
    /// The dimensions of its vectors.
    fn dimensions(&self) -> usize;

    /// The length of a code.
    fn code_bytes(&self) -> usize;

    /// Puts the code of a vector into `code`.
    fn encode(&self, vector: &[f32], code: &mut [u8]);

    /// Puts a vector near the encoded one into `vector`.
    fn decode(&self, code: &[u8], vector: &mut [f32]);

    /// Prepares a query, so that scores of codes are quick.
    fn query<'q>(&'q self, metric: Metric, query: &[f32]) -> Box<dyn Estimator + 'q>;

    /// Its bytes, with its kind.
    fn save(&self) -> Vec<u8>;

    /// The bytes it takes itself.
    fn memory(&self) -> usize;
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

/// Reads what [`Quantizer::save`] wrote.
pub(crate) fn load(
    mut fields: crate::bytes::Fields<'_>,
) -> crate::error::Result<std::sync::Arc<dyn Quantizer>> {
    let _ = fields.u8()?;
    Err(fields.damaged("no such quantizer"))
}
