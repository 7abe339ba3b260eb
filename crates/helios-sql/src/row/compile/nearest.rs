//! The first rows by nearness to a vector, through an index of nearness.

use std::sync::Arc;

use helios_base::{DataType, Value};
use helios_expr::{Expr, Measure, SubplanKind, Volatility};
use helios_table::nearest::Tally;
use helios_table::row::IndexRules;

use super::implied::implied;
use super::subject::Subject;
use super::{Compiler, access};
use crate::plan::{At, Limit, SortKey};
use crate::row::node::{LimitNode, Node, ProjectNode, SortNode};
use crate::row::scan::{NearestPath, Path, ScanNode};
use crate::row::steady::has_steady_part;

/// What a candidate costs beside a row that is read in order: a look at the structure, and the row by its key.
pub(crate) const CANDIDATE: u64 = 6;
/// What a row costs that another index leads to.
const THROUGH_INDEX: u64 = 3;
/// Candidates that a search looks at however few are wanted.
const BREADTH: u64 = 40;
/// How many rows are wanted, where that is not known yet.
const WANTED: u64 = 100;

/// A search by nearness that no index serves.
#[derive(Clone, Debug)]
pub(crate) struct Unserved {
    /// Counts it.
    pub(crate) tally: Arc<Tally>,
    /// How many rows it compares, about.
    pub(crate) read: u64,
}

impl Compiler<'_> {
    /// The input of a limit, with the table under its sort read by nearness, if that is cheaper than reading
    /// all of it. The sort stays: what comes is more than is wanted, and in no order.
    pub(super) fn nearest_first(&self, input: &Node, limit: &Limit) -> Option<Node> {
        if limit.limit.is_none() || !limit.ties.is_empty() {
            return None;
        }
        match input {
            Node::Project(project) => Some(Node::Project(Arc::new(ProjectNode::new(
                self.nearest_first(&project.input, limit)?,
                project.exprs.clone(),
            )))),
            Node::Sort(sort) => {
                // Of equally near rows the next key would decide, and an index does not know it.
                let [key] = sort.keys.as_slice() else {
                    return None;
                };
                Some(Node::Sort(Arc::new(SortNode {
                    input: self.nearest_input(&sort.input, key, limit)?,
                    keys: sort.keys.clone(),
                })))
            }
            _ => None,
        }
    }

    fn nearest_input(&self, node: &Node, key: &SortKey, limit: &Limit) -> Option<Node> {
        match node {
            Node::Scan(scan) => self.nearest_scan(scan, key, limit),
            Node::Project(project) => {
                let below = access::below(project, std::slice::from_ref(key))?;
                Some(Node::Project(Arc::new(ProjectNode::new(
                    self.nearest_input(&project.input, below.first()?, limit)?,
                    project.exprs.clone(),
                ))))
            }
            _ => None,
        }
    }

    /// Notes that a limit takes the first rows by nearness, if no index could lead to these.
    pub(super) fn note_unserved(&self, input: &Node, limit: &Limit) {
        if limit.limit.is_some()
            && let Some(unserved) = self.unserved_below(input)
        {
            self.unserved.borrow_mut().push(unserved);
        }
    }

    fn unserved_below(&self, node: &Node) -> Option<Unserved> {
        match node {
            Node::Project(project) => self.unserved_below(&project.input),
            Node::Sort(sort) => match sort.keys.as_slice() {
                [key] => self.unserved_input(&sort.input, key),
                _ => None,
            },
            _ => None,
        }
    }

    fn unserved_input(&self, node: &Node, key: &SortKey) -> Option<Unserved> {
        match node {
            Node::Scan(scan) => self.unserved_scan(scan, key),
            Node::Project(project) => {
                let below = access::below(project, std::slice::from_ref(key))?;
                self.unserved_input(&project.input, below.first()?)
            }
            _ => None,
        }
    }

    fn unserved_scan(&self, scan: &ScanNode, key: &SortKey) -> Option<Unserved> {
        if scan.path.is_point() || scan.versions.is_some() || key.descending {
            return None;
        }
        let (symbol, subject, _) = distance(&key.expr)?;
        let Subject::Column(position) = Subject::of(subject, &scan.reads)? else {
            return None;
        };
        let now = self.catalog.table_by_id(scan.table.id)?;
        let column = scan.table.columns.get(position)?;
        let rules = self.tables.rules(self.catalog, now).ok()?;
        let serves = |rules: &Arc<IndexRules>| {
            let by = rules.def.nearest.as_ref().is_some_and(|n| n.is_by(symbol));
            let keys = Subject::of_index(rules);
            by && keys
                .first()
                .is_some_and(|(key, _)| *key == Subject::Column(position))
        };
        (!rules.nearest.iter().any(serves)).then(|| Unserved {
            tally: self.tables.exact_searches_tally(now.id, column.id, symbol),
            read: scan.estimate.max(1),
        })
    }

    fn nearest_scan(&self, scan: &ScanNode, key: &SortKey, limit: &Limit) -> Option<Node> {
        let moves = matches!(scan.at, Some(At::Row(..)));
        // What is read otherwise, in rows that are read in order.
        let read = match &scan.path {
            Path::Full => scan.total,
            path if path.is_point() => return None,
            Path::Key(_) => scan.estimate,
            Path::Index(..) => scan.estimate.saturating_mul(THROUGH_INDEX),
            Path::Nearest(_) => return None,
        };
        if scan.versions.is_some() || scan.key || moves || key.descending || key.nulls_first {
            return None;
        }
        let (symbol, subject, query) = distance(&key.expr)?;
        // An index made since serves the past as well, if it reads the same columns of it.
        let now = self.catalog.table_by_id(scan.table.id)?;
        let rules = self.tables.rules(self.catalog, now).ok()?;
        let conditions = access::conditions(&scan.conditions, &scan.reads);
        let subject = Subject::of(subject, &scan.reads)?;
        let is_wanted = |rules: &&Arc<IndexRules>| {
            let def = &rules.def;
            let by = def.nearest.as_ref().is_some_and(|n| n.is_by(symbol));
            let mut columns = def.columns();
            let keys = Subject::of_index(rules);
            // Rows that the index's condition leaves out must not be wanted.
            let whole = rules.predicate().is_none_or(|predicate| {
                implied(predicate, &scan.conditions, &conditions, &scan.reads).is_some()
            });
            by && whole
                && keys.first().is_some_and(|(key, _)| *key == subject)
                && columns.all(|id| now.position(id) == scan.table.position(id))
        };
        // The index of the fewest rows that has all that are wanted.
        let partial = |rules: &&Arc<IndexRules>| rules.predicate().is_none();
        let index = rules.nearest.iter().filter(is_wanted).min_by_key(partial)?;
        let count = |expr: &Option<Expr>| match expr.as_ref().map(Expr::as_literal) {
            None => 0,
            Some(Some(Value::Int8(count))) => u64::try_from(*count).unwrap_or(0),
            Some(_) => WANTED,
        };
        let wanted = count(&limit.limit).saturating_add(count(&limit.offset));
        // Conditions leave one row in so many: that many are looked at for each.
        let looked = wanted.saturating_mul(scan.total) / scan.estimate.max(1);
        let cost = looked.saturating_add(BREADTH).saturating_mul(CANDIDATE);
        if cost >= read {
            return None;
        }
        let mut near = scan.clone();
        // What the other path assures has to be asked here.
        near.filters.clone_from(&scan.conditions);
        near.filtered = access::filtered(&near.filters);
        near.unsettled = near.filters.iter().any(has_steady_part);
        near.estimate = near.estimate.min(wanted.max(1));
        near.path = Path::Nearest(Arc::new(NearestPath {
            index: Arc::clone(&index.def),
            tally: self.tables.index_searches_tally(index.def.id),
            otherwise: Arc::new(scan.clone()),
            read,
            looked: looked.saturating_add(BREADTH),
            order: key.expr.clone(),
            query: query.clone(),
            limit: limit.limit.clone(),
            offset: limit.offset.clone(),
            spared: None,
        }));
        Some(Node::Scan(Arc::new(near)))
    }
}

