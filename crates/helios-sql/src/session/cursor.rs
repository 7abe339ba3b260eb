//! Cursors: queries that are read piece by piece.

use std::sync::Arc;

use helios_base::{Error, Result, Row, SqlState, Value};
use parking_lot::Mutex;

use super::Session;
use super::cursor_place::Place;
use super::outcome::{Columns, Completion, Outcome, ResultColumn, RowSource, RowStream};
use super::run::Sight;
use super::stream::Running;
use crate::plan::{Bound, Cursor, Fetch, FetchDirection};

/// A declared cursor.
pub(crate) struct OpenCursor {
    /// Where others see it stand.
    place: Arc<Place>,
    /// Which one of the session's it is, in the order they were declared.
    number: u64,
    columns: Columns,
    /// The rest of the query; `None` at its end.
    running: Option<Running>,
    /// The rows read so far, for going back.
    rows: Vec<Row>,
    /// How many of the first rows were emptied, as nobody goes back to them.
    emptied: usize,
    /// Where it stands: 0 before the first row, `rows.len() + 1` possibly after the last.
    position: usize,
    scroll: bool,
    hold: bool,
    /// Declared in a transaction that has committed.
    held: bool,
}

impl OpenCursor {
    /// Reads until there are `count` rows. False if there are fewer.
    fn read_to(&mut self, count: usize) -> Result<bool> {
        while self.rows.len() < count {
            let Some(running) = &mut self.running else {
                return Ok(false);
            };
            match running.next_row()? {
                Some(row) => self.rows.push(row),
                None => self.running = None,
            }
        }
        Ok(true)
    }

    /// The row at `position`, from 1.
    fn row(&self, position: usize) -> Option<&Row> {
        self.rows.get(position.checked_sub(1)?)
    }

    /// Moves to `position`, or beyond the ends, and gives the row there.
    fn go(&mut self, position: i64) -> Result<Option<Row>> {
        let position = usize::try_from(position).unwrap_or(0);
        self.position = if position == 0 || self.read_to(position)? {
            position
        } else {
            self.rows.len() + 1
        };
        Ok(self.row(self.position).cloned())
    }

    /// Its transaction is over.
    fn hold_on(&mut self) {
        self.held = true;
        self.place.now.lock().held = true;
    }

    fn read_all(&mut self) -> Result<()> {
        self.read_to(usize::MAX).map(drop)
    }

    /// The rows that `direction` passes, in that order.
    fn fetch(&mut self, direction: FetchDirection) -> Result<Vec<Row>> {
        let here = self.position as i64;
        let back = match direction {
            FetchDirection::Forward(n) | FetchDirection::Relative(n) => n <= 0,
            FetchDirection::ForwardAll => false,
            FetchDirection::BackwardAll => true,
            FetchDirection::Absolute(n) => n < here || n < 0,
        };
        if back && !self.scroll {
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                "cursor can only scan forward",
            )
            .with_hint("Declare it with SCROLL option to enable backward scan."));
        }
        let mut passed = Vec::new();
        match direction {
            FetchDirection::Forward(0) => passed.extend(self.row(self.position).cloned()),
            FetchDirection::Forward(n) => {
                let step = n.signum();
                for _ in 0..n.unsigned_abs() {
                    let Some(row) = self.go(self.position as i64 + step)? else {
                        break;
                    };
                    passed.push(row);
                }
            }
            FetchDirection::ForwardAll => {
                while let Some(row) = self.go(self.position as i64 + 1)? {
                    passed.push(row);
                }
            }
            FetchDirection::BackwardAll => {
                while let Some(row) = self.go(self.position as i64 - 1)? {
                    passed.push(row);
                }
            }
            FetchDirection::Absolute(n) if n >= 0 => passed.extend(self.go(n)?),
            FetchDirection::Absolute(n) => {
                self.read_all()?;
                passed.extend(self.go(self.rows.len() as i64 + 1 + n)?);
            }
            FetchDirection::Relative(n) => passed.extend(self.go(here.saturating_add(n))?),
        }
        if !self.scroll {
            // Nobody will go back.
            let keep = self.position.saturating_sub(1).min(self.rows.len());
            let passed = self.rows.iter_mut().take(keep).skip(self.emptied);
            passed.for_each(|row| *row = Row::new());
            self.emptied = self.emptied.max(keep);
        }
        Ok(passed)
    }
}

