//! The structures under test, and how well each must do.

use helios_vector::{Hnsw, HnswOptions, Index, Metric, Result};

/// A structure with its options.
pub struct Structure {
    pub name: &'static str,
    pub make: fn(Metric, usize, &[f32]) -> Box<dyn Index>,
    pub load: fn(&[u8]) -> Result<Box<dyn Index>>,
    /// The least share of the 10 nearest that it finds in clustered data with its usual effort.
    pub floor: f64,
    /// How far its distances may be from the truth, in parts.
    pub tolerance: f64,
}

fn small() -> HnswOptions {
    HnswOptions {
        m: 8,
        ef_construction: 60,
        ef_search: 40,
        seed: 7,
    }
}

pub const ALL: &[Structure] = &[Structure {
    name: "hnsw",
    make: |metric, dimensions, _| Box::new(Hnsw::new(metric, dimensions, small()).unwrap()),
    load: |bytes| Ok(Box::new(Hnsw::load(bytes)?)),
    floor: 0.95,
    tolerance: 1e-4,
}];
