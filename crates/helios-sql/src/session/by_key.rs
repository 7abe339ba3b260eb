//! The short way of a prepared `UPDATE` or `DELETE` by key.
//!
//! As with lookups, most of the time of such a statement would go into its bookkeeping. It may wait
//! for a lock, though, so it can be cancelled and others see that it runs.

use std::sync::Arc;

use helios_base::{Result, Value};
use helios_expr::EvalContext;
use helios_table::Transaction;
use helios_version::Isolation;

use super::outcome::{Completion, Outcome};
use super::planned::Planned;
use super::{Session, clock};
use crate::row::dml::{ByKey, Site};

impl Session {
    /// Runs a change by key, if nothing stands in the way; `None`: take the long way, which also
    /// says what is wrong.
    pub(super) fn change_by_key(
        &mut self,
        planned: &Planned,
        change: &ByKey,
        params: &[Value],
        text: &Arc<str>,
    ) -> Option<Result<Outcome>> {
        if self.measures.is_some()
            || (self.current.as_ref()).is_some_and(|current| current.failed || current.implicit)
        {
            return None;
        }
        let txn = self.transaction().ok()?;
        if self
            .current
            .as_ref()
            .is_none_or(|current| current.read_only)
        {
            return None;
        }
        self.interrupt.start();
        self.statement_start = clock::now();
        self.note_change(text);
        let mut result = self.change_in(&txn, planned, change, params);
        if matches!(result, Ok(None)) && txn.txn().isolation() == Isolation::ReadCommitted {
            // It waited for whoever changed the row and has the row's lock now: as of this moment the row is what
            // the long way would look for.
            result = self.change_in(&txn, planned, change, params);
        }
        let result = self.end_statement(result.transpose()?);
        let result = result.and_then(|count| {
            self.finish_implicit()?;
            Ok(count)
        });
        if result.is_err() {
            self.fail();
        }
        self.go_idle();
        let count = |count| Outcome::Done(Completion::counted(planned.tag, count));
        Some(result.map(count))
    }

    fn change_in(
        &mut self,
        txn: &Arc<Transaction>,
        planned: &Planned,
        change: &ByKey,
        params: &[Value],
    ) -> Result<Option<u64>> {
        let view = txn.statement()?;
        let Some(version) = txn.catalog_version(&view) else {
            return Ok(None);
        };
        if planned.key != self.plan_key_at(version) || !txn.lock_for_write(&change.table)? {
            return Ok(None);
        }
        let catalog = txn.catalog_of(&view)?;
        if !change.is_delete() {
            // Functions may ask what the statement sees.
            let scn = helios_version::Read::scn(&view);
            self.state.look_at(&catalog, Some(txn), scn);
        }
        let clock = self.clock();
        let text = self.state.shared_text(clock.transaction);
        let context = EvalContext {
            params,
            transaction_time: clock.transaction,
            statement_time: clock.statement,
            ..EvalContext::new(&*self.state, &text)
        };
        let site = Site {
            txn,
            view: &view,
            catalog: &catalog,
            context: &context,
        };
        change.run(&site, &mut self.key)
    }
}