impl Session {
    pub(super) fn declare(
        &mut self,
        sight: &Sight,
        bound: &Bound,
        cursor: &Cursor,
        params: Vec<Value>,
    ) -> Result<()> {
        if self.current.as_ref().is_none_or(|current| current.implicit) && !cursor.hold {
            return Err(Error::new(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                "DECLARE CURSOR can only be used in transaction blocks",
            ));
        }
        if self.cursors.contains_key(&cursor.name) {
            return Err(Error::new(
                SqlState::DUPLICATE_CURSOR,
                format!("cursor \"{}\" already exists", cursor.name),
            ));
        }
        let program =
            self.with_compiler(sight, |c| c.program(&cursor.query.plan, &bound.subplans))?;
        let exec = self.exec(sight, &program.subplans, params);
        let columns = cursor.query.plan.columns().iter().take(cursor.shown);
        let number = self.cursors_declared;
        self.cursors_declared += 1;
        let mut open = OpenCursor {
            number,
            emptied: 0,
            place: Arc::new(Place {
                name: cursor.name.clone(),
                statement: self.state.current_query(),
                hold: cursor.hold,
                binary: cursor.binary,
                scroll: cursor.scroll != Some(false),
                created: self.statement_start,
                tables: cursor.tables.clone(),
                now: Mutex::default(),
            }),
            columns: columns.map(ResultColumn::of).collect(),
            running: Some(Running::start(&program, exec, None)?),
            rows: Vec::new(),
            position: 0,
            // Rows are kept, so going back is always possible unless it was ruled out.
            scroll: cursor.scroll != Some(false),
            hold: cursor.hold,
            held: false,
        };
        if cursor.hold && sight.txn.is_none() {
            open.read_all()?;
            open.hold_on();
        }
        let place = Arc::downgrade(&open.place);
        self.state.cursors.lock().push(place);
        self.cursors.insert(cursor.name.clone(), open);
        Ok(())
    }

    pub(super) fn fetch(&mut self, fetch: &Fetch) -> Result<Outcome> {
        let cursor = self
            .cursors
            .get_mut(&fetch.cursor)
            .ok_or_else(|| no_cursor(&fetch.cursor))?;
        let fetched = cursor.fetch(fetch.direction);
        cursor.place.now.lock().row = cursor.row(cursor.position).cloned();
        let mut rows = fetched?;
        let shown = cursor.columns.len();
        rows.iter_mut().for_each(|row| row.truncate(shown));
        Ok(if fetch.only_move {
            Outcome::Done(Completion::counted("MOVE", rows.len() as u64))
        } else {
            Outcome::Rows(RowStream::of_rows(cursor.columns.clone(), "FETCH", rows))
        })
    }

    pub(super) fn close(&mut self, name: Option<&str>) -> Result<()> {
        match name {
            None => self.cursors.clear(),
            Some(name) => {
                self.cursors.remove(name).ok_or_else(|| no_cursor(name))?;
            }
        }
        Ok(())
    }

    /// The columns of a cursor's rows.
    pub(super) fn cursor_columns(&self, name: &str) -> Option<Columns> {
        self.cursors.get(name).map(|cursor| cursor.columns.clone())
    }

    /// Before a commit: cursors that outlive it read the rest of their rows.
    pub(super) fn hold_cursors(&mut self) -> Result<()> {
        for cursor in self.cursors.values_mut().filter(|c| c.hold && !c.held) {
            cursor.read_all()?;
            cursor.hold_on();
        }
        Ok(())
    }

    /// Before a rollback to when `declared` cursors were: those since then are closed, and the
    /// older ones read the rest of their rows, as they were.
    pub(super) fn keep_cursors(&mut self, declared: u64) {
        self.cursors
            .retain(|_, cursor| cursor.number < declared && cursor.read_all().is_ok());
    }

    /// Closes the cursors of a transaction that ends; `all`: also those that outlive theirs.
    pub(super) fn close_cursors(&mut self, all: bool) {
        self.cursors.retain(|_, cursor| cursor.held && !all);
    }
}

pub(super) fn no_cursor(name: &str) -> Error {
    Error::new(
        SqlState::INVALID_CURSOR_NAME,
        format!("cursor \"{name}\" does not exist"),
    )
}
