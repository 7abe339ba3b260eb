//! Vectors from and to files: lists of numbers in Parquet, arrays of NumPy.

use std::fs;

use helios_testkit::Scratch;
use heliosdb::{Connection, Database};

use crate::sql::run;

fn line(c: &mut Connection, sql: &str) -> String {
    let row = c
        .query_row(sql, ())
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let text: Option<String> = row.get(0).unwrap();
    text.unwrap_or_default()
}

/// A file as NumPy writes it.
fn npy(descr: &str, shape: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, {more}}}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn arrays_of_numpy() {
    let scratch = Scratch::new();
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let put = |name: &str, bytes: Vec<u8>| {
        let path = scratch.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let floats = |numbers: &[f32]| {
        numbers
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let rows = put(
        "v.npy",
        npy(
            "<f4",
            "(2, 3)",
            "",
            &floats(&[1.0, 2.5, -3.0, 0.0, 4.0, 5.0]),
        ),
    );
    let sql = format!(
        "SELECT string_agg(number || ':' || value::text, ' ' ORDER BY number) FROM '{rows}'"
    );
    assert_eq!(line(&mut c, &sql), "0:{1,2.5,-3} 1:{0,4,5}");
    run(
        &mut c,
        &format!(
            "CREATE TABLE t (id bigint PRIMARY KEY, v vector(3));
             INSERT INTO t SELECT number, value FROM read_npy('{rows}')"
        ),
    );
    let sql = "SELECT string_agg(v::text, ' ' ORDER BY id) FROM t";
    assert_eq!(line(&mut c, sql), "[1,2.5,-3] [0,4,5]");
    // Other kinds of numbers, without a second dimension.
    for (descr, body, expected) in [
        (
            "<f8",
            2.5_f64.to_le_bytes().to_vec(),
            "2.5 double precision",
        ),
        (">f4", 2.5_f32.to_be_bytes().to_vec(), "2.5 real"),
        ("<f2", 0x4100_u16.to_le_bytes().to_vec(), "2.5 real"),
        ("|i1", vec![0xff], "-1 smallint"),
        ("|u1", vec![0xff], "255 smallint"),
        ("<i2", (-7_i16).to_le_bytes().to_vec(), "-7 smallint"),
        ("<u4", u32::MAX.to_le_bytes().to_vec(), "4294967295 bigint"),
        (
            "<i8",
            i64::MIN.to_le_bytes().to_vec(),
            "-9223372036854775808 bigint",
        ),
        ("|b1", vec![1], "true boolean"),
    ] {
        let path = put("n.npy", npy(descr, "(1,)", "", &body));
        let sql = format!("SELECT value::text || ' ' || pg_typeof(value) FROM '{path}'");
        assert_eq!(line(&mut c, &sql), expected, "{descr}");
    }
    for (bytes, state) in [
        (npy("<f4", "(2, 3)", "", &floats(&[1.0])), "22P04"),
        (npy("<f4", "(99999999999, 99999)", "", &[]), "22P04"),
        (npy("<f4", "(2, 3, 4)", "", &[]), "0A000"),
        (npy("<c8", "(1,)", "", &[0; 8]), "0A000"),
        (npy("<f4", "(x,)", "", &[]), "22P04"),
        (npy("<f4", "1", "", &[]), "22P04"),
        (b"\x93NUMPY\x01\x00\xff\xff".to_vec(), "58030"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "22P04"),
    ] {
        let path = put("bad.npy", bytes);
        let error = c
            .query(format!("SELECT * FROM '{path}'").as_str(), ())
            .unwrap_err();
        assert_eq!(error.sqlstate().as_str(), state, "{error:?}");
    }
}

/// What `COPY` writes, NumPy's own header in front, comes back.
#[test]
fn arrays_of_numpy_are_written() {
    let scratch = Scratch::new();
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let path = scratch.join("v.npy");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = path.display().to_string();
    run(
        &mut c,
        "CREATE TABLE t (id int PRIMARY KEY, v vector(3), h halfvec(2), a float8[], n vector);
         INSERT INTO t VALUES (1, '[1,2.5,3]', '[0.5,-1]', '{1,2}', '[1]'), (2, '[4,5,6]', '[0,2]', '{3,4}', '[1,2]')",
    );
    for (query, descr, shape, expected) in [
        (
            "SELECT v FROM t ORDER BY id",
            "<f4",
            "(2, 3)",
            "{1,2.5,3} {4,5,6}",
        ),
        (
            "SELECT h FROM t ORDER BY id",
            "<f2",
            "(2, 2)",
            "{0.5,-1} {0,2}",
        ),
        (
            "SELECT a FROM t ORDER BY id",
            "<f8",
            "(2, 2)",
            "{1,2} {3,4}",
        ),
        ("SELECT id FROM t ORDER BY id", "<i4", "(2,)", "1 2"),
        (
            "SELECT id > 1 FROM t ORDER BY id",
            "|b1",
            "(2,)",
            "false true",
        ),
        ("SELECT v FROM t WHERE false", "<f4", "(0, 3)", ""),
    ] {
        run(&mut c, &format!("COPY ({query}) TO '{file}' (FORMAT npy)"));
        let bytes = fs::read(&path).unwrap();
        let header = String::from_utf8_lossy(&bytes[10..128]);
        let meant = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        assert_eq!(header.trim_end_matches([' ', '\n']), meant);
        assert_eq!(
            (&bytes[..10], bytes[127]),
            (&b"\x93NUMPY\x01\x00\x76\x00"[..], b'\n')
        );
        let sql = format!("SELECT string_agg(value::text, ' ' ORDER BY number) FROM '{file}'");
        assert_eq!(line(&mut c, &sql), expected, "{query}");
    }
    for (sql, state) in [
        (format!("COPY t TO '{file}' (FORMAT npy)"), "0A000"),
        (
            format!("COPY (SELECT 'x') TO '{file}' (FORMAT npy)"),
            "0A000",
        ),
        (
            format!("COPY (SELECT '{{}}/3'::sparsevec) TO '{file}' (FORMAT npy)"),
            "0A000",
        ),
        (format!("COPY t (n) TO '{file}' (FORMAT npy)"), "22000"),
        (
            format!("COPY (SELECT NULL::int) TO '{file}' (FORMAT npy)"),
            "22004",
        ),
        (
            format!("COPY (SELECT ARRAY[1, NULL]) TO '{file}' (FORMAT npy)"),
            "22004",
        ),
        (format!("COPY t (v) FROM '{file}' (FORMAT npy)"), "0A000"),
        ("COPY t (v) TO STDOUT (FORMAT npy)".to_owned(), "0A000"),
        (
            format!("COPY t (v) TO '{file}' (FORMAT npy, ENCODING 'utf8')"),
            "42601",
        ),
    ] {
        let error = c.execute(sql.as_str(), ()).unwrap_err();
        assert_eq!(error.sqlstate().as_str(), state, "{sql}: {error:?}");
    }
}

#[test]
fn lists_of_parquet() {
    let scratch = Scratch::new();
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let path = scratch.join("v.parquet");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let path = path.display().to_string();
    run(
        &mut c,
        &format!(
            "CREATE TABLE t (id int PRIMARY KEY, v vector(3), h halfvec(2), w vector);
             INSERT INTO t VALUES (1, '[1,2.5,3]', '[0.5,-1]', '[9]'), (2, NULL, '[0,2]', '[1,2]');
             COPY t TO '{path}' (FORMAT parquet)"
        ),
    );
    // What others see are lists of numbers.
    let types = format!("SELECT pg_typeof(v) || ' ' || pg_typeof(h) FROM '{path}' LIMIT 1");
    assert_eq!(line(&mut c, &types), "real[] real[]");
    run(
        &mut c,
        &format!(
            "CREATE TABLE u (LIKE t); INSERT INTO u (id, v, h) SELECT id, v, h FROM '{path}';
             CREATE TABLE w (LIKE t); COPY w FROM '{path}' (FORMAT parquet)"
        ),
    );
    let all = |table: &str| {
        format!("SELECT string_agg(concat_ws('|', id, v, h), ' ' ORDER BY id) FROM {table}")
    };
    let expected = line(&mut c, &all("t"));
    assert_eq!(expected, "1|[1,2.5,3]|[0.5,-1] 2|[0,2]");
    assert_eq!(line(&mut c, &all("u")), expected);
    assert_eq!(line(&mut c, &all("w")), expected);
    let error = c
        .execute(
            format!("INSERT INTO u (id, h) SELECT id + 9, v FROM '{path}'").as_str(),
            (),
        )
        .unwrap_err();
    assert_eq!(error.sqlstate().as_str(), "22000", "{error:?}");
}
