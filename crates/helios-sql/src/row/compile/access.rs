//! How a table is read: by its key, by an index, or whole.

use std::sync::Arc;

use helios_base::{DataType, Error, Result};
use helios_expr::{Comparison, Expr, Volatility};
use helios_table::catalog::TableDef;
use helios_table::row::Rules;

use super::Compiler;
use super::selectivity::Spread;
use crate::plan::{At, Plan, Scan, SortKey};
use crate::row::look;
use crate::row::node::{FilterNode, Node, ProjectNode};
pub(super) use crate::row::scan::Path;
use crate::row::scan::{Limit, Reach, ScanNode, Term};

/// A predicate as a condition on one column of the table.
pub(super) struct Condition<'a> {
    /// Position of the column in the table.
    pub(super) column: usize,
    pub(super) test: Test<'a>,
    /// Which of the scan's filters it is.
    pub(super) filter: usize,
}

pub(super) enum Test<'a> {
    Compare(Comparison, &'a Expr),
    Any(&'a [Expr]),
    Array(&'a Expr),
    Null,
}

/// A way to read the table with what it costs.
pub(super) struct Candidate {
    pub(super) path: Path,
    /// The filters that the path assures.
    pub(super) assured: Vec<usize>,
    pub(super) rows: u64,
    pub(super) cost: u64,
}

impl Compiler<'_> {
    /// Compiles a scan.
    pub(super) fn scan(&self, scan: &Scan) -> Result<ScanNode> {
        let look = match &scan.at {
            Some(At::Moment(id, _) | At::Row(_, Some(id))) => Some(look(self.past, *id)?),
            Some(At::Row(_, None)) | None => None,
        };
        let catalog = look.map_or(self.catalog, |look| &look.catalog);
        let table = catalog
            .table_by_id(scan.table.id)
            .ok_or_else(|| Error::internal(format!("table \"{}\" is not there", scan.table.name)))?
            .clone();
        let rules = self.tables.rules(catalog, &table)?;
        let reads = scan
            .reads
            .iter()
            .map(|id| {
                table
                    .position(*id)
                    .ok_or_else(|| Error::internal(format!("column {id} is not there")))
            })
            .collect::<Result<Vec<_>>>()?;
        let total = self.rows_of(scan);
        let spread = Spread::new(&table, self.stats, total);
        // The key of today may not be that of the moment, which only each row will tell.
        let keyed = !matches!(scan.at, Some(At::Row(..)));
        let best = keyed
            .then(|| self.best_path(&table, &rules, &reads, &scan.filters, &spread))
            .flatten();
        let mut best = best.unwrap_or(Candidate {
            path: Path::Full,
            assured: Vec::new(),
            rows: total,
            cost: total,
        });
        let filters: Vec<Expr> = scan
            .filters
            .iter()
            .enumerate()
            .filter(|(at, _)| !best.assured.contains(at))
            .map(|(_, filter)| filter.clone())
            .collect();
        best.rows = spread.left_by(best.rows, &filters, &reads);
        Ok(ScanNode {
            table,
            alias: scan.alias.clone(),
            rules,
            path: best.path,
            reverse: false,
            reads,
            key: scan.key,
            filters,
            conditions: scan.filters.clone(),
            at: scan.at.clone(),
            total,
            estimate: best.rows,
        })
    }

    fn best_path(
        &self,
        table: &TableDef,
        rules: &Rules,
        reads: &[usize],
        filters: &[Expr],
        spread: &Spread<'_>,
    ) -> Option<Candidate> {
        let conditions: Vec<Condition<'_>> = filters
            .iter()
            .enumerate()
            .filter_map(|(at, filter)| condition(filter, at, reads))
            .collect();
        if conditions.is_empty() {
            return None;
        }
        let key = table.shape().key_columns();
        let by_key = (!key.is_empty())
            .then(|| {
                let columns: Vec<_> = key.iter().map(|(at, ty)| (*at, ty.clone())).collect();
                let (reach, assured) = reach(&columns, &conditions, true)?;
                Some(spread.candidate(Path::Key(reach), assured, &columns))
            })
            .flatten();
        let by_index = rules.indexes.iter().enumerate().filter_map(|(at, index)| {
            // Expression keys and partial indexes need a proof that the binder does not give yet.
            if index.def.clustered || !index.def.is_plain() || index.predicate().is_some() {
                return None;
            }
            let columns: Vec<_> = index
                .def
                .keys
                .iter()
                .filter_map(|k| table.column_by_id(k.as_column()?))
                .map(|(position, column)| (position, column.ty.clone()))
                .collect();
            let (reach, assured) = reach(&columns, &conditions, index.def.unique)?;
            Some(spread.candidate(Path::Index(at, reach), assured, &columns))
        });
        by_key
            .into_iter()
            .chain(by_index)
            .min_by_key(|candidate| candidate.cost)
            .filter(|candidate| candidate.cost < spread.total.max(2) || candidate.path.is_point())
    }

    /// How many rows the table has.
    pub(super) fn rows_of(&self, scan: &Scan) -> u64 {
        let Some(At::Moment(id, _)) = &scan.at else {
            return self.stats.rows(scan.table.id);
        };
        let Ok(look) = look(self.past, *id) else {
            return 1000;
        };
        match look.catalog.table_by_id(scan.table.id) {
            Some(then) => self
                .tables
                .row_count_then(&*look.reader, then)
                .unwrap_or(1000),
            None => 0,
        }
    }

    /// How many rows a plan may yield.
    pub(super) fn estimate(&self, plan: &Plan) -> u64 {
        match plan {
            Plan::Empty(_) => 0,
            Plan::OneRow => 1,
            Plan::Values(values) => values.rows.len() as u64,
            Plan::Scan(scan) => self.scan(scan).map_or(u64::MAX, |node| node.estimate),
            Plan::Filter(node) => self.estimate(&node.input) / 3 + 1,
            Plan::Project(node) => self.estimate(&node.input),
            Plan::Sort(node) => self.estimate(&node.input),
            Plan::Window(node) => self.estimate(&node.input),
            Plan::LockRows(node) => self.estimate(&node.input),
            Plan::Distinct(node) => self.estimate(&node.input),
            Plan::Aggregate(node) if node.groups.is_empty() => 1,
            Plan::Aggregate(node) => self.estimate(&node.input) / 2 + 1,
            Plan::Limit(node) => match node.limit.as_ref().and_then(Expr::as_literal) {
                Some(helios_base::Value::Int8(n)) => u64::try_from(*n).unwrap_or(0),
                _ => self.estimate(&node.input),
            },
            Plan::Join(join) => {
                let (left, right) = (self.estimate(&join.left), self.estimate(&join.right));
                if join.on.is_empty() {
                    left.saturating_mul(right)
                } else {
                    left.max(right)
                }
            }
            Plan::SetOp(node) => self
                .estimate(&node.left)
                .saturating_add(self.estimate(&node.right)),
            Plan::With { input, .. } => self.estimate(input),
            _ => 1000,
        }
    }
}

/// The longest condition on the leading `columns` of a key, and the filters it assures.
fn reach(
    columns: &[(usize, DataType)],
    conditions: &[Condition<'_>],
    unique: bool,
) -> Option<(Reach, Vec<usize>)> {
    let mut reach = Reach {
        equal: Vec::new(),
        lower: None,
        upper: None,
        types: Vec::new(),
        unique: false,
    };
    let mut assured = Vec::new();
    let mut nullable = false;
    for (column, ty) in columns {
        let here = || conditions.iter().filter(|c| c.column == *column);
        let equal = here().find_map(|c| {
            let term = match &c.test {
                Test::Compare(Comparison::Eq, value) if comparable(ty, value.ty()) => {
                    Term::One((*value).clone())
                }
                Test::Any(list) if list.iter().all(|e| comparable(ty, e.ty())) => {
                    Term::Any(list.to_vec())
                }
                Test::Array(array) => match array.ty() {
                    DataType::Array(element) if comparable(ty, element) => {
                        Term::Array((*array).clone())
                    }
                    _ => return None,
                },
                Test::Null => Term::Null,
                Test::Compare(..) | Test::Any(_) => return None,
            };
            Some((term, c.filter))
        });
        if let Some((term, filter)) = equal {
            nullable |= matches!(term, Term::Null);
            reach.equal.push(term);
            reach.types.push(ty.clone());
            assured.push(filter);
            continue;
        }
        for condition in here() {
            let Test::Compare(comparison, value) = &condition.test else {
                continue;
            };
            if !comparable(ty, value.ty()) {
                continue;
            }
            let slot = match comparison {
                Comparison::Gt | Comparison::Ge => &mut reach.lower,
                Comparison::Lt | Comparison::Le => &mut reach.upper,
                Comparison::Eq | Comparison::Ne => continue,
            };
            if slot.is_none() {
                *slot = Some(Limit {
                    expr: (*value).clone(),
                    inclusive: matches!(comparison, Comparison::Ge | Comparison::Le),
                });
                assured.push(condition.filter);
            }
        }
        if reach.lower.is_some() || reach.upper.is_some() {
            reach.types.push(ty.clone());
        }
        break;
    }
    reach.unique = unique && !nullable && reach.equal.len() == columns.len();
    let any = !reach.equal.is_empty() || reach.lower.is_some() || reach.upper.is_some();
    any.then_some((reach, assured))
}

/// Whether values of type `value` can be brought to a key column of type `column`.
fn comparable(column: &DataType, value: &DataType) -> bool {
    column.same(value)
        || (column.is_integer() && value.is_integer())
        || (column.is_string()
            && value.is_string()
            && matches!(column, DataType::Char(_)) == matches!(value, DataType::Char(_)))
}

/// `filter` as a condition on one column against what does not depend on the row.
pub(super) fn condition<'a>(filter: &'a Expr, at: usize, reads: &[usize]) -> Option<Condition<'a>> {
    let column_of = |expr: &Expr| match expr {
        Expr::Column { index, .. } => reads.get(*index).copied(),
        // Binary-compatible strings are relabelled, which changes nothing here.
        Expr::Cast(cast)
            if cast.expr.ty().is_string()
                && cast.to == DataType::Text
                && !matches!(cast.expr.ty(), DataType::Char(_)) =>
        {
            match &cast.expr {
                Expr::Column { index, .. } => reads.get(*index).copied(),
                _ => None,
            }
        }
        _ => None,
    };
    let steady =
        |expr: &Expr| expr.volatility() < Volatility::Volatile && expr.used_columns().is_empty();
    let made = |column, test| {
        Some(Condition {
            column,
            test,
            filter: at,
        })
    };
    if let Some((comparison, left, right)) = filter.as_comparison() {
        if let (Some(column), true) = (column_of(left), steady(right)) {
            return made(column, Test::Compare(comparison, right));
        }
        if let (Some(column), true) = (column_of(right), steady(left)) {
            return made(column, Test::Compare(comparison.commuted(), left));
        }
        return None;
    }
    match filter {
        Expr::InList {
            expr,
            list,
            equal,
            negated: false,
        } if equal.comparison() == Some(Comparison::Eq) && list.iter().all(steady) => {
            made(column_of(expr)?, Test::Any(list))
        }
        Expr::Quantified {
            left,
            operator,
            array,
            all: false,
        } if operator.comparison() == Some(Comparison::Eq) && steady(array) => {
            made(column_of(left)?, Test::Array(array))
        }
        Expr::IsNull {
            expr,
            negated: false,
        } => made(column_of(expr)?, Test::Null),
        _ => None,
    }
}

