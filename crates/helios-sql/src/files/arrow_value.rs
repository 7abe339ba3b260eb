//! SQL types and values of Arrow columns from outside.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType as ArrowType, Field};
use helios_base::json::JsonObject;
use helios_base::{ArrayValue, DataType, Json, Numeric, Result, TextContext, Value};
use helios_expr::push_json;

use crate::fusion::{ColumnReader, Shape, from_arrow};

/// The SQL type of a column, `None` if there is none.
pub(crate) fn sql_type(field: &Field) -> Option<DataType> {
    match field
        .metadata()
        .get("ARROW:extension:name")
        .map(String::as_str)
    {
        Some("arrow.uuid") => return Some(DataType::Uuid),
        Some("arrow.json") => return Some(DataType::Json),
        _ => {}
    }
    type_of(field.data_type())
}

fn type_of(arrow: &ArrowType) -> Option<DataType> {
    Some(match arrow {
        ArrowType::Null => DataType::Text,
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Int8 | ArrowType::UInt8 | ArrowType::Int16 => DataType::Int2,
        ArrowType::UInt16 | ArrowType::Int32 => DataType::Int4,
        ArrowType::UInt32 | ArrowType::Int64 => DataType::Int8,
        ArrowType::UInt64 => DataType::Numeric(Some((20, 0))),
        ArrowType::Float16 | ArrowType::Float32 => DataType::Float4,
        ArrowType::Float64 => DataType::Float8,
        ArrowType::Decimal32(p, s)
        | ArrowType::Decimal64(p, s)
        | ArrowType::Decimal128(p, s)
        | ArrowType::Decimal256(p, s) => DataType::Numeric(Some((u16::from(*p), i16::from(*s)))),
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::Text,
        ArrowType::Binary
        | ArrowType::LargeBinary
        | ArrowType::BinaryView
        | ArrowType::FixedSizeBinary(_) => DataType::Bytea,
        ArrowType::Date32 | ArrowType::Date64 => DataType::Date,
        ArrowType::Time32(_) | ArrowType::Time64(_) => DataType::Time(None),
        ArrowType::Timestamp(_, None) => DataType::Timestamp(None),
        ArrowType::Timestamp(_, Some(_)) => DataType::TimestampTz(None),
        ArrowType::Interval(_) | ArrowType::Duration(_) => DataType::Interval(None),
        ArrowType::Dictionary(_, values) => type_of(values)?,
        ArrowType::RunEndEncoded(_, values) => type_of(values.data_type())?,
        ArrowType::List(item) | ArrowType::LargeList(item) | ArrowType::FixedSizeList(item, _) => {
            match sql_type(item) {
                // Lists in lists may be of unequal length, which arrays may not.
                Some(DataType::Array(_) | DataType::Jsonb) => DataType::Jsonb,
                Some(element) => DataType::Array(Box::new(element)),
                None => return None,
            }
        }
        ArrowType::Struct(fields) => {
            fields
                .iter()
                .try_for_each(|field| sql_type(field).map(drop))?;
            DataType::Jsonb
        }
        ArrowType::Map(entries, _) => {
            sql_type(entries)?;
            DataType::Jsonb
        }
        _ => return None,
    })
}

/// The values of a column whose SQL type is `ty`.
///
/// # Errors
/// `22P02` and its kin for values that the type does not have.
pub(crate) fn column_values(array: &ArrayRef, ty: &DataType) -> Result<Vec<Value>> {
    match array.data_type() {
        ArrowType::Struct(_) | ArrowType::Map(..) => documents(array),
        ArrowType::List(_) | ArrowType::LargeList(_) | ArrowType::FixedSizeList(..) => match ty {
            DataType::Array(element) => lists(array, element),
            _ => documents(array),
        },
        ArrowType::Decimal256(..) => wide(array),
        ArrowType::Null => Ok(vec![Value::Null; array.len()]),
        ArrowType::Interval(_) | ArrowType::Duration(_) => intervals(array),
        _ if matches!(ty, DataType::Json | DataType::Jsonb) => texts(array, ty),
        _ => {
            let shape = Shape::of(ty);
            let array = cast(array, &shape.arrow).map_err(from_arrow)?;
            let reader = ColumnReader::new(&array, &shape)?;
            (0..array.len()).map(|row| reader.value(row)).collect()
        }
    }
}

fn text_array(array: &ArrayRef) -> Result<ArrayRef> {
    cast(array, &ArrowType::Utf8View).map_err(from_arrow)
}

