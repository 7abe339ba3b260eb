//! `INSERT`.

use std::sync::Arc;

use helios_base::{Result, Row, Value};
use helios_expr::Expr;
use helios_expr::cast::check_domain;
use helios_table::catalog::TableDef;
use helios_table::{PausedLoad, TableWriter};

use super::conflict::OnConflict;
use super::load::{Load, end_load, load_columns, load_rows, load_some};
use super::{Assignments, Changes, assignments, hold_checks, hold_policies, position};
use crate::fusion::FusionRows;
use crate::plan::{self, PolicyCheck, ViewCheck};
use crate::row::compile::Compiler;
use crate::row::exec::Cx;
use crate::row::node::Node;
use crate::row::op;

/// A compiled `INSERT`.
#[derive(Debug)]
pub(crate) struct Insert {
    pub(crate) table: Arc<TableDef>,
    source: Node,
    targets: Vec<usize>,
    /// Source rows are table rows: every column in order, nothing to judge or to fill in.
    whole: bool,
    defaults: Assignments,
    on_conflict: Option<OnConflict>,
    policies: Vec<PolicyCheck>,
    checks: Vec<ViewCheck>,
    returning: Option<Vec<Expr>>,
    /// If many rows may come at once.
    pub(crate) load: Option<Load>,
}

/// Rows to insert from elsewhere than a query.
pub(crate) type RowFeed<'f> = &'f mut dyn FnMut(&Cx<'_>) -> Result<Option<Row>>;

impl Compiler<'_> {
    /// Compiles an `INSERT`.
    pub(crate) fn insert(&self, insert: &plan::Insert) -> Result<Insert> {
        let table = self.target(&insert.table)?;
        let targets = insert
            .targets
            .iter()
            .map(|id| position(&table, *id))
            .collect::<Result<Vec<_>>>()?;
        let defaults = assignments(&table, &insert.defaults)?;
        let whole = defaults.is_empty()
            && targets.iter().copied().eq(0..table.columns.len())
            && !table.columns.iter().any(|column| column.ty.has_domain());
        Ok(Insert {
            source: self.query(&insert.source)?,
            targets,
            whole,
            defaults,
            on_conflict: match &insert.on_conflict {
                Some(conflict) => Some(OnConflict::new(&table, conflict)?),
                None => None,
            },
            policies: insert.policies.clone(),
            checks: insert.checks.clone(),
            returning: insert.returning.as_ref().map(|r| r.exprs.clone()),
            load: None,
            table,
        })
    }
}

impl Insert {
    /// The query of the rows.
    pub(crate) fn source(&self) -> &Node {
        &self.source
    }

    /// Inserts the rows of the source, which may be many.
    pub(crate) fn load(&self, cx: &Cx<'_>) -> Result<Changes> {
        let mut source = op::open(&self.source, cx)?;
        self.load_from(&mut |cx| source.next(cx), cx)
    }

    /// Inserts the rows of the source.
    pub(crate) fn run(&self, cx: &Cx<'_>) -> Result<Changes> {
        let mut source = op::open(&self.source, cx)?;
        self.run_from(&mut |cx| source.next(cx), cx)
    }

    /// Whether its rows are no more than rows: nothing looks at one as it is inserted.
    pub(crate) fn is_plain(&self) -> bool {
        self.on_conflict.is_none()
            && self.policies.is_empty()
            && self.checks.is_empty()
            && self.returning.is_none()
    }

    /// Whether rows of the source are rows of the table.
    pub(crate) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Inserts rows of the source's shape, which may be many: the statement must be [plain](Insert::is_plain) and not
    /// read the table again.
    pub(crate) fn load_from(&self, feed: RowFeed<'_>, cx: &Cx<'_>) -> Result<Changes> {
        let mut built = |cx: &Cx<'_>| match feed(cx)? {
            Some(source) => self.build(source, cx).map(Some),
            None => Ok(None),
        };
        let count = load_rows(&cx.exec.catalog, &self.table, &mut built, cx)?;
        Ok(Changes::counted(count))
    }

    /// As [`Insert::load_from`], of a statement whose rows come now and then: goes on with what is there, and waits for more.
    pub(crate) fn load_some(
        &self,
        load: Option<PausedLoad>,
        feed: RowFeed<'_>,
        cx: &Cx<'_>,
    ) -> Result<PausedLoad> {
        let mut built = |cx: &Cx<'_>| match feed(cx)? {
            Some(source) => self.build(source, cx).map(Some),
            None => Ok(None),
        };
        load_some(load, &cx.exec.catalog, &self.table, &mut built, cx)
    }

    /// Ends what [`Insert::load_some`] began. Returns how many rows there were.
    pub(crate) fn end_load(&self, load: PausedLoad, cx: &Cx<'_>) -> Result<u64> {
        end_load(load, &cx.exec.catalog, &self.table, cx)
    }

    /// As [`Insert::load_from`] with rows in columns, if those are [whole](Insert::is_whole).
    pub(crate) fn load_columns(&self, rows: &mut FusionRows, cx: &Cx<'_>) -> Result<Changes> {
        let count = load_columns(&cx.exec.catalog, &self.table, rows, cx)?;
        Ok(Changes::counted(count))
    }

    /// Inserts rows of the source's shape.
    pub(crate) fn run_from(&self, feed: RowFeed<'_>, cx: &Cx<'_>) -> Result<Changes> {
        let txn = cx.exec.transaction()?;
        let mut writer = TableWriter::new(txn, &cx.exec.catalog, &self.table)?;
        let mut changes = Changes::default();
        let mut touched = std::collections::HashSet::new();
        let context = cx.context();
        while let Some(source) = feed(cx)? {
            let mut row = self.build(source, cx)?;
            if !self.policies.is_empty() {
                writer.generate(&mut row, &context)?;
                hold_policies(&self.policies, &row, cx)?;
            }
            match &self.on_conflict {
                None => {
                    let key = writer.insert(&mut row, &context)?;
                    cx.exec.changing.note(self.table.id, key);
                    hold_checks(&self.checks, &self.table, &row, cx)?;
                    changes.add(self.returning.as_ref(), &row, cx)?;
                }
                Some(conflict) => {
                    if let Some(row) = conflict.insert(&mut writer, row, &mut touched, cx)? {
                        hold_checks(&self.checks, &self.table, &row, cx)?;
                        changes.add(self.returning.as_ref(), &row, cx)?;
                    }
                }
            }
        }
        Ok(changes)
    }

    /// The table row of a source row without defaults, for `COPY … WHERE`.
    pub(crate) fn table_row(&self, source: &[Value]) -> Row {
        let mut row = vec![Value::Null; self.table.columns.len()];
        for (position, value) in self.targets.iter().zip(source) {
            row[*position] = value.clone();
        }
        row
    }

    /// The table row of a source row: its values, defaults, and `NULL` for the rest.
    fn build(&self, source: Row, cx: &Cx<'_>) -> Result<Row> {
        if self.whole && source.len() == self.table.columns.len() {
            return Ok(source);
        }
        let mut row = vec![Value::Null; self.table.columns.len()];
        for (position, value) in self.targets.iter().zip(source) {
            // Rows may come from where no expression has judged them.
            if let Some(column) = self.table.columns.get(*position)
                && column.ty.has_domain()
            {
                check_domain(&value, &column.ty, &cx.context())?;
            }
            row[*position] = value;
        }
        for (position, default) in &self.defaults {
            row[*position] = cx.eval(default, &[])?;
        }
        Ok(row)
    }
}
