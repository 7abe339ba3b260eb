//! Files as tables: what is in a file comes out, by both executors, and bad files say where.

use std::fs;
use std::path::Path;

use helios_testkit::Scratch;
use heliosdb::{Connection, Database, Error};

struct Place {
    _database: Database,
    c: Connection,
    scratch: Scratch,
}

impl Place {
    fn new() -> Self {
        let database = Database::open_in_memory().unwrap();
        let c = database.connect().unwrap();
        Self {
            _database: database,
            c,
            scratch: Scratch::new(),
        }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.scratch.join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// The rows as text, the same by both executors.
    fn rows(&mut self, sql: &str) -> Vec<String> {
        let mut answers = Vec::new();
        for executor in ["row", "vector"] {
            self.run(&format!("SET executor = '{executor}'"));
            let sql = format!("SELECT x::text FROM ({sql}) x");
            let rows = self
                .c
                .query(&*sql, ())
                .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
            let rows: Vec<String> = rows.map(|row| row.unwrap().get(0).unwrap()).collect();
            answers.push(rows);
        }
        self.run("SET executor = 'auto'");
        assert_eq!(answers[0], answers[1], "{sql}");
        answers.swap_remove(0)
    }

    fn run(&mut self, sql: &str) {
        self.c
            .execute_batch(sql)
            .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    fn types(&mut self, sql: &str) -> Vec<String> {
        self.run(&format!("CREATE TEMP VIEW shape AS {sql}"));
        let rows = self.c.query(
            "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attrelid = 'shape'::regclass AND attnum > 0 ORDER BY attnum",
            (),
        );
        let types = rows
            .unwrap()
            .map(|row| row.unwrap().get(0).unwrap())
            .collect();
        self.run("DROP VIEW shape");
        types
    }

    fn failure(&mut self, sql: &str) -> Error {
        let run = |c: &mut Connection| -> Result<(), Error> {
            for row in c.query(sql, ())? {
                row?;
            }
            Ok(())
        };
        let mut errors = Vec::new();
        for executor in ["row", "vector"] {
            self.run(&format!("SET executor = '{executor}'"));
            errors.push(
                run(&mut self.c)
                    .err()
                    .unwrap_or_else(|| panic!("no error: {sql}")),
            );
        }
        self.run("SET executor = 'auto'");
        let last = errors.pop().unwrap();
        assert_eq!(format!("{last:?}"), format!("{:?}", errors[0]));
        last
    }
}

#[test]
fn csv_types_headers_and_delimiters() {
    let mut p = Place::new();
    let file = p.write(
        "a.csv",
        "id,name,price,day,ok,code\n1,\"x, \"\"y\"\"\",2.50,2024-01-02,true,007\n2,,1e3,2024-02-03,f,1\n",
    );
    assert_eq!(
        p.types(&format!("SELECT * FROM '{file}'")),
        [
            "id integer",
            "name text",
            "price double precision",
            "day date",
            "ok boolean",
            "code text"
        ]
    );
    assert_eq!(
        p.rows(&format!("SELECT * FROM '{file}'")),
        [
            "(1,\"x, \"\"y\"\"\",2.5,2024-01-02,t,007)",
            "(2,,1000,2024-02-03,f,1)"
        ]
    );
    assert_eq!(
        p.rows(&format!("SELECT a.name FROM '{file}' a WHERE a.id = 1")),
        ["(\"x, \"\"y\"\"\")"]
    );
    assert_eq!(p.rows(&format!("SELECT count(*) FROM '{file}'")), ["(2)"]);
    // No names in the first line.
    let bare = p.write("bare.csv", "1;2\n3;4\n");
    assert_eq!(
        p.types(&format!("SELECT * FROM '{bare}'")),
        ["column1 integer", "column2 integer"]
    );
    assert_eq!(
        p.rows(&format!(
            "SELECT sum(column1) FROM read_csv('{bare}', header => true, delim => ';') t(column1)"
        )),
        ["(3)"]
    );
    let tabs = p.write("t.tsv", "a\tb\nx\t\"\"\n");
    assert_eq!(
        p.rows(&format!("SELECT a, b IS NULL n FROM '{tabs}'")),
        ["(x,f)"]
    );
    let odd = p.write("odd", "a|b\n'x|y'|-\n");
    assert_eq!(
        p.rows(&format!(
            "SELECT * FROM read_csv('{odd}', delim => '|', quote => '''', nullstr => '-', header => true)"
        )),
        ["(x|y,)"]
    );
    let latin = p.write("latin.csv", b"a\n\xe9\n");
    assert_eq!(
        p.rows(&format!(
            "SELECT * FROM read_csv('{latin}', encoding => 'latin1', header => true)"
        )),
        ["(é)"]
    );
    let empty = p.write("head.csv", "a,b\n");
    assert_eq!(p.rows(&format!("SELECT * FROM '{empty}'")), [""; 0]);
    let marked = p.write("bom.csv", "\u{feff}a,b\r\n1,2\r\n");
    assert_eq!(p.types(&format!("SELECT a FROM '{marked}'")), ["a integer"]);
    let names = p.write("names.csv", "a,a,\nx,y,z\n");
    assert_eq!(
        p.types(&format!(
            "SELECT * FROM read_csv('{names}', header => true)"
        )),
        ["a text", "a_2 text", "column3 text"]
    );
}

#[test]
fn json_in_all_arrangements() {
    let mut p = Place::new();
    let lines = p.write(
        "a.jsonl",
        "{\"a\": 1, \"b\": \"x\"}\n\n{\"b\": null, \"a\": 2.5, \"c\": [1, {\"d\": 2}]}\n",
    );
    assert_eq!(
        p.types(&format!("SELECT * FROM '{lines}'")),
        ["a numeric", "b text", "c jsonb"]
    );
    assert_eq!(
        p.rows(&format!("SELECT a, b, c -> 1 ->> 'd' d FROM '{lines}'")),
        ["(1,x,)", "(2.5,,2)"]
    );
    let array = p.write(
        "b.json",
        "[\n {\"a\": 1,\n  \"t\": \"2024-01-02 03:04:05\"},\n {\"a\": true}\n]",
    );
    assert_eq!(
        p.types(&format!("SELECT * FROM '{array}'")),
        ["a jsonb", "t timestamp without time zone"]
    );
    assert_eq!(
        p.rows(&format!("SELECT * FROM '{array}'")),
        ["(1,\"2024-01-02 03:04:05\")", "(true,)"]
    );
    assert_eq!(
        p.rows(&format!(
            "SELECT * FROM read_json('{array}', all_varchar => true)"
        )),
        ["(1,\"2024-01-02 03:04:05\")", "(true,)"]
    );
    let bad = p.write("bad.json", "{\"a\": 1}\n{\"a\": 2,}\n");
    let error = p.failure(&format!("SELECT * FROM '{bad}'"));
    assert_eq!(error.sqlstate().as_str(), "22P04");
    assert_eq!(error.context(), Some(&*format!("file \"{bad}\", line 2")));
}

#[test]
fn parquet_of_all_types() {
    let mut p = Place::new();
    p.run(
        "CREATE TABLE e AS SELECT i % 7 = 0 b, (i % 100)::smallint i2, i i4, i::bigint * 10000000000 i8, i / 4.0::float4 f4,
            i / 3.0::float8 f8, (i / 8.0)::numeric(12, 3) d, (i / 7.0)::numeric n, 'text ' || i t,
            decode(lpad(to_hex(i), 8, '0'), 'hex') y, date '2024-01-01' + i da, time '00:00' + i * interval '1 s' ti,
            timestamp '2024-01-01' + i * interval '1 min' ts, timestamptz '2024-01-01 00:00+00' + i * interval '1 h' tz,
            make_interval(days => i) iv, md5(i::text)::uuid u, jsonb_build_object('i', i) jb, array[i, null, i + 1] ai,
            CASE WHEN i % 3 > 0 THEN i END nul
         FROM generate_series(1, 3000) i",
    );
    let file = p
        .scratch
        .join("it's [e] #1 é.parquet")
        .display()
        .to_string();
    let quoted = file.replace('\'', "''");
    p.run(&format!(
        "COPY e TO '{quoted}' (format parquet, row_group_size 500)"
    ));
    // Intervals and free numbers are kept as text, which no Parquet type holds.
    let columns = "b, i2, i4, i8, f4, f8, d, n::numeric, t, y, da, ti, ts, tz, iv::interval, u, jb::jsonb, ai, nul";
    let wanted = p.rows("SELECT * FROM e ORDER BY i4");
    assert_eq!(
        p.rows(&format!("SELECT {columns} FROM '{quoted}' ORDER BY i4")),
        wanted
    );
    for (condition, count) in [
        ("i4 > 2990", 10),
        ("i4 = 17 AND t = 'text 17'", 1),
        ("d < 1", 7),
        ("nul IS NULL", 1000),
        ("da BETWEEN '2024-01-02' AND '2024-01-11'", 10),
        ("tz < '2024-01-01 05:00+00'", 4),
        ("u = md5('5')::uuid", 1),
        ("t LIKE 'text 29%'", 111),
        ("y = '\\x00000010'", 1),
        ("i2 = 5 AND b", 5),
        ("f8 > 999.9", 1),
        ("ti < '00:00:03'", 2),
        ("ai[1] = 3", 1),
        ("jb ->> 'i' = '9'", 1),
    ] {
        let found = p.rows(&format!(
            "SELECT count(*) FROM '{quoted}' WHERE {condition}"
        ));
        assert_eq!(found, [format!("({count})")], "{condition}");
    }
    assert_eq!(
        p.rows(&format!(
            "SELECT count(*), sum(f.i4) FROM '{quoted}' f JOIN e ON e.i4 = f.i4 AND e.t = f.t WHERE e.i2 < 50"
        )),
        p.rows("SELECT count(*), sum(i4) FROM e WHERE i2 < 50")
    );
    assert_eq!(
        p.rows(&format!(
            "SELECT t FROM '{quoted}' ORDER BY i4 DESC LIMIT 2"
        )),
        ["(\"text 3000\")", "(\"text 2999\")"]
    );
    p.run(&format!(
        "CREATE TABLE copied AS SELECT * FROM read_parquet('{quoted}')"
    ));
    assert_eq!(
        p.rows("SELECT sum(i8) FROM copied"),
        p.rows("SELECT sum(i8) FROM e")
    );
    p.run(&format!(
        "INSERT INTO copied SELECT * FROM read_parquet('{quoted}') WHERE i4 <= 10"
    ));
    assert_eq!(p.rows("SELECT count(*) FROM copied"), ["(3010)"]);
    p.run(&format!("CREATE VIEW v AS SELECT i4, t FROM '{quoted}'"));
    assert_eq!(p.rows("SELECT t FROM v WHERE i4 = 5"), ["(\"text 5\")"]);
    for (executor, wanted) in [
        ("row", "File Scan on PARQUET"),
        ("vector", "DataSourceExec"),
    ] {
        p.run(&format!("SET executor = '{executor}'"));
        let plan = p.c.query(
            &*format!("EXPLAIN SELECT t FROM '{quoted}' WHERE i4 > 5"),
            (),
        );
        let plan: Vec<String> = plan
            .unwrap()
            .map(|row| row.unwrap().get(0).unwrap())
            .collect();
        assert!(plan.join("\n").contains(wanted), "{plan:#?}");
    }
}

#[test]
fn many_files_are_one_table() {
    let mut p = Place::new();
    for (name, content) in [
        ("p/a1.csv", "k,v\n1,x\n"),
        ("p/a2.csv", "v,k\ny,30000000000\n"),
        ("p/b.csv", "k,v,w\n3,z,true\n"),
        ("p/sub/a3.csv", "k,v\n4,q\n"),
        ("p/.hidden.csv", "nonsense"),
    ] {
        p.write(name, content);
    }
    let folder = p.scratch.join("p").display().to_string();
    assert_eq!(
        p.rows(&format!("SELECT * FROM '{folder}/a*.csv' ORDER BY k")),
        ["(1,x)", "(30000000000,y)"]
    );
    assert_eq!(
        p.rows(&format!("SELECT count(*) FROM '{folder}/**/a?.csv'")),
        ["(3)"]
    );
    let error = p.failure(&format!("SELECT * FROM '{folder}/*.csv'"));
    assert_eq!(error.sqlstate().as_str(), "22P04");
    assert!(error.hint().unwrap().contains("union_by_name"));
    assert_eq!(
        p.rows(&format!(
            "SELECT k, v, w, regexp_replace(filename, '.*/', '') f
             FROM read_csv('{folder}/*.csv', union_by_name => true, filename => true) ORDER BY k"
        )),
        ["(1,x,,a1.csv)", "(3,z,t,b.csv)", "(30000000000,y,,a2.csv)"]
    );
    assert_eq!(
        p.rows(&format!(
            "SELECT sum(k) FROM read_csv(ARRAY['{folder}/a1.csv', '{folder}/sub/*'])"
        )),
        ["(5)"]
    );
    p.run(&format!(
        "COPY (SELECT 1::int a, 'x' b) TO '{folder}/1.parquet' (format parquet)"
    ));
    p.run(&format!(
        "COPY (SELECT 'y' b, 2::bigint a, 3 c) TO '{folder}/2.parquet' (format parquet)"
    ));
    assert_eq!(
        p.rows(&format!(
            "SELECT * FROM read_parquet('{folder}/*.parquet', union_by_name => true) ORDER BY a"
        )),
        ["(1,x,)", "(2,y,3)"]
    );
    assert_eq!(
        p.failure(&format!("SELECT * FROM '{folder}/*.tsv'"))
            .sqlstate()
            .as_str(),
        "58P01"
    );
    assert_eq!(
        p.failure(&format!("SELECT * FROM '{folder}'"))
            .sqlstate()
            .as_str(),
        "42809"
    );
}

#[test]
fn bad_files_say_where() {
    let mut p = Place::new();
    let mut rows = String::from("a,b\n");
    for i in 0..20_500 {
        rows.push_str(&format!("{i},x\n"));
    }
    rows.push_str("oops,x\n");
    let late = p.write("late.csv", &rows);
    let error = p.failure(&format!("SELECT sum(a) FROM '{late}'"));
    assert_eq!(error.sqlstate().as_str(), "22P02");
    assert_eq!(
        error.context(),
        Some(&*format!("file \"{late}\", line 20502, column a: \"oops\""))
    );
    assert!(error.hint().unwrap().contains("sample_size => -1"));
    assert_eq!(
        p.rows(&format!("SELECT count(b) FROM '{late}'")),
        ["(20501)"]
    );
    assert_eq!(
        p.types(&format!(
            "SELECT a FROM read_csv('{late}', sample_size => -1)"
        )),
        ["a text"]
    );
    for (content, state, context) in [
        ("a,b\n1,2\n3\n", "22P04", ", line 3: \"3\""),
        ("a,b\n1,2,3\n", "22P04", ", line 2: \"1,2,3\""),
        ("a,b\n1,\"2\n3,4\n", "22P04", ", line 2: \"1,\"2\n3,4\""),
        ("", "22P04", ""),
    ] {
        let file = p.write("bad.csv", content);
        let error = p.failure(&format!("SELECT * FROM '{file}'"));
        assert_eq!(error.sqlstate().as_str(), state, "{error:?}");
        let context = (!context.is_empty()).then(|| format!("file \"{file}\"{context}"));
        assert_eq!(error.context(), context.as_deref());
    }
    let file = p.write("bad.csv", b"a\n\xff\n");
    assert_eq!(
        p.failure(&format!("SELECT * FROM '{file}'"))
            .sqlstate()
            .as_str(),
        "22021"
    );
    let file = p.write("bad.csv", b"a\nx\0y\n");
    assert_eq!(
        p.failure(&format!("SELECT * FROM '{file}'"))
            .sqlstate()
            .as_str(),
        "22021"
    );
    for (sql, state) in [
        ("SELECT * FROM '/nowhere/x.parquet'", "58P01"),
        ("SELECT * FROM 'x.docx'", "58P01"),
        ("SELECT * FROM read_csv()", "42883"),
        ("SELECT * FROM read_csv('x', 'y')", "42601"),
        ("SELECT * FROM read_csv('x', colour => 'red')", "22023"),
        (
            "SELECT * FROM read_csv('x', header => 1, header => 2)",
            "42601",
        ),
        ("SELECT * FROM read_csv(now()::text)", "0A000"),
        ("SELECT * FROM read_parquet(5)", "42804"),
    ] {
        assert_eq!(p.failure(sql).sqlstate().as_str(), state, "{sql}");
    }
    let unknown = p.write("x.docx", "x");
    assert_eq!(
        p.failure(&format!("SELECT * FROM '{unknown}'"))
            .sqlstate()
            .as_str(),
        "22023"
    );
}

/// Damage anywhere in a Parquet file is an error or goes unnoticed: no panic, no endless loop.
#[test]
fn damaged_parquet() {
    let mut p = Place::new();
    let file = p.scratch.join("d.parquet").display().to_string();
    p.run(&format!(
        "COPY (SELECT i a, 'text' || i b, i::numeric(10, 2) c FROM generate_series(1, 500) i)
         TO '{file}' (format parquet)"
    ));
    let whole = fs::read(&file).unwrap();
    let mut failures = 0;
    for at in (4..whole.len()).step_by(29) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        fs::write(&file, &damaged).unwrap();
        for executor in ["row", "vector"] {
            p.run(&format!("SET executor = '{executor}'"));
            let sql = format!("SELECT count(a), min(b), sum(c) FROM '{file}'");
            let error = p.c.query_row(&*sql, ()).err();
            failures += usize::from(error.is_some());
            if let Some(error) = error {
                assert_ne!(error.sqlstate().as_str(), "XX000", "byte {at}: {error:?}");
            }
        }
    }
    assert!(failures > 20, "{failures}");
}

#[test]
fn statements_see_files_as_they_are_now() {
    let mut p = Place::new();
    let file = p.write("n.csv", "a\n1\n");
    let statement =
        p.c.prepare(&format!("SELECT sum(a)::text FROM '{file}'"))
            .unwrap();
    let ask = |p: &mut Place| -> Result<String, Error> { p.c.query_row(&statement, ())?.get(0) };
    assert_eq!(ask(&mut p).unwrap(), "1");
    p.write("n.csv", "a\n1\n2\n");
    assert_eq!(ask(&mut p).unwrap(), "3");
    fs::remove_file(&file).unwrap();
    assert_eq!(ask(&mut p).unwrap_err().sqlstate().as_str(), "58P01");
}
