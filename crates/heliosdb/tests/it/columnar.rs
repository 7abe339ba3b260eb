//! Guards against rows that change, vanish or come back when they move into columnar segments.

use std::path::{Path, PathBuf};

use helios_testkit::Scratch;
use heliosdb::{Connection, Database, Options};

fn texts(connection: &mut Connection, sql: &str) -> Vec<String> {
    let rows = connection
        .query(sql, ())
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.map(|row| {
        let row = row.unwrap();
        let values = (0..row.columns().len()).map(|at| row.get::<Option<String>>(at).unwrap());
        let values = values.map(|value| value.unwrap_or_else(|| "∅".to_owned()));
        values.collect::<Vec<_>>().join("|")
    })
    .collect()
}

/// Runs statements, each on its own.
fn run(connection: &mut Connection, script: &str) {
    for sql in script.split(';').filter(|sql| !sql.trim().is_empty()) {
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// Freezes a table and says how many rows that moved.
fn freeze(connection: &mut Connection, table: &str) -> i64 {
    let sql = format!("SELECT rows FROM helios_freeze('{table}')");
    connection.query_row(&sql, ()).unwrap().get(0).unwrap()
}

fn sound(database: &Database) {
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

const TYPES: &str = "
    CREATE TYPE mood AS ENUM ('low', 'high');
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    CREATE TABLE t (id integer PRIMARY KEY, b boolean, i2 smallint, i8 bigint, f4 real, f8 double precision,
        n numeric, n2 numeric(12,2), t text, v varchar(9), c char(5), j json, jb jsonb, by bytea, d date, ti time,
        ts timestamp, tz timestamptz, iv interval, u uuid, a integer[], at text[], r int4range, m mood, p positive,
        nm name, o oid);
    INSERT INTO t VALUES
        (1, true, -3, 9223372036854775807, 1.5, 'NaN', 1.10, 12345.60, 'grüße', 'v', 'ab', '{\"a\" : 1}', '{\"b\":[1,null]}',
         '\\x00ff', '2024-02-29', '23:59:59.5', '1999-12-31 23:59:59.999999', '2024-01-01 00:00:00+02', '1 mon 2 days 3:04',
         '00112233-4455-6677-8899-aabbccddeeff', '{1,NULL,3}', '{x,\"y z\"}', '[1,5)', 'high', 7, 'nm', 12),
        (2, false, 0, 0, '-0', 'Infinity', 'NaN', 'NaN', '', '', '', 'null', 'null', '', '-infinity', '00:00',
         'infinity', '-infinity', '-1 day', '00000000-0000-0000-0000-000000000000', '{}', '{}', 'empty', 'low', 1, '', 0),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (4, true, 1, -1, 3e38, 5e-324, 123456789012345678901234567890.1234567890, -0.01, repeat('x', 70000), 'w', 'abcde',
         '[]', '\"s\"', decode(repeat('ab', 300), 'hex'), '0001-01-01 BC', '24:00', '2000-01-01', '2000-01-01', '0', NULL,
         '[2:3]={1,2}', NULL, '(,3)', 'low', 2, 'x', 4294967295);";

fn as_text() -> String {
    let columns = "id b i2 i8 f4 f8 n n2 t v c j jb by d ti ts tz iv u a at r m p nm o";
    let columns: Vec<_> = columns
        .split(' ')
        .map(|name| format!("{name}::text"))
        .collect();
    format!("SELECT {} FROM t ORDER BY id", columns.join(", "))
}

#[test]
fn every_type_comes_back_as_it_was() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    run(&mut connection, "SET timezone = 'UTC'");
    run(&mut connection, TYPES);
    let before = texts(&mut connection, &as_text());
    assert_eq!(freeze(&mut connection, "t"), 4);
    assert_eq!(freeze(&mut connection, "t"), 0);
    assert_eq!(texts(&mut connection, &as_text()), before);
    for id in 1..=4 {
        let one = as_text().replace("ORDER BY id", &format!("WHERE id = {id}"));
        assert_eq!(texts(&mut connection, &one), [before[id - 1].clone()]);
    }
    // Aggregates of the other executor.
    assert_eq!(
        texts(
            &mut connection,
            "SELECT count(*)::text, sum(i8)::text, max(m)::text FROM t"
        )
        .len(),
        1
    );
    sound(&database);
    drop((connection, database));
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    run(&mut connection, "SET timezone = 'UTC'");
    assert_eq!(texts(&mut connection, &as_text()), before);
    let columns: i64 = connection
        .query_row(
            "SELECT count(*) FROM helios_compression() WHERE table_name = 't'",
            (),
        )
        .unwrap()
        .get(0)
        .unwrap();
    assert_eq!(columns, 27);
    sound(&database);
}

// Guards against tables that cannot be frozen for the types of some columns.
#[test]
fn types_of_networks_and_bits_come_back_as_they_were() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    run(
        &mut connection,
        "CREATE TABLE t (id integer PRIMARY KEY, m macaddr, z timetz, i inet, c cidr, b bit(4), v varbit,
            s interval, r numrange, k int4multirange, x jsonpath);
         INSERT INTO t VALUES (1, '08:00:2b:01:02:03', '10:00:00.5+02', '10.0.0.1/24', '10.0.0.0/8', '1010', '1',
            '1 mon', '[1.5,2)', '{[1,3),[5,8)}', '$.a');
         INSERT INTO t (id) VALUES (2);
         INSERT INTO t (id, m, z) VALUES (3, 'ff:ff:ff:ff:ff:ff', '23:59:59-11')",
    );
    let sql = "SELECT t::text FROM t ORDER BY id";
    let before = texts(&mut connection, sql);
    assert_eq!(freeze(&mut connection, "t"), 3);
    assert_eq!(texts(&mut connection, sql), before);
    run(&mut connection, "SET executor = vector");
    assert_eq!(texts(&mut connection, sql), before);
    let one = "SELECT t::text FROM t WHERE id = 1";
    assert_eq!(texts(&mut connection, one), [before[0].clone()]);
    sound(&database);
}

