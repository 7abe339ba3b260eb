//! `json_populate_record` and its kin in `FROM`: rows with the fields of a composite type or
//! of a column definition list.

use helios_base::{ArrayValue, DataType, Result, SqlState, Value};
use helios_expr::Expr;

use super::Binder;
use super::function_table::Named;
use crate::parse::ast::{self, Call, ExprKind, Ident, TypeName};

/// A column's name and type, and what it is where the JSON lacks a member of its name.
type Column = (String, DataType, Expr);

fn null(ty: DataType) -> Expr {
    Expr::Literal(Value::Null, ty)
}

fn empty(name: &str, ty: &DataType) -> Column {
    let ty = ty.base().into_owned();
    (name.to_owned(), ty.clone(), null(ty))
}

impl Binder<'_> {
    /// The call, if it is one of these: as `json_to_record` with the columns of its first argument, or
    /// with those of the query if that argument is of no type in particular.
    pub(super) fn populated(
        &mut self,
        call: &ast::Expr,
        definitions: &[(Ident, TypeName)],
    ) -> Result<Option<Named>> {
        let ExprKind::Call(written) = &call.kind else {
            return Ok(None);
        };
        let ordered = self.in_order(written, call.pos)?;
        let written = ordered.as_ref().unwrap_or(written);
        let (function, [row, json, ..]) =
            (written.name.name.name.as_str(), written.args.as_slice())
        else {
            return Ok(None);
        };
        let function = match function {
            "json_populate_record" => "json_to_record",
            "jsonb_populate_record" => "jsonb_to_record",
            "json_populate_recordset" => "json_to_recordset",
            "jsonb_populate_recordset" => "jsonb_to_recordset",
            _ => return Ok(None),
        };
        let columns = if definitions.is_empty() {
            self.columns_of_row(&row.value)?
        } else {
            self.columns_defined(&row.value, definitions)?
        };
        let plain = Call::plain(function, vec![json.value.clone()], call.pos);
        let mut named = self.table_function(&plain, call.pos)?;
        let names = columns
            .iter()
            .map(|(name, _, _)| Value::text(name.as_str()));
        let names = ArrayValue::one_dimensional(names.collect());
        let texts = DataType::Array(Box::new(DataType::Text));
        named.call.args.push(Expr::Literal(names.into(), texts));
        named.names.clear();
        named.call.columns.clear();
        for (name, ty, base) in columns {
            named.call.args.push(base);
            named.names.push(name);
            named.call.columns.push(ty);
        }
        Ok(Some(named))
    }

    /// The columns that the query defines, for a base of type `record`.
    fn columns_defined(
        &mut self,
        row: &ast::Expr,
        definitions: &[(Ident, TypeName)],
    ) -> Result<Vec<Column>> {
        let base = self.expr(row)?;
        if !matches!(base.ty(), DataType::Record | DataType::Unknown) {
            let at = definitions.first().map_or(row.pos, |(name, _)| name.pos);
            return Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "a column definition list is redundant for a function returning a named composite type",
                at,
            ));
        }
        let mut columns = Vec::with_capacity(definitions.len());
        for (name, ty) in definitions {
            let ty = self.data_type(ty)?;
            columns.push((name.name.clone(), ty.clone(), null(ty)));
        }
        if let Expr::Row(_) = &base {
            // Its fields are called f1, f2 and so on, whatever the list calls them.
            return Err(self
                .unsupported("a row without names as the base of populated rows", row.pos)
                .with_hint("Cast it to a composite type."));
        }
        Ok(columns)
    }

    /// The fields of a value of a composite type or of a table's rows.
    fn columns_of_row(&mut self, row: &ast::Expr) -> Result<Vec<Column>> {
        let value = self.expr(row)?;
        match value.ty() {
            DataType::User(user) if user.is_composite() && value.is_null_literal() => {
                let fields = user.fields().iter();
                Ok(fields.map(|(name, ty)| empty(name, ty)).collect())
            }
            DataType::User(user) if user.is_composite() => {
                let fields = user.fields().iter().enumerate();
                let field = |(index, (name, ty)): (usize, &(std::sync::Arc<str>, DataType))| {
                    let base = Expr::Field {
                        record: Box::new(value.clone()),
                        index,
                        ty: ty.clone(),
                    };
                    (name.to_string(), ty.base().into_owned(), base)
                };
                Ok(fields.map(field).collect())
            }
            _ => Err(self.fail(
                SqlState::DATATYPE_MISMATCH,
                "first argument of json_populate_record must be a row type",
                row.pos,
            )),
        }
    }
}
