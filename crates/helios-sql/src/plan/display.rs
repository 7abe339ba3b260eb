//! Plans as text: one node a line, inputs indented below, columns by name.
//!
//! The form is for tests and for people who look into the binder; EXPLAIN is the executors' matter.

use std::fmt::{self, Display, Write};

use helios_expr::Expr;

use super::{
    AggregateCall, Frame, FrameBound, FrameExclude, FrameUnit, JoinKind, Plan, PlanColumn, Scan,
    SetOpKind, SortKey, TableFunctionCall, WindowNode,
};

impl Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer { f }.plan(self, 0)
    }
}

struct Printer<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
}

/// An expression over `columns`; a name that several have comes with its position.
fn show(expr: &Expr, columns: &[PlanColumn]) -> String {
    let name = |index: usize| {
        let name = &columns.get(index)?.name;
        let twins = columns.iter().filter(|column| column.name == *name).count();
        Some(if twins > 1 {
            format!("{name}#{index}")
        } else {
            name.to_string()
        })
    };
    expr.display(&name).to_string()
}

fn list<'e>(exprs: impl IntoIterator<Item = &'e Expr>, columns: &[PlanColumn]) -> String {
    let shown: Vec<String> = exprs.into_iter().map(|expr| show(expr, columns)).collect();
    shown.join(", ")
}

fn keys(keys: &[SortKey], columns: &[PlanColumn]) -> String {
    let shown: Vec<String> = keys
        .iter()
        .map(|key| {
            let mut text = show(&key.expr, columns);
            if key.descending {
                text.push_str(" desc");
            }
            if key.nulls_first != key.descending {
                text.push_str(if key.nulls_first {
                    " nulls first"
                } else {
                    " nulls last"
                });
            }
            text
        })
        .collect();
    shown.join(", ")
}

fn names(columns: &[PlanColumn]) -> String {
    let shown: Vec<&str> = columns.iter().map(|column| column.name.as_ref()).collect();
    shown.join(", ")
}

impl Printer<'_, '_> {
    fn line(&mut self, depth: usize, text: impl Display) -> fmt::Result {
        if depth > 0 {
            self.f.write_char('\n')?;
        }
        write!(self.f, "{:width$}{text}", "", width = depth * 2)
    }

    fn node(&mut self, depth: usize, text: impl Display, inputs: &[&Plan]) -> fmt::Result {
        self.line(depth, text)?;
        inputs
            .iter()
            .try_for_each(|input| self.plan(input, depth + 1))
    }

