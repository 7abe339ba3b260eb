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
//! - `build.rs`: making an index, step by step; `index.rs`: asking it, and bringing its base forward;
//! - `calibration.rs`: how much of what is nearest it finds, by the effort that `effort.rs` asks of it;
//! - `saved.rs`: its file beside the store;
//! - `registry.rs`: the indexes of an open database, and the work on them within a budget.

mod build;
mod calibration;
mod effort;
mod index;
mod progress;
mod registry;
mod saved;
mod slots;
mod structure;

pub use calibration::Calibration;
pub use effort::Asked;
pub use index::{Delta, Found, NearestIndex, Next, Search};
pub use progress::{Phase, Progress, Watch};
pub use registry::NearestReport;
pub(crate) use registry::Registry;

use helios_base::{Result, Value, VectorValue};

use crate::row::StoredRow;

/// The numbers of a row's vector and their fingerprint; `None` for `NULL` and for a vector of other
/// dimensions, which no index has.
fn vector_of(
    row: &StoredRow<'_>,
    position: usize,
    dimensions: usize,
) -> Result<Option<(Vec<f32>, u64)>> {
    let Value::Vector(vector) = row.value(position)? else {
        return Ok(None);
    };
    if vector.dimensions() != dimensions || matches!(*vector, VectorValue::Sparse(_)) {
        return Ok(None);
    }
    let numbers = vector.numbers().into_owned();
    let print = slots::fingerprint_of(&numbers);
    Ok(Some((numbers, print)))
}
