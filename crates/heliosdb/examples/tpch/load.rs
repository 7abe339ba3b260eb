//! The benchmark's tables and their rows.

use std::fmt::Display;
use std::io::Read;

use heliosdb::{Connection, Result};
use tpchgen::csv::{
    CustomerCsv, LineItemCsv, NationCsv, OrderCsv, PartCsv, PartSuppCsv, RegionCsv, SupplierCsv,
};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};

/// Creates and fills all tables.
pub fn load(connection: &mut Connection, scale: f64) -> Result<()> {
    connection.execute_batch(include_str!("schema.sql"))?;
    // The generators take a part and how many there are.
    macro_rules! fill {
        ($table:literal, $generator:ident, $csv:ident) => {
            let rows = $generator::new(scale, 1, 1).iter();
            copy(connection, $table, rows.map($csv::new))?;
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
    connection.execute_batch("ANALYZE")
}

fn copy<R: Display>(
    connection: &mut Connection,
    table: &str,
    rows: impl Iterator<Item = R> + Send + 'static,
) -> Result<()> {
    connection.set_copy_input(Some(Box::new(Lines {
        rows,
        line: Vec::new(),
        read: 0,
    })));
    connection.execute(format!("COPY {table} FROM STDIN (FORMAT csv)").as_str(), ())?;
    Ok(())
}

/// Rows as a stream of text.
struct Lines<I> {
    rows: I,
    line: Vec<u8>,
    read: usize,
}

impl<R: Display, I: Iterator<Item = R>> Read for Lines<I> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read == self.line.len() {
            let Some(row) = self.rows.next() else {
                return Ok(0);
            };
            self.line = format!("{row}\n").into_bytes();
            self.read = 0;
        }
        let rest = &self.line[self.read..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}
