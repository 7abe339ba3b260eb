//! Calls: plain ones, those with a grammar of their own, aggregates and windows.

use helios_base::{DataType, RegKind};
use helios_expr::{Expr, Ty, catalog, resolve};

use super::Writer;
use super::node::{Form, Node, Part, listed};
use crate::parse::ast::{self, Call, ExprKind, FrameBound, Ident, Over, Pos, WindowSpec};
use crate::parse::quote_ident;
use crate::plan::{FrameExclude, FrameUnit};

fn text<'a>(text: impl Into<String>) -> Part<'a> {
    Part::Text(text.into())
}

impl<'a> Writer<'a> {
    /// A column by the name that was found for it.
    pub(super) fn column(&self, parts: &'a [Ident], pos: Pos) -> Option<Node<'a>> {
        let Some(column) = self.notes.column(pos) else {
            // The row of a table as a value.
            let table = parts.last()?;
            return Some(Node::Word(format!("{}.*", self.shown_table(&table.name))));
        };
        Some(Node::Word(self.column_text(column)))
    }

    pub(super) fn call(&self, call: &'a Call, pos: Pos) -> Option<Node<'a>> {
        if call.label.is_some() {
            let mut word = call.label?.to_uppercase();
            if let Some(digits) = call.args.first() {
                let ExprKind::Number(digits) = &digits.value.kind else {
                    return None;
                };
                word += &format!("({digits})");
            }
            return Some(Node::Form(Form::Construct, vec![text(word)]));
        }
        let name = call.name.name.name.as_str();
        if let Some(args) = self.notes.arguments(pos) {
            return self.users_call(call, args);
        }
        let types = self.argument_types(call)?;
        if call.syntax
            && let Some(parts) = self.syntax(call, name, &types)
        {
            return Some(Node::Form(Form::Function, parts));
        }
        let mut parts = vec![text(format!("{}(", quote_ident(name)))];
        if call.star {
            parts.push(text("*"));
        }
        if call.distinct {
            parts.push(text("DISTINCT "));
        }
        parts.extend(self.arguments(call, &types)?);
        let plain_order = !call.order_by.is_empty() && !call.within_group;
        if plain_order {
            parts.push(text(" ORDER BY "));
            parts.extend(self.order(&call.order_by)?);
        }
        parts.push(text(")"));
        if call.within_group {
            parts.push(text(" WITHIN GROUP (ORDER BY "));
            parts.extend(self.order(&call.order_by)?);
            parts.push(text(")"));
        }
        if let Some(filter) = &call.filter {
            parts.push(text(" FILTER (WHERE "));
            parts.push(Part::Plain(self.value(filter, Some(&DataType::Bool))?));
            parts.push(text(")"));
        }
        match &call.over {
            Some(Over::Name(window)) => {
                parts.push(text(format!(" OVER {}", quote_ident(&window.name))));
            }
            Some(Over::Spec(spec)) => {
                parts.push(text(" OVER "));
                parts.extend(self.window(spec)?);
            }
            None => {}
        }
        Some(Node::Form(Form::Function, parts))
    }

    /// The arguments, and before those of a function of any number of them of one type, what
    /// PostgreSQL makes of these: an array.
    fn arguments(&self, call: &'a Call, types: &[DataType]) -> Option<Vec<Part<'a>>> {
        let mut parts = Vec::new();
        let gathered = self.gathered(call, types);
        for (index, arg) in call.args.iter().enumerate() {
            if index > 0 {
                parts.push(text(", "));
            }
            if Some(index) == gathered {
                parts.push(text("VARIADIC ARRAY["));
            }
            if call.variadic && index + 1 == call.args.len() {
                parts.push(text("VARIADIC "));
            }
            if let Some(name) = &arg.name {
                parts.push(text(format!("{} => ", quote_ident(&name.name))));
            }
            let to = types.get(index).filter(|_| arg.name.is_none());
            let to = to.filter(|ty| **ty != DataType::Unknown);
            // What nothing decides stays as it is, without a type.
            let undecided = to.is_none() && self.type_of(&arg.value)? == &DataType::Unknown;
            match &arg.value.kind {
                ExprKind::Text(literal) if index == 0 && takes_sequence(call) => {
                    parts.push(text(self.regclass(literal)));
                }
                ExprKind::Text(literal) if undecided && arg.name.is_none() => {
                    parts.push(text(super::constant::quoted(literal)));
                }
                _ => parts.push(Part::Node(self.value(&arg.value, to)?)),
            }
        }
        if gathered.is_some() {
            parts.push(text("]"));
        }
        Some(parts)
    }

    /// The name of a relation as a constant.
    fn regclass(&self, literal: &str) -> String {
        let oid = self.names.find(RegKind::Class, literal).ok();
        let name = oid.and_then(|oid| self.names.name_of(RegKind::Class, oid));
        let name = name.unwrap_or_else(|| literal.to_owned());
        format!("{}::regclass", super::constant::quoted(&name))
    }

    /// The first argument of those that are gathered into an array.
    fn gathered(&self, call: &Call, types: &[DataType]) -> Option<usize> {
        if call.variadic || call.args.iter().any(|arg| arg.name.is_some()) {
            return None;
        }
        let name = call.name.name.name.as_str();
        let own = self.own_types(call)?;
        let resolved = resolve::function(name, &own, false).ok()?;
        let declared = resolved.entry.args();
        let gathers = resolved.entry.is_variadic()
            && types.len() == call.args.len()
            && !matches!(declared.last(), Some(Ty::Any));
        gathers.then(|| declared.len().checked_sub(1)).flatten()
    }

    fn own_types(&self, call: &Call) -> Option<Vec<DataType>> {
        let args = call.args.iter();
        args.map(|arg| self.type_of(&arg.value).cloned()).collect()
    }

    /// The types that the arguments are converted to; `unknown` where any will do.
    fn argument_types(&self, call: &Call) -> Option<Vec<DataType>> {
        let name = call.name.name.name.as_str();
        let mut own = self.own_types(call)?;
        if call.args.iter().any(|arg| arg.name.is_some()) {
            return Some(Vec::new());
        }
        if !catalog::aggregates(name).is_empty() {
            if call.within_group {
                for key in &call.order_by {
                    own.push(self.type_of(&key.expr)?.clone());
                }
            }
            return Some(resolve::aggregate(name, &own).ok()?.args);
        }
        if call.over.is_some() && !catalog::windows(name).is_empty() {
            return Some(resolve::window(name, &own).ok()?.args);
        }
        if let Ok(resolved) = resolve::function(name, &own, call.variadic) {
            return Some(resolved.args);
        }
        if let Ok(resolved) = resolve::set_function(name, &own) {
            return Some(resolved.args);
        }
        Some(own)
    }

    fn users_call(&self, call: &'a Call, args: &[Expr]) -> Option<Node<'a>> {
        let schema = call.name.schema.as_ref().map(|schema| schema.name.as_str());
        let name = call.name.name.name.as_str();
        let catalog = self.names.catalog;
        let found = catalog.resolve_functions(schema, name, self.path);
        let def = found.first()?;
        let seen = catalog.resolve_functions(None, name, self.names.path);
        let mut shown = quote_ident(name).to_string();
        if !seen.iter().any(|seen| seen.id == def.id) {
            shown = format!("{}.{shown}", quote_ident(&def.schema_name));
        }
        let mut nodes = Vec::with_capacity(call.args.len());
        for (index, arg) in call.args.iter().enumerate() {
            let to = args.get(index).map(Expr::ty).filter(|_| arg.name.is_none());
            nodes.push(self.value(&arg.value, to)?);
        }
        Some(Node::call(Form::Function, &shown, nodes))
    }

    /// A call in the grammar of its function.
    fn syntax(&self, call: &'a Call, name: &str, types: &[DataType]) -> Option<Vec<Part<'a>>> {
        let arg = |index: usize| {
            let arg = call.args.get(index)?;
            self.value(&arg.value, types.get(index)).map(Part::Plain)
        };
        let operand = |index: usize| {
            let arg = call.args.get(index)?;
            self.value(&arg.value, types.get(index)).map(Part::Operand)
        };
        let mut parts = Vec::new();
        match (name, call.args.len()) {
            ("extract", 2) => {
                let ExprKind::Text(field) = &call.args.first()?.value.kind else {
                    return None;
                };
                parts.push(text(format!("EXTRACT({field} FROM ")));
                parts.push(arg(1)?);
            }
            ("timezone", 2) => {
                parts.push(text("("));
                parts.push(operand(1)?);
                parts.push(text(" AT TIME ZONE "));
                parts.push(operand(0)?);
            }
            ("overlaps", 4) => {
                parts.push(text("(("));
                for (index, between) in [(0, ", "), (1, ") OVERLAPS ("), (2, ", "), (3, ")")] {
                    parts.push(arg(index)?);
                    parts.push(text(between));
                }
            }
            ("normalize", 1 | 2) => {
                parts.push(text("NORMALIZE("));
                parts.push(arg(0)?);
                if let Some(form) = call.args.get(1) {
                    parts.push(text(format!(", {}", word(&form.value)?)));
                }
            }
            ("is_normalized", 1 | 2) => {
                parts.push(text("("));
                parts.push(operand(0)?);
                parts.push(text(" IS "));
                if let Some(form) = call.args.get(1) {
                    parts.push(text(format!("{} ", word(&form.value)?)));
                }
                parts.push(text("NORMALIZED"));
            }
            ("position", 2) => {
                parts.push(text("POSITION(("));
                parts.push(arg(1)?);
                parts.push(text(") IN ("));
                parts.push(arg(0)?);
                parts.push(text(")"));
            }
            ("overlay", 3 | 4) => {
                let words = ["OVERLAY(", " PLACING ", " FROM ", " FOR "];
                for (index, word) in words.into_iter().take(call.args.len()).enumerate() {
                    parts.push(text(word));
                    parts.push(arg(index)?);
                }
            }
            // With a pattern this is a plain function.
            ("substring", 2 | 3) if types.get(1) == Some(&DataType::Int4) => {
                let words = ["SUBSTRING(", " FROM ", " FOR "];
                for (index, word) in words.into_iter().take(call.args.len()).enumerate() {
                    parts.push(text(word));
                    parts.push(arg(index)?);
                }
            }
            ("btrim" | "ltrim" | "rtrim", 1 | 2) => {
                parts.push(text(match name {
                    "btrim" => "TRIM(BOTH",
                    "ltrim" => "TRIM(LEADING",
                    _ => "TRIM(TRAILING",
                }));
                if call.args.len() == 2 {
                    parts.push(text(" "));
                    parts.push(arg(1)?);
                }
                parts.push(text(" FROM "));
                parts.push(arg(0)?);
            }
            _ => return None,
        }
        parts.push(text(")"));
        Some(parts)
    }

    /// The keys of an order.
    pub(super) fn order(&self, keys: &'a [ast::OrderBy]) -> Option<Vec<Part<'a>>> {
        let mut parts = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            if index > 0 {
                parts.push(text(", "));
            }
            parts.push(Part::Key(&key.expr));
            parts.push(text(direction(key)));
        }
        Some(parts)
    }

    /// A window in parentheses.
    pub(super) fn window(&self, spec: &'a WindowSpec) -> Option<Vec<Part<'a>>> {
        let mut clauses: Vec<Vec<Part<'a>>> = Vec::new();
        if let Some(base) = &spec.base {
            clauses.push(vec![text(quote_ident(&base.name).to_string())]);
        }
        if !spec.partition_by.is_empty() {
            let mut parts = vec![text("PARTITION BY ")];
            for (index, expr) in spec.partition_by.iter().enumerate() {
                if index > 0 {
                    parts.push(text(", "));
                }
                parts.push(Part::Key(expr));
            }
            clauses.push(parts);
        }
        if !spec.order_by.is_empty() {
            let mut parts = vec![text("ORDER BY ")];
            parts.extend(self.order(&spec.order_by)?);
            clauses.push(parts);
        }
        if let Some(frame) = &spec.frame {
            clauses.push(self.frame(frame)?);
        }
        let mut parts = vec![text("(")];
        for (index, clause) in clauses.into_iter().enumerate() {
            if index > 0 {
                parts.push(text(" "));
            }
            parts.extend(clause);
        }
        parts.push(text(")"));
        Some(parts)
    }

    fn frame(&self, frame: &'a ast::Frame) -> Option<Vec<Part<'a>>> {
        let unit = match frame.unit {
            FrameUnit::Rows => "ROWS ",
            FrameUnit::Range => "RANGE ",
            FrameUnit::Groups => "GROUPS ",
        };
        let mut parts = vec![text(unit)];
        // An end that is the current row is what a frame without an end has.
        let short = matches!(frame.end, FrameBound::CurrentRow) && !frame.between;
        if !short {
            parts.push(text("BETWEEN "));
        }
        parts.extend(self.bound(&frame.start)?);
        if !short {
            parts.push(text(" AND "));
            parts.extend(self.bound(&frame.end)?);
        }
        parts.push(text(match frame.exclude {
            FrameExclude::NoOthers => "",
            FrameExclude::CurrentRow => " EXCLUDE CURRENT ROW",
            FrameExclude::Group => " EXCLUDE GROUP",
            FrameExclude::Ties => " EXCLUDE TIES",
        }));
        Some(parts)
    }

    fn bound(&self, bound: &'a FrameBound) -> Option<Vec<Part<'a>>> {
        Some(match bound {
            FrameBound::UnboundedPreceding => vec![text("UNBOUNDED PRECEDING")],
            FrameBound::UnboundedFollowing => vec![text("UNBOUNDED FOLLOWING")],
            FrameBound::CurrentRow => vec![text("CURRENT ROW")],
            FrameBound::Preceding(expr) => {
                vec![Part::Plain(self.value(expr, None)?), text(" PRECEDING")]
            }
            FrameBound::Following(expr) => {
                vec![Part::Plain(self.value(expr, None)?), text(" FOLLOWING")]
            }
        })
    }

    /// `f(a), g(b)` of `ROWS FROM`.
    pub(super) fn calls(&self, calls: &'a [ast::TableCall]) -> Option<Vec<Part<'a>>> {
        let nodes = calls.iter().map(|call| self.table_call(call));
        Some(listed(nodes.collect::<Option<_>>()?))
    }

    /// A function of `FROM`.
    pub(super) fn table_call(&self, call: &'a ast::TableCall) -> Option<Node<'a>> {
        match &call.call.kind {
            ExprKind::Call(written) => self.call(written, call.call.pos),
            _ => self.value(&call.call, None),
        }
    }
}

/// A keyword that the parser has made a literal of.
fn word(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Text(word) => Some(word),
        _ => None,
    }
}

/// Whether the first argument names a sequence.
fn takes_sequence(call: &Call) -> bool {
    matches!(
        call.name.name.name.as_str(),
        "nextval" | "currval" | "setval"
    )
}

/// The direction of a key, as far as it is not what goes without saying.
pub(super) fn direction(key: &ast::OrderBy) -> &'static str {
    match (key.descending, key.nulls_first) {
        (false, Some(true)) => " NULLS FIRST",
        (false, _) => "",
        (true, Some(false)) => " DESC NULLS LAST",
        (true, _) => " DESC",
    }
}
