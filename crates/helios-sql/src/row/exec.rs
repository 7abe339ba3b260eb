//! One run of a compiled statement: what its operators share.

use std::sync::Arc;

use helios_base::{Error, Result, Row, TextContext, Value};
use helios_expr::{EvalContext, Expr, SessionHooks};
use helios_table::{Catalog, Tables, Transaction};

use super::changing::Changing;
use super::ctes::Ctes;
use super::look::Looks;
use super::measure::Measures;
use super::memory::Memory;
use super::node::Node;
use super::reader::Reader;
use super::recheck::Recheck;
use super::subplan::{CompiledSubplan, Memo};
use super::time_travel::ShapedTables;
use crate::session::Interrupt;

/// The values that a subplan or the right side of a lateral join reads from around it.
pub(crate) type Frame = Arc<[Value]>;

/// A compiled statement's queries.
#[derive(Debug)]
pub(crate) struct Program {
    /// The main query.
    pub(crate) root: Node,
    /// The queries inside expressions, by number.
    pub(crate) subplans: Arc<Vec<CompiledSubplan>>,
}

/// One run of a statement. Owns all it needs, so that a stream of rows outlives the call that
/// made it.
pub(crate) struct Exec {
    pub(crate) subplans: Arc<Vec<CompiledSubplan>>,
    pub(crate) params: Vec<Value>,
    pub(crate) catalog: Arc<Catalog>,
    /// The statement's snapshot, with the transaction's own writes before the statement.
    pub(crate) reader: Reader,
    /// What it reads at other moments.
    pub(crate) past: Looks,
    /// Tables of the past, for reads at a moment per row.
    pub(crate) shaped: Arc<ShapedTables>,
    pub(crate) tables: Arc<Tables>,
    /// The transaction, if the statement runs in one.
    pub(crate) txn: Option<Arc<Transaction>>,
    /// Time zone and output settings.
    pub(crate) text: Arc<TextContext>,
    pub(crate) session: Arc<dyn SessionHooks>,
    pub(crate) clock: Clock,
    pub(crate) interrupt: Interrupt,
    pub(crate) ctes: Ctes,
    /// The changes of its `WITH`.
    pub(crate) changing: Arc<Changing>,
    pub(crate) memo: Memo,
    pub(crate) memory: Arc<Memory>,
    /// Set while a changed row is looked at again.
    pub(crate) recheck: Option<Recheck>,
    /// Set by `EXPLAIN ANALYZE`.
    pub(crate) measures: Option<Arc<Measures>>,
}

/// The moments that SQL calls now, in microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    pub(crate) transaction: i64,
    pub(crate) statement: i64,
}

/// How often the clock is looked at, in rows.
const CHECK_EVERY: usize = 128;

/// An [`Exec`] with the frame that an operator's expressions run in.
pub(crate) struct Cx<'a> {
    pub(crate) exec: &'a Exec,
    pub(crate) frame: &'a Frame,
    outer: [&'a [Value]; 1],
}

impl Exec {
    /// The transaction that a writing or locking statement runs in.
    pub(crate) fn transaction(&self) -> Result<&Arc<Transaction>> {
        self.txn
            .as_ref()
            .ok_or_else(|| Error::internal("statement without transaction"))
    }

    /// Calls `f` in the outermost frame.
    pub(crate) fn in_root<R>(&self, f: impl FnOnce(&Cx<'_>) -> R) -> R {
        let frame = Frame::default();
        f(&Cx::new(self, &frame))
    }
}

impl<'a> Cx<'a> {
    pub(crate) fn new(exec: &'a Exec, frame: &'a Frame) -> Self {
        Self {
            exec,
            frame,
            outer: [frame],
        }
    }

    /// The same run in another frame.
    pub(crate) fn in_frame<'f>(&'f self, frame: &'f Frame) -> Cx<'f> {
        Cx::new(self.exec, frame)
    }

    /// What expressions see besides their row.
    pub(crate) fn context(&self) -> EvalContext<'_> {
        EvalContext {
            params: &self.exec.params,
            outer: &self.outer,
            transaction_time: self.exec.clock.transaction,
            statement_time: self.exec.clock.statement,
            text: &self.exec.text,
            session: &*self.exec.session,
            subplans: Some(self.exec),
        }
    }

    pub(crate) fn with_context<R>(&self, f: impl FnOnce(&EvalContext<'_>) -> R) -> R {
        f(&self.context())
    }

    /// The value of `expr` for `row`.
    pub(crate) fn eval(&self, expr: &Expr, row: &[Value]) -> Result<Value> {
        expr.eval(row, &self.context())
    }

    /// The values of `exprs` for `row`.
    pub(crate) fn eval_all(&self, exprs: &[Expr], row: &[Value]) -> Result<Row> {
        let context = self.context();
        exprs.iter().map(|expr| expr.eval(row, &context)).collect()
    }

    /// Whether `predicate` is true for `row`: neither false nor `NULL`.
    pub(crate) fn is_true(&self, predicate: &Expr, row: &[Value]) -> Result<bool> {
        predicate.eval_condition(row, &self.context())
    }

    /// Whether all of `predicates` are true for `row`.
    pub(crate) fn all_true(&self, predicates: &[Expr], row: &[Value]) -> Result<bool> {
        for predicate in predicates {
            if !self.is_true(predicate, row)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Looks whether the statement should stop, at every so many of `steps`.
    pub(crate) fn poll(&self, steps: usize) -> Result<()> {
        if steps.is_multiple_of(CHECK_EVERY) {
            self.exec.interrupt.check()?;
        }
        Ok(())
    }
}
