//! A compiled statement as a tree of named nodes with their properties.

use std::sync::Arc;

use helios_expr::{Expr, SessionHooks};
use helios_table::Tables;
use helios_table::catalog::{IndexKey, KeySource, Method, TableDef};

use super::output::output;
use crate::plan::{JoinKind, SetOpKind, SortKey};
use crate::row::dml::Change;
use crate::row::measure::{Actual, Measures};
use crate::row::node::Node;
use crate::row::scan::{Path, Reach, ScanNode, Term};
use crate::row::wish::Wish;
use crate::session::{Code, Planned};

/// A node of the explained plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Description {
    /// Such as `Index Scan using t_a_idx on t`.
    pub(crate) name: String,
    /// Name and value, in the order they are shown.
    pub(crate) properties: Vec<(&'static str, String)>,
    /// The kind of node alone, if the name says more.
    pub(crate) kind: Option<&'static str>,
    /// What programs read and people see in the name: relations, joins, the place among inputs.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What its columns are made of, if that can be told.
    pub(crate) output: Option<Vec<String>>,
    /// How many rows it is thought to yield.
    pub(crate) estimate: Option<u64>,
    /// What it did, after a run.
    pub(crate) actual: Option<Actual>,
    /// The inputs.
    pub(crate) inputs: Vec<Description>,
}

/// What there is to tell about the nodes of a plan.
#[derive(Clone, Copy)]
struct Teller<'a> {
    measures: Option<&'a Measures>,
    near: &'a Near<'a>,
}

/// Where what there is to tell about indexes of nearness is known.
pub(crate) struct Near<'a> {
    pub(crate) tables: &'a Tables,
    pub(crate) session: &'a dyn SessionHooks,
}

impl Description {
    /// Describes a planned statement, and what its operators did if it was run.
    pub(crate) fn new(planned: &Planned, measures: Option<&Measures>, near: &Near<'_>) -> Self {
        let teller = Teller { measures, near };
        let (mut root, executor) = match &planned.code {
            Code::Query(query) => {
                let executor = match &query.point {
                    Some(_) => "row (point lookup)",
                    None => "row",
                };
                (teller.of(&query.program.root), executor)
            }
            Code::Insert(insert, _) => (
                teller.write("Insert", &insert.table, insert.source()),
                "row",
            ),
            Code::Update(update, _) => {
                (teller.write("Update", &update.table, &update.input), "row")
            }
            Code::Delete(delete, _) => {
                (teller.write("Delete", &delete.table, &delete.input), "row")
            }
            Code::Merge(merge, _) => (teller.write("Merge", &merge.table, &merge.input), "row"),
            Code::Other => (Self::named("Utility Statement"), "none"),
        };
        for (at, subplan) in planned.subplans().iter().enumerate() {
            let mut inner = teller.of(&subplan.node);
            inner.name = format!("SubPlan {at}: {}", inner.name);
            inner = inner
                .fact("Parent Relationship", "SubPlan")
                .fact("Subplan Name", format!("SubPlan {at}"));
            root.inputs.push(inner);
        }
        root.properties.push(("Executor", executor.to_owned()));
        root
    }

    /// Describes a plan of the vectorized executor from its text, an operator per line, each input
    /// indented by two blanks more than its operator.
    pub(crate) fn of_vectors(text: &str, actual: &[Actual]) -> Self {
        let mut lines = text
            .lines()
            .map(|line| {
                let name = line.trim_start();
                (line.len() - name.len(), name)
            })
            .filter(|(_, name)| !name.is_empty())
            .enumerate()
            .map(|(at, (depth, name))| {
                let named = Self {
                    actual: actual.get(at).copied(),
                    ..Self::named(name)
                };
                (depth, named)
            })
            .peekable();
        let mut root = match lines.next() {
            Some((depth, node)) => node.indented(depth, &mut lines),
            None => Self::default(),
        };
        root.properties.push(("Executor", "vector".to_owned()));
        root
    }

    fn indented(
        mut self,
        depth: usize,
        lines: &mut std::iter::Peekable<impl Iterator<Item = (usize, Self)>>,
    ) -> Self {
        while let Some((_, node)) = lines.next_if(|(inner, _)| *inner > depth) {
            // A line deeper than the next expected level is still an input.
            self.inputs.push(node.indented(depth + 2, lines));
        }
        self
    }

    fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// A node that programs know by another name.
    fn kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// The table that it is about.
    fn about(self, table: &TableDef, alias: &str) -> Self {
        self.fact("Relation Name", &*table.name)
            .fact("Schema", &*table.schema_name)
            .fact("Alias", alias)
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        if !value.is_empty() {
            self.properties.push((name, value));
        }
        self
    }
}

impl Teller<'_> {
    /// What a scan by nearness is thought to find, and what it did.
    fn nearest(self, scan: &Arc<ScanNode>, mut told: Description) -> Description {
        let Path::Nearest(path) = &scan.path else {
            return told;
        };
        match self.near.tables.nearest(&path.index) {
            None => told = told.with("Index", "not ready".to_owned()),
            Some(index) => {
                if let Some(codes) = index.codes() {
                    told = told.with("Codes", codes);
                }
                let known = index.calibration();
                let wish = Wish::of(&path.index, self.near.session);
                let looked = path.looked_for(index.len() as u64);
                if let Some((target, usual)) = wish.target().filter(|_| known.is_known()) {
                    let usual = if usual { " (default)" } else { "" };
                    told = told.with("Recall Target", format!("{target}{usual}"));
                }
                match wish.breadth(&known, looked) {
                    Some(breadth) => {
                        let setting = setting_of(&path.index.method);
                        told = told.with(setting, breadth.to_string());
                        if let Some(recall) = known.recall(breadth, looked) {
                            told = told.with("Recall Estimate", format!("{recall:.3}"));
                        }
                    }
                    None => told = told.with("Recall Estimate", "1 (all rows are read)".to_owned()),
                }
            }
        }
        if let Some(done) = self.measures.and_then(|measures| measures.sought(scan)) {
            for (name, count) in [
                ("Candidates", done.candidates),
                ("Rescored", done.rescored),
                ("Known by the Index", done.known),
                ("Rows Removed by Filter", done.removed),
                ("Changed Rows", done.changed),
                ("Searches by Reading Rows", done.otherwise),
            ] {
                if count > 0 || matches!(name, "Candidates" | "Rescored") {
                    told = told.with(name, count.to_string());
                }
            }
        }
        told
    }

    fn write(self, what: &str, table: &TableDef, input: &Node) -> Description {
        self.over(format!("{what} on {}", table.name), [input])
            .kind("ModifyTable")
            .fact("Operation", what)
            .about(table, &table.name)
    }

    fn over<'n>(
        self,
        name: impl Into<String>,
        inputs: impl IntoIterator<Item = &'n Node>,
    ) -> Description {
        let inputs = inputs.into_iter().enumerate().map(|(at, node)| {
            let place = if at == 0 { "Outer" } else { "Inner" };
            self.of(node).fact("Parent Relationship", place)
        });
        Description {
            inputs: inputs.collect(),
            ..Description::named(name)
        }
    }

    /// A join of two nodes.
    fn join(self, called: &str, kind: JoinKind, left: &Node, right: &Node) -> Description {
        let (word, ours) = match kind {
            JoinKind::Inner => ("Inner", called.to_owned()),
            JoinKind::Left => ("Left", format!("{called} Left")),
            JoinKind::Right => ("Right", format!("{called} Right")),
            JoinKind::Full => ("Full", format!("{called} Full")),
        };
        self.over(ours, [left, right]).fact("Join Type", word)
    }

    fn of(self, node: &Node) -> Description {
        let mut told = self.describe(node);
        // A projection is told as its input.
        if told.actual.is_none() {
            told.actual = self.measures.and_then(|measures| measures.actual(node));
        }
        // The outermost projection is what the node yields.
        told.output = output(node);
        told
    }

    fn describe(self, node: &Node) -> Description {
        match node {
            Node::Empty => Description::named("Empty"),
            Node::OneRow => Description::named("Result"),
            Node::Values(rows) => Description {
                estimate: Some(rows.len() as u64),
                ..Description::named("Values Scan")
            },
            Node::Scan(scan) => self.nearest(scan, describe_scan(scan)),
            Node::FileScan(scan) => Description {
                estimate: Some(scan.files.estimate()),
                ..Description::named(format!(
                    "File Scan on {} \"{}\"",
                    scan.files.format.name(),
                    scan.files.pattern
                ))
            },
            Node::Filter(node) => self
                .over("Filter", [&node.input])
                .with("Filter", node.predicate.to_string()),
            // A projection is no step worth a line.
            Node::Project(node) => self.of(&node.input),
            Node::ProjectSet(node) => self.over("ProjectSet", [&node.input]),
            Node::NestedLoop(node) => {
                let kind = if node.lateral.is_some() {
                    "Nested Loop"
                } else {
                    "Nested Loop (stored)"
                };
                self.join(kind, node.kind, &node.left, &node.right)
                    .kind("Nested Loop")
                    .with("Join Filter", list(&node.on))
            }
            Node::HashJoin(node) => {
                let keys = node.left_keys.iter().zip(&node.right_keys);
                let keys: Vec<String> = keys.map(|(l, r)| format!("{l} = {r}")).collect();
                self.join("Hash Join", node.kind, &node.left, &node.right)
                    .kind("Hash Join")
                    .with("Hash Cond", keys.join(" AND "))
                    .with("Join Filter", list(&node.residual))
            }
            Node::Aggregate(node) if node.groups.is_empty() => self
                .over("Aggregate", [&node.input])
                .fact("Strategy", "Plain"),
            Node::Aggregate(node) => self
                .over("HashAggregate", [&node.input])
                .kind("Aggregate")
                .fact("Strategy", "Hashed")
                .with("Group Key", list(&node.groups)),
            Node::Window(node) => self.over("WindowAgg", [&node.input]),
            Node::Sort(node) => self
                .over("Sort", [&node.input])
                .with("Sort Key", sort_keys(&node.keys, &node.input)),
            Node::Limit(node) => self.over("Limit", [&node.input]),
            Node::Distinct(node) => self.over("Unique", [&node.input]),
            Node::SetOp(node) => {
                let name = match (node.kind, node.all) {
                    (SetOpKind::Union, true) => "Append",
                    (SetOpKind::Union, false) => "HashUnion",
                    (SetOpKind::Intersect, _) => "HashSetOp Intersect",
                    (SetOpKind::Except, _) => "HashSetOp Except",
                };
                self.over(name, [&node.left, &node.right])
            }
            Node::With(node) => {
                let ctes = node.ctes.iter().map(|(_, cte)| cte);
                self.over("With", ctes.chain([&node.input]))
            }
            Node::CteRef(id) => Description::named(format!("CTE Scan on {}", id.0)),
            Node::Recursive(node) => self.over("Recursive Union", [&node.anchor, &node.step]),
            Node::WorkTable(_) => Description::named("WorkTable Scan"),
            Node::TableFunction(node) => {
                let names: Vec<&str> = node
                    .calls
                    .iter()
                    .map(|call| call.function.map_or("expression", |f| f.name()))
                    .collect();
                Description::named(format!("Function Scan on {}", names.join(", ")))
            }
            Node::Change(change) => {
                let what = match &**change {
                    Change::Insert(_) => "Insert",
                    Change::Update(_) => "Update",
                    Change::Delete(_) => "Delete",
                    Change::Merge(_) => "Merge",
                };
                self.write(what, change.table(), change.input())
            }
            Node::LockRows(node) => self.over("LockRows", [&node.input]),
        }
    }
}

