//! `\branch diff`: what another branch has that this one has not, in colours.

use nu_ansi_term::{Color, Style};

use super::Next;
use super::answer::{rows, text};
use super::meta::{fail, unquoted_name};
use crate::app::{App, Failure};
use crate::output::Cell;

/// Rows shown of each table.
const SHOWN: usize = 40;

/// The difference of a row, cell by cell.
const ROWS: &str = "SELECT d.row_key, d.operation, c, d.from_row ->> c, d.to_row ->> c, d.from_row, d.to_row \
    FROM (SELECT * FROM helios_diff($1, $2, $3) LIMIT 41) d LEFT JOIN LATERAL unnest(d.changed_columns) AS c \
    ON d.operation = 'update'";

/// One line about a row of `pg_compare_branches`: `orders: 1 added, 2 changed`.
pub fn summary(row: &[Cell]) -> String {
    let counted = [(1, "added"), (2, "changed"), (3, "deleted")];
    let mut parts: Vec<String> = counted
        .iter()
        .map(|(column, verb)| (text(row, *column), verb))
        .filter(|(count, _)| !matches!(*count, "" | "0"))
        .map(|(count, verb)| format!("{count} {verb}"))
        .collect();
    match text(row, 4) {
        "" => {}
        change => parts.push(format!("table {change}")),
    }
    if parts.is_empty() {
        parts.push("definition only".to_owned());
    }
    format!("{}: {}", text(row, 0), parts.join(", "))
}

/// Styles of a difference.
struct Paint {
    added: Style,
    deleted: Style,
    changed: Style,
    head: Style,
}

impl Paint {
    fn of(app: &App) -> Self {
        let plain = Style::new();
        if app.coloured() {
            Self {
                added: plain.fg(Color::Green),
                deleted: plain.fg(Color::Red),
                changed: plain.fg(Color::Yellow),
                head: plain.bold(),
            }
        } else {
            Self {
                added: plain,
                deleted: plain,
                changed: plain,
                head: plain,
            }
        }
    }
}

/// `\branch diff [A] B`: from A, or the current branch, to B.
pub fn run(app: &mut App, argument: &str) -> Result<Next, Failure> {
    let words: Vec<&str> = argument.split_whitespace().map(unquoted_name).collect();
    let (from, to) = match words.as_slice() {
        [to] => (app.connection.lock().status().branch, (*to).to_owned()),
        [from, to] => ((*from).to_owned(), (*to).to_owned()),
        _ => {
            return fail(
                app,
                "\\branch diff takes one or two points: a branch, branch@SCN or a snapshot",
            );
        }
    };
    let tables = rows(
        app,
        "SELECT table_name, rows_added, rows_changed, rows_deleted, schema_change \
         FROM pg_compare_branches($1, $2)",
        (from.as_str(), to.as_str()),
    )?;
    let schema = rows(
        app,
        "SELECT object_type, object_name, operation, from_definition, to_definition \
         FROM helios_schema_diff($1, $2)",
        (from.as_str(), to.as_str()),
    )?;
    if tables.is_empty() && schema.is_empty() {
        app.say(&format!("\"{from}\" and \"{to}\" are the same."))?;
        return Ok(Next::GoOn);
    }
    let paint = Paint::of(app);
    app.say(&format!(
        "{}",
        paint.head.paint(format!("From \"{from}\" to \"{to}\""))
    ))?;
    for row in &schema {
        definition(app, row, &paint)?;
    }
    for row in &tables {
        let changed = [1, 2, 3].iter().any(|n| !matches!(text(row, *n), "" | "0"));
        if !changed {
            continue;
        }
        app.say("")?;
        let head = paint.head.paint(summary(row)).to_string();
        app.say(&head)?;
        table(app, text(row, 0), (&from, &to), &paint)?;
    }
    app.say("")?;
    Ok(Next::GoOn)
}

/// A definition that came, went or changed.
fn definition(app: &mut App, row: &[Cell], paint: &Paint) -> Result<(), Failure> {
    let head = format!("{} {}: {}", text(row, 0), text(row, 1), text(row, 2));
    app.say("")?;
    app.say(&paint.head.paint(head).to_string())?;
    for (column, sign, style) in [(3, '-', paint.deleted), (4, '+', paint.added)] {
        for line in text(row, column).lines() {
            app.say(&style.paint(format!("{sign} {line}")).to_string())?;
        }
    }
    Ok(())
}

fn table(
    app: &mut App,
    name: &str,
    (from, to): (&str, &str),
    paint: &Paint,
) -> Result<(), Failure> {
    let cells = rows(app, ROWS, (name, from, to))?;
    let mut last = None;
    let mut shown = 0;
    for row in &cells {
        let key = text(row, 0);
        let operation = text(row, 1);
        if last != Some(key) {
            last = Some(key);
            shown += 1;
            if shown > SHOWN {
                app.say(&format!(
                    "  … and more: SELECT * FROM helios_diff('{}', '{}', '{}')",
                    name.replace('\'', "''"),
                    from.replace('\'', "''"),
                    to.replace('\'', "''")
                ))?;
                break;
            }
            match operation {
                "insert" => {
                    let line = format!("+ {}", text(row, 6));
                    app.say(&paint.added.paint(line).to_string())?;
                }
                "delete" => {
                    let line = format!("- {}", text(row, 5));
                    app.say(&paint.deleted.paint(line).to_string())?;
                }
                _ => app.say(&paint.changed.paint(format!("~ {key}")).to_string())?,
            }
        }
        if let Some(column) = row.get(2).cloned().flatten() {
            let old = row.get(3).cloned().flatten();
            let new = row.get(4).cloned().flatten();
            let null = || "NULL".to_owned();
            app.say(&format!(
                "    {column}: {} → {}",
                paint.deleted.paint(old.unwrap_or_else(null)),
                paint.added.paint(new.unwrap_or_else(null))
            ))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_leave_out_what_is_not() {
        let row = |cells: [&str; 5]| cells.map(|c| Some(c.to_owned())).to_vec();
        assert_eq!(
            summary(&row(["t", "1", "0", "2", ""])),
            "t: 1 added, 2 deleted"
        );
        assert_eq!(
            summary(&row(["t", "0", "0", "0", "added"])),
            "t: table added"
        );
    }
}
