//! Rows of a statement that may be many: `INSERT … SELECT`, `CREATE TABLE AS`, `COPY`, the appender.

use std::sync::Arc;

use helios_base::{Result, Row};
use helios_table::catalog::TableDef;
use helios_table::{Catalog, PausedLoad, TableLoad};

use crate::fusion::{FusionQuery, FusionRows};
use crate::plan::{self, Bound, Plan};
use crate::row::compile::Compiler;
use crate::row::exec::Cx;
use crate::row::node::Node;
use crate::row::subplan::CompiledSubplan;

/// How the rows of a query are computed that go into a table.
#[derive(Debug)]
pub(crate) struct Load {
    /// Whether the row executor should run the query.
    pub(crate) by_rows: bool,
    /// Its plans for the other executor.
    pub(crate) vectors: FusionQuery,
}

impl Load {
    /// For the query `source` of `bound`; `None` if it has its rows at hand or changes others.
    pub(crate) fn new(
        source: &Plan,
        bound: &Bound,
        compiler: &Compiler<'_>,
        compiled: (&Node, &[CompiledSubplan]),
    ) -> Option<Self> {
        if source.changes_rows() || matches!(source, Plan::Values { .. }) {
            return None;
        }
        let (root, subplans) = compiled;
        Some(Self {
            by_rows: source.locks_rows()
                || plan::may_tell(bound)
                || crate::row::supports(root, subplans, compiler.stats),
            vectors: FusionQuery::new(compiler.arranged(source, &bound.subplans)),
        })
    }
}

/// Adds rows of the table to it, which may be many: no other part of the statement may look for them. Returns how
/// many there were.
pub(crate) fn load_rows(
    catalog: &Arc<Catalog>,
    table: &Arc<TableDef>,
    feed: &mut dyn FnMut(&Cx<'_>) -> Result<Option<Row>>,
    cx: &Cx<'_>,
) -> Result<u64> {
    let mut load = TableLoad::new(cx.exec.transaction()?, catalog, table)?;
    push_rows(&mut load, feed, cx)?;
    load.finish()
}

/// As [`load_rows`], of a statement whose rows come now and then: goes on with what is there, and waits for more.
pub(crate) fn load_some(
    load: Option<PausedLoad>,
    catalog: &Arc<Catalog>,
    table: &Arc<TableDef>,
    feed: &mut dyn FnMut(&Cx<'_>) -> Result<Option<Row>>,
    cx: &Cx<'_>,
) -> Result<PausedLoad> {
    let transaction = cx.exec.transaction()?;
    let mut load = match load {
        Some(paused) => TableLoad::resume(paused, transaction, catalog, table)?,
        None => TableLoad::new(transaction, catalog, table)?,
    };
    push_rows(&mut load, feed, cx)?;
    Ok(load.pause())
}

/// Ends what [`load_some`] began. Returns how many rows there were.
pub(crate) fn end_load(
    load: PausedLoad,
    catalog: &Arc<Catalog>,
    table: &Arc<TableDef>,
    cx: &Cx<'_>,
) -> Result<u64> {
    TableLoad::resume(load, cx.exec.transaction()?, catalog, table)?.finish()
}

fn push_rows(
    load: &mut TableLoad<'_>,
    feed: &mut dyn FnMut(&Cx<'_>) -> Result<Option<Row>>,
    cx: &Cx<'_>,
) -> Result<()> {
    let context = cx.context();
    let mut count = 0u64;
    while let Some(row) = feed(cx)? {
        load.push(row, &context)?;
        count += 1;
        if count.is_multiple_of(64) {
            cx.exec.interrupt.advance(64);
            cx.exec.interrupt.check()?;
        }
    }
    Ok(())
}

/// As [`load_rows`] with columns that are those of the table.
pub(crate) fn load_columns(
    catalog: &Arc<Catalog>,
    table: &Arc<TableDef>,
    rows: &mut FusionRows,
    cx: &Cx<'_>,
) -> Result<u64> {
    let mut load = TableLoad::new(cx.exec.transaction()?, catalog, table)?;
    let context = cx.context();
    while let Some(batch) = rows.next()? {
        cx.exec.interrupt.advance(batch.num_rows() as u64);
        cx.exec.interrupt.check()?;
        load.push_columns(batch.columns(), rows.shapes(), &context)?;
    }
    load.finish()
}
