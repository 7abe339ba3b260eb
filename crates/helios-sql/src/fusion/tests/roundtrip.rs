//! Guards against values that change on their way through arrays.

use helios_base::DataType;

use super::sample;
use crate::fusion::array::{ColumnReader, array_of, export_values};
use crate::fusion::scalar::keys;
use crate::fusion::shape::Shape;

#[test]
fn values_come_back_as_they_went_in() {
    for ty in sample::types() {
        let shape = Shape::of(&ty);
        let values = sample::values(&ty);
        assert!(values.len() > 2, "no samples of {ty}");
        let array = array_of(&values, &shape).expect("values fit");
        let reader = ColumnReader::new(&array, &shape).expect("array fits");
        for (row, value) in values.iter().enumerate() {
            let back = reader.value(row).expect("value reads");
            let text = helios_base::TextContext::default();
            assert_eq!(back.is_null(), value.is_null(), "{ty}");
            assert_eq!(back.to_text(&ty, &text), value.to_text(&ty, &text), "{ty}");
        }
    }
}

#[test]
fn keys_order_as_values_do() {
    for ty in sample::types() {
        if ty == DataType::Json {
            continue;
        }
        let shape = Shape::of(&ty);
        let values: Vec<_> = sample::values(&ty).into_iter().skip(1).collect();
        let array = array_of(&values, &shape).expect("values fit");
        let keys = keys(&array, &shape).expect("keys exist");
        let order =
            arrow::array::make_comparator(&keys, &keys, arrow::compute::SortOptions::default())
                .expect("keys compare");
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                assert_eq!(order(i, j), a.cmp_as(b, &ty), "{ty}: {a:?} and {b:?}");
            }
        }
    }
}

#[test]
fn exported_arrays_have_the_announced_types() {
    for ty in sample::types() {
        let mut values = sample::values(&ty);
        // What Arrow cannot say is refused, not bent.
        values.retain(|value| match value {
            helios_base::Value::Numeric(n) => n.is_finite(),
            helios_base::Value::Interval(i) => i.micros < i64::MAX / 1000,
            _ => true,
        });
        let array = export_values(&values, &ty).expect("values export");
        let field = crate::fusion::array::export_field("c", &ty);
        assert_eq!(array.data_type(), field.data_type());
        assert_eq!(array.len(), values.len());
    }
}
