//! Timestamps as days, seconds and fractions: wins where they fall on whole days or seconds.
//!
//! A block is a [`CASCADE`] block of a struct of three `Int64` fields: days since 1970, seconds in the
//! day, units in the second. Vortex has such an encoding too; it refuses years beyond 9999, which
//! PostgreSQL's timestamps reach.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, StructArray, UInt32Array};
use arrow_schema::{DataType, Field, Fields, TimeUnit};

use super::cascade::CASCADE;
use super::delta::with_nulls;
use super::ready::Ready;
use super::storage::{from_storage, to_storage};
use super::{Block, Codec, Effort, Encoded, Known, Opened};
use crate::error::{Error, Result};

const DAY: i64 = 86_400;

/// The codec.
#[derive(Debug)]
pub(super) struct Datetime;

/// Units in a second.
fn units(ty: &DataType) -> Option<i64> {
    match ty {
        DataType::Timestamp(TimeUnit::Second, _) => Some(1),
        DataType::Timestamp(TimeUnit::Millisecond, _) => Some(1_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Some(1_000_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Some(1_000_000_000),
        _ => None,
    }
}

fn fields() -> Fields {
    let field = |name: &str| Field::new(name, DataType::Int64, false);
    vec![field("days"), field("seconds"), field("units")].into()
}

impl Codec for Datetime {
    fn name(&self) -> &'static str {
        "datetime"
    }

    fn fits(&self, ty: &DataType) -> bool {
        units(ty).is_some()
    }

    fn compress(&self, array: &ArrayRef, effort: Effort) -> Result<Encoded> {
        self.compress_known(array, effort, &Known::default())
    }

    fn compress_known(
        &self,
        array: &ArrayRef,
        effort: Effort,
        known: &Known<'_>,
    ) -> Result<Encoded> {
        let units = units(array.data_type())
            .ok_or_else(|| Error::unsupported("only timestamps have days"))?;
        let stored = to_storage(array)?;
        let values = stored.as_primitive::<Int64Type>();
        let part = |part: &dyn Fn(i64) -> i64| -> ArrayRef {
            let one = |value: Option<i64>| part(value.unwrap_or(0));
            Arc::new(Int64Array::from_iter_values(values.iter().map(one)))
        };
        let columns = vec![
            part(&|value| value.div_euclid(DAY * units)),
            part(&|value| value.rem_euclid(DAY * units) / units),
            part(&|value| value.rem_euclid(units)),
        ];
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let parts = StructArray::try_new(fields(), columns, nulls.cloned())?;
        let parts: ArrayRef = Arc::new(parts);
        CASCADE.compress_known(&parts, effort, known)
    }

    fn decompress(&self, block: &Block) -> Result<ArrayRef> {
        join(&CASCADE.decompress(&parts_of(block))?, &block.ty)
    }

    fn slice(&self, block: &Block, rows: Range<usize>) -> Result<ArrayRef> {
        join(&CASCADE.slice(&parts_of(block), rows)?, &block.ty)
    }

    fn open(&self, block: &Block) -> Result<Option<Arc<dyn Opened>>> {
        Ok(Some(Arc::new(Joined {
            parts: Ready::of(&parts_of(block))?,
            ty: block.ty.clone(),
        })))
    }

    fn take(&self, block: &Block, rows: &UInt32Array) -> Result<ArrayRef> {
        join(&CASCADE.take(&parts_of(block), rows)?, &block.ty)
    }
}

/// A block that is ready for reading a few rows.
struct Joined {
    parts: Ready,
    ty: DataType,
}

impl Opened for Joined {
    fn slice(&self, rows: Range<usize>) -> Result<ArrayRef> {
        join(&self.parts.slice(rows)?, &self.ty)
    }

    fn bytes(&self) -> usize {
        self.parts.bytes()
    }
}

fn parts_of(block: &Block) -> Block {
    Block {
        ty: DataType::Struct(fields()),
        ..block.clone()
    }
}

fn join(parts: &ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    let units = units(ty).ok_or_else(|| Error::damaged("days of another type"))?;
    let parts = parts.as_struct();
    let [days, seconds, fractions] = parts.columns() else {
        return Err(Error::damaged("timestamps of other parts"));
    };
    let values = |array: &ArrayRef| array.as_primitive::<Int64Type>().values().clone();
    let (days, seconds, fractions) = (values(days), values(seconds), values(fractions));
    let joined = days.iter().zip(seconds.iter()).zip(fractions.iter());
    // Wrapping: the first day of all time lies before the least value.
    let joined = joined.map(|((days, seconds), fraction)| {
        days.wrapping_mul(DAY)
            .wrapping_add(*seconds)
            .wrapping_mul(units)
            .wrapping_add(*fraction)
    });
    let joined: ArrayRef = Arc::new(Int64Array::from_iter_values(joined));
    with_nulls(&from_storage(joined, ty)?, parts.nulls().cloned())
}