#[test]
fn keys_of_all_kinds_are_found() {
    keys_of_all_kinds("");
}

#[test]
fn keys_of_all_kinds_are_found_in_clustered_segments() {
    keys_of_all_kinds("CLUSTER BY (v)");
}

fn keys_of_all_kinds(clause: &str) {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    run(&mut connection, "CREATE TYPE mood AS ENUM ('low', 'high')");
    let kinds = [
        ("k text PRIMARY KEY", "'k' || n", "'k7'"),
        ("k numeric(9,3) PRIMARY KEY", "n - 5", "2"),
        ("k numeric PRIMARY KEY", "n - 5.50", "1.5"),
        ("k double precision PRIMARY KEY", "n / 2.0", "3.5"),
        ("k char(5) PRIMARY KEY", "'k' || n", "'k7'"),
        (
            "k date PRIMARY KEY",
            "'2024-01-01'::date + n",
            "'2024-01-08'",
        ),
        ("k bigint, PRIMARY KEY (k, v)", "-n", "-7"),
        ("k integer", "n", "7"),
        ("k jsonb PRIMARY KEY", "to_jsonb(n)", "'7'::jsonb"),
    ];
    for (number, (column, value, key)) in kinds.iter().enumerate() {
        let t = format!("t{number}");
        let sql = format!(
            "CREATE TABLE {t} (v text, {column}) {clause};
             INSERT INTO {t} SELECT 'v' || n, {value} FROM generate_series(1, 3000) n;"
        );
        run(&mut connection, &sql);
        assert_eq!(freeze(&mut connection, &t), 3000, "{column}");
        let one = format!("SELECT v FROM {t} WHERE k = {key}");
        assert_eq!(texts(&mut connection, &one), ["v7"], "{column}");
        run(
            &mut connection,
            &format!("UPDATE {t} SET v = 'new' WHERE k = {key}"),
        );
        assert_eq!(texts(&mut connection, &one), ["new"], "{column}");
        run(&mut connection, &format!("DELETE FROM {t} WHERE k = {key}"));
        assert_eq!(texts(&mut connection, &one), [""; 0], "{column}");
        run(
            &mut connection,
            &format!("INSERT INTO {t} (k, v) VALUES ({key}, 'again')"),
        );
        assert_eq!(texts(&mut connection, &one), ["again"], "{column}");
        let all = format!("SELECT count(*)::text, count(DISTINCT v)::text FROM {t}");
        assert_eq!(texts(&mut connection, &all), ["3000|3000"], "{column}");
    }
    sound(&database);
}

