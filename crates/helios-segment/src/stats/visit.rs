//! The values of an array, one after the other, as the few kinds that statistics tell apart.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::i256;
use arrow_schema::DataType;

/// One value that is not null.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Decimal(i256),
    Bytes(&'a [u8]),
}

/// Hands every value that is not null to `see`. False, without a call, for types without
/// statistics: nested ones and intervals.
pub(super) fn visit(array: &ArrayRef, mut see: impl FnMut(Item<'_>)) -> bool {
    macro_rules! primitive {
        ($kind:ty, $item:expr) => {{
            let array = array.as_primitive::<$kind>();
            if array.null_count() == 0 {
                array.values().iter().for_each(|value| see($item(*value)));
            } else {
                array.iter().flatten().for_each(|value| see($item(value)));
            }
        }};
    }
    let int = |value: i64| Item::Int(value);
    match array.data_type() {
        DataType::Boolean => array
            .as_boolean()
            .iter()
            .flatten()
            .for_each(|value| see(Item::Bool(value))),
        DataType::Int8 => primitive!(Int8Type, |v| int(i64::from(v))),
        DataType::Int16 => primitive!(Int16Type, |v| int(i64::from(v))),
        DataType::Int32 => primitive!(Int32Type, |v| int(i64::from(v))),
        DataType::Int64 => primitive!(Int64Type, int),
        DataType::Date32 => primitive!(Date32Type, |v| int(i64::from(v))),
        DataType::Date64 => primitive!(Date64Type, int),
        DataType::Time32(_) => return retyped(array, DataType::Int32, see),
        DataType::Time64(_) | DataType::Timestamp(..) | DataType::Duration(_) => {
            return retyped(array, DataType::Int64, see);
        }
        DataType::UInt8 => primitive!(UInt8Type, |v| Item::UInt(u64::from(v))),
        DataType::UInt16 => primitive!(UInt16Type, |v| Item::UInt(u64::from(v))),
        DataType::UInt32 => primitive!(UInt32Type, |v| Item::UInt(u64::from(v))),
        DataType::UInt64 => primitive!(UInt64Type, Item::UInt),
        DataType::Float16 => primitive!(Float16Type, |v| Item::Float(f64::from(v))),
        DataType::Float32 => primitive!(Float32Type, |v| Item::Float(f64::from(v))),
        DataType::Float64 => primitive!(Float64Type, Item::Float),
        DataType::Decimal128(..) => {
            primitive!(Decimal128Type, |v| Item::Decimal(i256::from_i128(v)));
        }
        DataType::Decimal256(..) => primitive!(Decimal256Type, Item::Decimal),
        DataType::Utf8 => texts(array.as_string::<i32>().iter(), see),
        DataType::LargeUtf8 => texts(array.as_string::<i64>().iter(), see),
        DataType::Utf8View => texts(array.as_string_view().iter(), see),
        DataType::Binary => bytes(array.as_binary::<i32>().iter(), see),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().iter(), see),
        DataType::BinaryView => bytes(array.as_binary_view().iter(), see),
        DataType::FixedSizeBinary(_) => bytes(array.as_fixed_size_binary().iter(), see),
        _ => return false,
    }
    true
}

/// The least and the greatest of whole numbers, dates and times; no pair if all are null, nothing for other types.
pub(super) fn whole_ends(array: &ArrayRef) -> Option<Option<(i64, i64)>> {
    macro_rules! ends {
        ($kind:ty) => {{
            let array = array.as_primitive::<$kind>();
            let ends = if array.null_count() == 0 {
                let values = array.values().iter().copied();
                (values.clone().min()).zip(values.max())
            } else {
                let values = array.iter().flatten();
                (values.clone().min()).zip(values.max())
            };
            Some(ends.map(|(min, max)| (i64::from(min), i64::from(max))))
        }};
    }
    let plain = |ty: DataType| {
        let data = array.to_data().into_builder().data_type(ty).build().ok();
        whole_ends(&arrow_array::make_array(data?))
    };
    match array.data_type() {
        DataType::Int8 => ends!(Int8Type),
        DataType::Int16 => ends!(Int16Type),
        DataType::Int32 => ends!(Int32Type),
        DataType::Int64 => ends!(Int64Type),
        DataType::Date32 => ends!(Date32Type),
        DataType::Date64 => ends!(Date64Type),
        DataType::Time32(_) => plain(DataType::Int32),
        DataType::Time64(_) | DataType::Timestamp(..) | DataType::Duration(_) => {
            plain(DataType::Int64)
        }
        _ => None,
    }
}

fn retyped(array: &ArrayRef, ty: DataType, see: impl FnMut(Item<'_>)) -> bool {
    let data = array.to_data().into_builder().data_type(ty).build();
    data.is_ok_and(|data| visit_plain(&arrow_array::make_array(data), see))
}

/// Apart, so that the generic function does not contain itself.
fn visit_plain(array: &ArrayRef, mut see: impl FnMut(Item<'_>)) -> bool {
    if let Some(array) = array.as_primitive_opt::<Int32Type>() {
        array
            .iter()
            .flatten()
            .for_each(|value| see(Item::Int(i64::from(value))));
        return true;
    }
    if let Some(array) = array.as_primitive_opt::<Int64Type>() {
        array
            .iter()
            .flatten()
            .for_each(|value| see(Item::Int(value)));
        return true;
    }
    false
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>, mut see: impl FnMut(Item<'_>)) {
    values
        .flatten()
        .for_each(|value| see(Item::Bytes(value.as_bytes())));
}

fn bytes<'a>(values: impl Iterator<Item = Option<&'a [u8]>>, mut see: impl FnMut(Item<'_>)) {
    values.flatten().for_each(|value| see(Item::Bytes(value)));
}
