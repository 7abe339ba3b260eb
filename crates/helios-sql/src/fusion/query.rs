//! The session's door to the vectorized executor.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use helios_base::{Error, ErrorKind, Result};
use helios_table::catalog::TableDef;
use helios_table::row::Rules;
use helios_table::{Catalog, Tables as StoredTables};
use helios_version::Read;
use parking_lot::Mutex;

use super::bridge::Tables;
use super::context::StatementContext;
use super::results::Keeping;
use super::run::{FusionEngine, StatementMemory};
use super::scan::{Snapshots, StoredTable, Tag};
use super::shape::Shape;
use super::statement::{Analyzed, FusionPlan, FusionRows, parameter_shape};
use crate::plan::{At, Bound, Plan, Scan};
use crate::row::compile::Arranged;
use crate::row::exec::Exec;
use crate::row::{Looks, Reader, look};

/// How many variants of one statement are kept, for parameters of different forms.
const VARIANTS_MAX: usize = 4;

/// The vectorized plans of one statement, made when first needed.
#[derive(Debug, Default)]
pub(crate) struct FusionQuery {
    /// What to plan in place of the statement's own plan.
    arranged: Option<Arranged>,
    variants: Mutex<Vec<Variant>>,
}

#[derive(Clone, Debug)]
struct Variant {
    params: Vec<Shape>,
    /// `None`: only the row executor can run the statement.
    plan: Option<Arc<FusionPlan>>,
}

impl FusionQuery {
    /// None made yet. `arranged` is the query with its joins in a better order.
    pub fn new(arranged: Option<Arranged>) -> Self {
        Self {
            arranged,
            variants: Mutex::default(),
        }
    }

    /// Starts `plan`, the query of `bound`, in the surroundings of `exec`; `None` if only the row
    /// executor can run it.  `keeping` says where the result is looked for and
    /// kept.
    ///
    /// # Errors
    /// What planning and opening the tables raises.
    pub fn open(
        &self,
        engine: &FusionEngine,
        plan: &Plan,
        bound: &Bound,
        exec: &Exec,
        memory: StatementMemory,
        keeping: Option<Keeping>,
    ) -> Result<Option<FusionRows>> {
        if let Some(keeping) = &keeping
            && let Some(rows) = keeping.cache.get(&keeping.key, keeping.state)
        {
            return Ok(Some(FusionRows::kept(rows)));
        }
        let context = context(exec);
        let rows = supported(
            self.prepared(engine, plan, bound, exec, &context)
                .and_then(|plan| plan.run(engine, context, Some(memory))),
        )?;
        Ok(rows.map(|mut rows| {
            if let Some(keeping) = keeping {
                rows.keep(keeping);
            }
            rows
        }))
    }

    /// As [`FusionQuery::open`] for rows that go into a table, in their order where the plan can keep it.
    ///
    /// # Errors
    /// As there.
    pub fn open_in_turn(
        &self,
        engine: &FusionEngine,
        plan: &Plan,
        bound: &Bound,
        exec: &Exec,
        memory: StatementMemory,
    ) -> Result<Option<FusionRows>> {
        let context = context(exec);
        supported(
            self.prepared(engine, plan, bound, exec, &context)
                .and_then(|plan| plan.run_in_turn(engine, context, Some(memory))),
        )
    }

    /// The operators that [`FusionQuery::open`] would run, as indented text; `None` as there.
    ///
    /// # Errors
    /// As there.
    pub fn explain(
        &self,
        engine: &FusionEngine,
        plan: &Plan,
        bound: &Bound,
        exec: &Exec,
    ) -> Result<Option<String>> {
        let context = context(exec);
        supported(
            self.prepared(engine, plan, bound, exec, &context)
                .and_then(|plan| plan.explain(engine, context)),
        )
    }

    /// [`FusionQuery::explain`] after a run to the end, with what each operator did.
    ///
    /// # Errors
    /// As [`FusionQuery::open`], and what the execution raises.
    pub fn explain_analyze(
        &self,
        engine: &FusionEngine,
        plan: &Plan,
        bound: &Bound,
        exec: &Exec,
        memory: StatementMemory,
    ) -> Result<Option<(String, Analyzed)>> {
        let context = context(exec);
        supported(
            self.prepared(engine, plan, bound, exec, &context)
                .and_then(|plan| plan.explain_analyze(engine, context, Some(memory))),
        )
    }

