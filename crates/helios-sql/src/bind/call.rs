//! Function calls: which kind of function it is, and what may be written with it.

use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_expr::{Expr, ROW_AS_JSON, SetFunction, catalog, resolve};

use super::Binder;
use super::pending::Slot;
use super::scope::Clause;
use crate::parse::ast::{self, Call, Pos};
use crate::plan::TableFunctionCall;

/// Functions that make JSON of their arguments, for which the names in a row matter.
const MAKES_JSON: [&str; 13] = [
    "row_to_json",
    "to_json",
    "to_jsonb",
    "json_agg",
    "jsonb_agg",
    "json_build_array",
    "jsonb_build_array",
    "json_build_object",
    "jsonb_build_object",
    "json_object_agg",
    "jsonb_object_agg",
    "array_to_json",
    "json_strip_nulls",
];

/// Whether this is a row that is JSON already.
pub(super) fn is_row_as_json(expr: &Expr) -> bool {
    match expr {
        Expr::Call { function, .. } => std::ptr::eq(*function, &ROW_AS_JSON),
        Expr::Subplan { ty, .. } => *ty == DataType::Json,
        // The row that an outer join may not have.
        Expr::Case { otherwise, .. } => otherwise.as_deref().is_some_and(is_row_as_json),
        _ => false,
    }
}

/// A query of a single column that is the row of one of its tables, rewritten to select that as
/// JSON.
fn selecting_json(query: &ast::Query) -> Option<ast::Query> {
    let ast::QueryBody::Select(select) = &query.body else {
        return None;
    };
    let [item] = select.items.as_slice() else {
        return None;
    };
    let ast::ExprKind::Column(parts) = &item.expr.kind else {
        return None;
    };
    let [name] = parts.as_slice() else {
        return None;
    };
    let is_table = select.from.iter().any(|table| match table {
        ast::TableItem::Query { alias, .. } => alias
            .as_ref()
            .and_then(|alias| alias.name.as_ref())
            .is_some_and(|alias| alias.name == name.name),
        _ => false,
    });
    if !is_table {
        return None;
    }
    let mut json = query.clone();
    if let ast::QueryBody::Select(select) = &mut json.body
        && let Some(item) = select.items.first_mut()
    {
        let pos = item.expr.pos;
        let row = std::mem::replace(&mut item.expr.kind, ast::ExprKind::Null);
        let row = ast::Expr { kind: row, pos };
        item.expr.kind = ast::ExprKind::Call(Box::new(Call::plain("row_to_json", vec![row], pos)));
    }
    Some(json)
}

/// A call of a function of `information_schema` by the name that the catalogue has for it; `None` if
/// it is none.
pub(super) fn of_information_schema(call: &Call) -> Option<Call> {
    let schema = call.name.schema.as_ref()?;
    if schema.name != "information_schema" {
        return None;
    }
    let name = format!("{}{}", catalog::INFORMATION_SCHEMA, call.name.name.name);
    catalog::is_known(&name).then(|| {
        let mut call = call.clone();
        call.name.schema = None;
        call.name.name.name = name;
        call
    })
}

