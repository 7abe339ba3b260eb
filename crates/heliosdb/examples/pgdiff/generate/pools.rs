//! Values worth trying: for every type those at its edges, and for arguments that mean something
//! (a picture, a pattern, a field) those that mean it.

use helios_testkit::Rng;

/// The types that values are generated of, by the names `format_type` gives them.
pub const TYPES: &[&str] = &[
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "numeric",
    "text",
    "character varying",
    "bpchar",
    "name",
    "bytea",
    "date",
    "time without time zone",
    "timestamp without time zone",
    "timestamp with time zone",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "oid",
    "time with time zone",
    "bit",
    "bit varying",
    "inet",
    "cidr",
    "macaddr",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "tsmultirange",
    "tstzmultirange",
    "datemultirange",
];

/// The text forms of values of a type that is no array.
fn texts(ty: &str) -> &'static [&'static str] {
    match ty {
        "boolean" => &["t", "f"],
        "smallint" => &["0", "1", "-1", "2", "7", "100", "32767", "-32768"],
        "integer" => &[
            "0",
            "1",
            "-1",
            "2",
            "3",
            "7",
            "10",
            "42",
            "-100",
            "65536",
            "2147483647",
            "-2147483648",
        ],
        "bigint" => &[
            "0",
            "1",
            "-1",
            "2",
            "5",
            "64",
            "1000000",
            "4294967296",
            "9223372036854775807",
            "-9223372036854775808",
        ],
        "real" => &[
            "0",
            "-0",
            "1",
            "-1.5",
            "0.1",
            "2.5",
            "3.4028235e38",
            "1e-45",
            "1e10",
            "16777217",
            "NaN",
            "Infinity",
            "-Infinity",
        ],
        "double precision" => &[
            "0",
            "-0",
            "1",
            "-1",
            "0.5",
            "2.5",
            "-3.5",
            "0.1",
            "1e-7",
            "123456.789",
            "1e15",
            "1e16",
            "9007199254740993",
            "1.7976931348623157e308",
            "4.9e-324",
            "NaN",
            "Infinity",
            "-Infinity",
        ],
        "numeric" => &[
            "0",
            "1",
            "-1",
            "2",
            "0.5",
            "-0.5",
            "1.50",
            "2.5",
            "-2.5",
            "10",
            "0.000",
            "100.0",
            "123456789.987654321",
            "1e20",
            "-1e-20",
            "99999999999999999999.99",
            "0.00000000000000000000000000000123",
            "NaN",
            "Infinity",
            "-Infinity",
        ],
        "text" | "character varying" => &[
            "",
            "a",
            "abc",
            "ABC",
            "b",
            "héllo",
            "日本語",
            "e\u{301}",
            "😀🎉",
            " pad ",
            "a,b,c",
            "%a_b\\",
            "123",
            "-1.5",
            "true",
            "2020-01-01",
            "{\"a\": 1}",
            "{1,2,3}",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "O'Reilly",
            "two\nlines",
            "Tab\there",
            "foo bar baz",
            "x1y22z333",
            "ÀÉÎ",
            "ß",
            "null",
        ],
        "bpchar" => &["", "a", "abc", "ab  ", "é", "Z", "12"],
        "name" => &[
            "a",
            "pg_class",
            "Mixed",
            "é",
            "0123456789012345678901234567890123456789012345678901234567890123456789",
        ],
        "bytea" => &[
            "",
            "\\x00",
            "\\x01ff",
            "\\x616263",
            "\\xdeadbeef",
            "\\xe697a5",
            "abc",
        ],
        "date" => &[
            "2020-02-29",
            "1970-01-01",
            "1999-12-31",
            "2000-01-01",
            "2021-03-14",
            "2024-12-30",
            "0001-01-01",
            "0044-03-15 BC",
            "4714-11-24 BC",
            "5874897-12-31",
            "infinity",
            "-infinity",
        ],
        "time without time zone" => &[
            "00:00:00",
            "24:00:00",
            "12:34:56.789012",
            "23:59:59.999999",
            "01:02:03",
            "12:00:00",
        ],
        "timestamp without time zone" => &[
            "2020-02-29 12:34:56.789",
            "1970-01-01 00:00:00",
            "1999-12-31 23:59:59.999999",
            "2021-03-14 02:30:00",
            "2021-11-07 01:30:00",
            "2001-01-01 00:00:00",
            "0044-03-15 10:00:00 BC",
            "4714-11-24 00:00:00 BC",
            "294246-12-31 23:59:59.999999",
            "infinity",
            "-infinity",
        ],
        "timestamp with time zone" => &[
            "2020-02-29 12:34:56.789+00",
            "1970-01-01 00:00:00+00",
            "1999-12-31 23:59:59.999999+00",
            "2021-03-14 07:00:00+00",
            "2021-11-07 06:30:00+00",
            "1883-11-18 17:00:00+00",
            "0044-03-15 10:00:00+00 BC",
            "4714-11-24 00:00:00+00 BC",
            "294246-12-31 23:59:59.999999+00",
            "infinity",
            "-infinity",
        ],
        "interval" => &[
            "0",
            "1 day",
            "-1 day",
            "1 mon",
            "-1 mon",
            "1 year 2 mons 3 days 04:05:06.789",
            "100 hours",
            "-1 day +02:03:04",
            "1 us",
            "30 days",
            "24 hours",
            "13 mons -5 days",
            "178000000 years",
            "-00:00:00.000001",
            "1.5 days",
        ],
        "uuid" => &[
            "00000000-0000-0000-0000-000000000000",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ],
        "json" | "jsonb" => &[
            "null",
            "1",
            "-1.50",
            "true",
            "\"abc\"",
            "\"\"",
            "[]",
            "{}",
            "[1, 2, 3]",
            "[1, [2, {\"b\": null}]]",
            "{\"a\": 1}",
            "{\"a\": {\"b\": [1, \"x\", false]}, \"c\": \"é\"}",
            "{\"b\": 2, \"a\": null, \"aa\": 3}",
            "[\"a\", \"b\", \"a\"]",
            "[{\"a\": 1}, {\"a\": 2}]",
            "12345678901234567890.123",
        ],
        "oid" => &["0", "1", "23", "4294967295"],
        "bit" | "bit varying" => &[
            "",
            "0",
            "1",
            "1010",
            "0101",
            "00000000",
            "11111111",
            "111100001",
            "10000000000000000000000000000000",
            "1111111111111111111111111111111111111111111111111111111111111111",
        ],
        "time with time zone" => &[
            "00:00:00+00",
            "12:34:56.789-07",
            "23:59:59.999999+05:30",
            "24:00:00+00",
            "01:02:03+15:59",
            "04:05-08",
        ],
        "inet" => &[
            "192.168.1.5",
            "192.168.1.5/24",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "255.255.255.255",
            "::1",
            "::",
            "2001:db8::1/64",
            "::ffff:1.2.3.4/128",
        ],
        "cidr" => &[
            "192.168.1.0/24",
            "10",
            "10.1.2.3/32",
            "0.0.0.0/0",
            "2001:db8::/32",
            "::1/128",
        ],
        "macaddr" => &[
            "08:00:2b:01:02:03",
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "0800-2b01-0405",
        ],
        "jsonpath" => &[
            "$",
            "$.a",
            "$[*]",
            "$.a[*] ? (@ > 1)",
            "strict $.a",
            "$.**",
            "$.type()",
            "$.a + 1",
            "$.a == 1",
            "$[last]",
            "$.keyvalue().key",
            "$ ? (exists (@.a))",
        ],
        "int4range" | "int8range" => &[
            "empty",
            "[1,5)",
            "(1,5]",
            "[3,)",
            "(,3)",
            "(,)",
            "[5,5]",
            "[-10,100)",
        ],
        "numrange" => &["empty", "[1.5,2.5]", "(0,1)", "[1,)", "(,2.50)", "[2,2]"],
        "daterange" => &[
            "empty",
            "[2020-01-01,2020-02-01)",
            "(2020-01-15,2020-03-01]",
            "[2020-01-01,)",
            "(,infinity)",
        ],
        "tsrange" => &[
            "empty",
            "[2020-01-01 00:00,2020-01-02 00:00)",
            "(2020-01-01 12:00,)",
            "(,2020-01-01]",
        ],
        "tstzrange" => &[
            "empty",
            "[2020-01-01 00:00+00,2020-01-02 00:00+00)",
            "(2020-01-01 12:00+00,)",
            "(,2020-01-01 00:00-05]",
        ],
        "int4multirange" | "int8multirange" => &[
            "{}",
            "{[1,5)}",
            "{[1,3),[5,8)}",
            "{(,3),[10,)}",
            "{(,)}",
            "{[2,6],[7,9],(20,30)}",
        ],
        "nummultirange" => &[
            "{}",
            "{[1.5,2.5],(2.5,3)}",
            "{(0,1),(1,2)}",
            "{[1,),(,0.50]}",
        ],
        "datemultirange" => &[
            "{}",
            "{[2020-01-01,2020-02-01),[2020-03-01,2020-03-05]}",
            "{(,2020-01-15),[2020-02-20,)}",
        ],
        "tsmultirange" => &[
            "{}",
            "{[2020-01-01 00:00,2020-01-02 00:00),(2020-01-03,)}",
            "{(,2020-01-01 12:00]}",
        ],
        "tstzmultirange" => &[
            "{}",
            "{[2020-01-01 00:00+00,2020-01-02 00:00+00)}",
            "{(,2020-01-01 00:00-05],(2020-01-01 12:00+00,)}",
        ],
        _ => &[],
    }
}

