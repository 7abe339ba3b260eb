//! Recall beside speed of one structure.

use std::collections::HashSet;
use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use helios_vector::{
    All, Calibrator, Codec, Effort, Hnsw, HnswOptions, Index, Ivf, IvfOptions, Lsh, LshOptions,
    Metric, Neighbour, OpqQuantizer, ProductQuantizer, Quantizer, RabitqQuantizer, ScalarQuantizer,
    Source, Work, search_exact,
};

use crate::arguments::Arguments;
use crate::matrix::Matrix;

/// Builds the structure and prints a line for each effort.
pub fn run(structure: &str, matrix: &Matrix, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let width = matrix.width;
    let queries = arguments.number("queries", 1000)?;
    let rows = (matrix.values.len() / width).saturating_sub(queries);
    let (base, queries) = matrix.values.split_at(rows * width);
    let metric = match arguments.text("metric", "l2") {
        "l2" => Metric::L2,
        "ip" => Metric::InnerProduct,
        "cosine" => Metric::Cosine,
        "l1" => Metric::L1,
        other => return Err(format!("no metric \"{other}\"").into()),
    };
    let threads = NonZeroUsize::new(arguments.number("threads", 1)?).ok_or("no threads")?;
    let k = arguments.number("k", 10)?;
    let truth: Vec<HashSet<u64>> = queries
        .chunks_exact(width)
        .map(|query| {
            let found = search_exact(metric, base, query, k, &All, Work::threads(threads))?;
            Ok(found.into_iter().map(|found| found.id).collect())
        })
        .collect::<Result<_, helios_vector::Error>>()?;

    let start = clock(threads);
    let (index, quantizer) = build(structure, metric, base, width, threads, arguments)?;
    let seconds = clock(threads) - start;
    let bytes = index.memory().total();
    eprintln!("{:?}\n{:?}", index.memory(), index.statistics());

    let name = format!("heliosdb {structure}\t{quantizer}\t{threads}");
    let measure = |effort: Effort, rounds: usize| -> Result<(), helios_vector::Error> {
        let mut best = f64::INFINITY;
        let mut recall = 0.0;
        for _ in 0..rounds {
            let start = clock(threads);
            let hits = search(&*index, queries, k, effort, &truth, threads)?;
            best = best.min(clock(threads) - start);
            recall = hits as f64 / (truth.len() * k) as f64;
        }
        println!(
            "{name}\t{}\t{recall:.4}\t{:.0}\t{seconds:.1}\t{bytes}",
            effort.breadth,
            truth.len() as f64 / best
        );
        Ok(())
    };
    let rescored = arguments.number("rescored", 0)?;
    if arguments.number("targets", 0)? == 1 {
        // Efforts are chosen by some queries and measured with the others.
        let known = truth.len() / 10;
        let mut calibrator = Calibrator::new(
            metric,
            width,
            false,
            &base[..base.len().min(40_000 * width)],
        )?;
        for query in queries.chunks_exact(width).take(known) {
            calibrator.hold(query)?;
        }
        let ids: Vec<u64> = (0..rows as u64).collect();
        calibrator.meet(&ids, base, Work::threads(threads))?;
        let (asked, truth) = (&queries[known * width..], &truth[known..]);
        let own: Vec<usize> = (0..rows).step_by(rows / truth.len().max(1)).collect();
        for effort in arguments.numbers("efforts", "10,15,23,35,53,80,120,180,270,405,608,912")? {
            let effort = Effort::breadth(effort).rescoring(rescored);
            let share = calibrator.ask(&*index, effort, &[(k, k)], Work::default())?;
            let share = share.first();
            let start = clock(threads);
            let hits = search(&*index, asked, k, effort, truth, threads)?;
            let seconds = clock(threads) - start;
            let found = hits as f64 / (truth.len() * k) as f64;
            let mut hits = 0;
            for row in &own {
                let query = &base[row * width..(row + 1) * width];
                let others = |found: Vec<Neighbour>| -> HashSet<u64> {
                    let ids = found.into_iter().map(|found| found.id);
                    ids.filter(|id| *id != *row as u64).take(k).collect()
                };
                let near = others(search_exact(
                    metric,
                    base,
                    query,
                    k + 1,
                    &All,
                    Work::threads(threads),
                )?);
                hits += others(index.search(query, k + 1, &All, effort)?)
                    .intersection(&near)
                    .count();
            }
            println!(
                "{name}\t{}\tat least {:.4}\tqueries {found:.4}\trows {:.4}\t{:.0}",
                effort.breadth,
                share.map_or(0.0, |share| share.least),
                hits as f64 / (own.len() * k) as f64,
                truth.len() as f64 / seconds
            );
        }
        return Ok(());
    }
    if arguments.number("ask", 0)? == 1 {
        // Whoever measures others beside this one says when it is its turn.
        println!("ready");
        for line in std::io::stdin().lines() {
            measure(
                Effort::breadth(line?.trim().parse()?).rescoring(rescored),
                1,
            )?;
        }
        return Ok(());
    }
    for effort in arguments.numbers("efforts", "10,20,40,80,160,320")? {
        let effort = Effort::breadth(effort).rescoring(rescored);
        measure(effort, arguments.number("rounds", 3)?)?;
    }
    Ok(())
}

