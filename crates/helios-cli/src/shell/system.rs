//! `\dS`: the system's views and functions, and their columns.

use super::Next;
use super::answer::{Footer, rows, table, text};
use super::describe::Pattern;
use super::meta::fail;
use crate::app::{App, Failure};
use crate::output::Cell;

const FUNCTIONS: &str = "SELECT '', function_name, 'function', max(version)::text \
    FROM helios_system_functions() GROUP BY function_name ORDER BY function_name";

const RELATIONS: &str = "SELECT n.nspname, c.relname, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, NULL \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') ORDER BY 1, 2";

const COLUMNS_OF_FUNCTION: &str = "SELECT column_name, data_type FROM helios_system_functions() \
    WHERE function_name = $1 ORDER BY position";

const COLUMNS_OF_RELATION: &str = "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) \
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 ORDER BY a.attnum";

/// `\dS [PATTERN]`: a name describes what it names, a pattern lists what it matches.
pub fn list(app: &mut App, pattern: &str) -> Result<Next, Failure> {
    let wanted = Pattern::new(pattern);
    let mut all = rows(app, FUNCTIONS, ())?;
    all.extend(rows(app, RELATIONS, ())?);
    all.retain(|row| wanted.matches(text(row, 0), text(row, 1)));
    match all.as_slice() {
        [] => fail(
            app,
            &format!("no system view or function is named \"{pattern}\"; \\dS lists all"),
        ),
        [one] if !pattern.is_empty() => describe(app, one),
        _ => {
            let names = ["Schema", "Name", "Type", "Version"];
            let title = "System views and functions";
            table(app, title, &names, all, Footer::Rows)?;
            Ok(Next::GoOn)
        }
    }
}

fn describe(app: &mut App, what: &[Cell]) -> Result<Next, Failure> {
    let (schema, name, kind) = (text(what, 0), text(what, 1), text(what, 2));
    let (columns, title) = match kind {
        "function" => (
            rows(app, COLUMNS_OF_FUNCTION, (name,))?,
            format!("System function {name}(), version {}", text(what, 3)),
        ),
        kind => (
            rows(app, COLUMNS_OF_RELATION, (schema, name))?,
            format!("System {kind} {schema}.{name}"),
        ),
    };
    table(app, &title, &["Column", "Type"], columns, Footer::Nothing)?;
    app.say("")?;
    Ok(Next::GoOn)
}
