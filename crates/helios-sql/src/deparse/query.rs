//! Queries: clauses, set operations, `WITH`.

use helios_base::DataType;

use super::node::{Form, Node};
use super::{Level, Writer};
use crate::bind::notes::NamedColumn;
use crate::parse::ast::{
    self, Cte, CteBody, Distinct, ExprKind, GroupItem, Query, QueryBody, Select, SelectItem,
};
use crate::parse::quote_ident;
use crate::plan::{LockMode, LockWait, SetOpKind};

/// How the columns of a query are called, and converted.
#[derive(Clone, Copy, Default)]
pub(super) struct Output<'q> {
    /// Names that the query's columns have from outside.
    pub(super) names: Option<&'q [String]>,
    /// Nobody sees the names.
    pub(super) hidden: bool,
    /// The types that undecided literals take.
    pub(super) types: Option<&'q [DataType]>,
}

impl<'a> Writer<'a> {
    /// A query inside something, indented as that is.
    pub(super) fn subquery(&mut self, query: &'a Query, visible: bool) -> Option<()> {
        let qualify = std::mem::replace(&mut self.qualify, true);
        let output = Output {
            hidden: !visible,
            ..Output::default()
        };
        let result = self.query(query, output);
        self.qualify = qualify;
        result
    }

    /// A query with all that can stand around it.
    pub(super) fn query(&mut self, query: &'a Query, output: Output<'_>) -> Option<()> {
        let indent = self.indent;
        let level = match &query.body {
            QueryBody::Select(select) => self.level(&select.from),
            QueryBody::SetOp { .. } | QueryBody::Values(_) => Level::default(),
        };
        self.levels.push(level);
        let result = self.query_here(query, output);
        self.levels.pop();
        self.indent = indent;
        result
    }

    fn query_here(&mut self, query: &'a Query, output: Output<'_>) -> Option<()> {
        if let Some(with) = &query.with {
            self.with(with)?;
        }
        let mut by_number: Option<Vec<String>> = None;
        match &query.body {
            QueryBody::Select(select) => {
                self.indent += 8;
                self.out.push(' ');
                self.select(select, output)?;
            }
            QueryBody::Values(rows) => {
                self.indent += 8;
                self.out.push(' ');
                self.rows(rows)?;
            }
            QueryBody::SetOp { pos, .. } => {
                let types = self.notes.types(*pos);
                let output = Output { types, ..output };
                self.set_op(&query.body, output)?;
                by_number = Some(self.output_names(query, output.names));
                // Clauses after a set operation stand as those of its queries do.
                self.indent += 8;
            }
        }
        if !query.order_by.is_empty() {
            self.clause(" ORDER BY ", 1);
            match by_number {
                Some(names) => self.order_by_number(&query.order_by, &names)?,
                None => {
                    let items = match &query.body {
                        QueryBody::Select(select) => select.items.as_slice(),
                        _ => &[],
                    };
                    self.order_by(&query.order_by, items)?;
                }
            }
        }
        if let Some(offset) = &query.offset {
            self.clause(" OFFSET ", 0);
            self.count(offset)?;
        }
        if let Some(limit) = &query.limit {
            if query.with_ties {
                self.clause(" FETCH FIRST (", 0);
                self.count(limit)?;
                self.out.push_str(") ROWS WITH TIES");
            } else {
                self.clause(" LIMIT ", 0);
                self.count(limit)?;
            }
        }
        for lock in &query.locks {
            self.lock(lock);
        }
        Some(())
    }

    fn count(&mut self, expr: &'a ast::Expr) -> Option<()> {
        let node = self.value(expr, Some(&DataType::Int8))?;
        self.node(&node, false)
    }

    fn lock(&mut self, lock: &ast::Lock) {
        let mode = match lock.mode {
            LockMode::Update => " FOR UPDATE",
            LockMode::NoKeyUpdate => " FOR NO KEY UPDATE",
            LockMode::Share => " FOR SHARE",
            LockMode::KeyShare => " FOR KEY SHARE",
        };
        let wait = match lock.wait {
            LockWait::Block => "",
            LockWait::NoWait => " NOWAIT",
            LockWait::SkipLocked => " SKIP LOCKED",
        };
        let all = self.levels.last().map(|level| level.names.clone());
        let tables: Vec<String> = if lock.of.is_empty() {
            all.unwrap_or_default()
                .into_iter()
                .map(|(_, shown)| shown)
                .collect()
        } else {
            let of = lock.of.iter();
            of.map(|name| self.shown_name(&name.name)).collect()
        };
        for table in tables {
            self.clause(mode, 0);
            self.out
                .push_str(&format!(" OF {}{wait}", quote_ident(&table)));
        }
    }

