//! `FETCH`, `MOVE` and `CLOSE` of portals that were opened by the protocol, as asyncpg's cursors move.

use helios_base::{Error, Result, SqlState};
use helios_sql::parse::{Script, ast::Statement};
use helios_sql::plan::{Fetch, FetchDirection};
use heliosdb::{Completion, Outcome, TransactionStatus};

use super::answer::{Shape, send_rows};
use super::conversation::Conversation;
use super::extended::{Portal, State, has_failed};

impl Conversation {
    /// Runs a simple query that is about a portal and nothing else; `false` if it is another one.
    ///
    /// # Errors
    /// As the portal's statement; 55000 where it would go backward.
    pub(super) fn portal_statement(&mut self, sql: &str) -> Result<bool> {
        // In a failed transaction the session refuses it.
        if self.portals.is_empty() || self.session.status().transaction == TransactionStatus::Failed
        {
            return Ok(false);
        }
        let Ok(Some(parsed)) = Script::single(sql) else {
            return Ok(false);
        };
        match &parsed.statement {
            Statement::Fetch(fetch) if self.is_portal(&fetch.cursor) => {
                let Some(mut portal) = self.portals.remove(&fetch.cursor) else {
                    return Ok(false);
                };
                let result = self.fetch_portal(&mut portal, fetch);
                self.portals.insert(fetch.cursor.clone(), portal);
                result.map(|()| true)
            }
            Statement::Close(Some(name)) if self.is_portal(&name.name) => {
                self.portals.remove(&name.name);
                self.wire.lock().backend().command_complete("CLOSE CURSOR");
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Whether the protocol has opened a portal of this name. A cursor that was declared comes first.
    fn is_portal(&self, name: &str) -> bool {
        self.portals.contains_key(name) && self.session.columns_of_cursor(name).is_none()
    }

    fn fetch_portal(&mut self, portal: &mut Portal, fetch: &Fetch) -> Result<()> {
        // How many rows are passed over, and how many are wanted after them; `None`: all.
        let (over, wanted) = match fetch.direction {
            FetchDirection::ForwardAll => (0, None),
            FetchDirection::Forward(rows) if rows > 0 => (0, Some(rows.unsigned_abs())),
            FetchDirection::Relative(rows) if rows > 0 => (rows.unsigned_abs() - 1, Some(1)),
            _ => {
                return Err(Error::new(
                    SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "cursor can only scan forward",
                )
                .with_hint("Declare it with SCROLL option to enable backward scan."));
            }
        };
        let result = self.pass(portal, fetch, over, wanted);
        if result.is_err() {
            portal.state = State::Failed;
        }
        result
    }

    fn pass(
        &mut self,
        portal: &mut Portal,
        fetch: &Fetch,
        over: u64,
        wanted: Option<u64>,
    ) -> Result<()> {
        let (name, only_move) = (&fetch.cursor, fetch.only_move);
        let columns = portal.shape.as_ref().map(|shape| shape.columns.clone());
        let columns = columns.ok_or_else(|| {
            Error::new(
                SqlState::new(b"42P11"),
                "the portal's statement returns no rows",
            )
        })?;
        let mut rows = match std::mem::replace(&mut portal.state, State::Failed) {
            State::Bound(parameters) => {
                match self
                    .session
                    .run_in_pipeline(&portal.prepared, &parameters)?
                {
                    Outcome::Rows(rows) => Some(rows),
                    _ => return Err(Error::internal("a statement with columns and no rows")),
                }
            }
            State::Open(rows) => Some(rows),
            State::Done(done) => {
                portal.state = State::Done(done);
                None
            }
            State::Failed => return Err(has_failed(name)),
        };
        self.send_notices();
        let text = self.session.text_context();
        // The client is told them here.
        let columns = rows.as_ref().map_or(columns, |rows| rows.columns().clone());
        let shape = Shape::text(columns);
        let mut wire = self.wire.lock();
        let (mut ended, mut passed) = (rows.is_none(), 0);
        if let Some(rows) = &mut rows {
            let skipped = match only_move {
                true => wanted.map(|wanted| over.saturating_add(wanted)),
                false => Some(over),
            };
            let mut left = skipped;
            while left != Some(0) && !ended {
                ended = rows.next_row()?.is_none();
                passed += u64::from(!ended);
                left = left.map(|left| left - 1);
            }
        }
        let tag = if only_move {
            // A step of several rows counts as the one that it ends at.
            let count = if over == 0 {
                passed
            } else {
                passed.saturating_sub(over)
            };
            Completion::counted("MOVE", count)
        } else {
            shape.describe(&mut wire);
            let mut count = 0;
            if let Some(rows) = &mut rows
                && !ended
            {
                let before = rows.completion().rows.unwrap_or(0);
                ended = send_rows(&mut wire, rows, &shape, wanted, &text)?;
                count = rows.completion().rows.unwrap_or(0).saturating_sub(before);
            }
            Completion::counted("FETCH", count)
        };
        wire.backend().command_complete(&tag.to_string());
        if let Some(rows) = rows {
            portal.state = match ended {
                true => State::Done(rows.completion()),
                false => State::Open(rows),
            };
        }
        Ok(())
    }
}
