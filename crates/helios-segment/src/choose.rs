//! Which codec a column's chunk gets.
//!
//! # The choice
//! `compression = none`, or a column below its threshold: stored as it is. A named codec is used
//! where it fits the type; elsewhere (`alp` on a text column) the choice is `auto`'s.
//!
//! `auto` compresses a sample with each candidate of the column's type and keeps the one of the
//! least *cost*: bytes times what reading them again costs more than the cascade's.
//!
//! | type                | candidates, each with the factor of its cost when warm (when cold)        |
//! |---------------------|---------------------------------------------------------------------------|
//! | text, binary        | `cascade` 1 (1), `zstd` 1.6 (1), `cascade+zstd` – (1)                     |
//! | integers, dates     | `cascade` 1 (1), `delta` 1.1 (1), `cascade+zstd` – (1)                    |
//! | timestamps          | `cascade` 1 (1), `datetime` 1.1 (1), `delta` 1.1 (1), `cascade+zstd` – (1)|
//! | floats              | `cascade` 1 (1), `chimp` 1.3 (1), `cascade+zstd` – (1)                    |
//! | all others          | `cascade` 1 (1), `cascade+zstd` – (1)                                     |
//!
//! The factors are estimates of what decoding costs, not measured yet: `examples/codecs` is there to
//! measure them.
//!
//! A sample is eight runs of 1,024
//! consecutive rows, evenly spread, because differences, runs and time series live from their
//! neighbours. It is a guess: a dictionary costs a sample as much as a chunk. So the runner-up within
//! twice the cost of the best gets to compress the whole chunk too, and the smaller result is kept. Chunks of at most
//! a sample's size skip the guess, and so do numbers at equal distances, which the cascade keeps as three numbers and
//! a sample does not show. Strings of which each different one stands in eight rows or more are left to the cascade
//! where segments are warm, which makes a dictionary of them. The next fifteen chunks of a segment take the codec that was chosen, and of the cascade only
//! the encodings that it took, unless that makes more of their bytes than a tenth over what it made of that one's. Strings
//! that became fragments share a table of these, until a chunk's take two of a hundred bytes more by it.
//!
//! What was tried, and with what result, is kept as [`Evidence`] in the footer.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, ArrowNativeTypeOp};
use arrow_schema::DataType;

use crate::codec::{
    Codec, Effort, Encoded, Fragments, Known, Refusal, codec, codec_for_setting, raw_bytes,
};
use crate::coded::Coded;
use crate::error::{Error, Result};

/// Rows of a run in a sample.
const RUN: usize = 1024;
/// Runs in a sample.
const RUNS: usize = 8;
/// The runner-up compresses the whole chunk too if its cost on the sample is within this factor.
const CLOSE: f64 = 2.0;
/// A codec that was chosen is taken for so many chunks more, unless it gets worse.
const STAYS: u32 = 15;
/// Worse is so much more than it made of the chunk for which it was chosen.
const WORSE: f64 = 1.1;

/// The setting `compression`, or `compression_codec` where that is given.
#[derive(Clone, Copy, Debug, Default)]
pub enum Compression {
    /// By sampling.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// One codec, where it fits.
    Codec(&'static dyn Codec),
}

impl Compression {
    /// Of a setting's value, in any case.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn parse(value: &str) -> Result<Self, Refusal> {
        if value.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        if value.eq_ignore_ascii_case("none") {
            return Ok(Self::None);
        }
        codec_for_setting(value).map(Self::Codec)
    }
}

/// How to compress a column.
#[derive(Clone, Copy, Debug, Default)]
pub struct ColumnOptions {
    /// The codec.
    pub compression: Compression,
    /// Columns of fewer raw bytes in the segment stay as they are.
    pub threshold: u64,
    /// Whether the segment will be read much.
    pub effort: Effort,
}

/// Why a block has its codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The setting names it.
    Pinned,
    /// The column is below its threshold.
    Small,
    /// It had the least cost.
    Sampled,
    /// It had for a chunk before, and does as well here.
    Before,
}

impl Reason {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Pinned => 0,
            Self::Small => 1,
            Self::Sampled => 2,
            Self::Before => 3,
        }
    }

    pub(crate) fn of_code(code: u8) -> Result<Self> {
        [Self::Pinned, Self::Small, Self::Sampled, Self::Before]
            .into_iter()
            .find(|reason| reason.code() == code)
            .ok_or_else(|| Error::damaged(format!("codec chosen for reason {code}")))
    }
}

/// What a candidate made of the sample, or of the whole chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The candidate.
    pub codec: String,
    /// Raw bytes it was given.
    pub raw: u64,
    /// Bytes it made of them.
    pub stored: u64,
}

