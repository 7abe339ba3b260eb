//! Indexes of nearness: structures over vectors of rows, derived from the store.
//!
//! An index is no part of a commit. It has a *base*: a branch and a change number whose rows it has all
//! of. What a statement sees differs from the base in the rows that [`helios_version::Diff`] names, on any
//! branch and at any moment: these are compared one by one, and everything else is in the index. What the
//! index finds is a candidate; the row at the statement's snapshot is the judge. So answers are exact in
//! visibility wherever the base is, and an index that is missing, behind or damaged costs time only.
//!
//! - `slots.rs`: which row a vector in the structure came from;
//! - `structure.rs`: the structures of `helios-vector`, as a definition wants them;
//! - `build.rs`: making an index, step by step, from a `sample.rs`; `index.rs`: asking it, and bringing its base forward;
//! - `calibration.rs`: how much of what is nearest it finds, by the effort that `effort.rs` asks of it; `survey.rs`:
//!   measuring that again;
//! - `saved.rs`: its file beside the store;
//! - `registry.rs`: the indexes of an open database, and the work on them within a budget;
//! - `searches.rs`: what was searched, with an index and without; `estimate.rs`: what one would take.

mod build;
mod calibration;
mod effort;
mod estimate;
mod index;
mod progress;
mod registry;
mod sample;
mod saved;
mod searches;
mod slots;
mod structure;
mod survey;

pub use calibration::Calibration;
pub use effort::Asked;
pub use estimate::Estimate;
pub use index::{Base, Delta, Differing, Found, NearestIndex, Next, Search};
pub use progress::{Phase, Progress, Watch};
pub use registry::NearestReport;
pub(crate) use registry::Registry;
pub use searches::{ExactSearches, Tally};

use helios_base::{Result, Value};

use crate::row::{IndexRules, StoredRow};

/// The numbers of a row's vector and their fingerprint; `None` for `NULL`, for a vector of other dimensions, and for
/// a row that the index's condition leaves out: no index has these.
fn vector_of(
    row: &StoredRow<'_>,
    rules: &IndexRules,
    dimensions: usize,
) -> Result<Option<(Vec<f32>, u64)>> {
    let mut values = vec![Value::Null; rules.reads().last().map_or(0, |last| last + 1)];
    row.fill(rules.reads(), &mut values)?;
    let Some(value) = rules.first_key(&values)? else {
        return Ok(None);
    };
    Ok(numbers_of(&value, dimensions).map(|numbers| {
        let print = slots::fingerprint_of(&numbers);
        (numbers, print)
    }))
}

/// As [`vector_of`], where a row of which the index's expressions make no value is none of its rows: who wrote it
/// did not ask them.
fn vector_if(
    row: &StoredRow<'_>,
    rules: &IndexRules,
    dimensions: usize,
) -> Result<Option<(Vec<f32>, u64)>> {
    match vector_of(row, rules, dimensions) {
        Err(error) if error.sqlstate().class() == "22" => Ok(None),
        done => done,
    }
}

/// A vector or a string of bits as so many numbers.
fn numbers_of(value: &Value, dimensions: usize) -> Option<Vec<f32>> {
    match value {
        Value::Vector(vector) if vector.dimensions() == dimensions => {
            Some(vector.numbers().into_owned())
        }
        Value::Bits(bits) if bits.len() == dimensions => {
            Some(bits.bits().map(|bit| f32::from(u8::from(bit))).collect())
        }
        _ => None,
    }
}
