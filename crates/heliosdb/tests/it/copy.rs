//! COPY brings back what it wrote, in every format, and says where a file is bad.

use std::fs;

use helios_testkit::Scratch;
use heliosdb::{Connection, Database, Error};

/// A table of all types with awkward values.
const EVERYTHING: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'it''s \"ok\"');
    CREATE TABLE e (
        b bool, i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, n numeric,
        d numeric(12, 3), t text, v varchar(20), c char(4), y bytea, da date, ti time,
        ts timestamp, tz timestamptz, iv interval, u uuid, j json, jb jsonb, m mood,
        ai int[], at text[]
    );
    INSERT INTO e VALUES
        (true, -32768, 2147483647, -9223372036854775808, 1.5, '-0.5', 12345678901234567890.123456789,
         -0.001, E'tab\\tline\\nquote\"back\\\\slash\\r', 'x', 'ab', '\\x00ff0a', '0044-03-15 BC',
         '24:00', '2024-02-29 12:34:56.789012', '2024-06-01 00:00:00+02', '1 year -2 days 03:04:05.000006',
         '123e4567-e89b-12d3-a456-426614174000', '{\"z\": 1,  \"a\": [1, 2]}', '{\"z\": 1.50, \"a\": null}',
         'it''s \"ok\"', '{1,NULL,3}', '{\"a,b\",NULL,\"\"}'),
        (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
         null, null, null, null, null, null, null, null),
        (false, 0, 0, 0, 'NaN', 'Infinity', 0, 0, '', '', '', '', '9999-12-31', '00:00',
         '0001-01-01', '1970-01-01 00:00:00+00', '0', '00000000-0000-0000-0000-000000000000',
         'true', '[]', 'sad', '{}', '{}'),
        (null, 1, 1, 1, 1, 1, 1.500, 1, '\\N', 'NULL', '\\.', '\\x5c', '2000-01-01', '12:00', 'infinity', '-infinity',
         '-1 month', null, '\"é 漢 🦀\"', '\"\\u0000e\"', 'sad', '{-1}', '{NULL}')";

fn rows(connection: &mut Connection, sql: &str) -> Vec<String> {
    let rows = connection.query(sql, ()).unwrap();
    rows.map(|row| row.unwrap().get(0).unwrap()).collect()
}

fn failure(connection: &mut Connection, sql: &str) -> Error {
    match connection.execute(sql, ()) {
        Err(error) => error,
        Ok(_) => panic!("no error: {sql}"),
    }
}

fn everything() -> (Database, Connection, Scratch) {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    let setup = EVERYTHING.replace("\"\\u0000e\"", "\"e\"");
    connection.execute_batch(&setup).unwrap();
    (database, connection, Scratch::new())
}

#[test]
fn every_format_brings_everything_back() {
    let (_database, mut c, scratch) = everything();
    c.execute("CREATE TABLE back (LIKE e)", ()).unwrap();
    let formats = [
        "text",
        "text, delimiter '|', null 'nil'",
        "csv",
        "csv, header, force_quote *, null 'nil'",
        "csv, quote '''', escape '\\', delimiter ';'",
        "binary",
        "json",
        "parquet",
        "parquet, compression 'snappy', row_group_size 2",
        "parquet, codec gzip, level 9",
        "parquet, compression lz4",
        "parquet, compression brotli, compression_level 3",
        "parquet, compression none",
    ];
    for (number, options) in formats.iter().enumerate() {
        // JSON has neither a signed zero nor two kinds of NULL, Parquet no numeric NaN; all the rest returns.
        let path = scratch.join(format!("f{number}")).display().to_string();
        let out = c.execute(&*format!("COPY e TO '{path}' (format {options})"), ());
        assert_eq!(out.unwrap(), 4, "{options}");
        c.execute("TRUNCATE back", ()).unwrap();
        let header = if options.contains("header") {
            ", header"
        } else {
            ""
        };
        let read: String = match options.split_once(", ") {
            Some(("csv", _)) if !header.is_empty() => "csv, header match, null 'nil'".into(),
            Some(("parquet", _)) => "parquet".into(),
            _ => (*options).to_owned(),
        };
        let back = c.execute(&*format!("COPY back FROM '{path}' (format {read})"), ());
        assert_eq!(back.unwrap(), 4, "{options}");
        let shown = |table: &str| format!("SELECT x::text FROM {table} x ORDER BY i2, i4");
        let (was, is) = (rows(&mut c, &shown("e")), rows(&mut c, &shown("back")));
        assert_eq!(was, is, "{options}");
    }
}

