//! Functions in `FROM`.

use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Error, Result, SqlState, Value};
use helios_expr::catalog;

use super::Binder;
use super::from::Item;
use super::scope::{Clause, Scope};
use crate::parse::ast::{
    Argument, Call, Expr, ExprKind, Ident, Pos, TableAlias, TableCall, TypeName,
};
use crate::plan::{Plan, PlanColumn, TableFunction, TableFunctionCall};

/// A call with the names of its columns; an empty name is the alias's or the function's.
pub(super) struct Named {
    pub(super) call: TableFunctionCall,
    pub(super) names: Vec<String>,
    function: String,
}

impl Named {
    /// Whether the columns are those of a row that the query defined.
    fn is_record(&self) -> bool {
        let function = self.call.function;
        function.is_some_and(helios_expr::SetFunction::returns_record)
    }
}

/// Functions of the system that every role may call.
const EVERYBODYS: &[&str] = &[
    "helios_branches",
    "helios_snapshots",
    "pg_database_branches",
    "pg_get_keywords",
];

impl Binder<'_> {
    pub(super) fn function_item(
        &mut self,
        calls: &[TableCall],
        rows_from: bool,
        ordinality: bool,
        alias: Option<&TableAlias>,
        parent: Option<usize>,
        pos: Pos,
    ) -> Result<Item> {
        if let ([TableCall { call, columns }], false, false) = (calls, rows_from, ordinality)
            && columns.is_empty()
            && let ExprKind::Call(function) = &call.kind
            && function.name.schema.is_none()
            && let Some(format) = super::file_item::reader(&function.name.name.name)
        {
            return self.read_call(function, format, alias, parent, pos);
        }
        self.push_level(Scope::default(), parent);
        self.set_clause(Clause::Plain("functions in FROM"));
        let bound = self.table_calls(calls, rows_from);
        self.pop_level();
        let named = bound?;
        let single = named.len() == 1;
        let alias_name = alias.and_then(|alias| alias.name.clone());
        let shown = alias_name.clone().unwrap_or_else(|| Ident {
            name: named
                .first()
                .map_or_else(String::new, |named| named.function.clone()),
            pos,
        });
        let mut columns: Vec<PlanColumn> = Vec::new();
        for named in &named {
            for (name, ty) in named.names.iter().zip(&named.call.columns) {
                let name: Arc<str> = if !name.is_empty() {
                    name.as_str().into()
                } else if let (true, Some(alias)) = (single, &alias_name) {
                    alias.name.as_str().into()
                } else {
                    named.function.as_str().into()
                };
                columns.push(PlanColumn::new(name, ty.clone()));
            }
        }
        if ordinality {
            let mut column = PlanColumn::new("ordinality", DataType::Int8);
            column.nullable = false;
            columns.push(column);
        }
        // The name of a function that yields plain values is their name too.
        let scalar = single
            && !ordinality
            && named
                .iter()
                .all(|named| named.call.columns.len() == 1 && !named.is_record());
        let plan = Plan::TableFunction(Box::new(TableFunction {
            calls: named.into_iter().map(|named| named.call).collect(),
            ordinality,
            columns,
        }));
        let (plan, rows) = self.unnested_rows(plan, calls)?;
        let mut item = self.aliased(plan, alias, &shown, None, false)?;
        for table in &mut item.scope.tables {
            table.scalar = scalar && rows.is_none();
            table.rows = rows;
        }
        Ok(item)
    }

    fn table_calls(&mut self, calls: &[TableCall], rows_from: bool) -> Result<Vec<Named>> {
        let mut named = Vec::with_capacity(calls.len());
        for TableCall { call, columns } in calls {
            if let Some(populated) = self.populated(call, columns)? {
                named.push(populated);
                continue;
            }
            if let Some(record) = self.record_function(call, columns)? {
                named.push(record);
                continue;
            }
            // `unnest(a, b)` is `ROWS FROM (unnest(a), unnest(b))`.
            if let (ExprKind::Call(function), false) = (&call.kind, rows_from)
                && function.name.name.name == "unnest"
                && function.args.len() > 1
            {
                for arg in &function.args {
                    let mut one = (**function).clone();
                    one.args = vec![arg.clone()];
                    named.push(self.table_function(&one, call.pos)?);
                }
                continue;
            }
            named.push(match &call.kind {
                ExprKind::Call(function) => self.table_function(function, call.pos)?,
                _ => self.scalar_table(call, super::label::label(call))?,
            });
        }
        Ok(named)
    }

    /// A call of a function that returns `record`, whose columns the query defines.
    fn record_function(
        &mut self,
        call: &Expr,
        columns: &[(Ident, TypeName)],
    ) -> Result<Option<Named>> {
        let record = match &call.kind {
            ExprKind::Call(function)
                if catalog::set_functions(&function.name.name.name)
                    .iter()
                    .any(|entry| entry.returns_record()) =>
            {
                Some(function)
            }
            _ => None,
        };
        let Some(function) = record else {
            return match columns.first() {
                Some((column, _)) => Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    "a column definition list is only allowed for functions returning \"record\"",
                    column.pos,
                )),
                None => Ok(None),
            };
        };
        if columns.is_empty() {
            return Err(self.no_definitions(call.pos));
        }
        let mut named = self.table_function(function, call.pos)?;
        let names = columns
            .iter()
            .map(|(name, _)| Value::text(name.name.as_str()));
        let names = ArrayValue::one_dimensional(names.collect());
        let texts = DataType::Array(Box::new(DataType::Text));
        named
            .call
            .args
            .push(helios_expr::Expr::Literal(names.into(), texts));
        named.names.clear();
        named.call.columns.clear();
        for (name, ty) in columns {
            if named.names.contains(&name.name) {
                return Err(self.fail(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column name \"{}\" specified more than once", name.name),
                    name.pos,
                ));
            }
            let ty = self.data_type(ty)?;
            let null = helios_expr::Expr::Literal(Value::Null, ty.clone());
            named.call.args.push(null);
            named.names.push(name.name.clone());
            named.call.columns.push(ty);
        }
        Ok(Some(named))
    }

    pub(super) fn table_function(&mut self, call: &Call, pos: Pos) -> Result<Named> {
        if let Some(known) = super::call::of_information_schema(call) {
            let mut named = self.table_function(&known, pos)?;
            named.function.clone_from(&call.name.name.name);
            return Ok(named);
        }
        let name = call.name.name.name.clone();
        let known = call
            .name
            .schema
            .as_ref()
            .is_none_or(|schema| schema.name == "pg_catalog");
        let plain = !call.star
            && !call.distinct
            && !call.variadic
            && call.order_by.is_empty()
            && call.filter.is_none()
            && call.over.is_none();
        if call.over.is_some() {
            return Err(self.fail(
                SqlState::WINDOWING_ERROR,
                "window functions are not allowed in functions in FROM",
                pos,
            ));
        }
        if known
            && plain
            && let Some(system) = crate::system::functions::find(&name)
        {
            return self.system_function(system, call, pos);
        }
        if !known || !plain || catalog::set_functions(&name).is_empty() {
            let whole = Expr {
                kind: ExprKind::Call(Box::new(call.clone())),
                pos,
            };
            return self.scalar_table(&whole, name);
        }
        if let Some(ordered) = self.in_order(call, pos)? {
            return self.table_function(&ordered, pos);
        }
        if let Some(named) = call.args.iter().find_map(|arg| arg.name.as_ref()) {
            return Err(self.unsupported("an argument passed by name", named.pos));
        }
        let args = call
            .args
            .iter()
            .map(|Argument { value, .. }| self.expr(value))
            .collect::<Result<Vec<_>>>()?;
        let bound = self.table_call(&name, args, &call.args, pos)?;
        let function = bound
            .function
            .ok_or_else(|| Error::internal("table function without function"))?;
        let names = function
            .columns()
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        Ok(Named {
            call: bound,
            names,
            function: name,
        })
    }

    /// A function of the system. Its arguments are taken as text.
    fn system_function(
        &mut self,
        system: &'static crate::system::functions::SystemFunction,
        call: &Call,
        pos: Pos,
    ) -> Result<Named> {
        // They show rows and changes of any table, but for those that show what there is, as pg_database does.
        if self.is_limited() && !EVERYBODYS.contains(&system.name) {
            return Err(self.fail(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied for function {}", system.name),
                pos,
            ));
        }
        let (least, most) = system.args;
        if !(least..=most).contains(&call.args.len()) {
            return Err(self.fail(
                SqlState::UNDEFINED_FUNCTION,
                format!(
                    "function {} does not take {} arguments",
                    system.name,
                    call.args.len()
                ),
                pos,
            ));
        }
        let mut args = Vec::with_capacity(call.args.len());
        for Argument { value, .. } in &call.args {
            let value = self.expr(value)?;
            args.push(self.builder.cast(value, &DataType::Text)?);
        }
        let (names, columns): (Vec<String>, Vec<DataType>) = system
            .columns()
            .map(|(name, ty)| (name.to_owned(), ty))
            .unzip();
        Ok(Named {
            call: TableFunctionCall {
                function: None,
                system: Some(system),
                args,
                ty: DataType::Record,
                columns,
                as_record: false,
            },
            names,
            function: system.name.to_owned(),
        })
    }

    /// A scalar function in the place of a table: one row of one column.
    fn scalar_table(&mut self, expr: &Expr, name: String) -> Result<Named> {
        let value = self.settled(expr)?;
        let ty = value.ty().clone();
        Ok(Named {
            call: TableFunctionCall {
                function: None,
                system: None,
                args: vec![value],
                ty: ty.clone(),
                columns: vec![ty],
                as_record: false,
            },
            names: vec![String::new()],
            function: name,
        })
    }
}
