//! Arrow arrays for the outside: the conventional types that other Arrow programs expect.
//!
//! Differs from the inner forms (`shape.rs`) in these: `numeric` without modifier becomes its text,
//! since no Arrow type holds every value; `interval` becomes `Interval(MonthDayNano)`, arrays become
//! `List`, and vectors whose dimensions are known `FixedSizeList` of floating-point numbers. `json`, `jsonb` and `uuid` fields carry Arrow's canonical extension names.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal256Builder, FixedSizeListBuilder, Float32Builder, IntervalMonthDayNanoBuilder,
    ListArray, StringViewBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType as ArrowType, Field, FieldRef, IntervalMonthDayNano, IntervalUnit, i256,
};
use helios_base::{DataType, Error, Result, SqlState, TextContext, Value, VectorKind};

use super::{ColumnReader, array_of};
use crate::fusion::shape::{DECIMAL_NAN, Shape};

/// The most digits a `Decimal256` holds.
const DECIMAL256_DIGITS: u16 = 76;

/// The outer field of a result column of type `ty`; always nullable.
pub(crate) fn export_field(name: &str, ty: &DataType) -> Field {
    let field = Field::new(name, export_type(ty), true);
    let extension = match ty {
        DataType::Json | DataType::Jsonb => "arrow.json",
        DataType::Uuid => "arrow.uuid",
        _ => return field,
    };
    field.with_metadata(HashMap::from([(
        "ARROW:extension:name".to_owned(),
        extension.to_owned(),
    )]))
}

/// The outer Arrow type of `ty`.
pub(crate) fn export_type(ty: &DataType) -> ArrowType {
    match ty {
        DataType::Numeric(modifier) => match (Shape::of(ty).as_decimal(), modifier) {
            (Some(_), _) => Shape::of(ty).arrow,
            (None, Some((precision, scale)))
                if *precision <= DECIMAL256_DIGITS && (0..=76).contains(scale) =>
            {
                // Both fit: the guard bounds them by 76.
                let scale = i8::try_from(*scale).unwrap_or(0);
                ArrowType::Decimal256(u8::try_from(*precision).unwrap_or(76), scale)
            }
            _ => ArrowType::Utf8View,
        },
        DataType::Interval(_) => ArrowType::Interval(IntervalUnit::MonthDayNano),
        DataType::Array(element) => ArrowType::List(element_field(element)),
        DataType::Vector(VectorKind::Full | VectorKind::Half, Some(dimensions)) => {
            match i32::try_from(*dimensions) {
                Ok(width) => ArrowType::FixedSizeList(element_field(&DataType::Float4), width),
                Err(_) => ArrowType::Utf8View,
            }
        }
        DataType::Reg(_) => ArrowType::Utf8View,
        DataType::User(user) => match user.as_domain() {
            Some(domain) => export_type(&domain.base),
            None => ArrowType::Utf8View,
        },
        DataType::Bytea => ArrowType::BinaryView,
        other => match Shape::of(other).arrow {
            // The inner form is for us alone.
            ArrowType::BinaryView => ArrowType::Utf8View,
            arrow => arrow,
        },
    }
}

fn element_field(element: &DataType) -> FieldRef {
    Arc::new(export_field("item", element))
}

/// The outer form of an array of `shape`, for a column declared as `ty`.
///
/// # Errors
/// `0A000` for arrays of several dimensions and records; `22003` for `NaN` in a decimal column and
/// intervals beyond Arrow's 292 years of nanoseconds.
pub(crate) fn export(array: &ArrayRef, shape: &Shape, ty: &DataType) -> Result<ArrayRef> {
    let outer = export_type(ty);
    if outer == shape.arrow {
        if let ArrowType::Decimal128(..) = outer {
            refuse_nan(array)?;
        }
        return Ok(Arc::clone(array));
    }
    let reader = ColumnReader::new(array, shape)?;
    let values = (0..reader.len())
        .map(|row| reader.value(row))
        .collect::<Result<Vec<_>>>()?;
    export_values(&values, ty)
}