#[test]
fn markers_defaults_and_filters() {
    let (_database, mut c, scratch) = everything();
    c.execute_batch("CREATE TABLE d (id serial, a text DEFAULT 'none', b text, CHECK (id < 100))")
        .unwrap();
    let path = scratch.join("in.csv");
    let file = path.display().to_string();
    fs::write(&path, "id,a,b\n\\D,\\D,\"\"\n7,\"\\D\",\nx,,x\n").unwrap();
    let error = failure(
        &mut c,
        &format!("COPY d FROM '{file}' (format csv, header, default '\\D')"),
    );
    assert_eq!(error.sqlstate().as_str(), "22P02");
    let place = format!("COPY d, line 4, column id: \"x\"\nfile \"{file}\"");
    assert_eq!(error.context(), Some(place.as_str()));
    fs::write(&path, "id,a,b\n\\D,\\D,\"\"\n7,\"\\D\",\n8,z,n\n").unwrap();
    c.execute(
        &*format!("COPY d FROM '{file}' (format csv, header match, default '\\D') WHERE id <> 8"),
        (),
    )
    .unwrap();
    // The failed attempt has used a number, as in PostgreSQL.
    let shown = rows(
        &mut c,
        "SELECT concat_ws('|', a, b IS NULL, b) FROM d ORDER BY id",
    );
    assert_eq!(shown, ["none|f|", "\\D|t"]);
    let error = failure(
        &mut c,
        &format!("COPY d (b) FROM '{file}' (format csv, default '\\D')"),
    );
    assert_eq!(error.message(), "extra data after last expected column");
    fs::write(&path, "\\D\n").unwrap();
    let error = failure(&mut c, &format!("COPY d (b) FROM '{file}' (default '\\D')"));
    assert_eq!(error.message(), "unexpected default marker in COPY data");
    assert_eq!(error.detail(), Some("Column \"b\" has no default value."));
    // Constraints say where, too.
    fs::write(&path, "1\ta\tb\n100\tc\td\n").unwrap();
    let error = failure(&mut c, &format!("COPY d FROM '{file}'"));
    assert_eq!(error.sqlstate().as_str(), "23514");
    let place = format!("COPY d, line 2: \"100\tc\td\"\nfile \"{file}\"");
    assert_eq!(error.context(), Some(place.as_str()));
}

