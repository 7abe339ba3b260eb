//! Rows of tables as values: their types, and what may be written of them besides columns.
//!
//! PostgreSQL takes `row.name` and `name(row)` for the same: a field, or a function of the row.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::{Cast, Expr, catalog};
use helios_table::catalog::{TypeId, is_row_type};

use super::Binder;
use super::routine::field_of;
use super::scope::{Found, ScopeColumn, plan_column};
use crate::parse::ast::{self, Call, ExprKind, Ident, Pos, TableCall};
use crate::plan::{Plan, Project};

/// A field of a row: its name and type.
pub(super) type Field = (Arc<str>, DataType);

impl Binder<'_> {
    /// The row of a table, made of the values of its columns, as a value of the table's type. The
    /// table as it was in the past may have had other columns: then it is a row of no type.
    pub(super) fn typed_row(&self, rows: Option<u32>, fields: Vec<Expr>) -> Expr {
        let row = Expr::Row(fields);
        let catalog = self.context.catalog;
        let made = |oid| Some(catalog.type_by_id(TypeId(oid))?.data_type());
        let ty = rows.and_then(|oid| catalog.row_type(oid).or_else(|| made(oid)));
        let Some(DataType::User(user)) = ty else {
            return row;
        };
        let Expr::Row(fields) = &row else { return row };
        let mut pairs = fields.iter().zip(user.fields());
        let fits = fields.len() == user.fields().len()
            && pairs.all(|(field, (_, ty))| field.ty().same(&ty.base()) || field.ty().same(ty));
        if !fits {
            return row;
        }
        Expr::Cast(Box::new(Cast {
            expr: row,
            to: DataType::User(user),
            explicit: false,
            domain: None,
        }))
    }

    /// `of.part` where no table `of` has a column `part`: a field of an argument of the function
    /// whose body this is, or a function of the table's row. `error` if it is neither.
    pub(super) fn column_otherwise(
        &mut self,
        of: &Ident,
        part: &Ident,
        error: Error,
    ) -> Result<Expr> {
        if error.sqlstate() == SqlState::UNDEFINED_TABLE {
            return match self.argument_called(of) {
                Some(found) => {
                    let record = self.use_column(found, of.pos)?;
                    self.field_of(record, part, of.pos)
                }
                None => Err(error),
            };
        }
        if error.sqlstate() != SqlState::UNDEFINED_COLUMN {
            return Err(error);
        }
        let row = ast::Expr {
            kind: ExprKind::Column(vec![of.clone()]),
            pos: of.pos,
        };
        self.function_of(row, part)?.ok_or(error)
    }

    /// The names and types of the columns of what a call returns, a row of no type.
    ///
    /// # Errors
    /// 0A000 nobody has said what the columns are.
    pub(super) fn columns_returned(&mut self, row: &ast::Expr) -> Result<Vec<Field>> {
        let unknown = "record type has not been registered";
        let columns = self.columns_of_record(row)?;
        columns.ok_or_else(|| self.fail(SqlState::FEATURE_NOT_SUPPORTED, unknown, row.pos))
    }

    /// The columns of a row of no type: what a function returns, or a column of a subquery that is
    /// that.
    fn columns_of_record(&mut self, row: &ast::Expr) -> Result<Option<Vec<Field>>> {
        let parts = match &row.kind {
            ExprKind::Call(call) => return self.columns_called(call, row.pos),
            ExprKind::Column(parts) => parts.as_slice(),
            _ => return Ok(None),
        };
        let found = match parts {
            [name] => self.find_column(name)?,
            [table, name] => self.find_qualified(None, table, name).ok(),
            _ => None,
        };
        let fields = found.and_then(|found| found.column.fields);
        Ok(fields.map(|fields| fields.to_vec()))
    }

    fn columns_called(&mut self, call: &Call, pos: Pos) -> Result<Option<Vec<Field>>> {
        if let Some(known) = super::call::of_information_schema(call) {
            return self.columns_called(&known, pos);
        }
        let subplans = self.subplans.len();
        let name = call.name.name.name.as_str();
        let columns = if let Some(found) = self.users_call(call, pos)? {
            self.result_columns(&found.def)?
        } else if catalog::set_functions(name).is_empty() {
            None
        } else {
            let named = self.table_function(call, pos)?;
            let types = named.call.columns.into_iter();
            Some(named.names.into_iter().zip(types).collect())
        };
        // The call itself is bound elsewhere.
        self.subplans.truncate(subplans);
        let field = |(name, ty): (String, DataType)| (Arc::from(name), ty);
        Ok(columns.map(|columns| columns.into_iter().map(field).collect()))
    }

    /// `(f(…)).field` of what a call returns, a row of no type, or of a column that holds it; `None`
    /// if it is neither, or has no such field.
    pub(super) fn field_returned(
        &mut self,
        row: &ast::Expr,
        record: &Expr,
        field: &Ident,
    ) -> Result<Option<Expr>> {
        if !matches!(record.ty(), DataType::Record) {
            return Ok(None);
        }
        let columns = self.columns_of_record(row)?.unwrap_or_default();
        let mut columns = columns.iter().enumerate();
        let found = columns.find(|(_, (name, _))| **name == *field.name);
        Ok(found.map(|(index, (_, ty))| field_of(record.clone(), index, ty)))
    }

    /// The argument of this name whose values have fields.
    fn argument_called(&self, name: &Ident) -> Option<Found> {
        let level = self.arguments?;
        let columns = &self.levels.get(level)?.scope.columns;
        let named = |column: &&ScopeColumn| *column.name == *name.name && column.expr.ty().is_row();
        let column = columns.iter().find(named)?.clone();
        Some(Found { level, column })
    }

    /// `(row).name` as the user's function `name(row)`; `None` if there is none for it.
    pub(super) fn function_of(&mut self, row: ast::Expr, name: &Ident) -> Result<Option<Expr>> {
        let call = Call::plain(&name.name, vec![row], name.pos);
        if self.users_functions(&call).is_empty() {
            return Ok(None);
        }
        match self.call(&call, name.pos) {
            Err(error) if error.sqlstate() == SqlState::UNDEFINED_FUNCTION => Ok(None),
            found => found.map(Some),
        }
    }

    /// `name(row)`, where no function is called so: the field of that name.
    pub(super) fn field_as_call(
        &mut self,
        call: &Call,
        args: &[Expr],
        pos: Pos,
    ) -> Result<Option<Expr>> {
        let name = &call.name.name;
        let [record] = args else { return Ok(None) };
        match record.ty() {
            DataType::User(user)
                if call.name.schema.is_none()
                    && user.fields().iter().any(|(field, _)| **field == *name.name) =>
            {
                self.field_of(record.clone(), name, pos).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// `unnest` of an array of rows gives their columns. The type of the rows, if it is that.
    pub(super) fn unnested_rows(
        &self,
        plan: Plan,
        calls: &[TableCall],
    ) -> Result<(Plan, Option<u32>)> {
        let unnests = |call: &TableCall| matches!(&call.call.kind, ExprKind::Call(call) if call.name.name.name == "unnest");
        let ([call], [first, rest @ ..]) = (calls, plan.columns()) else {
            return Ok((plan, None));
        };
        let DataType::User(user) = &first.ty else {
            return Ok((plan, None));
        };
        if !unnests(call) || !user.is_composite() || rest.len() > 1 {
            return Ok((plan, None));
        }
        let record = Expr::column(0, first.ty.clone());
        let fields = user.fields().iter().enumerate();
        let mut columns = Vec::new();
        let mut exprs = Vec::new();
        for (index, (name, ty)) in fields {
            let value = field_of(record.clone(), index, ty);
            columns.push(plan_column(name.clone(), &value));
            exprs.push(value);
        }
        // The ordinality.
        for column in rest {
            columns.push(column.clone());
            exprs.push(Expr::column(1, column.ty.clone()));
        }
        let rows = rest.is_empty().then_some(user.oid);
        let project = Project {
            columns,
            exprs,
            input: plan,
        };
        Ok((Plan::Project(Box::new(project)), rows))
    }

    /// Refuses values of a column or a part of another type that are rows of tables.
    pub(super) fn refuse_rows(&self, ty: &DataType, pos: Pos) -> Result<()> {
        self.place(stored_rows(ty), pos)
    }
}

/// The fields of a column that is a row of no type, where the plan tells what is in it.
pub(super) fn record_fields(plan: &Plan, index: usize) -> Option<Arc<[Field]>> {
    match plan {
        Plan::Project(node) => match node.exprs.get(index)? {
            Expr::Column { index, .. } => record_fields(&node.input, *index),
            Expr::Row(fields) => Some(
                fields
                    .iter()
                    .zip(1..)
                    .map(|(field, at)| (Arc::from(format!("f{at}")), field.ty().clone()))
                    .collect(),
            ),
            _ => None,
        },
        Plan::ProjectSet(node) => {
            let Some(at) = index.checked_sub(node.input.columns().len()) else {
                return record_fields(&node.input, index);
            };
            // Each call of a select list is one column.
            let call = node.calls.get(at).filter(|call| call.as_record)?;
            let types: Vec<DataType> = call.args.iter().map(|arg| arg.ty().clone()).collect();
            let output = call.function?.output(&call.ty, &types).into_iter();
            Some(output.map(|(name, ty)| (Arc::from(name), ty)).collect())
        }
        Plan::Filter(node) => record_fields(&node.input, index),
        Plan::Sort(node) => record_fields(&node.input, index),
        Plan::Limit(node) => record_fields(&node.input, index),
        Plan::Distinct(node) => record_fields(&node.input, index),
        Plan::With { input, .. } => record_fields(input, index),
        _ => None,
    }
}

/// Refuses rows of tables where values are stored.
pub(super) fn stored_rows(ty: &DataType) -> Result<()> {
    if is_row_type(ty) {
        return Err(Error::unsupported(format!(
            "storing values of type {ty}, the rows of a table, is not supported"
        ))
        .with_hint("Make a type with these fields with CREATE TYPE … AS, or store jsonb."));
    }
    Ok(())
}

/// Takes fields of rows that are put together where they are read, so that nothing is put together:
/// `(ROW(a, b)::t).b` is `b`.
pub(super) fn fields_of_rows(value: &mut Expr) {
    value.rewrite(&mut |part| {
        let Expr::Field { record, index, ty } = part else {
            return;
        };
        let Expr::Cast(cast) = &**record else { return };
        if let (Expr::Row(fields), None, true) = (&cast.expr, &cast.domain, is_row_type(&cast.to))
            && let Some(field) = fields.get(*index)
            && *field.ty() == *ty
        {
            *part = field.clone();
        }
    });
}
