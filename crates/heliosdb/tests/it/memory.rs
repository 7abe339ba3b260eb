//! Statements that would take all memory end with an error, and the session goes on.

use heliosdb::{Database, Error};

/// What a statement raises when little memory is allowed.
fn refusal(sql: &str) -> Result<String, Error> {
    let mut connection = Database::open_in_memory()?.connect()?;
    connection.execute_batch("SET memory_limit = '4MB'; SET executor = 'row'")?;
    let state = match connection.query_row(sql, ()) {
        Err(error) => error.sqlstate().to_string(),
        Ok(_) => "none".to_owned(),
    };
    assert_eq!(connection.query_row("SELECT 1", ())?.get::<i32>(0)?, 1);
    Ok(state)
}

#[test]
fn what_keeps_rows_is_bounded() -> Result<(), Error> {
    let pairs = "generate_series(1, 1000) a, generate_series(1, 1000) b";
    for sql in [
        format!("SELECT * FROM {pairs} ORDER BY a + b OFFSET 999999"),
        format!("SELECT count(*) FROM (SELECT DISTINCT a, b FROM {pairs}) s"),
        format!("SELECT count(*) FROM (SELECT a, b FROM {pairs} GROUP BY a, b) s"),
        format!("SELECT max(r) FROM (SELECT rank() OVER (ORDER BY a) r FROM {pairs}) s"),
        format!("SELECT length(array_agg(a)::text) FROM {pairs}"),
        format!("SELECT length(string_agg('0123456789', '')) FROM {pairs}"),
        format!("SELECT length(json_agg(a)::text) FROM {pairs}"),
        format!("SELECT count(DISTINCT (a, b)) FROM {pairs}"),
        format!("SELECT length(array_agg(a ORDER BY b)::text) FROM {pairs}"),
        format!("SELECT array_length(ARRAY(SELECT a FROM {pairs}), 1)"),
        format!("WITH t AS MATERIALIZED (SELECT a FROM {pairs}) SELECT count(*) FROM t, t u"),
        format!("SELECT count(*) FROM (SELECT a, b FROM {pairs} UNION SELECT 1, 2) s"),
        format!(
            "SELECT count(*) FROM (VALUES (1)) v(x) LEFT JOIN (SELECT a * b p FROM {pairs}) s ON p = x"
        ),
        format!("SELECT 1 WHERE 0 IN (SELECT a * 1000 + b FROM {pairs})"),
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION SELECT n + 1 FROM t) SELECT max(n) FROM t"
            .to_owned(),
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t, (VALUES (1), (2)) v) \
         SELECT count(*) FROM t"
            .to_owned(),
        "WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM t) SELECT max(s) FROM t"
            .to_owned(),
    ] {
        assert_eq!(refusal(&sql)?, "53200", "{sql}");
    }
    Ok(())
}

#[test]
fn what_is_given_back_counts_no_more() -> Result<(), Error> {
    // Each of the subqueries sorts some hundred kilobytes.
    let sql = "SELECT sum((SELECT max(s.b) FROM (SELECT b FROM generate_series(1, 2000) b \
               ORDER BY b + a OFFSET 1999) s)) FROM generate_series(1, 100) a";
    assert_eq!(refusal(sql)?, "none");
    Ok(())
}

#[test]
fn values_end_at_a_gigabyte() -> Result<(), Error> {
    for sql in [
        "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))",
        "SELECT length(repeat('x', 2000000000))",
    ] {
        assert_eq!(refusal(sql)?, "54000", "{sql}");
    }
    Ok(())
}
