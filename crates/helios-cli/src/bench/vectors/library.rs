//! Our structures by themselves, without a database around them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use helios_vector::{
    All, Effort, Hnsw, HnswOptions, Index, ProductQuantizer, Quantizer, RabitqQuantizer,
    ScalarQuantizer, Source, Work,
};
use heliosdb::{Error, Result};

use super::EFFORTS;
use super::data::{Data, WANTED};
use super::point::Point;
use crate::args::VectorBenchArgs;

/// The best of so many rounds counts.
pub const ROUNDS: usize = 3;
/// Vectors that quantizers learn from.
const SAMPLE: usize = 100_000;

/// Full vectors as a table has them, by which candidates of codes are put in order.
#[derive(Debug)]
struct Rows(Arc<Vec<f32>>, usize);

impl Source for Rows {
    fn vector(&self, id: u64, vector: &mut [f32]) -> bool {
        self.lying(id).is_some_and(|row| {
            vector.copy_from_slice(row);
            true
        })
    }

    fn lying(&self, id: u64) -> Option<&[f32]> {
        let at = usize::try_from(id)
            .unwrap_or(usize::MAX)
            .saturating_mul(self.1);
        self.0.get(at..at.saturating_add(self.1))
    }
}

fn failed(error: helios_vector::Error) -> Error {
    Error::internal("the structure failed").with_source(error)
}

/// Measures graphs of full vectors and of codes.
pub fn measure(data: &Data, args: &VectorBenchArgs) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    let rows = Arc::new(data.base.clone());
    for kind in ["", ", 8 bits", ", product", ", rabitq 1", ", rabitq 4"] {
        if kind.is_empty() || args.quantized {
            points.extend(of(kind, data, &rows, args)?);
        }
    }
    Ok(points)
}

fn quantizer(kind: &str, data: &Data, work: Work<'_>) -> Result<Option<Arc<dyn Quantizer>>> {
    let width = data.width;
    let sample = data.base.get(..SAMPLE * width).unwrap_or(&data.base);
    Ok(Some(match kind {
        ", 8 bits" => Arc::new(ScalarQuantizer::train(sample, width, 8).map_err(failed)?),
        // A byte for four numbers: a sixteenth of the memory.
        ", product" => Arc::new(
            ProductQuantizer::train(sample, width, width.div_ceil(4), 256, 0, work)
                .map_err(failed)?,
        ),
        ", rabitq 1" => Arc::new(RabitqQuantizer::train(sample, width, 1, 0).map_err(failed)?),
        ", rabitq 4" => Arc::new(RabitqQuantizer::train(sample, width, 4, 0).map_err(failed)?),
        _ => return Ok(None),
    }))
}

fn of(kind: &str, data: &Data, rows: &Arc<Vec<f32>>, args: &VectorBenchArgs) -> Result<Vec<Point>> {
    let most = args.threads.iter().copied().max().unwrap_or(1);
    let work = Work::threads(NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN));
    let options = HnswOptions {
        m: args.m,
        ef_construction: args.ef_construction,
        ..HnswOptions::default()
    };
    let began = Instant::now();
    let index = match quantizer(kind, data, work)? {
        None => Hnsw::new(data.metric, data.width, options).map_err(failed)?,
        Some(quantizer) => Hnsw::quantized(data.metric, options, quantizer, false)
            .map_err(failed)?
            .with_source(Arc::new(Rows(Arc::clone(rows), data.width))),
    };
    let ids: Vec<u64> = (0..data.rows() as u64).collect();
    index.insert(&ids, &data.base, work).map_err(failed)?;
    let build = began.elapsed().as_secs_f64();
    let mut saved = Vec::new();
    index.save(&mut saved).map_err(failed)?;
    let mut points = Vec::new();
    for threads in &args.threads {
        for effort in EFFORTS {
            let mut point = Point {
                name: format!("heliosdb{kind}"),
                threads: *threads,
                effort: *effort,
                recall: 0.0,
                speed: 0.0,
                build,
                memory: index.memory().total() as f64,
                disk: saved.len() as f64,
            };
            for _ in 0..ROUNDS {
                let began = Instant::now();
                let hits = search(&index, data, *threads, Effort::breadth(*effort))?;
                let took = began.elapsed().as_secs_f64();
                point.speed = point.speed.max(data.truth.len() as f64 / took);
                point.recall = hits as f64 / (data.truth.len() * WANTED) as f64;
            }
            points.push(point);
        }
    }
    Ok(points)
}

/// Asks all queries; how many of their nearest were found.
fn search(index: &Hnsw, data: &Data, threads: usize, effort: Effort) -> Result<usize> {
    let queries: Vec<&[f32]> = data.each_query().collect();
    let (next, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let run = || -> Result<()> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(query) = queries.get(at) else {
                return Ok(());
            };
            let found = index.search(query, WANTED, &All, effort).map_err(failed)?;
            let hit = data.hits(at, found.into_iter().map(|found| found.id));
            hits.fetch_add(hit, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut outcome = run();
        for other in others {
            let ended = other.join();
            outcome = outcome.and(ended.unwrap_or_else(|_| Err(Error::internal("a thread died"))));
        }
        outcome
    })?;
    Ok(hits.into_inner())
}
