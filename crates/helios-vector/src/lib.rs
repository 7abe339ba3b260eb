//! Vectors: distances, exact search, quantizers and index structures.
//!
//! - [`kernel`]: the inner loops, for the instructions that the processor has;
//! - [`Exact`] and [`search_exact`]: every vector is looked at;
//! - [`Index`]: structures that find approximately the nearest: [`Hnsw`], [`Ivf`], [`Lsh`];
//! - [`Quantizer`] and [`quant`]: vectors in fewer bytes;
//! - [`Calibrator`]: how much of what is nearest an index finds, by how hard it tries;
//! - [`F16`], [`Metric`], [`Filter`]: numbers of 16 bits, what near means, what may be returned.
//!
//! # What it never knows
//! Tables, SQL, transactions, branches, paths. A vector is an array of numbers with an id of the
//! caller's; which ids a statement may see is a [`Filter`]; bytes go to a writer and come from a slice.

mod bytes;
mod calibrate;
mod cluster;
mod error;
mod exact;
mod filter;
mod hnsw;
mod index;
mod ivf;
pub mod kernel;
mod lsh;
mod metric;
mod neighbour;
pub mod quant;
mod rng;
mod rows;
mod sparse;
mod work;

pub use calibrate::{Calibrator, Share, WANTED, WANTED_MANY};
pub use error::{Error, Result};
pub use exact::{Exact, search as search_exact};
pub use filter::{Accept, All, Bitmap, Filter};
pub use helios_base::F16;
pub use hnsw::{Hnsw, HnswOptions};
pub use index::{Effort, Index, IndexKind, Memory, Repaired, Scan, Source, Statistics};
pub use ivf::{Codec, Ivf, IvfOptions};
pub use lsh::{Lsh, LshOptions};
pub use metric::Metric;
pub use neighbour::Neighbour;
pub use quant::{
    BitQuantizer, Estimator, OpqQuantizer, ProductQuantizer, Quantizer, RabitqQuantizer,
    ScalarQuantizer,
};
pub use sparse::Sparse;
pub use work::Work;
