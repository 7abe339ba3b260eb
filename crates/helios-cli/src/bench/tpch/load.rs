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

/// The same in DuckDB's words.
pub fn load_duck(files: &Path) -> String {
    let mut sql = SCHEMA.to_owned();
    for table in TABLES {
        let path = quoted(&files.join(format!("{table}.csv")));
        sql.push_str(&format!(
            "COPY {table} FROM {path} (FORMAT csv, HEADER false);\n"
        ));
    }
    sql
}