    fn with(&mut self, with: &'a ast::With) -> Option<()> {
        self.indent += 8;
        self.out.push(' ');
        self.out.push_str(if with.recursive {
            "WITH RECURSIVE "
        } else {
            "WITH "
        });
        for (index, cte) in with.ctes.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.cte(cte)?;
        }
        self.line("", -8, 0, 0);
        Some(())
    }

    fn cte(&mut self, cte: &'a Cte) -> Option<()> {
        let CteBody::Query(query) = &cte.body else {
            return None;
        };
        self.out.push_str(&quote_ident(&cte.name.name));
        if !cte.columns.is_empty() {
            let names: Vec<_> = cte
                .columns
                .iter()
                .map(|name| quote_ident(&name.name))
                .collect();
            self.out.push_str(&format!("({})", names.join(", ")));
        }
        self.out.push_str(match cte.materialized {
            None => " AS (",
            Some(true) => " AS MATERIALIZED (",
            Some(false) => " AS NOT MATERIALIZED (",
        });
        self.line("", 0, 0, 0);
        self.subquery(query, true)?;
        self.line("", 0, 0, 0);
        self.out.push(')');
        self.search_and_cycle(cte)
    }

    /// One side of a set operation, or all of it.
    fn set_op(&mut self, body: &'a QueryBody, output: Output<'_>) -> Option<()> {
        let QueryBody::SetOp {
            kind,
            all,
            left,
            right,
            ..
        } = body
        else {
            return None;
        };
        let same = matches!(&left.body, QueryBody::SetOp { kind: inner, all: every, .. }
            if inner == kind && every == all);
        let enclosed = is_set_op(left) && !same;
        if enclosed {
            self.out.push('(');
            self.line("", 8, 0, 0);
        }
        self.side(left, output)?;
        if enclosed {
            self.line(") ", -8, 0, 0);
        } else {
            self.line("", 0, 0, 0);
        }
        self.out.push_str(match kind {
            SetOpKind::Union => "UNION ",
            SetOpKind::Intersect => "INTERSECT ",
            SetOpKind::Except => "EXCEPT ",
        });
        if *all {
            self.out.push_str("ALL ");
        }
        let enclosed = is_set_op(right);
        let step = if enclosed { 8 } else { 0 };
        if enclosed {
            self.out.push('(');
        }
        self.line("", step, 0, 0);
        let hidden = Output {
            hidden: true,
            ..output
        };
        self.side(right, hidden)?;
        self.indent -= step;
        if enclosed {
            self.line(")", 0, 0, 0);
        }
        Some(())
    }

    fn side(&mut self, query: &'a Query, output: Output<'_>) -> Option<()> {
        if is_set_op(query) {
            return self.set_op(&query.body, output);
        }
        let enclosed = !is_bare(query);
        if enclosed {
            self.out.push('(');
        }
        let qualify = std::mem::replace(&mut self.qualify, true);
        self.query(query, output)?;
        self.qualify = qualify;
        if enclosed {
            self.out.push(')');
        }
        Some(())
    }

    fn rows(&mut self, rows: &'a [Vec<ast::Expr>]) -> Option<()> {
        let first = rows.first().and_then(|row| row.first());
        let types = first.and_then(|first| self.notes.types(first.pos));
        self.out.push_str("VALUES ");
        for (index, row) in rows.iter().enumerate() {
            self.out.push_str(if index > 0 { ", (" } else { "(" });
            for (column, value) in row.iter().enumerate() {
                if column > 0 {
                    self.out.push(',');
                }
                let to = types.and_then(|types| types.get(column));
                let node = self.value(value, to)?;
                self.node(&node, false)?;
            }
            self.out.push(')');
        }
        Some(())
    }

    fn select(&mut self, select: &'a Select, output: Output<'_>) -> Option<()> {
        if select.into.is_some() {
            return None;
        }
        self.out.push_str("SELECT");
        match &select.distinct {
            None => {}
            Some(Distinct::Rows) => self.out.push_str(" DISTINCT"),
            Some(Distinct::On(exprs)) => {
                self.out.push_str(" DISTINCT ON (");
                for (index, expr) in exprs.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.key_or_output(expr, &select.items)?;
                }
                self.out.push(')');
            }
        }
        self.items(&select.items, output)?;
        self.from(&select.from)?;
        if let Some(filter) = &select.filter {
            self.clause(" WHERE ", 1);
            let node = self.value(filter, Some(&DataType::Bool))?;
            self.node(&node, false)?;
        }
        if !select.group_by.is_empty() {
            self.clause(" GROUP BY ", 1);
            if select.group_distinct {
                self.out.push_str("DISTINCT ");
            }
            for (index, item) in select.group_by.iter().enumerate() {
                if index > 0 {
                    self.out.push_str(", ");
                }
                self.group(item, &select.items, false)?;
            }
        }
        if let Some(having) = &select.having {
            self.clause(" HAVING ", 0);
            let node = self.value(having, Some(&DataType::Bool))?;
            self.node(&node, false)?;
        }
        for (index, (name, spec)) in select.windows.iter().enumerate() {
            if index == 0 {
                self.clause(" WINDOW ", 1);
            } else {
                self.out.push_str(", ");
            }
            self.out
                .push_str(&format!("{} AS ", quote_ident(&name.name)));
            let node = Node::Form(Form::Function, self.window(spec)?);
            self.node(&node, false)?;
        }
        Some(())
    }

    fn items(&mut self, items: &'a [SelectItem], output: Output<'_>) -> Option<()> {
        let mut number = 0_usize;
        let mut long = false;
        for item in items {
            if let ExprKind::Star(_) = &item.expr.kind {
                let columns = self.notes.star(item.expr.pos)?.to_vec();
                for column in &columns {
                    let text = self.column_text(column);
                    let own = Some(&*column.name);
                    self.item(number, text, own, &column.name, output, &mut long);
                    number += 1;
                }
                continue;
            }
            let to = output.types.and_then(|types| types.get(number));
            let undecided = self.type_of(&item.expr)? == &DataType::Unknown;
            let node = self.value(&item.expr, to.filter(|_| undecided))?;
            let text = self.aside(|writer| writer.node(&node, true))?;
            let column = match &item.expr.kind {
                ExprKind::Column(_) => self.notes.column(item.expr.pos),
                _ => None,
            };
            let own = column.map(|column| column.name.to_string());
            let own = own.or_else(|| output.hidden.then(|| "?column?".to_owned()));
            let name = match &item.alias {
                Some(alias) => alias.name.clone(),
                None => crate::bind::label(&item.expr),
            };
            self.item(number, text, own.as_deref(), &name, output, &mut long);
            number += 1;
        }
        Some(())
    }

    /// One column of the select list: `own` is what it would be called anyway.
    fn item(
        &mut self,
        number: usize,
        mut text: String,
        own: Option<&str>,
        name: &str,
        output: Output<'_>,
        long: &mut bool,
    ) {
        let name = output
            .names
            .and_then(|names| names.get(number))
            .map_or(name, String::as_str);
        if own != Some(name) {
            text += &format!(" AS {}", quote_ident(name));
        }
        self.out.push_str(if number == 0 { " " } else { ", " });
        let begins_line = text.starts_with('\n');
        if begins_line {
            let kept = self.out.trim_end_matches(' ').len();
            self.out.truncate(kept);
        } else if number > 0 {
            self.line("", -8, 8, 4);
        }
        *long = text.get(1..).is_some_and(|rest| rest.contains('\n'));
        self.out.push_str(&text);
    }

    /// What `work` writes, by itself.
    pub(super) fn aside(&mut self, work: impl FnOnce(&mut Self) -> Option<()>) -> Option<String> {
        let out = std::mem::take(&mut self.out);
        let result = work(self);
        let text = std::mem::replace(&mut self.out, out);
        result.map(|()| text)
    }

    fn group(
        &mut self,
        item: &'a GroupItem,
        outputs: &'a [SelectItem],
        in_sets: bool,
    ) -> Option<()> {
        match item {
            GroupItem::Empty => self.out.push_str("()"),
            GroupItem::Expr(expr) => {
                if in_sets {
                    self.out.push('(');
                }
                self.group_key(expr, outputs)?;
                if in_sets {
                    self.out.push(')');
                }
            }
            GroupItem::List(exprs) => self.group_list(exprs, outputs, true)?,
            GroupItem::Rollup(parts) => self.group_parts("ROLLUP(", parts, outputs)?,
            GroupItem::Cube(parts) => self.group_parts("CUBE(", parts, outputs)?,
            GroupItem::Sets(items) => {
                self.out.push_str("GROUPING SETS (");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.group(item, outputs, true)?;
                }
                self.out.push(')');
            }
        }
        Some(())
    }

    fn group_parts(
        &mut self,
        word: &str,
        parts: &'a [Vec<ast::Expr>],
        outputs: &'a [SelectItem],
    ) -> Option<()> {
        self.out.push_str(word);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.group_list(part, outputs, part.len() > 1)?;
        }
        self.out.push(')');
        Some(())
    }

    fn group_list(
        &mut self,
        exprs: &'a [ast::Expr],
        outputs: &'a [SelectItem],
        enclosed: bool,
    ) -> Option<()> {
        if enclosed {
            self.out.push('(');
        }
        for (index, expr) in exprs.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.group_key(expr, outputs)?;
        }
        if enclosed {
            self.out.push(')');
        }
        Some(())
    }

    /// A key of `GROUP BY`: a column of `FROM` before one of the select list.
    fn group_key(&mut self, expr: &'a ast::Expr, outputs: &'a [SelectItem]) -> Option<()> {
        match &expr.kind {
            ExprKind::Column(_) if self.notes.column(expr.pos).is_some() => self.key(expr),
            _ => self.key_or_output(expr, outputs),
        }
    }

    fn order_by(&mut self, keys: &'a [ast::OrderBy], outputs: &'a [SelectItem]) -> Option<()> {
        for (index, key) in keys.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.key_or_output(&key.expr, outputs)?;
            self.out.push_str(super::call::direction(key));
        }
        Some(())
    }

    fn order_by_number(&mut self, keys: &[ast::OrderBy], names: &[String]) -> Option<()> {
        for (index, key) in keys.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            match &key.expr.kind {
                ExprKind::Number(number) => self.out.push_str(number),
                ExprKind::Column(parts) => {
                    let name = &parts.last()?.name;
                    let at = names.iter().position(|known| known == name)?;
                    self.out.push_str(&(at + 1).to_string());
                }
                _ => return None,
            }
            self.out.push_str(super::call::direction(key));
        }
        Some(())
    }

    /// The names of a query's columns by themselves.
    fn output_names(&self, query: &Query, _: Option<&[String]>) -> Vec<String> {
        match &query.body {
            QueryBody::SetOp { left, .. } => self.output_names(left, None),
            QueryBody::Select(select) => {
                let mut names = Vec::new();
                for item in &select.items {
                    match (&item.expr.kind, &item.alias) {
                        (ExprKind::Star(_), _) => {
                            let columns = self.notes.star(item.expr.pos).unwrap_or_default();
                            names.extend(columns.iter().map(|column| column.name.to_string()));
                        }
                        (_, Some(alias)) => names.push(alias.name.clone()),
                        (_, None) => names.push(crate::bind::label(&item.expr)),
                    }
                }
                names
            }
            QueryBody::Values(rows) => {
                let width = rows.first().map_or(0, Vec::len);
                (1..=width)
                    .map(|number| format!("column{number}"))
                    .collect()
            }
        }
    }

    /// A key that may name or number a column of the select list.
    fn key_or_output(&mut self, expr: &'a ast::Expr, outputs: &'a [SelectItem]) -> Option<()> {
        let meant = match &expr.kind {
            ExprKind::Number(number) => {
                let number: usize = number.parse().ok()?;
                let stars = outputs
                    .iter()
                    .any(|item| matches!(item.expr.kind, ExprKind::Star(_)));
                if stars {
                    let columns: Vec<NamedColumn> = outputs
                        .iter()
                        .filter_map(|item| self.notes.star(item.expr.pos))
                        .flatten()
                        .cloned()
                        .collect();
                    let text = self.column_text(columns.get(number.checked_sub(1)?)?);
                    self.out.push_str(&text);
                    return Some(());
                }
                Some(&outputs.get(number.checked_sub(1)?)?.expr)
            }
            ExprKind::Column(parts) if parts.len() == 1 => {
                let name = &parts.first()?.name;
                let named = outputs.iter().find(|item| match &item.alias {
                    Some(alias) => alias.name == *name,
                    None => {
                        !matches!(item.expr.kind, ExprKind::Star(_))
                            && crate::bind::label(&item.expr) == *name
                    }
                });
                named.map(|item| &item.expr)
            }
            _ => None,
        };
        self.key(meant.unwrap_or(expr))
    }

    /// A key of an order, a group or a partition.
    pub(super) fn key(&mut self, expr: &'a ast::Expr) -> Option<()> {
        let node = self.value(expr, None)?;
        let bare = match &node {
            Node::Word(_) | Node::Const { .. } => true,
            Node::Form(Form::Function, _) => false,
            _ => !self.pretty,
        };
        if !bare {
            self.out.push('(');
        }
        self.node(&node, true)?;
        if !bare {
            self.out.push(')');
        }
        Some(())
    }
}

fn is_set_op(query: &Query) -> bool {
    matches!(query.body, QueryBody::SetOp { .. }) && is_bare(query)
}

/// Nothing stands around the body.
fn is_bare(query: &Query) -> bool {
    query.with.is_none()
        && query.order_by.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.locks.is_empty()
}
