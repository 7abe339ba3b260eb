//! The session's door to the vectorized executor.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use helios_base::{Error, ErrorKind, Result, SqlState};
use helios_table::catalog::TableDef;
use helios_table::{Catalog, Tables as StoredTables};
use helios_version::Read;
use parking_lot::Mutex;

use super::bridge::Tables;
use super::context::StatementContext;
use super::run::FusionEngine;
use super::scan::{Snapshots, StoredTable};
use super::shape::Shape;
use super::statement::{FusionPlan, FusionRows, parameter_shape};
use crate::plan::{AsOf, Bound, Plan, Scan};
use crate::row::Reader;
use crate::row::exec::Exec;

/// How many variants of one statement are kept, for parameters of different forms.
const VARIANTS_MAX: usize = 4;

/// The vectorized plans of one statement, made when first needed.
#[derive(Debug, Default)]
pub(crate) struct FusionQuery {
    variants: Mutex<Vec<Variant>>,
}

#[derive(Clone, Debug)]
struct Variant {
    params: Vec<Shape>,
    /// `None`: only the row executor can run the statement.
    plan: Option<Arc<FusionPlan>>,
}

impl FusionQuery {
    /// Starts `plan`, the query of `bound`, in the surroundings of `exec`; `None` if only the row
    /// executor can run it. `work_mem` is in bytes.
    ///
    /// # Errors
    /// What planning and opening the tables raises.
    pub fn open(
        &self,
        engine: &FusionEngine,
        plan: &Plan,
        bound: &Bound,
        exec: &Exec,
        work_mem: usize,
    ) -> Result<Option<FusionRows>> {
        let context = context(exec);
        supported(
            self.prepared(engine, plan, bound, exec, &context)
                .and_then(|plan| plan.run(engine, context, Some(work_mem))),
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

    /// [`FusionQuery::explain`] after a run to the end, with what each operator did, and the number
    /// of rows.
    ///
    /// # Errors
    /// As [`FusionQuery::open`], and what the execution raises.
    pub fn explain_analyze(
        &self,
        engine: &FusionEngine,
        plan: &Plan,
        bound: &Bound,
        exec: &Exec,
        work_mem: usize,
    ) -> Result<Option<(String, u64)>> {
        let context = context(exec);
        supported(
            self.prepared(engine, plan, bound, exec, &context)
                .and_then(|plan| plan.explain_analyze(engine, context, Some(work_mem))),
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
        let made = FusionPlan::prepare(
            engine,
            context.clone(),
            plan,
            &bound.subplans,
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
        }),
    )
}

/// The tables of a statement, by the catalog it sees.
struct Definitions<'a> {
    exec: &'a Exec,
}

impl Tables for Definitions<'_> {
    fn table(&self, scan: &Scan) -> Result<Arc<dyn TableProvider>> {
        if scan.at.as_ref().is_some_and(|at| at.point.is_some()) {
            return Err(Error::unsupported("vectorized reads of the past"));
        }
        let table = self.exec.catalog.table_by_id(scan.table.id);
        let table = table.ok_or_else(|| Error::unsupported("vectorized system relations"))?;
        let statistics = self
            .exec
            .tables
            .statistics(self.exec.reader.as_ref(), table)?;
        Ok(Arc::new(StoredTable::new(
            Arc::clone(table),
            scan,
            statistics,
        )?))
    }
}

/// What a running statement reads.
struct Sight {
    reader: Reader,
    catalog: Arc<Catalog>,
    tables: Arc<StoredTables>,
}

impl Snapshots for Sight {
    fn read(
        &self,
        table: &Arc<TableDef>,
        at: Option<&AsOf>,
    ) -> Result<(Arc<dyn Read>, Arc<TableDef>)> {
        let Some(name) = at.and_then(|at| at.branch.as_ref()) else {
            // A plan outlives changes that its definition does not show, such as new indexes.
            let now = self.catalog.table_by_id(table.id).unwrap_or(table);
            return Ok((Arc::clone(&self.reader), Arc::clone(now)));
        };
        let store = self.tables.store();
        let branch = store.branch(name).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("branch \"{name}\" does not exist"),
            )
        })?;
        let snapshot = store.snapshot(branch.id, None)?;
        let catalog = self.tables.catalog(&snapshot)?;
        let there = catalog.table_by_id(table.id).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_TABLE,
                format!(
                    "table \"{}\" does not exist on branch \"{name}\"",
                    table.name
                ),
            )
        })?;
        // The plan counts the columns of here; those of there are found by their identity.
        let mut there = (**there).clone();
        there.columns.clone_from(&table.columns);
        Ok((Arc::new(snapshot), Arc::new(there)))
    }

    fn rows(&self, read: &dyn Read, table: &TableDef) -> Option<u64> {
        self.tables.row_count(read, table).ok()
    }
}
