//! Result sets as text: aligned tables, expanded records, CSV, JSON and Markdown.

mod aligned;
mod csv;
mod expanded;
mod json;
mod layout;
mod markdown;

use std::io::{self, Write};

pub use layout::Styles;

/// How result sets are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// psql's aligned table.
    #[default]
    Aligned,
    /// Comma-separated values with a header, as RFC 4180 has them.
    Csv,
    /// One JSON array of objects per result set.
    Json,
    /// A GitHub-flavoured Markdown table.
    Markdown,
}

impl Format {
    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Aligned, Self::Csv, Self::Json, Self::Markdown]
            .into_iter()
            .find(|format| format.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aligned => "aligned",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Markdown => "markdown",
        }
    }

    /// Whether only result sets may be written: no tags, no row counts, no timing.
    pub fn is_machine(self) -> bool {
        matches!(self, Self::Csv | Self::Json)
    }
}

/// When records are written one column per line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expanded {
    /// Never.
    #[default]
    Off,
    /// Always.
    On,
    /// When the table is wider than the terminal.
    Auto,
}

/// A column of a result set.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// Numbers stand to the right.
    pub kind: Kind,
}

/// What a column holds, as far as it matters to the one who writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Integers, decimals and floats.
    Number,
    /// `true` or `false`.
    Bool,
    /// JSON text that stands as it is inside JSON output.
    Json,
    /// All else.
    Text,
}

/// One cell: its text, or `None` for NULL.
pub type Cell = Option<String>;

/// How everything is to look.
#[derive(Clone, Debug)]
pub struct Look {
    /// The format.
    pub format: Format,
    /// One column per line?
    pub expanded: Expanded,
    /// What stands for NULL in tables.
    pub null: String,
    /// Only rows: no header and no row count.
    pub tuples_only: bool,
    /// The width to fit tables into, in terminal columns; `None` when the output is no terminal.
    pub width: Option<usize>,
    /// Colours and weights.
    pub styles: Styles,
}

/// How many rows decide the widths of an aligned table; the rest is written as it comes.
const SAMPLE: usize = 1000;

/// Writes one result set as its rows arrive.
pub struct ResultWriter<'a> {
    out: &'a mut dyn Write,
    look: &'a Look,
    columns: Vec<Column>,
    held: Vec<Vec<Cell>>,
    widths: Option<Vec<usize>>,
    rows: usize,
    as_records: bool,
}

impl<'a> ResultWriter<'a> {
    /// Starts a result set.
    pub fn new(
        out: &'a mut dyn Write,
        look: &'a Look,
        columns: Vec<Column>,
    ) -> io::Result<ResultWriter<'a>> {
        let writer = ResultWriter {
            out,
            look,
            columns,
            held: Vec::new(),
            widths: None,
            rows: 0,
            as_records: look.format == Format::Aligned && look.expanded == Expanded::On,
        };
        match look.format {
            Format::Csv if !look.tuples_only => csv::header(writer.out, &writer.columns)?,
            Format::Json => json::open(writer.out)?,
            Format::Markdown => markdown::header(writer.out, &writer.columns)?,
            _ => {}
        }
        Ok(writer)
    }

    /// Adds a row.
    pub fn row(&mut self, row: Vec<Cell>) -> io::Result<()> {
        self.rows += 1;
        match self.look.format {
            Format::Csv => csv::row(self.out, &row),
            Format::Json => json::row(self.out, &self.columns, &row, self.rows == 1),
            Format::Markdown => markdown::row(self.out, &row, &self.look.null),
            Format::Aligned if self.as_records => {
                expanded::record(self.out, self.look, &self.columns, &row, self.rows)
            }
            Format::Aligned if self.widths.is_some() => {
                self.held.push(row);
                self.write_held()
            }
            Format::Aligned => {
                self.held.push(row);
                if self.held.len() == SAMPLE {
                    self.settle()
                } else {
                    Ok(())
                }
            }
        }
    }

    /// Ends the result set and returns its number of rows.
    pub fn finish(mut self) -> io::Result<usize> {
        match self.look.format {
            Format::Json => json::close(self.out, self.rows)?,
            Format::Csv | Format::Markdown => {}
            Format::Aligned => {
                if self.widths.is_none() && !self.as_records {
                    self.settle()?;
                }
                if !self.look.tuples_only {
                    let plural = if self.rows == 1 { "" } else { "s" };
                    writeln!(self.out, "({} row{plural})", self.rows)?;
                }
            }
        }
        self.out.flush()?;
        Ok(self.rows)
    }

    /// Decides the widths from the rows held so far and writes them.
    fn settle(&mut self) -> io::Result<()> {
        let natural = layout::natural_widths(&self.columns, &self.held, &self.look.null);
        let fitted = match self.look.width {
            Some(width) => layout::fit(&self.columns, &natural, width),
            None => Some(natural),
        };
        let records = self.look.expanded == Expanded::Auto && fitted.is_none();
        let Some(widths) = fitted.filter(|_| !records) else {
            // Too many columns for the terminal however they are wrapped.
            self.as_records = true;
            for (number, row) in std::mem::take(&mut self.held).iter().enumerate() {
                expanded::record(self.out, self.look, &self.columns, row, number + 1)?;
            }
            return Ok(());
        };
        if !self.look.tuples_only {
            aligned::header(self.out, self.look, &self.columns, &widths)?;
        }
        self.widths = Some(widths);
        self.write_held()
    }

    fn write_held(&mut self) -> io::Result<()> {
        let widths = self.widths.as_deref().unwrap_or_default();
        for row in self.held.drain(..) {
            aligned::row(self.out, self.look, &self.columns, widths, &row)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
