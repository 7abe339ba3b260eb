//! How a table is read: by its key, by an index, or whole.

use std::sync::Arc;

use helios_base::{DataType, Error, Result};
use helios_expr::{Comparison, Expr};
use helios_table::catalog::TableDef;
use helios_table::row::Rules;

use super::Compiler;
use super::implied::implied;
use super::selectivity::Spread;
use super::subject::{Condition, KeySubject, Subject, Test, condition};
use crate::plan::{At, Plan, Scan, SortKey, VersionColumn};
use crate::row::look;
use crate::row::node::{FilterNode, Node, ProjectNode};
pub(super) use crate::row::scan::Path;
use crate::row::scan::{Limit, Reach, ScanNode, Term};
use crate::row::steady::has_steady_part;

/// A way to read the table with what it costs.
pub(super) struct Candidate {
    pub(super) path: Path,
    /// The filters that the path assures.
    pub(super) assured: Vec<usize>,
    pub(super) rows: u64,
    pub(super) cost: u64,
    /// Whether it leaves out rows.
    pub(super) narrows: bool,
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
                let pseudo = VersionColumn::of(*id).filter(|_| scan.versions.is_some());
                let pseudo = pseudo.map(|column| table.columns.len() + column as usize);
                pseudo
                    .or_else(|| table.position(*id))
                    .ok_or_else(|| Error::internal(format!("column {id} is not there")))
            })
            .collect::<Result<Vec<_>>>()?;
        let total = self.rows_of(scan);
        let spread = Spread::new(&table, self.stats, total);
        let best = self
            .best_path(&table, &rules, &reads, &scan.filters, &spread)
            // Only the key is sure to be there at the moment of each row, or to lead to versions.
            .filter(|best| {
                let keyed = scan.versions.is_some() || matches!(scan.at, Some(At::Row(..)));
                !keyed || matches!(best.path, Path::Key(_))
            });
        let mut best = best.unwrap_or(Candidate {
            path: Path::Full,
            assured: Vec::new(),
            rows: total,
            cost: total,
            narrows: false,
        });
        let filters = rest(&scan.filters, &best.assured);
        best.rows = spread.left_by(best.rows, &filters, &reads);
        Ok(ScanNode {
            table,
            alias: scan.alias.clone(),
            rules,
            path: best.path,
            reverse: false,
            reads,
            key: scan.key,
            filtered: filtered(&filters),
            unsettled: filters.iter().any(has_steady_part),
            filters,
            conditions: scan.filters.clone(),
            at: scan.at.clone(),
            versions: scan.versions.as_deref().cloned(),
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
        if filters.is_empty() {
            return None;
        }
        let conditions = conditions(filters, reads);
        let key = Subject::of_key(table);
        let by_key = (!key.is_empty())
            .then(|| {
                let (reach, assured) = reach(&key, &conditions, true)?;
                Some(spread.candidate(Path::Key(reach), assured, &key))
            })
            .flatten();
        let by_index = (0..rules.indexes.len())
            .filter_map(|at| by_index(rules, at, reads, filters, &conditions, spread))
            .filter(|candidate| candidate.narrows);
        by_key
            .into_iter()
            .chain(by_index)
            .min_by_key(|candidate| candidate.cost)
            .filter(|candidate| candidate.cost < spread.total.max(2) || candidate.path.is_point())
    }

    /// `scan` by an index that yields rows in the order of `keys`, if reading the first `limit` rows
    /// in this order is cheaper than sorting.
    pub(super) fn in_order(&self, scan: &ScanNode, keys: &[SortKey], limit: u64) -> Option<Node> {
        if !matches!(scan.path, Path::Full)
            || scan.at.is_some()
            || scan.versions.is_some()
            || scan.key
        {
            return None;
        }
        let total = self.stats.rows(scan.table.id);
        let spread = Spread::new(&scan.table, self.stats, total);
        let filters = &scan.conditions;
        let conditions: Vec<Condition<'_>> = conditions(filters, &scan.reads);
        let ways = (0..scan.rules.indexes.len()).filter_map(|at| {
            let way = by_index(&scan.rules, at, &scan.reads, filters, &conditions, &spread)?;
            let mut scan = scan.clone();
            scan.filters = rest(filters, &way.assured);
            scan.path = way.path;
            scan.estimate = spread.left_by(way.rows, &scan.filters, &scan.reads);
            // The filters leave one row in so many: that many are read for each.
            let read = way.rows.saturating_mul(limit) / scan.estimate.max(1);
            let cost = read.min(way.rows).saturating_mul(3);
            scan.estimate = scan.estimate.min(limit.max(1));
            let node = ordered(&Node::Scan(Arc::new(scan)), keys)?;
            Some((cost, node))
        });
        let (cost, node) = ways.min_by_key(|(cost, _)| *cost)?;
        // Sorting looks at every row.
        (cost < total).then_some(node)
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

/// The filters as conditions, as far as they are.
pub(super) fn conditions<'a>(filters: &'a [Expr], reads: &[usize]) -> Vec<Condition<'a>> {
    let all = filters.iter().enumerate();
    all.filter_map(|(at, filter)| condition(filter, at, reads))
        .collect()
}

