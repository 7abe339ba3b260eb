//! The vectors that are measured with: from a file, or made; and what is truly nearest among them.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use arrow::array::{Array, FixedSizeListArray, Float32Array, ListArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use helios_vector::{Accept, Metric, Work, search_exact};
use heliosdb::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::args::{BenchMetric, VectorBenchArgs};

/// How many are asked for.
pub const WANTED: usize = 10;

/// Vectors, queries and their nearest.
pub struct Data {
    pub metric: Metric,
    pub width: usize,
    pub base: Vec<f32>,
    pub queries: Vec<f32>,
    /// Of each query, the numbers of the nearest rows.
    pub truth: Vec<Vec<u64>>,
}

impl Data {
    /// Reads or makes what the arguments say.
    pub fn new(args: &VectorBenchArgs) -> Result<Self> {
        let wanted = args.rows.saturating_add(args.queries);
        let (mut values, width) = match &args.data {
            Some(file) => read(file, &args.column, wanted)?,
            None => (clouds(wanted, args.dims.into()), args.dims.into()),
        };
        let metric = match args.metric {
            BenchMetric::Cosine => Metric::Cosine,
            BenchMetric::L2 => Metric::L2,
        };
        if metric == Metric::Cosine {
            // Peers know products only; of unit vectors they order as angles do.
            values.chunks_exact_mut(width).for_each(unit);
        }
        let rows = (values.len() / width.max(1)).saturating_sub(args.queries);
        if rows < WANTED {
            return Err(Error::new(
                heliosdb::SqlState::INVALID_PARAMETER_VALUE,
                format!("there are only {} vectors", values.len() / width.max(1)),
            )
            .with_hint("Ask for fewer queries."));
        }
        let queries = values.split_off(rows * width);
        let mut data = Self {
            metric,
            width,
            base: values,
            queries,
            truth: Vec::new(),
        };
        data.truth = data
            .each_query()
            .map(|query| data.nearest(query, |_| true))
            .collect::<Result<_>>()?;
        Ok(data)
    }

    /// How many vectors there are to search.
    pub fn rows(&self) -> usize {
        self.base.len() / self.width
    }

    /// The queries, one by one.
    pub fn each_query(&self) -> std::slice::ChunksExact<'_, f32> {
        self.queries.chunks_exact(self.width)
    }

    /// The nearest of the rows that are allowed.
    pub fn nearest(&self, query: &[f32], allowed: impl Fn(u64) -> bool + Sync) -> Result<Vec<u64>> {
        let threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
        let work = Work::threads(threads);
        let filter = Accept(allowed);
        let found = search_exact(self.metric, &self.base, query, WANTED, &filter, work);
        let found = found.map_err(|error| Error::internal("exact search").with_source(error))?;
        Ok(found.into_iter().map(|found| found.id).collect())
    }

    /// The share of the true neighbours of a query among what was found.
    pub fn hits(&self, query: usize, found: impl IntoIterator<Item = u64>) -> usize {
        let truth = self.truth.get(query).map_or(&[][..], Vec::as_slice);
        found.into_iter().filter(|id| truth.contains(id)).count()
    }

    /// Writes all of it for programs that measure beside.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let put = |name: &str, bytes: Vec<u8>| {
            let place = folder.join(name);
            File::create(&place)
                .and_then(|mut file| file.write_all(&bytes))
                .map_err(|error| Error::io(format!("write \"{}\"", place.display()), error))
        };
        let floats = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
        put("base.f32", floats(&self.base))?;
        put("queries.f32", floats(&self.queries))?;
        let ids = self.truth.iter().flatten();
        let ids = ids.flat_map(|id| u32::try_from(*id).unwrap_or(u32::MAX).to_le_bytes());
        put("truth.u32", ids.collect())
    }
}

fn unit(row: &mut [f32]) {
    let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|x| *x /= length);
    }
}

/// Vectors around centres, as embeddings lie: few directions matter in each cloud.
fn clouds(rows: usize, width: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    // Three of them together are nearly normal.
    let mut normal = move || (next() + next() + next()) * 2.0 - 3.0;
    let count = rows.isqrt().clamp(1, 1000);
    let centres: Vec<f32> = (0..count * width).map(|_| normal()).collect();
    let spreads: Vec<f32> = (0..count * width).map(|_| normal().abs() * 0.6).collect();
    let mut values = Vec::with_capacity(rows * width);
    for row in 0..rows {
        // A step that shares no factor with most counts visits all of them.
        let at = row.wrapping_mul(7919) % count * width;
        let (Some(centre), Some(spread)) =
            (centres.get(at..at + width), spreads.get(at..at + width))
        else {
            continue;
        };
        values.extend(centre.iter().zip(spread).map(|(c, s)| c + s * normal()));
    }
    values
}

/// The lists of numbers in a column of a Parquet file, at most `most` of them.
fn read(path: &Path, column: &str, most: usize) -> Result<(Vec<f32>, usize)> {
    let failed = |error: String| {
        Error::new(
            heliosdb::SqlState::INVALID_PARAMETER_VALUE,
            format!("cannot read vectors from \"{}\"", path.display()),
        )
        .with_detail(error)
    };
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| failed(error.to_string()))?;
    let at = reader
        .schema()
        .index_of(column)
        .map_err(|error| failed(error.to_string()))?;
    let mask = ProjectionMask::roots(reader.parquet_schema(), [at]);
    let batches = reader
        .with_projection(mask)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let (mut values, mut width) = (Vec::new(), 0);
    for batch in batches {
        let batch = batch.map_err(|error| failed(error.to_string()))?;
        let lists = batch.column(0);
        let (inner, rows) = if let Some(lists) = lists.as_any().downcast_ref::<FixedSizeListArray>()
        {
            (lists.values().clone(), lists.len())
        } else if let Some(lists) = lists.as_any().downcast_ref::<ListArray>() {
            (lists.values().clone(), lists.len())
        } else {
            return Err(failed(format!("column \"{column}\" is no list of numbers")));
        };
        let numbers =
            cast(&inner, &DataType::Float32).map_err(|error| failed(error.to_string()))?;
        let Some(numbers) = numbers.as_any().downcast_ref::<Float32Array>() else {
            return Err(failed(format!("column \"{column}\" is no list of numbers")));
        };
        let here = numbers.len() / rows.max(1);
        if here == 0 || width != 0 && here != width || !numbers.len().is_multiple_of(rows.max(1)) {
            return Err(failed("its lists are not of one length".to_owned()));
        }
        width = here;
        values.extend_from_slice(numbers.values());
        if values.len() / width >= most {
            values.truncate(most * width);
            break;
        }
    }
    Ok((values, width))
}