/// Searches for all queries; returns how many of the true neighbours were found.
fn search(
    index: &dyn Index,
    queries: &[f32],
    k: usize,
    effort: Effort,
    truth: &[HashSet<u64>],
    threads: NonZeroUsize,
) -> Result<usize, helios_vector::Error> {
    let queries: Vec<&[f32]> = queries.chunks_exact(index.dimensions()).collect();
    let (next, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let run = || -> Result<(), helios_vector::Error> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(query) = queries.get(at) else {
                return Ok(());
            };
            let found = index.search(query, k, &All, effort)?;
            let right = found.iter().filter(|found| truth[at].contains(&found.id));
            hits.fetch_add(right.count(), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get()).map(|_| scope.spawn(run)).collect();
        let mut outcome = run();
        for other in others {
            outcome = outcome.and(other.join().unwrap_or(Err(helios_vector::Error::Cancelled)));
        }
        outcome
    })?;
    Ok(hits.into_inner())
}

/// Learns a quantizer: `quantizer=none|sq8|sq4|pq|opq|rabitq`, with `parts`, `centroids`, `bits`.
fn quantizer(
    metric: Metric,
    base: &[f32],
    width: usize,
    work: Work<'_>,
    arguments: &Arguments,
) -> Result<Option<Arc<dyn Quantizer>>, Box<dyn Error>> {
    let sample = &base[..base.len().min(100_000 * width)];
    let mut rows = Vec::with_capacity(sample.len());
    for row in sample.chunks_exact(width) {
        rows.extend(metric.prepare(width, row)?);
    }
    let parts = arguments.number("parts", width / 4)?;
    let centroids = arguments.number("centroids", 256)?;
    Ok(Some(match arguments.text("quantizer", "none") {
        "none" => return Ok(None),
        "sq8" => Arc::new(ScalarQuantizer::train(&rows, width, 8)?),
        "sq4" => Arc::new(ScalarQuantizer::train(&rows, width, 4)?),
        "pq" => Arc::new(ProductQuantizer::train(
            &rows, width, parts, centroids, 1, work,
        )?),
        "opq" => Arc::new(OpqQuantizer::train(
            &rows, width, parts, centroids, 1, work,
        )?),
        "rabitq" => {
            let bits = arguments.number("bits", 1)?;
            Arc::new(RabitqQuantizer::train(&rows, width, bits, 1)?)
        }
        other => return Err(format!("no quantizer \"{other}\"").into()),
    }))
}

