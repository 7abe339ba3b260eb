//! What a node's columns are made of: `Output` of `EXPLAIN (VERBOSE)`.

use helios_expr::Expr;

use crate::plan::TableFunctionCall;
use crate::row::node::Node;

/// The columns of a node's rows, each as an expression over what is stored; `None` if that cannot be
/// told of all.
pub(super) fn output(node: &Node) -> Option<Vec<String>> {
    match node {
        Node::OneRow => Some(Vec::new()),
        Node::Scan(scan) if !scan.key && scan.versions.is_none() => scan
            .reads
            .iter()
            .map(|position| {
                let column = scan.table.columns.get(*position)?;
                let table = crate::parse::quote_ident(&scan.alias);
                Some(format!(
                    "{table}.{}",
                    crate::parse::quote_ident(&column.name)
                ))
            })
            .collect(),
        Node::Filter(node) => output(&node.input),
        Node::Sort(node) => output(&node.input),
        Node::Limit(node) => output(&node.input),
        Node::Distinct(node) => output(&node.input),
        Node::LockRows(node) => output(&node.input),
        Node::With(node) => output(&node.input),
        Node::SetOp(node) => output(&node.left),
        Node::Project(node) => {
            let below = output(&node.input)?;
            Some(shown(&node.exprs, &below))
        }
        Node::NestedLoop(node) => beside(&node.left, &node.right),
        Node::HashJoin(node) => beside(&node.left, &node.right),
        Node::ProjectSet(node) => {
            let mut columns = output(&node.input)?;
            let calls: Vec<String> = node
                .calls
                .iter()
                .map(|call| (call.columns.len() == 1).then(|| set_call(call, &columns)))
                .collect::<Option<_>>()?;
            columns.extend(calls);
            Some(columns)
        }
        Node::Aggregate(node) if node.groupings.is_empty() => {
            let below = output(&node.input)?;
            let mut columns = shown(&node.groups, &below);
            for call in &node.calls {
                if !call.order_by.is_empty() || call.filter.is_some() {
                    return None;
                }
                let distinct = if call.distinct { "DISTINCT " } else { "" };
                let args = match call.args.as_slice() {
                    [] => "*".to_owned(),
                    args => shown(args, &below).join(", "),
                };
                columns.push(format!("{}({distinct}{args})", call.function.name()));
            }
            Some(columns)
        }
        Node::Window(node) => {
            let mut columns = output(&node.input)?;
            let calls: Vec<String> = node
                .calls
                .iter()
                .map(|call| {
                    let args = shown(&call.args, &columns).join(", ");
                    format!("{}({args}) OVER (?)", call.function.name())
                })
                .collect();
            columns.extend(calls);
            Some(columns)
        }
        _ => None,
    }
}

fn beside(left: &Node, right: &Node) -> Option<Vec<String>> {
    let mut columns = output(left)?;
    columns.extend(output(right)?);
    Some(columns)
}

fn shown(exprs: &[Expr], columns: &[String]) -> Vec<String> {
    let name = |at: usize| columns.get(at).cloned();
    let exprs = exprs.iter();
    exprs.map(|expr| expr.display(&name).to_string()).collect()
}

fn set_call(call: &TableFunctionCall, columns: &[String]) -> String {
    let args = shown(&call.args, columns).join(", ");
    let name = call.function.map_or("", |function| function.name());
    format!("{name}({args})")
}