/// Whether values of this type can be generated.
pub fn is_known(ty: &str) -> bool {
    !texts(ty.strip_suffix("[]").unwrap_or(ty)).is_empty()
}

/// SQL for a text as a string literal.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// SQL for a random value of a type: a typed literal, rarely `NULL`.
pub fn value(rng: &mut Rng, ty: &str) -> String {
    if rng.one_in(14) {
        return format!("NULL::{ty}");
    }
    let text = text(rng, ty);
    match ty {
        "text" if rng.one_in(3) => quoted(&text),
        "integer" if rng.one_in(2) && !text.starts_with('-') => text,
        "numeric" if rng.one_in(3) && text.contains('.') && !text.starts_with('-') => text,
        // As a type `bit` is of one bit only, as a literal of any length.
        "bit" => format!("B{}", quoted(&text)),
        _ => format!("{}::{ty}", quoted(&text)),
    }
}

/// The text form of a random value.
pub fn text(rng: &mut Rng, ty: &str) -> String {
    match ty.strip_suffix("[]") {
        None => (*rng.pick(texts(ty))).to_owned(),
        Some(element) => array(rng, element),
    }
}

fn array(rng: &mut Rng, element: &str) -> String {
    let mut one = || {
        if rng.one_in(8) {
            return "NULL".to_owned();
        }
        let text = text(rng, element)
            .replace('\\', "\\\\")
            .replace('"', "\\\"");
        format!("\"{text}\"")
    };
    let (a, b, c, d) = (one(), one(), one(), one());
    match rng.u8(0..8) {
        0 => "{}".to_owned(),
        1 => format!("{{{a}}}"),
        2 => format!("{{{{{a},{b}}},{{{c},{d}}}}}"),
        3 => format!("[2:3]={{{a},{b}}}"),
        4 => format!("{{{a},{b},{a},{c}}}"),
        _ => format!("{{{a},{b},{c}}}"),
    }
}