#[test]
fn bad_files_say_where() {
    let (_database, mut c, scratch) = everything();
    c.execute("CREATE TABLE t (a int, b text)", ()).unwrap();
    let path = scratch.join("bad");
    let file = path.display().to_string();
    let cases: &[(&[u8], &str, &str, &str, &str)] = &[
        (
            b"1\t\xff\n",
            "text",
            "22021",
            "invalid byte sequence for encoding \"UTF8\": 0xff",
            "line 1: \"1\t\u{fffd}\"",
        ),
        (
            b"1,\"x\n2,y\n",
            "csv",
            "22P04",
            "unterminated CSV quoted field",
            "line 1: \"1,\"x\n2,y\"",
        ),
        (
            b"1,x\n2\n",
            "csv",
            "22P04",
            "missing data for column \"b\"",
            "line 2: \"2\"",
        ),
        // The values that are there are read first.
        (
            b"1,x\nq\n",
            "csv",
            "22P02",
            "invalid input syntax for type integer: \"q\"",
            "line 2, column a: \"q\"",
        ),
        (
            b"1,x\n2,y,z\n",
            "csv",
            "22P04",
            "extra data after last expected column",
            "line 2: \"2,y,z\"",
        ),
        (
            b"1\ta\0b\n",
            "text",
            "22021",
            "invalid byte sequence for encoding \"UTF8\": 0x00",
            "line 1: \"1\ta\0b\"",
        ),
        (
            b"PGCOPZ",
            "binary",
            "22P04",
            "COPY file signature not recognized",
            "",
        ),
        (
            b"{\"a\": 1}\n{\"a\": \"x\"}\n",
            "json",
            "22P02",
            "invalid input syntax for type integer: \"x\"",
            "line 2, column a",
        ),
        (
            b"{\"a\": 1, \"c\": 2}\n",
            "json",
            "22P04",
            "member \"c\" of the JSON object is no column of the table",
            "line 1: \"{\"a\": 1, \"c\": 2}\"",
        ),
        (
            b"\n[1]\n",
            "json",
            "22P04",
            "expected a JSON object on each line, not array",
            "line 2: \"[1]\"",
        ),
        (
            b"{\"a\": \n",
            "json",
            "22P04",
            "invalid JSON in COPY data",
            "line 1: \"{\"a\": \"",
        ),
        (b"PAR1", "parquet", "22P04", "", ""),
        (b"", "parquet", "22P04", "", ""),
    ];
    for (content, format, state, message, place) in cases {
        fs::write(&path, content).unwrap();
        let error = failure(&mut c, &format!("COPY t FROM '{file}' (format {format})"));
        assert_eq!(error.sqlstate().as_str(), *state, "{error:?}");
        if !message.is_empty() {
            assert_eq!(error.message(), *message);
        }
        let context = if place.is_empty() {
            None
        } else {
            Some(format!("COPY t, {place}\nfile \"{file}\""))
        };
        assert_eq!(error.context(), context.as_deref(), "{message}");
        assert_eq!(rows(&mut c, "SELECT count(*)::text FROM t"), ["0"]);
    }
    // What is empty is no fault where the format has no header of its own.
    for format in ["text", "csv", "json"] {
        fs::write(&path, "").unwrap();
        let done = c.execute(&*format!("COPY t FROM '{file}' (format {format})"), ());
        assert_eq!(done.unwrap(), 0);
    }
    let gone = failure(&mut c, "COPY t FROM '/nowhere/x.csv' (format csv)");
    assert_eq!(gone.sqlstate().as_str(), "58P01");
    let folder = failure(
        &mut c,
        &format!("COPY t FROM '{}'", scratch.path().display()),
    );
    assert_eq!(folder.sqlstate().as_str(), "42809");
}

/// Every single bit of damage is told or harmless: it never panics.
#[test]
fn damaged_parquet_never_panics() {
    let (_database, mut c, scratch) = everything();
    let whole = scratch.join("whole.parquet");
    let file = whole.display().to_string();
    c.execute(
        &*format!("COPY e TO '{file}' (format parquet, compression none)"),
        (),
    )
    .unwrap();
    c.execute("CREATE TABLE back (LIKE e)", ()).unwrap();
    let bytes = fs::read(&whole).unwrap();
    let path = scratch.join("damaged.parquet");
    let sql = format!("COPY back FROM '{}' (format parquet)", path.display());
    let mut failures = 0;
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        failures += usize::from(c.execute(&*sql, ()).is_err());
        fs::write(&path, &bytes[..at]).unwrap();
        assert!(c.execute(&*sql, ()).is_err(), "cut at {at}");
    }
    assert!(failures > 10, "{failures}");
}

#[test]
fn options_are_refused_where_they_mean_nothing() {
    let (_database, mut c, scratch) = everything();
    let file = scratch.join("x").display().to_string();
    for (options, from, state) in [
        ("format xml", false, "22023"),
        ("format binary, delimiter ','", false, "42601"),
        ("format json, header", false, "42601"),
        ("format parquet, null 'x'", false, "42601"),
        ("format parquet, compression 'rar'", false, "22023"),
        (
            "format parquet, compression snappy, compression_level 1",
            false,
            "22023",
        ),
        (
            "format parquet, compression zstd, compression_level 99",
            false,
            "22023",
        ),
        ("format parquet, row_group_size 0", false, "22023"),
        ("format csv, compression zstd", false, "0A000"),
        ("format parquet, compression zstd", true, "0A000"),
        ("format csv, default 'x'", false, "0A000"),
        ("format csv, force_null (nope)", true, "42P10"),
        ("encoding 'klingon'", false, "22023"),
        ("format csv, nonsense 1", false, "42601"),
    ] {
        let way = if from { "FROM" } else { "TO" };
        let error = failure(&mut c, &format!("COPY e {way} '{file}' ({options})"));
        assert_eq!(error.sqlstate().as_str(), state, "{options}: {error:?}");
    }
}

