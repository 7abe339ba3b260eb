//! Guards against fields that change on their way out and back in, and against bad files that pass.

use super::*;
use crate::plan::CopyFormat;

fn options(csv: bool, list: &[(&str, &str)], from: bool) -> CopyOptions {
    let format = if csv {
        CopyFormat::Csv
    } else {
        CopyFormat::Text
    };
    let list: Vec<_> = list
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    CopyOptions::new(&format, &list, from).unwrap_or_else(|e| panic!("{e:?}"))
}

fn read(options: CopyOptions, columns: usize, text: &str) -> Result<Vec<Fields>, (String, u64)> {
    let names = (0..columns).map(|i| format!("c{i}")).collect();
    let mut reader = RecordReader::new(text.as_bytes(), options, names);
    let mut records = Vec::new();
    loop {
        match reader.next_record() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return Ok(records),
            Err(e) => return Err((e.message().to_owned(), reader.line())),
        }
    }
}

fn row(fields: &[Option<&str>]) -> Fields {
    let field = |field: &Option<&str>| field.map_or(Field::Null, |text| Field::Text(text.into()));
    fields.iter().map(field).collect()
}

#[test]
fn round_trips() {
    let fields: &[Option<&str>] = &[
        Some("plain"),
        None,
        Some(""),
        Some("\\N"),
        Some("a\tb\nc\\d\r"),
        Some("quo\"te,"),
        Some("é 漢"),
    ];
    for csv in [false, true] {
        for list in [&[][..], &[("delimiter", "|")], &[("null", "nil")]] {
            let mut out = Vec::new();
            write_record(&options(csv, list, false), fields, &mut out);
            write_record(&options(csv, list, false), fields, &mut out);
            let text = String::from_utf8(out).unwrap_or_default();
            let back = read(options(csv, list, true), fields.len(), &text);
            assert_eq!(
                back,
                Ok(vec![row(fields), row(fields)]),
                "csv {csv} {list:?}: {text:?}"
            );
        }
    }
}

#[test]
fn text_escapes_and_end_marker() {
    assert_eq!(
        read(
            options(false, &[], true),
            2,
            "a\\x41\\101\t\\N\r\n\\.\nrest\n"
        ),
        Ok(vec![row(&[Some("aAA"), None])])
    );
}

#[test]
fn csv_quotes() {
    assert_eq!(
        read(
            options(true, &[], true),
            3,
            "\"a\nb\",\"\",\n\"x\"\"y\",1,2"
        ),
        Ok(vec![
            row(&[Some("a\nb"), Some(""), None]),
            row(&[Some("x\"y"), Some("1"), Some("2")])
        ])
    );
    assert_eq!(
        read(options(true, &[("escape", "\\")], true), 1, "\"a\\\"b\"\n"),
        Ok(vec![row(&[Some("a\"b")])])
    );
}

#[test]
fn bad_files_name_the_line() {
    for (csv, list, text, message, line) in [
        (
            false,
            &[][..],
            "1\t2\n3\n",
            "missing data for column \"c1\"",
            2,
        ),
        (
            false,
            &[],
            "1\t2\t3\n",
            "extra data after last expected column",
            1,
        ),
        (
            true,
            &[],
            "1,2\n\"3,4\n",
            "unterminated CSV quoted field",
            2,
        ),
        (
            false,
            &[],
            "1\r2\t3\n",
            "literal carriage return found in data",
            1,
        ),
        (
            true,
            &[("header", "match")],
            "c0,x\n",
            "column name mismatch in header line field 2: got \"x\", expected \"c1\"",
            1,
        ),
    ] {
        assert_eq!(
            read(options(csv, list, true), 2, text),
            Err((message.to_owned(), line)),
            "{text:?}"
        );
    }
}

#[test]
fn bad_options() {
    for (csv, list) in [
        (false, &[("delimiter", "ab")][..]),
        (false, &[("delimiter", "a")]),
        (false, &[("quote", "'")]),
        (true, &[("quote", ",")]),
        (true, &[("nonsense", "1")]),
        (true, &[("null", "a"), ("null", "b")]),
        (true, &[("encoding", "koi8r")]),
    ] {
        let format = if csv {
            CopyFormat::Csv
        } else {
            CopyFormat::Text
        };
        let list: Vec<_> = list
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        assert!(CopyOptions::new(&format, &list, true).is_err(), "{list:?}");
    }
}