    fn plan(&mut self, plan: &Plan, depth: usize) -> fmt::Result {
        match plan {
            Plan::Empty(columns) => self.line(depth, format_args!("empty [{}]", names(columns))),
            Plan::OneRow => self.line(depth, "one row"),
            Plan::Scan(scan) => self.line(depth, scan_text(scan)),
            Plan::Values(values) => {
                let rows: Vec<String> = values
                    .rows
                    .iter()
                    .map(|row| format!("({})", list(row, &[])))
                    .collect();
                self.line(depth, format_args!("values {}", rows.join(", ")))
            }
            Plan::Filter(node) => {
                let predicate = show(&node.predicate, node.input.columns());
                self.node(depth, format_args!("filter {predicate}"), &[&node.input])
            }
            Plan::Project(node) => {
                let input = node.input.columns();
                let items: Vec<String> = node
                    .exprs
                    .iter()
                    .zip(&node.columns)
                    .map(|(expr, column)| {
                        let text = show(expr, input);
                        if text == *column.name {
                            text
                        } else {
                            format!("{text} as {}", column.name)
                        }
                    })
                    .collect();
                self.node(
                    depth,
                    format_args!("project {}", items.join(", ")),
                    &[&node.input],
                )
            }
            Plan::ProjectSet(node) => {
                let calls = functions(&node.calls, node.input.columns());
                self.node(depth, format_args!("project set {calls}"), &[&node.input])
            }
            Plan::Join(node) => {
                let kind = match node.kind {
                    JoinKind::Inner => "inner",
                    JoinKind::Left => "left",
                    JoinKind::Right => "right",
                    JoinKind::Full => "full",
                };
                let mut text = format!("{kind} join");
                if let Some(frame) = &node.lateral {
                    let _ = write!(text, " lateral ({})", list(frame, node.left.columns()));
                }
                if !node.on.is_empty() {
                    let on: Vec<String> = node
                        .on
                        .iter()
                        .map(|term| show(term, &node.columns))
                        .collect();
                    let _ = write!(text, " on {}", on.join(" and "));
                }
                self.node(depth, text, &[&node.left, &node.right])
            }
            Plan::Aggregate(node) => {
                let input = node.input.columns();
                let mut text = "aggregate".to_owned();
                if !node.groups.is_empty() {
                    let _ = write!(text, " by {}", list(&node.groups, input));
                }
                let all: Vec<usize> = (0..node.groups.len()).collect();
                if node.sets.as_slice() != [all] {
                    let _ = write!(text, " sets {:?}", node.sets);
                }
                let calls: Vec<String> = node
                    .calls
                    .iter()
                    .map(|call| aggregate(call, input))
                    .collect();
                if !calls.is_empty() {
                    let _ = write!(text, ": {}", calls.join(", "));
                }
                for grouping in &node.groupings {
                    let _ = write!(text, ", grouping{grouping:?}");
                }
                self.node(depth, text, &[&node.input])
            }
            Plan::Window(node) => self.node(depth, window(node), &[&node.input]),
            Plan::Sort(node) => {
                let keys = keys(&node.keys, node.input.columns());
                self.node(depth, format_args!("sort {keys}"), &[&node.input])
            }
            Plan::Limit(node) => {
                let mut text = "limit".to_owned();
                if let Some(limit) = &node.limit {
                    let _ = write!(text, " {limit}");
                }
                if let Some(offset) = &node.offset {
                    let _ = write!(text, " offset {offset}");
                }
                if !node.ties.is_empty() {
                    let _ = write!(text, " ties {}", keys(&node.ties, node.input.columns()));
                }
                self.node(depth, text, &[&node.input])
            }
            Plan::Distinct(node) => {
                let on = list(&node.on, node.input.columns());
                let text = if on.is_empty() {
                    "distinct".to_owned()
                } else {
                    format!("distinct on {on}")
                };
                self.node(depth, text, &[&node.input])
            }
            Plan::SetOp(node) => {
                let kind = match node.kind {
                    SetOpKind::Union => "union",
                    SetOpKind::Intersect => "intersect",
                    SetOpKind::Except => "except",
                };
                let all = if node.all { " all" } else { "" };
                self.node(
                    depth,
                    format_args!("{kind}{all} [{}]", names(&node.columns)),
                    &[&node.left, &node.right],
                )
            }
            Plan::With { ctes, input } => {
                self.line(depth, "with")?;
                for cte in ctes {
                    self.line(depth + 1, format_args!("cte {}:", cte.name))?;
                    self.plan(&cte.plan, depth + 2)?;
                }
                self.plan(input, depth + 1)
            }
            Plan::CteRef { name, columns, .. } => {
                self.line(depth, format_args!("cte scan {name} [{}]", names(columns)))
            }
            Plan::WorkTable { name, columns, .. } => self.line(
                depth,
                format_args!("work table {name} [{}]", names(columns)),
            ),
            Plan::Recursive(node) => {
                let all = if node.all { " all" } else { "" };
                self.node(
                    depth,
                    format_args!("recursive union{all} {}", node.name),
                    &[&node.anchor, &node.step],
                )
            }
            Plan::FileScan(node) => self.line(
                depth,
                format_args!("files {:?} [{}]", node.path(), names(&node.columns)),
            ),
            Plan::TableFunction(node) => {
                let ordinality = if node.ordinality {
                    " with ordinality"
                } else {
                    ""
                };
                let calls = functions(&node.calls, &[]);
                self.line(
                    depth,
                    format_args!("function {calls}{ordinality} [{}]", names(&node.columns)),
                )
            }
            Plan::Change(node) => self.node(
                depth,
                format_args!("change [{}]", names(&node.columns)),
                &[node.change.input()],
            ),
            Plan::LockRows(node) => {
                let locks: Vec<String> = node
                    .locks
                    .iter()
                    .map(|lock| format!("{} {:?}", lock.table.name, lock.mode))
                    .collect();
                self.node(
                    depth,
                    format_args!("lock {}", locks.join(", ")),
                    &[&node.input],
                )
            }
        }
    }
}