#[test]
fn encodings() {
    let (_database, mut c, scratch) = everything();
    let path = scratch.join("latin");
    let file = path.display().to_string();
    c.execute_batch("CREATE TABLE l (t text); INSERT INTO l VALUES ('é€ü')")
        .unwrap();
    let error = failure(&mut c, &format!("COPY l TO '{file}' (encoding 'latin1')"));
    assert_eq!(error.sqlstate().as_str(), "22P05");
    c.execute(&*format!("COPY l TO '{file}' (encoding 'WIN1252')"), ())
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"\xe9\x80\xfc\n");
    c.execute(&*format!("COPY l FROM '{file}' (encoding 'win1252')"), ())
        .unwrap();
    assert_eq!(rows(&mut c, "SELECT t FROM l"), ["é€ü", "é€ü"]);
}

/// What became of a load: its count or the whole error, and the rows that are there.
fn load(data: &[u8], options: &str, path: Option<&std::path::Path>) -> (String, Vec<String>) {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let setup = "CREATE TYPE mood AS ENUM ('sad', 'glad');
        CREATE TABLE t (id int PRIMARY KEY, v varchar(60) DEFAULT 'none', n numeric(8, 2) CHECK (n >= 0), m mood,
            at timestamp(3))";
    c.execute_batch(setup).unwrap();
    let source = match path {
        Some(path) => {
            fs::write(path, data).unwrap();
            format!("'{}'", path.display())
        }
        None => {
            c.set_copy_input(Some(Box::new(std::io::Cursor::new(data.to_vec()))));
            "STDIN".to_owned()
        }
    };
    let done = c.execute(&*format!("COPY t FROM {source} (FORMAT csv{options})"), ());
    let done = match done {
        Ok(count) => count.to_string(),
        Err(error) => {
            let context = error.context().unwrap_or_default();
            let context = context.split("\nfile ").next().unwrap_or_default();
            let detail = error.detail().unwrap_or_default();
            format!("{} {error} / {detail} / {context}", error.sqlstate())
        }
    };
    let sum = "SELECT (count(*), sum(id), sum(n), sum(length(v)), max(at), count(m))::text FROM t";
    (done, rows(&mut c, sum))
}

// Guards against records that are lost, and errors that come too early, too late or with another place, where a thread
// reads large files ahead.
#[test]
fn large_files_load_as_input_does() {
    let scratch = Scratch::new();
    let path = scratch.join("large.csv");
    let line = |id: usize| {
        let v = match id % 5 {
            0 => "\"a, \"\"quoted\"\"\nfield of two lines\"".to_owned(),
            1 => String::new(),
            2 => "\"\"".to_owned(),
            _ => format!("text number {id} of some length"),
        };
        let at = "2024-01-31 12:34:56.7895";
        format!(
            "{id},{v},{}.{:02},{},{at}\n",
            id % 1000,
            id % 100,
            ["sad", "glad", ""][id % 3]
        )
    };
    let lines: Vec<String> = (0..30_000).map(line).collect();
    assert!(lines.concat().len() > 1 << 20);
    let spoilt: [(&str, &str); 13] = [
        ("", ""),
        ("", "x,a,1,sad,\n"),
        ("", "7,again,1,sad,\n"),
        ("", "90000,a,-1,sad,\n"),
        ("", "90000,a,12345678,sad,\n"),
        ("", "90000,a,1,angry,\n"),
        ("", "90000,a,1\n"),
        ("", "90000,a,1,sad,,\n"),
        ("", "90000,a,1,sad,soon\n"),
        ("", "\\.\n"),
        ("", "90000,\"a,1,sad,\n"),
        (", DEFAULT '!'", "90000,!,1,!,\n"),
        (", DEFAULT '!', NULL 'text'", "90000,!,text,sad,\n"),
    ];
    for (options, bad) in spoilt {
        for at in [0, 1023, 1024, 29_999] {
            let mut data = lines.clone();
            data.insert(at, bad.to_owned());
            let data = data.concat().into_bytes();
            let (file, input) = (
                load(&data, options, Some(&path)),
                load(&data, options, None),
            );
            assert_eq!(file, input, "{bad:?} at {at}{options}");
            assert!(
                at == 0 || bad != "x,a,1,sad,\n" || file.0.contains("line "),
                "{file:?}"
            );
        }
    }
    let mut data = lines.concat().into_bytes();
    let middle = data.len() / 2;
    data[middle] = 0xff;
    let file = load(&data, "", Some(&path));
    assert_eq!(file, load(&data, "", None));
    assert!(file.0.starts_with("22021"), "{file:?}");
}