/// What a method calls its effort.
fn setting_of(method: &str) -> &'static str {
    match Method::named(method) {
        Some(Method::Hnsw) => "Ef Search",
        _ => "Probes",
    }
}

fn list(exprs: &[Expr]) -> String {
    let shown: Vec<String> = exprs.iter().map(ToString::to_string).collect();
    shown.join(", ")
}

/// What a column of a node's rows is called, or made of, as far as that is easily told.
fn column_text(node: &Node, at: usize) -> Option<String> {
    match node {
        Node::Scan(scan) => {
            let position = scan.reads.get(at)?;
            let column = scan.table.columns.get(*position)?;
            Some(column.name.clone())
        }
        Node::Project(project) => {
            let inner = |at: usize| column_text(&project.input, at);
            Some(project.exprs.get(at)?.display(&inner).to_string())
        }
        Node::Filter(filter) => column_text(&filter.input, at),
        Node::Sort(sort) => column_text(&sort.input, at),
        Node::Limit(limit) => column_text(&limit.input, at),
        _ => None,
    }
}

fn sort_keys(keys: &[SortKey], input: &Node) -> String {
    let column = |at: usize| column_text(input, at);
    let shown: Vec<String> = keys
        .iter()
        .map(|key| {
            let order = if key.descending { " DESC" } else { "" };
            let nulls = match (key.nulls_first, key.descending) {
                (true, false) => " NULLS FIRST",
                (false, true) => " NULLS LAST",
                _ => "",
            };
            format!("{}{order}{nulls}", key.expr.display(&column))
        })
        .collect();
    shown.join(", ")
}

