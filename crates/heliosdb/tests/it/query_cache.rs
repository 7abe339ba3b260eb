//! Guards against results that are handed out again after what they were made of changed.

use helios_testkit::Rng;
use heliosdb::{Connection, Database};

fn one(connection: &mut Connection, sql: &str) -> String {
    let row = connection
        .query_row(sql, ())
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let values = (0..row.columns().len()).map(|at| row.get::<Option<String>>(at).unwrap());
    let values = values.map(|value| value.unwrap_or_else(|| "∅".to_owned()));
    values.collect::<Vec<_>>().join("|")
}

fn hits(connection: &mut Connection) -> i64 {
    connection
        .query_row("SELECT hits FROM helios_query_cache()", ())
        .unwrap()
        .get(0)
        .unwrap()
}

const QUERY: &str = "SELECT count(*)::text, sum(v)::text FROM t WHERE v % 3 = 1";

fn database() -> Database {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t (id integer PRIMARY KEY, v integer);
             CREATE TABLE u (id integer PRIMARY KEY, v integer);
             INSERT INTO t SELECT n, n FROM generate_series(1, 600) n;
             INSERT INTO u SELECT n, n FROM generate_series(1, 600) n;
             SET executor = vector",
        )
        .unwrap();
    database
}

fn vectors(database: &Database) -> Connection {
    let mut connection = database.connect().unwrap();
    connection.execute_batch("SET executor = vector").unwrap();
    connection
}

#[test]
fn a_query_that_is_asked_again_is_answered_from_what_was_kept() {
    let database = database();
    let mut first = vectors(&database);
    let mut second = vectors(&database);
    let answer = one(&mut first, QUERY);
    let before = hits(&mut first);
    assert_eq!(one(&mut first, QUERY), answer);
    assert_eq!(one(&mut second, QUERY), answer);
    assert_eq!(hits(&mut first), before + 2);
    // Another table's changes are none of its business.
    second.execute_batch("DELETE FROM u WHERE id = 7").unwrap();
    assert_eq!(one(&mut first, QUERY), answer);
    assert_eq!(hits(&mut first), before + 3);
    second
        .execute_batch("UPDATE t SET v = 1 WHERE id = 3")
        .unwrap();
    assert_ne!(one(&mut first, QUERY), answer);
    assert_eq!(hits(&mut first), before + 3);
}

#[test]
fn what_is_not_of_tables_alone_is_not_kept() {
    let database = database();
    let mut connection = vectors(&database);
    let before = hits(&mut connection);
    connection
        .execute_batch("CREATE TEMP TABLE mine AS SELECT * FROM t")
        .unwrap();
    for sql in [
        "SELECT count(*)::text FROM t WHERE random() > 2",
        "SELECT count(*)::text FROM t WHERE v::text || now()::text = ''",
        "SELECT count(*)::text FROM t WHERE current_setting('application_name') <> v::text",
        "SELECT count(*)::text FROM mine",
        "SELECT sum(v + x)::text FROM t, generate_series(1, 2) x",
        "SELECT count(*)::text FROM t, pg_stat_activity a WHERE a.pid > 0",
    ] {
        let answer = one(&mut connection, sql);
        assert_eq!(one(&mut connection, sql), answer, "{sql}");
    }
    connection.execute_batch("BEGIN").unwrap();
    connection.execute_batch("DELETE FROM t").unwrap();
    assert_eq!(one(&mut connection, QUERY), "0|∅");
    connection.execute_batch("ROLLBACK").unwrap();
    assert_ne!(one(&mut connection, QUERY), "0|∅");
    assert_eq!(hits(&mut connection), before);
}

#[test]
fn settings_bound_it_and_turn_it_off() {
    let database = database();
    let mut connection = vectors(&database);
    let limit = |connection: &mut Connection| {
        let sql = "SELECT results::text, bytes::text, bytes_limit::text FROM helios_query_cache()";
        one(connection, sql)
    };
    assert_eq!(one(&mut connection, "SHOW query_cache_size"), "32MB");
    one(&mut connection, QUERY);
    assert!(limit(&mut connection).starts_with("1|"));
    connection
        .execute_batch("SET query_cache_size = '1 mb'")
        .unwrap();
    assert_eq!(one(&mut connection, "SHOW query_cache_size"), "1MB");
    assert!(limit(&mut connection).ends_with("|1048576"));
    connection
        .execute_batch("SET query_cache_size = 0")
        .unwrap();
    assert_eq!(limit(&mut connection), "0|0|0");
    one(&mut connection, QUERY);
    assert_eq!(limit(&mut connection), "0|0|0");
    let error = connection.execute_batch("SET query_cache_size = 'much'");
    assert_eq!(error.unwrap_err().sqlstate().to_string(), "22023");
    connection.execute_batch("RESET query_cache_size").unwrap();
    assert_eq!(one(&mut connection, "SHOW query_cache_size"), "32MB");
}

/// Sessions on two branches ask a few queries again and again while rows, columns, segments and branches
/// change; each answer is compared with that of the row executor, which keeps none.
#[test]
fn kept_answers_are_those_of_now() {
    let steps = std::env::var("HELIOS_CACHE_STEPS").map_or(400, |text| text.parse().unwrap());
    let database = database();
    let mut main = vectors(&database);
    main.execute_batch("CREATE BRANCH dev").unwrap();
    let mut dev = vectors(&database);
    dev.execute_batch("USE BRANCH dev").unwrap();
    let mut random = Rng::new();
    let queries = [
        QUERY.to_owned(),
        "SELECT count(*)::text, sum(u.v)::text FROM t JOIN u ON t.id = u.id WHERE u.v > 100"
            .to_owned(),
        "SELECT sum(v)::text FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.v = u.v)".to_owned(),
        "SELECT max(v)::text, min(id)::text FROM t".to_owned(),
    ];
    for step in 0..steps {
        let connection = if random.u32(..3) == 0 {
            &mut dev
        } else {
            &mut main
        };
        let table = ["t", "u"][random.usize(..2)];
        let id = random.u32(1..=600);
        match random.u32(..12) {
            0 => {
                let sql = format!("UPDATE {table} SET v = {step} WHERE id = {id}");
                connection.execute_batch(&sql).unwrap();
            }
            1 => {
                let sql = format!("DELETE FROM {table} WHERE id = {id}");
                connection.execute_batch(&sql).unwrap();
            }
            2 => {
                let sql = format!("SELECT * FROM helios_freeze('{table}')");
                connection.query(sql.as_str(), ()).unwrap().for_each(drop);
            }
            3 => {
                let sql = format!("ALTER TABLE {table} ADD COLUMN c{step} integer DEFAULT 1");
                connection.execute_batch(&sql).unwrap();
            }
            4 if random.u32(..8) == 0 => {
                let sql = format!(
                    "TRUNCATE {table}; INSERT INTO {table} SELECT n, n FROM generate_series(1, 600) n"
                );
                connection.execute_batch(&sql).unwrap();
            }
            _ => {
                let sql = &queries[random.usize(..queries.len())];
                let kept = one(connection, sql);
                connection.execute_batch("SET executor = row").unwrap();
                let fresh = one(connection, sql);
                connection.execute_batch("SET executor = vector").unwrap();
                assert_eq!(kept, fresh, "step {step}: {sql}");
            }
        }
    }
    assert!(hits(&mut main) > 20);
}
