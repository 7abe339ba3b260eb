//! `heliosdb import`: files into tables.
//!
//! Each file becomes one transaction: it is loaded whole or not at all.

mod file;
pub mod parquet;
mod sqlite;

pub use file::literal;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Instant;

use heliosdb::{Connection, DataType, Database, Error, Result, SqlState, Value, quoted};

use crate::app::{self, Failure};
use crate::args::ImportArgs;
use crate::report;
use crate::watch::{bar_for, spinner_for};

/// A column as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FileColumn {
    pub name: String,
    pub ty: DataType,
    pub not_null: bool,
}

/// One table's worth of rows out of a file.
pub trait Source {
    /// The table's name by default.
    fn table(&self) -> &str;

    /// The columns, in order.
    fn columns(&self) -> &[FileColumn];

    /// Names of the columns of the primary key, where the file knows them.
    fn primary_key(&self) -> &[String] {
        &[]
    }

    /// Rows in all, where that is known before they are read.
    fn expected(&self) -> Option<u64>;

    /// The next row in column order, `None` at the end.
    fn next_row(&mut self) -> Result<Option<Vec<Value>>>;
}

/// Loads the files in order; stops at the first that fails.
pub fn run(args: &ImportArgs) -> Result<(), Failure> {
    let styles = app::error_styles(&args.output);
    load_all(args).map_err(|error| {
        report::error(&error, None, &styles);
        Failure::Statement
    })
}

fn load_all(args: &ImportArgs) -> Result<()> {
    for file in &args.files {
        // Say what is wrong with a file before a database is created for it.
        std::fs::metadata(file)
            .map_err(|error| Error::io(format!("read \"{}\"", file.display()), error))?;
    }
    let database = Database::open(&args.path)?;
    let mut connection = database.connect()?;
    for file in &args.files {
        // The rows are read by a session of their own, while this one writes them.
        let mut reading = database.connect()?;
        let looking = io::stderr()
            .is_terminal()
            .then(|| spinner_for(format!("looking at {}", file.display())));
        let sources = open(&mut reading, file, args);
        if let Some(spinner) = looking {
            spinner.finish_and_clear();
        }
        let sources = sources.map_err(|error| in_file(error, file))?;
        for mut source in sources {
            let started = Instant::now();
            let table = args
                .table
                .clone()
                .unwrap_or_else(|| source.table().to_owned());
            let rows = load(&mut connection, source.as_mut(), &table, args)
                .map_err(|error| in_file(error, file))?;
            if !args.output.quiet {
                println!(
                    "{}: {} rows into {} in {}",
                    file.display(),
                    report::thousands(rows),
                    quoted(&table),
                    report::duration(started.elapsed())
                );
            }
        }
    }
    Ok(())
}

/// Opens a file by its extension, or by its first bytes where that says more.
fn open(
    connection: &mut Connection,
    path: &Path,
    args: &ImportArgs,
) -> Result<Vec<Box<dyn Source>>> {
    let extension = path
        .extension()
        .map(|end| end.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let magic = first_bytes(path)?;
    if magic.starts_with(b"SQLite format 3\0") {
        return sqlite::open(path, args.table.is_some());
    }
    if magic.starts_with(b"PAR1") {
        let source = file::FileSource::open(connection, path, "read_parquet", args)?;
        return Ok(vec![Box::new(source)]);
    }
    let reader = match extension.as_str() {
        "csv" | "tsv" | "txt" | "tab" => "read_csv",
        "json" | "jsonl" | "ndjson" => "read_json",
        "parquet" => "read_parquet",
        other => {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("\"{}\" is of no known kind (\".{other}\")", path.display()),
            )
            .with_hint("Known are .csv, .tsv, .json, .jsonl, .parquet and SQLite databases."));
        }
    };
    Ok(vec![Box::new(file::FileSource::open(
        connection, path, reader, args,
    )?)])
}

fn first_bytes(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read;
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?
            .take(16)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| Error::io(format!("read \"{}\"", path.display()), error))
}