impl Binder<'_> {
    pub(super) fn call(&mut self, call: &Call, pos: Pos) -> Result<Expr> {
        let name = call.name.name.name.as_str();
        if let Some(found) = self.users_call(call, pos)? {
            return self.users_value(found, pos);
        }
        if let Some(known) = of_information_schema(call) {
            return self.call(&known, pos);
        }
        if let Some(schema) = &call.name.schema
            && schema.name != "pg_catalog"
        {
            return Err(self.no_schema_function(call, pos));
        }
        if let Some(ordered) = self.in_order(call, pos)? {
            return self.call(&ordered, pos);
        }
        if let Some(named) = call.args.iter().find_map(|arg| arg.name.as_ref()) {
            if call.over.is_some() || call.variadic || catalog::functions(name).is_empty() {
                return Err(self.unsupported("an argument passed by name here", named.pos));
            }
            self.no_aggregate_options(call, pos)?;
            return self.named_call(name, call, pos);
        }
        self.look_at_role(name, pos)?;
        if call.label.is_some() {
            return self.value_function(name, call, pos);
        }
        if name == "merge_action" && call.args.is_empty() {
            return self.merge_action_call(pos);
        }
        if call.within_group && super::hypothetical::is_hypothetical(name) {
            return self.hypothetical(call, pos);
        }
        if call.over.is_some() {
            return self.window_call(call, pos);
        }
        if !catalog::aggregates(name).is_empty() {
            return self.aggregate_call(call, pos);
        }
        self.no_aggregate_options(call, pos)?;
        if !catalog::windows(name).is_empty() && catalog::functions(name).is_empty() {
            return Err(self.fail(
                SqlState::WRONG_OBJECT_TYPE,
                format!("window function {name} requires an OVER clause"),
                pos,
            ));
        }
        if !catalog::set_functions(name).is_empty() && catalog::functions(name).is_empty() {
            return self.set_call(call, pos);
        }
        let mut args = self.call_args(call)?;
        if let ("row_to_json", [row]) = (name, args.as_slice())
            && is_row_as_json(row)
        {
            return args
                .pop()
                .ok_or_else(|| Error::internal("an argument is gone"));
        }
        if catalog::functions(name).is_empty()
            && let Some(field) = self.field_as_call(call, &args, pos)?
        {
            return Ok(field);
        }
        let operands: Vec<&ast::Expr> = call.args.iter().map(|arg| &arg.value).collect();
        let built = self.builder.function(name, args, call.variadic);
        self.place_literal(built, pos, &operands)
    }

    /// `name(positional, name => value)`
    fn named_call(&mut self, name: &str, call: &Call, pos: Pos) -> Result<Expr> {
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        for arg in &call.args {
            let value = self.expr(&arg.value)?;
            match &arg.name {
                Some(name) => named.push((name.name.clone(), value)),
                None if named.is_empty() => positional.push(value),
                None => {
                    return Err(self.fail(
                        SqlState::SYNTAX_ERROR,
                        "positional argument cannot follow named argument",
                        arg.value.pos,
                    ));
                }
            }
        }
        let operands: Vec<&ast::Expr> = call.args.iter().map(|arg| &arg.value).collect();
        let built = self.builder.function_named(name, positional, named);
        self.place_literal(built, pos, &operands)
    }

    /// The arguments, bound.
    pub(super) fn call_args(&mut self, call: &Call) -> Result<Vec<Expr>> {
        let named = MAKES_JSON.contains(&call.name.name.name.as_str());
        let args = call.args.iter();
        args.map(|arg| {
            if named && let Some(row) = self.row_as_json(&arg.value)? {
                return Ok(row);
            }
            if let ast::ExprKind::Star(parts) = &arg.value.kind
                && let [table] = parts.as_slice()
                && let Some(row) = self.whole_row(None, table)?
            {
                return Ok(row);
            }
            self.expr(&arg.value)
        })
        .collect()
    }

    /// The row of a table as JSON, by the names of its columns, if `expr` is one: `t` or `t.*`, or a
    /// subquery that selects just that.
    fn row_as_json(&mut self, expr: &ast::Expr) -> Result<Option<Expr>> {
        let name = match &expr.kind {
            ast::ExprKind::Column(parts) => match parts.as_slice() {
                [name] if self.find_column(name)?.is_none() => name,
                _ => return Ok(None),
            },
            ast::ExprKind::Star(parts) => match parts.as_slice() {
                [name] => name,
                _ => return Ok(None),
            },
            ast::ExprKind::Subquery(query) => {
                let Some(query) = selecting_json(query) else {
                    return Ok(None);
                };
                let subquery = ast::Expr {
                    kind: ast::ExprKind::Subquery(Box::new(query)),
                    pos: expr.pos,
                };
                return self.expr(&subquery).map(Some);
            }
            _ => return Ok(None),
        };
        let Some((level, table)) = self.find_table(None, name)? else {
            return Ok(None);
        };
        if table.scalar {
            return Ok(None);
        }
        let columns = table.columns.clone();
        let absent = table.absent.clone();
        let mut args = Vec::with_capacity(columns.len() * 2);
        for column in columns {
            let label = Value::text(&*column.name);
            args.push(Expr::Literal(label, DataType::Text));
            let value = self.use_column(super::scope::Found { level, column }, name.pos)?;
            args.push(self.place(self.builder.settle(value), name.pos)?);
        }
        let row = Expr::Call {
            function: &ROW_AS_JSON,
            args,
            spread: false,
            ty: DataType::Json,
        };
        self.unless_absent(level, absent, row, name.pos).map(Some)
    }

    /// Refuses set-returning functions bound after there were `before`, inside `what`.
    pub(super) fn no_sets_since(&mut self, before: usize, what: &str, pos: Pos) -> Result<()> {
        if self.level()?.pending.sets.len() == before {
            return Ok(());
        }
        let error = Error::unsupported(format!(
            "set-returning functions are not allowed in {what}"
        ))
        .with_hint(
            "You might be able to move the set-returning function into a LATERAL FROM item.",
        );
        Err(self.at(error, pos))
    }

    /// A function that returns `record` needs to be told its columns.
    pub(super) fn no_definitions(&self, pos: Pos) -> Error {
        self.fail(
            SqlState::SYNTAX_ERROR,
            "a column definition list is required for functions returning \"record\"",
            pos,
        )
    }

    fn no_schema_function(&self, call: &Call, pos: Pos) -> Error {
        let schema = call.name.schema.as_ref().map_or("", |name| &name.name);
        if self.context.catalog.schema(schema).is_none() && schema != "information_schema" {
            return self.fail(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{schema}\" does not exist"),
                pos,
            );
        }
        self.fail(
            SqlState::UNDEFINED_FUNCTION,
            format!("function {} does not exist", call.name),
            pos,
        )
    }

    /// Options that only aggregates have.
    fn no_aggregate_options(&self, call: &Call, pos: Pos) -> Result<()> {
        let name = &call.name.name.name;
        let Some(option) = call.aggregate_option() else {
            return Ok(());
        };
        let known = !catalog::functions(name).is_empty()
            || !catalog::windows(name).is_empty()
            || !catalog::set_functions(name).is_empty();
        if !known {
            // The name is the first thing that is wrong.
            return Err(self.at(resolve::no_function(name, &[]), pos));
        }
        Err(self.fail(
            SqlState::WRONG_OBJECT_TYPE,
            format!("{option} specified, but {name} is not an aggregate function"),
            pos,
        ))
    }

    /// `CURRENT_DATE` and its kin: functions without parentheses.
    fn value_function(&mut self, name: &str, call: &Call, pos: Pos) -> Result<Expr> {
        if let Some(precision) = call.args.first() {
            let digits = self.expr(&precision.value)?;
            let built = self.builder.function(name, vec![digits], false);
            return self.place(built, pos);
        }
        let simple = |function: &str| self.builder.function(function, Vec::new(), false);
        if let ("user" | "current_role" | "current_user", Some(owner)) = (name, self.definer_name())
        {
            return Ok(Expr::Literal(Value::text(owner), DataType::Name));
        }
        let built = match name {
            "current_timestamp" => simple("now"),
            "localtimestamp" => {
                simple("now").and_then(|now| self.builder.cast(now, &DataType::Timestamp(None)))
            }
            "current_date" => simple("now").and_then(|now| self.builder.cast(now, &DataType::Date)),
            "localtime" => simple("now")
                .and_then(|now| self.builder.cast(now, &DataType::Timestamp(None)))
                .and_then(|now| self.builder.cast(now, &DataType::Time(None))),
            "user" | "current_role" => simple("current_user"),
            "current_catalog" => simple("current_database"),
            other => simple(other),
        };
        self.place(built, pos)
    }

    /// A set-returning function in a select list.
    fn set_call(&mut self, call: &Call, pos: Pos) -> Result<Expr> {
        let name = &call.name.name.name;
        let clause = match self.clause() {
            Clause::Select | Clause::OrderBy => None,
            Clause::Having => Some("HAVING"),
            Clause::Plain(clause) => Some(clause),
        };
        if let Some(clause) = clause {
            return Err(self.at(
                Error::unsupported(format!(
                    "set-returning functions are not allowed in {clause}"
                )),
                pos,
            ));
        }
        let inside_aggregate = self
            .levels
            .last()
            .is_some_and(|level| level.pending.in_aggregate);
        if inside_aggregate {
            return Err(self.at(
                Error::unsupported(
                    "aggregate function calls cannot contain set-returning function calls",
                )
                .with_hint(
                    "You might be able to move the set-returning function into a LATERAL \
                         FROM item.",
                ),
                pos,
            ));
        }
        let args = self.call_args(call)?;
        let nested = args.iter().any(|arg| {
            arg.any(&mut |part| {
                matches!(part, Expr::Column { index, .. }
                    if matches!(Slot::of(*index), Slot::Set(_)))
            })
        });
        if nested {
            return Err(self.unsupported("a set-returning function inside another", pos));
        }
        let table = self.table_call(name, args, &call.args, pos)?;
        let mut table = table;
        if table.function.is_some_and(SetFunction::returns_record) {
            return Err(self.at(
                Error::unsupported(format!("could not determine row type for result of {name}"))
                    .with_hint("Call it in FROM, with a column definition list."),
                pos,
            ));
        }
        if table.columns.len() != 1 {
            table.as_record = true;
            table.columns = vec![DataType::Record];
        }
        let [ty] = table.columns.as_slice() else {
            return Err(Error::internal("a row value of several columns"));
        };
        let ty = ty.clone();
        let pending = &mut self.level()?.pending;
        pending.sets.push(table);
        let slot = Slot::Set(pending.sets.len() - 1);
        Ok(Expr::column(slot.number(), ty))
    }

    /// A call of a set-returning function, resolved.
    pub(super) fn table_call(
        &mut self,
        name: &str,
        args: Vec<Expr>,
        written: &[ast::Argument],
        pos: Pos,
    ) -> Result<TableFunctionCall> {
        let types: Vec<DataType> = args.iter().map(|arg| arg.ty().clone()).collect();
        let resolved = self.place(resolve::set_function(name, &types), pos)?;
        let operands: Vec<&ast::Expr> = written.iter().map(|arg| &arg.value).collect();
        let args =
            self.place_literal(self.builder.arguments(&resolved.args, args), pos, &operands)?;
        let output = resolved.entry.output(&resolved.result, &resolved.args);
        Ok(TableFunctionCall {
            function: Some(resolved.entry),
            system: None,
            args,
            ty: resolved.result,
            columns: output.into_iter().map(|(_, ty)| ty).collect(),
            as_record: false,
        })
    }
}
