//! Statistics as they are stored: JSON, values as the hexadecimal digits of their keys.

use helios_base::{ColumnId, DataType, Result, Value};
use serde::{Deserialize, Serialize};

use super::analyze::{ColumnStats, TableStats};
use crate::catalog::{TableDef, codec};

/// A column's statistics as they are stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored {
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
pub(super) struct StoredTable {
    rows: u64,
    columns: Vec<Stored>,
}

impl StoredTable {
    pub(super) fn of(self, table: &TableDef) -> Result<TableStats> {
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
