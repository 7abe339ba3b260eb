//! Rows that read back differently, or that take the process down when damaged, lose data.

use helios_base::row::{self, schema_version};
use helios_base::{
    ArrayValue, ColumnId, DataType, ErrorKind, Interval, Json, Layout, Numeric, RowReader, Value,
};
use helios_testkit::{Rng, all_types, random_value};

fn layout(version: u32, types: &[DataType]) -> Layout {
    Layout::new(
        version,
        types
            .iter()
            .enumerate()
            .map(|(i, ty)| (ColumnId(i as u32 + 1), ty.clone())),
    )
}

fn bytes(layout: &Layout, values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    layout.encode(values, &mut out).unwrap();
    out
}

/// Identity beyond equality: scales, fields and signs as well.
fn look(value: &Value) -> String {
    match value {
        Value::Numeric(number) => format!("numeric {number}"),
        Value::Jsonb(json) => format!("jsonb {json}"),
        Value::Array(array) => {
            let elements: Vec<_> = array.elements.iter().map(look).collect();
            format!("array {:?} {elements:?}", array.dims)
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn golden_bytes() {
    let hex = |bytes: Vec<u8>| -> String { bytes.iter().map(|b| format!("{b:02X}")).collect() };
    let three = layout(7, &[DataType::Int4, DataType::Text, DataType::Text]);
    assert_eq!(
        hex(bytes(&three, &[1.into(), Value::Null, "ab".into()])),
        "05070201000000000261 62".replace(' ', "")
    );
    assert_eq!(
        hex(bytes(&three, &[1.into(), "c".into(), "ab".into()])),
        "0107010000000103636162"
    );
    assert_eq!(hex(bytes(&layout(300, &[]), &[])), "00AC02");
    let one = |ty: DataType, value: Value| hex(bytes(&layout(1, &[ty]), &[value]));
    assert_eq!(one(DataType::Bool, true.into()), "000101");
    assert_eq!(one(DataType::Int2, Value::Int2(-2)), "0001FEFF");
    assert_eq!(one(DataType::Float8, 1.5.into()), "0001000000000000F83F");
    assert_eq!(
        one(DataType::Interval(None), Interval::new(1, 2, 3).into()),
        "000103000000000000000200000001000000"
    );
    let numeric = |text: &str| {
        one(
            DataType::Numeric(None),
            Numeric::parse(text).unwrap().into(),
        )
    };
    assert_eq!(numeric("0"), "01010103");
    assert_eq!(numeric("1.50"), "010103059600");
    assert_eq!(numeric("-128"), "0101020380");
    assert_eq!(numeric("9223372036854775808"), "01010A03000000000000008000");
    assert_eq!(numeric("NaN"), "01010100");
    assert_eq!(
        one(
            DataType::Jsonb,
            Json::Array(vec![Json::Null, Json::String("x".into())]).into()
        ),
        "01010605020004 0178".replace(' ', "")
    );
    assert_eq!(
        one(
            DataType::Array(Box::new(DataType::Int2)),
            ArrayValue::one_dimensional(vec![Value::Int2(1), Value::Null]).into()
        ),
        "0101060102020201 00".replace(' ', "")
    );
}

#[test]
fn rows_round_trip() {
    let mut rng = Rng::new();
    let scalars = all_types();
    for round in 0..3000 {
        let types: Vec<_> = (0..rng.usize(0..20))
            .map(|_| {
                let ty = rng.pick(&scalars).clone();
                if rng.one_in(4) {
                    DataType::Array(Box::new(ty))
                } else {
                    ty
                }
            })
            .collect();
        let layout = layout(round, &types);
        let values: Vec<_> = types
            .iter()
            .map(|ty| {
                if rng.one_in(4) {
                    Value::Null
                } else {
                    random_value(ty, &mut rng)
                }
            })
            .collect();
        let bytes = bytes(&layout, &values);
        assert_eq!(schema_version(&bytes).unwrap(), round);
        let reader = RowReader::new(&bytes, &layout).unwrap();
        for (i, value) in values.iter().enumerate() {
            assert_eq!(look(&reader.get(i).unwrap()), look(value));
            assert_eq!(reader.is_null(i), value.is_null());
            let by_id = reader.column(ColumnId(i as u32 + 1)).unwrap().unwrap();
            assert_eq!(look(&by_id), look(value));
        }
        assert_eq!(reader.column(ColumnId(0)).unwrap(), None);
        reader.get(values.len()).unwrap_err();
        let mut decoded = Vec::new();
        reader.decode(&mut decoded).unwrap();
        assert_eq!(decoded, values);
    }
}

#[test]
fn wide_rows_use_wide_offsets() {
    let layout = layout(1, &[DataType::Text, DataType::Bytea]);
    for length in [255, 256, 65_535, 65_536, 200_000] {
        let values = [Value::text("x".repeat(length)), vec![7u8; 3].into()];
        let bytes = bytes(&layout, &values);
        let mut decoded = Vec::new();
        let reader = RowReader::new(&bytes, &layout).unwrap();
        reader.decode(&mut decoded).unwrap();
        assert_eq!(decoded, values);
    }
}

#[test]
fn damaged_rows_are_errors() {
    let mut rng = Rng::new();
    let scalars = all_types();
    let arrays = scalars
        .iter()
        .map(|ty| DataType::Array(Box::new(ty.clone())));
    let types: Vec<_> = scalars.iter().cloned().chain(arrays).collect();
    let layout = layout(3, &types);
    for _ in 0..2000 {
        let values: Vec<_> = types.iter().map(|ty| random_value(ty, &mut rng)).collect();
        let mut bytes = bytes(&layout, &values);
        if rng.bool() {
            bytes.truncate(rng.usize(0..bytes.len()));
        } else {
            for _ in 0..rng.usize(1..4) {
                let at = rng.usize(0..bytes.len());
                bytes[at] = rng.u8(..);
            }
        }
        let result =
            RowReader::new(&bytes, &layout).and_then(|reader| reader.decode(&mut Vec::new()));
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        }
    }
}

#[test]
fn wrong_values_are_refused_and_leave_no_bytes() {
    let layout = layout(1, &[DataType::Int4, DataType::Text]);
    let mut out = vec![9];
    for values in [
        vec![Value::Int4(1)],
        vec![Value::Int8(1), "x".into()],
        vec![Value::Int4(1), Value::Int4(2)],
    ] {
        layout.encode(&values, &mut out).unwrap_err();
        assert_eq!(out, [9]);
    }
}

#[test]
fn ranges_keep_their_bytes() {
    use helios_base::{ColumnId, DataType, KeyOrder, Layout, RangeKind, TextContext, Value, key};
    let ty = DataType::Range(RangeKind::Int4);
    let layout = Layout::new(1, [(ColumnId(1), ty.clone())]);
    let context = TextContext::default();
    let mut last: Option<Vec<u8>> = None;
    for (text, tail, keyed) in [
        ("empty", "01", "0100"),
        ("(,5)", "0805000000", "010100018000000500"),
        ("[1,5)", "020100000005000000", "01010180000001000180000005"),
        ("[1,)", "1201000000", "010101800000010002"),
    ] {
        let value = Value::parse(text, &ty, &context).expect(text);
        let mut row = Vec::new();
        layout
            .encode(std::slice::from_ref(&value), &mut row)
            .expect(text);
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert!(hex(&row).ends_with(tail), "{text}: {}", hex(&row));
        let mut bytes = Vec::new();
        key::encode(&value, &ty, KeyOrder::ASC, &mut bytes).expect(text);
        assert!(hex(&bytes).contains(keyed), "{text}: {}", hex(&bytes));
        assert_eq!(
            key::decode(&mut bytes.as_slice(), &ty, KeyOrder::ASC).expect(text),
            value
        );
        assert!(last.is_none_or(|last| last < bytes), "{text}");
        last = Some(bytes);
    }
}

#[test]
fn multiranges_keep_their_bytes() {
    use helios_base::{
        ColumnId, DataType, KeyOrder, Layout, RangeKind, RowReader, TextContext, Value, key,
    };
    let ty = DataType::Multirange(RangeKind::Int4);
    let layout = Layout::new(1, [(ColumnId(1), ty.clone())]);
    let context = TextContext::default();
    let mut last: Option<Vec<u8>> = None;
    for (text, tail, keyed) in [
        ("{}", "00", "0100"),
        ("{(,5)}", "010805000000", "01010001800000050000"),
        (
            "{(,5),[7,)}",
            "020805000000120700000",
            "0101000180000005000101800000070002",
        ),
        (
            "{[1,5)}",
            "01020100000005000000",
            "010101800000010001800000050000",
        ),
    ] {
        let value = Value::parse(text, &ty, &context).expect(text);
        assert_eq!(value.to_text(&ty, &context), text);
        let mut row = Vec::new();
        layout
            .encode(std::slice::from_ref(&value), &mut row)
            .expect(text);
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert!(hex(&row).contains(tail), "{text}: {}", hex(&row));
        let stored = RowReader::new(&row, &layout).expect(text).get(0);
        assert_eq!(stored.expect(text), value);
        let mut bytes = Vec::new();
        key::encode(&value, &ty, KeyOrder::ASC, &mut bytes).expect(text);
        assert!(hex(&bytes).contains(keyed), "{text}: {}", hex(&bytes));
        assert_eq!(
            key::decode(&mut bytes.as_slice(), &ty, KeyOrder::ASC).expect(text),
            value
        );
        assert!(last.is_none_or(|last| last < bytes), "{text}");
        last = Some(bytes);
    }
}

#[test]
fn short_numbers_are_those_that_were_stored() {
    let ty = DataType::Numeric(None);
    let stored = |number: &Numeric| {
        let mut bytes = Vec::new();
        row::put_value(&number.clone().into(), &ty, &mut bytes).unwrap();
        row::short_numeric(&bytes)
    };
    let edges = [
        0,
        1,
        -1,
        127,
        128,
        -128,
        -129,
        32767,
        32768,
        i64::MAX,
        i64::MIN,
    ];
    for coefficient in edges {
        for scale in [0, 1, 2, 38, 124] {
            let number = Numeric::from_i128(coefficient.into(), scale);
            assert_eq!(stored(&number), Some((coefficient, scale)));
        }
        // Scales of two bytes are left to others.
        let far = Numeric::from_i128(coefficient.into(), 125);
        assert_eq!(stored(&far), None);
    }
    for other in ["NaN", "Infinity", "-Infinity", "9223372036854775808"] {
        assert_eq!(stored(&Numeric::parse(other).unwrap()), None, "{other}");
    }
}