/// The codes of an inverted file, by the same words.
fn codec(width: usize, arguments: &Arguments) -> Result<Codec, Box<dyn Error>> {
    let kind = arguments.text("quantizer", "none");
    Ok(match kind {
        "none" => Codec::Full,
        "sq8" => Codec::Scalar { bits: 8 },
        "sq4" => Codec::Scalar { bits: 4 },
        "pq" | "opq" => Codec::Product {
            parts: arguments.number("parts", width / 4)?,
            centroids: arguments.number("centroids", 256)?,
            rotated: kind == "opq",
        },
        "rabitq" => Codec::Rabitq {
            bits: arguments.number("bits", 1)?,
        },
        other => return Err(format!("no quantizer \"{other}\"").into()),
    })
}

/// Seconds, of the processor if there is one thread: other programs take none of those.
fn clock(threads: NonZeroUsize) -> f64 {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let spent = spent.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    match spent {
        Some(nanoseconds) if threads.get() == 1 => nanoseconds / 1e9,
        _ => START.get_or_init(Instant::now).elapsed().as_secs_f64(),
    }
}

static START: OnceLock<Instant> = OnceLock::new();

fn build(
    structure: &str,
    metric: Metric,
    base: &[f32],
    width: usize,
    threads: NonZeroUsize,
    arguments: &Arguments,
) -> Result<(Box<dyn Index>, String), Box<dyn Error>> {
    let ids: Vec<u64> = (0..(base.len() / width) as u64).collect();
    let work = Work::threads(threads);
    let quantizer = match structure {
        "hnsw" => quantizer(metric, base, width, work, arguments)?,
        _ => None,
    };
    let name = match &quantizer {
        Some(quantizer) => quantizer.name(),
        None => arguments.text("quantizer", "f32").to_owned(),
    };
    let index: Box<dyn Index> = match structure {
        "hnsw" => {
            let options = HnswOptions {
                m: arguments.number("m", 16)?,
                ef_construction: arguments.number("ef_construction", 128)?,
                ..HnswOptions::default()
            };
            // Without full vectors, `keep=0`, candidates are rescored from a table of them, but for `source=0`.
            let keep = arguments.number("keep", 1)? == 1;
            match quantizer {
                Some(quantizer) => {
                    let index = Hnsw::quantized(metric, options, quantizer, keep)?;
                    if keep || arguments.number("source", 1)? == 0 {
                        Box::new(index)
                    } else {
                        Box::new(index.with_source(Arc::new(Table::new(base, width))))
                    }
                }
                None => Box::new(Hnsw::new(metric, width, options)?),
            }
        }
        "ivf" => {
            let options = IvfOptions {
                lists: arguments.number("lists", ids.len().isqrt())?,
                codec: codec(width, arguments)?,
                keep: arguments.number("keep", 1)? == 1,
                ..IvfOptions::default()
            };
            let sample = &base[..base.len().min(options.lists * 128 * width)];
            let index = Ivf::train(metric, sample, width, options, work)?;
            if options.keep || arguments.number("source", 1)? == 0 {
                Box::new(index)
            } else {
                Box::new(index.with_source(Arc::new(Table::new(base, width))))
            }
        }
        "lsh" => {
            let options = LshOptions {
                tables: arguments.number("tables", 8)?,
                bits: arguments.number("bits", 12)?,
                ..LshOptions::default()
            };
            Box::new(Lsh::train(metric, base, width, options)?)
        }
        other => return Err(format!("no structure \"{other}\"").into()),
    };
    index.insert(&ids, base, work)?;
    Ok((index, name))
}

/// Full vectors outside of the index, as a table has them.
#[derive(Debug)]
struct Table {
    values: Vec<f32>,
    width: usize,
}

impl Table {
    fn new(base: &[f32], width: usize) -> Self {
        Self {
            values: base.to_vec(),
            width,
        }
    }
}

impl Source for Table {
    fn vector(&self, id: u64, vector: &mut [f32]) -> bool {
        self.lying(id).is_some_and(|row| {
            vector.copy_from_slice(row);
            true
        })
    }

    fn lying(&self, id: u64) -> Option<&[f32]> {
        self.values.chunks_exact(self.width).nth(id as usize)
    }
}
