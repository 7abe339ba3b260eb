//! `DELETE`.

use std::collections::HashSet;
use std::sync::Arc;

use helios_base::Result;
use helios_expr::Expr;
use helios_table::TableWriter;
use helios_table::catalog::TableDef;

use super::update::{Taking, Target};
use super::{ByKey, Changes, may_repeat};
use crate::plan;
use crate::row::compile::Compiler;
use crate::row::exec::Cx;
use crate::row::node::Node;
use crate::row::op;

/// A compiled `DELETE`.
#[derive(Debug)]
pub(crate) struct Delete {
    pub(crate) table: Arc<TableDef>,
    pub(crate) input: Node,
    key: usize,
    returning: Option<Vec<Expr>>,
    repeats: bool,
    /// The short way, if it is of one row by its key.
    pub(crate) by_key: Option<ByKey>,
}

impl Compiler<'_> {
    /// Compiles a `DELETE`.
    pub(crate) fn delete(&self, delete: &plan::Delete) -> Result<Delete> {
        let input = self.query(&delete.input)?;
        let table = self.target(&delete.table)?;
        Ok(Delete {
            by_key: match delete.returning {
                None => ByKey::delete(&table, &input, self.catalog),
                Some(_) => None,
            },
            table,
            key: delete.key,
            returning: delete.returning.as_ref().map(|r| r.exprs.clone()),
            repeats: may_repeat(&input),
            input,
        })
    }
}

impl Delete {
    /// Deletes the rows of the input.
    pub(crate) fn run(&self, cx: &Cx<'_>) -> Result<Changes> {
        let txn = cx.exec.transaction()?;
        let mut writer = TableWriter::locked(txn, &cx.exec.catalog, &self.table)?;
        let mut changes = Changes::default();
        let mut done = HashSet::new();
        let mut input = op::open(&self.input, cx)?;
        while let Some(row) = input.next(cx)? {
            let target = Target {
                table: &self.table,
                input: &self.input,
                key: self.key,
                change: Taking::Delete,
            };
            let repeats = self.repeats.then_some(&mut done);
            let Some((old, row)) = target.lock(&writer, row, repeats, cx)? else {
                continue;
            };
            writer.delete(&old)?;
            cx.exec.changing.note(self.table.id, old.key());
            changes.add(self.returning.as_ref(), &row, cx)?;
        }
        Ok(changes)
    }
}