/// Creates the table where it is not there, and appends the source's rows, in one transaction.
pub fn load(
    connection: &mut Connection,
    source: &mut dyn Source,
    table: &str,
    args: &ImportArgs,
) -> Result<u64> {
    let mut transaction = connection.transaction()?;
    if !transaction.has_table(table)? {
        let key = if args.primary_key.is_empty() {
            source.primary_key()
        } else {
            &args.primary_key
        };
        transaction.execute(&create_table(table, source.columns(), key)?, ())?;
    }
    let names: Vec<&str> = source
        .columns()
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let expected = source.expected();
    let bar = io::stderr().is_terminal().then(|| bar_for(expected));
    let mut rows = 0;
    let mut appender = transaction.appender(table, &names)?;
    while let Some(row) = source.next_row()? {
        let appended = appender.append(row);
        appended.map_err(|error| at_row(error, appender.reached()))?;
        rows += 1;
        if let Some(bar) = bar.as_ref().filter(|_| rows % 1000 == 0) {
            // The number of rows may have been a guess.
            if expected.is_some_and(|expected| rows > expected) {
                bar.set_length(rows);
            }
            bar.set_position(rows);
        }
    }
    let flushed = appender.flush();
    flushed.map_err(|error| at_row(error, appender.reached()))?;
    appender.finish()?;
    transaction.commit()?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(rows)
}

fn create_table(table: &str, columns: &[FileColumn], key: &[String]) -> Result<String> {
    for name in key {
        if !columns.iter().any(|column| column.name == *name) {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("the file has no column \"{name}\" for the primary key"),
            ));
        }
    }
    let mut parts: Vec<String> = columns
        .iter()
        .map(|column| {
            let null = if column.not_null { " NOT NULL" } else { "" };
            format!("{} {}{null}", quoted(&column.name), column.ty)
        })
        .collect();
    if !key.is_empty() {
        let names: Vec<_> = key.iter().map(|name| quoted(name)).collect();
        parts.push(format!("PRIMARY KEY ({})", names.join(", ")));
    }
    Ok(format!(
        "CREATE TABLE {} ({})",
        quoted(table),
        parts.join(", ")
    ))
}

fn in_file(error: Error, file: &Path) -> Error {
    let detail = match error.detail() {
        Some(detail) => format!(
            "{detail} In \"{}\"; nothing of it was loaded.",
            file.display()
        ),
        None => format!("In \"{}\"; nothing of it was loaded.", file.display()),
    };
    error.with_detail(detail)
}

fn at_row(error: Error, row: u64) -> Error {
    let detail = match error.detail() {
        Some(detail) => format!("{detail} At row {row}."),
        None => format!("At row {row}."),
    };
    error.with_detail(detail)
}

/// A table's name from a file's: what stands before the extension, in lower case, other
/// characters than letters, digits and underscores replaced.
pub fn table_name(path: &Path) -> String {
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().to_lowercase());
    let name: String = stem
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    if name.is_empty() {
        "imported".to_owned()
    } else {
        name
    }
}

/// Makes names unique and not empty.
pub fn unique_names(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for (place, name) in names.into_iter().enumerate() {
        let base = match name.trim() {
            "" => format!("column{}", place + 1),
            name => name.to_owned(),
        };
        let mut name = base.clone();
        let mut number = 1;
        while unique.contains(&name) {
            number += 1;
            name = format!("{base}_{number}");
        }
        unique.push(name);
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_unique_and_usable() {
        let names = ["a", "", "a", " b "].map(str::to_owned);
        assert_eq!(unique_names(names), ["a", "column2", "a_2", "b"]);
        assert_eq!(
            table_name(Path::new("/x/My Orders-2024.csv")),
            "my_orders_2024"
        );
    }

    #[test]
    fn tables_are_created_with_quoted_names_and_keys() {
        let column = |name: &str, ty| FileColumn {
            name: name.into(),
            ty,
            not_null: name == "id",
        };
        let columns = [
            column("id", DataType::Int4),
            column("Full Name", DataType::Text),
        ];
        let sql = create_table("t", &columns, &["id".to_owned()]).unwrap();
        assert_eq!(
            sql,
            "CREATE TABLE t (id integer NOT NULL, \"Full Name\" text, PRIMARY KEY (id))"
        );
        assert!(create_table("t", &columns, &["no".to_owned()]).is_err());
    }
}