/// A projection of the nearest rows whose vectors it does not read, without their sort: the index knows the order. `None`
/// if `input` is no limit of such rows.
pub(super) fn without_sort(input: &Node, exprs: &[Expr]) -> Option<Node> {
    let Node::Limit(limit) = input else {
        return None;
    };
    let (Node::Sort(sort), []) = (&limit.input, limit.ties.as_slice()) else {
        return None;
    };
    let mut exprs = exprs.to_vec();
    let mut below = &sort.input;
    // What lies between does no more than choose columns, as far as it is wanted.
    while let Node::Project(project) = below {
        let mut used = exprs.iter().flat_map(Expr::used_columns);
        let chosen = |at| matches!(project.exprs.get(at), Some(Expr::Column { .. }));
        if !used.all(chosen) {
            return None;
        }
        let replaced = exprs.into_iter().map(|e| e.replace_columns(&project.exprs));
        exprs = replaced.collect();
        below = &project.input;
    }
    let Node::Scan(scan) = below else { return None };
    let Path::Nearest(path) = &scan.path else {
        return None;
    };
    let mut ordered_by = path.order.used_columns().into_iter();
    let (Some(vector), None) = (ordered_by.next(), ordered_by.next()) else {
        return None;
    };
    let reads_vector = |expr: &Expr| expr.used_columns().contains(&vector);
    if exprs.iter().any(reads_vector)
        || !scan.filters.is_empty()
        || path.order.ty() != &DataType::Float8
    {
        return None;
    }
    let mut scan = ScanNode::clone(scan);
    scan.path = Path::Nearest(Arc::new(NearestPath {
        spared: Some(vector),
        ..NearestPath::clone(path)
    }));
    let limit = LimitNode {
        input: Node::Scan(Arc::new(scan)),
        limit: limit.limit.clone(),
        offset: limit.offset.clone(),
        ties: Vec::new(),
    };
    Some(ProjectNode::over(Node::Limit(Arc::new(limit)), exprs))
}

/// The operator of a distance, what of the row it is of, and what is the same for all rows.
fn distance(expr: &Expr) -> Option<(&'static str, &Expr, &Expr)> {
    let Expr::Call { function, args, .. } = expr else {
        return None;
    };
    let symbol = match function.name() {
        "<~>" | "hamming_distance" => "<~>",
        "<%>" | "jaccard_distance" => "<%>",
        name => {
            let measure = Measure::named(name).filter(|measure| measure.is_distance())?;
            measure.distance.symbol()
        }
    };
    let [left, right] = args.as_slice() else {
        return None;
    };
    let (subject, query) = match right.used_columns().is_empty() {
        true => (left, right),
        false => (right, left),
    };
    is_steady(query).then_some((symbol, subject, query))
}

/// Whether a query is the same for all rows: `(SELECT v FROM t WHERE id = 1)` is computed once.
fn is_steady(query: &Expr) -> bool {
    let changes = |part: &Expr| match part {
        Expr::Subplan { kind, args, .. } => {
            !matches!(kind, SubplanKind::Scalar) || !args.is_empty()
        }
        Expr::Call { function, .. } => function.volatility() == Volatility::Volatile,
        Expr::Cast(cast) => cast.volatility() == Volatility::Volatile,
        _ => false,
    };
    query.used_columns().is_empty() && !query.any(&mut |part| changes(part))
}
