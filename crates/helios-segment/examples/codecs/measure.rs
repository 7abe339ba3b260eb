//! One codec over one column.

use std::time::{Duration, Instant};

use arrow_array::{Array, ArrayRef};
use helios_segment::{Block, CHUNK_ROWS, Codec, Effort, codecs};

use crate::{Failure, Named, whole};

/// What a codec did to a column.
struct Measured {
    name: String,
    bytes: usize,
    compress: f64,
    decompress: f64,
}

/// How often the choice is near the best.
#[derive(Default)]
pub struct Score {
    columns: usize,
    warm_near: usize,
    cold_near: usize,
    misses: Vec<String>,
}

impl Score {
    pub fn print(&self) {
        let share = |near: usize| 100.0 * near as f64 / self.columns.max(1) as f64;
        println!(
            "\n{} columns. Warm: {} ({:.0} %) within 5 % of the least cost of any codec with a factor; \
             cold: {} ({:.0} %) within 5 % of the fewest bytes of any codec.",
            self.columns,
            self.warm_near,
            share(self.warm_near),
            self.cold_near,
            share(self.cold_near)
        );
        for miss in &self.misses {
            println!("- {miss}");
        }
    }
}

/// Factors of cost, as in `choose.rs`; codecs without one are only chosen by name.
fn factor(codec: &str) -> Option<f64> {
    Some(match codec {
        "cascade" | "fsst" | "alp" | "dictionary" | "rle" | "none" => 1.0,
        "delta" | "datetime" => 1.1,
        "chimp" => 1.3,
        "zstd" => 1.6,
        _ => return None,
    })
}

fn chunks(array: &ArrayRef) -> Vec<ArrayRef> {
    (0..array.len())
        .step_by(CHUNK_ROWS)
        .map(|from| array.slice(from, CHUNK_ROWS.min(array.len() - from)))
        .collect()
}

fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64().max(1e-9)
}

/// The best of three.
fn timed<T>(mut work: impl FnMut() -> Result<T, Failure>) -> Result<(T, Duration), Failure> {
    let mut best: Option<(T, Duration)> = None;
    for _ in 0..3 {
        let start = Instant::now();
        let value = work()?;
        let time = start.elapsed();
        if best.as_ref().is_none_or(|(_, least)| time < *least) {
            best = Some((value, time));
        }
    }
    best.ok_or_else(|| "nothing measured".into())
}

fn one(
    codec: &dyn Codec,
    chunks: &[ArrayRef],
    raw: usize,
    effort: Effort,
) -> Result<Measured, Failure> {
    let (blocks, compress) = timed(|| {
        let mut blocks = Vec::new();
        for chunk in chunks {
            let encoded = codec.compress(chunk, effort)?;
            blocks.push(Block {
                bytes: encoded.bytes.into(),
                encodings: encoded.encodings.into(),
                ty: chunk.data_type().clone(),
                rows: chunk.len(),
                nullable: chunk.null_count() > 0,
            });
        }
        Ok(blocks)
    })?;
    let (_, decompress) = timed(|| {
        for block in &blocks {
            codec.decompress(block)?;
        }
        Ok(())
    })?;
    Ok(Measured {
        name: codec.name().to_owned(),
        bytes: blocks.iter().map(|block| block.bytes.len()).sum(),
        compress: rate(raw, compress),
        decompress: rate(raw, decompress),
    })
}

/// One line per column and codec.
pub fn table(title: &str, columns: &[Named], score: &mut Score) -> Result<(), Failure> {
    println!("\n### {title}\n");
    println!("| column | type | raw MB | codec | ratio | compress MB/s | decompress MB/s |");
    println!("|---|---|---:|---|---:|---:|---:|");
    for column in columns {
        let chunks = chunks(&column.array);
        let plain = codecs().iter().find(|codec| codec.name() == "none");
        let plain = plain.ok_or("no plain codec")?;
        let (_, raw) = whole::segment(std::slice::from_ref(&column.array), Effort::Warm)
            .map(|(bytes, report)| (bytes, report.iter().map(|r| r.raw as usize).sum::<usize>()))?;
        let mut results = Vec::new();
        let ty = column.array.data_type();
        for codec in codecs().iter().filter(|codec| codec.fits(ty)) {
            results.push(one(*codec, &chunks, raw, Effort::Warm)?);
        }
        let cold = one(
            *codecs()
                .iter()
                .find(|c| c.name() == "cascade+zstd")
                .unwrap_or(plain),
            &chunks,
            raw,
            Effort::Cold,
        )?;
        let parquet = whole::parquet(std::slice::from_ref(&column.array))?;
        let (read, time) = timed(|| whole::read_parquet(&parquet.0))?;
        debug_assert_eq!(read, column.array.len());
        results.push(Measured {
            name: "(Parquet zstd)".to_owned(),
            bytes: parquet.0.len(),
            compress: rate(raw, parquet.1),
            decompress: rate(raw, time),
        });
        let chosen = |effort| -> Result<(usize, String), Failure> {
            let (_, report) = whole::segment(std::slice::from_ref(&column.array), effort)?;
            let report = report.into_iter().next().ok_or("no report")?;
            let codec = report.codecs.first().map(|(name, _)| name.clone());
            Ok((report.stored as usize, codec.unwrap_or_default()))
        };
        let warm = chosen(Effort::Warm)?;
        let cold_choice = chosen(Effort::Cold)?;
        judge(score, title, column, &results, &cold, &warm, &cold_choice);
        for result in &results {
            let mark = if result.name == warm.1 { " ←" } else { "" };
            println!(
                "| {} | {} | {:.1} | {}{mark} | {:.2} | {:.0} | {:.0} |",
                column.name,
                ty,
                raw as f64 / 1e6,
                result.name,
                raw as f64 / result.bytes.max(1) as f64,
                result.compress,
                result.decompress
            );
        }
    }
    Ok(())
}

fn judge(
    score: &mut Score,
    title: &str,
    column: &Named,
    results: &[Measured],
    cold: &Measured,
    warm: &(usize, String),
    cold_choice: &(usize, String),
) {
    score.columns += 1;
    let cost = |result: &Measured| Some(result.bytes as f64 * factor(&result.name)?);
    let best = results
        .iter()
        .filter_map(|result| Some((cost(result)?, &result.name)))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let own = warm.0 as f64 * factor(&warm.1).unwrap_or(1.0);
    match best {
        Some((least, name)) if own > least * 1.05 => score.misses.push(format!(
            "warm: {title}.{}: chose {}, {name} costs {:.0} % less",
            column.name,
            warm.1,
            100.0 * (1.0 - least / own)
        )),
        _ => score.warm_near += 1,
    }
    let least = results
        .iter()
        .filter(|result| !result.name.starts_with('('))
        .chain([cold])
        .min_by_key(|result| result.bytes);
    match least {
        Some(least) if cold_choice.0 as f64 > least.bytes as f64 * 1.05 => {
            score.misses.push(format!(
                "cold: {title}.{}: chose {}, {} needs {:.0} % less",
                column.name,
                cold_choice.1,
                least.name,
                100.0 * (1.0 - least.bytes as f64 / cold_choice.0 as f64)
            ));
        }
        _ => score.cold_near += 1,
    }
}
