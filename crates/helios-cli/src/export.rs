//! `heliosdb export`: the tables of a database as files, all of one moment.

use std::fs;
use std::path::Path;
use std::time::Instant;

use heliosdb::{Error, Options, Result, SqlState, quoted};

use crate::app::{self, Failure};
use crate::args::{ExportArgs, ExportFormat};
use crate::import::literal;
use crate::report;

/// Every table that is not the system's.
const TABLES: &str = "SELECT n.nspname::text, c.relname::text FROM pg_class c \
                      JOIN pg_namespace n ON n.oid = c.relnamespace \
                      WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\\_%' \
                      AND n.nspname <> 'information_schema' ORDER BY 1, 2";

/// Writes every table into a file of its name.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    let styles = app::error_styles(&args.output);
    export(args).map_err(|error| {
        report::error(&error, None, &styles);
        Failure::Statement
    })
}

fn export(args: &ExportArgs) -> Result<()> {
    let database = Options::new().must_exist(true).open(&args.path)?;
    let mut connection = database.connect()?;
    if let Some(branch) = &args.branch {
        connection.execute(&format!("USE BRANCH {}", quoted(branch)), ())?;
    }
    prepare(&args.directory)?;
    // One snapshot for all tables: nothing that commits meanwhile is in one and not in another.
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", ())?;
    let mut tables: Vec<(String, String)> = Vec::new();
    for row in connection.query(TABLES, ())? {
        let row = row?;
        tables.push((row.get(0)?, row.get(1)?));
    }
    for (schema, table) in tables {
        let started = Instant::now();
        let name = match schema.as_str() {
            "public" => file_name(&table),
            schema => format!("{}.{}", file_name(schema), file_name(&table)),
        };
        let (end, options) = match args.kind {
            ExportFormat::Parquet => (
                "parquet",
                format!("parquet, compression {}", literal(&args.compression)),
            ),
            ExportFormat::Csv => ("csv", "csv, header".to_owned()),
            ExportFormat::Json => ("json", "json".to_owned()),
        };
        let path = args.directory.join(format!("{name}.{end}"));
        let told = path.to_str().ok_or_else(|| {
            Error::new(
                SqlState::INVALID_NAME,
                format!(
                    "the directory \"{}\" is not UTF-8",
                    args.directory.display()
                ),
            )
        })?;
        let sql = format!(
            "COPY {}.{} TO {} (format {options})",
            quoted(&schema),
            quoted(&table),
            literal(told)
        );
        let rows = connection.execute(&sql, ())?;
        if !args.output.quiet {
            println!(
                "{}: {} rows in {}",
                path.display(),
                report::thousands(rows),
                report::duration(started.elapsed())
            );
        }
    }
    connection.execute("COMMIT", ()).map(drop)
}

/// Makes the directory; one that holds something is refused, lest files of two exports mix.
fn prepare(directory: &Path) -> Result<()> {
    let told = directory.display();
    let failed = |e| Error::io(format!("create the directory \"{told}\""), e);
    fs::create_dir_all(directory).map_err(failed)?;
    match fs::read_dir(directory).map_err(failed)?.next() {
        None => Ok(()),
        Some(_) => Err(Error::new(
            SqlState::DUPLICATE_FILE,
            format!("the directory \"{told}\" is not empty"),
        )),
    }
}

/// A name that every file system takes.
fn file_name(name: &str) -> String {
    let mut file = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_alphanumeric() || matches!(c, '_' | '-' | ' ') {
            file.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                file.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_else() {
        assert_eq!(file_name("orders 2024"), "orders 2024");
        assert_eq!(file_name("../x.é"), "%2E%2E%2Fx%2Eé");
    }
}