/// A compressed chunk of a column.
#[derive(Debug)]
pub(crate) struct Choice {
    pub codec: &'static dyn Codec,
    pub encoded: Encoded,
    pub raw: u64,
    pub reason: Reason,
    pub evidence: Vec<Evidence>,
}

/// What was chosen for the chunks of a column so far.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    codec: &'static dyn Codec,
    /// What it made use of.
    encodings: Arc<[String]>,
    /// Bytes that it made of one.
    share: f64,
    /// Chunks since.
    chunks: u32,
    /// What their strings are made of.
    fragments: Fragments,
}

impl Before {
    /// After one more chunk.
    pub fn after(before: Option<Self>, choice: &Choice) -> Option<Self> {
        match (choice.reason, before) {
            (Reason::Sampled, _) => Some(Self {
                codec: choice.codec,
                encodings: choice.encoded.encodings.clone().into(),
                share: choice.encoded.bytes.len() as f64 / choice.raw.max(1) as f64,
                chunks: 0,
                fragments: Fragments::default(),
            }),
            (Reason::Before, Some(before)) => Some(Self {
                chunks: before.chunks + 1,
                ..before
            }),
            _ => None,
        }
    }
}

/// A candidate and the factor of its cost.
type Candidate = (&'static dyn Codec, f64);

fn candidates(ty: &DataType, effort: Effort) -> Vec<Candidate> {
    let warm: &[(&str, f64)] = match ty {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => &[("cascade", 1.0), ("zstd", 1.6)],
        DataType::Timestamp(..) => &[("cascade", 1.0), ("datetime", 1.1), ("delta", 1.1)],
        DataType::Float32 | DataType::Float64 => &[("cascade", 1.0), ("chimp", 1.3)],
        ty if ty.is_integer() || ty.is_temporal() => &[("cascade", 1.0), ("delta", 1.1)],
        _ => &[("cascade", 1.0)],
    };
    let mut all: Vec<Candidate> = warm
        .iter()
        .filter_map(|(name, factor)| {
            let factor = if effort == Effort::Cold { 1.0 } else { *factor };
            Some((codec(name)?, factor))
        })
        .collect();
    if effort == Effort::Cold {
        all.extend(codec("cascade+zstd").map(|cold| (cold, 1.0)));
    }
    all.retain(|(codec, _)| codec.fits(ty));
    all
}

/// Compresses a chunk of a column; `small` if the column is below its threshold, `coded` if it has few different strings.
///
/// # Errors
/// Unsupported for types that segments do not hold.
pub(crate) fn compress(
    array: &ArrayRef,
    coded: Option<&Coded>,
    options: &ColumnOptions,
    small: bool,
    before: Option<&Before>,
) -> Result<Choice> {
    let ty = array.data_type();
    let raw = raw_bytes(array.as_ref()) as u64;
    let pinned = match options.compression {
        Compression::None => codec("none").map(|codec| (codec, Reason::Pinned)),
        _ if small => codec("none").map(|codec| (codec, Reason::Small)),
        Compression::Codec(named) if named.fits(ty) => Some((named, Reason::Pinned)),
        _ => None,
    };
    if let Some((codec, reason)) = pinned {
        let encoded = codec.compress(array, options.effort)?;
        return Ok(Choice {
            codec,
            encoded,
            raw,
            reason,
            evidence: Vec::new(),
        });
    }
    if let Some(before) = before.filter(|before| before.chunks < STAYS) {
        let known = Known {
            encodings: Some(&before.encodings),
            coded,
            fragments: Some(&before.fragments),
        };
        let encoded = (before.codec).compress_known(array, options.effort, &known)?;
        if encoded.bytes.len() as f64 <= before.share * WORSE * raw as f64 {
            return Ok(Choice {
                codec: before.codec,
                encoded,
                raw,
                reason: Reason::Before,
                evidence: Vec::new(),
            });
        }
    }
    sampled(array, coded, options.effort, raw)
}

fn sampled(array: &ArrayRef, coded: Option<&Coded>, effort: Effort, raw: u64) -> Result<Choice> {
    let mut candidates = candidates(array.data_type(), effort);
    // Few strings are a dictionary, which nothing that is as quick to read takes less than.
    if is_sequence(array) || coded.is_some() && effort == Effort::Warm {
        candidates.truncate(1);
    }
    let mut evidence = Vec::new();
    let note = |codec: &dyn Codec, raw: u64, stored: usize| Evidence {
        codec: codec.name().to_owned(),
        raw,
        stored: stored as u64,
    };
    if candidates.len() > 1 && array.len() > RUN * RUNS {
        let sample = sample(array)?;
        let sample_raw = raw_bytes(sample.as_ref()) as u64;
        let mut ranked = Vec::with_capacity(candidates.len());
        for (codec, factor) in candidates {
            let stored = codec.compress(&sample, effort)?.bytes.len();
            evidence.push(note(codec, sample_raw, stored));
            ranked.push((stored as f64 * factor, codec, factor));
        }
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let best = ranked.first().map_or(0.0, |(cost, ..)| *cost);
        candidates = ranked
            .into_iter()
            .take(2)
            .filter(|(cost, ..)| *cost <= best * CLOSE)
            .map(|(_, codec, factor)| (codec, factor))
            .collect();
    }
    let contested = candidates.len() > 1;
    let known = Known {
        encodings: None,
        coded,
        fragments: None,
    };
    let mut best: Option<(f64, &'static dyn Codec, Encoded)> = None;
    for (codec, factor) in candidates {
        let encoded = codec.compress_known(array, effort, &known)?;
        if contested {
            evidence.push(note(codec, raw, encoded.bytes.len()));
        }
        let cost = encoded.bytes.len() as f64 * factor;
        if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
            best = Some((cost, codec, encoded));
        }
    }
    let (_, codec, encoded) = best.ok_or_else(|| {
        Error::unsupported(format!(
            "segments do not hold arrays of type {}",
            array.data_type()
        ))
    })?;
    Ok(Choice {
        codec,
        encoded,
        raw,
        reason: Reason::Sampled,
        evidence,
    })
}

/// Whether the values are integers that grow by the same number from row to row.
fn is_sequence(array: &ArrayRef) -> bool {
    fn steady<T: ArrowPrimitiveType<Native: ArrowNativeTypeOp>>(array: &ArrayRef) -> bool {
        let values = array.as_primitive::<T>().values();
        let mut steps = values.windows(2).map(|pair| match pair {
            [a, b] => b.sub_wrapping(*a),
            _ => T::Native::ZERO,
        });
        let first = steps.next();
        first.is_some_and(|first| steps.all(|step| step == first))
    }
    array.null_count() == 0
        && match array.data_type() {
            DataType::Int16 => steady::<Int16Type>(array),
            DataType::Int32 => steady::<Int32Type>(array),
            DataType::Int64 => steady::<Int64Type>(array),
            _ => false,
        }
}

/// Evenly spread runs of consecutive rows.
fn sample(array: &ArrayRef) -> Result<ArrayRef> {
    let step = (array.len() - RUN) / (RUNS - 1);
    let runs: Vec<ArrayRef> = (0..RUNS).map(|run| array.slice(run * step, RUN)).collect();
    let runs: Vec<&dyn Array> = runs.iter().map(AsRef::as_ref).collect();
    Ok(arrow_select::concat::concat(&runs)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float64Array, Int64Array, StringArray};
    use std::sync::Arc;

    fn choose(array: ArrayRef, compression: &str) -> Choice {
        let options = ColumnOptions {
            compression: Compression::parse(compression).expect("known"),
            ..ColumnOptions::default()
        };
        compress(&array, None, &options, false, None).expect("compresses")
    }

    #[test]
    fn ascending_irregular_times_become_differences() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut time = 1_700_000_000_000_000i64;
        let times = (0..50_000).map(|_| {
            time += 1_000_000 + rng.i64(0..1000);
            time
        });
        let choice = choose(Arc::new(Int64Array::from_iter_values(times)), "auto");
        assert_eq!(choice.codec.name(), "delta");
        assert!(choice.evidence.len() >= 2);
    }

    #[test]
    fn what_a_sample_does_not_show_is_found() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..60_000).map(|n| 7 * n)));
        let choice = choose(numbers, "auto");
        assert_eq!(choice.codec.name(), "cascade");
        assert!(choice.encoded.bytes.len() < 1000);
        // A dictionary of 1,000 texts is most of a sample, and little of a chunk.
        let mut rng = fastrand::Rng::with_seed(7);
        let names = (0..60_000).map(|_| format!("Clerk#{:09}", rng.u32(1..1000)));
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
        assert_eq!(choose(names, "auto").codec.name(), "cascade");
    }

    #[test]
    fn a_slow_walk_of_floats_becomes_a_time_series() {
        let mut rng = fastrand::Rng::with_seed(7);
        let levels: Vec<f64> = (0..40).map(|_| rng.f64()).collect();
        let values = (0..50_000).map(|n| levels[(n / 7 + rng.usize(0..3)) % 40]);
        let array: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
        assert!(choose(array, "auto").encoded.bytes.len() < 50_000 * 2);
    }

    #[test]
    fn a_codec_that_does_not_fit_leaves_the_choice_to_auto() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["one"; 100]));
        assert_eq!(choose(texts.clone(), "alp").reason, Reason::Sampled);
        let pinned = choose(texts.clone(), "fsst");
        assert_eq!(
            (pinned.codec.name(), pinned.reason),
            ("fsst", Reason::Pinned)
        );
        assert_eq!(choose(texts, "NONE").codec.name(), "none");
    }
}
