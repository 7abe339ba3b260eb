//! The short way of an `UPDATE` or `DELETE` of one row by its key.
//!
//! The key is made of parameters and constants, so there is no input to run: the row is found,
//! locked and written. Where no index, constraint or generated column reads what changes, the new
//! row is the old one with a few bytes replaced; else a [`TableWriter`] writes it, as always.

use std::sync::Arc;

use helios_base::{Result, Row, Value};
use helios_expr::{EvalContext, Expr};
use helios_table::catalog::TableDef;
use helios_table::row::{Rules, StoredRow};
use helios_table::{Catalog, LockedRow, Sought, TableWriter, Transaction};
use helios_version::{LockMode, RowVersion, View};

use super::Assignments;
use crate::row::node::Node;
use crate::row::point::PointKey;
use crate::row::scan::ScanNode;

/// A change of one row by its key.
#[derive(Debug)]
pub(crate) struct ByKey {
    pub(crate) table: Arc<TableDef>,
    key: PointKey,
    what: What,
}

#[derive(Debug)]
enum What {
    Update {
        assignments: Assignments,
        /// If nothing else reads what is assigned: the columns that the new values are made of.
        alone: Option<Vec<usize>>,
    },
    Delete {
        /// Whether foreign keys reference the table.
        referenced: bool,
        /// Whether rows have index entries.
        indexed: bool,
    },
}

/// What a run in the short way works with.
pub(crate) struct Site<'a> {
    pub(crate) txn: &'a Transaction,
    /// The statement's view.
    pub(crate) view: &'a View,
    pub(crate) catalog: &'a Arc<Catalog>,
    pub(crate) context: &'a EvalContext<'a>,
}

impl ByKey {
    /// The change that an `UPDATE` is, if it is one.
    pub(super) fn update(
        table: &Arc<TableDef>,
        input: &Node,
        assignments: &Assignments,
    ) -> Option<Self> {
        let scan = scan_of(table, input)?;
        // Values are computed from the table's columns alone, which stand first in the input.
        if !scan.reads.iter().copied().eq(0..table.columns.len())
            || !assignments.iter().all(|(_, expr)| is_plain(expr, table))
        {
            return None;
        }
        let alone = is_alone(table, &scan.rules, assignments).then(|| {
            let mut reads: Vec<usize> = assignments
                .iter()
                .flat_map(|(_, expr)| expr.used_columns())
                .collect();
            reads.sort_unstable();
            reads.dedup();
            reads
        });
        Some(Self {
            table: table.clone(),
            key: PointKey::of(scan)?,
            what: What::Update {
                assignments: assignments.clone(),
                alone,
            },
        })
    }

    /// The change that a `DELETE` is, if it is one.
    pub(super) fn delete(table: &Arc<TableDef>, input: &Node, catalog: &Catalog) -> Option<Self> {
        let scan = scan_of(table, input)?;
        Some(Self {
            table: table.clone(),
            key: PointKey::of(scan)?,
            what: What::Delete {
                referenced: catalog.referencing(table.id).next().is_some(),
                indexed: scan.rules.indexes.iter().any(|i| !i.def.clustered),
            },
        })
    }

    /// Whether what it does needs no expression to be evaluated.
    pub(crate) const fn is_delete(&self) -> bool {
        matches!(self.what, What::Delete { .. })
    }

