//! The benchmark's tables and their rows.

use std::fmt::Display;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::bench::duck::quoted;
use heliosdb::{Connection, Error, Result};
use tpchgen::csv::{
    CustomerCsv, LineItemCsv, NationCsv, OrderCsv, PartCsv, PartSuppCsv, RegionCsv, SupplierCsv,
};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};

/// The tables with their constraints.
const SCHEMA: &str = include_str!("schema.sql");

/// Their names, those that others refer to first.
const TABLES: [&str; 8] = [
    "region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem",
];

/// Writes a file of each table's rows.
pub fn write(folder: &Path, scale: f64) -> Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Error::io(format!("create \"{}\"", folder.display()), error))?;
    // The generators take a part and how many there are.
    macro_rules! fill {
        ($table:literal, $generator:ident, $csv:ident) => {
            let rows = $generator::new(scale, 1, 1).iter();
            file(&folder.join(concat!($table, ".csv")), rows.map($csv::new))?;
        };
    }
    fill!("region", RegionGenerator, RegionCsv);
    fill!("nation", NationGenerator, NationCsv);
    fill!("supplier", SupplierGenerator, SupplierCsv);
    fill!("customer", CustomerGenerator, CustomerCsv);
    fill!("part", PartGenerator, PartCsv);
    fill!("partsupp", PartSuppGenerator, PartSuppCsv);
    fill!("orders", OrderGenerator, OrderCsv);
    fill!("lineitem", LineItemGenerator, LineItemCsv);
    Ok(())
}

fn file(path: &Path, rows: impl Iterator<Item = impl Display>) -> Result<()> {
    let written = || -> std::io::Result<()> {
        let mut out = BufWriter::new(std::fs::File::create(path)?);
        for row in rows {
            writeln!(out, "{row}")?;
        }
        out.flush()
    };
    written().map_err(|error| Error::io(format!("write \"{}\"", path.display()), error))
}

/// Creates and fills all tables.
pub fn load(connection: &mut Connection, files: &Path) -> Result<()> {
    connection.execute_batch(SCHEMA)?;
    for table in TABLES {
        let path = quoted(&files.join(format!("{table}.csv")));
        connection.execute_batch(&format!("COPY {table} FROM {path} (FORMAT csv)"))?;
    }
    connection.execute_batch("ANALYZE")
}

/// The same in DuckDB's words; `bare` leaves its keys and foreign keys out.
pub fn load_duck(files: &Path, bare: bool) -> String {
    let mut sql = if bare {
        without_keys(SCHEMA)
    } else {
        SCHEMA.to_owned()
    };
    for table in TABLES {
        let path = quoted(&files.join(format!("{table}.csv")));
        sql.push_str(&format!(
            "COPY {table} FROM {path} (FORMAT csv, HEADER false);\n"
        ));
    }
    sql
}

/// The tables without primary and foreign keys.
fn without_keys(schema: &str) -> String {
    let of_table = |line: &&str| {
        let line = line.trim_start();
        !line.starts_with("PRIMARY KEY") && !line.starts_with("FOREIGN KEY")
    };
    let mut sql = String::new();
    for line in schema.lines().filter(of_table) {
        let end = [" PRIMARY KEY", " REFERENCES"]
            .iter()
            .find_map(|word| line.find(word));
        match end {
            Some(end) => {
                sql.push_str(line.get(..end).unwrap_or(line));
                sql.push_str(if line.ends_with(',') { ",\n" } else { "\n" });
            }
            None => {
                sql.push_str(line);
                sql.push('\n');
            }
        }
    }
    sql.replace(",\n)", "\n)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_without_keys_keep_their_columns_and_checks() {
        let bare = without_keys(SCHEMA);
        for gone in ["PRIMARY", "FOREIGN", "REFERENCES", ",\n)"] {
            assert!(!bare.contains(gone), "{gone} in {bare}");
        }
        let columns = |sql: &str| {
            sql.lines()
                .filter(|line| line.contains(" NOT NULL"))
                .count()
        };
        assert_eq!(columns(SCHEMA), columns(&bare));
        let checks = |sql: &str| sql.matches("CHECK").count();
        assert_eq!(checks(SCHEMA), checks(&bare));
        let database = heliosdb::Database::open_in_memory().unwrap();
        database.connect().unwrap().execute_batch(&bare).unwrap();
    }
}