/// SQL for an argument that means something to a function, if `name`'s `at`-th argument does.
pub fn meaning(rng: &mut Rng, name: &str, at: usize) -> Option<String> {
    let choices: &[&str] = match (name, at) {
        ("date_trunc", 0) => &[
            "microseconds",
            "second",
            "minute",
            "hour",
            "day",
            "week",
            "month",
            "quarter",
            "year",
            "decade",
            "century",
            "millennium",
            "nonsense",
            "YEAR",
        ],
        ("date_part" | "extract", 0) => &[
            "century",
            "day",
            "decade",
            "dow",
            "doy",
            "epoch",
            "hour",
            "isodow",
            "isoyear",
            "julian",
            "microseconds",
            "millennium",
            "milliseconds",
            "minute",
            "month",
            "quarter",
            "second",
            "timezone",
            "timezone_hour",
            "week",
            "year",
            "nonsense",
        ],
        ("date_trunc", 2) | ("timezone", 0) | ("make_timestamptz", 6) => &[
            "UTC",
            "America/New_York",
            "Asia/Kathmandu",
            "Europe/London",
            "PST",
            "EST5EDT",
            "+03",
            "<+05>-5",
            "Nowhere",
        ],
        ("encode" | "decode", 1) => &["hex", "base64", "escape", "rot13"],
        ("convert_from", 1) | ("convert_to", 1) => &["UTF8", "LATIN1", "SQL_ASCII", "nope"],
        (
            "regexp_match"
            | "regexp_matches"
            | "regexp_replace"
            | "regexp_split_to_array"
            | "regexp_split_to_table"
            | "regexp_count"
            | "regexp_instr"
            | "regexp_like"
            | "regexp_substr"
            | "~"
            | "~*"
            | "!~"
            | "!~*",
            1,
        ) => &[
            "a", "b.", "[a-z]+", "^a", "c$", "(a)(b)?", "\\d+", "\\s", "", "x*", "a|b|ab", "(",
            "[^,]+", "é", ".", "(?i)A", "\\w+", "a{2,3}", "a+?", "\\m\\w",
        ],
        ("regexp_match" | "regexp_matches" | "regexp_split_to_array", 2)
        | ("regexp_split_to_table" | "regexp_like", 2)
        | ("regexp_replace" | "regexp_count", 3) => &["", "i", "g", "n", "gi", "x", "z", "c", "s"],
        ("regexp_replace", 2) => &["", "X", "\\1", "\\&\\&", "\\\\", "[\\1\\2]"],
        ("like" | "notlike" | "~~" | "!~~" | "~~*" | "!~~*", 1) => &[
            "%", "a%", "_", "%b%", "", "\\%%", "a_c", "%é%", "A%", "abc", "\\",
        ],
        ("format", 0) => &[
            "%s",
            "%s-%s",
            "%I",
            "%L",
            "%%",
            "%1$s %1$s",
            "%5s|",
            "%-5s|",
            "%",
            "%z",
        ],
        ("to_char", 1) => &[
            "YYYY-MM-DD HH24:MI:SS.US",
            "FMDay, DDth FMMonth YYYY AD",
            "IYYY-IW-ID",
            "DDD Q CC J",
            "999,999.99",
            "FM9999.00",
            "9.99EEEE",
            "S0999MI",
            "RN",
            "99V9",
            "L999PR",
            "HH12:MI AM",
            "TZ OF",
            "",
            "\"x\"YY",
            "0000",
            "FF3 MS SSSS",
            "999D99TH",
        ],
        ("to_date", 1) | ("to_timestamp", 1) => &[
            "YYYY-MM-DD",
            "DD Mon YYYY",
            "YYYYMMDD",
            "YYYY-MM-DD HH24:MI:SS",
            "IYYY-IW",
            "DDD YYYY",
            "HH12:MI AM",
            "J",
        ],
        ("to_date" | "to_timestamp", 0) => &[
            "2020-02-29",
            "29 Feb 2020",
            "20200229",
            "2020-02-29 13:14:15",
            "2020-53",
            "366 2020",
            "11:30 PM",
            "2451187",
            "2021-02-29",
            "",
            "garbage",
        ],
        ("to_number", 1) => &[
            "999", "9,999.99", "S999D99", "999PR", "L999.9", "FM0000", "99V9",
        ],
        ("to_number", 0) => &["123", "-1,234.56", "<12>", "$12.5", "12abc", "", "  7"],
        ("normalize" | "is_normalized", 1) => &["NFC", "NFD", "NFKC", "NFKD", "nope"],
        ("string_to_array" | "split_part" | "string_to_table", 1) => &[",", "", "a", "é", "ab"],
        ("array_to_string", 1) => &[",", "", "||"],
        ("trim" | "btrim" | "ltrim" | "rtrim", 1) => &["a", " ", "", "abc", "é", "xyz"],
        ("jsonb_set" | "jsonb_insert" | "jsonb_set_lax", 1) | ("#>" | "#>>" | "#-", 1) => {
            let path = rng.pick(&[
                "{a}", "{a,b}", "{a,b,1}", "{0}", "{-1}", "{}", "{z}", "{1,1,b}",
            ]);
            return Some(format!("{}::text[]", quoted(path)));
        }
        ("->" | "->>" | "?", 1) if rng.one_in(2) => &["a", "b", "z", ""],
        ("jsonb_set_lax", 4) => &[
            "use_json_null",
            "delete_key",
            "return_target",
            "raise_exception",
        ],
        ("repeat" | "lpad" | "rpad" | "left" | "right", 1) => {
            return Some((*rng.pick(&["0", "1", "3", "-1", "-2", "10", "NULL"])).to_owned());
        }
        ("substr" | "substring" | "overlay", 1..=3) if rng.one_in(2) => {
            return Some((*rng.pick(&["0", "1", "2", "3", "-1", "100"])).to_owned());
        }
        ("factorial" | "generate_subscripts", _) => {
            return None;
        }
        ("array_fill", 1 | 2) => {
            return Some(
                (*rng.pick(&[
                    "'{2}'::int[]",
                    "'{2,1}'::int[]",
                    "'{}'::int[]",
                    "'{-1}'::int[]",
                ]))
                .to_owned(),
            );
        }
        ("chr", 0) => {
            return Some(
                (*rng.pick(&["0", "65", "233", "8364", "128512", "-1", "55296", "1114112"]))
                    .to_owned(),
            );
        }
        (
            "make_date" | "make_timestamp" | "make_timestamptz" | "make_time" | "make_interval",
            at,
        ) => {
            let field: &[&str] = match at {
                0 => &["2020", "1", "-44", "0", "24"],
                1 | 2 => &["1", "12", "29", "0", "59"],
                _ => &["0", "1", "23", "59.5", "60"],
            };
            let text = *rng.pick(field);
            return (!text.contains('.') || at == 5 || (at == 2 && name == "make_time"))
                .then(|| text.to_owned());
        }
        _ => return None,
    };
    let choice: &str = rng.pick::<&str>(choices);
    Some(quoted(choice))
}