#[test]
fn definitions_change_and_the_past_stays() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE t (id integer PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'one'), (2, 'two')",
    );
    let scn: i64 = c
        .query_row("SELECT helios_current_scn()", ())
        .unwrap()
        .get(0)
        .unwrap();
    run(
        c,
        "ALTER TABLE t ADD COLUMN b integer DEFAULT 5; INSERT INTO t VALUES (3, 'three', 3)",
    );
    assert_eq!(freeze(c, "t"), 3);
    let now = "SELECT id::text, a, b::text FROM t ORDER BY id";
    assert_eq!(texts(c, now), ["1|one|5", "2|two|5", "3|three|3"]);
    let then = format!("SELECT * FROM t AS OF SCN {scn} ORDER BY id");
    assert_eq!(c.query(&then, ()).unwrap().count(), 2);
    run(
        c,
        "ALTER TABLE t DROP COLUMN a; UPDATE t SET b = 6 WHERE id = 1; DELETE FROM t WHERE id = 2",
    );
    assert_eq!(
        texts(c, "SELECT id::text, b::text FROM t ORDER BY id"),
        ["1|6", "3|3"]
    );
    let then = format!("SELECT id::text, a FROM t AS OF SCN {scn} ORDER BY id");
    assert_eq!(texts(c, &then), ["1|one", "2|two"]);
    run(
        c,
        "ALTER TABLE t ALTER COLUMN b TYPE text; TRUNCATE t; INSERT INTO t VALUES (9, 'nine')",
    );
    assert_eq!(freeze(c, "t"), 1);
    assert_eq!(texts(c, "SELECT id::text, b FROM t"), ["9|nine"]);
    assert_eq!(texts(c, &then), ["1|one", "2|two"]);
    sound(&database);
}

#[test]
fn branches_share_segments() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE t (id integer PRIMARY KEY, a integer); CREATE INDEX ON t (a);
            INSERT INTO t SELECT n, n % 10 FROM generate_series(1, 2000) n",
    );
    assert_eq!(freeze(c, "t"), 2000);
    run(c, "CREATE BRANCH dev; USE BRANCH dev;
            UPDATE t SET a = 99 WHERE id <= 10; DELETE FROM t WHERE id BETWEEN 11 AND 20; INSERT INTO t VALUES (5000, 1)");
    let sums = "SELECT count(*)::text, sum(a)::text FROM t";
    let dev = texts(c, sums);
    // What the branch wrote, and nothing of its parent's.
    assert_eq!(freeze(c, "t"), 11);
    assert_eq!(texts(c, sums), dev);
    assert_eq!(
        texts(c, "SELECT count(*)::text FROM t WHERE a = 99"),
        ["10"]
    );
    run(c, "USE BRANCH main; UPDATE t SET a = 7 WHERE id = 15");
    assert_eq!(texts(c, sums), [format!("2000|{}", 9000 + 7 - 5)]);
    let diff = "SELECT count(*)::text FROM helios_diff('t', 'main', 'dev')";
    assert_eq!(texts(c, diff), ["21"]);
    run(
        c,
        "UPDATE t SET a = 5 WHERE id = 15; MERGE BRANCH dev INTO main",
    );
    assert_eq!(texts(c, sums), dev);
    run(c, "DROP BRANCH dev; VACUUM");
    assert_eq!(texts(c, sums), dev);
    sound(&database);
}