fn texts(array: &ArrayRef, ty: &DataType) -> Result<Vec<Value>> {
    let array = text_array(array)?;
    let context = TextContext::default();
    let texts = array.as_string_view().iter();
    texts
        .map(|text| text.map_or(Ok(Value::Null), |text| Value::parse(text, ty, &context)))
        .collect()
}

fn wide(array: &ArrayRef) -> Result<Vec<Value>> {
    let array = text_array(array)?;
    let texts = array.as_string_view().iter();
    texts
        .map(|text| match text {
            None => Ok(Value::Null),
            Some(text) => Ok(Value::Numeric(text.parse::<Numeric>()?)),
        })
        .collect()
}

fn intervals(array: &ArrayRef) -> Result<Vec<Value>> {
    use arrow::datatypes::{IntervalMonthDayNanoType, IntervalUnit};
    let unit = ArrowType::Interval(IntervalUnit::MonthDayNano);
    let array = cast(array, &unit).map_err(from_arrow)?;
    let values = array.as_primitive::<IntervalMonthDayNanoType>().iter();
    Ok(values
        .map(|value| match value {
            None => Value::Null,
            Some(value) => {
                let micros = value.nanoseconds / 1000;
                helios_base::Interval::new(value.months, value.days, micros).into()
            }
        })
        .collect())
}

/// The elements of each row of a list.
fn list_rows(array: &ArrayRef) -> Vec<Option<ArrayRef>> {
    match array.data_type() {
        ArrowType::List(_) => array.as_list::<i32>().iter().collect(),
        ArrowType::LargeList(_) => array.as_list::<i64>().iter().collect(),
        _ => array.as_fixed_size_list().iter().collect(),
    }
}

fn lists(array: &ArrayRef, element: &DataType) -> Result<Vec<Value>> {
    let rows = list_rows(array).into_iter().map(|row| match row {
        None => Ok(Value::Null),
        Some(items) => {
            let items = column_values(&items, element)?;
            Ok(Value::Array(Arc::new(ArrayValue::one_dimensional(items))))
        }
    });
    rows.collect()
}

/// Nested values as `jsonb`.
fn documents(array: &ArrayRef) -> Result<Vec<Value>> {
    let documents = json(array)?.into_iter().zip(0..);
    Ok(documents
        .map(|(json, row)| {
            if array.is_null(row) {
                Value::Null
            } else {
                Value::Jsonb(Arc::new(json))
            }
        })
        .collect())
}

fn json(array: &ArrayRef) -> Result<Vec<Json>> {
    match array.data_type() {
        ArrowType::Struct(_) => {
            let structs = array.as_struct();
            let mut members: Vec<Vec<(Box<str>, Json)>> = vec![Vec::new(); array.len()];
            for (field, column) in structs.fields().iter().zip(structs.columns()) {
                for (row, value) in json(column)?.into_iter().enumerate() {
                    if let Some(members) = members.get_mut(row) {
                        members.push((field.name().as_str().into(), value));
                    }
                }
            }
            Ok(members
                .into_iter()
                .enumerate()
                .map(|(row, members)| match array.is_null(row) {
                    true => Json::Null,
                    false => Json::Object(JsonObject::new(members)),
                })
                .collect())
        }
        ArrowType::Map(..) => {
            let maps = array.as_map();
            let mut rows = Vec::with_capacity(array.len());
            for row in 0..array.len() {
                if array.is_null(row) {
                    rows.push(Json::Null);
                    continue;
                }
                let entries = maps.value(row);
                let keys = text_array(entries.column(0))?;
                let keys = keys.as_string_view().iter();
                let values = json(entries.column(1))?;
                let members = keys
                    .zip(values)
                    .map(|(key, value)| (key.unwrap_or_default().into(), value));
                rows.push(Json::Object(JsonObject::new(members.collect())));
            }
            Ok(rows)
        }
        ArrowType::List(_) | ArrowType::LargeList(_) | ArrowType::FixedSizeList(..) => {
            let rows = list_rows(array).into_iter().map(|row| match row {
                None => Ok(Json::Null),
                Some(items) => json(&items).map(Json::Array),
            });
            rows.collect()
        }
        other => {
            let ty = type_of(other).unwrap_or(DataType::Text);
            let context = TextContext::default();
            let values = column_values(array, &ty)?.into_iter().map(|value| {
                let mut text = String::new();
                push_json(&value, &ty, &context, &mut text)?;
                Json::parse(&text)
            });
            values.collect()
        }
    }
}
