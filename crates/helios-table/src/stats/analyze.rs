//! `ANALYZE`: how the values of each column are spread.

use std::collections::HashMap;
use std::sync::Arc;

use helios_base::key::{self, KeyOrder};
use helios_base::{ColumnId, DataType, Result, Scn, Value};
use helios_version::Read;
use serde::{Deserialize, Serialize};

use crate::access::TableReader;
use crate::catalog::{TableDef, codec};
use crate::row::KeyRange;
use crate::system;
use crate::tables::Tables;
use crate::transaction::Transaction;

/// How many rows are looked at closely.
const SAMPLE: usize = 30_000;
/// How many of the most common values are kept.
const COMMON: usize = 20;
/// How many bounds a histogram has at most.
const BOUNDS: usize = 101;

/// What `ANALYZE` found out about a table.
#[derive(Clone, Debug, Serialize)]
pub struct TableStats {
    /// How many rows it had.
    pub rows: u64,
    /// Its columns.
    pub columns: Vec<ColumnStats>,
}

/// What `ANALYZE` found out about a column.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "Stored")]
pub struct ColumnStats {
    /// The column.
    pub column: ColumnId,
    /// Its type then.
    pub ty: DataType,
    /// The share of NULLs, 0 to 1.
    pub null_fraction: f64,
    /// About how many different values there are, NULL not counted.
    pub distinct: f64,
    /// Mean width of a value in key bytes.
    pub width: f64,
    /// The most common values with their shares of all rows, most common first.
    pub common: Vec<(Value, f64)>,
    /// Values that divide the others into parts of equal size, ascending; the first and last are
    /// the least and greatest value seen. Empty for types without order.
    pub histogram: Vec<Value>,
}

impl TableStats {
    /// The statistics of a column.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> Option<&ColumnStats> {
        self.columns.iter().find(|column| column.column == id)
    }
}

impl Tables {
    /// What the last `ANALYZE` that `read` sees found.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    ///
    /// # Cost
    /// A point read; decodes them only after an `ANALYZE`.
    pub fn statistics(&self, read: &dyn Read, table: &TableDef) -> Result<Option<Arc<TableStats>>> {
        let Some(found) = read.get(system::STATISTICS, &codec::key(table.id.0))? else {
            return Ok(None);
        };
        if let Some((begin, stats)) = self.statistics.lock().get(&table.id)
            && *begin == found.begin
        {
            return Ok(Some(stats.clone()));
        }
        let stored: StoredTable = codec::decode(&found.row)?;
        let stats = Arc::new(stored.of(table)?);
        // Uncommitted versions all have the same number, so they cannot be told apart by it.
        if found.begin != Scn::MAX {
            let known = (found.begin, stats.clone());
            self.statistics.lock().insert(table.id, known);
        }
        Ok(Some(stats))
    }
}

impl Transaction {
    /// `ANALYZE table`: reads the table, stores what it finds.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; as any write.
    ///
    /// # Cost
    /// Reads every row; decodes and sorts a sample of 30,000.
    pub fn analyze(&self, table: &TableDef) -> Result<TableStats> {
        let view = self.view()?;
        let reader = TableReader::new(table, &view);
        let mut scan = reader.scan(&KeyRange::ALL, false)?;
        // Reservoir sampling with a fixed seed, so that the same table gives the same statistics.
        let mut sample: Vec<Vec<Value>> = Vec::new();
        let mut seen = 0_u64;
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        loop {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let place = match sample.len() {
                len if len < SAMPLE => Some(len),
                _ => usize::try_from(random % (seen + 1))
                    .ok()
                    .filter(|place| *place < SAMPLE),
            };
            let more = scan.next(|row| {
                match place {
                    Some(place) if place < sample.len() => sample[place] = row.values()?,
                    Some(_) => sample.push(row.values()?),
                    None => {}
                }
                Ok(())
            })?;
            if more.is_none() {
                break;
            }
            seen += 1;
        }
        let columns = table
            .columns
            .iter()
            .enumerate()
            .map(|(position, column)| {
                let values = sample.iter().filter_map(|row| row.get(position));
                column_stats(column.id, &column.ty, values, sample.len(), seen)
            })
            .collect();
        let stats = TableStats {
            rows: seen,
            columns,
        };
        let row = codec::encode(&stats)?;
        self.txn()
            .put(system::STATISTICS, &codec::key(table.id.0), &row, &[])?;
        let count = i64::try_from(seen).unwrap_or(i64::MAX);
        let committed = count - self.uncommitted_rows(table.storage);
        self.tables()
            .counts
            .set(self.branch(), table.storage, committed);
        // For the statements that see this already, and for all others once it has committed.
        self.tables().counts.note_change();
        self.with_state(|state| state.analyzed = true);
        Ok(stats)
    }
}

