//! Bulk loading of typed rows.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, Row, Value};
use helios_table::PausedLoad;

use super::planned::{Code, Planned};
use super::{Session, clock, state};
use crate::parse::quote_ident;
use crate::row::dml::Insert;
use crate::row::exec::{Cx, Exec};

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
    /// What was begun, unless each row is looked at as it is inserted.
    load: Option<PausedLoad>,
    /// Rows that were handed on.
    reached: u64,
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
                load: None,
                reached: 0,
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
    /// Whatever `INSERT` of the row (or one appended before) would meet; the transaction has then failed. Rows are written
    /// some thousands at a time, and whether they have their parents is told at [`Appender::finish`] at the latest.
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

    /// How many rows were written, or tried: after [`Appender::append`] or [`Appender::flush`] failed for what is in a row,
    /// the number of that row, from 1.
    #[must_use]
    pub const fn reached(&self) -> u64 {
        self.reached
    }

    /// Writes what is held back here; the table may hold back more until [`Appender::finish`].
    ///
    /// # Errors
    /// As [`Appender::append`].
    pub fn flush(&mut self) -> Result<()> {
        let result = self.write();
        result.or_else(|error| self.fail(error))
    }

    fn write(&mut self) -> Result<()> {
        let insert = inserting(&self.planned)?;
        let mut rows = std::mem::take(&mut self.rows).into_iter();
        let (exec, load) = (&self.exec, &mut self.load);
        let (reached, written) = (&mut self.reached, &mut self.written);
        exec.in_root(|cx| {
            let mut feed = |_: &Cx<'_>| {
                let row = rows.next();
                *reached += u64::from(row.is_some());
                Ok(row)
            };
            if insert.is_plain() {
                *load = Some(insert.load_some(load.take(), &mut feed, cx)?);
                return Ok(());
            }
            *written += insert.run_from(&mut feed, cx)?.count;
            exec.transaction()?.finish_statement(&cx.context())
        })
    }

    /// Writes the rest and, outside of a transaction block, commits. Returns how many rows were
    /// appended.
    ///
    /// # Errors
    /// As [`Appender::append`]; what a commit meets.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        if let Err(error) = self.end() {
            return self.fail(error);
        }
        self.over = true;
        self.session.interrupt.stop();
        self.session.finish_implicit()?;
        self.session.go_idle();
        Ok(self.written)
    }

    fn end(&mut self) -> Result<()> {
        let Some(load) = self.load.take() else {
            return Ok(());
        };
        let insert = inserting(&self.planned)?;
        let exec = &self.exec;
        self.written += exec.in_root(|cx| {
            let count = insert.end_load(load, cx)?;
            exec.transaction()?.finish_statement(&cx.context())?;
            Ok(count)
        })?;
        Ok(())
    }

    fn fail<T>(&mut self, error: Error) -> Result<T> {
        self.over = true;
        self.session.interrupt.stop();
        self.session.fail();
        Err(error)
    }
}

fn inserting(planned: &Planned) -> Result<&Insert> {
    match &planned.code {
        Code::Insert(insert, _) => Ok(insert),
        _ => Err(Error::internal("an appender without INSERT")),
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