fn describe_scan(scan: &ScanNode) -> Description {
    let backward = if scan.reverse { " Backward" } else { "" };
    let on = if *scan.alias == *scan.table.name {
        scan.table.name.clone()
    } else {
        format!("{} {}", scan.table.name, scan.alias)
    };
    let columns = &scan.table.columns;
    let read = |index: usize| {
        let position = scan.reads.get(index)?;
        columns.get(*position).map(|column| column.name.clone())
    };
    let key_names = |positions: Vec<usize>| -> Vec<String> {
        positions
            .into_iter()
            .map(|at| columns.get(at).map_or_else(String::new, |c| c.name.clone()))
            .collect()
    };
    let mut near = None;
    let mut called = None;
    let (name, kind, condition) = match &scan.path {
        Path::Full => (
            format!("Seq Scan{backward} on {on}"),
            "Seq Scan",
            String::new(),
        ),
        Path::Key(reach) => {
            let key = scan.table.shape().key_columns().iter().map(|(at, _)| *at);
            let names = key_names(key.collect());
            let kind = if reach.as_point().is_some() {
                "Key Lookup"
            } else {
                "Key Range Scan"
            };
            (
                format!("{kind}{backward} on {on}"),
                kind,
                reach_text(reach, &names),
            )
        }
        Path::Nearest(path) => {
            let order = path.order.display(&read).to_string();
            near = Some(order);
            called = Some(path.index.name.clone());
            (
                format!("Index Scan using {} on {on}", path.index.name),
                "Index Scan",
                String::new(),
            )
        }
        Path::Index(at, reach) => {
            let index = scan.rules.indexes.get(*at);
            let names = index.map_or_else(Vec::new, |index| {
                let name = |key: &IndexKey| match &key.source {
                    KeySource::Column(id) => {
                        let found = scan.table.column_by_id(*id);
                        found.map_or_else(String::new, |(_, column)| column.name.clone())
                    }
                    KeySource::Expression { expr, .. } => expr.sql.clone(),
                };
                index.def.keys.iter().map(name).collect()
            });
            let using = index.map_or("?", |index| &index.def.name);
            called = Some(using.to_owned());
            (
                format!("Index Scan{backward} using {using} on {on}"),
                "Index Scan",
                reach_text(reach, &names),
            )
        }
    };
    let filter: Vec<String> = scan
        .filters
        .iter()
        .map(|filter| filter.display(&read).to_string())
        .collect();
    let mut shown = Description {
        estimate: Some(scan.estimate),
        ..Description::named(name)
    }
    .kind(kind)
    .about(&scan.table, &scan.alias);
    if let Some(index) = called {
        shown = shown.fact("Index Name", index);
    }
    if !matches!(scan.path, Path::Full) {
        let direction = if scan.reverse { "Backward" } else { "Forward" };
        shown = shown.fact("Scan Direction", direction);
    }
    for (name, value) in [
        ("Index Cond", condition),
        ("Order By", near.unwrap_or_default()),
        ("Filter", filter.join(" AND ")),
    ] {
        shown = shown.with(name, value);
    }
    shown
}

fn reach_text(reach: &Reach, names: &[String]) -> String {
    let name = |at: usize| names.get(at).map_or("?", String::as_str);
    let mut parts: Vec<String> = reach
        .equal
        .iter()
        .enumerate()
        .map(|(at, term)| match term {
            Term::One(expr) => format!("{} = {expr}", name(at)),
            Term::Any(values) => format!("{} IN ({})", name(at), list(values)),
            Term::Array(expr) => format!("{} = ANY ({expr})", name(at)),
            Term::Null => format!("{} IS NULL", name(at)),
        })
        .collect();
    let ranged = name(reach.equal.len());
    for (limit, open, closed) in [(&reach.lower, ">", ">="), (&reach.upper, "<", "<=")] {
        if let Some(limit) = limit {
            let sign = if limit.inclusive { closed } else { open };
            parts.push(format!("{ranged} {sign} {}", limit.expr));
        }
    }
    parts.join(" AND ")
}