fn segment_files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(path.join("segments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn a_damaged_or_missing_segment_hurts_its_table_alone() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    {
        let database = Database::open(&path).unwrap();
        let mut c = database.connect().unwrap();
        run(&mut c, "CREATE TABLE a (id integer PRIMARY KEY, t text); CREATE TABLE b (id integer PRIMARY KEY, t text);
                     INSERT INTO a SELECT n, 'text ' || n FROM generate_series(1, 500) n; INSERT INTO b SELECT * FROM a");
        assert_eq!(freeze(&mut c, "a"), 500);
        assert_eq!(freeze(&mut c, "b"), 500);
        run(&mut c, "INSERT INTO a VALUES (1000, 'hot')");
    }
    let files = segment_files(&path);
    assert_eq!(files.len(), 2);
    let sound_bytes = std::fs::read(&files[0]).unwrap();
    for damage in [true, false] {
        if damage {
            let mut bytes = sound_bytes.clone();
            for byte in &mut bytes[64..80] {
                *byte ^= 0x55;
            }
            std::fs::write(&files[0], bytes).unwrap();
        } else {
            std::fs::remove_file(&files[0]).unwrap();
        }
        let database = Database::open(&path).unwrap();
        let mut c = database.connect().unwrap();
        let error = c
            .query("SELECT sum(id + length(t)) FROM a", ())
            .and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
        let error = error.unwrap_err();
        let name = files[0].file_name().unwrap().to_str().unwrap();
        let shown = format!("{error} {:?}", error.detail());
        assert!(shown.contains(name), "{shown}");
        assert_eq!(error.table(), Some("a"), "{shown}");
        assert_eq!(texts(&mut c, "SELECT count(*)::text FROM b"), ["500"]);
        // Writing beside it goes on.
        run(
            &mut c,
            "INSERT INTO b VALUES (501, 'x'); DELETE FROM b WHERE id = 1",
        );
        assert_eq!(texts(&mut c, "SELECT t FROM a WHERE id = 1000"), ["hot"]);
        let report = database.check().unwrap();
        assert!(
            report.faults.iter().any(|fault| fault.contains(name)),
            "{:?}",
            report.faults
        );
        run(
            &mut c,
            "DELETE FROM b WHERE id = 501; INSERT INTO b VALUES (1, 'text 1')",
        );
        drop((c, database));
        std::fs::write(&files[0], &sound_bytes).unwrap();
    }
    let database = Database::open(&path).unwrap();
    let mut c = database.connect().unwrap();
    assert_eq!(texts(&mut c, "SELECT count(*)::text FROM a"), ["501"]);
    sound(&database);
    run(&mut c, "DROP TABLE a");
    sound(&database);
}

/// Asked of a table in segments with rows beside them, and of the same rows in an ordinary table.
#[test]
fn scans_over_segments_and_rows_agree() {
    scans_agree("");
}

#[test]
fn scans_over_clustered_segments_and_rows_agree() {
    scans_agree("ALTER TABLE t CLUSTER BY (m, s, n);");
}

/// `clustered` comes before the rows move into a segment.
fn scans_agree(clustered: &str) {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    run(c, "CREATE TYPE mood AS ENUM ('low', 'mid', 'high');
            CREATE TABLE t (id integer PRIMARY KEY, g integer, b boolean, n numeric(10,2), f double precision, s text, d date,
                ts timestamp, j jsonb, m mood, x integer);
            INSERT INTO t SELECT i, i % 97, i % 3 = 0, i / 7.0, i * 0.5, CASE WHEN i % 11 > 0 THEN 'text ' || i % 1000 END,
                '2020-01-01'::date + i / 100, '2020-01-01'::timestamp + i * interval '1 minute', jsonb_build_object('i', i),
                (ARRAY['low', 'mid', 'high'])[1 + i % 3]::mood, NULL
            FROM generate_series(1, 150000) i");
    run(c, clustered);
    assert_eq!(freeze(c, "t"), 150_000);
    run(
        c,
        "ALTER TABLE t ADD COLUMN late integer DEFAULT 4;
            UPDATE t SET g = -1, s = 'changed' WHERE id % 5000 = 7;
            DELETE FROM t WHERE id BETWEEN 70000 AND 70100 OR id = 1;
            INSERT INTO t (id, g, s) SELECT i, 5, 'new' FROM generate_series(200001, 200050) i;
            CREATE TABLE u AS SELECT * FROM t",
    );
    let columns = "count(*), sum(id), sum(g), count(b), sum(n), sum(f), min(s), max(s), count(s), min(d), max(ts), count(j), max(m), sum(late), sum(length(s)), max(regexp_replace(s, '[0-9]', '#'))";
    let conditions = [
        "true",
        "id > 149000",
        "id = 65536",
        "id BETWEEN 69990 AND 70110",
        "g = -1",
        "g IN (5, 6, -1)",
        "b",
        "NOT b",
        "b IS NULL",
        "n > 20000.50",
        "n = 1.00",
        "s = 'text 77'",
        "s IS NULL",
        "s > 'text 9' AND g < 10",
        "d = '2021-05-01'",
        "d < '2020-01-05'",
        "ts >= '2020-04-01'",
        "m = 'high'",
        "x IS NULL",
        "x IS NOT NULL",
        "late = 4",
        "late = 5",
        "id > 300000",
        "f < 10",
        "(j ->> 'i')::integer = 140000",
        "id % 2 = 0 AND g = 3",
    ];
    for condition in conditions {
        let ask =
            |table: &str| format!("SELECT row({columns})::text FROM {table} WHERE {condition}");
        let (found, wanted) = (texts(c, &ask("t")), texts(c, &ask("u")));
        assert_eq!(found, wanted, "{condition}");
        let ask = |table: &str| {
            format!("SELECT {table}::text FROM {table} WHERE {condition} ORDER BY id LIMIT 300")
        };
        let (found, wanted) = (texts(c, &ask("t")), texts(c, &ask("u")));
        assert_eq!(found, wanted, "{condition}");
    }
    let plan = texts(
        c,
        match clustered.is_empty() {
            true => "EXPLAIN ANALYZE SELECT count(n) FROM t WHERE d < '2020-01-05'",
            false => "EXPLAIN ANALYZE SELECT count(n) FROM t WHERE s < 'text 2'",
        },
    )
    .join(" ");
    let pruned = plan.contains("segments=1, chunks read=") && !plan.contains("pruned=0");
    assert!(pruned, "{plan}");
    // What sorts by several columns learn rules out chunks as well.
    for (order, prunes) in [
        ("ts, s", true),
        ("ts DESC NULLS LAST, id", false),
        ("ts DESC NULLS FIRST, id DESC", false),
        ("ts NULLS FIRST, g, id", false),
        ("d, g, id", true),
        ("g, id", false),
    ] {
        let ask = |table: &str| format!("SELECT id::text FROM {table} ORDER BY {order} LIMIT 60");
        let (found, wanted) = (texts(c, &ask("t")), texts(c, &ask("u")));
        assert_eq!(found, wanted, "{order}");
        let plan = texts(c, &format!("EXPLAIN ANALYZE {}", ask("t"))).join(" ");
        let pruned = plan.contains("chunks read=") && !plan.contains("pruned=0");
        assert!(
            pruned || !prunes || !clustered.is_empty(),
            "{order}: {plan}"
        );
    }
    let join = |t: &str| {
        format!(
            "SELECT count(*)::text, sum(a.id)::text FROM {t} a JOIN {t} b ON a.id = b.id + 1 WHERE b.g = 12"
        )
    };
    assert_eq!(texts(c, &join("t")), texts(c, &join("u")));
    run(
        c,
        "BEGIN; UPDATE t SET g = 1000 WHERE id = 90000; DELETE FROM t WHERE id = 90001; INSERT INTO t (id, g) VALUES (1, 1)",
    );
    assert_eq!(
        texts(
            c,
            "SELECT count(*)::text FROM t WHERE id BETWEEN 89990 AND 90010"
        ),
        ["20"]
    );
    assert_eq!(
        texts(c, "SELECT count(*)::text, max(g)::text FROM t WHERE id > 0"),
        [format!("{}|1000", 150_000 - 102 + 50)]
    );
    run(c, "ROLLBACK");
    sound(&database);
}

#[test]
fn what_is_kept_of_segments_changes_no_answer() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE t (id integer PRIMARY KEY, g integer, s text, c char(3), n numeric(10,2));
            INSERT INTO t SELECT i, i % 97, CASE WHEN i % 11 > 0 THEN 'text ' || i % 1000 END, chr(65 + i % 7),
                i / 7.0 FROM generate_series(1, 210000) i",
    );
    assert_eq!(freeze(c, "t"), 210_000);
    run(
        c,
        "UPDATE t SET g = -1 WHERE id % 100 = 3; DELETE FROM t WHERE id % 1000 = 5;
            ALTER TABLE t ALTER COLUMN c TYPE char(5); INSERT INTO t VALUES (-4, 1, 'new', 'B', 2)",
    );
    let asked = [
        "SELECT c, octet_length(c)::text, count(*)::text, sum(n)::text FROM t GROUP BY c ORDER BY c",
        "SELECT g::text, count(*)::text, min(s), max(id)::text FROM t WHERE s LIKE '%7%' AND g < 20 GROUP BY g ORDER BY g",
        "SELECT count(*)::text, sum(id)::text FROM t WHERE c IN ('A', 'C ') AND n BETWEEN 100 AND 20000.5 AND id <> 700",
        "SELECT id::text, g::text, s FROM t WHERE g = -1 ORDER BY id LIMIT 40 OFFSET 900",
        "SELECT a.id::text, b.s FROM t a JOIN t b ON b.id = a.id * 1000 + 1 WHERE a.g = 5 AND b.g <> 3 ORDER BY a.id",
    ];
    let wanted: Vec<Vec<String>> = asked
        .iter()
        .map(|sql| {
            run(c, "SET executor = row");
            let rows = texts(c, sql);
            assert!(!rows.is_empty(), "{sql}");
            rows
        })
        .collect();
    drop(connection);
    drop(database);
    for bytes in [0, 100 << 10, 4 << 20, 256 << 20] {
        let options = Options::new().segment_cache(bytes);
        let database = options.open(&path).unwrap();
        let mut connection = database.connect().unwrap();
        let c = &mut connection;
        run(c, "SET executor = vector; SET query_cache_size = 0");
        // The second time some of it is kept.
        for _ in 0..2 {
            for (sql, wanted) in asked.iter().zip(&wanted) {
                assert_eq!(texts(c, sql), *wanted, "{bytes} bytes: {sql}");
            }
        }
    }
}

