//! The structures of `helios-vector`, as a definition wants them.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState};
use helios_vector::{
    BitQuantizer, Codec, Hnsw, HnswOptions, Index, Ivf, IvfOptions, Lsh, LshOptions, Metric,
    OpqQuantizer, ProductQuantizer, Quantizer, RabitqQuantizer, ScalarQuantizer, Work,
};

use super::effort::FINE;
use crate::catalog::{Blueprint, Method, Quantization};

/// Fewer vectors than this teach nothing: the structure keeps them as they are.
const TRAINED_MIN: usize = 64;
/// Above so many bytes of vectors an index keeps codes of them, unless it is told otherwise.
const AUTOMATIC: usize = 100 << 20;

/// What an index of these many rows is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    plan: Blueprint,
    quantization: Quantization,
    lists: usize,
}

impl Shape {
    pub(super) fn new(plan: Blueprint, rows: usize) -> Self {
        let bytes = rows.saturating_mul(plan.dimensions).saturating_mul(4);
        let quantization = match plan.quantization {
            _ if rows < TRAINED_MIN => Quantization::None,
            Some(chosen) => chosen,
            None if bytes > AUTOMATIC && plan.method != Method::Lsh && !plan.of_bits => {
                match plan.metric {
                    // Whoever turns a vector does not keep these, and has to undo it for each.
                    Metric::L1 => Quantization::Scalar { bits: 8 },
                    _ => Quantization::Rabitq { bits: 4 },
                }
            }
            None => Quantization::None,
        };
        let lists = plan.lists.unwrap_or_else(|| rows.isqrt());
        Self {
            plan,
            quantization,
            lists: lists.min(rows).max(1),
        }
    }

    /// The codes that stand for vectors.
    pub(super) fn quantization(&self) -> Quantization {
        self.quantization
    }

    /// How many lists vectors are put into, where they are.
    pub(super) fn lists(&self) -> usize {
        self.lists
    }

    /// Whether it keeps codes that have to be learnt.
    pub(super) fn has_codes(&self) -> bool {
        self.quantization != Quantization::None
    }

    /// Whether vectors like those that will come are wanted first.
    pub(super) fn learns(&self) -> bool {
        self.plan.method != Method::Hnsw || self.quantization != Quantization::None
    }

    /// So many times as many candidates as are wanted are looked at, since codes tell their order only about.
    pub(super) fn times(&self) -> u8 {
        match self.quantization {
            Quantization::None => 1,
            Quantization::Scalar { bits: 8 } | Quantization::Rabitq { bits: 4 | 8 } => FINE as u8,
            _ => 4,
        }
    }

    /// An index without vectors, which has learnt from `sample`.
    pub(super) fn make(&self, sample: &[f32], work: Work<'_>) -> Result<Box<dyn Index>> {
        let Blueprint {
            metric, dimensions, ..
        } = self.plan;
        // Any direction will do where there is nothing to learn from.
        let mut any = vec![0.0; dimensions];
        if let Some(first) = any.first_mut() {
            *first = 1.0;
        }
        let sample = match sample.is_empty() {
            true => any.as_slice(),
            false => sample,
        };
        let made: helios_vector::Result<Box<dyn Index>> = match self.plan.method {
            Method::Hnsw => self.graph(sample, work).map(|graph| Box::new(graph) as _),
            Method::Ivf => {
                let options = IvfOptions {
                    lists: self.lists,
                    codec: self.codec(),
                    keep: false,
                    ..IvfOptions::default()
                };
                Ivf::train(metric, sample, dimensions, options, work)
                    .map(|lists| Box::new(lists) as _)
            }
            Method::Lsh => Lsh::train(metric, sample, dimensions, LshOptions::default())
                .map(|tables| Box::new(tables) as _),
        };
        made.map_err(failure)
    }

    fn graph(&self, sample: &[f32], work: Work<'_>) -> helios_vector::Result<Hnsw> {
        let Blueprint {
            metric,
            dimensions,
            m,
            ef_construction,
            ..
        } = self.plan;
        let options = HnswOptions {
            m,
            ef_construction,
            ..HnswOptions::default()
        };
        let mut prepared = Vec::with_capacity(sample.len());
        if self.quantization != Quantization::None {
            for row in sample.chunks_exact(dimensions) {
                prepared.extend(metric.prepare(dimensions, row)?);
            }
        }
        let quantizer: Arc<dyn Quantizer> = match self.quantization {
            Quantization::None if self.plan.of_bits => Arc::new(BitQuantizer::new(dimensions)?),
            Quantization::None => return Hnsw::new(metric, dimensions, options),
            Quantization::Scalar { bits } => {
                Arc::new(ScalarQuantizer::train(&prepared, dimensions, bits)?)
            }
            Quantization::Product {
                parts,
                centroids,
                rotated: false,
            } => Arc::new(ProductQuantizer::train(
                &prepared, dimensions, parts, centroids, 0, work,
            )?),
            Quantization::Product {
                parts, centroids, ..
            } => Arc::new(OpqQuantizer::train(
                &prepared, dimensions, parts, centroids, 0, work,
            )?),
            Quantization::Rabitq { bits } => {
                Arc::new(RabitqQuantizer::train(&prepared, dimensions, bits, 0)?)
            }
        };
        Hnsw::quantized(metric, options, quantizer, false)
    }

    fn codec(&self) -> Codec {
        match self.quantization {
            Quantization::None => Codec::Full,
            Quantization::Scalar { bits } => Codec::Scalar { bits },
            Quantization::Product {
                parts,
                centroids,
                rotated,
            } => Codec::Product {
                parts,
                centroids,
                rotated,
            },
            Quantization::Rabitq { bits } => Codec::Rabitq { bits },
        }
    }
}

/// Whether an index can have this vector: without a direction there is no angle.
pub(super) fn holds(metric: Metric, vector: &[f32]) -> bool {
    metric != Metric::Cosine || vector.iter().any(|number| *number != 0.0)
}

/// The structure that was saved.
pub(super) fn load(method: Method, bytes: &[u8]) -> Result<Box<dyn Index>> {
    let loaded: helios_vector::Result<Box<dyn Index>> = match method {
        Method::Hnsw => Hnsw::load(bytes).map(|graph| Box::new(graph) as _),
        Method::Ivf => Ivf::load(bytes).map(|lists| Box::new(lists) as _),
        Method::Lsh => Lsh::load(bytes).map(|tables| Box::new(tables) as _),
    };
    loaded.map_err(|error| Error::corrupt("a saved index of nearness is none").with_source(error))
}

/// A failure of the structures, as the database shows it.
pub(super) fn failure(error: helios_vector::Error) -> Error {
    let state = match &error {
        helios_vector::Error::Cancelled => SqlState::QUERY_CANCELED,
        helios_vector::Error::Full { .. } => SqlState::PROGRAM_LIMIT_EXCEEDED,
        helios_vector::Error::Option { .. } => SqlState::INVALID_PARAMETER_VALUE,
        _ => return Error::internal("an index of nearness failed").with_source(error),
    };
    Error::new(state, error.to_string())
}