    fn prepared(
        &self,
        engine: &FusionEngine,
        plan: &Plan,
        bound: &Bound,
        exec: &Exec,
        context: &StatementContext,
    ) -> Result<Arc<FusionPlan>> {
        let params: Vec<Shape> = exec
            .params
            .iter()
            .zip(&bound.params)
            .map(|(value, ty)| parameter_shape(value, ty))
            .collect();
        let known = {
            let variants = self.variants.lock();
            variants.iter().find(|v| v.params == params).cloned()
        };
        let refused = || Error::unsupported("this statement in vectors");
        if let Some(variant) = known {
            return variant.plan.ok_or_else(refused);
        }
        let tables = Definitions { exec };
        let (plan, subplans) = match &self.arranged {
            Some(arranged) => (&arranged.plan, arranged.subplans.as_slice()),
            None => (plan, bound.subplans.as_slice()),
        };
        let made = FusionPlan::prepare(
            engine,
            context.clone(),
            plan,
            subplans,
            params.clone(),
            &tables,
        );
        let plan = match made {
            Ok(plan) => Some(Arc::new(plan)),
            Err(error) if error.kind() == ErrorKind::Unsupported => None,
            Err(error) => return Err(error),
        };
        let mut variants = self.variants.lock();
        if variants.len() >= VARIANTS_MAX {
            variants.remove(0);
        }
        variants.push(Variant {
            params,
            plan: plan.clone(),
        });
        plan.ok_or_else(refused)
    }
}

/// An unsupported statement is no failure: the other executor takes it.
fn supported<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(error),
    }
}

fn context(exec: &Exec) -> StatementContext {
    StatementContext::new(
        exec.params.clone(),
        exec.clock.transaction,
        exec.clock.statement,
        Arc::clone(&exec.session),
        (*exec.text).clone(),
        exec.interrupt.clone(),
        Arc::new(Sight {
            reader: Arc::clone(&exec.reader),
            catalog: Arc::clone(&exec.catalog),
            tables: Arc::clone(&exec.tables),
            past: Arc::clone(&exec.past),
        }),
    )
}

/// The tables of a statement, by the catalog it sees.
struct Definitions<'a> {
    exec: &'a Exec,
}

impl Tables for Definitions<'_> {
    fn table(&self, scan: &Scan, tag: Tag) -> Result<Arc<dyn TableProvider>> {
        if scan.versions.is_some() {
            return Err(Error::unsupported("vectorized reads of versions"));
        }
        let catalog = match &scan.at {
            None => &self.exec.catalog,
            Some(At::Moment(id, _)) => &look(&self.exec.past, *id)?.catalog,
            Some(At::Row(..)) => {
                return Err(Error::unsupported("vectorized reads at a moment per row"));
            }
        };
        let table = catalog.table_by_id(scan.table.id);
        let table = table.ok_or_else(|| Error::unsupported("vectorized system relations"))?;
        let statistics = self
            .exec
            .tables
            .statistics(self.exec.reader.as_ref(), table)?;
        Ok(Arc::new(StoredTable::new(
            Arc::clone(table),
            scan,
            tag,
            statistics,
        )?))
    }
}

/// What a running statement reads.
struct Sight {
    reader: Reader,
    catalog: Arc<Catalog>,
    tables: Arc<StoredTables>,
    past: Looks,
}

impl Snapshots for Sight {
    fn read(
        &self,
        table: &Arc<TableDef>,
        at: Option<&At>,
    ) -> Result<(Arc<dyn Read>, Arc<TableDef>)> {
        let (reader, catalog) = match at {
            None => (&self.reader, &self.catalog),
            Some(At::Moment(id, _)) => {
                let look = look(&self.past, *id)?;
                (&look.reader, &look.catalog)
            }
            Some(At::Row(..)) => {
                return Err(Error::internal("a vectorized read at a moment per row"));
            }
        };
        // A plan outlives changes that its definition does not show, such as new indexes.
        let there = catalog.table_by_id(table.id).unwrap_or(table);
        Ok((Arc::clone(reader), Arc::clone(there)))
    }

    fn rules(&self, table: &TableDef) -> Option<Arc<Rules>> {
        self.tables.rules(&self.catalog, table).ok()
    }

    fn rows(&self, read: &dyn Read, table: &TableDef) -> Option<u64> {
        self.tables.row_count_then(read, table).ok()
    }
}