#[test]
fn compression_does_as_it_is_told() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE logs (id integer PRIMARY KEY, level text, message text, value double precision)
             WITH (compression = 'auto', compression.level = 'dictionary', compression.value = 'gorilla');
         CREATE TABLE plain (id integer PRIMARY KEY, message text) WITH (compression = none);
         CREATE TABLE pinned (id integer PRIMARY KEY, message text, value double precision)
             WITH (compression = 'auto', compression_codec = 'alp');
         CREATE TABLE small (id integer PRIMARY KEY, message text) WITH (compression_threshold = '1MB');
         ALTER TABLE logs ALTER COLUMN message SET COMPRESSION zstd;
         ALTER TABLE logs RENAME COLUMN level TO severity;
         INSERT INTO logs SELECT i, 'level ' || i % 3, 'request ' || i || ' took a while', i / 8.0 FROM generate_series(1, 20000) i;
         INSERT INTO plain SELECT id, message FROM logs;
         INSERT INTO pinned SELECT id, message, value FROM logs;
         INSERT INTO small SELECT id, message FROM logs LIMIT 2000;
         SELECT * FROM helios_freeze()",
    );
    let codecs = |c: &mut Connection, table: &str| {
        let sql = format!(
            "SELECT string_agg(format('%s %s %s', column_name, codec, reason), ', ' ORDER BY column_name)
             FROM helios_compression() WHERE table_name = '{table}'"
        );
        texts(c, &sql).remove(0)
    };
    let logs = codecs(c, "logs");
    for told in [
        "message zstd setting",
        "severity dictionary setting",
        "value chimp setting",
    ] {
        assert!(logs.contains(told), "{logs}");
    }
    assert!(logs.contains("id ") && logs.contains(" sampled"), "{logs}");
    assert_eq!(codecs(c, "plain"), "id none setting, message none setting");
    let pinned = codecs(c, "pinned");
    assert!(pinned.contains("value alp setting"), "{pinned}");
    assert!(
        pinned.contains("message ") && pinned.contains("sampled"),
        "{pinned}"
    );
    assert_eq!(codecs(c, "small"), "id none small, message none small");
    let all = "SELECT count(*)::text, sum(value)::text, max(message) FROM logs";
    assert_eq!(texts(c, all), ["20000|25001250|request 9999 took a while"]);
    for (sql, wanted) in [
        ("ALTER TABLE logs SET (compression = 'lzma')", "22023"),
        ("ALTER TABLE logs SET (compression = 'brotli')", "0A000"),
        (
            "ALTER TABLE logs ALTER COLUMN nothing SET COMPRESSION zstd",
            "42703",
        ),
        (
            "ALTER TABLE logs ALTER COLUMN message SET COMPRESSION best",
            "22023",
        ),
        (
            "CREATE TABLE x (a int) WITH (compression_threshold = 'much')",
            "22023",
        ),
    ] {
        let error = c.execute_batch(sql).unwrap_err();
        assert_eq!(error.sqlstate().as_str(), wanted, "{sql}");
    }
    run(
        c,
        "ALTER TABLE logs ALTER COLUMN message SET COMPRESSION DEFAULT",
    );
    sound(&database);
}