    /// How many rows it changed: one or none. `None`: another transaction has changed the row
    /// meanwhile, so the statement must be run in the long way. `key` is scratch.
    pub(crate) fn run(&self, site: &Site<'_>, key: &mut Vec<u8>) -> Result<Option<u64>> {
        if !self.key.encode(site.context.params, key)? {
            return Ok(Some(0));
        }
        let mode = match self.what {
            What::Update { .. } => LockMode::NoKeyUpdate,
            What::Delete { .. } => LockMode::Update,
        };
        let found = match site.txn.seek_to_change(site.view, &self.table, key, mode)? {
            Sought::Found(found) => found,
            Sought::Missing => return Ok(Some(0)),
            Sought::Changed => return Ok(None),
        };
        match &self.what {
            What::Update { assignments, alone } => {
                if let Some(reads) = alone
                    && self.patch(site, key, &found, assignments, reads)?
                {
                    return Ok(Some(1));
                }
                self.rewrite(site, key, &found, assignments)?;
            }
            What::Delete {
                referenced,
                indexed,
            } => {
                let own = found.begin == helios_base::Scn::MAX;
                let plain = !(own && *indexed);
                if plain && !referenced {
                    site.txn.delete_found(&self.table, key)?;
                    return Ok(Some(1));
                }
                let old = LockedRow::of_found(&self.table, key, &found, mode)?;
                self.writer(site)?.delete(&old)?;
            }
        }
        site.txn.finish_statement(site.context)?;
        Ok(Some(1))
    }

    /// Replaces the assigned values in the stored row. False if the row must be written anew.
    fn patch(
        &self,
        site: &Site<'_>,
        key: &[u8],
        found: &RowVersion,
        assignments: &Assignments,
        reads: &[usize],
    ) -> Result<bool> {
        let shape = self.table.shape();
        let mut row: Row = vec![Value::Null; reads.last().map_or(0, |last| last + 1)];
        StoredRow::new(shape, key, found.begin, &found.row)?.fill(reads, &mut row)?;
        let mut bytes = found.row.to_vec();
        for (position, expr) in assignments {
            let value = expr.eval(&row, site.context)?;
            if !shape.patch_row(&mut bytes, *position, &value)? {
                return Ok(false);
            }
        }
        site.txn.replace_found(&self.table, key, &bytes)?;
        Ok(true)
    }

    fn rewrite(
        &self,
        site: &Site<'_>,
        key: &[u8],
        found: &RowVersion,
        assignments: &Assignments,
    ) -> Result<()> {
        let old = LockedRow::of_found(&self.table, key, found, LockMode::NoKeyUpdate)?;
        let mut row = old.values().to_vec();
        for (position, expr) in assignments {
            let value = expr.eval(old.values(), site.context)?;
            if let Some(place) = row.get_mut(*position) {
                *place = value;
            }
        }
        self.writer(site)?.update(&old, &mut row, site.context)?;
        Ok(())
    }

    fn writer<'t>(&self, site: &Site<'t>) -> Result<TableWriter<'t>> {
        TableWriter::locked(site.txn, site.catalog, &self.table)
    }
}

/// The scan of `table` that is all of `input`, of rows as they are now.
fn scan_of<'n>(table: &TableDef, input: &'n Node) -> Option<&'n ScanNode> {
    match input {
        Node::Scan(scan) if scan.table.id == table.id && scan.key && scan.at.is_none() => {
            Some(scan)
        }
        _ => None,
    }
}

/// Whether a value is made of the row and parameters alone, so that computing it again, as the long
/// way does after the short one, is the same and no subquery is needed.
fn is_plain(expr: &Expr, table: &TableDef) -> bool {
    let width = table.columns.len();
    expr.volatility() <= helios_expr::Volatility::Stable
        && !expr.any(&mut |part| match part {
            Expr::Subplan { .. } | Expr::Outer { .. } => true,
            Expr::Column { index, .. } => *index >= width,
            _ => false,
        })
}

/// Whether nothing reads the assigned columns but the statement itself.
fn is_alone(table: &TableDef, rules: &Rules, assignments: &Assignments) -> bool {
    let assigned = |position: &usize| assignments.iter().any(|(at, _)| at == position);
    let keys = table.shape().key_columns();
    rules.generated.is_empty()
        && rules.checks.is_empty()
        && !keys.iter().any(|(position, _)| assigned(position))
        && !rules.indexes.iter().any(|i| i.reads().iter().any(assigned))
        && !rules
            .foreign_keys
            .iter()
            .any(|(_, fk)| fk.iter().any(assigned))
}
