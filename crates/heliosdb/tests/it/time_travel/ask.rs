//! Asking, and showing what comes.

use heliosdb::{Connection, Database, IntoStatement, Params};

/// The rows of a query, columns joined by `|`, or the error with its SQLSTATE.
pub(super) fn ask(
    connection: &mut Connection,
    sql: impl IntoStatement,
    params: impl Params,
) -> String {
    let rows = match connection.query(sql, params) {
        Ok(rows) => rows,
        Err(error) => return shown(&error),
    };
    let context = connection.text_context();
    let types: Vec<_> = rows.columns().iter().map(|c| c.ty.clone()).collect();
    let mut lines = Vec::new();
    for row in rows {
        match row {
            Ok(row) => {
                let cells = row.values().iter().zip(&types).map(|(value, ty)| {
                    if value.is_null() {
                        "-".to_owned()
                    } else {
                        value.to_text(ty, &context)
                    }
                });
                lines.push(cells.collect::<Vec<_>>().join("|"));
            }
            Err(error) => return shown(&error),
        }
    }
    lines.join("; ")
}

pub(super) fn shown(error: &heliosdb::Error) -> String {
    let mut text = format!("{}: {}", error.sqlstate(), error.message());
    for more in [error.detail(), error.hint()].into_iter().flatten() {
        text.push_str(" / ");
        text.push_str(more);
    }
    text
}

/// Runs a script; returns the newest change number.
pub(super) fn run(connection: &mut Connection, script: &str) -> u64 {
    for statement in script.split("; ") {
        connection.execute_batch(statement).unwrap();
    }
    scn(connection)
}

pub(super) fn scn(connection: &mut Connection) -> u64 {
    let text = ask(connection, "SELECT helios_current_scn()", ());
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

pub(super) fn connect() -> Connection {
    Database::open_in_memory().unwrap().connect().unwrap()
}

/// Asks by both executors; they must agree.
pub(super) fn both(connection: &mut Connection, sql: &str) -> String {
    connection.execute("SET executor = 'row'", ()).unwrap();
    let by_rows = ask(connection, sql, ());
    connection.execute("SET executor = 'vector'", ()).unwrap();
    let by_vectors = ask(connection, sql, ());
    connection.execute("RESET executor", ()).unwrap();
    assert_eq!(by_rows, by_vectors, "{sql}");
    by_rows
}
