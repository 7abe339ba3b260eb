//! Bulk loading of typed rows.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, Row, Value};

use super::planned::{Code, Planned};
use super::{Session, clock, state};
use crate::parse::quote_ident;
use crate::row::exec::Exec;

/// How many rows are held back before they are written.
const BATCH_ROWS: usize = 4096;

/// Appends many rows to one table without a statement for each. Belongs to the transaction block
/// that is open when it is made; outside of one the rows commit together when it finishes, and
/// vanish if it is dropped before.
pub struct Appender<'s> {
    session: &'s mut Session,
    planned: Arc<Planned>,
    exec: Exec,
    rows: Vec<Row>,
    written: u64,
    /// Finished, or failed: nothing more is to be undone.
    over: bool,
}

impl Session {
    /// Starts to append to `table`, a name as SQL writes it. Each row gives a value for each of
    /// `columns`, or, if none are named, for every column of the table; defaults fill the others.
    ///
    /// # Errors
    /// `42P01`, `42703` for unknown names; `25006` in a read-only transaction.
    pub fn appender(&mut self, table: &str, columns: &[&str]) -> Result<Appender<'_>> {
        let result = self.start_appending(table, columns);
        match result {
            Ok((planned, exec)) => Ok(Appender {
                session: self,
                planned,
                exec,
                rows: Vec::new(),
                written: 0,
                over: false,
            }),
            Err(error) => {
                self.fail();
                Err(error)
            }
        }
    }

    fn start_appending(&mut self, table: &str, columns: &[&str]) -> Result<(Arc<Planned>, Exec)> {
        self.leave_idle()?;
        self.check_not_failed()?;
        self.check_writable("INSERT")?;
        let (schema, name) = state::split_name(table)?;
        let sight = self.sight(true)?;
        let mut names: Vec<String> = columns
            .iter()
            .map(|name| quote_ident(name).to_string())
            .collect();
        if names.is_empty() {
            let path = self.search_path();
            let table = sight
                .catalog
                .require_table(schema.as_deref(), &name, &path)?;
            let given = table
                .columns
                .iter()
                .filter(|column| column.generated.is_none());
            names = given
                .map(|column| quote_ident(&column.name).to_string())
                .collect();
        }
        let places: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
        let schema = schema.map_or_else(String::new, |s| format!("{}.", quote_ident(&s)));
        let sql = format!(
            "INSERT INTO {schema}{} ({}) VALUES ({})",
            quote_ident(&name),
            names.join(", "),
            places.join(", ")
        );
        self.check_writable("INSERT")?;
        let prepared = self.prepare_statement(&sql, Vec::new(), None)?;
        let sight = self.sight(true)?;
        let planned = self.plan_for(&prepared, &sight)?;
        let Code::Insert(_, subplans) = &planned.code else {
            return Err(Error::internal("an INSERT was not planned as one"));
        };
        self.interrupt.start();
        self.statement_start = clock::now();
        let exec = self.exec(&sight, subplans, Vec::new());
        Ok((planned, exec))
    }
}

impl Appender<'_> {
    /// The types of the values that a row has.
    #[must_use]
    pub fn types(&self) -> &[DataType] {
        &self.planned.bound.params
    }

    /// Appends a row: a value per column, in the order of the columns. Values of other types are
    /// converted as an assignment would.
    ///
    /// # Errors
    /// Whatever `INSERT` of the row (or one appended shortly before) would meet; the transaction
    /// has then failed.
    pub fn append(&mut self, row: Vec<Value>) -> Result<()> {
        let types = &self.planned.bound.params;
        let fits = row.len() == types.len() && row.iter().zip(types).all(|(v, ty)| v.fits(ty));
        let row = if fits {
            row
        } else {
            match self.session.convert_params(types, &row) {
                Ok(row) => row,
                Err(error) => return self.fail(error),
            }
        };
        self.rows.push(row);
        if self.rows.len() >= BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is held back.
    ///
    /// # Errors
    /// As [`Appender::append`].
    pub fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let Code::Insert(insert, _) = &self.planned.code else {
            return Err(Error::internal("an appender without INSERT"));
        };
        let exec = &self.exec;
        let mut rows = rows.into_iter();
        let changes = exec.in_root(|cx| {
            let changes = insert.run_from(&mut |_| Ok(rows.next()), cx)?;
            exec.transaction()?.finish_statement(&cx.context())?;
            Ok(changes)
        });
        match changes {
            Ok(changes) => {
                self.written += changes.count;
                Ok(())
            }
            Err(error) => self.fail(error),
        }
    }

    /// Writes the rest and, outside of a transaction block, commits. Returns how many rows were
    /// appended.
    ///
    /// # Errors
    /// As [`Appender::append`]; what a commit meets.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        self.over = true;
        self.session.interrupt.stop();
        self.session.finish_implicit()?;
        self.session.go_idle();
        Ok(self.written)
    }

    fn fail<T>(&mut self, error: Error) -> Result<T> {
        self.over = true;
        self.session.interrupt.stop();
        self.session.fail();
        Err(error)
    }
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        if !self.over {
            // Part of the rows may be written: only undoing the transaction undoes them.
            self.session.interrupt.stop();
            self.session.fail();
        }
    }
}