/// The filters that are still to be asked.
fn rest(filters: &[Expr], assured: &[usize]) -> Vec<Expr> {
    let all = filters.iter().enumerate();
    all.filter(|(at, _)| !assured.contains(at))
        .map(|(_, filter)| filter.clone())
        .collect()
}

/// The way through the index at `at`, whole if no condition is on its first key; `None` if it may
/// lack rows that are wanted.
fn by_index(
    rules: &Rules,
    at: usize,
    reads: &[usize],
    filters: &[Expr],
    conditions: &[Condition<'_>],
    spread: &Spread<'_>,
) -> Option<Candidate> {
    let index = rules.indexes.get(at)?;
    if index.def.clustered {
        return None;
    }
    let mut certain = match index.predicate() {
        Some(predicate) => implied(predicate, filters, conditions, reads)?,
        None => Vec::new(),
    };
    let keys = Subject::of_index(index);
    let found = reach(&keys, conditions, index.def.unique);
    let narrows = found.is_some() || index.predicate().is_some();
    let (reach, assured) = found.unwrap_or_default();
    certain.extend(assured);
    let mut candidate = spread.candidate(Path::Index(at, reach), certain, &keys);
    candidate.narrows = narrows;
    if let Some(predicate) = index.predicate()
        && !candidate.path.is_point()
    {
        let parts = predicate.clone().conjuncts();
        let all: Vec<usize> = (0..spread.width()).collect();
        let most = spread.left_by(spread.total, &parts, &all);
        if most < candidate.rows {
            candidate.rows = most;
            candidate.cost = candidate.cost.min(most.saturating_mul(3));
        }
    }
    Some(candidate)
}

/// The longest condition on the leading `columns` of a key, and the filters it assures.
fn reach(
    columns: &[KeySubject],
    conditions: &[Condition<'_>],
    unique: bool,
) -> Option<(Reach, Vec<usize>)> {
    let mut reach = Reach::default();
    let mut assured = Vec::new();
    let mut nullable = false;
    for (subject, ty) in columns {
        let here = || conditions.iter().filter(|c| c.subject == *subject);
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

/// The columns that filters read.
pub(super) fn filtered(filters: &[Expr]) -> Vec<usize> {
    let mut columns: Vec<usize> = filters.iter().flat_map(Expr::used_columns).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
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
        Node::Project(project) => Some(Node::Project(Arc::new(ProjectNode::new(
            ordered(&project.input, &below(project, keys)?)?,
            project.exprs.clone(),
        )))),
        _ => None,
    }
}

/// Sort keys over a projection's columns as keys over its input.
pub(super) fn below(project: &ProjectNode, keys: &[SortKey]) -> Option<Vec<SortKey>> {
    let below = |key: &SortKey| match &key.expr {
        Expr::Column { index, .. } => Some(SortKey {
            expr: project.exprs.get(*index)?.clone(),
            ..key.clone()
        }),
        _ => None,
    };
    keys.iter().map(below).collect()
}

/// Whether the scan yields this order, and if so whether it must read backwards.
fn scan_order(scan: &ScanNode, keys: &[SortKey]) -> Option<bool> {
    // Then the rows may have had another order.
    if scan.versions.is_some() || matches!(scan.at, Some(At::Row(..))) {
        return None;
    }
    // (subject, descending, nulls first) of the key that the scan follows.
    let (order, reach): (Vec<(Subject, bool, bool)>, Option<&Reach>) = match &scan.path {
        Path::Full => (key_order(scan), None),
        Path::Nearest(_) => return None,
        Path::Key(reach) => (key_order(scan), Some(reach)),
        Path::Index(at, reach) => {
            let index = scan.rules.indexes.get(*at)?;
            let subjects = Subject::of_index(index).into_iter();
            let order = subjects
                .zip(&index.def.keys)
                .map(|((subject, _), key)| (subject, key.descending, key.nulls_first))
                .collect();
            (order, Some(reach))
        }
    };
    if order.is_empty() {
        return None;
    }
    let fixed = |subject: &Subject| {
        let at = order.iter().position(|(s, ..)| s == subject);
        let terms = reach.map_or(&[][..], |reach| reach.equal.as_slice());
        matches!(
            at.and_then(|at| terms.get(at)),
            Some(Term::One(_) | Term::Null)
        )
    };
    let mut at = 0;
    let mut reverse = None;
    for key in keys {
        let subject = Subject::of(&key.expr, &scan.reads)?;
        if fixed(&subject) {
            continue;
        }
        while order.get(at).is_some_and(|(s, ..)| fixed(s)) {
            at += 1;
        }
        let Some((next, descending, nulls_first)) = order.get(at) else {
            // The whole key is used up. If it is unique, nothing is left to order.
            return scan.path_is_unique_key().then(|| reverse.unwrap_or(false));
        };
        if *next != subject {
            return None;
        }
        let backwards = key.descending != *descending;
        let not_null = match &subject {
            Subject::Column(column) => scan.rules.not_null.contains(column),
            Subject::Expr(_) => false,
        };
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

fn key_order(scan: &ScanNode) -> Vec<(Subject, bool, bool)> {
    let key = Subject::of_key(&scan.table).into_iter();
    key.map(|(subject, _)| (subject, false, false)).collect()
}

impl ScanNode {
    /// Whether the path follows the stored key, in which no two rows are equal.
    fn path_is_unique_key(&self) -> bool {
        !matches!(self.path, Path::Index(..))
    }
}
