//! Guards what people and programs read: alignment, wrapping, quoting, NULL.

use super::*;

fn look(format: Format) -> Look {
    Look {
        format,
        expanded: Expanded::Off,
        null: "NULL".into(),
        tuples_only: false,
        width: None,
        styles: Styles::default(),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column {
            name: "id".into(),
            kind: Kind::Number,
        },
        Column {
            name: "name".into(),
            kind: Kind::Text,
        },
        Column {
            name: "ok".into(),
            kind: Kind::Bool,
        },
    ]
}

fn written(look: &Look, rows: &[[Option<&str>; 3]]) -> String {
    let mut out = Vec::new();
    let mut writer = ResultWriter::new(&mut out, look, columns()).unwrap();
    for row in rows {
        writer
            .row(row.iter().map(|cell| cell.map(str::to_owned)).collect())
            .unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(out).unwrap()
}

const ROWS: &[[Option<&str>; 3]] = &[
    [Some("1"), Some("ann, \"x\""), Some("t")],
    [Some("20"), None, Some("f")],
];

#[test]
fn aligned_tables_look_like_psql() {
    let text = written(&look(Format::Aligned), ROWS);
    assert_eq!(
        text,
        " id |   name   | ok\n----+----------+----\n  1 | ann, \"x\" | t\n 20 | NULL     | f\n(2 rows)\n"
    );
}

#[test]
fn an_empty_result_still_has_its_header() {
    let text = written(&look(Format::Aligned), &[]);
    assert_eq!(text, " id | name | ok\n----+------+----\n(0 rows)\n");
}

#[test]
fn line_ends_in_cells_keep_the_columns() {
    let text = written(&look(Format::Aligned), &[[Some("1"), Some("a\nbc"), None]]);
    assert_eq!(
        text,
        " id | name |  ok\n----+------+------\n  1 | a   +| NULL\n    | bc   | \n(1 row)\n"
    );
}

#[test]
fn wide_tables_wrap_into_the_terminal() {
    let mut narrow = look(Format::Aligned);
    narrow.width = Some(30);
    let long = "abcdefghijklmnopqrstuvwxyz0123456789";
    let text = written(&narrow, &[[Some("1"), Some(long), Some("t")]]);
    assert!(text.lines().all(|line| layout::width(line) <= 30), "{text}");
    let letters: String = text
        .lines()
        .skip(2)
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(str::chars)
        .filter(char::is_ascii_alphanumeric)
        .collect();
    assert_eq!(letters, long);
}

#[test]
fn csv_quotes_what_needs_it_and_tells_null_from_empty() {
    let text = written(&look(Format::Csv), &[ROWS[0], [None, Some(""), None]]);
    assert_eq!(text, "id,name,ok\n1,\"ann, \"\"x\"\"\",t\n,\"\",\n");
}

#[test]
fn json_keeps_types() {
    let text = written(&look(Format::Json), ROWS);
    assert_eq!(
        text,
        "[\n{\"id\":1,\"name\":\"ann, \\\"x\\\"\",\"ok\":true},\n{\"id\":20,\"name\":null,\"ok\":false}\n]\n"
    );
    assert_eq!(written(&look(Format::Json), &[]), "[]\n");
    assert!(written(&look(Format::Json), &[[Some("NaN"), None, None]]).contains("\"NaN\""));
}

#[test]
fn markdown_escapes_bars() {
    let text = written(&look(Format::Markdown), &[[Some("1"), Some("a|b"), None]]);
    assert_eq!(
        text,
        "| id | name | ok |\n|---:|---|---|\n| 1 | a\\|b | NULL |\n"
    );
}

#[test]
fn expanded_records_list_columns() {
    let mut records = look(Format::Aligned);
    records.expanded = Expanded::On;
    let text = written(&records, &ROWS[..1]);
    assert!(text.starts_with("-[ RECORD 1 ]+"), "{text}");
    assert!(text.contains("\nname | ann, \"x\"\n"), "{text}");
}