#[allow(clippy::cast_precision_loss, reason = "shares and estimates")]
fn column_stats<'v>(
    column: ColumnId,
    ty: &DataType,
    values: impl Iterator<Item = &'v Value>,
    sampled: usize,
    rows: u64,
) -> ColumnStats {
    let mut nulls = 0_usize;
    let mut bytes = 0_usize;
    let mut groups: HashMap<Vec<u8>, (usize, &Value)> = HashMap::new();
    for value in values {
        if value.is_null() {
            nulls += 1;
            continue;
        }
        let mut encoded = Vec::new();
        // Types without an order (json) have no distinct values either.
        if key::encode(value, ty, KeyOrder::ASC, &mut encoded).is_err() {
            continue;
        }
        bytes += encoded.len();
        groups.entry(encoded).or_insert((0, value)).0 += 1;
    }
    let present: usize = groups.values().map(|(count, _)| count).sum();
    let once = groups.values().filter(|(count, _)| *count == 1).count();
    let share = |count: usize| count as f64 / sampled.max(1) as f64;

    let mut sorted: Vec<(Vec<u8>, (usize, &Value))> = groups.into_iter().collect();
    sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let distinct = estimate_distinct(sorted.len(), once, present, sampled, rows);

    // A value is common if it stands out from the average.
    let average = present as f64 / sorted.len().max(1) as f64;
    let few = sorted.len() <= COMMON;
    let mut common: Vec<(usize, &Value)> = sorted
        .iter()
        .map(|(_, group)| *group)
        .filter(|(count, _)| *count > 1 && (few || *count as f64 > 1.25 * average))
        .collect();
    common.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    common.truncate(COMMON);
    let common: Vec<(Value, f64)> = common
        .into_iter()
        .map(|(count, value)| (value.clone(), share(count)))
        .collect();

    ColumnStats {
        column,
        ty: ty.clone(),
        null_fraction: share(nulls),
        distinct,
        width: bytes as f64 / present.max(1) as f64,
        common,
        histogram: histogram(&sorted, present),
    }
}

/// Haas and Stokes' estimator, as PostgreSQL uses it; exact when every row was looked at.
///
/// # Source
/// Haas, Stokes: "Estimating the number of classes in a finite population", IBM RJ 10025.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn estimate_distinct(groups: usize, once: usize, present: usize, sampled: usize, rows: u64) -> f64 {
    if rows <= sampled as u64 || present == 0 {
        return groups as f64;
    }
    let population = rows as f64 * present as f64 / sampled.max(1) as f64;
    let (n, d, f1) = (present as f64, groups as f64, once as f64);
    let estimate = n * d / ((n - f1) + f1 * n / population);
    estimate.clamp(d, population)
}

/// Bounds of equally filled parts over all values of the sample.
fn histogram(sorted: &[(Vec<u8>, (usize, &Value))], present: usize) -> Vec<Value> {
    let bounds = BOUNDS.min(sorted.len());
    if bounds < 2 {
        return sorted.iter().map(|(_, (_, v))| (*v).clone()).collect();
    }
    let mut result = Vec::with_capacity(bounds);
    let mut passed = 0;
    for (_, (count, value)) in sorted {
        passed += count;
        // The bound number k stands at the row number k · (present − 1) / (bounds − 1).
        while result.len() < bounds && result.len() * (present - 1) / (bounds - 1) < passed {
            result.push((*value).clone());
        }
    }
    result
}

/// A column's statistics as they are stored.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    #[serde(with = "codec::id")]
    column: ColumnId,
    #[serde(with = "codec::ty")]
    ty: DataType,
    nulls: f64,
    distinct: f64,
    width: f64,
    common: Vec<(String, f64)>,
    histogram: Vec<String>,
}

impl From<ColumnStats> for Stored {
    fn from(stats: ColumnStats) -> Self {
        let ty = stats.ty;
        // Values that do not encode are left out; they could not be compared with anyway.
        let hex = |value: &Value| codec::value_to_hex(value, &ty).ok();
        let common = stats.common.iter();
        Self {
            column: stats.column,
            nulls: stats.null_fraction,
            distinct: stats.distinct,
            width: stats.width,
            common: common.filter_map(|(v, n)| Some((hex(v)?, *n))).collect(),
            histogram: stats.histogram.iter().filter_map(hex).collect(),
            ty,
        }
    }
}

/// A table's statistics as they are stored.
#[derive(Deserialize)]
struct StoredTable {
    rows: u64,
    columns: Vec<Stored>,
}

impl StoredTable {
    fn of(self, table: &TableDef) -> Result<TableStats> {
        let columns = self.columns.into_iter().map(|stored| {
            let declared = table.column_by_id(stored.column);
            stored.of(declared.map(|(_, column)| &column.ty))
        });
        Ok(TableStats {
            rows: self.rows,
            columns: columns.collect::<Result<_>>()?,
        })
    }
}

impl Stored {
    /// The statistics of a column that is now declared so. Only its declaration knows what a user's
    /// type looks like; without it the values stay unread.
    fn of(self, declared: Option<&DataType>) -> Result<ColumnStats> {
        let number = |ty: &DataType| ty.user_type().map(|user| user.oid);
        let (ty, readable) = match declared {
            _ if number(&self.ty).is_none() => (self.ty, true),
            Some(declared) if number(declared) == number(&self.ty) => (declared.clone(), true),
            _ => (self.ty, false),
        };
        let value = |hex: &String| codec::value_from_hex(hex, &ty);
        let common = self.common.iter().filter(|_| readable);
        let common = common.map(|(hex, share)| Ok((value(hex)?, *share)));
        let histogram = self.histogram.iter().filter(|_| readable).map(value);
        Ok(ColumnStats {
            column: self.column,
            null_fraction: self.nulls,
            distinct: self.distinct,
            width: self.width,
            common: common.collect::<Result<_>>()?,
            histogram: histogram.collect::<Result<_>>()?,
            ty,
        })
    }
}
