//! Bytes as PostgreSQL 15's `*_send` functions give them.

use super::{read, write};
use crate::DataType::{self, *};
use crate::{SqlState, TextContext, Value};

/// Type, text form, binary form in hexadecimal.
#[rustfmt::skip]
fn golden() -> Vec<(DataType, &'static str, &'static str)> {
    vec![
        (Bool, "t", "01"),
        (Bool, "f", "00"),
        (Int2, "-32768", "8000"),
        (Int2, "7", "0007"),
        (Int4, "2147483647", "7fffffff"),
        (Int4, "-1", "ffffffff"),
        (Int8, "-9223372036854775808", "8000000000000000"),
        (Int8, "5", "0000000000000005"),
        (Range(crate::RangeKind::Int4), "[1,5)", "0200000004000000010000000400000005"),
        (Oid, "4294967295", "ffffffff"),
        (Float4, "1.5", "3fc00000"),
        (Float4, "NaN", "7fc00000"),
        (Float4, "-0", "80000000"),
        (Float8, "-2.25e+300", "fe4ae0c41900844f"),
        (Float8, "Infinity", "7ff0000000000000"),
        (Numeric(None), "0", "0000000000000000"),
        (Numeric(None), "0.00", "0000000000000002"),
        (Numeric(None), "1", "00010000000000000001"),
        (Numeric(None), "-1", "00010000400000000001"),
        (Numeric(None), "1.5", "000200000000000100011388"),
        (Numeric(None), "10000", "00010001000000000001"),
        (Numeric(None), "100000000", "00010002000000000001"),
        (Numeric(None), "0.0001", "0001ffff000000040001"),
        (Numeric(None), "0.00001", "0001fffe0000000503e8"),
        (Numeric(None), "12345678.987654321", "000500010000000904d2162e2694153803e8"),
        (Numeric(None), "-9999.9999", "0002000040000004270f270f"),
        (Numeric(None), "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000", "00010019000000000001"),
        (Numeric(None), "0.000000000000000000000000000001", "0001fff80000001e0064"),
        (Numeric(None), "NaN", "00000000c0000000"),
        (Numeric(None), "Infinity", "00000000d0000020"),
        (Numeric(None), "-Infinity", "00000000f0000020"),
        (Numeric(None), "123456789012345678901234567890.123456789", "000b000700000009000c0d801ed204d2162e23340d801ed204d2162e2328"),
        (Numeric(None), "5000000", "000100010000000001f4"),
        (Numeric(None), "0.10", "0001ffff0000000203e8"),
        (Numeric(None), "99990000.00000", "0001000100000005270f"),
        (Text, "", ""),
        (Text, "héllo €", "68c3a96c6c6f20e282ac"),
        (Text, "a\tb", "610962"),
        (Varchar(None), "abc", "616263"),
        (Bytea, "\\x", ""),
        (Bytea, "\\x00ff10", "00ff10"),
        (Date, "2000-01-01", "00000000"),
        (Date, "1970-01-01", "ffffd533"),
        (Date, "0044-03-15 BC", "fff49d7b"),
        (Date, "infinity", "7fffffff"),
        (Date, "-infinity", "80000000"),
        (Date, "5874897-12-31", "7fda970c"),
        (Time(None), "00:00:00", "0000000000000000"),
        (Time(None), "24:00:00", "000000141dd76000"),
        (Time(None), "12:34:56.789", "0000000a8be62608"),
        (Timestamp(None), "1999-12-31 23:59:59.999999", "ffffffffffffffff"),
        (Timestamp(None), "infinity", "7fffffffffffffff"),
        (Timestamp(None), "4714-11-24 00:00:00 BC", "fd0f7cc1411fa000"),
        (TimestampTz(None), "2024-02-29 10:00:00+00", "0002b5811750c800"),
        (Interval(None), "1 year 2 mons -3 days +04:05:06.7", "000000036c966ee0fffffffd0000000e"),
        (Interval(None), "-00:00:00.000001", "ffffffffffffffff0000000000000000"),
        (Uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
        (Json, "{\"a\": 1}", "7b2261223a20317d"),
        (Jsonb, "{\"a\": \"x\", \"b\": [1, null]}", "017b2261223a202278222c202262223a205b312c206e756c6c5d7d"),
        (Jsonb, "\"s\"", "01227322"),
        (Oid, "4294967295", "ffffffff"),
        (Xid, "3", "00000003"),
        (TimeTz(None), "12:00:00+02", "0000000a0eebb000ffffe3e0"),
        (VarBit(None), "101", "00000003a0"),
        (Bit(None), "111111110", "00000009ff00"),
        (Inet, "10.1.2.3/24", "021800040a010203"),
        (Cidr, "10.0.0.0/8", "020801040a000000"),
        (Inet, "::1", "0380001000000000000000000000000000000001"),
        (MacAddr, "08:00:2b:01:02:03", "08002b010203"),
        (JsonPath, "$", "0124"),
        (CharByte, "x", "78"),
        (CharByte, "", "00"),
        (Reg(crate::RegKind::Class), "16384", "00004000"),
        (OidVector, "1 2", "00000001000000000000001a000000020000000000000004000000010000000400000002"),
        (Array(Box::new(Int4)), "{}", "000000000000000000000017"),
        (Array(Box::new(Int4)), "{1,NULL,3}", "00000001000000010000001700000003000000010000000400000001ffffffff0000000400000003"),
        (Array(Box::new(Int4)), "[2:3][0:0]={{1},{2}}", "0000000200000000000000170000000200000002000000010000000000000004000000010000000400000002"),
        (Array(Box::new(Text)), "{\"a b\",NULL,\"\"}", "000000010000000100000019000000030000000100000003612062ffffffff00000000"),
        (Array(Box::new(Numeric(None))), "{1.50}", "0000000100000000000006a400000001000000010000000c000200000000000200011388"),
    ]
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

#[test]
fn bytes_are_those_of_postgresql() {
    let context = TextContext::default();
    for (ty, text, hex) in golden() {
        let value = Value::parse(text, &ty, &context).expect(text);
        let mut bytes = Vec::new();
        write(&value, &ty, &mut bytes).expect(text);
        assert_eq!(bytes, unhex(hex), "{ty} {text}");
        let back = read(&bytes, &ty).expect(text);
        assert_eq!(back.to_text(&ty, &context), text, "{ty}");
    }
}

#[test]
fn every_truncation_and_extension_is_refused_or_read() {
    let context = TextContext::default();
    for (ty, text, hex) in golden() {
        let bytes = unhex(hex);
        for end in 0..bytes.len() {
            // Text forms may be cut anywhere; nothing may panic.
            let _ = read(&bytes[..end], &ty);
        }
        let mut longer = bytes.clone();
        longer.push(0);
        let fixed = !(ty.is_string() || matches!(ty, Bytea | Json | Jsonb | JsonPath));
        if fixed {
            let error = read(&longer, &ty).expect_err(text);
            assert_eq!(error.sqlstate(), SqlState::INVALID_BINARY_REPRESENTATION);
        }
        // One flipped bit reads as some value or is refused; what is read has a text form.
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            if let Ok(value) = read(&flipped, &ty) {
                let _ = value.to_text(&ty, &context);
            }
        }
    }
}

#[test]
fn an_array_cannot_promise_more_than_it_holds() {
    let hex = "0000000100000000000000177fffffff00000001";
    let error = read(&unhex(hex), &Array(Box::new(Int4))).expect_err("too long");
    assert_eq!(error.sqlstate(), SqlState::INVALID_BINARY_REPRESENTATION);
}

#[test]
fn arrays_of_another_element_type_are_refused() {
    let hex = "000000010000000000000019000000010000000100000000";
    let error = read(&unhex(hex), &Array(Box::new(Int4))).expect_err("text[]");
    assert_eq!(error.sqlstate(), SqlState::DATATYPE_MISMATCH);
}
