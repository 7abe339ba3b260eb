//! The structures under test, and how well each must do.

use std::sync::Arc;

use helios_vector::{
    Codec, Hnsw, HnswOptions, Index, Ivf, IvfOptions, Lsh, LshOptions, Metric, Quantizer,
    RabitqQuantizer, Result, ScalarQuantizer, Work,
};

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

impl Structure {
    /// Whether this distance may be none at all.
    pub fn is_nothing(&self, distance: f32) -> bool {
        f64::from(distance) < 1e-3 + 10.0 * self.tolerance
    }
}

fn small() -> HnswOptions {
    HnswOptions {
        m: 8,
        ef_construction: 60,
        ef_search: 40,
        seed: 7,
    }
}

/// The vectors as an index keeps them.
fn prepared(metric: Metric, dimensions: usize, rows: &[f32]) -> Vec<f32> {
    let rows = rows.chunks(dimensions);
    rows.flat_map(|row| metric.prepare(dimensions, row).unwrap())
        .collect()
}

fn graph(metric: Metric, quantizer: impl Quantizer + 'static, keep: bool) -> Box<dyn Index> {
    Box::new(Hnsw::quantized(metric, small(), Arc::new(quantizer), keep).unwrap())
}

fn load_graph(bytes: &[u8]) -> Result<Box<dyn Index>> {
    Ok(Box::new(Hnsw::load(bytes)?))
}

fn lists(metric: Metric, dimensions: usize, rows: &[f32], codec: Codec) -> Box<dyn Index> {
    let options = IvfOptions {
        lists: 16,
        probes: 6,
        codec,
        ..IvfOptions::default()
    };
    Box::new(Ivf::train(metric, rows, dimensions, options, Work::default()).unwrap())
}

fn load_lists(bytes: &[u8]) -> Result<Box<dyn Index>> {
    Ok(Box::new(Ivf::load(bytes)?))
}

pub const ALL: &[Structure] = &[
    Structure {
        name: "hnsw",
        make: |metric, dimensions, _| Box::new(Hnsw::new(metric, dimensions, small()).unwrap()),
        load: load_graph,
        floor: 0.95,
        tolerance: 1e-4,
    },
    Structure {
        name: "hnsw, scalar beside full vectors",
        make: |metric, dimensions, rows| {
            let rows = prepared(metric, dimensions, rows);
            graph(
                metric,
                ScalarQuantizer::train(&rows, dimensions, 8).unwrap(),
                true,
            )
        },
        load: load_graph,
        floor: 0.95,
        tolerance: 1e-4,
    },
    Structure {
        name: "hnsw, rabitq of 4 bits beside full vectors",
        make: |metric, dimensions, rows| {
            let rows = prepared(metric, dimensions, rows);
            graph(
                metric,
                RabitqQuantizer::train(&rows, dimensions, 4, 1).unwrap(),
                true,
            )
        },
        load: load_graph,
        floor: 0.9,
        tolerance: 1e-4,
    },
    Structure {
        name: "hnsw, scalar only",
        make: |metric, dimensions, rows| {
            let rows = prepared(metric, dimensions, rows);
            graph(
                metric,
                ScalarQuantizer::train(&rows, dimensions, 8).unwrap(),
                false,
            )
        },
        load: load_graph,
        floor: 0.85,
        tolerance: 0.05,
    },
    Structure {
        name: "ivf",
        make: |metric, dimensions, rows| lists(metric, dimensions, rows, Codec::Full),
        load: load_lists,
        floor: 0.9,
        tolerance: 1e-4,
    },
    Structure {
        name: "ivf, product of 4 bits",
        make: |metric, dimensions, rows| {
            let codec = Codec::Product {
                parts: dimensions.div_ceil(2),
                centroids: 16,
                rotated: false,
            };
            lists(metric, dimensions, rows, codec)
        },
        load: load_lists,
        floor: 0.85,
        tolerance: 1e-4,
    },
    Structure {
        name: "ivf, rabitq of 1 bit",
        make: |metric, dimensions, rows| lists(metric, dimensions, rows, Codec::Rabitq { bits: 1 }),
        load: load_lists,
        floor: 0.7,
        tolerance: 1e-4,
    },
    Structure {
        name: "lsh",
        make: |metric, dimensions, rows| {
            let options = LshOptions {
                tables: 6,
                bits: 6,
                ..LshOptions::default()
            };
            Box::new(Lsh::train(metric, rows, dimensions, options).unwrap())
        },
        load: |bytes| Ok(Box::new(Lsh::load(bytes)?)),
        floor: 0.7,
        tolerance: 1e-4,
    },
];
