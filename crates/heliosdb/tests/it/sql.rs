//! Statements that are to succeed.

use heliosdb::Connection;

/// Runs statements.
pub fn run(c: &mut Connection, sql: &str) {
    c.execute_batch(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// The first column of what a query gives, nothing for NULL.
pub fn lines(c: &mut Connection, sql: &str) -> Vec<String> {
    let rows = c
        .query(sql, ())
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.map(|row| {
        let text: Option<String> = row.unwrap().get(0).unwrap();
        text.unwrap_or_default()
    })
    .collect()
}
