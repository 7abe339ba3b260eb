//! Keys that do not sort as their values do would make every index lie.

use helios_base::key::{decode, encode, prefix_end, skip};
use helios_base::{ArrayValue, DataType, ErrorKind, Interval, Json, KeyOrder, Numeric, Value};
use helios_testkit::{Rng, all_types, random_value};

fn types() -> Vec<DataType> {
    let scalars: Vec<_> = all_types()
        .into_iter()
        .filter(|ty| *ty != DataType::Json)
        .collect();
    let arrays: Vec<_> = scalars
        .iter()
        .map(|ty| DataType::Array(Box::new(ty.clone())))
        .collect();
    [scalars, arrays].concat()
}

fn key(value: &Value, ty: &DataType, order: KeyOrder) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value, ty, order, &mut out).unwrap();
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[test]
fn golden_bytes() {
    let cases: Vec<(Value, DataType, &str)> = vec![
        (Value::Null, DataType::Int4, "02"),
        (true.into(), DataType::Bool, "0101"),
        (Value::Int2(-1), DataType::Int2, "017FFF"),
        (7.into(), DataType::Int4, "0180000007"),
        (Value::Int8(-2), DataType::Int8, "017FFFFFFFFFFFFFFE"),
        (Value::Oid(16), DataType::Oid, "0100000010"),
        (1.0f32.into(), DataType::Float4, "01BF800000"),
        (1.0f64.into(), DataType::Float8, "01BFF0000000000000"),
        ((-0.0f64).into(), DataType::Float8, "018000000000000000"),
        ((-1.0f64).into(), DataType::Float8, "01400FFFFFFFFFFFFF"),
        ("ab".into(), DataType::Text, "01616200"),
        ("ab ".into(), DataType::Char(Some(3)), "01616200"),
        (vec![0u8, 1, 2].into(), DataType::Bytea, "01010101020200"),
        (
            Numeric::new(123, 1).into(),
            DataType::Numeric(None),
            "0140820D1F00",
        ),
        (
            Numeric::new(-1230, 2).into(),
            DataType::Numeric(None),
            "01207DF2E0FF",
        ),
        (Numeric::new(0, 3).into(), DataType::Numeric(None), "0130"),
        (
            Numeric::parse("1e150").unwrap().into(),
            DataType::Numeric(None),
            "0140FF8000970B00",
        ),
        (
            Interval::new(0, 1, 0).into(),
            DataType::Interval(None),
            "018000000000000000000000141DD76000",
        ),
        (
            Json::Array(vec![Json::Null, Json::Bool(true)]).into(),
            DataType::Jsonb,
            "010600000002020501",
        ),
        (
            ArrayValue::one_dimensional(vec![1.into(), Value::Null]).into(),
            DataType::Array(Box::new(DataType::Int4)),
            "010180000001020001000000028000_0001",
        ),
    ];
    for (value, ty, expected) in cases {
        assert_eq!(
            hex(&key(&value, &ty, KeyOrder::ASC)),
            expected.replace('_', ""),
            "{value:?}"
        );
    }
    assert_eq!(
        hex(&key(&Value::Null, &DataType::Text, KeyOrder::DESC)),
        "00"
    );
    assert_eq!(
        hex(&key(&"ab".into(), &DataType::Text, KeyOrder::DESC)),
        "019E9DFF"
    );
}

#[test]
fn order_is_the_values_order() {
    let mut rng = Rng::new();
    for ty in types() {
        let values: Vec<Value> = (0..120).map(|_| random_value(&ty, &mut rng)).collect();
        for order in [KeyOrder::ASC, KeyOrder::DESC] {
            let keys: Vec<_> = values.iter().map(|v| key(v, &ty, order)).collect();
            for (a, key_a) in values.iter().zip(&keys) {
                for (b, key_b) in values.iter().zip(&keys) {
                    let expected = a.cmp_as(b, &ty);
                    let expected = if order.descending {
                        expected.reverse()
                    } else {
                        expected
                    };
                    assert_eq!(key_a.cmp(key_b), expected, "{ty}: {a:?} and {b:?}");
                }
            }
        }
    }
}

#[test]
fn columns_delimit_themselves_and_round_trip() {
    let mut rng = Rng::new();
    let types = types();
    for _ in 0..3000 {
        let columns: Vec<_> = (0..rng.usize(1..5))
            .map(|_| {
                let ty = rng.pick(&types).clone();
                let value = if rng.one_in(5) {
                    Value::Null
                } else {
                    random_value(&ty, &mut rng)
                };
                let order = KeyOrder {
                    descending: rng.bool(),
                    nulls_first: rng.bool(),
                };
                (value, ty, order)
            })
            .collect();
        let mut bytes = Vec::new();
        for (value, ty, order) in &columns {
            encode(value, ty, *order, &mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        let mut skipped = bytes.as_slice();
        for (value, ty, order) in &columns {
            let decoded = decode(&mut rest, ty, *order).unwrap();
            assert!(
                decoded.cmp_as(value, ty).is_eq(),
                "{ty}: {value:?} {decoded:?}"
            );
            assert_eq!(
                key(&decoded, ty, *order),
                skip(&mut skipped, ty, *order).unwrap()
            );
        }
        assert!(rest.is_empty() && skipped.is_empty());
    }
}

#[test]
fn nulls_stand_where_they_are_told() {
    let ty = DataType::Int4;
    for (descending, nulls_first) in [(false, false), (false, true), (true, false), (true, true)] {
        let order = KeyOrder {
            descending,
            nulls_first,
        };
        let null = key(&Value::Null, &ty, order);
        for n in [i32::MIN, 0, i32::MAX] {
            assert_eq!(null < key(&n.into(), &ty, order), nulls_first);
        }
    }
}

#[test]
fn damaged_keys_are_errors() {
    let mut rng = Rng::new();
    for ty in types() {
        for _ in 0..300 {
            let order = *rng.pick(&[KeyOrder::ASC, KeyOrder::DESC]);
            let mut bytes = key(&random_value(&ty, &mut rng), &ty, order);
            match rng.u8(0..3) {
                0 => bytes.truncate(rng.usize(0..bytes.len())),
                1 => bytes = rng.bytes(40),
                _ => {
                    let at = rng.usize(0..bytes.len());
                    bytes[at] = rng.u8(..);
                }
            }
            if let Err(error) = decode(&mut bytes.as_slice(), &ty, order) {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{ty}: {error}");
            }
        }
    }
}

#[test]
fn values_of_another_type_are_refused_and_leave_no_bytes() {
    let mut out = vec![1, 2];
    for (value, ty) in [
        (Value::Int4(1), DataType::Text),
        (Value::text("{}"), DataType::Json),
        (
            ArrayValue::one_dimensional(vec![1.into(), "x".into()]).into(),
            DataType::Array(Box::new(DataType::Int4)),
        ),
    ] {
        encode(&value, &ty, KeyOrder::ASC, &mut out).unwrap_err();
        assert_eq!(out, [1, 2]);
    }
}

#[test]
fn prefix_ends() {
    assert_eq!(prefix_end(&[1, 2]), Some(vec![1, 3]));
    assert_eq!(prefix_end(&[1, 0xFF]), Some(vec![2]));
    assert_eq!(prefix_end(&[0xFF]), None);
    assert_eq!(prefix_end(&[]), None);
}
