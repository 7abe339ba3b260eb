//! The short ways of prepared statements: which there are, and that of a lookup by key.
//!
//! A lookup is done in less time than its bookkeeping takes. It evaluates no expression,
//! waits for nothing and reads at most one row, so nobody could cancel it, see it run or meet its
//! settings; what is left is the snapshot, the plan's validity, the read, and a note for
//! `pg_stat_activity`.

use std::sync::Arc;

use helios_base::{Result, Row, Scn, Value};
use helios_expr::Expr;
use helios_version::Read;

use super::chosen::Executor;
use super::outcome::{Outcome, RowStream};
use super::planned::{Code, Planned, Query};
use super::{Prepared, Session, clock};
use crate::plan::{AsOf, Point};
use crate::row::dml::{Delete, Update};
use crate::row::point::PointSelect;

impl Session {
    /// Runs a statement in a short way, if it has one and nothing stands in the way; `None`: take the
    /// long way, which also says what is wrong.
    #[inline]
    pub(super) fn run_short(
        &mut self,
        prepared: &Arc<Prepared>,
        params: &[Value],
    ) -> Option<Result<Outcome>> {
        // Taking the plan out of the statement, which others may use too, costs more than looking
        // whether it is the one of the last run.
        let planned = match self.last_plan.take() {
            Some((last, planned)) if Arc::ptr_eq(&last, prepared) => planned,
            _ => prepared.plan.lock().clone()?,
        };
        let done = self.run_short_as(prepared, &planned, params, &prepared.text);
        if done.is_some() {
            self.last_plan = Some((Arc::clone(prepared), planned));
        }
        done
    }

    /// As [`Session::run_short`] by a plan at hand; `text` is what others see of it.
    #[inline]
    pub(super) fn run_short_as(
        &mut self,
        prepared: &Prepared,
        planned: &Planned,
        params: &[Value],
        text: &Arc<str>,
    ) -> Option<Result<Outcome>> {
        match &planned.code {
            Code::Query(Query {
                point: Some(point), ..
            }) if self.is_ready(prepared, planned, params) => {
                // One moment is that of the lookup.
                let one = planned.bound.moments.len() <= 1;
                one.then(|| self.look_up(planned, point, params, text))?
            }
            Code::Update(
                Update {
                    by_key: Some(change),
                    ..
                },
                _,
            )
            | Code::Delete(
                Delete {
                    by_key: Some(change),
                    ..
                },
                _,
            ) if planned.bound.moments.is_empty() && self.is_ready(prepared, planned, params) => {
                self.change_by_key(planned, change, params, text)
            }
            _ => None,
        }
    }

    /// Whether no setting asks for more than the short ways do, and parameters are as they should be.
    #[inline]
    fn is_ready(&mut self, prepared: &Prepared, planned: &Planned, params: &[Value]) -> bool {
        self.heed_settings();
        let types = &prepared.parameters;
        self.chosen.executor != Executor::Vectors
            && planned.bound.failing.is_none()
            && self.chosen.statement_timeout.is_none()
            && self.chosen.idle_timeout.is_none()
            && self.chosen.idle_session.is_none()
            && self.chosen.result_rows.is_none()
            && !self.is_timed()
            && !self.chosen.looks_back
            && planned.bound.cacheable
            && params.len() == types.len()
            && params.iter().zip(types).all(|(value, ty)| value.fits(ty))
    }

    /// Runs a lookup by key.
    #[inline]
    fn look_up(
        &mut self,
        planned: &Planned,
        point: &PointSelect,
        params: &[Value],
        text: &Arc<str>,
    ) -> Option<Result<Outcome>> {
        let row = self.find(planned, point, params)?;
        let now = clock::now();
        self.note_lookup(text, now);
        Some(match row {
            Ok(row) => {
                let columns = planned.columns.clone().unwrap_or_default();
                Ok(Outcome::Rows(RowStream::of_row(columns, planned.tag, row)))
            }
            Err(error) => {
                self.fail();
                Err(error)
            }
        })
    }

    /// The row, if the plan holds for what the statement sees.
    #[inline]
    fn find(
        &mut self,
        planned: &Planned,
        point: &PointSelect,
        params: &[Value],
    ) -> Option<Result<Option<Row>>> {
        // The catalog is compared with what the statement sees.
        if planned.key != self.plan_key_at(planned.key.catalog) {
            return None;
        }
        if !planned.bound.moments.is_empty() {
            return self.find_past(planned, point, params);
        }
        match &mut self.current {
            Some(current) if current.failed || current.implicit => None,
            Some(current) => {
                let (txn, key) = (&current.txn, &mut self.key);
                let found = txn.with_statement(|view| {
                    let catalog = txn.catalog_version(view)?;
                    let holds = catalog == planned.key.catalog;
                    holds.then(|| point.run(view, params, key))
                });
                let found = found.ok()??;
                current.used = true;
                Some(found)
            }
            None => {
                let tables = &self.engine.shared.tables;
                let snapshot = tables.store().snapshot(self.branch, None).ok()?;
                if planned.key.catalog != tables.catalog_version(&snapshot)? {
                    return None;
                }
                Some(point.run(&snapshot, params, &mut self.key))
            }
        }
    }

    /// As [`Session::find`] for a lookup at a change number of the session's branch, outside of transactions.
    fn find_past(
        &mut self,
        planned: &Planned,
        point: &PointSelect,
        params: &[Value],
    ) -> Option<Result<Option<Row>>> {
        let (None, [moment]) = (&self.current, planned.bound.moments.as_slice()) else {
            return None;
        };
        let scn = plain_scn(&moment.at, params)?;
        let tables = &self.engine.shared.tables;
        let store = tables.store();
        let now = store.snapshot(self.branch, None).ok()?;
        if scn > now.scn() || tables.catalog_version(&now)? != planned.key.catalog {
            return None;
        }
        let then = store.snapshot(self.branch, Some(scn)).ok()?;
        if tables.catalog_version(&then)? != moment.catalog {
            return None;
        }
        // What is wrong, the long way says.
        point.run(&then, params, &mut self.key).ok().map(Ok)
    }
}

/// The change number of a moment on the session's branch that is a constant or a parameter.
fn plain_scn(at: &AsOf, params: &[Value]) -> Option<Scn> {
    let (None, Some(Point::Scn(expr))) = (&at.branch, &at.point) else {
        return None;
    };
    let value = match expr {
        Expr::Literal(value, _) => value,
        Expr::Param { index, .. } => params.get(*index)?,
        _ => return None,
    };
    match value {
        Value::Int8(scn) => u64::try_from(*scn).ok().map(Scn),
        _ => None,
    }
}