fn scan_text(scan: &Scan) -> String {
    let mut text = format!("scan {}", scan.table.name);
    if scan.alias != scan.table.name {
        let _ = write!(text, " {}", scan.alias);
    }
    if let Some(at) = &scan.at {
        let _ = write!(text, " {at}");
    }
    if let Some(versions) = &scan.versions {
        let _ = write!(text, " {versions}");
    }
    let _ = write!(text, " [{}]", names(&scan.columns));
    if !scan.filters.is_empty() {
        let filters: Vec<String> = scan
            .filters
            .iter()
            .map(|term| show(term, &scan.columns))
            .collect();
        let _ = write!(text, " where {}", filters.join(" and "));
    }
    text
}

fn aggregate(call: &AggregateCall, input: &[PlanColumn]) -> String {
    let distinct = if call.distinct { "distinct " } else { "" };
    let mut text = format!(
        "{}({distinct}{}",
        call.function.name(),
        list(&call.args, input)
    );
    let order = keys(&call.order_by, input);
    if call.within_group {
        let _ = write!(text, ") within group ({order})");
    } else if order.is_empty() {
        text.push(')');
    } else {
        let _ = write!(text, " order by {order})");
    }
    if let Some(filter) = &call.filter {
        let _ = write!(text, " filter ({})", show(filter, input));
    }
    text
}

fn functions(calls: &[TableFunctionCall], input: &[PlanColumn]) -> String {
    let shown: Vec<String> = calls
        .iter()
        .map(|call| match call.function {
            Some(function) => format!("{}({})", function.name(), list(&call.args, input)),
            None => match call.system {
                Some(system) => format!("{}({})", system.name, list(&call.args, input)),
                None => list(&call.args, input),
            },
        })
        .collect();
    shown.join(", ")
}

fn window(node: &WindowNode) -> String {
    let input = node.input.columns();
    let calls: Vec<String> = node
        .calls
        .iter()
        .map(|call| {
            let mut text = format!("{}({})", call.function.name(), list(&call.args, input));
            if let Some(filter) = &call.filter {
                let _ = write!(text, " filter ({})", show(filter, input));
            }
            text.push_str(&frame(&call.frame));
            text
        })
        .collect();
    let mut text = format!("window {}", calls.join(", "));
    if !node.partition_by.is_empty() {
        let _ = write!(text, " partition by {}", list(&node.partition_by, input));
    }
    if !node.order_by.is_empty() {
        let _ = write!(text, " order by {}", keys(&node.order_by, input));
    }
    text
}

/// The frame, unless it is the default.
fn frame(frame: &Frame) -> String {
    let bound = |bound: &FrameBound| match bound {
        FrameBound::UnboundedPreceding => "start".to_owned(),
        FrameBound::Preceding(offset) => format!("-{offset}"),
        FrameBound::CurrentRow => "current".to_owned(),
        FrameBound::Following(offset) => format!("+{offset}"),
        FrameBound::UnboundedFollowing => "end".to_owned(),
    };
    let default = frame.unit == FrameUnit::Range
        && frame.exclude == FrameExclude::NoOthers
        && matches!(frame.start, FrameBound::UnboundedPreceding)
        && matches!(frame.end, FrameBound::CurrentRow);
    if default {
        return String::new();
    }
    let unit = match frame.unit {
        FrameUnit::Rows => "rows",
        FrameUnit::Range => "range",
        FrameUnit::Groups => "groups",
    };
    let exclude = match frame.exclude {
        FrameExclude::NoOthers => "",
        FrameExclude::CurrentRow => " exclude current",
        FrameExclude::Group => " exclude group",
        FrameExclude::Ties => " exclude ties",
    };
    format!(
        " {unit} {}..{}{exclude}",
        bound(&frame.start),
        bound(&frame.end)
    )
}
