//! Guards against documentation that is not true: the examples of the chapters below are run, in
//! order, each chapter on a new database.
//!
//! A block marked `sql` is executed. If a block marked `text` follows it, the last statement must
//! answer what that shows: a line of column names, a line of dashes, and the rows; a cell `…` may
//! be anything. `ERROR: message` says how the last statement fails.

use heliosdb::{Connection, Database};

#[test]
fn time_travel() {
    chapter("time-travel.md");
}

#[test]
fn branches() {
    chapter("branches.md");
}

fn chapter(name: &str) {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut connection = Database::open_in_memory().unwrap().connect().unwrap();
    let blocks = blocks(&text);
    let mut examples = 0;
    for (at, (kind, line, body)) in blocks.iter().enumerate() {
        if kind != "sql" {
            continue;
        }
        let place = format!("docs/{name}:{line}");
        let shown = blocks
            .get(at + 1)
            .filter(|(kind, ..)| kind == "text")
            .map(|(.., body)| body.as_str());
        example(&mut connection, body, shown, &place);
        examples += 1;
    }
    assert!(examples > 0, "docs/{name} has no examples");
}

/// The fenced blocks of a page: their kind, line and content.
fn blocks(text: &str) -> Vec<(String, usize, String)> {
    let mut blocks: Vec<(String, usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(kind) = line.strip_prefix("```") {
            inside = !inside;
            if inside {
                blocks.push((kind.trim().to_owned(), number + 1, String::new()));
            }
        } else if inside && let Some((.., body)) = blocks.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    blocks
}

fn example(connection: &mut Connection, sql: &str, shown: Option<&str>, place: &str) {
    let mut statements = statements(sql);
    let last = match shown {
        Some(_) => statements.pop(),
        None => None,
    };
    for statement in statements {
        if let Err(error) = connection.execute_batch(&statement) {
            panic!("{place}: {statement}\n{error}");
        }
    }
    if let (Some(last), Some(shown)) = (last, shown) {
        let found = answer(connection, &last);
        let shown = table(shown);
        let same = found.len() == shown.len()
            && found.iter().zip(&shown).all(|(found, shown)| {
                found.len() == shown.len()
                    && found.iter().zip(shown).all(|(f, s)| s == "…" || f == s)
            });
        assert!(same, "{place}: {last}\nshown: {shown:?}\nfound: {found:?}");
    }
}

/// Statements end with a semicolon at the end of a line.
fn statements(sql: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut current = String::new();
    for line in sql.lines() {
        current.push_str(line);
        current.push('\n');
        if line.trim_end().ends_with(';') {
            all.push(std::mem::take(&mut current));
        }
    }
    if !current.trim().is_empty() {
        all.push(current);
    }
    all
}

/// The cells of a table as it is shown, its header first.
fn table(shown: &str) -> Vec<Vec<String>> {
    let rule = |line: &str| line.contains('-') && line.chars().all(|c| "-+ ".contains(c));
    let footer = |line: &str| line.starts_with('(') && line.ends_with(')');
    shown
        .lines()
        .filter(|line| !line.trim().is_empty() && !rule(line) && !footer(line))
        .map(|line| {
            if line.starts_with("ERROR") {
                return vec![line.trim().to_owned()];
            }
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

fn answer(connection: &mut Connection, sql: &str) -> Vec<Vec<String>> {
    let failed = |error: heliosdb::Error| vec![vec![format!("ERROR: {}", error.message())]];
    let rows = match connection.query(sql, ()) {
        Ok(rows) => rows,
        Err(error) => return failed(error),
    };
    let context = connection.text_context();
    let columns = rows.columns().to_vec();
    let mut lines = vec![columns.iter().map(|column| column.name.clone()).collect()];
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(error) => return failed(error),
        };
        let cells = row.values().iter().zip(&columns).map(|(value, column)| {
            if value.is_null() {
                String::new()
            } else {
                value.to_text(&column.ty, &context)
            }
        });
        lines.push(cells.collect());
    }
    lines
}
