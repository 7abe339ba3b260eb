//! What a running statement carries through DataFusion: clock, session, interrupt.
//!
//! It travels as a configuration extension, because that is what DataFusion hands to functions at
//! run time; so an optimized plan holds nothing of the statement it was made for.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::common::Result as DfResult;
use datafusion::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::error::DataFusionError;
use helios_base::{TextContext, Value};
use helios_expr::{EvalContext, NoSession, SessionHooks};

use super::scan::{NoTables, Snapshots};
use crate::session::Interrupt;

/// The surroundings of one execution. Cheap to clone.
#[derive(Clone)]
pub(crate) struct StatementContext(Arc<Inner>);

struct Inner {
    params: Vec<Value>,
    transaction_time: i64,
    statement_time: i64,
    session: Arc<dyn SessionHooks>,
    text: TextContext,
    interrupt: Interrupt,
    snapshots: Arc<dyn Snapshots>,
}

impl StatementContext {
    /// Parameters (`$1` first), the transaction's and the statement's start in microseconds since
    /// 1970 UTC, the session, its settings for text forms, the interrupt to obey, and what to
    /// read.
    #[allow(
        clippy::too_many_arguments,
        reason = "one caller, all facts of a statement"
    )]
    pub fn new(
        params: Vec<Value>,
        transaction_time: i64,
        statement_time: i64,
        session: Arc<dyn SessionHooks>,
        text: TextContext,
        interrupt: Interrupt,
        snapshots: Arc<dyn Snapshots>,
    ) -> Self {
        Self(Arc::new(Inner {
            params,
            transaction_time,
            statement_time,
            session,
            text,
            interrupt,
            snapshots,
        }))
    }

    /// The context of the execution that `options` belong to.
    pub fn of(options: &ConfigOptions) -> Self {
        options
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_default()
    }

    /// The statement's parameters.
    pub fn params(&self) -> &[Value] {
        &self.0.params
    }

    /// What can stop the statement.
    pub fn interrupt(&self) -> &Interrupt {
        &self.0.interrupt
    }

    /// The settings that texts of values depend on.
    pub fn text(&self) -> &TextContext {
        &self.0.text
    }

    /// What the statement reads.
    pub fn snapshots(&self) -> &dyn Snapshots {
        &*self.0.snapshots
    }

    /// Calls `f` with an evaluation context.
    pub fn with_eval<T>(&self, f: impl FnOnce(&EvalContext<'_>) -> T) -> T {
        let inner = &*self.0;
        let mut eval = EvalContext::new(&*inner.session, &inner.text);
        eval.params = &inner.params;
        eval.transaction_time = inner.transaction_time;
        eval.statement_time = inner.statement_time;
        f(&eval)
    }
}

impl Default for StatementContext {
    fn default() -> Self {
        Self::new(
            Vec::new(),
            0,
            0,
            Arc::new(NoSession),
            TextContext::default(),
            Interrupt::default(),
            Arc::new(NoTables),
        )
    }
}

impl fmt::Debug for StatementContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatementContext")
    }
}

impl ConfigExtension for StatementContext {
    const PREFIX: &'static str = "helios";
}

impl ExtensionOptions for StatementContext {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> DfResult<()> {
        Err(DataFusionError::Configuration(format!(
            "\"{key}\" is not a setting"
        )))
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