/// Values of type `ty` as an array of their outer type.
///
/// # Errors
/// As [`export`].
pub(crate) fn export_values(values: &[Value], ty: &DataType) -> Result<ArrayRef> {
    let outer = export_type(ty);
    match (&outer, ty) {
        (ArrowType::Interval(_), _) => intervals(values),
        (ArrowType::List(_), DataType::Array(element)) => lists(values, element),
        (ArrowType::FixedSizeList(_, width), _) => Ok(vectors(values, *width)),
        (ArrowType::Decimal256(precision, scale), _) => wide_decimals(values, *precision, *scale),
        (ArrowType::Utf8View, DataType::Numeric(_)) => texts(values),
        (ArrowType::Utf8View, DataType::Record) => {
            Err(Error::unsupported("row values have no Arrow form"))
        }
        (ArrowType::Utf8View, _) if Shape::of(ty).arrow != outer => Ok(as_text(values, ty)),
        _ => {
            let array = array_of(values, &Shape::of(ty))?;
            if let ArrowType::Decimal128(..) = outer {
                refuse_nan(&array)?;
            }
            Ok(array)
        }
    }
}

fn refuse_nan(array: &ArrayRef) -> Result<()> {
    use arrow::array::AsArray;
    use arrow::datatypes::Decimal128Type;
    let nan = array
        .as_primitive_opt::<Decimal128Type>()
        .is_some_and(|a| a.iter().flatten().any(|v| v == DECIMAL_NAN));
    if nan {
        Err(no_arrow_form("NaN"))
    } else {
        Ok(())
    }
}

fn texts(values: &[Value]) -> Result<ArrayRef> {
    let mut builder = StringViewBuilder::with_capacity(values.len());
    for value in values {
        match value {
            Value::Numeric(number) => builder.append_value(number.to_string()),
            _ => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// Values that have no Arrow form, as text.
pub(crate) fn as_text(values: &[Value], ty: &DataType) -> ArrayRef {
    let context = TextContext::default();
    let mut builder = StringViewBuilder::with_capacity(values.len());
    for value in values {
        if value.is_null() {
            builder.append_null();
        } else {
            builder.append_value(value.to_text(ty, &context));
        }
    }
    Arc::new(builder.finish())
}

/// Vectors of so many numbers.
fn vectors(values: &[Value], width: i32) -> ArrayRef {
    let all = Float32Builder::with_capacity(values.len().saturating_mul(width.max(0) as usize));
    let mut builder = FixedSizeListBuilder::with_capacity(all, width, values.len())
        .with_field(element_field(&DataType::Float4));
    for value in values {
        let vector = match value {
            Value::Vector(vector) if i32::try_from(vector.dimensions()) == Ok(width) => {
                Some(vector)
            }
            _ => None,
        };
        match vector {
            Some(vector) => builder.values().append_slice(&vector.numbers()),
            None => builder.values().append_nulls(width.max(0) as usize),
        }
        builder.append(vector.is_some());
    }
    Arc::new(builder.finish())
}

fn wide_decimals(values: &[Value], precision: u8, scale: i8) -> Result<ArrayRef> {
    let mut builder = Decimal256Builder::with_capacity(values.len())
        .with_data_type(ArrowType::Decimal256(precision, scale));
    for value in values {
        match value {
            Value::Numeric(number) => {
                let (coefficient, _) = number
                    .to_parts()
                    .ok_or_else(|| no_arrow_form("NaN or infinity"))?;
                let wide = i256::from_string(&coefficient.to_string())
                    .ok_or_else(|| no_arrow_form("number"))?;
                builder.append_value(wide);
            }
            _ => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn intervals(values: &[Value]) -> Result<ArrayRef> {
    let mut builder = IntervalMonthDayNanoBuilder::with_capacity(values.len());
    for value in values {
        match value {
            Value::Interval(interval) => {
                let nanos = interval
                    .micros
                    .checked_mul(1000)
                    .ok_or_else(|| no_arrow_form("interval"))?;
                builder.append_value(IntervalMonthDayNano::new(
                    interval.months,
                    interval.days,
                    nanos,
                ));
            }
            _ => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn lists(values: &[Value], element: &DataType) -> Result<ArrayRef> {
    let mut items = Vec::new();
    let mut lengths = Vec::with_capacity(values.len());
    let mut valid = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::Array(array) => {
                if array.dims.len() > 1 {
                    return Err(Error::unsupported(
                        "arrays of several dimensions have no Arrow form",
                    ));
                }
                lengths.push(array.elements.len());
                items.extend_from_slice(&array.elements);
                valid.push(true);
            }
            _ => {
                lengths.push(0);
                valid.push(false);
            }
        }
    }
    let items = export_values(&items, element)?;
    let list = ListArray::try_new(
        element_field(element),
        OffsetBuffer::from_lengths(lengths),
        items,
        Some(NullBuffer::from(valid)),
    )
    .map_err(|e| Error::internal(e.to_string()))?;
    Ok(Arc::new(list))
}

fn no_arrow_form(what: &str) -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("{what} has no Arrow form"),
    )
    .with_hint("cast the column to text")
}