/// `node`, perhaps reading backwards, if its rows come in the order of `keys` without sorting.
pub(super) fn ordered(node: &Node, keys: &[SortKey]) -> Option<Node> {
    match node {
        Node::Scan(scan) => {
            let reverse = scan_order(scan, keys)?;
            let mut scan = (**scan).clone();
            scan.reverse = reverse;
            Some(Node::Scan(Arc::new(scan)))
        }
        Node::Filter(filter) => Some(Node::Filter(Arc::new(FilterNode {
            input: ordered(&filter.input, keys)?,
            predicate: filter.predicate.clone(),
        }))),
        Node::Project(project) => {
            let below = keys
                .iter()
                .map(|key| match &key.expr {
                    Expr::Column { index, .. } => Some(SortKey {
                        expr: project.exprs.get(*index)?.clone(),
                        ..key.clone()
                    }),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()?;
            Some(Node::Project(Arc::new(ProjectNode {
                input: ordered(&project.input, &below)?,
                exprs: project.exprs.clone(),
            })))
        }
        _ => None,
    }
}

/// Whether the scan yields this order, and if so whether it must read backwards.
fn scan_order(scan: &ScanNode, keys: &[SortKey]) -> Option<bool> {
    // (column, descending, nulls first) of the key that the scan follows.
    let (order, reach): (Vec<(usize, bool, bool)>, Option<&Reach>) = match &scan.path {
        Path::Full => (key_order(scan), None),
        Path::Key(reach) => (key_order(scan), Some(reach)),
        Path::Index(at, reach) => {
            let index = scan.rules.indexes.get(*at)?;
            let order = index
                .def
                .keys
                .iter()
                .filter_map(|key| {
                    let position = scan.table.position(key.as_column()?)?;
                    Some((position, key.descending, key.nulls_first))
                })
                .collect();
            (order, Some(reach))
        }
    };
    if order.is_empty() {
        return None;
    }
    let fixed = |column: usize| {
        let at = order.iter().position(|(c, ..)| *c == column);
        let terms = reach.map_or(&[][..], |reach| reach.equal.as_slice());
        matches!(
            at.and_then(|at| terms.get(at)),
            Some(Term::One(_) | Term::Null)
        )
    };
    let mut at = 0;
    let mut reverse = None;
    for key in keys {
        let Expr::Column { index, .. } = &key.expr else {
            return None;
        };
        let column = *scan.reads.get(*index)?;
        if fixed(column) {
            continue;
        }
        while order.get(at).is_some_and(|(c, ..)| fixed(*c)) {
            at += 1;
        }
        let Some((next, descending, nulls_first)) = order.get(at) else {
            // The whole key is used up. If it is unique, nothing is left to order.
            return scan.path_is_unique_key().then(|| reverse.unwrap_or(false));
        };
        if *next != column {
            return None;
        }
        let backwards = key.descending != *descending;
        let not_null = scan.rules.not_null.contains(&column);
        if !not_null && (key.nulls_first != *nulls_first) != backwards {
            return None;
        }
        if reverse.is_some_and(|r| r != backwards) {
            return None;
        }
        reverse = Some(backwards);
        at += 1;
    }
    Some(reverse.unwrap_or(false))
}

fn key_order(scan: &ScanNode) -> Vec<(usize, bool, bool)> {
    let key = scan.table.shape().key_columns();
    key.iter().map(|(at, _)| (*at, false, false)).collect()
}

impl ScanNode {
    /// Whether the path follows the stored key, in which no two rows are equal.
    fn path_is_unique_key(&self) -> bool {
        !matches!(self.path, Path::Index(..))
    }
}
